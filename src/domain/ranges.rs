//! What is known of the values of terms from how they are made: `x²` is not below 0, `exp x` is above it.
//!
//! Ranges are those of real numbers: an `exp` that underflows to 0 is above 0 here. They say nothing of NaN.

use crate::ops::Op;
use crate::ops::conditions::Condition;

/// An interval that holds a number, or each element of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    low: f64,
    high: f64,
    /// Whether the ends themselves are left out. Infinite ends mean nothing of the sort.
    open: [bool; 2],
}

impl Range {
    pub(super) const ALL: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY, open: [false, false] };
    const UNIT: Range = Range { low: -1.0, high: 1.0, open: [false, false] };
    const TRUTH: Range = Range { low: 0.0, high: 1.0, open: [false, false] };

    pub(super) fn constant(value: f64) -> Range {
        if value.is_nan() { Range::ALL } else { Range { low: value, high: value, open: [false; 2] } }
    }

    fn at_least(low: f64) -> Range {
        Range { low, ..Range::ALL }
    }

    fn above(low: f64) -> Range {
        Range { low, open: [true, false], ..Range::ALL }
    }

    fn is_not_negative(self) -> bool {
        self.low >= 0.0
    }

    fn is_positive(self) -> bool {
        self.low > 0.0 || self.low == 0.0 && self.open[0]
    }

    fn is_negative(self) -> bool {
        (-self).is_positive()
    }

    fn has_zero(self) -> bool {
        !self.is_positive() && !self.is_negative()
    }

    fn plus(self, other: Range) -> Range {
        let end = |a: f64, b: f64, outward: fn(f64) -> f64, sign: f64| {
            let sum = a + b;
            // What rounding has taken away.
            let virtual_b = sum - a;
            let error = (a - (sum - virtual_b)) + (b - virtual_b);
            if error * sign < 0.0 { outward(sum) } else { sum }
        };
        Range {
            low: end(self.low, other.low, f64::next_down, 1.0),
            high: end(self.high, other.high, f64::next_up, -1.0),
            open: [self.open[0] || other.open[0], self.open[1] || other.open[1]],
        }
        .or_all()
    }

    fn times(self, other: Range) -> Range {
        if self.is_not_negative() && other.is_not_negative() {
            // Ends of their own accord: 0 times whatever is 0.
            let end = |a: f64, b: f64| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
            let positive = self.is_positive() && other.is_positive();
            return Range {
                low: end(self.low, other.low),
                high: end(self.high, other.high),
                open: [positive && (self.low == 0.0 || other.low == 0.0), false],
            };
        }
        let within_unit = |range: Range| range.low >= -1.0 && range.high <= 1.0;
        match (self.is_negative(), other.is_negative()) {
            (true, true) => (-self).times(-other),
            (true, false) if other.is_not_negative() => -(-self).times(other),
            (false, true) if self.is_not_negative() => -self.times(-other),
            _ if within_unit(self) && within_unit(other) => Range::UNIT,
            _ => Range::ALL,
        }
    }

    fn squared(self) -> Range {
        if self.has_zero() { Range::at_least(0.0) } else { self.magnitude().times(self.magnitude()) }
    }

    fn magnitude(self) -> Range {
        if self.is_not_negative() {
            self
        } else if self.high <= 0.0 {
            -self
        } else {
            Range { low: 0.0, high: self.high.max(-self.low), open: [false; 2] }
        }
    }

    /// The least interval that holds both.
    fn or(self, other: Range) -> Range {
        let open = |this: f64, that: f64, k: usize, ends: std::cmp::Ordering| match this.total_cmp(&that) {
            std::cmp::Ordering::Equal => self.open[k] && other.open[k],
            order if order == ends => self.open[k],
            _ => other.open[k],
        };
        Range {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            open: [
                open(self.low, other.low, 0, std::cmp::Ordering::Less),
                open(self.high, other.high, 1, std::cmp::Ordering::Greater),
            ],
        }
    }

    /// The larger of two numbers.
    fn larger(self, other: Range) -> Range {
        let lower = match self.low.total_cmp(&other.low) {
            std::cmp::Ordering::Greater => (self.low, self.open[0]),
            std::cmp::Ordering::Less => (other.low, other.open[0]),
            std::cmp::Ordering::Equal => (self.low, self.open[0] || other.open[0]),
        };
        Range { low: lower.0, open: [lower.1, self.or(other).open[1]], ..self.or(other) }
    }

    fn or_all(self) -> Range {
        if self.low.is_nan() || self.high.is_nan() { Range::ALL } else { self }
    }
}

