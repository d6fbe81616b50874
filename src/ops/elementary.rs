//! Elementary functions, element by element. Their recipes stand in [`nc_runtime::recipes`].

use nc_runtime::lanes::Lanes;
use nc_runtime::recipes::{cbrt, erf, exp, hyperbolic, hypot, inverse, lead, log, pow, slope, trig};

use super::complex::complex_rule;
use super::conditions::{Condition, Domain, Kink, Singularity};
use super::{Algebra, Bound, Numeric, Op, OpInfo, RECIPE, Syntax, Term, from_above, numeric_rules};

numeric_rules!(1, RECIPE: Exp Exp2 Expm1 Log Log2 Log10 Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Cbrt Erf ErfSlope);
numeric_rules!(2, RECIPE: Pow LogBase Atan2 Hypot Direction OverSquare Lead LeadByX LeadByY);
numeric_rules!(3: HypotSquare);
numeric_rules!(4, RECIPE: PowSlope);

pub(super) const fn function(
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
        singular: None,
    }
}

/// `x^y`.
pub struct Pow;
impl Numeric<2> for Pow {
    const INFO: OpInfo = OpInfo {
        kinks: "0 by x at x = y = 0; 0 by y where x^y = 0 = x",
        domain: Some(Domain {
            text: "{0} > 0, or {0} = 0 ≤ {1}, or {0} < 0 with {1} an integer",
            known: power_domain,
            outside: Condition::NoPower,
        }),
        singular: Some(Singularity::new("{0} = 0, or {0} < 0 where {1} varies", Condition::SteepPower)),
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
            let slope = if g.constant(y).is_some_and(steps_down_exactly) {
                let less = g.sub(y, one);
                let power = g.binary(Op::Pow, x, less);
                g.mul(y, power)
            } else {
                let minus = g.number(-1.0);
                g.rule(Op::PowSlope, &[x, y, minus, y])
            };
            let value = g.mul(t, slope);
            // Where y = 0 the slope is a zero that has a derivative by y, unless x is 0 too.
            let (varies, size) = (g.ne(y, zero), g.abs(x));
            let beside = g.lt(zero, size);
            let edge = g.binary(Op::Or, varies, beside);
            Term::guarded(edge, value)
        } else {
            let log = g.unary(Op::Log, x);
            let slope = g.mul(p, log);
            let value = g.mul(t, slope);
            // Where x^y has vanished the product is a zero, unless the logarithm is infinite.
            let there = g.ne(p, zero);
            let edge = or_finite(g, there, log);
            Term::guarded(edge, value)
        }
    }
}

/// Whether `condition` holds or `factor` is finite, so that its product with 0 is 0.
///
/// A contribution that is guarded is a constant 0 where the guard does not hold, in derivatives of it too. So a guard holds
/// wherever the contribution is a number, one that is 0 included.
pub(super) fn or_finite<A: Algebra>(g: &mut A, condition: A::V, factor: A::V) -> A::V {
    let (size, infinity) = (g.abs(factor), g.number(f64::INFINITY));
    let finite = g.lt(size, infinity);
    g.binary(Op::Or, condition, finite)
}

/// Whether `y·x^(y − 1)` is accurate as it is written: y − 1 is a number, in binary32 too if y is one there, and the power does
/// not overflow where the product does not.
fn steps_down_exactly(y: f64) -> bool {
    let less = y - 1.0;
    let single = |y: f64| f64::from(y as f32) == y;
    less + 1.0 == y && y - less == 1.0 && (single(less) || !single(y)) && (y >= 0.25 || y <= -1.0)
}

