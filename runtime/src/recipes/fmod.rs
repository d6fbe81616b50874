//! Division with remainder.

use super::format::Format;
use super::poly::{flip, sign_of};
use crate::lanes::Lanes;

/// `(⌊|x|/|y|⌋, |x| mod |y|)` for quotients on the fast range, and where there is one beyond.
///
/// The rounded quotient, truncated, is the integer wanted or, if rounding carried it to the next one, one more.
/// Either way the remainder by `fma` is exact, as it is a multiple of the last place of both arguments and below |y|.
#[inline]
fn divide<L: Lanes>(l: &L, x: L::F, y: L::F) -> (L::F, L::F, L::M) {
    let (x, y) = (l.abs(x), l.abs(y));
    let q = l.trunc(l.div(x, y));
    let r = l.fma(l.neg(q), y, x);
    // A zero y and an infinite x have made r a NaN, which is the result.
    // Below 2^53 (binary32: 2^24) the rounded quotient is off by one at most.
    let limit = l.f(2.0 * Format::of(l).integer());
    let beyond = l.and(l.le(limit, q), l.eq(r, r));
    let above = l.lt(r, l.f(0.0));
    let q = l.select(above, l.sub(q, l.f(1.0)), q);
    let r = l.select(above, l.add(r, y), r);
    // An infinite y has made r a NaN, but leaves x.
    (q, l.select(l.lt(x, y), x, r), beyond)
}

/// `|x|` less a multiple of `|y|` that leaves it below `2^52·|y|` (binary32: `2^23·|y|`), or as it is where there is none.
///
/// Long division, 51 (22) bits of the quotient at a time: a step takes off a multiple of `|y|·2^k` with the largest k that
/// brings the quotient of that step to at most 2^52 (2^23), or with the 52 (23) that the end is measured by. Then that
/// number is normal also where y is not. Every step is exact, as in [`divide`].
fn shortened<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let Format { fraction, .. } = Format::of(l);
    let (infinity, zero) = (l.f(f64::INFINITY), l.f(0.0));
    let end = l.mul(l.abs(y), l.f(Format::of(l).integer()));
    let exponents = l.bits(infinity);
    let field = |a| l.iand(l.bits(a), exponents);
    let digits = l.isub(l.bits(end), field(end));
    let least = field(end);
    let divides = l.lt(zero, end);
    l.iterate(
        l.abs(x),
        |r| l.and(divides, l.and(l.le(end, r), l.lt(r, infinity))),
        |r| {
            let wanted = l.isub(field(r), l.i(i64::from(fraction - 1) << fraction));
            let wanted = l.iselect(l.igt(wanted, least), wanted, least);
            let part = l.float(l.ior(digits, wanted));
            let rest = l.fma(l.neg(l.trunc(l.div(r, part))), part, r);
            l.select(l.lt(rest, zero), l.add(rest, part), rest)
        },
    )
}

/// C's `fmod`: `x − q·y` with the integer `q = x/y` rounded towards zero; exact.
///
/// The remainder by `fma` of the truncated quotient, corrected by one |y| where the quotient was rounded up.
///
/// Exact (0 ULP). The sign is that of x, also of a zero result. `fmod(x, 0)` and `fmod(±∞, y)` are NaN, `fmod(x, ±∞)`
/// is x. Fast range: `|x/y| < 2^53` (binary32: 2^24), zero, infinite and NaN arguments.
pub fn fmod<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let size = if l.complete() { shortened(l, x, y) } else { x };
    let (_, r, beyond) = divide(l, size, y);
    if !l.complete() {
        l.outside(beyond);
    }
    flip(l, r, sign_of(l, x))
}

/// Floored remainder: [`fmod`], plus `y` where it is not zero and its sign differs from that of `y`.
///
/// Half a unit in the last place: the sum is rounded once. A zero result is the zero of [`fmod`]: it has the sign of
/// x. `modulo(x, 0)` and `modulo(±∞, y)` are NaN; `modulo(x, ±∞)` is x or, if the signs differ, the infinity. Fast
/// range: that of [`fmod`].
pub fn modulo<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    floored(l, fmod(l, x, y), y)
}

/// The second step of [`modulo`]: a truncated remainder to a floored one.
#[inline]
pub(super) fn floored<L: Lanes>(l: &L, remainder: L::F, y: L::F) -> L::F {
    let differ = l.igt(l.i(0), l.ixor(l.bits(remainder), l.bits(y)));
    let differ = l.and(differ, l.ne(remainder, l.f(0.0)));
    l.select(differ, l.add(remainder, y), remainder)
}

/// The integer quotient that belongs to [`fmod`]: `q` with `x = q·y + fmod(x, y)`, which is `x/y` rounded towards zero.
///
/// Exact as long as q is below 2^53 (binary32: 2^24) in magnitude; above, the integer q rounded to the
/// nearest number. The sign is the product of the signs, also of a zero. NaN where [`fmod`] is. Fast range:
/// that of [`fmod`].
pub fn quotient<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let (q, r, beyond) = divide(l, x, y);
    let q = if l.complete() {
        l.select(beyond, large_quotient(l, x, y), q)
    } else {
        l.outside(beyond);
        q
    };
    let sign = l.ixor(sign_of(l, x), sign_of(l, y));
    flip(l, l.select(l.is_nan(r), r, q), sign)
}

/// The integer part of `|x|/|y|`, rounded to nearest, where it is at least 2^53 (binary32: 2^24).
///
/// It is the rounded quotient d, but where a number lies between `x/y` and its integer part from which both roundings go
/// apart: halfway from d to the number below it, if d is odd. Then `x − d·y` plus half a unit of d, times y, is between 0 and y. Both
/// are exact: they are multiples of the last place of y.
fn large_quotient<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    let Format { fraction, .. } = Format::of(l);
    let (x, y) = (l.abs(x), l.abs(y));
    let d = l.div(x, y);
    let rest = l.fma(l.neg(d), y, x);
    let exponent = l.iand(l.bits(d), l.bits(l.f(f64::INFINITY)));
    let half = l.float(l.isub(exponent, l.i(i64::from(fraction + 1) << fraction)));
    let above = l.fma(half, y, rest);
    let odd = l.ieq(l.iand(l.bits(d), l.i(1)), l.i(1));
    let apart = l.and(odd, l.and(l.lt(l.f(0.0), above), l.lt(above, y)));
    l.select(apart, l.float(l.isub(l.bits(d), l.i(1))), d)
}
