//! Systems of linear equations.

use nc_runtime::lanes::Lanes;

use super::array::{Arrays, Element, Number};
use super::conditions::{Condition, Domain};
use super::elimination::{self, BLOCK};
use super::matrix::{extents, part_by_matrix, rows_by_vector, square};
use super::vector::counting;
use super::{Algebra, Bound, Lane, Op, OpInfo, Rule, ShapeError, Site, Syntax, Term};
use crate::types::{Elem, Shape, Type};

const fn linear(
    name: &'static str,
    syntax: Syntax,
    doc: &'static str,
    bound: &'static str,
    derivative: &'static str,
) -> OpInfo {
    OpInfo {
        name,
        syntax,
        doc,
        bound: Bound::Composed(bound),
        derivative,
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    }
}

/// A truth value about operands, without a derivative.
const fn question(name: &'static str, doc: &'static str) -> OpInfo {
    OpInfo { bound: Bound::Exact, ..linear(name, Syntax::Internal, doc, "", "0") }
}

/// The type of the right-hand sides of n equations: a vector, or a matrix with a column for each.
fn sides(name: &str, n: u32, sides: Type) -> Result<Type, ShapeError> {
    match sides.shape {
        Shape::Vector(k) | Shape::Matrix(k, _) if k == n => Ok(Type::num(sides.shape)),
        Shape::Scalar | Shape::Complex | Shape::Vector(_) | Shape::Matrix(..) => {
            let shape = sides.shape;
            Err(ShapeError::at(1, format!("{name} with a right-hand side of {shape}: {n} rows are needed")))
        }
    }
}

/// How many right-hand sides there are.
fn width(shape: Shape) -> u32 {
    match shape {
        Shape::Matrix(_, columns) => columns,
        Shape::Scalar | Shape::Complex | Shape::Vector(_) => 1,
    }
}

/// `x·yᵀ`, of vectors or of matrices of columns.
fn products<A: Algebra>(g: &mut A, x: A::V, y: A::V) -> A::V {
    match g.shape(y) {
        Shape::Matrix(..) => {
            let turned = g.unary(Op::Transpose, y);
            g.binary(Op::Matmul, x, turned)
        }
        Shape::Scalar | Shape::Complex | Shape::Vector(_) => g.binary(Op::Outer, x, y),
    }
}

/// `T·x` of a matrix of which some elements count, by a vector or by a matrix of columns.
fn applied<A: Algebra>(g: &mut A, t: A::V, active: Option<A::V>, x: A::V) -> A::V {
    let term = match g.shape(x) {
        Shape::Matrix(..) => part_by_matrix(g, t, active, x),
        Shape::Scalar | Shape::Complex | Shape::Vector(_) => rows_by_vector(g, t, active, x),
    };
    match term {
        Term::Value { value, .. } => value,
        Term::Zero => unreachable!("a product is a value"),
    }
}

/// The solution of `A·X = B`.
pub struct Solve;
impl Rule for Solve {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("det({0}) ≠ 0", Condition::Singular)),
        ..linear(
            "solve",
            Syntax::Call(&["solve"]),
            "solution of A·x = b for a vector b, or for each column of a matrix, by LU decomposition with partial pivoting",
            "LU decomposition and substitution",
            "−A⁻ᵀ·t·xᵀ, A⁻ᵀ·t, by solving",
        )
    };
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        sides("solve", square("solve", args[0])?, args[1])
    }
    fn work(args: &[Type], ty: Type) -> usize {
        2 * (args[0].len() + ty.len()) * extents(args[0].shape).0
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        m.result(elimination::solution(m, &args[0], &args[1], width(ty.shape)))
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 1 {
            return Term::always(g.binary(Op::Solve, site.args[0], t));
        }
        let change = applied(g, t, active, site.node);
        let change = g.neg(change);
        Term::always(g.binary(Op::Solve, site.args[0], change))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let turned = g.unary(Op::Transpose, site.args[0]);
        let solved = g.binary(Op::Solve, turned, t);
        if wrt == 1 {
            return Term::always(solved);
        }
        let product = products(g, solved, site.node);
        Term::always(g.neg(product))
    }
}

