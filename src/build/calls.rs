//! Recursive functions: each becomes a function of the graph, once for the shapes of its operands.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Builder, Continuation, Frame, Level, Outcome};
use crate::anf::{FuncId, Var};
use crate::entity::EntityVec;
use crate::graph::region::{Call, CallResult, ResultRole};
use crate::graph::{
    Check, Effect, Failure, Function, FunctionId, Graph, Node, Output, Reason, Region, RegionKind, Role,
    Shape, Source,
};
use crate::ops::{Algebra, Op};
use crate::source::Span;
use nc_runtime::lanes::Precision;

/// A function and the shapes of its operands.
type Instance = (FuncId, Vec<Shape>);

/// What is known of an instance.
#[derive(Debug, Clone)]
struct Known {
    id: FunctionId,
    value: Assumption,
    /// Whether a call relies on what the value is taken to be.
    used: bool,
}

/// The shape that the value of a function is taken to have at the calls in the function's own body, while it is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assumption {
    /// This shape, until the body turns out to have another value.
    Guess(Shape),
    /// None: calls of itself have no value, and the other paths through the body tell the shape.
    Unknown,
    /// The shape that those paths have told.
    Known(Shape),
}

impl Assumption {
    fn shape(self) -> Option<Shape> {
        match self {
            Assumption::Guess(shape) | Assumption::Known(shape) => Some(shape),
            Assumption::Unknown => None,
        }
    }
}

/// The recursive functions of a program.
#[derive(Debug, Default)]
pub(super) struct Functions {
    instances: HashMap<Instance, Known>,
    /// The shapes of values that have been found, perhaps while another function was taken to be what it is not.
    shapes: HashMap<Instance, Shape>,
    /// In the order in which they were begun.
    begun: Vec<Instance>,
    pub(super) bodies: EntityVec<FunctionId, Option<Arc<Function>>>,
    pub(super) failures: Vec<Failure>,
}

impl Functions {
    /// The functions that have been built; in place of the others one that has no value.
    pub(super) fn known(&self, precision: Precision) -> EntityVec<FunctionId, Arc<Function>> {
        let nothing = Arc::new(Function::never_called(precision));
        let mut known = EntityVec::new();
        for body in self.bodies.values() {
            known.push(body.clone().unwrap_or_else(|| nothing.clone()));
        }
        known
    }
}

/// A call whose function is being built.
pub(super) struct Pending {
    instance: Instance,
    id: FunctionId,
    var: Var,
    span: Span,
    operands: Vec<Node>,
    /// How many instances had been begun before.
    begun: usize,
    errors: usize,
    reported: HashSet<(Span, String)>,
}

