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

//!
//! * [`adjoint`] and [`tangent`]: the sweeps through a graph;
//! * [`jacobian`]: as many forward sweeps as there are inputs;
//! * `function`: derivatives of functions inside programs;
//! * `region`: loops; `calls`: recursive functions;
//! * `varied`: which values can have a derivative;
//! * `carried`: flows as numbers, for states, captures and results;
//! * `outline`: exit values of loops, computed behind the loops;
//! * [`finite`]: what is reported of derivatives that are not finite.

pub mod adjoint;
mod calls;
mod carried;
pub mod finite;
pub(crate) mod function;
pub mod jacobian;
mod outline;
mod region;
pub mod tangent;
mod varied;

use std::collections::HashMap;
use std::sync::Arc;

use crate::entity::EntityVec;
use crate::graph::{Function, FunctionId, Graph, Node, NodeKind, Shape, Type};
use crate::limits::MAX_SIZE;
use crate::ops::{Algebra, Op};
use crate::source::{Diagnostic, Span};
use carried::Activity;
use region::{Backward, BackwardKey, Onward, OnwardKey};

type Site = crate::ops::Site<Node>;
type Term = crate::ops::Term<Node>;

/// A program that becomes too large when it is differentiated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("with its derivatives the program has more than {MAX_SIZE} operations")]
pub struct DerivativeTooLarge {
    /// The loop that has most of them, if they are in a loop: its name in the source and where it stands.
    pub looped: Option<(String, Span)>,
}

impl DerivativeTooLarge {
    /// Refuses a graph that is too large where every region counts as often as it stands in it.
    fn check(graph: &Graph) -> Result<(), DerivativeTooLarge> {
        let (size, largest) = graph.expanded_size();
        if size <= MAX_SIZE {
            return Ok(());
        }
        let region = largest.and_then(|node| graph.region(node));
        Err(DerivativeTooLarge { looped: region.map(|region| (region.name.clone(), region.span)) })
    }

    /// Refuses a graph that has become too large, whatever its regions.
    fn check_size(graph: &Graph) -> Result<(), DerivativeTooLarge> {
        if graph.size() + graph.outputs.len() <= MAX_SIZE {
            Ok(())
        } else {
            Err(DerivativeTooLarge { looped: None })
        }
    }

    /// The message, with its place in the source.
    pub fn diagnostic(&self) -> Diagnostic {
        match &self.looped {
            None => Diagnostic::error("too-large", Span::default(), self.to_string()),
            Some((_, span)) => Diagnostic::error("too-large", *span, self.to_string())
                .label("most of them are in this loop")
                .help("an inner loop that the test of a loop depends on is differentiated once more behind that loop"),
        }
    }
}

/// The functions of a program, and the derivatives of its parts that are known already.
#[derive(Debug, Default)]
struct Known {
    functions: EntityVec<FunctionId, Arc<Function>>,
    /// Tangents of functions, by the function and the activities of its operands' tangents.
    tangents: HashMap<(FunctionId, Vec<Activity>), FunctionId>,
    backward: HashMap<BackwardKey, Option<Arc<Backward>>>,
    onward: HashMap<OnwardKey, Option<Arc<Onward>>>,
    /// A function whose tangent is too large.
    too_large: Option<DerivativeTooLarge>,
}

impl Known {
    /// Nothing but the functions of a graph.
    fn of(graph: &Graph) -> Known {
        Known { functions: graph.functions.clone(), ..Known::default() }
    }

    /// Gives the derived graph its functions, and refuses it if it is too large.
    fn finish(self, g: &mut Graph) -> Result<(), DerivativeTooLarge> {
        if let Some(too_large) = self.too_large {
            return Err(too_large);
        }
        for function in self.functions.values() {
            DerivativeTooLarge::check(&function.body)?;
        }
        g.functions = self.functions;
        DerivativeTooLarge::check(g)
    }
}

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

/// Whether an activity is known to hold nowhere.
fn is_never(g: &Graph, active: Node) -> bool {
    let scalar = if g.op(active) == Some(Op::Fill) { g.args(active)[0] } else { active };
    g.kind(scalar) == NodeKind::Bool(false)
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
