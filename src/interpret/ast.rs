//! The AST interpreter: values only, one row at a time, straight from the resolved tree.
//!
//! It shares the definitions of operations with the rest of the compiler and nothing else: no ANF, no graph, no
//! simplification, no lowering. That makes it the oracle of the other tiers, and the scalar baseline of the benchmarks.
//!
//! Evaluation is strict and in the order of the ANF: operands from left to right, the values of a `let` before its
//! body, of an `if` only the arm that is taken. Nesting lives on explicit stacks: one of work, one of values. What an
//! expression evaluates lies above what was there before, and its value slides down over it when it is done.
//!
//! Loops and recursive functions have a frame each. A call that is an iteration replaces the variables of its frame, and
//! drops whatever the iteration before has left on the stacks.
//!
//! Derivatives of functions come of the rules in the table of operations, applied to a record of what was evaluated.
//!
//! * `frames`: loops and recursive functions;
//! * `trace`: derivatives;
//! * `kernel`: the interpreter as a kernel.

mod frames;
mod kernel;
mod trace;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use nc_runtime::lanes::{Precision, Scalar};
use nc_runtime::stop::StopFlag;

use crate::anf::Var;
use crate::ast::Expr;
use crate::build::Signature;
use crate::entity::{Entity, EntityVec, entity};
use crate::graph::{Graph, Reason, RegionKind, Shape, Type, canonical_bits};
use crate::limits::Limits;
use crate::names::FuncId;
use crate::ops::{Algebra, Lane, MAX_OPERANDS, Op, Operand, Primitive, Requirement, ShapeError, Watch};
use crate::resolve::{CallKind, Kind, Resolved};
use crate::source::Span;
use frames::Frame;
pub use kernel::AstKernel;
use trace::{LITERAL, Origin, Trace, UNTRACED};

entity!(
    /// Where a value stands on the stack.
    Place, "@");

/// A loop that counts to a constant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// How many iterations it has at the most.
    iterations: u64,
    /// Whether all copies of it count to constants.
    always: bool,
}

impl Counted {
    /// The loops of a graph that may have more iterations than its limit says, by where they begin.
    pub(crate) fn of(graph: &Graph) -> HashMap<Span, Counted> {
        let usual = graph.limits.iterations;
        let mut counted: HashMap<Span, Counted> = HashMap::new();
        let functions = graph.functions.values().map(|function| &function.body);
        let mut left: Vec<&Graph> = functions.chain([graph]).collect();
        while let Some(graph) = left.pop() {
            for region in graph.nodes().filter_map(|node| graph.region(node)) {
                left.push(&region.body);
                let RegionKind::Loop { limit, .. } = region.kind else { continue };

                let here = Counted { iterations: limit, always: limit != usual };
                counted
                    .entry(region.span)
                    .and_modify(|all| {
                        *all = Counted {
                            iterations: all.iterations.max(here.iterations),
                            always: all.always && here.always,
                        };
                    })
                    .or_insert(here);
            }
        }
        counted.retain(|_, counted| counted.iterations > usual);
        counted
    }
}

/// A program ready to be interpreted.
#[derive(Debug, Clone)]
pub struct AstInterpreter {
    program: Arc<Resolved>,
    inputs: Vec<Input>,
    /// For each top-level value the parameter that replaces it, if one does.
    replaced: Vec<Option<u32>>,
    /// Where the variables of loops stand among those of their loop.
    slots: EntityVec<Var, Option<u32>>,
    limits: Limits,
    /// Loops that count to constants beyond the limit of iterations, by where they begin: those constants. Of some there may be copies
    /// that do not.
    counted: HashMap<Span, Counted>,
    columns: usize,
    params: usize,
    watch: Watch,
    precision: Precision,
    /// How many calls of functions that are inlined elsewhere a row may take.
    inlined: u64,
}

#[derive(Debug, Clone, Copy)]
struct Input {
    var: Var,
    shape: Shape,
    /// Whether it is a parameter.
    shared: bool,
    /// Where its elements begin among the inputs, or among the parameters.
    first: u32,
}

/// Why a row has no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The operation in the source.
    pub span: Span,
    /// What is wrong with it.
    pub reason: FailureReason,
    /// The variables of the loop or recursive function that was being evaluated.
    pub state: Vec<Variable>,
}

/// A variable with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name in the source.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its elements, matrices row by row; truth values as 0 and 1.
    pub elements: Vec<f64>,
}

