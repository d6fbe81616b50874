//! Derivatives of recursive functions.
//!
//! The tangent of a call is a call of the function's tangent: it takes the operands and the tangents of some of them, and
//! gives the results and their tangents. The adjoint of a call goes the same way: a call of the tangent along each element
//! of each operand gives the derivatives that the cotangent is multiplied by. That takes as many calls as the operands
//! have elements and no memory, where a tape would grow with the number of calls.

use std::collections::HashMap;
use std::sync::Arc;

use super::region::{Activity, Flows, Forward, Places, as_numbers, output, without_exits};
use super::tangent::sweep;
use super::{Flow, both, elements, mask};
use crate::entity::EntityVec;
use crate::graph::copy::redirect;
use crate::graph::region::Call;
use crate::graph::{Function, FunctionId, Graph, Node, Region, RegionKind, Shape, Source};
use crate::ops::{Algebra, Op};

/// The stack grows by so much when less than that is left of it.
const STACK_LEFT: usize = 128 << 10;
const STACK_MORE: usize = 2 << 20;

/// The functions of a program and their tangents.
#[derive(Debug, Default)]
pub(super) struct Functions {
    list: EntityVec<FunctionId, Arc<Function>>,
    /// By the function and the activities of its operands' tangents.
    tangents: HashMap<(FunctionId, Vec<Activity>), FunctionId>,
}

/// Whether an output of a function is a number like any other. The others tell what failed, or what is active: numbers
/// stand at even positions and those at odd ones.
pub(super) fn is_number(k: usize) -> bool {
    k.is_multiple_of(2)
}

impl Functions {
    /// Those of a graph.
    pub(super) fn of(graph: &Graph) -> Functions {
        let mut functions = Functions::default();
        for function in graph.functions.values() {
            let body = without_exits(&function.body);
            functions.list.push(Arc::new(Function { body, name: function.name.clone() }));
        }
        functions
    }

    /// All of them.
    pub(super) fn list(self) -> EntityVec<FunctionId, Arc<Function>> {
        self.list
    }

    /// The function that computes the outputs of another, and behind them, for each number among them, its tangent and
    /// whether that is active, from the operands and the tangents of those that have one.
    fn tangent(&mut self, id: FunctionId, activities: &[Activity]) -> FunctionId {
        let key = (id, activities.to_vec());
        if let Some(&known) = self.tangents.get(&key) {
            return known;
        }
        let function = self.list[id].clone();
        let tangent = self.list.push(function.clone());
        self.tangents.insert(key, tangent);
        let primal = &function.body;
        let mut body = primal.clone();
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
        for (k, result) in primal.outputs.iter().enumerate().filter(|(k, _)| is_number(*k)) {
            let shape = primal.shape(result.node);
            let places = Places { number: 0, truth: Some(0) };
            let mut nodes = Vec::new();
            let flow = found[crate::entity::Entity::index(result.node)];
            as_numbers(&mut body, &flow, shape, places, &mut nodes);
            debug_assert_eq!(nodes.len(), 2, "output {k} has a tangent and an activity");
            body.outputs.extend(nodes.into_iter().map(output));
        }
        if !regions.is_empty() {
            body =
                redirect(&body, &regions.into_iter().map(|(node, forward)| (node, forward.node)).collect());
        }
        self.list[tangent] = Arc::new(Function { body, name: format!("{}'", function.name) });
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
        let (region, args) = primal.region_args(node)?;
        let RegionKind::Call(call) = &region.kind else { return None };
        let flows: Vec<Option<Flow>> = args.first.iter().map(|&n| arriving(n)).collect();
        if flows.iter().all(Option::is_none) {
            return None;
        }
        let activities: Vec<Activity> = flows.iter().map(Activity::of).collect();
        let function = self.tangent(call.function, &activities);
        let mut operands = args.first.to_vec();
        for ((flow, &operand), &activity) in flows.iter().zip(args.first).zip(&activities) {
            if activity != Activity::Never {
                let places = Places { number: 0, truth: (activity == Activity::Varies).then_some(0) };
                as_numbers(g, flow, primal.shape(operand), places, &mut operands);
            }
        }
        let mut results = call.results.clone();
        let mut states = vec![None; call.results.len()];
        for (k, &shape) in call.results.iter().enumerate().filter(|(k, _)| is_number(*k)) {
            let number = results.len() as u32;
            states[k] = Some(Places { number, truth: Some(number + 1) });
            results.extend([shape, shape]);
        }
        let call = Call { function, operands: operands.len() as u32, results, failure: call.failure };
        let region = Region { kind: RegionKind::Call(call), ..Region::clone(region) };
        let all: Vec<Node> = [args.control].iter().chain(&operands).copied().collect();
        Some(Forward { node: g.add_region(Arc::new(region), &all), states })
    }

    /// What flows to the operands of a call from the cotangents of its results.
    pub(super) fn adjoint(
        &mut self,
        g: &mut Graph,
        primal: &Graph,
        node: Node,
        varied: &dyn Fn(Node) -> bool,
        arriving: &[Option<Flow>],
    ) -> Vec<(Node, Flow)> {
        let Some((_, args)) = primal.region_args(node) else { return Vec::new() };
        let operands = args.first.to_vec();
        let mut flows = Vec::new();
        for (position, &operand) in operands.iter().enumerate().filter(|(_, n)| varied(**n)) {
            let shape = primal.shape(operand);
            let mut parts = Vec::new();
            for element in 0..shape.len() as u32 {
                let (one, there) = (g.number(1.0), g.boolean(true));
                let value = g.place(one, element, shape);
                let there = g.place(there, element, shape);
                let seed = Flow { value, active: super::normal(g, there) };
                // The same operand may stand in several places: each is differentiated by itself.
                let seeds = std::cell::Cell::new(0);
                let arriving_here = |n: Node| {
                    let here = seeds.replace(seeds.get() + 1);
                    (here == position && n == operand).then_some(seed)
                };
                let Some(forward) = self.call(g, primal, node, &arriving_here) else { continue };
                let mut total: Option<Flow> = None;
                for (k, cotangent) in (0u32..).zip(arriving) {
                    let Some(cotangent) = cotangent else { continue };
                    let result = g.shape(cotangent.value);
                    let Some(tangent) = forward.tangent(g, k, result) else { continue };
                    let term = product(g, *cotangent, tangent, result);
                    total = Some(match total {
                        Some(sum) => Flow {
                            value: g.add(sum.value, term.value),
                            active: super::either(g, sum.active, term.active),
                        },
                        None => term,
                    });
                }
                parts.extend(total.map(|flow| (element, flow)));
            }
            flows.extend(assemble(g, shape, &parts).map(|flow| (operand, flow)));
        }
        flows
    }
}

/// A cotangent times a tangent, summed over the elements where both count.
fn product(g: &mut Graph, cotangent: Flow, tangent: Flow, shape: Shape) -> Flow {
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
    Flow { value, active: super::any(g, Some(active)) }
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
    let value = g.pack(crate::graph::Elem::Num, shape, &values);
    let active = g.pack(crate::graph::Elem::Bool, shape, &actives);
    Some(Flow { value, active: super::normal(g, active) })
}
