//! Every program of the corpus at every point: values and derivatives against references of 60 digits, the tiers
//! against each other.

use crate::support;

use neural_compiler::internals::interpret::ast::{AstInterpreter, Scratch};
use neural_compiler::internals::kernel::derived;
use neural_compiler::{Derivative, Dtype, Kernel, Limits};
use support::bounds::{Constants, half_ulp, half_ulp_in, outputs, reliable_outputs};
use support::corpus::Entry;
use support::{bits, corpus, run, run_matrix};

/// What a result may be away from its reference, in units of the running bound: first order, so there must be room
/// for the rest.
const ROOM: f64 = 2.0;

/// A list for the value and one for each row of derivatives, in the order of the results of a kernel.
fn in_order<'a>(entry: &'a Entry, values: &'a [f64], gradients: &'a [Vec<f64>]) -> Vec<f64> {
    let order = entry.order();
    values.iter().copied().chain(gradients.iter().flat_map(|g| order.iter().map(|&k| g[k]))).collect()
}

/// Compares all results of programs with their references, and says how many.
fn within_error_bounds(entries: &[Entry]) -> usize {
    let mut worst = [(0.0, String::new()), (0.0, String::new())];
    let mut compared = 0;
    for entry in entries {
        let options = entry.options(Derivative::Gradient);
        let value = entry.program.graph(options.get_signature()).expect("a graph");
        let graph = derived(&value, &options).expect("a derived graph");
        let kernel = Kernel::from_graph(graph.clone(), &options).expect("a kernel");
        let columns = entry.columns();
        let results = run(&kernel, &columns, &[], entry.points.len(), 1);
        let mut constants = Constants::of_program(&entry.text);
        for row in 0..entry.points.len() {
            let result = |k: usize| f64::from_bits(results.columns[k][row]);
            let references = in_order(entry, &entry.values[row], &entry.gradients[row]);
            let errors: Vec<f64> = match &entry.bounds {
                Some(bounds) => in_order(entry, &bounds.values[row], &bounds.gradients[row]),
                None => {
                    let inputs: Vec<f64> = columns.iter().map(|c| c[row]).collect();
                    let bounded = outputs(&graph, &inputs, &mut constants);
                    for (k, bounded) in bounded.iter().enumerate() {
                        assert_eq!(
                            bits(result(k)),
                            bits(bounded.value),
                            "{} row {row} output {k}",
                            entry.name
                        );
                    }
                    bounded.iter().map(|b| b.error).collect()
                }
            };
            assert_eq!(references.len(), errors.len(), "{}", entry.name);
            assert_eq!(references.len(), results.columns.len(), "{}", entry.name);
            let elements = entry.values[row].len();
            for (k, (&reference, &error)) in references.iter().zip(&errors).enumerate() {
                let result = result(k);
                let bound = error + half_ulp(reference);
                let difference = (result - reference).abs();
                let ratio = if difference == 0.0 { 0.0 } else { difference / bound };
                let kind = usize::from(k >= elements);
                let what = format!("{} row {row} output {k}: {result:e}, not {reference:e}", entry.name);
                assert!(ratio <= ROOM, "{what}: {ratio} times the bound {bound:e}");
                if ratio > worst[kind].0 {
                    worst[kind] = (ratio, what);
                }
                compared += 1;
            }
        }
    }
    println!("{compared} numbers");
    println!("largest error/bound of a value: {:.3} ({})", worst[0].0, worst[0].1);
    println!("largest error/bound of a derivative: {:.3} ({})", worst[1].0, worst[1].1);
    compared
}

#[test]
fn results_are_within_their_error_bounds() {
    assert!(within_error_bounds(&corpus::load()) > 10_000);
}

/// Values and derivatives in binary32 are within running bounds of that precision, for inputs and literals that are
/// rounded to it. What overflows, or loses most of its digits, tells nothing.
#[test]
fn results_in_binary32_are_within_their_error_bounds() {
    let (mut compared, mut programs, mut worst) = (0, 0, (0.0, String::new()));
    for entry in corpus::load() {
        let options = entry.options(Derivative::Gradient).dtype(Dtype::F32);
        let graph = derived(&entry.program.graph_for(&options).expect("a graph"), &options);
        let graph = graph.expect("a derived graph");
        let kernel = Kernel::from_graph(graph.clone(), &options).expect("a kernel");
        let columns = entry.columns();
        let results = run(&kernel, &columns, &[], entry.points.len(), 1);
        let mut constants = Constants::of_program_in(graph.precision, &entry.text);
        let before = compared;
        for row in 0..entry.points.len() {
            let inputs: Vec<f64> = columns.iter().map(|c| c[row]).collect();
            let Some(bounded) = reliable_outputs(&graph, &inputs, &mut constants) else { continue };
            let references = in_order(&entry, &entry.values[row], &entry.gradients[row]);
            for (k, (&reference, bounded)) in references.iter().zip(&bounded).enumerate() {
                let result = f64::from_bits(results.columns[k][row]);
                let what = format!("{} row {row} output {k}: {result:e}, not {reference:e}", entry.name);
                assert_eq!(bits(result), bits(bounded.value), "{what}");
                let bound = bounded.error + half_ulp_in(graph.precision, reference);
                let ratio = (result - reference).abs() / bound;
                assert!(ratio <= ROOM, "{what}: {ratio} times the bound {bound:e}");
                if ratio > worst.0 {
                    worst = (ratio, what);
                }
                compared += 1;
            }
        }
        programs += usize::from(compared > before);
    }
    println!("{compared} numbers of {programs} programs, largest error/bound {:.3} ({})", worst.0, worst.1);
    assert!(compared > 5_000);
}

