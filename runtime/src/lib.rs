//! The run-time half of the neural compiler. It knows no compiler.
//!
//! * [`lanes`]: the arithmetic that every kernel is made of, as a trait, and its one-lane implementation;
//! * [`recipes`]: the elementary functions, each written once over that trait;
//! * [`element`]: the numbers that columns hold;
//! * [`abi`]: the calling convention of native kernels;
//! * [`batch`]: evaluation of kernels over columns and matrices, on any number of threads;
//! * [`stop`]: ending an evaluation from outside;
//! * [`memory`]: memory for machine code.

pub mod abi;
pub mod batch;
pub mod element;
mod fork;
pub mod lanes;
#[cfg(unix)]
pub mod memory;
pub mod recipes;
mod stack;
pub mod stop;
