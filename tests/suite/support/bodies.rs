//! What fuzzing does with bytes. The targets in `fuzz/` are these functions, and the suite runs a second of each.
//!
//! Each returns how far it came: whether the bytes were accepted.

use nc_runtime::batch::Kernel as _;
use neural_compiler::internals::graph::{print, read, verify};
use neural_compiler::internals::kernel::derived;
use neural_compiler::{
    CompileOptions, Derivative, Dialect, Error, Kernel, Mode, Program, ReaderLimits, Signature, Source,
    Stage, Tier,
};

use super::generate::{Rng, program};
use super::{native_tiers, run};

/// Texts that are tried.
const LIMITS: ReaderLimits =
    ReaderLimits { source_bytes: 1 << 16, nesting: 1000, specialisations: 1000, files: 100 };

/// A program in any dialect: it is read and resolved, or refused with places inside the text.
pub fn text(bytes: &[u8], dialect: Dialect) -> bool {
    match Program::parse_bytes(bytes, dialect, &LIMITS) {
        Ok(program) => {
            for stage in [Stage::Ast, Stage::Anf, Stage::Tco] {
                program
                    .stage(stage, &CompileOptions::default(), None)
                    .expect("stages up to loops always exist");
            }
            true
        }
        Err(Error::Source(errors)) => {
            assert!(!errors.is_empty() && errors.len() <= 100);
            for error in errors {
                let span = error.span;
                assert!(span.start <= span.end && span.end as usize <= bytes.len(), "{error:?}");
            }
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// A program in Scheme.
pub fn scheme(bytes: &[u8]) -> bool {
    text(bytes, Dialect::Scheme)
}

/// A program in infix notation.
pub fn infix(bytes: &[u8]) -> bool {
    text(bytes, Dialect::Infix)
}

/// A tree of `eml`.
pub fn eml(bytes: &[u8]) -> bool {
    text(bytes, Dialect::Eml(Mode::Real))
}

/// The text of a graph: refused, or a sound graph whose text reads back.
pub fn graph_text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(graph) = read::read(text) else { return false };
    verify::verify(&graph).expect("what is read is sound");
    let again = print::dump(&graph);
    let graph = read::read(&again).expect("what is printed reads back");
    assert_eq!(print::dump(&graph), again);
    true
}

/// A generated program, by the first bytes: the same bits in every tier, the value and a derivative.
pub fn differential(bytes: &[u8]) -> bool {
    let seed = bytes.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte));
    let generated = program(seed, false);
    let program = Program::parse(&generated.text).unwrap_or_else(|e| panic!("{generated}\n{e}"));
    let mut signature = Signature::scalars();
    let inputs: Vec<&str> = program.inputs().collect();
    for (name, shape) in generated.shapes.iter().filter(|(name, _)| inputs.contains(&name.as_str())) {
        signature = signature.shape(name, *shape);
    }
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Vjp);
    // A constant index may fold to one out of range.
    let Ok(graph) = program.graph_for(&options) else { return false };
    let graph = derived(&graph, &options).expect("derivatives exist");
    if graph.len() > 5000 {
        return false;
    }
    assert!(graph.inputs.iter().all(|input| input.source != Source::Shared));
    let kernel = |tier| {
        let options = CompileOptions::default().tier(tier);
        Kernel::from_graph(graph.clone(), &options).expect("a kernel")
    };
    let interpreted = kernel(Tier::Interpret);
    let rng = &mut Rng(seed ^ 0xb0d1e5);
    let columns: Vec<Vec<f64>> =
        (0..interpreted.shape().inputs).map(|_| (0..19).map(|_| rng.wild()).collect()).collect();
    let expected = run(&interpreted, &columns, &[], 19, 1);
    for tier in native_tiers() {
        assert_eq!(run(&kernel(tier), &columns, &[], 19, 1), expected, "{generated}\n{tier}");
    }
    true
}
