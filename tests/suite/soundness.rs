//! What comes from outside cannot make the compiler or its code read or write where it must not: sizes that wrap, graphs
//! that are not well-formed, memory without a limit. Each is an error, in every tier.

use neural_compiler::batch::Precision;
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
    for k in 0..16 {
        f.input_of(format!("w{k}"), Shape::Vector(1 << 20)).unwrap();
    }
    assert!(matches!(f.compile(&CompileOptions::default()), Err(KernelError::Internal { .. })));
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

/// Graphs that no builder makes.
#[test]
fn graphs_are_verified_in_every_build() {
    type Wrong = fn(&mut Graph) -> Node;
    let cases: [(&str, Wrong); 7] = [
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
