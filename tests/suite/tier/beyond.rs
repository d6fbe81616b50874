//! Operands beyond the fast ranges of recipes, and arms that no row takes.

use crate::support;

use nc_runtime::batch::{Kernel as _, Sink, Source, Workspace};
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::lower::bypass::Bypass;
use neural_compiler::internals::lower::lanes::{Condition, Inst, LaneProgram};
use neural_compiler::internals::lower::verify::verify;
use neural_compiler::internals::lower::{lower, lower_complete};
use neural_compiler::{
    CompileOptions, DEFAULT_TAPE_BYTES, Derivative, Dtype, Kernel, Program, Signature, Tier,
};
use support::bits;

/// Numbers of every kind beside those beyond fast ranges, of which there are more than are interpreted. `share` of eight rows
/// are such.
fn column(rows: usize, share: usize) -> Vec<f64> {
    let special = [f64::INFINITY, f64::NAN, -0.0, 0.0, -f64::INFINITY, 67_108_864.0, -67_108_865.0, 1e-310];
    (0..rows)
        .map(|row| match row % 8 {
            k if k < share => {
                (row as f64 + 0.7) * 10f64.powi((row * 7 % 28) as i32 + 8) * [1.0, -1.0][row % 2]
            }
            7 if row % 16 == 15 => special[row / 16 % special.len()],
            _ => (row as f64 * 0.37).sin() * 9.0,
        })
        .collect()
}

