//! Which column of the batch goes to which input.

use std::collections::HashSet;

use nc_arrays::{Dataset, Field, Form, Format, element_name};
use nc_runtime::batch;
use nc_runtime::element::Element;
use neural_compiler::{Kernel, Shape, Signature, Source};

use super::{Args, count, list};
use crate::Loaded;
use crate::report::Failure;
use crate::text::{self, closest};

/// The columns of the batch, each with its place in the program.
pub struct Columns<'a, T: Element> {
    /// Shapes of all inputs, and the parameters.
    pub signature: Signature,
    /// The inputs that have columns, in the order of gradients.
    pub order: Vec<String>,
    /// The columns of each of them.
    sources: Vec<Vec<batch::Source<'a, T>>>,
}

impl<'a, T: Element> Columns<'a, T> {
    /// Finds the columns of all inputs.
    pub fn assign(
        loaded: &Loaded,
        args: &Args,
        format: Format,
        dataset: &'a Dataset<T>,
    ) -> Result<Columns<'a, T>, Failure> {
        let items = args.inputs.as_ref().map_or(&[][..], |items| items.0.as_slice());
        let mut signature = loaded.signature(items)?;
        for param in &args.params {
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
        let mut order: Vec<String> = items.iter().map(|item| item.name.clone()).collect();
        let positional = format == Format::Npy && dataset.fields().iter().any(|field| field.name().is_none());
        let rest: Vec<&str> = loaded
            .program
            .inputs()
            .filter(|name| !signature.is_parameter(name) && !order.iter().any(|before| before == name))
            .collect();
        if positional && !items.is_empty() && !rest.is_empty() {
            let message = format!(
                "--inputs: {} is missing: it has to list every column of {}",
                rest.join(", "),
                args.batch.display()
            );
            return Err(Failure::usage(message));
        }
        order.extend(rest.into_iter().map(str::to_string));
        let mut columns = Columns { signature, order, sources: Vec::new() };
        if positional {
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
                        args.batch.display()
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
                args.batch.display(),
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
        let fields = dataset.fields();
        let available: Vec<&str> = fields.iter().filter_map(|field| field.name()).collect();
        let present: HashSet<&str> = available.iter().copied().collect();
        let mut used: HashSet<String> = HashSet::new();
        let mut missing = Vec::new();
        for name in &self.order {
            if items.iter().all(|item| item.name != *name)
                && let Some(form) = form_in_file(dataset, name)
            {
                let shape = text::shape_of(&form).map_err(|why| {
                    let message = format!("{}, array {name:?}: {why}", args.batch.display());
                    Failure::message("shape", message)
                })?;
                self.signature = std::mem::take(&mut self.signature).shape(name, shape);
            }
            let form = text::form(self.signature.shape_of(name));
            if present.contains(name.as_str()) {
                used.insert(name.clone());
            } else {
                for number in 0..form.numbers() {
                    let column = element_name(name, &form, number);
                    if !present.contains(column.as_str()) {
                        missing.push(column);
                        break;
                    }
                    used.insert(column);
                }
            }
        }
        let extra: Vec<String> = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.name().is_none_or(|name| !used.contains(name)))
            .map(|(k, field)| field.name().map_or(format!("column {k} (it has no name)"), str::to_string))
            .collect();
        if !missing.is_empty() || !extra.is_empty() {
            let what = match (missing.is_empty(), extra.is_empty()) {
                (false, true) => "columns are missing",
                (true, _) => "there are columns that the program does not take",
                (false, false) => "columns are missing, and others are not taken",
            };
            let unused: Vec<&str> = available.iter().copied().filter(|name| !used.contains(*name)).collect();
            let missing: Vec<String> = missing
                .into_iter()
                .map(|name| match closest(&name, &unused) {
                    Some(close) => format!("{name} (is it {close}?)"),
                    None => name,
                })
                .collect();
            let mut failure = Failure::message("columns", format!("{}: {what}", args.batch.display()));
            if !missing.is_empty() {
                failure = failure.note(format!("missing: {}", list(&missing)));
            }
            if !extra.is_empty() {
                failure = failure.note(format!("not taken: {}", list(&extra)));
            }
            let takes = loaded.takes(&self.signature);
            return Err(failure.note(format!("{} takes: {takes}", loaded.source.name)));
        }
        for name in &self.order {
            let columns = dataset
                .find(name, text::form(self.signature.shape_of(name)))
                .map_err(|error| Failure::message("columns", format!("{}: {error}", args.batch.display())))?;
            self.sources.push(columns);
        }
        Ok(())
    }

    /// The columns in the kernel's order, neighbours in memory as one matrix.
    pub fn of_kernel(&self, kernel: &Kernel) -> Vec<batch::Source<'a, T>> {
        let mut merged: Vec<batch::Source<'a, T>> = Vec::new();
        let columns = kernel
            .inputs()
            .iter()
            .filter(|input| input.source == Source::Row)
            .filter_map(|input| self.order.iter().position(|name| *name == input.name))
            .flat_map(|k| &self.sources[k]);
        for &column in columns {
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

/// The form of an input as a file with names has it.
fn form_in_file<T: Element>(dataset: &Dataset<T>, name: &str) -> Option<Form> {
    if let Some(field) = dataset.fields().iter().find(|field| field.name() == Some(name)) {
        return Some(field.form().clone());
    }
    let is_part = |rest: &str| matches!(rest, ".re" | ".im");
    let part = |field: &Field| field.name().and_then(|part| part.strip_prefix(name)).is_some_and(is_part);
    if dataset.fields().iter().any(part) {
        return Some(Form { dims: Vec::new(), complex: true });
    }
    // One more than the largest index in each dimension.
    let mut dims: Option<Vec<usize>> = None;
    for field in dataset.fields() {
        let indices =
            field.name().and_then(|column| column.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']'));
        let Some(indices) = indices else { continue };
        let indices: Option<Vec<usize>> = indices.split(',').map(|index| index.trim().parse().ok()).collect();
        let indices = indices?;
        let dims = dims.get_or_insert_with(|| vec![0; indices.len()]);
        if dims.len() != indices.len() {
            return None;
        }
        for (dim, index) in dims.iter_mut().zip(indices) {
            *dim = (*dim).max(index.saturating_add(1));
        }
    }
    dims.map(|dims| Form { dims, complex: false })
}