impl Failure {
    fn new(span: Span, reason: FailureReason) -> Failure {
        Failure { span, reason, state: Vec::new() }
    }
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureReason {
    /// A check failed.
    Check(Reason),
    /// Operands do not fit. Programs for which a graph could be built have no such rows.
    Shape(ShapeError),
    /// The results have another number of elements than the caller's buffer.
    Results(usize),
    /// Nobody waits for the row any more, or it takes more calls than the interpreter makes
    /// ([`AstInterpreter::with_inlined`]).
    Stopped,
}

/// Stacks that evaluations use again.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    work: Vec<Work>,
    values: Vec<Value>,
    /// Elements of vectors and matrices.
    elems: Vec<Lane<Scalar>>,
    /// Where on the stack the value of each variable is.
    places: EntityVec<Var, u32>,
    /// What [`places`](Self::places) was before the bindings in force.
    shadowed: Vec<(Var, u32)>,
    handles: Vec<Place>,
    noted: Option<(Span, Reason)>,
    /// Calls under way, each with how much work there was left behind it; only of programs that use the library.
    calls: Vec<(Span, u32)>,
    /// The calls that were under way when what is noted was met.
    noted_in: Vec<Span>,
    /// Loops and calls of recursive functions under way.
    frames: Vec<Frame>,
    /// Of each loop under way the shapes of its variables, as far as they have had values.
    shapes: Vec<Option<Shape>>,
    /// Elements on their way down the stack.
    moved: Vec<Lane<Scalar>>,
    /// Iterations and calls of recursive functions so far.
    steps: u64,
    /// Calls of recursive functions under way.
    depth: u64,
    /// What the functions have evaluated whose derivatives are wanted.
    trace: Trace,
}

impl Scratch {
    /// The places of the calls under way, the innermost first. A call is over once there is no more work than before it.
    fn under_way(&self) -> impl Iterator<Item = Span> {
        let left = self.work.len() as u32;
        self.calls.iter().rev().filter(move |&&(_, behind)| behind < left).map(|&(span, _)| span)
    }

    /// How many iterations and calls of recursive functions the last row took.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// A value on the stack.
#[derive(Debug, Clone, Copy)]
enum Value {
    Number(f64, Origin),
    Truth(bool, Origin),
    /// A vector or matrix, with the place of its elements. Copies of a value share them.
    Block(Type, u32, Origin),
}

impl Value {
    fn origin(self) -> Origin {
        let (Value::Number(_, origin) | Value::Truth(_, origin) | Value::Block(_, _, origin)) = self;
        origin
    }

    fn from(self, origin: Origin) -> Value {
        match self {
            Value::Number(x, _) => Value::Number(x, origin),
            Value::Truth(x, _) => Value::Truth(x, origin),
            Value::Block(ty, first, _) => Value::Block(ty, first, origin),
        }
    }
}

/// Where the stacks ended when something began.
#[derive(Debug, Clone, Copy)]
struct Mark {
    value: u32,
    elem: u32,
}

/// What is left to do. An evaluated expression leaves one value.
#[derive(Debug, Clone, Copy)]
enum Work {
    Eval(Expr),
    /// The operands of a primitive are there.
    Apply(Expr, Mark),
    /// The operands of a call are there.
    Call(Expr, Mark),
    /// The operands of a derivative are there.
    Derive(Expr, Mark),
    /// The value of a function that is differentiated is there.
    Derived(Mark),
    /// A value is there of which only the shape is wanted, after so many steps without those that it took.
    Speak(u64),
    /// A value is there, and has a name from here on.
    Bind(Var),
    /// The body of a loop or a recursive function is done.
    Return,
    /// The condition is there.
    Choose(Expr),
    /// The body of a `let` or a function is done: so many bindings end.
    Leave(u32, Mark),
}

/// The function that is called for the shape of its value alone, if that is what an expression is.
fn shape_only(program: &Resolved, kind: &Kind) -> Option<FuncId> {
    let Kind::Primitive(primitive, args) = kind else { return None };
    let [call] = &**args else { return None };
    let Kind::Call(id, _, CallKind::Inline) = program.kind(*call) else { return None };
    primitive.of_shape_only().then_some(*id)
}

impl AstInterpreter {
    /// Prepares a program for inputs of these shapes.
    pub fn new(program: impl Into<Arc<Resolved>>, signature: &Signature) -> AstInterpreter {
        let program = program.into();
        let (mut columns, mut params) = (0, 0);
        let mut inputs = Vec::with_capacity(program.inputs.len());
        for &var in &program.inputs {
            let name = &program.vars[var].name;
            let (shape, shared) = (signature.shape_of(name), signature.is_parameter(name));
            let count = if shared { &mut params } else { &mut columns };
            inputs.push(Input { var, shape, shared, first: *count as u32 });
            *count += shape.len();
        }
        let mut replaced = Vec::with_capacity(program.globals.len());
        for &(var, value) in &program.globals {
            let number = matches!(program.kind(value), Kind::Number(_));
            replaced.push((number && signature.is_parameter(&program.vars[var].name)).then(|| {
                params += 1;
                params as u32 - 1
            }));
        }
        let mut slots = EntityVec::filled(None, program.vars.len());
        for group in &program.groups {
            for (k, &var) in (0..).zip(&group.state) {
                slots[var] = Some(k);
            }
        }
        let (limits, watch) = (Limits::default(), Watch::default());
        let precision = Precision::Double;
        let inlined = u64::MAX;
        AstInterpreter {
            program,
            inputs,
            replaced,
            slots,
            limits,
            counted: HashMap::new(),
            columns,
            params,
            watch,
            precision,
            inlined,
        }
    }

