//! The real value of a tree where binary64 ends: numbers as towers of exponentials, each with a bound of its error.
//!
//! A number is plain, or `±exp(±exp(…exp(t)))` with a binary64 number `t` whose exponential is out of range. The exponential
//! and the logarithm of a tower are exact: they change its height. In a sum of very different terms the smaller one is lost
//! and goes into the bound; terms of like size are added by their logarithms.
//!
//! The bound is carried along: of a plain number it bounds the absolute error, of a tower that of `t`. It covers the rounding
//! of every operation, with exponential and logarithm within [`ULP`], and what operands inherit. Nothing is decided
//! against the bound: a logarithm of what could be 0 and a difference of towers that may be equal are faults.

use std::fmt;

use nc_runtime::lanes::Scalar;
use nc_runtime::recipes::{exp, log};
use neural_compiler::internals::dialect::eml::tree::{Kind, Tree};
use neural_compiler::internals::number::number;

use super::evaluate::{Fault, FaultKind};

/// The relative error of an elementary function, one unit in the last place.
pub const ULP: f64 = f64::EPSILON;
/// More than what the computation of a bound rounds away.
const SLACK: f64 = 1.0 + 1e-12;
/// Logarithms that are apart by this are those of numbers of which the smaller is lost.
const APART: f64 = 50.0;
/// What the logarithm of the larger number changes by then, at most.
const LOST: f64 = 4e-22;

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// One of binary64.
    Plain(f64),
    /// `±exp(±exp(…exp(top)))`, with as many exponentials as the height, at least one.
    Tower {
        /// Whether it is below 0.
        negative: bool,
        /// Whether the outermost exponent is negative, so that the number is next to 0.
        small: bool,
        /// How many exponentials there are.
        height: u32,
        /// What the innermost is taken of.
        top: f64,
    },
}

/// A number and a bound of its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaled {
    /// The number.
    pub number: Number,
    /// The absolute error of a plain number or of a tower's top is at most this.
    pub error: f64,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WRITTEN_OUT: u32 = 8;
        let (negative, small, height, top) = match *self {
            Number::Plain(value) => return f.write_str(&number(value)),
            Number::Tower { negative, small, height, top } => (negative, small, height, top),
        };
        let (sign, inner) = (if negative { "-" } else { "" }, if small { "-" } else { "" });
        let more = height - 1;
        let top = number(top);
        if more > WRITTEN_OUT {
            return write!(f, "{sign}exp({inner}exp^{more}({top}))");
        }
        let (open, close) = ("exp(".repeat(more as usize), ")".repeat(more as usize));
        write!(f, "{sign}exp({inner}{open}{top}{close})")
    }
}

/// The value of the tree over the reals.
///
/// # Errors
///
/// The first node that has no value: the logarithm of a number ≤ 0, or one that its errors do not tell from 0 or from another
/// ([`FaultKind::Unsettled`]); inputs that are not finite.
pub fn evaluate(tree: &Tree, inputs: &[f64]) -> Result<Scaled, Fault> {
    let mut values: Vec<Scaled> = Vec::with_capacity(tree.len());
    let mut root = Err(Fault { node: tree.root(), kind: FaultKind::Input });
    for (node, kind) in tree.iter() {
        let fault = |kind| Fault { node, kind };
        let value = match kind {
            Kind::One => Scaled::exactly(1.0),
            Kind::Number(bits) => Scaled::exactly(f64::from_bits(bits)),
            Kind::Variable(index) => match inputs.get(index as usize) {
                Some(value) if value.is_finite() => Scaled::exactly(*value),
                _ => return Err(fault(FaultKind::Input)),
            },
            Kind::Eml(left, right) => {
                use neural_compiler::internals::entity::Entity;
                let (x, y) = (values[left.index()], values[right.index()]);
                let log = y.ln().map_err(fault)?;
                x.exp().add(log.negated()).map_err(fault)?
            }
        };
        values.push(value);
        root = Ok(value);
    }
    root
}

impl Scaled {
    /// A number without error.
    pub fn exactly(value: f64) -> Scaled {
        Scaled { number: Number::Plain(value), error: 0.0 }
    }

    fn plain(value: f64, error: f64) -> Scaled {
        Scaled { number: Number::Plain(value), error: error * SLACK }
    }

