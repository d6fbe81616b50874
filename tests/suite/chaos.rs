//! Order, pieces, lane groups, registers and allocators are turned over by seeds: every bit stays.

use std::collections::BTreeSet;

use crate::support;

use neural_compiler::internals::chaos;
use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::lower::{lower, print};
use neural_compiler::{
    CompileOptions, DEFAULT_TAPE_BYTES, Derivative, Dtype, Kernel, Program, Signature, Source, Tier,
};
use support::generate::{Rng, program};
use support::{corpus, native_tiers, run};

const ROWS: usize = 37;

/// Runs a graph in every native tier, as usual and with the choices of some seeds.
fn unmoved(graph: &Graph, columns: &[Vec<f64>], seeds: std::ops::Range<u64>, what: &str) {
    let usual = Kernel::from_graph(graph.clone(), &CompileOptions::default().tier(Tier::Interpret));
    let usual = usual.expect("a kernel");
    let rows = columns.first().map_or(1, Vec::len);
    let expected = run(&usual, columns, &[], rows, 1);
    for tier in native_tiers() {
        for seed in seeds.clone() {
            let options = CompileOptions::default().tier(tier);
            let kernel =
                chaos::with_seed(seed, || Kernel::from_graph(graph.clone(), &options)).expect("a kernel");
            assert_eq!(
                run(&kernel, columns, &[], rows, 1),
                expected,
                "{what}\n{tier}, choices of seed {seed}"
            );
        }
    }
}

#[test]
fn generated_programs() {
    let mut count = 0;
    for seed in 0..120u64 {
        let generated = program(seed, false);
        let program = Program::parse(&generated.text).unwrap_or_else(|e| panic!("{generated}\n{e}"));
        let inputs: Vec<&str> = program.inputs().collect();
        let mut signature = Signature::scalars();
        for (name, shape) in generated.shapes.iter().filter(|(name, _)| inputs.contains(&name.as_str())) {
            signature = signature.shape(name, *shape);
        }
        let dtype = if seed.is_multiple_of(3) { Dtype::F32 } else { Dtype::F64 };
        let derivative = if seed.is_multiple_of(2) { Derivative::Vjp } else { Derivative::None };
        let options = CompileOptions::default().signature(signature).dtype(dtype).derivative(derivative);
        let Ok(graph) = program.graph_for(&options) else { continue };
        let graph = derived(&graph, &options).expect("derivatives exist");
        if graph.len() > 2000 || graph.inputs.iter().any(|input| input.source == Source::Shared) {
            continue;
        }
        let rng = &mut Rng(seed);
        let inputs = graph.inputs.iter().flat_map(|input| 0..input.shape.len());
        let columns: Vec<Vec<f64>> =
            inputs.map(|_| (0..ROWS).map(|_| graph.precision.round(rng.wild())).collect()).collect();
        unmoved(&graph, &columns, 5 * seed..5 * seed + 5, &generated.to_string());
        count += 1;
    }
    assert!(count > 80, "{count}");
}

#[test]
fn programs_of_the_corpus() {
    for entry in corpus::load_from("classic").into_iter().chain(corpus::load_from("vector")) {
        let options = entry.options(Derivative::Gradient);
        let graph =
            derived(&entry.program.graph_for(&options).expect("a graph"), &options).expect("a gradient");
        if graph.len() < 300 {
            unmoved(&graph, &entry.columns(), 0..3, &entry.name);
        }
    }
}

/// Seeds do turn choices over: lanes come in another order, and then as usual again.
#[test]
fn seeds_matter() {
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let program = Program::parse("(+ (* x y z) (sin (* x z)) (exp (* y z)) (* x x y))").expect("a program");
    let graph = derived(&program.graph_for(&options).expect("a graph"), &options).expect("a gradient");
    let text = || print::dump(&lower(&graph, DEFAULT_TAPE_BYTES));
    let usual = text();
    let texts: BTreeSet<String> = (0..20).map(|seed| chaos::with_seed(seed, text)).collect();
    assert_eq!(texts.len(), 2, "scheduled and unscheduled");
    assert!(texts.contains(&usual));
    assert_eq!(text(), usual);
}
