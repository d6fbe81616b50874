//! Results on their way to files.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::path::Path;

use nc_arrays::{ArraysOutput, Form, Format, Incomplete, NamedArray, NpyOutput, duplicate_name, write_csv};
use nc_runtime::batch::{self, Batch, Report, Sink, Workspace};
use nc_runtime::element::Element;
use neural_compiler::{Kernel, Mode, OutputInfo};

use super::Args;
use super::columns::Columns;
use super::progress::Progress;
use crate::derivatives::{Kind, Part, numbers_of_row, params, parts, value_name, values};
use crate::limits;
use crate::report::{Failure, eprint_lines, printable, printable_name};
use crate::text;
use crate::{Loaded, print};

/// Rows that go to a terminal.
const TERMINAL_ROWS: usize = 20;

/// So many rows without a value are listed at the most.
const MOST_VALUELESS: usize = 20;

/// Rows without a value.
#[derive(Default)]
pub struct Valueless {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<usize>,
}

/// Whether the program is a tree over the extended real numbers.
pub fn extended(loaded: &Loaded) -> bool {
    loaded.dialect.mode() == Some(Mode::Extended)
}

/// Where numbers go.
enum Store<T: Element> {
    /// Nowhere.
    Discard(usize),
    /// Into memory, row-major with so many columns.
    Memory(Vec<T>, usize),
    /// Into the file itself.
    Npy(NpyOutput<T>, usize),
}

impl<T: Element> Store<T> {
    fn memory(rows: usize, columns: usize) -> Result<Store<T>, Failure> {
        Ok(Store::Memory(zeros(rows, columns)?, columns))
    }

    /// Where the first `rows` rows go.
    fn sink(&mut self, rows: usize) -> Sink<'_, T> {
        let (data, columns) = match self {
            Store::Discard(columns) => return Sink::Discard { columns: *columns },
            Store::Memory(data, columns) => (data.as_mut_slice(), *columns),
            Store::Npy(output, columns) => (output.numbers_mut(), *columns),
        };
        let data = &mut data[..rows * columns];
        if columns == 1 {
            Sink::Column(data)
        } else {
            Sink::Matrix { data, columns, row_stride: columns.max(1) }
        }
    }

    fn numbers(&self) -> &[T] {
        match self {
            Store::Memory(data, _) => data,
            Store::Discard(_) | Store::Npy(..) => &[],
        }
    }

    /// Moves rows to their places among all rows of the file.
    fn spread(&mut self, incomplete: &Incomplete) {
        match self {
            Store::Discard(_) => {}
            Store::Memory(data, columns) => incomplete.spread(data, *columns),
            Store::Npy(output, columns) => incomplete.spread(output.numbers_mut(), *columns),
        }
    }
}

fn zeros<T: Element>(rows: usize, columns: usize) -> Result<Vec<T>, Failure> {
    let mut data = Vec::new();
    let len = rows.saturating_mul(columns);
    if data.try_reserve_exact(len).is_err() {
        let message = format!("there is no memory for {rows} rows of {columns} numbers; npy files need none");
        return Err(Failure::message("memory", message));
    }
    data.resize(len, T::default());
    Ok(data)
}

/// The files that are to appear, and the numbers that go into them.
pub struct Results<T: Element> {
    kind: Kind,
    /// One for each result of the program.
    values: Vec<Store<T>>,
    /// The derivatives of a row, in the order of the kernel: in one place, or one for each part.
    derivatives: Vec<Store<T>>,
    parts: Vec<Part>,
    sums: Vec<f64>,
    /// Copies of the inputs, if they are to be written as well.
    inputs: Vec<(String, Form, Vec<T>)>,
    /// Files that are written from memory.
    output: Option<ArraysOutput>,
    grad: Option<ArraysOutput>,
}

/// The format of an output. Names have been looked at before.
fn format(path: &Path) -> Result<Format, Failure> {
    Ok(Format::of_path(path)?)
}

/// Refuses an npy file for several arrays.
fn refuse_npy(option: &str, loaded: &Loaded, results: &[&OutputInfo]) -> Failure {
    let names: Vec<&str> = results.iter().map(|result| value_name(result)).collect();
    Failure::message(
        "results",
        format!(
            "{option}: {} has {} results ({}), and an npy file holds one array; use npz",
            loaded.source.name,
            names.len(),
            names.join(", ")
        ),
    )
}

/// Refuses two arrays or columns of one name.
fn refuse_duplicates<'a>(
    option: &str,
    path: &Path,
    arrays: impl IntoIterator<Item = (&'a str, &'a Form)>,
) -> Result<(), Failure> {
    let Some(name) = duplicate_name(format(path)?, arrays) else { return Ok(()) };
    let message = format!("{option}: {} would have two arrays or columns called {name:?}", path.display());
    Err(Failure::message("results", message).note("other names of results or inputs keep them apart"))
}

