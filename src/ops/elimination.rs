//! Gaussian elimination over arrays: what determinants, inverses and solutions share.
//!
//! Each row of a batch chooses its own pivots. Where a pivot or a right-hand side overflows on the way, the elimination is carried out
//! again on columns that are scaled down by powers of two: by lanes that are [complete](nc_runtime::lanes::Lanes::complete), to which
//! the others report such rows.

use nc_runtime::lanes::{Lanes, Precision};
use nc_runtime::recipes::scale::{self, Product};

use super::Lane;
use super::array::{Arrays, Number, Truth};
use crate::types::Elem;

/// Rows or columns that a loop goes through together.
pub(super) const BLOCK: u32 = 4;

/// The determinant of a matrix: the product of the pivots of partial pivoting.
pub(super) fn determinant<A: Arrays>(m: &A, matrix: &A::Operand) -> Number<A> {
    let l = m.lanes();
    let plain = Elimination::of(m, matrix, 0, m.cells(Elem::Num, 0));
    let value = plain.determinant();
    if plain.n == 1 {
        return value;
    }
    // A product with a pivot that has overflowed is no number of finite size.
    let overflowed = l.not(is_finite(l, value));
    if !l.complete() {
        l.outside(overflowed);
        return value;
    }
    let scaled = Elimination::scaled(m, matrix, 0, m.cells(Elem::Num, 0), false);
    l.select(overflowed, scaled.determinant(), value)
}

/// The inverse of a matrix, row-major.
pub(super) fn inverse<A: Arrays>(m: &A, matrix: &A::Operand) -> A::Cells {
    let l = m.lanes();
    let (n, _) = m.shape(matrix).extents();
    let solve = |elimination: &Elimination<A>| {
        elimination.run();
        elimination.back_substitute();
    };
    let plain = Elimination::of(m, matrix, n, identity(m, n));
    solve(&plain);
    let overflowed = plain.pivots_overflowed();
    if !l.complete() {
        l.outside(overflowed);
        return plain.right;
    }
    let scaled = Elimination::scaled(m, matrix, n, identity(m, n), false);
    solve(&scaled);
    scaled.unscale_solutions(None);
    plain.replace(overflowed, scaled)
}

/// The solution of `A·X = B`, row-major, for `width` right-hand sides.
pub(super) fn solution<A: Arrays>(m: &A, matrix: &A::Operand, sides: &A::Operand, width: u32) -> A::Cells {
    let l = m.lanes();
    let (n, _) = m.shape(matrix).extents();
    let from = m.stored(sides);
    let solve = |elimination: &Elimination<A>| {
        elimination.run();
        // The last row of the right-hand sides shows whether they have overflowed above it.
        let last = m.times(m.index(n - 1), width);
        let [finite] = m.fold(m.index(0), m.index(width), [Lane::M(l.m(true))], |column, [finite]| {
            let side = m.load(&elimination.right, 0, m.plus(last, column)).f();
            [Lane::M(l.and(finite.m(), is_finite(l, side)))]
        });
        elimination.back_substitute();
        l.not(finite.m())
    };
    let right = m.cells(Elem::Num, n * width);
    m.each(n * width, |k| m.store(&right, 0, k, m.load(&from, 0, k)));
    let plain = Elimination::of(m, matrix, width, right);
    let sides_overflowed = solve(&plain);
    let overflowed = l.or(plain.pivots_overflowed(), sides_overflowed);
    if !l.complete() {
        l.outside(overflowed);
        return plain.right;
    }
    let right = m.cells(Elem::Num, n * width);
    let large = m.cells(Elem::Bool, width);
    scale_columns(m, &from, &right, (n, width), m.index(0), &large, reserve(l, n));
    let scaled = Elimination::scaled(m, matrix, width, right, false);
    solve(&scaled);
    scaled.unscale_solutions(Some(&large));
    plain.replace(overflowed, scaled)
}

/// Whether partial pivoting finds no pivot for some column.
pub(super) fn is_singular<A: Arrays>(m: &A, matrix: &A::Operand) -> Truth<A> {
    let l = m.lanes();
    let any_zero = |elimination: &Elimination<A>| {
        elimination.run();
        let zero = l.f(0.0);
        let [any] = m.fold(m.index(0), m.index(elimination.n), [Lane::M(l.m(false))], |k, [any]| {
            [Lane::M(l.or(any.m(), l.eq(elimination.diagonal(k), zero)))]
        });
        any.m()
    };
    let plain = Elimination::of(m, matrix, 0, m.cells(Elem::Num, 0));
    let singular = any_zero(&plain);
    let overflowed = plain.pivots_overflowed();
    if !l.complete() {
        l.outside(overflowed);
        return singular;
    }
    let scaled = any_zero(&Elimination::scaled(m, matrix, 0, m.cells(Elem::Num, 0), false));
    l.or(l.and(overflowed, scaled), l.and(l.not(overflowed), singular))
}

