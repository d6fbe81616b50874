//! Systems of linear equations against exact references: integer matrices by Cramer's rule and by what they were made of, derivatives
//! against closed formulas in rational numbers.

use crate::support;

use neural_compiler::{CompileOptions, Derivative, Dtype, Program, Shape, Signature, Tier};
use support::derive::{Case, matrix, vector};
use support::exact::{cofactors, determinant};
use support::generate::Rng;

/// A matrix of integers from −9 to 9.
fn integers(rng: &mut Rng, rows: usize, columns: usize) -> Vec<i64> {
    (0..rows * columns).map(|_| rng.below(19) as i64 - 9).collect()
}

fn floats(x: &[i64]) -> Vec<f64> {
    x.iter().map(|&x| x as f64).collect()
}

fn wide(x: &[i64]) -> Vec<i128> {
    x.iter().map(|&x| x.into()).collect()
}

/// Kinds of matrices that elimination can meet: any, with a row that nearly depends on others, with rows that must change places, and
/// triangular ones.
fn kind(rng: &mut Rng, n: usize, kind: usize) -> Vec<i64> {
    let mut m = integers(rng, n, n);
    match kind {
        1 if n > 1 => (0..n).for_each(|k| m[(n - 1) * n + k] = 3 * m[k] + i64::from(k == 0)),
        2 => {
            // Large elements on the second diagonal, zeros on the first.
            for row in 0..n {
                m[row * n + row] = 0;
                m[row * n + n - 1 - row] = 40 + row as i64;
            }
        }
        3 => (0..n * n).filter(|k| k / n < k % n).for_each(|k| m[k] = 0),
        _ => {}
    }
    m
}

/// The inverse of integers: its elements times the determinant, which comes second.
fn exact_inverse(m: &[i64], n: usize) -> (Vec<i128>, i128) {
    let cofactors = cofactors(&wide(m), n);
    let turned = (0..n * n).map(|k| cofactors[k % n * n + k / n]).collect();
    (turned, determinant(wide(m), n))
}

fn norm(m: &[f64], columns: usize) -> f64 {
    m.chunks(columns).map(|row| row.iter().map(|x| x.abs()).sum()).fold(0.0, f64::max)
}

/// Solutions for a vector and for a matrix, of every size up to 12×12: as accurate as the condition of the matrix allows.
#[test]
fn solutions_of_integer_systems() {
    let mut rng = Rng(23);
    let (mut solved, mut worst) = (0, 0.0_f64);
    for n in 1..=12usize {
        for round in 0..8 {
            let m = kind(&mut rng, n, round % 4);
            let (inverse, det) = exact_inverse(&m, n);
            if det == 0 {
                continue;
            }
            solved += 1;
            let width = 1 + round % 3;
            let sides = integers(&mut rng, n, width);
            let right = if width == 1 { vector(&floats(&sides)) } else { matrix(width, &floats(&sides)) };
            let case = Case::new("(solve A b)", &[("A", matrix(n, &floats(&m))), ("b", right)]);
            let found = case.value();
            let inverse_norm = norm(&inverse.iter().map(|&x| x as f64 / det as f64).collect::<Vec<_>>(), n);
            let condition = inverse_norm * norm(&floats(&m), n);
            for column in 0..width {
                let exact: Vec<f64> = (0..n)
                    .map(|row| {
                        let sum: i128 = (0..n)
                            .map(|k| inverse[row * n + k] * i128::from(sides[k * width + column]))
                            .sum();
                        sum as f64 / det as f64
                    })
                    .collect();
                let size = exact.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                for (row, exact) in exact.iter().enumerate() {
                    let error = (found[row * width + column] - exact).abs();
                    let bound = f64::EPSILON * n as f64 * condition * size;
                    worst = worst.max(error / bound.max(f64::MIN_POSITIVE));
                }
            }
        }
    }
    assert!(solved > 70 && worst < 1.0, "{solved} systems, {worst} of the bound");
}

