#![doc = include_str!("../README.md")]

pub mod anf;
pub mod ast;
#[doc(hidden)]
pub mod chaos;
pub mod codegen;
pub mod derive;
pub mod dialect;
pub mod domain;
pub mod entity;
pub mod formula;
pub mod graph;
pub mod interpret;
pub mod kernel;
pub mod limits;
pub mod lower;
pub mod number;
pub mod ops;
pub mod picture;
pub mod problem;
pub mod program;
pub mod resolve;
pub mod source;
pub mod stages;
pub mod types;

pub use formula::Formula;
pub use kernel::{CompileOptions, Derivative, Dtype, Kernel, Tier};
pub use limits::Limits;
pub use program::{Error, Program, Stage, Subject};
