//! Results on their way to files.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::path::Path;

use nc_arrays::{ArraysOutput, Form, Format, NamedArray, NpyOutput, write_csv};
use nc_runtime::batch::{self, Batch, Report, Sink, Workspace};
use nc_runtime::element::Element;
use neural_compiler::{Input, Kernel, OutputInfo, Role, Source};

use super::Args;
use super::columns::Columns;
use super::progress::Progress;
use crate::report::{Failure, eprint_lines};
use crate::text::{self, Setting};
use crate::{Loaded, print};

/// Rows that go to a terminal.
const TERMINAL_ROWS: usize = 20;

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

    fn sink(&mut self) -> Sink<'_, T> {
        let (data, columns) = match self {
            Store::Discard(columns) => return Sink::Discard { columns: *columns },
            Store::Memory(data, columns) => (data.as_mut_slice(), *columns),
            Store::Npy(output, columns) => (output.numbers_mut(), *columns),
        };
        if columns == 1 { Sink::Column(data) } else { Sink::Matrix { data, columns, row_stride: columns } }
    }

    fn numbers(&self) -> &[T] {
        match self {
            Store::Memory(data, _) => data,
            Store::Discard(_) | Store::Npy(..) => &[],
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
    /// One for each result of the program.
    values: Vec<Store<T>>,
    /// For all gradients together, or one for each input.
    gradients: Vec<Store<T>>,
    sums: Vec<f64>,
    /// Files that are written from memory.
    output: Option<ArraysOutput>,
    grad: Option<ArraysOutput>,
}

/// The derivatives of a kernel, as they stand in its rows and in its sums.
struct GradientLayout<'a> {
    results: Vec<&'a OutputInfo>,
    /// The inputs with columns, in the order of the gradients.
    inputs: Vec<&'a Input>,
    /// The parameters.
    params: Vec<&'a Input>,
}

