//! The gamma function, its logarithm and the derivative of that.
//!
//! Arguments below 8 (binary32: 4) are shifted up by a product (for the derivative, by its logarithmic derivative), negative ones are
//! reflected; what is left is Stirling's formula with its remainder as a polynomial in `1/y²`. Everything but that polynomial is
//! carried in two numbers, so that neither the sums near zeros cancel nor the exponential of a large logarithm loses digits.

use super::constants::{LN_PI, LN_SQRT_2PI_LESS_HALF, PI};
use super::double::{fast_two_sum, mul, two_sum};
use super::exp;
use super::format::{by_format, power_of_two};
use super::pow::logarithm;
use super::scale::{scale as scale_by, split};
use super::single;
use super::sums::{Pair, by_order, by_pairs_of, negated, plus, quotient, sine_and_cosine_of_turns};
use crate::lanes::{Lanes, Precision};

/// `y·(ln Γ(y) − (y − ½)(ln y − 1) + ½ − ½ ln 2π) = Σ REMAINDER[i]/y^2i` for `y ≥ 8`, relative error below 2^−62.
const REMAINDER: [f64; 8] = [
    0.08333333333333333,
    -0.0027777777777776747,
    0.0007936507935117282,
    -0.0005952380234291254,
    0.0008417325268022405,
    -0.001914965912162907,
    0.0062081367662297935,
    -0.020855820837463117,
];

/// `y·(ln Γ(y) − (y − ½)(ln y − 1) + ½ − ½ ln 2π) = Σ REMAINDER_SINGLE[i]/y^2i` for `y ≥ 4`, relative error below 2^−29.
const REMAINDER_SINGLE: [f64; 4] = [0.083333336, -0.0027777378, 0.0007903749, -0.0005066983];

/// `y²·(ln y − 1/2y − ψ(y)) = Σ SLOPE[i]/y^2i` for `y ≥ 8`, relative error below 2^−63.
const SLOPE: [f64; 9] = [
    0.08333333333333333,
    -0.008333333333333273,
    0.003968253968150779,
    -0.0041666665982644955,
    0.007575734736252119,
    -0.021088476563015532,
    0.08284662584146768,
    -0.4103919397123186,
    1.7723438848038762,
];

/// `y²·(ln y − 1/2y − ψ(y)) = Σ SLOPE_SINGLE[i]/y^2i` for `y ≥ 4`, relative error below 2^−31.
const SLOPE_SINGLE: [f64; 5] = [0.083333336, -0.008333314, 0.003965788, -0.0040506558, 0.0052064448];

/// An argument shifted up to where Stirling's formula holds.
struct Shifted<L: Lanes> {
    y: L::F,
    y_low: L::F,
    /// `x(x + 1)…`, as many factors as `x` has been shifted by; 1 for none.
    product: Pair<L>,
    /// The derivative of the product.
    slope: Pair<L>,
}

/// From where on nothing is shifted.
fn from<L: Lanes>(l: &L) -> u32 {
    by_format(l, 8, 4)
}

/// Of an argument not below −½; the derivative of the product is only right if it is wanted.
fn shifted<L: Lanes>(l: &L, x: L::F, slope: bool) -> Shifted<L> {
    let count = from(l);
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let small = l.lt(x, l.f(f64::from(count)));
    // What is not shifted may be so large that it would overflow.
    let start = l.select(small, x, one);
    let (mut product, mut derivative) = ((start, zero), (one, zero));
    for k in 1..count {
        let factor = two_sum(l, l.f(f64::from(k)), start);
        if slope {
            derivative = plus(l, mul(l, derivative, factor), product);
        }
        let (high, low) = mul(l, product, factor);
        product = fast_two_sum(l, high, low);
    }
    let (y, y_low) = two_sum(l, start, l.f(f64::from(count)));
    let pick = |(a, b): Pair<L>, (c, d): Pair<L>| (l.select(small, a, c), l.select(small, b, d));
    let (y, y_low) = pick((y, y_low), (x, zero));
    Shifted { y, y_low, product: pick(product, (one, zero)), slope: pick(derivative, (zero, zero)) }
}

