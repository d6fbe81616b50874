//! Exponentials.

use super::ROUND;
use crate::lanes::Lanes;
use crate::recipes::double::{fnma, linear};
use std::f64::consts::{LN_2, LOG2_E};

/// ln 2 to 16 bits: its product with an integer of eight bits is exact.
pub(in crate::recipes) const LN2_HIGH: f64 = 0.693145751953125;
/// ln 2 − [`LN2_HIGH`].
pub(in crate::recipes) const LN2_LOW: f64 = 1.42860676533018e-06;

/// `2^n` as the product of two normal numbers, for `|n| < 252`; `biased` holds `n + 254` in its low 9 bits
/// and zeros in the next. As in binary64.
pub fn two_to<L: Lanes>(l: &L, biased: L::I) -> (L::F, L::F) {
    let half = l.shr(biased, 1);
    (l.float(l.shl(half, 23)), l.float(l.shl(l.isub(biased, half), 23)))
}

/// `e^r − 1 − r + low` for `|r| ≤ ln 2 / 2`, such that `e^r − 1` has a relative error of `2^−30.9`.
///
/// `fpminimax(expm1(x), [|3,…,7|], [|SG…|], [−ln 2 / 2, ln 2 / 2], relative, x + x²/2)`, by Estrin's scheme;
/// `r²/2` enters unrounded.
pub fn expm1_tail<L: Lanes>(l: &L, r: L::F, low: L::F) -> L::F {
    let r2 = l.mul(r, r);
    let p0 = linear(l, r, 0.16666667, 0.04166648);
    let p1 = linear(l, r, 0.008333212, 0.0013933354);
    let p1 = l.fma(r2, l.f(0.00019940322), p1);
    let rest = l.fma(l.mul(r2, r), l.fma(r2, p1, p0), low);
    l.fma(l.mul(r, l.f(0.5)), r, rest)
}

/// `e^r − 1` for `x + low = n ln 2 + r`, and `n + bias` in the low bits of the second result.
pub fn em1<L: Lanes>(l: &L, x: L::F, low: Option<L::F>, bias: f64) -> (L::F, L::I) {
    let shift = l.f(ROUND + bias);
    let t = l.fma(x, l.f(LOG2_E), shift);
    let n = l.sub(t, shift);
    let r_high = fnma(l, n, LN2_HIGH, x);
    let r_low = match low {
        Some(low) => fnma(l, n, LN2_LOW, low),
        None => l.mul(n, l.f(-LN2_LOW)),
    };
    let r = l.add(r_high, r_low);
    let r2 = l.mul(r, r);
    // fpminimax(exp(x), [|2,…,6|], [|SG…|], [−ln 2 / 2, ln 2 / 2], relative, 1 + x): error 2^−28.1.
    let p0 = linear(l, r, 0.4999999, 0.16666521);
    let p1 = linear(l, r, 0.041668966, 0.008368677);
    let p1 = l.fma(r2, l.f(0.0013782198), p1);
    let tail = l.fma(r2, p1, p0);
    (l.add(r_high, l.fma(r2, tail, r_low)), l.bits(t))
}

/// `e^x`: Cody and Waite as in binary64, with a polynomial of degree 6.
pub fn exp<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (em1, biased) = em1(l, x, None, 254.0);
    let (s1, s2) = two_to(l, biased);
    let y = l.mul(l.fma(em1, s1, s1), s2);
    saturate(l, x, 120.0, y)
}

/// `e^(x + low)` for a `low` that is at most the last bit of `x`, or of 1.
pub fn density<L: Lanes>(l: &L, x: L::F, low: L::F) -> L::F {
    let (em1, biased) = em1(l, x, Some(low), 254.0);
    let (s1, s2) = two_to(l, biased);
    let y = l.mul(l.fma(em1, s1, s1), s2);
    saturate(l, x, 120.0, y)
}

/// `e^(x + low)` for `|x| < 87`.
pub(super) fn exp_bounded<L: Lanes>(l: &L, x: L::F, low: L::F) -> L::F {
    let (em1, biased) = em1(l, x, Some(low), 127.0);
    let s = l.float(l.shl(biased, 23));
    l.fma(em1, s, s)
}

/// `y`, but 0 and ∞ where `x` is beyond `±limit` and the power of two no longer fits its two factors.
fn saturate<L: Lanes>(l: &L, x: L::F, limit: f64, y: L::F) -> L::F {
    let y = l.select(l.lt(x, l.f(-limit)), l.f(0.0), y);
    l.select(l.gt(x, l.f(limit)), l.f(f64::INFINITY), y)
}

/// `2^x`: as [`exp`], with the exact reduction `x = n + r`.
pub fn exp2<L: Lanes>(l: &L, x: L::F) -> L::F {
    let shift = l.f(ROUND + 254.0);
    let t = l.add(x, shift);
    let r = l.sub(x, l.sub(t, shift));
    let r2 = l.mul(r, r);
    // fpminimax(2^x, [|1,…,7|], [|SG…|], [−1/2, 1/2], relative, 1): error 2^−32.4.
    let p0 = linear(l, r, 0.2402265, 0.055504058);
    let p1 = linear(l, r, 0.009618078, 0.0013337279);
    let p2 = linear(l, r, 0.00015455947, 0.000014475279);
    let tail = l.mul(r2, l.fma(r2, l.fma(r2, p2, p1), p0));
    // The linear term last: a rounding error of the tail must not outweigh the step between neighbours.
    let em1 = l.fma(r, l.f(LN_2), tail);
    let (s1, s2) = two_to(l, l.bits(t));
    let y = l.mul(l.fma(em1, s1, s1), s2);
    saturate(l, x, 160.0, y)
}

/// The reduction `x = n ln 2 + r + r′` with `r′` below the last bit of `r`; also `n` as an integer, biased by
/// `bias`, in the low bits of the last result.
pub fn reduce<L: Lanes>(l: &L, x: L::F, bias: f64) -> (L::F, L::F, L::I) {
    let shift = l.f(ROUND + bias);
    let t = l.fma(x, l.f(LOG2_E), shift);
    let n = l.sub(t, shift);
    let high = fnma(l, n, LN2_HIGH, x);
    let r = fnma(l, n, LN2_LOW, high);
    let low = fnma(l, n, LN2_LOW, l.sub(high, r));
    (r, low, l.bits(t))
}

/// `e^x − 1`, by the method of binary64.
pub fn expm1<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (r, low, bits) = reduce(l, x, 126.0);
    let w = expm1_tail(l, r, low);
    let s = l.float(l.shl(bits, 23));
    let a = l.sub(s, l.f(0.5));
    let lost = l.sub(l.sub(s, a), l.f(0.5));
    let high = l.fma(s, r, a);
    let error = l.add(l.fma(s, r, l.sub(a, high)), lost);
    let half = l.add(high, l.fma(s, w, error));
    let y = l.add(half, half);
    let y = l.select(l.lt(x, l.f(-20.0)), l.f(-1.0), y);
    let y = l.select(l.gt(x, l.f(88.722839)), l.f(f64::INFINITY), y);
    // Halving is not exact on subnormal numbers, and the sum above loses the sign of zero.
    l.select(l.lt(l.abs(x), l.f(f64::from(f32::EPSILON) / 4.0)), x, y)
}
