//! ANF with a signature → compute graph.
//!
//! Functions are inlined, each once per combination of operands and path; shapes are inferred on the way. An
//! explicit stack of frames stands for nesting, so that no program overflows the machine stack. The body of a loop is
//! built in a graph of its own; what it uses from around it is captured. Recursive functions become functions of the graph.
//!
//! **Invariant**: the graph computes what A-normal form says, bit for bit, with a check for whatever can fail a row.
//!
//! **Boundary**: knows A-normal form and signatures; hands on graphs only.

mod calls;
mod derivatives;
mod loops;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use nc_runtime::lanes::Precision;

use crate::anf::{Anf, Atom, Binding, BlockId, DeriveForm, End, FuncId, Operand, Rhs, Var};
use crate::entity::EntityVec;
use crate::graph::{Check, Effect, Function, Graph, Node, Output, Reason, Role, Shape, Source, Type};
use crate::limits::{DEFAULT_MEMORY_BYTES, Limits, MAX_COLUMNS, MAX_SHARED_SIZE, MAX_SIZE, NODE_BYTES};
use crate::number::Literal;
use crate::ops::{Algebra, Met, Op, Primitive, Requirement, ShapeError, Watch};
use crate::source::{Diagnostic, Span};
use calls::Functions;
use loops::Pending;

/// What the caller says about the inputs of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    shapes: BTreeMap<String, Shape>,
    shared: BTreeSet<String>,
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
        self.shared.insert(name.into());
        self
    }

    /// The shape of an input.
    pub fn shape_of(&self, name: &str) -> Shape {
        self.shapes.get(name).copied().unwrap_or(Shape::Scalar)
    }

    /// Whether it says what shape an input has.
    pub(crate) fn has_shape(&self, name: &str) -> bool {
        self.shapes.contains_key(name)
    }

    /// Whether `name` is a parameter.
    pub fn is_parameter(&self, name: &str) -> bool {
        self.shared.contains(name)
    }

    /// All names it speaks of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shapes.keys().chain(&self.shared).map(String::as_str)
    }
}

/// What a graph is built for beside the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildOptions {
    /// What a row may use before it fails.
    pub limits: Limits,
    /// What rows report. Results keep every bit.
    pub watch: Watch,
    /// What numbers are.
    pub precision: Precision,
    /// How much memory graphs may take, in bytes.
    pub memory: usize,
}

impl Default for BuildOptions {
    fn default() -> Self {
        let (limits, watch, precision) = (Limits::default(), Watch::default(), Precision::default());
        BuildOptions { limits, watch, precision, memory: DEFAULT_MEMORY_BYTES }
    }
}

/// Builds the graph of a program.
///
/// # Errors
///
/// Operands whose shapes do not fit, constant indices out of range and sizes that are not constants, each with its
/// place; at most [`MAX_ERRORS`] of them.
pub fn build(anf: &Anf, signature: &Signature, options: &BuildOptions) -> Result<Graph, Vec<Diagnostic>> {
    let recursive = anf.functions.values().any(|function| function.recursive);
    let mut options = *options;
    for iterations in options.limits.iterations_tried() {
        options.limits.iterations = iterations;
        let (built, most) = build_counting(anf, signature, &options, recursive);
        if recursive || most <= options.limits.steps as f64 || built.is_err() {
            return built;
        }
    }
    build_counting(anf, signature, &options, true).0
}

/// Builds the graph, and says how many steps a row takes at most, calls aside. Where rows might take more than they may,
/// their steps are counted.
fn build_counting(
    anf: &Anf,
    signature: &Signature,
    options: &BuildOptions,
    counting: bool,
) -> (Result<Graph, Vec<Diagnostic>>, f64) {
    let mut here = Level::of(options.precision);
    here.graph.reserve(anf.operands());
    let mut builder = Builder {
        anf,
        signature,
        options: *options,
        counting,
        here,
        outer: Vec::new(),
        values: EntityVec::filled(None, anf.vars.len()),
        place: Span::default(),
        called: None,
        steps: 0,
        errors: Vec::new(),
        reported: HashSet::new(),
        step: 0,
        late_shapes: HashMap::new(),
        functions: Functions::default(),
        derived: HashMap::new(),
        derived_size: 0,
        most: most_operations(anf, options.memory),
        unknown: 0,
        shape_only: false,
    };
    builder.run();
    let most = builder.here.most;
    (if builder.errors.is_empty() { Ok(builder.here.graph) } else { Err(builder.errors) }, most)
}

