//! The driver: tiles, lane groups, status words, threads.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::float_mode::DefaultMode;
use super::kernel::{Kernel, KernelShape, RowOutcome};
use super::products::{self, Kept};
use super::reduce::{Levels, add_pairwise, add_partials};
use super::transpose::transpose;
use super::workspace::{Log, Space, Spaces, View, Workspace};
use super::{BLOCK_ROWS, Batch, BatchError, Options, REPORTED_ROWS, Report, RowReport, Sink, Source};
use crate::abi::{Args, PARTIALS, Status};
use crate::element::Element;
use crate::fork;
use crate::stop::{NEVER, Stop, StopFlag};

/// Bytes of a cache line, and of the widest vector.
const CACHE_LINE: usize = 64;

/// Tiles hold at least this many rows, and their sizes are multiples of it.
const MIN_TILE_ROWS: usize = 64;

/// Columns that are copied into a tile should fit the cache next to the core.
const TILE_BYTES: usize = 64 << 10;

/// Columns of a tile whose products are summed should be about so many bytes: the sums are loaded and stored once for each tile.
const PRODUCTS_BYTES: usize = 512 << 10;
/// Rows that a tile with columns whose products are summed holds at least, as long as it takes no more than [`MOST_PRODUCTS_BYTES`].
const MIN_PRODUCTS_ROWS: usize = 256;
/// Bytes of a tile with columns whose products are summed, if that leaves it [`MIN_TILE_ROWS`].
const MOST_PRODUCTS_BYTES: usize = 16 << 20;

/// The least that a thread needs for columns that a kernel [keeps](KernelShape::kept), in bytes.
pub fn kept_bytes<T>(kept: usize) -> usize {
    kept.saturating_mul(MIN_TILE_ROWS * size_of::<T>() + COLUMN_GAP_BYTES)
}

/// From a column of a tile to the next, beyond its rows, in bytes. Without it the columns would stand a power of two apart and
/// compete for the same cache lines.
const COLUMN_GAP_BYTES: usize = 64;

/// What a thread does in the time that it takes to wake it, some tens of microseconds.
const THREAD_INSTRUCTIONS: usize = 50_000;

/// Batches of so many bytes are larger than caches: results that are written past them save reading what they replace.
const STREAMED_BYTES: usize = 64 << 20;

/// Tasks for each thread where a batch is small.
const SHARES: usize = 4;

/// A batch is cut into at most this many tasks, each of which keeps a sum of parameter gradients.
const MAX_TASKS: usize = 1024;

