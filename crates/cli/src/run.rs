//! `nc run`: a program over a batch of rows, from files to files.
//!
//! * [`columns`]: which column of the batch goes to which input;
//! * [`results`]: files that appear together or not at all;
//! * [`progress`]: a bar for long runs.

pub mod columns;
mod progress;
mod results;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use nc_arrays::{Dataset, FileIdentity, Format, Incomplete, Missing};
use nc_runtime::batch::{Report, RowReport};
use nc_runtime::element::Element;
use neural_compiler::{
    Check, CompileOptions, Diagnostic, Effect, Kernel, Met, Reason, Role, SafeDomain, Severity, Variable,
};
use serde_json::{Value as Json, json};

use self::columns::{Columns, Renamed, batch_name};
use self::results::{Results, Valueless, extended};
use super::derivatives::{DerivativeArgs, Kind, params};
use super::dialect::DialectArgs;
use super::limits::{self, LimitArgs, MemoryArgs};
use super::report::{self, Failure, SourceText, eprint_excerpts, eprint_lines};
use super::text::{self, Items, Setting};
use super::{DtypeChoice, Loaded, TierChoice, print_json, set_threads, state, weights};

/// Evaluate a program over a batch of rows from a file
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc run law.scm --batch in.npy -o out.npy --grad g.npy\n  \
    nc run law.scm --batch in.npy --inputs 'm,r[3]' -o out.npy\n  \
    nc run law.scm --batch in.npz --param G=6.674e-11 -o out.npz --grad g.npz\n  \
    nc run -e '(* 1/2 m (square v))' --batch in.csv --with-inputs -o out.csv\n  \
    nc run law.scm --batch in.csv --column v=speed --missing nan -o out.csv --grad g.csv\n  \
    nc run law.scm --batch in.npy --grad h.npz --hessian --wrt v\n  \
    cat law.scm | nc run - --batch in.csv\n  \
    cat in.csv | nc run law.scm --batch - --format csv\n\n\
    Batch. Columns go to inputs by name if the file has names: a csv file with a header, an npz file with an array of\n\
    shape (rows, …) for each input, an npy file of a structured array. Others are left aside, and named on standard\n\
    error. The shapes of inputs are those in the file; in csv, columns r[0], r[1], … (or \"A[0,0]\", …) make a vector\n\
    (or matrix). An array of an npz file without dimensions is a parameter, as by --param. A plain npy file of shape\n\
    (rows, columns) has its columns in the order of the program's inputs, all scalars, or as --inputs says.\n\n\
    Csv. Columns are separated by commas, semicolons, tabs or blanks, numbers have points or, with another separator,\n\
    commas; the first line has the names, also behind a # as numpy.savetxt writes it. Cells that are empty or hold NA,\n\
    null and the like have no number: --missing says what becomes of them.\n\n\
    Result. An npy file of shape (rows, …shape of the value); npz and csv files name it `value`, or as the program\n\
    does. Without -o, csv goes to standard output; a terminal gets the first 20 rows. With --with-inputs, the columns of\n\
    the inputs come first.\n\n\
    Gradient. In g.npy, an array of shape (rows, …shape of the value, columns), columns as in the batch (of a file\n\
    with names: in the order of the program's inputs, or --wrt, or --inputs). In g.npz, for each input an array of shape\n\
    (rows, …shape of the value, …shape of the input), called as the input, or result/input if results have names; the\n\
    gradient by a parameter is summed over the rows and has no dimension of rows. g.csv has a column for each number.\n\
    --hessian, --jvp or --vjp put another derivative in its place: for each pair of inputs an array x/y, for each\n\
    result its derivative along a direction, or for each input the derivative of the weighted sum. In an npy file these\n\
    are of shape (rows, columns, columns), (rows, …shape of the value), and (rows, columns).\n\n\
    Element type. With --dtype f32, numbers of the batch are rounded to f32 once, and npy and npz files are written with\n\
    f32 numbers. A csv file is read and written in decimal for either type.\n\n\
    Rows that fail, such as by an index out of range, are listed on standard error, and no file is written, or with\n\
    --keep-going, they are NaN, and so are gradients by parameters, unless --skip-failed sums them over the other rows.\n\
    The exit status is 1 either way. A row that fails in a loop or recursive function is listed with the values of its\n\
    variables.\n\n\
    With --check-domain, rows in which an operation leaves its safe domain (division by 0, the root of a negative\n\
    number, …) are listed on standard error by the first such operation. They do not fail: values are what IEEE 754\n\
    gives, files are written, and the exit status is 0.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// An expression instead of a program, or behind the definitions of one
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    expression: Option<String>,
    /// The batch: an npy, npz or csv file; - is standard input
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// What the batch is, if its name does not say it; otherwise, for pipes, its first bytes do
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatChoice>,
    /// The column, field or array that an input is read from, if it is not called as the input: nu=freq
    #[arg(long = "column", value_name = "INPUT=COLUMN", value_parser = columns::parse_renamed)]
    columns: Vec<Renamed>,
    /// What becomes of cells of a csv file without a number
    #[arg(long, value_enum, default_value_t)]
    missing: MissingChoice,
    /// Memory for a batch that cannot stay where it is: unpacked, converted, or read from a pipe, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    batch_memory: u32,
    /// Where results go: an npy, npz or csv file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the inputs beside the results, in npz and csv
    #[arg(long)]
    with_inputs: bool,
    /// Where derivatives by all inputs go: an npy, npz or csv file
    #[arg(long, value_name = "FILE")]
    grad: Option<PathBuf>,
    #[command(flatten)]
    derivatives: DerivativeArgs,
    /// Order and shapes of the inputs, such as m,r[3],A[3,3]
    #[arg(long, value_name = "LIST", value_parser = text::parse_items)]
    inputs: Option<Items>,
    /// Give an input, or a top-level number of the program, one value for all rows
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = text::parse_setting)]
    params: Vec<Setting>,
    /// Values of parameters, such as the weights of networks, as by --param: arrays of their names, as nc fit --weights-out writes them
    #[arg(long, value_name = "FILE.npz")]
    weights: Option<PathBuf>,
    /// How many threads; 0 for one per processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// The type of all numbers
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeChoice,
    /// How to run the program; all ways give the same bits
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// Write files even if rows fail
    #[arg(long)]
    keep_going: bool,
    /// With --keep-going, sum gradients by parameters over the rows that do not fail, instead of making them NaN
    #[arg(long, requires = "keep_going")]
    skip_failed: bool,
    /// List rows in which an operation leaves its safe domain; their values count
    #[arg(long)]
    check_domain: bool,
    /// List rows in which an operation is at a kink, where its derivative jumps; their values count
    #[arg(long)]
    check_kinks: bool,
    #[command(flatten)]
    dialect: DialectArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// The choice of a format on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    /// One array
    Npy,
    /// Several arrays with names
    Npz,
    /// Text with a line of names
    Csv,
}

