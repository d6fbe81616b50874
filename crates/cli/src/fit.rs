//! `nc fit`: the parameters of a program from data.
//!
//! * [`data`]: columns of a file as data;
//! * [`replay`]: options in a report, and the same fit once more.

pub mod data;
mod ode;
mod replay;
mod windows;

use std::path::PathBuf;

use nc_arrays::{Form, Format, NamedArray, write_arrays, write_csv};
use nc_model::fit::{
    Adam, Axis, Derived, Fit, FitError, Groups, Image, Loss, Method, Orthogonal, Parameter, Progress as Step,
    Reason, Report, Schedule, Solution, Tie, element_name,
};
use nc_runtime::stop::Stop;
use neural_compiler::{Diagnostic, Dialect, Error, Program, ReaderLimits, Shape, Tier};
use serde_json::{Value as Json, json};

use self::data::{Data, TargetArg};
use super::dialect::DialectArgs;
use super::limits::{self, Ended};
use super::outputs;
use super::report::{Failure, eprint_lines};
use super::run::columns::{Renamed, parse_renamed};
use super::text;
use super::{Loaded, SourceText, TierChoice, print, print_json, set_threads, signals, weights};

/// Fit the parameters of a program to data
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc fit law.scm --data meas.csv --target y\n  \
    nc fit law.scm --data meas.csv --target y --param b=0.1:0..1 --fix c=3e8\n  \
    nc fit law.scm --data meas.csv --target y --sigma dy --loss huber:3 --json -o report.json\n  \
    nc fit -e '(* a (exp (* k t)))' --data decay.csv --target counts --param k=-0.1\n  \
    nc fit law.scm --data - --target y --derive 'ratio=(/ a b)' --residuals rows.csv < meas.csv\n  \
    nc fit net.scm --data meas.csv --target y --method adam --epochs 300 --validation 0.2 --weights-out w.npz\n\n\
    Inputs of the program that are columns of the data are data. All others, and the program's top-level numbers, are\n\
    parameters; they start at 1, or at their number, unless --param says otherwise.\n\n\
    The minimum is searched for from 64 starts, half of them around the given one, and followed until no further digit is\n\
    to be had. Standard errors are those of the scatter of the residuals, unless --sigma says how far data scatter. What the\n\
    data do not determine is said in words, and has no standard error.\n\n\
    Weights of networks are trained by --method adam, in batches, or lbfgs; they start at random by --seed, or as --weights-in\n\
    says. No standard errors are given then. Small networks, of up to 200 weights, may be fitted by lsq.\n\n\
    Ctrl-C ends the search: the report is then of the best so far, which has not converged, and the exit status is 130.\n\
    So it is when --time-limit is over; the exit status is 1 then.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// An expression instead of a program, or behind the definitions of one
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    expression: Option<String>,
    #[command(flatten)]
    shared: Shared,
    #[command(flatten)]
    trajectory: ode::OdeArgs,
    /// Fit the rows of each value of this column by themselves, from one start each; the result is a table
    #[arg(long, value_name = "COLUMN", conflicts_with = "profile")]
    group: Option<String>,
    /// Draw data, fit and band, residuals, correlations and profiles
    #[arg(long, value_name = "FILE.svg|png", conflicts_with = "group")]
    plot: Option<PathBuf>,
    /// Carry out the fit of a report once more, with its options, and compare
    #[arg(long, value_name = "REPORT.json", conflicts_with_all = ["targets", "group", "columns", "params", "fixed", "ties", "derived",
        "sigma", "weights", "loss", "method", "epochs", "batch_rows", "rate", "schedule", "clip", "decay", "validation", "patience", "weights_in", "orthogonal", "no_overlap", "starts", "seed", "max_steps", "level", "profile", "skip_nan"])]
    replay: Option<PathBuf>,
    /// Where the report goes, as JSON; with --group, the table, as csv, npz or npy
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write data, values of the program and residuals of each row that took part
    #[arg(long, value_name = "FILE.csv|npz", conflicts_with_all = ["group", "replay"])]
    residuals: Option<PathBuf>,
    /// Write the values of all parameters, each an array of its name: --weights-in takes them, and --weights of nc run, nc eval and nc ode
    #[arg(long, value_name = "FILE.npz", conflicts_with = "group")]
    weights_out: Option<PathBuf>,
    /// Axes of the picture that are logarithmic; without, those are whose data are above 0 and reach over three decades
    #[arg(long, value_name = "x|y|x,y", requires = "plot", value_delimiter = ',')]
    log: Vec<LogAxis>,
}

/// An axis on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogAxis {
    X,
    Y,
}

/// What fits and comparisons are made from.
#[derive(Debug, Clone, clap::Args)]
pub struct Shared {
    /// The data: a csv or npz file, or an npy file of a structured array; - is standard input
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    #[command(flatten)]
    pub options: Options,
    /// How many threads; 0 for one per processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// How to run programs; all ways give the same bits
    #[arg(long, value_enum, default_value_t)]
    pub tier: TierChoice,
    #[command(flatten)]
    pub dialect: DialectArgs,
}

