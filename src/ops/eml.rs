//! The operator `eml` and its relatives: each combines an exponential of its first operand with a logarithm of its second.

use super::algebra::Built;
use super::primitives::{Arity, Expansion, PrimitiveInfo, sugars};
use super::{Algebra, Op};

sugars! {
    /// The family, in the order of its census, then those outside of it.
    Operator, FAMILY, Expansion::Eml;
    Eml("eml", "eml", Arity::exactly(2), "x y", "exp x − log y") |a, v| join(a, Op::Sub, exp, log, v);
    Emn("eml", "emn", Arity::exactly(2), "x y", "log y − exp x") |a, v| flipped(a, exp, v);
    Deml("eml", "deml", Arity::exactly(2), "x y", "exp(−x) − log y") |a, v| join(a, Op::Sub, decay, log, v);
    Demn("eml", "demn", Arity::exactly(2), "x y", "log y − exp(−x)") |a, v| flipped(a, decay, v);
    Eal("eml", "eal", Arity::exactly(2), "x y", "exp x + log y") |a, v| join(a, Op::Add, exp, log, v);
    Deal("eml", "deal", Arity::exactly(2), "x y", "exp(−x) + log y") |a, v| join(a, Op::Add, decay, log, v);
    Exl("eml", "exl", Arity::exactly(2), "x y", "exp x · log y") |a, v| join(a, Op::Mul, exp, log, v);
    Dexl("eml", "dexl", Arity::exactly(2), "x y", "exp(−x) · log y") |a, v| join(a, Op::Mul, decay, log, v);
    Edl("eml", "edl", Arity::exactly(2), "x y", "exp x / log y") |a, v| join(a, Op::Div, exp, log, v);
    Dedl("eml", "dedl", Arity::exactly(2), "x y", "exp(−x) / log y") |a, v| join(a, Op::Div, decay, log, v);
    Epl("eml", "epl", Arity::exactly(2), "x y", "exp(x · log y), that is y to the power x") |a, v| {
        let (x, y) = numbers(a, v);
        a.apply(Op::Pow, &[y, x])
    };
    Depl("eml", "depl", Arity::exactly(2), "x y", "exp(−x · log y), that is y to the power −x") |a, v| {
        let (x, y) = numbers(a, v);
        let x = a.apply(Op::Neg, &[x])?;
        a.apply(Op::Pow, &[y, x])
    };
    Lead(
        "eml", "lead", Arity::exactly(2), "x y",
        "log(exp x + y) without overflow; (lead x 1) is softplus"
    ) |a, v| {
        let (x, y) = numbers(a, v);
        a.apply(Op::Lead, &[x, y])
    };
    Elad("eml", "elad", Arity::exactly(2), "x y", "exp(x + log y), that is y · exp x for every y") |a, v|
        join(a, Op::Mul, exp, same, v);
    Elsb("eml", "elsb", Arity::exactly(2), "x y", "exp(x − log y), that is exp x / y for every y") |a, v|
        join(a, Op::Div, exp, same, v);
    Lex("eml", "lex", Arity::exactly(2), "x y", "log(exp x − y) without overflow") |a, v| {
        let (x, y) = numbers(a, v);
        let y = a.apply(Op::Neg, &[y])?;
        a.apply(Op::Lead, &[x, y])
    };
    Lediv("eml", "lediv", Arity::exactly(2), "x y", "log(exp x / y), that is x − log y") |a, v|
        join(a, Op::Sub, same, log, v);
    Leprod("eml", "leprod", Arity::exactly(2), "x y", "log(exp x · y), that is x + log y") |a, v|
        join(a, Op::Add, same, log, v);
    Eem("eml", "eem", Arity::exactly(2), "x y", "exp x · exp y") |a, v| join(a, Op::Mul, exp, exp, v);
    Eed("eml", "eed", Arity::exactly(2), "x y", "exp x / exp y") |a, v| join(a, Op::Div, exp, exp, v);
    Ees("eml", "ees", Arity::exactly(2), "x y", "exp x − exp y") |a, v| join(a, Op::Sub, exp, exp, v);
    Eea("eml", "eea", Arity::exactly(2), "x y", "exp x + exp y") |a, v| join(a, Op::Add, exp, exp, v);
    Lla("eml", "lla", Arity::exactly(2), "x y", "log x + log y") |a, v| join(a, Op::Add, log, log, v);
    Lls("eml", "lls", Arity::exactly(2), "x y", "log x − log y") |a, v| join(a, Op::Sub, log, log, v);
    Lld("eml", "lld", Arity::exactly(2), "x y", "log x / log y") |a, v| join(a, Op::Div, log, log, v);
}

fn numbers<A: Algebra>(a: &mut A, operands: &[A::V]) -> (A::V, A::V) {
    (a.as_number(operands[0]), a.as_number(operands[1]))
}

type Part<A> = fn(&mut A, <A as Algebra>::V) -> Built<A>;

fn same<A: Algebra>(_: &mut A, x: A::V) -> Built<A> {
    Ok(x)
}
fn exp<A: Algebra>(a: &mut A, x: A::V) -> Built<A> {
    a.apply(Op::Exp, &[x])
}
fn decay<A: Algebra>(a: &mut A, x: A::V) -> Built<A> {
    let x = a.apply(Op::Neg, &[x])?;
    a.apply(Op::Exp, &[x])
}
fn log<A: Algebra>(a: &mut A, y: A::V) -> Built<A> {
    a.apply(Op::Log, &[y])
}

/// `left(x)` and `right(y)`, joined by an operation.
fn join<A: Algebra>(a: &mut A, op: Op, left: Part<A>, right: Part<A>, operands: &[A::V]) -> Built<A> {
    let (x, y) = numbers(a, operands);
    let (x, y) = (left(a, x)?, right(a, y)?);
    a.apply(op, &[x, y])
}

/// `log y − left(x)`.
fn flipped<A: Algebra>(a: &mut A, left: Part<A>, operands: &[A::V]) -> Built<A> {
    let (x, y) = numbers(a, operands);
    let (x, y) = (left(a, x)?, log(a, y)?);
    a.apply(Op::Sub, &[y, x])
}
