//! The syntax tree: what was written, with derived forms expanded and names not yet resolved.

pub mod network;
pub mod switches;
pub mod truth;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::rc::Rc;

use crate::entity::{EntityVec, entity};
use crate::limits::Limits;
use crate::number::{Literal, number};
use crate::source::Span;
use network::{Network, NetworkInput};

/// What a recursion on expressions keeps of the stack, and takes when there is less.
const STACK: (usize, usize) = (256 << 10, 4 << 20);

entity!(
    /// An expression.
    Expr, "e");
entity!(
    /// A name as it is written.
    Name, "name");

/// What an expression is. A program has one for each number and name in its text, so rare parts stand in boxes.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number.
    Number(Literal),
    /// A name in operand position.
    Name(Name),
    /// A call of a name: a primitive or a function. The span is that of the name.
    Call(Name, Span, Box<[Expr]>),
    /// A call of what another expression gives: `((f a) x)`.
    Apply(Expr, Box<[Expr]>),
    /// A function as a value: `(lambda (param …) body)`. Its name is made up.
    Lambda(Box<Function>),
    /// `(if condition then else)`.
    If(Expr, Expr, Expr),
    /// `(let ((name value) …) body)`, bound in parallel; values and functions.
    Let(Box<(Vec<Binding>, Vec<Function>)>, Expr),
    /// `(letrec* ((name value) …) body)`: values and functions that know each other, values bound in this order.
    Letrec(Vec<Definition>, Expr),
    /// A function that knows its own name, called at once: `loop`, `do` and named `let`. The operands do not know it.
    Loop(LoopForm, Box<Function>, Box<[Expr]>),
    /// `(recur value …)`: a call of the function of the innermost `loop`, which has this name. The span is that of the
    /// word.
    Recur(Name, Span, Box<[Expr]>),
}

/// How the body of a loop begins it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopForm {
    /// By `recur`.
    Recur,
    /// By name.
    Named,
    /// By itself: the body is a choice between a result and a call of the loop, whose name nothing else can mean.
    Do,
}

/// A name bound to a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binding {
    /// The name.
    pub name: Name,
    /// Where it stands.
    pub span: Span,
    /// Its value.
    pub value: Expr,
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Where the name stands; for a function without one, the `lambda`.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<(Name, Span)>,
    /// What it computes.
    pub body: Expr,
}

/// A definition, at top level or at the head of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// `(define (name param …) body)`.
    Function(Function),
    /// `(define name value)`.
    Value(Binding),
}

impl Definition {
    /// What it defines, and where the name stands.
    pub fn named(&self) -> (Name, Span) {
        match self {
            Definition::Function(function) => (function.name, function.span),
            Definition::Value(binding) => (binding.name, binding.span),
        }
    }

    /// What it computes: the body of a function, or a value.
    pub fn value(&self) -> Expr {
        match self {
            Definition::Function(function) => function.body,
            Definition::Value(binding) => binding.value,
        }
    }
}

/// Another file, made known: `(import "file")`, `(import (prefix "file" prefix))` or `(import (program "file" name input …))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The file, as it is written.
    pub path: String,
    /// Where that stands.
    pub span: Span,
    /// What is made known of it.
    pub what: Imported,
}

/// What an import makes known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// Its definitions, by names that begin with this; nothing for the names themselves.
    Definitions(String),
    /// The program that it is, as a function.
    Program(ProgramAsFunction),
}

/// A program as a function of inputs of it. Its other inputs are inputs of whatever uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramAsFunction {
    /// What the function is called.
    pub name: String,
    /// Where that stands.
    pub span: Span,
    /// The inputs that are its parameters, with their places.
    pub inputs: Vec<(String, Span)>,
}

impl Import {
    /// What a definition of the file is called where it is imported; nothing for a program that is a function.
    pub fn prefix(&self) -> &str {
        match &self.what {
            Imported::Definitions(prefix) => prefix,
            Imported::Program(_) => "",
        }
    }

