//! Which derivatives are asked for, and where they stand among the outputs of a kernel.

use nc_arrays::Form;
use neural_compiler::{
    CompileOptions, Derivative, Input, Kernel, OutputInfo, Role, Shape, Signature, Source,
};

use super::Loaded;
use super::report::Failure;
use super::text::{self, Setting, Settings};

/// Options for derivatives.
#[derive(Debug, Clone, clap::Args)]
pub struct DerivativeArgs {
    /// Differentiate by these inputs only, in this order, such as x,y
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    wrt: Vec<String>,
    /// The second derivatives of a scalar result by all pairs of inputs
    #[arg(long)]
    hessian: bool,
    /// The derivative along a direction, such as x=1,v=[0,1]; along inputs that are not named it is 0
    #[arg(long, value_name = "TANGENTS", value_parser = text::parse_settings, allow_hyphen_values = true)]
    jvp: Option<Settings>,
    /// The derivatives of a sum of results with these weights: 1, [1,0], or a=1,b=[0,1] for results with names
    #[arg(long, value_name = "COTANGENTS", value_parser = text::parse_weights, allow_hyphen_values = true)]
    vjp: Option<Settings>,
}

/// One kind of derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Gradient,
    Hessian,
    Jvp,
    Vjp,
}

impl Kind {
    /// What it is called in JSON, and as an option.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Gradient => "grad",
            Kind::Hessian => "hessian",
            Kind::Jvp => "jvp",
            Kind::Vjp => "vjp",
        }
    }
}

impl DerivativeArgs {
    /// The kinds that are asked for beside the gradient.
    pub fn kinds(&self) -> Vec<Kind> {
        let asked =
            [(Kind::Hessian, self.hessian), (Kind::Jvp, self.jvp.is_some()), (Kind::Vjp, self.vjp.is_some())];
        asked.into_iter().filter(|(_, asked)| *asked).map(|(kind, _)| kind).collect()
    }

    /// Whether the inputs to differentiate by are named.
    pub fn names_inputs(&self) -> bool {
        !self.wrt.is_empty()
    }

