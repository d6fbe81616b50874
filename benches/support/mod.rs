//! What the benches share.
//!
//! * [`programs`]: what is measured; [`cases`]: that for expression evaluators; [`columns`]: on what numbers;
//! * [`timing`]: the time it takes; [`machine`]: what the machine can do;
//! * [`c`]: the C to compare with, built by the machine's compiler; [`c_source`]: that of a graph.

#![allow(dead_code, reason = "each bench uses a part")]

pub mod c;
pub mod c_source;
pub mod cases;
pub mod columns;
pub mod machine;
pub mod programs;
pub mod timing;

use neural_compiler::Tier;

/// The tiers of this machine that generate code, the fastest first.
pub fn native_tiers() -> Vec<Tier> {
    Tier::available().into_iter().filter(|&tier| tier != Tier::Interpret).collect()
}

/// Whether everything is to run once, on few rows: `--test`.
pub fn quick() -> bool {
    std::env::args().any(|arg| arg == "--test")
}
