//! Derivatives of functions: the function becomes a graph of its own, which is differentiated and put into the graph at hand.
//!
//! Checks of the function are made once, as where it is inlined, and its iterations and calls are steps of the row once. What
//! the derivative shares with values that the graph at hand has is one node, but for loops and calls.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Builder, CallKey, Continuation, Frame, Inlined, Level, Outcome, too_large};
use crate::anf::{DeriveForm, FuncId, Operand, Var};
use crate::derive::function::{Wanted, derivative, derivative_shape, has_loops};
use crate::graph::copy::copy;
use crate::graph::{Check, Graph, Node, Output, Role, Shape, Source};
use crate::ops::{Algebra, Op, ShapeError};
use crate::source::{Diagnostic, Span};

/// An operand of a function that is differentiated, as far as the derivative's graph depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Formal {
    /// An input of this shape.
    Input(Shape),
    /// This number, by its bits, in every element.
    Constant(u64, Shape),
}

/// What the derivative of a function depends on: its form, the operands, the shape of a direction or covector, and whether
/// work on vectors counts as steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    form: DeriveForm,
    function: FuncId,
    operands: Vec<Formal>,
    direction: Option<Shape>,
    repeats: bool,
    /// Whether it is in a recursive function.
    called: bool,
}

/// A derivative whose function is being built.
pub(super) struct Pending<'a> {
    place: (DeriveForm, CallKey),
    key: Key,
    var: Var,
    span: Span,
    operands: &'a [Operand],
    /// What the inputs of the function's graph stand for.
    actual: Vec<Node>,
    /// The inputs of the operand that the derivative is taken by, and of the direction.
    input: u32,
    direction: Option<u32>,
    errors: usize,
}

/// A function's graph with a derivative.
#[derive(Debug)]
pub(super) struct Derived {
    graph: Graph,
    derivative: Node,
    checks: Vec<Check>,
    /// For checks that stand for calls of recursive functions: what failed, as a number.
    codes: BTreeMap<usize, Node>,
    /// The steps that a row has taken then, if they are counted.
    steps: Option<Node>,
    most: f64,
}

