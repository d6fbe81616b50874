#![doc = include_str!("../README.md")]
//!
//! # What is public
//!
//! What this page lists is the interface of the library. The stages of the compiler are visible to its own tests, benches and
//! tools in the module `internals`, behind a feature of that name; what stands there changes without notice.

#![cfg_attr(
    feature = "internals",
    allow(
        clippy::len_without_is_empty,
        reason = "what always has members is never asked whether it has none"
    )
)]

mod anf;
mod ast;
mod build;
mod chaos;
mod codegen;
mod derive;
mod dialect;
mod domain;
mod entity;
mod files;
mod formula;
mod graph;
mod interpret;
mod kernel;
mod limits;
mod loader;
mod lower;
mod names;
mod number;
mod ops;
mod picture;
mod prelude;
mod problem;
mod program;
mod resolve;
mod source;
mod specialise;
mod stages;
mod types;

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;

pub use build::Signature;
pub use codegen::CodegenError;
pub use codegen::cranelift::TargetMachine;
pub use derive::DerivativeTooLarge;
pub use dialect::eml::Mode;
pub use dialect::{Dialect, ReaderLimits};
pub use domain::{Condition, SafeDomain};
pub use formula::{Formula, FormulaError, FormulaValue};

pub use ast::network::{DeclaredNetwork, DeclaredParameter, Start};
pub use graph::{Check, Effect, Input, Reason, Role, Source};
pub use interpret::ast::Variable;
pub use kernel::{
    Columns, CompileOptions, DEFAULT_TAPE_BYTES, Derivative, Dtype, Explanation, Kernel, KernelError,
    OutputInfo, Tier,
};
pub use limits::{DEFAULT_MEMORY_BYTES, Limits, MAX_DEPTH, STEP_WORK};
pub use loader::{FolderLoader, LoadError, Loader};
pub use nc_runtime::memory::CodeMemoryError;
#[cfg(feature = "ndarray")]
pub use ndarray;
pub use ops::primitives::PrimitiveInfo;
pub use ops::{
    Arity, Bound, Domain, Kink, Met, Op, OpInfo, Primitive, Requirement, ShapeError, Single, Singularity,
    Syntax,
};
pub use picture::{Detail, Picture, TooLarge};
pub use prelude::LibraryWord;
pub use program::{Error, Program, Stage, Subject, Switches};
pub use source::{Diagnostic, Excerpt, Place, Severity, SourceId, SourceMap, Span, TooLong};
pub use stages::StageTimes;
pub use types::{ExtentError, Shape};

/// What [`Kernel::evaluate`] takes and gives: batches of rows in columns or row-major matrices.
pub mod batch {
    pub use nc_runtime::batch::{
        Batch, BatchError, Options, Report, RowOutcome, RowReport, Sink, Source, Workspace,
    };
    pub use nc_runtime::element::Element;
    pub use nc_runtime::lanes::Precision;
    pub use nc_runtime::stop::Stop;
}
