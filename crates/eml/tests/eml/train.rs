//! Trees by training.

use std::time::{Duration, Instant};

use nc_eml::search::{Data, Options};
use nc_eml::train::master::Master;
use nc_eml::train::{Outcome, Settings, train};
use nc_eml::{Mode, evaluate};
use nc_runtime::stop::Stop;
use neural_compiler::{CompileOptions, Derivative, Program, Shape, Signature};
use num_complex::Complex64;

use super::search::grid;

fn run(data: &Data, settings: &Settings, seed: u64) -> Outcome {
    let stop = Stop::default();
    let until = Instant::now() + Duration::from_secs(600);
    let options = Options { mode: Mode::Complex, nodes: 12, tolerance: 1e-10, until, stop: &stop, seed };
    train(data, &options, settings).expect("training")
}

/// Numbers between −1 and 1 that look random.
fn noise(k: usize) -> f64 {
    let x = (k as f64 * 12.9898 + 78.233).sin() * 43_758.545_3;
    2.0 * (x - x.floor()) - 1.0
}

/// The loss as the definition says it, in ordinary complex arithmetic.
fn loss(
    depth: usize,
    everywhere: bool,
    logits: &[f64],
    temperature: f64,
    sharpness: f64,
    data: &Data,
) -> f64 {
    let (variables, leaves) = (data.variables.len(), 1 << depth);
    let softmax = |logits: &[f64]| -> Vec<f64> {
        let powers: Vec<f64> = logits.iter().map(|logit| (logit / temperature).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|power| power / sum).collect()
    };
    let (low, high) = logits.split_at(leaves * (variables + 1));
    let upper = if everywhere { variables + 2 } else { 2 };
    let weights: Vec<Vec<f64>> = low.chunks(variables + 1).chain(high.chunks(upper)).map(softmax).collect();
    let mut sum = 0.0;
    for row in 0..data.target.len() {
        let mut weights = weights.iter();
        let mut level: Vec<Complex64> = Vec::new();
        let mut excess = 0.0;
        for nodes in (0..depth).rev().map(|k| 1 << k) {
            let operands: Vec<Complex64> = (0..2 * nodes)
                .map(|k| {
                    let own = weights.next().expect("weights");
                    let mut value = Complex64::from(own[0]);
                    if own.len() > 2 || level.is_empty() {
                        let terms = (0..variables).map(|v| own[v + 1] * data.variables[v].1[row]);
                        value += terms.sum::<f64>();
                    }
                    match level.get(k) {
                        Some(below) => value + own[own.len() - 1] * below,
                        None => value,
                    }
                })
                .collect();
            level = operands.chunks(2).map(|both| both[0].exp() - both[1].ln()).collect();
            let over: f64 = level.iter().map(|node| (node.norm() - 50.0).max(0.0).powi(2)).sum();
            excess += over / nodes as f64;
        }
        sum += (level[0] - data.target[row]).norm_sqr() + 1e-4 * excess / depth as f64;
    }
    let entropy: f64 = weights.iter().flatten().map(|p| -p * p.ln()).sum();
    sum / data.target.len() as f64 + sharpness * entropy / weights.len() as f64
}

