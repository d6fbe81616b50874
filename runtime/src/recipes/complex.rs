//! Arithmetic and elementary functions of complex numbers, component by component.

use super::{exp, hypot, log, poly::with_sign, trig};
use crate::lanes::Lanes;

/// The real part of `e^(x + iy)`: `e^x cos y`.
pub fn exp_cos<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    l.mul(exp::exp(l, x), trig::cos(l, y))
}

/// The imaginary part of `e^(x + iy)`: `e^x sin y`.
pub fn exp_sin<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let product = l.mul(exp::exp(l, x), trig::sin(l, y));
    l.select(l.eq(y, l.f(0.0)), y, product)
}

/// The real part of `ln(x + iy)`: `ln √(x² + y²)`.
pub fn log_hypot<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    log::log(l, hypot::hypot(l, x, y))
}

/// The real part of `(a + bi)(c + di)`.
pub fn product_re<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    l.fma(a, c, l.neg(l.mul(b, d)))
}

/// The imaginary part of `(a + bi)(c + di)`.
pub fn product_im<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    l.fma(a, d, l.mul(b, c))
}

/// The real part of `(a + bi)/(c + di)`.
pub fn quotient_re<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    l.div(l.fma(a, c, l.mul(b, d)), l.fma(c, c, l.mul(d, d)))
}

/// The imaginary part of `(a + bi)/(c + di)`.
pub fn quotient_im<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    l.div(l.fma(b, c, l.neg(l.mul(a, d))), l.fma(c, c, l.mul(d, d)))
}

/// The real part of the principal square root of `x + iy`.
pub fn root_re<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    roots(l, x, y).0
}

/// The imaginary part of the principal square root of `x + iy`.
pub fn root_im<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    roots(l, x, y).1
}

fn roots<L: Lanes>(l: &L, x: L::F, y: L::F) -> (L::F, L::F) {
    let sum = l.add(l.abs(x), hypot::hypot(l, x, y));
    let large = l.sqrt(l.mul(sum, l.f(0.5)));
    let small = l.div(l.abs(y), l.add(large, large));
    let small = l.select(l.eq(y, l.f(0.0)), l.f(0.0), small);
    let negative = l.lt(x, l.f(0.0));
    (l.select(negative, small, large), with_sign(l, l.select(negative, large, small), y))
}
