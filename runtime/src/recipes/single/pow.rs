//! The general power.

use super::ROUND;
use super::exp::{LN2_HIGH, LN2_LOW, expm1_tail, two_to};
use super::log::{Parts, split_any};
use crate::lanes::Lanes;
use crate::recipes::double::{fast_two_sum, fnma, linear, two_prod};
use crate::recipes::pow::{Magnitude, Pair, Split};
use std::f64::consts::LOG2_E;

/// Splits a positive finite number; 1 is the only centre.
pub fn split<L: Lanes>(l: &L, a: L::F) -> Split<L> {
    let Parts { k, m, .. } = split_any(l, a);
    let one = l.f(1.0);
    Split { k, index: l.i(0), difference: l.sub(m, one), sum: fast_two_sum(l, one, m) }
}

/// The logarithm of `a ≥ 0` in two numbers, relative error about `2^−35`: `2 atanh s` with `s = (m − 1)/(m + 1)` in two
/// numbers, `|s| < 0.172`, so that the cubic term counts in two numbers too.
pub fn logarithm_of<L: Lanes>(l: &L, a: L::F, parts: &Split<L>, reciprocal: L::F) -> (L::F, L::F) {
    let s = l.mul(parts.difference, reciprocal);
    let minus_s = l.neg(s);
    let residual = l.fma(minus_s, parts.sum.1, l.fma(minus_s, parts.sum.0, parts.difference));
    let s_low = l.mul(residual, reciprocal);
    let (z, z_low) = two_prod(l, s, s);
    let z_low = l.fma(l.add(s, s), s_low, z_low);
    // fpminimax(2 atanh(x), [|5,7,9|], [|SG…|], [0, 0.1717], relative, 2x + 2/3 x³): error 2^−36.7.
    let p = linear(l, z, 0.28547084, 0.23419896);
    let p = l.fma(z, p, l.f(0.40000153));
    // The factor of s·z in two numbers.
    let (c, c_low) = fast_two_sum(l, l.f(0.6666667), l.mul(z, p));
    let c_low = l.add(c_low, l.f(-1.9868216e-8));
    let (u, u_low) = two_prod(l, z, c);
    let u_low = l.fma(z, c_low, l.fma(z_low, c, u_low));
    let (cubic, cubic_low) = two_prod(l, s, u);
    let cubic_low = l.fma(s, u_low, cubic_low);
    let low = l.fma(parts.k, l.f(LN2_LOW), l.fma(s_low, l.add(u, l.f(2.0)), cubic_low));
    let (log, carry) = fast_two_sum(l, l.mul(parts.k, l.f(LN2_HIGH)), l.add(s, s));
    let (log, carry_too) = fast_two_sum(l, log, cubic);
    let log_low = l.add(l.add(carry, carry_too), low);
    let log = l.select(l.lt(a, l.f(f64::INFINITY)), log, a);
    let log = l.select(l.eq(a, l.f(0.0)), l.f(f64::NEG_INFINITY), log);
    (log, log_low)
}

/// `a^(y + y′)` for `a ≥ 0`; `reciprocal` is that of the rounded `m + 1`.
///
/// The logarithm in two numbers, relative error about `2^−35`: `2 atanh s` with `s = (m − 1)/(m + 1)` in two
/// numbers, `|s| < 0.172`, so that the cubic term counts in two numbers too. Then the exponential of a sum of
/// two numbers.
pub fn magnitude<L: Lanes>(
    l: &L,
    a: L::F,
    (y, y_low): Pair<L>,
    parts: &Split<L>,
    reciprocal: L::F,
) -> Magnitude<L> {
    let (log, log_low) = logarithm_of(l, a, parts, reciprocal);
    let (p, mut p_error) = two_prod(l, y, log);
    if let Some(y_low) = y_low {
        p_error = l.fma(y_low, log, p_error);
    }
    let p_low = l.fma(y, log_low, p_error);
    let shift = l.f(ROUND + 254.0);
    let t = l.fma(p, l.f(LOG2_E), shift);
    let n = l.sub(t, shift);
    let (r, low) = fast_two_sum(l, fnma(l, n, LN2_HIGH, p), fnma(l, n, LN2_LOW, p_low));
    let w = expm1_tail(l, r, low);
    let (high, error) = fast_two_sum(l, l.f(1.0), r);
    let (s1, s2) = two_to(l, l.bits(t));
    Magnitude { log: p, mantissa: l.add(high, l.add(error, w)), s1, s2 }
}
