//! Derivatives through regions.
//!
//! The tangent of a loop is a loop whose states are followed by their tangents. The adjoint of a loop is a reverse region:
//! its states are the cotangents of the loop's states, which each iteration passes on to the iteration before, and the
//! sums of what the iterations contribute to captured values.
//!
//! A flow may be active in one iteration and not in the next. The cotangent of a state that nothing uses after the loop, for
//! example, is inactive in the last iteration, but active in all others if another state is computed from it. Which flows
//! change like that is found by differentiating the body under the assumption that none does, and again with what turned
//! out otherwise, until nothing does; the activity of a flow that changes is a state of its own.
//!
//! What a region's derivative is depends on the region, on what is varied in it and on the activities of what flows to it,
//! not on the place where the region stands. It is made once for all places ([`Known`](super::Known)), so that nested
//! loops take no more than one derivative for each loop and kind of flow.

use std::collections::HashMap;
use std::sync::Arc;

use super::adjoint::{Single, reverse};
use super::calls::by_elements;
use super::carried::{Activity, Flows, Places, as_numbers, from_results, output, truth_inputs, truth_of};
use super::tangent::sweep;
use super::varied::{Inside, Varied};
use super::{Flow, Known, mask};
use crate::entity::Entity;
use crate::graph::copy::redirect;
use crate::graph::region::{ByAddress, RegionArgs};
use crate::graph::{Graph, Node, NodeKind, Region, RegionKind, Shape, Source};
use crate::ops::{Algebra, Op};

/// The name of an input of a body.
fn input_name(body: &Graph, node: Node) -> &str {
    match body.kind(node) {
        NodeKind::Input(index) => &body.inputs[index as usize].name,
        NodeKind::Const(_)
        | NodeKind::Bool(_)
        | NodeKind::Apply(..)
        | NodeKind::Region(_)
        | NodeKind::Result(_) => unreachable!("{node} is an input of the body"),
    }
}

/// What the adjoint of a loop depends on: the region, which of its states and captures are varied, and how it stands with
/// what flows to each varied state.
pub(super) type BackwardKey = (ByAddress, Vec<bool>, Vec<bool>, Vec<Activity>);

/// The adjoint of a loop, wherever the loop stands.
#[derive(Debug)]
pub(super) struct Backward {
    region: Arc<Region>,
    /// The states of the loop whose cotangents are states of the reverse region.
    carried: Vec<Carried>,
    /// The captures of the loop for which the reverse region has sums.
    sums: Vec<Carried>,
}

/// A flow among the states of a region.
#[derive(Debug, Clone, Copy)]
struct Carried {
    /// The index of the state or capture that it belongs to.
    of: usize,
    shape: Shape,
    places: Places,
}

/// What flows to the operands of a region from the cotangents of its results.
pub(super) fn reversed(
    g: &mut Graph,
    primal: &Graph,
    node: Node,
    varied: &Varied,
    arriving: &[Option<Flow>],
    known: &mut Known,
) -> Vec<(Node, Flow)> {
    let (region, args) = primal.expect_region(node);
    match region.kind {
        RegionKind::Call(_) => return known.reversed_call(g, primal, node, &|n| varied.of(n), arriving),
        RegionKind::Loop { .. } => {}
        RegionKind::Reverse { .. } => return reversed_again(g, primal, node, varied, arriving, known),
    }
    let inside = varied.region(node);
    let captures: Vec<bool> = args.captures.iter().map(|&outside| varied.of(outside)).collect();
    let activities = (arriving.iter().zip(&inside.states))
        .map(|(flow, &varied)| if varied { Activity::of(flow) } else { Activity::Never })
        .collect();
    let key = (ByAddress(region.clone()), inside.states.clone(), captures, activities);
    let backward = match known.backward.get(&key) {
        Some(backward) => backward.clone(),
        None => {
            let backward = Backward::of(&key, inside, known).map(Arc::new);
            known.backward.insert(key, backward.clone());
            backward
        }
    };
    backward.map_or_else(Vec::new, |backward| backward.place(g, node, args, arriving))
}

