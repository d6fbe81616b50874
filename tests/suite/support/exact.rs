//! Determinants of integers without rounding.

/// A determinant by divisions without remainders (Bareiss, Mathematics of Computation 22, 1968).
pub fn determinant(mut m: Vec<i128>, n: usize) -> i128 {
    let (mut sign, mut before) = (1, 1);
    for k in 0..n.saturating_sub(1) {
        let Some(row) = (k..n).find(|row| m[row * n + k] != 0) else { return 0 };
        if row != k {
            (0..n).for_each(|column| m.swap(k * n + column, row * n + column));
            sign = -sign;
        }
        for i in k + 1..n {
            for j in k + 1..n {
                m[i * n + j] = (m[i * n + j] * m[k * n + k] - m[i * n + k] * m[k * n + j]) / before;
            }
        }
        before = m[k * n + k];
    }
    sign * m.last().copied().unwrap_or(1)
}

/// The signed minors of each place, row by row.
pub fn cofactors(m: &[i128], n: usize) -> Vec<i128> {
    let minor = |place: usize| {
        (0..n * n).filter(|k| k / n != place / n && k % n != place % n).map(|k| m[k]).collect()
    };
    (0..n * n).map(|k| [1, -1][(k / n + k % n) % 2] * determinant(minor(k), n - 1)).collect()
}
