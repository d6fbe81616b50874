//! The contents of files, mapped or read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use memmap2::Mmap;
use nc_runtime::element::Element;

use super::{FileError, FileProblem};

/// Files from this size on are mapped. Below it, reading costs less than faulting pages in.
const MAPPED_FROM: u64 = 1 << 20;

/// The bytes of a file.
#[derive(Debug)]
pub(crate) enum Contents {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Contents {
    pub(crate) fn of_file(path: &Path) -> Result<Contents, FileError> {
        let system = |action| move |source| FileError::new(path, FileProblem::System { action, source });
        let mut file = File::open(path).map_err(system("open"))?;
        let metadata = file.metadata().map_err(system("look at"))?;
        if metadata.is_file() && metadata.len() >= MAPPED_FROM {
            // SAFETY: any bytes are valid. That the file does not change while it is mapped is a condition that the
            // module's documentation puts to the user, as every program that maps files must.
            return unsafe { Mmap::map(&file) }.map(Contents::Mapped).map_err(system("map"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(system("read"))?;
        Ok(Contents::Read(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Contents::Mapped(map) => map,
            Contents::Read(bytes) => bytes,
        }
    }
}

/// The bytes as numbers in place, if they are aligned and a whole number of them. The byte order is this machine's.
pub(crate) fn as_numbers<T: Element>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: an element is `f64` or `f32`, and any bytes of its size are valid.
    let (before, numbers, after) = unsafe { bytes.align_to::<T>() };
    (before.is_empty() && after.is_empty()).then_some(numbers)
}

/// A vector with room for `len` numbers, or an error instead of an abort.
pub(crate) fn room_for<T>(len: usize) -> Result<Vec<T>, FileProblem> {
    let mut numbers = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    numbers.try_reserve_exact(len).map_err(|_| FileProblem::OutOfMemory { bytes })?;
    Ok(numbers)
}
