//! The language, rule by rule: what each form means. What is refused is in `errors.rs`.

mod checked {
    //! Evaluation of small programs in every tier at once.

    use nc_runtime::batch::{self, Batch, Options, Workspace};
    use neural_compiler::{CompileOptions, Kernel, Limits, Program, Shape, Signature, Tier};

    /// The results for one row, the same bits in every tier; NaN for a row that fails.
    pub fn run(source: &str, shapes: &[(&str, Shape)], inputs: &[f64], params: &[(&str, f64)]) -> Vec<f64> {
        run_within(source, shapes, inputs, params, None)
    }

    /// The same with limits in place of the program's own.
    pub fn run_within(
        source: &str,
        shapes: &[(&str, Shape)],
        inputs: &[f64],
        params: &[(&str, f64)],
        limits: Option<Limits>,
    ) -> Vec<f64> {
        let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
        let mut signature = Signature::scalars();
        for &(name, shape) in shapes {
            signature = signature.shape(name, shape);
        }
        for &(name, _) in params {
            signature = signature.parameter(name);
        }
        let mut results: Vec<Vec<f64>> = Vec::new();
        for tier in [Tier::Interpret, crate::support::native_tier()] {
            let options = CompileOptions::default().signature(signature.clone()).tier(tier).limits(limits);
            let kernel = program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"));
            results.push(row(&kernel, inputs, params));
            let graph = kernel.graph().clone();
            results.push(row(&Kernel::from_graph(graph, &options).expect("a kernel"), inputs, params));
        }
        let bits = |row: &Vec<f64>| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert!(results.windows(2).all(|w| bits(&w[0]) == bits(&w[1])), "{source}: {results:?}");
        results.swap_remove(0)
    }

    fn row(kernel: &Kernel, inputs: &[f64], params: &[(&str, f64)]) -> Vec<f64> {
        use nc_runtime::batch::Kernel as _;
        let columns: Vec<[f64; 1]> = inputs.iter().map(|&x| [x]).collect();
        let sources: Vec<batch::Source<'_>> = columns.iter().map(|c| batch::Source::Column(c)).collect();
        let params: Vec<f64> = params.iter().map(|p| p.1).collect();
        let mut outputs = vec![vec![0.0]; kernel.shape().outputs];
        let mut sinks: Vec<batch::Sink<'_>> = outputs.iter_mut().map(|c| batch::Sink::Column(c)).collect();
        let batch = Batch {
            rows: 1,
            inputs: &sources,
            params: &params,
            outputs: &mut sinks,
            param_gradients: &mut [],
        };
        kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).expect("a report");
        outputs.into_iter().flatten().collect()
    }
}

use neural_compiler::internals::interpret::ast::{AstInterpreter, Failure, FailureReason, Scratch};
use neural_compiler::{CompileOptions, Limits, Program, Reason, Shape, Signature, Stage};

/// The value of a program of scalars at these inputs, in order of the signature.
fn at(source: &str, inputs: &[f64]) -> f64 {
    let all = checked::run(source, &[], inputs, &[]);
    assert_eq!(all.len(), 1, "{source} has {all:?}");
    all[0]
}

/// All results of a program without inputs.
fn all(source: &str) -> Vec<f64> {
    checked::run(source, &[], &[], &[])
}

/// The value of a program without inputs.
fn value(source: &str) -> f64 {
    at(source, &[])
}

