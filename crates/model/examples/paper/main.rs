//! The experiments of the paper, beside its figures. Everything that is fitted or trained is a program in the language.
//!
//!     cargo run --release -p nc-model --example paper -- table1
//!     cargo run --release -p nc-model --example paper -- mlp
//!     cargo run --release -p nc-model --example paper -- samples
//!     cargo run --release -p nc-model --example paper -- vector
//!     cargo run --release -p nc-model --example paper -- table2
//!     cargo run --release -p nc-model --example paper -- table3
//!     cargo run --release -p nc-model --example paper -- table4
//!     cargo run --release -p nc-model --example paper -- table5
//!     cargo run --release -p nc-model --example paper -- all
//!
//! `--figures DIR` draws what trajectories, samples and chains come to. `--quick` takes fewer seeds, epochs and fresh samples. Everything is drawn from seeds and printed; times are of this run.

mod composition;
mod dynamics;
mod figures;
mod heat;
mod laws;
mod learn;
mod random;
mod trajectories;
mod vector;

use std::time::Instant;

use nc_model::fit::{Adam, Fit, Report, Series};
use neural_compiler::{CompileOptions, Derivative, Program};

use figures::Panel;
use laws::{LAWS, Law};
use random::Random;

/// Noise of the samples, as a part of the mean of |y|.
const NOISE: f64 = 0.02;

const ROWS: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let folder = arguments.iter().position(|argument| argument == "--figures");
    if let Some(place) = folder {
        let Some(folder) = arguments.get(place + 1) else {
            eprintln!("--figures: in which folder?");
            std::process::exit(2);
        };
        figures::into(folder.into());
    }
    let what = arguments
        .iter()
        .enumerate()
        .find(|(place, argument)| {
            !argument.starts_with("--") && folder.is_none_or(|folder| *place != folder + 1)
        })
        .map(|(_, argument)| argument);
    let what = what.map_or("all", String::as_str);
    match what {
        "table1" => table1(quick),
        "mlp" => mlp(quick),
        "samples" => samples(quick),
        "vector" => vector::run(quick),
        "table2" => trajectories::lotka_volterra(quick),
        "table3" => trajectories::pendulum(quick),
        "table4" => heat::run(quick),
        "table5" => composition::run(quick),
        "all" => {
            table1(quick);
            mlp(quick);
            samples(quick);
            vector::run(quick);
            trajectories::lotka_volterra(quick);
            trajectories::pendulum(quick);
            heat::run(quick);
            composition::run(quick);
        }
        other => {
            eprintln!(
                "there is no table {other:?}; there are: table1, mlp, samples, vector, table2, table3, table4, table5, all"
            );
            std::process::exit(2);
        }
    }
}

/// Samples of a law: its columns, the exact values, and what noise of which standard deviation makes of them.
struct Samples {
    columns: Vec<Vec<f64>>,
    exact: Vec<f64>,
    noisy: Vec<f64>,
    sigma: f64,
}

impl Samples {
    /// Draws rows evenly from the ranges, widened about their centres.
    fn draw(
        law: &Law,
        program: &Program,
        rows: usize,
        wider: f64,
        noise: f64,
        random: &mut Random,
    ) -> Samples {
        let columns: Vec<Vec<f64>> = law
            .variables
            .iter()
            .map(|&(_, low, high)| {
                let (centre, half) = (0.5 * (low + high), 0.5 * wider * (high - low));
                (0..rows).map(|_| centre + half * (2.0 * random.uniform() - 1.0)).collect()
            })
            .collect();
        let constants: Vec<f64> = law.constants.iter().map(|(_, value)| *value).collect();
        let exact = values(law, program, &columns, &constants);
        let size = exact.iter().map(|y| y.abs()).sum::<f64>() / rows as f64;
        let noisy = exact.iter().map(|y| y + noise * size * random.normal()).collect();
        Samples { columns, exact, noisy, sigma: noise * size }
    }
}

/// What the law gives with these constants.
fn values(law: &Law, program: &Program, columns: &[Vec<f64>], constants: &[f64]) -> Vec<f64> {
    let mut signature = neural_compiler::Signature::scalars();
    for (name, _) in law.constants {
        signature = signature.parameter(*name);
    }
    let kernel = program.compile(&CompileOptions::default().signature(signature)).expect("a law");
    let named = law.variables.iter().zip(columns).map(|((name, ..), column)| (*name, column.as_slice()));
    let params: Vec<[f64; 1]> = constants.iter().map(|&value| [value]).collect();
    let named: Vec<(&str, &[f64])> = named
        .chain(law.constants.iter().zip(&params).map(|((name, _), value)| (*name, value.as_slice())))
        .collect();
    kernel.evaluate_named(&named).expect("values").get("value").expect("a value").to_vec()
}

