//! `nc ode`: trajectories of differential equations whose right-hand side is a program.

use std::path::{Path, PathBuf};

use nc_arrays::{Dataset, Form, Format, NamedArray, ReadOptions, write_arrays, write_csv};
use nc_model::Image;
use nc_model::ode::{Event, Method, Ode, OdeError, State, System, Trajectories};
use neural_compiler::{Dialect, Error, Loader, Shape};
use serde_json::{Map, Value as Json, json};

use super::dialect::DialectArgs;
use super::fit::data::{columns, write};
use super::limits::{self, Ended, LimitArgs};
use super::outputs;
use super::report::{Failure, SourceText, eprint_lines};
use super::run::columns::forms_in_file;
use super::text::{self, Setting, Settings};
use super::{Loaded, TierChoice, print, print_data, print_json, set_threads, signals, weights};

/// Follow the solutions of differential equations
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc ode -e '(* -1 k x)' --state x=1 --param k=2 --t 0:2:0.5 --grad x,k\n  \
    nc ode -e '(values (q p) (p (* -1 k (sin q))))' --state q=1,p=0 --param k=9.81 --t 0:10:0.05 --plot swing.svg\n  \
    nc ode -e '[v -9.81]' --state h=1,v=0 --t 0:3:0.01 --event h --jump 'v=(* -0.8 v)' --json\n  \
    nc ode -e '(* 0.5 (+ (* p p) (* q q)))' --hamiltonian --state q=1,p=0 --t 0:100:10 --step 0.01\n  \
    nc ode law.scm --state v=1 --param m=2 --t 0:0.1:0.05 --batch in.csv -o out.npz\n\n\
    The program's inputs are the states, t if it wants the time, and parameters. It gives the derivative of each state as a\n\
    result of the state's name, (values (theta omega) (omega (* -1 k (sin theta)))), or of all states as one vector, in the order\n\
    of --state; with --hamiltonian, the energy of states of which the first half are positions, the second momenta.\n\n\
    Steps are as long as the tolerances let them be, in each row by itself; between them the method's own interpolation gives\n\
    the values at the times of --t. Derivatives are those of the steps that were taken, their lengths being constants.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// An expression instead of a program, or behind the definitions of one
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    expression: Option<String>,
    /// The states and where they start: theta=1,omega=0 or 'r=[1,0,0]'
    #[arg(long = "state", value_name = "NAME=VALUE,…", required = true, value_parser = text::parse_settings)]
    states: Vec<Settings>,
    /// The value of another input, or of a top-level number
    #[arg(long = "param", value_name = "NAME=VALUE,…", value_parser = text::parse_settings)]
    params: Vec<Settings>,
    /// Values of parameters, such as the weights of networks, as by --param: arrays of their names, as nc fit --weights-out writes them
    #[arg(long, value_name = "FILE.npz")]
    weights: Option<PathBuf>,
    /// The times: FROM:TO:STEP, which ends at TO, FROM:TO for the ends only, or a list; the first one is that of the start
    #[arg(long = "t", value_name = "FROM:TO:STEP", value_parser = parse_times, allow_hyphen_values = true)]
    times: Times,
    /// How it is integrated
    #[arg(long, value_enum, default_value_t)]
    method: MethodChoice,
    /// The error that a step may have, relative to the states
    #[arg(long, value_name = "R", default_value_t = nc_model::ode::DEFAULT_RTOL)]
    rtol: f64,
    /// The error that a step may have beside that
    #[arg(long, value_name = "R", default_value_t = nc_model::ode::DEFAULT_ATOL)]
    atol: f64,
    /// The most that a step may be long: what is over within a step, a short pulse or two events, may not be seen
    #[arg(long, value_name = "H", default_value_t = f64::INFINITY, conflicts_with = "step")]
    max_step: f64,
    /// Do not stop where conditions of the right-hand side change: for one that is smooth all the same
    #[arg(long)]
    no_switching: bool,
    /// The length of steps, for rk4 and Hamiltonians
    #[arg(long, value_name = "H")]
    step: Option<f64>,
    /// The program is a Hamiltonian of positions and momenta: step it symplectically, by --method yoshida4 or leapfrog
    #[arg(long, requires = "step")]
    hamiltonian: bool,
    /// Starts and parameters of many trajectories: columns of their names in a csv, npz or structured npy file
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// Derivatives of all states by these starts and parameters
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    grad: Vec<String>,
    /// Note when this changes its sign, in the dialect of the program; once for each expression
    #[arg(long = "event", value_name = "EXPR", allow_hyphen_values = true)]
    events: Vec<String>,
    /// End at the first event, or at the first of these, counted from 1: --stop=2
    #[arg(long, value_name = "K,…", requires = "events", num_args = 0..=1, require_equals = true, default_missing_value = "",
        value_parser = parse_stop)]
    stop: Option<Stops>,
    /// What a state becomes at an event: 'v=(* -0.8 v)'; of several events, at which: '2:v=(* -0.8 v)'
    #[arg(long = "jump", value_name = "[K:]NAME=EXPR", requires = "events", value_parser = parse_jump)]
    jumps: Vec<Jump>,
    /// How many events are kept
    #[arg(long, value_name = "N", default_value_t = nc_model::ode::DEFAULT_EVENTS as u32, requires = "events",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_events: u32,
    /// Where the trajectories go: a csv or npz file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Draw the states over time
    #[arg(long, value_name = "FILE.svg|png")]
    plot: Option<PathBuf>,
    /// Draw the second state over the first
    #[arg(long, value_name = "FILE.svg|png")]
    phase: Option<PathBuf>,
    /// How many threads; 0 for one per processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// How to run the program; all ways give the same bits
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    dialect: DialectArgs,
}

