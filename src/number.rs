//! Number literals: how they are read, and how numbers are spelled.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{all_consuming, opt, peek, recognize};
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser};

use nc_runtime::lanes::Precision;

/// A number literal, rounded once from its text to each element type.
#[derive(Debug, Clone, Copy, PartialEq)]
// Without padding: a program has one for each number, in several stages.
#[repr(C, packed(4))]
pub struct Literal {
    /// Nearest binary64.
    pub f64: f64,
    /// Nearest binary32.
    pub f32: f32,
}

impl Literal {
    /// Zero.
    pub const ZERO: Literal = Literal { f64: 0.0, f32: 0.0 };

    /// The nearest number of this precision.
    pub fn of(self, precision: Precision) -> f64 {
        match precision {
            Precision::Double => self.f64,
            Precision::Single => self.f32.into(),
        }
    }

    /// Whether both are the same number of both types, signs of zeros included; all NaNs are one.
    pub fn same(self, other: Literal) -> bool {
        let double = self.f64.to_bits() == other.f64.to_bits() || self.f64.is_nan() && other.f64.is_nan();
        let single = self.f32.to_bits() == other.f32.to_bits() || self.f32.is_nan() && other.f32.is_nan();
        double && single
    }

    /// A text that reads back as the same number of both types, the shortest one of the binary64 number if that does.
    pub fn spelling(self) -> String {
        let short = number(self.f64);
        if !self.f64.is_finite()
            || short.parse().is_ok_and(|single: f32| single.to_bits() == self.f32.to_bits())
        {
            return short;
        }
        // The binary64 number lies half way between two binary32 ones, and the text was just above or below it. All of
        // its digits, of which it has less than 770, and one more keep to its side.
        let digits = format!("{:.800e}", { self.f64 });
        let (mantissa, exponent) = digits.split_once('e').expect("scientific notation has an exponent");
        let mantissa = mantissa.trim_end_matches('0');
        if f64::from(self.f32).abs() > self.f64.abs() {
            return format!("{mantissa}1e{exponent}");
        }
        let (head, last) = mantissa.split_at(mantissa.len() - 1);
        let last = last.bytes().next().expect("a mantissa has digits") - 1;
        format!("{head}{}9e{exponent}", char::from(last))
    }
}

impl std::ops::Neg for Literal {
    type Output = Literal;

    fn neg(self) -> Literal {
        Literal { f64: -self.f64, f32: -self.f32 }
    }
}

impl From<f64> for Literal {
    fn from(value: f64) -> Literal {
        Literal { f64: value, f32: value as f32 }
    }
}

/// The shortest text that reads back as the same binary64 number, without a fraction for integers.
pub fn number(value: f64) -> String {
    number_of(Precision::Double, value)
}

/// The shortest text that reads back as the same number of this precision, without a fraction for integers.
pub fn number_of(precision: Precision, value: f64) -> String {
    if value.is_nan() {
        return "+nan.0".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+inf.0" } else { "-inf.0" }.into();
    }
    let magnitude = value.abs();
    let plain = magnitude == 0.0 || (1e-5..1e17).contains(&magnitude);
    match precision {
        Precision::Double if plain => format!("{value}"),
        Precision::Double => format!("{value:e}"),
        Precision::Single if plain => format!("{}", value as f32),
        Precision::Single => format!("{:e}", value as f32),
    }
}

/// What a token that starts like a number turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A number.
    Literal(Literal),
    /// A complex number, by its parts.
    Complex(Literal, Literal),
    /// A rational whose numerator or denominator has more than 19 digits or does not fit 64 bits.
    TooLong,
    /// A rational with denominator zero.
    ZeroDenominator,
}

/// A decimal number without a sign: digits with a point before, among or behind them, or none, and an exponent perhaps.
pub(crate) fn unsigned(input: &str) -> IResult<&str, &str> {
    let digits = take_while(|c: char| c.is_ascii_digit());
    let mantissa = alt((recognize((digit1, opt((char('.'), digits)))), recognize((char('.'), digit1))));
    recognize((mantissa, opt((one_of("eE"), opt(one_of("+-")), digit1)))).parse(input)
}

fn decimal(input: &str) -> IResult<&str, &str> {
    recognize((opt(one_of("+-")), unsigned)).parse(input)
}

fn rational(input: &str) -> IResult<&str, (&str, &str)> {
    pair(recognize((opt(one_of("+-")), digit1)), preceded(char('/'), digit1)).parse(input)
}

