//! Random programs: every tier gives the same bits, and forward and reverse mode the same derivatives.
//!
//! `NC_PROGRAMS=100000 cargo test --release --test suite differential -- --nocapture` runs that many programs;
//! `NC_PROGRAMS=10000 cargo test --release --test suite no_tier_touches -- --nocapture` runs so many between guard pages.
//! `NC_SEED=n` begins with the program of seed n, which a failure reports.

use crate::support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use nc_runtime::batch::Kernel as _;
use nc_runtime::element::Element;
use nc_runtime::lanes::Precision;
use neural_compiler::internals::derive::tangent::{Direction, tangent};
use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::interpret::ast::{AstInterpreter, Scratch};
use neural_compiler::internals::kernel::derived;
use neural_compiler::{
    CompileOptions, Derivative, Dtype, Error, Kernel, Limits, Program, Signature, Source, TargetMachine, Tier,
};
use support::bounds::{Approx, Constants, reliable_outputs};
use support::generate::{Generated, Rng, Style, program, styled};
#[cfg(unix)]
use support::guarded;
use support::{Results, native_tiers, run, run_matrix, whole_derivative};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Runs `test` for seeds on all processors.
fn for_seeds(count: u64, test: impl Fn(u64) + Sync) {
    let first = setting("NC_SEED", 0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if k >= count {
                        break;
                    }
                    let seed = first + k;
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| test(seed))) {
                        println!("failed at seed {seed}");
                        resume_unwind(panic);
                    }
                }
            });
        }
    });
}

/// The program with the part of the signature that it knows.
fn compile(generated: &Generated, dtype: Dtype) -> Option<(Program, CompileOptions, Graph)> {
    let program = match Program::parse(&generated.text) {
        Ok(program) => program,
        Err(error) => panic!("{generated}\n{error}"),
    };
    let mut signature = Signature::scalars();
    let inputs: Vec<String> = program.inputs().map(str::to_string).collect();
    for (name, shape) in &generated.shapes {
        if inputs.contains(name) {
            signature = signature.shape(name, *shape);
        }
    }
    for name in &generated.parameters {
        if inputs.contains(name) || program.constants().any(|(known, _)| known == name) {
            signature = signature.parameter(name);
        }
    }
    // Loops that do not end are as good with fewer iterations than by default.
    let limits = program.limits();
    let limits = Limits { iterations: limits.iterations.min(10_000), ..limits };
    let options = CompileOptions::default().signature(signature).dtype(dtype).limits(limits);
    match program.graph_for(&options) {
        Ok(graph) => Some((program, options, graph)),
        // Constant indices out of range arise when a generated index folds.
        Err(Error::Source(diagnostics)) if diagnostics.iter().all(|d| d.to_string().contains("index")) => {
            None
        }
        Err(error) => panic!("{generated}\n{error}"),
    }
}

fn kernel(graph: &Graph, tier: Tier) -> Kernel {
    Kernel::from_graph(graph.clone(), &CompileOptions::default().tier(tier)).expect("a kernel")
}

struct Data {
    columns: Vec<Vec<f64>>,
    params: Vec<f64>,
}

impl Data {
    fn wild(graph: &Graph, rows: usize, rng: &mut Rng) -> Data {
        let (mut columns, mut params) = (Vec::new(), Vec::new());
        let wild = |rng: &mut Rng| match graph.precision {
            Precision::Double => rng.wild(),
            Precision::Single => rng.wild_single(),
        };
        for input in &graph.inputs {
            for _ in 0..input.shape.len() {
                if input.source == Source::Shared {
                    params.push(wild(rng));
                } else {
                    let mut column: Vec<f64> = (0..rows).map(|_| wild(rng)).collect();
                    // Ties between inputs.
                    if let Some(other) = columns.last() {
                        let other: &Vec<f64> = other;
                        for (x, &y) in column.iter_mut().zip(other) {
                            if rng.once_in(8) {
                                *x = y;
                            }
                        }
                    }
                    columns.push(column);
                }
            }
        }
        Data { columns, params }
    }

    fn run(&self, kernel: &Kernel, rows: usize, threads: usize) -> Results {
        let columns: Vec<Vec<f64>> = self.columns.iter().map(|c| c[..rows].to_vec()).collect();
        run(kernel, &columns, &self.params, rows, threads)
    }
}

