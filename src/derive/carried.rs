//! Flows as numbers: how regions and functions hand tangents, cotangents and their activities on.
//!
//! States, captures and results are numbers. Where the activity of a flow changes from one iteration to the next, it is
//! handed on beside the flow's number, as 1 or 0.

use super::{Flow, mask, normal, spread};
use crate::graph::{Graph, Node, Output, Role, Shape, Source, Type};
use crate::ops::{Algebra, LARGE, Op};

/// When a flow is active, over all iterations of a loop or all calls of a function.
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

    /// Over the iterations so far and a later one.
    pub(super) fn and_then(self, later: Activity) -> Activity {
        if self == later { self } else { Activity::Varies }
    }
}

/// The indices of a flow's number and activity among states, captures or results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Places {
    pub(super) number: u32,
    pub(super) truth: Option<u32>,
}

/// Makes inputs of a body for flows.
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

/// Whether a number that stands for a truth value is true.
pub(super) fn truth_of(g: &mut Graph, number: Node) -> Node {
    let zero = g.number(0.0);
    g.binary(Op::Ne, number, zero)
}

/// The inputs of a body that are states and hold truth values as numbers.
pub(super) fn truth_inputs(body: &Graph, states: impl Iterator<Item = Places>) -> Vec<Node> {
    let truths = states.filter_map(|places| places.truth);
    truths.filter_map(|truth| body.source_node(Source::State(truth))).collect()
}

/// The number that a truth value was made of, if that is 1 or 0: one of `truths`, perhaps with other elements.
fn number_of(g: &Graph, truth: Node, truths: &[Node]) -> Option<Node> {
    let (Op::Ne, &[number, zero]) = (g.op(truth)?, g.args(truth)) else { return None };
    let mut whole = number;
    while g.op(whole) == Some(Op::Update) {
        let &[before, part, _] = g.args(whole) else { return None };
        let part = if g.op(part) == Some(Op::Fill) { g.args(part)[0] } else { part };
        if g.op(part) != Some(Op::Num) && !g.constant(part).is_some_and(|part| part == 0.0 || part == 1.0) {
            return None;
        }
        whole = before;
    }
    (g.constant(zero) == Some(0.0) && truths.contains(&whole)).then_some(number)
}

/// A flow's number and, if its activity varies, that as a number. `truths` are inputs that are 1 or 0.
pub(super) fn as_numbers(
    g: &mut Graph,
    flow: &Option<Flow>,
    shape: Shape,
    places: Places,
    truths: &[Node],
    to: &mut Vec<Node>,
) {
    to.push(match flow {
        Some(flow) => spread(g, flow.value, Type::num(shape)),
        None => g.zero(Type::num(shape)),
    });
    if places.truth.is_some() {
        let truth = match flow {
            Some(flow) => mask(g, flow.active, shape),
            None => g.zero(Type::bool(shape)),
        };
        let number = number_of(g, truth, truths).filter(|_| shape.len() > LARGE);
        to.push(number.unwrap_or_else(|| g.apply_typed(Op::Num, 0, Type::num(shape), &[truth])));
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

/// An output of a body.
pub(super) fn output(node: Node) -> Output {
    Output { name: String::new(), node, role: Role::Value }
}
