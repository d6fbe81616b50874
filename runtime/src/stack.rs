//! Stacks for kernels that need more than a thread may have left.

use crate::batch::BatchError;

/// Memory below a stack that must not be touched. Code touches a large frame page by page before it uses it, so that one
/// page would do.
const GUARD: usize = 64 << 10;

/// A stack that is kept from one call to the next. It has no memory until it is asked to be of some size.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    #[cfg(unix)]
    mapping: Option<crate::memory::Mapping>,
}

#[cfg(unix)]
impl Stack {
    /// Makes it at least so large. What it held is lost.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(crate) fn ensure(&mut self, bytes: usize) -> Result<(), BatchError> {
        if bytes > self.len() {
            self.mapping = None;
            let mapping = crate::memory::Mapping::stack(bytes, GUARD);
            self.mapping = Some(mapping.map_err(|_| BatchError::OutOfMemory { bytes })?);
        }
        Ok(())
    }

    /// How large it is.
    fn len(&self) -> usize {
        self.mapping.as_ref().map_or(0, |mapping| mapping.len() - GUARD)
    }

    /// Does some work on this stack, or on the caller's if no memory was asked for.
    ///
    /// # Safety
    /// The stack must be large enough for the work, which must not unwind.
    #[inline]
    pub(crate) unsafe fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let Some(mapping) = &self.mapping else { return work() };
        psm::psm_stack_manipulation! {
            yes {
                // SAFETY: the memory begins and ends at a page, is mapped but for the guard at its lower end, and is in
                // use by nothing else, as `self` is borrowed; the caller vouches for what is done on it.
                unsafe { psm::on_stack(mapping.start(), mapping.len(), work) }
            }
            no {
                compile_error!("stacks cannot be switched on this processor")
            }
        }
    }
}

#[cfg(not(unix))]
impl Stack {
    /// Refuses every size but 0.
    pub(crate) fn ensure(&mut self, bytes: usize) -> Result<(), BatchError> {
        if bytes > 0 { Err(BatchError::OutOfMemory { bytes }) } else { Ok(()) }
    }

    /// Does some work on the caller's stack.
    ///
    /// # Safety
    /// None: nothing is switched.
    pub(crate) unsafe fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// Touches so many bytes of stack, a kibibyte at a time.
    #[inline(never)]
    fn touch(bytes: usize) -> usize {
        let frame = black_box([1u8; 1024]);
        let rest = if bytes > 1024 { touch(bytes - 1024) } else { 0 };
        rest + usize::from(frame[bytes % 1024])
    }

    #[test]
    #[cfg_attr(miri, ignore = "it maps memory")]
    fn deep_work_on_a_small_thread() {
        let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(|| {
            let mut stack = Stack::default();
            for size in [16, 64, 32] {
                stack.ensure(size << 20).expect("memory for a stack");
                // SAFETY: a call takes less than four times the kibibyte that it touches, and does not unwind.
                let touched = unsafe { stack.run(|| touch(size << 18)) };
                assert_eq!(touched, size << 8);
            }
            assert_eq!(stack.len(), 64 << 20);
        });
        thread.expect("a thread").join().expect("no panic");
    }

    #[test]
    #[cfg_attr(miri, ignore = "it maps memory")]
    fn too_much_is_refused() {
        let mut stack = Stack::default();
        assert!(stack.ensure(isize::MAX as usize).is_err());
        assert!(stack.ensure(1 << 20).is_ok());
    }
}
