//! Names → variables, primitives and functions.
//!
//! Scope is lexical. A name in operand position that nothing binds is an input, whatever else it may name; a name at the
//! head of a form must be a function or a primitive. Functions are closed afterwards: what they capture from around
//! them becomes further parameters.
//!
//! * `calls`: which calls are iterations of loops, and which need a stack;
//! * `captures`: what functions use from around them.
//!
//! **Invariant**: every name is bound, called with as many operands as it takes, and used as what it is.
//!
//! **Boundary**: knows names and primitives, and neither numbers nor shapes.

mod calls;
mod captures;

use std::collections::{HashMap, HashSet};

use crate::ast::{Ast, Body, Definition, Expr, ExprKind, Function as AstFunction, Name};
use crate::entity::{Entity, EntityVec};
use crate::names::{FuncId, Var, VarInfo};
use crate::number::Literal;
use crate::ops::Primitive;
use crate::problem::{NAMES_ELSEWHERE, Problem, ProblemKind, User, Vocabulary, look_alike};
use crate::source::{MAX_DIAGNOSTICS, Span};

/// What an expression is, with its names resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number.
    Number(Literal),
    /// The value of a variable.
    Var(Var),
    /// A primitive.
    Primitive(Primitive, Vec<Expr>),
    /// A call of a function of the program. What the function captures is not among the operands.
    Call(FuncId, Vec<Expr>, CallKind),
    /// A derivative of a function of the program, whose operands come first; then, for products, the direction. What the
    /// function captures is not among the operands, and no derivative is taken by it: that is for one around this one.
    Derive(DeriveForm, FuncId, Vec<Expr>),
    /// A choice.
    If(Expr, Expr, Expr),
    /// Values for variables, one after the other, then the expression that uses them.
    Let(Vec<(Var, Expr)>, Expr),
}

/// Which derivative of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeriveForm {
    /// By one of its parameters, the others held.
    Derivative {
        /// Its position.
        param: u32,
    },
    /// The Jacobian times a direction, of a function of one parameter: the operands are the point and the direction, which has
    /// the shape of the point.
    Jvp,
    /// A covector times the Jacobian, of a function of one parameter: the operands are the point and the covector, which has the
    /// shape of the function's value.
    Vjp,
}

impl DeriveForm {
    /// Whether one more operand than the function takes says what the Jacobian is multiplied by.
    pub fn has_direction(self) -> bool {
        match self {
            DeriveForm::Derivative { .. } => false,
            DeriveForm::Jvp | DeriveForm::Vjp => true,
        }
    }

    /// The position of the parameter that it is a derivative by.
    pub fn param(self) -> usize {
        match self {
            DeriveForm::Derivative { param } => param as usize,
            DeriveForm::Jvp | DeriveForm::Vjp => 0,
        }
    }
}

/// What becomes of a call.
///
/// Functions that can reach each other by calls are a *recursive group*. Its calls in tail position connect the functions
/// of *loops*: in a loop, every function reaches every other by such calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// The function is inlined.
    Inline,
    /// The function begins a loop. All calls between the functions of its recursive group are iterations.
    Enter,
    /// A call in tail position between functions of one loop: the next iteration of the loop around.
    Iterate,
    /// A call of a function that needs a stack. If the function is the body of a loop, this begins one.
    Recursive,
}

/// A loop: functions that continue in each other by calls in tail position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The functions.
    pub members: Vec<FuncId>,
    /// What an iteration may change. Of a single function these are parameters; of several, the parameters of all, then
    /// what some capture from inside others.
    pub state: Vec<Var>,
}

/// A function of the program.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<Var>,
    /// Variables around it that it, or a function it calls, uses.
    pub captures: Vec<Var>,
    /// What it computes.
    pub body: Expr,
    /// Whether calls of it need a stack.
    pub recursive: bool,
    /// The loop that it is a part of, by its position in [`Resolved::groups`].
    pub group: Option<u32>,
    /// Whether it is called other than as an iteration.
    pub entered: bool,
    /// Those of its captures that belong to functions of its own loop.
    pub carried: Vec<Var>,
}