/// `ln Γ(y)` for a shifted argument.
fn stirling<L: Lanes>(l: &L, y: L::F, y_low: L::F) -> Pair<L> {
    let log = logarithm(l, y);
    let (less, less_low) = two_sum(l, log.0, l.f(-1.0));
    let less = fast_two_sum(l, less, l.add(less_low, log.1));
    let (factor, factor_low) = two_sum(l, y, l.f(-0.5));
    let (high, low) = mul(l, (factor, factor_low), less);
    let inverse = l.div(l.f(1.0), y);
    let w = l.mul(inverse, inverse);
    let coefficients: &[f64] = by_format(l, &REMAINDER, &REMAINDER_SINGLE);
    let remainder = l.mul(inverse, by_pairs_of(l, w, coefficients));
    // The derivative of the logarithm, for what y lacks.
    let change = l.mul(y_low, l.fma(inverse, l.f(-0.5), log.0));
    let constant = LN_SQRT_2PI_LESS_HALF.parts(l);
    let (sum, sum_low) = two_sum(l, high, l.f(constant.0));
    let low = l.add(l.add(low, sum_low), l.f(constant.1));
    let (sum, sum_low) = two_sum(l, sum, remainder);
    fast_two_sum(l, sum, l.add(l.add(low, sum_low), change))
}

/// `ln |v|` of a number in two parts.
fn logarithm_of_pair<L: Lanes>(l: &L, v: Pair<L>) -> Pair<L> {
    let log = logarithm(l, v.0);
    let correction = l.div(v.1, v.0);
    let correction = l.select(l.lt(l.abs(correction), l.f(1.0)), correction, l.f(0.0));
    fast_two_sum(l, log.0, l.add(log.1, correction))
}

/// π in two numbers.
fn pi<L: Lanes>(l: &L) -> Pair<L> {
    let (high, low) = PI.parts(l);
    (l.f(high), l.f(low))
}

/// Where `x` is reflected.
fn reflected<L: Lanes>(l: &L, x: L::F) -> L::M {
    l.lt(x, l.f(-0.5))
}

/// The logarithm of the magnitude of the gamma function.
///
/// The error stays below 1 ULP and half of one for each unit of the condition number. Measured: 0.69 of that (binary32: 0.54). Exact zeros at 1 and 2;
/// ∞ at the poles 0, −1, −2, … and for ±∞; NaN gives NaN. Fast range: everything.
pub fn lgamma<L: Lanes>(l: &L, x: L::F) -> L::F {
    let negative = reflected(l, x);
    let a = l.select(negative, l.neg(x), x);
    let Shifted { y, y_low, product, .. } = shifted(l, a, false);
    let (sum, low) = stirling(l, y, y_low);
    // Γ(−a)·Γ(a)·a·sin πa = −π.
    let ((sine, sine_low), _) = sine_and_cosine_of_turns(l, a);
    let (turn, turn_low) = mul(l, (sine, sine_low), (a, l.f(0.0)));
    let (high, rest) = quotient(l, (turn, turn_low), product);
    let high = l.select(negative, high, product.0);
    let rest = l.select(negative, rest, product.1);
    let pole = l.eq(high, l.f(0.0));
    let (log, log_low) = logarithm_of_pair(l, (high, rest));
    let ln_pi = LN_PI.parts(l);
    let from_pi = plus(l, (l.f(ln_pi.0), l.f(ln_pi.1)), (l.neg(sum), l.neg(low)));
    let base = (l.select(negative, from_pi.0, sum), l.select(negative, from_pi.1, low));
    let (high, low) = plus(l, base, (l.neg(log), l.neg(log_low)));
    let value = l.add(high, low);
    let infinity = l.f(f64::INFINITY);
    // Large numbers overflow in a product whose low part is then no number, and there the sum of the high parts is right.
    let value = l.select(l.lt(l.abs(sum), infinity), value, infinity);
    let pole = l.or(pole, l.eq(l.abs(x), infinity));
    let value = l.select(pole, infinity, value);
    let one_or_two = l.or(l.eq(x, l.f(1.0)), l.eq(x, l.f(2.0)));
    let value = l.select(one_or_two, l.f(0.0), value);
    let beyond = l.lt(by_format(l, l.f(2.6e305), l.f(4.1e36)), a);
    let value = l.select(beyond, infinity, value);
    l.select(l.is_nan(x), x, value)
}