    /// The same, but rows tell what they meet of this: see [`Scratch::noted`].
    pub fn watching(mut self, watch: Watch) -> AstInterpreter {
        self.watch = watch;
        self
    }

    /// The same with other limits.
    pub fn with_limits(mut self, limits: Limits) -> AstInterpreter {
        self.limits = limits;
        self
    }

    /// The interpreter with loops that may be longer than the limit of iterations says.
    pub(crate) fn with_counted(mut self, counted: HashMap<Span, Counted>) -> AstInterpreter {
        self.counted = counted;
        self
    }

    /// Whether it has the limits of its graph also where copies of a loop differ in whether they are counted.
    pub(crate) fn counts_alike(&self) -> bool {
        self.counted.values().all(|counted| counted.always)
    }

    /// Whether a loop or a recursive function is evaluated for the shape of its value alone, which the interpreter does and its graph
    /// need not: a limit that is exceeded there fails no row.
    pub(crate) fn repeats_for_shapes(&self) -> bool {
        let program = &*self.program;
        let mut left: Vec<FuncId> =
            program.kinds.values().filter_map(|kind| shape_only(program, kind)).collect();
        let mut seen: HashSet<FuncId> = left.iter().copied().collect();
        while let Some(id) = left.pop() {
            let function = &program.functions[id];
            if function.recursive || function.group.is_some() {
                return true;
            }
            let mut exprs = vec![function.body];
            while let Some(expr) = exprs.pop() {
                match program.kind(expr) {
                    Kind::Number(_) | Kind::Var(_) => {}
                    Kind::Primitive(_, args) => exprs.extend(&**args),
                    Kind::Call(callee, args, _) => {
                        exprs.extend(&**args);
                        if seen.insert(*callee) {
                            left.push(*callee);
                        }
                    }
                    Kind::Derive(derivative) => {
                        exprs.extend(&*derivative.args);
                        if seen.insert(derivative.function) {
                            left.push(derivative.function);
                        }
                    }
                    &Kind::If(condition, then, other) => exprs.extend([condition, then, other]),
                    Kind::Let(bindings, body) => {
                        exprs.extend(bindings.iter().map(|binding| binding.1));
                        exprs.push(*body);
                    }
                }
            }
        }
        false
    }

    /// An interpreter that gives up after so many calls of functions that are no loops and do not recurse, which
    /// other tiers inline and share; [`STEP_WORK`](crate::STEP_WORK) elements that a loop hands on count as one.
    pub fn with_inlined(mut self, inlined: u64) -> AstInterpreter {
        self.inlined = inlined;
        self
    }

    /// The same with numbers of this precision. Binary32 numbers come and go as the binary64 numbers that they are.
    pub fn with_precision(mut self, precision: Precision) -> AstInterpreter {
        self.precision = precision;
        self
    }

    /// What numbers are.
    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    /// What a row may use before it fails.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How many numbers the inputs of a row are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many numbers the parameters are.
    pub fn params(&self) -> usize {
        self.params
    }

    /// Evaluates one row. Inputs, parameters and results stand one behind the other, matrices row by row.
    ///
    /// # Errors
    ///
    /// The row fails; then all results are NaN.
    ///
    /// # Panics
    ///
    /// If there are fewer inputs or parameters than [`columns`](Self::columns) and [`params`](Self::params) say.
    pub fn row(
        &self,
        scratch: &mut Scratch,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
    ) -> Result<(), Failure> {
        self.row_until(scratch, inputs, params, outputs, &StopFlag::new())
    }

