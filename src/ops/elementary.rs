//! Elementary functions, element by element. Their recipes stand in [`nc_runtime::recipes`].

use nc_runtime::lanes::Lanes;
use nc_runtime::recipes::full_range::Number;
use nc_runtime::recipes::{cbrt, erf, exp, full_range, hyperbolic, hypot, inverse, log, pow, trig};

use super::complex::complex_rule;
use super::conditions::{Condition, Domain, Kink};
use super::{Algebra, Bound, Numeric, Op, OpInfo, RECIPE, Syntax, Term, numeric_rules};

numeric_rules!(1, RECIPE: Exp Exp2 Expm1 Log Log2 Log10 Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Cbrt Erf);
numeric_rules!(2, RECIPE: Pow Atan2 Hypot);

const fn function(
    name: &'static str,
    names: &'static [&'static str],
    doc: &'static str,
    derivative: &'static str,
) -> OpInfo {
    OpInfo {
        name,
        syntax: Syntax::Call(names),
        doc,
        bound: Bound::Ulp(1.0),
        derivative,
        kinks: "",
        domain: None,
        kink: None,
    }
}

/// `x^y`.
pub struct Pow;
impl Numeric<2> for Pow {
    const INFO: OpInfo = OpInfo {
        kinks: "0 by x at y = 0; 0 by y where x^y = 0",
        domain: Some(Domain {
            text: "{0} > 0, or {0} = 0 ≤ {1}, or {0} < 0 with {1} an integer",
            known: power_domain,
            outside: Condition::NoPower,
        }),
        ..function("pow", &["pow", "expt"], "x to the power y", "y·x^(y−1), x^y·ln x")
    };
    complex_rule!(pow);
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        match l.constant(y) {
            Some(y) => pow::pow_const(l, x, y),
            None => pow::pow(l, x, y),
        }
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], p: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let zero = g.number(0.0);
        if wrt == 0 {
            let one = g.number(1.0);
            let less = g.sub(y, one);
            let power = g.binary(Op::Pow, x, less);
            let slope = g.mul(y, power);
            let value = g.mul(t, slope);
            Term::guarded(g.ne(y, zero), value)
        } else {
            let log = g.unary(Op::Log, x);
            let slope = g.mul(p, log);
            let value = g.mul(t, slope);
            Term::guarded(g.ne(p, zero), value)
        }
    }
}

/// What the domain of a power comes to if the base or the exponent is known.
fn power_domain(operands: &[Option<f64>]) -> Option<&'static str> {
    match *operands {
        [_, Some(y)] if y.floor() == y => Some("{0} ≠ 0"),
        [_, Some(y)] if y < 0.0 => Some("{0} > 0"),
        [_, Some(y)] if y > 0.0 => Some("{0} ≥ 0"),
        [Some(0.0), _] => Some("{1} ≥ 0"),
        [Some(x), _] if x < 0.0 => Some("{1} is an integer"),
        _ => None,
    }
}

/// `e^x`.
pub struct Exp;
impl Numeric<1> for Exp {
    const INFO: OpInfo = function("exp", &["exp"], "exponential", "y");
    complex_rule!(exp);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        exp::exp(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        Term::always(g.mul(t, y))
    }
}

/// `2^x`.
pub struct Exp2;
impl Numeric<1> for Exp2 {
    const INFO: OpInfo = function("exp2", &["exp2"], "2 to the power x", "y·ln 2");
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        exp::exp2(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let ln2 = g.number(std::f64::consts::LN_2);
        let slope = g.mul(y, ln2);
        Term::always(g.mul(t, slope))
    }
}

/// `e^x − 1`.
pub struct Expm1;
impl Numeric<1> for Expm1 {
    const INFO: OpInfo = function("expm1", &["expm1"], "exp x − 1, accurate near 0", "exp x");
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        exp::expm1(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::Exp, x);
        Term::always(g.mul(t, slope))
    }
}

/// `ln x`.
pub struct Log;
impl Numeric<1> for Log {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::LOGARITHM),
        ..function("log", &["log"], "natural logarithm; −∞ at 0, NaN below", "1/x")
    };
    complex_rule!(log);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        log::log(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        Term::always(g.div(t, x))
    }
}

