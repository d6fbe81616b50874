//! `loop` with `recur`, named `let` and `do`: functions that are called at once.

use std::collections::HashMap;

use super::{Context, Datum, Expander, Header, Recur, Work, hides};
use crate::ast::{LoopForm, Name};
use crate::dialect::scheme::reader::Data;
use crate::dialect::short;
use crate::source::{Diagnostic, Span};

/// The variables of a loop, and their first values.
type Variables = (Vec<(Name, Span)>, Vec<Datum>);

impl<'a> Expander<'a> {
    /// The variables of a loop with their first values.
    fn variables(&mut self, bindings: &'a [Datum], form: &str) -> Option<Variables> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        let mut known: HashMap<Name, Span> = HashMap::new();
        for &datum in bindings {
            let (name, name_span, value) = self.binding(datum)?;
            if let Some(first) = known.insert(name, name_span) {
                self.bound_twice(name_span, first, form);
                return None;
            }
            names.push((name, name_span));
            values.push(value);
        }
        Some((names, values))
    }

    /// `(loop ((name first) …) body)`.
    pub(super) fn recur_loop(&mut self, args: &'a [Datum], head: Datum, span: Span) {
        let data: &'a Data = self.data;
        match args {
            &[bindings, ref body @ ..] if data.list(bindings).is_some() && self.is_body(body) => {
                let Some((params, values)) = self.variables(data.elements(bindings), "loop") else {
                    return self.hole(span);
                };
                // Each loop has a name of its own, which no other expression can have.
                let name = self.ast.make_name("loop");
                let context = Context { recur: Recur::To(name), ..self.binds(&params) };
                let header = Header { name, span: data.span(head), params };
                self.work.push(Work::Loop { form: LoopForm::Recur, header, span });
                self.within(context, Work::Body { data: body, span });
                self.work.extend(values.into_iter().rev().map(Work::Expand));
            }
            [bindings, _, _, ..] if data.list(*bindings).is_some() => {
                self.more_than_one_body("loop", "((name first) …)", span);
            }
            _ => {
                self.form_error(
                    span,
                    "this is no `loop`",
                    "`(loop ((name first) …) body)`, where the body ends in a value or in `(recur next …)`",
                );
                self.hole(span);
            }
        }
    }

    /// `(recur next …)`.
    pub(super) fn recur(&mut self, args: &'a [Datum], head: Datum, span: Span) {
        let name_span = self.data.span(head);
        let error = match self.context.recur {
            Recur::To(name) => {
                self.work.push(Work::Recur { name, name_span, count: args.len(), span });
                return self.work.push(Work::Each(args));
            }
            Recur::Beyond => {
                Diagnostic::error("recur", name_span, "this `recur` stands in a function inside the loop")
                    .help("give the loop a name, `(let again ((name first) …) body)`, and call that: `(again next …)`")
            }
            Recur::Nowhere => Diagnostic::error("recur", name_span, "`recur` outside a loop")
                .help("a loop is written `(loop ((name first) …) body)`; a function repeats itself by a call of its name"),
        };
        self.error(error);
        self.hole(span);
    }

    /// `(let name ((variable first) …) body)`.
    pub(super) fn named_let(&mut self, name: Datum, args: &'a [Datum], span: Span) {
        let data: &'a Data = self.data;
        let text = self.text(name);
        match (args, self.name(name)) {
            (&[bindings, ref body @ ..], Some(id)) if data.list(bindings).is_some() && self.is_body(body) => {
                self.bound.insert(text);
                let Some((params, values)) = self.variables(data.elements(bindings), "let") else {
                    return self.hole(span);
                };
                let hidden = self.context.hidden | hides(text);
                let binds = self.binds(&params);
                let context = Context { recur: self.context.recur.outside(), hidden: binds.hidden | hidden };
                let header = Header { name: id, span: data.span(name), params };
                self.work.push(Work::Loop { form: LoopForm::Named, header, span });
                self.within(context, Work::Body { data: body, span });
                self.work.extend(values.into_iter().rev().map(Work::Expand));
            }
            ([bindings, _, _, ..], _) if data.list(*bindings).is_some() => {
                self.more_than_one_body(&format!("let {}", short(text)), "((name first) …)", span);
            }
            _ => {
                self.form_error(
                    span,
                    "this is no `let`",
                    "`(let ((name value) …) body)`, or with the name of a loop `(let again ((name first) …) body)`",
                );
                self.hole(span);
            }
        }
    }

    /// `(do ((name first next) …) (test result))`.
    pub(super) fn do_loop(&mut self, args: &'a [Datum], head: Datum, span: Span) {
        let data: &'a Data = self.data;
        let usage = "`(do ((name first next) …) (test result))`";
        let &[bindings, end, ref commands @ ..] = args else {
            self.form_error(span, "this is no `do`", usage);
            return self.hole(span);
        };
        if let Some(&command) = commands.first() {
            self.error(
                Diagnostic::error("form", data.span(command), "the value of this command of a `do` is lost")
                    .help("what changes from one iteration to the next is a variable: `(name first next)`"),
            );
            return self.hole(span);
        }
        let &[test, result] = data.elements(end) else {
            self.form_error(data.span(end), "a `do` ends with a test and one result", usage);
            return self.hole(span);
        };
        if data.list(end).is_none() || data.list(bindings).is_none() {
            self.form_error(span, "this is no `do`", usage);
            return self.hole(span);
        }
        let mut params: Vec<(Name, Span)> = Vec::new();
        let (mut values, mut steps) = (Vec::new(), Vec::new());
        let mut known: HashMap<Name, Span> = HashMap::new();
        for &datum in data.elements(bindings) {
            let list = data.list(datum).unwrap_or_default();
            let (&[target, value] | &[target, value, _]) = list else {
                self.form_error(data.span(datum), "a variable of `do` has a first and a next value", usage);
                return self.hole(span);
            };
            let Some(name) = self.name(target) else {
                self.form_error(data.span(target), "the name of a variable is a symbol", usage);
                return self.hole(span);
            };
            let name_span = data.span(target);
            if let Some(first) = known.insert(name, name_span) {
                self.bound_twice(name_span, first, "do");
                return self.hole(span);
            }
            self.bound.insert(self.text(target));
            params.push((name, name_span));
            values.push(value);
            steps.push(list.get(2).map_or(Work::Name(name, name_span), |&next| Work::Expand(next)));
        }
        let name_span = data.span(head);
        let name = self.ast.make_name("do");
        let context = Context { recur: self.context.recur.outside(), ..self.binds(&params) };
        let again = Work::Call { name, name_span, count: params.len(), span };
        let header = Header { name, span: name_span, params };
        self.work.push(Work::Loop { form: LoopForm::Do, header, span });
        self.work.extend([Work::Context(self.context), Work::If(span), again]);
        self.work.extend(steps.into_iter().rev());
        self.work.extend([Work::Expand(result), Work::Expand(test), Work::Context(context)]);
        self.work.extend(values.into_iter().rev().map(Work::Expand));
    }
}
