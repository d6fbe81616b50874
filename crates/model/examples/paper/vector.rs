//! Experiment 5: gravity of three-dimensional vectors.

use nc_model::fit::{Fit, Parameter, Series};
use neural_compiler::{Program, Shape};

use super::random::Random;

const LAW: &str = "(let ((r_mag (norm r)) (r_hat (normalize r)))
  (scale (/ (* (- 0 G) (* m1 m2)) (* r_mag (* r_mag r_mag))) r))";

const TRUTH: f64 = 6.674;

/// Fits G from 100 samples with 2 % noise, as the paper does, over many seeds.
pub fn run(quick: bool) {
    let seeds = if quick { 20 } else { 200 };
    let program = Program::parse(LAW).expect("the law");
    let (mut squares, mut bound, mut first) = (0.0, 0.0, 0.0);
    for seed in 0..seeds {
        let mut random = Random::new(42 + seed);
        let mut r = vec![Vec::new(); 3];
        let (mut m1, mut m2, mut exact) = (Vec::new(), Vec::new(), vec![Vec::new(); 3]);
        for _ in 0..100 {
            let direction: Vec<f64> = (0..3).map(|_| random.normal()).collect();
            let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
            let distance = 1.0 + 4.0 * random.uniform();
            let (a, b) = (1.0 + 4.0 * random.uniform(), 1.0 + 4.0 * random.uniform());
            for k in 0..3 {
                let place = direction[k] / length * distance;
                r[k].push(place);
                exact[k].push(-TRUTH * a * b * place / distance.powi(3));
            }
            m1.push(a);
            m2.push(b);
        }
        let all = exact.iter().flatten();
        let sigma = 0.02 * all.clone().map(|x| x.abs()).sum::<f64>() / 300.0;
        let slopes: f64 = all.map(|x| (x / TRUTH).powi(2)).sum();
        bound += (sigma / slopes.sqrt() / TRUTH).powi(2);
        let noisy = exact.iter().map(|c| c.iter().map(|x| x + sigma * random.normal()).collect()).collect();
        let vector = |name: &str, columns: Vec<Vec<f64>>| Series {
            name: name.into(),
            shape: Shape::Vector(3),
            columns,
        };
        let fit = Fit::new(&program)
            .data(vector("r", r))
            .data(Series::scalar("m1", m1))
            .data(Series::scalar("m2", m2))
            .target("", vector("F", noisy))
            .parameter(Parameter::new("G").start(3.0));
        let report = fit.run().expect("a fit");
        let error = report.parameter("G").expect("G").value / TRUTH - 1.0;
        squares += error * error;
        if seed == 0 {
            first = error;
        }
    }
    let (rms, bound) = ((squares / seeds as f64).sqrt(), (bound / seeds as f64).sqrt());
    println!(
        "Vector mechanics: G from 100 samples with 2 % noise, started at 3, root mean square over {seeds} seeds.\n"
    );
    println!(
        "error {:.4} %, bound {:.4} %, ratio {:.2}; first seed {:.4} %\n",
        100.0 * rms,
        100.0 * bound,
        rms / bound,
        100.0 * first.abs()
    );
}
