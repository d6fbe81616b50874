//! The switch of mutants: which one of those in this build is active.
//!
//! `NC_MUTANT` is its number; without it the program is as it was written. With `NC_MUTANT_COVERAGE`, the name of a file of as many
//! bytes as there are mutants and one more, none is active, and each place that is reached sets the byte of its number.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The environment has not been looked at.
const UNREAD: u32 = u32::MAX;
/// Places are noted down.
const COVERAGE: u32 = u32::MAX - 1;

static ACTIVE: AtomicU32 = AtomicU32::new(UNREAD);
static NOTES: OnceLock<(usize, usize)> = OnceLock::new();

/// Whether mutant `id` is the active one.
#[inline(always)]
pub fn on(id: u32) -> bool {
    let active = ACTIVE.load(Ordering::Relaxed);
    if active >= COVERAGE { rare(id) } else { active == id }
}

#[cold]
#[inline(never)]
fn rare(id: u32) -> bool {
    if ACTIVE.load(Ordering::Relaxed) == UNREAD {
        let active = match std::env::var_os("NC_MUTANT_COVERAGE") {
            Some(name) => {
                NOTES.get_or_init(|| notes(&name));
                COVERAGE
            }
            None => std::env::var("NC_MUTANT").map_or(0, |text| text.parse().expect("NC_MUTANT is a number")),
        };
        ACTIVE.store(active, Ordering::Relaxed);
        return on(id);
    }
    let &(start, len) = NOTES.get().expect("notes were opened before places are noted down");
    assert!((id as usize) < len, "the file of NC_MUTANT_COVERAGE has a byte for each mutant");
    // SAFETY: the byte is inside the mapping, which is never unmapped; it is only ever written through pointers.
    unsafe { ((start + id as usize) as *mut u8).write_volatile(1) };
    false
}

/// Where the file `name` is mapped, and its length.
fn notes(name: &std::ffi::OsStr) -> (usize, usize) {
    use std::os::fd::AsRawFd;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(name).expect("the file of NC_MUTANT_COVERAGE is there");
    let len = file.metadata().expect("an open file has a length").len() as usize;
    // SAFETY: a new mapping of a file of that length.
    let start = unsafe {
        libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    assert!(start != libc::MAP_FAILED, "the file of NC_MUTANT_COVERAGE can be mapped");
    (start as usize, len)
}
