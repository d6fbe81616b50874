//! Networks: what a declaration is, and that it is read and refused as it should be.

use std::collections::BTreeMap;

use neural_compiler::{
    CompileOptions, Derivative, Dialect, Program, ReaderLimits, Shape, Signature, SourceMap, Stage, Start,
};

const HYBRID: &str =
    "(network correction (theta omega) (layers 8 4) (activation tanh) (results 1) (start (w3 0) (b3 0.5)))
(+ (* k (sin theta)) (correction theta omega))";

fn source(program: &Program, stage: Stage) -> String {
    program.stage(stage, &CompileOptions::default(), None).expect("a stage")
}

#[test]
fn parameters_have_shapes_and_starts() {
    let program = Program::parse(HYBRID).expect("a program");
    let parameters = program.parameters();
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let own = ["w1", "b1", "w2", "b2", "w3", "b3"].map(|own| format!("correction.{own}"));
    assert_eq!(names, own);
    let shapes: Vec<Shape> = parameters.iter().map(|parameter| parameter.shape).collect();
    let (m, v) = (Shape::Matrix, Shape::Vector);
    assert_eq!(shapes, [m(8, 2), v(8), m(4, 8), v(4), m(1, 4), v(1)]);
    let starts: Vec<Start> = parameters.iter().map(|parameter| parameter.start).collect();
    let glorot = |n: f64, m: f64| Start::Uniform { limit: (6.0 / (n + m)).sqrt() };
    let zero = Start::Constant(0.0);
    assert_eq!(starts, [glorot(2.0, 8.0), zero, glorot(8.0, 4.0), zero, zero, Start::Constant(0.5)]);
}

/// The kernel is that of the same layers written out.
#[test]
fn networks_are_their_layers() {
    let written = "(define (swish v) (* v (sigmoid v)))
(define (g x u) (exp (+ (matvec g.w2 (swish (+ (matvec g.w1 (vappend x u)) g.b1))) g.b2)))
(g (* 2 x) [y z])";
    let declared = "(define (swish v) (* v (sigmoid v)))
(network g (x (u 2)) (layers 5) (activation swish) (results 2) (output exp))
(g (* 2 x) [y z])";
    let signature = [
        ("w1", Shape::Matrix(5, 3)),
        ("b1", Shape::Vector(5)),
        ("w2", Shape::Matrix(2, 5)),
        ("b2", Shape::Vector(2)),
    ]
    .into_iter()
    .fold(Signature::default(), |all, (own, shape)| {
        let name = format!("g.{own}");
        all.shape(&name, shape).parameter(&name)
    });
    let lanes = |text: &str, signature: Signature| {
        let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
        Program::parse(text).expect("a program").stage(Stage::Lanes, &options, None).expect("a stage")
    };
    assert_eq!(lanes(declared, Signature::default()), lanes(written, signature));
}

/// A signature that speaks of a weight is obeyed: here each row has a weight of its own.
#[test]
fn signatures_come_first() {
    let program =
        Program::parse("(network f (x) (layers) (activation tanh) (results 1))").expect("a program");
    let signature = Signature::default().shape("f.w1", Shape::Matrix(1, 1)).shape("f.b1", Shape::Vector(1));
    let kernel = program.compile(&CompileOptions::default().signature(signature)).expect("a kernel");
    let columns = kernel.columns(&[&[2.0, 3.0], &[5.0, 7.0], &[1.0, 0.5]]).expect("values");
    assert_eq!(columns, [[11.0, 21.5]]);
    // Without, it is one for all rows, which has to be given.
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let columns = kernel.columns(&[&[2.0, 3.0], &[5.0], &[1.0]]).expect("values");
    assert_eq!(columns, [[11.0, 16.0]]);
}