fn fit<'a>(law: &Law, program: &'a Program, samples: &Samples) -> Fit<'a> {
    let fit = Fit::new(program).target("", Series::scalar("y", samples.noisy.clone()));
    law.variables
        .iter()
        .zip(&samples.columns)
        .fold(fit, |fit, ((name, ..), column)| fit.data(Series::scalar(*name, column.clone())))
}

/// The constants of a report.
fn found(law: &Law, report: &Report) -> Vec<f64> {
    let mut found: Vec<f64> =
        law.constants.iter().map(|(name, _)| report.parameter(name).expect("a constant").value).collect();
    (law.canonical)(&mut found);
    found
}

/// Their relative errors.
fn errors(law: &Law, report: &Report) -> Vec<f64> {
    found(law, report).iter().zip(law.constants).map(|(found, (_, truth))| found / truth - 1.0).collect()
}

/// The smallest standard deviation that an unbiased estimate of each constant can have (Cramér and Rao), as a part of it.
fn bounds(law: &Law, program: &Program, samples: &Samples) -> Vec<f64> {
    let n = law.constants.len();
    let options =
        CompileOptions::default().derivative(Derivative::Gradient).wrt(law.constants.iter().map(|c| c.0));
    let kernel = program.compile(&options).expect("a law");
    let rows = samples.exact.len();
    let constants: Vec<Vec<f64>> = law.constants.iter().map(|c| vec![c.1; rows]).collect();
    let names = law.variables.iter().map(|v| v.0).chain(law.constants.iter().map(|c| c.0));
    let named: Vec<(&str, &[f64])> =
        names.zip(samples.columns.iter().chain(&constants).map(Vec::as_slice)).collect();
    let found = kernel.evaluate_named(&named).expect("derivatives");
    let slopes: Vec<&[f64]> =
        law.constants.iter().map(|(name, _)| found.get(&format!("d/d{name}")).expect("one")).collect();
    let mut matrix: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let products = (0..n).map(|j| slopes[i].iter().zip(slopes[j]).map(|(a, b)| a * b).sum());
            let unit = (0..n).map(|j| f64::from(u8::from(i == j)));
            products.chain(unit).collect()
        })
        .collect();
    // Gauss and Jordan; the matrices are of order three at the most, and well conditioned.
    for k in 0..n {
        let pivot = matrix[k][k];
        matrix[k].iter_mut().for_each(|x| *x /= pivot);
        for i in (0..n).filter(|&i| i != k) {
            let (factor, row) = (matrix[i][k], matrix[k].clone());
            matrix[i].iter_mut().zip(row).for_each(|(x, y)| *x -= factor * y);
        }
    }
    (0..n).map(|k| samples.sigma * matrix[k][n + k].sqrt() / law.constants[k].1.abs()).collect()
}

/// The mean squared error of the program with the constants of a report, and the largest distance of its values from those of code
/// written by hand, in units in the last place.
fn judged(law: &Law, program: &Program, report: &Report, wider: f64) -> (f64, f64) {
    let samples = Samples::draw(law, program, 10_000, wider, 0.0, &mut Random::new(999));
    let constants: Vec<f64> =
        law.constants.iter().map(|(name, _)| report.parameter(name).expect("a constant").value).collect();
    let found = values(law, program, &samples.columns, &constants);
    let (mut squares, mut rows, mut apart) = (0.0, 0, 0.0f64);
    for (row, (&y, &exact)) in found.iter().zip(&samples.exact).enumerate() {
        if !exact.is_finite() {
            continue;
        }
        let inputs: Vec<f64> = samples.columns.iter().map(|column| column[row]).collect();
        let by_hand = (law.by_hand)(&inputs, &constants);
        if by_hand.to_bits() != y.to_bits() && !(by_hand.is_nan() && y.is_nan()) {
            apart = apart.max(((by_hand - y) / (y.abs() * f64::EPSILON / 2.0)).abs());
        }
        squares += (y - exact).powi(2);
        rows += 1;
    }
    (squares / f64::from(rows), apart)
}

