//! The arithmetic of one lane group.
//!
//! A *recipe* is a straight-line function that is generic over [`Lanes`]. Run over [`Scalar`] it is the reference
//! implementation of an operation; recorded by the compiler it is the code that every tier emits. That is why
//! the tiers agree bit for bit, and why the accuracy of a function is measured once.
//!
//! The trait holds what every target has or can emulate cheaply, and nothing else: no conversion between
//! floating point and integers (add `1.5 · 2^52` and bit-cast), no per-lane shift amounts, no integer multiply.
//!
//! A recipe may have a *fast range*, beyond which it reports its operands instead of computing with them. Over lanes that
//! are [complete](Lanes::complete) it covers all operands, by more instructions, and reports nothing.
//!
//! Lanes are binary64 or binary32 ([`Precision`]). The public recipes look at that and have a body for each.

use std::cell::Cell;
use std::fmt;

/// The number format of lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// binary64, with 64-bit integer lanes.
    #[default]
    Double,
    /// binary32, with 32-bit integer lanes.
    Single,
}

impl Precision {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::Double => 8,
            Precision::Single => 4,
        }
    }

    /// `value` rounded to the format.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Precision::Double => value,
            Precision::Single => f64::from(value as f32),
        }
    }

    /// The bits of `value`, rounded to the format; all NaNs are the canonical one.
    pub fn bits(self, value: f64) -> u64 {
        match (self, value.is_nan()) {
            (Precision::Double, true) => 0x7FF8_0000_0000_0000,
            (Precision::Double, false) => value.to_bits(),
            (Precision::Single, true) => 0x7FC0_0000,
            (Precision::Single, false) => (value as f32).to_bits().into(),
        }
    }

    /// The bits of a number, or of an integer of its size, as they fill 64 bits of a vector.
    pub fn repeated(self, bits: u64) -> u64 {
        match self {
            Precision::Double => bits,
            Precision::Single => bits << 32 | bits & 0xFFFF_FFFF,
        }
    }

    /// The number with these bits.
    pub fn number(self, bits: u64) -> f64 {
        match self {
            Precision::Double => f64::from_bits(bits),
            Precision::Single => f32::from_bits(bits as u32).into(),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::Double => "f64",
            Precision::Single => "f32",
        })
    }
}

/// Operations on a group of lanes, its masks and its integer lanes.
///
/// Floating-point operations are IEEE 754, in the format of [`precision`](Lanes::precision), round to nearest
/// even, one rounding each, `fma` included. Integer lanes are as wide as the numbers. NaN payloads and signs
/// are not part of the contract: a recipe must not let them reach a result that is not a NaN.
pub trait Lanes {
    /// One number per lane.
    type F: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// One two's complement integer per lane, as wide as a number.
    type I: Copy;

    /// The number format.
    fn precision(&self) -> Precision {
        Precision::Double
    }

    /// One number in every lane: `value` rounded to the number format.
    fn f(&self, value: f64) -> Self::F;
    /// One integer in every lane: the low bits of `value`, as many as an integer lane has.
    fn i(&self, value: i64) -> Self::I;

