//! ANF with a signature → compute graph.
//!
//! Functions are inlined, each once per combination of operands and path; shapes are inferred on the way. An
//! explicit stack of frames stands for nesting, so that no program overflows the machine stack.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Check, Effect, Graph, Node, Output, Reason, Role, Shape, Source, Type};
use crate::anf::{Anf, Atom, Binding, BlockId, End, FuncId, Literal, Operand, Rhs, Var};
use crate::entity::EntityVec;
use crate::ops::{Algebra, Op, ShapeError, Watch};
use crate::source::{Diagnostic, Span};

/// What the caller says about the inputs of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    shapes: BTreeMap<String, Shape>,
    shared: Vec<String>,
}

impl Signature {
    /// Every input is a scalar, one per row.
    pub fn scalars() -> Signature {
        Signature::default()
    }

    /// Gives an input its shape.
    pub fn shape(mut self, name: impl Into<String>, shape: Shape) -> Signature {
        self.shapes.insert(name.into(), shape);
        self
    }

    /// Makes an input, or a top-level constant, a parameter: one value for the whole batch.
    pub fn parameter(mut self, name: impl Into<String>) -> Signature {
        let name = name.into();
        if !self.shared.contains(&name) {
            self.shared.push(name);
        }
        self
    }

    /// The shape of an input.
    pub fn shape_of(&self, name: &str) -> Shape {
        self.shapes.get(name).copied().unwrap_or(Shape::Scalar)
    }

    /// Whether `name` is a parameter.
    pub fn is_parameter(&self, name: &str) -> bool {
        self.shared.iter().any(|shared| shared == name)
    }

    /// All names it speaks of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shapes.keys().chain(&self.shared).map(String::as_str)
    }
}

/// Builds the graph of a program.
///
/// # Errors
///
/// Operands whose shapes do not fit, constant indices out of range and sizes that are not constants, each with its
/// place; at most [`MAX_ERRORS`] of them.
pub fn build(anf: &Anf, signature: &Signature) -> Result<Graph, Vec<Diagnostic>> {
    build_watched(anf, signature, Watch::default())
}

/// Builds the graph of a program with checks that report what is watched. Results keep every bit.
///
/// # Errors
///
/// As [`build`].
pub fn build_watched(anf: &Anf, signature: &Signature, watch: Watch) -> Result<Graph, Vec<Diagnostic>> {
    let mut builder = Builder {
        anf,
        signature,
        graph: Graph::new(),
        values: EntityVec::filled(None, anf.vars.len()),
        calls: HashMap::new(),
        path: None,
        place: Span::default(),
        steps: 0,
        errors: Vec::new(),
        reported: HashSet::new(),
        watch,
        step: 0,
        noted: HashSet::new(),
    };
    builder.run();
    if builder.errors.is_empty() { Ok(builder.graph) } else { Err(builder.errors) }
}

/// Operations, and operands of operations, that a program has at most once its functions are inlined. Inlining can
/// multiply a short program beyond all bounds.
pub const MAX_SIZE: usize = 1 << 24;

/// How many errors are collected before building stops.
pub const MAX_ERRORS: usize = 100;

type CallKey = (FuncId, Vec<Option<Node>>, Option<Node>);

/// What to do with the value of a finished block.
enum Continuation {
    Finish,
    Else { condition: Node, other: BlockId, outer: Option<Node>, var: Var, span: Span },
    Join { condition: Node, then: Option<Node>, outer: Option<Node>, var: Var, span: Span },
    Keep { var: Var },
    Return { key: CallKey, var: Var },
}

struct Frame {
    block: BlockId,
    next: usize,
    then: Continuation,
}

struct Builder<'a> {
    anf: &'a Anf,
    signature: &'a Signature,
    graph: Graph,
    /// The value of each variable; `None` before its binding and after an error in it. Functions do not recurse, so
    /// one activation at a time uses a variable.
    values: EntityVec<Var, Option<Node>>,
    calls: HashMap<CallKey, Option<Node>>,
    /// The rows that take the current path; `None` for all.
    path: Option<Node>,
    place: Span,
    /// Bindings evaluated so far.
    steps: usize,
    errors: Vec<Diagnostic>,
    reported: HashSet<(Span, String)>,
    watch: Watch,
    /// Operations with conditions so far in the primitive at hand.
    step: u32,
    /// The notes there are: a row that meets one again has met it before.
    noted: HashSet<Node>,
}

impl Algebra for Builder<'_> {
    fn ty(&self, value: Node) -> Type {
        self.graph.ty(value)
    }
    fn number(&mut self, value: f64) -> Node {
        self.graph.number(value)
    }
    fn constant(&self, value: Node) -> Option<f64> {
        self.graph.constant(value)
    }
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        let node = self.graph.apply_typed(op, attr, ty, args);
        self.watch(op, args, node);
        node
    }
    fn part(&mut self, whole: Node, index: Node, count: u32, ty: Type) -> Node {
        checked_part(&mut self.graph, self.path, self.place, whole, index, count, ty)
    }
}

