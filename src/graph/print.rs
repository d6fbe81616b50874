//! The textual form of a graph, which [`read`](super::read::read) reads back.
//!
//! ```text
//! numbers f32                                       only if they are not binary64
//! limits 10000 iterations, 10000 calls, 9 steps     only if something repeats
//! failure 1: deeper than 10000 calls                what can fail a call, numbered from 1
//! function0 power -> value: scalar, failure: scalar, steps: scalar     a recursive function and its results; its body is indented
//! function1 unused                                  one that no row comes to
//! input x: scalar                                   or parameter, cotangent, tangent; state, capture, tape in bodies
//! %0 = add x, 1                                     an operation; then its attribute `@1`, then its type if it is no number
//! %1 = loop f where true, from [%0], with [x]       first states and captures; the body is indented
//! %2 = reverse f of %1, from [1, 0], with [x]
//! %3 = call function0 where %5, [x, 1], failure 1
//! fail if %4: index out of 3                        or note
//! value = %1.0                                      the first result of %1
//! ```
//!
//! Sources of inputs count upwards from 0, each kind for itself; `tape[2] x: scalar` says which it is where it is another,
//! `tangent[0, 1] dx: scalar` of which input and which tangent. An input is written by its name, unless that could be
//! something else: then `input #4 x: scalar` declares what is written `#4`. `limit 9` behind a loop is its own limit of
//! iterations. Places in the source are left out.

use std::collections::HashSet;
use std::fmt::Write;

use nc_runtime::lanes::Precision;

use super::{Effect, Graph, Node, NodeKind, Output, Reason, Region, RegionKind, Role, Shape, Source};
use crate::entity::EntityVec;
use crate::limits::Limits;
use crate::number::number_of;
use crate::ops::{Met, Requirement};

/// One line per live node, operands before users, then checks and outputs. Constants stand where they are used; the body
/// of a region stands below its node, indented.
pub fn dump(graph: &Graph) -> String {
    let mut text = String::new();
    if graph.precision == Precision::Single {
        let _ = writeln!(text, "numbers {}", graph.precision);
    }
    let live = graph.live();
    if !graph.functions.is_empty() || graph.nodes().any(|node| live[node] && graph.region(node).is_some()) {
        let Limits { iterations, depth, steps } = graph.limits;
        let _ = writeln!(text, "limits {iterations} iterations, {depth} calls, {steps} steps");
    }
    for (number, failure) in (1..).zip(&graph.failures) {
        let _ = writeln!(text, "failure {number}: {}", reason(failure.reason));
    }
    let called = graph.called_functions();
    for (id, function) in graph.functions.iter() {
        let body = &function.body;
        if !called[id] {
            let _ = writeln!(text, "{id} unused");
            continue;
        }
        let results = function.results.iter().zip(&body.outputs);
        let results: Vec<String> =
            results.map(|(role, output)| format!("{role}: {}", body.shape(output.node))).collect();
        let _ = writeln!(text, "{id} {} -> {}", escaped(&function.name), results.join(", "));
        nodes(body, graph.limits, &output_names(body), "  ", &mut text);
    }
    nodes(graph, graph.limits, &output_names(graph), "", &mut text);
    text
}