/// How many errors are collected before building stops.
pub const MAX_ERRORS: usize = 100;

/// A function that is inlined, its operands, the path, and the steps so far.
type CallKey = (FuncId, Vec<Option<Node>>, Option<Node>, Option<Node>);

/// What a call that has been inlined came to.
#[derive(Debug, Clone, Copy)]
struct Inlined {
    value: Option<Node>,
    /// The most steps that it takes.
    most: f64,
}

/// What a block comes to.
#[derive(Debug, Clone, Default)]
struct Outcome {
    /// Its value, where it ends in one; `None` if it never does, or after an error in it.
    value: Option<Node>,
    /// Where it ends in another iteration of the loop around; `None` if it never does.
    again: Option<Again>,
}

/// Another iteration.
#[derive(Debug, Clone)]
struct Again {
    /// The rows that want it.
    when: Node,
    /// The next values of the loop's variables; `None` after an error in one.
    next: Vec<Option<Node>>,
    /// Where they stand in the source.
    spans: Vec<Span>,
    /// The steps so far, if they are counted.
    steps: Option<Node>,
}

/// What to do with what a finished block comes to.
enum Continuation<'a> {
    Finish,
    Else { condition: Node, other: BlockId, outer: Option<Node>, var: Var, span: Span, steps: Option<Node> },
    Join { condition: Node, then: Outcome, outer: Option<Node>, var: Var, span: Span, steps: Option<Node> },
    Keep { var: Var },
    Return { key: CallKey, var: Var, most: f64, silent: Option<Silent> },
    Iterate { pending: Pending<'a>, var: Var },
    Define { pending: calls::Pending },
    Derive { pending: derivatives::Pending<'a> },
    Unroll(loops::Unrolled<'a>),
}

/// What holds again behind a call of whose value only the shape is wanted: nothing that fails in it matters to a row.
#[derive(Debug, Clone, Copy)]
struct Silent {
    path: Option<Node>,
    steps: Option<Node>,
    /// How many checks there were.
    checks: usize,
}

struct Frame<'a> {
    block: BlockId,
    next: usize,
    /// Whether the block is the body of a loop or an arm of the choice that such a body ends with, so that another
    /// iteration may be what it comes to.
    tail: bool,
    /// How many checks there were before the block.
    checks: usize,
    then: Continuation<'a>,
}

/// A graph under construction, and what is known in it.
#[derive(Default)]
struct Level {
    graph: Graph,
    calls: HashMap<CallKey, Inlined>,
    /// Derivatives that have been made.
    derivatives: HashMap<(DeriveForm, CallKey), Inlined>,
    /// Whether it is evaluated more than once: the body of a loop or of a recursive function. Others are those of the program
    /// and of functions that are differentiated.
    repeats: bool,
    /// Whether it is the body of a recursive function.
    is_function: bool,
    /// The rows that take the current path; `None` for all.
    path: Option<Node>,
    /// How many steps the row has taken so far, if they are counted.
    steps: Option<Node>,
    /// The most steps that a row takes, calls of recursive functions aside.
    most: f64,
    /// In the body of a loop: the values of the graph around it that are used here.
    captures: Vec<Node>,
    captured: HashMap<Node, Node>,
    /// In the body of a loop: checks on paths that never lead to another iteration.
    exit_only: HashSet<usize>,
    /// For checks that stand for calls of recursive functions: what failed, as a number.
    codes: HashMap<usize, Node>,
    /// The notes there are: a row that meets one again has met it before.
    noted: HashSet<Node>,
    /// What the choice at the end of a loop's body came to.
    tail: Option<Outcome>,
}

impl Level {
    fn of(precision: Precision) -> Level {
        Level { graph: Graph::of(precision), ..Level::default() }
    }
}

/// A value in one of the graphs under construction.
#[derive(Debug, Clone, Copy)]
struct Place {
    level: usize,
    node: Node,
}

struct Builder<'a> {
    anf: &'a Anf,
    signature: &'a Signature,
    options: BuildOptions,
    /// Whether the steps of rows are counted.
    counting: bool,
    /// The innermost graph.
    here: Level,
    /// The graphs around it, outermost first.
    outer: Vec<Level>,
    /// The value of each variable; `None` before its binding and after an error in it. Functions that are inlined do
    /// not recurse, so one activation at a time uses a variable.
    values: EntityVec<Var, Option<Place>>,
    place: Span,
    /// The operation of the program itself that leads to the binding at hand.
    called: Option<Span>,
    /// Bindings evaluated so far.
    steps: usize,
    errors: Vec<Diagnostic>,
    reported: HashSet<(Span, String)>,
    /// Operations with conditions so far in the primitive at hand.
    step: u32,
    /// Shapes of loop variables that have no first value.
    late_shapes: HashMap<Var, Shape>,
    functions: Functions,
    /// Derivatives of functions, wherever they are wanted.
    derived: HashMap<derivatives::Key, Arc<derivatives::Derived>>,
    /// How many nodes and operands they have.
    derived_size: usize,
    /// How many operations the program may have.
    most: usize,
    /// How many functions are being built only to find out the shape of their value.
    unknown: usize,
    /// Whether only the shape is wanted of the value that is being bound.
    shape_only: bool,
}

