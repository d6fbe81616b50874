//! Complex numbers: pairs of real numbers from the first stage on.
//!
//! A complex value is a value of shape [`Shape::Complex`], the real part before the imaginary one. An operation that is
//! defined for complex numbers says in its entry (`Rule::COMPLEX`) which real operations its parts are; so graphs,
//! derivatives, lanes and interpreters know real operations only. The operations of this family are those that a pair
//! needs and real programs do not have: they compute one part each, and their recipes share what they have in common.
//!
//! Principal branches everywhere, and signed zeros tell the sides of a branch cut (W. Kahan, "Branch cuts for complex
//! elementary functions", 1987). A real operand is a number without an imaginary part, not one whose imaginary part is +0.

use nc_runtime::lanes::Lanes;
use nc_runtime::recipes::full_range::Number;
use nc_runtime::recipes::{complex, full_range, hyperbolic, trig};

use super::conditions::{Domain, compare, is_zero};
use super::primitives::{Algebra, Arity, PrimitiveInfo, sugar};
use super::{Bound, Numeric, Op, OpInfo, ShapeError, Syntax, Term, numeric_rules};
use crate::graph::{Graph, Node, Shape, Type};

/// The value of an operation some of whose operands are complex; the others are real scalars.
pub type ComplexRule = fn(&mut dyn Algebra, &[Node]) -> Result<Node, ShapeError>;

type Value = Result<Node, ShapeError>;

numeric_rules!(2: ExpCos ExpSin LogHypot RootRe RootIm TanhRe TanhIm);
numeric_rules!(3: PowRe PowIm);
numeric_rules!(4: ProductRe ProductIm QuotientRe QuotientIm);

const fn part(name: &'static str, doc: &'static str, bound: Bound, derivative: &'static str) -> OpInfo {
    OpInfo { name, syntax: Syntax::Internal, doc, bound, derivative, kinks: "", domain: None, kink: None }
}

const POLAR: Bound = Bound::Composed("pow of the magnitude, sine and cosine of w times the angle");
const NORM: Bound = Bound::Composed("4 ε of the magnitude");

/// `Re e^(x + iy)`.
pub struct ExpCos;
impl Numeric<2> for ExpCos {
    const INFO: OpInfo = part("exp-cos", "e^x · cos y", Bound::Ulp(3.0), "e^x · cos y, −e^x · sin y");
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::exp_cos(l, x, y)
    }
    fn full_range<F: Number>([x, y]: [F; 2]) -> F {
        full_range::exp_cos(x, y)
    }
    fn scale(g: &mut Graph, [x, y]: [Node; 2], here: Node, wrt: usize, t: Node) -> Term {
        if wrt == 0 {
            return Term::always(g.mul(t, here));
        }
        let sine = g.binary(Op::ExpSin, x, y);
        let product = g.mul(t, sine);
        Term::always(g.unary(Op::Neg, product))
    }
}

/// `Im e^(x + iy)`.
pub struct ExpSin;
impl Numeric<2> for ExpSin {
    const INFO: OpInfo = part("exp-sin", "e^x · sin y", Bound::Ulp(3.0), "e^x · sin y, e^x · cos y");
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::exp_sin(l, x, y)
    }
    fn full_range<F: Number>([x, y]: [F; 2]) -> F {
        full_range::exp_sin(x, y)
    }
    fn scale(g: &mut Graph, [x, y]: [Node; 2], here: Node, wrt: usize, t: Node) -> Term {
        let slope = if wrt == 0 { here } else { g.binary(Op::ExpCos, x, y) };
        Term::always(g.mul(t, slope))
    }
}

/// `ln |x + iy|`.
pub struct LogHypot;
impl Numeric<2> for LogHypot {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("{0} ≠ 0 or {1} ≠ 0", |a, x, _| {
            let (re, im) = (is_zero(a, x[0]), is_zero(a, x[1]));
            compare(a, Op::And, re, im)
        })),
        ..part("log-hypot", "ln √(x² + y²)", Bound::Ulp(2.0), "x/(x² + y²), y/(x² + y²)")
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::log_hypot(l, x, y)
    }
    fn scale(g: &mut Graph, [x, y]: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        // As for the angle, with which it shares the radius and the direction.
        let radius = g.binary(Op::Hypot, y, x);
        let scaled = g.div(t, radius);
        let direction = g.div(if wrt == 0 { x } else { y }, radius);
        Term::always(g.mul(scaled, direction))
    }
}