/// `log₂ x`.
pub struct Log2;
impl Numeric<1> for Log2 {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::LOGARITHM),
        ..function("log2", &["log2"], "logarithm to base 2", "1/(x·ln 2)")
    };
    complex_rule!(log2);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        log::log2(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        scaled_reciprocal(g, x, std::f64::consts::LOG2_E, t)
    }
}

/// `log₁₀ x`.
pub struct Log10;
impl Numeric<1> for Log10 {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::LOGARITHM),
        ..function("log10", &["log10"], "logarithm to base 10", "1/(x·ln 10)")
    };
    complex_rule!(log10);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        log::log10(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        scaled_reciprocal(g, x, std::f64::consts::LOG10_E, t)
    }
}

/// `ln(1 + x)`.
pub struct Log1p;
impl Numeric<1> for Log1p {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("{0} > −1", Condition::AtMost(0, -1.0))),
        ..function("log1p", &["log1p"], "log (1 + x), accurate near 0", "1/(1 + x)")
    };
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        log::log1p(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let shifted = g.add(x, one);
        Term::always(g.div(t, shifted))
    }
}

/// `sin x`.
pub struct Sin;
impl Numeric<1> for Sin {
    const INFO: OpInfo = function("sin", &["sin"], "sine of radians", "cos x");
    complex_rule!(sin);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        trig::sin(l, x)
    }
    fn full_range<N: Number>([x]: [N; 1]) -> N {
        full_range::sin(x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::Cos, x);
        Term::always(g.mul(t, slope))
    }
}

/// `cos x`.
pub struct Cos;
impl Numeric<1> for Cos {
    const INFO: OpInfo = function("cos", &["cos"], "cosine of radians", "−sin x");
    complex_rule!(cos);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        trig::cos(l, x)
    }
    fn full_range<N: Number>([x]: [N; 1]) -> N {
        full_range::cos(x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::Sin, x);
        let product = g.mul(t, slope);
        Term::always(g.neg(product))
    }
}

/// `tan x`.
pub struct Tan;
impl Numeric<1> for Tan {
    const INFO: OpInfo = function("tan", &["tan"], "tangent of radians", "1 + y²");
    complex_rule!(tan);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        trig::tan(l, x)
    }
    fn full_range<N: Number>([x]: [N; 1]) -> N {
        full_range::tan(x)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let square = g.mul(y, y);
        let slope = g.add(square, one);
        Term::always(g.mul(t, slope))
    }
}

/// `arcsin x`.
pub struct Asin;
impl Numeric<1> for Asin {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::UNIT),
        ..function("asin", &["asin"], "inverse sine; NaN outside [−1, 1]", "1/√((1 − x)(1 + x))")
    };
    complex_rule!(asin);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        inverse::asin(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let root = one_minus_square_root(g, x);
        Term::always(g.div(t, root))
    }
}

/// `arccos x`.
pub struct Acos;
impl Numeric<1> for Acos {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::UNIT),
        ..function("acos", &["acos"], "inverse cosine; NaN outside [−1, 1]", "−1/√((1 − x)(1 + x))")
    };
    complex_rule!(acos);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        inverse::acos(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let root = one_minus_square_root(g, x);
        let quotient = g.div(t, root);
        Term::always(g.neg(quotient))
    }
}

/// `arctan x`.
pub struct Atan;
impl Numeric<1> for Atan {
    const INFO: OpInfo =
        OpInfo { syntax: Syntax::Internal, ..function("atan", &[], "inverse tangent", "1/(1 + x²)") };
    complex_rule!(atan);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        inverse::atan(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let square = g.mul(x, x);
        let sum = g.add(square, one);
        Term::always(g.div(t, sum))
    }
}

/// The angle of the point `(x, y)`.
pub struct Atan2;
impl Numeric<2> for Atan2 {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Internal,
        ..function("atan2", &[], "angle of the point (x, y)", "x/(x² + y²), −y/(x² + y²)")
    };
    fn lanes<L: Lanes>(l: &L, [y, x]: [L::F; 2]) -> L::F {
        inverse::atan2(l, y, x)
    }
    fn scale<A: Algebra>(g: &mut A, [y, x]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        // Two divisions by the radius instead of one by its square: no overflow for large coordinates.
        let radius = g.binary(Op::Hypot, y, x);
        let scaled = g.div(t, radius);
        let direction = g.div(if wrt == 0 { x } else { y }, radius);
        let product = g.mul(scaled, direction);
        Term::always(if wrt == 0 { product } else { g.neg(product) })
    }
}

