//! Derivatives inside programs: `D`, `partial`, `jvp`, `vjp` and `detach`, at any depth and in every mode around them.

use crate::support;

use neural_compiler::internals::derive::tangent::{Direction, tangent};
use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::interpret::ast::{AstInterpreter, Scratch};
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::lower::lower;
use neural_compiler::{
    CompileOptions, Derivative, Dtype, Error, Kernel, Program, Role, Shape, Signature, Tier,
};
use support::derive::{Case, Value, number, vector};
use support::{bits, native_tier, run};

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
    for (k, (a, b)) in found.iter().zip(expected).enumerate() {
        let difference = (a - b).abs();
        assert!(difference <= tolerance * b.abs().max(1.0), "{what}, element {k}: {a:e}, not {b:e}");
    }
}

/// The value of a program by the tree interpreter.
fn tree(text: &str, signature: &Signature, inputs: &[f64], outputs: usize) -> Vec<f64> {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let interpreter = AstInterpreter::new(program.resolved().clone(), signature);
    let mut found = vec![0.0; outputs];
    interpreter
        .row(&mut Scratch::default(), inputs, &[], &mut found)
        .unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
    found
}

/// Those of the inputs that a program has.
fn known<'a>(text: &str, inputs: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    inputs.iter().filter(|(name, _)| program.inputs().any(|other| other == *name)).cloned().collect()
}

/// The value of a program natively, by the graph interpreter, and by the tree interpreter within bounds of rounding.
fn value(text: &str, inputs: &[(&str, Value)]) -> Vec<f64> {
    let inputs = known(text, inputs);
    let case = Case::new(text, &inputs);
    let found = case.value();
    let mut signature = Signature::scalars();
    for (name, value) in &inputs {
        signature = signature.shape(*name, value.shape);
    }
    let by_tree = tree(text, &signature, &case.inputs, found.len());
    // Forward mode does the same operations; in reverse sums have another order.
    let scale = found.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
    for (a, b) in by_tree.iter().zip(&found) {
        let same = a == b || a.is_nan() && b.is_nan();
        assert!(
            same || (a - b).abs() <= 1e-13 * scale,
            "{text}: the tree interpreter gives {a:e}, not {b:e}"
        );
    }
    found
}

fn error(text: &str) -> String {
    let program = match Program::parse(text) {
        Ok(program) => program,
        Err(error) => return error.to_string(),
    };
    match program.compile(&CompileOptions::default()) {
        Ok(_) => panic!("{text} compiles"),
        Err(Error::Source(errors)) => errors.iter().map(|e| format!("{e}\n")).collect(),
        Err(other) => other.to_string(),
    }
}

/// The table of shapes, at points where everything is known exactly.
#[test]
fn shapes_and_forms() {
    let xy = [("x", number(3.0)), ("y", number(-2.0))];
    for (text, expected) in [
        ("((D (lambda (u) (* u u u))) x)", &[27.0][..]),
        ("((D (lambda (u) [(* u u) (* u y) 7])) x)", &[6.0, -2.0, 0.0]),
        ("((D (lambda (v) (dot v v))) [x y])", &[6.0, -4.0]),
        ("((D (lambda (v) [(* (ref v 0) (ref v 1)) (ref v 1) 5])) [x y])", &[-2.0, 3.0, 0.0, 1.0, 0.0, 0.0]),
        ("((D det) [[x y] [1 x]])", &[3.0, -1.0, 2.0, 3.0]),
        ("(define (f a b) (* a b b)) [(((partial 0) f) x y) (((partial 1) f) x y)]", &[4.0, -12.0]),
        ("(define (f a v) (* a (dot v v))) (((partial 1) f) x [x y])", &[18.0, -12.0]),
        ("(jvp (lambda (v) (* v (ref v 0))) [x y] [1 2])", &[6.0, 4.0]),
        ("(vjp (lambda (v) (* v (ref v 0))) [x y] [1 2])", &[2.0, 6.0]),
        ("(jvp (lambda (u) (* u u)) x y)", &[-12.0]),
        ("(vjp (lambda (u) [u (* u u)]) x [1 2])", &[13.0]),
        ("((D (D (D (lambda (u) (* u u u u))))) x)", &[72.0]),
        ("((D (D (lambda (v) (* (ref v 0) (ref v 0) (ref v 1))))) [x y])", &[-4.0, 6.0, 6.0, 0.0]),
        // A function of nothing that varies, and of its captures only.
        ("((D (lambda (u) y)) x)", &[0.0]),
        ("((D (lambda (v) y)) [x y])", &[0.0, 0.0]),
        ("((D (lambda (u) [y y])) x)", &[0.0, 0.0]),
        // Truth values are numbers.
        ("((D (lambda (u) (< u y))) x)", &[0.0]),
    ] {
        assert_eq!(value(text, &xy[..]), expected, "{text}");
    }
}

