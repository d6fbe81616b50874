//! What the integration tests share: the corpus, error bounds, random programs, comparisons of bits.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod bodies;
pub mod bounds;
pub mod corpus;
pub mod derive;
pub mod drawing;
pub mod exact;
pub mod generate;
#[cfg(unix)]
pub mod guarded;
pub mod menu;
pub mod recursion;
pub mod unrolled;

use nc_runtime::batch::{Batch, Kernel as _, Options, Report, Sink, Source, Workspace};
use nc_runtime::element::Element;
use neural_compiler::internals::graph::Graph;
use neural_compiler::{Derivative, Dtype, Kernel, Shape, Tier};

/// The tiers of this machine that generate code.
pub fn native_tiers() -> Vec<Tier> {
    Tier::available().into_iter().filter(|&tier| tier != Tier::Interpret).collect()
}

/// The tier that generates code in tests: the one that the environment variable `NC_TIER` names, else the fastest.
pub fn native_tier() -> Tier {
    let tiers = native_tiers();
    let wanted = std::env::var("NC_TIER").ok();
    let found = tiers.iter().find(|tier| wanted.as_ref().is_none_or(|name| *name == tier.to_string()));
    *found.unwrap_or_else(|| panic!("NC_TIER is {wanted:?}; this machine has {tiers:?}"))
}

/// The gradient, or a vector-Jacobian product where a result is complex: its derivative by a vector has no shape.
pub fn whole_derivative(graph: &Graph) -> Derivative {
    let complex = graph.outputs.iter().any(|output| graph.shape(output.node) == Shape::Complex);
    if complex { Derivative::Vjp } else { Derivative::Gradient }
}

/// Whether snapshots, documents and file tests are to be written anew: `INSTA_UPDATE=always`, which is also how snapshots are.
pub fn blessing() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always")
}

/// The bits of a number, all NaNs being one.
pub fn bits(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

/// Results of a kernel over a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// One vector per output column, as bits of binary64 numbers.
    pub columns: Vec<Vec<u64>>,
    /// Sums over the batch, as bits.
    pub sums: Vec<u64>,
    pub failed: usize,
}

/// Runs a kernel over columns, which are rounded to its element type.
pub fn run(kernel: &Kernel, inputs: &[Vec<f64>], params: &[f64], rows: usize, threads: usize) -> Results {
    match kernel.dtype() {
        Dtype::F64 => run_as::<f64>(kernel, inputs, params, rows, threads),
        Dtype::F32 => run_as::<f32>(kernel, inputs, params, rows, threads),
    }
}

fn rounded<T: Element>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}

fn run_as<T: Element>(
    kernel: &Kernel,
    inputs: &[Vec<f64>],
    params: &[f64],
    rows: usize,
    threads: usize,
) -> Results {
    let inputs: Vec<Vec<T>> = inputs.iter().map(|c| rounded(c)).collect();
    let sources: Vec<Source<'_, T>> = inputs.iter().map(|c| Source::Column(c)).collect();
    let mut columns = vec![vec![T::default(); rows]; kernel.shape().outputs];
    let mut sinks: Vec<Sink<'_, T>> = columns.iter_mut().map(|c| Sink::Column(c)).collect();
    let mut sums = vec![0.0; kernel.shape().param_gradients];
    let report = evaluate(kernel, rows, &sources, &rounded(params), &mut sinks, &mut sums, threads);
    let columns = columns.iter().map(|c| c.iter().map(|x| bits(x.to_f64())).collect()).collect();
    Results { columns, sums: sums.into_iter().map(bits).collect(), failed: report.failed }
}

/// Runs a kernel from a row-major matrix, padded at the end of each row, to another.
pub fn run_matrix(
    kernel: &Kernel,
    inputs: &[Vec<f64>],
    params: &[f64],
    rows: usize,
    threads: usize,
) -> Results {
    match kernel.dtype() {
        Dtype::F64 => run_matrix_as::<f64>(kernel, inputs, params, rows, threads),
        Dtype::F32 => run_matrix_as::<f32>(kernel, inputs, params, rows, threads),
    }
}

fn run_matrix_as<T: Element>(
    kernel: &Kernel,
    inputs: &[Vec<f64>],
    params: &[f64],
    rows: usize,
    threads: usize,
) -> Results {
    let (n, m) = (inputs.len(), kernel.shape().outputs);
    let data: Vec<f64> =
        (0..rows).flat_map(|r| (0..=n).map(move |k| inputs.get(k).map_or(f64::NAN, |c| c[r]))).collect();
    let data: Vec<T> = rounded(&data);
    let sources = [Source::Matrix { data: &data, columns: n, row_stride: n + 1 }];
    let mut result = vec![T::default(); rows * (m + 2)];
    let mut sinks = [Sink::Matrix { data: &mut result, columns: m, row_stride: m + 2 }];
    let mut sums = vec![0.0; kernel.shape().param_gradients];
    let report = evaluate(kernel, rows, &sources, &rounded(params), &mut sinks, &mut sums, threads);
    let columns =
        (0..m).map(|k| (0..rows).map(|r| bits(result[r * (m + 2) + k].to_f64())).collect()).collect();
    Results { columns, sums: sums.into_iter().map(bits).collect(), failed: report.failed }
}

pub fn evaluate<T: Element>(
    kernel: &Kernel,
    rows: usize,
    inputs: &[Source<'_, T>],
    params: &[T],
    outputs: &mut [Sink<'_, T>],
    param_gradients: &mut [f64],
    threads: usize,
) -> Report {
    let batch = Batch { rows, inputs, params, outputs, param_gradients };
    let options = Options { threads, grain: 64, skip_failed: true, ..Options::default() };
    kernel.evaluate(batch, &options, &mut Workspace::new()).expect("the batch fits the kernel")
}
