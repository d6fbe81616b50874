//! What needs all calls of a first-order program: which of them repeat, what functions capture, which inputs there are.

use compact_str::CompactString;
use std::collections::{HashMap, HashSet};

use super::warnings::near_misses;
use super::{CallKind, FirstOrder, Kind, Owner, Resolved, calls};
use crate::ast::Expr;
use crate::entity::EntityVec;
use crate::files::Files;
use crate::names::{FuncId, Var};
use crate::problem::{Problem, ProblemKind};
use crate::source::{MAX_DIAGNOSTICS, Span};

/// A call.
pub(super) struct Call {
    pub expr: Expr,
    pub from: Owner,
    pub function: FuncId,
    pub span: Span,
    /// Whether its value is that of the function that makes it.
    pub tail: bool,
    /// When it is made, as definitions of values in what makes it are counted.
    pub at: u32,
}

/// A program, and what the analyses know of it.
pub(super) struct Analysis {
    pub resolved: Resolved,
    pub calls: Vec<Call>,
    pub owners: EntityVec<Var, Owner>,
    /// Variables of others that a function uses.
    pub uses: HashSet<(FuncId, Var)>,
    /// When each variable is defined, counted in its owner; 0 for those that are wherever they can be used.
    pub defined: EntityVec<Var, u32>,
    /// How many expressions each function has.
    pub sizes: EntityVec<FuncId, usize>,
    errors: Vec<Problem>,
}

/// Completes a program.
///
/// # Errors
///
/// Values used before their definition, and what would be too large; each with its place.
pub(crate) fn analyse(files: &Files, program: FirstOrder) -> Result<Resolved, Vec<Problem>> {
    let FirstOrder { resolved, free, last } = program;
    let (vars, functions) = (resolved.vars.len(), resolved.functions.len());
    let mut analysis = Analysis {
        resolved,
        calls: Vec::new(),
        owners: EntityVec::filled(None, vars),
        uses: HashSet::new(),
        defined: EntityVec::filled(0, vars),
        sizes: EntityVec::filled(0, functions),
        errors: Vec::new(),
    };
    analysis.owners();
    analysis.walk();
    let components = calls::components(&calls::callees(functions, analysis.calls.iter()));
    if let Some(id) = last {
        analysis.run_last_function(id, &components);
    }
    analysis.resolved.inputs.extend(free.iter().map(|&(_, var)| var));
    let written: HashSet<&str> = files.0.iter().flat_map(|file| file.ast.names()).collect();
    number_names(&mut analysis.resolved, &written);
    analysis.resolved.order = components.order.iter().flatten().copied().collect();
    analysis.classify(&components);
    analysis.close_functions(&components);
    if analysis.errors.is_empty() {
        analysis.find_state();
    }
    near_misses(&mut analysis.resolved, &free, files.main().dialect.vocabulary());
    if analysis.errors.is_empty() { Ok(analysis.resolved) } else { Err(analysis.errors) }
}

/// Tells variables of one name apart by a number. What callers know by name keeps it: inputs come first, then top-level
/// values, then everything else in order of appearance.
fn number_names(resolved: &mut Resolved, written: &HashSet<&str>) {
    let known = resolved.inputs.iter().chain(resolved.globals.iter().map(|(var, _)| var));
    let mut done = HashSet::new();
    let mut count: HashMap<CompactString, usize> = HashMap::new();
    for var in known.copied().chain(resolved.vars.keys()).collect::<Vec<_>>() {
        if done.insert(var) {
            let name = &mut resolved.vars[var].name;
            let count = count.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count > 1 {
                let mut numbered = format!("{name}.{count}");
                while written.contains(numbered.as_str()) {
                    *count += 1;
                    numbered = format!("{name}.{count}");
                }
                resolved.numbered.insert(var, name.len());
                *name = numbered.into();
            }
        }
    }
}

enum Work<'a> {
    /// An expression, and whether its value is its function's.
    Visit(Expr, bool),
    /// Operands, one after the other.
    Each(&'a [Expr]),
    Defined(Var),
}

impl Analysis {
    pub(super) fn error(&mut self, span: Span, kind: ProblemKind) {
        if self.errors.len() < MAX_DIAGNOSTICS {
            self.errors.push(Problem::new(span, kind));
        }
    }