/// Results of a program, so many numbers, in every tier; why it fails by the AST interpreter.
fn tree(source: &str, inputs: &[f64], count: usize, limits: Limits) -> Result<Vec<f64>, Failure> {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let interpreter =
        AstInterpreter::new(program.resolved().clone(), &Signature::scalars()).with_limits(limits);
    let mut outputs = vec![0.0; count];
    let outcome = interpreter.row(&mut Scratch::default(), inputs, &[], &mut outputs);
    let shape_error = matches!(&outcome, Err(failure) if matches!(failure.reason, FailureReason::Shape(_)));
    if !shape_error {
        let all = checked::run_within(source, &[], inputs, &[], Some(limits));
        assert_eq!(bits(&all), bits(&outputs), "{source}");
    }
    outcome.map(|()| outputs)
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// The value of a program of scalars in every tier.
fn computed(source: &str, inputs: &[f64]) -> f64 {
    tree(source, inputs, 1, Limits::default()).unwrap_or_else(|e| panic!("{source}: {e:?}"))[0]
}

/// The reason for which a row fails, with the text at its place, and the state.
fn failing(source: &str, inputs: &[f64], limits: Limits) -> (FailureReason, String, Vec<(String, Vec<f64>)>) {
    let failure = tree(source, inputs, 1, limits).expect_err("a failure");
    let state = failure.state.into_iter().map(|variable| (variable.name, variable.elements)).collect();
    (failure.reason, failure.span.text(source).to_string(), state)
}

fn inputs(source: &str) -> Vec<String> {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    program.inputs().map(str::to_string).collect()
}

fn same(a: f64, b: f64) {
    assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{a} is not {b}");
}

#[test]
fn numbers() {
    for (text, number) in [
        ("42", 42.0),
        ("-0", -0.0),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("6.674E-11", 6.674e-11),
        ("1/3", 1.0 / 3.0),
        ("-2/4", -0.5),
        ("1e999", f64::INFINITY),
        ("1e-999", 0.0),
        ("4.9e-324", 5e-324),
        ("0.1", 0.1),
        ("+inf.0", f64::INFINITY),
        ("-inf.0", f64::NEG_INFINITY),
        ("+nan.0", f64::NAN),
        ("#t", 1.0),
        ("#true", 1.0),
        ("#f", 0.0),
        ("#false", 0.0),
    ] {
        same(value(text), number);
    }
    // What looks almost like a number is a name.
    assert_eq!(inputs("(+ e5 -x +y ... a.b x_1 λ a->b)").len(), 8);
}

#[test]
fn comments() {
    same(value("; nothing\n(+ 1 ; one\n 2) ; end"), 3.0);
    same(value("#| a #| nested |# block |# (+ 1 #| in between |# 2)"), 3.0);
    same(value("(+ 1 #;(this is (hidden)) 2)"), 3.0);
    same(value("(+ 1 #; #; 5 6 2)"), 3.0);
    same(value("#;(define x 1) (+ 1 2) #;x"), 3.0);
    same(value("(+ #|;|# 1 2) ;|#"), 3.0);
    same(value("(+\t1\r\n2\u{a0}3)"), 6.0);
}

#[test]
fn names_are_case_sensitive() {
    assert_eq!(inputs("(+ x X (* G g))"), ["x", "X", "G", "g"]);
}

#[test]
fn arithmetic_folds_from_the_left() {
    same(value("(+)"), 0.0);
    same(value("(*)"), 1.0);
    same(at("(+ x)", &[-0.0]), -0.0);
    same(at("(+ a b c)", &[1e16, 1.0, -1e16]), 1e16 + 1.0 - 1e16);
    same(at("(- a b c)", &[1.0, 2.0, 4.0]), -5.0);
    same(at("(/ a b c)", &[1.0, 3.0, 7.0]), 1.0 / 3.0 / 7.0);
    same(at("(* a b c)", &[1e300, 1e300, 1e-300]), f64::INFINITY);
    same(at("(- x)", &[0.0]), -0.0);
    same(at("(/ x)", &[-0.0]), f64::NEG_INFINITY);
    same(at("(min a b)", &[-0.0, 0.0]), -0.0);
    same(at("(max a b)", &[-0.0, 0.0]), 0.0);
    same(at("(min a b c)", &[3.0, f64::NAN, 1.0]), f64::NAN);
    same(at("(max a b c)", &[3.0, 7.0, 5.0]), 7.0);
}

#[test]
fn comparisons_chain() {
    same(at("(< a b c)", &[1.0, 2.0, 3.0]), 1.0);
    same(at("(< a b c)", &[1.0, 3.0, 2.0]), 0.0);
    same(at("(<= a b c)", &[1.0, 1.0, 2.0]), 1.0);
    same(at("(> a b c)", &[3.0, 2.0, 1.0]), 1.0);
    same(at("(>= a b c)", &[3.0, 3.0, 4.0]), 0.0);
    same(at("(= a b c)", &[3.0, 3.0, 3.0]), 1.0);
    same(at("(== a b)", &[0.0, -0.0]), 1.0);
    same(at("(= x x)", &[f64::NAN]), 0.0);
    same(at("(< x)", &[f64::NAN]), 1.0);
    // Truth values are numbers as soon as one is wanted.
    same(at("(+ (< a b) (< a b) (not a))", &[1.0, 2.0]), 2.0);
    same(at("(= (< a b) 1)", &[1.0, 2.0]), 1.0);
}

#[test]
fn zero_is_the_only_false_value() {
    for (x, truth) in [(0.0, 0.0), (-0.0, 0.0), (1.0, 1.0), (-2.0, 1.0), (5e-324, 1.0), (f64::NAN, 1.0)] {
        same(at("(if x 1 0)", &[x]), truth);
        same(at("(not x)", &[x]), 1.0 - truth);
        same(at("(and x)", &[x]), truth);
        same(at("(or x)", &[x]), truth);
        same(at("(and 1 x)", &[x]), truth);
        same(at("(or 0 x)", &[x]), truth);
        same(at("(cond (x 1) (else 0))", &[x]), truth);
    }
    same(value("(and)"), 1.0);
    same(value("(or)"), 0.0);
    // `and` and `or` give 1 or 0, not an operand.
    same(value("(and 2 3)"), 1.0);
    same(value("(or 0 3)"), 1.0);
}

#[test]
fn logic_stops_early() {
    let index = [("u", Shape::Vector(2))];
    // A row fails only where the failing operation is reached.
    same(
        checked::run("(and 0 (ref u 0.5))".replace("0.5", "x").as_str(), &index, &[1.0, 2.0, 0.5], &[])[0],
        0.0,
    );
    same(checked::run("(or (< x 1) (ref u x))", &index, &[0.5, 1.0, 2.0], &[])[0], 1.0);
    same(checked::run("(and (< x 1) (ref u x))", &index, &[0.5, 1.0, 2.0], &[])[0], f64::NAN);
    same(checked::run("(if (= x 0.5) 7 (ref u x))", &index, &[0.5, 1.0, 2.0], &[])[0], 7.0);
    // Evaluation is strict: a binding fails its row even where its value is not used.
    same(checked::run("(let ((w (ref u x))) 7)", &index, &[1.0, 2.0, 0.5], &[])[0], f64::NAN);
}

#[test]
fn conditionals() {
    let sign = "(cond ((< x 0) -1) ((= x 0) 0) (else 1))";
    for (x, expected) in [(-3.0, -1.0), (0.0, 0.0), (2.0, 1.0), (f64::NAN, 1.0)] {
        same(at(sign, &[x]), expected);
    }
    same(value("(cond (else 4))"), 4.0);
    same(at("(begin (+ x 1))", &[1.0]), 2.0);
    same(at("(if (< x 0) (sqrt (- x)) (sqrt x))", &[-4.0]), 2.0);
}

#[test]
fn let_binds_in_parallel() {
    same(at("(let ((x y) (y x)) (- x y))", &[1.0, 5.0]), 1.0 - 5.0);
    assert_eq!(inputs("(let ((x y) (y x)) (- x y))"), ["y", "x"]);
    same(value("(let ((a 1)) (let ((a 2) (b a)) (+ (* 10 a) b)))"), 21.0);
    same(value("(let () 5)"), 5.0);
    same(value("(let* ((a 1) (b (+ a 1)) (a (* b 10))) (+ a b))"), 22.0);
    same(value("(let* () 5)"), 5.0);
    same(value("(+ (let ((a 1)) a) (let ((a 2)) a))"), 3.0);
    same(at("(let ((x (* x 2))) (let ((x (+ x 1))) (* x x)))", &[3.0]), 49.0);
}

#[test]
fn a_binding_ends_with_its_body() {
    // The `x` outside is an input, and keeps its name.
    assert_eq!(inputs("(+ (let ((x 1)) x) x)"), ["x"]);
    same(at("(+ (let ((x 1)) x) x)", &[10.0]), 11.0);
    assert_eq!(inputs("(define (f x) (* x x)) (f x)"), ["x"]);
    same(at("(define (f x) (* x x)) (f x)", &[3.0]), 9.0);
    assert_eq!(inputs("(let ((f (lambda (x) (* 2 x)))) (+ (f x) (f y)))"), ["x", "y"]);
    assert_eq!(inputs("(define (f x) (let ((y x)) y)) (+ (f y) (f x) x.2)"), ["y", "x", "x.2"]);
    // Names like those that dumps make up are names like all others.
    assert_eq!(inputs("(let ((y %0)) (+ y (* y %x)))"), ["%0", "%x"]);
    same(at("(let ((y %0)) (+ y (* y %x)))", &[2.0, 3.0]), 8.0);
}

#[test]
fn primitives_can_be_shadowed() {
    same(at("(let ((+ 3)) (* + x))", &[2.0]), 6.0);
    same(at("(let ((sin (lambda (a) (* 2 a)))) (sin x))", &[4.0]), 8.0);
    same(at("(define (square x) (+ x 1)) (square x)", &[4.0]), 5.0);
    same(at("(define (f exp) (* exp 2)) (f 4)", &[]), 8.0);
    // An unbound primitive's name in operand position is an input.
    assert_eq!(inputs("(pow base exp)"), ["base", "exp"]);
    assert_eq!(inputs("(pow (exp base) exp)"), ["base", "exp"]);
    same(at("(pow (exp base) exp)", &[0.0, 3.0]), 1.0);
    assert_eq!(inputs("(+ exp (let ((exp (lambda (x) (* 3 x)))) (exp exp2)))"), ["exp", "exp2"]);
    // Brackets mean vectors whatever `vec` means.
    same(at("(let ((vec (lambda (a b) (+ a b)))) (vsum [(vec 1 2) x]))", &[10.0]), 13.0);
    // So do derived forms.
    same(value("(let ((if (lambda (a) a)) (not 5)) (and 1 not))"), 1.0);
}

#[test]
fn inputs_stand_in_order_of_appearance() {
    assert_eq!(inputs("(* m (pow c 2))"), ["m", "c"]);
    assert_eq!(inputs("(+ z (let ((a y)) (* a x)))"), ["z", "y", "x"]);
    assert_eq!(inputs("(define k (* q 2)) (+ a k)"), ["q", "a"]);
    // Parameters of the last function come first, used or not; then free variables.
    assert_eq!(inputs("(define (f x unused y) (* y x g))"), ["x", "unused", "y", "g"]);
    assert_eq!(inputs("(define (g a) (* a c)) (define (f b) (+ (g b) d))"), ["b", "c", "d"]);
    assert_eq!(inputs("(define f (lambda (p q) (- p q)))"), ["p", "q"]);
    same(at("(define (f x unused y) (- y x))", &[1.0, 100.0, 5.0]), 4.0);
    // In an expression, a variable that appears only in an unused place is an input too.
    assert_eq!(inputs("(let ((unused a)) b)"), ["a", "b"]);
    assert_eq!(inputs("(define (f x) (+ x hidden)) 5"), ["hidden"]);
}

#[test]
fn definitions() {
    same(
        at("(define c 299792458) (define (energy m) (* m (square c))) (energy m)", &[2.0]),
        2.0 * 299792458f64.powi(2),
    );
    // Functions may be defined after their use, in any order.
    same(value("(define (f x) (g (+ x 1))) (define (g x) (* x 10)) (f 1)"), 20.0);
    same(value("(define a (f 1)) (define (f x) (+ x 1)) a"), 2.0);
    // A function sees values that are defined by the time it is called.
    same(value("(define (f x) (* k x)) (define k 3) (f 2)"), 6.0);
    same(value("(define (f x) (let ((g (lambda (y) (* x y)))) (g (g 2)))) (f 3)"), 18.0);
    same(value("(define nothing-is-used 1) 5"), 5.0);
    same(value("(define (f) 5) (+ (f) (f))"), 10.0);
}

#[test]
fn functions_capture_at_any_depth() {
    let source = "
        (define (outer a)
          (let ((b (* a 10)))
            (let ((middle (lambda (c)
                    (let ((inner (lambda (d) (+ a b c d k))))
                      (+ (inner 1) (inner c))))))
              (let ((a 1000) (b 1000))
                (+ (middle 2) (middle a))))))
        (define k 0.5)
        (outer x)";
    let inner = |a: f64, c: f64, d: f64| a + a * 10.0 + c + d + 0.5;
    let middle = |a: f64, c: f64| inner(a, c, 1.0) + inner(a, c, c);
    same(at(source, &[3.0]), middle(3.0, 2.0) + middle(3.0, 1000.0));
    same(
        at(
            "(let ((f (lambda (y) (* y x)))) (let ((g (lambda (z) (f (+ z 1))))) (let ((x 100)) (g x))))",
            &[2.0],
        ),
        202.0,
    );
    same(at("((lambda (a b) (- a b)) x (* x 2))", &[3.0]), -3.0);
    same(value("((lambda () 7))"), 7.0);
    // A function called with different shapes is a function of each.
    assert_eq!(all("(define (f v) (* 2 v)) (+ (f [1 2]) (f 5))"), [12.0, 14.0]);
}

#[test]
fn named_results() {
    let program = Program::parse("(values (sum (+ x y)) (less (< x y)) (both [x y]))").expect("a program");
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let names: Vec<&str> = kernel.outputs().iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["sum", "less", "both"]);
    assert_eq!(kernel.outputs()[2].shape, Shape::Vector(2));
    assert_eq!(
        checked::run("(values (sum (+ x y)) (less (< x y)) (both [x y]))", &[], &[1.0, 2.0], &[]),
        [3.0, 1.0, 1.0, 2.0]
    );
    assert_eq!(all("(values (a 1))"), [1.0]);
}

