//! Networks: what a declaration is, and that it is read and refused as it should be.

use std::collections::BTreeMap;

use neural_compiler::{
    CompileOptions, Derivative, Diagnostic, Dialect, Error, Program, ReaderLimits, Shape, Signature,
    SourceMap, Stage, Start,
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
        ("net.nci", "network f(x) layers(3) activation(tanh) results(1);"),
        ("other.scm", "(network f (x) (layers 4) (activation tanh) (results 1)) (define (g x) (f x))"),
        ("unused.scm", "(network h (x) (layers 4) (activation tanh) (results 1))"),
    ]);
    let loader = |path: &str| files.get(path).map(ToString::to_string);
    let parse_as = |text: &str, dialect| {
        let mut sources = SourceMap::new();
        let main = sources.add("main", text).expect("a short text");
        Program::parse_files(&mut sources, main, dialect, &ReaderLimits::default(), &loader)
            .map_err(|error| error.render(&sources))
    };
    let parse = |text: &str| parse_as(text, Dialect::Scheme);
    for (text, dialect) in [
        ("(import \"net.scm\") (f x)", Dialect::Scheme),
        ("(import (prefix \"net.scm\" n:)) (n:f x)", Dialect::Scheme),
        ("(import (program \"net.scm\" net x)) (net x)", Dialect::Scheme),
        ("(import (prefix \"net.nci\" n:)) (n:f x)", Dialect::Scheme),
        ("import \"net.nci\"; f(x)", Dialect::Infix),
        ("import \"net.nci\" prefix n_; n_f(x)", Dialect::Infix),
        ("import \"net.scm\" prefix n_; n_f(x) + 0*`f.w1`[0, 0]", Dialect::Infix),
        ("import \"net.nci\" program net(x); net(x)", Dialect::Infix),
    ] {
        let program = parse_as(text, dialect).unwrap_or_else(|error| panic!("{text}: {error}"));
        let names: Vec<&str> = program.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, ["f.w1", "f.b1", "f.w2", "f.b2"], "{text}");
        assert_eq!(program.parameters()[0].shape, Shape::Matrix(3, 1));
        assert_eq!(program.warnings(), [], "{text}");
        // They are the kernel's parameters whatever the file calls the function.
        let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
        let elements: [(&str, &[f64]); 4] =
            [("f.w1", &[1.0, 2.0, 3.0]), ("f.b1", &[0.0; 3]), ("f.w2", &[1.0; 3]), ("f.b2", &[0.25])];
        let mut inputs: Vec<&[f64]> = Vec::new();
        for input in kernel.inputs() {
            match elements.iter().find(|(name, _)| *name == input.name) {
                Some((_, elements)) => inputs.extend(elements.chunks(1)),
                None => inputs.push(&[0.5, 2.0]),
            }
        }
        let value = |x: f64| x.tanh() + (2.0 * x).tanh() + (3.0 * x).tanh() + 0.25;
        let found = kernel.columns(&inputs).expect("values");
        for (found, x) in found[0].iter().zip([0.5, 2.0]) {
            assert!((found - value(x)).abs() < 1e-14, "{text}: {found}");
        }
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

/// The first lines of the errors of a program, which may import these files.
fn errors_of(text: &str, dialect: Dialect, files: &[(&str, &str)]) -> Vec<String> {
    let loader = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.to_string());
    let mut sources = SourceMap::new();
    let main = sources.add("main", text).expect("a short text");
    let parsed = Program::parse_files(&mut sources, main, dialect, &ReaderLimits::default(), &loader);
    let Err(Error::Source(errors)) = parsed.and_then(|program| program.compile(&CompileOptions::default()))
    else {
        panic!("{text}: nothing is wrong")
    };
    let line = |error: &Diagnostic| {
        let at = sources.at(error.span).lines().next().unwrap_or_default().to_string();
        format!("{}: {} [{at}]", error.code, error.message)
    };
    errors.iter().map(line).collect()
}

