//! Complex numbers: pairs of real numbers from the first stage on.
//!
//! A complex value is a value of shape [`Shape::Complex`], the real part before the imaginary one. An operation that is
//! defined for complex numbers says in its entry (`Rule::complex`) which real operations its parts are; so graphs,
//! derivatives, lanes and interpreters know real operations only. The operations of this family are those that a pair
//! needs and real programs do not have: they compute one part each, and their recipes share what they have in common.
//!
//! Principal branches everywhere, and signed zeros tell the sides of a branch cut (W. Kahan, "Branch cuts for complex
//! elementary functions", 1987). A real operand is a number without an imaginary part, not one whose imaginary part is +0.

use nc_runtime::lanes::Lanes;
use nc_runtime::recipes::{complex, hyperbolic, trig};

use super::algebra::Built;
use super::conditions::{Condition, Domain, Singularity};
use super::elementary::or_finite;
use super::primitives::{Arity, Expansion, PrimitiveInfo, sugars};
use super::{Algebra, Bound, Numeric, Op, OpInfo, RECIPE, ShapeError, Syntax, Term, numeric_rules};
use crate::types::{Shape, Type};

/// States what an operation is for operands some of which are complex; the others are real scalars.
macro_rules! complex_rule {
    ($rule:ident) => {
        fn complex<A: $crate::ops::Algebra>(a: &mut A, args: &[A::V]) -> Option<A::V> {
            Some($crate::ops::complex::$rule(a, args))
        }
    };
}
pub(super) use complex_rule;

numeric_rules!(2, RECIPE: ExpCos ExpSin LogHypot RootRe RootIm TanhRe TanhIm);
numeric_rules!(3, RECIPE: PowRe PowIm);
numeric_rules!(4, RECIPE: ProductRe ProductIm QuotientRe QuotientIm);

const fn part(
    name: &'static str,
    of: &'static str,
    doc: &'static str,
    bound: Bound,
    derivative: &'static str,
) -> OpInfo {
    let syntax = Syntax::Part(of);
    OpInfo { name, syntax, doc, bound, derivative, kinks: "", domain: None, kink: None, singular: None }
}

const POLAR: Bound = Bound::Composed("pow of the magnitude, sine and cosine of w times the angle");
const NORM: Bound = Bound::Composed("4 ε of the magnitude");

/// `Re e^(x + iy)`.
pub struct ExpCos;
impl Numeric<2> for ExpCos {
    const INFO: OpInfo = part("exp-cos", "exp", "e^x · cos y", Bound::Ulp(3.0), "e^x · cos y, −e^x · sin y");
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::exp_cos(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], here: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        if wrt == 0 {
            return Term::always(g.mul(t, here));
        }
        let sine = g.binary(Op::ExpSin, x, y);
        let product = g.mul(t, sine);
        Term::always(g.neg(product))
    }
}

/// `Im e^(x + iy)`.
pub struct ExpSin;
impl Numeric<2> for ExpSin {
    const INFO: OpInfo = part("exp-sin", "exp", "e^x · sin y", Bound::Ulp(3.0), "e^x · sin y, e^x · cos y");
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::exp_sin(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], here: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let slope = if wrt == 0 { here } else { g.binary(Op::ExpCos, x, y) };
        Term::always(g.mul(t, slope))
    }
}

/// `ln |x + iy|`.
pub struct LogHypot;
impl Numeric<2> for LogHypot {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("{0} ≠ 0 or {1} ≠ 0", Condition::BothZero(0, 1))),
        ..part("log-hypot", "log", "ln √(x² + y²)", Bound::Ulp(2.0), "x/(x² + y²), y/(x² + y²)")
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::log_hypot(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let slope = if wrt == 0 { g.binary(Op::OverSquare, x, y) } else { g.binary(Op::OverSquare, y, x) };
        Term::always(g.mul(t, slope))
    }
}

/// `Re √(x + iy)`.
pub struct RootRe;
impl Numeric<2> for RootRe {
    const INFO: OpInfo = OpInfo {
        singular: Some(Singularity::ORIGIN),
        ..part(
            "root-re",
            "sqrt",
            "real part of √(x + iy)",
            Bound::Ulp(2.0),
            "Re 1/(2√(x + iy)), −Im 1/(2√(x + iy))",
        )
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::root_re(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], here: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let other = g.binary(Op::RootIm, x, y);
        let (re, im) = half_reciprocal(g, here, other);
        let product = g.mul(t, if wrt == 0 { re } else { im });
        Term::always(if wrt == 0 { product } else { g.neg(product) })
    }
}