#[test]
fn declarations_are_written_and_read() {
    for text in [
        HYBRID,
        "(network f (x (u 10)) (layers) (activation relu) (results 3) (output exp) (start (w1 -0.25) (b1 1e300)))",
        "(network f (x) (layers 2) (activation tanh) (results 1)) (+ (f 1) `f.w1`)".replace('`', "").as_str(),
    ] {
        let program = Program::parse(text).expect("a program");
        for dialect in [Dialect::Scheme, Dialect::Infix] {
            let written = source(&program, Stage::Source(dialect));
            let back =
                Program::parse_as(&written, dialect, &ReaderLimits::default()).expect("what was written");
            assert_eq!(back.parameters(), program.parameters());
            assert_eq!(
                source(&back, Stage::Source(Dialect::Scheme)),
                source(&program, Stage::Source(Dialect::Scheme))
            );
        }
    }
    insta::assert_snapshot!(source(&Program::parse(HYBRID).expect("a program"), Stage::Source(Dialect::Infix)), @r"
    network correction(theta, omega) layers(8, 4) activation(tanh) results(1) start(w3 = 0, b3 = 0.5);
    k*sin(theta) + correction(theta, omega)
    ");
}

#[test]
fn wrong_declarations() {
    let errors = |text: &str, dialect| {
        let error =
            Program::parse_as(text, dialect, &ReaderLimits::default()).map(|_| ()).expect_err("wrong");
        error
            .render(&SourceMap::of("law", text).expect("a short text"))
            .lines()
            .next()
            .unwrap_or_default()
            .to_string()
    };
    let scheme = [
        "(network)",
        "(network f)",
        "(network f (x))",
        "(network f () (layers 2) (activation tanh) (results 1))",
        "(network f (x x) (layers 2) (activation tanh) (results 1))",
        "(network f ((x 0)) (layers 2) (activation tanh) (results 1))",
        "(network f ((x 2 3)) (layers 2) (activation tanh) (results 1))",
        "(network f (x) (layers 2.5) (activation tanh) (results 1))",
        "(network f (x) (layers 2) (layers 3) (activation tanh) (results 1))",
        "(network f (x) (layers 2) (activation (lambda (x) x)) (results 1))",
        "(network f (x) (layers 2) (activation tanh tanh) (results 1))",
        "(network f (x) (layers 2) (activation tanh))",
        "(network f (x) (layers 2) (results 1))",
        "(network f (x) (layers 2) (activation tanh) (results 1) (dropout 0.5))",
        "(network f (x) (layers 2) (activation tanh) (results 1) (start (w3 0)))",
        "(network f (x) (layers 2) (activation tanh) (results 1) (start (w1 0) (w1 1)))",
        "(network f (x) (layers 9999999 9999999) (activation tanh) (results 1))",
        "(network f (x) (layers 2) (activation tnah) (results 1)) (f 1)",
    ];
    let infix = [
        "network f(x layers(2);",
        "network f(x) layers(2) activation(tanh)",
        "network f(x[0]) layers(2) activation(tanh) results(1)",
        "network f(x) layers(2) activation(2) results(1)",
        "network f(x) layers(2) activation(tanh) results(1) start(w9 = 0)",
        "network f(x) layers(2) activation(tanh) results(1) width(3)",
    ];
    let all: Vec<String> = scheme
        .iter()
        .map(|text| errors(text, Dialect::Scheme))
        .chain(infix.iter().map(|text| errors(text, Dialect::Infix)))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    error[form]: a network has a name
    error[form]: a network has a list of inputs
    error[form]: a network says its layers and results
    error[form]: a network has inputs
    error[duplicate]: two inputs are called `x`
    error[form]: a size is a whole number from 1 on
    error[form]: an input is a name, or `(name n)` for a vector of n numbers
    error[form]: a size is a whole number from 1 on
    error[duplicate]: a network has `layers` once
    error[form]: the function of a layer is a name: give it one with `define`, as a function of a vector
    error[form]: `activation` takes one word or number
    error[form]: a network says its layers and results
    error[form]: a network says its activation
    error[form]: this is no part of a network
    error[form]: `w3` is no parameter of this network
    error[form]: `w1` starts twice
    error[form]: a layer is too large: mat 9999999×1 has more than 1048576 elements
    error[unknown-name]: there is no function `tnah`
    error[form]: `,` or `)` is expected here
    error[form]: a network says its layers and results
    error[form]: a size is a whole number from 1 on
    error[form]: the function of a layer is a name, such as one that the program defines
    error[form]: `w9` is no parameter of this network
    error[form]: this is no part of a network
    ");
}

/// The word is no word where the program has a function of that name.
#[test]
fn functions_may_be_called_network() {
    let program = Program::parse("(define (network x) (* 2 x)) (network y)").expect("a program");
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["y"]);
    for (text, inputs) in
        [("network = 2; network + y", "y"), ("network(x) = 2*x; network(y)", "y"), ("network*y", "network y")]
    {
        let program = Program::parse_as(text, Dialect::Infix, &ReaderLimits::default()).expect("a program");
        assert_eq!(program.inputs().collect::<Vec<_>>().join(" "), inputs);
    }
}

