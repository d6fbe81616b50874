//! Exponentials.

use super::double::{fnma, linear};
use super::single;
use crate::lanes::{Lanes, Precision};
use std::f64::consts::{LN_2, LOG2_E};

/// Adding this rounds to an integer and leaves that integer in the low bits.
pub(crate) const ROUND: f64 = 6755399441055744.0; // 1.5 · 2^52
/// ln 2 to 42 bits: its product with an integer of eleven bits is exact.
pub(crate) const LN2_HIGH: f64 = 0.6931471805598903;
/// ln 2 − [`LN2_HIGH`].
pub(crate) const LN2_LOW: f64 = 5.497923018708371e-14;

/// `2^n` as the product of two normal numbers, for `|n| < 2044`; `biased` holds `n + 2046` in its low 12 bits
/// and zeros in the next.
///
/// One factor cannot express the subnormal range, and the halves differ by at most one so that their product
/// with a number near 1 rounds only once.
pub(crate) fn two_to<L: Lanes>(l: &L, biased: L::I) -> (L::F, L::F) {
    let half = l.shr(biased, 1);
    (l.float(l.shl(half, 52)), l.float(l.shl(l.isub(biased, half), 52)))
}

/// `e^r − 1 − r + low` for `|r| ≤ ln 2 / 2`, such that `e^r − 1` has a relative error of `2^−61.5`.
///
/// `fpminimax(expm1(x), [|2,…,12|], [|D…|], [−ln 2 / 2, ln 2 / 2], relative, x)`, by Estrin's scheme. Its first
/// coefficient is ½, and `r²/2` enters unrounded.
pub(crate) fn expm1_tail<L: Lanes>(l: &L, r: L::F, low: L::F) -> L::F {
    let r2 = l.mul(r, r);
    let r4 = l.mul(r2, r2);
    let p0 = linear(l, r, 0.16666666666666677, 0.04166666666666661);
    let p1 = linear(l, r, 0.008333333333321443, 0.0013888888888923812);
    let p2 = linear(l, r, 0.0001984126988657042, 2.4801587237524573e-05);
    let p3 = linear(l, r, 2.7557243776528925e-06, 2.7557352881917807e-07);
    let p4 = linear(l, r, 2.5109185800172622e-08, 2.088950966073207e-09);
    let high = l.fma(r4, p4, l.fma(r2, p3, p2));
    let cubic = l.fma(r4, high, l.fma(r2, p1, p0));
    let rest = l.fma(l.mul(r2, r), cubic, low);
    l.fma(l.mul(r, l.f(0.5)), r, rest)
}

/// `e^r − 1` for `x + low = n ln 2 + r`, and `n + 2046` in the low bits of the second result.
fn em1<L: Lanes>(l: &L, x: L::F, low: Option<L::F>) -> (L::F, L::I) {
    let shift = l.f(ROUND + 2046.0);
    let t = l.fma(x, l.f(LOG2_E), shift);
    let n = l.sub(t, shift);
    let r_high = fnma(l, n, LN2_HIGH, x);
    let r_low = match low {
        Some(low) => fnma(l, n, LN2_LOW, low),
        None => l.mul(n, l.f(-LN2_LOW)),
    };
    let r = l.add(r_high, r_low);
    let r2 = l.mul(r, r);
    let r4 = l.mul(r2, r2);
    // fpminimax(exp(x), [|2,…,11|], [|D…|], [−ln 2 / 2, ln 2 / 2], relative, 1 + x): error 2^−57.8.
    let p0 = linear(l, r, 0.5000000000000011, 0.1666666666666642);
    let p1 = linear(l, r, 0.04166666666652669, 0.008333333333490229);
    let p2 = linear(l, r, 0.0013888888944470182, 0.00019841269516391729);
    let p3 = linear(l, r, 2.480149227006891e-05, 2.755757700463169e-06);
    let p4 = linear(l, r, 2.7630535159306323e-07, 2.5003222282649535e-08);
    let high = l.fma(r4, p4, l.fma(r2, p3, p2));
    let tail = l.fma(r4, high, l.fma(r2, p1, p0));
    // From the parts of r, because the rounding of their sum would cost another quarter of a unit.
    (l.add(r_high, l.fma(r2, tail, r_low)), l.bits(t))
}

/// `e^x`.
///
/// Cody and Waite: `x = n ln 2 + r`, a polynomial of degree 11 for `e^r` by Estrin's scheme, and the last
/// addition already scaled by half of the power of two; the other half rounds only subnormal results.
///
/// Maximal error measured: 0.90 ULP (binary32: 0.88). `e^±0 = 1`, `e^−∞ = +0`, `e^∞ = ∞`, NaN gives NaN.
pub fn exp<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::exp::exp(l, x);
    }
    let (em1, biased) = em1(l, x, None);
    let (s1, s2) = two_to(l, biased);
    let y = l.mul(l.fma(em1, s1, s1), s2);
    saturate(l, x, 1000.0, y)
}

