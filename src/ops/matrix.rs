//! Products, determinant and inverse of matrices.

use nc_runtime::lanes::Lanes;

use super::conditions::Domain;
use super::vector::{counting, dot_product};
use super::{Bound, LARGE, Lane, Op, OpInfo, Operand, Rule, ShapeError, Site, Syntax, Term};
use crate::graph::{Elem, Graph, Node, Shape, Type};
use crate::lower::arrays::{Cells, Form, Memory};
use crate::lower::lanes::Value;

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
    }
}

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
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let vector = args[1].elems;
        args[0]
            .elems
            .chunks(vector.len())
            .map(|row| Lane::F(dot_product(l, row.iter().copied().zip(vector.iter().copied()))))
            .collect()
    }
    fn array(m: &Memory<'_>, _: u32, ty: Type, types: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (rows, inner) = types[0].shape.extents();
        let (matrix, vector) = (m.stored(args[0]), m.stored(args[1]));
        let to = m.cells(ty.elem, rows);
        blocks(m, rows, BLOCK, |row, count| {
            let first = m.s_times(row, inner);
            let start = vec![l.f(-0.0); count as usize];
            let sums = m.fold(m.s(0), m.s(inner), 1, start, None, |k, sums| {
                let factor = m.load(&vector, 0, k).f();
                let here = m.s_add(first, k);
                let terms = (0..count).map(|j| l.mul(m.load(&matrix, j * inner, here).f(), factor));
                sums.iter().zip(terms).map(|(&sum, term)| l.add(sum, term)).collect()
            });
            (0..count).zip(sums).for_each(|(j, sum)| m.store(&to, j, row, Lane::F(sum)));
        });
        to.form()
    }
    fn tangent(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
        if wrt == 0 {
            rows_by_vector(g, t, active, site.args[1])
        } else {
            matrix_by_part(g, site.args[0], t, active)
        }
    }
    fn adjoint(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
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
    fn eval<L: Lanes>(l: &L, _: u32, ty: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let (rows, columns) = extents(ty.shape);
        let (_, inner) = extents(args[0].ty.shape);
        let (a, b) = (args[0].elems, args[1].elems);
        let mut result = Vec::with_capacity(rows * columns);
        for r in 0..rows {
            for c in 0..columns {
                result.push(Lane::F(dot_product(
                    l,
                    (0..inner).map(|k| (a[r * inner + k], b[k * columns + c])),
                )));
            }
        }
        result
    }
    fn array(m: &Memory<'_>, _: u32, ty: Type, types: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (rows, columns) = ty.shape.extents();
        let (_, inner) = types[0].shape.extents();
        let (a, b) = (m.stored(args[0]), m.stored(args[1]));
        let to = m.cells(ty.elem, rows * columns);
        blocks(m, columns, BLOCK, |column, count| {
            blocks(m, rows, 2, |row, height| {
                let first = m.s_times(row, inner);
                let start = vec![l.f(-0.0); (count * height) as usize];
                let sums = m.fold(m.s(0), m.s(inner), 1, start, None, |k, sums| {
                    let along = m.s_add(first, k);
                    let across = m.s_add(m.s_times(k, columns), column);
                    let left: Vec<Value> = (0..height).map(|i| m.load(&a, i * inner, along).f()).collect();
                    let right: Vec<Value> = (0..count).map(|j| m.load(&b, j, across).f()).collect();
                    let terms = left.iter().flat_map(|&x| right.iter().map(move |&y| l.mul(x, y)));
                    sums.iter().zip(terms).map(|(&sum, term)| l.add(sum, term)).collect()
                });
                let place = m.s_add(m.s_times(row, columns), column);
                let places = (0..height).flat_map(|i| (0..count).map(move |j| i * columns + j));
                places.zip(sums).for_each(|(at, sum)| m.store(&to, at, place, Lane::F(sum)));
            });
        });
        to.form()
    }
    fn tangent(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
        if wrt == 0 {
            part_by_matrix(g, t, active, site.args[1])
        } else {
            matrix_by_part_matrix(g, site.args[0], t, active)
        }
    }
    fn adjoint(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
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
    fn eval<L: Lanes>(l: &L, _: u32, ty: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let (rows, columns) = extents(ty.shape);
        let (_, inner) = extents(args[0].ty.shape);
        let [a, some, b, others] = std::array::from_fn(|k| args[k].elems);
        let mut result = Vec::with_capacity(rows * columns);
        for r in 0..rows {
            for c in 0..columns {
                let sum = (0..inner).fold(l.f(-0.0), |sum, k| {
                    let (i, j) = (r * inner + k, k * columns + c);
                    part_of_sum(l, sum, [a[i], some[i], b[j], others[j]])
                });
                result.push(Lane::F(sum));
            }
        }
        result
    }
    fn array(m: &Memory<'_>, _: u32, ty: Type, types: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (rows, columns) = ty.shape.extents();
        let (_, inner) = types[0].shape.extents();
        let [a, some, b, others] = std::array::from_fn(|k| m.stored(args[k]));
        let to = m.cells(ty.elem, rows * columns);
        m.each(rows, |row| {
            blocks(m, columns, BLOCK, |column, count| {
                let first = m.s_times(row, inner);
                let start = vec![l.f(-0.0); count as usize];
                let sums = m.fold(m.s(0), m.s(inner), 1, start, None, |k, sums| {
                    let along = m.s_add(first, k);
                    let across = m.s_add(m.s_times(k, columns), column);
                    let (x, counts) = (m.load(&a, 0, along), m.load(&some, 0, along));
                    let term = |sum, j| {
                        part_of_sum(l, sum, [x, counts, m.load(&b, j, across), m.load(&others, j, across)])
                    };
                    (0..count).zip(sums).map(|(j, &sum)| term(sum, j)).collect()
                });
                let place = m.s_add(m.s_times(row, columns), column);
                (0..count).zip(sums).for_each(|(j, sum)| m.store(&to, j, place, Lane::F(sum)));
            });
        });
        to.form()
    }
    fn tangent(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
        let mut args = [site.args[0], site.args[1], site.args[2], site.args[3]];
        if wrt % 2 == 1 {
            return Term::Zero;
        }
        args[wrt] = t;
        if let Some(active) = active {
            args[wrt + 1] = g.binary(Op::And, args[wrt + 1], active);
        }
        Term::always(g.rule(Op::PartMatmul, &args))
    }
    fn adjoint(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
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
fn everywhere(g: &mut Graph, like: Node) -> Node {
    let (shape, there) = (g.shape(like), g.boolean(true));
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
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let row = args[1].elems;
        args[0].elems.iter().flat_map(|a| row.iter().map(|b| Lane::F(l.mul(a.f(), b.f())))).collect()
    }
    fn array(m: &Memory<'_>, _: u32, ty: Type, _: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (rows, columns) = ty.shape.extents();
        let (left, right) = (m.stored(args[0]), m.stored(args[1]));
        let to = m.cells(ty.elem, rows * columns);
        m.each(rows, |r| {
            let factor = m.load(&left, 0, r).f();
            let first = m.s_times(r, columns);
            m.each(columns, |c| {
                let product = l.mul(factor, m.load(&right, 0, c).f());
                m.store(&to, 0, m.s_add(first, c), Lane::F(product));
            });
        });
        to.form()
    }
    fn tangent(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
        if wrt == 0 {
            let edge = active.map(|a| every_column(g, a, site.args[1]));
            Term::Value { value: g.binary(Op::Outer, t, site.args[1]), edge }
        } else {
            let edge = active.map(|a| every_row(g, a, site.args[0]));
            Term::Value { value: g.binary(Op::Outer, site.args[0], t), edge }
        }
    }
    fn adjoint(g: &mut Graph, site: &Site, wrt: usize, t: Node, active: Option<Node>) -> Term {
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
        doc: "determinant, by LU decomposition with partial pivoting",
        bound: Bound::Composed("LU decomposition"),
        derivative: "the cofactor matrix, up to 8×8 also where M is singular",
        kinks: "",
        domain: None,
        kink: None,
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("det", args[0]).map(|_| Type::NUM)
    }
    fn work(args: &[Type], _: Type) -> usize {
        2 * args[0].len() * extents(args[0].shape).0
    }
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let (n, _) = extents(args[0].ty.shape);
        let mut lu = Elimination::new(l, n, args[0].elems, &[]);
        lu.run();
        let product = (0..n).map(|k| lu.at(k, k)).reduce(|a, b| l.mul(a, b)).unwrap_or_else(|| l.f(1.0));
        vec![Lane::F(l.select(lu.odd, l.neg(product), product))]
    }
    fn array(m: &Memory<'_>, _: u32, _: Type, types: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (n, _) = types[0].shape.extents();
        let lu = ArrayElimination { m, n, width: 0, left: copied(m, args[0]), right: m.cells(Elem::Num, 0) };
        let odd = lu.run();
        let start = vec![l.f(1.0)];
        let product = m.fold(m.s(0), m.s(n), 1, start, None, |k, product| {
            vec![l.mul(product[0], m.load(&lu.left, 0, m.s_times(k, n + 1)).f())]
        })[0];
        Form::Lanes(vec![Lane::F(l.select(odd, l.neg(product), product))])
    }
    fn tangent(g: &mut Graph, site: &Site, _: usize, t: Node, active: Option<Node>) -> Term {
        let cofactors = cofactor_matrix(g, site.args[0]);
        let products = g.mul(cofactors, t);
        let products = counting(g, products, active);
        Term::always(g.unary(Op::Sum, products))
    }
    fn adjoint(g: &mut Graph, site: &Site, _: usize, t: Node, _: Option<Node>) -> Term {
        let cofactors = cofactor_matrix(g, site.args[0]);
        Term::always(g.mul(t, cofactors))
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
        domain: Some(Domain::new("det({0}) ≠ 0", |a, x, _| a.apply_typed(Op::Singular, 0, Type::BOOL, x))),
        kink: None,
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("inv", args[0]).map(|n| Type::num(Shape::Matrix(n, n)))
    }
    fn work(args: &[Type], _: Type) -> usize {
        6 * args[0].len() * extents(args[0].shape).0
    }
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let (n, _) = extents(args[0].ty.shape);
        let identity: Vec<Lane<L>> =
            (0..n * n).map(|k| Lane::F(l.f(if k % (n + 1) == 0 { 1.0 } else { 0.0 }))).collect();
        let mut lu = Elimination::new(l, n, args[0].elems, &identity);
        lu.run();
        lu.back_substitute();
        lu.right.into_iter().map(Lane::F).collect()
    }
    fn array(m: &Memory<'_>, _: u32, ty: Type, types: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (n, _) = types[0].shape.extents();
        let right = m.cells(ty.elem, n * n);
        m.each(n * n, |k| m.store(&right, 0, k, Lane::F(l.f(0.0))));
        m.each(n, |k| m.store(&right, 0, m.s_times(k, n + 1), Lane::F(l.f(1.0))));
        let lu = ArrayElimination { m, n, width: n, left: copied(m, args[0]), right };
        lu.run();
        lu.back_substitute();
        lu.right.form()
    }
    fn tangent(g: &mut Graph, site: &Site, _: usize, t: Node, _: Option<Node>) -> Term {
        let left = g.binary(Op::Matmul, site.node, t);
        let both = g.binary(Op::Matmul, left, site.node);
        Term::always(g.unary(Op::Neg, both))
    }
    fn adjoint(g: &mut Graph, site: &Site, _: usize, t: Node, _: Option<Node>) -> Term {
        let transposed = g.unary(Op::Transpose, site.node);
        let left = g.binary(Op::Matmul, transposed, t);
        let both = g.binary(Op::Matmul, left, transposed);
        Term::always(g.unary(Op::Neg, both))
    }
}

