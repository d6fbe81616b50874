//! Executable memory.
//!
//! A [`CodeArena`] hands out blocks of memory for machine code. On Linux, blocks share pages of a file in memory that is
//! mapped readable and executable; code is written to the file, which nothing maps writable. Elsewhere, and where the
//! system refuses such pages, each block has pages of its own, which turn from writable to executable when the block is
//! sealed. Either way no mapping is ever writable and executable, and none of code that can run is writable.
//!
//! Code gets in by [`CodeArena::install`], or by [`CodeArena::reserve`], which tells the address at which the code
//! will run before it is written:
//!
//! ```no_run
//! # fn main() -> Result<(), nc_runtime::memory::CodeMemoryError> {
//! use nc_runtime::memory::CodeArena;
//!
//! let arena = CodeArena::new();
//! let mut reservation = arena.reserve(6, 16)?;
//! // Relocate for `reservation.code_ptr()`, write to `reservation.bytes_mut()`.
//! reservation.bytes_mut().copy_from_slice(&[0xb8, 42, 0, 0, 0, 0xc3]); // x86-64: mov eax, 42; ret
//! let block = reservation.seal()?;
//! // SAFETY: the bytes are a function of this type for x86-64.
//! let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(block.code_ptr()) };
//! assert_eq!(function(), 42);
//! # Ok(())
//! # }
//! ```
//!
//! # Forking
//!
//! The pages of an arena are shared with a forked child. After a fork neither process writes to pages that were mapped
//! before it, so that the code that both have stays what it is. An arena is never locked in a child because another
//! thread of the parent was using it.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::fork;

/// Blocks start at and are as long as multiples of this: no two share a cache line, so that writing one does not
/// disturb another that runs.
const GRANULE: usize = 64;

/// The size of the pieces that memory is requested from the system in. Pages that nothing was written to take no
/// memory.
const CHUNK: usize = 1 << 20;

/// Why there is no memory for code.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodeMemoryError {
    /// An alignment that is not a power of two, or more than a page (the caller's mistake).
    #[error("code cannot be aligned to {align} bytes; powers of two up to {page} are possible")]
    Alignment {
        /// The alignment asked for.
        align: usize,
        /// The page size.
        page: usize,
    },
    /// The size is beyond any address space.
    #[error("there is no address space for {size} bytes of code")]
    Size {
        /// The size asked for.
        size: usize,
    },
    /// The system refused.
    #[error("the system refused {size} bytes of memory for code ({call})")]
    Refused {
        /// The size of the mapping.
        size: usize,
        /// The system call that failed.
        call: &'static str,
        /// Its error.
        source: io::Error,
    },
}

fn refused(size: usize, call: &'static str) -> CodeMemoryError {
    CodeMemoryError::Refused { size, call, source: io::Error::last_os_error() }
}

/// Where blocks of code live. Clones are handles to the same arena, which lives as long as any of them or any of its
/// blocks. All methods may be called from any thread.
#[derive(Debug, Clone)]
pub struct CodeArena {
    shared: Arc<Mutex<Chunks>>,
    pages: Pages,
}

/// Where the pages of an arena come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pages {
    /// Blocks share pages of a file in memory, if the system allows that.
    Shared,
    /// Each block has its own.
    Separate,
    /// Nowhere.
    None,
}

/// How much memory an arena holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeMemoryUse {
    /// Address space for code, in bytes.
    pub mapped: usize,
    /// Bytes of it that blocks occupy.
    pub used: usize,
}

impl Default for CodeArena {
    fn default() -> Self {
        CodeArena::new()
    }
}

impl CodeArena {
    /// An empty arena. It requests memory from the system when it needs some.
    pub fn new() -> CodeArena {
        let pages = if cfg!(target_os = "linux") { Pages::Shared } else { Pages::Separate };
        CodeArena { shared: Arc::default(), pages }
    }

