//! Experiment 6: chains of modules that are files, beside chains of networks trained on the same modules; and the propositions about their
//! errors and derivatives.

use nc_model::fit::{Adam, Fit, Series};
use neural_compiler::{CompileOptions, Derivative, Dialect, Program, ReaderLimits, SourceMap};

use super::figures::{self, Panel};
use super::learn::{Known, Trained, Values, mean_square, network, train};
use super::random::Random;

/// Modules and their programs.
const MODULES: [(&str, &str); 8] = [
    ("square", "(* x x)"),
    ("cube", "(let ((x2 (* x x))) (* x x2))"),
    ("sin", "(sin x)"),
    ("exp", "(exp x)"),
    ("add_one", "(+ x 1)"),
    ("negate", "(- 0 x)"),
    ("double", "(* 2 x)"),
    ("sqrt_abs", "(sqrt (+ (* x x) 0.01))"),
];

/// Chains, with the mean squared errors of networks in the paper's table.
const CHAINS: [(&[&str], &str, &str); 9] = [
    (&["square", "add_one"], "1.2e+0", "7.7e+2"),
    (&["sin", "square"], "3.2e-1", "9.0e-1"),
    (&["square", "add_one", "cube"], "1.4e+3", "5.9e+9"),
    (&["exp", "negate", "add_one"], "2.8e+0", "2.8e+5"),
    (&["sin", "square", "add_one", "sqrt_abs"], "3.0e-1", "2.3e-1"),
    (&["square", "double", "sin", "add_one"], "1.3e+0", "1.7e+0"),
    (&["sin", "exp", "negate", "add_one", "square"], "9.3e-1", "1.1e+0"),
    (&["square", "add_one", "cube", "negate", "add_one"], "1.5e+3", "5.9e+9"),
    (&["negate", "add_one", "square", "double", "sin", "add_one"], "1.3e+0", "1.8e+0"),
];

/// Points of an evaluation.
const POINTS: usize = 10_000;

/// Calls of modules one within the other.
fn calls(chain: &[&str], spelled: impl Fn(&str) -> String) -> String {
    chain.iter().fold("x".to_owned(), |inner, module| format!("({} {inner})", spelled(module)))
}

/// A chain of modules, each a file that is imported as a function.
fn composed(chain: &[&str]) -> Program {
    let files = |path: &str| {
        let name = path.strip_suffix(".scm")?;
        MODULES.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
    };
    let mut names: Vec<&str> = chain.to_vec();
    names.sort_unstable();
    names.dedup();
    let imports: String =
        names.iter().map(|name| format!("(import (program \"{name}.scm\" m:{name} x))\n")).collect();
    let text = imports + &calls(chain, |module| format!("m:{module}"));
    let mut sources = SourceMap::new();
    let main = sources.add("chain.scm", text).expect("a short text");
    Program::parse_files(&mut sources, main, Dialect::Scheme, &ReaderLimits::default(), &files)
        .expect("a chain")
}

/// The network of a module.
fn spelled(module: &str) -> String {
    network(&format!("n:{module}"), "x", "32 32", "tanh", 1)
}

/// A chain of networks.
fn learnt(chain: &[&str]) -> Program {
    let mut names: Vec<&str> = chain.to_vec();
    names.sort_unstable();
    names.dedup();
    let text: String = names.iter().map(|name| spelled(name)).collect();
    let text = text + &calls(chain, |module| format!("n:{module}"));
    Program::parse(&text).expect("a chain of networks")
}

fn values(program: &Program, x: &[f64], known: &Values) -> Vec<f64> {
    Known::new(program, &[], known).rows(&[("x", x)], "value")
}

/// Trains a network on a module: from 10,000 points of -2 to 2 as the paper does, in as many steps, but of a tenth of the points each.
fn approximate(module: &str, epochs: usize) -> Trained {
    let exact = Program::parse(MODULES.iter().find(|(name, _)| *name == module).expect("a module").1);
    let mut random = Random::new(42);
    let x: Vec<f64> = (0..POINTS).map(|_| 4.0 * random.uniform() - 2.0).collect();
    let y = values(&exact.expect("a module"), &x, &Values::new());
    let program = Program::parse(&format!("{}(n:{module} x)", spelled(module))).expect("a network");
    let fit = Fit::new(&program).data(Series::scalar("x", x)).target("", Series::scalar("y", y)).seed(42);
    train(&fit, Adam { epochs, batch_rows: POINTS / 10, rate: 1e-3, ..Adam::default() })
}

/// Where a chain of networks is wrong by the most, and what Proposition 6 says it is at the most.
fn bounded(chain: &[&str], x: &[f64], known: &Values) -> (f64, f64) {
    let (mut exact, mut near) = (x.to_vec(), x.to_vec());
    let mut bound = 0.0f64;
    for module in chain {
        let (_, text) = MODULES.iter().find(|(name, _)| name == module).expect("a module");
        let module_exact = Program::parse(text).expect("a module");
        let module_near = Program::parse(&format!("{}(n:{module} x)", spelled(module))).expect("a network");
        // The interval in which both chains come to this module.
        let ends = exact
            .iter()
            .chain(&near)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &z| (low.min(z), high.max(z)));
        let dense: Vec<f64> =
            (0..=100_000).map(|k| ends.0 + (ends.1 - ends.0) * f64::from(k) / 1e5).collect();
        let kernel = module_exact
            .compile(&CompileOptions::default().derivative(Derivative::Gradient))
            .expect("a derivative");
        let slopes = kernel.evaluate_named(&[("x", dense.as_slice())]).expect("slopes");
        let lipschitz =
            slopes.get("d/dx").expect("one").iter().fold(0.0f64, |most, slope| most.max(slope.abs()));
        let (at, after) = (values(&module_exact, &near, &Values::new()), values(&module_near, &near, known));
        let epsilon = at.iter().zip(&after).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
        // Σ εᵢ ∏ Lⱼ, module by module.
        bound = bound * lipschitz + epsilon;
        exact = values(&module_exact, &exact, &Values::new());
        near = after;
    }
    let error = exact.iter().zip(&near).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
    (error, bound)
}

