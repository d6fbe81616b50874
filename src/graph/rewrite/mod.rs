//! Rewrites of operations as they are made.
//!
//! They are local: a rule looks at an operation and at its operands, one or two nodes deep. Hash-consing makes them reach
//! further. Operations on numbers that are known are carried out; the other rules are those of [`exact`], which keep every bit.

pub mod exact;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use nc_runtime::lanes::Scalar;

use super::{Graph, Node, NodeKind, Type};
use crate::ops::{Lane, Op, Operand};
use exact::{Application, Rule};

/// The rules for each operation, in the order of the list.
static RULES: LazyLock<Vec<Vec<&'static Rule>>> = LazyLock::new(|| {
    let of = |&op: &Op| exact::RULES.iter().filter(|rule| rule.op == op).collect();
    Op::ALL.iter().map(of).collect()
});

/// The node that has the same bits as the operation, if a rewrite finds one.
pub(super) fn simplify(g: &mut Graph, op: Op, attr: u32, ty: Type, args: &[Node]) -> Option<Node> {
    if let Some(known) = fold_constants(g, op, attr, ty, args) {
        return Some(known);
    }
    let rules = &RULES[op as usize];
    rules.iter().find_map(|rule| (rule.apply)(g, &Application { attr, ty, args }))
}

/// Operands of commutative operations in one order, so that hash-consing sees them as equal.
pub(crate) fn canonical_order(g: &Graph, op: Op, args: &[Node]) -> Vec<Node> {
    let mut args = args.to_vec();
    if op.commutes() {
        args.sort_by_key(|&a| (g.constant(a).is_some(), a));
    }
    args
}

fn fold_constants(g: &mut Graph, op: Op, attr: u32, ty: Type, args: &[Node]) -> Option<Node> {
    if !ty.is_scalar() || args.is_empty() {
        return None;
    }
    let lanes: Vec<Lane<Scalar>> = args.iter().map(|&a| known(g, a)).collect::<Option<_>>()?;
    let operands: Vec<Operand<Scalar>> = args
        .iter()
        .zip(&lanes)
        .map(|(&a, lane)| Operand { ty: g.ty(a), elems: std::slice::from_ref(lane) })
        .collect();
    Some(match op.eval_row(g.precision, attr, ty, &operands)[0] {
        Lane::F(value) => g.number(value),
        Lane::M(value) => g.boolean(value),
    })
}

fn known(g: &Graph, node: Node) -> Option<Lane<Scalar>> {
    match g.kind(node) {
        NodeKind::Const(bits) => Some(Lane::F(f64::from_bits(bits))),
        NodeKind::Bool(value) => Some(Lane::M(value)),
        NodeKind::Input(_) | NodeKind::Apply(..) | NodeKind::Region(_) | NodeKind::Result(_) => None,
    }
}
