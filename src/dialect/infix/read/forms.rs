//! Forms, definitions and what they bind.

use std::collections::HashMap;

use super::{Bound, Broken, DoPart, Frame, Operand, Part, Reader, Recur, Step};
use crate::ast::{Binding, Body, Definition, Expr, ExprKind, Function, LoopForm, Name};
use crate::dialect::infix::token::{Bracket, Kind, Token};
use crate::dialect::networks::inside;
use crate::dialect::short;
use crate::source::{Diagnostic, Span};

impl<'a> Reader<'a> {
    /// `name =` or `name(parameter, …) =`, if that is what comes.
    pub(super) fn header(&mut self) -> Result<Option<Bound>, Broken> {
        let mut ahead = self.tokens;
        let mut next = || ahead.next(|_| {});
        let Token { kind: Kind::Name(text), span } = next() else { return Ok(None) };
        let defines = match next().kind {
            Kind::Equals => true,
            Kind::Open(Bracket::Round) => {
                let mut token = next();
                loop {
                    token = match token.kind {
                        Kind::Name(_) | Kind::Comma => next(),
                        _ => break,
                    };
                }
                token.kind == Kind::Close(Bracket::Round) && next().kind == Kind::Equals
            }
            _ => false,
        };
        if !defines {
            return Ok(None);
        }
        let name = self.intern(text);
        self.next();
        let mut params = None;
        if self.next().kind != Kind::Equals {
            params = Some(self.params()?);
            self.next();
        }
        Ok(Some(Bound { name, span, params }))
    }

    /// `parameter, …)`, behind the bracket that opens.
    pub(super) fn params(&mut self) -> Result<Vec<(Name, Span)>, Broken> {
        let mut params = Vec::new();
        let mut token = self.next();
        while token.kind != Kind::Close(Bracket::Round) {
            let Kind::Name(text) = token.kind else {
                return Err(Diagnostic::error("form", token.span, "a parameter is a name").into());
            };
            params.push((self.intern(text), token.span));
            token = self.next();
            match token.kind {
                Kind::Comma => token = self.next(),
                Kind::Close(Bracket::Round) => {}
                _ => {
                    let message = format!("`{}` where `,` or `)` is expected", self.text(token.span));
                    return Err(Diagnostic::error("operand", token.span, message).into());
                }
            }
        }
        self.distinct(params.iter().copied(), "is the name of two parameters", None);
        Ok(params)
    }

    /// Reports names that are bound twice.
    pub(super) fn distinct(
        &mut self,
        names: impl Iterator<Item = (Name, Span)>,
        wrong: &str,
        help: Option<&'static str>,
    ) {
        let mut known: HashMap<Name, Span> = HashMap::new();
        for (name, span) in names {
            if let Some(first) = known.insert(name, span) {
                let message = format!("`{}` {wrong}", short(self.ast.name(name)));
                let error = Diagnostic::error("duplicate", span, message).related(first, "the first");
                self.error(Diagnostic { help: help.map(str::to_string), ..error });
            }
        }
    }

    /// The context of what is bound in the innermost frame.
    pub(super) fn enter(&mut self, bound: &Bound) {
        if bound.params.is_some() {
            self.recur = self.recur.outside();
        }
    }

    /// Adds a binding to the innermost frame; its value or body follows.
    pub(super) fn bind(&mut self, next: Bound) {
        if let Some(frame) = self.frames.last_mut()
            && let Part::Let { bound, .. } | Part::Block { bound, .. } = &mut frame.part
        {
            self.recur = frame.recur;
            if next.params.is_some() {
                self.recur = self.recur.outside();
            }
            bound.push(next);
        }
    }

    pub(super) fn let_binding(&mut self) -> Result<(), Broken> {
        match self.header()? {
            Some(bound) => {
                self.bind(bound);
                Ok(())
            }
            None => Err(self.no_binding("`name = expression` or `name(parameter, …) = expression`")),
        }
    }

    pub(super) fn no_binding(&mut self, usage: &str) -> Broken {
        let Token { kind, span } = self.peek();
        if kind == Kind::Name("network") {
            return inside(span).into();
        }
        let error = Diagnostic::error("form", span, "a binding is a name and a value");
        error.help(format!("it is written {usage}")).into()
    }

