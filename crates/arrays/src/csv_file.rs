//! Text files of numbers in columns with names, as programs, spreadsheets and instruments write them.
//!
//! The file says by its first lines how it is written: what separates its columns, whether its numbers have decimal
//! commas, whether the line of names is a comment. Whatever is not the plain form, commas and points, is told by a
//! [`Remark`]; what can be read in two ways is refused.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::contents::{Budget, Contents};
use super::{
    Dataset, Element, Field, FileError, FileProblem, Form, Incomplete, Layout, Missing, ReadOptions, Remark,
    Storage,
};

/// How much of a field that is not a number is repeated in an error.
const SHOWN: usize = 40;

/// Rows that are looked at to find out what separates columns.
const SAMPLE: usize = 20;

/// What stands in cells that have no number, in lower case: of R, pandas, SQL, Julia, SAS and spreadsheets, whose failed
/// formulas are among them.
const NO_NUMBER: [&str; 17] = [
    "", "na", "n/a", "<na>", "#n/a", "#na", "null", "none", "missing", ".", "-", "#div/0!", "#num!",
    "#value!", "#ref!", "#name?", "#null!",
];

/// Other spellings of numbers, in lower case: of C libraries for what is not finite, and truth values.
const SPELLINGS: [(&str, &str); 8] = [
    ("1.#inf", "inf"),
    ("-1.#inf", "-inf"),
    ("1.#qnan", "nan"),
    ("-1.#qnan", "nan"),
    ("1.#ind", "nan"),
    ("-1.#ind", "nan"),
    ("true", "1"),
    ("false", "0"),
];

pub(crate) fn read<T: Element>(
    path: &Path,
    contents: &Contents,
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Dataset<T>, FileError> {
    parse(contents.bytes(), options, budget).map_err(|problem| FileError::new(path, problem))
}

/// What separates the columns of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Byte(u8),
    /// Any number of spaces and tabs.
    Blanks,
}

impl Separator {
    const ALL: [Separator; 5] = [
        Separator::Byte(b','),
        Separator::Byte(b';'),
        Separator::Byte(b'\t'),
        Separator::Byte(b'|'),
        Separator::Blanks,
    ];

    fn remark(self) -> Option<Remark> {
        match self {
            Separator::Byte(b',') => None,
            Separator::Byte(byte) => Some(Remark::Separator(Some(char::from(byte)))),
            Separator::Blanks => Some(Remark::Separator(None)),
        }
    }

    /// The text in a form that `reader` takes.
    fn prepared(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Separator::Byte(_) => text.into(),
            Separator::Blanks => tabs_for_blanks(text).into(),
        }
    }

    fn reader(self, text: &[u8]) -> Reader<&[u8]> {
        let delimiter = match self {
            Separator::Byte(byte) => byte,
            Separator::Blanks => b'\t',
        };
        let mut builder = ReaderBuilder::new();
        builder.delimiter(delimiter).flexible(true).has_headers(false).comment(Some(b'#'));
        builder.from_reader(text)
    }
}

/// What stands before the rows.
struct Head {
    separator: Separator,
    names: Vec<String>,
    /// Whether rows begin with a name of their own, for which the line of names has nothing.
    row_names: bool,
    /// Where the rows begin.
    body: usize,
    remarks: Vec<Remark>,
}

