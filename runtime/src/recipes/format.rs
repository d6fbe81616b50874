//! What recipes need to know about the number format of their lanes.

use crate::lanes::{Lanes, Precision};

/// One of two values, by the number format.
#[inline]
pub(super) fn by_format<L: Lanes, T>(l: &L, double: T, single: T) -> T {
    match l.precision() {
        Precision::Double => double,
        Precision::Single => single,
    }
}

/// `2^n`.
#[inline]
pub(super) fn power_of_two<L: Lanes>(l: &L, n: i64) -> L::F {
    l.f(f64::from_bits(((1023 + n) as u64) << 52))
}

/// Sizes of the fields of a number.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Bits of the fraction.
    pub(super) fraction: u32,
    /// What is added to exponents.
    pub(super) bias: i64,
}

impl Format {
    /// The format of `l`.
    #[inline]
    pub(super) fn of<L: Lanes>(l: &L) -> Format {
        by_format(l, Format { fraction: 52, bias: 1023 }, Format { fraction: 23, bias: 127 })
    }

    /// `1.5 · 2^fraction`: a sum with it is rounded to an integer, found in the low bits.
    #[inline]
    pub(super) fn round(self) -> f64 {
        1.5 * self.integer()
    }

    /// `2^fraction`; with an integer below that in the low bits it is the sum of both.
    #[inline]
    pub(super) fn integer(self) -> f64 {
        (1_u64 << self.fraction) as f64
    }
}
