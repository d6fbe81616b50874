//! Complex numbers: branches, signs, digits and derivatives of every operation that takes them, and loops over them.
//! Bits across tiers are the business of `differential.rs`, digits of the parts that of the
//! recipes.

use crate::support;

use std::f64::consts::PI;

use neural_compiler::{CompileOptions, Derivative, Error, Program, Shape, Signature};
use num_complex::Complex64;
use support::native_tier;

type Z = Complex64;

fn z(re: f64, im: f64) -> Z {
    Z::new(re, im)
}

/// The values of a program at points, and what it gives beside them; inputs are complex unless they are listed as real.
fn run(program: &Program, derivative: Derivative, real: &[&str], columns: &[&[f64]]) -> Vec<Vec<f64>> {
    let mut signature = Signature::scalars();
    for name in program.inputs().filter(|name| !real.contains(name)) {
        signature = signature.shape(name, Shape::Complex);
    }
    let options = CompileOptions::default().signature(signature).derivative(derivative).tier(native_tier());
    program.compile(&options).unwrap().columns(columns).unwrap().to_vec()
}

fn parts(points: &[Z]) -> [Vec<f64>; 2] {
    [points.iter().map(|z| z.re).collect(), points.iter().map(|z| z.im).collect()]
}

fn joined(columns: &[Vec<f64>]) -> Vec<Z> {
    columns[0].iter().zip(&columns[1]).map(|(&re, &im)| z(re, im)).collect()
}

/// A program of one complex input `z` at points: values, and derivatives.
fn at(text: &str, points: &[Z]) -> (Vec<Z>, Vec<Z>) {
    let [re, im] = parts(points);
    let columns = run(&Program::parse(text).expect(text), Derivative::Gradient, &[], &[&re, &im]);
    (joined(&columns[..2]), joined(&columns[2..]))
}

/// Points on both sides of all axes, and on them with both zeros.
fn grid() -> Vec<Z> {
    let along = [-3.5, -1.0, -0.75, -1e-3, -0.0, 0.0, 1e-3, 0.5, 1.0, 2.25];
    along.iter().flat_map(|&x| along.iter().map(move |&y| z(x, y))).collect()
}

fn same_sign(a: f64, b: f64) -> bool {
    a.is_sign_negative() == b.is_sign_negative()
}

type Function = fn(Z) -> Z;

#[test]
fn branches_and_signs_are_those_of_num_complex() {
    let cases: &[(&str, Function)] = &[
        ("(exp z)", |z| z.exp()),
        ("(log z)", |z| z.ln()),
        ("(sqrt z)", |z| z.sqrt()),
        ("(sin z)", |z| z.sin()),
        ("(cos z)", |z| z.cos()),
        ("(tan z)", |z| z.tan()),
        ("(sinh z)", |z| z.sinh()),
        ("(cosh z)", |z| z.cosh()),
        ("(tanh z)", |z| z.tanh()),
        ("(asinh z)", |z| z.asinh()),
        ("(acosh z)", |z| z.acosh()),
        ("(atanh z)", |z| z.atanh()),
        ("(log z 2)", |z| z.ln() / std::f64::consts::LN_2),
        ("(asin z)", |z| z.asin()),
        ("(acos z)", |z| z.acos()),
        ("(atan z)", |z| z.atan()),
        ("(expt z 0.5+0.25i)", |w| w.powc(z(0.5, 0.25))),
        ("(expt z -3)", |w| w.powi(-3)),
        ("(conjugate z)", |z| z.conj()),
        ("(- z)", |z| -z),
        ("(square z)", |z| z * z),
        ("(make-polar (magnitude z) (angle z))", |z| z),
    ];
    for (text, expected) in cases {
        let points = grid();
        let (values, _) = at(text, &points);
        for (point, value) in points.into_iter().zip(values) {
            // num-complex puts the cuts of inverse functions on the wrong side of one zero; the next test has them.
            let on_a_cut = point.im == 0.0 && point.re.abs() > 1.0 || point.re == 0.0 && point.im.abs() > 1.0;
            let on_a_cut = on_a_cut || text.starts_with("(acosh") && point.im == 0.0 && point.re < 1.0;
            if on_a_cut && text.starts_with("(a") {
                continue;
            }
            let right = expected(point);
            if !right.is_finite() || !value.is_finite() {
                // Poles, where num-complex takes other infinities.
                assert!(
                    !right.is_finite() && !value.is_finite() || point.norm() == 0.0,
                    "{text} {point} {value}"
                );
                continue;
            }
            // num-complex loses digits of inverse functions near 0 and on the axes.
            let error = (value - right).norm() / right.norm().max(1e-3);
            assert!(error < 1e-12, "{text} at {point}: {value}, not {right}");
            let signs = ["(exp z)", "(log z)", "(sqrt z)", "(conjugate z)", "(- z)"];
            if signs.contains(text) {
                assert!(
                    same_sign(value.re, right.re) && same_sign(value.im, right.im),
                    "{text} {point} {value}"
                );
            }
        }
    }
}