/// Whether the elimination that `det` and `inv` share finds no pivot for some column.
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
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("singular", args[0]).map(|_| Type::BOOL)
    }
    fn work(args: &[Type], ty: Type) -> usize {
        Det::work(args, ty)
    }
    fn eval<L: Lanes>(l: &L, _: u32, _: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        let (n, _) = extents(args[0].ty.shape);
        let mut lu = Elimination::new(l, n, args[0].elems, &[]);
        lu.run();
        let zero = l.f(0.0);
        let any = (0..n).map(|k| l.eq(lu.at(k, k), zero)).reduce(|a, b| l.or(a, b));
        vec![Lane::M(any.unwrap_or_else(|| l.m(false)))]
    }
    fn array(m: &Memory<'_>, _: u32, _: Type, types: &[Type], args: &[&Form]) -> Form {
        let l = m.lanes();
        let (n, _) = types[0].shape.extents();
        let lu = ArrayElimination { m, n, width: 0, left: copied(m, args[0]), right: m.cells(Elem::Num, 0) };
        lu.run();
        let zero = l.f(0.0);
        let any = m.fold(m.s(0), m.s(n), 1, vec![l.m(false)], None, |k, any| {
            vec![l.or(any[0], l.eq(m.load(&lu.left, 0, m.s_times(k, n + 1)).f(), zero))]
        })[0];
        Form::Lanes(vec![Lane::M(any)])
    }
    fn tangent(_: &mut Graph, _: &Site, _: usize, _: Node, _: Option<Node>) -> Term {
        Term::Zero
    }
    fn adjoint(_: &mut Graph, _: &Site, _: usize, _: Node, _: Option<Node>) -> Term {
        Term::Zero
    }
}

