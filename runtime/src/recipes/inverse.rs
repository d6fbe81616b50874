//! Inverse trigonometric functions.

use super::format::{by_format, power_of_two};
use super::poly::{by_fours, flip, rough_reciprocal, sign_bit, sign_of};
use super::single;
use crate::lanes::{Lanes, Precision};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// What binary64 lacks of π, relative to π: `π = PI + PI·LACK`, also for π/2, π/4
/// and 3π/4, as PI ends in three zero bits.
const LACK: f64 = 3.8981718325193755e-17;

/// What a number lacks of π, relative to π.
#[inline]
fn lack<L: Lanes>(l: &L) -> L::F {
    l.f(by_format(l, LACK, single::inverse::LACK))
}

/// `atan z ≈ z + z³·Σ ATAN[i]·z^2i` on `[0, 1/2]`, relative error below 2^−57.7 (Remez algorithm in 260 bits, then the
/// coefficients rounded to binary64 one after the other, the later ones fitted again each time).
const ATAN: [f64; 12] = [
    -0.3333333333333298,
    0.19999999999903123,
    -0.1428571427638747,
    0.11111110659709438,
    -0.09090896246532196,
    0.07692073939350041,
    -0.06663810874728954,
    0.05858300551556582,
    -0.05122012602787181,
    0.04186522242441707,
    -0.02743522014256277,
    0.01011702610465827,
];

/// `asin r ≈ r + r³·Σ ASIN[i]·r^2i` on `[0, 1/2]`, relative error below 2^−55.9 (Sollya `fpminimax`, coefficients in
/// binary64, the first term fixed at r).
const ASIN: [f64; 12] = [
    0.16666666666665408,
    0.07500000000337102,
    0.04464285682827013,
    0.030381959138981125,
    0.022371758008737835,
    0.01735970531637236,
    0.013885230602039715,
    0.012169240344520724,
    0.006527862707984047,
    0.019528546896388492,
    -0.016224660166076297,
    0.03191252891780875,
];

/// `base + atan(z + z_low)` for `|z| ≤ 1/2` and `base` the same multiple of the rounded π as of π, or `base`
/// plus the number given (0 included).
#[inline]
fn atan_above<L: Lanes>(l: &L, base: L::F, base_low: Option<L::F>, z: L::F, z_low: L::F) -> L::F {
    let s = l.mul(z, z);
    let s2 = l.mul(s, s);
    let s4 = l.mul(s2, s2);
    let cubic =
        l.fma(l.mul(z, s), by_fours(l, s, s2, s4, by_format(l, &ATAN, &single::inverse::ATAN)), z_low);
    let sum = l.add(base, z);
    let lost = l.add(l.sub(base, sum), z);
    let lost = base_low.map_or(lost, |low| l.add(lost, low));
    l.add(sum, l.add(l.fma(base, lack(l), lost), cubic))
}

/// What `z = num/(den + den_low)` lacks, multiplied by the derivative of the arc tangent. It is below a unit in the
/// last place of z, so a rough reciprocal of `den·(1 + z²)` will do.
#[inline]
fn quotient_tail<L: Lanes>(l: &L, num: L::F, den: L::F, den_low: L::F, z: L::F) -> L::F {
    let minus = l.neg(z);
    let rest = l.fma(minus, den_low, l.fma(minus, den, num));
    l.mul(rest, rough_reciprocal(l, l.fma(num, z, den)))
}

/// Arc tangent of `x`.
///
/// `atan x`, `π/4 + atan((x − 1)/(x + 1))` or `π/2 + atan(−1/x)` with thresholds 1/2 and 2 (the reduction of
/// Cody and Waite, *Software Manual for the Elementary Functions*, 1980), a minimax polynomial, and the rounding
/// errors of the quotient and of the sum recovered.
///
/// Measured: 0.75 ULP (binary32: 0.77). `atan(±0) = ±0`, `atan(±∞) = ±π/2`, NaN gives NaN. Fast range:
/// everything.
pub fn atan<L: Lanes>(l: &L, x: L::F) -> L::F {
    let one = l.f(1.0);
    let size = l.abs(x);
    let middle = l.lt(l.f(0.5), size);
    let big = l.lt(l.f(2.0), size);
    // 2^64 (binary32: 2^32) and above give π/2; an infinite denominator would make the residual a NaN.
    let limit = l.f(by_format(l, 18_446_744_073_709_551_616.0, 4_294_967_296.0));
    let sum = l.add(size, one);
    let sum_low = l.sub(size, l.sub(sum, one));
    let choose = |small, between, large| l.select(big, large, l.select(middle, between, small));
    let num = choose(size, l.sub(size, one), l.f(-1.0));
    let den = choose(one, sum, l.select(l.lt(size, limit), size, limit));
    let den_low = choose(l.f(0.0), sum_low, l.f(0.0));
    let base = choose(l.f(0.0), l.f(FRAC_PI_4), l.f(FRAC_PI_2));
    let z = l.div(num, den);
    let z_low = quotient_tail(l, num, den, den_low, z);
    flip(l, atan_above(l, base, None, z, z_low), sign_of(l, x))
}

