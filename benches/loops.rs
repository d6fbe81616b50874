//! Loops and recursion: the pendulum against the same loop in C, the cost of a taped step, calls.
//!
//! `cargo bench --bench loops` prints it. With `--test` everything runs once, on few rows.

mod support;

use nc_runtime::batch::Kernel as _;
use neural_compiler::{CompileOptions, DEFAULT_TAPE_BYTES, Derivative, Kernel, Program};
use support::c::{Arithmetic, Compiler, Flags};
use support::columns::{Columns, uniform};
use support::timing::{Effort, Side, interleaved, kernel_side, kernel_time};

fn compile(source: &str, derivative: Derivative, tape_bytes: usize) -> Kernel {
    let options = CompileOptions::default().derivative(derivative).tape_bytes(tape_bytes);
    Program::parse(source).and_then(|program| program.compile(&options)).expect("the program compiles")
}

/// The pendulum of corpus/classic and the same loop in support/pendulum.c, taking turns.
fn pendulum(quick: bool) {
    let source = include_str!("../corpus/classic/pendulum-scalars.scm");
    let (rows, effort) =
        if quick { (16, Effort::ONCE) } else { (10_000, Effort { rounds: 5, seconds: 60.0 }) };
    // In the order of the C functions; the program has its inputs in an order of its own.
    let names = ["theta0", "omega0", "g_l", "damping"];
    let ranges = [(-2.5, 2.5), (-2.0, 2.0), (0.5, 2.0), (0.0, 0.5)];
    let in_c = Columns::of(names.len(), rows, |k, row| {
        let (from, to) = ranges[k];
        from + (to - from) * uniform(k, row)
    });
    let program = Program::parse(source).expect("the program parses");
    let order: Vec<usize> =
        program.inputs().map(|input| names.iter().position(|&name| name == input).expect("a name")).collect();
    let inputs = in_c.picked(&order);
    println!("pendulum, 1,000 steps, {rows} rows, one thread; µs per row");
    let compiler = Compiler::find();
    let flags: Vec<Flags> =
        [Arithmetic::Fast, Arithmetic::Uncontracted].into_iter().flat_map(Flags::all).collect();
    let source_in_c = include_str!("support/pendulum.c");
    let built = compiler.as_ref().map_or(Vec::new(), |compiler| compiler.build_all(source_in_c, &flags));
    let mut values = [0.0; 2];
    let what = [("value", Derivative::None, 1), ("gradient", Derivative::Gradient, 5)];
    for (row, (name, derivative, results)) in values.iter_mut().zip(what) {
        let kernel = compile(source, derivative, DEFAULT_TAPE_BYTES);
        let mut ours = Columns::zeros(results, rows);
        let mut theirs: Vec<Columns> = built.iter().map(|_| Columns::zeros(results, rows)).collect();
        let mut sides: Vec<Side<'_>> = vec![kernel_side(&kernel, &inputs, &mut ours, 1)];
        for ((_, library), outputs) in built.iter().zip(&mut theirs) {
            sides.push(library.side(name, &in_c, outputs, 1).expect("the library has the function"));
        }
        let times: Vec<f64> =
            interleaved(&mut sides, effort).iter().map(|seconds| seconds * 1e6 / rows as f64).collect();
        drop(sides);
        *row = times[0];
        println!("  {name:<10}{:8.2}  tier {}", times[0], kernel.tier());
        for (((flags, _), outputs), time) in built.iter().zip(&theirs).zip(&times[1..]) {
            let at: Vec<usize> = [0].into_iter().chain(order.iter().map(|k| k + 1)).take(results).collect();
            println!(
                "    C {time:8.2}  ours {:.2} times that; {} bits, {:?}; largest difference {:.1e}",
                times[0] / time,
                flags.bits,
                flags.arithmetic,
                ours.difference(&outputs.picked(&at))
            );
        }
        if let Some(fastest) = times[1..].iter().copied().reduce(f64::min) {
            println!("    {:.2} times the best C", times[0] / fastest);
        }
    }
    println!("  value with gradient: {:.2} times the value", values[1] / values[0]);
    if built.is_empty() {
        println!("  no C compiler found");
    }
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
    let inputs = Columns::of(2, rows, |k, row| if k == 0 { 0.5 + 0.01 * row as f64 } else { 1e-6 });
    println!("\n16 numbers, {steps} steps, {rows} rows, one thread; ns per step and row");
    let source = system(steps);
    let per_step = |(time, _): (f64, Columns)| time / steps as f64;
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
    let inputs = Columns::of(1, 16, |_, _| n);
    println!("\nfib({n}), {count} calls; ns per call and row");
    for (name, derivative) in [("value", Derivative::None), ("with gradient", Derivative::Gradient)] {
        let (time, _) = kernel_time(&compile(source, derivative, 0), &inputs, 3);
        println!("  {name:<16}{:7.2}", time / count);
    }
}

fn main() {
    let quick = support::quick();
    pendulum(quick);
    taped(quick);
    calls(quick);
}