/// Rows or columns that a product goes through together.
const BLOCK: u32 = 4;

/// `body` for numbers from 0 to `count`, a block at a time: with the first of the block and how many it has.
fn blocks(m: &Memory<'_>, count: u32, block: u32, mut body: impl FnMut(Value, u32)) {
    let whole = count / block * block;
    if whole > 0 {
        m.between(m.s(0), m.s(whole), block, |k| body(k, block));
    }
    if whole < count {
        body(m.s(whole), count - whole);
    }
}

/// A copy that may be changed.
fn copied(m: &Memory<'_>, form: &Form) -> Cells {
    let from = m.stored(form);
    let to = m.cells(Elem::Num, form.len());
    m.each(form.len(), |k| m.store(&to, 0, k, m.load(&from, 0, k)));
    to
}

/// The mask of which every row is `active`, with as many rows as `like` has elements.
fn every_row(g: &mut Graph, active: Node, like: Node) -> Node {
    let (ones, numbers) = (ones(g, like), numbers(g, active));
    let mask = g.binary(Op::Outer, ones, numbers);
    truths(g, mask)
}

/// The mask of which every column is `active`, with as many columns as `like` has elements.
fn every_column(g: &mut Graph, active: Node, like: Node) -> Node {
    let (ones, numbers) = (ones(g, like), numbers(g, active));
    let mask = g.binary(Op::Outer, numbers, ones);
    truths(g, mask)
}

