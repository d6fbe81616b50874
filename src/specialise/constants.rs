//! The value of a primitive of numbers that are known: a condition that chooses a function may depend on it.

use nc_runtime::lanes::{Precision, Scalar};

use crate::ops::{Algebra, Lane, Op, Operand, Primitive, Requirement};
use crate::types::{Elem, Type};

/// What is known of a value.
#[derive(Debug, Clone, Copy)]
enum Known {
    Number(f64),
    Truth(bool),
    /// Its type alone.
    Other(Type),
}

/// An algebra that computes with scalars.
struct Constants;

impl Known {
    fn lane(self) -> Option<Lane<Scalar>> {
        match self {
            Known::Number(value) => Some(Lane::F(value)),
            Known::Truth(value) => Some(Lane::M(value)),
            Known::Other(_) => None,
        }
    }
}

impl Algebra for Constants {
    type V = Known;

    fn ty(&self, value: Known) -> Type {
        match value {
            Known::Number(_) => Type::NUM,
            Known::Truth(_) => Type { elem: Elem::Bool, ..Type::NUM },
            Known::Other(ty) => ty,
        }
    }
    fn number(&mut self, value: f64) -> Known {
        Known::Number(value)
    }
    fn truth_value(&mut self, value: bool) -> Known {
        Known::Truth(value)
    }
    fn constant(&self, value: Known) -> Option<f64> {
        match value {
            Known::Number(value) => Some(value),
            Known::Truth(_) | Known::Other(_) => None,
        }
    }
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Known]) -> Known {
        let lanes: Option<Vec<Lane<Scalar>>> = args.iter().map(|arg| arg.lane()).collect();
        let Some(lanes) = lanes.filter(|lanes| ty.is_scalar() && !lanes.is_empty()) else {
            return Known::Other(ty);
        };
        let operands: Vec<Operand<Scalar>> = args
            .iter()
            .zip(&lanes)
            .map(|(&arg, lane)| Operand { ty: self.ty(arg), elems: std::slice::from_ref(lane) })
            .collect();
        match op.eval_row(Precision::Double, attr, ty, &operands)[0] {
            Lane::F(value) => Known::Number(value),
            Lane::M(value) => Known::Truth(value),
        }
    }
    /// Whether rows fail is found out where there are rows.
    fn require(&mut self, _: Requirement, _: &[Known]) {}
    fn part(&mut self, _: Known, _: Known, _: u32, ty: Type) -> Known {
        Known::Other(ty)
    }
}

/// The value of a primitive of these numbers, if it is a number or a truth value.
pub fn value(primitive: Primitive, args: &[f64]) -> Option<f64> {
    let args: Vec<Known> = args.iter().map(|&arg| Known::Number(arg)).collect();
    match primitive.expand(&mut Constants, &args).ok()? {
        Known::Number(value) => Some(value),
        Known::Truth(value) => Some(f64::from(u8::from(value))),
        Known::Other(_) => None,
    }
}
