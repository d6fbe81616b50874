//! Derivatives against references that know nothing of the rules: closed formulas in high precision, exact integers,
//! and identities between the modes. Every tolerance is a running error bound (`support::bounds`), times two because
//! that is of first order.

use crate::measure;
use crate::support;

use astro_float::BigFloat;
use measure::{Big, Expected, PRECISION as P, RM, big, ulp_error};
use nc_runtime::batch::{Batch, Kernel as _, Options, Sink, Source, Workspace};
use neural_compiler::internals::derive::adjoint::{Seeds, adjoint};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Shape, Signature, Tier};
use support::bounds::{Approx, Constants, half_ulp, outputs, reliable_outputs, ulp};
use support::derive::{Case, Value, matrix, number, vector};
use support::exact;
use support::generate::Rng;

/// How far a result is from a reference, in units of its error bound.
fn ratio(result: Approx, reference: &BigFloat, expected: f64) -> f64 {
    let error = ulp_error(result.value, &Expected::Near(reference.clone())) * ulp(expected);
    if error == 0.0 { 0.0 } else { error / (result.error + half_ulp(expected)) }
}

/// The nearest binary64 number, nearly: for the size of an ulp.
fn rough(x: &BigFloat) -> f64 {
    x.to_string().parse().expect("a decimal number")
}

fn all_inputs(graph: &neural_compiler::internals::graph::Graph) -> Vec<u32> {
    (0..graph.inputs.len() as u32).collect()
}

type Slope = fn(&mut Big, &BigFloat, &BigFloat) -> BigFloat;

fn one() -> BigFloat {
    big(1.0)
}
fn recip(x: &BigFloat) -> BigFloat {
    one().div(x, P, RM)
}
fn mul(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.mul(b, P, RM)
}
/// `√(1 − x²)`
fn circle(x: &BigFloat) -> BigFloat {
    one().sub(&mul(x, x), P, RM).sqrt(P, RM)
}
/// `x² + y²`
fn square_radius(x: &BigFloat, y: &BigFloat) -> BigFloat {
    mul(x, x).add(&mul(y, y), P, RM)
}

