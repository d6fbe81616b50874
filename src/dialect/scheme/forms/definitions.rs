//! Definitions, at the top and in bodies, `letrec`, and the headers of functions.

use std::collections::HashMap;

use super::{Context, Datum, Defined, Expander, Header, Work};
use crate::ast::{Binding, Definition, Function, Name};
use crate::dialect::scheme::reader::{Data, DatumKind};
use crate::dialect::short;
use crate::source::{Diagnostic, Span};

impl<'a> Expander<'a> {
    /// A definition at the top of the program; whether it is one.
    pub(super) fn define(&mut self, datum: Datum) -> bool {
        let Some((defined, part)) = self.definition(datum) else { return false };
        let definition = match defined {
            Defined::Value(name, span) => {
                let value = self.evaluate(part);
                Definition::Value(Binding { name, span, value })
            }
            Defined::Function(Header { name, span, params }) => {
                self.enter_function(&params, part);
                let body = self.finish(span);
                Definition::Function(Function { name, span, params, body })
            }
        };
        self.ast.definitions.push(definition);
        true
    }

    /// The parts of a definition: what it defines, and what its value or body is.
    pub(super) fn definition(&mut self, datum: Datum) -> Option<(Defined, Work<'a>)> {
        if self.is_network(datum) {
            self.misplaced_network(datum);
            return None;
        }
        let data: &'a Data = self.data;
        let span = data.span(datum);
        let usage = "`(define name value)` or `(define (name param …) body)`";
        let elements = data.elements(datum);
        let &[_, target, ref bodies @ ..] = elements else {
            self.form_error(span, "`define` of nothing", usage);
            return None;
        };
        let name = self.name(target);
        if !self.is_body(bodies) || (name.is_some() && bodies.len() != 1) {
            let message = if bodies.is_empty() {
                "`define` without a value"
            } else {
                "`define` with more than one body"
            };
            self.form_error(span, message, usage);
            return None;
        }
        if let Some(name) = name {
            self.bound.insert(self.text(target));
            let name_span = data.span(target);
            if self.head(bodies[0]) == Some("lambda") {
                let (header, body) = self.lambda_header(bodies[0], name, name_span)?;
                return Some((Defined::Function(header), body));
            }
            return Some((Defined::Value(name, name_span), Work::Expand(bodies[0])));
        }
        // `(define ((f a) x) body)` is a function of a that gives a function of x: the innermost target has the name.
        let mut curried = Vec::new();
        let mut target = target;
        loop {
            match data.list(target) {
                Some(&[first, ref params @ ..]) if data.list(first).is_some() => {
                    curried.push((target, params));
                    target = first;
                }
                Some(&[first, ref params @ ..]) => {
                    let Some(name) = self.name(first) else {
                        self.form_error(data.span(first), "the name of a function is a symbol", usage);
                        return None;
                    };
                    self.bound.insert(self.text(first));
                    let params = self.params(params)?;
                    let header = Header { name, span: data.span(first), params };
                    let mut given = Vec::with_capacity(curried.len());
                    for (target, params) in curried.into_iter().rev() {
                        let name = self.hygienic(" lambda");
                        let params = self.params(params)?;
                        given.push(Header { name, span: data.span(target), params });
                    }
                    let work = match given.is_empty() {
                        true => Work::Body { data: bodies, span },
                        false => Work::Curried { headers: given, data: bodies, span },
                    };
                    return Some((Defined::Function(header), work));
                }
                _ => {
                    self.form_error(data.span(target), "`define` needs a name", usage);
                    return None;
                }
            }
        }
    }

    /// The body of a function that gives functions of functions, the outermost first.
    pub(super) fn curried(&mut self, headers: Vec<Header>, data: &'a [Datum], span: Span) {
        let around = self.context;
        self.work.push(Work::Context(around));
        let mut context = around;
        let mut parts = Vec::with_capacity(headers.len());
        for header in headers {
            self.context = context;
            context = Context { recur: context.recur.outside(), ..self.binds(&header.params) };
            parts.push(Work::Lambda { header, span });
        }
        self.context = around;
        self.work.extend(parts);
        self.work.extend([Work::Body { data, span }, Work::Context(context)]);
    }