/// A program whose names are resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    kinds: EntityVec<Expr, Kind>,
    spans: EntityVec<Expr, Span>,
    /// All variables.
    pub vars: EntityVec<Var, VarInfo>,
    /// For variables whose name has a number behind it: how many bytes of it stand in the source.
    pub numbered: HashMap<Var, usize>,
    /// All functions.
    pub functions: EntityVec<FuncId, Function>,
    /// Functions, each behind those that it calls, but for those that call each other.
    pub order: Vec<FuncId>,
    /// The loops.
    pub groups: Vec<Group>,
    /// The inputs, in the order of the signature.
    pub inputs: Vec<Var>,
    /// Top-level values, in order.
    pub globals: Vec<(Var, Expr)>,
    /// Names of the results, empty for a single unnamed one.
    pub result_names: Vec<String>,
    /// The results.
    pub results: Vec<Expr>,
    /// What the author may want to know.
    pub warnings: Vec<Problem>,
}

impl Resolved {
    /// What an expression is.
    pub fn kind(&self, expr: Expr) -> &Kind {
        &self.kinds[expr]
    }
    /// Its place.
    pub fn span(&self, expr: Expr) -> Span {
        self.spans[expr]
    }
    /// The functions of which there are derivatives, once for each.
    pub fn differentiated(&self) -> impl Iterator<Item = FuncId> {
        self.kinds.values().filter_map(|kind| match kind {
            Kind::Derive(_, id, _) => Some(*id),
            Kind::Number(_) | Kind::Var(_) | Kind::Primitive(..) | Kind::Call(..) | Kind::If(..) | Kind::Let(..) => None,
        })
    }
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Var(Var),
    Function(FuncId),
}

/// Whose variable it is: the main program's (`None`) or a function's.
type Owner = Option<FuncId>;

/// Where an expression stands in its function.
#[derive(Debug, Clone, Copy)]
enum Position {
    /// Its value is the function's.
    Tail,
    /// It is a part of this expression, which uses its value.
    PartOf(Expr),
}

enum Work {
    Visit(Expr, Position),
    /// The value of a definition is known from here on.
    Defined(Var),
    Bind(Vec<(Name, Meaning)>),
    Unbind(Vec<Name>),
    Enter(FuncId),
    Leave(Owner),
}

/// A call, for what needs all calls.
struct Call {
    expr: Expr,
    from: Owner,
    function: FuncId,
    span: Span,
    /// Whether its value is that of the function that makes it.
    tail: bool,
    /// When it is made, as [`Resolver::clock`] counts.
    at: u32,
}

/// The definition of a value that is still to come.
const PENDING: u32 = u32::MAX;

/// Resolves a program of a dialect with these words.
///
/// # Errors
///
/// Unknown functions, wrong numbers of operands, functions used as values, values used before their definition, `recur`
/// where its value is used; each with its place.
pub fn resolve(ast: &Ast, vocabulary: Vocabulary) -> Result<Resolved, Vec<Problem>> {
    let filler = Kind::Number(Literal::ZERO);
    let mut resolver = Resolver {
        ast,
        vocabulary,
        scope: EntityVec::filled(Vec::new(), ast.names().len()),
        owners: EntityVec::new(),
        owner: None,
        uses: HashSet::new(),
        calls: Vec::new(),
        defined: EntityVec::new(),
        clock: 0,
        sizes: EntityVec::new(),
        errors: Vec::new(),
        inputs: Vec::new(),
        resolved: Resolved {
            kinds: EntityVec::filled(filler, ast.len()),
            spans: EntityVec::new(),
            vars: EntityVec::new(),
            numbered: HashMap::new(),
            functions: EntityVec::new(),
            order: Vec::new(),
            groups: Vec::new(),
            inputs: Vec::new(),
            globals: Vec::new(),
            result_names: Vec::new(),
            results: Vec::new(),
            warnings: Vec::new(),
        },
    };
    resolver.program();
    if resolver.errors.is_empty() { Ok(resolver.resolved) } else { Err(resolver.errors) }
}

