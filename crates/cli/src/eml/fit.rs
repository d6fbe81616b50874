//! `nc eml fit`: a tree that gives the values of a table, the smallest by search, or one by training.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nc_arrays::{Dataset, Missing, ReadOptions};
use nc_eml::search::{self, Data, Found, Options, Outcome, Progress};
use nc_eml::train::master::Start;
use nc_eml::train::{self, Settings, TrainError};
use nc_eml::translate::raise::{Effort, raise};
use nc_eml::{Mode, Tree};
use neural_compiler::ReaderLimits;
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use serde_json::{Value as Json, json};

use super::translate::{counts, counts_json, written};
use crate::dialect::Over;
use crate::fit::data::{columns, write};
use crate::report::{Failure, eprint_lines};
use crate::run::columns::forms_in_file;
use crate::{limits, outputs, print, print_json, set_threads, signals};

/// Find a tree that gives the values of a table
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml fit --data points.csv --target t\n  \
    nc eml fit --data points.csv --target t --over complex --seconds 300 -o tree.eml --json\n  \
    nc eml fit --data points.csv --target t --method train --depth 2 --restarts 64\n\n\
    Search: all trees of up to so many nodes are made and told apart by their values in some of the rows; larger ones are looked for from the\n\
    target backwards, by the inverse of eml in each operand. The first tree that is found has the fewest nodes.\n\
    Training: a full tree of a depth whose choices are numbers is fitted by gradients, in complex numbers, from many random starts, and\n\
    its choices are hardened until it is a tree.\n\
    A tree is evaluated in all rows, in 256 bits in up to 64 of them, and at random points between. Exact is what differs there from\n\
    the data by less than 1e-14.")]
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
    /// How it is found
    #[arg(long, value_enum, default_value = "both")]
    method: Method,
    /// What eml is defined on; training is in complex numbers, and what it finds has to give the data in these
    #[arg(long, value_enum, default_value = "real")]
    over: Over,
    /// The most nodes of a tree that is searched for
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=60))]
    nodes: u32,
    #[command(flatten)]
    training: Training,
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

/// How a tree is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Search, in half of the time, and training if that finds none
    Both,
    /// All trees by size, and from the target backwards
    Search,
    /// A formula by gradients, from random starts
    Train,
}

/// Options of training.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Training")]
struct Training {
    /// Nodes on the longest path of the formula; without it, 1, 2, … 6
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=6))]
    depth: Option<u32>,
    /// Random starts of each depth, all of which are trained, to see how many of them come to a tree; without it, up to 64 until one
    /// does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    restarts: Option<u32>,
    /// Let variables stand at the lowest level of the formula only
    #[arg(long)]
    low_variables: bool,
    /// Iterations before choices are hardened
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    iterations: Option<u32>,
    /// Iterations in which they are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    hardening: Option<u32>,
    /// The rate of Adam
    #[arg(long, value_name = "R", value_parser = parse_positive)]
    rate: Option<f64>,
    /// What the norm of a gradient is cut to
    #[arg(long, value_name = "R", value_parser = parse_positive)]
    clip_norm: Option<f64>,
    /// The temperature of the choices before they are hardened
    #[arg(long, value_name = "R", value_parser = parse_positive)]
    temperature: Option<f64>,
    /// How starts are drawn; without it, each way in turn
    #[arg(long, value_enum)]
    start: Option<Starts>,
    /// Try trees as they are, without changing their choices one by one as long as that lessens the error
    #[arg(long)]
    no_polish: bool,
}

/// How starts are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Starts {
    /// Leaves prefer 1
    Biased,
    /// Leaves prefer nothing
    Uniform,
    /// Leaves prefer variables
    Variables,
    /// Each leaf prefers something, and a quarter of the operands what stands below them
    Hot,
}