/// More results than stay apart, from few operands: the Jacobian goes forwards.
#[test]
fn a_tall_jacobian() {
    let v: Vec<f64> = (0..70).map(|k| f64::from(k) * 0.25 - 3.0).collect();
    let text = "((D (lambda (p) (* (+ (ref p 0) (* (ref p 1) u)) u))) [2 3])";
    let found = value(text, &[("u", vector(&v))]);
    let expected: Vec<f64> = v.iter().flat_map(|x| [*x, x * x]).collect();
    assert_eq!(found, expected);
}

/// What a function captures is constant for its derivative, and varies for one around it.
#[test]
fn no_perturbation_confusion() {
    for (text, expected) in [
        ("((D (lambda (x) (* x ((D (lambda (y) (+ x y))) 1)))) 1)", 1.0),
        ("((D (lambda (x) (* x ((D (lambda (y) (* x y))) 2)))) 3)", 6.0),
        ("((D (lambda (x) ((D (lambda (y) (* x y y))) (* 2 x)))) 3)", 24.0),
        ("((D (lambda (x) ((D (lambda (x) (* x x x))) x))) 2)", 12.0),
        ("((D (lambda (x) (* x (ref ((D (lambda (v) (* x (ref v 0) (ref v 1)))) [x 2]) 1)))) 3)", 27.0),
        (
            "(ref ((D (lambda (v) (* (ref v 0) ((D (lambda (y) (* y (ref v 0) (ref v 1)))) 5)))) [2 3]) 0)",
            12.0,
        ),
        (
            "(ref ((D (lambda (v) (ref ((D (lambda (w) (* (ref v 0) (ref w 0) (ref w 0)))) v) 0))) [3]) 0)",
            12.0,
        ),
        ("((D (lambda (x) (jvp (lambda (y) (* x y)) 5 x))) 3)", 6.0),
        ("((D (lambda (x) (vjp (lambda (y) (* x y)) 5 x))) 3)", 6.0),
    ] {
        assert_eq!(value(text, &[]), [expected], "{text}");
    }
}

/// Whatever is not taken contributes nothing, not even a NaN.
#[test]
fn untaken_arms() {
    for (body, expected) in [
        ("(if (= u 0) 1 (/ (sin u) u))", 0.0),
        ("(let ((s (sqrt u))) (if (> u 0) s 0))", 0.0),
        ("(max 1 (sqrt u))", 0.0),
        ("(abs u)", 0.0),
    ] {
        let (by_number, by_vector) = (
            format!("((D (lambda (u) {body})) x)"),
            format!("(ref ((D (lambda (v) (let ((u (ref v 0))) {body}))) [x 1]) 0)"),
        );
        for text in [by_number, by_vector] {
            assert_eq!(value(&text, &[("x", number(0.0))]), [expected], "{text}");
            let case = Case::new(&text, &[("x", number(0.0))]);
            assert_eq!(case.reverse(), [0.0], "{text}");
            assert_eq!(case.forward(), [0.0], "{text}");
        }
    }
    // An arm that is not taken has a derivative inside.
    let text = "(if (> x 0) ((D (lambda (u) (sqrt u))) x) 7)";
    let case = Case::new(text, &[("x", number(0.0))]);
    assert_eq!((case.value(), case.reverse()), (vec![7.0], vec![0.0]));
}