/// `e^(x + low)` for a `low` that is at most the last bit of `x`, or of 1, and no infinity where `x` is −∞.
pub(super) fn density<L: Lanes>(l: &L, x: L::F, low: L::F) -> L::F {
    let (em1, biased) = em1(l, x, Some(low));
    let (s1, s2) = two_to(l, biased);
    let y = l.mul(l.fma(em1, s1, s1), s2);
    saturate(l, x, 1000.0, y)
}

/// `e^x` in pieces, as [`exp`] has them: `(1 + e) 2^n`, and `n` plus twice the bias of the format in the low bits of
/// the second result.
pub(super) fn pieces<L: Lanes>(l: &L, x: L::F) -> (L::F, L::I) {
    match l.precision() {
        Precision::Double => em1(l, x, None),
        Precision::Single => single::exp::em1(l, x, None, 254.0),
    }
}

/// `y`, but 0 and ∞ where `x` is beyond `±limit` and the power of two no longer fits its two factors.
fn saturate<L: Lanes>(l: &L, x: L::F, limit: f64, y: L::F) -> L::F {
    let y = l.select(l.lt(x, l.f(-limit)), l.f(0.0), y);
    l.select(l.gt(x, l.f(limit)), l.f(f64::INFINITY), y)
}

/// `2^x`.
///
/// As [`exp`], with the exact reduction `x = n + r`.
///
/// Maximal error measured: 0.88 ULP (binary32: 0.86). Integers give exact powers; `2^±0 = 1`, `2^−∞ = +0`,
/// `2^∞ = ∞`, NaN gives NaN.
pub fn exp2<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::exp::exp2(l, x);
    }
    let shift = l.f(ROUND + 2046.0);
    let t = l.add(x, shift);
    let r = l.sub(x, l.sub(t, shift));
    let r2 = l.mul(r, r);
    let r4 = l.mul(r2, r2);
    // fpminimax(2^x, [|1,…,11|], [|D…|], [−1/2, 1/2], relative, 1): error 2^−57.2.
    let p0 = linear(l, r, 0.24022650695910136, 0.05550410866482232);
    let p1 = linear(l, r, 0.00961812910759251, 0.0013333558146362886);
    let p2 = linear(l, r, 0.00015403530458918602, 1.5252733824602675e-05);
    let p3 = linear(l, r, 1.3215434455172105e-06, 1.0178078353190687e-07);
    let p4 = linear(l, r, 7.073916429957434e-09, 4.4512670579821714e-10);
    let high = l.fma(r4, p4, l.fma(r2, p3, p2));
    let tail = l.mul(r2, l.fma(r4, high, l.fma(r2, p1, p0)));
    // The linear term last: a rounding error of the tail must not outweigh the step between neighbours.
    let em1 = l.fma(r, l.f(LN_2), tail);
    let (s1, s2) = two_to(l, l.bits(t));
    let y = l.mul(l.fma(em1, s1, s1), s2);
    saturate(l, x, 1200.0, y)
}

/// The reduction `x = n ln 2 + r + r′` with `r′` below the last bit of `r`; also `n` as an integer, biased by
/// `bias`, in the low bits of the last result.
pub(crate) fn reduce<L: Lanes>(l: &L, x: L::F, bias: f64) -> (L::F, L::F, L::I) {
    let shift = l.f(ROUND + bias);
    let t = l.fma(x, l.f(LOG2_E), shift);
    let n = l.sub(t, shift);
    let high = fnma(l, n, LN2_HIGH, x);
    let r = fnma(l, n, LN2_LOW, high);
    let low = fnma(l, n, LN2_LOW, l.sub(high, r));
    (r, low, l.bits(t))
}

/// `e^x − 1` without cancellation for small `x`.
///
/// `2^n (1 + r + w) − 1` for `x = n ln 2 + r` and `w = e^r − 1 − r`: the sum of `2^n − 1` and `2^n r` is
/// carried with its rounding error. Everything is halved, because `2^1024` is no number.
///
/// Maximal error measured: 0.96 ULP (binary32: 0.73). `±0` gives `±0`, −∞ gives −1, ∞ gives ∞, NaN gives NaN.
pub fn expm1<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::exp::expm1(l, x);
    }
    let (r, low, bits) = reduce(l, x, 1022.0);
    let w = expm1_tail(l, r, low);
    let s = l.float(l.shl(bits, 52));
    let a = l.sub(s, l.f(0.5));
    let lost = l.sub(l.sub(s, a), l.f(0.5));
    let high = l.fma(s, r, a);
    let error = l.add(l.fma(s, r, l.sub(a, high)), lost);
    let half = l.add(high, l.fma(s, w, error));
    let y = l.add(half, half);
    let y = l.select(l.lt(x, l.f(-40.0)), l.f(-1.0), y);
    let y = l.select(l.gt(x, l.f(709.782712893384)), l.f(f64::INFINITY), y);
    // Halving is not exact on subnormal numbers, and the sum above loses the sign of zero.
    l.select(l.lt(l.abs(x), l.f(f64::EPSILON / 4.0)), x, y)
}
