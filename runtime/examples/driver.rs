//! What the batch driver costs: a single row, and transposing row-major input and output tile by tile.
//!
//! `cargo run --release -p nc-runtime --example driver`

use std::hint::black_box;
use std::time::Instant;

use nc_runtime::abi::Args;
use nc_runtime::batch::{
    Batch, Kernel, KernelShape, Options, RowOutcome, Sink, Source, Workspace, evaluate, evaluate_row,
};
use nc_runtime::element::Element;
use nc_runtime::lanes::Precision;
use nc_runtime::stop::StopFlag;

/// A kernel that does nothing but copy columns, so that what is measured is the driver.
struct Copy(KernelShape);
impl Kernel for Copy {
    fn shape(&self) -> &KernelShape {
        &self.0
    }
    fn lanes(&self) -> usize {
        8
    }
    unsafe fn run(&self, args: &Args) -> u32 {
        for column in 0..self.0.outputs {
            // SAFETY: the driver keeps the calling convention.
            unsafe {
                match self.0.precision {
                    Precision::Double => args.output::<f64>(column).copy_from_slice(args.input(column)),
                    Precision::Single => args.output::<f32>(column).copy_from_slice(args.input(column)),
                }
            }
        }
        0
    }
    fn row(&self, _: &[f64], _: &[f64], _: &mut [f64], _: &mut [f64], _: &StopFlag) -> RowOutcome {
        unreachable!()
    }
}

fn main() {
    let mut workspace = Workspace::new();
    let shape = |inputs, outputs| KernelShape { inputs, outputs, reports_status: true, ..Default::default() };
    let kernel = Copy(shape(6, 2));
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = Instant::now();
        for i in 0..10_000 {
            let mut outputs = [0.0; 2];
            let inputs = [i as f64; 6];
            evaluate_row(&kernel, black_box(&inputs), &[], &mut outputs, &mut [], &mut workspace).unwrap();
            black_box(outputs);
        }
        best = best.min(start.elapsed().as_secs_f64() / 10_000.0);
    }
    println!("one row, 6 inputs, 2 outputs: {:.1} ns", best * 1e9);

    matrices::<f64>(&mut workspace);
    matrices::<f32>(&mut workspace);
}

/// Prints how fast row-major matrices go through a kernel that does nothing.
fn matrices<T: Element>(workspace: &mut Workspace) {
    let precision = T::PRECISION;
    let shape = |inputs, outputs| {
        let reports_status = true;
        KernelShape { precision, inputs, outputs, reports_status, ..Default::default() }
    };
    for rows in [10_000, 4_000_000] {
        for columns in [1, 2, 3, 4, 6, 8, 10, 16, 64] {
            let rows = if columns > 16 { rows / 8 } else { rows };
            let data = vec![T::from_f64(1.5); rows * columns];
            let mut out = vec![T::default(); rows * columns];
            for (what, kernel, wanted) in
                [("read ", Copy(shape(columns, 0)), 0), ("both ", Copy(shape(columns, columns)), columns)]
            {
                let mut best = f64::INFINITY;
                for _ in 0..(20_000_000 / (rows * columns)).max(4) {
                    let start = Instant::now();
                    let matrix = Source::Matrix { data: &data, columns, row_stride: columns };
                    let sink = Sink::Matrix { data: &mut out, columns: wanted, row_stride: columns };
                    let batch = Batch {
                        rows,
                        inputs: &[matrix],
                        params: &[],
                        outputs: &mut [sink],
                        param_gradients: &mut [],
                    };
                    evaluate(&kernel, batch, &Options::with_threads(1), workspace).unwrap();
                    best = best.min(start.elapsed().as_secs_f64());
                }
                let bytes = (rows * (columns + wanted) * size_of::<T>()) as f64;
                println!(
                    "{precision}: {rows:8} rows × {columns:2}, {what}: {:6.2} GB/s",
                    bytes / best * 1e-9
                );
            }
        }
    }
}