fn ones(g: &mut Graph, like: Node) -> Node {
    let shape = g.shape(like);
    let one = g.number(1.0);
    g.fill(one, shape)
}

fn numbers(g: &mut Graph, mask: Node) -> Node {
    g.unary(Op::Num, mask)
}

fn truths(g: &mut Graph, numbers: Node) -> Node {
    let zero = g.number(0.0);
    g.binary(Op::Ne, numbers, zero)
}

/// `M·t` where only some elements of the vector `t` count.
fn matrix_by_part(g: &mut Graph, matrix: Node, t: Node, active: Option<Node>) -> Term {
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
fn rows_by_vector(g: &mut Graph, t: Node, active: Option<Node>, vector: Node) -> Term {
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
fn part_by_matrix(g: &mut Graph, t: Node, active: Option<Node>, matrix: Node) -> Term {
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
fn matrix_by_part_matrix(g: &mut Graph, matrix: Node, t: Node, active: Option<Node>) -> Term {
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
fn any_of_rows(g: &mut Graph, mask: Node) -> Node {
    let (rows, columns) = extents(g.shape(mask));
    if rows * columns > LARGE {
        let (one, numbers) = (g.number(1.0), numbers(g, mask));
        let row = g.fill(one, Shape::Vector(columns as u32));
        let counts = g.binary(Op::Matvec, numbers, row);
        return truths(g, counts);
    }
    let elems: Vec<Node> = (0..rows as u32)
        .map(|row| {
            let part = g.slice(mask, row * columns as u32, Shape::Vector(columns as u32));
            g.unary(Op::Any, part)
        })
        .collect();
    g.pack(Elem::Bool, Shape::Vector(rows as u32), &elems)
}

fn extents(shape: Shape) -> (usize, usize) {
    let (rows, columns) = shape.extents();
    (rows as usize, columns as usize)
}

fn square(name: &str, ty: Type) -> Result<u32, ShapeError> {
    match ty.shape {
        Shape::Matrix(n, m) if n == m => Ok(n),
        other => Err(ShapeError::at(0, format!("{name} of {other}: a square matrix is needed"))),
    }
}

/// The matrix of signed minors, each a determinant.
fn cofactor_matrix(g: &mut Graph, matrix: Node) -> Node {
    let shape = g.shape(matrix);
    let (n, _) = extents(shape);
    let n = n as u32;
    if n == 1 {
        let one = g.number(1.0);
        return g.fill(one, shape);
    }
    if shape.len() > LARGE {
        let (det, inverse) = (g.unary(Op::Det, matrix), g.unary(Op::Inv, matrix));
        let transposed = g.unary(Op::Transpose, inverse);
        return g.mul(det, transposed);
    }
    let elems: Vec<Node> = (0..n * n).map(|k| g.slice(matrix, k, Shape::Scalar)).collect();
    let mut cofactors = Vec::with_capacity(elems.len());
    for row in 0..n {
        for column in 0..n {
            let minor: Vec<Node> =
                (0..n * n).filter(|k| k / n != row && k % n != column).map(|k| elems[k as usize]).collect();
            let minor = g.pack(Elem::Num, Shape::Matrix(n - 1, n - 1), &minor);
            let det = g.unary(Op::Det, minor);
            cofactors.push(if (row + column) % 2 == 1 { g.unary(Op::Neg, det) } else { det });
        }
    }
    g.pack(Elem::Num, shape, &cofactors)
}

/// Gaussian elimination with partial pivoting over lanes: each lane chooses its own pivots.
struct Elimination<'l, L: Lanes> {
    l: &'l L,
    n: usize,
    /// The matrix, of which the lower triangle is used up.
    left: Vec<L::F>,
    /// Right-hand sides, row-major.
    right: Vec<L::F>,
    /// How many right-hand sides there are.
    width: usize,
    /// Whether an odd number of rows has been exchanged.
    odd: L::M,
}

impl<'l, L: Lanes> Elimination<'l, L> {
    fn new(l: &'l L, n: usize, matrix: &[Lane<L>], right: &[Lane<L>]) -> Self {
        let numbers = |lanes: &[Lane<L>]| lanes.iter().map(|e| e.f()).collect();
        Elimination {
            l,
            n,
            left: numbers(matrix),
            right: numbers(right),
            width: right.len() / n,
            odd: l.m(false),
        }
    }

    fn at(&self, row: usize, column: usize) -> L::F {
        self.left[row * self.n + column]
    }

    fn run(&mut self) {
        for k in 0..self.n {
            for row in k + 1..self.n {
                self.pivot(k, row);
            }
            for row in k + 1..self.n {
                self.eliminate(k, row);
            }
        }
    }

    /// Exchanges rows `k` and `row` in the lanes where that brings the larger element into the diagonal. After
    /// all rows below `k` the largest stands there, the first of equals.
    fn pivot(&mut self, k: usize, row: usize) {
        let l = self.l;
        let larger = l.lt(l.abs(self.at(k, k)), l.abs(self.at(row, k)));
        for column in k..self.n {
            exchange(l, larger, &mut self.left, k * self.n + column, row * self.n + column);
        }
        for column in 0..self.width {
            exchange(l, larger, &mut self.right, k * self.width + column, row * self.width + column);
        }
        let (odd, even) = (self.odd, l.not(self.odd));
        self.odd = l.or(l.and(larger, even), l.and(l.not(larger), odd));
    }

    fn eliminate(&mut self, k: usize, row: usize) {
        let l = self.l;
        // Where the largest element of a column is zero there is nothing to eliminate: 0/0 must not spoil the rest.
        let pivot = self.at(k, k);
        let zero = l.f(0.0);
        let factor = l.select(l.eq(pivot, zero), zero, l.div(self.at(row, k), pivot));
        for column in k + 1..self.n {
            let product = l.mul(factor, self.at(k, column));
            self.left[row * self.n + column] = l.sub(self.at(row, column), product);
        }
        for column in 0..self.width {
            let product = l.mul(factor, self.right[k * self.width + column]);
            let here = row * self.width + column;
            self.right[here] = l.sub(self.right[here], product);
        }
    }

    fn back_substitute(&mut self) {
        let l = self.l;
        for column in 0..self.width {
            for row in (0..self.n).rev() {
                let mut value = self.right[row * self.width + column];
                for k in row + 1..self.n {
                    value = l.sub(value, l.mul(self.at(row, k), self.right[k * self.width + column]));
                }
                self.right[row * self.width + column] = l.div(value, self.at(row, row));
            }
        }
    }
}

/// [`Elimination`] as loops.
struct ArrayElimination<'m> {
    m: &'m Memory<'m>,
    n: u32,
    width: u32,
    left: Cells,
    right: Cells,
}

impl ArrayElimination<'_> {
    /// Returns whether an odd number of rows has been exchanged.
    fn run(&self) -> Value {
        let m = self.m;
        let l = m.lanes();
        let n = m.s(self.n);
        m.fold(m.s(0), n, 1, vec![l.m(false)], None, |k, odd| {
            let below = m.s_add(k, m.s(1));
            let odd = m.fold(below, n, 1, odd.to_vec(), None, |row, odd| vec![self.pivot(k, row, odd[0])]);
            m.between(below, n, 1, |row| self.eliminate(k, row));
            odd
        })[0]
    }

    fn pivot(&self, k: Value, row: Value, odd: Value) -> Value {
        let m = self.m;
        let l = m.lanes();
        let (upper, lower) = (m.s_times(k, self.n), m.s_times(row, self.n));
        let at = |row: Value| l.abs(m.load(&self.left, 0, m.s_add(row, k)).f());
        let larger = l.lt(at(upper), at(lower));
        m.between_if(k, m.s(self.n), larger, |column| {
            self.exchange(&self.left, larger, m.s_add(upper, column), m.s_add(lower, column));
        });
        let (upper, lower) = (m.s_times(k, self.width), m.s_times(row, self.width));
        m.between_if(m.s(0), m.s(self.width), larger, |column| {
            self.exchange(&self.right, larger, m.s_add(upper, column), m.s_add(lower, column));
        });
        l.or(l.and(larger, l.not(odd)), l.and(l.not(larger), odd))
    }

    fn exchange(&self, of: &Cells, mask: Value, i: Value, j: Value) {
        let m = self.m;
        let l = m.lanes();
        let (a, b) = (m.load(of, 0, i).f(), m.load(of, 0, j).f());
        m.store(of, 0, i, Lane::F(l.select(mask, b, a)));
        m.store(of, 0, j, Lane::F(l.select(mask, a, b)));
    }

    fn eliminate(&self, k: Value, row: Value) {
        let m = self.m;
        let l = m.lanes();
        let (upper, lower) = (m.s_times(k, self.n), m.s_times(row, self.n));
        let at = |row: Value| m.load(&self.left, 0, m.s_add(row, k)).f();
        let pivot = at(upper);
        let zero = l.f(0.0);
        let factor = l.select(l.eq(pivot, zero), zero, l.div(at(lower), pivot));
        let subtract = |of: &Cells, i: Value, j: Value| {
            let product = l.mul(factor, m.load(of, 0, i).f());
            m.store(of, 0, j, Lane::F(l.sub(m.load(of, 0, j).f(), product)));
        };
        m.between(m.s_add(k, m.s(1)), m.s(self.n), 1, |column| {
            subtract(&self.left, m.s_add(upper, column), m.s_add(lower, column));
        });
        let (upper, lower) = (m.s_times(k, self.width), m.s_times(row, self.width));
        m.between(m.s(0), m.s(self.width), 1, |column| {
            subtract(&self.right, m.s_add(upper, column), m.s_add(lower, column));
        });
    }

    fn back_substitute(&self) {
        let m = self.m;
        let l = m.lanes();
        blocks(m, self.width, BLOCK, |column, count| {
            m.each(self.n, |done| {
                let row = m.s_sub(m.s(self.n - 1), done);
                let here = m.s_add(m.s_times(row, self.width), column);
                let diagonal = m.s_times(row, self.n);
                let start = (0..count).map(|j| m.load(&self.right, j, here).f()).collect();
                let values = m.fold(m.s_add(row, m.s(1)), m.s(self.n), 1, start, None, |k, values| {
                    let factor = m.load(&self.left, 0, m.s_add(diagonal, k)).f();
                    let there = m.s_add(m.s_times(k, self.width), column);
                    let terms = (0..count).map(|j| l.mul(factor, m.load(&self.right, j, there).f()));
                    values.iter().zip(terms).map(|(&value, term)| l.sub(value, term)).collect()
                });
                let pivot = m.load(&self.left, 0, m.s_add(diagonal, row)).f();
                (0..count).zip(values).for_each(|(j, value)| {
                    m.store(&self.right, j, here, Lane::F(l.div(value, pivot)));
                });
            });
        });
    }
}

fn exchange<L: Lanes>(l: &L, m: L::M, values: &mut [L::F], i: usize, j: usize) {
    let (a, b) = (values[i], values[j]);
    values[i] = l.select(m, b, a);
    values[j] = l.select(m, a, b);
}