/// The program is the loss of the definition, and its gradient that of the definition.
#[test]
fn the_program_is_the_loss() {
    let data = Data {
        variables: vec![("x".into(), vec![1.1, 2.3, -0.4]), ("y".into(), vec![0.6, 1.7, 2.9])],
        target: vec![0.5, -1.0, 2.0],
    };
    for (depth, everywhere) in [(1, true), (2, true), (3, true), (1, false), (2, false), (3, false)] {
        let master = Master::new(depth, vec!["x".into(), "y".into()], everywhere);
        let logits: Vec<f64> = (0..master.logits()).map(|k| 2.0 * noise(k)).collect();
        let (temperature, sharpness) = (0.9, 0.03);
        let mut signature = Signature::scalars();
        let columns = [("x0", &data.variables[0].1), ("x1", &data.variables[1].1), ("target", &data.target)];
        for (name, _) in columns {
            signature = signature.shape(name, Shape::Vector(3)).parameter(name);
        }
        let options = CompileOptions::default()
            .signature(signature)
            .derivative(Derivative::Gradient)
            .wrt(master.names());
        let program = Program::parse(&master.program(3)).expect("a program");
        let kernel = program.compile(&options).expect("a kernel");
        let names = master.names();
        let row: Vec<[f64; 1]> = logits.iter().map(|&logit| [logit]).collect();
        let mut inputs: Vec<(&str, &[f64])> =
            names.iter().zip(&row).map(|(name, logit)| (name.as_str(), &logit[..])).collect();
        inputs.push(("temperature", std::slice::from_ref(&temperature)));
        inputs.push(("sharpness", std::slice::from_ref(&sharpness)));
        for (name, column) in &columns {
            inputs.push((name, column));
        }
        let found = kernel.evaluate_named(&inputs).expect("values");
        let expected = loss(depth, everywhere, &logits, temperature, sharpness, &data);
        let value = found.get("value").expect("a value")[0];
        assert!((value - expected).abs() <= 1e-12 * expected.abs(), "{depth}: {value} {expected}");
        for (k, name) in names.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = logits.clone();
                moved[k] += step;
                loss(depth, everywhere, &moved, temperature, sharpness, &data)
            };
            let h = 1e-3;
            // Of the fourth order.
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            let gradient = found.get(&format!("d/d{name}")).expect("a derivative")[0];
            assert!(
                (gradient - slope).abs() <= 1e-6 * (1.0 + expected.abs()),
                "{depth} {name}: {gradient} {slope}"
            );
        }
    }
}

/// Restarts come to the tree of a target: rates of success of 16 restarts, each far above what chance leaves of the published ones.
#[test]
fn restarts_come_to_the_tree() {
    const E: f64 = std::f64::consts::E;
    let two = grid(|x, y| E - (y.exp() - x.ln()).ln());
    let settings = Settings { depth: 2, restarts: 16, ..Settings::default() };
    let outcome = run(&two, &settings, 3);
    assert_eq!((outcome.successes, outcome.ended), (16, 16));
    let found = &outcome.found[0].0;
    assert_eq!(found.tree.text(100).as_deref(), Some("eml(1,eml(y,x))"));
    assert!(found.is_exact());
    // The same again, whatever the threads did.
    let again = run(&two, &settings, 3);
    assert_eq!((again.successes, again.evaluations), (outcome.successes, outcome.evaluations));

    let three = grid(|x, y| E.exp() / (y.exp() - x.ln()));
    let outcome = run(&three, &Settings { depth: 3, restarts: 8, ..Settings::default() }, 1);
    assert!(outcome.successes >= 4 && outcome.ended == 8, "{outcome:?}");
    let [low, high] = outcome.interval();
    assert!(0.2 < low && low < outcome.successes as f64 / 8.0 && high <= 1.0);
    for (found, _) in &outcome.found {
        let value = evaluate(&found.tree, Mode::Complex, &[Complex64::from(1.5), Complex64::from(2.5)]);
        let expected = E.exp() / (2.5f64.exp() - 1.5f64.ln());
        assert!((value.expect("a value") - expected).norm() < 1e-13 * expected);
    }
}

/// With `first`, training ends with the first tree; without a tree it ends with its restarts, and with the time in any case.
#[test]
fn training_ends() {
    const E: f64 = std::f64::consts::E;
    let two = grid(|x, y| E - (y.exp() - x.ln()).ln());
    let outcome = run(&two, &Settings { depth: 2, first: true, ..Settings::default() }, 1);
    assert!(outcome.successes >= 1 && outcome.ended < 64, "{outcome:?}");
    let none = grid(|x, y| (9.0 * x).sin() + y);
    let settings = Settings { depth: 1, restarts: 3, search: 20, hardening: 20, ..Settings::default() };
    let outcome = run(&none, &settings, 1);
    assert_eq!((outcome.successes, outcome.ended, outcome.evaluations), (0, 3, 120));
    assert_eq!(outcome.interval()[0], 0.0);
    let stop = Stop::default();
    let until = Instant::now();
    let options = Options { mode: Mode::Complex, nodes: 12, tolerance: 1e-10, until, stop: &stop, seed: 1 };
    let outcome = train(&none, &options, &settings).expect("training");
    assert_eq!((outcome.ended, outcome.interval()), (0, [0.0, 1.0]));
}
