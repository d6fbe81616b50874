//! The value of a tree at one point, node by node. This is the reference; batches are compiled.

use nc_runtime::lanes::Scalar;
use nc_runtime::recipes::{exp, log};
use neural_compiler::Mode;
use neural_compiler::internals::dialect::eml::tree::{Kind, Tree, TreeNode};
use neural_compiler::internals::entity::Entity;
use num_complex::Complex64;

/// Why a tree has no value at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The right operand is 0.
    #[error("ln 0")]
    LogOfZero,
    /// The right operand is negative, in a mode over the reals.
    #[error("ln of a negative number")]
    LogOfNegative,
    /// The value is not finite though the operands are.
    #[error("overflow")]
    Overflow,
    /// An input is not real, in a mode over the reals, or not a number.
    #[error("an input outside of the mode")]
    Input,
    /// More bits change the value: it is decided by rounding.
    #[error("a value that depends on rounding")]
    Unsettled,
    /// One term of the difference is so small beside the other that no precision tells whether it should be there.
    #[error("a term too small to be told from none")]
    Lost,
}

/// The first node, operands first, that has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Fault {
    /// The node.
    pub node: TreeNode,
    /// What happened there.
    pub kind: FaultKind,
}

/// The value of the tree for values of its variables, in their order.
///
/// # Errors
///
/// The first node at which the mode has no value. An overflow is a fault in the modes whose numbers are finite: its
/// infinity could come back as a finite value that is not the tree's.
pub fn evaluate(tree: &Tree, mode: Mode, inputs: &[Complex64]) -> Result<Complex64, Fault> {
    let (values, fault) = evaluate_all(tree, mode, inputs);
    match fault {
        Some(fault) => Err(fault),
        None => Ok(values[tree.root().index()]),
    }
}

/// The values of all nodes up to the first that has none.
pub(crate) fn evaluate_all(tree: &Tree, mode: Mode, inputs: &[Complex64]) -> (Vec<Complex64>, Option<Fault>) {
    let mut values: Vec<Complex64> = Vec::with_capacity(tree.len());
    for (node, kind) in tree.iter() {
        let value = match kind {
            Kind::One => Ok(Complex64::ONE),
            Kind::Number(bits) => Ok(Complex64::new(f64::from_bits(bits), 0.0)),
            Kind::Variable(index) => input(mode, inputs.get(index as usize)),
            Kind::Eml(left, right) => {
                let (x, y) = (values[left.index()], values[right.index()]);
                match mode {
                    Mode::Real | Mode::Extended => real(mode, x.re, y.re).map(|re| Complex64::new(re, 0.0)),
                    Mode::Complex => complex(x, y),
                }
            }
        };
        match value {
            Ok(value) => values.push(value),
            Err(kind) => return (values, Some(Fault { node, kind })),
        }
    }
    (values, None)
}

fn input(mode: Mode, value: Option<&Complex64>) -> Result<Complex64, FaultKind> {
    match value {
        Some(value) if !value.is_nan() && (mode == Mode::Complex || value.im == 0.0) => Ok(*value),
        _ => Err(FaultKind::Input),
    }
}

/// `exp(x) − ln(y)` of real numbers, by the recipes that compiled programs use.
fn real(mode: Mode, x: f64, y: f64) -> Result<f64, FaultKind> {
    if y < 0.0 {
        return Err(FaultKind::LogOfNegative);
    }
    if y == 0.0 && mode == Mode::Real {
        return Err(FaultKind::LogOfZero);
    }
    let l = Scalar::default();
    let value = exp::exp(&l, x) - log::log(&l, y);
    let faulty = if mode == Mode::Real { !value.is_finite() } else { value.is_nan() };
    if faulty { Err(FaultKind::Overflow) } else { Ok(value) }
}

fn complex(x: Complex64, y: Complex64) -> Result<Complex64, FaultKind> {
    if y == Complex64::ZERO {
        return Err(FaultKind::LogOfZero);
    }
    let value = x.exp() - y.ln();
    if value.is_finite() { Ok(value) } else { Err(FaultKind::Overflow) }
}