/// The choice of a method on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum MethodChoice {
    /// dop853, and rodas5p where the equation turns out to be stiff; for a Hamiltonian yoshida4
    #[default]
    Auto,
    /// Tsitouras's method of order 5
    Tsit5,
    /// Dormand and Prince's method of order 8
    Dop853,
    /// The Rosenbrock method Rodas5P of order 5, for stiff equations
    Rodas5p,
    /// The classical method of order 4, with steps of a given length
    Rk4,
    /// Yoshida's symplectic method of order 4, for Hamiltonians
    Yoshida4,
    /// The symplectic leapfrog of order 2, for Hamiltonians
    Leapfrog,
}

/// Times in order.
#[derive(Debug, Clone, PartialEq)]
struct Times(Vec<f64>);

/// Reads `0:10:0.05`, `0:10` or `0,1,5`.
fn parse_times(text: &str) -> Result<Times, String> {
    let number = |text: &str| {
        let found = text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        found.ok_or_else(|| format!("{:?} is no number", text.trim()))
    };
    if !text.contains(':') {
        let times = text.split(',').map(number).collect::<Result<Vec<f64>, String>>()?;
        return Ok(Times(times));
    }
    let parts = text.split(':').map(number).collect::<Result<Vec<f64>, String>>()?;
    match *parts.as_slice() {
        [from, to] => Ok(Times(vec![from, to])),
        [from, to, step] => {
            if step == 0.0 || (to - from) * step < 0.0 {
                return Err(format!("no step of {step} leads from {from} to {to}"));
            }
            let count = (to - from) / step;
            if count > nc_model::ode::MAX_TIMES as f64 {
                return Err(format!("these are more than {} times", nc_model::ode::MAX_TIMES));
            }
            // The end takes part where steps meet it but for rounding.
            let whole = (count + 1e-6).floor() as usize;
            let mut times: Vec<f64> = (0..=whole).map(|k| from + k as f64 * step).collect();
            if (count - whole as f64).abs() < 1e-6 {
                times[whole] = to;
            } else {
                times.push(to);
            }
            Ok(Times(times))
        }
        _ => Err("it is written FROM:TO:STEP, FROM:TO, or as a list of times".into()),
    }
}

/// The events that end a trajectory, from 1; none for all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stops(Vec<usize>);

/// Reads nothing, `2` or `1,3`.
fn parse_stop(text: &str) -> Result<Stops, String> {
    let numbers = text.split(',').filter(|number| !number.trim().is_empty());
    let number = |number: &str| {
        let found = number.trim().parse::<usize>().ok().filter(|&number| number > 0);
        found.ok_or_else(|| format!("{:?} is no number of an event, of which the first is 1", number.trim()))
    };
    Ok(Stops(numbers.map(number).collect::<Result<_, String>>()?))
}

/// What a state becomes at an event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Jump {
    /// Which event, from 1; nothing for the only one.
    event: Option<usize>,
    state: String,
    expression: String,
}

/// Reads `v=(* -0.8 v)` or `2:v=(* -0.8 v)`.
fn parse_jump(text: &str) -> Result<Jump, String> {
    let wrong = || {
        "it is written NAME=EXPR, such as 'v=(* -0.8 v)', or of one of several events K:NAME=EXPR".to_owned()
    };
    let (name, expression) = text.split_once('=').ok_or_else(wrong)?;
    let (event, state) = match name.split_once(':') {
        Some((number, state)) => {
            let number = number.trim().parse::<usize>().ok().filter(|&number| number > 0);
            (Some(number.ok_or_else(wrong)?), state.trim())
        }
        None => (None, name.trim()),
    };
    if state.is_empty() || expression.trim().is_empty() {
        return Err(wrong());
    }
    Ok(Jump { event, state: state.to_owned(), expression: expression.trim().to_owned() })
}