/// `f·x^(y + c)` for a constant c: slopes of powers.
pub struct PowSlope;
impl Numeric<4> for PowSlope {
    const INFO: OpInfo = slope(
        "pow-slope",
        "d·x^(y + c), of which the slope of a power is made",
        2.0,
        "d·(y + c)·x^(y + c − 1), those of the power by y and c, x^(y + c)",
    );
    fn lanes<L: Lanes>(l: &L, [x, y, c, f]: [L::F; 4]) -> L::F {
        pow::pow_slope(l, x, y, c, f)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y, c, f]: [A::V; 4], p: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let zero = g.number(0.0);
        match wrt {
            0 => {
                let (exponent, one) = (g.add(y, c), g.number(1.0));
                let (factor, less) = (g.mul(f, exponent), g.sub(c, one));
                let slope = g.rule(Op::PowSlope, &[x, y, less, factor]);
                let value = g.mul(t, slope);
                let (varies, size) = (g.ne(factor, zero), g.abs(x));
                let beside = g.lt(zero, size);
                let edge = g.binary(Op::Or, varies, beside);
                Term::guarded(edge, value)
            }
            3 => {
                let one = g.number(1.0);
                let power = g.rule(Op::PowSlope, &[x, y, c, one]);
                Term::always(g.mul(t, power))
            }
            _ => {
                let log = g.unary(Op::Log, x);
                let slope = g.mul(p, log);
                let value = g.mul(t, slope);
                let there = g.ne(p, zero);
                let edge = or_finite(g, there, log);
                Term::guarded(edge, value)
            }
        }
    }
}

/// An operation that derivatives are made of.
const fn slope(name: &'static str, doc: &'static str, ulp: f64, derivative: &'static str) -> OpInfo {
    OpInfo { syntax: Syntax::Internal, bound: Bound::Ulp(ulp), ..function(name, &[], doc, derivative) }
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
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let (ln2, ln4) = (g.number(std::f64::consts::LN_2), g.number(2.0 * std::f64::consts::LN_2));
        let slope = g.mul(y, ln2);
        // The slope is a little smaller than the value: it is finite where that has just become infinite.
        let (one, infinity) = (g.number(1.0), g.number(f64::INFINITY));
        let less = g.sub(x, one);
        let half = g.unary(Op::Exp2, less);
        let beyond = g.mul(half, ln4);
        let overflows = g.eq(y, infinity);
        let slope = g.select(overflows, beyond, slope);
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
        syntax: Syntax::Part("log"),
        domain: Some(Domain::LOGARITHM),
        ..function("log", &[], "natural logarithm; −∞ at 0, NaN below", "1/x")
    };
    complex_rule!(log);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        log::log(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let x = from_above(g, x);
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

/// `ln x / ln b`.
pub struct LogBase;
impl Numeric<2> for LogBase {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Part("log"),
        domain: Some(Domain {
            text: "{0} > 0 and 0 < {1} ≠ 1",
            known: log_base_domain,
            outside: Condition::NoLogarithmTo,
        }),
        ..function("log-base", &[], "logarithm of x to the base y", "1/(x·ln y), −log(x, y)/(y·ln y)")
    };
    complex_rule!(log_base);
    fn lanes<L: Lanes>(l: &L, [x, b]: [L::F; 2]) -> L::F {
        log::log_base(l, x, b)
    }
    fn scale<A: Algebra>(g: &mut A, [x, b]: [A::V; 2], y: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let log = g.unary(Op::Log, b);
        if wrt == 0 {
            let (scaled, x) = (g.div(t, log), from_above(g, x));
            return Term::always(g.div(scaled, x));
        }
        let (ratio, b) = (g.div(y, log), from_above(g, b));
        let slope = g.div(ratio, b);
        let value = g.mul(t, slope);
        Term::always(g.neg(value))
    }
}

/// What the domain of a logarithm comes to if the number or the base is known.
fn log_base_domain(operands: &[Option<f64>]) -> Option<&'static str> {
    match *operands {
        [_, Some(base)] if base > 0.0 && base != 1.0 => Some("{0} > 0"),
        [Some(x), _] if x > 0.0 => Some("0 < {1} ≠ 1"),
        _ => None,
    }
}

/// `sin x`.
pub struct Sin;
impl Numeric<1> for Sin {
    const INFO: OpInfo = function("sin", &["sin"], "sine of radians", "cos x");
    const FAST_RANGE: bool = true;
    complex_rule!(sin);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        trig::sin(l, x)
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
    const FAST_RANGE: bool = true;
    complex_rule!(cos);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        trig::cos(l, x)
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
    const FAST_RANGE: bool = true;
    complex_rule!(tan);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        trig::tan(l, x)
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
        singular: Some(Singularity::UNIT),
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
        singular: Some(Singularity::UNIT),
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
        OpInfo { syntax: Syntax::Part("atan"), ..function("atan", &[], "inverse tangent", "1/(1 + x²)") };
    complex_rule!(atan);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        inverse::atan(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let slope = g.binary(Op::OverSquare, one, x);
        Term::always(g.mul(t, slope))
    }
}

