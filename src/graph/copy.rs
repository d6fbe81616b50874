//! Nodes of one graph, made again in another.

use std::collections::HashMap;

use super::{Check, Graph, Node, NodeKind, Output, RegionKind};
use crate::ops::{Algebra, Op};

/// Makes `roots` of `from` and what they need again in `to`, where `known` says what stands for some nodes already; the
/// others are added to it. Every input among them is known. Returns the new nodes of `roots`.
///
/// Only rows on the path enter the loops and make the calls among them.
pub fn copy(
    from: &Graph,
    roots: &[Node],
    to: &mut Graph,
    known: &mut HashMap<Node, Node>,
    path: Option<Node>,
) -> Vec<Node> {
    let mut stack: Vec<(Node, usize)> = Vec::new();
    for &root in roots {
        stack.push((root, 0));
        while let Some((node, next)) = stack.pop() {
            if known.contains_key(&node) {
                continue;
            }
            match from.args(node).get(next) {
                Some(&arg) => {
                    stack.push((node, next + 1));
                    if !known.contains_key(&arg) {
                        stack.push((arg, 0));
                    }
                }
                None => {
                    let mut args: Vec<Node> = from.args(node).iter().map(|arg| known[arg]).collect();
                    to.set_span(from.span(node));
                    if let (Some(path), Some(region)) = (path, from.region(node))
                        && let RegionKind::Loop { .. } | RegionKind::Call(_) = region.kind
                    {
                        args[0] = to.binary(Op::And, path, args[0]);
                    }
                    let new = copy_one(from, node, to, &args);
                    known.insert(node, new);
                }
            }
        }
    }
    to.set_span(None);
    roots.iter().map(|root| known[root]).collect()
}

fn copy_one(from: &Graph, node: Node, to: &mut Graph, args: &[Node]) -> Node {
    match from.kind(node) {
        NodeKind::Const(bits) => to.number(f64::from_bits(bits)),
        NodeKind::Bool(value) => to.boolean(value),
        NodeKind::Apply(op, attr) => to.apply_typed(op, attr, from.ty(node), args),
        NodeKind::Region(id) => {
            let region = from.regions[id].clone();
            to.add_region(region, args)
        }
        NodeKind::Result(index) => to.result(args[0], index, from.shape(node)),
        NodeKind::Input(index) => {
            let input = from.inputs[index as usize].clone();
            to.input(input.name, input.shape, input.source)
        }
    }
}

/// A graph with the results of some regions replaced by those of others. What takes a region's place has the same
/// states first and the same exit values last, and does not depend on its results.
pub fn redirect(graph: &Graph, regions: &HashMap<Node, Node>) -> Graph {
    let mut new = Graph::of(graph.precision);
    let mut known = HashMap::new();
    for (index, input) in (0u32..).zip(&graph.inputs) {
        let node = new.input(&input.name, input.shape, input.source);
        known.insert(graph.input_node(index), node);
    }
    let target = |node: Node| regions.get(&node).copied().unwrap_or(node);
    let roots: Vec<Node> = graph.roots().map(target).collect();
    let mut stack: Vec<(Node, usize)> = Vec::new();
    for &root in &roots {
        stack.push((root, 0));
        while let Some((node, next)) = stack.pop() {
            if known.contains_key(&node) {
                continue;
            }
            if let Some(&arg) = graph.args(node).get(next) {
                stack.push((node, next + 1));
                if !known.contains_key(&target(arg)) {
                    stack.push((target(arg), 0));
                }
                continue;
            }
            let args: Vec<Node> = graph.args(node).iter().map(|&arg| known[&target(arg)]).collect();
            new.set_span(graph.span(node));
            let made = match graph.kind(node) {
                NodeKind::Result(k) => {
                    let before = graph.args(node)[0];
                    let states = |node| graph.region(node).map_or(0, |region| region.states() as u32);
                    let (old, now) = (states(before), states(target(before)));
                    let is_loop = graph.region(before).is_some_and(|r| r.goes_on().is_some());
                    let shifted = is_loop && k >= old;
                    new.result(args[0], if shifted { k - old + now } else { k }, graph.shape(node))
                }
                _ => copy_one(graph, node, &mut new, &args),
            };
            known.insert(node, made);
        }
    }
    new.set_span(None);
    new.functions = graph.functions.clone();
    new.failures = graph.failures.clone();
    new.limits = graph.limits;
    let mut made = roots.iter().map(|root| known[root]);
    for output in &graph.outputs {
        new.outputs.extend(made.next().map(|node| Output { node, ..output.clone() }));
    }
    for check in &graph.checks {
        new.checks.extend(made.next().map(|fails| Check { fails, ..*check }));
    }
    new
}
