//! Batches from and to files of arrays: `.npy`, `.npz` and `.csv`.
//!
//! [`Dataset::open`] reads any of them into named columns, which serve as [`Source`]s of an evaluation; numbers of
//! large npy files are mapped and used where they are. [`ReadOptions`] say which columns are taken and what becomes of
//! cells without a number. [`write_arrays`] writes any of them, and [`NpyOutput`] lets an
//! evaluation write straight into the npy file that it makes.
//!
//! Numbers are binary64 or binary32, as the caller wants them ([`Element`]). For binary64, files of other types are
//! converted if that loses nothing, and refused otherwise. For binary32, numbers of larger types are rounded to it once;
//! [`Dataset::is_rounded`] tells whether that changed any.
//!
//! Files are hostile until proven otherwise: whatever they contain leads to a [`FileError`] or to numbers, with memory
//! in proportion to the size of the file and within a limit ([`ReadOptions::memory`]). A file that is mapped must not be changed or cut short by another program
//! meanwhile; no program that maps files can defend itself against that.

mod contents;
mod csv_file;
mod error;
mod identity;
mod npy;
mod npz;
mod options;
mod output;
mod pending;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use self::contents::{Budget, Contents, as_numbers};
pub use self::error::{FileError, FileProblem, MissingColumn};
pub use self::identity::FileIdentity;
use self::npy::{Array, Numbers};
pub use self::options::{Incomplete, IncompleteRow, Missing, ReadOptions, Remark};
pub use self::output::{
    ArraysOutput, NamedArray, NpyOutput, duplicate_name, write_arrays, write_bytes, write_csv,
};
pub use self::pending::remove_unfinished;
use nc_runtime::batch::Source;
use nc_runtime::element::Element;

/// The formats of array files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One array, possibly structured.
    Npy,
    /// Several named arrays, possibly compressed.
    Npz,
    /// Text with a first line of names.
    Csv,
}

impl Format {
    /// The format that the name of a file stands for, by its ending.
    ///
    /// # Errors
    /// If it ends in none of `.npy`, `.npz` and `.csv`.
    pub fn of_path(path: &Path) -> Result<Format, FileError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "npy" => Ok(Format::Npy),
            "npz" => Ok(Format::Npz),
            "csv" => Ok(Format::Csv),
            _ => Err(FileError::new(path, FileProblem::Format)),
        }
    }

    /// The format that the first bytes of a file show; csv if they show no other.
    fn of_bytes(bytes: &[u8]) -> Format {
        match bytes {
            _ if bytes.starts_with(npy::MAGIC) => Format::Npy,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Format::Npz,
            _ => Format::Csv,
        }
    }
}

/// Arrays with the same number of rows, as read from a file.
#[derive(Debug)]
pub struct Dataset<T: Element = f64> {
    rows: usize,
    fields: Vec<Field>,
    /// The field of each name.
    by_name: HashMap<String, usize>,
    storage: Vec<Storage<T>>,
    rounded: bool,
    positional: bool,
    left_aside: Vec<String>,
    remarks: Vec<Remark>,
    incomplete: Incomplete,
    labels: Vec<String>,
}

/// How the numbers of a row stand together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Form {
    /// The shape of a row: empty for one element.
    pub dims: Vec<usize>,
    /// Whether each element is a complex number: two numbers, the real part first.
    pub complex: bool,
}

impl Form {
    /// How many numbers a row is.
    pub fn numbers(&self) -> usize {
        self.sizes().iter().product()
    }

    /// The shape with the parts of complex numbers as a last dimension.
    fn sizes(&self) -> Vec<usize> {
        self.dims.iter().copied().chain(self.complex.then_some(2)).collect()
    }
}

impl From<&[usize]> for Form {
    fn from(dims: &[usize]) -> Form {
        Form { dims: dims.to_vec(), complex: false }
    }
}

impl<const N: usize> From<&[usize; N]> for Form {
    fn from(dims: &[usize; N]) -> Form {
        Form::from(dims.as_slice())
    }
}

