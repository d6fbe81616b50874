//! Scalar references on the whole domain, for the recipes whose fast range is not everything.
//!
//! Each function runs its recipe over one lane and, if the recipe reports the argument, a slower path. On the
//! fast range it therefore agrees with the recipe bit for bit.

use super::{complex, fmod as remainder, trig};
use crate::lanes::{Lanes, Scalar, Scalar32};
use std::ops::Rem;

/// A number of one lane: `f64` or `f32`.
pub trait Number: Copy + From<f32> + Rem<Output = Self> {
    /// The one-lane implementation.
    type Lane: Lanes<F = Self, M = bool> + Default;

    /// What `recipe` gives on its fast range.
    fn fast<T>(recipe: impl FnOnce(&Self::Lane) -> T) -> Option<T>;

    /// Reduces a finite `|x| ≥ 1` to `n·π/2 + hi − tail`; `n` modulo 4 is in the low bits of the third result.
    fn reduce(self) -> (Self, Self, <Self::Lane as Lanes>::I);

    /// The integer part of `self/y`, rounded to nearest, for quotients beyond the fast range.
    fn large_quotient(self, y: Self) -> Self;
}

impl Number for f64 {
    type Lane = Scalar;

    fn fast<T>(recipe: impl FnOnce(&Scalar) -> T) -> Option<T> {
        let lane = Scalar::new();
        let result = recipe(&lane);
        (!lane.take_outside()).then_some(result)
    }
    fn reduce(self) -> (f64, f64, i64) {
        payne_hanek(self)
    }
    fn large_quotient(self, y: f64) -> f64 {
        let size = large_quotient(self.abs(), y.abs());
        if self.is_sign_negative() == y.is_sign_negative() { size } else { -size }
    }
}

impl Number for f32 {
    type Lane = Scalar32;

    fn fast<T>(recipe: impl FnOnce(&Scalar32) -> T) -> Option<T> {
        let lane = Scalar32::new();
        let result = recipe(&lane);
        (!lane.take_outside()).then_some(result)
    }
    fn reduce(self) -> (f32, f32, i32) {
        let (hi, tail, quadrant) = payne_hanek(f64::from(self));
        let single = hi as f32;
        (single, (tail + (f64::from(single) - hi)) as f32, quadrant as i32)
    }
    /// The quotient of two 24-bit numbers is nearer than `2^−49` to the middle between two others only if it
    /// is that middle, so the second rounding does no harm.
    fn large_quotient(self, y: f32) -> f32 {
        quotient(f64::from(self), f64::from(y)) as f32
    }
}

/// `2/π` after the binary point, most significant word first, behind a word of zeros.
const TWO_OVER_PI: [u64; 21] = [
    0,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d,
];

/// `π/2 · 2^127`, truncated.
const HALF_PI: u128 = 0xc90f_daa2_2168_c234_c4c6_628b_80dc_1cd1;

/// Reduces a finite `|x| ≥ 1` to `n·π/2 + hi − tail`; `n` modulo 4 is the third result.
///
/// Payne and Hanek, "Radian reduction for trigonometric functions" (1983): of `2/π`, only 256 bits matter after those
/// that contribute multiples of four; their product with the mantissa has an error below 2^−200 quarter turns, while
/// no binary64 number is nearer than 2^−62 to a multiple of π/2.
fn payne_hanek(x: f64) -> (f64, f64, i64) {
    let bits = x.to_bits();
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1075;
    // The window of 2/π that starts with weight 2^(2 − exponent), one word of zeros being in front.
    let start = (exponent - 2 + 64) as usize;
    let (word, shift) = (start / 64, start % 64);
    let window = |i: usize| {
        let pair = u128::from(TWO_OVER_PI[word + i]) << 64 | u128::from(TWO_OVER_PI[word + i + 1]);
        (pair >> (64 - shift)) as u64
    };
    // The product modulo four quarter turns, least significant word first.
    let mut product = [0_u64; 4];
    let mut carry = 0_u128;
    for (i, word) in product.iter_mut().enumerate() {
        carry += u128::from(mantissa) * u128::from(window(3 - i));
        *word = carry as u64;
        carry >>= 64;
    }
    let high = u128::from(product[3]) << 64 | u128::from(product[2]);
    let low = u128::from(product[1]) << 64 | u128::from(product[0]);
    let mut quadrant = (high >> 126) as i64;
    // The fraction of a quarter turn, to nearest: in [−1/2, 1/2).
    let (mut high, mut low) = (high << 2 | low >> 126, low << 2);
    let opposite = high >> 127 == 1;
    if opposite {
        quadrant += 1;
        low = low.wrapping_neg();
        high = (!high).wrapping_add(u128::from(low == 0));
    }
    // At most about 62 leading zeros; the 128 bits that follow are ample for hi and tail.
    let zeros = high.leading_zeros();
    let leading = if zeros == 0 { high } else { high << zeros | low >> (128 - zeros) };
    let scaled = multiply_high(leading, HALF_PI);
    let hi = scaled as f64;
    let tail = (hi as u128).wrapping_sub(scaled) as i128 as f64;
    let unit = f64::from_bits(u64::from(1023 - 127 - zeros) << 52);
    let (hi, tail) = (hi * unit, tail * unit);
    let (hi, tail) = if opposite { (-hi, -tail) } else { (hi, tail) };
    if x < 0.0 { (-hi, -tail, -quadrant) } else { (hi, tail, quadrant) }
}