/// Evaluates a batch.
///
/// The results are the same bits for any number of threads, any lane count and any form of the sources and sinks.
///
/// # Errors
/// If the batch does not fit the kernel, memory runs out, or [`Options::stop`] says so. Rows that fail are no error; they are in
/// the report.
pub fn evaluate<T: Element>(
    kernel: &dyn Kernel,
    batch: Batch<'_, '_, T>,
    options: &Options<'_>,
    workspace: &mut Workspace,
) -> Result<Report, BatchError> {
    let Batch { rows, inputs, params, outputs, param_gradients } = batch;
    let stop = options.stop.map_or(&NEVER, |stop| stop.flag());
    let mut call = Call::new(kernel, params, param_gradients.len(), stop)?;
    let shape = call.shape;

    let Spaces { views, sums, spaces } = T::spaces(workspace);
    views.clear();
    for (index, source) in inputs.iter().enumerate() {
        source.view(rows, index)?.append_to(views, 0, rows);
    }
    let source_views = views.len();
    for (index, sink) in outputs.iter_mut().enumerate() {
        sink.view(rows, index)?.append_to(views, source_views, rows);
    }
    let (sources, sinks) = views.split_at(source_views);
    let found = sources.iter().fold(0, |sum: usize, view| sum.saturating_add(view.columns));
    if found != shape.inputs {
        return Err(BatchError::InputColumns { expected: shape.inputs, found });
    }
    let found = sinks.iter().fold(0, |sum: usize, view| sum.saturating_add(view.columns));
    if found != shape.outputs {
        return Err(BatchError::OutputColumns { expected: shape.outputs, found });
    }

    let worth = match shape.instructions {
        Some(instructions) => rows.saturating_mul(instructions) / 1000 / THREAD_INSTRUCTIONS,
        None => rows.div_ceil(MIN_TILE_ROWS),
    };
    let threads = match (worth, options.threads) {
        (0 | 1, _) => 1,
        // A forked child has none of its parent's threads, and would wait for them for ever.
        _ if fork::is_child() && rayon::current_thread_index().is_none() => 1,
        (_, 0) => rayon::current_num_threads().min(worth),
        (_, wanted) => wanted.min(worth),
    };
    let threads = threads.min(kernel.most_threads());
    let sums_len = shape.param_gradients;
    let block_rows = if sums_len > 0 {
        BLOCK_ROWS
    } else {
        // Threads that finish early find something left to do.
        let share = if threads > 1 { rows.div_ceil(SHARES * threads) } else { BLOCK_ROWS };
        options.grain.min(share).clamp(1, BLOCK_ROWS).next_multiple_of(MIN_TILE_ROWS)
    };
    let copied: usize = views.iter().filter(|view| !view.in_place()).map(|view| view.columns).sum();
    let copied = copied + shape.kept;
    let tile_rows = match copied {
        0 => block_rows,
        _ => {
            // Sums of products are loaded and stored once for each tile.
            let (bytes, least) = if shape.kept > 0 {
                let most = MOST_PRODUCTS_BYTES / size_of::<T>() / copied;
                (PRODUCTS_BYTES, MIN_PRODUCTS_ROWS.min(most).max(MIN_TILE_ROWS))
            } else {
                (TILE_BYTES, MIN_TILE_ROWS)
            };
            let rows = (bytes / size_of::<T>() / copied).max(least);
            (1 << rows.ilog2()).min(block_rows)
        }
    };
    let bytes = rows.saturating_mul(shape.inputs + shape.outputs).saturating_mul(size_of::<T>());
    call.streams = bytes >= STREAMED_BYTES && shape.kept == 0 && sinks.iter().all(|view| view.in_place());
    let blocks = rows.div_ceil(block_rows);
    let task_blocks = blocks.div_ceil(MAX_TASKS).next_power_of_two();
    let tasks = blocks.div_ceil(task_blocks);
    let threads = threads.min(tasks).max(1);

    if sums.len() < tasks * sums_len {
        sums.resize(tasks * sums_len, 0.0);
    }
    let plan = Plan {
        call,
        rows,
        sources: Views(sources),
        sinks: Views(sinks),
        block_rows,
        tile_rows,
        task_blocks,
        tasks,
        sums: TaskSums(sums.as_mut_ptr()),
        next_task: AtomicUsize::new(0),
        progress: options.progress,
    };
    spaces.resize_with(threads.max(spaces.len()), Space::default);
    let spaces = &mut spaces[..threads];
    for space in &mut *spaces {
        space.prepare(shape, copied * column_stride::<T>(tile_rows), tile_rows)?;
        space.levels.ensure(sums_len + Levels::space(task_blocks, sums_len))?;
    }

    if let [space] = &mut *spaces {
        plan.work(space);
    } else {
        let (own, others) = spaces.split_first_mut().expect("there is at least one thread");
        rayon::in_place_scope(|scope| {
            for space in others {
                let plan = &plan;
                scope.spawn(move |_| plan.work(space));
            }
            plan.work(own);
        });
    }

    if stop.is_set() {
        return Err(BatchError::Stopped);
    }
    let mut report = Report { rows, ..Report::default() };
    for Space { log, .. } in &mut *spaces {
        report.slow += log.slow;
        report.failed += log.failed;
        report.noted += log.noted;
        report.failures.extend_from_slice(&log.failures);
        report.notes.extend_from_slice(&log.notes);
    }
    // A thread takes tasks in increasing order, so that its list starts with those of the first rows that it met.
    for list in [&mut report.failures, &mut report.notes] {
        list.sort_unstable_by_key(|row| row.row);
        list.truncate(REPORTED_ROWS);
    }
    if report.failed > 0 && !options.skip_failed {
        param_gradients.fill(f64::NAN);
    } else if report.failed == rows {
        param_gradients.fill(0.0);
    } else {
        let sums = &mut sums[..tasks * sums_len];
        add_pairwise(sums, sums_len);
        param_gradients.copy_from_slice(&sums[..sums_len]);
    }
    canonicalise(param_gradients);
    Ok(report)
}

/// Evaluates one row on the caller's thread.
///
/// The outputs are the same bits that the row has in a batch. `param_gradients` receives the row's contribution. A
/// failed row has NaN in all of them.
///
/// # Errors
/// If the slices do not have the lengths of the kernel's shape, or memory runs out.
pub fn evaluate_row<T: Element>(
    kernel: &dyn Kernel,
    inputs: &[T],
    params: &[T],
    outputs: &mut [T],
    param_gradients: &mut [f64],
    workspace: &mut Workspace,
) -> Result<RowOutcome, BatchError> {
    evaluate_row_until(kernel, inputs, params, outputs, param_gradients, workspace, None)
}

