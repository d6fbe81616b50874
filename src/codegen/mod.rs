//! Lane program → machine code.
//!
//! * [`cranelift`]: by Cranelift, in 128-bit vectors; [`wide`]: by ourselves, in 256- or 512-bit vectors;
//! * `layout`, `pieces`, `interleave`: what both need to know about a program first; `walk`: the order in which both go through it.
//!
//! Without the feature `jit` there are no code generators, and `none` stands for them.
//!
//! **Invariant**: machine code gives the bits of the lane program, and its loads and stores stay inside what `Args` describes.
//!
//! **Boundary**: knows lanes and processors, and neither operations, graphs nor programs.

#[cfg(feature = "jit")]
pub mod cranelift;
mod error;
#[cfg(feature = "jit")]
mod interleave;
#[cfg(feature = "jit")]
mod layout;
#[cfg(not(feature = "jit"))]
mod none;
#[cfg(feature = "jit")]
mod pieces;
#[cfg(feature = "jit")]
mod walk;
#[cfg(feature = "jit")]
pub mod wide;

pub use self::error::CodegenError;
#[cfg(not(feature = "jit"))]
pub use self::none::{cranelift, wide};

/// Where all code lives.
#[cfg(feature = "jit")]
fn arena() -> nc_runtime::memory::CodeArena {
    use std::sync::LazyLock;

    use nc_runtime::memory::CodeArena;

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