#[test]
fn vectors_and_matrices() {
    assert_eq!(all("[1 2 3]"), [1.0, 2.0, 3.0]);
    assert_eq!(all("[[1 2] [3 4]]"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(all("(mat 2 3 1 2 3 4 5 6)"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(all("(mat [1 2] [3 4])"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(all("[(< 1 2) (< 2 1)]"), [1.0, 0.0]);
    assert_eq!(all("(zeros 2)"), [0.0, 0.0]);
    assert_eq!(all("(ones 1 2)"), [1.0, 1.0]);
    assert_eq!(all("(eye 2)"), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(all("(transpose [[1 2 3] [4 5 6]])"), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(all("(matmul [[1 2] [3 4]] [[5 6] [7 8]])"), [19.0, 22.0, 43.0, 50.0]);
    assert_eq!(all("(matvec [[1 2] [3 4]] [5 6])"), [17.0, 39.0]);
    assert_eq!(all("(outer [1 2] [3 4 5])"), [3.0, 4.0, 5.0, 6.0, 8.0, 10.0]);
    assert_eq!(all("(cross [1 0 0] [0 1 0])"), [0.0, 0.0, 1.0]);
    same(value("(dot [1 2] [3 4])"), 11.0);
    same(value("(vsum [[1 2] [3 4]])"), 10.0);
    same(value("(norm [3 4])"), 5.0);
    same(value("(det [[1 2] [3 4]])"), -2.0);
    same(value("(trace [[1 2] [3 4]])"), 5.0);
    same(value("(vlen [1 2 3])"), 3.0);
    same(value("(vlen [[1 2 3] [4 5 6]])"), 2.0);
}

#[test]
fn scalars_broadcast() {
    assert_eq!(all("(+ 1 [1 2])"), [2.0, 3.0]);
    assert_eq!(all("(- [1 2] 1 [5 5])"), [-5.0, -4.0]);
    assert_eq!(all("(* [[1 2] [3 4]] 2)"), [2.0, 4.0, 6.0, 8.0]);
    assert_eq!(all("(+ 1 2 [1 2] 3)"), [7.0, 8.0]);
    assert_eq!(all("(max 2 [1 3])"), [2.0, 3.0]);
    assert_eq!(all("(sqrt [4 9])"), [2.0, 3.0]);
    assert_eq!(all("(< 1 [0 1 2])"), [0.0, 0.0, 1.0]);
    assert_eq!(all("(< 0 [1 5] 3)"), [1.0, 0.0]);
    assert_eq!(all("(not [0 2])"), [1.0, 0.0]);
    assert_eq!(all("(pow [1 2 3] 2)"), [1.0, 4.0, 9.0]);
    assert_eq!(all("(if 1 [1 2] [3 4])"), [1.0, 2.0]);
}

#[test]
fn references() {
    let u = [("u", Shape::Vector(3))];
    let a = [("A", Shape::Matrix(2, 3))];
    let elements = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    same(value("(ref [7 8 9] 1)"), 8.0);
    same(value("(ref [7 8 9] (+ 1 1))"), 9.0);
    same(value("(ref [7 8 9] (< 1 2))"), 8.0);
    assert_eq!(all("(ref [[1 2] [3 4]] 1)"), [3.0, 4.0]);
    same(value("(ref [[1 2] [3 4]] 1 0)"), 3.0);
    same(value("(ref (ref [[1 2] [3 4]] 1) 0)"), 3.0);
    let row = |i: f64| [&[1.0, 2.0, 3.0][..], &[i]].concat();
    for (i, expected) in [
        (0.0, 1.0),
        (-0.0, 1.0),
        (2.0, 3.0),
        (3.0, f64::NAN),
        (-1.0, f64::NAN),
        (0.5, f64::NAN),
        (f64::NAN, f64::NAN),
    ] {
        same(checked::run("(ref u i)", &u, &row(i), &[])[0], expected);
    }
    let matrix = |i: f64, j: f64| [&elements[..], &[i, j]].concat();
    same(checked::run("(ref A i j)", &a, &matrix(1.0, 2.0), &[])[0], 6.0);
    same(checked::run("(ref A i j)", &a, &matrix(1.0, 3.0), &[])[0], f64::NAN);
    same(checked::run("(ref A i j)", &a, &matrix(2.0, 1.0), &[])[0], f64::NAN);
    assert_eq!(checked::run("(ref A i)", &a, &matrix(1.0, 0.0)[..7], &[]), [4.0, 5.0, 6.0]);
    // A row that fails is NaN in every result.
    let both = checked::run("(values (a 1) (b (ref u i)))", &u, &row(9.0), &[]);
    assert!(both.iter().all(|x| x.is_nan()), "{both:?}");
}

#[test]
fn sizes_are_constant_after_inlining() {
    assert_eq!(all("(define n 2) (zeros (+ n 1))"), [0.0; 3]);
    assert_eq!(all("(define (unit n) (/ (ones n) (sqrt n))) (unit 4)"), [0.5; 4]);
    assert_eq!(all("(define (like v) (ones (vlen v))) (like [7 8])"), [1.0; 2]);
    assert_eq!(all("(let ((n (if (< 1 2) 2 3))) (ones n))"), [1.0; 2]);
    // A choice that is known picks its arm before shapes are compared.
    assert_eq!(all("(define (f n) (if (= n 2) [1 2] 5)) (f 2)"), [1.0, 2.0]);
    assert_eq!(all("(define (f n) (if (< n 2) (zeros n) [1 2 3])) (f 4)"), [1.0, 2.0, 3.0]);
}

#[test]
fn constants_can_become_parameters() {
    let source = "(define G 6.674e-11) (define k (* 2 G)) (* k m)";
    assert_eq!(inputs(source), ["m"]);
    let program = Program::parse(source).expect("a program");
    assert_eq!(program.constants().collect::<Vec<_>>(), [("G", 6.674e-11)]);
    same(checked::run(source, &[], &[3.0], &[("G", 10.0)])[0], 60.0);
    same(checked::run(source, &[], &[3.0], &[])[0], 2.0 * 6.674e-11 * 3.0);
    // Inputs can be parameters as well; they come before constants.
    same(checked::run(source, &[], &[], &[("m", 3.0), ("G", 10.0)])[0], 60.0);
}

#[test]
fn inputs_have_the_shapes_of_the_signature() {
    let shapes = [("v", Shape::Vector(2)), ("M", Shape::Matrix(2, 2))];
    assert_eq!(checked::run("(matvec M v)", &shapes, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[]), [17.0, 39.0]);
    assert_eq!(checked::run("(+ v s)", &shapes[..1], &[1.0, 2.0, 10.0], &[]), [11.0, 12.0]);
}

#[test]
fn dumps_read_as_programs() {
    // The AST as it is printed is a program with the same value.
    for source in [
        "(cond ((< x 0) (- x)) ((and x (not y)) 1) (else (let* ((a x) (b a)) (* a b))))",
        "(define (f a) (let ((g (lambda (b) (* a b)))) (g 2))) (define k 1/3) (+ (f x) k y)",
        "(values (a (+ x y)) (b (or x y)))",
    ] {
        let program = Program::parse(source).expect("a program");
        let text = program.stage(Stage::Ast, &CompileOptions::default(), None).expect("text");
        let point = [0.75, -2.0];
        let (before, after) = (checked::run(source, &[], &point, &[]), checked::run(&text, &[], &point, &[]));
        assert_eq!(before, after, "{text}");
    }
}

#[test]
fn loops() {
    let sum = "(loop ((i 0) (sum 0)) (if (= i n) sum (recur (+ i 1) (+ sum i))))";
    same(computed(sum, &[0.0]), 0.0);
    same(computed(sum, &[10.0]), 45.0);
    same(computed(sum, &[10_000.0]), 49_995_000.0);
    // A loop that never goes on, and one without variables.
    same(computed("(loop ((i 7)) i)", &[]), 7.0);
    same(computed("(loop () (if x 5 (recur)))", &[1.0]), 5.0);
    // First values are evaluated outside, and all at once.
    same(computed("(loop ((x (* x 2)) (y x)) (if (< x 100) (recur (+ x y) y) x))", &[3.0]), 102.0);
    // All values of the next iteration are those of this one.
    same(
        computed("(loop ((a 0) (b 1) (k n)) (if (= k 0) a (recur b (+ a b) (- k 1))))", &[90.0]),
        2880067194370816120.0,
    );
    same(computed("(loop ((a 1) (b 2)) (if (= a 2) (- a b) (recur b a)))", &[]), 1.0);
    same(
        computed(
            "(+ 1 (loop ((x 1)) (if (< (abs (- (* x x) n)) 1e-12) x (recur (* 1/2 (+ x (/ n x)))))))",
            &[2.0],
        ),
        1.0 + std::f64::consts::SQRT_2,
    );
    // In `cond`, below `let` and in both arms.
    same(
        computed(
            "(loop ((n n) (steps 0)) (cond ((= n 1) steps) ((= (modulo n 2) 0) (recur (/ n 2) (+ steps 1))) (else (let ((m (* 3 n))) (recur (+ m 1) (+ steps 1))))))",
            &[27.0],
        ),
        111.0,
    );
    same(computed("(loop ((i 0)) (if (< i 5) (if (< i 2) (recur (+ i 2)) (recur (+ i 3))) i))", &[]), 5.0);
    // NaN is true.
    same(computed("(loop ((x 1)) (if (< x 1e300) (recur (* x x 10)) x))", &[]), f64::INFINITY);
}

#[test]
fn loops_in_loops() {
    let product = "
        (loop ((i 0) (total 0))
          (if (= i m) total
              (recur (+ i 1)
                     (loop ((j 0) (sum total))
                       (if (= j n) sum (recur (+ j 1) (+ sum (* i j))))))))";
    same(computed(product, &[10.0, 20.0]), 45.0 * 190.0);
    // The inner loop is the last thing that the outer does: `recur` is its own.
    same(
        computed(
            "(loop ((i 3) (s 0)) (if (= i 0) s (loop ((j i) (t s)) (if (= j 0) (+ t i) (recur (- j 1) (+ t 1))))))",
            &[],
        ),
        6.0,
    );
    same(
        computed(
            "(loop ((i 0)) (if (< (loop ((j i)) (if (< j 10) (recur (+ j 3)) j)) 12) (recur (+ i 1)) i))",
            &[],
        ),
        0.0,
    );
    // The inner loop goes on with the outer one: they are one loop.
    let triangle = "
        (let outer ((i 0) (s 0))
          (if (= i n) s
              (let ((k (* i 10)))
                (let inner ((j 0) (t s))
                  (if (= j i) (outer (+ i 1) (+ t k)) (inner (+ j 1) (+ t i k)))))))";
    let expected: f64 = (0..5).map(|i| f64::from(i * 10 + i * (i + i * 10))).sum();
    same(computed(triangle, &[5.0]), expected);
}

#[test]
fn named_let() {
    same(computed("(let again ((i 0)) (if (< i n) (again (+ i 1)) i))", &[5.0]), 5.0);
    // The first values do not know the name.
    same(computed("(define (f x) (* x 10)) (let f ((x (f 1))) (if (< x 11) (f (+ x 1)) x))", &[]), 11.0);
    // Calls elsewhere than at the end are recursion.
    same(computed("(let fact ((n n)) (if (= n 0) 1 (* n (fact (- n 1)))))", &[20.0]), 2432902008176640000.0);
    same(computed("(let f ((n n)) (if (< n 2) n (+ (f (- n 1)) (f (- n 2)))))", &[20.0]), 6765.0);
    // A name of a form is a name like all others where it is bound, and a form elsewhere.
    same(computed("(let loop ((i 0)) (if (< i 4) (loop (+ i 1)) i))", &[]), 4.0);
    let both =
        "(+ (let loop ((i 0)) (if (< i 4) (loop (+ i 1)) i)) (loop ((i 0)) (if (< i 4) (recur (+ i 1)) i)))";
    same(computed(both, &[]), 8.0);
    same(computed("(define (recur x) (* 2 x)) (loop ((i 1)) (recur i))", &[]), 2.0);
    same(computed("(let ((do (lambda (x) (+ x 1)))) (do 1))", &[]), 2.0);
    same(computed("(define (letrec x) (+ x 1)) (letrec 1)", &[]), 2.0);
}

#[test]
fn do_loops() {
    same(computed("(do ((i 0 (+ i 1)) (s 0 (+ s i))) ((= i n) s))", &[5.0]), 10.0);
    // A variable without a next value keeps it.
    same(computed("(do ((i 0 (+ i step)) (step 3)) ((> i 10) (+ i step)))", &[]), 15.0);
    same(computed("(do () (x 4))", &[1.0]), 4.0);
    same(computed("(do ((x 1 (do ((y x (* y 2))) ((> y 10) y)))) ((> x 10) x))", &[]), 16.0);
}

#[test]
fn recursion() {
    let fib = "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib n)";
    same(computed(fib, &[22.0]), 17711.0);
    let ackermann = "
        (define (ack m n)
          (cond ((= m 0) (+ n 1))
                ((= n 0) (ack (- m 1) 1))
                (else (ack (- m 1) (ack m (- n 1))))))
        (ack m n)";
    same(computed(ackermann, &[2.0, 9.0]), 21.0);
    same(computed(ackermann, &[3.0, 5.0]), 253.0);
    let gcd = "(define (gcd a b) (if (= b 0) a (gcd b (remainder a b)))) (gcd a b)";
    same(computed(gcd, &[1071.0, 462.0]), 21.0);
    // Both as programs that end in the function: its parameters are the inputs.
    let gcd = "(define (gcd a b) (if (= b 0) a (gcd b (remainder a b))))";
    assert_eq!(inputs(gcd), ["a", "b"]);
    same(computed(gcd, &[1071.0, 462.0]), 21.0);
    same(computed("(define (fact n) (if (= n 0) 1 (* n (fact (- n 1)))))", &[10.0]), 3628800.0);
    let hofstadter = "
        (define (f n) (if (= n 0) 1 (- n (m (f (- n 1))))))
        (define (m n) (if (= n 0) 0 (- n (f (m (- n 1))))))
        (values (f (f n)) (m (m n)))";
    assert_eq!(tree(hofstadter, &[12.0], 2, Limits::default()).expect("values"), [8.0, 7.0]);
    let takeuchi = "
        (define (tak x y z)
          (if (<= x y) z
              (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y))))
        (tak x y z)";
    same(computed(takeuchi, &[12.0, 8.0, 4.0]), 5.0);
    // Vectors, and an accumulator beside recursion.
    let power = "
        (define (power A n)
          (cond ((= n 0) (eye 2))
                ((= (modulo n 2) 1) (matmul A (power A (- n 1))))
                (else (let ((B (power A (/ n 2)))) (matmul B B)))))
        (power [[1 1] [1 0]] n)";
    assert_eq!(
        tree(power, &[30.0], 4, Limits::default()).expect("a matrix"),
        [1346269.0, 832040.0, 832040.0, 514229.0]
    );
}

#[test]
fn mutual_recursion() {
    let parity = "
        (define (even? n) (if (= n 0) 1 (odd? (- n 1))))
        (define (odd? n) (if (= n 0) 0 (even? (- n 1))))
        (+ (even? n) (* 10 (odd? n)))";
    same(computed(parity, &[7.0]), 10.0);
    same(computed(parity, &[10_000.0]), 1.0);
    let local = "
        (letrec ((even? (lambda (n) (if (= n 0) 1 (odd? (- n 1)))))
                 (odd? (lambda (n) (if (= n 0) 0 (even? (- n 1))))))
          (even? n))";
    same(computed(local, &[10.0]), 1.0);
    // Three functions, in and out of loops, with different parameters.
    let machine = "
        (define (start x) (grow x 0))
        (define (grow x count) (if (> x 1000) (shrink x count 2) (grow (* x 3) (+ count 1))))
        (define (shrink y n by) (cond ((< y 1) n) ((> n 100) (- n)) (else (if (> by 5) (start y) (shrink (/ y by) (+ n 1) (+ by 1))))))
        (start x)";
    let limits = Limits { iterations: 50, ..Limits::default() };
    assert!(matches!(
        failing(machine, &[2.0], limits).0,
        FailureReason::Check(Reason::Iterations { limit: 50 })
    ));
    let ends = machine.replace("(> by 5)", "(> by 9)");
    same(computed(&ends, &[2.0]), 12.0);
    // A loop that goes on in the function around it.
    let through = "(define (f n s) (loop ((i 0) (t s)) (cond ((< i n) (recur (+ i 1) (+ t i))) ((= n 0) t) (else (f (- n 1) t))))) (f n 0)";
    same(computed(through, &[4.0]), 6.0 + 3.0 + 1.0);
}

#[test]
fn local_recursion() {
    same(computed("(letrec ((f (lambda (n) (if (= n 0) 1 (* n (f (- n 1))))))) (f 5))", &[]), 120.0);
    // Values in order, functions at once.
    same(computed("(letrec* ((a 2) (f (lambda (x) (* a x))) (b (f 10))) (+ a b))", &[]), 22.0);
    same(computed("(letrec ((f (lambda (x) (g (+ x 1)))) (g (lambda (x) (* x k))) (k 5)) (f 1))", &[]), 10.0);
    same(computed("(letrec () 3)", &[]), 3.0);
    let body = "
        (define (f x)
          (define k 10)
          (define (g n) (if (= n 0) k (+ 1 (g (- n h)))))
          (define h 1)
          (define total (+ (g x) k))
          (* 2 total))
        (f 3)";
    same(computed(body, &[]), 46.0);
    same(computed("(let ((x 1)) (define y (+ x 1)) (define (z) (+ y x)) (z))", &[]), 3.0);
    same(computed("(loop ((i 0)) (define j (+ i 1)) (if (< j 5) (recur j) i))", &[]), 4.0);
    same(computed("(let again ((i 0)) (define (next) (+ i 2)) (if (< i 5) (again (next)) i))", &[]), 6.0);
    same(computed("(define f (lambda (x) (define y 2) (* x y))) (f 3)", &[]), 6.0);
    same(computed("((lambda (x) (define y 2) (* x y)) 5)", &[]), 10.0);
    same(computed("(let* ((x 1)) (define x 2) x)", &[]), 2.0);
    // A local definition hides what is around.
    same(computed("(define (g) 1) (define (f) (define (g) 2) (g)) (+ (f) (* 10 (g)))", &[]), 12.0);
    assert_eq!(inputs("(define (f x) (define y z) (+ x y)) (f w)"), ["z", "w"]);
}

#[test]
fn recursive_functions_capture_at_any_depth() {
    let source = "
        (define (outer a)
          (let ((b (* a 10)))
            (loop ((i 0) (sum 0))
              (if (= i 3) sum
                  (recur (+ i 1)
                         (let walk ((j i) (acc sum))
                           (if (> j 5) (+ acc b)
                               (let ((down (lambda (k) (+ k a i))))
                                 (walk (+ j 1) (+ acc (down j) c))))))))))
        (define c 0.25)
        (outer x)";
    let reference = |a: f64| {
        let mut sum = 0.0;
        for i in 0..3 {
            for j in i..=5 {
                sum += f64::from(j) + a + f64::from(i) + 0.25;
            }
            sum += a * 10.0;
        }
        sum
    };
    same(computed(source, &[3.0]), reference(3.0));
    // Each activation has its own variables.
    let activations = "
        (define (f n)
          (let ((m (* n 100)))
            (letrec ((g (lambda (k) (if (= k 0) m (+ (g (- k 1)) (f (- n 1)))))))
              (if (= n 0) 1 (+ m (g 2) m)))))
        (f n)";
    fn f(n: f64) -> f64 {
        if n == 0.0 { 1.0 } else { n * 100.0 + (n * 100.0 + f(n - 1.0) + f(n - 1.0)) + n * 100.0 }
    }
    same(computed(activations, &[4.0]), f(4.0));
    // At a distance of three functions, with an iteration in between.
    let distant = "
        (define (a x)
          (define (b y)
            (define (c z)
              (define (d w) (if (< w z) (d (+ w 1)) (+ x (* 10 y) (* 100 z) (* 1000 w))))
              (if (< z 3) (c (+ z 1)) (d 0)))
            (if (< y 2) (b (+ y 1)) (c 0)))
          (b 0))
        (a x)";
    same(computed(distant, &[7.0]), 7.0 + 20.0 + 300.0 + 3000.0);
    // What an iteration of one function leaves to another is that of the last activation.
    let handed = "
        (define (f n s)
          (let ((k (* n n)))
            (letrec ((g (lambda (i) (if (= i 0) (f (- n 1) (+ s k)) (g (- i 1))))))
              (if (= n 0) s (g 2)))))
        (f n 0)";
    same(computed(handed, &[4.0]), 30.0);
    same(
        computed(
            "(let ((v [1 2 3])) (loop ((i 0) (s 0)) (if (= i (vlen v)) s (recur (+ i 1) (+ s (ref v i))))))",
            &[],
        ),
        6.0,
    );
}

#[test]
fn state_of_vectors() {
    let rotate = "
        (loop ((v [x 0]) (w [0 1 2]) (i 0))
          (if (= i 5) v (recur (+ (matvec [[0 -1] [1 0]] v) (ref w 1)) (* w 1) (+ i 1))))";
    assert_eq!(tree(rotate, &[3.0], 2, Limits::default()).expect("a vector"), [1.0, 4.0]);
    // A matrix that swaps with another, and a copy of the same twice.
    let swap = "
        (loop ((A [[1 2] [3 4]]) (B (eye 2)) (i 0))
          (if (= i 7) (matmul A B) (recur B A (+ i 1))))";
    assert_eq!(tree(swap, &[], 4, Limits::default()).expect("a matrix"), [1.0, 2.0, 3.0, 4.0]);
    let twice = "(loop ((u [1 2]) (v [3 4]) (i 0)) (if (= i 9) (dot u v) (recur v v (+ i 1))))";
    same(computed(twice, &[]), 25.0);
    // Shapes stay.
    let limits = Limits::default();
    let (reason, place, state) = failing("(loop ((v 1)) (if (vsum [v 2]) (recur [1 2]) v))", &[], limits);
    let FailureReason::Shape(error) = reason else { panic!("{reason:?}") };
    assert_eq!(error.to_string(), "`v` is a scalar at first, and a vec 2 in the next iteration");
    assert_eq!((place.as_str(), state), ("(recur [1 2])", vec![("v".to_string(), vec![1.0])]));
    let later = "
        (define (f u) (if (< (ref u 0) 5) (g [(ref u 0) 2]) 0))
        (define (g w) (if (< (ref w 0) 2) (f [3 1]) (f [5 5 5])))
        (f [1 2])";
    let (reason, place, _) = failing(later, &[], limits);
    assert!(matches!(reason, FailureReason::Shape(_)), "{reason:?}");
    assert_eq!(place, "(f [5 5 5])");
}

#[test]
fn limits_of_loops_and_calls() {
    let limits = |iterations, depth, steps| Limits { iterations, depth, steps };
    let count = "(+ 0 (loop ((i 0)) (if (< i n) (recur (+ i 1)) i)))";
    assert_eq!(tree(count, &[5.0], 1, limits(5, 0, 5)), Ok(vec![5.0]));
    let (reason, place, state) = failing(count, &[5.0], limits(4, 9, 9));
    assert_eq!(reason, FailureReason::Check(Reason::Iterations { limit: 4 }));
    assert_eq!((place.as_str(), state), ("loop", vec![("i".to_string(), vec![4.0])]));
    let (reason, place, _) = failing(count, &[5.0], limits(9, 9, 4));
    assert_eq!((reason, place.as_str()), (FailureReason::Check(Reason::Steps { limit: 4 }), "loop"));
    // Iterations are counted from each entry anew.
    let twice = "(define (f n) (let again ((i 0)) (if (< i n) (again (+ i 1)) i))) (+ (f n) (f n))";
    assert_eq!(tree(twice, &[5.0], 1, limits(5, 0, 10)), Ok(vec![10.0]));
    assert_eq!(failing(twice, &[5.0], limits(4, 0, 10)).1, "again");
    assert_eq!(failing(twice, &[5.0], limits(5, 0, 9)).0, FailureReason::Check(Reason::Steps { limit: 9 }));
    // A call that is under way counts, the first included.
    let depth = "(define (down n v) (if (= n 0) 0 (+ 1 (down (- n 1) [n 1])))) (down n [0 0])";
    assert_eq!(tree(depth, &[4.0], 1, limits(0, 5, 5)), Ok(vec![4.0]));
    let (reason, place, state) = failing(depth, &[4.0], limits(0, 4, 9));
    assert_eq!(
        (reason, place.as_str()),
        (FailureReason::Check(Reason::Depth { limit: 4 }), "(down (- n 1) [n 1])")
    );
    assert_eq!(state, [("n".to_string(), vec![1.0]), ("v".to_string(), vec![2.0, 1.0])]);
    let (reason, place, _) = failing(depth, &[4.0], limits(0, 9, 4));
    assert_eq!(
        (reason, place.as_str()),
        (FailureReason::Check(Reason::Steps { limit: 4 }), "(down (- n 1) [n 1])")
    );
    assert_eq!(failing(depth, &[4.0], limits(0, 0, 9)).1, "(down n [0 0])");
    // Calls at the end of a function take no depth, though its other calls do.
    let ackermann = "(define (ack m n) (cond ((= m 0) (+ n 1)) ((= n 0) (ack (- m 1) 1)) (else (ack (- m 1) (ack m (- n 1)))))) (ack 1 n)";
    assert_eq!(tree(ackermann, &[3.0], 1, limits(1, 4, 100)), Ok(vec![5.0]));
    assert_eq!(failing(ackermann, &[3.0], limits(0, 4, 100)).1, "ack");
    assert_eq!(failing(ackermann, &[3.0], limits(1, 3, 100)).1, "(ack m (- n 1))");
    // The place of a loop is the function by which it was entered.
    let parity = "(define (even? n) (if (= n 0) 1 (odd? (- n 1)))) (define (odd? n) (if (= n 0) 0 (even? (- n 1)))) (odd? 3)";
    assert_eq!(failing(parity, &[], limits(2, 0, 9)).1, "odd?");
    assert_eq!(failing(parity, &[], limits(2, 0, 9)).2, [("n".to_string(), vec![1.0])]);
    // The state of what fails for another reason.
    let index = "(loop ((i 0) (s 1)) (recur (+ i 1) (* s (ref [5 6] i))))";
    let (reason, place, state) = failing(index, &[], Limits::default());
    assert_eq!((reason, place.as_str()), (FailureReason::Check(Reason::Index { len: 2 }), "(ref [5 6] i)"));
    assert_eq!(state, [("i".to_string(), vec![2.0]), ("s".to_string(), vec![30.0])]);
}

#[test]
fn limits_in_the_header() {
    let limits = |source: &str| Program::parse(source).expect("a program").limits();
    assert_eq!(limits("x"), Limits::default());
    let source =
        "; Newton's method\n\n;; nc: --max-iterations 1000000 --max-steps=2000000000\n;nc:--max-depth 7\nx";
    assert_eq!(limits(source), Limits { iterations: 1_000_000, depth: 7, steps: 2_000_000_000 });
    // Only at the head.
    assert_eq!(limits("x ; nc: --max-depth 5"), Limits::default());
    assert_eq!(limits("(+ 1\n; nc: --max-depth 5\n2)"), Limits::default());
}
