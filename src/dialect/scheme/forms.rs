//! Data → AST: special forms, with derived forms expanded.
//!
//! An explicit stack of work stands for nesting. Each finished expression goes to a stack of results, from which the
//! form around it takes its parts.

use std::collections::{HashMap, HashSet};

use super::reader::{Data, Datum, DatumKind, short};
use crate::anf::Literal;
use crate::ast::{Ast, Binding, Body, Definition, Expr, ExprKind, Function, Name};
use crate::dialect::MAX_DIAGNOSTICS;
use crate::source::{Diagnostic, Span};

/// The special forms, for suggestions.
pub const SPECIAL_FORMS: &[&str] =
    &["and", "begin", "cond", "define", "if", "lambda", "let", "let*", "or", "values"];

/// Forms of loops and recursion.
const LOOPS: &[&str] = &["loop", "recur", "letrec", "letrec*", "do"];

/// Forms that Scheme has and the language does not: the reason, and what to write instead.
const REFUSED: &[(&[&str], &str, &str)] = &[
    (
        LOOPS,
        "loops and recursion are not supported by this version",
        "write the steps out, or compute the loop outside the program",
    ),
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
        &["map", "for-each", "apply", "fold", "fold-left", "fold-right", "reduce", "filter", "vector-map"],
        "the language is first-order: functions are called, not passed",
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
            "force",
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
    let mut expander = Expander {
        source,
        data,
        ast: Ast::new(),
        interned: HashMap::new(),
        work: Vec::new(),
        results: Vec::new(),
        errors: Vec::new(),
        bound: HashSet::new(),
    };
    expander.program();
    if expander.errors.is_empty() { Ok(expander.ast) } else { Err(expander.errors) }
}

