//! `nc eval`: one row, inputs from the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nc_arrays::Form;
use nc_runtime::batch::{Kernel as _, RowOutcome, Workspace, evaluate_row};
use nc_runtime::element::Element;
use neural_compiler::{
    Check, CompileOptions, Derivative, Dtype, Kernel, OutputInfo, Role, Severity, Shape, Source, Tier,
};
use serde_json::{Map, Value as Json, json};

use super::dialect::DialectArgs;
use super::limits::{LimitArgs, MemoryArgs};
use super::report::{self, Failure};
use super::text::{self, Setting};
use super::{DtypeChoice, Loaded, print, print_json, read_source};

/// Evaluate a program for inputs given here
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eval -e '(* 0.5 m (square v))' --set m=2 --set v=3 --grad\n  \
    nc eval orbit.scm --set 'r=[1,0,0]' --set 'A=[[1,2],[3,4]]' --json\n  \
    nc eval laws.scm -e '(force 5.97e24 7.35e22 3.84e8)'\n\n\
    Inputs have the shapes of the values given for them. A top-level number of the program may be set as well.\n\
    --json prints {\"value\": …}, with --grad also {\"grad\": {\"x\": …}}: for a result that is no scalar the Jacobian,\n\
    indices of the result first. Named results make each of these an object.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// Give an input its value: a number, [1,2,3] or [[1,2],[3,4]]
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = text::parse_setting)]
    settings: Vec<Setting>,
    /// An expression instead of a program, or behind the definitions of one
    #[arg(short, long = "expr", value_name = "EXPR")]
    expression: Option<String>,
    /// Also compute the derivatives by all inputs
    #[arg(long)]
    grad: bool,
    /// The type of all numbers
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeChoice,
    /// Say if an operation leaves its safe domain
    #[arg(long)]
    check_domain: bool,
    /// Say if an operation is at a kink, where its derivative jumps
    #[arg(long)]
    check_kinks: bool,
    #[command(flatten)]
    dialect: DialectArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let (name, bytes) = match (&args.program, &args.expression) {
        (Some(path), None) => read_source(path)?,
        (None, Some(text)) => ("expression".into(), text.clone().into_bytes()),
        (Some(path), Some(text)) => {
            let (name, mut bytes) = read_source(path)?;
            bytes.push(b'\n');
            bytes.extend_from_slice(text.as_bytes());
            (format!("{name} with -e"), bytes)
        }
        (None, None) => return Err(Failure::usage("a program or -e is needed")),
    };
    let loaded = Loaded::of(name, bytes, args.program.as_deref(), args.dialect)?;
    report::diagnostics(&loaded.source, loaded.program.warnings());
    // All tiers give the same bits, and for one row nothing is worth compiling.
    let options = CompileOptions::default()
        .signature(signature(&loaded, &args.settings)?)
        .derivative(if args.grad { Derivative::Gradient } else { Derivative::None })
        .tier(Tier::Interpret)
        .dtype(args.dtype.into())
        .check_domain(args.check_domain || loaded.strict())
        .check_kinks(args.check_kinks)
        .limits(args.limits.of(&loaded.program))
        .tape_bytes(args.memory.tape_bytes())
        .memory_bytes(args.memory.memory_bytes());
    let kernel = loaded.program.compile(&options).map_err(|error| loaded.failure(error))?;
    let (results, note) = match kernel.dtype() {
        Dtype::F64 => evaluate::<f64>(&loaded, &kernel, &args.settings)?,
        Dtype::F32 => evaluate::<f32>(&loaded, &kernel, &args.settings)?,
    };
    let domain = match note {
        Some(_) => loaded.program.safe_domain(options.get_signature()).ok(),
        None => None,
    };
    if let (true, Some(note)) = (loaded.strict(), note) {
        let mut error = super::run::described(note, domain.as_ref());
        error.severity = Severity::Error;
        return Err(Failure::Source(loaded.source.clone(), vec![error]));
    }
    if json {
        let mut object = as_json(&kernel, &results, args.grad);
        if args.check_domain || args.check_kinks {
            object["note"] = note.map_or(Json::Null, |note| super::run::check_json(note, domain.as_ref()));
        }
        return print_json(&object);
    }
    if let Some(note) = note {
        report::diagnostics(&loaded.source, &[super::run::described(note, domain.as_ref())]);
    }
    print(&as_text(&kernel, &results))
}

