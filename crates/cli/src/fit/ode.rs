//! `nc fit --ode`: a right-hand side whose trajectory is compared with what was measured.

use std::collections::HashMap;

use nc_arrays::{Dataset, ReadOptions};
use nc_model::Image;
use nc_model::fit::{Noise, Parameter, Report, Series};
use nc_model::ode::{Method, Ode, OdeError, State, System};
use neural_compiler::{Dialect, Loader, Shape};

use super::data::{Data, columns};
use super::{Options, Said};
use crate::report::Failure;
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
    /// The states and where they start
    #[arg(long = "state", value_name = "NAME=VALUE,…", requires = "ode", value_parser = text::parse_settings)]
    states: Vec<Settings>,
    /// Fit where the states start, too
    #[arg(long, requires = "ode")]
    fit_start: bool,
    /// How it is integrated: dop853, tsit5, or rodas5p for stiff equations
    #[arg(long, value_enum, default_value_t, requires = "ode")]
    integrator: Integrator,
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
    times: Vec<f64>,
    /// The right-hand side.
    system: Loaded,
}

impl Observed {
    /// Reads the data, and writes the program that is compared with them.
    pub fn read(system: Loaded, args: &super::Args) -> Result<Observed, Failure> {
        let OdeArgs { time, observe, states, fit_start, .. } = &args.trajectory;
        let name = args.shared.data.display().to_string();
        let observed: Vec<(String, String)> = observe
            .iter()
            .map(|text| match text.split_once('=') {
                Some((state, column)) => (state.trim().to_owned(), column.trim().to_owned()),
                None => (text.trim().to_owned(), text.trim().to_owned()),
            })
            .collect();
        let wanted: Vec<&str> =
            observed.iter().map(|(_, column)| column.as_str()).chain([time.as_str()]).collect();
        let take = |column: &str| wanted.contains(&column).then(|| column.to_owned());
        let dataset: Dataset<f64> =
            Dataset::open_with(&args.shared.data, &ReadOptions::default().take(&take))?;
        let forms = forms_in_file(&dataset);
        let column = |option: &str, column: &str| -> Result<Vec<f64>, Failure> {
            let missing = || {
                let others: Vec<&str> = dataset.fields().iter().filter_map(|field| field.name()).collect();
                let all: Vec<&str> =
                    others.into_iter().chain(dataset.left_aside().iter().map(String::as_str)).collect();
                Failure::message("columns", format!("{name}: {option}: there is no column {column:?}"))
                    .note(format!("there is: {}", all.join(", ")))
            };
            let form = forms.get(column).ok_or_else(missing)?;
            let wrong = |why: &str| Failure::message("shape", format!("{name}, column {column:?}: {why}"));
            let found = columns(&dataset, column, form).map_err(|why| wrong(&why))?;
            let [numbers] = found.as_slice() else {
                return Err(wrong("it has to be one number in each row"));
            };
            match numbers.iter().position(|x| !x.is_finite()) {
                Some(row) => {
                    let message =
                        format!("{name}: {column:?} is no finite number in row {row}, counted from 0");
                    Err(Failure::message("nan", message))
                }
                None => Ok(numbers.clone()),
            }
        };
        let times = column("--time", time)?;
        let mut options = args.shared.options.clone();
        options.starts = options.starts.or(Some(STARTS));
        let mut ode_states = Vec::new();
        for setting in states.iter().flat_map(|settings| &settings.0) {
            let state = ode::state(setting)?;
            let parameter = Parameter::new(&state.name).elements(state.shape, state.value.clone());
            let named = options.parameters().any(|name| name == state.name);
            let said = |value: Parameter| Said { text: format!("{}=", state.name), value };
            match (named, fit_start) {
                // --param and --fix say more.
                (true, _) => {}
                (false, true) => options.params.push(said(parameter)),
                (false, false) => options.fixed.push(said(parameter.fix())),
            }
            ode_states.push(state);
        }
        let parts = Parts { loaded: &system, args };
        let program = parts.ode(&ode_states, &times, &options, |_| None).with(|ode| {
            let names: Vec<String> = observed.iter().map(|(state, _)| state.clone()).collect();
            ode.observations(&names)
        });
        let program = program.map_err(|error| ode::refusal(&system, error))?;
        let mut targets = Vec::new();
        for (state, of) in &observed {
            let numbers = column("--observe", of)?;
            let series = Series {
                name: of.clone(),
                shape: Shape::Vector(numbers.len() as u32),
                columns: numbers.into_iter().map(|x| vec![x]).collect(),
            };
            targets.push((state.replace('[', ".").replace(']', ""), series));
        }
        let noise = match args.shared.options.sigma.as_slice() {
            [] => Noise::FromResiduals,
            [sigma] if sigma.trim().parse().is_ok_and(|sigma: f64| sigma > 0.0 && sigma.is_finite()) => {
                Noise::Sigma(sigma.trim().parse().into_iter().collect())
            }
            sigmas => {
                return Err(Failure::usage(format!(
                    "--sigma: of a trajectory it is one number above 0 for all that is measured, and is {:?}",
                    sigmas.join(", ")
                )));
            }
        };
        let all = targets.iter().flat_map(|(_, series): &(String, Series)| series.columns.iter().flatten());
        let hash = nc_model::fit::hash(times.iter().chain(all).flat_map(|x| x.to_bits().to_le_bytes()));
        let data = Data {
            name,
            inputs: Vec::new(),
            targets,
            noise,
            left_aside: Vec::new(),
            keys: None,
            labels: Vec::new(),
            hash,
        };
        let loaded = Loaded {
            source: system.source.clone(),
            dialect: system.dialect,
            raised: false,
            program,
            loader: None,
        };
        Ok(Observed { loaded, data, options, times, system })
    }