impl Shared {
    /// Whether the data come from standard input, and nothing stands there for them.
    pub fn check_data(&self) -> Result<(), Failure> {
        use std::io::IsTerminal as _;
        if self.data == std::path::Path::new("-") && std::io::stdin().is_terminal() {
            return Err(Failure::usage("--data -: nothing is piped in"));
        }
        Ok(())
    }
}

/// What says which fit it is, the program and the data aside: a report holds it.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The column that the program's value is compared with; for a program with named results, RESULT or RESULT=COLUMN,
    /// once for each
    #[arg(long = "target", value_name = "NAME[=COLUMN]", value_parser = said(data::parse_target))]
    targets: Vec<Said<TargetArg>>,
    /// The column that an input is read from, if it is not called as the input: nu=freq
    #[arg(long = "column", value_name = "INPUT=COLUMN", value_parser = parse_renamed)]
    columns: Vec<Renamed>,
    /// Where a parameter starts, and its bounds: k, k=2, k=2:0..10, k:0.., w=[1,1,1]
    #[arg(long = "param", value_name = "NAME[=START][:LOW..HIGH]", value_parser = said(parse_param))]
    params: Vec<Said<Parameter>>,
    /// Give a parameter a value that is not fitted
    #[arg(long = "fix", value_name = "NAME=VALUE", value_parser = said(parse_fix))]
    fixed: Vec<Said<Parameter>>,
    /// Make a parameter a function of others, in the program's dialect: 'b2=(* 2 b1)'
    #[arg(long = "tie", value_name = "NAME=EXPR", value_parser = parse_tie)]
    ties: Vec<(String, String)>,
    /// A number that follows from the parameters, reported with its error, in the program's dialect: 'halflife=(/ (log 2) rate)'
    #[arg(long = "derive", value_name = "NAME=EXPR", value_parser = parse_tie)]
    derived: Vec<(String, String)>,
    /// How far the target scatters: a column of standard deviations, or a number; of several targets each by its name, once for
    /// each
    #[arg(
        long,
        value_name = "[TARGET=]COLUMN|NUMBER",
        conflicts_with = "weights",
        allow_hyphen_values = true
    )]
    sigma: Vec<String>,
    /// Weights of the rows: variances are in inverse proportion to them
    #[arg(long, value_name = "COLUMN")]
    weights: Option<String>,
    /// What is minimised of the residuals: linear, huber:D, soft-l1:D or cauchy:D, D being where outliers begin
    #[arg(long, value_name = "LOSS", default_value = "linear", value_parser = said(parse_loss))]
    loss: Said<Loss>,
    /// How the minimum is searched for
    #[arg(long, value_enum, default_value_t)]
    method: MethodChoice,
    /// For adam, how often every row takes part; for lbfgs, the most iterations [default: 1000]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// For adam, rows of a batch [default: 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch_rows: Option<u32>,
    /// For adam, the rate it begins with [default: 0.01]
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// For adam, what becomes of the rate [default: cosine]
    #[arg(long, value_enum)]
    schedule: Option<ScheduleChoice>,
    /// For adam, what the norm of a gradient is cut to: of the mean over a batch of half the sum of squared residuals
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// For adam, by which part of themselves times the rate weights of networks shrink in each step
    #[arg(long, value_name = "W")]
    decay: Option<f64>,
    /// For adam, which part of the rows is held out, such as 0.2: the weights that do best on them are kept
    #[arg(long, value_name = "PART")]
    validation: Option<f64>,
    /// For adam, after how many epochs in which the rows held out gained nothing the training ends
    #[arg(long, value_name = "EPOCHS", requires = "validation", value_parser = clap::value_parser!(u32).range(1..))]
    patience: Option<u32>,
    /// Where parameters start: arrays of their names, as --weights-out writes them; all weights of networks have to be there
    #[arg(long, value_name = "FILE.npz")]
    weights_in: Option<PathBuf>,
    /// For adam and lbfgs: credit the law with all that its constants explain of these rows, and train networks on what is left
    #[arg(long, value_enum, value_name = "ROWS")]
    orthogonal: Option<OrthogonalChoice>,
    /// For adam and lbfgs: do not ask how much of the effect of each constant the networks can imitate, which takes a training for each
    #[arg(long)]
    no_overlap: bool,
    /// For lsq, from how many starts the minimum is searched for [default: 64; with --group or --weights-in, 1; with --ode, 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    starts: Option<u32>,
    /// The seed of the starts
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u32,
    /// For lsq, steps that a search may take [default: 2000]
    #[arg(long, value_name = "N")]
    max_steps: Option<usize>,
    /// How much lies within the intervals, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0, value_parser = parse_level)]
    level: f64,
    /// Follow the minimum as each parameter moves away from it, for intervals that need not be symmetric
    #[arg(long)]
    profile: bool,
    /// Leave out rows in which a number is missing or a NaN
    #[arg(long)]
    skip_nan: bool,
}

impl Options {
    /// The options as far as they are about parameters and inputs that this program has.
    pub fn of(&self, loaded: &Loaded) -> Options {
        let names = loaded.names();
        let has = |name: &str| names.contains(&name);
        let mut options = self.clone();
        options.derived.retain(|(_, expression)| match parse_expression(loaded, expression) {
            Ok(program) => program.inputs().all(has),
            // What is wrong with it is said where it is used.
            Err(_) => true,
        });
        options.params.retain(|said| has(said.value.name()));
        options.fixed.retain(|said| has(said.value.name()));
        options.ties.retain(|(name, _)| has(name));
        options.columns.retain(|renamed| has(&renamed.input));
        options
    }