    /// Whether both make the same known of files with the same path.
    fn same(&self, other: &Import) -> bool {
        let alike = match (&self.what, &other.what) {
            (Imported::Definitions(a), Imported::Definitions(b)) => a == b,
            (Imported::Program(a), Imported::Program(b)) => a.same(b),
            (Imported::Definitions(_) | Imported::Program(_), _) => false,
        };
        alike && self.path == other.path
    }

    /// The import as an S-expression.
    pub(crate) fn text(&self) -> String {
        match &self.what {
            Imported::Definitions(prefix) if prefix.is_empty() => format!("(import \"{}\")", self.path),
            Imported::Definitions(prefix) => format!("(import (prefix \"{}\" {prefix}))", self.path),
            Imported::Program(function) => {
                let inputs: String = function.inputs.iter().map(|(input, _)| format!(" {input}")).collect();
                format!("(import (program \"{}\" {}{inputs}))", self.path, function.name)
            }
        }
    }
}

impl ProgramAsFunction {
    /// Whether both are the same function of the same program.
    pub(crate) fn same(&self, other: &ProgramAsFunction) -> bool {
        let inputs = |function: &ProgramAsFunction| {
            function.inputs.iter().map(|(input, _)| input.clone()).collect::<Vec<_>>()
        };
        self.name == other.name && inputs(self) == inputs(other)
    }
}

/// A function but for its body.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionHead {
    /// Its name.
    pub name: Name,
    /// Where the name stands.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<(Name, Span)>,
}

/// What a program computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// One unnamed result.
    Value(Expr),
    /// `(values (name value) …)`.
    Named(Vec<Binding>),
    /// The program ends in a function: its parameters are the first inputs.
    LastFunction,
}

/// A program. The parts of an expression are added before it.
#[derive(Debug, Clone)]
pub struct Ast {
    exprs: EntityVec<Expr, ExprKind>,
    spans: EntityVec<Expr, Span>,
    /// All names, and whether a reader made them up.
    names: EntityVec<Name, (String, bool)>,
    /// Other files whose definitions it knows, in the order of the text.
    pub imports: Vec<Import>,
    /// In the order of the file.
    pub definitions: Vec<Definition>,
    /// Those of its functions that are declared as networks.
    pub networks: Vec<Network>,
    /// What the parameters of those are called.
    pub weights: HashSet<Name>,
    /// What it computes.
    pub body: Body,
    /// The function that it ends in, if that has several results: these are then the body, and the parameters are the first inputs.
    pub ends_in: Option<FunctionHead>,
    /// Names of the top level whose definitions could not be read. Only of programs with errors.
    pub unknown: Vec<Name>,
    /// How long a row may take, as far as the program says.
    pub limits: Limits,
    /// How many specialisations of its functions there may be, if the program says so.
    pub specialisations: Option<u64>,
}

impl Ast {
    /// A program without definitions; the body is to be set.
    pub(crate) fn new() -> Ast {
        Ast {
            exprs: EntityVec::new(),
            spans: EntityVec::new(),
            names: EntityVec::new(),
            imports: Vec::new(),
            definitions: Vec::new(),
            networks: Vec::new(),
            weights: HashSet::new(),
            body: Body::LastFunction,
            ends_in: None,
            unknown: Vec::new(),
            limits: Limits::default(),
            specialisations: None,
        }
    }

    /// Makes room for so many further expressions.
    pub(crate) fn reserve(&mut self, further: usize) {
        self.exprs.reserve(further);
        self.spans.reserve(further);
    }

    /// Adds an expression.
    pub(crate) fn push(&mut self, kind: ExprKind, span: Span) -> Expr {
        self.spans.push(span);
        self.exprs.push(kind)
    }