/// 40×40 and more, in loops over memory: the solutions are integers, and rows have to change places.
#[test]
fn solutions_in_loops() {
    let mut rng = Rng(29);
    for (n, width) in [(9usize, 1usize), (40, 1), (40, 3)] {
        let mut m = integers(&mut rng, n, n);
        (0..n).for_each(|row| m[row * n + (row * 7 + 3) % n] += 9 * n as i64);
        let x = integers(&mut rng, n, width);
        let sides: Vec<i64> = (0..n * width)
            .map(|k| (0..n).map(|j| m[k / width * n + j] * x[j * width + k % width]).sum())
            .collect();
        let right = if width == 1 { vector(&floats(&sides)) } else { matrix(width, &floats(&sides)) };
        let inputs = [("A", matrix(n, &floats(&m))), ("b", right)];
        for (found, &x) in Case::new("(solve A b)", &inputs).value().iter().zip(&x) {
            assert!((found - x as f64).abs() < 1e-12, "{n}×{n}: {found} for {x}");
        }
        // A⁻¹·b by the inverse has the same values, less accurately.
        if width == 1 && n < 40 {
            let [value, by_inverse] =
                ["(solve A b)", "(matvec (inv A) b)"].map(|text| Case::new(text, &inputs).reverse());
            for (a, b) in value.iter().zip(&by_inverse) {
                assert!((a - b).abs() <= 1e-11, "{n}×{n}: {a} {b}");
            }
        }
    }
}

