//! Exit values of loops, computed behind the loops.
//!
//! A loop hands out what its last evaluation has computed for its test. Where such a value has a derivative it is computed
//! again behind the loop, from the states that the loop ends with; there it is differentiated like anything else. Inner
//! loops among what is computed again are in the program twice then, and twice as often for each loop around them: the
//! program is measured as it grows.

use std::collections::HashMap;
use std::sync::Arc;

use super::DerivativeTooLarge;
use super::varied::{Inside, Varied};
use crate::graph::copy::copy;
use crate::graph::region::{ByAddress, substitute};
use crate::graph::{Graph, Node, NodeKind, Output, Region};

/// Bodies that have been looked through, by region and by which of their inputs are varied; nothing where a body has no
/// exit value to be outlined.
type Bodies = HashMap<(ByAddress, Vec<bool>), Option<Arc<Region>>>;

/// A program without those exit values of its loops that depend on `inputs`, other than through truth values; nothing if it has none.
///
/// # Errors
///
/// [`DerivativeTooLarge`] if the program becomes too large.
pub(super) fn without_exits(graph: &Graph, inputs: &[Node]) -> Result<Option<Graph>, DerivativeTooLarge> {
    outline(graph, inputs, &mut Bodies::new())
}

fn outline(graph: &Graph, inputs: &[Node], bodies: &mut Bodies) -> Result<Option<Graph>, DerivativeTooLarge> {
    if !graph.nodes().any(|node| graph.region(node).is_some()) {
        return Ok(None);
    }
    let mut inputs = inputs.to_vec();
    let mut outlined: Option<Graph> = None;
    loop {
        let before = outlined.as_ref().unwrap_or(graph);
        let varied = Varied::from(before, &inputs);
        let mut changed = HashMap::new();
        for node in before.nodes() {
            let Some(region) = before.region(node) else { continue };
            if let Some(new) = outline_body(region, varied.region(node), bodies)? {
                changed.insert(node, new);
            }
        }
        let has_exits = before.nodes().any(|node| varied_exit(before, &varied, node).is_some());
        if changed.is_empty() && !has_exits {
            return Ok(outlined);
        }
        let (after, known) = once(before, &varied, &changed);
        DerivativeTooLarge::check(&after)?;
        inputs.iter_mut().for_each(|input| *input = known[input]);
        outlined = Some(after);
    }
}

/// The region with another body; nothing if its body is as it should be.
fn outline_body(
    region: &Arc<Region>,
    inside: &Inside,
    bodies: &mut Bodies,
) -> Result<Option<Arc<Region>>, DerivativeTooLarge> {
    let body = &region.body;
    if body.len() == 0 {
        return Ok(None);
    }
    let all = (0..body.inputs.len() as u32).map(|index| body.input_node(index));
    let flags: Vec<bool> = all.clone().map(|input| inside.body.of(input)).collect();
    let key = (ByAddress(region.clone()), flags);
    if let Some(known) = bodies.get(&key) {
        return Ok(known.clone());
    }
    let inputs: Vec<Node> = all.zip(&key.1).filter(|(_, varied)| **varied).map(|(input, _)| input).collect();
    let new = outline(body, &inputs, bodies)?;
    let new = new.map(|body| Arc::new(region.with_body(body)));
    bodies.insert(key, new.clone());
    Ok(new)
}

/// The loop and the node in its body that a result is an exit value of, if it has a derivative.
fn varied_exit(graph: &Graph, varied: &Varied, node: Node) -> Option<(Node, usize)> {
    let NodeKind::Result(k) = graph.kind(node) else { return None };
    let looped = graph.args(node)[0];
    let (region, _) = graph.expect_region(looped);
    region.goes_on()?;
    let exit = (k as usize).checked_sub(region.states())?;
    varied.of(node).then_some((looped, exit))
}

/// A graph made again with other regions, and without the exit values that the graph itself uses; and what has become of its
/// nodes.
fn once(
    graph: &Graph,
    varied: &Varied,
    changed: &HashMap<Node, Arc<Region>>,
) -> (Graph, HashMap<Node, Node>) {
    let mut new = Graph::of(graph.precision);
    let mut known: HashMap<Node, Node> = HashMap::new();
    let mut insides: HashMap<Node, HashMap<Node, Node>> = HashMap::new();
    for (index, input) in (0u32..).zip(&graph.inputs) {
        let node = new.input(&input.name, input.shape, input.source);
        known.insert(graph.input_node(index), node);
    }
    for node in graph.nodes() {
        if let Some(region) = graph.region(node) {
            let args: Vec<Node> = graph.args(node).iter().map(|arg| known[arg]).collect();
            let made = new.add_region(changed.get(&node).unwrap_or(region).clone(), &args);
            known.insert(node, made);
        } else if let Some((looped, exit)) = varied_exit(graph, varied, node) {
            let (region, args) = new.expect_region(known[&looped]);
            let (region, entry, captures) = (region.clone(), args.control, args.captures.to_vec());
            let exit = region.exits().nth(exit).expect("a body that is made anew has the same exit values");
            let inside = insides.entry(looped).or_insert_with(|| {
                let mut inside = HashMap::new();
                let states: Vec<Node> = (0..region.states() as u32)
                    .map(|k| new.result(known[&looped], k, Graph::result_shape(&region, k)))
                    .collect();
                substitute(&region.body, &states, &captures, &mut inside);
                inside
            });
            let made = copy(&region.body, &[exit], &mut new, inside, Some(entry))[0];
            known.insert(node, made);
        } else {
            copy(graph, &[node], &mut new, &mut known, None);
        }
    }
    new.outputs = graph.outputs.iter().map(|o| Output { node: known[&o.node], ..o.clone() }).collect();
    new.checks = graph.checks.clone();
    new.checks.iter_mut().for_each(|check| check.fails = known[&check.fails]);
    new.functions = graph.functions.clone();
    new.failures = graph.failures.clone();
    new.limits = graph.limits;
    (new, known)
}