/// `e^(a + a′)` as a number in two parts between √½ and √2, and the exponent of two that is left in the low bits of the last result, as
/// the format has it for `two_to`.
pub(super) fn exponential<L: Lanes>(l: &L, (a, low): Pair<L>) -> (Pair<L>, L::I) {
    let (round, ln2, ln2_low) = by_format(
        l,
        (exp::ROUND + 2046.0, exp::LN2_HIGH, exp::LN2_LOW),
        (single::ROUND + 254.0, single::exp::LN2_HIGH, single::exp::LN2_LOW),
    );
    let shift = l.f(round);
    let t = l.fma(a, l.f(std::f64::consts::LOG2_E), shift);
    let n = l.sub(t, shift);
    let high = l.fma(n, l.f(-ln2), a);
    let (r, rest) = fast_two_sum(l, high, l.fma(n, l.f(-ln2_low), low));
    let w = match l.precision() {
        Precision::Double => exp::expm1_tail(l, r, rest),
        Precision::Single => single::exp::expm1_tail(l, r, rest),
    };
    let (high, error) = fast_two_sum(l, l.f(1.0), r);
    (fast_two_sum(l, high, l.add(error, w)), l.bits(t))
}

/// `x · 2^n` for the exponent of [`exponential`], rounded once unless it is subnormal.
pub(super) fn by_power<L: Lanes>(l: &L, x: L::F, n: L::I) -> L::F {
    let (s1, s2) = match l.precision() {
        Precision::Double => exp::two_to(l, n),
        Precision::Single => single::exp::two_to(l, n),
    };
    l.mul(l.mul(x, s1), s2)
}

/// The gamma function.
///
/// Measured: 0.79 ULP (binary32: 0.95); monotone but near its minimum, where it is flat. `Γ(±0) = ±∞`, ∞ for ∞, NaN for negative integers, −∞ and NaN. Fast range: everything.
pub fn gamma<L: Lanes>(l: &L, x: L::F) -> L::F {
    let negative = reflected(l, x);
    let a = l.select(negative, l.neg(x), x);
    let Shifted { y, y_low, product, .. } = shifted(l, a, false);
    // Beyond, everything overflows, and its reciprocal vanishes.
    let most = l.f(by_format(l, 200.0, 50.0));
    let y = l.select(l.lt(most, y), most, y);
    let (mantissa, power) = exponential(l, stirling(l, y, y_low));
    let ((sine, sine_low), _) = sine_and_cosine_of_turns(l, a);
    let turn = mul(l, (sine, sine_low), (a, l.f(0.0)));
    let below = mul(l, turn, mantissa);
    let above = mul(l, product, pi(l));
    let pick = |(a, b): Pair<L>, (c, d): Pair<L>| (l.select(negative, a, c), l.select(negative, b, d));
    let (high, low) = quotient(l, pick(above, mantissa), pick(below, product));
    let opposite = l.isub(l.i(by_format(l, 4092, 508)), power);
    let power = l.iselect(negative, opposite, power);
    let size = by_power(l, l.add(high, low), power);
    // Γ is negative from −1 to 0, and so on by turns.
    let floor = l.floor(a);
    let half = l.mul(floor, l.f(0.5));
    let even = l.eq(l.floor(half), half);
    let value = l.select(l.and(negative, even), l.neg(size), size);
    let near = l.lt(l.abs(x), power_of_two(l, by_format(l, -60, -28)));
    let value = l.select(near, l.div(l.f(1.0), x), value);
    let pole = l.and(negative, l.eq(floor, a));
    let value = l.select(pole, l.f(f64::NAN), value);
    let far = l.lt(l.f(by_format(l, 180.0, 40.0)), x);
    l.select(far, l.f(f64::INFINITY), value)
}