    /// Where a parameter starts, or an element of one, as far as that is said.
    fn start_of(&self, name: &str) -> Option<f64> {
        self.params.iter().chain(&self.fixed).map(|said| &said.value).find_map(|parameter| {
            let element = |k: &usize| element_name(parameter.name(), parameter.shape(), *k) == name;
            let k = (0..parameter.shape().len()).find(element)?;
            parameter.starts_at()?.get(k).copied()
        })
    }

    /// Lets parameters start where a fit has ended, those that have one of these names.
    fn begin_at(&mut self, report: &Report, names: &[&str]) {
        for weights in report.weights.iter().filter(|one| one.trained && names.contains(&one.name.as_str())) {
            if self.fixed.iter().any(|said| said.value.name() == weights.name) {
                continue;
            }
            let at = |parameter: Parameter| parameter.elements(weights.shape, weights.values.clone());
            match self.params.iter_mut().find(|said| said.value.name() == weights.name) {
                Some(said) => said.value = at(said.value.clone()),
                None => {
                    let value = at(Parameter::new(&weights.name));
                    self.params.push(Said { text: format!("{}=", weights.name), value });
                }
            }
        }
        for estimate in &report.parameters {
            let of = estimate.name.split('[').next().unwrap_or(&estimate.name);
            let is_said = self.fixed.iter().any(|said| said.value.name() == of)
                || self.ties.iter().any(|(name, _)| name == of);
            if is_said || !names.contains(&of) {
                continue;
            }
            match self.params.iter_mut().find(|said| said.value.name() == of) {
                Some(said) => {
                    let parameter = &said.value;
                    let shape = parameter.shape();
                    let mut start = parameter.starts_at().map_or(vec![1.0; shape.len()], <[f64]>::to_vec);
                    let k = (0..shape.len()).find(|&k| element_name(of, shape, k) == estimate.name);
                    if let Some(x) = k.and_then(|k| start.get_mut(k)) {
                        *x = estimate.value;
                    }
                    said.value = parameter.clone().elements(shape, start);
                }
                None => {
                    let value = Parameter::new(of).start(estimate.value);
                    self.params.push(Said { text: format!("{of}="), value });
                }
            }
        }
    }

    /// Whether nothing is compared with the results.
    pub fn has_no_target(&self) -> bool {
        self.targets.is_empty()
    }

    /// The parameters that it names.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let said = self.params.iter().chain(&self.fixed).map(|said| said.value.name());
        said.chain(self.ties.iter().map(|(name, _)| name.as_str()))
    }
}

/// An option with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<T> {
    text: String,
    value: T,
}

/// Makes a reader keep the text.
fn said<T>(
    read: impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<Said<T>, String> + Clone + Send + Sync + 'static {
    move |text| Ok(Said { text: text.to_owned(), value: read(text)? })
}

/// The choice of a method on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum MethodChoice {
    /// Least squares by trust regions, from many starts
    #[default]
    Lsq,
    /// Gradients of all rows, with a memory of a dozen steps
    Lbfgs,
    /// Gradients of small batches
    Adam,
}

/// The choice of rows on which networks are orthogonal to constants on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OrthogonalChoice {
    /// All rows
    All,
    /// Rows of whole swings: from the first to the last change of sign of the first target
    Cycles,
}

/// The choice of what becomes of a rate on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ScheduleChoice {
    /// It falls to 0 as half a cosine
    Cosine,
    /// It stays
    Constant,
}

impl MethodChoice {
    /// What it is called on the command line.
    fn name(self) -> &'static str {
        match self {
            MethodChoice::Lsq => "lsq",
            MethodChoice::Lbfgs => "lbfgs",
            MethodChoice::Adam => "adam",
        }
    }
}

impl Options {
    /// Refuses options that the method has no use for, or that say nothing where all trajectories are one row.
    pub fn check_method(&self, one_row: bool) -> Result<(), Failure> {
        use MethodChoice::{Adam, Lbfgs, Lsq};
        let given: [(&str, bool, &[MethodChoice]); 11] = [
            // With --orthogonal, the law is fitted by least squares first.
            ("starts", self.starts.is_some() && self.orthogonal.is_none(), &[Lsq]),
            ("max-steps", self.max_steps.is_some() && self.orthogonal.is_none(), &[Lsq]),
            ("epochs", self.epochs.is_some(), &[Adam, Lbfgs]),
            ("no-overlap", self.no_overlap, &[Adam, Lbfgs]),
            ("batch-rows", self.batch_rows.is_some(), &[Adam]),
            ("rate", self.rate.is_some(), &[Adam]),
            ("schedule", self.schedule.is_some(), &[Adam]),
            ("clip", self.clip.is_some(), &[Adam]),
            ("decay", self.decay.is_some(), &[Adam]),
            ("validation", self.validation.is_some(), &[Adam]),
            ("patience", self.patience.is_some(), &[Adam]),
        ];
        for (option, _, methods) in given.into_iter().filter(|(_, given, _)| *given) {
            if !methods.contains(&self.method) {
                let takes: Vec<&str> = methods.iter().map(|method| method.name()).collect();
                let message = format!("--{option}: it is for --method {}", takes.join(" and "));
                return Err(Failure::usage(match option {
                    "starts" => format!(
                        "{message}: the others begin at one start, as --param, --weights-in and --seed say"
                    ),
                    _ => message,
                }));
            }
            if one_row && ["batch-rows", "validation", "patience"].contains(&option) {
                return Err(Failure::usage(format!(
                    "--{option}: with --ode all trajectories are one row: --windows STEPS makes rows of pieces of them"
                )));
            }
        }
        Ok(())
    }