/// The cofactors of a matrix, row-major.
///
/// With complete pivoting `P·M·Q = L·U`, and the transposed matrix of cofactors, the adjugate, is `± Q·adj(U)·L⁻¹·P`. In `adj(U) =
/// det(U)·U⁻¹` the last pivot cancels, the only one that is 0 where the rank is n − 1: a singular matrix has its cofactors, too.
pub(super) fn cofactors<A: Arrays>(m: &A, matrix: &A::Operand) -> A::Cells {
    let l = m.lanes();
    let (n, _) = m.shape(matrix).extents();
    let adjugate = |elimination: &Elimination<A>| {
        let order = m.cells(Elem::Bool, n * n);
        let odd = elimination.run_completely(&order);
        let exponent = elimination.back_substitute_but_last();
        elimination.restore(&order);
        elimination.adjugate(odd, exponent)
    };
    let plain = Elimination::of(m, matrix, n, identity(m, n));
    let cofactors = adjugate(&plain);
    let overflowed = plain.pivots_overflowed();
    if !l.complete() {
        l.outside(overflowed);
        return cofactors;
    }
    let scaled = adjugate(&Elimination::scaled(m, matrix, n, identity(m, n), true));
    select_into(m, overflowed, &scaled, &cofactors, n * n);
    cofactors
}

fn is_finite<L: Lanes>(l: &L, x: L::F) -> L::M {
    l.lt(l.abs(x), l.f(f64::INFINITY))
}

/// `to` becomes `from` where the mask holds.
fn select_into<A: Arrays>(m: &A, mask: Truth<A>, from: &A::Cells, to: &A::Cells, len: u32) {
    let l = m.lanes();
    m.each(len, |k| {
        let (a, b) = (m.load(from, 0, k).f(), m.load(to, 0, k).f());
        m.store(to, 0, k, Lane::F(l.select(mask, a, b)));
    });
}

/// Cells with the n×n unit matrix.
fn identity<A: Arrays>(m: &A, n: u32) -> A::Cells {
    let l = m.lanes();
    let (one, zero) = (l.f(1.0), l.f(0.0));
    let cells = m.cells(Elem::Num, n * n);
    m.each(n * n, |k| m.store(&cells, 0, k, Lane::F(zero)));
    m.each(n, |k| m.store(&cells, 0, m.times(k, n + 1), Lane::F(one)));
    cells
}

/// The exponent of the power of two by which elements can grow in the elimination of n rows: one for each, at the most. (Bounded for
/// large matrices, where they grow so far in made-up examples only.)
fn reserve<L: Lanes>(l: &L, n: u32) -> i64 {
    let most = match l.precision() {
        Precision::Double => 500,
        Precision::Single => 60,
    };
    i64::from(n).min(most)
}

/// The largest magnitude of a column, NaNs left aside, if it is not below `most`.
fn largest_of_column<A: Arrays>(
    m: &A,
    from: &A::Cells,
    (rows, columns): (u32, u32),
    column: A::Index,
    most: Number<A>,
) -> Number<A> {
    let l = m.lanes();
    let [largest] = m.fold(m.index(0), m.index(rows), [Lane::F(most)], |row, [largest]| {
        let here = l.abs(m.load(from, 0, m.plus(m.times(row, columns), column)).f());
        [Lane::F(l.select(l.lt(largest.f(), here), here, largest.f()))]
    });
    largest.f()
}

/// Whether an element of this size may overflow if it grows by `2^reserve`.
fn may_overflow<L: Lanes>(l: &L, size: L::F, reserve: i64) -> L::M {
    let top = match l.precision() {
        Precision::Double => 1023,
        Precision::Single => 127,
    };
    l.le(l.f(2f64.powi((top - reserve) as i32)), size)
}