    /// Leaves what it imports, declares and asks for, without what it computes.
    pub(crate) fn forget_expressions(&mut self) {
        let Ast { imports, networks, limits, specialisations, names, .. } =
            std::mem::replace(self, Ast::new());
        *self = Ast { imports, networks, limits, specialisations, names, ..Ast::new() };
    }

    /// Moves all places by so many bytes.
    pub(crate) fn shift(&mut self, by: u32) {
        fn function(function: &mut Function, by: u32) {
            function.span = function.span.shifted(by);
            for (_, span) in &mut function.params {
                *span = span.shifted(by);
            }
        }
        fn binding(binding: &mut Binding, by: u32) {
            binding.span = binding.span.shifted(by);
        }
        fn definition(definition: &mut Definition, by: u32) {
            match definition {
                Definition::Function(f) => function(f, by),
                Definition::Value(b) => binding(b, by),
            }
        }
        for expr in self.exprs.keys() {
            self.spans[expr] = self.spans[expr].shifted(by);
            match &mut self.exprs[expr] {
                ExprKind::Call(_, span, _) | ExprKind::Recur(_, span, _) => *span = span.shifted(by),
                ExprKind::Let(bound, _) => {
                    let (bindings, functions) = &mut **bound;
                    bindings.iter_mut().for_each(|b| binding(b, by));
                    functions.iter_mut().for_each(|f| function(f, by));
                }
                ExprKind::Letrec(definitions, _) => definitions.iter_mut().for_each(|d| definition(d, by)),
                ExprKind::Loop(_, f, _) | ExprKind::Lambda(f) => function(f, by),
                ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Apply(..) | ExprKind::If(..) => {}
            }
        }
        for import in &mut self.imports {
            import.span = import.span.shifted(by);
            if let Imported::Program(function) = &mut import.what {
                function.span = function.span.shifted(by);
                function.inputs.iter_mut().for_each(|(_, span)| *span = span.shifted(by));
            }
        }
        self.definitions.iter_mut().for_each(|d| definition(d, by));
        for Network { span, inputs, activation, output, .. } in &mut self.networks {
            *span = span.shifted(by);
            activation.1 = activation.1.shifted(by);
            inputs.iter_mut().for_each(|NetworkInput { span, .. }| *span = span.shifted(by));
            if let Some((_, span)) = output {
                *span = span.shifted(by);
            }
        }
        if let Some(FunctionHead { span, params, .. }) = &mut self.ends_in {
            *span = span.shifted(by);
            params.iter_mut().for_each(|(_, span)| *span = span.shifted(by));
        }
        if let Body::Named(results) = &mut self.body {
            results.iter_mut().for_each(|b| binding(b, by));
        }
    }