#[test]
fn detached_values_are_constants() {
    let xy = [("x", number(3.0)), ("y", number(-2.0))];
    for (text, gradient) in [
        ("(* (detach x) y)", [0.0, 3.0]),
        ("(+ (* x (stop-gradient x)) (* 0 y))", [3.0, 0.0]),
        ("(dot (detach [x y]) [x y])", [3.0, -2.0]),
        ("(det (detach [[x y] [y x]]))", [0.0, 0.0]),
        ("(vsum (* [x y] (detach (matvec [[x 1] [y 2]] [x y]))))", [7.0, -10.0]),
        ("(real-part (* (make-rectangular x y) (detach (make-rectangular x y))))", [3.0, 2.0]),
        ("(+ ((D (lambda (u) (* u u (detach u)))) x) y)", [6.0, 1.0]),
    ] {
        let case = Case::new(text, &xy);
        let plain = Case::new(&text.replace("(detach ", "(+ ").replace("(stop-gradient ", "(+ "), &xy);
        if !text.contains("(D ") {
            assert_eq!(case.value(), plain.value(), "{text}");
            // Lanes have no trace of it.
            let count = |case: &Case| lower(&case.graph, 0).insts.len();
            assert_eq!(count(&case), count(&plain), "{text}");
        }
        assert_eq!(case.reverse(), gradient, "{text}");
        assert_eq!(case.forward(), gradient, "{text}");
        assert_eq!(case.jvp(&[1.0, 0.0]), [gradient[0]], "{text}");
    }
    let case = Case::new("(* (detach x) x x)", &xy[..1]);
    assert_eq!(case.hessian(), [6.0]);
    assert_eq!(value("((D (D (lambda (u) (* u u (detach u))))) x)", &xy[..1]), [6.0]);
    // Also where its value is known.
    assert_eq!(value("((D (lambda (u) (* u (detach 3)))) x)", &xy[..1]), [3.0]);
}

/// With every derivative around it: the derivatives of `((D f) x)` are those of `f′`, written out.
#[test]
fn every_derivative_of_a_kernel() {
    let inputs = [("x", number(0.7)), ("y", number(-0.4))];
    for (text, written) in [
        ("((D (lambda (u) (* (sin u) (exp (* u y))))) x)", "(* (exp (* x y)) (+ (cos x) (* y (sin x))))"),
        (
            "(let ((g ((D (lambda (v) (* (ref v 0) (ref v 0) (sin (ref v 1))))) [x y]))) (* (ref g 0) (ref g 1)))",
            "(* 2 x (sin y) x x (cos y))",
        ),
        ("(jvp (lambda (u) (sin (* u y))) x (* x y))", "(* x y y (cos (* x y)))"),
        ("(vjp (lambda (u) (sin (* u y))) x (* x y))", "(* x y y (cos (* x y)))"),
        (
            "(let ((J ((D (lambda (v) [(* (ref v 0) (ref v 1)) (square (ref v 0))])) [x y]))) (det J))",
            "(- (* 0 y) (* 2 x x))",
        ),
    ] {
        // The inputs come in this order.
        let [text, written] = [text, written].map(|body| format!("(define (main x y) {body})"));
        let (text, written) = (text.as_str(), written.as_str());
        let (case, plain) = (Case::new(text, &inputs), Case::new(written, &inputs));
        close(&value(text, &inputs), &plain.value(), 1e-15, text);
        close(&case.reverse(), &plain.reverse(), 2e-15, text);
        close(&case.forward(), &plain.forward(), 2e-15, text);
        close(&case.jvp(&[0.3, 2.0]), &plain.jvp(&[0.3, 2.0]), 4e-15, text);
        close(&case.vjp(&[1.5]), &plain.vjp(&[1.5]), 4e-15, text);
        close(&case.hessian(), &plain.hessian(), 8e-15, text);
    }
}

