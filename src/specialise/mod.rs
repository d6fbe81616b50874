//! Functions as operands and results → a first-order program.
//!
//! The program is evaluated as far as functions go: what is known of a value is whether it is a function and, if so, which
//! one with which captured values ([`values`]). A call whose operands are functions becomes a call of a *specialised*
//! function, which does not have those parameters; equal calls, captured values included, share one. What a function captures
//! are variables around it in the first-order program as well, so that later stages close specialised functions like all
//! others. A call that gives a function has no place in a first-order program: its body is evaluated where it is called,
//! and what it computes on the way is bound around the expression that calls the function.
//!
//! Derivatives become [`Kind::Derive`] nodes of specialised functions of numbers. That `(D f)` is a function makes it one of the
//! program, with the parameters of f and such a node as its body, where it has to be one.
//!
//! * [`values`]: functions as values, each known by a number;
//! * `constants`: conditions that are known;
//! * `usage`: which variables are called, and which functions may give functions.
//!
//! A program in which no function is a value passes as it is.
//!
//! **Invariant**: no function is a value afterwards, and specialisations are as many as there are different combinations.
//!
//! **Boundary**: knows no numbers but those that choose a function, and no shapes.

mod constants;
mod usage;
mod values;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use self::usage::Usage;
use self::values::{Binding, Closure, Code, Fun, Values};
use crate::ast::Expr;
use crate::entity::{Entity, EntityVec};
use crate::files::Files;
use crate::names::{FuncId, Var, VarInfo};
use crate::number::Literal;
use crate::problem::{Problem, ProblemKind, User};
use crate::resolve::analyse::analyse;
use crate::resolve::names::{Form, Known, Last, Node, Scoped, scope};
use crate::resolve::{CallKind, Derivative, DeriveForm, FirstOrder, Function, Kind, Resolved};
use crate::source::{MAX_DIAGNOSTICS, Span};

/// How many calls that give functions may be under way at the same time.
const MAX_NESTED: usize = 2_000;

/// How many calls with functions are shown on the way to what is wrong.
const MAX_CHAIN: usize = 8;

/// Stack that a level of nesting needs at most, and how much more there will be.
const STACK_LEFT: usize = 128 << 10;
const STACK_MORE: usize = 2 << 20;

/// Resolves a program, and makes at most so many specialisations of its functions. Places of
/// its sources end before `end`, where those of the library begin.
///
/// # Errors
///
/// Unknown functions, wrong numbers of operands, functions used as numbers or stored, values used before their definition,
/// `recur` where its value is used; each with its place.
pub(crate) fn resolve(files: &Files, end: u32, specialisations: usize) -> Result<Resolved, Vec<Problem>> {
    let scoped = scope(files, end)?;
    let program = specialise(scoped, specialisations)?;
    analyse(files, program)
}

/// Makes a first-order program, with at most so many specialisations.
///
/// # Errors
///
/// Functions used as numbers, stored, or chosen by a condition; numbers called; wrong numbers of operands; specialisation
/// without end. Each with its place, and the calls that lead there.
fn specialise(scoped: Scoped, limit: usize) -> Result<FirstOrder, Vec<Problem>> {
    if !scoped.higher {
        return Ok(unchanged(scoped));
    }
    let usage = Usage::of(&scoped).map_err(|problem| vec![problem])?;
    let mut specialiser = Specialiser::new(&scoped, usage, limit);
    specialiser.program();
    specialiser.finish()
}

fn function(name: String, span: Span, params: Vec<Var>, body: Expr) -> Function {
    let captures = Vec::new();
    let carried = Vec::new();
    Function { name, span, params, captures, body, recursive: false, group: None, entered: false, carried }
}

/// A program without functions as values.
fn unchanged(scoped: Scoped) -> FirstOrder {
    let around = empty(&scoped);
    // In the memory of the nodes.
    let kinds = scoped.nodes.into_values().map(|node| match node {
        Node::Number(literal) => Kind::Number(literal),
        Node::Var(var) => Kind::Var(var),
        Node::Primitive(primitive, args) => Kind::Primitive(primitive, args),
        Node::Call(id, args) => Kind::Call(id, args, CallKind::Inline),
        Node::If(condition, then, other) => Kind::If(condition, then, other),
        Node::Let(bindings, body) => Kind::Let(bindings, body),
        Node::Function(_) | Node::Apply(..) | Node::Form(..) => {
            unreachable!("functions are no values in this program")
        }
    });
    let kinds = kinds.collect();
    let functions = scoped.functions.into_values();
    let functions = functions.map(|f| function(f.name, f.span, f.params, f.body)).collect();
    let last = scoped.last.map(|last| match last {
        Last::Function(id) => id,
        Last::Value(_) => unreachable!("it is found out whether the value is a function"),
    });
    let resolved = Resolved {
        kinds,
        spans: scoped.spans,
        vars: scoped.vars,
        functions,
        globals: scoped.globals,
        results: scoped.results,
        ..around
    };
    FirstOrder { resolved, free: scoped.free, last }
}

/// Nothing but the names of the results.
fn empty(scoped: &Scoped) -> Resolved {
    Resolved {
        kinds: EntityVec::new(),
        spans: EntityVec::new(),
        vars: EntityVec::new(),
        numbered: HashMap::new(),
        functions: EntityVec::new(),
        order: Vec::new(),
        groups: Vec::new(),
        inputs: Vec::new(),
        globals: Vec::new(),
        result_names: scoped.result_names.clone(),
        results: Vec::new(),
        warnings: scoped.warnings.clone(),
        library: scoped.library,
    }
}

