//! Files that appear whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Seek, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use memmap2::MmapMut;
use nc_runtime::element::Element;
use tempfile::{Builder, NamedTempFile};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::contents::as_numbers;
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

fn write_npy<T: Element>(out: &mut impl Write, array: &NamedArray<'_, T>) -> io::Result<()> {
    let shape: Vec<usize> = array.rows.into_iter().chain(array.form.dims.iter().copied()).collect();
    out.write_all(&npy::write_header::<T>(&shape, array.form.complex))?;
    let mut bytes = Vec::with_capacity(8 * 1024);
    for numbers in array.data.chunks(1024) {
        bytes.clear();
        numbers.iter().for_each(|number| number.write_bytes(&mut bytes));
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn write_npz<T: Element>(out: impl Write + Seek, arrays: &[NamedArray<'_, T>]) -> Result<(), FileProblem> {
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

/// Writes arrays with the same number of rows as csv text: a line of names, then a line for each row.
///
/// # Errors
/// If `out` refuses.
pub fn write_csv<T: Element>(out: &mut impl Write, arrays: &[NamedArray<'_, T>]) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(out);
    for array in arrays {
        for number in 0..array.form.numbers() {
            csv.write_field(element_name(array.name, array.form, number))?;
        }
    }
    csv.write_record(None::<&[u8]>)?;
    let mut text = Vec::new();
    for row in 0..arrays.first().and_then(|array| array.rows).unwrap_or(0) {
        for array in arrays {
            let len = array.form.numbers();
            for number in array.data.get(row * len..(row + 1) * len).unwrap_or_default() {
                text.clear();
                // The shortest text that reads back as the same number.
                write!(text, "{number:?}")?;
                csv.write_field(&text)?;
            }
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}

/// An npy file that is being written in memory.
///
/// The numbers are the mapped file itself, so that results of any size go to disk without passing through other
/// memory. The file appears under its name with [`NpyOutput::finish`]; until then, and if this is dropped before,
/// there is only a temporary file beside it, which is removed.
#[derive(Debug)]
pub struct NpyOutput<T: Element = f64> {
    numbers: PhantomData<T>,
    file: Pending,
    map: MmapMut,
    header: usize,
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
        let path = path.as_ref();
        let form = form.into();
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
        allocate(temporary, bytes as u64).map_err(wrong("make room for"))?;
        // SAFETY: the file is new, and has a name that other programs have no reason to use.
        let mut map = unsafe { MmapMut::map_mut(&*temporary) }.map_err(wrong("map"))?;
        map[..header.len()].copy_from_slice(&header);
        Ok(NpyOutput { numbers: PhantomData, file, map, header: header.len() })
    }

    /// The numbers, in row-major order.
    pub fn numbers_mut(&mut self) -> &mut [T] {
        let bytes = &mut self.map[self.header..];
        debug_assert!(as_numbers::<T>(bytes).is_some(), "headers are as long as a multiple of 64");
        // SAFETY: an element is `f64` or `f32`, and any bytes of its size are valid.
        unsafe { bytes.align_to_mut::<T>() }.1
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// If the system refuses. Then the file does not appear.
    pub fn finish(self) -> Result<(), FileError> {
        drop(self.map);
        self.file.finish()
    }
}

/// Makes a file `len` bytes long, with space on the disk if the system can promise it: writing to a mapped file on a
/// full disk would otherwise kill the process.
fn allocate(file: &fs::File, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let Ok(size) = libc::off_t::try_from(len) else { return Err(io::ErrorKind::FileTooLarge.into()) };
        loop {
            // SAFETY: the descriptor is open.
            match unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, size) } {
                0 => return Ok(()),
                _ => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    // The file system cannot promise.
                    error if error.raw_os_error() == Some(libc::EOPNOTSUPP) => break,
                    error => return Err(error),
                },
            }
        }
    }
    file.set_len(len)
}

/// A temporary file that will replace `path`.
#[derive(Debug)]
struct Pending {
    file: NamedTempFile,
    path: PathBuf,
    /// What `path` leads to, if it is a link.
    target: PathBuf,
}

impl Pending {
    fn create(path: &Path) -> Result<Pending, FileError> {
        let wrong = |action| move |source| FileError::new(path, FileProblem::System { action, source });
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(wrong("find")(error)),
        };
        if fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
            let source = io::Error::other("it is a directory or device");
            return Err(wrong("replace")(source));
        }
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !directory.is_dir() {
            return Err(wrong("create")(io::Error::new(
                io::ErrorKind::NotFound,
                "its directory does not exist",
            )));
        }
        let mut builder = Builder::new();
        builder.prefix(".").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What any new file gets, less what the user's mask takes away.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // The error as it comes names the temporary file, which means nothing to the user.
        let file = builder.tempfile_in(directory).map_err(|error| wrong("create")(error.kind().into()))?;
        Ok(Pending { file, path: path.to_owned(), target })
    }

    fn finish(self) -> Result<(), FileError> {
        let Pending { file, path, target } = self;
        file.persist(target)
            .map_err(|error| FileError::new(&path, FileProblem::system("replace")(error.error)))?;
        Ok(())
    }
}