/// The value alone, with its gradient, by rows and by columns, on one thread and on two: the same bits. That tiers agree,
/// `fingerprint` tests.
fn same_bits(entries: &[Entry], dtype: Dtype) {
    let native_tier = support::native_tier();
    for entry in entries {
        let rows = entry.points.len().max(3);
        let columns: Vec<Vec<f64>> = entry
            .columns()
            .into_iter()
            .enumerate()
            .map(
                |(k, c)| {
                    if c.is_empty() { (0..rows).map(|r| (k * rows + r) as f64 / 7.0).collect() } else { c }
                },
            )
            .collect();
        let compile = |derivative, tier| {
            // Tests for convergence that binary32 cannot meet would make every loop run into its limit.
            let limits =
                (dtype == Dtype::F32).then_some(Limits { iterations: 500, ..entry.program.limits() });
            let options = entry.options(derivative).tier(tier).dtype(dtype).limits(limits);
            entry.program.compile(&options).unwrap_or_else(|e| panic!("{}: {e}", entry.name))
        };
        let value = run(&compile(Derivative::None, native_tier), &columns, &[], rows, 1);
        // The Jacobian of two thousand inputs by one row each is large, that of one scalar is not.
        let native = compile(Derivative::Gradient, native_tier);
        assert_eq!(native.tier(), native_tier);
        let expected = run(&native, &columns, &[], rows, 1);
        assert_eq!(value.columns, expected.columns[..value.columns.len()], "{}: value alone", entry.name);
        let others = [
            ("matrix", run_matrix(&native, &columns, &[], rows, 1)),
            ("matrix, two threads", run_matrix(&native, &columns, &[], rows, 2)),
            ("two threads", run(&native, &columns, &[], rows, 2)),
        ];
        for (how, results) in &others {
            assert!(results == &expected, "{}: {how} differs", entry.name);
        }
    }
}

#[test]
fn forms_of_batches_give_the_same_bits() {
    same_bits(&corpus::load(), Dtype::F64);
}

#[test]
fn forms_of_batches_give_the_same_bits_in_binary32() {
    same_bits(&corpus::load(), Dtype::F32);
    same_bits(&corpus::load_from("classic"), Dtype::F32);
}

/// Programs that are more than loops: calls that need a stack.
const RECURSIVE: [&str; 10] = [
    "ackermann",
    "adaptive-simpson",
    "continued-fraction",
    "deep-sum",
    "factorial-recursive",
    "fibonacci-recursive",
    "ladder",
    "lennard-jones-chain",
    "letrec-terms",
    "power-squaring",
];

fn classic(recursive: bool) -> Vec<Entry> {
    let mut entries = corpus::load_from("classic");
    entries.retain(|entry| {
        RECURSIVE.iter().any(|name| entry.name == format!("classic/{name}.scm")) == recursive
    });
    entries
}

#[test]
fn loops_are_within_their_error_bounds() {
    assert!(within_error_bounds(&classic(false)) > 4_000);
}

#[test]
fn loops_give_the_same_bits_in_all_forms_of_batches() {
    same_bits(&classic(false), Dtype::F64);
}

#[test]
fn recursion() {
    let entries = classic(true);
    assert!(within_error_bounds(&entries) > 500);
    same_bits(&entries, Dtype::F64);
}

/// The tree as it is written, without anything that the compiler does to it.
#[test]
fn interpreted_values_of_programs_that_repeat_are_within_their_error_bounds() {
    let (mut compared, mut worst) = (0, (0.0, String::new()));
    for entry in corpus::load_from("classic") {
        let options = entry.options(Derivative::None);
        let signature = options.get_signature();
        let interpreter = AstInterpreter::new(entry.program.resolved().clone(), signature)
            .with_limits(entry.program.limits());
        let bounds = entry.bounds.as_ref().expect("bounds");
        let columns = entry.columns();
        let mut scratch = Scratch::default();
        for row in 0..entry.points.len() {
            let inputs: Vec<f64> = columns.iter().map(|c| c[row]).collect();
            let mut results = vec![0.0; entry.values[row].len()];
            let outcome = interpreter.row(&mut scratch, &inputs, &[], &mut results);
            outcome.unwrap_or_else(|failure| panic!("{} row {row}: {failure:?}", entry.name));
            for ((result, reference), error) in
                results.iter().zip(&entry.values[row]).zip(&bounds.values[row])
            {
                let ratio = (result - reference).abs() / (error + half_ulp(*reference));
                let what = format!("{} row {row}: {result:e}, not {reference:e}", entry.name);
                assert!(ratio <= ROOM, "{what}: {ratio} times the bound {error:e}");
                if ratio > worst.0 {
                    worst = (ratio, what);
                }
                compared += 1;
            }
        }
    }
    println!("{compared} numbers, largest error/bound {:.3} ({})", worst.0, worst.1);
    assert!(compared > 1_000);
}
