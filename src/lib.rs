//! A JIT compiler for Scheme physics expressions.

pub mod anf;
pub mod entity;
pub mod ops;
pub mod source;
