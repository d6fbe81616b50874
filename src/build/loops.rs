//! Loops: from bindings of ANF to regions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use nc_runtime::lanes::Precision;

use super::{Again, Builder, Continuation, Frame, Level, Outcome, Place};
use crate::anf::{Atom, Loop, Rhs, Var};
use crate::entity::EntityVec;
use crate::graph::copy::copy;
use crate::graph::region::{MAX_TAPED, substitute};
use crate::graph::{
    Check, Effect, Elem, Graph, Node, NodeKind, Output, Reason, Region, RegionKind, Role, Shape, Source, Type,
};
use crate::ops::{Algebra, Op, ShapeError};
use crate::source::{Diagnostic, Span};

/// How deep loops may be nested. Interpreters and code generation nest as loops do.
const MAX_NESTING: usize = 64;

/// Loops of the library that make arrays element by element, whose counter has a name that begins with [`EACH`], are carried
/// out where they stand up to so many iterations: then elements have constant places.
const MAX_EACH: f64 = 32.0;
const EACH: &str = "%each";

/// Other loops of the library up to so many.
const MAX_UNROLLED: f64 = 4.0;

/// A loop that is carried out where it stands.
pub(super) struct Unrolled<'a> {
    inner: &'a Loop,
    var: Var,
    span: Span,
    /// The states of the iteration at hand.
    states: Vec<Node>,
    /// How many checks there were before.
    checks: usize,
}

/// A loop whose body is being built.
pub(super) struct Pending<'a> {
    inner: &'a Loop,
    /// The first values, in the graph around the loop.
    first: Vec<Node>,
    span: Span,
    /// What had been reported before.
    errors: usize,
    reported: Option<HashSet<(Span, String)>>,
}

