//! Arithmetic and elementary functions of complex numbers, component by component.
//!
//! A complex number is a pair of lanes. Each function here gives one component; both components of a result are
//! made of the same operations but the last few, so that recording both costs little more than one.

use super::double::fast_two_sum;
use super::exp::pieces;
use super::format::{Format, by_format, power_of_two};
use super::hypot::hypot;
use super::inverse::atan2;
use super::poly::{rough_reciprocal, with_sign};
use super::pow::{pow, pow_const};
use super::trig;
use super::{log, single};
use crate::lanes::{Lanes, Precision};

/// `e^x cos y`, the real part of `e^(x + iy)`.
///
/// The reductions and polynomials of [`exp`](super::exp::exp) and [`cos`](trig::cos). Their product is formed from
/// the unrounded ends of both, with the first half of the power of two already in it; the other half rounds only
/// subnormal results. So the product overflows and vanishes where it should, not where `e^x` does.
///
/// Maximal error measured: 1.35 ULP (binary32: 1.54). Special values are those of C's `cexp`: `exp_cos(x, ±0)` is
/// `exp(x)`, bit for bit; for x = −∞ a zero with the sign of the cosine, +0 if y is not finite; for x = ∞ an infinity
/// with the sign of the cosine, ∞ if y is not finite; NaN for other x with a y that is not finite, and for NaN x.
/// Fast range: that of `cos`, whatever x is.
pub fn exp_cos<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    exponential(l, x, y).0
}

/// `e^x sin y`, the imaginary part of `e^(x + iy)`.
///
/// As [`exp_cos`], from the same operations.
///
/// Maximal error measured: 1.40 ULP (binary32: 1.56). `exp_sin(x, ±0) = ±0` for every x, infinities and NaN included;
/// for x = −∞ a zero with the sign of the sine, +0 if y is not finite; for x = ∞ an infinity with the sign of the
/// sine, NaN if y is not finite; NaN for other x with a y that is not finite, and for NaN x. Fast range: that of
/// `sin`, whatever x is.
pub fn exp_sin<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    exponential(l, x, y).1
}

fn exponential<L: Lanes>(l: &L, x: L::F, y: L::F) -> (L::F, L::F) {
    // Next to an infinite x, a y that is not finite counts as zero.
    let infinity = l.f(f64::INFINITY);
    let no_angle = l.and(l.eq(l.abs(x), infinity), l.not(l.lt(l.abs(y), infinity)));
    let (hi, tail, quadrant) = trig::reduce(l, l.select(no_angle, l.f(0.0), y), 0.0);
    exponential_reduced(l, x, y, hi, tail, quadrant)
}

/// Both parts of `e^(x + iy)` for `y = n·π/2 + hi − tail`, `n` in the low two bits of `quadrant`.
pub(super) fn exponential_reduced<L: Lanes>(
    l: &L,
    x: L::F,
    y: L::F,
    hi: L::F,
    tail: L::F,
    quadrant: L::I,
) -> (L::F, L::F) {
    // Beyond these, everything vanishes, and the product with the smallest sine overflows.
    let (least, most) = by_format(l, (-800.0, 1480.0), (-120.0, 200.0));
    let clamped = l.select(l.lt(x, l.f(least)), l.f(least), x);
    let clamped = l.select(l.lt(l.f(most), x), l.f(most), clamped);
    let (e, biased) = pieces(l, clamped);
    // Far up, a third factor keeps the other two in range. It is infinite for infinite x, so that no angle gives NaN
    // for the sine.
    let (far, by) = by_format(l, (850.0, 900), (100.0, 120));
    let far = l.lt(l.f(far), x);
    let biased = l.isub(biased, l.iselect(far, l.i(by), l.i(0)));
    let up = l.select(far, power_of_two(l, by), l.f(1.0));
    let up = l.select(l.eq(x, l.f(f64::INFINITY)), x, up);
    let (s1, s2) = two_to(l, biased);
    let e = l.mul(e, s1);
    let k = trig::unrounded_kernels(l, hi, tail);
    let sin = l.fma(hi, s1, l.fma(e, k.sin, l.mul(k.cubic, l.neg(s1))));
    let cos = l.fma(k.top, s1, l.fma(e, k.cos, l.mul(k.rest, s1)));
    let scaled = |part| l.mul(l.mul(part, s2), up);
    let (sin, cos) = trig::turned(l, scaled(sin), scaled(cos), quadrant);
    (cos, l.select(l.eq(y, l.f(0.0)), y, sin))
}

