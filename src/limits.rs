//! All limits: what a row may use, and what a program may need.

/// The largest limit of the depth of calls: memory for more cannot be promised.
pub const MAX_DEPTH: u64 = 1_000_000;

/// How many elements a vector or matrix may have.
pub const MAX_ELEMENTS: usize = 1 << 20;

/// How many columns a program may read, and how many it may write: one for each element of inputs and results. Sums over
/// the batch and elements of parameters are counted alike.
pub const MAX_COLUMNS: usize = 1 << 24;

/// Operations, and operands of operations, that a program has at most once its functions are inlined. Inlining can
/// multiply a short program beyond all bounds.
pub const MAX_SIZE: usize = 1 << 24;

/// How many hidden layers a network has at the most: each is a call around the one before.
pub(crate) const MAX_LAYERS: usize = 256;

/// How many names the imports of all files of a program make known, each counted wherever it is.
pub(crate) const MAX_IMPORTED_NAMES: usize = 1 << 22;

/// About how many bytes a node of a graph takes, or an operand of one, with what finds it again.
pub(crate) const NODE_BYTES: usize = 96;

/// Memory for compiling a program, and for what a row needs beside tapes, unless the caller says otherwise.
pub const DEFAULT_MEMORY_BYTES: usize = 1 << 30;

/// Operations on elements of vectors and matrices that count as one step of a row, where they are repeated: about as many
/// as take as long as an iteration.
pub const STEP_WORK: usize = 64;

/// Operations that a program has at most once its functions are inlined, beside four for each that it is written with, if its calls,
/// written out, would be more than it may have: it lives by what the calls share.
pub(crate) const MAX_SHARED_SIZE: usize = 1 << 20;

/// What a row may use before it fails. Programs that need more than the default say so in their header comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// How often a loop may begin another iteration, counted from each entry anew. Loops that count to a constant are not limited.
    ///
    /// The default, 2²⁰, is for programs whose loops then cannot exceed `steps` together. In others it is 30,000, so
    /// that two nested loops need no count of their steps, or 10,000.
    pub iterations: u64,
    /// How many calls of recursive functions may be under way at the same time; [`MAX_DEPTH`] at the most.
    pub depth: u64,
    /// Iterations and calls of recursive functions of one row, all together. In loops and recursive functions, operations on
    /// vectors and matrices count as well: one step for every [`STEP_WORK`] operations on elements.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { iterations: 1 << 20, depth: 10_000, steps: 1_000_000_000 }
    }
}

/// What loops may always take by default.
const LEAST_ITERATIONS: u64 = 10_000;

impl Limits {
    /// The limits of iterations that a program is built with until its loops can't exceed the limit of steps; with the last one they may.
    pub(crate) fn iterations_tried(self) -> Vec<u64> {
        let usual = Limits::default().iterations;
        // Two nested loops leave room for a tenth of the steps.
        let nested = (self.steps - self.steps / 10).isqrt().clamp(LEAST_ITERATIONS, usual);
        let mut tried = vec![self.iterations];
        if self.iterations == usual {
            tried.extend([nested, LEAST_ITERATIONS]);
            tried.dedup();
        }
        tried
    }
}