fn same(generated: &Generated, data: &Data, what: &str, found: &Results, expected: &Results) {
    if found == expected {
        return;
    }
    let mut message = format!("{generated}\n{what} differs");
    for (k, (a, b)) in found.columns.iter().zip(&expected.columns).enumerate() {
        if let Some(row) = (0..a.len()).find(|&r| a[r] != b[r]) {
            let inputs: Vec<f64> = data.columns.iter().map(|c| c[row]).collect();
            let (a, b) = (f64::from_bits(a[row]), f64::from_bits(b[row]));
            message += &format!(
                "\ncolumn {k} row {row}: {a:e}, not {b:e}\ninputs {inputs:?}\nparameters {:?}",
                data.params
            );
            break;
        }
    }
    panic!(
        "{message}\nsums {:?}\n     {:?}\nfailed {} {}",
        found.sums, expected.sums, found.failed, expected.failed
    );
}

/// The first rows of results without sums over the batch.
fn rows_of(results: &Results, rows: usize) -> Vec<Vec<u64>> {
    results.columns.iter().map(|c| c[..rows].to_vec()).collect()
}

fn every_tier(generated: Generated, dtype: Dtype, differing: &AtomicUsize) {
    let seed = generated.seed;
    let Some((program, options, graph)) = compile(&generated, dtype) else { return };
    let rng = &mut Rng(seed ^ 0xda7a);
    let scalar = graph.outputs.len() == 1 && graph.ty(graph.outputs[0].node).is_scalar();
    let derivative = match rng.below(10) {
        0 => Derivative::Vjp,
        1 => Derivative::Jvp { seeds: 2 },
        2 if scalar && graph.len() < 60 => Derivative::Hessian,
        _ => whole_derivative(&graph),
    };
    let derived = derived(&graph, &options.clone().derivative(derivative)).expect("derivatives exist");
    // A Jacobian of large matrices is correct or not for the same reasons as that of small ones.
    if derived.len() > 20_000 {
        return;
    }
    differing.fetch_add(1, Ordering::Relaxed);
    let interpreted = kernel(&derived, Tier::Interpret);
    let alone = kernel(&graph, Tier::Interpret);
    // Cotangents and tangents are inputs behind those of the program.
    let all = Data::wild(&derived, ROWS, rng);
    let data = Data { columns: all.columns[..alone.shape().inputs].to_vec(), params: all.params.clone() };
    let expected = all.run(&interpreted, 17, 1);
    let value = data.run(&alone, 17, 1);
    assert!(
        value.columns == expected.columns[..value.columns.len()] && value.failed == expected.failed,
        "{generated}\nthe value alone differs"
    );
    let ast = program
        .compile(&options.clone().tier(Tier::Interpret))
        .unwrap_or_else(|e| panic!("{generated}\n{e}"));
    same(&generated, &data, "value, AST interpreter", &data.run(&ast, 17, 1), &value);
    for tier in native_tiers() {
        let native = kernel(&graph, tier);
        assert_eq!(native.tier(), tier);
        same(&generated, &data, &format!("value, {tier}"), &data.run(&native, 17, 1), &value);
        every_batch(seed, &generated, &kernel(&derived, tier), &all, &expected);
    }
}

/// A program whose columns, tables, parameters, sums, status words and scratch memory border pages that must not be touched,
/// first at their ends and then at their beginnings: it touches none, and gives what it does elsewhere.
#[cfg(unix)]
fn within_memory(seed: u64, dtype: Dtype, ran: &AtomicUsize) {
    match dtype {
        Dtype::F64 => within_memory_of::<f64>(seed, dtype, ran),
        Dtype::F32 => within_memory_of::<f32>(seed, dtype, ran),
    }
}