    /// As [`row`](Self::row), until the flag is set.
    pub(crate) fn row_until(
        &self,
        scratch: &mut Scratch,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        stop: &StopFlag,
    ) -> Result<(), Failure> {
        let mut machine = Machine {
            program: &self.program,
            slots: &self.slots,
            limits: &self.limits,
            counted: &self.counted,
            scratch,
            span: Span::default(),
            failed: None,
            silent: 0,
            watch: self.watch,
            precision: self.precision,
            step: 0,
            inlined: self.inlined,
            in_rule: false,
            stop,
        };
        self.evaluate(&mut machine, inputs, params, outputs).map_err(|mut failure| {
            failure.state = machine.state();
            outputs.fill(f64::NAN);
            failure
        })
    }

    fn evaluate(
        &self,
        machine: &mut Machine<'_>,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
    ) -> Result<(), Failure> {
        machine.reset();
        for input in &self.inputs {
            let from = if input.shared { params } else { inputs };
            machine.input(input.var, input.shape, &from[input.first as usize..][..input.shape.len()]);
        }
        for (&(var, value), &param) in self.program.globals.iter().zip(&self.replaced) {
            match param {
                Some(param) => machine.input(var, Shape::Scalar, &params[param as usize..][..1]),
                None => {
                    machine.run(value)?;
                    machine.place(var, machine.scratch.values.len() - 1);
                }
            }
        }
        let mut next = 0;
        for &result in &self.program.results {
            let mark = machine.mark();
            machine.run(result)?;
            next += machine.result(outputs.get_mut(next..).unwrap_or_default());
            machine.truncate(mark);
        }
        if next == outputs.len() {
            Ok(())
        } else {
            Err(Failure::new(machine.span, FailureReason::Results(next)))
        }
    }
}

/// One evaluation under way.
struct Machine<'a> {
    program: &'a Resolved,
    slots: &'a EntityVec<Var, Option<u32>>,
    limits: &'a Limits,
    counted: &'a HashMap<Span, Counted>,
    scratch: &'a mut Scratch,
    /// The operation being evaluated.
    span: Span,
    failed: Option<Reason>,
    /// How many values are being computed for their shapes alone: what fails there does not matter.
    silent: u32,
    /// What is watched until it is met.
    watch: Watch,
    precision: Precision,
    /// Operations with conditions so far in the primitive at hand.
    step: u32,
    /// How many more calls may be made that other tiers inline.
    inlined: u64,
    /// Whether the rules of derivatives are being applied.
    in_rule: bool,
    /// Says whether to end.
    stop: &'a StopFlag,
}

