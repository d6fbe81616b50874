//! How things are timed.

use std::time::{Duration, Instant};

use nc_runtime::batch::{Batch, Kernel as _, Options, Workspace};
use neural_compiler::Kernel;

use super::columns::Columns;

/// What a measurement lasts at the least, so that reading the clock does not count.
const LEAST: Duration = Duration::from_micros(60);

/// The time of one call, in seconds.
fn once(work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The best time of several repeats, in seconds.
pub fn best(repeats: usize, mut work: impl FnMut()) -> f64 {
    (0..repeats).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// The middle one of the times of several repeats, in seconds.
pub fn median(repeats: usize, mut work: impl FnMut()) -> f64 {
    middle((0..repeats).map(|_| once(&mut work)).collect())
}

/// The middle one of some numbers.
pub fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The geometric mean.
pub fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often.
    pub rounds: usize,
    /// No further round begins after so many seconds, if there have been three.
    pub seconds: f64,
}

impl Effort {
    /// Once.
    pub const ONCE: Effort = Effort { rounds: 1, seconds: 0.0 };
}

/// Something to be timed.
pub type Side<'a> = Box<dyn FnMut() + 'a>;

/// The best time of each side in seconds. The sides take turns, so that what disturbs the machine disturbs all.
pub fn interleaved(sides: &mut [Side<'_>], effort: Effort) -> Vec<f64> {
    let calls: Vec<u32> = sides
        .iter_mut()
        .map(|side| {
            if effort.rounds == 1 {
                return 1;
            }
            side();
            (LEAST.as_secs_f64() / once(side)).ceil().clamp(1.0, 10_000.0) as u32
        })
        .collect();
    let mut times = vec![f64::INFINITY; sides.len()];
    let start = Instant::now();
    for round in 0..effort.rounds {
        if round >= 3 && start.elapsed().as_secs_f64() > effort.seconds {
            break;
        }
        for ((side, &calls), time) in sides.iter_mut().zip(&calls).zip(&mut times) {
            let total = once(&mut || (0..calls).for_each(|_| side()));
            *time = time.min(total / f64::from(calls));
        }
    }
    times
}

/// A kernel at work on columns.
pub fn kernel_side<'a>(
    kernel: &'a Kernel,
    inputs: &'a Columns,
    outputs: &'a mut Columns,
    threads: usize,
) -> Side<'a> {
    let (rows, sources) = (inputs.rows(), inputs.sources());
    let mut sinks = outputs.sinks();
    let mut space = Workspace::new();
    Box::new(move || {
        let batch =
            Batch { rows, inputs: &sources, params: &[], outputs: &mut sinks, param_gradients: &mut [] };
        kernel.evaluate(batch, &Options::with_threads(threads), &mut space).expect("the batch fits");
    })
}

/// Nanoseconds per row on one thread, and what the kernel gave.
pub fn kernel_time(kernel: &Kernel, inputs: &Columns, repeats: usize) -> (f64, Columns) {
    let mut outputs = Columns::zeros(kernel.shape().outputs, inputs.rows());
    let seconds = best(repeats, kernel_side(kernel, inputs, &mut outputs, 1));
    (seconds * 1e9 / inputs.rows() as f64, outputs)
}
