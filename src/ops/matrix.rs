//! Products, determinant and inverse of matrices.

use nc_runtime::lanes::Lanes;

use super::array::Arrays;
use super::conditions::{Condition, Domain};
use super::elimination::{self, BLOCK};
use super::vector::counting;
use super::{Algebra, Bound, LARGE, Lane, Op, OpInfo, Rule, ShapeError, Site, Syntax, Term};
use crate::types::{Elem, Shape, Type};

const fn product(
    name: &'static str,
    names: &'static [&'static str],
    doc: &'static str,
    derivative: &'static str,
) -> OpInfo {
    OpInfo {
        name,
        syntax: Syntax::Call(names),
        doc,
        bound: Bound::Composed("a dot product per element"),
        derivative,
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    }
}

/// Rows that a product with a vector works on at the same time: so many sums that the next addition to one does not wait for the last.
const ROWS: u32 = 8;

/// Matrix times vector.
pub struct Matvec;
impl Rule for Matvec {
    const INFO: OpInfo = product("matvec", &["matvec"], "matrix times vector", "t·vᵀ, Mᵀ·t");
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match (args[0].shape, args[1].shape) {
            (Shape::Matrix(n, m), Shape::Vector(k)) if m == k => Ok(Type::num(Shape::Vector(n))),
            (a, b) => Err(ShapeError::new(format!("matvec of {a} and {b}: mat n×m and vec m are needed"))),
        }
    }
    fn work(args: &[Type], _: Type) -> usize {
        2 * args[0].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (rows, inner) = m.shape(&args[0]).extents();
        let (matrix, (down, across)) = &m.matrix(&args[0]);
        let vector = &m.stored(&args[1]);
        let to = m.cells(ty.elem, rows);
        m.blocks(rows, ROWS, |row, count| {
            let first = m.times(row, *down);
            let sums = m.sums(
                m.index(0),
                m.index(inner),
                count,
                |_| l.f(-0.0),
                |k| {
                    let factor = m.load(vector, 0, k).f();
                    let here = m.plus(first, m.times(k, *across));
                    move |j, sum| l.add(sum, l.mul(m.load(matrix, j * down, here).f(), factor))
                },
            );
            (0..count).zip(sums).for_each(|(j, sum)| m.store(&to, j, row, Lane::F(sum)));
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 0 {
            rows_by_vector(g, t, active, site.args[1])
        } else {
            matrix_by_part(g, site.args[0], t, active)
        }
    }
    fn adjoint<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 0 {
            let edge = active.map(|a| every_column(g, a, site.args[1]));
            return Term::Value { value: g.binary(Op::Outer, t, site.args[1]), edge };
        }
        let transposed = g.unary(Op::Transpose, site.args[0]);
        matrix_by_part(g, transposed, t, active)
    }
}

/// Matrix times matrix.
pub struct Matmul;
impl Rule for Matmul {
    const INFO: OpInfo = product("matmul", &["matmul"], "matrix times matrix", "t·Bᵀ, Aᵀ·t");
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match (args[0].shape, args[1].shape) {
            (Shape::Matrix(n, k), Shape::Matrix(j, m)) if k == j => Ok(Type::num(Shape::Matrix(n, m))),
            (a, b) => Err(ShapeError::new(format!("matmul of {a} and {b}: mat n×k and mat k×m are needed"))),
        }
    }
    fn work(args: &[Type], ty: Type) -> usize {
        2 * ty.len() * extents(args[0].shape).1
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (rows, columns) = ty.shape.extents();
        let (_, inner) = m.shape(&args[0]).extents();
        let [(a, a_step), (b, b_step)] = &[m.matrix(&args[0]), m.matrix(&args[1])];
        let to = m.cells(ty.elem, rows * columns);
        m.tiles((rows, columns), (2, BLOCK), |(row, height), (column, width)| {
            let first = m.times(row, a_step.0);
            let second = m.times(column, b_step.1);
            let sums = m.sums(
                m.index(0),
                m.index(inner),
                height * width,
                |_| l.f(-0.0),
                |k| {
                    let along = m.plus(first, m.times(k, a_step.1));
                    let across = m.plus(m.times(k, b_step.0), second);
                    let left = m.loads(a, height, a_step.0, along);
                    let right = m.loads(b, width, b_step.1, across);
                    move |j, sum| l.add(sum, l.mul(left(j / width).f(), right(j % width).f()))
                },
            );
            let place = m.plus(m.times(row, columns), column);
            let places = (0..height).flat_map(|i| (0..width).map(move |j| i * columns + j));
            places.zip(sums).for_each(|(at, sum)| m.store(&to, at, place, Lane::F(sum)));
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 0 {
            part_by_matrix(g, t, active, site.args[1])
        } else {
            matrix_by_part_matrix(g, site.args[0], t, active)
        }
    }
    fn adjoint<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let transposed = g.unary(Op::Transpose, site.args[1 - wrt]);
        if wrt == 0 {
            part_by_matrix(g, t, active, transposed)
        } else {
            matrix_by_part_matrix(g, transposed, t, active)
        }
    }
}

