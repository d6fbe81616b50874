//! The driver against a straightforward evaluation, with a kernel written in plain Rust.

use proptest::prelude::*;

use super::*;
use crate::abi::{Args, Status};
use crate::element::Element;
use crate::stop::StopFlag;

const SLOW: f64 = 1e6;

/// Two inputs, two parameters, three outputs. Rows with `x > SLOW` are slow, `y < 0` fails with check 3 (and 5 if
/// slow too), `y = 7` is noted. What it leaves behind for slow and failed rows is garbage.
struct Fake {
    lanes: usize,
    shape: KernelShape,
    /// That of the complete version, which needs more memory.
    complete: Option<KernelShape>,
}

impl Fake {
    fn new(lanes: usize, sums: bool, status: bool) -> Fake {
        let param_gradients = if sums { 2 } else { 0 };
        let shape = KernelShape {
            precision: Precision::Double,
            inputs: 2,
            outputs: 3,
            params: 2,
            param_gradients,
            kept: 0,
            products: Vec::new(),
            reports_status: status,
            scratch_bytes: 100,
            stack_bytes: 0,
            instructions: None,
        };
        Fake { lanes, shape, complete: None }
    }

    /// With a complete version, which reports a status or not.
    fn completed(self, reports_status: bool) -> Fake {
        let complete = KernelShape { reports_status, scratch_bytes: 100_000, ..self.shape.clone() };
        Fake { complete: Some(complete), ..self }
    }

    fn for_columns_of<T: Element>(&self) -> Fake {
        let of = |shape: KernelShape| KernelShape { precision: T::PRECISION, ..shape };
        Fake { lanes: self.lanes, shape: of(self.shape.clone()), complete: self.complete.clone().map(of) }
    }

    /// # Safety
    /// As for [`Kernel::run`], with columns of `T`.
    unsafe fn run_as<T: Element>(
        &self,
        args: &Args,
        shape: &KernelShape,
        status: fn(f64, f64) -> u64,
    ) -> u32 {
        assert_eq!((args.rows % self.lanes, args.first_row % self.lanes), (0, 0));
        assert!(args.rows > 0);
        assert_eq!(args.scratch as usize % 64, 0);
        assert_eq!(args.scratch_len, shape.scratch_bytes);
        // SAFETY: the driver keeps the calling convention; the scratch memory is that long.
        let (x, y, statuses, params) = unsafe {
            args.scratch.write_bytes(1, args.scratch_len);
            (args.input::<T>(0), args.input::<T>(1), args.statuses::<T>(), args.params::<T>(2))
        };
        let mut code = 0;
        for i in 0..args.rows {
            let (x, y) = (x[i].to_f64(), y[i].to_f64());
            let (mut outputs, mut gradients) = compute::<T>(x, y, &[params[0].to_f64(), params[1].to_f64()]);
            if shape.reports_status {
                let status = status(x, y);
                assert_eq!(statuses[i], T::word(0), "what the last call left is gone");
                // Words that stay 0 need not be written.
                if status != 0 || i % 3 == 0 {
                    statuses[i] = T::word(status);
                }
                code |= u32::from(status != 0);
                if !matches!(Status::from_word(status), Status::Done | Status::Noted(_)) {
                    (outputs, gradients) = ([123.0; 3], [f64::NAN; 2]);
                }
            }
            for (column, value) in outputs.into_iter().enumerate() {
                // SAFETY: the driver keeps the calling convention.
                unsafe { args.output(column)[i] = T::from_f64(value) };
            }
            for (element, gradient) in gradients.into_iter().enumerate().take(self.shape.param_gradients) {
                // SAFETY: as above.
                unsafe { args.add_to_partial(element, args.first_row + i, gradient) };
            }
        }
        code
    }
}

/// Values and gradients, rounded to the numbers of columns.
fn compute<T: Element>(x: f64, y: f64, params: &[f64]) -> ([f64; 3], [f64; 2]) {
    let round = |value: f64| T::from_f64(value).to_f64();
    let value = params[0] * x + params[1] * y;
    ([value, x / y, value - x].map(round), [x * value, (x + y) / 3.0].map(round))
}

fn status(x: f64, y: f64) -> u64 {
    match () {
        () if x > SLOW => Status::SLOW_PATH,
        () if y < 0.0 => Status::FIRST_CHECK + 3,
        () if y == 7.0 => Status::NOTE + 1,
        () => 0,
    }
}