    /// What an expression is.
    pub fn kind(&self, expr: Expr) -> &ExprKind {
        &self.exprs[expr]
    }
    /// Its place.
    pub fn span(&self, expr: Expr) -> Span {
        self.spans[expr]
    }
    /// All expressions, each behind its parts.
    pub fn exprs(&self) -> impl DoubleEndedIterator<Item = Expr> + ExactSizeIterator + use<> {
        self.exprs.keys()
    }
    /// The text of a name.
    pub fn name(&self, name: Name) -> &str {
        &self.names[name].0
    }
    /// The texts of all names.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.values().map(|(text, _)| text.as_str())
    }
    /// Whether a reader made a name up for a form: no name in the text of the program means it, whatever it is called.
    pub fn is_made(&self, name: Name) -> bool {
        self.names[name].1
    }
    /// Adds a name of the text, which is to be added once.
    pub(crate) fn add_name(&mut self, text: &str) -> Name {
        self.names.push((text.to_string(), false))
    }
    /// The name of the text that is written so.
    pub(crate) fn find_name(&self, text: &str) -> Option<Name> {
        self.names.keys().find(|&name| self.names[name] == (text.to_string(), false))
    }
    /// Makes up a name.
    pub(crate) fn make_name(&mut self, text: &str) -> Name {
        self.names.push((text.to_string(), true))
    }

    /// Gives what an expression uses from around it other names. What it binds itself keeps its own.
    pub(crate) fn rename(&mut self, expr: Expr, names: &HashMap<Name, Name>) {
        if names.is_empty() {
            return;
        }
        type Bound = Rc<HashSet<Name>>;
        fn with(bound: &Bound, names: &HashMap<Name, Name>, more: impl Iterator<Item = Name>) -> Bound {
            let more: Vec<Name> =
                more.filter(|name| names.contains_key(name) && !bound.contains(name)).collect();
            match more.is_empty() {
                true => Rc::clone(bound),
                false => Rc::new(bound.iter().copied().chain(more).collect()),
            }
        }
        let params = |function: &Function| function.params.iter().map(|param| param.0).collect::<Vec<Name>>();
        let mut left: Vec<(Expr, Bound)> = vec![(expr, Bound::default())];
        while let Some((expr, bound)) = left.pop() {
            let rename = |name: &mut Name| {
                if let (Some(&new), false) = (names.get(name), bound.contains(name)) {
                    *name = new;
                }
            };
            match &mut self.exprs[expr] {
                ExprKind::Number(_) => {}
                ExprKind::Name(name) => rename(name),
                ExprKind::Call(name, _, args) => {
                    rename(name);
                    left.extend(args.iter().map(|&arg| (arg, Rc::clone(&bound))));
                }
                ExprKind::Recur(_, _, args) => {
                    left.extend(args.iter().map(|&arg| (arg, Rc::clone(&bound))));
                }
                ExprKind::Apply(head, args) => {
                    left.extend(args.iter().chain([&*head]).map(|&part| (part, Rc::clone(&bound))));
                }
                ExprKind::If(condition, then, other) => {
                    left.extend([*condition, *then, *other].map(|part| (part, Rc::clone(&bound))));
                }
                ExprKind::Lambda(function) => {
                    left.push((function.body, with(&bound, names, params(function).into_iter())));
                }
                ExprKind::Loop(_, function, args) => {
                    left.extend(args.iter().map(|&arg| (arg, Rc::clone(&bound))));
                    let own = params(function).into_iter().chain([function.name]);
                    left.push((function.body, with(&bound, names, own)));
                }
                ExprKind::Let(parts, body) => {
                    let (bindings, functions) = &**parts;
                    left.extend(bindings.iter().map(|binding| (binding.value, Rc::clone(&bound))));
                    for function in functions {
                        left.push((function.body, with(&bound, names, params(function).into_iter())));
                    }
                    let own = bindings.iter().map(|b| b.name).chain(functions.iter().map(|f| f.name));
                    left.push((*body, with(&bound, names, own)));
                }
                ExprKind::Letrec(definitions, body) => {
                    let inner =
                        with(&bound, names, definitions.iter().map(|definition| definition.named().0));
                    for definition in definitions.iter() {
                        left.push(match definition {
                            Definition::Value(binding) => (binding.value, Rc::clone(&inner)),
                            Definition::Function(function) => {
                                (function.body, with(&inner, names, params(function).into_iter()))
                            }
                        });
                    }
                    left.push((*body, inner));
                }
            }
        }
    }
}