/// `Re √(x + iy)`.
pub struct RootRe;
impl Numeric<2> for RootRe {
    const INFO: OpInfo =
        part("root-re", "real part of √(x + iy)", Bound::Ulp(2.0), "Re 1/(2√(x + iy)), −Im 1/(2√(x + iy))");
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::root_re(l, x, y)
    }
    fn scale(g: &mut Graph, [x, y]: [Node; 2], here: Node, wrt: usize, t: Node) -> Term {
        let other = g.binary(Op::RootIm, x, y);
        let (re, im) = half_reciprocal(g, here, other);
        let product = g.mul(t, if wrt == 0 { re } else { im });
        Term::always(if wrt == 0 { product } else { g.unary(Op::Neg, product) })
    }
}

/// `Im √(x + iy)`.
pub struct RootIm;
impl Numeric<2> for RootIm {
    const INFO: OpInfo = part(
        "root-im",
        "imaginary part of √(x + iy)",
        Bound::Ulp(2.0),
        "Im 1/(2√(x + iy)), Re 1/(2√(x + iy))",
    );
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        complex::root_im(l, x, y)
    }
    fn scale(g: &mut Graph, [x, y]: [Node; 2], here: Node, wrt: usize, t: Node) -> Term {
        let other = g.binary(Op::RootRe, x, y);
        let (re, im) = half_reciprocal(g, other, here);
        Term::always(g.mul(t, if wrt == 0 { im } else { re }))
    }
}

/// The parts of `1/(2(x + iy))`.
fn half_reciprocal(g: &mut Graph, x: Node, y: Node) -> (Node, Node) {
    let (half, zero) = (g.number(0.5), g.number(0.0));
    let args = [half, zero, x, y];
    (g.rule(Op::QuotientRe, &args), g.rule(Op::QuotientIm, &args))
}

/// `Re tanh(x + iy)`.
pub struct TanhRe;
impl Numeric<2> for TanhRe {
    const INFO: OpInfo =
        part("tanh-re", "real part of tanh(x + iy)", NORM, "Re 1/cosh²(x + iy), −Im 1/cosh²(x + iy)");
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        hyperbolic::complex_tanh(l, x, trig::sincos(l, y)).0
    }
    fn full_range<F: Number>([x, y]: [F; 2]) -> F {
        hyperbolic::complex_tanh(&F::Lane::default(), x, full_range::sincos(y)).0
    }
    fn scale(g: &mut Graph, args: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        let (re, im) = tanh_slope(g, args);
        let product = g.mul(t, if wrt == 0 { re } else { im });
        Term::always(if wrt == 0 { product } else { g.unary(Op::Neg, product) })
    }
}

/// `Im tanh(x + iy)`.
pub struct TanhIm;
impl Numeric<2> for TanhIm {
    const INFO: OpInfo =
        part("tanh-im", "imaginary part of tanh(x + iy)", NORM, "Im 1/cosh²(x + iy), Re 1/cosh²(x + iy)");
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        hyperbolic::complex_tanh(l, x, trig::sincos(l, y)).1
    }
    fn full_range<F: Number>([x, y]: [F; 2]) -> F {
        hyperbolic::complex_tanh(&F::Lane::default(), x, full_range::sincos(y)).1
    }
    fn scale(g: &mut Graph, args: [Node; 2], _: Node, wrt: usize, t: Node) -> Term {
        let (re, im) = tanh_slope(g, args);
        Term::always(g.mul(t, if wrt == 0 { im } else { re }))
    }
}