fn compiled(text: &str, base: &CompileOptions, tier: Tier) -> Kernel {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    program.compile(&base.clone().tier(tier)).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Native code and the interpreter agree in every bit of columns and sums, for batches whose rows are of every kind.
#[test]
fn rows_beyond_fast_ranges_have_the_bits_of_the_interpreter() {
    let programs = [
        "(sin x)",
        "(values (a (cos x)) (b (tan (* p x))) (c (sin (* x y))))",
        "(values (a (modulo x y)) (b (remainder (* p x) 7)) (c (quotient x y)))",
        "(exp (make-rectangular (sin y) (* p x)))",
        "(tanh (make-rectangular y x))",
        "(expt (make-rectangular x y) (* p 1e9))",
        "(if (> y 0) (* p (sin x)) (modulo x 3))",
        "(log (* p (modulo x 1.5)))",
        "(loop ((i 0) (s x)) (if (< i 4) (recur (+ i 1) (+ (* p s) (sin s))) s))",
        "(define (f n v) (if (< n 1) (cos (* 1e6 v)) (+ (sin v) (f (- n 1) (* 3 v))))) (* p (f 3 x))",
        "(vsum (sin [x (* 2 x) y]))",
    ];
    for (text, dtype) in programs.iter().flat_map(|text| [(text, Dtype::F64), (text, Dtype::F32)]) {
        let text: &str = text;
        for derivative in [Derivative::None, Derivative::Vjp] {
            let inputs = Program::parse(text).expect("a program");
            let signature = match inputs.inputs().any(|name| name == "p") {
                true => Signature::scalars().parameter("p"),
                false => Signature::scalars(),
            };
            let base =
                CompileOptions::default().dtype(dtype).derivative(derivative.clone()).signature(signature);
            let [native, interpreted] =
                [support::native_tier(), Tier::Interpret].map(|tier| compiled(text, &base, tier));
            assert!(native.notes().is_empty(), "{text}: {:?}", native.notes());
            let params: Vec<f64> = native.shape().params.checked_sub(1).map_or(vec![], |_| vec![1.25]);
            for (rows, share) in [(5, 8), (137, 1), (4099, 3), (301, 8)] {
                let columns: Vec<Vec<f64>> = (0..native.shape().inputs)
                    .map(|k| if k == 0 { column(rows, share) } else { column(rows + k, 0).split_off(k) })
                    .collect();
                let expected = support::run(&interpreted, &columns, &params, rows, 1);
                for threads in [1, 2] {
                    let found = support::run(&native, &columns, &params, rows, threads);
                    assert!(found == expected, "{dtype} {derivative:?}, {rows} rows of {text}");
                }
                let found = support::run_matrix(&native, &columns, &params, rows, 1);
                assert!(found == expected, "{dtype} {derivative:?}, a matrix of {rows} rows of {text}");
            }
        }
    }
}

/// Rows that fail are told from those beyond a fast range, also in sums.
#[test]
fn rows_that_fail_beyond_fast_ranges() {
    let text = "(define table [10 20 30]) (* p (sin (* (ref table n) x)))";
    let base = CompileOptions::default()
        .derivative(Derivative::Gradient)
        .signature(Signature::scalars().parameter("p"));
    let [native, interpreted] =
        [support::native_tier(), Tier::Interpret].map(|tier| compiled(text, &base, tier));
    for rows in [100, 1000, 4500] {
        let n: Vec<f64> = (0..rows).map(|row| if row % 11 == 5 { 3.0 } else { (row % 3) as f64 }).collect();
        let expected = support::run(&interpreted, &[n.clone(), column(rows, 4)], &[0.5], rows, 1);
        assert!(expected.failed > 0);
        let found = support::run(&native, &[n, column(rows, 4)], &[0.5], rows, 1);
        assert!(found == expected, "{rows} rows");
    }
}

/// One row at a time, before and after there is code for such rows.
#[test]
fn single_rows_beyond_fast_ranges() {
    let kernel = compiled("(sin x)", &CompileOptions::default(), support::native_tier());
    let mut workspace = Workspace::new();
    let mut last = None;
    for _ in 0..200 {
        let mut value = [0.0];
        kernel.evaluate_row(&[1e22], &[], &mut value, &mut [], &mut workspace).expect("a row");
        assert_eq!(bits(value[0]), bits(-0.8522008497671888));
        let before = last.replace(kernel.complete(1).is_some());
        assert!(before != Some(true) || last == Some(true));
    }
    assert_eq!(last, Some(true));
}

fn lanes_of(text: &str, derivative: Derivative) -> LaneProgram {
    let options = CompileOptions::default().derivative(derivative);
    let graph = Program::parse(text).expect("a program").graph_for(&options).expect("a graph");
    let graph = derived(&graph, &options).expect("a derivative");
    let complete = lower_complete(&graph, DEFAULT_TAPE_BYTES);
    assert_eq!(
        complete.status.is_some(),
        !graph.checks.is_empty(),
        "complete recipes report nothing: {text}"
    );
    lower(&graph, DEFAULT_TAPE_BYTES)
}

/// How many parts of a program run only if a row needs them, and how many instructions stand outside of them.
fn parts(program: &LaneProgram) -> (usize, usize) {
    let (mut depth, mut outside) = (0, 0);
    for &inst in program.insts.values() {
        match inst {
            Inst::Loop(id) if program.loops[id].once => depth += 1,
            Inst::End(id) if program.loops[id].once => depth -= 1,
            inst => outside += usize::from(depth == 0 && !inst.is_constant()),
        }
    }
    let once = program.loops.values().filter(|inner| inner.once);
    let count = once.inspect(|inner| assert!(matches!(inner.conditions[..], [Condition::Any(_)]))).count();
    (count, outside)
}

#[test]
fn arms_that_no_row_takes_are_left_out() {
    let cases = [
        // What is cheap is computed for all rows.
        ("(if (< x 99) (* x x) (+ x 1))", Derivative::None, 0),
        ("(if (< x 0) (exp x) (log x))", Derivative::None, 0),
        ("(if (< x 99) (* x x) (sin (* 1e9 x)))", Derivative::None, 1),
        ("(if (< x 99) (* x x) (modulo (* 1e9 x) 3))", Derivative::None, 1),
        // The value and its slope are needed by the same rows.
        ("(if (< x 99) (* x x) (sin (* 1e9 x)))", Derivative::Gradient, 1),
        ("(if (< x 0) (exp (exp x)) (log (log x)))", Derivative::None, 2),
        ("(if (< x 0) (exp (exp x)) (+ 1 (exp (exp x))))", Derivative::None, 0),
        // The last two together are worth a test.
        ("(cond ((< x 0) 1) ((< x 1) (sin x)) ((< x 2) (exp x)) (else (log x)))", Derivative::None, 2),
        ("(cond ((< x 0) 1) ((< x 1) (sin x)) ((< x 2) (cos x)) (else (tan x)))", Derivative::None, 3),
        ("(if (and (< 0 x) (< x 9)) (tan x) 0)", Derivative::None, 1),
        // Both selections need a sine, the second one of what the first gives.
        ("(let ((a (if (< x 1) (sin x) x))) (if (< a 1) (sin (* 2 a)) a))", Derivative::None, 2),
        // What is the same in all iterations is computed before the first.
        (
            "(loop ((i 0) (s x)) (if (< i 9) (recur (+ i 1) (if (< s 1) (+ s (sin y)) s)) s))",
            Derivative::None,
            0,
        ),
        (
            "(loop ((i 0) (s x)) (if (< i 9) (recur (+ i 1) (if (< s 1) (+ y (sin s)) s)) s))",
            Derivative::None,
            1,
        ),
    ];
    for (text, derivative, expected) in cases {
        let program = lanes_of(text, derivative.clone());
        assert_eq!(parts(&program).0, expected, "{text} {derivative:?}");
    }
    let (_, outside) = parts(&lanes_of("(if (< x 99) (* x x) (sin (* 1e9 x)))", Derivative::None));
    assert!(outside < 20, "{outside} instructions run in any case");
}

/// Rows report what the arm that they take reports.
#[test]
fn arms_that_are_not_taken_report_nothing() {
    let text = "(if (< x 99) (* x x) (sin (* 1e9 x)))";
    for derivative in [Derivative::None, Derivative::Gradient] {
        let base = CompileOptions::default().derivative(derivative);
        let kernel = compiled(text, &base, support::native_tier());
        let rows = 1000;
        let slow = |x: &dyn Fn(usize) -> f64| {
            let x: Vec<f64> = (0..rows).map(x).collect();
            let mut columns = vec![vec![0.0; rows]; kernel.shape().outputs];
            let mut sinks: Vec<Sink<'_>> = columns.iter_mut().map(|column| Sink::Column(column)).collect();
            support::evaluate(&kernel, rows, &[Source::Column(&x)], &[], &mut sinks, &mut [], 1).slow
        };
        assert_eq!(slow(&|row| row as f64 * 0.09), 0);
        assert_eq!(slow(&|row| if row % 4 == 0 { 100.0 } else { 3.0 }), rows / 4);
    }
}

/// Where little is to be done beside arms, rows that take none run through code of their own, in every native tier: rows that take one
/// may stand anywhere.
#[test]
fn rows_that_need_no_arm_have_the_bits_of_the_others() {
    let programs = [
        "(if (< x 99) (* x x) (sin (* 1e9 x)))",
        "(if (< x 99) (* x x) (if (< y 0) (log y) (exp (sin x))))",
        "(if (and (< x 99) (> y -99)) (/ x y) (tan (* 1e9 x)))",
        "(vsum [(if (< x 99) x (sin (* 1e9 x))) (if (> y -99) y (exp (exp y)))])",
        "(if (< x 99) x (modulo (* 1e17 x) y))",
    ];
    for (text, dtype) in programs.iter().flat_map(|text| [(text, Dtype::F64), (text, Dtype::F32)]) {
        for derivative in [Derivative::None, Derivative::Gradient] {
            let base = CompileOptions::default().dtype(dtype).derivative(derivative.clone());
            let graph = Program::parse(text).expect("a program").graph_for(&base).expect("a graph");
            let lanes = lower(&derived(&graph, &base).expect("derivatives"), DEFAULT_TAPE_BYTES);
            let bypass = Bypass::of(&lanes).unwrap_or_else(|| panic!("{text} has code without arms"));
            verify(&bypass.program).unwrap_or_else(|what| panic!("{text}: {what}"));
            assert!(bypass.program.loops.is_empty() && bypass.program.status.is_none());
            let interpreted = compiled(text, &base, Tier::Interpret);
            let rows = 5003;
            // Rows that take an arm: none, the first and the last, few, every second stretch, all.
            let takes: [&dyn Fn(usize) -> bool; 5] = [
                &|_| false,
                &|row| row == 0 || row == rows - 1,
                &|row| row % 611 == 17,
                &|row| row / 300 % 2 == 1 && row % 7 == 0,
                &|_| true,
            ];
            for taken in takes {
                let column = |k: usize| -> Vec<f64> {
                    let small = |row: usize| ((row * 37 + 11 * k) % 101) as f64 - 50.0;
                    (0..rows).map(|row| small(row) + if taken(row) { 200.0 } else { 0.0 }).collect()
                };
                let columns: Vec<Vec<f64>> = (0..interpreted.shape().inputs).map(column).collect();
                let expected = support::run(&interpreted, &columns, &[], rows, 1);
                for tier in support::native_tiers() {
                    let native = compiled(text, &base, tier);
                    let found = support::run(&native, &columns, &[], rows, 1);
                    assert!(found == expected, "{tier} {dtype} {derivative:?}: {text}");
                }
            }
        }
    }
    // Some row takes an arm in any case, much is done beside it, there is none, or sums would be made twice.
    let long = format!("(+ (if (< x 9) x (sin (* 1e9 x))) {})", "(exp (* x 1.5)) (cos (exp x)) ".repeat(3));
    for text in [
        "(if (< x 0) (exp (exp x)) (log (log x)))",
        long.as_str(),
        "(* x x)",
        "(loop ((i 0) (s x)) (if (< i n) (recur (+ i 1) (sin s)) s))",
    ] {
        assert!(Bypass::of(&lanes_of(text, Derivative::None)).is_none(), "{text}");
    }
}

/// Arms in arms, in loops and in functions, with conditions that hold for some rows, for all, and for none.
#[test]
fn arms_have_the_bits_of_the_interpreter() {
    let programs = [
        "(cond ((< x -3) (exp x)) ((< x 0) (sin x)) ((and (< x 4) (> y 0)) (log x)) (else (tan (+ x y))))",
        "(let ((a (if (< x 1) (log (abs x)) x))) (if (< x 1) (exp (* 2 a)) (if (> y 0) (sqrt (exp a)) (sin a))))",
        "(if (or (< x 0) (> y 0)) (if (not (< y 2)) (exp (sin x)) (cos y)) (atan x y))",
        "(loop ((i 0) (s x)) (if (< i 5) (recur (+ i 1) (if (< s 1) (+ 1 (exp (- s y))) (log s))) s))",
        "(define (f n v) (if (< n 1) v (if (> v 0) (f (- n 1) (sin v)) (f (- n 1) (exp v))))) (f 4 x)",
        "(if (> x 0) (vsum (exp [x y (* x y)])) (norm (sin [x y])))",
        "(max (sin x) (if (> y 0) (exp x) (max (cos x) (log y))))",
    ];
    for (text, dtype) in programs.iter().flat_map(|text| [(text, Dtype::F64), (text, Dtype::F32)]) {
        for derivative in [Derivative::None, Derivative::Gradient, Derivative::Hessian] {
            let base = CompileOptions::default().dtype(dtype).derivative(derivative.clone());
            let [native, interpreted] =
                [support::native_tier(), Tier::Interpret].map(|tier| compiled(text, &base, tier));
            let rows = 203;
            for shift in [-20.0, 0.0, 20.0] {
                let columns: Vec<Vec<f64>> = (0..native.shape().inputs)
                    .map(|k| column(rows + k, 0).split_off(k).into_iter().map(|x| x + shift).collect())
                    .collect();
                let expected = support::run(&interpreted, &columns, &[], rows, 1);
                let found = support::run(&native, &columns, &[], rows, 1);
                assert!(found == expected, "{dtype} {derivative:?}, shifted by {shift}: {text}");
            }
        }
    }
}
