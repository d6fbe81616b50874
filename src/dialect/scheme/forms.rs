//! Data → AST: special forms, with derived forms expanded.
//!
//! An explicit stack of work stands for nesting. Each finished expression goes to a stack of results, from which the
//! form around it takes its parts.
//!
//! * `definitions`: definitions, bodies, `letrec`;
//! * `bindings`: `let` and `let*`;
//! * `loops`: `loop`, `recur`, named `let`, `do`;
//! * `networks`: networks;
//! * `results`: results with names.

mod bindings;
mod definitions;
mod loops;
mod networks;
mod results;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::reader::{Data, Datum, DatumKind};
use crate::ast::{
    Ast, Binding, Body, Definition, Expr, ExprKind, Function, Import, Imported, LoopForm, Name,
    ProgramAsFunction,
};
use crate::dialect::short;
use crate::number::Literal;
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, Span};

/// The special forms, for suggestions.
pub const SPECIAL_FORMS: &[&str] = &[
    "and", "begin", "cond", "define", "do", "if", "lambda", "let", "let*", "letrec", "letrec*", "loop", "or",
    "recur", "values",
];

/// Words that are no inputs where nothing binds them.
pub const RESERVED: &[&str] = &[
    "and", "begin", "cond", "define", "do", "else", "if", "lambda", "let", "let*", "letrec", "letrec*",
    "loop", "or", "recur", "values",
];

/// Forms that a binding of the program hides where it holds: their names are common ones for functions.
const HIDEABLE: &[&str] = &["do", "letrec", "letrec*", "loop", "recur"];

/// Forms that Scheme has and the language does not: the reason, and what to write instead.
const REFUSED: &[(&[&str], &str, &str)] = &[
    (
        &["set!", "set-car!", "set-cdr!", "vector-set!", "define-record-type"],
        "the language has no mutation: a name has one value",
        "bind a new name with `let`",
    ),
    (
        &["display", "write", "newline", "print", "printf", "format", "read", "error", "load"],
        "programs have no input and output: they compute numbers from numbers",
        "results come from the final expression; several with `(values (name value) …)`",
    ),
    (
        &["for-each", "apply", "fold-left", "fold-right", "reduce", "filter", "vector-map"],
        "the language has no lists, and no functions of any number of operands",
        "arithmetic works on whole vectors: `(* 2 v)`, `(vsum v)`, `(dot u v)`",
    ),
    (
        &["quote", "quasiquote", "list", "cons", "car", "cdr", "append", "vector", "make-vector"],
        "the language has no lists: data are numbers, vectors and matrices",
        "write a vector as `[a b c]` and take elements with `(ref v 0)`",
    ),
    (
        &["string-append", "string", "symbol->string", "number->string", "string->number"],
        "the language has no strings",
        "values are numbers, vectors and matrices",
    ),
    (
        &[
            "call/cc",
            "call-with-current-continuation",
            "dynamic-wind",
            "delay",
            "eval",
            "define-syntax",
            "let-syntax",
            "syntax-rules",
        ],
        "the language is plain expressions: no continuations, promises or macros",
        "write the expression out, or give it a name with `define`",
    ),
    (
        &["when", "unless", "case"],
        "every expression has a value: a form without `else` has none",
        "use `if` or `cond` with an `else`",
    ),
    (
        &["let-values", "call-with-values", "receive", "define-values"],
        "several values exist only as the results of a program",
        "use a vector: `(let ((v [a b])) (ref v 0))`",
    ),
];

/// Why a name that Scheme users know is not in the language, and what to write instead.
pub fn refusal(name: &str) -> Option<(&'static str, &'static str)> {
    REFUSED.iter().find(|(names, ..)| names.contains(&name)).map(|&(_, reason, help)| (reason, help))
}

/// Expands the forms of a program.
///
/// # Errors
///
/// Forms that are written wrongly, and forms that the language refuses, each with its place.
pub fn expand(source: &str, data: &Data) -> Result<Ast, Vec<Diagnostic>> {
    let (ast, errors) = expand_all(source, data);
    if errors.is_empty() { Ok(ast) } else { Err(errors) }
}

