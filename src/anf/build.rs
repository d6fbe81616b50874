//! Resolved program → ANF.

use compact_str::format_compact;
use std::collections::{HashMap, HashSet};

use super::{Anf, Atom, Binding, Block, BlockId, End, FuncId, Function, Loop, Operand, Rhs, Var, VarInfo};
use crate::ast::Expr;
use crate::entity::{Entity, EntityVec};
use crate::number::Literal;
use crate::ops::Primitive;
use crate::resolve::{CallKind, Derivative, Group, Kind, Resolved};
use crate::source::Span;

/// What is left to do. An evaluated expression leaves an atom on a stack.
enum Work<'a> {
    Eval(Expr),
    /// Of operands those that are computed, one after the other.
    Each(&'a [Expr]),
    Primitive(Expr, Primitive, &'a [Expr]),
    Call(Expr, FuncId, &'a [Expr]),
    /// The operands of a derivative are there.
    Derive(Expr, &'a Derivative),
    /// The values of the next iteration are there.
    Iterate(Expr, FuncId, &'a [Expr]),
    /// The condition is known: open the first arm.
    Then,
    /// The first arm is done: open the second.
    Else,
    /// Both arms are done.
    Join(Expr),
    Bind(Var),
}

/// Translates a program as it is written: functions that repeat call themselves.
pub fn build(program: &Resolved) -> Anf {
    translate(program, false)
}

/// Translates a program and makes loops of calls in tail position. Only calls that need a stack are left of recursion.
pub fn build_loops(program: &Resolved) -> Anf {
    translate(program, true)
}

fn translate(program: &Resolved, loops: bool) -> Anf {
    let mut builder = Builder {
        program,
        loops,
        around: None,
        recur: None,
        anf: Anf::default(),
        atoms: EntityVec::filled(None, program.vars.len()),
        func_ids: EntityVec::filled(None, program.functions.len()),
        callers: HashMap::new(),
        open: Vec::new(),
        arms: Vec::new(),
        stack: Vec::new(),
        temporaries: EntityVec::new(),
        prefix: prefix(program),
        count: 0,
    };
    builder.run();
    builder.anf
}

struct Builder<'a> {
    program: &'a Resolved,
    /// Whether calls in tail position become loops.
    loops: bool,
    /// The loop being built.
    around: Option<Around<'a>>,
    /// What the block at hand gives the next iteration, if it ends in one.
    recur: Option<Vec<Operand>>,
    anf: Anf,
    /// The atom of each resolved variable in the function at hand.
    atoms: EntityVec<Var, Option<Atom>>,
    func_ids: EntityVec<FuncId, Option<FuncId>>,
    /// For recursive functions of which there are derivatives: functions that call them once.
    callers: HashMap<FuncId, FuncId>,
    /// Blocks being filled, innermost last.
    open: Vec<Vec<Binding>>,
    /// Conditions and finished first arms of the choices being built.
    arms: Vec<(Operand, Option<BlockId>)>,
    stack: Vec<Operand>,
    /// Which variables stand for subexpressions.
    temporaries: EntityVec<Var, bool>,
    /// What their names begin with, and no other names do.
    prefix: String,
    count: usize,
}

/// A loop being built.
struct Around<'a> {
    group: &'a Group,
    /// Which of several functions an iteration is of.
    tag: Option<Var>,
    /// The variables of the loop, in the order of the group's state.
    vars: Vec<Var>,
    /// Where among them the variables of the program stand.
    places: HashMap<Var, usize>,
}

/// As many percent signs as no name of the program begins with.
fn prefix(program: &Resolved) -> String {
    let signs = |name: &str| name.bytes().take_while(|&byte| byte == b'%').count();
    let most = program.vars.values().map(|info| signs(&info.name)).max().unwrap_or(0);
    "%".repeat(most + 1)
}

impl<'a> Builder<'a> {
    fn run(&mut self) {
        let mut computed = self.program.kinds.values().filter(|kind| is_computed(kind)).count();
        self.anf.vars.reserve(self.program.vars.len() + computed);
        let emitted: Vec<FuncId> =
            self.program.order.iter().copied().filter(|&id| self.is_function(id)).collect();
        let called = self.differentiated_recursive(&emitted);
        for (k, &id) in emitted.iter().enumerate() {
            self.func_ids[id] = Some(FuncId::from_index(called.len() + k));
        }
        for id in called {
            self.caller(id);
        }
        for &id in &emitted {
            self.function(id);
        }
        for &input in &self.program.inputs {
            let var = self.variable(input);
            self.anf.inputs.push(var);
        }
        computed -= computed.min(self.count);
        self.open.push(Vec::with_capacity(self.program.globals.len() + computed));
        for &(var, value) in &self.program.globals {
            if let Kind::Number(literal) = *self.program.kind(value) {
                // A named number keeps a variable of its own, so that a caller can make it a parameter.
                let place = self.variable(var);
                self.emit_to(place, Rhs::Constant(literal), self.program.span(value));
            } else {
                self.eval(value);
                let operand = self.pop();
                self.name(var, operand.atom);
            }
        }
        let mut results = Vec::with_capacity(self.program.results.len());
        for &expr in &self.program.results {
            self.eval(expr);
            results.push(self.pop().atom);
        }
        self.anf.result_names = self.program.result_names.clone();
        if let (Some(&result), Some(mut bindings)) = (results.first(), self.open.pop()) {
            bindings.shrink_to_fit();
            self.anf.main = Some(self.anf.blocks.push(Block { bindings, end: End::Value(result) }));
        }
        self.anf.results = results;
    }

    /// The loop whose body a function is.
    fn group(&self, id: FuncId) -> Option<&'a Group> {
        let group = self.program.functions[id].group.filter(|_| self.loops)?;
        self.program.groups.get(group as usize)
    }

    /// Whether a function is left. One that only a loop of several continues in is a part of that loop.
    fn is_function(&self, id: FuncId) -> bool {
        self.program.functions[id].entered || self.group(id).is_none_or(|group| group.members.len() == 1)
    }

    /// The recursive functions of which the program has derivatives.
    fn differentiated_recursive(&self, emitted: &[FuncId]) -> Vec<FuncId> {
        let differentiated: HashSet<FuncId> = self.program.differentiated().collect();
        let recursive = |id: FuncId| self.repeats(id) && differentiated.contains(&id);
        emitted.iter().copied().filter(|&id| recursive(id)).collect()
    }

    /// Whether calls of a function need a stack.
    fn repeats(&self, id: FuncId) -> bool {
        let function = &self.program.functions[id];
        function.recursive || (!self.loops && function.group.is_some())
    }

    /// A function with the parameters of a recursive one, which it calls.
    fn caller(&mut self, id: FuncId) {
        let function = &self.program.functions[id];
        let span = function.span;
        let all = function.params.iter().chain(&function.captures);
        let params: Vec<Var> = all.map(|_| self.temporary(span)).collect();
        let operands = params.iter().map(|&var| Operand { atom: Atom::Var(var), span }).collect();
        let callee = self.func_ids[id].expect("every function has its place");
        self.open.push(Vec::new());
        self.emit(Rhs::Call(callee, operands), span);
        let body = self.close();
        let name = function.name.clone();
        let caller = self.anf.functions.push(Function { name, params, body, recursive: false });
        self.callers.insert(id, caller);
    }

    fn function(&mut self, id: FuncId) {
        let program = self.program;
        let function = &program.functions[id];
        let group = self.group(id);
        let around: Vec<Option<Atom>> = function.captures.iter().map(|&var| self.atoms[var]).collect();
        let params: Vec<Var> =
            function.params.iter().chain(&function.captures).map(|&var| self.variable(var)).collect();
        self.open.push(Vec::new());
        match group {
            Some(group) => self.repeat(id, group, &params),
            None => self.eval(function.body),
        }
        let body = self.close();
        let repeats = self.repeats(id);
        self.anf.functions.push(Function { name: function.name.clone(), params, body, recursive: repeats });
        for (&var, atom) in function.captures.iter().zip(around) {
            self.atoms[var] = atom;
        }
    }

    /// The loop that a function with these parameters begins.
    fn repeat(&mut self, id: FuncId, group: &'a Group, params: &[Var]) {
        let program = self.program;
        let function = &program.functions[id];
        let span = program.span(function.body);
        let several = group.members.len() > 1;
        let first: HashMap<Var, Var> =
            function.params.iter().chain(&function.captures).copied().zip(params.iter().copied()).collect();
        let (mut vars, mut inits) = (Vec::new(), Vec::new());
        let tag = several.then(|| {
            let info = VarInfo { name: format_compact!("{}tag", self.prefix), span: function.span };
            self.temporaries.push(false);
            let tag = self.anf.vars.push(info);
            vars.push(tag);
            let at = group.members.iter().position(|&member| member == id).unwrap_or(0);
            inits.push(Some(Operand { atom: index(at), span: function.span }));
            tag
        });
        let state: Vec<Var> = group
            .state
            .iter()
            .map(|&var| {
                // The name is that of the variable that changes.
                let init = first.get(&var).map(|&param| {
                    self.anf.vars[param].name.insert_str(0, &self.prefix);
                    Operand { atom: Atom::Var(param), span: program.vars[var].span }
                });
                inits.push(init);
                self.variable(var)
            })
            .collect();
        vars.extend(&state);
        let places = group.state.iter().enumerate().map(|(k, &var)| (var, k)).collect();
        self.around = Some(Around { group, tag, vars: state, places });
        self.open.push(Vec::new());
        let body = match tag {
            None => {
                self.eval(function.body);
                self.close()
            }
            Some(tag) => self.members(group, tag),
        };
        self.around = None;
        let name = function.name.clone();
        self.emit(Rhs::Loop(Box::new(Loop { name, span: function.span, vars, inits, body })), span);
    }

    /// One iteration of a loop of several functions: the body of that which the tag names.
    fn members(&mut self, group: &Group, tag: Var) -> BlockId {
        let program = self.program;
        let mut arms = Vec::with_capacity(group.members.len());
        for (k, &member) in group.members.iter().enumerate() {
            // Bindings of the member before are none of this one's.
            if let Some(around) = &self.around {
                for (&var, &place) in around.group.state.iter().zip(&around.vars) {
                    self.atoms[var] = Some(Atom::Var(place));
                }
            }
            let function = &program.functions[member];
            if k + 1 == group.members.len() {
                self.eval(function.body);
                break;
            }
            let operand = |atom| Operand { atom, span: function.span };
            let operands = Box::new([operand(Atom::Var(tag)), operand(index(k))]);
            if let Some(equal) = Primitive::from_name("=") {
                self.emit(Rhs::Primitive(equal, operands), function.span);
            }
            let condition = self.pop();
            self.open.push(Vec::new());
            self.eval(function.body);
            let then = self.close();
            arms.push((condition, then, program.span(function.body)));
            self.open.push(Vec::new());
        }
        let mut block = self.close();
        while let Some((condition, then, span)) = arms.pop() {
            self.emit(Rhs::If(condition, then, block), span);
            block = self.close();
        }
        block
    }

    /// Ends the block at hand in another iteration, which is of this function.
    fn iterate(&mut self, target: FuncId, operands: Vec<Operand>, span: Span) {
        let program = self.program;
        let Some(around) = &self.around else { return };
        let function = &program.functions[target];
        // What belongs to other functions stays as it is.
        let mut values: Vec<Operand> =
            around.vars.iter().map(|&var| Operand { atom: Atom::Var(var), span }).collect();
        for (param, &operand) in function.params.iter().zip(&operands) {
            if let Some(&place) = around.places.get(param) {
                values[place] = operand;
            }
        }
        for var in &function.carried {
            if let (Some(&place), Some(atom)) = (around.places.get(var), self.atoms[*var]) {
                values[place] = Operand { atom, span };
            }
        }
        if around.tag.is_some() {
            let at = around.group.members.iter().position(|&member| member == target).unwrap_or(0);
            values.insert(0, Operand { atom: index(at), span });
        }
        self.recur = Some(values);
    }

    /// A new variable for a resolved one.
    fn variable(&mut self, var: Var) -> Var {
        let new = self.anf.vars.push(self.program.vars[var].clone());
        self.temporaries.push(false);
        self.atoms[var] = Some(Atom::Var(new));
        new
    }

    fn temporary(&mut self, span: Span) -> Var {
        let name = format_compact!("{}{}", self.prefix, self.count);
        self.count += 1;
        self.temporaries.push(true);
        self.anf.vars.push(VarInfo { name, span })
    }

    /// Binds a resolved variable to an atom. A temporary takes its name.
    fn name(&mut self, var: Var, atom: Atom) {
        self.atoms[var] = Some(atom);
        if let Atom::Var(temporary) = atom
            && std::mem::replace(&mut self.temporaries[temporary], false)
        {
            self.anf.vars[temporary] = self.program.vars[var].clone();
        }
    }

    fn emit_to(&mut self, var: Var, rhs: Rhs, span: Span) {
        if let Some(block) = self.open.last_mut() {
            block.push(Binding { var, rhs, span });
        }
    }

    fn emit(&mut self, rhs: Rhs, span: Span) {
        let var = self.temporary(span);
        self.emit_to(var, rhs, span);
        self.stack.push(Operand { atom: Atom::Var(var), span });
    }

    /// Ends the block at hand with what was evaluated last.
    fn close(&mut self) -> BlockId {
        let end = match self.recur.take() {
            Some(values) => End::Recur(values),
            None => End::Value(self.pop().atom),
        };
        let mut bindings = self.open.pop().expect("a block that ends has begun");
        bindings.shrink_to_fit();
        self.anf.blocks.push(Block { bindings, end })
    }

    fn pop(&mut self) -> Operand {
        self.stack
            .pop()
            .unwrap_or(Operand { atom: Atom::Literal(Literal { f64: 0.0, f32: 0.0 }), span: Span::default() })
    }

    /// The operand that an expression is, if it needs no evaluation.
    fn operand(&self, expr: Expr) -> Option<Operand> {
        let atom = match self.program.kind(expr) {
            Kind::Number(literal) => Atom::Literal(*literal),
            // Resolution has made sure that what is used is bound.
            Kind::Var(var) => {
                self.atoms[*var].unwrap_or(Atom::Literal(Literal { f64: f64::NAN, f32: f32::NAN }))
            }
            Kind::Primitive(..) | Kind::Call(..) | Kind::Derive(_) | Kind::If(..) | Kind::Let(..) => {
                return None;
            }
        };
        Some(Operand { atom, span: self.program.span(expr) })
    }

    /// The operands that these expressions are, of which those that are computed were the last ones.
    fn operands(&mut self, exprs: &[Expr]) -> Vec<Operand> {
        let computed = exprs.iter().filter(|&&expr| self.operand(expr).is_none()).count();
        let mut computed = self.stack.split_off(self.stack.len() - computed).into_iter();
        let operand = |&expr: &Expr| self.operand(expr).or_else(|| computed.next()).expect("it was computed");
        exprs.iter().map(operand).collect()
    }

    /// The operands of a call, and behind them what the function captures.
    fn operands_of(&mut self, id: FuncId, exprs: &[Expr], span: Span) -> Vec<Operand> {
        let mut operands = self.operands(exprs);
        let captured = self.program.functions[id].captures.iter().filter_map(|&var| self.atoms[var]);
        operands.extend(captured.map(|atom| Operand { atom, span }));
        operands
    }

    /// Evaluates an expression, which leaves an operand, or values for the next iteration.
    fn eval(&mut self, expr: Expr) {
        let program = self.program;
        let mut work = vec![Work::Eval(expr)];
        while let Some(next) = work.pop() {
            match next {
                Work::Each(exprs) => {
                    if let Some(first) = exprs.iter().position(|&expr| self.operand(expr).is_none()) {
                        work.extend([Work::Each(&exprs[first + 1..]), Work::Eval(exprs[first])]);
                    }
                }
                Work::Eval(expr) => match program.kind(expr) {
                    Kind::Number(_) | Kind::Var(_) => self.stack.extend(self.operand(expr)),
                    Kind::Primitive(primitive, args) => {
                        work.extend([Work::Primitive(expr, *primitive, args), Work::Each(args)]);
                    }
                    Kind::Call(id, args, kind) => {
                        work.push(match kind {
                            CallKind::Iterate if self.loops => Work::Iterate(expr, *id, args),
                            CallKind::Iterate | CallKind::Inline | CallKind::Enter | CallKind::Recursive => {
                                Work::Call(expr, *id, args)
                            }
                        });
                        work.push(Work::Each(args));
                    }
                    Kind::Derive(derivative) => {
                        work.extend([Work::Derive(expr, derivative), Work::Each(&derivative.args)]);
                    }
                    &Kind::If(condition, then, other) => {
                        work.extend([Work::Join(expr), Work::Eval(other), Work::Else, Work::Eval(then)]);
                        work.extend([Work::Then, Work::Eval(condition)]);
                    }
                    Kind::Let(bindings, body) => {
                        work.push(Work::Eval(*body));
                        for &(var, value) in bindings.iter().rev() {
                            work.extend([Work::Bind(var), Work::Eval(value)]);
                        }
                    }
                },
                Work::Primitive(expr, primitive, args) => {
                    let operands = self.operands(args);
                    self.emit(Rhs::Primitive(primitive, operands.into()), program.span(expr));
                }
                Work::Call(expr, id, args) => {
                    let span = program.span(expr);
                    let operands = self.operands_of(id, args, span);
                    let function = self.func_ids[id].unwrap_or(FuncId::from_index(0));
                    self.emit(Rhs::Call(function, operands.into()), span);
                }
                Work::Derive(expr, &Derivative { form, function: id, ref args }) => {
                    let span = program.span(expr);
                    let operands = self.operands_of(id, args, span);
                    let function = self.callers.get(&id).copied().or(self.func_ids[id]);
                    let function = function.expect("functions with derivatives are translated first");
                    self.emit(Rhs::Derive(form, function, operands.into()), span);
                }
                Work::Iterate(expr, id, args) => {
                    let operands = self.operands(args);
                    self.iterate(id, operands, program.span(expr));
                }
                Work::Then => {
                    let condition = self.pop();
                    self.arms.push((condition, None));
                    self.open.push(Vec::new());
                }
                Work::Else => {
                    let then = self.close();
                    if let Some(arm) = self.arms.last_mut() {
                        arm.1 = Some(then);
                    }
                    self.open.push(Vec::new());
                }
                Work::Join(expr) => {
                    let other = self.close();
                    if let Some((condition, Some(then))) = self.arms.pop() {
                        self.emit(Rhs::If(condition, then, other), program.span(expr));
                    }
                }
                Work::Bind(var) => {
                    let value = self.pop();
                    self.name(var, value.atom);
                }
            }
        }
    }
}

/// Whether an expression is an operation, rather than an operand or what stands around operations.
fn is_computed(kind: &Kind) -> bool {
    match kind {
        Kind::Primitive(..) | Kind::Call(..) | Kind::Derive(_) | Kind::If(..) => true,
        Kind::Number(_) | Kind::Var(_) | Kind::Let(..) => false,
    }
}

/// The number of a function in its loop.
fn index(k: usize) -> Atom {
    Atom::Literal(Literal { f64: k as f64, f32: k as f32 })
}