/// The parts of `1/cosh²(x + iy)`: 1 − tanh² would cancel where tanh is near ±1.
fn tanh_slope(g: &mut Graph, [x, y]: [Node; 2]) -> (Node, Node) {
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

/// `Re (x + iy)^w` for a real w.
pub struct PowRe;
impl Numeric<3> for PowRe {
    const INFO: OpInfo =
        part("pow-re", "real part of (x + iy)^c", POLAR, "those of p = z^c: c·z^(c−1), and p·log z by c");
    fn lanes<L: Lanes>(l: &L, [x, y, w]: [L::F; 3]) -> L::F {
        let (magnitude, angle) = complex::power_polar(l, x, y, w);
        complex::from_polar(l, magnitude, trig::sincos(l, angle)).0
    }
    fn full_range<F: Number>([x, y, w]: [F; 3]) -> F {
        let l = &F::Lane::default();
        let (magnitude, angle) = complex::power_polar(l, x, y, w);
        complex::from_polar(l, magnitude, full_range::sincos(angle)).0
    }
    fn scale(g: &mut Graph, args: [Node; 3], _: Node, wrt: usize, t: Node) -> Term {
        let (re, im, counts) = power_slope(g, args, wrt);
        let value = g.mul(t, if wrt == 1 { im } else { re });
        Term::guarded(counts, if wrt == 1 { g.unary(Op::Neg, value) } else { value })
    }
}

/// `Im (x + iy)^w` for a real w.
pub struct PowIm;
impl Numeric<3> for PowIm {
    const INFO: OpInfo = part(
        "pow-im",
        "imaginary part of (x + iy)^c",
        POLAR,
        "those of p = z^c: c·z^(c−1), and p·log z by c",
    );
    fn lanes<L: Lanes>(l: &L, [x, y, w]: [L::F; 3]) -> L::F {
        let (magnitude, angle) = complex::power_polar(l, x, y, w);
        complex::from_polar(l, magnitude, trig::sincos(l, angle)).1
    }
    fn full_range<F: Number>([x, y, w]: [F; 3]) -> F {
        let l = &F::Lane::default();
        let (magnitude, angle) = complex::power_polar(l, x, y, w);
        complex::from_polar(l, magnitude, full_range::sincos(angle)).1
    }
    fn scale(g: &mut Graph, args: [Node; 3], _: Node, wrt: usize, t: Node) -> Term {
        let (re, im, counts) = power_slope(g, args, wrt);
        Term::guarded(counts, g.mul(t, if wrt == 1 { re } else { im }))
    }
}

/// The parts of the derivative of `z^w` by `z` (0 and 1) or `w` (2), and where it counts.
fn power_slope(g: &mut Graph, [x, y, w]: [Node; 3], wrt: usize) -> (Node, Node, Node) {
    let (zero, one) = (g.number(0.0), g.number(1.0));
    if wrt == 2 {
        let args = [
            g.binary(Op::LogHypot, x, y),
            g.binary(Op::Atan2, y, x),
            g.rule(Op::PowRe, &[x, y, w]),
            g.rule(Op::PowIm, &[x, y, w]),
        ];
        let radius = g.binary(Op::Hypot, x, y);
        let somewhere = g.binary(Op::Ne, radius, zero);
        return (g.rule(Op::ProductRe, &args), g.rule(Op::ProductIm, &args), somewhere);
    }
    let less = g.sub(w, one);
    let args = [x, y, less];
    let (re, im) = (g.rule(Op::PowRe, &args), g.rule(Op::PowIm, &args));
    (g.mul(w, re), g.mul(w, im), g.binary(Op::Ne, w, zero))
}

/// `Re (a + ib)(c + id)`.
pub struct ProductRe;
impl Numeric<4> for ProductRe {
    const INFO: OpInfo = part("product-re", "ac − bd", NORM, "c, −d, a, −b");
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::product_re(l, a, b, c, d)
    }
    fn scale(g: &mut Graph, args: [Node; 4], _: Node, wrt: usize, t: Node) -> Term {
        let product = g.mul(t, args[(wrt + 2) % 4]);
        Term::always(if matches!(wrt, 0 | 2) { product } else { g.unary(Op::Neg, product) })
    }
}

/// `Im (a + ib)(c + id)`.
pub struct ProductIm;
impl Numeric<4> for ProductIm {
    const INFO: OpInfo = part("product-im", "ad + bc", NORM, "d, c, b, a");
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::product_im(l, a, b, c, d)
    }
    fn scale(g: &mut Graph, args: [Node; 4], _: Node, wrt: usize, t: Node) -> Term {
        Term::always(g.mul(t, args[3 - wrt]))
    }
}

const DIVISOR: Domain = Domain::new("{2} ≠ 0 or {3} ≠ 0", |a, x, _| {
    let (re, im) = (is_zero(a, x[2]), is_zero(a, x[3]));
    compare(a, Op::And, re, im)
});

