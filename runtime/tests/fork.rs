//! A forked child evaluates large batches and makes code, whatever its parent did before.

#![cfg(target_os = "linux")]

use nc_runtime::abi::Args;
use nc_runtime::batch::{self, Batch, Kernel, KernelShape, Options, RowOutcome, Sink, Source, Workspace};
use nc_runtime::memory::CodeArena;
use nc_runtime::stop::StopFlag;

/// The double of its input.
struct Double(KernelShape);

impl Kernel for Double {
    fn shape(&self) -> &KernelShape {
        &self.0
    }
    fn lanes(&self) -> usize {
        1
    }
    unsafe fn run(&self, args: &Args) -> u32 {
        // SAFETY: the driver keeps the calling convention.
        let (x, y) = unsafe { (args.input::<f64>(0), args.output::<f64>(0)) };
        y.iter_mut().zip(x).for_each(|(y, x)| *y = 2.0 * x);
        0
    }
    fn row(&self, _: &[f64], _: &[f64], _: &mut [f64], _: &mut [f64], _: &StopFlag) -> RowOutcome {
        unreachable!("no row is slow")
    }
}

/// Whether a large batch on many threads gives what it should.
fn evaluates() -> bool {
    let kernel = Double(KernelShape { inputs: 1, outputs: 1, ..KernelShape::default() });
    let x: Vec<f64> = (0..300_000).map(f64::from).collect();
    let mut y = vec![0.0; x.len()];
    let batch = Batch {
        rows: x.len(),
        inputs: &[Source::Column(&x)],
        params: &[],
        outputs: &mut [Sink::Column(&mut y)],
        param_gradients: &mut [],
    };
    let report = batch::evaluate(&kernel, batch, &Options::with_threads(4), &mut Workspace::new());
    report.is_ok() && y.iter().zip(&x).all(|(y, x)| *y == 2.0 * x)
}

/// Code of so many bytes, the same in each.
fn install(arena: &CodeArena, byte: u8) -> nc_runtime::memory::CodeBlock {
    arena.install(&[byte; 100], 16).expect("memory for code")
}

#[test]
fn children_and_parents_go_on() {
    assert!(evaluates());
    let arena = CodeArena::new();
    let (kept, freed) = (install(&arena, 1), install(&arena, 2));
    let place = freed.code_ptr();
    // Other threads use arenas while the process forks.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                drop(install(&arena, 9));
            }
        });
        for _ in 0..20 {
            // SAFETY: the child calls this library and the allocator, which are made for it, and leaves by `_exit`.
            match unsafe { libc::fork() } {
                -1 => panic!("{}", std::io::Error::last_os_error()),
                0 => {
                    // SAFETY: ends the child, should it hang, and without running anything of its parent's.
                    unsafe { libc::alarm(60) };
                    let own = install(&arena, 3);
                    let sound = evaluates()
                        && own.bytes() == [3; 100]
                        && kept.bytes() == [1; 100]
                        && freed.bytes() == [2; 100];
                    // SAFETY: as above.
                    unsafe { libc::_exit(i32::from(!sound)) };
                }
                child => {
                    let mut status = 0;
                    // SAFETY: waits for the child just made.
                    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                    assert_eq!(status, 0, "the child's exit");
                }
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    // What the children have stays what it is.
    drop(freed);
    let next: Vec<_> = (0..100).map(|_| install(&arena, 4)).collect();
    assert!(next.iter().all(|block| block.code_ptr() != place));
    assert!(evaluates());
}
