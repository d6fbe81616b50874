//! Operators between operands, and the numbers that signs and operators are a part of.

use super::{Broken, Operand, Reader, Step, Written};
use crate::ast::{Expr, ExprKind};
use crate::dialect::infix::POWER;
use crate::dialect::infix::token::Operator;
use crate::number::Literal;
use crate::source::{Diagnostic, Span};

/// What waits for an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pending {
    Or,
    And,
    Not,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Keep,
    Power,
}

impl Pending {
    pub(super) fn of(operator: Operator) -> Pending {
        match operator {
            Operator::Plus => Pending::Add,
            Operator::Minus => Pending::Subtract,
            Operator::Times => Pending::Multiply,
            Operator::Over => Pending::Divide,
            Operator::Power => Pending::Power,
            Operator::Less => Pending::Less,
            Operator::LessEqual => Pending::LessEqual,
            Operator::Greater => Pending::Greater,
            Operator::GreaterEqual => Pending::GreaterEqual,
            Operator::Equal => Pending::Equal,
            Operator::NotEqual => Pending::NotEqual,
        }
    }

    /// Higher ones take their operands first.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Pending::Or => 1,
            Pending::And => 2,
            Pending::Not => 3,
            Pending::Less
            | Pending::LessEqual
            | Pending::Greater
            | Pending::GreaterEqual
            | Pending::Equal
            | Pending::NotEqual => 4,
            Pending::Add | Pending::Subtract => 5,
            Pending::Multiply | Pending::Divide => 6,
            Pending::Negate | Pending::Keep => 7,
            Pending::Power => 8,
        }
    }

    pub(super) fn is_comparison(self) -> bool {
        self.precedence() == 4
    }

    /// Whether `a ∘ b ∘ c` is one operation of three operands.
    pub(super) fn is_flat(self) -> bool {
        !matches!(self, Pending::NotEqual | Pending::Power | Pending::Not | Pending::Negate | Pending::Keep)
    }

    /// The function that is called; none for what is no call of one.
    pub(super) fn function(self) -> &'static str {
        match self {
            Pending::Less => "<",
            Pending::LessEqual => "<=",
            Pending::Greater => ">",
            Pending::GreaterEqual => ">=",
            Pending::Equal | Pending::NotEqual => "=",
            Pending::Add | Pending::Keep => "+",
            Pending::Subtract | Pending::Negate => "-",
            Pending::Multiply => "*",
            Pending::Divide => "/",
            Pending::Power => POWER,
            Pending::Not => "not",
            Pending::And => "and",
            Pending::Or => "or",
        }
    }
}

/// An operator that waits, and how many operands it has so far.
pub(super) struct Waiting {
    pub(super) operator: Pending,
    pub(super) span: Span,
    pub(super) operands: usize,
}