/// The upper half of the product, less one at most.
fn multiply_high(a: u128, b: u128) -> u128 {
    let (a1, a0) = (a >> 64, a & u128::from(u64::MAX));
    let (b1, b0) = (b >> 64, b & u128::from(u64::MAX));
    let (m, n) = (a1 * b0, a0 * b1);
    let middle = (m & u128::from(u64::MAX)) + (n & u128::from(u64::MAX)) + ((a0 * b0) >> 64);
    a1 * b1 + (m >> 64) + (n >> 64) + (middle >> 64)
}

/// [`trig::sincos`] of any number.
pub fn sincos<N: Number>(x: N) -> (N, N) {
    N::fast(|l| trig::sincos(l, x)).unwrap_or_else(|| {
        let (hi, tail, quadrant) = x.reduce();
        trig::sincos_reduced(&N::Lane::default(), hi, tail, quadrant)
    })
}

/// [`trig::sin`] of any number.
pub fn sin<N: Number>(x: N) -> N {
    sincos(x).0
}

/// [`trig::cos`] of any number.
pub fn cos<N: Number>(x: N) -> N {
    sincos(x).1
}

/// [`trig::tan`] of any number.
pub fn tan<N: Number>(x: N) -> N {
    N::fast(|l| trig::tan(l, x)).unwrap_or_else(|| {
        let l = N::Lane::default();
        let (hi, tail, quadrant) = x.reduce();
        trig::tan_reduced(&l, hi, tail, l.iadd(quadrant, l.i(1)))
    })
}

/// [`complex::exp_cos`] of any numbers.
pub fn exp_cos<N: Number>(x: N, y: N) -> N {
    N::fast(|l| complex::exp_cos(l, x, y)).unwrap_or_else(|| exponential(x, y).0)
}

/// [`complex::exp_sin`] of any numbers.
pub fn exp_sin<N: Number>(x: N, y: N) -> N {
    N::fast(|l| complex::exp_sin(l, x, y)).unwrap_or_else(|| exponential(x, y).1)
}

/// Both parts of `e^(x + iy)` for a finite y beyond the fast range.
fn exponential<N: Number>(x: N, y: N) -> (N, N) {
    let (hi, tail, quadrant) = y.reduce();
    complex::exponential_reduced(&N::Lane::default(), x, y, hi, tail, quadrant)
}

/// [`fmod`](remainder::fmod) of any numbers.
pub fn fmod<N: Number>(x: N, y: N) -> N {
    N::fast(|l| remainder::fmod(l, x, y)).unwrap_or_else(|| x % y)
}

/// [`modulo`](remainder::modulo) of any numbers.
pub fn modulo<N: Number>(x: N, y: N) -> N {
    remainder::floored(&N::Lane::default(), fmod(x, y), y)
}

/// [`quotient`](remainder::quotient) of any numbers.
pub fn quotient<N: Number>(x: N, y: N) -> N {
    N::fast(|l| remainder::quotient(l, x, y)).unwrap_or_else(|| x.large_quotient(y))
}

/// The integer part of `x/y`, rounded to the nearest binary64 number, for positive finite arguments with `x/y ≥ 2^52`.
fn large_quotient(x: f64, y: f64) -> f64 {
    let ((a, e), (b, f)) = (normalised(x), normalised(y));
    // a/b is between 1/2 and 2, so x/y = a/b · 2^left with left ≥ 52; 74 bits after the point of a/b are ample.
    let left = e - f;
    let taken = left.min(74) as u32;
    let numerator = u128::from(a) << taken;
    let (whole, rest) = (numerator / u128::from(b), numerator % u128::from(b));
    // What follows is a sticky bit: the integer part of rest/b · 2^(left − taken).
    let further = (left as u32 - taken).min(64);
    let sticky = u128::from(rest << further >= u128::from(b));
    // The conversion rounds to nearest even; whole has at least 52 bits, the doubled value one more.
    let rounded = if further == 0 { whole as f64 } else { (whole << 1 | sticky) as f64 * 0.5 };
    scale(rounded, left as u32 - taken)
}

/// `m · 2^e` with `2^52 ≤ m < 2^53`.
fn normalised(x: f64) -> (u64, i32) {
    let bits = x.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    if exponent > 0 {
        return (fraction | 1 << 52, exponent - 1075);
    }
    let shift = fraction.leading_zeros() - 11;
    (fraction << shift, -1074 - shift as i32)
}

/// `x · 2^by`, infinite on overflow.
fn scale(mut x: f64, mut by: u32) -> f64 {
    while by > 0 {
        let step = by.min(1000);
        x *= f64::from_bits(u64::from(1023 + step) << 52);
        by -= step;
    }
    x
}
