//! Conditions on the operands of operations: where they are defined, and where they have kinks.
//!
//! A condition is stated twice, for people and as a truth value that any [`Algebra`] builds. The latter is made of
//! comparisons, logic and rounding only: no derivative flows through those, so a program whose conditions are watched
//! keeps every bit of its results. A NaN among the operands meets no condition: the operation that made it does.

use crate::graph::{Node, Type};

use super::{Algebra, Op};

/// Builds a truth value, for each element or one for all, from the operands of an operation and its result.
pub type Predicate = fn(&mut dyn Algebra, &[Node], Node) -> Node;

/// The safe domain of an operation. Outside, its value is what IEEE 754 says, infinite or a NaN.
#[derive(Debug, Clone, Copy)]
pub struct Domain {
    /// What holds inside; `{0}` and `{1}` stand for the operands.
    pub text: &'static str,
    /// What is left of it for operands of which some are known, if that can be said more simply.
    pub(crate) known: fn(&[Option<f64>]) -> Option<&'static str>,
    /// Whether the operands are outside.
    pub(crate) outside: Predicate,
}

impl Domain {
    pub(super) const fn new(text: &'static str, outside: Predicate) -> Domain {
        Domain { text, known: |_| None, outside }
    }

    /// `{0} > bound`.
    pub(super) const LOGARITHM: Domain = Domain::new("{0} > 0", |a, x, _| {
        let zero = a.number(0.0);
        compare(a, Op::Le, x[0], zero)
    });

    /// `−1 ≤ {0} ≤ 1`.
    pub(super) const UNIT: Domain = Domain::new("−1 ≤ {0} ≤ 1", |a, x, _| {
        let (below, above) = (a.number(-1.0), a.number(1.0));
        let (low, high) = (compare(a, Op::Lt, x[0], below), compare(a, Op::Lt, above, x[0]));
        compare(a, Op::Or, low, high)
    });

    /// `{1} ≠ 0`.
    pub(crate) const DIVISOR: Domain = Domain::new("{1} ≠ 0", |a, x, _| is_zero(a, x[1]));

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
    /// Whether it does.
    pub(crate) here: Predicate,
}

impl Kink {
    /// `{0} = 0`.
    pub(super) const ZERO: Kink = Kink { text: "{0} = 0", here: |a, x, _| is_zero(a, x[0]) };

    /// `{0} = {1}`.
    pub(super) const TIE: Kink = Kink { text: "{0} = {1}", here: |a, x, _| compare(a, Op::Eq, x[0], x[1]) };
}

/// Which conditions are watched while a program is built or run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Watch {
    /// Operands outside the safe domain of their operation.
    pub domain: bool,
    /// Operands at a kink of their operation.
    pub kinks: bool,
}

impl Watch {
    /// Whether there is anything to be reported.
    pub fn any(self) -> bool {
        self.domain || self.kinks
    }
}

/// What a watched operation has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Met {
    /// The outside of its safe domain.
    Outside,
    /// A kink.
    Kink,
}

impl Watch {
    /// The conditions of an operation that are watched.
    pub fn of(self, op: Op) -> impl Iterator<Item = (Met, Predicate)> {
        let info = op.info();
        let domain = info.domain.filter(|_| self.domain).map(|domain| (Met::Outside, domain.outside));
        let kink = info.kink.filter(|_| self.kinks).map(|kink| (Met::Kink, kink.here));
        domain.into_iter().chain(kink)
    }
}

/// A comparison or junction of two values, of which one may be a scalar.
pub(super) fn compare(a: &mut dyn Algebra, op: Op, x: Node, y: Node) -> Node {
    let shape = if a.ty(x).is_scalar() { a.ty(y).shape } else { a.ty(x).shape };
    a.apply_typed(op, 0, Type::bool(shape), &[x, y])
}

/// Whether a value is 0.
pub(super) fn is_zero(a: &mut dyn Algebra, x: Node) -> Node {
    let zero = a.number(0.0);
    compare(a, Op::Eq, x, zero)
}

/// Whether a number is below another.
pub(super) fn below(a: &mut dyn Algebra, x: Node, bound: f64) -> Node {
    let bound = a.number(bound);
    compare(a, Op::Lt, x, bound)
}

/// Whether a number is no integer; infinities are.
pub(super) fn fractional(a: &mut dyn Algebra, x: Node) -> Node {
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
