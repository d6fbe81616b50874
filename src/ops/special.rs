//! Special functions, element by element. Their recipes stand in [`nc_runtime::recipes`].

use nc_runtime::lanes::Lanes;
use nc_runtime::recipes::{bessel, erf, gamma, lambert};

use super::conditions::{Condition, Domain};
use super::elementary::function;
use super::{Algebra, Bound, Numeric, Op, OpInfo, RECIPE, Syntax, Term, numeric_rules};

numeric_rules!(1, RECIPE: Erfc NormalCdf NormalPdf Sinc Gamma LGamma Digamma BesselJ0 BesselJ1 LambertW LambertWm1);
numeric_rules!(2, RECIPE: Polygamma SphericalOver BesselOver);

/// The bound of a function with zeros: near them, half of the last bit of the operand is more than one of the result.
const CONDITIONED: Bound = Bound::Composed("1 ULP, and half of one for each unit of the condition number");

/// Where the gamma function has no value.
const POLES: Domain = Domain::new("{0} > 0, or {0} no integer", Condition::Pole(0));

/// `1 − erf x`.
pub struct Erfc;
impl Numeric<1> for Erfc {
    const INFO: OpInfo = function(
        "erfc",
        &["erfc"],
        "complementary error function, 1 − erf x, without cancellation",
        "−2/√π · exp(−x²)",
    );
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        erf::erfc(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::ErfSlope, x);
        let slope = g.neg(slope);
        Term::always(g.mul(t, slope))
    }
}

/// The standard normal distribution function.
pub struct NormalCdf;
impl Numeric<1> for NormalCdf {
    const INFO: OpInfo = function(
        "normal-cdf",
        &["normal-cdf"],
        "distribution function of the standard normal distribution",
        "exp(−x²/2)/√(2π)",
    );
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        erf::normal_cdf(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::NormalPdf, x);
        Term::always(g.mul(t, slope))
    }
}

/// The standard normal density.
pub struct NormalPdf;
impl Numeric<1> for NormalPdf {
    const INFO: OpInfo = function(
        "normal-pdf",
        &["normal-pdf"],
        "density of the standard normal distribution, exp(−x²/2)/√(2π)",
        "−x·y",
    );
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        erf::normal_pdf(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let minus = g.neg(x);
        let slope = g.mul(minus, y);
        Term::always(g.mul(t, slope))
    }
}

/// `sin x / x`.
pub struct Sinc;
impl Numeric<1> for Sinc {
    const INFO: OpInfo = function("sinc", &["sinc"], "sin x / x, 1 at 0", "(cos x − sinc x)/x");
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        bessel::sinc(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let near = next_of_family(g, Op::SphericalOver, x, one, t);
        // Far out nothing cancels, and the member of the family, which is smaller by x, would leave the range.
        let (size, cosine) = (g.unary(Op::Abs, x), g.unary(Op::Cos, x));
        let (difference, far) = (g.sub(cosine, y), g.number(FAR));
        let slope = g.binary(Op::Div, difference, x);
        let (beyond, slope) = (g.binary(Op::Lt, far, size), g.mul(t, slope));
        Term::always(g.select(beyond, slope, near))
    }
}

/// From where on the slope of `sinc` is `(cos x − sinc x)/x` as it stands: the quotient by x is less than half of an ULP there.
const FAR: f64 = 134_217_728.0;

/// `j_n(x)/x^n` of spherical Bessel functions, a family closed under differentiation.
pub struct SphericalOver;
impl Numeric<2> for SphericalOver {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Part("sinc"),
        bound: CONDITIONED,
        ..function(
            "spherical-over",
            &[],
            "j(x)/x^y, j the spherical Bessel function of order y from 1 to 12",
            "−x times the next one",
        )
    };
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, n]: [L::F; 2]) -> L::F {
        bessel::spherical_over(l, x, n)
    }
    fn scale<A: Algebra>(g: &mut A, [x, n]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 1 {
            return Term::Zero;
        }
        let next = one_more(g, n);
        Term::always(next_of_family(g, Op::SphericalOver, x, next, t))
    }
}

/// `−t·x` times the member of a family.
fn next_of_family<A: Algebra>(g: &mut A, family: Op, x: A::V, n: A::V, t: A::V) -> A::V {
    let (next, minus) = (g.binary(family, x, n), g.neg(x));
    let slope = g.mul(minus, next);
    g.mul(t, slope)
}

/// `n + 1`, a constant if n is one.
fn one_more<A: Algebra>(g: &mut A, n: A::V) -> A::V {
    match g.constant(n) {
        Some(n) => g.number(n + 1.0),
        None => {
            let one = g.number(1.0);
            g.add(n, one)
        }
    }
}

/// `Γ(x)`.
pub struct Gamma;
impl Numeric<1> for Gamma {
    const INFO: OpInfo = OpInfo {
        domain: Some(POLES),
        ..function(
            "gamma",
            &["gamma"],
            "gamma function, (x − 1)! for integers; NaN at negative ones",
            "y·digamma x",
        )
    };
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        gamma::gamma(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let log = g.unary(Op::Digamma, x);
        let slope = g.mul(y, log);
        Term::always(g.mul(t, slope))
    }
}

/// `ln |Γ(x)|`.
pub struct LGamma;
impl Numeric<1> for LGamma {
    const INFO: OpInfo = OpInfo {
        domain: Some(POLES),
        bound: CONDITIONED,
        ..function(
            "lgamma",
            &["lgamma"],
            "logarithm of the magnitude of the gamma function, ∞ at its poles",
            "digamma x",
        )
    };
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        gamma::lgamma(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::Digamma, x);
        Term::always(g.mul(t, slope))
    }
}