/// `x(1 + sin(xs) …)` five times; functions with loops and functions that recurse, inside loops and recursive functions.
#[test]
fn loops_and_recursion() {
    let looped =
        "(define (f x y) (loop ((i 0) (s 1)) (if (< i 5) (recur (+ i 1) (+ s (* y (sin (* x s))))) s)))\n";
    let unrolled = "(define (f x y)\n (let* ((s (+ 1 (* y (sin (* x 1))))) (s (+ s (* y (sin (* x s))))) (s (+ s (* y (sin (* x s)))))\n\
                    (s (+ s (* y (sin (* x s))))) (s (+ s (* y (sin (* x s)))))) s))\n";
    let recursive = "(define (g i x y s) (if (< i 5) (* 1 (g (+ i 1) x y (+ s (* y (sin (* x s)))))) s))\n\
                     (define (f x y) (g 0 x y 1))\n";
    let inputs = [("a", number(0.7)), ("b", number(-0.4))];
    for ending in [
        "(((partial 0) f) a b)",
        "((D (lambda (v) (f (ref v 0) (ref v 1)))) [a b])",
        "((D (D (lambda (u) (f u b)))) a)",
        // Reverse over reverse, forward over reverse, reverse over forward.
        "(define (h v) (f (ref v 0) (ref v 1))) ((D (lambda (w) (dot ((D h) w) [1 2]))) [a b])",
        "((D (lambda (u) (ref ((D (lambda (v) (f u (ref v 0)))) [b]) 0))) a)",
        "((D (lambda (v) (((partial 0) f) (ref v 0) (ref v 1)))) [a b])",
        "(define (h v) (f (ref v 0) (ref v 1))) ((D (D h)) [a b])",
    ] {
        let plain = Case::new(&format!("{unrolled}{ending}"), &inputs);
        let expected = plain.value();
        for head in [looped, recursive] {
            let text = format!("{head}{ending}");
            close(&value(&text, &inputs), &expected, 1e-13, &text);
            let case = Case::new(&text, &inputs);
            close(&case.reverse(), &plain.reverse(), 1e-12, &text);
            close(&case.forward(), &plain.forward(), 1e-12, &text);
        }
    }
}

#[test]
fn inside_loops_and_recursion() {
    let h = "(define (h x) (- (* x x x) a))\n";
    let newton = format!("{h}(loop ((x 1)) (if (< (abs (h x)) 1e-14) x (recur (- x (/ (h x) ((D h) x))))))");
    let case = Case::new(&newton, &[("a", number(2.0))]);
    let root = 2f64.powf(1.0 / 3.0);
    close(&value(&newton, &[("a", number(2.0))]), &[root], 1e-14, &newton);
    // The iteration converges with its derivative one step behind.
    close(&case.reverse(), &[root / 6.0], 1e-7, &newton);
    close(&case.forward(), &case.reverse(), 1e-13, &newton);
    // A gradient of a function with a loop, in the body, the test and the value of a loop.
    let descent = "(define (f v) (loop ((i 0) (s 0)) (if (< i 2) (recur (+ i 1) (+ s (square (- (ref v i) (* a (+ i 1)))))) s)))\n\
        (loop ((x [0 0])) (if (< (norm ((D f) x)) 1e-3) (+ (* 1000 (f x)) (norm ((D f) x))) (recur (- x (* 0.25 ((D f) x))))))";
    let inputs = [("a", number(1.5))];
    let written = "(define (g x) (* 2 (- x [a (* 2 a)]))) (define (f x) (+ (square (- (ref x 0) a)) (square (- (ref x 1) (* a 2)))))\n\
        (loop ((x [0 0])) (if (< (norm (g x)) 1e-3) (+ (* 1000 (f x)) (norm (g x))) (recur (- x (* 0.25 (g x))))))";
    let plain = Case::new(written, &inputs);
    let case = Case::new(descent, &inputs);
    close(&value(descent, &inputs), &plain.value(), 1e-12, descent);
    close(&case.reverse(), &plain.reverse(), 1e-10, descent);
    close(&case.forward(), &plain.forward(), 1e-10, descent);
    // In a recursive function, of one with a loop, forwards and in reverse.
    let recursion = "(define (q v) (loop ((i 0) (s 1)) (if (< i 3) (recur (+ i 1) (* s (+ (ref v 0) (* i (ref v 1))))) s)))\n\
        (define (f n x) (if (< n 1) x (+ (ref ((D q) [x n]) 0) (* 0.1 (f (- n 1) (* x 0.5))) (* 0.1 (f (- n 2) x)))))\n\
        (f 4 x)";
    let written = "(define (q0 x y) (+ (* (+ x y) (+ x y y)) (* x (+ x y y)) (* x (+ x y))))\n\
        (define (f n x) (if (< n 1) x (+ (q0 x n) (* 0.1 (f (- n 1) (* x 0.5))) (* 0.1 (f (- n 2) x)))))\n\
        (f 4 x)";
    let inputs = [("x", number(0.9))];
    let (case, plain) = (Case::new(recursion, &inputs), Case::new(written, &inputs));
    close(&value(recursion, &inputs), &plain.value(), 1e-14, recursion);
    close(&case.reverse(), &plain.reverse(), 1e-13, recursion);
    close(&case.forward(), &plain.forward(), 1e-13, recursion);
}

