//! A second of each fuzzing body, on damaged texts that mean something.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support;

use neural_compiler::internals::graph::print::dump;
use neural_compiler::{CompileOptions, Derivative, Program, Signature, Stage};
use support::bodies;
use support::generate::{Rng, program};

/// Replaces, removes, inserts and repeats parts of a text.
fn damaged(text: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..rng.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.below(bytes.len());
        let end = (at + 1 + rng.below(12)).min(bytes.len());
        match rng.below(5) {
            0 => bytes[at] = rng.bits() as u8,
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, b"()[]{};.,0123456789-+e'\"#|%@:= \n"[rng.below(32)]),
            3 => {
                let part = bytes[at..end].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, part);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// Runs a body for a second; some bytes are accepted and some refused.
fn a_second(seeds: &[Vec<u8>], body: fn(&[u8]) -> bool) {
    let start = Instant::now();
    let rng = &mut Rng(1);
    let (mut accepted, mut refused) = (0, 0);
    while start.elapsed() < Duration::from_secs(1) || accepted + refused < 20 {
        let bytes = damaged(&seeds[rng.below(seeds.len())], rng);
        match body(&bytes) {
            true => accepted += 1,
            false => refused += 1,
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 0);
}

/// The files below a directory of the repository with this extension.
fn texts(directory: &str, extension: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut found = Vec::new();
    let mut waiting = vec![root];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).expect("the directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(std::fs::read(path).expect("a file"));
            }
        }
    }
    found.retain(|text| text.len() < 4000);
    assert!(!found.is_empty(), "{directory} has texts");
    found
}

#[test]
fn scheme() {
    a_second(&[texts("corpus", "scm"), texts("tests/files", "scm")].concat(), bodies::scheme);
}

#[test]
fn infix() {
    let programs = [
        "x^2 + y",
        "f(x) = sin(x)/x\nf(a) * f(b)",
        "if x > 0 then sqrt(x) else 0",
        "2*(a - b)/c",
        "-x",
        "k = 3\nk*x",
    ];
    a_second(&programs.map(|program| program.as_bytes().to_vec()), bodies::infix);
}

#[test]
fn eml() {
    let trees = ["eml(x, 1)", "eml(eml(1, x), eml(y, 1))", "x", "1", "eml(1, eml(eml(1, x), 1))"];
    a_second(&trees.map(|tree| tree.as_bytes().to_vec()), bodies::eml);
}

#[test]
fn graph_text() {
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for text in texts("corpus/classic", "scm") {
        let program = Program::parse(std::str::from_utf8(&text).expect("a text")).expect("a program");
        seeds.extend(program.stage(Stage::Adjoint, &options, None).map(String::into_bytes));
    }
    for seed in 0..60 {
        let program = Program::parse(&program(seed, true).text).expect("a program");
        seeds.extend(program.graph(&Signature::scalars()).map(|graph| dump(&graph).into_bytes()));
    }
    seeds.retain(|text| text.len() < 4000);
    a_second(&seeds, bodies::graph_text);
}

#[test]
fn differential() {
    a_second(&[b"01234567".to_vec(), b"another program".to_vec()], bodies::differential);
}
