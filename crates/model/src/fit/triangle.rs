//! The triangular factor of a matrix that comes in blocks of rows.

/// Rows that are reflected at a time: with a dozen columns they stay in the innermost cache.
const CHUNK: usize = 256;

/// Partial sums of a scalar product. Row `i` of a chunk is added to number `i mod 8`, so the bits do not depend on the vectors
/// of the machine.
const PARTIALS: usize = 8;

/// R of the QR factorisation of all rows seen so far, by Householder reflections (Golub and Van Loan, *Matrix Computations*,
/// 4th ed., section 5.2): `RᵀR` is the sum of the products of the rows with themselves, and the condition number of R is that of the rows,
/// not its square. Rows are reflected in the order in which they come, so the bits depend on nothing but that order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Triangle {
    columns: usize,
    /// Row after row, zeros below the diagonal included.
    elements: Vec<f64>,
}

impl Triangle {
    /// R of no rows.
    pub fn new(columns: usize) -> Triangle {
        Triangle { columns, elements: vec![0.0; columns * columns] }
    }

    /// Forgets all rows.
    pub fn clear(&mut self, columns: usize) {
        self.columns = columns;
        self.elements.clear();
        self.elements.resize(columns * columns, 0.0);
    }

    /// Becomes a copy of another one, in the room that it has.
    pub fn copy(&mut self, other: &Triangle) {
        self.columns = other.columns;
        self.elements.clone_from(&other.elements);
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// An element.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.elements[row * self.columns + column]
    }

    /// Whether all elements are finite: an infinity or a NaN in any row stays.
    pub fn is_finite(&self) -> bool {
        self.elements.iter().all(|x| x.is_finite())
    }

    /// The Euclidean norm of a column of the rows seen so far.
    pub fn norm(&self, column: usize) -> f64 {
        norm((0..=column).map(|row| self.at(row, column)))
    }

    /// Takes in `rows` rows, which stand column after column, `stride` numbers from one column to the next. They are destroyed.
    pub fn absorb(&mut self, block: &mut [f64], rows: usize, stride: usize) {
        let mut first = 0;
        while first < rows {
            let count = CHUNK.min(rows - first);
            self.reflect(block, first, count, stride);
            first += count;
        }
    }

    /// Takes in the rows of another one.
    pub fn merge(&mut self, other: &Triangle) {
        let n = self.columns;
        let mut block = vec![0.0; n * n];
        for row in 0..n {
            for column in row..n {
                block[column * n + row] = other.at(row, column);
            }
        }
        self.absorb(&mut block, n, n);
    }

    /// R of the rows with other columns: column `k` of the result is the sum of the columns and factors of `combination[k]`.
    pub fn combined(&self, combination: &[Vec<(usize, f64)>]) -> Triangle {
        let (n, wide) = (self.columns, combination.len());
        let mut block = vec![0.0; n * wide];
        for (k, parts) in combination.iter().enumerate() {
            for &(column, factor) in parts {
                for row in 0..=column {
                    block[k * n + row] += factor * self.at(row, column);
                }
            }
        }
        let mut combined = Triangle::new(wide);
        combined.absorb(&mut block, n, n);
        combined
    }

    /// Becomes R of the rows of another one with its columns in another order; `block` is room for them.
    pub fn reorder(
        &mut self,
        other: &Triangle,
        order: impl ExactSizeIterator<Item = usize>,
        block: &mut Vec<f64>,
    ) {
        let (n, wide) = (other.columns, order.len());
        block.clear();
        for column in order {
            block.extend((0..n).map(|row| other.at(row, column)));
        }
        self.clear(wide);
        self.absorb(block, n, n);
    }

    /// Eliminates a chunk of rows, column after column, each against the row of R on whose diagonal it stands.
    fn reflect(&mut self, block: &mut [f64], first: usize, count: usize, stride: usize) {
        let n = self.columns;
        for k in 0..n {
            let (before, after) = block.split_at_mut((k + 1) * stride);
            let column = &mut before[k * stride + first..][..count];
            let alpha = self.elements[k * n + k];
            let below = dot(column, column);
            if below == 0.0 && column.iter().all(|&x| x == 0.0) {
                continue;
            }
            let squares = alpha * alpha + below;
            let size = if squares.is_finite() && squares > 1e-280 {
                squares.sqrt()
            } else {
                norm(column.iter().copied().chain([alpha]))
            };
            let beta = if alpha > 0.0 { -size } else { size };
            let (head, factor) = (alpha - beta, (beta - alpha) / beta);
            let inverse = 1.0 / head;
            if inverse.is_finite() {
                column.iter_mut().for_each(|x| *x *= inverse);
            } else {
                column.iter_mut().for_each(|x| *x /= head);
            }
            self.elements[k * n + k] = beta;
            for j in k + 1..n {
                let other = &mut after[(j - k - 1) * stride + first..][..count];
                let above = self.elements[k * n + j];
                let along = factor * (above + dot(column, other));
                self.elements[k * n + j] = above - along;
                other.iter_mut().zip(&*column).for_each(|(x, v)| *x -= along * v);
            }
        }
    }
}

/// The scalar product, in [`PARTIALS`] sums that are added in pairs.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; PARTIALS];
    let (mut left, mut right) = (a.chunks_exact(PARTIALS), b.chunks_exact(PARTIALS));
    for (a, b) in left.by_ref().zip(right.by_ref()) {
        for k in 0..PARTIALS {
            sums[k] += a[k] * b[k];
        }
    }
    for (k, (a, b)) in left.remainder().iter().zip(right.remainder()).enumerate() {
        sums[k] += a * b;
    }
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}

/// The Euclidean norm, without overflow on the way.
pub fn norm(elements: impl Iterator<Item = f64> + Clone) -> f64 {
    let squares: f64 = elements.clone().map(|x| x * x).sum();
    if squares.is_finite() && squares > 1e-280 {
        return squares.sqrt();
    }
    let largest = elements.clone().fold(0.0f64, |most, x| if x.is_nan() { x } else { most.max(x.abs()) });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * elements.map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a matrix, column after column.
    fn columns(rows: usize, columns: usize) -> Vec<f64> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        (0..rows * columns).map(|_| next()).collect()
    }

    #[test]
    fn products_of_columns_are_kept() {
        let (rows, n) = (1000, 4);
        let block = columns(rows, n);
        let mut triangle = Triangle::new(n);
        triangle.absorb(&mut block.clone(), rows, rows);
        for a in 0..n {
            for b in 0..n {
                let expected: f64 = (0..rows).map(|i| block[a * rows + i] * block[b * rows + i]).sum();
                let found: f64 = (0..n).map(|row| triangle.at(row, a) * triangle.at(row, b)).sum();
                assert!((expected - found).abs() < 1e-12, "{a} {b}: {expected} {found}");
            }
        }
    }

    #[test]
    fn columns_of_any_size_have_a_norm() {
        for scale in [1e-300, 1e300] {
            let mut block: Vec<f64> = columns(600, 2).iter().map(|x| x * scale).collect();
            let expected = norm(block[..600].iter().copied());
            let mut triangle = Triangle::new(2);
            triangle.absorb(&mut block, 600, 600);
            assert!((triangle.norm(0) / expected - 1.0).abs() < 1e-12, "{} {expected}", triangle.norm(0));
        }
        let mut triangle = Triangle::new(1);
        triangle.absorb(&mut [1.0, f64::NAN, 2.0], 3, 3);
        assert!(!triangle.is_finite());
    }
}
