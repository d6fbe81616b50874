//! Error-free transformations: a result and the error of its rounding, and what reduction steps share.

use crate::lanes::Lanes;

/// `a + b` exactly, as the rounded sum and its error (Knuth). Wrong only if the sum overflows.
pub fn two_sum<L: Lanes>(l: &L, a: L::F, b: L::F) -> (L::F, L::F) {
    let sum = l.add(a, b);
    let b_part = l.sub(sum, a);
    let a_part = l.sub(sum, b_part);
    (sum, l.add(l.sub(a, a_part), l.sub(b, b_part)))
}

/// `a + b` exactly if `|a| ≥ |b|` or `a = 0` (Dekker).
pub fn fast_two_sum<L: Lanes>(l: &L, a: L::F, b: L::F) -> (L::F, L::F) {
    let sum = l.add(a, b);
    (sum, l.sub(b, l.sub(sum, a)))
}

/// `a × b` exactly, unless the product overflows or its error is below the subnormal range.
pub fn two_prod<L: Lanes>(l: &L, a: L::F, b: L::F) -> (L::F, L::F) {
    let product = l.mul(a, b);
    (product, l.fma(a, b, l.neg(product)))
}

/// `(a + a′) × (b + b′)` with a relative error of about `2^−102`; the second part is not normalised.
pub fn mul<L: Lanes>(l: &L, a: (L::F, L::F), b: (L::F, L::F)) -> (L::F, L::F) {
    let (high, error) = two_prod(l, a.0, b.0);
    (high, l.fma(a.1, b.0, l.fma(a.0, b.1, error)))
}

/// `c1·x + c0`.
pub(crate) fn linear<L: Lanes>(l: &L, x: L::F, c0: f64, c1: f64) -> L::F {
    l.fma(l.f(c1), x, l.f(c0))
}

/// `a − b·c` with one rounding.
pub(crate) fn fnma<L: Lanes>(l: &L, b: L::F, c: f64, a: L::F) -> L::F {
    l.fma(b, l.f(-c), a)
}
