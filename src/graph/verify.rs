//! Invariants of a graph.
//!
//! * operands come before the nodes that use them;
//! * the operand count is the operation's, and the node's type follows from its operands' types by its rule
//!   (for operations that carry their own type: the elements are there);
//! * every input has one node, and input positions are in range;
//! * outputs hold numbers, and what makes a check fail is a scalar truth value.

use super::{Elem, Graph, NodeKind, Type};
use crate::ops::Op;

/// The first broken invariant, in words.
pub fn verify(graph: &Graph) -> Result<(), String> {
    for node in graph.nodes() {
        let args = graph.args(node);
        if let Some(&arg) = args.iter().find(|&&arg| arg >= node) {
            return Err(format!("{node} uses {arg}, which does not come before it"));
        }
        let ty = graph.ty(node);
        match graph.kind(node) {
            NodeKind::Const(_) if ty != Type::NUM => return Err(format!("{node} is a constant {ty}")),
            NodeKind::Bool(_) if ty != Type::BOOL => {
                return Err(format!("{node} is a truth value of type {ty}"));
            }
            NodeKind::Const(_) | NodeKind::Bool(_) => {}
            NodeKind::Input(index) => match graph.inputs.get(index as usize) {
                Some(input) if Type::num(input.shape) == ty => {}
                Some(input) => {
                    return Err(format!("{node}: {ty} is the input {}: {}", input.name, input.shape));
                }
                None => return Err(format!("{node} is input {index} of {}", graph.inputs.len())),
            },
            NodeKind::Apply(op, attr) => {
                if op.operands().is_some_and(|n| n != args.len()) {
                    return Err(format!("{node} = {op} of {} operands", args.len()));
                }
                let types: Vec<Type> = args.iter().map(|&a| graph.ty(a)).collect();
                let fits = match op {
                    Op::Pack => {
                        types.len() == ty.len() && types.iter().all(|t| t.is_scalar() && t.elem == ty.elem)
                    }
                    Op::Slice => attr as usize + ty.len() <= types[0].len() && types[0].elem == ty.elem,
                    Op::Place => attr as usize + types[0].len() <= ty.len() && types[0].elem == ty.elem,
                    Op::Fill => types[0].is_scalar() && types[0].elem == ty.elem,
                    Op::Gather => types[0].len().is_multiple_of(ty.len()) && types[1] == Type::NUM,
                    Op::Scatter => ty.len().is_multiple_of(types[0].len()) && types[1] == Type::NUM,
                    _ => op.result_type(&types) == Ok(ty),
                };
                if !fits {
                    return Err(format!("{node} = {op} of {types:?} has type {ty}"));
                }
            }
        }
    }
    for output in &graph.outputs {
        if graph.ty(output.node).elem != Elem::Num {
            return Err(format!("output {} is a truth value", output.node));
        }
    }
    for check in &graph.checks {
        if graph.ty(check.fails) != Type::BOOL {
            return Err(format!("check {} is {}", check.fails, graph.ty(check.fails)));
        }
    }
    Ok(())
}