/// The angle of the point `(x, y)`.
pub struct Atan2;
impl Numeric<2> for Atan2 {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Part("atan"),
        singular: Some(Singularity::ORIGIN),
        ..function("atan2", &[], "angle of the point (x, y)", "x/(x² + y²), −y/(x² + y²)")
    };
    fn lanes<L: Lanes>(l: &L, [y, x]: [L::F; 2]) -> L::F {
        inverse::atan2(l, y, x)
    }
    fn scale<A: Algebra>(g: &mut A, [y, x]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let slope = if wrt == 0 { g.binary(Op::OverSquare, x, y) } else { g.binary(Op::OverSquare, y, x) };
        let product = g.mul(t, slope);
        Term::always(if wrt == 0 { product } else { g.neg(product) })
    }
}

/// `x/(x² + y²)`.
pub struct OverSquare;
impl Numeric<2> for OverSquare {
    const INFO: OpInfo = slope(
        "over-square",
        "x/(x² + y²) without spurious overflow",
        1.25,
        "(y² − x²)/(x² + y²)², −2xy/(x² + y²)²",
    );
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        slope::over_square(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], along: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let across = g.binary(Op::OverSquare, y, x);
        if wrt == 0 {
            let (difference, sum) = (g.sub(across, along), g.add(across, along));
            let slope = g.mul(difference, sum);
            return Term::always(g.mul(t, slope));
        }
        let minus_two = g.number(-2.0);
        let product = g.mul(along, across);
        let slope = g.mul(product, minus_two);
        Term::always(g.mul(t, slope))
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

/// `arcosh x`.
pub struct Acosh;
impl Numeric<1> for Acosh {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("{0} ≥ 1", Condition::Below(0, 1.0))),
        singular: Some(Singularity::new("{0} = 1", Condition::At(0, 1.0))),
        ..function("acosh", &["acosh"], "inverse hyperbolic cosine; NaN below 1", "1/√((x − 1)(x + 1))")
    };
    complex_rule!(acosh);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        hyperbolic::acosh(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        // Far up, where the product would overflow, 1 does not count.
        let (one, far) = (g.number(1.0), g.number(2f64.powi(60)));
        let (below, above) = (g.sub(x, one), g.add(x, one));
        let product = g.mul(below, above);
        let root = g.unary(Op::Sqrt, product);
        let beyond = g.lt(far, x);
        let divisor = g.select(beyond, x, root);
        Term::always(g.div(t, divisor))
    }
}

/// `artanh x`.
pub struct Atanh;
impl Numeric<1> for Atanh {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("−1 < {0} < 1", Condition::NotInsideUnit(0))),
        ..function(
            "atanh",
            &["atanh"],
            "inverse hyperbolic tangent; ±∞ at ±1, NaN beyond",
            "1/((1 − x)(1 + x))",
        )
    };
    complex_rule!(atanh);
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        hyperbolic::atanh(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let (below, above) = (g.sub(one, x), g.add(x, one));
        let product = g.mul(below, above);
        Term::always(g.div(t, product))
    }
}

/// `∛x`.
pub struct Cbrt;
impl Numeric<1> for Cbrt {
    const INFO: OpInfo =
        OpInfo { singular: Some(Singularity::ZERO), ..function("cbrt", &["cbrt"], "cube root", "1/(3y²)") };
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
        let direction = g.binary(Op::Direction, args[wrt], args[1 - wrt]);
        let value = g.mul(t, direction);
        Term::guarded(g.ne(h, zero), value)
    }
}

/// `x/√(x² + y²)`.
pub struct Direction;
impl Numeric<2> for Direction {
    const INFO: OpInfo = slope(
        "direction",
        "x/√(x² + y²) without spurious overflow",
        1.25,
        "y²/h³, −xy/h³ for h = √(x² + y²)",
    );
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        slope::direction(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], along: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let (across, h) = (g.binary(Op::Direction, y, x), g.binary(Op::Hypot, x, y));
        let other = if wrt == 0 { across } else { g.neg(along) };
        let product = g.mul(across, other);
        let slope = g.div(product, h);
        Term::always(g.mul(t, slope))
    }
}

