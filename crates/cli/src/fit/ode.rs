//! `nc fit --ode`: a right-hand side whose trajectory is compared with what was measured.

use std::collections::HashMap;

use nc_arrays::{Dataset, FileProblem, Missing, ReadOptions};
use nc_model::Image;
use nc_model::fit::{FitError, Noise, Parameter, Report, Series, element_name};
use nc_model::ode::{Experiment, Method, Ode, OdeError, Own, State, System};
use nc_runtime::stop::Stop;
use neural_compiler::{Dialect, Loader, Shape};

use super::data::{Data, Sigma, columns, sigmas};
use super::windows::{Measured, WITHOUT_ERRORS};
use super::{Options, Said, fit};
use crate::report::{Failure, eprint_lines};
use crate::run::columns::forms_in_file;
use crate::text::{self, Settings};
use crate::{Loaded, ode};

/// What makes a fit one of a trajectory.
#[derive(Debug, Clone, clap::Args)]
pub struct OdeArgs {
    /// The program is a right-hand side, as `nc ode` takes it: fit its trajectory
    #[arg(long, requires_all = ["observe", "states"], conflicts_with_all = ["targets", "group", "columns", "weights", "replay", "skip_nan", "residuals", "log"])]
    pub ode: bool,
    /// The column that the time is read from; the first time is that of the start
    #[arg(long, value_name = "COLUMN", default_value = "t", requires = "ode")]
    time: String,
    /// States that were measured, or elements of them such as r[0], with their columns where those are called otherwise
    #[arg(long, value_name = "STATE[=COLUMN],…", value_delimiter = ',', requires = "ode")]
    observe: Vec<String>,
    /// The column that tells several experiments apart, each with its own start: rows of one value are one trajectory
    #[arg(long, value_name = "COLUMN", requires = "ode")]
    experiment: Option<String>,
    /// States that start, and inputs that are, in each experiment what a column has in its first row: theta=theta0,T=temperature
    #[arg(long, value_name = "NAME=COLUMN,…", value_delimiter = ',', requires = "ode")]
    given: Vec<String>,
    /// First fit so many segments of each trajectory with starts of their own, which are tied to each other more and more: from starts
    /// of parameters that are far off
    #[arg(long, value_name = "K", requires = "ode", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub shooting: Option<u32>,
    /// Fit windows of so many steps from time to time, each a row that starts from the states as they were measured: what networks are trained
    /// on, in batches of windows
    #[arg(long, value_name = "STEPS", requires = "ode", conflicts_with_all = ["shooting", "fit_start"],
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub windows: Option<u32>,
    /// The states and where they start
    #[arg(long = "state", value_name = "NAME=VALUE,…", requires = "ode", value_parser = text::parse_settings)]
    states: Vec<Settings>,
    /// Fit where the states start, too
    #[arg(long, requires = "ode")]
    fit_start: bool,
    /// How it is integrated: dop853, tsit5, or rodas5p for stiff equations
    #[arg(long, value_enum, default_value_t, requires = "ode")]
    integrator: Integrator,
    /// Do not stop where conditions of the right-hand side change: for one that is smooth all the same
    #[arg(long, requires = "ode")]
    no_switching: bool,
    /// The error that a step may have, relative to the states: below what a search has to tell apart
    #[arg(long, value_name = "R", default_value_t = 1e-12, requires = "ode")]
    rtol: f64,
    /// The error that a step may have beside that
    #[arg(long, value_name = "R", default_value_t = nc_model::ode::DEFAULT_ATOL, requires = "ode")]
    atol: f64,
}

/// From how many starts the minimum is searched for where nothing else is said: each evaluation is whole trajectories.
const STARTS: u32 = 16;

/// The methods whose trajectories are fitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Integrator {
    /// Dormand and Prince's method of order 8
    #[default]
    Dop853,
    /// Tsitouras's method of order 5
    Tsit5,
    /// The Rosenbrock method Rodas5P, for stiff equations
    Rodas5p,
}

/// A trajectory as a program of its start and parameters, with the data and the options of its fit.
pub struct Observed {
    pub loaded: Loaded,
    pub data: Data,
    pub options: Options,
    /// The states that are observed, one by one.
    names: Vec<String>,
    /// Where the states start, unless an experiment has its own.
    states: Vec<State>,
    experiments: Vec<Experiment>,
    /// What experiments are called.
    labels: Vec<String>,
    /// Rows of the data in which something was measured.
    rows: usize,
    /// What was measured in the first experiment, for pictures.
    points: Vec<(f64, f64)>,
    /// The right-hand side.
    system: Loaded,
}

/// `NAME=COLUMN`, or a name that is both.
fn pair(text: &str) -> (String, String) {
    match text.split_once('=') {
        Some((name, column)) => (name.trim().to_owned(), column.trim().to_owned()),
        None => (text.trim().to_owned(), text.trim().to_owned()),
    }
}

/// The columns of a file of measured trajectories.
struct Columns {
    name: String,
    dataset: Dataset<f64>,
}