impl<'a> Builder<'a> {
    pub(super) fn enter_loop(&mut self, inner: &'a Loop, var: Var, span: Span) -> Option<Frame<'a>> {
        if self.nesting() >= MAX_NESTING {
            let message = format!("loops are nested more than {MAX_NESTING} deep");
            self.errors
                .push(Diagnostic::error("too-large", inner.span, message).label("this one is too deep"));
            self.set(var, None);
            return None;
        }
        let mut first = Vec::with_capacity(inner.vars.len());
        for (&state, init) in inner.vars.iter().zip(&inner.inits) {
            let value = match init {
                Some(operand) => self.atom(operand.atom),
                None => {
                    let shape = self.late_shapes.get(&state).copied().unwrap_or(Shape::Scalar);
                    Some(self.here.graph.zero(Type::num(shape)))
                }
            };
            let Some(value) = value else {
                self.set(var, None);
                return None;
            };
            first.push(self.as_number(value));
        }
        let late = inner.inits.iter().any(Option::is_none);
        if !late && let Some(trips) = self.few_trips(inner, &first) {
            self.here.most += trips;
            let checks = self.here.graph.checks.len();
            return Some(self.unrolled(Unrolled { inner, var, span, states: first, checks }));
        }
        let reported = late.then(|| self.reported.clone());
        let pending = Pending { inner, first, span, errors: self.errors.len(), reported };
        let shapes: Vec<Shape> = pending.first.iter().map(|&node| self.here.graph.shape(node)).collect();
        self.descend(true);
        for (k, (&state, shape)) in inner.vars.iter().zip(shapes).enumerate() {
            let info = &self.anf.vars[state];
            self.here.graph.set_span(Some(info.span));
            let node = self.here.graph.input(info.name.as_str(), shape, Source::State(k as u32));
            self.set(state, Some(node));
        }
        if self.counting {
            let state = Source::State(inner.vars.len() as u32);
            self.here.steps = Some(self.here.graph.input("steps", Shape::Scalar, state));
        }
        Some(self.frame(inner.body, true, Continuation::Iterate { pending, var }))
    }

    /// How often a loop of the library goes on that counts from one constant to another, if that is seldom. Rows whose steps are
    /// counted have loops, which count them.
    fn few_trips(&self, inner: &Loop, first: &[Node]) -> Option<f64> {
        if self.counting || self.unknown > 0 || self.anf.library.is_none_or(|from| inner.span.start < from) {
            return None;
        }
        let body = &self.anf.blocks[inner.body];
        let [test, choice] = body.bindings.as_slice() else { return None };
        let (Rhs::Primitive(primitive, operands), Rhs::If(condition, ..)) = (&test.rhs, &choice.rhs) else {
            return None;
        };
        let ([counter, end], "=" | ">=") = (&**operands, primitive.name()) else { return None };
        let (Atom::Var(counter), Atom::Var(tested)) = (counter.atom, condition.atom) else { return None };
        let place = inner.vars.iter().position(|&state| state == counter).filter(|_| tested == test.var)?;
        let end = match end.atom {
            Atom::Literal(literal) => literal.f64,
            Atom::Var(var) if inner.vars.contains(&var) => return None,
            Atom::Var(var) => {
                let Place { level, node } = self.values[var]?;
                let graph =
                    if level < self.outer.len() { &self.outer[level].graph } else { &self.here.graph };
                graph.constant(node)?
            }
        };
        let trips = end - self.here.graph.constant(first[place])?;
        let each = self.anf.vars[counter].name.starts_with(EACH);
        let most = if each { MAX_EACH } else { MAX_UNROLLED };
        (trips.fract() == 0.0 && (0.0..=most).contains(&trips)).then_some(trips)
    }

    /// The frame of the iteration with these states.
    fn unrolled(&mut self, unrolled: Unrolled<'a>) -> Frame<'a> {
        let inner = unrolled.inner;
        for (&state, &node) in inner.vars.iter().zip(&unrolled.states) {
            self.set(state, Some(node));
        }
        self.frame(inner.body, true, Continuation::Unroll(unrolled))
    }

    /// After an iteration of a loop that is carried out where it stands: the next one, or the value.
    pub(super) fn next_unrolled(
        &mut self,
        mut unrolled: Unrolled<'a>,
        outcome: Outcome,
    ) -> Option<Frame<'a>> {
        // What an iteration checks is checked in each one of a loop around it.
        self.here.exit_only.retain(|&check| check < unrolled.checks);
        let Some(again) = outcome.again else {
            self.set(unrolled.var, outcome.value);
            return None;
        };
        let mut next = Vec::with_capacity(again.next.len());
        for (k, (&value, &span)) in again.next.iter().zip(&again.spans).enumerate() {
            let Some(value) = value else {
                self.set(unrolled.var, None);
                return None;
            };
            let value = self.as_number(value);
            let (shape, state) = (self.here.graph.shape(value), self.here.graph.shape(unrolled.states[k]));
            if shape != state {
                self.state_changes(unrolled.inner.vars[k], state, shape, span);
                self.set(unrolled.var, None);
                return None;
            }
            next.push(value);
        }
        unrolled.states = next;
        self.here.graph.set_span(Some(unrolled.span));
        Some(self.unrolled(unrolled))
    }

    fn state_changes(&mut self, var: Var, before: Shape, now: Shape, span: Span) {
        let name = &self.anf.vars[var].name;
        let message = format!("`{name}` is {before} at first and {now} in the next iteration");
        self.shape_error(ShapeError::new(message), span, &[]);
    }

    /// Ends the body of a loop and puts the region into the graph around it.
    pub(super) fn leave_loop(
        &mut self,
        pending: Pending<'a>,
        outcome: Outcome,
        var: Var,
    ) -> Option<Frame<'a>> {
        let inner = pending.inner;
        if let Some((late, shape)) = self.late_shape(&pending, &outcome) {
            self.late_shapes.insert(late, shape);
            self.errors.truncate(pending.errors);
            self.reported =
                pending.reported.expect("a loop with a late shape remembers what had been reported");
            self.here = self.outer.pop().expect("a body is built inside another graph");
            return self.enter_loop(inner, var, pending.span);
        }
        let next = match &outcome.again {
            Some(again) => self.next_states(&pending, again),
            None => Some((0..inner.vars.len()).map(|k| self.state(k)).collect()),
        };
        if let Some(Again { when, steps: Some(steps), .. }) = outcome.again {
            let path = self.here.path.replace(when);
            self.may_step(steps, inner.span);
            self.here.path = path;
        }
        let outer = self.outer.pop().expect("a body is built inside another graph");
        let body = std::mem::replace(&mut self.here, outer);
        let failed = self.errors.len() > pending.errors;
        let value = match next {
            Some(next) if !failed => self.close_loop(&pending, body, outcome, next),
            _ => None,
        };
        self.set(var, value);
        None
    }

    pub(super) fn state(&self, k: usize) -> Node {
        self.here.graph.source_node(Source::State(k as u32)).expect("there is an input for every state")
    }

