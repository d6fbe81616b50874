//! What the batch driver needs to know of a kernel.

use super::products::Products;
use crate::abi::{Args, Status};
use crate::lanes::Precision;
use crate::stop::StopFlag;

/// The number of columns and parameters that a kernel works on. A vector or matrix counts once per element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelShape {
    /// The numbers that columns and parameters hold.
    pub precision: Precision,
    /// Input columns, the cotangent columns behind them included.
    pub inputs: usize,
    /// Output columns, the per-row gradient columns behind them included.
    pub outputs: usize,
    /// Parameters: numbers that are the same for all rows.
    pub params: usize,
    /// Sums over the batch, those of `products` included: usually `params`, or 0 for a kernel without gradients.
    pub param_gradients: usize,
    /// Columns behind the output columns that the kernel writes for [`KernelShape::products`]. The driver has memory for them.
    pub kept: usize,
    /// Sums over the batch that are products of kept columns, in increasing order: the kernel leaves them to the driver.
    pub products: Vec<Products>,
    /// Whether the kernel writes status words. A kernel that does not must return 0.
    pub reports_status: bool,
    /// Scratch memory that one call needs, in bytes. The driver hands out the same zero-initialised or used memory
    /// to all calls on one thread.
    pub scratch_bytes: usize,
    /// Stack that one call needs, in bytes; 0 for what any function may take. The driver calls such a kernel on a stack of
    /// that size.
    pub stack_bytes: usize,
    /// About how many instructions a thousand rows take, where that does not depend on the rows: what takes less time than
    /// waking a thread is not shared out.
    pub instructions: Option<usize>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// The results count.
    Done,
    /// The results count; the check with this index was met and was to be reported.
    Noted(u32),
    /// The check with this index failed. The row's outputs and gradients are NaN.
    Failed(u32),
}

impl RowOutcome {
    /// The row's status word, for columns of binary64.
    pub fn word(self) -> u64 {
        match self {
            RowOutcome::Done => 0,
            RowOutcome::Noted(check) => Status::NOTE + u64::from(check),
            RowOutcome::Failed(check) => Status::FIRST_CHECK + u64::from(check),
        }
    }
}

/// A compiled or interpreted program that evaluates groups of rows.
///
/// Kernels are pure: the driver may evaluate a row more than once.
pub trait Kernel: Send + Sync {
    /// The columns and parameters that the kernel works on.
    fn shape(&self) -> &KernelShape;

    /// How many rows make a group: 1, 2, 4, 8 or 16. [`Kernel::run`] is only asked for whole groups. A kernel that
    /// interleaves several groups handles the rest of an iteration itself.
    fn lanes(&self) -> usize;

    /// How many threads may evaluate rows at the same time, for which there is memory. At least 1.
    fn most_threads(&self) -> usize {
        usize::MAX
    }

    /// Evaluates `args.rows` rows; returns 0 if every status word it wrote is 0, and anything else otherwise.
    ///
    /// # Safety
    /// `args` must satisfy the calling convention in [`abi`](crate::abi) for this kernel's shape: as many columns
    /// with `args.first_row + args.rows` numbers each, as many parameters, 16 partial sums per parameter-gradient
    /// element, that much scratch memory aligned to 64 bytes, status words if the kernel reports them, and row
    /// numbers that are multiples of the lane count. As much stack as the shape says must be left.
    unsafe fn run(&self, args: &Args) -> u32;

    /// Columns and memory of the kernel's *complete* version, which gives up no row and gives the same bits, if there is one
    /// and it is worth while to have it. The driver asks when [`Kernel::run`] has given up so many more rows.
    ///
    /// The version has the same columns and lane count.
    fn complete(&self, _given_up: usize) -> Option<&KernelShape> {
        None
    }

    /// [`Kernel::run`] of the complete version.
    ///
    /// # Safety
    /// As for [`Kernel::run`], with the shape that [`Kernel::complete`] has returned.
    unsafe fn run_complete(&self, _args: &Args) -> u32 {
        unreachable!("a kernel with a complete version runs it")
    }

    /// Evaluates one row on the full-range path, for rows that [`Kernel::run`] gave up with
    /// [`Status::SlowPath`](crate::abi::Status::SlowPath) while there is no complete version. `param_gradients` receives this row's contribution alone
    /// (every element, so −0.0 where it contributes nothing).
    ///
    /// A kernel for binary32 gets its numbers, and gives results, as the binary64 numbers that they are.
    /// Slices are as long as the shape says. What a failed row leaves in them does not matter, nor does what any row leaves
    /// once it is to stop.
    fn row(
        &self,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        param_gradients: &mut [f64],
        stop: &StopFlag,
    ) -> RowOutcome;
}
