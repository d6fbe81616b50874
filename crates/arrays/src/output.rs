//! Arrays on their way into files.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use memmap2::MmapMut;
use nc_runtime::element::Element;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::contents::as_numbers;
use super::csv_file::plain;
use super::pending::Pending;
use super::{FileError, FileProblem, Form, Format, element_name, npy};

/// An array to be written.
#[derive(Debug, Clone, Copy)]
pub struct NamedArray<'a, T = f64> {
    /// Its name, in formats that have names.
    pub name: &'a str,
    /// How many rows; `None` for one value without rows, which only npz files can hold.
    pub rows: Option<usize>,
    /// What a row is.
    pub form: &'a Form,
    /// The numbers, in row-major order.
    pub data: &'a [T],
}

/// Writes arrays to a file in the format that its name ends in.
///
/// The file replaces an earlier one once it is complete; on an error that one stays, and nothing new is left behind.
///
/// # Errors
/// As for [`ArraysOutput::create`] and [`ArraysOutput::write`].
pub fn write_arrays<T: Element>(
    path: impl AsRef<Path>,
    arrays: &[NamedArray<'_, T>],
) -> Result<(), FileError> {
    let mut output = ArraysOutput::create(path)?;
    output.write(arrays)?;
    output.finish()
}

/// A file of arrays that appears under its name with [`ArraysOutput::finish`].
///
/// Making it before the arrays are computed finds out early whether it can be written at all. If this is dropped, there
/// is no new file.
#[derive(Debug)]
pub struct ArraysOutput {
    file: Pending,
    format: Format,
}

impl ArraysOutput {
    /// Starts a file in the format that its name ends in.
    ///
    /// # Errors
    /// If the name ends in no known format, or the system refuses.
    pub fn create(path: impl AsRef<Path>) -> Result<ArraysOutput, FileError> {
        let path = path.as_ref();
        let format = Format::of_path(path)?;
        Ok(ArraysOutput { file: Pending::create(path)?, format })
    }

    /// Writes all arrays, once.
    ///
    /// npy holds exactly one array, and no name. csv has a column for each element, called as [`element_name`] says.
    ///
    /// # Errors
    /// If the arrays do not fit the format, or the system refuses.
    pub fn write<T: Element>(&mut self, arrays: &[NamedArray<'_, T>]) -> Result<(), FileError> {
        let ArraysOutput { file, format } = self;
        let path = file.path.as_path();
        for array in arrays {
            let wrong = |problem| FileError::in_array(path, array.name, problem);
            if array.rows.is_none() && *format != Format::Npz {
                return Err(wrong(FileProblem::NoRows));
            }
            let rows = array.rows.unwrap_or(1);
            let sizes = array.form.sizes();
            let elements = sizes.iter().try_fold(rows, |product, &size| product.checked_mul(size));
            if elements != Some(array.data.len()) {
                return Err(wrong(FileProblem::WrittenLength {
                    rows,
                    shape: sizes,
                    expected: elements.unwrap_or(usize::MAX),
                    found: array.data.len(),
                }));
            }
        }
        if let Some(array) =
            arrays.iter().find(|array| *format != Format::Npz && array.rows != arrays[0].rows)
        {
            let (rows, other_rows) = (array.rows.unwrap_or(1), arrays[0].rows.unwrap_or(1));
            let other = arrays[0].name.to_owned();
            let problem = FileProblem::RowCounts { rows, other, other_rows };
            return Err(FileError::in_array(path, array.name, problem));
        }
        if let Some(name) = duplicate_name(*format, arrays.iter().map(|array| (array.name, array.form))) {
            return Err(FileError::new(path, FileProblem::DuplicateName { name }));
        }
        let mut out = BufWriter::new(file.file.as_file_mut());
        let written = match (*format, arrays) {
            (Format::Npy, [array]) => write_npy(&mut out, array).map_err(FileProblem::system("write")),
            (Format::Npy, _) => Err(FileProblem::ArrayCount { count: arrays.len() }),
            (Format::Npz, _) => write_npz(&mut out, arrays),
            (Format::Csv, _) => write_csv(&mut out, arrays).map_err(FileProblem::system("write")),
        };
        written
            .and_then(|()| out.flush().map_err(FileProblem::system("write")))
            .map_err(|problem| FileError::new(path, problem))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// If the system refuses. Then the file does not appear.
    pub fn finish(self) -> Result<(), FileError> {
        self.file.finish()
    }
}

/// Writes a file of text, or other bytes, that replaces an earlier one once it is complete.
///
/// # Errors
/// If the system refuses. Then an earlier file stays.
pub fn write_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), FileError> {
    let path = path.as_ref();
    let mut file = Pending::create(path)?;
    let written = file.file.as_file_mut().write_all(bytes);
    written.map_err(|error| FileError::new(path, FileProblem::system("write")(error)))?;
    file.finish()
}

fn write_npy<T: Element>(out: &mut impl Write, array: &NamedArray<'_, T>) -> io::Result<()> {
    let shape: Vec<usize> = array.rows.into_iter().chain(array.form.dims.iter().copied()).collect();
    out.write_all(&npy::write_header::<T>(&shape, array.form.complex))?;
    write_numbers(out, array.data)
}

fn write_numbers<T: Element>(out: &mut impl Write, numbers: &[T]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(8 * 1024);
    for numbers in numbers.chunks(1024) {
        bytes.clear();
        numbers.iter().for_each(|number| number.write_bytes(&mut bytes));
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn write_npz<T: Element>(out: impl Write + Seek, arrays: &[NamedArray<'_, T>]) -> Result<(), FileProblem> {
    let mut out = Latch { out, at: 0, end: 0, error: None };
    let written = write_entries(&mut out, arrays);
    match out.error.take() {
        Some(error) => Err(FileProblem::system("write")(error)),
        None => written,
    }
}

fn write_entries<T: Element>(
    out: &mut (impl Write + Seek),
    arrays: &[NamedArray<'_, T>],
) -> Result<(), FileProblem> {
    let mut zip = ZipWriter::new(out);
    for array in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(array.data.len() >= u32::MAX as usize / size_of::<T>() - 1024);
        zip.start_file(format!("{}.npy", array.name), options)?;
        write_npy(&mut zip, array).map_err(FileProblem::system("write"))?;
    }
    zip.finish()?.flush().map_err(FileProblem::system("write"))
}

/// A file that keeps its first error to itself and then takes everything: a writer of archives that is dropped tries to
/// finish, and prints what it is told.
struct Latch<W> {
    out: W,
    at: u64,
    end: u64,
    error: Option<io::Error>,
}

impl<W: Write> Write for Latch<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = bytes.len();
        if self.error.is_none() {
            match self.out.write(bytes) {
                Ok(0) if !bytes.is_empty() => self.error = Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => written = count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => self.error = Some(error),
            }
        }
        self.at += written as u64;
        self.end = self.end.max(self.at);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.error.is_none() {
            self.error = self.out.flush().err();
        }
        Ok(())
    }
}

impl<W: Seek> Seek for Latch<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.end, by),
        };
        self.at = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        if self.error.is_none() {
            self.error = self.out.seek(SeekFrom::Start(self.at)).err();
        }
        Ok(self.at)
    }
}