impl Builder<'_> {
    /// Makes the checks for the conditions of an operation that are watched.
    fn watch(&mut self, op: Op, args: &[Node], result: Node) {
        if !op.has_conditions() {
            return;
        }
        let step = self.step;
        self.step += 1;
        // Conditions are not watched themselves.
        let watch = std::mem::take(&mut self.watch);
        for (what, predicate) in watch.of(op) {
            let met = predicate(self, args, result);
            let any = self.graph.unary(Op::Any, met);
            self.push_check(any, Reason::Met { what, op, step }, Effect::Note);
        }
        self.watch = watch;
    }

    /// Adds a check for the rows that take the current path, unless it is known not to matter.
    fn push_check(&mut self, condition: Node, reason: Reason, effect: Effect) {
        let fails = self.and(self.path, condition);
        let repeated = effect == Effect::Note && !self.noted.insert(fails);
        if !repeated && self.graph.truth(fails) != Some(false) {
            self.graph.checks.push(Check { fails, effect, reason, span: self.place });
        }
    }

    fn run(&mut self) {
        for &var in &self.anf.inputs {
            let info = &self.anf.vars[var];
            let source = if self.signature.is_parameter(&info.name) { Source::Shared } else { Source::Row };
            self.graph.set_span(Some(info.span));
            let node = self.graph.input(&info.name, self.signature.shape_of(&info.name), source);
            self.values[var] = Some(node);
        }
        let Some(main) = self.anf.main else { return };
        let mut stack = vec![Frame { block: main, next: 0, then: Continuation::Finish }];
        while let Some(frame) = stack.last_mut() {
            if self.errors.len() >= MAX_ERRORS {
                return;
            }
            let block = &self.anf.blocks[frame.block];
            if let Some(binding) = block.bindings.get(frame.next) {
                frame.next += 1;
                self.steps += 1;
                if self.steps + self.graph.size() > MAX_SIZE {
                    let message = format!("the program has more than {MAX_SIZE} operations");
                    self.errors.push(
                        Diagnostic::error("too-large", binding.span, message)
                            .label("this one is too many")
                            .help("every call of a function is inlined: give results that are used twice a name"),
                    );
                    return;
                }
                if let Some(inner) = self.bind(binding) {
                    stack.push(inner);
                }
            } else {
                let value = match &block.end {
                    End::Value(value) => self.atom(*value),
                    End::Recur(_) => None,
                };
                if let Some(Frame { then, .. }) = stack.pop()
                    && let Some(next) = self.resume(then, value)
                {
                    stack.push(next);
                }
            }
        }
        self.graph.set_span(None);
        for (k, &result) in self.anf.results.iter().enumerate() {
            if let Some(value) = self.atom(result) {
                let node = self.as_number(value);
                let name = self.anf.result_names.get(k).cloned().unwrap_or_default();
                self.graph.outputs.push(Output { name, node, role: Role::Value });
            }
        }
    }

    /// Evaluates a binding, or returns the frame that will.
    fn bind(&mut self, binding: &Binding) -> Option<Frame> {
        let Binding { var, ref rhs, span } = *binding;
        self.place = span;
        self.graph.set_span(Some(span));
        match rhs {
            Rhs::Constant(literal) => self.values[var] = Some(self.constant_or_parameter(var, *literal)),
            Rhs::Primitive(primitive, operands) => {
                self.step = 0;
                self.values[var] =
                    self.operands(operands).and_then(|args| match primitive.expand(self, &args) {
                        Ok(node) => Some(node),
                        Err(error) => {
                            self.shape_error(error, span, operands);
                            None
                        }
                    });
            }
            Rhs::Call(function, operands) => {
                let args: Vec<Option<Node>> = operands.iter().map(|o| self.atom(o.atom)).collect();
                let key = (*function, args, self.path);
                if let Some(&value) = self.calls.get(&key) {
                    self.values[var] = value;
                    return None;
                }
                let function = &self.anf.functions[*function];
                for (&param, &arg) in function.params.iter().zip(&key.1) {
                    self.values[param] = arg;
                }
                return Some(Frame {
                    block: function.body,
                    next: 0,
                    then: Continuation::Return { key, var },
                });
            }
            Rhs::Loop(inner) => {
                let message = format!("the loop `{}` cannot be compiled by this version", inner.name);
                self.errors.push(Diagnostic::error("not-supported", span, message));
                self.values[var] = None;
            }
            Rhs::If(condition, then, other) => {
                let Some(value) = self.atom(condition.atom) else {
                    self.values[var] = None;
                    return None;
                };
                if !self.graph.ty(value).is_scalar() {
                    let shape = self.graph.shape(value);
                    let error = ShapeError::new(format!("this condition is a {shape}: a scalar is needed"));
                    self.shape_error(error, condition.span, &[]);
                    self.values[var] = None;
                    return None;
                }
                if let Some(known) = self.graph.truth(value) {
                    let block = if known { *then } else { *other };
                    return Some(Frame { block, next: 0, then: Continuation::Keep { var } });
                }
                let condition = self.as_truth(value);
                let outer = self.path;
                self.path = Some(self.and(outer, condition));
                let then_frame = Continuation::Else { condition, other: *other, outer, var, span };
                return Some(Frame { block: *then, next: 0, then: then_frame });
            }
        }
        None
    }

    /// Carries on after a block, perhaps with another.
    fn resume(&mut self, then: Continuation, value: Option<Node>) -> Option<Frame> {
        match then {
            Continuation::Finish => None,
            Continuation::Keep { var } => {
                self.values[var] = value;
                None
            }
            Continuation::Return { key, var } => {
                self.values[var] = value;
                self.calls.insert(key, value);
                None
            }
            Continuation::Else { condition, other, outer, var, span } => {
                let opposite = self.graph.unary(Op::Not, condition);
                self.path = Some(self.and(outer, opposite));
                let join = Continuation::Join { condition, then: value, outer, var, span };
                Some(Frame { block: other, next: 0, then: join })
            }
            Continuation::Join { condition, then, outer, var, span } => {
                self.path = outer;
                self.graph.set_span(Some(span));
                self.values[var] = match (then, value) {
                    (Some(a), Some(b)) => self.join(condition, a, b, span),
                    _ => None,
                };
                None
            }
        }
    }

    fn join(&mut self, condition: Node, a: Node, b: Node, span: Span) -> Option<Node> {
        let (x, y) = (self.graph.shape(a), self.graph.shape(b));
        if x != y {
            let message = format!("the arms of if are {x} and {y}: shapes differ");
            self.shape_error(ShapeError::new(message), span, &[]);
            return None;
        }
        let (a, b) = if self.graph.ty(a).elem == self.graph.ty(b).elem {
            (a, b)
        } else {
            (self.as_number(a), self.as_number(b))
        };
        Some(self.graph.select(condition, a, b))
    }

    fn and(&mut self, path: Option<Node>, condition: Node) -> Node {
        match path {
            Some(path) => self.graph.binary(Op::And, path, condition),
            None => condition,
        }
    }

    fn constant_or_parameter(&mut self, var: Var, literal: Literal) -> Node {
        let name = &self.anf.vars[var].name;
        if self.signature.is_parameter(name) {
            self.graph.input(name, Shape::Scalar, Source::Shared)
        } else {
            self.graph.number(literal.f64)
        }
    }

    fn atom(&mut self, atom: Atom) -> Option<Node> {
        match atom {
            Atom::Literal(literal) => Some(self.graph.number(literal.f64)),
            Atom::Var(var) => self.values[var],
        }
    }

    fn operands(&mut self, operands: &[Operand]) -> Option<Vec<Node>> {
        operands.iter().map(|o| self.atom(o.atom)).collect()
    }

    fn shape_error(&mut self, error: ShapeError, span: Span, operands: &[Operand]) {
        let place = error.operand.and_then(|k| operands.get(k)).map_or(span, |o| o.span);
        if !self.reported.insert((place, error.message.clone())) {
            return;
        }
        let mut diagnostic = Diagnostic::error("shape", place, error.message);
        for operand in operands {
            if let Some(node) = self.atom(operand.atom)
                && operands.len() <= 4
            {
                let shape = self.graph.shape(node);
                if operand.span == place {
                    diagnostic.label = shape.to_string();
                } else {
                    diagnostic = diagnostic.related(operand.span, shape.to_string());
                }
            }
        }
        self.errors.push(diagnostic);
    }
}

/// The part of `whole` at an index known at run time, with the check that the index counts to one.
pub(crate) fn checked_part(
    g: &mut Graph,
    path: Option<Node>,
    place: Span,
    whole: Node,
    index: Node,
    count: u32,
    ty: Type,
) -> Node {
    let (zero, end) = (g.number(0.0), g.number(f64::from(count)));
    let floor = g.unary(Op::Floor, index);
    let integral = g.binary(Op::Eq, floor, index);
    let from = g.binary(Op::Le, zero, index);
    let to = g.binary(Op::Lt, index, end);
    let range = g.binary(Op::And, from, to);
    let valid = g.binary(Op::And, integral, range);
    let invalid = g.unary(Op::Not, valid);
    let fails = match path {
        Some(path) => g.binary(Op::And, path, invalid),
        None => invalid,
    };
    g.checks.push(Check { fails, effect: Effect::Fail, reason: Reason::Index { len: count }, span: place });
    g.apply_typed(Op::Gather, 0, ty, &[whole, index])
}