    /// A variable without a first value whose shape turns out to be another than was assumed.
    fn late_shape(&self, pending: &Pending<'a>, outcome: &Outcome) -> Option<(Var, Shape)> {
        let again = outcome.again.as_ref()?;
        let states = pending.inner.vars.iter().zip(&pending.inner.inits).zip(&pending.first).zip(&again.next);
        for (((&var, init), &first), &next) in states {
            let (None, Some(next)) = (init, next) else { continue };
            let assumed = self.outer.last()?.graph.shape(first);
            let shape = self.here.graph.shape(next);
            if shape != assumed && !self.late_shapes.contains_key(&var) {
                return Some((var, shape));
            }
        }
        None
    }

    /// The next values as numbers, if they have the shapes of the first ones.
    fn next_states(&mut self, pending: &Pending<'a>, again: &Again) -> Option<Vec<Node>> {
        let mut next = Vec::with_capacity(again.next.len());
        for (k, (&value, &span)) in again.next.iter().zip(&again.spans).enumerate() {
            let value = value.or_else(|| (self.unknown > 0).then(|| self.state(k)))?;
            let (shape, state) = (self.here.graph.shape(value), self.here.graph.shape(self.state(k)));
            if shape != state {
                self.state_changes(pending.inner.vars[k], state, shape, span);
                return None;
            }
            next.push(self.as_number(value));
        }
        Some(next)
    }

    /// Makes a region of a finished body, and what it leaves in the graph around it.
    fn close_loop(
        &mut self,
        pending: &Pending<'a>,
        level: Level,
        outcome: Outcome,
        mut next: Vec<Node>,
    ) -> Option<Node> {
        let Level { graph: mut body, captures, exit_only, codes, steps, most, .. } = level;
        let checks = std::mem::take(&mut body.checks);
        let going_on: Vec<(usize, Check)> =
            checks.iter().copied().enumerate().filter(|(k, _)| !exit_only.contains(k)).collect();
        body.set_span(Some(pending.span));
        let goes_on = goes_on(&mut body, outcome.again.as_ref(), &going_on);
        let mut first = pending.first.clone();
        // The steps so far are one more state.
        if let (Some(outside), Some(inside)) = (self.here.steps, steps) {
            first.push(outside);
            let before = outcome.again.as_ref().and_then(|again| again.steps).unwrap_or(inside);
            next.push(body.one_step_more(before));
        }
        let noted = checks.iter().any(|check| check.effect == Effect::Note).then(|| {
            first.extend([self.here.graph.number(0.0); 2]);
            note_states(&mut body, &going_on, &codes, &mut next)
        });
        // A loop without an exit fails in every row; it has no value. Nor has, so far, one that ends in a call of unknown shape.
        let value = match outcome.value {
            Some(value) => value,
            None if self.unknown > 0 => return None,
            None => body.number(f64::NAN),
        };
        let fails = checks.iter().map(|check| check.fails).collect();
        let left = Left { value, fails, codes: codes.into_iter().collect(), noted, steps };
        let exported = exports(&body, goes_on, &left.nodes());
        let states = next.len() as u32;
        body.outputs = outputs(&mut body, goes_on, &next, &exported);
        body.set_span(None);
        // A loop that counts to a constant ends there, whatever the limit. The steps of the row, which end at a constant as well, are
        // no counter of its own.
        let trips = trips(&body, goes_on, &next, &pending.first, &self.here.graph);
        let counted = trips.filter(|&trips| trips <= MAX_TAPED).map(|trips| trips.max(1));
        let limit = counted.unwrap_or(self.options.limits.iterations);
        let kind = RegionKind::Loop { states, limit };
        let inner = pending.inner;
        let region = Region { body, kind, name: inner.name.clone(), span: inner.span };
        self.here.graph.set_span(Some(pending.span));
        // A loop that never goes on is what its body is for the first states.
        if region.goes_on().is_some_and(|node| region.body.truth(node) == Some(false)) {
            self.here.most += most;
            let mut known = HashMap::new();
            substitute(&region.body, &first, &captures, &mut known);
            return Some(self.after_loop(&region.body, &left, &checks, known, None));
        }
        let trips = trips.unwrap_or(u64::MAX).min(limit) as f64;
        self.here.most += trips + (trips + 1.0) * most;
        let region = Arc::new(region);
        let (node, known) = self.place_loop(&region, &first, &captures, &exported);
        let unbounded = counted.is_none().then_some((node, inner));
        Some(self.after_loop(&region.body, &left, &checks, known, unbounded))
    }