fn signature(loaded: &Loaded, settings: &[Setting]) -> Result<neural_compiler::Signature, Failure> {
    let mut signature = neural_compiler::Signature::scalars();
    for (k, setting) in settings.iter().enumerate() {
        let name = setting.name.as_str();
        if settings[..k].iter().any(|before| before.name == name) {
            return Err(Failure::usage(format!("--set: `{name}` is set twice")));
        }
        if !loaded.names().contains(&name) {
            return Err(loaded.unknown("--set", name));
        }
        signature = signature.shape(name, setting.shape);
        if !loaded.program.inputs().any(|input| input == name) {
            if setting.shape != Shape::Scalar {
                let message = format!("--set: `{name}` is a real number, so its value has to be one");
                return Err(Failure::message("shape", message));
            }
            signature = signature.parameter(name);
        }
    }
    let missing: Vec<&str> =
        loaded.program.inputs().filter(|name| settings.iter().all(|s| s.name != *name)).collect();
    if !missing.is_empty() {
        let examples: Vec<String> = missing.iter().map(|name| format!("--set {name}=…")).collect();
        return Err(Failure::message(
            "missing-input",
            format!("{}: inputs without a value: {}", loaded.source.name, missing.join(", ")),
        )
        .note(format!("give them with {}", examples.join(" "))));
    }
    loaded.accept(&signature)?;
    Ok(signature)
}