impl Algebra for Builder<'_> {
    type V = Node;

    fn ty(&self, value: Node) -> Type {
        self.here.graph.ty(value)
    }
    fn number(&mut self, value: f64) -> Node {
        self.here.graph.number(value)
    }
    fn truth_value(&mut self, value: bool) -> Node {
        self.here.graph.boolean(value)
    }
    fn constant(&self, value: Node) -> Option<f64> {
        self.here.graph.constant(value)
    }
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        let node = self.here.graph.apply_typed(op, attr, ty, args);
        self.watch(op, args, node);
        node
    }
    fn require(&mut self, what: Requirement, values: &[Node]) {
        self.here.graph.required(self.here.path, self.place, what, values);
    }
    fn part(&mut self, whole: Node, index: Node, count: u32, ty: Type) -> Node {
        self.here.graph.checked_part(self.here.path, self.place, whole, index, (count, ty))
    }
}

impl<'a> Builder<'a> {
    /// Makes the checks for the conditions of an operation that are watched.
    fn watch(&mut self, op: Op, args: &[Node], result: Node) {
        if !op.has_conditions() {
            return;
        }
        let step = self.step;
        self.step += 1;
        // Conditions are not watched themselves.
        let watch = std::mem::take(&mut self.options.watch);
        // What does not vary has no derivative.
        let fixed = args.iter().all(|&arg| self.here.graph.constant(arg).is_some());
        for (what, condition) in watch.of(op) {
            if what == Met::Singular && fixed {
                continue;
            }
            let met = condition.build(self, args, result);
            let any = self.here.graph.unary(Op::Any, met);
            self.push_check(any, Reason::Met { what, op, step }, Effect::Note);
        }
        self.options.watch = watch;
    }

    /// Adds a check for the rows that take the current path, unless it is known not to matter.
    fn push_check(&mut self, condition: Node, reason: Reason, effect: Effect) {
        self.push_coded(condition, reason, effect, None);
    }

    /// The same; for a call of a recursive function with the number that says what it was.
    fn push_coded(&mut self, condition: Node, reason: Reason, effect: Effect, code: Option<Node>) {
        let fails = self.and(self.here.path, condition);
        let repeated = effect == Effect::Note && !self.here.noted.insert(fails);
        if !repeated && self.here.graph.truth(fails) != Some(false) {
            if let Some(code) = code {
                self.here.codes.insert(self.here.graph.checks.len(), code);
            }
            self.here.graph.checks.push(Check { fails, effect, reason, span: self.place });
        }
    }