    /// How the minimum is searched for.
    fn method(&self) -> Method {
        let usual = Adam::default();
        let epochs = self.epochs.unwrap_or(usual.epochs);
        match self.method {
            MethodChoice::Lsq => Method::LeastSquares,
            MethodChoice::Lbfgs => Method::Lbfgs { iterations: epochs },
            MethodChoice::Adam => Method::Adam(Adam {
                epochs,
                batch_rows: self.batch_rows.map_or(usual.batch_rows, |rows| rows as usize),
                rate: self.rate.unwrap_or(usual.rate),
                schedule: match self.schedule {
                    None | Some(ScheduleChoice::Cosine) => Schedule::Cosine,
                    Some(ScheduleChoice::Constant) => Schedule::Constant,
                },
                clip: self.clip,
                decay: self.decay.unwrap_or(usual.decay),
                validation: self.validation.unwrap_or(usual.validation),
                patience: self.patience.map(|epochs| epochs as usize),
            }),
        }
    }

    /// From how many starts the minimum is searched for, where usually so many are: values that were found before are one.
    fn starts_of_search(&self, usual: u32) -> u32 {
        let found_before = self.weights_in.is_some() && self.orthogonal.is_none();
        self.starts.unwrap_or(if found_before { 1 } else { usual })
    }

    /// Steps that a search may take.
    fn steps(&self) -> usize {
        self.max_steps.unwrap_or(nc_model::fit::DEFAULT_STEPS)
    }
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let image = args.plot.as_deref().map(|path| outputs::image_of("--plot", path)).transpose()?;
    check_files(args)?;
    args.shared.check_data()?;
    if args.shared.data == std::path::Path::new("-")
        && args.program.as_deref() == Some(std::path::Path::new("-"))
    {
        return Err(Failure::usage("the program and the data cannot both come from standard input"));
    }
    args.shared.options.check_method(args.trajectory.ode && args.trajectory.windows.is_none())?;
    set_threads(args.shared.threads)?;
    let loaded =
        Loaded::open_with(args.program.as_deref(), args.expression.as_deref(), &args.shared.dialect)?;
    if args.trajectory.ode {
        return run_trajectory(loaded, args, image, json);
    }
    if args.replay.is_none() && args.shared.options.has_no_target() {
        return Err(Failure::usage(
            "--target is needed: the column that the program's value is compared with",
        ));
    }
    let recorded = args.replay.as_deref().map(replay::read).transpose()?;
    let options = recorded.as_ref().map_or(&args.shared.options, |recorded| &recorded.options);
    let data = Data::read(&loaded, &args.shared.data, options, args.group.as_deref())?;
    if data.inputs.is_empty() {
        let (columns, name) = (data.left_aside.join(", "), &data.name);
        eprint_lines(&format!(
            "note: {name}: no input of {} is a column; it also has: {columns}\n",
            loaded.source.name
        ));
    }
    let stop = limits::clock().cloned().unwrap_or_default();
    signals::stop_at_interrupt(&stop);
    let progress = Progress::new();
    let tell = |step: Step| progress.tell(step);
    let fit = fit(&loaded, args.shared.tier.into(), options, &data, &stop)?.progress(&tell);
    let fit = fit.overlaps(!options.no_overlap);
    if let Some(keys) = &data.keys {
        limits::give_results();
        let groups = fit
            .run_groups(keys, options.starts.unwrap_or(1) as usize)
            .map_err(|error| refusal(&loaded, &data, error))?;
        progress.end();
        let ended = Ended::early();
        table(args, &groups, &data.labels, json)?;
        return limits::end(ended);
    }
    limits::give_results();
    let solution = fit.solve().map_err(|error| refusal(&loaded, &data, error))?;
    let report = &solution.report;
    let drawn = match image {
        None => None,
        Some(image) => {
            let axis = |axis: LogAxis| if args.log.contains(&axis) { Axis::Log } else { Axis::Auto };
            let figure = solution.figure(axis(LogAxis::X), axis(LogAxis::Y));
            let figure = figure.map_err(|error| refusal(&loaded, &data, error))?;
            let drawn = figure.draw(image);
            Some(drawn.map_err(|why| Failure::message("plot", format!("--plot: cannot draw: {why}")))?)
        }
    };
    progress.end();
    let ended = Ended::early();
    let mut object = report.json();
    note_end(&mut object, ended);
    object["settings"] = replay::settings(options);
    object["data_hash"] = data.hash.clone().into();
    note_weights(&mut object, options)?;
    if let Some(recorded) = &recorded {
        recorded.compare(&object)?;
    }
    if let Some(path) = &args.output {
        data::write(path, format!("{object:#}\n").as_bytes())?;
    }
    if let Some(path) = &args.weights_out {
        weights::write(path, &solution.values())?;
    }
    if let Some(path) = &args.residuals {
        write_residuals(path, &solution, &data)?;
    }
    if let (Some(path), Some(drawn)) = (&args.plot, drawn) {
        data::write(path, &drawn)?;
    }
    say(&loaded, report, &object, json)?;
    limits::end(ended)
}