/// Table 1: fifteen laws from noisy samples.
fn table1(quick: bool) {
    let seeds = if quick { 20 } else { 200 };
    let fresh = if quick { 300_000 } else { 30_000_000 };
    println!(
        "Table 1. {ROWS} samples with {:.0} % noise, 64 starts around ones; errors of constants in %.",
        100.0 * NOISE
    );
    println!(
        "`rms` is over {seeds} seeds, `bound` that of Cramér and Rao, `paper` the paper's; fresh: from {fresh} samples."
    );
    println!(
        "`by hand` is how far values are from Rust code with the same constants, in units in the last place.\n"
    );
    println!(
        "{:12} {:9} {:>9} {:>8} {:>6} {:>9} {:>9} {:>8} {:>8} {:>9} {:>9} {:>8}",
        "law",
        "constant",
        "rms",
        "bound",
        "ratio",
        "fresh",
        "paper",
        "ms",
        "s fresh",
        "mse",
        "mse 5×",
        "by hand"
    );
    let (mut recovered, mut within) = (0, 0);
    for law in LAWS {
        let program = Program::parse(law.source).expect("a law");
        let mut squares = vec![0.0; law.constants.len()];
        let mut bound = vec![0.0; law.constants.len()];
        let mut times = Vec::new();
        let mut first: Option<Report> = None;
        let mut good = true;
        for seed in 0..seeds {
            let mut random = Random::new(1000 + seed);
            let samples = Samples::draw(law, &program, ROWS, 1.0, NOISE, &mut random);
            let start = Instant::now();
            let program = Program::parse(law.source).expect("a law");
            let report = fit(law, &program, &samples).seed(seed as u32).run().expect("a fit");
            times.push(start.elapsed().as_secs_f64() * 1e3);
            let errors = errors(law, &report);
            good &= report.converged && errors.iter().all(|error| error.abs() < 0.05);
            for (k, error) in errors.iter().enumerate() {
                squares[k] += error * error;
                bound[k] += bounds(law, &program, &samples)[k].powi(2);
            }
            first.get_or_insert(report);
        }
        times.sort_by(f64::total_cmp);
        let first = first.expect("a seed");
        let (mse, by_hand) = judged(law, &program, &first, 1.0);
        let (far, _) = judged(law, &program, &first, 5.0);
        let samples = Samples::draw(law, &program, fresh, 1.0, NOISE, &mut Random::new(7));
        let large = fit(law, &program, &samples);
        drop(samples);
        let start = Instant::now();
        let large = large.run().expect("a fit");
        let seconds = start.elapsed().as_secs_f64();
        recovered += usize::from(good);
        let large = errors(law, &large);
        for (k, (name, _)) in law.constants.iter().enumerate() {
            let (rms, bound) = ((squares[k] / seeds as f64).sqrt(), (bound[k] / seeds as f64).sqrt());
            // A root mean square of so many draws scatters by 1/√(2·seeds).
            let ratio = rms / bound;
            within += usize::from((ratio - 1.0).abs() <= 0.10 + 1.0 / (2.0 * seeds as f64).sqrt());
            let line = [
                format!("{:12} {:9}", if k == 0 { law.name } else { "" }, name),
                format!("{:9.4} {:8.4} {ratio:6.2}", 100.0 * rms, 100.0 * bound),
                format!("{:9.5} {:>9}", 100.0 * large[k].abs(), if k == 0 { law.paper } else { "" }),
            ];
            print!("{}", line.join(" "));
            match k {
                0 => println!(
                    " {:8.2} {seconds:8.2} {mse:9.1e} {far:9.1e} {by_hand:8.1}",
                    times[times.len() / 2]
                ),
                _ => println!(),
            }
        }
    }
    let constants: usize = LAWS.iter().map(|law| law.constants.len()).sum();
    println!("\n{recovered} of {} laws are recovered for all seeds (the paper: 13);", LAWS.len());
    println!(
        "{within} of {constants} root mean squares are within 10 % of the bound, and one standard deviation of theirs.\n"
    );
}

