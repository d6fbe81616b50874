//! The arithmetic of one lane group.
//!
//! A *recipe* is a straight-line function that is generic over [`Lanes`]. Run over [`Scalar`] it is the reference
//! implementation of an operation; recorded by the compiler it is the code that every tier emits. That is why
//! the tiers agree bit for bit, and why the accuracy of a function is measured once.
//!
//! The trait holds what every target has or can emulate cheaply, and nothing else: no conversion between
//! floating point and integers (add `1.5 · 2^52` and bit-cast), no per-lane shift amounts, no integer multiply.

use std::cell::Cell;

/// Operations on a group of binary64 lanes, its masks and its 64-bit integer lanes.
///
/// Floating-point operations are IEEE 754 binary64, round to nearest even, one rounding each. NaN payloads and
/// signs are not part of the contract: a recipe must not let them reach a result that is not a NaN.
pub trait Lanes {
    /// One binary64 number per lane.
    type F: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// One 64-bit two's complement integer per lane.
    type I: Copy;

    /// The same number in every lane.
    fn f(&self, value: f64) -> Self::F;
    /// The same integer in every lane.
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
    /// Shift left by a constant below 64.
    fn shl(&self, a: Self::I, by: u32) -> Self::I;
    /// Logical shift right by a constant below 64.
    fn shr(&self, a: Self::I, by: u32) -> Self::I;
    /// `a > b`, signed.
    fn igt(&self, a: Self::I, b: Self::I) -> Self::M;
    /// `a = b`.
    fn ieq(&self, a: Self::I, b: Self::I) -> Self::M;
    /// The bits of `a` as an integer.
    fn bits(&self, a: Self::F) -> Self::I;
    /// The number whose bits are `a`.
    fn float(&self, a: Self::I) -> Self::F;

    /// `table[index mod table.len()]`; the length is a power of two.
    fn lookup(&self, table: &'static [f64], index: Self::I) -> Self::F;

    /// The number that stands in every lane, if this implementation knows it before the lanes run.
    fn constant(&self, _a: Self::F) -> Option<f64> {
        None
    }

    /// Reports the lanes of `m` as outside the fast range of the recipe that runs: their results do not count
    /// and are computed again on the full-range path.
    fn outside(&self, m: Self::M);

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

/// The one-lane implementation: plain `f64`, `bool` and `i64`.
#[derive(Debug, Default)]
pub struct Scalar {
    outside: Cell<bool>,
}

impl Scalar {
    /// A lane that has reported nothing yet.
    pub fn new() -> Scalar {
        Scalar::default()
    }

    /// Whether a recipe reported its argument as outside its fast range since the last call; resets the report.
    pub fn take_outside(&self) -> bool {
        self.outside.replace(false)
    }
}

impl Lanes for Scalar {
    type F = f64;
    type M = bool;
    type I = i64;

    #[inline]
    fn f(&self, value: f64) -> f64 {
        value
    }
    #[inline]
    fn i(&self, value: i64) -> i64 {
        value
    }
    #[inline]
    fn add(&self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline]
    fn sub(&self, a: f64, b: f64) -> f64 {
        a - b
    }
    #[inline]
    fn mul(&self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline]
    fn div(&self, a: f64, b: f64) -> f64 {
        a / b
    }
    #[inline]
    fn sqrt(&self, a: f64) -> f64 {
        a.sqrt()
    }
    #[inline]
    fn fma(&self, a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    #[inline]
    fn abs(&self, a: f64) -> f64 {
        a.abs()
    }
    #[inline]
    fn neg(&self, a: f64) -> f64 {
        -a
    }
    #[inline]
    fn round_even(&self, a: f64) -> f64 {
        a.round_ties_even()
    }
    #[inline]
    fn floor(&self, a: f64) -> f64 {
        a.floor()
    }
    #[inline]
    fn ceil(&self, a: f64) -> f64 {
        a.ceil()
    }
    #[inline]
    fn trunc(&self, a: f64) -> f64 {
        a.trunc()
    }
    #[inline]
    fn lt(&self, a: f64, b: f64) -> bool {
        a < b
    }
    #[inline]
    fn le(&self, a: f64, b: f64) -> bool {
        a <= b
    }
    #[inline]
    fn eq(&self, a: f64, b: f64) -> bool {
        a == b
    }
    #[inline]
    fn ne(&self, a: f64, b: f64) -> bool {
        a != b
    }
    #[inline]
    fn select(&self, m: bool, a: f64, b: f64) -> f64 {
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
    fn iadd(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
    #[inline]
    fn isub(&self, a: i64, b: i64) -> i64 {
        a.wrapping_sub(b)
    }
    #[inline]
    fn iand(&self, a: i64, b: i64) -> i64 {
        a & b
    }
    #[inline]
    fn ior(&self, a: i64, b: i64) -> i64 {
        a | b
    }
    #[inline]
    fn ixor(&self, a: i64, b: i64) -> i64 {
        a ^ b
    }
    #[inline]
    fn shl(&self, a: i64, by: u32) -> i64 {
        a << by
    }
    #[inline]
    fn shr(&self, a: i64, by: u32) -> i64 {
        ((a as u64) >> by) as i64
    }
    #[inline]
    fn igt(&self, a: i64, b: i64) -> bool {
        a > b
    }
    #[inline]
    fn ieq(&self, a: i64, b: i64) -> bool {
        a == b
    }
    #[inline]
    fn bits(&self, a: f64) -> i64 {
        a.to_bits() as i64
    }
    #[inline]
    fn float(&self, a: i64) -> f64 {
        f64::from_bits(a as u64)
    }
    #[inline]
    fn lookup(&self, table: &'static [f64], index: i64) -> f64 {
        table[index as usize & (table.len() - 1)]
    }
    #[inline]
    fn outside(&self, m: bool) {
        if m {
            self.outside.set(true);
        }
    }
}
