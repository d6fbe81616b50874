//! Pieces that several recipes share: polynomial evaluation and a rough reciprocal.

use super::format::by_format;
use crate::lanes::Lanes;

/// The sign bit alone.
#[inline]
pub(super) fn sign_bit<L: Lanes>(l: &L) -> L::I {
    l.i(by_format(l, i64::MIN, i64::from(i32::MIN)))
}

/// `c[0] + c[1]·s + … ` by pairs, then Horner's rule in `s2 = s²`: as many operations as Horner's rule in `s`,
/// about half the depth.
#[inline]
pub(super) fn by_pairs<L: Lanes>(l: &L, s: L::F, s2: L::F, c: &[f64]) -> L::F {
    let mut pairs = c.chunks(2).rev().map(|pair| match *pair {
        [a, b] => l.fma(s, l.f(b), l.f(a)),
        _ => l.f(pair[0]),
    });
    let last = pairs.next().expect("a polynomial has coefficients");
    pairs.fold(last, |sum, pair| l.fma(s2, sum, pair))
}

/// A polynomial by groups of four, then Horner's rule in `s4 = s⁴`: for long polynomials.
#[inline]
pub(super) fn by_fours<L: Lanes>(l: &L, s: L::F, s2: L::F, s4: L::F, c: &[f64]) -> L::F {
    let mut groups = c.chunks(4).rev().map(|group| by_pairs(l, s, s2, group));
    let last = groups.next().expect("a polynomial has coefficients");
    groups.fold(last, |sum, group| l.fma(s4, sum, group))
}

/// `1/x` within 5.1 % for `2^−1022 ≤ x ≤ 2^1021` (binary32: `2^−126 ≤ x ≤ 2^125`), finite for `x = 0`, by one
/// integer subtraction: good enough for a correction term, where a division would be the most expensive
/// operation of the recipe.
///
/// Subtracting the bits of `x` from a constant negates the exponent and, to first order, inverts the
/// mantissa; the constant `(2046 − c)·2^52` (binary32: `(254 − c)·2^23`) with `c = 5 − √24` balances the
/// errors at ± c/2.
#[inline]
pub(super) fn rough_reciprocal<L: Lanes>(l: &L, x: L::F) -> L::F {
    l.float(l.isub(l.i(by_format(l, 0x7fde_6238_5024_84ba, 0x7ef3_11c3)), l.bits(x)))
}

/// `x` with its sign flipped where the sign bit of `sign` is set; the other bits of `sign` are zero.
#[inline]
pub(super) fn flip<L: Lanes>(l: &L, x: L::F, sign: L::I) -> L::F {
    l.float(l.ixor(l.bits(x), sign))
}

/// The sign bit of `x` alone.
#[inline]
pub(super) fn sign_of<L: Lanes>(l: &L, x: L::F) -> L::I {
    l.iand(l.bits(x), sign_bit(l))
}

/// The magnitude `a` with the sign of `x`.
#[inline]
pub(super) fn with_sign<L: Lanes>(l: &L, a: L::F, x: L::F) -> L::F {
    l.float(l.ior(l.bits(a), sign_of(l, x)))
}