/// `sinh x`.
pub struct Sinh;
impl Numeric<1> for Sinh {
    const INFO: OpInfo = function("sinh", &["sinh"], "hyperbolic sine", "cosh x");
    complex_rule!(sinh);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        hyperbolic::sinh(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::Cosh, x);
        Term::always(g.mul(t, slope))
    }
}

/// `cosh x`.
pub struct Cosh;
impl Numeric<1> for Cosh {
    const INFO: OpInfo = function("cosh", &["cosh"], "hyperbolic cosine", "sinh x");
    complex_rule!(cosh);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        hyperbolic::cosh(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::Sinh, x);
        Term::always(g.mul(t, slope))
    }
}

/// `tanh x`.
pub struct Tanh;
impl Numeric<1> for Tanh {
    const INFO: OpInfo = function("tanh", &["tanh"], "hyperbolic tangent", "1/cosh² x");
    complex_rule!(tanh);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        hyperbolic::tanh(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        // 1 − y² would cancel where |y| is near 1.
        let cosh = g.unary(Op::Cosh, x);
        let once = g.div(t, cosh);
        Term::always(g.div(once, cosh))
    }
}

/// `arsinh x`.
pub struct Asinh;
impl Numeric<1> for Asinh {
    const INFO: OpInfo = function("asinh", &["asinh"], "inverse hyperbolic sine", "1/√(1 + x²)");
    complex_rule!(asinh);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        hyperbolic::asinh(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let root = g.binary(Op::Hypot, one, x);
        Term::always(g.div(t, root))
    }
}

/// `∛x`.
pub struct Cbrt;
impl Numeric<1> for Cbrt {
    const INFO: OpInfo = function("cbrt", &["cbrt"], "cube root", "1/(3y²)");
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        cbrt::cbrt(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, _: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let three = g.number(3.0);
        let square = g.mul(y, y);
        let slope = g.mul(three, square);
        Term::always(g.div(t, slope))
    }
}

/// `√(x² + y²)`.
pub struct Hypot;
impl Numeric<2> for Hypot {
    const INFO: OpInfo = OpInfo {
        kinks: "0 at the origin",
        kink: Some(Kink { text: "{0} = {1} = 0", here: Condition::ZeroResult }),
        ..function("hypot", &["hypot"], "√(x² + y²) without spurious overflow", "x/h, y/h")
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        hypot::hypot(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 2], h: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let zero = g.number(0.0);
        let direction = g.div(args[wrt], h);
        let value = g.mul(t, direction);
        Term::guarded(g.ne(h, zero), value)
    }
}

/// The error function.
pub struct Erf;
impl Numeric<1> for Erf {
    const INFO: OpInfo = function("erf", &["erf"], "error function, 2/√π ∫₀ˣ exp(−t²) dt", "2/√π · exp(−x²)");
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        erf::erf(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let square = g.mul(x, x);
        let minus_square = g.neg(square);
        let density = g.unary(Op::Exp, minus_square);
        let factor = g.number(std::f64::consts::FRAC_2_SQRT_PI);
        let slope = g.mul(density, factor);
        Term::always(g.mul(t, slope))
    }
}

/// `t·c/x`.
fn scaled_reciprocal<A: Algebra>(g: &mut A, x: A::V, c: f64, t: A::V) -> Term<A::V> {
    let c = g.number(c);
    let scaled = g.mul(t, c);
    Term::always(g.div(scaled, x))
}

/// `√((1 − x)(1 + x))`: 1 − x² would cancel near |x| = 1.
fn one_minus_square_root<A: Algebra>(g: &mut A, x: A::V) -> A::V {
    let one = g.number(1.0);
    let below = g.sub(one, x);
    let above = g.add(x, one);
    let product = g.mul(below, above);
    g.unary(Op::Sqrt, product)
}
