//! The AST interpreter, the graph interpreter and the native kernel: the same bits on every program.

use crate::support;

use nc_runtime::batch::{self, Batch, Options, Workspace};
use neural_compiler::internals::interpret::ast::{AstInterpreter, FailureReason, Scratch};
use neural_compiler::{CompileOptions, Kernel, Program, Reason, Shape, Signature, Span, Tier};

/// Numbers that make operations differ, if they can.
const SPICY: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    -2.5,
    3.0,
    1e-300,
    -1e300,
    5e-324,
    1e15,
    0.1,
    7.25,
    1e22,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    std::f64::consts::PI,
    709.9,
    -745.2,
    1e-17,
];

/// Programs over scalars `x y z`, vectors `u v` of 3 and matrices `A B` of 3×3.
const PROGRAMS: &[&str] = &[
    "42",
    "x",
    "#t",
    "(+ x y)",
    "(+)",
    "(*)",
    "(+ x)",
    "(* x)",
    "(- x)",
    "(/ x)",
    "(- x y z)",
    "(/ x y z)",
    "(+ x y z 0.1)",
    "(min x y z)",
    "(max x y z)",
    "(min x)",
    "(abs x)",
    "(sqrt x)",
    "(sign x)",
    "(square x)",
    "(exact->inexact x)",
    "(pow x y)",
    "(expt x 2)",
    "(pow x 0.5)",
    "(pow x -3)",
    "(exp x)",
    "(exp2 x)",
    "(expm1 x)",
    "(log x)",
    "(log2 x)",
    "(log10 x)",
    "(log1p x)",
    "(sin x)",
    "(cos x)",
    "(tan x)",
    "(asin x)",
    "(acos x)",
    "(atan x)",
    "(atan y x)",
    "(sinh x)",
    "(cosh x)",
    "(tanh x)",
    "(asinh x)",
    "(acosh x)",
    "(atanh x)",
    "(log x y)",
    "(sigmoid x)",
    "(softplus x)",
    "(clamp x y z)",
    "(copysign x y)",
    "(detach x)",
    "(+ (detach u) u)",
    "(+ (zero? x) (nan? y) (even? z) (odd? x))",
    "(zero? u)",
    "(cbrt x)",
    "(hypot x y)",
    "(floor x)",
    "(ceiling x)",
    "(round x)",
    "(truncate x)",
    "(remainder x y)",
    "(modulo x y)",
    "(quotient x y)",
    "(< x y)",
    "(<= x y z)",
    "(> x y z)",
    "(>= x y)",
    "(= x y)",
    "(< x)",
    "(not x)",
    "(+ (< x y) (not z))",
    "(and x y)",
    "(or x y z)",
    "(and)",
    "(or)",
    "(if x y z)",
    "(if (< x y) x (> y z))",
    "(if (and (< 0 x) (not (= y z))) (sqrt x) (- x))",
    "(cond ((< x 0) -1) ((= x 0) 0) (else 1))",
    "(let ((x y) (y x)) (- x y))",
    "(let* ((x (+ x 1)) (x (* x x))) x)",
    "(let ((+ x)) (* + +))",
    "(define (f a b) (* a (+ b x))) (define k 2) (+ (f k y) (f y k) k)",
    "(define (f a) (let ((g (lambda (b) (* a b)))) (+ (g 2) (let ((a 10)) (g a))))) (f x)",
    "(define (gauss x mu sigma) (exp (- (/ (square (- x mu)) (* 2 (square sigma))))))",
    "((lambda (a b) (/ a b)) x (+ y 1))",
    "(values (a (+ x y)) (b (< x y)) (c [x y]))",
    "[x y z]",
    "(+ u v)",
    "(* 2 u)",
    "(- x v)",
    "(- v)",
    "(/ u)",
    "(< u v)",
    "(not u)",
    "(sin u)",
    "(pow u 2)",
    "(vsum u)",
    "(dot u v)",
    "(norm u)",
    "(cross u v)",
    "(normalize v)",
    "(scale x v)",
    "(vlen v)",
    "(outer u v)",
    "(matvec A u)",
    "(matmul A B)",
    "(transpose A)",
    "(det A)",
    "(inv A)",
    "(trace A)",
    "(eye 3)",
    "(zeros 2 3)",
    "(ones 3)",
    "(* A (eye 3))",
    "(+ A x)",
    "(vsum A)",
    "(vec u v)",
    "(mat u v)",
    "(mat 2 2 x y z 1)",
    "[[x y] [y z]]",
    "(ref u 1)",
    "(ref A 1)",
    "(ref A 1 2)",
    "(ref u x)",
    "(ref A x)",
    "(ref A x y)",
    "(if (< x 0) 0 (ref u x))",
    "(let ((w (ref u y))) (if (< y 0) 0 w))",
    "(ref (ref A x) y)",
    "(ref u (< x y))",
    "(let ((w [x y])) (let ((s (+ w 1)) (w (* w w))) (dot s w)))",
    "(define (f w) (if (< (ref w 0) 0) (- w) w)) (f (f u))",
    "(define (f i) (ref u i)) (+ (f x) (f y))",
    "(if (> x 0) (* u 2) v)",
    "(vsum (if (< x y) (< u v) v))",
];

