//! Criterion benches: kernels and interpreters over batch sizes and threads, and compilation.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nc_runtime::batch::Kernel as _;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier};
use support::cases::{Case, columns, laws, throughput};
use support::columns::Columns;
use support::timing::kernel_side;

fn kernel(case: &Case, derivative: Derivative, tier: Tier) -> Kernel {
    let options = CompileOptions::default().derivative(derivative).tier(tier);
    Program::parse(&case.scheme).and_then(|program| program.compile(&options)).expect("the program compiles")
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
            for tier in Tier::available() {
                let kernel = kernel(case, derivative.clone(), tier);
                let sizes: &[usize] =
                    if tier == Tier::Interpret { &[1, 1000] } else { &[1, 100, 10_000, 1_000_000] };
                for &rows in sizes {
                    for threads in if rows == 1_000_000 { vec![1, 0] } else { vec![1] } {
                        let inputs = columns(case.inputs.len(), rows);
                        let mut outputs = Columns::zeros(kernel.shape().outputs, rows);
                        let mut side = kernel_side(&kernel, &inputs, &mut outputs, threads);
                        group.throughput(Throughput::Elements(rows as u64));
                        let threads_name = if threads == 1 { "1 thread" } else { "all threads" };
                        let id = BenchmarkId::new(format!("{}/{tier}/{threads_name}", case.name), rows);
                        group.bench_function(id, |b| b.iter(&mut side));
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
                b.iter(|| kernel(black_box(&case), derivative.clone(), Tier::Auto));
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
