//! Trees from tables of values.

use std::time::{Duration, Instant};

use nc_eml::Mode;
use nc_eml::search::{Data, Options, Outcome, Refused, search};
use nc_runtime::stop::Stop;

/// Values of a function on the grid of the author's training, [1, 3]² in steps of .1, where it has one.
pub fn grid(function: impl Fn(f64, f64) -> f64) -> Data {
    let axis = || (0..=20).map(|k| 1.0 + f64::from(k) / 10.0);
    let points: Vec<(f64, f64)> = axis().flat_map(|x| axis().map(move |y| (x, y))).collect();
    let points: Vec<(f64, f64, f64)> =
        points.into_iter().map(|(x, y)| (x, y, function(x, y))).filter(|point| !point.2.is_nan()).collect();
    Data {
        variables: vec![
            ("x".to_owned(), points.iter().map(|point| point.0).collect()),
            ("y".to_owned(), points.iter().map(|point| point.1).collect()),
        ],
        target: points.iter().map(|point| point.2).collect(),
    }
}

fn run(data: &Data, mode: Mode, nodes: usize, tolerance: f64, seed: u64) -> Outcome {
    let stop = Stop::default();
    let until = Instant::now() + Duration::from_secs(600);
    search(data, &Options { mode, nodes, tolerance, until, stop: &stop, seed }, &|_| ()).expect("a search")
}

fn found(data: &Data, mode: Mode, seed: u64) -> (usize, bool, String) {
    let outcome = run(data, mode, 12, 1e-10, seed);
    let found = outcome.found.expect("a tree");
    let nodes = found.tree.sizes().nodes as usize;
    assert_eq!(outcome.excluded, nodes - 1);
    (nodes, found.is_exact(), found.tree.text(1000).expect("a short tree"))
}

/// The five targets of the author's training, of which that finds from random starts 100, 27, 23, 1.6 and 0 percent: each from every seed.
#[test]
fn targets_of_the_training() {
    const E: f64 = std::f64::consts::E;
    type Target = (usize, fn(f64, f64) -> f64, &'static str);
    let targets: [Target; 5] = [
        (2, |x, y| E - (y.exp() - x.ln()).ln(), "eml(1,eml(y,x))"),
        (3, |x, y| E.exp() / (y.exp() - x.ln()), "eml(eml(1,eml(y,x)),1)"),
        (4, |x, y| (x.exp() - y.ln()).ln(), "eml(1,eml(eml(1,eml(x,y)),1))"),
        (5, |x, y| (E - (x.exp() - y.ln()).ln()).ln(), "eml(1,eml(eml(1,eml(1,eml(x,y))),1))"),
        (6, |x, y| E - y * (E - x.exp()).exp(), "eml(1,eml(eml(eml(1,eml(eml(x,y),1)),1),1))"),
    ];
    for (nodes, function, tree) in targets {
        let data = grid(function);
        for seed in 0..64 {
            let found = found(&data, Mode::Real, seed);
            assert_eq!((found.0, found.1, found.2.as_str()), (nodes, true, tree), "seed {seed}");
        }
    }
}

/// The shortest trees that are known, none of which is smaller.
#[test]
fn arithmetic() {
    assert_eq!(found(&grid(|x, y| x * y), Mode::Real, 1).0, 8);
    assert_eq!(found(&grid(|x, y| x + y), Mode::Real, 1).0, 9);
    assert_eq!(found(&grid(|x, _| -x), Mode::Real, 1).0, 8);
    assert_eq!(found(&grid(|x, y| x - y), Mode::Real, 1).0, 5);
    let numbers: Vec<f64> = (0..40).map(|k| -3.05 + f64::from(k) * 0.15).collect();
    let target = numbers.iter().map(|x| -x).collect();
    let data = Data { variables: vec![("x".to_owned(), numbers)], target };
    assert_eq!((found(&data, Mode::Complex, 1).0, found(&data, Mode::Complex, 1).1), (8, true));
}

/// What is near the data by more than their rounding is not called exact, and what is not near enough is not found.
#[test]
fn noise_is_told_from_rounding() {
    let noisy =
        |size: f64| grid(move |x, y| (x.exp() - y.ln()).ln() * (1.0 + size * (1e3 * x + 77.0 * y).sin()));
    let near = run(&noisy(1e-12), Mode::Real, 5, 1e-10, 1).found.expect("a tree");
    assert!(!near.is_exact() && near.error > 1e-13 && near.precise > 1e-13, "{near:?}");
    let none = run(&noisy(1e-6), Mode::Real, 5, 1e-10, 1);
    assert!(none.found.is_none() && none.excluded == 5, "{none:?}");
    assert!(run(&noisy(1e-9), Mode::Real, 5, 1e-8, 1).found.is_some_and(|found| !found.is_exact()));
}

#[test]
fn refusals() {
    let stop = Stop::default();
    let options =
        Options { mode: Mode::Real, nodes: 5, tolerance: 1e-10, until: Instant::now(), stop: &stop, seed: 1 };
    let of = |x: Vec<f64>, target: Vec<f64>| {
        search(&Data { variables: vec![("x".to_owned(), x)], target }, &options, &|_| ()).map(|_| ())
    };
    assert_eq!(of(vec![1.0, 2.0], vec![1.0, 2.0]), Err(Refused::Rows(2)));
    assert_eq!(of(vec![1.0, 2.0, f64::NAN], vec![1.0, 2.0, 3.0]), Err(Refused::NotFinite(2)));
    assert_eq!(of(vec![1.0, 2.0, 3.0], vec![1.0, f64::INFINITY, 3.0]), Err(Refused::NotFinite(1)));
}