/// `2^n` in two factors, from the second of the [`pieces`]. The first one is the larger one by so much that its
/// product with the sine of a subnormal angle is a normal number where the whole product is.
fn two_to<L: Lanes>(l: &L, biased: L::I) -> (L::F, L::F) {
    let Format { fraction, .. } = Format::of(l);
    let first = l.shr(l.iadd(biased, l.i(by_format(l, 800, 78))), 1);
    (l.float(l.shl(first, fraction)), l.float(l.shl(l.isub(biased, first), fraction)))
}

/// What [`Scale::of`] clears in an exponent field: the three lowest bits.
const COARSE: i64 = 7;

/// A power of two that brings a number to around 1, for any finite number but zero.
struct Scale<L: Lanes> {
    /// The exponent field of the number, rounded down to a multiple of eight, in its place.
    exponent: L::I,
    /// `2^(base − field)` for that field.
    factor: L::F,
}

impl<L: Lanes> Scale<L> {
    /// The [`factor`](Scale::factor) of a number with exponent field 0 is 2 to the power of this.
    fn base(l: &L) -> i64 {
        by_format(l, 1020, 124)
    }

    /// For a positive number; scaled by it, normal numbers come to between `2^−3` and `2^5`.
    fn of(l: &L, size: L::F) -> Scale<L> {
        let Format { fraction, bias } = Format::of(l);
        let exponent = l.iand(l.bits(size), l.i((2 * bias + 1 - COARSE) << fraction));
        let factor = l.float(l.isub(l.i((Self::base(l) + bias) << fraction), exponent));
        Scale { exponent, factor }
    }
}

/// The magnitudes of two numbers, the larger one first; if there is a NaN, it may come first or not.
fn ordered<L: Lanes>(l: &L, x: L::F, y: L::F) -> (L::F, L::F) {
    let (x, y) = (l.abs(x), l.abs(y));
    let order = l.lt(x, y);
    (l.select(order, y, x), l.select(order, x, y))
}

/// `ln √(x² + y²)`, the real part of `ln(x + iy)`.
///
/// Both coordinates are scaled by a power of two. The squares and their sum are exact, in four numbers whose sum is
/// taken in the order that loses nothing while it cancels: the larger square's error and that of the sum first, which
/// the grids of their last bits allow to be done by Fast2Sum. Split as `2^k (1 + f + f′)` with `f` exact near 1, the
/// logarithm is that of [`log`](log::log) with `f′` added to its tail.
///
/// Maximal error measured: 0.82 ULP (binary32: 0.93), next to the unit circle, too, where the result may be as small
/// as `2^−107`. Even in both coordinates and symmetric, bit for bit. `(±0, ±0)` gives −∞; ∞ if either coordinate is
/// infinite, even next to a NaN; NaN with any other NaN. Fast range: everything.
pub fn log_hypot<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let (large, small) = ordered(l, x, y);
    let Scale { exponent, factor } = Scale::of(l, large);
    let (a, b) = (l.mul(large, factor), l.mul(small, factor));
    let (p, q) = (l.mul(a, a), l.mul(b, b));
    let p_low = l.fma(a, a, l.neg(p));
    let q_low = l.fma(b, b, l.neg(q));
    let (sum, carry) = fast_two_sum(l, p, q);
    let (w, w_low) = fast_two_sum(l, p_low, carry);
    let (w, lost) = fast_two_sum(l, w, q_low);
    let rest = l.add(lost, w_low);

    let Format { fraction, bias } = Format::of(l);
    let (one, cut) = by_format(l, (log::ONE, log::CUT), (single::log::ONE, single::log::CUT));
    let bits = l.iadd(l.bits(sum), l.i(one - cut));
    let field = l.i((2 * bias + 1) << fraction);
    let inverse = l.float(l.isub(l.i((2 * bias) << fraction), l.iand(bits, field)));
    let integer = Format::of(l).integer();
    let twice = l.iadd(l.shr(bits, fraction), l.shr(exponent, fraction - 1));
    let offset = l.f(integer + (bias + 2 * Scale::base(l)) as f64);
    let k = l.sub(l.float(l.ior(twice, l.bits(l.f(integer)))), offset);

    let d = l.fma(sum, inverse, l.f(-1.0));
    let f = l.fma(w, inverse, d);
    let f_low = l.fma(w, inverse, l.sub(d, f));
    let f_low = l.fma(rest, inverse, f_low);
    let log = match l.precision() {
        Precision::Double => log::sum(l, k, f, l.add(log::log1p_tail(l, f), f_low)),
        Precision::Single => single::log::sum(l, k, f, l.add(single::log::log1p_tail(l, f), f_low)),
    };
    let log = l.mul(log, l.f(0.5));
    let log = l.select(l.eq(sum, l.f(0.0)), l.f(f64::NEG_INFINITY), log);
    let infinity = l.f(f64::INFINITY);
    l.select(l.or(l.eq(large, infinity), l.eq(small, infinity)), infinity, log)
}

