//! Experiment 4: the heat equation on ten points, by its law, by networks, and with a source that is not known.

use std::fmt::Write as _;
use std::time::Instant;

use nc_model::fit::{Adam, Fit, Noise, Parameter, Report, Series};
use neural_compiler::{Program, Shape};

use super::learn::{Known, Trained, Values, mean_square, network, train};
use super::random::Random;

const POINTS: usize = 10;
const DT: f64 = 0.1;
const ALPHA: f64 = 0.01;
const VECTOR: Shape = Shape::Vector(POINTS as u32);

/// Steps of a rollout that is trained on, and of one that is judged.
const STEPS: usize = 5;
const LONG: usize = 20;

/// The places of the points.
fn x(k: usize) -> f64 {
    k as f64 / (POINTS - 1) as f64
}

/// `(define L …)`: second differences inside, nothing at the ends.
fn laplacian() -> String {
    let row = |i: usize| {
        let element = |j: usize| match (i, j.abs_diff(i)) {
            (0, _) | (9, _) => "0",
            (_, 0) => "-162",
            (_, 1) => "81",
            _ => "0",
        };
        format!("[{}]", (0..POINTS).map(element).collect::<Vec<_>>().join(" "))
    };
    format!("(define L [{}])\n", (0..POINTS).map(row).collect::<Vec<_>>().join("\n  "))
}

/// A program whose results are the states after each of so many steps.
fn rollout(definitions: &str, step: &str, steps: usize) -> Program {
    let mut text = format!("{definitions}(define (next v) {step})\n(let* (");
    for k in 1..=steps {
        let before = if k == 1 { "u".to_owned() } else { format!("u{}", k - 1) };
        let _ = write!(text, "(u{k} (next {before}))");
    }
    text += ")\n  (values";
    for k in 1..=steps {
        let _ = write!(text, " (u{k} u{k})");
    }
    text += "))";
    Program::parse(&text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Initial states of up to three modes, and their steps by the law: each state row after row.
struct Data {
    start: Vec<f64>,
    states: Vec<Vec<f64>>,
    rows: usize,
}

impl Data {
    /// `modes` of numbers up to `largest`; with a source or without one.
    fn draw(rows: usize, steps: usize, modes: u64, largest: u64, source: f64, random: &mut Random) -> Data {
        let mut start = Vec::new();
        for _ in 0..rows {
            let mut u = [0.0; POINTS];
            for _ in 0..=(random.uniform() * modes as f64) as u64 {
                let amplitude = 0.5 + 1.5 * random.uniform();
                let k = 1 + (random.uniform() * largest as f64) as u64;
                for (place, u) in u.iter_mut().enumerate() {
                    *u += amplitude * (k as f64 * std::f64::consts::PI * x(place)).sin();
                }
            }
            start.extend(u);
        }
        let mut states = vec![];
        let mut now = start.clone();
        for _ in 0..steps {
            let next = now.chunks_exact(POINTS).flat_map(|u| {
                (0..POINTS).map(|k| {
                    let second = if k == 0 || k == POINTS - 1 {
                        0.0
                    } else {
                        81.0 * u[k - 1] - 162.0 * u[k] + 81.0 * u[k + 1]
                    };
                    let heating = source * (2.0 * std::f64::consts::PI * x(k)).sin();
                    u[k] + DT * (ALPHA * second + heating)
                })
            });
            now = next.collect();
            states.push(now.clone());
        }
        Data { start, states, rows }
    }

    fn fit<'a>(&self, program: &'a Program) -> Fit<'a> {
        let series = |name: &str, rows: &[f64]| Series {
            name: name.into(),
            shape: VECTOR,
            columns: (0..POINTS).map(|k| rows.iter().skip(k).step_by(POINTS).copied().collect()).collect(),
        };
        let mut fit = Fit::new(program).data(series("u", &self.start)).seed(42);
        for (k, state) in self.states.iter().take(STEPS).enumerate() {
            let name = format!("u{}", k + 1);
            fit = fit.target(&name, series(&name, state));
        }
        fit
    }

    /// The mean square of what a step with these values is wrong by, over so many steps.
    fn judge(&self, definitions: &str, step: &str, values: &Values, steps: usize) -> f64 {
        let program = rollout(definitions, step, steps);
        let known = Known::new(&program, &[("u", VECTOR)], values);
        let errors = (1..=steps)
            .map(|k| mean_square(&known.rows(&[("u", &self.start)], &format!("u{k}")), &self.states[k - 1]));
        errors.sum::<f64>() / steps as f64
    }
}

