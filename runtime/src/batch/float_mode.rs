//! The floating-point mode that kernels assume: round to nearest even, subnormals kept, no traps.

/// Sets the default mode until dropped, then restores the mode of the host, if it was another.
#[derive(Debug)]
pub(super) struct DefaultMode {
    restore: Option<Control>,
}

#[cfg(target_arch = "x86_64")]
mod control {
    use std::arch::asm;

    pub(super) type Control = u32;

    /// All exceptions masked, nothing else set.
    pub(super) const DEFAULT: Control = 0x1f80;
    /// The bits that are mode and not record of past exceptions.
    pub(super) const MODE: Control = 0xffc0;

    pub(super) fn read() -> Control {
        let mut control: Control = 0;
        // SAFETY: stores four bytes at the given address.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut control, options(nostack, preserves_flags)) };
        control
    }

    pub(super) fn write(control: Control) {
        // SAFETY: only ever writes the default mode, or back what `read` found.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &control, options(nostack, preserves_flags, readonly)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod control {
    use std::arch::asm;

    pub(super) type Control = u64;

    pub(super) const DEFAULT: Control = 0;
    /// Rounding, flush to zero, default NaN and trap bits.
    pub(super) const MODE: Control = 0x07f7_9f00;

    pub(super) fn read() -> Control {
        let control: Control;
        // SAFETY: reads a register.
        unsafe { asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack, preserves_flags)) };
        control
    }

    pub(super) fn write(control: Control) {
        // SAFETY: only ever writes the default mode, or back what `read` found.
        unsafe { asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod control {
    pub(super) type Control = u32;
    pub(super) const DEFAULT: Control = 0;
    pub(super) const MODE: Control = 0;
    pub(super) fn read() -> Control {
        0
    }
    pub(super) fn write(_: Control) {}
}

use control::Control;

impl DefaultMode {
    #[inline]
    pub(super) fn enter() -> DefaultMode {
        let found = control::read();
        if found & control::MODE == control::DEFAULT & control::MODE {
            return DefaultMode { restore: None };
        }
        control::write(control::DEFAULT);
        DefaultMode { restore: Some(found) }
    }
}

impl Drop for DefaultMode {
    #[inline]
    fn drop(&mut self) {
        if let Some(control) = self.restore {
            control::write(control);
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn flushing_of_subnormals_is_off_inside_and_back_outside() {
        let flush = control::read() | 0x8040;
        let halve = || black_box(f64::MIN_POSITIVE) * black_box(0.5);
        control::write(flush);
        let before = halve();
        let mode = DefaultMode::enter();
        let inside = halve();
        drop(mode);
        let after = halve();
        control::write(control::DEFAULT);
        assert_eq!((before, inside, after), (0.0, f64::MIN_POSITIVE / 2.0, 0.0));
    }
}
