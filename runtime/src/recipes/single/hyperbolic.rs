//! Hyperbolic functions.

use super::exp::{expm1_tail, reduce};
use crate::lanes::Lanes;
use crate::recipes::double::{linear, two_sum};
use crate::recipes::poly::with_sign;

/// Half of `sinh a` or `cosh a`, for `0 ≤ a < 89.5`, by the method of binary64.
fn half<L: Lanes>(l: &L, a: L::F, even: bool) -> L::F {
    let (r, low, bits) = reduce(l, a, 125.0);
    let z = l.mul(r, r);
    // fpminimax(cosh(x), [|2,4,6|], [|SG…|], [0, ln 2 / 2], relative, 1), error 2^−33.1.
    let cosh_tail = linear(l, z, 0.041666456, 0.0013935765);
    let cosh_tail = l.mul(z, l.fma(z, cosh_tail, l.f(0.5)));
    // fpminimax(sinh(x), [|3,5,7|], [|SG…|], [0, ln 2 / 2], relative, x), error 2^−34.1.
    let s = linear(l, z, 0.008333192, 0.0001995847);
    let s = l.fma(z, s, l.f(0.16666667));
    let sinh_tail = l.fma(l.mul(z, r), s, low);

    let up = l.shl(bits, 23);
    let down = l.float(l.isub(l.i(250 << 23), up));
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

/// The hyperbolic sine, by the method of binary64.
pub fn sinh<L: Lanes>(l: &L, x: L::F) -> L::F {
    let a = l.abs(x);
    let h = half(l, a, false);
    let y = l.select(l.gt(a, l.f(89.5)), l.f(f64::INFINITY), l.add(h, h));
    // Halving is not exact on subnormal numbers.
    let y = l.select(l.lt(a, l.f(2f64.powi(-13))), a, y);
    with_sign(l, y, x)
}

/// The hyperbolic cosine, by the method of binary64.
pub fn cosh<L: Lanes>(l: &L, x: L::F) -> L::F {
    let a = l.abs(x);
    let h = half(l, a, true);
    l.select(l.gt(a, l.f(89.5)), l.f(f64::INFINITY), l.add(h, h))
}

/// The hyperbolic tangent, by the method of binary64.
pub fn tanh<L: Lanes>(l: &L, x: L::F) -> L::F {
    let a = l.abs(x);
    let (r, low, bits) = reduce(l, l.add(a, a), 127.0);
    let w = expm1_tail(l, r, low);
    let s = l.float(l.shl(bits, 23));
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
    with_sign(l, l.select(l.gt(a, l.f(10.0)), l.f(1.0), y), x)
}
