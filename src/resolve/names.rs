//! Scopes: what each name of a syntax tree means.
//!
//! Programs come in units: their own text, the files that they import, and those of the library that they use. Each unit has names
//! of its own, so that no definition of a program gives the words of another file another meaning. Of imported files and the
//! library only what is used is visited.
//!
//! **Invariant**: every name is bound, and what is called by name has as many operands as it takes.
//!
//! **Boundary**: does not know which values are functions; that is for [`specialise`](crate::specialise).

use std::collections::{HashMap, HashSet};

use super::Owner;
use crate::ast::network::Network;
use crate::ast::{Ast, Body, Definition, Expr, ExprKind, Function as AstFunction, Name};
use crate::entity::{Entity, EntityVec};
use crate::files::Files;
use crate::names::{FuncId, Var, VarInfo};
use crate::number::Literal;
use crate::ops::Primitive;
use crate::prelude::{self, Library};
use crate::problem::{NAMES_ELSEWHERE, Problem, ProblemKind, User, Vocabulary};
use crate::source::{MAX_DIAGNOSTICS, Span};

/// What an expression is, with its names resolved. Its value may be a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A number.
    Number(Literal),
    /// The value of a variable.
    Var(Var),
    /// A function of the program as a value.
    Function(FuncId),
    /// A primitive.
    Primitive(Primitive, Box<[Expr]>),
    /// A call of a function of the program.
    Call(FuncId, Box<[Expr]>),
    /// A call of what an expression gives.
    Apply(Expr, Box<[Expr]>),
    /// A form that takes functions.
    Form(Form, Box<[Expr]>),
    /// A choice.
    If(Expr, Expr, Expr),
    /// Values for variables, one after the other, then the expression that uses them.
    Let(Box<[(Var, Expr)]>, Expr),
}

/// Forms whose operands are functions, and which are no functions of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// `(D f)`: the derivative of a function of one argument.
    Derivative,
    /// `(partial k)`: what gives the derivative of a function by its argument k.
    Partial,
    /// `(jvp f x v)`: the derivative of f at x in direction v.
    Jvp,
    /// `(vjp f x c)`: c times the Jacobian of f at x.
    Vjp,
}

impl Form {
    /// All forms.
    pub const ALL: [Form; 4] = [Form::Derivative, Form::Partial, Form::Jvp, Form::Vjp];

    /// What it is called.
    pub fn name(self) -> &'static str {
        self.entry().0
    }
    /// What it gives.
    pub fn doc(self) -> &'static str {
        self.entry().2
    }
    fn entry(self) -> (&'static str, &'static str, &'static str) {
        let [derivative, partial, jvp, vjp] = prelude::FORMS;
        match self {
            Form::Derivative => derivative,
            Form::Partial => partial,
            Form::Jvp => jvp,
            Form::Vjp => vjp,
        }
    }
    /// Its operands, one word each.
    pub fn usage(self) -> &'static str {
        match self {
            Form::Derivative => "f",
            Form::Partial => "k",
            Form::Jvp => "f x v",
            Form::Vjp => "f x c",
        }
    }
    /// How many operands it takes.
    pub fn operands(self) -> usize {
        match self {
            Form::Derivative | Form::Partial => 1,
            Form::Jvp | Form::Vjp => 3,
        }
    }
    fn from_name(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// A function of the program.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<Var>,
    /// What it computes.
    pub body: Expr,
}

/// What a name that nothing binds means where a function is called for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// A primitive.
    Primitive(Primitive),
    /// A form.
    Form(Form),
    /// A function of the library.
    Function(FuncId),
}

/// What a program without a result ends in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Last {
    /// A function.
    Function(FuncId),
    /// A value, which should be a function.
    Value(Var),
}

/// A program whose names are resolved.
pub(crate) struct Scoped {
    /// What expressions are.
    pub nodes: EntityVec<Expr, Node>,
    /// Their places.
    pub spans: EntityVec<Expr, Span>,
    /// All variables.
    pub vars: EntityVec<Var, VarInfo>,
    /// Whose they are.
    pub owners: EntityVec<Var, Owner>,
    /// All functions.
    pub functions: EntityVec<FuncId, Function>,
    /// Values of the library, of imported files, then those at the top of the program, in order.
    pub globals: Vec<(Var, Expr)>,
    /// How many of them are the library's.
    pub library_globals: usize,
    /// The results.
    pub results: Vec<Expr>,
    /// Their names, if they have some.
    pub result_names: Vec<String>,
    /// Variables that nothing binds, with the first place of each, in the order of the text.
    pub free: Vec<(Span, Var)>,
    /// Those of them that are the names of functions.
    pub known: HashMap<Var, Known>,
    /// What the program ends in, if it has no result.
    pub last: Option<Last>,
    /// Which function refers to which.
    pub references: Vec<(FuncId, FuncId)>,
    /// Variables of others that a function uses.
    pub uses: HashSet<(FuncId, Var)>,
    /// Whether functions are values anywhere.
    pub higher: bool,
    /// What the author may want to know.
    pub warnings: Vec<Problem>,
    /// Whether something of the library is used: its places come behind those of the program.
    pub library: bool,
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Var(Var),
    Function(FuncId),
}