/// A state or parameter as it was given.
pub fn state(setting: &Setting) -> Result<State, Failure> {
    if setting.shape == Shape::Complex {
        return Err(Failure::usage(format!("`{}` is complex: states and parameters are real", setting.name)));
    }
    Ok(State { name: setting.name.clone(), shape: setting.shape, value: setting.numbers().collect() })
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let plot = args.plot.as_deref().map(|path| outputs::image_of("--plot", path)).transpose()?;
    let phase = args.phase.as_deref().map(|path| outputs::image_of("--phase", path)).transpose()?;
    outputs::check(
        &[("-o", args.output.as_ref()), ("--plot", args.plot.as_ref()), ("--phase", args.phase.as_ref())],
        &[
            ("the batch", args.batch.as_ref()),
            ("the weights", args.weights.as_ref()),
            ("the program", args.program.as_ref()),
        ],
    )?;
    set_threads(args.threads)?;
    let loaded = Loaded::open_with(args.program.as_deref(), args.expression.as_deref(), &args.dialect)?;
    let dialect = match loaded.dialect.mode() {
        None => loaded.dialect,
        // The text is that of the formula which the tree stands for.
        Some(_) if loaded.raised => Dialect::Scheme,
        Some(_) => loaded.dialect,
    };
    let spelled = |name: &str, text: &str| System::new(text).named(name).dialect(dialect);
    let mut system = spelled(&loaded.source.name, &loaded.source.text);
    if let Some(loader) = &loaded.loader {
        let loader: &dyn Loader = loader;
        system = system.loader(loader);
    }
    let several = args.events.len() > 1;
    let whens: Vec<System<'_>> = args
        .events
        .iter()
        .enumerate()
        .map(|(k, text)| {
            let name = if several { format!("--event {}", k + 1) } else { "--event".to_owned() };
            spelled(&name, text)
        })
        .collect();
    let jumps: Vec<(usize, String, System<'_>)> = args
        .jumps
        .iter()
        .map(|jump| {
            let event = match jump.event {
                None if several => {
                    return Err(Failure::usage(format!(
                        "--jump {}: there are several events: K:NAME=EXPR says at which of them, counted from 1",
                        jump.state
                    )));
                }
                Some(number) => number,
                None => 1,
            };
            if event > whens.len() {
                return Err(no_event("--jump", event, whens.len()));
            }
            let system = spelled(&format!("--jump {}", jump.state), &jump.expression);
            Ok((event, jump.state.clone(), system))
        })
        .collect::<Result<_, Failure>>()?;
    if let Some(&wrong) = args.stop.iter().flat_map(|stops| &stops.0).find(|&&number| number > whens.len()) {
        return Err(no_event("--stop", wrong, whens.len()));
    }
    let stop = limits::clock().cloned().unwrap_or_default();
    signals::stop_at_interrupt(&stop);
    let mut ode = Ode::new(&system)
        .times(args.times.0.clone())
        .method(method(args)?)
        .tolerances(args.rtol, args.atol)
        .longest_step(args.max_step)
        .switching(!args.no_switching)
        .gradient(args.grad.iter().map(|name| name.trim()))
        .tier(args.tier.into())
        .limits(args.limits.of(&loaded.program))
        .stop(&stop);
    for setting in args.states.iter().flat_map(|settings| &settings.0) {
        ode = ode.state(state(setting)?);
    }
    for setting in args.params.iter().flat_map(|settings| &settings.0) {
        ode = ode.parameter(state(setting)?);
    }
    let (mut rows, mut columns) = (1, Vec::new());
    if let Some(path) = &args.batch {
        (rows, columns) = batch(&loaded, args, path)?;
    }
    if let Some(path) = &args.weights {
        let all = || args.states.iter().chain(&args.params).flat_map(|settings| &settings.0);
        let by_option = |name: &str| all().any(|setting| setting.name == name);
        let by_column = |name: &str| columns.iter().any(|column: &Column| column.name == name);
        let of = args.batch.as_ref().map(|path| path.display().to_string());
        let by_column = of.as_deref().map(|of| (of, &by_column as &dyn Fn(&str) -> bool));
        let given = weights::Given { by_option: &by_option, by_column };
        for setting in weights::read("--weights", path, &loaded, &given)? {
            ode = ode.parameter(state(&setting)?);
        }
    }
    for (k, when) in whens.iter().enumerate() {
        let number = k + 1;
        let of_this = jumps.iter().filter(|(event, ..)| *event == number);
        let ends = args.stop.as_ref().is_some_and(|stops| stops.0.is_empty() || stops.0.contains(&number));
        ode = ode.event(Event {
            when,
            jumps: of_this.map(|(_, name, system)| (name.clone(), system)).collect(),
            last: ends.then_some(1),
            most: args.max_events as usize,
        });
    }
    if args.batch.is_some() {
        let is_state = |name: &str| {
            args.states.iter().flat_map(|settings| &settings.0).any(|setting| setting.name == name)
        };
        // What shape a parameter has is known from its columns alone.
        for Column { name, shape, numbers } in columns.iter().filter(|column| !is_state(&column.name)) {
            let value = numbers.iter().map(|column| column[0]).collect();
            ode = ode.parameter(State { name: name.clone(), shape: *shape, value });
        }
        let columns = columns.into_iter().map(|column| (column.name, column.numbers)).collect();
        ode = ode.batch(rows, columns);
    }
    limits::give_results();
    let found = ode.run().map_err(|error| refusal(&loaded, error))?;
    let ended = Ended::early();
    match ended.filter(|_| found.rows == 0) {
        Some(Ended::TimeLimit) => return Err(limits::time_is_over()),
        Some(Ended::Interrupt) => return Err(Failure::Interrupted),
        None => {}
    }
    output(args, &found, json, plot, phase)?;
    notes(&loaded, &found, rows);
    match found.broken.as_slice() {
        // The report says it.
        [_] if rows == 1 && json => Err(Failure::Reported),
        [broken] if rows == 1 => Err(stuck(&loaded, "the trajectory", broken)),
        // An interrupt keeps what is done, which is said above.
        broken => {
            limits::end(ended.filter(|&ended| ended == Ended::TimeLimit))?;
            // The rows are named above, or in the report.
            if broken.is_empty() { Ok(()) } else { Err(Failure::Reported) }
        }
    }
}

/// The refusal of an option about an event that there is not.
fn no_event(option: &str, number: usize, count: usize) -> Failure {
    Failure::usage(format!("{option}: there is no event {number}: there are {count}, counted from 1"))
}

/// The method with its step.
fn method(args: &Args) -> Result<Method, Failure> {
    let step = || {
        let choice = "--step H says how long the steps of this method are";
        args.step.ok_or_else(|| Failure::usage(choice))
    };
    let method = match (args.method, args.hamiltonian) {
        (MethodChoice::Auto | MethodChoice::Yoshida4, true) => Method::Yoshida4(step()?),
        (MethodChoice::Leapfrog, true) => Method::Leapfrog(step()?),
        (MethodChoice::Yoshida4 | MethodChoice::Leapfrog, false) => {
            return Err(Failure::usage("--method: this one is for programs that are a --hamiltonian"));
        }
        (_, true) => {
            return Err(Failure::usage("--hamiltonian: --method yoshida4 and leapfrog step a Hamiltonian"));
        }
        (MethodChoice::Auto, false) => Method::Auto,
        (MethodChoice::Tsit5, false) => Method::Tsit5,
        (MethodChoice::Dop853, false) => Method::Dop853,
        (MethodChoice::Rodas5p, false) => Method::Rodas5p,
        (MethodChoice::Rk4, false) => Method::Rk4(step()?),
    };
    match (args.step, method) {
        (Some(_), Method::Auto | Method::Tsit5 | Method::Dop853 | Method::Rodas5p) => Err(Failure::usage(
            "--step: this method finds the lengths of its steps; --method rk4 takes steps of one length",
        )),
        _ => Ok(method),
    }
}

/// A start or parameter of each row.
struct Column {
    name: String,
    shape: Shape,
    /// The column of each of its elements.
    numbers: Vec<Vec<f64>>,
}

/// The columns of a file that are starts and parameters, and how many rows there are. What `--param` gives a value is none of them.
fn batch(loaded: &Loaded, args: &Args, path: &Path) -> Result<(usize, Vec<Column>), Failure> {
    let name = path.display().to_string();
    let names = |settings: &[Settings]| -> Vec<String> {
        settings.iter().flat_map(|settings| &settings.0).map(|setting| setting.name.clone()).collect()
    };
    let by_option = names(&args.params);
    let mut wanted: Vec<String> = loaded.names().into_iter().map(str::to_owned).collect();
    wanted.extend(names(&args.states));
    wanted.retain(|name| !by_option.contains(name));
    let take = |column: &str| {
        let base = super::run::columns::base(column);
        wanted.iter().any(|name| name == column || name == base).then(|| column.to_owned())
    };
    let dataset: Dataset<f64> = Dataset::open_with(path, &ReadOptions::default().take(&take))?;
    if dataset.is_positional() {
        return Err(Failure::message("columns", format!("{name}: its columns have no names"))
            .note("a csv file with a header, an npz file or an npy file of a structured array says which column is which"));
    }
    let forms = forms_in_file(&dataset);
    let mut found = Vec::new();
    for wanted in &wanted {
        let Some(form) = forms.get(wanted.as_str()) else { continue };
        if found.iter().any(|column: &Column| column.name == *wanted) {
            continue;
        }
        let wrong = |why: String| Failure::message("shape", format!("{name}, column {wanted:?}: {why}"));
        let numbers = columns(&dataset, wanted, form).map_err(wrong)?;
        let shape = text::shape_of(form).map_err(wrong)?;
        if let Some(row) = numbers.iter().find_map(|column| column.iter().position(|x| !x.is_finite())) {
            let message = format!("{name}: {wanted:?} is no finite number in row {row}, counted from 0");
            return Err(Failure::message("nan", message));
        }
        found.push(Column { name: wanted.clone(), shape, numbers });
    }
    let is_given = |column: &&String| {
        by_option.iter().any(|name| name == *column || name == super::run::columns::base(column))
    };
    let (given, others): (Vec<&String>, Vec<&String>) = dataset.left_aside().iter().partition(is_given);
    let list = |names: &[&String]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    if found.is_empty() {
        let others = dataset.left_aside().join(", ");
        let failure = Failure::message(
            "columns",
            format!("{name}: no column is a state or a parameter; it has: {others}"),
        );
        return Err(match given.is_empty() {
            true => failure,
            false => failure.note(format!("--param gives {} one value for all rows", list(&given))),
        });
    }
    if !given.is_empty() {
        eprint_lines(&format!("note: {name}: {}: the value of --param counts\n", list(&given)));
    }
    if !others.is_empty() {
        eprint_lines(&format!("note: {name}: no state or parameter: {}\n", list(&others)));
    }
    if dataset.rows() == 0 {
        return Err(Failure::message("data", format!("{name}: there are no rows")));
    }
    Ok((dataset.rows(), found))
}

/// Writes what was asked for.
fn output(
    args: &Args,
    found: &Trajectories,
    json: bool,
    plot: Option<Image>,
    phase: Option<Image>,
) -> Result<(), Failure> {
    let drawn = |option: &str, picture: Result<Vec<u8>, String>| {
        picture.map_err(|why| Failure::message("plot", format!("{option}: cannot draw: {why}")))
    };
    let plot = plot.map(|image| drawn("--plot", found.plot(image))).transpose()?;
    let phase = phase.map(|image| drawn("--phase", found.phase(image))).transpose()?;
    match &args.output {
        Some(path) if matches!(Format::of_path(path)?, Format::Npz) => npz(path, found)?,
        Some(path) if matches!(Format::of_path(path)?, Format::Csv) => {
            let table = Table::of(found, args.batch.is_some());
            write_arrays(path, &table.arrays())?;
        }
        Some(_) => {
            return Err(Failure::usage("-o: trajectories have names, so they go to a .csv or .npz file"));
        }
        None => {}
    }
    if let (Some(path), Some(drawn)) = (&args.plot, plot) {
        write(path, &drawn)?;
    }
    if let (Some(path), Some(drawn)) = (&args.phase, phase) {
        write(path, &drawn)?;
    }
    if json {
        let object = if args.batch.is_some() { summary(found) } else { report(found) };
        return print_json(&object);
    }
    let written = args.output.is_some() || args.plot.is_some() || args.phase.is_some();
    if written {
        return print(&words(found));
    }
    let table = Table::of(found, args.batch.is_some());
    let mut text = Vec::new();
    write_csv(&mut text, &table.arrays())
        .map_err(|error| Failure::message("file", format!("cannot write the table: {error}")))?;
    print_data(&String::from_utf8_lossy(&text))?;
    eprint_lines(&words(found));
    Ok(())
}

/// Trajectories as columns of numbers.
struct Table {
    rows: usize,
    columns: Vec<(String, Vec<f64>)>,
    scalar: Form,
}

impl Table {
    fn of(found: &Trajectories, many: bool) -> Table {
        let n = found.t.len();
        let mut columns = Vec::new();
        if many {
            columns.push(("row".to_owned(), (0..found.rows * n).map(|k| (k / n) as f64).collect()));
        }
        columns.push(("t".to_owned(), (0..found.rows * n).map(|k| found.t[k % n]).collect()));
        for (name, shape) in &found.states {
            let len = shape.len();
            let all: Vec<f64> = (0..found.rows).flat_map(|row| found.state(name, row)).collect();
            for k in 0..len {
                let called = if *shape == Shape::Scalar { name.clone() } else { format!("{name}[{k}]") };
                columns.push((called, all.iter().skip(k).step_by(len).copied().collect()));
            }
        }
        for (by, shape, _) in &found.gradients {
            for (name, of) in &found.states {
                let each = of.len() * shape.len();
                let all: Vec<f64> = (0..found.rows)
                    .flat_map(|row| found.gradient(by, name, row).expect("it was asked for"))
                    .collect();
                for k in 0..each {
                    let index =
                        |len: usize, k: usize| if len == 1 { String::new() } else { format!("[{k}]") };
                    let (i, j) = (index(of.len(), k / shape.len()), index(shape.len(), k % shape.len()));
                    let called = format!("d{name}{i}/d{by}{j}");
                    columns.push((called, all.iter().skip(k).step_by(each).copied().collect()));
                }
            }
        }
        Table { rows: found.rows * n, columns, scalar: Form::default() }
    }

    fn arrays(&self) -> Vec<NamedArray<'_>> {
        self.columns
            .iter()
            .map(|(name, data)| NamedArray { name, rows: Some(self.rows), form: &self.scalar, data })
            .collect()
    }
}

