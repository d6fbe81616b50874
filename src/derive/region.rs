//! Derivatives through regions.
//!
//! The tangent of a loop is a loop whose states are followed by their tangents. The adjoint of a loop is a reverse region:
//! its states are the cotangents of the loop's states, which each iteration passes on to the iteration before, and the
//! sums of what the iterations contribute to captured values.
//!
//! Whether a flow is active can change from one iteration to the next: the cotangent of a state that nothing uses after
//! the loop is active from the second reverse iteration on if another state depends on it. How it stands with each flow
//! is found by following the body until nothing new turns up; where it changes, the activity is a state of its own.

use std::collections::HashMap;
use std::sync::Arc;

use super::adjoint::reverse;
use super::calls::{Functions, is_number};
use super::tangent::sweep;
use super::{Flow, mask, normal};
use crate::entity::Entity;
use crate::graph::copy::{copy, redirect};
use crate::graph::{
    Elem, Graph, Node, NodeKind, Output, Region, RegionKind, Role, Shape, Source, Type, region::substitute,
};
use crate::ops::{Algebra, Op};

/// Which nodes depend on some inputs other than through truth values.
#[derive(Debug, Default)]
pub(super) struct Varied {
    nodes: Vec<bool>,
    regions: HashMap<Node, Inside>,
}

/// Which parts of a region do.
#[derive(Debug, Default)]
struct Inside {
    states: Vec<bool>,
    body: Varied,
}

impl Varied {
    pub(super) fn of(&self, node: Node) -> bool {
        self.nodes[node.index()]
    }

    /// Everything that depends on `inputs`.
    pub(super) fn from(g: &Graph, inputs: &[Node]) -> Varied {
        let mut varied = Varied { nodes: vec![false; g.len()], regions: HashMap::new() };
        for node in g.nodes() {
            varied.nodes[node.index()] = inputs.contains(&node)
                || match g.kind(node) {
                    NodeKind::Region(_) => {
                        let inside = varied.inside(g, node);
                        varied.regions.insert(node, inside);
                        false
                    }
                    NodeKind::Result(k) => {
                        let region = g.args(node)[0];
                        varied.regions.get(&region).is_some_and(|inside| inside.result(g, region, k))
                    }
                    NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Apply(..) => {
                        g.ty(node).elem == Elem::Num && g.args(node).iter().any(|&a| varied.of(a))
                    }
                };
        }
        varied
    }

    fn inside(&self, g: &Graph, node: Node) -> Inside {
        let Some((region, args)) = g.region_args(node) else { return Inside::default() };
        if let RegionKind::Call(call) = &region.kind {
            let any = args.first.iter().any(|&n| self.of(n));
            let states = (0..call.results.len()).map(|k| any && is_number(k)).collect();
            return Inside { states, body: Varied::default() };
        }
        let body = &region.body;
        let mut states: Vec<bool> = args.first.iter().map(|&first| self.of(first)).collect();
        let reversed = self.regions.get(&args.control);
        loop {
            let inputs: Vec<Node> = (0u32..)
                .zip(&body.inputs)
                .filter(|(_, input)| match input.source {
                    Source::State(k) => states[k as usize],
                    Source::Capture(k) => self.of(args.captures[k as usize]),
                    Source::Tape(k) => reversed.is_some_and(|inside| inside.states[k as usize]),
                    Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => false,
                })
                .map(|(index, _)| body.input_node(index))
                .collect();
            let inner = Varied::from(body, &inputs);
            let mut changed = false;
            for (state, next) in states.iter_mut().zip(region.next()) {
                changed |= inner.of(next) && !std::mem::replace(state, inner.of(next) || *state);
            }
            if !changed {
                return Inside { states, body: inner };
            }
        }
    }
}

impl Inside {
    fn result(&self, g: &Graph, region: Node, k: u32) -> bool {
        match self.states.get(k as usize) {
            Some(&varied) => varied,
            None => g.region(region).is_some_and(|region| {
                region.exits().nth(k as usize - self.states.len()).is_some_and(|exit| self.body.of(exit))
            }),
        }
    }
}