/// `Re (a + ib)/(c + id)`.
pub struct QuotientRe;
impl Numeric<4> for QuotientRe {
    const INFO: OpInfo = OpInfo {
        domain: Some(DIVISOR),
        ..part("quotient-re", "real part of (a + ib)/(c + id)", NORM, "those of q: 1/w, −q/w")
    };
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::quotient_re(l, a, b, c, d)
    }
    fn scale(g: &mut Graph, [a, b, c, d]: [Node; 4], here: Node, wrt: usize, t: Node) -> Term {
        let other = g.rule(Op::QuotientIm, &[a, b, c, d]);
        // A real function of a holomorphic one: its derivative by the imaginary part of an operand is −Im.
        let (re, im) = quotient_slope(g, (here, other), (c, d), wrt / 2);
        let product = g.mul(t, if matches!(wrt, 0 | 2) { re } else { im });
        Term::always(if matches!(wrt, 0 | 2) { product } else { g.unary(Op::Neg, product) })
    }
}

/// `Im (a + ib)/(c + id)`.
pub struct QuotientIm;
impl Numeric<4> for QuotientIm {
    const INFO: OpInfo = OpInfo {
        domain: Some(DIVISOR),
        ..part("quotient-im", "imaginary part of (a + ib)/(c + id)", NORM, "those of q: 1/w, −q/w")
    };
    fn lanes<L: Lanes>(l: &L, [a, b, c, d]: [L::F; 4]) -> L::F {
        complex::quotient_im(l, a, b, c, d)
    }
    fn scale(g: &mut Graph, [a, b, c, d]: [Node; 4], here: Node, wrt: usize, t: Node) -> Term {
        let other = g.rule(Op::QuotientRe, &[a, b, c, d]);
        let (re, im) = quotient_slope(g, (other, here), (c, d), wrt / 2);
        Term::always(g.mul(t, if matches!(wrt, 0 | 2) { im } else { re }))
    }
}

/// The complex derivative of `q = z/w` by `z` (0) or `w` (1): `1/w` or `−q/w`.
fn quotient_slope(g: &mut Graph, q: (Node, Node), (c, d): (Node, Node), operand: usize) -> (Node, Node) {
    let args = if operand == 0 {
        [g.number(1.0), g.number(0.0), c, d]
    } else {
        [g.unary(Op::Neg, q.0), g.unary(Op::Neg, q.1), c, d]
    };
    (g.rule(Op::QuotientRe, &args), g.rule(Op::QuotientIm, &args))
}

/// Names of the language for complex numbers.
pub(super) const PRIMITIVES: &[PrimitiveInfo] = &[
    sugar("complex", "make-rectangular", Arity::exactly(2), "x y", "the complex number x + iy", |a, args| {
        let (x, y) = (real(a, args, 0)?, real(a, args, 1)?);
        Ok(pair(a, x, y))
    }),
    sugar(
        "complex",
        "complex",
        Arity::exactly(1),
        "z",
        "z as a complex number: x + 0i of a real x",
        |a, args| {
            let z = number(a, args, 0)?;
            Ok(promoted(a, z))
        },
    ),
    sugar(
        "complex",
        "make-polar",
        Arity::exactly(2),
        "r t",
        "the complex number r · (cos t + i sin t)",
        |a, args| {
            let (r, t) = (real(a, args, 0)?, real(a, args, 1)?);
            let (cos, sin) = (a.apply(Op::Cos, &[t])?, a.apply(Op::Sin, &[t])?);
            let (re, im) = (a.apply(Op::Mul, &[r, cos])?, a.apply(Op::Mul, &[r, sin])?);
            Ok(pair(a, re, im))
        },
    ),
    sugar("complex", "real-part", Arity::exactly(1), "z", "real part", |a, args| {
        let z = number(a, args, 0)?;
        Ok(parts(a, z).0)
    }),
    sugar("complex", "imag-part", Arity::exactly(1), "z", "imaginary part; 0 of a real number", |a, args| {
        let z = number(a, args, 0)?;
        Ok(full(a, z).1)
    }),
    sugar(
        "complex",
        "magnitude",
        Arity::exactly(1),
        "z",
        "√(x² + y²) without spurious overflow; the absolute value of a real number",
        |a, args| {
            let z = number(a, args, 0)?;
            match parts(a, z) {
                (x, None) => a.apply(Op::Abs, &[x]),
                (x, Some(y)) => a.apply(Op::Hypot, &[x, y]),
            }
        },
    ),
    sugar("complex", "angle", Arity::exactly(1), "z", "angle of z, from −π to π", |a, args| {
        let z = number(a, args, 0)?;
        let (x, y) = full(a, z);
        a.apply(Op::Atan2, &[y, x])
    }),
    sugar("complex", "conjugate", Arity::exactly(1), "z", "x − iy", |a, args| {
        let z = number(a, args, 0)?;
        match parts(a, z) {
            (x, None) => Ok(x),
            (x, Some(y)) => {
                let y = a.apply(Op::Neg, &[y])?;
                Ok(pair(a, x, y))
            }
        }
    }),
];

