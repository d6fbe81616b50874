//! The cube root.

use super::double::{fnma, linear, two_prod};
use super::format::{Format, by_format, power_of_two};
use super::poly::with_sign;
use crate::lanes::Lanes;

/// The cube root.
///
/// `|x| = 2^(3q + j) m₁` with `j` one of −1, 0, 1. The inverse cube root of `m = 2^j m₁` comes from a cubic
/// (`fpminimax(x^(−1/3), 3, [|D…|], [1, 2], relative)`, error `2^−11.9`) and one step of third order; then one
/// Newton step for the root itself, with its residual `m − c³` in twice the precision.
///
/// Maximal error measured: 0.501 ULP (binary32: 0.501). Perfect cubes are exact; `±0`, `±∞` and NaN give
/// themselves.
pub fn cbrt<L: Lanes>(l: &L, x: L::F) -> L::F {
    let a = l.abs(x);
    let format = Format::of(l);
    let (fraction, bias, integer) = (format.fraction, format.bias as f64, format.integer());
    let up = by_format(l, 54, 24);
    let subnormal = l.lt(a, power_of_two(l, 1 - format.bias));
    let scaled = l.bits(l.select(subnormal, l.mul(a, power_of_two(l, up)), a));
    let offset = l.select(subnormal, l.f(integer + bias + up as f64), l.f(integer + bias));
    let exponent = l.sub(l.float(l.ior(l.shr(scaled, fraction), l.bits(l.f(integer)))), offset);
    let m1 = l.float(l.ior(l.iand(scaled, l.i((1 << fraction) - 1)), l.bits(l.f(1.0))));

    let shift = l.f(format.round() + bias);
    let t = l.fma(exponent, l.f(1.0 / 3.0), shift);
    let j = fnma(l, l.sub(t, shift), 3.0, exponent);
    let below = l.lt(j, l.f(0.0));
    let above = l.gt(j, l.f(0.0));
    let m = l.mul(m1, l.select(below, l.f(0.5), l.select(above, l.f(2.0), l.f(1.0))));
    // 2^(−j/3)
    let turn = l.select(below, l.f(1.2599210498948732), l.select(above, l.f(0.7937005259840998), l.f(1.0)));

    let p = linear(l, m1, 1.5418870148823973, -0.8099603224733893);
    let p = l.fma(l.mul(m1, m1), linear(l, m1, 0.3177571236717322, -0.04993690159281229), p);
    let y = l.mul(p, turn);
    let h = l.fma(l.neg(l.mul(m, y)), l.mul(y, y), l.f(1.0));
    let y = l.fma(l.mul(y, h), linear(l, h, 1.0 / 3.0, 2.0 / 9.0), y);
    let y2 = l.mul(y, y);
    let c = l.mul(m, y2);
    let (c2, c2_low) = two_prod(l, c, c);
    let residual = l.fma(l.neg(c2_low), c, l.fma(l.neg(c2), c, m));
    let root = l.fma(residual, l.mul(y2, l.f(1.0 / 3.0)), c);

    let root = l.mul(root, l.float(l.shl(l.bits(t), fraction)));
    let usual = l.and(l.gt(a, l.f(0.0)), l.lt(a, l.f(f64::INFINITY)));
    l.select(usual, with_sign(l, root, x), x)
}