impl<'a> Builder<'a> {
    /// A derivative of a function. Returns the frame that builds the function, if it has not been built for such operands.
    pub(super) fn enter_derivative(
        &mut self,
        form: DeriveForm,
        id: FuncId,
        operands: &'a [Operand],
        var: Var,
        span: Span,
    ) -> Option<Frame<'a>> {
        self.set(var, None);
        let args = self.operands(operands)?;
        let args: Vec<Node> = args.into_iter().map(|node| self.as_number(node)).collect();
        let call = (id, args.iter().copied().map(Some).collect(), self.here.path, self.here.steps);
        let place = (form, call);
        if let Some(&Inlined { value, most }) = self.here.derivatives.get(&place) {
            self.here.most += most;
            self.set(var, value);
            return None;
        }
        let function = &self.anf.functions[id];
        let mut own = args.clone();
        // What a Jacobian is multiplied by comes behind the function's one operand.
        let direction = form.has_direction().then(|| own.remove(form.param() + 1));
        if let (DeriveForm::Jvp, Some(direction)) = (form, direction) {
            let (point, direction) = (self.here.graph.shape(own[0]), self.here.graph.shape(direction));
            if point != direction {
                let message = format!(
                    "the direction of jvp is a {direction}, and the point a {point}: it has a number for each of the point's"
                );
                self.shape_error(ShapeError::at(1, message), span, &operands[..2]);
                return None;
            }
        }
        let formals: Vec<Formal> =
            own.iter().enumerate().map(|(k, &node)| self.formal(node, k == form.param())).collect();
        let direction_shape = direction.map(|node| self.here.graph.shape(node));
        let key = Key {
            form,
            function: id,
            operands: formals,
            direction: direction_shape,
            repeats: self.nesting() > 0,
            called: self.is_called(),
        };
        let mut actual: Vec<Node> = own
            .iter()
            .zip(&key.operands)
            .filter(|(_, formal)| matches!(formal, Formal::Input(_)))
            .map(|(&node, _)| node)
            .collect();
        actual.extend(direction);
        actual.extend(self.here.steps);
        if let Some(derived) = self.derived.get(&key).cloned() {
            let value = self.place_derivative(&derived, &actual, place);
            self.set(var, value);
            return None;
        }
        self.descend(false);
        let mut input = 0;
        for (k, (&param, formal)) in function.params.iter().zip(&key.operands).enumerate() {
            let info = &self.anf.vars[param];
            self.here.graph.set_span(Some(info.span));
            let node = match *formal {
                Formal::Input(shape) => {
                    if k == form.param() {
                        input = self.here.graph.inputs.len() as u32;
                    }
                    self.here.graph.input(info.name.as_str(), shape, Source::Row)
                }
                Formal::Constant(bits, shape) => {
                    let number = self.here.graph.number(f64::from_bits(bits));
                    self.here.graph.fill(number, shape)
                }
            };
            self.set(param, Some(node));
        }
        let direction = direction_shape.map(|shape| {
            let index = self.here.graph.inputs.len() as u32;
            self.here.graph.input("direction", shape, Source::Row);
            index
        });
        if self.counting {
            self.here.steps = Some(self.here.graph.input("steps", Shape::Scalar, Source::Row));
        }
        let errors = self.errors.len();
        let pending = Pending { place, key, var, span, operands, actual, input, direction, errors };
        Some(self.frame(function.body, false, Continuation::Derive { pending }))
    }

    /// Whether the graph at hand is in that of a recursive function.
    fn is_called(&self) -> bool {
        self.outer.iter().chain([&self.here]).any(|level| level.is_function)
    }

    /// How the graph of a function depends on an operand. Numbers that are known may decide shapes; the one that the derivative
    /// is taken by varies, whatever it is here.
    fn formal(&self, node: Node, varies: bool) -> Formal {
        let g = &self.here.graph;
        let scalar = if g.op(node) == Some(Op::Fill) { g.args(node)[0] } else { node };
        match g.constant(scalar) {
            Some(number) if !varies => Formal::Constant(number.to_bits(), g.shape(node)),
            Some(_) | None => Formal::Input(g.shape(node)),
        }
    }

    /// Ends the graph of a function, differentiates it, and puts the derivative into the graph at hand.
    pub(super) fn end_derivative(&mut self, pending: Pending<'a>, outcome: Outcome) {
        let value = outcome.value.map(|value| self.as_number(value));
        let outer = self.outer.pop().expect("a function is built inside another graph");
        let level = std::mem::replace(&mut self.here, outer);
        // Without a value there has been an error, or it is one of calls whose shape is not known yet.
        let Some(value) = value.filter(|_| self.errors.len() == pending.errors) else { return };
        let derived = match self.differentiated(&pending, level, value) {
            Ok(derived) => Arc::new(derived),
            Err(Refused::Shape(error, operands)) => {
                self.shape_error(error, pending.span, operands);
                return;
            }
            Err(Refused::Other(error)) => {
                self.errors.push(*error);
                return;
            }
        };
        self.derived_size += derived.graph.size();
        if self.steps + self.size() > self.most {
            self.errors.push(too_large(self.most, self.options.memory, pending.span));
            return;
        }
        // A graph that relies on what functions are taken to be is for this place only.
        if self.unknown == 0 && self.functions.bodies.values().all(Option::is_some) {
            self.derived.insert(pending.key, derived.clone());
        }
        let value = self.place_derivative(&derived, &pending.actual, pending.place);
        self.set(pending.var, value);
    }

    fn differentiated(
        &mut self,
        pending: &Pending<'a>,
        level: Level,
        value: Node,
    ) -> Result<Derived, Refused<'a>> {
        let Level { graph: mut primal, codes, steps, most, captures, .. } = level;
        debug_assert!(captures.is_empty(), "functions are closed");
        let operand = primal.inputs[pending.input as usize].shape;
        let result = primal.shape(value);
        let wanted = match (pending.key.form, pending.direction) {
            (DeriveForm::Derivative { .. }, _) => {
                derivative_shape(operand, result).map_err(|error| Refused::Shape(error, &[]))?;
                Wanted::Whole
            }
            (DeriveForm::Jvp, Some(direction)) => Wanted::Along(direction),
            (DeriveForm::Vjp, Some(covector)) => {
                let shape = primal.inputs[covector as usize].shape;
                if shape != result {
                    let message = format!(
                        "the covector of vjp is a {shape}, and the value of the function a {result}: it has a number for each of the value's"
                    );
                    return Err(Refused::Shape(ShapeError::at(1, message), &pending.operands[..2]));
                }
                Wanted::Against(covector)
            }
            (DeriveForm::Jvp | DeriveForm::Vjp, None) => {
                unreachable!("a product has something to multiply by")
            }
        };
        let output = |node| Output { name: String::new(), node, role: Role::Value };
        primal.outputs =
            [value].iter().chain(codes.values()).chain(&steps).map(|&node| output(node)).collect();
        let at: Vec<usize> = codes.keys().copied().collect();
        primal.limits = self.options.limits;
        primal.functions = self.functions.known(primal.precision);
        self.refuse_unfinished(&primal, pending)?;
        let functions = primal.functions.len();
        let forwards = pending.key.called && has_loops(&primal);
        let mut graph = derivative(&primal, pending.input, wanted, forwards).map_err(|too_large| {
            let mut error = too_large.diagnostic();
            if error.span == Span::default() {
                error.span = pending.span;
            }
            Refused::Other(Box::new(error))
        })?;
        for function in std::mem::take(&mut graph.functions).values().skip(functions) {
            self.functions.bodies.push(Some(function.clone()));
        }
        let mut outputs = std::mem::take(&mut graph.outputs).into_iter().map(|output| output.node).skip(1);
        let mut next = || outputs.next().expect("a derived graph has the outputs that it is derived from");
        let codes = at.into_iter().map(|check| (check, next())).collect();
        let steps = steps.map(|_| next());
        let derivative = next();
        let checks = std::mem::take(&mut graph.checks);
        Ok(Derived { graph, derivative, checks, codes, steps, most })
    }

    /// Refuses the derivative of a function that calls another which is not finished: it would be a part of itself.
    fn refuse_unfinished(&self, primal: &Graph, pending: &Pending<'a>) -> Result<(), Refused<'a>> {
        let called = primal.called_functions();
        if called.iter().all(|(id, &called)| !called || self.functions.bodies[id].is_some()) {
            return Ok(());
        }
        let name = &self.anf.functions[pending.key.function].name;
        let message =
            format!("the derivative of `{name}` is taken inside a recursion that `{name}` is a part of");
        let error = Diagnostic::error("derivative", pending.span, message)
            .label("this would be a derivative of itself, without end")
            .help("take the derivative of a function that does not call the one it is taken in");
        Err(Refused::Other(Box::new(error)))
    }

    /// Puts a derivative into the graph at hand, with the checks of its function.
    fn place_derivative(
        &mut self,
        derived: &Derived,
        actual: &[Node],
        place: (DeriveForm, CallKey),
    ) -> Option<Node> {
        let inputs = (0..derived.graph.inputs.len() as u32).map(|index| derived.graph.input_node(index));
        let mut known: HashMap<Node, Node> = inputs.zip(actual.iter().copied()).collect();
        let mut roots = vec![derived.derivative];
        roots.extend(derived.steps);
        roots.extend(derived.checks.iter().map(|check| check.fails));
        roots.extend(derived.codes.values());
        let copies = copy(&derived.graph, &roots, &mut self.here.graph, &mut known, self.here.path);
        let mut copies = copies.into_iter();
        let mut next = || copies.next().expect("there is a copy of every root");
        let value = next();
        if derived.steps.is_some() {
            self.here.steps = Some(next());
        }
        let fails: Vec<Node> = derived.checks.iter().map(|_| next()).collect();
        let codes: HashMap<usize, Node> = derived.codes.keys().map(|&check| (check, next())).collect();
        let outer = self.place;
        for (k, (check, fails)) in derived.checks.iter().zip(fails).enumerate() {
            self.place = check.span;
            self.push_coded(fails, check.reason, check.effect, codes.get(&k).copied());
        }
        self.place = outer;
        self.here.most += derived.most;
        self.here.derivatives.insert(place, Inlined { value: Some(value), most: derived.most });
        Some(value)
    }
}

/// Why a function has no derivative.
enum Refused<'a> {
    Shape(ShapeError, &'a [Operand]),
    Other(Box<Diagnostic>),
}