/// The lower Cholesky factor.
///
/// The derivative rules are those of Murray, "Differentiation of the Cholesky decomposition", 2016: `L·Φ(L⁻¹·T·L⁻ᵀ)`, and `S + Sᵀ` for
/// `S = L⁻ᵀ·Φ(Lᵀ·t)·L⁻¹`, Φ being the lower triangle with half of the diagonal.
pub struct Cholesky;
impl Rule for Cholesky {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("{0} positive definite", Condition::Indefinite)),
        ..linear(
            "cholesky",
            Syntax::Call(&["cholesky"]),
            "lower triangular matrix L with L·Lᵀ = A, a function of the lower triangle of A",
            "Cholesky decomposition",
            "S + Sᵀ of the lower triangle, S = L⁻ᵀ·Φ(Lᵀ·t)·L⁻¹, Φ halving the diagonal",
        )
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("cholesky", args[0]).map(|n| Type::num(Shape::Matrix(n, n)))
    }
    fn work(args: &[Type], _: Type) -> usize {
        args[0].len() * extents(args[0].shape).0
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (n, _) = ty.shape.extents();
        let (from, end) = (m.stored(&args[0]), m.index(n));
        let to = m.cells(Elem::Num, n * n);
        let zero = Lane::F(l.f(0.0));
        let place = |row: A::Index, column: A::Index| m.plus(m.times(row, n), column);
        m.each(n, |row| {
            let behind = m.plus(row, m.index(1));
            m.between(m.index(0), behind, |column| {
                let here = place(row, column);
                m.store(&to, 0, here, m.load(&from, 0, here));
            });
            m.between(behind, end, |column| m.store(&to, 0, place(row, column), zero));
        });
        m.each(n, |k| {
            let below = m.plus(k, m.index(1));
            let pivot = l.sqrt(m.load(&to, 0, place(k, k)).f());
            m.store(&to, 0, place(k, k), Lane::F(pivot));
            m.between(below, end, |row| {
                let here = place(row, k);
                m.store(&to, 0, here, Lane::F(l.div(m.load(&to, 0, here).f(), pivot)));
            });
            m.between(below, end, |column| {
                let factor = m.load(&to, 0, place(column, k)).f();
                m.between(column, end, |row| {
                    let here = place(row, column);
                    let product = l.mul(m.load(&to, 0, place(row, k)).f(), factor);
                    m.store(&to, 0, here, Lane::F(l.sub(m.load(&to, 0, here).f(), product)));
                });
            });
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let half = triangle(g, HALF, t);
        let turned = g.unary(Op::Transpose, half);
        let change = g.add(half, turned);
        let left = solved(g, LOWER, site.node, change);
        let left = g.unary(Op::Transpose, left);
        let both = solved(g, LOWER, site.node, left);
        let half = triangle(g, HALF, both);
        Term::always(g.binary(Op::Matmul, site.node, half))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let (turned, t) = (g.unary(Op::Transpose, site.node), triangle(g, WHOLE, t));
        let product = g.binary(Op::Matmul, turned, t);
        let half = triangle(g, HALF, product);
        let left = solved(g, TRANSPOSED, site.node, half);
        let left = g.unary(Op::Transpose, left);
        let both = solved(g, TRANSPOSED, site.node, left);
        let turned = g.unary(Op::Transpose, both);
        let sum = g.add(both, turned);
        Term::always(triangle(g, HALF, sum))
    }
}

/// Attributes of [`SolveLower`]: `L⁻¹·B` and `L⁻ᵀ·B`.
const LOWER: u32 = 0;
const TRANSPOSED: u32 = 1;

fn solved<A: Algebra>(g: &mut A, how: u32, lower: A::V, sides: A::V) -> A::V {
    let ty = g.ty(sides);
    g.apply_typed(Op::SolveLower, how, ty, &[lower, sides])
}

/// The solution of `L·X = B` or `Lᵀ·X = B` for a lower triangular matrix, of which the upper triangle is not read.
pub struct SolveLower;
impl Rule for SolveLower {
    const INFO: OpInfo = linear(
        "solve-lower",
        Syntax::Part("cholesky"),
        "solution of L·x = b, or of Lᵀ·x = b with the attribute 1, of which L is read as lower triangular",
        "substitution",
        "−L⁻ᵀ·t·xᵀ of the lower triangle, L⁻ᵀ·t",
    );
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        sides("solve-lower", square("solve-lower", args[0])?, args[1])
    }
    fn fits(attr: u32, ty: Type, args: &[Type]) -> bool {
        attr <= TRANSPOSED && Self::result_type(args) == Ok(ty)
    }
    fn work(args: &[Type], ty: Type) -> usize {
        ty.len() * extents(args[0].shape).0
    }
    fn array<A: Arrays>(m: &A, attr: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (n, _) = m.shape(&args[0]).extents();
        let width = width(ty.shape);
        let (lower, sides) = (&m.stored(&args[0]), &m.stored(&args[1]));
        let to = &m.cells(Elem::Num, n * width);
        let transposed = attr == TRANSPOSED;
        let factor_at = |row: A::Index, k: A::Index| {
            let (row, column) = if transposed { (k, row) } else { (row, k) };
            m.plus(m.times(row, n), column)
        };
        m.blocks(width, BLOCK, |column, count| {
            m.each(n, |done| {
                let row = if transposed { m.minus(m.index(n - 1), done) } else { done };
                let here = m.plus(m.times(row, width), column);
                let start = m.loads(sides, count, 1, here);
                let (first, end) =
                    if transposed { (m.plus(row, m.index(1)), m.index(n)) } else { (m.index(0), row) };
                let values = m.sums(
                    first,
                    end,
                    count,
                    |j| start(j).f(),
                    |k| {
                        let factor = m.load(lower, 0, factor_at(row, k)).f();
                        let there = m.plus(m.times(k, width), column);
                        move |j, value| l.sub(value, l.mul(factor, m.load(to, j, there).f()))
                    },
                );
                let pivot = m.load(lower, 0, factor_at(row, row)).f();
                for (j, value) in (0..count).zip(values) {
                    m.store(to, j, here, Lane::F(l.div(value, pivot)));
                }
            });
        });
        let (result, cells) = (m.cells(Elem::Num, n * width), to);
        m.each(n * width, |k| m.store(&result, 0, k, m.load(cells, 0, k)));
        m.result(result)
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        if wrt == 1 {
            return Term::always(solved(g, site.attr, site.args[0], t));
        }
        let (mut change, mut active) = (triangle(g, WHOLE, t), active);
        if site.attr == TRANSPOSED {
            change = g.unary(Op::Transpose, change);
            active = active.map(|active| g.unary(Op::Transpose, active));
        }
        let change = applied(g, change, active, site.node);
        let change = g.neg(change);
        Term::always(solved(g, site.attr, site.args[0], change))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let solution = solved(g, TRANSPOSED - site.attr, site.args[0], t);
        if wrt == 1 {
            return Term::always(solution);
        }
        let product = if site.attr == TRANSPOSED {
            products(g, site.node, solution)
        } else {
            products(g, solution, site.node)
        };
        let lower = triangle(g, WHOLE, product);
        Term::always(g.neg(lower))
    }
}

