//! Every stage of a handful of programs as text, for the value and for the gradient.
//!
//! They are the same on every machine. `INSTA_UPDATE=always cargo test --test snapshots` writes them anew; a change of
//! format belongs in the changelog.

use std::fmt::Write as _;

use neural_compiler::graph::Shape;
use neural_compiler::graph::build::Signature;
use neural_compiler::{CompileOptions, Derivative, Program, Stage};

fn stages(source: &str, signature: Signature) -> String {
    let program = Program::parse(source).expect("a program");
    let value = CompileOptions { signature, ..CompileOptions::default() };
    let gradient = CompileOptions { derivative: Derivative::Gradient, ..value.clone() };
    let mut text = format!("{}\n", source.trim());
    for (title, stage, options) in [
        ("ast", Stage::Ast, &value),
        ("anf", Stage::Anf, &value),
        ("graph", Stage::Graph, &value),
        ("adjoint", Stage::Adjoint, &gradient),
        ("lanes of the value", Stage::Lanes, &value),
        ("lanes of value and gradient", Stage::Lanes, &gradient),
    ] {
        let stage = program.stage(stage, options, None).expect("a stage");
        let _ = write!(text, "\n---- {title}\n{stage}");
    }
    text
}

macro_rules! snapshots {
    ($($(#[$meta:meta])* $name:ident: $source:expr, $signature:expr;)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(concat!("stages_", stringify!($name)), stages($source, $signature));
            });
        }
    )*};
}

snapshots! {
    /// Figure 2 of the Neural Compiler paper.
    figure_2: "(* (+ x 1) (- y 2))", Signature::scalars();
    gaussian: "
(define (gauss x mu sigma)
  (let ((z (/ (- x mu) sigma)))
    (/ (exp (* -1/2 (square z))) (* sigma (sqrt (* 2 3.141592653589793))))))", Signature::scalars();
    /// What is not taken contributes nothing, although it is computed outside the `if`.
    branch: "
(let ((s (sqrt x)))
  (if (> x 0) (* s y) 0))", Signature::scalars();
    /// Kinetic energy of a rotating body, and a row that can fail.
    vectors: "
(define w (cross axis r))
(+ (* 1/2 m (dot w w)) (ref r k))",
        Signature::scalars().shape("axis", Shape::Vector(3)).shape("r", Shape::Vector(3));
    /// A parameter, captured and inlined twice.
    functions: "
(define G 6.674e-11)
(define (attraction m1 m2 r)
  (let ((over-square (lambda (a) (/ a (* r r)))))
    (over-square (* G m1 m2))))
(values (near (attraction m 2 r))
        (far (attraction m 2 (* 10 r))))", Signature::scalars().parameter("G");
}