    fn run(&mut self) {
        let anf = self.anf;
        if self.counting {
            self.here.steps = Some(self.here.graph.steps(0));
        }
        self.inputs();
        if !self.errors.is_empty() {
            return;
        }
        let Some(main) = anf.main else { return };
        let most = self.most;
        let mut stack = vec![self.frame(main, false, Continuation::Finish)];
        let mut located = 0;
        while !stack.is_empty() {
            if self.errors.len() > located {
                self.say_calls(&stack, located);
                located = self.errors.len();
            }
            let Some(frame) = stack.last_mut() else { break };
            if self.errors.len() >= MAX_ERRORS {
                return;
            }
            let block = &anf.blocks[frame.block];
            if let Some(binding) = block.bindings.get(frame.next) {
                frame.next += 1;
                let next = frame.next;
                let is_value = matches!(block.end, End::Value(Atom::Var(var)) if var == binding.var);
                let tail = frame.tail && frame.next == block.bindings.len() && is_value;
                self.steps += 1;
                if self.steps + self.size() > most {
                    self.errors.push(too_large(most, self.options.memory, binding.span));
                    return;
                }
                self.called = self.call_of_program(&stack);
                self.shape_only = match block.bindings.get(next).map(|next| &next.rhs) {
                    Some(Rhs::Primitive(primitive, operands)) => {
                        primitive.of_shape_only()
                            && matches!(&**operands, [only] if only.atom == Atom::Var(binding.var))
                    }
                    Some(Rhs::Constant(_) | Rhs::Call(..) | Rhs::Derive(..) | Rhs::If(..) | Rhs::Loop(_))
                    | None => false,
                };
                if let Some(inner) = self.bind(binding, tail) {
                    stack.push(inner);
                }
            } else if let Some(frame) = stack.pop() {
                let outcome = self.end(&frame, &block.end);
                if frame.tail && outcome.again.is_none() {
                    self.here.exit_only.extend(frame.checks..self.here.graph.checks.len());
                }
                self.called = self.call_of_program(&stack);
                if let Some(next) = self.resume(frame.then, outcome, frame.tail) {
                    stack.push(next);
                }
            }
        }
        self.resolve_calls();
        self.here.graph.set_span(None);
        for (k, &result) in anf.results.iter().enumerate() {
            if let Some(value) = self.atom(result) {
                let node = self.as_number(value);
                let name = anf.result_names.get(k).cloned().unwrap_or_default();
                self.here.graph.outputs.push(Output { name, node, role: Role::Value });
            }
        }
        // Bodies that were built for a shape that the function turned out not to have call others as they are not.
        let graph = &mut self.here.graph;
        for (id, called) in graph.called_functions().iter() {
            if !called {
                graph.functions[id] = Arc::new(Function::never_called(graph.precision));
            }
        }
    }

