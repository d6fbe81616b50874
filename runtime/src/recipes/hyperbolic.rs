//! Hyperbolic functions.

use super::double::{fast_two_sum, linear, two_prod, two_sum};
use super::exp::{exp, expm1_tail, reduce};
use super::format::by_format;
use super::poly::with_sign;
use super::{log, single};
use crate::lanes::{Lanes, Precision};

/// Half of `sinh a` or `cosh a`, for `0 ≤ a < 710.8`.
///
/// With `a = n ln 2 + r`, `A = (2^n + 2^−n)/2` and `B = (2^n − 2^−n)/2`: `cosh a = A cosh r + B sinh r` and
/// `sinh a = B cosh r + A sinh r`. The leading part, `A + B r` or `B + A r`, is carried with its error.
fn half<L: Lanes>(l: &L, a: L::F, even: bool) -> L::F {
    let (r, low, bits) = reduce(l, a, 1021.0);
    let z = l.mul(r, r);
    let z2 = l.mul(z, z);
    // (cosh(√z) − 1)/z: fpminimax of six coefficients on [0, (ln 2 / 2)²], error 2^−68.
    let c0 = linear(l, z, 0.5, 0.04166666666666667);
    let c1 = linear(l, z, 0.0013888888888882144, 2.480158733008791e-05);
    let c2 = linear(l, z, 2.755726882055354e-07, 2.0916412737251997e-09);
    let cosh_tail = l.mul(z, l.fma(z2, l.fma(z2, c2, c1), c0));
    // (sinh(√z)/√z − 1)/z: five coefficients, error 2^−60.
    let s0 = linear(l, z, 0.16666666666666669, 0.008333333333328866);
    let s1 = linear(l, z, 0.00019841269866677406, 2.755726439305827e-06);
    let s1 = l.fma(z2, l.f(2.510190658252e-08), s1);
    let sinh_tail = l.fma(l.mul(z, r), l.fma(z2, s1, s0), low);

    let up = l.shl(bits, 52);
    let down = l.float(l.isub(l.i(2042 << 52), up));
    let down = l.select(l.lt(a, l.f(40.0)), down, l.f(0.0));
    let up = l.float(up);
    let (sum, difference) = (l.add(up, down), l.sub(up, down));
    // What rounding p loses counts where 2^−n is just below the last bit of 2^n.
    let (p, q, lost) = if even {
        (sum, difference, l.add(l.sub(up, sum), down))
    } else {
        (difference, sum, l.sub(l.sub(up, difference), down))
    };
    let high = l.fma(q, r, p);
    let error = l.add(l.fma(q, r, l.sub(p, high)), lost);
    l.add(high, l.fma(p, cosh_tail, l.fma(q, sinh_tail, error)))
}

/// The hyperbolic sine.
///
/// Addition theorems around a multiple of ln 2, with polynomials for `cosh r − 1` and `sinh r − r`, and the
/// leading part in two numbers.
///
/// Maximal error measured: 0.92 ULP (binary32: 0.94). `±0` gives `±0`, `±∞` gives `±∞`, NaN gives NaN.
pub fn sinh<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::hyperbolic::sinh(l, x);
    }
    let a = l.abs(x);
    let h = half(l, a, false);
    let y = l.select(l.gt(a, l.f(710.6)), l.f(f64::INFINITY), l.add(h, h));
    // Halving is not exact on subnormal numbers.
    let y = l.select(l.lt(a, l.f(2f64.powi(-28))), a, y);
    with_sign(l, y, x)
}

/// The hyperbolic cosine.
///
/// As [`sinh`].
///
/// Maximal error measured: 0.95 ULP (binary32: 0.75). `±0` gives 1, `±∞` gives ∞, NaN gives NaN.
pub fn cosh<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::hyperbolic::cosh(l, x);
    }
    let a = l.abs(x);
    let h = half(l, a, true);
    l.select(l.gt(a, l.f(710.6)), l.f(f64::INFINITY), l.add(h, h))
}

