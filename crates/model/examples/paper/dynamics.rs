//! Experiments 2 and 3, what is learnt: right-hand sides by networks, hybrids of a law and networks, and networks of the time alone with the
//! equation as a second target.

use std::fmt::Write as _;

use nc_model::fit::{Adam, Fit, Noise, Orthogonal, Parameter, Reason, Report, Series};
use nc_model::ode::{Method, Ode, State, System};
use neural_compiler::{Program, Shape};

use super::figures::{self, Panel};
use super::learn::{self, Trained, Values, network};
use super::random::Random;
use super::trajectories::{Known, mean_square};

/// Steps of a window, whose start is what was measured.
const WINDOW: usize = 25;

/// Steps of an optimiser, each of which the paper calls an epoch.
const STEPS: usize = 3000;

/// Points of time at which a network of the time alone is held to the equation.
const COLLOCATION: usize = 200;

/// How far the trajectories are compared, in times of what was measured.
const HORIZONS: [f64; 3] = [1.0, 2.0, 5.0];

/// A right-hand side that is learnt from windows of a trajectory.
pub struct Model {
    pub name: &'static str,
    pub text: String,
    /// Constants with their starts and true values.
    pub constants: &'static [(&'static str, f64, f64)],
    pub method: Method,
    pub rate: f64,
    /// Windows of a step.
    pub windows: usize,
    pub orthogonal: bool,
    pub paper: &'static str,
}

/// What was measured: two states at equal times.
pub struct Measured {
    pub noisy: [Vec<f64>; 2],
}

impl Measured {
    pub fn draw(of: &Known, noise: f64, seed: u64) -> Measured {
        let exact = of.truth(1.0);
        let size = exact.iter().flatten().map(|y| y.abs()).sum::<f64>() / (2 * exact[0].len()) as f64;
        let (sigma, mut random) = (noise * size, Random::new(seed));
        let noisy = exact.map(|column| column.iter().map(|y| y + sigma * random.normal()).collect());
        Measured { noisy }
    }
}

/// An integration of a right-hand side from a start, with these values of its parameters.
fn integration<'a>(
    of: &Known,
    system: &'a System<'a>,
    start: [f64; 2],
    values: &[(String, Shape, Vec<f64>)],
    times: Vec<f64>,
    method: Method,
) -> Ode<'a> {
    let mut ode = Ode::new(system).times(times).method(method).tolerances(1e-6, 1e-8);
    for ((name, _), value) in of.states.iter().zip(start) {
        ode = ode.state(State::new(*name, value));
    }
    for (name, shape, value) in values {
        ode = ode.parameter(State { name: name.clone(), shape: *shape, value: value.clone() });
    }
    ode
}

/// Parameters of a program's networks, all 0, with its constants at their starts.
fn starts(text: &str, constants: &[(&str, f64, f64)]) -> Values {
    let program = Program::parse(text).expect("a right-hand side");
    let weights = program
        .parameters()
        .iter()
        .map(|declared| (declared.name.clone(), declared.shape, vec![0.0; declared.shape.len()]));
    let constants =
        constants.iter().map(|(name, start, _)| ((*name).to_owned(), Shape::Scalar, vec![*start]));
    weights.chain(constants).collect()
}

/// The whole windows of what was measured, one a row: their starts, and what is to come.
fn windows<'a>(of: &Known, program: &'a Program, measured: &Measured) -> Fit<'a> {
    let count = measured.noisy[0].len() - WINDOW;
    let mut fit = Fit::new(program).seed(42);
    for ((name, _), column) in of.states.iter().zip(&measured.noisy) {
        fit = fit.data(Series::scalar(*name, column[..count].to_vec()));
    }
    for ((name, _), column) in of.states.iter().zip(&measured.noisy) {
        let columns = (1..=WINDOW).map(|k| column[k..k + count].to_vec()).collect();
        let shape = Shape::Vector(WINDOW as u32);
        fit = fit.target(*name, Series { name: (*name).into(), shape, columns });
    }
    let times = of.times(1.0);
    let columns = (0..=WINDOW).map(|k| times[k..k + count].to_vec()).collect();
    fit.data(Series { name: Ode::TIMES.into(), shape: Shape::Vector(WINDOW as u32 + 1), columns })
}

/// A learnt trajectory over the longest horizon, under the name of its model.
pub type Learnt = (String, [Vec<f64>; 2]);