impl Columns {
    /// Reads the columns that are wanted; numbers may be missing, and `labels` may be texts.
    fn read(args: &super::Args, wanted: &[&str], labels: Option<&str>) -> Result<Columns, Failure> {
        let name = args.shared.data.display().to_string();
        let take = |column: &str| wanted.contains(&column).then(|| column.to_owned());
        let options = ReadOptions::default().take(&take).missing(Missing::Nan);
        let read = Dataset::open_with(&args.shared.data, &options);
        let dataset = match (read, labels) {
            (Err(error), Some(labels)) => {
                let is_text = match &error.problem {
                    FileProblem::NotANumber { name, .. } | FileProblem::NoNumber { name, .. } => {
                        name == labels
                    }
                    _ => false,
                };
                if !is_text {
                    return Err(error.into());
                }
                Dataset::open_with(&args.shared.data, &options.labels(labels))?
            }
            (read, _) => read?,
        };
        Ok(Columns { name, dataset })
    }

    /// A column of numbers, some of which may be missing.
    fn with_gaps(&self, option: &str, column: &str) -> Result<Vec<f64>, Failure> {
        let (name, dataset) = (&self.name, &self.dataset);
        let forms = forms_in_file(dataset);
        let missing = || {
            let others: Vec<&str> = dataset.fields().iter().filter_map(|field| field.name()).collect();
            let all: Vec<&str> =
                others.into_iter().chain(dataset.left_aside().iter().map(String::as_str)).collect();
            Failure::message("columns", format!("{name}: {option}: there is no column {column:?}"))
                .note(format!("there is: {}", all.join(", ")))
        };
        let form = forms.get(column).ok_or_else(missing)?;
        let wrong = |why: &str| Failure::message("shape", format!("{name}, column {column:?}: {why}"));
        let found = columns(dataset, column, form).map_err(|why| wrong(&why))?;
        let [numbers] = found.as_slice() else {
            return Err(wrong("it has to be one number in each row"));
        };
        match numbers.iter().position(|x| x.is_infinite()) {
            Some(row) => Err(self.not_finite(column, row)),
            None => Ok(numbers.clone()),
        }
    }

    /// A column of numbers, none of which may be missing.
    fn whole(&self, option: &str, column: &str) -> Result<Vec<f64>, Failure> {
        let numbers = self.with_gaps(option, column)?;
        match numbers.iter().position(|x| x.is_nan()) {
            Some(row) => Err(self.not_finite(column, row)),
            None => Ok(numbers),
        }
    }

    fn not_finite(&self, column: &str, row: usize) -> Failure {
        let message = format!("{}: {column:?} is no finite number in row {row}, counted from 0", self.name);
        Failure::message("nan", message)
    }

    /// What experiments are called, and their rows, in the order in which they begin.
    fn experiments(&self, column: Option<&str>) -> Result<Vec<(String, Vec<usize>)>, Failure> {
        let Some(column) = column else {
            return Ok(vec![(String::new(), (0..self.dataset.rows()).collect())]);
        };
        let keys = self.whole("--experiment", column)?;
        let mut found: Vec<(f64, Vec<usize>)> = Vec::new();
        for (row, &key) in keys.iter().enumerate() {
            match found.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push(row),
                None => found.push((key, vec![row])),
            }
        }
        if found.len() > MOST_EXPERIMENTS {
            return Err(Failure::message(
                "data",
                format!(
                    "{}: --experiment: {column:?} has {} different values, more than {MOST_EXPERIMENTS}",
                    self.name,
                    found.len()
                ),
            ));
        }
        let label = |number: usize, key: f64| {
            let text = match self.dataset.labels() {
                [] => text::number(key),
                labels => labels.get(key as usize).cloned().unwrap_or_default(),
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            // A part of the names of parameters.
            if !text.is_empty() && text.chars().all(plain) { text } else { (number + 1).to_string() }
        };
        Ok(found.into_iter().enumerate().map(|(number, (key, rows))| (label(number, key), rows)).collect())
    }
}

impl Columns {
    /// Refuses times of an experiment that go back: they are those of several.
    fn in_order(&self, times: &[f64], parts: &[(String, Vec<usize>)], told: bool) -> Result<(), Failure> {
        for (_, rows) in parts {
            let steps = || rows.windows(2).map(|pair| (pair[1], times[pair[1]] - times[pair[0]]));
            let forward = steps().map(|(_, step)| step).find(|step| *step != 0.0).unwrap_or(1.0);
            let Some((row, _)) = steps().find(|(_, step)| step * forward < 0.0) else { continue };
            let message = format!(
                "{}: times of a trajectory grow, or fall, throughout, and that of row {row}, counted from 0, goes back to {}",
                self.name, times[row]
            );
            let failure = Failure::message("data", message);
            return Err(match (told, self.dataset.left_aside()) {
                (true, _) => failure,
                (false, []) => failure.note(
                    "rows of several experiments need a column that tells them apart, for --experiment COLUMN",
                ),
                (false, others) => failure.note(format!(
                    "--experiment COLUMN says which column tells several experiments apart; there is: {}",
                    others.join(", ")
                )),
            });
        }
        Ok(())
    }

