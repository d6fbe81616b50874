//! Batches of several sizes on one and all threads, beside what others have published.

use std::hint::black_box;

use nc_runtime::batch::{Kernel as _, Workspace};
use neural_compiler::{Kernel, Tier};
use serde_json::{Value, json};

use crate::comparison::What;
use crate::machine::Machine;
use crate::support::columns::Columns;
use crate::support::programs::{PUBLISHED, PUBLISHED_ROWS, Published, Subject};
use crate::support::timing::{Effort, best, interleaved, kernel_side};

/// Columns of more bytes than this are left out.
const MOST_BYTES: usize = 1 << 30;

/// Columns of more bytes than this are not in a cache.
const CACHE_BYTES: usize = 64 << 20;

/// Samples per second, on one thread and on all.
#[derive(Debug, Clone, Copy)]
struct Rates([f64; 2]);

/// Prints samples per second of the paper's throughput programs, and returns them.
pub fn print(subjects: &[Subject], machine: &Machine, quick: bool) -> Value {
    println!(
        "\nSamples per second, tier {}, binary64; on one thread, and on all {}.",
        Tier::Auto,
        machine.threads()
    );
    println!(
        "Published: the paper's tables 6 and 9, and on 2 threads of a processor its implementation, both binary32, and NumPy."
    );
    println!(
        "{:<13}{:>9}  |{:>9}{:>9}  |{:>9}{:>9}  |{:>9}{:>9}{:>9}{:>9}",
        "", "", "value", "all", "gradient", "all", "paper", "CPU", "+backward", "NumPy"
    );
    let mut figures = Vec::new();
    let mut limited = Vec::new();
    let mut missed = Vec::new();
    for published in &PUBLISHED {
        let name = format!("throughput/{}", published.name);
        let Some(subject) = subjects.iter().find(|subject| subject.name == name) else { continue };
        let sizes: &[usize] = if quick { &[1, 100] } else { &[1, 100, 10_000, 1_000_000] };
        for &rows in sizes {
            let rates = What::BOTH.map(|what| rates(subject, what, rows, machine, quick, &mut limited));
            let figure = Figures::of(published, rows);
            figure.print(published.name, rows, rates);
            missed.extend(figure.missed(published.name, rows, rates));
            let rates_json =
                |rates: Option<Rates>| rates.map(|Rates([one, all])| json!({ "one": one, "all": all }));
            figures.push(json!({
                "program": published.name,
                "rows": rows,
                "value": rates_json(rates[0]),
                "gradient": rates_json(rates[1]),
                "published": figure.json(),
            }));
        }
    }
    println!(
        "not above what is published: {}",
        if missed.is_empty() { "none".into() } else { missed.join(", ") }
    );
    println!("\nLimited by memory: how much of the bandwidth measured above is reached.");
    limited.iter().for_each(|line| println!("  {line}"));
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

    fn print(&self, name: &str, rows: usize, rates: [Option<Rates>; 2]) {
        print!("{name:<13}{rows:>9}  |");
        for rates in rates {
            let [one, all] = rates.map_or([0.0; 2], |rates| rates.0);
            print!("{:>9}{:>9}  |", rate(one), rate(all));
        }
        let [forward, backward] = self.processor;
        println!("{:>9}{:>9}{:>9}{:>9}", rate(self.paper), rate(forward), rate(backward), rate(self.numpy));
    }

    fn json(&self) -> Value {
        json!({ "paper": self.paper, "processor": self.processor, "numpy": self.numpy })
    }

    /// What all threads together do not exceed.
    fn missed(&self, name: &str, rows: usize, rates: [Option<Rates>; 2]) -> Vec<String> {
        let [value, gradient] = rates.map(|rates| rates.map_or(0.0, |rates| rates.0[1]));
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

/// The rates of a program; `None` if its columns are too large. Batches that no cache holds get a line that says how
/// close to the limit of memory they come.
fn rates(
    subject: &Subject,
    what: What,
    rows: usize,
    machine: &Machine,
    quick: bool,
    limited: &mut Vec<String>,
) -> Option<Rates> {
    let kernel = subject.kernel(what.derivative(), Tier::Auto);
    let (inputs, outputs) = (kernel.shape().inputs, kernel.shape().outputs);
    let bytes = (inputs + outputs) * rows * size_of::<f64>();
    if bytes > MOST_BYTES {
        return None;
    }
    let columns = subject.columns(rows);
    if rows == 1 {
        let rate = 1.0 / row_time(&kernel, &columns, if quick { 10 } else { 20_000 });
        return Some(Rates([rate; 2]));
    }
    let mut results = [1, 0].map(|_| Columns::zeros(outputs, rows));
    let [one, all] = &mut results;
    let mut sides = [kernel_side(&kernel, &columns, one, 1), kernel_side(&kernel, &columns, all, 0)];
    let effort = if quick { Effort::ONCE } else { Effort { rounds: 200, seconds: 0.5 } };
    let times = interleaved(&mut sides, effort);
    if bytes > CACHE_BYTES {
        // Where more is written than read, lines that are written have been read first.
        let (kind, limits) = if outputs < inputs / 4 {
            ("read", machine.bandwidth().map(|b| b.read))
        } else {
            ("triad", machine.bandwidth().map(|b| b.triad))
        };
        for ((threads, time), limit) in ["one thread", "all threads"].iter().zip(&times).zip(limits) {
            let reached = bytes as f64 / time / 1e9;
            limited.push(format!(
                "{:<24}{:<9}{rows:>8} rows, {threads:<11}{reached:>7.1} GB/s, {:>4.0} % of {kind}",
                subject.name,
                what.name(),
                reached / limit * 100.0
            ));
        }
    }
    Some(Rates([0, 1].map(|k| rows as f64 / times[k])))
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