/// How it stands with the activity of a flow through a state, over all iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Activity {
    Never,
    Always,
    Varies,
}

impl Activity {
    pub(super) fn of(flow: &Option<Flow>) -> Activity {
        match flow {
            None => Activity::Never,
            Some(Flow { active: None, .. }) => Activity::Always,
            Some(Flow { active: Some(_), .. }) => Activity::Varies,
        }
    }

    fn and_then(self, later: Activity) -> Activity {
        if self == later { self } else { Activity::Varies }
    }
}

/// Inputs of a body for flows: numbers, and their activities as numbers.
pub(super) struct Flows<'g> {
    pub(super) body: &'g mut Graph,
    pub(super) source: fn(u32) -> Source,
    /// The index of the next input.
    pub(super) next: u32,
}

impl Flows<'_> {
    fn number(&mut self, name: &str, shape: Shape) -> (Node, u32) {
        let index = self.next;
        self.next += 1;
        (self.body.input(name, shape, (self.source)(index)), index)
    }

    /// A flow, and where it comes from.
    pub(super) fn flow(&mut self, name: &str, shape: Shape, activity: Activity) -> (Flow, Places) {
        let (value, number) = self.number(name, shape);
        let (active, truth) = match activity {
            Activity::Never | Activity::Always => (None, None),
            Activity::Varies => {
                let (active, truth) = self.number(&format!("{name}?"), shape);
                (Some(truth_of(self.body, active)), Some(truth))
            }
        };
        (Flow { value, active }, Places { number, truth })
    }
}

/// The indices of a flow's number and activity among states, captures or results.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    pub(super) number: u32,
    pub(super) truth: Option<u32>,
}

fn truth_of(g: &mut Graph, number: Node) -> Node {
    let zero = g.number(0.0);
    g.binary(Op::Ne, number, zero)
}

/// A flow's number and, if its activity varies, that as a number.
pub(super) fn as_numbers(
    g: &mut Graph,
    flow: &Option<Flow>,
    shape: Shape,
    places: Places,
    to: &mut Vec<Node>,
) {
    to.push(match flow {
        Some(flow) => super::spread(g, flow.value, Type::num(shape)),
        None => g.zero(Type::num(shape)),
    });
    if places.truth.is_some() {
        let truth = match flow {
            Some(flow) => mask(g, flow.active, shape),
            None => g.zero(Type::bool(shape)),
        };
        to.push(g.apply_typed(Op::Num, 0, Type::num(shape), &[truth]));
    }
}

/// The flow that a region's results hold.
pub(super) fn from_results(g: &mut Graph, region: Node, shape: Shape, places: Places) -> Flow {
    let value = g.result(region, places.number, shape);
    let active = places.truth.map(|truth| {
        let number = g.result(region, truth, shape);
        truth_of(g, number)
    });
    Flow { value, active: active.and_then(|active| normal(g, active)) }
}

pub(super) fn output(node: Node) -> Output {
    Output { name: String::new(), node, role: Role::Value }
}