    /// Puts a loop into the graph around it. Returns its node, and what is known there of the nodes of its body: the states
    /// that the loop ends with, and its exit values.
    fn place_loop(
        &mut self,
        region: &Arc<Region>,
        first: &[Node],
        captures: &[Node],
        exported: &[Node],
    ) -> (Node, HashMap<Node, Node>) {
        let g = &mut self.here.graph;
        let entry = match self.here.path {
            Some(path) => path,
            None => g.boolean(true),
        };
        let args: Vec<Node> = [entry].iter().chain(first).chain(captures).copied().collect();
        let node = g.add_region(region.clone(), &args);
        let states = region.states() as u32;
        let last: Vec<Node> =
            (0..states).map(|k| g.result(node, k, Graph::result_shape(region, k))).collect();
        let mut known = HashMap::new();
        substitute(&region.body, &last, captures, &mut known);
        for (k, &inner) in (states..).zip(exported) {
            let result = g.result(node, k, Graph::result_shape(region, k));
            let result = match region.body.ty(inner).elem {
                Elem::Num => result,
                Elem::Bool => {
                    let zero = g.number(0.0);
                    g.binary(Op::Ne, result, zero)
                }
            };
            known.insert(inner, result);
        }
        (node, known)
    }

    /// What the last evaluation of the body leaves: its value, and what it fails.
    fn after_loop(
        &mut self,
        body: &Graph,
        left: &Left,
        checks: &[Check],
        mut known: HashMap<Node, Node>,
        looped: Option<(Node, &Loop)>,
    ) -> Node {
        let copies = copy(body, &left.nodes(), &mut self.here.graph, &mut known, self.here.path);
        let left = left.with(copies);
        if let Some(steps) = left.steps {
            self.here.steps = Some(steps);
        }
        let place = self.place;
        for (k, (check, &fails)) in checks.iter().zip(&left.fails).enumerate() {
            let code = left.codes.get(&k).copied();
            // A note counts for the last evaluation if no iteration before has met one.
            let (fails, code) = match (check.effect, left.noted) {
                (Effect::Note, Some([noted, noted_code])) => {
                    let g = &mut self.here.graph;
                    let (zero, number) = (g.number(0.0), g.number(k as f64 + 1.0));
                    let (none, this) = (g.binary(Op::Eq, noted, zero), g.binary(Op::Eq, noted, number));
                    let last = g.binary(Op::And, none, fails);
                    (g.binary(Op::Or, this, last), code.map(|last| g.select(this, noted_code, last)))
                }
                (Effect::Fail, _) | (Effect::Note, None) => (fails, code),
            };
            self.place = check.span;
            self.push_coded(fails, check.reason, check.effect, code);
        }
        self.place = place;
        if let Some((node, inner)) = looped {
            let reason = Reason::Iterations { limit: self.options.limits.iterations };
            self.here.graph.checks.push(Check {
                fails: node,
                effect: Effect::Fail,
                reason,
                span: self.in_program(inner.span),
            });
        }
        left.value
    }

    /// A value of this or an outer graph, in this one.
    pub(super) fn import(&mut self, place: Place) -> Node {
        let mut node = place.node;
        for level in place.level..self.outer.len() {
            let (outer, rest) = self.outer[level..].split_at_mut(1);
            // Inside the last of the outer graphs is the one at hand.
            let inner = rest.first_mut().unwrap_or(&mut self.here);
            node = capture(&mut outer[0].graph, inner, node);
        }
        node
    }
}

/// What the last evaluation of a loop's body leaves: nodes of the body, or of the graph around it.
#[derive(Debug)]
struct Left {
    value: Node,
    /// For each check of the body whether it fails.
    fails: Vec<Node>,
    /// For checks that stand for calls of recursive functions: what failed, as a number.
    codes: BTreeMap<usize, Node>,
    /// The first note that an iteration met, and what it was if it was met in a call.
    noted: Option<[Node; 2]>,
    /// The steps that the row has taken then, if they are counted.
    steps: Option<Node>,
}

impl Left {
    fn nodes(&self) -> Vec<Node> {
        let mut nodes = vec![self.value];
        nodes.extend(&self.fails);
        nodes.extend(self.codes.values());
        nodes.extend(self.noted.iter().flatten());
        nodes.extend(self.steps);
        nodes
    }

