//! Logarithms.

use super::double::{fast_two_sum, linear, two_prod};
use super::exp::{LN2_HIGH, LN2_LOW};
use super::single;
use crate::lanes::{Lanes, Precision};
use std::f64::consts::{LOG2_E, LOG10_E};

/// 2^52; with an integer below 2^52 in the low bits it is the sum of both.
const TWO_52: f64 = 4503599627370496.0;
/// The bits of 1.0.
pub(super) const ONE: i64 = 0x3ff0_0000_0000_0000;
/// The high bits of √½, where mantissas are cut.
pub(super) const CUT: i64 = 0x3fe6_a09e_0000_0000;
/// The bits of a mantissa.
const MANTISSA: i64 = 0x000f_ffff_ffff_ffff;

/// `x = 2^k m` with `m` in `[√½, √2)`, for positive finite `x`.
struct Parts<L: Lanes> {
    k: L::F,
    m: L::F,
    /// Biased exponent `k + 1023` in the exponent field, mantissa bits below.
    bits: L::I,
}

/// Splits a normal number whose exponent is too large by `offset − 2^52 − 1023`.
fn split<L: Lanes>(l: &L, x: L::F, offset: L::F) -> Parts<L> {
    let bits = l.iadd(l.bits(x), l.i(ONE - CUT));
    let k = l.sub(l.float(l.ior(l.shr(bits, 52), l.bits(l.f(TWO_52)))), offset);
    let m = l.float(l.iadd(l.iand(bits, l.i(MANTISSA)), l.i(CUT)));
    Parts { k, m, bits }
}

/// Splits any positive number.
fn split_any<L: Lanes>(l: &L, x: L::F) -> Parts<L> {
    let subnormal = l.lt(x, l.f(f64::MIN_POSITIVE));
    let x = l.select(subnormal, l.mul(x, l.f(18014398509481984.0)), x);
    split(l, x, l.select(subnormal, l.f(TWO_52 + 1023.0 + 54.0), l.f(TWO_52 + 1023.0)))
}

/// `log(1 + f) − f` for `1 + f` in `[√½, √2)`.
///
/// With `s = f / (2 + f)`: `log(1 + f) = f − f²/2 + s (f²/2 + R(s²))` (as in FDLIBM), where
/// `R(z) = 2 atanh(√z)/√z − 2` by `fpminimax(…, [|1,…,7|], [|D…|], [0, 0.02944], absolute)`, error `2^−59.5`
/// relative to the logarithm.
pub(super) fn log1p_tail<L: Lanes>(l: &L, f: L::F) -> L::F {
    let half = l.mul(f, l.f(0.5));
    let square = l.mul(half, f);
    // The square once more with one rounding, so that its error does not count.
    l.fma(l.neg(half), f, cubic(l, f, square))
}

/// `log(1 + f) − f + f²/2` for `1 + f` in `[√½, √2)`, given `f²/2`.
fn cubic<L: Lanes>(l: &L, f: L::F, square: L::F) -> L::F {
    let s = l.div(f, l.add(f, l.f(2.0)));
    let z = l.mul(s, s);
    let z2 = l.mul(z, z);
    let z4 = l.mul(z2, z2);
    let p0 = linear(l, z, 0.6666666666666734, 0.3999999999941646);
    let p1 = linear(l, z, 0.2857142874210244, 0.22222198594493403);
    let p2 = linear(l, z, 0.18183563534821795, 0.15314064249530407);
    let p2 = l.fma(z2, l.f(0.14795867839841076), p2);
    let p = l.fma(z4, p2, l.fma(z2, p1, p0));
    l.mul(s, l.fma(z, p, square))
}

/// `k ln 2 + f + tail` for `|f|` below `k ln 2`, or `k = 0`.
pub(super) fn sum<L: Lanes>(l: &L, k: L::F, f: L::F, tail: L::F) -> L::F {
    let high = l.fma(k, l.f(LN2_HIGH), f);
    let error = l.sub(f, l.fma(k, l.f(-LN2_HIGH), high));
    l.add(high, l.add(l.fma(k, l.f(LN2_LOW), tail), error))
}

/// `y`, but what a logarithm gives where `x` is not positive and finite.
pub(super) fn special<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let zero = l.f(0.0);
    let y = l.select(l.lt(x, l.f(f64::INFINITY)), y, x);
    let y = l.select(l.lt(x, zero), l.f(f64::NAN), y);
    l.select(l.eq(x, zero), l.f(f64::NEG_INFINITY), y)
}

