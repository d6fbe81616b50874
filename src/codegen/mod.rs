//! Lane program → machine code.
//!
//! * [`cranelift`]: by Cranelift, in 128-bit vectors; [`wide`]: by ourselves, in 256- or 512-bit vectors;
//! * `layout`, `pieces`, `interleave`: what both need to know about a program first.

pub mod cranelift;
mod interleave;
mod layout;
mod pieces;
pub mod wide;