/// Operand `k`, which has to be a real scalar.
fn real(a: &mut dyn Algebra, args: &[Node], k: usize) -> Value {
    let x = a.as_number(args[k]);
    match a.ty(x).shape {
        Shape::Scalar => Ok(x),
        other => {
            Err(ShapeError::at(k, format!("a part of a complex number is a real scalar, not a {other}")))
        }
    }
}

/// Operand `k`, which has to be a real scalar or a complex number.
fn number(a: &mut dyn Algebra, args: &[Node], k: usize) -> Value {
    let z = a.as_number(args[k]);
    match a.ty(z).shape {
        Shape::Scalar | Shape::Complex => Ok(z),
        other @ (Shape::Vector(_) | Shape::Matrix(..)) => {
            Err(ShapeError::at(k, format!("parts of a {other}: a complex number is needed")))
        }
    }
}

/// An operation whose operand `first` is complex.
pub(super) fn apply(a: &mut dyn Algebra, op: Op, args: &[Node], first: usize) -> Value {
    let name = match op.info().syntax {
        Syntax::Call(names) => names[0],
        Syntax::Internal | Syntax::Fold { .. } | Syntax::Chain(_) => op.info().name,
    };
    let other = args.iter().position(|&arg| !matches!(a.ty(arg).shape, Shape::Scalar | Shape::Complex));
    if let Some(k) = other {
        let shape = a.ty(args[k]).shape;
        return Err(ShapeError::at(k, format!("{name} of complex and {shape}: shapes differ")));
    }
    match op.complex() {
        Some(rule) => rule(a, args),
        None if op == Op::Abs => {
            Err(ShapeError::at(first, "abs of complex: it takes real numbers (magnitude takes complex ones)"))
        }
        None => Err(ShapeError::at(first, format!("{name} of complex: it takes real numbers"))),
    }
}

/// The complex number with these parts.
fn pair(a: &mut dyn Algebra, re: Node, im: Node) -> Node {
    a.apply_typed(Op::Pack, 0, Type::num(Shape::Complex), &[re, im])
}

/// The parts of a number; a real one has no imaginary part.
fn parts(a: &mut dyn Algebra, z: Node) -> (Node, Option<Node>) {
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
fn full(a: &mut dyn Algebra, z: Node) -> (Node, Node) {
    let (re, im) = parts(a, z);
    (re, im.unwrap_or_else(|| a.number(0.0)))
}

/// A number as a complex one.
fn promoted(a: &mut dyn Algebra, z: Node) -> Node {
    match parts(a, z) {
        (_, Some(_)) => z,
        (x, None) => {
            let zero = a.number(0.0);
            pair(a, x, zero)
        }
    }
}

/// `f` of the real parts, `g` of the imaginary ones.
fn by_parts(a: &mut dyn Algebra, re: (Op, &[Node]), im: (Op, &[Node])) -> Value {
    let re = a.apply(re.0, re.1)?;
    let im = a.apply(im.0, im.1)?;
    Ok(pair(a, re, im))
}

pub(super) fn add(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let ((x, u), (y, v)) = (parts(a, args[0]), parts(a, args[1]));
    let re = a.apply(Op::Add, &[x, y])?;
    let im = match (u, v) {
        (Some(u), Some(v)) => a.apply(Op::Add, &[u, v])?,
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return Ok(re),
    };
    Ok(pair(a, re, im))
}

pub(super) fn sub(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let ((x, u), (y, v)) = (parts(a, args[0]), parts(a, args[1]));
    let re = a.apply(Op::Sub, &[x, y])?;
    let im = match (u, v) {
        (Some(u), Some(v)) => a.apply(Op::Sub, &[u, v])?,
        (Some(u), None) => u,
        (None, Some(v)) => a.apply(Op::Neg, &[v])?,
        (None, None) => return Ok(re),
    };
    Ok(pair(a, re, im))
}

pub(super) fn neg(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::Neg, &[x]), (Op::Neg, &[y]))
}