/// Attributes of [`Triangle`]: with the whole diagonal, or with half of it.
const WHOLE: u32 = 0;
const HALF: u32 = 1;

fn triangle<A: Algebra>(g: &mut A, diagonal: u32, matrix: A::V) -> A::V {
    let ty = g.ty(matrix);
    g.apply_typed(Op::Triangle, diagonal, ty, &[matrix])
}

/// The lower triangle of a square matrix, with zeros above.
pub struct Triangle;
impl Rule for Triangle {
    const INFO: OpInfo = OpInfo {
        bound: Bound::Exact,
        ..linear(
            "triangle",
            Syntax::Part("cholesky"),
            "the lower triangle of a matrix, zeros above it; with the attribute 1 with half of the diagonal",
            "",
            "the triangle of t",
        )
    };
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        square("triangle", args[0]).map(|n| Type::num(Shape::Matrix(n, n)))
    }
    fn fits(attr: u32, ty: Type, args: &[Type]) -> bool {
        attr <= HALF && Self::result_type(args) == Ok(ty)
    }
    fn array<A: Arrays>(m: &A, attr: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (n, _) = ty.shape.extents();
        let from = m.stored(&args[0]);
        let to = m.cells(Elem::Num, n * n);
        let zero = Lane::F(l.f(0.0));
        m.each(n, |row| {
            let across = m.times(row, n);
            m.between(m.index(0), row, |column| {
                let here = m.plus(across, column);
                m.store(&to, 0, here, m.load(&from, 0, here));
            });
            let diagonal = m.load(&from, 0, m.plus(across, row)).f();
            let diagonal = if attr == HALF { l.mul(diagonal, l.f(0.5)) } else { diagonal };
            m.store(&to, 0, m.plus(across, row), Lane::F(diagonal));
            m.between(m.plus(row, m.index(1)), m.index(n), |column| {
                m.store(&to, 0, m.plus(across, column), zero);
            });
        });
        m.result(to)
    }
    fn tangent<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(triangle(g, site.attr, t))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, _: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::always(triangle(g, site.attr, t))
    }
}

