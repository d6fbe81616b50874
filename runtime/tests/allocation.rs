//! Evaluations in a workspace that has seen their like allocate nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nc_runtime::abi::{Args, Status};
use nc_runtime::batch::{
    Batch, Kernel, KernelShape, Options, RowOutcome, Sink, Source, Workspace, evaluate, evaluate_row,
};
use nc_runtime::stop::StopFlag;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: counts, and leaves the work to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Doubles its input and sums it up; rows above 10 are slow.
struct Double(KernelShape);

impl Kernel for Double {
    fn shape(&self) -> &KernelShape {
        &self.0
    }
    fn lanes(&self) -> usize {
        4
    }
    unsafe fn run(&self, args: &Args) -> u32 {
        // SAFETY: the driver keeps the calling convention.
        let (input, output, status) =
            unsafe { (args.input::<f64>(0), args.output::<f64>(0), args.statuses::<f64>()) };
        let mut code = 0;
        for row in 0..args.rows {
            output[row] = 2.0 * input[row];
            status[row] = if input[row] > 10.0 { Status::SLOW_PATH } else { 0 };
            code |= status[row] as u32;
            // SAFETY: as above.
            unsafe { args.add_to_partial(0, args.first_row + row, input[row]) };
        }
        code
    }
    fn row(
        &self,
        inputs: &[f64],
        _: &[f64],
        outputs: &mut [f64],
        gradients: &mut [f64],
        _: &StopFlag,
    ) -> RowOutcome {
        outputs[0] = 2.0 * inputs[0];
        gradients[0] = inputs[0];
        RowOutcome::Done
    }
}

#[test]
fn nothing_is_allocated_twice() {
    let kernel = Double(KernelShape {
        inputs: 1,
        outputs: 1,
        params: 1,
        param_gradients: 1,
        reports_status: true,
        scratch_bytes: 1000,
        instructions: None,
        ..KernelShape::default()
    });
    let data: Vec<f64> = (0..10_001).map(|row| f64::from(row % 1000) / 90.0).collect();
    let mut results = vec![0.0; 5001];
    let mut workspace = Workspace::new();
    let mut counts = Vec::new();
    for _ in 0..2 {
        let before = ALLOCATIONS.get();
        let mut sum = [0.0];
        let batch = Batch {
            rows: 5001,
            inputs: &[Source::Matrix { data: &data, columns: 1, row_stride: 2 }],
            params: &[1.0],
            outputs: &mut [Sink::Column(&mut results)],
            param_gradients: &mut sum,
        };
        let report = evaluate(&kernel, batch, &Options::with_threads(1), &mut workspace).unwrap();
        assert!(report.slow > 0);
        let outcome = evaluate_row(&kernel, &[3.0], &[1.0], &mut [0.0], &mut sum, &mut workspace);
        assert_eq!((outcome, sum), (Ok(RowOutcome::Done), [3.0]));
        counts.push(ALLOCATIONS.get() - before);
    }
    assert!(counts[0] > 0);
    assert_eq!(counts[1], 0);
}