/// Where an expression stands in its function.
#[derive(Debug, Clone, Copy)]
enum Position {
    /// Its value is the function's.
    Tail,
    /// It is a part of this expression, which uses its value.
    PartOf(Expr),
}

/// What is to be visited. Expressions are those of the syntax tree of the unit at hand.
enum Work<'a> {
    Visit(Expr, Position),
    /// Parts of an expression, one after the other.
    Each(&'a [Expr], Position),
    /// The value of a definition is known from here on.
    Defined(Var),
    Bind(Box<[(Name, Meaning)]>),
    Unbind(Box<[Name]>),
    Enter(FuncId),
    Leave(Owner),
}

/// A text other than that of the program itself. Values of the library come before those of imported files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Other {
    /// A file of the library.
    Library(usize),
    /// An imported file, by its position among the files of the program.
    Import(usize),
}

/// Where a definition of another text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    /// The text.
    file: Other,
    /// Which of its definitions.
    definition: usize,
}

/// A text with names of its own.
struct Unit {
    /// The text, if it is not the program itself.
    other: Option<Other>,
    /// Names that are those of definitions of imported files, or, in an imported file, of its own.
    known: HashMap<String, Place>,
    /// How many expressions come before its own.
    exprs: usize,
    /// By how many bytes its places are moved.
    start: u32,
    /// What each name means, innermost last.
    scope: EntityVec<Name, Vec<Meaning>>,
}

/// Resolves the names of a program, whose sources end before `end`.
///
/// # Errors
///
/// Unknown functions, wrong numbers of operands, values used before their definition, `recur` where its value is used; each
/// with its place.
pub(crate) fn scope(files: &Files, end: u32) -> Result<Scoped, Vec<Problem>> {
    let ast = &files.main().ast;
    let mut resolver = Resolver {
        ast,
        program: files,
        units: Vec::new(),
        unit: 0,
        end,
        files: HashMap::new(),
        meanings: HashMap::new(),
        left: Vec::new(),
        values: Vec::new(),
        places: HashMap::new(),
        visiting: None,
        inputs: HashMap::new(),
        declared: Vec::new(),
        weights: files.weights(),
        other_globals: 0,
        imported_inputs: Vec::new(),
        vocabulary: files.main().dialect.vocabulary(),
        pending: HashSet::new(),
        owner: None,
        errors: Vec::new(),
        scoped: Scoped {
            nodes: EntityVec::new(),
            spans: EntityVec::new(),
            vars: EntityVec::new(),
            owners: EntityVec::new(),
            functions: EntityVec::new(),
            globals: Vec::new(),
            library_globals: 0,
            results: Vec::new(),
            result_names: Vec::new(),
            free: Vec::new(),
            known: HashMap::new(),
            last: None,
            references: Vec::new(),
            uses: HashSet::new(),
            higher: false,
            warnings: Vec::new(),
            library: false,
        },
    };
    resolver.add_unit(ast, 0, None);
    resolver.program();
    if resolver.errors.is_empty() { Ok(resolver.scoped) } else { Err(resolver.errors) }
}

struct Resolver<'a> {
    /// The syntax tree of the unit at hand.
    ast: &'a Ast,
    /// The files of the program.
    program: &'a Files,
    units: Vec<Unit>,
    /// The unit at hand.
    unit: usize,
    /// Where the places of the library begin.
    end: u32,
    /// The units of other texts.
    files: HashMap<Other, usize>,
    /// What is known of other texts.
    meanings: HashMap<Place, Meaning>,
    /// Definitions of other texts that are still to be visited.
    left: Vec<(Place, Meaning)>,
    /// Values of other texts.
    values: Vec<(Place, Var, Expr)>,
    /// Where values of other texts are defined.
    places: HashMap<Var, Place>,
    /// The value of another text that is being visited.
    visiting: Option<Place>,
    /// Inputs, which are one whichever file of the program uses them.
    inputs: HashMap<String, Var>,
    /// The inputs that are parameters of the function with several results which the program ends in.
    declared: Vec<Var>,
    /// The parameters of networks by their names, each with its network and the file that declares it.
    weights: HashMap<String, (usize, &'a Network)>,
    /// How many values at the top are those of other texts.
    other_globals: usize,
    /// Inputs of imported files, with their first place there and the file.
    imported_inputs: Vec<(Span, Var, usize)>,
    /// Of the unit at hand.
    vocabulary: Vocabulary,
    /// Variables whose definition is still to come.
    pending: HashSet<Var>,
    owner: Owner,
    errors: Vec<Problem>,
    scoped: Scoped,
}

