//! The programs with functions as operands, derivatives, solvers and the library (`corpus/closed`, `corpus/nested`) at all their points,
//! against references of 50 digits, in every tier.

use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier};

use crate::support::corpus::{self, Entry};
use crate::support::run;

fn check(entry: &Entry) -> usize {
    let columns = entry.columns();
    let results: Vec<Vec<Vec<u64>>> = Tier::available()
        .into_iter()
        .map(|tier| {
            let options = entry.options(Derivative::Gradient).tier(tier);
            let kernel: Kernel = entry.program.compile(&options).expect("a kernel");
            run(&kernel, &columns, &[], entry.points.len(), 1).columns
        })
        .collect();
    assert!(results.iter().all(|other| other == &results[0]), "{}: the tiers agree", entry.name);
    let order = entry.order();
    let mut compared = 0;
    for (row, values) in entry.values.iter().enumerate() {
        let result = |k: usize| f64::from_bits(results[0][k][row]);
        let elements = values.len();
        for (k, &value) in values.iter().enumerate() {
            let bound = match entry.tolerance {
                Some([relative, absolute, _]) => relative * value.abs() + absolute,
                None => (10.0 * entry.plain[0]).max(1e-15 * (1.0 + entry.conditioning[row][k])) * value.abs(),
            };
            let difference = (result(k) - value).abs();
            let what = format!("{} row {row} element {k}: {}, not {value}", entry.name, result(k));
            assert!(difference <= bound, "{what}: off by {difference:e}, more than {bound:e}");
            let gradient = &entry.gradients[row][k];
            let largest = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
            let bound = match entry.tolerance {
                Some([_, _, relative]) => relative * largest,
                None => (10.0 * entry.plain[1]).max(1e-15 * (1.0 + entry.conditioning[row][k])) * largest,
            };
            for (place, &input) in order.iter().enumerate() {
                let derivative = result(elements + k * order.len() + place);
                let difference = (derivative - gradient[input]).abs();
                let what = format!("{} row {row} element {k} by input {input}", entry.name);
                assert!(
                    difference <= bound,
                    "{what}: {derivative}, not {}: off by {difference:e}, more than {bound:e}",
                    gradient[input]
                );
            }
            compared += 1 + order.len();
        }
    }
    compared
}

#[test]
fn programs_are_as_exact_as_their_references_ask() {
    let compared: usize = corpus::load_from("closed").iter().map(check).sum();
    assert!(compared > 500, "{compared}");
}

/// Programs with derivatives, solvers and functions inside, in every tier, against closed forms (`benches/references/nested.py`).
#[test]
fn nested_programs_are_as_exact_as_their_closed_forms() {
    let entries = corpus::load_from("nested");
    assert_eq!(entries.len(), 48);
    let compared: usize = entries.iter().map(check).sum();
    assert_eq!(compared, 48 * 12 * 3);
}

/// Steps of `odeint` and parts of `integrate` are chosen for each row.
#[test]
fn adaptive_rows_are_the_same_alone_and_in_a_batch() {
    let text = "(define (f k y0 t)
        [(odeint (lambda (t y) [(ref y 1) (- (* k (sin (ref y 0))))]) [y0 0] 0 t 1e-8 1e-8)
         [(integrate (lambda (x) (/ (+ k (square x)))) 0 t) (root (lambda (x) (- (+ x (* x x x)) k)) y0)]])";
    let rows = 10_000;
    // Numbers of a multiplicative sequence modulo 1.
    let column = |step: f64, low: f64, high: f64| -> Vec<f64> {
        (0..rows).map(|k| low + (high - low) * (f64::from(k as u32) * step).fract()).collect()
    };
    let columns = [
        column(0.6180339887498949, 0.3, 4.0),
        column(0.4142135623730951, 0.1, 3.0),
        column(0.7320508075688772, -2.0, 9.0),
    ];
    let kernel: Kernel = Program::parse(text).and_then(|p| p.compile(&Default::default())).expect("a kernel");
    let all = run(&kernel, &columns, &[], rows, 1).columns;
    assert!(all.iter().all(|column| column.iter().all(|&bits| f64::from_bits(bits).is_finite())));
    for row in 0..rows {
        let alone = columns.each_ref().map(|column| vec![column[row]]);
        let results = run(&kernel, &alone, &[], 1, 1).columns;
        assert!(results.iter().zip(&all).all(|(one, many)| one[0] == many[row]), "row {row}");
    }
}

/// A pendulum at t = 10 from rest: its angle by amplitude and frequency, at a tolerance of 1e-10, against Jacobi's functions in 40 digits.
#[test]
fn derivatives_of_adaptive_steps_are_as_right_as_values() {
    let text = "(define (angle a w) (ref (odeint (lambda (t y) [(ref y 1) (- (* w w (sin (ref y 0))))]) [a 0] 0 10 1e-10 1e-10) 0))
        (angle a w)";
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let kernel: Kernel = Program::parse(text).and_then(|p| p.compile(&options)).expect("a kernel");
    let references: [(f64, f64, f64, f64); 4] = [
        (0.5, 1.0, -1.041_696_096_020_790_7, 1.987_386_803_138_722_5),
        (2.5, 1.0, -0.069_061_241_293_422_22, 1.960_928_893_656_689_5),
        (0.3, 3.0, -0.351_671_341_220_522_7, 2.988_474_762_365_723_5),
        (2.8, 3.0, 22.018_685_963_802_305, -8.740_943_817_351_452),
    ];
    for (a, w, by_a, by_w) in references {
        let found = kernel.columns(&[&[a], &[w]]).expect("a column for each input");
        for (derivative, reference) in [(found[1][0], by_a), (found[2][0], by_w)] {
            let error = ((derivative - reference) / reference).abs();
            assert!(
                error < 5e-9,
                "amplitude {a}, frequency {w}: {derivative}, not {reference}: off by {error:e}"
            );
        }
    }
}