impl Machine<'_> {
    fn reset(&mut self) {
        let scratch = &mut *self.scratch;
        scratch.work.clear();
        scratch.values.clear();
        scratch.elems.clear();
        scratch.shadowed.clear();
        scratch.noted = None;
        scratch.calls.clear();
        scratch.noted_in.clear();
        scratch.frames.clear();
        scratch.shapes.clear();
        scratch.trace.clear();
        (scratch.steps, scratch.depth) = (0, 0);
        if scratch.places.len() != self.program.vars.len() {
            scratch.places = EntityVec::filled(0, self.program.vars.len());
        }
    }

    fn mark(&self) -> Mark {
        Mark { value: self.scratch.values.len() as u32, elem: self.scratch.elems.len() as u32 }
    }

    fn truncate(&mut self, mark: Mark) {
        self.scratch.values.truncate(mark.value as usize);
        self.scratch.elems.truncate(mark.elem as usize);
    }

    /// Removes everything since `mark` but the value on top.
    fn slide(&mut self, mark: Mark) {
        let mut value = self.scratch.values.pop().expect("there is a value on top");
        let mut end = mark.elem as usize;
        if let Value::Block(ty, first, _) = &mut value
            && *first >= mark.elem
        {
            let from = *first as usize;
            self.scratch.elems.copy_within(from..from + ty.len(), end);
            *first = mark.elem;
            end += ty.len();
        }
        self.scratch.values.truncate(mark.value as usize);
        self.scratch.elems.truncate(end);
        self.scratch.values.push(value);
    }

    fn place(&mut self, var: Var, at: usize) {
        self.scratch.places[var] = at as u32;
    }

    fn input(&mut self, var: Var, shape: Shape, numbers: &[f64]) {
        self.place(var, self.scratch.values.len());
        match (shape, numbers) {
            (Shape::Scalar, &[number]) => {
                self.scratch.values.push(Value::Number(self.precision.round(number), UNTRACED));
            }
            _ => {
                let first = self.scratch.elems.len() as u32;
                let precision = self.precision;
                self.scratch.elems.extend(numbers.iter().map(|&x| Lane::F(precision.round(x))));
                self.scratch.values.push(Value::Block(Type::num(shape), first, UNTRACED));
            }
        }
    }

    /// Binds variables to the values from `first` on.
    fn bind(&mut self, vars: impl Iterator<Item = Var>, first: u32) -> u32 {
        let mut next = first;
        for var in vars {
            let outer = std::mem::replace(&mut self.scratch.places[var], next);
            self.scratch.shadowed.push((var, outer));
            next += 1;
        }
        next - first
    }

    /// Ends all bindings but the first `count`.
    fn unbind(&mut self, count: usize) {
        while self.scratch.shadowed.len() > count
            && let Some((var, outer)) = self.scratch.shadowed.pop()
        {
            self.scratch.places[var] = outer;
        }
    }

    /// Evaluates an expression, which leaves its value on the stack.
    fn run(&mut self, expr: Expr) -> Result<(), Failure> {
        let program = self.program;
        self.scratch.work.push(Work::Eval(expr));
        while let Some(next) = self.scratch.work.pop() {
            match next {
                Work::Eval(expr) => match program.kind(expr) {
                    Kind::Number(_) | Kind::Var(_) => {
                        self.leaf(expr);
                    }
                    Kind::Primitive(_, args) => {
                        let mark = self.mark();
                        self.scratch.work.push(Work::Apply(expr, mark));
                        // Calls that other tiers inline are made there for the shape alone.
                        if shape_only(program, program.kind(expr)).is_some() {
                            self.silent += 1;
                            self.scratch.work.push(Work::Speak(self.scratch.steps));
                        }
                        self.operands(args);
                    }
                    Kind::Call(_, args, _) => {
                        let mark = self.mark();
                        self.scratch.work.push(Work::Call(expr, mark));
                        self.operands(args);
                    }
                    Kind::Derive(derivative) => {
                        let mark = self.mark();
                        self.scratch.work.push(Work::Derive(expr, mark));
                        self.operands(&derivative.args);
                    }
                    &Kind::If(condition, ..) => {
                        self.scratch.work.extend([Work::Choose(expr), Work::Eval(condition)]);
                    }
                    Kind::Let(bindings, body) => {
                        let mark = self.mark();
                        let work = &mut self.scratch.work;
                        work.extend([Work::Leave(bindings.len() as u32, mark), Work::Eval(*body)]);
                        for &(var, value) in bindings.iter().rev() {
                            work.extend([Work::Bind(var), Work::Eval(value)]);
                        }
                    }
                },
                Work::Apply(expr, mark) => {
                    if let Kind::Primitive(primitive, _) = program.kind(expr) {
                        self.span = program.span(expr);
                        self.primitive(*primitive, mark)?;
                    }
                }
                Work::Call(expr, mark) => {
                    self.calls(program.span(expr));
                    if let Kind::Call(id, _, kind) = program.kind(expr) {
                        // What it captures is where it was when the function was defined: the innermost activation
                        // of the function around it, since functions are called and never passed on.
                        let function = &program.functions[*id];
                        match kind {
                            CallKind::Inline => {
                                self.call_inlined(program.span(expr))?;
                                let count = self.bind(function.params.iter().copied(), mark.value);
                                self.scratch.work.push(Work::Leave(count, mark));
                            }
                            CallKind::Enter => self.enter(*id, mark, false),
                            CallKind::Recursive => {
                                self.descend(program.span(expr))?;
                                self.enter(*id, mark, true);
                            }
                            CallKind::Iterate => self.iterate(*id, mark, program.span(expr))?,
                        }
                        self.scratch.work.push(Work::Eval(function.body));
                    }
                }
                Work::Derive(expr, mark) => {
                    self.calls(program.span(expr));
                    if let Kind::Derive(derivative) = program.kind(expr) {
                        self.span = program.span(expr);
                        self.begin_derivative(derivative.form, derivative.function, mark)?;
                    }
                }
                Work::Derived(mark) => self.end_derivative(mark)?,
                Work::Speak(steps) => {
                    self.silent -= 1;
                    self.scratch.steps = steps;
                }
                Work::Bind(var) => {
                    let at = self.scratch.values.len() as u32 - 1;
                    self.bind([var].into_iter(), at);
                }
                Work::Return => {
                    if let Some(frame) = self.scratch.frames.pop() {
                        self.unbind(frame.shadowed as usize);
                        self.scratch.shapes.truncate(frame.shapes as usize);
                        self.scratch.depth -= u64::from(frame.recursive);
                        self.slide(frame.mark);
                    }
                }
                Work::Choose(expr) => {
                    if let &Kind::If(condition, then, other) = program.kind(expr) {
                        let taken = self.condition(program.span(condition))?;
                        self.scratch.work.push(Work::Eval(if taken { then } else { other }));
                    }
                }
                Work::Leave(count, mark) => {
                    self.unbind(self.scratch.shadowed.len() - count as usize);
                    self.slide(mark);
                }
            }
        }
        Ok(())
    }

    /// Keeps the place of a call that begins, for what fails in the library.
    fn calls(&mut self, span: Span) {
        if !self.program.library {
            return;
        }
        let left = self.scratch.work.len() as u32;
        while self.scratch.calls.last().is_some_and(|&(_, behind)| behind >= left) {
            self.scratch.calls.pop();
        }
        self.scratch.calls.push((span, left));
    }

    /// Evaluates an expression that is a number or a variable; `false` if it is something else.
    fn leaf(&mut self, expr: Expr) -> bool {
        let value = match self.program.kind(expr) {
            Kind::Number(literal) => Value::Number(literal.of(self.precision), LITERAL),
            Kind::Var(var) => self.scratch.values[self.scratch.places[*var] as usize],
            Kind::Primitive(..) | Kind::Call(..) | Kind::Derive(..) | Kind::If(..) | Kind::Let(..) => {
                return false;
            }
        };
        self.scratch.values.push(value);
        true
    }

    /// Evaluates the first operands as far as they are leaves, and leaves the others to be done.
    fn operands(&mut self, args: &[Expr]) {
        let compound = args.iter().position(|&arg| !self.leaf(arg)).unwrap_or(args.len());
        self.scratch.work.extend(args[compound..].iter().rev().map(|&arg| Work::Eval(arg)));
    }

    fn condition(&mut self, span: Span) -> Result<bool, Failure> {
        match self.scratch.values.pop() {
            Some(Value::Number(x, _)) => Ok(x != 0.0),
            Some(Value::Truth(x, _)) => Ok(x),
            Some(Value::Block(ty, ..)) => {
                let message = format!("this condition is a {}: a scalar is needed", ty.shape);
                Err(Failure::new(span, FailureReason::Shape(ShapeError::new(message))))
            }
            None => Ok(false),
        }
    }

    /// Applies a primitive to all values since `mark`.
    fn primitive(&mut self, primitive: Primitive, mark: Mark) -> Result<(), Failure> {
        if self.numbers(primitive, mark) {
            return Ok(());
        }
        let types = self.types_of_work(mark);
        let mut handles = std::mem::take(&mut self.scratch.handles);
        handles.clear();
        handles.extend((mark.value as usize..self.scratch.values.len()).map(Place::from_index));
        self.step = 0;
        let result = primitive.expand(self, &handles);
        self.scratch.handles = handles;
        let span = self.span;
        match (result, self.failed.take().filter(|_| self.silent == 0)) {
            (_, Some(reason)) => Err(Failure::new(span, FailureReason::Check(reason))),
            (Err(error), None) => Err(Failure::new(span, FailureReason::Shape(error))),
            (Ok(_), None) if self.scratch.trace.is_full() => Err(Failure::new(span, FailureReason::Stopped)),
            (Ok(value), None) => {
                let value = self.scratch.values[value.index()];
                self.scratch.values.push(value);
                self.slide(mark);
                if let Some(types) = types {
                    self.scratch.steps += primitive.steps(&types, self.type_of(value));
                }
                Ok(())
            }
        }
    }

    /// The types of all values since `mark`, if work on them counts as steps: where it is repeated.
    fn types_of_work(&self, mark: Mark) -> Option<Vec<Type>> {
        let values = &self.scratch.values[mark.value as usize..];
        let types = || values.iter().map(|&value| self.type_of(value));
        (!self.scratch.frames.is_empty()).then(|| types().collect())
    }

    /// The most frequent case in short: one operation, element by element, on one or two numbers.
    fn numbers(&mut self, primitive: Primitive, mark: Mark) -> bool {
        if self.scratch.trace.is_active() {
            return false;
        }
        let values = &mut self.scratch.values;
        let mut lanes = [Lane::M(false); 2];
        let (count, origin) = match values[mark.value as usize..] {
            [Value::Number(x, origin)] => {
                lanes[0] = Lane::F(x);
                (1, origin)
            }
            [Value::Number(x, a), Value::Number(y, b)] => {
                lanes = [Lane::F(x), Lane::F(y)];
                (2, if a == b { a } else { UNTRACED })
            }
            _ => return false,
        };
        match primitive.single_op(count) {
            Some(op) if op.elementwise() && !(self.watch != Watch::default() && op.has_conditions()) => {
                values.truncate(mark.value as usize);
                values.push(match op.eval_element(self.precision, &lanes[..count]) {
                    Lane::F(x) => Value::Number(x, origin),
                    Lane::M(x) => Value::Truth(x, origin),
                });
                true
            }
            Some(_) | None => false,
        }
    }

    /// Writes the value on top as numbers, as far as there is room, and returns how many it is.
    fn result(&mut self, outputs: &mut [f64]) -> usize {
        let store = |place: &mut f64, lane: Lane<Scalar>| {
            *place = f64::from_bits(canonical_bits(match lane {
                Lane::F(x) => x,
                Lane::M(x) => f64::from(u8::from(x)),
            }));
        };
        let &value = self.scratch.values.last().expect("a program has a value");
        match value {
            Value::Number(x, _) => outputs.iter_mut().take(1).for_each(|place| store(place, Lane::F(x))),
            Value::Truth(x, _) => outputs.iter_mut().take(1).for_each(|place| store(place, Lane::M(x))),
            Value::Block(ty, first, _) => {
                let elems = &self.scratch.elems[first as usize..][..ty.len()];
                outputs.iter_mut().zip(elems).for_each(|(place, &lane)| store(place, lane));
            }
        }
        self.type_of(value).len()
    }

    fn type_of(&self, value: Value) -> Type {
        match value {
            Value::Number(..) => Type::NUM,
            Value::Truth(..) => Type::BOOL,
            Value::Block(ty, ..) => ty,
        }
    }

    fn push(&mut self, value: Value) -> Place {
        let node = Place::from_index(self.scratch.values.len());
        self.scratch.values.push(value);
        node
    }

    /// An element-by-element operation on scalars, without allocation.
    fn scalar(&mut self, op: Op, args: &[Place]) -> Option<Place> {
        let mut lanes = [Lane::M(false); MAX_OPERANDS];
        if !op.elementwise() || args.len() > lanes.len() {
            return None;
        }
        for (lane, &arg) in lanes.iter_mut().zip(args) {
            *lane = match self.scratch.values[arg.index()] {
                Value::Number(x, _) => Lane::F(x),
                Value::Truth(x, _) => Lane::M(x),
                Value::Block(..) => return None,
            };
        }
        let value = match op.eval_element(self.precision, &lanes[..args.len()]) {
            Lane::F(x) => Value::Number(x, UNTRACED),
            Lane::M(x) => Value::Truth(x, UNTRACED),
        };
        let value = self.record(op, 0, args, value);
        Some(self.push(value))
    }

    /// An operation on anything.
    fn block(&mut self, op: Op, attr: u32, ty: Type, args: &[Place]) -> Place {
        let scratch = &*self.scratch;
        let scalars: Vec<Lane<Scalar>> = args
            .iter()
            .map(|a| match scratch.values[a.index()] {
                Value::Number(x, _) => Lane::F(x),
                Value::Truth(x, _) => Lane::M(x),
                Value::Block(_, first, _) => scratch.elems[first as usize],
            })
            .collect();
        let operands: Vec<Operand<Scalar>> = args
            .iter()
            .zip(&scalars)
            .map(|(a, scalar)| match scratch.values[a.index()] {
                Value::Number(..) => Operand { ty: Type::NUM, elems: std::slice::from_ref(scalar) },
                Value::Truth(..) => Operand { ty: Type::BOOL, elems: std::slice::from_ref(scalar) },
                Value::Block(ty, first, _) => {
                    Operand { ty, elems: &scratch.elems[first as usize..][..ty.len()] }
                }
            })
            .collect();
        let result = op.eval_row(self.precision, attr, ty, &operands);
        let value = match (ty.shape, result.as_slice()) {
            (Shape::Scalar, &[Lane::F(x)]) => Value::Number(x, UNTRACED),
            (Shape::Scalar, &[Lane::M(x)]) => Value::Truth(x, UNTRACED),
            _ => {
                let first = self.scratch.elems.len() as u32;
                self.scratch.elems.extend(result);
                Value::Block(ty, first, UNTRACED)
            }
        };
        let value = self.record(op, attr, args, value);
        self.push(value)
    }

    /// Notes the first watched condition that an operation meets.
    fn watch(&mut self, op: Op, args: &[Place], result: Place) {
        if self.watch == Watch::default() || self.silent > 0 || !op.has_conditions() {
            return;
        }
        let step = self.step;
        self.step += 1;
        // Conditions are not watched themselves, and after the first that is met nothing is.
        let watch = std::mem::take(&mut self.watch);
        for (what, condition) in watch.of(op) {
            let met = condition.build(self, args, result);
            let met = match self.scratch.values[met.index()] {
                Value::Truth(met, _) => met,
                Value::Number(..) => false,
                Value::Block(ty, first, _) => {
                    self.scratch.elems[first as usize..][..ty.len()].iter().any(|met| met.m())
                }
            };
            if met {
                self.scratch.noted = Some((self.span, Reason::Met { what, op, step }));
                self.scratch.noted_in = self.scratch.under_way().collect();
                return;
            }
        }
        self.watch = watch;
    }
}