#[cfg(unix)]
fn within_memory_of<T: Element>(seed: u64, dtype: Dtype, ran: &AtomicUsize) {
    // Iterations over several lane groups side by side, and over single ones.
    const ROWS: usize = 176;

    let generated = program(seed, false);
    let Some((_, options, graph)) = compile(&generated, dtype) else { return };
    let derivative = whole_derivative(&graph);
    let derived = derived(&graph, &options.derivative(derivative)).expect("derivatives exist");
    if derived.len() > 5_000 {
        return;
    }
    let data = Data::wild(&derived, ROWS, &mut Rng(seed ^ 0x9a9e));
    let rounded = |numbers: &[f64]| numbers.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
    let columns: Vec<Vec<T>> = data.columns.iter().map(|column| rounded(column)).collect();
    let params = rounded(&data.params);
    for tier in native_tiers() {
        let native = kernel(&derived, tier);
        assert_eq!(native.tier(), tier);
        let rows = columns.first().map_or(16, Vec::len);
        let expected = run(&native, &data.columns, &data.params, rows, 1);
        for border in guarded::BORDERS {
            let found = guarded::run(&native, &columns, &params, border, seed);
            for (column, expected) in found.columns.iter().zip(&expected.columns) {
                for row in (0..rows).filter(|&row| found.settled[row]) {
                    let number = support::bits(column[row].to_f64());
                    assert_eq!(number, expected[row], "{generated}\n{tier}, {border:?}, row {row}");
                }
            }
        }
        ran.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(unix)]
#[test]
fn no_tier_touches_memory_outside() {
    let count = setting("NC_PROGRAMS", 250);
    for dtype in [Dtype::F64, Dtype::F32] {
        let ran = AtomicUsize::new(0);
        for_seeds(count, |seed| within_memory(seed, dtype, &ran));
        println!("{} kernels of {dtype} between guard pages", ran.into_inner());
    }
}

const ROWS: usize = 100;

/// Any length of batch, any place of a row in it, any number of threads, any layout. `expected` are the first 17 rows.
fn every_batch(seed: u64, generated: &Generated, native: &Kernel, all: &Data, expected: &Results) {
    let tier = native.tier();
    same(generated, all, &format!("derivative, {tier}"), &all.run(native, 17, 1), expected);
    let long = all.run(native, ROWS, 1);
    assert_eq!(rows_of(&long, 17), expected.columns, "{generated}\na longer batch differs, {tier}");
    same(generated, all, &format!("two threads, {tier}"), &all.run(native, ROWS, 2), &long);
    for length in [0, 1, 2, 3, 5, 9] {
        let short = all.run(native, length, 1);
        assert_eq!(rows_of(&long, length), short.columns, "{generated}\na batch of {length} differs, {tier}");
    }
    if seed.is_multiple_of(4) {
        let matrix = run_matrix(native, &all.columns, &all.params, ROWS, 2);
        same(generated, all, &format!("matrix, {tier}"), &matrix, &long);
        let later: Vec<Vec<f64>> = all.columns.iter().map(|c| c[1..].to_vec()).collect();
        let later = run(native, &later, &all.params, ROWS - 1, 1);
        let expected: Vec<Vec<u64>> = long.columns.iter().map(|c| c[1..].to_vec()).collect();
        assert_eq!(later.columns, expected, "{generated}\na row in another place differs, {tier}");
    }
}

#[test]
fn every_tier_gives_the_same_bits() {
    every_tier_agrees(setting("NC_PROGRAMS", 900), Dtype::F64, &|seed| program(seed, false));
}

#[test]
fn every_tier_gives_the_same_bits_in_binary32() {
    every_tier_agrees(setting("NC_PROGRAMS", 1200), Dtype::F32, &|seed| program(seed, false));
}

fn every_tier_agrees(count: u64, dtype: Dtype, generate: &(dyn Fn(u64) -> Generated + Sync)) {
    let ran = AtomicUsize::new(0);
    for_seeds(count, |seed| every_tier(generate(seed), dtype, &ran));
    let ran = ran.into_inner();
    println!("{ran} programs of {dtype} without a differing bit");
    assert!(ran as u64 > count * 9 / 10);
}

/// Programs with derivatives inside, in either precision.
#[test]
fn every_tier_gives_the_same_derivatives_inside() {
    let count = setting("NC_PROGRAMS", 60);
    for dtype in [Dtype::F64, Dtype::F32] {
        every_tier_agrees(count, dtype, &|seed| styled(seed, Style::DERIVATIVES));
    }
}

/// The tree interpreter applies the rules of operations to what it has evaluated; graphs are differentiated before. Both are
/// within the bounds of the derivative's operations of the exact value, in whatever order they are summed.
fn trees_differentiate(seed: u64, dtype: Dtype, compared: &AtomicUsize) {
    let generated = styled(seed, Style { smooth: true, ..Style::DERIVATIVES });
    let Some((program, options, graph)) = compile(&generated, dtype) else { return };
    let is_derivative = ["(D ", "(jvp ", "(vjp "].iter().any(|form| generated.text.contains(form));
    let shared = graph.inputs.iter().any(|input| input.source == Source::Shared);
    if !is_derivative || shared || graph.len() > 5000 {
        return;
    }
    let tree = AstInterpreter::new(program.resolved().clone(), options.get_signature())
        .with_precision(graph.precision);
    let elements: usize = graph.outputs.iter().map(|o| graph.shape(o.node).len()).sum();
    let rng = &mut Rng(seed ^ 0xdada);
    let mut constants = Constants::simple(graph.precision, &generated.text);
    for _ in 0..4 {
        let inputs: Vec<f64> =
            graph.inputs.iter().flat_map(|i| 0..i.shape.len()).map(|_| rng.tame()).collect();
        let inputs: Vec<f64> = inputs.into_iter().map(|x| graph.precision.round(x)).collect();
        let Some(expected) = reliable_outputs(&graph, &inputs, &mut constants) else { continue };
        let mut found = vec![0.0; elements];
        tree.row(&mut Scratch::default(), &inputs, &[], &mut found)
            .unwrap_or_else(|failure| panic!("{generated}\n{inputs:?}: {failure:?}"));
        for (k, (&a, b)) in found.iter().zip(&expected).enumerate() {
            if b.value.is_finite() && b.error.is_finite() {
                assert!(
                    (a - b.value).abs() <= 4.0 * b.error,
                    "{generated}\nelement {k} at {inputs:?}: the tree interpreter gives {a:e}, not {b:?}"
                );
                compared.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn trees_differentiate_like_graphs() {
    for dtype in [Dtype::F64, Dtype::F32] {
        let count = setting("NC_PROGRAMS", 200);
        let compared = AtomicUsize::new(0);
        for_seeds(count, |seed| trees_differentiate(seed, dtype, &compared));
        let compared = compared.into_inner();
        println!("{compared} derivatives of {dtype} agree with the tree interpreter");
        assert!(compared as u64 > count / 4);
    }
}

/// Forward and reverse mode sum the same products in another order: both are within their own bounds of the exact
/// derivative, and so within the sum of the bounds of each other.
fn both_modes(generated: Generated, dtype: Dtype, compared: &AtomicUsize) {
    let seed = generated.seed;
    let Some((_, options, graph)) = compile(&generated, dtype) else { return };
    let reverse = derived(&graph, &options.derivative(Derivative::Gradient));
    let reverse = reverse.expect("derivatives exist");
    let directions: Vec<Direction> = (0u32..)
        .zip(&graph.inputs)
        .flat_map(|(input, info)| {
            (0..info.shape.len() as u32).map(move |element| Direction::Element { input, element })
        })
        .collect();
    let forward = tangent(&graph, &directions).expect("a tangent");
    if reverse.len().max(forward.len()) > 5000 {
        return;
    }
    let elements: usize = graph.outputs.iter().map(|o| graph.shape(o.node).len()).sum();
    let rng = &mut Rng(seed ^ 0xdada);
    let mut constants = Constants::simple(graph.precision, &generated.text);
    for _ in 0..4 {
        let inputs: Vec<f64> =
            graph.inputs.iter().flat_map(|i| 0..i.shape.len()).map(|_| rng.tame()).collect();
        let inputs: Vec<f64> = inputs.into_iter().map(|x| graph.precision.round(x)).collect();
        let Some(reverse) = reliable_outputs(&reverse, &inputs, &mut constants) else { continue };
        let Some(forward) = reliable_outputs(&forward, &inputs, &mut constants) else { continue };
        let n = directions.len();
        for of in 0..elements {
            for k in 0..n {
                let (a, b) = (reverse[elements + of * n + k], forward[elements + k * elements + of]);
                let bound = 2.0 * (a.error + b.error);
                // Where one mode is sure of its result, the other must have one. (At poles that are taken and after
                // overflows, infinities may meet zeros in one order and not in the other.)
                let sure = |x: Approx| x.value.is_finite() && x.error.is_finite();
                let lost = sure(a) && !b.value.is_finite() || sure(b) && !a.value.is_finite();
                assert!(
                    !lost,
                    "{generated}\nelement {of} of the value by element {k} of the inputs {inputs:?}: {a:?} {b:?}"
                );
                if bound.is_finite() && a.value.is_finite() {
                    assert!(
                        (a.value - b.value).abs() <= bound,
                        "{generated}\nelement {of} of the value by element {k} of the inputs {inputs:?}:\nreverse \
                         {a:?}\nforward {b:?}"
                    );
                    compared.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

#[test]
fn forward_and_reverse_mode_agree() {
    both_modes_agree(setting("NC_PROGRAMS", 1500), Dtype::F64, &|seed| program(seed, true));
}

#[test]
fn forward_and_reverse_mode_agree_in_binary32() {
    both_modes_agree(setting("NC_PROGRAMS", 1500), Dtype::F32, &|seed| program(seed, true));
}

#[test]
fn forward_and_reverse_mode_agree_on_derivatives_inside() {
    let style = Style { smooth: true, ..Style::DERIVATIVES };
    both_modes_agree(setting("NC_PROGRAMS", 60), Dtype::F64, &|seed| styled(seed, style));
}

fn both_modes_agree(count: u64, dtype: Dtype, generate: &(dyn Fn(u64) -> Generated + Sync)) {
    let compared = AtomicUsize::new(0);
    for_seeds(count, |seed| both_modes(generate(seed), dtype, &compared));
    let compared = compared.into_inner();
    println!("{compared} derivatives of {count} programs of {dtype} agree between the modes");
    assert!(compared as u64 > count * 3);
}

/// The oldest x86-64 processor has neither SSE4.1 nor FMA; code for it runs on every later one.
#[cfg(target_arch = "x86_64")]
#[test]
fn subsets_of_the_processor_give_the_same_bits() {
    let sse = &["has_sse3", "has_ssse3", "has_sse41"][..];
    let mut sets: Vec<&[&str]> = vec![&[]];
    if is_x86_feature_detected!("sse4.1") {
        sets.push(&sse[..1]);
        sets.push(sse);
    }
    if is_x86_feature_detected!("fma") && is_x86_feature_detected!("sse4.2") {
        sets.push(&["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_avx", "has_fma"]);
        sets.push(&["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_avx"]);
    }
    let targets: Vec<TargetMachine> =
        sets.iter().map(|set| TargetMachine::with_features("x86_64", set).expect("features exist")).collect();
    let dtypes = [Dtype::F64, Dtype::F32];
    for (entry, dtype) in support::corpus::load().iter().flat_map(|entry| dtypes.map(|dtype| (entry, dtype)))
    {
        let options = entry.options(Derivative::Gradient).dtype(dtype);
        let graph = derived(&entry.program.graph_for(&options).unwrap(), &options).unwrap();
        let rows = entry.points.len();
        if rows == 0 {
            continue;
        }
        let expected = run(&kernel(&graph, Tier::Cranelift), &entry.columns(), &[], rows, 1);
        for (target, set) in targets.iter().zip(&sets) {
            let limited = Kernel::for_target(graph.clone(), target).expect("a kernel");
            let found = run(&limited, &entry.columns(), &[], rows, 1);
            assert!(found == expected, "{} differs with {set:?}", entry.name);
        }
    }
    for_seeds(setting("NC_PROGRAMS", 1500) / 10, |seed| {
        let generated = program(seed, false);
        let dtype = dtypes[seed as usize % 2];
        let Some((_, options, graph)) = compile(&generated, dtype) else { return };
        let derivative = whole_derivative(&graph);
        let graph = derived(&graph, &options.derivative(derivative)).unwrap();
        if graph.len() > 5000 {
            return;
        }
        let data = Data::wild(&graph, 17, &mut Rng(seed));
        let expected = data.run(&kernel(&graph, Tier::Cranelift), 17, 1);
        for (target, set) in targets.iter().zip(&sets) {
            let limited = Kernel::for_target(graph.clone(), target).expect("a kernel");
            same(&generated, &data, &format!("{set:?}"), &data.run(&limited, 17, 1), &expected);
        }
    });
}
