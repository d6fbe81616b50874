//! Memory that evaluations use and keep for the next one.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr;

use super::{BatchError, RowReport};
use crate::element::Element;
use crate::stack::Stack;

/// The tiles, scratch memory and partial sums of evaluations.
///
/// A workspace grows to what the largest evaluation needed and never shrinks. An evaluation for which it is large
/// enough allocates nothing, unless it has rows to report. Any kernel may use any workspace.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) double: Spaces<f64>,
    pub(crate) single: Spaces<f32>,
}

/// The part of a workspace for columns of one kind.
#[derive(Debug, Default)]
pub struct Spaces<T: Element> {
    pub(super) spaces: Vec<Space<T>>,
    pub(super) views: Vec<View<T>>,
    pub(super) sums: Vec<f64>,
}

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Workspace {
        Workspace::default()
    }
}

impl<T: Element> Spaces<T> {
    /// Makes sure that there is memory for `count` threads.
    pub(super) fn threads(&mut self, count: usize) -> &mut [Space<T>] {
        while self.spaces.len() < count {
            self.spaces.push(Space::default());
        }
        &mut self.spaces[..count]
    }
}

// SAFETY: the pointers in a workspace are set by each evaluation before it follows them, except those to memory
// that the workspace owns.
unsafe impl Send for Workspace {}
// SAFETY: nothing can be reached through a shared reference to a workspace.
unsafe impl Sync for Workspace {}

/// The columns of a [`Source`](super::Source) or [`Sink`](super::Sink) as the driver sees them.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<T> {
    /// The first column's number for row 0; null for results that nobody wants.
    pub(super) start: *mut T,
    pub(super) columns: usize,
    /// From a row to the next; 0 for a constant.
    pub(super) stride: usize,
    /// Numbers from `start` to the end of the slice that it points into.
    pub(super) room: usize,
}

impl<T> View<T> {
    /// Whether kernels work on the memory itself rather than on a tile.
    pub(super) fn in_place(&self) -> bool {
        self.columns == 1 && self.stride == 1 && !self.start.is_null()
    }

    /// Appends this to `views`. Columns that stand behind those of the last view in the same `rows` join it, if it is
    /// at `first` or later and its slice holds them, too, so that they are transposed together.
    pub(super) fn append_to(self, views: &mut Vec<View<T>>, first: usize, rows: usize) {
        // A number of columns is anything until it is compared with that of the kernel.
        if let Some(last) = views[first..].last_mut()
            && self.stride == last.stride
            && let Some(columns) = last.columns.checked_add(self.columns)
            && columns <= last.stride
            && last.start.wrapping_add(last.columns) == self.start
            && rows.saturating_sub(1).saturating_mul(last.stride).saturating_add(columns) <= last.room
        {
            last.columns = columns;
        } else {
            views.push(self);
        }
    }
}

/// What one thread works with.
#[derive(Debug, Default)]
pub(super) struct Space<T: Element> {
    /// Columns that the tile holds copies of.
    pub(super) tile: Buffer<T>,
    /// All columns of the last rows, which do not fill a lane group.
    pub(super) pad: Buffer<T>,
    /// All 0 between calls of kernels.
    pub(super) status: Buffer<T::Word>,
    pub(super) scratch: Buffer<u8>,
    /// What kernels run on that need more stack than a thread may have left.
    pub(super) stack: Stack,
    /// The block's partial sums.
    pub(super) partials: Buffer<f64>,
    /// The block's partial sums before the tile.
    pub(super) saved: Buffer<f64>,
    /// What each of sixteen rows adds to the partial sums.
    pub(super) contributions: Buffer<f64>,
    /// The block's sums, then the sums of earlier blocks that wait in the tree.
    pub(super) levels: Buffer<f64>,
    /// One row: inputs, parameters, outputs, parameter gradients.
    pub(super) row: Buffer<f64>,
    pub(super) inputs: Vec<*const T>,
    pub(super) outputs: Vec<*mut T>,
    pub(super) log: Log,
}

// SAFETY: see `Workspace`.
unsafe impl<T: Element> Send for Space<T> {}

/// What a thread has to report.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) slow: usize,
    pub(super) failed: usize,
    pub(super) noted: usize,
    pub(super) failures: Vec<RowReport>,
    pub(super) notes: Vec<RowReport>,
}

impl Log {
    pub(super) fn clear(&mut self) {
        (self.slow, self.failed, self.noted) = (0, 0, 0);
        self.failures.clear();
        self.notes.clear();
    }
}

/// Numbers that are valid for any bits, zero included.
///
/// # Safety
/// That is so, and the type is aligned to at most 64 bytes.
pub unsafe trait Plain: Copy {}
// SAFETY: any 64 bits are a number.
unsafe impl Plain for f64 {}
// SAFETY: any 32 bits are a number.
unsafe impl Plain for f32 {}
// SAFETY: any 64 bits are a number.
unsafe impl Plain for u64 {}
// SAFETY: any 32 bits are a number.
unsafe impl Plain for u32 {}
// SAFETY: any 8 bits are a number.
unsafe impl Plain for u8 {}

/// Zero-initialised memory aligned to a cache line.
#[derive(Debug)]
pub(super) struct Buffer<T: Plain> {
    allocation: *mut u8,
    bytes: usize,
    start: *mut T,
    len: usize,
}

/// Alignment of a [`Buffer`], and how much more it allocates to get it. Asking the allocator for the alignment
/// would make it clear the memory itself, where fresh pages of scratch memory are zero already and stay unmapped
/// until used.
const LINE: usize = 64;

impl<T: Plain> Default for Buffer<T> {
    fn default() -> Self {
        Buffer { allocation: ptr::null_mut(), bytes: 0, start: ptr::dangling_mut(), len: 0 }
    }
}

impl<T: Plain> Buffer<T> {
    /// Makes room for `len` numbers. Growing loses the contents.
    pub(super) fn ensure(&mut self, len: usize) -> Result<*mut T, BatchError> {
        if len > self.len {
            let out_of_memory = BatchError::OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) };
            let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(LINE));
            let Some(layout) = bytes.and_then(|bytes| Layout::from_size_align(bytes, align_of::<u64>()).ok())
            else {
                return Err(out_of_memory);
            };
            // SAFETY: the layout is not empty.
            let allocation = unsafe { alloc_zeroed(layout) };
            if allocation.is_null() {
                return Err(out_of_memory);
            }
            self.release();
            let skip = allocation.align_offset(LINE);
            // SAFETY: `skip < LINE`, and the allocation is that much longer than needed.
            let start = unsafe { allocation.add(skip) }.cast();
            *self = Buffer { allocation, bytes: layout.size(), start, len };
        }
        Ok(self.start)
    }

    pub(super) fn start(&self) -> *mut T {
        self.start
    }

    /// The first `len` numbers, for which there must be room.
    pub(super) fn slice(&mut self, len: usize) -> &mut [T] {
        assert!(len <= self.len, "a buffer of {} numbers is asked for {len}", self.len);
        // SAFETY: `start` has room for `self.len` numbers, which are initialised, and `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.start, len) }
    }

    fn release(&mut self) {
        if !self.allocation.is_null() {
            // SAFETY: `ensure` allocated it with this layout.
            unsafe {
                dealloc(self.allocation, Layout::from_size_align_unchecked(self.bytes, align_of::<u64>()))
            };
            self.allocation = ptr::null_mut();
        }
    }
}

impl<T: Plain> Drop for Buffer<T> {
    fn drop(&mut self) {
        self.release();
    }
}