    /// An empty arena that gives each block pages of its own, as all arenas do on systems other than Linux.
    pub fn with_separate_pages() -> CodeArena {
        CodeArena { shared: Arc::default(), pages: Pages::Separate }
    }

    /// An arena that refuses every block, as all arenas do on a system that allows no program to make code.
    pub fn refusing() -> CodeArena {
        CodeArena { shared: Arc::default(), pages: Pages::None }
    }

    /// Makes room for `size` bytes of code at a multiple of `align`.
    ///
    /// # Errors
    /// If `align` is not a power of two or more than a page, or the system has no memory to give.
    pub fn reserve(&self, size: usize, align: usize) -> Result<Reservation, CodeMemoryError> {
        let page = page_size();
        if !align.is_power_of_two() || align > page {
            return Err(CodeMemoryError::Alignment { align, page });
        }
        let too_large = CodeMemoryError::Size { size };
        let Some(len) =
            size.max(1).checked_next_multiple_of(GRANULE).filter(|len| *len <= isize::MAX as usize)
        else {
            return Err(too_large);
        };
        let Some(pages) = len.checked_next_multiple_of(page) else { return Err(too_large) };
        match self.pages {
            Pages::Shared => match self.reserve_shared(size, len, pages, align.max(GRANULE)) {
                // A system that forbids such pages altogether may allow the other kind.
                Err(CodeMemoryError::Refused { .. }) => {}
                result => return result,
            },
            Pages::Separate => {}
            Pages::None => {
                let source = io::ErrorKind::PermissionDenied.into();
                return Err(CodeMemoryError::Refused { size: pages, call: "mmap", source });
            }
        }
        let mapping = Mapping::anonymous(pages)?;
        lock(&self.shared).chunks.separate += pages;
        Ok(Reservation {
            draft: None,
            code: mapping.start,
            size,
            space: Some(Space { shared: Arc::clone(&self.shared), place: Place::Separate(mapping) }),
        })
    }

    /// Copies code into the arena. It must not contain addresses relative to its own place.
    ///
    /// # Errors
    /// As for [`CodeArena::reserve`].
    pub fn install(&self, code: &[u8], align: usize) -> Result<CodeBlock, CodeMemoryError> {
        let mut reservation = self.reserve(code.len(), align)?;
        reservation.bytes_mut().copy_from_slice(code);
        reservation.seal()
    }

    /// How much memory the arena holds now.
    pub fn memory_use(&self) -> CodeMemoryUse {
        let locked = lock(&self.shared);
        let chunks = &locked.chunks;
        let shared = chunks.list.iter().flatten();
        let mapped = shared.clone().map(|chunk| chunk.len).sum::<usize>() + chunks.separate;
        let used = shared.map(|chunk| chunk.len - chunk.free_len()).sum::<usize>() + chunks.separate;
        CodeMemoryUse { mapped, used }
    }

    fn reserve_shared(
        &self,
        size: usize,
        len: usize,
        pages: usize,
        align: usize,
    ) -> Result<Reservation, CodeMemoryError> {
        let mut chunks = lock(&self.shared);
        let generation = fork::generation();
        let chunks = &mut *chunks.chunks;
        let candidates = chunks.list.iter_mut().enumerate();
        let mut found = candidates.filter_map(|(index, chunk)| {
            let chunk = chunk.as_mut().filter(|chunk| chunk.generation == generation)?;
            Some((index, chunk.take(len, align)?))
        });
        let (index, offset) = match found.next() {
            Some(found) => found,
            None => {
                let mut chunk = Chunk::map(pages.max(CHUNK), generation)?;
                // A fresh chunk starts at a page and is long enough.
                let Some(offset) = chunk.take(len, align) else {
                    return Err(CodeMemoryError::Size { size });
                };
                let vacant = chunks.list.iter().position(Option::is_none);
                let index = vacant.unwrap_or(chunks.list.len());
                if index == chunks.list.len() {
                    chunks.list.push(None);
                }
                chunks.list[index] = Some(chunk);
                (index, offset)
            }
        };
        let Some(chunk) = &chunks.list[index] else { return Err(CodeMemoryError::Size { size }) };
        // SAFETY: the chunk has given away `len` bytes at `offset`, which lie within its mapping.
        let code = unsafe { chunk.code.start.add(offset) };
        let place = Place::Shared { chunk: index, offset, len };
        let space = Some(Space { shared: Arc::clone(&self.shared), place });
        Ok(Reservation { draft: Some(Draft::new(len, align)), code, size, space })
    }
}