fn outcome(x: f64, y: f64) -> RowOutcome {
    match () {
        () if y < 0.0 => RowOutcome::Failed(if x > SLOW { 5 } else { 3 }),
        () if y == 7.0 => RowOutcome::Noted(if x > SLOW { 2 } else { 1 }),
        () => RowOutcome::Done,
    }
}

impl Kernel for Fake {
    fn shape(&self) -> &KernelShape {
        &self.shape
    }

    fn lanes(&self) -> usize {
        self.lanes
    }

    unsafe fn run(&self, args: &Args) -> u32 {
        // SAFETY: the driver keeps the calling convention for columns of the kernel's precision.
        unsafe {
            match self.shape.precision {
                Precision::Double => self.run_as::<f64>(args, &self.shape, status),
                Precision::Single => self.run_as::<f32>(args, &self.shape, status),
            }
        }
    }

    fn complete(&self, given_up: usize) -> Option<&KernelShape> {
        assert!(given_up > 0);
        self.complete.as_ref()
    }

    unsafe fn run_complete(&self, args: &Args) -> u32 {
        let shape = self.complete.as_ref().expect("there is a complete version");
        let status = |x, y| outcome(x, y).word();
        // SAFETY: as above.
        unsafe {
            match shape.precision {
                Precision::Double => self.run_as::<f64>(args, shape, status),
                Precision::Single => self.run_as::<f32>(args, shape, status),
            }
        }
    }

    fn row(
        &self,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        gradients: &mut [f64],
        _: &StopFlag,
    ) -> RowOutcome {
        let (values, sums) = match self.shape.precision {
            Precision::Double => compute::<f64>(inputs[0], inputs[1], params),
            Precision::Single => compute::<f32>(inputs[0], inputs[1], params),
        };
        outputs.copy_from_slice(&values);
        gradients.copy_from_slice(&sums[..gradients.len()]);
        outcome(inputs[0], inputs[1])
    }
}

/// What the documentation says, written down naively. Outputs row after row.
fn reference<T: Element>(fake: &Fake, x: &[f64], y: &[f64], params: &[f64]) -> (Vec<f64>, Vec<f64>, Report) {
    let mut outputs = Vec::new();
    let mut report = Report { rows: x.len(), ..Report::default() };
    let mut blocks = vec![[[-0.0; 16]; 2]; x.len().div_ceil(BLOCK_ROWS)];
    for row in 0..x.len() {
        let (mut values, gradients) = compute::<T>(x[row], y[row], params);
        let outcome = if fake.shape.reports_status {
            report.slow += usize::from(x[row] > SLOW);
            outcome(x[row], y[row])
        } else {
            RowOutcome::Done
        };
        match outcome {
            RowOutcome::Failed(check) => {
                values = [f64::NAN; 3];
                report.failed += 1;
                report.failures.push(RowReport { row, check });
            }
            RowOutcome::Noted(check) => {
                report.noted += 1;
                report.notes.push(RowReport { row, check });
            }
            RowOutcome::Done => {}
        }
        if !matches!(outcome, RowOutcome::Failed(_)) {
            for element in 0..2 {
                blocks[row / BLOCK_ROWS][element][row % 16] += gradients[element];
            }
        }
        outputs.extend(values);
    }
    report.failures.truncate(REPORTED_ROWS);
    report.notes.truncate(REPORTED_ROWS);
    fn tree(mut items: Vec<f64>) -> f64 {
        while items.len() > 1 {
            items = items.chunks(2).map(|pair| pair.iter().copied().reduce(|a, b| a + b).unwrap()).collect();
        }
        items[0]
    }
    let sums = (0..fake.shape.param_gradients).map(|element| {
        if report.failed == x.len() {
            return 0.0;
        }
        tree(blocks.iter().map(|block| tree(block[element].to_vec())).collect())
    });
    let sums = sums.collect();
    (outputs, sums, report)
}

fn bits<T: Element>(numbers: &[T]) -> Vec<u64> {
    let number = |x: &T| x.to_f64();
    numbers.iter().map(number).map(|x| if x.is_nan() { f64::NAN } else { x }.to_bits()).collect()
}

/// The nearest numbers of columns.
fn rounded<T: Element>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}