/// Fits the trajectory of a right-hand side.
fn run_trajectory(loaded: Loaded, args: &Args, image: Option<Image>, json: bool) -> Result<(), Failure> {
    if args.shared.data == std::path::Path::new("-") {
        return Err(Failure::usage("--data: the data of a trajectory come from a file"));
    }
    if args.shared.options.orthogonal.is_some() && args.trajectory.windows.is_none() {
        return Err(Failure::usage(
            "--orthogonal: networks do not add to a whole trajectory as they add to a law: --windows STEPS fits short pieces of it",
        ));
    }
    let mut observed = ode::Observed::read(loaded, args)?;
    let stop = limits::clock().cloned().unwrap_or_default();
    signals::stop_at_interrupt(&stop);
    limits::give_results();
    observed.shoot(args, &stop)?;
    let progress = Progress::new();
    let tell = |step: Step| progress.tell(step);
    let (loaded, data) = (&observed.loaded, &observed.data);
    let fit = fit(loaded, args.shared.tier.into(), &observed.options, data, &stop)?.progress(&tell);
    let fit = fit.overlaps(args.trajectory.windows.is_some() && !observed.options.no_overlap);
    let solution = fit.solve().map_err(|error| observed.refusal(args, error))?;
    let values = solution.values();
    let mut report = solution.report;
    progress.end();
    let ended = Ended::early();
    observed.correct(args, &mut report);
    let picture = image.map(|image| observed.picture(args, &report, image)).transpose()?;
    let mut object = report.json();
    note_end(&mut object, ended);
    object["data_hash"] = data.hash.clone().into();
    note_weights(&mut object, &observed.options)?;
    if let Some(path) = &args.output {
        data::write(path, format!("{object:#}\n").as_bytes())?;
    }
    if let Some(path) = &args.weights_out {
        weights::write(path, &values)?;
    }
    if let (Some(path), Some(drawn)) = (&args.plot, picture) {
        data::write(path, &drawn)?;
    }
    say(loaded, &report, &object, json)?;
    /// Residuals of which part of the scatter are those of another minimum, or of another law.
    const POOR: f64 = 0.3;
    if args.trajectory.windows.is_none() && ended.is_none() && observed.left_over(&report) > POOR {
        let shooting = match args.trajectory.shooting {
            None => "--shooting K finds it from further off, and so do ",
            Some(_) => "what helps are ",
        };
        eprint_lines(&format!(
            "note: {}: {:.0} % of the scatter of the data are left as residuals: there may be a lower minimum; {shooting}starts and \
             bounds near it, --param NAME=START:LOW..HIGH\n",
            loaded.source.name,
            100.0 * observed.left_over(&report)
        ));
    }
    limits::end(ended)
}

/// Says in a report what ended the search before its time.
fn note_end(object: &mut Json, ended: Option<Ended>) {
    if let Some(ended) = ended {
        object["stopped_by"] = ended.name().into();
    }
}

/// Prints a report, and a note if the search has not converged.
fn say(loaded: &Loaded, report: &Report, object: &Json, json: bool) -> Result<(), Failure> {
    if json {
        print_json(object)?;
    } else {
        print(&report.text())?;
    }
    // A training has no other end.
    let trained = (report.without_errors.is_some() || report.orthogonal.is_some())
        && matches!(report.reason, Reason::Epochs | Reason::Patience);
    if !report.converged && !trained {
        eprint_lines(&format!(
            "note: {}: the fit has not converged: {}\n",
            loaded.source.name, report.reason
        ));
    }
    Ok(())
}

/// Says in a report by which file the parameters start.
fn note_weights(object: &mut Json, options: &Options) -> Result<(), Failure> {
    let Some(path) = &options.weights_in else { return Ok(()) };
    let read = std::fs::read(path);
    let bytes = read.map_err(|error| {
        Failure::message("file", format!("--weights-in {}: cannot read it: {error}", path.display()))
    })?;
    object["weights_in_hash"] = nc_model::fit::hash(bytes.into_iter()).into();
    Ok(())
}

/// Refuses outputs that are one another or what is read, and tables of residuals that cannot be written.
fn check_files(args: &Args) -> Result<(), Failure> {
    if let Some(path) = &args.residuals
        && !matches!(Format::of_path(path), Ok(Format::Csv | Format::Npz))
    {
        return Err(Failure::usage("--residuals: the name of the file has to end in .csv or .npz"));
    }
    if let Some(path) = &args.weights_out
        && !matches!(Format::of_path(path), Ok(Format::Npz))
    {
        return Err(Failure::usage("--weights-out: the name of the file has to end in .npz"));
    }
    outputs::check(
        &[
            ("-o", args.output.as_ref()),
            ("--plot", args.plot.as_ref()),
            ("--residuals", args.residuals.as_ref()),
            ("--weights-out", args.weights_out.as_ref()),
        ],
        &[("the data", Some(&args.shared.data)), ("the program", args.program.as_ref())],
    )
}

