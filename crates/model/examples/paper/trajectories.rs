//! Experiments 2 and 3: the constants of differential equations from noisy trajectories.

use std::time::Instant;

use nc_model::fit::{Fit, Noise, Parameter, Series};
use nc_model::ode::{Method, Ode, State, System, Trajectories};
use neural_compiler::{Program, Shape};

use super::dynamics::{self, Measured, Model};
use super::learn::network;
use super::random::Random;

/// A system of known structure with its truth.
pub struct Known {
    text: &'static str,
    pub states: [(&'static str, f64); 2],
    pub constants: &'static [(&'static str, f64)],
    /// Where the search starts.
    pub start: &'static [f64],
    pub end: f64,
    pub step: f64,
}

const LOTKA_VOLTERRA: Known = Known {
    text: "(values (x (- (* alpha x) (* beta x y))) (y (- (* delta x y) (* gamma y))))",
    states: [("x", 4.0), ("y", 1.0)],
    constants: &[("alpha", 1.0), ("beta", 0.5), ("delta", 0.25), ("gamma", 0.5)],
    start: &[0.5, 0.5, 0.5, 0.5],
    end: 12.0,
    step: 0.1,
};

const PENDULUM: Known = Known {
    text: "(values (theta omega) (omega (- 0 (* k (sin theta)) (* b omega))))",
    states: [("theta", 1.0), ("omega", 0.0)],
    constants: &[("k", 9.81), ("b", 0.3)],
    start: &[5.0, 0.5],
    end: 10.0,
    step: 0.05,
};

impl Known {
    /// Equal times up to so many times the end of what is measured.
    pub fn times(&self, horizon: f64) -> Vec<f64> {
        let count = (horizon * self.end / self.step).round() as usize;
        (0..=count).map(|k| k as f64 * self.step).collect()
    }

    fn ode<'a>(
        &self,
        system: &'a System<'a>,
        start: [f64; 2],
        constants: &[f64],
        times: Vec<f64>,
    ) -> Ode<'a> {
        let mut ode = Ode::new(system).times(times).method(Method::Dop853).tolerances(1e-12, 1e-12);
        for ((name, _), value) in self.states.iter().zip(start) {
            ode = ode.state(State::new(*name, value));
        }
        for ((name, _), &value) in self.constants.iter().zip(constants) {
            ode = ode.parameter(State::new(*name, value));
        }
        ode
    }

    /// Both states at all times.
    fn solution(&self, start: [f64; 2], constants: &[f64], horizon: f64) -> [Vec<f64>; 2] {
        let system = System::new(self.text);
        let found: Trajectories =
            self.ode(&system, start, constants, self.times(horizon)).run().expect("a trajectory");
        self.states.map(|(name, _)| found.state(name, 0))
    }

    /// Both states without noise.
    pub fn truth(&self, horizon: f64) -> [Vec<f64>; 2] {
        let constants: Vec<f64> = self.constants.iter().map(|(_, value)| *value).collect();
        self.solution(self.states.map(|(_, value)| value), &constants, horizon)
    }

    fn fit<'a>(&self, program: &'a Program, data: &[Vec<f64>; 2], sigma: f64) -> Fit<'a> {
        let mut fit = Fit::new(program).starts(1).noise(Noise::Sigma(vec![sigma]));
        for ((name, _), column) in self.states.iter().zip(data) {
            let columns: Vec<Vec<f64>> = column.iter().map(|&x| vec![x]).collect();
            let series = Series { name: (*name).into(), shape: Shape::Vector(columns.len() as u32), columns };
            fit = fit.target(*name, series);
        }
        fit
    }
}

/// The mean of squared differences of both states.
pub fn mean_square(a: &[Vec<f64>; 2], b: &[Vec<f64>; 2]) -> f64 {
    let squares = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>() / (2 * a[0].len()) as f64
}