/// Matrix times matrix where only some elements of either count: operands are each matrix and the mask of what counts.
pub struct PartMatmul;
impl Rule for PartMatmul {
    const INFO: OpInfo = OpInfo {
        name: "part-matmul",
        syntax: Syntax::Internal,
        ..product("", &[], "matrix times matrix, of elements that count", "t·Bᵀ, Aᵀ·t")
    };
    const OPERANDS: Option<usize> = Some(4);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        if args[1] != Type::bool(args[0].shape) || args[3] != Type::bool(args[2].shape) {
            return Err(ShapeError::new("part-matmul: masks have the shapes of the matrices"));
        }
        Matmul::result_type(&[args[0], args[2]])
    }
    fn work(args: &[Type], ty: Type) -> usize {
        4 * ty.len() * extents(args[0].shape).1
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (rows, columns) = ty.shape.extents();
        let (_, inner) = m.shape(&args[0]).extents();
        let [a, some, b, others] = &std::array::from_fn(|k| m.stored(&args[k]));
        let to = m.cells(ty.elem, rows * columns);
        m.each(rows, |row| {
            m.blocks(columns, BLOCK, |column, count| {
                let first = m.times(row, inner);
                let sums = m.sums(
                    m.index(0),
                    m.index(inner),
                    count,
                    |_| l.f(-0.0),
                    |k| {
                        let along = m.plus(first, k);
                        let across = m.plus(m.times(k, columns), column);
                        let (x, counts) = (m.load(a, 0, along), m.load(some, 0, along));
                        move |j, sum| {
                            part_of_sum(l, sum, [x, counts, m.load(b, j, across), m.load(others, j, across)])
                        }
                    },
                );
                let place = m.plus(m.times(row, columns), column);
                (0..count).zip(sums).for_each(|(j, sum)| m.store(&to, j, place, Lane::F(sum)));
            });
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let mut args = [site.args[0], site.args[1], site.args[2], site.args[3]];
        if wrt % 2 == 1 {
            return Term::Zero;
        }
        args[wrt] = t;
        if let Some(active) = active {
            args[wrt + 1] = g.and(args[wrt + 1], active);
        }
        Term::always(g.rule(Op::PartMatmul, &args))
    }
    fn adjoint<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt % 2 == 1 {
            return Term::Zero;
        }
        let active = active.unwrap_or_else(|| everywhere(g, t));
        let [other, others] = [2 - wrt, 3 - wrt].map(|k| g.unary(Op::Transpose, site.args[k]));
        let args = if wrt == 0 { [t, active, other, others] } else { [other, others, t, active] };
        let value = g.rule(Op::PartMatmul, &args);
        Term::guarded(site.args[wrt + 1], value)
    }
}

/// A sum with the product of two elements, if both count.
fn part_of_sum<L: Lanes>(l: &L, sum: L::F, [x, counts, y, also]: [Lane<L>; 4]) -> L::F {
    let term = l.select(l.and(counts.m(), also.m()), l.mul(x.f(), y.f()), l.f(-0.0));
    l.add(sum, term)
}

/// The mask of all elements.
fn everywhere<A: Algebra>(g: &mut A, like: A::V) -> A::V {
    let (shape, there) = (g.shape(like), g.truth_value(true));
    g.fill(there, shape)
}

