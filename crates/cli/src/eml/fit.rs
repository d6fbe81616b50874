//! `nc eml fit`: the smallest tree that gives the values of a table.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nc_arrays::{Dataset, Missing, ReadOptions};
use nc_eml::search::{self, Data, Found, Options, Outcome, Progress};
use nc_eml::translate::raise::{Effort, raise};
use nc_eml::{Mode, Tree};
use neural_compiler::ReaderLimits;
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use serde_json::json;

use super::translate::{counts, counts_json, written};
use crate::dialect::Over;
use crate::fit::data::{columns, write};
use crate::report::{Failure, eprint_lines};
use crate::run::columns::forms_in_file;
use crate::{limits, outputs, print, print_json, set_threads, signals};

/// Find the smallest tree that gives the values of a table
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml fit --data points.csv --target t\n  \
    nc eml fit --data points.csv --target t --over complex --seconds 300 -o tree.eml --json\n\n\
    All trees of up to so many nodes are made and told apart by their values in some of the rows; larger ones are looked for from the\n\
    target backwards, by the inverse of eml in each operand. The first tree that is found has the fewest nodes. It is evaluated in all\n\
    rows, in 256 bits in up to 64 of them, and at random points between. Exact is what differs there from the data by less than 1e-14.")]
pub struct Args {
    /// The table: a csv or npz file, or an npy file of a structured array
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The column that the tree is to give; all others are its variables
    #[arg(long, value_name = "COLUMN")]
    target: String,
    /// The columns that are variables, if those are not all others
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    variables: Vec<String>,
    /// What eml is defined on
    #[arg(long, value_enum, default_value = "real")]
    over: Over,
    /// The most nodes
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=60))]
    nodes: u32,
    /// The error that a tree may have in a row, relative to the larger of the target there and its root mean square
    #[arg(long, value_name = "R", default_value_t = 1e-10, value_parser = parse_tolerance)]
    tolerance: f64,
    /// How long it may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = limits::parse_seconds)]
    seconds: Duration,
    /// Which rows tell values apart, and at which random points the tree is looked at
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many threads; 0 for one per processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Where the tree goes
    #[arg(short, long, value_name = "FILE.eml")]
    output: Option<PathBuf>,
}

fn parse_tolerance(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|x| *x >= 0.0 && x.is_finite());
    found.ok_or_else(|| "it is a number of at least 0, such as 1e-10".into())
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let mode = match args.over {
        Over::Extended => {
            return Err(Failure::usage(
                "--over extended: trees are searched over the reals or complex numbers",
            ));
        }
        over => Mode::from(over),
    };
    outputs::check(&[("-o", args.output.as_ref())], &[("the data", Some(&args.data))])?;
    set_threads(args.threads)?;
    let data = read(args)?;
    let stop = limits::clock().cloned().unwrap_or_default();
    signals::stop_at_interrupt(&stop);
    limits::give_results();
    let options = Options {
        mode,
        nodes: args.nodes as usize,
        tolerance: args.tolerance,
        until: Instant::now() + args.seconds,
        stop: &stop,
        seed: args.seed,
    };
    let tell = |progress: Progress| match progress {
        Progress::Known { nodes, values } => {
            eprint_lines(&format!("no tree of {nodes} nodes or fewer, among {values} values\n"));
        }
        Progress::Searched { nodes, goals } => {
            eprint_lines(&format!("trees of up to {nodes} nodes are looked for, by {goals} goals\n"));
        }
    };
    let started = Instant::now();
    let outcome = search::search(&data, &options, &tell)
        .map_err(|why| Failure::message("data", format!("{}: {why}", args.data.display())))?;
    let elapsed = started.elapsed().as_secs_f64();
    let Some(found) = &outcome.found else {
        limits::end(limits::Ended::early())?;
        return Err(none(args, &outcome));
    };
    let formula = formula(&found.tree);
    let text = written(&found.tree)?;
    if let Some(path) = &args.output {
        write(path, format!("{text}\n").as_bytes())?;
    }
    if json {
        return print_json(&json!({
            "tree": text,
            "formula": formula,
            "counts": counts_json(&found.tree.sizes()),
            "over": mode.name(),
            "exact": found.is_exact(),
            "error": found.error,
            "precise_error": found.precise,
            "defined": {"points": found.defined.1, "with_a_value": found.defined.0},
            "excluded_nodes": outcome.excluded,
            "values": outcome.values,
            "goals": outcome.goals,
            "seconds": elapsed,
        }));
    }
    print(&words(found, &outcome, formula.as_deref(), &text))
}