impl std::ops::Neg for Range {
    type Output = Range;

    fn neg(self) -> Range {
        Range { low: -self.high, high: -self.low, open: [self.open[1], self.open[0]] }
    }
}

/// The range of an operation's result, or of each of its elements. `same` tells whether the first two operands are one.
pub(super) fn of(op: Op, args: &[Range], same: bool, exponent: Option<f64>) -> Range {
    let at = |k: usize| args.get(k).copied().unwrap_or(Range::ALL);
    let all = || args.iter().copied().reduce(Range::or).unwrap_or(Range::ALL);
    match op {
        Op::Add => at(0).plus(at(1)),
        Op::Sub => at(0).plus(-at(1)),
        Op::Neg => -at(0),
        Op::Mul if same => at(0).squared(),
        Op::Mul => at(0).times(at(1)),
        Op::Div if same || at(0).is_positive() && at(1).is_positive() => Range::above(0.0),
        Op::Div if at(0).is_not_negative() && at(1).is_positive() => Range::at_least(0.0),
        Op::Detach => at(0),
        Op::Abs => at(0).magnitude(),
        Op::Sqrt if at(0).is_positive() => Range::above(0.0),
        Op::Sqrt | Op::Norm => Range::at_least(0.0),
        Op::Hypot if !at(0).has_zero() || !at(1).has_zero() => Range::above(0.0),
        Op::Hypot | Op::HypotSquare | Op::NormSquare => Range::at_least(0.0),
        Op::Dot if same => Range::at_least(0.0),
        Op::Dot if at(0).is_not_negative() && at(1).is_not_negative() => Range::at_least(0.0),
        Op::Sum if at(0).is_positive() => Range::above(0.0),
        Op::Sum if at(0).is_not_negative() => Range::at_least(0.0),
        Op::Exp | Op::Exp2 if at(0).is_not_negative() => Range::at_least(1.0),
        Op::Exp | Op::Exp2 => Range::above(0.0),
        Op::Expm1 if at(0).is_positive() => Range::above(0.0),
        Op::Expm1 if at(0).is_not_negative() => Range::at_least(0.0),
        Op::Expm1 => Range::above(-1.0),
        Op::Cosh => Range::at_least(1.0),
        Op::Sin | Op::Cos => Range::UNIT,
        Op::Tanh | Op::Erf if at(0).is_positive() => Range { low: 0.0, high: 1.0, open: [true, true] },
        Op::Tanh | Op::Erf if at(0).is_not_negative() => Range { low: 0.0, high: 1.0, open: [false, true] },
        Op::Tanh | Op::Erf => Range { open: [true, true], ..Range::UNIT },
        Op::Sinh | Op::Asinh | Op::Atanh | Op::Cbrt | Op::Log1p | Op::Atan if at(0).is_positive() => {
            Range::above(0.0)
        }
        Op::Sinh | Op::Asinh | Op::Atanh | Op::Cbrt | Op::Log1p | Op::Atan if at(0).is_not_negative() => {
            Range::at_least(0.0)
        }
        Op::Pow if at(0).is_positive() => Range::above(0.0),
        Op::Pow if exponent == Some(0.0) => Range::constant(1.0),
        Op::Pow if exponent.is_some_and(|y| y % 2.0 == 0.0) && !at(0).has_zero() => Range::above(0.0),
        Op::Pow if exponent.is_some_and(|y| y % 2.0 == 0.0) || at(0).is_not_negative() => {
            Range::at_least(0.0)
        }
        Op::Max => at(0).larger(at(1)),
        Op::Min => -(-at(0)).larger(-at(1)),
        Op::Select => at(1).or(at(2)),
        Op::Num => Range::TRUTH,
        Op::Fill | Op::Slice | Op::Transpose | Op::Pack => all(),
        Op::Gather => at(0),
        Op::Update => at(0).or(at(1)),
        Op::Floor | Op::Ceil | Op::Round | Op::Trunc if at(0).is_not_negative() => Range::at_least(0.0),
        Op::Sign if at(0).is_not_negative() => Range::TRUTH,
        Op::Sign => Range::UNIT,
        Op::Div | Op::Dot | Op::Sum | Op::Pow => Range::ALL,
        Op::Acosh => Range::at_least(0.0),
        Op::Sinh | Op::Asinh | Op::Atanh | Op::Cbrt | Op::Log1p | Op::Atan => Range::ALL,
        Op::CopySign | Op::LogBase => Range::ALL,
        Op::Floor | Op::Ceil | Op::Round | Op::Trunc | Op::Advance => Range::ALL,
        Op::Log | Op::Log2 | Op::Log10 | Op::Tan | Op::Asin | Op::Acos | Op::Atan2 => Range::ALL,
        Op::Remainder | Op::Modulo | Op::Quotient => Range::ALL,
        Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::And | Op::Or | Op::Not | Op::Any => Range::ALL,
        Op::ExpCos | Op::ExpSin | Op::LogHypot | Op::RootRe | Op::RootIm | Op::TanhRe | Op::TanhIm => {
            Range::ALL
        }
        Op::PowRe | Op::PowIm | Op::ProductRe | Op::ProductIm | Op::QuotientRe | Op::QuotientIm => Range::ALL,
        Op::Matvec | Op::Matmul | Op::PartMatmul | Op::Outer | Op::Place | Op::Scatter => Range::ALL,
        Op::Det | Op::Cofactors | Op::Inv | Op::Singular => Range::ALL,
        Op::Solve | Op::Cholesky | Op::SolveTridiagonal | Op::SolveLower | Op::Triangle => Range::ALL,
        Op::Indefinite | Op::SingularTridiagonal => Range::ALL,
        Op::LeadByX if at(1).is_positive() => Range { low: 0.0, high: 1.0, open: [true, true] },
        Op::Lead if at(1).low >= 1.0 => Range::above(0.0),
        Op::Lead | Op::LeadByX | Op::LeadByY => Range::ALL,
        Op::Direction | Op::OverSquare | Op::ErfSlope | Op::PowSlope => Range::ALL,
        Op::Erfc | Op::NormalCdf | Op::NormalPdf => Range::at_least(0.0),
        Op::Gamma if at(0).is_positive() => Range::above(0.0),
        Op::LambertW if at(0).is_not_negative() => Range::at_least(0.0),
        Op::LambertW => Range::at_least(-1.0),
        Op::Sinc | Op::SphericalOver | Op::BesselJ0 | Op::BesselJ1 | Op::BesselOver => Range::ALL,
        Op::Gamma | Op::LGamma | Op::Digamma | Op::Polygamma | Op::LambertWm1 => Range::ALL,
    }
}

