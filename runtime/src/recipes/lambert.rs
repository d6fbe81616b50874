//! The Lambert W function, both real branches.

use super::constants::E;
use super::double::two_prod;
use super::format::{by_format, power_of_two};
use super::log;
use super::pow::logarithm;
use super::sums::{Pair, by_pairs_of, plus};
use crate::lanes::Lanes;

/// `(W + 1)/p = 1 + p·Σ BRANCH[i]·p^i` for `p = ±√(2(ex + 1))` between −¼ and ¼, an absolute error of W below 2^−58.
const BRANCH: [f64; 15] = [
    -0.3333333333333333,
    0.1527777777777785,
    -0.07962962962963012,
    0.04450231481437499,
    -0.025984714873310395,
    0.015635632608196302,
    -0.009616892074899602,
    0.006014537491866498,
    -0.0038112941923238827,
    0.002441102066886223,
    -0.001577079795150158,
    0.0010216160945755472,
    -0.0006689622831997941,
    0.0004910364753323228,
    -0.0003250613226280607,
];

/// `(W + 1)/p = 1 + p·Σ BRANCH_SINGLE[i]·p^i` for p between −¼ and ¼, an absolute error of W below 2^−29.
const BRANCH_SINGLE: [f64; 8] =
    [-0.33333334, 0.15277778, -0.079629876, 0.04450247, -0.025965208, 0.01562313, -0.010110794, 0.006331039];

/// `W ≈ Σ START[i]·p^i` up to `p = 1.1`, within 2·10^−5.
const START: [f64; 6] = [
    -0.9999954247938102,
    0.999697876723415,
    -0.3299817710078077,
    0.13850978552998244,
    -0.04971302694797019,
    0.009519103747207627,
];

/// The lower branch, `W ≈ Σ LOWER_START[i]·p^i`, within 2·10^−4.
const LOWER_START: [f64; 7] = [
    -1.000139660927517,
    -0.9876484968145463,
    -0.5062664705640302,
    0.7217342870689759,
    -2.074296425535959,
    2.0766760172505547,
    -0.9085747066637908,
];

/// `W ≈ x·Σ MIDDLE[i]·x^i` from −0.15 to 1.5, within a hundredth.
const MIDDLE: [f64; 5] =
    [1.0075258923123418, -1.0085660975076858, 1.0910130036219483, -0.6941361821263606, 0.1736580100112849];

/// How far the branch point is expanded about.
const NEAR: f64 = 0.25;

/// `√(2(ex + 1))`: NaN below `−1/e`, exactly.
fn distance<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (e, e_low) = E.parts(l);
    // Above 1 it does not matter, but must not overflow.
    let x = l.select(l.lt(l.f(1.0), x), l.f(1.0), x);
    let (product, error) = two_prod(l, x, l.f(e));
    let (high, low) = plus(l, (product, l.fma(x, l.f(e_low), error)), (l.f(1.0), l.f(0.0)));
    let sum = l.add(high, low);
    l.sqrt(l.add(sum, sum))
}

/// One step of fourth order (Fritsch, Shafer, Crowley, "Algorithm 443", 1973) for the logarithm of `|x|`.
fn step<L: Lanes>(l: &L, (log, log_low): Pair<L>, w: L::F) -> L::F {
    let of_w = logarithm(l, w);
    let difference = plus(l, (log, log_low), (l.neg(of_w.0), l.neg(of_w.1)));
    let (high, low) = plus(l, difference, (l.neg(w), l.f(0.0)));
    let z = l.add(high, low);
    let p = l.add(w, l.f(1.0));
    let q = l.mul(l.add(p, p), l.fma(z, l.f(2.0 / 3.0), p));
    let above = l.mul(z, l.sub(q, z));
    let below = l.mul(p, l.sub(q, l.add(z, z)));
    l.fma(w, l.div(above, below), w)
}

/// The value about the branch point, for `p` of either sign.
fn near_branch<L: Lanes>(l: &L, p: L::F) -> L::F {
    let coefficients: &[f64] = by_format(l, &BRANCH, &BRANCH_SINGLE);
    let rest = l.mul(p, by_pairs_of(l, p, coefficients));
    l.add(l.f(-1.0), l.fma(p, rest, p))
}

/// The principal branch: the `w ≥ −1` with `w·e^w = x`.
///
/// Two steps of fourth order from a rough start, the logarithms in two numbers; a polynomial about the branch point, and a short one about 0.
///
/// Measured: 0.80 ULP (binary32: 0.81). `±0` gives `±0`, ∞ gives ∞, NaN below −1/e and for NaN. Fast range: everything.
pub fn lambert_w<L: Lanes>(l: &L, x: L::F) -> L::F {
    let p = distance(l, x);
    let one = l.f(1.0);
    let low = by_pairs_of(l, p, &START);
    let middle = l.mul(x, by_pairs_of(l, x, &MIDDLE));
    // Winitzki's approximation, on logarithms of numbers above 1.
    let log_x = log::log(l, l.add(l.abs(x), one));
    let ratio = l.div(log::log(l, l.add(log_x, one)), l.add(log_x, l.f(2.0)));
    let high = l.mul(log_x, l.sub(one, ratio));
    let start = l.select(l.lt(x, l.f(-0.15)), low, middle);
    let start = l.select(l.lt(l.f(1.5), x), high, start);
    let log = logarithm(l, x);
    let w = step(l, log, step(l, log, start));
    let w = l.select(l.lt(p, l.f(NEAR)), near_branch(l, p), w);
    // x − x² + 3/2·x³.
    let cubic = l.fma(x, l.f(-1.5), one);
    let small = l.fma(l.mul(l.neg(x), cubic), x, x);
    let w = l.select(l.lt(l.abs(x), power_of_two(l, by_format(l, -20, -10))), small, w);
    let w = l.select(l.eq(x, l.f(f64::INFINITY)), x, w);
    // The distance is no number where there is none.
    l.select(l.is_nan(p), p, w)
}

/// The lower branch: the `w ≤ −1` with `w·e^w = x`, for `−1/e ≤ x < 0`.
///
/// Two steps of fourth order from a polynomial or, above −0.15, from logarithms; a polynomial about the branch point.
///
/// Measured: 0.73 ULP (binary32: 0.75). `±0` gives −∞, NaN below −1/e, above 0 and for NaN. Fast range: everything.
pub fn lambert_wm1<L: Lanes>(l: &L, x: L::F) -> L::F {
    let p = distance(l, x);
    let low = by_pairs_of(l, p, &LOWER_START);
    let log = logarithm(l, x);
    // ln(−x) − ln(−ln(−x)) + …
    let outer = log::log(l, l.neg(log.0));
    let high = l.add(l.sub(log.0, outer), l.div(outer, log.0));
    let start = l.select(l.lt(x, l.f(-0.15)), low, high);
    let w = step(l, log, step(l, log, start));
    let w = l.select(l.lt(p, l.f(NEAR)), near_branch(l, l.neg(p)), w);
    let w = l.select(l.eq(x, l.f(0.0)), l.f(f64::NEG_INFINITY), w);
    let w = l.select(l.lt(l.f(0.0), x), l.f(f64::NAN), w);
    l.select(l.is_nan(p), p, w)
}