impl Algebra for Machine<'_> {
    type V = Place;

    fn ty(&self, value: Place) -> Type {
        self.type_of(self.scratch.values[value.index()])
    }

    fn number(&mut self, value: f64) -> Place {
        self.push(Value::Number(self.precision.round(value), LITERAL))
    }

    fn truth_value(&mut self, value: bool) -> Place {
        self.push(Value::Truth(value, LITERAL))
    }

    /// Whether a number is known before the rows is none of an interpreter's business ([`Machine::part`]), but for rules of
    /// derivatives that are another formula then.
    fn constant(&self, value: Place) -> Option<f64> {
        match self.scratch.values[value.index()] {
            Value::Number(x, LITERAL) if self.in_rule => Some(x),
            Value::Number(..) | Value::Truth(..) | Value::Block(..) => None,
        }
    }

    /// A program whose sizes are not constant is refused before it runs, so here they are what they are.
    fn size(&self, value: Place) -> Option<f64> {
        match self.scratch.values[value.index()] {
            Value::Number(x, _) => Some(x),
            Value::Truth(x, _) => Some(f64::from(u8::from(x))),
            Value::Block(..) => None,
        }
    }

    fn apply_real(&mut self, op: Op, args: &[Place]) -> Result<Place, ShapeError> {
        if let Some(node) = self.scalar(op, args) {
            self.watch(op, args, node);
            return Ok(node);
        }
        let types: Vec<Type> = args.iter().map(|&a| self.ty(a)).collect();
        let ty = op.result_type(&types)?;
        Ok(self.apply_typed(op, 0, ty, args))
    }

    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Place]) -> Place {
        let node = match self.scalar(op, args) {
            Some(node) => node,
            None => self.block(op, attr, ty, args),
        };
        self.watch(op, args, node);
        node
    }

    fn require(&mut self, what: Requirement, values: &[Place]) {
        let numbers = |place: &Place| -> Vec<f64> {
            match self.scratch.values[place.index()] {
                Value::Number(x, _) => vec![x],
                Value::Truth(x, _) => vec![f64::from(u8::from(x))],
                Value::Block(ty, first, _) => {
                    self.scratch.elems[first as usize..][..ty.len()].iter().map(|lane| lane.f()).collect()
                }
            }
        };
        let holds = match (what, values) {
            (Requirement::Count, [n]) => numbers(n)[0] >= 0.0 && numbers(n)[0].fract() == 0.0,
            (Requirement::Increasing, [before, behind]) => {
                !numbers(before).iter().zip(numbers(behind)).any(|(before, behind)| behind <= *before)
            }
            (Requirement::Count | Requirement::Increasing, _) => {
                unreachable!("{what:?} of {} values", values.len())
            }
        };
        if !holds {
            self.failed.get_or_insert(Reason::Unmet(what));
        }
    }

    fn part(&mut self, whole: Place, index: Place, count: u32, ty: Type) -> Place {
        let at = match self.scratch.values[index.index()] {
            Value::Number(x, _) if x.fract() == 0.0 && x >= 0.0 && x < f64::from(count) => x as u32,
            Value::Number(..) | Value::Truth(..) | Value::Block(..) => {
                // The first reason counts; whatever stands here is not used.
                self.failed.get_or_insert(Reason::Index { len: count });
                0
            }
        };
        self.apply_typed(Op::Slice, at * ty.len() as u32, ty, &[whole])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_entries_are_small() {
        assert_eq!(size_of::<Value>(), 24);
        assert_eq!(size_of::<Work>(), 16);
    }
}