const LAW: &str = "(+ v (scale (* 0.1 alpha) (matvec L v)))";

/// Least squares from the paper's start.
fn by_law(data: &Data, definitions: &str, step: &str, more: Option<Parameter>) -> (Report, Values, f64) {
    let program = rollout(definitions, step, STEPS);
    let begin = Instant::now();
    let mut fit = data.fit(&program).starts(1).parameter(Parameter::new("alpha").start(0.005));
    // The matrix of the law is known.
    if let Some(parameter) = more {
        fit = fit.parameter(parameter);
    }
    let solution = fit.solve().expect("a fit");
    (solution.report.clone(), solution.values(), begin.elapsed().as_secs_f64())
}

/// Table 4.
pub fn run(quick: bool) {
    let epochs = if quick { 200 } else { 2000 };
    let data = Data::draw(50, STEPS, 3, 4, 0.0, &mut Random::new(42));
    let test = Data::draw(20, LONG, 3, 4, 0.0, &mut Random::new(99));
    println!(
        "Table 4. Heat on {POINTS} points, 50 states of {STEPS} steps without noise; {epochs} epochs of Adam for networks.\n"
    );
    println!(
        "{:22} {:>7} {:>12} {:>10} {:>10} {:>8}  paper: error of α, inside, outside",
        "model", "numbers", "error of α", "mse", "mse 4×", "s"
    );
    let line = |name: &str, count: usize, error: String, near: f64, far: f64, seconds: f64, paper: &str| {
        println!("{name:22} {count:7} {error:>12} {near:10.1e} {far:10.1e} {seconds:8.2}  {paper}");
    };
    let law = laplacian();
    let (report, values, seconds) = by_law(&data, &law, LAW, None);
    let error = report.parameter("alpha").expect("α").value / ALPHA - 1.0;
    let judged = |steps| test.judge(&law, LAW, &values, steps);
    line(
        "law",
        1,
        format!("{:.1e} %", 100.0 * error.abs()),
        judged(STEPS),
        judged(LONG),
        seconds,
        "0.00 %, 3.7e-15, 3.8e-15",
    );
    let mlp = network("net", &format!("(v {POINTS})"), "64 64 64", "relu", POINTS);
    let program = rollout(&mlp, "(net v)", STEPS);
    let plan = Adam { epochs, batch_rows: 50, rate: 1e-3, ..Adam::default() };
    let trained = train(&data.fit(&program), plan);
    let judged = |steps| test.judge(&mlp, "(net v)", &trained.values, steps);
    line(
        "MLP",
        trained.count(),
        "–".into(),
        judged(STEPS),
        judged(LONG),
        trained.seconds,
        "–, 2.4e-2, 7.6e-2",
    );
    let (trained, near, far) = informed(&data, epochs);
    let error = trained.number("alpha") / ALPHA - 1.0;
    line(
        "PINN, one state",
        trained.count(),
        format!("{:.1} %", 100.0 * error.abs()),
        near,
        far,
        trained.seconds,
        "92.7 %, 7.6e-1, 5.5e-1",
    );

    let data = Data::draw(50, STEPS, 2, 3, 0.5, &mut Random::new(42));
    println!("\nWith the source 0.5 sin 2πx.\n");
    println!("{:22} {:>7} {:>12} {:>10} {:>8}  paper: α, loss", "model", "numbers", "α", "loss", "s");
    let line = |name: &str, count: usize, alpha: String, loss: f64, seconds: f64, paper: &str| {
        println!("{name:22} {count:7} {alpha:>12} {loss:10.1e} {seconds:8.2}  {paper}");
    };
    let hybrid = law.clone() + &network("net", &format!("(v {POINTS})"), "32 32", "relu", POINTS);
    let step = "(+ v (scale 0.1 (+ (scale alpha (matvec L v)) (net v))))";
    let program = rollout(&hybrid, step, STEPS);
    let fit = data.fit(&program).parameter(Parameter::new("alpha").start(0.005));
    let trained = train(&fit, plan);
    line(
        "law + net(u)",
        trained.count(),
        format!("{:.5}", trained.number("alpha")),
        trained.report.rmse.powi(2),
        trained.seconds,
        "0.00958, 1.2e-6",
    );
    let step = "(+ v (scale 0.1 (+ (scale alpha (matvec L v)) source)))";
    let source = Parameter::new("source").elements(VECTOR, vec![0.0; POINTS]);
    let (report, _, seconds) = by_law(&data, &law, step, Some(source));
    let alpha = report.parameter("alpha").expect("α").value;
    line("law + source(x)", 1 + POINTS, format!("{alpha:.12}"), report.rmse.powi(2), seconds, "–");
    let program = rollout(&mlp, "(net v)", STEPS);
    let trained = train(&data.fit(&program), plan);
    line("MLP", trained.count(), "–".into(), trained.report.rmse.powi(2), trained.seconds, "–, 1.4e-4");
    println!("\nrows: {}, judged on {} states of {LONG} steps\n", data.rows, test.rows);
}

