//! The run-time half of the neural compiler. It knows no compiler.
//!
//! * [`lanes`]: the arithmetic that every kernel is made of, as a trait, and its one-lane implementation;
//! * [`recipes`]: the elementary functions, each written once over that trait;
//! * [`abi`]: the calling convention of native kernels.

pub mod abi;
pub mod lanes;
pub mod recipes;