impl<'a> Resolver<'a> {
    fn error(&mut self, span: Span, kind: ProblemKind) {
        if self.errors.len() < MAX_DIAGNOSTICS {
            let span = self.place(span);
            self.errors.push(Problem::new(span, kind));
        }
    }

    fn add_unit(&mut self, ast: &'a Ast, start: u32, other: Option<Other>) -> usize {
        let scoped = &mut self.scoped;
        let exprs = scoped.nodes.len();
        scoped.nodes.reserve(ast.exprs().len());
        scoped.spans.reserve(ast.exprs().len());
        for expr in ast.exprs() {
            scoped.nodes.push(Node::Number(Literal::ZERO));
            scoped.spans.push(ast.span(expr).shifted(start));
        }
        let scope = EntityVec::filled(Vec::new(), ast.names().len());
        let mut known = HashMap::new();
        let file = match other {
            None => Some(0),
            Some(Other::Import(file)) => Some(file),
            Some(Other::Library(_)) => None,
        };
        if let Some(file) = file.map(|file| &self.program.0[file]) {
            for (import, &position) in file.ast.imports.iter().zip(&file.imports) {
                for (name, definition) in self.program.0[position].known(import) {
                    known.insert(name, Place { file: Other::Import(position), definition });
                }
            }
        }
        if let Some(Other::Import(position)) = other {
            for (definition, defined) in ast.definitions.iter().enumerate() {
                if ast.is_made(defined.named().0) {
                    continue;
                }
                let name = ast.name(defined.named().0).to_string();
                known.insert(name, Place { file: Other::Import(position), definition });
            }
        }
        self.units.push(Unit { other, known, exprs, start, scope });
        self.units.len() - 1
    }

