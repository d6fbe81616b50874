//! Published expression evaluators beside this compiler: time per row, one row at a time and in batches, and after how
//! many rows compiling has paid for itself.
//!
//! `cargo bench --bench evaluators` prints it. With `--test` everything runs once, on few rows.

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;

use nc_runtime::batch::{Kernel as _, Workspace};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier};
use support::cases::{Case, columns, laws, throughput};
use support::columns::Columns;
use support::timing::{best, geometric_mean, kernel_time, median};

fn compile(case: &Case, tier: Tier) -> Kernel {
    let options = CompileOptions::default().derivative(Derivative::None).tier(tier);
    Program::parse(&case.scheme).and_then(|program| program.compile(&options)).expect("the program compiles")
}

/// Nanoseconds per call of a single row.
fn row_time(kernel: &Kernel, inputs: &Columns, calls: usize) -> f64 {
    let row: Vec<f64> = inputs.iter().map(|column| column[0]).collect();
    let mut outputs = vec![0.0; kernel.shape().outputs];
    let mut space = Workspace::new();
    let seconds = best(5, || {
        for _ in 0..calls {
            kernel
                .evaluate_row(black_box(&row), &[], &mut outputs, &mut [], &mut space)
                .expect("the row fits");
        }
    });
    seconds * 1e9 / calls as f64
}

/// Nanoseconds per evaluation by the published evaluators that take the expression.
fn evaluators(case: &Case, inputs: &Columns, rows: usize) -> BTreeMap<&'static str, f64> {
    let mut times = BTreeMap::new();
    let per_row = |seconds: f64| seconds * 1e9 / rows as f64;

    // exmex has no comparisons.
    if let Ok(expression) = exmex::parse::<f64>(&case.infix) {
        let ordered: Vec<&[f64]> = exmex::Express::var_names(&expression)
            .iter()
            .map(|name| &inputs[case.inputs.iter().position(|input| input == name).expect("an input")])
            .collect();
        let mut values = vec![0.0; ordered.len()];
        let seconds = best(5, || {
            for row in 0..rows {
                for (value, column) in values.iter_mut().zip(&ordered) {
                    *value = column[row];
                }
                black_box(exmex::Express::eval(&expression, &values).expect("exmex evaluates it"));
            }
        });
        times.insert("exmex", per_row(seconds));
    }

    let program = evalexpr::build_operator_tree::<evalexpr::DefaultNumericTypes>(&evalexpr_text(case));
    // Its logic is not that of numbers.
    if let (Ok(program), false) = (program, case.infix.contains(['>', '&'])) {
        use evalexpr::ContextWithMutableVariables;
        let mut context = evalexpr::HashMapContext::<evalexpr::DefaultNumericTypes>::new();
        let seconds = best(2, || {
            for row in 0..rows.min(1000) {
                for (name, column) in case.inputs.iter().zip(inputs.iter()) {
                    context.set_value(name.clone(), evalexpr::Value::Float(column[row])).expect("a number");
                }
                black_box(program.eval_number_with_context(&context).expect("evalexpr evaluates it"));
            }
        });
        times.insert("evalexpr", seconds * 1e9 / rows.min(1000) as f64);
    }

    if let Some(seconds) = fasteval_time(case, inputs, rows) {
        times.insert("fasteval", per_row(seconds));
    }
    times
}

/// evalexpr calls functions in a module and has only floats for `/` if its operands are floats.
fn evalexpr_text(case: &Case) -> String {
    let mut text = case.infix.clone();
    for function in ["exp", "sin", "sqrt"] {
        text = text.replace(&format!("{function}("), &format!("math::{function}("));
    }
    text
}