/// The derivative of the logarithm of the gamma function, ψ.
///
/// The error stays below 1 ULP and half of one for each unit of the condition number. Measured: 0.50 of that (binary32: 0.50). `ψ(±0) = ∓∞`, ∞ for ∞,
/// NaN for negative integers, −∞ and NaN. Fast range: everything.
pub fn digamma<L: Lanes>(l: &L, x: L::F) -> L::F {
    let negative = reflected(l, x);
    let a = l.select(negative, l.neg(x), x);
    let Shifted { y, y_low, product, slope } = shifted(l, a, true);
    let one = l.f(1.0);
    let log = logarithm(l, y);
    let inverse = quotient(l, (one, l.f(0.0)), (y, y_low));
    let w = l.mul(inverse.0, inverse.0);
    let coefficients: &[f64] = by_format(l, &SLOPE, &SLOPE_SINGLE);
    let remainder = l.mul(w, by_pairs_of(l, w, coefficients));
    let (sum, low) = two_sum(l, log.0, l.mul(inverse.0, l.f(-0.5)));
    let low = l.add(l.add(low, log.1), l.fma(inverse.1, l.f(-0.5), l.mul(y_low, inverse.0)));
    let (sum, rest) = two_sum(l, sum, l.neg(remainder));
    let low = l.add(low, rest);
    let sum = plus(l, (sum, low), negated(l, quotient(l, slope, product)));
    // ψ(−a) = ψ(a) + 1/a + π cot πa.
    let (sine, cosine) = sine_and_cosine_of_turns(l, a);
    let cotangent = mul(l, quotient(l, cosine, sine), pi(l));
    let mirrored = plus(l, plus(l, sum, quotient(l, (one, l.f(0.0)), (a, l.f(0.0)))), cotangent);
    let high = l.select(negative, mirrored.0, sum.0);
    let low = l.select(negative, mirrored.1, sum.1);
    let value = l.add(high, low);
    let near = l.lt(l.abs(x), power_of_two(l, by_format(l, -60, -28)));
    let value = l.select(near, l.div(l.f(-1.0), x), value);
    let pole = l.and(negative, l.eq(l.floor(a), a));
    let value = l.select(pole, l.f(f64::NAN), value);
    // ln x, where the rest does not count and reciprocals vanish.
    let far = l.lt(power_of_two(l, by_format(l, 60, 30)), x);
    l.select(far, log.0, value)
}

/// The highest order of [`polygamma`].
pub const ORDERS: u32 = 12;

/// Bernoulli numbers `B_2j/(2j)!`, from `j = 1` on.
const BERNOULLI: [f64; 10] = [
    0.08333333333333333,
    -0.001388888888888889,
    3.306878306878307e-05,
    -8.267195767195768e-07,
    2.08767569878681e-08,
    -5.284190138687493e-10,
    1.3382536530684679e-11,
    -3.3896802963225827e-13,
    8.586062056277845e-15,
    -2.174868698558062e-16,
];

/// The derivative of ψ of an order `n` from 1 to [`ORDERS`]; NaN for other orders.
///
/// Powers of reciprocals, in two numbers, up to where the asymptotic series holds, and the reflection formula below −½.
///
/// Measured for `n` up to 10: 1.3 ULP above −½, and 13 below next to the poles, where the condition number is large (binary32: 2 and 60). ∞ at 0 for odd n
/// and ±∞ at ∓0 for even ones, NaN at negative integers, 0 at ∞, NaN for −∞ and NaN. Fast range: everything.
pub fn polygamma<L: Lanes>(l: &L, n: L::F, x: L::F) -> L::F {
    by_order(l, n, ORDERS, |n| derivative(l, n, x))
}

