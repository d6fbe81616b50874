//! Trees in batches, in native code.

use std::f64::consts::PI;

use nc_eml::translate::constructions::Constructions;
use nc_eml::translate::expand::expand;
use neural_compiler::{CompileOptions, Derivative, Dialect, Mode, Program, ReaderLimits, Signature, Tier};
use num_complex::Complex64;

/// The tier that the environment variable `NC_TIER` names, else the fastest.
fn native_tier() -> Tier {
    let Ok(wanted) = std::env::var("NC_TIER") else { return Tier::Auto };
    let found = Tier::available().into_iter().find(|tier| tier.to_string() == wanted);
    found.unwrap_or_else(|| panic!("this machine has no tier {wanted}"))
}

/// The value and gradient of a program of real inputs.
fn run(program: &Program, columns: &[&[f64]]) -> Vec<Vec<f64>> {
    let options = CompileOptions::default().derivative(Derivative::Gradient).tier(native_tier());
    program.compile(&options).unwrap().columns(columns).unwrap().to_vec()
}

/// `n` points spread over an interval, its ends aside.
fn spread(low: f64, high: f64, n: usize) -> Vec<f64> {
    (0..n).map(|k| low + (high - low) * ((k as f64 + 0.5) * 0.6180339887498949).fract()).collect()
}

fn tree(program: &str) -> String {
    let graph = Program::parse(program).unwrap().graph(&Signature::scalars()).unwrap();
    expand(&graph, Constructions::Shortest).unwrap().tree.text(1 << 20).unwrap()
}

/// Native evaluation of trees in batches of 10⁵ points: value and gradient, on the domain that each tree is for. Whether a
/// tree is the function in high precision, `trees.rs` and `translate.rs` say; here its target in doubles is the reference, and
/// what the tree loses by its own rounding is the tolerance.
#[test]
fn trees_in_batches() {
    const POINTS: usize = 100_000;
    struct Case {
        tree: String,
        mode: Mode,
        x: (f64, f64),
        y: (f64, f64),
        value: fn(f64, f64) -> f64,
        slope: fn(f64, f64) -> [f64; 2],
        tolerance: f64,
    }
    let wide = (0.1, 2.5);
    let case = |tree: String, mode, x, y, value, slope, tolerance| Case {
        tree,
        mode,
        x,
        y,
        value,
        slope,
        tolerance,
    };
    let cases = [
        case(
            "eml(x,1)".into(),
            Mode::Real,
            (-700.0, 700.0),
            wide,
            |x, _| x.exp(),
            |x, _| [x.exp(), 0.0],
            1e-15,
        ),
        case("ln(x)".into(), Mode::Real, (1e-3, 1e3), wide, |x, _| x.ln(), |x, _| [1.0 / x, 0.0], 1e-14),
        case(
            "sub(x,y)".into(),
            Mode::Real,
            (0.1, 50.0),
            (-9.0, 9.0),
            |x, y| x - y,
            |_, _| [1.0, -1.0],
            1e-13,
        ),
        case(tree("(- x)"), Mode::Real, (-5.0, 2.6), wide, |x, _| -x, |_, _| [-1.0, 0.0], 1e-14),
        case(tree("(+ x y)"), Mode::Real, (0.1, 2.6), (0.1, 9.0), |x, y| x + y, |_, _| [1.0, 1.0], 1e-13),
        case(tree("(* x y)"), Mode::Real, (0.1, 15.0), wide, |x, y| x * y, |x, y| [y, x], 1e-13),
        case(
            tree("(/ x y)"),
            Mode::Real,
            wide,
            (0.1, 15.0),
            |x, y| x / y,
            |x, y| [1.0 / y, -x / (y * y)],
            1e-13,
        ),
        case(
            tree("(pow x y)"),
            Mode::Real,
            (1.05, 4.0),
            (0.1, 15.0),
            |x, y| x.powf(y),
            |x, y| [y * x.powf(y - 1.0), x.powf(y) * x.ln()],
            1e-12,
        ),
        case(
            tree("(sqrt x)"),
            Mode::Real,
            (1.05, 15.0),
            wide,
            |x, _| x.sqrt(),
            |x, _| [0.5 / x.sqrt(), 0.0],
            1e-13,
        ),
        case(tree("(sin x)"), Mode::Complex, (0.05, 6.2), wide, |x, _| x.sin(), |x, _| [x.cos(), 0.0], 1e-12),
        case(
            tree("(cos x)"),
            Mode::Complex,
            (0.05, 6.2),
            wide,
            |x, _| x.cos(),
            |x, _| [-x.sin(), 0.0],
            1e-12,
        ),
    ];
    for Case { tree, mode, x, y, value, slope, tolerance } in cases {
        let program = Program::parse_as(&tree, Dialect::Eml(mode), &ReaderLimits::default()).unwrap();
        let binary = program.inputs().count() == 2;
        let (x, y) = (spread(x.0, x.1, POINTS), spread(y.0, y.1, POINTS));
        let mut inputs: Vec<&[f64]> = vec![&x];
        if binary {
            // Variables stand in the order of their first use.
            inputs.push(&y);
            if program.inputs().next() == Some("y") {
                inputs.reverse();
            }
        }
        let columns = run(&program, &inputs);
        let step = if mode == Mode::Complex { 2 } else { 1 };
        let first = program.inputs().next().unwrap().to_string();
        for k in 0..POINTS {
            let mut slopes = slope(x[k], y[k]);
            if first == "y" {
                slopes.reverse();
            }
            let expected = [value(x[k], y[k]), slopes[0], slopes[1]];
            for (column, expected) in columns.chunks(step).zip(expected) {
                let error = (column[0][k] - expected).abs() / expected.abs().max(1.0);
                let imaginary = if step == 2 { column[1][k].abs() } else { 0.0 };
                assert!(
                    error <= tolerance && imaginary <= tolerance,
                    "{tree} at {}, {}: {}, not {expected}",
                    x[k],
                    y[k],
                    column[0][k]
                );
            }
        }
    }
    // Constants have no derivative to take.
    for (id, expected) in [("i", Complex64::new(0.0, 1.0)), ("ln_m1", Complex64::new(0.0, PI))] {
        let cases =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/eml/cases.json"))
                .unwrap();
        let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
        let case = cases.as_array().unwrap().iter().find(|case| case["id"] == id).unwrap();
        let text = case["expanded"].as_str().unwrap();
        let program = Program::parse_as(text, Dialect::Eml(Mode::Complex), &ReaderLimits::default()).unwrap();
        let columns = {
            let options = CompileOptions::default().tier(native_tier());
            let kernel = program.compile(&options).unwrap();
            let mut row = [0.0; 2];
            let mut workspace = nc_runtime::batch::Workspace::new();
            nc_runtime::batch::evaluate_row(&kernel, &[], &[], &mut row, &mut [], &mut workspace).unwrap();
            row
        };
        assert!((Complex64::new(columns[0], columns[1]) - expected).norm() < 1e-14, "{id}: {columns:?}");
    }
}