/// Evaluates one row on the caller's thread, unless it is stopped first. Otherwise as [`evaluate_row`].
///
/// # Errors
/// If the slices do not have the lengths of the kernel's shape, memory runs out, or the row is stopped.
pub fn evaluate_row_until<T: Element>(
    kernel: &dyn Kernel,
    inputs: &[T],
    params: &[T],
    outputs: &mut [T],
    param_gradients: &mut [f64],
    workspace: &mut Workspace,
    stop: Option<&Stop>,
) -> Result<RowOutcome, BatchError> {
    let stop = stop.map_or(&NEVER, |stop| stop.flag());
    let call = Call::new(kernel, params, param_gradients.len(), stop)?;
    let shape = call.shape;
    if inputs.len() != shape.inputs {
        return Err(BatchError::InputColumns { expected: shape.inputs, found: inputs.len() });
    }
    if outputs.len() != shape.outputs {
        return Err(BatchError::OutputColumns { expected: shape.outputs, found: outputs.len() });
    }
    let [space] = T::spaces(workspace).threads(1) else { unreachable!("one thread was asked for") };
    space.prepare(shape, 0, PARTIALS)?;
    let _mode = DefaultMode::enter();
    space.point_into_pad(shape);
    for (column, &value) in inputs.iter().enumerate() {
        space.pad.slice((column + 1) * PARTIALS)[column * PARTIALS..][..call.lanes].fill(value);
    }
    let sums_len = shape.param_gradients;
    // SAFETY: the columns have room for a lane group from row 0 on.
    let outcome = unsafe {
        let code = call.run(space, Sums::Rows, 0, call.lanes, 1);
        let outcome = call.settle(space, code, 0, 0);
        if code != 0 {
            space.clear_status(0, call.lanes);
        }
        outcome
    };
    if stop.is_set() {
        return Err(BatchError::Stopped);
    }
    for (column, output) in outputs.iter_mut().enumerate() {
        // SAFETY: the column has room for a lane group.
        *output = unsafe { *space.outputs[column] };
    }
    match outcome {
        Settled::Native(_) => {
            let contributions = space.contributions.slice(sums_len * PARTIALS);
            for sums in shape.own_sums() {
                let partials = contributions[sums.start * PARTIALS..].chunks_exact(PARTIALS);
                param_gradients[sums].iter_mut().zip(partials).for_each(|(gradient, own)| *gradient = own[0]);
            }
            // SAFETY: the columns have room for a lane group.
            let kept = unsafe { Kept::new(&space.outputs[shape.outputs..], 0, 1) };
            for products in &shape.products {
                let width = products.extents.1;
                for (k, gradient) in param_gradients[products.sums()].iter_mut().enumerate() {
                    *gradient = products::product(products, kept, (k / width, k % width), 0);
                }
            }
        }
        Settled::Row(_) => param_gradients.copy_from_slice(space.row_gradients(shape)),
        Settled::Failed(_) => param_gradients.fill(f64::NAN),
    }
    canonicalise(param_gradients);
    Ok(outcome.row_outcome())
}

/// Makes every NaN the canonical one. Which one a sum is depends on how its terms came about.
fn canonicalise(sums: &mut [f64]) {
    sums.iter_mut().filter(|sum| sum.is_nan()).for_each(|sum| *sum = f64::NAN);
}

impl<T: Element> Source<'_, T> {
    /// The numbers of a row; none if there is no such row.
    pub fn row(&self, row: usize) -> &[T] {
        match self {
            Source::Column(data) => data.get(row..).and_then(|rest| rest.get(..1)).unwrap_or_default(),
            Source::Matrix { data, columns, row_stride } => {
                let start = row.saturating_mul(*row_stride);
                data.get(start..).and_then(|rest| rest.get(..*columns)).unwrap_or_default()
            }
            Source::Constant(value) => std::slice::from_ref(value),
        }
    }

    fn view(&self, rows: usize, index: usize) -> Result<View<T>, BatchError> {
        let wrong = |expected, found| BatchError::SourceLength { index, rows, expected, found };
        match self {
            Source::Column(data) if data.len() == rows => {
                Ok(View { start: data.as_ptr().cast_mut(), columns: 1, stride: 1, room: rows })
            }
            Source::Column(data) => Err(wrong(rows, data.len())),
            &Source::Matrix { data, columns, row_stride } => {
                check_matrix(rows, data.len(), columns, row_stride, wrong)?;
                let (start, room) = (data.as_ptr().cast_mut(), data.len());
                Ok(View { start, columns, stride: row_stride, room })
            }
            Source::Constant(value) => {
                Ok(View { start: ptr::from_ref(value).cast_mut(), columns: 1, stride: 0, room: 1 })
            }
        }
    }
}

impl<T: Element> Sink<'_, T> {
    fn view(&mut self, rows: usize, index: usize) -> Result<View<T>, BatchError> {
        let wrong = |expected, found| BatchError::SinkLength { index, rows, expected, found };
        match self {
            Sink::Column(data) if data.len() == rows => {
                Ok(View { start: data.as_mut_ptr(), columns: 1, stride: 1, room: rows })
            }
            Sink::Column(data) => Err(wrong(rows, data.len())),
            Sink::Matrix { data, columns, row_stride } => {
                check_matrix(rows, data.len(), *columns, *row_stride, wrong)?;
                let (start, room) = (data.as_mut_ptr(), data.len());
                Ok(View { start, columns: *columns, stride: *row_stride, room })
            }
            Sink::Discard { columns } => {
                Ok(View { start: ptr::null_mut(), columns: *columns, stride: 0, room: 0 })
            }
        }
    }
}

