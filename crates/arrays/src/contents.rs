//! The contents of files, mapped or read.

use std::cell::Cell;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use memmap2::Mmap;
use nc_runtime::element::Element;

use super::{FileError, FileProblem, Format, npy};

/// Files from this size on are mapped. Below it, reading costs less than faulting pages in.
const MAPPED_FROM: u64 = 1 << 20;

/// The bytes of a file.
#[derive(Debug)]
pub(crate) enum Contents {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Contents {
    /// Maps or reads a file, in this format or else in the one that its first bytes show.
    ///
    /// # Errors
    /// If the system refuses, it is a device other than a terminal (which may never end), or more has to be read than the
    /// budget allows.
    pub(crate) fn of_file(
        path: &Path,
        format: Option<Format>,
        budget: &Budget,
    ) -> Result<(Contents, Format), FileError> {
        let system = |action| move |source| FileError::new(path, FileProblem::System { action, source });
        let file = File::open(path).map_err(system("open"))?;
        let metadata = file.metadata().map_err(system("look at"))?;
        if metadata.is_file() && metadata.len() >= MAPPED_FROM {
            // SAFETY: any bytes are valid. That the file does not change while it is mapped is a condition that the
            // module's documentation puts to the user, as every program that maps files must.
            let map = unsafe { Mmap::map(&file) }.map_err(system("map"))?;
            let format = format.unwrap_or_else(|| Format::of_bytes(&map));
            return Ok((Contents::Mapped(map), format));
        }
        if is_device(&metadata) && !file.is_terminal() {
            return Err(FileError::new(path, FileProblem::Device));
        }
        Contents::of_reader(file, format, budget).map_err(|problem| FileError::new(path, problem))
    }

    /// Reads to the end, of an npy file no more than its header says and one byte, and no more than the budget allows.
    pub(crate) fn of_reader(
        mut reader: impl Read,
        format: Option<Format>,
        budget: &Budget,
    ) -> Result<(Contents, Format), FileProblem> {
        let mut bytes = Vec::new();
        let mut read = |bytes: &mut Vec<u8>, up_to: usize| {
            let more = up_to.saturating_sub(bytes.len()) as u64;
            (&mut reader).take(more).read_to_end(bytes).map(drop).map_err(FileProblem::system("read"))
        };
        read(&mut bytes, npy::PREFIX)?;
        let format = format.unwrap_or_else(|| Format::of_bytes(&bytes));
        // One more byte shows that there are too many.
        let mut most = budget.left().saturating_add(1);
        if format == Format::Npy {
            // A file that is too short, or no npy file, is found out by whoever reads it.
            if let Ok(header) = npy::header_length(&bytes) {
                read(&mut bytes, header)?;
                if let Ok(length) = npy::length(&bytes) {
                    most = most.min(length.saturating_add(1));
                    bytes.try_reserve_exact(most).map_err(|_| FileProblem::OutOfMemory { bytes: most })?;
                }
            }
        }
        read(&mut bytes, most)?;
        budget.spend(bytes.len())?;
        Ok((Contents::Read(bytes), format))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Contents::Mapped(map) => map,
            Contents::Read(bytes) => bytes,
        }
    }
}

#[cfg(unix)]
fn is_device(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &std::fs::Metadata) -> bool {
    false
}

/// The bytes as numbers in place, if they are aligned and a whole number of them. The byte order is this machine's.
pub(crate) fn as_numbers<T: Element>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: an element is `f64` or `f32`, and any bytes of its size are valid.
    let (before, numbers, after) = unsafe { bytes.align_to::<T>() };
    (before.is_empty() && after.is_empty()).then_some(numbers)
}

/// Memory that a file may take for what cannot stay where it is: unpacked, converted, read from a pipe.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    left: Cell<usize>,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Budget {
        Budget { limit, left: Cell::new(limit) }
    }

    pub(crate) fn left(&self) -> usize {
        self.left.get()
    }

    /// Takes so many bytes.
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), FileProblem> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or(FileProblem::Memory { bytes, limit: self.limit })?);
        Ok(())
    }

    /// A vector with room for `len` items, or an error instead of an abort.
    pub(crate) fn room_for<T>(&self, len: usize) -> Result<Vec<T>, FileProblem> {
        let mut items = Vec::new();
        self.hold(&mut items, len)?;
        Ok(items)
    }

    /// Makes room for `len` items in all.
    pub(crate) fn hold<T>(&self, items: &mut Vec<T>, len: usize) -> Result<(), FileProblem> {
        let bytes = len.saturating_mul(size_of::<T>());
        self.spend(bytes)?;
        let more = len.saturating_sub(items.len());
        items.try_reserve_exact(more).map_err(|_| FileProblem::OutOfMemory { bytes })
    }

    /// Makes room for so many more items, and as many again as there are, so that growing takes time in proportion to the
    /// length.
    pub(crate) fn grow<T>(&self, items: &mut Vec<T>, more: usize) -> Result<(), FileProblem> {
        let more = more.max(items.len()).max(1024);
        let bytes = more.saturating_mul(size_of::<T>());
        self.spend(bytes)?;
        items.try_reserve_exact(more).map_err(|_| FileProblem::OutOfMemory { bytes })
    }
}