pub(super) fn mul(a: &mut dyn Algebra, args: &[Node]) -> Value {
    match (parts(a, args[0]), parts(a, args[1])) {
        ((x, Some(u)), (y, Some(v))) => {
            by_parts(a, (Op::ProductRe, &[x, u, y, v]), (Op::ProductIm, &[x, u, y, v]))
        }
        ((x, Some(u)), (s, None)) | ((s, None), (x, Some(u))) => {
            by_parts(a, (Op::Mul, &[x, s]), (Op::Mul, &[u, s]))
        }
        ((x, None), (y, None)) => a.apply(Op::Mul, &[x, y]),
    }
}

pub(super) fn div(a: &mut dyn Algebra, args: &[Node]) -> Value {
    match (full(a, args[0]), parts(a, args[1])) {
        ((x, u), (s, None)) => by_parts(a, (Op::Div, &[x, s]), (Op::Div, &[u, s])),
        ((x, u), (y, Some(v))) => {
            by_parts(a, (Op::QuotientRe, &[x, u, y, v]), (Op::QuotientIm, &[x, u, y, v]))
        }
    }
}

pub(super) fn equal(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let ((x, u), (y, v)) = (full(a, args[0]), full(a, args[1]));
    let (re, im) = (a.apply(Op::Eq, &[x, y])?, a.apply(Op::Eq, &[u, v])?);
    a.apply(Op::And, &[re, im])
}

pub(super) fn exp(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::ExpCos, &[x, y]), (Op::ExpSin, &[x, y]))
}

pub(super) fn log(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::LogHypot, &[x, y]), (Op::Atan2, &[y, x]))
}

/// The logarithm to a base whose natural logarithm is `unit`.
fn log_to(a: &mut dyn Algebra, z: Node, unit: f64) -> Value {
    let log = log(a, &[z])?;
    let unit = a.number(unit);
    a.apply(Op::Div, &[log, unit])
}

pub(super) fn log2(a: &mut dyn Algebra, args: &[Node]) -> Value {
    log_to(a, args[0], std::f64::consts::LN_2)
}

pub(super) fn log10(a: &mut dyn Algebra, args: &[Node]) -> Value {
    log_to(a, args[0], std::f64::consts::LN_10)
}

pub(super) fn sqrt(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::RootRe, &[x, y]), (Op::RootIm, &[x, y]))
}

/// `z^w`: by magnitude and angle for a real exponent, `exp(w log z)` for others; `0^w` is 0 for `Re w > 0` and 1 for
/// `w = 0`.
pub(super) fn pow(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    let (c, d) = match parts(a, args[1]) {
        (w, None) => return by_parts(a, (Op::PowRe, &[x, y, w]), (Op::PowIm, &[x, y, w])),
        (c, Some(d)) => (c, d),
    };
    let (log, angle) = (a.apply(Op::LogHypot, &[x, y])?, a.apply(Op::Atan2, &[y, x])?);
    let exponent = [log, angle, c, d];
    let (re, im) = (a.apply(Op::ProductRe, &exponent)?, a.apply(Op::ProductIm, &exponent)?);
    let (re, im) = (a.apply(Op::ExpCos, &[re, im])?, a.apply(Op::ExpSin, &[re, im])?);
    // log 0 is −∞, and its product with w need not be a number.
    let (zero, one) = (a.number(0.0), a.number(1.0));
    let none = [a.apply(Op::Eq, &[x, zero])?, a.apply(Op::Eq, &[y, zero])?];
    let none = a.apply(Op::And, &none)?;
    let constant = [a.apply(Op::Eq, &[c, zero])?, a.apply(Op::Eq, &[d, zero])?];
    let constant = a.apply(Op::And, &constant)?;
    let constant = a.apply(Op::And, &[none, constant])?;
    let vanishes = a.apply(Op::Lt, &[zero, c])?;
    let vanishes = a.apply(Op::And, &[none, vanishes])?;
    let mut result = [(re, one), (im, zero)];
    for (part, of_constant) in &mut result {
        let other = a.apply(Op::Select, &[vanishes, zero, *part])?;
        *part = a.apply(Op::Select, &[constant, *of_constant, other])?;
    }
    Ok(pair(a, result[0].0, result[1].0))
}