/// What is known of the value of an expression.
#[derive(Debug, Clone, Copy)]
enum Value {
    /// It is a number, vector or matrix, which this expression of the first-order program computes.
    Number(Expr),
    /// It is this function.
    Function(Fun),
}

/// A specialised function that is not made yet.
struct Wanted {
    id: FuncId,
    fun: Fun,
    statics: Vec<Option<Fun>>,
}

/// A combination of a function and the functions among its operands.
type Key = (Fun, Vec<Option<Fun>>);

/// From where a specialisation came to be.
#[derive(Clone, Copy)]
struct Cause {
    call: Span,
    within: Option<FuncId>,
}

/// How much there was at a time.
struct Mark {
    kinds: usize,
    vars: usize,
    functions: usize,
    log: usize,
    wanted: usize,
    errors: usize,
    prefix: usize,
}

struct Specialiser<'a> {
    scoped: &'a Scoped,
    usage: Usage,
    values: Values,
    limit: usize,
    /// What the variables of the program stand for where the evaluation is.
    env: EntityVec<Var, Option<Binding>>,
    /// Variables whose values are still to come, and what they are in the program.
    pending: BTreeMap<Var, Var>,
    /// Those of them that something uses already, and where.
    early: BTreeMap<Var, Span>,
    made: HashMap<Key, FuncId>,
    /// The keys of `made` in the order in which they were added.
    log: Vec<Key>,
    causes: EntityVec<FuncId, Cause>,
    wanted: VecDeque<Wanted>,
    /// Combinations, but for captured numbers, whose calls give functions.
    gives_functions: HashSet<(FuncId, Vec<Option<u32>>, u32)>,
    /// Bindings that the next expression to be completed stands in.
    prefix: Vec<(Var, Expr)>,
    /// Which specialised function is being made.
    within: Option<FuncId>,
    /// Calls under way that are evaluated in place.
    inlined: Vec<(FuncId, Span)>,
    nested: usize,
    count: usize,
    /// What stands in the place of what is wrong: nothing more is said about it.
    holes: BTreeSet<Expr>,
    /// Whether there is no use in going on.
    stopped: bool,
    /// Free variables that are used as numbers.
    used: HashSet<Var>,
    free: HashMap<Var, Var>,
    errors: Vec<Problem>,
    out: Resolved,
}

/// The function that a variable stands for.
fn as_function(binding: Option<Binding>) -> Option<Fun> {
    match binding {
        Some(Binding::Fun(fun)) => Some(fun),
        Some(Binding::Var(_) | Binding::Number(_)) | None => None,
    }
}