/// What is left to do.
enum Work<'a> {
    /// Expand a datum.
    Expand(Datum),
    /// `(and …)` or `(or …)` of what is left of its operands.
    Junction { rest: &'a [Datum], and: bool, span: Span },
    /// `cond` from this clause on.
    Clauses { rest: &'a [Datum], span: Span },
    /// `let*` from this binding on.
    Sequence { rest: &'a [Datum], body: Datum, span: Span },
    /// Take operands from the results and make a call.
    Call { name: Name, name_span: Span, count: usize, span: Span },
    /// Take condition and arms.
    If(Span),
    /// Put a number where a part is known.
    Number(f64, Span),
    /// Take the values of the bindings, the bodies of the functions and the body.
    Let { values: Vec<(Name, Span)>, functions: Vec<Header>, span: Span },
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
    interned: HashMap<&'a str, Name>,
    work: Vec<Work<'a>>,
    results: Vec<Expr>,
    errors: Vec<Diagnostic>,
    /// Names that the program binds somewhere: they are never taken for forms that the language refuses.
    bound: HashSet<&'a str>,
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
                let name = self.ast.names.push(text.to_string());
                self.interned.insert(text, name);
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
            if let (Some("define"), Some(&target)) = (self.head(datum), data.elements(datum).get(1)) {
                let name = data.list(target).map_or(Some(target), |list| list.first().copied());
                self.bound.extend(name.filter(|&n| data.kind(n) == DatumKind::Symbol).map(|n| self.text(n)));
            }
        }
        for &datum in before {
            if self.head(datum) == Some("define") {
                self.define(datum);
            } else {
                let span = data.span(datum);
                self.error(
                    Diagnostic::error("form", span, "only the last expression of a program has a value that counts")
                        .label("this value is lost")
                        .help("give it a name with `define`, or return several results with `(values (name value) …)`"),
                );
            }
        }
        match self.head(last) {
            Some("define") => {
                self.define(last);
                if let Some(Definition::Value(binding)) = self.ast.definitions.last() {
                    let span = data.span(last);
                    let name = self.ast.name(binding.name).to_string();
                    self.error(
                        Diagnostic::error("form", span, "the program ends in the definition of a value")
                            .help(format!("end it with an expression or a function; `{name}` alone is one")),
                    );
                }
            }
            Some("values") => self.named_results(last),
            _ => {
                let body = self.expression(last);
                self.ast.body = Body::Value(body);
            }
        }
    }

    fn define(&mut self, datum: Datum) {
        let data: &'a Data = self.data;
        let span = data.span(datum);
        let usage = "`(define name value)` or `(define (name param …) body)`";
        let elements = data.elements(datum);
        let &[_, target, ref bodies @ ..] = elements else {
            return self.form_error(span, "`define` of nothing", usage);
        };
        let &[body] = bodies else {
            let message = if bodies.is_empty() {
                "`define` without a value"
            } else {
                "`define` with more than one body"
            };
            return self.form_error(span, message, usage);
        };
        if let Some(name) = self.name(target) {
            self.bound.insert(self.text(target));
            let name_span = data.span(target);
            let definition = if self.head(body) == Some("lambda") {
                self.lambda_header(body, name, name_span).map(|(header, body)| self.function(header, body))
            } else {
                let value = self.expression(body);
                Some(Definition::Value(Binding { name, span: name_span, value }))
            };
            self.ast.definitions.extend(definition);
            return;
        }
        match data.list(target) {
            Some(&[first, ref params @ ..]) => {
                let Some(name) = self.name(first) else {
                    return self.form_error(data.span(first), "the name of a function is a symbol", usage);
                };
                self.bound.insert(self.text(first));
                let span = data.span(first);
                if let Some(params) = self.params(params) {
                    let definition = self.function(Header { name, span, params }, body);
                    self.ast.definitions.push(definition);
                }
            }
            _ => self.form_error(data.span(target), "`define` needs a name", usage),
        }
    }

    fn function(&mut self, header: Header, body: Datum) -> Definition {
        let body = self.expression(body);
        let Header { name, span, params } = header;
        Definition::Function(Function { name, span, params, body })
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

    /// The parameters of a function, all different.
    fn params(&mut self, data: &[Datum]) -> Option<Vec<(Name, Span)>> {
        let mut params: Vec<(Name, Span)> = Vec::with_capacity(data.len());
        let mut known = HashMap::new();
        for &datum in data {
            let span = self.data.span(datum);
            let Some(name) = self.name(datum) else {
                self.error(Diagnostic::error("form", span, "a parameter is a symbol"));
                return None;
            };
            if let Some(first) = known.insert(name, span) {
                let message = format!("two parameters are called `{}`", short(self.text(datum)));
                self.error(Diagnostic::error("duplicate", span, message).related(first, "the first"));
                return None;
            }
            self.bound.insert(self.text(datum));
            params.push((name, span));
        }
        Some(params)
    }

    /// The parts of `(lambda (param …) body)`.
    fn lambda_header(&mut self, datum: Datum, name: Name, span: Span) -> Option<(Header, Datum)> {
        let data: &'a Data = self.data;
        match data.elements(datum) {
            &[_, params, body] if data.list(params).is_some() => {
                let params = self.params(data.elements(params))?;
                Some((Header { name, span, params }, body))
            }
            _ => {
                self.form_error(
                    data.span(datum),
                    "a `lambda` has a list of parameters and one body",
                    "`(lambda (param …) body)`",
                );
                None
            }
        }
    }

    /// Expands one datum with everything in it.
    fn expression(&mut self, datum: Datum) -> Expr {
        self.work.push(Work::Expand(datum));
        while let Some(work) = self.work.pop() {
            match work {
                Work::Expand(datum) => self.expand(datum),
                Work::Junction { rest, and, span } => self.junction(rest, and, span),
                Work::Clauses { rest, span } => self.clauses(rest, span),
                Work::Sequence { rest, body, span } => self.sequence(rest, body, span),
                Work::Number(value, span) => self.number(value, span),
                Work::Call { name, name_span, count, span } => {
                    let args = self.results.split_off(self.results.len() - count);
                    self.done(ExprKind::Call(name, name_span, args), span);
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
                        self.done(ExprKind::Let(bindings, functions, body), span);
                    }
                }
            }
        }
        match self.results.pop() {
            Some(expr) => expr,
            None => self.ast.push(zero(), self.data.span(datum)),
        }
    }

    fn done(&mut self, kind: ExprKind, span: Span) {
        let expr = self.ast.push(kind, span);
        self.results.push(expr);
    }

    fn number(&mut self, value: f64, span: Span) {
        self.done(ExprKind::Number(Literal { f64: value, f32: value as f32 }), span);
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
        }
    }

    /// A name that no binding of the program can give another meaning: brackets are vectors even where the program
    /// has a `vec` of its own. The key has a space, which no symbol has.
    fn hygienic(&mut self, key: &'static str) -> Name {
        match self.interned.get(key) {
            Some(&known) => known,
            None => {
                let known = self.ast.names.push(key.trim().to_string());
                self.interned.insert(key, known);
                known
            }
        }
    }

    fn call(&mut self, name: Name, name_span: Span, args: &'a [Datum], span: Span) {
        self.work.push(Work::Call { name, name_span, count: args.len(), span });
        self.work.extend(args.iter().rev().map(|&arg| Work::Expand(arg)));
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
                let code = if LOOPS.contains(&text) { "not-supported" } else { "refused" };
                self.error(
                    Diagnostic::error(code, data.span(head), reason).label(format!("`{text}`")).help(help),
                );
                self.hole(span);
            }
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
            ("let", &[first, _, ..]) if data.kind(first) == DatumKind::Symbol => {
                let (reason, help) = refusal("loop").unwrap_or_default();
                self.error(
                    Diagnostic::error("not-supported", span, reason).label("a named `let`").help(help),
                );
                self.hole(span);
            }
            ("let", &[bindings, body]) if data.list(bindings).is_some() => {
                self.parallel(data.elements(bindings), body, span);
            }
            ("let*", &[bindings, body]) if data.list(bindings).is_some() => {
                self.work.push(Work::Sequence { rest: data.elements(bindings), body, span });
            }
            ("let" | "let*", [bindings, _, _, ..]) if data.list(*bindings).is_some() => {
                self.form_error(
                    span,
                    format!("`{text}` with more than one body"),
                    &format!("`({text} ((name value) …) body)`"),
                );
                self.hole(span);
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
            ("lambda", _) => {
                self.error(
                    Diagnostic::error("first-order", span, "a function is no value: it can only be called")
                        .help("give it a name with `let` or `define` and call that"),
                );
                self.hole(span);
            }
            ("define", _) => {
                self.error(
                    Diagnostic::error("form", span, "`define` stands at the top of a program only")
                        .help("use `let` here"),
                );
                self.hole(span);
            }
            ("values", _) => {
                self.error(
                    Diagnostic::error("form", span, "`values` is the last form of a program only")
                        .help("use a vector: `[a b]`"),
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
                DatumKind::Number(_) | DatumKind::Boolean(_) => "a number",
                DatumKind::Brackets => "a vector",
                DatumKind::List | DatumKind::Symbol => "the value of an expression",
            };
            self.error(
                Diagnostic::error(
                    "first-order",
                    data.span(head),
                    format!("{what} is called like a function"),
                )
                .help("the first word of a form is the name of a primitive or a function"),
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
        self.work.push(Work::Let { values: header.params, functions: Vec::new(), span });
        self.work.push(Work::Expand(body));
        self.work.extend(args.iter().rev().map(|&arg| Work::Expand(arg)));
    }

    /// `(name value)` of a `let`.
    fn binding(&mut self, datum: Datum) -> Option<(Name, Span, Datum)> {
        let data: &'a Data = self.data;
        if let Some(&[target, value]) = data.list(datum)
            && let Some(name) = self.name(target)
        {
            self.bound.insert(self.text(target));
            return Some((name, data.span(target), value));
        }
        self.form_error(data.span(datum), "a binding is a name and a value", "`(name value)`");
        None
    }

    fn parallel(&mut self, bindings: &'a [Datum], body: Datum, span: Span) {
        let (mut values, mut functions) = (Vec::new(), Vec::new());
        let (mut value_data, mut body_data) = (Vec::new(), Vec::new());
        let mut known: HashMap<Name, Span> = HashMap::new();
        for &datum in bindings {
            let Some((name, name_span, value)) = self.binding(datum) else { return self.hole(span) };
            if let Some(first) = known.insert(name, name_span) {
                let message = format!("`{}` is bound twice in one `let`", short(name_span.text(self.source)));
                self.error(
                    Diagnostic::error("duplicate", name_span, message)
                        .related(first, "the first")
                        .help("`let*` binds one after the other"),
                );
                return self.hole(span);
            }
            if self.head(value) == Some("lambda") {
                let Some((header, body)) = self.lambda_header(value, name, name_span) else {
                    return self.hole(span);
                };
                functions.push(header);
                body_data.push(body);
            } else {
                values.push((name, name_span));
                value_data.push(value);
            }
        }
        self.work.push(Work::Let { values, functions, span });
        self.work.push(Work::Expand(body));
        self.work.extend(body_data.into_iter().rev().map(Work::Expand));
        self.work.extend(value_data.into_iter().rev().map(Work::Expand));
    }

    fn sequence(&mut self, rest: &'a [Datum], body: Datum, span: Span) {
        let Some((&first, rest)) = rest.split_first() else {
            return self.work.push(Work::Expand(body));
        };
        let Some((name, name_span, value)) = self.binding(first) else { return self.hole(span) };
        let (mut values, mut functions) = (Vec::new(), Vec::new());
        let part = if self.head(value) == Some("lambda") {
            let Some((header, body)) = self.lambda_header(value, name, name_span) else {
                return self.hole(span);
            };
            functions.push(header);
            body
        } else {
            values.push((name, name_span));
            value
        };
        self.work.push(Work::Let { values, functions, span });
        self.work.push(Work::Sequence { rest, body, span });
        self.work.push(Work::Expand(part));
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

fn zero() -> ExprKind {
    ExprKind::Number(Literal { f64: 0.0, f32: 0.0 })
}
