//! Lane program → machine code.
//!
//! * [`cranelift`]: by Cranelift, in 128-bit vectors; [`wide`]: by ourselves, in 256- or 512-bit vectors;
//! * `layout`, `pieces`, `interleave`: what both need to know about a program first; `walk`: the order in which both go through it.
//!
//! **Invariant**: machine code gives the bits of the lane program, and its loads and stores stay inside what `Args` describes.
//!
//! **Boundary**: knows lanes and processors, and neither operations, graphs nor programs.

pub mod cranelift;
mod interleave;
mod layout;
mod pieces;
mod walk;
pub mod wide;

use std::sync::LazyLock;

use nc_runtime::memory::CodeArena;

/// Where all code lives.
fn arena() -> CodeArena {
    static ARENA: LazyLock<CodeArena> = LazyLock::new(CodeArena::new);
    #[cfg(test)]
    if REFUSING.get() {
        return CodeArena::refusing();
    }
    ARENA.clone()
}

#[cfg(test)]
thread_local! {
    /// Whether the system denies this thread memory for code.
    pub(crate) static REFUSING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