/// The form of all derivatives of a row in one array.
fn form_of_all(kernel: &Kernel, kind: Kind, parts: &[Part]) -> Result<Form, Failure> {
    let complex: Vec<bool> = parts.iter().map(|part| part.form.complex).collect();
    if complex.windows(2).any(|pair| pair[0] != pair[1]) {
        let message =
            "--grad: some derivatives are complex and others real, and an npy file holds one array; use npz";
        return Err(Failure::message("results", message));
    }
    let complex = complex.first() == Some(&true);
    let width = if complex { 2 } else { 1 };
    let result = values(kernel).next().map_or(Vec::new(), |result| result.shape.dims());
    let lines = result.iter().product::<usize>();
    let all: usize = parts.iter().map(Part::numbers).sum::<usize>() / width;
    let dims = match kind {
        Kind::Gradient => [result, vec![all / lines]].concat(),
        Kind::Hessian => vec![all.isqrt(), all.isqrt()],
        Kind::Vjp => vec![all],
        Kind::Jvp => result,
    };
    Ok(Form { dims, complex })
}

impl<T: Element> Results<T> {
    /// Starts the files, so that what cannot be written is found out before the work is done.
    #[expect(clippy::too_many_arguments, reason = "what is known of the program, the batch and the options")]
    pub fn create(
        loaded: &Loaded,
        args: &Args,
        kernel: &Kernel,
        kind: Kind,
        columns: &Columns<'_, T>,
        incomplete: &Incomplete,
        rows: usize,
        json: bool,
    ) -> Result<Results<T>, Failure> {
        let all_rows = rows + incomplete.count();
        let results: Vec<&OutputInfo> = values(kernel).collect();
        let parts = parts(kernel, kind);
        let sums = parts.iter().filter(|part| part.summed).map(Part::numbers).sum();
        let mut made = Results {
            kind,
            values: Vec::new(),
            derivatives: Vec::new(),
            parts,
            sums: vec![0.0; sums],
            inputs: Vec::new(),
            output: None,
            grad: None,
        };
        let forms: Vec<Form> = results.iter().map(|result| text::form(result.shape)).collect();
        if args.with_inputs {
            for (name, shape, sources) in columns.inputs(loaded) {
                let width = shape.len();
                let mut data = zeros(all_rows, width)?;
                for (row, numbers) in data.chunks_exact_mut(width).take(rows).enumerate() {
                    let found = sources.iter().flat_map(|source| source.row(row));
                    numbers.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
                }
                incomplete.spread(&mut data, width);
                made.inputs.push((name.to_owned(), text::form(shape), data));
            }
        }
        match args.output.as_deref() {
            Some(path) if format(path)? == Format::Npy => {
                if results.len() > 1 {
                    return Err(refuse_npy("-o", loaded, &results));
                }
                let output = NpyOutput::create(path, all_rows, forms[0].clone())?;
                made.values.push(Store::Npy(output, results[0].shape.len()));
            }
            path => {
                // Whether a row has a value over the extended numbers, the value says.
                let wanted = path.is_some() || !json || extended(loaded);
                if let Some(path) = path {
                    let inputs = made.inputs.iter().map(|(name, form, _)| (name.as_str(), form));
                    let named = results.iter().map(|result| value_name(result)).zip(&forms);
                    refuse_duplicates("-o", path, inputs.chain(named))?;
                    made.output = Some(ArraysOutput::create(path)?);
                }
                for result in &results {
                    let columns = result.shape.len();
                    let store =
                        if wanted { Store::memory(all_rows, columns)? } else { Store::Discard(columns) };
                    made.values.push(store);
                }
            }
        }
        if let Some(path) = args.grad.as_deref() {
            made.create_derivatives(loaded, kernel, path, &results, all_rows)?;
        }
        Ok(made)
    }