fn check_matrix(
    rows: usize,
    len: usize,
    columns: usize,
    row_stride: usize,
    wrong: impl Fn(usize, usize) -> BatchError,
) -> Result<(), BatchError> {
    // A stride of 0 is how a view says that it is constant.
    if row_stride < columns.max(1) {
        return Err(BatchError::RowStride { columns, row_stride });
    }
    let needed = match rows {
        0 => 0,
        _ if columns == 0 => 0,
        _ => (rows - 1).saturating_mul(row_stride).saturating_add(columns),
    };
    if len < needed { Err(wrong(needed, len)) } else { Ok(()) }
}

/// A kernel with its parameters.
#[derive(Clone, Copy)]
struct Call<'a, T> {
    kernel: &'a dyn Kernel,
    shape: &'a KernelShape,
    lanes: usize,
    params: &'a [T],
    /// Whether the batch is so large that nobody will find its results in a cache.
    streams: bool,
    /// Says whether to end.
    stop: &'a StopFlag,
}

/// How a row's results came about.
#[derive(Debug, Clone, Copy)]
enum Settled {
    /// The native kernel's results count.
    Native(Option<u32>),
    /// The results come from the full-range path; the parameter gradients are in the space's row.
    Row(Option<u32>),
    Failed(u32),
}

impl Settled {
    fn row_outcome(self) -> RowOutcome {
        match self {
            Settled::Native(None) | Settled::Row(None) => RowOutcome::Done,
            Settled::Native(Some(check)) | Settled::Row(Some(check)) => RowOutcome::Noted(check),
            Settled::Failed(check) => RowOutcome::Failed(check),
        }
    }
}