impl Ast {
    /// Makes the program a function of some of its inputs, the last definition. What it defines by means of them is defined
    /// in the function. Several results are the elements of one vector, one behind the other.
    ///
    /// # Errors
    ///
    /// The index of an input that the program does not have; nothing if it ends in a value that is a function.
    pub(crate) fn make_function(&mut self, function: &ProgramAsFunction) -> Result<(), Option<usize>> {
        let mut params = Vec::with_capacity(function.inputs.len());
        let declared = self.ends_in.take().map_or(Vec::new(), |function| function.params);
        for (k, (input, span)) in function.inputs.iter().enumerate() {
            let declared = declared.iter().map(|param| param.0).find(|&name| self.name(name) == input);
            let name = declared.or_else(|| self.find_name(input)).ok_or(Some(k))?;
            if self.definitions.iter().any(|definition| definition.named().0 == name) {
                return Err(Some(k));
            }
            params.push((name, *span));
        }
        let value = match std::mem::replace(&mut self.body, Body::LastFunction) {
            Body::Value(value) => value,
            Body::Named(results) => match results.as_slice() {
                [one] => one.value,
                several => {
                    let name = self.make_name("vappend");
                    let span = several[0].span;
                    let values = several.iter().map(|result| result.value).collect();
                    self.push(ExprKind::Call(name, span, values), span)
                }
            },
            Body::LastFunction => {
                let Some(Definition::Function(last)) = self.definitions.last() else { return Err(None) };
                let (name, span, params) = (last.name, last.span, last.params.clone());
                let args =
                    params.into_iter().map(|(name, span)| self.push(ExprKind::Name(name), span)).collect();
                self.push(ExprKind::Call(name, span, args), span)
            }
        };
        let mut inner: HashSet<Name> = params.iter().map(|param| param.0).collect();
        let mut moved = vec![false; self.definitions.len()];
        loop {
            let before = inner.len();
            for (definition, moved) in self.definitions.iter().zip(&mut moved) {
                if !*moved && self.mentions(definition.value(), &inner) {
                    *moved = true;
                    inner.insert(definition.named().0);
                }
            }
            if inner.len() == before {
                break;
            }
        }
        let mut moved = moved.into_iter();
        let (within, outside) =
            std::mem::take(&mut self.definitions).into_iter().partition(|_| moved.next() == Some(true));
        self.definitions = outside;
        let within: Vec<Definition> = within;
        let span = self.span(value);
        let body = match within.is_empty() {
            true => value,
            false => self.push(ExprKind::Letrec(within, value), span),
        };
        let name = self.make_name(&function.name);
        self.definitions.push(Definition::Function(Function { name, span: function.span, params, body }));
        Ok(())
    }

    /// Whether one of these names stands anywhere in an expression.
    fn mentions(&self, expr: Expr, names: &HashSet<Name>) -> bool {
        let mut left = vec![expr];
        while let Some(expr) = left.pop() {
            match self.kind(expr) {
                ExprKind::Number(_) => {}
                ExprKind::Name(name) => {
                    if names.contains(name) {
                        return true;
                    }
                }
                ExprKind::Call(name, _, args) | ExprKind::Recur(name, _, args) => {
                    if names.contains(name) {
                        return true;
                    }
                    left.extend(&**args);
                }
                ExprKind::Apply(head, args) => {
                    left.push(*head);
                    left.extend(&**args);
                }
                ExprKind::Lambda(function) => left.push(function.body),
                ExprKind::If(condition, then, other) => left.extend([condition, then, other]),
                ExprKind::Let(bound, body) => {
                    let (bindings, functions) = &**bound;
                    left.push(*body);
                    left.extend(bindings.iter().map(|binding| binding.value));
                    left.extend(functions.iter().map(|function| function.body));
                }
                ExprKind::Letrec(definitions, body) => {
                    left.push(*body);
                    left.extend(definitions.iter().map(Definition::value));
                }
                ExprKind::Loop(_, function, args) => {
                    left.push(function.body);
                    left.extend(&**args);
                }
            }
        }
        false
    }
}

/// Whether two programs are the same up to places: names that readers made up correspond, all others are alike.
pub fn same(a: &Ast, b: &Ast) -> bool {
    let mut comparison = Comparison { a, b, made: HashMap::new(), back: HashMap::new(), left: Vec::new() };
    a.limits == b.limits && a.specialisations == b.specialisations && comparison.program() == Some(())
}

