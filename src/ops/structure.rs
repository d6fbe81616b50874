//! Operations that move elements without computing. They work on numbers and truth values alike.

use nc_runtime::lanes::Lanes;

use super::array::Arrays;
use super::{Algebra, Bound, Lane, Op, OpInfo, Rule, ShapeError, Site, Syntax, Term};
use crate::types::{Elem, Shape, Type};

const fn movement(name: &'static str, syntax: Syntax, doc: &'static str, derivative: &'static str) -> OpInfo {
    OpInfo {
        name,
        syntax,
        doc,
        bound: Bound::Exact,
        derivative,
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    }
}

/// The type of the result is part of the node.
fn typed_by_node(name: &str) -> Result<Type, ShapeError> {
    Err(ShapeError::new(format!("{name} carries its own type")))
}

fn zero<L: Lanes>(l: &L, elem: Elem) -> Lane<L> {
    match elem {
        Elem::Num => Lane::F(l.f(0.0)),
        Elem::Bool => Lane::M(l.m(false)),
    }
}

fn choose<L: Lanes>(l: &L, m: L::M, a: Lane<L>, b: Lane<L>) -> Lane<L> {
    match (a, b) {
        (Lane::F(a), Lane::F(b)) => Lane::F(l.select(m, a, b)),
        (a, b) => Lane::M(l.or(l.and(m, a.m()), l.and(l.not(m), b.m()))),
    }
}

/// A vector or matrix of the elements of all operands, one behind the other.
pub struct Pack;
impl Rule for Pack {
    const INFO: OpInfo = movement(
        "pack",
        Syntax::Internal,
        "a vector or matrix of the elements of all operands",
        "element by element",
    );
    const OPERANDS: Option<usize> = None;
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("pack")
    }
    fn fits(_: u32, ty: Type, args: &[Type]) -> bool {
        let elements: usize = args.iter().map(|arg| arg.len()).sum();
        elements == ty.len() && args.iter().all(|arg| arg.elem == ty.elem)
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        m.parts(ty.elem, args.iter().map(|arg| m.whole(arg)).collect())
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let first = offset(g, site, wrt);
        Term::always(g.place(t, first, site.ty.shape))
    }
    fn whole_tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        elem: Elem,
        tangents: &[Option<A::V>],
    ) -> Option<A::V> {
        let elems: Vec<A::V> = tangents
            .iter()
            .zip(&site.args)
            .map(|(t, &arg)| {
                let shape = g.shape(arg);
                t.unwrap_or_else(|| g.zero(Type { elem, shape }))
            })
            .collect();
        Some(g.pack(elem, site.ty.shape, &elems))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let (first, shape) = (offset(g, site, wrt), g.shape(site.args[wrt]));
        Term::always(g.slice(t, first, shape))
    }
}

/// Where the elements of an operand begin.
fn offset<A: Algebra>(g: &A, site: &Site<A::V>, wrt: usize) -> u32 {
    // Of nothing but scalars there may be many.
    if site.args.len() == site.ty.len() {
        return wrt as u32;
    }
    site.args[..wrt].iter().map(|&arg| g.shape(arg).len() as u32).sum()
}

/// Consecutive elements from an offset on.
pub struct Slice;
impl Rule for Slice {
    const INFO: OpInfo =
        movement("slice", Syntax::Internal, "consecutive elements from an offset on", "place");
    const OPERANDS: Option<usize> = Some(1);
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("slice")
    }
    fn fits(attr: u32, ty: Type, args: &[Type]) -> bool {
        attr as usize + ty.len() <= args[0].len() && args[0].elem == ty.elem
    }
    fn array<A: Arrays>(m: &A, attr: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        m.slice(&args[0], attr, ty.len() as u32)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.slice(t, site.attr, site.ty.shape))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let whole = g.shape(site.args[0]);
        Term::always(g.place(t, site.attr, whole))
    }
}

/// Zeros around the operand, which stands from an offset on.
pub struct Place;
impl Rule for Place {
    const INFO: OpInfo =
        movement("place", Syntax::Internal, "the operand from an offset on, zeros elsewhere", "slice");
    const OPERANDS: Option<usize> = Some(1);
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("place")
    }
    fn fits(attr: u32, ty: Type, args: &[Type]) -> bool {
        attr as usize + args[0].len() <= ty.len() && args[0].elem == ty.elem
    }
    fn array<A: Arrays>(m: &A, attr: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let nothing = zero(m.lanes(), ty.elem);
        let rest = ty.len() as u32 - attr - m.len(&args[0]);
        m.parts(ty.elem, vec![m.fill(nothing, attr), m.whole(&args[0]), m.fill(nothing, rest)])
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.place(t, site.attr, site.ty.shape))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let part = g.shape(site.args[0]);
        Term::always(g.slice(t, site.attr, part))
    }
}