    /// The syntax tree of another text.
    fn text(&self, other: Other) -> &'a Ast {
        match other {
            Other::Library(file) => &prelude::library().files[file].ast,
            Other::Import(file) => &self.program.0[file].ast,
        }
    }

    /// The words of another text's dialect.
    fn words(&self, other: Other) -> Vocabulary {
        match other {
            Other::Library(_) => Vocabulary { predefined: true, ..Vocabulary::default() },
            Other::Import(file) => self.program.0[file].dialect.vocabulary(),
        }
    }

    /// Whether the unit at hand is a part of the library.
    fn in_library(&self) -> bool {
        matches!(self.units[self.unit].other, Some(Other::Library(_)))
    }

    /// Goes on in another unit; gives what is to be restored.
    fn go_to(&mut self, other: Other) -> (usize, &'a Ast, Vocabulary) {
        let unit = match self.files.get(&other) {
            Some(&unit) => unit,
            None => {
                let start = match other {
                    Other::Library(file) => self.end + prelude::library().files[file].start,
                    Other::Import(_) => 0,
                };
                let unit = self.add_unit(self.text(other), start, Some(other));
                self.files.insert(other, unit);
                unit
            }
        };
        let around = (self.unit, self.ast, self.vocabulary);
        (self.unit, self.ast, self.vocabulary) = (unit, self.text(other), self.words(other));
        around
    }

    /// An expression of the unit at hand among those of the program.
    fn at(&self, expr: Expr) -> Expr {
        Expr::from_index(self.units[self.unit].exprs + expr.index())
    }

    fn all(&self, exprs: &[Expr]) -> Box<[Expr]> {
        exprs.iter().map(|&expr| self.at(expr)).collect()
    }

    /// A place of the unit at hand among those of the program.
    fn place(&self, span: Span) -> Span {
        span.shifted(self.units[self.unit].start)
    }

    fn meaning(&mut self, name: Name) -> Option<Meaning> {
        let unit = &self.units[self.unit];
        if let Some(&meaning) = unit.scope[name].last() {
            return Some(meaning);
        }
        if unit.known.is_empty() || self.ast.is_made(name) {
            return None;
        }
        let &place = unit.known.get(self.ast.name(name))?;
        Some(self.definition(place))
    }

    /// What a definition of another text means, which is then to be visited.
    fn definition(&mut self, place: Place) -> Meaning {
        if let Some(&known) = self.meanings.get(&place) {
            return known;
        }
        let around = self.go_to(place.file);
        let meaning = match &self.ast.definitions[place.definition] {
            Definition::Function(function) => Meaning::Function(self.function(function)),
            Definition::Value(binding) => {
                let var = self.var(binding.name, binding.span, None);
                self.places.insert(var, place);
                if let Other::Import(file) = place.file {
                    self.scoped.vars[var].name = self.name_outside(file, binding.name).into();
                }
                Meaning::Var(var)
            }
        };
        (self.unit, self.ast, self.vocabulary) = around;
        self.meanings.insert(place, meaning);
        self.left.push((place, meaning));
        meaning
    }

    /// What callers know a value of an imported file by: the name that the program gives it, or one that no program has.
    fn name_outside(&self, file: usize, name: Name) -> String {
        let of = &self.program.0[file];
        let name = of.ast.name(name);
        let main = self.program.main();
        let import = main.imports.iter().position(|&position| position == file);
        match import.and_then(|import| main.ast.imports.get(import)) {
            Some(import) => format!("{}{name}", import.prefix()),
            None => format!("{}:{name}", of.name),
        }
    }

    /// A new variable.
    fn var(&mut self, name: Name, span: Span, owner: Owner) -> Var {
        let info = VarInfo { name: self.ast.name(name).into(), span: self.place(span) };
        self.scoped.owners.push(owner);
        self.scoped.vars.push(info)
    }

    fn function(&mut self, function: &AstFunction) -> FuncId {
        let id = FuncId::from_index(self.scoped.functions.len());
        let params = function.params.iter().map(|&(name, span)| self.var(name, span, Some(id))).collect();
        self.scoped.functions.push(Function {
            name: self.ast.name(function.name).to_string(),
            span: self.place(function.span),
            params,
            body: self.at(function.body),
        })
    }

    fn program(&mut self) {
        let ast = self.ast;
        for &(name, span) in ast.ends_in.iter().flat_map(|function| &function.params) {
            let var = self.var(name, span, None);
            self.scoped.free.push((self.place(span), var));
            self.inputs.insert(ast.name(name).to_string(), var);
            self.units[0].scope[name].push(Meaning::Var(var));
            self.declared.push(var);
        }
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
                    self.pending.insert(var);
                    Meaning::Var(var)
                }
            };
            self.units[0].scope[name].push(meaning);
            meanings.push(meaning);
        }
        let mut last = None;
        for (definition, meaning) in ast.definitions.iter().zip(meanings) {
            match (definition, meaning) {
                (Definition::Function(function), Meaning::Function(id)) => {
                    last = Some(Last::Function(id));
                    let params = self.param_meanings(function, id);
                    self.visit(function.body, Some(id), params);
                }
                (Definition::Value(binding), Meaning::Var(var)) => {
                    last = Some(Last::Value(var));
                    self.visit(binding.value, None, Vec::new());
                    self.scoped.globals.push((var, binding.value));
                    self.pending.remove(&var);
                }
                (Definition::Function(_), Meaning::Var(_)) | (Definition::Value(_), Meaning::Function(_)) => {
                }
            }
        }
        match &ast.body {
            Body::Value(expr) => {
                self.visit(*expr, None, Vec::new());
                self.scoped.results = vec![*expr];
            }
            Body::Named(results) => {
                for result in results {
                    self.visit(result.value, None, Vec::new());
                    self.scoped.results.push(result.value);
                    self.scoped.result_names.push(ast.name(result.name).to_string());
                }
            }
            Body::LastFunction => {
                self.scoped.last = last;
                self.scoped.higher |= matches!(last, Some(Last::Value(_)));
            }
        }
        self.others();
        self.known_functions();
        self.warn_of_imported_inputs();
        self.scoped.free[self.declared.len()..].sort_by_key(|&(span, _)| span);
        self.two_inputs_of_one_name();
    }

    /// Finds out which free variables are names of functions, where functions are called for anywhere.
    fn known_functions(&mut self) {
        if !self.scoped.higher {
            return;
        }
        let mut next = self.declared.len();
        // What the library uses may be such names again.
        loop {
            while let Some(&(_, var)) = self.scoped.free.get(next) {
                next += 1;
                let name = self.scoped.vars[var].name.clone();
                let known = match (Primitive::from_name(&name), Form::from_name(&name)) {
                    (Some(primitive), _) => Some(Known::Primitive(primitive)),
                    (None, Some(form)) => Some(Known::Form(form)),
                    (None, None) => match self.library_meaning(&name) {
                        Some(Meaning::Function(id)) => Some(Known::Function(id)),
                        Some(Meaning::Var(_)) | None => None,
                    },
                };
                if let Some(known) = known {
                    self.scoped.known.insert(var, known);
                }
            }
            if self.left.is_empty() {
                break;
            }
            self.others();
        }
    }

    /// What a word of the library means, which is then to be visited. Its words that begin with `%` are its own.
    fn library_meaning(&mut self, name: &str) -> Option<Meaning> {
        let library = prelude::library();
        let place = library.find(name)?;
        if name.starts_with('%') && !self.in_library() {
            return None;
        }
        self.scoped.library = true;
        self.scoped.higher = true;
        Some(self.definition(Place { file: Other::Library(place.file), definition: place.definition }))
    }

    /// What a word of the library means where it has so many operands: for other numbers of them than its own, `name/n`
    /// is the one of n operands.
    fn library_call(&mut self, name: &str, operands: usize) -> Option<Meaning> {
        let library = prelude::library();
        if library.operands(name) != Some(operands) {
            let other = format!("{name}/{operands}");
            if library.operands(&other) == Some(operands) {
                return self.library_meaning(&other);
            }
        }
        self.library_meaning(name)
    }

    /// Visits what is used of other texts.
    fn others(&mut self) {
        let program = (self.unit, self.ast, self.vocabulary);
        while let Some((place, meaning)) = self.left.pop() {
            self.go_to(place.file);
            match (&self.ast.definitions[place.definition], meaning) {
                (Definition::Function(function), Meaning::Function(id)) => {
                    let params = self.param_meanings(function, id);
                    self.visit(function.body, Some(id), params);
                }
                (Definition::Value(binding), Meaning::Var(var)) => {
                    self.visiting = Some(place);
                    self.visit(binding.value, None, Vec::new());
                    self.visiting = None;
                    self.values.push((place, var, self.at(binding.value)));
                }
                (Definition::Function(_), Meaning::Var(_)) | (Definition::Value(_), Meaning::Function(_)) => {
                }
            }
        }
        (self.unit, self.ast, self.vocabulary) = program;
        if !self.values.is_empty() {
            // In the order of the library, whose values use earlier ones only, then of the files, which come behind those that they
            // import.
            self.values.sort_by_key(|&(place, ..)| place);
            let own = self.scoped.globals.split_off(self.other_globals);
            self.scoped.globals = self.values.iter().map(|&(_, var, value)| (var, value)).collect();
            let library = |(place, ..): &&(Place, Var, Expr)| matches!(place.file, Other::Library(_));
            self.scoped.library_globals = self.values.iter().filter(library).count();
            self.other_globals = self.scoped.globals.len();
            self.scoped.globals.extend(own);
        }
    }

    /// Warns of inputs that come from imported files: what a program takes is not to be seen in its own text then.
    fn warn_of_imported_inputs(&mut self) {
        for (span, var, file) in std::mem::take(&mut self.imported_inputs) {
            if self.scoped.known.contains_key(&var) {
                continue;
            }
            let (name, file) = (self.scoped.vars[var].name.clone(), self.program.0[file].name.clone());
            self.scoped
                .warnings
                .push(Problem::new(span, ProblemKind::ImportedInput { name: name.into(), file }));
        }
    }

    /// Refuses a free variable that is called like a parameter of the final function: both would be inputs.
    fn two_inputs_of_one_name(&mut self) {
        let Some(Last::Function(id)) = self.scoped.last else { return };
        let function = &self.scoped.functions[id];
        let params: HashMap<&str, Span> = function
            .params
            .iter()
            .map(|&var| &self.scoped.vars[var])
            .map(|v| (v.name.as_str(), v.span))
            .collect();
        let mut errors = Vec::new();
        for &(span, var) in &self.scoped.free {
            let name = &self.scoped.vars[var].name;
            if let (Some(&param), false) = (params.get(name.as_str()), self.scoped.known.contains_key(&var)) {
                let (name, function) = (name.clone(), function.name.clone());
                errors.push((span, ProblemKind::TwoInputs { name: name.into(), param, function }));
            }
        }
        errors.into_iter().for_each(|(span, kind)| self.error(span, kind));
    }

    fn param_meanings(&self, function: &AstFunction, id: FuncId) -> Vec<(Name, Meaning)> {
        let params = &self.scoped.functions[id].params;
        function.params.iter().zip(params).map(|(&(name, _), &var)| (name, Meaning::Var(var))).collect()
    }

    /// Resolves an expression that belongs to `owner`, under these bindings.
    fn visit(&mut self, expr: Expr, owner: Owner, bindings: Vec<(Name, Meaning)>) {
        self.owner = owner;
        let names = bindings.iter().map(|b| b.0).collect();
        let mut work =
            vec![Work::Unbind(names), Work::Visit(expr, Position::Tail), Work::Bind(bindings.into())];
        while let Some(next) = work.pop() {
            match next {
                Work::Visit(expr, position) => self.visit_one(expr, position, &mut work),
                Work::Each(exprs, position) => {
                    if let Some((&first, rest)) = exprs.split_first() {
                        work.extend([Work::Each(rest, position), Work::Visit(first, position)]);
                    }
                }
                Work::Defined(var) => {
                    self.pending.remove(&var);
                }
                Work::Bind(bindings) => {
                    for (name, meaning) in bindings {
                        self.units[self.unit].scope[name].push(meaning);
                    }
                }
                Work::Unbind(names) => {
                    for name in names {
                        self.units[self.unit].scope[name].pop();
                    }
                }
                Work::Enter(id) => self.owner = Some(id),
                Work::Leave(owner) => self.owner = owner,
            }
        }
    }

    fn visit_one(&mut self, expr: Expr, position: Position, work: &mut Vec<Work<'a>>) {
        let ast = self.ast;
        let part = Position::PartOf(expr);
        let node = match ast.kind(expr) {
            ExprKind::Number(literal) => Node::Number(*literal),
            ExprKind::Name(name) => self.operand(*name, ast.span(expr)),
            ExprKind::Call(name, name_span, args) => {
                work.push(Work::Each(args, part));
                self.call(*name, *name_span, args, expr)
            }
            ExprKind::Apply(head, args) => {
                self.scoped.higher = true;
                work.push(Work::Each(args, part));
                work.push(Work::Visit(*head, part));
                Node::Apply(self.at(*head), self.all(args))
            }
            ExprKind::Lambda(function) => {
                self.scoped.higher = true;
                let id = self.function(function);
                self.visit_function(function, id, work);
                self.refer(id);
                Node::Function(id)
            }
            &ExprKind::If(condition, then, other) => {
                work.extend([Work::Visit(other, position), Work::Visit(then, position)]);
                work.push(Work::Visit(condition, part));
                Node::If(self.at(condition), self.at(then), self.at(other))
            }
            ExprKind::Let(bound, body) => {
                let (bindings, functions) = &**bound;
                let mut meanings = Vec::with_capacity(bindings.len() + functions.len());
                let mut values = Vec::with_capacity(bindings.len());
                for binding in bindings {
                    let var = self.var(binding.name, binding.span, self.owner);
                    meanings.push((binding.name, Meaning::Var(var)));
                    values.push((var, self.at(binding.value)));
                }
                let ids: Vec<FuncId> = functions.iter().map(|f| self.function(f)).collect();
                meanings.extend(functions.iter().zip(&ids).map(|(f, &id)| (f.name, Meaning::Function(id))));
                work.push(Work::Unbind(meanings.iter().map(|m| m.0).collect()));
                work.push(Work::Visit(*body, position));
                work.push(Work::Bind(meanings.into()));
                for (function, &id) in functions.iter().zip(&ids).rev() {
                    self.visit_function(function, id, work);
                }
                work.extend(bindings.iter().rev().map(|b| Work::Visit(b.value, part)));
                Node::Let(values.into(), self.at(*body))
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
                            self.pending.insert(var);
                            values.push((var, self.at(binding.value)));
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
                work.push(Work::Bind(meanings.into()));
                Node::Let(values.into(), self.at(*body))
            }
            ExprKind::Loop(_, function, args) => {
                let id = self.function(function);
                work.push(Work::Unbind([function.name].into()));
                self.visit_function(function, id, work);
                work.push(Work::Bind([(function.name, Meaning::Function(id))].into()));
                work.push(Work::Each(args, part));
                self.called(id, args)
            }
            ExprKind::Recur(name, word, args) => {
                work.push(Work::Each(args, part));
                self.recur(*name, *word, args, expr, position)
            }
        };
        let at = self.at(expr);
        self.scoped.nodes[at] = node;
    }

    /// Resolves the body of a function.
    fn visit_function(&self, function: &AstFunction, id: FuncId, work: &mut Vec<Work<'a>>) {
        let params = self.param_meanings(function, id);
        work.push(Work::Leave(self.owner));
        work.push(Work::Unbind(params.iter().map(|p| p.0).collect()));
        work.push(Work::Visit(function.body, Position::Tail));
        work.push(Work::Bind(params.into()));
        work.push(Work::Enter(id));
    }

    /// Notes that the function at hand refers to another one.
    fn refer(&mut self, function: FuncId) {
        if let Some(owner) = self.owner {
            self.scoped.references.push((owner, function));
        }
    }

    /// A call of a function with as many operands as it has parameters.
    fn called(&mut self, function: FuncId, args: &[Expr]) -> Node {
        self.refer(function);
        Node::Call(function, self.all(args))
    }

    /// The next iteration of the innermost loop.
    fn recur(&mut self, name: Name, word: Span, args: &[Expr], expr: Expr, position: Position) -> Node {
        let nothing = Node::Number(Literal::ZERO);
        let Some(Meaning::Function(id)) = self.meaning(name) else { return nothing };
        let (expected, begins) = (self.scoped.functions[id].params.len(), self.scoped.functions[id].span);
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
                ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Apply(..) | ExprKind::Lambda(_) => {
                    User::Expression
                }
            };
            self.error(word, ProblemKind::RecurUsed { by, used: self.ast.span(user) });
            return nothing;
        }
        if self.owner != Some(id) {
            let kind = ProblemKind::RecurUsed { by: User::Expression, used: word };
            self.error(word, kind);
            return nothing;
        }
        self.called(id, args)
    }

    /// Whether a name means what could not be read, of which nothing can be wrong.
    fn is_unknown(&self, name: Name) -> bool {
        self.ast.unknown.contains(&name) && self.units[self.unit].scope[name].is_empty()
    }

    fn operand(&mut self, name: Name, span: Span) -> Node {
        let nothing = Node::Number(Literal::ZERO);
        if self.is_unknown(name) {
            return nothing;
        }
        let text = self.ast.name(name);
        match self.meaning(name) {
            Some(Meaning::Var(var)) => self.use_of(var, span, text),
            Some(Meaning::Function(id)) => {
                self.scoped.higher = true;
                self.refer(id);
                Node::Function(id)
            }
            None if self.in_library()
                && Primitive::from_name(text).is_none()
                && predefined(text).is_none() =>
            {
                match self.library_meaning(text) {
                    Some(Meaning::Var(var)) => self.use_of(var, span, text),
                    Some(Meaning::Function(id)) => {
                        self.refer(id);
                        Node::Function(id)
                    }
                    None => unreachable!("the library uses `{text}`, which nothing binds"),
                }
            }
            None if self.vocabulary.reserves(text) => {
                self.error(span, ProblemKind::ReservedWord { name: text.to_string() });
                nothing
            }
            None => {
                if let Some(value) = predefined(text).filter(|_| self.vocabulary.predefined) {
                    return Node::Number(value.into());
                }
                if text == "e" {
                    let value = std::f64::consts::E;
                    let kind = ProblemKind::NotPredefined { name: text.to_string(), value };
                    self.scoped.warnings.push(Problem::new(span, kind));
                }
                if !self.ast.weights.contains(&name) {
                    self.check_weight(text, span);
                }
                let shared = if self.in_library() { None } else { self.inputs.get(text).copied() };
                let var = match shared {
                    Some(var) => {
                        if self.declared.contains(&var)
                            && let Some(function) = &self.program.main().ast.ends_in
                        {
                            let param = self.scoped.vars[var].span;
                            let function = self.program.main().ast.name(function.name).to_string();
                            self.error(
                                span,
                                ProblemKind::TwoInputs { name: text.to_string(), param, function },
                            );
                        }
                        var
                    }
                    None => {
                        let var = self.var(name, span, None);
                        self.scoped.free.push((self.place(span), var));
                        if !self.in_library() {
                            self.inputs.insert(text.to_string(), var);
                        }
                        var
                    }
                };
                // Bound from here on, outside everything: later uses find it, and bindings shadow it.
                self.units[self.unit].scope[name].insert(0, Meaning::Var(var));
                if let Some(Other::Import(file)) = self.units[self.unit].other
                    && !self.program.0[file].function
                    && !self.ast.weights.contains(&name)
                    && !self.imported_inputs.iter().any(|&(_, known, _)| known == var)
                {
                    self.imported_inputs.push((span, var, file));
                }
                if let Some(user) = self.owner {
                    self.scoped.uses.insert((user, var));
                }
                Node::Var(var)
            }
        }
    }

    /// Refuses an input that is called like a parameter of a network of which its file knows nothing.
    fn check_weight(&mut self, text: &str, span: Span) {
        let unit = match self.units[self.unit].other {
            None => 0,
            Some(Other::Import(file)) => file,
            Some(Other::Library(_)) => return,
        };
        let Some(&(file, network)) = self.weights.get(text) else { return };
        if !self.program.reach(unit).contains(&file) {
            let of = self.program.0[file].ast.name(network.name).to_string();
            let (name, network, declared) = (text.to_string(), of, network.span);
            self.error(span, ProblemKind::WeightElsewhere { name, network, declared });
        }
    }

    fn use_of(&mut self, var: Var, span: Span, text: &str) -> Node {
        let later = |visiting: Place| {
            let is_later = |&defined: &Place| defined.file == visiting.file && defined >= visiting;
            self.owner.is_none() && self.places.get(&var).is_some_and(is_later)
        };
        let pending = self.pending.contains(&var) && self.scoped.owners[var] == self.owner;
        if pending || self.visiting.is_some_and(later) {
            let defined = self.scoped.vars[var].span;
            self.error(span, ProblemKind::BeforeDefinition { name: text.to_string(), defined });
        }
        if let Some(user) = self.owner
            && self.scoped.owners[var] != self.owner
        {
            self.scoped.uses.insert((user, var));
        }
        Node::Var(var)
    }

    fn call(&mut self, name: Name, name_span: Span, args: &[Expr], expr: Expr) -> Node {
        let span = self.ast.span(expr);
        let nothing = Node::Number(Literal::ZERO);
        if self.is_unknown(name) {
            return nothing;
        }
        let text = self.ast.name(name);
        let meaning = match self.meaning(name) {
            // A name that nothing binds is an input elsewhere, and the function here.
            Some(Meaning::Var(var)) if self.is_known(text) && !self.shadows(var) => None,
            None | Some(Meaning::Var(_)) if self.ast.is_made(name) => None,
            meaning => meaning,
        };
        match meaning {
            Some(Meaning::Function(id)) => self.call_of(id, text, args, span),
            Some(Meaning::Var(var)) => {
                // The variable may be a function.
                self.scoped.higher = true;
                let node = self.use_of(var, name_span, text);
                let head = self.scoped.nodes.push(node);
                self.scoped.spans.push(self.place(name_span));
                Node::Apply(head, self.all(args))
            }
            None => match (Primitive::from_name(text), Form::from_name(text)) {
                (Some(primitive), _) => {
                    let arity = primitive.arity();
                    if args.len() < arity.min || arity.max.is_some_and(|max| args.len() > max) {
                        let (usage, doc) = (primitive.info().usage, primitive.info().doc);
                        let (name, given) = (text.to_string(), args.len());
                        let (least, most) = (arity.min, arity.max);
                        let kind = ProblemKind::PrimitiveArity { name, least, most, usage, doc, given };
                        self.error(span, kind);
                        return nothing;
                    }
                    let is_activation = |network: &Network| network.activations().any(|place| place == span);
                    if arity.max.is_none() && self.ast.networks.iter().any(is_activation) {
                        self.error(span, ProblemKind::ActivationArity { name: text.to_string() });
                        return nothing;
                    }
                    Node::Primitive(primitive, self.all(args))
                }
                (None, Some(form)) => {
                    self.scoped.higher = true;
                    let (least, given) = (form.operands(), args.len());
                    if least != given {
                        let (name, usage, doc) = (text.to_string(), form.usage(), form.doc());
                        let most = Some(least);
                        let kind = ProblemKind::PrimitiveArity { name, least, most, usage, doc, given };
                        self.error(span, kind);
                        return nothing;
                    }
                    Node::Form(form, self.all(args))
                }
                (None, None) => {
                    let own = self.owner.is_some_and(|owner| self.scoped.functions[owner].name == text);
                    if !own && let Some(Meaning::Function(id)) = self.library_call(text, args.len()) {
                        let word = Library::word(text).zip(prelude::library().arity(text));
                        if let Some((word, (least, most))) = word
                            && !(least..=most).contains(&args.len())
                        {
                            let (name, given, most) = (text.to_string(), args.len(), Some(most));
                            let (usage, doc) = (word.operands(), word.doc.as_str());
                            let kind = ProblemKind::PrimitiveArity { name, least, most, usage, doc, given };
                            self.error(span, kind);
                            return nothing;
                        }
                        return self.call_of(id, text, args, span);
                    }
                    let here = NAMES_ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == text);
                    let here = here.map(|&(_, here)| here).filter(|_| !own);
                    let similar = if own || here.is_some() {
                        None
                    } else {
                        self.signed(text).or_else(|| self.similar(text))
                    };
                    let name = text.to_string();
                    self.error(name_span, ProblemKind::UnknownFunction { name, own, similar, here });
                    nothing
                }
            },
        }
    }

    /// A call of a function by name.
    fn call_of(&mut self, id: FuncId, text: &str, args: &[Expr], span: Span) -> Node {
        let function = &self.scoped.functions[id];
        let (expected, defined) = (function.params.len(), function.span);
        if expected != args.len() {
            let (name, given) = (text.to_string(), args.len());
            self.error(span, ProblemKind::FunctionArity { name, expected, given, defined });
            return Node::Number(Literal::ZERO);
        }
        self.called(id, args)
    }

    /// Whether a name that nothing binds is that of a function.
    fn is_known(&self, text: &str) -> bool {
        Primitive::from_name(text).is_some()
            || Form::from_name(text).is_some()
            || prelude::library().find(text).is_some()
    }

    /// Whether a variable was bound by the program, rather than being an input of a primitive's name.
    fn shadows(&self, var: Var) -> bool {
        !self.scoped.free[self.declared.len()..].iter().any(|&(_, input)| input == var)
    }

    /// The known name closest to an unknown one, if it is a slip away: one letter in three at the most. What asks a question is
    /// no slip for what asks none.
    fn similar(&self, text: &str) -> Option<String> {
        // What is beyond the last error is not reported.
        if text.len() > 64 || self.errors.len() >= MAX_DIAGNOSTICS {
            return None;
        }
        let primitives: Vec<&str> = Primitive::names().collect();
        let library = prelude::library();
        let forms = Form::ALL.map(Form::name);
        let known = primitives
            .into_iter()
            .chain(forms)
            .chain(library.names())
            .chain(self.units[self.unit].known.keys().take(1000).map(String::as_str))
            .chain(self.vocabulary.forms.iter().copied())
            .chain(self.scoped.functions.values().take(1000).map(|f| f.name.as_str()));
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

    /// A known name of which this is the part behind a sign, where signs are operators: `rk4-at` was read as a difference.
    fn signed(&self, text: &str) -> Option<String> {
        if self.vocabulary.operators_in_names {
            return None;
        }
        let ends = |name: &&str| name.strip_suffix(text).is_some_and(|front| front.ends_with(['-', '>']));
        Primitive::names().chain(prelude::library().names()).filter(ends).min().map(str::to_string)
    }
}

/// The numbers that have a name where nothing binds it.
fn predefined(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "tau" => Some(std::f64::consts::TAU),
        _ => None,
    }
}
