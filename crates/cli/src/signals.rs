//! Signals that end the process leave no unfinished files behind, and limits of the system become errors.

/// What an interrupt from the keyboard stops instead of the process, once there is something that has a result so far.
static INTERRUPTED: std::sync::OnceLock<nc_runtime::stop::Stop> = std::sync::OnceLock::new();

/// Whether an interrupt has stopped it.
static BY_INTERRUPT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Whether an interrupt from the keyboard has stopped what was under way, which then has the result so far.
pub fn interrupted() -> bool {
    BY_INTERRUPT.load(std::sync::atomic::Ordering::Relaxed)
}

/// Makes the first interrupt stop this; the second one ends the process.
pub fn stop_at_interrupt(stop: &nc_runtime::stop::Stop) {
    let _ = INTERRUPTED.set(stop.clone());
}

/// Starts to catch them. Where the system has no more threads or handlers, what signals do stays as it is.
#[cfg(unix)]
pub fn catch() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;
    use signal_hook::{flag, low_level};

    // A file beyond the limit of its size is then an error of the call that writes it.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    // What the parent has told to be ignored, as nohup does, stays ignored.
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let _ = thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match INTERRUPTED.get() {
                Some(stop) if signal == SIGINT && !stop.is_stopped() => {
                    BY_INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
                    stop.stop();
                }
                _ => {
                    nc_arrays::remove_unfinished();
                    let _ = low_level::emulate_default_handler(signal);
                }
            }
        }
    });
}

#[cfg(not(unix))]
pub fn catch() {}

/// The signals that are ignored, a bit for each; none where that cannot be told.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
