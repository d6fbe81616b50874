//! What can be wrong with array files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file of arrays could not be read or written: which file, which array in it if there are several, and why.
#[derive(Debug, Error)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The array in it, if it is one of several.
    pub array: Option<String>,
    /// What is wrong.
    #[source]
    pub problem: FileProblem,
}

impl FileError {
    pub(crate) fn new(path: &Path, problem: impl Into<FileProblem>) -> FileError {
        FileError { path: path.to_owned(), array: None, problem: problem.into() }
    }

    pub(crate) fn in_array(path: &Path, array: &str, problem: impl Into<FileProblem>) -> FileError {
        FileError { path: path.to_owned(), array: Some(array.to_owned()), problem: problem.into() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(array) = &self.array {
            write!(f, ", array {array:?}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What is wrong with a file of arrays. Rows, columns and bytes are counted from 0, lines from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// The system could not do something with the file.
    #[error("cannot {action} the file: {source}")]
    System {
        /// What was tried, as a verb.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The file's name does not end in one of the formats that are known.
    #[error("the name of the file has to end in .npy, .npz or .csv")]
    Format,
    /// Arrays with shapes of their own in a file that is no npz file.
    #[error("the name of the file has to end in .npz: it holds arrays, each with its own shape")]
    NotNpz,
    /// There is not enough memory for the file's contents.
    #[error("{bytes} bytes of memory could not be allocated")]
    OutOfMemory {
        /// The size that was needed.
        bytes: usize,
    },

    /// What has to be unpacked, converted or read from a pipe is more than it may be: [`ReadOptions::memory`](super::ReadOptions::memory).
    #[error("{bytes} more bytes of memory are needed, and {limit} are allowed in all")]
    Memory {
        /// What was needed next.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A device, which may have no end.
    #[error("it is a device, which may have no end")]
    Device,

    /// The file does not start as npy files do.
    #[error("this is no npy file: it does not start with \\x93NUMPY")]
    Magic,
    /// A version of the npy format that is not known.
    #[error("the version {major}.{minor} of the npy format is not known")]
    Version {
        /// The first version number.
        major: u8,
        /// The second.
        minor: u8,
    },
    /// The file ends within its header, or the header is beyond all measure.
    #[error("the header is said to have {declared} bytes; {possible} are possible")]
    HeaderLength {
        /// The length that the file declares.
        declared: usize,
        /// How many bytes there are, or the largest length that is accepted.
        possible: usize,
    },
    /// The header is not a dictionary of the required form.
    #[error("the header is malformed at byte {at} of the file: {expected} expected")]
    Header {
        /// Where in the file.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The header lacks an entry, or has it twice.
    #[error("the header must have exactly one entry {key:?}")]
    HeaderEntry {
        /// The key.
        key: &'static str,
    },
    /// Elements of a type that has no exact value in binary64.
    #[error("elements of type {dtype:?} cannot be read: {reason}")]
    ElementType {
        /// The type as the file spells it.
        dtype: String,
        /// Why not.
        reason: &'static str,
    },
    /// Two fields of a structured array, or columns of a csv file, have the same name.
    #[error("the name {name:?} stands for two columns")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// An array without dimensions.
    #[error("the array is a single number; it needs a dimension of rows")]
    NoRows,
    /// An array with rows of no elements.
    #[error("the rows of the array have no elements (its shape is {shape:?})")]
    EmptyRows {
        /// The array's shape.
        shape: Vec<usize>,
    },
    /// A shape beyond any memory.
    #[error("an array of shape {shape:?} is too large for any memory")]
    TooLarge {
        /// The array's shape.
        shape: Vec<usize>,
    },
    /// The array is not as long as its shape says.
    #[error("an array of shape {shape:?} needs {needed} bytes of data; there are {found}")]
    DataLength {
        /// The array's shape.
        shape: Vec<usize>,
        /// The bytes that the shape needs.
        needed: usize,
        /// The bytes behind the header.
        found: usize,
    },
    /// An integer that binary64 cannot represent.
    #[error("the integer {value} in row {row}, element {element} has no exact binary64 value")]
    InexactInteger {
        /// The row.
        row: usize,
        /// The element of the row, in row-major order.
        element: usize,
        /// The integer.
        value: i128,
    },

    /// The archive is damaged, or uses what is not supported.
    #[error("the archive cannot be read: {message}")]
    Archive {
        /// What is wrong.
        message: String,
    },
    /// The archive holds no arrays.
    #[error("the archive holds no arrays")]
    NoArrays,
    /// An entry of an archive is not as long as its header, or the archive, says.
    #[error("its header needs {needed} bytes, and it unpacks to {found}")]
    EntryLength {
        /// By the header of the array.
        needed: usize,
        /// By the archive.
        found: u64,
    },
    /// An archive of single numbers, which are no rows.
    #[error("all arrays that are needed are single numbers; one at least needs a dimension of rows")]
    NoRowsAtAll,
    /// A structured array where a plain one is needed.
    #[error("a structured array cannot be one of several arrays")]
    StructuredEntry,
    /// Arrays of one batch have different numbers of rows.
    #[error("the array has {rows} rows, but {other:?} has {other_rows}")]
    RowCounts {
        /// Rows of this array.
        rows: usize,
        /// An earlier array.
        other: String,
        /// Its rows.
        other_rows: usize,
    },

    /// A csv file without a line of names.
    #[error("the first line must name the columns, such as x,y")]
    NoNames,
    /// A line with too many or too few fields.
    #[error("line {line} has {found} fields where the line of names has {expected}")]
    FieldCount {
        /// The line in which the record starts.
        line: u64,
        /// Columns of the file.
        expected: usize,
        /// Fields of the record.
        found: usize,
    },
    /// A field that is no number.
    #[error("line {line}, column {} ({name:?}): {text:?} is not a number{}", column + 1, hint(text))]
    NotANumber {
        /// The line in which the record starts.
        line: u64,
        /// The column, counted from 0; the message counts from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The field, or how it starts.
        text: String,
    },
    /// A field that says that there is no number, where that is refused: [`Missing::Refuse`](super::Missing::Refuse).
    #[error("line {line}, column {} ({name:?}) has no number, but {text:?}", column + 1)]
    NoNumber {
        /// The line in which the record starts.
        line: u64,
        /// The column, counted from 0; the message counts from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// What stands there.
        text: Box<str>,
    },
    /// Numbers with a decimal comma and others with a decimal point.
    #[error(
        "line {comma} has a decimal comma and line {point} a decimal point; write all numbers with a point"
    )]
    MixedMarks {
        /// The line of a number with a comma.
        comma: u64,
        /// The line of a number with a point.
        point: u64,
    },
    /// A line that is not UTF-8 text.
    #[error("line {line}, column {} is not UTF-8 text; save the file in UTF-8", column + 1)]
    NotText {
        /// The line in which the record starts.
        line: u64,
        /// The column, counted from 0; the message counts from 1.
        column: usize,
    },

    /// Data to be written does not have the length that its shape needs.
    #[error("{rows} rows of shape {shape:?} need {expected} numbers; there are {found}")]
    WrittenLength {
        /// The rows.
        rows: usize,
        /// The shape of a row.
        shape: Vec<usize>,
        /// Numbers needed.
        expected: usize,
        /// Numbers given.
        found: usize,
    },
    /// An npy file was asked to hold several arrays, or none.
    #[error("an npy file holds exactly one array, not {count}; use npz")]
    ArrayCount {
        /// How many arrays there are.
        count: usize,
    },
}

impl FileProblem {
    pub(crate) fn element_type(dtype: &str, reason: &'static str) -> FileProblem {
        FileProblem::ElementType { dtype: dtype.chars().take(40).collect(), reason }
    }

    pub(crate) fn system(action: &'static str) -> impl FnOnce(io::Error) -> FileProblem {
        move |source| FileProblem::System { action, source }
    }
}

/// An input is not among the arrays of a dataset (the caller's mistake, or the file's).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MissingColumn {
    /// No array or column has the name.
    #[error("there is no column {name:?}; there are {}", list(available))]
    Name {
        /// The name that was looked for.
        name: String,
        /// The names that there are (at most 20).
        available: Vec<String>,
    },
    /// The array has rows of another shape.
    #[error("{name:?} has rows of shape {found:?} where {expected:?} is needed")]
    Shape {
        /// The name.
        name: String,
        /// The shape that was looked for.
        expected: Vec<usize>,
        /// The shape that there is.
        found: Vec<usize>,
    },
    /// The array is complex and the input real, or the other way round.
    #[error("{name:?} is {}", if *complex { "complex, and the input is real" } else { "real, and the input is complex" })]
    Numbers {
        /// The name.
        name: String,
        /// Whether the array is complex.
        complex: bool,
    },
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none with a name".to_owned(),
        _ => names.join(", "),
    }
}

/// What else there is to say about a cell that is no number.
fn hint(cell: &str) -> &'static str {
    let commas = cell.bytes().filter(|&byte| byte == b',').count();
    let digits = cell.bytes().any(|byte| byte.is_ascii_digit());
    let only = |extra: &str| cell.chars().all(|c| c.is_ascii_digit() || extra.contains(c));
    if digits && commas == 1 && only("+-,eE") {
        "; a comma may be a decimal comma or part thousands: write a point, or none"
    } else if digits && commas > 0 && only("+-,.eE")
        || digits && only("+-,.'\u{a0}\u{202f} ") && cell.contains(char::is_whitespace)
    {
        "; write it without marks between thousands"
    } else if digits && cell.ends_with('%') {
        "; write it as a fraction, without %"
    } else if digits && cell.trim_end_matches(')').ends_with(['i', 'j']) {
        "; the parts of complex numbers are columns z.re and z.im"
    } else if digits && (cell.contains(':') || cell.matches(['-', '/']).count() == 2) {
        "; write dates and times as numbers"
    } else if !digits && cell.chars().all(|c| !c.is_ascii_digit()) {
        "; if the line holds units or more names, take it out or begin it with #"
    } else {
        ""
    }
}
