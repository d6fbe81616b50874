//! Measures every recipe against references of high precision and prints the largest errors.
//!
//! `cargo run --release -p nc-runtime --example ulp -- [--samples N] [--pairs N] [name…]`
//!
//! Without names all functions are measured. `--samples` is the number of random arguments of each function,
//! `--pairs` the number of random neighbouring pairs that are checked for monotonicity. Without the FMA target
//! feature every `mul_add` is a library call; `RUSTFLAGS="-C target-cpu=native"` makes the run shorter, not
//! different.

mod exponential;
#[path = "../../tests/support/mod.rs"]
mod support;
mod trigonometric;

use std::process::ExitCode;
use support::{Effort, Kind, Row};

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

    let rows: Vec<Row> = [exponential::rows(), trigonometric::rows()].into_iter().flatten().collect();
    if let Some(unknown) = names.iter().find(|name| rows.iter().all(|row| row.name != **name)) {
        eprintln!("no recipe named {unknown}");
        return ExitCode::from(2);
    }
    println!(
        "{:<10} {:>10} {:>8}  {:<48} {:>10} {:>10}  at",
        "function", "samples", "max ULP", "at", "pairs", "violations"
    );
    for row in rows.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)) {
        let found = row.measure(effort);
        let at = match row.kind {
            Kind::One { .. } => format!("{:e}", found.at.0),
            Kind::Two { .. } => format!("{:e} {:e}", found.at.0, found.at.1),
        };
        let violation = if found.violations > 0 { format!("{:e}", found.violation) } else { String::new() };
        println!(
            "{:<10} {:>10} {:>8.4}  {:<48} {:>10} {:>10}  {violation}",
            row.name, found.samples, found.max_ulp, at, found.pairs, found.violations
        );
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: ulp [--samples N] [--pairs N] [name…]");
    ExitCode::from(2)
}