    /// `±exp(log)`, the error that of the logarithm: a plain number where binary64 has it.
    fn power(negative: bool, log: f64, error: f64) -> Scaled {
        let power = exp::exp(&Scalar::default(), log);
        if power.is_finite() && power >= f64::MIN_POSITIVE {
            let own = if log == 0.0 { 0.0 } else { power * ULP };
            let inherited = if error == 0.0 { 0.0 } else { power * error.exp_m1() };
            return Scaled::plain(if negative { -power } else { power }, own + inherited);
        }
        let number = Number::Tower { negative, small: log < 0.0, height: 1, top: log.abs() };
        Scaled { number, error }
    }

    /// The binary64 value where there is one.
    pub fn value(self) -> Option<f64> {
        match self.number {
            Number::Plain(value) => Some(value),
            Number::Tower { .. } => None,
        }
    }

    fn negated(self) -> Scaled {
        let number = match self.number {
            Number::Plain(value) => Number::Plain(-value),
            Number::Tower { negative, small, height, top } => {
                Number::Tower { negative: !negative, small, height, top }
            }
        };
        Scaled { number, ..self }
    }

    fn exp(self) -> Scaled {
        match self.number {
            Number::Plain(value) => Scaled::power(false, value, self.error),
            Number::Tower { small: true, .. } => Scaled::plain(1.0, self.as_tiny().1.exp_m1()),
            Number::Tower { negative, small: false, height, top } => {
                let number = Number::Tower { negative: false, small: negative, height: height + 1, top };
                Scaled { number, ..self }
            }
        }
    }

    fn ln(self) -> Result<Scaled, FaultKind> {
        match self.number {
            Number::Plain(value) if value > self.error => {
                let log = log::log(&Scalar::default(), value);
                Ok(Scaled::plain(log, log.abs() * ULP - (-self.error / value).ln_1p()))
            }
            Number::Plain(value) if value < -self.error => Err(FaultKind::LogOfNegative),
            Number::Plain(_) if self.error == 0.0 => Err(FaultKind::LogOfZero),
            Number::Plain(_) => Err(FaultKind::Unsettled),
            Number::Tower { negative: true, .. } => Err(FaultKind::LogOfNegative),
            Number::Tower { small, height: 1, top, .. } => {
                Ok(Scaled { number: Number::Plain(if small { -top } else { top }), ..self })
            }
            Number::Tower { small, height, top, .. } => {
                let number = Number::Tower { negative: small, small: false, height: height - 1, top };
                Ok(Scaled { number, ..self })
            }
        }
    }

    /// The magnitude of a small tower in binary64, which may be 0, and a bound of the true one.
    fn as_tiny(self) -> (f64, f64) {
        match self.number {
            Number::Tower { height: 1, top, .. } => ((-top).exp(), least_above((self.error - top).exp())),
            Number::Tower { top, .. } => (0.0, least_above((-(top - self.error).exp()).exp())),
            Number::Plain(value) => (value.abs(), value.abs() + self.error),
        }
    }

    fn add(self, other: Scaled) -> Result<Scaled, FaultKind> {
        match (self.number, other.number) {
            (Number::Plain(x), Number::Plain(y)) if (x + y).is_finite() => {
                Ok(Scaled::plain(x + y, self.error + other.error + lost(x, y)))
            }
            (Number::Plain(x), _) if x == 0.0 && self.error == 0.0 => Ok(other),
            (_, Number::Plain(y)) if y == 0.0 && other.error == 0.0 => Ok(self),
            (Number::Plain(x), Number::Tower { small: true, .. }) => Ok(plain_and_tiny(x, self.error, other)),
            (Number::Tower { small: true, .. }, Number::Plain(y)) => Ok(plain_and_tiny(y, other.error, self)),
            _ => match (self.magnitude()?, other.magnitude()?) {
                (Magnitude::Log(a), Magnitude::Log(b)) => {
                    let (a, b) = ((self.negative(), a), (other.negative(), b));
                    if a.1.0 >= b.1.0 { by_logs(a, b) } else { by_logs(b, a) }
                }
                (a, b) => self.absorb(other, a, b),
            },
        }
    }

    fn negative(self) -> bool {
        match self.number {
            Number::Plain(value) => value < 0.0,
            Number::Tower { negative, .. } => negative,
        }
    }

