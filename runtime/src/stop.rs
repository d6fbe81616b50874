//! Stopping an evaluation from outside: a flag that the driver looks at between tiles, and kernels in loops and calls.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What kernels look at: whether they are to end. Machine code reads it as 64 bits that are 0 until then.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct StopFlag(AtomicU64);

impl StopFlag {
    /// A flag that is not set.
    pub const fn new() -> StopFlag {
        StopFlag(AtomicU64::new(0))
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    fn set(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
}

/// The flag of evaluations that nothing stops.
pub(crate) static NEVER: StopFlag = StopFlag::new();

/// Stops evaluations, by hand or after a time. Clones are the same one. Once stopped, it stays so.
///
/// An evaluation that is stopped ends with [`BatchError::Stopped`](crate::batch::BatchError::Stopped), and what it has
/// written counts for nothing.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

/// Its end wakes the timer.
#[derive(Debug, Default)]
struct Shared {
    timer: Arc<Timer>,
}

#[derive(Debug, Default)]
struct Timer {
    flag: StopFlag,
    over: Mutex<bool>,
    wake: Condvar,
}

impl Stop {
    /// One that stops when it is told to.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// One that stops by itself after this time, which a thread of its own waits for. A process that is forked meanwhile has no
    /// such thread.
    ///
    /// # Errors
    ///
    /// The system has no thread.
    pub fn after(time: Duration) -> io::Result<Stop> {
        let stop = Stop::new();
        let timer = Arc::clone(&stop.shared.timer);
        // A time that no clock reaches is none.
        if let Some(end) = Instant::now().checked_add(time) {
            thread::Builder::new().name("time limit".into()).spawn(move || timer.wait_until(end))?;
        }
        Ok(stop)
    }

    /// Stops what looks at it.
    pub fn stop(&self) {
        self.shared.timer.flag.set();
    }

    /// Whether it has stopped.
    pub fn is_stopped(&self) -> bool {
        self.flag().is_set()
    }

    /// What kernels look at.
    pub(crate) fn flag(&self) -> &StopFlag {
        &self.shared.timer.flag
    }
}

impl Timer {
    /// Sets the flag at this time, unless nobody is left to look at it.
    fn wait_until(&self, end: Instant) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                self.flag.set();
                return;
            };
            over = self.wake.wait_timeout(over, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        *self.timer.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.timer.wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_by_hand_and_by_itself() {
        let stop = Stop::new();
        let clone = stop.clone();
        assert!(!clone.is_stopped());
        stop.stop();
        assert!(clone.is_stopped());
        let stop = Stop::after(Duration::from_millis(1)).expect("a thread");
        while !stop.is_stopped() {
            thread::yield_now();
        }
        assert!(!Stop::after(Duration::MAX).expect("no thread is needed").is_stopped());
    }

    #[test]
    fn timers_end_with_their_last_owner() {
        let stop = Stop::after(Duration::from_secs(3600)).expect("a thread");
        let timer = Arc::downgrade(&stop.shared.timer);
        drop(stop.clone());
        assert!(timer.upgrade().is_some());
        drop(stop);
        // The thread lets go of the timer as soon as it is woken.
        while timer.upgrade().is_some() {
            thread::yield_now();
        }
    }
}