/// Jacobians in both modes, and the Hessian, in rational numbers: with X = A⁻¹, dx = X·(db − dA·x).
#[test]
fn derivatives_of_solutions() {
    let mut rng = Rng(31);
    let mut compared = 0;
    for n in 1..=4usize {
        for round in 0..4 {
            let m = kind(&mut rng, n, round);
            let (inverse, det) = exact_inverse(&m, n);
            // Well conditioned: what is left of the errors is a few units.
            if det == 0 || inverse.iter().any(|x| x.abs() > 4 * det.abs()) {
                continue;
            }
            compared += 1;
            let inverse: Vec<f64> = inverse.iter().map(|&x| x as f64 / det as f64).collect();
            let b = floats(&integers(&mut rng, n, 1));
            let x: Vec<f64> = (0..n).map(|i| (0..n).map(|k| inverse[i * n + k] * b[k]).sum()).collect();
            let inputs = [("A", matrix(n, &floats(&m))), ("b", vector(&b)), ("c", vector(&b))];
            let case = Case::new("(solve A b)", &inputs[..2]);
            let (reverse, forward) = (case.reverse(), case.forward());
            let scale = 1.0 + norm(&inverse, n).powi(2) * (1.0 + norm(&x, 1));
            let near = |found: f64, expected: f64, what: &str| {
                let bound = 32.0 * f64::EPSILON * n as f64 * scale;
                assert!((found - expected).abs() <= bound, "{m:?} {b:?}: {what} {found} for {expected}");
            };
            let count = n * n + n;
            for i in 0..n {
                for row in 0..n {
                    for (column, x) in x.iter().enumerate() {
                        let expected = -inverse[i * n + row] * x;
                        let k = i * count + row * n + column;
                        near(reverse[k], expected, "reverse by A");
                        near(forward[k], expected, "forward by A");
                    }
                    near(reverse[i * count + n * n + row], inverse[i * n + row], "reverse by b");
                    near(forward[i * count + n * n + row], inverse[i * n + row], "forward by b");
                }
            }
            // y = c·x with c fixed to the numbers of b.
            let text =
                format!("(dot [{}] (solve A b))", b.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
            let hessian = Case::new(&text, &inputs[..2]).hessian();
            let back: Vec<f64> = (0..n).map(|k| (0..n).map(|i| b[i] * inverse[i * n + k]).sum()).collect();
            for one in 0..n * n {
                for other in 0..n * n {
                    let ((i, j), (k, l)) = ((one / n, one % n), (other / n, other % n));
                    let expected = back[i] * inverse[j * n + k] * x[l] + back[k] * inverse[l * n + i] * x[j];
                    near(hessian[one * count + other], expected, "Hessian by A");
                }
                for k in 0..n {
                    let expected = -back[one / n] * inverse[one % n * n + k];
                    near(hessian[one * count + n * n + k], expected, "Hessian by A and b");
                }
            }
        }
    }
    assert!(compared >= 8, "{compared}");
}

/// Pivots and right-hand sides that overflow on the way to numbers of ordinary size, of every kind of size.
#[test]
fn eliminations_do_not_overflow_on_the_way() {
    for n in [2usize, 3, 6, 9] {
        // Hadamard's pair of rows doubles 1e308; the rest of the matrix is a small diagonal.
        let mut m: Vec<f64> = (0..n * n).map(|k| if k % (n + 1) == 0 { 0.125 } else { 0.0 }).collect();
        (m[0], m[1], m[n], m[n + 1]) = (1.0, 1e308, -1.0, 1e308);
        let value =
            |text: &str, b: &[f64]| Case::new(text, &[("A", matrix(n, &m)), ("b", vector(b))]).value();
        let mut b = vec![0.0; n];
        (b[0], b[1]) = (3.0, 5.0);
        if n == 2 {
            assert_eq!(value("(+ (det A) (* 0 (vsum b)))", &b), [f64::INFINITY]);
        } else {
            let expected = 1e308 * 0.125f64.powi(n as i32 - 2) * 2.0;
            assert_eq!(value("(+ (det A) (* 0 (vsum b)))", &b), [expected], "{n}×{n}");
        }
        let inverse = Case::new("(inv A)", &[("A", matrix(n, &m))]).value();
        let near =
            |found: f64, expected: f64| (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs();
        for (k, expected) in [(0, 0.5), (1, -0.5), (n, 0.5 / 1e308), (n + 1, 0.5 / 1e308)] {
            // Subnormal results are rounded on their own scale.
            let close = near(inverse[k], expected) || (inverse[k] - expected).abs() <= 5e-324;
            assert!(close, "{n}×{n}: {k}: {} for {expected}", inverse[k]);
        }
        let x = value("(solve A b)", &b);
        assert!(near(x[0], -1.0) && (x[1] - 4.0 / 1e308).abs() < 5e-324, "{n}×{n}: {x:?}");
        (b[0], b[1]) = (1.5e308, 1.5e308);
        let x = value("(solve A b)", &b);
        assert!(x[0].abs() <= 1e292 && near(x[1], 1.5), "{n}×{n}: {x:?}");
        // The gradient of a determinant is cofactors; from 6×6 on they come from one elimination.
        let gradient = Case::new("(det A)", &[("A", matrix(n, &m))]).reverse();
        if n > 2 {
            let expected = 2.0 * 1e308 * 0.125f64.powi(n as i32 - 3);
            let found = gradient[2 * n + 2];
            assert!(found == expected || near(found, expected), "{n}×{n}: {found:e} for {expected:e}");
        }
    }
}

/// L from L·Lᵀ, integers of every size up to 12×12 and beyond; the upper triangle is not read.
#[test]
fn cholesky_factors() {
    let mut rng = Rng(37);
    for n in (1..=12usize).chain([40]) {
        let lower = lower_factor(&mut rng, n);
        let mut m = times_transposed(&lower, n);
        (0..n * n).filter(|k| k / n < k % n).for_each(|k| m[k] = f64::NAN);
        let found = Case::new("(cholesky A)", &[("A", matrix(n, &m))]).value();
        // Of integers whose pivots are powers of two everything is exact.
        for (k, (found, expected)) in found.iter().zip(&lower).enumerate() {
            assert_eq!(found.to_bits(), expected.to_bits(), "{n}×{n}: {k}: {found} for {expected}");
        }
    }
    let none = Case::new("(cholesky A)", &[("A", matrix(2, &[1.0, 0.0, 2.0, 1.0]))]).value();
    assert!(none[0] == 1.0 && none[2] == 2.0 && none[1] == 0.0 && none[3].is_nan(), "{none:?}");
}

/// A lower triangle of small integers with powers of two on its diagonal.
fn lower_factor(rng: &mut Rng, n: usize) -> Vec<f64> {
    (0..n * n)
        .map(|k| match (k / n).cmp(&(k % n)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => [1.0, 2.0, 4.0][rng.below(3)],
            std::cmp::Ordering::Greater => rng.below(5) as f64 - 2.0,
        })
        .collect()
}

fn times(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|k| (0..n).map(|j| a[k / n * n + j] * b[j * n + k % n]).sum()).collect()
}

fn turned(a: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|k| a[k % n * n + k / n]).collect()
}