/// fasteval in its fastest mode: compiled, variables read through pointers. It refuses deep nesting.
fn fasteval_time(case: &Case, inputs: &Columns, rows: usize) -> Option<f64> {
    use fasteval::{Compiler, Evaler};
    let mut slab = fasteval::Slab::new();
    let values: Vec<std::cell::Cell<f64>> = vec![std::cell::Cell::new(0.0); case.inputs.len()];
    for (name, value) in case.inputs.iter().zip(&values) {
        // SAFETY: the cells outlive the slab's last use below and are not moved.
        unsafe { slab.ps.add_unsafe_var(name.clone(), &*value.as_ptr()) };
    }
    // It has no sqrt and no exp of its own.
    let text = case.infix.replace("exp(", "e()^(").replace("sqrt(", "root2(");
    let mut namespace = |name: &str, args: Vec<f64>| match (name, args.as_slice()) {
        ("root2", [x]) => Some(x.sqrt()),
        _ => None,
    };
    let compiled = fasteval::Parser::new()
        .parse(&text, &mut slab.ps)
        .ok()?
        .from(&slab.ps)
        .compile(&slab.ps, &mut slab.cs);
    Some(best(5, || {
        for row in 0..rows {
            for (value, column) in values.iter().zip(inputs.iter()) {
                value.set(column[row]);
            }
            black_box(compiled.eval(&slab, &mut namespace).expect("fasteval evaluates it"));
        }
    }))
}

fn main() {
    let quick = support::quick();
    let (rows, repeats) = if quick { (64, 1) } else { (10_000, 300) };
    let (paper, laws) = (throughput(), laws());
    let paper_count = paper.len();
    let cases: Vec<Case> = paper.into_iter().chain(laws).collect();
    println!(
        "Values, one thread, {rows} rows, binary64, columns in memory; ns per row, best of {repeats} repeats."
    );
    println!("evaluator: the fastest of those that take the program. 1 row: ns of a call with one row.");
    println!("{:<13}{:>9}{:>9}{:>11}{:>8}  evaluator", "program", "value", "1 row", "evaluator", "times");
    let mut ratios = Vec::new();
    for (k, case) in cases.iter().enumerate() {
        let inputs = columns(case.inputs.len(), rows);
        let kernel = compile(case, Tier::Auto);
        let ours = kernel_time(&kernel, &inputs, repeats).0;
        let single = row_time(&kernel, &inputs, if quick { 10 } else { 10_000 });
        let published = evaluators(case, &inputs, rows);
        let Some((name, time)) = published.iter().min_by(|a, b| a.1.total_cmp(b.1)) else {
            println!("{:<13}{ours:>9.3}{single:>9.0}{:>11}{:>8}", case.name, "-", "-");
            continue;
        };
        println!("{:<13}{ours:>9.3}{single:>9.0}{time:>11.1}{:>8.0}  {name}", case.name, time / ours);
        ratios.push((k < paper_count, time / ours));
    }
    for (which, paper) in [("throughput programs", true), ("laws", false)] {
        let ratios: Vec<f64> = ratios.iter().filter(|r| r.0 == paper).map(|r| r.1).collect();
        println!(
            "against the fastest published evaluator, {which}: geometric mean {:.0} times, least {:.0} times",
            geometric_mean(&ratios),
            ratios.iter().fold(f64::INFINITY, |a, &b| a.min(b))
        );
    }
    break_even(&cases, quick);
}

/// After how many rows compiling has paid for itself, against the project's own interpreter of the value.
fn break_even(cases: &[Case], quick: bool) {
    println!("\nbreak-even with the interpreter, compile time included:");
    for case in cases.iter().filter(|c| ["add", "Gaussian", "chain_250"].contains(&c.name.as_str())) {
        let inputs = columns(case.inputs.len(), 1000);
        let repeats = if quick { 1 } else { 20 };
        let seconds = |tier| {
            median(repeats, || {
                black_box(compile(case, tier));
            })
        };
        let (native, interpreted) = (seconds(Tier::Auto), seconds(Tier::Interpret));
        let kernel = kernel_time(&compile(case, Tier::Auto), &inputs, repeats).0;
        let interpreter = kernel_time(&compile(case, Tier::Interpret), &inputs, repeats).0;
        let rows = (native - interpreted).max(0.0) * 1e9 / (interpreter - kernel);
        println!("  {:<12} {rows:.0} rows", case.name);
    }
}
