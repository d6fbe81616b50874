//! Text files of numbers, separated by commas, with a first line of names.

use std::collections::HashSet;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::contents::{Contents, room_for};
use super::{Dataset, Element, Field, FileError, FileProblem, Form, Layout, Storage};

/// How much of a field that is not a number is repeated in an error.
const SHOWN: usize = 40;

pub(crate) fn read<T: Element>(path: &Path, contents: &Contents) -> Result<Dataset<T>, FileError> {
    parse(contents.bytes()).map_err(|problem| FileError::new(path, problem))
}

fn parse<T: Element>(bytes: &[u8]) -> Result<Dataset<T>, FileProblem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        ReaderBuilder::new().flexible(true).trim(Trim::All).has_headers(false).from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        let read = reader.read_byte_record(record);
        read.map_err(|error| FileProblem::System { action: "read", source: error.into() })
    };
    if !next(&mut record)? {
        return Err(FileProblem::NoNames);
    }
    let names = (0..record.len()).map(|column| text(bytes, &record, column).map(str::to_owned));
    let names = names.collect::<Result<Vec<String>, _>>()?;
    if names.iter().all(|name| name.is_empty() || name.parse::<f64>().is_ok()) {
        return Err(FileProblem::NoNames);
    }
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(FileProblem::DuplicateName { name: name.clone() });
    }
    // A number and its separator take two bytes.
    let mut numbers = room_for(bytes.len() / 8)?;
    let mut rows = 0;
    while next(&mut record)? {
        if record.len() != names.len() {
            let line = line(bytes, &record);
            return Err(FileProblem::FieldCount { line, expected: names.len(), found: record.len() });
        }
        for (column, name) in names.iter().enumerate() {
            let text = text(bytes, &record, column)?;
            let number = text.parse::<T>().map_err(|_| FileProblem::NotANumber {
                line: line(bytes, &record),
                column,
                name: name.clone(),
                text: text.chars().take(SHOWN).collect(),
            })?;
            numbers.push(number);
        }
        rows += 1;
    }
    let columns = names.len();
    let fields = names.into_iter().enumerate().map(|(column, name)| Field {
        name,
        form: Form::default(),
        storage: 0,
        layout: Layout::rows_apart(columns, column, &[]),
    });
    Ok(Dataset { rows, fields: fields.collect(), storage: vec![Storage::Owned(numbers)], rounded: false })
}

fn text<'a>(bytes: &[u8], record: &'a ByteRecord, column: usize) -> Result<&'a str, FileProblem> {
    str::from_utf8(&record[column]).map_err(|_| FileProblem::NotText { line: line(bytes, record), column })
}

/// The line in which a record starts. The reader's own count is that before line ends and empty lines are skipped.
fn line(bytes: &[u8], record: &ByteRecord) -> u64 {
    let from = record.position().map_or(0, |position| position.byte() as usize).min(bytes.len());
    let skipped = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + bytes[..from + skipped].iter().filter(|&&byte| byte == b'\n').count() as u64
}