/// `Im √(x + iy)`.
pub struct RootIm;
impl Numeric<2> for RootIm {
    const INFO: OpInfo = OpInfo {
        singular: Some(Singularity::ORIGIN),
        ..part(
            "root-im",
            "sqrt",
            "imaginary part of √(x + iy)",
            Bound::Ulp(2.0),
            "Im 1/(2√(x + iy)), Re 1/(2√(x + iy))",
        )
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::root_im(l, x, y)
    }
    fn scale<A: Algebra>(g: &mut A, [x, y]: [A::V; 2], here: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let other = g.binary(Op::RootRe, x, y);
        let (re, im) = half_reciprocal(g, other, here);
        Term::always(g.mul(t, if wrt == 0 { im } else { re }))
    }
}

/// The parts of `1/(2(x + iy))`.
fn half_reciprocal<A: Algebra>(g: &mut A, x: A::V, y: A::V) -> (A::V, A::V) {
    let (half, zero) = (g.number(0.5), g.number(0.0));
    let args = [half, zero, x, y];
    (g.rule(Op::QuotientRe, &args), g.rule(Op::QuotientIm, &args))
}

/// `Re tanh(x + iy)`.
pub struct TanhRe;
impl Numeric<2> for TanhRe {
    const INFO: OpInfo =
        part("tanh-re", "tanh", "real part of tanh(x + iy)", NORM, "Re 1/cosh²(x + iy), −Im 1/cosh²(x + iy)");
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        hyperbolic::complex_tanh(l, x, trig::sincos(l, y)).0
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let (re, im) = tanh_slope(g, args);
        let product = g.mul(t, if wrt == 0 { re } else { im });
        Term::always(if wrt == 0 { product } else { g.neg(product) })
    }
}

/// `Im tanh(x + iy)`.
pub struct TanhIm;
impl Numeric<2> for TanhIm {
    const INFO: OpInfo = part(
        "tanh-im",
        "tanh",
        "imaginary part of tanh(x + iy)",
        NORM,
        "Im 1/cosh²(x + iy), Re 1/cosh²(x + iy)",
    );
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        hyperbolic::complex_tanh(l, x, trig::sincos(l, y)).1
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 2], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let (re, im) = tanh_slope(g, args);
        Term::always(g.mul(t, if wrt == 0 { im } else { re }))
    }
}

/// The parts of `1/cosh²(x + iy)`: 1 − tanh² would cancel where tanh is near ±1.
fn tanh_slope<A: Algebra>(g: &mut A, [x, y]: [A::V; 2]) -> (A::V, A::V) {
    let mut product = |f: Op, h: Op| {
        let (f, h) = (g.unary(f, x), g.unary(h, y));
        g.mul(f, h)
    };
    let (re, im) = (product(Op::Cosh, Op::Cos), product(Op::Sinh, Op::Sin));
    let args = [g.number(1.0), g.number(0.0), re, im];
    let (re, im) = (g.rule(Op::QuotientRe, &args), g.rule(Op::QuotientIm, &args));
    let args = [re, im, re, im];
    (g.rule(Op::ProductRe, &args), g.rule(Op::ProductIm, &args))
}

/// Zero has no power with a negative exponent.
const POWER: Domain = Domain {
    text: "{0} ≠ 0 or {1} ≠ 0, or {2} ≥ 0",
    known: |operands| match operands.get(2) {
        Some(Some(w)) if *w < 0.0 => Some("{0} ≠ 0 or {1} ≠ 0"),
        _ => None,
    },
    outside: Condition::ZeroToNegative,
};

/// `Re (x + iy)^w` for a real w.
pub struct PowRe;
impl Numeric<3> for PowRe {
    const INFO: OpInfo = OpInfo {
        domain: Some(POWER),
        singular: Some(Singularity::ORIGIN),
        ..part(
            "pow-re",
            "pow",
            "real part of (x + iy)^c",
            POLAR,
            "those of p = z^c: c·z^(c−1), and p·log z by c",
        )
    };
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y, w]: [L::F; 3]) -> L::F {
        let (magnitude, angle) = complex::power_polar(l, x, y, w);
        complex::from_polar(l, magnitude, trig::sincos(l, angle)).0
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 3], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let (re, im, counts) = power_slope(g, args, wrt);
        let value = g.mul(t, if wrt == 1 { im } else { re });
        Term::guarded(counts, if wrt == 1 { g.neg(value) } else { value })
    }
}

