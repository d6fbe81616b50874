//! Evaluation of kernels over batches of rows: columns and matrices, tiles, threads, sums over the batch.
//!
//! A [`Kernel`] evaluates groups of rows whose numbers stand in columns. [`evaluate`] runs one over a batch of any
//! length, from and to columns ([`Source::Column`], [`Sink::Column`]: used in place) or row-major matrices
//! ([`Source::Matrix`], [`Sink::Matrix`]: transposed tile by tile in cache). [`evaluate_row`] runs it on one row.
//!
//! # Sums over the batch
//!
//! A parameter has one value for all rows, and its gradient is a sum over them. The order of that sum is fixed, so
//! that its bits depend on nothing but the rows:
//!
//! 1. Row `r` belongs to block `⌊r / 4096⌋` ([`BLOCK_ROWS`]).
//! 2. In each block there are 16 partial sums ([`PARTIALS`](crate::abi::PARTIALS)), which start at −0.0. Row `r` is
//!    added to number `r mod 16`, in increasing `r`.
//! 3. The 16 partial sums of a block, and then the blocks in order, are added pairwise: neighbours (items 0 and 1, 2
//!    and 3, …), then neighbouring sums, and so on until one is left; the last of an odd number moves up unchanged.
//!    Five blocks are added as `((b₀ + b₁) + (b₂ + b₃)) + b₄`.
//!
//! Sums are added in binary64 also where columns are binary32: what a row contributes is widened first.
//! −0.0 changes no sum, so partial sums that no row was added to do not matter.
//!
//! # Rows that fail, rows that are slow
//!
//! A kernel reports per row, if it has reason to, that the row left the fast range of a recipe, that it failed a check, or that
//! there is something to note. Rows outside a fast range are run again by the kernel's complete version ([`Kernel::complete`]), in
//! groups of sixteen, or one by one with [`Kernel::row`] while they are so few that it has not been made.
//! A failed row gets NaN in all its outputs and gradient columns, and so do the sums over the batch, which would be sums over a
//! part of it; with [`Options::skip_failed`] they are, and failed rows add nothing. The [`Report`] counts such rows. The sum over no
//! rows at all is 0.
//!
//! In a tile that has slow or failed rows, what the kernel added to the partial sums is discarded. The complete version runs over the
//! whole tile. Where there is none, or rows fail, the tile is run again in pieces of 16 rows with fresh partial sums, which then hold the contribution of one row each. They
//! are added in order, with the contributions of slow rows from [`Kernel::row`] in their places. So kernels need
//! not mask what such rows add.

mod drive;
mod float_mode;
mod kernel;
mod products;
mod reduce;
mod transpose;
pub(crate) mod workspace;

#[cfg(test)]
mod tests;

use std::fmt;

use thiserror::Error;

use crate::lanes::Precision;
use crate::stop::Stop;

pub use self::drive::{evaluate, evaluate_row, evaluate_row_until, kept_bytes};
pub use self::kernel::{Kernel, KernelShape, RowOutcome};
pub use self::products::{Products, ProductsTerm};
pub use self::workspace::Workspace;

/// Rows of a block, the unit of sums over a batch and of work for a thread.
pub const BLOCK_ROWS: usize = 4096;

/// How many rows of each kind a [`Report`] lists.
pub const REPORTED_ROWS: usize = 100;

/// Where input (or cotangent) columns come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a, T = f64> {
    /// One column, a number per row; read in place.
    Column(&'a [T]),
    /// `columns` columns, row after row: column `j` of row `r` is `data[r · row_stride + j]`.
    Matrix {
        /// The numbers; nothing is required of those between the rows and behind the last.
        data: &'a [T],
        /// How many columns.
        columns: usize,
        /// From a row to the next: at least `columns`.
        row_stride: usize,
    },
    /// One column with the same number in every row.
    Constant(T),
}

/// Where output (or gradient) columns go.
#[derive(Debug)]
pub enum Sink<'a, T = f64> {
    /// One column, a number per row; written in place.
    Column(&'a mut [T]),
    /// `columns` columns, row after row: column `j` of row `r` is `data[r · row_stride + j]`.
    Matrix {
        /// The numbers; those between the rows and behind the last are left alone.
        data: &'a mut [T],
        /// How many columns.
        columns: usize,
        /// From a row to the next: at least `columns`.
        row_stride: usize,
    },
    /// Columns that are computed and not kept.
    Discard {
        /// How many columns.
        columns: usize,
    },
}

/// A batch: what [`evaluate`] reads and writes. Its numbers are those of the kernel's precision.
#[derive(Debug)]
pub struct Batch<'a, 'b, T = f64> {
    /// How many rows; 0 is fine.
    pub rows: usize,
    /// The kernel's input columns, then its cotangent columns, in order.
    pub inputs: &'a [Source<'a, T>],
    /// The values of the parameters.
    pub params: &'a [T],
    /// The kernel's output columns, then its gradient columns, in order.
    pub outputs: &'a mut [Sink<'b, T>],
    /// The sums over the batch, in binary64 whatever the columns hold. They are set, not added to.
    pub param_gradients: &'a mut [f64],
}