impl From<FormatChoice> for Format {
    fn from(choice: FormatChoice) -> Format {
        match choice {
            FormatChoice::Npy => Format::Npy,
            FormatChoice::Npz => Format::Npz,
            FormatChoice::Csv => Format::Csv,
        }
    }
}

/// The choice of what becomes of cells without a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum MissingChoice {
    /// The file is refused
    #[default]
    Refuse,
    /// They are NaN
    Nan,
    /// Their rows fail
    FailRow,
}

impl From<MissingChoice> for Missing {
    fn from(choice: MissingChoice) -> Missing {
        match choice {
            MissingChoice::Refuse => Missing::Refuse,
            MissingChoice::Nan => Missing::Nan,
            MissingChoice::FailRow => Missing::FailRow,
        }
    }
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    check_usage(args, json)?;
    check_files(args)?;
    set_threads(args.threads)?;
    match args.dtype {
        DtypeChoice::F64 => run_as::<f64>(args, json),
        DtypeChoice::F32 => run_as::<f32>(args, json),
    }
}

/// Runs the subcommand for programs and files of this element type.
fn run_as<T: Element>(args: &Args, json: bool) -> Result<(), Failure> {
    let loaded = Loaded::open_with(args.program.as_deref(), args.expression.as_deref(), &args.dialect)?;
    let mut args = args.clone();
    let dataset: Dataset<T> = columns::read(&loaded, &args)?;
    if let Some(path) = &args.weights {
        let by_option = |name: &str| args.params.iter().any(|param| param.name == name);
        let by_column = |name: &str| columns::has(&args, &dataset, name);
        let batch = batch_name(&args);
        let given = weights::Given { by_option: &by_option, by_column: Some((&batch, &by_column)) };
        let values = weights::read("--weights", path, &loaded, &given)?;
        args.params.extend(values);
    }
    let args = &args;
    let table = Columns::assign(&loaded, args, &dataset)?;
    columns::note_left_aside(&loaded, args, &dataset, &table);
    let kind = args.derivatives.kinds().first().copied().unwrap_or(Kind::Gradient);
    let options = CompileOptions::default()
        .signature(table.signature.clone())
        .dtype(args.dtype.into())
        .tier(args.tier.into())
        .check_domain(args.check_domain || loaded.strict())
        .check_kinks(args.check_kinks)
        .check_derivatives(!loaded.strict())
        .limits(args.limits.of(&loaded.program))
        .tape_bytes(args.memory.tape_bytes())
        .memory_bytes(args.memory.memory_bytes());
    let options = match args.grad {
        None => options,
        Some(_) => {
            let params = table.params.iter().map(|param| param.name.as_str());
            let all = table.order.iter().map(String::as_str);
            let wrt = args.derivatives.wrt(&loaded, kind, all, params)?;
            args.derivatives.options(&loaded, kind, &wrt, &table.signature, options)?
        }
    };
    let kernel = loaded.program.compile(&options).map_err(|error| loaded.failure(error))?;
    for note in kernel.notes() {
        eprint_lines(&format!("note: {}: {note}\n", loaded.source.name));
    }
    let seeds = args.derivatives.seeds::<T>(&loaded, &kernel)?;
    let (rows, incomplete) = (dataset.rows(), dataset.incomplete());
    if rows == 0 && incomplete.count() == 0 && !json {
        eprint_lines("note: the batch has no rows\n");
    }
    let mut results = Results::create(&loaded, args, &kernel, kind, &table, incomplete, rows, json)?;
    let start = Instant::now();
    let report = results.evaluate(&loaded, args, &kernel, &table, &seeds, rows)?;
    let elapsed = start.elapsed();
    let domain = match report.noted {
        0 => None,
        _ => loaded.program.safe_domain(options.get_signature()).ok(),
    };
    let states = failed_states(&kernel, &table, &seeds, &report);
    // Rows are counted as in the file.
    let report = in_file(report, incomplete);
    let failed_rows = report.failed + incomplete.count();
    let mut valueless = if extended(&loaded) { results.without_value(rows) } else { Valueless::default() };
    valueless.first.iter_mut().for_each(|row| *row = incomplete.in_file(*row));
    let no_value = loaded.strict() && report.noted > 0 || valueless.count > 0;
    let (summed, without) = match (results.has_sums(), failed_rows > 0, no_value) {
        (true, true, false) if args.skip_failed => (Some(report.rows), failed_rows),
        (true, true, _) | (true, _, true) => {
            results.spoil_sums();
            (None, 0)
        }
        (true, false, false) => (Some(report.rows), 0),
        (false, ..) => (None, 0),
    };
    if report.noted > 0 && !json {
        list_notes(&loaded, args, &kernel, &report, domain.as_ref());
    }
    let outcome =
        Outcome { report: &report, states: &states, incomplete, has_sums: results.has_sums(), without };
    if valueless.count > 0 && !json {
        list_valueless(&loaded, &valueless, &report);
    }
    if failed_rows > 0 && !json {
        list_failures(&loaded, args, &kernel, &outcome);
    }
    let failed = failed_rows > 0 || no_value;
    let has_sums = results.has_sums();
    if !failed || args.keep_going {
        results.finish(args, &kernel, incomplete, rows, json)?;
    }
    if json {
        let mut object = json!({
            "rows": rows + incomplete.count(),
            "failed": failed_rows,
            "failures": failures_json(&loaded, &kernel, &outcome),
            "tier": kernel.tier().to_string(),
            "dtype": kernel.dtype().to_string(),
            "seconds": elapsed.as_secs_f64(),
        });
        if !dataset.left_aside().is_empty() {
            object["left_aside"] = dataset.left_aside().into();
        }
        if args.grad.is_some() {
            object["gradient_columns"] = gradient_columns(&kernel);
        }
        if has_sums {
            object["summed_rows"] = summed.into();
        }
        if args.check_domain || loaded.strict() || args.check_kinks || args.grad.is_some() {
            object["noted"] = report.noted.into();
            object["notes"] = listed(&loaded, &kernel, &report.notes, domain.as_ref());
        }
        if extended(&loaded) {
            object["without_value"] = json!({ "rows": valueless.count, "first": valueless.first });
        }
        print_json(&object)?;
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

/// The inputs that derivatives are by, in the order in which they stand in an npy file, as `--inputs` takes them.
fn gradient_columns(kernel: &Kernel) -> Json {
    let inputs = kernel.outputs().iter().filter_map(|output| match output.role {
        Role::Gradient { of: 0, input } if !output.summed => Some(&kernel.inputs()[input as usize]),
        Role::Gradient { .. } | Role::Value | Role::Tangent { .. } => None,
    });
    inputs.map(|input| text::item(&input.name, input.shape)).collect()
}

/// The report with its rows counted as in the file, incomplete ones included.
fn in_file(report: Report, incomplete: &Incomplete) -> Report {
    let rows = |rows: Vec<RowReport>| {
        let in_file = |row: RowReport| RowReport { row: incomplete.in_file(row.row), ..row };
        rows.into_iter().map(in_file).collect()
    };
    Report { failures: rows(report.failures), notes: rows(report.notes), ..report }
}

/// What became of the rows.
struct Outcome<'a> {
    report: &'a Report,
    /// The state that each of the reported rows failed in.
    states: &'a [Option<Vec<Variable>>],
    incomplete: &'a Incomplete,
    /// Whether there are sums over the batch, and how many rows they are without.
    has_sums: bool,
    without: usize,
}

/// No output may be another one or what is read, by whatever name.
fn check_files(args: &Args) -> Result<(), Failure> {
    // What cannot be found is refused where it is opened.
    let identity = |path: &Path| FileIdentity::of(path).ok();
    let outputs: Vec<(&str, &PathBuf)> = [("-o", args.output.as_ref()), ("--grad", args.grad.as_ref())]
        .into_iter()
        .filter_map(|(option, path)| Some((option, path?)))
        .collect();
    let known: Vec<Option<FileIdentity>> = outputs.iter().map(|(_, path)| identity(path)).collect();
    if let [(one, first), (other, second)] = outputs[..]
        && (first == second || known[0].is_some() && known[0] == known[1])
    {
        let names = match first == second {
            true => String::new(),
            false => format!(": {} and {}", first.display(), second.display()),
        };
        return Err(Failure::usage(format!("{one} and {other} name the same file{names}")));
    }
    let read = [
        ("the batch", Some(&args.batch)),
        ("the program", args.program.as_ref()),
        ("the weights", args.weights.as_ref()),
    ];
    for (what, path) in read {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else { continue };
        let found = identity(path);
        for ((option, output), known) in outputs.iter().zip(&known) {
            if found.is_some() && found == *known {
                let names = match *output == path {
                    true => path.display().to_string(),
                    false => format!("{}, which is {}", path.display(), output.display()),
                };
                return Err(Failure::usage(format!("{option} would replace {what}, {names}")));
            }
        }
    }
    Ok(())
}

/// Finds what is wrong with the options by themselves.
fn check_usage(args: &Args, json: bool) -> Result<(), Failure> {
    if let Some(output) = &args.output {
        Format::of_path(output)
            .map_err(|_| Failure::usage("-o: the name of the file has to end in .npy, .npz or .csv"))?;
    }
    let kinds = args.derivatives.kinds();
    match args.grad.as_deref().map(Format::of_path) {
        None | Some(Ok(Format::Npz)) => {}
        Some(Ok(Format::Npy | Format::Csv))
            if args.params.is_empty() && args.weights.is_none()
                || args.derivatives.names_inputs()
                || !kinds.is_empty() => {}
        Some(Ok(Format::Npy | Format::Csv)) => {
            let option = if args.params.is_empty() { "--weights" } else { "--param" };
            return Err(Failure::usage(format!(
                "--grad: with {option} the file has to be an npz file: gradients by parameters are arrays of their own",
            )));
        }
        Some(Err(_)) => {
            return Err(Failure::usage("--grad: the name of the file has to end in .npy, .npz or .csv"));
        }
    }
    if let [one, other, ..] = kinds[..] {
        let message =
            format!("--{} and --{}: a run computes one kind of derivative", one.name(), other.name());
        return Err(Failure::usage(message));
    }
    if args.grad.is_none()
        && let Some(option) =
            kinds.first().map(|kind| kind.name()).or(args.derivatives.names_inputs().then_some("wrt"))
    {
        return Err(Failure::usage(format!("--{option}: --grad has to say where derivatives go")));
    }
    if args.with_inputs
        && args.output.as_deref().is_some_and(|path| matches!(Format::of_path(path), Ok(Format::Npy)))
    {
        return Err(Failure::usage("--with-inputs: an npy file holds one array; use npz or csv"));
    }
    if args.batch == Path::new("-") {
        if args.program.as_deref() == Some(Path::new("-")) {
            return Err(Failure::usage("the program and the batch cannot both come from standard input"));
        }
        if args.format.is_none() && io::IsTerminal::is_terminal(&io::stdin()) {
            return Err(Failure::usage("--batch -: nothing is piped in; --format says what is to be typed"));
        }
    }
    if json && args.output.is_none() && args.grad.is_none() {
        return Err(Failure::usage("--json prints a report: -o or --grad has to say where results go"));
    }
    for (k, param) in args.params.iter().enumerate() {
        param.held(args.dtype.into()).map_err(|why| Failure::usage(format!("--param: {why}")))?;
        if args.params[..k].iter().any(|before| before.name == param.name) {
            return Err(Failure::usage(format!("--param: `{}` is given twice", param.name)));
        }
    }
    Ok(())
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Names for a message, not too many of them.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, … ({} in all)", names.len()) } else { shown }
}

/// What a check has to say about a row, at its place in the source.
pub fn check_diagnostic(check: &Check) -> Diagnostic {
    let reason = check.reason.to_string();
    match (check.effect, check.reason) {
        (Effect::Fail, _) => {
            let diagnostic = Diagnostic::error("row-failed", check.span, reason);
            match limits::option_of(check.reason) {
                Some(option) => diagnostic.help(limits::raises(option)),
                None => diagnostic,
            }
        }
        (Effect::Note, Reason::Met { what: Met::Kink, .. }) => {
            Diagnostic::warning("kink", check.span, reason)
        }
        (Effect::Note, Reason::Met { what: Met::Singular, .. }) => {
            Diagnostic::warning("singular-derivative", check.span, reason)
        }
        (Effect::Note, _) => Diagnostic::warning("outside-domain", check.span, reason),
    }
}

/// Failed or noted rows as JSON.
fn listed(loaded: &Loaded, kernel: &Kernel, rows: &[RowReport], domain: Option<&SafeDomain>) -> Json {
    let checks = kernel.checks();
    let rows = rows.iter().filter_map(|row| Some((row.row, checks.get(row.check as usize)?)));
    rows.map(|(row, check)| {
        let mut object = check_json(&loaded.source, check, domain);
        object["row"] = row.into();
        object
    })
    .collect()
}

/// Failed rows as JSON, each with the state that it failed in, as far as that is known.
fn failures_json(loaded: &Loaded, kernel: &Kernel, outcome: &Outcome<'_>) -> Json {
    let mut rows = listed(loaded, kernel, &outcome.report.failures, None);
    let Json::Array(list) = &mut rows else { return rows };
    for (object, state) in list.iter_mut().zip(outcome.states) {
        if let Some(state) = state {
            object["state"] = state::json(state);
        }
    }
    list.extend(outcome.incomplete.first().iter().map(|row| {
        let reason = format!("there is no number in column {:?}", row.column);
        json!({ "row": row.row, "line": row.line, "reason": reason })
    }));
    rows
}

/// How many iterations and calls it may take to find the states of all failed rows.
const EXPLAINED_STEPS: u64 = 20_000_000;

/// The state in which each of the reported rows failed, as far as that is found out in reasonable time.
fn failed_states<T: Element>(
    kernel: &Kernel,
    table: &Columns<'_, T>,
    seeds: &[Vec<T>],
    report: &Report,
) -> Vec<Option<Vec<Variable>>> {
    let params: Vec<f64> = params::<T>(kernel, &table.params).iter().map(|x| x.to_f64()).collect();
    let sources = table.of_kernel(kernel, seeds);
    let mut left = EXPLAINED_STEPS;
    let state = |row: &RowReport| {
        let inputs: Vec<f64> =
            sources.iter().flat_map(|source| source.row(row.row)).map(|x| x.to_f64()).collect();
        let why = kernel.explain_within(&inputs, &params, left);
        left = why.as_ref().map_or(0, |why| left.saturating_sub(why.steps));
        why.map(|why| super::shown(kernel.dtype(), why.state))
    };
    report.failures.iter().map(state).collect()
}

/// What a check has to say about a row, as JSON.
pub fn check_json(source: &SourceText, check: &Check, domain: Option<&SafeDomain>) -> Json {
    let (file, start) = source.of(check.span);
    let (from, to) = (check.span.start - start, check.span.end.saturating_sub(start));
    let (code, reason) = (check_diagnostic(check).code, check.reason.to_string());
    let mut object = json!({ "code": code, "reason": reason, "start": from, "end": to });
    if file.name != source.name {
        object["file"] = file.name.as_str().into();
    }
    if let Reason::Met { op, .. } = check.reason {
        object["op"] = op.info().spelling().into();
        object["condition"] = need(check, domain).into();
    }
    object
}

/// What the operation of a check needs, in the words of the program.
fn need<'a>(check: &Check, domain: Option<&'a SafeDomain>) -> Option<&'a str> {
    match check.reason {
        Reason::Met { what: Met::Outside, op, step } => domain?.need(check.span, op, step),
        Reason::Met { what: Met::Kink | Met::Singular, .. }
        | Reason::Index { .. }
        | Reason::Unmet(_)
        | Reason::Iterations { .. }
        | Reason::Depth { .. }
        | Reason::Steps { .. } => None,
    }
}

