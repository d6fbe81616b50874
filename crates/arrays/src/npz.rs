//! The npz format: a zip archive of npy files.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::contents::{Budget, Contents};
use super::npy::{self, Numbers};
use super::{Dataset, Element, FileError, FileProblem, ReadOptions, Storage};

impl From<ZipError> for FileProblem {
    fn from(error: ZipError) -> Self {
        FileProblem::Archive { message: error.to_string() }
    }
}

/// How many entries an archive says that it has, in the record at its end; nothing for archives of 2¹⁶ entries and more, which say
/// it elsewhere.
fn entries(bytes: &[u8]) -> Option<usize> {
    const RECORD: usize = 22;
    const COMMENT: usize = 0xffff;
    let tail = &bytes[bytes.len().saturating_sub(RECORD + COMMENT)..];
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = tail.get(at + 10..at + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    (count != u16::MAX).then_some(usize::from(count))
}

pub(crate) fn read<T: Element>(
    path: &Path,
    contents: &Contents,
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Dataset<T>, FileError> {
    let bytes = contents.bytes();
    let whole = |problem: FileProblem| FileError::new(path, problem);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| whole(error.into()))?;
    // The crate keeps the last of several entries of one name.
    if let Some(entries) = entries(bytes)
        && entries != archive.len()
    {
        let message = format!("{entries} entries have {} names: some of them are there twice", archive.len());
        return Err(whole(FileProblem::Archive { message }));
    }
    let mut dataset = Dataset::new(0, Vec::new(), Vec::new(), false);
    let mut names = HashSet::new();
    let mut any = false;
    // The first array with rows.
    let mut first: Option<String> = None;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| whole(error.into()))?;
        let entry = file.name().map_err(|error| whole(error.into()))?;
        let Some(name) = entry.strip_suffix(".npy").map(str::to_owned) else { continue };
        any = true;
        let Some(taken) = options.taken(&name) else {
            dataset.left_aside.push(name);
            continue;
        };
        let wrong = |problem: FileProblem| FileError::in_array(path, &name, problem);
        if !names.insert(taken.clone()) {
            return Err(whole(FileProblem::DuplicateName { name }));
        }
        let declared = file.size();
        let unpacked = unpack(file, declared, budget).map_err(wrong)?;
        let array = npy::read::<T>(&unpacked, options, budget).map_err(|refused| wrong(refused.problem))?;
        let [field] = &array.fields[..] else { return Err(wrong(FileProblem::StructuredEntry)) };
        if !field.name.is_empty() {
            return Err(wrong(FileProblem::StructuredEntry));
        }
        if !field.single {
            if let Some(other) = first.as_ref().filter(|_| array.rows != dataset.rows) {
                let (rows, other_rows) = (array.rows, dataset.rows);
                return Err(wrong(FileProblem::RowCounts { rows, other: other.clone(), other_rows }));
            }
            first.get_or_insert_with(|| name.clone());
            dataset.rows = array.rows;
        }
        let mut field = field.clone();
        field.name = taken;
        field.storage = dataset.storage.len();
        dataset.rounded |= array.rounded;
        dataset.fields.push(field);
        dataset.storage.push(match array.numbers {
            Numbers::InPlace(start) => Storage::InFile { contents: Contents::Read(unpacked), start },
            Numbers::Converted(numbers) => Storage::Owned(numbers),
        });
    }
    if !any {
        return Err(whole(FileProblem::NoArrays));
    }
    if first.is_none() && !dataset.fields.is_empty() {
        return Err(whole(FileProblem::NoRowsAtAll));
    }
    let Dataset { rows, fields, storage, rounded, left_aside, .. } = dataset;
    Ok(Dataset { left_aside, ..Dataset::new(rows, fields, storage, rounded) })
}

/// Unpacks an entry, once its header has said that it is as long as the archive says.
fn unpack(mut file: impl Read, declared: u64, budget: &Budget) -> Result<Vec<u8>, FileProblem> {
    let archive = |error: std::io::Error| FileProblem::Archive { message: error.to_string() };
    let mut bytes = Vec::new();
    (&mut file).take(npy::PREFIX as u64).read_to_end(&mut bytes).map_err(archive)?;
    let header = npy::header_length(&bytes)?;
    (&mut file).take(header.saturating_sub(bytes.len()) as u64).read_to_end(&mut bytes).map_err(archive)?;
    let length = npy::length(&bytes)?;
    if declared != length as u64 {
        return Err(FileProblem::EntryLength { needed: length, found: declared });
    }
    budget.hold(&mut bytes, length)?;
    // One more byte would show that there are too many, and at the end the sum of all is checked.
    file.take((length + 1).saturating_sub(bytes.len()) as u64).read_to_end(&mut bytes).map_err(archive)?;
    if bytes.len() != length {
        return Err(FileProblem::EntryLength { needed: length, found: bytes.len() as u64 });
    }
    Ok(bytes)
}
