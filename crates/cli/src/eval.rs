//! `nc eval`: one row, inputs from the command line.

use std::path::PathBuf;

use nc_arrays::Form;
use nc_runtime::batch::{Kernel as _, RowOutcome, Workspace, evaluate_row_until};
use nc_runtime::element::Element;
use neural_compiler::{
    Check, CompileOptions, Diagnostic, Dtype, Kernel, Mode, OutputInfo, Primitive, Role, Severity, Shape,
    Source, Tier,
};
use serde_json::{Map, Value as Json, json};

use super::derivatives::{DerivativeArgs, Kind, parts, value_name, values};
use super::dialect::DialectArgs;
use super::limits::{self, LimitArgs, MemoryArgs};
use super::report::{self, Failure, printable};
use super::run::{NO_EXTENDED_VALUE, WITHOUT_VALUE};
use super::text::{self, Setting};
use super::{DtypeChoice, Loaded, print, print_json, weights};

/// Evaluate a program for inputs given here
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eval -e '(* 0.5 m (square v))' --set m=2 --set v=3 --grad\n  \
    nc eval orbit.scm --set 'r=[1,0,0]' --set 'A=[[1,2],[3,4]]' --json\n  \
    nc eval laws.scm -e '(force 5.97e24 7.35e22 3.84e8)'\n  \
    nc eval -e '(* (exp x) (sin y))' --set x=0 --set y=1 --hessian --jvp 'x=1,y=-1'\n  \
    nc eval -e '[(* x y) (+ x y)]' --set x=2 --set y=3 --vjp '[1,0.5]' --wrt y --json\n\n\
    Inputs have the shapes of the values given for them. A top-level number of the program may be set as well.\n\
    A derivative that is infinite or a NaN is explained by the first operation that has none there, a value that is a NaN by the first\n\
    operation outside its domain.\n\
    --json prints {\"value\": …}, with --grad also {\"grad\": {\"x\": …}}: for a result that is no scalar the Jacobian,\n\
    indices of the result first. Named results make each of these an object. --hessian adds {\"hessian\": {\"x\": {\"y\":\n\
    …}}}, of shape […x, …y]; --jvp adds {\"jvp\": …}, like the value; --vjp adds {\"vjp\": {\"x\": …}}, like the inputs.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// Give an input its value: a number, [1,2,3] or [[1,2],[3,4]]
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = text::parse_setting)]
    settings: Vec<Setting>,
    /// Values of parameters, such as the weights of networks, as by --set: arrays of their names, as nc fit --weights-out writes them
    #[arg(long, value_name = "FILE.npz")]
    weights: Option<PathBuf>,
    /// An expression instead of a program, or behind the definitions of one
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    expression: Option<String>,
    /// Also compute the derivatives by all inputs
    #[arg(long)]
    grad: bool,
    #[command(flatten)]
    derivatives: DerivativeArgs,
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
    let loaded = Loaded::open_with(args.program.as_deref(), args.expression.as_deref(), &args.dialect)?;
    let mut args = args.clone();
    if let Some(path) = &args.weights {
        let by_option = |name: &str| args.settings.iter().any(|setting| setting.name == name);
        let given = weights::Given { by_option: &by_option, by_column: None };
        let values = weights::read("--weights", path, &loaded, &given)?;
        args.settings.extend(values);
    }
    let args = &args;
    let signature = signature(&loaded, &args.settings)?;
    // All tiers give the same bits, and for one row nothing is worth compiling.
    let options = CompileOptions::default()
        .signature(signature.clone())
        .tier(Tier::Interpret)
        .dtype(args.dtype.into())
        .check_domain(args.check_domain || loaded.strict() || loaded.dialect.mode().is_some())
        .check_kinks(args.check_kinks)
        .check_derivatives(!loaded.strict())
        .limits(args.limits.of(&loaded.program))
        .tape_bytes(args.memory.tape_bytes())
        .memory_bytes(args.memory.memory_bytes());
    let kinds: Vec<Kind> =
        args.grad.then_some(Kind::Gradient).into_iter().chain(args.derivatives.kinds()).collect();
    if kinds.is_empty() && args.derivatives.names_inputs() {
        return Err(Failure::usage("--wrt: --grad, --hessian, --jvp or --vjp say which derivatives"));
    }
    let set = args.settings.iter().map(|setting| setting.name.as_str());
    let constants: Vec<&str> =
        set.filter(|name| loaded.program.inputs().all(|input| input != *name)).collect();
    let all = loaded.program.inputs().chain(constants);
    // In a single row, all have one value.
    let wrt = args.derivatives.wrt(&loaded, Kind::Gradient, all.collect::<Vec<_>>(), [])?;
    // One kernel for each kind of derivative; the value is the same in all of them.
    let mut computed: Vec<Computed> = Vec::new();
    let mut note = None;
    for kind in kinds.iter().copied().map(Some).chain(kinds.is_empty().then_some(None)) {
        let options = match kind {
            Some(kind) => args.derivatives.options(&loaded, kind, &wrt, &signature, options.clone())?,
            None => options.clone(),
        };
        let kernel = loaded.program.compile(&options).map_err(|error| loaded.failure(error))?;
        for setting in &args.settings {
            setting.held(kernel.dtype()).map_err(|why| Failure::usage(format!("--set: {why}")))?;
        }
        let (numbers, found) = match kernel.dtype() {
            Dtype::F64 => evaluate::<f64>(&loaded, &kernel, args)?,
            Dtype::F32 => evaluate::<f32>(&loaded, &kernel, args)?,
        };
        note = note.or(found);
        computed.push((kind, kernel, numbers));
    }
    // A value that is no number is explained, too, unless an input is none.
    let given = || args.settings.iter().flat_map(|setting| &setting.data).all(|x| !x.f64.is_nan());
    let no_number = computed.iter().any(|(_, kernel, numbers)| {
        results(kernel, numbers).any(|(_, data)| data.iter().any(|x| x.is_nan()))
    });
    if note.is_none() && no_number && given() {
        let kernel = loaded
            .program
            .compile(&options.clone().check_domain(true))
            .map_err(|error| loaded.failure(error))?;
        note = match kernel.dtype() {
            Dtype::F64 => evaluate::<f64>(&loaded, &kernel, args)?.1,
            Dtype::F32 => evaluate::<f32>(&loaded, &kernel, args)?.1,
        };
    }
    // Over the extended numbers, log 0 is a value.
    if loaded.dialect.mode() == Some(Mode::Extended) && !args.check_domain && !args.check_kinks {
        let valued = computed.iter().all(|(_, kernel, numbers)| {
            results(kernel, numbers).all(|(_, data)| data.iter().all(|x| !x.is_nan()))
        });
        note = note.filter(|_| !valued);
    }
    let note = note.as_ref();
    let domain = match note {
        Some(_) => loaded.program.safe_domain(options.get_signature()).ok(),
        None => None,
    };
    if let (true, Some(note)) = (loaded.strict(), note) {
        let mut error = super::run::described(note, domain.as_ref());
        error.severity = Severity::Error;
        return Err(Failure::Source(loaded.source.clone(), vec![error]));
    }
    if loaded.dialect.mode() == Some(Mode::Extended)
        && computed.iter().any(|(_, kernel, numbers)| {
            results(kernel, numbers).any(|(_, data)| data.iter().any(|x| x.is_nan()))
        })
    {
        let at = note.map_or(loaded.whole(), |note| note.span);
        let error = Diagnostic::error("no-value", at, NO_EXTENDED_VALUE).help(WITHOUT_VALUE);
        return Err(Failure::Source(loaded.source.clone(), vec![error]));
    }
    if json {
        let mut object = as_json(&computed);
        if args.check_domain || args.check_kinks || note.is_some() {
            object["note"] =
                note.map_or(Json::Null, |note| super::run::check_json(&loaded.source, note, domain.as_ref()));
        }
        return print_json(&object);
    }
    if let Some(note) = note {
        report::diagnostics(&loaded.source, &[super::run::described(note, domain.as_ref())]);
    }
    if note.is_none()
        && kinds.iter().zip(&computed).any(|(kind, (_, kernel, numbers))| {
            derived(kernel, *kind, numbers).iter().any(|derived| derived.data.iter().any(|x| !x.is_finite()))
        })
    {
        report::diagnostics(&loaded.source, &[overflows(&loaded)]);
    }
    print(&printable(&as_text(&computed)))
}

