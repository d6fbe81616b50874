//! `nc run`: a program over a batch of rows, from files to files.
//!
//! * [`columns`]: which column of the batch goes to which input;
//! * [`results`]: files that appear together or not at all;
//! * [`progress`]: a bar for long runs.

mod columns;
mod progress;
mod results;

use std::path::PathBuf;
use std::time::Instant;

use nc_arrays::{Dataset, Format};
use nc_runtime::batch::{Report, RowReport};
use nc_runtime::element::Element;
use neural_compiler::{
    Check, CompileOptions, Derivative, Diagnostic, Effect, Kernel, Met, Reason, SafeDomain, Severity,
    Variable,
};
use serde_json::{Value as Json, json};

use self::columns::Columns;
use self::results::Results;
use super::dialect::DialectArgs;
use super::limits::{LimitArgs, MemoryArgs};
use super::report::{self, Failure, eprint_lines};
use super::text::{self, Items, Setting};
use super::{DtypeChoice, Loaded, TierChoice, print_json, set_threads, state};

/// Evaluate a program over a batch of rows from a file
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc run law.scm --batch in.npy -o out.npy --grad g.npy\n  \
    nc run law.scm --batch in.npy --inputs 'm,r[3]' -o out.npy\n  \
    nc run law.scm --batch in.npz --param G=6.674e-11 -o out.npz --grad g.npz\n  \
    cat law.scm | nc run - --batch in.csv\n\n\
    Batch. Columns go to inputs by name if the file has names: a csv file with a header, an npz file with an array of\n\
    shape (rows, …) for each input, an npy file of a structured array. The shapes of inputs are those in the file; in\n\
    csv, columns r[0], r[1], … (or \"A[0,0]\", …) make a vector (or matrix). A plain npy file of shape (rows, columns)\n\
    has its columns in the order of the program's inputs, all scalars, or as --inputs says.\n\n\
    Result. An npy file of shape (rows, …shape of the value); npz and csv files name it `value`, or as the program\n\
    does. Without -o, csv goes to standard output; a terminal gets the first 20 rows.\n\n\
    Gradient. In g.npy, an array of shape (rows, …shape of the value, columns), columns as in the batch (of a file\n\
    with names: in the order of the program's inputs, or --inputs). In g.npz, for each input an array of shape (rows,\n\
    …shape of the value, …shape of the input), called as the input, or result/input if results have names; the\n\
    gradient by a parameter is summed over the rows and has no dimension of rows.\n\n\
    Element type. With --dtype f32, numbers of the batch are rounded to f32 once, and npy and npz files are written with\n\
    f32 numbers. A csv file is read and written in decimal for either type.\n\n\
    Rows that fail, such as by an index out of range, are listed on standard error, and no file is written, or with\n\
    --keep-going, they are NaN, as are the sums of gradients by parameters, unless --skip-failed sums over the other\n\
    rows. The exit status is 1 either way. A row that fails in a loop or recursive function is\n\
    listed with the values of its variables.\n\n\
    With --check-domain, rows in which an operation leaves its safe domain (division by 0, the root of a negative\n\
    number, …) are listed on standard error by the first such operation. They do not fail: values are what IEEE 754\n\
    gives, files are written, and the exit status is 0.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG")]
    program: PathBuf,
    /// The batch: an npy, npz or csv file
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// Where results go: an npy, npz or csv file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where derivatives by all inputs go: an npy or npz file
    #[arg(long, value_name = "FILE")]
    grad: Option<PathBuf>,
    /// Order and shapes of the inputs, such as m,r[3],A[3,3]
    #[arg(long, value_name = "LIST", value_parser = text::parse_items)]
    inputs: Option<Items>,
    /// Give an input, or a top-level number of the program, one value for all rows
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = text::parse_setting)]
    params: Vec<Setting>,
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
    /// With --keep-going, leave failed rows out of the gradients by parameters, which else are NaN
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

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    check_usage(args, json)?;
    set_threads(args.threads)?;
    match args.dtype {
        DtypeChoice::F64 => run_as::<f64>(args, json),
        DtypeChoice::F32 => run_as::<f32>(args, json),
    }
}

