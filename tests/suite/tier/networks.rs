//! Networks: sums over the batch of products of vectors, which the driver adds, have the bits of the interpreter.

use crate::support;

use nc_runtime::batch::{Kernel as _, Workspace};
use neural_compiler::batch::RowOutcome;
use neural_compiler::{CompileOptions, Derivative, Dtype, Kernel, Program, Shape, Signature, Stage, Tier};
use support::bits;

/// Programs with the signature of what is no weight. Matrices are of several extents, blocks of which do not go into them.
fn programs() -> Vec<(&'static str, Signature)> {
    let scalars = Signature::scalars();
    let x = |n| Signature::scalars().shape("x", Shape::Vector(n));
    vec![
        (
            "(network f (x y) (layers 20 33) (activation tanh) (results 1)) (square (- (f x y) z))",
            scalars.clone(),
        ),
        (
            "(network f ((x 3)) (layers 70 17) (activation relu) (results 2)) (let ((e (f x))) (dot e e))",
            x(3),
        ),
        // Units that are not taken.
        (
            "(network f (x y) (layers 40 23) (activation relu) (results 1)) (square (- (f x y) (f y z)))",
            scalars.clone(),
        ),
        // Its results one by one: some of the last layer's rows count.
        (
            "(network f (x y) (layers 40 41) (activation sin) (results 3)) (+ (ref (f x y) 0) (ref (f x y) 2))",
            scalars.clone(),
        ),
        // Several uses of one network: sums of two and three products.
        ("(network f (x) (layers 30 31) (activation tanh) (results 1)) (* (f x) (f y))", scalars.clone()),
        (
            "(network f (x) (layers 66) (activation tanh) (results 1)) (f (+ x (f (+ y (f x)))))",
            scalars.clone(),
        ),
        // Rows beyond a fast range, and rows that fail.
        (
            "(network f (x y) (layers 18 19) (activation tanh) (results 1)) (sin (* (f x y) (* 1e9 z)))",
            scalars.clone(),
        ),
        (
            "(network f (x y) (layers 18 19) (activation tanh) (results 1)) (* (f x y) (ref [1 2 3] z))",
            scalars.clone(),
        ),
        // Where one arm has a network, and in a loop.
        (
            "(network f (x) (layers 24 25) (activation tanh) (results 1)) (if (> x 0) (f x) (* y (f z)))",
            scalars.clone(),
        ),
        (
            "(network f (x) (layers 24 25) (activation tanh) (results 1)) (loop ((i 0) (s x)) (if (< i 3) (recur (+ i 1) (+ s (f (* y s)))) s))",
            scalars,
        ),
    ]
}

