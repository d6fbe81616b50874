//! Invariants of a graph.
//!
//! * operands come before the nodes that use them, and outputs and checks name nodes that there are;
//! * every type is one that a value can have, and all inputs together, and all outputs, are few enough to be columns;
//! * the operand count is the operation's, and the node's type follows from its operands' types by its rule
//!   (for operations that carry their own type: the elements are there);
//! * constants are numbers of the graph's precision, which regions and functions share;
//! * every input has one node, and comes from where inputs of a program, a region or a function come from;
//! * a call has a result that tells what failed;
//! * a region's body has the states, captures and tape that its node has, and its next states have the types of the first;
//! * a call has the operands and results of the function, and names a failure that there is;
//! * outputs hold numbers, what makes a check fail is a scalar truth value, and derivatives are by inputs that there are.

use super::region::{Call, RegionArgs};
use super::{
    Elem, Graph, Node, NodeKind, Region, RegionKind, ResultRole, Role, Shape, Source, Type, canonical_bits,
};
use crate::entity::Entity;
use crate::limits::MAX_COLUMNS;

/// What a graph is to the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It stands by itself.
    Program,
    /// It is the body of a recursive function.
    Function,
    /// It is the body of a region; of a loop if the first output says whether it goes on.
    Region { goes_on: bool },
}

/// The first broken invariant, in words. Takes time linear in the size of the graph, and no stack for nested regions.
pub fn verify(graph: &Graph) -> Result<(), String> {
    let mut left = vec![(graph, Place::Program)];
    left.extend(graph.functions.values().map(|function| (&function.body, Place::Function)));
    let mut types = Vec::new();
    while let Some((body, place)) = left.pop() {
        if body.precision != graph.precision {
            return Err(format!("a body is of {} in a graph of {}", body.precision, graph.precision));
        }
        inputs(body, place)?;
        outside(body, place)?;
        let mut regions = Vec::new();
        for node in body.nodes() {
            verify_node(body, node, &mut types)?;
            regions.extend(body.region(node).map(|region| (node, region)));
        }
        if regions.is_empty() {
            continue;
        }
        // What nothing needs may have been made for a shape that a function turned out not to have.
        let live = body.live();
        for (node, region) in regions.into_iter().filter(|&(node, _)| live[node]) {
            match &region.kind {
                RegionKind::Call(call) => verify_call(body, node, call, graph)?,
                RegionKind::Loop { .. } | RegionKind::Reverse { .. } => {
                    left.push((&region.body, Place::Region { goes_on: region.goes_on().is_some() }));
                }
            }
        }
    }
    Ok(())
}

/// What holds of the inputs, their nodes aside.
fn inputs(graph: &Graph, place: Place) -> Result<(), String> {
    let mut seen = vec![false; graph.inputs.len()];
    for node in graph.nodes() {
        if let NodeKind::Input(index) = graph.kind(node) {
            match seen.get_mut(index as usize) {
                Some(seen @ false) => *seen = true,
                Some(true) => return Err(format!("{node} is input {index} a second time")),
                None => return Err(format!("{node} is input {index} of {}", graph.inputs.len())),
            }
        }
    }
    if let Some(index) = seen.iter().position(|&seen| !seen) {
        return Err(format!("the input {} has no node", graph.inputs[index].name));
    }
    let mut totals = [0usize; 2];
    for input in &graph.inputs {
        let expected = match input.source {
            Source::Row | Source::Shared | Source::Cotangent(_) => place == Place::Program,
            Source::Tangent { input, .. } => place == Place::Program && (input as usize) < graph.inputs.len(),
            Source::State(_) => place != Place::Program,
            Source::Capture(_) => matches!(place, Place::Region { .. }),
            Source::Tape(_) => place == Place::Region { goes_on: false },
        };
        if !expected {
            return Err(format!("the input {} comes from {:?}", input.name, input.source));
        }
        let total = &mut totals[usize::from(input.source == Source::Shared)];
        *total = total.saturating_add(input.shape.len());
    }
    if totals.iter().any(|&total| total > MAX_COLUMNS) {
        return Err(format!("the inputs have more than {MAX_COLUMNS} elements"));
    }
    Ok(())
}

