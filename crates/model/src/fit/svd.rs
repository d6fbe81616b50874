//! Singular values of small matrices.

use super::triangle::norm;

/// `A = U diag(σ) Vᵀ` of a square matrix, singular values descending. What holds it is used again by the next decomposition.
#[derive(Debug, Clone, Default)]
pub struct Svd {
    n: usize,
    /// `U diag(σ)` while columns are rotated, then the left singular vectors, one after the other.
    left: Vec<f64>,
    right: Vec<f64>,
    sizes: Vec<f64>,
    /// Which columns the singular values belong to, the largest first.
    order: Vec<usize>,
}

/// Sweeps of rotations; a dozen are enough for any matrix.
const SWEEPS: usize = 60;

impl Svd {
    /// As [`Svd::decompose`], by itself.
    pub fn of(columns: &[f64], n: usize) -> Svd {
        let mut svd = Svd::default();
        svd.decompose(columns, n);
        svd
    }

    /// Decomposes a matrix of `n` columns, which stand one after the other, by rotating pairs of columns until all are orthogonal
    /// (one-sided Jacobi; Hestenes 1958). Columns of very different sizes do not spoil each other: small singular values have small
    /// relative errors (Demmel and Veselić 1992).
    pub fn decompose(&mut self, columns: &[f64], n: usize) {
        self.n = n;
        self.left.clear();
        self.left.extend_from_slice(&columns[..n * n]);
        self.right.clear();
        self.right.resize(n * n, 0.0);
        (0..n).for_each(|k| self.right[k * n + k] = 1.0);
        for _ in 0..SWEEPS {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let (a, b) = (&self.left[p * n..][..n], &self.left[q * n..][..n]);
                    let (pp, qq, pq) = (product(a, a), product(b, b), product(a, b));
                    if pq.abs() <= f64::EPSILON * (pp * qq).sqrt() || pq == 0.0 {
                        continue;
                    }
                    rotated = true;
                    let zeta = (qq - pp) / (2.0 * pq);
                    // Where 1 is nothing beside the square, it is left out before that overflows.
                    let root = if zeta.abs() < 1e100 { (1.0 + zeta * zeta).sqrt() } else { zeta.abs() };
                    let tangent = zeta.signum() / (zeta.abs() + root);
                    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
                    rotate(&mut self.left, n, p, q, cosine, cosine * tangent);
                    rotate(&mut self.right, n, p, q, cosine, cosine * tangent);
                }
            }
            if !rotated {
                break;
            }
        }
        self.sizes.clear();
        self.sizes.extend((0..n).map(|k| norm(self.left[k * n..][..n].iter().copied())));
        for (k, &size) in self.sizes.iter().enumerate().filter(|(_, size)| **size != 0.0) {
            self.left[k * n..][..n].iter_mut().for_each(|x| *x /= size);
        }
        self.order.clear();
        self.order.extend(0..n);
        self.order.sort_by(|&a, &b| self.sizes[b].total_cmp(&self.sizes[a]));
    }

    /// How many singular values there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// A singular value.
    pub fn value(&self, k: usize) -> f64 {
        self.sizes[self.order[k]]
    }

    /// A left singular vector; zeros where the singular value is 0.
    pub fn left(&self, k: usize) -> &[f64] {
        &self.left[self.order[k] * self.n..][..self.n]
    }

    /// A right singular vector.
    pub fn right(&self, k: usize) -> &[f64] {
        &self.right[self.order[k] * self.n..][..self.n]
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Rotates two columns.
fn rotate(columns: &mut [f64], n: usize, p: usize, q: usize, cosine: f64, sine: f64) {
    let (before, after) = columns.split_at_mut(q * n);
    for (x, y) in before[p * n..][..n].iter_mut().zip(&mut after[..n]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_the_product_of_its_parts() {
        let columns = [2.0, 0.0, 1.0, 1.0, 3e-9, -1.0, 4.0, 1e-9, 0.5];
        let svd = Svd::of(&columns, 3);
        for (j, column) in columns.chunks(3).enumerate() {
            for (i, &expected) in column.iter().enumerate() {
                let found: f64 = (0..3).map(|k| svd.left(k)[i] * svd.value(k) * svd.right(k)[j]).sum();
                let bound = 4.0 * f64::EPSILON * svd.value(0);
                assert!((found - expected).abs() <= bound, "{i} {j}: {found} {expected}");
            }
        }
        assert!(svd.value(0) >= svd.value(1) && svd.value(1) >= svd.value(2) && svd.value(2) < 1e-8);
    }

    #[test]
    fn a_column_of_zeros_is_a_singular_value_of_zero() {
        let svd = Svd::of(&[3.0, 4.0, 0.0, 0.0], 2);
        assert_eq!((svd.value(0), svd.value(1)), (5.0, 0.0));
    }
}