/// The same, as binary64 numbers.
fn widened<T: Element>(numbers: &[T]) -> Vec<f64> {
    numbers.iter().map(|x| x.to_f64()).collect()
}

/// How the columns of a batch lie in memory.
#[derive(Debug, Clone, Copy)]
enum Form {
    Columns,
    Matrices,
    Mixed,
}

const PARAMS: [f64; 2] = [1.25, -0.3];

fn check(fake: &Fake, x: &[f64], y: &[f64], form: Form, options: &Options<'_>, workspace: &mut Workspace) {
    for skip_failed in [false, true] {
        let options = &Options { skip_failed, ..*options };
        check_columns_of::<f64>(fake, x, y, form, options, workspace);
        check_columns_of::<f32>(fake, x, y, form, options, workspace);
    }
}

fn check_columns_of<T: Element>(
    fake: &Fake,
    x: &[f64],
    y: &[f64],
    form: Form,
    options: &Options<'_>,
    workspace: &mut Workspace,
) {
    let fake = &fake.for_columns_of::<T>();
    let (x, y, params) = (&rounded::<T>(x)[..], &rounded::<T>(y)[..], &rounded::<T>(&PARAMS)[..]);
    let rows = x.len();
    let (expected, mut expected_sums, expected_report) =
        reference::<T>(fake, &widened(x), &widened(y), &widened(params));
    if expected_report.failed > 0 && !options.skip_failed {
        expected_sums.fill(f64::NAN);
    }
    let five = T::from_f64(5.0);
    let matrix: Vec<T> = x.iter().zip(y).flat_map(|(x, y)| [*x, *y, five]).collect();
    let end = matrix.len().saturating_sub(1);
    let inputs: Vec<Source<'_, T>> = match form {
        Form::Columns => vec![Source::Column(x), Source::Column(y)],
        Form::Matrices => vec![Source::Matrix { data: &matrix[..end], columns: 2, row_stride: 3 }],
        Form::Mixed => {
            let y = &matrix[matrix.len().min(1)..];
            vec![Source::Column(x), Source::Matrix { data: y, columns: 1, row_stride: 3 }]
        }
    };
    let mut columns = vec![vec![five; rows]; 3];
    let mut rows_out = vec![five; rows * 4];
    let [a, b, c] = &mut columns[..] else { unreachable!() };
    let mut outputs = match form {
        Form::Columns => vec![Sink::Column(a), Sink::Column(b), Sink::Column(c)],
        Form::Matrices => vec![Sink::Matrix { data: &mut rows_out, columns: 3, row_stride: 4 }],
        Form::Mixed => vec![
            Sink::Discard { columns: 1 },
            Sink::Column(b),
            Sink::Matrix { data: c, columns: 1, row_stride: 1 },
        ],
    };
    let mut sums = vec![5.0; fake.shape.param_gradients];
    let batch = Batch { rows, inputs: &inputs, params, outputs: &mut outputs, param_gradients: &mut sums };
    let report = evaluate(fake, batch, options, workspace).unwrap();
    let label = format!(
        "{} columns, {rows} rows, {} lanes, {form:?}, {} threads",
        T::PRECISION,
        fake.lanes,
        options.threads
    );
    assert_eq!(report, expected_report, "{label}");
    assert_eq!(bits(&sums), bits(&expected_sums), "{label}");
    let column = |i: usize| -> Vec<f64> { expected.iter().skip(i).step_by(3).copied().collect() };
    match form {
        Form::Columns => {
            for (i, found) in columns.iter().enumerate() {
                assert_eq!(bits(found), bits(&column(i)), "{label}");
            }
        }
        Form::Matrices => {
            let expected: Vec<f64> = expected.chunks(3).flat_map(|r| [r[0], r[1], r[2], 5.0]).collect();
            assert_eq!(bits(&rows_out), bits(&expected), "{label}");
        }
        Form::Mixed => {
            assert_eq!(columns[0], vec![five; rows]);
            assert_eq!(bits(&columns[1]), bits(&column(1)), "{label}");
            assert_eq!(bits(&columns[2]), bits(&column(2)), "{label}");
        }
    }
}

fn inputs(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let x = (0..rows).map(|i| (i as f64 * 0.37).sin() * 10f64.powi((i % 7) as i32 - 3)).collect();
    let y = (0..rows).map(|i| 1.5 + (i as f64 * 0.11).cos()).collect();
    (x, y)
}