impl Reader<'_> {
    pub(super) fn literal(&mut self, literal: Written, span: Span) {
        match literal {
            Written::Number(value) | Written::Signed(value) => {
                let expr = self.number(value, span);
                self.operands.push(Operand { expr, span, literal });
            }
            Written::Imaginary(value) => {
                self.complex(Literal::ZERO, value, span, literal);
            }
            Written::Otherwise => {}
        }
    }

    pub(super) fn complex(&mut self, re: Literal, im: Literal, span: Span, literal: Written) {
        let name = self.hygienic(" make-rectangular");
        let parts = vec![self.number(re, span), self.number(im, span)];
        let expr = self.ast.push(ExprKind::Call(name, span, parts.into()), span);
        self.operands.push(Operand { expr, span, literal });
    }

    pub(super) fn prefix(&mut self, operator: Pending, span: Span) -> Result<Step, Broken> {
        let first = self.frames.last().map_or(0, |frame| frame.pending);
        if let Some(outer) = self.pending[first..].last()
            && outer.operator.precedence() > operator.precedence()
            && operator == Pending::Not
        {
            let what = self.text(outer.span);
            return Err(Diagnostic::error(
                "operand",
                span,
                format!("`not` binds less than the `{what}` in front"),
            )
            .help("put it in parentheses: `(not a)`")
            .into());
        }
        self.wait(Waiting { operator, span, operands: 0 })?;
        Ok(Step::Operand)
    }

    pub(super) fn wait(&mut self, waiting: Waiting) -> Result<(), Broken> {
        if self.pending.len() >= self.limits.nesting {
            return Err(self.too_deep(waiting.span));
        }
        self.pending.push(waiting);
        Ok(())
    }

    pub(super) fn operator(&mut self, operator: Pending, span: Span) -> Result<(), Broken> {
        let first = self.frames.last().map_or(0, |frame| frame.pending);
        while let Some(top) = self.pending[first..].last() {
            if top.operator == operator && operator.is_flat() {
                let top = self.pending.last_mut().expect("the operator that was looked at");
                top.operands += 1;
                return Ok(());
            }
            let (waits, comes) = (top.operator.precedence(), operator.precedence());
            if waits < comes || waits == comes && operator == Pending::Power {
                break;
            }
            if top.operator.is_comparison() && operator.is_comparison() {
                let (before, here) = (top.span, self.text(span));
                let message = format!("`{}` and `{here}` do not form a chain", self.text(before));
                self.error(
                    Diagnostic::error("operand", span, message)
                        .related(before, "the comparison in front")
                        .help("write `a < b and b <= c`; only comparisons by one operator form a chain"),
                );
            }
            self.reduce();
        }
        self.wait(Waiting { operator, span, operands: 1 })
    }

    /// Makes an expression of the operator that waits last, and its operands.
    pub(super) fn reduce(&mut self) {
        let Some(Waiting { operator, span: at, operands }) = self.pending.pop() else { return };
        let first = self.operands.len() - operands - 1;
        let last = self.operands[self.operands.len() - 1];
        let span = if operands == 0 { at.join(last.span) } else { self.operands[first].span.join(last.span) };
        // Signs and parts of numbers.
        let negative = |literal: Literal| Literal { f64: -literal.f64, f32: -literal.f32 };
        let folded = match (operator, self.operands[first].literal, last.literal) {
            (Pending::Negate, Written::Number(value), _) => Some((None, negative(value))),
            (Pending::Keep, Written::Number(value), _) => Some((None, value)),
            (Pending::Negate, Written::Imaginary(value), _) => Some((Some(Literal::ZERO), negative(value))),
            (Pending::Keep, Written::Imaginary(value), _) => Some((Some(Literal::ZERO), value)),
            (Pending::Add, Written::Number(re) | Written::Signed(re), Written::Imaginary(im))
                if operands == 1 =>
            {
                Some((Some(re), im))
            }
            (Pending::Subtract, Written::Number(re) | Written::Signed(re), Written::Imaginary(im))
                if operands == 1 =>
            {
                Some((Some(re), negative(im)))
            }
            _ => None,
        };
        let args: Vec<Expr> = self.operands.drain(first..).map(|operand| operand.expr).collect();
        match (folded, operator) {
            (Some((None, value)), _) => self.literal(Written::Signed(value), span),
            (Some((Some(re), im)), _) => self.complex(re, im, span, Written::Otherwise),
            (None, Pending::And | Pending::Or) => {
                let and = operator == Pending::And;
                let mut rest = self.number(Literal::from(if and { 1.0 } else { 0.0 }), span);
                for &arg in args.iter().rev() {
                    let stop = self.number(Literal::from(if and { 0.0 } else { 1.0 }), span);
                    let (then, other) = if and { (rest, stop) } else { (stop, rest) };
                    rest = self.ast.push(ExprKind::If(arg, then, other), span);
                }
                self.operands.push(Operand { expr: rest, span, literal: Written::Otherwise });
            }
            (None, Pending::NotEqual) => {
                let (equal, not) = (self.intern("="), self.intern("not"));
                let equal = self.ast.push(ExprKind::Call(equal, at, args.into()), span);
                self.push(ExprKind::Call(not, at, [equal].into()), span);
            }
            (None, _) => {
                let name = self.intern(operator.function());
                self.push(ExprKind::Call(name, at, args.into()), span);
            }
        }
    }

    /// Makes one operand of what stands in the innermost frame behind its last separator.
    pub(super) fn settle(&mut self) {
        let first = self.frames.last().map_or(0, |frame| frame.pending);
        while self.pending.len() > first {
            self.reduce();
        }
    }
}