/// `ac − bd`, the real part of `(a + bi)(c + di)`.
///
/// As it is written, so that products commute and `z·z̄` is real. The error of both components as a vector is at most
/// `√5 · 2^−53` of the length of the product (R. Brent, C. Percival and P. Zimmermann, "Error bounds on complex
/// floating-point multiplication", 2007; binary32: `√5 · 2^−24`); a component alone may be lost in the rounding of the
/// other one's terms.
///
/// An infinite operand next to a zero, or products that overflow in opposite directions, give NaN; C's recovery of an
/// infinity from NaN is not made. A product whose length is beyond the largest number, by less than √2, may have an
/// infinite component that would be finite. Fast range: everything.
pub fn product_re<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    l.sub(l.mul(a, c), l.mul(b, d))
}

/// `ad + bc`, the imaginary part of `(a + bi)(c + di)`; as [`product_re`].
pub fn product_im<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    l.add(l.mul(a, d), l.mul(b, c))
}

/// Magnitude and angle of `(x + iy)^w` for a real w: for them the recipes of [`hypot`],
/// [`pow`] and [`atan2`].
pub fn power_polar<L: Lanes>(l: &L, x: L::F, y: L::F, w: L::F) -> (L::F, L::F) {
    let radius = hypot(l, x, y);
    let magnitude = match l.constant(w) {
        Some(w) => pow_const(l, radius, w),
        None => pow(l, radius, w),
    };
    (magnitude, l.mul(atan2(l, y, x), w))
}

/// The number with a magnitude and the sine and cosine of an angle; real if the sine is 0, an infinite one, too.
pub fn from_polar<L: Lanes>(l: &L, magnitude: L::F, (sin, cos): (L::F, L::F)) -> (L::F, L::F) {
    let im = l.select(l.eq(sin, l.f(0.0)), sin, l.mul(magnitude, sin));
    (l.mul(magnitude, cos), im)
}

/// The real part of `(a + bi)/(c + di)`.
///
/// Both operands are scaled by powers of two. Then `(ac + bd)/(c² + d²)` with the sum of products by Kahan's method
/// (Jeannerod, Louvet and Muller, "Further analysis of Kahan's algorithm for the accurate computation of 2×2
/// determinants", 2013), so that each component by itself is accurate, and back by the same factor twice. If d is ±0,
/// it is `a/c`.
///
/// Error of both components as a vector, measured: `3.8 · 2^−53` of the length of the quotient (binary32: `3.6 ·
/// 2^−24`), and as much of each component unless it is smaller by hundreds of orders of magnitude than the other one.
/// A divisor of zero gives what the division of each component by c gives: infinities with the signs of C, and NaN
/// for `0/0`. A finite number divided by an infinite one gives zeros, an infinite one by a finite one at least one
/// infinity, even if the other component is NaN. Fast range: everything.
pub fn quotient_re<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    quotient(l, (a, b), (c, d)).0
}

/// The imaginary part of `(a + bi)/(c + di)`, `(bc − ad)/(c² + d²)`; as [`quotient_re`], from the same operations.
pub fn quotient_im<L: Lanes>(l: &L, a: L::F, b: L::F, c: L::F, d: L::F) -> L::F {
    quotient(l, (a, b), (c, d)).1
}

/// A complex number scaled to around 1.
struct Scaled<L: Lanes> {
    re: L::F,
    im: L::F,
    exponent: L::I,
    /// Whether a component is infinite. Then infinite components are ±1 and the others 0.
    infinite: L::M,
}

impl<L: Lanes> Scaled<L> {
    fn of(l: &L, re: L::F, im: L::F) -> Scaled<L> {
        let infinity = l.f(f64::INFINITY);
        let (large, small) = ordered(l, re, im);
        let Scale { exponent, factor } = Scale::of(l, large);
        let infinite = l.or(l.eq(large, infinity), l.eq(small, infinity));
        // An infinity and 1 with the same sign differ in one bit.
        let part = |x| {
            let one = l.float(l.ixor(l.bits(x), l.i(by_format(l, 1 << 62, 1 << 30))));
            let direction = l.select(l.eq(l.abs(x), infinity), one, l.f(0.0));
            l.select(infinite, direction, l.mul(x, factor))
        };
        Scaled { re: part(re), im: part(im), exponent, infinite }
    }
}

