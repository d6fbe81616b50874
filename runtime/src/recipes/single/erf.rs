//! The error function.

use super::exp::exp_bounded;
use crate::lanes::Lanes;
use crate::recipes::poly::{by_pairs, with_sign};

/// `erf x ≈ x + x·Σ SMALL[i]·x^2i` on `[0, 1]`, relative error below 2^−29.3 (Sollya `fpminimax`, coefficients in
/// binary32, the first term fixed at x).
const SMALL: [f64; 7] =
    [0.128379166, -0.37612626, 0.112835824, -0.0268536378, 0.00518793752, -0.000800643058, 7.84060176e-05];

/// `−log(erfc x) ≈ x + Σ LARGE[i]·x^i` on `[1, 3.95]`, an absolute error of erf below 2^−29.8 (least squares with weights
/// erfc x by Lawson's algorithm, the coefficients rounded to binary32 one after the other with the later ones fitted
/// again).
const LARGE: [f64; 7] =
    [0.0003536133, 0.12704048, 0.63822496, 0.10303795, -0.021805564, 0.0029396561, -0.00018557736];

/// From here on the result is 1.
const LIMIT: f64 = 3.95;

/// `erf x`: an odd polynomial up to 1, and `1 − e^−p(|x|)` beyond.
pub fn erf<L: Lanes>(l: &L, x: L::F) -> L::F {
    let size = l.abs(x);
    let limit = l.f(LIMIT);
    // In this order a NaN stays one.
    let size = l.select(l.lt(limit, size), limit, size);
    let square = l.mul(size, size);
    let fourth = l.mul(square, square);
    let small = l.fma(by_pairs(l, square, fourth, &SMALL), size, size);
    let minus = l.neg(by_pairs(l, size, square, &LARGE));
    let exponent = l.sub(minus, size);
    let lost = l.sub(minus, l.add(exponent, size));
    let large = l.sub(l.f(1.0), exp_bounded(l, exponent, lost));
    with_sign(l, l.select(l.lt(l.f(1.0), size), large, small), x)
}