impl<'a> Specialiser<'a> {
    fn new(scoped: &'a Scoped, usage: Usage, limit: usize) -> Specialiser<'a> {
        let mut specialiser = Specialiser {
            scoped,
            usage,
            values: Values::default(),
            limit,
            env: EntityVec::filled(None, scoped.vars.len()),
            pending: BTreeMap::new(),
            early: BTreeMap::new(),
            made: HashMap::new(),
            log: Vec::new(),
            causes: EntityVec::new(),
            wanted: VecDeque::new(),
            gives_functions: HashSet::new(),
            prefix: Vec::new(),
            within: None,
            inlined: Vec::new(),
            nested: 0,
            count: 0,
            holes: BTreeSet::new(),
            stopped: false,
            used: HashSet::new(),
            free: HashMap::new(),
            errors: Vec::new(),
            out: empty(scoped),
        };
        for &(_, var) in &scoped.free {
            let new = specialiser.variable(var);
            specialiser.free.insert(var, new);
            specialiser.env[var] = Some(Binding::Var(new));
        }
        for &(var, _) in &scoped.globals {
            specialiser.announce(var);
        }
        specialiser
    }

    // Making parts of the first-order program.

    fn push(&mut self, kind: Kind, span: Span) -> Expr {
        self.out.spans.push(span);
        self.out.kinds.push(kind)
    }

    /// Something in the place of what is wrong.
    fn hole(&mut self, span: Span) -> Value {
        let hole = self.push(Kind::Number(Literal::ZERO), span);
        self.holes.insert(hole);
        Value::Number(hole)
    }

    /// A new variable for one of the program.
    fn variable(&mut self, var: Var) -> Var {
        self.out.vars.push(self.scoped.vars[var].clone())
    }

    fn error(&mut self, span: Span, kind: ProblemKind) {
        if self.errors.len() >= MAX_DIAGNOSTICS || self.stopped {
            return;
        }
        // In specialisations of one text the same is wrong once.
        if self.errors.iter().any(|problem| problem.span == span && problem.kind == kind) {
            return;
        }
        let mut via: Vec<Span> = self.inlined.iter().rev().map(|&(_, call)| call).collect();
        let mut within = self.within;
        while let Some(id) = within
            && via.len() < MAX_CHAIN
        {
            let cause = self.causes[id];
            via.push(cause.call);
            within = cause.within;
        }
        // A call that it stands in says nothing more.
        via.retain(|&call| call.start > span.start || span.end > call.end);
        via.dedup();
        via.truncate(MAX_CHAIN);
        self.errors.push(Problem { span, kind, via });
    }

    fn mark(&self) -> Mark {
        Mark {
            kinds: self.out.kinds.len(),
            vars: self.out.vars.len(),
            functions: self.out.functions.len(),
            log: self.log.len(),
            wanted: self.wanted.len(),
            errors: self.errors.len(),
            prefix: self.prefix.len(),
        }
    }

    /// Forgets everything that was made since then. Functions as values are known by what they are, so that they may stay.
    fn forget(&mut self, mark: &Mark) {
        self.out.kinds.truncate(mark.kinds);
        self.out.spans.truncate(mark.kinds);
        self.out.vars.truncate(mark.vars);
        self.out.functions.truncate(mark.functions);
        self.causes.truncate(mark.functions);
        for key in self.log.drain(mark.log..) {
            self.made.remove(&key);
        }
        self.wanted.truncate(mark.wanted);
        self.errors.truncate(mark.errors);
        self.prefix.truncate(mark.prefix);
        let (expr, var) = (Expr::from_index(mark.kinds), Var::from_index(mark.vars));
        self.holes.split_off(&expr);
        self.early.split_off(&var);
        self.pending.split_off(&var);
    }

    // The program.

    fn program(&mut self) {
        for (k, &(var, value)) in self.scoped.globals.iter().enumerate() {
            match self.scoped.nodes[value] {
                // A number of the library is no constant of the program, which a caller could change.
                Node::Number(literal) if k < self.scoped.library_globals => {
                    self.env[var] = Some(Binding::Number(literal.into()));
                }
                _ => self.global(var, value),
            }
        }
        for &result in &self.scoped.results {
            let result = self.number(result, User::Result);
            self.out.results.push(result);
        }
        while let Some(wanted) = self.wanted.pop_front() {
            if self.stopped {
                break;
            }
            self.make(wanted);
        }
    }

    /// The value of a variable at the top.
    fn global(&mut self, var: Var, value: Expr) {
        let before = self.prefix.len();
        match self.operand(value, self.usage.called[var]) {
            Value::Number(expr) => {
                let new = self.becomes_number(var);
                self.out.globals.push((new, expr));
            }
            Value::Function(fun) => {
                let bindings = self.prefix.split_off(before);
                self.out.globals.extend(bindings);
                self.becomes_function(var, fun);
            }
        }
    }

    fn finish(mut self) -> Result<FirstOrder, Vec<Problem>> {
        let last = match self.scoped.last {
            None => None,
            Some(Last::Function(id)) => {
                let fun = self.closure(id);
                let params = self.scoped.functions[id].params.len();
                self.last_function(fun, params)
            }
            Some(Last::Value(var)) => match self.env[var] {
                Some(Binding::Fun(fun)) => {
                    let params = self.arity(fun).map_or(1, |(least, most)| most.unwrap_or(least.max(1)));
                    self.last_function(fun, params)
                }
                Some(Binding::Var(_) | Binding::Number(_)) | None => {
                    let info = &self.scoped.vars[var];
                    let kind = ProblemKind::EndsInValue { name: info.name.to_string() };
                    self.error(info.span, kind);
                    None
                }
            },
        };
        while let Some(wanted) = self.wanted.pop_front() {
            if self.stopped {
                break;
            }
            self.make(wanted);
        }
        let mut free = Vec::new();
        for &(span, var) in &self.scoped.free {
            let known = self.scoped.known.contains_key(&var);
            if !known || self.used.contains(&var) {
                free.push((span, self.free[&var]));
            }
        }
        if let Some(id) = last {
            let function = &self.out.functions[id];
            let mut errors = Vec::new();
            for &(span, var) in &free {
                let name = &self.out.vars[var].name;
                let same = function.params.iter().find(|&&param| self.out.vars[param].name == *name);
                if let Some(&param) = same {
                    let (name, function) = (name.clone(), function.name.clone());
                    let param = self.out.vars[param].span;
                    errors.push((span, ProblemKind::TwoInputs { name: name.into(), param, function }));
                }
            }
            errors.into_iter().for_each(|(span, kind)| self.error(span, kind));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(FirstOrder { resolved: self.out, free, last })
    }

    fn last_function(&mut self, fun: Fun, params: usize) -> Option<FuncId> {
        let span = self.values.span(self.scoped, fun).unwrap_or_default();
        self.function_of_numbers(fun, params, span)
    }

    // Variables.

    /// A variable for a value that is still to come: what uses it before takes it for a number.
    fn announce(&mut self, var: Var) {
        let new = self.variable(var);
        self.pending.insert(new, var);
        self.env[var] = Some(Binding::Var(new));
    }

    /// A value turns out to be a number.
    fn becomes_number(&mut self, var: Var) -> Var {
        let Some(Binding::Var(new)) = self.env[var] else { unreachable!("the variable is announced") };
        self.pending.remove(&new);
        new
    }

    /// A value turns out to be a function.
    fn becomes_function(&mut self, var: Var, fun: Fun) {
        if let Some(Binding::Var(new)) = self.env[var] {
            self.pending.remove(&new);
            if let Some(used) = self.early.remove(&new) {
                let info = &self.scoped.vars[var];
                let kind = ProblemKind::BeforeDefinition { name: info.name.to_string(), defined: info.span };
                self.error(used, kind);
            }
        }
        self.env[var] = Some(Binding::Fun(fun));
    }

    /// What a variable stands for.
    fn lookup(&mut self, var: Var, span: Span) -> Binding {
        let Some(binding) = self.env[var] else { unreachable!("variables are bound where they are used") };
        if let Binding::Var(new) = binding
            && self.pending.contains_key(&new)
        {
            self.early.entry(new).or_insert(span);
        }
        binding
    }

    /// A function of the program as a value here.
    fn closure(&mut self, id: FuncId) -> Fun {
        let free = std::mem::take(&mut self.usage.free[id]);
        let span = self.scoped.functions[id].span;
        let env = free.iter().map(|&var| self.lookup(var, span)).collect();
        self.usage.free[id] = free;
        self.values.intern(Closure { code: Code::Function(id), env })
    }

    /// The function that a free name is.
    fn known(&mut self, known: Known) -> Fun {
        match known {
            Known::Primitive(primitive) => self.values.code(Code::Primitive(primitive)),
            Known::Form(form) => self.values.code(Code::Form(form)),
            Known::Function(id) => self.closure(id),
        }
    }

    // Evaluation.

    /// Puts what was bound since then around an expression.
    fn enclose(&mut self, before: usize, expr: Expr) -> Expr {
        if self.prefix.len() == before {
            return expr;
        }
        let bindings = self.prefix.split_off(before);
        let span = self.out.spans[expr];
        self.push(Kind::Let(bindings.into(), expr), span)
    }

    /// The value of an expression whose bindings are around it if it is a number.
    fn value(&mut self, expr: Expr) -> Value {
        let before = self.prefix.len();
        match self.evaluate(expr) {
            Value::Number(number) => Value::Number(self.enclose(before, number)),
            Value::Function(fun) => Value::Function(fun),
        }
    }

    /// An expression that has to be a number.
    fn number(&mut self, expr: Expr, by: User) -> Expr {
        let before = self.prefix.len();
        match self.value(expr) {
            Value::Number(number) => number,
            Value::Function(fun) => {
                self.prefix.truncate(before);
                let span = self.scoped.spans[expr];
                let kind = ProblemKind::FunctionAsNumber {
                    function: self.values.name(self.scoped, fun),
                    defined: self.values.span(self.scoped, fun),
                    by,
                };
                self.error(span, kind);
                self.push(Kind::Number(Literal::ZERO), span)
            }
        }
    }

    fn numbers(&mut self, exprs: &[Expr], by: &User) -> Vec<Expr> {
        exprs.iter().map(|&expr| self.number(expr, by.clone())).collect()
    }

    /// An operand of a parameter that is called, if `called`: there the free name of a function is that function, by itself or as
    /// what a choice comes to.
    fn operand(&mut self, expr: Expr, called: bool) -> Value {
        if !called {
            return self.value(expr);
        }
        if let Some(known) = self.name_of_function(expr) {
            return Value::Function(self.known(known));
        }
        let Node::If(condition, then, other) = self.scoped.nodes[expr] else { return self.value(expr) };
        let (before, span) = (self.prefix.len(), self.scoped.spans[expr]);
        let chosen =
            stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.choice(condition, then, other, true, span));
        match chosen {
            Value::Number(number) => Value::Number(self.enclose(before, number)),
            Value::Function(fun) => Value::Function(fun),
        }
    }

    /// The function whose name an expression is, if nothing binds that.
    fn name_of_function(&self, expr: Expr) -> Option<Known> {
        let Node::Var(var) = self.scoped.nodes[expr] else { return None };
        self.scoped.known.get(&var).copied()
    }

    /// Whether a function with these operands, as far as they are known, calls the one at a position, by itself or by way of the
    /// functions that it hands it to.
    fn calls_operand(&self, fun: Fun, position: usize, operands: &[Option<Value>]) -> bool {
        let mut left = vec![(fun, position)];
        let mut seen = HashSet::new();
        while let Some((fun, position)) = left.pop() {
            if !seen.insert((fun, position)) {
                continue;
            }
            match self.values[fun].code {
                Code::Form(Form::Derivative | Form::Jvp | Form::Vjp) | Code::Partial(_) => {
                    if position == 0 {
                        return true;
                    }
                }
                Code::Form(Form::Partial) | Code::Primitive(_) | Code::Derivative { .. } => {}
                Code::Function(id) => {
                    let params = &self.scoped.functions[id].params;
                    let Some(&param) = params.get(position) else { continue };
                    if self.usage.called[param] {
                        return true;
                    }
                    // What other parameters are is known of the first function only.
                    let given = if seen.len() == 1 { operands } else { &[] };
                    for &(callee, at) in &self.usage.passed[param] {
                        let is_callee = |var: &Var| *var == callee;
                        let own = params.iter().position(is_callee);
                        let captured = self.usage.free[id].iter().position(is_callee);
                        let callee = match (own, captured) {
                            (Some(own), _) => match given.get(own) {
                                Some(Some(Value::Function(fun))) => Some(*fun),
                                Some(Some(Value::Number(_)) | None) | None => None,
                            },
                            (None, Some(captured)) => {
                                as_function(self.values[fun].env.get(captured).copied())
                            }
                            (None, None) => as_function(self.env[callee]),
                        };
                        left.extend(callee.map(|callee| (callee, at)));
                    }
                }
            }
        }
        false
    }

    /// The values of the operands of a function of the program.
    fn operands(&mut self, fun: Fun, id: FuncId, args: &[Expr]) -> Vec<Value> {
        let params = &self.scoped.functions[id].params;
        let mut operands: Vec<Option<Value>> = Vec::with_capacity(args.len());
        for (&param, &arg) in params.iter().zip(args) {
            let called = self.usage.called[param];
            // What such a name is may depend on the other operands.
            let waits = !called && self.name_of_function(arg).is_some();
            operands.push((!waits).then(|| self.operand(arg, called)));
        }
        for position in 0..operands.len() {
            if operands[position].is_none() {
                let called = self.calls_operand(fun, position, &operands);
                operands[position] = Some(self.operand(args[position], called));
            }
        }
        operands.into_iter().flatten().collect()
    }

    /// An operand that has to be a function.
    fn function(&mut self, expr: Expr, form: &'static str) -> Option<Fun> {
        match self.operand(expr, true) {
            Value::Function(fun) => Some(fun),
            Value::Number(number) => {
                if !self.holes.contains(&number) {
                    self.error(self.scoped.spans[expr], ProblemKind::NoFunction { form });
                }
                None
            }
        }
    }

    /// The value of an expression. What it binds is in `prefix`.
    fn evaluate(&mut self, expr: Expr) -> Value {
        stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.evaluate_one(expr))
    }

