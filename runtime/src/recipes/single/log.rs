//! Logarithms.

use super::exp::{LN2_HIGH, LN2_LOW};
use crate::lanes::Lanes;
use crate::recipes::double::{fast_two_sum, linear, two_prod};
use crate::recipes::log::special;
use std::f64::consts::{LOG2_E, LOG10_E};

/// `2^23`; with an integer below `2^23` in the low bits it is the sum of both.
const TWO_23: f64 = 8_388_608.0;
/// The bits of 1.0.
pub const ONE: i64 = 0x3f80_0000;
/// The bits of a mantissa.
const MANTISSA: i64 = 0x007f_ffff;
/// The bits of √½, where mantissas are cut.
pub const CUT: i64 = 0x3f35_04f3;

/// `x = 2^k m` with `m` in `[√½, √2)`, for positive finite `x`.
pub(super) struct Parts<L: Lanes> {
    pub(super) k: L::F,
    pub(super) m: L::F,
    /// Biased exponent `k + 127` in the exponent field, mantissa bits below.
    bits: L::I,
}

/// Splits a normal number whose exponent is too large by `offset − 2^23 − 127`.
fn split<L: Lanes>(l: &L, x: L::F, offset: L::F) -> Parts<L> {
    let bits = l.iadd(l.bits(x), l.i(ONE - CUT));
    let k = l.sub(l.float(l.ior(l.shr(bits, 23), l.bits(l.f(TWO_23)))), offset);
    let m = l.float(l.iadd(l.iand(bits, l.i(MANTISSA)), l.i(CUT)));
    Parts { k, m, bits }
}

/// Splits any positive number.
pub(super) fn split_any<L: Lanes>(l: &L, x: L::F) -> Parts<L> {
    let subnormal = l.lt(x, l.f(f64::from(f32::MIN_POSITIVE)));
    let x = l.select(subnormal, l.mul(x, l.f(33_554_432.0)), x);
    split(l, x, l.select(subnormal, l.f(TWO_23 + 127.0 + 25.0), l.f(TWO_23 + 127.0)))
}

/// `log(1 + f) − f` for `1 + f` in `[√½, √2)`.
///
/// `fpminimax(log1p(x), [|3,…,11|], [|SG…|], [√½ − 1, √2 − 1], relative, x − x²/2)`, error `2^−30.2` relative
/// to the logarithm. No division, which would cost more than these terms.
pub fn log1p_tail<L: Lanes>(l: &L, f: L::F) -> L::F {
    let f2 = l.mul(f, f);
    let f4 = l.mul(f2, f2);
    let p0 = linear(l, f, 0.33333313, -0.25000012);
    let p1 = linear(l, f, 0.20002073, -0.16667852);
    let p2 = linear(l, f, 0.1422023, -0.12408278);
    let p3 = linear(l, f, 0.11886324, -0.11660115);
    let p3 = l.fma(f2, l.f(0.067319915), p3);
    let p = l.fma(f4, l.fma(f2, p3, p2), l.fma(f2, p1, p0));
    // The square with one rounding, so that its error does not count.
    l.fma(l.mul(f, l.f(-0.5)), f, l.mul(l.mul(f2, f), p))
}

/// `k ln 2 + f + tail` for `|f|` below `k ln 2`, or `k = 0`.
pub fn sum<L: Lanes>(l: &L, k: L::F, f: L::F, tail: L::F) -> L::F {
    let high = l.fma(k, l.f(LN2_HIGH), f);
    let error = l.sub(f, l.fma(k, l.f(-LN2_HIGH), high));
    l.add(high, l.add(l.fma(k, l.f(LN2_LOW), tail), error))
}

/// The natural logarithm, by the method of binary64.
pub fn log<L: Lanes>(l: &L, x: L::F) -> L::F {
    let parts = split_any(l, x);
    let f = l.sub(parts.m, l.f(1.0));
    special(l, x, sum(l, parts.k, f, log1p_tail(l, f)))
}

/// The logarithm to base 2: the product of `f` and `1 / ln 2` is exact, and the sum with `k` is carried with
/// its error.
pub fn log2<L: Lanes>(l: &L, x: L::F) -> L::F {
    let Parts { k, m, .. } = split_any(l, x);
    let f = l.sub(m, l.f(1.0));
    let w = log1p_tail(l, f);
    let factor = l.f(LOG2_E);
    let (product, error) = two_prod(l, f, factor);
    let (high, carry) = fast_two_sum(l, k, product);
    let low = l.fma(w, factor, l.fma(f, l.f(1.925963e-8), error));
    special(l, x, l.add(high, l.add(low, carry)))
}

/// The logarithm to base 10: as [`log2`]; `log₁₀ 2` is split so that its product with `k` is exact.
pub fn log10<L: Lanes>(l: &L, x: L::F) -> L::F {
    let Parts { k, m, .. } = split_any(l, x);
    let f = l.sub(m, l.f(1.0));
    let w = log1p_tail(l, f);
    let factor = l.f(LOG10_E);
    let two = l.f(0.30103302); // log₁₀ 2 to 16 bits
    let (product, error) = two_prod(l, f, factor);
    let high = l.fma(k, two, product);
    let carry = l.add(l.fma(k, two, l.neg(high)), product);
    let low = l.fma(w, factor, l.fma(f, l.f(-1.010305e-8), error));
    let low = l.add(low, l.fma(k, l.f(-3.0243555e-6), carry));
    special(l, x, l.add(high, low))
}

/// `k`, `f` and `tail` for [`sum`], of the logarithm of `u + c`: `c` is at most an ulp of `u`, or `u` is 1. It is scaled like
/// the mantissa of `u` and added to it, and what that addition loses is taken to first order.
pub fn corrected<L: Lanes>(l: &L, u: L::F, c: L::F) -> (L::F, L::F, L::F) {
    let Parts { k, m, bits } = split(l, u, l.f(TWO_23 + 127.0));
    // 2^(1 − k): for k = 128 the field is zero, and so is the factor; nothing of c counts there.
    let scale = l.float(l.isub(l.i(0x7f80_0000), l.iand(bits, l.i(0x7f80_0000))));
    let c = l.mul(l.mul(c, scale), l.f(0.5));
    let g = l.sub(m, l.f(1.0));
    let f = l.add(g, c);
    let rest = l.sub(c, l.sub(f, g));
    (k, f, l.add(log1p_tail(l, f), l.fma(l.neg(rest), f, rest)))
}

/// `log(1 + x)`, by the method of binary64.
pub fn log1p<L: Lanes>(l: &L, x: L::F) -> L::F {
    let one = l.f(1.0);
    let u = l.add(x, one);
    let c = l.sub(x, l.sub(u, one));
    let (k, f, tail) = corrected(l, u, c);
    let y = sum(l, k, f, tail);
    l.select(l.eq(x, l.f(0.0)), x, special(l, u, y))
}
