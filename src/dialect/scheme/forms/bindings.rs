//! `let` and `let*`.

use std::collections::HashMap;

use super::{Context, Datum, Expander, Header, Work};
use crate::ast::Name;
use crate::dialect::scheme::reader::Data;
use crate::dialect::short;
use crate::source::{Diagnostic, Span};

impl<'a> Expander<'a> {
    /// `(name value)` of a `let`.
    pub(super) fn binding(&mut self, datum: Datum) -> Option<(Name, Span, Datum)> {
        let data: &'a Data = self.data;
        if let Some(&[target, value]) = data.list(datum)
            && let Some(name) = self.name(target)
        {
            self.bound.insert(self.text(target));
            self.local.insert(self.text(target));
            return Some((name, data.span(target), value));
        }
        self.form_error(data.span(datum), "a binding is a name and a value", "`(name value)`");
        None
    }

    /// Refuses a name that is bound before.
    pub(super) fn bound_twice(&mut self, name_span: Span, first: Span, form: &str) {
        let name = short(name_span.text(self.source));
        let message = match form {
            "define" => format!("`{name}` is defined twice in one body"),
            _ => format!("`{name}` is bound twice in one `{form}`"),
        };
        let mut error = Diagnostic::error("duplicate", name_span, message).related(first, "the first");
        if form == "let" {
            error = error.help("`let*` binds one after the other");
        }
        self.error(error);
    }

    pub(super) fn parallel(&mut self, bindings: &'a [Datum], body: &'a [Datum], span: Span) {
        let (mut values, mut functions) = (Vec::new(), Vec::new());
        let (mut value_data, mut bodies) = (Vec::new(), Vec::new());
        let mut known: HashMap<Name, Span> = HashMap::new();
        for &datum in bindings {
            let Some((name, name_span, value)) = self.binding(datum) else { return self.hole(span) };
            if let Some(first) = known.insert(name, name_span) {
                self.bound_twice(name_span, first, "let");
                return self.hole(span);
            }
            if self.head(value) == Some("lambda") {
                let Some((header, body)) = self.lambda_header(value, name, name_span) else {
                    return self.hole(span);
                };
                functions.push(header);
                bodies.push(body);
            } else {
                values.push((name, name_span));
                value_data.push(value);
            }
        }
        let inner = self.binds(values.iter().chain(&functions.iter().map(Header::named).collect::<Vec<_>>()));
        let params: Vec<Context> = functions.iter().map(|f| self.binds(&f.params)).collect();
        self.work.push(Work::Let { values, functions, span });
        self.within(inner, Work::Body { data: body, span });
        for (context, body) in params.into_iter().zip(bodies).rev() {
            self.within(Context { recur: self.context.recur.outside(), ..context }, body);
        }
        self.work.extend(value_data.into_iter().rev().map(Work::Expand));
    }

    pub(super) fn sequence(&mut self, rest: &'a [Datum], body: &'a [Datum], span: Span) {
        let Some((&first, rest)) = rest.split_first() else {
            return self.work.push(Work::Body { data: body, span });
        };
        let Some((name, name_span, value)) = self.binding(first) else { return self.hole(span) };
        let inner = self.binds(&[(name, name_span)]);
        let rest = Work::Sequence { rest, body, span };
        if self.head(value) == Some("lambda") {
            let Some((header, part)) = self.lambda_header(value, name, name_span) else {
                return self.hole(span);
            };
            let params = header.params.clone();
            self.work.push(Work::Let { values: Vec::new(), functions: vec![header], span });
            self.within(inner, rest);
            self.enter_function(&params, part);
        } else {
            self.work.push(Work::Let { values: vec![(name, name_span)], functions: Vec::new(), span });
            self.within(inner, rest);
            self.work.push(Work::Expand(value));
        }
    }
}