/// Copies columns from `first` on, those that may overflow times `2^−reserve`; `large` says which those are.
fn scale_columns<A: Arrays>(
    m: &A,
    from: &A::Cells,
    to: &A::Cells,
    (rows, columns): (u32, u32),
    first: A::Index,
    large: &A::Cells,
    reserve: i64,
) {
    let l = m.lanes();
    m.between(first, m.index(columns), |column| {
        let size = largest_of_column(m, from, (rows, columns), column, l.f(0.0));
        let beyond = may_overflow(l, size, reserve);
        m.store(large, 0, column, Lane::M(beyond));
        let factor = l.select(beyond, l.f(2f64.powi(-reserve as i32)), l.f(1.0));
        m.each(rows, |row| {
            let place = m.plus(m.times(row, columns), column);
            m.store(to, 0, place, Lane::F(l.mul(m.load(from, 0, place).f(), factor)));
        });
    });
}

/// Gaussian elimination with pivoting.
struct Elimination<'m, A: Arrays> {
    m: &'m A,
    n: u32,
    /// The matrix, of which the lower triangle is used up.
    left: A::Cells,
    /// Right-hand sides, row-major.
    right: A::Cells,
    /// How many right-hand sides there are.
    width: u32,
    /// Which columns of the matrix have been scaled by `2^−reserve`, if any may have been.
    large: Option<A::Cells>,
}

impl<'m, A: Arrays> Elimination<'m, A> {
    fn of(m: &'m A, matrix: &A::Operand, width: u32, right: A::Cells) -> Self {
        let (n, _) = m.shape(matrix).extents();
        let from = m.stored(matrix);
        let left = m.cells(Elem::Num, n * n);
        m.each(n * n, |k| m.store(&left, 0, k, m.load(&from, 0, k)));
        Elimination { m, n, left, right, width, large: None }
    }

    /// With columns scaled down that may overflow, each by itself or `together`. By themselves they have the same pivots as before.
    fn scaled(m: &'m A, matrix: &A::Operand, width: u32, right: A::Cells, together: bool) -> Self {
        let l = m.lanes();
        let (n, _) = m.shape(matrix).extents();
        let (from, reserve) = (m.stored(matrix), reserve(l, n));
        let (left, large) = (m.cells(Elem::Num, n * n), m.cells(Elem::Bool, n));
        if together {
            let [size] = m.fold(m.index(0), m.index(n), [Lane::F(l.f(0.0))], |column, [size]| {
                [Lane::F(largest_of_column(m, &from, (n, n), column, size.f()))]
            });
            let beyond = may_overflow(l, size.f(), reserve);
            m.each(n, |column| m.store(&large, 0, column, Lane::M(beyond)));
            let factor = l.select(beyond, l.f(2f64.powi(-reserve as i32)), l.f(1.0));
            m.each(n * n, |k| m.store(&left, 0, k, Lane::F(l.mul(m.load(&from, 0, k).f(), factor))));
        } else {
            scale_columns(m, &from, &left, (n, n), m.index(0), &large, reserve);
        }
        Elimination { m, n, left, right, width, large: Some(large) }
    }

    #[inline]
    fn diagonal(&self, k: A::Index) -> Number<A> {
        self.m.load(&self.left, 0, self.m.times(k, self.n + 1)).f()
    }

    /// Whether a pivot is no number of finite size. The first one is an element of the matrix. If another element has overflowed, so
    /// has the pivot of its column.
    fn pivots_overflowed(&self) -> Truth<A> {
        let m = self.m;
        let l = m.lanes();
        if self.n == 1 {
            return l.m(false);
        }
        let start = Lane::M(is_finite(l, self.diagonal(m.index(1))));
        let [finite] = m.fold(m.index(2), m.index(self.n), [start], |k, [finite]| {
            [Lane::M(l.and(finite.m(), is_finite(l, self.diagonal(k))))]
        });
        l.not(finite.m())
    }

    /// Its solutions, with those of another elimination where the mask holds.
    fn replace(self, mask: Truth<A>, other: Self) -> A::Cells {
        select_into(self.m, mask, &other.right, &self.right, self.n * self.width);
        self.right
    }

    /// Takes back in the solutions that columns have been scaled, and right-hand sides.
    fn unscale_solutions(&self, sides: Option<&A::Cells>) {
        let m = self.m;
        let l = m.lanes();
        let Some(large) = &self.large else { return };
        let reserve = reserve(l, self.n) as i32;
        let (one, down, up) = (l.f(1.0), l.f(2f64.powi(-reserve)), l.f(2f64.powi(reserve)));
        m.each(self.n, |row| {
            let scaled = m.load(large, 0, row).m();
            m.each(self.width, |column| {
                let factor = match sides {
                    Some(sides) => {
                        let side = m.load(sides, 0, column).m();
                        l.select(scaled, l.select(side, one, down), l.select(side, up, one))
                    }
                    None => l.select(scaled, down, one),
                };
                let place = m.plus(m.times(row, self.width), column);
                m.store(&self.right, 0, place, Lane::F(l.mul(m.load(&self.right, 0, place).f(), factor)));
            });
        });
    }

