//! Loops and recursion: the pendulum against the same loop in C, the cost of a taped step, calls.
//!
//! `cargo bench --bench loops` prints it. With `--test` everything runs once, on few rows.

mod support;

use std::path::Path;
use std::process::Command;

use nc_runtime::batch::Kernel as _;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier};
use support::{best, kernel_time};

fn compile(source: &str, derivative: Derivative, tape_bytes: usize) -> Kernel {
    let options =
        CompileOptions { derivative, tape_bytes, tier: Tier::Cranelift, ..CompileOptions::default() };
    Program::parse(source).and_then(|program| program.compile(&options)).expect("the program compiles")
}

type CFunction = unsafe extern "C" fn(*const *const f64, *const *mut f64, usize);

fn c_library(folder: &Path) -> Option<libloading::Library> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/support/pendulum.c");
    let library = folder.join("pendulum.so");
    let flags =
        "-O3 -march=native -mprefer-vector-width=128 -mno-avx512f -ffast-math -fopenmp-simd -shared -fPIC";
    let status = Command::new("cc")
        .args(flags.split_whitespace())
        .arg("-o")
        .arg(&library)
        .arg(&source)
        .arg("-lm")
        .status();
    if !status.is_ok_and(|s| s.success()) {
        return None;
    }
    // SAFETY: the library was built above and has no initialisers of its own.
    unsafe { libloading::Library::new(&library) }.ok()
}

/// Nanoseconds per row of a function of the library, and what it gave.
fn c_time(
    library: &libloading::Library,
    name: &str,
    inputs: &[Vec<f64>],
    results: usize,
    repeats: usize,
) -> (f64, Vec<Vec<f64>>) {
    let rows = inputs[0].len();
    let pointers: Vec<*const f64> = inputs.iter().map(|column| column.as_ptr()).collect();
    let mut outputs = vec![vec![0.0; rows]; results];
    let targets: Vec<*mut f64> = outputs.iter_mut().map(|column| column.as_mut_ptr()).collect();
    // SAFETY: benches/support/pendulum.c defines it with this signature.
    let function: libloading::Symbol<'_, CFunction> =
        unsafe { library.get(name.as_bytes()) }.expect("the function exists");
    let seconds = best(repeats, || {
        // SAFETY: there is a column of `rows` numbers, a multiple of 16, for each input and result.
        unsafe { function(pointers.as_ptr(), targets.as_ptr(), rows) }
    });
    (seconds * 1e9 / rows as f64, outputs)
}

/// The largest difference of two results relative to the largest number among them.
fn difference(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let pairs = || a.iter().flatten().zip(b.iter().flatten());
    let scale = pairs().fold(0.0, |m: f64, (x, _)| m.max(x.abs()));
    pairs().fold(0.0, |m: f64, (x, y)| m.max((x - y).abs())) / scale
}