    fn create_derivatives(
        &mut self,
        loaded: &Loaded,
        kernel: &Kernel,
        path: &Path,
        results: &[&OutputInfo],
        rows: usize,
    ) -> Result<(), Failure> {
        let format = format(path)?;
        let kind = self.kind;
        if format != Format::Npz && self.parts.iter().any(|part| part.summed) {
            return Err(Failure::message(
                "results",
                format!(
                    "--grad: {}: gradients by parameters are arrays of their own; use npz, or --wrt with other inputs",
                    path.display()
                ),
            ));
        }
        let all = numbers_of_row(kernel);
        if format == Format::Npy {
            if results.len() > 1 && kind != Kind::Vjp {
                return Err(refuse_npy("--grad", loaded, results));
            }
            let form = form_of_all(kernel, kind, &self.parts)?;
            let numbers: usize = self.parts.iter().map(Part::numbers).sum();
            // Second derivatives come behind the gradient that they are made from.
            if all > numbers {
                self.derivatives.push(Store::Discard(all - numbers));
            }
            let output = NpyOutput::create(path, rows, form)?;
            self.derivatives.push(Store::Npy(output, numbers));
            return Ok(());
        }
        let names: Vec<String> = self.parts.iter().map(|part| part.name(kernel, kind)).collect();
        refuse_duplicates(
            "--grad",
            path,
            names.iter().map(String::as_str).zip(self.parts.iter().map(|p| &p.form)),
        )?;
        self.grad = Some(ArraysOutput::create(path)?);
        let of_rows: Vec<&Part> = self.parts.iter().filter(|part| !part.summed).collect();
        let mut at = 0;
        let in_turn = of_rows.iter().all(|part| {
            let next = matches!(part.runs[..], [(start, _)] if start == at);
            at += part.numbers();
            next
        });
        if in_turn && at == all {
            for part in of_rows {
                self.derivatives.push(Store::memory(rows, part.numbers())?);
            }
        } else if all > 0 {
            self.derivatives.push(Store::memory(rows, all)?);
        }
        Ok(())
    }

    /// Evaluates the batch.
    pub fn evaluate(
        &mut self,
        loaded: &Loaded,
        args: &Args,
        kernel: &Kernel,
        columns: &Columns<'_, T>,
        seeds: &[Vec<T>],
        rows: usize,
    ) -> Result<Report, Failure> {
        let params = params::<T>(kernel, &columns.params);
        let inputs = columns.of_kernel(kernel, seeds);
        let mut sinks: Vec<Sink<'_, T>> =
            self.values.iter_mut().chain(&mut self.derivatives).map(|store| store.sink(rows)).collect();
        let progress = Progress::new(rows);
        let tick = |rows: usize| progress.advance(rows);
        let options = batch::Options {
            threads: args.threads,
            skip_failed: args.skip_failed,
            progress: progress.shown.then_some(&tick as &(dyn Fn(usize) + Sync)),
            stop: limits::clock(),
            ..batch::Options::default()
        };
        let batch = Batch {
            rows,
            inputs: &inputs,
            params: &params,
            outputs: &mut sinks,
            param_gradients: &mut self.sums,
        };
        let report = kernel.evaluate(batch, &options, &mut Workspace::new());
        progress.clear();
        report.map_err(|error| loaded.failure(error.into()))
    }

    /// The rows whose results have a NaN among them: how many there are of `rows`, and the first ones.
    pub fn without_value(&mut self, rows: usize) -> Valueless {
        let mut found = Valueless::default();
        let mut numbers: Vec<(&[T], usize)> = Vec::with_capacity(self.values.len());
        for store in &mut self.values {
            match store {
                Store::Discard(_) => {}
                Store::Memory(data, columns) => numbers.push((data, *columns)),
                Store::Npy(output, columns) => numbers.push((output.numbers_mut(), *columns)),
            }
        }
        for row in 0..rows {
            let has_nan = |&(data, columns): &(&[T], usize)| {
                data[row * columns..][..columns].iter().any(|x| x.to_f64().is_nan())
            };
            if numbers.iter().any(has_nan) {
                found.count += 1;
                if found.first.len() < MOST_VALUELESS {
                    found.first.push(row);
                }
            }
        }
        found
    }

    /// Whether there are sums over the batch.
    pub fn has_sums(&self) -> bool {
        !self.sums.is_empty()
    }

    /// Makes all sums over the batch NaN.
    pub fn spoil_sums(&mut self) {
        self.sums.fill(f64::NAN);
    }