/// Expands the forms of a program. Beside errors, there are numbers in the place of what is wrong.
pub fn expand_all(source: &str, data: &Data) -> (Ast, Vec<Diagnostic>) {
    let mut expander = Expander {
        source,
        data,
        ast: Ast::new(),
        interned: HashMap::new(),
        work: Vec::new(),
        results: Vec::new(),
        errors: Vec::new(),
        bound: HashSet::new(),
        context: Context { recur: Recur::Nowhere, hidden: 0 },
        top_hidden: 0,
        functions: HashMap::new(),
        several: HashSet::new(),
        used: HashSet::new(),
        local: HashSet::new(),
    };
    // Most data become one expression each.
    expander.ast.reserve(data.len());
    expander.program();
    (expander.ast, expander.errors)
}

/// What is left to do.
enum Work<'a> {
    /// Expand a datum.
    Expand(Datum),
    /// Expand these data, one after the other.
    Each(&'a [Datum]),
    /// `(and …)` or `(or …)` of what is left of its operands.
    Junction { rest: &'a [Datum], and: bool, span: Span },
    /// `cond` from this clause on.
    Clauses { rest: &'a [Datum], span: Span },
    /// `let*` from this binding on.
    Sequence { rest: &'a [Datum], body: &'a [Datum], span: Span },
    /// Take operands from the results and make a call.
    Call { name: Name, name_span: Span, count: usize, span: Span },
    /// Take what is called, then operands.
    Apply { count: usize, span: Span },
    /// Take the body of a function that is a value.
    Lambda { header: Header, span: Span },
    /// Take condition and arms.
    If(Span),
    /// Put a number where a part is known.
    Number(f64, Span),
    /// Take the values of the bindings, the bodies of the functions and the body.
    Let { values: Vec<(Name, Span)>, functions: Vec<Header>, span: Span },
    /// Expand a body: definitions, then an expression.
    Body { data: &'a [Datum], span: Span },
    /// Expand the body of a function that gives functions with these parameters, the outermost first.
    Curried { headers: Vec<Header>, data: &'a [Datum], span: Span },
    /// Take a value or the body of a function for each definition, and the body.
    Letrec { definitions: Vec<Defined>, span: Span },
    /// Take first values and the body.
    Loop { form: LoopForm, header: Header, span: Span },
    /// Take the values for another iteration.
    Recur { name: Name, name_span: Span, count: usize, span: Span },
    /// Put a name.
    Name(Name, Span),
    /// From here on another context holds.
    Context(Context),
}

/// What surrounds an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Context {
    recur: Recur,
    /// A bit for each of [`HIDEABLE`] that has another meaning here.
    hidden: u8,
}

/// What `recur` refers to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Recur {
    /// There is no loop.
    Nowhere,
    /// There is one, but outside the function.
    Beyond,
    /// The function of the innermost loop.
    To(Name),
}

/// A definition but for its value or body.
enum Defined {
    Value(Name, Span),
    Function(Header),
}

/// A function but for its body.
struct Header {
    name: Name,
    span: Span,
    params: Vec<(Name, Span)>,
}

struct Expander<'a> {
    source: &'a str,
    data: &'a Data,
    ast: Ast,
    interned: HashMap<Cow<'a, str>, Name>,
    work: Vec<Work<'a>>,
    results: Vec<Expr>,
    errors: Vec<Diagnostic>,
    /// Names that the program binds somewhere: they are never taken for forms that the language refuses.
    bound: HashSet<&'a str>,
    context: Context,
    /// The forms of [`HIDEABLE`] that have another meaning in the whole program.
    top_hidden: u8,
    /// The functions at the top.
    functions: HashMap<&'a str, Datum>,
    /// Those with several results, and those of them that the program ends in.
    several: HashSet<&'a str>,
    used: HashSet<&'a str>,
    /// Names of parameters, and of what is bound in expressions.
    local: HashSet<&'a str>,
}

impl<'a> Expander<'a> {
    fn error(&mut self, error: Diagnostic) {
        if self.errors.len() < MAX_DIAGNOSTICS {
            self.errors.push(error);
        }
    }

    fn form_error(&mut self, span: Span, message: impl Into<String>, usage: &str) {
        self.error(Diagnostic::error("form", span, message).help(format!("it is written {usage}")));
    }

    fn text(&self, datum: Datum) -> &'a str {
        self.data.span(datum).text(self.source)
    }

    /// The name that a datum is.
    fn name(&mut self, datum: Datum) -> Option<Name> {
        if self.data.kind(datum) != DatumKind::Symbol {
            return None;
        }
        let text = self.text(datum);
        Some(match self.interned.get(text) {
            Some(&name) => name,
            None => {
                let name = self.ast.add_name(text);
                self.interned.insert(text.into(), name);
                name
            }
        })
    }

    /// The symbol at the head of a list.
    fn head(&self, datum: Datum) -> Option<&'a str> {
        let data: &'a Data = self.data;
        let &first = data.list(datum)?.first()?;
        (data.kind(first) == DatumKind::Symbol).then(|| self.text(first))
    }

    fn program(&mut self) {
        let data: &'a Data = self.data;
        let Some((&last, before)) = data.top.split_last() else {
            let end = self.source.len() as u32;
            self.error(
                Diagnostic::error("empty", Span::new(end, end), "the program is empty")
                    .help("write an expression, such as `(* m (pow c 2))`"),
            );
            return;
        };
        // What is defined further down is known from the beginning.
        for &datum in &data.top {
            if self.head(datum) == Some("define")
                && let Some(name) = self.defined(datum)
            {
                self.bound.insert(self.text(name));
                self.context.hidden |= hides(self.text(name));
            }
        }
        let networks = !self.bound.contains("network");
        self.top_hidden = self.context.hidden;
        self.functions = self.top_functions();
        self.several = self.functions_with_results();
        let imports = !self.bound.contains("import");
        let between = before.iter().skip(1).copied().find(|&datum| {
            let is_operator = |text: &str| {
                matches!(text, "+" | "-" | "*" | "/" | "^" | "**" | "<" | "<=" | ">" | ">=" | "=" | "==")
            };
            data.kind(datum) == DatumKind::Symbol && is_operator(self.text(datum))
        });
        if let Some(operator) = between {
            let word = self.text(operator);
            let message = format!("`{word}` stands between its operands");
            self.error(Diagnostic::error("form", data.span(operator), message).label("an operator stands in front of them").help(
                format!("write `({word} a b)`; formulas in infix notation are read from files that end in .nci, and with `--dialect infix`"),
            ));
        }
        for (k, &datum) in before.iter().enumerate() {
            if self.head(datum) == Some("define") {
                if !self.has_results(datum) {
                    self.define_top(datum);
                }
            } else if imports && self.head(datum) == Some("import") {
                let first = before[..k].iter().find(|&&d| self.head(d) != Some("import"));
                self.import(datum, first.copied());
            } else if networks && self.head(datum) == Some("network") {
                self.network(datum);
            } else if between.is_none() {
                let span = data.span(datum);
                self.error(
                    Diagnostic::error("form", span, "only the last expression of a program has a value that counts")
                        .label("this value is lost")
                        .help("give it a name with `define`, or return several results with `(values (name value) …)`"),
                );
            }
        }
        match self.head(last) {
            Some("define") if self.has_results(last) => self.ends_in_function(last),
            Some("define") => self.define_top(last),
            Some("network") if networks => self.network(last),
            Some(_) if self.ends_in_results(last) => self.ends_in(last),
            Some("import") if imports => {
                let first = before.iter().find(|&&d| self.head(d) != Some("import"));
                self.import(last, first.copied());
                if self.ast.definitions.is_empty() && self.errors.is_empty() {
                    let end = data.span(last).end;
                    self.error(
                        Diagnostic::error(
                            "empty",
                            Span::new(end, end),
                            "the program imports and computes nothing",
                        )
                        .help("write an expression behind the imports"),
                    );
                }
            }
            _ => {
                let body = self.expression(last);
                self.ast.body = Body::Value(body);
            }
        }
        self.refuse_unused(before);
    }

    /// A definition at the top; what it defines is unknown if it is written wrongly.
    fn define_top(&mut self, datum: Datum) {
        if !self.define(datum)
            && let Some(name) = self.defined(datum)
            && let Some(name) = self.name(name)
        {
            self.ast.unknown.push(name);
        }
    }

    /// What a definition defines, if that is a name.
    fn defined(&self, datum: Datum) -> Option<Datum> {
        let mut target = *self.data.elements(datum).get(1)?;
        while let Some(list) = self.data.list(target) {
            target = *list.first()?;
        }
        (self.data.kind(target) == DatumKind::Symbol).then_some(target)
    }

    /// An import, which stands before everything else: `before` is what it stands behind.
    fn import(&mut self, datum: Datum, before: Option<Datum>) {
        const USAGE: &str = "`(import \"file.scm\")`; `(import (prefix \"file.scm\" name:))` for names that begin with `name:`; \
                             `(import (program \"file.scm\" name input …))` for a program as a function of inputs of it";
        let data: &'a Data = self.data;
        let span = data.span(datum);
        if let Some(before) = before {
            let before = Span::new(data.span(before).start, data.span(before).start + 1);
            self.error(
                Diagnostic::error("form", span, "imports stand before everything else in a file")
                    .related(before, "this stands before it")
                    .help("move it to the top"),
            );
        }
        let elements = &data.elements(datum)[1..];
        if elements.is_empty() {
            self.form_error(span, "`import` of nothing", USAGE);
        }
        for &part in elements {
            let symbol = |datum: Datum| data.kind(datum) == DatumKind::Symbol;
            let (file, what) = match data.list(part) {
                None => (part, Imported::Definitions(String::new())),
                Some(&[_, file, prefix]) if self.head(part) == Some("prefix") && symbol(prefix) => {
                    (file, Imported::Definitions(self.text(prefix).to_string()))
                }
                Some([_, file, names @ ..])
                    if self.head(part) == Some("program")
                        && !names.is_empty()
                        && names.iter().all(|&name| symbol(name)) =>
                {
                    let named = |name: Datum| (self.text(name).to_string(), data.span(name));
                    let (name, span) = named(names[0]);
                    let inputs = names[1..].iter().map(|&input| named(input)).collect();
                    (*file, Imported::Program(ProgramAsFunction { name, span, inputs }))
                }
                Some(_) => {
                    let message = match self.head(part) {
                        Some("only" | "except" | "rename") => {
                            "an import makes all definitions of a file known, with a prefix or without"
                        }
                        Some("prefix") => "`prefix` takes a file and what names begin with",
                        Some("program") => {
                            "`program` takes a file, what the function is called, and names of inputs"
                        }
                        _ => "files are imported by their names, and there are no other libraries",
                    };
                    self.form_error(data.span(part), message, USAGE);
                    continue;
                }
            };
            let span = data.span(file);
            if data.kind(file) != DatumKind::Text {
                self.form_error(span, "the name of a file stands in quotes", USAGE);
                continue;
            }
            let path = self.text(file).trim_matches('"').to_string();
            self.ast.imports.push(Import { path, span, what });
        }
    }

    /// Expands a part of a form in another context.
    fn within(&mut self, context: Context, part: Work<'a>) {
        let around = self.context;
        if context == around {
            self.work.push(part);
        } else {
            self.work.extend([Work::Context(around), part, Work::Context(context)]);
        }
    }

    /// The context of a part in which these names are bound.
    fn binds<'n>(&self, names: impl IntoIterator<Item = &'n (Name, Span)>) -> Context {
        let hidden = names.into_iter().fold(0, |all, &(name, _)| all | hides(self.ast.name(name)));
        Context { hidden: self.context.hidden | hidden, ..self.context }
    }

    /// Expands the body of a function.
    fn enter_function(&mut self, params: &[(Name, Span)], body: Work<'a>) {
        let context = Context { recur: self.context.recur.outside(), ..self.binds(params) };
        self.within(context, body);
    }

    fn named_results(&mut self, datum: Datum) {
        let data: &'a Data = self.data;
        let usage = "`(values (name value) …)`";
        let mut results: Vec<Binding> = Vec::new();
        for &part in &data.elements(datum)[1..] {
            let span = data.span(part);
            match data.list(part) {
                Some(&[name, value]) if data.kind(name) == DatumKind::Symbol => {
                    let Some(name_id) = self.name(name) else { continue };
                    let span = data.span(name);
                    if let Some(first) = results.iter().find(|r| r.name == name_id) {
                        let first = first.span;
                        let message = format!("two results are called `{}`", self.text(name));
                        self.error(Diagnostic::error("duplicate", span, message).related(first, "the first"));
                    }
                    let value = self.expression(value);
                    results.push(Binding { name: name_id, span, value });
                }
                _ => self.form_error(span, "a result is a name and its value", usage),
            }
        }
        if results.is_empty() && self.errors.is_empty() {
            self.form_error(data.span(datum), "`values` without results", usage);
        }
        self.ast.body = Body::Named(results);
    }

    /// Expands one datum with everything in it.
    fn expression(&mut self, datum: Datum) -> Expr {
        self.work.push(Work::Expand(datum));
        self.finish(self.data.span(datum))
    }

    /// Does what there is to do for one expression.
    fn evaluate(&mut self, work: Work<'a>) -> Expr {
        self.work.push(work);
        self.finish(Span::default())
    }

    /// Does all that is left to do, for the expression at this place.
    fn finish(&mut self, span: Span) -> Expr {
        while let Some(work) = self.work.pop() {
            match work {
                Work::Expand(datum) => self.expand(datum),
                Work::Each(data) => {
                    if let Some((&first, rest)) = data.split_first() {
                        self.work.extend([Work::Each(rest), Work::Expand(first)]);
                    }
                }
                Work::Junction { rest, and, span } => self.junction(rest, and, span),
                Work::Clauses { rest, span } => self.clauses(rest, span),
                Work::Sequence { rest, body, span } => self.sequence(rest, body, span),
                Work::Body { data, span } => self.body(data, span),
                Work::Curried { headers, data, span } => self.curried(headers, data, span),
                Work::Name(name, span) => self.done(ExprKind::Name(name), span),
                Work::Context(context) => self.context = context,
                Work::Recur { name, name_span, count, span } => {
                    let args = self.results.split_off(self.results.len() - count);
                    self.done(ExprKind::Recur(name, name_span, args.into()), span);
                }
                Work::Loop { form, header: Header { name, span: name_span, params }, span } => {
                    let mut args = self.results.split_off(self.results.len() - params.len() - 1);
                    if let Some(body) = args.pop() {
                        let function = Box::new(Function { name, span: name_span, params, body });
                        self.done(ExprKind::Loop(form, function, args.into()), span);
                    }
                }
                Work::Letrec { definitions, span } => {
                    let mut parts =
                        self.results.split_off(self.results.len() - definitions.len() - 1).into_iter();
                    let definitions = definitions
                        .into_iter()
                        .zip(parts.by_ref())
                        .map(|(defined, part)| match defined {
                            Defined::Value(name, span) => {
                                Definition::Value(Binding { name, span, value: part })
                            }
                            Defined::Function(Header { name, span, params }) => {
                                Definition::Function(Function { name, span, params, body: part })
                            }
                        })
                        .collect();
                    if let Some(body) = parts.next() {
                        self.done(ExprKind::Letrec(definitions, body), span);
                    }
                }
                Work::Number(value, span) => self.number(value, span),
                Work::Call { name, name_span, count, span } => {
                    let args = self.results.split_off(self.results.len() - count);
                    self.done(ExprKind::Call(name, name_span, args.into()), span);
                }
                Work::Apply { count, span } => {
                    let args = self.results.split_off(self.results.len() - count);
                    if let Some(head) = self.results.pop() {
                        self.done(ExprKind::Apply(head, args.into()), span);
                    }
                }
                Work::Lambda { header: Header { name, span: at, params }, span } => {
                    if let Some(body) = self.results.pop() {
                        let function = Box::new(Function { name, span: at, params, body });
                        self.done(ExprKind::Lambda(function), span);
                    }
                }
                Work::If(span) => {
                    let parts = self.results.split_off(self.results.len() - 3);
                    self.done(ExprKind::If(parts[0], parts[1], parts[2]), span);
                }
                Work::Let { values, functions, span } => {
                    let count = values.len() + functions.len() + 1;
                    let mut parts = self.results.split_off(self.results.len() - count).into_iter();
                    let bindings: Vec<Binding> = values
                        .into_iter()
                        .zip(parts.by_ref())
                        .map(|((name, span), value)| Binding { name, span, value })
                        .collect();
                    let functions: Vec<Function> = functions
                        .into_iter()
                        .zip(parts.by_ref())
                        .map(|(Header { name, span, params }, body)| Function { name, span, params, body })
                        .collect();
                    if let Some(body) = parts.next() {
                        self.done(ExprKind::Let(Box::new((bindings, functions)), body), span);
                    }
                }
            }
        }
        match self.results.pop() {
            Some(expr) => expr,
            None => self.ast.push(zero(), span),
        }
    }

    fn done(&mut self, kind: ExprKind, span: Span) {
        let expr = self.ast.push(kind, span);
        self.results.push(expr);
    }

    fn number(&mut self, value: f64, span: Span) {
        self.done(ExprKind::Number(value.into()), span);
    }

    /// Something in the place of what is wrong.
    fn hole(&mut self, span: Span) {
        self.number(0.0, span);
    }

    fn expand(&mut self, datum: Datum) {
        let data: &'a Data = self.data;
        let span = data.span(datum);
        match data.kind(datum) {
            DatumKind::Number(literal) => self.done(ExprKind::Number(literal), span),
            DatumKind::Complex(number) => {
                let (re, im) = data.complex(number);
                let name = self.hygienic(" make-rectangular");
                self.work.push(Work::Call { name, name_span: span, count: 2, span });
                self.done(ExprKind::Number(re), span);
                self.done(ExprKind::Number(im), span);
            }
            DatumKind::Boolean(value) => self.number(if value { 1.0 } else { 0.0 }, span),
            DatumKind::Symbol => {
                if let Some(name) = self.name(datum) {
                    self.done(ExprKind::Name(name), span);
                }
            }
            DatumKind::Brackets => {
                let elements = data.elements(datum);
                if elements.is_empty() {
                    self.error(Diagnostic::error("form", span, "a vector has at least one element"));
                    return self.hole(span);
                }
                let name = self.hygienic(" vec");
                self.call(name, Span::new(span.start, span.start + 1), elements, span);
            }
            DatumKind::List => self.list(datum, span),
            DatumKind::Text => {
                let help = "values are numbers, vectors and matrices";
                self.error(Diagnostic::error("token", span, "the language has no strings").help(help));
                self.hole(span);
            }
        }
    }

    /// A name that no binding of the program can give another meaning: brackets are vectors even where the program
    /// has a `vec` of its own. The key has a space, which no symbol has.
    fn hygienic(&mut self, key: &'static str) -> Name {
        match self.interned.get(key) {
            Some(&known) => known,
            None => {
                let known = self.ast.make_name(key.trim());
                self.interned.insert(key.into(), known);
                known
            }
        }
    }

    fn call(&mut self, name: Name, name_span: Span, args: &'a [Datum], span: Span) {
        self.work.push(Work::Call { name, name_span, count: args.len(), span });
        self.work.push(Work::Each(args));
    }

    fn list(&mut self, datum: Datum, span: Span) {
        let data: &'a Data = self.data;
        let Some((&head, args)) = data.elements(datum).split_first() else {
            self.error(Diagnostic::error("form", span, "`()` calls nothing"));
            return self.hole(span);
        };
        if data.kind(head) != DatumKind::Symbol {
            return self.odd_head(head, args, span);
        }
        let text = self.text(head);
        match (text, args) {
            _ if !self.bound.contains(text) && refusal(text).is_some() => {
                let (reason, help) = refusal(text).unwrap_or_default();
                self.error(
                    Diagnostic::error("refused", data.span(head), reason)
                        .label(format!("`{text}`"))
                        .help(help),
                );
                self.hole(span);
            }
            _ if self.context.hidden & hides(text) != 0 => match self.name(head) {
                Some(name) => self.call(name, data.span(head), args, span),
                None => self.hole(span),
            },
            ("loop", _) => self.recur_loop(args, head, span),
            ("recur", _) => self.recur(args, head, span),
            ("do", _) => self.do_loop(args, head, span),
            ("letrec" | "letrec*", _) => self.letrec(text, args, span),
            ("if", &[condition, then, other]) => {
                self.work.push(Work::If(span));
                self.work.extend([other, then, condition].map(Work::Expand));
            }
            ("if", [_, _]) => {
                self.error(
                    Diagnostic::error("form", span, "this `if` has no value where its condition is false")
                        .help("add what it is otherwise: `(if condition then else)`"),
                );
                self.hole(span);
            }
            ("if", _) => {
                self.form_error(
                    span,
                    match args.len() {
                        1 => "`if` with 1 part".to_string(),
                        count => format!("`if` with {count} parts"),
                    },
                    "`(if condition then else)`",
                );
                self.hole(span);
            }
            ("let", &[first, ..]) if data.kind(first) == DatumKind::Symbol => {
                self.named_let(first, &args[1..], span);
            }
            ("let", &[bindings, ref body @ ..]) if data.list(bindings).is_some() && self.is_body(body) => {
                self.parallel(data.elements(bindings), body, span);
            }
            ("let*", &[bindings, ref body @ ..]) if data.list(bindings).is_some() && self.is_body(body) => {
                self.work.push(Work::Sequence { rest: data.elements(bindings), body, span });
            }
            ("let" | "let*", [bindings, _, _, ..]) if data.list(*bindings).is_some() => {
                self.more_than_one_body(text, "((name value) …)", span);
            }
            ("let" | "let*", _) => {
                self.form_error(
                    span,
                    format!("this is no `{text}`"),
                    &format!("`({text} ((name value) …) body)`"),
                );
                self.hole(span);
            }
            ("begin", &[body]) => self.work.push(Work::Expand(body)),
            ("begin", _) => {
                self.error(
                    Diagnostic::error(
                        "form",
                        span,
                        "`begin` takes one expression: nothing but the last could matter",
                    )
                    .help("name intermediate values with `let`"),
                );
                self.hole(span);
            }
            ("and", _) => self.work.push(Work::Junction { rest: args, and: true, span }),
            ("or", _) => self.work.push(Work::Junction { rest: args, and: false, span }),
            ("cond", _) => self.work.push(Work::Clauses { rest: args, span }),
            ("lambda", _) => self.lambda(datum, span),
            ("define", _) => {
                self.error(
                    Diagnostic::error(
                        "form",
                        span,
                        "`define` stands at the top of a program and at the head of a body only",
                    )
                    .help("use `let` here"),
                );
                self.hole(span);
            }
            ("values", _) => {
                self.error(
                    Diagnostic::error("form", span, "`values` is what a program ends in only, by itself, behind bindings, or as the value of its last function")
                        .help("use a vector: `[a b]`"),
                );
                self.hole(span);
            }
            _ if self.is_network(datum) => {
                self.misplaced_network(datum);
                self.hole(span);
            }
            _ if self.several.contains(text) && !self.local.contains(text) => {
                self.used.insert(text);
                let message =
                    format!("`{}` has several results: only the end of the program can call it", short(text));
                self.error(
                    Diagnostic::error("form", span, message)
                        .help("a function that other expressions use has one: a vector, `[a b]`"),
                );
                self.hole(span);
            }
            _ => match self.name(head) {
                Some(name) => self.call(name, data.span(head), args, span),
                None => self.hole(span),
            },
        }
    }

    fn odd_head(&mut self, head: Datum, args: &'a [Datum], span: Span) {
        let data: &'a Data = self.data;
        if self.head(head) != Some("lambda") {
            let what = match data.kind(head) {
                DatumKind::Number(_) | DatumKind::Complex(_) | DatumKind::Boolean(_) => "a number",
                DatumKind::Brackets => "a vector",
                DatumKind::Text => "a text",
                DatumKind::List | DatumKind::Symbol => {
                    self.work.push(Work::Apply { count: args.len(), span });
                    self.work.push(Work::Each(args));
                    return self.work.push(Work::Expand(head));
                }
            };
            self.error(
                Diagnostic::error(
                    "first-order",
                    data.span(head),
                    format!("{what} is called like a function"),
                )
                .help("the first part of a call is a function"),
            );
            return self.hole(span);
        }
        let anonymous = self.hygienic(" lambda");
        let Some((header, body)) = self.lambda_header(head, anonymous, data.span(head)) else {
            return self.hole(span);
        };
        if header.params.len() != args.len() {
            let message = format!("this function takes {} operands, not {}", header.params.len(), args.len());
            self.error(Diagnostic::error("arity", span, message).related(data.span(head), "the function"));
            return self.hole(span);
        }
        // ((lambda (x …) body) a …) is (let ((x a) …) body).
        let context = self.binds(&header.params);
        self.work.push(Work::Let { values: header.params, functions: Vec::new(), span });
        self.within(context, body);
        self.work.push(Work::Each(args));
    }

    /// A function as a value.
    fn lambda(&mut self, datum: Datum, span: Span) {
        let name = self.hygienic(" lambda");
        let head = self.data.elements(datum).first().map_or(span, |&head| self.data.span(head));
        let Some((header, body)) = self.lambda_header(datum, name, head) else { return self.hole(span) };
        let params = header.params.clone();
        self.work.push(Work::Lambda { header, span });
        self.enter_function(&params, body);
    }

    fn more_than_one_body(&mut self, form: &str, bindings: &str, span: Span) {
        self.form_error(
            span,
            format!("`{form}` with more than one body"),
            &format!("`({form} {bindings} body)`"),
        );
        self.hole(span);
    }

    /// `(and a …)` is `(if a (and …) 0)`, `(or a …)` is `(if a 1 (or …))`, and at the end there is 1 or 0.
    fn junction(&mut self, rest: &'a [Datum], and: bool, span: Span) {
        let Some((&first, rest)) = rest.split_first() else {
            return self.number(if and { 1.0 } else { 0.0 }, span);
        };
        self.work.push(Work::If(span));
        let others = Work::Junction { rest, and, span };
        if and {
            self.work.extend([Work::Number(0.0, span), others]);
        } else {
            self.work.extend([others, Work::Number(1.0, span)]);
        }
        self.work.push(Work::Expand(first));
    }

    fn clauses(&mut self, rest: &'a [Datum], span: Span) {
        let data: &'a Data = self.data;
        let usage = "`(cond (condition value) … (else value))`";
        let Some((&clause, rest)) = rest.split_first() else {
            self.error(
                Diagnostic::error("form", span, "this `cond` has no value where no condition holds")
                    .help("end it with `(else value)`"),
            );
            return self.hole(span);
        };
        let &[test, value] = data.elements(clause) else {
            self.form_error(data.span(clause), "a clause of `cond` has a condition and one value", usage);
            return self.hole(span);
        };
        if data.kind(test) == DatumKind::Symbol && self.text(test) == "else" {
            if let Some(&after) = rest.first() {
                self.form_error(data.span(after), "a clause behind `else`", usage);
            }
            return self.work.push(Work::Expand(value));
        }
        self.work.push(Work::If(span));
        self.work.extend([Work::Clauses { rest, span }, Work::Expand(value), Work::Expand(test)]);
    }
}

impl Header {
    /// Its name with its place.
    fn named(&self) -> (Name, Span) {
        (self.name, self.span)
    }
}

impl Recur {
    /// What it refers to in a function here.
    fn outside(self) -> Recur {
        match self {
            Recur::Nowhere => Recur::Nowhere,
            Recur::Beyond | Recur::To(_) => Recur::Beyond,
        }
    }
}

/// The bit of a form that a name hides where it is bound.
fn hides(name: &str) -> u8 {
    HIDEABLE.iter().position(|&form| form == name).map_or(0, |k| 1 << k)
}

fn zero() -> ExprKind {
    ExprKind::Number(Literal::ZERO)
}
