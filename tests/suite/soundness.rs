//! What comes from outside cannot make the compiler or its code read or write where it must not: sizes that wrap, graphs
//! that are not well-formed, memory without a limit. Each is an error, in every tier.

use neural_compiler::batch::{Batch, BatchError, Options, Precision, Sink, Source as Rows, Workspace};
use neural_compiler::internals::graph::{Elem, Graph, Node, Output, Type};
use neural_compiler::{
    CompileOptions, Derivative, Error, Formula, FormulaError, Kernel, KernelError, Op, Program, Role, Shape,
    Signature, Source, Tier,
};

/// The message for a program that is refused with a place, the same in every tier, with and without derivatives.
fn refused(source: &str, signature: &Signature) -> String {
    let program = Program::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let mut messages = Vec::new();
    for derivative in [Derivative::None, Derivative::Gradient] {
        let mut first: Option<String> = None;
        for tier in Tier::available() {
            let options = CompileOptions::default()
                .signature(signature.clone())
                .tier(tier)
                .derivative(derivative.clone());
            let message = match program.compile(&options) {
                Err(Error::Source(diagnostics)) => diagnostics[0].message.clone(),
                Err(other) => panic!("{source}: {other} has no place"),
                Ok(_) => panic!("{source} compiles"),
            };
            assert_eq!(first.get_or_insert_with(|| message.clone()), &message, "{source}, {tier}");
        }
        messages.extend(first);
    }
    messages.swap_remove(0)
}

#[test]
fn products_of_sizes_do_not_wrap() {
    let none = Signature::scalars();
    for n in [1025, 65_535, 65_536, 65_537, 65_540, 92_682, 131_080, 1 << 20] {
        let message = refused(&format!("(ref (outer (* x (ones {n})) (ones {n})) 0 0)"), &none);
        assert_eq!(message, format!("outer: mat {n}×{n} has more than 1048576 elements"));
        let source = format!("(vsum (matmul (* x (ones {n} 1)) (ones 1 {n})))");
        assert_eq!(refused(&source, &none), format!("matmul: mat {n}×{n} has more than 1048576 elements"));
    }
    let message = refused("(vsum (vappend (* x (ones 1048576)) [1]))", &none);
    assert_eq!(message, "vec 1048577 has more than 1048576 elements");
    let rows = "(* x (ones 65537)) ".repeat(17);
    assert_eq!(refused(&format!("(vsum [{rows}])"), &none), "mat 17×65537 has more than 1048576 elements");
    for size in ["65537", "2147483648", "4294967296", "4294967297", "18446744073709551616", "1e300"] {
        for form in ["(zeros 1048576 {})", "(ones {} 1048576)", "(eye {})", "(zeros {} {})"] {
            let message = refused(&format!("(* x (ref {} 0 0))", form.replace("{}", size)), &none);
            let known = message.contains("elements") || message.contains("an integer from 1 to 1048576");
            assert!(known, "{form} of {size}: {message}");
        }
    }
}

#[test]
fn shapes_of_inputs_are_checked() {
    let vector = |shape| Signature::scalars().shape("v", shape);
    assert_eq!(refused("(vsum v)", &vector(Shape::Vector(0))), "the input `v`: vec 0 has no elements");
    assert_eq!(refused("(vsum v)", &vector(Shape::Matrix(3, 0))), "the input `v`: mat 3×0 has no elements");
    for shape in [
        Shape::Vector((1 << 20) + 1),
        Shape::Vector(u32::MAX),
        Shape::Matrix(1 << 16, 1 << 16),
        Shape::Matrix(u32::MAX, u32::MAX),
        Shape::Matrix(1 << 31, 2),
    ] {
        let message = refused("(vsum v)", &vector(shape));
        assert_eq!(message, format!("the input `v`: {shape} has more than 1048576 elements"));
    }
    let names: Vec<String> = (0..4097).map(|k| format!("v{k}")).collect();
    let mut signature = Signature::scalars();
    for name in &names {
        signature = signature.shape(name, Shape::Vector(1 << 20));
    }
    let sums: Vec<String> = names.iter().map(|name| format!("(ref {name} 0)")).collect();
    let message = refused(&format!("(+ {})", sums.join(" ")), &signature);
    assert_eq!(message, "the inputs up to `v16` have more than 16777216 elements");
    assert!(Shape::vector(3).is_ok() && Shape::matrix(1024, 1024).is_ok());
    assert!(Shape::vector(0).is_err() && Shape::matrix(1 << 40, 1 << 40).is_err());
}