/// The adjoint of a loop for the cotangents that its states have behind it. Returns what flows to its operands.
pub(super) fn reversed(
    g: &mut Graph,
    primal: &Graph,
    node: Node,
    varied: &Varied,
    arriving: &[Option<Flow>],
    functions: &mut Functions,
) -> Vec<(Node, Flow)> {
    if let Some(RegionKind::Call(_)) = primal.region(node).map(|region| &region.kind) {
        return functions.adjoint(g, primal, node, &|n| varied.of(n), arriving);
    }
    let (Some((region, args)), Some(inside)) = (primal.region_args(node), varied.regions.get(&node)) else {
        return Vec::new();
    };
    let mut body = region.body.clone();
    for input in &mut body.inputs {
        if let Source::State(k) = input.source {
            input.source = Source::Tape(k);
        }
    }
    let states: Vec<(usize, Node, Node)> = region
        .next()
        .enumerate()
        .filter(|&(k, _)| inside.states[k])
        .filter_map(|(k, next)| Some((k, body.source_node(Source::Tape(k as u32))?, next)))
        .collect();
    let captures: Vec<(Node, Node)> = (0u32..)
        .zip(args.captures)
        .filter(|&(_, &outside)| varied.of(outside))
        .filter_map(|(k, &outside)| Some((outside, body.source_node(Source::Capture(k))?)))
        .collect();
    let inputs: Vec<Node> = states.iter().map(|s| s.1).chain(captures.iter().map(|c| c.1)).collect();
    let mut activities: Vec<Activity> = states.iter().map(|s| Activity::of(&arriving[s.0])).collect();
    loop {
        let mut back = body.clone();
        back.outputs.clear();
        let mut flows = Flows { body: &mut back, source: Source::State, next: 0 };
        let mut carried = Vec::new();
        let mut seeds = Vec::new();
        for (&(k, state, next), &activity) in states.iter().zip(&activities) {
            if activity != Activity::Never {
                let shape = body.shape(state);
                let name = format!("d{}", body_input_name(&body, state));
                let (flow, places) = flows.flow(&name, shape, activity);
                carried.push((k, shape, places));
                seeds.push((next, flow));
            }
        }
        let mut count = flows.next;
        let contributions = reverse(&mut back, &body, &inside.body, &inputs, &seeds, functions);
        let (to_states, to_captures) = contributions.split_at(states.len());
        let after: Vec<Activity> =
            activities.iter().zip(to_states).map(|(a, flow)| a.and_then(Activity::of(flow))).collect();
        if after != activities {
            activities = after;
            continue;
        }
        if carried.is_empty() {
            return Vec::new();
        }
        let mut first = Vec::new();
        let mut next = Vec::new();
        for &(k, shape, places) in &carried {
            as_numbers(g, &arriving[k], shape, places, &mut first);
            let position = states.iter().position(|s| s.0 == k).unwrap_or_default();
            as_numbers(&mut back, &to_states[position], shape, places, &mut next);
        }
        let mut sums = Vec::new();
        for (&(outside, input), flow) in captures.iter().zip(to_captures) {
            let Some(flow) = flow else { continue };
            let shape = body.shape(input);
            let varies = if flow.active.is_some() { Activity::Varies } else { Activity::Always };
            let mut flows = Flows { body: &mut back, source: Source::State, next: count };
            let (sum, places) = flows.flow(&format!("d{}", body_input_name(&body, input)), shape, varies);
            count = flows.next;
            let value = back.add(sum.value, flow.value);
            let active = match (sum.active, flow.active) {
                (Some(before), Some(_)) => {
                    let here = mask(&mut back, flow.active, shape);
                    Some(back.binary(Op::Or, before, here))
                }
                _ => None,
            };
            as_numbers(&mut back, &Some(Flow { value, active }), shape, places, &mut next);
            as_numbers(g, &None, shape, places, &mut first);
            sums.push((outside, shape, places));
        }
        back.outputs = next.into_iter().map(output).collect();
        let kind = RegionKind::Reverse { states: count };
        let region = Region { body: back, kind, name: region.name.clone(), span: region.span };
        let operands: Vec<Node> = [node].iter().chain(&first).chain(args.captures).copied().collect();
        let region = g.add_region(Arc::new(region), &operands);
        let mut flows = Vec::new();
        for &(k, shape, places) in &carried {
            flows.push((args.first[k], from_results(g, region, shape, places)));
        }
        for &(outside, shape, places) in &sums {
            let mut flow = from_results(g, region, shape, places);
            // A row without iterations has used nothing.
            if places.truth.is_none() {
                flow.active = Some(region);
            }
            flows.push((outside, flow));
        }
        return flows;
    }
}

