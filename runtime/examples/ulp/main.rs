//! Measures every recipe against references of high precision and prints the largest errors.
//!
//! `cargo run --release -p nc-runtime --example ulp -- [--samples N] [--pairs N] [name…]`
//!
//! Without names all functions are measured. `--samples` is the number of random arguments of each function,
//! `--pairs` the number of random neighbouring pairs that are checked for monotonicity. If the first name is
//! `single`, the recipes in binary32 are measured instead: at all 2³² arguments, those of two arguments at a
//! hundred times `--samples`. Without the FMA target feature every `mul_add` is a library call;
//! `RUSTFLAGS="-C target-cpu=native"` makes the run shorter, not different.

mod complex;
mod exponential;
mod single;
mod slope;
mod special;
#[path = "../../tests/support/mod.rs"]
mod support;
mod trigonometric;

use nc_runtime::lanes::Precision;
use std::process::ExitCode;
use support::{Effort, Found, Rng, parallel};

fn main() -> ExitCode {
    let mut effort = Effort { samples: 400_000, pairs: 10_000_000, neighbours: 6, threads: 2 };
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.replace('_', "").parse().ok());
        match argument.as_str() {
            "--samples" => match number() {
                Some(samples) => effort.samples = samples,
                None => return usage(),
            },
            "--pairs" => match number() {
                Some(pairs) => effort.pairs = pairs,
                None => return usage(),
            },
            name if name.starts_with('-') => return usage(),
            _ => names.push(argument),
        }
    }

    let single = names.first().is_some_and(|name| name == "single");
    let measurements = if single { single_rows(effort) } else { double_rows(effort) };
    let names = &names[usize::from(single)..];
    if let Some(unknown) = names.iter().find(|name| measurements.iter().all(|(known, _)| known != name)) {
        eprintln!("no recipe named {unknown}");
        return ExitCode::from(2);
    }
    println!(
        "{:<10} {:>10} {:>8}  {:<48} {:>10} {:>10}  at",
        "function", "samples", "max ULP", "at", "pairs", "violations"
    );
    for (name, measure) in measurements {
        if names.is_empty() || names.iter().any(|chosen| chosen == name) {
            print(name, &measure());
        }
    }
    ExitCode::SUCCESS
}

/// The name of a function and its measurement.
type Measurement = (&'static str, Box<dyn FnOnce() -> Found>);

fn double_rows(effort: Effort) -> Vec<Measurement> {
    let rows = [exponential::rows(), trigonometric::rows(), complex::rows(), slope::rows(), special::rows()]
        .into_iter()
        .flatten();
    let rows = rows.map(|row| -> Measurement { (row.name, Box::new(move || row.measure(effort))) });
    let conditioned =
        special::conditioned().into_iter().flat_map(move |function| conditioned_rows(function, effort, 0));
    rows.chain(complex_rows(Precision::Double, effort)).chain(conditioned).collect()
}

/// The functions of two complex numbers.
fn complex_rows(precision: Precision, effort: Effort) -> impl Iterator<Item = Measurement> {
    complex::fours().into_iter().flat_map(move |function| {
        [0, 1].map(|i| -> Measurement {
            let measure = function.clone();
            (function.names[i], Box::new(move || measure.measure(precision, i == 1, effort)))
        })
    })
}

/// All arguments of the functions of one argument, random ones for those of two.
fn single_rows(effort: Effort) -> Vec<Measurement> {
    let threads = effort.threads;
    let ones = single::ones().into_iter().map(|function| -> Measurement {
        let share = (1 << 32) / threads;
        // One more, so that no pair of neighbours is missed between two parts.
        let bits = move |part: u64| (part * share).saturating_sub(1)..(part + 1) * share;
        (function.name, Box::new(move || parallel(threads, |part| function.sweep(bits(part)))))
    });
    let twos = single::twos()
        .into_iter()
        .chain(complex::singles())
        .chain(slope::singles())
        .chain(special::singles())
        .map(|function| -> Measurement {
            let samples = 100 * effort.samples / threads;
            (
                function.name,
                Box::new(move || parallel(threads, |part| function.sample(&mut Rng(part), samples))),
            )
        });
    let conditioned =
        special::conditioned().into_iter().flat_map(move |function| conditioned_rows(function, effort, 1));
    ones.chain(twos).chain(complex_rows(Precision::Single, effort)).chain(conditioned).collect()
}

/// Functions whose bound depends on the condition number: errors are shares of their bounds.
fn conditioned_rows(function: special::Conditioned, effort: Effort, format: usize) -> Option<Measurement> {
    let name = function.name;
    let measure = move || parallel(effort.threads, |part| function.measure(effort, part)[format].clone());
    Some((name, Box::new(measure)))
}

fn print(name: &str, found: &Found) {
    let (x, y) = found.at;
    let at = if y == 0.0 { format!("{x:e}") } else { format!("{x:e} {y:e}") };
    let violation = if found.violations > 0 { format!("{:e}", found.violation) } else { String::new() };
    println!(
        "{name:<10} {:>10} {:>8.4}  {at:<48} {:>10} {:>10}  {violation}",
        found.samples, found.max_ulp, found.pairs, found.violations
    );
}

fn usage() -> ExitCode {
    eprintln!("usage: ulp [--samples N] [--pairs N] [name…]");
    ExitCode::from(2)
}
