//! Sine, cosine and tangent.
//!
//! All three subtract the nearest multiple `n·π/2` and evaluate polynomials on `[−π/4, π/4]`. For `|x| ≤ 2^26` (binary32:
//! 2^25) that is done by Cody and Waite's method, beyond by Payne and Hanek's (`large_angle`).

use super::format::by_format;
use super::large_angle;
use super::poly::{by_pairs, flip, sign_bit};
use super::single;
use crate::lanes::{Lanes, Precision};

/// The largest argument of the fast range, `2^26`.
pub const FAST_LIMIT: f64 = 67_108_864.0;

/// The largest argument of the fast range in binary32, `2^25`.
pub const FAST_LIMIT_SINGLE: f32 = 33_554_432.0;

/// `1.5 · 2^52`: a sum with it is rounded to an integer, found in the low bits.
const INTEGER: f64 = 6_755_399_441_055_744.0;
const TWO_OVER_PI: f64 = std::f64::consts::FRAC_2_PI;

/// `π/2 = PI_2_A + PI_2_B + PI_2_C + 2^−141.8`: 53 bits, 27 bits, 53 bits. See [`reduce`] for why B is short.
const PI_2_A: f64 = std::f64::consts::FRAC_PI_2;
const PI_2_B: f64 = 6.123_234_014_771_656e-17;
const PI_2_C: f64 = -1.903_488_962_019_326_6e-25;

/// `sin r ≈ r − r³·Σ SIN[i]·r^2i` on `[−π/4, π/4]`, relative error below 2^−57.8 (Sollya `fpminimax`, coefficients
/// in binary64, the first term fixed at r).
const SIN: [f64; 6] = [
    0.1666666666666663,
    -0.008333333333321924,
    0.0001984126982946498,
    -2.7557313585037963e-06,
    2.505074281606674e-08,
    -1.589597516809864e-10,
];

/// `cos r ≈ 1 − r²/2 + r⁴·Σ COS[i]·r^2i` on `[−π/4, π/4]`, relative error below 2^−63.9 (Sollya `fpminimax`, the
/// first two terms fixed).
const COS: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873348,
    2.48015872890081e-05,
    -2.7557314219061697e-07,
    2.0875705690062727e-09,
    -1.1358764907666355e-11,
];

/// `2·tan(r/2) ≈ r − r³·Σ HALF_TAN[i]·r^2i` on `[−π/4, π/4]`, relative error below 2^−58.7 (Sollya `fpminimax`, the
/// first term fixed at r).
const HALF_TAN: [f64; 9] = [
    -0.08333333333333376,
    -0.00833333333330573,
    -0.0008432539688697292,
    -8.542768287099523e-05,
    -8.655544877731084e-06,
    -8.768307475754316e-07,
    -8.920591338487353e-08,
    -8.531570332863838e-09,
    -1.253981548220742e-09,
];

/// `x = n·π/2 + hi − tail` with `|hi| ≤ π/4` or a hair more and `|tail| ≤ ulp(hi)` unless `hi` cancels; the low bits
/// of the third result are `n + shift`.
///
/// Beyond the fast range finite numbers are reported, or reduced by another method where lanes are complete. Infinities and
/// NaN become NaN.
#[inline]
pub(super) fn reduce<L: Lanes>(l: &L, x: L::F, shift: f64) -> (L::F, L::F, L::I) {
    let size = l.abs(x);
    let limit = l.f(by_format(l, FAST_LIMIT, f64::from(FAST_LIMIT_SINGLE)));
    let large = l.and(l.lt(limit, size), l.lt(size, l.f(f64::INFINITY)));
    if !l.complete() {
        l.outside(large);
    }
    let (hi, tail, quadrant) = match l.precision() {
        Precision::Double => reduce_double(l, x, shift),
        Precision::Single => single::trig::reduce(l, x, shift),
    };
    if !l.complete() {
        return (hi, tail, quadrant);
    }
    let (far_hi, far_tail, far_quadrant) = large_angle::reduce(l, x, shift);
    (l.select(large, far_hi, hi), l.select(large, far_tail, tail), l.iselect(large, far_quadrant, quadrant))
}