/// A fit as the options say.
pub fn fit<'a>(
    loaded: &'a Loaded,
    tier: Tier,
    options: &Options,
    data: &Data,
    stop: &'a Stop,
) -> Result<Fit<'a>, Failure> {
    let mut fit = Fit::new(&loaded.program)
        .noise(data.noise.clone())
        .loss(options.loss.value)
        .method(options.method())
        .starts(options.starts_of_search(nc_model::fit::DEFAULT_STARTS as u32) as usize)
        .seed(options.seed)
        .steps(options.steps())
        .level(options.level / 100.0)
        .skip_nan(options.skip_nan)
        .profiles(options.profile)
        .tier(tier)
        .stop(stop);
    if let Some(rows) = options.orthogonal {
        fit = fit.orthogonal(match rows {
            OrthogonalChoice::All => Orthogonal::All,
            OrthogonalChoice::Cycles => Orthogonal::Cycles,
        });
    }
    for series in &data.inputs {
        fit = fit.data(series.clone());
    }
    for (result, series) in &data.targets {
        fit = fit.target(result, series.clone());
    }
    let mut parameters: Vec<Parameter> =
        options.params.iter().chain(&options.fixed).map(|said| said.value.clone()).collect();
    if let Some(path) = &options.weights_in {
        let by_option = |name: &str| {
            let tied = options.ties.iter().any(|(tied, _)| tied == name);
            tied || parameters.iter().any(|known| known.name() == name && known.has_start())
        };
        let by_column = |name: &str| data.inputs.iter().any(|series| series.name == name);
        let given = weights::Given { by_option: &by_option, by_column: Some((&data.name, &by_column)) };
        for setting in weights::read("--weights-in", path, loaded, &given)? {
            let start: Vec<f64> = setting.numbers().collect();
            match parameters.iter_mut().find(|known| known.name() == setting.name) {
                // Bounds alone.
                Some(known) => *known = known.clone().elements(setting.shape, start),
                None => parameters.push(Parameter::new(&setting.name).elements(setting.shape, start)),
            }
        }
    }
    for parameter in parameters {
        fit = fit.parameter(parameter);
    }
    let parse = |option: &str, name: &str, expression: &str| {
        parse_expression(loaded, expression).map_err(|error| {
            let source = SourceText::new(format!("{option} {name}"), expression.as_bytes().to_vec());
            Failure::library(source, error)
        })
    };
    for (name, expression) in &options.ties {
        fit = fit.tie(Tie::new(name, parse("--tie", name, expression)?));
    }
    for (name, expression) in &options.derived {
        fit = fit.derive(Derived::new(name, parse("--derive", name, expression)?));
    }
    Ok(fit)
}

/// Reads an expression in parameters as the program is written.
fn parse_expression(loaded: &Loaded, expression: &str) -> Result<Program, Error> {
    Program::parse_as(expression, tie_dialect(loaded.dialect), &ReaderLimits::default())
}

/// Writes the rows that took part: their numbers, the inputs that are data, and for each element of the targets the data, the values of
/// the program and the residuals.
fn write_residuals(path: &std::path::Path, solution: &Solution<'_, '_>, data: &Data) -> Result<(), Failure> {
    let rows = solution.rows();
    let scalar = Form::default();
    let mut columns: Vec<(String, Vec<f64>)> =
        vec![("row".into(), rows.iter().map(|&row| row as f64).collect())];
    for series in &data.inputs {
        for (k, column) in series.columns.iter().enumerate() {
            let name = element_name(&series.name, series.shape, k);
            columns.push((name, rows.iter().map(|&row| column[row]).collect()));
        }
    }
    for fitted in solution.fitted() {
        columns.push((fitted.name.clone(), fitted.data));
        columns.push((format!("{}_fit", fitted.name), fitted.fitted));
        columns.push((format!("{}_residual", fitted.name), fitted.residuals));
        if let Some(weighted) = fitted.weighted {
            columns.push((format!("{}_weighted", fitted.name), weighted));
        }
    }
    let arrays: Vec<NamedArray<'_>> = columns
        .iter()
        .map(|(name, data)| NamedArray { name, rows: Some(rows.len()), form: &scalar, data })
        .collect();
    Ok(write_arrays(path, &arrays)?)
}

