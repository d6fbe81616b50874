//! Conditions on the operands of operations: where they are defined, where they have kinks, and where no finite derivative.
//!
//! A condition is stated twice, for people and as a [`Condition`] that any [`Algebra`] can build. The latter is made of
//! comparisons, logic and rounding only: no derivative flows through those, so a program whose conditions are watched
//! keeps every bit of its results. A NaN among the operands meets no condition: the operation that made it does.

use super::{Algebra, Op};
use crate::types::Type;

/// What can hold of the operands of an operation, by their positions, or of its result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// The operand is 0.
    Zero(usize),
    /// Both operands are 0.
    BothZero(usize, usize),
    /// The two operands are equal.
    Tie,
    /// The operand is below a number.
    Below(usize, f64),
    /// The operand is not above a number.
    AtMost(usize, f64),
    /// The operand is not between −1 and 1.
    BeyondUnit(usize),
    /// The operand is not above −1 and below 1.
    NotInsideUnit(usize),
    /// The operand is −1 or 1.
    Unit(usize),
    /// The operand is a number.
    At(usize, f64),
    /// The result is 0.
    ZeroResult,
    /// The first operand has no power of the second: it is below 0 and the other no integer, or 0 and the other below 0.
    NoPower,
    /// A power whose derivatives need not be finite: the first operand is 0, or below it if the second varies. Powers with a
    /// natural number have all derivatives everywhere.
    SteepPower,
    /// The first two operands, the parts of a number, are 0, and the third one is below 0.
    ZeroToNegative,
    /// The result is a logarithm of nothing, or of a negative number: −∞, or a NaN of operands that are numbers.
    NoLogarithm,
    /// There is no logarithm of the first operand to the second as the base: one of them is not above 0, or the base is 1.
    NoLogarithmTo,
    /// The operand is 0 or a negative integer.
    Pole(usize),
    /// The result is no number, and the only operand is: it is below −1/e.
    NoBranch,
    /// The lower branch of the Lambert function has no number here: the operand is not from −1/e to below 0.
    NoLowerBranch,
    /// Elimination finds no pivot for some column of the first operand.
    Singular,
    /// The only operand has no Cholesky factor, which the result would be.
    Indefinite,
    /// Elimination finds no pivot for some column of the tridiagonal matrix of the first three operands.
    SingularTridiagonal,
}