/// Column times row.
pub struct Outer;
impl Rule for Outer {
    const INFO: OpInfo = OpInfo {
        bound: Bound::Ulp(0.5),
        ..product("outer", &["outer"], "matrix of all products of elements of two vectors", "t·b, tᵀ·a")
    };
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        match (args[0].shape, args[1].shape) {
            (Shape::Vector(n), Shape::Vector(m)) => Ok(Type::num(Shape::Matrix(n, m))),
            (a, b) => Err(ShapeError::new(format!("outer of {a} and {b}: two vectors are needed"))),
        }
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (rows, columns) = ty.shape.extents();
        let (left, right) = (m.stored(&args[0]), m.stored(&args[1]));
        let to = m.cells(ty.elem, rows * columns);
        m.each(rows, |r| {
            let factor = m.load(&left, 0, r).f();
            let first = m.times(r, columns);
            m.each(columns, |c| {
                let product = l.mul(factor, m.load(&right, 0, c).f());
                m.store(&to, 0, m.plus(first, c), Lane::F(product));
            });
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 0 {
            let edge = active.map(|a| every_column(g, a, site.args[1]));
            Term::Value { value: g.binary(Op::Outer, t, site.args[1]), edge }
        } else {
            let edge = active.map(|a| every_row(g, a, site.args[0]));
            Term::Value { value: g.binary(Op::Outer, site.args[0], t), edge }
        }
    }
    fn adjoint<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 0 {
            return rows_by_vector(g, t, active, site.args[1]);
        }
        let transposed = g.unary(Op::Transpose, t);
        let active = active.map(|a| g.unary(Op::Transpose, a));
        rows_by_vector(g, transposed, active, site.args[0])
    }
}

/// The determinant.
pub struct Det;
impl Rule for Det {
    const INFO: OpInfo = OpInfo {
        name: "det",
        syntax: Syntax::Call(&["det"]),
        doc: "determinant, by LU decomposition with partial pivoting; the product of the pivots overflows at its end only",
        bound: Bound::Composed("LU decomposition"),
        derivative: "the cofactor matrix, also where M is singular",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(1);
    const LOOPS_BESIDE: usize = COFACTORS_FROM as usize * COFACTORS_FROM as usize;

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("det", args[0]).map(|_| Type::NUM)
    }
    fn work(args: &[Type], _: Type) -> usize {
        2 * args[0].len() * extents(args[0].shape).0
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        m.one(Lane::F(elimination::determinant(m, &args[0])))
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        _: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let cofactors = cofactor_matrix(g, site.args[0]);
        let products = g.mul(cofactors, t);
        let products = counting(g, products, active);
        Term::always(g.unary(Op::Sum, products))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let cofactors = cofactor_matrix(g, site.args[0]);
        Term::always(g.mul(t, cofactors))
    }
}