/// Code that is being written.
#[derive(Debug)]
pub struct Reservation {
    /// What the code is written to, if that is not yet the memory that it runs in.
    draft: Option<Draft>,
    code: NonNull<u8>,
    size: usize,
    space: Option<Space>,
}

impl Reservation {
    /// Where to write. The memory is `len` bytes long, holds zeros, and is aligned as was asked for.
    pub fn write_ptr(&self) -> *mut u8 {
        self.draft.as_ref().map_or(self.code, |draft| draft.start).as_ptr()
    }

    /// Where the code that is written to [`Reservation::write_ptr`] will run.
    pub fn code_ptr(&self) -> *const u8 {
        self.code.as_ptr()
    }

    /// The size asked for, in bytes.
    pub fn len(&self) -> usize {
        self.size
    }

    /// Whether no bytes were asked for.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The memory to write to.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the memory is `size` bytes of a draft or of a writable mapping, was initialised with zeros, and belongs
        // to this reservation alone.
        unsafe { std::slice::from_raw_parts_mut(self.write_ptr(), self.size) }
    }

    /// Ends writing and makes the code executable.
    ///
    /// # Errors
    /// If the system refuses to make a block with pages of its own executable, to write to shared pages, or to make all
    /// cores see what was written.
    pub fn seal(mut self) -> Result<CodeBlock, CodeMemoryError> {
        let Some(space) = self.space.take() else {
            unreachable!("only `seal` takes the space, and consumes it")
        };
        match &space.place {
            Place::Separate(mapping) => mapping.make_executable()?,
            &Place::Shared { chunk, offset, .. } => {
                let chunks = lock(&space.shared);
                let chunk = chunks.chunks.list[chunk].as_ref().expect("a chunk lives as long as its blocks");
                chunk.write(offset, self.bytes_mut())?;
            }
        }
        // SAFETY: the range is mapped readable as long as the space lives.
        unsafe { synchronize(self.code.as_ptr(), self.size)? };
        Ok(CodeBlock { code: self.code, size: self.size, _space: space })
    }
}

// SAFETY: a reservation is the only one to refer to its memory.
unsafe impl Send for Reservation {}
// SAFETY: writing needs an exclusive reference.
unsafe impl Sync for Reservation {}

/// Memory that code is written to before it is copied to where it runs.
#[derive(Debug)]
struct Draft {
    start: NonNull<u8>,
    layout: Layout,
}

