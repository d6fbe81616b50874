//! Exact numbers of formulas: fractions of 128-bit integers.

use std::fmt;
use std::str::FromStr;

use neural_compiler::internals::number::number;

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rational {
    numerator: i128,
    denominator: i128,
}

fn divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { divisor(b, a % b) }
}

impl Rational {
    /// 0.
    pub const ZERO: Rational = Rational { numerator: 0, denominator: 1 };
    /// 1.
    pub const ONE: Rational = Rational { numerator: 1, denominator: 1 };

    /// A fraction; nothing for the denominator 0, and where 128 bits do not hold it.
    pub fn new(numerator: i128, denominator: i128) -> Option<Rational> {
        if denominator == 0 {
            return None;
        }
        let common = i128::try_from(divisor(numerator.unsigned_abs(), denominator.unsigned_abs())).ok()?;
        let common = if denominator < 0 { -common } else { common };
        Some(Rational { numerator: numerator.checked_div(common)?, denominator: denominator / common })
    }

    /// An integer.
    pub fn integer(value: i64) -> Rational {
        Rational { numerator: value.into(), denominator: 1 }
    }

    /// The fraction with the smallest denominator that rounds to a number; nothing where 128 bits do not hold it.
    pub fn from_f64(value: f64) -> Option<Rational> {
        if !value.is_finite() || value.abs() >= 2f64.powi(100) {
            return None;
        }
        // Convergents of the continued fraction; the last one of them is exact.
        let mut rest = exact(value.abs())?;
        let (mut before, mut last) = ((0i128, 1i128), (1i128, 0i128));
        loop {
            let whole = rest.numerator / rest.denominator;
            let next = (
                whole.checked_mul(last.0)?.checked_add(before.0)?,
                whole.checked_mul(last.1)?.checked_add(before.1)?,
            );
            (before, last) = (last, next);
            let candidate = Rational::new(if value < 0.0 { -last.0 } else { last.0 }, last.1)?;
            if candidate.to_f64() == value {
                return Some(candidate);
            }
            rest = Rational::new(rest.denominator, rest.numerator % rest.denominator)?;
        }
    }

    /// The numerator.
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// The denominator, which is positive.
    pub fn denominator(self) -> i128 {
        self.denominator
    }

    /// The nearest binary64 number where both parts are below 2⁵³, and one beside it elsewhere.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// `x + y`, if 128 bits hold it.
    pub fn checked_add(self, other: Rational) -> Option<Rational> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Rational::new(left.checked_add(right)?, self.denominator.checked_mul(other.denominator)?)
    }

    /// `−x`, if 128 bits hold it.
    pub fn checked_neg(self) -> Option<Rational> {
        Rational::new(self.numerator.checked_neg()?, self.denominator)
    }

    /// `x·y`, if 128 bits hold it.
    pub fn checked_mul(self, other: Rational) -> Option<Rational> {
        let numerator = self.numerator.checked_mul(other.numerator)?;
        Rational::new(numerator, self.denominator.checked_mul(other.denominator)?)
    }

    /// `1/x`, if there is one.
    pub fn checked_recip(self) -> Option<Rational> {
        Rational::new(self.denominator, self.numerator)
    }
}

/// The number itself as a fraction of a power of 2.
fn exact(value: f64) -> Option<Rational> {
    let (mut numerator, mut denominator) = (value, 1i128);
    while numerator.fract() != 0.0 {
        numerator *= 2.0;
        denominator = denominator.checked_mul(2)?;
    }
    Rational::new(numerator as i128, denominator)
}

impl fmt::Display for Rational {
    /// As the Scheme dialect reads it: `3`, `1/2`, and `0.1` for fractions that it is the shorter text of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            return write!(f, "{}", self.numerator);
        }
        let fraction = format!("{}/{}", self.numerator, self.denominator);
        let decimal = number(self.to_f64());
        f.write_str(if decimal.len() < fraction.len() { &decimal } else { &fraction })
    }
}

/// No number.
#[derive(Debug, thiserror::Error)]
#[error("not a fraction of integers")]
pub struct NotRational;

impl FromStr for Rational {
    type Err = NotRational;

    fn from_str(text: &str) -> Result<Rational, NotRational> {
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        match (numerator.parse(), denominator.parse()) {
            (Ok(numerator), Ok(denominator)) => Rational::new(numerator, denominator).ok_or(NotRational),
            _ => Err(NotRational),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_short_fractions() {
        let fraction = |value| Rational::from_f64(value).map(|r| (r.numerator(), r.denominator()));
        assert_eq!(fraction(0.1), Some((1, 10)));
        assert_eq!(fraction(-2.5), Some((-5, 2)));
        assert_eq!(fraction(1.0 / 3.0), Some((1, 3)));
        assert_eq!(fraction(0.0), Some((0, 1)));
        assert_eq!(fraction(299_792_458.0), Some((299_792_458, 1)));
        assert_eq!(fraction(1e300), None);
        assert_eq!(fraction(f64::NAN), None);
    }
}