    /// Says of columns called like inputs that they take no part.
    fn note_left_aside(&self, system: &Loaded, states: &[&str], options: &Options) {
        let fitted = system.names();
        let is_given = |name: &String| {
            options.fixed.iter().any(|said| said.value.name() == name)
                || options.ties.iter().any(|(tied, _)| tied == name)
        };
        let is_input = |name: &&String| fitted.contains(&name.as_str()) && !states.contains(&name.as_str());
        for column in self.dataset.left_aside().iter().filter(is_input).filter(|name| !is_given(name)) {
            eprint_lines(&format!(
                "note: {}: {column:?} takes no part, and the input of its name is fitted; --given {column} takes it from here\n",
                self.name
            ));
        }
    }
}

/// The most trajectories that are fitted together: each is a part of one program.
const MOST_EXPERIMENTS: usize = 256;

impl Observed {
    /// Reads the data, and writes the program that is compared with them.
    pub fn read(system: Loaded, args: &super::Args) -> Result<Observed, Failure> {
        let OdeArgs { time, observe, states, fit_start, given, experiment, .. } = &args.trajectory;
        let observed: Vec<(String, String)> = observe.iter().map(|text| pair(text)).collect();
        let given: Vec<(String, String)> = given.iter().map(|text| pair(text)).collect();
        let mut options = args.shared.options.clone();
        let sigmas = sigmas(&options.sigma, &observed)?;
        let of_sigmas = sigmas.iter().filter_map(|sigma| match sigma {
            Sigma::Column(column) => Some(column.as_str()),
            Sigma::Number(_) => None,
        });
        let named = observed.iter().chain(&given).map(|(_, column)| column.as_str());
        let wanted: Vec<&str> =
            named.chain(of_sigmas).chain([time.as_str()]).chain(experiment.as_deref()).collect();
        let names: Vec<&str> =
            states.iter().flat_map(|settings| &settings.0).map(|setting| setting.name.as_str()).collect();
        if let Some((wrong, _)) = observed.iter().find(|(name, _)| {
            let of = name.split_once('[').map_or(name.as_str(), |(of, _)| of);
            !names.contains(&of)
        }) {
            let message =
                format!("`{wrong}` is observed and is no state, nor an element of one such as `r[0]`");
            return Err(ode::refusal(&system, OdeError::Name(message)));
        }
        let file = Columns::read(args, &wanted, experiment.as_deref())?;
        let times = file.whole("--time", time)?;
        let measured: Vec<Vec<f64>> = observed
            .iter()
            .map(|(_, column)| file.with_gaps("--observe", column))
            .collect::<Result<_, Failure>>()?;
        let of_given: Vec<Vec<f64>> = given
            .iter()
            .map(|(_, column)| file.with_gaps("--given", column))
            .collect::<Result<_, Failure>>()?;
        let scatter: Vec<Vec<f64>> = sigmas
            .iter()
            .map(|sigma| match sigma {
                Sigma::Number(sigma) => Ok(vec![*sigma; times.len()]),
                Sigma::Column(column) => file.with_gaps("--sigma", column),
            })
            .collect::<Result<_, Failure>>()?;
        options.starts = Some(options.starts_of_search(STARTS));
        let parts = file.experiments(experiment.as_deref())?;
        file.in_order(&times, &parts, experiment.is_some())?;
        file.note_left_aside(&system, &names, &options);
        if let Some(steps) = args.trajectory.windows {
            let measured = Measured {
                name: &file.name,
                times: &times,
                observed: &observed,
                columns: &measured,
                sigmas: &sigmas,
                scatter: &scatter,
                given: &given,
                of_given: &of_given,
                experiments: parts.iter().map(|(_, rows)| rows.as_slice()).collect(),
            };
            return Observed::in_windows(system, args, options, &measured, steps as usize, &parts);
        }
        let several = experiment.is_some();
        let mut experiments: Vec<Experiment> = Vec::new();
        for (_, rows) in &parts {
            let mut unique: Vec<f64> = Vec::new();
            let mut places = Vec::with_capacity(rows.len());
            for &row in rows {
                if unique.last() != Some(&times[row]) {
                    unique.push(times[row]);
                }
                places.push(unique.len() - 1);
            }
            let place = |numbers: &Vec<f64>| -> Vec<usize> {
                let rows = rows.iter().zip(&places).filter(|(row, _)| !numbers[**row].is_nan());
                rows.map(|(_, &place)| place).collect()
            };
            experiments.push(Experiment {
                times: unique,
                own: Vec::new(),
                measured: measured.iter().map(place).collect(),
                continues: false,
            });
        }
        let value = |which: usize, row: usize| -> Result<f64, Failure> {
            let x = of_given[which][row];
            if x.is_nan() { Err(file.not_finite(&given[which].1, row)) } else { Ok(x) }
        };
        let said = |value: Parameter| Said { text: format!("{}=", value.name()), value };
        let mut ode_states: Vec<State> = Vec::new();
        for setting in states.iter().flat_map(|settings| &settings.0) {
            let state = ode::state(setting)?;
            let from = given.iter().position(|(name, _)| *name == state.name);
            if from.is_some() && state.shape != Shape::Scalar {
                return Err(Failure::usage(format!(
                    "--given {}: the start of a vector is no column; --state says it",
                    state.name
                )));
            }
            let is_named = options.parameters().any(|name| name == state.name);
            let parameter = Parameter::new(&state.name).elements(state.shape, state.value.clone());
            match (is_named, fit_start, from) {
                (true, _, Some(_)) => {
                    return Err(Failure::usage(format!(
                        "--given {0}: --param or --fix says where `{0}` starts, too",
                        state.name
                    )));
                }
                // --param and --fix say more.
                (true, _, None) => {}
                (false, false, None) => options.fixed.push(said(parameter.fix())),
                (false, true, None) if !several => options.params.push(said(parameter)),
                (false, ..) => {
                    for ((label, rows), experiment) in parts.iter().zip(&mut experiments) {
                        let start = match from {
                            Some(which) => vec![value(which, rows[0])?],
                            None => state.value.clone(),
                        };
                        let called =
                            if several { format!("{}@{label}", state.name) } else { state.name.clone() };
                        if *fit_start && !options.parameters().any(|name| name == called) {
                            let parameter = Parameter::new(&called).elements(state.shape, start.clone());
                            options.params.push(said(parameter));
                        }
                        let input = fit_start.then_some(called);
                        experiment.own.push(Own { of: state.name.clone(), value: start, input });
                    }
                }
            }
            ode_states.push(state);
        }
        for (which, (name, column)) in given.iter().enumerate() {
            if ode_states.iter().any(|state| state.name == *name) {
                continue;
            }
            if options.parameters().any(|known| known == name) {
                return Err(Failure::usage(format!(
                    "--given {name}: it has another value by --param, --fix or --tie"
                )));
            }
            for ((_, rows), experiment) in parts.iter().zip(&mut experiments) {
                let x = value(which, rows[0])?;
                if let Some(&row) = rows.iter().find(|&&row| of_given[which][row] != x) {
                    return Err(Failure::message(
                        "data",
                        format!(
                            "{}: --given {name}: {column:?} is {x} at the start of an experiment and {} in its row {row}, \
                             counted from 0: it has to be one number in each",
                            file.name, of_given[which][row]
                        ),
                    ));
                }
                experiment.own.push(Own { of: name.clone(), value: vec![x], input: None });
            }
        }
        let names: Vec<String> = observed.iter().map(|(state, _)| state.clone()).collect();
        let mut targets = Vec::new();
        let mut elements: Vec<Vec<f64>> = Vec::new();
        let mut gaps = 0;
        for (which, (state, of)) in observed.iter().enumerate() {
            let numbers = &measured[which];
            let rows = || parts.iter().flat_map(|(_, rows)| rows).filter(|&&row| !numbers[row].is_nan());
            let columns: Vec<Vec<f64>> = rows().map(|&row| vec![numbers[row]]).collect();
            gaps += numbers.len() - columns.len();
            let series = Series { name: of.clone(), shape: Shape::Vector(columns.len() as u32), columns };
            targets.push((result_name(state), series));
            let sigma = scatter.get(if scatter.len() == 1 { 0 } else { which });
            for &row in rows() {
                let Some(sigma) = sigma else { continue };
                if !(sigma[row] > 0.0 && sigma[row].is_finite()) {
                    return Err(Failure::usage(format!(
                        "--sigma: of {of} it has to be one number above 0, and is {} in row {row}, counted from 0",
                        sigma[row]
                    )));
                }
                elements.push(vec![sigma[row]]);
            }
        }
        if gaps > 0 {
            eprint_lines(&format!("note: {}: {gaps} numbers are missing; they take no part\n", file.name));
        }
        let noise = match (sigmas.as_slice(), elements.first()) {
            ([Sigma::Number(_)], Some(sigma)) => Noise::Sigma(sigma.clone()),
            (_, None) => Noise::FromResiduals,
            _ => Noise::SigmaOfElements(elements),
        };
        let measured_in = |row: &&usize| measured.iter().any(|numbers| !numbers[**row].is_nan());
        let rows = parts.iter().flat_map(|(_, rows)| rows).filter(measured_in).count();
        let points = measured
            .iter()
            .flat_map(|numbers| parts[0].1.iter().map(|&row| (times[row], numbers[row])))
            .filter(|(_, x)| !x.is_nan())
            .collect();
        let known = of_given.iter().chain(&scatter).filter(|_| several || !given.is_empty());
        let all = targets.iter().flat_map(|(_, series): &(String, Series)| series.columns.iter().flatten());
        let hashed = times.iter().chain(all).chain(known.flatten());
        let hash = nc_model::fit::hash(hashed.flat_map(|x| x.to_bits().to_le_bytes()));
        let data = Data {
            name: file.name,
            inputs: Vec::new(),
            targets,
            noise,
            left_aside: Vec::new(),
            keys: None,
            labels: Vec::new(),
            hash,
        };
        let mut found = Observed {
            loaded: Loaded {
                source: system.source.clone(),
                dialect: system.dialect,
                raised: false,
                program: system.program.clone(),
                loader: None,
            },
            data,
            options,
            names,
            states: ode_states,
            experiments,
            labels: parts.into_iter().map(|(label, _)| label).collect(),
            rows,
            points,
            system,
        };
        found.loaded.program = found.program(args, &found.experiments)?;
        Ok(found)
    }