#[test]
fn a_branch_cut_has_two_sides() {
    for (text, sides) in [
        ("(log z)", [z(0.0, PI), z(0.0, -PI)]),
        ("(sqrt z)", [z(0.0, 1.0), z(0.0, -1.0)]),
        ("(expt z 1/2)", [z(0.0, 1.0), z(0.0, -1.0)]),
    ] {
        let (values, _) = at(text, &[z(-1.0, 0.0), z(-1.0, -0.0)]);
        for (value, side) in values.iter().zip(sides) {
            assert!((value - side).norm() < 1e-15, "{text}: {value}");
        }
    }
    // As C99 has them: the imaginary part of asin and the real part of atan have the sign of the zero.
    let log = 1.3169578969248166; // ln(2 + √3)
    for (text, points, sides) in [
        ("(asin z)", [z(2.0, 0.0), z(-2.0, -0.0)], [z(PI / 2.0, log), z(-PI / 2.0, -log)]),
        ("(acos z)", [z(2.0, 0.0), z(-2.0, -0.0)], [z(0.0, -log), z(PI, log)]),
        ("(asinh z)", [z(0.0, 2.0), z(-0.0, 2.0)], [z(log, PI / 2.0), z(-log, PI / 2.0)]),
        ("(acosh z)", [z(-2.0, 0.0), z(-2.0, -0.0)], [z(log, PI), z(log, -PI)]),
        (
            "(atanh z)",
            [z(2.0, 0.0), z(2.0, -0.0)],
            [z(0.5 * 3f64.ln(), PI / 2.0), z(0.5 * 3f64.ln(), -PI / 2.0)],
        ),
        (
            "(atan z)",
            [z(0.0, 2.0), z(-0.0, 2.0)],
            [z(PI / 2.0, 0.5 * 3f64.ln()), z(-PI / 2.0, 0.5 * 3f64.ln())],
        ),
    ] {
        let (values, _) = at(text, &points);
        for (value, side) in values.iter().zip(sides) {
            assert!((value - side).norm() < 1e-15, "{text}: {value}");
        }
    }
}

/// The derivative by the formula, at points off the axes.
#[test]
fn derivatives_are_those_of_the_formulas() {
    let cases: &[(&str, Function)] = &[
        ("(* z z)", |z| 2.0 * z),
        ("(+ z (* 3 z) 2+i)", |_| z(4.0, 0.0)),
        ("(- 1 z)", |_| z(-1.0, 0.0)),
        ("(/ z)", |z| -1.0 / (z * z)),
        ("(/ (+ z +i) (- z 2))", |w| (w - 2.0 - (w + z(0.0, 1.0))) / ((w - 2.0) * (w - 2.0))),
        ("(exp z)", |z| z.exp()),
        ("(log z)", |z| 1.0 / z),
        ("(log10 z)", |z| 1.0 / z / std::f64::consts::LN_10),
        ("(sqrt z)", |z| 0.5 / z.sqrt()),
        ("(expt z 3)", |z| 3.0 * z * z),
        ("(expt z +i)", |w| z(0.0, 1.0) * w.powc(z(-1.0, 1.0))),
        ("(expt 2 z)", |w| z(2.0, 0.0).powc(w) * std::f64::consts::LN_2),
        ("(sin z)", |z| z.cos()),
        ("(cos z)", |z| -z.sin()),
        ("(tan z)", |z| 1.0 / (z.cos() * z.cos())),
        ("(sinh z)", |z| z.cosh()),
        ("(cosh z)", |z| z.sinh()),
        ("(tanh z)", |z| 1.0 / (z.cosh() * z.cosh())),
        ("(asinh z)", |z| 1.0 / (1.0 + z * z).sqrt()),
        ("(acosh z)", |z| 1.0 / ((z - 1.0).sqrt() * (z + 1.0).sqrt())),
        ("(atanh z)", |z| 1.0 / (1.0 - z * z)),
        ("(log z 3)", |z| 1.0 / (z * 3f64.ln())),
        ("(log 3 z)", |z| -3f64.ln() / (z * z.ln() * z.ln())),
        ("(asin z)", |z| 1.0 / (1.0 - z * z).sqrt()),
        ("(acos z)", |z| -1.0 / (1.0 - z * z).sqrt()),
        ("(atan z)", |z| 1.0 / (1.0 + z * z)),
        ("(eml z (* z z))", |z| z.exp() - 2.0 / z),
    ];
    let points: Vec<Z> = (0..200)
        .map(|k| z(0.37 + 1.7 * (f64::from(k) * 0.61).sin(), 0.11 + 1.9 * (f64::from(k) * 1.07).cos()))
        .filter(|z| z.im.abs() > 1e-2 && z.re.abs() > 1e-2)
        .collect();
    for (text, derivative) in cases {
        let (_, slopes) = at(text, &points);
        let [re, im] = parts(&points);
        let program = Program::parse(text).expect(text);
        // Forward mode along 1 and along i.
        let (ones, zeros) = (vec![1.0; points.len()], vec![0.0; points.len()]);
        let along = run(&program, Derivative::Jvp { seeds: 1 }, &[], &[&re, &im, &ones, &zeros]);
        let across = run(&program, Derivative::Jvp { seeds: 1 }, &[], &[&re, &im, &zeros, &ones]);
        let (along, across) = (joined(&along[2..]), joined(&across[2..]));
        // A cotangent c gives c f′.
        let (c, d) = (vec![0.25; points.len()], vec![-2.0; points.len()]);
        let pulled = run(&program, Derivative::Vjp, &[], &[&re, &im, &c, &d]);
        let pulled = joined(&pulled[2..]);
        for (k, &point) in points.iter().enumerate() {
            let right = derivative(point);
            let near = |value: Z, right: Z| (value - right).norm() <= 2e-13 * right.norm().max(1e-3);
            assert!(near(slopes[k], right), "{text} at {point}: {}, not {right}", slopes[k]);
            assert!(near(along[k], right), "{text} along 1 at {point}: {}, not {right}", along[k]);
            assert!(near(across[k], z(0.0, 1.0) * right), "{text} along i at {point}: {}", across[k]);
            assert!(
                near(pulled[k], z(0.25, -2.0) * right),
                "{text} with a cotangent at {point}: {}",
                pulled[k]
            );
        }
    }
}

