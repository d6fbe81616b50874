//! Numbers in two parts, which special functions are made of, and sines of fractions of a turn in two parts.

use super::constants::PI;
use super::double::{fast_two_sum, mul, two_prod, two_sum};
use super::poly::by_fours;
use super::trig::unrounded_kernels;
use crate::lanes::Lanes;

/// The unrounded sum of a number and a much smaller one.
pub(super) type Pair<L> = (<L as Lanes>::F, <L as Lanes>::F);

/// `a + b`, with a relative error of about `2^−104` unless they cancel, normalised.
pub(super) fn plus<L: Lanes>(l: &L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    let (sum, error) = two_sum(l, a.0, b.0);
    fast_two_sum(l, sum, l.add(error, l.add(a.1, b.1)))
}

/// `−a`.
pub(super) fn negated<L: Lanes>(l: &L, a: Pair<L>) -> Pair<L> {
    (l.neg(a.0), l.neg(a.1))
}

/// `a/b`, with a relative error of about `2^−100`, normalised.
pub(super) fn quotient<L: Lanes>(l: &L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    let inverse = l.div(l.f(1.0), b.0);
    let high = l.mul(a.0, inverse);
    let minus = l.neg(high);
    let rest = l.fma(minus, b.1, l.add(l.fma(minus, b.0, a.0), a.1));
    fast_two_sum(l, high, l.mul(rest, inverse))
}

/// A polynomial, by groups of four.
pub(super) fn by_pairs_of<L: Lanes>(l: &L, x: L::F, c: &[f64]) -> L::F {
    let x2 = l.mul(x, x);
    by_fours(l, x, x2, l.mul(x2, x2), c)
}

/// `lead[0] + x·(lead[1] + x·(… + x·rest))`, `lead` and `x` being in two parts: its rounding errors are those of the rest.
pub(super) fn led_by<L: Lanes>(l: &L, x: Pair<L>, lead: &[(f64, f64)], rest: L::F) -> Pair<L> {
    let mut sum = (rest, l.f(0.0));
    for &(high, low) in lead.iter().rev() {
        let product = mul(l, sum, x);
        sum = plus(l, product, (l.f(high), l.f(low)));
    }
    sum
}

/// `|sin πa|` and `cos πa` with the sign of `cot πa`, for `a ≥ 0`, each in two parts.
pub(super) fn sine_and_cosine_of_turns<L: Lanes>(l: &L, a: L::F) -> (Pair<L>, Pair<L>) {
    let r = l.sub(a, l.round_even(a));
    let size = l.abs(r);
    // Beyond a quarter, sine and cosine change places.
    let swap = l.lt(l.f(0.25), size);
    let angle = l.select(swap, l.sub(l.f(0.5), size), size);
    let (pi, pi_low) = PI.parts(l);
    let (z, error) = two_prod(l, angle, l.f(pi));
    let tail = l.neg(l.fma(angle, l.f(pi_low), error));
    let kernels = unrounded_kernels(l, z, tail);
    let sine = (kernels.sin, l.sub(l.sub(z, kernels.sin), kernels.cubic));
    let cosine = (kernels.cos, l.add(l.sub(kernels.top, kernels.cos), kernels.rest));
    let pick = |(a, b): Pair<L>, (c, d): Pair<L>| (l.select(swap, a, c), l.select(swap, b, d));
    let (sine, cosine) = (pick(cosine, sine), pick(sine, cosine));
    let negative = l.lt(r, l.f(0.0));
    let signed = |x: L::F| l.select(negative, l.neg(x), x);
    (sine, (signed(cosine.0), signed(cosine.1)))
}

/// What `one` gives for the order that stands in `n`, from 1 to `most`; if it is not known before lanes run, by choosing among all of them. NaN for others.
pub(super) fn by_order<L: Lanes>(l: &L, n: L::F, most: u32, one: impl Fn(u32) -> L::F) -> L::F {
    let none = l.f(f64::NAN);
    if let Some(known) = l.constant(n) {
        return (1..=most).find(|&k| f64::from(k) == known).map_or(none, one);
    }
    (1..=most).fold(none, |value, k| l.select(l.eq(n, l.f(f64::from(k))), one(k), value))
}