/// The check as a warning or an error, in the words of the program if they are the same wherever it is evaluated.
pub fn described(check: &Check, domain: Option<&SafeDomain>) -> Diagnostic {
    let mut diagnostic = check_diagnostic(check);
    if let Some(need) = need(check, domain) {
        diagnostic.label = format!("needs {need}");
    }
    diagnostic
}

/// Excerpts for rows, those that a check of the same operation has something to say about together.
fn excerpts(loaded: &Loaded, kernel: &Kernel, rows: &[RowReport], domain: Option<&SafeDomain>) -> String {
    let color = super::stderr_has_colors();
    let mut groups: Vec<(u32, &Check, Vec<String>)> = Vec::new();
    for row in rows {
        let Some(check) = kernel.checks().get(row.check as usize) else { continue };
        let same = |group: &&mut (u32, &Check, Vec<String>)| {
            (group.1.span, group.1.reason) == (check.span, check.reason)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.2.push(row.row.to_string()),
            None => groups.push((row.check, check, vec![row.row.to_string()])),
        }
    }
    groups.sort_by_key(|group| group.0);
    let mut text = String::new();
    for (_, check, rows) in groups {
        let mut diagnostic = described(check, domain);
        if loaded.strict() {
            diagnostic.severity = Severity::Error;
        }
        let plural = if rows.len() == 1 { "row" } else { "rows" };
        diagnostic.message = format!("{plural} {}: {}", list(&rows), diagnostic.message);
        text += &report::excerpt(&loaded.source, &diagnostic, color);
    }
    text
}