    fn evaluate_one(&mut self, expr: Expr) -> Value {
        let scoped = self.scoped;
        let span = scoped.spans[expr];
        if self.stopped {
            return self.hole(span);
        }
        match &scoped.nodes[expr] {
            Node::Number(literal) => Value::Number(self.push(Kind::Number(*literal), span)),
            Node::Var(var) => {
                if scoped.known.contains_key(var) {
                    self.used.insert(*var);
                }
                match self.lookup(*var, span) {
                    Binding::Var(new) => Value::Number(self.push(Kind::Var(new), span)),
                    Binding::Number(literal) => {
                        Value::Number(self.push(Kind::Number(literal.literal()), span))
                    }
                    Binding::Fun(fun) => Value::Function(fun),
                }
            }
            Node::Function(id) => Value::Function(self.closure(*id)),
            Node::Primitive(primitive, args) => {
                let args = self.numbers(args, &User::Call(primitive.name().to_string()));
                Value::Number(self.push(Kind::Primitive(*primitive, args.into()), span))
            }
            Node::Call(id, args) => {
                let fun = self.closure(*id);
                self.call(fun, args, span)
            }
            Node::Apply(head, args) => {
                let before = self.prefix.len();
                match self.operand(*head, true) {
                    Value::Function(fun) => self.call(fun, args, span),
                    Value::Number(number) => {
                        self.prefix.truncate(before);
                        self.number_called(*head, number);
                        self.hole(span)
                    }
                }
            }
            Node::Form(form, args) => self.form(*form, args, span),
            &Node::If(condition, then, other) => self.choice(condition, then, other, false, span),
            Node::Let(bindings, body) => self.bindings(bindings, *body, span),
        }
    }