impl<'a> Builder<'a> {
    /// A call with a stack. Returns the frame that builds the function, if it has not been built.
    pub(super) fn call(
        &mut self,
        function: FuncId,
        operands: &[Option<Node>],
        var: Var,
        span: Span,
    ) -> Option<Frame<'a>> {
        let Some(operands) = operands.iter().copied().collect::<Option<Vec<Node>>>() else {
            self.set(var, None);
            return None;
        };
        let operands: Vec<Node> = operands.into_iter().map(|node| self.as_number(node)).collect();
        let shapes: Vec<Shape> = operands.iter().map(|&node| self.here.graph.shape(node)).collect();
        let instance = (function, shapes);
        if let Some(known) = self.functions.instances.get_mut(&instance) {
            known.used = true;
            let known = known.clone();
            let value = self.emit_call(&known, &operands, span);
            self.set(var, value);
            return None;
        }
        let guess = self.functions.shapes.get(&instance).copied().unwrap_or(Shape::Scalar);
        Some(self.begin_function(instance, Assumption::Guess(guess), operands, var, span))
    }

    fn begin_function(
        &mut self,
        instance: Instance,
        value: Assumption,
        operands: Vec<Node>,
        var: Var,
        span: Span,
    ) -> Frame<'a> {
        self.unknown += usize::from(value == Assumption::Unknown);
        let id = self.functions.bodies.push(None);
        let begun = self.functions.begun.len();
        self.functions.instances.insert(instance.clone(), Known { id, value, used: false });
        self.functions.begun.push(instance.clone());
        let function = &self.anf.functions[instance.0];
        self.descend(true);
        self.here.is_function = true;
        for (k, (&param, &shape)) in (0u32..).zip(function.params.iter().zip(&instance.1)) {
            let info = &self.anf.vars[param];
            self.here.graph.set_span(Some(info.span));
            let node = self.here.graph.input(info.name.as_str(), shape, Source::State(k));
            self.set(param, Some(node));
        }
        let state = Source::State(function.params.len() as u32);
        self.here.steps = Some(self.here.graph.input("steps", Shape::Scalar, state));
        let body = function.body;
        let pending = Pending {
            instance,
            id,
            var,
            span,
            operands,
            begun,
            errors: self.errors.len(),
            reported: self.reported.clone(),
        };
        self.frame(body, false, Continuation::Define { pending })
    }

    /// Ends the body of a function, and makes the call that it was built for.
    pub(super) fn end_function(&mut self, pending: Pending, outcome: Outcome) -> Option<Frame<'a>> {
        let value = outcome.value.map(|value| self.as_number(value));
        let outer = self.outer.pop().expect("a body is built inside another graph");
        let level = std::mem::replace(&mut self.here, outer);
        let Known { value: assumed, used, .. } = self.functions.instances[&pending.instance];
        self.unknown -= usize::from(assumed == Assumption::Unknown);
        let failed = self.errors.len() > pending.errors;
        let found = value.filter(|_| !failed).map(|value| level.graph.shape(value));
        let better = match (assumed, found) {
            (Assumption::Guess(guess), Some(shape)) if guess == shape => None,
            // Nothing relies on the guess: another would come to this again.
            (Assumption::Guess(_), _) if !used && (found.is_some() || failed || self.unknown > 0) => None,
            (Assumption::Guess(_), _) => Some(Assumption::Unknown),
            (Assumption::Known(_), _) => None,
            (Assumption::Unknown, Some(shape)) => Some(Assumption::Known(shape)),
            // It has no value but those of its own calls, and fails whatever their shape.
            (Assumption::Unknown, None) => {
                (!failed && self.unknown == 0).then_some(Assumption::Known(Shape::Scalar))
            }
        };
        if better.is_some() || found.is_none() {
            // Whatever was built since relies on the wrong shape.
            for instance in self.functions.begun.split_off(pending.begun) {
                self.functions.instances.remove(&instance);
            }
        }
        if let Some(better) = better {
            self.errors.truncate(pending.errors);
            self.reported = pending.reported;
            let Pending { instance, operands, var, span, .. } = pending;
            return Some(self.begin_function(instance, better, operands, var, span));
        }
        let (Some(value), Some(shape)) = (value, found) else {
            self.set(pending.var, None);
            return None;
        };
        self.functions.shapes.insert(pending.instance.clone(), shape);
        let known = self.functions.instances.get_mut(&pending.instance).expect("the function has been begun");
        known.value = Assumption::Known(shape);
        let name = self.anf.functions[pending.instance.0].name.clone();
        let (body, results) = self.close_function(level, value);
        self.functions.bodies[pending.id] = Some(Arc::new(Function { body, results, name }));
        let known = self.functions.instances[&pending.instance].clone();
        let value = self.emit_call(&known, &pending.operands, pending.span);
        self.set(pending.var, value);
        None
    }

    /// What the results of functions are, before any derivative.
    fn result_roles(&self) -> Vec<ResultRole> {
        let mut roles = vec![ResultRole::Value, ResultRole::Failure, ResultRole::Steps];
        roles.extend(self.options.watch.any().then_some(ResultRole::Note));
        roles
    }

    /// The body of a function with its outputs, and what they are.
    fn close_function(&mut self, level: Level, value: Node) -> (Graph, Vec<ResultRole>) {
        let Level { graph: mut body, codes, steps, .. } = level;
        let steps = steps.expect("the steps of recursive functions are counted");
        let zero = body.number(0.0);
        let (mut failed, mut noted) = (zero, zero);
        for (k, check) in std::mem::take(&mut body.checks).into_iter().enumerate().rev() {
            let own = match codes.get(&k) {
                Some(&code) => code,
                None => {
                    self.functions.failures.push(Failure { reason: check.reason, span: check.span });
                    body.number(self.functions.failures.len() as f64)
                }
            };
            match check.effect {
                Effect::Fail => failed = body.select(check.fails, own, failed),
                Effect::Note => noted = body.select(check.fails, own, noted),
            }
        }
        let roles = self.result_roles();
        let output = |role: &ResultRole| {
            let node = match role {
                ResultRole::Value => value,
                ResultRole::Failure => failed,
                ResultRole::Steps => steps,
                ResultRole::Note => noted,
                ResultRole::Tangent { .. } | ResultRole::Active { .. } => {
                    unreachable!("functions have tangents once they are differentiated")
                }
            };
            Output { name: String::new(), node, role: Role::Value }
        };
        body.outputs = roles.iter().map(output).collect();
        body.set_span(None);
        (body, roles)
    }

    /// The value of a call; `None` as long as its shape is unknown.
    fn emit_call(&mut self, known: &Known, operands: &[Node], span: Span) -> Option<Node> {
        let shape = known.value.shape()?;
        let limits = self.options.limits;
        let before = self.here.steps.expect("steps are counted where functions recurse");
        self.here.graph.set_span(Some(span));
        let may = self.may_step(before, span);
        let enters = self.and(self.here.path, may);
        let reason = Reason::Depth { limit: limits.depth };
        self.functions.failures.push(Failure { reason, span });
        let failure = self.functions.failures.len() as u32;
        let g = &mut self.here.graph;
        let steps = g.one_step_more(before);
        let precision = g.precision;
        let shape_of = |role| if role == ResultRole::Value { shape } else { Shape::Scalar };
        let results: Vec<CallResult> =
            self.result_roles().into_iter().map(|role| CallResult { role, shape: shape_of(role) }).collect();
        let function = known.id;
        let call = Call { function, operands: operands.len() as u32 + 1, results, failure };
        let place = |role| call.position(role);
        let of = |role| place(role).expect("a call has these results");
        let (value, failed, after) = (of(ResultRole::Value), of(ResultRole::Failure), of(ResultRole::Steps));
        let noted = place(ResultRole::Note);
        let region =
            Region { body: Graph::of(precision), kind: RegionKind::Call(call), name: String::new(), span };
        let args: Vec<Node> = [enters].iter().chain(operands).chain([&steps]).copied().collect();
        let g = &mut self.here.graph;
        let node = g.add_region(Arc::new(region), &args);
        let value = g.result(node, value, shape);
        let failed = self.push_result(node, failed, reason, Effect::Fail);
        if let Some(noted) = noted {
            self.push_result(node, noted, reason, Effect::Note);
        }
        // A row that has failed takes no further step.
        let g = &mut self.here.graph;
        let (after, most) = (g.result(node, after, Shape::Scalar), g.steps(limits.steps));
        let after = g.select(failed, most, after);
        self.here.steps = Some(g.select(enters, after, before));
        Some(value)
    }

    /// Makes the check for what a call has failed or met; which failure or note it is, the number says that the call gives.
    /// Returns whether there is one.
    fn push_result(&mut self, call: Node, result: u32, reason: Reason, effect: Effect) -> Node {
        let g = &mut self.here.graph;
        let code = g.result(call, result, Shape::Scalar);
        let zero = g.number(0.0);
        let met = g.binary(Op::Ne, code, zero);
        self.push_coded(met, reason, effect, Some(code));
        met
    }

    /// Replaces the checks that stand for calls by one for each failure that a call can have.
    pub(super) fn resolve_calls(&mut self) {
        let codes = std::mem::take(&mut self.here.codes);
        let g = &mut self.here.graph;
        for (k, check) in std::mem::take(&mut g.checks).into_iter().enumerate() {
            let Some(&code) = codes.get(&k) else {
                g.checks.push(check);
                continue;
            };
            for (id, failure) in (1u32..).zip(&self.functions.failures) {
                let is_note = matches!(failure.reason, Reason::Met { .. });
                if is_note != (check.effect == Effect::Note) {
                    continue;
                }
                let number = g.number(f64::from(id));
                let this = g.binary(Op::Eq, code, number);
                let fails = g.binary(Op::And, check.fails, this);
                g.checks.push(Check {
                    fails,
                    effect: check.effect,
                    reason: failure.reason,
                    span: failure.span,
                });
            }
        }
        g.failures = std::mem::take(&mut self.functions.failures);
        g.limits = self.options.limits;
        g.functions = self.functions.known(g.precision);
    }
}
