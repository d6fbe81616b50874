//! Derivatives of recursive functions.
//!
//! The tangent of a call is a call of the function's tangent: it takes the operands and the tangents of some of them, and
//! gives the results and their tangents. The adjoint of a call goes the same way: a call of the tangent along each element
//! of each operand gives the derivatives that the cotangent is multiplied by. That takes as many calls as the operands
//! have elements and no memory, where a tape would grow with the number of calls.

use std::sync::Arc;

use super::carried::{Activity, Flows, Places, as_numbers, output};
use super::outline::without_exits;
use super::region::Forward;
use super::tangent::sweep;
use super::{Flow, Known, any, both, either, elements, mask, normal};
use crate::entity::Entity;
use crate::graph::copy::redirect;
use crate::graph::region::{Call, CallResult, ResultRole};
use crate::graph::{Elem, Function, FunctionId, Graph, Node, Region, RegionKind, Shape, Source};
use crate::ops::{Algebra, Op};

/// The stack grows by so much when less than that is left of it.
const STACK_LEFT: usize = 128 << 10;
const STACK_MORE: usize = 2 << 20;

impl Known {
    /// The function that computes the outputs of another, and behind them, for each number among them, its tangent and
    /// whether that is active, from the operands and the tangents of those that have one.
    fn tangent_function(&mut self, id: FunctionId, activities: &[Activity]) -> FunctionId {
        let key = (id, activities.to_vec());
        if let Some(&known) = self.tangents.get(&key) {
            return known;
        }
        let function = self.functions[id].clone();
        let tangent = self.functions.push(function.clone());
        self.tangents.insert(key, tangent);
        let operand = |(k, &activity): (u32, &Activity)| {
            let input = function.body.source_node(Source::State(k))?;
            (activity != Activity::Never).then_some(input)
        };
        let varied: Vec<Node> = (0u32..).zip(activities).filter_map(operand).collect();
        let outlined = without_exits(&function.body, &varied).unwrap_or_else(|too_large| {
            self.too_large.get_or_insert(too_large);
            None
        });
        let primal = outlined.as_ref().unwrap_or(&function.body);
        let mut body = primal.clone();
        let mut results = function.results.clone();
        let mut flows = Flows { body: &mut body, source: Source::State, next: activities.len() as u32 };
        let mut seeds = Vec::new();
        for (k, &activity) in (0u32..).zip(activities) {
            let (Some(input), true) = (primal.source_node(Source::State(k)), activity != Activity::Never)
            else {
                continue;
            };
            let (flow, _) = flows.flow(&format!("t{k}"), primal.shape(input), activity);
            seeds.push((input, flow));
        }
        // Functions that call each other nest here as deep as there are functions.
        let (found, regions) =
            stacker::maybe_grow(STACK_LEFT, STACK_MORE, || sweep(&mut body, primal, &seeds, self));
        for ((of, result), role) in (0u32..).zip(&primal.outputs).zip(&function.results) {
            if !role.is_number() {
                continue;
            }
            let places = Places { number: 0, truth: Some(0) };
            let mut nodes = Vec::new();
            let shape = primal.shape(result.node);
            as_numbers(&mut body, &found[result.node.index()], shape, places, &[], &mut nodes);
            body.outputs.extend(nodes.into_iter().map(output));
            results.extend([ResultRole::Tangent { of }, ResultRole::Active { of }]);
        }
        if !regions.is_empty() {
            let regions = regions.into_iter().map(|(node, forward)| (node, forward.node)).collect();
            body = redirect(&body, &regions);
        }
        self.functions[tangent] = Arc::new(Function { body, results, name: format!("{}'", function.name) });
        tangent
    }

    /// The tangent of a call.
    pub(super) fn call(
        &mut self,
        g: &mut Graph,
        primal: &Graph,
        node: Node,
        arriving: &dyn Fn(Node) -> Option<Flow>,
    ) -> Option<Forward> {
        let (_, args) = primal.expect_region(node);
        let flows: Vec<Option<Flow>> = args.first.iter().map(|&n| arriving(n)).collect();
        self.call_along(g, primal, node, &flows)
    }