/// A function of a number, by the modes by which it can be differentiated.
const MODES: [(&str, &str); 2] = [
    ("forward", "(define (slope f x) ((D f) x))\n"),
    ("reverse", "(define (slope f x) (ref ((D (lambda (v) (f (ref v 0)))) [x]) 0))\n"),
];

/// A function of a point in the plane likewise.
const PLANE: [(&str, &str); 2] = [
    ("forward", "(define (gradient f p) [(jvp f p [1 0]) (jvp f p [0 1])])\n"),
    ("reverse", "(define (gradient f p) ((D f) p))\n"),
];

/// A charged particle between two charges, one of which is at height 10 − w, falls to the ground: the square of the place, and
/// its derivatives by w, against 60 digits with their differences. (The program of the literature on nested derivatives.)
#[test]
fn particle() {
    let body = "(define (particle w)\n\
        (define (p x) (+ (/ (norm (- x [10 (- 10 w)]))) (/ (norm (- x [10 0])))))\n\
        (loop ((x [0 8]) (v [0.75 0]))\n\
          (if (> (ref x 1) 0)\n\
            (recur (+ x (* 0.1 v)) (- v (* 0.1 (gradient p x))))\n\
            (square (- (ref x 0) (* (ref v 0) (/ (ref x 1) (ref v 1))))))))\n";
    // The last step is undone where it is stretched to the ground.
    let expected = [26.299_279_230_686_08, 264.271_280_836_240_63, 2_147.049_253_069_049_4];
    for (outer, slope) in MODES {
        for (inner, gradient) in PLANE {
            let what = format!("{outer} over {inner}");
            let text = format!("{slope}{gradient}{body}[(particle w) (slope particle w)]");
            let case = Case::new(&text, &[("w", number(0.5))]);
            close(&case.value(), &expected[..2], 1e-11, &what);
            close(&case.reverse(), &expected[1..], 1e-10, &what);
            close(&case.forward(), &expected[1..], 1e-10, &what);
        }
    }
}

/// Descent along the gradient of what ascent comes to, against 60 digits. (The saddle point of the literature.)
#[test]
fn saddle() {
    let body = "(define (F x y) (+ (- (dot x x) (dot y y)) (* a (ref x 0) (ref y 1)) (sin (* (ref x 1) (ref y 0)))))\n\
        (define (highest x) (loop ((i 0) (y [1 1])) (if (< i 4) (recur (+ i 1) (+ y (* 0.25 (inner (lambda (y) (F x y)) y)))) y)))\n\
        (define (lowest) (loop ((i 0) (x [1 1])) (if (< i 4) (recur (+ i 1) (- x (* 0.25 (outer (lambda (x) (F x (highest x))) x)))) x)))\n\
        (let ((x (lowest))) (vappend x (highest x)))";
    let expected = [
        0.047_455_175_678_350_56,
        0.019_571_942_945_393_047,
        0.071_674_123_642_893_09,
        0.073_622_306_799_613_42,
    ];
    for (outer, around) in PLANE {
        for (inner, within) in PLANE {
            let (around, within) =
                (around.replace("(gradient ", "(outer "), within.replace("(gradient ", "(inner "));
            let what = format!("{outer} over {inner}");
            let text = format!("{around}{within}{body}");
            let found = value(&text, &[("a", number(0.5))]);
            close(&found, &expected, 1e-14, &what);
            let case = Case::new(&text, &[("a", number(0.5))]);
            close(&case.reverse(), &case.forward(), 1e-12, &what);
        }
    }
}