/// The angle of the point `(x, y)`, in `[−π, π]`: the arc tangent of `y/x` in the right quadrant.
///
/// The method of [`atan`] for `|y|/|x|` without forming that quotient; π minus the angle for negative x. Points
/// nearer than 2^−900 or farther than 2^900 (binary32: 2^±100) are scaled.
///
/// Measured: 0.73 ULP (binary32: 0.86). Zeros and infinities as in C99, annex F: `atan2(±0, +0) = ±0`,
/// `atan2(±0, −0) = ±π`, `atan2(±y, −∞) = ±π`, `atan2(±∞, x) = ±π/2`, `atan2(±∞, ±∞)` an odd multiple of π/4.
/// Fast range: everything.
pub fn atan2<L: Lanes>(l: &L, y: L::F, x: L::F) -> L::F {
    let zero = l.f(0.0);
    let (width, height) = (l.abs(x), l.abs(y));
    let steep = l.lt(width, height);
    let larger = l.select(steep, height, width);
    let (far, by) = by_format(l, (900, 200), (100, 50));
    let down = l.lt(power_of_two(l, far), larger);
    let up = l.lt(larger, power_of_two(l, -far));
    let scale = l.select(down, power_of_two(l, -by), l.select(up, power_of_two(l, by), l.f(1.0)));
    let (width, height) = (l.mul(width, scale), l.mul(height, scale));
    // The smallest number is lost in any other sum, but makes 0/0 a 0.
    let larger = l.add(l.select(steep, height, width), l.f(by_format(l, 5e-324, 1.401298464324817e-45)));
    let smaller = l.select(steep, width, height);
    let middle = l.le(larger, l.add(smaller, smaller));
    let sum = l.add(larger, smaller);
    let num = l.select(middle, l.sub(height, width), l.select(steep, l.neg(width), height));
    let den = l.select(middle, sum, larger);
    let den_low = l.select(middle, l.sub(smaller, l.sub(sum, larger)), zero);
    // Equal coordinates have quotient 0, infinite ones included.
    let z = l.select(l.eq(larger, smaller), zero, l.div(num, den));
    let infinite = l.eq(larger, l.f(f64::INFINITY));
    let z_low = l.select(infinite, zero, quotient_tail(l, num, den, den_low, z));
    let base = l.select(middle, l.f(FRAC_PI_4), l.select(steep, l.f(FRAC_PI_2), zero));
    // For negative x the opposite of the angle is computed. The difference of the bases is exact in binary64.
    let left = l.igt(l.i(0), l.bits(x));
    let turn = l.select(left, l.f(PI), zero);
    let right = base;
    let base = l.sub(right, turn);
    let base_low = match l.precision() {
        Precision::Double => None,
        Precision::Single => Some(l.sub(right, l.add(base, turn))),
    };
    let sign = l.iand(l.ixor(l.bits(x), l.bits(y)), sign_bit(l));
    flip(l, atan_above(l, base, base_low, z, z_low), sign)
}

/// `base + factor·(asin(r) + r_low)` where `s = r²` to working precision, `factor` is a small power of two with a
/// sign and `base` a multiple of π/2 rounded to binary64.
#[inline]
fn asin_above<L: Lanes>(l: &L, base: L::F, factor: L::F, r: L::F, r_low: L::F, s: L::F) -> L::F {
    let s2 = l.mul(s, s);
    let s4 = l.mul(s2, s2);
    let cubic =
        l.fma(l.mul(r, s), by_fours(l, s, s2, s4, by_format(l, &ASIN, &single::inverse::ASIN)), r_low);
    let sum = l.fma(factor, r, base);
    let lost = l.fma(factor, r, l.sub(base, sum));
    l.add(sum, l.fma(factor, cubic, l.fma(base, lack(l), lost)))
}

/// For `|x| > 1/2`: `z = (1 − |x|)/2`, `r = √z` and what `r` lacks.
#[inline]
fn root<L: Lanes>(l: &L, size: L::F) -> (L::F, L::F, L::F) {
    let z = l.fma(size, l.f(-0.5), l.f(0.5));
    let r = l.sqrt(z);
    let rest = l.fma(l.neg(r), r, z);
    (z, r, l.mul(rest, rough_reciprocal(l, l.add(r, r))))
}

/// Arc sine of `x`.
///
/// A minimax polynomial up to 1/2; above, `π/2 − 2·asin √((1 − |x|)/2)` with the rounding errors of the root and of
/// the sum recovered.
///
/// Measured: 0.78 ULP (binary32: 0.68). `asin(±0) = ±0`, `asin(±1) = ±π/2`, NaN outside `[−1, 1]`. Fast
/// range: everything.
pub fn asin<L: Lanes>(l: &L, x: L::F) -> L::F {
    let size = l.abs(x);
    let big = l.lt(l.f(0.5), size);
    let (z, root, root_low) = root(l, size);
    let s = l.select(big, z, l.mul(x, x));
    let r = l.select(big, root, size);
    let r_low = l.select(big, root_low, l.f(0.0));
    let base = l.select(big, l.f(FRAC_PI_2), l.f(0.0));
    let factor = l.select(big, l.f(-2.0), l.f(1.0));
    flip(l, asin_above(l, base, factor, r, r_low, s), sign_of(l, x))
}

/// Arc cosine of `x`.
///
/// `π/2 − asin x` up to 1/2; above, `2·asin √((1 − |x|)/2)`, subtracted from π if x is negative; the polynomial of
/// [`asin`].
///
/// Measured: 0.73 ULP (binary32: 0.66). `acos(1) = +0`, `acos(−1) = π`, NaN outside `[−1, 1]`. Fast range:
/// everything.
pub fn acos<L: Lanes>(l: &L, x: L::F) -> L::F {
    let size = l.abs(x);
    let big = l.lt(l.f(0.5), size);
    let left = l.lt(x, l.f(0.0));
    let (z, root, root_low) = root(l, size);
    let s = l.select(big, z, l.mul(x, x));
    let r = l.select(big, root, x);
    let r_low = l.select(big, root_low, l.f(0.0));
    let base = l.select(big, l.select(left, l.f(PI), l.f(0.0)), l.f(FRAC_PI_2));
    let factor = l.select(big, l.select(left, l.f(-2.0), l.f(2.0)), l.f(-1.0));
    asin_above(l, base, factor, r, r_low, s)
}