impl<'a, T: Element> Call<'a, T> {
    fn new(
        kernel: &'a dyn Kernel,
        params: &'a [T],
        gradients: usize,
        stop: &'a StopFlag,
    ) -> Result<Call<'a, T>, BatchError> {
        let shape = kernel.shape();
        if shape.precision != T::PRECISION {
            return Err(BatchError::Precision { kernel: shape.precision, batch: T::PRECISION });
        }
        let lanes = kernel.lanes();
        if !matches!(lanes, 1 | 2 | 4 | 8 | 16) {
            return Err(BatchError::Lanes { lanes });
        }
        if params.len() != shape.params {
            return Err(BatchError::Params { expected: shape.params, found: params.len() });
        }
        if gradients != shape.param_gradients {
            return Err(BatchError::ParamGradients { expected: shape.param_gradients, found: gradients });
        }
        Ok(Call { kernel, shape, lanes, params, streams: false, stop })
    }

    /// Runs the kernel over the columns that `space` points to, and its complete version, if it has one, over rows that it gave
    /// up. Sums go to the place that `sums` says; what was there before is lost if the kernel has none.
    ///
    /// `valid` is how many of the rows count.
    ///
    /// # Safety
    /// The space must have been prepared for the kernel's shape, and its pointers must be good for rows `first_row` to
    /// `first_row + rows`, both multiples of the lane count.
    #[inline]
    unsafe fn run(
        &self,
        space: &mut Space<T>,
        sums: Sums,
        first_row: usize,
        rows: usize,
        valid: usize,
    ) -> u32 {
        space.begin_sums(self.shape, sums);
        let run = |args: &Args| {
            // SAFETY: as the caller promises.
            unsafe { self.kernel.run(args) }
        };
        let code = self.call(space, self.shape, run, sums, first_row, rows);
        if code == 0 {
            return 0;
        }
        // SAFETY: the rows were just run.
        unsafe { self.complete(space, sums, first_row, rows, valid) }
    }

    /// Runs the complete version of the kernel over rows that it has given up, if there are any. Returns what the kernel would
    /// have.
    ///
    /// # Safety
    /// As for [`Call::run`], and the rows must have been run and have status words.
    #[cold]
    unsafe fn complete(
        &self,
        space: &mut Space<T>,
        sums: Sums,
        first_row: usize,
        rows: usize,
        valid: usize,
    ) -> u32 {
        let slow_path = T::word(Status::SLOW_PATH);
        let given_up =
            |words: &[T::Word]| words.iter().map(|&word| usize::from(word == slow_path)).sum::<usize>();
        let slow = given_up(&space.status.slice(first_row + valid)[first_row..]);
        if slow == 0 {
            return 1;
        }
        let Some(shape) = self.kernel.complete(slow) else { return 1 };
        let room = space.scratch.ensure(shape.scratch_bytes).and(space.stack.ensure(shape.stack_bytes));
        if room.is_err() {
            return 1;
        }
        space.log.slow += slow;
        let run = |args: &Args| {
            // SAFETY: as the caller promises; the space has been prepared for this shape, too.
            unsafe { self.kernel.run_complete(args) }
        };
        if self.shape.param_gradients > 0 {
            space.restore_sums(self.shape, sums);
            space.clear_status(first_row, rows);
            // Sums are added in the order of the rows.
            return self.call(space, shape, run, sums, first_row, rows);
        }
        let end = first_row + rows;
        let part_end = |part: usize| end.min(part + PARTIALS);
        let mut part = first_row;
        while part < end {
            let start = part;
            while part < end && given_up(&space.status.slice(part_end(part))[part..]) > 0 {
                part = part_end(part);
            }
            if part == start {
                part = part_end(part);
                continue;
            }
            space.clear_status(start, part - start);
            self.call(space, shape, run, sums, start, part - start);
        }
        u32::from(shape.reports_status)
    }

    /// Calls a version of the kernel, which has this shape.
    #[inline]
    fn call(
        &self,
        space: &mut Space<T>,
        shape: &KernelShape,
        run: impl Fn(&Args) -> u32,
        sums: Sums,
        first_row: usize,
        rows: usize,
    ) -> u32 {
        let args = Args {
            inputs: space.inputs.as_ptr().cast(),
            outputs: space.outputs.as_ptr().cast(),
            params: self.params.as_ptr().cast(),
            partials: match sums {
                Sums::Block => space.partials.start(),
                Sums::Rows => space.contributions.start(),
            },
            status: if shape.reports_status { space.status.start().cast() } else { ptr::null_mut() },
            scratch: space.scratch.start(),
            scratch_len: shape.scratch_bytes,
            streaming: if self.streams && space.is_aligned(first_row) { usize::MAX } else { 0 },
            first_row,
            rows,
            stop: self.stop,
        };
        let code = match shape.stack_bytes {
            0 => run(&args),
            // SAFETY: the stack is as large as the kernel says; machine code does not unwind, and other kernels that
            // panic here abort.
            _ => unsafe { space.stack.run(|| run(&args)) },
        };
        if shape.reports_status { code } else { 0 }
    }

    /// Adds the products of rows to the partial sums of the block.
    ///
    /// # Safety
    /// As for [`Call::run`], and the rows must have been run.
    #[inline]
    unsafe fn add_products(&self, space: &mut Space<T>, first: usize, rows: usize) {
        if self.shape.products.is_empty() {
            return;
        }
        let partials = space.partials.slice(self.shape.param_gradients * PARTIALS);
        // SAFETY: as the caller promises.
        let kept = unsafe { Kept::new(&space.outputs[self.shape.outputs..], first, rows) };
        products::add(&self.shape.products, kept, partials, first);
    }

    /// Looks at the status of a row that the kernel returned `code` for, and makes its outputs what they should be.
    /// `at` is the row's place in the columns, `row` its number in the batch.
    ///
    /// # Safety
    /// As for [`Call::run`], and the row must have been run.
    unsafe fn settle(&self, space: &mut Space<T>, code: u32, at: usize, row: usize) -> Settled {
        if code == 0 {
            return Settled::Native(None);
        }
        // SAFETY: there is a status word for every row, and it was initialised with the buffer.
        let settled = match T::status(unsafe { *space.status.start().add(at) }) {
            Status::Done => return Settled::Native(None),
            Status::Noted(check) => Settled::Native(Some(check)),
            Status::Failed(check) => Settled::Failed(check),
            Status::SlowPath => {
                space.log.slow += 1;
                // SAFETY: as the caller promises.
                match unsafe { self.run_row(space, at) } {
                    RowOutcome::Done => return Settled::Row(None),
                    RowOutcome::Noted(check) => Settled::Row(Some(check)),
                    RowOutcome::Failed(check) => Settled::Failed(check),
                }
            }
        };
        let Log { failed, failures, noted, notes, .. } = &mut space.log;
        let (count, list, check) = match settled {
            Settled::Failed(check) => {
                for &output in &space.outputs {
                    // SAFETY: as the caller promises.
                    unsafe { *output.add(at) = T::NAN };
                }
                (failed, failures, check)
            }
            Settled::Native(check) | Settled::Row(check) => {
                (noted, notes, check.expect("rows without a note have been settled"))
            }
        };
        *count += 1;
        if list.len() < REPORTED_ROWS {
            list.push(RowReport { row, check });
        }
        settled
    }

    /// Evaluates a row on the full-range path.
    ///
    /// # Safety
    /// The space's pointers must be good for row `at`.
    unsafe fn run_row(&self, space: &mut Space<T>, at: usize) -> RowOutcome {
        let shape = self.shape;
        let row = space.row.slice(row_len(shape));
        let (inputs, rest) = row.split_at_mut(shape.inputs);
        let (params, rest) = rest.split_at_mut(shape.params);
        let (outputs, gradients) = rest.split_at_mut(shape.outputs);
        for (value, &column) in inputs.iter_mut().zip(&space.inputs) {
            // SAFETY: as the caller promises.
            *value = unsafe { *column.add(at) }.to_f64();
        }
        params.iter_mut().zip(self.params).for_each(|(value, param)| *value = param.to_f64());
        let outcome = self.kernel.row(inputs, params, outputs, gradients, self.stop);
        for (value, &column) in outputs.iter().zip(&space.outputs) {
            // SAFETY: as the caller promises.
            unsafe { *column.add(at) = T::from_f64(*value) };
        }
        outcome
    }

    /// Runs rows `first` to `first + rows` and settles those below `first + valid`. The first of them has number
    /// `row` in the batch. Sums go to the space's partial sums.
    ///
    /// # Safety
    /// As for [`Call::run`].
    unsafe fn run_and_settle(
        &self,
        space: &mut Space<T>,
        first: usize,
        rows: usize,
        valid: usize,
        row: usize,
    ) {
        let sums = self.shape.param_gradients > 0;
        if !sums || valid == rows {
            let slow = space.log.slow;
            // SAFETY: as the caller promises.
            let code = unsafe { self.run(space, Sums::Block, first, rows, valid) };
            if code == 0 {
                // SAFETY: the rows were just run.
                unsafe { self.add_products(space, first, rows) };
                return;
            }
            let notes_only = |&word: &T::Word| matches!(T::status(word), Status::Done | Status::Noted(_));
            if !sums || space.status.slice(first + valid)[first..].iter().all(notes_only) {
                // SAFETY: as above.
                unsafe { self.add_products(space, first, rows) };
                for i in 0..valid {
                    if self.stop.is_set() {
                        return;
                    }
                    // SAFETY: the row was just run.
                    unsafe { self.settle(space, code, first + i, row + i) };
                }
                space.clear_status(first, rows);
                return;
            }
            space.restore_sums(self.shape, Sums::Block);
            space.clear_status(first, rows);
            // They are counted again.
            space.log.slow = slow;
        }
        // Idle lanes, or rows that need a look: sixteen rows at a time, so that each has partial sums of its own.
        let mut done = 0;
        while done < valid && !self.stop.is_set() {
            let piece = PARTIALS.min(rows - done);
            let counted = valid.min(done + piece);
            // SAFETY: a piece of the rows that the caller vouches for.
            let code = unsafe { self.run(space, Sums::Rows, first + done, piece, counted - done) };
            for i in done..counted {
                // SAFETY: the row was just run.
                let settled = unsafe { self.settle(space, code, first + i, row + i) };
                if let Settled::Native(_) = settled {
                    // SAFETY: as above.
                    unsafe { self.add_products(space, first + i, 1) };
                }
                space.add_contribution(self.shape, settled, (first + i) % PARTIALS);
            }
            if code != 0 {
                space.clear_status(first + done, piece);
            }
            done += piece;
        }
    }
}

