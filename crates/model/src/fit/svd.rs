//! Singular values of small matrices.

/// `A = U diag(σ) Vᵀ` of a square matrix, singular values descending.
#[derive(Debug, Clone)]
pub struct Svd {
    /// The left singular vectors, one after the other. Those of singular values that are 0 are 0.
    pub left: Vec<Vec<f64>>,
    /// The singular values.
    pub values: Vec<f64>,
    /// The right singular vectors, one after the other.
    pub right: Vec<Vec<f64>>,
}

/// Sweeps of rotations; a dozen are enough for any matrix.
const SWEEPS: usize = 60;

impl Svd {
    /// Decomposes a matrix, given by its columns, by rotating pairs of columns until all are orthogonal (one-sided Jacobi; Hestenes
    /// 1958). Columns of very different sizes do not spoil each other: small singular values have small relative errors
    /// (Demmel and Veselić 1992).
    pub fn of(columns: &[Vec<f64>]) -> Svd {
        let n = columns.len();
        let mut left = columns.to_vec();
        let mut right: Vec<Vec<f64>> =
            (0..n).map(|k| (0..n).map(|i| f64::from(u8::from(i == k))).collect()).collect();
        for _ in 0..SWEEPS {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
                    let (pp, qq, pq) = (
                        product(&left[p], &left[p]),
                        product(&left[q], &left[q]),
                        product(&left[p], &left[q]),
                    );
                    if pq.abs() <= f64::EPSILON * (pp * qq).sqrt() || pq == 0.0 {
                        continue;
                    }
                    rotated = true;
                    let zeta = (qq - pp) / (2.0 * pq);
                    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                    let cosine = 1.0 / tangent.hypot(1.0);
                    rotate(&mut left, p, q, cosine, cosine * tangent);
                    rotate(&mut right, p, q, cosine, cosine * tangent);
                }
            }
            if !rotated {
                break;
            }
        }
        let sizes: Vec<f64> =
            left.iter().map(|column| super::triangle::norm(column.iter().copied())).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]));
        let unit = |k: usize| match sizes[k] {
            0.0 => left[k].clone(),
            size => left[k].iter().map(|x| x / size).collect(),
        };
        Svd {
            left: order.iter().map(|&k| unit(k)).collect(),
            values: order.iter().map(|&k| sizes[k]).collect(),
            right: order.iter().map(|&k| right[k].clone()).collect(),
        }
    }
}

/// Rotates two columns.
fn rotate(columns: &mut [Vec<f64>], p: usize, q: usize, cosine: f64, sine: f64) {
    let (before, after) = columns.split_at_mut(q);
    for (x, y) in before[p].iter_mut().zip(&mut after[0]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_the_product_of_its_parts() {
        let columns = vec![vec![2.0, 0.0, 1.0], vec![1.0, 3e-9, -1.0], vec![4.0, 1e-9, 0.5]];
        let svd = Svd::of(&columns);
        for (j, column) in columns.iter().enumerate() {
            for (i, &expected) in column.iter().enumerate() {
                let found: f64 = (0..3).map(|k| svd.left[k][i] * svd.values[k] * svd.right[k][j]).sum();
                let bound = 4.0 * f64::EPSILON * svd.values[0];
                assert!((found - expected).abs() <= bound, "{i} {j}: {found} {expected}");
            }
        }
        assert!(svd.values.is_sorted_by(|a, b| a >= b) && svd.values[2] < 1e-8);
    }

    #[test]
    fn a_column_of_zeros_is_a_singular_value_of_zero() {
        let svd = Svd::of(&[vec![3.0, 4.0], vec![0.0, 0.0]]);
        assert_eq!((svd.values[0], svd.values[1]), (5.0, 0.0));
    }
}
