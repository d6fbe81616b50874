//! Results with names: `values` behind bindings, and of functions.
//!
//! What a program ends in has no expression around it, so that bindings before its results are definitions like those at the top.
//! Their names are new ones, which nothing else means.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Context, Datum, Defined, Expander, Header, Work};
use crate::ast::{Binding, Definition, Expr, ExprKind, Function, FunctionHead, Name};
use crate::dialect::scheme::reader::{Data, DatumKind};
use crate::dialect::short;
use crate::source::{Diagnostic, Span};

/// What an expression ends in.
enum Tail<'a> {
    /// Results with names.
    Results,
    /// A call of this name.
    Call(&'a str),
    /// Something else.
    Other,
}

/// What names meant before bindings gave them another meaning.
type Hidden<'a> = Vec<(Cow<'a, str>, Option<Name>)>;

impl<'a> Expander<'a> {
    /// The functions at the top, by their names.
    pub(super) fn top_functions(&self) -> HashMap<&'a str, Datum> {
        let data: &'a Data = self.data;
        let mut functions = HashMap::new();
        for &datum in &data.top {
            if self.head(datum) == Some("define")
                && let Some(&[name, ..]) = data.elements(datum).get(1).and_then(|&target| data.list(target))
                && data.kind(name) == DatumKind::Symbol
            {
                functions.insert(self.text(name), datum);
            }
        }
        functions
    }

    /// What an expression, or the body of a definition, ends in.
    fn tail(&self, datum: Datum) -> Tail<'a> {
        let data: &'a Data = self.data;
        let mut at = datum;
        loop {
            let Some(&[head, ref parts @ ..]) = data.list(at) else { return Tail::Other };
            if data.kind(head) != DatumKind::Symbol {
                return Tail::Other;
            }
            let is_list = |datum: Option<&Datum>| datum.is_some_and(|&datum| data.list(datum).is_some());
            at = match (self.text(head), parts.last()) {
                ("values", _) => return Tail::Results,
                ("define" | "let*" | "letrec" | "letrec*" | "begin", Some(&last)) => last,
                // The body of a loop is none of the program.
                ("let", Some(&last)) if is_list(parts.first()) => last,
                (name, _) => return Tail::Call(name),
            };
        }
    }

    /// The functions at the top with several results.
    pub(super) fn functions_with_results(&self) -> HashSet<&'a str> {
        let mut known: HashMap<&str, bool> = HashMap::new();
        for &name in self.functions.keys() {
            let mut path = Vec::new();
            let mut at = name;
            let has_results = loop {
                if let Some(&known) = known.get(at) {
                    break known;
                }
                let Some(&datum) = self.functions.get(at) else { break false };
                // What comes back to itself has none.
                known.insert(at, false);
                path.push(at);
                match self.tail(datum) {
                    Tail::Results => break true,
                    Tail::Call(name) => at = name,
                    Tail::Other => break false,
                }
            };
            known.extend(path.into_iter().map(|name| (name, has_results)));
        }
        let with_results = self.functions.keys().filter(|name| known.get(*name) == Some(&true));
        with_results.copied().collect()
    }

    /// Whether an expression ends in results with names.
    pub(super) fn ends_in_results(&self, datum: Datum) -> bool {
        match self.tail(datum) {
            Tail::Results => true,
            Tail::Call(name) => self.several.contains(name),
            Tail::Other => false,
        }
    }

    /// Whether a definition is that of a function with several results, which only the end of the program can call.
    pub(super) fn has_results(&self, datum: Datum) -> bool {
        let target = self.data.elements(datum).get(1).and_then(|&target| self.data.list(target));
        let name = target.and_then(|list| list.first().copied());
        name.is_some_and(|name| {
            self.data.kind(name) == DatumKind::Symbol && self.several.contains(self.text(name))
        })
    }

    /// The parameters and the body of such a function.
    fn results_of(&mut self, datum: Datum) -> Option<(Header, &'a [Datum])> {
        let data: &'a Data = self.data;
        let &[_, target, ref body @ ..] = data.elements(datum) else { return None };
        let &[name, ref params @ ..] = data.list(target)? else { return None };
        if !self.is_body(body) {
            let usage = "`(define (name param …) body)`";
            self.form_error(data.span(datum), "`define` with more than one body", usage);
            return None;
        }
        let params = self.params(params)?;
        Some((Header { name: self.name(name)?, span: data.span(name), params }, body))
    }

    /// The program ends in the definition of a function with several results.
    pub(super) fn ends_in_function(&mut self, datum: Datum) {
        let Some((header, body)) = self.results_of(datum) else { return };
        let mut hidden = Hidden::new();
        let params =
            header.params.iter().map(|&(name, span)| (self.fresh(name, &mut hidden), span)).collect();
        self.context = self.binds(&header.params);
        self.ast.ends_in = Some(FunctionHead { name: header.name, span: header.span, params });
        let Some(last) = self.definitions_of(body, &mut hidden) else { return };
        self.results(last, hidden);
    }

    /// The results of the program, which an expression ends in.
    pub(super) fn ends_in(&mut self, datum: Datum) {
        self.results(datum, Hidden::new());
    }

    fn results(&mut self, datum: Datum, mut hidden: Hidden<'a>) {
        let data: &'a Data = self.data;
        let top = Context { recur: super::Recur::Nowhere, hidden: self.top_hidden };
        let mut at = datum;
        loop {
            let span = data.span(at);
            let Some(&[head, ref parts @ ..]) = data.list(at) else { return };
            let next = match (self.text(head), parts) {
                ("values", _) => return self.named_results(at),
                ("begin", &[body]) => Some(body),
                (form @ ("let" | "let*" | "letrec" | "letrec*"), &[bindings, ref body @ ..])
                    if data.list(bindings).is_some() && self.is_body(body) =>
                {
                    let bound = match form {
                        "let" => self.parallel_definitions(data.elements(bindings), &mut hidden),
                        "let*" => self.sequential_definitions(data.elements(bindings), &mut hidden),
                        _ => self.recursive_definitions(data.elements(bindings), &mut hidden),
                    };
                    bound.and_then(|()| self.definitions_of(body, &mut hidden))
                }
                (form @ ("begin" | "let" | "let*" | "letrec" | "letrec*"), _) => {
                    self.form_error(span, format!("this is no `{form}`"), &format!("`({form} … body)`"));
                    None
                }
                (name, args) => {
                    match self.functions.get(name).copied() {
                        Some(_) if hidden.iter().any(|(text, _)| *text == name) => {
                            self.used.insert(name);
                            self.error(
                            Diagnostic::error("form", span, format!("the program ends in a call of `{}`, which is bound here", short(name)))
                                .help("give what is bound another name than the function that has several results"),
                        );
                            None
                        }
                        Some(function) => {
                            self.used.insert(name);
                            let values: Vec<Expr> = args.iter().map(|&arg| self.expression(arg)).collect();
                            for (text, before) in std::mem::take(&mut hidden).into_iter().rev() {
                                match before {
                                    Some(name) => self.interned.insert(text, name),
                                    None => self.interned.remove(&*text),
                                };
                            }
                            self.context = top;
                            self.call_at_the_end(function, &values, span, &mut hidden)
                        }
                        None => None,
                    }
                }
            };
            let Some(next) = next else { return };
            at = next;
        }
    }

    /// Binds the parameters of a function with several results, and gives the last expression of its body.
    fn call_at_the_end(
        &mut self,
        function: Datum,
        values: &[Expr],
        span: Span,
        hidden: &mut Hidden<'a>,
    ) -> Option<Datum> {
        let (header, body) = self.results_of(function)?;
        if header.params.len() != values.len() {
            let name = short(header.span.text(self.source));
            let count = header.params.len();
            let operands = if count == 1 { "operand" } else { "operands" };
            let message = format!("`{name}` takes {count} {operands}, not {}", values.len());
            self.error(Diagnostic::error("arity", span, message).related(header.span, "defined here"));
            return None;
        }
        self.context = self.binds(&header.params);
        for (&(name, at), &value) in header.params.iter().zip(values) {
            let name = self.fresh(name, hidden);
            self.define_value(name, at, value);
        }
        self.definitions_of(body, hidden)
    }

    /// A new name with the text of this one, which from here on stands in its place.
    fn fresh(&mut self, name: Name, hidden: &mut Hidden<'a>) -> Name {
        let text = self.ast.name(name).to_string();
        let fresh = self.ast.add_name(&text);
        if let Some((key, _)) = self.interned.get_key_value(text.as_str()) {
            let key = key.clone();
            hidden.push((key.clone(), self.interned.insert(key, fresh)));
        }
        fresh
    }

    /// A number that is bound here is no constant of the program, which callers could change: it is an expression.
    fn define_value(&mut self, name: Name, span: Span, value: Expr) {
        let value = match self.ast.kind(value) {
            ExprKind::Number(_) => {
                let at = self.ast.span(value);
                self.ast.push(ExprKind::Let(Box::default(), value), at)
            }
            ExprKind::Name(_)
            | ExprKind::Call(..)
            | ExprKind::Apply(..)
            | ExprKind::Lambda(_)
            | ExprKind::If(..)
            | ExprKind::Let(..)
            | ExprKind::Letrec(..)
            | ExprKind::Loop(..)
            | ExprKind::Recur(..) => value,
        };
        self.ast.definitions.push(Definition::Value(Binding { name, span, value }));
    }

    /// A value or a function, with its part expanded.
    fn finish_definition(&mut self, defined: Defined, part: Work<'a>) -> Finished {
        match defined {
            Defined::Value(name, span) => Finished::Value(name, span, self.evaluate(part)),
            Defined::Function(header) => {
                self.enter_function(&header.params, part);
                let body = self.finish(header.span);
                Finished::Function(header, body)
            }
        }
    }

    fn define_as(&mut self, fresh: Name, finished: Finished) {
        match finished {
            Finished::Value(_, span, value) => self.define_value(fresh, span, value),
            Finished::Function(Header { span, params, .. }, body) => {
                let function = Function { name: fresh, span, params, body };
                self.ast.definitions.push(Definition::Function(function));
            }
        }
    }

    /// What a binding of a `let` defines.
    fn bound(&mut self, datum: Datum) -> Option<(Defined, Work<'a>)> {
        let (name, span, value) = self.binding(datum)?;
        if self.head(value) == Some("lambda") {
            let (header, body) = self.lambda_header(value, name, span)?;
            return Some((Defined::Function(header), body));
        }
        Some((Defined::Value(name, span), Work::Expand(value)))
    }

    fn parallel_definitions(&mut self, bindings: &'a [Datum], hidden: &mut Hidden<'a>) -> Option<()> {
        let mut finished = Vec::with_capacity(bindings.len());
        let mut known: HashMap<Name, Span> = HashMap::new();
        for &datum in bindings {
            let (defined, part) = self.bound(datum)?;
            let (name, span) = defined.named();
            if let Some(first) = known.insert(name, span) {
                self.bound_twice(span, first, "let");
                return None;
            }
            finished.push(self.finish_definition(defined, part));
        }
        let names: Vec<(Name, Span)> = finished.iter().map(Finished::named).collect();
        self.context = self.binds(&names);
        for one in finished {
            let fresh = self.fresh(one.named().0, hidden);
            self.define_as(fresh, one);
        }
        Some(())
    }

    fn sequential_definitions(&mut self, bindings: &'a [Datum], hidden: &mut Hidden<'a>) -> Option<()> {
        bindings.chunks(1).try_for_each(|one| self.parallel_definitions(one, hidden))
    }

    fn recursive_definitions(&mut self, bindings: &'a [Datum], hidden: &mut Hidden<'a>) -> Option<()> {
        let mut parts = Vec::with_capacity(bindings.len());
        for &datum in bindings {
            parts.push(self.bound(datum)?);
        }
        self.know_each_other(parts, "letrec", hidden)
    }

    /// The definitions at the head of a body; gives the expression behind them.
    fn definitions_of(&mut self, body: &'a [Datum], hidden: &mut Hidden<'a>) -> Option<Datum> {
        let (&last, before) = body.split_last()?;
        let mut parts = Vec::with_capacity(before.len());
        for &datum in before {
            parts.push(self.definition(datum)?);
        }
        self.know_each_other(parts, "define", hidden)?;
        Some(last)
    }

    fn know_each_other(
        &mut self,
        parts: Vec<(Defined, Work<'a>)>,
        form: &str,
        hidden: &mut Hidden<'a>,
    ) -> Option<()> {
        let mut known: HashMap<Name, Span> = HashMap::new();
        let names: Vec<(Name, Span)> = parts.iter().map(|(defined, _)| defined.named()).collect();
        for &(name, span) in &names {
            if let Some(first) = known.insert(name, span) {
                self.bound_twice(span, first, form);
                return None;
            }
        }
        self.context = self.binds(&names);
        let fresh: Vec<Name> = names.iter().map(|&(name, _)| self.fresh(name, hidden)).collect();
        for ((defined, part), fresh) in parts.into_iter().zip(fresh) {
            let finished = self.finish_definition(defined, part);
            self.define_as(fresh, finished);
        }
        Some(())
    }

    /// Refuses functions with several results that the program does not end in.
    pub(super) fn refuse_unused(&mut self, before: &[Datum]) {
        for &datum in before {
            if self.head(datum) == Some("define")
                && self.has_results(datum)
                && let Some(name) = self.defined(datum)
                && !self.used.contains(self.text(name))
            {
                let message = format!(
                    "`{}` has several results, and the program does not end in a call of it",
                    short(self.text(name))
                );
                self.error(
                    Diagnostic::error("form", self.data.span(name), message)
                        .help("a function that other expressions use has one: a vector, `[a b]`"),
                );
            }
        }
    }
}

/// A definition with its value or body.
enum Finished {
    Value(Name, Span, Expr),
    Function(Header, Expr),
}

impl Finished {
    fn named(&self) -> (Name, Span) {
        match self {
            Finished::Value(name, span, _) => (*name, *span),
            Finished::Function(header, _) => header.named(),
        }
    }
}

impl Defined {
    fn named(&self) -> (Name, Span) {
        match self {
            Defined::Value(name, span) => (*name, *span),
            Defined::Function(header) => header.named(),
        }
    }
}
