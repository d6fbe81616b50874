//! Arithmetic: correctly rounded, element by element.

use nc_runtime::lanes::Lanes;

use super::complex;
use super::conditions::{Domain, Kink, below};
use super::{Bound, ComplexRule, Numeric, Op, OpInfo, Single, Syntax, Term, numeric_rules};
use crate::graph::{Graph, Node};

numeric_rules!(1: Neg Abs Sqrt Sign);
numeric_rules!(2: Add Sub Mul Div Min Max);

/// `a + b`.
pub struct Add;
impl Numeric<2> for Add {
    const INFO: OpInfo = OpInfo {
        name: "add",
        syntax: Syntax::Fold { names: &["+"], empty: Some(0.0), one: Single::Identity },
        doc: "sum, from the left",
        bound: Bound::Ulp(0.5),
        derivative: "1, 1",
        kinks: "",
        domain: None,
        kink: None,
    };
    const COMPLEX: Option<ComplexRule> = Some(complex::add);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.add(a, b)
    }
    fn scale(_: &mut Graph, _: [Node; 2], _: Node, _: usize, t: Node) -> Term {
        Term::always(t)
    }
}

/// `a − b`.
pub struct Sub;
impl Numeric<2> for Sub {
    const INFO: OpInfo = OpInfo {
        name: "sub",
        syntax: Syntax::Fold { names: &["-"], empty: None, one: Single::Negate },
        doc: "difference, from the left; with one operand its opposite",
        bound: Bound::Ulp(0.5),
        derivative: "1, −1",
        kinks: "",
        domain: None,
        kink: None,
    };
    const COMPLEX: Option<ComplexRule> = Some(complex::sub);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.sub(a, b)
    }
    fn scale(g: &mut Graph, _: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        Term::always(if wrt == 0 { t } else { g.unary(Op::Neg, t) })
    }
}

/// `a × b`.
pub struct Mul;
impl Numeric<2> for Mul {
    const INFO: OpInfo = OpInfo {
        name: "mul",
        syntax: Syntax::Fold { names: &["*"], empty: Some(1.0), one: Single::Identity },
        doc: "product, from the left",
        bound: Bound::Ulp(0.5),
        derivative: "b, a",
        kinks: "",
        domain: None,
        kink: None,
    };
    const COMPLEX: Option<ComplexRule> = Some(complex::mul);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.mul(a, b)
    }
    fn scale(g: &mut Graph, args: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        Term::always(g.mul(t, args[1 - wrt]))
    }
}

/// `a ÷ b`.
pub struct Div;
impl Numeric<2> for Div {
    const INFO: OpInfo = OpInfo {
        name: "div",
        syntax: Syntax::Fold { names: &["/"], empty: None, one: Single::Reciprocal },
        doc: "quotient, from the left; with one operand its reciprocal",
        bound: Bound::Ulp(0.5),
        derivative: "1/b, −y/b",
        kinks: "",
        domain: Some(Domain::DIVISOR),
        kink: None,
    };
    const COMPLEX: Option<ComplexRule> = Some(complex::div);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.div(a, b)
    }
    fn scale(g: &mut Graph, [_, b]: [Node; 2], y: Node, wrt: usize, t: Node) -> Term {
        let by_a = g.div(t, b);
        if wrt == 0 {
            return Term::always(by_a);
        }
        let product = g.mul(by_a, y);
        Term::always(g.unary(Op::Neg, product))
    }
}

/// `−a`.
pub struct Neg;
impl Numeric<1> for Neg {
    const INFO: OpInfo = OpInfo {
        name: "neg",
        syntax: Syntax::Internal,
        doc: "the sign bit flipped",
        bound: Bound::Exact,
        derivative: "−1",
        kinks: "",
        domain: None,
        kink: None,
    };
    const COMPLEX: Option<ComplexRule> = Some(complex::neg);
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        l.neg(a)
    }
    fn scale(g: &mut Graph, _: [Node; 1], _: Node, _: usize, t: Node) -> Term {
        Term::always(g.unary(Op::Neg, t))
    }
}