/// `f(x)·F(y)` and `g(x)·G(y)`, one of the factors a sine or cosine and the other hyperbolic.
fn products(a: &mut dyn Algebra, z: Node, re: [Op; 2], im: [Op; 2]) -> Value {
    let (x, y) = full(a, z);
    let (re, im) = (bounded_product(a, re, [x, y])?, bounded_product(a, im, [x, y])?);
    Ok(pair(a, re, im))
}

/// A product that is a zero where the sine is one, next to an infinite factor, too: on the axes.
fn bounded_product(a: &mut dyn Algebra, [f, g]: [Op; 2], [x, y]: [Node; 2]) -> Value {
    let factors = [a.apply(f, &[x])?, a.apply(g, &[y])?];
    let product = a.apply(Op::Mul, &factors)?;
    let (sine, other) = match [f, g].iter().position(|&op| op == Op::Sin) {
        Some(k) => (factors[k], factors[1 - k]),
        // A cosine is never 0.
        None => return Ok(product),
    };
    let (zero, infinity) = (a.number(0.0), a.number(f64::INFINITY));
    let (size, sign) = (a.apply(Op::Abs, &[other])?, a.apply(Op::Sign, &[other])?);
    let (beyond, on_axis) = (a.apply(Op::Eq, &[size, infinity])?, a.apply(Op::Eq, &[sine, zero])?);
    let both = a.apply(Op::And, &[beyond, on_axis])?;
    let signed = a.apply(Op::Mul, &[sine, sign])?;
    a.apply(Op::Select, &[both, signed, product])
}

pub(super) fn sin(a: &mut dyn Algebra, args: &[Node]) -> Value {
    products(a, args[0], [Op::Sin, Op::Cosh], [Op::Cos, Op::Sinh])
}

pub(super) fn cos(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let opposite = products(a, args[0], [Op::Cos, Op::Cosh], [Op::Sin, Op::Sinh])?;
    let (re, im) = full(a, opposite);
    let im = a.apply(Op::Neg, &[im])?;
    Ok(pair(a, re, im))
}

pub(super) fn sinh(a: &mut dyn Algebra, args: &[Node]) -> Value {
    products(a, args[0], [Op::Sinh, Op::Cos], [Op::Cosh, Op::Sin])
}

pub(super) fn cosh(a: &mut dyn Algebra, args: &[Node]) -> Value {
    products(a, args[0], [Op::Cosh, Op::Cos], [Op::Sinh, Op::Sin])
}

pub(super) fn tanh(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    by_parts(a, (Op::TanhRe, &[x, y]), (Op::TanhIm, &[x, y]))
}

/// `i z`.
fn times_i(a: &mut dyn Algebra, z: Node) -> Value {
    let (x, y) = full(a, z);
    let minus = a.apply(Op::Neg, &[y])?;
    Ok(pair(a, minus, x))
}

/// `f` of `iz`, divided by `i`.
fn rotated(a: &mut dyn Algebra, z: Node, f: fn(&mut dyn Algebra, &[Node]) -> Value) -> Value {
    let turned = times_i(a, z)?;
    let value = f(a, &[turned])?;
    let (x, y) = full(a, value);
    let minus = a.apply(Op::Neg, &[x])?;
    Ok(pair(a, y, minus))
}

pub(super) fn tan(a: &mut dyn Algebra, args: &[Node]) -> Value {
    rotated(a, args[0], tanh)
}