fn times_transposed(lower: &[f64], n: usize) -> Vec<f64> {
    times(lower, &turned(lower, n), n)
}

/// The lower triangle with half of the diagonal.
fn half(a: &[f64], n: usize) -> Vec<f64> {
    let factor = |k: usize| match (k / n).cmp(&(k % n)) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Greater => 1.0,
    };
    a.iter().enumerate().map(|(k, x)| factor(k) * x).collect()
}

/// The inverse of a lower triangle, exact where pivots are powers of two.
fn lower_inverse(lower: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for column in 0..n {
        for row in column..n {
            let start = if row == column { 1.0 } else { 0.0 };
            let sum: f64 = (column..row).map(|k| lower[row * n + k] * inverse[k * n + column]).sum();
            inverse[row * n + column] = (start - sum) / lower[row * n + row];
        }
    }
    inverse
}

fn axpy(a: &[f64], by: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + by * b).collect()
}

/// With G = L⁻¹·S·L⁻ᵀ: L′ = L·Φ(G), G′ = −Φ(G)·G − G·Φ(G)ᵀ and L″ = L′·Φ(G) + L·Φ(G′). All numbers here are exact.
#[test]
fn derivatives_of_cholesky_factors() {
    let mut rng = Rng(41);
    for n in 1..=4usize {
        let lower = lower_factor(&mut rng, n);
        let m = times_transposed(&lower, n);
        let inverse = lower_inverse(&lower, n);
        let case = Case::new("(cholesky A)", &[("A", matrix(n, &m))]);
        let (reverse, forward) = (case.reverse(), case.forward());
        let weights: Vec<f64> = (0..n * n).map(|_| rng.below(9) as f64 - 4.0).collect();
        let first = |s: &[f64]| {
            let g = times(&times(&inverse, s, n), &turned(&inverse, n), n);
            (times(&lower, &half(&g, n), n), g)
        };
        let near = |found: f64, expected: f64, what: &str| {
            let bound =
                32.0 * f64::EPSILON * n as f64 * (1.0 + expected.abs()) * norm(&inverse, n).powi(2).max(1.0);
            assert!((found - expected).abs() <= bound, "{n}×{n}: {what}: {found} for {expected}");
        };
        for element in 0..n * n {
            let (row, column) = (element / n, element % n);
            let mut s = vec![0.0; n * n];
            if row >= column {
                (s[row * n + column], s[column * n + row]) = (1.0, 1.0);
            }
            let (expected, _) = first(&s);
            for k in 0..n * n {
                near(reverse[k * n * n + element], expected[k], "reverse");
                near(forward[k * n * n + element], expected[k], "forward");
            }
        }
        let sum: Vec<String> = weights.iter().map(f64::to_string).collect();
        let text = format!("(vsum (* (mat {n} {n} {}) (cholesky A)))", sum.join(" "));
        let hessian = Case::new(&text, &[("A", matrix(n, &m))]).hessian();
        for _ in 0..3 {
            let direction: Vec<f64> = (0..n * n).map(|_| rng.below(5) as f64 - 2.0).collect();
            let t = half(&direction, n);
            let s = axpy(&t, 1.0, &turned(&t, n));
            let (change, g) = first(&s);
            let phi = half(&g, n);
            let g_change = axpy(&times(&phi, &g, n), 1.0, &times(&g, &turned(&phi, n), n));
            let second = axpy(&times(&change, &phi, n), -1.0, &times(&lower, &half(&g_change, n), n));
            let expected: f64 = weights.iter().zip(&second).map(|(w, x)| w * x).sum();
            let found: f64 =
                (0..n.pow(4)).map(|k| direction[k / (n * n)] * hessian[k] * direction[k % (n * n)]).sum();
            let bound = 1e-12 * norm(&inverse, n).powi(4).max(1.0) * (1.0 + expected.abs());
            assert!((found - expected).abs() <= bound, "{n}×{n}: second: {found} for {expected}");
        }
    }
}