    /// The tangent of a call along tangents of its operands; nothing if none of them has one.
    fn call_along(
        &mut self,
        g: &mut Graph,
        primal: &Graph,
        node: Node,
        flows: &[Option<Flow>],
    ) -> Option<Forward> {
        let (region, args) = primal.expect_region(node);
        let RegionKind::Call(call) = &region.kind else { unreachable!("{node} is a call") };
        if flows.iter().all(Option::is_none) {
            return None;
        }
        let activities: Vec<Activity> = flows.iter().map(Activity::of).collect();
        let function = self.tangent_function(call.function, &activities);
        let mut operands = args.first.to_vec();
        for ((flow, &operand), &activity) in flows.iter().zip(args.first).zip(&activities) {
            if activity != Activity::Never {
                let places = Places { number: 0, truth: (activity == Activity::Varies).then_some(0) };
                as_numbers(g, flow, primal.shape(operand), places, &[], &mut operands);
            }
        }
        let mut results = call.results.clone();
        let mut states = vec![None; call.results.len()];
        for (of, result) in (0u32..).zip(&call.results).filter(|(_, result)| result.role.is_number()) {
            let number = results.len() as u32;
            states[of as usize] = Some(Places { number, truth: Some(number + 1) });
            for role in [ResultRole::Tangent { of }, ResultRole::Active { of }] {
                results.push(CallResult { role, shape: result.shape });
            }
        }
        let call = Call { function, operands: operands.len() as u32, results, failure: call.failure };
        let region = Region { kind: RegionKind::Call(call), ..Region::clone(region) };
        let all: Vec<Node> = [args.control].iter().chain(&operands).copied().collect();
        Some(Forward { node: g.add_region(Arc::new(region), &all), states })
    }

    /// What flows to the operands of a call from the cotangents of its results.
    pub(super) fn reversed_call(
        &mut self,
        g: &mut Graph,
        primal: &Graph,
        node: Node,
        varied: &dyn Fn(Node) -> bool,
        arriving: &[Option<Flow>],
    ) -> Vec<(Node, Flow)> {
        let (_, args) = primal.expect_region(node);
        let operands = args.first.to_vec();
        let mut flows = Vec::new();
        for (position, &operand) in operands.iter().enumerate().filter(|(_, n)| varied(**n)) {
            // The same operand may stand in several places: each is differentiated by itself.
            let flow = by_elements(g, primal.shape(operand), arriving, &mut |g, tangent| {
                let mut along = vec![None; operands.len()];
                along[position] = Some(tangent);
                self.call_along(g, primal, node, &along)
            });
            flows.extend(flow.map(|flow| (operand, flow)));
        }
        flows
    }
}

/// What flows to an operand of a region from the cotangents of its results, by the region's tangents along each element of
/// the operand.
pub(super) fn by_elements(
    g: &mut Graph,
    operand: Shape,
    arriving: &[Option<Flow>],
    tangent: &mut dyn FnMut(&mut Graph, Flow) -> Option<Forward>,
) -> Option<Flow> {
    let mut parts = Vec::new();
    for element in 0..operand.len() as u32 {
        let (one, there) = (g.number(1.0), g.boolean(true));
        let value = g.place(one, element, operand);
        let there = g.place(there, element, operand);
        let along = Flow { value, active: normal(g, there) };
        let Some(forward) = tangent(g, along) else { continue };
        let mut total: Option<Flow> = None;
        for (k, cotangent) in (0u32..).zip(arriving) {
            let Some(cotangent) = cotangent else { continue };
            let result = g.shape(cotangent.value);
            let Some(tangent) = forward.tangent(g, k, result) else { continue };
            let term = product(g, *cotangent, tangent, result);
            total = Some(match total {
                Some(sum) => {
                    Flow { value: g.add(sum.value, term.value), active: either(g, sum.active, term.active) }
                }
                None => term,
            });
        }
        parts.extend(total.map(|flow| (element, flow)));
    }
    assemble(g, operand, &parts)
}

/// A cotangent times a tangent, summed over the elements where both count.
pub(super) fn product(g: &mut Graph, cotangent: Flow, tangent: Flow, shape: Shape) -> Flow {
    let product = g.mul(cotangent.value, tangent.value);
    let Some(active) = both(g, cotangent.active, tangent.active) else {
        let value = if shape == Shape::Scalar { product } else { g.unary(Op::Sum, product) };
        return Flow { value, active: None };
    };
    let zero = g.number(0.0);
    let condition = match elements(g, Some(active)) {
        Some(mask) => mask,
        None => mask(g, Some(active), shape),
    };
    let counted = g.select(condition, product, zero);
    let value = if shape == Shape::Scalar { counted } else { g.unary(Op::Sum, counted) };
    Flow { value, active: any(g, Some(active)) }
}

/// The flow whose elements are given.
fn assemble(g: &mut Graph, shape: Shape, parts: &[(u32, Flow)]) -> Option<Flow> {
    if parts.is_empty() {
        return None;
    }
    if let (Shape::Scalar, [(_, flow)]) = (shape, parts) {
        return Some(*flow);
    }
    let (zero, never, always) = (g.number(0.0), g.boolean(false), g.boolean(true));
    let mut values = vec![zero; shape.len()];
    let mut actives = vec![never; shape.len()];
    for &(element, flow) in parts {
        values[element as usize] = flow.value;
        actives[element as usize] = flow.active.unwrap_or(always);
    }
    let value = g.pack(Elem::Num, shape, &values);
    let active = g.pack(Elem::Bool, shape, &actives);
    Some(Flow { value, active: normal(g, active) })
}