/// An npz file: `t`, and for each state an array of rows, times and elements.
fn npz(path: &Path, found: &Trajectories) -> Result<(), Failure> {
    let n = found.t.len();
    let scalar = Form::default();
    let mut arrays: Vec<(String, Option<usize>, Form, Vec<f64>)> =
        vec![("t".to_owned(), Some(n), scalar.clone(), found.t.clone())];
    let dims = |shape: Shape| -> Vec<usize> {
        match shape {
            Shape::Vector(len) => vec![len as usize],
            Shape::Matrix(rows, columns) => vec![rows as usize, columns as usize],
            Shape::Scalar | Shape::Complex => Vec::new(),
        }
    };
    for (name, shape) in &found.states {
        let all: Vec<f64> = (0..found.rows).flat_map(|row| found.state(name, row)).collect();
        let form: Vec<usize> = std::iter::once(n).chain(dims(*shape)).collect();
        arrays.push((name.clone(), Some(found.rows), Form { dims: form, complex: false }, all));
    }
    for (by, shape, _) in &found.gradients {
        for (name, of) in &found.states {
            let all: Vec<f64> = (0..found.rows)
                .flat_map(|row| found.gradient(by, name, row).expect("it was asked for"))
                .collect();
            let form: Vec<usize> = std::iter::once(n).chain(dims(*of)).chain(dims(*shape)).collect();
            arrays.push((
                format!("d{name}_d{by}"),
                Some(found.rows),
                Form { dims: form, complex: false },
                all,
            ));
        }
    }
    let column = |name: &str, numbers: Vec<f64>| (name.to_owned(), Some(found.rows), scalar.clone(), numbers);
    arrays.push(column("steps", found.work.iter().map(|work| work[0]).collect()));
    arrays.push(column("rejected", found.work.iter().map(|work| work[1]).collect()));
    arrays.push(column("evaluations", found.work.iter().map(|work| work[2]).collect()));
    arrays.push(column("stiff", found.stiff.iter().map(|&stiff| f64::from(u8::from(stiff))).collect()));
    arrays.push(column("end", found.ends.clone()));
    if let Some(drift) = &found.drift {
        arrays.push(column("energy_drift", drift.clone()));
    }
    let events: Vec<(usize, &nc_model::ode::Happened)> = found
        .events
        .iter()
        .enumerate()
        .flat_map(|(row, events)| events.iter().map(move |event| (row, event)))
        .collect();
    if !events.is_empty() {
        let count = Some(events.len());
        let rows = events.iter().map(|(row, _)| *row as f64).collect();
        arrays.push(("event_row".to_owned(), count, scalar.clone(), rows));
        let which = events.iter().map(|(_, event)| (event.event + 1) as f64).collect();
        arrays.push(("event_number".to_owned(), count, scalar.clone(), which));
        let times = events.iter().map(|(_, event)| event.t).collect();
        arrays.push(("event_t".to_owned(), count, scalar.clone(), times));
        let mut first = 0;
        for (name, shape) in &found.states {
            let part = first..first + shape.len();
            let data = events.iter().flat_map(|(_, event)| &event.y[part.clone()]).copied().collect();
            arrays.push((format!("event_{name}"), count, Form { dims: dims(*shape), complex: false }, data));
            first += shape.len();
        }
    }
    let named: Vec<NamedArray<'_>> =
        arrays.iter().map(|(name, rows, form, data)| NamedArray { name, rows: *rows, form, data }).collect();
    Ok(write_arrays(path, &named)?)
}

