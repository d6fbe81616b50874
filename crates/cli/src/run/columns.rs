//! Which column of the batch goes to which input.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use nc_arrays::{Dataset, Field, FileError, Form, ReadOptions, element_name};
use nc_runtime::batch;
use nc_runtime::element::Element;
use neural_compiler::internals::number::Literal;
use neural_compiler::{Kernel, Shape, Signature, Source};

use super::{Args, count, list};
use crate::Loaded;
use crate::report::{Failure, eprint_lines};
use crate::text::{self, Setting, closest};

/// The columns of the batch, each with its place in the program.
pub struct Columns<'a, T: Element> {
    /// Shapes of all inputs, and the parameters.
    pub signature: Signature,
    /// The inputs that have columns, in the order of gradients.
    pub order: Vec<String>,
    /// The values of the parameters: those of the options, and single numbers of the file.
    pub params: Vec<Setting>,
    /// The columns of each input.
    sources: Vec<Vec<batch::Source<'a, T>>>,
}

/// A column of a file that is an input under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The input.
    pub input: String,
    /// The column.
    pub column: String,
}

/// Reads `nu=freq`.
pub fn parse_renamed(text: &str) -> Result<Renamed, String> {
    let parts = text.split_once('=').map(|(input, column)| (input.trim(), column.trim()));
    match parts {
        Some((input, column)) if !input.is_empty() && !column.is_empty() => {
            Ok(Renamed { input: input.into(), column: column.into() })
        }
        _ => Err("it is written INPUT=COLUMN, such as nu=freq".into()),
    }
}

/// The name of an array in the name of one of its elements: `r` of `r[2]`, `z` of `z.re`.
pub fn base(column: &str) -> &str {
    let column = column.strip_suffix(".re").or_else(|| column.strip_suffix(".im")).unwrap_or(column);
    match column.find('[') {
        Some(at) if column.ends_with(']') => &column[..at],
        _ => column,
    }
}

/// Reads the columns of a batch that the program takes. Says on standard error how, if that is worth a word.
pub fn read<T: Element>(loaded: &Loaded, args: &Args) -> Result<Dataset<T>, Failure> {
    for (k, renamed) in args.columns.iter().enumerate() {
        if !loaded.program.inputs().any(|name| name == renamed.input) {
            return Err(loaded.unknown("--column", &renamed.input));
        }
        if args.columns[..k].iter().any(|before| before.input == renamed.input) {
            return Err(Failure::usage(format!("--column: `{}` is named twice", renamed.input)));
        }
    }
    let inputs: HashSet<&str> =
        loaded.program.inputs().filter(|name| args.params.iter().all(|param| param.name != *name)).collect();
    let by_column: HashMap<&str, &str> =
        args.columns.iter().map(|renamed| (renamed.column.as_str(), renamed.input.as_str())).collect();
    let elsewhere: HashSet<&str> = by_column.values().copied().collect();
    let take = |column: &str| -> Option<String> {
        if let Some(input) = by_column.get(column) {
            return Some((*input).to_owned());
        }
        let base = base(column);
        if let Some(input) = by_column.get(base) {
            return Some(format!("{input}{}", column[base.len()..].split_whitespace().collect::<String>()));
        }
        let wanted = |name: &str| inputs.contains(name) && !elsewhere.contains(name);
        // Blanks within brackets mean nothing.
        let plain = || format!("{base}{}", column[base.len()..].split_whitespace().collect::<String>());
        if wanted(column) { Some(column.to_owned()) } else { wanted(base).then(plain) }
    };
    let options = ReadOptions::default()
        .format(args.format.map(Into::into))
        .take(&take)
        .missing(args.missing.into())
        .memory(u64::from(args.batch_memory).saturating_mul(1 << 20));
    let read: Result<Dataset<T>, FileError> = if args.batch == Path::new("-") {
        Dataset::from_reader("standard input", io::stdin().lock(), &options)
    } else {
        Dataset::open_with(&args.batch, &options)
    };
    let dataset = read?;
    let name = batch_name(args);
    let mut notes: Vec<String> = dataset.remarks().iter().map(ToString::to_string).collect();
    if dataset.is_rounded() {
        notes.push(format!("its numbers are rounded to {}", T::PRECISION));
    }
    if dataset.is_positional() && !args.columns.is_empty() {
        return Err(Failure::usage(format!(
            "--column: the columns of {name} have no names; --inputs gives their order"
        )));
    }
    for note in notes {
        eprint_lines(&format!("note: {name}: {note}\n"));
    }
    Ok(dataset)
}