    /// Says that a number is called.
    fn number_called(&mut self, head: Expr, number: Expr) {
        if self.holes.contains(&number) {
            return;
        }
        let span = self.scoped.spans[head];
        let kind = match (&self.scoped.nodes[head], &self.out.kinds[number]) {
            (Node::Var(var), Kind::Var(new)) => {
                if let Some(&var) = self.pending.get(new) {
                    // That it is a function is known too late.
                    let used = self.early.remove(new).unwrap_or(span);
                    let info = &self.scoped.vars[var];
                    let kind =
                        ProblemKind::BeforeDefinition { name: info.name.to_string(), defined: info.span };
                    return self.error(used, kind);
                }
                let info = &self.scoped.vars[*var];
                let (name, defined) = (info.name.clone(), info.span);
                match self.scoped.last {
                    Some(Last::Function(id)) if self.scoped.functions[id].params.contains(var) => {
                        ProblemKind::InputCalled { name: name.into(), defined }
                    }
                    _ => ProblemKind::ValueCalled { name: name.into(), defined },
                }
            }
            (Node::Var(var), _) => {
                let info = &self.scoped.vars[*var];
                ProblemKind::ValueCalled { name: info.name.to_string(), defined: info.span }
            }
            _ => ProblemKind::NumberCalled,
        };
        self.error(span, kind);
    }

    /// The value of a choice, whose arms are [operands](Self::operand).
    fn choice(&mut self, condition: Expr, then: Expr, other: Expr, called: bool, span: Span) -> Value {
        let before = self.prefix.len();
        let condition = self.number(condition, User::Condition);
        if let Some(known) = self.constant(condition) {
            let arm = if known != 0.0 { then } else { other };
            return if called { self.operand(arm, true) } else { self.evaluate(arm) };
        }
        let then = match self.operand(then, called) {
            Value::Number(then) => then,
            Value::Function(fun) => return self.function_chosen(fun, span),
        };
        let other = match self.operand(other, called) {
            Value::Number(other) => other,
            Value::Function(fun) => return self.function_chosen(fun, span),
        };
        debug_assert_eq!(self.prefix.len(), before, "numbers have their bindings around them");
        Value::Number(self.push(Kind::If(condition, then, other), span))
    }

