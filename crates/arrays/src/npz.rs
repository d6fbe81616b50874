//! The npz format: a zip archive of npy files.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::contents::{Budget, Contents};
use super::npy::{self, Array, Numbers};
use super::{Dataset, Element, Field, FileError, FileProblem, Form, ReadOptions, Storage, WholeArray};

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

/// An array of an archive.
struct Entry<T> {
    /// What it is called in the archive.
    name: String,
    /// What it is called where it is taken.
    taken: String,
    array: Array<T>,
    unpacked: Vec<u8>,
}

impl<T: Element> Entry<T> {
    /// Its only field, and its numbers as the `storage` of a dataset with that number.
    fn stored(self, storage: usize) -> (Field, Storage<T>) {
        let Entry { taken, array, unpacked, .. } = self;
        let mut field = array.fields.into_iter().next().expect("an array has one field");
        field.name = taken;
        field.storage = storage;
        let numbers = match array.numbers {
            Numbers::InPlace(start) => Storage::InFile { contents: Contents::Read(unpacked), start },
            Numbers::Converted(numbers) => Storage::Owned(numbers),
        };
        (field, numbers)
    }
}

/// Reads the arrays of an archive that are wanted, one after the other; gives the names of the others.
fn each<T: Element>(
    path: &Path,
    contents: &Contents,
    options: &ReadOptions<'_>,
    budget: &Budget,
    mut visit: impl FnMut(Entry<T>) -> Result<(), FileError>,
) -> Result<Vec<String>, FileError> {
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
    let mut names = HashSet::new();
    let mut left_aside = Vec::new();
    let mut any = false;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| whole(error.into()))?;
        let entry = file.name().map_err(|error| whole(error.into()))?;
        let Some(name) = entry.strip_suffix(".npy").map(str::to_owned) else { continue };
        any = true;
        let Some(taken) = options.taken(&name) else {
            left_aside.push(name);
            continue;
        };
        let wrong = |problem: FileProblem| FileError::in_array(path, &name, problem);
        if !names.insert(taken.clone()) {
            return Err(whole(FileProblem::DuplicateName { name }));
        }
        let declared = file.size();
        let unpacked = unpack(file, declared, budget).map_err(wrong)?;
        let array = npy::read::<T>(&unpacked, options, budget).map_err(|refused| wrong(refused.problem))?;
        match array.fields.as_slice() {
            [field] if field.name.is_empty() => visit(Entry { name, taken, array, unpacked })?,
            _ => return Err(wrong(FileProblem::StructuredEntry)),
        }
    }
    if any { Ok(left_aside) } else { Err(whole(FileProblem::NoArrays)) }
}

pub(crate) fn read<T: Element>(
    path: &Path,
    contents: &Contents,
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Dataset<T>, FileError> {
    let mut dataset = Dataset::new(0, Vec::new(), Vec::new(), false);
    // The first array with rows.
    let mut first: Option<String> = None;
    let left_aside = each(path, contents, options, budget, |entry: Entry<T>| {
        if !entry.array.fields[0].single {
            let rows = entry.array.rows;
            if let Some(other) = first.as_ref().filter(|_| rows != dataset.rows) {
                let (other, other_rows) = (other.clone(), dataset.rows);
                let problem = FileProblem::RowCounts { rows, other, other_rows };
                return Err(FileError::in_array(path, &entry.name, problem));
            }
            first.get_or_insert_with(|| entry.name.clone());
            dataset.rows = rows;
        }
        dataset.rounded |= entry.array.rounded;
        let (field, storage) = entry.stored(dataset.storage.len());
        dataset.fields.push(field);
        dataset.storage.push(storage);
        Ok(())
    })?;
    if first.is_none() && !dataset.fields.is_empty() {
        return Err(FileError::new(path, FileProblem::NoRowsAtAll));
    }
    let Dataset { rows, fields, storage, rounded, .. } = dataset;
    Ok(Dataset { left_aside, ..Dataset::new(rows, fields, storage, rounded) })
}

/// Reads all arrays, each with its own shape.
pub(crate) fn read_whole<T: Element>(
    path: &Path,
    contents: &Contents,
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Vec<WholeArray<T>>, FileError> {
    let mut arrays = Vec::new();
    each(path, contents, options, budget, |entry: Entry<T>| {
        let (rows, rounded, name) = (entry.array.rows, entry.array.rounded, entry.name.clone());
        let (field, storage) = entry.stored(0);
        let (single, form) = (field.single, field.form.clone());
        let dataset = Dataset::new(rows, vec![field], vec![storage], rounded);
        let field = &dataset.fields[0];
        let (first, rows) = if single { (None, 1) } else { (Some(rows), rows) };
        let data = (0..rows).flat_map(|row| dataset.row_of(field, row)).collect();
        let dims = first.into_iter().chain(form.dims.iter().copied()).collect();
        arrays.push(WholeArray { name, form: Form { dims, complex: form.complex }, data });
        Ok(())
    })?;
    Ok(arrays)
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
