//! The npz format: a zip archive of npy files.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::contents::Contents;
use super::npy::{self, Numbers};
use super::{Dataset, Element, FileError, FileProblem, Storage};

/// Deflate cannot shrink data to less than this part. Anything beyond is an archive whose entries overlap.
const MAX_INFLATION: u64 = 1032;

impl From<ZipError> for FileProblem {
    fn from(error: ZipError) -> Self {
        FileProblem::Archive { message: error.to_string() }
    }
}

pub(crate) fn read<T: Element>(path: &Path, contents: &Contents) -> Result<Dataset<T>, FileError> {
    let bytes = contents.bytes();
    let whole = |problem: FileProblem| FileError::new(path, problem);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| whole(error.into()))?;
    let limit = (bytes.len() as u64).saturating_mul(MAX_INFLATION);
    let mut left = limit;
    let mut dataset = Dataset { rows: 0, fields: Vec::new(), storage: Vec::new(), rounded: false };
    let mut names = HashSet::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| whole(error.into()))?;
        let entry = file.name().map_err(|error| whole(error.into()))?;
        let Some(name) = entry.strip_suffix(".npy").map(str::to_owned) else { continue };
        let wrong = |problem: FileProblem| FileError::in_array(path, &name, problem);
        if !names.insert(name.clone()) {
            return Err(whole(FileProblem::DuplicateName { name }));
        }
        let mut unpacked = Vec::new();
        let read = file.take(left + 1).read_to_end(&mut unpacked);
        read.map_err(|error| wrong(FileProblem::Archive { message: error.to_string() }))?;
        left =
            left.checked_sub(unpacked.len() as u64).ok_or_else(|| wrong(FileProblem::Inflated { limit }))?;
        let array = npy::read::<T>(&unpacked).map_err(wrong)?;
        let [field] = &array.fields[..] else { return Err(wrong(FileProblem::StructuredEntry)) };
        if !field.name.is_empty() {
            return Err(wrong(FileProblem::StructuredEntry));
        }
        if let Some(first) = dataset.fields.first().filter(|_| array.rows != dataset.rows) {
            let (rows, other_rows) = (array.rows, dataset.rows);
            return Err(wrong(FileProblem::RowCounts { rows, other: first.name.clone(), other_rows }));
        }
        let mut field = field.clone();
        field.name = name;
        field.storage = dataset.storage.len();
        dataset.rows = array.rows;
        dataset.rounded |= array.rounded;
        dataset.fields.push(field);
        dataset.storage.push(match array.numbers {
            Numbers::InPlace(start) => Storage::InFile { contents: Contents::Read(unpacked), start },
            Numbers::Converted(numbers) => Storage::Owned(numbers),
        });
    }
    if dataset.fields.is_empty() {
        return Err(whole(FileProblem::NoArrays));
    }
    Ok(dataset)
}