#[test]
fn derivatives_are_counted_before_they_are_made() {
    let signature = Signature::scalars().shape("v", Shape::Vector(1 << 20));
    let program = Program::parse("(* v v)").unwrap();
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
    let error = program.compile(&options).unwrap_err();
    assert!(
        matches!(error, Error::Kernel(KernelError::TooManyDerivatives { count }) if count == 1 << 40),
        "{error}"
    );
}

#[test]
fn memory_of_a_row_is_limited() {
    let live = |count: usize| {
        let vectors: Vec<String> =
            (0..count).map(|k| format!("(v{k} (* x (ones {})))", (1 << 20) - k)).collect();
        let sums: Vec<String> = (0..count).map(|k| format!("(ref v{k} (floor x))")).collect();
        format!("(let ({}) (+ {}))", vectors.join(" "), sums.join(" "))
    };
    let message = refused(&live(100), &Signature::scalars());
    assert!(message.starts_with("a row needs ") && message.contains("and may have 1024 MiB"), "{message}");
    // Vectors of a recursion count as often as it may be deep.
    let recursive =
        "(define (f v n) (if (< n 1) (ref v 0) (+ 1 (f (* 2 v) (- n 1))))) (f (* x (ones 10000)) n)";
    let message = refused(recursive, &Signature::scalars());
    assert!(message.starts_with("a row needs "), "{message}");
    let program = Program::parse(recursive).unwrap();
    let more = CompileOptions::default().memory_bytes(1 << 40);
    assert!(program.compile(&more).is_ok());
}

#[test]
fn formulas_are_checked() {
    let (mut f, mut other) = (Formula::new(), Formula::new());
    let (x, foreign) = (f.input("x"), other.input("x"));
    assert_eq!(f.call("+", &[x, foreign]), Err(FormulaError::Foreign));
    assert_eq!(f.result("", foreign), Err(FormulaError::Foreign));
    assert_eq!(f.choose(x, foreign, x), Err(FormulaError::Foreign));
    assert!(matches!(f.input_of("v", Shape::Vector(0)), Err(FormulaError::Extent { .. })));
    assert!(matches!(f.parameter_of("A", Shape::Matrix(1 << 16, 1 << 16)), Err(FormulaError::Extent { .. })));
    let v = f.input_of("v", Shape::Vector(1 << 20)).unwrap();
    assert!(matches!(f.call("outer", &[v, v]), Err(FormulaError::Shape(_))));
    let sum = f.call("vsum", &[v]).unwrap();
    f.result("", sum).unwrap();
    assert!(f.compile(&CompileOptions::default()).is_ok());
}

/// The derivative that the options ask for belongs to a formula as it does to a program.
#[test]
fn formulas_have_derivatives() {
    let mut f = Formula::new();
    let (x, y) = (f.input("x"), f.input("y"));
    let product = f.call("*", &[x, y]).unwrap();
    f.result("", product).unwrap();
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let columns = f.compile(&options).unwrap().columns(&[&[3.0], &[5.0]]).unwrap();
    assert_eq!(columns, [[15.0], [5.0], [3.0]]);
}