    fn function_chosen(&mut self, fun: Fun, span: Span) -> Value {
        self.error(span, ProblemKind::FunctionChosen);
        Value::Function(fun)
    }

    fn bindings(&mut self, bindings: &[(Var, Expr)], body: Expr, span: Span) -> Value {
        let before = self.prefix.len();
        let around: Vec<Option<Binding>> = bindings.iter().map(|&(var, _)| self.env[var]).collect();
        bindings.iter().for_each(|&(var, _)| self.announce(var));
        for &(var, value) in bindings {
            match self.operand(value, self.usage.called[var]) {
                Value::Number(number) => {
                    let new = self.becomes_number(var);
                    self.prefix.push((new, number));
                }
                Value::Function(fun) => self.becomes_function(var, fun),
            }
        }
        let value = match self.evaluate(body) {
            Value::Number(number) if self.prefix.len() > before => {
                let bindings = self.prefix.split_off(before);
                Value::Number(self.push(Kind::Let(bindings.into(), number), span))
            }
            value => value,
        };
        for (&(var, _), around) in bindings.iter().zip(around) {
            self.env[var] = around;
        }
        value
    }

    /// The value of a number, if it is written or follows from what is.
    fn constant(&self, expr: Expr) -> Option<f64> {
        match &self.out.kinds[expr] {
            Kind::Number(literal) => Some(literal.f64),
            Kind::Primitive(primitive, args) => {
                let known: Option<Vec<f64>> = args.iter().map(|&arg| self.constant(arg)).collect();
                constants::value(*primitive, &known?)
            }
            Kind::Var(_) | Kind::Call(..) | Kind::Derive(..) | Kind::If(..) | Kind::Let(..) => None,
        }
    }

    // Calls.

    /// How many operands a function takes; nothing for one that takes functions only.
    fn arity(&self, fun: Fun) -> Option<(usize, Option<usize>)> {
        match self.values[fun].code {
            Code::Function(id) => {
                let count = self.scoped.functions[id].params.len();
                Some((count, Some(count)))
            }
            Code::Primitive(primitive) => Some((primitive.arity().min, primitive.arity().max)),
            Code::Derivative { whole: true, .. } => Some((1, Some(1))),
            Code::Derivative { of, .. } => self.arity(of),
            Code::Form(_) | Code::Partial(_) => None,
        }
    }

    fn call(&mut self, fun: Fun, args: &[Expr], span: Span) -> Value {
        if let Some((least, most)) = self.arity(fun)
            && (args.len() < least || most.is_some_and(|most| args.len() > most))
        {
            let kind = ProblemKind::ValueArity {
                function: self.values.name(self.scoped, fun),
                least,
                most,
                given: args.len(),
                defined: self.values.span(self.scoped, fun),
            };
            self.error(span, kind);
            return self.hole(span);
        }
        match self.values[fun].code {
            Code::Function(id) => {
                let operands = self.operands(fun, id, args);
                self.invoke(fun, id, operands, span)
            }
            Code::Primitive(primitive) => {
                let args = self.numbers(args, &User::Call(primitive.name().to_string()));
                Value::Number(self.push(Kind::Primitive(primitive, args.into()), span))
            }
            Code::Form(form) => {
                let (given, least) = (args.len(), form.operands());
                if given == least {
                    return self.form(form, args, span);
                }
                let function = self.values.name(self.scoped, fun);
                let kind =
                    ProblemKind::ValueArity { function, least, most: Some(least), given, defined: None };
                self.error(span, kind);
                self.hole(span)
            }
            Code::Partial(param) => {
                let &[of] = args else {
                    let function = self.values.name(self.scoped, fun);
                    let (least, most, given) = (1, Some(1), args.len());
                    self.error(span, ProblemKind::ValueArity { function, least, most, given, defined: None });
                    return self.hole(span);
                };
                match self.function(of, Form::Partial.name()) {
                    Some(of) => self.derivative(of, param, false, span),
                    None => self.hole(span),
                }
            }
            Code::Derivative { of, param, .. } => {
                let args = self.numbers(args, &User::Call(self.values.name(self.scoped, fun)));
                self.derive(DeriveForm::Derivative { param }, of, args.len(), args, span)
            }
        }
    }

    fn form(&mut self, form: Form, args: &[Expr], span: Span) -> Value {
        match (form, args) {
            (Form::Derivative, &[of]) => match self.function(of, form.name()) {
                Some(of) => self.derivative(of, 0, true, span),
                None => self.hole(span),
            },
            (Form::Partial, &[index]) => {
                let number = self.number(index, User::Call(form.name().to_string()));
                let param = self.constant(number).filter(|k| k.fract() == 0.0 && (0.0..65536.0).contains(k));
                match param {
                    Some(param) => Value::Function(self.values.code(Code::Partial(param as u32))),
                    None => {
                        if !self.holes.contains(&number) {
                            self.error(self.scoped.spans[index], ProblemKind::PartialIndex);
                        }
                        self.hole(span)
                    }
                }
            }
            (Form::Jvp | Form::Vjp, &[of, point, direction]) => {
                let of = self.function(of, form.name());
                let args = self.numbers(&[point, direction], &User::Call(form.name().to_string()));
                let Some(of) = of else { return self.hole(span) };
                if !self.takes(of, 1) {
                    return self.wrong_derivative(form.name().to_string(), of, span);
                }
                let derivative = if form == Form::Jvp { DeriveForm::Jvp } else { DeriveForm::Vjp };
                self.derive(derivative, of, 1, args, span)
            }
            (Form::Derivative | Form::Partial | Form::Jvp | Form::Vjp, _) => {
                unreachable!("the operands of forms are counted before")
            }
        }
    }