    /// Looks at other nodes, which come in the order of [`Left::nodes`].
    fn with(&self, nodes: Vec<Node>) -> Left {
        let mut nodes = nodes.into_iter();
        let mut next = || nodes.next().expect("there is a node for each");
        Left {
            value: next(),
            fails: self.fails.iter().map(|_| next()).collect(),
            codes: self.codes.keys().map(|&k| (k, next())).collect(),
            noted: self.noted.map(|noted| noted.map(|_| next())),
            steps: self.steps.map(|_| next()),
        }
    }
}

/// How often a loop goes on at the most: where a state counts from a constant in constant steps, and is compared with a constant.
fn trips(body: &Graph, goes_on: Node, next: &[Node], first: &[Node], outside: &Graph) -> Option<u64> {
    // All numbers on the way are exact.
    let whole = match body.precision {
        Precision::Double => f64::from(f64::MANTISSA_DIGITS).exp2(),
        Precision::Single => f64::from(f32::MANTISSA_DIGITS).exp2(),
    };
    let constant = |x: Option<f64>| x.filter(|x| x.fract() == 0.0 && x.abs() < whole);
    // The first value of a state, and its steps.
    let counter = |state: Node| {
        let NodeKind::Input(index) = body.kind(state) else { return None };
        let Source::State(k) = body.inputs[index as usize].source else { return None };
        let (&first, &next) = (first.get(k as usize)?, next.get(k as usize)?);
        let first = constant(outside.constant(first))?;
        let step = match (body.kind(next), body.args(next)) {
            (NodeKind::Apply(Op::Add, _), &[a, b]) if a == state => constant(body.constant(b))?,
            (NodeKind::Apply(Op::Add, _), &[a, b]) if b == state => constant(body.constant(a))?,
            (NodeKind::Apply(Op::Sub, _), &[a, b]) if a == state => -constant(body.constant(b))?,
            _ => return None,
        };
        Some((first, step))
    };
    // How often `x < y`, or `x <= y`, holds before it does not.
    let below = |x: Node, y: Node, equal: bool| {
        let (first, step, last) = match (counter(x), counter(y)) {
            (Some((first, step)), None) if step > 0.0 => (first, step, constant(body.constant(y))?),
            (None, Some((first, step))) if step < 0.0 => (-first, -step, -constant(body.constant(x))?),
            _ => return None,
        };
        let times =
            if equal { ((last - first) / step).floor() + 1.0 } else { ((last - first) / step).ceil() };
        Some(times.max(0.0) as u64)
    };
    // How often they differ before they are equal.
    let until = |x: Node, y: Node| {
        let (first, step, last) = match (counter(x), counter(y)) {
            (Some((first, step)), None) => (first, step, constant(body.constant(y))?),
            (None, Some((first, step))) => (first, step, constant(body.constant(x))?),
            _ => return None,
        };
        let times = (last - first) / step;
        (times >= 0.0 && times.fract() == 0.0).then_some(times as u64)
    };
    let mut least: Option<u64> = None;
    let mut left = vec![(goes_on, true)];
    while let Some((node, holds)) = left.pop() {
        let (NodeKind::Apply(op, _), args) = (body.kind(node), body.args(node)) else { continue };
        let times = match (op, args, holds) {
            (Op::Not, &[a], _) => {
                left.push((a, !holds));
                None
            }
            (Op::And, &[a, b], true) | (Op::Or, &[a, b], false) => {
                left.extend([(a, holds), (b, holds)]);
                None
            }
            (Op::Eq, &[a, b], false) | (Op::Ne, &[a, b], true) => until(a, b),
            (Op::Lt, &[a, b], true) => below(a, b, false),
            (Op::Le, &[a, b], true) => below(a, b, true),
            // A counter is a number, so what is not below is above or equal.
            (Op::Lt, &[a, b], false) => below(b, a, true),
            (Op::Le, &[a, b], false) => below(b, a, false),
            _ => None,
        };
        least = [least, times].into_iter().flatten().min();
    }
    least
}

/// Whether there is another iteration: where the body wants one and no check fails. A row that fails stays in the state in
/// which it failed.
fn goes_on(body: &mut Graph, again: Option<&Again>, going_on: &[(usize, Check)]) -> Node {
    let mut goes_on = match again {
        Some(again) => again.when,
        None => body.boolean(false),
    };
    for (_, check) in going_on.iter().filter(|(_, check)| check.effect == Effect::Fail) {
        let passes = body.unary(Op::Not, check.fails);
        goes_on = body.binary(Op::And, goes_on, passes);
    }
    goes_on
}