/// Comparing: `None` where something differs.
struct Comparison<'a> {
    a: &'a Ast,
    b: &'a Ast,
    made: HashMap<Name, Name>,
    back: HashMap<Name, Name>,
    /// Expressions still to be compared.
    left: Vec<(Expr, Expr)>,
}

impl Comparison<'_> {
    fn program(&mut self) -> Option<()> {
        let (a, b) = (self.a, self.b);
        let imports = a.imports.iter().zip(&b.imports);
        let alike = a.imports.len() == b.imports.len() && imports.into_iter().all(|(a, b)| a.same(b));
        if !alike {
            return None;
        }
        self.definitions(&a.definitions, &b.definitions)?;
        // The functions are compared: what they do not say is how large the layers are and where they start.
        let sizes = |network: &Network| {
            let inputs: Vec<Option<u32>> = network.inputs.iter().map(|input| input.size).collect();
            (inputs, network.layers.clone(), network.results, network.starts.clone())
        };
        if !a.networks.iter().map(sizes).eq(b.networks.iter().map(sizes)) {
            return None;
        }
        match (&a.ends_in, &b.ends_in) {
            (None, None) => {}
            (Some(x), Some(y)) if x.params.len() == y.params.len() => {
                x.params.iter().zip(&y.params).try_for_each(|(x, y)| self.name(x.0, y.0))?;
            }
            (None | Some(_), _) => return None,
        }
        match (&a.body, &b.body) {
            (Body::Value(x), Body::Value(y)) => self.left.push((*x, *y)),
            (Body::Named(x), Body::Named(y)) => self.bindings(x, y)?,
            (Body::LastFunction, Body::LastFunction) => {}
            (Body::Value(_) | Body::Named(_) | Body::LastFunction, _) => return None,
        }
        while let Some((x, y)) = self.left.pop() {
            self.expression(x, y)?;
        }
        Some(())
    }

    fn expression(&mut self, x: Expr, y: Expr) -> Option<()> {
        let (a, b) = (self.a, self.b);
        match (a.kind(x), b.kind(y)) {
            (ExprKind::Number(x), ExprKind::Number(y)) => x.same(*y).then_some(()),
            (ExprKind::Name(x), ExprKind::Name(y)) => self.name(*x, *y),
            (ExprKind::Call(x, _, xs), ExprKind::Call(y, _, ys))
            | (ExprKind::Recur(x, _, xs), ExprKind::Recur(y, _, ys)) => {
                self.name(*x, *y)?;
                self.all(xs, ys)
            }
            (ExprKind::Apply(f, xs), ExprKind::Apply(g, ys)) => {
                self.left.push((*f, *g));
                self.all(xs, ys)
            }
            (ExprKind::Lambda(f), ExprKind::Lambda(g)) => self.function(f, g),
            (ExprKind::If(p, q, r), ExprKind::If(s, t, u)) => self.all(&[*p, *q, *r], &[*s, *t, *u]),
            (ExprKind::Let(bound, p), ExprKind::Let(others, q)) => {
                let ((xs, fs), (ys, gs)) = (&**bound, &**others);
                self.bindings(xs, ys)?;
                if fs.len() != gs.len() {
                    return None;
                }
                fs.iter().zip(gs).try_for_each(|(f, g)| self.function(f, g))?;
                self.all(&[*p], &[*q])
            }
            (ExprKind::Letrec(xs, p), ExprKind::Letrec(ys, q)) => {
                self.definitions(xs, ys)?;
                self.all(&[*p], &[*q])
            }
            (ExprKind::Loop(k, f, xs), ExprKind::Loop(l, g, ys)) if k == l => {
                self.function(f, g)?;
                self.all(xs, ys)
            }
            (
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Call(..)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::Recur(..)
                | ExprKind::If(..)
                | ExprKind::Let(..)
                | ExprKind::Letrec(..)
                | ExprKind::Loop(..),
                _,
            ) => None,
        }
    }

    fn all(&mut self, xs: &[Expr], ys: &[Expr]) -> Option<()> {
        self.left.extend(xs.iter().copied().zip(ys.iter().copied()));
        (xs.len() == ys.len()).then_some(())
    }

    fn name(&mut self, x: Name, y: Name) -> Option<()> {
        let alike = self.a.name(x) == self.b.name(y) && self.a.is_made(x) == self.b.is_made(y);
        let corresponds = !self.a.is_made(x)
            || *self.made.entry(x).or_insert(y) == y && *self.back.entry(y).or_insert(x) == x;
        (alike && corresponds).then_some(())
    }

    fn bindings(&mut self, xs: &[Binding], ys: &[Binding]) -> Option<()> {
        for (x, y) in xs.iter().zip(ys) {
            self.name(x.name, y.name)?;
            self.left.push((x.value, y.value));
        }
        (xs.len() == ys.len()).then_some(())
    }

    fn function(&mut self, f: &Function, g: &Function) -> Option<()> {
        self.name(f.name, g.name)?;
        f.params.iter().zip(&g.params).try_for_each(|(x, y)| self.name(x.0, y.0))?;
        self.left.push((f.body, g.body));
        (f.params.len() == g.params.len()).then_some(())
    }

    fn definitions(&mut self, xs: &[Definition], ys: &[Definition]) -> Option<()> {
        for (x, y) in xs.iter().zip(ys) {
            match (x, y) {
                (Definition::Function(f), Definition::Function(g)) => self.function(f, g)?,
                (Definition::Value(x), Definition::Value(y)) => {
                    self.bindings(std::slice::from_ref(x), std::slice::from_ref(y))?;
                }
                (Definition::Function(_) | Definition::Value(_), _) => return None,
            }
        }
        (xs.len() == ys.len()).then_some(())
    }
}

