//! Powers.

use super::double::{fast_two_sum, fnma, linear, two_prod, two_sum};
use super::exp::{LN2_HIGH, LN2_LOW, ROUND, expm1_tail, two_to};
use super::format::{by_format, power_of_two};
use super::poly::flip;
use super::single;
use crate::lanes::{Lanes, Precision};
use std::f64::consts::LOG2_E;

/// 2^52; with an integer below 2^52 in the low bits it is the sum of both.
const TWO_52: f64 = 4503599627370496.0;
/// The bits of 1.0.
const ONE: i64 = 0x3ff0_0000_0000_0000;
/// The bits of 0.703125, where mantissas are cut: halfway between two of the centres below.
const CUT: i64 = 0x3fe6_8000_0000_0000;
/// The bits of a mantissa.
const MANTISSA: i64 = 0x000f_ffff_ffff_ffff;
/// The mantissa bits that a centre does not have.
const BELOW_CENTRE: i64 = 0x0000_ffff_ffff_ffff;

/// The logarithms of the centres `1 + i/16` for `i ≤ 6` and `(1 + i/16)/2` for `i ≥ 7`, to a multiple of `2^−42`.
static LOG_CENTRE: [f64; 16] = [
    0.0,
    0.06062462181648698,
    0.11778303565643,
    0.17185025692674571,
    0.22314355131425145,
    0.2719337154835557,
    0.31845373111855224,
    -0.33024168687052224,
    -0.28768207245184385,
    -0.2468600779316148,
    -0.20763936477828793,
    -0.16989903679541385,
    -0.13353139262449076,
    -0.09844007281321865,
    -0.0645385211375924,
    -0.03174869831468641,
];

/// What [`LOG_CENTRE`] leaves.
static LOG_CENTRE_LOW: [f64; 16] = [
    0.0,
    -5.213620639136504e-14,
    -4.654729747598445e-14,
    -8.649239607212071e-14,
    -4.169796584527195e-14,
    8.604306772808733e-14,
    -1.7625431312172662e-14,
    -5.4612144489920215e-14,
    6.292357389008195e-14,
    8.899851356560444e-14,
    4.3425422595242564e-14,
    1.6376276414097503e-14,
    -3.1859736349078334e-14,
    -3.3871241029241416e-14,
    2.1225608044809997e-14,
    1.0610652735224087e-13,
];

/// `a = 2^k m` with `m` in `[0.703125, 1.40625)`, and the centre `c` nearest to `m`.
pub(super) struct Split<L: Lanes> {
    pub(super) k: L::F,
    /// Index of the centre in its low bits.
    pub(super) index: L::I,
    /// `m − c`, exactly.
    pub(super) difference: L::F,
    /// `m + c`, exactly.
    pub(super) sum: (L::F, L::F),
}

/// Splits a positive finite number.
fn split<L: Lanes>(l: &L, a: L::F) -> Split<L> {
    if l.precision() == Precision::Single {
        return single::pow::split(l, a);
    }
    let subnormal = l.lt(a, l.f(f64::MIN_POSITIVE));
    let scaled = l.select(subnormal, l.mul(a, l.f(18014398509481984.0)), a);
    let offset = l.select(subnormal, l.f(TWO_52 + 1077.0), l.f(TWO_52 + 1023.0));
    let bits = l.iadd(l.bits(scaled), l.i(ONE - CUT));
    let k = l.sub(l.float(l.ior(l.shr(bits, 52), l.bits(l.f(TWO_52)))), offset);
    let m = l.iadd(l.iand(bits, l.i(MANTISSA)), l.i(CUT));
    let c = l.iand(l.iadd(m, l.i((BELOW_CENTRE + 1) / 2)), l.i(!BELOW_CENTRE));
    let (m, centre) = (l.float(m), l.float(c));
    Split {
        k,
        index: l.shr(c, 48),
        difference: l.sub(m, centre),
        // The exponent of the centre is never the smaller one.
        sum: fast_two_sum(l, centre, m),
    }
}