/// A name without white space. A backslash starts the number of a character in hexadecimal, up to a semicolon.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_whitespace() || c.is_control() || c == '\\' {
            let _ = write!(text, "\\{:x};", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// What stands for each input where it is used: its name, if that is neither taken nor anything else.
fn input_names(graph: &Graph) -> Vec<String> {
    let mut taken: HashSet<&str> = ["true", "false"].into();
    let mut names = Vec::new();
    for (k, input) in graph.inputs.iter().enumerate() {
        let plain = input.name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && !input.name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
        names.push(if plain && taken.insert(&input.name) { input.name.clone() } else { format!("#{k}") });
    }
    names
}

fn declarations(graph: &Graph, inputs: &[String], indent: &str, text: &mut String) {
    // How many inputs of each kind there were: rows and parameters have no position of their own.
    let mut next = [0u32; 4];
    for (input, name) in graph.inputs.iter().zip(inputs) {
        let (word, place) = match input.source {
            Source::Row => ("input", None),
            Source::Shared => ("parameter", None),
            Source::Cotangent(k) => ("cotangent", Some((0, k))),
            Source::Tangent { .. } => ("tangent", None),
            Source::State(k) => ("state", Some((1, k))),
            Source::Capture(k) => ("capture", Some((2, k))),
            Source::Tape(k) => ("tape", Some((3, k))),
        };
        let _ = write!(text, "{indent}{word}");
        if let Some((kind, k)) = place {
            if next[kind] != k {
                let _ = write!(text, "[{k}]");
            }
            next[kind] = k.saturating_add(1);
        }
        if let Source::Tangent { input, seed } = input.source {
            let _ = write!(text, "[{input}, {seed}]");
        }
        if *name == input.name {
            let _ = writeln!(text, " {name}: {}", input.shape);
        } else {
            let _ = writeln!(text, " {name} {}: {}", escaped(&input.name), input.shape);
        }
    }
}

/// The nodes of a graph whose outputs are called `outputs`.
fn nodes(graph: &Graph, limits: Limits, outputs: &[String], indent: &str, text: &mut String) {
    let live = graph.live();
    let mut names: EntityVec<Node, String> = EntityVec::filled(String::new(), graph.len());
    let mut count = 0;
    let inputs = input_names(graph);
    declarations(graph, &inputs, indent, text);
    for node in graph.nodes() {
        match graph.kind(node) {
            NodeKind::Const(bits) => names[node] = number_of(graph.precision, f64::from_bits(bits)),
            NodeKind::Bool(value) => names[node] = value.to_string(),
            NodeKind::Input(index) => names[node].clone_from(&inputs[index as usize]),
            NodeKind::Result(k) => names[node] = format!("{}.{k}", names[graph.args(node)[0]]),
            NodeKind::Region(_) => {
                if live[node] {
                    names[node] = format!("%{count}");
                    count += 1;
                    region(graph, node, &names, limits, indent, text);
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
        let verb = match check.effect {
            Effect::Fail => "fail",
            Effect::Note => "note",
        };
        let _ = writeln!(text, "{indent}{verb} if {}: {}", names[check.fails], reason(check.reason));
    }
    for (output, name) in graph.outputs.iter().zip(outputs) {
        let _ = writeln!(
            text,
            "{indent}{} = {}{}",
            role_of(output.role, name, |input| inputs[input as usize].clone()),
            names[output.node],
            shape_suffix(graph.shape(output.node))
        );
    }
}

fn reason(reason: Reason) -> String {
    match reason {
        Reason::Index { len } => format!("index out of {len}"),
        Reason::Unmet(Requirement::Count) => "no count".into(),
        Reason::Unmet(Requirement::Increasing) => "not increasing".into(),
        Reason::Iterations { limit } => format!("more than {limit} iterations"),
        Reason::Depth { limit } => format!("deeper than {limit} calls"),
        Reason::Steps { limit } => format!("more than {limit} steps"),
        Reason::Met { what: Met::Outside, op, step } => format!("{op} outside its domain, step {step}"),
        Reason::Met { what: Met::Kink, op, step } => format!("{op} at a kink, step {step}"),
        Reason::Met { what: Met::Singular, op, step } => format!("{op} at a singularity, step {step}"),
    }
}

/// A region: its operands, then its body, whose outputs are called after what the region does with them.
fn region(
    graph: &Graph,
    node: Node,
    names: &EntityVec<Node, String>,
    limits: Limits,
    indent: &str,
    text: &mut String,
) {
    let (region, args) = graph.region_args(node).expect("the caller has matched a region");
    let list = |nodes: &[Node]| nodes.iter().map(|&n| names[n].as_str()).collect::<Vec<_>>().join(", ");
    let (of, control) = (&names[node], &names[args.control]);
    let (word, preposition) = match &region.kind {
        RegionKind::Call(call) => {
            let (function, operands, failure) = (call.function, list(args.first), call.failure);
            let _ = writeln!(
                text,
                "{indent}{of} = call {function} where {control}, [{operands}], failure {failure}"
            );
            return;
        }
        RegionKind::Loop { .. } => ("loop", "where"),
        RegionKind::Reverse { .. } => ("reverse", "of"),
    };
    let _ = write!(
        text,
        "{indent}{of} = {word} {} {preposition} {control}, from [{}], with [{}]",
        escaped(&region.name),
        list(args.first),
        list(args.captures)
    );
    if let RegionKind::Loop { limit, .. } = region.kind
        && limit != limits.iterations
    {
        let _ = write!(text, ", limit {limit}");
    }
    text.push('\n');
    nodes(&region.body, limits, &uses(region), &format!("{indent}  "), text);
}

/// What a region does with each output of its body.
fn uses(region: &Region) -> Vec<String> {
    let states = region.states();
    let first = region.body.outputs.len() - states - region.exits().count();
    let uses = (0..region.body.outputs.len()).map(|k| match k.checked_sub(first) {
        None => "while".to_string(),
        Some(k) if k < states => format!("next {k}"),
        Some(k) => format!("exit {k}"),
    });
    uses.collect()
}

/// The names of the outputs as they are written.
fn output_names(graph: &Graph) -> Vec<String> {
    graph.outputs.iter().map(|output| escaped(&output.name)).collect()
}

/// What an output is, in words.
pub(crate) fn role(graph: &Graph, output: &Output) -> String {
    role_of(output.role, &output.name, |input| graph.inputs[input as usize].name.clone())
}

/// What an output of this role and name is, in words; `input` says what an input is called.
fn role_of(role: Role, name: &str, input: impl Fn(u32) -> String) -> String {
    let word = match role {
        Role::Value => "value".to_string(),
        Role::Gradient { of: 0, input: by } if name.is_empty() => return format!("gradient {}", input(by)),
        Role::Gradient { of, input: by } => return format!("gradient {name}[{of}] {}", input(by)),
        Role::Tangent { of, seed } => format!("tangent {seed} of output {of}"),
    };
    if name.is_empty() { word } else { format!("{word} {name}") }
}

fn shape_suffix(shape: Shape) -> String {
    if shape == Shape::Scalar { String::new() } else { format!(" : {shape}") }
}
