//! Reduction and polynomials of the trigonometric functions.

use super::ROUND;
use crate::lanes::Lanes;
use std::f64::consts::{FRAC_2_PI, PI};

/// `π/2 = PI_2_A + PI_2_B + PI_2_C + 2^−76.3`: 23, 24 and 24 bits. A is the largest number of 23 bits below
/// π/2; it is not the nearest one, so that B is positive and the reduction keeps −0.
const PI_2_A: f64 = 1.570796251296997;
const PI_2_B: f64 = 7.549790126404332e-08;
const PI_2_C: f64 = -1.7151245100058819e-15;

/// `sin r ≈ r − r³·Σ SIN[i]·r^2i` on `[−π/4, π/4]`, relative error below 2^−27.9 (Sollya `fpminimax`,
/// coefficients in binary32, the first term fixed at r).
pub const SIN: [f64; 3] = [0.16666655, -0.008332189, 0.00019518285];

/// `cos r ≈ 1 − r²/2 + r⁴·Σ COS[i]·r^2i` on `[−π/4, π/4]`, relative error below 2^−33 (Sollya `fpminimax`,
/// the first two terms fixed).
pub const COS: [f64; 3] = [0.041666646, -0.0013887311, 0.000024432564];

/// `2·tan(r/2) ≈ r − r³·Σ HALF_TAN[i]·r^2i` on `[−π/4, π/4]`, relative error below 2^−28.8 (Sollya
/// `fpminimax`, the first term fixed at r).
pub const HALF_TAN: [f64; 4] = [-0.08333323, -0.008334931, -0.0008355359, -0.00009985539];

/// `x = n·π/2 + hi − tail` with `|hi| ≤ π/4` or a hair more; the low bits of the third result are `n + shift`.
///
/// For `|x| ≤ 2^25` that n may have more bits than a number. So `n = 8m + q`, where m comes from x and q from
/// what remains. `a = x − n·A` is exact, in two steps, because it is a multiple of `2^−22` below 4. The
/// product of n and B is taken in two numbers, exactly; where its difference from a cancels it is exact, and
/// elsewhere its rounding error is recovered (Fast2Sum, with a on a coarser grid than the product).
pub fn reduce<L: Lanes>(l: &L, x: L::F, shift: f64) -> (L::F, L::F, L::I) {
    let round = l.f(ROUND);
    let m = l.sub(l.fma(x, l.f(0.25 / PI), round), round);
    let a = l.fma(m, l.f(-8.0 * PI_2_A), x);
    let near = l.fma(m, l.f(-8.0 * PI_2_B), a);
    let shift = l.f(ROUND + shift);
    let rounded = l.fma(near, l.f(FRAC_2_PI), shift);
    let q = l.sub(rounded, shift);
    let a = l.fma(q, l.f(-PI_2_A), a);
    let (b, turns) = (l.f(PI_2_B), l.f(8.0 * PI_2_B));
    let p = l.fma(q, b, l.mul(m, turns));
    let p_low = l.fma(q, b, l.fma(m, turns, l.neg(p)));
    let hi = l.sub(a, p);
    let lost = l.sub(l.sub(a, hi), p);
    let n = l.fma(m, l.f(8.0), q);
    (hi, l.fma(n, l.f(PI_2_C), l.sub(p_low, lost)), l.bits(rounded))
}