/// What is left to print.
enum Item<'a> {
    Expr(Expr),
    Text(&'a str),
    Made(String),
}

/// The program as S-expressions, one definition or body a line.
pub fn dump(ast: &Ast) -> String {
    let mut text = String::new();
    for import in &ast.imports {
        let _ = writeln!(text, "{}", import.text());
    }
    for definition in &ast.definitions {
        match definition {
            Definition::Function(function) => {
                let _ = write!(text, "(define {} ", signature(ast, function));
                print(ast, function.body, &mut text);
            }
            Definition::Value(binding) => {
                let _ = write!(text, "(define {} ", ast.name(binding.name));
                print(ast, binding.value, &mut text);
            }
        }
        text.push_str(")\n");
    }
    if let Some(function) = &ast.ends_in {
        let names: Vec<&str> = [function.name]
            .into_iter()
            .chain(function.params.iter().map(|p| p.0))
            .map(|n| ast.name(n))
            .collect();
        let _ = writeln!(text, "; the results of ({})", names.join(" "));
    }
    match &ast.body {
        Body::Value(expr) => {
            print(ast, *expr, &mut text);
            text.push('\n');
        }
        Body::Named(results) => {
            text.push_str("(values");
            for result in results {
                let _ = write!(text, " ({} ", ast.name(result.name));
                print(ast, result.value, &mut text);
                text.push(')');
            }
            text.push_str(")\n");
        }
        Body::LastFunction => {}
    }
    text
}

fn signature(ast: &Ast, function: &Function) -> String {
    let names: Vec<&str> =
        [function.name].into_iter().chain(function.params.iter().map(|p| p.0)).map(|n| ast.name(n)).collect();
    format!("({})", names.join(" "))
}