/// The report of one trajectory.
fn report(found: &Trajectories) -> Json {
    let numbers = |data: Vec<f64>, shape: Shape| match shape.len() {
        1 => json!(data),
        len => json!(data.chunks(len).collect::<Vec<_>>()),
    };
    let mut states = Map::new();
    for (name, shape) in &found.states {
        states.insert(name.clone(), numbers(found.state(name, 0), *shape));
    }
    let mut object = json!({"t": found.t, "states": states});
    for (key, value) in facts(found) {
        object[key] = value;
    }
    let events: Vec<Json> = found.events[0]
        .iter()
        .map(|event| {
            let mut first = 0;
            let mut states = Map::new();
            for (name, shape) in &found.states {
                let y = event.y[first..first + shape.len()].to_vec();
                first += shape.len();
                let value = if *shape == Shape::Scalar { json!(y[0]) } else { json!(y) };
                states.insert(name.clone(), value);
            }
            json!({"event": event.event + 1, "t": event.t, "states": states})
        })
        .collect();
    object["events"] = json!(events);
    if let Some(broken) = found.broken.first() {
        object["broken"] = broken_json(broken);
    }
    if !found.gradients.is_empty() {
        let mut all = Map::new();
        for (by, shape, _) in &found.gradients {
            let mut of_one = Map::new();
            for (name, of) in &found.states {
                let data = found.gradient(by, name, 0).expect("it was asked for");
                let value = match (of.len(), shape.len()) {
                    (1, 1) => json!(data),
                    (1, len) | (len, 1) => json!(data.chunks(len).collect::<Vec<_>>()),
                    (i, j) => json!(
                        data.chunks(i * j).map(|one| one.chunks(j).collect::<Vec<_>>()).collect::<Vec<_>>()
                    ),
                };
                of_one.insert(name.clone(), value);
            }
            all.insert(by.clone(), of_one.into());
        }
        object["grad"] = all.into();
    }
    object
}