#[test]
fn slopes_of_elementary_functions() {
    // Text, domains of x and y, partial derivatives.
    type Row = (&'static str, (f64, f64), (f64, f64), &'static [Slope]);
    let none = (0.0, 0.0);
    let rows: &[Row] = &[
        ("(sqrt x)", (1e-9, 1e9), none, &[|_, x, _| recip(&mul(&big(2.0), &x.sqrt(P, RM)))]),
        ("(/ x)", (-9.0, 9.0), none, &[|_, x, _| recip(&mul(x, x)).neg()]),
        ("(square x)", (-9.0, 9.0), none, &[|_, x, _| mul(&big(2.0), x)]),
        ("(exp x)", (-50.0, 50.0), none, &[|b, x, _| x.exp(P, RM, &mut b.cc)]),
        ("(expm1 x)", (-30.0, 50.0), none, &[|b, x, _| x.exp(P, RM, &mut b.cc)]),
        (
            "(exp2 x)",
            (-50.0, 50.0),
            none,
            &[|b, x, _| {
                let ln2 = b.cc.ln_2(P, RM);
                mul(&mul(x, &ln2).exp(P, RM, &mut b.cc), &ln2)
            }],
        ),
        ("(log x)", (1e-9, 1e9), none, &[|_, x, _| recip(x)]),
        ("(log2 x)", (1e-9, 1e9), none, &[|b, x, _| recip(&mul(x, &b.cc.ln_2(P, RM)))]),
        ("(log10 x)", (1e-9, 1e9), none, &[|b, x, _| recip(&mul(x, &b.cc.ln_10(P, RM)))]),
        ("(log1p x)", (-0.99, 99.0), none, &[|_, x, _| recip(&one().add(x, P, RM))]),
        ("(sin x)", (-60.0, 60.0), none, &[|b, x, _| x.cos(P, RM, &mut b.cc)]),
        ("(cos x)", (-60.0, 60.0), none, &[|b, x, _| x.sin(P, RM, &mut b.cc).neg()]),
        (
            "(tan x)",
            (-9.0, 9.0),
            none,
            &[|b, x, _| {
                let cos = x.cos(P, RM, &mut b.cc);
                recip(&mul(&cos, &cos))
            }],
        ),
        ("(asin x)", (-0.999, 0.999), none, &[|_, x, _| recip(&circle(x))]),
        ("(acos x)", (-0.999, 0.999), none, &[|_, x, _| recip(&circle(x)).neg()]),
        ("(atan x)", (-50.0, 50.0), none, &[|_, x, _| recip(&square_radius(&one(), x))]),
        ("(sinh x)", (-40.0, 40.0), none, &[|b, x, _| x.cosh(P, RM, &mut b.cc)]),
        ("(cosh x)", (-40.0, 40.0), none, &[|b, x, _| x.sinh(P, RM, &mut b.cc)]),
        (
            "(tanh x)",
            (-40.0, 40.0),
            none,
            &[|b, x, _| {
                let cosh = x.cosh(P, RM, &mut b.cc);
                recip(&mul(&cosh, &cosh))
            }],
        ),
        ("(asinh x)", (-50.0, 50.0), none, &[|_, x, _| recip(&square_radius(&one(), x).sqrt(P, RM))]),
        (
            "(cbrt x)",
            (-99.0, 99.0),
            none,
            &[|_, x, _| {
                let root = x.cbrt(P, RM);
                recip(&mul(&big(3.0), &mul(&root, &root)))
            }],
        ),
        (
            "(erf x)",
            (-5.0, 5.0),
            none,
            &[|b, x, _| {
                let density = mul(x, x).neg().exp(P, RM, &mut b.cc);
                mul(&big(2.0), &density).div(&b.cc.pi(P, RM).sqrt(P, RM), P, RM)
            }],
        ),
        ("(* x y)", (-9.0, 9.0), (-9.0, 9.0), &[|_, _, y| y.clone(), |_, x, _| x.clone()]),
        ("(/ x y)", (-9.0, 9.0), (0.1, 9.0), &[|_, _, y| recip(y), |_, x, y| x.div(&mul(y, y), P, RM).neg()]),
        (
            "(hypot x y)",
            (-9.0, 9.0),
            (-9.0, 9.0),
            &[
                |_, x, y| x.div(&square_radius(x, y).sqrt(P, RM), P, RM),
                |_, x, y| y.div(&square_radius(x, y).sqrt(P, RM), P, RM),
            ],
        ),
        (
            "(atan x y)",
            (-9.0, 9.0),
            (-9.0, 9.0),
            &[
                |_, x, y| y.div(&square_radius(x, y), P, RM),
                |_, x, y| x.div(&square_radius(x, y), P, RM).neg(),
            ],
        ),
        (
            "(pow x y)",
            (0.01, 20.0),
            (-6.0, 6.0),
            &[
                |b, x, y| mul(y, &x.pow(&y.sub(&one(), P, RM), P, RM, &mut b.cc)),
                |b, x, y| mul(&x.pow(y, P, RM, &mut b.cc), &x.ln(P, RM, &mut b.cc)),
            ],
        ),
        ("(pow x 3)", (0.01, 20.0), none, &[|_, x, _| mul(&big(3.0), &mul(x, x))]),
        ("(pow x 2.5)", (0.01, 20.0), none, &[|b, x, _| mul(&big(2.5), &x.pow(&big(1.5), P, RM, &mut b.cc))]),
        (
            "(pow x 0.1)",
            (0.01, 20.0),
            none,
            &[|b, x, _| {
                let less = big(0.1).sub(&one(), P, RM);
                mul(&big(0.1), &x.pow(&less, P, RM, &mut b.cc))
            }],
        ),
        (
            "(pow 0.3 x)",
            (-20.0, 20.0),
            none,
            &[|b, x, _| mul(&big(0.3).pow(x, P, RM, &mut b.cc), &big(0.3).ln(P, RM, &mut b.cc))],
        ),
    ];
    let references = &mut Big::new();
    let (mut worst, mut most) = ((0.0, String::new()), (0.0, String::new()));
    for (text, x_range, y_range, slopes) in rows {
        let mut constants = Constants::of_program(text);
        let two = slopes.len() == 2;
        let rng = &mut Rng(7);
        for step in 0..60 {
            let mut draw = |(low, high): (f64, f64)| {
                let x = rng.uniform(low, high);
                // Small arguments too, where the domain has them.
                if step % 3 == 0 && low < 1e-6 { x * 2f64.powi(-(rng.below(20) as i32)) } else { x }
            };
            let (x, y) = (draw(*x_range), draw(*y_range));
            let inputs: &[(&str, Value)] = &[("x", number(x)), ("y", number(y))];
            let case = Case::new(text, &inputs[..slopes.len()]);
            let graph = adjoint(&case.graph, Seeds::Elements, &all_inputs(&case.graph)).expect("an adjoint");
            let bounded = outputs(&graph, &case.inputs, &mut constants);
            let found = case.reverse();
            for (k, slope) in slopes.iter().enumerate() {
                assert_eq!(found[k].to_bits(), bounded[1 + k].value.to_bits(), "{text} at {x:e} {y:e}");
                let reference = slope(references, &big(x), &big(if two { y } else { 1.0 }));
                let ratio = ratio(bounded[1 + k], &reference, rough(&reference));
                let what = format!("{text} at {x:e} {y:e} by operand {k}: {:e}", found[k]);
                assert!(ratio <= 2.0, "{what} is not {}: {ratio} times the bound", rough(&reference));
                // No rule cancels. But for those of pow and erf, whose exponents multiply errors, none has more than
                // four roundings of at most 1 ULP, and an ULP is up to twice another.
                let error = ulp_error(found[k], &Expected::Near(reference.clone()));
                if !text.starts_with("(pow") && !text.starts_with("(erf") {
                    assert!(error <= 8.0, "{what} is not {}: {error} ULP", rough(&reference));
                    if error > most.0 {
                        most = (error, what.clone());
                    }
                }
                if ratio > worst.0 {
                    worst = (ratio, what);
                }
            }
        }
    }
    println!("largest error of a slope other than those of pow and erf: {:.3} ULP ({})", most.0, most.1);
    println!("largest error/bound of a slope: {:.3} ({})", worst.0, worst.1);
}