#[test]
fn all_lengths_lanes_threads_and_forms() {
    let mut workspace = Workspace::new();
    for lanes in [1, 2, 4, 8, 16] {
        let lengths = [0, 1, lanes - 1, lanes, lanes + 1, 63, 65, 1001, 4095, 4096, 4097, 12301];
        for rows in lengths {
            let (x, y) = inputs(rows);
            for (sums, status) in [(true, true), (false, true), (true, false), (false, false)] {
                let fake = Fake::new(lanes, sums, status);
                for form in [Form::Columns, Form::Matrices, Form::Mixed] {
                    for threads in [1, 2, 3, 8] {
                        check(&fake, &x, &y, form, &Options::with_threads(threads), &mut workspace);
                    }
                }
            }
        }
    }
}

#[test]
fn a_hundred_thousand_rows() {
    let (mut x, mut y) = inputs(100_003);
    for i in (0..x.len()).step_by(701) {
        x[i] = 2e6;
        y[(i * 3) % 100_003] = -1.0;
        y[(i * 5) % 100_003] = 7.0;
    }
    let mut workspace = Workspace::new();
    for lanes in [4, 8] {
        for threads in [0, 1, 2, 3, 8] {
            let options = Options { grain: 100, ..Options::with_threads(threads) };
            for sums in [true, false] {
                check(&Fake::new(lanes, sums, true), &x, &y, Form::Columns, &options, &mut workspace);
                check(&Fake::new(lanes, sums, true), &x, &y, Form::Matrices, &options, &mut workspace);
                let fake = Fake::new(lanes, sums, true).completed(true);
                check(&fake, &x, &y, Form::Columns, &options, &mut workspace);
            }
        }
    }
}

#[test]
fn complete_versions_without_status_words() {
    let mut workspace = Workspace::new();
    for rows in [1, 7, 64, 1001, 4097, 9000] {
        let (mut x, y) = inputs(rows);
        x.iter_mut().step_by(37).for_each(|x| *x = 2e6);
        x.iter_mut().skip(500).take(300).for_each(|x| *x = 3e6);
        for (lanes, sums) in [(1, true), (4, false), (8, true), (16, false), (16, true)] {
            let fake = Fake::new(lanes, sums, true).completed(false);
            for form in [Form::Columns, Form::Matrices, Form::Mixed] {
                check(&fake, &x, &y, form, &Options::with_threads(2), &mut workspace);
            }
        }
    }
}

#[test]
fn more_blocks_than_tasks() {
    struct Count(KernelShape);
    impl Kernel for Count {
        fn shape(&self) -> &KernelShape {
            &self.0
        }
        fn lanes(&self) -> usize {
            4
        }
        unsafe fn run(&self, args: &Args) -> u32 {
            for row in 0..args.rows {
                // SAFETY: the driver keeps the calling convention.
                unsafe { args.add_to_partial(0, args.first_row + row, args.input::<f64>(0)[row]) };
            }
            0
        }
        fn row(&self, _: &[f64], _: &[f64], _: &mut [f64], _: &mut [f64], _: &StopFlag) -> RowOutcome {
            unreachable!()
        }
    }
    let shape = KernelShape { inputs: 1, params: 1, param_gradients: 1, ..KernelShape::default() };
    let kernel = Count(shape);
    let rows = 2600 * BLOCK_ROWS + 11;
    let column: Vec<f64> = (0..rows).map(|i| ((i * 7919) % 1000) as f64 * 1.1).collect();
    let mut blocks = Vec::new();
    for block in column.chunks(BLOCK_ROWS) {
        let mut partials = [-0.0; 16];
        for (i, x) in block.iter().enumerate() {
            partials[i % 16] += x;
        }
        reduce::add_pairwise(&mut partials, 1);
        blocks.push(partials[0]);
    }
    reduce::add_pairwise(&mut blocks, 1);
    for threads in [1, 3] {
        let mut sum = [0.0];
        let batch = Batch {
            rows,
            inputs: &[Source::Column(&column)],
            params: &[1.0],
            outputs: &mut [],
            param_gradients: &mut sum,
        };
        evaluate(&kernel, batch, &Options::with_threads(threads), &mut Workspace::new()).unwrap();
        assert_eq!(sum[0].to_bits(), blocks[0].to_bits());
    }
}

