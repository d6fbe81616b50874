//! Resolved program → ANF.

use super::{Anf, Atom, Binding, Block, BlockId, End, FuncId, Function, Operand, Rhs, Var, VarInfo};
use crate::ast::Expr;
use crate::entity::{Entity, EntityVec};
use crate::ops::Primitive;
use crate::resolve::{Kind, Resolved};
use crate::source::Span;

/// What is left to do. An evaluated expression leaves an atom on a stack.
enum Work {
    Eval(Expr),
    Primitive(Expr, Primitive, usize),
    Call(Expr, FuncId, usize),
    /// The condition is known: open the first arm.
    Then,
    /// The first arm is done: open the second.
    Else,
    /// Both arms are done.
    Join(Expr),
    Bind(Vec<Var>),
}

/// Translates a program.
pub fn build(program: &Resolved) -> Anf {
    let mut builder = Builder {
        program,
        anf: Anf::default(),
        atoms: EntityVec::filled(None, program.vars.len()),
        func_ids: EntityVec::filled(None, program.functions.len()),
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
    anf: Anf,
    /// The atom of each resolved variable in the function at hand.
    atoms: EntityVec<Var, Option<Atom>>,
    func_ids: EntityVec<FuncId, Option<FuncId>>,
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

/// As many percent signs as no name of the program begins with.
fn prefix(program: &Resolved) -> String {
    let signs = |name: &str| name.bytes().take_while(|&byte| byte == b'%').count();
    let most = program.vars.values().map(|info| signs(&info.name)).max().unwrap_or(0);
    "%".repeat(most + 1)
}

impl Builder<'_> {
    fn run(&mut self) {
        for &id in &self.program.order {
            self.function(id);
        }
        for &input in &self.program.inputs {
            let var = self.variable(input);
            self.anf.inputs.push(var);
        }
        self.open.push(Vec::new());
        for &(var, value) in &self.program.globals {
            if let Kind::Number(literal) = *self.program.kind(value) {
                // A named number keeps a variable of its own, so that a caller can make it a parameter.
                let place = self.variable(var);
                self.emit_to(place, Rhs::Constant(literal), self.program.span(value));
            } else {
                let operand = self.eval(value);
                self.name(var, operand.atom);
            }
        }
        let results: Vec<Atom> = self.program.results.iter().map(|&expr| self.eval(expr).atom).collect();
        self.anf.result_names = self.program.result_names.clone();
        if let (Some(&result), Some(bindings)) = (results.first(), self.open.pop()) {
            self.anf.main = Some(self.anf.blocks.push(Block { bindings, end: End::Value(result) }));
        }
        self.anf.results = results;
    }

    fn function(&mut self, id: FuncId) {
        let function = &self.program.functions[id];
        let around: Vec<Option<Atom>> = function.captures.iter().map(|&var| self.atoms[var]).collect();
        let params: Vec<Var> =
            function.params.iter().chain(&function.captures).map(|&var| self.variable(var)).collect();
        self.open.push(Vec::new());
        let result = self.eval(function.body).atom;
        let bindings = self.open.pop().unwrap_or_default();
        let body = self.anf.blocks.push(Block { bindings, end: End::Value(result) });
        let new =
            Function { name: function.name.clone(), params, body, span: function.span, recursive: false };
        self.func_ids[id] = Some(self.anf.functions.push(new));
        for (&var, atom) in function.captures.iter().zip(around) {
            self.atoms[var] = atom;
        }
    }

    /// A new variable for a resolved one.
    fn variable(&mut self, var: Var) -> Var {
        let new = self.anf.vars.push(self.program.vars[var].clone());
        self.temporaries.push(false);
        self.atoms[var] = Some(Atom::Var(new));
        new
    }

    fn temporary(&mut self, span: Span) -> Var {
        let name = format!("{}{}", self.prefix, self.count);
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

    fn emit(&mut self, rhs: Rhs, expr: Expr) {
        let span = self.program.span(expr);
        let var = self.temporary(span);
        self.emit_to(var, rhs, span);
        self.stack.push(Operand { atom: Atom::Var(var), span });
    }

    fn close(&mut self, result: Atom) -> BlockId {
        let bindings = self.open.pop().unwrap_or_default();
        self.anf.blocks.push(Block { bindings, end: End::Value(result) })
    }

    fn pop(&mut self) -> Operand {
        self.stack.pop().unwrap_or(Operand {
            atom: Atom::Literal(super::Literal { f64: 0.0, f32: 0.0 }),
            span: Span::default(),
        })
    }

    fn eval(&mut self, expr: Expr) -> Operand {
        let program = self.program;
        let mut work = vec![Work::Eval(expr)];
        while let Some(next) = work.pop() {
            match next {
                Work::Eval(expr) => match program.kind(expr) {
                    Kind::Number(literal) => {
                        self.stack.push(Operand { atom: Atom::Literal(*literal), span: program.span(expr) });
                    }
                    Kind::Var(var) => {
                        // Resolution has made sure that what is used is bound.
                        let atom = self.atoms[*var]
                            .unwrap_or(Atom::Literal(super::Literal { f64: f64::NAN, f32: f32::NAN }));
                        self.stack.push(Operand { atom, span: program.span(expr) });
                    }
                    Kind::Primitive(primitive, args) => {
                        work.push(Work::Primitive(expr, *primitive, args.len()));
                        work.extend(args.iter().rev().map(|&arg| Work::Eval(arg)));
                    }
                    Kind::Call(id, args) => {
                        work.push(Work::Call(expr, *id, args.len()));
                        work.extend(args.iter().rev().map(|&arg| Work::Eval(arg)));
                    }
                    &Kind::If(condition, then, other) => {
                        work.extend([Work::Join(expr), Work::Eval(other), Work::Else, Work::Eval(then)]);
                        work.extend([Work::Then, Work::Eval(condition)]);
                    }
                    Kind::Let(bindings, body) => {
                        work.push(Work::Eval(*body));
                        work.push(Work::Bind(bindings.iter().map(|b| b.0).collect()));
                        work.extend(bindings.iter().rev().map(|b| Work::Eval(b.1)));
                    }
                },
                Work::Primitive(expr, primitive, count) => {
                    let operands = self.stack.split_off(self.stack.len() - count);
                    self.emit(Rhs::Primitive(primitive, operands), expr);
                }
                Work::Call(expr, id, count) => {
                    let mut operands = self.stack.split_off(self.stack.len() - count);
                    let span = program.span(expr);
                    let captured = program.functions[id].captures.iter().filter_map(|&var| self.atoms[var]);
                    operands.extend(captured.map(|atom| Operand { atom, span }));
                    let function = self.func_ids[id].unwrap_or(FuncId::from_index(0));
                    self.emit(Rhs::Call(function, operands), expr);
                }
                Work::Then => {
                    let condition = self.pop();
                    self.arms.push((condition, None));
                    self.open.push(Vec::new());
                }
                Work::Else => {
                    let result = self.pop().atom;
                    let then = self.close(result);
                    if let Some(arm) = self.arms.last_mut() {
                        arm.1 = Some(then);
                    }
                    self.open.push(Vec::new());
                }
                Work::Join(expr) => {
                    let result = self.pop().atom;
                    let other = self.close(result);
                    if let Some((condition, Some(then))) = self.arms.pop() {
                        self.emit(Rhs::If(condition, then, other), expr);
                    }
                }
                Work::Bind(vars) => {
                    let values = self.stack.split_off(self.stack.len() - vars.len());
                    for (var, value) in vars.into_iter().zip(values) {
                        self.name(var, value.atom);
                    }
                }
            }
        }
        self.pop()
    }
}