/// Whether an input has a column of its own, or columns of its elements.
pub fn has<T: Element>(args: &Args, dataset: &Dataset<T>, input: &str) -> bool {
    let listed = args.inputs.iter().flat_map(|items| &items.0).any(|item| item.name == input);
    listed
        || args.columns.iter().any(|renamed| renamed.input == input)
        || dataset.fields().iter().filter_map(Field::name).any(|name| name == input || base(name) == input)
}

/// Says on standard error what of a batch was not taken.
pub fn note_left_aside<T: Element>(
    loaded: &Loaded,
    args: &Args,
    dataset: &Dataset<T>,
    columns: &Columns<'_, T>,
) {
    if !dataset.left_aside().is_empty() {
        let what = if dataset.left_aside().len() == 1 { "is" } else { "are" };
        let (batch, names) = (batch_name(args), list(dataset.left_aside()));
        let takes = if columns.order.is_empty() { "none".into() } else { list(&columns.order) };
        let program = &loaded.source.name;
        eprint_lines(&format!("note: {batch}: {names} {what} left aside ({program} takes {takes})\n"));
    }
}

/// What the batch is called in messages.
pub fn batch_name(args: &Args) -> String {
    if args.batch == Path::new("-") { "standard input".into() } else { args.batch.display().to_string() }
}