/// Mean squares of a trajectory from the true start, over each horizon; infinite where it breaks off.
fn judge(of: &Known, text: &str, values: &Values) -> ([f64; 3], [Vec<f64>; 2]) {
    let system = System::new(text);
    let start = of.states.map(|(_, value)| value);
    let times = of.times(HORIZONS[2]);
    let found = integration(of, &system, start, values, times, Method::Rk4(of.step)).run();
    let found = found.expect("a trajectory");
    let found = of.states.map(|(name, _)| found.state(name, 0));
    (errors(of, &found), found)
}

/// Mean squares of the beginning of a trajectory over each horizon.
fn errors(of: &Known, found: &[Vec<f64>; 2]) -> [f64; 3] {
    HORIZONS.map(|horizon| {
        let count = of.times(horizon).len();
        let error = mean_square(&found.each_ref().map(|state| state[..count].to_vec()), &of.truth(horizon));
        if error.is_finite() { error } else { f64::INFINITY }
    })
}

/// Draws the truth with the learnt trajectories: each state over time, as long as was measured and five times as long.
pub fn figure(name: &str, of: &Known, measured: &Measured, learnt: &[Learnt]) {
    let times = of.times(HORIZONS[2]);
    let truth = ("truth".to_owned(), of.truth(HORIZONS[2]));
    let panel = |horizon: f64, state: usize| {
        let count = of.times(horizon).len();
        let curve = |(name, states): &Learnt| {
            (name.clone(), times.iter().copied().zip(states[state].iter().copied()).take(count).collect())
        };
        let points = times.iter().copied().zip(measured.noisy[state].iter().copied());
        Panel {
            title: format!("{}, {horizon} times what was measured", of.states[state].0),
            x: "t",
            y: of.states[state].0,
            log: [false, false],
            curves: std::iter::once(&truth).chain(learnt).map(curve).collect(),
            points: points.collect(),
        }
    };
    figures::draw(name, &[panel(1.0, 0), panel(1.0, 1), panel(HORIZONS[2], 0)]);
}

/// Trains a model on windows and prints its line.
pub fn learn(of: &Known, model: &Model, measured: &Measured, quick: bool) -> Learnt {
    let system = System::new(model.text.clone());
    let values = starts(&model.text, model.constants);
    let start = of.states.map(|(_, value)| value);
    let names: Vec<String> = of.states.iter().map(|(name, _)| (*name).to_owned()).collect();
    let ode = integration(of, &system, start, &values, of.times(1.0), model.method);
    let program = ode.windows(&names, WINDOW).unwrap_or_else(|error| panic!("{}: {error}", model.name));
    let mut fit = windows(of, &program, measured).overlaps(model.orthogonal);
    for (name, start, _) in model.constants {
        fit = fit.parameter(Parameter::new(*name).start(*start));
    }
    let plain = fit.clone().overlaps(false);
    if model.orthogonal {
        fit = fit.orthogonal(Orthogonal::All).starts(1);
    }
    let rows = measured.noisy[0].len() - WINDOW;
    let steps = if quick { STEPS / 10 } else { STEPS };
    let epochs = steps.div_ceil(rows.div_ceil(model.windows));
    let plan =
        Adam { epochs, batch_rows: model.windows, rate: model.rate, clip: Some(5.0), ..Adam::default() };
    let trained = learn::train(&fit, plan);
    let (errors, found) = judge(of, &model.text, &trained.values);
    // What a step takes, without compiling and without the law's own fit: the rest of a training of one epoch.
    let many: usize = if model.text.contains("(network ") { 200 } else { 20_000 };
    let [short, long] = [1, 1 + many.div_ceil(rows.div_ceil(model.windows))]
        .map(|epochs| learn::train(&plain, Adam { epochs, ..plan }));
    let steps = (long.report.evaluations - short.report.evaluations) as f64;
    print(model, &trained, errors, 1e3 * (long.seconds - short.seconds) / steps);
    (model.name.to_owned(), found)
}

fn print(model: &Model, trained: &Trained, errors: [f64; 3], step: f64) {
    let constants = model.constants.iter().map(|(name, _, truth)| {
        let found = trained.number(name);
        format!("{name} {:.2}", 100.0 * (found / truth - 1.0).abs())
    });
    let mut constants = constants.collect::<Vec<_>>().join(" ");
    if trained.report.reason != Reason::Epochs {
        let _ = write!(constants, " ({})", trained.report.reason);
    }
    credit(&mut constants, model, &trained.report);
    println!(
        "{:24} {:7} {:9.1e} {:9.1e} {:9.1e} {step:9.3} {:7.1}  {:40} paper: {}",
        model.name,
        trained.count(),
        errors[0],
        errors[1],
        errors[2],
        trained.seconds,
        constants,
        model.paper
    );
}