/// The inverse hyperbolic sine of a real number.
fn asinh(a: &mut dyn Algebra, t: Node) -> Value {
    let (zero, one) = (a.number(0.0), a.number(1.0));
    let size = a.apply(Op::Abs, &[t])?;
    let root = a.apply(Op::Hypot, &[one, size])?;
    let below = a.apply(Op::Add, &[one, root])?;
    let ratio = a.apply(Op::Div, &[size, below])?;
    let rest = a.apply(Op::Mul, &[size, ratio])?;
    let sum = a.apply(Op::Add, &[size, rest])?;
    let value = a.apply(Op::Log1p, &[sum])?;
    let (opposite, negative) = (a.apply(Op::Neg, &[value])?, a.apply(Op::Lt, &[t, zero])?);
    let signed = a.apply(Op::Select, &[negative, opposite, value])?;
    let none = a.apply(Op::Eq, &[t, zero])?;
    a.apply(Op::Select, &[none, t, signed])
}

/// `√(1 − z)` and `√(1 + z)`.
fn roots(a: &mut dyn Algebra, z: Node) -> Result<(Node, Node), ShapeError> {
    let one = a.number(1.0);
    let (below, above) = (a.apply(Op::Sub, &[one, z])?, a.apply(Op::Add, &[one, z])?);
    Ok((sqrt(a, &[below])?, sqrt(a, &[above])?))
}

/// `Im (conj(u)·v)`.
fn crossed(a: &mut dyn Algebra, u: Node, v: Node) -> Value {
    let ((x, y), (c, d)) = (full(a, u), full(a, v));
    let minus = a.apply(Op::Neg, &[y])?;
    a.apply(Op::ProductIm, &[x, minus, c, d])
}

pub(super) fn asin(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (below, above) = roots(a, args[0])?;
    let x = parts(a, args[0]).0;
    let product = mul(a, &[below, above])?;
    let product = parts(a, product).0;
    let re = a.apply(Op::Atan2, &[x, product])?;
    let im = crossed(a, below, above)?;
    let im = asinh(a, im)?;
    Ok(pair(a, re, im))
}

pub(super) fn acos(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (below, above) = roots(a, args[0])?;
    let (y, x) = (parts(a, below).0, parts(a, above).0);
    let (half, two) = (a.apply(Op::Atan2, &[y, x])?, a.number(2.0));
    let re = a.apply(Op::Mul, &[half, two])?;
    let im = crossed(a, above, below)?;
    let im = asinh(a, im)?;
    Ok(pair(a, re, im))
}

/// `¼ log1p(4x/((1 − x)² + y²)) + ½ i · angle((1 − x)(1 + x) − y², 2y)`, for the size of x.
fn atanh(a: &mut dyn Algebra, args: &[Node]) -> Value {
    let (x, y) = full(a, args[0]);
    let (one, two, four) = (a.number(1.0), a.number(2.0), a.number(4.0));
    let (half, quarter, zero) = (a.number(0.5), a.number(0.25), a.number(0.0));
    let size = a.apply(Op::Abs, &[x])?;
    let (below, above) = (a.apply(Op::Sub, &[one, size])?, a.apply(Op::Add, &[one, size])?);
    let (below2, y2) = (a.apply(Op::Mul, &[below, below])?, a.apply(Op::Mul, &[y, y])?);
    let (distance, high) = (a.apply(Op::Add, &[below2, y2])?, a.apply(Op::Mul, &[size, four])?);
    let ratio = a.apply(Op::Div, &[high, distance])?;
    let log = a.apply(Op::Log1p, &[ratio])?;
    let re = a.apply(Op::Mul, &[log, quarter])?;
    let (opposite, negative) = (a.apply(Op::Neg, &[re])?, a.apply(Op::Lt, &[x, zero])?);
    let re = a.apply(Op::Select, &[negative, opposite, re])?;
    let none = a.apply(Op::Eq, &[x, zero])?;
    let re = a.apply(Op::Select, &[none, x, re])?;
    let product = a.apply(Op::Mul, &[below, above])?;
    let (along, across) = (a.apply(Op::Sub, &[product, y2])?, a.apply(Op::Mul, &[y, two])?);
    let angle = a.apply(Op::Atan2, &[across, along])?;
    let im = a.apply(Op::Mul, &[angle, half])?;
    Ok(pair(a, re, im))
}

pub(super) fn atan(a: &mut dyn Algebra, args: &[Node]) -> Value {
    rotated(a, args[0], atanh)
}