/// Prints the rows of which there is something to report, by the operations that they met it in.
fn list_notes(loaded: &Loaded, args: &Args, kernel: &Kernel, report: &Report, domain: Option<&SafeDomain>) {
    let asked = args.check_domain || args.check_kinks;
    let text = excerpts(loaded, kernel, &report.notes, domain);
    let first = if report.noted > report.notes.len() {
        format!(", of which the first {} are listed", report.notes.len())
    } else {
        String::new()
    };
    let (noted, rows) = (report.noted, count(report.rows, "row"));
    let derivatives = |row: &RowReport| {
        let reason = kernel.checks().get(row.check as usize).map(|check| check.reason);
        matches!(reason, Some(Reason::Met { what: Met::Singular, .. })) || !asked
    };
    let what = match report.notes.iter().all(derivatives) {
        true => "with a derivative that is not finite",
        false => "noted",
    };
    eprint_excerpts(&match loaded.strict() {
        true => format!(
            "{text}error: {noted} of {rows} without a value over these numbers (rows count from 0){first}\n"
        ),
        false => {
            format!(
                "{text}warning: {noted} of {rows} {what} (rows count from 0){first}; their values count\n"
            )
        }
    });
}

/// What is wrong where a tree over the extended real numbers gives a NaN, and how that comes.
pub const NO_EXTENDED_VALUE: &str = "the tree has no value here over the extended real numbers";
pub const WITHOUT_VALUE: &str = "ln of a negative number has none, nor have ∞ − ∞ and what follows of a NaN";