    /// What is fitted in windows of so many steps: the program of a window, and a row of data for each.
    fn in_windows(
        system: Loaded,
        args: &super::Args,
        mut options: Options,
        measured: &Measured<'_>,
        steps: usize,
        parts: &[(String, Vec<usize>)],
    ) -> Result<Observed, Failure> {
        let settings = args.trajectory.states.iter().flat_map(|settings| &settings.0);
        let states: Vec<State> = settings.map(ode::state).collect::<Result<_, Failure>>()?;
        if let Some(state) = states.iter().find(|state| options.parameters().any(|name| name == state.name)) {
            return Err(Failure::usage(format!(
                "--windows: `{0}` starts where it was measured in each window: leave --param and --fix of `{0}` out",
                state.name
            )));
        }
        // Each start is a search by itself.
        options.starts = Some(options.starts_of_search(STARTS));
        let windows = measured.windows(&states, steps)?;
        let experiments = parts.iter().map(|(_, rows)| {
            let number = |which: usize| {
                let column = &measured.columns[which];
                rows.iter().map(|&row| column[row]).find(|x| !x.is_nan())
            };
            let own = states.iter().map(|state| {
                let value = (0..state.shape.len())
                    .map(|k| {
                        observable(measured.observed.iter().map(|(name, _)| name), state, k).and_then(number)
                    })
                    .zip(&state.value)
                    .map(|(found, said)| found.unwrap_or(*said));
                Own { of: state.name.clone(), value: value.collect(), input: None }
            });
            let times = rows.iter().map(|&row| measured.times[row]).collect();
            Experiment { times, own: own.collect(), measured: Vec::new(), continues: false }
        });
        let experiments: Vec<Experiment> = experiments.filter(|one| one.times.len() > steps).collect();
        let first = parts.iter().find(|(_, rows)| rows.len() > steps);
        let points = first.iter().flat_map(|(_, rows)| {
            let of =
                |row: usize| measured.columns.iter().map(move |column| (measured.times[row], column[row]));
            rows.iter().flat_map(move |&row| of(row))
        });
        let numbers = windows.inputs.iter().chain(windows.targets.iter().map(|(_, series)| series));
        let hashed = numbers.flat_map(|series| series.columns.iter().flatten());
        let hash = nc_model::fit::hash(hashed.flat_map(|x| x.to_bits().to_le_bytes()));
        let data = Data {
            name: measured.name.to_owned(),
            inputs: windows.inputs,
            targets: windows.targets,
            noise: windows.noise,
            left_aside: Vec::new(),
            keys: None,
            labels: Vec::new(),
            hash,
        };
        let mut found = Observed {
            loaded: Loaded {
                source: system.source.clone(),
                dialect: system.dialect,
                raised: false,
                program: system.program.clone(),
                loader: None,
            },
            data,
            options,
            names: measured.observed.iter().map(|(state, _)| state.clone()).collect(),
            states,
            labels: parts
                .iter()
                .filter(|(_, rows)| rows.len() > steps)
                .map(|(label, _)| label.clone())
                .collect(),
            experiments,
            rows: windows.count,
            points: points.filter(|(_, x)| !x.is_nan()).collect(),
            system,
        };
        let longest =
            found.experiments.iter().max_by(|a, b| interval(&a.times).total_cmp(&interval(&b.times)));
        let times = longest.map_or(&[][..], |one| &one.times);
        let of = Parts { loaded: &found.system, args };
        let equation = of.ode(&found.states, times, &found.options, |_| None);
        let program = equation.with(|ode| ode.windows(&found.names, steps));
        found.loaded.program = program.map_err(|error| ode::refusal(&found.system, error))?;
        Ok(found)
    }