fn parse<T: Element>(
    bytes: &[u8],
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Dataset<T>, FileProblem> {
    let text = decoded(bytes)?;
    let Head { separator, names, row_names, body, mut remarks } = head(&text)?;
    let columns = names.len() + usize::from(row_names);
    // Of each column that is taken: its place in a row, and what it is called here.
    let mut taken: Vec<(usize, String)> = Vec::new();
    let mut left_aside = Vec::new();
    let mut seen = HashSet::new();
    if row_names {
        left_aside.push(Field::nameless(0));
    }
    for (k, name) in names.iter().enumerate() {
        let column = k + usize::from(row_names);
        match options.taken(name) {
            Some(wanted) if !seen.insert(wanted.clone()) => {
                return Err(FileProblem::DuplicateName { name: name.clone() });
            }
            Some(wanted) => taken.push((column, wanted)),
            None if name.is_empty() => left_aside.push(Field::nameless(column)),
            None => left_aside.push(name.clone()),
        }
    }
    let body_text = separator.prepared(&text[body..]);
    let mut table = Table {
        names: &names,
        row_names,
        columns,
        taken: &taken,
        separator,
        missing: options.missing,
        labelled: options.labels,
        labels: HashMap::new(),
        budget,
        place: Place { text: &body_text, before: newlines(&text[..body]) },
        marks: Marks::default(),
        numbers: Vec::<T>::new(),
        rows: 0,
        nans: 0,
        incomplete: Incomplete::default(),
    };
    let empty = ByteRecord::from(vec![""; columns]);
    // Records without any number: spreadsheets write them behind the last row.
    let mut blank: Vec<usize> = Vec::new();
    let mut reader = separator.reader(&body_text);
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| FileProblem::System { action: "read", source: plain(error) })?
    {
        let start = record.position().map_or(0, |position| position.byte() as usize);
        let without_numbers = record.iter().all(is_blank);
        if without_numbers && record.len() > 1 {
            blank.push(start);
        } else if !without_numbers || columns == 1 && table.place.is_quoted(start) {
            for start in blank.drain(..) {
                table.row(&empty, start)?;
            }
            table.row(&record, start)?;
        }
    }
    if options.missing == Missing::Refuse && !blank.is_empty() {
        remarks.push(Remark::BlankRows(blank.len()));
    } else {
        for start in blank {
            table.row(&empty, start)?;
        }
    }
    let Table { marks, mut numbers, rows, nans, incomplete, labels, .. } = table;
    if marks.comma.is_some() {
        remarks.push(Remark::DecimalCommas);
    }
    if nans > 0 {
        remarks.push(Remark::NoNumbers(nans));
    }
    let comments = body_text.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"#")).count();
    if comments > 0 {
        remarks.push(Remark::Comments(comments));
    }
    let width = taken.len();
    // Numbers of labels are places in increasing order, not in that in which they came.
    let mut sorted: Vec<(String, usize)> = labels.into_iter().collect();
    sorted.sort();
    let mut places = vec![T::from_f64(0.0); sorted.len()];
    for (place, &(_, came)) in sorted.iter().enumerate() {
        places[came] = T::from_f64(place as f64);
    }
    if let Some(k) = taken.iter().position(|(_, name)| options.labels == Some(name)) {
        let given = numbers.iter_mut().skip(k).step_by(width).filter(|number| !number.to_f64().is_nan());
        for number in given {
            *number = places[number.to_f64() as usize];
        }
    }
    let fields = taken.into_iter().enumerate().map(|(k, (_, name))| Field {
        name,
        single: false,
        form: Form::default(),
        storage: 0,
        layout: Layout::rows_apart(width, k, &[]),
    });
    let fields = fields.collect();
    let dataset = Dataset::new(rows - incomplete.count(), fields, vec![Storage::Owned(numbers)], false);
    let labels = sorted.into_iter().map(|(label, _)| label).collect();
    Ok(Dataset { left_aside, remarks, incomplete, labels, ..dataset })
}

/// The error of a reader or writer of csv, as what the system said.
pub(crate) fn plain(error: csv::Error) -> io::Error {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::other(text),
    }
}

/// Rows on their way from text to numbers.
struct Table<'a, T> {
    names: &'a [String],
    row_names: bool,
    columns: usize,
    taken: &'a [(usize, String)],
    separator: Separator,
    missing: Missing,
    /// The column whose cells are texts, and their numbers in the order in which they came.
    labelled: Option<&'a str>,
    labels: HashMap<String, usize>,
    budget: &'a Budget,
    place: Place<'a>,
    marks: Marks,
    /// Those of complete rows, row after row.
    numbers: Vec<T>,
    rows: usize,
    /// Cells without a number that have become NaN.
    nans: usize,
    incomplete: Incomplete,
}