/// Prints the rows without a value over the extended real numbers.
fn list_valueless(loaded: &Loaded, valueless: &Valueless, report: &Report) {
    let rows: Vec<String> = valueless.first.iter().map(usize::to_string).collect();
    let plural = if rows.len() == 1 { "row" } else { "rows" };
    let message = format!("{plural} {}: {NO_EXTENDED_VALUE}", rows.join(", "));
    let error = Diagnostic::error("no-value", loaded.whole(), message).help(WITHOUT_VALUE);
    let text = report::excerpt(&loaded.source, &error, super::stderr_has_colors());
    let first = match valueless.count > rows.len() {
        true => format!(", of which the first {} are listed", rows.len()),
        false => String::new(),
    };
    let (count, all) = (valueless.count, count(report.rows, "row"));
    eprint_excerpts(&format!(
        "{text}error: {count} of {all} without a value over these numbers (rows count from 0){first}\n"
    ));
}

/// Prints the failed rows, those that failed at the same place together.
fn list_failures(loaded: &Loaded, args: &Args, kernel: &Kernel, outcome: &Outcome<'_>) {
    const SHOWN: usize = 20;
    let Outcome { report, states, incomplete, has_sums, without } = outcome;
    let mut text = excerpts(loaded, kernel, &report.failures, None);
    let known =
        report.failures.iter().zip(*states).filter_map(|(row, state)| Some((row.row, state.as_ref()?)));
    let known: Vec<_> = known.filter(|(_, state)| !state.is_empty()).collect();
    for (row, state) in known.iter().take(SHOWN) {
        text += &format!("  row {row} fails with {}\n", report::printable(&state::line(state)));
    }
    if known.len() > SHOWN {
        text += &format!("  … (--json has the state of {})\n", count(known.len(), "row"));
    }
    for row in incomplete.first().iter().take(SHOWN) {
        text += &report::printable(&format!(
            "  row {} has no number in column {:?} ({}, line {})\n",
            row.row,
            row.column,
            batch_name(args),
            row.line
        ));
    }
    if incomplete.count() > SHOWN {
        text += &format!("  … ({} have no number in a column)\n", count(incomplete.count(), "row"));
    }
    let written = if args.keep_going { "they are NaN in the files" } else { "nothing is written" };
    let sums = match (*has_sums && args.keep_going, *without) {
        (false, _) => String::new(),
        (true, 0) => {
            "; gradients by parameters are NaN too: --skip-failed sums them over the other rows".to_string()
        }
        (true, without) => format!("; gradients by parameters are sums without {}", count(without, "row")),
    };
    text += &format!(
        "error: {} of {} failed (rows count from 0); {written}{sums}\n",
        report.failed + incomplete.count(),
        count(report.rows + incomplete.count(), "row")
    );
    eprint_excerpts(&text);
}
