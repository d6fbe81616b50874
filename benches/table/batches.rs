//! Batches of several sizes on one and all threads, beside what others have published.

use std::hint::black_box;

use nc_runtime::batch::{Kernel as _, Workspace};
use neural_compiler::{Kernel, Tier};
use serde_json::{Value, json};

use crate::comparison::{InAllWays, What, function_name};
use crate::support::c::{Arithmetic, Library};
use crate::support::columns::Columns;
use crate::support::machine::Machine;
use crate::support::programs::{PUBLISHED, PUBLISHED_ROWS, Published, Subject};
use crate::support::timing::{Effort, Side, best, interleaved, kernel_side};

/// Columns of more bytes than this are left out.
const MOST_BYTES: usize = 1 << 30;

/// Columns of more bytes than this are not in a cache.
const CACHE_BYTES: usize = 128 << 20;

/// Samples per second, on one thread and on all; 0 where nothing was measured.
#[derive(Debug, Clone, Copy, Default)]
struct Rates {
    ours: [f64; 2],
    c: [f64; 2],
}

impl Rates {
    fn best(&self) -> f64 {
        self.ours[0].max(self.ours[1])
    }

    fn json(&self) -> Value {
        let pair = |[one, all]: [f64; 2]| json!({ "one": one, "all": all });
        json!({ "ours": pair(self.ours), "c": pair(self.c) })
    }
}

/// Where programs are measured, and how.
pub struct Place<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// C for the programs, if there is a compiler.
    pub c: Option<&'a InAllWays>,
    /// Whether everything is measured once.
    pub quick: bool,
}

/// Prints samples per second of the paper's throughput programs, and returns them.
pub fn print(subjects: &[Subject], place: &Place<'_>) -> Value {
    println!(
        "\nSamples per second, tier {}, binary64, on one thread and on all {}; C with fast arithmetic likewise.",
        Tier::Auto,
        place.machine.threads()
    );
    println!(
        "Published: the paper's tables 6 and 9, and on 2 threads of a processor its implementation, both binary32, and NumPy."
    );
    print!("{:<13}{:>9}", "program", "rows");
    What::BOTH.iter().for_each(|what| print!("  |{:>9}{:>9}{:>9}{:>9}", what.name(), "all", "C", "C all"));
    println!("  |{:>9}{:>9}{:>10}{:>9}", "paper", "CPU", "+backward", "NumPy");
    let mut figures = Vec::new();
    let mut limited = Vec::new();
    let mut missed = Vec::new();
    for published in &PUBLISHED {
        let name = format!("throughput/{}", published.name);
        let Some(subject) = subjects.iter().find(|subject| subject.name == name) else { continue };
        let sizes: &[usize] = if place.quick { &[1, 100] } else { &[1, 100, 10_000, 1_000_000] };
        for &rows in sizes {
            let rates = What::BOTH.map(|what| rates(subject, what, rows, place, &mut limited));
            let figure = Figures::of(published, rows);
            figure.print(published.name, rows, &rates);
            missed.extend(figure.missed(published.name, rows, &rates));
            figures.push(json!({
                "program": published.name,
                "rows": rows,
                "value": rates[0].json(),
                "gradient": rates[1].json(),
                "published": figure.json(),
            }));
        }
    }
    println!(
        "not above what is published: {}",
        if missed.is_empty() { "none".into() } else { missed.join(", ") }
    );
    if !limited.is_empty() {
        println!("\nLimited by memory: how much of the bandwidth measured above is reached.");
        limited.iter().for_each(|line| println!("  {line}"));
    }
    Value::Array(figures)
}

/// What is published for a program and a batch; 0 where nothing is.
struct Figures {
    paper: f64,
    processor: [f64; 2],
    numpy: f64,
}

impl Figures {
    fn of(published: &Published, rows: usize) -> Figures {
        let size = PUBLISHED_ROWS.iter().position(|&size| size == rows);
        let main = size == Some(2);
        Figures {
            paper: size.map_or(0.0, |k| published.paper[k]),
            processor: if main { published.processor } else { [0.0; 2] },
            numpy: if main { published.numpy } else { 0.0 },
        }
    }

    fn print(&self, name: &str, rows: usize, rates: &[Rates; 2]) {
        print!("{name:<13}{rows:>9}  |");
        for Rates { ours, c } in rates {
            ours.iter().chain(c).for_each(|&samples| print!("{:>9}", rate(samples)));
            print!("  |");
        }
        let [forward, backward] = self.processor;
        println!("{:>9}{:>9}{:>10}{:>9}", rate(self.paper), rate(forward), rate(backward), rate(self.numpy));
    }

    fn json(&self) -> Value {
        json!({ "paper": self.paper, "processor": self.processor, "numpy": self.numpy })
    }

