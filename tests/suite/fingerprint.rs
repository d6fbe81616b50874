//! One number over all values and gradients of the corpus, in every tier, in binary64 and binary32: what a change that
//! must not change results keeps. `cargo test --test suite fingerprint -- --nocapture` prints it.

use crate::support::corpus::{self, Entry};
use crate::support::run;
use neural_compiler::{Derivative, Dtype, Tier};

/// FNV-1a of 64 bits, which is the same on every machine.
struct Fingerprint(u64);

impl Fingerprint {
    fn new() -> Fingerprint {
        Fingerprint(0xCBF2_9CE4_8422_2325)
    }
    fn add(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        }
    }
}

/// The bits of value and gradient at all points, column by column, in each of the tiers: all are the same.
fn results(entry: &Entry, dtype: Dtype, derivative: &Derivative) -> Vec<u64> {
    let columns = entry.columns();
    let mut first: Option<(Tier, Vec<u64>)> = None;
    for tier in Tier::available() {
        let options = entry.options(derivative.clone()).dtype(dtype).tier(tier);
        let kernel = entry.program.compile(&options).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        let results = run(&kernel, &columns, &[], entry.points.len(), 1);
        let words: Vec<u64> = results.columns.into_iter().flatten().chain([results.failed as u64]).collect();
        match &first {
            None => first = Some((tier, words)),
            Some((other, expected)) => {
                assert_eq!(&words, expected, "{} {dtype} {derivative:?}: {tier} and {other}", entry.name);
            }
        }
    }
    first.map(|(_, words)| words).expect("the interpreter is always there")
}

#[test]
fn corpus_in_every_tier() {
    let entries: Vec<Entry> = corpus::load().into_iter().chain(corpus::load_from("classic")).collect();
    let (mut hash, mut numbers) = (Fingerprint::new(), 0);
    for entry in &entries {
        for dtype in [Dtype::F64, Dtype::F32] {
            for derivative in [Derivative::None, Derivative::Gradient] {
                let words = results(entry, dtype, &derivative);
                numbers += words.len();
                words.into_iter().for_each(|word| hash.add(word));
            }
        }
    }
    let line = format!("{:016x} over {numbers} numbers of {} programs", hash.0, entries.len());
    println!("{line}");
    insta::assert_snapshot!(line);
}