    /// The program that gives what was measured in these experiments.
    fn program(
        &self,
        args: &super::Args,
        experiments: &[Experiment],
    ) -> Result<neural_compiler::Program, Failure> {
        let parts = Parts { loaded: &self.system, args };
        let equation = |times: &[f64]| parts.ode(&self.states, times, &self.options, |_| None);
        let program = match experiments {
            // A trajectory that was measured as a whole.
            [one]
                if one.own.is_empty()
                    && one.measured.iter().all(|places| places.iter().copied().eq(0..one.times.len())) =>
            {
                equation(&one.times).with(|ode| ode.observations(&self.names))
            }
            _ => {
                let times = experiments.first().map_or(&[][..], |one| &one.times);
                equation(times).with(|ode| ode.experiments(&self.names, experiments))
            }
        };
        program.map_err(|error| ode::refusal(&self.system, error))
    }

    /// What a report of one row says of a trajectory: rows are times, and no digit holds that integration does not give.
    pub fn correct(&self, args: &super::Args, report: &mut Report) {
        report.rows = self.rows;
        let exact = (-args.trajectory.rtol.log10() - 1.0).max(0.0) as u32;
        for estimate in &mut report.parameters {
            estimate.digits = estimate.digits.map(|digits| digits.min(exact));
        }
        if args.trajectory.windows.is_some() {
            report.without_errors(WITHOUT_ERRORS);
        }
    }

