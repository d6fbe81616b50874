//! Arithmetic: correctly rounded, element by element.

use nc_runtime::lanes::Lanes;

use super::complex::complex_rule;
use super::conditions::{Condition, Domain, Kink, Singularity};
use super::{Algebra, Bound, Numeric, Op, OpInfo, Single, Syntax, Term, from_above, numeric_rules};

numeric_rules!(1: Neg Abs Sign Detach);
numeric_rules!(2: Add Sub Mul Min Max CopySign);
// A vector of quotients or roots takes as long as some six additions at the least.
numeric_rules!(2, 6: Div);
numeric_rules!(1, 6: Sqrt);

/// `a + b`.
pub struct Add;
impl Numeric<2> for Add {
    const COMMUTES: bool = true;
    const INFO: OpInfo = OpInfo {
        name: "add",
        syntax: Syntax::Fold { names: &["+"], empty: Some(0.0), one: Single::Identity },
        doc: "sum, from the left",
        bound: Bound::Ulp(0.5),
        derivative: "1, 1",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    complex_rule!(add);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.add(a, b)
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 2], _: A::V, _: usize, t: A::V) -> Term<A::V> {
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
        singular: None,
    };
    complex_rule!(sub);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.sub(a, b)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        Term::always(if wrt == 0 { t } else { g.neg(t) })
    }
}

/// `a × b`.
pub struct Mul;
impl Numeric<2> for Mul {
    const COMMUTES: bool = true;
    const INFO: OpInfo = OpInfo {
        name: "mul",
        syntax: Syntax::Fold { names: &["*"], empty: Some(1.0), one: Single::Identity },
        doc: "product, from the left",
        bound: Bound::Ulp(0.5),
        derivative: "b, a",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    complex_rule!(mul);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.mul(a, b)
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
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
        singular: None,
    };
    complex_rule!(div);
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        l.div(a, b)
    }
    fn scale<A: Algebra>(g: &mut A, [_, b]: [A::V; 2], y: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        // The reciprocal of a divisor below the normal numbers is too large: it is of a multiple of the divisor, and so is the rest
        // of the product before it is multiplied in turn. Both are exact; elsewhere the factor is 1.
        let (size, least, one) = (g.abs(b), g.number(2f64.powi(-100)), g.number(1.0));
        let (small, up) = (g.lt(size, least), g.number(2f64.powi(100)));
        let scale = g.select(small, up, one);
        let divisor = g.mul(b, scale);
        let by_a = g.div(t, divisor);
        if wrt == 0 {
            return Term::always(g.mul(by_a, scale));
        }
        let product = g.mul(by_a, y);
        let product = g.mul(product, scale);
        Term::always(g.neg(product))
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
        singular: None,
    };
    complex_rule!(neg);
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        l.neg(a)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        Term::always(g.neg(t))
    }
}

/// `a`, held constant in derivatives.
pub struct Detach;
impl Numeric<1> for Detach {
    const INFO: OpInfo = OpInfo {
        name: "detach",
        syntax: Syntax::Call(&["detach", "stop-gradient"]),
        doc: "x itself, a constant for every derivative",
        bound: Bound::Exact,
        derivative: "0",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    complex_rule!(detach);
    fn lanes<L: Lanes>(_: &L, [a]: [L::F; 1]) -> L::F {
        a
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
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
        singular: None,
    };
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        l.abs(a)
    }
    fn scale<A: Algebra>(g: &mut A, [a]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let zero = g.number(0.0);
        let negative = g.lt(a, zero);
        let minus_t = g.neg(t);
        let value = g.select(negative, minus_t, t);
        Term::guarded(g.ne(a, zero), value)
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
        domain: Some(Domain::new("{0} ≥ 0", Condition::Below(0, 0.0))),
        kink: None,
        singular: Some(Singularity::ZERO),
    };
    complex_rule!(sqrt);
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        l.sqrt(a)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let half = g.number(0.5);
        let halved = g.mul(t, half);
        let y = from_above(g, y);
        Term::always(g.div(halved, y))
    }
}