/// Whether a matrix has no Cholesky factor: of the matrix and of what the decomposition gives.
pub struct Indefinite;
impl Rule for Indefinite {
    const INFO: OpInfo = question(
        "indefinite",
        "whether a matrix without NaNs is not positive definite, by its Cholesky factor",
    );
    const OPERANDS: Option<usize> = Some(2);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        if args[0] != args[1] {
            return Err(ShapeError::new("indefinite: a factor has the shape of its matrix"));
        }
        square("indefinite", args[0]).map(|_| Type::BOOL)
    }
    fn work(args: &[Type], _: Type) -> usize {
        args[0].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let (n, _) = m.shape(&args[0]).extents();
        let (matrix, factor) = (m.stored(&args[0]), m.stored(&args[1]));
        let start = [Lane::M(l.m(false)), Lane::M(l.m(true))];
        let [none, known] = m.fold(m.index(0), m.index(n), start, |row, [none, known]| {
            let across = m.times(row, n);
            let pivot = m.load(&factor, 0, m.plus(across, row)).f();
            let none = l.or(none.m(), l.not(l.lt(l.f(0.0), pivot)));
            let [known] = m.fold(m.index(0), m.plus(row, m.index(1)), [known], |column, [known]| {
                let x = m.load(&matrix, 0, m.plus(across, column)).f();
                [Lane::M(l.and(known.m(), l.eq(x, x)))]
            });
            [Lane::M(none), known]
        });
        m.one(Lane::M(l.and(none.m(), known.m())))
    }
    fn tangent<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::Zero
    }
    fn adjoint<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::Zero
    }
}

/// The type of the diagonals of a tridiagonal matrix: its number of rows.
fn tridiagonal(name: &str, args: &[Type]) -> Result<u32, ShapeError> {
    let length = |k: usize| match args[k].shape {
        Shape::Vector(n) => Ok(n),
        other @ (Shape::Scalar | Shape::Complex | Shape::Matrix(..)) => {
            Err(ShapeError::at(k, format!("{name} of {other}: diagonals are vectors")))
        }
    };
    let (lower, n, upper) = (length(0)?, length(1)?, length(2)?);
    for (k, found) in [(0, lower), (2, upper)] {
        if found + 1 != n {
            let message = format!(
                "{name}: beside a diagonal of {n} elements stand {}, not {found}",
                n.saturating_sub(1)
            );
            return Err(ShapeError::at(k, message));
        }
    }
    Ok(n)
}

/// The elimination of a tridiagonal matrix with partial pivoting. Each row exchanges places with the next one where that has the larger
/// element; `row` gets what stands in each row in the end: three elements from the diagonal on and the right-hand side.
fn eliminated<A: Arrays>(
    m: &A,
    [lower, diagonal, upper]: [&A::Cells; 3],
    sides: Option<&A::Cells>,
    n: u32,
    mut row: impl FnMut(A::Index, [Number<A>; 4]),
) {
    let l = m.lanes();
    let zero = l.f(0.0);
    let side = |k: A::Index| sides.map_or(zero, |sides| m.load(sides, 0, k).f());
    let first = m.index(0);
    let start = [m.load(diagonal, 0, first).f(), m.load(upper, 0, first).f(), side(first)].map(Lane::F);
    let mut step = |k: A::Index, [p, q, r]: [Element<A>; 3], behind: Number<A>| {
        let next = m.plus(k, m.index(1));
        let here = [p.f(), q.f(), zero, r.f()];
        let below = [m.load(lower, 0, k).f(), m.load(diagonal, 0, next).f(), behind, side(next)];
        let exchanged = l.lt(l.abs(here[0]), l.abs(below[0]));
        let top: [Number<A>; 4] = std::array::from_fn(|j| l.select(exchanged, below[j], here[j]));
        let rest: [Number<A>; 4] = std::array::from_fn(|j| l.select(exchanged, here[j], below[j]));
        // Where the largest element is zero there is nothing to eliminate.
        let factor = l.select(l.eq(top[0], zero), zero, l.div(rest[0], top[0]));
        row(k, top);
        [1, 2, 3].map(|j| Lane::F(l.sub(rest[j], l.mul(factor, top[j]))))
    };
    let last = m.index(n - 2);
    let state = m.fold(first, last, start, |k, state| {
        let behind = m.load(upper, 0, m.plus(k, m.index(1))).f();
        step(k, state, behind)
    });
    let [p, _, r] = step(last, state, zero);
    row(m.index(n - 1), [p.f(), zero, zero, r.f()]);
}