impl<'a, T: Element> Columns<'a, T> {
    /// Finds the columns of all inputs.
    pub fn assign(loaded: &Loaded, args: &Args, dataset: &'a Dataset<T>) -> Result<Columns<'a, T>, Failure> {
        let items = args.inputs.as_ref().map_or(&[][..], |items| items.0.as_slice());
        let mut signature = loaded.signature(items)?;
        let mut params = args.params.clone();
        for param in &params {
            if !loaded.names().contains(&param.name.as_str()) {
                return Err(loaded.unknown("--param", &param.name));
            }
            if let Some(item) = items.iter().find(|item| item.name == param.name) {
                let message = format!("--inputs: `{}` is a parameter, which has no column", item.name);
                return Err(Failure::usage(message));
            }
            if param.shape != Shape::Scalar && !loaded.program.inputs().any(|name| name == param.name) {
                let message =
                    format!("--param: `{}` is a real number, so its value has to be one", param.name);
                return Err(Failure::message("shape", message));
            }
            signature = signature.shape(&param.name, param.shape).parameter(&param.name);
        }
        for param in single_numbers(dataset) {
            signature = signature.shape(&param.name, param.shape).parameter(&param.name);
            params.push(param);
        }
        let mut order: Vec<String> = items
            .iter()
            .filter(|item| !signature.is_parameter(&item.name))
            .map(|item| item.name.clone())
            .collect();
        let rest: Vec<&str> = loaded
            .program
            .inputs()
            .filter(|name| !signature.is_parameter(name) && !order.iter().any(|before| before == name))
            .collect();
        if dataset.is_positional() && !items.is_empty() && !rest.is_empty() {
            let message = format!(
                "--inputs: {} is missing: it has to list every column of {}",
                rest.join(", "),
                batch_name(args)
            );
            return Err(Failure::usage(message));
        }
        order.extend(rest.into_iter().map(str::to_string));
        let mut columns = Columns { signature, order, params, sources: Vec::new() };
        if dataset.is_positional() {
            columns.by_position(loaded, args, dataset)?;
        } else {
            columns.by_name(loaded, args, dataset, items)?;
        }
        loaded.accept(&columns.signature)?;
        Ok(columns)
    }

    fn by_position(&mut self, loaded: &Loaded, args: &Args, dataset: &'a Dataset<T>) -> Result<(), Failure> {
        if dataset.fields().iter().any(|field| field.form().complex) {
            for name in &self.order {
                let listed =
                    args.inputs.as_ref().is_some_and(|items| items.0.iter().any(|i| i.name == *name));
                if listed && self.signature.shape_of(name) != Shape::Complex {
                    let message = format!(
                        "{}: the columns are complex, and `{name}` is real; --inputs {name}:complex makes it complex",
                        batch_name(args)
                    );
                    return Err(Failure::message("columns", message));
                }
                self.signature = std::mem::take(&mut self.signature).shape(name, Shape::Complex);
            }
        }
        let lens: Vec<usize> = self.order.iter().map(|name| self.signature.shape_of(name).len()).collect();
        let expected: usize = lens.iter().sum();
        let mut all = dataset.all_columns();
        let found: usize = dataset.fields().iter().map(Field::numbers).sum();
        if found != expected {
            let takes: Vec<String> =
                self.order.iter().map(|name| text::item(name, self.signature.shape_of(name))).collect();
            let message = format!(
                "{}: {}, but {} takes {expected}",
                batch_name(args),
                count(found, "column"),
                loaded.source.name
            );
            return Err(Failure::message("columns", message)
                .note(format!("in this order: {}", takes.join(", ")))
                .note(
                    "--inputs gives another order, or inputs that are vectors or matrices: m,r[3],A[3,3]",
                ));
        }
        self.sources = lens.iter().map(|&len| all.by_ref().take(len).collect()).collect();
        Ok(())
    }

    fn by_name(
        &mut self,
        loaded: &Loaded,
        args: &Args,
        dataset: &'a Dataset<T>,
        items: &[text::Item],
    ) -> Result<(), Failure> {
        let forms = forms_in_file(dataset);
        let mut missing = Vec::new();
        let mut used: HashSet<String> = HashSet::new();
        for name in &self.order {
            if items.iter().all(|item| item.name != *name)
                && let Some(form) = forms.get(name.as_str())
            {
                let shape = text::shape_of(form).map_err(|why| {
                    let message = format!("{}, array {name:?}: {why}", batch_name(args));
                    Failure::message("shape", message)
                })?;
                self.signature = std::mem::take(&mut self.signature).shape(name, shape);
            }
            let form = text::form(self.signature.shape_of(name));
            if dataset.field(name).is_some() {
                used.insert(name.clone());
                continue;
            }
            for number in 0..form.numbers() {
                let column = element_name(name, &form, number);
                if dataset.field(&column).is_none() {
                    missing.push(column);
                    break;
                }
                used.insert(column);
            }
        }
        // Elements that make no vector, such as r[2] without r[1].
        let unused = dataset.fields().iter().filter(|field| !field.is_single()).filter_map(Field::name);
        let unused: Vec<String> = unused.filter(|name| !used.contains(*name)).map(str::to_string).collect();
        if !missing.is_empty() || !unused.is_empty() {
            let others: Vec<&str> = dataset.left_aside().iter().chain(&unused).map(String::as_str).collect();
            let hint = |name: &String| {
                let input = base(name);
                let with_unit = |other: &&&str| {
                    other
                        .strip_prefix(input)
                        .is_some_and(|rest| rest.trim_start().starts_with(['[', '(', '/', '_']))
                        && **other != name.as_str()
                        && base(other) != input
                };
                let close = closest(name, &others).or_else(|| others.iter().find(with_unit).copied());
                match close {
                    Some(close) if base(close) != input => {
                        format!("{name} (is it {close}? --column '{input}={close}' takes it)")
                    }
                    Some(close) => format!("{name} (is it {close}?)"),
                    None => name.clone(),
                }
            };
            let what = match (missing.is_empty(), unused.is_empty()) {
                (false, true) => "columns are missing",
                (true, _) => "there are elements that belong to no vector or matrix",
                (false, false) => "columns are missing, and others belong to no vector or matrix",
            };
            let missing: Vec<String> = missing.iter().map(hint).collect();
            let mut failure = Failure::message("columns", format!("{}: {what}", batch_name(args)));
            if !missing.is_empty() {
                failure = failure.note(format!("missing: {}", list(&missing)));
            }
            if !unused.is_empty() {
                failure = failure.note(format!("not taken: {}", list(&unused)));
            }
            let declared = loaded.declared();
            if self.order.iter().any(|name| declared.iter().any(|(known, _)| known == name)) {
                failure = failure.note("--weights FILE.npz gives networks their weights");
            }
            let others: Vec<String> = dataset.left_aside().to_vec();
            if !others.is_empty() {
                failure = failure.note(format!("there is also: {}", list(&others)));
            }
            let takes = loaded.takes(&self.signature);
            return Err(failure.note(format!("{} takes: {takes}", loaded.source.name)));
        }
        for name in &self.order {
            let columns = dataset
                .find(name, text::form(self.signature.shape_of(name)))
                .map_err(|error| Failure::message("columns", format!("{}: {error}", batch_name(args))))?;
            self.sources.push(columns);
        }
        Ok(())
    }

    /// The columns of the inputs that have some, each with its name and shape, in the order of the program.
    pub fn inputs<'c>(
        &'c self,
        loaded: &'c Loaded,
    ) -> impl Iterator<Item = (&'c str, Shape, &'c [batch::Source<'a, T>])> + 'c {
        loaded.program.inputs().filter_map(|name| {
            let k = self.order.iter().position(|other| other == name)?;
            Some((name, self.signature.shape_of(name), self.sources[k].as_slice()))
        })
    }

    /// The columns in the kernel's order, neighbours in memory as one matrix. Tangents and cotangents have one value for
    /// all rows: `seeds` has those of each such input.
    pub fn of_kernel(&self, kernel: &Kernel, seeds: &[Vec<T>]) -> Vec<batch::Source<'a, T>> {
        let mut merged: Vec<batch::Source<'a, T>> = Vec::new();
        let places: HashMap<&str, usize> =
            self.order.iter().enumerate().map(|(k, name)| (name.as_str(), k)).collect();
        let mut seeds = seeds.iter();
        let columns = kernel.inputs().iter().flat_map(|input| -> Vec<batch::Source<'a, T>> {
            match input.source {
                Source::Row => {
                    places.get(input.name.as_str()).map_or(Vec::new(), |&k| self.sources[k].clone())
                }
                Source::Shared | Source::State(_) | Source::Capture(_) | Source::Tape(_) => Vec::new(),
                Source::Tangent { .. } | Source::Cotangent(_) => seeds
                    .next()
                    .into_iter()
                    .flatten()
                    .map(|&number| batch::Source::Constant(number))
                    .collect(),
            }
        });
        for column in columns {
            if let batch::Source::Matrix { data, columns: 1, row_stride } = column
                && let Some(batch::Source::Matrix { data: before, columns, row_stride: stride }) =
                    merged.last_mut()
                && *stride == row_stride
                && *columns < row_stride
                && std::ptr::eq(before.as_ptr().wrapping_add(*columns), data.as_ptr())
            {
                *columns += 1;
            } else {
                merged.push(column);
            }
        }
        merged
    }
}