    /// The parameters of a function, all different.
    pub(super) fn params(&mut self, data: &[Datum]) -> Option<Vec<(Name, Span)>> {
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
            self.local.insert(self.text(datum));
            params.push((name, span));
        }
        Some(params)
    }

    /// The parts of `(lambda (param …) body)`.
    pub(super) fn lambda_header(
        &mut self,
        datum: Datum,
        name: Name,
        span: Span,
    ) -> Option<(Header, Work<'a>)> {
        let data: &'a Data = self.data;
        match *data.elements(datum) {
            [_, params, ref bodies @ ..] if data.list(params).is_some() && self.is_body(bodies) => {
                let params = self.params(data.elements(params))?;
                let body = Work::Body { data: bodies, span: data.span(datum) };
                Some((Header { name, span, params }, body))
            }
            [_, params, ..] if data.kind(params) == DatumKind::Symbol => {
                self.form_error(
                    data.span(params),
                    "there are no functions of any number of operands",
                    "`(lambda (param …) body)`; for any number of values take a vector",
                );
                None
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

    /// Whether these are definitions and one more form. A network is none that may stand here, which is said where it is read.
    pub(super) fn is_body(&self, data: &[Datum]) -> bool {
        let defines = |&datum: &Datum| self.head(datum) == Some("define") || self.is_network(datum);
        data.split_last().is_some_and(|(_, before)| before.iter().all(defines))
    }

    /// Definitions, and an expression that uses them.
    pub(super) fn body(&mut self, body: &'a [Datum], span: Span) {
        let Some((&last, before)) = body.split_last() else { return self.hole(span) };
        if self.head(last) == Some("define") {
            self.error(
                Diagnostic::error(
                    "form",
                    self.data.span(last),
                    "this body ends in a definition: it has no value",
                )
                .help("end it with an expression"),
            );
            return self.hole(span);
        }
        if before.is_empty() {
            return self.work.push(Work::Expand(last));
        }
        let mut definitions = Vec::with_capacity(before.len());
        for &datum in before {
            let Some(definition) = self.definition(datum) else { return self.hole(span) };
            definitions.push(definition);
        }
        self.recursive(definitions, Work::Expand(last), "define", span);
    }

    pub(super) fn letrec(&mut self, form: &str, args: &'a [Datum], span: Span) {
        let data: &'a Data = self.data;
        let bindings = match args {
            &[bindings, ref body @ ..] if data.list(bindings).is_some() && self.is_body(body) => bindings,
            [bindings, _, _, ..] if data.list(*bindings).is_some() => {
                return self.more_than_one_body(form, "((name value) …)", span);
            }
            _ => {
                let usage = format!("`({form} ((name (lambda (param …) body)) …) body)`");
                self.form_error(span, format!("this is no `{form}`"), &usage);
                return self.hole(span);
            }
        };
        let mut definitions = Vec::new();
        for &datum in data.elements(bindings) {
            let Some((name, name_span, value)) = self.binding(datum) else { return self.hole(span) };
            definitions.push(if self.head(value) == Some("lambda") {
                let Some((header, body)) = self.lambda_header(value, name, name_span) else {
                    return self.hole(span);
                };
                (Defined::Function(header), body)
            } else {
                (Defined::Value(name, name_span), Work::Expand(value))
            });
        }
        self.recursive(definitions, Work::Body { data: &args[1..], span }, form, span);
    }

    /// Definitions that know each other.
    fn recursive(&mut self, definitions: Vec<(Defined, Work<'a>)>, body: Work<'a>, form: &str, span: Span) {
        let mut known: HashMap<Name, Span> = HashMap::new();
        let mut names = Vec::with_capacity(definitions.len());
        for (defined, _) in &definitions {
            let (name, name_span) = match defined {
                Defined::Value(name, span) => (*name, *span),
                Defined::Function(header) => header.named(),
            };
            if let Some(first) = known.insert(name, name_span) {
                self.bound_twice(name_span, first, form);
                return self.hole(span);
            }
            names.push((name, name_span));
        }
        let around = self.context;
        let inner = self.binds(&names);
        let (definitions, parts): (Vec<Defined>, Vec<Work<'a>>) = definitions.into_iter().unzip();
        // All parts are pushed as if in the inner context, in which they are expanded.
        self.context = inner;
        let contexts: Vec<Context> = definitions
            .iter()
            .map(|defined| match defined {
                Defined::Value(..) => inner,
                Defined::Function(header) => {
                    Context { recur: inner.recur.outside(), ..self.binds(&header.params) }
                }
            })
            .collect();
        self.work.push(Work::Letrec { definitions, span });
        self.work.extend([Work::Context(around), body]);
        for (context, part) in contexts.into_iter().zip(parts).rev() {
            self.within(context, part);
        }
    }
}