fn special(input: &str) -> IResult<&str, f64> {
    alt((
        tag("+inf.0").map(|_| f64::INFINITY),
        tag("-inf.0").map(|_| f64::NEG_INFINITY),
        alt((tag("+nan.0"), tag("-nan.0"))).map(|_| f64::NAN),
    ))
    .parse(input)
}

/// The spelling of a real number.
fn real(input: &str) -> IResult<&str, &str> {
    alt((recognize(special), recognize(rational), decimal)).parse(input)
}

/// The parts of a complex number: `1+2i`, `-2.5i`, `+i`.
fn complex(input: &str) -> IResult<&str, (&str, &str)> {
    let unit = || recognize(one_of("+-"));
    let imaginary = || terminated(alt((preceded(peek(one_of("+-")), real), unit())), char('i'));
    let pure = (all_consuming(imaginary())).map(|imaginary| ("0", imaginary));
    alt((pure, all_consuming(pair(real, imaginary())))).parse(input)
}

/// Reads a whole token as a number, rounded once to each element type; `None` if it is none.
pub fn parse(token: &str) -> Option<Number> {
    if let Ok((_, (real, imaginary))) = complex(token) {
        let imaginary = if imaginary.len() == 1 { format!("{imaginary}1") } else { imaginary.to_string() };
        return Some(match (parse_real(real)?, parse_real(&imaginary)?) {
            (Number::Literal(real), Number::Literal(imaginary)) => Number::Complex(real, imaginary),
            (Number::Literal(_), wrong) | (wrong, _) => wrong,
        });
    }
    parse_real(token)
}

fn parse_real(token: &str) -> Option<Number> {
    if let Ok((_, value)) = all_consuming(special).parse(token) {
        return Some(Number::Literal(Literal { f64: value, f32: value as f32 }));
    }
    if all_consuming(decimal).parse(token).is_ok() {
        let (Ok(f64), Ok(f32)) = (token.parse(), token.parse()) else { return None };
        return Some(Number::Literal(Literal { f64, f32 }));
    }
    let (_, (numerator, denominator)) = all_consuming(rational).parse(token).ok()?;
    let magnitude = numerator.trim_start_matches(['+', '-']);
    let (Ok(n), Ok(d)) = (magnitude.parse::<u64>(), denominator.parse::<u64>()) else {
        return Some(Number::TooLong);
    };
    if d == 0 {
        return Some(Number::ZeroDenominator);
    }
    let negative = numerator.starts_with('-');
    let (f64, f32) = quotient(n, d);
    Some(Number::Literal(if negative { Literal { f64: -f64, f32: -f32 } } else { Literal { f64, f32 } }))
}

/// What has become of a number that is too large or too small for binary64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It is infinite.
    Overflow,
    /// It is 0.
    Underflow,
}

/// Whether a literal is a number that binary64 cannot hold, in a part if it is complex.
pub fn lost(token: &str) -> Option<Lost> {
    if let Ok((_, (real, imaginary))) = complex(token) {
        return lost(real).or_else(|| lost(imaginary));
    }
    all_consuming(decimal).parse(token).ok()?;
    let mantissa = token.split(['e', 'E']).next().unwrap_or_default();
    match token.parse::<f64>().ok()? {
        value if value.is_infinite() => Some(Lost::Overflow),
        0.0 if mantissa.contains(|c: char| ('1'..='9').contains(&c)) => Some(Lost::Underflow),
        _ => None,
    }
}