fn signature() -> Signature {
    let mut signature = Signature::scalars();
    for name in ["u", "v"] {
        signature = signature.shape(name, Shape::Vector(3));
    }
    for name in ["A", "B"] {
        signature = signature.shape(name, Shape::Matrix(3, 3));
    }
    signature
}

/// Names in the signature must be inputs of the program.
fn signature_for(program: &Program, full: &Signature) -> Signature {
    let mut signature = Signature::scalars();
    for name in program.inputs() {
        signature = signature.shape(name, full.shape_of(name));
    }
    signature
}

fn bits(column: &[f64]) -> Vec<u64> {
    column.iter().map(|x| x.to_bits()).collect()
}

/// Outputs and failed rows (row, place, reason).
type Outcome = (Vec<Vec<u64>>, Vec<(usize, (Span, FailureReason))>);

fn run(kernel: &Kernel, columns: &[Vec<f64>], rows: usize) -> Outcome {
    use nc_runtime::batch::Kernel as _;
    let sources: Vec<batch::Source<'_>> = columns.iter().map(|c| batch::Source::Column(c)).collect();
    let mut outputs = vec![vec![0.0; rows]; kernel.shape().outputs];
    let mut sinks: Vec<batch::Sink<'_>> = outputs.iter_mut().map(|c| batch::Sink::Column(c)).collect();
    let batch = Batch { rows, inputs: &sources, params: &[], outputs: &mut sinks, param_gradients: &mut [] };
    let report = kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).unwrap();
    let failures = report.failures.iter().map(|failure| {
        let check = kernel.checks()[failure.check as usize];
        (failure.row, (check.span, FailureReason::Check(check.reason)))
    });
    let failures = failures.collect();
    (outputs.iter().map(|c| bits(c)).collect(), failures)
}

#[test]
fn same_bits_in_every_tier() {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for text in PROGRAMS {
        let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let signature = signature_for(&program, &signature());
        let options = CompileOptions::default().signature(signature.clone());
        let graph = program.graph(&signature).unwrap_or_else(|e| panic!("{text}: {e}"));
        let interpreter = AstInterpreter::new(program.resolved().clone(), &signature);
        let rows = 601;
        let columns: Vec<Vec<f64>> = (0..interpreter.columns())
            .map(|_| (0..rows).map(|_| SPICY[next() % SPICY.len()]).collect())
            .collect();
        let tree = program.compile(&options.clone().tier(Tier::Interpret)).unwrap();
        let interpreted = Kernel::from_graph(graph.clone(), &options.clone().tier(Tier::Interpret));
        let native = program.compile(&options.tier(support::native_tier())).unwrap();
        let expected = run(&tree, &columns, rows);
        assert_eq!(run(&interpreted.unwrap(), &columns, rows), expected, "graph interpreter: {text}");
        assert_eq!(run(&native, &columns, rows), expected, "native: {text}");
        // The interpreter by itself says the same as its kernel.
        let mut scratch = Scratch::default();
        for row in 0..rows {
            let inputs: Vec<f64> = columns.iter().map(|c| c[row]).collect();
            let mut outputs = vec![0.0; expected.0.len()];
            let result = interpreter.row(&mut scratch, &inputs, &[], &mut outputs);
            let result = result.map_err(|failure| (failure.span, failure.reason));
            let same: Vec<u64> = expected.0.iter().map(|c| c[row]).collect();
            assert_eq!(bits(&outputs), same, "{text} of {inputs:?}");
            let failure = expected.1.iter().find(|f| f.0 == row).map(|f| &f.1);
            if expected.1.len() < 100 {
                assert_eq!(result.as_ref().err(), failure, "{text} of {inputs:?}");
            }
        }
    }
}

#[test]
fn failures_have_place_and_reason() {
    let program = Program::parse("(+ 1 (ref [x y] x))").unwrap();
    let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars());
    let (mut scratch, mut out) = (Scratch::default(), [0.0]);
    assert_eq!(interpreter.row(&mut scratch, &[1.0, 5.0], &[], &mut out), Ok(()));
    assert_eq!(out, [6.0]);
    let failure = interpreter.row(&mut scratch, &[0.5, 5.0], &[], &mut out).unwrap_err();
    assert_eq!(failure.reason, FailureReason::Check(Reason::Index { len: 2 }));
    assert_eq!((failure.span.start, failure.span.end), (5, 18));
    assert!(out[0].is_nan());
}

#[test]
fn parameters() {
    let program = Program::parse("(define G 2) (define H 3) (+ (* G m) (* H k) (- G))").unwrap();
    let signature = Signature::scalars().parameter("H").parameter("m");
    let interpreter = AstInterpreter::new(program.resolved().clone(), &signature);
    assert_eq!((interpreter.columns(), interpreter.params()), (1, 2));
    let mut out = [0.0];
    interpreter.row(&mut Scratch::default(), &[10.0], &[100.0, 1000.0], &mut out).unwrap();
    assert_eq!(out, [200.0 + 10000.0 - 2.0]);
}