/// The columns of the table.
fn read(args: &Args) -> Result<Data, Failure> {
    let name = args.data.display().to_string();
    let dataset: Dataset<f64> =
        Dataset::open_with(&args.data, &ReadOptions::default().missing(Missing::Nan))?;
    let forms = forms_in_file(&dataset);
    let all: Vec<String> =
        dataset.fields().iter().filter_map(|field| field.name()).map(str::to_owned).collect();
    let column = |wanted: &str| -> Result<Vec<f64>, Failure> {
        let wrong = |why: &str| Failure::message("shape", format!("{name}, column {wanted:?}: {why}"));
        let form = forms.get(wanted).ok_or_else(|| {
            Failure::message("columns", format!("{name}: there is no column {wanted:?}"))
                .note(format!("there is: {}", all.join(", ")))
        })?;
        let mut found = columns(&dataset, wanted, form).map_err(|why| wrong(&why))?;
        match (found.pop(), found.is_empty()) {
            (Some(numbers), true) => Ok(numbers),
            _ => Err(wrong("it has to be one number in each row")),
        }
    };
    let target = column(&args.target)?;
    let variables: Vec<String> = match args.variables.is_empty() {
        true => all.iter().filter(|name| **name != args.target).cloned().collect(),
        false => args.variables.clone(),
    };
    if variables.contains(&args.target) {
        return Err(Failure::usage("--variables: the target is no variable of the tree"));
    }
    let is_name = |name: &str| {
        let read = reader::read(name, Grammar::Strict, &ReaderLimits::default());
        read.is_ok_and(|tree| tree.variables() == [name])
    };
    if let Some(wrong) = variables.iter().find(|name| !is_name(name)) {
        let message = format!("{name}: {wrong:?} is no name of a variable in a tree");
        return Err(Failure::message("columns", message).note("--variables says which columns are variables"));
    }
    let variables = variables
        .into_iter()
        .map(|name| column(&name).map(|numbers| (name, numbers)))
        .collect::<Result<_, _>>()?;
    Ok(Data { variables, target })
}

/// The tree in ordinary operations, if it has such a form.
fn formula(tree: &Tree) -> Option<String> {
    let raised = raise(tree, &Effort::default()).ok()?;
    Some(raised.scheme(tree.variables()))
}

fn words(found: &Found, outcome: &Outcome, formula: Option<&str>, tree: &str) -> String {
    let verdict = match found.is_exact() {
        true => format!("exact: at most {:.1e} off in 256 bits", found.precise),
        false => format!(
            "near, and not exact: {:.1e} off in 256 bits, more than rounding of the data",
            found.precise
        ),
    };
    let formula = formula.map_or(String::new(), |formula| format!("; = {}\n", formula.trim()));
    let smaller = match outcome.excluded + 1 >= found.tree.sizes().nodes as usize {
        true => "; no smaller tree gives the data\n".to_owned(),
        false => format!("; no tree of {} nodes or fewer gives the data\n", outcome.excluded),
    };
    format!(
        "; {}\n{formula}; {verdict}; it has a value at {} of {} random points between the rows\n{smaller}{tree}\n",
        counts(&found.tree.sizes()),
        found.defined.0,
        found.defined.1
    )
}

fn none(args: &Args, outcome: &Outcome) -> Failure {
    let message = format!(
        "{}: no tree of {} nodes or fewer gives {:?}, to a relative error of {:e}",
        args.data.display(),
        outcome.excluded,
        args.target,
        args.tolerance
    );
    Failure::message("no-tree", message)
        .note("--seconds and --nodes let it go on, --over complex has more functions, and --tolerance allows for noise")
}