/// `n/d`, correctly rounded to both types.
fn quotient(n: u64, d: u64) -> (f64, f32) {
    if n == 0 {
        return (0.0, 0.0);
    }
    // A quotient of at least 64 bits, its last one telling whether anything follows, rounds like the exact one.
    let shift = n.leading_zeros() + 64;
    let shifted = u128::from(n) << shift;
    let quotient = (shifted / u128::from(d)) | u128::from(!shifted.is_multiple_of(u128::from(d)));
    // Results lie between 2^−64 and 2^64, so that scaling by a power of two is exact.
    let scale = (-f64::from(shift)).exp2();
    (quotient as f64 * scale, (quotient as f32) * scale as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(token: &str) -> Option<f64> {
        match parse(token)? {
            Number::Literal(literal) => Some(literal.f64),
            Number::Complex(..) | Number::TooLong | Number::ZeroDenominator => None,
        }
    }

    #[test]
    fn numbers_that_are_lost() {
        for (token, expected) in [
            ("1e400", Some(Lost::Overflow)),
            ("-1.8e308", Some(Lost::Overflow)),
            ("1e-400", Some(Lost::Underflow)),
            ("1+2e999i", Some(Lost::Overflow)),
            ("0e999", None),
            ("-0.0", None),
            ("5e-324", None),
            ("1e308", None),
            ("+inf.0", None),
            ("x", None),
        ] {
            assert_eq!(lost(token), expected, "{token}");
        }
    }

    #[test]
    fn spellings() {
        for (token, expected) in [
            ("1", 1.0),
            ("+5", 5.0),
            ("-.5", -0.5),
            ("1.", 1.0),
            ("6.674e-11", 6.674e-11),
            ("1E3", 1000.0),
            ("1/2", 0.5),
            ("-3/4", -0.75),
            ("+inf.0", f64::INFINITY),
            ("-inf.0", f64::NEG_INFINITY),
        ] {
            assert_eq!(value(token), Some(expected), "{token}");
        }
        for token in ["+", "-", ".", "1e", "inf", "nan", "1/", "1.5/2", "0x10", "1_000", "e5", "--1", "1/-2"]
        {
            assert_eq!(parse(token), None, "{token}");
        }
    }

    #[test]
    fn complex_spellings() {
        for (token, re, im) in [
            ("+i", 0.0, 1.0),
            ("-i", 0.0, -1.0),
            ("1+i", 1.0, 1.0),
            ("-1-2i", -1.0, -2.0),
            ("1/2-3/4i", 0.5, -0.75),
            ("1e-3+2.5e+2i", 1e-3, 250.0),
            ("-.5i", 0.0, -0.5),
            ("+inf.0-inf.0i", f64::INFINITY, f64::NEG_INFINITY),
            ("2.+3.i", 2.0, 3.0),
        ] {
            let Some(Number::Complex(a, b)) = parse(token) else { panic!("{token}: {:?}", parse(token)) };
            assert_eq!((a.f64, b.f64), (re, im), "{token}");
        }
        assert_eq!(parse("1+2/0i"), Some(Number::ZeroDenominator));
        for token in ["i", "1i", "2i", "1+", "1+2", "+i1", "i+1", "1++i", "1+i+i", "+ii", "1e+i"] {
            assert_eq!(parse(token), None, "{token}");
        }
    }

    #[test]
    fn spellings_read_back() {
        let back = |literal: Literal| match parse(&literal.spelling()) {
            Some(Number::Literal(back)) => assert!(back.same(literal), "{literal:?}: {}", literal.spelling()),
            other => panic!("{literal:?}: {other:?}"),
        };
        for token in
            ["0", "-0", "1/3", "-7/9", "0.1", "1e300", "5e-324", "1e-46", "+nan.0", "-inf.0", "1e17", "1e-5"]
        {
            back(match parse(token) {
                Some(Number::Literal(literal)) => literal,
                other => panic!("{token}: {other:?}"),
            });
        }
        // Texts beside the middle between two binary32 numbers round to that middle in binary64, and not with it in
        // binary32.
        for (low, high) in
            [(1.0f32, 1.000_000_1f32), (1e-40, 1.000_1e-40), (0.1, 0.100_000_01), (3e38, 3.000_000_2e38)]
        {
            let high = high.min(low.next_up());
            let middle = (f64::from(low) + f64::from(high)) / 2.0;
            for f32 in [low, high] {
                for sign in [1.0, -1.0] {
                    back(Literal { f64: sign * middle, f32: sign as f32 * f32 });
                }
            }
        }
    }

    #[test]
    fn rationals_round_once() {
        // Numbers of up to 26 bits divide exactly rounded in binary64, and then to binary32 only by double rounding.
        let mut state = 1u64;
        for _ in 0..10_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (n, d) = (state >> 40, ((state >> 13) & 0xFF_FFFF) + 1);
            let (q64, q32) = quotient(n, d);
            assert_eq!(q64, n as f64 / d as f64);
            assert_eq!(q32, n as f32 / d as f32);
        }
        // 2^64 − 1 over 2^64 − 3 is 1 + 2^−63 + …: far below half an ULP above 1.
        assert_eq!(quotient(u64::MAX, u64::MAX - 2), (1.0, 1.0));
        // 2^53 + 1 is half way between two numbers; any remainder decides.
        assert_eq!(quotient((1 << 53) + 1, 1).0, 9007199254740992.0);
        assert_eq!(quotient((1 << 54) + 3, 2).0, 9007199254740994.0);
        assert_eq!(parse("1/0"), Some(Number::ZeroDenominator));
        assert_eq!(parse("1/99999999999999999999"), Some(Number::TooLong));
    }
}
