//! The bench set: the programs of the corpus in every tier beside C by the machine's compiler, value and value with
//! gradient; batches and threads beside published figures; compile times by stage; what the machine can do.
//!
//! `cargo bench --bench table -- [--json FILE] [--svg FILE] [--test] [NAME…]` prints it and writes the figures and a plot.
//! With parts of names of programs it only compares these with C. With `--test` everything runs once, on few rows.

mod batches;
mod comparison;
mod compile;

mod plot;
#[path = "../support/mod.rs"]
mod support;
mod ulp;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use batches::Place;
use comparison::{InAllWays, Line, What};
use support::c::Compiler;
use support::machine::Machine;
use support::programs::{Subject, bench_set};
use support::timing::Effort;

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    quick: bool,
    json: Option<PathBuf>,
    svg: Option<PathBuf>,
    names: Vec<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments::default();
        while let Some(word) = words.next() {
            let mut file = || words.next().map(PathBuf::from).ok_or(format!("{word} needs a file"));
            match word.as_str() {
                "--test" => arguments.quick = true,
                // What cargo adds.
                "--bench" => {}
                "--json" => arguments.json = Some(file()?),
                "--svg" => arguments.svg = Some(file()?),
                unknown if unknown.starts_with('-') => return Err(format!("unknown option {unknown}")),
                _ => arguments.names.push(word),
            }
        }
        Ok(arguments)
    }

    fn chooses(&self, subject: &Subject) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| subject.name.contains(name.as_str()))
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}; usage: table [--json FILE] [--svg FILE] [--test] [NAME…]");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let quick = arguments.quick;
    let machine = Machine::measure(quick);
    machine.print();
    let compiler = Compiler::find();
    match &compiler {
        Some(compiler) => println!("C: {}", compiler.version),
        None => println!("no C compiler found: the columns of C stay empty"),
    }
    let all = bench_set();
    let (rows, effort) =
        if quick { (64, Effort::ONCE) } else { (10_000, Effort { rounds: 60, seconds: 0.5 }) };
    let subjects: Vec<&Subject> = all.iter().filter(|subject| arguments.chooses(subject)).collect();
    let c = compiler.as_ref().map(|compiler| InAllWays::build(compiler, &subjects, quick));
    let lines = compare(&subjects, c.as_ref(), rows, effort);
    let everything = arguments.names.is_empty();
    let batches =
        everything.then(|| batches::print(&all, &Place { machine: &machine, c: c.as_ref(), quick }));
    let compile = everything.then(|| compile::print(quick));
    let errors = compiler
        .as_ref()
        .filter(|_| everything)
        .map(|compiler| ulp::print(compiler, if quick { 100 } else { 200_000 }));
    if let Some(path) = &arguments.json {
        let figures = json!({
            "machine": machine.json(),
            "compiler": compiler.as_ref().map(|compiler| compiler.version.as_str()),
            "rows": rows,
            "comparison": lines.iter().map(Line::json).collect::<Vec<_>>(),
            "batches": batches,
            "compile": compile,
            "ulp": errors,
        });
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    if let Some(path) = &arguments.svg {
        let title =
            format!("Time relative to the best C: {}, one thread, {rows} rows, binary64", machine.name());
        plot::write(path, &lines, &title)?;
    }
    Ok(())
}

/// Measures and prints the comparison with C.
fn compare(subjects: &[&Subject], c: Option<&InAllWays>, rows: usize, effort: Effort) -> Vec<Line> {
    comparison::print_head(rows);
    let mut lines = Vec::new();
    for subject in subjects {
        let of_subject = What::BOTH.map(|what| comparison::measure(subject, what, c, rows, effort));
        comparison::print_line(&of_subject);
        lines.extend(of_subject);
    }
    comparison::print_summary(&lines);
    lines
}