fn body_input_name(body: &Graph, node: Node) -> &str {
    match body.kind(node) {
        NodeKind::Input(index) => &body.inputs[index as usize].name,
        NodeKind::Const(_)
        | NodeKind::Bool(_)
        | NodeKind::Apply(..)
        | NodeKind::Region(_)
        | NodeKind::Result(_) => "",
    }
}

/// What has become of a region in forward mode.
#[derive(Debug)]
pub(super) struct Forward {
    /// The region with tangents.
    pub(super) node: Node,
    /// For each state of the region without them, or result of a call, where its tangent is.
    pub(super) states: Vec<Option<Places>>,
}

impl Forward {
    /// The tangent of a result.
    pub(super) fn tangent(&self, g: &mut Graph, k: u32, shape: Shape) -> Option<Flow> {
        let places = (*self.states.get(k as usize)?)?;
        Some(from_results(g, self.node, shape, places))
    }
}

/// The tangent of a region.
#[allow(clippy::too_many_arguments, reason = "the two graphs, the node, and what is known of others")]
pub(super) fn tangent(
    g: &mut Graph,
    primal: &Graph,
    node: Node,
    arriving: &dyn Fn(Node) -> Option<Flow>,
    done: &HashMap<Node, Forward>,
    functions: &mut Functions,
) -> Option<Forward> {
    if let Some(RegionKind::Call(_)) = primal.region(node).map(|region| &region.kind) {
        return functions.call(g, primal, node, arriving);
    }
    let (region, args) = primal.region_args(node)?;
    let body = &region.body;
    let reversed = done.get(&args.control);
    let first: Vec<Option<Flow>> = args.first.iter().map(|&n| arriving(n)).collect();
    let mut activities: Vec<Activity> = first.iter().map(Activity::of).collect();
    loop {
        let mut g_body = body.clone();
        let mut seeds = Vec::new();
        let mut states = vec![None; args.first.len()];
        let mut flows = Flows { body: &mut g_body, source: Source::State, next: args.first.len() as u32 };
        for (k, &activity) in activities.iter().enumerate() {
            if let (Some(input), true) =
                (body.source_node(Source::State(k as u32)), activity != Activity::Never)
            {
                let name = format!("t/{}", body_input_name(body, input));
                let (flow, places) = flows.flow(&name, body.shape(input), activity);
                seeds.push((input, flow));
                states[k] = Some(places);
            }
        }
        let state_count = flows.next;
        flows = Flows { body: &mut g_body, source: Source::Capture, next: args.captures.len() as u32 };
        let mut captured = Vec::new();
        for (k, &outside) in (0u32..).zip(args.captures) {
            let flow = arriving(outside);
            if let (Some(input), Some(_)) = (body.source_node(Source::Capture(k)), &flow) {
                let name = format!("t/{}", body_input_name(body, input));
                let shape = body.shape(input);
                let (inner, places) = flows.flow(&name, shape, Activity::of(&flow));
                seeds.push((input, inner));
                captured.push((flow, shape, places));
            }
        }
        for (k, places) in (0u32..).zip(reversed.iter().flat_map(|forward| &forward.states)) {
            let (Some(input), &Some(places)) = (body.source_node(Source::Tape(k)), places) else { continue };
            let shape = body.shape(input);
            let name = format!("t/{}", body_input_name(body, input));
            let value = g_body.input(&name, shape, Source::Tape(places.number));
            let active = places.truth.map(|truth| {
                let number = g_body.input(format!("{name}?"), shape, Source::Tape(truth));
                truth_of(&mut g_body, number)
            });
            seeds.push((input, Flow { value, active }));
        }
        if seeds.is_empty() {
            return None;
        }
        let (tangents, inner) = sweep(&mut g_body, body, &seeds, functions);
        let next: Vec<Option<Flow>> = region.next().map(|n| tangents[n.index()]).collect();
        let after: Vec<Activity> =
            activities.iter().zip(&next).map(|(a, flow)| a.and_then(Activity::of(flow))).collect();
        if after != activities {
            activities = after;
            continue;
        }
        let mut first_nodes = args.first.to_vec();
        let mut next_nodes: Vec<Node> = region.next().collect();
        for (k, places) in states.iter().enumerate() {
            let Some(places) = *places else { continue };
            let shape = primal.shape(args.first[k]);
            as_numbers(g, &first[k], shape, places, &mut first_nodes);
            as_numbers(&mut g_body, &next[k], shape, places, &mut next_nodes);
        }
        let mut captures = args.captures.to_vec();
        for (flow, shape, places) in &captured {
            as_numbers(g, flow, *shape, *places, &mut captures);
        }
        g_body.outputs =
            region.goes_on().into_iter().chain(next_nodes).chain(region.exits()).map(output).collect();
        if !inner.is_empty() {
            let inner = inner.into_iter().map(|(node, forward)| (node, forward.node)).collect();
            g_body = redirect(&g_body, &inner);
        }
        let (kind, control) = match region.kind {
            RegionKind::Loop { limit, .. } => (RegionKind::Loop { states: state_count, limit }, args.control),
            RegionKind::Reverse { .. } | RegionKind::Call(_) => {
                let control = reversed.map_or(args.control, |forward| forward.node);
                (RegionKind::Reverse { states: state_count }, control)
            }
        };
        let new = Region { body: g_body, kind, name: region.name.clone(), span: region.span };
        let operands: Vec<Node> = [control].iter().chain(&first_nodes).chain(&captures).copied().collect();
        return Some(Forward { node: g.add_region(Arc::new(new), &operands), states });
    }
}