impl Training {
    /// The first option that is set.
    fn set(&self) -> Option<&'static str> {
        let options = [
            ("--depth", self.depth.is_some()),
            ("--restarts", self.restarts.is_some()),
            ("--low-variables", self.low_variables),
            ("--iterations", self.iterations.is_some()),
            ("--hardening", self.hardening.is_some()),
            ("--rate", self.rate.is_some()),
            ("--clip-norm", self.clip_norm.is_some()),
            ("--temperature", self.temperature.is_some()),
            ("--start", self.start.is_some()),
            ("--no-polish", self.no_polish),
        ];
        options.iter().find(|option| option.1).map(|option| option.0)
    }

    fn depths(&self) -> std::ops::RangeInclusive<usize> {
        self.depth.map_or(1..=6, |depth| depth as usize..=depth as usize)
    }

    fn settings(&self, depth: usize) -> Settings {
        let usual = Settings::default();
        let count = |given: Option<u32>, usual| given.map_or(usual, |given| given as usize);
        Settings {
            depth,
            restarts: count(self.restarts, usual.restarts),
            search: count(self.iterations, usual.search),
            hardening: count(self.hardening, usual.hardening),
            rate: self.rate.unwrap_or(usual.rate),
            clip: self.clip_norm.unwrap_or(usual.clip),
            temperature: self.temperature.unwrap_or(usual.temperature),
            everywhere: !self.low_variables,
            polish: !self.no_polish,
            first: self.restarts.is_none(),
            start: self.start.map(|start| match start {
                Starts::Biased => Start::Biased,
                Starts::Uniform => Start::Uniform,
                Starts::Variables => Start::Variables,
                Starts::Hot => Start::Hot,
            }),
            ..usual
        }
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|x| *x > 0.0 && x.is_finite());
    found.ok_or_else(|| "it is a number above 0, such as 0.01".into())
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
    if let (Method::Search, Some(option)) = (args.method, args.training.set()) {
        return Err(Failure::usage(format!(
            "{option}: it is for training, which --method search leaves out"
        )));
    }
    outputs::check(&[("-o", args.output.as_ref())], &[("the data", Some(&args.data))])?;
    set_threads(args.threads)?;
    let data = read(args)?;
    let stop = limits::clock().cloned().unwrap_or_default();
    signals::stop_at_interrupt(&stop);
    limits::give_results();
    let started = Instant::now();
    let options = Options {
        mode,
        nodes: args.nodes as usize,
        tolerance: args.tolerance,
        until: started + args.seconds,
        stop: &stop,
        seed: args.seed,
    };
    let refused = |why: search::Refused| Failure::message("data", format!("{}: {why}", args.data.display()));
    data.check().map_err(refused)?;
    let searched = match args.method {
        Method::Search => Some(search::search(&data, &options, &tell).map_err(refused)?),
        Method::Both => {
            let options = Options { until: started + args.seconds / 2, ..options };
            Some(search::search(&data, &options, &tell).map_err(refused)?)
        }
        Method::Train => None,
    };
    let mut found = searched.as_ref().and_then(|outcome| outcome.found.clone());
    let mut trained: Vec<(usize, train::Outcome)> = Vec::new();
    if args.method != Method::Search && found.is_none() {
        for depth in args.training.depths() {
            if options.stop.is_stopped() || Instant::now() > options.until {
                break;
            }
            // What is left of the time is for this depth and those beyond it.
            let now = Instant::now();
            let share = options.until.saturating_duration_since(now)
                / (args.training.depths().end() - depth + 1) as u32;
            let options = Options { until: now + share, ..options };
            let outcome =
                train::train(&data, &options, &args.training.settings(depth)).map_err(of_training)?;
            eprint_lines(&format!("depth {depth}: {}\n", how_it_went(args, &outcome)));
            found = outcome.found.first().map(|(found, _)| found.clone());
            trained.push((depth, outcome));
            if found.is_some() {
                break;
            }
        }
    }
    let elapsed = started.elapsed().as_secs_f64();
    let Some(found) = &found else {
        limits::end(limits::Ended::early())?;
        return Err(none(args, searched.as_ref(), &trained));
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
            "excluded_nodes": searched.as_ref().map(|outcome| outcome.excluded),
            "values": searched.as_ref().map(|outcome| outcome.values),
            "goals": searched.as_ref().map(|outcome| outcome.goals),
            "training": trained.iter().map(training_json).collect::<Result<Vec<Json>, Failure>>()?,
            "seconds": elapsed,
        }));
    }
    print(&words(found, searched.as_ref(), formula.as_deref(), &text))
}