/// The square of `h = √(x² + y²)`, of which the derivative is one of x and y: there is no kink at the origin.
pub struct HypotSquare;
impl Numeric<3> for HypotSquare {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Internal,
        bound: Bound::Ulp(0.5),
        ..function("hypot-square", &[], "c², c being the hypot of x and y", "2x, 2y, nothing by c")
    };
    fn lanes<L: Lanes>(l: &L, [_, _, h]: [L::F; 3]) -> L::F {
        l.mul(h, h)
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 3], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 2 {
            return Term::Zero;
        }
        let slope = g.add(args[wrt], args[wrt]);
        Term::always(g.mul(t, slope))
    }
}

/// `ln(e^x + y)`.
pub struct Lead;
impl Numeric<2> for Lead {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Internal,
        bound: Bound::Composed("1 ULP for an exponential within 2⁻⁵⁵ (binary32: 2⁻²⁶)"),
        domain: Some(Domain::new("exp({0}) + {1} > 0", Condition::NoLogarithm)),
        ..function("lead", &[], "log(exp x + y) without overflow", "e^x/(e^x + y), 1/(e^x + y)")
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        lead::lead(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let slope = g.binary(if wrt == 0 { Op::LeadByX } else { Op::LeadByY }, x, y);
        Term::always(g.mul(t, slope))
    }
}

/// `e^x/(e^x + y)`.
pub struct LeadByX;
impl Numeric<2> for LeadByX {
    const INFO: OpInfo = OpInfo {
        bound: Bound::Composed("2 ULP for an exponential within 2⁻⁵⁵ (binary32: 2⁻²⁶)"),
        ..slope("lead-by-x", "exp x/(exp x + y) without overflow", 2.0, "e^x·y/(e^x + y)², −e^x/(e^x + y)²")
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        lead::lead_by_x(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], by_x: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let other = if wrt == 0 && g.constant(y) == Some(1.0) {
            // The logistic function: the other factor, 1/(e^x + 1), is its value on the other side of 0.
            let opposite = g.neg(x);
            g.binary(Op::LeadByX, opposite, y)
        } else {
            let by_y = g.binary(Op::LeadByY, x, y);
            if wrt == 0 { g.mul(y, by_y) } else { g.neg(by_y) }
        };
        let slope = g.mul(by_x, other);
        Term::always(g.mul(t, slope))
    }
}

/// `1/(e^x + y)`.
pub struct LeadByY;
impl Numeric<2> for LeadByY {
    const INFO: OpInfo = OpInfo {
        bound: Bound::Composed("2 ULP for an exponential within 2⁻⁵⁵ (binary32: 2⁻²⁶)"),
        ..slope("lead-by-y", "1/(exp x + y) without overflow", 2.0, "−e^x/(e^x + y)², −1/(e^x + y)²")
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        lead::lead_by_y(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], by_y: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let other = if wrt == 0 { g.binary(Op::LeadByX, x, y) } else { by_y };
        let product = g.mul(by_y, other);
        let slope = g.neg(product);
        Term::always(g.mul(t, slope))
    }
}

/// The error function.
pub struct Erf;
impl Numeric<1> for Erf {
    const INFO: OpInfo = function("erf", &["erf"], "error function, 2/√π ∫₀ˣ exp(−t²) dt", "2/√π · exp(−x²)");
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        erf::erf(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::ErfSlope, x);
        Term::always(g.mul(t, slope))
    }
}

/// `2/√π · e^(−x²)`.
pub struct ErfSlope;
impl Numeric<1> for ErfSlope {
    const INFO: OpInfo = slope("erf-slope", "2/√π · exp(−x²), the slope of erf", 1.0, "−2x·y");
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        slope::erf_slope(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let minus_two = g.number(-2.0);
        let twice = g.mul(x, minus_two);
        let slope = g.mul(twice, y);
        Term::always(g.mul(t, slope))
    }
}

/// `t·c/x`.
fn scaled_reciprocal<A: Algebra>(g: &mut A, x: A::V, c: f64, t: A::V) -> Term<A::V> {
    let (c, x) = (g.number(c), from_above(g, x));
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