/// A trajectory that ends too early.
fn broken_json(broken: &nc_model::ode::Broken) -> Json {
    json!({"row": broken.row, "t": broken.t, "state": broken.y, "why": broken.why})
}

/// How the first trajectory was found.
fn facts(found: &Trajectories) -> Vec<(&'static str, Json)> {
    let [steps, rejected, evaluations] = found.work[0];
    let mut facts = vec![
        ("steps", json!(steps as u64)),
        ("rejected", json!(rejected as u64)),
        ("evaluations", json!(evaluations as u64)),
        ("method", json!(found.methods[0])),
        ("stiff", json!(found.stiff[0])),
        ("end", json!(found.ends[0])),
    ];
    if let Some(drift) = &found.drift {
        facts.push(("energy_drift", json!(drift[0])));
    }
    facts
}

/// Steps, rejected ones or evaluations of all rows whose numbers are known: a row that takes too many has none.
fn total(found: &Trajectories, which: usize) -> u64 {
    found.work.iter().map(|work| work[which]).filter(|x| x.is_finite()).map(|x| x as u64).sum()
}

/// The report of a batch.
fn summary(found: &Trajectories) -> Json {
    let total = |k: usize| total(found, k);
    let broken: Vec<Json> = found.broken.iter().map(broken_json).collect();
    let mut object = json!({
        "rows": found.rows,
        "times": found.t.len(),
        "steps": total(0),
        "rejected": total(1),
        "evaluations": total(2),
        "stiff": found.stiff.iter().filter(|&&stiff| stiff).count(),
        "events": found.events.iter().map(Vec::len).sum::<usize>(),
        "broken": broken,
    });
    if let Some(drift) = &found.drift {
        object["energy_drift"] = json!(drift.iter().copied().fold(0.0, f64::max));
    }
    object
}