/// Writes arrays with the same number of rows as csv text: a line of names, then a line for each row.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv<T: Element>(out: &mut impl Write, arrays: &[NamedArray<'_, T>]) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(out);
    for array in arrays {
        for number in 0..array.form.numbers() {
            csv.write_field(element_name(array.name, array.form, number)).map_err(plain)?;
        }
    }
    csv.write_record(None::<&[u8]>).map_err(plain)?;
    let mut text = Vec::new();
    for row in 0..arrays.first().and_then(|array| array.rows).unwrap_or(0) {
        for array in arrays {
            let len = array.form.numbers();
            for number in array.data.get(row * len..(row + 1) * len).unwrap_or_default() {
                text.clear();
                // The shortest text that reads back as the same number.
                write!(text, "{number:?}")?;
                csv.write_field(&text).map_err(plain)?;
            }
        }
        csv.write_record(None::<&[u8]>).map_err(plain)?;
    }
    csv.flush()
}

/// The name that two columns of a csv file, or two arrays of an npz file, would have.
pub fn duplicate_name<'a>(
    format: Format,
    arrays: impl IntoIterator<Item = (&'a str, &'a Form)>,
) -> Option<String> {
    let mut seen = HashSet::new();
    let mut arrays = arrays.into_iter();
    match format {
        Format::Npy => None,
        Format::Npz => arrays.map(|(name, _)| name.to_owned()).find(|name| !seen.insert(name.clone())),
        Format::Csv => arrays.find_map(|(name, form)| {
            let names = (0..form.numbers()).map(|number| element_name(name, form, number));
            names.into_iter().find(|name| !seen.insert(name.clone()))
        }),
    }
}

/// An npy file that is being written in memory.
///
/// The numbers are the mapped file itself, so that results of any size go to disk without passing through other
/// memory. Where the file system cannot promise that there is space for all of them, they stand in memory of their own
/// until the file is finished: a mapped file on a full disk would end the process. The file appears under its name with
/// [`NpyOutput::finish`]; until then, and if this is dropped before, there is only a temporary file beside it, which is
/// removed.
#[derive(Debug)]
pub struct NpyOutput<T: Element = f64> {
    file: Pending,
    numbers: Backing<T>,
}

