//! Evaluation without buffers: inputs by name or in order, results in new columns that have names.

use std::ops::Deref;

use nc_runtime::batch::{
    self, Batch, BatchError, Kernel as _, Options as RunOptions, Report, Sink, Source as Numbers, Workspace,
};
use nc_runtime::element::Element;

use super::Kernel;
use crate::graph::{Graph, Input, Output, Role, Shape, Source};

/// What a kernel has computed for a batch: a column for each element of the outputs that are one per row, the sums over the
/// batch, and the report.
///
/// It is a list of columns, in the order of [`Kernel::outputs`], and knows what they are called: `value` or the name of the
/// result, `d/dx` or `denergy/dx` for a derivative, `d²/dxdy` for a second one; `r[0]`, `A[0,1]`, `z.re` are elements.
#[derive(Debug, Clone)]
pub struct Columns<T = f64> {
    columns: Vec<Vec<T>>,
    names: Vec<String>,
    sums: Vec<f64>,
    sum_names: Vec<String>,
    report: Report,
}

impl<T> Columns<T> {
    /// What the columns are called, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The column of a name.
    pub fn get(&self, name: &str) -> Option<&[T]> {
        let index = self.names.iter().position(|known| known == name)?;
        Some(&self.columns[index])
    }

    /// The derivative by a parameter, summed over the batch, by its name.
    pub fn sum(&self, name: &str) -> Option<f64> {
        let index = self.sum_names.iter().position(|known| known == name)?;
        Some(self.sums[index])
    }

    /// The sums over the batch with their names, in the order of [`Kernel::outputs`].
    pub fn sums(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.sum_names.iter().map(String::as_str).zip(self.sums.iter().copied())
    }

    /// How many rows failed or have a note, and which are the first ones; [`Kernel::checks`] says why. The numbers of a row that
    /// failed are NaN.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl<T> Deref for Columns<T> {
    type Target = Vec<Vec<T>>;

    fn deref(&self) -> &Vec<Vec<T>> {
        &self.columns
    }
}

impl<T> IntoIterator for Columns<T> {
    type Item = Vec<T>;
    type IntoIter = std::vec::IntoIter<Vec<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.columns.into_iter()
    }
}

/// Equal to a list of columns that has the same numbers.
impl<T, U: ?Sized> PartialEq<U> for Columns<T>
where
    Vec<Vec<T>>: PartialEq<U>,
{
    fn eq(&self, other: &U) -> bool {
        self.columns == *other
    }
}

impl Kernel {
    /// Evaluates inputs that are given by name, in any order: for an input of each row its numbers row after row, one for each
    /// element, for a parameter the numbers of its only value.
    ///
    /// ```
    /// use neural_compiler::{CompileOptions, Derivative, Program, Signature};
    ///
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let options = CompileOptions::default()
    ///     .signature(Signature::scalars().parameter("m"))
    ///     .derivative(Derivative::Gradient);
    /// let kernel = Program::parse("(* 0.5 m (square v))")?.compile(&options)?;
    /// let found = kernel.evaluate_named(&[("v", &[1.0, 2.0, 3.0]), ("m", &[2.0])])?;
    /// assert_eq!(found.get("value"), Some(&[1.0, 4.0, 9.0][..]));
    /// assert_eq!(found.get("d/dv"), Some(&[2.0, 4.0, 6.0][..]));
    /// assert_eq!((found.sum("d/dm"), found.report().failed), (Some(7.0), 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A name that is no input, one that is missing or given twice, and numbers that are too many or too few for the rows.
    pub fn evaluate_named<T: Element>(&self, inputs: &[(&str, &[T])]) -> Result<Columns<T>, BatchError> {
        let known = self.inputs();
        for (k, (name, _)) in inputs.iter().enumerate() {
            if !known.iter().any(|input| input.name == *name) {
                let inputs = known.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ");
                return Err(BatchError::UnknownInput { name: name.to_string(), inputs });
            }
            if inputs[..k].iter().any(|(before, _)| before == name) {
                return Err(BatchError::RepeatedInput { name: name.to_string() });
            }
        }
        let mut rows = None;
        let (mut sources, mut params) = (Vec::new(), Vec::new());
        for input in known {
            let Some(&(_, data)) = inputs.iter().find(|(name, _)| *name == input.name) else {
                return Err(BatchError::MissingInput { name: input.name.clone() });
            };
            let len = input.shape.len();
            if input.source == Source::Shared {
                check_length(input, 1, len, data.len())?;
                params.extend_from_slice(data);
                continue;
            }
            let rows = *rows.get_or_insert(data.len() / len);
            check_length(input, rows, rows * len, data.len())?;
            sources.push(match len {
                1 => Numbers::Column(data),
                columns => Numbers::Matrix { data, columns, row_stride: columns },
            });
        }
        self.computed(rows.unwrap_or(1), &sources, &params)
    }