fn derivative<L: Lanes>(l: &L, n: u32, x: L::F) -> L::F {
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let count = by_format(l, 20, 12);
    let factorial: f64 = (1..=n).map(f64::from).product();
    let negative = reflected(l, x);
    let a = l.select(negative, l.neg(x), x);
    let small = l.lt(a, l.f(f64::from(count)));
    let start = l.select(small, a, one);
    let power_of = |base: Pair<L>, exponent: u32| {
        (1..exponent).fold(base, |power, _| {
            let (high, low) = mul(l, power, base);
            fast_two_sum(l, high, low)
        })
    };
    let mut sum = (zero, zero);
    for k in (0..count).rev() {
        let reciprocal = quotient(l, (one, zero), two_sum(l, start, l.f(f64::from(k))));
        sum = plus(l, sum, power_of(reciprocal, n + 1));
    }
    let (y, y_low) = two_sum(l, start, l.f(f64::from(count)));
    let (y, y_low) = (l.select(small, y, a), l.select(small, y_low, zero));
    let inverse = quotient(l, (one, zero), (y, y_low));
    let w = l.mul(inverse.0, inverse.0);
    // (2j + n − 1)!/n!·B_2j/(2j)!, j from 1 on.
    let mut rising = 1.0 / f64::from(n);
    let terms: Vec<f64> = (1..)
        .zip(&BERNOULLI[..by_format(l, 10, 5)])
        .map(|(j, b)| {
            let top = f64::from(2 * j + n - 1);
            rising *= top * if j == 1 { f64::from(n) } else { top - 1.0 };
            rising * b
        })
        .collect();
    let series = l.mul(w, by_pairs_of(l, w, &terms));
    let (head, error) = two_sum(l, l.mul(inverse.0, l.f(0.5)), quotient_of(l, n));
    let rest = plus(l, (head, error), (series, l.mul(inverse.1, l.f(0.5))));
    let rest = plus(l, rest, (zero, quotient_rest(l, n)));
    // The factorial first, so that powers vanish only where the result does.
    let factor = (l.f(factorial), zero);
    let tail = (0..n).fold(mul(l, rest, factor), |tail, _| {
        let (high, low) = mul(l, tail, inverse);
        fast_two_sum(l, high, low)
    });
    let shifted = plus(l, mul(l, sum, factor), tail);
    let whole = (l.select(small, shifted.0, tail.0), l.select(small, shifted.1, tail.1));
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    let direct = l.mul(l.add(whole.0, whole.1), l.f(sign));
    // ψⁿ(−a) = (−1)ⁿ·ψⁿ(a) + n!/a^(n + 1) − πⁿ⁺¹·Qₙ(cot −πa), with Qₙ₊₁(c) = −(1 + c²)·Qₙ′(c).
    let (sine, cosine) = sine_and_cosine_of_turns(l, a);
    let cotangent = l.neg(l.add(quotient(l, cosine, sine).0, quotient(l, cosine, sine).1));
    let powers = (0..n).fold(vec![0.0, 1.0], |q: Vec<f64>, _| {
        let mut next = vec![0.0; q.len() + 1];
        for (k, c) in q.iter().enumerate().skip(1) {
            next[k - 1] -= k as f64 * c;
            next[k + 1] -= k as f64 * c;
        }
        next
    });
    let polynomial = powers.iter().rev().fold(zero, |sum, &c| l.fma(sum, cotangent, l.f(c)));
    let scale = std::f64::consts::PI.powi(n as i32 + 1);
    let own = l.mul(l.add(power_of(quotient(l, (one, zero), (a, zero)), n + 1).0, zero), l.f(factorial));
    let turned = if n.is_multiple_of(2) { direct } else { l.neg(direct) };
    let mirrored = l.sub(l.add(turned, own), l.mul(polynomial, l.f(scale)));
    let value = l.select(negative, mirrored, direct);
    let pole = l.and(negative, l.eq(l.floor(a), a));
    let value = l.select(pole, l.f(f64::NAN), value);
    // Near 0 one term is all, and its power may overflow on the way.
    let (mantissa, exponent) = split(l, x);
    let power = power_of(quotient(l, (one, zero), (mantissa, zero)), n + 1);
    let power = l.mul(l.add(power.0, power.1), l.f(sign * factorial));
    let near = scale_by(l, power, l.mul(exponent, l.f(-f64::from(n + 1))));
    let close = -by_format(l, 60_i64, 28).div_euclid(i64::from(n + 1)) - 1;
    let value = l.select(l.lt(l.abs(x), power_of_two(l, close)), near, value);
    let at_zero = l.div(l.f(sign), if n.is_multiple_of(2) { x } else { l.abs(x) });
    let value = l.select(l.eq(x, zero), at_zero, value);
    l.select(l.eq(x, l.f(f64::INFINITY)), zero, value)
}

/// `1/n`, and what it lacks.
fn quotient_of<L: Lanes>(l: &L, n: u32) -> L::F {
    l.div(l.f(1.0), l.f(f64::from(n)))
}

fn quotient_rest<L: Lanes>(l: &L, n: u32) -> L::F {
    let (one, n) = (l.f(1.0), l.f(f64::from(n)));
    let quotient = l.div(one, n);
    l.div(l.fma(l.neg(quotient), n, one), n)
}
