//! Programs whose machine code has large frames, and those whose structure is deep: neither overflows a small stack. (Rust
//! gives a thread 2 MiB; on smaller ones smaller programs, which take less time, do the same.)

use crate::support;

use std::fmt::Write as _;

use nc_runtime::batch::Kernel as _;
use neural_compiler::{CompileOptions, Derivative, Dtype, Kernel, Program, Tier};

/// Runs a test on a thread with so many KiB of stack.
fn on_stack(kib: usize, test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(kib << 10).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// `count` functions in a ring of calls in tail position, entered by the first.
fn ring_of_tail_calls(count: usize) -> String {
    let mut text = String::new();
    for k in 0..count {
        let next = (k + 1) % count;
        let _ = writeln!(text, "(define (f{k} n x) (if (< n 1) x (f{next} (- n 1) (+ (* x 0.5) {k}))))");
    }
    text + &format!("(define (main x) (f0 {TURNS} x))")
}

/// How many calls of a ring are made.
const TURNS: usize = 12;

/// What [`ring_of_tail_calls`] gives.
fn along_the_ring(x: f64) -> f64 {
    (0..TURNS).fold(x, |x, k| x * 0.5 + k as f64)
}

/// `count` functions each of which calls every other in tail position.
fn complete_graph_of_tail_calls(count: usize) -> String {
    let mut text = String::new();
    for k in 0..count {
        let _ = write!(text, "(define (f{k} n x) (cond ((< n 1) x)");
        for other in (0..count).filter(|&other| other != k) {
            let _ = write!(text, " ((= n {}) (f{other} (- n 1) (+ x {k})))", other + 1);
        }
        let _ = writeln!(text, " (else x)))");
    }
    text + "(define (main x) (f0 2 x))"
}

/// `count` functions in a ring of calls that something is done after.
fn ring_of_calls(count: usize) -> String {
    let mut text = String::new();
    for k in 0..count {
        let next = (k + 1) % count;
        let _ = writeln!(text, "(define (f{k} n x) (if (< n 1) x (+ 1 (f{next} (- n 1) (* x 1.5)))))");
    }
    text + "(define (main x) (f0 5 x))"
}

/// A loop that carries `count` vectors of 64 elements and shifts them along.
fn loop_over_vectors(count: usize) -> String {
    let mut text = String::from("(loop ((n 5)");
    for k in 0..count {
        let _ = write!(text, " (v{k} (* (+ x {k}) (ones 64)))");
    }
    text += ") (if (< n 1) (vsum v0) (recur (- n 1)";
    for k in 0..count {
        let _ = write!(text, " (+ v{} 0.5)", (k + 1) % count);
    }
    text + ")))"
}

fn compile(source: &str, tier: Tier, dtype: Dtype, derivative: Derivative) -> Kernel {
    let program = Program::parse(source).expect("a program");
    let options = CompileOptions::default().tier(tier).dtype(dtype).derivative(derivative);
    program.compile(&options).expect("a kernel")
}

/// A batch of `rows` in every tier, on the test's own thread and on threads of a pool: the same bits as interpreted rows.
fn agrees_in_every_tier(source: &str, rows: usize, derivative: &Derivative) {
    for dtype in [Dtype::F64, Dtype::F32] {
        let interpreted = compile(source, Tier::Interpret, dtype, derivative.clone());
        let x: Vec<f64> = (0..rows).map(|row| (row % 16) as f64 / 8.0 - 0.75).collect();
        let inputs = vec![x; interpreted.shape().inputs];
        let first: Vec<Vec<f64>> = inputs.iter().map(|column| column[..16.min(rows)].to_vec()).collect();
        let expected = support::run(&interpreted, &first, &[], first[0].len(), 1);
        for tier in support::native_tiers() {
            let kernel = compile(source, tier, dtype, derivative.clone());
            assert_eq!(kernel.tier(), tier, "{:?}", kernel.notes());
            for threads in [1, 2] {
                let results = support::run(&kernel, &inputs, &[], rows, threads);
                for (column, expected) in results.columns.iter().zip(&expected.columns) {
                    for (row, word) in column.iter().enumerate() {
                        assert_eq!(*word, expected[row % 16], "{tier} {dtype}, row {row}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_ring_of_tail_calls() {
    on_stack(256, || {
        let source = ring_of_tail_calls(80);
        let kernel = compile(&source, support::native_tier(), Dtype::F64, Derivative::None);
        let value = kernel.columns(&[&[0.5, 3.0][..]]).expect("values");
        assert_eq!(value[0], [along_the_ring(0.5), along_the_ring(3.0)]);
        agrees_in_every_tier(&source, 200, &Derivative::None);
    });
}

#[test]
fn a_loop_over_vectors() {
    on_stack(256, || agrees_in_every_tier(&loop_over_vectors(50), 200, &Derivative::None));
}

#[test]
fn a_loop_over_six_hundred_vectors_on_a_thread_of_256_kib() {
    let source = loop_over_vectors(600);
    let kernel = compile(&source, support::native_tier(), Dtype::F64, Derivative::None);
    assert!(kernel.shape().stack_bytes > 600 * 64 * 16, "{}", kernel.shape().stack_bytes);
    on_stack(256, move || {
        let results = kernel.columns(&[&[1.0; 100][..]]).expect("values");
        assert_eq!(results[0], [64.0 * (1.0 + 5.0 + 2.5); 100]);
    });
}

#[test]
fn thirty_functions_that_all_call_each_other() {
    on_stack(256, || {
        let source = complete_graph_of_tail_calls(30);
        let kernel = compile(&source, support::native_tier(), Dtype::F64, Derivative::None);
        // From f0 with n = 2 to f1, and with n = 1 to f0.
        assert_eq!(kernel.columns(&[&[0.5][..]]).expect("a value")[0], [1.5]);
    });
}

#[test]
fn a_ring_of_two_thousand_functions_with_a_gradient() {
    on_stack(2048, || {
        let source = ring_of_calls(2000);
        let kernel = compile(&source, support::native_tier(), Dtype::F64, Derivative::Gradient);
        let results = kernel.columns(&[&[0.5][..]]).expect("a value");
        assert_eq!(results[0], [0.5 * 1.5f64.powi(5) + 5.0]);
        assert_eq!(results[1], [1.5f64.powi(5)]);
    });
}
