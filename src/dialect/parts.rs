//! What writers look for in a syntax tree: forms of which readers make plainer ones.

use crate::ast::{Ast, Binding, Definition, Expr, ExprKind, Function, Name};
use crate::entity::EntityVec;
use crate::number::Literal;

/// Which choices are made of `and` and `or`, and of how many operands.
pub struct Junctions {
    and: EntityVec<Expr, u32>,
    or: EntityVec<Expr, u32>,
}

impl Junctions {
    /// Those of a program. Takes time in proportion to its size.
    pub fn of(ast: &Ast) -> Junctions {
        let mut found = Junctions { and: EntityVec::new(), or: EntityVec::new() };
        let is = |expr: Expr, value: f64| match ast.kind(expr) {
            ExprKind::Number(literal) => literal.same(Literal::from(value)),
            _ => false,
        };
        // What follows an operand: 1 more if that is such a form too, 1 if it is the end, 0 if it is neither.
        let more = |rest: u32| if rest > 0 { rest.saturating_add(1) } else { 0 };
        for expr in ast.exprs() {
            let (and, or) = match *ast.kind(expr) {
                ExprKind::If(_, then, other) => {
                    let end = is(then, 1.0) && is(other, 0.0);
                    let and = if end {
                        1
                    } else if is(other, 0.0) {
                        more(found.and[then])
                    } else {
                        0
                    };
                    let or = if end {
                        1
                    } else if is(then, 1.0) {
                        more(found.or[other])
                    } else {
                        0
                    };
                    (and, or)
                }
                _ => (0, 0),
            };
            found.and.push(and);
            found.or.push(or);
        }
        found
    }

    /// Whether an expression is an `and` (true) or an `or` (false) of two operands at least.
    pub fn is(&self, expr: Expr) -> Option<bool> {
        match (self.and[expr] > 1, self.or[expr] > 1) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// Whether an expression is an `and` (true) or an `or` (false), and its operands, two at least.
    pub fn operands(&self, ast: &Ast, expr: Expr) -> Option<(bool, Vec<Expr>)> {
        let and = self.is(expr)?;
        let count = if and { self.and[expr] } else { self.or[expr] };
        let mut operands = Vec::new();
        let mut rest = expr;
        for _ in 0..count {
            if let ExprKind::If(test, then, other) = *ast.kind(rest) {
                operands.push(test);
                rest = if and { then } else { other };
            }
        }
        Some((and, operands))
    }
}

/// A choice with those in its last arms: conditions with their values, and the value where none holds. There is none for
/// what is no choice. From the second one on, a condition that `stop` is true of ends them.
pub fn alternatives(
    ast: &Ast,
    junctions: &Junctions,
    expr: Expr,
    stop: impl Fn(Expr) -> bool,
) -> (Vec<(Expr, Expr)>, Expr) {
    let mut clauses = Vec::new();
    let mut last = expr;
    while let ExprKind::If(test, then, other) = *ast.kind(last)
        && (clauses.is_empty() || junctions.is(last).is_none() && !stop(test))
    {
        clauses.push((test, then));
        last = other;
    }
    (clauses, last)
}

/// A binding of either kind.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    /// Of a value.
    Value(&'a Binding),
    /// Of a function.
    Function(&'a Function),
}

impl<'a> From<&'a Definition> for Named<'a> {
    fn from(definition: &'a Definition) -> Named<'a> {
        match definition {
            Definition::Value(binding) => Named::Value(binding),
            Definition::Function(function) => Named::Function(function),
        }
    }
}

/// Bindings in the order in which they stand in the text, which is that of the inputs in them.
pub fn in_order<'a>(values: &'a [Binding], functions: &'a [Function]) -> Vec<Named<'a>> {
    let mut all: Vec<Named<'a>> = values.iter().map(Named::Value).collect();
    all.extend(functions.iter().map(Named::Function));
    all.sort_by_key(|named| match named {
        Named::Value(binding) => binding.span.start,
        Named::Function(function) => function.span.start,
    });
    all
}

/// The parts of the body of a loop that repeats itself.
pub struct Repeated<'a> {
    /// When it ends.
    pub test: Expr,
    /// Its value then.
    pub result: Expr,
    steps: &'a [Expr],
}

impl Repeated<'_> {
    /// The next value of the variable at this position; nothing if it keeps its value.
    pub fn next(&self, ast: &Ast, position: usize, param: Name) -> Option<Expr> {
        let next = self.steps.get(position).copied()?;
        match ast.kind(next) {
            ExprKind::Name(name) if *name == param => None,
            _ => Some(next),
        }
    }
}

/// The parts of the body of such a loop; nothing for another function.
pub fn repeated<'a>(ast: &'a Ast, function: &Function) -> Option<Repeated<'a>> {
    let &ExprKind::If(test, result, again) = ast.kind(function.body) else { return None };
    match ast.kind(again) {
        ExprKind::Call(name, _, steps) if *name == function.name => Some(Repeated { test, result, steps }),
        _ => None,
    }
}

/// The bindings and the body of a `let` whose body stands between names and values: a function that is called where it
/// stands. Inputs are in the order of the text.
pub fn called_at_once(ast: &Ast, expr: Expr) -> Option<(&[Binding], Expr)> {
    match ast.kind(expr) {
        ExprKind::Let(bound, body) if bound.1.is_empty() => {
            let bindings = &bound.0;
            let first = bindings.iter().map(|binding| ast.span(binding.value).start).min()?;
            let last = bindings.iter().map(|binding| binding.span.start).max()?;
            // The body of a `let*` with its further bindings has the place of the whole form, before all of them.
            let between = (last..first).contains(&ast.span(*body).start);
            between.then_some((bindings.as_slice(), *body))
        }
        _ => None,
    }
}
