//! Products, determinant and inverse of matrices.

use nc_runtime::lanes::Lanes;

use super::conditions::Domain;
use super::vector::{counting, dot_product};
use super::{Bound, Lane, Op, OpInfo, Operand, Rule, ShapeError, Site, Syntax, Term};
use crate::graph::{Elem, Graph, Node, Shape, Type};

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
        derivative: "the cofactor matrix, also where M is singular",
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
    fn tangent(_: &mut Graph, _: &Site, _: usize, _: Node, _: Option<Node>) -> Term {
        Term::Zero
    }
    fn adjoint(_: &mut Graph, _: &Site, _: usize, _: Node, _: Option<Node>) -> Term {
        Term::Zero
    }
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
    let elems: Vec<Node> = (0..rows as u32)
        .map(|row| {
            let part = g.slice(mask, row * columns as u32, Shape::Vector(columns as u32));
            g.unary(Op::Any, part)
        })
        .collect();
    g.pack(Elem::Bool, Shape::Vector(rows as u32), &elems)
}

fn extents(shape: Shape) -> (usize, usize) {
    match shape {
        Shape::Scalar => (1, 1),
        Shape::Vector(n) => (n as usize, 1),
        Shape::Matrix(n, m) => (n as usize, m as usize),
    }
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

fn exchange<L: Lanes>(l: &L, m: L::M, values: &mut [L::F], i: usize, j: usize) {
    let (a, b) = (values[i], values[j]);
    values[i] = l.select(m, b, a);
    values[j] = l.select(m, a, b);
}