    /// The inputs to differentiate by, of those in `all` and, unless it is for second derivatives, of the parameters, which have one value
    /// for all rows.
    pub fn wrt<'n>(
        &'n self,
        loaded: &Loaded,
        kind: Kind,
        all: impl IntoIterator<Item = &'n str>,
        parameters: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<String>, Failure> {
        let mut all: Vec<&str> = all.into_iter().collect();
        let parameters: Vec<&str> = parameters.into_iter().collect();
        // Second derivatives are those of a row; only gradients are summed over the batch.
        if kind != Kind::Hessian {
            all.extend(&parameters);
        }
        for (k, name) in self.wrt.iter().enumerate() {
            if !all.contains(&name.as_str()) && parameters.contains(&name.as_str()) {
                let message = format!(
                    "--wrt: `{name}` has one value for all rows, and second derivatives are those of a row"
                );
                return Err(Failure::message("hessian", message)
                    .note("a column of the batch gives each row its own; nc eval has second derivatives by all that a program takes"));
            }
            if !all.contains(&name.as_str()) {
                return Err(loaded.unknown("--wrt", name));
            }
            if self.wrt[..k].contains(name) {
                return Err(Failure::usage(format!("--wrt: `{name}` is named twice")));
            }
        }
        let names: Vec<&str> = match self.wrt.is_empty() {
            true => all,
            false => self.wrt.iter().map(String::as_str).collect(),
        };
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// The options to compile for a kind of derivative by these inputs.
    pub fn options(
        &self,
        loaded: &Loaded,
        kind: Kind,
        wrt: &[String],
        signature: &Signature,
        options: CompileOptions,
    ) -> Result<CompileOptions, Failure> {
        Ok(match kind {
            Kind::Gradient => options.derivative(Derivative::Gradient).wrt(wrt.iter().cloned()),
            Kind::Hessian => options.derivative(Derivative::Hessian).wrt(wrt.iter().cloned()),
            Kind::Vjp => options.derivative(Derivative::Vjp).wrt(wrt.iter().cloned()),
            Kind::Jvp => {
                let tangents = self.jvp.as_ref().map_or(&[][..], |settings| settings.0.as_slice());
                for (k, tangent) in tangents.iter().enumerate() {
                    let name = &tangent.name;
                    if !loaded.names().contains(&name.as_str()) {
                        return Err(loaded.unknown("--jvp", name));
                    }
                    if tangents[..k].iter().any(|before| before.name == *name) {
                        return Err(Failure::usage(format!("--jvp: `{name}` is given twice")));
                    }
                    if !wrt.contains(name) {
                        let message = format!("--jvp: `{name}` is none of the inputs to differentiate by");
                        return Err(Failure::usage(message));
                    }
                    fits("--jvp", name, tangent.shape, signature.shape_of(name))?;
                }
                let names = tangents.iter().map(|tangent| tangent.name.clone());
                options.derivative(Derivative::Jvp { seeds: 1 }).wrt(names)
            }
        })
    }

    /// The values of the tangents and cotangents of a kernel, in the order of its inputs.
    pub fn seeds<T: nc_runtime::element::Element>(
        &self,
        loaded: &Loaded,
        kernel: &Kernel,
    ) -> Result<Vec<Vec<T>>, Failure> {
        let results: Vec<&OutputInfo> = values(kernel).collect();
        let weights = self.vjp.as_ref().map_or(&[][..], |settings| settings.0.as_slice());
        let is_vjp = kernel.inputs().iter().any(|input| matches!(input.source, Source::Cotangent(_)));
        if is_vjp {
            for (k, weight) in weights.iter().enumerate() {
                let named = results.iter().any(|result| is_called(result, &weight.name));
                if !named {
                    let names: Vec<&str> = results.iter().map(|result| value_name(result)).collect();
                    let (message, note) = match (weight.name.as_str(), &names[..]) {
                        ("", _) => (
                            format!("--vjp: {} has results with names", loaded.source.name),
                            format!("give them as {}=…", names.join("=…,")),
                        ),
                        (name, _) => (
                            format!("--vjp: {} has no result `{name}`", loaded.source.name),
                            format!("its results are: {}", names.join(", ")),
                        ),
                    };
                    return Err(Failure::message("unknown-result", message).note(note));
                }
                if weights[..k].iter().any(|before| before.name == weight.name) {
                    return Err(Failure::usage(format!("--vjp: `{}` is given twice", weight.name)));
                }
            }
        }
        let tangents = self.jvp.as_ref().map_or(&[][..], |settings| settings.0.as_slice());
        let seeds = kernel.inputs().iter().filter_map(|input| match input.source {
            Source::Tangent { input: of, .. } => {
                let name = &kernel.inputs()[of as usize].name;
                Some((input, tangents.iter().find(|tangent| tangent.name == *name), "--jvp", name.as_str()))
            }
            Source::Cotangent(of) => {
                let result = results[of as usize];
                let weight = weights.iter().find(|weight| is_called(result, &weight.name));
                Some((input, weight, "--vjp", result.name.as_str()))
            }
            Source::Row | Source::Shared | Source::State(_) | Source::Capture(_) | Source::Tape(_) => None,
        });
        seeds
            .map(|(input, setting, option, name)| match setting {
                // Results without a weight count nothing.
                None => Ok(vec![T::default(); input.shape.len()]),
                Some(setting) => {
                    fits(option, if name.is_empty() { "value" } else { name }, setting.shape, input.shape)?;
                    let mut numbers: Vec<T> = setting.numbers().collect();
                    numbers.resize(input.shape.len(), T::default());
                    Ok(numbers)
                }
            })
            .collect()
    }
}

/// Refuses a value of another shape than it has to have. A real number is also a complex one.
fn fits(option: &str, name: &str, found: Shape, needed: Shape) -> Result<(), Failure> {
    if found == needed || (found, needed) == (Shape::Scalar, Shape::Complex) {
        return Ok(());
    }
    let [found, needed] = [found, needed].map(super::shape_name);
    Err(Failure::message("shape", format!("{option}: `{name}` is {needed}, and its value is {found}")))
}

/// The results of a kernel.
pub fn values(kernel: &Kernel) -> impl Iterator<Item = &OutputInfo> {
    kernel.outputs().iter().filter(|output| output.role == Role::Value)
}

/// What a result is called where everything has a name.
pub fn value_name(result: &OutputInfo) -> &str {
    if result.name.is_empty() { "value" } else { &result.name }
}

/// An array of derivatives, put together of the outputs of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The result that is differentiated.
    pub result: usize,
    /// The inputs that it is differentiated by, as indices among the kernel's: none for a direction, two for second
    /// derivatives.
    pub by: Vec<usize>,
    /// What it is.
    pub form: Form,
    /// Whether it is summed over the batch.
    pub summed: bool,
    /// Where its numbers stand in turn, and how many stand there: among the derivatives of a row, or among the sums.
    pub runs: Vec<(usize, usize)>,
}

impl Part {
    /// What it is called in a file: `x`, `result/x`, `x/y`.
    pub fn name(&self, kernel: &Kernel, kind: Kind) -> String {
        let result = values(kernel).nth(self.result).map_or("", |result| result.name.as_str());
        let inputs: Vec<&str> = self.by.iter().map(|&input| kernel.inputs()[input].name.as_str()).collect();
        match kind {
            Kind::Jvp => if result.is_empty() { "value" } else { result }.to_owned(),
            Kind::Gradient if !result.is_empty() => format!("{result}/{}", inputs.join("/")),
            Kind::Gradient | Kind::Hessian | Kind::Vjp => inputs.join("/"),
        }
    }