/// The hyperbolic tangent.
///
/// `E / (E + 2)` with `E = e^(2|x|) − 1` in two numbers and one division, corrected by its residual.
///
/// Maximal error measured: 0.75 ULP (binary32: 0.65). `±0` gives `±0`, `±∞` gives `±1`, NaN gives NaN.
pub fn tanh<L: Lanes>(l: &L, x: L::F) -> L::F {
    if l.precision() == Precision::Single {
        return single::hyperbolic::tanh(l, x);
    }
    let a = l.abs(x);
    let (r, low, bits) = reduce(l, l.add(a, a), 1023.0);
    let w = expm1_tail(l, r, low);
    let s = l.float(l.shl(bits, 52));
    let b = l.sub(s, l.f(1.0));
    let e = l.fma(s, r, b);
    let error = l.fma(s, w, l.fma(s, r, l.sub(b, e)));
    let numerator = l.add(e, error);
    let numerator_low = l.sub(error, l.sub(numerator, e));
    let two = l.f(2.0);
    let (denominator, denominator_low) = two_sum(l, numerator, two);
    let denominator_low = l.add(denominator_low, numerator_low);
    let reciprocal = l.div(l.f(1.0), denominator);
    let q = l.mul(numerator, reciprocal);
    let minus_q = l.neg(q);
    let residual = l.fma(minus_q, denominator, numerator);
    let residual = l.add(residual, l.fma(minus_q, denominator_low, numerator_low));
    let y = l.fma(residual, reciprocal, q);
    with_sign(l, l.select(l.gt(a, l.f(22.0)), l.f(1.0), y), x)
}

/// The inverse hyperbolic sine.
///
/// `log(1 + y)` for `y = a + a²/(1 + √(1 + a²))`, `a = |x|`, with squares, root, quotient and `y` in two numbers each; the
/// logarithm of `2a` where `a²` is so large that 1 does not count.
///
/// Maximal error measured: 0.80 ULP (binary32: below 1, at samples only). `±0` gives `±0`, `±∞` gives `±∞`, NaN gives NaN.
pub fn asinh<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let a = l.abs(x);
    let (square, square_low) = two_prod(l, a, a);
    let (sum, sum_low) = two_sum(l, one, square);
    let root = l.sqrt(sum);
    let rest = l.add(l.fma(l.neg(root), root, sum), l.add(sum_low, square_low));
    let root_low = l.div(rest, l.add(root, root));
    let (divisor, divisor_low) = fast_two_sum(l, root, one);
    let divisor_low = l.add(divisor_low, root_low);
    let reciprocal = l.div(one, divisor);
    let quotient = l.mul(square, reciprocal);
    let minus = l.neg(quotient);
    let rest = l.add(l.fma(minus, divisor, square), l.fma(minus, divisor_low, square_low));
    let (y, low) = fast_two_sum(l, a, quotient);
    let low = l.fma(rest, reciprocal, low);
    let (u, c) = two_sum(l, one, y);
    let c = l.add(c, low);

    let large = l.gt(a, l.f(by_format(l, 2f64.powi(28), 2f64.powi(14))));
    let (u, c) = (l.select(large, a, u), l.select(large, zero, c));
    let doubled = l.select(large, one, zero);
    let value = match l.precision() {
        Precision::Double => {
            let (k, f, tail) = log::corrected(l, u, c);
            log::sum(l, l.add(k, doubled), f, tail)
        }
        Precision::Single => {
            let (k, f, tail) = single::log::corrected(l, u, c);
            single::log::sum(l, l.add(k, doubled), f, tail)
        }
    };
    // Of infinity and NaN, and of 0, whose sign is that of x.
    let value = l.select(l.lt(a, l.f(f64::INFINITY)), value, a);
    with_sign(l, l.select(l.eq(a, zero), a, value), x)
}

/// The logarithm of `u + c` for a `c` of at most an ulp of `u`, plus `doubled` times ln 2.
fn logarithm<L: Lanes>(l: &L, u: L::F, c: L::F, doubled: Option<L::F>) -> L::F {
    let (k, f, tail) = match l.precision() {
        Precision::Double => log::corrected(l, u, c),
        Precision::Single => single::log::corrected(l, u, c),
    };
    let k = doubled.map_or(k, |doubled| l.add(k, doubled));
    match l.precision() {
        Precision::Double => log::sum(l, k, f, tail),
        Precision::Single => single::log::sum(l, k, f, tail),
    }
}