/// A product of two 2×2 matrices of which those elements count that are not 0 in matrices of two shapes.
fn masked_product(g: &mut Graph, first: Shape, second: Shape) -> Node {
    let square = Shape::Matrix(2, 2);
    let mask = |g: &mut Graph, name: &str, shape: Shape| {
        let numbers = g.input(name, shape, Source::Row);
        g.apply_typed(Op::Ne, 0, Type::bool(shape), &[numbers, numbers])
    };
    let (a, b) = (g.input("A", square, Source::Row), g.input("B", square, Source::Row));
    let (first, second) = (mask(g, "C", first), mask(g, "D", second));
    g.apply_typed(Op::PartMatmul, 0, Type::num(square), &[a, first, b, second])
}

/// Graphs that no builder makes.
#[test]
fn graphs_are_verified_in_every_build() {
    type Wrong = fn(&mut Graph) -> Node;
    let cases: [(&str, Wrong); 9] = [
        ("wild slice", |g| {
            let v = g.input("v", Shape::Vector(3), Source::Row);
            g.apply_typed(Op::Slice, 1_000_000, Type::NUM, &[v])
        }),
        ("wild place", |g| {
            let v = g.input("v", Shape::Vector(3), Source::Row);
            g.apply_typed(Op::Place, 4, Type::num(Shape::Vector(6)), &[v])
        }),
        ("zero extent", |g| g.input("v", Shape::Vector(0), Source::Row)),
        ("other type", |g| {
            let v = g.input("v", Shape::Vector(3), Source::Row);
            g.apply_typed(Op::Sqrt, 0, Type::num(Shape::Vector(4)), &[v])
        }),
        ("operand count", |g| {
            let v = g.input("v", Shape::Vector(3), Source::Row);
            g.apply_typed(Op::Hypot, 0, Type::num(Shape::Vector(3)), &[v])
        }),
        ("mask of another shape", |g| masked_product(g, Shape::Matrix(3, 2), Shape::Matrix(2, 2))),
        ("other mask of another shape", |g| masked_product(g, Shape::Matrix(2, 2), Shape::Matrix(2, 3))),
        ("foreign input", |g| g.input("v", Shape::Scalar, Source::State(0))),
        ("huge pack", |g| {
            let v = g.input("v", Shape::Vector(1 << 20), Source::Row);
            g.apply_typed(Op::Pack, 0, Type { elem: Elem::Num, shape: Shape::Matrix(2, 1 << 20) }, &[v, v])
        }),
    ];
    for (name, wrong) in cases {
        let mut graph = Graph::of(Precision::Double);
        let node = wrong(&mut graph);
        graph.outputs.push(Output { name: String::new(), node, role: Role::Value });
        for tier in Tier::available() {
            let result = Kernel::from_graph(graph.clone(), &CompileOptions::default().tier(tier));
            assert!(matches!(result, Err(KernelError::Internal { stage: "graph", .. })), "{name}, {tier}");
        }
    }
    let mut graph = Graph::of(Precision::Double);
    let node = masked_product(&mut graph, Shape::Matrix(2, 2), Shape::Matrix(2, 2));
    graph.outputs.push(Output { name: String::new(), node, role: Role::Value });
    assert!(Kernel::from_graph(graph, &CompileOptions::default()).is_ok());
    // A node of another graph.
    let (mut graph, mut other) = (Graph::of(Precision::Double), Graph::of(Precision::Double));
    graph.input("x", Shape::Scalar, Source::Row);
    let mut foreign = other.input("x", Shape::Scalar, Source::Row);
    for _ in 0..5 {
        foreign = other.apply_typed(Op::Sqrt, 0, Type::NUM, &[foreign]);
    }
    graph.outputs.push(Output { name: String::new(), node: foreign, role: Role::Value });
    let result = Kernel::from_graph(graph, &CompileOptions::default());
    assert!(matches!(result, Err(KernelError::Internal { stage: "graph", .. })));
}

