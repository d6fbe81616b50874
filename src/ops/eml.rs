//! The operator `eml` and its relatives: each combines an exponential of its first operand with a logarithm of its second.

use super::primitives::{Algebra, Arity, PrimitiveInfo, sugar};
use super::{Op, ShapeError};
use crate::graph::Node;

type Value = Result<Node, ShapeError>;
type Definition = fn(&mut dyn Algebra, &[Node]) -> Value;

const fn operator(name: &'static str, doc: &'static str, definition: Definition) -> PrimitiveInfo {
    sugar("eml", name, Arity::exactly(2), "x y", doc, definition)
}

/// The family, in the order of its census, then those outside of it.
pub(super) const FAMILY: &[PrimitiveInfo] = &[
    operator("eml", "exp x − log y", |a, v| join(a, Op::Sub, exp, log, v)),
    operator("emn", "log y − exp x", |a, v| flipped(a, exp, v)),
    operator("deml", "exp(−x) − log y", |a, v| join(a, Op::Sub, decay, log, v)),
    operator("demn", "log y − exp(−x)", |a, v| flipped(a, decay, v)),
    operator("eal", "exp x + log y", |a, v| join(a, Op::Add, exp, log, v)),
    operator("deal", "exp(−x) + log y", |a, v| join(a, Op::Add, decay, log, v)),
    operator("exl", "exp x · log y", |a, v| join(a, Op::Mul, exp, log, v)),
    operator("dexl", "exp(−x) · log y", |a, v| join(a, Op::Mul, decay, log, v)),
    operator("edl", "exp x / log y", |a, v| join(a, Op::Div, exp, log, v)),
    operator("dedl", "exp(−x) / log y", |a, v| join(a, Op::Div, decay, log, v)),
    operator("epl", "exp(x · log y), that is y to the power x", |a, v| {
        let (x, y) = numbers(a, v);
        a.apply(Op::Pow, &[y, x])
    }),
    operator("depl", "exp(−x · log y), that is y to the power −x", |a, v| {
        let (x, y) = numbers(a, v);
        let x = a.apply(Op::Neg, &[x])?;
        a.apply(Op::Pow, &[y, x])
    }),
    operator("lead", "log(exp x + y) without overflow; (lead x 1) is softplus", |a, v| {
        let (x, y) = numbers(a, v);
        log_of_sum(a, x, y)
    }),
    operator("elad", "exp(x + log y), that is y · exp x for every y", |a, v| join(a, Op::Mul, exp, same, v)),
    operator("elsb", "exp(x − log y), that is exp x / y for every y", |a, v| {
        join(a, Op::Div, exp, same, v)
    }),
    operator("lex", "log(exp x − y) without overflow", |a, v| {
        let (x, y) = numbers(a, v);
        let y = a.apply(Op::Neg, &[y])?;
        log_of_sum(a, x, y)
    }),
    operator("lediv", "log(exp x / y), that is x − log y", |a, v| join(a, Op::Sub, same, log, v)),
    operator("leprod", "log(exp x · y), that is x + log y", |a, v| join(a, Op::Add, same, log, v)),
    operator("eem", "exp x · exp y", |a, v| join(a, Op::Mul, exp, exp, v)),
    operator("eed", "exp x / exp y", |a, v| join(a, Op::Div, exp, exp, v)),
    operator("ees", "exp x − exp y", |a, v| join(a, Op::Sub, exp, exp, v)),
    operator("eea", "exp x + exp y", |a, v| join(a, Op::Add, exp, exp, v)),
    operator("lla", "log x + log y", |a, v| join(a, Op::Add, log, log, v)),
    operator("lls", "log x − log y", |a, v| join(a, Op::Sub, log, log, v)),
    operator("lld", "log x / log y", |a, v| join(a, Op::Div, log, log, v)),
];

fn numbers(a: &mut dyn Algebra, operands: &[Node]) -> (Node, Node) {
    (a.as_number(operands[0]), a.as_number(operands[1]))
}

type Part = fn(&mut dyn Algebra, Node) -> Value;

fn same(_: &mut dyn Algebra, x: Node) -> Value {
    Ok(x)
}
fn exp(a: &mut dyn Algebra, x: Node) -> Value {
    a.apply(Op::Exp, &[x])
}
fn decay(a: &mut dyn Algebra, x: Node) -> Value {
    let x = a.apply(Op::Neg, &[x])?;
    a.apply(Op::Exp, &[x])
}
fn log(a: &mut dyn Algebra, y: Node) -> Value {
    a.apply(Op::Log, &[y])
}

/// `left(x)` and `right(y)`, joined by an operation.
fn join(a: &mut dyn Algebra, op: Op, left: Part, right: Part, operands: &[Node]) -> Value {
    let (x, y) = numbers(a, operands);
    let (x, y) = (left(a, x)?, right(a, y)?);
    a.apply(op, &[x, y])
}

/// `log y − left(x)`.
fn flipped(a: &mut dyn Algebra, left: Part, operands: &[Node]) -> Value {
    let (x, y) = numbers(a, operands);
    let (x, y) = (left(a, x)?, log(a, y)?);
    a.apply(Op::Sub, &[y, x])
}

/// `log(exp x + r)`. For positive r it is the larger of x and log r, plus a logarithm of at most 2; otherwise
/// `x + log(1 + r·exp(−x))`. Selections, not maxima: there is no kink where x = log r.
fn log_of_sum(a: &mut dyn Algebra, x: Node, r: Node) -> Value {
    let (zero, one, infinity) = (a.number(0.0), a.number(1.0), a.number(f64::INFINITY));
    let positive = a.apply(Op::Lt, &[zero, r])?;
    // Of 1 where there is nothing to take a logarithm of.
    let safe = a.apply(Op::Select, &[positive, r, one])?;
    let log = a.apply(Op::Log, &[safe])?;
    let order = a.apply(Op::Le, &[log, x])?;
    let high = a.apply(Op::Select, &[order, x, log])?;
    let low = a.apply(Op::Select, &[order, log, x])?;
    let difference = a.apply(Op::Sub, &[low, high])?;
    let minus = a.apply(Op::Neg, &[x])?;
    let exponent = a.apply(Op::Select, &[positive, difference, minus])?;
    let power = a.apply(Op::Exp, &[exponent])?;
    let factor = a.apply(Op::Select, &[positive, one, r])?;
    let product = a.apply(Op::Mul, &[factor, power])?;
    // 0 times what overflows is 0.
    let (none, overflow) = (a.apply(Op::Eq, &[r, zero])?, a.apply(Op::Eq, &[power, infinity])?);
    let nothing = a.apply(Op::And, &[none, overflow])?;
    let term = a.apply(Op::Select, &[nothing, zero, product])?;
    let rest = a.apply(Op::Log1p, &[term])?;
    let base = a.apply(Op::Select, &[positive, high, x])?;
    a.apply(Op::Add, &[base, rest])
}