/// `|a|`.
pub struct Abs;
impl Numeric<1> for Abs {
    const INFO: OpInfo = OpInfo {
        name: "abs",
        syntax: Syntax::Call(&["abs"]),
        doc: "absolute value",
        bound: Bound::Exact,
        derivative: "sign x",
        kinks: "0 at x = 0",
        domain: None,
        kink: Some(Kink::ZERO),
    };
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        l.abs(a)
    }
    fn scale(g: &mut Graph, [a]: [Node; 1], _: Node, _: usize, t: Node) -> Term {
        let zero = g.number(0.0);
        let negative = g.binary(Op::Lt, a, zero);
        let minus_t = g.unary(Op::Neg, t);
        let value = g.select(negative, minus_t, t);
        Term::guarded(g.binary(Op::Ne, a, zero), value)
    }
}

/// `√a`.
pub struct Sqrt;
impl Numeric<1> for Sqrt {
    const INFO: OpInfo = OpInfo {
        name: "sqrt",
        syntax: Syntax::Call(&["sqrt"]),
        doc: "square root; NaN below 0",
        bound: Bound::Ulp(0.5),
        derivative: "1/(2y)",
        kinks: "",
        domain: Some(Domain::new("{0} ≥ 0", |a, x, _| below(a, x[0], 0.0))),
        kink: None,
    };
    const COMPLEX: Option<ComplexRule> = Some(complex::sqrt);
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        l.sqrt(a)
    }
    fn scale(g: &mut Graph, _: [Node; 1], y: Node, _: usize, t: Node) -> Term {
        let half = g.number(0.5);
        let halved = g.mul(t, half);
        Term::always(g.div(halved, y))
    }
}

/// The smaller of two numbers.
pub struct Min;
impl Numeric<2> for Min {
    const INFO: OpInfo = OpInfo {
        name: "min",
        syntax: Syntax::Fold { names: &["min"], empty: None, one: Single::Identity },
        doc: "smallest operand (IEEE 754-2019 minimum: NaN wins, −0 < +0)",
        bound: Bound::Exact,
        derivative: "1 for the smaller operand, 0 for the other",
        kinks: "1/2 for each operand of a tie",
        domain: None,
        kink: Some(Kink::TIE),
    };
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        // Or-ing the bits of equal operands turns ±0 into −0, and keeps a NaN one.
        let tie = l.float(l.ior(l.bits(a), l.bits(b)));
        l.select(l.lt(a, b), a, l.select(l.lt(b, a), b, tie))
    }
    fn scale(g: &mut Graph, args: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        let loses = g.binary(Op::Lt, args[1 - wrt], args[wrt]);
        selected_operand(g, args, loses, t)
    }
}

/// The larger of two numbers.
pub struct Max;
impl Numeric<2> for Max {
    const INFO: OpInfo = OpInfo {
        name: "max",
        syntax: Syntax::Fold { names: &["max"], empty: None, one: Single::Identity },
        doc: "largest operand (IEEE 754-2019 maximum: NaN wins, −0 < +0)",
        bound: Bound::Exact,
        derivative: "1 for the larger operand, 0 for the other",
        kinks: "1/2 for each operand of a tie",
        domain: None,
        kink: Some(Kink::TIE),
    };
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        let tie = l.neg(l.float(l.ior(l.bits(l.neg(a)), l.bits(l.neg(b)))));
        l.select(l.lt(b, a), a, l.select(l.lt(a, b), b, tie))
    }
    fn scale(g: &mut Graph, args: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        let loses = g.binary(Op::Lt, args[wrt], args[1 - wrt]);
        selected_operand(g, args, loses, t)
    }
}

/// `t` for the operand that `min` or `max` returns, half of it at a tie, nothing where the operand loses.
fn selected_operand(g: &mut Graph, [a, b]: [Node; 2], loses: Node, t: Node) -> Term {
    let half = g.number(0.5);
    let halved = g.mul(t, half);
    let tie = g.binary(Op::Eq, a, b);
    let value = g.select(tie, halved, t);
    Term::guarded(g.unary(Op::Not, loses), value)
}

/// −1, 0 or 1.
pub struct Sign;
impl Numeric<1> for Sign {
    const INFO: OpInfo = OpInfo {
        name: "sign",
        syntax: Syntax::Call(&["sign"]),
        doc: "1, −1, or the operand itself if it is ±0 or NaN",
        bound: Bound::Exact,
        derivative: "0",
        kinks: "0 at x = 0",
        domain: None,
        kink: Some(Kink::ZERO),
    };
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        let zero = l.f(0.0);
        l.select(l.lt(zero, a), l.f(1.0), l.select(l.lt(a, zero), l.f(-1.0), a))
    }
    fn scale(_: &mut Graph, _: [Node; 1], _: Node, _: usize, _: Node) -> Term {
        Term::Zero
    }
}