#[test]
fn a_clone_of_a_formula_knows_what_was_there_before() {
    let mut original = Formula::new();
    let x = original.input("x");
    let mut clone = original.clone();
    let y = clone.call("sin", &[x]).expect("x was there");
    let z = original.call("cos", &[x]).expect("its own");
    assert_eq!(original.result("", y), Err(FormulaError::Foreign));
    assert_eq!(clone.result("", z), Err(FormulaError::Foreign));
    let mut second = clone.clone();
    assert_eq!(second.call("exp", &[z]), Err(FormulaError::Foreign));
    let sum = second.call("+", &[x, y]).expect("both were there");
    second.result("", sum).expect("its own");
    let kernel = second.compile(&CompileOptions::default()).expect("a kernel");
    assert_eq!(kernel.columns(&[&[1.0]]).expect("a row")[0], [1.0 + 1.0_f64.sin()]);
}

#[test]
fn inputs_of_formulas_are_counted() {
    let mut f = Formula::new();
    for k in 0..16 {
        f.input_of(format!("x{k}"), Shape::Vector(1 << 20)).expect("2²⁴ elements");
    }
    let refused = f.input_of("y", Shape::Scalar);
    assert_eq!(refused, Err(FormulaError::TooLarge { name: "y".to_string() }));
    f.parameter_of("p", Shape::Scalar).expect("parameters are counted by themselves");
    let message = f.call("sin", &[]).expect_err("no operands").to_string();
    assert_eq!(message, "`sin` takes 1 operand, not 0");
}

#[test]
fn numbers_of_columns_do_not_wrap() {
    let program = Program::parse("(+ x y)").expect("a program");
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let run = |rows: usize, inputs: &[Rows<'_, f64>], outputs: &mut [Sink<'_, f64>]| {
        let batch = Batch { rows, inputs, params: &[], outputs, param_gradients: &mut [] };
        kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).map(drop)
    };
    let columns = [1.0, 2.0];
    let inputs = [Rows::Column(&columns), Rows::Column(&columns)];
    let half = 1 << (usize::BITS - 1);
    let mut column = [0.0; 2];
    let mut outputs =
        [Sink::Discard { columns: half }, Sink::Discard { columns: half }, Sink::Column(&mut column)];
    let error = run(2, &inputs, &mut outputs).expect_err("too many columns");
    assert!(matches!(error, BatchError::OutputColumns { expected: 1, found: usize::MAX }), "{error:?}");
    let mut outputs = [Sink::Discard { columns: 1 }];
    let wide = Rows::Matrix { data: &[], columns: usize::MAX, row_stride: usize::MAX };
    let inputs = [wide, Rows::Constant(1.0), Rows::Constant(2.0), Rows::Constant(3.0)];
    let error = run(0, &inputs, &mut outputs).expect_err("too many columns");
    assert!(matches!(error, BatchError::InputColumns { expected: 2, found: usize::MAX }), "{error:?}");
}

#[test]
fn arrays_without_columns_are_evaluated_and_rows_are_compared() {
    let constant = Program::parse("(+ 1 2)").expect("a program");
    let kernel = constant.compile(&CompileOptions::default()).expect("a kernel");
    let none = ndarray::Array2::<f64>::zeros((3, 0));
    let mut results = ndarray::Array2::zeros((3, 1));
    let (options, mut workspace) = (Options::default(), Workspace::new());
    kernel
        .evaluate_array(none.view(), &[], results.view_mut(), &mut [], &options, &mut workspace)
        .expect("rows");
    assert_eq!(results, ndarray::array![[3.0], [3.0], [3.0]]);
    let mut more = ndarray::Array2::zeros((4, 1));
    let error = kernel.evaluate_array(none.view(), &[], more.view_mut(), &mut [], &options, &mut workspace);
    assert!(matches!(error, Err(BatchError::SinkLength { expected: 3, found: 4, .. })), "{error:?}");
}

#[test]
fn a_domain_is_asked_for_shapes_that_there_are() {
    let program = Program::parse("(vsum (log v))").expect("a program");
    for shape in [Shape::Vector(0), Shape::Matrix(u32::MAX, u32::MAX)] {
        let error = program.safe_domain(&Signature::scalars().shape("v", shape)).expect_err("no such shape");
        assert!(error.to_string().contains("the input `v`"), "{error}");
    }
}
