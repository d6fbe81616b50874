//! Derivatives as graph → graph.
//!
//! Both modes follow the same two rules.
//!
//! *The chain rule over the operations evaluated.* Each operation contributes `∂y/∂xᵢ` times a tangent or cotangent by
//! the rule in its entry of the table.
//!
//! *What is not taken contributes nothing.* Beside each tangent or cotangent goes an *activity*: a truth value, of the
//! node's shape or scalar, that tells where it comes through taken selections only. Where it does not, the number is an
//! exact zero, and each contribution made from it is selected by the activity instead of multiplied, so that
//! `0 · ∞` does not arise. No activity means: everywhere.
//!
//! **Invariant**: the values of a derived graph keep every bit of the graph that it is derived from; what is not taken contributes nothing.
//!
//! **Boundary**: knows graphs and the rules of operations, and neither lanes nor source text.

pub mod adjoint;
mod calls;
mod region;
pub mod tangent;

use crate::graph::{Graph, Node, NodeKind, Shape, Type};
use crate::ops::{Algebra, Op};

type Site = crate::ops::Site<Node>;
type Term = crate::ops::Term<Node>;

/// A tangent, a cotangent, or a contribution to one.
#[derive(Debug, Clone, Copy)]
struct Flow {
    /// The number; zero where the flow is not active.
    value: Node,
    /// Where it is active; `None` for everywhere.
    active: Option<Node>,
}

fn site(g: &Graph, node: Node) -> Option<(Op, Site)> {
    match g.kind(node) {
        NodeKind::Apply(op, attr) => {
            Some((op, Site { node, attr, ty: g.ty(node), args: g.args(node).to_vec() }))
        }
        NodeKind::Const(_)
        | NodeKind::Bool(_)
        | NodeKind::Input(_)
        | NodeKind::Region(_)
        | NodeKind::Result(_) => None,
    }
}

fn both(g: &mut Graph, a: Option<Node>, b: Option<Node>) -> Option<Node> {
    match (a, b) {
        (Some(a), Some(b)) => Some(g.binary(Op::And, a, b)),
        (one, other) => one.or(other),
    }
}

fn either(g: &mut Graph, a: Option<Node>, b: Option<Node>) -> Option<Node> {
    match (a, b) {
        (Some(a), Some(b)) => Some(g.binary(Op::Or, a, b)),
        _ => None,
    }
}

/// An activity that holds everywhere is none.
fn normal(g: &Graph, active: Node) -> Option<Node> {
    let scalar = if g.op(active) == Some(Op::Fill) { g.args(active)[0] } else { active };
    (g.kind(scalar) != NodeKind::Bool(true)).then_some(active)
}

fn any(g: &mut Graph, active: Option<Node>) -> Option<Node> {
    active.map(|a| g.unary(Op::Any, a))
}

/// The activity, if it tells elements apart.
fn elements(g: &Graph, active: Option<Node>) -> Option<Node> {
    active.filter(|&a| !g.ty(a).is_scalar())
}

/// The activity as a truth value for each element.
fn mask(g: &mut Graph, active: Option<Node>, shape: Shape) -> Node {
    match active {
        Some(active) if g.shape(active) == shape => active,
        Some(active) => g.fill(active, shape),
        None => {
            let everywhere = g.boolean(true);
            g.fill(everywhere, shape)
        }
    }
}

/// Whether `value` is `t` but for moves and signs, and so zero where `t` is.
fn keeps_zeros(g: &Graph, mut value: Node, t: Node) -> bool {
    while value != t {
        match g.op(value) {
            Some(op) if op == Op::Neg || op.moves() && op != Op::Pack => value = g.args(value)[0],
            _ => return false,
        }
    }
    true
}

/// Keeps a contribution where it counts and makes it zero elsewhere.
///
/// `t` is what the contribution was made from and `active` where that is active, in a form that fits the contribution.
fn guard(g: &mut Graph, term: Term, t: Node, active: Option<Node>) -> Option<Flow> {
    let Term::Value { value, edge } = term else { return None };
    let needed = if keeps_zeros(g, value, t) { edge } else { both(g, active, edge) };
    let everywhere = both(g, active, edge);
    let value = match needed.and_then(|n| normal(g, n)) {
        Some(condition) => {
            let zero = g.number(0.0);
            g.select(condition, value, zero)
        }
        None => value,
    };
    Some(Flow { value, active: everywhere.and_then(|a| normal(g, a)) })
}

/// A scalar in every element, unless the value has the shape already.
fn spread(g: &mut Graph, value: Node, ty: Type) -> Node {
    if g.ty(value).shape == ty.shape { value } else { g.fill(value, ty.shape) }
}