/// What a training without orthogonality gave, and what the networks can imitate.
fn credit(text: &mut String, model: &Model, report: &Report) {
    for (name, value) in report.orthogonal.iter().flat_map(|orthogonal| &orthogonal.free) {
        if let Some((_, _, truth)) = model.constants.iter().find(|(constant, ..)| constant == name) {
            let _ = write!(text, ", freely {:.1}", 100.0 * (value / truth - 1.0).abs());
        }
    }
    for overlap in &report.overlaps {
        if let Some(share) = overlap.share {
            let _ = write!(text, ", overlap {share:.4}");
        }
    }
}

/// A network of the time alone, held to the data at their times and to the equation at others, with a tenth of the weight.
pub fn informed(of: &Known, equations: &str, measured: &Measured, quick: bool, paper: &str) -> Learnt {
    let [(first, _), (second, _)] = of.states;
    let text = network("net", "t", "64 64 64", "tanh", 2)
        + &format!(
            "(define ({first} t) (ref (net t) 0))
(define ({second} t) (ref (net t) 1))
{equations}
(values (data (net t)) (residual (vec (residual0 t) (residual1 t))))"
        );
    let program = Program::parse(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let times = of.times(1.0);
    let (count, mut random) = (times.len(), Random::new(7));
    let end = of.end;
    let mut ts = times;
    ts.extend((0..COLLOCATION).map(|_| end * random.uniform()));
    let rows = ts.len();
    let columns = measured.noisy.iter().map(|column| {
        let mut column = column.clone();
        column.resize(rows, 0.0);
        column
    });
    let shape = Shape::Vector(2);
    let data = Series { name: "data".into(), shape, columns: columns.collect() };
    let residual = Series { name: "residual".into(), shape, columns: vec![vec![0.0; rows]; 2] };
    // Means over the data, and over the points of the residual. 10⁹: no measurement.
    let of_data = (0..rows).map(|row| if row < count { 1.0 } else { 1e9 }).collect();
    let part = (COLLOCATION as f64 / count as f64 / 0.1).sqrt();
    let of_residual = (0..rows).map(|row| if row < count { 1e9 } else { part }).collect();
    let mut fit = Fit::new(&program)
        .data(Series::scalar("t", ts))
        .target("data", data)
        .target("residual", residual)
        .noise(Noise::SigmaOfEach(vec![of_data, of_residual]))
        .overlaps(false)
        .seed(42);
    for ((name, _), &start) in of.constants.iter().zip(of.start) {
        fit = fit.parameter(Parameter::new(*name).start(start));
    }
    let epochs = if quick { STEPS / 10 } else { STEPS };
    let trained = learn::train(&fit, Adam { epochs, batch_rows: rows, rate: 1e-2, ..Adam::default() });
    let known = learn::Known::new(&program, &[], &trained.values);
    let found = known.rows(&[("t", &of.times(HORIZONS[2]))], "data");
    let found = [0, 1].map(|k| found.iter().skip(k).step_by(2).copied().collect());
    let errors = errors(of, &found);
    let constants: Vec<(&str, f64, f64)> =
        of.constants.iter().map(|(name, truth)| (*name, 0.0, *truth)).collect();
    let constants = constants
        .iter()
        .map(|(name, _, truth)| format!("{name} {:.2}", 100.0 * (trained.number(name) / truth - 1.0).abs()));
    println!(
        "{:24} {:7} {:9.1e} {:9.1e} {:9.1e} {:>9} {:7.1}  {:40} paper: {paper}",
        "PINN",
        trained.count(),
        errors[0],
        errors[1],
        errors[2],
        "–",
        trained.seconds,
        constants.collect::<Vec<_>>().join(" "),
    );
    ("PINN".to_owned(), found)
}

pub fn head() {
    println!(
        "{:24} {:>7} {:>9} {:>9} {:>9} {:>9} {:>7}  errors of constants, %",
        "learnt", "numbers", "mse", "2×", "5×", "ms a step", "s"
    );
}
