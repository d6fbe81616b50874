//! Kernels over ndarray views and single rows.

use nc_runtime::batch::{BatchError, Options, RowOutcome, Workspace};
use ndarray::{Array2, ShapeBuilder, s};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program};

fn kernel() -> Kernel {
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    Program::parse("(* (+ x 1) (- y 2))").and_then(|program| program.compile(&options)).expect("a kernel")
}

#[test]
fn views_of_every_layout() {
    let (kernel, options, mut space) = (kernel(), Options::default(), Workspace::new());
    let plain = Array2::from_shape_fn((37, 2), |(r, c)| r as f64 * 0.25 + c as f64);
    let expected = Array2::from_shape_fn((37, 3), |(r, c)| {
        let (x, y) = (plain[[r, 0]], plain[[r, 1]]);
        [(x + 1.0) * (y - 2.0), y - 2.0, x + 1.0][c]
    });
    let mut fortran = Array2::zeros((37, 2).f());
    fortran.assign(&plain);
    let mut wide = Array2::zeros((37, 5));
    wide.slice_mut(s![.., 1..3]).assign(&plain);
    for inputs in [plain.view(), fortran.view(), wide.slice(s![.., 1..3])] {
        let mut rows = Array2::zeros((37, 3));
        let mut columns = Array2::zeros((37, 3).f());
        let mut part = Array2::zeros((37, 4));
        for outputs in [rows.view_mut(), columns.view_mut(), part.slice_mut(s![.., 1..])] {
            kernel.evaluate_array(inputs, outputs, &options, &mut space).expect("the arrays fit");
        }
        assert_eq!((&rows, &columns, part.slice(s![.., 1..])), (&expected, &expected, expected.view()));
    }
    let mut few = Array2::zeros((37, 2));
    let error = kernel.evaluate_array(plain.view(), few.view_mut(), &options, &mut space);
    assert_eq!(error, Err(BatchError::OutputColumns { expected: 3, found: 2 }));
}

#[test]
fn one_row() {
    let mut outputs = [0.0; 3];
    let outcome = kernel().evaluate_row(&[2.0, 5.0], &[], &mut outputs, &mut [], &mut Workspace::new());
    assert_eq!((outcome, outputs), (Ok(RowOutcome::Done), [9.0, 3.0, 3.0]));
}