    /// Carries out the elimination with partial pivoting. Returns the determinant: the product of the pivots, which overflows or
    /// loses bits at its end only.
    fn determinant(&self) -> Number<A> {
        let m = self.m;
        let l = m.lanes();
        let odd = self.run();
        let last = self.diagonal(m.index(self.n - 1));
        let product = match self.n {
            1 => last,
            // Of two numbers there is nothing on the way.
            2 if self.large.is_none() => l.mul(self.diagonal(m.index(0)), last),
            count => {
                // The exponent is kept as the number with its bits.
                let parts = |Product { mantissa, exponent }| [Lane::F(mantissa), Lane::F(l.float(exponent))];
                let product = |[mantissa, exponent]: [Lane<A::L>; 2]| Product {
                    mantissa: mantissa.f(),
                    exponent: l.bits(exponent.f()),
                };
                let mut first = Product::of(l, self.diagonal(m.index(0)));
                if let Some(large) = &self.large {
                    first.exponent = l.iadd(first.exponent, self.scaled_by(large));
                }
                let start = parts(first);
                let most = m.fold(m.index(1), m.index(count - 1), start, |k, state| {
                    parts(product(state).times(l, self.diagonal(k), count))
                });
                product(most).ending_with(l, last, count)
            }
        };
        l.select(odd, l.neg(product), product)
    }

    /// The exponent of what scaled columns lack in the determinant.
    fn scaled_by(&self, large: &A::Cells) -> <A::L as Lanes>::I {
        let m = self.m;
        let l = m.lanes();
        let (none, reserve) = (l.i(0), l.i(reserve(l, self.n)));
        let [sum] = m.fold(m.index(0), m.index(self.n), [Lane::F(l.float(none))], |column, [sum]| {
            let by = l.iselect(m.load(large, 0, column).m(), reserve, none);
            [Lane::F(l.float(l.iadd(l.bits(sum.f()), by)))]
        });
        l.bits(sum.f())
    }

    /// Carries out the elimination with partial pivoting: rows are exchanged. Returns whether an odd number of them has been.
    fn run(&self) -> Truth<A> {
        let m = self.m;
        let n = m.index(self.n);
        let even = Lane::M(m.lanes().m(false));
        let [odd] = m.fold(m.index(0), n, [even], |k, odd| {
            let below = m.plus(k, m.index(1));
            let odd = m.fold(below, n, odd, |row, [odd]| [Lane::M(self.pivot(k, row, odd.m()))]);
            m.between(below, n, |row| self.eliminate(k, row));
            odd
        });
        odd.m()
    }

    /// Carries out the elimination with complete pivoting: rows and columns are exchanged, so that the pivots that are 0 are the last
    /// ones. `order` keeps which columns have been. Returns whether the number of exchanges is odd.
    fn run_completely(&self, order: &A::Cells) -> Truth<A> {
        let m = self.m;
        let l = m.lanes();
        let n = m.index(self.n);
        let [odd] = m.fold(m.index(0), n, [Lane::M(l.m(false))], |k, [odd]| {
            let below = m.plus(k, m.index(1));
            let largest = |column: A::Index| {
                let [largest] = m.fold(k, n, [Lane::F(l.f(0.0))], |row, [largest]| {
                    let here = l.abs(m.load(&self.left, 0, m.plus(m.times(row, self.n), column)).f());
                    [Lane::F(l.select(l.lt(largest.f(), here), here, largest.f()))]
                });
                largest
            };
            let [_, odd] = m.fold(below, n, [largest(k), odd], |column, [first, odd]| {
                let here = largest(column);
                let larger = l.lt(first.f(), here.f());
                m.store(order, 0, m.plus(m.times(k, self.n), column), Lane::M(larger));
                m.between_if(m.index(0), n, larger, |row| {
                    let row = m.times(row, self.n);
                    self.exchange(&self.left, larger, m.plus(row, k), m.plus(row, column));
                });
                let first = l.select(larger, here.f(), first.f());
                [Lane::F(first), Lane::M(either(l, larger, odd.m()))]
            });
            let odd = m.fold(below, n, [odd], |row, [odd]| [Lane::M(self.pivot(k, row, odd.m()))]);
            m.between(below, n, |row| self.eliminate(k, row));
            odd
        });
        odd.m()
    }