/// What holds of one node. `types` is a buffer.
fn verify_node(graph: &Graph, node: Node, types: &mut Vec<Type>) -> Result<(), String> {
    let args = graph.args(node);
    if let Some(&arg) = args.iter().find(|&&arg| arg >= node) {
        return Err(format!("{node} uses {arg}, which does not come before it"));
    }
    let ty = graph.ty(node);
    if let Err(error) = ty.shape.checked() {
        return Err(format!("{node}: {error}"));
    }
    match graph.kind(node) {
        NodeKind::Const(_) if ty != Type::NUM => Err(format!("{node} is a constant {ty}")),
        NodeKind::Bool(_) if ty != Type::BOOL => Err(format!("{node} is a truth value of type {ty}")),
        NodeKind::Const(bits) if canonical_bits(graph.precision.round(f64::from_bits(bits))) != bits => {
            Err(format!("{node} is {}, which is no {}", f64::from_bits(bits), graph.precision))
        }
        NodeKind::Const(_) | NodeKind::Bool(_) => Ok(()),
        NodeKind::Input(index) => match graph.inputs.get(index as usize) {
            Some(input) if Type::num(input.shape) == ty => Ok(()),
            Some(input) => Err(format!("{node}: {ty} is the input {}: {}", input.name, input.shape)),
            None => Err(format!("{node} is input {index} of {}", graph.inputs.len())),
        },
        NodeKind::Region(_) => verify_region(graph, node),
        NodeKind::Result(k) => match args.first().and_then(|&of| graph.region(of)) {
            Some(region) => match region.results().get(k as usize) {
                Some(&shape) if Type::num(shape) == ty => Ok(()),
                Some(shape) => Err(format!("{node}: {ty} is result {k} of {}, which is {shape}", args[0])),
                None => Err(format!("{node} is result {k} of {}, which has fewer", args[0])),
            },
            None => Err(format!("{node} is a result of {args:?}, which is no region")),
        },
        NodeKind::Apply(op, attr) => {
            if op.operands().is_some_and(|n| n != args.len()) {
                return Err(format!("{node} = {op} of {} operands", args.len()));
            }
            types.clear();
            types.extend(args.iter().map(|&a| graph.ty(a)));
            if !op.fits(attr, ty, types) {
                return Err(format!("{node} = {op} {attr} of {types:?} has type {ty}"));
            }
            Ok(())
        }
    }
}

/// What holds of the node of a region, and between its operands and its body.
fn verify_region(graph: &Graph, node: Node) -> Result<(), String> {
    let Some(region) = graph.region(node) else {
        return Err(format!("{node} has no region"));
    };
    if graph.ty(node) != Type::BOOL || graph.args(node).len() <= region.states() {
        return Err(format!("{node} has {} operands for {} states", graph.args(node).len(), region.states()));
    }
    let Some((_, args)) = graph.region_args(node) else {
        return Err(format!("{node} has no operands"));
    };
    match &region.kind {
        // What a call has to do with its function matters where something needs it.
        RegionKind::Call(_) => Ok(()),
        RegionKind::Loop { .. } | RegionKind::Reverse { .. } => verify_body(graph, node, region, args),
    }
}

