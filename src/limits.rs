//! How long one row may take.

/// The largest limit of the depth of calls: memory for more cannot be promised.
pub const MAX_DEPTH: u64 = 1_000_000;

/// What a row may use before it fails. Programs that need more than the default say so in their header comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// How often a loop may begin another iteration, counted from each entry anew.
    pub iterations: u64,
    /// How many calls of recursive functions may be under way at the same time; [`MAX_DEPTH`] at the most.
    pub depth: u64,
    /// Iterations and calls of recursive functions of one row, all together.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { iterations: 10_000, depth: 10_000, steps: 1_000_000_000 }
    }
}