/// The natural logarithm.
///
/// `x = 2^k (1 + f)`, the remainder of `log(1 + f)` beyond `f` as in FDLIBM, and `k ln 2 + f` carried with its
/// rounding error.
///
/// Maximal error measured: 0.82 ULP (binary32: 0.80). ±0 gives −∞, 1 gives +0, ∞ gives ∞, negative numbers
/// and NaN give NaN.
pub fn log<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::log::log(l, x);
    }
    let parts = split_any(l, x);
    let f = l.sub(parts.m, l.f(1.0));
    special(l, x, sum(l, parts.k, f, log1p_tail(l, f)))
}

/// The logarithm to base 2.
///
/// As [`log`]; the product of `f − f²/2` and `1 / ln 2` is exact, and the sum with `k` is carried with its error. The square is on
/// the exact side because the last bit of a result just below a power of two is half of that above.
///
/// Maximal error measured: 0.75 ULP (binary32: 0.96). Powers of two are exact; special values as for [`log`].
pub fn log2<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::log::log2(l, x);
    }
    let Parts { k, m, .. } = split_any(l, x);
    let f = l.sub(m, l.f(1.0));
    let half = l.mul(f, l.f(0.5));
    let (square, square_low) = two_prod(l, half, f);
    let (head, head_low) = fast_two_sum(l, f, l.neg(square));
    let tail = l.add(cubic(l, f, square), l.sub(head_low, square_low));
    let factor = l.f(LOG2_E);
    let (product, error) = two_prod(l, head, factor);
    let (high, carry) = fast_two_sum(l, k, product);
    let low = l.fma(tail, factor, l.fma(head, l.f(2.0355273740931033e-17), error));
    special(l, x, l.add(high, l.add(low, carry)))
}

/// The logarithm to base 10.
///
/// As [`log2`]; `log₁₀ 2` is split so that its product with `k` is exact.
///
/// Maximal error measured: 0.90 ULP (binary32: 0.86). Powers of ten are exact; special values as for [`log`].
pub fn log10<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::log::log10(l, x);
    }
    let Parts { k, m, .. } = split_any(l, x);
    let f = l.sub(m, l.f(1.0));
    let w = log1p_tail(l, f);
    let factor = l.f(LOG10_E);
    let two = l.f(0.30102999566395283); // log₁₀ 2 to 42 bits
    let (product, error) = two_prod(l, f, factor);
    let high = l.fma(k, two, product);
    let carry = l.add(l.fma(k, two, l.neg(high)), product);
    let low = l.fma(w, factor, l.fma(f, l.f(1.098319650216765e-17), error));
    let low = l.add(low, l.fma(k, l.f(2.8363394551044964e-14), carry));
    special(l, x, l.add(high, low))
}

/// `k`, `f` and `tail` for [`sum`], of the logarithm of `u + c`: `c` is at most an ulp of `u`, or `u` is 1. It is scaled like
/// the mantissa of `u` and added to it, and what that addition loses is taken to first order.
pub(super) fn corrected<L: Lanes>(l: &L, u: L::F, c: L::F) -> (L::F, L::F, L::F) {
    let Parts { k, m, bits } = split(l, u, l.f(TWO_52 + 1023.0));
    // 2^(1 − k): for k = 1024 the field is zero, and so is the factor; nothing of c counts there.
    let scale = l.float(l.isub(l.i(0x7ff0_0000_0000_0000), l.iand(bits, l.i(0x7ff0_0000_0000_0000))));
    let c = l.mul(l.mul(c, scale), l.f(0.5));
    let g = l.sub(m, l.f(1.0));
    let f = l.add(g, c);
    let rest = l.sub(c, l.sub(f, g));
    (k, f, l.add(log1p_tail(l, f), l.fma(l.neg(rest), f, rest)))
}

/// `log(1 + x)` without cancellation for small `x`.
///
/// `1 + x` is rounded to `u` with the error `c`; the logarithm of `u` as in [`log`], with `c` added to the mantissa of `u`. For
/// `u` near 1 the sum is `x` again.
///
/// Maximal error measured: 0.80 ULP (binary32: 0.80). `±0` gives `±0`, −1 gives −∞, ∞ gives ∞, less than −1
/// and NaN give NaN.
pub fn log1p<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::log::log1p(l, x);
    }
    let one = l.f(1.0);
    let u = l.add(x, one);
    let c = l.sub(x, l.sub(u, one));
    let (k, f, tail) = corrected(l, u, c);
    let y = sum(l, k, f, tail);
    l.select(l.eq(x, l.f(0.0)), x, special(l, u, y))
}
