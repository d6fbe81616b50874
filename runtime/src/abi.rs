//! The calling convention that native kernels of every tier share.

use std::slice;

/// What a kernel is called with. A column is a pointer to its value for row 0; row `r` stands `r` elements further.
///
/// Columns hold one binary64 number per row. A vector or matrix takes one column per element, in row-major order.
/// No output column overlaps an input column.
#[repr(C)]
#[derive(Debug)]
pub struct Args {
    /// Input columns, then cotangent columns, in the order of the kernel's signature.
    pub inputs: *const *const f64,
    /// Output columns, then gradient columns.
    pub outputs: *const *mut f64,
    /// Parameters: one number for all rows, flattened.
    pub params: *const f64,
    /// Partial sums of parameter gradients: 16 numbers for each parameter-gradient element. Row `r` is added to
    /// number `r mod 16`, in increasing `r`. What a row whose status is slow or failed adds does not matter.
    pub partials: *mut f64,
    /// One status word per row, indexed like a column: 0, or what there is to say about the row (see [`Status`]).
    /// Null for a kernel that has no reason to report one.
    pub status: *mut u64,
    /// Scratch memory for values that live across the pieces of a large kernel, 64-byte aligned.
    pub scratch: *mut u8,
    /// Size of `scratch` in bytes.
    pub scratch_len: usize,
    /// The first row to evaluate.
    pub first_row: usize,
    /// How many rows to evaluate: a multiple of the kernel's lane count, as is `first_row`.
    pub rows: usize,
}

impl Args {
    /// The rows to evaluate of input column `column`.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention, `column` must be below the kernel's number of input and
    /// cotangent columns, and the result must not outlive the call.
    pub unsafe fn input<'a>(&self, column: usize) -> &'a [f64] {
        // SAFETY: by the calling convention the column has `rows` readable numbers from `first_row` on.
        unsafe { slice::from_raw_parts((*self.inputs.add(column)).add(self.first_row), self.rows) }
    }

    /// The first `count` parameters.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention, `count` be at most the kernel's number of parameters, and the
    /// result must not outlive the call.
    pub unsafe fn params<'a>(&self, count: usize) -> &'a [f64] {
        if count == 0 {
            return &[];
        }
        // SAFETY: by the calling convention there are `count` readable numbers.
        unsafe { slice::from_raw_parts(self.params, count) }
    }

    /// The rows to evaluate of output column `column`.
    ///
    /// # Safety
    /// As for [`Args::input`], with the output and gradient columns; no two such slices of one column at a time.
    pub unsafe fn output<'a>(&self, column: usize) -> &'a mut [f64] {
        // SAFETY: by the calling convention the column has `rows` writable numbers from `first_row` on, which
        // nothing else refers to during the call.
        unsafe { slice::from_raw_parts_mut((*self.outputs.add(column)).add(self.first_row), self.rows) }
    }

    /// The status words of the rows to evaluate; empty if none are wanted.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention; no two such slices at a time, and none beyond the call.
    pub unsafe fn statuses<'a>(&self) -> &'a mut [u64] {
        if self.status.is_null() {
            return &mut [];
        }
        // SAFETY: status words are indexed like a column that only this call refers to.
        unsafe { slice::from_raw_parts_mut(self.status.add(self.first_row), self.rows) }
    }

    /// Adds `gradient` to the partial sum of parameter-gradient element `element` that row `row` (counted like
    /// `first_row`) belongs to.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention and `element` be below the number of parameter-gradient elements.
    pub unsafe fn add_to_partial(&self, element: usize, row: usize, gradient: f64) {
        // SAFETY: there are 16 numbers for each element, which only this call refers to.
        unsafe { *self.partials.add(element * PARTIALS + row % PARTIALS) += gradient }
    }
}

/// How many partial sums a parameter-gradient element has in a block of rows.
pub const PARTIALS: usize = 16;

/// A native kernel. It returns 0 if every row's status is 0, and 1 otherwise.
pub type KernelFn = unsafe extern "C" fn(*const Args) -> u32;

/// A row's status word as kernels write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The row's results count.
    Done,
    /// An argument left the fast range of a recipe; the row must be evaluated on the full-range path.
    SlowPath,
    /// The row failed the check with this index: its results do not count.
    Failed(u32),
    /// The row's results count, and there is something to report about it: the check with this index was met
    /// (the first operation that left its safe domain, a kink).
    Noted(u32),
}

impl Status {
    /// The status of a row that must be evaluated again.
    pub const SLOW_PATH: u64 = 1;
    /// Check `k` fails with the word `FIRST_CHECK + k`.
    pub const FIRST_CHECK: u64 = 2;
    /// A note about check `k` is the word `NOTE + k`; as a signed number the word is negative.
    pub const NOTE: u64 = 1 << 63;

    /// Reads a status word.
    pub fn from_word(word: u64) -> Status {
        match word {
            0 => Status::Done,
            Status::SLOW_PATH => Status::SlowPath,
            _ if word >= Status::NOTE => Status::Noted((word - Status::NOTE) as u32),
            _ => Status::Failed((word - Status::FIRST_CHECK) as u32),
        }
    }
}
