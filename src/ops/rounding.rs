//! Rounding to integers and division with remainder, element by element.

use nc_runtime::lanes::Lanes;
use nc_runtime::recipes::fmod;

use super::conditions::Domain;
use super::{Algebra, Bound, Numeric, Op, OpInfo, Syntax, Term, numeric_rules};

numeric_rules!(1: Floor Ceil Round Trunc);
numeric_rules!(2: Remainder Modulo Quotient);

const fn step(name: &'static str, names: &'static [&'static str], doc: &'static str) -> OpInfo {
    OpInfo {
        name,
        syntax: Syntax::Call(names),
        doc,
        bound: Bound::Exact,
        derivative: "0",
        kinks: "0 at the steps",
        domain: None,
        kink: None,
        singular: None,
    }
}

/// `⌊x⌋`.
pub struct Floor;
impl Numeric<1> for Floor {
    const INFO: OpInfo = step("floor", &["floor"], "largest integer not above x");
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        l.floor(x)
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// `⌈x⌉`.
pub struct Ceil;
impl Numeric<1> for Ceil {
    const INFO: OpInfo = step("ceil", &["ceiling"], "smallest integer not below x");
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        l.ceil(x)
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// The nearest integer.
pub struct Round;
impl Numeric<1> for Round {
    const INFO: OpInfo = step("round", &["round"], "nearest integer, ties to even");
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        l.round_even(x)
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// The integer part.
pub struct Trunc;
impl Numeric<1> for Trunc {
    const INFO: OpInfo = step("trunc", &["truncate"], "integer part of x");
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        l.trunc(x)
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// C's `fmod`.
pub struct Remainder;
impl Numeric<2> for Remainder {
    const INFO: OpInfo = OpInfo {
        name: "remainder",
        syntax: Syntax::Call(&["remainder", "truncate-remainder"]),
        doc: "x − y·trunc(x/y), exactly (C's fmod); has the sign of x",
        bound: Bound::Exact,
        derivative: "1, −quotient(x, y)",
        kinks: "1, −quotient at the jumps",
        domain: Some(Domain::DIVISOR),
        kink: None,
        singular: None,
    };
    const FAST_RANGE: bool = true;
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        fmod::fmod(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 0 {
            return Term::always(t);
        }
        let quotient = g.binary(Op::Quotient, x, y);
        let product = g.mul(t, quotient);
        Term::always(g.neg(product))
    }
}

/// The remainder with the sign of the divisor.
pub struct Modulo;
impl Numeric<2> for Modulo {
    const INFO: OpInfo = OpInfo {
        name: "modulo",
        syntax: Syntax::Call(&["modulo", "floor-remainder"]),
        doc: "remainder, plus y where their signs differ; has the sign of y",
        bound: Bound::Ulp(0.5),
        derivative: "1, −floor(x/y)",
        kinks: "1, −floor(x/y) at the jumps",
        domain: Some(Domain::DIVISOR),
        kink: None,
        singular: None,
    };
    const FAST_RANGE: bool = true;
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        fmod::modulo(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], m: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 0 {
            return Term::always(t);
        }
        // floor(x/y) is the quotient, less 1 where modulo added the divisor to the remainder.
        let one = g.number(1.0);
        let quotient = g.binary(Op::Quotient, x, y);
        let lower = g.sub(quotient, one);
        let remainder = g.binary(Op::Remainder, x, y);
        let added = g.ne(m, remainder);
        let floor = g.select(added, lower, quotient);
        let product = g.mul(t, floor);
        Term::always(g.neg(product))
    }
}

/// The integer quotient.
pub struct Quotient;
impl Numeric<2> for Quotient {
    const INFO: OpInfo = OpInfo {
        bound: Bound::Ulp(0.5),
        domain: Some(Domain::DIVISOR),
        ..step("quotient", &["quotient", "truncate-quotient"], "trunc(x/y), in agreement with remainder")
    };
    const FAST_RANGE: bool = true;
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        fmod::quotient(l, x, y)
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 2], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}