fn print(ast: &Ast, expr: Expr, text: &mut String) {
    let mut left = vec![Item::Expr(expr)];
    while let Some(item) = left.pop() {
        let expr = match item {
            Item::Expr(expr) => expr,
            Item::Text(words) => {
                text.push_str(words);
                continue;
            }
            Item::Made(words) => {
                text.push_str(&words);
                continue;
            }
        };
        match ast.kind(expr) {
            ExprKind::Number(literal) => text.push_str(&number(literal.f64)),
            ExprKind::Name(name) => text.push_str(ast.name(*name)),
            ExprKind::Call(name, _, args) => {
                let _ = write!(text, "({}", ast.name(*name));
                left.push(Item::Text(")"));
                for &arg in args.iter().rev() {
                    left.extend([Item::Expr(arg), Item::Text(" ")]);
                }
            }
            ExprKind::Apply(head, args) => {
                text.push('(');
                left.push(Item::Text(")"));
                for &arg in args.iter().rev() {
                    left.extend([Item::Expr(arg), Item::Text(" ")]);
                }
                left.push(Item::Expr(*head));
            }
            ExprKind::Lambda(function) => {
                let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                let _ = write!(text, "(lambda ({}) ", params.join(" "));
                left.extend([Item::Text(")"), Item::Expr(function.body)]);
            }
            ExprKind::Recur(_, _, args) => {
                text.push_str("(recur");
                left.push(Item::Text(")"));
                for &arg in args.iter().rev() {
                    left.extend([Item::Expr(arg), Item::Text(" ")]);
                }
            }
            ExprKind::Loop(form, function, args) => {
                let _ = match form {
                    LoopForm::Recur => write!(text, "(loop ("),
                    LoopForm::Named | LoopForm::Do => write!(text, "(let {} (", ast.name(function.name)),
                };
                left.extend([Item::Text(")"), Item::Expr(function.body), Item::Text(") ")]);
                for (k, (param, &arg)) in function.params.iter().zip(args).enumerate().rev() {
                    let space = if k == 0 { "" } else { " " };
                    left.extend([Item::Text(")"), Item::Expr(arg)]);
                    left.push(Item::Made(format!("{space}({} ", ast.name(param.0))));
                }
            }
            ExprKind::Letrec(definitions, body) => {
                text.push_str("(letrec* (");
                left.extend([Item::Text(")"), Item::Expr(*body), Item::Text(") ")]);
                for (k, definition) in definitions.iter().enumerate().rev() {
                    let space = if k == 0 { "" } else { " " };
                    match definition {
                        Definition::Function(function) => {
                            let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                            left.extend([Item::Text("))"), Item::Expr(function.body)]);
                            let name = ast.name(function.name);
                            left.push(Item::Made(format!("{space}({name} (lambda ({}) ", params.join(" "))));
                        }
                        Definition::Value(binding) => {
                            left.extend([Item::Text(")"), Item::Expr(binding.value)]);
                            left.push(Item::Made(format!("{space}({} ", ast.name(binding.name))));
                        }
                    }
                }
            }
            ExprKind::If(condition, then, other) => {
                text.push_str("(if ");
                left.push(Item::Text(")"));
                left.extend([Item::Expr(*other), Item::Text(" "), Item::Expr(*then), Item::Text(" ")]);
                left.push(Item::Expr(*condition));
            }
            ExprKind::Let(bound, body) => {
                let (bindings, functions) = &**bound;
                text.push_str("(let (");
                left.extend([Item::Text(")"), Item::Expr(*body), Item::Text(") ")]);
                for (k, function) in functions.iter().enumerate().rev() {
                    let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                    let space = if k + bindings.len() == 0 { "" } else { " " };
                    left.extend([Item::Text("))"), Item::Expr(function.body)]);
                    let name = ast.name(function.name);
                    left.push(Item::Made(format!("{space}({name} (lambda ({}) ", params.join(" "))));
                }
                for (k, binding) in bindings.iter().enumerate().rev() {
                    let space = if k == 0 { "" } else { " " };
                    left.extend([Item::Text(")"), Item::Expr(binding.value)]);
                    left.push(Item::Made(format!("{space}({} ", ast.name(binding.name))));
                }
            }
        }
    }
}
