//! Criterion benches: kernels and interpreters over batch sizes and threads, and compilation.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nc_runtime::batch::{Batch, Kernel as _, Options, Sink, Source, Workspace};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier};
use support::{Case, columns, laws, throughput};

fn kernel(case: &Case, derivative: Derivative, tier: Tier) -> Kernel {
    let options = CompileOptions { derivative, tier, ..CompileOptions::default() };
    Program::parse(&case.scheme).and_then(|program| program.compile(&options)).expect("the program compiles")
}

fn evaluate(
    kernel: &Kernel,
    inputs: &[Vec<f64>],
    outputs: &mut [Vec<f64>],
    threads: usize,
    space: &mut Workspace,
) {
    let rows = inputs[0].len();
    let sources: Vec<Source<'_>> = inputs.iter().map(|column| Source::Column(column)).collect();
    let mut sinks: Vec<Sink<'_>> = outputs.iter_mut().map(|column| Sink::Column(column)).collect();
    let batch = Batch { rows, inputs: &sources, params: &[], outputs: &mut sinks, param_gradients: &mut [] };
    kernel.evaluate(batch, &Options::with_threads(threads), space).expect("the batch fits");
}

fn batches(c: &mut Criterion) {
    let cases: Vec<Case> = throughput()
        .into_iter()
        .chain(laws())
        .filter(|c| ["add", "dot4", "Gaussian", "oscillator"].contains(&c.name.as_str()))
        .collect();
    for (what, derivative) in [("value", Derivative::None), ("gradient", Derivative::Gradient)] {
        let mut group = c.benchmark_group(what);
        for case in &cases {
            for tier in [Tier::Cranelift, Tier::Interpret] {
                let kernel = kernel(case, derivative.clone(), tier);
                let sizes: &[usize] =
                    if tier == Tier::Interpret { &[1, 1000] } else { &[1, 100, 10_000, 1_000_000] };
                for &rows in sizes {
                    for threads in if rows == 1_000_000 { vec![1, 0] } else { vec![1] } {
                        let inputs = columns(case.inputs.len(), rows);
                        let mut outputs = vec![vec![0.0; rows]; kernel.shape().outputs];
                        let mut space = Workspace::new();
                        group.throughput(Throughput::Elements(rows as u64));
                        let threads_name = if threads == 1 { "1 thread" } else { "all threads" };
                        let id = BenchmarkId::new(format!("{}/{tier}/{threads_name}", case.name), rows);
                        group.bench_function(id, |b| {
                            b.iter(|| {
                                evaluate(&kernel, black_box(&inputs), &mut outputs, threads, &mut space)
                            });
                        });
                    }
                }
            }
        }
        group.finish();
    }
}

fn compilation(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    for case in laws() {
        for (what, derivative) in [("value", Derivative::None), ("gradient", Derivative::Gradient)] {
            group.bench_function(BenchmarkId::new(what, &case.name), |b| {
                b.iter(|| kernel(black_box(&case), derivative.clone(), Tier::Cranelift));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = batches, compilation
}
criterion_main!(benches);