struct Resolver<'a> {
    ast: &'a Ast,
    vocabulary: Vocabulary,
    /// What each name means, innermost last.
    scope: EntityVec<Name, Vec<Meaning>>,
    owners: EntityVec<Var, Owner>,
    owner: Owner,
    /// Variables of others that a function uses.
    uses: HashSet<(FuncId, Var)>,
    calls: Vec<Call>,
    /// When each variable is defined; 0 for those that are wherever they can be used.
    defined: EntityVec<Var, u32>,
    /// Counts definitions of values that functions can know before.
    clock: u32,
    /// How many expressions each function has of its own.
    sizes: EntityVec<FuncId, usize>,
    errors: Vec<Problem>,
    inputs: Vec<(Span, Var)>,
    resolved: Resolved,
}

impl<'a> Resolver<'a> {
    fn error(&mut self, span: Span, kind: ProblemKind) {
        if self.errors.len() < MAX_DIAGNOSTICS {
            self.errors.push(Problem { span, kind });
        }
    }

    /// A new variable.
    fn var(&mut self, name: Name, span: Span, owner: Owner) -> Var {
        self.owners.push(owner);
        self.defined.push(0);
        self.resolved.vars.push(VarInfo { name: self.ast.name(name).to_string(), span })
    }

    /// Refuses a free variable that is called like a parameter of the final function: both would be inputs.
    fn two_inputs_of_one_name(&mut self, last_function: Option<FuncId>) {
        let params: HashMap<&str, Span> = self
            .resolved
            .inputs
            .iter()
            .map(|&var| &self.resolved.vars[var])
            .map(|v| (v.name.as_str(), v.span))
            .collect();
        let mut errors = Vec::new();
        for &(span, var) in &self.inputs {
            let name = &self.resolved.vars[var].name;
            if let (Some(&param), Some(id)) = (params.get(name.as_str()), last_function) {
                let (name, function) = (name.clone(), self.resolved.functions[id].name.clone());
                errors.push((span, ProblemKind::TwoInputs { name, param, function }));
            }
        }
        errors.into_iter().for_each(|(span, kind)| self.error(span, kind));
    }