#[test]
fn networks_of_imported_files() {
    let files = BTreeMap::from([
        ("net.scm", "(network f (x) (layers 3) (activation tanh) (results 1))"),
        ("other.scm", "(network f (x) (layers 4) (activation tanh) (results 1)) (define (g x) (f x))"),
        ("unused.scm", "(network h (x) (layers 4) (activation tanh) (results 1))"),
    ]);
    let loader = |path: &str| files.get(path).map(ToString::to_string);
    let parse = |text: &str| {
        let mut sources = SourceMap::new();
        let main = sources.add("main.scm", text).expect("a short text");
        Program::parse_files(&mut sources, main, Dialect::Scheme, &ReaderLimits::default(), &loader)
            .map_err(|error| error.render(&sources))
    };
    for text in [
        "(import \"net.scm\") (f x)",
        "(import (prefix \"net.scm\" n:)) (n:f x)",
        "(import (program \"net.scm\" net x)) (net x)",
    ] {
        let program = parse(text).expect("a program");
        assert_eq!(program.parameters().len(), 4);
        assert_eq!(program.parameters()[0].shape, Shape::Matrix(3, 1));
        assert_eq!(program.warnings(), []);
    }
    // What the program does not use of another file has none.
    let program = parse("(import \"unused.scm\" \"net.scm\") (f x)").expect("a program");
    assert_eq!(program.parameters().len(), 4);
    let refused = parse("(import (prefix \"net.scm\" n:) \"other.scm\") (+ (n:f x) (g x))")
        .map(|_| ())
        .expect_err("two");
    assert!(refused.starts_with("error[duplicate]: two networks are called `f`"), "{refused}");
}

/// Each input has the size that is declared for it, not only all of them together.
#[test]
fn inputs_have_their_sizes() {
    let network = "(network f ((u 2) (v 3) x) (layers 4) (activation tanh) (results 1))";
    let shapes =
        [("a", Shape::Vector(2)), ("b", Shape::Vector(3)), ("m", Shape::Matrix(2, 2)), ("s", Shape::Scalar)];
    let compiled = |call: &str| {
        let text = format!("{network} {call}");
        let used = |name: &str| call.split(|c: char| " ()".contains(c)).any(|word| word == name);
        let signature = shapes
            .iter()
            .filter(|(name, _)| used(name))
            .fold(Signature::default(), |all, &(name, shape)| all.shape(name, shape));
        let compiled = Program::parse(&text)
            .expect("a program")
            .compile(&CompileOptions::default().signature(signature));
        compiled.map(|_| ()).map_err(|error| {
            let rendered = error.render(&SourceMap::of("law", text).expect("a short text"));
            rendered.lines().next().unwrap_or_default().to_string()
        })
    };
    assert_eq!(compiled("(f a b s)"), Ok(()));
    let errors: Vec<String> = ["(f b a s)", "(f a b a)", "(f s b s)", "(f a m s)", "(f a b [s])"]
        .iter()
        .map(|call| compiled(call).expect_err("sizes that do not fit"))
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    error[shape]: the input `u` of this network is a vector of 2, not vec 3
    error[shape]: the input `x` of this network is a number, not vec 2
    error[shape]: the input `u` of this network is a vector of 2, not scalar
    error[shape]: the input `v` of this network is a vector of 3, not mat 2×2
    error[shape]: the input `x` of this network is a number, not vec 1
    ");
}