/// Table 5, and Propositions 6 and 8.
pub fn run(quick: bool) {
    let epochs = if quick { 50 } else { 500 };
    println!(
        "Table 5. Chains of modules that are imported files; networks 1-32-32-1 tanh, {} steps of Adam.\n",
        10 * epochs
    );
    println!("{:10} {:>8} {:>11} {:>8}", "module", "weights", "mse", "s");
    let mut known = Values::new();
    for (module, _) in MODULES {
        let trained = approximate(module, epochs);
        println!(
            "{module:10} {:8} {:11.2e} {:8.1}",
            trained.count(),
            trained.report.rmse.powi(2),
            trained.seconds
        );
        known.extend(trained.values);
    }
    println!(
        "\n{:52} {:>6} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10}",
        "chain", "ours", "learnt", "paper", "4× ours", "learnt", "4× paper", "bound"
    );
    let mut holds = 0;
    let mut curves = [("networks, −2 to 2", vec![]), ("networks, −8 to 8", vec![])];
    for (chain, paper, far_paper) in CHAINS {
        let (program, networks) = (composed(chain), learnt(chain));
        let mut cells = Vec::new();
        for range in [2.0, 8.0] {
            let x: Vec<f64> =
                (0..POINTS).map(|k| range * (2.0 * k as f64 / (POINTS - 1) as f64 - 1.0)).collect();
            let found = values(&program, &x, &Values::new());
            // The same modules, one called after the other.
            let by_hand = chain.iter().fold(x.clone(), |x, module| {
                let text = MODULES.iter().find(|(name, _)| name == module).expect("a module").1;
                values(&Program::parse(text).expect("a module"), &x, &Values::new())
            });
            cells
                .push((mean_square(&found, &by_hand), mean_square(&values(&networks, &x, &known), &by_hand)));
        }
        let x: Vec<f64> = (0..POINTS).map(|k| 4.0 * k as f64 / (POINTS - 1) as f64 - 2.0).collect();
        let (error, bound) = bounded(chain, &x, &known);
        holds += usize::from(error <= bound * (1.0 + 1e-9));
        println!(
            "{:52} {:6} {:9.1e} {paper:>9} {:9} {:9.1e} {far_paper:>10} {:10.1e}",
            chain.join(" → "),
            cells[0].0,
            cells[0].1,
            cells[1].0,
            cells[1].1,
            bound / error
        );
        for (curve, cell) in curves.iter_mut().zip(&cells) {
            curve.1.push((1.0 + curve.1.len() as f64, cell.1));
        }
    }
    figures::draw(
        "composition",
        &[Panel {
            title: "mean square errors of chains of networks; compiled chains have none".into(),
            x: "chain",
            y: "mean square",
            log: [false, true],
            curves: curves.map(|(name, points)| (name.to_owned(), points)).into(),
            points: Vec::new(),
        }],
    );
    println!(
        "\nProposition 6: the bound Σ εᵢ ∏ Lⱼ holds in {holds} of 9 chains; `bound` is it over the largest error.\n"
    );
    gradients();
}

/// A number as the sum of two, for what is exact to twice the digits.
#[derive(Clone, Copy)]
struct Double(f64, f64);

impl Double {
    fn times(self, other: Double) -> Double {
        let high = self.0 * other.0;
        let low = self.0.mul_add(other.0, -high) + (self.0 * other.1 + self.1 * other.0);
        let sum = high + low;
        Double(sum, low - (sum - high))
    }
}

/// Proposition 8: the derivative of so many squarings is 2ᵏ ∏ zᵢ over the values on the way, but for the rounding of so many products.
fn gradients() {
    println!("Proposition 8. The derivative of k squarings, in units in the last place from 2ᵏ ∏ zᵢ.\n");
    println!("{:>3} {:>9}", "k", "largest");
    for k in [1, 2, 4, 8, 12, 16] {
        let text = (0..k).fold("x".to_owned(), |inner, _| format!("(square {inner})"));
        let program = Program::parse(&text).expect("squarings");
        let kernel =
            program.compile(&CompileOptions::default().derivative(Derivative::Gradient)).expect("a kernel");
        // So near 1 that neither powers nor derivatives leave the numbers there are.
        let width = 600.0 / f64::from(1 << k);
        let x: Vec<f64> = (0..POINTS)
            .map(|i| (width * (2.0 * i as f64 / (POINTS - 1) as f64 - 1.0)).min(3.0).exp())
            .collect();
        let found = kernel.evaluate_named(&[("x", x.as_slice())]).expect("values");
        let slopes = found.get("d/dx").expect("a derivative");
        let mut largest = 0.0f64;
        for (&x, &slope) in x.iter().zip(slopes) {
            let (mut z, mut exact) = (x, Double(1.0, 0.0));
            for _ in 0..k {
                exact = exact.times(Double(2.0 * z, 0.0));
                z *= z;
            }
            if exact.0.is_normal() && exact.0.is_finite() && exact.0 > 1e-250 {
                let unit = exact.0.abs().next_up() - exact.0.abs();
                largest = largest.max((((slope - exact.0) - exact.1) / unit).abs());
            }
        }
        println!("{k:3} {largest:9.2}");
    }
    println!();
}