/// The element (or row) of the first operand that the second counts to.
pub struct Gather;
impl Rule for Gather {
    const INFO: OpInfo =
        movement("gather", Syntax::Internal, "the element or row at an index known at run time", "scatter");
    const OPERANDS: Option<usize> = Some(2);
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("gather")
    }
    fn fits(_: u32, ty: Type, args: &[Type]) -> bool {
        args[0].elem == ty.elem && args[0].len().is_multiple_of(ty.len()) && args[1] == Type::NUM
    }
    fn work(args: &[Type], _: Type) -> usize {
        args[0].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let whole = m.stored(&args[0]);
        let index = m.scalar(&args[1]).f();
        let part = ty.len() as u32;
        let count = m.len(&args[0]) / part;
        if let Some(spot) = m.spot(ty.elem, index, count, part) {
            if part == 1 {
                return m.one(m.load_at(&whole, m.index(0), &spot));
            }
            let to = m.cells(ty.elem, part);
            m.each(part, |j| m.store(&to, 0, j, m.load_at(&whole, j, &spot)));
            return m.result(to);
        }
        // An index out of range fails its row in a check of its own; the first part, which then stands here, does not count.
        if part == 1 {
            let first = m.load(&whole, 0, m.index(0));
            let [found] = m.numbered(1, count, [first], |k, number, [found]| {
                let here = l.eq(index, number);
                [choose(l, here, m.load(&whole, 0, k), found)]
            });
            return m.one(found);
        }
        let to = m.cells(ty.elem, part);
        m.each(part, |j| m.store(&to, 0, j, m.load(&whole, 0, j)));
        m.numbered(1, count, [], |k, number, []| {
            let here = l.eq(index, number);
            let first = m.times(k, part);
            m.each(part, |j| {
                let element = m.load(&whole, 0, m.plus(first, j));
                m.store(&to, 0, j, choose(l, here, element, m.load(&to, 0, j)));
            });
            []
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        if wrt != 0 {
            return Term::Zero;
        }
        let ty = g.ty(t);
        let result = Type { elem: ty.elem, shape: site.ty.shape };
        Term::always(g.apply_typed(Op::Gather, 0, result, &[t, site.args[1]]))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        if wrt != 0 {
            return Term::Zero;
        }
        let result = Type { elem: g.ty(t).elem, shape: g.shape(site.args[0]) };
        Term::always(g.apply_typed(Op::Scatter, 0, result, &[t, site.args[1]]))
    }
}

/// Zeros but for the first operand, which stands at the element (or row) that the second counts to.
pub struct Scatter;
impl Rule for Scatter {
    const INFO: OpInfo = movement(
        "scatter",
        Syntax::Internal,
        "zeros but for one element or row at a run-time index",
        "gather",
    );
    const OPERANDS: Option<usize> = Some(2);
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("scatter")
    }
    fn fits(_: u32, ty: Type, args: &[Type]) -> bool {
        args[0].elem == ty.elem && ty.len().is_multiple_of(args[0].len()) && args[1] == Type::NUM
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let index = m.scalar(&args[1]).f();
        let len = m.len(&args[0]);
        let to = m.cells(ty.elem, ty.len() as u32);
        let part = m.stored(&args[0]);
        if let Some(spot) = m.spot(ty.elem, index, ty.len() as u32 / len, len) {
            m.each(ty.len() as u32, |k| m.store(&to, 0, k, zero(l, ty.elem)));
            part_at(m, len, |j| m.store_at(&to, j, &spot, m.load(&part, 0, j)));
            return m.result(to);
        }
        m.numbered(0, ty.len() as u32 / len, [], |k, number, []| {
            let here = l.eq(index, number);
            let first = m.times(k, len);
            m.each(len, |j| {
                let element = choose(l, here, m.load(&part, 0, j), zero(l, ty.elem));
                m.store(&to, 0, m.plus(first, j), element);
            });
            []
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        if wrt != 0 {
            return Term::Zero;
        }
        let result = Type { elem: g.ty(t).elem, shape: site.ty.shape };
        Term::always(g.apply_typed(Op::Scatter, 0, result, &[t, site.args[1]]))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        if wrt != 0 {
            return Term::Zero;
        }
        let result = Type { elem: g.ty(t).elem, shape: g.shape(site.args[0]) };
        Term::always(g.apply_typed(Op::Gather, 0, result, &[t, site.args[1]]))
    }
}

/// `body` for each element of a part.
fn part_at<A: Arrays>(m: &A, len: u32, mut body: impl FnMut(A::Index)) {
    match len {
        1 => body(m.index(0)),
        len => m.each(len, body),
    }
}

/// The first operand with the second in place of the element (or row) that the third counts to; as it is where that counts to none.
pub struct Update;
impl Rule for Update {
    const INFO: OpInfo = movement(
        "update",
        Syntax::Internal,
        "a value with another element or row at an index known at run time",
        "update, gather",
    );
    const OPERANDS: Option<usize> = Some(3);
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("update")
    }
    fn fits(_: u32, ty: Type, args: &[Type]) -> bool {
        args[0] == ty
            && args[1].elem == ty.elem
            && ty.len().is_multiple_of(args[1].len())
            && args[2] == Type::NUM
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let index = m.scalar(&args[2]).f();
        let len = m.len(&args[1]);
        let count = ty.len() as u32 / len;
        let part = |part: &A::Cells, j: A::Index| m.load(part, 0, j);
        if let Some(spot) = m.spot(ty.elem, index, count, len) {
            let to = m.copied(&args[0]);
            if len == 1 {
                m.store_at(&to, m.index(0), &spot, m.scalar(&args[1]));
            } else {
                let new = m.stored(&args[1]);
                m.each(len, |j| m.store_at(&to, j, &spot, part(&new, j)));
            }
            return m.result(to);
        }
        let (whole, new) = (m.stored(&args[0]), m.stored(&args[1]));
        let to = m.cells(ty.elem, ty.len() as u32);
        m.numbered(0, count, [], |k, number, []| {
            let here = l.eq(index, number);
            let first = m.times(k, len);
            m.each(len, |j| {
                let at = m.plus(first, j);
                m.store(&to, 0, at, choose(l, here, part(&new, j), m.load(&whole, 0, at)));
            });
            []
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let elem = g.ty(t).elem;
        match wrt {
            0 => Term::always(without(g, site, t)),
            1 => {
                let result = Type { elem, shape: site.ty.shape };
                Term::always(g.apply_typed(Op::Scatter, 0, result, &[t, site.args[2]]))
            }
            _ => Term::Zero,
        }
    }
    fn whole_tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        elem: Elem,
        tangents: &[Option<A::V>],
    ) -> Option<A::V> {
        let [whole, part] = [0, 1].map(|k| {
            let shape = g.shape(site.args[k]);
            tangents[k].unwrap_or_else(|| g.zero(Type { elem, shape }))
        });
        let result = Type { elem, shape: site.ty.shape };
        Some(g.apply_typed(Op::Update, 0, result, &[whole, part, site.args[2]]))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        match wrt {
            0 => Term::always(without(g, site, t)),
            1 => {
                let result = Type { elem: g.ty(t).elem, shape: g.shape(site.args[1]) };
                Term::always(g.apply_typed(Op::Gather, 0, result, &[t, site.args[2]]))
            }
            _ => Term::Zero,
        }
    }
}

/// A tangent or cotangent of an update's result with zeros where the part stands.
fn without<A: Algebra>(g: &mut A, site: &Site<A::V>, t: A::V) -> A::V {
    let (ty, shape) = (g.ty(t), g.shape(site.args[1]));
    let nothing = g.zero(Type { elem: ty.elem, shape });
    g.apply_typed(Op::Update, 0, ty, &[t, nothing, site.args[2]])
}

/// A scalar in every element.
pub struct Fill;
impl Rule for Fill {
    const INFO: OpInfo = movement("fill", Syntax::Internal, "a scalar in every element", "sum");
    const OPERANDS: Option<usize> = Some(1);
    const MOVES: bool = true;

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        typed_by_node("fill")
    }
    fn fits(_: u32, ty: Type, args: &[Type]) -> bool {
        args[0].is_scalar() && args[0].elem == ty.elem
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        m.fill(m.scalar(&args[0]), ty.len() as u32)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.fill(t, site.ty.shape))
    }
    fn adjoint<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(t)
    }
}

/// Rows become columns.
pub struct Transpose;
impl Rule for Transpose {
    const INFO: OpInfo =
        movement("transpose", Syntax::Call(&["transpose"]), "rows become columns", "transpose");
    const OPERANDS: Option<usize> = Some(1);
    const MOVES: bool = true;

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match args[0].shape {
            Shape::Matrix(n, m) => Ok(Type { elem: args[0].elem, shape: Shape::Matrix(m, n) }),
            other => Err(ShapeError::at(0, format!("transpose of {other}: a matrix is needed"))),
        }
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        m.transposed(&args[0])
    }
    fn tangent<A: Algebra>(g: &mut A, _: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.unary(Op::Transpose, t))
    }
    fn adjoint<A: Algebra>(g: &mut A, _: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(g.unary(Op::Transpose, t))
    }
}