impl Draft {
    /// `len` bytes, more than none.
    fn new(len: usize, align: usize) -> Draft {
        let layout = Layout::from_size_align(len, align).expect("the length and alignment have been checked");
        // SAFETY: the layout is not empty.
        match NonNull::new(unsafe { alloc_zeroed(layout) }) {
            Some(start) => Draft { start, layout },
            None => handle_alloc_error(layout),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// Executable code. Its memory is free for other code once the block is dropped.
#[derive(Debug)]
pub struct CodeBlock {
    code: NonNull<u8>,
    size: usize,
    _space: Space,
}

impl CodeBlock {
    /// The first byte of the code, good until the block is dropped.
    pub fn code_ptr(&self) -> *const u8 {
        self.code.as_ptr()
    }

    /// The size of the code in bytes.
    pub fn len(&self) -> usize {
        self.size
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The code.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the memory is mapped readable, initialised, and nothing writes to it until the block is dropped.
        unsafe { std::slice::from_raw_parts(self.code.as_ptr(), self.size) }
    }
}

// SAFETY: the memory of a block is read-only.
unsafe impl Send for CodeBlock {}
// SAFETY: as above.
unsafe impl Sync for CodeBlock {}

/// The right to a piece of memory, which ends when this is dropped.
#[derive(Debug)]
struct Space {
    shared: Arc<Mutex<Chunks>>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Shared { chunk: usize, offset: usize, len: usize },
    Separate(Mapping),
}

impl Drop for Space {
    fn drop(&mut self) {
        let mut chunks = lock(&self.shared);
        match &self.place {
            &Place::Shared { chunk, offset, len } => chunks.chunks.give_back(chunk, offset, len),
            Place::Separate(mapping) => chunks.chunks.separate -= mapping.len,
        }
    }
}

/// The memory of an arena.
#[derive(Debug, Default)]
struct Chunks {
    /// Places in this list stay the same; those of chunks that were returned to the system are used again.
    list: Vec<Option<Chunk>>,
    /// Bytes of blocks with pages of their own.
    separate: usize,
}

impl Chunks {
    fn give_back(&mut self, index: usize, offset: usize, len: usize) {
        let Some(chunk) = &mut self.list[index] else { return };
        chunk.give_back(offset, len);
        // One unused chunk of the usual size is kept for the next block.
        if chunk.is_unused() {
            let spare =
                chunk.len == CHUNK && self.list.iter().flatten().filter(|c| c.is_unused()).count() == 1;
            if !spare {
                self.list[index] = None;
            }
        }
    }
}

/// Pages of a file in memory, and which parts of them are free.
#[derive(Debug)]
struct Chunk {
    #[cfg(target_os = "linux")]
    file: std::fs::File,
    code: Mapping,
    len: usize,
    /// Free ranges (offset, length) by increasing offset; no two of them touch.
    free: Vec<(usize, usize)>,
    /// When the pages were mapped. After a fork two processes have them, and neither writes to them.
    generation: u64,
}

impl Chunk {
    #[cfg(target_os = "linux")]
    fn map(len: usize, generation: u64) -> Result<Chunk, CodeMemoryError> {
        use std::fs::File;
        use std::os::fd::{AsRawFd, FromRawFd};

        let create = |flags| {
            // SAFETY: the name is a terminated string.
            let descriptor = unsafe { libc::memfd_create(c"code".as_ptr(), flags) };
            // SAFETY: a fresh descriptor that nothing else owns.
            (descriptor >= 0).then(|| unsafe { File::from_raw_fd(descriptor) })
        };
        // Systems may be set up to refuse memory files that can be executed unless that is asked for; old ones do
        // not know the flag.
        let file = create(libc::MFD_CLOEXEC | libc::MFD_EXEC).or_else(|| create(libc::MFD_CLOEXEC));
        let file = file.ok_or_else(|| refused(len, "memfd_create"))?;
        file.set_len(len as u64).map_err(|source| CodeMemoryError::Refused {
            size: len,
            call: "ftruncate",
            source,
        })?;
        let executable = libc::PROT_READ | libc::PROT_EXEC;
        let code = Mapping::new(len, executable, libc::MAP_SHARED, file.as_raw_fd())?;
        Ok(Chunk { file, code, len, free: vec![(0, len)], generation })
    }

    #[cfg(not(target_os = "linux"))]
    fn map(len: usize, _generation: u64) -> Result<Chunk, CodeMemoryError> {
        Err(CodeMemoryError::Refused {
            size: len,
            call: "memfd_create",
            source: io::ErrorKind::Unsupported.into(),
        })
    }

    /// Writes to a range that was taken.
    #[cfg(target_os = "linux")]
    fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), CodeMemoryError> {
        use std::os::unix::fs::FileExt;

        self.file.write_all_at(bytes, offset as u64).map_err(|source| CodeMemoryError::Refused {
            size: bytes.len(),
            call: "pwrite",
            source,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn write(&self, _offset: usize, _bytes: &[u8]) -> Result<(), CodeMemoryError> {
        unreachable!("there are no shared pages")
    }

    /// Takes the first free range of `len` bytes at a multiple of `align`; returns its offset.
    fn take(&mut self, len: usize, align: usize) -> Option<usize> {
        let fits = |&(start, free): &(usize, usize)| {
            let offset = start.next_multiple_of(align);
            free.checked_sub(offset - start).is_some_and(|left| left >= len).then_some(offset)
        };
        let (index, offset) = self.free.iter().enumerate().find_map(|(i, range)| Some((i, fits(range)?)))?;
        let (start, free) = self.free[index];
        let pieces = [(start, offset - start), (offset + len, start + free - offset - len)];
        self.free.splice(index..=index, pieces.into_iter().filter(|piece| piece.1 > 0));
        Some(offset)
    }

    fn give_back(&mut self, offset: usize, len: usize) {
        let index = self.free.partition_point(|range| range.0 < offset);
        let mut range = (offset, len);
        let mut replaced = index..index;
        if let Some(next) = self.free.get(index).filter(|next| offset + len == next.0) {
            range.1 += next.1;
            replaced.end += 1;
        }
        if let Some(previous) = index.checked_sub(1).map(|i| self.free[i]).filter(|p| p.0 + p.1 == offset) {
            range = (previous.0, previous.1 + range.1);
            replaced.start -= 1;
        }
        self.free.splice(replaced, [range]);
    }

    fn free_len(&self) -> usize {
        self.free.iter().map(|range| range.1).sum()
    }

    fn is_unused(&self) -> bool {
        self.free == [(0, self.len)]
    }
}

/// Mapped pages.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is memory like any other; who may use it when is up to its owner.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len: usize, protection: i32, flags: i32, descriptor: i32) -> Result<Mapping, CodeMemoryError> {
        // SAFETY: asks for new pages at an address of the system's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, descriptor, 0) };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Mapping { start, len }),
            _ => Err(refused(len, "mmap")),
        }
    }

    fn anonymous(len: usize) -> Result<Mapping, CodeMemoryError> {
        Mapping::new(len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON, -1)
    }

    /// Memory for a stack of `size` bytes, above `guard` bytes that must not be touched; both become whole pages. Pages
    /// that nothing touches take no memory.
    pub(crate) fn stack(size: usize, guard: usize) -> Result<Mapping, CodeMemoryError> {
        let page = page_size();
        let whole = |bytes: usize| bytes.checked_next_multiple_of(page);
        let (Some(size), Some(guard)) = (whole(size), whole(guard)) else {
            return Err(CodeMemoryError::Size { size });
        };
        let len = size.checked_add(guard).ok_or(CodeMemoryError::Size { size })?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
        let mapping = Mapping::new(len, libc::PROT_READ | libc::PROT_WRITE, flags, -1)?;
        // SAFETY: these are our pages, which nothing refers to yet.
        let result = unsafe { libc::mprotect(mapping.start.as_ptr().cast(), guard, libc::PROT_NONE) };
        if result == 0 { Ok(mapping) } else { Err(refused(guard, "mprotect")) }
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// How long it is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn make_executable(&self) -> Result<(), CodeMemoryError> {
        // SAFETY: these are our pages, and no reference to them as writable memory is left.
        let result = unsafe {
            libc::mprotect(self.start.as_ptr().cast(), self.len, libc::PROT_READ | libc::PROT_EXEC)
        };
        if result == 0 { Ok(()) } else { Err(refused(self.len, "mprotect")) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: these are our pages, and whoever owned this mapping has no pointers into it left in use.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// The memory of an arena, while no other thread has that of any, and the process does not fork.
struct Locked<'a> {
    chunks: MutexGuard<'a, Chunks>,
    _undisturbed: fork::Undisturbed,
}

fn lock(chunks: &Mutex<Chunks>) -> Locked<'_> {
    let undisturbed = fork::undisturbed();
    // Nothing that can panic happens between two consistent states.
    let chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
    Locked { chunks, _undisturbed: undisturbed }
}

fn page_size() -> usize {
    // SAFETY: has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// Makes code that was written to the memory at `code` visible to instruction fetches, on all cores.
///
/// # Errors
/// The system has no way to make other cores discard what they fetched before.
///
/// # Safety
/// There must be `len` bytes of mapped, readable memory.
#[cfg(target_arch = "aarch64")]
unsafe fn synchronize(code: *const u8, len: usize) -> Result<(), CodeMemoryError> {
    use std::arch::asm;

    let types: u64;
    // SAFETY: reads a register that describes the caches.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) types, options(nomem, nostack, preserves_flags)) };
    let data_line = 4usize << (types >> 16 & 0xf);
    let code_line = 4usize << (types & 0xf);
    let lines = |line: usize| (code as usize & !(line - 1)..code as usize + len).step_by(line);
    for line in lines(data_line) {
        // SAFETY: cleans a cache line of mapped memory. Data caches know one line by its place in memory, so that what was
        // written through another address is cleaned, too.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in lines(code_line) {
        // SAFETY: invalidates a cache line of mapped memory.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    #[cfg(target_os = "linux")]
    for command in [
        libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
        libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    ] {
        // SAFETY: makes the cores that run threads of this process discard what they fetched; touches no memory.
        if unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) } != 0 {
            return Err(refused(len, "membarrier"));
        }
    }
    Ok(())
}

/// Makes code that was written to the memory at `code` visible to instruction fetches, on all cores. Processors of this
/// kind see to it themselves.
///
/// # Safety
/// Has no preconditions here.
#[cfg(not(target_arch = "aarch64"))]
unsafe fn synchronize(_code: *const u8, _len: usize) -> Result<(), CodeMemoryError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arenas() -> [CodeArena; 2] {
        [CodeArena::new(), CodeArena::with_separate_pages()]
    }

    /// A function that returns `value`.
    #[cfg(target_arch = "x86_64")]
    fn returning(value: i32) -> Vec<u8> {
        let [a, b, c, d] = value.to_le_bytes();
        vec![0xb8, a, b, c, d, 0xc3]
    }

    /// A function that returns `value`, whose lower half is used.
    #[cfg(target_arch = "aarch64")]
    fn returning(value: i32) -> Vec<u8> {
        let movz = 0x5280_0000u32 | ((value as u32 & 0xffff) << 5);
        [movz.to_le_bytes(), 0xd65f_03c0u32.to_le_bytes()].concat()
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn call(block: &CodeBlock) -> i32 {
        // SAFETY: the block holds what `returning` made.
        let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(block.code_ptr()) };
        function()
    }

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn code_runs_and_its_space_is_used_again() {
        for arena in arenas() {
            let blocks: Vec<_> = (0..1000).map(|i| arena.install(&returning(i), 16).unwrap()).collect();
            for (i, block) in blocks.iter().enumerate() {
                assert_eq!(call(block), i as i32);
                assert_eq!(block.bytes(), returning(i as i32));
            }
            let mapped = arena.memory_use().mapped;
            drop(blocks);
            assert_eq!(arena.memory_use().used, 0);
            let blocks: Vec<_> = (0..1000).map(|i| arena.install(&returning(i + 1), 16).unwrap()).collect();
            assert!(blocks.iter().zip(1..).all(|(block, i)| call(block) == i));
            assert_eq!(arena.memory_use().mapped, mapped);
            drop(arena);
            assert_eq!(call(&blocks[500]), 501);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn small_blocks_share_pages_and_large_ones_get_a_chunk() {
        let arena = CodeArena::new();
        let a = arena.reserve(10, 1).unwrap();
        let b = arena.reserve(100, 64).unwrap();
        assert_eq!(b.code_ptr() as usize - a.code_ptr() as usize, GRANULE);
        assert_eq!(b.write_ptr() as usize % 64, 0);
        assert_eq!(arena.memory_use(), CodeMemoryUse { mapped: CHUNK, used: 3 * GRANULE });
        let c = arena.reserve(CHUNK + 1, 4096).unwrap();
        assert_eq!(c.code_ptr() as usize % 4096, 0);
        assert_eq!(arena.memory_use().mapped, 2 * CHUNK + page_size());
        drop((a, b));
        drop(c);
        assert_eq!(arena.memory_use(), CodeMemoryUse { mapped: CHUNK, used: 0 });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn no_mapping_is_writable_and_executable() {
        for arena in arenas() {
            let block = arena.install(&[0; 10], 16).unwrap();
            let reservation = arena.reserve(10, 16).unwrap();
            let protection_at = |address: usize| {
                let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
                let found = maps.lines().find_map(|line| {
                    let (range, rest) = line.split_once(' ')?;
                    let (start, end) = range.split_once('-')?;
                    let start = usize::from_str_radix(start, 16).ok()?;
                    let end = usize::from_str_radix(end, 16).ok()?;
                    (start..end).contains(&address).then(|| rest[..3].to_owned())
                });
                found.unwrap()
            };
            assert_eq!(protection_at(block.code_ptr() as usize), "r-x");
            assert_eq!(protection_at(reservation.write_ptr() as usize), "rw-");
            drop(reservation);
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let mut files = maps.lines().filter(|line| line.contains("memfd:code"));
            assert!(files.all(|line| !line.contains("w")), "{maps}");
        }
    }

    #[test]
    fn impossible_requests_are_refused() {
        for arena in arenas() {
            for align in [0, 3, 1 << 30] {
                assert!(matches!(arena.reserve(1, align), Err(CodeMemoryError::Alignment { .. })));
            }
            assert!(matches!(arena.reserve(usize::MAX, 1), Err(CodeMemoryError::Size { .. })));
            assert!(matches!(
                arena.reserve(isize::MAX as usize / 2, 1),
                Err(CodeMemoryError::Refused { .. })
            ));
            let empty = arena.reserve(0, 1).unwrap();
            assert!(empty.is_empty());
        }
    }

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn many_threads() {
        for arena in arenas() {
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let arena = &arena;
                    scope.spawn(move || {
                        let mut blocks = Vec::new();
                        for i in 0..500 {
                            let value = thread * 1000 + i;
                            let mut code = returning(value);
                            let size = code.len().max((i as usize * 37) % 5000);
                            code.resize(size, 0xcc);
                            blocks.push((value, arena.install(&code, 1 << (i % 8)).unwrap()));
                            if i % 3 == 0 {
                                blocks.swap_remove((i as usize * 31) % blocks.len());
                            }
                        }
                        assert!(blocks.iter().all(|(value, block)| call(block) == *value));
                    });
                }
            });
            assert_eq!(arena.memory_use().used, 0);
        }
    }

    #[test]
    fn free_ranges_merge() {
        let Ok(mut chunk) = Chunk::map(CHUNK, 0) else { return };
        let offsets: Vec<_> = (0..8).map(|_| chunk.take(128, 64).unwrap()).collect();
        let aligned = chunk.take(64, 4096).unwrap();
        assert_eq!(aligned % 4096, 0);
        for i in [1, 3, 2, 7, 0, 5, 6, 4] {
            chunk.give_back(offsets[i], 128);
            assert!(chunk.free.windows(2).all(|pair| pair[0].0 + pair[0].1 < pair[1].0));
        }
        chunk.give_back(aligned, 64);
        assert!(chunk.is_unused());
    }
}