/// What there is to say of a derivative that is not finite where all operations have finite ones.
fn overflows(loaded: &Loaded) -> Diagnostic {
    Diagnostic::warning(
        "singular-derivative",
        loaded.whole(),
        "a derivative is not finite, although every operation has one here",
    )
    .label("something on the way overflows, or an input is not finite")
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
        let failure = Failure::message(
            "missing-input",
            format!("{}: inputs without a value: {}", loaded.source.name, missing.join(", ")),
        );
        let declared = loaded.declared();
        let of_network = |name: &&&str| declared.iter().any(|(known, _)| known == **name);
        let mut failure = match missing.iter().find(of_network) {
            None => failure.note(format!("give them with {}", examples.join(" "))),
            Some(_) => {
                failure.note("give those of networks with --weights FILE.npz, others with --set NAME=…")
            }
        };
        let functions = missing.iter().filter(|name| Primitive::from_name(name).is_some());
        for name in functions {
            let call = match loaded.dialect.name() {
                "infix" => format!("{name}(…)"),
                _ => format!("({name} …)"),
            };
            failure = failure.note(format!("`{name}` as a function is called: {call}"));
        }
        return Err(loaded.or_infix(failure));
    }
    loaded.accept(&signature)?;
    Ok(signature)
}

/// The numbers of each output of the kernel as they are printed, and what there is to report.
fn evaluate<T: Element>(
    loaded: &Loaded,
    kernel: &Kernel,
    args: &Args,
) -> Result<(Vec<Vec<f64>>, Option<Check>), Failure> {
    let (mut inputs, mut params) = (Vec::<T>::new(), Vec::<T>::new());
    let mut seeds = args.derivatives.seeds::<T>(loaded, kernel)?.into_iter();
    for input in kernel.inputs() {
        let setting = || args.settings.iter().find(|setting| setting.name == input.name);
        match input.source {
            Source::Shared => params.extend(setting().into_iter().flat_map(Setting::numbers::<T>)),
            Source::Tangent { .. } | Source::Cotangent(_) => {
                inputs.extend(seeds.next().into_iter().flatten())
            }
            Source::Row | Source::State(_) | Source::Capture(_) | Source::Tape(_) => {
                inputs.extend(setting().into_iter().flat_map(Setting::numbers::<T>));
            }
        }
    }
    let mut outputs = vec![T::default(); kernel.shape().outputs];
    let mut sums = vec![0.0; kernel.shape().param_gradients];
    let mut workspace = Workspace::new();
    let stop = limits::clock();
    let outcome = evaluate_row_until(kernel, &inputs, &params, &mut outputs, &mut sums, &mut workspace, stop)
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
        RowOutcome::Noted(check) => kernel.checks().get(check as usize).copied(),
        RowOutcome::Done | RowOutcome::Failed(_) => None,
    };
    Ok((numbers, note))
}

