//! Kernels over ndarray views and single rows.

use nc_runtime::batch::{BatchError, Options, RowOutcome, Workspace};
use ndarray::{Array2, ShapeBuilder, s};
use neural_compiler::{CompileOptions, Derivative, Error, Kernel, Program, Shape, Signature, Tier};

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
            kernel
                .evaluate_array(inputs, &[], outputs, &mut [], &options, &mut space)
                .expect("the arrays fit");
        }
        assert_eq!((&rows, &columns, part.slice(s![.., 1..])), (&expected, &expected, expected.view()));
    }
    let mut few = Array2::zeros((37, 2));
    let error = kernel.evaluate_array(plain.view(), &[], few.view_mut(), &mut [], &options, &mut space);
    assert_eq!(error, Err(BatchError::OutputColumns { expected: 3, found: 2 }));
}

#[test]
fn one_row() {
    let mut outputs = [0.0; 3];
    let outcome = kernel().evaluate_row(&[2.0, 5.0], &[], &mut outputs, &mut [], &mut Workspace::new());
    assert_eq!((outcome, outputs), (Ok(RowOutcome::Done), [9.0, 3.0, 3.0]));
}

#[test]
fn parameters_of_arrays() {
    let options = CompileOptions::default()
        .signature(Signature::scalars().parameter("k"))
        .derivative(Derivative::Gradient);
    let kernel = Program::parse("(* k (+ x y))").and_then(|p| p.compile(&options)).expect("a kernel");
    let inputs = Array2::from_shape_fn((3, 2), |(r, c)| (r + c) as f64);
    let (mut outputs, mut sums) = (Array2::zeros((3, 3)), [0.0]);
    let report = kernel.evaluate_array(
        inputs.view(),
        &[2.0],
        outputs.view_mut(),
        &mut sums,
        &Options::default(),
        &mut Workspace::new(),
    );
    assert_eq!(report.expect("the arrays fit").rows, 3);
    assert_eq!((outputs.column(0).to_vec(), sums), (vec![2.0, 6.0, 10.0], [9.0]));
}

#[test]
fn inputs_by_name() {
    let signature = Signature::scalars().shape("r", Shape::Vector(2)).parameter("k");
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
    let kernel = |text: &str| Program::parse(text).and_then(|p| p.compile(&options)).expect("a kernel");
    // The order of operands in the text does not matter.
    let numbers: [(&str, &[f64]); 3] = [("k", &[3.0]), ("x", &[1.0, 2.0]), ("r", &[1.0, 2.0, 3.0, 4.0])];
    for text in ["(* k x (vsum r))", "(* (vsum r) x k)"] {
        let kernel = kernel(text);
        let found = kernel.evaluate_named(&numbers).expect("it fits");
        assert_eq!(found.get("value"), Some(&[9.0, 42.0][..]), "{text}");
        assert_eq!(found.get("d/dx"), Some(&[9.0, 21.0][..]), "{text}");
        assert_eq!(found.get("d/dr[1]"), Some(&[3.0, 6.0][..]), "{text}");
        assert_eq!((found.sum("d/dk"), found.get("d/dk")), (Some(17.0), None), "{text}");
        assert_eq!(found.sums().collect::<Vec<_>>(), [("d/dk", 17.0)]);
        let error =
            |inputs: &[(&str, &[f64])]| kernel.evaluate_named(inputs).expect_err("no fit").to_string();
        assert!(error(&numbers[..2]).contains("no numbers for the input `r`"));
        assert!(error(&[numbers[0], numbers[0]]).contains("`k` is given twice"));
        assert!(error(&[("y", &[1.0])]).contains("no input `y`; its inputs are: "));
        // The first input of the program says how many rows there are.
        let uneven = error(&[numbers[0], numbers[1], ("r", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]);
        assert!(uneven.starts_with("the input `") && uneven.contains(" are needed, for "), "{uneven}");
    }
    // In order, a parameter is a column of one number.
    let found = kernel("(* k x (vsum r))").columns(&[&[3.0], &[1.0, 2.0], &[1.0, 3.0], &[2.0, 4.0]]);
    assert_eq!(found.expect("it fits")[0], [9.0, 42.0]);
    let error = kernel("(* k x (vsum r))").columns(&[&[3.0], &[1.0, 2.0], &[1.0], &[2.0, 4.0]]);
    assert_eq!(
        error.expect_err("a column is too short"),
        BatchError::InputLength { name: "r".into(), rows: 2, expected: 2, found: 1 }
    );
}

#[test]
fn reports_and_names_of_columns() {
    let program = Program::parse("(values (root (sqrt x)) (part (ref [x y] i)))").expect("a program");
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let found = kernel.evaluate_named::<f64>(&[("i", &[0.0, 5.0]), ("x", &[4.0, 9.0]), ("y", &[1.0, 1.0])]);
    let found = found.expect("it fits");
    assert_eq!((found.names(), found.report().failed), (&["root".to_string(), "part".to_string()][..], 1));
    assert!(found.get("part").expect("a result")[1].is_nan());
    assert_eq!(
        kernel.checks()[found.report().failures[0].check as usize]
            .span
            .text("(values (root (sqrt x)) (part (ref [x y] i)))"),
        "(ref [x y] i)"
    );
    // Second derivatives.
    let signature = Signature::scalars().shape("r", Shape::Vector(2));
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Hessian);
    let kernel =
        Program::parse("(* x (ref r 0) (ref r 1))").and_then(|p| p.compile(&options)).expect("a kernel");
    let found = kernel.evaluate_named(&[("x", &[2.0]), ("r", &[3.0, 5.0])]).expect("it fits");
    for (name, value) in [
        ("value", 30.0),
        ("d/dr[0]", 10.0),
        ("d²/dxdx", 0.0),
        ("d²/dxdr[1]", 3.0),
        ("d²/drdx[0]", 5.0),
        ("d²/drdr[1][0]", 2.0),
    ] {
        assert_eq!(found.get(name), Some(&[value][..]), "{name} of {:?}", found.names());
    }
    // Of several results.
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let program = Program::parse("(values (a [(* 2 x) (* 3 x)]) (b (* x x)))").expect("a program");
    let found = program.compile(&options).expect("a kernel").columns(&[&[2.0]]).expect("it fits");
    assert_eq!(found.names(), ["a[0]", "a[1]", "b", "da[0]/dx", "da[1]/dx", "db/dx"]);
    assert_eq!(found, [[4.0], [6.0], [4.0], [2.0], [3.0], [4.0]]);
}

#[test]
fn inputs_to_differentiate_by_without_a_derivative() {
    let options = CompileOptions::default().wrt(["x"]);
    let program = Program::parse("(* x y)").expect("a program");
    for tier in [Tier::Interpret, Tier::Auto] {
        let Err(Error::Kernel(error)) = program.compile(&options.clone().tier(tier)) else {
            panic!("{tier}")
        };
        assert_eq!(error.code(), "gradient", "{error}");
    }
}
