//! Powers of two by which residuals are measured, so that their squares neither overflow nor vanish.

/// A unit of residuals, 2ⁿ. It is 1 unless the data are so large or so small that squares would matter; numbers in it have the bits of those
/// in the unit of the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unit {
    exponent: i32,
}

/// Exponents of the data up to which squares are no matter: 1e-90 to 1e90.
const PLAIN: i32 = 300;

/// The exponent that data get where they are larger or smaller in units of σ: about 1e-120. Squares of what rounding errors leave of them are
/// normal numbers then, and residuals of a poor start may be 1e270 times as large. Data that are large themselves leave no room for
/// that, and come to about 1.
const TARGET: i32 = -400;

impl Unit {
    /// For data of which the largest has the exponent `weighted` in units of σ and `data` by itself.
    pub fn of(weighted: i32, data: i32) -> Unit {
        let target = if data > PLAIN { 0 } else { TARGET };
        let plain = weighted.abs() <= PLAIN && data.abs() <= PLAIN;
        Unit { exponent: if plain { 0 } else { weighted - target } }
    }

    /// Whether it is that of the data.
    pub fn is_one(self) -> bool {
        self.exponent == 0
    }

    /// What residuals are multiplied by, where they are divided by σ beside that.
    pub fn over(self, sigma: f64) -> f64 {
        let [first, second] = halves(-self.exponent);
        // In an order in which what is between them is no further from 1 than what comes out.
        if sigma < 1.0 {
            first.min(second) / sigma * first.max(second)
        } else {
            first.max(second) / sigma * first.min(second)
        }
    }

    /// A number in this unit in that of the data.
    pub fn plain(self, x: f64) -> f64 {
        let [first, second] = halves(self.exponent);
        x * first * second
    }

    /// A number of the data in this unit.
    pub fn measured(self, x: f64) -> f64 {
        let [first, second] = halves(-self.exponent);
        x * first * second
    }

    /// A square in this unit in that of the data.
    pub fn squared(self, x: f64) -> f64 {
        self.plain(self.plain(x))
    }

    /// The natural logarithm of it.
    pub fn ln(self) -> f64 {
        f64::from(self.exponent) * std::f64::consts::LN_2
    }
}

/// Two powers of two whose product is 2ⁿ, for n from -2000 to 2000.
fn halves(exponent: i32) -> [f64; 2] {
    let half = exponent / 2;
    [2f64.powi(half), 2f64.powi(exponent - half)]
}

/// The exponent of a number, n in 2ⁿ ≤ |x| < 2ⁿ⁺¹; `None` for 0 and what is not finite.
pub fn exponent(x: f64) -> Option<i32> {
    if x == 0.0 || !x.is_finite() {
        return None;
    }
    // Subnormal numbers are lifted by 2⁶⁰.
    let (x, lifted) = if x.is_normal() { (x, 0) } else { (x * 2f64.powi(60), 60) };
    Some(((x.to_bits() >> 52) & 0x7ff) as i32 - 1023 - lifted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_numbers() {
        for (x, n) in [(1.0, 0), (1.99, 0), (-2.0, 1), (0.5, -1), (5e-324, -1074), (f64::MAX, 1023)] {
            assert_eq!(exponent(x), Some(n), "{x}");
        }
        assert_eq!((exponent(0.0), exponent(f64::NAN), exponent(f64::INFINITY)), (None, None, None));
    }

    #[test]
    fn units_are_taken_and_given_back_without_a_bit_lost() {
        assert!(Unit::of(299, 299).is_one() && !Unit::of(-301, -301).is_one());
        for (x, size) in [(3.1e-200f64, 1e-120), (7.7e250, 1.0), (1.3e-307, 1e-120)] {
            let exponent = exponent(x).expect("one");
            let unit = Unit::of(exponent, exponent);
            assert_eq!(unit.plain(unit.measured(x)).to_bits(), x.to_bits());
            assert!((0.3..3.0).contains(&(unit.measured(x) / size)), "{x}: {}", unit.measured(x));
        }
        // Targets of 1 with σ of 1e-300, and of 1e-300 with σ of 1e300.
        assert!((0.3..3.0).contains(&(Unit::of(996, 0).over(1e-300) / 1e-120)));
        assert!((0.3..3.0).contains(&(Unit::of(-1993, -997).over(1e300) / 1e180)));
    }
}
