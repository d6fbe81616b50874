//! What a process has to know of its forks: a child shares memory for code with its parent, and has none of its threads.

#[cfg(unix)]
pub(crate) use self::unix::{Undisturbed, generation, is_child, undisturbed};

/// Whether this process is the fork of one that had used this library.
#[cfg(not(unix))]
pub(crate) fn is_child() -> bool {
    false
}

#[cfg(unix)]
mod unix {
    use std::cell::UnsafeCell;
    use std::marker::PhantomData;
    use std::sync::Once;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    /// How often this process forked or was forked.
    static GENERATION: AtomicU64 = AtomicU64::new(0);
    static IS_CHILD: AtomicBool = AtomicBool::new(false);

    /// Held by whoever must not be interrupted by a fork, and during forks.
    static LOCK: Lock = Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

    struct Lock(UnsafeCell<libc::pthread_mutex_t>);

    // SAFETY: a mutex is there to be used by several threads, and is only used through the functions for mutexes.
    unsafe impl Sync for Lock {}

    impl Lock {
        fn acquire(&self) {
            // SAFETY: the mutex was initialised statically and never moves.
            let result = unsafe { libc::pthread_mutex_lock(self.0.get()) };
            debug_assert_eq!(result, 0, "nobody locks it twice");
        }

        /// # Safety
        /// The thread must have acquired it.
        unsafe fn release(&self) {
            // SAFETY: as the caller promises.
            unsafe { libc::pthread_mutex_unlock(self.0.get()) };
        }
    }

    extern "C" fn before() {
        LOCK.acquire();
    }

    extern "C" fn in_parent() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `before` has acquired it on this thread.
        unsafe { LOCK.release() };
    }

    extern "C" fn in_child() {
        IS_CHILD.store(true, Ordering::Relaxed);
        in_parent();
    }

    fn watch() {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| {
            // SAFETY: the handlers are functions of this library, which is never unloaded while its code can be called,
            // and do nothing that is forbidden in a child.
            let result = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
            assert_eq!(result, 0, "there is memory for three function pointers");
        });
    }

    /// A number that changes in parent and child with each fork.
    pub(crate) fn generation() -> u64 {
        watch();
        GENERATION.load(Ordering::Relaxed)
    }

    /// Whether this process is the fork of one that had used this library.
    pub(crate) fn is_child() -> bool {
        watch();
        IS_CHILD.load(Ordering::Relaxed)
    }

    /// While one of these lives, the process does not fork, and no other thread has one.
    pub(crate) struct Undisturbed(PhantomData<*const ()>);

    pub(crate) fn undisturbed() -> Undisturbed {
        watch();
        LOCK.acquire();
        Undisturbed(PhantomData)
    }

    impl Drop for Undisturbed {
        fn drop(&mut self) {
            // SAFETY: it was acquired when this was made, on this thread, which it cannot leave.
            unsafe { LOCK.release() };
        }
    }
}
