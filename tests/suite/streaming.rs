//! Batches larger than the caches: results that are written past them are the same.

use crate::support;

use nc_runtime::batch::{Batch, Options, Sink, Source, Workspace};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Stage};

/// So many rows of four columns are more than what is written through the caches, and no whole number of groups.
const ROWS: usize = (64 << 20) / 32 + 13;

/// The part of a buffer that begins a cache line.
fn aligned(buffer: &mut [f64], rows: usize) -> &mut [f64] {
    let skip = buffer.as_ptr().align_offset(64);
    &mut buffer[skip..skip + rows]
}

fn evaluate(kernel: &Kernel, inputs: &[Vec<f64>], offset: usize, threads: usize) -> Vec<Vec<u64>> {
    let mut buffers = vec![vec![0.0; ROWS + 16]; 2];
    let mut outputs: Vec<&mut [f64]> =
        buffers.iter_mut().map(|buffer| &mut aligned(buffer, ROWS + 1)[offset..offset + ROWS]).collect();
    let sources: Vec<Source<'_>> = inputs.iter().map(|column| Source::Column(column)).collect();
    let mut sinks: Vec<Sink<'_>> = outputs.iter_mut().map(|column| Sink::Column(column)).collect();
    let batch =
        Batch { rows: ROWS, inputs: &sources, params: &[], outputs: &mut sinks, param_gradients: &mut [] };
    kernel.evaluate(batch, &Options::with_threads(threads), &mut Workspace::new()).expect("it fits");
    outputs.iter().map(|column| column.iter().map(|&x| support::bits(x)).collect()).collect()
}

#[test]
fn large_batches_have_the_same_bits() {
    let program = Program::parse("(/ x y)").expect("it parses");
    let column = |factor: f64| (0..ROWS).map(|row| (row % 1009) as f64 * factor - 1.0).collect::<Vec<f64>>();
    let inputs = [column(0.37), column(0.5)];
    let expected: Vec<u64> = inputs[0].iter().zip(&inputs[1]).map(|(x, y)| support::bits(x / y)).collect();
    for tier in support::native_tiers() {
        let options = CompileOptions::default().tier(tier);
        let options = options.derivative(Derivative::Gradient).wrt(["x"]);
        let kernel = program.compile(&options).expect("it compiles");
        let whole = evaluate(&kernel, &inputs, 0, 1);
        assert!(whole[0] == expected, "{tier}");
        // Columns that begin no cache line are written through the caches.
        for (offset, threads) in [(0, 2), (1, 1)] {
            assert!(evaluate(&kernel, &inputs, offset, threads) == whole, "{tier}, offset {offset}");
        }
    }
}

#[test]
fn only_code_that_waits_for_memory_streams() {
    for tier in support::native_tiers().into_iter().filter(|tier| tier.to_string().starts_with("avx")) {
        let options = CompileOptions::default().tier(tier);
        for (source, streams) in [("(+ x y)", true), ("(exp (sin x))", false)] {
            let text = Program::parse(source).expect("it parses").stage(Stage::Asm, &options, None);
            assert_eq!(text.expect("code").contains("vmovntpd"), streams, "{source}, {tier}");
        }
    }
}