/// Where a kernel's sums over rows go.
#[derive(Debug, Clone, Copy)]
enum Sums {
    /// To the partial sums of the block.
    Block,
    /// To those of sixteen rows at a time, which begin anew.
    Rows,
}

/// Numbers of a row: inputs, parameters, outputs, parameter gradients.
fn row_len(shape: &KernelShape) -> usize {
    shape.inputs + shape.params + shape.outputs + shape.param_gradients
}

impl<T: Element> Space<T> {
    /// Whether all output columns begin a cache line at a row.
    fn is_aligned(&self, row: usize) -> bool {
        self.outputs.iter().all(|column| column.wrapping_add(row).addr().is_multiple_of(CACHE_LINE))
    }

    /// Makes status words what kernels find.
    fn clear_status(&mut self, first: usize, rows: usize) {
        self.status.slice(first + rows)[first..].fill(T::word(0));
    }

    /// Before a kernel adds to sums.
    #[inline]
    fn begin_sums(&mut self, shape: &KernelShape, sums: Sums) {
        let len = shape.param_gradients * PARTIALS;
        for own in shape.own_sums() {
            let own = own.start * PARTIALS..own.end * PARTIALS;
            match sums {
                Sums::Rows => self.contributions.slice(len)[own].fill(-0.0),
                Sums::Block if shape.reports_status => {
                    self.saved.slice(len)[own.clone()].copy_from_slice(&self.partials.slice(len)[own]);
                }
                Sums::Block => {}
            }
        }
    }

    /// Makes sums what they were before a kernel that reports a status has added to them.
    fn restore_sums(&mut self, shape: &KernelShape, sums: Sums) {
        let len = shape.param_gradients * PARTIALS;
        for own in shape.own_sums() {
            let own = own.start * PARTIALS..own.end * PARTIALS;
            match sums {
                Sums::Rows => self.contributions.slice(len)[own].fill(-0.0),
                Sums::Block => {
                    self.partials.slice(len)[own.clone()].copy_from_slice(&self.saved.slice(len)[own])
                }
            }
        }
    }

    /// Makes room for a kernel, for `tile` numbers that are copied, and for `rows` rows at a time.
    #[inline]
    fn prepare(&mut self, shape: &KernelShape, tile: usize, rows: usize) -> Result<(), BatchError> {
        self.log.clear();
        self.tile.ensure(tile)?;
        self.pad.ensure((shape.inputs + shape.outputs + shape.kept) * PARTIALS)?;
        if shape.reports_status {
            self.status.ensure(rows.max(PARTIALS))?;
        }
        self.scratch.ensure(shape.scratch_bytes)?;
        self.stack.ensure(shape.stack_bytes)?;
        let partials = shape.param_gradients * PARTIALS;
        self.partials.ensure(partials)?;
        self.saved.ensure(partials)?;
        self.contributions.ensure(partials)?;
        self.row.ensure(row_len(shape))?;
        self.inputs.clear();
        self.inputs.resize(shape.inputs, ptr::null());
        self.outputs.clear();
        self.outputs.resize(shape.outputs + shape.kept, ptr::null_mut());
        Ok(())
    }