/// The cofactors of a matrix: its signed minors.
pub struct Cofactors;
impl Rule for Cofactors {
    const INFO: OpInfo = OpInfo {
        name: "cofactors",
        syntax: Syntax::Internal,
        doc: "the determinants of the matrix without a row and a column, with the signs of a chessboard",
        bound: Bound::Composed("LU decomposition with complete pivoting and substitution"),
        derivative: "cofactors of the minors; beyond 8×8 (C·t)·X − C·tᵀ·X with X the transposed inverse",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(1);
    const LOOPS_FROM: usize = COFACTORS_FROM as usize * COFACTORS_FROM as usize;

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("cofactors", args[0]).map(|_| args[0])
    }
    fn work(args: &[Type], ty: Type) -> usize {
        2 * Inv::work(args, ty)
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        m.result(elimination::cofactors(m, &args[0]))
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        _: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let matrix = site.args[0];
        if site.ty.len() > LARGE {
            let (inverse, t) = (transposed_inverse(g, matrix), counting(g, t, active));
            let (products, turned) = (g.mul(site.node, t), g.unary(Op::Transpose, t));
            let change = g.unary(Op::Sum, products);
            let (left, right) = (g.mul(change, inverse), g.binary(Op::Matmul, site.node, turned));
            let right = g.binary(Op::Matmul, right, inverse);
            let edge = active.map(|active| all_or_nothing(g, active));
            return Term::Value { value: g.sub(left, right), edge };
        }
        let (mut values, mut actives) = (Vec::new(), Vec::new());
        for place in places(g, matrix) {
            let (minor, tangent) = (minor(g, matrix, place), minor(g, t, place));
            let active = active.map(|active| self::minor(g, active, place));
            let cofactors = cofactor_matrix(g, minor);
            let products = g.mul(cofactors, tangent);
            let products = counting(g, products, active);
            let sum = g.unary(Op::Sum, products);
            values.push(signed(g, sum, place));
            actives.extend(active.map(|active| g.unary(Op::Any, active)));
        }
        let value = g.pack(Elem::Num, site.ty.shape, &values);
        let edge = active.map(|_| g.pack(Elem::Bool, site.ty.shape, &actives));
        Term::Value { value, edge }
    }
    fn adjoint<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        _: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        let matrix = site.args[0];
        let (n, _) = g.shape(matrix).extents();
        if site.ty.len() > LARGE {
            let (inverse, t) = (transposed_inverse(g, matrix), counting(g, t, active));
            let products = g.mul(t, inverse);
            let change = g.unary(Op::Sum, products);
            let turned = g.unary(Op::Transpose, t);
            let (left, right) = (g.mul(change, site.node), g.binary(Op::Matmul, inverse, turned));
            let right = g.binary(Op::Matmul, right, site.node);
            let edge = active.map(|active| all_or_nothing(g, active));
            return Term::Value { value: g.sub(left, right), edge };
        }
        let mut sums: Vec<Option<A::V>> = vec![None; site.ty.len()];
        let mut actives: Vec<Option<A::V>> = vec![None; site.ty.len()];
        for place @ (row, column) in places(g, matrix).into_iter().rev() {
            let cotangent = g.slice(t, row * n + column, Shape::Scalar);
            let cotangent = signed(g, cotangent, place);
            let minor = minor(g, matrix, place);
            let cofactors = cofactor_matrix(g, minor);
            let mut products = g.mul(cotangent, cofactors);
            let active = active.map(|active| g.slice(active, row * n + column, Shape::Scalar));
            if let Some(active) = active {
                let zero = g.number(0.0);
                products = g.select(active, products, zero);
            }
            for (position, k) in (0u32..).zip(kept(n, place)) {
                let term = g.slice(products, position, Shape::Scalar);
                let (sum, counts) = (&mut sums[k as usize], &mut actives[k as usize]);
                *sum = Some(sum.map_or(term, |sum| g.add(sum, term)));
                if let Some(active) = active {
                    *counts = Some(counts.map_or(active, |counts| g.binary(Op::Or, counts, active)));
                }
            }
        }
        let all = |list: Vec<Option<A::V>>| -> Option<Vec<A::V>> { list.into_iter().collect() };
        let sums = all(sums).expect("each element is in a minor");
        let value = g.pack(Elem::Num, site.ty.shape, &sums);
        let edge = active.map(|_| {
            let actives = all(actives).expect("each element is in a minor");
            g.pack(Elem::Bool, site.ty.shape, &actives)
        });
        Term::Value { value, edge }
    }
}

/// The inverse.
pub struct Inv;
impl Rule for Inv {
    const INFO: OpInfo = OpInfo {
        name: "inv",
        syntax: Syntax::Call(&["inv"]),
        doc: "inverse, by LU decomposition with partial pivoting",
        bound: Bound::Composed("LU decomposition and substitution"),
        derivative: "−Xᵀ·t·Xᵀ",
        kinks: "",
        domain: Some(Domain::new("det({0}) ≠ 0", Condition::Singular)),
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("inv", args[0]).map(|n| Type::num(Shape::Matrix(n, n)))
    }
    fn work(args: &[Type], _: Type) -> usize {
        6 * args[0].len() * extents(args[0].shape).0
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        m.result(elimination::inverse(m, &args[0]))
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let left = g.binary(Op::Matmul, site.node, t);
        let both = g.binary(Op::Matmul, left, site.node);
        Term::always(g.neg(both))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let transposed = g.unary(Op::Transpose, site.node);
        let left = g.binary(Op::Matmul, transposed, t);
        let both = g.binary(Op::Matmul, left, transposed);
        Term::always(g.neg(both))
    }
}

/// Whether the elimination that `det`, `inv` and `solve` share finds no pivot for some column.
pub struct Singular;
impl Rule for Singular {
    const INFO: OpInfo = OpInfo {
        name: "singular",
        syntax: Syntax::Internal,
        doc: "whether a pivot of the LU decomposition is 0",
        bound: Bound::Exact,
        derivative: "0",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("singular", args[0]).map(|_| Type::BOOL)
    }
    fn work(args: &[Type], ty: Type) -> usize {
        Det::work(args, ty)
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        m.one(Lane::M(elimination::is_singular(m, &args[0])))
    }
    fn tangent<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::Zero
    }
    fn adjoint<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::Zero
    }
}