    /// What a report of one row says of a trajectory: rows are times, and no digit holds that integration does not give.
    pub fn correct(&self, args: &super::Args, report: &mut Report) {
        report.rows = self.times.len();
        let exact = (-args.trajectory.rtol.log10() - 1.0).max(0.0) as u32;
        for estimate in &mut report.parameters {
            estimate.digits = estimate.digits.map(|digits| digits.min(exact));
        }
    }

    /// The trajectory of a fit, with the data.
    pub fn picture(&self, args: &super::Args, report: &Report, image: Image) -> Result<Vec<u8>, Failure> {
        const POINTS: usize = 400;
        let weights = report.weights.iter().flat_map(|weights| {
            let name = |k| nc_model::fit::element_name(&weights.name, weights.shape, k);
            weights.values.iter().enumerate().map(move |(k, &value)| (name(k), value))
        });
        let weights: HashMap<String, f64> = weights.collect();
        let value = |name: &str| {
            let single = report.parameters.iter().find(|estimate| estimate.name == name);
            single.map(|estimate| estimate.value).or_else(|| weights.get(name).copied())
        };
        let mut states = Vec::new();
        for setting in args.trajectory.states.iter().flat_map(|settings| &settings.0) {
            let mut state = ode::state(setting)?;
            let (name, shape) = (state.name.clone(), state.shape);
            for (k, x) in state.value.iter_mut().enumerate() {
                *x = value(&nc_model::fit::element_name(&name, shape, k)).unwrap_or(*x);
            }
            states.push(state);
        }
        let (first, last) = (self.times[0], self.times[self.times.len() - 1]);
        let times: Vec<f64> =
            (0..=POINTS).map(|k| first + (last - first) * k as f64 / POINTS as f64).collect();
        let parts = Parts { loaded: &self.system, args };
        let found = parts
            .ode(&states, &times, &self.options, |name| value(name))
            .with(|ode| ode.run())
            .map_err(|error| ode::refusal(&self.system, error))?;
        let data: Vec<(f64, f64)> = self
            .data
            .targets
            .iter()
            .flat_map(|(_, series)| self.times.iter().copied().zip(series.columns.iter().map(|one| one[0])))
            .collect();
        found
            .plot_with(image, &data)
            .map_err(|why| Failure::message("plot", format!("--plot: cannot draw: {why}")))
    }
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
                let element = |k| known(&nc_model::fit::element_name(name, shape, k)).unwrap_or(unknown);
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
        Equation { system, states: states.to_vec(), parameters, times: times.to_vec(), method, tolerances }
    }
}

impl Equation<'_> {
    fn with<T>(&self, run: impl FnOnce(Ode<'_>) -> Result<T, OdeError>) -> Result<T, OdeError> {
        let mut ode = Ode::new(&self.system)
            .times(self.times.clone())
            .method(self.method)
            .tolerances(self.tolerances.0, self.tolerances.1);
        for state in &self.states {
            ode = ode.state(state.clone());
        }
        for parameter in &self.parameters {
            ode = ode.parameter(parameter.clone());
        }
        run(ode)
    }
}