    /// The magnitude as far as terms of sums are compared by it. For plain numbers that may be 0 it is unknown, but below
    /// what a tower can be confused with: their bound stands for them.
    fn magnitude(self) -> Result<Magnitude, FaultKind> {
        Ok(match self.number {
            Number::Plain(value) if value.abs() > self.error => {
                let log = value.abs().ln();
                Magnitude::Log((log, (log.abs() * ULP - (-self.error / value.abs()).ln_1p()) * SLACK))
            }
            Number::Plain(value) => {
                let bound = value.abs() + self.error;
                if !bound.is_finite() {
                    return Err(FaultKind::Unsettled);
                }
                Magnitude::Below(bound.ln() + 1e-9)
            }
            Number::Tower { small, height: 1, top, .. } => {
                Magnitude::Log((if small { -top } else { top }, self.error))
            }
            Number::Tower { small, height, top, .. } => Magnitude::Tower { small, height, top },
        })
    }

    /// The sum of numbers at least one of which has no binary64 logarithm: the larger one, or a fault.
    fn absorb(self, other: Scaled, a: Magnitude, b: Magnitude) -> Result<Scaled, FaultKind> {
        let (e, f) = (self.error, other.error);
        if let (
            Magnitude::Tower { small, height, top },
            Magnitude::Tower { small: small_b, height: height_b, top: top_b },
        ) = (a, b)
            && (small, height) == (small_b, height_b)
            && (top - top_b).abs() <= (e + f) * SLACK
        {
            // Twice the number at most, or a difference of which nothing is known.
            if self.negative() != other.negative() {
                return Err(FaultKind::Unsettled);
            }
            let error = ((top - top_b).abs() + e + f + LOST) * SLACK;
            return Ok(Scaled { error, ..self });
        }
        // A tower and what is known to be below a bound only.
        for (tower, a, b) in [(self, a, b), (other, b, a)] {
            if let (Number::Tower { .. }, Magnitude::Log((log, error)), Magnitude::Below(bound)) =
                (tower.number, a, b)
            {
                let share = (bound - log + error).exp();
                if share < 0.5 {
                    return Ok(Scaled { error: (error + 2.0 * share + LOST) * SLACK, ..tower });
                }
            }
        }
        let larger = if exceeds((a, e), (b, f)) {
            self
        } else if exceeds((b, f), (a, e)) {
            other
        } else {
            return Err(FaultKind::Unsettled);
        };
        Ok(Scaled { error: (larger.error + LOST) * SLACK, ..larger })
    }
}

/// How large a number is.
#[derive(Debug, Clone, Copy)]
enum Magnitude {
    /// Its logarithm, with a bound of the error.
    Log((f64, f64)),
    /// The logarithm is at most this.
    Below(f64),
    /// A tower of at least two exponentials.
    Tower { small: bool, height: u32, top: f64 },
}

/// Whether the first is so much larger than the second that a sum of both is the first, at least one being a high tower.
fn exceeds((a, e): (Magnitude, f64), (b, f): (Magnitude, f64)) -> bool {
    // Binary64 numbers are compared with exponentials that it has no room for.
    let reaches =
        |top: f64, error: f64, log: f64| (top - error).exp().min(f64::MAX) > log * (1.0 + 1e-9) + APART;
    let tops = |high: (u32, f64, f64), low: (u32, f64, f64)| {
        if high.0 == low.0 {
            high.1 - low.1 > (high.2 + low.2) * SLACK
        } else {
            high.0 > low.0 && reaches(high.1, high.2, low.1 + low.2)
        }
    };
    match (a, b) {
        (
            Magnitude::Tower { small: false, height, top },
            Magnitude::Tower { small: false, height: low, top: under },
        ) => tops((height, top, e), (low, under, f)),
        (
            Magnitude::Tower { small: true, height, top },
            Magnitude::Tower { small: true, height: high, top: over },
        ) => tops((high, over, f), (height, top, e)),
        (Magnitude::Tower { small, .. }, Magnitude::Tower { .. }) => !small,
        (Magnitude::Tower { small: false, top, .. }, Magnitude::Log((log, error))) => {
            reaches(top, e, log + error)
        }
        (Magnitude::Tower { small: false, top, .. }, Magnitude::Below(log)) => reaches(top, e, log),
        (Magnitude::Log((log, error)), Magnitude::Tower { small: true, top, .. }) => {
            reaches(top, f, error - log)
        }
        (Magnitude::Tower { small: true, .. }, Magnitude::Log(_) | Magnitude::Below(_)) => false,
        (Magnitude::Log(_) | Magnitude::Below(_), _) => false,
    }
}

