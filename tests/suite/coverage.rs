//! Every operation and every primitive is generated, compared in all tiers, differentiated and measured, or it is listed here
//! with the reason. Lists are checked both ways.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support;

use neural_compiler::batch::{RowOutcome, Workspace};
use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::kernel::derived;
use neural_compiler::{
    Bound, CompileOptions, Derivative, Dtype, Error, Kernel, KernelError, Op, Primitive, Program, Role,
    Signature, Source, Tier,
};
use support::generate::{Rng, program};
use support::menu::{self, Call};
use support::{native_tiers, run, whole_derivative};

type Absent = &'static [(&'static str, &'static str)];

/// What must be found, but for what is absent, which must not be.
fn covers(what: &str, all: impl IntoIterator<Item = &'static str>, found: &BTreeSet<&str>, absent: Absent) {
    let all: BTreeSet<&str> = all.into_iter().collect();
    let listed: BTreeSet<&str> = absent.iter().map(|(name, _)| *name).collect();
    let missing: Vec<&&str> =
        all.iter().filter(|name| !found.contains(**name) && !listed.contains(**name)).collect();
    let stale: Vec<&&str> =
        listed.iter().filter(|name| found.contains(**name) || !all.contains(**name)).collect();
    assert!(missing.is_empty(), "{what}: {missing:?} are neither there nor listed with a reason");
    assert!(stale.is_empty(), "{what}: {stale:?} are listed as absent and there, or do not exist");
    assert!(absent.iter().all(|(_, reason)| reason.len() > 10), "{what}: reasons");
}

/// The program of a seed with shapes for its inputs.
fn generated(seed: u64) -> Option<(String, Graph)> {
    let generated = program(seed, false);
    let program = Program::parse(&generated.text).unwrap_or_else(|e| panic!("{generated}\n{e}"));
    let inputs: Vec<String> = program.inputs().map(str::to_string).collect();
    let mut signature = Signature::scalars();
    for (name, shape) in generated.shapes.iter().filter(|(name, _)| inputs.contains(name)) {
        signature = signature.shape(name, *shape);
    }
    Some((generated.text, program.graph(&signature).ok()?))
}

#[test]
fn every_operation_is_generated() {
    const ABSENT: Absent = &[
        (
            "cofactors",
            "stands in derivatives of determinants from 6×6 on, which are not generated; `derivatives` compares it",
        ),
        ("norm-square", "a product of one norm with itself is not generated; `files` has it in every tier"),
        (
            "advance",
            "counts the steps of binary32 programs, which `differential` runs; graphs here are of binary64",
        ),
        (
            "part-matmul",
            "matrices of more than 64 elements are not generated; `large` compares it in every tier",
        ),
        ("update", "vectors of more than 64 elements are not generated; `large` compares it in every tier"),
        (
            "singular",
            "matrices of more than 64 elements are not generated; `large` compares it in every tier",
        ),
        ("indefinite", "a condition of `cholesky`, not generated; `domain` compares it in every tier"),
        (
            "singular-tridiagonal",
            "a condition of `solve-tridiagonal`, not generated; `domain` compares it in every tier",
        ),
    ];
    let mut found = BTreeSet::new();
    let absent = |op: &Op| ABSENT.iter().any(|(name, _)| *name == op.info().name);
    // Rare ones take more programs than most.
    for seed in 0..12_000 {
        if seed >= 3000 && Op::ALL.iter().all(|op| absent(op) || found.contains(op.info().name)) {
            break;
        }
        let Some((_, graph)) = generated(seed) else { continue };
        found.extend(menu::ops(&graph).into_iter().map(|op| op.info().name));
        if seed.is_multiple_of(2) && graph.len() < 300 {
            let options = CompileOptions::default().derivative(whole_derivative(&graph));
            let graph = derived(&graph, &options).expect("derivatives exist");
            found.extend(menu::ops(&graph).into_iter().map(|op| op.info().name));
        }
    }
    covers("operations of generated programs", Op::ALL.iter().map(|op| op.info().name), &found, ABSENT);
}

#[test]
fn every_primitive_is_generated() {
    let mut found = BTreeSet::new();
    let texts: Vec<String> = (0..3000).map(|seed| program(seed, false).text).collect();
    for text in &texts {
        found.extend(text.split(['(', ')', '[', ']', ' ', '\n']));
    }
    const ABSENT: Absent = &[
        ("repeat", "the library's arrays by functions are made of it; `files` has it in every tier"),
        ("replace", "the library's arrays by functions are made of it; `files` has it in every tier"),
        ("check-count", "the library's sums are made of it; `files` has it in every tier"),
        ("check-increasing", "the library's tables are made of it; `files` has it in every tier"),
        ("zeros-like", "the library's sums are made of it; `files` has it in every tier"),
        (
            "common-length",
            "the library's maps of several vectors are made of it; `files` has it in every tier",
        ),
    ];
    covers("primitives of generated programs", Primitive::all().map(Primitive::name), &found, ABSENT);
}

#[test]
fn every_primitive_is_on_the_menu() {
    let found = menu::menu().iter().map(|call| call.name).collect();
    covers("menu", Primitive::all().map(Primitive::name), &found, menu::ABSENT);
}

/// Rows of wild numbers for a graph.
fn rows(graph: &Graph, count: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let columns = graph.inputs.iter().filter(|input| input.source != Source::Shared);
    columns
        .flat_map(|input| 0..input.shape.len())
        .map(|_| (0..count).map(|_| graph.precision.round(rng.wild())).collect())
        .collect()
}

