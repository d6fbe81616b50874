//! The textual form of a graph.

use std::fmt::Write;

use nc_runtime::lanes::Precision;

use super::{Effect, Graph, Node, NodeKind, Output, Reason, RegionKind, Role, Shape, Source};
use crate::entity::EntityVec;
use crate::number::number_of;

/// One line per live node, operands before users, then checks and outputs. Numbers that are not binary64 are named first. Constants stand where they are used; the
/// body of a region stands below its node, indented.
pub fn dump(graph: &Graph) -> String {
    let mut text = String::new();
    if graph.precision == Precision::Single {
        let _ = writeln!(text, "numbers {}", graph.precision);
    }
    for (id, function) in graph.functions.iter() {
        let _ = writeln!(text, "{id} {}", function.name);
        nodes(&function.body, "  ", &mut text);
    }
    nodes(graph, "", &mut text);
    text
}

fn nodes(graph: &Graph, indent: &str, text: &mut String) {
    let live = graph.live();
    let mut names: EntityVec<Node, String> = EntityVec::filled(String::new(), graph.len());
    let mut count = 0;
    for (index, input) in graph.inputs.iter().enumerate() {
        let node = graph.input_node(index as u32);
        names[node] = input.name.clone();
        let source = match input.source {
            Source::Row => "input",
            Source::Shared => "parameter",
            Source::Cotangent(_) => "cotangent",
            Source::Tangent { .. } => "tangent",
            Source::State(_) => "state",
            Source::Capture(_) => "capture",
            Source::Tape(_) => "tape",
        };
        let _ = writeln!(text, "{indent}{source} {}: {}", input.name, input.shape);
    }
    for node in graph.nodes() {
        match graph.kind(node) {
            NodeKind::Const(bits) => names[node] = number_of(graph.precision, f64::from_bits(bits)),
            NodeKind::Bool(value) => names[node] = value.to_string(),
            NodeKind::Input(_) => {}
            NodeKind::Result(k) => names[node] = format!("{}.{k}", names[graph.args(node)[0]]),
            NodeKind::Region(_) => {
                if live[node] {
                    names[node] = format!("%{count}");
                    count += 1;
                    region(graph, node, &names, indent, text);
                }
            }
            NodeKind::Apply(op, attr) => {
                if !live[node] {
                    continue;
                }
                names[node] = format!("%{count}");
                count += 1;
                let _ = write!(text, "{indent}{} = {op}", names[node]);
                for (k, &arg) in graph.args(node).iter().enumerate() {
                    let _ = write!(text, "{}{}", if k == 0 { " " } else { ", " }, names[arg]);
                }
                if attr != 0 {
                    let _ = write!(text, " @{attr}");
                }
                if !graph.ty(node).is_scalar() || graph.ty(node).elem != super::Elem::Num {
                    let _ = write!(text, " : {}", graph.ty(node));
                }
                text.push('\n');
            }
        }
    }
    for check in &graph.checks {
        let reason = match check.reason {
            Reason::Index { len } => format!("index out of {len}"),
            Reason::Iterations { limit } => format!("more than {limit} iterations"),
            Reason::Depth { limit } => format!("deeper than {limit} calls"),
            Reason::Steps { limit } => format!("more than {limit} steps"),
            Reason::Met { .. } => check.reason.to_string(),
        };
        let verb = match check.effect {
            Effect::Fail => "fail",
            Effect::Note => "note",
        };
        let _ = writeln!(text, "{indent}{verb} if {}: {reason}", names[check.fails]);
    }
    for output in &graph.outputs {
        let _ = writeln!(
            text,
            "{indent}{} = {}{}",
            role(graph, output),
            names[output.node],
            shape_suffix(graph.shape(output.node))
        );
    }
}

/// A region: its operands, then its body, whose outputs are called after what the region does with them.
fn region(graph: &Graph, node: Node, names: &EntityVec<Node, String>, indent: &str, text: &mut String) {
    let Some((region, args)) = graph.region_args(node) else { return };
    let list = |nodes: &[Node]| nodes.iter().map(|&n| names[n].as_str()).collect::<Vec<_>>().join(", ");
    if let RegionKind::Call(call) = &region.kind {
        let (node, control) = (&names[node], &names[args.control]);
        let _ =
            writeln!(text, "{indent}{node} = call {} where {control}, [{}]", call.function, list(args.first));
        return;
    }
    let (word, control) = match region.kind {
        RegionKind::Loop { .. } => ("loop", "where"),
        RegionKind::Reverse { .. } | RegionKind::Call(_) => ("reverse", "of"),
    };
    let _ = writeln!(
        text,
        "{indent}{} = {word} {} {control} {}, from [{}], with [{}]",
        names[node],
        region.name,
        names[args.control],
        list(args.first),
        list(args.captures)
    );
    let mut body = region.body.clone();
    let states = region.states();
    let first = body.outputs.len() - states - region.exits().count();
    for (k, output) in body.outputs.iter_mut().enumerate() {
        output.name = match k.checked_sub(first) {
            None => "while".to_string(),
            Some(k) if k < states => format!("next {k}"),
            Some(k) => format!("exit {k}"),
        };
    }
    nodes(&body, &format!("{indent}  "), text);
}

/// What an output is, in words.
pub(crate) fn role(graph: &Graph, output: &Output) -> String {
    let word = match output.role {
        Role::Value => "value".to_string(),
        Role::Gradient { of, input } => {
            let input = &graph.inputs[input as usize].name;
            if output.name.is_empty() && of == 0 {
                return format!("gradient {input}");
            }
            return format!("gradient {}[{of}] {input}", output.name);
        }
        Role::Tangent { of, seed } => format!("tangent {seed} of output {of}"),
    };
    if output.name.is_empty() { word } else { format!("{word} {}", output.name) }
}

fn shape_suffix(shape: Shape) -> String {
    if shape == Shape::Scalar { String::new() } else { format!(" : {shape}") }
}