/// Two more states, for the first note that an iteration has met: 0 for none, else one more than the position of the check;
/// and, if it was met in a call, what it was there. Adds what they are in the next iteration, and returns the states.
fn note_states(
    body: &mut Graph,
    going_on: &[(usize, Check)],
    codes: &HashMap<usize, Node>,
    next: &mut Vec<Node>,
) -> [Node; 2] {
    let states = next.len() as u32;
    let state = body.input("noted", Shape::Scalar, Source::State(states));
    let code = body.input("noted code", Shape::Scalar, Source::State(states + 1));
    let zero = body.number(0.0);
    let (mut met, mut met_code) = (zero, zero);
    for &(k, check) in going_on.iter().rev().filter(|(_, check)| check.effect == Effect::Note) {
        let number = body.number(k as f64 + 1.0);
        met = body.select(check.fails, number, met);
        // A note that was not met in a call has no number of its own.
        met_code = body.select(check.fails, codes.get(&k).copied().unwrap_or(zero), met_code);
    }
    let none = body.binary(Op::Eq, state, zero);
    next.extend([body.select(none, met, state), body.select(none, met_code, code)]);
    [state, code]
}

/// The outputs of a loop's body: whether it goes on, the next states, and what is handed out, as numbers.
fn outputs(body: &mut Graph, goes_on: Node, next: &[Node], exported: &[Node]) -> Vec<Output> {
    let mut nodes = vec![goes_on];
    nodes.extend(next);
    for &node in exported {
        nodes.push(match body.ty(node).elem {
            Elem::Num => node,
            Elem::Bool => body.apply_typed(Op::Num, 0, Type::num(body.shape(node)), &[node]),
        });
    }
    nodes.into_iter().map(|node| Output { name: String::new(), node, role: Role::Value }).collect()
}

/// A value of the graph around a loop, in its body.
fn capture(outer: &mut Graph, inner: &mut Level, node: Node) -> Node {
    if let Some(&known) = inner.captured.get(&node) {
        return known;
    }
    let ty = outer.ty(node);
    let new = match outer.kind(node) {
        NodeKind::Const(bits) => inner.graph.number(f64::from_bits(bits)),
        NodeKind::Bool(value) => inner.graph.boolean(value),
        NodeKind::Apply(Op::Fill, _) if let Some(scalar) = outer.constant(outer.args(node)[0]) => {
            let scalar = inner.graph.number(scalar);
            inner.graph.fill(scalar, ty.shape)
        }
        NodeKind::Apply(..) | NodeKind::Input(_) | NodeKind::Region(_) | NodeKind::Result(_) => {
            let number = match ty.elem {
                Elem::Num => node,
                Elem::Bool => outer.apply_typed(Op::Num, 0, Type::num(ty.shape), &[node]),
            };
            let index = inner.captures.len() as u32;
            inner.captures.push(number);
            let name = format!("capture{index}");
            let input = inner.graph.input(name, ty.shape, Source::Capture(index));
            match ty.elem {
                Elem::Num => input,
                Elem::Bool => {
                    let zero = inner.graph.number(0.0);
                    inner.graph.apply_typed(Op::Ne, 0, ty, &[input, zero])
                }
            }
        }
    };
    inner.captured.insert(node, new);
    new
}

/// The nodes that `roots` need of regions that run in every iteration: they are handed out, where everything else is
/// made again outside.
fn exports(body: &Graph, goes_on: Node, roots: &[Node]) -> Vec<Node> {
    let mut header = EntityVec::filled(false, body.len());
    header[goes_on] = true;
    body.spread_to_operands(&mut header);
    let mut needed = EntityVec::filled(false, body.len());
    for &root in roots {
        needed[root] = true;
    }
    // A reverse region reverses the loop that runs, and no copy of it.
    let reverses_header = |node: Node| {
        let (region, args) = body.expect_region(node);
        matches!(region.kind, RegionKind::Reverse { .. }) && header[args.control]
    };
    let mut exported = Vec::new();
    for node in body.nodes().rev() {
        if !needed[node] {
            continue;
        }
        // Whoever runs a region has all its results.
        let runs = match body.kind(node) {
            NodeKind::Region(_) => header[node] || reverses_header(node),
            NodeKind::Result(_) => header[body.args(node)[0]] || reverses_header(body.args(node)[0]),
            NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Apply(..) => false,
        };
        if runs {
            exported.push(node);
        } else {
            for &arg in body.args(node) {
                needed[arg] = true;
            }
        }
    }
    exported.reverse();
    exported
}