    /// Which part of the scatter of what was measured is left as residuals.
    pub fn left_over(&self, report: &Report) -> f64 {
        let (mut square, mut count) = (0.0, 0);
        for (_, series) in &self.data.targets {
            let numbers = || series.columns.iter().flatten();
            let scatter = deviation(numbers());
            let n = numbers().count();
            square += scatter * scatter * n as f64;
            count += n;
        }
        report.rmse / (square / count as f64).sqrt()
    }

    /// Where the states of an experiment start, by what is known of parameters.
    fn starts(&self, experiment: &Experiment, known: &dyn Fn(&str) -> Option<f64>) -> Vec<State> {
        let mut states = self.states.clone();
        for state in &mut states {
            let own = experiment.own.iter().find(|own| own.of == state.name);
            let called = own.map_or(Some(&state.name), |own| own.input.as_ref());
            if let Some(own) = own {
                state.value.clone_from(&own.value);
            }
            let Some(called) = called else { continue };
            for (k, x) in state.value.iter_mut().enumerate() {
                *x = known(&element_name(called, state.shape, k)).unwrap_or(*x);
            }
        }
        states
    }

    /// Values of inputs that are an experiment's own, before those that are known of parameters.
    fn inputs<'a>(
        experiment: &'a Experiment,
        known: &'a dyn Fn(&str) -> Option<f64>,
    ) -> impl Fn(&str) -> Option<f64> + 'a {
        move |name| {
            let own = experiment.own.iter().find(|own| own.of == name && own.input.is_none());
            own.and_then(|own| own.value.first().copied()).or_else(|| known(name))
        }
    }

    /// The trajectory of a fit, with the data.
    pub fn picture(&self, args: &super::Args, report: &Report, image: Image) -> Result<Vec<u8>, Failure> {
        const POINTS: usize = 400;
        let weights = report.weights.iter().flat_map(|weights| {
            let name = |k| element_name(&weights.name, weights.shape, k);
            weights.values.iter().enumerate().map(move |(k, &value)| (name(k), value))
        });
        let weights: HashMap<String, f64> = weights.collect();
        let value = |name: &str| {
            let single = report.parameters.iter().find(|estimate| estimate.name == name);
            single.map(|estimate| estimate.value).or_else(|| weights.get(name).copied())
        };
        let experiment = &self.experiments[0];
        if self.experiments.len() > 1 {
            eprint_lines(&format!("note: --plot: the picture is that of experiment {}\n", self.labels[0]));
        }
        let states = self.starts(experiment, &value);
        let (first, last) = (experiment.times[0], experiment.times[experiment.times.len() - 1]);
        let times: Vec<f64> =
            (0..=POINTS).map(|k| first + (last - first) * k as f64 / POINTS as f64).collect();
        let parts = Parts { loaded: &self.system, args };
        let found = parts
            .ode(&states, &times, &self.options, Observed::inputs(experiment, &value))
            .with(|ode| ode.run())
            .map_err(|error| ode::refusal(&self.system, error))?;
        found
            .plot_with(image, &self.points)
            .map_err(|why| Failure::message("plot", format!("--plot: cannot draw: {why}")))
    }

    /// The refusal of a fit that is finite nowhere: where the trajectory ends that the parameters' starts give.
    pub fn refusal(&self, args: &super::Args, error: FitError) -> Failure {
        if matches!(error, FitError::Start { .. })
            && let Some(found) = self.ends(args)
        {
            return found;
        }
        super::refusal(&self.loaded, &self.data, error)
    }

    /// Where and why the first trajectory ends early that the parameters' starts give.
    fn ends(&self, args: &super::Args) -> Option<Failure> {
        let value = |name: &str| self.options.start_of(name);
        for (label, experiment) in self.labels.iter().zip(&self.experiments) {
            let states = self.starts(experiment, &value);
            let parts = Parts { loaded: &self.system, args };
            let found = parts
                .ode(&states, &experiment.times, &self.options, Observed::inputs(experiment, &value))
                .with(|ode| ode.run())
                .ok()?;
            let Some(broken) = found.broken.first() else { continue };
            let of = if label.is_empty() { String::new() } else { format!(" of experiment {label}") };
            let failure =
                ode::stuck(&self.system, &format!("with the parameters' starts, the trajectory{of}"), broken);
            return Some(failure.note(
                "no other start that was tried leads to the last time; --param NAME=START says where a parameter starts",
            ));
        }
        None
    }

    /// Multiple shooting: fits segments of the trajectories with starts of their own, which are tied to where the segments before end more and
    /// more firmly, and begins the fit proper where that leads.
    pub fn shoot(&mut self, args: &super::Args, stop: &Stop) -> Result<(), Failure> {
        /// Standard deviations of the gaps, in units of the states' scatter, and steps of a search.
        const PASSES: [f64; 3] = [0.1, 1e-3, 1e-5];
        const STEPS: usize = 200;
        let Some(count) = args.trajectory.shooting else { return Ok(()) };
        let mut options = self.options.clone();
        options.starts = Some(1);
        options.max_steps = Some(options.steps().min(STEPS));
        let mut segments: Vec<Experiment> = Vec::new();
        let mut scatter_of_gaps: Vec<f64> = Vec::new();
        // Of each observable, where its numbers of the experiment begin.
        let mut from = vec![0; self.names.len()];
        for (label, experiment) in self.labels.iter().zip(&self.experiments) {
            let last = experiment.times.len() - 1;
            let parts = (count as usize).min(last);
            let cut = |part: usize| part * last / parts;
            for part in 0..parts {
                let (first, end) = (cut(part), cut(part + 1));
                let inside =
                    |place: &&usize| (first..end).contains(*place) || part + 1 == parts && **place == end;
                let mut own = experiment.own.clone();
                for state in self.states.iter().filter(|_| part > 0) {
                    let start = self.between(experiment, &from, state, experiment.times[first]);
                    let called = format!("{}@{label}/{part}", state.name);
                    let parameter = Parameter::new(&called).elements(state.shape, start.clone());
                    options.params.push(Said { text: format!("{called}="), value: parameter });
                    own.retain(|own| own.of != state.name);
                    own.push(Own { of: state.name.clone(), value: start, input: Some(called) });
                    for k in 0..state.shape.len() {
                        scatter_of_gaps.push(self.scatter(state, k));
                    }
                }
                let measured = experiment.measured.iter();
                segments.push(Experiment {
                    times: experiment.times[first..=end].to_vec(),
                    own,
                    measured: measured
                        .map(|places| places.iter().filter(inside).map(|place| place - first).collect())
                        .collect(),
                    continues: part > 0,
                });
            }
            for (from, places) in from.iter_mut().zip(&experiment.measured) {
                *from += places.len();
            }
        }
        if scatter_of_gaps.is_empty() {
            return Ok(());
        }
        let program = self.program(args, &segments)?;
        let loaded = Loaded {
            source: self.system.source.clone(),
            dialect: self.system.dialect,
            raised: false,
            program,
            loader: None,
        };
        let mut targets = self.data.targets.clone();
        targets.push((
            Ode::GAPS.to_owned(),
            Series {
                name: Ode::GAPS.to_owned(),
                shape: Shape::Vector(scatter_of_gaps.len() as u32),
                columns: vec![vec![0.0]; scatter_of_gaps.len()],
            },
        ));
        let of_data: Vec<f64> = match &self.data.noise {
            Noise::Sigma(sigma) => {
                let elements = self.data.targets.iter().map(|(_, series)| series.columns.len()).sum();
                vec![sigma[0]; elements]
            }
            Noise::SigmaOfElements(sigmas) => sigmas.iter().map(|sigma| sigma[0]).collect(),
            Noise::FromResiduals | Noise::SigmaOfEach(_) | Noise::Weights(_) => {
                let each = |(_, series): &(String, Series)| {
                    let numbers = series.columns.iter().flatten();
                    vec![0.1 * deviation(numbers); series.columns.len()]
                };
                self.data.targets.iter().flat_map(each).collect()
            }
        };
        for pass in PASSES {
            let gaps = scatter_of_gaps.iter().map(|scatter| scatter * pass);
            let data = Data {
                name: self.data.name.clone(),
                inputs: Vec::new(),
                targets: targets.clone(),
                noise: Noise::SigmaOfElements(of_data.iter().copied().chain(gaps).map(|x| vec![x]).collect()),
                left_aside: Vec::new(),
                keys: None,
                labels: Vec::new(),
                hash: String::new(),
            };
            let report = fit(&loaded, args.shared.tier.into(), &options, &data, stop)?
                .run()
                .map_err(|error| self.refusal(args, error))?;
            options.begin_at(&report, &loaded.names());
            self.options.begin_at(&report, &self.loaded.names());
        }
        let gaps = scatter_of_gaps.len();
        eprint_lines(&format!(
            "note: {}: {} segments with {gaps} gaps led to where the fit begins\n",
            self.system.source.name,
            segments.len()
        ));
        if args.shared.options.starts.is_none() {
            self.options.starts = Some(1);
        }
        Ok(())
    }

    /// Where a state is at a time as far as it was measured, on the line between the measured numbers around it; elsewhere where it starts.
    /// The numbers of the experiment begin at these places of the targets.
    fn between(&self, experiment: &Experiment, from: &[usize], state: &State, t: f64) -> Vec<f64> {
        let own = experiment.own.iter().find(|own| own.of == state.name);
        let mut start = own.map_or(&state.value, |own| &own.value).clone();
        for (k, x) in start.iter_mut().enumerate() {
            let Some(which) = self.observable(state, k) else { continue };
            let places = &experiment.measured[which];
            let numbers = &self.data.targets[which].1.columns[from[which]..][..places.len()];
            let points: Vec<(f64, f64)> = places
                .iter()
                .zip(numbers)
                .map(|(&place, number)| (experiment.times[place], number[0]))
                .collect();
            let ahead = |at: f64| (at - t) * (experiment.times[1] - experiment.times[0]).signum();
            let before = points.iter().rev().find(|point| ahead(point.0) <= 0.0);
            let after = points.iter().find(|point| ahead(point.0) >= 0.0);
            *x = match (before, after) {
                (Some(a), Some(b)) if a.0 != b.0 => a.1 + (b.1 - a.1) * (t - a.0) / (b.0 - a.0),
                (Some(one), _) | (None, Some(one)) => one.1,
                (None, None) => *x,
            };
        }
        start
    }

    /// Which observable an element of a state is.
    fn observable(&self, state: &State, k: usize) -> Option<usize> {
        observable(self.names.iter(), state, k)
    }

    /// How far an element of a state scatters over time, as far as that is known.
    fn scatter(&self, state: &State, k: usize) -> f64 {
        match self.observable(state, k) {
            Some(which) => deviation(self.data.targets[which].1.columns.iter().flatten()),
            None => state.value[k].abs().max(1.0),
        }
    }
}