/// An exponential before it is put together: `mantissa · s1 · s2`, where `log` is in the range of that.
pub(super) struct Magnitude<L: Lanes> {
    /// The exponent of e.
    pub(super) log: L::F,
    pub(super) mantissa: L::F,
    pub(super) s1: L::F,
    pub(super) s2: L::F,
}

impl<L: Lanes> Magnitude<L> {
    /// The exponential.
    fn whole(&self, l: &L) -> L::F {
        let power = l.mul(l.mul(self.mantissa, self.s1), self.s2);
        self.saturated(l, power, l.f(0.0), l.f(f64::INFINITY))
    }

    /// The exponential times a factor, which may bring it back into the range of numbers.
    fn times(&self, l: &L, factor: L::F) -> L::F {
        let power = l.mul(l.mul(l.mul(self.mantissa, self.s1), factor), self.s2);
        self.saturated(l, power, l.mul(factor, l.f(0.0)), l.mul(factor, l.f(f64::INFINITY)))
    }

    fn saturated(&self, l: &L, power: L::F, nothing: L::F, infinity: L::F) -> L::F {
        let limit = by_format(l, 1000.0, 120.0);
        let power = l.select(l.lt(self.log, l.f(-limit)), nothing, power);
        l.select(l.gt(self.log, l.f(limit)), infinity, power)
    }
}

/// The logarithm of `a ≥ 0` in two numbers, relative error about `2^−65` (binary32: `2^−35`), and a low part of which nothing is
/// known where the high one is not finite; `reciprocal` is that of the rounded `m + c`.
fn logarithm_of<L: Lanes>(l: &L, a: L::F, parts: &Split<L>, reciprocal: L::F) -> (L::F, L::F) {
    if l.precision() == Precision::Single {
        return single::pow::logarithm_of(l, a, parts, reciprocal);
    }
    let s = l.mul(parts.difference, reciprocal);
    let minus_s = l.neg(s);
    let residual = l.fma(minus_s, parts.sum.1, l.fma(minus_s, parts.sum.0, parts.difference));
    let s_low = l.mul(residual, reciprocal);
    let z = l.mul(s, s);
    // (2 atanh(√z)/√z − 2)/z: fpminimax of four coefficients on [0, 1.07/63²]; error 2^−71 of the logarithm.
    let p0 = linear(l, z, 0.6666666666666666, 0.40000000000176644);
    let p1 = linear(l, z, 0.2857142626950419, 0.22233405175054327);
    let cubic = l.mul(l.mul(s, z), l.fma(l.mul(z, z), p1, p0));
    let start = l.fma(parts.k, l.f(LN2_HIGH), l.lookup(&LOG_CENTRE, parts.index));
    let start_low = l.fma(parts.k, l.f(LN2_LOW), l.lookup(&LOG_CENTRE_LOW, parts.index));
    let (log, carry) = fast_two_sum(l, start, l.add(s, s));
    let low = l.add(start_low, l.fma(s_low, l.f(2.0), cubic));
    let log_low = l.add(carry, low);
    let log = l.select(l.lt(a, l.f(f64::INFINITY)), log, a);
    let log = l.select(l.eq(a, l.f(0.0)), l.f(f64::NEG_INFINITY), log);
    (log, log_low)
}

/// The natural logarithm of a positive number in two numbers, relative error about `2^−65` (binary32: `2^−35`), the low part below the
/// last bit of the high one; −∞ for ±0, ∞ for ∞, and that of `|x|` for negative numbers.
pub(super) fn logarithm<L: Lanes>(l: &L, x: L::F) -> (L::F, L::F) {
    let a = l.abs(x);
    let parts = split(l, a);
    let reciprocal = l.div(l.f(1.0), parts.sum.0);
    let (log, low) = logarithm_of(l, a, &parts, reciprocal);
    fast_two_sum(l, log, low)
}