impl Condition {
    /// A truth value, for each element or one for all.
    pub fn build<A: Algebra>(self, a: &mut A, x: &[A::V], result: A::V) -> A::V {
        match self {
            Condition::Zero(k) => is_zero(a, x[k]),
            Condition::BothZero(j, k) => {
                let (first, second) = (is_zero(a, x[j]), is_zero(a, x[k]));
                compare(a, Op::And, first, second)
            }
            Condition::Tie => compare(a, Op::Eq, x[0], x[1]),
            Condition::Below(k, bound) => below(a, x[k], bound),
            Condition::AtMost(k, bound) => {
                let bound = a.number(bound);
                compare(a, Op::Le, x[k], bound)
            }
            Condition::BeyondUnit(k) => {
                let (least, most) = (a.number(-1.0), a.number(1.0));
                let (low, high) = (compare(a, Op::Lt, x[k], least), compare(a, Op::Lt, most, x[k]));
                compare(a, Op::Or, low, high)
            }
            Condition::NotInsideUnit(k) => {
                let (least, most) = (a.number(-1.0), a.number(1.0));
                let (low, high) = (compare(a, Op::Le, x[k], least), compare(a, Op::Le, most, x[k]));
                compare(a, Op::Or, low, high)
            }
            Condition::NoLogarithmTo => {
                let (zero, one) = (a.number(0.0), a.number(1.0));
                let none = compare(a, Op::Le, x[0], zero);
                let (low, same) = (compare(a, Op::Le, x[1], zero), compare(a, Op::Eq, x[1], one));
                let no_base = compare(a, Op::Or, low, same);
                compare(a, Op::Or, none, no_base)
            }
            Condition::Unit(k) => {
                let (least, most) = (a.number(-1.0), a.number(1.0));
                let (low, high) = (compare(a, Op::Eq, x[k], least), compare(a, Op::Eq, x[k], most));
                compare(a, Op::Or, low, high)
            }
            Condition::At(k, place) => {
                let place = a.number(place);
                compare(a, Op::Eq, x[k], place)
            }
            Condition::ZeroResult => is_zero(a, result),
            Condition::NoPower => {
                let (negative, fractional) = (below(a, x[0], 0.0), fractional(a, x[1]));
                let no_root = compare(a, Op::And, negative, fractional);
                let (zero, divides) = (is_zero(a, x[0]), below(a, x[1], 0.0));
                let pole = compare(a, Op::And, zero, divides);
                compare(a, Op::Or, no_root, pole)
            }
            Condition::SteepPower => match a.constant(x[1]) {
                Some(y) if y >= 0.0 && y.fract() == 0.0 => a.truth_value(false),
                Some(_) => is_zero(a, x[0]),
                None => {
                    let zero = a.number(0.0);
                    compare(a, Op::Le, x[0], zero)
                }
            },
            Condition::ZeroToNegative => {
                let zero = Condition::BothZero(0, 1).build(a, x, result);
                let divides = below(a, x[2], 0.0);
                compare(a, Op::And, zero, divides)
            }
            Condition::NoLogarithm => {
                let nothing = a.number(f64::NEG_INFINITY);
                let nothing = compare(a, Op::Eq, result, nothing);
                let mut unknown = compare(a, Op::Ne, result, result);
                for &operand in x {
                    let known = compare(a, Op::Eq, operand, operand);
                    unknown = compare(a, Op::And, unknown, known);
                }
                compare(a, Op::Or, nothing, unknown)
            }
            Condition::Pole(k) => {
                let (zero, fractional) = (a.number(0.0), fractional(a, x[k]));
                let (low, whole) = (compare(a, Op::Le, x[k], zero), a.not(fractional));
                compare(a, Op::And, low, whole)
            }
            Condition::NoBranch => unknown(a, x[0], result),
            Condition::NoLowerBranch => {
                let nothing = a.number(f64::NEG_INFINITY);
                let (nothing, unknown) = (compare(a, Op::Eq, result, nothing), unknown(a, x[0], result));
                compare(a, Op::Or, nothing, unknown)
            }
            Condition::Singular => a.apply_typed(Op::Singular, 0, Type::BOOL, &x[..1]),
            Condition::Indefinite => a.apply_typed(Op::Indefinite, 0, Type::BOOL, &[x[0], result]),
            Condition::SingularTridiagonal => a.apply_typed(Op::SingularTridiagonal, 0, Type::BOOL, &x[..3]),
        }
    }
}

/// The safe domain of an operation. Outside, its value is what IEEE 754 says, infinite or a NaN.
#[derive(Debug, Clone, Copy)]
pub struct Domain {
    /// What holds inside; `{0}` and `{1}` stand for the operands.
    pub text: &'static str,
    /// What is left of it for operands of which some are known, if that can be said more simply.
    pub(crate) known: fn(&[Option<f64>]) -> Option<&'static str>,
    /// What holds outside.
    pub(crate) outside: Condition,
}

impl Domain {
    pub(super) const fn new(text: &'static str, outside: Condition) -> Domain {
        Domain { text, known: |_| None, outside }
    }

    /// `{0} > 0`.
    pub(super) const LOGARITHM: Domain = Domain::new("{0} > 0", Condition::AtMost(0, 0.0));

    /// `−1 ≤ {0} ≤ 1`.
    pub(super) const UNIT: Domain = Domain::new("−1 ≤ {0} ≤ 1", Condition::BeyondUnit(0));

    /// `{1} ≠ 0`.
    pub(crate) const DIVISOR: Domain = Domain::new("{1} ≠ 0", Condition::Zero(1));

    /// What holds inside for operands of which some are known.
    pub fn text_for(&self, operands: &[Option<f64>]) -> &'static str {
        (self.known)(operands).unwrap_or(self.text)
    }
}

/// Where the derivative of an operation jumps.
#[derive(Debug, Clone, Copy)]
pub struct Kink {
    /// What holds there; `{0}` and `{1}` stand for the operands.
    pub text: &'static str,
    /// What holds there, as a truth value.
    pub(crate) here: Condition,
}

