//! How long compilation takes, from the text to a kernel that can be called, in a warm process.

use std::hint::black_box;
use std::time::Instant;

use neural_compiler::{CompileOptions, Dialect, Program, StageTimes, Tier};
use serde_json::{Value, json};

use crate::comparison::What;
use crate::support::cases::tree;
use crate::support::programs::{Subject, directory};
use crate::support::timing::{best, middle};

/// Programs that are reported by themselves.
const LARGE: [&str; 2] = ["throughput/chain_250", "throughput/tree_1000"];

/// Prints the times by stage of the throughput programs and the paper's fifteen laws, and returns them.
pub fn print(quick: bool) -> Value {
    let laws = directory("feynman").into_iter().filter(|law| law.name.contains("/table7-"));
    let subjects: Vec<Subject> = directory("throughput").into_iter().chain(laws).collect();
    println!("\nCompilation, text to callable kernel, tier {}; µs, medians.", Tier::Auto);
    println!(
        "{:<38}{:<10}{:>10} ={:>10}{:>10}{:>10}{:>10}{:>10}",
        "program", "", "whole", "read", "graph", "derive", "lower", "codegen"
    );
    let mut figures = Vec::new();
    let mut totals: Vec<(What, f64)> = Vec::new();
    for subject in &subjects {
        let large = LARGE.contains(&subject.name.as_str());
        let repeats = match (quick, large) {
            (true, _) => 1,
            (false, true) => 11,
            (false, false) => 101,
        };
        for what in What::BOTH {
            let options = subject.options(what.derivative(), Tier::Auto);
            let whole = middle((0..repeats).map(|_| whole_time(subject, &options)).collect());
            let measure = || StageTimes::measure(subject.text.as_bytes(), Dialect::Scheme, &options);
            let stages: Vec<StageTimes> = (0..repeats).filter_map(|_| measure().ok()).collect();
            let stages = StageTimes::median(&stages).map_or(Vec::new(), |times| times.named().to_vec());
            print!("{:<38}{:<10}{whole:>10.1}  ", subject.name, what.name());
            stages.iter().for_each(|(_, time)| print!("{:>10.1}", time.as_secs_f64() * 1e6));
            println!();
            if !large {
                totals.push((what, whole));
            }
            let by_stage =
                stages.iter().map(|(name, time)| (name.to_string(), json!(time.as_secs_f64() * 1e6)));
            figures.push(json!({
                "program": subject.name,
                "what": what.name(),
                "compile_us": whole,
                "stages": Value::Object(by_stage.collect()),
            }));
        }
    }
    for what in What::BOTH {
        let of = totals.iter().filter(|total| total.0 == what).map(|total| total.1);
        println!("median, {}, without {}: {:.0} µs", what.name(), LARGE.join(" and "), middle(of.collect()));
    }
    by_size(quick);
    Value::Array(figures)
}

/// One compilation, in microseconds.
fn whole_time(subject: &Subject, options: &CompileOptions) -> f64 {
    let start = Instant::now();
    let kernel = Program::parse(&subject.text).and_then(|program| program.compile(options));
    let time = start.elapsed();
    drop(black_box(kernel.expect("the program compiles")));
    time.as_secs_f64() * 1e6
}

/// Compile time of large programs, per operation: where it grows linearly, the columns are alike.
fn by_size(quick: bool) {
    println!("\ncompile time of the value by program size, µs per operation:");
    let sizes: &[usize] = if quick { &[100] } else { &[1000, 10_000, 100_000] };
    let chain = |n: usize| format!("{}x{}", "(+ (* ".repeat(n / 2), " y) 0.5)".repeat(n / 2));
    let programs: [(&str, &dyn Fn(usize) -> String); 2] =
        [("balanced sum of products", &|n| tree(n / 2).scheme), ("dependent chain", &chain)];
    for (name, text) in programs {
        print!("  {name:<26}");
        for &size in sizes {
            let text = text(size);
            let seconds = best(if quick { 1 } else { 3 }, || {
                let kernel = Program::parse(&text).and_then(|p| p.compile(&CompileOptions::default()));
                black_box(kernel.expect("it compiles"));
            });
            print!("  {size}: {:.2}", seconds * 1e6 / size as f64);
        }
        println!();
    }
}