    /// Exchanges rows `k` and `row` in the lanes where that brings the larger element into the diagonal. After
    /// all rows below `k` the largest stands there, the first of equals.
    #[inline]
    fn pivot(&self, k: A::Index, row: A::Index, odd: Truth<A>) -> Truth<A> {
        let m = self.m;
        let l = m.lanes();
        let (upper, lower) = (m.times(k, self.n), m.times(row, self.n));
        let at = |row: A::Index| l.abs(m.load(&self.left, 0, m.plus(row, k)).f());
        let larger = l.lt(at(upper), at(lower));
        m.between_if(k, m.index(self.n), larger, |column| {
            self.exchange(&self.left, larger, m.plus(upper, column), m.plus(lower, column));
        });
        let (upper, lower) = (m.times(k, self.width), m.times(row, self.width));
        m.between_if(m.index(0), m.index(self.width), larger, |column| {
            self.exchange(&self.right, larger, m.plus(upper, column), m.plus(lower, column));
        });
        either(l, larger, odd)
    }

    #[inline]
    fn exchange(&self, of: &A::Cells, mask: Truth<A>, i: A::Index, j: A::Index) {
        let m = self.m;
        let l = m.lanes();
        let (a, b) = (m.load(of, 0, i).f(), m.load(of, 0, j).f());
        m.store(of, 0, i, Lane::F(l.select(mask, b, a)));
        m.store(of, 0, j, Lane::F(l.select(mask, a, b)));
    }

    #[inline]
    fn eliminate(&self, k: A::Index, row: A::Index) {
        let m = self.m;
        let l = m.lanes();
        let (upper, lower) = (m.times(k, self.n), m.times(row, self.n));
        let at = |row: A::Index| m.load(&self.left, 0, m.plus(row, k)).f();
        // Where the largest element of a column is zero there is nothing to eliminate: 0/0 must not spoil the rest.
        let pivot = at(upper);
        let zero = l.f(0.0);
        let factor = l.select(l.eq(pivot, zero), zero, l.div(at(lower), pivot));
        let subtract = |of: &A::Cells, i: A::Index, j: A::Index| {
            let product = l.mul(factor, m.load(of, 0, i).f());
            m.store(of, 0, j, Lane::F(l.sub(m.load(of, 0, j).f(), product)));
        };
        m.between(m.plus(k, m.index(1)), m.index(self.n), |column| {
            subtract(&self.left, m.plus(upper, column), m.plus(lower, column));
        });
        let (upper, lower) = (m.times(k, self.width), m.times(row, self.width));
        m.between(m.index(0), m.index(self.width), |column| {
            subtract(&self.right, m.plus(upper, column), m.plus(lower, column));
        });
    }

    fn back_substitute(&self) {
        let m = self.m;
        let l = m.lanes();
        let (left, right) = (&self.left, &self.right);
        m.blocks(self.width, BLOCK, |column, count| {
            m.each(self.n, |done| {
                let row = m.minus(m.index(self.n - 1), done);
                let here = m.plus(m.times(row, self.width), column);
                let across = m.times(row, self.n);
                let start = m.loads(right, count, 1, here);
                let below = m.plus(row, m.index(1));
                let values = m.sums(
                    below,
                    m.index(self.n),
                    count,
                    |j| start(j).f(),
                    |k| {
                        let factor = m.load(left, 0, m.plus(across, k)).f();
                        let there = m.plus(m.times(k, self.width), column);
                        move |j, value| l.sub(value, l.mul(factor, m.load(right, j, there).f()))
                    },
                );
                let pivot = m.load(left, 0, m.plus(across, row)).f();
                for (j, value) in (0..count).zip(values) {
                    m.store(right, j, here, Lane::F(l.div(value, pivot)));
                }
            });
        });
    }