/// Which of what is observed an element of a state is.
pub fn observable<'a>(
    mut observed: impl Iterator<Item = &'a String>,
    state: &State,
    k: usize,
) -> Option<usize> {
    let name = match state.shape {
        Shape::Scalar => state.name.clone(),
        _ => format!("{}[{k}]", state.name),
    };
    observed.position(|known| known.replace(' ', "") == name)
}

/// The longest of the intervals between times.
fn interval(times: &[f64]) -> f64 {
    times.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max)
}

/// The standard deviation; 1 of numbers that do not differ.
fn deviation<'a>(numbers: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    let n = numbers.clone().count().max(1) as f64;
    let mean = numbers.clone().sum::<f64>() / n;
    let square = numbers.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    if square > 0.0 && square.is_finite() { square.sqrt() } else { 1.0 }
}

/// What the result of a state or an element is called.
fn result_name(state: &str) -> String {
    state.replace('[', ".").replace(']', "")
}

/// What a differential equation is made from.
struct Parts<'a> {
    loaded: &'a Loaded,
    args: &'a super::Args,
}

/// A differential equation with its states, parameters, times and method.
struct Equation<'a> {
    system: System<'a>,
    states: Vec<State>,
    parameters: Vec<State>,
    times: Vec<f64>,
    method: Method,
    tolerances: (f64, f64),
    switching: bool,
}

