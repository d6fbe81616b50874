//! How far an evaluation has come.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar that appears after a second, if there is a terminal to see it.
pub struct Progress {
    /// Whether there is such a terminal.
    pub shown: bool,
    rows: u64,
    done: AtomicU64,
    start: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// Starts the clock.
    pub fn new(rows: usize) -> Progress {
        Progress {
            shown: io::stderr().is_terminal(),
            rows: rows as u64,
            done: AtomicU64::new(0),
            start: Instant::now(),
            bar: OnceLock::new(),
        }
    }

    /// So many more rows are done.
    pub fn advance(&self, rows: usize) {
        let done = self.done.fetch_add(rows as u64, Ordering::Relaxed) + rows as u64;
        if self.start.elapsed() < Duration::from_secs(1) {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::with_draw_target(Some(self.rows), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        // The bar's own estimate would start from when it appeared.
        let left = self.start.elapsed().as_secs_f64() * (self.rows as f64 / done as f64 - 1.0);
        bar.set_message(format!("{left:.0} s left"));
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