/// How [`evaluate`] goes about its work. Nothing here but [`skip_failed`](Options::skip_failed) changes a bit of the results.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// At most this many threads: the caller's own and threads of the rayon pool that the caller belongs to
    /// (the global pool by default). With 1, rayon is not used at all; 0 stands for as many as the pool has.
    pub threads: usize,
    /// About how many rows a thread takes at a time; fewer than the default for kernels that take microseconds per row.
    /// Small batches are cut finer by themselves, and not shared out if that would take longer than the work. It is
    /// rounded up to a multiple of 64. Kernels with sums over the batch always work by blocks of
    /// [`BLOCK_ROWS`], which is also the most.
    pub grain: usize,
    /// Whether the sums over the batch leave out rows that fail; else they are NaN if any row fails.
    pub skip_failed: bool,
    /// Is called by any thread with a number of rows that have been evaluated since its last call.
    pub progress: Option<&'a (dyn Fn(usize) + Sync)>,
    /// Ends the evaluation with [`BatchError::Stopped`] once it is stopped: it is looked at between tiles, and by kernels in
    /// loops and calls.
    pub stop: Option<&'a Stop>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { threads: 0, grain: BLOCK_ROWS, skip_failed: false, progress: None, stop: None }
    }
}

impl Options<'_> {
    /// The default options with this number of threads.
    pub fn with_threads(threads: usize) -> Self {
        Options { threads, ..Options::default() }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("threads", &self.threads)
            .field("grain", &self.grain)
            .field("skip_failed", &self.skip_failed)
            .field("progress", &self.progress.is_some())
            .field("stop", &self.stop)
            .finish()
    }
}

/// A row that failed or has a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowReport {
    /// Its number in the batch, from 0.
    pub row: usize,
    /// The index of the check.
    pub check: u32,
}

/// What happened in an evaluation. It does not depend on the number of threads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of the batch.
    pub rows: usize,
    /// Rows that were evaluated on the full-range path.
    pub slow: usize,
    /// Rows that failed.
    pub failed: usize,
    /// The first [`REPORTED_ROWS`] rows that failed, in order.
    pub failures: Vec<RowReport>,
    /// Rows with a note.
    pub noted: usize,
    /// The first [`REPORTED_ROWS`] rows with a note, in order.
    pub notes: Vec<RowReport>,
}

/// Why a batch was not evaluated: columns or parameters do not fit the kernel (the caller's mistake, found before
/// anything is written), memory ran out, or it was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The batch has numbers of another format than the kernel.
    #[error("the kernel works on {kernel} numbers, the batch has {batch} numbers")]
    Precision {
        /// What the kernel works on.
        kernel: Precision,
        /// What the batch holds.
        batch: Precision,
    },
    /// The sources hold too many or too few columns.
    #[error("the kernel reads {expected} input columns, the batch has {found}")]
    InputColumns {
        /// Input and cotangent columns of the kernel.
        expected: usize,
        /// Columns of all sources.
        found: usize,
    },
    /// The sinks hold too many or too few columns.
    #[error("the kernel writes {expected} output columns, the batch has room for {found}")]
    OutputColumns {
        /// Output and gradient columns of the kernel.
        expected: usize,
        /// Columns of all sinks.
        found: usize,
    },
    /// Too many or too few parameters.
    #[error("the kernel has {expected} parameters, {found} were given")]
    Params {
        /// Parameters of the kernel.
        expected: usize,
        /// Parameters given.
        found: usize,
    },
    /// Too much or too little room for sums over the batch.
    #[error("the kernel sums {expected} parameter gradients, there is room for {found}")]
    ParamGradients {
        /// Parameter-gradient elements of the kernel.
        expected: usize,
        /// Length of the slice.
        found: usize,
    },
    /// An input that the kernel does not have.
    #[error("the kernel has no input `{name}`; its inputs are: {inputs}")]
    UnknownInput {
        /// The name.
        name: String,
        /// What there is.
        inputs: String,
    },
    /// An input without numbers.
    #[error("there are no numbers for the input `{name}`")]
    MissingInput {
        /// The input.
        name: String,
    },
    /// Numbers for an input twice.
    #[error("the input `{name}` is given twice")]
    RepeatedInput {
        /// The input.
        name: String,
    },
    /// Too many or too few numbers for an input.
    #[error("the input `{name}` has {found} numbers where {expected} are needed, for {rows} rows")]
    InputLength {
        /// The input.
        name: String,
        /// Rows of the batch; 1 for a parameter.
        rows: usize,
        /// Numbers needed.
        expected: usize,
        /// Numbers there.
        found: usize,
    },
    /// A source does not have a number for every row.
    #[error("source {index} has {found} numbers where {rows} rows need {expected}")]
    SourceLength {
        /// Which source, from 0.
        index: usize,
        /// Rows of the batch.
        rows: usize,
        /// Numbers needed: exactly for a column, at least for a matrix.
        expected: usize,
        /// Numbers there.
        found: usize,
    },
    /// A sink does not have room for every row.
    #[error("sink {index} has {found} numbers where {rows} rows need {expected}")]
    SinkLength {
        /// Which sink, from 0.
        index: usize,
        /// Rows of the batch.
        rows: usize,
        /// Numbers needed: exactly for a column, at least for a matrix.
        expected: usize,
        /// Numbers there.
        found: usize,
    },
    /// A matrix has rows that overlap.
    #[error("a matrix of {columns} columns has rows only {row_stride} numbers apart")]
    RowStride {
        /// Columns of the matrix.
        columns: usize,
        /// Its row stride.
        row_stride: usize,
    },
    /// A kernel with a lane count that the driver cannot handle.
    #[error("the kernel works on {lanes} rows at a time; only 1, 2, 4, 8 and 16 are possible")]
    Lanes {
        /// The lane count.
        lanes: usize,
    },
    /// [`Options::stop`] ended it. What has been written counts for nothing.
    #[error("the evaluation was stopped")]
    Stopped,
    /// There is not enough memory for tiles or scratch.
    #[error("{bytes} bytes of working memory could not be allocated")]
    OutOfMemory {
        /// The size of the allocation that failed.
        bytes: usize,
    },
}
