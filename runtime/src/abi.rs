//! The calling convention that native kernels of every tier share.

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
    /// Partial sums of parameter gradients: 16 numbers for each parameter element. Row `r` is added to number
    /// `r mod 16`.
    pub partials: *mut f64,
    /// One status word per row: 0, or why the row's results do not count (see [`Status`]). Null for a kernel that
    /// has no reason to report one.
    pub status: *mut u64,
    /// Scratch memory for values that live across the pieces of a large kernel, 64-byte aligned.
    pub scratch: *mut u8,
    /// Size of `scratch` in bytes.
    pub scratch_len: usize,
    /// The first row to evaluate.
    pub first_row: usize,
    /// How many rows to evaluate: a multiple of the kernel's lane count.
    pub rows: usize,
}

/// A native kernel. It returns 0 if every row's status is 0, and 1 otherwise.
pub type KernelFn = unsafe extern "C" fn(*const Args) -> u32;

/// A row's status word as kernels write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The row's results count.
    Done,
    /// An argument left the fast range of a recipe; the row must be evaluated on the full-range path.
    SlowPath,
    /// The row failed the check with this index.
    Failed(u32),
}

impl Status {
    /// The status of a row that must be evaluated again.
    pub const SLOW_PATH: u64 = 1;
    /// Check `k` fails with the word `FIRST_CHECK + k`.
    pub const FIRST_CHECK: u64 = 2;

    /// Reads a status word.
    pub fn from_word(word: u64) -> Status {
        match word {
            0 => Status::Done,
            Status::SLOW_PATH => Status::SlowPath,
            _ => Status::Failed((word - Status::FIRST_CHECK) as u32),
        }
    }
}