/// What flows from the cotangents of a reverse region's results to its operands and to those of the loop that it reverses.
///
/// A tape is not followed backwards: the loop and its adjoint are differentiated forwards along each element of each operand,
/// as calls are. That takes no other memory than the tape of a tangent.
fn reversed_again(
    g: &mut Graph,
    primal: &Graph,
    node: Node,
    varied: &Varied,
    arriving: &[Option<Flow>],
    known: &mut Known,
) -> Vec<(Node, Flow)> {
    let (_, args) = primal.expect_region(node);
    let looped = args.control;
    let (_, loop_args) = primal.expect_region(looped);
    let all = [loop_args.first, loop_args.captures, args.first, args.captures];
    let mut operands: Vec<Node> = all.into_iter().flatten().copied().filter(|&n| varied.of(n)).collect();
    operands.sort();
    operands.dedup();
    let mut flows = Vec::new();
    for operand in operands {
        let flow = by_elements(g, primal.shape(operand), arriving, &mut |g, along| {
            let arriving = |n: Node| (n == operand).then_some(along);
            let mut done = HashMap::new();
            let forward = tangent(g, primal, looped, &arriving, &done, known);
            done.extend(forward.map(|forward| (looped, forward)));
            tangent(g, primal, node, &arriving, &done, known)
        });
        flows.extend(flow.map(|flow| (operand, flow)));
    }
    flows
}

/// A state or capture of a loop that cotangents flow to.
struct Variable {
    /// The index of the state or capture.
    of: usize,
    /// The input of the body.
    input: Node,
}

/// One attempt at the adjoint of a loop's body, for assumed activities.
struct Attempt {
    back: Graph,
    carried: Vec<Carried>,
    /// How many states there are so far.
    count: u32,
    /// What flows to the states, and to the captures.
    to_states: Vec<Option<Flow>>,
    to_captures: Vec<(Option<Flow>, Vec<Single>)>,
}

impl Backward {
    /// The adjoint of a loop; nothing if nothing flows to its states.
    fn of(key: &BackwardKey, inside: &Inside, known: &mut Known) -> Option<Backward> {
        let (ByAddress(region), varied_states, varied_captures, arriving) = key;
        let mut body = region.body.clone();
        for input in &mut body.inputs {
            if let Source::State(k) = input.source {
                input.source = Source::Tape(k);
            }
        }
        let variables = |source: fn(u32) -> Source, varied: &[bool]| -> Vec<Variable> {
            let varied = varied.iter().enumerate().filter(|(_, varied)| **varied);
            varied
                .filter_map(|(of, _)| Some(Variable { of, input: body.source_node(source(of as u32))? }))
                .collect()
        };
        let states = variables(Source::Tape, varied_states);
        let captures = variables(Source::Capture, varied_captures);
        let nexts: Vec<Node> = region.next().collect();
        let mut activities: Vec<Activity> = states.iter().map(|state| arriving[state.of]).collect();
        let attempt = loop {
            let attempt = Attempt::at(&body, inside, &nexts, &states, &captures, &activities, known);
            let after = activities.iter().zip(&attempt.to_states);
            let after: Vec<Activity> = after.map(|(a, flow)| a.and_then(Activity::of(flow))).collect();
            if after == activities {
                break attempt;
            }
            activities = after;
        };
        if attempt.carried.is_empty() {
            return None;
        }
        Some(attempt.finish(region, &body, &activities, &captures))
    }

    /// Puts the reverse region beside its loop. Returns what flows to the operands of the loop.
    fn place(
        &self,
        g: &mut Graph,
        looped: Node,
        args: RegionArgs<'_>,
        arriving: &[Option<Flow>],
    ) -> Vec<(Node, Flow)> {
        let mut first = Vec::new();
        for &Carried { of, shape, places } in &self.carried {
            as_numbers(g, &arriving[of], shape, places, &[], &mut first);
        }
        for &Carried { shape, places, .. } in &self.sums {
            as_numbers(g, &None, shape, places, &[], &mut first);
        }
        let operands: Vec<Node> = [looped].iter().chain(&first).chain(args.captures).copied().collect();
        let region = g.add_region(self.region.clone(), &operands);
        let mut flows = Vec::new();
        for &Carried { of, shape, places } in &self.carried {
            flows.push((args.first[of], from_results(g, region, shape, places)));
        }
        for &Carried { of, shape, places } in &self.sums {
            let mut flow = from_results(g, region, shape, places);
            // A row without iterations has used nothing.
            if places.truth.is_none() {
                flow.active = Some(region);
            }
            flows.push((args.captures[of], flow));
        }
        flows
    }
}