fn close(a: Approx, b: Approx) -> bool {
    (a.value - b.value).abs() <= 2.0 * (a.error + b.error)
}

#[test]
fn hessians_of_known_formulas() {
    // Small integers: every operation is exact, and so must be the result.
    type Row<'a> = (&'a str, &'a [f64], &'a [f64]);
    let exact: &[Row<'_>] = &[
        // x y z
        ("(* x y z)", &[2.0, 3.0, 5.0], &[0.0, 5.0, 3.0, 5.0, 0.0, 2.0, 3.0, 2.0, 0.0]),
        (
            "(+ (square (- 1 x)) (* 100 (square (- y (square x)))))",
            &[3.0, 2.0],
            &[10002.0, -1200.0, -1200.0, 200.0],
        ),
        ("(pow x 3)", &[5.0], &[30.0]),
        ("(pow x 4)", &[3.0], &[108.0]),
        ("(/ x y)", &[3.0, 2.0], &[0.0, -0.25, -0.25, 0.75]),
        ("(* x (abs y))", &[3.0, -2.0], &[0.0, -1.0, -1.0, 0.0]),
        ("(max (* x x) y)", &[3.0, 2.0], &[2.0, 0.0, 0.0, 0.0]),
        ("(if (> x 0) (* x x y) (/ y x))", &[2.0, 3.0], &[6.0, 4.0, 4.0, 0.0]),
        ("(sqrt x)", &[4.0], &[-0.03125]),
    ];
    for (text, at, expected) in exact {
        let inputs: Vec<(&str, Value)> =
            ["x", "y", "z"].into_iter().zip(at.iter().map(|&x| number(x))).collect();
        let case = Case::new(text, &inputs);
        // Columns are in the order in which names appear.
        assert_eq!(&case.inputs, at, "{text}");
        assert_eq!(&case.hessian(), expected, "{text}");
    }
    let v =
        [("v", vector(&[1.0, 2.0, 3.0])), ("M", matrix(3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]))];
    let case = Case::new("(dot v (matvec [[1 2 3] [4 5 6] [7 8 9]] v))", &v[..1]);
    assert_eq!(case.hessian(), [2.0, 6.0, 10.0, 6.0, 10.0, 14.0, 10.0, 14.0, 18.0]);
    // The determinant is linear in each element: second derivatives are signed elements.
    let det = Case::new("(det M)", &[("M", matrix(2, &[1.0, 2.0, 3.0, 4.0]))]);
    assert_eq!(
        det.hessian(),
        [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    );
    // exp(x y): with e = exp(x y), y²e, (1 + x y)e, x²e.
    let mut rng = Rng(3);
    for _ in 0..50 {
        let (x, y) = (rng.uniform(-3.0, 3.0), rng.uniform(-3.0, 3.0));
        let case = Case::new("(exp (* x y))", &[("x", number(x)), ("y", number(y))]);
        let found = bounded_hessian(&case).expect("nothing is lost");
        let b = &mut Big::new();
        let (x, y) = (big(x), big(y));
        let e = mul(&x, &y).exp(P, RM, &mut b.cc);
        let mixed = mul(&one().add(&mul(&x, &y), P, RM), &e);
        for (k, reference) in
            [mul(&mul(&y, &y), &e), mixed.clone(), mixed, mul(&mul(&x, &x), &e)].iter().enumerate()
        {
            let ratio = ratio(found[k], reference, rough(reference));
            assert!(ratio <= 2.0, "element {k} at {:?}: {ratio} times the bound", case.inputs);
        }
    }
}