    /// Lets the columns be those of the pad, 16 rows each.
    fn point_into_pad(&mut self, shape: &KernelShape) {
        let start = self.pad.start();
        for (column, input) in self.inputs.iter_mut().enumerate() {
            *input = start.wrapping_add(column * PARTIALS);
        }
        for (column, output) in self.outputs.iter_mut().enumerate() {
            *output = start.wrapping_add((shape.inputs + column) * PARTIALS);
        }
    }

    /// The parameter gradients of the row that was last run on the full-range path.
    fn row_gradients(&mut self, shape: &KernelShape) -> &[f64] {
        &self.row.slice(row_len(shape))[row_len(shape) - shape.param_gradients..]
    }

    /// Adds what a row contributes to the partial sums with number `lane`, but for products of columns that the kernel has kept.
    fn add_contribution(&mut self, shape: &KernelShape, settled: Settled, lane: usize) {
        let len = shape.param_gradients * PARTIALS;
        match settled {
            Settled::Native(_) => {
                for own in shape.own_sums() {
                    let own = own.start * PARTIALS..own.end * PARTIALS;
                    let contributions = self.contributions.slice(len)[own.clone()].chunks_exact(PARTIALS);
                    let partials = self.partials.slice(len)[own].chunks_exact_mut(PARTIALS);
                    partials.zip(contributions).for_each(|(partials, own)| partials[lane] += own[lane]);
                }
            }
            Settled::Row(_) => {
                let partials = self.partials.slice(len).chunks_exact_mut(PARTIALS);
                let gradients = &self.row.slice(row_len(shape))[row_len(shape) - shape.param_gradients..];
                for (partials, gradient) in partials.zip(gradients) {
                    partials[lane] += gradient;
                }
            }
            Settled::Failed(_) => {}
        }
    }
}

/// Numbers from a column of a tile to the next.
fn column_stride<T>(tile_rows: usize) -> usize {
    tile_rows + COLUMN_GAP_BYTES / size_of::<T>()
}

/// The views of an evaluation, which its threads share.
#[derive(Clone, Copy)]
struct Views<'a, T>(&'a [View<T>]);

// SAFETY: threads read what sources point to, and write disjoint rows of what sinks point to.
unsafe impl<T: Element> Sync for Views<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Element> Send for Views<'_, T> {}

/// The sums of tasks, each written by the thread that runs the task.
#[derive(Clone, Copy)]
struct TaskSums(*mut f64);

// SAFETY: threads write disjoint parts.
unsafe impl Sync for TaskSums {}
// SAFETY: as above.
unsafe impl Send for TaskSums {}

/// An evaluation, as its threads see it.
struct Plan<'a, T> {
    call: Call<'a, T>,
    rows: usize,
    sources: Views<'a, T>,
    sinks: Views<'a, T>,
    block_rows: usize,
    tile_rows: usize,
    /// A power of two, so that a task's blocks have a subtree of their own.
    task_blocks: usize,
    tasks: usize,
    sums: TaskSums,
    next_task: AtomicUsize,
    progress: Option<&'a (dyn Fn(usize) + Sync)>,
}