#[test]
fn constants_are_columns() {
    let (x, _) = inputs(10_001);
    let fake = Fake::new(8, true, true);
    let y = vec![0.7; x.len()];
    let (expected, expected_sums, _) = reference::<f64>(&fake, &x, &y, &PARAMS);
    let mut found = vec![0.0; 3 * x.len()];
    let mut sums = [0.0; 2];
    let batch = Batch {
        rows: x.len(),
        inputs: &[Source::Column(&x), Source::Constant(0.7)],
        params: &PARAMS,
        outputs: &mut [Sink::Matrix { data: &mut found, columns: 3, row_stride: 3 }],
        param_gradients: &mut sums,
    };
    evaluate(&fake, batch, &Options::default(), &mut Workspace::new()).unwrap();
    assert_eq!(bits(&found), bits(&expected));
    assert_eq!(bits(&sums), bits(&expected_sums));
}

#[test]
fn one_row() {
    let mut workspace = Workspace::new();
    for (x, y) in [(0.5, 2.0), (2e6, 2.0), (1.0, -1.0), (2e6, -1.0), (1.0, 7.0), (2e6, 7.0)] {
        for (lanes, completed) in [(1, false), (4, false), (16, false), (1, true), (8, true), (16, true)] {
            let fake = Fake::new(lanes, true, true);
            let fake = if completed { fake.completed(true) } else { fake };
            let (mut outputs, mut gradients) = ([0.0; 3], [0.0; 2]);
            let found = evaluate_row(&fake, &[x, y], &PARAMS, &mut outputs, &mut gradients, &mut workspace);
            assert_eq!(found, Ok(outcome(x, y)));
            let (mut values, mut sums) = compute::<f64>(x, y, &PARAMS);
            if y < 0.0 {
                (values, sums) = ([f64::NAN; 3], [f64::NAN; 2]);
            }
            assert_eq!(bits(&outputs), bits(&values));
            assert_eq!(bits(&gradients), bits(&sums));
        }
    }
}

#[test]
fn wrong_sizes_are_refused() {
    let fake = Fake::new(4, true, true);
    let column = [1.0; 10];
    let try_it = |inputs: &[Source<'_>], params: &[f64], outputs: &mut [Sink<'_>], sums: &mut [f64]| {
        let batch = Batch { rows: 10, inputs, params, outputs, param_gradients: sums };
        evaluate(&fake, batch, &Options::default(), &mut Workspace::new()).unwrap_err().to_string()
    };
    let two = [Source::Column(&column), Source::Constant(1.0)];
    let short = [Source::Column(&column[1..]), Source::Constant(1.0)];
    let stride = [Source::Matrix { data: &column, columns: 2, row_stride: 1 }];
    let matrix = [Source::Matrix { data: &column, columns: 2, row_stride: usize::MAX }];
    let discard = || [Sink::Discard { columns: 3 }];
    let p = &PARAMS;
    let s = &mut [0.0; 2];
    let errors = [
        try_it(&two[..1], p, &mut discard(), s),
        try_it(&two, &p[..1], &mut discard(), s),
        try_it(&two, p, &mut [], s),
        try_it(&two, p, &mut discard(), &mut s[..1]),
        try_it(&short, p, &mut discard(), s),
        try_it(&stride, p, &mut discard(), s),
        try_it(&matrix, p, &mut discard(), s),
        try_it(&two, p, &mut [Sink::Matrix { data: &mut [0.0; 29], columns: 3, row_stride: 3 }], s),
    ];
    let expected = [
        "the kernel reads 2 input columns, the batch has 1",
        "the kernel has 2 parameters, 1 were given",
        "the kernel writes 3 output columns, the batch has room for 0",
        "the kernel sums 2 parameter gradients, there is room for 1",
        "source 0 has 9 numbers where 10 rows need 10",
        "a matrix of 2 columns has rows only 1 numbers apart",
        &format!("source 0 has 10 numbers where 10 rows need {}", usize::MAX),
        "sink 0 has 29 numbers where 10 rows need 30",
    ];
    assert_eq!(errors, expected);
    let error = evaluate_row(&fake, &[1f32; 2], &[1.0; 2], &mut [0.0; 3], s, &mut Workspace::new());
    assert_eq!(error.unwrap_err().to_string(), "the kernel works on f64 numbers, the batch has f32 numbers");
    let found = evaluate_row(&fake, &[1.0], p, &mut [0.0; 3], s, &mut Workspace::new());
    assert_eq!(found, Err(BatchError::InputColumns { expected: 2, found: 1 }));
}

