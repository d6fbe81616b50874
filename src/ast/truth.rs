//! Truth values as numbers: where the comparisons of a condition stand, told by differences.

use super::{Ast, Body, Expr, ExprKind, Name, STACK};
use crate::source::Span;

impl Ast {
    /// The program with differences in place of comparisons, the least of them for a conjunction and the greatest for a disjunction, so that its value
    /// goes through zero where the truth value changes. Nothing if its value is no truth value.
    ///
    /// # Errors
    ///
    /// The place of what asks for equality, or is no side of a boundary for another reason.
    pub(crate) fn boundary(&self) -> Result<Option<Ast>, Span> {
        let Body::Value(value) = self.body else { return Ok(None) };
        if !self.is_truth(value) {
            return self.truth_in_number(value).map_or(Ok(None), Err);
        }
        let mut ast = self.clone();
        ast.body = Body::Value(ast.difference(value)?);
        Ok(Some(ast))
    }

    /// What a comparison or a negation is called.
    fn logic(&self, name: Name) -> Option<&str> {
        self.primitive(name).filter(|word| matches!(*word, "<" | "<=" | ">" | ">=" | "=" | "==" | "not"))
    }

    fn is_number(&self, expr: Expr, number: f64) -> bool {
        matches!(self.kind(expr), ExprKind::Number(literal) if literal.f64 == number)
    }

    fn is_truth(&self, mut expr: Expr) -> bool {
        loop {
            expr = match self.kind(expr) {
                ExprKind::Call(name, ..) => return self.logic(*name).is_some(),
                ExprKind::Let(_, body) | ExprKind::Letrec(_, body) => *body,
                ExprKind::If(condition, then, other)
                    if self.is_number(*then, 1.0) && self.is_number(*other, 0.0) =>
                {
                    *condition
                }
                // A conjunction has 0 where it ends early, and a disjunction 1.
                ExprKind::If(_, then, other) if self.is_number(*other, 0.0) => *then,
                ExprKind::If(_, then, other) if self.is_number(*then, 1.0) => *other,
                ExprKind::If(_, then, other) if self.is_truth(*then) => *other,
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::If(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => return false,
            }
        }
    }

    /// The place of a truth value that counts as a number.
    fn truth_in_number(&self, expr: Expr) -> Option<Span> {
        let mut left = vec![expr];
        while let Some(expr) = left.pop() {
            match self.kind(expr) {
                ExprKind::Call(name, ..) if self.logic(*name).is_some() => return Some(self.span(expr)),
                ExprKind::If(_, then, other) => left.extend([*then, *other]),
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Call(..)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::Let(..)
                | ExprKind::Letrec(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => self.parts(expr, &mut left),
            }
        }
        None
    }

    /// What is positive where an expression is true; the place of what has no sides.
    fn difference(&mut self, expr: Expr) -> Result<Expr, Span> {
        stacker::maybe_grow(STACK.0, STACK.1, || self.difference_of(expr))
    }

    fn difference_of(&mut self, expr: Expr) -> Result<Expr, Span> {
        let span = self.span(expr);
        match self.kind(expr).clone() {
            ExprKind::Call(name, _, args) => {
                let word = self.logic(name).ok_or(span)?.to_owned();
                let pairs: Vec<[Expr; 2]> = match (word.as_str(), &*args) {
                    ("not", &[of]) => {
                        let of = self.difference(of)?;
                        return Ok(self.call("-", [of].into(), span));
                    }
                    ("<" | "<=", [_, _, ..]) => args.windows(2).map(|pair| [pair[1], pair[0]]).collect(),
                    (">" | ">=", [_, _, ..]) => args.windows(2).map(|pair| [pair[0], pair[1]]).collect(),
                    _ => return Err(span),
                };
                let pairs: Box<[Expr]> =
                    pairs.into_iter().map(|pair| self.call("-", pair.into(), span)).collect();
                Ok(match *pairs {
                    [one] => one,
                    _ => self.call("min", pairs, span),
                })
            }
            ExprKind::If(condition, then, other) => {
                let (word, rest) = match () {
                    () if self.is_number(then, 1.0) && self.is_number(other, 0.0) => {
                        return self.difference(condition);
                    }
                    () if self.is_number(other, 0.0) => ("min", then),
                    () if self.is_number(then, 1.0) => ("max", other),
                    // Either where it holds and the one does, or where it does not and the other does.
                    () => {
                        let condition = self.difference(condition)?;
                        let opposite = self.call("-", [condition].into(), span);
                        let then = [condition, self.difference(then)?];
                        let other = [opposite, self.difference(other)?];
                        let both =
                            [self.call("min", then.into(), span), self.call("min", other.into(), span)];
                        return Ok(self.call("max", both.into(), span));
                    }
                };
                let both = [self.difference(condition)?, self.difference(rest)?];
                Ok(self.call(word, both.into(), span))
            }
            ExprKind::Let(bound, body) => {
                let body = self.difference(body)?;
                Ok(self.push(ExprKind::Let(bound, body), span))
            }
            ExprKind::Letrec(definitions, body) => {
                let body = self.difference(body)?;
                Ok(self.push(ExprKind::Letrec(definitions, body), span))
            }
            ExprKind::Number(_)
            | ExprKind::Name(_)
            | ExprKind::Apply(..)
            | ExprKind::Lambda(_)
            | ExprKind::Loop(..)
            | ExprKind::Recur(..) => Err(span),
        }
    }

    fn call(&mut self, word: &str, args: Box<[Expr]>, span: Span) -> Expr {
        let name = self.find_name(word).unwrap_or_else(|| self.add_name(word));
        self.push(ExprKind::Call(name, span, args), span)
    }
}