/// The Hessian with error bounds.
fn bounded_hessian(case: &Case) -> Option<Vec<Approx>> {
    let graph = case.hessian_graph();
    let mut outputs = reliable_outputs(&graph, &case.inputs, &mut Constants::of_program(&case.text))?;
    let found = case.hessian();
    let hessian = outputs.split_off(outputs.len() - found.len());
    for (a, b) in hessian.iter().zip(&found) {
        assert_eq!(support::bits(a.value), support::bits(*b), "{}", case.text);
    }
    Some(hessian)
}

#[test]
fn hessians_are_symmetric() {
    let programs = [
        "(* (sin (* x y)) (exp (/ z x)))",
        "(/ (+ x (* y z)) (sqrt (+ (* x x) (* y y) (* z z))))",
        "(log (+ (exp x) (exp y) (exp z)))",
        "(pow (+ 5 x) (* y z))",
        "(tanh (- (* x y) (atan z x)))",
        "(norm [x (* x y) (* x y z)])",
        "(det [[x y z] [y z (* x y)] [1 x (exp z)]])",
        "(vsum (matvec (inv [[(+ 9 x) y] [z (+ 9 y)]]) [x z]))",
        "(if (> x y) (hypot x z) (cbrt (* x y z)))",
    ];
    let mut rng = Rng(11);
    let mut compared = 0;
    for text in programs {
        for _ in 0..20 {
            let inputs: Vec<(&str, Value)> =
                ["x", "y", "z"].iter().map(|&n| (n, number(rng.uniform(-3.0, 3.0)))).collect();
            let case = Case::new(text, &inputs);
            let Some(hessian) = bounded_hessian(&case) else { continue };
            for i in 0..3 {
                for j in 0..i {
                    let (a, b) = (hessian[i * 3 + j], hessian[j * 3 + i]);
                    if a.error.is_finite() && b.error.is_finite() {
                        assert!(close(a, b), "{text} at {:?}: {a:?} {b:?}", case.inputs);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

/// Integers from −9 to 9.
fn integers(rng: &mut Rng, n: usize) -> Vec<i64> {
    (0..n * n).map(|_| rng.below(19) as i64 - 9).collect()
}

fn minor(m: &[i64], n: usize, row: usize, column: usize) -> Vec<i64> {
    (0..n * n).filter(|k| k / n != row && k % n != column).map(|k| m[k]).collect()
}

fn determinant(m: &[i64], n: usize) -> i64 {
    if n == 0 {
        return 1;
    }
    (0..n).map(|k| [1, -1][k % 2] * m[k] * determinant(&minor(m, n, 0, k), n - 1)).sum()
}

fn cofactors(m: &[i64], n: usize) -> Vec<i64> {
    (0..n * n)
        .map(|k| [1, -1][(k / n + k % n) % 2] * determinant(&minor(m, n, k / n, k % n), n - 1))
        .collect()
}

fn square_case(text: &str, m: &[i64], n: usize) -> Case {
    let elements: Vec<f64> = m.iter().map(|&x| x as f64).collect();
    let case = Case::new(text, &[("M", matrix(n, &elements))]);
    assert_eq!(case.graph.inputs[0].shape, Shape::Matrix(n as u32, n as u32));
    case
}

/// The value and the Jacobian with error bounds, which must be what the tiers compute.
fn bounded(case: &Case) -> Vec<Approx> {
    let graph = adjoint(&case.graph, Seeds::Elements, &all_inputs(&case.graph)).expect("an adjoint");
    let found = case.outputs(&graph, &[]);
    let bounded = outputs(&graph, &case.inputs, &mut Constants::of_program(""));
    for (a, b) in bounded.iter().zip(&found) {
        assert_eq!(support::bits(a.value), support::bits(*b), "{} at {:?}", case.text, case.inputs);
    }
    bounded
}

fn near(result: Approx, top: i64, bottom: i64, what: &str) {
    // Both are exact, so their quotient is rounded once.
    let expected = top as f64 / bottom as f64;
    let bound = 2.0 * (result.error + half_ulp(expected));
    assert!((result.value - expected).abs() <= bound, "{what}: {result:?}, not {expected}");
}

#[test]
fn determinants_and_inverses_of_integer_matrices() {
    let mut rng = Rng(5);
    let (mut singular, mut inverted) = (0, 0);
    for round in 0..60 {
        for n in 1..=4 {
            let mut m = integers(&mut rng, n);
            if round % 3 == 0 && n > 1 {
                // The last row is a combination of the others, or the matrix is of rank 1.
                for k in 0..n {
                    m[(n - 1) * n + k] = if n == 2 { 2 * m[k] } else { m[k] - 2 * m[n + k] };
                }
            }
            let (det, cofactors) = (determinant(&m, n), cofactors(&m, n));
            let results = bounded(&square_case("(det M)", &m, n));
            let what = format!("{m:?}");
            near(results[0], det, 1, &format!("det {what}"));
            for k in 0..n * n {
                near(results[1 + k], cofactors[k], 1, &format!("derivative {k} of det {what}"));
            }
            if det == 0 {
                singular += 1;
                continue;
            }
            if n > 3 {
                continue;
            }
            inverted += 1;
            // X = adj M / det M, and dX[a][b]/dM[i][j] = −X[a][i] X[j][b].
            let x = |a: usize, b: usize| cofactors[b * n + a];
            let results = bounded(&square_case("(inv M)", &m, n));
            for a in 0..n {
                for b in 0..n {
                    near(results[a * n + b], x(a, b), det, &format!("inv {what}"));
                    for i in 0..n {
                        for j in 0..n {
                            let k = n * n + (a * n + b) * n * n + i * n + j;
                            near(
                                results[k],
                                -x(a, i) * x(j, b),
                                det * det,
                                &format!("derivative of inv {what}"),
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(singular >= 60 && inverted >= 90, "{singular} {inverted}");
    let zero = square_case("(det M)", &[0; 9], 3);
    assert_eq!(zero.reverse(), [0.0; 9]);
}

#[test]
fn products_with_jacobians_agree() {
    // u·(J d) = (u J)·d = Σ uᵢ Jᵢⱼ dⱼ.
    let programs = [
        "[(* x y) (sin (+ x z)) (exp (* y z))]",
        "(scale (/ x (+ 9 z)) (cross [x y z] [y z 1]))",
        "(matvec (inv [[(+ 9 x) y] [z (+ 9 y)]]) [x z])",
        "(normalize [x (* y y) (+ z 5)])",
        "(values (a (* x y z)) (b [(if (> x 0) (sqrt x) y) (max y z)]))",
        "(matmul [[x y] [z 1]] [[1 z] [y x]])",
        "(transpose (outer [x y] [y z 1]))",
    ];
    let mut rng = Rng(13);
    for text in programs {
        for _ in 0..20 {
            let inputs: Vec<(&str, Value)> =
                ["x", "y", "z"].iter().map(|&n| (n, number(rng.uniform(-3.0, 3.0)))).collect();
            let case = Case::new(text, &inputs);
            let n = case.elements_of_value();
            let small = |rng: &mut Rng, n| (0..n).map(|_| rng.below(7) as f64 - 3.0).collect::<Vec<f64>>();
            let (u, d) = (small(&mut rng, n), small(&mut rng, 3));
            let jacobian = &bounded(&case)[n..];
            let sum = |terms: &mut dyn Iterator<Item = (f64, Approx)>| {
                terms.fold(Approx { value: 0.0, error: 0.0 }, |sum, (factor, x)| {
                    let value = sum.value + factor * x.value;
                    let rounding = half_ulp(value) + half_ulp(factor * x.value);
                    Approx { value, error: sum.error + factor.abs() * x.error + rounding }
                })
            };
            // A product with integers rounds no more often than the sum over the Jacobian does.
            let through = |value: f64, other: Approx| close(Approx { value, error: other.error }, other);
            for (k, value) in case.jvp(&d).into_iter().enumerate() {
                let expected = sum(&mut (0..3).map(|j| (d[j], jacobian[k * 3 + j])));
                assert!(through(value, expected), "{text} at {:?}: {value:e} {expected:?}", case.inputs);
            }
            for (j, value) in case.vjp(&u).into_iter().enumerate() {
                let expected = sum(&mut (0..n).map(|k| (u[k], jacobian[k * 3 + j])));
                assert!(through(value, expected), "{text} at {:?}: {value:e} {expected:?}", case.inputs);
            }
        }
    }
}

/// The gradient of a determinant of up to 5×5 has the very bits of the determinants of the minors, also where the matrix is singular.
#[test]
fn cofactors_are_determinants_of_minors() {
    for n in 2..=5usize {
        for singular in [false, true] {
            let mut elements: Vec<f64> =
                (0..n * n).map(|k| ((k * k * 37 + 11 * k) % 101) as f64 / 7.0 - 6.0).collect();
            if singular {
                let (first, rest) = elements.split_at_mut(n);
                rest[..n].copy_from_slice(first);
            }
            let found = Case::new("(det a)", &[("a", matrix(n, &elements))]).reverse();
            let kept = |row: usize, column: usize| {
                (0..n * n).filter(move |k| k / n != row && k % n != column).map(|k| elements[k])
            };
            let places = (0..n).flat_map(|row| (0..n).map(move |column| (row, column)));
            let rows: Vec<Vec<f64>> =
                places.clone().map(|(row, column)| kept(row, column).collect()).collect();
            let columns: Vec<Vec<f64>> =
                (0..(n - 1) * (n - 1)).map(|k| rows.iter().map(|row| row[k]).collect()).collect();
            let minor = Case::new("(det a)", &[("a", matrix(n - 1, &rows[0]))]);
            let options = minor.options.clone().tier(Tier::Interpret);
            let kernel = Kernel::from_graph(minor.graph.clone(), &options).expect("a kernel");
            let minors = &support::run(&kernel, &columns, &[], n * n, 1).columns[0];
            for (((row, column), &found), &minor) in places.zip(&found).zip(minors) {
                let minor = f64::from_bits(minor);
                let expected = if (row + column) % 2 == 1 { -minor } else { minor };
                assert_eq!(support::bits(found), support::bits(expected), "{n}×{n}: {row}, {column}");
            }
        }
    }
}

fn exact_cofactors(m: &[i64], n: usize) -> Vec<i128> {
    exact::cofactors(&m.iter().map(|&x| x.into()).collect::<Vec<i128>>(), n)
}

/// The gradient of a larger determinant is as accurate as a backward stable solution, whatever the rank.
#[test]
fn cofactors_of_larger_matrices_are_right_at_every_rank() {
    let mut rng = Rng(17);
    let mut worst = 0.0_f64;
    for n in 6..=12usize {
        for missing in [0, 0, 1, 1, 1, 2, 3] {
            let mut m = integers(&mut rng, n);
            for row in n - missing..n {
                for column in 0..n {
                    let other = row + missing - n;
                    m[row * n + column] = m[other * n + column] - 2 * m[(other + 1) * n + column];
                }
            }
            if n % 2 == 0 {
                // The first columns tell nothing of the rank.
                (0..n).for_each(|row| m[row * n + 1] = m[row * n]);
                (0..n).for_each(|row| m[row * n + 2] = 0);
            }
            let (found, exact) = (square_case("(det M)", &m, n).reverse(), exact_cofactors(&m, n));
            let largest = exact.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0) as f64;
            // Where all of them vanish, what is left is measured by Hadamard's bound for them.
            let mut norms: Vec<f64> =
                m.chunks(n).map(|row| row.iter().map(|x| (x * x) as f64).sum::<f64>().sqrt()).collect();
            norms.sort_by(f64::total_cmp);
            let scale = if largest > 0.0 { largest } else { norms[1..].iter().product() };
            for (found, exact) in found.iter().zip(&exact) {
                worst = worst.max((found - *exact as f64).abs() / scale / (n as f64).powi(2));
            }
        }
    }
    assert!(worst < 4.0 * f64::EPSILON, "{:e} of an epsilon", worst / f64::EPSILON);
}

/// The gradient is right where products of pivots are far outside the range of numbers.
#[test]
fn cofactors_do_not_overflow_on_the_way() {
    let n = 8;
    let sizes = [1e200, 1e200, 1e200, 1e150, 1e-200, 1e-200, 1e-200, 1e-150];
    let mut elements = vec![0.0; n * n];
    (0..n).for_each(|k| elements[k * (n + 1)] = sizes[k]);
    let found = Case::new("(det a)", &[("a", matrix(n, &elements))]).reverse();
    for (k, &found) in found.iter().enumerate() {
        let expected = if k % (n + 1) == 0 { 1.0 / sizes[k / n] } else { 0.0 };
        assert!((found - expected).abs() <= 8.0 * f64::EPSILON * expected, "{k}: {found:e} {expected:e}");
    }
}

/// Where the elimination itself leaves the range of numbers, it is done once more on a matrix that is scaled as a whole.
#[test]
fn cofactors_where_pivots_overflow() {
    // Blocks [[a a] [−a a]], whose second pivot is 2a, and a diagonal: all cofactors are powers of two.
    let a = 2f64.powi(1023);
    for (n, exponent) in [(6usize, -365), (7, -300)] {
        let small = 2f64.powi(exponent);
        for at in [0, 2] {
            let mut elements = vec![0.0; n * n];
            (0..n).for_each(|k| elements[k * (n + 1)] = small);
            for (row, column, value) in [(0, 0, a), (0, 1, a), (1, 0, -a), (1, 1, a)] {
                elements[(at + row) * n + at + column] = value;
            }
            let found = Case::new("(det a)", &[("a", matrix(n, &elements))]).reverse();
            let others = n as i32 - 2;
            for (k, &found) in found.iter().enumerate() {
                let (row, column) = (k / n, k % n);
                let inside = |k: usize| (at..at + 2).contains(&k);
                let expected = if inside(row) && inside(column) {
                    let sign = if row > column { -1.0 } else { 1.0 };
                    sign * 2f64.powi(1023 + others * exponent)
                } else if row == column {
                    2f64.powi(2 * 1023 + 1 + (others - 1) * exponent)
                } else {
                    0.0
                };
                assert_eq!(found, expected, "{n}×{n}, block at {at}: {row} {column}");
            }
        }
    }
}

/// A gradient that a program computes is differentiated in either mode: both products with its symmetric Jacobian agree, and are the
/// differences of the gradient. `s` chooses which elements count.
#[test]
fn gradients_inside_programs_are_differentiated_in_either_mode() {
    let chosen = |matrix: &str| {
        format!(
            "(let ((R {matrix})) (+ (if (> s 0) (ref R 0 1) 0) (if (< s 1) (ref R 1 0) 0) (if (< s 0) (ref R 1 1) 0)))"
        )
    };
    let cases: [(usize, String); 10] = [
        (6, "(det a)".into()),
        (9, "(det a)".into()),
        (6, "(if (> s 0) (vsum (slice (ref (vjp (lambda (a) (det a)) a 1) 1) 0 3)) (ref a 0 0))".into()),
        (4, "(vsum (* w (cholesky (matmul a (transpose a)))))".into()),
        (3, "(vsum (* w (inv a)))".into()),
        (9, "(vsum (* w (matmul (exp a) (sin a))))".into()),
        (3, chosen("(matmul (exp a) (sin a))")),
        (9, chosen("(matmul (exp a) (sin a))")),
        (3, "(norm (matvec (sin a) (ref a 1)))".into()),
        (3, "(vsum (solve a (exp (ref a 1))))".into()),
    ];
    for (n, function) in cases {
        let elements: Vec<f64> = (0..n * n)
            .map(|k| {
                ((k * k * 29 + 3 * k) % 23) as f64 / 23.0 - 0.4
                    + if k.is_multiple_of(n + 1) { 2.0 } else { 0.0 }
            })
            .collect();
        let weights: Vec<f64> = (0..n * n).map(|k| ((k * 17 + 5) % 13) as f64 / 13.0 - 0.3).collect();
        let direction: Vec<f64> = (0..n * n).map(|k| ((k * 19 + 4) % 11) as f64 / 11.0 - 0.5).collect();
        // No input but `a`, so that a direction is one of its elements.
        let rows: Vec<String> = weights
            .chunks(n)
            .map(|row| row.iter().map(|x| format!(" {x}")).collect())
            .map(|row: String| format!("[{row}]"))
            .collect();
        for s in [0.5, -1.0] {
            let text = format!(
                "(let ((w (mat {})) (s (+ {s} (* 0 (ref a 0 0))))) (vjp (lambda (a) {function}) a 1))",
                rows.join(" ")
            );
            let at = |by: f64| {
                let moved: Vec<f64> = elements.iter().zip(&direction).map(|(x, d)| x + by * d).collect();
                Case::new(&text, &[("a", matrix(n, &moved))])
            };
            let case = at(0.0);
            let (forward, reverse) = (case.jvp(&direction), case.vjp(&direction));
            let step = 2f64.powi(-17);
            let (above, below) = (at(step).value(), at(-step).value());
            let size = forward.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            for (k, (&found, &other)) in forward.iter().zip(&reverse).enumerate() {
                let expected = (above[k] - below[k]) / (2.0 * step);
                assert!(
                    (found - other).abs() <= 1e-11 * size,
                    "{function} of {n}×{n}, s {s}: {k}: {found} {other}"
                );
                assert!(
                    (found - expected).abs() <= 1e-7 * size,
                    "{function} of {n}×{n}, s {s}: {k}: {found} {expected}"
                );
            }
        }
    }
}

/// The square of a hypotenuse is smooth where its root is not, and its slope has nothing of that root's rounding.
#[test]
fn squares_of_hypotenuses() {
    for (x, y) in [(0.0, 0.0), (1.0, 1.0), (3.0, -5.0), (0.1, 0.7), (-0.0, 2.5)] {
        let case = Case::new("(square (hypot x y))", &[("x", number(x)), ("y", number(y))]);
        assert_eq!(case.reverse(), [2.0 * x, 2.0 * y]);
        assert_eq!(case.forward(), [2.0 * x, 2.0 * y]);
        assert_eq!(case.hessian(), [2.0, 0.0, 0.0, 2.0]);
    }
}

/// Second derivatives of determinants of every kind of size: reverse, forward and differences agree.
#[test]
fn second_derivatives_of_determinants() {
    for n in [3usize, 5, 6, 9] {
        // From 9×9 on they go through the inverse.
        let diagonal = |k: usize| if n > 8 && k.is_multiple_of(n + 1) { 2.0 } else { 0.0 };
        let elements: Vec<f64> =
            (0..n * n).map(|k| ((k * k * 29 + 3 * k) % 23) as f64 / 23.0 - 0.4 + diagonal(k)).collect();
        let case = Case::new("(det a)", &[("a", matrix(n, &elements))]);
        let hessian = case.hessian();
        let step = 1e-5;
        for direction in [0, n + 1, n * n - 1] {
            let at = |by: f64| {
                let mut moved = elements.clone();
                moved[direction] += by;
                Case::new("(det a)", &[("a", matrix(n, &moved))]).reverse()
            };
            for (k, (above, below)) in at(step).into_iter().zip(at(-step)).enumerate() {
                let (found, expected) = (hessian[direction * n * n + k], (above - below) / (2.0 * step));
                assert!((found - expected).abs() <= 1e-6, "{n}×{n}: {direction} {k}: {found} {expected}");
            }
        }
    }
}

/// Where inputs are fewer than elements of results, a Jacobian is made forwards. It has the outputs of the one that is made
/// in reverse, in the same order, and here, where all is exact, the same numbers.
#[test]
fn jacobians_by_few_inputs() {
    let programs: [(&str, &[(&str, Value)]); 5] = [
        ("(* x (ones 70) y)", &[("x", number(3.0)), ("y", number(5.0))]),
        ("(vappend (* x (ones 70)) (* (ref v 1) v))", &[("x", number(3.0)), ("v", vector(&[1.0, 2.0, 4.0]))]),
        ("(values (a (* x (ones 10 9))) (b (* x y)) (c 7))", &[("x", number(3.0)), ("y", number(-2.0))]),
        (
            "(loop ((i 0) (v (* x (ones 80)))) (if (< i 3) (recur (+ i 1) (* v y)) v))",
            &[("x", number(3.0)), ("y", number(-2.0))],
        ),
        (
            "(if (< x 0) (sqrt (* x (ones 80))) (* (+ x y) (ones 80)))",
            &[("x", number(3.0)), ("y", number(-2.0))],
        ),
    ];
    for (text, inputs) in programs {
        let case = Case::new(text, inputs);
        let reverse = adjoint(&case.graph, Seeds::Elements, &all_inputs(&case.graph)).expect("an adjoint");
        let forward = case.derived(Derivative::Gradient);
        let outputs = |graph: &neural_compiler::internals::graph::Graph| {
            graph.outputs.iter().map(|o| (o.name.clone(), o.role, graph.shape(o.node))).collect::<Vec<_>>()
        };
        assert_eq!(outputs(&forward), outputs(&reverse), "{text}");
        assert_eq!(case.outputs(&forward, &[]), case.outputs(&reverse, &[]), "{text}");
    }
    // One input, thousands of results: the work does not grow with their square.
    let case = Case::new("(sin (* x (ones 5000)))", &[("x", number(0.5))]);
    let forward = case.derived(Derivative::Gradient);
    assert!(forward.row_elements() < 40_000, "{}", forward.row_elements());
    let outputs = case.outputs(&forward, &[]);
    assert_eq!(outputs.len(), 10_000);
    assert!(outputs[5000..].iter().all(|slope| *slope == outputs[5000]));
    // The gradient of a scalar is made in reverse, whatever its inputs.
    let case = Case::new("(* x y (sin x))", &[("x", number(3.0)), ("y", number(5.0))]);
    let reverse = adjoint(&case.graph, Seeds::Elements, &[0, 1]).expect("an adjoint");
    let print = neural_compiler::internals::graph::print::dump;
    assert_eq!(print(&case.derived(Derivative::Gradient)), print(&reverse));
}

/// Sums over a batch that are no numbers are the same one in every tier, whatever the operations that they come from leave.
#[test]
fn sums_have_one_nan() {
    let program = Program::parse("(modulo (pow x y) (* 2 y))").expect("a program");
    let signature = Signature::scalars().parameter("y");
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
    for tier in [support::native_tier(), Tier::Cranelift, Tier::Interpret] {
        let kernel = program.compile(&options.clone().tier(tier)).expect("a kernel");
        for rows in [1, 40] {
            let x = vec![-1.0; rows];
            let mut sums = [0.0];
            let batch = Batch {
                rows,
                inputs: &[Source::Column(&x)],
                params: &[0.75],
                outputs: &mut [Sink::Discard { columns: kernel.shape().outputs }],
                param_gradients: &mut sums,
            };
            kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).expect("it fits");
            assert_eq!(sums[0].to_bits(), f64::NAN.to_bits(), "{tier}");
        }
        let (mut outputs, mut sums) = (vec![0.0; kernel.shape().outputs], [0.0]);
        let outcome = kernel.evaluate_row(&[-1.0], &[0.75], &mut outputs, &mut sums, &mut Workspace::new());
        outcome.expect("it fits");
        assert_eq!(sums[0].to_bits(), f64::NAN.to_bits(), "{tier}");
    }
}