/// An array of an npz file by itself, whatever the others are.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeArray<T = f64> {
    /// Its name.
    pub name: String,
    /// Its shape; empty for one number.
    pub form: Form,
    /// Its numbers, in row-major order, parts of complex numbers one after the other.
    pub data: Vec<T>,
}

/// Reads all arrays of an npz file, each with its own shape.
///
/// # Errors
/// As for [`Dataset::open`], and for a file of another format.
pub fn read_whole_arrays<T: Element>(path: impl AsRef<Path>) -> Result<Vec<WholeArray<T>>, FileError> {
    let path = path.as_ref();
    if !matches!(Format::of_path(path), Ok(Format::Npz)) {
        return Err(FileError::new(path, FileProblem::NotNpz));
    }
    let options = ReadOptions::default();
    let budget = Budget::new(options.memory);
    let (contents, _) = Contents::of_file(path, Some(Format::Npz), &budget)?;
    npz::read_whole(path, &contents, &options, &budget)
}

/// One array of a [`Dataset`]: an array of an npz file, a field of a structured npy file, a column of a csv file, or
/// a whole plain npy file.
#[derive(Debug, Clone)]
pub struct Field {
    name: String,
    /// Whether it is one value for all rows: an array without dimensions.
    single: bool,
    form: Form,
    storage: usize,
    layout: Layout,
}

impl Field {
    /// The array's name; `None` for a plain npy file.
    pub fn name(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(&self.name)
    }

    /// What a row is.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// Whether it is one value for all rows: an array of an npz file without dimensions.
    pub fn is_single(&self) -> bool {
        self.single
    }

    /// What a column without a name is called where it is left aside.
    fn nameless(column: usize) -> String {
        format!("column {} (it has no name)", column + 1)
    }

    /// Numbers of a row.
    pub fn numbers(&self) -> usize {
        self.form.numbers()
    }
}

/// Where the numbers of a field are.
#[derive(Debug)]
enum Storage<T: Element> {
    Owned(Vec<T>),
    /// From byte `start` on; checked to be aligned.
    InFile {
        contents: Contents,
        start: usize,
    },
}

impl<T: Element> Storage<T> {
    fn numbers(&self) -> &[T] {
        match self {
            Storage::Owned(numbers) => numbers,
            Storage::InFile { contents, start } => {
                as_numbers(&contents.bytes()[*start..]).unwrap_or_default()
            }
        }
    }
}

/// The places of a field's numbers in its storage.
#[derive(Debug, Clone)]
struct Layout {
    /// Of the first element of row 0.
    start: usize,
    /// From a row to the next.
    row: usize,
    /// From an element to the next, for each dimension of a row.
    dimensions: Vec<usize>,
}

impl Layout {
    /// A plain array, all its memory.
    fn whole(rows: usize, shape: &[usize], fortran_order: bool) -> Layout {
        if !fortran_order {
            return Layout::rows_apart(shape.iter().product(), 0, shape);
        }
        let dimensions = shape.iter().scan(rows, |stride, size| {
            let this = *stride;
            *stride *= size;
            Some(this)
        });
        Layout { start: 0, row: 1, dimensions: dimensions.collect() }
    }

    /// Rows whose elements stand together, in row-major order.
    fn rows_apart(row: usize, start: usize, shape: &[usize]) -> Layout {
        let mut dimensions = vec![1; shape.len()];
        for i in (1..shape.len()).rev() {
            dimensions[i - 1] = dimensions[i] * shape[i];
        }
        Layout { start, row, dimensions }
    }

    /// This layout where each element is so many numbers.
    fn of_parts(mut self, parts: usize) -> Layout {
        if parts > 1 {
            [&mut self.start, &mut self.row]
                .into_iter()
                .chain(&mut self.dimensions)
                .for_each(|step| *step *= parts);
            self.dimensions.push(1);
        }
        self
    }

    /// The place of an element of row 0, given by its row-major number.
    fn place(&self, shape: &[usize], mut element: usize) -> usize {
        let mut place = self.start;
        for (size, stride) in shape.iter().zip(&self.dimensions).rev() {
            place += element % size * stride;
            element /= size;
        }
        place
    }
}

