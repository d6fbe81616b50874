//! Training of trees: what an evaluation of loss and gradient takes, beside NumPy with the same formula, and how many restarts come
//! to the trees of A. Odrzywołek's targets.
//!
//! `cargo bench -p nc-eml --bench training`; with `--test` a little of each. `NC_RESTARTS` says how many restarts there are for each target
//! (64), `NC_DEPTHS` up to which depth (6). NumPy is used if `python3` has it.

#[path = "../../../benches/support/columns.rs"]
#[allow(dead_code, reason = "each bench uses a part")]
mod columns;
#[path = "../../../benches/support/timing.rs"]
#[allow(dead_code, reason = "each bench uses a part")]
mod timing;

use std::process::Command;
use std::time::{Duration, Instant};

use nc_eml::Mode;
use nc_eml::search::{Data, Options};
use nc_eml::train::master::Master;
use nc_eml::train::{Settings, train};
use nc_runtime::stop::Stop;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Shape, Signature};
use timing::best;

const E: f64 = std::f64::consts::E;

/// The depth of a tree, and its function in words and in numbers.
type Target = (usize, &'static str, fn(f64, f64) -> f64);

/// The targets, by the depth of their trees.
const TARGETS: [Target; 5] = [
    (2, "e − ln(e^y − ln x)", |x, y| E - (y.exp() - x.ln()).ln()),
    (3, "e^e/(e^y − ln x)", |x, y| E.exp() / (y.exp() - x.ln())),
    (4, "ln(e^x − ln y)", |x, y| (x.exp() - y.ln()).ln()),
    (5, "ln(e − ln(e^x − ln y))", |x, y| (E - (x.exp() - y.ln()).ln()).ln()),
    (6, "e − y exp(e − e^x)", |x, y| E - y * (E - x.exp()).exp()),
];

/// What random starts of the author's programs come to: 32 of 32, 17 of 64, 15 of 64, 2 of 128, 0 of 128.
const PUBLISHED: [&str; 5] = ["100 %", "26.6 %", "23.4 %", "1.6 %", "0 %"];

/// Restarts side by side.
const RESTARTS: usize = 64;

/// The loss and its gradient for all restarts at once, in complex128, node by node over arrays of restarts by rows. Prints the
/// version, seconds per evaluation, the sums of losses and of the magnitudes of gradients.
const NUMPY: &str = r#"
import json, sys, time
import numpy as np
depth, temperature, sharpness, repeats, path = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
given = json.load(open(path))
logits = np.array(given["logits"])
x, y, target = (np.array(given[name]) for name in ("x", "y", "target"))
columns = [x, y]
restarts, leaves, rows = len(logits), 2**depth, len(x)
low = logits[:, : 3 * leaves].reshape(restarts, leaves, 3)
high = logits[:, 3 * leaves :].reshape(restarts, leaves - 2, 4)

def softmax(z):
    p = np.exp((z - z.max(axis=-1, keepdims=True)) / temperature)
    return p / p.sum(axis=-1, keepdims=True)

def run():
    p, q = softmax(low), softmax(high)
    operands = [(p[:, k, 0, None] + p[:, k, 1, None] * x + p[:, k, 2, None] * y).astype(complex) for k in range(leaves)]
    levels, taken = [], 0
    while True:
        nodes = []
        for k in range(0, len(operands), 2):
            a, b = operands[k], operands[k + 1]
            ea = np.exp(a)
            nodes.append((a, b, ea, ea - np.log(b)))
        levels.append((nodes, taken))
        if len(nodes) == 1:
            break
        operands = []
        for k in range(len(nodes)):
            w = q[:, taken + k]
            operands.append(w[:, 0, None] + w[:, 1, None] * x + w[:, 2, None] * y + w[:, 3, None] * nodes[k][3])
        taken += len(nodes)
    root = levels[-1][0][0][3]
    difference = root - target
    loss = (np.abs(difference) ** 2).mean(axis=1)
    for nodes, _ in levels:
        over = [np.maximum(0, np.abs(node[3]) - 50) for node in nodes]
        loss += 1e-4 / depth * np.mean([(o * o).mean(axis=1) for o in over], axis=0)
    entropy = -(p * np.log(p)).sum(axis=(1, 2)) - (q * np.log(q)).sum(axis=(1, 2))
    loss += sharpness * entropy / (2 * leaves - 2)
    # Backwards: a cotangent is dL/dRe + i dL/dIm.
    gp = -sharpness / (2 * leaves - 2) * (np.log(p) + 1)
    gq = -sharpness / (2 * leaves - 2) * (np.log(q) + 1)
    down = [2 * difference / rows]
    for index in reversed(range(len(levels))):
        nodes = levels[index][0]
        below = []
        for (a, b, ea, value), g in zip(nodes, down):
            size = np.abs(value)
            over = np.maximum(0, size - 50)
            g = g + 2e-4 / (depth * len(nodes) * rows) * over * value / np.where(size > 0, size, 1)
            below.append(np.conj(ea) * g)
            below.append(-np.conj(1 / b) * g)
        if index == 0:
            for k, g in enumerate(below):
                for way, column in enumerate([1, x, y]):
                    gp[:, k, way] += (g.real * column).sum(axis=1)
            break
        previous, start = levels[index - 1]
        down = []
        for k, g in enumerate(below):
            for way, column in enumerate([1, x, y]):
                gq[:, start + k, way] += (g.real * column).sum(axis=1)
            child = previous[k][3]
            gq[:, start + k, 3] += (g.real * child.real + g.imag * child.imag).sum(axis=1)
            down.append(q[:, start + k, 3, None] * g)
    def back(p, g):
        return p * (g - (p * g).sum(axis=-1, keepdims=True)) / temperature
    gradient = np.concatenate([back(p, gp).reshape(restarts, -1), back(q, gq).reshape(restarts, -1)], axis=1)
    return loss, gradient

best = float("inf")
for _ in range(repeats):
    start = time.perf_counter()
    loss, gradient = run()
    best = min(best, time.perf_counter() - start)
print(np.__version__, best, loss.sum(), np.abs(gradient).sum())
"#;

fn grid(function: impl Fn(f64, f64) -> f64) -> Data {
    let axis = || (0..=20).map(|k| 1.0 + f64::from(k) / 10.0);
    let points = axis().flat_map(|x| axis().map(move |y| (x, y)));
    let points: Vec<(f64, f64, f64)> =
        points.map(|(x, y)| (x, y, function(x, y))).filter(|point| point.2.is_finite()).collect();
    Data {
        variables: vec![
            ("x".into(), points.iter().map(|point| point.0).collect()),
            ("y".into(), points.iter().map(|point| point.1).collect()),
        ],
        target: points.iter().map(|point| point.2).collect(),
    }
}

/// A logit of a restart that has begun: noise between −2 and 2, and 1 preferred, so that no node overflows.
fn number(depth: usize, restart: usize, logit: usize) -> f64 {
    let low = 3 << depth;
    let preferred = match logit.checked_sub(low) {
        None => {
            if logit.is_multiple_of(3) {
                2.0
            } else {
                0.0
            }
        }
        Some(k) => {
            if k.is_multiple_of(4) {
                12.0
            } else {
                0.0
            }
        }
    };
    let x = ((restart * 1009 + logit) as f64 * 12.9898 + 78.233).sin() * 43_758.545_3;
    4.0 * (x - x.floor()) - 2.0 + preferred
}

/// One evaluation for all restarts, one after the other in groups of lanes, on one thread.
struct Evaluation {
    kernel: Kernel,
    columns: Vec<(String, Vec<f64>)>,
}

impl Evaluation {
    fn of(depth: usize, data: &Data) -> Evaluation {
        let master = Master::new(depth, vec!["x".into(), "y".into()], true);
        let rows = data.target.len();
        let shared = [("x0", &data.variables[0].1), ("x1", &data.variables[1].1), ("target", &data.target)];
        let mut signature = Signature::scalars();
        for (name, _) in shared {
            signature = signature.shape(name, Shape::Vector(rows as u32)).parameter(name);
        }
        let options = CompileOptions::default()
            .signature(signature)
            .derivative(Derivative::Gradient)
            .wrt(master.names());
        let program = Program::parse(&master.program(rows)).expect("a program");
        let kernel = program.compile(&options).expect("a kernel");
        let logits = master.names().into_iter().enumerate();
        let mut columns: Vec<(String, Vec<f64>)> = logits
            .map(|(k, name)| (name, (0..RESTARTS).map(|restart| number(depth, restart, k)).collect()))
            .collect();
        columns.push(("temperature".into(), vec![2.5; RESTARTS]));
        columns.push(("sharpness".into(), vec![0.01; RESTARTS]));
        columns.extend(shared.map(|(name, column)| (name.into(), column.clone())));
        Evaluation { kernel, columns }
    }

    /// The sums of losses and of the magnitudes of gradients.
    fn run(&self) -> (f64, f64) {
        let inputs: Vec<(&str, &[f64])> =
            self.columns.iter().map(|(name, column)| (name.as_str(), &column[..])).collect();
        let found = self.kernel.evaluate_named(&inputs).expect("values");
        let sum = |name: &str| found.get(name).expect("a result").iter().map(|x| x.abs()).sum::<f64>();
        let slopes = found.names().iter().filter(|name| name.starts_with("d/d")).map(|name| sum(name)).sum();
        (sum("value"), slopes)
    }

    /// NumPy's version, the seconds of its evaluation of all restarts, and its sums of losses and of the magnitudes of gradients.
    fn numpy(&self, depth: usize, repeats: usize) -> Option<(String, f64, f64, f64)> {
        let column =
            |name: &str| &self.columns.iter().find(|column| column.0 == name).expect("it is there").1;
        let count = self.columns.iter().filter(|(name, _)| name.starts_with('w')).count();
        let logits: Vec<Vec<f64>> =
            (0..RESTARTS).map(|restart| (0..count).map(|k| number(depth, restart, k)).collect()).collect();
        let given = serde_json::json!({
            "logits": logits, "x": column("x0"), "y": column("x1"), "target": column("target"),
        });
        let directory = tempfile::tempdir().expect("a folder");
        let path = directory.path().join("given.json");
        std::fs::write(&path, given.to_string()).expect("a file");
        let output = Command::new("python3")
            .env("OMP_NUM_THREADS", "1")
            .args(["-c", NUMPY, &depth.to_string(), "2.5", "0.01", &repeats.to_string()])
            .arg(&path)
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut words = text.split_whitespace();
        let version = words.next()?.to_owned();
        let mut next = || words.next()?.parse::<f64>().ok();
        let numbers = [next()?, next()?, next()?];
        Some((version, numbers[0], numbers[1], numbers[2]))
    }
}

fn evaluations(test: bool) {
    let data = grid(TARGETS[1].2);
    let rows = data.target.len();
    println!("Loss and gradient of {RESTARTS} restarts over {rows} rows of data, complex128, one thread");
    println!(
        "{:>5} {:>6} {:>12} {:>14} {:>22}",
        "depth", "logits", "µs/restart", "ns/node,row", "NumPy, times longer"
    );
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    for depth in 1..=if test { 2 } else { 6 } {
        let evaluation = Evaluation::of(depth, &data);
        let (losses, slopes) = evaluation.run();
        let seconds = pool.install(|| {
            best(if test { 1 } else { 7 }, || {
                evaluation.run();
            })
        });
        let each = seconds / RESTARTS as f64;
        let nodes = (1 << depth) - 1;
        // The formula of one level has no operands above it, which NumPy's arrays do not provide for.
        let numpy = if depth > 1 { evaluation.numpy(depth, if test { 1 } else { 3 }) } else { None };
        let beside = numpy.map_or("–".to_owned(), |(version, theirs, loss, slope)| {
            assert!((loss - losses).abs() <= 1e-9 * losses, "{loss} {losses}");
            assert!((slope - slopes).abs() <= 1e-9 * slopes, "{slope} {slopes}");
            format!("{version}: {:.1}", theirs / seconds)
        });
        println!(
            "{depth:>5} {:>6} {:>12.1} {:>14.2} {beside:>22}",
            Master::new(depth, vec!["x".into(), "y".into()], true).logits(),
            each * 1e6,
            each * 1e9 / (nodes * rows) as f64
        );
    }
}

fn rates(test: bool) {
    let number = |name: &str, usual: usize| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let restarts = number("NC_RESTARTS", if test { 2 } else { 64 });
    let depths = number("NC_DEPTHS", if test { 2 } else { 6 });
    let stop = Stop::default();
    println!(
        "\nRestarts that come to a tree of the target, of {restarts}, with the 95 % interval; all threads"
    );
    println!(
        "low: variables at the lowest level only, as the published programs have them; plain: without changes of single choices"
    );
    for ((depth, words, function), published) in TARGETS.into_iter().zip(PUBLISHED) {
        if depth > depths {
            continue;
        }
        let data = grid(function);
        println!("depth {depth}, {words}: published {published}");
        for (what, everywhere, polish) in
            [("low, plain", false, false), ("low", false, true), ("", true, true)]
        {
            let settings = Settings { depth, restarts, everywhere, polish, ..Settings::default() };
            let until = Instant::now() + Duration::from_secs(1 << 20);
            let options =
                Options { mode: Mode::Complex, nodes: 0, tolerance: 1e-10, until, stop: &stop, seed: 1 };
            let started = Instant::now();
            let outcome = train(&data, &options, &settings).expect("training");
            let seconds = started.elapsed().as_secs_f64();
            let [low, high] = outcome.interval();
            println!(
                "  {what:<11} {:>4} of {restarts}  {:5.1} % ({:.1} to {:.1})  {:8.2} restarts/s",
                outcome.successes,
                100.0 * outcome.successes as f64 / restarts as f64,
                100.0 * low,
                100.0 * high,
                restarts as f64 / seconds
            );
        }
    }
}

fn main() {
    let test = std::env::args().any(|arg| arg == "--test");
    evaluations(test);
    rates(test);
}