/// The inverse hyperbolic cosine.
///
/// `log(1 + y)` for `y = (x − 1) + √(x² − 1)`, with square, root and `y` in two numbers each; the logarithm of `2x` where `x²` is
/// so large that 1 does not count.
///
/// Maximal error measured: 0.81 ULP (binary32: below 1, at samples only). 1 gives +0, ∞ gives ∞, numbers below 1 and NaN give NaN. Fast range: everything.
pub fn acosh<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let (square, square_low) = two_prod(l, x, x);
    let (less, less_low) = two_sum(l, square, l.f(-1.0));
    let (less, less_low) = two_sum(l, less, l.add(less_low, square_low));
    let root = l.sqrt(less);
    let rest = l.add(l.fma(l.neg(root), root, less), less_low);
    let root_low = l.div(rest, l.add(root, root));
    let (y, low) = fast_two_sum(l, root, l.sub(x, one));
    let (u, c) = two_sum(l, one, y);
    let c = l.add(c, l.add(low, root_low));
    let large = l.gt(x, l.f(by_format(l, 2f64.powi(28), 2f64.powi(14))));
    let (u, c) = (l.select(large, x, u), l.select(large, zero, c));
    let value = logarithm(l, u, c, Some(l.select(large, one, zero)));
    // Of infinity and NaN, of numbers outside the domain, and of 1, where the root has no reciprocal.
    let value = l.select(l.lt(x, l.f(f64::INFINITY)), value, x);
    let value = l.select(l.lt(x, one), l.f(f64::NAN), value);
    l.select(l.eq(x, one), zero, value)
}

/// The inverse hyperbolic tangent.
///
/// Half of `log(1 + y)` for `y = 2a/(1 − a)`, `a = |x|`, with the divisor and `y` in two numbers each.
///
/// Maximal error measured: 0.77 ULP (binary32: below 1, at samples only). `±0` gives `±0`, `±1` gives `±∞`, numbers beyond and NaN give NaN. Fast range: everything.
pub fn atanh<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let a = l.abs(x);
    let twice = l.add(a, a);
    let (divisor, divisor_low) = two_sum(l, one, l.neg(a));
    let reciprocal = l.div(one, divisor);
    let y = l.mul(twice, reciprocal);
    let minus = l.neg(y);
    let rest = l.fma(minus, divisor_low, l.fma(minus, divisor, twice));
    let (u, c) = two_sum(l, one, y);
    let value = l.mul(logarithm(l, u, l.fma(rest, reciprocal, c), None), l.f(0.5));
    let beyond = l.select(l.eq(a, one), l.f(f64::INFINITY), l.f(f64::NAN));
    let value = l.select(l.lt(a, one), value, beyond);
    with_sign(l, l.select(l.eq(a, zero), a, value), x)
}

/// The parts of `tanh(x + iy)` for the sine and cosine of `y`.
///
/// `(sinh x cosh x + i sin y cos y)/(sinh² x + cos² y)`, a sum without cancellation; where `tanh x` rounds to ±1 the
/// imaginary part is `4 sin y cos y e^(−2|x|)`. NaN gives NaN.
pub fn complex_tanh<L: Lanes>(l: &L, x: L::F, (sin, cos): (L::F, L::F)) -> (L::F, L::F) {
    let size = l.abs(x);
    let far = l.lt(l.f(22.0), size);
    let (sinh, cosh) = (sinh(l, x), cosh(l, x));
    let below = l.fma(sinh, sinh, l.mul(cos, cos));
    let rotation = l.mul(sin, cos);
    let one = l.select(l.lt(x, l.f(0.0)), l.f(-1.0), l.f(1.0));
    let re = l.select(far, one, l.div(l.mul(sinh, cosh), below));
    let decay = exp(l, l.mul(size, l.f(-2.0)));
    let rest = l.mul(l.mul(rotation, l.f(4.0)), decay);
    (re, l.select(far, rest, l.div(rotation, below)))
}