/// A derivative inside a program has the bits of the tangent graph of the function by itself, and takes no more instructions than
/// the gradient of a kernel, in both precisions.
#[test]
fn laws_keep_their_bits_and_costs() {
    let (mut laws, mut worst) = (0, 0.0f64);
    for (k, entry) in support::corpus::load().iter().enumerate() {
        let text: String =
            entry.text.lines().filter(|line| !line.starts_with(';')).collect::<Vec<_>>().join("\n");
        let scalars = entry.inputs.iter().all(|(_, shape)| *shape == Shape::Scalar);
        let scalar = entry.values.first().is_some_and(|value| value.len() == 1);
        if text.contains("(define") || !scalars || !scalar || entry.inputs.is_empty() {
            continue;
        }
        let dtype = [Dtype::F64, Dtype::F32][k % 2];
        let names: Vec<&str> = entry.program.inputs().collect();
        let by = k / 2 % names.len();
        let all = names.join(" ");
        let inside = format!("(define (the-law {all}) {text})\n(((partial {by}) the-law) {all})");
        let inside = Program::parse(&inside).unwrap_or_else(|e| panic!("{inside}: {e}"));
        assert_eq!(inside.inputs().collect::<Vec<_>>(), names);
        let options = CompileOptions::default().dtype(dtype);
        let graph = inside.graph_for(&options).expect("a graph");
        let law = entry.program.graph_for(&options).expect("a graph");
        let mut alone =
            tangent(&law, &[Direction::Element { input: by as u32, element: 0 }]).expect("a tangent");
        alone.outputs.retain(|output| matches!(output.role, Role::Tangent { .. }));
        let rows = entry.points.len();
        let results = [&graph, &alone].map(|graph| {
            let options = CompileOptions::default().tier(native_tier());
            run(
                &Kernel::from_graph(graph.clone(), &options).expect("a kernel"),
                &entry.columns(),
                &[],
                rows,
                1,
            )
        });
        assert!(results[0] == results[1], "{} by {}", entry.name, names[by]);
        let gradient = options.derivative(Derivative::Gradient).wrt([names[by]]);
        let gradient = derived(&law, &gradient).expect("a gradient");
        let count = |graph: &Graph| lower(graph, 0).insts.len();
        assert!(count(&graph) <= count(&alone), "{} by {}", entry.name, names[by]);
        // A kernel with a gradient computes the value as well.
        let ratio = count(&graph) as f64 / count(&gradient) as f64;
        assert!(ratio <= 1.05, "{} by {}: {ratio}", entry.name, names[by]);
        (laws, worst) = (laws + 1, worst.max(ratio));
    }
    println!("{laws} laws, at most {worst} times the instructions");
    assert!(laws > 50);
}

/// The gradient by a vector has the bits of the adjoint graph.
#[test]
fn gradients_keep_their_bits() {
    for body in [
        "(* (norm v) (exp (- (dot v v))))",
        "(/ (sin (ref v 0)) (+ 2 (cos (* (ref v 1) (ref v 2)))))",
        "(loop ((i 0) (s 0)) (if (< i 3) (recur (+ i 1) (+ (* s 0.5) (exp (* (ref v i) s)))) s))",
        "(vsum (sqrt (+ 1 (* v v v v))))",
    ] {
        let inputs = [("v", vector(&[0.3, -1.25, 0.7]))];
        let case = Case::new(body, &inputs);
        let alone = case.reverse();
        let inside = Case::new(&format!("((D (lambda (v) {body})) v)"), &inputs).value();
        let all = |numbers: &[f64]| numbers.iter().map(|&x| bits(x)).collect::<Vec<u64>>();
        assert_eq!(all(&inside), all(&alone), "{body}");
    }
}

/// Derivatives of derivatives are those that repeated differentiation of the function by itself gives.
#[test]
fn nested_derivatives_keep_their_bits() {
    let body = "(/ (sin (* x x)) (+ 1 (exp x)))";
    let inputs = [("x", number(0.7))];
    let mut alone = Case::new(body, &inputs);
    let mut function = format!("(lambda (x) {body})");
    for order in 1..=4 {
        alone.graph =
            tangent(&alone.graph, &[Direction::Element { input: 0, element: 0 }]).expect("a tangent");
        function = format!("(D {function})");
        let inside = Case::new(&format!("({function} x)"), &inputs);
        let expected = *alone.value().last().expect("a derivative");
        assert_eq!(bits(inside.value()[0]), bits(expected), "order {order}");
        println!("order {order}: {} nodes, {} by itself", inside.graph.len(), alone.graph.len());
        assert!(inside.graph.len() <= 2 * alone.graph.len());
    }
}