#[test]
fn progress_counts_every_row() {
    let (x, y) = inputs(50_000);
    let fake = Fake::new(4, true, true);
    let rows = std::sync::atomic::AtomicUsize::new(0);
    let count = |more: usize| {
        rows.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
    };
    let options = Options { progress: Some(&count), ..Options::with_threads(2) };
    check_columns_of::<f64>(&fake, &x, &y, Form::Columns, &options, &mut Workspace::new());
    assert_eq!(rows.into_inner(), 50_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_of_every_kind_in_any_order(
        kinds in prop::collection::vec((0u8..40, -10.0f64..10.0), 0..6000),
        lanes in prop::sample::select(vec![1usize, 2, 4, 8, 16]),
        threads in 1usize..4,
        sums: bool,
        completed: bool,
        form in prop::sample::select(vec![Form::Columns, Form::Matrices, Form::Mixed]),
    ) {
        let x: Vec<f64> = kinds.iter().map(|(kind, x)| if matches!(kind, 1 | 2) { 2e6 + x } else { *x }).collect();
        let y: Vec<f64> = kinds.iter().map(|(kind, x)| match kind {
            2 | 3 => -1.0,
            4 => 7.0,
            _ => x.abs() + 0.1,
        }).collect();
        let fake = Fake::new(lanes, sums, true);
        let fake = if completed { fake.completed(true) } else { fake };
        check(&fake, &x, &y, form, &Options::with_threads(threads), &mut Workspace::new());
    }
}

/// Neighbouring columns of one matrix are transposed together, and nothing else is.
#[test]
fn views_join_where_their_memory_does() {
    use super::workspace::View;
    let mut data = [0.0_f64; 20];
    let start = data.as_mut_ptr();
    let rows = 4;
    let view = |first: usize, columns: usize, stride: usize, room: usize| View {
        start: start.wrapping_add(first),
        columns,
        stride,
        room,
    };
    let joined = |views: &[View<f64>], first: usize, rows: usize| -> Vec<(usize, usize)> {
        let mut list = Vec::new();
        views.iter().for_each(|view| view.append_to(&mut list, first, rows));
        list.iter().map(|v| ((v.start as usize - start as usize) / size_of::<f64>(), v.columns)).collect()
    };
    // Of rows of five: two columns, then three, which fill the row.
    let both = [view(0, 2, 5, 17), view(2, 3, 5, 18)];
    assert_eq!(joined(&[view(0, 2, 5, 20), view(2, 3, 5, 18)], 0, rows), [(0, 5)]);
    // The slice of the first ends before the last row does.
    assert_eq!(joined(&both, 0, rows), [(0, 2), (2, 3)]);
    assert_eq!(joined(&[view(0, 2, 5, 19), view(2, 3, 5, 18)], 0, rows), [(0, 2), (2, 3)]);
    assert_eq!(joined(&both, 0, rows - 1), [(0, 5)]);
    // More columns than a row has, another stride, a gap, and views of the other kind.
    assert_eq!(joined(&[view(0, 3, 5, 20), view(3, 3, 5, 17)], 0, rows - 1), [(0, 3), (3, 3)]);
    assert_eq!(joined(&[view(0, 2, 5, 20), view(2, 3, 6, 18)], 0, 1), [(0, 2), (2, 3)]);
    assert_eq!(joined(&[view(0, 2, 5, 20), view(3, 2, 5, 17)], 0, rows), [(0, 2), (3, 2)]);
    assert_eq!(joined(&[view(0, 1, 5, 20), view(1, 1, 5, 19), view(2, 3, 5, 18)], 0, rows), [(0, 5)]);
    let mut list = vec![view(0, 2, 5, 20)];
    view(2, 3, 5, 18).append_to(&mut list, 1, rows);
    assert_eq!(list.len(), 2);
    // A single row, and none at all.
    assert_eq!(joined(&[view(0, 2, 5, 5), view(2, 3, 5, 3)], 0, 1), [(0, 5)]);
    assert_eq!(joined(&[view(0, 2, 5, 5), view(2, 3, 5, 3)], 0, 0), [(0, 5)]);
}