impl Attempt {
    fn at(
        body: &Graph,
        inside: &Inside,
        nexts: &[Node],
        states: &[Variable],
        captures: &[Variable],
        activities: &[Activity],
        known: &mut Known,
    ) -> Attempt {
        let mut back = body.clone();
        back.outputs.clear();
        let mut flows = Flows { body: &mut back, source: Source::State, next: 0 };
        let mut carried = Vec::new();
        let mut seeds = Vec::new();
        for (&Variable { of, input }, &activity) in states.iter().zip(activities) {
            if activity != Activity::Never {
                let shape = body.shape(input);
                let (flow, places) = flows.flow(&format!("d{}", input_name(body, input)), shape, activity);
                carried.push(Carried { of, shape, places });
                seeds.push((nexts[of], flow));
            }
        }
        let count = flows.next;
        let inputs: Vec<Node> = states.iter().chain(captures).map(|variable| variable.input).collect();
        let inputs = (inputs.as_slice(), &inputs[states.len()..]);
        let mut found = reverse(&mut back, body, &inside.body, inputs, &seeds, known);
        let to_captures = found.split_off(states.len());
        let to_states = found.into_iter().map(|(flow, _)| flow).collect();
        Attempt { back, carried, count, to_states, to_captures }
    }

    /// The reverse region: its next states are what flows to the states, and the sums of what flows to captures.
    fn finish(
        self,
        region: &Region,
        body: &Graph,
        activities: &[Activity],
        captures: &[Variable],
    ) -> Backward {
        let Attempt { mut back, carried, mut count, to_states, to_captures } = self;
        let mut next = Vec::new();
        let mut truths = truth_inputs(&back, carried.iter().map(|carried| carried.places));
        let active = to_states.iter().zip(activities).filter(|(_, activity)| **activity != Activity::Never);
        for (&Carried { shape, places, .. }, (flow, _)) in carried.iter().zip(active) {
            as_numbers(&mut back, flow, shape, places, &truths, &mut next);
        }
        let mut sums = Vec::new();
        for (&Variable { of, input }, (flow, singles)) in captures.iter().zip(to_captures) {
            // What flows to single elements is active there only.
            let activity = match &flow {
                Some(_) => Activity::of(&flow),
                None if singles.is_empty() => continue,
                None => Activity::Varies,
            };
            let shape = body.shape(input);
            let name = format!("d{}", input_name(body, input));
            let mut flows = Flows { body: &mut back, source: Source::State, next: count };
            let (mut sum, places) = flows.flow(&name, shape, activity);
            count = flows.next;
            truths.extend(truth_inputs(&back, [places].into_iter()));
            if let Some(flow) = flow {
                let value = back.add(sum.value, flow.value);
                let active = match (sum.active, flow.active) {
                    (Some(before), Some(_)) => {
                        let here = mask(&mut back, flow.active, shape);
                        Some(back.binary(Op::Or, before, here))
                    }
                    (None, _) | (_, None) => None,
                };
                sum = Flow { value, active };
            }
            let sum = singles.into_iter().fold(sum, |sum, single| single.add_to(&mut back, sum));
            as_numbers(&mut back, &Some(sum), shape, places, &truths, &mut next);
            sums.push(Carried { of, shape, places });
        }
        back.outputs = next.into_iter().map(output).collect();
        let kind = RegionKind::Reverse { states: count };
        let region = Region { body: back, kind, name: region.name.clone(), span: region.span };
        Backward { region: Arc::new(region), carried, sums }
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

/// What the tangent of a region depends on: the region, the activities of the tangents of its first states and of its
/// captures, and where a loop that it reverses has the tangents of its states.
pub(super) type OnwardKey = (ByAddress, Vec<Activity>, Vec<Activity>, Vec<Option<Places>>);

/// The tangent of a region, wherever the region stands.
#[derive(Debug)]
pub(super) struct Onward {
    region: Arc<Region>,
    /// Where the tangent of each state is.
    states: Vec<Option<Places>>,
    /// The captures that have tangents.
    captures: Vec<Carried>,
}

/// The tangent of a region; nothing if nothing in it has one.
pub(super) fn tangent(
    g: &mut Graph,
    primal: &Graph,
    node: Node,
    arriving: &dyn Fn(Node) -> Option<Flow>,
    done: &HashMap<Node, Forward>,
    known: &mut Known,
) -> Option<Forward> {
    let (region, args) = primal.expect_region(node);
    let reversed = match region.kind {
        RegionKind::Call(_) => return known.call(g, primal, node, arriving),
        RegionKind::Loop { .. } => None,
        RegionKind::Reverse { .. } => done.get(&args.control),
    };
    let of =
        |nodes: &[Node]| -> Vec<Activity> { nodes.iter().map(|&n| Activity::of(&arriving(n))).collect() };
    let tape = reversed.map_or_else(Vec::new, |forward| forward.states.clone());
    let key = (ByAddress(region.clone()), of(args.first), of(args.captures), tape);
    let onward = match known.onward.get(&key) {
        Some(onward) => onward.clone(),
        None => {
            let onward = Onward::of(&key, known).map(Arc::new);
            known.onward.insert(key, onward.clone());
            onward
        }
    }?;
    let control = reversed.map_or(args.control, |forward| forward.node);
    Some(onward.place(g, control, args, arriving))
}

impl Onward {
    fn of(key: &OnwardKey, known: &mut Known) -> Option<Onward> {
        let (ByAddress(region), first, captured, tape) = key;
        let body = &region.body;
        let mut activities = first.clone();
        loop {
            let mut new = body.clone();
            let mut seeds = Vec::new();
            let mut flow = |flows: &mut Flows<'_>, source: Source, activity: Activity| {
                let input = body.source_node(source).filter(|_| activity != Activity::Never)?;
                let shape = body.shape(input);
                let (flow, places) = flows.flow(&format!("t/{}", input_name(body, input)), shape, activity);
                seeds.push((input, flow));
                Some((shape, places))
            };
            let mut flows = Flows { body: &mut new, source: Source::State, next: first.len() as u32 };
            let mut states = Vec::new();
            for (k, &activity) in (0u32..).zip(&activities) {
                states.push(flow(&mut flows, Source::State(k), activity));
            }
            let count = flows.next;
            let mut flows = Flows { body: &mut new, source: Source::Capture, next: captured.len() as u32 };
            let mut captures = Vec::new();
            for (of, &activity) in captured.iter().enumerate() {
                if let Some((shape, places)) = flow(&mut flows, Source::Capture(of as u32), activity) {
                    captures.push(Carried { of, shape, places });
                }
            }
            seeds.extend(taped_tangents(body, &mut new, tape));
            if seeds.is_empty() {
                return None;
            }
            let (tangents, inner) = sweep(&mut new, body, &seeds, known);
            let next: Vec<Option<Flow>> = region.next().map(|n| tangents[n.index()]).collect();
            let after = activities.iter().zip(&next);
            let after: Vec<Activity> = after.map(|(a, flow)| a.and_then(Activity::of(flow))).collect();
            if after != activities {
                activities = after;
                continue;
            }
            let mut nexts: Vec<Node> = region.next().collect();
            let truths = truth_inputs(&new, states.iter().flatten().map(|&(_, places)| places));
            for (state, flow) in states.iter().zip(&next) {
                if let Some((shape, places)) = *state {
                    as_numbers(&mut new, flow, shape, places, &truths, &mut nexts);
                }
            }
            new.outputs =
                region.goes_on().into_iter().chain(nexts).chain(region.exits()).map(output).collect();
            if !inner.is_empty() {
                new = redirect(&new, &inner.iter().map(|(&node, forward)| (node, forward.node)).collect());
            }
            let kind = match region.kind {
                RegionKind::Loop { limit, .. } => RegionKind::Loop { states: count, limit },
                RegionKind::Reverse { .. } => RegionKind::Reverse { states: count },
                RegionKind::Call(_) => unreachable!("the tangent of a call is a call"),
            };
            let region = Arc::new(Region { body: new, kind, name: region.name.clone(), span: region.span });
            let states = states.iter().map(|state| state.map(|(_, places)| places)).collect();
            return Some(Onward { region, states, captures });
        }
    }

    /// Puts the region with tangents beside the one without.
    fn place(
        &self,
        g: &mut Graph,
        control: Node,
        args: RegionArgs<'_>,
        arriving: &dyn Fn(Node) -> Option<Flow>,
    ) -> Forward {
        let mut operands = vec![control];
        operands.extend(args.first);
        for (&first, places) in args.first.iter().zip(&self.states) {
            if let Some(places) = *places {
                as_numbers(g, &arriving(first), g.shape(first), places, &[], &mut operands);
            }
        }
        operands.extend(args.captures);
        for &Carried { of, shape, places } in &self.captures {
            as_numbers(g, &arriving(args.captures[of]), shape, places, &[], &mut operands);
        }
        Forward { node: g.add_region(self.region.clone(), &operands), states: self.states.clone() }
    }
}

/// The tangents of the states on the tape of a reverse region, where those of the loop that it reverses are.
fn taped_tangents(body: &Graph, new: &mut Graph, tape: &[Option<Places>]) -> Vec<(Node, Flow)> {
    let mut seeds = Vec::new();
    for (k, places) in (0u32..).zip(tape) {
        let (Some(input), &Some(places)) = (body.source_node(Source::Tape(k)), places) else { continue };
        let shape = body.shape(input);
        let name = format!("t/{}", input_name(body, input));
        let value = new.input(&name, shape, Source::Tape(places.number));
        let active = places.truth.map(|truth| {
            let number = new.input(format!("{name}?"), shape, Source::Tape(truth));
            truth_of(new, number)
        });
        seeds.push((input, Flow { value, active }));
    }
    seeds
}
