//! What a training step of a network costs: the loss of a batch with its gradient by all weights.
//!
//! `cargo bench --bench networks -- [--json] [NETWORK] [DTYPE]` prints, for several networks and both number types, the time of the loss alone and of the
//! loss with its gradient, per row, on one thread, and how much of the processor's peak of multiplications with additions the products of
//! the layers reach: 2 operations per weight and row for the loss, 6 for the step. A product that is rounded before it is added, as the
//! language has it, can reach half of that peak. `--test` runs everything once.

mod support;

use nc_runtime::batch::{Batch, Options, Workspace};
use nc_runtime::element::Element;
use neural_compiler::batch::{Sink, Source};
use neural_compiler::{CompileOptions, Derivative, Dtype, Program, Shape, Signature};
use serde_json::json;
use support::machine::Machine;
use support::timing::best;

/// Networks from `inputs` numbers through hidden layers to `results` numbers.
const NETWORKS: [(u32, &[u32], u32); 4] =
    [(2, &[64, 64, 64], 2), (3, &[32, 32], 1), (64, &[64, 64], 64), (8, &[256, 256], 1)];

/// Rows of a batch.
const ROWS: usize = 1024;

struct Step {
    loss: f64,
    step: f64,
    weights: usize,
}

/// The time of the loss and of the loss with its gradient, for the whole batch.
fn measure<T: Element>(
    inputs: u32,
    layers: &[u32],
    results: u32,
    dtype: Dtype,
    number: impl Fn(f64) -> T,
) -> Step {
    let sizes: Vec<String> = layers.iter().map(u32::to_string).collect();
    let text = format!(
        "(network f ((x {inputs})) (layers {}) (activation tanh) (results {results})) {}",
        sizes.join(" "),
        if results == 1 { "(square (- (f x) y))" } else { "(let ((e (- (f x) y))) (dot e e))" }
    );
    let program = Program::parse(&text).expect("a program");
    let target = if results == 1 { Shape::Scalar } else { Shape::Vector(results) };
    let signature = Signature::default().shape("x", Shape::Vector(inputs)).shape("y", target);
    let names: Vec<String> = program.parameters().iter().map(|parameter| parameter.name.clone()).collect();
    let options = CompileOptions::default().signature(signature).dtype(dtype);
    let value = program.compile(&options).expect("a kernel");
    let gradient = program.compile(&options.derivative(Derivative::Gradient).wrt(names)).expect("a kernel");
    let weights: usize = program.parameters().iter().map(|parameter| parameter.shape.len()).sum();
    let count = (inputs + results) as usize;
    let columns: Vec<Vec<T>> = (0..count)
        .map(|k| (0..ROWS).map(|row| number(((row * 7 + k * 13) % 101) as f64 / 101.0 - 0.5)).collect())
        .collect();
    let params: Vec<T> = (0..weights).map(|k| number(((k * 31) % 97) as f64 / 97.0 - 0.5)).collect();
    let repeats = if support::quick() { 1 } else { 200 };
    let time = |kernel: &neural_compiler::Kernel, sums: usize| {
        let mut sums = vec![0.0; sums];
        let mut values = vec![T::default(); ROWS];
        let mut workspace = Workspace::new();
        let sources: Vec<Source<'_, T>> = columns.iter().map(|column| Source::Column(column)).collect();
        best(repeats, || {
            let mut sinks = [Sink::Column(&mut values)];
            let batch = Batch {
                rows: ROWS,
                inputs: &sources,
                params: &params,
                outputs: &mut sinks,
                param_gradients: &mut sums,
            };
            let options = Options { threads: 1, ..Options::default() };
            kernel.evaluate(batch, &options, &mut workspace).expect("values");
        })
    };
    Step { loss: time(&value, 0), step: time(&gradient, weights), weights }
}

fn main() {
    let json = std::env::args().any(|arg| arg == "--json");
    let machine = Machine::measure(support::quick());
    let mut lines = Vec::new();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    for (inputs, layers, results) in NETWORKS {
        for dtype in [Dtype::F64, Dtype::F32] {
            let name = format!(
                "{inputs}-{}-{results}",
                layers.iter().map(u32::to_string).collect::<Vec<_>>().join("-")
            );
            let known = [name.as_str(), &dtype.to_string()];
            if !wanted.iter().all(|wanted| known.contains(&wanted.as_str())) {
                continue;
            }
            let step = match dtype {
                Dtype::F64 => measure(inputs, layers, results, dtype, |x| x),
                Dtype::F32 => measure(inputs, layers, results, dtype, |x| x as f32),
            };
            let peak = machine.peak() * if dtype == Dtype::F32 { 2.0 } else { 1.0 };
            let share = |operations: f64, seconds: f64| {
                operations * (step.weights * ROWS) as f64 / seconds / 1e9 / peak
            };
            lines.push(json!({
                "network": name, "dtype": dtype.to_string(), "rows": ROWS, "weights": step.weights,
                "loss_us": step.loss * 1e6, "step_us": step.step * 1e6,
                "loss_share": share(2.0, step.loss), "step_share": share(6.0, step.step),
            }));
        }
    }
    if json {
        println!("{}", serde_json::Value::from(lines));
        return;
    }
    println!(
        "peak of multiply-add in binary64, one thread: {:.1} GFLOP/s; batches of {ROWS} rows",
        machine.peak()
    );
    println!(
        "{:<16}{:>6}{:>9}{:>12}{:>12}{:>12}{:>12}",
        "network", "dtype", "weights", "loss, µs", "share", "step, µs", "share"
    );
    for line in lines {
        println!(
            "{:<16}{:>6}{:>9}{:>12.1}{:>11.1}%{:>12.1}{:>11.1}%",
            line["network"].as_str().unwrap_or_default(),
            line["dtype"].as_str().unwrap_or_default(),
            line["weights"],
            line["loss_us"].as_f64().unwrap_or_default(),
            line["loss_share"].as_f64().unwrap_or_default() * 100.0,
            line["step_us"].as_f64().unwrap_or_default(),
            line["step_share"].as_f64().unwrap_or_default() * 100.0,
        );
    }
}