/// In loops: the gradient of the logarithm of a determinant by its factor is that by the inverse.
#[test]
fn derivatives_of_large_cholesky_factors() {
    let mut rng = Rng(43);
    let n = 9;
    let lower = lower_factor(&mut rng, n);
    let mut m = times_transposed(&lower, n);
    (0..n).for_each(|k| m[k * (n + 1)] += 50.0);
    let inputs = [("A", matrix(n, &m))];
    let text = "(let ((L (cholesky A))) (* 2 (vsum (log (vsum-of-diagonal L)))))";
    let diagonal: Vec<String> = (0..n).map(|k| format!("(ref L {k} {k})")).collect();
    let text = text.replace("(vsum-of-diagonal L)", &format!("[{}]", diagonal.join(" ")));
    let by_factor = Case::new(&text, &inputs);
    let (reverse, forward) = (by_factor.reverse(), by_factor.forward());
    let inverse = Case::new("(inv A)", &inputs).value();
    for row in 0..n {
        for column in 0..n {
            let twice = if row == column { 1.0 } else { 2.0 };
            let expected = if row < column { 0.0 } else { twice * inverse[row * n + column] };
            for found in [reverse[row * n + column], forward[row * n + column]] {
                assert!((found - expected).abs() < 1e-14, "{row} {column}: {found} for {expected}");
            }
        }
    }
}

/// Tridiagonal systems of every size, with zeros on the diagonal, are those of the whole matrix.
#[test]
fn tridiagonal_systems() {
    let mut rng = Rng(47);
    let mut solved = 0;
    for n in (2..=12usize).chain([70, 200]) {
        for round in 0..4 {
            let mut part = |len: usize| floats(&integers(&mut rng, len, 1));
            let (lower, mut diagonal, upper) = (part(n - 1), part(n), part(n - 1));
            match round {
                0 => diagonal.iter_mut().for_each(|x| *x += 30.0),
                1 => diagonal.iter_mut().step_by(2).for_each(|x| *x = 0.0),
                _ => {}
            }
            let mut whole = vec![0.0; n * n];
            for k in 0..n {
                whole[k * n + k] = diagonal[k];
                if k + 1 < n {
                    (whole[k * n + k + 1], whole[(k + 1) * n + k]) = (upper[k], lower[k]);
                }
            }
            let x = part(n);
            let b: Vec<f64> =
                whole.chunks(n).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
            let inputs =
                [("l", vector(&lower)), ("d", vector(&diagonal)), ("u", vector(&upper)), ("b", vector(&b))];
            let case = Case::new("(solve-tridiagonal l d u b)", &inputs);
            let condition = if n <= 12 {
                let inverse = Case::new("(inv A)", &[("A", matrix(n, &whole))]).value();
                let regular = inverse.iter().all(|x| x.is_finite());
                if regular { norm(&inverse, n) * norm(&whole, n) } else { f64::NAN }
            } else {
                // Dominant, or not asked.
                if round == 0 { 4.0 } else { f64::NAN }
            };
            if condition.is_nan() || condition >= 1e6 {
                continue;
            }
            solved += 1;
            for (found, x) in case.value().iter().zip(&x) {
                let bound = 20.0 * f64::EPSILON * condition * 9.0;
                assert!((found - x).abs() <= bound, "{n}, {round}: {found} for {x}");
            }
            if n > 6 {
                continue;
            }
            // dx = T⁻¹·(db − dT·x).
            let inverse = Case::new("(inv A)", &[("A", matrix(n, &whole))]).value();
            let (reverse, forward) = (case.reverse(), case.forward());
            let count = 4 * n - 2;
            for i in 0..n {
                for k in 0..count {
                    let expected = match k {
                        _ if k < n - 1 => -inverse[i * n + k + 1] * x[k],
                        _ if k < 2 * n - 1 => -inverse[i * n + k - (n - 1)] * x[k - (n - 1)],
                        _ if k < 3 * n - 2 => -inverse[i * n + k - (2 * n - 1)] * x[k - (2 * n - 1) + 1],
                        _ => inverse[i * n + k - (3 * n - 2)],
                    };
                    for found in [reverse[i * count + k], forward[i * count + k]] {
                        let bound = 100.0 * f64::EPSILON * condition * condition;
                        assert!((found - expected).abs() <= bound, "{n}: {i} {k}: {found} for {expected}");
                    }
                }
            }
        }
    }
    assert!(solved > 20, "{solved}");
}