/// The smaller of two numbers.
pub struct Min;
impl Numeric<2> for Min {
    const COMMUTES: bool = true;
    const INFO: OpInfo = OpInfo {
        name: "min",
        syntax: Syntax::Fold { names: &["min"], empty: None, one: Single::Identity },
        doc: "smallest operand (IEEE 754-2019 minimum: NaN wins, −0 < +0)",
        bound: Bound::Exact,
        derivative: "1 for the smaller operand, 0 for the other",
        kinks: "1/2 for each operand of a tie",
        domain: None,
        kink: Some(Kink::TIE),
        singular: None,
    };
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        // Or-ing the bits of equal operands turns ±0 into −0, and keeps a NaN one.
        let tie = l.float(l.ior(l.bits(a), l.bits(b)));
        l.select(l.lt(a, b), a, l.select(l.lt(b, a), b, tie))
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let loses = g.lt(args[1 - wrt], args[wrt]);
        selected_operand(g, args, loses, t)
    }
}

/// The larger of two numbers.
pub struct Max;
impl Numeric<2> for Max {
    const COMMUTES: bool = true;
    const INFO: OpInfo = OpInfo {
        name: "max",
        syntax: Syntax::Fold { names: &["max"], empty: None, one: Single::Identity },
        doc: "largest operand (IEEE 754-2019 maximum: NaN wins, −0 < +0)",
        bound: Bound::Exact,
        derivative: "1 for the larger operand, 0 for the other",
        kinks: "1/2 for each operand of a tie",
        domain: None,
        kink: Some(Kink::TIE),
        singular: None,
    };
    fn lanes<L: Lanes>(l: &L, [a, b]: [L::F; 2]) -> L::F {
        let tie = l.neg(l.float(l.ior(l.bits(l.neg(a)), l.bits(l.neg(b)))));
        l.select(l.lt(b, a), a, l.select(l.lt(a, b), b, tie))
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let loses = g.lt(args[wrt], args[1 - wrt]);
        selected_operand(g, args, loses, t)
    }
}

/// `t` for the operand that `min` or `max` returns, half of it at a tie, nothing where the operand loses.
fn selected_operand<A: Algebra>(g: &mut A, [a, b]: [A::V; 2], loses: A::V, t: A::V) -> Term<A::V> {
    let half = g.number(0.5);
    let halved = g.mul(t, half);
    let tie = g.eq(a, b);
    let value = g.select(tie, halved, t);
    Term::guarded(g.not(loses), value)
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
        singular: None,
    };
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [a]: [L::F; 1]) -> L::F {
        let zero = l.f(0.0);
        l.select(l.lt(zero, a), l.f(1.0), l.select(l.lt(a, zero), l.f(-1.0), a))
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// The magnitude of a number with the sign of another.
pub struct CopySign;
impl Numeric<2> for CopySign {
    const INFO: OpInfo = OpInfo {
        name: "copysign",
        syntax: Syntax::Call(&["copysign"]),
        doc: "x with the sign of y, that of a zero included; NaN has none and counts as positive",
        bound: Bound::Exact,
        derivative: "sign x times the sign of y, 0",
        kinks: "0 at x = 0",
        domain: None,
        kink: Some(Kink::ZERO),
        singular: None,
    };
    const JUMPS: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        // All NaNs are one value, whatever sign the machine gives them.
        let y = l.select(l.eq(y, y), y, l.f(0.0));
        let sign = l.iand(l.bits(y), l.bits(l.f(-0.0)));
        l.float(l.ior(l.bits(l.abs(x)), sign))
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 1 {
            return Term::Zero;
        }
        let (zero, one) = (g.number(0.0), g.number(1.0));
        let sign = g.binary(Op::CopySign, one, y);
        let t = g.mul(t, sign);
        let negative = g.lt(x, zero);
        let minus_t = g.neg(t);
        let value = g.select(negative, minus_t, t);
        Term::guarded(g.ne(x, zero), value)
    }
}
