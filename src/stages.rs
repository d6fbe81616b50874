//! How long the stages of a compilation take.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::dialect::{Dialect, ReaderLimits};
use crate::kernel::{CompileOptions, Kernel, Tier, derived};
use crate::loader::Loader;
use crate::lower::lower;
use crate::program::{Error, Program};
use crate::source::{SourceId, SourceMap};

/// What each stage of one compilation took.
///
/// ```
/// use neural_compiler::{Dialect, StageTimes};
///
/// # fn main() -> Result<(), neural_compiler::Error> {
/// let times = StageTimes::measure(b"(* 0.5 (* m (pow v 2)))", Dialect::Scheme, &Default::default())?;
/// let names: Vec<&str> = times.named().iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["read", "graph", "derive", "lower", "codegen"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageTimes {
    /// Text → A-normal form.
    pub read: Duration,
    /// A-normal form → graph.
    pub graph: Duration,
    /// Graph → graph with derivatives.
    pub derive: Duration,
    /// Graph → lane program; nothing where the graph is interpreted.
    pub lower: Duration,
    /// Lane program → callable kernel: what making the kernel took beyond lowering.
    pub codegen: Duration,
}

impl StageTimes {
    /// Compiles a program once and times every stage.
    ///
    /// # Errors
    ///
    /// As [`Program::parse_bytes`] and [`Program::compile`].
    pub fn measure(source: &[u8], dialect: Dialect, options: &CompileOptions) -> Result<StageTimes, Error> {
        StageTimes::measure_read(|| Program::parse_bytes(source, dialect, &ReaderLimits::default()), options)
    }

    /// Compiles the program that is one of several sources once, with the files that it imports, which are read anew, and times
    /// every stage.
    ///
    /// # Errors
    ///
    /// As [`Program::parse_files`] and [`Program::compile`].
    pub fn measure_files(
        sources: &mut SourceMap,
        source: SourceId,
        dialect: Dialect,
        loader: &dyn Loader,
        options: &CompileOptions,
    ) -> Result<StageTimes, Error> {
        let limits = ReaderLimits::default();
        StageTimes::measure_read(|| Program::parse_files(sources, source, dialect, &limits, loader), options)
    }

    /// Compiles a program once, which is read in this way, and times every stage.
    fn measure_read(
        read: impl FnOnce() -> Result<Program, Error>,
        options: &CompileOptions,
    ) -> Result<StageTimes, Error> {
        let (program, read) = timed(read);
        let program = program?;
        let (graph, graph_time) = timed(|| program.value_graph(options));
        let graph = graph?;
        let (graph, derive) = timed(|| derived(&graph, options));
        let graph = graph?;
        let lower = if options.tier == Tier::Interpret {
            Duration::ZERO
        } else {
            timed(|| black_box(lower(&graph, options.tape_bytes))).1
        };
        let (kernel, whole) = timed(|| Kernel::explained_by(graph, options, None));
        kernel?;
        let codegen = whole.saturating_sub(lower);
        Ok(StageTimes { read, graph: graph_time, derive, lower, codegen })
    }

    /// The times with the names of their stages, in order.
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("read", self.read),
            ("graph", self.graph),
            ("derive", self.derive),
            ("lower", self.lower),
            ("codegen", self.codegen),
        ]
    }

    /// The median of each stage over several compilations; `None` if there are none.
    pub fn median(times: &[StageTimes]) -> Option<StageTimes> {
        let middle = |stage: fn(&StageTimes) -> Duration| {
            let mut of_stage: Vec<Duration> = times.iter().map(stage).collect();
            of_stage.sort_unstable();
            of_stage.get(of_stage.len() / 2).copied()
        };
        Some(StageTimes {
            read: middle(|t| t.read)?,
            graph: middle(|t| t.graph)?,
            derive: middle(|t| t.derive)?,
            lower: middle(|t| t.lower)?,
            codegen: middle(|t| t.codegen)?,
        })
    }
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
