//! The logarithm of an exponential plus a number, and its slopes.

use super::double::{fast_two_sum, two_sum};
use super::format::{by_format, power_of_two};
use super::{exp, log, single};
use crate::lanes::{Lanes, Precision};

/// `e^x + y`, scaled.
struct Sum<L: Lanes> {
    /// `2^N (e^x + y)` in two numbers, the second one below the last bit of the first.
    sum: L::F,
    low: L::F,
    /// `2^N e^x`, in two numbers as well.
    power: L::F,
    power_low: L::F,
    /// −N.
    exponent: L::F,
    /// `2^N`.
    scale: L::F,
}

impl<L: Lanes> Sum<L> {
    /// The exponential is a sum of two numbers, `1 + r` and what is left of it, until `y` has been added: so nothing
    /// is lost where it cancels but what the polynomial of the exponential has rounded, 2^−55 of the exponential
    /// (binary32: 2^−26). Near `x = 0` that is 2^−53 (2^−24) of `x²`.
    fn of(l: &L, x: L::F, y: L::F) -> Sum<L> {
        // Down where the exponential may overflow, up where it may be subnormal beside a number that is not large.
        let (high, down) = by_format(l, (600.0, 600), (60.0, 64));
        let (low, small, up) = by_format(l, (-600.0, 20, 1000), (-50.0, 5, 120));
        let large = l.lt(l.f(high), x);
        let tiny = l.and(l.lt(x, l.f(low)), l.lt(l.abs(y), power_of_two(l, small)));
        // Beyond these the exponential does not count, or no other number does.
        let (least, less, most) = by_format(l, (-1400.0, -1500.0, 1100.0), (-170.0, -210.0, 130.0));
        let least = l.select(tiny, l.f(less), l.f(least));
        let x = l.select(l.lt(x, least), least, x);
        let x = l.select(l.lt(l.f(most), x), l.f(most), x);
        let pick = |down: L::F, up: L::F, none: f64| l.select(large, down, l.select(tiny, up, l.f(none)));
        let scale = pick(power_of_two(l, -down), power_of_two(l, up), 1.0);
        let exponent = pick(l.f(down as f64), l.f(-up as f64), 0.0);
        let shift = l.iselect(large, l.i(down), l.iselect(tiny, l.i(-up), l.i(0)));

        let (r, low, bits) = match l.precision() {
            Precision::Double => exp::reduce(l, x, 2046.0),
            Precision::Single => single::exp::reduce(l, x, 254.0),
        };
        let tail = match l.precision() {
            Precision::Double => exp::expm1_tail(l, r, low),
            Precision::Single => single::exp::expm1_tail(l, r, low),
        };
        let (high, rest) = fast_two_sum(l, l.f(1.0), r);
        let rest = l.add(rest, tail);
        let biased = l.isub(bits, shift);
        let (s1, s2) = match l.precision() {
            Precision::Double => exp::two_to(l, biased),
            Precision::Single => single::exp::two_to(l, biased),
        };
        let (high, rest) = (l.mul(l.mul(high, s1), s2), l.mul(l.mul(rest, s1), s2));
        let (sum, carry) = two_sum(l, high, l.mul(y, scale));
        let (sum, carry_too) = two_sum(l, sum, rest);
        // An infinity leaves nothing.
        let finite = l.lt(l.abs(sum), l.f(f64::INFINITY));
        let (sum, low) = two_sum(l, sum, l.select(finite, l.add(carry, carry_too), l.f(0.0)));
        let (power, power_low) = fast_two_sum(l, high, rest);
        Sum { sum, low, power, power_low, exponent, scale }
    }
}

/// `ln(e^x + y)`.
///
/// The logarithm of a sum in two numbers, as it is for [`log1p`](log::log1p).
///
/// Measured: 1.2 ULP (binary32: 0.8) for positive y where the result is beyond ±0.02, and 0.83 ULP (binary32: 0.67) for y = −1,
/// `ln(e^x − 1)`. Elsewhere the result is that of an exponential which is off by 2^−55 of itself (binary32: 2^−26), or by 2^−53
/// (2^−24) of x² where x is small. `lead(x, ±0)` is x; −∞ for a sum of 0, NaN for a negative one and for NaN,
/// but ∞ for y = ∞ next to a finite x. Fast range: everything.
pub fn lead<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let sum = Sum::of(l, x, y);
    let value = match l.precision() {
        Precision::Double => {
            let (k, f, tail) = log::corrected(l, sum.sum, sum.low);
            log::sum(l, l.add(k, sum.exponent), f, tail)
        }
        Precision::Single => {
            let (k, f, tail) = single::log::corrected(l, sum.sum, sum.low);
            single::log::sum(l, l.add(k, sum.exponent), f, tail)
        }
    };
    let value = log::special(l, sum.sum, value);
    // Far up, no finite y counts.
    let beyond = l.lt(l.f(by_format(l, 1100.0, 130.0)), x);
    let alone = l.and(beyond, l.lt(l.abs(y), l.f(f64::INFINITY)));
    l.select(l.or(alone, l.eq(y, l.f(0.0))), x, value)
}

/// `e^x/(e^x + y)`, the slope of [`lead`] by x.
///
/// Measured: 0.70 ULP (binary32: 0.74) where the sum does not cancel; else as accurate as the sum is. 1 for y = ±0. Fast range:
/// everything.
pub fn lead_by_x<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let Sum { sum, low, power, power_low, .. } = Sum::of(l, x, y);
    let reciprocal = l.div(l.f(1.0), sum);
    let quotient = l.mul(power, reciprocal);
    let minus = l.neg(quotient);
    let rest = l.add(l.fma(minus, sum, power), l.fma(minus, low, power_low));
    let corrected = l.fma(rest, reciprocal, quotient);
    let size = l.abs(reciprocal);
    let usual = l.and(l.lt(l.f(0.0), size), l.lt(size, l.f(f64::INFINITY)));
    l.select(l.eq(y, l.f(0.0)), l.f(1.0), l.select(usual, corrected, quotient))
}

/// `1/(e^x + y)`, the slope of [`lead`] by y.
///
/// Measured: 1.41 ULP (binary32: 1.41) where the sum does not cancel; else as accurate as the sum is. Fast range: everything.
pub fn lead_by_y<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let sum = Sum::of(l, x, y);
    l.mul(l.div(l.f(1.0), sum.sum), sum.scale)
}