/// How trajectories were found, in a line or a few.
fn words(found: &Trajectories) -> String {
    let total = |k: usize| total(found, k);
    let mut methods = found.methods.clone();
    methods.dedup();
    methods.sort_unstable();
    methods.dedup();
    let rows = if found.rows == 1 { String::new() } else { format!("{} trajectories, ", found.rows) };
    let work = match found.work.iter().any(|work| work[0].is_finite()) {
        true => format!("{} steps, {} rejected, {} evaluations", total(0), total(1), total(2)),
        false => "no steps to the end".to_owned(),
    };
    let mut text = format!("{rows}{}: {work}\n", methods.join(" and "));
    if let Some(drift) = &found.drift {
        let most = drift.iter().copied().fold(0.0, f64::max);
        text += &format!("energy drift, relative: {most:e}\n");
    }
    if let [events] = found.events.as_slice() {
        for event in events {
            let states: Vec<String> = event.y.iter().map(|&x| text::number(x)).collect();
            let which = if found.expressions > 1 { format!(" {}", event.event + 1) } else { String::new() };
            text += &format!("event{which} at t = {}: {}\n", text::number(event.t), states.join(", "));
        }
    }
    text
}

/// What the user should know beside the numbers.
fn notes(loaded: &Loaded, found: &Trajectories, rows: usize) {
    let explicit = |method: &str| matches!(method, "tsit5" | "dop853");
    let stiff =
        found.stiff.iter().zip(&found.methods).filter(|(stiff, method)| **stiff && explicit(method)).count();
    if stiff > 0 {
        let of = if rows == 1 {
            "the equation is stiff".to_owned()
        } else {
            format!("{stiff} of {rows} rows are stiff")
        };
        eprint_lines(&format!(
            "note: {}: {of}: an explicit method keeps its steps short for stability alone; --method rodas5p, or auto, takes longer ones\n",
            loaded.source.name
        ));
    }
    if !found.as_smooth.is_empty() {
        let of = match rows {
            1 => String::new(),
            _ => format!(" in {} of {rows} rows", found.as_smooth.len()),
        };
        eprint_lines(&format!(
            "note: {}: conditions of the right-hand side could not be followed{of}: it was integrated as if nothing jumped, and derivatives miss \
             what the times of jumps contribute\n",
            loaded.source.name
        ));
    }
    if found.rows < rows {
        eprint_lines(&format!("note: interrupted: {} of {rows} trajectories are done\n", found.rows));
    }
    if rows > 1 {
        const NAMED: usize = 10;
        for broken in found.broken.iter().take(NAMED) {
            eprint_lines(&format!("note: row {} {}\n", broken.row, ends(broken)));
            if let Some(span) = broken.span {
                let (source, start) = loaded.source.of(span);
                let (line, column) = source.place((span.start - start) as usize);
                eprint_lines(&format!("      at {}:{line}:{column}\n", source.name));
            }
        }
        if found.broken.len() > NAMED {
            let more = found.broken.len() - NAMED;
            eprint_lines(&format!("note: so do {more} more rows; --json names all\n"));
        }
    }
}

