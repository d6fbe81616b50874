//! Evaluation without code generation.
//!
//! * [`ast`]: values, from the resolved tree;
//! * [`graph`]: values and derivatives, from the compute graph.
//!
//! Both hold numbers as `f64`. Those of a binary32 program are such numbers as well, and each operation is carried out
//! in binary32 ([`Op::eval_row`](crate::ops::Op::eval_row)).
//!
//! **Invariant**: every row gets the bits that machine code would give it.
//!
//! **Boundary**: knows programs and graphs, and no lanes of machines.

pub mod ast;
pub mod graph;

use nc_runtime::abi::Args;
use nc_runtime::batch::{KernelShape, RowOutcome};
use nc_runtime::element::Element;
use nc_runtime::lanes::Precision;

/// Evaluates one row: from inputs and parameters to outputs and what it adds to the sums over the batch.
trait RowFn: FnMut(&[f64], &[f64], &mut [f64], &mut [f64]) -> RowOutcome {}
impl<F: FnMut(&[f64], &[f64], &mut [f64], &mut [f64]) -> RowOutcome> RowFn for F {}

/// Evaluates rows one by one.
///
/// # Safety
///
/// `args` must satisfy the calling convention for the shape.
unsafe fn run_rows(shape: &KernelShape, args: &Args, row: impl RowFn) -> u32 {
    // SAFETY: as the caller promises; the shape says what columns hold.
    unsafe {
        match shape.precision {
            Precision::Double => run_rows_of::<f64>(shape, args, row),
            Precision::Single => run_rows_of::<f32>(shape, args, row),
        }
    }
}

/// # Safety
///
/// As for [`run_rows`], with columns of `T`.
unsafe fn run_rows_of<T: Element>(shape: &KernelShape, args: &Args, mut evaluate: impl RowFn) -> u32 {
    let mut input = vec![0.0; shape.inputs];
    let mut output = vec![0.0; shape.outputs];
    let mut sums = vec![0.0; shape.param_gradients];
    // SAFETY: the caller vouches for `args`.
    let params: Vec<f64> = unsafe { args.params::<T>(shape.params) }.iter().map(|x| x.to_f64()).collect();
    let mut flagged = 0;
    for row in 0..args.rows {
        for (k, x) in input.iter_mut().enumerate() {
            // SAFETY: the caller vouches for `args`; `k` is below the number of input columns.
            *x = unsafe { args.input::<T>(k) }[row].to_f64();
        }
        let outcome = evaluate(&input, &params, &mut output, &mut sums);
        for (k, &y) in output.iter().enumerate() {
            // SAFETY: as above, with output columns; the slice is gone before the next is made.
            let column = unsafe { args.output::<T>(k) };
            column[row] = T::from_f64(y);
        }
        for (k, &y) in sums.iter().enumerate() {
            // SAFETY: as above, with parameter gradients.
            unsafe { args.add_to_partial(k, args.first_row + row, y) };
        }
        if shape.reports_status {
            // SAFETY: as above; the kernel reports a status, so there are words for it.
            let words = unsafe { args.statuses::<T>() };
            words[row] = T::word(outcome.word());
            flagged |= u32::from(outcome != RowOutcome::Done);
        }
    }
    flagged
}
