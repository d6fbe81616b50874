//! The model layer: fitting of parameters, trajectories and experiments over compiled programs.
//!
//! It is empty as yet. What stands here uses the public interface of the compiler only, without its feature `internals`: the
//! gradients, sums over batches and reports of [`neural_compiler::Kernel`].