/// Where numbers are until a file is finished.
#[derive(Debug)]
enum Backing<T> {
    /// In the file, behind so many bytes.
    Mapped(MmapMut, usize),
    /// In memory; the header is not written yet.
    Memory(Vec<T>, Vec<u8>),
}

impl<T: Element> NpyOutput<T> {
    /// Makes room for `rows` rows of this form. All numbers are 0 at first.
    ///
    /// # Errors
    /// If the system refuses; above all, if there is not enough space on the disk.
    pub fn create(
        path: impl AsRef<Path>,
        rows: usize,
        form: impl Into<Form>,
    ) -> Result<NpyOutput<T>, FileError> {
        NpyOutput::create_by(path.as_ref(), rows, &form.into(), allocate)
    }

    /// Makes room by a function that says whether the space is promised.
    pub(crate) fn create_by(
        path: &Path,
        rows: usize,
        form: &Form,
        allocate: impl Fn(&fs::File, u64) -> io::Result<bool>,
    ) -> Result<NpyOutput<T>, FileError> {
        let header = npy::write_header::<T>(&[&[rows], form.dims.as_slice()].concat(), form.complex);
        let sizes = form.sizes();
        let bytes = sizes
            .iter()
            .chain(&[size_of::<T>()])
            .try_fold(rows, |product, &size| product.checked_mul(size))
            .and_then(|bytes| bytes.checked_add(header.len()))
            .filter(|&bytes| bytes <= isize::MAX as usize);
        let Some(bytes) = bytes else {
            let shape = [&[rows], sizes.as_slice()].concat();
            return Err(FileError::new(path, FileProblem::TooLarge { shape }));
        };
        let mut file = Pending::create(path)?;
        let wrong = |action| move |source| FileError::new(path, FileProblem::System { action, source });
        let temporary = file.file.as_file_mut();
        let numbers = if allocate(temporary, bytes as u64).map_err(wrong("make room for"))? {
            // SAFETY: the file is new, and has a name that other programs have no reason to use.
            let mut map = unsafe { MmapMut::map_mut(&*temporary) }.map_err(wrong("map"))?;
            map[..header.len()].copy_from_slice(&header);
            Backing::Mapped(map, header.len())
        } else {
            let len = (bytes - header.len()) / size_of::<T>();
            let mut numbers = Vec::new();
            let reserved = numbers.try_reserve_exact(len);
            reserved.map_err(|_| FileError::new(path, FileProblem::OutOfMemory { bytes }))?;
            numbers.resize(len, T::default());
            Backing::Memory(numbers, header)
        };
        Ok(NpyOutput { file, numbers })
    }

    /// The numbers, in row-major order.
    pub fn numbers_mut(&mut self) -> &mut [T] {
        match &mut self.numbers {
            Backing::Mapped(map, header) => {
                let bytes = &mut map[*header..];
                debug_assert!(as_numbers::<T>(bytes).is_some(), "headers are as long as a multiple of 64");
                // SAFETY: an element is `f64` or `f32`, and any bytes of its size are valid.
                unsafe { bytes.align_to_mut::<T>() }.1
            }
            Backing::Memory(numbers, _) => numbers,
        }
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// If the system refuses. Then the file does not appear.
    pub fn finish(self) -> Result<(), FileError> {
        let NpyOutput { mut file, numbers } = self;
        match numbers {
            Backing::Mapped(map, _) => drop(map),
            Backing::Memory(numbers, header) => {
                let mut out = BufWriter::new(file.file.as_file_mut());
                let written = out.write_all(&header).and_then(|()| write_numbers(&mut out, &numbers));
                let written = written.and_then(|()| out.flush());
                drop(out);
                written.map_err(|source| {
                    FileError::new(&file.path, FileProblem::System { action: "write", source })
                })?;
            }
        }
        file.finish()
    }
}

/// Makes a file `len` bytes long, if the system promises space on the disk for all of them; tells whether it does.
fn allocate(file: &fs::File, len: u64) -> io::Result<bool> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let Ok(size) = libc::off_t::try_from(len) else { return Err(io::ErrorKind::FileTooLarge.into()) };
        loop {
            // SAFETY: the descriptor is open.
            match unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, size) } {
                0 => return Ok(true),
                _ => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    // The file system cannot promise.
                    error if error.raw_os_error() == Some(libc::EOPNOTSUPP) => return Ok(false),
                    error => return Err(error),
                },
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, len);
        Ok(false)
    }
}
