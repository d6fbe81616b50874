//! Reductions of vectors.

use nc_runtime::lanes::{Lanes, Precision};

use super::array::{Arrays, Number};
use super::conditions::{Condition, Kink};
use super::{Algebra, Bound, LARGE, Lane, Op, OpInfo, Rule, ShapeError, Site, Syntax, Term};
use crate::types::{Elem, Shape, Type};

/// `a₀b₀ + a₁b₁ + …`, from the left. Adding to −0 changes no bit of the first product.
fn dot_product<A: Arrays>(m: &A, a: &A::Operand, b: &A::Operand) -> Number<A> {
    let l = m.lanes();
    m.reduce([a, b], Lane::F(l.f(-0.0)), |sum, [x, y]| Lane::F(l.add(sum.f(), l.mul(x.f(), y.f())))).f()
}

/// `value` where `active` holds, and elsewhere the number that changes no sum, as factor of a zero or as term.
pub(super) fn counting<A: Algebra>(g: &mut A, value: A::V, active: Option<A::V>) -> A::V {
    match active {
        Some(active) => {
            let nothing = g.number(-0.0);
            g.select(active, value, nothing)
        }
        None => value,
    }
}

/// The sum of all elements.
pub struct Sum;
impl Rule for Sum {
    const INFO: OpInfo = OpInfo {
        name: "sum",
        syntax: Syntax::Call(&["vsum"]),
        doc: "sum of the elements, from the left",
        bound: Bound::Composed("n − 1 additions"),
        derivative: "1 for each element",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match args[0].shape {
            Shape::Scalar => Err(ShapeError::at(0, "vsum of a scalar: a vector or matrix is needed")),
            // Of the parts of a complex number in derivatives only: in the language it is not one value among others.
            Shape::Complex | Shape::Vector(_) | Shape::Matrix(..) => Ok(Type::NUM),
        }
    }
    fn work(args: &[Type], _: Type) -> usize {
        2 * args[0].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        // Adding to −0 changes no bit of the first element.
        m.one(m.reduce([&args[0]], Lane::F(l.f(-0.0)), |sum, [x]| Lane::F(l.add(sum.f(), x.f()))))
    }
    fn tangent<A: Algebra>(g: &mut A, _: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.unary(Op::Sum, t))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let shape = g.shape(site.args[0]);
        Term::always(g.fill(t, shape))
    }
}

/// The inner product.
pub struct Dot;
impl Rule for Dot {
    const INFO: OpInfo = OpInfo {
        name: "dot",
        syntax: Syntax::Call(&["dot"]),
        doc: "inner product, summed from the left",
        bound: Bound::Composed("n multiplications, n − 1 additions"),
        derivative: "b, a",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match (args[0].shape, args[1].shape) {
            (Shape::Vector(n), Shape::Vector(m)) if n == m => Ok(Type::NUM),
            (a, b) => {
                Err(ShapeError::new(format!("dot of {a} and {b}: two vectors of one length are needed")))
            }
        }
    }
    fn work(args: &[Type], _: Type) -> usize {
        2 * args[0].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        m.one(Lane::F(dot_product(m, &args[0], &args[1])))
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let other = counting(g, site.args[1 - wrt], active);
        Term::always(g.binary(Op::Dot, t, other))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.mul(t, site.args[1 - wrt]))
    }
}

/// The Euclidean length.
pub struct Norm;
impl Rule for Norm {
    const INFO: OpInfo = OpInfo {
        name: "norm",
        syntax: Syntax::Call(&["norm"]),
        doc: "√(x₀² + x₁² + …), summed from the left, without spurious overflow",
        bound: Bound::Composed("√ of the dot product with itself"),
        derivative: "x/norm x",
        kinks: "0 at the zero vector",
        domain: None,
        kink: Some(Kink { text: "norm({0}) = 0", here: Condition::ZeroResult }),
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match args[0].shape {
            Shape::Scalar => {
                Err(ShapeError::at(0, "norm of a scalar: a vector is needed (abs takes scalars)"))
            }
            Shape::Complex => {
                Err(ShapeError::at(0, "norm of a complex: a vector is needed (magnitude takes numbers)"))
            }
            Shape::Vector(_) | Shape::Matrix(..) => Ok(Type::NUM),
        }
    }
    fn work(args: &[Type], _: Type) -> usize {
        2 * args[0].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let square = dot_product(m, &args[0], &args[0]);
        // Squares that overflow, or vanish beside a sum this small, are summed again, of elements times a power of two.
        let (least, by) = match l.precision() {
            Precision::Double => (-960, 600),
            Precision::Single => (-100, 90),
        };
        let (down, up) = (l.f(2f64.powi(-by)), l.f(2f64.powi(by)));
        let over = l.eq(square, l.f(f64::INFINITY));
        let under = l.lt(square, l.f(2f64.powi(least)));
        let beyond = l.or(over, under);
        // Beside a long loop a second one would be in the way of every row, if only to be left out.
        if m.len(&args[0]) as usize > LARGE && !l.complete() {
            l.outside(beyond);
            return m.one(Lane::F(l.sqrt(square)));
        }
        let factor = l.select(over, down, up);
        let sum = m.cells(Elem::Num, 1);
        let first = m.index(0);
        m.store(&sum, 0, first, Lane::F(square));
        m.between_if(first, m.index(1), beyond, |k| {
            let scaled = m.reduce([&args[0]], Lane::F(l.f(-0.0)), |sum, [x]| {
                let x = l.mul(x.f(), factor);
                Lane::F(l.add(sum.f(), l.mul(x, x)))
            });
            m.store(&sum, 0, k, Lane::F(l.select(beyond, scaled.f(), square)));
        });
        let root = l.sqrt(m.load(&sum, 0, first).f());
        let unscaled = l.mul(root, l.select(over, up, down));
        m.one(Lane::F(l.select(beyond, unscaled, root)))
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        _: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let product = g.mul(t, site.args[0]);
        let product = counting(g, product, active);
        let along = g.unary(Op::Sum, product);
        let value = g.div(along, site.node);
        nonzero(g, site.node, value)
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let direction = g.div(site.args[0], site.node);
        let value = g.mul(t, direction);
        nonzero(g, site.node, value)
    }
}

fn nonzero<A: Algebra>(g: &mut A, norm: A::V, value: A::V) -> Term<A::V> {
    let zero = g.number(0.0);
    Term::guarded(g.ne(norm, zero), value)
}

/// The square of a Euclidean length, of which the derivative is one of the vector: there is no kink at 0.
pub struct NormSquare;
impl Rule for NormSquare {
    const INFO: OpInfo = OpInfo {
        name: "norm-square",
        syntax: Syntax::Internal,
        doc: "y², y being the norm of x",
        bound: Bound::Composed("the square of the norm"),
        derivative: "2x, nothing by y",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        if args[1].shape != Shape::Scalar {
            return Err(ShapeError::at(1, "norm-square: a norm is a scalar"));
        }
        Norm::result_type(&args[..1])
    }
    fn work(_: &[Type], _: Type) -> usize {
        1
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        let norm = m.scalar(&args[1]).f();
        m.one(Lane::F(m.lanes().mul(norm, norm)))
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 1 {
            return Term::Zero;
        }
        let two = g.number(2.0);
        let twice = g.mul(site.args[0], two);
        let product = g.mul(t, twice);
        let product = counting(g, product, active);
        Term::always(g.unary(Op::Sum, product))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        if wrt == 1 {
            return Term::Zero;
        }
        let two = g.number(2.0);
        let twice = g.mul(site.args[0], two);
        Term::always(g.mul(t, twice))
    }
}