/// Fits the constants and the start of a system from trajectories with noise, over many seeds, beside Cramér and Rao's bound.
fn recover(of: &Known, noise: f64, seeds: usize) {
    let truth: Vec<f64> = of.constants.iter().map(|(_, value)| *value).collect();
    let start = of.states.map(|(_, value)| value);
    let exact = of.solution(start, &truth, 1.0);
    let size = exact.iter().flatten().map(|y| y.abs()).sum::<f64>() / (2 * exact[0].len()) as f64;
    let sigma = noise * size;
    let system = System::new(of.text);
    let names: Vec<String> = of.states.iter().map(|(name, _)| (*name).to_owned()).collect();
    let begin = Instant::now();
    let program = of.ode(&system, start, &truth, of.times(1.0)).observations(&names).expect("a program");
    // From the truth without noise, standard errors are the bound.
    let mut at_truth = of.fit(&program, &exact, sigma);
    for (name, value) in of.constants.iter().chain(&of.states) {
        at_truth = at_truth.parameter(Parameter::new(*name).start(*value));
    }
    let bound = at_truth.run().expect("a fit");
    let bound: Vec<f64> = of
        .constants
        .iter()
        .map(|(name, value)| bound.parameter(name).and_then(|found| found.stderr).unwrap_or(f64::NAN) / value)
        .collect();
    let (mut squares, mut first) = (vec![0.0; truth.len()], Vec::new());
    let mut converged = 0;
    let mut spread = Vec::new();
    for seed in 0..seeds {
        let mut random = Random::new(42 + seed as u64 + 1_000_000 * (1000.0 * noise) as u64);
        let noisy = exact.clone().map(|column| column.iter().map(|y| y + sigma * random.normal()).collect());
        let mut fit = of.fit(&program, &noisy, sigma);
        for ((name, _), &value) in of.constants.iter().zip(of.start) {
            fit = fit.parameter(Parameter::new(*name).start(value));
        }
        for ((name, _), column) in of.states.iter().zip(&noisy) {
            fit = fit.parameter(Parameter::new(*name).start(column[0]));
        }
        let report = fit.run().expect("a fit");
        converged += usize::from(report.converged);
        let value = |name: &str| report.parameter(name).expect("a constant").value;
        let found: Vec<f64> = of.constants.iter().map(|(name, _)| value(name)).collect();
        let errors: Vec<f64> = found.iter().zip(&truth).map(|(found, truth)| found / truth - 1.0).collect();
        for (square, error) in squares.iter_mut().zip(&errors) {
            *square += error * error;
        }
        if seed == 0 {
            first = errors;
            let start = of.states.map(|(name, _)| value(name));
            for horizon in [1.0, 2.0, 5.0] {
                let exact = of.solution(of.states.map(|(_, value)| value), &truth, horizon);
                spread.push(mean_square(&of.solution(start, &found, horizon), &exact));
            }
        }
    }
    let seconds = begin.elapsed().as_secs_f64() / (seeds + 1) as f64;
    for (k, (name, _)) in of.constants.iter().enumerate() {
        let rms = (squares[k] / seeds as f64).sqrt();
        println!(
            "{:5.1} %  {name:6} {:9.4} {:9.4} {:6.2} {:11.4}",
            100.0 * noise,
            100.0 * rms,
            100.0 * bound[k],
            rms / bound[k],
            100.0 * first[k].abs()
        );
    }
    println!(
        "         {converged} of {seeds} converged; mean squared error of the first seed's trajectory {:.2e}, over twice and five \
         times the time {:.2e}, {:.2e}; {:.0} ms a fit\n",
        spread[0],
        spread[1],
        spread[2],
        1e3 * seconds
    );
}

