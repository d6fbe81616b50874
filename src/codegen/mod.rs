//! Lane program → machine code.
//!
//! * [`cranelift`]: by Cranelift, in 128-bit vectors; [`wide`]: by ourselves, in 256- or 512-bit vectors;
//! * `layout`, `pieces`, `interleave`: what both need to know about a program first.
//!
//! **Invariant**: machine code gives the bits of the lane program, and its loads and stores stay inside what `Args` describes.
//!
//! **Boundary**: knows lanes and processors, and neither operations, graphs nor programs.

pub mod cranelift;
mod interleave;
mod layout;
mod pieces;
pub mod wide;