/// `Im (x + iy)^w` for a real w.
pub struct PowIm;
impl Numeric<3> for PowIm {
    const INFO: OpInfo = OpInfo {
        domain: Some(POWER),
        singular: Some(Singularity::ORIGIN),
        ..part(
            "pow-im",
            "pow",
            "imaginary part of (x + iy)^c",
            POLAR,
            "those of p = z^c: c·z^(c−1), and p·log z by c",
        )
    };
    const FAST_RANGE: bool = true;
    fn lanes<L: Lanes>(l: &L, [x, y, w]: [L::F; 3]) -> L::F {
        let (magnitude, angle) = complex::power_polar(l, x, y, w);
        complex::from_polar(l, magnitude, trig::sincos(l, angle)).1
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 3], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let (re, im, counts) = power_slope(g, args, wrt);
        Term::guarded(counts, g.mul(t, if wrt == 1 { re } else { im }))
    }
}

/// The parts of the derivative of `z^w` by `z` (0 and 1) or `w` (2), and where it counts.
fn power_slope<A: Algebra>(g: &mut A, [x, y, w]: [A::V; 3], wrt: usize) -> (A::V, A::V, A::V) {
    let (zero, one) = (g.number(0.0), g.number(1.0));
    if wrt == 2 {
        let args = [
            g.binary(Op::LogHypot, x, y),
            g.binary(Op::Atan2, y, x),
            g.rule(Op::PowRe, &[x, y, w]),
            g.rule(Op::PowIm, &[x, y, w]),
        ];
        let radius = g.binary(Op::Hypot, x, y);
        let somewhere = g.ne(radius, zero);
        return (g.rule(Op::ProductRe, &args), g.rule(Op::ProductIm, &args), somewhere);
    }
    let less = g.sub(w, one);
    let args = [x, y, less];
    let (re, im) = (g.rule(Op::PowRe, &args), g.rule(Op::PowIm, &args));
    // As for real powers: a product with w = 0 has a derivative by w.
    let (counts, size) = (g.ne(w, zero), g.binary(Op::Hypot, re, im));
    (g.mul(w, re), g.mul(w, im), or_finite(g, counts, size))
}

/// `Re (a + ib)(c + id)`.
pub struct ProductRe;
impl Numeric<4> for ProductRe {
    const INFO: OpInfo = part("product-re", "*", "ac − bd", NORM, "c, −d, a, −b");
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::product_re(l, a, b, c, d)
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 4], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let product = g.mul(t, args[(wrt + 2) % 4]);
        Term::always(if matches!(wrt, 0 | 2) { product } else { g.neg(product) })
    }
}

/// `Im (a + ib)(c + id)`.
pub struct ProductIm;
impl Numeric<4> for ProductIm {
    const INFO: OpInfo = part("product-im", "*", "ad + bc", NORM, "d, c, b, a");
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::product_im(l, a, b, c, d)
    }
    fn scale<A: Algebra>(g: &mut A, args: [A::V; 4], _: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        Term::always(g.mul(t, args[3 - wrt]))
    }
}

const DIVISOR: Domain = Domain::new("{2} ≠ 0 or {3} ≠ 0", Condition::BothZero(2, 3));

/// `Re (a + ib)/(c + id)`.
pub struct QuotientRe;
impl Numeric<4> for QuotientRe {
    const INFO: OpInfo = OpInfo {
        domain: Some(DIVISOR),
        ..part("quotient-re", "/", "real part of (a + ib)/(c + id)", NORM, "those of q: 1/w, −q/w")
    };
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::quotient_re(l, a, b, c, d)
    }
    fn scale<A: Algebra>(g: &mut A, [a, b, c, d]: [A::V; 4], here: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let other = g.rule(Op::QuotientIm, &[a, b, c, d]);
        // A real function of a holomorphic one: its derivative by the imaginary part of an operand is −Im.
        let (re, im) = quotient_slope(g, (here, other), (c, d), wrt / 2);
        let product = g.mul(t, if matches!(wrt, 0 | 2) { re } else { im });
        Term::always(if matches!(wrt, 0 | 2) { product } else { g.neg(product) })
    }
}

/// `Im (a + ib)/(c + id)`.
pub struct QuotientIm;
impl Numeric<4> for QuotientIm {
    const INFO: OpInfo = OpInfo {
        domain: Some(DIVISOR),
        ..part("quotient-im", "/", "imaginary part of (a + ib)/(c + id)", NORM, "those of q: 1/w, −q/w")
    };
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::quotient_im(l, a, b, c, d)
    }
    fn scale<A: Algebra>(g: &mut A, [a, b, c, d]: [A::V; 4], here: A::V, wrt: usize, t: A::V) -> Term<A::V> {
        let other = g.rule(Op::QuotientRe, &[a, b, c, d]);
        let (re, im) = quotient_slope(g, (other, here), (c, d), wrt / 2);
        Term::always(g.mul(t, if matches!(wrt, 0 | 2) { im } else { re }))
    }
}

