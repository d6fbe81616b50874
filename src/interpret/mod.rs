//! Evaluation without code generation.
//!
//! * [`ast`]: values, from the resolved tree;
//! * [`graph`]: values and derivatives, from the compute graph.

pub mod ast;
pub mod graph;