/// `a^(y + y′)` for `a ≥ 0`; `reciprocal` is that of the rounded `m + c`.
///
/// The logarithm in two numbers, relative error about `2^−65`: `log c + 2 atanh s` with `s = (m − c)/(m + c)` in
/// two numbers, `|s| < 1/63`. Then the exponential of a sum of two numbers.
fn magnitude<L: Lanes>(
    l: &L,
    a: L::F,
    (y, y_low): Pair<L>,
    parts: &Split<L>,
    reciprocal: L::F,
) -> Magnitude<L> {
    if l.precision() == Precision::Single {
        return single::pow::magnitude(l, a, (y, y_low), parts, reciprocal);
    }
    let (log, log_low) = logarithm_of(l, a, parts, reciprocal);
    let (p, mut p_error) = two_prod(l, y, log);
    if let Some(y_low) = y_low {
        p_error = l.fma(y_low, log, p_error);
    }
    let p_low = l.fma(y, log_low, p_error);
    let shift = l.f(ROUND + 2046.0);
    let t = l.fma(p, l.f(LOG2_E), shift);
    let n = l.sub(t, shift);
    let (r, low) = fast_two_sum(l, fnma(l, n, LN2_HIGH, p), fnma(l, n, LN2_LOW, p_low));
    let w = expm1_tail(l, r, low);
    let (high, error) = fast_two_sum(l, l.f(1.0), r);
    let (s1, s2) = two_to(l, l.bits(t));
    Magnitude { log: p, mantissa: l.add(high, l.add(error, w)), s1, s2 }
}

/// A number in two parts, the second of which may be known to be zero.
pub(super) type Pair<L> = (<L as Lanes>::F, Option<<L as Lanes>::F>);

/// `(a + a′)(b + b′)` as a pair. A low part of zero and a missing one give the same bits.
fn product<L: Lanes>(l: &L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    let (high, mut error) = two_prod(l, a.0, b.0);
    if let Some(low) = b.1 {
        error = l.fma(a.0, low, error);
    }
    if let Some(low) = a.1 {
        error = l.fma(low, b.0, error);
    }
    (high, Some(error))
}

/// `(a + a′)(b + b′)` with one rounding (a second one if it is subnormal), and `ab` rounded.
fn last_product<L: Lanes>(l: &L, a: Pair<L>, b: Pair<L>) -> (L::F, L::F) {
    let plain = l.mul(a.0, b.0);
    let magnitude = l.abs(plain);
    // The low parts contribute less than the smallest number when the product is about to become subnormal.
    let (limit, by) = by_format(l, (-960, 200), (-80, 50));
    let tiny = l.lt(magnitude, power_of_two(l, limit));
    let up = l.select(tiny, power_of_two(l, by), l.f(1.0));
    let down = l.select(tiny, power_of_two(l, -by), l.f(1.0));
    let high = l.mul(b.0, up);
    let cross = match (a.1, b.1) {
        (None, None) => return (plain, plain),
        (Some(a_low), None) => l.mul(a_low, high),
        (None, Some(b_low)) => l.mul(a.0, l.mul(b_low, up)),
        (Some(a_low), Some(b_low)) => l.fma(a.0, l.mul(b_low, up), l.mul(a_low, high)),
    };
    let power = l.mul(l.fma(a.0, high, cross), down);
    // Beyond overflow the low parts are no numbers, and where the product vanishes they have any sign.
    let usual = l.and(l.gt(magnitude, l.f(0.0)), l.lt(magnitude, l.f(f64::INFINITY)));
    (l.select(usual, power, plain), plain)
}

/// What `1/x` rounded leaves.
fn reciprocal_low<L: Lanes>(l: &L, x: L::F, reciprocal: L::F) -> L::F {
    l.mul(l.fma(l.neg(reciprocal), x, l.f(1.0)), reciprocal)
}