/// A network of place and time with the residual of the equation as a second result: the states of one start, and 200 points that have
/// the residual alone. Gives the mean squares over its five steps and over twenty.
fn informed(data: &Data, epochs: usize) -> (Trained, f64, f64) {
    const COLLOCATION: usize = 200;
    let text = network("net", "x t", "64 64 64", "tanh", 1)
        + "(define ut ((D (lambda (t) (net x t))) t))
(define uxx ((D (D (lambda (x) (net x t)))) x))
(values (u (net x t)) (residual (- ut (* alpha uxx))))";
    let program = Program::parse(&text).expect("a program");
    let steps: Vec<&[f64]> =
        std::iter::once(&data.start).chain(&data.states).map(|state| &state[..POINTS]).collect();
    let (mut xs, mut ts, mut us, mut sigma) = (vec![], vec![], vec![], vec![]);
    for (step, state) in steps.iter().enumerate() {
        for (k, &u) in state.iter().enumerate() {
            xs.push(x(k));
            ts.push(step as f64 * DT);
            us.push(u);
            sigma.push(1.0);
        }
    }
    let measured = xs.len();
    let mut random = Random::new(7);
    for _ in 0..COLLOCATION {
        xs.push(random.uniform());
        ts.push(random.uniform() * STEPS as f64 * DT);
        us.push(0.0);
        // No measurement.
        sigma.push(1e9);
    }
    // The paper's weights: the mean over the data, and a tenth of that over the points of the residual.
    let data_part = 1.0 / measured as f64;
    let residual: Vec<f64> = (0..xs.len())
        .map(|row| if row < measured { 1e9 } else { (data_part * COLLOCATION as f64 / 0.1).sqrt() })
        .collect();
    let rows = xs.len();
    let fit = Fit::new(&program)
        .data(Series::scalar("x", xs))
        .data(Series::scalar("t", ts))
        .target("u", Series::scalar("u", us))
        .target("residual", Series::scalar("residual", vec![0.0; rows]))
        .noise(Noise::SigmaOfEach(vec![sigma, residual]))
        .parameter(Parameter::new("alpha").start(0.005))
        .seed(42);
    let trained = train(&fit, Adam { epochs, batch_rows: rows, rate: 1e-3, ..Adam::default() });
    let known = Known::new(&program, &[], &trained.values);
    let mut exact = data.start[..POINTS].to_vec();
    let (mut near, mut far) = (0.0, 0.0);
    for step in 1..=LONG {
        exact = (0..POINTS)
            .map(|k| match k {
                0 | 9 => exact[k],
                _ => exact[k] + DT * ALPHA * 81.0 * (exact[k - 1] - 2.0 * exact[k] + exact[k + 1]),
            })
            .collect();
        let places: Vec<f64> = (0..POINTS).map(x).collect();
        let found = known.rows(&[("x", &places), ("t", &[step as f64 * DT; POINTS])], "u");
        let error = mean_square(&found, &exact);
        near += if step <= STEPS { error / STEPS as f64 } else { 0.0 };
        far += error / LONG as f64;
    }
    (trained, near, far)
}