/// A kernel for a kind of derivative, or for the value alone, with the numbers of each of its outputs.
type Computed = (Option<Kind>, Kernel, Vec<Vec<f64>>);

/// The results of a kernel with their numbers.
fn results<'k>(
    kernel: &'k Kernel,
    numbers: &'k [Vec<f64>],
) -> impl Iterator<Item = (&'k OutputInfo, &'k [f64])> {
    let all = kernel.outputs().iter().zip(numbers);
    all.filter(|(output, _)| output.role == Role::Value).map(|(output, data)| (output, data.as_slice()))
}

/// A derivative: of which result by which inputs, with its form and numbers.
struct Derived<'k> {
    kind: Kind,
    result: usize,
    by: Vec<&'k str>,
    form: Form,
    data: Vec<f64>,
}

/// All derivatives of a kernel, those by the first input first.
fn derived<'k>(kernel: &'k Kernel, kind: Kind, numbers: &[Vec<f64>]) -> Vec<Derived<'k>> {
    let of = |summed: bool| -> Vec<f64> {
        let outputs = kernel.outputs().iter().zip(numbers);
        let outputs = outputs.filter(|(output, _)| output.role != Role::Value && output.summed == summed);
        outputs.flat_map(|(_, data)| data.iter().copied()).collect()
    };
    let [row, sums] = [of(false), of(true)];
    let mut parts = parts(kernel, kind);
    parts.sort_by(|a, b| a.by.cmp(&b.by));
    let made = parts.into_iter().map(|part| {
        let mut data = vec![0.0; part.numbers()];
        part.gather(if part.summed { &sums } else { &row }, &mut data);
        let by = part.by.iter().map(|&input| kernel.inputs()[input].name.as_str()).collect();
        Derived { kind, result: part.result, by, form: part.form, data }
    });
    made.collect()
}