impl<'a> GradientLayout<'a> {
    fn of(kernel: &'a Kernel) -> GradientLayout<'a> {
        let results: Vec<&OutputInfo> = values(kernel).collect();
        let by = |summed: bool| {
            let first = kernel.outputs().iter().filter(move |o| o.summed == summed);
            first
                .filter_map(|output| match output.role {
                    Role::Gradient { of: 0, input } => Some(&kernel.inputs()[input as usize]),
                    Role::Gradient { .. } | Role::Value | Role::Tangent { .. } => None,
                })
                .collect()
        };
        GradientLayout { results, inputs: by(false), params: by(true) }
    }

    /// How many numbers the derivatives of all results by these inputs are.
    fn numbers(&self, inputs: &[&Input]) -> usize {
        self.results.iter().map(|result| result.shape.elements() * line(result, inputs)).sum()
    }

    /// Whether there is one row of derivatives.
    fn is_gradient(&self) -> bool {
        matches!(self.results[..], [result] if result.shape.elements() == 1)
    }

    /// The form of the derivatives of the only result in one array.
    fn matrix(&self) -> Result<Form, Failure> {
        let value = self.results[0].shape;
        let forms = self.inputs.iter().map(|input| text::form_of_derivative(value, input.shape));
        let complex: Vec<bool> = forms.map(|form| form.complex).collect();
        if complex.windows(2).any(|pair| pair[0] != pair[1]) {
            let message = "--grad: some derivatives are complex and others real, and an npy file holds one array; use npz";
            return Err(Failure::message("results", message));
        }
        let columns = self.inputs.iter().map(|input| input.shape.elements()).sum();
        Ok(Form { dims: [value.dims(), vec![columns]].concat(), complex: complex.first() == Some(&true) })
    }
}

/// How many numbers the derivative of one element of a result by an input is.
fn width(result: &OutputInfo, input: &Input) -> usize {
    let complex = text::form_of_derivative(result.shape, input.shape).complex;
    input.shape.elements() * if complex { 2 } else { 1 }
}

/// How many numbers the derivatives of one element of a result by these inputs are.
fn line(result: &OutputInfo, inputs: &[&Input]) -> usize {
    inputs.iter().map(|input| width(result, input)).sum()
}

fn values(kernel: &Kernel) -> impl Iterator<Item = &OutputInfo> {
    kernel.outputs().iter().filter(|output| output.role == Role::Value)
}

/// What a result is called in a file.
fn value_name(result: &OutputInfo) -> &str {
    if result.name.is_empty() { "value" } else { &result.name }
}

impl<T: Element> Results<T> {
    /// Starts the files, so that what cannot be written is found out before the work is done.
    pub fn create(
        loaded: &Loaded,
        args: &Args,
        kernel: &Kernel,
        rows: usize,
        json: bool,
    ) -> Result<Results<T>, Failure> {
        let layout = GradientLayout::of(kernel);
        let is_npy = |path: &Path| matches!(Format::of_path(path), Ok(Format::Npy));
        for (option, path) in [("-o", &args.output), ("--grad", &args.grad)] {
            if let Some(path) = path
                && is_npy(path)
                && layout.results.len() > 1
            {
                let names: Vec<&str> = layout.results.iter().map(|result| value_name(result)).collect();
                let message = format!(
                    "{option}: {} has {} results ({}), and an npy file holds one array; use npz",
                    loaded.source.name,
                    names.len(),
                    names.join(", ")
                );
                return Err(Failure::message("results", message));
            }
        }
        let mut results = Results {
            values: Vec::new(),
            gradients: Vec::new(),
            sums: vec![0.0; layout.numbers(&layout.params)],
            output: None,
            grad: None,
        };
        match args.output.as_deref() {
            Some(path) if is_npy(path) => {
                let shape = layout.results[0].shape;
                let output = NpyOutput::create(path, rows, text::form(shape))?;
                results.values.push(Store::Npy(output, shape.len()));
            }
            path => {
                results.output = path.map(ArraysOutput::create).transpose()?;
                let wanted = path.is_some() || !json;
                for result in &layout.results {
                    let columns = result.shape.len();
                    let store = if wanted { Store::memory(rows, columns)? } else { Store::Discard(columns) };
                    results.values.push(store);
                }
            }
        }
        match args.grad.as_deref() {
            None => {}
            Some(path) if is_npy(path) => {
                let output = NpyOutput::create(path, rows, layout.matrix()?)?;
                results.gradients.push(Store::Npy(output, layout.numbers(&layout.inputs)));
            }
            Some(path) => {
                results.grad = Some(ArraysOutput::create(path)?);
                let numbers = layout.numbers(&layout.inputs);
                if layout.is_gradient() {
                    for input in &layout.inputs {
                        results.gradients.push(Store::memory(rows, width(layout.results[0], input))?);
                    }
                } else if numbers > 0 {
                    results.gradients.push(Store::memory(rows, numbers)?);
                }
            }
        }
        Ok(results)
    }

    /// Evaluates the batch.
    pub fn evaluate(
        &mut self,
        loaded: &Loaded,
        args: &Args,
        kernel: &Kernel,
        columns: &Columns<'_, T>,
        rows: usize,
    ) -> Result<Report, Failure> {
        let params = params::<T>(args, kernel);
        let inputs = columns.of_kernel(kernel);
        let mut sinks: Vec<Sink<'_, T>> =
            self.values.iter_mut().chain(&mut self.gradients).map(Store::sink).collect();
        let progress = Progress::new(rows);
        let tick = |rows: usize| progress.advance(rows);
        let options = batch::Options {
            threads: args.threads,
            skip_failed: args.skip_failed,
            progress: progress.shown.then_some(&tick as &(dyn Fn(usize) + Sync)),
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

    /// Writes what is in memory and gives all files their names, none before all are complete.
    pub fn finish(self, args: &Args, kernel: &Kernel, rows: usize) -> Result<(), Failure> {
        let layout = GradientLayout::of(kernel);
        let Results { values, gradients, sums, mut output, mut grad } = self;
        let forms: Vec<Form> = layout.results.iter().map(|result| text::form(result.shape)).collect();
        let named: Vec<NamedArray<'_, T>> = layout
            .results
            .iter()
            .zip(&forms)
            .zip(&values)
            .map(|((result, form), store)| NamedArray {
                name: value_name(result),
                rows: Some(rows),
                form,
                data: store.numbers(),
            })
            .collect();
        if let Some(output) = &mut output {
            output.write(&named)?;
        }
        if let Some(grad) = &mut grad {
            let sums: Vec<T> = sums.iter().map(|&sum| T::from_f64(sum)).collect();
            let parts = gradient_arrays(&layout, rows, &gradients, &sums)?;
            let arrays: Vec<NamedArray<'_, T>> = parts.iter().map(Part::array).collect();
            grad.write(&arrays)?;
        }
        if args.output.is_none() && values.iter().all(|v| !matches!(v, Store::Discard(_))) {
            print_csv(&named, rows)?;
        }
        let npy = values.into_iter().chain(gradients).filter_map(|store| match store {
            Store::Npy(output, _) => Some(output),
            Store::Discard(_) | Store::Memory(..) => None,
        });
        for file in npy {
            file.finish()?;
        }
        for file in [output, grad].into_iter().flatten() {
            file.finish()?;
        }
        Ok(())
    }
}

/// The values of the kernel's parameters.
pub fn params<T: Element>(args: &Args, kernel: &Kernel) -> Vec<T> {
    let shared = kernel.inputs().iter().filter(|input| input.source == Source::Shared);
    shared
        .filter_map(|input| args.params.iter().find(|param| param.name == input.name))
        .flat_map(Setting::numbers::<T>)
        .collect()
}

/// An array of a gradient file.
struct Part<'a, T: Element> {
    name: String,
    rows: Option<usize>,
    form: Form,
    data: Cow<'a, [T]>,
}

impl<T: Element> Part<'_, T> {
    fn array(&self) -> NamedArray<'_, T> {
        NamedArray { name: &self.name, rows: self.rows, form: &self.form, data: &self.data }
    }
}