impl<T: Element> Dataset<T> {
    fn new(rows: usize, fields: Vec<Field>, storage: Vec<Storage<T>>, rounded: bool) -> Dataset<T> {
        let by_name = fields.iter().enumerate().map(|(k, field)| (field.name.clone(), k)).collect();
        Dataset {
            rows,
            fields,
            by_name,
            storage,
            rounded,
            positional: false,
            left_aside: Vec::new(),
            remarks: Vec::new(),
            incomplete: Incomplete::default(),
            labels: Vec::new(),
        }
    }

    /// Reads a whole file in the format that its name ends in.
    ///
    /// # Errors
    /// If the file cannot be read, or is not what it should be; see [`FileProblem`].
    pub fn open(path: impl AsRef<Path>) -> Result<Dataset<T>, FileError> {
        Dataset::open_with(path, &ReadOptions::default())
    }

    /// Reads a whole file in the given format, whatever its name.
    ///
    /// # Errors
    /// As for [`Dataset::open`].
    pub fn open_as(path: impl AsRef<Path>, format: Format) -> Result<Dataset<T>, FileError> {
        Dataset::open_with(path, &ReadOptions::default().format(format))
    }

    /// Reads a file as the options say. Without a format there, the ending of the file's name says it, or for what is no
    /// file, such as a pipe, its first bytes.
    ///
    /// # Errors
    /// As for [`Dataset::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions<'_>) -> Result<Dataset<T>, FileError> {
        let path = path.as_ref();
        let by_name = Format::of_path(path);
        let format = match (options.format, by_name) {
            (Some(format), _) | (None, Ok(format)) => Some(format),
            (None, Err(error)) if path.is_file() => return Err(error),
            (None, Err(_)) => None,
        };
        let budget = Budget::new(options.memory);
        let (contents, format) = Contents::of_file(path, format, &budget)?;
        Dataset::from_contents(path, contents, format, options, &budget)
    }

    /// Reads what comes from elsewhere, such as standard input; `name` stands for it in errors. Without a format in the
    /// options, the first bytes say it.
    ///
    /// # Errors
    /// As for [`Dataset::open`].
    pub fn from_reader(
        name: &str,
        reader: impl Read,
        options: &ReadOptions<'_>,
    ) -> Result<Dataset<T>, FileError> {
        let path = Path::new(name);
        let budget = Budget::new(options.memory);
        let (contents, format) = Contents::of_reader(reader, options.format, &budget)
            .map_err(|problem| FileError::new(path, problem))?;
        Dataset::from_contents(path, contents, format, options, &budget)
    }

    fn from_contents(
        path: &Path,
        contents: Contents,
        format: Format,
        options: &ReadOptions<'_>,
        budget: &Budget,
    ) -> Result<Dataset<T>, FileError> {
        match format {
            Format::Csv => csv_file::read(path, &contents, options, budget),
            Format::Npz => npz::read(path, &contents, options, budget),
            Format::Npy => {
                let array = npy::read::<T>(contents.bytes(), options, budget).map_err(|refused| {
                    FileError { path: path.to_owned(), array: refused.field, problem: refused.problem }
                })?;
                let Array { rows, fields, numbers, rounded, left_aside } = array;
                if fields.iter().any(|field| field.single) {
                    return Err(FileError::new(path, FileProblem::NoRows));
                }
                let positional = fields.iter().any(|field| field.name.is_empty());
                let storage = match numbers {
                    Numbers::InPlace(start) => Storage::InFile { contents, start },
                    Numbers::Converted(numbers) => Storage::Owned(numbers),
                };
                let dataset = Dataset::new(rows, fields, vec![storage], rounded);
                Ok(Dataset { positional, left_aside, ..dataset })
            }
        }
    }

    /// The texts of the column that [`ReadOptions::labels`] names, in increasing order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Whether the columns have no names, but an order: those of a plain npy file.
    pub fn is_positional(&self) -> bool {
        self.positional
    }

    /// Names of the columns and arrays that were not wanted, in the order of the file.
    pub fn left_aside(&self) -> &[String] {
        &self.left_aside
    }

    /// How the file was read, where that is not as anyone would expect.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Rows of the file without a number in some cell, which are not among those of this dataset; see
    /// [`Missing::FailRow`].
    pub fn incomplete(&self) -> &Incomplete {
        &self.incomplete
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|&k| &self.fields[k])
    }

    /// The numbers of one row of a field, parts of complex numbers one after the other.
    pub fn row_of(&self, field: &Field, row: usize) -> Vec<T> {
        self.columns(field).flat_map(|column| column.row(row).to_vec()).collect()
    }

    /// Whether numbers were changed when they were rounded to the element type.
    pub fn is_rounded(&self) -> bool {
        self.rounded
    }

    /// How many rows every array has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The arrays, in the order of the file.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The columns of one field of this dataset, in row-major order of its elements.
    pub fn columns<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = Source<'a, T>> {
        (0..field.numbers()).map(|number| self.column(field, number))
    }

    /// All columns of all fields in order, as inputs of a program take them by position.
    pub fn all_columns(&self) -> impl Iterator<Item = Source<'_, T>> {
        self.fields.iter().flat_map(|field| self.columns(field))
    }

    /// The columns of the input `name` with rows of this form, in row-major order of its elements.
    ///
    /// It is the field of that name, or for other than one real number the fields that [`element_name`] says, as csv
    /// files have them. Dimensions of size 1 make no difference between shapes.
    ///
    /// # Errors
    /// If there is no such field, or it has rows of another form.
    pub fn find(&self, name: &str, form: impl Into<Form>) -> Result<Vec<Source<'_, T>>, MissingColumn> {
        let form = form.into();
        let by_name = |name: &str| self.field(name);
        if let Some(field) = by_name(name) {
            let wide = |shape: &[usize]| shape.iter().copied().filter(|&size| size != 1).collect::<Vec<_>>();
            if wide(&field.form.dims) != wide(&form.dims) {
                let (expected, found) = (form.dims, field.form.dims.clone());
                return Err(MissingColumn::Shape { name: name.to_owned(), expected, found });
            }
            if field.form.complex != form.complex {
                return Err(MissingColumn::Numbers { name: name.to_owned(), complex: field.form.complex });
            }
            return Ok(self.columns(field).collect());
        }
        let mut columns = Vec::new();
        // One missing element ends the search, so that a huge shape costs no more than the file's columns.
        for number in 0..form.numbers() {
            if form == Form::default() {
                break;
            }
            let name = element_name(name, &form, number);
            match by_name(&name).filter(|field| field.numbers() == 1) {
                Some(field) => columns.push(self.column(field, 0)),
                None if number == 0 => break,
                None => return Err(self.missing(&name)),
            }
        }
        if columns.is_empty() { Err(self.missing(name)) } else { Ok(columns) }
    }

    fn missing(&self, name: &str) -> MissingColumn {
        let available = self.fields.iter().filter_map(Field::name).take(20).map(str::to_owned).collect();
        MissingColumn::Name { name: name.to_owned(), available }
    }

    fn column(&self, field: &Field, number: usize) -> Source<'_, T> {
        let numbers = self.storage.get(field.storage).map_or(&[][..], Storage::numbers);
        // Without rows there is nothing behind the place of the first.
        let data = numbers.get(field.layout.place(&field.form.sizes(), number)..).unwrap_or_default();
        if field.single {
            return Source::Constant(data.first().copied().unwrap_or_default());
        }
        match field.layout.row {
            1 => Source::Column(data.get(..self.rows).unwrap_or_default()),
            row_stride => Source::Matrix { data, columns: 1, row_stride },
        }
    }
}

/// What a single number of a row is called, as in `r[2]`, `A[0,1]`, `z.re`.
pub fn element_name(name: &str, form: &Form, number: usize) -> String {
    let (mut element, part) = match form.complex {
        true => (number / 2, [".re", ".im"][number % 2]),
        false => (number, ""),
    };
    let mut indices = Vec::new();
    for size in form.dims.iter().rev() {
        indices.push((element % size).to_string());
        element /= size;
    }
    indices.reverse();
    if indices.is_empty() { format!("{name}{part}") } else { format!("{name}[{}]{part}", indices.join(",")) }
}