/// The solution of `T·x = b` for a tridiagonal matrix.
pub struct SolveTridiagonal;
impl Rule for SolveTridiagonal {
    const INFO: OpInfo = OpInfo {
        domain: Some(Domain::new("a regular tridiagonal matrix", Condition::SingularTridiagonal)),
        ..linear(
            "solve-tridiagonal",
            Syntax::Call(&["solve-tridiagonal"]),
            "solution of T·x = b for a tridiagonal matrix T of n rows, given by its lower (n − 1), middle (n) and upper (n − 1) diagonal, by elimination with partial pivoting",
            "elimination and substitution",
            "−λ·x along each diagonal, λ, with λ = T⁻ᵀ·t",
        )
    };
    const OPERANDS: Option<usize> = Some(4);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        let n = tridiagonal("solve-tridiagonal", args)?;
        if args[3].shape != Shape::Vector(n) {
            let shape = args[3].shape;
            let message = format!("solve-tridiagonal with a right-hand side of {shape}: vec {n} is needed");
            return Err(ShapeError::at(3, message));
        }
        Ok(Type::num(Shape::Vector(n)))
    }
    fn work(_: &[Type], ty: Type) -> usize {
        12 * ty.len()
    }
    fn array<A: Arrays>(m: &A, _: u32, ty: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let n = ty.len() as u32;
        let [lower, diagonal, upper, sides] = std::array::from_fn(|k| m.stored(&args[k]));
        // Elements of each row from the diagonal on.
        let rows: [A::Cells; 3] = std::array::from_fn(|_| m.cells(Elem::Num, n));
        let to = m.cells(Elem::Num, n);
        eliminated(m, [&lower, &diagonal, &upper], Some(&sides), n, |k, [p, q, r, side]| {
            for (cells, element) in rows.iter().zip([p, q, r]) {
                m.store(cells, 0, k, Lane::F(element));
            }
            m.store(&to, 0, k, Lane::F(side));
        });
        let zero = Lane::F(l.f(0.0));
        m.fold(m.index(0), m.index(n), [zero, zero], |done, [next, after]| {
            let k = m.minus(m.index(n - 1), done);
            let [p, q, r] = [0, 1, 2].map(|j: usize| m.load(&rows[j], 0, k).f());
            let rest = l.sub(m.load(&to, 0, k).f(), l.mul(q, next.f()));
            let x = Lane::F(l.div(l.sub(rest, l.mul(r, after.f())), p));
            m.store(&to, 0, k, x);
            [x, next]
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
        let [lower, diagonal, upper] = [site.args[0], site.args[1], site.args[2]];
        let n = site.ty.len() as u32;
        let sides = if wrt == 3 {
            t
        } else {
            // Which elements of x the diagonal meets, and in which rows.
            let (column, row) = [(0, 1), (0, 0), (1, 0)][wrt];
            let shape = g.shape(site.args[wrt]);
            let along = if wrt == 1 { site.node } else { g.slice(site.node, column, shape) };
            let product = g.mul(t, along);
            let product = counting(g, product, active);
            let product = g.neg(product);
            if wrt == 1 { product } else { g.place(product, row, Shape::Vector(n)) }
        };
        Term::always(g.rule(Op::SolveTridiagonal, &[lower, diagonal, upper, sides]))
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let [lower, diagonal, upper] = [site.args[0], site.args[1], site.args[2]];
        let solution = g.rule(Op::SolveTridiagonal, &[upper, diagonal, lower, t]);
        if wrt == 3 {
            return Term::always(solution);
        }
        let (column, row) = [(0, 1), (0, 0), (1, 0)][wrt];
        let shape = g.shape(site.args[wrt]);
        let mut part = |of: A::V, first: u32| if wrt == 1 { of } else { g.slice(of, first, shape) };
        let (left, right) = (part(solution, row), part(site.node, column));
        let product = g.mul(left, right);
        Term::always(g.neg(product))
    }
}

/// Whether the elimination of a tridiagonal matrix finds no pivot for some column.
pub struct SingularTridiagonal;
impl Rule for SingularTridiagonal {
    const INFO: OpInfo = question("singular-tridiagonal", "whether a pivot of a tridiagonal matrix is 0");
    const OPERANDS: Option<usize> = Some(3);

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        tridiagonal("singular-tridiagonal", args).map(|_| Type::BOOL)
    }
    fn work(args: &[Type], _: Type) -> usize {
        8 * args[1].len()
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        let n = m.len(&args[1]);
        let [lower, diagonal, upper] = std::array::from_fn(|k| m.stored(&args[k]));
        let pivots = m.cells(Elem::Num, n);
        eliminated(m, [&lower, &diagonal, &upper], None, n, |k, [pivot, ..]| {
            m.store(&pivots, 0, k, Lane::F(pivot));
        });
        let [any] = m.fold(m.index(0), m.index(n), [Lane::M(l.m(false))], |k, [any]| {
            [Lane::M(l.or(any.m(), l.eq(m.load(&pivots, 0, k).f(), l.f(0.0))))]
        });
        m.one(any)
    }
    fn tangent<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::Zero
    }
    fn adjoint<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
        Term::Zero
    }
}
