//! Options for how long a row may take, and how much memory.

use neural_compiler::{DEFAULT_MEMORY_BYTES, DEFAULT_TAPE_BYTES, Limits, Program};

/// Limits from the command line, which count more than those in the program's header comment.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LimitArgs {
    /// How many iterations a loop may make from each entry on [default: as the program says, or 10000]
    #[arg(long, value_name = "N")]
    max_iterations: Option<u64>,
    /// How many calls of recursive functions may be under way at once [default: as the program says, or 10000]
    #[arg(long, value_name = "N")]
    max_depth: Option<u64>,
    /// How many iterations and calls of recursive functions a row may take in all [default: as the program says, or
    /// 1000000000]
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
}

impl LimitArgs {
    /// The limits that hold for a program.
    pub fn of(&self, program: &Program) -> Limits {
        let header = program.limits();
        Limits {
            iterations: self.max_iterations.unwrap_or(header.iterations),
            depth: self.max_depth.unwrap_or(header.depth),
            steps: self.max_steps.unwrap_or(header.steps),
        }
    }
}

/// How much memory compiling and rows may take, and the adjoints of loops.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct MemoryArgs {
    /// Memory of a thread for the states of loops that are differentiated, in MiB. Less takes more time and changes
    /// no bit; 0 for as little as possible [default: 64]
    #[arg(long, value_name = "MIB")]
    tape_memory: Option<u32>,
    /// Memory for compiling a program, and for the values of a row, in MiB each. A program that needs more is refused
    /// [default: 1024]
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
}

impl MemoryArgs {
    /// Memory for tapes, in bytes.
    pub fn tape_bytes(self) -> usize {
        self.tape_memory.map_or(DEFAULT_TAPE_BYTES, |mib| (mib as usize).saturating_mul(1 << 20))
    }

    /// Memory for compiling, and for a row, in bytes.
    pub fn memory_bytes(self) -> usize {
        self.memory.map_or(DEFAULT_MEMORY_BYTES, |mib| (mib as usize).saturating_mul(1 << 20))
    }
}