/// Says how far a search has come.
fn tell(progress: Progress) {
    eprint_lines(&match progress {
        Progress::Known { nodes, values } => {
            format!("no tree of {nodes} nodes or fewer, among {values} values\n")
        }
        Progress::Searched { nodes, goals } => {
            format!("trees of up to {nodes} nodes are looked for, by {goals} goals\n")
        }
    });
}

fn of_training(error: TrainError) -> Failure {
    let code = match error {
        TrainError::Program(_) => "error",
        TrainError::Evaluation(_) => "batch",
    };
    Failure::message(code, error.to_string())
}

/// How training at a depth ended: as a rate where all restarts were to be trained.
fn how_it_went(args: &Args, outcome: &train::Outcome) -> String {
    match (args.training.restarts, outcome.successes) {
        (Some(_), _) => rate(outcome),
        (None, 0) => format!("no tree from {} restarts", outcome.ended),
        (None, _) => "a tree".into(),
    }
}

/// How many restarts have come to a tree that gives the data.
fn rate(outcome: &train::Outcome) -> String {
    let train::Outcome { successes, ended, .. } = *outcome;
    if ended == 0 {
        return "no restart has ended".into();
    }
    let [low, high] = outcome.interval().map(|bound| 100.0 * bound);
    let share = 100.0 * successes as f64 / ended as f64;
    format!("{successes} of {ended} restarts give the data, {share:.1} % (95 %: {low:.1} to {high:.1} %)")
}

fn training_json((depth, outcome): &(usize, train::Outcome)) -> Result<Json, Failure> {
    let trees = outcome.found.iter().map(|(found, restart)| {
        let tree = written(&found.tree)?;
        Ok(json!({
            "tree": tree,
            "nodes": found.tree.sizes().nodes.to_string(),
            "restart": restart,
            "exact": found.is_exact(),
        }))
    });
    Ok(json!({
        "depth": depth,
        "successes": outcome.successes,
        "restarts": outcome.ended,
        "interval": outcome.interval(),
        "evaluations": outcome.evaluations,
        "trees": trees.collect::<Result<Vec<Json>, Failure>>()?,
    }))
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

fn words(found: &Found, searched: Option<&Outcome>, formula: Option<&str>, tree: &str) -> String {
    let verdict = match found.is_exact() {
        true => format!("exact: at most {:.1e} off in 256 bits", found.precise),
        false => format!(
            "near, and not exact: {:.1e} off in 256 bits, more than rounding of the data",
            found.precise
        ),
    };
    let formula = formula.map_or(String::new(), |formula| format!("; = {}\n", formula.trim()));
    let smaller = match searched.map(|outcome| outcome.excluded) {
        Some(excluded) if excluded + 1 >= found.tree.sizes().nodes as usize => {
            "; no smaller tree gives the data\n".to_owned()
        }
        Some(excluded) => format!("; no tree of {excluded} nodes or fewer gives the data\n"),
        None => String::new(),
    };
    format!(
        "; {}\n{formula}; {verdict}; it has a value at {} of {} random points between the rows\n{smaller}{tree}\n",
        counts(&found.tree.sizes()),
        found.defined.0,
        found.defined.1
    )
}

fn none(args: &Args, searched: Option<&Outcome>, trained: &[(usize, train::Outcome)]) -> Failure {
    let what = match searched {
        Some(outcome) => format!("no tree of {} nodes or fewer gives {:?}", outcome.excluded, args.target),
        None => format!("no restart has come to a tree that gives {:?}", args.target),
    };
    let message = format!("{}: {what}, to a relative error of {:e}", args.data.display(), args.tolerance);
    let mut failure = Failure::message("no-tree", message);
    for (depth, outcome) in trained {
        failure = failure.note(format!("training at depth {depth}: {}", how_it_went(args, outcome)));
    }
    failure.note(
        "--seconds, --nodes and --restarts let it go on, --over complex has more functions, and --tolerance allows for noise",
    )
}