/// The numbers of each output of the kernel as they are printed, and what there is to report.
fn evaluate<'a, T: Element>(
    loaded: &Loaded,
    kernel: &'a Kernel,
    settings: &[Setting],
) -> Result<(Vec<Vec<f64>>, Option<&'a Check>), Failure> {
    let (mut inputs, mut params) = (Vec::<T>::new(), Vec::<T>::new());
    for input in kernel.inputs() {
        let list = if input.source == Source::Shared { &mut params } else { &mut inputs };
        list.extend(
            settings.iter().find(|s| s.name == input.name).into_iter().flat_map(Setting::numbers::<T>),
        );
    }
    let mut outputs = vec![T::default(); kernel.shape().outputs];
    let mut sums = vec![0.0; kernel.shape().param_gradients];
    let mut workspace = Workspace::new();
    let outcome = evaluate_row(kernel, &inputs, &params, &mut outputs, &mut sums, &mut workspace)
        .map_err(|error| loaded.failure(error.into()))?;
    if let RowOutcome::Failed(check) = outcome {
        let Some(check) = kernel.checks().get(check as usize) else { return Err(Failure::Reported) };
        let diagnostic = super::run::check_diagnostic(check);
        let [inputs, params] =
            [inputs, params].map(|list| list.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
        let why = kernel.explain(&inputs, &params);
        let state = super::shown(kernel.dtype(), why.map_or(Vec::new(), |why| why.state));
        return Err(Failure::Row(loaded.source.clone(), Box::new(diagnostic), state));
    }
    let printed = |x: f64| text::shown(kernel.dtype(), x);
    let outputs: Vec<f64> = outputs.iter().map(|x| printed(x.to_f64())).collect();
    let sums: Vec<f64> = sums.into_iter().map(printed).collect();
    let (mut outputs, mut sums) = (outputs.as_slice(), sums.as_slice());
    let take = |output: &OutputInfo| {
        let numbers = if output.summed { &mut sums } else { &mut outputs };
        let (taken, rest) = numbers.split_at(output.shape.len());
        *numbers = rest;
        taken.to_vec()
    };
    let numbers = kernel.outputs().iter().map(take).collect();
    let note = match outcome {
        RowOutcome::Noted(check) => kernel.checks().get(check as usize),
        RowOutcome::Done | RowOutcome::Failed(_) => None,
    };
    Ok((numbers, note))
}

/// A derivative of one result by one input.
struct Jacobian {
    /// The result's position.
    result: usize,
    input: usize,
    form: Form,
    data: Vec<f64>,
}

/// The derivatives, for each input in turn those of all results.
fn jacobians(kernel: &Kernel, numbers: &[Vec<f64>]) -> Vec<Jacobian> {
    let outputs = kernel.outputs();
    let values: Vec<&OutputInfo> = outputs.iter().filter(|o| o.role == Role::Value).collect();
    // The result that each element belongs to, counted over all results.
    let result_of: Vec<usize> = values
        .iter()
        .enumerate()
        .flat_map(|(result, value)| std::iter::repeat_n(result, value.shape.elements()))
        .collect();
    let mut rows: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
    for (output, row) in outputs.iter().zip(numbers) {
        if let Role::Gradient { of, input } = output.role {
            rows.entry((input as usize, result_of[of as usize])).or_default().extend(row);
        }
    }
    let mut list = Vec::new();
    for (k, input) in kernel.inputs().iter().enumerate() {
        for (result, value) in values.iter().enumerate() {
            if let Some(data) = rows.remove(&(k, result)) {
                let form = text::form_of_derivative(value.shape, input.shape);
                list.push(Jacobian { result, input: k, form, data });
            }
        }
    }
    list
}

fn as_json(kernel: &Kernel, numbers: &[Vec<f64>], grad: bool) -> Json {
    let values = kernel.outputs().iter().zip(numbers).filter(|(o, _)| o.role == Role::Value);
    let values: Vec<(&str, Json)> = values
        .map(|(output, data)| (output.name.as_str(), text::json(data, &text::form(output.shape))))
        .collect();
    // An unnamed result stands for itself.
    let named = |parts: Vec<(&str, Json)>| match &parts[..] {
        [("", value)] => value.clone(),
        _ => parts.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<Map<_, _>>().into(),
    };
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let mut object = json!({ "value": named(values) });
    let jacobians = jacobians(kernel, numbers);
    if grad {
        let mut gradient = Map::new();
        for (k, input) in kernel.inputs().iter().enumerate() {
            let of_input = jacobians.iter().filter(|j| j.input == k);
            let parts: Vec<(&str, Json)> =
                of_input.map(|j| (names[j.result], text::json(&j.data, &j.form))).collect();
            gradient.insert(input.name.clone(), named(parts));
        }
        object["grad"] = gradient.into();
    }
    object
}

fn as_text(kernel: &Kernel, numbers: &[Vec<f64>]) -> String {
    let values: Vec<(&OutputInfo, &Vec<f64>)> =
        kernel.outputs().iter().zip(numbers).filter(|(o, _)| o.role == Role::Value).collect();
    let mut lines: Vec<(String, &[f64], Form)> = Vec::new();
    for (output, data) in &values {
        let name = if output.name.is_empty() { "value" } else { &output.name };
        lines.push((name.to_string(), data.as_slice(), text::form(output.shape)));
    }
    let jacobians = jacobians(kernel, numbers);
    for jacobian in &jacobians {
        let result = &values[jacobian.result].0.name;
        let name = format!("d{result}/d{}", kernel.inputs()[jacobian.input].name);
        lines.push((name, jacobian.data.as_slice(), jacobian.form.clone()));
    }
    let width = lines.iter().map(|line| line.0.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, data, form) in lines {
        text += &format!("{name:width$} = {}\n", text::value(data, &form, width + 3));
    }
    text
}