/// Values and derivatives of one call, in every tier: the same bits.
fn compared(call: &Call, dtype: Dtype) {
    let text = menu::text(call.name, call.operands.len());
    let program = Program::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut signature = Signature::scalars();
    for (name, &shape) in program.inputs().zip(&call.operands) {
        signature = signature.shape(name, shape);
    }
    let options = CompileOptions::default().signature(signature).dtype(dtype);
    let value = program.graph_for(&options).unwrap_or_else(|e| panic!("{text}: {e}"));
    let rng = &mut Rng(call.operands.len() as u64);
    for derivative in [Derivative::None, Derivative::Vjp, Derivative::Jvp { seeds: 1 }] {
        let what = format!("{call:?} {dtype} {derivative:?}");
        let valued = derivative == Derivative::None;
        let interpreted = options.clone().tier(Tier::Interpret).derivative(derivative);
        let graph = derived(&value, &interpreted).expect("derivatives exist");
        let columns = rows(&graph, 33, rng);
        let expected = {
            let kernel = Kernel::from_graph(graph.clone(), &interpreted).expect("a kernel");
            run(&kernel, &columns, &[], 33, 1)
        };
        if valued {
            let tree = program.compile(&interpreted).expect("a kernel");
            assert_eq!(run(&tree, &columns, &[], 33, 1), expected, "{what}, program");
        }
        for tier in native_tiers() {
            let kernel = Kernel::from_graph(graph.clone(), &interpreted.clone().tier(tier));
            assert_eq!(run(&kernel.expect("a kernel"), &columns, &[], 33, 1), expected, "{what}, {tier}");
        }
    }
}

/// For each primitive a call with each number of operands for each shape of the result, in both precisions by turns.
#[test]
fn every_primitive_gives_the_same_bits() {
    let mut seen = BTreeSet::new();
    let calls: Vec<&Call> = menu::menu()
        .iter()
        .filter(|call| seen.insert((call.name, call.operands.len(), call.result)))
        .collect();
    println!("{} calls of {}", calls.len(), menu::menu().len());
    for (k, call) in calls.into_iter().enumerate() {
        compared(call, if k.is_multiple_of(2) { Dtype::F64 } else { Dtype::F32 });
    }
}

/// The operations whose error is claimed to be more than that of rounding are measured by the tables of
/// `runtime/examples/ulp`.
#[test]
fn every_bound_is_measured() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/examples/ulp");
    let files = std::fs::read_dir(directory).expect("the directory");
    let tables: String =
        files.map(|file| std::fs::read_to_string(file.expect("an entry").path()).expect("a file")).collect();
    let measured = |op: &Op| {
        let name = op.info().name.replace('-', "_");
        tables.contains(&format!("\"{name}\""))
    };
    let claims: Vec<&Op> =
        Op::ALL.iter().filter(|op| matches!(op.info().bound, Bound::Ulp(ulp) if ulp > 0.5)).collect();
    assert!(claims.len() > 20, "{claims:?}");
    let found = claims.iter().filter(|op| measured(op)).map(|op| op.info().name).collect();
    covers("measured bounds", claims.iter().map(|op| op.info().name), &found, &[]);
}

/// A derivative of a primitive that is infinite or a NaN at ordinary numbers is explained by an operation.
#[test]
fn no_derivative_is_infinite_without_a_word() {
    const NUMBERS: [f64; 9] = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0];
    let mut seen = BTreeSet::new();
    let calls = menu::menu().iter().filter(|call| seen.insert((call.name, call.operands.len(), call.result)));
    let (mut finite, mut explained) = (0, BTreeSet::new());
    for call in calls {
        let text = menu::text(call.name, call.operands.len());
        let program = Program::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let mut signature = Signature::scalars();
        for (name, &shape) in program.inputs().zip(&call.operands) {
            signature = signature.shape(name, shape);
        }
        let options = CompileOptions::default().signature(signature).tier(Tier::Interpret);
        let options = options.derivative(Derivative::Gradient).check_derivatives(true);
        let kernel = match program.compile(&options) {
            Ok(kernel) => kernel,
            Err(Error::Kernel(KernelError::ComplexByVector { .. })) => continue,
            Err(error) => panic!("{text}: {error}"),
        };
        let values: usize =
            kernel.outputs().iter().filter(|o| o.role == Role::Value).map(|o| o.shape.len()).sum();
        let (rng, mut workspace) = (&mut Rng(call.operands.len() as u64), Workspace::new());
        let mut outputs = vec![0.0; kernel.outputs().iter().map(|o| o.shape.len()).sum()];
        for _ in 0..60 {
            let inputs: Vec<f64> = (0..call.operands.iter().map(|shape| shape.len()).sum())
                .map(|_| NUMBERS[rng.below(NUMBERS.len())])
                .collect();
            let outcome = kernel.evaluate_row(&inputs, &[], &mut outputs, &mut [], &mut workspace);
            let outcome = outcome.unwrap_or_else(|error| panic!("{text}: {error}"));
            if outputs[values..].iter().all(|x| x.is_finite()) {
                assert_eq!(outcome, RowOutcome::Done, "{text} {inputs:?} -> {outputs:?}");
                finite += 1;
            } else {
                let RowOutcome::Noted(check) = outcome else { panic!("{text} {inputs:?} -> {outputs:?}") };
                explained.insert(kernel.checks()[check as usize].reason.to_string());
            }
        }
    }
    assert!(finite > 10_000 && explained.len() > 12, "{finite} {explained:#?}");
    // What a person never wrote is not named.
    let names = Op::ALL.iter().map(|op| op.info().name).filter(|name| name.contains('-'));
    let internal = names.filter(|name| Primitive::from_name(name).is_none());
    for name in internal {
        assert!(explained.iter().all(|reason| !reason.contains(name)), "{name}: {explained:#?}");
    }
}