/// A derivative that is used often is made once; the graph grows with the number of different ones.
#[test]
fn derivatives_are_shared() {
    let f = "(define (f x) (/ (sin (* x x)) (+ 1 (exp x))))\n";
    let size = |uses: usize, different: bool| {
        let terms: Vec<String> =
            (0..uses).map(|k| format!("((D f) (+ x {}.5))", if different { k } else { 0 })).collect();
        let program = Program::parse(&format!("{f}(+ {})", terms.join(" "))).expect("a program");
        program.graph_for(&CompileOptions::default()).expect("a graph").len()
    };
    let (one, two) = (size(1, true), size(2, true));
    let each = two - one;
    println!("a use takes {each} nodes, 100 {}, 1000 {}", size(100, true), size(1000, true));
    assert!(size(100, true) <= one + 99 * each + 1);
    assert!(size(1000, true) <= one + 999 * each + 1);
    // Of the same derivative only the sum grows.
    assert!(size(1000, false) <= one + 1000);
}

#[test]
fn limits_hold_once() {
    // The iterations of the function count once, and where it fails, the row does, with the place of the loop.
    let text = "(define (f x) (loop ((i 0) (s x)) (if (< i 100) (recur (+ i 1) (* s 1.01)) s))) ((D f) x)";
    let program = Program::parse(text).expect("a program");
    for (steps, fails) in [(100, false), (99, true)] {
        let limits = neural_compiler::Limits { steps, ..neural_compiler::Limits::default() };
        for tier in [native_tier(), Tier::Interpret] {
            let kernel =
                program.compile(&CompileOptions::default().limits(limits).tier(tier)).expect("a kernel");
            let found = run(&kernel, &[vec![2.0]], &[], 1, 1);
            assert_eq!(found.failed, usize::from(fails), "{steps} steps, {tier}");
        }
    }
    // On an arm that is not taken nothing is counted, and nothing fails.
    let text = "(define (f v) (loop ((s (ref v 0))) (if (< s 1e9) (recur (* s (ref v 1))) s)))\n\
                (if (> x 1) (ref ((D f) [1 x]) 0) 5)";
    let case = Case::new(text, &[("x", number(0.5))]);
    assert_eq!((case.value(), case.reverse()), (vec![5.0], vec![0.0]));
}

#[test]
fn refusals() {
    for (text, wanted) in [
        ("((D (lambda (u) (outer [u 1] [u 2]))) x)", &["mat 2×2", "scalar"][..]),
        ("((D (lambda (m) (matvec m [1 2]))) [[x 1] [2 3]])", &["mat 2×2", "vec 2"]),
        ("(jvp (lambda (v) (dot v v)) [x 1] [1 2 3])", &["vec 3", "vec 2"]),
        ("(vjp (lambda (v) (dot v v)) [x 1] [1 2])", &["vec 2", "scalar"]),
        (
            "(define (f n x) (if (< n 1) x (+ 1 ((D (lambda (y) (* 2 (f (- n 1) y)))) x)))) (f 4 x)",
            &["recursion that `lambda` is a part of"],
        ),
    ] {
        let message = error(text);
        for words in wanted {
            assert!(message.contains(words), "{text}: {message}");
        }
    }
}

/// Values and gradients of programs with derivatives inside, by the tree interpreter and by graphs, both in binary32.
#[test]
fn binary32() {
    for text in [
        "((D (lambda (u) (/ (sin u) (+ u y)))) x)",
        "(jvp (lambda (v) (* v (dot v v))) [x y] [1 y])",
        "((D (D (lambda (u) (exp (* u y))))) x)",
    ] {
        let program = Program::parse(text).expect("a program");
        let options = CompileOptions::default().dtype(Dtype::F32);
        let kernel = program.compile(&options.clone().tier(native_tier())).expect("a kernel");
        let inputs = [0.75f32, -1.3].map(f64::from);
        let columns: Vec<Vec<f64>> =
            program.inputs().map(|name| vec![inputs[usize::from(name == "y")]]).collect();
        let found = run(&kernel, &columns, &[], 1, 1);
        let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars())
            .with_precision(nc_runtime::lanes::Precision::Single);
        let row: Vec<f64> = columns.iter().map(|column| column[0]).collect();
        let mut by_tree = vec![0.0; found.columns.len()];
        interpreter.row(&mut Scratch::default(), &row, &[], &mut by_tree).expect("a row");
        let by_tree: Vec<u64> = by_tree.iter().map(|&x| bits(x)).collect();
        let found: Vec<u64> = found.columns.iter().map(|column| column[0]).collect();
        assert_eq!(by_tree, found, "{text}");
    }
}
