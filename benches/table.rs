//! The comparison table: compile time, throughput against the interpreters, against published expression evaluators
//! and against C, all measured side by side in one run.
//!
//! `cargo bench --bench table` prints it. With `--test` everything runs once, on few rows.

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use nc_runtime::batch::{Kernel as _, Workspace, evaluate_row};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier};
use support::{Case, best, columns, kernel_time, laws, throughput};

fn median(repeats: usize, mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..repeats).map(|_| best(1, &mut work)).collect();
    times.sort_by(f64::total_cmp);
    times[repeats / 2]
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

fn compile(case: &Case, derivative: Derivative, tier: Tier) -> Kernel {
    let options = CompileOptions { derivative, tier, ..CompileOptions::default() };
    Program::parse(&case.scheme).and_then(|program| program.compile(&options)).expect("the program compiles")
}

/// Nanoseconds per call of a single row.
fn row_time(kernel: &Kernel, inputs: &[Vec<f64>], calls: usize) -> f64 {
    let row: Vec<f64> = inputs.iter().map(|column| column[0]).collect();
    let mut outputs = vec![0.0; kernel.shape().outputs];
    let mut space = Workspace::new();
    let seconds = best(5, || {
        for _ in 0..calls {
            evaluate_row(kernel, black_box(&row), &[], &mut outputs, &mut [], &mut space)
                .expect("the row fits");
        }
    });
    seconds * 1e9 / calls as f64
}

/// Nanoseconds per evaluation by the published evaluators that take the expression.
fn evaluators(case: &Case, inputs: &[Vec<f64>], rows: usize) -> BTreeMap<&'static str, f64> {
    let mut times = BTreeMap::new();
    let per_row = |seconds: f64| seconds * 1e9 / rows as f64;

    // exmex has no comparisons.
    if let Ok(expression) = exmex::parse::<f64>(&case.infix) {
        let ordered: Vec<&Vec<f64>> = exmex::Express::var_names(&expression)
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
                for (name, column) in case.inputs.iter().zip(inputs) {
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
fn fasteval_time(case: &Case, inputs: &[Vec<f64>], rows: usize) -> Option<f64> {
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
            for (value, column) in values.iter().zip(inputs) {
                value.set(column[row]);
            }
            black_box(compiled.eval(&slab, &mut namespace).expect("fasteval evaluates it"));
        }
    }))
}

type CFunction = unsafe extern "C" fn(*const *const f64, *mut f64, usize);

/// The same loops in C, compiled for 128-bit vectors with the C library's vector functions.
struct CProgram {
    library: libloading::Library,
}

impl CProgram {
    fn build(cases: &[Case], folder: &Path) -> Option<CProgram> {
        let mut text = String::from("#include <stddef.h>\n#include <math.h>\n");
        for (k, case) in cases.iter().enumerate() {
            text.push_str(&format!(
                "void f{k}(const double *const *in, double *restrict out, size_t n) {{\n"
            ));
            for (i, name) in case.inputs.iter().enumerate() {
                text.push_str(&format!("  const double *restrict p_{name} = in[{i}];\n"));
            }
            text.push_str("  #pragma omp simd\n  for (size_t i = 0; i < n; i++) {\n");
            for name in &case.inputs {
                text.push_str(&format!("    double {name} = p_{name}[i];\n"));
            }
            text.push_str(&format!("    out[i] = {};\n  }}\n}}\n", case.c));
        }
        let (source, library) = (folder.join("loops.c"), folder.join("loops.so"));
        std::fs::write(&source, text).ok()?;
        let flags = "-O3 -march=native -mprefer-vector-width=128 -mno-avx512f -fno-math-errno -fno-trapping-math \
                     -ffp-contract=off -fopenmp -shared -fPIC";
        let status = Command::new("cc")
            .args(flags.split_whitespace())
            .arg("-o")
            .arg(&library)
            .arg(&source)
            .arg("-lm")
            .status();
        if !status.is_ok_and(|s| s.success()) {
            return None;
        }
        // SAFETY: the library was built above and has no initialisers of its own.
        let library = unsafe { libloading::Library::new(&library) }.ok()?;
        Some(CProgram { library })
    }