/// What binary64 rounds away in a finite sum.
fn lost(x: f64, y: f64) -> f64 {
    let sum = x + y;
    let part = sum - x;
    ((x - (sum - part)) + (y - part)).abs()
}

/// Not below a bound that was rounded.
fn least_above(bound: f64) -> f64 {
    bound * (1.0 + 4.0 * ULP) + f64::MIN_POSITIVE * ULP
}

/// A plain number and a small tower.
fn plain_and_tiny(value: f64, error: f64, tiny: Scaled) -> Scaled {
    let (magnitude, bound) = tiny.as_tiny();
    let signed = if tiny.negative() { -magnitude } else { magnitude };
    // The tower is between 0 and its bound.
    Scaled::plain(value + signed, error + bound.max(magnitude) + lost(value, signed))
}

/// `±exp a ± exp b` for `a ≥ b`, each with a bound of its error.
fn by_logs(
    (negative, (a, e)): (bool, (f64, f64)),
    (other, (b, f)): (bool, (f64, f64)),
) -> Result<Scaled, FaultKind> {
    let difference = b - a;
    let unsure = (e + f + lost(b, -a)) * SLACK;
    let nearest = difference + unsure;
    // ln(1 ± exp d), and a bound of its slope up to the largest d.
    let (part, slope) = if negative == other {
        (difference.exp().ln_1p(), nearest.exp().min(1.0))
    } else if nearest < 0.0 {
        ((-difference.exp_m1()).ln(), 1.0 / (-nearest).exp_m1())
    } else {
        return Err(FaultKind::Unsettled);
    };
    let slope = if slope.is_finite() { slope } else { return Err(FaultKind::Unsettled) };
    let own = 4.0 * ULP * (part.abs() + difference.exp());
    let error = (e + unsure * slope + own + lost(a, part) + f64::MIN_POSITIVE) * SLACK;
    Ok(Scaled::power(negative, a + part, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::precise::{Big, Context, to_f64};
    use neural_compiler::internals::dialect::eml::tree::{TreeBuilder, TreeNode};
    use neural_compiler::internals::dialect::eml::{Grammar, reader};
    use neural_compiler::{ReaderLimits, Span};

    fn at(text: &str, x: f64) -> Result<Scaled, FaultKind> {
        let tree = reader::read(text, Grammar::Literal, &ReaderLimits::default()).unwrap();
        evaluate(&tree, &[x]).map_err(|fault| fault.kind)
    }

    const EXP_EXP_3: f64 = 528491311.4854942;

    #[test]
    fn towers_go_up_and_down_exactly() {
        let up = at("eml(eml(eml(x,1),1),1)", 1000.0).unwrap();
        let tower = Number::Tower { negative: false, small: false, height: 3, top: 1000.0 };
        assert_eq!(up, Scaled { number: tower, error: 0.0 });
        assert_eq!(up.number.to_string(), "exp(exp(exp(1000)))");
        let down = at("ln(ln(exp(exp(x))))", 1000.0).unwrap();
        assert_eq!(down.number, Number::Plain(1000.0));
        assert!(down.error < 1000.0 * ULP, "{down:?}");
        assert_eq!(at("ln(exp(exp(x)))", 1000.0).unwrap().number.to_string(), "exp(1000)");
        let small = at("eml(eml(1,eml(eml(x,1),1)),1)", 1000.0).unwrap();
        assert_eq!(small.number.to_string(), "exp(-exp(1000))");
        let out = at("exp(exp(exp(x)))", 3.0).unwrap();
        let Number::Tower { height: 1, top, .. } = out.number else { panic!("{out:?}") };
        assert!((top - EXP_EXP_3).abs() <= out.error && out.error < 3e-6, "{out:?}");
    }

    #[test]
    fn faults() {
        assert_eq!(at("ln(x)", 0.0), Err(FaultKind::LogOfZero));
        assert_eq!(at("ln(x)", -1.0), Err(FaultKind::LogOfNegative));
        assert_eq!(at("x", f64::INFINITY), Err(FaultKind::Input));
        // e^(e^x) − e^(e^x), and what is e − e only to rounding.
        assert_eq!(at("eml(exp(x),exp(exp(exp(x))))", 1000.0), Err(FaultKind::Unsettled));
        assert_eq!(at("ln(eml(1,exp(exp(x))))", 1.0), Err(FaultKind::Unsettled));
    }

    #[test]
    fn what_may_be_zero_is_lost_beside_a_tower() {
        // The operand of the logarithm is 1 only to rounding.
        let value = at("eml(x,eml(eml(1,eml(eml(1,1),1)),1))", 1000.0).unwrap();
        assert_eq!(value.number.to_string(), "exp(1000)");
        assert!(value.error < 1e-20, "{value:?}");
        let high = at("eml(exp(x),eml(eml(1,eml(eml(1,1),1)),1))", 1000.0).unwrap();
        assert_eq!(high.number.to_string(), "exp(exp(1000))");
        let sum = at("eml(exp(x),exp(eml(1,exp(exp(exp(x))))))", 1000.0).unwrap();
        assert_eq!(sum.number.to_string(), "exp(exp(1000))");
    }

    #[test]
    fn terms_of_like_size_are_added() {
        // e^711 − e^710 = e^710·(e − 1)
        let value = at("eml(711,exp(exp(x)))", 710.0).unwrap();
        let Number::Tower { negative: false, small: false, height: 1, top } = value.number else {
            panic!("{value:?}");
        };
        let expected = 710.0 + (1f64.exp() - 1.0).ln();
        assert!((top - expected).abs() <= 2e-13 && value.error < 3e-13, "{value:?}");
        // e^710 is out of range, e^710 − e^709.5 is not.
        let back = at("eml(x,exp(exp(709.5)))", 710.0).unwrap();
        let expected = (1.0 - (-0.5f64).exp()) * 2.0 * (710.0 - std::f64::consts::LN_2).exp();
        let value = back.value().unwrap();
        assert!((value / expected - 1.0).abs() < 1e-12 && back.error / value < 1e-12, "{back:?}");
    }

    /// A random tree of so many nodes over `x`.
    fn random(nodes: usize, next: &mut impl FnMut(usize) -> usize) -> Tree {
        let mut builder = TreeBuilder::new();
        let mut made: Vec<TreeNode> =
            vec![builder.one(Span::default()), builder.variable("x", Span::default())];
        for _ in 0..nodes {
            let (left, right) = (made[made.len() - 1 - next(made.len().min(3))], made[next(made.len())]);
            made.push(builder.eml(left, right, Span::default()));
        }
        let root = made[made.len() - 1];
        builder.finish(root)
    }

    /// High precision is never outside of the bound.
    #[test]
    fn bounds_hold() {
        let mut state = 7u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        // What 1024 bits round away, amplified.
        const PRECISE: f64 = 1e-290;
        let mut context = Context::new(1024).unwrap();
        let (mut plain, mut towers) = (0, 0);
        for _ in 0..3000 {
            let tree = random(2 + next(7), &mut next);
            let x = (next(4000) as f64 - 2000.0) / [1.0, 100.0, 1000.0][next(3)];
            let Ok(value) = evaluate(&tree, &[x]) else { continue };
            let input = vec![context.real(x); tree.variables().len()];
            let logarithm = match value.number {
                Number::Tower { height: 1, top, .. } if top < 1e8 => true,
                Number::Tower { .. } => continue,
                Number::Plain(_) => false,
            };
            let Ok(exact) = context.tree(&tree, &input, &[]) else { continue };
            let (exact, found) = match value.number {
                Number::Tower { negative, small, top, .. } => {
                    let magnitude = Big { re: exact.re.abs(), im: exact.im.clone() };
                    assert_eq!(exact.re.is_negative(), negative);
                    (context.ln(&magnitude), if small { -top } else { top })
                }
                Number::Plain(value) => (exact, value),
            };
            let off = to_f64(&context.sub(&exact, &context.real(found)).re).abs();
            assert!(
                off <= value.error + found.abs() * PRECISE + f64::MIN_POSITIVE,
                "{value:?}: off by {off:e} at {x}, {:?}",
                tree.text(100)
            );
            if logarithm { towers += 1 } else { plain += 1 }
        }
        assert!(plain > 500 && towers > 50, "{plain} {towers}");
    }
}