fn quotient<L: Lanes>(l: &L, (a, b): (L::F, L::F), (c, d): (L::F, L::F)) -> (L::F, L::F) {
    let z = Scaled::of(l, a, b);
    let w = Scaled::of(l, c, d);
    let norm = l.fma(w.re, w.re, l.mul(w.im, w.im));
    let first = l.mul(z.im, w.im);
    let re = l.add(l.fma(z.re, w.re, first), l.fma(z.im, w.im, l.neg(first)));
    let second = l.mul(z.re, w.im);
    let minus_second = l.neg(second);
    let im = l.sub(l.fma(z.im, w.re, minus_second), l.fma(z.re, w.im, minus_second));
    // Half the difference of two multiples of eight is an integer.
    let Format { fraction, bias } = Format::of(l);
    let difference = l.isub(z.exponent, w.exponent);
    let half = l.float(l.shr(l.iadd(difference, l.i((2 * bias) << fraction)), 1));
    let up = l.select(z.infinite, l.f(f64::INFINITY), half);
    let down = l.select(w.infinite, l.f(0.0), half);

    let real = l.eq(d, l.f(0.0));
    let one = l.f(1.0);
    let norm = l.select(real, c, norm);
    let up = l.select(real, one, up);
    let down = l.select(real, one, down);
    let part = |plain, sum| l.mul(l.mul(l.div(l.select(real, plain, sum), norm), up), down);
    (part(a, re), part(b, im))
}

/// The real part of the principal square root of `x + iy`, the one with a real part that is not negative.
///
/// With `z` scaled by a power of four, `t = √((|x| + |z|)/2)`: the length with a Newton correction as in
/// [`hypot`], its sum with `|x|` in two numbers, and a correction of the second root by what
/// both leave. The other component is `|y|/(2t)`; the sign of x says which one is which.
///
/// Maximal error measured: 1.51 ULP (binary32: 1.74). Special values are those of C's `csqrt`: ∞ if y is infinite,
/// even next to a NaN, or if x = ∞ and y is finite; +0 for x = −∞ and finite y, and for `(±0, ±0)`; NaN otherwise if
/// either is NaN. Fast range: everything.
pub fn root_re<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    root(l, x, y).0
}

/// The imaginary part of the principal square root of `x + iy`; it has the sign of y, also that of a zero.
///
/// As [`root_re`], from the same operations. Maximal error measured: 1.49 ULP (binary32: 1.61). ±∞ if y is infinite,
/// even next to a NaN, or if x = −∞ and y is finite; ±0 for x = ∞ and finite y, and for `(±0, ±0)`; NaN otherwise if
/// either is NaN. Fast range: everything.
pub fn root_im<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    root(l, x, y).1
}

fn root<L: Lanes>(l: &L, x: L::F, y: L::F) -> (L::F, L::F) {
    let infinity = l.f(f64::INFINITY);
    let (large, small) = ordered(l, x, y);
    let Scale { exponent, factor } = Scale::of(l, large);
    let (a, b) = (l.mul(large, factor), l.mul(small, factor));
    let b2 = l.mul(b, b);
    let b2_low = l.fma(b, b, l.neg(b2));
    let square = l.fma(a, a, b2);
    let length = l.sqrt(square);
    let rest = l.add(l.fma(l.neg(length), length, square), b2_low);
    let correction = l.mul(rest, rough_reciprocal(l, l.add(length, length)));
    let (sum, carry) = fast_two_sum(l, length, l.mul(l.abs(x), factor));
    let half = l.f(0.5);
    let sum = l.mul(sum, half);
    let low = l.mul(l.add(carry, correction), half);
    let t = l.sqrt(sum);
    let rest = l.add(l.fma(l.neg(t), t, sum), low);
    let t = l.fma(rest, rough_reciprocal(l, l.add(t, t)), t);
    // The corrections of an infinite length are no numbers.
    let t = l.select(l.lt(square, infinity), t, square);

    let Format { fraction, bias } = Format::of(l);
    let unscale = l.iadd(l.shr(exponent, 1), l.i((bias - Scale::base(l) / 2) << fraction));
    let t = l.mul(t, l.float(unscale));
    let size = l.abs(y);
    let other = l.select(l.eq(t, l.f(0.0)), size, l.div(size, l.add(t, t)));
    let tall = l.eq(size, infinity);
    let (t, other) = (l.select(tall, infinity, t), l.select(tall, infinity, other));
    let negative = l.lt(x, l.f(0.0));
    let re = l.select(negative, other, t);
    let im = l.select(negative, t, other);
    (re, with_sign(l, im, y))
}