/// Writes the fits of groups as a table.
fn table(args: &Args, groups: &Groups, labels: &[String], json: bool) -> Result<(), Failure> {
    let key = args.group.clone().unwrap_or_default();
    let scalar = Form::default();
    let fits = &groups.groups;
    let mut columns: Vec<(String, Vec<f64>)> = vec![
        (key, fits.iter().map(|group| group.key).collect()),
        ("rows".into(), fits.iter().map(|group| group.rows as f64).collect()),
    ];
    for (k, name) in groups.names.iter().enumerate() {
        columns.push((name.clone(), fits.iter().map(|group| group.values[k]).collect()));
        columns.push((format!("{name}_stderr"), fits.iter().map(|group| group.stderr[k]).collect()));
    }
    let converged: Vec<f64> =
        fits.iter().map(|group| f64::from(u8::from(group.reason.is_converged()))).collect();
    let count = converged.iter().filter(|&&one| one == 1.0).count();
    // What is minimised: twice the cost.
    let lowest = if args.shared.options.loss.value == Loss::Linear { "rss" } else { "loss" };
    columns.push((lowest.into(), fits.iter().map(|group| group.loss).collect()));
    columns.push(("converged".into(), converged));
    let arrays: Vec<NamedArray<'_>> = columns
        .iter()
        .map(|(name, data)| NamedArray { name, rows: Some(fits.len()), form: &scalar, data })
        .collect();
    let text = || {
        let mut text = Vec::new();
        // Labels are texts, which other columns are not.
        let numbers = if labels.is_empty() { &arrays[..] } else { &arrays[1..] };
        write_csv(&mut text, numbers)
            .map_err(|error| Failure::message("file", format!("cannot write the table: {error}")))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        if labels.is_empty() {
            return Ok::<String, Failure>(text);
        }
        let keys = std::iter::once(columns[0].0.as_str());
        let keys = keys.chain(fits.iter().map(|group| labels[group.key as usize].as_str()));
        Ok(keys.zip(text.lines()).map(|(key, line)| format!("{},{line}\n", quoted(key))).collect())
    };
    match &args.output {
        Some(path) if matches!(Format::of_path(path), Ok(Format::Npy)) => {
            return Err(Failure::usage("-o: a table of groups has names, so it goes to a .csv or .npz file"));
        }
        Some(path) if labels.is_empty() => write_arrays(path, &arrays)?,
        Some(path) if matches!(Format::of_path(path), Ok(Format::Csv)) => {
            data::write(path, text()?.as_bytes())?
        }
        Some(_) => {
            return Err(Failure::usage("-o: groups have texts for names, so the table goes to a .csv file"));
        }
        None if json => {}
        None => super::print_data(&text()?)?,
    }
    if json {
        let mut object = json!({"groups": fits.len(), "converged": count});
        if args.output.is_none() {
            let mut table: serde_json::Map<String, Json> =
                columns.iter().map(|(name, data)| (name.clone(), json!(data))).collect();
            if !labels.is_empty() {
                let keys: Vec<&str> = fits.iter().map(|group| labels[group.key as usize].as_str()).collect();
                table.insert(columns[0].0.clone(), json!(keys));
            }
            object["table"] = table.into();
        }
        print_json(&object)?;
    } else if count < fits.len() {
        let (left, all) = (fits.len() - count, fits.len());
        eprint_lines(&format!("note: {left} of {all} groups have not converged: `converged` is 0 there\n"));
    }
    Ok(())
}