#[test]
fn powers_and_products_in_special_places() {
    // A real exponent: at 0, where r² underflows, and where the power overflows on the axis.
    let (values, slopes) = at("(expt z 2)", &[z(0.0, 0.0), z(1e-170, 1e-170), z(1e200, 0.0)]);
    assert_eq!((values[0], slopes[0]), (z(0.0, 0.0), z(0.0, 0.0)));
    assert!((slopes[1] - z(2e-170, 2e-170)).norm() < 1e-184, "{}", slopes[1]);
    assert_eq!((values[2], slopes[2].re), (z(f64::INFINITY, 0.0), 2e200));
    let (values, slopes) = at("(expt z 1)", &[z(0.0, 0.0)]);
    assert_eq!((values[0], slopes[0].re), (z(0.0, 0.0), 1.0));
    // By an exponent of 0 the derivative is log z.
    let program = Program::parse("(expt z w)").unwrap();
    let columns = run(&program, Derivative::Gradient, &[], &[&[2.0], &[1.0], &[0.0], &[0.0]]);
    let log = z(2.0, 1.0).ln();
    assert_eq!((columns[0][0], columns[1][0]), (1.0, 0.0));
    assert!((z(columns[4][0], columns[5][0]) - log).norm() < 1e-15, "{columns:?}");
    let columns = run(&program, Derivative::None, &[], &[&[0.0; 2], &[0.0; 2], &[0.0, 1.0], &[0.0, 1.0]]);
    assert_eq!(joined(&columns), [z(1.0, 0.0), z(0.0, 0.0)]);
    // Products commute, and that with the conjugate is real.
    let points = grid();
    let (values, _) = at("(- (* z 0.3-0.9i) (* 0.3-0.9i z))", &points);
    assert!(values.iter().all(|value| value.norm() == 0.0));
    let (values, _) = at("(* z (conjugate z))", &points);
    assert!(values.iter().all(|value| value.im == 0.0));
    // On the axes nothing is 0 · ∞.
    for (text, point, value) in [
        ("(cosh z)", z(800.0, 0.0), z(f64::INFINITY, 0.0)),
        ("(sinh z)", z(-800.0, 0.0), z(f64::NEG_INFINITY, 0.0)),
        ("(sin z)", z(0.0, 720.0), z(0.0, f64::INFINITY)),
        ("(cos z)", z(-0.0, 720.0), z(f64::INFINITY, 0.0)),
    ] {
        assert_eq!(at(text, &[point]).0, [value], "{text}");
    }
}