/// The complex derivative of `q = z/w` by `z` (0) or `w` (1): `1/w` or `−q/w`.
fn quotient_slope<A: Algebra>(
    g: &mut A,
    q: (A::V, A::V),
    (c, d): (A::V, A::V),
    operand: usize,
) -> (A::V, A::V) {
    let args =
        if operand == 0 { [g.number(1.0), g.number(0.0), c, d] } else { [g.neg(q.0), g.neg(q.1), c, d] };
    (g.rule(Op::QuotientRe, &args), g.rule(Op::QuotientIm, &args))
}

sugars! {
    /// Names of the language for complex numbers.
    Names, PRIMITIVES, Expansion::Complex;
    MakeRectangular(
        "complex", "make-rectangular", Arity::exactly(2), "x y",
        "the complex number x + iy"
    ) |a, args| {
        let (x, y) = (real(a, args, 0)?, real(a, args, 1)?);
        Ok(pair(a, x, y))
    };
    Complex(
        "complex", "complex", Arity::exactly(1), "z",
        "z as a complex number: x + 0i of a real x"
    ) |a, args| {
        let z = number(a, args, 0)?;
        Ok(promoted(a, z))
    };
    MakePolar(
        "complex", "make-polar", Arity::exactly(2), "r t",
        "the complex number r · (cos t + i sin t)"
    ) |a, args| {
        let (r, t) = (real(a, args, 0)?, real(a, args, 1)?);
        let (cos, sin) = (a.unary(Op::Cos, t), a.unary(Op::Sin, t));
        let (re, im) = (a.mul(r, cos), a.mul(r, sin));
        Ok(pair(a, re, im))
    };
    RealPart("complex", "real-part", Arity::exactly(1), "z", "real part") |a, args| {
        let z = number(a, args, 0)?;
        Ok(parts(a, z).0)
    };
    ImagPart("complex", "imag-part", Arity::exactly(1), "z", "imaginary part; 0 of a real number") |a, args| {
        let z = number(a, args, 0)?;
        Ok(full(a, z).1)
    };
    Magnitude(
        "complex", "magnitude", Arity::exactly(1), "z",
        "√(x² + y²) without spurious overflow; the absolute value of a real number"
    ) |a, args| {
        let z = number(a, args, 0)?;
        match parts(a, z) {
            (x, None) => Ok(a.abs(x)),
            (x, Some(y)) => Ok(a.binary(Op::Hypot, x, y)),
        }
    };
    Angle("complex", "angle", Arity::exactly(1), "z", "angle of z, from −π to π") |a, args| {
        let z = number(a, args, 0)?;
        let (x, y) = full(a, z);
        Ok(a.binary(Op::Atan2, y, x))
    };
    Conjugate("complex", "conjugate", Arity::exactly(1), "z", "x − iy") |a, args| {
        let z = number(a, args, 0)?;
        match parts(a, z) {
            (x, None) => Ok(x),
            (x, Some(y)) => {
                let y = a.neg(y);
                Ok(pair(a, x, y))
            }
        }
    };
}

/// Operand `k`, which has to be a real scalar.
fn real<A: Algebra>(a: &mut A, args: &[A::V], k: usize) -> Built<A> {
    let x = a.as_number(args[k]);
    match a.ty(x).shape {
        Shape::Scalar => Ok(x),
        other => {
            Err(ShapeError::at(k, format!("a part of a complex number is a real scalar, not a {other}")))
        }
    }
}

/// Operand `k`, which has to be a real scalar or a complex number.
fn number<A: Algebra>(a: &mut A, args: &[A::V], k: usize) -> Built<A> {
    let z = a.as_number(args[k]);
    match a.ty(z).shape {
        Shape::Scalar | Shape::Complex => Ok(z),
        other @ (Shape::Vector(_) | Shape::Matrix(..)) => {
            Err(ShapeError::at(k, format!("parts of a {other}: a complex number is needed")))
        }
    }
}