/// Whether a condition holds for no operands in these ranges.
pub(super) fn never(condition: Condition, args: &[Range]) -> bool {
    let at = |k: usize| args.get(k).copied().unwrap_or(Range::ALL);
    match condition {
        Condition::Zero(k) => !at(k).has_zero(),
        Condition::BothZero(j, k) => !at(j).has_zero() || !at(k).has_zero(),
        Condition::Below(k, bound) => at(k).low >= bound,
        Condition::AtMost(k, bound) => at(k).low > bound || at(k).low == bound && at(k).open[0],
        Condition::BeyondUnit(k) => at(k).low >= -1.0 && at(k).high <= 1.0,
        Condition::NotInsideUnit(k) => {
            let inside = |end: f64, open: bool| end.abs() < 1.0 || end.abs() == 1.0 && open;
            inside(at(k).low, at(k).open[0]) && inside(at(k).high, at(k).open[1])
        }
        Condition::NoLogarithmTo => {
            let base = at(1);
            at(0).is_positive() && base.is_positive() && (base.low > 1.0 || base.high < 1.0)
        }
        // The exponential is positive.
        Condition::NoLogarithm => at(1).is_not_negative(),
        Condition::Unit(k) => at(k).low > -1.0 && at(k).high < 1.0,
        Condition::At(k, place) => at(k).low > place || at(k).high < place,
        Condition::SteepPower => at(0).is_positive(),
        Condition::NoPower => at(0).is_positive() || at(0).is_not_negative() && at(1).is_not_negative(),
        Condition::ZeroToNegative => !at(0).has_zero() || !at(1).has_zero() || at(2).is_not_negative(),
        Condition::Pole(k) => at(k).is_positive(),
        Condition::NoBranch => at(0).is_not_negative(),
        Condition::Tie
        | Condition::ZeroResult
        | Condition::NoLowerBranch
        | Condition::Singular
        | Condition::Indefinite
        | Condition::SingularTridiagonal => false,
    }
}
