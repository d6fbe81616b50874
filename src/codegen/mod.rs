//! Lane program → machine code.

pub mod cranelift;
mod interleave;
pub mod pieces;
