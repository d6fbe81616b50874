//! Invariants of a graph.
//!
//! * operands come before the nodes that use them;
//! * the operand count is the operation's, and the node's type follows from its operands' types by its rule
//!   (for operations that carry their own type: the elements are there);
//! * constants are numbers of the graph's precision, which regions and functions share;
//! * every input has one node, and input positions are in range;
//! * a call has a result that tells what failed;
//! * a region's body has the states, captures and tape that its node has, and its next states have the types of the first;
//! * outputs hold numbers, and what makes a check fail is a scalar truth value.

use super::{Elem, Graph, Node, NodeKind, RegionKind, ResultRole, Source, Type, canonical_bits};

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
            NodeKind::Const(bits) if canonical_bits(graph.precision.round(f64::from_bits(bits))) != bits => {
                return Err(format!("{node} is {}, which is no {}", f64::from_bits(bits), graph.precision));
            }
            NodeKind::Const(_) | NodeKind::Bool(_) => {}
            NodeKind::Input(index) => match graph.inputs.get(index as usize) {
                Some(input) if Type::num(input.shape) == ty => {}
                Some(input) => {
                    return Err(format!("{node}: {ty} is the input {}: {}", input.name, input.shape));
                }
                None => return Err(format!("{node} is input {index} of {}", graph.inputs.len())),
            },
            NodeKind::Region(_) => region(graph, node)?,
            NodeKind::Result(k) => match graph.region(args[0]) {
                Some(region) if k as usize >= region.results().len() => {
                    return Err(format!("{node} is result {k} of {}, which has fewer", args[0]));
                }
                Some(region) if Type::num(Graph::result_shape(region, k)) != ty => {
                    return Err(format!("{node}: {ty} is result {k} of {}, which is none", args[0]));
                }
                Some(_) => {}
                None => return Err(format!("{node} is a result of {}, which is no region", args[0])),
            },
            NodeKind::Apply(op, attr) => {
                if op.operands().is_some_and(|n| n != args.len()) {
                    return Err(format!("{node} = {op} of {} operands", args.len()));
                }
                let types: Vec<Type> = args.iter().map(|&a| graph.ty(a)).collect();
                if !op.fits(attr, ty, &types) {
                    return Err(format!("{node} = {op} of {types:?} has type {ty}"));
                }
            }
        }
    }
    outside(graph)
}

/// What holds of the node of a region and of its body.
fn region(graph: &Graph, node: Node) -> Result<(), String> {
    let Some((region, args)) = graph.region_args(node) else { return Ok(()) };
    let body = &region.body;
    let control = match region.kind {
        RegionKind::Call(ref call) => {
            let tells = call.position(ResultRole::Failure).is_some();
            tells && graph.ty(args.control) == Type::BOOL && args.captures.is_empty()
        }
        RegionKind::Loop { .. } => {
            let goes_on = region.goes_on().map(|node| body.ty(node));
            goes_on == Some(Type::BOOL) && graph.ty(args.control) == Type::BOOL
        }
        RegionKind::Reverse { .. } => graph
            .region(args.control)
            .is_some_and(|reversed| matches!(reversed.kind, RegionKind::Loop { .. })),
    };
    if !control {
        return Err(format!("{node} has {} for its control", args.control));
    }
    for input in &body.inputs {
        let shape = match input.source {
            Source::State(k) => args.first.get(k as usize).map(|&node| graph.ty(node)),
            Source::Capture(k) => args.captures.get(k as usize).map(|&node| graph.ty(node)),
            Source::Tape(k) => graph
                .region(args.control)
                .filter(|reversed| (k as usize) < reversed.states())
                .map(|reversed| Type::num(Graph::result_shape(reversed, k))),
            Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => None,
        };
        if shape != Some(Type::num(input.shape)) {
            return Err(format!("{node}: the input {} of its body is not {shape:?}", input.name));
        }
    }
    for (next, &first) in region.next().zip(args.first) {
        if body.ty(next) != graph.ty(first) {
            return Err(format!("{node}: a state is {} and then {}", graph.ty(first), body.ty(next)));
        }
    }
    if let Some(exit) = region.exits().find(|&exit| body.ty(exit).elem != Elem::Num) {
        return Err(format!("{node}: the exit value {exit} is a truth value"));
    }
    if region.body.precision != graph.precision {
        return Err(format!("{node}: its body is of other numbers than what is around it"));
    }
    let mut body = region.body.clone();
    if region.goes_on().is_some() {
        body.outputs.remove(0);
    }
    verify(&body)
}

/// What holds of outputs and checks.
fn outside(graph: &Graph) -> Result<(), String> {
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
