//! Reductions of vectors.

use nc_runtime::lanes::Lanes;

use super::conditions::{Kink, is_zero};
use super::{Bound, Lane, Op, OpInfo, Operand, Rule, ShapeError, Site, Syntax, Term};
use crate::graph::{Graph, Node, Shape, Type};
use crate::lower::arrays::{Form, Memory};
use crate::lower::record::Recorder;

/// `a₀b₀ + a₁b₁ + …`, from the left.
pub(super) fn dot_product<L: Lanes>(l: &L, terms: impl Iterator<Item = (Lane<L>, Lane<L>)>) -> L::F {
    terms.map(|(a, b)| l.mul(a.f(), b.f())).reduce(|a, b| l.add(a, b)).unwrap_or_else(|| l.f(0.0))
}

/// The same of arrays. Adding to −0 changes no bit of the first product.
fn dot_of_arrays(m: &Memory<'_>, a: &Form, b: &Form) -> Lane<Recorder> {
    let l = m.lanes();
    Lane::F(m.reduce(&[a, b], l.f(-0.0), |sum, elems| l.add(sum, l.mul(elems[0].f(), elems[1].f()))))
}

/// `value` where `active` holds, and elsewhere the number that changes no sum, as factor of a zero or as term.
pub(super) fn counting(g: &mut Graph, value: Node, active: Option<Node>) -> Node {
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
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let sum = args[0].elems.iter().map(|e| e.f()).reduce(|a, b| l.add(a, b));
        vec![Lane::F(sum.unwrap_or_else(|| l.f(0.0)))]
    }
    fn array(m: &Memory<'_>, _: u32, _: Type, _: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        // Adding to −0 changes no bit of the first element.
        let sum = m.reduce(args, l.f(-0.0), |sum, elems| l.add(sum, elems[0].f()));
        Form::Lanes(vec![Lane::F(sum)])
    }
    fn tangent(g: &mut Graph, _: &Site, _: usize, t: Node, _: Option<Node>) -> Term {
        Term::always(g.unary(Op::Sum, t))
    }
    fn adjoint(g: &mut Graph, site: &Site, _: usize, t: Node, _: Option<Node>) -> Term {
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
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        vec![Lane::F(dot_product(l, args[0].elems.iter().copied().zip(args[1].elems.iter().copied())))]
    }
    fn array(m: &Memory<'_>, _: u32, _: Type, _: &[Type], args: &[&Form]) -> Form {
        Form::Lanes(vec![dot_of_arrays(m, args[0], args[1])])
    }
    fn tangent(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
        let other = counting(g, site.args[1 - wrt], active);
        Term::always(g.binary(Op::Dot, t, other))
    }
    fn adjoint(g: &mut Graph, site: &Site, wrt: usize, t: Node, _: Option<Node>) -> Term {
        Term::always(g.mul(t, site.args[1 - wrt]))
    }
}

/// The Euclidean length.
pub struct Norm;
impl Rule for Norm {
    const INFO: OpInfo = OpInfo {
        name: "norm",
        syntax: Syntax::Call(&["norm"]),
        doc: "√(x₀² + x₁² + …), summed from the left, without scaling",
        bound: Bound::Composed("√ of the dot product with itself"),
        derivative: "x/norm x",
        kinks: "0 at the zero vector",
        domain: None,
        // The squares may underflow: the norm is 0 where the derivative is.
        kink: Some(Kink { text: "norm({0}) = 0", here: |a, _, norm| is_zero(a, norm) }),
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
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let square = dot_product(l, args[0].elems.iter().copied().zip(args[0].elems.iter().copied()));
        vec![Lane::F(l.sqrt(square))]
    }
    fn array(m: &Memory<'_>, _: u32, _: Type, _: &[Type], args: &[&Form]) -> Form {
        let square = dot_of_arrays(m, args[0], args[0]);
        Form::Lanes(vec![Lane::F(m.lanes().sqrt(square.f()))])
    }
    fn tangent(g: &mut Graph, site: &Site, _: usize, t: Node, active: Option<Node>) -> Term {
        let product = g.mul(t, site.args[0]);
        let product = counting(g, product, active);
        let along = g.unary(Op::Sum, product);
        let value = g.div(along, site.node);
        nonzero(g, site.node, value)
    }
    fn adjoint(g: &mut Graph, site: &Site, _: usize, t: Node, _: Option<Node>) -> Term {
        let direction = g.div(site.args[0], site.node);
        let value = g.mul(t, direction);
        nonzero(g, site.node, value)
    }
}

fn nonzero(g: &mut Graph, norm: Node, value: Node) -> Term {
    let zero = g.number(0.0);
    Term::guarded(g.binary(Op::Ne, norm, zero), value)
}
