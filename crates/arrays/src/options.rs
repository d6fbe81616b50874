//! What is read of a file, and how.

use std::fmt;

use super::Format;

/// Memory for what cannot stay where it is, unless the caller says otherwise: 4 GiB.
const MEMORY: u64 = 4 << 30;

/// Which columns are read, and how.
///
/// ```
/// use nc_arrays::{Missing, ReadOptions};
///
/// let wanted = |name: &str| (name == "x").then(|| name.to_string());
/// let options = ReadOptions::default().take(&wanted).missing(Missing::Nan);
/// ```
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    pub(crate) format: Option<Format>,
    take: Option<&'a Take<'a>>,
    pub(crate) missing: Missing,
    pub(crate) labels: Option<&'a str>,
    pub(crate) memory: usize,
}

/// From the name of a column in a file to the one that it is taken by, if it is.
type Take<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What becomes of a cell of a csv file that says that there is no number: an empty one, `NA`, `null` and the like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The file is refused.
    #[default]
    Refuse,
    /// It is NaN.
    Nan,
    /// Its row is left out, and [`Dataset::incomplete`](super::Dataset::incomplete) tells which.
    FailRow,
}

impl<'a> ReadOptions<'a> {
    /// Sets the format. Without, the file says it.
    pub fn format(self, format: impl Into<Option<Format>>) -> ReadOptions<'a> {
        ReadOptions { format: format.into(), ..self }
    }

    /// Sets which columns, fields or arrays are read: those for whose name in the file this gives the name that they have in
    /// the dataset. What else the file holds need not be numbers. All are read by default.
    pub fn take(self, take: &'a dyn Fn(&str) -> Option<String>) -> ReadOptions<'a> {
        ReadOptions { take: Some(take), ..self }
    }

    /// Sets what becomes of cells without a number.
    pub fn missing(self, missing: Missing) -> ReadOptions<'a> {
        ReadOptions { missing, ..self }
    }

    /// Sets a column of a csv file, by its name in the dataset, whose cells are texts: its numbers are then the places of the texts in
    /// [`Dataset::labels`](super::Dataset::labels).
    pub fn labels(self, column: &'a str) -> ReadOptions<'a> {
        ReadOptions { labels: Some(column), ..self }
    }

    /// Sets how many bytes of memory a file may take for what cannot stay where it is, unpacked, converted or read from a
    /// pipe; 4 GiB by default.
    pub fn memory(self, bytes: u64) -> ReadOptions<'a> {
        ReadOptions { memory: usize::try_from(bytes).unwrap_or(usize::MAX), ..self }
    }

    /// What a column of the file is called in the dataset; `None` if it is not read.
    pub(crate) fn taken(&self, name: &str) -> Option<String> {
        match self.take {
            Some(take) => take(name),
            None => Some(name.to_owned()),
        }
    }
}

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        ReadOptions { format: None, take: None, missing: Missing::Refuse, labels: None, memory: 0 }
            .memory(MEMORY)
    }
}

impl fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReadOptions { format, take, missing, labels, memory } = self;
        f.debug_struct("ReadOptions")
            .field("format", format)
            .field("take", &take.is_some())
            .field("missing", missing)
            .field("labels", labels)
            .field("memory", memory)
            .finish()
    }
}

/// How a file was read that is not in the plain form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// Columns are separated by this character, or by blanks.
    Separator(Option<char>),
    /// Numbers have decimal commas.
    DecimalCommas,
    /// The names of the columns were taken from a comment.
    NamesInComment,
    /// So many lines behind the line of names begin with `#` and were left aside.
    Comments(usize),
    /// So many lines without any number, at the end, were left aside.
    BlankRows(usize),
    /// So many cells without a number have become NaN.
    NoNumbers(usize),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        match *self {
            Remark::Separator(Some('\t')) => f.write_str("columns are separated by tabs"),
            Remark::Separator(Some(c)) => write!(f, "columns are separated by {c:?}"),
            Remark::Separator(None) => f.write_str("columns are separated by blanks"),
            Remark::DecimalCommas => f.write_str("numbers have decimal commas"),
            Remark::NamesInComment => f.write_str("the names of columns are those of the comment"),
            Remark::Comments(n) => write!(f, "{n} comment line{} left aside", plural(n)),
            Remark::BlankRows(n) => write!(f, "{n} line{} without numbers at the end left aside", plural(n)),
            Remark::NoNumbers(n) => write!(f, "{n} cell{} without a number read as NaN", plural(n)),
        }
    }
}

/// Rows without a number in some cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incomplete {
    rows: Vec<usize>,
    first: Vec<IncompleteRow>,
}

/// A row without a number in some cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompleteRow {
    /// The row in the file, counted from 0.
    pub row: usize,
    /// Its line, counted from 1.
    pub line: u64,
    /// The first column without a number, as the file calls it.
    pub column: String,
}

impl Incomplete {
    /// How many rows are described.
    const SHOWN: usize = 100;

    pub(crate) fn push(&mut self, row: usize, describe: impl FnOnce() -> (u64, String)) {
        self.rows.push(row);
        if self.first.len() < Incomplete::SHOWN {
            let (line, column) = describe();
            self.first.push(IncompleteRow { row, line, column });
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// All of them, in the order of the file.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The first of them, with what is missing.
    pub fn first(&self) -> &[IncompleteRow] {
        &self.first
    }

    /// The row in the file that a row of the dataset is.
    pub fn in_file(&self, row: usize) -> usize {
        // With n incomplete rows up to row r of the file, that is row r − n of the dataset.
        let (mut low, mut high) = (0, self.rows.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.rows[middle] - middle <= row { low = middle + 1 } else { high = middle }
        }
        row + low
    }

    /// Moves rows of `width` numbers to their places in the file, from the front of `numbers`, and makes the incomplete ones
    /// NaN. `numbers` has room for all rows.
    pub fn spread<T: nc_runtime::element::Element>(&self, numbers: &mut [T], width: usize) {
        if width == 0 || self.rows.is_empty() {
            return;
        }
        let all = numbers.len() / width;
        let mut complete = all - self.rows.len();
        let mut gaps = self.rows.iter().rev().peekable();
        for row in (0..all).rev() {
            let place = row * width..(row + 1) * width;
            if gaps.next_if_eq(&&row).is_some() {
                numbers[place].fill(T::from_f64(f64::NAN));
            } else {
                complete -= 1;
                numbers.copy_within(complete * width..(complete + 1) * width, place.start);
            }
        }
    }
}