/// The mask of which every row is `active`, with as many rows as `like` has elements.
fn every_row<A: Algebra>(g: &mut A, active: A::V, like: A::V) -> A::V {
    let (ones, numbers) = (ones(g, like), numbers(g, active));
    let mask = g.binary(Op::Outer, ones, numbers);
    truths(g, mask)
}

/// The mask of which every column is `active`, with as many columns as `like` has elements.
fn every_column<A: Algebra>(g: &mut A, active: A::V, like: A::V) -> A::V {
    let (ones, numbers) = (ones(g, like), numbers(g, active));
    let mask = g.binary(Op::Outer, numbers, ones);
    truths(g, mask)
}

fn ones<A: Algebra>(g: &mut A, like: A::V) -> A::V {
    let shape = g.shape(like);
    let one = g.number(1.0);
    g.fill(one, shape)
}

fn numbers<A: Algebra>(g: &mut A, mask: A::V) -> A::V {
    g.unary(Op::Num, mask)
}

fn truths<A: Algebra>(g: &mut A, numbers: A::V) -> A::V {
    let zero = g.number(0.0);
    g.ne(numbers, zero)
}

/// `M·t` where only some elements of the vector `t` count.
fn matrix_by_part<A: Algebra>(g: &mut A, matrix: A::V, t: A::V, active: Option<A::V>) -> Term<A::V> {
    let matrix = match active {
        Some(active) => {
            let (rows, _) = extents(g.shape(matrix));
            let one = g.number(1.0);
            let column = g.fill(one, Shape::Vector(rows as u32));
            let mask = every_row(g, active, column);
            counting(g, matrix, Some(mask))
        }
        None => matrix,
    };
    Term::always(g.binary(Op::Matvec, matrix, t))
}

/// `T·v` where only some elements of the matrix `T` count.
pub(super) fn rows_by_vector<A: Algebra>(
    g: &mut A,
    t: A::V,
    active: Option<A::V>,
    vector: A::V,
) -> Term<A::V> {
    let Some(active) = active else { return Term::always(g.binary(Op::Matvec, t, vector)) };
    let (rows, _) = extents(g.shape(t));
    let one = g.number(1.0);
    let column = g.fill(one, Shape::Vector(rows as u32));
    let spread = g.binary(Op::Outer, column, vector);
    let products = g.mul(t, spread);
    let products = counting(g, products, Some(active));
    let ones = ones(g, vector);
    let value = g.binary(Op::Matvec, products, ones);
    Term::guarded(any_of_rows(g, active), value)
}

/// `T·M` where only some elements of the matrix `T` count: row by row, as each row has a mask of its own.
pub(super) fn part_by_matrix<A: Algebra>(
    g: &mut A,
    t: A::V,
    active: Option<A::V>,
    matrix: A::V,
) -> Term<A::V> {
    let Some(active) = active else { return Term::always(g.binary(Op::Matmul, t, matrix)) };
    let (rows, inner) = extents(g.shape(t));
    let (_, columns) = extents(g.shape(matrix));
    let shape = Shape::Matrix(rows as u32, columns as u32);
    if shape.len().max(g.shape(t).len()).max(g.shape(matrix).len()) > LARGE {
        let all = everywhere(g, matrix);
        let value = g.rule(Op::PartMatmul, &[t, active, matrix, all]);
        let any = any_of_rows(g, active);
        let one = g.number(1.0);
        let row = g.fill(one, Shape::Vector(columns as u32));
        return Term::guarded(every_column(g, any, row), value);
    }
    let transposed = g.unary(Op::Transpose, matrix);
    let mut elems = Vec::with_capacity(shape.len());
    for row in 0..rows as u32 {
        let part = Shape::Vector(inner as u32);
        let (t, active) = (g.slice(t, row * inner as u32, part), g.slice(active, row * inner as u32, part));
        if let Term::Value { value, .. } = matrix_by_part(g, transposed, t, Some(active)) {
            elems.extend((0..columns as u32).map(|k| g.slice(value, k, Shape::Scalar)));
        }
    }
    let value = g.pack(Elem::Num, shape, &elems);
    let any = any_of_rows(g, active);
    let one = g.number(1.0);
    let row = g.fill(one, Shape::Vector(columns as u32));
    Term::guarded(every_column(g, any, row), value)
}

