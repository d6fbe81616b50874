//! Results with names behind bindings, `{ …; values(a = …) }` and `let … in values(a = …)`, and of functions that end so. What is bound around
//! them becomes definitions of the program, by names of their own that have the same text.

use std::collections::{HashMap, HashSet};

use super::{Frame, Part, Reader};
use crate::ast::{Binding, Body, Definition, Expr, ExprKind, Function, FunctionHead, Name};
use crate::dialect::short;
use crate::dialect::words::count;
use crate::source::{Diagnostic, Span};

/// What is said of `values` elsewhere.
pub(super) const ELSEWHERE: &str = "`values` is what a program ends in only, by itself, behind bindings, or as the value of its last function";

/// What an expression ends in, behind its bindings.
#[derive(Clone, Copy)]
enum Tail {
    Results,
    /// A call of a function at the top.
    Call(Name),
    Other,
}

impl Reader<'_> {
    /// Whether what is open around an operand has its value: blocks and bindings, in a function or the result of the program.
    pub(super) fn may_give_results(&self) -> bool {
        let waiting = self.pending.len();
        for (depth, frame) in self.frames.iter().enumerate().rev() {
            match &frame.part {
                _ if frame.pending != waiting => return false,
                Part::Let { body: true, .. } | Part::Block { body: true, .. } => {}
                Part::Definition(bound) => return depth == 0 && bound.params.is_some(),
                Part::Result => return depth == 0,
                Part::Let { .. }
                | Part::Block { .. }
                | Part::Parentheses
                | Part::Call { .. }
                | Part::Vector
                | Part::If
                | Part::Recur(_)
                | Part::Loop { .. }
                | Part::Do { .. }
                | Part::Fun { .. }
                | Part::Apply { .. }
                | Part::Lambda { .. }
                | Part::Value
                | Part::Values(_) => return false,
            }
        }
        false
    }

    /// The innermost frame, `values(…)`, is complete, and stands within something.
    pub(super) fn several_results(&mut self, close: Span) {
        let Some(Frame { part: Part::Values(names), operands, span, recur, .. }) = self.frames.pop() else {
            return;
        };
        self.recur = recur;
        self.distinct(names.iter().copied(), "is the name of two results", None);
        let values: Box<[Expr]> = self.operands.drain(operands..).map(|operand| operand.expr).collect();
        let vec = self.hygienic(" vec");
        self.push(ExprKind::Call(vec, span, values), span.join(close));
        let expr = self.operands[self.operands.len() - 1].expr;
        self.several.insert(expr, names);
    }

    /// What an expression ends in, and where.
    fn tail(&self, mut expr: Expr) -> (Tail, Expr) {
        let mut bound: HashSet<Name> = HashSet::new();
        loop {
            let body = match self.ast.kind(expr) {
                ExprKind::Let(parts, body) => {
                    bound.extend(parts.0.iter().map(|binding| binding.name));
                    bound.extend(parts.1.iter().map(|function| function.name));
                    *body
                }
                ExprKind::Letrec(definitions, body) => {
                    bound.extend(definitions.iter().map(|definition| definition.named().0));
                    *body
                }
                ExprKind::Call(..) if self.several.contains_key(&expr) => return (Tail::Results, expr),
                ExprKind::Call(name, ..) if !bound.contains(name) => return (Tail::Call(*name), expr),
                ExprKind::Call(..)
                | ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::If(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => return (Tail::Other, expr),
            };
            expr = body;
        }
    }

    /// The functions at the top that have several results.
    fn functions_with_results(&self, functions: &HashMap<Name, Function>) -> HashSet<Name> {
        let mut known: HashMap<Name, bool> = HashMap::new();
        for &name in functions.keys() {
            let (mut path, mut at) = (Vec::new(), name);
            let has_results = loop {
                if let Some(&known) = known.get(&at) {
                    break known;
                }
                let Some(function) = functions.get(&at) else { break false };
                // What comes back to itself has none.
                known.insert(at, false);
                path.push(at);
                match self.tail(function.body).0 {
                    Tail::Results => break true,
                    Tail::Call(name) => at = name,
                    Tail::Other => break false,
                }
            };
            known.extend(path.into_iter().map(|name| (name, has_results)));
        }
        known.retain(|name, has_results| *has_results && functions.contains_key(name));
        known.into_keys().collect()
    }

    /// Makes the results of what the program ends in those of the program, and refuses others.
    pub(super) fn lift_results(&mut self) {
        let functions: HashMap<Name, Function> = self
            .ast
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::Function(function) => Some((function.name, function.clone())),
                Definition::Value(_) => None,
            })
            .collect();
        let several = self.functions_with_results(&functions);
        let was_right = self.errors.is_empty();
        let has_results = |tail: Tail| match tail {
            Tail::Results => true,
            Tail::Call(name) => several.contains(&name),
            Tail::Other => false,
        };
        let mut taken: HashSet<Name> = HashSet::new();
        let mut calls: HashSet<Expr> = HashSet::new();
        match (&self.ast.body, self.ast.definitions.last()) {
            (Body::Value(expr), _) if has_results(self.tail(*expr).0) => {
                let expr = *expr;
                self.lift(expr, HashMap::new(), &functions, &mut taken, &mut calls);
            }
            (Body::LastFunction, Some(Definition::Function(function)))
                if several.contains(&function.name) =>
            {
                let Function { name, span, params, body } = function.clone();
                let fresh: Vec<(Name, Span)> =
                    params.iter().map(|&(param, span)| (self.fresh(param), span)).collect();
                let names = params.iter().zip(&fresh).map(|(old, new)| (old.0, new.0)).collect();
                self.ast.ends_in = Some(FunctionHead { name, span, params: fresh });
                taken.insert(name);
                self.lift(body, names, &functions, &mut taken, &mut calls);
            }
            _ => {}
        }
        self.ast.definitions.retain(|definition| !taken.contains(&definition.named().0));
        if was_right && self.errors.is_empty() {
            self.refuse_results(&functions, &several, &taken, &calls);
        }
    }

    /// Follows what the program ends in to its results.
    fn lift(
        &mut self,
        mut at: Expr,
        mut names: HashMap<Name, Name>,
        functions: &HashMap<Name, Function>,
        taken: &mut HashSet<Name>,
        calls: &mut HashSet<Expr>,
    ) {
        let mut lifted: Vec<Definition> = Vec::new();
        loop {
            match self.ast.kind(at).clone() {
                ExprKind::Let(parts, body) => {
                    let (bindings, bound) = *parts;
                    let values = bindings.into_iter().map(Definition::Value);
                    let parts: Vec<Definition> =
                        values.chain(bound.into_iter().map(Definition::Function)).collect();
                    parts.iter().for_each(|part| self.rename_part(part, &names));
                    let fresh = self.fresh_names(&parts, &mut names);
                    lifted
                        .extend(parts.into_iter().zip(fresh).map(|(part, name)| self.definition(part, name)));
                    at = body;
                }
                ExprKind::Letrec(parts, body) => {
                    let fresh = self.fresh_names(&parts, &mut names);
                    parts.iter().for_each(|part| self.rename_part(part, &names));
                    lifted
                        .extend(parts.into_iter().zip(fresh).map(|(part, name)| self.definition(part, name)));
                    at = body;
                }
                ExprKind::Call(_, _, values) if self.several.contains_key(&at) => {
                    values.iter().for_each(|&value| self.ast.rename(value, &names));
                    let results = self.several.remove(&at).unwrap_or_default().into_iter().zip(values);
                    let results =
                        results.map(|((name, span), value)| Binding { name, span, value }).collect();
                    self.ast.body = Body::Named(results);
                    break;
                }
                ExprKind::Call(name, _, values) => {
                    calls.insert(at);
                    let Some(function) = functions.get(&name).filter(|_| taken.insert(name)) else { break };
                    let (expected, given) = (function.params.len(), values.len());
                    if expected != given {
                        let name = short(self.ast.name(name));
                        let message = format!("`{name}` takes {}, not {given}", count(expected, "operand"));
                        let error = Diagnostic::error("arity", self.ast.span(at), message);
                        self.error(error.related(function.span, "defined here"));
                        self.ast.unknown.push(function.name);
                        break;
                    }
                    values.iter().for_each(|&value| self.ast.rename(value, &names));
                    names.clear();
                    for (&(param, span), &value) in function.params.iter().zip(&values) {
                        let fresh = self.fresh(param);
                        names.insert(param, fresh);
                        let binding = Binding { name: param, span, value };
                        lifted.push(self.definition(Definition::Value(binding), fresh));
                    }
                    at = function.body;
                }
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::If(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => break,
            }
        }
        self.ast.definitions.extend(lifted);
    }

    /// Another name with the text of this one.
    fn fresh(&mut self, name: Name) -> Name {
        let text = self.ast.name(name).to_string();
        self.ast.add_name(&text)
    }

    fn fresh_names(&mut self, parts: &[Definition], names: &mut HashMap<Name, Name>) -> Vec<Name> {
        let fresh: Vec<Name> = parts.iter().map(|part| self.fresh(part.named().0)).collect();
        names.extend(parts.iter().map(|part| part.named().0).zip(fresh.iter().copied()));
        fresh
    }

    fn rename_part(&mut self, part: &Definition, names: &HashMap<Name, Name>) {
        match part {
            Definition::Value(binding) => self.ast.rename(binding.value, names),
            Definition::Function(function) => {
                let mut names = names.clone();
                names.retain(|name, _| function.params.iter().all(|(param, _)| param != name));
                self.ast.rename(function.body, &names);
            }
        }
    }

    /// What is bound, under another name. A number that is bound here is no constant of the program, which callers could change: it is an
    /// expression.
    fn definition(&mut self, part: Definition, name: Name) -> Definition {
        match part {
            Definition::Function(function) => Definition::Function(Function { name, ..function }),
            Definition::Value(binding) => {
                let value = match self.ast.kind(binding.value) {
                    ExprKind::Number(_) => {
                        let at = self.ast.span(binding.value);
                        self.ast.push(ExprKind::Let(Box::default(), binding.value), at)
                    }
                    ExprKind::Name(_)
                    | ExprKind::Call(..)
                    | ExprKind::Apply(..)
                    | ExprKind::Lambda(_)
                    | ExprKind::If(..)
                    | ExprKind::Let(..)
                    | ExprKind::Letrec(..)
                    | ExprKind::Loop(..)
                    | ExprKind::Recur(..) => binding.value,
                };
                Definition::Value(Binding { name, value, ..binding })
            }
        }
    }

    /// Refuses results that are none of the program's, and calls of functions with several results that it does not end in.
    fn refuse_results(
        &mut self,
        functions: &HashMap<Name, Function>,
        several: &HashSet<Name>,
        taken: &HashSet<Name>,
        calls: &HashSet<Expr>,
    ) {
        const ONE: &str = "a function that other expressions use has one: a vector, `[a, b]`";
        let mut errors: Vec<Diagnostic> = Vec::new();
        let mut ends: HashSet<Expr> = calls.clone();
        for (&name, function) in functions {
            if several.contains(&name) && !taken.contains(&name) {
                ends.insert(self.tail(function.body).1);
                let text = short(self.ast.name(name));
                let message =
                    format!("`{text}` has several results, and the program does not end in a call of it");
                errors.push(Diagnostic::error("form", function.span, message).help(ONE));
            }
        }
        for &expr in self.several.keys().filter(|expr| !ends.contains(expr)) {
            let error = Diagnostic::error("form", self.ast.span(expr), ELSEWHERE);
            errors.push(error.help("use a vector: `[a, b]`"));
        }
        let local = self.local_names();
        let mut called: HashSet<Name> = HashSet::new();
        for expr in self.ast.exprs() {
            if let ExprKind::Call(name, ..) = self.ast.kind(expr)
                && taken.contains(name)
                && !local.contains(name)
                && !ends.contains(&expr)
            {
                let text = short(self.ast.name(*name));
                let message =
                    format!("`{text}` has several results: only the end of the program can call it");
                errors.push(Diagnostic::error("form", self.ast.span(expr), message).help(ONE));
                called.insert(*name);
            }
        }
        // That they are none of the program's functions any more is no further error.
        self.ast.unknown.extend(called);
        errors.sort_by_key(|error| error.span);
        errors.into_iter().for_each(|error| self.error(error));
    }

    /// Names that are bound within expressions, and parameters.
    fn local_names(&self) -> HashSet<Name> {
        let mut local = HashSet::new();
        let mut of = |function: &Function, named: bool| {
            local.extend(function.params.iter().map(|param| param.0).chain(named.then_some(function.name)));
        };
        for definition in &self.ast.definitions {
            if let Definition::Function(function) = definition {
                of(function, false);
            }
        }
        let mut values: Vec<Name> = Vec::new();
        for expr in self.ast.exprs() {
            match self.ast.kind(expr) {
                ExprKind::Let(parts, _) => {
                    values.extend(parts.0.iter().map(|binding| binding.name));
                    parts.1.iter().for_each(|function| of(function, true));
                }
                ExprKind::Letrec(definitions, _) => {
                    for definition in definitions {
                        match definition {
                            Definition::Value(binding) => values.push(binding.name),
                            Definition::Function(function) => of(function, true),
                        }
                    }
                }
                ExprKind::Loop(_, function, _) => of(function, true),
                ExprKind::Lambda(function) => of(function, false),
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Call(..)
                | ExprKind::Apply(..)
                | ExprKind::If(..)
                | ExprKind::Recur(..) => {}
            }
        }
        local.extend(values);
        local
    }
}
