//! Options for how long a row may take, and how much memory; the clock of `--time-limit`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nc_runtime::stop::Stop;

use neural_compiler::{
    DEFAULT_MEMORY_BYTES, DEFAULT_TAPE_BYTES, KernelError, Limits, MAX_DEPTH, Program, Reason,
};

use super::report::{Failure, eprint_lines};
use super::signals;

/// What stops evaluations once the time is over; there is none without a limit.
static CLOCK: OnceLock<Stop> = OnceLock::new();

/// What does not look at the clock, such as compiling, is ended so long after it.
const GRACE: Duration = Duration::from_millis(500);

/// What has results when the time is over has so long at least to give them, and as long as it was allowed to take.
const TIME_TO_GIVE: Duration = Duration::from_secs(10);

/// Whether what is under way gives what it has when the time is over.
static GIVES: AtomicBool = AtomicBool::new(false);

/// Reads a number of seconds.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is needed".to_string())?;
    if seconds.is_nan() || seconds <= 0.0 {
        return Err("a time above 0 is needed".into());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "no clock runs for so long".into())
}

/// Starts the clock of `--time-limit`.
pub fn start_clock(time: Duration, json: bool) -> Result<(), Failure> {
    let failed = |error| Failure::message("threads", format!("--time-limit: cannot start a thread: {error}"));
    let stop = Stop::after(time).map_err(failed)?;
    let end = move || {
        thread::sleep(time.saturating_add(GRACE));
        if GIVES.load(Ordering::Relaxed) {
            thread::sleep(time.max(TIME_TO_GIVE));
        }
        nc_arrays::remove_unfinished();
        let failure = time_is_over();
        failure.report(json);
        std::process::exit(failure.status());
    };
    thread::Builder::new().name("time limit".into()).spawn(end).map_err(failed)?;
    CLOCK.get_or_init(|| stop);
    Ok(())
}

/// What stops evaluations once the time is over.
pub fn clock() -> Option<&'static Stop> {
    CLOCK.get()
}

/// Lets what is under way end by itself once the time is over, with the results so far.
pub fn give_results() {
    GIVES.store(true, Ordering::Relaxed);
}

/// How results ended that are not all that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By an interrupt from the keyboard.
    Interrupt,
    /// By the clock.
    TimeLimit,
}

impl Ended {
    /// How what was under way has been ended, if it was.
    pub fn early() -> Option<Ended> {
        match (signals::interrupted(), clock().is_some_and(Stop::is_stopped)) {
            (true, _) => Some(Ended::Interrupt),
            (false, true) => Some(Ended::TimeLimit),
            (false, false) => None,
        }
    }

    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Ended::Interrupt => "interrupt",
            Ended::TimeLimit => "time-limit",
        }
    }
}

/// Says that results are those which there were when the time was over, and with which status the process ends.
pub fn end(ended: Option<Ended>) -> Result<(), Failure> {
    match ended {
        None => Ok(()),
        Some(Ended::Interrupt) => Err(Failure::Interrupted),
        Some(Ended::TimeLimit) => {
            eprint_lines(
                "note: the time limit is over: these are the results so far; --time-limit SECONDS sets it\n",
            );
            Err(Failure::Reported)
        }
    }
}

/// What is said then.
pub fn time_is_over() -> Failure {
    Failure::message("time-limit", "the time limit is over").note("--time-limit SECONDS sets it")
}

/// Limits from the command line, which count more than those in the program's header comment.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LimitArgs {
    /// How many iterations a loop may make from each entry on, unless it counts to a constant [default: as the program says, or 1048576;
    /// in nested loops 30000, or 10000]
    #[arg(long, value_name = "N")]
    max_iterations: Option<u64>,
    /// How many calls of recursive functions may be under way at once [default: as the program says, or 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=MAX_DEPTH))]
    max_depth: Option<u64>,
    /// How many iterations and calls of recursive functions a row may take in all, and, in them, operations on elements of
    /// vectors and matrices, 64 of which count as one [default: as the program says, or 1000000000]
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

/// The option that sets the limit that a row has met.
pub fn option_of(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Iterations { .. } => Some("--max-iterations"),
        Reason::Depth { .. } => Some("--max-depth"),
        Reason::Steps { .. } => Some("--max-steps"),
        Reason::Index { .. } | Reason::Unmet(_) | Reason::Met { .. } => None,
    }
}

/// How a limit is raised.
pub fn raises(option: &str) -> String {
    format!("{option} N raises the limit, and so does a comment `nc: {option} N` at the head of the program")
}

/// How the limit is changed that a program has met when it was compiled.
pub fn of_kernel(error: &KernelError) -> Option<String> {
    Some(match error {
        KernelError::Memory { .. } => "--memory MIB allows a row more".into(),
        KernelError::TooManySteps { .. } => "--max-steps N sets the limit".into(),
        KernelError::TooDeep { .. } => "--max-depth N sets the limit".into(),
        KernelError::DerivativeMemory { .. } => {
            "--memory MIB allows more; --wrt differentiates by fewer inputs, and --vjp or \
             --jvp compute one combination"
                .into()
        }
        KernelError::TooManyDerivatives { .. } => {
            "--wrt differentiates by fewer inputs, and --vjp or --jvp compute one combination".into()
        }
        _ => return None,
    })
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