/// [`reduce`] in binary64 on the fast range. Right for `|x| ≤ 2^26`: `hi − tail` is off by at most 0.06 · 2^−53 of itself,
/// even at the arguments nearest to multiples of π/2 (tried: the numbers next to all 43 million multiples).
///
/// The first `fma` is exact: its result is a multiple of 2^−53 below 1. The product of n and B is exact because
/// 26 and 27 bits fit; so where the second `fma` cancels it is exact, and elsewhere its rounding error is
/// recovered by the next two operations (Fast2Sum). C needs no care.
#[inline]
fn reduce_double<L: Lanes>(l: &L, x: L::F, shift: f64) -> (L::F, L::F, L::I) {
    let rounded = l.fma(x, l.f(TWO_OVER_PI), l.f(INTEGER + shift));
    let n = l.sub(rounded, l.f(INTEGER + shift));
    let a = l.fma(n, l.f(-PI_2_A), x);
    let hi = l.fma(n, l.f(-PI_2_B), a);
    let tail = l.fma(n, l.f(PI_2_B), l.sub(hi, a));
    let tail = l.fma(n, l.f(PI_2_C), tail);
    (hi, tail, l.bits(rounded))
}

/// Sine and cosine of `hi − tail`, `|hi| ≤ π/4`.
#[inline]
fn kernels<L: Lanes>(l: &L, hi: L::F, tail: L::F) -> (L::F, L::F) {
    let kernels = unrounded_kernels(l, hi, tail);
    (kernels.sin, kernels.cos)
}

/// Sine and cosine of `hi − tail`, and what their last operation rounds.
pub(super) struct Kernels<L: Lanes> {
    /// `hi − cubic`, rounded.
    pub(super) sin: L::F,
    pub(super) cubic: L::F,
    /// `top + rest`, rounded.
    pub(super) cos: L::F,
    pub(super) top: L::F,
    pub(super) rest: L::F,
}

/// Sine and cosine of `hi − tail`, `|hi| ≤ π/4`, with their parts.
#[inline]
pub(super) fn unrounded_kernels<L: Lanes>(l: &L, hi: L::F, tail: L::F) -> Kernels<L> {
    let (sine, cosine): (&[f64], &[f64]) =
        by_format(l, (&SIN, &COS), (&single::trig::SIN, &single::trig::COS));
    let s = l.mul(hi, hi);
    let s2 = l.mul(s, s);
    // cos: the rounding error of 1 − hi²/2 is recovered, the rest is small.
    let half = l.mul(hi, l.f(-0.5));
    let top = l.fma(half, hi, l.f(1.0));
    let rest = l.fma(half, hi, l.sub(l.f(1.0), top));
    let rest = l.fma(hi, tail, rest);
    let rest = l.fma(s2, by_pairs(l, s, s2, cosine), rest);
    let cos = l.add(top, rest);
    // sin: `top` is close enough to the derivative to weigh the tail. Subtracting keeps the sign of −0.
    let cubic = l.fma(l.mul(hi, s), by_pairs(l, s, s2, sine), l.mul(tail, top));
    Kernels { sin: l.sub(hi, cubic), cubic, cos, top, rest }
}

/// The lowest bit of `i` in the place of the sign, and zeros.
#[inline]
fn to_sign<L: Lanes>(l: &L, i: L::I) -> L::I {
    l.shl(i, by_format(l, 63, 31))
}

/// Where `quadrant` is odd.
#[inline]
pub(super) fn odd<L: Lanes>(l: &L, quadrant: L::I) -> L::M {
    l.igt(l.i(0), to_sign(l, quadrant))
}

/// The sign bit, set where bit 1 of `quadrant` is.
#[inline]
pub(super) fn half_turn<L: Lanes>(l: &L, quadrant: L::I) -> L::I {
    l.iand(l.shl(quadrant, by_format(l, 62, 30)), sign_bit(l))
}

/// Sine and cosine of `n·π/2 + hi − tail`; `n` in the low two bits of `quadrant`.
#[inline]
pub(super) fn sincos_reduced<L: Lanes>(l: &L, hi: L::F, tail: L::F, quadrant: L::I) -> (L::F, L::F) {
    let (s, c) = kernels(l, hi, tail);
    turned(l, s, c, quadrant)
}

/// Sine and cosine `n` quarter turns further; `n` in the low two bits of `quadrant`.
#[inline]
pub(super) fn turned<L: Lanes>(l: &L, s: L::F, c: L::F, quadrant: L::I) -> (L::F, L::F) {
    let swap = odd(l, quadrant);
    let sin = flip(l, l.select(swap, c, s), half_turn(l, quadrant));
    let cos = flip(l, l.select(swap, s, c), half_turn(l, l.iadd(quadrant, l.i(1))));
    (sin, cos)
}