/// An operation whose operand `first` is complex.
pub(super) fn apply<A: Algebra>(a: &mut A, op: Op, args: &[A::V], first: usize) -> Built<A> {
    let name = match op.info().syntax {
        Syntax::Call(names) => names[0],
        Syntax::Part(name) => name,
        // Whoever folds or chains puts in the name that the program has.
        Syntax::Internal | Syntax::Fold { .. } | Syntax::Chain(_) => op.info().name,
    };
    let other = args.iter().position(|&arg| !matches!(a.ty(arg).shape, Shape::Scalar | Shape::Complex));
    if let Some(k) = other {
        let shape = a.ty(args[k]).shape;
        return Err(ShapeError::at(k, format!("{name} of complex and {shape}: shapes differ")));
    }
    match op.complex(a, args) {
        Some(value) => Ok(value),
        None if op == Op::Abs => {
            Err(ShapeError::at(first, "abs of complex: it takes real numbers (magnitude takes complex ones)"))
        }
        None => Err(ShapeError::complex(first, name)),
    }
}

/// The complex number with these parts.
fn pair<A: Algebra>(a: &mut A, re: A::V, im: A::V) -> A::V {
    a.apply_typed(Op::Pack, 0, Type::num(Shape::Complex), &[re, im])
}

/// The parts of a number; a real one has no imaginary part.
fn parts<A: Algebra>(a: &mut A, z: A::V) -> (A::V, Option<A::V>) {
    match a.ty(z).shape {
        Shape::Complex => {
            let re = a.apply_typed(Op::Slice, 0, Type::NUM, &[z]);
            let im = a.apply_typed(Op::Slice, 1, Type::NUM, &[z]);
            (re, Some(im))
        }
        Shape::Scalar | Shape::Vector(_) | Shape::Matrix(..) => (z, None),
    }
}

/// The parts of a number, +0 being the imaginary part of a real one.
fn full<A: Algebra>(a: &mut A, z: A::V) -> (A::V, A::V) {
    let (re, im) = parts(a, z);
    (re, im.unwrap_or_else(|| a.number(0.0)))
}

/// A number as a complex one.
fn promoted<A: Algebra>(a: &mut A, z: A::V) -> A::V {
    match parts(a, z) {
        (_, Some(_)) => z,
        (x, None) => {
            let zero = a.number(0.0);
            pair(a, x, zero)
        }
    }
}

/// `f` of the real parts, `g` of the imaginary ones.
fn by_parts<A: Algebra>(a: &mut A, re: (Op, &[A::V]), im: (Op, &[A::V])) -> A::V {
    let (re, im) = (a.rule(re.0, re.1), a.rule(im.0, im.1));
    pair(a, re, im)
}

pub(super) fn add<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let ((x, u), (y, v)) = (parts(a, args[0]), parts(a, args[1]));
    let re = a.add(x, y);
    let im = match (u, v) {
        (Some(u), Some(v)) => a.add(u, v),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return re,
    };
    pair(a, re, im)
}

pub(super) fn sub<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let ((x, u), (y, v)) = (parts(a, args[0]), parts(a, args[1]));
    let re = a.sub(x, y);
    let im = match (u, v) {
        (Some(u), Some(v)) => a.sub(u, v),
        (Some(u), None) => u,
        (None, Some(v)) => a.neg(v),
        (None, None) => return re,
    };
    pair(a, re, im)
}

pub(super) fn neg<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::Neg, &[x]), (Op::Neg, &[y]))
}

pub(super) fn detach<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::Detach, &[x]), (Op::Detach, &[y]))
}

pub(super) fn mul<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    match (parts(a, args[0]), parts(a, args[1])) {
        ((x, Some(u)), (y, Some(v))) => {
            by_parts(a, (Op::ProductRe, &[x, u, y, v]), (Op::ProductIm, &[x, u, y, v]))
        }
        ((x, Some(u)), (s, None)) | ((s, None), (x, Some(u))) => {
            by_parts(a, (Op::Mul, &[x, s]), (Op::Mul, &[u, s]))
        }
        ((x, None), (y, None)) => a.mul(x, y),
    }
}

pub(super) fn div<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    match (full(a, args[0]), parts(a, args[1])) {
        ((x, u), (s, None)) => by_parts(a, (Op::Div, &[x, s]), (Op::Div, &[u, s])),
        ((x, u), (y, Some(v))) => {
            by_parts(a, (Op::QuotientRe, &[x, u, y, v]), (Op::QuotientIm, &[x, u, y, v]))
        }
    }
}

pub(super) fn equal<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let ((x, u), (y, v)) = (full(a, args[0]), full(a, args[1]));
    let (re, im) = (a.eq(x, y), a.eq(u, v));
    a.and(re, im)
}

pub(super) fn exp<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::ExpCos, &[x, y]), (Op::ExpSin, &[x, y]))
}

pub(super) fn log<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::LogHypot, &[x, y]), (Op::Atan2, &[y, x]))
}