impl<T: Element> Table<'_, T> {
    fn row(&mut self, record: &ByteRecord, start: usize) -> Result<(), FileProblem> {
        let mut more = record.iter().skip(self.columns);
        if record.len() < self.columns || more.any(|cell| !is_blank(cell)) {
            let line = self.place.line(start);
            return Err(FileProblem::FieldCount { line, expected: self.columns, found: record.len() });
        }
        let before = self.numbers.len();
        if self.numbers.capacity() - before < self.taken.len() {
            self.budget.grow(&mut self.numbers, self.taken.len())?;
        }
        let row = self.rows;
        self.rows += 1;
        for (column, wanted) in self.taken {
            let column = *column;
            let line = || self.place.line(start);
            let name = || self.names[column - usize::from(self.row_names)].clone();
            let Ok(cell) = str::from_utf8(&record[column]) else {
                return Err(FileProblem::NotText { line: line(), column });
            };
            let cell = unquoted(cell.trim());
            if self.labelled == Some(wanted) && !cell.is_empty() {
                let number = match self.labels.get(cell) {
                    Some(&number) => number,
                    None => {
                        let number = self.labels.len();
                        self.labels.insert(cell.to_owned(), number);
                        number
                    }
                };
                self.numbers.push(T::from_f64(number as f64));
                continue;
            }
            let shown = || cell.chars().take(SHOWN).collect::<String>();
            match self.marks.number::<T>(cell, self.separator, start) {
                Cell::Number(number) => self.numbers.push(number),
                Cell::None => match self.missing {
                    Missing::Nan => {
                        self.nans += 1;
                        self.numbers.push(T::from_f64(f64::NAN));
                    }
                    Missing::FailRow => {
                        self.incomplete.push(row, || (line(), name()));
                        self.numbers.truncate(before);
                        return Ok(());
                    }
                    Missing::Refuse => {
                        return Err(FileProblem::NoNumber {
                            line: line(),
                            column,
                            name: name(),
                            text: shown().into(),
                        });
                    }
                },
                Cell::Wrong => {
                    let text = shown();
                    return Err(FileProblem::NotANumber { line: line(), column, name: name(), text });
                }
                Cell::Mixed { comma, point } => {
                    let [comma, point] = [comma, point].map(|start| self.place.line(start));
                    return Err(FileProblem::MixedMarks { comma, point });
                }
            }
        }
        Ok(())
    }
}

/// The text in UTF-8, without a byte order mark.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, [u8]>, FileProblem> {
    let order: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).into()),
    };
    let (pairs, _) = bytes[2..].as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|&pair| order(pair))).collect();
    text.map(|text| text.into_bytes().into()).map_err(|_| FileProblem::NotText { line: 1, column: 0 })
}

/// Finds the line of names, and how the file is written.
fn head(text: &[u8]) -> Result<Head, FileProblem> {
    let mut at = 0;
    let mut comment = None;
    let mut declared = None;
    while at < text.len() {
        let (line, next) = line_at(text, at);
        match line.trim_ascii() {
            [] => {}
            // How a spreadsheet tells another which separator follows.
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] if declared.is_none() => {
                declared = Some(Separator::Byte(*separator));
            }
            [b'#' | b'%', names @ ..] => comment = Some(names),
            _ => break,
        }
        at = next;
    }
    // The line at hand, unless it is a row already and a comment before it has the names.
    let (line, next) = line_at(text, at);
    let cells_of = |line: &[u8]| {
        let found = separator_of(line, &text[next..]).0;
        let prepared = found.prepared(line);
        cells(&mut found.reader(&prepared))
    };
    let is_row = |line: &[u8], names: &[u8]| {
        let cells = cells_of(line);
        let is_number = |cell: &String| number::<f64>(&cell.replacen(',', ".", 1)).is_some();
        cells.iter().all(|cell| cell.is_empty() || is_number(cell))
            || cells.len() > 1 && cells.iter().any(is_number) && cells_of(names).len() == cells.len()
    };
    let mut remarks = Vec::new();
    let (names, body) = match comment {
        Some(names) if at >= text.len() || is_row(line, names) => {
            remarks.push(Remark::NamesInComment);
            (names, at)
        }
        Some(_) | None => (&text[at..], next),
    };
    let (separator, row_names) = match declared {
        Some(separator) => (separator, false),
        // Names may hold line ends in quotes, so the whole rest is looked at.
        None => separator_of(names, &text[body..]),
    };
    let prepared = match separator {
        Separator::Byte(_) => names.into(),
        Separator::Blanks => separator.prepared(line_at(names, 0).0),
    };
    let mut reader = separator.reader(&prepared);
    let names = cells(&mut reader);
    // A line of names with line ends within quotes is longer than the line.
    let body = match comment {
        Some(_) if !remarks.is_empty() => body,
        Some(_) | None if separator == Separator::Blanks => body,
        Some(_) | None => body.max(at + reader.position().byte() as usize),
    };
    if names.iter().all(|name| name.is_empty() || number::<f64>(name).is_some()) {
        return Err(FileProblem::NoNames);
    }
    remarks.extend(separator.remark());
    Ok(Head { separator, names, row_names, body, remarks })
}

