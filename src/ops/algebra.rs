//! What builds values of operations.
//!
//! Derivative rules, complex numbers and the primitives of the language are functions over [`Algebra`]: over a graph they
//! make nodes, over an interpreter's stack they compute.

use super::{Op, ShapeError, complex};
use crate::types::{Elem, Shape, Type};

/// A value, or what is wrong with the operands.
pub(crate) type Built<A> = Result<<A as Algebra>::V, ShapeError>;

/// What a value has to be, or its row fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Requirement {
    /// An integer from 0 on.
    Count,
    /// The elements of a vector grow.
    Increasing,
}

/// What builds values of operations.
///
/// [`apply`](Algebra::apply) checks its operands; so does what has a [`Result`]. The short forms are for operands that are
/// known to fit, as in derivative rules, and panic for others: then the rule is wrong, not the program.
pub trait Algebra: Sized {
    /// A value.
    type V: Copy;

    /// The type of a value.
    fn ty(&self, value: Self::V) -> Type;
    /// A number.
    fn number(&mut self, value: f64) -> Self::V;
    /// A truth value.
    fn truth_value(&mut self, value: bool) -> Self::V;
    /// The value of a number that is known now.
    fn constant(&self, value: Self::V) -> Option<f64>;
    /// The value of a number that decides a shape, which has to be known before the rows are.
    fn size(&self, value: Self::V) -> Option<f64> {
        self.constant(value)
    }
    /// An operation whose type is known.
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Self::V]) -> Self::V;
    /// The part of `whole` (of `count` parts of type `ty`) at an index. A value that is no integer from 0 to
    /// `count − 1` fails the row.
    fn part(&mut self, whole: Self::V, index: Self::V, count: u32, ty: Type) -> Self::V;

    /// Fails the rows in which something is not so: that the number `values[0]` is a count, or that no element of `values[1]` is as
    /// small as that of `values[0]`, which has its shape. NaNs are no smaller than anything.
    fn require(&mut self, what: Requirement, values: &[Self::V]);

    /// The shape of a value.
    fn shape(&self, value: Self::V) -> Shape {
        self.ty(value).shape
    }

    /// An operation of real operands, whose type follows from theirs.
    ///
    /// # Errors
    ///
    /// Operands that do not fit.
    fn apply_real(&mut self, op: Op, args: &[Self::V]) -> Result<Self::V, ShapeError> {
        let types: Vec<Type> = args.iter().map(|&a| self.ty(a)).collect();
        let ty = op.result_type(&types)?;
        Ok(self.apply_typed(op, 0, ty, args))
    }

    /// An operation whose type follows from its operands, some of which may be complex numbers.
    ///
    /// # Errors
    ///
    /// Operands that do not fit.
    fn apply(&mut self, op: Op, args: &[Self::V]) -> Result<Self::V, ShapeError> {
        match args.iter().position(|&arg| self.ty(arg).shape == Shape::Complex) {
            None => self.apply_real(op, args),
            Some(first) => complex::apply(self, op, args, first),
        }
    }

    /// The value as a number: truth values become 1 and 0.
    fn as_number(&mut self, value: Self::V) -> Self::V {
        let ty = self.ty(value);
        match ty.elem {
            Elem::Num => value,
            Elem::Bool => self.apply_typed(Op::Num, 0, Type::num(ty.shape), &[value]),
        }
    }
    /// The value as a truth value: zero is false, everything else is true.
    fn as_truth(&mut self, value: Self::V) -> Self::V {
        let ty = self.ty(value);
        match ty.elem {
            Elem::Bool => value,
            Elem::Num => {
                let zero = self.number(0.0);
                self.apply_typed(Op::Ne, 0, Type::bool(ty.shape), &[value, zero])
            }
        }
    }

    /// An operation of real operands that fit.
    fn rule(&mut self, op: Op, args: &[Self::V]) -> Self::V {
        match self.apply_real(op, args) {
            Ok(value) => value,
            Err(error) => unreachable!("a rule built {op}: {error}"),
        }
    }
    /// An operation of one operand.
    fn unary(&mut self, op: Op, a: Self::V) -> Self::V {
        self.rule(op, &[a])
    }
    /// An operation of two operands.
    fn binary(&mut self, op: Op, a: Self::V, b: Self::V) -> Self::V {
        self.rule(op, &[a, b])
    }
    /// `a + b`.
    fn add(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Add, a, b)
    }
    /// `a − b`.
    fn sub(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Sub, a, b)
    }
    /// `a × b`.
    fn mul(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Mul, a, b)
    }
    /// `a ÷ b`.
    fn div(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Div, a, b)
    }
    /// `−a`.
    fn neg(&mut self, a: Self::V) -> Self::V {
        self.unary(Op::Neg, a)
    }
    /// `|a|`.
    fn abs(&mut self, a: Self::V) -> Self::V {
        self.unary(Op::Abs, a)
    }
    /// `a < b`.
    fn lt(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Lt, a, b)
    }
    /// `a = b`.
    fn eq(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Eq, a, b)
    }
    /// `a ≠ b`, true for NaNs.
    fn ne(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::Ne, a, b)
    }
    /// Both.
    fn and(&mut self, a: Self::V, b: Self::V) -> Self::V {
        self.binary(Op::And, a, b)
    }
    /// The opposite.
    fn not(&mut self, a: Self::V) -> Self::V {
        self.unary(Op::Not, a)
    }
    /// `if condition then a else b`.
    fn select(&mut self, condition: Self::V, a: Self::V, b: Self::V) -> Self::V {
        self.rule(Op::Select, &[condition, a, b])
    }
    /// A vector or matrix of the elements of all operands, one behind the other.
    fn pack(&mut self, elem: Elem, shape: Shape, elems: &[Self::V]) -> Self::V {
        debug_assert_eq!(shape.len(), elems.iter().map(|&e| self.ty(e).len()).sum::<usize>());
        self.apply_typed(Op::Pack, 0, Type { elem, shape }, elems)
    }
    /// Elements from `offset` on, in the shape wanted.
    fn slice(&mut self, whole: Self::V, offset: u32, shape: Shape) -> Self::V {
        let elem = self.ty(whole).elem;
        self.apply_typed(Op::Slice, offset, Type { elem, shape }, &[whole])
    }
    /// A value of `shape` that is zero (false) but for `part`, which stands from `offset` on.
    fn place(&mut self, part: Self::V, offset: u32, shape: Shape) -> Self::V {
        let elem = self.ty(part).elem;
        self.apply_typed(Op::Place, offset, Type { elem, shape }, &[part])
    }
    /// Zero, or false, in every element.
    fn zero(&mut self, ty: Type) -> Self::V {
        let zero = match ty.elem {
            Elem::Num => self.number(0.0),
            Elem::Bool => self.truth_value(false),
        };
        self.fill(zero, ty.shape)
    }
    /// A scalar in every element.
    fn fill(&mut self, scalar: Self::V, shape: Shape) -> Self::V {
        let elem = self.ty(scalar).elem;
        self.apply_typed(Op::Fill, 0, Type { elem, shape }, &[scalar])
    }
}