    fn takes(&self, fun: Fun, count: usize) -> bool {
        self.arity(fun).is_some_and(|(least, most)| count >= least && most.is_none_or(|most| count <= most))
    }

    /// The derivative of a function as a function: by its only argument, if `whole`.
    fn derivative(&mut self, of: Fun, param: u32, whole: bool, span: Span) -> Value {
        let Some((_, most)) = self.arity(of) else {
            let function = self.values.name(self.scoped, of);
            self.error(span, ProblemKind::DerivativeOfFunctions { function });
            return self.hole(span);
        };
        if whole && !self.takes(of, 1) {
            return self.wrong_derivative("D".to_string(), of, span);
        }
        if most.is_some_and(|most| param as usize >= most) {
            return self.wrong_derivative(param.to_string(), of, span);
        }
        Value::Function(self.values.code(Code::Derivative { of, param, whole }))
    }

    fn wrong_derivative(&mut self, form: String, of: Fun, span: Span) -> Value {
        let kind = ProblemKind::DerivativeArity {
            form,
            function: self.values.name(self.scoped, of),
            defined: self.values.span(self.scoped, of),
            params: self.arity(of).map_or(0, |(least, most)| most.unwrap_or(least)),
        };
        self.error(span, kind);
        self.hole(span)
    }

    /// A derivative of a function of so many numbers, at these operands.
    fn derive(&mut self, form: DeriveForm, of: Fun, params: usize, args: Vec<Expr>, span: Span) -> Value {
        match self.function_of_numbers(of, params, span) {
            Some(function) => {
                let derivative = Derivative { form, function, args: args.into() };
                Value::Number(self.push(Kind::Derive(Box::new(derivative)), span))
            }
            None => self.hole(span),
        }
    }

    /// The function of the first-order program that takes so many numbers and gives numbers.
    fn function_of_numbers(&mut self, fun: Fun, params: usize, span: Span) -> Option<FuncId> {
        match self.specialised(fun, vec![None; params], span) {
            Some(id) => Some(id),
            None => {
                if !self.stopped {
                    let function = self.values.name(self.scoped, fun);
                    self.error(span, ProblemKind::DerivativeOfFunctions { function });
                }
                None
            }
        }
    }

    /// A call of a function of the program.
    fn invoke(&mut self, fun: Fun, id: FuncId, operands: Vec<Value>, span: Span) -> Value {
        let statics: Vec<Option<Fun>> = operands
            .iter()
            .map(|operand| match operand {
                Value::Function(fun) => Some(*fun),
                Value::Number(_) => None,
            })
            .collect();
        if let Some(callee) = self.specialised(fun, statics, span) {
            let numbers = operands
                .into_iter()
                .filter_map(|operand| match operand {
                    Value::Number(number) => Some(number),
                    Value::Function(_) => None,
                })
                .collect();
            return Value::Number(self.push(Kind::Call(callee, numbers, CallKind::Inline), span));
        }
        if self.stopped {
            return self.hole(span);
        }
        self.in_place(fun, id, operands, span)
    }

    /// The specialised function of a combination; nothing if it gives functions.
    fn specialised(&mut self, fun: Fun, statics: Vec<Option<Fun>>, span: Span) -> Option<FuncId> {
        let key: Key = (fun, statics);
        if let Some(&made) = self.made.get(&key) {
            return Some(made);
        }
        let Code::Function(id) = self.values[fun].code else {
            return Some(self.want(key, span));
        };
        let env = &self.values[fun].env;
        let functions = key.1.iter().any(Option::is_some) || env.iter().any(|b| matches!(b, Binding::Fun(_)));
        if !self.usage.may_give_function(id, functions) {
            return Some(self.want(key, span));
        }
        let outline = key.1.iter().map(|f| f.map(|f| self.values.outline(f))).collect();
        let outline = (id, outline, self.values.outline(fun));
        if self.gives_functions.contains(&outline) {
            return None;
        }
        // Whether it gives a function is known when it has been made.
        if self.nested >= MAX_NESTED {
            self.too_deep(id, span);
            return None;
        }
        let mark = self.mark();
        let made = self.want(key, span);
        let wanted = self.wanted.pop_back()?;
        self.nested += 1;
        let is_number = self.make(wanted);
        self.nested -= 1;
        if self.stopped || is_number {
            return (!self.stopped).then_some(made);
        }
        self.forget(&mark);
        self.gives_functions.insert(outline);
        None
    }

    fn endless(&mut self, id: FuncId, limit: usize, span: Span) {
        let function = self.scoped.functions[id].name.clone();
        self.error(span, ProblemKind::Endless { function, limit });
        self.stopped = true;
    }

    fn too_deep(&mut self, id: FuncId, span: Span) {
        let function = self.scoped.functions[id].name.clone();
        self.error(span, ProblemKind::NestedFunctions { function, limit: MAX_NESTED });
        self.stopped = true;
    }