    /// Writes what is in memory and gives all files their names, none before all are complete.
    pub fn finish(
        mut self,
        args: &Args,
        kernel: &Kernel,
        incomplete: &Incomplete,
        rows: usize,
        json: bool,
    ) -> Result<(), Failure> {
        let all_rows = rows + incomplete.count();
        for store in self.values.iter_mut().chain(&mut self.derivatives) {
            store.spread(incomplete);
        }
        let Results { kind, values: stores, derivatives, parts, sums, inputs, mut output, mut grad } = self;
        let results: Vec<&OutputInfo> = values(kernel).collect();
        let forms: Vec<Form> = results.iter().map(|result| text::form(result.shape)).collect();
        let inputs =
            inputs.iter().map(|(name, form, data)| NamedArray { name, rows: Some(all_rows), form, data });
        let values = results.iter().zip(&forms).zip(&stores).map(|((result, form), store)| NamedArray {
            name: value_name(result),
            rows: Some(all_rows),
            form,
            data: store.numbers(),
        });
        let named: Vec<NamedArray<'_, T>> = inputs.chain(values).collect();
        let mut written = Vec::new();
        if let Some(path) = &args.output {
            written.push(what_was_written(path, named.iter().map(|array| array.name), all_rows));
        }
        if let Some(output) = &mut output {
            output.write(&named)?;
        }
        let names: Vec<String> = parts.iter().map(|part| part.name(kernel, kind)).collect();
        if let Some(path) = &args.grad {
            let words = |(name, part): (&String, &Part)| match part.summed {
                true => format!("{name} (a sum)"),
                false => name.clone(),
            };
            let names: Vec<String> = names.iter().zip(&parts).map(words).collect();
            written.push(what_was_written(path, names.iter().map(String::as_str), all_rows));
        }
        if let Some(grad) = &mut grad {
            let sums: Vec<T> = sums.iter().map(|&sum| T::from_f64(sum)).collect();
            let one_store = derivatives.len() == 1;
            let mut stores = derivatives.iter();
            let mut datas: Vec<Cow<'_, [T]>> = Vec::new();
            for part in &parts {
                let store = match one_store {
                    true => derivatives.first(),
                    false if part.summed => None,
                    false => stores.next(),
                };
                datas.push(match store {
                    _ if part.summed => gather(part, &sums, 1, sums.len())?.into(),
                    Some(Store::Memory(data, columns)) if *columns != part.numbers() => {
                        gather(part, data, all_rows, *columns)?.into()
                    }
                    Some(store) => store.numbers().into(),
                    None => Cow::Borrowed(&[][..]),
                });
            }
            let arrays: Vec<NamedArray<'_, T>> = parts
                .iter()
                .zip(&names)
                .zip(&datas)
                .map(|((part, name), data)| NamedArray {
                    name,
                    rows: (!part.summed).then_some(all_rows),
                    form: &part.form,
                    data,
                })
                .collect();
            grad.write(&arrays)?;
        }
        if args.output.is_none() && stores.iter().all(|v| !matches!(v, Store::Discard(_))) {
            print_csv(&named, all_rows)?;
        }
        let npy = stores.into_iter().chain(derivatives).filter_map(|store| match store {
            Store::Npy(output, _) => Some(output),
            Store::Discard(_) | Store::Memory(..) => None,
        });
        for file in npy {
            file.finish()?;
        }
        for file in [output, grad].into_iter().flatten() {
            file.finish()?;
        }
        if !json {
            eprint_lines(&written.concat());
        }
        Ok(())
    }
}

/// A line that says what a file holds.
fn what_was_written<'n>(path: &Path, names: impl ExactSizeIterator<Item = &'n str>, rows: usize) -> String {
    let more = names.len().saturating_sub(SHOWN_NAMES);
    let shown: Vec<&str> = names.take(SHOWN_NAMES).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let shown = if shown.is_empty() { vec!["nothing"] } else { shown };
    let path = printable_name(&path.display().to_string());
    format!("wrote {path}: {}{rest}, of {rows} rows\n", shown.join(", "))
}

/// So many names of arrays are listed.
const SHOWN_NAMES: usize = 8;

/// The numbers of a part, from rows of `columns` numbers.
fn gather<T: Element>(part: &Part, numbers: &[T], rows: usize, columns: usize) -> Result<Vec<T>, Failure> {
    let width = part.numbers();
    let mut data = zeros(rows, width)?;
    for (to, row) in data.chunks_exact_mut(width).zip(numbers.chunks_exact(columns)) {
        part.gather(row, to);
    }
    Ok(data)
}

/// Prints results as csv; to a terminal, only the first rows.
fn print_csv<T: Element>(arrays: &[NamedArray<'_, T>], rows: usize) -> Result<(), Failure> {
    let shown = if io::stdout().is_terminal() { rows.min(TERMINAL_ROWS) } else { rows };
    if shown < rows {
        let cut: Vec<NamedArray<'_, T>> = arrays
            .iter()
            .map(|array| NamedArray {
                rows: Some(shown),
                data: &array.data[..shown * array.form.numbers()],
                ..*array
            })
            .collect();
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = write_csv(&mut text, &cut);
        print(&printable(&String::from_utf8_lossy(&text)))?;
        eprint_lines(&format!("… {} more rows; -o FILE writes all\n", rows - shown));
        return Ok(());
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write_csv(&mut out, arrays) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::message("file", format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