    /// `a + b`.
    fn add(&self, a: Self::F, b: Self::F) -> Self::F;
    /// `a − b`.
    fn sub(&self, a: Self::F, b: Self::F) -> Self::F;
    /// `a × b`.
    fn mul(&self, a: Self::F, b: Self::F) -> Self::F;
    /// `a ÷ b`.
    fn div(&self, a: Self::F, b: Self::F) -> Self::F;
    /// `√a`.
    fn sqrt(&self, a: Self::F) -> Self::F;
    /// `a × b + c` with a single rounding.
    fn fma(&self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a` with the sign bit cleared.
    fn abs(&self, a: Self::F) -> Self::F;
    /// `a` with the sign bit flipped.
    fn neg(&self, a: Self::F) -> Self::F;
    /// The nearest integer, ties to even; keeps the sign of zero.
    fn round_even(&self, a: Self::F) -> Self::F;
    /// The largest integer not above `a`.
    fn floor(&self, a: Self::F) -> Self::F;
    /// The smallest integer not below `a`.
    fn ceil(&self, a: Self::F) -> Self::F;
    /// The integer part of `a`.
    fn trunc(&self, a: Self::F) -> Self::F;

    /// `a < b`; false if either is NaN.
    fn lt(&self, a: Self::F, b: Self::F) -> Self::M;
    /// `a ≤ b`; false if either is NaN.
    fn le(&self, a: Self::F, b: Self::F) -> Self::M;
    /// `a = b`; false if either is NaN.
    fn eq(&self, a: Self::F, b: Self::F) -> Self::M;
    /// `a ≠ b`; true if either is NaN.
    fn ne(&self, a: Self::F, b: Self::F) -> Self::M;
    /// `if m then a else b`, lane by lane.
    fn select(&self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;

    /// A mask with the same truth value in every lane.
    fn m(&self, value: bool) -> Self::M;
    /// Both.
    fn and(&self, a: Self::M, b: Self::M) -> Self::M;
    /// Either.
    fn or(&self, a: Self::M, b: Self::M) -> Self::M;
    /// The opposite.
    fn not(&self, a: Self::M) -> Self::M;

    /// Wrapping sum.
    fn iadd(&self, a: Self::I, b: Self::I) -> Self::I;
    /// Wrapping difference.
    fn isub(&self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise and.
    fn iand(&self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise or.
    fn ior(&self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise exclusive or.
    fn ixor(&self, a: Self::I, b: Self::I) -> Self::I;
    /// Shift left by a constant below the number of bits.
    fn shl(&self, a: Self::I, by: u32) -> Self::I;
    /// Logical shift right by a constant below the number of bits.
    fn shr(&self, a: Self::I, by: u32) -> Self::I;
    /// `a > b`, signed.
    fn igt(&self, a: Self::I, b: Self::I) -> Self::M;
    /// `a = b`.
    fn ieq(&self, a: Self::I, b: Self::I) -> Self::M;
    /// The bits of `a` as an integer.
    fn bits(&self, a: Self::F) -> Self::I;
    /// The number whose bits are `a`.
    fn float(&self, a: Self::I) -> Self::F;

    /// `table[index mod table.len()]`, rounded to the number format; the length is a power of two.
    fn lookup(&self, table: &'static [f64], index: Self::I) -> Self::F;

    /// The number that stands in every lane, exactly, if this implementation knows it before the lanes run.
    fn constant(&self, _a: Self::F) -> Option<f64> {
        None
    }

    /// The number, where there is one lane and it has run. No recipe looks at it; operations on arrays do, to find an element by its
    /// index at once.
    fn present(&self, _a: Self::F) -> Option<f64> {
        None
    }

    /// Whether recipes are to be right for all operands. Else they may [report](Lanes::outside) some, which is faster for
    /// the others; on those they give the same bits either way.
    fn complete(&self) -> bool {
        false
    }

    /// Reports the lanes of `m` as outside the fast range of the recipe that runs: their results do not count and are
    /// computed again by [complete](Lanes::complete) recipes.
    fn outside(&self, m: Self::M);

    /// The last of the numbers `first`, `step(first)`, `step(step(first))`, …, lane by lane: the first one for which `goes`
    /// does not hold. There has to be one for every number, NaN included.
    fn iterate(
        &self,
        first: Self::F,
        goes: impl Fn(Self::F) -> Self::M,
        step: impl Fn(Self::F) -> Self::F,
    ) -> Self::F;

    /// `a > b`; false if either is NaN.
    fn gt(&self, a: Self::F, b: Self::F) -> Self::M {
        self.lt(b, a)
    }
    /// `a ≥ b`; false if either is NaN.
    fn ge(&self, a: Self::F, b: Self::F) -> Self::M {
        self.le(b, a)
    }
    /// Whether `a` is a NaN.
    fn is_nan(&self, a: Self::F) -> Self::M {
        self.ne(a, a)
    }
    /// `if m then a else b` on integer lanes.
    fn iselect(&self, m: Self::M, a: Self::I, b: Self::I) -> Self::I {
        self.bits(self.select(m, self.float(a), self.float(b)))
    }
}

/// Makes a one-lane implementation.
macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident: $precision:expr, $float:ty, $integer:ty, $bits:ty) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            outside: Cell<bool>,
            complete: bool,
        }

        impl $name {
            /// A lane that has reported nothing yet.
            pub fn new() -> $name {
                $name::default()
            }

            /// A lane whose recipes are right for all operands.
            pub fn completing() -> $name {
                $name { complete: true, ..$name::default() }
            }

            /// Whether a recipe reported its argument as outside its fast range since the last call; resets the
            /// report.
            pub fn take_outside(&self) -> bool {
                self.outside.replace(false)
            }
        }

        impl Lanes for $name {
            type F = $float;
            type M = bool;
            type I = $integer;

            #[inline]
            fn precision(&self) -> Precision {
                $precision
            }
            #[inline]
            fn f(&self, value: f64) -> $float {
                value as $float
            }
            #[inline]
            fn i(&self, value: i64) -> $integer {
                value as $integer
            }
            #[inline]
            fn present(&self, a: $float) -> Option<f64> {
                Some(a.into())
            }
            #[inline]
            fn add(&self, a: $float, b: $float) -> $float {
                a + b
            }
            #[inline]
            fn sub(&self, a: $float, b: $float) -> $float {
                a - b
            }
            #[inline]
            fn mul(&self, a: $float, b: $float) -> $float {
                a * b
            }
            #[inline]
            fn div(&self, a: $float, b: $float) -> $float {
                a / b
            }
            #[inline]
            fn sqrt(&self, a: $float) -> $float {
                a.sqrt()
            }
            #[inline]
            fn fma(&self, a: $float, b: $float, c: $float) -> $float {
                a.mul_add(b, c)
            }
            #[inline]
            fn abs(&self, a: $float) -> $float {
                a.abs()
            }
            #[inline]
            fn neg(&self, a: $float) -> $float {
                -a
            }
            #[inline]
            fn round_even(&self, a: $float) -> $float {
                a.round_ties_even()
            }
            #[inline]
            fn floor(&self, a: $float) -> $float {
                a.floor()
            }
            #[inline]
            fn ceil(&self, a: $float) -> $float {
                a.ceil()
            }
            #[inline]
            fn trunc(&self, a: $float) -> $float {
                a.trunc()
            }
            #[inline]
            fn lt(&self, a: $float, b: $float) -> bool {
                a < b
            }
            #[inline]
            fn le(&self, a: $float, b: $float) -> bool {
                a <= b
            }
            #[inline]
            fn eq(&self, a: $float, b: $float) -> bool {
                a == b
            }
            #[inline]
            fn ne(&self, a: $float, b: $float) -> bool {
                a != b
            }
            #[inline]
            fn select(&self, m: bool, a: $float, b: $float) -> $float {
                if m { a } else { b }
            }
            #[inline]
            fn m(&self, value: bool) -> bool {
                value
            }
            #[inline]
            fn and(&self, a: bool, b: bool) -> bool {
                a & b
            }
            #[inline]
            fn or(&self, a: bool, b: bool) -> bool {
                a | b
            }
            #[inline]
            fn not(&self, a: bool) -> bool {
                !a
            }
            #[inline]
            fn iadd(&self, a: $integer, b: $integer) -> $integer {
                a.wrapping_add(b)
            }
            #[inline]
            fn isub(&self, a: $integer, b: $integer) -> $integer {
                a.wrapping_sub(b)
            }
            #[inline]
            fn iand(&self, a: $integer, b: $integer) -> $integer {
                a & b
            }
            #[inline]
            fn ior(&self, a: $integer, b: $integer) -> $integer {
                a | b
            }
            #[inline]
            fn ixor(&self, a: $integer, b: $integer) -> $integer {
                a ^ b
            }
            #[inline]
            fn shl(&self, a: $integer, by: u32) -> $integer {
                a << by
            }
            #[inline]
            fn shr(&self, a: $integer, by: u32) -> $integer {
                ((a as $bits) >> by) as $integer
            }
            #[inline]
            fn igt(&self, a: $integer, b: $integer) -> bool {
                a > b
            }
            #[inline]
            fn ieq(&self, a: $integer, b: $integer) -> bool {
                a == b
            }
            #[inline]
            fn bits(&self, a: $float) -> $integer {
                a.to_bits() as $integer
            }
            #[inline]
            fn float(&self, a: $integer) -> $float {
                <$float>::from_bits(a as $bits)
            }
            #[inline]
            fn lookup(&self, table: &'static [f64], index: $integer) -> $float {
                table[index as usize & (table.len() - 1)] as $float
            }
            #[inline]
            fn complete(&self) -> bool {
                self.complete
            }
            #[inline]
            fn outside(&self, m: bool) {
                if m {
                    self.outside.set(true);
                }
            }
            #[inline]
            fn iterate(
                &self,
                first: $float,
                goes: impl Fn($float) -> bool,
                step: impl Fn($float) -> $float,
            ) -> $float {
                let mut last = first;
                while goes(last) {
                    last = step(last);
                }
                last
            }
        }
    };
}

scalar! {
    /// The one-lane implementation of binary64: plain `f64`, `bool` and `i64`.
    Scalar: Precision::Double, f64, i64, u64
}

scalar! {
    /// The one-lane implementation of binary32: plain `f32`, `bool` and `i32`.
    Scalar32: Precision::Single, f32, i32, u32
}
