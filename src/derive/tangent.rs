//! Forward mode: the tangent graph.

use std::collections::HashMap;

use super::outline::without_exits;
use super::region::{self, Forward};
use super::varied::Varied;
use super::{
    DerivativeTooLarge, Flow, Known, Site, any, either, elements, guard, mask, normal, site, spread,
};
use crate::entity::Entity;
use crate::graph::copy::redirect;
use crate::graph::{Elem, Graph, Node, NodeKind, Output, Role, Shape, Source, Type};
use crate::ops::{Algebra, Op, Term};

/// A direction to differentiate along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direction {
    /// The tangents of the inputs with these indices are inputs of the derived graph.
    Inputs(Vec<u32>),
    /// 1 for one element of one input, 0 for everything else.
    Element {
        /// Index of the input.
        input: u32,
        /// Which of its elements.
        element: u32,
    },
}

/// The graph that computes the outputs of `primal` (gradients included) and, after them, their derivatives along each
/// of the directions.
///
/// # Errors
///
/// [`DerivativeTooLarge`] if the program becomes too large.
pub fn tangent(primal: &Graph, directions: &[Direction]) -> Result<Graph, DerivativeTooLarge> {
    let mut inputs = Vec::new();
    for direction in directions {
        match direction {
            Direction::Inputs(some) => inputs.extend(some.iter().map(|&input| primal.input_node(input))),
            Direction::Element { input, .. } => inputs.push(primal.input_node(*input)),
        }
    }
    let outlined = without_exits(primal, &inputs)?;
    let primal = outlined.as_ref().unwrap_or(primal);
    let mut g = primal.clone();
    let mut regions = HashMap::new();
    let mut known = Known::of(primal);
    for (seed, direction) in (0u32..).zip(directions) {
        let tangents: Vec<(Node, Flow)> = match direction {
            Direction::Inputs(inputs) => inputs
                .iter()
                .map(|&input| {
                    let node = g.input_node(input);
                    let name = format!("t{seed}/{}", g.inputs[input as usize].name);
                    let value = g.input(name, g.shape(node), Source::Tangent { input, seed });
                    (node, Flow { value, active: None })
                })
                .collect(),
            &Direction::Element { input, element } => {
                let node = g.input_node(input);
                let (one, there) = (g.number(1.0), g.boolean(true));
                let shape = g.shape(node);
                let value = g.place(one, element, shape);
                let active = g.place(there, element, shape);
                vec![(node, Flow { value, active: normal(&g, active) })]
            }
        };
        let (flows, forward) = sweep(&mut g, primal, &tangents, &mut known);
        for (node, forward) in forward {
            regions.entry(node).or_insert(forward.node);
        }
        for (of, output) in (0u32..).zip(&primal.outputs) {
            let node = match flows[output.node.index()] {
                Some(flow) => flow.value,
                None => g.zero(g.ty(output.node)),
            };
            g.outputs.push(Output { name: output.name.clone(), node, role: Role::Tangent { of, seed } });
        }
    }
    known.finish(&mut g)?;
    // A region with tangents computes what the one without them does.
    Ok(if regions.is_empty() { g } else { redirect(&g, &regions) })
}

/// One sweep: the tangent of every node that has one, and what has become of the regions.
pub(super) fn sweep(
    g: &mut Graph,
    primal: &Graph,
    seeds: &[(Node, Flow)],
    known: &mut Known,
) -> (Vec<Option<Flow>>, HashMap<Node, Forward>) {
    let inputs: Vec<Node> = seeds.iter().map(|&(node, _)| node).collect();
    let varied = Varied::from(primal, &inputs);
    let live = primal.live();
    let mut regions: HashMap<Node, Forward> = HashMap::new();
    let mut flows: Vec<Option<Flow>> = vec![None; primal.len()];
    for &(node, flow) in seeds {
        flows[node.index()] = Some(flow);
    }
    for node in primal.nodes() {
        if !live[node] {
            continue;
        }
        match primal.kind(node) {
            NodeKind::Region(_) => {
                g.set_span(primal.span(node));
                let arriving = |arg: Node| flows[arg.index()];
                if let Some(forward) = region::tangent(g, primal, node, &arriving, &regions, known) {
                    regions.insert(node, forward);
                }
                continue;
            }
            NodeKind::Result(k) => {
                let forward = regions.get(&primal.args(node)[0]);
                flows[node.index()] = forward.and_then(|forward| forward.tangent(g, k, primal.shape(node)));
                continue;
            }
            NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Apply(..) => {}
        }
        if !varied.of(node) {
            continue;
        }
        let Some((op, site)) = site(primal, node) else { continue };
        g.set_span(primal.span(node));
        let arriving: Vec<Option<Flow>> = site.args.iter().map(|a| flows[a.index()]).collect();
        flows[node.index()] = if op.moves() {
            moved(g, op, &site, &arriving)
        } else {
            let mut total: Option<Flow> = None;
            for (k, flow) in arriving.iter().enumerate() {
                let Some(flow) = flow else { continue };
                let term = op.tangent(g, &site, k, flow.value, elements(g, flow.active));
                let active = if op.elementwise() { flow.active } else { any(g, flow.active) };
                let Some(term) = guard(g, term, flow.value, active) else { continue };
                total = Some(match total {
                    Some(sum) => Flow {
                        value: g.add(sum.value, term.value),
                        active: either(g, sum.active, term.active),
                    },
                    None => term,
                });
            }
            total.map(|flow| Flow {
                value: spread(g, flow.value, site.ty),
                active: flow.active.and_then(|a| normal(g, a)),
            })
        };
    }
    g.set_span(None);
    (flows, regions)
}

/// The tangent of an operation that moves elements: tangents and activities move in the same way.
fn moved(g: &mut Graph, op: Op, site: &Site, arriving: &[Option<Flow>]) -> Option<Flow> {
    if arriving.iter().all(Option::is_none) {
        return None;
    }
    let masks: Vec<Option<Node>> = arriving
        .iter()
        .zip(&site.args)
        .map(|(flow, &arg)| {
            let shape = g.shape(arg);
            flow.map(|f| mask(g, f.active, shape))
        })
        .collect();
    let values: Vec<Option<Node>> = arriving.iter().map(|flow| flow.map(|f| f.value)).collect();
    let (value, active) = match op.whole_tangent(g, site, Elem::Num, &values) {
        Some(value) => (value, op.whole_tangent(g, site, Elem::Bool, &masks)),
        None => {
            let k = values.iter().position(Option::is_some)?;
            let of = |term| match term {
                Term::Value { value, .. } => Some(value),
                Term::Zero => None,
            };
            let value = of(op.tangent(g, site, k, values[k]?, None))?;
            (value, of(op.tangent(g, site, k, masks[k]?, None)))
        }
    };
    debug_assert_eq!(g.ty(value), Type { elem: Elem::Num, shape: site.ty.shape });
    debug_assert!(site.ty.shape == Shape::Scalar || active.is_none_or(|a| g.shape(a) == site.ty.shape));
    Some(Flow { value, active: active.and_then(|a| normal(g, a)) })
}
