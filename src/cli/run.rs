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

use nc_runtime::batch::Report;
use nc_runtime::io::{Dataset, Format};
use neural_compiler::graph::Check;
use neural_compiler::source::Diagnostic;
use neural_compiler::{CompileOptions, Derivative, Kernel};
use serde_json::{Value as Json, json};

use self::columns::Columns;
use self::results::Results;
use super::limits::LimitArgs;
use super::report::{self, Failure, eprint_lines};
use super::text::{self, Items, Setting};
use super::{Loaded, TierChoice, print_json, set_threads};

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
    Rows that fail, such as by an index out of range, are listed on standard error, and no file is written, or with\n\
    --keep-going, they are NaN. The exit status is 1 either way.")]
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
    /// How to run the program; all ways give the same bits
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// Write files even if rows fail
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    check_usage(args, json)?;
    set_threads(args.threads)?;
    let format = Format::of_path(&args.batch)?;
    let loaded = Loaded::open(&args.program)?;
    let dataset = Dataset::open_as(&args.batch, format)?;
    let table = Columns::assign(&loaded, args, format, &dataset)?;
    let derivative = if args.grad.is_some() { Derivative::Gradient } else { Derivative::None };
    let params = args.params.iter().map(|param| param.name.clone());
    let options = CompileOptions {
        signature: table.signature.clone(),
        derivative,
        wrt: Some(table.order.iter().cloned().chain(params).collect()),
        tier: args.tier.into(),
        limits: Some(args.limits.of(&loaded.program)),
        ..CompileOptions::default()
    };
    let kernel = loaded.program.compile(&options).map_err(|error| loaded.failure(error))?;
    for note in kernel.notes() {
        eprint_lines(&format!("note: {}: {note}\n", loaded.source.name));
    }
    let rows = dataset.rows();
    let mut results = Results::create(&loaded, args, &kernel, rows, json)?;
    let start = Instant::now();
    let report = results.evaluate(&loaded, args, &kernel, &table, rows)?;
    let elapsed = start.elapsed();
    let failures = failures(&kernel, &report);
    if report.failed > 0 && !json {
        list_failures(&loaded, args, &kernel, &report);
    }
    if report.failed == 0 || args.keep_going {
        results.finish(args, &kernel, rows)?;
    }
    if json {
        print_json(&json!({
            "rows": rows,
            "failed": report.failed,
            "failures": failures,
            "tier": kernel.tier().to_string(),
            "seconds": elapsed.as_secs_f64(),
        }))?;
    }
    if report.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
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

/// Why a check failed a row, at its place in the source.
pub fn check_diagnostic(check: &Check) -> Diagnostic {
    Diagnostic::error("row-failed", check.span, check.reason.to_string())
}

/// The failed rows as JSON.
fn failures(kernel: &Kernel, report: &Report) -> Json {
    let checks = kernel.checks();
    let failed =
        report.failures.iter().filter_map(|failed| Some((failed.row, checks.get(failed.check as usize)?)));
    failed
        .map(|(row, check)| {
            json!({ "row": row, "reason": check.reason.to_string(), "start": check.span.start, "end": check.span.end })
        })
        .collect()
}

/// Prints the failed rows, those that failed at the same place together.
fn list_failures(loaded: &Loaded, args: &Args, kernel: &Kernel, report: &Report) {
    let color = super::stderr_has_colors();
    let mut text = String::new();
    let mut checks: Vec<u32> = report.failures.iter().map(|failed| failed.check).collect();
    checks.sort_unstable();
    checks.dedup();
    for check in checks {
        let rows: Vec<String> = report
            .failures
            .iter()
            .filter(|failed| failed.check == check)
            .map(|failed| failed.row.to_string())
            .collect();
        let Some(check) = kernel.checks().get(check as usize) else { continue };
        let mut diagnostic = check_diagnostic(check);
        let plural = if rows.len() == 1 { "row" } else { "rows" };
        diagnostic.message = format!("{plural} {}: {}", list(&rows), diagnostic.message);
        text += &report::excerpt(&loaded.source, &diagnostic, color);
    }
    let written = if args.keep_going { "they are NaN in the files" } else { "nothing is written" };
    text += &format!(
        "error: {} of {} failed (rows count from 0); {written}\n",
        report.failed,
        count(report.rows, "row")
    );
    eprint_lines(&text);
}