impl Kink {
    /// `{0} = 0`.
    pub(super) const ZERO: Kink = Kink { text: "{0} = 0", here: Condition::Zero(0) };

    /// `{0} = {1}`.
    pub(super) const TIE: Kink = Kink { text: "{0} = {1}", here: Condition::Tie };
}

/// Where an operation has a value and no finite derivative: square roots at 0, angles of the origin.
#[derive(Debug, Clone, Copy)]
pub struct Singularity {
    /// What holds there; `{0}` and `{1}` stand for the operands.
    pub text: &'static str,
    /// What holds there, as a truth value.
    pub(crate) here: Condition,
}

impl Singularity {
    pub(super) const fn new(text: &'static str, here: Condition) -> Singularity {
        Singularity { text, here }
    }

    /// `{0} = 0`.
    pub(super) const ZERO: Singularity = Singularity::new("{0} = 0", Condition::Zero(0));

    /// `{0} = −1 or {0} = 1`.
    pub(super) const UNIT: Singularity = Singularity::new("{0} = −1 or {0} = 1", Condition::Unit(0));

    /// `{0} = {1} = 0`.
    pub(super) const ORIGIN: Singularity = Singularity::new("{0} = {1} = 0", Condition::BothZero(0, 1));
}

/// Which conditions are watched while a program is built or run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Watch {
    /// Operands outside the safe domain of their operation.
    pub domain: bool,
    /// Operands at a kink of their operation.
    pub kinks: bool,
    /// Operands for which a derivative of their operation is not finite, those outside its safe domain included.
    pub derivatives: bool,
}

impl Watch {
    /// Whether there is anything to be reported.
    pub fn any(self) -> bool {
        self.domain || self.kinks || self.derivatives
    }
}

/// What a watched operation has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Met {
    /// The outside of its safe domain.
    Outside,
    /// A kink.
    Kink,
    /// A point without a finite derivative.
    Singular,
}

impl Watch {
    /// The conditions of an operation that are watched.
    pub fn of(self, op: Op) -> impl Iterator<Item = (Met, Condition)> {
        let info = op.info();
        let outside = self.domain || self.derivatives;
        let domain = info.domain.filter(|_| outside).map(|domain| (Met::Outside, domain.outside));
        let kink = info.kink.filter(|_| self.kinks).map(|kink| (Met::Kink, kink.here));
        let singular =
            info.singular.filter(|_| self.derivatives).map(|singular| (Met::Singular, singular.here));
        domain.into_iter().chain(kink).chain(singular)
    }
}

/// A comparison or junction of two values, of which one may be a scalar.
fn compare<A: Algebra>(a: &mut A, op: Op, x: A::V, y: A::V) -> A::V {
    let shape = if a.ty(x).is_scalar() { a.ty(y).shape } else { a.ty(x).shape };
    a.apply_typed(op, 0, Type::bool(shape), &[x, y])
}

/// Whether a value is 0.
fn is_zero<A: Algebra>(a: &mut A, x: A::V) -> A::V {
    let zero = a.number(0.0);
    compare(a, Op::Eq, x, zero)
}

/// Whether a number is below another.
fn below<A: Algebra>(a: &mut A, x: A::V, bound: f64) -> A::V {
    let bound = a.number(bound);
    compare(a, Op::Lt, x, bound)
}

/// Whether a result of a number is none.
fn unknown<A: Algebra>(a: &mut A, x: A::V, result: A::V) -> A::V {
    let (none, known) = (compare(a, Op::Ne, result, result), compare(a, Op::Eq, x, x));
    compare(a, Op::And, none, known)
}

/// Whether a number is no integer; infinities are.
fn fractional<A: Algebra>(a: &mut A, x: A::V) -> A::V {
    let shape = a.ty(x).shape;
    let floor = a.apply_typed(Op::Floor, 0, Type::num(shape), &[x]);
    compare(a, Op::Lt, floor, x)
}

/// A text with `{0}` and `{1}` replaced.
pub fn filled(text: &str, operands: &[&str]) -> String {
    let mut result = text.to_string();
    for (k, operand) in operands.iter().enumerate() {
        result = result.replace(&format!("{{{k}}}"), operand);
    }
    result
}