    pub(super) fn let_body(&mut self) {
        if let Some(frame) = self.frames.last_mut()
            && let Part::Let { body, .. } = &mut frame.part
        {
            *body = true;
            self.recur = frame.recur;
        }
    }

    /// A definition in a block, or the expression at its end.
    pub(super) fn block_statement(&mut self) -> Result<(), Broken> {
        if let Some(bound) = self.header()? {
            self.bind(bound);
            return Ok(());
        }
        let next = self.peek();
        let frame = self.frames.last_mut().expect("a block is open");
        if next.kind == Kind::Close(Bracket::Curly) {
            return Err(Diagnostic::error("form", next.span, "this block has no value")
                .related(frame.span, "the block")
                .help("end it with an expression")
                .into());
        }
        if let Part::Block { body, .. } = &mut frame.part {
            *body = true;
        }
        self.recur = frame.recur;
        Ok(())
    }

    /// The name of a variable of a loop, and its `=`.
    pub(super) fn variable(&mut self) -> Result<(Name, Span), Broken> {
        let token = self.next();
        let Kind::Name(text) = token.kind else {
            return Err(Diagnostic::error(
                "form",
                token.span,
                "a variable of a loop is a name with its first value",
            )
            .help("it is written `name = first`")
            .into());
        };
        let equals = self.next();
        match equals.kind {
            Kind::Equals => Ok((self.intern(text), token.span)),
            Kind::Open(Bracket::Round) => {
                let message = "a function is no value: it cannot change from one iteration to the next";
                Err(Diagnostic::error("first-order", token.span, message)
                    .help("bind it outside the loop with `let`")
                    .into())
            }
            _ => Err(Diagnostic::error("form", equals.span, "a variable of a loop has a first value")
                .help("it is written `name = first`")
                .into()),
        }
    }

    /// `loop(` or `loop name(`, with the first variable.
    pub(super) fn begin_loop(&mut self, span: Span) -> Result<Step, Broken> {
        let usage = "`loop(name = first, …) body` or `loop name(variable = first, …) body`";
        let (form, name, name_span) = match self.peek() {
            Token { kind: Kind::Name(text), span } => {
                self.next();
                (LoopForm::Named, self.intern(text), span)
            }
            // Each loop has a name of its own, which no other expression can have.
            _ => (LoopForm::Recur, self.ast.make_name("loop"), span),
        };
        self.expect_open(name_span, usage)?;
        self.open(Part::Loop { form, name, name_span, params: Vec::new(), body: false }, span)?;
        if self.peek().kind == Kind::Close(Bracket::Round) {
            self.next();
            self.loop_body();
        } else {
            self.loop_variable()?;
        }
        Ok(Step::Operand)
    }

    pub(super) fn loop_variable(&mut self) -> Result<(), Broken> {
        let variable = self.variable()?;
        if let Some(Frame { part: Part::Loop { params, .. }, .. }) = self.frames.last_mut() {
            params.push(variable);
        }
        Ok(())
    }

    pub(super) fn loop_body(&mut self) {
        if let Some(frame) = self.frames.last_mut()
            && let Part::Loop { form, name, body, .. } = &mut frame.part
        {
            *body = true;
            self.recur = match form {
                LoopForm::Recur => Recur::To(*name),
                LoopForm::Named | LoopForm::Do => frame.recur.outside(),
            };
        }
    }

    pub(super) fn do_variable(&mut self) -> Result<(), Broken> {
        let variable = self.variable()?;
        if let Some(frame) = self.frames.last_mut()
            && let Part::Do { params, operands, at, .. } = &mut frame.part
        {
            params.push(variable);
            operands.push(1);
            *at = DoPart::First;
            self.recur = frame.recur;
        }
        Ok(())
    }

    pub(super) fn do_part(&mut self, part: DoPart) {
        if let Some(frame) = self.frames.last_mut()
            && let Part::Do { at, .. } = &mut frame.part
        {
            *at = part;
            self.recur = frame.recur.outside();
        }
    }