/// Lotka and Volterra's equations with 2 % noise (the paper's Table 2), and with other noise (its Table 8).
pub fn lotka_volterra(quick: bool) {
    println!(
        "Lotka–Volterra: 121 times of two states, constants started at 0.5, the start at the first noisy state."
    );
    println!(
        "Root mean square error and Cramér and Rao's bound in percent, their ratio, the first seed's error."
    );
    println!("The paper at 2 %: .67 .59 1.08 .23; trajectory 2.4e-3, 4.9e-3, 2.2e-2.\n");
    for noise in [0.01, 0.02, 0.05, 0.1] {
        recover(&LOTKA_VOLTERRA, noise, if quick { 20 } else { 200 });
    }
    let measured = Measured::draw(&LOTKA_VOLTERRA, 0.02, 42);
    dynamics::head();
    let mut learnt = Vec::new();
    let rk4 = Method::Rk4(LOTKA_VOLTERRA.step);
    let model = Model {
        name: "known, the same windows",
        text: LOTKA_VOLTERRA.text.into(),
        constants: &[("alpha", 0.5, 1.0), ("beta", 0.5, 0.5), ("delta", 0.5, 0.25), ("gamma", 0.5, 0.5)],
        method: rk4,
        rate: 1e-2,
        windows: 8,
        orthogonal: false,
        paper: ".67 .59 1.08 .23, 2.4e-3 4.9e-3 2.2e-2",
    };
    learnt.push(dynamics::learn(&LOTKA_VOLTERRA, &model, &measured, quick));
    let net = network("net", "x y", "64 64 64", "tanh", 2);
    let field = |text: String| text + "(define f (net x y))\n(values (x (ref f 0)) (y (ref f 1)))";
    for (name, method, rate, paper) in [
        ("MLP, RK4", rk4, 1e-2, "4.9e-3 9.4e-3 4.2e-2"),
        ("neural ODE, Tsit5", Method::Tsit5, 3e-3, "4.9e-3 9.5e-3 4.3e-2"),
    ] {
        let text = field(net.clone());
        let model = Model { name, text, constants: &[], method, rate, windows: 8, orthogonal: false, paper };
        learnt.push(dynamics::learn(&LOTKA_VOLTERRA, &model, &measured, quick));
    }
    let text = network("growth", "x y", "32", "tanh", 1)
        + &network("death", "x y", "32", "tanh", 1)
        + "(define eaten (* beta x y))
(values (x (- (* (+ 1 (growth x y)) x) eaten)) (y (- (* 1/2 eaten) (* (+ 1/2 (death x y)) y))))";
    let constants = &[("beta", 0.5, 0.5)];
    let (name, paper) = ("hybrid: predation known", "259 numbers, a figure only");
    let model =
        Model { name, text, constants, method: rk4, rate: 3e-3, windows: 8, orthogonal: false, paper };
    learnt.push(dynamics::learn(&LOTKA_VOLTERRA, &model, &measured, quick));
    let equations = "(define (residual0 t) (- ((D x) t) (- (* alpha (x t)) (* beta (x t) (y t)))))
(define (residual1 t) (- ((D y) t) (- (* delta (x t) (y t)) (* gamma (y t)))))";
    let paper = "7.79 7.21 2.22 1.48, 7.8e-4 2.6e+0 4.9e+0";
    learnt.push(dynamics::informed(&LOTKA_VOLTERRA, equations, &measured, quick, paper));
    dynamics::figure("lotka-volterra", &LOTKA_VOLTERRA, &measured, &learnt);
}

/// The damped pendulum without a driving force, 2 % noise (the paper's Table 3, known structure).
pub fn pendulum(quick: bool) {
    println!(
        "Damped pendulum: 201 times of two states, started at k = g/L = 5 and b = 0.5. The paper: see its Table 3.\n"
    );
    recover(&PENDULUM, 0.02, if quick { 20 } else { 200 });
    let measured = Measured::draw(&PENDULUM, 0.02, 42);
    dynamics::head();
    let mut learnt = Vec::new();
    let rk4 = Method::Rk4(PENDULUM.step);
    let model = Model {
        name: "known, the same windows",
        text: PENDULUM.text.into(),
        constants: &[("k", 5.0, 9.81), ("b", 0.5, 0.3)],
        method: rk4,
        rate: 1e-2,
        windows: 6,
        orthogonal: false,
        paper: ".08 .17, 1.5e-5 4.0e-6 5.0e-6",
    };
    learnt.push(dynamics::learn(&PENDULUM, &model, &measured, quick));
    let net = network("net", "theta omega t", "64 64 64", "tanh", 2);
    let field =
        |text: String| text + "(define f (net theta omega t))\n(values (theta (ref f 0)) (omega (ref f 1)))";
    for (name, method, rate, paper) in [
        ("MLP, RK4", rk4, 1e-2, "2.2e-2 2.1e-2 1.5e-2"),
        ("neural ODE, Tsit5", Method::Tsit5, 3e-3, "2.2e-2 2.1e-2 1.5e-2"),
    ] {
        let text = field(net.clone());
        let model = Model { name, text, constants: &[], method, rate, windows: 6, orthogonal: false, paper };
        learnt.push(dynamics::learn(&PENDULUM, &model, &measured, quick));
    }
    let text = network("rest", "theta omega t", "32 32", "tanh", 1)
        + "(values (theta omega) (omega (- (rest theta omega t) (* k (sin theta)))))";
    let constants = &[("k", 5.0, 9.81)];
    let (name, paper) = ("hybrid: gravity known", "47.4, 1.2e-3 7.7e-3 5.0e-3");
    let model = Model { name, text, constants, method: rk4, rate: 3e-3, windows: 6, orthogonal: true, paper };
    learnt.push(dynamics::learn(&PENDULUM, &model, &measured, quick));
    let equations = "(define (residual0 t) (- ((D theta) t) (omega t)))
(define (residual1 t) (+ ((D omega) t) (* k (sin (theta t))) (* b (omega t))))";
    let paper = "41.1 16.1, 1.9e-1 1.2e-1 5.3e-2";
    learnt.push(dynamics::informed(&PENDULUM, equations, &measured, quick, paper));
    dynamics::figure("pendulum", &PENDULUM, &measured, &learnt);
    println!();
}