fn pendulum(quick: bool) {
    let source = include_str!("../corpus/classic/pendulum-scalars.scm");
    let (rows, repeats) = if quick { (16, 1) } else { (10_000, 5) };
    let unit = |row: usize, k: usize| ((row * 7919 + k * 104_729) % 10_007) as f64 / 10_007.0;
    let column = |k: usize, from: f64, to: f64| (0..rows).map(|r| from + (to - from) * unit(r, k)).collect();
    // In the order of the C functions; the program has its inputs in an order of its own.
    let names = ["theta0", "omega0", "g_l", "damping"];
    let in_c: Vec<Vec<f64>> =
        vec![column(0, -2.5, 2.5), column(1, -2.0, 2.0), column(2, 0.5, 2.0), column(3, 0.0, 0.5)];
    let program = Program::parse(source).expect("the program parses");
    let order: Vec<usize> =
        program.inputs().map(|input| names.iter().position(|&name| name == input).expect("a name")).collect();
    let inputs: Vec<Vec<f64>> = order.iter().map(|&k| in_c[k].clone()).collect();
    let tape = CompileOptions::default().tape_bytes;
    let (value, values) = kernel_time(&compile(source, Derivative::None, tape), &inputs, repeats);
    let (gradient, gradients) = kernel_time(&compile(source, Derivative::Gradient, tape), &inputs, repeats);
    println!("pendulum, 1,000 steps, {rows} rows, one thread; µs per row");
    println!("  value            {:8.2}", value / 1e3);
    println!("  with gradient    {:8.2}   {:.2} times the value", gradient / 1e3, gradient / value);
    let folder = std::env::temp_dir().join(format!("nc-loops-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    match c_library(&folder) {
        Some(library) => {
            let (c_value, expected) = c_time(&library, "value", &in_c, 1, repeats);
            let (c_gradient, all) = c_time(&library, "gradient", &in_c, 5, repeats);
            let all: Vec<Vec<f64>> =
                [0].into_iter().chain(order.iter().map(|k| k + 1)).map(|k| all[k].clone()).collect();
            println!("  C, 128-bit       {:8.2}   ours {:.2} times that", c_value / 1e3, value / c_value);
            println!(
                "  C with gradient  {:8.2}   {:.2} times its value, ours {:.2} times that",
                c_gradient / 1e3,
                c_gradient / c_value,
                gradient / c_gradient
            );
            println!(
                "  largest difference: value {:.1e}, gradient {:.1e}",
                difference(&values, &expected),
                difference(&gradients, &all)
            );
        }
        None => println!("  no C compiler found"),
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// A quadratic system of sixteen numbers.
fn system(steps: usize) -> String {
    let name = |k: usize| format!("x{}", k % 16);
    let first: String = (0..16).map(|k| format!("({} (* {} 0.01 a)) ", name(k), k + 1)).collect();
    let next: String = (0..16)
        .map(|k| {
            let (a, b, c) = (name(k), name(k + 1), name(k + 5));
            format!("(+ {a} (* h (- (* {b} {c}) (* 0.5 {a})))) ")
        })
        .collect();
    let sum: String = (0..16).map(|k| format!("{} ", name(k))).collect();
    format!(
        "; nc: --max-iterations {steps}\n\
         (define (system a h) (loop ((i 0) {first}) (if (= i {steps}) (+ {sum}) (recur (+ i 1) {next}))))"
    )
}

fn taped(quick: bool) {
    let (steps, rows) = if quick { (100, 2) } else { (1_000_000, 8) };
    let inputs = vec![(0..rows).map(|r| 0.5 + 0.01 * r as f64).collect(), vec![1e-6; rows]];
    println!("\n16 numbers, {steps} steps, {rows} rows, one thread; ns per step and row");
    let source = system(steps);
    let per_step = |(time, _): (f64, Vec<Vec<f64>>)| time / steps as f64;
    let value = per_step(kernel_time(&compile(&source, Derivative::None, 0), &inputs, 3));
    println!("  value                        {value:7.2}");
    for (name, bytes) in [("least tape", 0), ("tape of 64 MiB", 64 << 20), ("tape of 4 GiB", 4 << 30)] {
        let kernel = compile(&source, Derivative::Gradient, bytes);
        let memory = kernel.shape().scratch_bytes as f64 / f64::from(1 << 20);
        let time = per_step(kernel_time(&kernel, &inputs, 2));
        println!(
            "  with gradient, {name:<14}{time:7.2}   {:.2} times the value, {memory:.1} MiB per thread",
            time / value
        );
    }
}

fn calls(quick: bool) {
    let source = "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib n)";
    let (n, count) = if quick { (5.0, 15.0) } else { (25.0, 242_785.0) };
    let inputs = vec![vec![n; 16]];
    println!("\nfib({n}), {count} calls; ns per call and row");
    for (name, derivative) in [("value", Derivative::None), ("with gradient", Derivative::Gradient)] {
        let (time, _) = kernel_time(&compile(source, derivative, 0), &inputs, 3);
        println!("  {name:<16}{:7.2}", time / count);
    }
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--test");
    pendulum(quick);
    taped(quick);
    calls(quick);
}