    /// Evaluates columns, one for each element of the inputs in the order of [`Kernel::inputs`]; that of a parameter has one
    /// number. [`Kernel::evaluate_named`] does not depend on the order in which a program uses its inputs.
    ///
    /// The results of a row that fails are NaN; which rows those are and why, [`Columns::report`] says.
    ///
    /// # Errors
    ///
    /// Too many or too few columns or numbers, or numbers of another type than [`Kernel::dtype`].
    pub fn columns<T: Element>(&self, inputs: &[&[T]]) -> Result<Columns<T>, BatchError> {
        let expected = self.inputs().iter().map(|input| input.shape.len()).sum();
        if inputs.len() != expected {
            return Err(BatchError::InputColumns { expected, found: inputs.len() });
        }
        let elements = self.inputs().iter().flat_map(|input| std::iter::repeat_n(input, input.shape.len()));
        let mut rows = None;
        let (mut sources, mut params) = (Vec::new(), Vec::new());
        for (input, &column) in elements.zip(inputs) {
            if input.source == Source::Shared {
                check_length(input, 1, 1, column.len())?;
                params.extend_from_slice(column);
                continue;
            }
            let rows = *rows.get_or_insert(column.len());
            check_length(input, rows, rows, column.len())?;
            sources.push(Numbers::Column(column));
        }
        self.computed(rows.unwrap_or(1), &sources, &params)
    }

    fn computed<T: Element>(
        &self,
        rows: usize,
        inputs: &[Numbers<'_, T>],
        params: &[T],
    ) -> Result<Columns<T>, BatchError> {
        let mut columns = vec![vec![T::default(); rows]; self.shape().outputs];
        let mut sums = vec![0.0; self.shape().param_gradients];
        let mut sinks: Vec<Sink<'_, T>> = columns.iter_mut().map(|column| Sink::Column(column)).collect();
        let batch = Batch { rows, inputs, params, outputs: &mut sinks, param_gradients: &mut sums };
        let report = batch::evaluate(self, batch, &RunOptions::default(), &mut Workspace::new())?;
        let names = |summed: bool| {
            let outputs = self.outputs().iter().filter(move |output| output.summed == summed);
            outputs.flat_map(|output| elements_of(&output.label, output.shape)).collect()
        };
        Ok(Columns { columns, names: names(false), sums, sum_names: names(true), report })
    }
}

fn check_length(input: &Input, rows: usize, expected: usize, found: usize) -> Result<(), BatchError> {
    if expected == found {
        return Ok(());
    }
    Err(BatchError::InputLength { name: input.name.clone(), rows, expected, found })
}

/// The names of the elements of a value.
fn elements_of(name: &str, shape: Shape) -> Vec<String> {
    match shape {
        Shape::Scalar => vec![name.to_string()],
        Shape::Complex => vec![format!("{name}.re"), format!("{name}.im")],
        Shape::Vector(n) => (0..n).map(|k| format!("{name}[{k}]")).collect(),
        Shape::Matrix(n, m) => (0..n)
            .flat_map(|i| (0..m).map(move |j| (i, j)))
            .map(|(i, j)| format!("{name}[{i},{j}]"))
            .collect(),
    }
}

/// What each output is called: `value` or the name of the result, and derivatives as quotients of differentials.
pub(super) fn labels(graph: &Graph) -> Vec<String> {
    let outputs = &graph.outputs;
    let input = |index: u32| graph.inputs[index as usize].name.as_str();
    let label = |output: &Output| if output.name.is_empty() { "value" } else { &output.name }.to_string();
    // The result that has an element; a scalar without a name is not named.
    let values: Vec<(Vec<String>, bool)> = outputs
        .iter()
        .filter(|output| output.role == Role::Value)
        .map(|output| {
            let shape = graph.shape(output.node);
            let plain = output.name.is_empty() && matches!(shape, Shape::Scalar | Shape::Complex);
            (elements_of(&label(output), shape), plain)
        })
        .collect();
    let of_element = |of: u32| -> String {
        let mut left = of as usize;
        for (names, plain) in &values {
            if left < names.len() {
                return if *plain { String::new() } else { names[left].clone() };
            }
            left -= names.len();
        }
        String::new()
    };
    // The elements along which gradients are differentiated again.
    let mut along: Vec<String> = Vec::new();
    for output in outputs {
        if let Role::Gradient { of: 0, input: index } = output.role {
            along.extend(elements_of(input(index), graph.inputs[index as usize].shape));
        }
    }
    outputs
        .iter()
        .map(|output| match output.role {
            Role::Value => label(output),
            Role::Gradient { of, input: index } => format!("d{}/d{}", of_element(of), input(index)),
            Role::Tangent { of, seed } => match outputs.get(of as usize).map(|output| output.role) {
                Some(Role::Gradient { of, input: index }) => {
                    let along = along.get(seed as usize).map_or("", String::as_str);
                    format!("d²{}/d{}d{along}", of_element(of), input(index))
                }
                _ => format!("d{} along {seed}", output.name),
            },
        })
        .collect()
}