/// `ψ(x)`.
pub struct Digamma;
impl Numeric<1> for Digamma {
    const INFO: OpInfo = OpInfo {
        domain: Some(POLES),
        bound: CONDITIONED,
        ..function(
            "digamma",
            &["digamma"],
            "derivative of the logarithm of the gamma function",
            "polygamma 1 x",
        )
    };
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        gamma::digamma(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let slope = g.binary(Op::Polygamma, one, x);
        Term::always(g.mul(t, slope))
    }
}

/// Derivatives of `ψ`, the order first.
pub struct Polygamma;
impl Numeric<2> for Polygamma {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Part("polygamma"),
        domain: Some(Domain::new("{1} > 0, or {1} no integer", Condition::Pole(1))),
        bound: Bound::Composed(
            "1 ULP, and half of one for each unit of the condition number; a few units below −½",
        ),
        ..function(
            "polygamma",
            &[],
            "the derivative of digamma of an order from 1 to 12",
            "polygamma (n + 1) x",
        )
    };
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [n, x]: [L::F; 2]) -> L::F {
        gamma::polygamma(l, n, x)
    }
    fn scale<A: Algebra>(g: &mut A, [n, x]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 0 {
            return Term::Zero;
        }
        let next = one_more(g, n);
        let slope = g.binary(Op::Polygamma, next, x);
        Term::always(g.mul(t, slope))
    }
}

/// The Bessel function `J₀`.
pub struct BesselJ0;
impl Numeric<1> for BesselJ0 {
    const INFO: OpInfo = OpInfo {
        bound: CONDITIONED,
        ..function(
            "bessel-j0",
            &["bessel-j0"],
            "Bessel function of the first kind of order 0",
            "−bessel-j1 x",
        )
    };
    const FAST_RANGE: bool = true;
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        bessel::bessel_j0(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let slope = g.unary(Op::BesselJ1, x);
        let slope = g.neg(slope);
        Term::always(g.mul(t, slope))
    }
}

/// The Bessel function `J₁`.
pub struct BesselJ1;
impl Numeric<1> for BesselJ1 {
    const INFO: OpInfo = OpInfo {
        bound: CONDITIONED,
        ..function(
            "bessel-j1",
            &["bessel-j1"],
            "Bessel function of the first kind of order 1",
            "bessel-j0 x − y/x, ½ at 0",
        )
    };
    const FAST_RANGE: bool = true;
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        bessel::bessel_j1(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], _: A::V, _: usize, t: A::V) -> Term<A::V> {
        let one = g.number(1.0);
        let (zero, over) = (g.unary(Op::BesselJ0, x), g.binary(Op::BesselOver, x, one));
        let slope = g.sub(zero, over);
        Term::always(g.mul(t, slope))
    }
}

/// `J_n(x)/x^n`, a family closed under differentiation.
pub struct BesselOver;
impl Numeric<2> for BesselOver {
    const INFO: OpInfo = OpInfo {
        syntax: Syntax::Part("bessel-j1"),
        bound: CONDITIONED,
        ..function(
            "bessel-over",
            &[],
            "J(x)/x^y, J the Bessel function of order y from 1 to 12",
            "−x times the next one",
        )
    };
    const FAST_RANGE: bool = true;
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x, n]: [L::F; 2]) -> L::F {
        bessel::bessel_over(l, x, n)
    }
    fn scale<A: Algebra>(g: &mut A, [x, n]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 1 {
            return Term::Zero;
        }
        let next = one_more(g, n);
        Term::always(next_of_family(g, Op::BesselOver, x, next, t))
    }
}

/// `t·s/(1 + y)`, the slope of either branch for `s = e^−y = y/x`.
fn lambert_slope<A: Algebra>(g: &mut A, y: A::V, s: A::V, t: A::V) -> Term<A::V> {
    let one = g.number(1.0);
    let below = g.add(y, one);
    let slope = g.div(s, below);
    Term::always(g.mul(t, slope))
}

/// The principal branch of `w·e^w = x`.
pub struct LambertW;
impl Numeric<1> for LambertW {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("{0} ≥ −1/e", Condition::NoBranch)),
        ..function(
            "lambert-w",
            &["lambert-w"],
            "the w ≥ −1 with w·exp w = x; NaN below −1/e",
            "exp(−y)/(1 + y)",
        )
    };
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        lambert::lambert_w(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        // A quotient is accurate far out, the exponential at 0, where both have all derivatives.
        let (size, near) = (g.abs(x), g.number(0.1));
        let (near, minus) = (g.lt(size, near), g.neg(y));
        let (power, quotient) = (g.unary(Op::Exp, minus), g.div(y, x));
        let power = g.select(near, power, quotient);
        lambert_slope(g, y, power, t)
    }
}

/// The lower branch of `w·e^w = x`.
pub struct LambertWm1;
impl Numeric<1> for LambertWm1 {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("−1/e ≤ {0} < 0", Condition::NoLowerBranch)),
        ..function(
            "lambert-wm1",
            &["lambert-wm1"],
            "the w ≤ −1 with w·exp w = x; −∞ at 0, NaN above and below −1/e",
            "exp(−y)/(1 + y)",
        )
    };
    const ELEMENTARY: bool = false;
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        lambert::lambert_wm1(l, x)
    }
    fn scale<A: Algebra>(g: &mut A, [x]: [A::V; 1], y: A::V, _: usize, t: A::V) -> Term<A::V> {
        let quotient = g.div(y, x);
        lambert_slope(g, y, quotient, t)
    }
}