impl<T: Element> Plan<'_, T> {
    /// Runs tasks until none is left.
    fn work(&self, space: &mut Space<T>) {
        let _mode = DefaultMode::enter();
        self.fill_constants(space);
        let sums_len = self.call.shape.param_gradients;
        loop {
            let task = self.next_task.fetch_add(1, Ordering::Relaxed);
            if task >= self.tasks || self.call.stop.is_set() {
                return;
            }
            let first = task * self.task_blocks * self.block_rows;
            let rows = (self.task_blocks * self.block_rows).min(self.rows - first);
            if sums_len == 0 {
                for start in (first..first + rows).step_by(self.block_rows) {
                    self.run_block(space, start);
                }
            } else {
                // SAFETY: `sums` has room for every task, and this thread alone has this task.
                let sum =
                    unsafe { std::slice::from_raw_parts_mut(self.sums.0.add(task * sums_len), sums_len) };
                self.run_blocks_with_sums(space, first, rows, sum);
            }
            if let Some(progress) = self.progress {
                progress(rows);
            }
        }
    }

    fn run_blocks_with_sums(&self, space: &mut Space<T>, first: usize, rows: usize, sum: &mut [f64]) {
        let sums_len = sum.len();
        let len = sums_len + Levels::space(self.task_blocks, sums_len);
        // The levels' memory is taken out of the space while blocks run in it.
        let mut memory = std::mem::take(&mut space.levels);
        let (block, pending) = memory.slice(len).split_at_mut(sums_len);
        let mut levels = Levels::new(pending, sums_len);
        for start in (first..first + rows).step_by(self.block_rows) {
            space.partials.slice(sums_len * PARTIALS).fill(-0.0);
            self.run_block(space, start);
            add_partials(space.partials.slice(sums_len * PARTIALS), block);
            levels.push(block);
        }
        levels.finish(sum);
        space.levels = memory;
    }

    /// Runs the block that starts at row `start`.
    fn run_block(&self, space: &mut Space<T>, start: usize) {
        let end = self.rows.min(start + self.block_rows);
        for tile in (start..end).step_by(self.tile_rows) {
            if self.call.stop.is_set() {
                return;
            }
            let rows = self.tile_rows.min(end - tile);
            let rest = rows % self.call.lanes;
            if rows > rest {
                self.run_tile(space, tile, rows - rest);
            }
            if rest > 0 {
                self.run_rest(space, tile + rows - rest, (rows - rest) % PARTIALS, rest);
            }
        }
    }

    /// From a column of the tile to the next.
    fn column_stride(&self) -> usize {
        column_stride::<T>(self.tile_rows)
    }

    /// Fills the tile's columns of constants, which keep their places and values throughout.
    fn fill_constants(&self, space: &mut Space<T>) {
        let mut copied = 0;
        for view in self.sources.0.iter().filter(|view| !view.in_place()) {
            if view.stride == 0 {
                let end = copied * self.column_stride() + self.tile_rows;
                // SAFETY: a constant's view points to the number in its source.
                space.tile.slice(end)[copied * self.column_stride()..].fill(unsafe { *view.start });
            }
            copied += view.columns;
        }
    }

    /// Runs whole lane groups: `rows` rows from row `row` on, at the start of a tile.
    fn run_tile(&self, space: &mut Space<T>, row: usize, rows: usize) {
        let stride = self.column_stride();
        let tile = space.tile.start();
        let mut copied = 0;
        let mut column = 0;
        for view in self.sources.0 {
            if view.in_place() {
                // SAFETY: `row` is below the number of rows, which the source was checked to have.
                space.inputs[column] = unsafe { view.start.add(row) };
            } else {
                // SAFETY: the tile has room for `stride` numbers of every copied column.
                let to = unsafe { tile.add(copied * stride) };
                for i in 0..view.columns {
                    space.inputs[column + i] = to.wrapping_add(i * stride);
                }
                if view.stride > 0 {
                    // SAFETY: the source was checked to have the rows; the tile has room, and is not part of it.
                    unsafe {
                        let from = view.start.add(row * view.stride);
                        transpose(from, view.stride, to, stride, rows, view.columns);
                    }
                }
                copied += view.columns;
            }
            column += view.columns;
        }
        let copied_inputs = copied;
        column = 0;
        for view in self.sinks.0 {
            for i in 0..view.columns {
                space.outputs[column + i] = if view.in_place() {
                    // SAFETY: as for inputs.
                    unsafe { view.start.add(row) }
                } else {
                    copied += 1;
                    // SAFETY: as for inputs.
                    unsafe { tile.add((copied - 1) * stride) }
                };
            }
            column += view.columns;
        }
        for (k, output) in space.outputs[column..].iter_mut().enumerate() {
            *output = tile.wrapping_add((copied + k) * stride);
        }
        // SAFETY: the pointers are good for `rows` rows, a multiple of the lane count.
        unsafe { self.call.run_and_settle(space, 0, rows, rows, row) };
        copied = copied_inputs;
        for view in self.sinks.0.iter().filter(|view| !view.in_place()) {
            if !view.start.is_null() {
                // SAFETY: the sink was checked to have the rows, and no other thread has them.
                unsafe {
                    let to = view.start.add(row * view.stride);
                    transpose(tile.add(copied * stride), stride, to, view.stride, view.columns, rows);
                }
            }
            copied += view.columns;
        }
    }

    /// Runs the last `rows` rows from row `row` on, less than a lane group, which has place `first` among 16 rows.
    fn run_rest(&self, space: &mut Space<T>, row: usize, first: usize, rows: usize) {
        space.point_into_pad(self.call.shape);
        let columns = self.sources.0.iter().flat_map(|view| (0..view.columns).map(move |i| (view, i)));
        let pad = space.pad.start();
        for (column, (view, i)) in columns.enumerate() {
            for lane in 0..self.call.lanes {
                let row = row + lane.min(rows - 1);
                // SAFETY: the source was checked to have the row; the pad has 16 rows of each column, of which the
                // lane group is a part.
                unsafe {
                    *pad.add(column * PARTIALS + first + lane) = *view.start.add(row * view.stride + i)
                };
            }
        }
        // SAFETY: the pointers are good for the lane group, and its place is a multiple of the lane count.
        unsafe { self.call.run_and_settle(space, first, self.call.lanes, rows, row) };
        let columns = self.sinks.0.iter().flat_map(|view| (0..view.columns).map(move |i| (view, i)));
        for ((view, i), from) in columns.zip(&space.outputs) {
            if !view.start.is_null() {
                for lane in 0..rows {
                    // SAFETY: the sink was checked to have the row, and no other thread has it.
                    unsafe {
                        *view.start.add((row + lane) * view.stride + i) = *from.add(first + lane);
                    }
                }
            }
        }
    }
}