    /// What neither one thread nor all exceed.
    fn missed(&self, name: &str, rows: usize, rates: &[Rates; 2]) -> Vec<String> {
        let [value, gradient] = rates.each_ref().map(Rates::best);
        let pairs = [
            ("paper", value, self.paper),
            ("CPU", value, self.processor[0]),
            ("CPU with gradient", gradient, self.processor[1]),
            ("NumPy", value, self.numpy),
        ];
        let below = pairs.into_iter().filter(|(_, ours, theirs)| *theirs > 0.0 && ours <= theirs);
        below.map(|(whose, ..)| format!("{name} {rows} ({whose})")).collect()
    }
}

/// A number of samples per second in few characters.
fn rate(samples: f64) -> String {
    match samples {
        0.0 => "-".into(),
        s if s >= 1e9 => format!("{:.2}G", s / 1e9),
        s if s >= 1e6 => format!("{:.1}M", s / 1e6),
        s => format!("{:.0}k", s / 1e3),
    }
}

/// The rates of a program; none if its columns are too large. Batches that no cache holds get a line that says how close
/// to the limit of memory they come.
fn rates(subject: &Subject, what: What, rows: usize, place: &Place<'_>, limited: &mut Vec<String>) -> Rates {
    let kernel = subject.kernel(what.derivative(), Tier::Auto);
    let (inputs, outputs) = (kernel.shape().inputs, kernel.shape().outputs);
    let bytes = (inputs + outputs) * rows * size_of::<f64>();
    if bytes > MOST_BYTES {
        return Rates::default();
    }
    let columns = subject.columns(rows);
    if rows == 1 {
        let rate = 1.0 / row_time(&kernel, &columns, if place.quick { 10 } else { 20_000 });
        return Rates { ours: [rate; 2], c: [0.0; 2] };
    }
    let threads = [1, place.machine.threads()];
    let name = function_name(subject, what);
    let fast: Vec<&Library> = place
        .c
        .into_iter()
        .flat_map(InAllWays::libraries)
        .filter(|(_, flags, library)| flags.arithmetic == Arithmetic::Fast && library.has(&name))
        .map(|(_, _, library)| library)
        .collect();
    let mut results: Vec<Columns> =
        (0..2 * (1 + fast.len())).map(|_| Columns::zeros(outputs, rows)).collect();
    let mut sides: Vec<Side<'_>> = Vec::new();
    for (k, results) in results.iter_mut().enumerate() {
        let threads = threads[k % 2];
        match k / 2 {
            0 => sides.push(kernel_side(&kernel, &columns, results, threads)),
            k => sides.extend(fast[k - 1].side(&name, &columns, results, threads)),
        }
    }
    let effort = if place.quick { Effort::ONCE } else { Effort { rounds: 200, seconds: 0.5 } };
    let rates: Vec<f64> =
        interleaved(&mut sides, effort).iter().map(|seconds| rows as f64 / seconds).collect();
    let best_c = |k: usize| rates[2..].iter().skip(k).step_by(2).fold(0.0, |a: f64, &b| a.max(b));
    let rates = Rates { ours: [rates[0], rates[1]], c: [best_c(0), best_c(1)] };
    if bytes > CACHE_BYTES {
        // Few columns are written beside many that are read, or about as many.
        let (kind, limits) = if outputs < inputs / 4 {
            ("read", place.machine.bandwidth().map(|b| b.read))
        } else {
            ("triad", place.machine.bandwidth().map(|b| b.triad))
        };
        for (k, threads) in ["one thread", "all threads"].iter().enumerate() {
            let reached = |rate: f64| rate * bytes as f64 / rows as f64 / 1e9;
            limited.push(format!(
                "{:<24}{:<9}{rows:>8} rows, {threads:<11}{:>7.1} GB/s, {:>4.0} % of {kind}; C {:>4.0} %",
                subject.name,
                what.name(),
                reached(rates.ours[k]),
                reached(rates.ours[k]) / limits[k] * 100.0,
                reached(rates.c[k]) / limits[k] * 100.0
            ));
        }
    }
    rates
}

/// Seconds per call with a single row.
fn row_time(kernel: &Kernel, inputs: &Columns, calls: usize) -> f64 {
    let row: Vec<f64> = inputs.iter().map(|column| column[0]).collect();
    let mut outputs = vec![0.0; kernel.shape().outputs];
    let mut space = Workspace::new();
    let calls = calls.min(2_000_000 / row.len());
    let seconds = best(5, || {
        for _ in 0..calls {
            kernel
                .evaluate_row(black_box(&row), &[], &mut outputs, &mut [], &mut space)
                .expect("the row fits");
        }
    });
    seconds / calls as f64
}
