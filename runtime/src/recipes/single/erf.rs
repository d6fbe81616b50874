//! The error function.

use super::exp::exp_bounded;
use crate::lanes::Lanes;
use crate::recipes::double::{two_prod, two_sum};
use crate::recipes::poly::{by_pairs, with_sign};

/// `erf x ≈ x + x·Σ SMALL[i]·x^2i` on `[0, 0.875]`, relative error below 2^−30.1 (Sollya `fpminimax`,
/// coefficients in binary32, the first term fixed at x).
const SMALL: [f64; 7] =
    [0.12837917, -0.37612635, 0.11283727, -0.026861453, 0.005206632, -0.00082109834, 0.00008677677];

/// `−log(erfc x) ≈ x² + Σ LARGE[i]·x^i` on `[0.875, 3.95]`, an absolute error of erf below 2^−29 (least
/// squares with weights erfc x by Lawson's algorithm, the coefficients rounded to binary32 one after the
/// other with the later ones fitted again).
const LARGE: [f64; 7] =
    [0.00014287542, 1.1278951, -0.36318937, 0.104259335, -0.022385603, 0.0030831874, -0.00020002744];

/// Where the method changes.
const CUT: f64 = 0.875;

/// From here on the result is 1.
const LIMIT: f64 = 3.95;

/// `Σ c[i]·x^i`, the last two steps by Horner's rule: their rounding errors must not outweigh the step from one
/// argument to the next.
fn polynomial<L: Lanes>(l: &L, x: L::F, square: L::F, c: &[f64; 7]) -> L::F {
    let p = by_pairs(l, x, square, &c[2..]);
    l.fma(x, l.fma(x, p, l.f(c[1])), l.f(c[0]))
}

/// `erf x`: an odd polynomial up to [`CUT`], and `1 − e^−(x² + p(|x|))` beyond, with the sum in two numbers.
pub fn erf<L: Lanes>(l: &L, x: L::F) -> L::F {
    let size = l.abs(x);
    let limit = l.f(LIMIT);
    // In this order a NaN stays one.
    let size = l.select(l.lt(limit, size), limit, size);
    let (square, square_low) = two_prod(l, size, size);
    let small = l.fma(polynomial(l, square, l.mul(square, square), &SMALL), size, size);
    let (sum, sum_low) = two_sum(l, square, polynomial(l, size, square, &LARGE));
    let density = exp_bounded(l, l.neg(sum), l.neg(l.add(sum_low, square_low)));
    let large = l.sub(l.f(1.0), density);
    with_sign(l, l.select(l.lt(l.f(CUT), size), large, small), x)
}