/// `x^y`.
///
/// `y` = 2, 1, 0, −1 and ½ are `x·x`, `x`, 1, `1/x` and the square root; other integers up to 8 in magnitude are
/// products in two numbers of `x` or of its reciprocal in two numbers, rounded once. Everything else is the
/// exponential of `y log |x|` with the logarithm in two numbers (a table of 16 centres and one division).
/// One division serves all of them.
///
/// Maximal error measured: 0.76 ULP (binary32: 0.96, next to overflow). Special values are
/// those of C: `x^±0` and `1^y` are 1 even for NaN, as is `(−1)^±∞`; a negative finite `x` gives NaN unless
/// `y` is an integer, whose parity decides the sign, also for −0 and −∞; other NaNs give NaN.
pub fn pow<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let zero = l.f(0.0);
    let one = l.f(1.0);
    let a = l.abs(x);
    let n = l.abs(y);
    let integer = l.eq(l.round_even(y), y);
    let small = l.and(integer, l.and(l.le(one, n), l.le(n, l.f(8.0))));
    let parts = split(l, a);
    let reciprocal = l.div(one, l.select(small, x, parts.sum.0));

    let general = magnitude(l, a, (y, None), &parts, reciprocal).whole(l);
    let general = l.select(l.eq(a, one), one, general);
    let general = l.select(l.eq(y, l.f(0.5)), l.sqrt(a), general);
    let half = l.mul(y, l.f(0.5));
    let odd = l.and(integer, l.ne(l.round_even(half), half));
    let general = negative_if(l, general, x, l.select(odd, l.f(-0.0), zero));
    let undefined = l.and(l.not(integer), l.and(l.lt(x, zero), l.gt(x, l.f(f64::NEG_INFINITY))));
    let general = l.select(undefined, l.f(f64::NAN), general);

    let power = small_power(l, x, y, reciprocal);
    l.select(l.eq(y, zero), one, l.select(small, power, general))
}

/// `f·x^(y + c)`, of which `y·x^(y − 1)`, the slope of [`pow`], is one, and its derivatives are others.
///
/// The exponent is not rounded: it is a sum of two numbers on the way to the exponential of [`pow`]. The factor is in the product
/// before the last power of two, so that a power beyond the range of numbers does not count if the product is within it.
///
/// Measured: 1.38 ULP (binary32: 1.42), for a factor that is a normal number. Special values are those of [`pow`], times the factor. Fast range: everything.
pub fn pow_slope<L: Lanes>(l: &L, x: L::F, y: L::F, c: L::F, f: L::F) -> L::F {
    let (zero, one) = (l.f(0.0), l.f(1.0));
    let a = l.abs(x);
    let (e, e_low) = two_sum(l, y, c);
    // The sum of an infinity leaves nothing.
    let e_low = l.select(l.lt(l.abs(e), l.f(f64::INFINITY)), e_low, zero);
    let n = l.abs(e);
    let exact = l.eq(e_low, zero);
    let integer = l.and(exact, l.eq(l.round_even(e), e));
    let small = l.and(integer, l.and(l.le(one, n), l.le(n, l.f(8.0))));
    let parts = split(l, a);
    let reciprocal = l.div(one, l.select(small, x, parts.sum.0));

    let general = magnitude(l, a, (e, Some(e_low)), &parts, reciprocal).times(l, f);
    let general = l.select(l.eq(a, one), f, general);
    let half = l.mul(e, l.f(0.5));
    let odd = l.and(integer, l.ne(l.round_even(half), half));
    let sign = l.iand(l.bits(x), l.bits(l.select(odd, l.f(-0.0), zero)));
    let general = flip(l, general, sign);
    let undefined = l.and(l.not(integer), l.and(l.lt(x, zero), l.gt(x, l.f(f64::NEG_INFINITY))));
    let general = l.select(undefined, l.f(f64::NAN), general);

    let power = l.mul(small_power(l, x, e, reciprocal), f);
    l.select(l.eq(e, zero), f, l.select(small, power, general))
}