/// Where a trajectory ends, and why.
fn ends(broken: &nc_model::ode::Broken) -> String {
    let state: Vec<String> = broken.y.iter().map(|&x| text::number(x)).collect();
    match broken.t.is_nan() {
        true => format!("has no end: {}", broken.why),
        false => format!("ends at t = {} in {}: {}", text::number(broken.t), state.join(", "), broken.why),
    }
}

/// The refusal of a single trajectory that does not reach its end.
pub fn stuck(loaded: &Loaded, what: &str, broken: &nc_model::ode::Broken) -> Failure {
    let message = format!("{what} {}", ends(broken));
    match broken.span {
        Some(span) => {
            let error = neural_compiler::Diagnostic::error("trajectory", span, message);
            loaded.failure(Error::Source(vec![error]))
        }
        None => Failure::message("trajectory", format!("{}: {message}", loaded.source.name)),
    }
}

/// A refusal in the words of the command line.
pub fn refusal(loaded: &Loaded, error: OdeError) -> Failure {
    let name = &loaded.source.name;
    match error {
        OdeError::Program { error, sources } => match *error {
            Error::Source(diagnostics) => {
                let first = sources.sources().next();
                let (called, text) = first.map_or(("", ""), |id| (sources.name(id), sources.text(id)));
                let source =
                    SourceText::new(called.to_owned(), text.as_bytes().to_vec()).with_imported(&sources);
                Failure::Source(source, diagnostics)
            }
            other => loaded.failure(other),
        },
        OdeError::Name(message) => Failure::message("unknown-input", format!("{name}: {message}"))
            .note("--state NAME=START makes an input a state, --param NAME=VALUE gives it a value, and --weights FILE.npz gives networks theirs"),
        OdeError::Weights(missing) => Failure::message(
            "missing-input",
            format!("{name}: inputs without a value: {}", missing.join(", ")),
        )
        .note("give those of networks with --weights FILE.npz, others with --param NAME=…"),
        OdeError::Results(message) => Failure::message("result", format!("{name}: {message}")),
        OdeError::Value(message) => Failure::message("data", format!("{name}: {message}")),
        other => Failure::message("ode", format!("{name}: {other}")),
    }
}