/// The arrays of a file without dimensions: one value for all rows.
fn single_numbers<T: Element>(dataset: &Dataset<T>) -> Vec<Setting> {
    let single = dataset.fields().iter().filter(|field| field.is_single());
    single
        .map(|field| {
            let literal = |x: T| Literal { f64: x.to_f64(), f32: x.to_f64() as f32 };
            Setting {
                name: field.name().unwrap_or_default().to_owned(),
                shape: if field.form().complex { Shape::Complex } else { Shape::Scalar },
                data: dataset.row_of(field, 0).into_iter().map(literal).collect(),
            }
        })
        .collect()
}

/// The forms of inputs as a file with names has them.
pub fn forms_in_file<T: Element>(dataset: &Dataset<T>) -> HashMap<&str, Form> {
    let mut forms: HashMap<&str, Option<Form>> = HashMap::new();
    let mut whole: HashMap<&str, Form> = HashMap::new();
    for field in dataset.fields() {
        let Some(name) = field.name() else { continue };
        whole.insert(name, field.form().clone());
        let base = base(name);
        let rest = &name[base.len()..];
        if rest.is_empty() {
            continue;
        }
        if matches!(rest, ".re" | ".im") {
            forms.insert(base, Some(Form { dims: Vec::new(), complex: true }));
            continue;
        }
        let indices = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let indices =
            indices.map(|indices| indices.split(',').map(|index| index.trim().parse().ok()).collect());
        let Some(Some(indices)): Option<Option<Vec<usize>>> = indices else {
            forms.insert(base, None);
            continue;
        };
        // One more than the largest index in each dimension.
        let first = || Some(Form { dims: vec![0; indices.len()], complex: false });
        let form = forms.entry(base).or_insert_with(first);
        match form {
            Some(known) if known.dims.len() == indices.len() => {
                for (dim, index) in known.dims.iter_mut().zip(indices) {
                    *dim = (*dim).max(index.saturating_add(1));
                }
            }
            _ => *form = None,
        }
    }
    let parts = forms.into_iter().filter_map(|(name, form)| Some((name, form?)));
    // An array of the name itself counts more than elements.
    parts.collect::<HashMap<&str, Form>>().into_iter().chain(whole).collect()
}
