//! Choices of the code generators that must not change a bit, turned over by a seed: the order of instructions, pieces, lane groups
//! side by side, registers, the allocator.
//!
//! A test compiles with many seeds and compares results. Without a seed every choice is the usual one.

use std::cell::Cell;

thread_local! {
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Calls `f` with the choices of a seed, on this thread.
#[cfg(feature = "internals")]
pub fn with_seed<R>(seed: u64, f: impl FnOnce() -> R) -> R {
    /// Puts the seed back, also if `f` panics.
    struct Before(Option<u64>);
    impl Drop for Before {
        fn drop(&mut self) {
            SEED.set(self.0);
        }
    }
    let _before = Before(SEED.replace(Some(seed)));
    f()
}

/// One of the choices at a place in the compiler, if there is a seed; the usual one otherwise. Each place has a name of its own,
/// so that places choose independently.
pub(crate) fn choose<T: Copy>(place: &str, usual: T, others: &[T]) -> T {
    let Some(seed) = SEED.get() else { return usual };
    let hash = place.bytes().fold(seed ^ 0x9E37_79B9_7F4A_7C15, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(29)
    });
    let k = (hash >> 32) as usize % (others.len() + 1);
    others.get(k).copied().unwrap_or(usual)
}