/// The same for programs and files of this element type.
fn run_as<T: Element>(args: &Args, json: bool) -> Result<(), Failure> {
    let format = Format::of_path(&args.batch)?;
    let loaded = Loaded::open(&args.program, args.dialect)?;
    let dataset = Dataset::<T>::open_as(&args.batch, format)?;
    if dataset.is_rounded() {
        let batch = args.batch.display();
        eprint_lines(&format!("note: {batch}: its numbers are rounded to {}\n", T::PRECISION));
    }
    let table = Columns::assign(&loaded, args, format, &dataset)?;
    let derivative = if args.grad.is_some() { Derivative::Gradient } else { Derivative::None };
    let params = args.params.iter().map(|param| param.name.clone());
    let options = CompileOptions::default()
        .signature(table.signature.clone())
        .derivative(derivative)
        .wrt(table.order.iter().cloned().chain(params))
        .dtype(args.dtype.into())
        .tier(args.tier.into())
        .check_domain(args.check_domain || loaded.strict())
        .check_kinks(args.check_kinks)
        .limits(args.limits.of(&loaded.program))
        .tape_bytes(args.memory.tape_bytes())
        .memory_bytes(args.memory.memory_bytes());
    let kernel = loaded.program.compile(&options).map_err(|error| loaded.failure(error))?;
    for note in kernel.notes() {
        eprint_lines(&format!("note: {}: {note}\n", loaded.source.name));
    }
    let rows = dataset.rows();
    let mut results = Results::create(&loaded, args, &kernel, rows, json)?;
    let start = Instant::now();
    let report = results.evaluate(&loaded, args, &kernel, &table, rows)?;
    let elapsed = start.elapsed();
    let domain = match report.noted {
        0 => None,
        _ => loaded.program.safe_domain(options.get_signature()).ok(),
    };
    let states = failed_states(args, &kernel, &table, &report);
    if report.noted > 0 && !json {
        list_notes(&loaded, &kernel, &report, domain.as_ref());
    }
    if report.failed > 0 && !json {
        list_failures(&loaded, args, &kernel, &report, &states);
    }
    let failed = report.failed > 0 || loaded.strict() && report.noted > 0;
    if !failed || args.keep_going {
        results.finish(args, &kernel, rows)?;
    }
    if json {
        let mut object = json!({
            "rows": rows,
            "failed": report.failed,
            "failures": failures_json(&kernel, &report, &states),
            "tier": kernel.tier().to_string(),
            "dtype": kernel.dtype().to_string(),
            "seconds": elapsed.as_secs_f64(),
        });
        if args.check_domain || loaded.strict() || args.check_kinks {
            object["noted"] = report.noted.into();
            object["notes"] = listed(&kernel, &report.notes, domain.as_ref());
        }
        print_json(&object)?;
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

/// Finds what is wrong with the options by themselves.
fn check_usage(args: &Args, json: bool) -> Result<(), Failure> {
    if let Some(output) = &args.output {
        Format::of_path(output)
            .map_err(|_| Failure::usage("-o: the name of the file has to end in .npy, .npz or .csv"))?;
    }
    match args.grad.as_deref().map(Format::of_path) {
        None | Some(Ok(Format::Npz)) => {}
        Some(Ok(Format::Npy)) if args.params.is_empty() => {}
        Some(Ok(Format::Npy)) => {
            return Err(Failure::usage(
                "--grad: with --param the file has to be an npz file: gradients by parameters are arrays of their own",
            ));
        }
        Some(_) => return Err(Failure::usage("--grad: the name of the file has to end in .npy or .npz")),
    }
    if args.output.is_some() && args.output == args.grad {
        return Err(Failure::usage("-o and --grad name the same file"));
    }
    if json && args.output.is_none() && args.grad.is_none() {
        return Err(Failure::usage("--json prints a report: -o or --grad has to say where results go"));
    }
    for (k, param) in args.params.iter().enumerate() {
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
        (Effect::Fail, _) => Diagnostic::error("row-failed", check.span, reason),
        (Effect::Note, Reason::Met { what: Met::Kink, .. }) => {
            Diagnostic::warning("kink", check.span, reason)
        }
        (Effect::Note, _) => Diagnostic::warning("outside-domain", check.span, reason),
    }
}

/// Failed or noted rows as JSON.
fn listed(kernel: &Kernel, rows: &[RowReport], domain: Option<&SafeDomain>) -> Json {
    let checks = kernel.checks();
    let rows = rows.iter().filter_map(|row| Some((row.row, checks.get(row.check as usize)?)));
    rows.map(|(row, check)| {
        let mut object = check_json(check, domain);
        object["row"] = row.into();
        object
    })
    .collect()
}

/// Failed rows as JSON, each with the state that it failed in, as far as that is known.
fn failures_json(kernel: &Kernel, report: &Report, states: &[Option<Vec<Variable>>]) -> Json {
    let mut rows = listed(kernel, &report.failures, None);
    for (object, state) in rows.as_array_mut().into_iter().flatten().zip(states) {
        if let Some(state) = state {
            object["state"] = state::json(state);
        }
    }
    rows
}

/// How many iterations and calls it may take to find the states of all failed rows.
const EXPLAINED_STEPS: u64 = 20_000_000;

/// The state in which each of the reported rows failed, as far as that is found out in reasonable time.
fn failed_states<T: Element>(
    args: &Args,
    kernel: &Kernel,
    table: &Columns<'_, T>,
    report: &Report,
) -> Vec<Option<Vec<Variable>>> {
    let params: Vec<f64> = results::params::<T>(args, kernel).iter().map(|x| x.to_f64()).collect();
    let sources = table.of_kernel(kernel);
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
pub fn check_json(check: &Check, domain: Option<&SafeDomain>) -> Json {
    let mut object =
        json!({ "reason": check.reason.to_string(), "start": check.span.start, "end": check.span.end });
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
        Reason::Met { what: Met::Kink, .. }
        | Reason::Index { .. }
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
fn list_notes(loaded: &Loaded, kernel: &Kernel, report: &Report, domain: Option<&SafeDomain>) {
    let text = excerpts(loaded, kernel, &report.notes, domain);
    let first = if report.noted > report.notes.len() {
        format!(", of which the first {} are listed", report.notes.len())
    } else {
        String::new()
    };
    let (noted, rows) = (report.noted, count(report.rows, "row"));
    eprint_lines(&match loaded.strict() {
        true => format!(
            "{text}error: {noted} of {rows} without a value over these numbers (rows count from 0){first}\n"
        ),
        false => {
            format!("{text}warning: {noted} of {rows} noted (rows count from 0){first}; their values count\n")
        }
    });
}

/// Prints the failed rows, those that failed at the same place together.
fn list_failures(
    loaded: &Loaded,
    args: &Args,
    kernel: &Kernel,
    report: &Report,
    states: &[Option<Vec<Variable>>],
) {
    const SHOWN: usize = 20;
    let mut text = excerpts(loaded, kernel, &report.failures, None);
    let known =
        report.failures.iter().zip(states).filter_map(|(row, state)| Some((row.row, state.as_ref()?)));
    let known: Vec<_> = known.filter(|(_, state)| !state.is_empty()).collect();
    for (row, state) in known.iter().take(SHOWN) {
        text += &format!("  row {row} fails with {}\n", report::printable(&state::line(state)));
    }
    if known.len() > SHOWN {
        text += &format!("  … (--json has the state of {})\n", count(known.len(), "row"));
    }
    let written = match (args.keep_going, args.params.is_empty() || args.grad.is_none(), args.skip_failed) {
        (false, ..) => "nothing is written",
        (true, true, _) => "they are NaN in the files",
        (true, false, false) => {
            "they are NaN in the files, and so are the gradients by parameters (--skip-failed sums over the other rows)"
        }
        (true, false, true) => "they are NaN in the files and left out of the gradients by parameters",
    };
    text += &format!(
        "error: {} of {} failed (rows count from 0); {written}\n",
        report.failed,
        count(report.rows, "row")
    );
    eprint_lines(&text);
}
