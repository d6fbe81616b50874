//! Division with remainder.

use super::format::Format;
use super::poly::{flip, sign_of};
use crate::lanes::Lanes;

/// `(⌊|x|/|y|⌋, |x| mod |y|)`.
///
/// The rounded quotient, truncated, is the integer wanted or, if rounding carried it to the next one, one more.
/// Either way the remainder by `fma` is exact, as it is a multiple of the last place of both arguments and below |y|.
#[inline]
fn divide<L: Lanes>(l: &L, x: L::F, y: L::F) -> (L::F, L::F) {
    let (x, y) = (l.abs(x), l.abs(y));
    let q = l.trunc(l.div(x, y));
    let r = l.fma(l.neg(q), y, x);
    // A zero y and an infinite x have made r a NaN, which is the result.
    // Below 2^53 (binary32: 2^24) the rounded quotient is off by one at most.
    let limit = l.f(2.0 * Format::of(l).integer());
    l.outside(l.and(l.le(limit, q), l.eq(r, r)));
    let above = l.lt(r, l.f(0.0));
    let q = l.select(above, l.sub(q, l.f(1.0)), q);
    let r = l.select(above, l.add(r, y), r);
    // An infinite y has made r a NaN, but leaves x.
    (q, l.select(l.lt(x, y), x, r))
}

/// C's `fmod`: `x − q·y` with the integer `q = x/y` rounded towards zero; exact.
///
/// The remainder by `fma` of the truncated quotient, corrected by one |y| where the quotient was rounded up.
///
/// Exact (0 ULP). The sign is that of x, also of a zero result. `fmod(x, 0)` and `fmod(±∞, y)` are NaN, `fmod(x, ±∞)`
/// is x. Fast range: `|x/y| < 2^53` (binary32: 2^24), zero, infinite and NaN arguments.
pub fn fmod<L: Lanes>(l: &L, x: L::F, y: L::F) -> L::F {
    flip(l, divide(l, x, y).1, sign_of(l, x))
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
    let (q, r) = divide(l, x, y);
    let sign = l.ixor(sign_of(l, x), sign_of(l, y));
    flip(l, l.select(l.is_nan(r), r, q), sign)
}