/// The logarithm of the first operand to the second as the base.
pub(super) fn log_base<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (log, base) = (log(a, &args[..1]), log(a, &args[1..]));
    div(a, &[log, base])
}

/// The logarithm to a base whose natural logarithm is `unit`.
fn log_to<A: Algebra>(a: &mut A, z: A::V, unit: f64) -> A::V {
    let log = log(a, &[z]);
    let unit = a.number(unit);
    div(a, &[log, unit])
}

pub(super) fn log2<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    log_to(a, args[0], std::f64::consts::LN_2)
}

pub(super) fn log10<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    log_to(a, args[0], std::f64::consts::LN_10)
}

pub(super) fn sqrt<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::RootRe, &[x, y]), (Op::RootIm, &[x, y]))
}

/// `z^w`: by magnitude and angle for a real exponent, `exp(w log z)` for others; `0^w` is 0 for `Re w > 0` and 1 for
/// `w = 0`.
pub(super) fn pow<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    let (c, d) = match parts(a, args[1]) {
        (w, None) => return by_parts(a, (Op::PowRe, &[x, y, w]), (Op::PowIm, &[x, y, w])),
        (c, Some(d)) => (c, d),
    };
    let (log, angle) = (a.binary(Op::LogHypot, x, y), a.binary(Op::Atan2, y, x));
    let exponent = [log, angle, c, d];
    let (re, im) = (a.rule(Op::ProductRe, &exponent), a.rule(Op::ProductIm, &exponent));
    let (re, im) = (a.binary(Op::ExpCos, re, im), a.binary(Op::ExpSin, re, im));
    // log 0 is −∞, and its product with w need not be a number.
    let (zero, one) = (a.number(0.0), a.number(1.0));
    let none = [a.eq(x, zero), a.eq(y, zero)];
    let none = a.and(none[0], none[1]);
    let constant = [a.eq(c, zero), a.eq(d, zero)];
    let constant = a.and(constant[0], constant[1]);
    let constant = a.and(none, constant);
    let vanishes = a.lt(zero, c);
    let vanishes = a.and(none, vanishes);
    let mut result = [(re, one), (im, zero)];
    for (part, of_constant) in &mut result {
        let other = a.select(vanishes, zero, *part);
        *part = a.select(constant, *of_constant, other);
    }
    pair(a, result[0].0, result[1].0)
}

/// `f(x)·F(y)` and `g(x)·G(y)`, one of the factors a sine or cosine and the other hyperbolic.
fn products<A: Algebra>(a: &mut A, z: A::V, re: [Op; 2], im: [Op; 2]) -> A::V {
    let (x, y) = full(a, z);
    let (re, im) = (bounded_product(a, re, [x, y]), bounded_product(a, im, [x, y]));
    pair(a, re, im)
}

/// A product that is a zero where the sine is one, next to an infinite factor, too: on the axes.
fn bounded_product<A: Algebra>(a: &mut A, [f, g]: [Op; 2], [x, y]: [A::V; 2]) -> A::V {
    let factors = [a.unary(f, x), a.unary(g, y)];
    let product = a.mul(factors[0], factors[1]);
    let (sine, other) = match [f, g].iter().position(|&op| op == Op::Sin) {
        Some(k) => (factors[k], factors[1 - k]),
        // A cosine is never 0.
        None => return product,
    };
    let (zero, infinity) = (a.number(0.0), a.number(f64::INFINITY));
    let (size, sign) = (a.abs(other), a.unary(Op::Sign, other));
    let (beyond, on_axis) = (a.eq(size, infinity), a.eq(sine, zero));
    let both = a.and(beyond, on_axis);
    let signed = a.mul(sine, sign);
    a.select(both, signed, product)
}

pub(super) fn sin<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    products(a, args[0], [Op::Sin, Op::Cosh], [Op::Cos, Op::Sinh])
}

pub(super) fn cos<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let opposite = products(a, args[0], [Op::Cos, Op::Cosh], [Op::Sin, Op::Sinh]);
    let (re, im) = full(a, opposite);
    let im = a.neg(im);
    pair(a, re, im)
}

pub(super) fn sinh<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    products(a, args[0], [Op::Sinh, Op::Cos], [Op::Cosh, Op::Sin])
}

pub(super) fn cosh<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    products(a, args[0], [Op::Cosh, Op::Cos], [Op::Sinh, Op::Sin])
}

pub(super) fn tanh<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::TanhRe, &[x, y]), (Op::TanhIm, &[x, y]))
}