/// The same graph without exit values that are numbers: they are computed behind their loops, where they can be
/// differentiated like anything else. Truth values stay.
pub(super) fn without_exits(graph: &Graph) -> Graph {
    let mut graph = outlined(graph);
    while graph.nodes().any(|node| exit(&graph, node).is_some()) {
        graph = outlined(&graph);
    }
    graph
}

/// The loop and the node in its body that a result is an exit value of.
fn exit(graph: &Graph, node: Node) -> Option<(Node, Node)> {
    let NodeKind::Result(k) = graph.kind(node) else { return None };
    let looped = graph.args(node)[0];
    let region = graph.region(looped)?;
    let exit = region.exits().nth((k as usize).checked_sub(region.states())?)?;
    (region.body.op(exit) != Some(Op::Num)).then_some((looped, exit))
}

fn outlined(graph: &Graph) -> Graph {
    let mut new = Graph::of(graph.precision);
    let mut known: HashMap<Node, Node> = HashMap::new();
    let mut insides: HashMap<Node, HashMap<Node, Node>> = HashMap::new();
    for (index, input) in (0u32..).zip(&graph.inputs) {
        let node = new.input(&input.name, input.shape, input.source);
        known.insert(graph.input_node(index), node);
    }
    for node in graph.nodes() {
        if let Some((region, _)) = graph.region_args(node) {
            let args: Vec<Node> = graph.args(node).iter().map(|arg| known[arg]).collect();
            let body = without_exits(&region.body);
            let region = Region { body, name: region.name.clone(), ..Region::clone(region) };
            let made = new.add_region(Arc::new(region), &args);
            known.insert(node, made);
        } else if let Some((looped, exit)) = exit(graph, node) {
            // The body has been made anew, in the same order of outputs.
            let Some((region, entry, args)) =
                new.region_args(known[&looped]).map(|(r, a)| (r.clone(), a.control, a.captures.to_vec()))
            else {
                continue;
            };
            let position = graph.region(looped).into_iter().flat_map(|r| r.exits()).position(|n| n == exit);
            let Some(exit) = position.and_then(|k| region.exits().nth(k)) else { continue };
            let inside = insides.entry(looped).or_insert_with(|| {
                let mut inside = HashMap::new();
                let states: Vec<Node> = (0..region.states() as u32)
                    .map(|k| new.result(known[&looped], k, Graph::result_shape(&region, k)))
                    .collect();
                substitute(&region.body, &states, &args, &mut inside);
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
    new
}