fn number(k: usize) -> f64 {
    let mixed = (k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 1.4
}

/// Columns of inputs; those of an index are 0, 1, 2, or now and then 7.
fn columns(kernel: &Kernel, text: &str, rows: usize) -> Vec<Vec<f64>> {
    let inputs = kernel.inputs().iter().filter(|input| input.source == neural_compiler::Source::Row);
    let mut columns = Vec::new();
    for input in inputs {
        for k in 0..input.shape.len() {
            let index = text.contains("(ref [1 2 3] z)") && input.name == "z";
            columns.push(
                (0..rows)
                    .map(|row| match index {
                        true if row % 13 == 7 => 7.0,
                        true => (row % 3) as f64,
                        false => number(columns.len() * 97 + k + row * 1009),
                    })
                    .collect(),
            );
        }
    }
    columns
}

fn compiled(text: &str, options: &CompileOptions, tier: Tier) -> Kernel {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let names: Vec<String> = program.parameters().iter().map(|parameter| parameter.name.clone()).collect();
    let options = options.clone().derivative(Derivative::Gradient).wrt(names).tier(tier);
    program.compile(&options).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn sums_have_the_bits_of_the_interpreter() {
    for ((text, signature), dtype) in
        programs().into_iter().flat_map(|program| [(program.clone(), Dtype::F64), (program, Dtype::F32)])
    {
        let options = CompileOptions::default().signature(signature).dtype(dtype);
        let [native, interpreted] =
            [support::native_tier(), Tier::Interpret].map(|tier| compiled(text, &options, tier));
        assert_eq!(native.notes(), &[] as &[String], "{text}");
        let params: Vec<f64> = (0..native.shape().params).map(|k| number(k * 31)).collect();
        for rows in [1, 7, 100, 531] {
            let columns = columns(&native, text, rows);
            let expected = support::run(&interpreted, &columns, &params, rows, 1);
            let found = support::run(&native, &columns, &params, rows, 1);
            assert!(found == expected, "{dtype}, {rows} rows of {text}");
            let found = support::run_matrix(&native, &columns, &params, rows, 2);
            assert!(found == expected, "{dtype}, a matrix of {rows} rows of {text}");
        }
    }
}

/// Long programs are cut into pieces, of which one may begin with a loop: a sum that is the same number in all rows is added once.
#[test]
fn sums_of_constants_behind_loops() {
    for layers in [7, 8, 9, 24] {
        for results in ["(f u)", "(* 2 (f u))"] {
            let widths = "17 ".repeat(layers);
            let text =
                format!("(network f ((u 4)) (layers {widths}) (activation tanh) (results 1)) {results}");
            let options =
                CompileOptions::default().signature(Signature::scalars().shape("u", Shape::Vector(4)));
            let [native, interpreted] =
                [support::native_tier(), Tier::Interpret].map(|tier| compiled(&text, &options, tier));
            let params: Vec<f64> = (0..native.shape().params).map(|k| number(k * 31)).collect();
            let columns = columns(&native, &text, 11);
            let expected = support::run(&interpreted, &columns, &params, 11, 1);
            let sum = expected.sums[sum_of(&native, &format!("f.b{}", layers + 1))];
            assert_eq!(f64::from_bits(sum), if results == "(f u)" { 11.0 } else { 22.0 });
            assert!(
                support::run(&native, &columns, &params, 11, 1) == expected,
                "{layers} layers, {results}"
            );
        }
    }
}

/// Where a unit is not taken, its weights get nothing, whatever stands beside it.
#[test]
fn weights_of_units_that_are_not_taken() {
    let text = "(network f ((x 70)) (layers 30) (activation relu) (results 1)) (f x)";
    let options = CompileOptions::default().signature(Signature::scalars().shape("x", Shape::Vector(70)));
    let [native, interpreted] =
        [support::native_tier(), Tier::Interpret].map(|tier| compiled(text, &options, tier));
    let mut params: Vec<f64> = (0..native.shape().params).map(|k| number(k * 31)).collect();
    let weights = native
        .inputs()
        .iter()
        .take_while(|input| input.name != "f.w1")
        .filter(|input| input.source == neural_compiler::Source::Shared);
    let first: usize = weights.map(|input| input.shape.len()).sum();
    // All weights of an infinite input are negative in the first unit, and positive in the second.
    for (unit, sign) in [(0, -1.0), (1, 1.0)] {
        params[first + unit * 70 + 5] = sign;
    }
    let mut columns: Vec<Vec<f64>> =
        (0..70).map(|k| (0..20).map(|row| number(k * 97 + row * 1009)).collect()).collect();
    columns[5][3] = f64::INFINITY;
    let expected = support::run(&interpreted, &columns, &params, 20, 1);
    assert!(support::run(&native, &columns, &params, 20, 1) == expected);
    let gradient = |unit: usize| f64::from_bits(expected.sums[sum_of(&native, "f.w1") + unit * 70 + 5]);
    assert!(gradient(0).is_finite(), "{}", gradient(0));
    assert!(!gradient(1).is_finite(), "{}", gradient(1));
}

/// The first sum of the gradient by a parameter.
fn sum_of(kernel: &Kernel, name: &str) -> usize {
    let summed = kernel.outputs().iter().filter(|output| output.summed);
    let is = |output: &&neural_compiler::OutputInfo| match output.role {
        neural_compiler::Role::Gradient { input, .. } => kernel.inputs()[input as usize].name != name,
        _ => true,
    };
    summed.take_while(is).map(|output| output.shape.len()).sum()
}

/// Several blocks and threads.
#[test]
fn sums_do_not_depend_on_threads() {
    let (text, signature) = programs().swap_remove(0);
    let native = compiled(text, &CompileOptions::default().signature(signature), support::native_tier());
    let params: Vec<f64> = (0..native.shape().params).map(|k| number(k * 31)).collect();
    let columns = columns(&native, text, 20_011);
    let expected = support::run(&native, &columns, &params, 20_011, 1);
    for threads in [2, 3] {
        assert!(support::run(&native, &columns, &params, 20_011, threads) == expected);
    }
}

/// A row by itself contributes what it has in the interpreter.
#[test]
fn single_rows() {
    for (text, signature) in programs() {
        let options = CompileOptions::default().signature(signature);
        let [native, interpreted] =
            [support::native_tier(), Tier::Interpret].map(|tier| compiled(text, &options, tier));
        let params: Vec<f64> = (0..native.shape().params).map(|k| number(k * 31)).collect();
        let columns = columns(&native, text, 9);
        for row in 0..9 {
            let inputs: Vec<f64> = columns.iter().map(|column| column[row]).collect();
            let [found, expected] = [&native, &interpreted].map(|kernel| {
                let (mut value, mut sums) = ([0.0], vec![0.0; kernel.shape().param_gradients]);
                let mut workspace = Workspace::new();
                let outcome = kernel
                    .evaluate_row(&inputs, &params, &mut value, &mut sums, &mut workspace)
                    .expect("a row");
                let failed = matches!(outcome, RowOutcome::Failed(_));
                (failed, bits(value[0]), sums.into_iter().map(bits).collect::<Vec<_>>())
            });
            assert!(found == expected, "row {row} of {text}");
        }
    }
}

/// The matrix of a row is made nowhere: the kernel keeps vectors, and has no memory for a weight of each row.
#[test]
fn gradients_by_weights_are_not_stored_for_rows() {
    let text =
        "(network f ((x 64)) (layers 64 64) (activation tanh) (results 64)) (let ((e (f x))) (dot e e))";
    let program = Program::parse(text).expect("a program");
    let names: Vec<String> = program.parameters().iter().map(|parameter| parameter.name.clone()).collect();
    let signature = Signature::scalars().shape("x", Shape::Vector(64));
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient).wrt(names);
    let lanes = program.stage(Stage::Lanes, &options, None).expect("a lane program");
    assert_eq!(lanes.lines().filter(|line| line.starts_with("sums ")).count(), 3);
    let kernel = program.compile(&options.tier(support::native_tier())).expect("a kernel");
    assert_eq!(kernel.shape().kept, 6 * 64);
    // Cells of sixteen lanes at the most, of some vectors of 64.
    assert!(kernel.shape().scratch_bytes < 64 * 64 * 64, "{} bytes", kernel.shape().scratch_bytes);
}

/// A layer of which a tile of rows would take more memory than all else: its matrices are added up row by row, with the same bits.
#[test]
fn layers_that_are_too_wide_to_keep() {
    let text = "(network f (x y) (layers 70000) (activation relu) (results 1)) (square (f x y))";
    let [native, interpreted] = [support::native_tier(), Tier::Interpret]
        .map(|tier| compiled(text, &CompileOptions::default(), tier));
    assert_eq!(native.notes(), &[] as &[String]);
    assert!(native.shape().kept <= 1 << 17, "{} columns", native.shape().kept);
    let params: Vec<f64> = (0..native.shape().params).map(|k| number(k * 31)).collect();
    let columns = columns(&native, text, 3);
    assert!(
        support::run(&native, &columns, &params, 3, 1) == support::run(&interpreted, &columns, &params, 3, 1)
    );
}