    /// A result and its `=`.
    pub(super) fn named_result(&mut self) -> Result<(), Broken> {
        let (token, equals) = (self.next(), self.next());
        let (Kind::Name(text), Kind::Equals) = (token.kind, equals.kind) else {
            return Err(Diagnostic::error("form", token.span, "a result is a name and its value")
                .help("it is written `values(name = expression, …)`")
                .into());
        };
        let name = self.intern(text);
        if let Some(Frame { part: Part::Values(names), .. }) = self.frames.last_mut() {
            names.push((name, token.span));
        }
        Ok(())
    }

    /// The innermost frame is a form whose last part is complete.
    pub(super) fn finish_form(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.recur = frame.recur;
        let parts: Vec<Operand> = self.operands.drain(frame.operands..).collect();
        let Some((last, first)) = parts.split_last() else { return };
        let span = frame.span.join(last.span);
        let values = || first.iter().map(|operand| operand.expr);
        match frame.part {
            Part::Let { bound, .. } => {
                let help = Some("a `let` in its body binds one after the other");
                self.distinct(bound.iter().map(|b| (b.name, b.span)), "is bound twice in one `let`", help);
                let (mut bindings, mut functions) = (Vec::new(), Vec::new());
                for (bound, value) in bound.into_iter().zip(values()) {
                    match bound.define(value) {
                        Definition::Value(binding) => bindings.push(binding),
                        Definition::Function(function) => functions.push(function),
                    }
                }
                self.push(ExprKind::Let(Box::new((bindings, functions)), last.expr), span);
            }
            Part::Loop { form, name, name_span, params, .. } => {
                self.distinct(params.iter().copied(), "is bound twice in one `loop`", None);
                let function = Function { name, span: name_span, params, body: last.expr };
                self.push(ExprKind::Loop(form, Box::new(function), values().collect()), span);
            }
            Part::Do { name, params, operands, .. } => {
                self.distinct(params.iter().copied(), "is bound twice in one `do`", None);
                let (mut args, mut steps) = (Vec::new(), Vec::new());
                let mut at = 0;
                for (&(param, param_span), &count) in params.iter().zip(&operands) {
                    args.push(first[at].expr);
                    steps.push(match count {
                        1 => self.ast.push(ExprKind::Name(param), param_span),
                        _ => first[at + 1].expr,
                    });
                    at += count;
                }
                let again = self.ast.push(ExprKind::Call(name, frame.span, steps.into()), span);
                let body = self.ast.push(ExprKind::If(first[at].expr, last.expr, again), span);
                let function = Function { name, span: frame.span, params, body };
                self.push(ExprKind::Loop(LoopForm::Do, Box::new(function), args.into()), span);
            }
            Part::Lambda { params, word } => self.lambda(params, word, last.expr, span),
            Part::Parentheses
            | Part::Value
            | Part::Call { .. }
            | Part::Vector
            | Part::If
            | Part::Recur(_)
            | Part::Block { .. }
            | Part::Fun { .. }
            | Part::Apply { .. }
            | Part::Values(_)
            | Part::Definition(_)
            | Part::Result => {}
        }
    }

    pub(super) fn finish_values(&mut self) {
        let Some(Frame { part: Part::Values(names), operands, .. }) = self.frames.pop() else { return };
        self.distinct(names.iter().copied(), "is the name of two results", None);
        let values = self.operands.drain(operands..);
        let results = names.into_iter().zip(values);
        self.ast.body = Body::Named(
            results.map(|((name, span), value)| Binding { name, span, value: value.expr }).collect(),
        );
    }

    pub(super) fn finish_statement(&mut self) {
        let (Some(frame), Some(operand)) = (self.frames.pop(), self.operands.pop()) else { return };
        self.recur = Recur::Nowhere;
        match frame.part {
            Part::Definition(bound) => self.ast.definitions.push(bound.define(operand.expr)),
            _ => self.ast.body = Body::Value(operand.expr),
        }
    }
}

impl Bound {
    /// It with its value, or its body.
    pub(super) fn define(self, part: Expr) -> Definition {
        let Bound { name, span, params } = self;
        match params {
            Some(params) => Definition::Function(Function { name, span, params, body: part }),
            None => Definition::Value(Binding { name, span, value: part }),
        }
    }
}