/// `i z`.
fn times_i<A: Algebra>(a: &mut A, z: A::V) -> A::V {
    let (x, y) = full(a, z);
    let minus = a.neg(y);
    pair(a, minus, x)
}

/// `f` of `iz`, divided by `i`.
fn rotated<A: Algebra>(a: &mut A, z: A::V, f: fn(&mut A, &[A::V]) -> A::V) -> A::V {
    let turned = times_i(a, z);
    let value = f(a, &[turned]);
    let (x, y) = full(a, value);
    let minus = a.neg(x);
    pair(a, y, minus)
}

pub(super) fn tan<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    rotated(a, args[0], tanh)
}

/// The inverse hyperbolic sine of a real number.
fn real_asinh<A: Algebra>(a: &mut A, t: A::V) -> A::V {
    let (zero, one) = (a.number(0.0), a.number(1.0));
    // A zero is told from its opposite by its reciprocal: an odd function keeps its sign, and there is no kink at 0.
    let reciprocal = a.div(one, t);
    let (below, beside) = (a.lt(t, zero), a.lt(reciprocal, zero));
    let negative = a.binary(Op::Or, below, beside);
    let opposite = a.neg(t);
    let size = a.select(negative, opposite, t);
    let root = a.binary(Op::Hypot, one, size);
    let below = a.add(one, root);
    let ratio = a.div(size, below);
    let rest = a.mul(size, ratio);
    let sum = a.add(size, rest);
    let value = a.unary(Op::Log1p, sum);
    let opposite = a.neg(value);
    a.select(negative, opposite, value)
}

/// Beyond this size the functions below are, to the last bit, the first terms of their expansions at infinity; their other formulas
/// overflow far beyond it.
const FAR: f64 = (1_u64 << 30) as f64;

/// Whether a number is larger than [`FAR`], and no part of it a NaN.
fn is_far<A: Algebra>(a: &mut A, z: A::V) -> A::V {
    let (x, y) = full(a, z);
    let far = a.number(FAR);
    let (width, height) = (a.abs(x), a.abs(y));
    let (wide, high) = (a.lt(far, width), a.lt(far, height));
    let either = a.binary(Op::Or, wide, high);
    let known = [a.eq(x, x), a.eq(y, y)];
    let known = a.and(known[0], known[1]);
    a.and(either, known)
}

/// Whether a number is below 0, or −0: the angle of the point above it tells.
fn is_below<A: Algebra>(a: &mut A, y: A::V) -> A::V {
    let (zero, one) = (a.number(0.0), a.number(-1.0));
    let angle = a.binary(Op::Atan2, y, one);
    a.lt(angle, zero)
}

/// `x`, and where a truth value holds its opposite.
fn negated_if<A: Algebra>(a: &mut A, negative: A::V, x: A::V) -> A::V {
    let opposite = a.neg(x);
    a.select(negative, opposite, x)
}

/// `far` where a truth value holds, else `near`.
fn far_or_near<A: Algebra>(a: &mut A, is_far: A::V, far: A::V, near: A::V) -> A::V {
    let ((far_re, far_im), (near_re, near_im)) = (full(a, far), full(a, near));
    let (re, im) = (a.select(is_far, far_re, near_re), a.select(is_far, far_im, near_im));
    pair(a, re, im)
}

/// For a number far out whether its imaginary part is below 0, the size of that part, and `ln 2|z|`.
fn from_afar<A: Algebra>(a: &mut A, z: A::V, is_far: A::V) -> (A::V, A::V, A::V) {
    let (x, y) = full(a, z);
    let below = is_below(a, y);
    let height = negated_if(a, below, y);
    // As asinh |z/4| + ln 4: the length of what is far is finite and not 0.
    let (one, quarter, ln4) = (a.number(1.0), a.number(0.25), a.number(2.0 * std::f64::consts::LN_2));
    let (x, y) = (a.mul(x, quarter), a.mul(y, quarter));
    let y = a.select(is_far, y, one);
    let length = a.binary(Op::Hypot, x, y);
    let log = a.unary(Op::Asinh, length);
    (below, height, a.add(log, ln4))
}

/// `√(1 − z)` and `√(1 + z)`.
fn roots<A: Algebra>(a: &mut A, z: A::V) -> (A::V, A::V) {
    let one = a.number(1.0);
    let (below, above) = (sub(a, &[one, z]), add(a, &[one, z]));
    (sqrt(a, &[below]), sqrt(a, &[above]))
}

