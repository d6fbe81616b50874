//! The calling convention that native kernels of every tier share.

use std::ffi::c_void;
use std::slice;

use crate::element::Element;
use crate::stop::StopFlag;

/// What a kernel is called with. A column is a pointer to its value for row 0; row `r` stands `r` elements further.
///
/// Columns hold one number per row: binary64, or binary32 for a kernel of that
/// [precision](crate::batch::KernelShape::precision). A vector or matrix takes one column per element, in row-major order.
/// No output column overlaps an input column.
#[repr(C)]
#[derive(Debug)]
pub struct Args {
    /// Input columns, then cotangent columns, in the order of the kernel's signature.
    pub inputs: *const *const c_void,
    /// Output columns, then gradient columns, then those that the kernel [keeps](crate::batch::KernelShape::kept).
    pub outputs: *const *mut c_void,
    /// Parameters: one number for all rows, flattened.
    pub params: *const c_void,
    /// Partial sums of parameter gradients, in binary64 for every kernel: 16 numbers for each parameter-gradient element. Those of
    /// [products](crate::batch::KernelShape::products) are not the kernel's. Row `r` is added to
    /// number `r mod 16`, in increasing `r`. What a row whose status is slow or failed adds does not matter.
    pub partials: *mut f64,
    /// One status word per row, as wide as a number of a column and indexed like one: 0, or what there is to say about the row (see [`Status`]).
    /// All are 0 when the kernel is called, and it need not write those that stay so. Null for a kernel that has no reason to report one.
    pub status: *mut c_void,
    /// Scratch memory for values that live across the pieces of a large kernel, 64-byte aligned.
    pub scratch: *mut u8,
    /// Size of `scratch` in bytes.
    pub scratch_len: usize,
    /// All ones if results may go past the caches, else 0. Output columns are then aligned to 64 bytes at `first_row`.
    pub streaming: usize,
    /// The first row to evaluate.
    pub first_row: usize,
    /// How many rows to evaluate: a multiple of the kernel's lane count, as is `first_row`.
    pub rows: usize,
    /// Says whether the kernel is to end as soon as it can, whatever its results are then. Never null.
    pub stop: *const StopFlag,
}

impl Args {
    /// Whether the kernel is to end.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention, and the result must not outlive the call.
    pub unsafe fn stop<'a>(&self) -> &'a StopFlag {
        // SAFETY: by the calling convention it points to a flag.
        unsafe { &*self.stop }
    }

    /// The rows to evaluate of input column `column`.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention for columns of `T`, `column` must be below the kernel's number of
    /// input and cotangent columns, and the result must not outlive the call.
    pub unsafe fn input<'a, T: Element>(&self, column: usize) -> &'a [T] {
        // SAFETY: by the calling convention the column has `rows` readable numbers from `first_row` on.
        unsafe {
            let column = (*self.inputs.add(column)).cast::<T>();
            slice::from_raw_parts(column.add(self.first_row), self.rows)
        }
    }

    /// The first `count` parameters.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention for columns of `T`, `count` be at most the kernel's number of
    /// parameters, and the result must not outlive the call.
    pub unsafe fn params<'a, T: Element>(&self, count: usize) -> &'a [T] {
        if count == 0 {
            return &[];
        }
        // SAFETY: by the calling convention there are `count` readable numbers.
        unsafe { slice::from_raw_parts(self.params.cast(), count) }
    }

    /// The rows to evaluate of output column `column`.
    ///
    /// # Safety
    /// As for [`Args::input`], with the output and gradient columns; no two such slices of one column at a time.
    pub unsafe fn output<'a, T: Element>(&self, column: usize) -> &'a mut [T] {
        // SAFETY: by the calling convention the column has `rows` writable numbers from `first_row` on, which
        // nothing else refers to during the call.
        unsafe {
            let column = (*self.outputs.add(column)).cast::<T>();
            slice::from_raw_parts_mut(column.add(self.first_row), self.rows)
        }
    }

    /// The status words of the rows to evaluate; empty if none are wanted.
    ///
    /// # Safety
    /// `self` must satisfy the calling convention for columns of `T`; no two such slices at a time, and none beyond
    /// the call.
    pub unsafe fn statuses<'a, T: Element>(&self) -> &'a mut [T::Word] {
        if self.status.is_null() {
            return &mut [];
        }
        // SAFETY: status words are indexed like a column that only this call refers to.
        unsafe { slice::from_raw_parts_mut(self.status.cast::<T::Word>().add(self.first_row), self.rows) }
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
    /// The bit of a status word of 32 bits that tells a note from a failure.
    pub const NOTE_32: u32 = 1 << 31;

    /// Reads a status word of 64 bits.
    pub fn from_word(word: u64) -> Status {
        match word {
            0 => Status::Done,
            Status::SLOW_PATH => Status::SlowPath,
            _ if word >= Status::NOTE => Status::Noted((word - Status::NOTE) as u32),
            _ => Status::Failed((word - Status::FIRST_CHECK) as u32),
        }
    }
}
