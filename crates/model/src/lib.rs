//! The model layer: fitting of parameters, trajectories and experiments over compiled programs.
//!
//! It is empty as yet. What stands here uses the public interface of the compiler only, without its feature `internals`:
//!
//! ```
//! use neural_compiler::{CompileOptions, Derivative, Program};
//!
//! # fn main() -> Result<(), neural_compiler::Error> {
//! let energy = Program::parse("(* 1/2 (* k (square x)))")?;
//! let kernel = energy.compile(&CompileOptions::default().derivative(Derivative::Gradient).wrt(["x"]))?;
//! let found = kernel.columns(&[&[4.0][..], &[0.5]])?;
//! assert_eq!((found.get("value"), found.get("d/dx")), (Some(&[0.5][..]), Some(&[2.0][..])));
//! # Ok(())
//! # }
//! ```
