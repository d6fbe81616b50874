//! Every stage of a handful of programs as text, for the value and for the gradient, and the first stages of more programs
//! with loops.
//!
//! They are the same on every machine. `INSTA_UPDATE=always cargo test --test suite snapshots` writes them anew; a change of
//! format belongs in the changelog.

use std::fmt::Write as _;

use neural_compiler::{CompileOptions, Derivative, Program, Shape, Signature, Stage};

fn stages(source: &str, signature: Signature) -> String {
    let program = Program::parse(source).expect("a program");
    let value = CompileOptions::default().signature(signature);
    let gradient = value.clone().derivative(Derivative::Gradient);
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

snapshots! {
    /// All rows take the same iterations: their number is a parameter.
    uniform_loop: "
(define n 8)
(let step ((k 0) (y y0))
  (if (= k n) y (step (+ k 1) (+ y (* h (sin y))))))", Signature::scalars().parameter("n");
    /// Rows stop one by one.
    masked_loop: "
(loop ((x (+ 1 a)))
  (let ((next (* 1/2 (+ x (/ a x)))))
    (if (< (abs (- next x)) 1e-9) next (recur next))))", Signature::scalars();
    recursive_function: "
(define (power x n)
  (cond ((= n 0) 1)
        ((= (remainder n 2) 1) (* x (power x (- n 1))))
        (else (square (power x (/ n 2))))))
(power x n)", Signature::scalars();
    /// The steps of a row are counted where it might take too many.
    counted_loops: "
; nc: --max-steps 100
(do ((i 0 (+ i 1)) (s 0 (do ((j 0 (+ j 1)) (t s (+ t (* x j)))) ((= j i) t)))) ((= i n) s))", Signature::scalars();
}

/// The stages of programs that repeat, as far as loops are made.
fn front(source: &str) -> String {
    let program = Program::parse(source).expect("a program");
    let mut text = format!("{}\n", source.trim());
    for (title, stage) in [("ast", Stage::Ast), ("anf", Stage::Anf), ("tco", Stage::Tco)] {
        let stage = program.stage(stage, &CompileOptions::default(), None).expect("a stage");
        let _ = write!(text, "\n---- {title}\n{stage}");
    }
    text
}

macro_rules! loops {
    ($($(#[$meta:meta])* $name:ident: $source:expr;)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(concat!("loops_", stringify!($name)), front($source));
            });
        }
    )*};
}

loops! {
    /// `tolerance` never changes, so it is no variable of the loop.
    newton: "
(define (root n)
  (let improve ((x n) (tolerance 1e-12))
    (if (< (abs (- (* x x) n)) tolerance) x
        (improve (* 1/2 (+ x (/ n x))) tolerance))))
(root y)";
    recur: "
(loop ((i 0) (sum 0))
  (if (= i n) sum
      (let ((next (+ i 1)))
        (if (= i skip) (recur next sum) (recur next (+ sum i))))))";
    do_loop: "(do ((i 0 (+ i 1)) (x 1 (* x base)) (base b)) ((= i n) x))";
    /// Each function by which the loop is entered has a loop of its own.
    mutual: "
(define (even? n) (if (= n 0) 1 (odd? (- n 1))))
(define (odd? m) (if (= m 0) 0 (even? (- m 1))))
(values (even (even? x)) (odd (odd? x)))";
    /// The inner loop goes on with the outer one, and uses what that has bound.
    nested: "
(let outer ((i 0) (sum 0))
  (if (= i n) sum
      (let ((k (* 10 i)))
        (let inner ((j 0) (s sum))
          (if (= j i) (outer (+ i 1) s)
              (inner (+ j 1) (+ s k)))))))";
    /// One call is an iteration, the other needs a stack.
    ackermann: "
(define (ack m n)
  (cond ((= m 0) (+ n 1))
        ((= n 0) (ack (- m 1) 1))
        (else (ack (- m 1) (ack m (- n 1))))))";
    definitions: "
(define (f x)
  (define k 10)
  (define (g n) (if (= n 0) k (+ h (g (- n 1)))))
  (define h (* 2 x))
  (g x))
(f y)";
}

/// Programs and their first-order form.
const FIRST_ORDER: &[(&str, &str)] = &[
    // A primitive is differentiated as a function of its own.
    ("((D sin) x)", "; inputs: x\n(define (sin x.2) (sin x.2))\n(((partial 0) sin) x)\n"),
    // A derivative that is differentiated is a function.
    (
        "(define (f x) (* x x x)) ((D (D f)) x)",
        "; inputs: x\n(define (f x.3) (* x.3 x.3 x.3))\n(define (D-f x.2) (((partial 0) f) x.2))\n(((partial 0) D-f) x)\n",
    ),
    // What a function captures is not among the operands of its derivative.
    (
        "(+ (jvp (lambda (u) (* u k)) x 2) 1)",
        "; inputs: k x\n(define (lambda u | k) (* u k))\n(+ (jvp lambda x 2) 1)\n",
    ),
    // A program that ends in a derivative has the parameters of the function.
    (
        "(define (energy q p) (+ (* 1/2 p p) (cos q))) (define force ((partial 0) energy))",
        "; inputs: q p\n(define (energy q.2 p.2) (+ (* 0.5 p.2 p.2) (cos q.2)))\n\
         (define (partial-0-energy q p) (((partial 0) energy) q p))\n(((partial 0) energy) q p)\n",
    ),
    // Equal captured variables share a function, a number that is computed for a call is bound around it.
    (
        "(define (apply2 f x) (f (f x))) (define ((scale k) x) (* k x)) \
         (define (both a b) (+ (apply2 (scale a) b) (apply2 (scale a) 1) (apply2 (scale (* a b)) 1))) (both x y)",
        "; inputs: x y\n(define (lambda x.4 | a) (* a x.4))\n(define (apply2 x.2 | a) (lambda (lambda x.2)))\n\
         (define (lambda.2 x.5 | k) (* k x.5))\n(define (apply2.2 x.3 | k) (lambda.2 (lambda.2 x.3)))\n\
         (define (both a b) (+ (apply2 b) (apply2 1) (let* ((k (* a b))) (apply2.2 1))))\n(both x y)\n",
    ),
    // Of the library there is what is called.
    (
        "(sum 3 (lambda (i) (* i x)))",
        "; inputs: x\n(define (lambda i | x) (* i x))\n\
         (define (loop k s | x n.2) (if (= k n.2) s (loop (+ k 1) (+ s (lambda k)))))\n\
         (define (sum n | x) (let* ((n.2 (check-count n))) (loop 0 (zeros-like (lambda 0)))))\n(sum 3)\n",
    ),
];

#[test]
fn programs_in_first_order() {
    for &(source, expected) in FIRST_ORDER {
        assert_eq!(neural_compiler::internals::first_order(source).as_deref(), Ok(expected), "{source}");
    }
}