/// What would take the place of a parameter, or lose its own, is refused where it stands.
#[test]
fn nothing_is_called_like_a_parameter() {
    let net = "(network f (x) (layers 2) (activation tanh) (results 1))";
    let own = |rest: &str| format!("{net} {rest}");
    let infix = "network f(x) layers(2) activation(tanh) results(1);";
    let files = [
        ("net.scm", net),
        ("b.scm", "(define b1 3)"),
        ("own.scm", "(network f (x) (layers 2) (activation tanh) (results 1)) (define f.b2 2)"),
        ("use.scm", "(define (g x) (* x (ref f.b1 0)))"),
    ];
    let found: Vec<String> = [
        (own("(define f.b1 [1 2]) (f x)"), Dialect::Scheme),
        (own("(define (f.w2 x) x) (f x)"), Dialect::Scheme),
        (own("(define (g f.b1) (+ (f 1) f.b1))"), Dialect::Scheme),
        (own("(define (g f.b1) (values (a (f 1)) (b f.b1)))"), Dialect::Scheme),
        ("(network f (f.b1) (layers 2) (activation tanh) (results 1)) (f x)".into(), Dialect::Scheme),
        (own("(network f.b1 (x) (layers 2) (activation tanh) (results 1)) (f x)"), Dialect::Scheme),
        ("(import \"net.scm\") (define f.b1 [1 2]) (f x)".into(), Dialect::Scheme),
        ("(import \"net.scm\" (prefix \"b.scm\" f.)) (f x)".into(), Dialect::Scheme),
        ("(import \"own.scm\") (f x)".into(), Dialect::Scheme),
        // A file that does not know the network.
        (format!("(import \"use.scm\") {net} (+ (g x) (f x))"), Dialect::Scheme),
        (format!("{infix} `f.b1` = 2; f(x)"), Dialect::Infix),
        (format!("{infix} g(`f.b1`) = f(`f.b1`)"), Dialect::Infix),
    ]
    .iter()
    .flat_map(|(text, dialect)| errors_of(text, *dialect, &files))
    .collect();
    insta::assert_snapshot!(found.join("\n"));
    // Names within expressions are known there alone, and the parameter's own is the parameter.
    for text in [
        own("(let ((f.b1 2)) (+ f.b1 (f x)))"),
        own("(define (g f.b1) (* 2 f.b1)) (+ (g x) (f x))"),
        own("(let ((f.b1 2)) (values (a f.b1) (b (f x))))"),
        own("(values (a (f x)) (b (dot f.b1 f.b1)))"),
        "(import \"net.scm\") (values (a (f x)) (b (dot f.b1 f.b1)))".into(),
    ] {
        let loader =
            |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.to_string());
        let mut sources = SourceMap::new();
        let main = sources.add("main", &*text).expect("a short text");
        let program =
            Program::parse_files(&mut sources, main, Dialect::Scheme, &ReaderLimits::default(), &loader)
                .unwrap_or_else(|error| panic!("{text}: {}", error.render(&sources)));
        assert_eq!(program.parameters().len(), 4, "{text}");
        program.compile(&CompileOptions::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

/// The function of a layer is one of one number, which gives a vector for a vector.
#[test]
fn functions_of_layers() {
    let refused: Vec<String> = [
        "(network f (x) (layers 2) (activation max) (results 1)) (f x)",
        "(network f (x) (layers 2) (activation +) (results 1)) (f x)",
        "(network f (x) (layers 2) (activation tanh) (results 2) (output vec)) (f x)",
        "(network f (x) (layers 2) (activation norm) (results 1)) (f x)",
        "(network f (x) (layers 2) (activation tanh) (results 2) (output vsum)) (f x)",
        "(define (half v) (slice v 0 1)) (network f (x) (layers 2) (activation half) (results 1)) (f x)",
        "(network f (x) (layers 2) (activation pow) (results 1)) (f x)",
    ]
    .iter()
    .flat_map(|text| errors_of(text, Dialect::Scheme, &[]))
    .collect();
    insta::assert_snapshot!(refused.join("\n"));
    for activation in ["tanh", "relu", "silu", "softplus", "sigmoid", "sin", "atan", "square", "abs", "f.id"]
    {
        let text = format!(
            "(define (f.id v) (* v (sigmoid v)))
(network f (x) (layers 2) (activation {activation}) (results 2) (output {activation})) (f x)"
        );
        let program = Program::parse(&text).expect("a program");
        program.compile(&CompileOptions::default()).unwrap_or_else(|error| panic!("{activation}: {error}"));
    }
}

/// A network within an expression is refused as one.
#[test]
fn networks_stand_at_the_top() {
    let scheme = "(network f (y) (layers 2) (activation tanh) (results 1))";
    let infix = "network f(y) layers(2) activation(tanh) results(1)";
    let found: Vec<String> = [
        (format!("(define (g x) {scheme} (f x)) (g 2)"), Dialect::Scheme),
        (format!("(let ((a 1)) {scheme} (f a))"), Dialect::Scheme),
        (format!("(lambda (x) {scheme} (f x))"), Dialect::Scheme),
        (format!("(+ 1 {scheme})"), Dialect::Scheme),
        (format!("(define (g x) {scheme} (values (a (f x)) (b 1))) (g 2)"), Dialect::Scheme),
        (format!("g(x) = {{{infix}; f(x)}}; g(2)"), Dialect::Infix),
        (format!("let {infix} in f(2)"), Dialect::Infix),
        (format!("1 + {infix}"), Dialect::Infix),
    ]
    .iter()
    .map(|(text, dialect)| errors_of(text, *dialect, &[]).join("; "))
    .collect();
    insta::assert_snapshot!(found.join("\n"));
}

/// What declarations say is known without the text.
#[test]
fn declarations_are_known() {
    let program = Program::parse(
        "(network p (x) (layers 8 4) (activation silu) (results 3) (output exp))
(network q (x) (layers) (activation tanh) (results 1))
(+ (vsum (p x)) (q x))",
    )
    .expect("a program");
    let declared: Vec<_> = program
        .networks()
        .iter()
        .map(|n| (n.name.as_str(), n.layers.clone(), n.results, n.activation.as_str(), n.output.as_deref()))
        .collect();
    assert_eq!(declared, [("p", vec![8, 4], 3, "silu", Some("exp")), ("q", vec![], 1, "tanh", None)]);
}