/// The cells of the next record, without blanks around them.
fn cells(reader: &mut Reader<&[u8]>) -> Vec<String> {
    let mut record = ByteRecord::new();
    // Reading from memory does not fail.
    let _ = reader.read_byte_record(&mut record);
    record.iter().map(|cell| unquoted(String::from_utf8_lossy(cell).trim()).to_owned()).collect()
}

/// What separates columns, by the line of names and the first rows, and whether rows have names that it has none for.
fn separator_of(names: &[u8], rows: &[u8]) -> (Separator, bool) {
    let line = line_at(names, 0).0;
    // How many fields a line of names and rows have, if they agree.
    let fits = |separator: Separator| -> Option<bool> {
        let prepared = separator.prepared(line);
        let count = cells(&mut separator.reader(&prepared)).len();
        let sample = &rows[..sample_end(rows)];
        let prepared = separator.prepared(sample);
        let mut reader = separator.reader(&prepared);
        let mut record = ByteRecord::new();
        let (mut same, mut one_more) = (true, true);
        let mut any = false;
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            if record.iter().all(is_blank) {
                continue;
            }
            any = true;
            let blank = record.iter().skip(count).all(is_blank);
            same &= record.len() == count || record.len() > count && blank;
            // A name rather than one number too many.
            let start = record.position().map_or(0, |position| position.byte() as usize);
            let first = record.get(0).map(String::from_utf8_lossy).unwrap_or_default();
            let named = prepared.get(start) == Some(&b'"') || number::<f64>(&first).is_none();
            one_more &= named && record.len() == count + 1;
        }
        match (same, any && one_more) {
            (true, _) if count > 1 => Some(false),
            (_, true) => Some(true),
            _ => None,
        }
    };
    let occurs = |separator: Separator| match separator {
        Separator::Byte(byte) => outside_quotes(line).any(|(_, other)| other == byte),
        Separator::Blanks => outside_quotes(line.trim_ascii()).any(|(_, byte)| matches!(byte, b' ' | b'\t')),
    };
    let there: Vec<Separator> = Separator::ALL.into_iter().filter(|&separator| occurs(separator)).collect();
    let fitting = there.iter().find_map(|&separator| Some((separator, fits(separator)?)));
    let first = there.iter().find(|separator| **separator != Separator::Blanks);
    fitting.unwrap_or((first.copied().unwrap_or(Separator::Byte(b',')), false))
}

/// Where the first rows end.
fn sample_end(rows: &[u8]) -> usize {
    let mut ends = rows.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.nth(SAMPLE - 1).map_or(rows.len(), |(at, _)| at + 1)
}

/// The bytes that are not within quotes, with their places.
fn outside_quotes(text: &[u8]) -> impl Iterator<Item = (usize, u8)> + '_ {
    let mut within = false;
    text.iter().copied().enumerate().filter(move |&(_, byte)| {
        within ^= byte == b'"';
        !within
    })
}

/// The text with a tab for each run of blanks between columns.
fn tabs_for_blanks(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let content = line.trim_ascii();
        let mut within = false;
        let mut blank = false;
        for &byte in content {
            within ^= byte == b'"';
            if !within && matches!(byte, b' ' | b'\t') {
                blank = true;
                continue;
            }
            if std::mem::take(&mut blank) {
                out.push(b'\t');
            }
            out.push(byte);
        }
        if line.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    out
}