    /// The right-hand sides become the last pivot times the solutions, without a power of two whose exponent is returned: so nothing is
    /// divided by the last pivot. What would be divided by another pivot of 0 becomes 0.
    fn back_substitute_but_last(&self) -> Number<A> {
        let m = self.m;
        let l = m.lanes();
        let (left, right) = (&self.left, &self.right);
        let end = m.index(self.n - 1);
        // Most of the exponent of a small pivot, so that quotients by large ones do not vanish.
        let most = match l.precision() {
            Precision::Double => 900.0,
            Precision::Single => 110.0,
        };
        let (_, exponent) = scale::split(l, self.diagonal(end));
        let exponent = l.select(l.lt(exponent, l.f(-most)), l.f(-most), exponent);
        let exponent = l.select(l.gt(exponent, l.f(most)), l.f(most), exponent);
        let scaled = |x| scale::scale(l, x, l.neg(exponent));
        let last = scaled(self.diagonal(end));
        m.each(self.width, |column| {
            let here = m.plus(m.times(end, self.width), column);
            m.store(right, 0, here, Lane::F(scaled(m.load(right, 0, here).f())));
        });
        let zero = l.f(0.0);
        m.between(m.index(1), m.index(self.n), |done| {
            let row = m.minus(m.index(self.n - 1), done);
            let (across, pivot) = (m.times(row, self.n), self.diagonal(row));
            let none = l.eq(pivot, zero);
            m.blocks(self.width, BLOCK, |column, count| {
                let here = m.plus(m.times(row, self.width), column);
                let start = m.loads(right, count, 1, here);
                let values = m.sums(
                    m.plus(row, m.index(1)),
                    m.index(self.n),
                    count,
                    |j| l.mul(last, start(j).f()),
                    |k| {
                        let factor = m.load(left, 0, m.plus(across, k)).f();
                        let there = m.plus(m.times(k, self.width), column);
                        move |j, value| l.sub(value, l.mul(factor, m.load(right, j, there).f()))
                    },
                );
                for (j, value) in (0..count).zip(values) {
                    m.store(right, j, here, Lane::F(l.select(none, zero, l.div(value, pivot))));
                }
            });
        });
        exponent
    }

    /// Takes back the exchanges of columns, the last one first, in the rows of the solutions.
    fn restore(&self, order: &A::Cells) {
        let m = self.m;
        m.each(self.n, |done| {
            let k = m.minus(m.index(self.n - 1), done);
            // As many columns come behind column k as are done.
            m.between(m.index(0), done, |back| {
                let column = m.minus(m.index(self.n - 1), back);
                let exchanged = m.load(order, 0, m.plus(m.times(k, self.n), column)).m();
                let (upper, lower) = (m.times(k, self.width), m.times(column, self.width));
                m.between_if(m.index(0), m.index(self.width), exchanged, |j| {
                    self.exchange(&self.right, exchanged, m.plus(upper, j), m.plus(lower, j));
                });
            });
        });
    }

    /// The transposed solutions times a power of two and the determinant without its last pivot. The factors are multiplied as mantissas and exponents: their
    /// product may be outside the range of numbers where the results are not.
    fn adjugate(&self, odd: Truth<A>, exponent: Number<A>) -> A::Cells {
        let m = self.m;
        let l = m.lanes();
        let exponent = match &self.large {
            // All columns have been scaled together.
            Some(large) => {
                let by = l.f((reserve(l, self.n) * i64::from(self.n - 1)) as f64);
                let scaled = m.load(large, 0, m.index(0)).m();
                l.add(exponent, l.select(scaled, by, l.f(0.0)))
            }
            None => exponent,
        };
        let start = [Lane::F(l.f(1.0)), Lane::F(exponent)];
        let [mantissa, exponent] =
            m.fold(m.index(0), m.index(self.n - 1), start, |k, [mantissa, exponent]| {
                let (factor, above) = scale::split(l, self.diagonal(k));
                let (mantissa, carried) = scale::split(l, l.mul(mantissa.f(), factor));
                [Lane::F(mantissa), Lane::F(l.add(exponent.f(), l.add(above, carried)))]
            });
        let factor = l.select(odd, l.neg(mantissa.f()), mantissa.f());
        let to = m.cells(Elem::Num, self.n * self.n);
        m.each(self.n, |row| {
            let across = m.times(row, self.n);
            m.each(self.n, |column| {
                let solution = m.load(&self.right, 0, m.plus(m.times(column, self.width), row)).f();
                let cofactor = scale::scale(l, l.mul(factor, solution), exponent.f());
                m.store(&to, 0, m.plus(across, column), Lane::F(cofactor));
            });
        });
        to
    }
}

/// Whether one of two holds, and not the other.
fn either<L: Lanes>(l: &L, a: L::M, b: L::M) -> L::M {
    l.or(l.and(a, l.not(b)), l.and(l.not(a), b))
}