impl<'a> Parts<'a> {
    /// All other inputs are parameters: with the value that is known, or else their start.
    fn ode(
        &self,
        states: &[State],
        times: &[f64],
        options: &Options,
        known: impl Fn(&str) -> Option<f64>,
    ) -> Equation<'a> {
        let source = &self.loaded.source;
        let dialect = if self.loaded.raised { Dialect::Scheme } else { self.loaded.dialect };
        let mut system = System::new(source.text.clone()).named(source.name.clone()).dialect(dialect);
        if let Some(loader) = &self.loaded.loader {
            let loader: &'a dyn Loader = loader;
            system = system.loader(loader);
        }
        let is_state = |name: &str| states.iter().any(|state| state.name == name);
        let declared = self.loaded.declared();
        let of_network =
            |name: &str| declared.iter().find(|(known, _)| known == name).map(|(_, shape)| *shape);
        let shape = |name: &str| {
            if let Some(shape) = of_network(name) {
                return shape;
            }
            let said = options.params.iter().chain(&options.fixed).find(|said| said.value.name() == name);
            said.map_or(Shape::Scalar, |said| said.value.shape())
        };
        let inputs = self.loaded.program.inputs().filter(|name| *name != "t" && !is_state(name));
        let parameters = inputs
            .chain(self.loaded.program.constants().map(|(name, _)| name))
            .map(|name| {
                let shape = shape(name);
                // A network of zeros adds nothing.
                let unknown = if of_network(name).is_some() { 0.0 } else { 1.0 };
                let element = |k| known(&element_name(name, shape, k)).unwrap_or(unknown);
                State { name: name.to_owned(), shape, value: (0..shape.len()).map(element).collect() }
            })
            .collect();
        let trajectory = &self.args.trajectory;
        let method = match trajectory.integrator {
            Integrator::Dop853 => Method::Dop853,
            Integrator::Tsit5 => Method::Tsit5,
            Integrator::Rodas5p => Method::Rodas5p,
        };
        let tolerances = (trajectory.rtol, trajectory.atol);
        Equation {
            system,
            states: states.to_vec(),
            parameters,
            times: times.to_vec(),
            method,
            tolerances,
            switching: !trajectory.no_switching,
        }
    }
}

impl Equation<'_> {
    fn with<T>(&self, run: impl FnOnce(Ode<'_>) -> Result<T, OdeError>) -> Result<T, OdeError> {
        let mut ode = Ode::new(&self.system)
            .times(self.times.clone())
            .method(self.method)
            .tolerances(self.tolerances.0, self.tolerances.1)
            .switching(self.switching);
        for state in &self.states {
            ode = ode.state(state.clone());
        }
        for parameter in &self.parameters {
            ode = ode.parameter(parameter.clone());
        }
        run(ode)
    }
}