/// One value for an unnamed result, an object for named ones.
fn named(parts: Vec<(&str, Json)>) -> Json {
    match &parts[..] {
        [("", value)] => value.clone(),
        _ => parts.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<Map<_, _>>().into(),
    }
}

fn as_json(computed: &[Computed]) -> Json {
    let mut object = json!({});
    for (kind, kernel, numbers) in computed {
        let values = results(kernel, numbers);
        let values =
            values.map(|(output, data)| (output.name.as_str(), text::json(data, &text::form(output.shape))));
        object["value"] = named(values.collect());
        let Some(kind) = *kind else { continue };
        let names: Vec<&str> = self::values(kernel).map(|result| result.name.as_str()).collect();
        let derived = derived(kernel, kind, numbers);
        let json = |d: &Derived<'_>| text::json(&d.data, &d.form);
        let mut made = Map::new();
        match kind {
            Kind::Jvp => {
                object[kind.name()] = named(derived.iter().map(|d| (names[d.result], json(d))).collect());
                continue;
            }
            Kind::Vjp => {
                for d in &derived {
                    made.insert(d.by.concat(), json(d));
                }
            }
            Kind::Hessian => {
                for d in &derived {
                    let row = made.entry(d.by[0]).or_insert_with(|| json!({}));
                    row[d.by[1]] = json(d);
                }
            }
            Kind::Gradient => {
                for of_input in derived.chunk_by(|a, b| a.by == b.by) {
                    let parts = of_input.iter().map(|d| (names[d.result], json(d)));
                    made.insert(of_input[0].by.concat(), named(parts.collect()));
                }
            }
        }
        object[kind.name()] = made.into();
    }
    object
}

fn as_text(computed: &[Computed]) -> String {
    let mut lines: Vec<(String, Vec<f64>, Form)> = Vec::new();
    for (k, (kind, kernel, numbers)) in computed.iter().enumerate() {
        if k == 0 {
            for (output, data) in results(kernel, numbers) {
                lines.push((value_name(output).to_string(), data.to_vec(), text::form(output.shape)));
            }
        }
        let Some(kind) = *kind else { continue };
        let names: Vec<&str> = values(kernel).map(|result| result.name.as_str()).collect();
        for Derived { kind, result, by, form, data } in derived(kernel, kind, numbers) {
            let name = names[result];
            let line = match kind {
                Kind::Gradient => format!("d{name}/d{}", by[0]),
                Kind::Hessian => format!("d²{name}/d{}d{}", by[0], by[1]),
                Kind::Jvp => format!("d{name} along --jvp"),
                Kind::Vjp => format!("--vjp by {}", by[0]),
            };
            lines.push((line, data, form));
        }
    }
    let width = lines.iter().map(|line| line.0.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, data, form) in lines {
        text += &format!("{name:width$} = {}\n", text::value(&data, &form, width + 3));
    }
    text
}