/// Tangent of `n·π/2 + hi − tail`; `n + 1` in the low bit of `quadrant`.
#[inline]
pub(super) fn tan_reduced<L: Lanes>(l: &L, hi: L::F, tail: L::F, quadrant: L::I) -> L::F {
    let half_tangent: &[f64] = by_format(l, &HALF_TAN, &single::trig::HALF_TAN);
    let s = l.mul(hi, hi);
    let s2 = l.mul(s, s);
    // The tail of large arguments is more than a unit of hi in binary32, so it is weighed by the derivative.
    let tail = match l.precision() {
        Precision::Double => tail,
        Precision::Single => l.fma(l.mul(tail, s), l.f(0.25), tail),
    };
    // t + t_low = 2·tan(r/2).
    let cubic = l.fma(l.mul(hi, s), by_pairs(l, s, s2, half_tangent), tail);
    let t = l.sub(hi, cubic);
    let t_low = l.sub(l.sub(hi, t), cubic);
    // d + d_low = 1 − t²/4.
    let quarter = l.mul(t, l.f(-0.25));
    let d = l.fma(quarter, t, l.f(1.0));
    let d_low = l.fma(quarter, t, l.sub(l.f(1.0), d));
    let d_low = l.fma(l.add(quarter, quarter), t_low, d_low);
    // tan r = t/d, and −d/t an odd number of quarter turns further. The quotient is computed with the opposite
    // sign, so that the correction of a zero has the zero's sign.
    let keep = odd(l, quadrant);
    let above = l.select(keep, t, d);
    let above_low = l.select(keep, t_low, d_low);
    let below = l.select(keep, d, t);
    let below_low = l.select(keep, d_low, t_low);
    let inverse = l.div(l.f(-1.0), below);
    let quotient = l.mul(above, inverse);
    let rest = l.add(l.fma(quotient, below, above), above_low);
    let rest = l.fma(quotient, below_low, rest);
    let negative = l.fma(rest, inverse, quotient);
    flip(l, negative, to_sign(l, quadrant))
}

/// Sine and cosine of `x`.
///
/// Cody–Waite reduction by π/2 in three parts with `fma` and a recovered tail (Muller et al., *Handbook of
/// Floating-Point Arithmetic*, ch. 11), both minimax polynomials, choice and signs by quadrant.
///
/// Measured: 0.75 ULP (sin), 0.73 ULP (cos); both 0.80 in binary32. `sin(±0) = ±0`; ±∞ and NaN give NaN. Fast
/// range: `|x| ≤ 2^26` (binary32: 2^25) and everything that is not finite.
pub fn sincos<L: Lanes>(l: &L, x: L::F) -> (L::F, L::F) {
    let (hi, tail, quadrant) = reduce(l, x, 0.0);
    sincos_reduced(l, hi, tail, quadrant)
}

/// Sine of `x`: the first result of [`sincos`], bit for bit.
pub fn sin<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (hi, tail, quadrant) = reduce(l, x, 0.0);
    let (s, c) = kernels(l, hi, tail);
    flip(l, l.select(odd(l, quadrant), c, s), half_turn(l, quadrant))
}

/// Cosine of `x`: the second result of [`sincos`], bit for bit.
pub fn cos<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (hi, tail, quadrant) = reduce(l, x, 0.0);
    let (s, c) = kernels(l, hi, tail);
    flip(l, l.select(odd(l, quadrant), s, c), half_turn(l, l.iadd(quadrant, l.i(1))))
}

/// Tangent of `x`.
///
/// The reduction of [`sincos`], a minimax polynomial for `t = 2·tan(r/2)`, and `tan r = t / (1 − t²/4)` or its
/// negative reciprocal, numerator and denominator with their rounding errors, by one division and one
/// correction step.
///
/// Measured: 0.78 ULP (binary32: 0.79). `tan(±0) = ±0`; ±∞ and NaN give NaN. Fast range: `|x| ≤ 2^26`
/// (binary32: 2^25) and everything that is not finite.
pub fn tan<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (hi, tail, quadrant) = reduce(l, x, 1.0);
    tan_reduced(l, hi, tail, quadrant)
}