/// A cell of a csv file.
fn quoted(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

/// Lines that say how far a fit has come: on a terminal one that changes, after a second; otherwise one each time twice as long has
/// passed, after ten seconds.
struct Progress {
    bar: Option<indicatif::ProgressBar>,
    start: std::time::Instant,
    /// Seconds after which the next line is due where there is no terminal.
    due: std::sync::Mutex<u64>,
}

impl Progress {
    fn new() -> Progress {
        use std::io::IsTerminal as _;
        let bar = std::io::stderr().is_terminal().then(indicatif::ProgressBar::new_spinner);
        Progress { bar, start: std::time::Instant::now(), due: std::sync::Mutex::new(10) }
    }

    fn tell(&self, step: Step) {
        let seconds = self.start.elapsed().as_secs();
        let text = || match step {
            Step::Searches { under_way, lowest, evaluations } => format!(
                "{under_way} searches, {evaluations} evaluations, sum of squares {:e}; Ctrl-C keeps the best",
                2.0 * lowest
            ),
            Step::Descent { done, of, training, held_out } => {
                let held = held_out.map_or(String::new(), |cost| format!(", held out {:.4e}", 2.0 * cost));
                format!("{done} of {of} epochs, mean square {:.4e}{held}; Ctrl-C ends them", 2.0 * training)
            }
            Step::Groups { done, of } => format!("{done} of {of} groups"),
        };
        match &self.bar {
            Some(bar) if seconds >= 1 => {
                bar.set_message(text());
                bar.tick();
            }
            Some(_) => {}
            None => {
                let mut due = self.due.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if seconds >= *due {
                    *due = 2 * seconds;
                    eprint_lines(&format!("note: after {seconds} s: {}\n", text()));
                }
            }
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Ties are written as the program is, but for trees.
fn tie_dialect(dialect: Dialect) -> Dialect {
    match dialect.mode() {
        None => dialect,
        Some(_) => Dialect::Scheme,
    }
}

/// A refusal in the words of the command line.
pub fn refusal(loaded: &Loaded, data: &Data, error: FitError) -> Failure {
    let message = error.to_string();
    match error {
        FitError::Program(error) => loaded.failure(*error),
        FitError::Start { why, .. } => {
            let help = "--param NAME=START says where a parameter starts, NAME=START:LOW..HIGH where it may be";
            match why {
                Some(check) => {
                    let error = Diagnostic::error("not-finite", check.span, message);
                    let error = error.label(check.reason.to_string()).help(help);
                    loaded.failure(Error::Source(vec![error]))
                }
                None => Failure::message("not-finite", format!("{}: {message}", loaded.source.name)).note(help),
            }
        }
        FitError::NotFinite { value, .. } => {
            let failure = Failure::message("nan", format!("{}: {message}; rows are counted from 0", data.name));
            if value.is_nan() { failure.note("--skip-nan leaves such rows out") } else { failure }
        }
        FitError::UnknownParameter { ref name, .. } if matches!(name.as_str(), "pi" | "tau") => {
            let note = format!("`{name}` is a number; (define {name} 1) at the top of the program makes it a parameter");
            Failure::message("unknown-input", format!("{}: {message}", loaded.source.name)).note(note)
        }
        FitError::UnknownParameter { .. } | FitError::UnknownInput { .. } => {
            Failure::message("unknown-input", format!("{}: {message}", loaded.source.name))
        }
        FitError::UnknownResult { .. } => Failure::message("result", format!("{}: {message}", loaded.source.name))
            .note("--target COLUMN is for a program with one result, --target RESULT=COLUMN for one with named results"),
        FitError::DeclaredShape { .. } => {
            Failure::message("shape", format!("{}: {message}", loaded.source.name))
        }
        FitError::Training { .. } => Failure::usage(message),
        FitError::Logarithm { .. } => Failure::usage(format!("--log: {message}")),
        FitError::NoRows
        | FitError::Rows { .. }
        | FitError::TargetShape { .. }
        | FitError::Scatter { .. }
        | FitError::HeldOut { .. }
        | FitError::Sigmas { .. } => {
            Failure::message("data", format!("{}: {message}", data.name))
        }
        _ => Failure::message("fit", format!("{}: {message}", loaded.source.name)),
    }
}

/// Reads `k=2:0..10` and its parts.
fn parse_param(text: &str) -> Result<Parameter, String> {
    let (setting, bounds) = match text.rsplit_once(':') {
        Some((setting, bounds)) if bounds.contains("..") => (setting, Some(bounds)),
        Some(_) => return Err("bounds are written LOW..HIGH, such as k=2:0..10 or k:0..".into()),
        None => (text, None),
    };
    one_parameter(text)?;
    let mut parameter = match setting.contains('=') {
        true => {
            let setting = text::parse_setting(setting)?;
            if setting.shape == Shape::Complex {
                return Err("parameters are real numbers".into());
            }
            let start: Vec<f64> = setting.numbers().collect();
            Parameter::new(setting.name).elements(setting.shape, start)
        }
        false if setting.trim().is_empty() => return Err("a name is missing".into()),
        false => {
            let item = text::parse_items(setting)?;
            let [item] = item.0.as_slice() else { return Err("one name is needed".into()) };
            match item.shape {
                Shape::Scalar => Parameter::new(&item.name),
                Shape::Complex => return Err("parameters are real numbers".into()),
                shape => Parameter::new(&item.name).elements(shape, vec![1.0; shape.len()]),
            }
        }
    };
    if let Some(bounds) = bounds {
        let (low, high) = bounds.split_once("..").expect("there are two points");
        let bound = |text: &str, none: f64| match text.trim() {
            "" => Ok(none),
            text => text.parse::<f64>().ok().filter(|x| !x.is_nan()).ok_or(format!("{text:?} is no number")),
        };
        parameter = parameter.bounds(bound(low, f64::NEG_INFINITY)?, bound(high, f64::INFINITY)?);
    }
    Ok(parameter)
}

/// Refuses several parameters in one option, as `nc ode --param` takes them.
fn one_parameter(text: &str) -> Result<(), String> {
    match text.matches('=').count() {
        0 | 1 => Ok(()),
        _ => Err("one parameter in each: --param a=1 --param b=2, since each may have bounds".into()),
    }
}

/// Reads `c=3e8`.
fn parse_fix(text: &str) -> Result<Parameter, String> {
    one_parameter(text)?;
    let setting = text::parse_setting(text)?;
    if setting.shape == Shape::Complex {
        return Err("parameters are real numbers".into());
    }
    Ok(Parameter::new(&setting.name).elements(setting.shape, setting.numbers().collect()).fix())
}

/// Reads `b2=(* 2 b1)`.
fn parse_tie(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, expression)) if !name.trim().is_empty() && !expression.trim().is_empty() => {
            Ok((name.trim().to_owned(), expression.trim().to_owned()))
        }
        _ => Err("it is written NAME=EXPR, such as 'b2=(* 2 b1)'".into()),
    }
}

fn parse_loss(text: &str) -> Result<Loss, String> {
    let (name, width) = match text.split_once(':') {
        Some((name, width)) => {
            let width: f64 = width.trim().parse().map_err(|_| format!("{width:?} is no number"))?;
            (name.trim(), Some(width))
        }
        None => (text.trim(), None),
    };
    match (name, width) {
        ("linear", None) => Ok(Loss::Linear),
        ("huber", Some(width)) => Ok(Loss::Huber(width)),
        ("soft-l1", Some(width)) => Ok(Loss::SoftL1(width)),
        ("cauchy", Some(width)) => Ok(Loss::Cauchy(width)),
        ("huber" | "soft-l1" | "cauchy", None) => {
            Err(format!("it says where outliers begin, in units of σ or of the target: {name}:1.5"))
        }
        _ => Err("it is linear, huber:D, soft-l1:D or cauchy:D".into()),
    }
}

fn parse_level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent < 100.0 => Ok(percent),
        _ => Err("a percentage between 0 and 100 is needed".into()),
    }
}