#[test]
fn derivatives_of_real_functions_and_by_real_inputs() {
    // ∂u/∂x − i ∂u/∂y of u = |z|: z̄/|z|.
    let program = Program::parse("(magnitude z)").unwrap();
    let columns = run(&program, Derivative::Gradient, &[], &[&[3.0], &[4.0]]);
    assert_eq!(columns, [[5.0], [0.6], [-0.8]]);
    // By a real input: of e^{ix}, i e^{ix}; of its real part only that part.
    let program = Program::parse("(exp (* +i x))").unwrap();
    let columns = run(&program, Derivative::Gradient, &["x"], &[&[0.5]]);
    let expected = [0.5f64.cos(), 0.5f64.sin(), -0.5f64.sin(), 0.5f64.cos()];
    for (column, expected) in columns.iter().zip(expected) {
        assert!((column[0] - expected).abs() < 1e-15, "{columns:?}");
    }
    // The cotangent of a real input is the real part of c f′.
    let columns = run(&program, Derivative::Vjp, &["x"], &[&[0.5], &[2.0], &[-1.0]]);
    let pulled = z(2.0, -1.0) * z(0.0, 1.0) * z(0.0, 0.5).exp();
    assert!((columns[2][0] - pulled.re).abs() < 1e-15, "{columns:?}");
}

#[test]
fn a_loop_over_complex_numbers() {
    // How long z² + c stays within 2, and where it is then.
    let text = "(loop ((z 0+0i) (n 0)) (if (or (> (magnitude z) 2) (>= n 100)) [n (real-part z) (imag-part z)] \
                (recur (+ (* z z) c) (+ n 1))))";
    let program = Program::parse(text).unwrap();
    let points = [z(0.0, 0.0), z(-0.75, 0.1), z(0.3, 0.5), z(1.0, 1.0), z(-2.0, 0.0), z(0.26, 0.0)];
    let [re, im] = parts(&points);
    let columns = run(&program, Derivative::None, &[], &[&re, &im]);
    for (k, &c) in points.iter().enumerate() {
        let (mut z, mut n) = (z(0.0, 0.0), 0.0);
        while z.norm() <= 2.0 && n < 100.0 {
            z = z * z + c;
            n += 1.0;
        }
        assert_eq!(columns[0][k], n, "{c}");
        assert!((columns[1][k] - z.re).abs() <= 1e-9 * z.norm().max(1.0), "{c}");
    }
    // The derivative of z₁₀ by c: z′ = 2 z z′ + 1.
    let text = "(loop ((z 0+0i) (n 0)) (if (>= n 10) z (recur (+ (* z z) c) (+ n 1))))";
    let c = z(-0.4, 0.3);
    let columns = run(&Program::parse(text).unwrap(), Derivative::Gradient, &[], &[&[c.re], &[c.im]]);
    let (mut value, mut slope) = (z(0.0, 0.0), z(0.0, 0.0));
    for _ in 0..10 {
        slope = 2.0 * value * slope + 1.0;
        value = value * value + c;
    }
    let columns: Vec<f64> = columns.iter().map(|column| column[0]).collect();
    assert!((z(columns[0], columns[1]) - value).norm() < 1e-15);
    assert!((z(columns[2], columns[3]) - slope).norm() < 1e-14);
}

#[test]
fn what_complex_numbers_do_not_do_is_an_error_with_its_place() {
    let message = |text: &str| {
        let program = match Program::parse(text) {
            Ok(program) => program,
            Err(error) => return error.to_string(),
        };
        match program.graph(&Signature::scalars().shape("z", Shape::Complex)) {
            Err(Error::Source(list)) => {
                let place = list[0].span;
                format!("{} | {}", &text[place.start as usize..place.end as usize], list[0].message)
            }
            other => panic!("{text}: {other:?}"),
        }
    };
    for (text, expected) in [
        ("(floor z)", "z | floor of complex: it takes real numbers"),
        ("(abs z)", "z | abs of complex: it takes real numbers (magnitude takes complex ones)"),
        ("(< z 1)", "z | < of complex: it takes real numbers"),
        (
            "(if (> (magnitude z) 1) z 0)",
            "(if (> (magnitude z) 1) z 0) | the arms of if are complex and scalar: shapes differ",
        ),
        ("(if z 1 0)", "z | this condition is a complex: a scalar is needed"),
        ("[z z]", "z | a vector of complex: vectors hold real numbers"),
        ("(* z [1 2])", "[1 2] | * of complex and vec 2: shapes differ"),
        ("(make-rectangular z 1)", "z | a part of a complex number is a real scalar, not a complex"),
        (
            "(loop ((w 0) (n 0)) (if (> n 3) w (recur (* z w) (+ n 1))))",
            "(* z w) | `w` is scalar at first and complex in the next iteration",
        ),
    ] {
        assert_eq!(message(text), expected);
    }
    let program = Program::parse("(* z (vsum v))").unwrap();
    let signature = Signature::scalars().shape("z", Shape::Complex).shape("v", Shape::Vector(3));
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
    let error = program.compile(&options).unwrap_err().to_string();
    assert_eq!(error, "the derivative of a complex result by `v` has no shape: it is vec 3");
}