/// `Im (conj(u)·v)`.
fn crossed<A: Algebra>(a: &mut A, u: A::V, v: A::V) -> A::V {
    let ((x, y), (c, d)) = (full(a, u), full(a, v));
    let minus = a.neg(y);
    a.rule(Op::ProductIm, &[x, minus, c, d])
}

pub(super) fn asin<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (below, above) = roots(a, args[0]);
    let x = parts(a, args[0]).0;
    let product = mul(a, &[below, above]);
    let product = parts(a, product).0;
    let re = a.binary(Op::Atan2, x, product);
    let im = crossed(a, below, above);
    let im = real_asinh(a, im);
    let near = pair(a, re, im);
    // The angle from the imaginary axis, and the logarithm of twice the number.
    let is_far = is_far(a, args[0]);
    let (below, height, log) = from_afar(a, args[0], is_far);
    let (re, im) = (a.binary(Op::Atan2, x, height), negated_if(a, below, log));
    let far = pair(a, re, im);
    far_or_near(a, is_far, far, near)
}

pub(super) fn acos<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (below, above) = roots(a, args[0]);
    let (y, x) = (parts(a, below).0, parts(a, above).0);
    let (half, two) = (a.binary(Op::Atan2, y, x), a.number(2.0));
    let re = a.mul(half, two);
    let im = crossed(a, above, below);
    let im = real_asinh(a, im);
    let near = pair(a, re, im);
    // The angle from the real axis, and the logarithm of twice the number.
    let (x, _) = full(a, args[0]);
    let is_far = is_far(a, args[0]);
    let (below, height, log) = from_afar(a, args[0], is_far);
    let (re, im) = (a.binary(Op::Atan2, height, x), negated_if(a, below, log));
    let im = a.neg(im);
    let far = pair(a, re, im);
    far_or_near(a, is_far, far, near)
}

pub(super) fn acosh<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let one = a.number(1.0);
    let (below, above) = (sub(a, &[args[0], one]), add(a, &[args[0], one]));
    let (below, above) = (sqrt(a, &[below]), sqrt(a, &[above]));
    let ((x, y), (c, d)) = (full(a, below), full(a, above));
    let minus = a.neg(y);
    let re = a.rule(Op::ProductRe, &[x, minus, c, d]);
    let re = real_asinh(a, re);
    let (half, two) = (a.binary(Op::Atan2, y, c), a.number(2.0));
    let im = a.mul(half, two);
    pair(a, re, im)
}

pub(super) fn asinh<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    rotated(a, args[0], asin)
}

/// `¼ log1p(4x/((1 − x)² + y²)) + ½ i · angle((1 − x)(1 + x) − y², 2y)`, for the size of x. Far out it is `1/z ± iπ/2`.
pub(super) fn atanh<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    let (x, y) = full(a, args[0]);
    let (one, two, four) = (a.number(1.0), a.number(2.0), a.number(4.0));
    let (half, quarter, zero) = (a.number(0.5), a.number(0.25), a.number(0.0));
    // Not the absolute value, which has no derivative at 0: there is no kink. A zero keeps its sign on the way.
    let (negative, opposite) = (a.lt(x, zero), a.neg(x));
    let size = a.select(negative, opposite, x);
    let (below, above) = (a.sub(one, size), a.add(one, size));
    let (below2, y2) = (a.mul(below, below), a.mul(y, y));
    let (distance, high) = (a.add(below2, y2), a.mul(size, four));
    let ratio = a.div(high, distance);
    let log = a.unary(Op::Log1p, ratio);
    let re = a.mul(log, quarter);
    let opposite = a.neg(re);
    let re = a.select(negative, opposite, re);
    // Of a zero beside a NaN the zero is left.
    let (none, unknown) = (a.eq(x, zero), a.ne(y, y));
    let none = a.and(none, unknown);
    let re = a.select(none, x, re);
    let product = a.mul(below, above);
    let (along, across) = (a.sub(product, y2), a.mul(y, two));
    let angle = a.binary(Op::Atan2, across, along);
    let im = a.mul(angle, half);
    let near = pair(a, re, im);
    let (re, down) = (a.binary(Op::OverSquare, x, y), a.binary(Op::OverSquare, y, x));
    let (below, quarter_turn) = (is_below(a, y), a.number(std::f64::consts::FRAC_PI_2));
    let turn = negated_if(a, below, quarter_turn);
    let im = a.sub(turn, down);
    let (is_far, far) = (is_far(a, args[0]), pair(a, re, im));
    far_or_near(a, is_far, far, near)
}

pub(super) fn atan<A: Algebra>(a: &mut A, args: &[A::V]) -> A::V {
    rotated(a, args[0], atanh)
}