    /// Tells variables of one name apart by a number. What callers know by name keeps it: inputs come first, then
    /// top-level values, then everything else in order of appearance.
    fn number_names(&mut self) {
        let resolved = &mut self.resolved;
        let known = resolved.inputs.iter().chain(resolved.globals.iter().map(|(var, _)| var));
        let mut done = HashSet::new();
        let mut count: HashMap<String, usize> = HashMap::new();
        let written: HashSet<&str> = self.ast.names().collect();
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
                    *name = numbered;
                }
            }
        }
    }

    fn function(&mut self, function: &AstFunction) -> FuncId {
        let id = FuncId::from_index(self.resolved.functions.len());
        let params = function.params.iter().map(|&(name, span)| self.var(name, span, Some(id))).collect();
        self.sizes.push(0);
        self.resolved.functions.push(Function {
            name: self.ast.name(function.name).to_string(),
            span: function.span,
            params,
            captures: Vec::new(),
            body: function.body,
            recursive: false,
            group: None,
            entered: false,
            carried: Vec::new(),
        })
    }

    fn program(&mut self) {
        let ast = self.ast;
        self.resolved.spans = {
            let mut spans = EntityVec::new();
            for expr in self.resolved.kinds.keys() {
                spans.push(ast.span(expr));
            }
            spans
        };
        // Functions and values of the top level may refer to each other in any order; names are unique.
        let mut first: HashMap<Name, Span> = HashMap::new();
        let mut meanings = Vec::with_capacity(ast.definitions.len());
        for definition in &ast.definitions {
            let (name, span) = match definition {
                Definition::Function(function) => (function.name, function.span),
                Definition::Value(binding) => (binding.name, binding.span),
            };
            if let Some(before) = first.insert(name, span) {
                self.error(
                    span,
                    ProblemKind::DefinedTwice { name: ast.name(name).to_string(), first: before },
                );
            }
            let meaning = match definition {
                Definition::Function(function) => Meaning::Function(self.function(function)),
                Definition::Value(_) => {
                    let var = self.var(name, span, None);
                    self.defined[var] = PENDING;
                    Meaning::Var(var)
                }
            };
            self.scope[name].push(meaning);
            meanings.push(meaning);
        }
        let mut last_function = None;
        for (definition, meaning) in ast.definitions.iter().zip(meanings) {
            match (definition, meaning) {
                (Definition::Function(function), Meaning::Function(id)) => {
                    last_function = Some(id);
                    let params = self.param_meanings(function, id);
                    self.visit(function.body, Some(id), params);
                }
                (Definition::Value(binding), Meaning::Var(var)) => {
                    self.visit(binding.value, None, Vec::new());
                    self.resolved.globals.push((var, binding.value));
                    self.define(var);
                }
                (Definition::Function(_), Meaning::Var(_)) | (Definition::Value(_), Meaning::Function(_)) => {
                }
            }
        }
        match &ast.body {
            Body::Value(expr) => {
                self.visit(*expr, None, Vec::new());
                self.resolved.results = vec![*expr];
            }
            Body::Named(results) => {
                for result in results {
                    self.visit(result.value, None, Vec::new());
                    self.resolved.results.push(result.value);
                    self.resolved.result_names.push(ast.name(result.name).to_string());
                }
            }
            Body::LastFunction => {}
        }
        let count = self.resolved.functions.len();
        let components = calls::components(&calls::callees(count, self.calls.iter()));
        if let (Body::LastFunction, Some(id)) = (&ast.body, last_function) {
            self.run_last_function(id, &components);
        }
        self.inputs.sort_by_key(|&(span, _)| span);
        self.two_inputs_of_one_name(last_function);
        self.resolved.inputs.extend(self.inputs.iter().map(|&(_, var)| var));
        self.number_names();
        self.resolved.order = components.order.iter().flatten().copied().collect();
        self.classify(&components);
        if self.errors.is_empty() {
            self.close_functions(&components);
        }
        if self.errors.is_empty() {
            self.find_state();
        }
        self.near_misses();
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
        let expr = self.resolved.kinds.push(Kind::Call(id, args, CallKind::Inline));
        self.calls.push(Call { expr, from: None, function: id, span, tail: false, at: self.clock });
        self.resolved.results = vec![expr];
    }

    /// From here on the value of a variable is known.
    fn define(&mut self, var: Var) {
        self.clock += 1;
        self.defined[var] = self.clock;
    }

    fn param_meanings(&self, function: &AstFunction, id: FuncId) -> Vec<(Name, Meaning)> {
        let params = &self.resolved.functions[id].params;
        function.params.iter().zip(params).map(|(&(name, _), &var)| (name, Meaning::Var(var))).collect()
    }

    /// Resolves an expression that belongs to `owner`, under these bindings.
    fn visit(&mut self, expr: Expr, owner: Owner, bindings: Vec<(Name, Meaning)>) {
        self.owner = owner;
        let names = bindings.iter().map(|b| b.0).collect();
        let mut work = vec![Work::Unbind(names), Work::Visit(expr, Position::Tail), Work::Bind(bindings)];
        while let Some(next) = work.pop() {
            match next {
                Work::Visit(expr, position) => self.visit_one(expr, position, &mut work),
                Work::Defined(var) => self.define(var),
                Work::Bind(bindings) => {
                    for (name, meaning) in bindings {
                        self.scope[name].push(meaning);
                    }
                }
                Work::Unbind(names) => {
                    for name in names {
                        self.scope[name].pop();
                    }
                }
                Work::Enter(id) => self.owner = Some(id),
                Work::Leave(owner) => self.owner = owner,
            }
        }
    }

    fn visit_one(&mut self, expr: Expr, position: Position, work: &mut Vec<Work>) {
        let ast = self.ast;
        let part = Position::PartOf(expr);
        let tail = matches!(position, Position::Tail);
        if let Some(owner) = self.owner {
            self.sizes[owner] += 1;
        }
        let kind = match ast.kind(expr) {
            ExprKind::Number(literal) => Kind::Number(*literal),
            ExprKind::Name(name) => self.operand(*name, ast.span(expr)),
            ExprKind::Call(name, name_span, args) => {
                work.extend(args.iter().rev().map(|&arg| Work::Visit(arg, part)));
                self.call(*name, *name_span, args, expr, tail)
            }
            &ExprKind::If(condition, then, other) => {
                work.extend([Work::Visit(other, position), Work::Visit(then, position)]);
                work.push(Work::Visit(condition, part));
                Kind::If(condition, then, other)
            }
            ExprKind::Let(bindings, functions, body) => {
                let mut meanings = Vec::with_capacity(bindings.len() + functions.len());
                let mut values = Vec::with_capacity(bindings.len());
                for binding in bindings {
                    let var = self.var(binding.name, binding.span, self.owner);
                    meanings.push((binding.name, Meaning::Var(var)));
                    values.push((var, binding.value));
                }
                let ids: Vec<FuncId> = functions.iter().map(|f| self.function(f)).collect();
                meanings.extend(functions.iter().zip(&ids).map(|(f, &id)| (f.name, Meaning::Function(id))));
                work.push(Work::Unbind(meanings.iter().map(|m| m.0).collect()));
                work.push(Work::Visit(*body, position));
                work.push(Work::Bind(meanings));
                for (function, &id) in functions.iter().zip(&ids).rev() {
                    self.visit_function(function, id, work);
                }
                work.extend(bindings.iter().rev().map(|b| Work::Visit(b.value, part)));
                Kind::Let(values, *body)
            }
            ExprKind::Letrec(definitions, body) => {
                let mut meanings = Vec::with_capacity(definitions.len());
                let mut values = Vec::new();
                for definition in definitions {
                    meanings.push(match definition {
                        Definition::Function(function) => {
                            (function.name, Meaning::Function(self.function(function)))
                        }
                        Definition::Value(binding) => {
                            let var = self.var(binding.name, binding.span, self.owner);
                            self.defined[var] = PENDING;
                            values.push((var, binding.value));
                            (binding.name, Meaning::Var(var))
                        }
                    });
                }
                work.push(Work::Unbind(meanings.iter().map(|m| m.0).collect()));
                work.push(Work::Visit(*body, position));
                for (definition, &(_, meaning)) in definitions.iter().zip(&meanings).rev() {
                    match (definition, meaning) {
                        (Definition::Function(function), Meaning::Function(id)) => {
                            self.visit_function(function, id, work);
                        }
                        (Definition::Value(binding), Meaning::Var(var)) => {
                            work.extend([Work::Defined(var), Work::Visit(binding.value, part)]);
                        }
                        (Definition::Function(_), Meaning::Var(_))
                        | (Definition::Value(_), Meaning::Function(_)) => {}
                    }
                }
                work.push(Work::Bind(meanings));
                Kind::Let(values, *body)
            }
            ExprKind::Loop(_, function, args) => {
                let id = self.function(function);
                work.push(Work::Unbind(vec![function.name]));
                self.visit_function(function, id, work);
                work.push(Work::Bind(vec![(function.name, Meaning::Function(id))]));
                work.extend(args.iter().rev().map(|&arg| Work::Visit(arg, part)));
                self.called(id, args, expr, tail)
            }
            ExprKind::Recur(name, word, args) => {
                work.extend(args.iter().rev().map(|&arg| Work::Visit(arg, part)));
                self.recur(*name, *word, args, expr, position)
            }
        };
        self.resolved.kinds[expr] = kind;
    }

    /// Resolves the body of a function.
    fn visit_function(&self, function: &AstFunction, id: FuncId, work: &mut Vec<Work>) {
        let params = self.param_meanings(function, id);
        work.push(Work::Leave(self.owner));
        work.push(Work::Unbind(params.iter().map(|p| p.0).collect()));
        work.push(Work::Visit(function.body, Position::Tail));
        work.push(Work::Bind(params));
        work.push(Work::Enter(id));
    }

    /// A call of a function with as many operands as it has parameters.
    fn called(&mut self, function: FuncId, args: &[Expr], expr: Expr, tail: bool) -> Kind {
        let span = self.ast.span(expr);
        self.calls.push(Call { expr, from: self.owner, function, span, tail, at: self.clock });
        Kind::Call(function, args.to_vec(), CallKind::Inline)
    }

    /// The next iteration of the innermost loop.
    fn recur(&mut self, name: Name, word: Span, args: &[Expr], expr: Expr, position: Position) -> Kind {
        let nothing = Kind::Number(Literal::ZERO);
        let Some(&Meaning::Function(id)) = self.scope[name].last() else { return nothing };
        let (expected, begins) = (self.resolved.functions[id].params.len(), self.resolved.functions[id].span);
        if expected != args.len() {
            let kind = ProblemKind::RecurArity { given: args.len(), expected, begins };
            self.error(self.ast.span(expr), kind);
            return nothing;
        }
        if let Position::PartOf(user) = position {
            let by = match self.ast.kind(user) {
                ExprKind::Call(function, ..) => User::Call(self.ast.name(*function).to_string()),
                ExprKind::If(..) => User::Condition,
                ExprKind::Let(..) | ExprKind::Letrec(..) => User::Binding,
                ExprKind::Loop(..) => User::Loop,
                ExprKind::Recur(..) => User::Recur,
                ExprKind::Number(_) | ExprKind::Name(_) => User::Expression,
            };
            self.error(word, ProblemKind::RecurUsed { by, used: self.ast.span(user) });
            return nothing;
        }
        self.called(id, args, expr, true)
    }

    fn operand(&mut self, name: Name, span: Span) -> Kind {
        let nothing = Kind::Number(Literal::ZERO);
        let text = self.ast.name(name);
        match self.scope[name].last() {
            Some(&Meaning::Var(var)) => {
                if self.defined[var] == PENDING && self.owners[var] == self.owner {
                    let defined = self.resolved.vars[var].span;
                    self.error(span, ProblemKind::BeforeDefinition { name: text.to_string(), defined });
                }
                if let Some(user) = self.owner
                    && self.owners[var] != self.owner
                {
                    self.uses.insert((user, var));
                }
                Kind::Var(var)
            }
            Some(&Meaning::Function(id)) => {
                let defined = self.resolved.functions[id].span;
                self.error(span, ProblemKind::FunctionAsValue { name: text.to_string(), defined });
                nothing
            }
            None if self.vocabulary.reserves(text) => {
                self.error(span, ProblemKind::ReservedWord { name: text.to_string() });
                nothing
            }
            None => {
                if let "pi" | "e" = text {
                    let value = if text == "pi" { std::f64::consts::PI } else { std::f64::consts::E };
                    let kind = ProblemKind::NotPredefined { name: text.to_string(), value };
                    self.resolved.warnings.push(Problem { span, kind });
                }
                let var = self.var(name, span, None);
                // Bound from here on, outside everything: later uses find it, and bindings shadow it.
                self.scope[name].insert(0, Meaning::Var(var));
                self.inputs.push((span, var));
                if let Some(user) = self.owner {
                    self.uses.insert((user, var));
                }
                Kind::Var(var)
            }
        }
    }

    fn call(&mut self, name: Name, name_span: Span, args: &[Expr], expr: Expr, tail: bool) -> Kind {
        let span = self.ast.span(expr);
        let nothing = Kind::Number(Literal::ZERO);
        let text = self.ast.name(name);
        match self.scope[name].last() {
            Some(&Meaning::Function(id)) => {
                let function = &self.resolved.functions[id];
                let (expected, defined) = (function.params.len(), function.span);
                if expected != args.len() {
                    let (name, given) = (text.to_string(), args.len());
                    self.error(span, ProblemKind::FunctionArity { name, expected, given, defined });
                    return nothing;
                }
                self.called(id, args, expr, tail)
            }
            Some(&Meaning::Var(var)) if Primitive::from_name(text).is_none() || self.shadows(var) => {
                let defined = self.resolved.vars[var].span;
                self.error(name_span, ProblemKind::ValueCalled { name: text.to_string(), defined });
                nothing
            }
            Some(Meaning::Var(_)) | None => match Primitive::from_name(text) {
                Some(primitive) => {
                    let arity = primitive.arity();
                    if args.len() < arity.min || arity.max.is_some_and(|max| args.len() > max) {
                        let (name, given) = (text.to_string(), args.len());
                        let (least, most) = (arity.min, arity.max);
                        let (usage, doc) = (primitive.info().usage, primitive.info().doc);
                        let kind = ProblemKind::PrimitiveArity { name, least, most, usage, doc, given };
                        self.error(span, kind);
                        return nothing;
                    }
                    Kind::Primitive(primitive, args.to_vec())
                }
                None => {
                    let own = self.owner.is_some_and(|owner| self.resolved.functions[owner].name == text);
                    let here = NAMES_ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == text);
                    let here = here.map(|&(_, here)| here).filter(|_| !own);
                    let similar = if own || here.is_some() { None } else { self.similar(text) };
                    let name = text.to_string();
                    self.error(name_span, ProblemKind::UnknownFunction { name, own, similar, here });
                    nothing
                }
            },
        }
    }

    /// Whether a variable was bound by the program, rather than being an input of a primitive's name.
    fn shadows(&self, var: Var) -> bool {
        !self.inputs.iter().any(|&(_, input)| input == var)
    }

    /// The known name closest to an unknown one, if it is a slip away: one letter in three at the most. What asks a question is
    /// no slip for what asks none.
    fn similar(&self, text: &str) -> Option<String> {
        // What is beyond the last error is not reported.
        if text.len() > 64 || self.errors.len() >= MAX_DIAGNOSTICS {
            return None;
        }
        let primitives: Vec<&str> = Primitive::names().collect();
        let known = primitives
            .into_iter()
            .chain(self.vocabulary.forms.iter().copied())
            .chain(self.resolved.functions.values().take(1000).map(|f| f.name.as_str()));
        known
            .map(|name| (strsim::damerau_levenshtein(name, text), name))
            .filter(|&(distance, name)| {
                let letters = name.chars().count().max(text.chars().count());
                let question = name.ends_with('?') || !text.ends_with('?');
                distance <= 2 && 3 * distance <= letters && question
            })
            .min()
            .map(|(_, name)| name.to_string())
    }

    /// Warns of inputs that look like misspelt names of the program.
    fn near_misses(&mut self) {
        let inputs: HashSet<Var> = self.inputs.iter().map(|&(_, var)| var).collect();
        if inputs.len() > 100 {
            return;
        }
        for &(span, input) in &self.inputs {
            let name = &self.resolved.vars[input].name;
            let sign = name.chars().find_map(|sign| Some((sign, look_alike(sign)?)));
            if let Some((sign, like)) = sign {
                let kind = ProblemKind::LookAlike { name: name.clone(), sign, like };
                self.resolved.warnings.push(Problem { span, kind });
                continue;
            }
            if self.vocabulary.operators_in_names && is_like_formula(name) {
                let kind = ProblemKind::LikeFormula { name: name.clone() };
                self.resolved.warnings.push(Problem { span, kind });
                continue;
            }
            let bound = self.resolved.vars.iter().take(1000).find(|(var, info)| {
                let letters = info.name.chars().count();
                !inputs.contains(var)
                    && !is_numbered(name, &info.name)
                    && letters > 3
                    && letters.abs_diff(name.chars().count()) <= 1
                    && strsim::damerau_levenshtein(&info.name, name) == 1
            });
            if let Some((_, info)) = bound {
                let (name, similar, bound) = (name.clone(), info.name.clone(), info.span);
                let kind = ProblemKind::NearMiss { name, similar, bound };
                self.resolved.warnings.push(Problem { span, kind });
            }
        }
    }
}

/// Whether a name has `*`, `^` or `+` between two letters, digits or parts in brackets: `m*v^2/2`.
fn is_like_formula(name: &str) -> bool {
    let operand = |c: char| c.is_alphanumeric() || "_()[]".contains(c);
    let characters: Vec<char> = name.chars().collect();
    characters.windows(3).any(|w| operand(w[0]) && matches!(w[1], '*' | '^' | '+') && operand(w[2]))
}

/// Whether two names differ by the digits that one of them ends in: `theta0` is the first `theta`, and no slip.
fn is_numbered(a: &str, b: &str) -> bool {
    let stem = |name: &'_ str| name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    a[..stem(a)] == b[..stem(b)]
}