/// What holds between a call and its function, which `root` has.
fn verify_call(graph: &Graph, node: Node, call: &Call, root: &Graph) -> Result<(), String> {
    let Some((_, args)) = graph.region_args(node) else {
        return Err(format!("{node} has no operands"));
    };
    let Some(function) = root.functions.get(call.function) else {
        return Err(format!("{node} calls {}, which there is not", call.function));
    };
    if graph.ty(args.control) != Type::BOOL || !args.captures.is_empty() {
        return Err(format!("{node} has {} for its control", args.control));
    }
    let body = &function.body;
    for (k, input) in body.inputs.iter().enumerate() {
        let Source::State(state) = input.source else {
            return Err(format!("{node}: the parameter {} of its function is none", input.name));
        };
        let operand = args.first.get(state as usize).map(|&node| graph.ty(node));
        if operand != Some(Type::num(input.shape)) {
            return Err(format!("{node}: operand {k} is {operand:?} for {}", input.shape));
        }
    }
    let shapes = body.outputs.iter().map(|output| body.ty(output.node).shape);
    let roles = function.results.iter().copied();
    if !shapes.eq(call.results.iter().map(|result| result.shape))
        || !roles.eq(call.results.iter().map(|result| result.role))
    {
        let has: Vec<String> =
            call.results.iter().map(|result| format!("{}: {}", result.role, result.shape)).collect();
        return Err(format!("{node} has other results than {}: {}", call.function, has.join(", ")));
    }
    if call.position(ResultRole::Failure).is_none() {
        return Err(format!("{node} has no result that tells what failed"));
    }
    if call.failure == 0 || call.failure as usize > root.failures.len() {
        return Err(format!("{node} has failure {} of {}", call.failure, root.failures.len()));
    }
    Ok(())
}

fn verify_body(graph: &Graph, node: Node, region: &Region, args: RegionArgs<'_>) -> Result<(), String> {
    let body = &region.body;
    let loops = matches!(region.kind, RegionKind::Loop { .. });
    if body.outputs.len() < region.states() + usize::from(loops) {
        return Err(format!("{node} has {} outputs for {} states", body.outputs.len(), region.states()));
    }
    if let Some(output) = body.outputs.iter().find(|output| output.node.index() >= body.len()) {
        return Err(format!("{node}: its body has no {}", output.node));
    }
    let reversed = graph.region(args.control).filter(|_| !loops);
    let control = match region.goes_on() {
        Some(goes_on) => body.ty(goes_on) == Type::BOOL && graph.ty(args.control) == Type::BOOL,
        None => reversed.is_some_and(|reversed| matches!(reversed.kind, RegionKind::Loop { .. })),
    };
    if !control {
        return Err(format!("{node} has {} for its control", args.control));
    }
    let taped: Vec<Shape> = reversed.map(|reversed| reversed.results()).unwrap_or_default();
    let states = reversed.map_or(0, |reversed| reversed.states());
    for input in &body.inputs {
        let ty = match input.source {
            Source::State(k) => args.first.get(k as usize).map(|&node| graph.ty(node)),
            Source::Capture(k) => args.captures.get(k as usize).map(|&node| graph.ty(node)),
            Source::Tape(k) => taped[..states].get(k as usize).copied().map(Type::num),
            Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => None,
        };
        if ty != Some(Type::num(input.shape)) {
            return Err(format!("{node}: the input {} of its body is not {ty:?}", input.name));
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
    if !body.checks.is_empty() {
        return Err(format!("{node}: its body has checks"));
    }
    Ok(())
}

/// What holds of outputs and checks.
fn outside(graph: &Graph, place: Place) -> Result<(), String> {
    if let Some(root) = graph.roots().find(|root| root.index() >= graph.len()) {
        return Err(format!("an output or check is {root}, which there is not"));
    }
    let mut elements = 0usize;
    for (k, output) in graph.outputs.iter().enumerate() {
        let decides = k == 0 && place == Place::Region { goes_on: true };
        if graph.ty(output.node).elem != Elem::Num && !decides {
            return Err(format!("output {} is a truth value", output.node));
        }
        elements = elements.saturating_add(graph.ty(output.node).len());
        let by = match output.role {
            Role::Gradient { input, .. } => Some(input),
            Role::Value | Role::Tangent { .. } => None,
        };
        if by.is_some_and(|input| input as usize >= graph.inputs.len()) && place == Place::Program {
            return Err(format!("output {} is a derivative by input {by:?}", output.node));
        }
    }
    if elements > MAX_COLUMNS && place == Place::Program {
        return Err(format!("the outputs have more than {MAX_COLUMNS} elements"));
    }
    for check in &graph.checks {
        if graph.ty(check.fails) != Type::BOOL {
            return Err(format!("check {} is {}", check.fails, graph.ty(check.fails)));
        }
    }
    Ok(())
}
