//! Memory that borders pages which must not be touched, and kernels that run on such memory only: code generated at run
//! time is seen by no sanitizer, but the processor notices what it reads or writes outside.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Once;

use nc_runtime::abi::{Args, PARTIALS, Status};
use nc_runtime::batch::Kernel as _;
use nc_runtime::element::Element;
use nc_runtime::stop::StopFlag;
use neural_compiler::Kernel;

/// At which end memory borders a page that must not be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    Beginning,
    End,
}

pub const BORDERS: [Border; 2] = [Border::Beginning, Border::End];

/// Memory for numbers between two pages that must not be touched.
pub struct Guarded<T> {
    mapping: *mut u8,
    mapped: usize,
    start: NonNull<T>,
    len: usize,
}

impl<T: Copy> Guarded<T> {
    /// Room for `len` numbers, zero, aligned to `align` bytes. At the end, what is left of an alignment is not guarded.
    pub fn new(len: usize, align: usize, border: Border) -> Guarded<T> {
        // SAFETY: has no preconditions.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a page size");
        let bytes = len * size_of::<T>();
        let inner = bytes.next_multiple_of(page);
        let mapped = inner + 2 * page;
        let (protection, flags) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANON);
        // SAFETY: asks for new pages at an address of the system's choice.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), mapped, protection, flags, -1, 0) };
        assert_ne!(mapping, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        let mapping = mapping.cast::<u8>();
        let offset = match border {
            Border::Beginning => page,
            Border::End => (page + inner - bytes) / align * align,
        };
        // SAFETY: the inner pages and the offset are within the mapping.
        let (inside, start) = unsafe { (mapping.add(page), mapping.add(offset)) };
        if inner > 0 {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: these are our pages.
            assert_eq!(unsafe { libc::mprotect(inside.cast(), inner, protection) }, 0);
        }
        Guarded { mapping, mapped, start: NonNull::new(start.cast()).expect("no null page"), len }
    }

    /// A copy of some numbers.
    pub fn of(numbers: &[T], border: Border) -> Guarded<T> {
        let mut guarded = Guarded::new(numbers.len(), align_of::<T>(), border);
        guarded.numbers().copy_from_slice(numbers);
        guarded
    }

    pub fn numbers(&mut self) -> &mut [T] {
        // SAFETY: there is room for so many numbers, which are initialised with zeros.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    pub fn start(&self) -> *mut T {
        self.start.as_ptr()
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: these are our pages, and nothing refers to them any more.
        unsafe { libc::munmap(self.mapping.cast(), self.mapped) };
    }
}

thread_local! {
    /// The seed of the program that runs on this thread.
    static SEED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Says which program has touched what it must not, and dies of it.
extern "C" fn report(signal: libc::c_int) {
    if let Some(mut seed) = SEED.get() {
        let mut text = *b"memory outside touched by the program of seed                     \n";
        let mut at = text.len() - 2;
        loop {
            text[at] = b'0' + (seed % 10) as u8;
            seed /= 10;
            at -= 1;
            if seed == 0 {
                break;
            }
        }
        // SAFETY: writes the text to standard error.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: the instruction is tried again, with what the system does about it.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// What a kernel gives for whole lane groups of rows, and for which rows that counts.
pub struct Outcome<T> {
    pub columns: Vec<Vec<T>>,
    /// Rows that neither failed nor ask for the full-range path.
    pub settled: Vec<bool>,
}

/// Calls a native kernel where every column, the tables of columns, the parameters, the partial sums, the status words and
/// scratch memory border pages that must not be touched.
pub fn run<T: Element>(
    kernel: &Kernel,
    inputs: &[Vec<T>],
    params: &[T],
    border: Border,
    seed: u64,
) -> Outcome<T> {
    static HANDLED: Once = Once::new();
    HANDLED.call_once(|| {
        let handler: extern "C" fn(libc::c_int) = report;
        // SAFETY: the handler does what handlers may.
        unsafe { libc::signal(libc::SIGSEGV, handler as libc::sighandler_t) };
    });
    let shape = kernel.shape();
    let rows = inputs.first().map_or(16, Vec::len);
    assert!(rows.is_multiple_of(kernel.lanes()), "whole lane groups");
    let inputs: Vec<Guarded<T>> = inputs.iter().map(|column| Guarded::of(column, border)).collect();
    let mut outputs: Vec<Guarded<T>> =
        (0..shape.outputs + shape.kept).map(|_| Guarded::new(rows, align_of::<T>(), border)).collect();
    let input_table = Guarded::of(&inputs.iter().map(Guarded::start).collect::<Vec<_>>(), border);
    let output_table = Guarded::of(&outputs.iter().map(Guarded::start).collect::<Vec<_>>(), border);
    let params = Guarded::of(params, border);
    let partials = Guarded::<f64>::new(shape.param_gradients * PARTIALS, align_of::<f64>(), border);
    let scratch = Guarded::<u8>::new(shape.scratch_bytes, 64, border);
    let mut status = Guarded::<T::Word>::new(rows, align_of::<T::Word>(), border);
    let going_on = StopFlag::new();
    let args = Args {
        inputs: input_table.start().cast_const().cast(),
        outputs: output_table.start().cast_const().cast(),
        params: params.start().cast_const().cast(),
        partials: partials.start(),
        status: if shape.reports_status { status.start().cast() } else { ptr::null_mut() },
        scratch: scratch.start(),
        scratch_len: shape.scratch_bytes,
        streaming: 0,
        first_row: 0,
        rows,
        stop: &raw const going_on,
    };
    SEED.set(Some(seed));
    // SAFETY: all is as large as the shape says, whole groups of rows from row 0 on. Calls and frames have the stack that the
    // shape asks for.
    let call = || unsafe { kernel.run(&args) };
    match shape.stack_bytes {
        0 => call(),
        bytes => stacker::grow(bytes, call),
    };
    SEED.set(None);
    let done = |&word: &T::Word| matches!(T::status(word), Status::Done | Status::Noted(_));
    Outcome {
        columns: outputs.iter_mut().take(shape.outputs).map(|column| column.numbers().to_vec()).collect(),
        settled: status.numbers().iter().map(done).collect(),
    }
}