/// `M·T` where only some elements of the matrix `T` count.
fn matrix_by_part_matrix<A: Algebra>(g: &mut A, matrix: A::V, t: A::V, active: Option<A::V>) -> Term<A::V> {
    let Some(active) = active else { return Term::always(g.binary(Op::Matmul, matrix, t)) };
    let [matrix, t, active] = [matrix, t, active].map(|node| g.unary(Op::Transpose, node));
    match part_by_matrix(g, t, Some(active), matrix) {
        Term::Value { value, edge } => Term::Value {
            value: g.unary(Op::Transpose, value),
            edge: edge.map(|edge| g.unary(Op::Transpose, edge)),
        },
        Term::Zero => Term::Zero,
    }
}

/// For each row of a mask whether anything in it holds.
fn any_of_rows<A: Algebra>(g: &mut A, mask: A::V) -> A::V {
    let (rows, columns) = extents(g.shape(mask));
    if rows * columns > LARGE {
        let (one, numbers) = (g.number(1.0), numbers(g, mask));
        let row = g.fill(one, Shape::Vector(columns as u32));
        let counts = g.binary(Op::Matvec, numbers, row);
        return truths(g, counts);
    }
    let elems: Vec<A::V> = (0..rows as u32)
        .map(|row| {
            let part = g.slice(mask, row * columns as u32, Shape::Vector(columns as u32));
            g.unary(Op::Any, part)
        })
        .collect();
    g.pack(Elem::Bool, Shape::Vector(rows as u32), &elems)
}

pub(super) fn extents(shape: Shape) -> (usize, usize) {
    let (rows, columns) = shape.extents();
    (rows as usize, columns as usize)
}

pub(super) fn square(name: &str, ty: Type) -> Result<u32, ShapeError> {
    match ty.shape {
        Shape::Matrix(n, m) if n == m => Ok(n),
        other => Err(ShapeError::at(0, format!("{name} of {other}: a square matrix is needed"))),
    }
}

/// Matrices with as many rows and more have all cofactors from one decomposition. Those of smaller ones are determinants by themselves:
/// each is as accurate as its own size allows.
const COFACTORS_FROM: u32 = 6;

/// The places of a matrix's elements, row by row.
fn places<A: Algebra>(g: &A, matrix: A::V) -> Vec<(u32, u32)> {
    let (rows, columns) = g.shape(matrix).extents();
    (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).collect()
}

/// The elements of an n×n matrix outside the row and the column of a place.
fn kept(n: u32, (row, column): (u32, u32)) -> impl Iterator<Item = u32> {
    (0..n * n).filter(move |k| k / n != row && k % n != column)
}

/// The matrix without the row and the column of a place.
fn minor<A: Algebra>(g: &mut A, matrix: A::V, place: (u32, u32)) -> A::V {
    let ty = g.ty(matrix);
    let (n, _) = ty.shape.extents();
    let elements: Vec<A::V> = kept(n, place).map(|k| g.slice(matrix, k, Shape::Scalar)).collect();
    g.pack(ty.elem, Shape::Matrix(n - 1, n - 1), &elements)
}

/// The number with the sign of a place on the chessboard.
fn signed<A: Algebra>(g: &mut A, number: A::V, (row, column): (u32, u32)) -> A::V {
    if (row + column) % 2 == 1 { g.unary(Op::Neg, number) } else { number }
}

/// The matrix of signed minors, each a determinant.
fn cofactor_matrix<A: Algebra>(g: &mut A, matrix: A::V) -> A::V {
    let shape = g.shape(matrix);
    let (n, _) = extents(shape);
    let n = n as u32;
    if n == 1 {
        let one = g.number(1.0);
        return g.fill(one, shape);
    }
    if n >= COFACTORS_FROM {
        return g.unary(Op::Cofactors, matrix);
    }
    let mut cofactors = Vec::with_capacity(shape.len());
    for place in places(g, matrix) {
        let minor = minor(g, matrix, place);
        let det = g.unary(Op::Det, minor);
        cofactors.push(signed(g, det, place));
    }
    g.pack(Elem::Num, shape, &cofactors)
}

/// The inverse of the transposed matrix.
fn transposed_inverse<A: Algebra>(g: &mut A, matrix: A::V) -> A::V {
    let inverse = g.unary(Op::Inv, matrix);
    g.unary(Op::Transpose, inverse)
}

/// The mask that holds everywhere where `mask` holds anywhere.
fn all_or_nothing<A: Algebra>(g: &mut A, mask: A::V) -> A::V {
    let (shape, any) = (g.shape(mask), g.unary(Op::Any, mask));
    g.fill(any, shape)
}
