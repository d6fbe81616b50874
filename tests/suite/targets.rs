//! Code for processors other than this one. `cargo test --features arm64 --test suite targets` includes aarch64.

use neural_compiler::TargetMachine;

#[cfg(feature = "arm64")]
#[test]
fn every_program_of_the_corpus_has_code_for_aarch64() {
    use crate::support::corpus;
    use neural_compiler::{Derivative, Stage};

    let target = TargetMachine::with_features("aarch64-unknown-linux-gnu", &[]).expect("a target");
    for entry in corpus::load() {
        let options = entry.options(Derivative::Gradient);
        let text = entry.program.stage(Stage::Asm, &options, Some(&target));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        assert!(text.contains("ret"), "{}: {text}", entry.name);
    }
}

#[test]
fn other_processors_are_refused_with_a_reason() {
    for triple in ["riscv64gc-unknown-linux-gnu", "no-such-thing"] {
        let error = TargetMachine::with_features(triple, &[]).err().expect("no back end");
        assert!(error.to_string().starts_with("no native code for this processor"), "{error}");
    }
}