/// Second derivatives of tridiagonal solutions are those of the whole matrix.
#[test]
fn second_derivatives_of_tridiagonal_systems() {
    let whole = "(solve [[(ref d 0) (ref u 0) 0] [(ref l 0) (ref d 1) (ref u 1)] [0 (ref l 1) (ref d 2)]] b)";
    let inputs = [
        ("l", vector(&[1.0, -2.0])),
        ("d", vector(&[0.0, 3.0, -1.0])),
        ("u", vector(&[2.0, 1.0])),
        ("b", vector(&[1.0, 2.0, -1.0])),
    ];
    let order = "(+ (* 0 (vsum l)) (* 0 (vsum d)) (* 0 (vsum u)) (* 0 (vsum b)))";
    let [short, long] = ["(solve-tridiagonal l d u b)", whole]
        .map(|text| Case::new(&format!("(+ {order} (dot [1 2 3] {text}))"), &inputs).hessian());
    for (k, (a, b)) in short.iter().zip(&long).enumerate() {
        assert!((a - b).abs() < 1e-12, "{k}: {a} {b}");
    }
    assert!(short.iter().filter(|x| x.abs() > 0.1).count() > 20);
}

/// Steps of a row count the work of a solution, which a limit bounds.
#[test]
fn solutions_count_as_steps() {
    let text = "; nc: --max-steps 2000
                (loop ((k 0) (x b)) (if (= k 50) (vsum x) (recur (+ k 1) (solve A x))))";
    let signature = Signature::scalars().shape("A", Shape::Matrix(40, 40)).shape("b", Shape::Vector(40));
    for tier in [support::native_tier(), Tier::Interpret] {
        let program = Program::parse(text).expect("a program");
        let options = CompileOptions::default().signature(signature.clone()).tier(tier);
        let kernel = program.compile(&options.derivative(Derivative::None)).expect("a kernel");
        let columns: Vec<Vec<f64>> =
            (0..1640).map(|k| vec![if k < 1600 && k % 41 == 0 { 2.0 } else { 0.5 }]).collect();
        let found = support::run(&kernel, &columns, &[], 1, 1);
        assert_eq!(found.failed, 1, "{tier}");
    }
}

/// Squares that overflow or vanish are no part of a length: scaled by a power of two they are exact.
#[test]
fn lengths_whose_squares_overflow_or_vanish() {
    for (exponent, precision) in
        [(0, Dtype::F64), (1000, Dtype::F64), (-700, Dtype::F64), (-1060, Dtype::F64)].into_iter().chain([
            (0, Dtype::F32),
            (120, Dtype::F32),
            (-90, Dtype::F32),
            (-140, Dtype::F32),
        ])
    {
        // 2^−1060 is a product of two normal numbers.
        let scale = 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
        let signature = Signature::scalars().shape("v", Shape::Vector(4));
        for tier in [support::native_tier(), Tier::Interpret] {
            let options = CompileOptions::default().signature(signature.clone()).tier(tier).dtype(precision);
            let kernel = Program::parse("(norm v)").and_then(|p| p.compile(&options)).expect("a kernel");
            let elements = [3.0, -4.0, 0.0, 12.0].map(|x| x * scale);
            let length = match precision {
                Dtype::F64 => kernel.columns(&elements.each_ref().map(std::slice::from_ref)).map(|c| c[0][0]),
                Dtype::F32 => {
                    let elements = elements.map(|x| x as f32);
                    kernel.columns(&elements.each_ref().map(std::slice::from_ref)).map(|c| f64::from(c[0][0]))
                }
            };
            assert_eq!(length.expect("a column for each element"), 13.0 * scale, "2^{exponent}, {tier}");
        }
    }
}
