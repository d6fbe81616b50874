//! Experiment 5: gravity of three-dimensional vectors.

use nc_model::fit::{Adam, Fit, Parameter, Series};
use neural_compiler::{Program, Shape};

use super::learn::{Known, Trained, mean_square, network, train};
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
    networks(quick);
}

/// Numbers of rows, each row's three elements one after the other, as columns.
fn vector(name: &str, rows: &[f64]) -> Series {
    let columns = (0..3).map(|k| rows.iter().skip(k).step_by(3).copied().collect()).collect();
    Series { name: name.into(), shape: Shape::Vector(3), columns }
}

/// Masses, places, velocities, and the exact force with drag or without it.
struct Bodies {
    m1: Vec<f64>,
    m2: Vec<f64>,
    r: Vec<f64>,
    v: Vec<f64>,
    force: Vec<f64>,
}

impl Bodies {
    fn draw(rows: usize, drag: f64, random: &mut Random) -> Bodies {
        let mut bodies = Bodies { m1: vec![], m2: vec![], r: vec![], v: vec![], force: vec![] };
        for _ in 0..rows {
            let direction: Vec<f64> = (0..3).map(|_| random.normal()).collect();
            let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
            let distance = 1.0 + 4.0 * random.uniform();
            let (a, b) = (1.0 + 4.0 * random.uniform(), 1.0 + 4.0 * random.uniform());
            let v: Vec<f64> = (0..3).map(|_| 2.0 * random.normal()).collect();
            let speed = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            for k in 0..3 {
                let place = direction[k] / length * distance;
                bodies.r.push(place);
                bodies.v.push(v[k]);
                bodies.force.push(-TRUTH * a * b * place / distance.powi(3) - drag * v[k] * speed);
            }
            bodies.m1.push(a);
            bodies.m2.push(b);
        }
        bodies
    }

    fn fit<'a>(&self, program: &'a Program, force: &[f64], velocities: bool) -> Fit<'a> {
        let fit = Fit::new(program)
            .data(vector("r", &self.r))
            .data(Series::scalar("m1", self.m1.clone()))
            .data(Series::scalar("m2", self.m2.clone()))
            .target("", vector("F", force))
            .seed(42);
        if velocities { fit.data(vector("v", &self.v)) } else { fit }
    }

    /// The mean square of what a trained program is wrong by.
    fn judge(&self, program: &Program, trained: &Trained, velocities: bool) -> f64 {
        let shapes = [("r", Shape::Vector(3)), ("v", Shape::Vector(3))];
        let count = if velocities { 2 } else { 1 };
        let known = Known::new(program, &shapes[..count], &trained.values);
        let mut inputs: Vec<(&str, &[f64])> = vec![("r", &self.r), ("m1", &self.m1), ("m2", &self.m2)];
        if velocities {
            inputs.push(("v", &self.v));
        }
        mean_square(&known.rows(&inputs, "value"), &self.force)
    }
}

/// The force by a network, and with drag by the law and a network of the velocity beside one of everything.
fn networks(quick: bool) {
    let epochs = if quick { 300 } else { 3000 };
    let plan = Adam { epochs, batch_rows: 100, rate: 1e-3, ..Adam::default() };
    println!(
        "Vector mechanics by networks: 100 samples, {epochs} epochs of Adam, mean squared error of 50 others.\n"
    );
    println!("{:26} {:>8} {:>10} {:>9} {:>7}  paper", "model", "numbers", "mse", "G", "s");
    for (drag, noise) in [(0.0, 0.02), (0.5, 0.01)] {
        let mut random = Random::new(42);
        let bodies = Bodies::draw(100, drag, &mut random);
        let test = Bodies::draw(50, drag, &mut Random::new(99));
        let size = bodies.force.iter().map(|x| x.abs()).sum::<f64>() / 300.0;
        let noisy: Vec<f64> = bodies.force.iter().map(|x| x + noise * size * random.normal()).collect();
        let moves = drag > 0.0;
        let inputs = if moves { "m1 m2 (r 3) (v 3)" } else { "m1 m2 (r 3)" };
        let call = if moves { "(net m1 m2 r v)" } else { "(net m1 m2 r)" };
        let everything =
            Program::parse(&(network("net", inputs, "64 64 64", "relu", 3) + call)).expect("a network");
        let law = match moves {
            false => Program::parse(LAW).expect("the law"),
            true => {
                let drag = network("drag", "(v 3)", "32 32", "relu", 3);
                Program::parse(&format!("{drag}(+ {LAW} (drag v))")).expect("a hybrid")
            }
        };
        let names = match moves {
            false => ["gravity", "network", "1.7e-6, G 0.02 %", "4.16"],
            true => ["drag: gravity + net(v)", "drag: network", "", ""],
        };
        let fit = bodies.fit(&law, &noisy, moves).parameter(Parameter::new("G").start(3.0));
        // The paper's rates.
        let known = train(&fit, if moves { plan } else { Adam { rate: 1e-2, ..plan } });
        let free = train(&bodies.fit(&everything, &noisy, moves), plan);
        for (name, program, trained, paper) in
            [(names[0], &law, &known, names[2]), (names[1], &everything, &free, names[3])]
        {
            let g = trained.report.parameter("G").map_or("–".to_owned(), |g| format!("{:.4}", g.value));
            println!(
                "{name:26} {:8} {:10.1e} {g:>9} {:7.1}  {paper}",
                trained.count(),
                test.judge(program, trained, moves),
                trained.seconds
            );
        }
    }
    println!();
}