/// The networks of Table 1: each law from the same noisy samples by a network, beside the law itself.
fn mlp(quick: bool) {
    let epochs = if quick { 30 } else { 500 };
    println!(
        "Table 1, networks n-64-64-64-64-1 ReLU: {ROWS} samples with {:.0} % noise, {epochs} epochs of Adam in batches of 1024, rate 0.003.",
        100.0 * NOISE
    );
    println!(
        "Mean squared errors over ranges as trained, twice and five times as wide; `paper` is as trained and five times.\n"
    );
    println!(
        "{:12} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}  paper",
        "law", "weights", "law", "2×", "5×", "network", "2×", "5×", "s law", "s net"
    );
    for law in LAWS {
        let program = Program::parse(law.source).expect("a law");
        let samples = Samples::draw(law, &program, ROWS, 1.0, NOISE, &mut Random::new(1000));
        let start = Instant::now();
        let report = fit(law, &program, &samples).run().expect("a fit");
        let seconds = start.elapsed().as_secs_f64();
        let mut names: Vec<&str> = law.variables.iter().map(|(name, ..)| *name).collect();
        names.sort_unstable();
        let inputs = names.join(" ");
        let text = learn::network("net", &inputs, "64 64 64 64", "relu", 1) + &format!("(net {inputs})");
        let network = Program::parse(&text).expect("a network");
        let plan = Adam { epochs, batch_rows: 1024, rate: 3e-3, ..Adam::default() };
        let trained = learn::train(&fit(law, &network, &samples).seed(42), plan);
        let known = learn::Known::new(&network, &[], &trained.values);
        let error = |wider: f64| {
            let samples = Samples::draw(law, &program, ROWS, wider, 0.0, &mut Random::new(999));
            let inputs: Vec<(&str, &[f64])> = law
                .variables
                .iter()
                .zip(&samples.columns)
                .map(|((name, ..), column)| (*name, column.as_slice()))
                .collect();
            let found = known.rows(&inputs, "value");
            // Wider ranges leave the domain of some laws.
            let (found, exact): (Vec<f64>, Vec<f64>) =
                found.iter().zip(&samples.exact).filter(|(_, exact)| exact.is_finite()).unzip();
            learn::mean_square(&found, &exact)
        };
        println!(
            "{:12} {:8} {:9.1e} {:9.1e} {:9.1e} {:9.1e} {:9.1e} {:9.1e} {seconds:7.2} {:7.1}  {}",
            law.name,
            trained.count(),
            judged(law, &program, &report, 1.0).0,
            judged(law, &program, &report, 2.0).0,
            judged(law, &program, &report, 5.0).0,
            error(1.0),
            error(2.0),
            error(5.0),
            trained.seconds,
            law.network
        );
    }
    println!();
}

/// How many samples are enough: heat conduction, as in the paper's figure.
fn samples(quick: bool) {
    let seeds = if quick { 20 } else { 200 };
    let law = LAWS.iter().find(|law| law.name == "Heat").expect("the law");
    let program = Program::parse(law.source).expect("a law");
    println!(
        "Samples: {}, {:.0} % noise, error of its constant in %, root mean square over {seeds} seeds.\n",
        law.name,
        100.0 * NOISE
    );
    println!("{:>7} {:>9} {:>9} {:>6}", "samples", "error", "bound", "ratio");
    let mut curves = [("root mean square error", vec![]), ("bound of Cramér and Rao", vec![])];
    for rows in [10, 50, 100, 500, 1000, 5000, 10_000] {
        let (mut squares, mut bound) = (0.0, 0.0);
        for seed in 0..seeds {
            let samples = Samples::draw(law, &program, rows, 1.0, NOISE, &mut Random::new(5000 + seed));
            let report = fit(law, &program, &samples).run().expect("a fit");
            squares += errors(law, &report)[0].powi(2);
            bound += bounds(law, &program, &samples)[0].powi(2);
        }
        let (rms, bound) = ((squares / seeds as f64).sqrt(), (bound / seeds as f64).sqrt());
        println!("{rows:7} {:9.4} {:9.4} {:6.2}", 100.0 * rms, 100.0 * bound, rms / bound);
        curves[0].1.push((rows as f64, 100.0 * rms));
        curves[1].1.push((rows as f64, 100.0 * bound));
    }
    figures::draw(
        "samples",
        &[Panel {
            title: format!("{}: error of its constant, %", law.name),
            x: "samples",
            y: "%",
            log: [true, true],
            curves: curves.map(|(name, points)| (name.to_owned(), points)).into(),
            points: Vec::new(),
        }],
    );
    println!();
}