    /// A specialised function that is to be made.
    fn want(&mut self, key: Key, span: Span) -> FuncId {
        let (fun, statics) = &key;
        self.count += 1;
        if self.count > self.limit
            && let Code::Function(id) = self.values[*fun].code
        {
            self.endless(id, self.limit, span);
        }
        let name = self.values.name_of_function(self.scoped, *fun);
        let at = self.values.span(self.scoped, *fun).unwrap_or(span);
        let filler = self.push(Kind::Number(Literal::ZERO), at);
        let id = self.out.functions.push(function(name, at, Vec::new(), filler));
        self.causes.push(Cause { call: span, within: self.within });
        self.wanted.push_back(Wanted { id, fun: *fun, statics: statics.clone() });
        self.made.insert(key.clone(), id);
        self.log.push(key);
        id
    }

    /// Makes a specialised function; whether its value is a number.
    fn make(&mut self, wanted: Wanted) -> bool {
        let Wanted { id, fun, statics } = wanted;
        let around = (self.within.replace(id), std::mem::take(&mut self.prefix));
        let inlined = std::mem::take(&mut self.inlined);
        let value = match self.values[fun].code {
            Code::Function(source) => {
                let params = &self.scoped.functions[source].params;
                let bindings = params
                    .iter()
                    .zip(&statics)
                    .map(|(&param, &given)| match given {
                        Some(fun) => Binding::Fun(fun),
                        None => {
                            let new = self.variable(param);
                            self.out.functions[id].params.push(new);
                            Binding::Var(new)
                        }
                    })
                    .collect();
                let value = self.body(fun, source, bindings);
                match value {
                    Value::Number(number) => Value::Number(self.enclose(0, number)),
                    value => value,
                }
            }
            Code::Primitive(primitive) => {
                let args = self.new_params(id, fun, statics.len());
                let span = self.out.functions[id].span;
                Value::Number(self.push(Kind::Primitive(primitive, args.into()), span))
            }
            Code::Derivative { of, param, .. } => {
                let args = self.new_params(id, fun, statics.len());
                let span = self.out.functions[id].span;
                self.derive(DeriveForm::Derivative { param }, of, statics.len(), args, span)
            }
            Code::Form(_) | Code::Partial(_) => unreachable!("a form is no function of numbers"),
        };
        self.inlined = inlined;
        (self.within, self.prefix) = around;
        match value {
            Value::Number(body) => {
                self.out.functions[id].body = body;
                true
            }
            Value::Function(_) => false,
        }
    }

    /// Parameters for a function that has none in the text, and their values.
    fn new_params(&mut self, id: FuncId, fun: Fun, count: usize) -> Vec<Expr> {
        let span = self.out.functions[id].span;
        let infos = self.values.params(self.scoped, fun, count, span);
        let mut args = Vec::with_capacity(count);
        for info in infos {
            let VarInfo { span, .. } = info;
            let new = self.out.vars.push(info);
            self.out.functions[id].params.push(new);
            args.push(self.push(Kind::Var(new), span));
        }
        args
    }

    /// The value of a function's body where its parameters are these.
    fn body(&mut self, fun: Fun, id: FuncId, params: Vec<Binding>) -> Value {
        let function = &self.scoped.functions[id];
        let mut bound: Vec<(Var, Binding)> = function.params.iter().copied().zip(params).collect();
        let captured = self.usage.free[id].iter().copied().zip(self.values[fun].env.iter().copied());
        bound.extend(captured);
        let around: Vec<(Var, Option<Binding>)> =
            bound.iter().map(|&(var, binding)| (var, self.env[var].replace(binding))).collect();
        let value = self.evaluate(function.body);
        for (var, binding) in around {
            self.env[var] = binding;
        }
        value
    }

    /// The value of a call that is evaluated where it stands.
    fn in_place(&mut self, fun: Fun, id: FuncId, operands: Vec<Value>, span: Span) -> Value {
        self.count += 1;
        if self.nested >= MAX_NESTED {
            self.too_deep(id, span);
            return self.hole(span);
        }
        if self.count > self.limit {
            self.endless(id, self.limit, span);
            return self.hole(span);
        }
        let params = &self.scoped.functions[id].params;
        let mut bindings = Vec::with_capacity(operands.len());
        for (&param, operand) in params.iter().zip(operands) {
            bindings.push(match operand {
                Value::Function(fun) => Binding::Fun(fun),
                Value::Number(number) => match self.known_number(number) {
                    Some(known) => known,
                    None => {
                        let new = self.variable(param);
                        self.prefix.push((new, number));
                        Binding::Var(new)
                    }
                },
            });
        }
        self.inlined.push((id, span));
        self.nested += 1;
        let value = self.body(fun, id, bindings);
        self.nested -= 1;
        self.inlined.pop();
        value
    }

    /// A number that needs no variable.
    fn known_number(&self, number: Expr) -> Option<Binding> {
        match &self.out.kinds[number] {
            Kind::Number(literal) => Some(Binding::Number((*literal).into())),
            Kind::Var(var) => Some(Binding::Var(*var)),
            Kind::Primitive(..) => {
                // Small integers are exact in both precisions.
                let value = self.constant(number)?;
                (value.fract() == 0.0 && value.abs() < f64::from(1 << 24))
                    .then(|| Binding::Number(Literal::from(value).into()))
            }
            Kind::Call(..) | Kind::Derive(..) | Kind::If(..) | Kind::Let(..) => None,
        }
    }
}