    /// The innermost operation of the program itself, if it has parts of the library.
    fn call_of_program(&self, stack: &[Frame<'a>]) -> Option<Span> {
        self.binding_of_program(stack).map(|binding| binding.span)
    }

    fn binding_of_program(&self, stack: &[Frame<'a>]) -> Option<&'a Binding> {
        let (library, anf) = (self.anf.library?, self.anf);
        let mut bindings = stack.iter().rev().filter_map(|frame| {
            let block = &anf.blocks[frame.block];
            block.bindings.get(frame.next.checked_sub(1)?)
        });
        bindings.find(|binding| binding.span.start < library)
    }

    /// Where a row that fails is to be looked for: in the library, it is the call of the program that leads there.
    fn in_program(&self, span: Span) -> Span {
        let inside = self.anf.library.is_some_and(|library| span.start >= library);
        self.called.filter(|_| inside).unwrap_or(span)
    }

    /// Says of errors in the library, from this one on, which call of the program leads there.
    fn say_calls(&mut self, stack: &[Frame<'a>], from: usize) {
        let Some(library) = self.anf.library else { return };
        let Some(binding) = self.binding_of_program(stack) else { return };
        let mut shapes = Vec::new();
        if let Rhs::Call(_, operands) = &binding.rhs {
            for operand in operands.iter().filter(|operand| operand.span.start < library) {
                if let Some(node) = self.atom(operand.atom) {
                    shapes.push((operand.span, self.here.graph.shape(node).to_string()));
                }
            }
        }
        for error in &mut self.errors[from..] {
            if error.span.start >= library {
                error.related.insert(0, (binding.span, "by way of this call".into()));
                error.related.extend(shapes.iter().cloned());
            }
        }
    }

    /// The inputs, whose shapes come from outside.
    fn inputs(&mut self) {
        if let Err(errors) = check_inputs(self.anf, self.signature) {
            self.errors.extend(errors);
            return;
        }
        for &var in &self.anf.inputs {
            let info = &self.anf.vars[var];
            let source = if self.signature.is_parameter(&info.name) { Source::Shared } else { Source::Row };
            self.here.graph.set_span(Some(info.span));
            let node = self.here.graph.input(info.name.as_str(), self.signature.shape_of(&info.name), source);
            self.set(var, Some(node));
        }
    }

    /// Begins a graph inside the innermost one.
    fn descend(&mut self, repeats: bool) {
        let inner = Level { repeats, ..Level::of(self.options.precision) };
        self.outer.push(std::mem::replace(&mut self.here, inner));
    }

    /// How many loops and recursive functions the graph at hand is in.
    fn nesting(&self) -> usize {
        self.outer.iter().chain([&self.here]).filter(|level| level.repeats).count()
    }

    fn frame(&self, block: BlockId, tail: bool, then: Continuation<'a>) -> Frame<'a> {
        Frame { block, next: 0, tail, checks: self.here.graph.checks.len(), then }
    }

    /// Nodes and operands of all graphs under construction, and of derivatives.
    fn size(&self) -> usize {
        let outer = self.outer.iter().map(|level| level.graph.size()).sum::<usize>();
        outer + self.here.graph.size() + self.derived_size
    }

    /// What a block comes to whose bindings are done. A choice at the end of a loop's body has left more than a value.
    fn end(&mut self, frame: &Frame<'a>, end: &'a End) -> Outcome {
        match end {
            End::Value(value) => {
                if frame.tail
                    && let Some(outcome) = self.here.tail.take()
                {
                    return outcome;
                }
                Outcome { value: self.atom(*value), again: None }
            }
            End::Recur(values) => {
                let next = values.iter().map(|operand| self.atom(operand.atom)).collect();
                let spans = values.iter().map(|operand| operand.span).collect();
                let when = self.here.graph.boolean(true);
                Outcome { value: None, again: Some(Again { when, next, spans, steps: self.here.steps }) }
            }
        }
    }

    fn set(&mut self, var: Var, node: Option<Node>) {
        self.values[var] = node.map(|node| Place { level: self.outer.len(), node });
    }

    /// Evaluates a binding, or returns the frame that will.
    fn bind(&mut self, binding: &'a Binding, tail: bool) -> Option<Frame<'a>> {
        let Binding { var, ref rhs, span } = *binding;
        self.place = self.in_program(span);
        self.here.graph.set_span(Some(span));
        match rhs {
            Rhs::Constant(literal) => {
                let node = self.constant_or_parameter(var, *literal);
                self.set(var, Some(node));
            }
            Rhs::Primitive(primitive, operands) => {
                self.step = 0;
                let node = self.operands(operands).and_then(|args| match primitive.expand(self, &args) {
                    Ok(node) => {
                        self.count_work(*primitive, &args, node);
                        Some(node)
                    }
                    Err(error) => {
                        self.shape_error(error, span, operands);
                        None
                    }
                });
                let node = match self.anf.networks.activations.contains(&span) {
                    true => {
                        let of = operands.first().and_then(|operand| self.atom(operand.atom));
                        self.as_activation(span, of, node)
                    }
                    false => node,
                };
                self.set(var, node);
            }
            Rhs::Call(function, operands) => {
                let args: Vec<Option<Node>> = operands.iter().map(|o| self.atom(o.atom)).collect();
                if self.anf.functions[*function].recursive {
                    return self.call(*function, &args, var, span);
                }
                let silent = self.shape_only.then(|| self.fall_silent());
                // A call that takes steps is made as often as it is written.
                let key = (*function, args, self.here.path, self.here.steps);
                if let Some(&Inlined { value, most }) = self.here.calls.get(&key) {
                    self.here.most += most;
                    let value = self.as_activation(span, key.1.first().copied().flatten(), value);
                    self.set(var, value);
                    self.speak(silent);
                    return None;
                }
                let function = &self.anf.functions[*function];
                for (&param, operand) in function.params.iter().zip(operands) {
                    if !self.fits_network(param, operand) {
                        self.set(var, None);
                        self.speak(silent);
                        return None;
                    }
                }
                for (&param, &arg) in function.params.iter().zip(&key.1) {
                    self.set(param, arg);
                }
                return Some(self.frame(
                    function.body,
                    false,
                    Continuation::Return { key, var, most: self.here.most, silent },
                ));
            }
            Rhs::Derive(form, function, operands) => {
                return self.enter_derivative(*form, *function, operands, var, span);
            }
            Rhs::Loop(inner) => return self.enter_loop(inner, var, span),
            Rhs::If(condition, then, other) => {
                let known = self.atom(condition.atom).or_else(|| self.unknown_condition());
                let Some(value) = known else {
                    self.set(var, None);
                    return None;
                };
                if !self.here.graph.ty(value).is_scalar() {
                    let shape = self.here.graph.shape(value);
                    let error = ShapeError::new(format!("this condition is a {shape}: a scalar is needed"));
                    self.shape_error(error, condition.span, &[]);
                    self.set(var, None);
                    return None;
                }
                if let Some(known) = self.here.graph.truth(value) {
                    let block = if known { *then } else { *other };
                    return Some(self.frame(block, tail, Continuation::Keep { var }));
                }
                let condition = self.as_truth(value);
                let outer = self.here.path;
                self.here.path = Some(self.and(outer, condition));
                let steps = self.here.steps;
                let then_frame = Continuation::Else { condition, other: *other, outer, var, span, steps };
                return Some(self.frame(*then, tail, then_frame));
            }
        }
        None
    }

    /// Begins a call of whose value only the shape is wanted.
    fn fall_silent(&mut self) -> Silent {
        let silent =
            Silent { path: self.here.path, steps: self.here.steps, checks: self.here.graph.checks.len() };
        self.here.path = Some(self.here.graph.boolean(false));
        silent
    }

    /// Ends it.
    fn speak(&mut self, silent: Option<Silent>) {
        let Some(Silent { path, steps, checks }) = silent else { return };
        (self.here.path, self.here.steps) = (path, steps);
        self.here.graph.checks.truncate(checks);
        self.here.exit_only.retain(|&check| check < checks);
        self.here.codes.retain(|&check, _| check < checks);
    }

    /// Carries on after a block, perhaps with another.
    fn resume(&mut self, then: Continuation<'a>, outcome: Outcome, tail: bool) -> Option<Frame<'a>> {
        match then {
            Continuation::Finish => None,
            Continuation::Keep { var } => {
                self.leave(var, outcome, tail);
                None
            }
            Continuation::Return { key, var, most, silent } => {
                let of = key.1.first().copied().flatten();
                let value = self.as_activation(self.anf.vars[var].span, of, outcome.value);
                self.set(var, value);
                let inlined = Inlined { value: outcome.value, most: self.here.most - most };
                self.here.calls.insert(key, inlined);
                self.speak(silent);
                None
            }
            Continuation::Else { condition, other, outer, var, span, steps } => {
                let steps = std::mem::replace(&mut self.here.steps, steps);
                let opposite = self.here.graph.unary(Op::Not, condition);
                self.here.path = Some(self.and(outer, opposite));
                let join = Continuation::Join { condition, then: outcome, outer, var, span, steps };
                Some(self.frame(other, tail, join))
            }
            Continuation::Join { condition, then, outer, var, span, steps } => {
                self.here.path = outer;
                self.here.graph.set_span(Some(span));
                self.here.steps = self.join_steps(condition, steps, self.here.steps);
                let outcome = self.join_outcomes(condition, then, outcome, span, tail);
                self.leave(var, outcome, tail);
                None
            }
            Continuation::Iterate { pending, var } => self.leave_loop(pending, outcome, var),
            Continuation::Define { pending } => self.end_function(pending, outcome),
            Continuation::Derive { pending } => {
                self.end_derivative(pending, outcome);
                None
            }
            Continuation::Unroll(unrolled) => self.next_unrolled(unrolled, outcome),
        }
    }

    /// What a choice comes to, for the variable that it is bound to and, at the end of a loop's body, for the body.
    fn leave(&mut self, var: Var, outcome: Outcome, tail: bool) {
        self.set(var, outcome.value);
        self.here.tail = tail.then_some(outcome);
    }

    fn join_outcomes(&mut self, condition: Node, a: Outcome, b: Outcome, span: Span, tail: bool) -> Outcome {
        let value = match (a.value, b.value) {
            (Some(a), Some(b)) => self.join(condition, a, b, span),
            // One arm of a loop's last choice has a value and the other goes on.
            (a, b) if tail || self.unknown > 0 => a.or(b),
            _ => None,
        };
        let again = match (a.again, b.again) {
            (Some(a), Some(b)) => {
                let when = self.here.graph.select(condition, a.when, b.when);
                let pairs = a.next.iter().zip(&b.next).zip(&b.spans);
                let next = pairs
                    .enumerate()
                    .map(|(k, ((&a, &b), &span))| match (a, b) {
                        (Some(a), Some(b)) => self.join_states(condition, k, (a, b), span),
                        (a, b) if self.unknown > 0 => a.or(b),
                        _ => None,
                    })
                    .collect();
                let steps = self.join_steps(condition, a.steps, b.steps);
                Some(Again { when, next, spans: a.spans, steps })
            }
            (Some(a), None) => {
                let when = self.and(Some(condition), a.when);
                Some(Again { when, ..a })
            }
            (None, Some(b)) => {
                let opposite = self.here.graph.unary(Op::Not, condition);
                let when = self.and(Some(opposite), b.when);
                Some(Again { when, ..b })
            }
            (None, None) => None,
        };
        Outcome { value, again }
    }

    fn join_steps(&mut self, condition: Node, a: Option<Node>, b: Option<Node>) -> Option<Node> {
        match (a, b) {
            (Some(a), Some(b)) if a != b => Some(self.here.graph.select(condition, a, b)),
            (steps, _) => steps,
        }
    }

    /// Counts the work of a primitive on vectors and matrices where it is repeated.
    fn count_work(&mut self, primitive: Primitive, args: &[Node], result: Node) {
        let g = &self.here.graph;
        let scalars = g.ty(result).is_scalar() && args.iter().all(|&arg| g.ty(arg).is_scalar());
        if scalars || self.nesting() == 0 {
            return;
        }
        let types: Vec<Type> = args.iter().map(|&arg| g.ty(arg)).collect();
        let limit = self.options.limits.steps;
        let more = primitive.steps(&types, g.ty(result)).min(limit);
        self.here.most += more as f64;
        if let Some(steps) = self.here.steps.filter(|_| more > 0) {
            self.here.steps = Some(self.here.graph.more_steps(steps, more, limit));
        }
    }

    /// Makes the check that a row does not take one step too many, for the rows that take the current path.
    fn may_step(&mut self, steps: Node, span: Span) -> Node {
        let limit = self.options.limits.steps;
        let most = self.here.graph.steps(limit);
        let many = self.here.graph.binary(Op::Le, most, steps);
        self.place = self.in_program(span);
        self.push_check(many, Reason::Steps { limit }, Effect::Fail);
        self.here.graph.unary(Op::Not, many)
    }

    /// The next value of a state. Where one arm keeps the state and the other gives it another shape, that shape is what
    /// counts: the state may have been given one before any was known.
    fn join_states(
        &mut self,
        condition: Node,
        state: usize,
        (a, b): (Node, Node),
        span: Span,
    ) -> Option<Node> {
        if self.here.graph.shape(a) != self.here.graph.shape(b) {
            let state = self.state(state);
            if a == state {
                return Some(b);
            }
            if b == state {
                return Some(a);
            }
        }
        self.join(condition, a, b, span)
    }

    /// A condition that the value of a function decides which is not known yet.
    fn unknown_condition(&mut self) -> Option<Node> {
        let g = &mut self.here.graph;
        (self.unknown > 0).then(|| g.input("unknown", Shape::Scalar, Source::Row))
    }

    fn join(&mut self, condition: Node, a: Node, b: Node, span: Span) -> Option<Node> {
        let (x, y) = (self.here.graph.shape(a), self.here.graph.shape(b));
        if x != y {
            let message = format!("the arms of if are {x} and {y}: shapes differ");
            self.shape_error(ShapeError::new(message), span, &[]);
            return None;
        }
        let (a, b) = if self.here.graph.ty(a).elem == self.here.graph.ty(b).elem {
            (a, b)
        } else {
            (self.as_number(a), self.as_number(b))
        };
        Some(self.here.graph.select(condition, a, b))
    }

    fn and(&mut self, path: Option<Node>, condition: Node) -> Node {
        match path {
            Some(path) => self.here.graph.binary(Op::And, path, condition),
            None => condition,
        }
    }

    fn constant_or_parameter(&mut self, var: Var, literal: Literal) -> Node {
        let name = &self.anf.vars[var].name;
        if self.signature.is_parameter(name) {
            self.here.graph.input(name.as_str(), Shape::Scalar, Source::Shared)
        } else {
            self.literal(literal)
        }
    }

    fn literal(&mut self, literal: Literal) -> Node {
        self.here.graph.number(literal.of(self.options.precision))
    }

    fn atom(&mut self, atom: Atom) -> Option<Node> {
        match atom {
            Atom::Literal(literal) => Some(self.literal(literal)),
            Atom::Var(var) => self.values[var].map(|place| self.import(place)),
        }
    }

    fn operands(&mut self, operands: &[Operand]) -> Option<Vec<Node>> {
        operands.iter().map(|o| self.atom(o.atom)).collect()
    }

    /// Whether an operand has the size that a network declares for its input, if the parameter is one.
    fn fits_network(&mut self, param: Var, operand: &Operand) -> bool {
        let info = &self.anf.vars[param];
        let Some(&size) = self.anf.networks.inputs.get(&info.span) else { return true };
        let Some(node) = self.atom(operand.atom) else { return true };
        let shape = self.here.graph.shape(node);
        let (fits, wanted) = match size {
            None => (shape == Shape::Scalar, "a number".to_string()),
            Some(size) => (shape == Shape::Vector(size), format!("a vector of {size}")),
        };
        if !fits {
            let message = format!("the input `{}` of this network is {wanted}, not {shape}", info.name);
            self.shape_error(ShapeError::new(message), operand.span, &[]);
        }
        fits
    }

    /// The value of a call, which has the shape of its operand if the call is that of a function of a layer.
    fn as_activation(&mut self, span: Span, of: Option<Node>, value: Option<Node>) -> Option<Node> {
        let (Some(of), Some(found)) = (of, value) else { return value };
        if !self.anf.networks.activations.contains(&span) {
            return value;
        }
        let [of, found] = [of, found].map(|node| self.here.graph.shape(node));
        if of == found {
            return value;
        }
        let message = format!(
            "the function of a layer gives a number for each of its numbers, and this makes {found} of {of}"
        );
        self.shape_error(ShapeError::new(message), span, &[]);
        None
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
                let shape = self.here.graph.shape(node);
                if operand.span == place {
                    diagnostic.label = shape.to_string();
                } else {
                    diagnostic = diagnostic.related(operand.span, shape.to_string());
                }
            }
        }
        let unshaped = operands.iter().find_map(|operand| {
            let Atom::Var(var) = operand.atom else { return None };
            let name = &self.anf.vars[var].name;
            let is_input =
                self.anf.inputs.contains(&var) && !self.signature.shapes.contains_key(name.as_str());
            is_input.then_some(name)
        });
        if let Some(name) = unshaped {
            diagnostic = diagnostic.help(format!(
                "the input `{name}` is a scalar unless it is given a shape: by `Signature::shape`, on the command line by \
                 `--inputs '{name}[3]'`"
            ));
        }
        self.errors.push(diagnostic);
    }
}

/// How many operations a program may have, and operands of operations, once its functions are inlined.
fn most_operations(anf: &Anf, memory: usize) -> usize {
    let most = MAX_SIZE.min(memory / NODE_BYTES);
    let (written, inlined) = (anf.operations(), anf.inlined_operations());
    // An operation is about four of what is counted: itself, two operands, and the work of making it.
    if inlined <= most as u64 / 4 || inlined <= 2 * written {
        return most;
    }
    most.min(MAX_SHARED_SIZE + 4 * usize::try_from(written).unwrap_or(usize::MAX / 8))
}

/// What is said of a program that has more operations than it may.
fn too_large(most: usize, memory: usize, span: Span) -> Diagnostic {
    const INLINED: &str = "every call of a function is inlined: give results that are used twice a name";
    let (message, help) = if most == memory / NODE_BYTES && most < MAX_SIZE {
        let message =
            format!("the program has more operations than {} MiB of memory hold, about {most}", memory >> 20);
        let more = "`CompileOptions::memory_bytes` allows more, on the command line `--memory MIB`";
        (message, format!("{INLINED}; {more}"))
    } else {
        (format!("the program has more than {most} operations"), INLINED.to_string())
    };
    Diagnostic::error("too-large", span, message).label("this one is too many").help(help)
}

/// Checks that the inputs have shapes that values can have, and together no more elements than a kernel can have columns.
pub(crate) fn check_inputs(anf: &Anf, signature: &Signature) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let (mut columns, mut params) = (0, 0);
    for &var in &anf.inputs {
        let info = &anf.vars[var];
        let shape = match signature.shape_of(&info.name).checked() {
            Ok(shape) => shape,
            Err(error) => {
                let message = format!("the input `{}`: {error}", info.name);
                errors.push(Diagnostic::error("shape", info.span, message));
                continue;
            }
        };
        let total = if signature.is_parameter(&info.name) { &mut params } else { &mut columns };
        *total += shape.len();
        if *total > MAX_COLUMNS {
            let message = format!("the inputs up to `{}` have more than {MAX_COLUMNS} elements", info.name);
            errors.push(Diagnostic::error("too-large", info.span, message));
            break;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