    fn time(&self, k: usize, inputs: &[Vec<f64>], repeats: usize) -> f64 {
        let rows = inputs[0].len();
        let pointers: Vec<*const f64> = inputs.iter().map(|column| column.as_ptr()).collect();
        let mut output = vec![0.0; rows];
        // SAFETY: the symbol was generated with this signature.
        let function: libloading::Symbol<'_, CFunction> =
            unsafe { self.library.get(format!("f{k}").as_bytes()) }.expect("the function exists");
        let seconds = best(repeats, || {
            // SAFETY: there is a column of `rows` numbers for each input and the output.
            unsafe { function(pointers.as_ptr(), output.as_mut_ptr(), rows) }
        });
        black_box(&output);
        seconds * 1e9 / rows as f64
    }
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--test");
    let (rows, repeats) = if quick { (64, 2) } else { (10_000, 300) };
    let (paper, laws) = (throughput(), laws());
    let paper_count = paper.len();
    let cases: Vec<Case> = paper.into_iter().chain(laws).collect();
    let folder = std::env::temp_dir().join(format!("nc-table-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let c = CProgram::build(&cases, &folder);
    if c.is_none() {
        println!("no C compiler found: the C column stays empty");
    }

    println!("One thread, {rows} rows, binary64, columns in memory; ns per row, best of {repeats} repeats.");
    println!(
        "C: 128-bit vectors, vector maths library, no contraction. evaluator: the fastest of those that take the program."
    );
    println!(
        "{:<13}{:>9}{:>9}{:>9}{:>8}{:>11}{:>8}{:>12}{:>9}{:>10}{:>10}{:>9}",
        "program", "value", "+grad", "C", "/C", "evaluator", "x", "", "interp", "compile", "+grad", "1 row"
    );
    println!("{:>84}{:>18}{:>21}", "", "", "µs        µs        ns");
    let (mut to_c, mut to_evaluator, mut compile_times) = (Vec::new(), Vec::new(), Vec::new());
    for (k, case) in cases.iter().enumerate() {
        let inputs = columns(case.inputs.len(), rows);
        let value = compile(case, Derivative::None, Tier::Cranelift);
        let gradient = compile(case, Derivative::Gradient, Tier::Cranelift);
        let interpreter = compile(case, Derivative::None, Tier::Interpret);
        let ours = kernel_time(&value, &inputs, repeats).0;
        let with_gradient = kernel_time(&gradient, &inputs, repeats).0;
        let interpreted = kernel_time(&interpreter, &inputs, 2).0;
        let theirs = c.as_ref().map(|c| c.time(k, &inputs, repeats));
        let published = evaluators(case, &inputs, rows);
        let fastest = published.iter().min_by(|a, b| a.1.total_cmp(b.1));
        let compiling = |derivative: Derivative| {
            median(if quick { 1 } else { 101 }, || {
                black_box(compile(case, derivative.clone(), Tier::Cranelift));
            }) * 1e6
        };
        let (compile_value, compile_gradient) =
            (compiling(Derivative::None), compiling(Derivative::Gradient));
        let single = row_time(&value, &inputs, if quick { 10 } else { 10_000 });
        if let Some(theirs) = theirs {
            to_c.push(ours / theirs);
        }
        if let Some((_, &time)) = fastest {
            to_evaluator.push((k < paper_count, time / ours));
        }
        compile_times.push((compile_value, compile_gradient));
        let number = |x: Option<f64>, digits: usize| x.map_or("-".to_string(), |x| format!("{x:.digits$}"));
        println!(
            "{:<13}{:>9.3}{:>9.3}{:>9}{:>8}{:>11}{:>8}{:>12}{:>9.1}{:>10.0}{:>10.0}{:>9.0}",
            case.name,
            ours,
            with_gradient,
            number(theirs, 3),
            number(theirs.map(|t| ours / t), 2),
            number(fastest.map(|f| *f.1), 1),
            number(fastest.map(|f| f.1 / ours), 0),
            fastest.map_or("", |f| f.0),
            interpreted,
            compile_value,
            compile_gradient,
            single,
        );
    }
    if !to_c.is_empty() {
        println!(
            "\nagainst C: geometric mean {:.2}, worst {:.2}",
            geometric_mean(&to_c),
            to_c.iter().fold(0.0, |a: f64, &b| a.max(b))
        );
        println!(
            "  throughput programs: worst {:.2}",
            to_c[..paper_count].iter().fold(0.0, |a: f64, &b| a.max(b))
        );
    }
    for (which, paper) in [("throughput programs", true), ("laws", false)] {
        let ratios: Vec<f64> = to_evaluator.iter().filter(|r| r.0 == paper).map(|r| r.1).collect();
        println!(
            "against the fastest published evaluator, {which}: geometric mean {:.0} times, least {:.0} times",
            geometric_mean(&ratios),
            ratios.iter().fold(f64::INFINITY, |a, &b| a.min(b))
        );
    }
    let mid = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!(
        "compile, text to callable kernel: median {:.0} µs for the value, {:.0} µs with the gradient",
        mid(compile_times.iter().map(|t| t.0).collect()),
        mid(compile_times.iter().map(|t| t.1).collect())
    );
    by_size(quick);
    break_even(&cases, quick);
    let _ = std::fs::remove_dir_all(&folder);
}

/// Compile time of large programs, per operation: where it grows linearly, the columns are alike.
fn by_size(quick: bool) {
    println!("\ncompile time of the value by program size, µs per operation:");
    let sizes: &[usize] = if quick { &[100] } else { &[1000, 10_000, 100_000] };
    let chain = |n: usize| format!("{}x{}", "(+ (* ".repeat(n / 2), " y) 0.5)".repeat(n / 2));
    let programs: [(&str, &dyn Fn(usize) -> String); 2] =
        [("balanced sum of products", &|n| support::tree(n / 2).scheme), ("dependent chain", &chain)];
    for (name, text) in programs {
        print!("  {name:<26}");
        for &size in sizes {
            let text = text(size);
            let seconds = best(if quick { 1 } else { 3 }, || {
                let options = CompileOptions { tier: Tier::Cranelift, ..CompileOptions::default() };
                black_box(Program::parse(&text).and_then(|p| p.compile(&options)).expect("it compiles"));
            });
            print!("  {size}: {:.2}", seconds * 1e6 / size as f64);
        }
        println!();
    }
}

/// After how many rows compiling has paid for itself, against the project's own interpreter of the value.
fn break_even(cases: &[Case], quick: bool) {
    println!("\nbreak-even with the interpreter, compile time included:");
    for case in cases.iter().filter(|c| ["add", "Gaussian", "chain_250"].contains(&c.name.as_str())) {
        let inputs = columns(case.inputs.len(), 1000);
        let repeats = if quick { 1 } else { 20 };
        let seconds = |tier| {
            median(repeats, || {
                black_box(compile(case, Derivative::None, tier));
            })
        };
        let (native, interpreted) = (seconds(Tier::Cranelift), seconds(Tier::Interpret));
        let kernel = kernel_time(&compile(case, Derivative::None, Tier::Cranelift), &inputs, repeats).0;
        let interpreter = kernel_time(&compile(case, Derivative::None, Tier::Interpret), &inputs, repeats).0;
        let rows = (native - interpreted).max(0.0) * 1e9 / (interpreter - kernel);
        println!("  {:<12} {rows:.0} rows", case.name);
    }
}