    /// Finds out whose variable each is.
    fn owners(&mut self) {
        let resolved = &self.resolved;
        for (id, function) in resolved.functions.iter() {
            for &param in &function.params {
                self.owners[param] = Some(id);
            }
            let mut left = vec![function.body];
            while let Some(expr) = left.pop() {
                match &resolved.kinds[expr] {
                    Kind::Number(_) | Kind::Var(_) => {}
                    Kind::Primitive(_, args) | Kind::Call(_, args, _) => left.extend(args),
                    Kind::Derive(derivative) => left.extend(&derivative.args),
                    &Kind::If(condition, then, other) => left.extend([condition, then, other]),
                    Kind::Let(bindings, body) => {
                        for &(var, value) in bindings {
                            self.owners[var] = Some(id);
                            left.push(value);
                        }
                        left.push(*body);
                    }
                }
            }
        }
    }

    /// Collects calls, uses and definitions, in the order in which they are evaluated.
    fn walk(&mut self) {
        for id in self.resolved.functions.keys() {
            let body = self.resolved.functions[id].body;
            self.walk_one(Some(id), vec![Work::Visit(body, true)]);
        }
        let mut main = Vec::new();
        for &(var, value) in &self.resolved.globals {
            main.extend([Work::Visit(value, true), Work::Defined(var)]);
        }
        main.extend(self.resolved.results.iter().map(|&result| Work::Visit(result, true)));
        main.reverse();
        self.walk_one(None, main);
    }

    fn walk_one(&mut self, owner: Owner, start: Vec<Work<'static>>) {
        let resolved = &self.resolved;
        let mut work: Vec<Work<'_>> = start;
        let mut clock = 0;
        while let Some(next) = work.pop() {
            let (expr, tail) = match next {
                Work::Visit(expr, tail) => (expr, tail),
                Work::Each(exprs) => {
                    let Some((&first, rest)) = exprs.split_first() else { continue };
                    work.push(Work::Each(rest));
                    (first, false)
                }
                Work::Defined(var) => {
                    clock += 1;
                    self.defined[var] = clock;
                    continue;
                }
            };
            if let Some(owner) = owner {
                self.sizes[owner] += 1;
            }
            match &resolved.kinds[expr] {
                Kind::Number(_) => {}
                Kind::Var(var) => {
                    if let Some(user) = owner
                        && self.owners[*var] != owner
                    {
                        self.uses.insert((user, *var));
                    }
                }
                Kind::Primitive(_, args) => work.push(Work::Each(args)),
                Kind::Call(function, args, _) => {
                    let (function, span, at) = (*function, resolved.spans[expr], clock);
                    self.calls.push(Call { expr, from: owner, function, span, tail, at });
                    work.push(Work::Each(args));
                }
                Kind::Derive(derivative) => {
                    let (function, span, at) = (derivative.function, resolved.spans[expr], clock);
                    self.calls.push(Call { expr, from: owner, function, span, tail: false, at });
                    work.push(Work::Each(&derivative.args));
                }
                &Kind::If(condition, then, other) => {
                    work.extend([Work::Visit(other, tail), Work::Visit(then, tail)]);
                    work.push(Work::Visit(condition, false));
                }
                Kind::Let(bindings, body) => {
                    work.push(Work::Visit(*body, tail));
                    for &(var, value) in bindings.iter().rev() {
                        work.extend([Work::Defined(var), Work::Visit(value, false)]);
                    }
                }
            }
        }
    }

    /// Makes a program of its last function: the parameters are the first inputs. The body is the program's, or, if it
    /// calls itself, a call.
    fn run_last_function(&mut self, id: FuncId, components: &calls::Components) {
        let function = &self.resolved.functions[id];
        let (span, params) = (function.span, function.params.clone());
        let inside = |from: FuncId| components.of[from] == components.of[id];
        if !self.calls.iter().any(|call| call.function == id && call.from.is_some_and(inside)) {
            self.resolved.results = vec![function.body];
            self.resolved.inputs = params;
            return;
        }
        let mut args = Vec::with_capacity(params.len());
        for param in params {
            let info = self.resolved.vars[param].clone();
            self.owners.push(None);
            self.defined.push(0);
            self.resolved.spans.push(info.span);
            let input = self.resolved.vars.push(info);
            self.resolved.inputs.push(input);
            args.push(self.resolved.kinds.push(Kind::Var(input)));
        }
        self.resolved.spans.push(span);
        let expr = self.resolved.kinds.push(Kind::Call(id, args.into(), CallKind::Inline));
        self.calls.push(Call { expr, from: None, function: id, span, tail: false, at: u32::MAX });
        self.resolved.results = vec![expr];
    }
}