/// The line that begins at `at`, without its end, and where the next one begins.
fn line_at(text: &[u8], at: usize) -> (&[u8], usize) {
    let rest = text.get(at..).unwrap_or_default();
    let len = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    let end = match &rest[len..] {
        [b'\r', b'\n', ..] => 2,
        [] => 0,
        _ => 1,
    };
    (&rest[..len], at + len + end)
}

/// Line ends, each of one or two bytes.
fn newlines(text: &[u8]) -> u64 {
    let ends = text.iter().enumerate();
    let ends = ends.filter(|&(at, &byte)| byte == b'\n' || byte == b'\r' && text.get(at + 1) != Some(&b'\n'));
    ends.count() as u64
}

fn is_blank(cell: &[u8]) -> bool {
    cell.trim_ascii().is_empty()
}

fn unquoted(cell: &str) -> &str {
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
    inner.map_or(cell, str::trim)
}

/// Lines of a text by the places of its records.
struct Place<'a> {
    text: &'a [u8],
    /// Lines before it.
    before: u64,
}

impl Place<'_> {
    /// The line in which a record starts. The reader's own count is that before line ends and empty lines are skipped.
    fn line(&self, start: usize) -> u64 {
        let at = self.first_byte(start);
        1 + self.before + newlines(&self.text[..at])
    }

    /// Whether a record of blanks is one in quotes rather than an empty line.
    fn is_quoted(&self, start: usize) -> bool {
        self.text.get(self.first_byte(start)) == Some(&b'"')
    }

    fn first_byte(&self, start: usize) -> usize {
        let mut at = start.min(self.text.len());
        loop {
            let skipped = self.text[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            at += skipped;
            // Comments are skipped as well.
            if self.text.get(at) != Some(&b'#') {
                return at;
            }
            at += self.text[at..].iter().take_while(|byte| !matches!(byte, b'\r' | b'\n')).count();
        }
    }
}

/// What a cell holds.
enum Cell<T> {
    Number(T),
    /// It says that there is no number.
    None,
    Wrong,
    /// Records with a decimal comma and with a decimal point.
    Mixed {
        comma: usize,
        point: usize,
    },
}

/// The decimal marks of a file: the first records with each.
#[derive(Default)]
struct Marks {
    comma: Option<usize>,
    point: Option<usize>,
}

impl Marks {
    fn number<T: Element>(&mut self, cell: &str, separator: Separator, at: usize) -> Cell<T> {
        if let Some(number) = number::<T>(cell) {
            if (self.point.is_none() || self.comma.is_some()) && cell.contains('.') {
                self.point.get_or_insert(at);
                return self.checked(number);
            }
            return Cell::Number(number);
        }
        if NO_NUMBER.iter().any(|none| cell.eq_ignore_ascii_case(none)) {
            return Cell::None;
        }
        let commas = cell.bytes().filter(|&byte| byte == b',').count();
        let with_point = cell.replacen(',', ".", 1);
        match number::<T>(&with_point) {
            Some(number) if commas == 1 && !cell.contains('.') => {
                if separator == Separator::Byte(b',') {
                    return Cell::Wrong;
                }
                self.comma.get_or_insert(at);
                self.checked(number)
            }
            _ => Cell::Wrong,
        }
    }

    fn checked<T>(&self, number: T) -> Cell<T> {
        match (self.comma, self.point) {
            (Some(comma), Some(point)) => Cell::Mixed { comma, point },
            _ => Cell::Number(number),
        }
    }
}

/// A number in any spelling but that with a decimal comma.
fn number<T: Element>(cell: &str) -> Option<T> {
    if let Ok(number) = cell.parse::<T>() {
        return Some(number);
    }
    if let Some((_, plain)) = SPELLINGS.iter().find(|(other, _)| cell.eq_ignore_ascii_case(other)) {
        return plain.parse().ok();
    }
    // Fortran's exponents, and the sign that typesetting uses.
    let mut plain = String::with_capacity(cell.len());
    for (k, c) in cell.char_indices() {
        match c {
            '\u{2212}' => plain.push('-'),
            'd' | 'D' if k > 0 && plain.ends_with(|c: char| c.is_ascii_digit() || c == '.') => {
                plain.push('e')
            }
            c => plain.push(c),
        }
    }
    if plain == cell { None } else { plain.parse().ok() }
}