/// The arrays of an npz file of gradients.
fn gradient_arrays<'a, T: Element>(
    layout: &GradientLayout<'_>,
    rows: usize,
    gradients: &'a [Store<T>],
    sums: &'a [T],
) -> Result<Vec<Part<'a, T>>, Failure> {
    let mut parts = Vec::new();
    // Where the derivatives of a result begin.
    let (mut first, mut first_sum) = (0, 0);
    for result in &layout.results {
        let mut part = |input: &Input, rows: Option<usize>, data| {
            let name = match result.name.as_str() {
                "" => input.name.clone(),
                name => format!("{name}/{}", input.name),
            };
            parts.push(Part { name, rows, form: text::form_of_derivative(result.shape, input.shape), data });
        };
        let mut block = Block::of(result, first, layout.numbers(&layout.inputs), &layout.inputs);
        for (k, input) in layout.inputs.iter().enumerate() {
            block.width = width(result, input);
            let data = if layout.is_gradient() {
                gradients[k].numbers().into()
            } else {
                block.gather(gradients[0].numbers(), rows)?.into()
            };
            block.first += block.width;
            part(input, Some(rows), data);
        }
        first += block.lines * block.stride;
        let mut block = Block::of(result, first_sum, sums.len(), &layout.params);
        for input in &layout.params {
            block.width = width(result, input);
            let data = block.gather(sums, 1)?.into();
            block.first += block.width;
            part(input, None, data);
        }
        first_sum += block.lines * block.stride;
    }
    Ok(parts)
}

/// The derivatives of a result by an input among all numbers of a row.
struct Block {
    /// Where the first one stands.
    first: usize,
    /// Numbers of a row.
    all: usize,
    /// Elements of the result.
    lines: usize,
    /// From one of them to the next.
    stride: usize,
    /// Numbers of the derivative of one of them.
    width: usize,
}

impl Block {
    fn of(result: &OutputInfo, first: usize, all: usize, inputs: &[&Input]) -> Block {
        Block { first, all, lines: result.shape.elements(), stride: line(result, inputs), width: 0 }
    }

    fn gather<T: Element>(&self, numbers: &[T], rows: usize) -> Result<Vec<T>, Failure> {
        let mut data = zeros(rows, self.lines * self.width)?;
        let starts = (0..rows)
            .flat_map(|row| (0..self.lines).map(move |k| row * self.all + self.first + k * self.stride));
        for (to, start) in data.chunks_exact_mut(self.width).zip(starts) {
            to.copy_from_slice(&numbers[start..][..self.width]);
        }
        Ok(data)
    }
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
        print(&String::from_utf8_lossy(&text))?;
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