    /// How many numbers it is.
    pub fn numbers(&self) -> usize {
        self.form.numbers()
    }

    /// Its numbers, from those of a row (or the sums).
    pub fn gather<T: Copy>(&self, row: &[T], to: &mut [T]) {
        let mut at = 0;
        for &(start, len) in &self.runs {
            to[at..at + len].copy_from_slice(&row[start..start + len]);
            at += len;
        }
    }
}

/// The derivatives of a kernel, those of each result in turn, of these by each input. Of second derivatives, the one by `x`
/// and `y` is the derivative by `x` of the derivative by `y`.
pub fn parts(kernel: &Kernel, kind: Kind) -> Vec<Part> {
    let results: Vec<&OutputInfo> = values(kernel).collect();
    // The result that each element belongs to, counted over all results.
    let result_of: Vec<usize> = results
        .iter()
        .enumerate()
        .flat_map(|(k, result)| std::iter::repeat_n(k, result.shape.elements()))
        .collect();
    let inputs: &[Input] = kernel.inputs();
    // The inputs of gradients, in their order, and each element of them as a direction.
    let by: Vec<usize> = kernel
        .outputs()
        .iter()
        .filter_map(|output| match output.role {
            Role::Gradient { of: 0, input } => Some(input as usize),
            Role::Gradient { .. } | Role::Value | Role::Tangent { .. } => None,
        })
        .collect();
    let directions: Vec<usize> =
        by.iter().flat_map(|&input| std::iter::repeat_n(input, inputs[input].shape.len())).collect();
    let mut list: Vec<Part> = Vec::new();
    let mut places: std::collections::HashMap<(usize, Vec<usize>), usize> = std::collections::HashMap::new();
    let (mut row, mut sum) = (0, 0);
    for output in kernel.outputs() {
        let key = match output.role {
            Role::Value => continue,
            Role::Gradient { of, input } if kind == Kind::Gradient => {
                Some((result_of[of as usize], vec![input as usize]))
            }
            Role::Gradient { input, .. } if kind == Kind::Vjp => Some((0, vec![input as usize])),
            Role::Tangent { of, .. } if kind == Kind::Jvp => Some((of as usize, Vec::new())),
            Role::Tangent { of, seed } if kind == Kind::Hessian => {
                let of_gradient = by[of as usize - results.len()];
                Some((0, vec![directions[seed as usize], of_gradient]))
            }
            // The gradient that second derivatives are made from.
            Role::Gradient { .. } | Role::Tangent { .. } => None,
        };
        let at = if output.summed { &mut sum } else { &mut row };
        let (start, len) = (*at, output.shape.len());
        *at += len;
        let Some((result, by)) = key else { continue };
        let place = *places.entry((result, by.clone())).or_insert_with(|| {
            let shape = |k: usize| inputs[by[k]].shape;
            let form = match kind {
                Kind::Gradient => text::form_of_derivative(results[result].shape, shape(0)),
                Kind::Vjp => text::form(shape(0)),
                Kind::Jvp => text::form(results[result].shape),
                Kind::Hessian => Form { dims: [shape(0).dims(), shape(1).dims()].concat(), complex: false },
            };
            list.push(Part { result, by, form, summed: output.summed, runs: Vec::new() });
            list.len() - 1
        });
        let runs = &mut list[place].runs;
        match runs.last_mut() {
            Some((before, count)) if *before + *count == start => *count += len,
            _ => runs.push((start, len)),
        }
    }
    // Of each result those by columns come before those by parameters.
    list.sort_by_key(|part| (part.result, part.summed));
    list
}

/// How many numbers the derivatives of a row are.
pub fn numbers_of_row(kernel: &Kernel) -> usize {
    let derivatives = kernel.outputs().iter().filter(|output| output.role != Role::Value && !output.summed);
    derivatives.map(|output| output.shape.len()).sum()
}

/// Values of parameters.
pub fn params<T: nc_runtime::element::Element>(kernel: &Kernel, settings: &[Setting]) -> Vec<T> {
    let shared = kernel.inputs().iter().filter(|input| input.source == Source::Shared);
    shared
        .filter_map(|input| settings.iter().find(|param| param.name == input.name))
        .flat_map(Setting::numbers::<T>)
        .collect()
}

/// Whether a result has a name; a program's only one is called `value`.
fn is_called(result: &OutputInfo, name: &str) -> bool {
    result.name == name || value_name(result) == name
}