/// `x^y` for an integer y from 1 to 8 in magnitude; `reciprocal` is that of x.
fn small_power<L: Lanes>(l: &L, x: L::F, y: L::F, reciprocal: L::F) -> L::F {
    let (zero, n) = (l.f(0.0), l.abs(y));
    let inverse = l.lt(y, zero);
    let x1 = l.select(inverse, reciprocal, x);
    let low = l.select(inverse, reciprocal_low(l, x, reciprocal), zero);
    let powers = small_powers(l, (x1, Some(low)), 8);
    let pick = |limits: [f64; 3]| {
        let [(mut high, low), ..] = powers;
        let mut low = low.unwrap_or(zero);
        for (limit, (next, next_low)) in limits.into_iter().zip(&powers[1..]) {
            let reached = l.le(l.f(limit), n);
            high = l.select(reached, *next, high);
            low = l.select(reached, next_low.unwrap_or(zero), low);
        }
        (high, Some(low))
    };
    let (power, plain) = last_product(l, pick([3.0, 5.0, 7.0]), pick([4.0, 6.0, 8.0]));
    let power = l.select(l.eq(y, l.f(2.0)), plain, power);
    l.select(l.eq(n, l.f(1.0)), x1, power)
}

/// `x^1 … x^4`, as far as the exponent `n` needs them: it is the product of the powers `⌈n/2⌉` and `⌊n/2⌋`.
fn small_powers<L: Lanes>(l: &L, x: Pair<L>, n: u32) -> [Pair<L>; 4] {
    let mut powers = [x; 4];
    if n > 2 {
        powers[1] = product(l, x, x);
    }
    if n > 4 {
        powers[2] = product(l, powers[1], x);
    }
    if n > 6 {
        powers[3] = product(l, powers[1], powers[1]);
    }
    powers
}

/// `magnitude` with the sign of `x` where `sign` is −0.
fn negative_if<L: Lanes>(l: &L, magnitude: L::F, x: L::F, sign: L::F) -> L::F {
    l.float(l.ior(l.bits(magnitude), l.iand(l.bits(x), l.bits(sign))))
}

/// `x^y` for an exponent that is known: the bits of [`pow`] from the operations that this exponent needs.
pub fn pow_const<L: Lanes>(l: &L, x: L::F, y: f64) -> L::F {
    let one = l.f(1.0);
    let integer = y.round_ties_even() == y;
    let n = y.abs();
    if y == 0.0 {
        return one;
    }
    if y == 2.0 {
        return l.mul(x, x);
    }
    if y == 0.5 {
        // Adding zero turns −0 into +0 and changes nothing else.
        let infinite = l.eq(x, l.f(f64::NEG_INFINITY));
        return l.select(infinite, l.f(f64::INFINITY), l.sqrt(l.add(x, l.f(0.0))));
    }
    if integer && n <= 8.0 {
        let x1: Pair<L> = if y < 0.0 {
            let reciprocal = l.div(one, x);
            (reciprocal, (n > 1.0).then(|| reciprocal_low(l, x, reciprocal)))
        } else {
            (x, None)
        };
        if n == 1.0 {
            return x1.0;
        }
        let n = n as u32;
        let powers = small_powers(l, x1, n);
        let n = n as usize;
        let (power, _) = last_product(l, powers[n.div_ceil(2) - 1], powers[n / 2 - 1]);
        return power;
    }

    let a = l.abs(x);
    let parts = split(l, a);
    let reciprocal = l.div(one, parts.sum.0);
    let mut power = magnitude(l, a, (l.f(y), None), &parts, reciprocal).whole(l);
    if !y.is_finite() {
        power = l.select(l.eq(a, one), one, power);
    }
    if integer {
        let half = y * 0.5;
        if half.round_ties_even() != half {
            power = negative_if(l, power, x, l.f(-0.0));
        }
        return power;
    }
    let undefined = l.and(l.lt(x, l.f(0.0)), l.gt(x, l.f(f64::NEG_INFINITY)));
    l.select(undefined, l.f(f64::NAN), power)
}
