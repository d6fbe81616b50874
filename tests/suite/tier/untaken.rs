//! What is not taken contributes nothing, not even NaN; and what derivatives are at kinks.

use crate::support;

use support::bits;
use support::derive::{Case, Value, matrix, number, vector};

use neural_compiler::internals::derive::adjoint::{Seeds, adjoint};
use neural_compiler::internals::derive::tangent::tangent;
use neural_compiler::internals::kernel::derived;
use neural_compiler::{CompileOptions, Derivative, Kernel, Limits, Program, Tier};
use support::generate::{Generated, Rng, program};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

type Inputs<'a> = &'a [(&'a str, Value)];

fn same(found: &[f64], expected: &[f64]) -> bool {
    // Signs of zero are not what these tests are about.
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| bits(a + 0.0) == bits(b + 0.0))
}

/// The Jacobian in both modes; for a single scalar result also through a cotangent of 1.
fn jacobian(text: &str, inputs: Inputs<'_>, expected: &[f64]) {
    let case = Case::new(text, inputs);
    let (reverse, forward) = (case.reverse(), case.forward());
    assert!(same(&reverse, expected), "{text}\n reverse  {reverse:?}\n expected {expected:?}");
    assert!(same(&forward, expected), "{text}\n forward  {forward:?}\n expected {expected:?}");
    if case.elements_of_value() == 1 {
        let vjp = case.vjp(&[1.0]);
        assert!(same(&vjp, expected), "{text}\n vjp      {vjp:?}\n expected {expected:?}");
    }
}

/// The Jacobian, and the Hessian.
fn second(text: &str, inputs: Inputs<'_>, expected: &[f64], hessian: &[f64]) {
    jacobian(text, inputs, expected);
    let found = Case::new(text, inputs).hessian();
    assert!(same(&found, hessian), "{text}\n Hessian  {found:?}\n expected {hessian:?}");
}

fn x(value: f64) -> [(&'static str, Value); 1] {
    [("x", number(value))]
}

fn xy(x: f64, y: f64) -> [(&'static str, Value); 2] {
    [("x", number(x)), ("y", number(y))]
}

#[test]
fn the_cases_of_the_design() {
    for zero in [0.0, -0.0] {
        for text in
            ["(if (= x 0) 1 (/ (sin x) x))", "(let ((s (sqrt x))) (if (> x 0) s 0))", "(max 1 (sqrt x))"]
        {
            second(text, &x(zero), &[0.0], &[0.0]);
        }
    }
}

#[test]
fn branches() {
    for text in [
        "(let ((l (log x))) (if (> x 0) (* x l) 0))",
        "(if x (/ 1 x) 0)",
        "(if (not x) 3 (/ (exp (/ 1 x)) x))",
        "(if (and (> x 0) (> (/ 1 x) 2)) (/ 1 x) 7)",
        "(if (or (<= x 0) (> (/ 1 x) 2)) 7 (/ 1 x))",
        "(cond ((< x 0) (sqrt (- x))) ((= x 0) 5) (else (log x)))",
        "(cond ((> x 1) (pow x 1/3)) ((> x 0) (/ 1 (sqrt x))) (else 2))",
        "(define (f t) (if (> t 0) (/ (sin t) t) 1)) (f (f x))",
        "(* 0 (if (> x 0) (/ 1 x) 1))",
        "(let* ((a (/ 1 x)) (b (sqrt a)) (c (log b))) (if (> x 0) (if (> x 1) c b) 4))",
        "(let ((a (if (= x 0) 0 (/ 1 x)))) (* a a))",
        "(exp (if (= x 0) 0 (* x (log (abs x)))))",
        "(min 1 (/ 1 x))",
        "(min (/ 1 x) 1)",
        "(max 0 (log x))",
        "(min 2 (max 1 (sqrt x)))",
        "(if (> x 0) (max 1 (sqrt x)) (min -1 (- (sqrt x))))",
        "(abs (sqrt x))",
        "(floor (/ 1 (+ x 1)))",
        "(if (= x 0) (sign x) (/ 1 x))",
    ] {
        second(text, &x(0.0), &[0.0], &[0.0]);
    }
    jacobian("(max x (log x))", &x(0.0), &[1.0]);
    jacobian("(sqrt (max 0 x))", &x(-1.0), &[0.0]);
    jacobian("(if (> x 0) (if (> y 0) (sqrt (* x y)) 0) (log x))", &xy(1.0, 0.0), &[0.0, 0.0]);
    let shared = "(let ((s (sqrt x))) (+ (if (> x 0) s 0) (if (> y 0) s 1)))";
    jacobian(shared, &xy(0.0, 0.0), &[0.0, 0.0]);
    jacobian(shared, &xy(0.0, 1.0), &[INF, 0.0]);
    jacobian("(define (f t) (if (> t 0) (/ 6 t) 1)) (+ (f x) (* 3 (f y)))", &xy(0.0, 1.0), &[0.0, -18.0]);
    // A branch that is taken contributes what it does: nothing hides its NaN.
    jacobian("(if (> x 0) 1 (sqrt x))", &x(0.0), &[INF]);
    jacobian("(if (= y 0) (* y (/ 1 x)) 1)", &xy(0.0, 0.0), &[INF, NAN]);
    jacobian("(if (= x 0) 0 (atan y x))", &xy(0.0, 0.0), &[0.0, 0.0]);
    // The condition's own derivative is nothing.
    jacobian("(if (sqrt x) 1 y)", &xy(0.0, 2.0), &[0.0, 1.0]);
    jacobian("(> (sqrt x) y)", &xy(0.0, 2.0), &[0.0, 0.0]);
}

#[test]
fn kinks() {
    second("(abs x)", &x(0.0), &[0.0], &[0.0]);
    second("(abs x)", &x(-0.0), &[0.0], &[0.0]);
    jacobian("(abs x)", &x(-2.0), &[-1.0]);
    jacobian("(sign x)", &x(0.0), &[0.0]);
    jacobian("(sign x)", &x(3.0), &[0.0]);
    for step in ["floor", "ceiling", "round", "truncate"] {
        jacobian(&format!("({step} x)"), &x(1.0), &[0.0]);
        jacobian(&format!("({step} x)"), &x(1.5), &[0.0]);
    }
    for op in ["min", "max"] {
        jacobian(&format!("({op} x y)"), &xy(3.0, 3.0), &[0.5, 0.5]);
        jacobian(&format!("({op} x y)"), &xy(0.0, -0.0), &[0.5, 0.5]);
        jacobian(&format!("({op} x y)"), &xy(INF, INF), &[0.5, 0.5]);
        jacobian(&format!("({op} x x)"), &x(3.0), &[1.0]);
        // One half to each operand of a step: the first two share theirs.
        let xyz = [("x", number(1.0)), ("y", number(1.0)), ("z", number(1.0))];
        jacobian(&format!("({op} x y z)"), &xyz, &[0.25, 0.25, 0.5]);
    }
    jacobian("(min x y)", &xy(1.0, 2.0), &[1.0, 0.0]);
    jacobian("(max x y)", &xy(1.0, 2.0), &[0.0, 1.0]);
    second("(hypot x y)", &xy(0.0, 0.0), &[0.0, 0.0], &[0.0; 4]);
    second("(norm v)", &[("v", vector(&[0.0, 0.0, 0.0]))], &[0.0; 3], &[0.0; 9]);
    jacobian("(norm v)", &[("v", vector(&[3.0, 4.0]))], &[0.6, 0.8]);
    jacobian("(remainder x y)", &xy(7.0, 2.0), &[1.0, -3.0]);
    jacobian("(modulo x y)", &xy(-7.0, 2.0), &[1.0, 4.0]);
    jacobian("(quotient x y)", &xy(7.0, 2.0), &[0.0, 0.0]);
    jacobian("(vsum (max w 0))", &[("w", vector(&[-1.0, 0.0, 2.0]))], &[0.0, 0.5, 1.0]);
    jacobian("(vsum (abs w))", &[("w", vector(&[-1.0, 0.0, 2.0]))], &[-1.0, 0.0, 1.0]);
}

#[test]
fn powers() {
    for (text, at, slope) in [
        ("(pow x 0)", 0.0, 0.0),
        ("(pow x 1)", 0.0, 1.0),
        ("(pow x 2)", 0.0, 0.0),
        ("(pow x 3)", 0.0, 0.0),
        ("(pow x 3)", -2.0, 12.0),
        ("(pow x 0.5)", 0.0, INF),
        ("(pow x 0.5)", 4.0, 0.25),
        ("(pow x -1)", 0.0, -INF),
        ("(pow x -1)", 2.0, -0.25),
        ("(pow x -2)", 0.5, -16.0),
        ("(pow x 1.5)", 0.0, 0.0),
        ("(pow 2 x)", -INF, 0.0),
        ("(pow 0 x)", 2.0, 0.0),
        ("(pow 1 x)", 5.0, 0.0),
    ] {
        jacobian(text, &x(at), &[slope]);
    }
    for (base, exponent, slopes) in [
        (0.0, 0.0, [0.0, -INF]),
        (0.0, 1.0, [1.0, 0.0]),
        (0.0, 2.0, [0.0, 0.0]),
        (0.0, 0.5, [INF, 0.0]),
        (0.0, -1.0, [-INF, -INF]),
        (-2.0, 3.0, [12.0, NAN]),
        (1.0, 5.0, [5.0, 0.0]),
        (3.0, 0.0, [0.0, 3f64.ln()]),
        (2.0, 1.0, [1.0, 2.0 * 2f64.ln()]),
    ] {
        jacobian("(pow x y)", &xy(base, exponent), &slopes);
    }
    second("(pow x 2)", &x(0.0), &[0.0], &[2.0]);
    second("(pow x 3)", &x(0.0), &[0.0], &[0.0]);
    second("(pow x 1)", &x(0.0), &[1.0], &[0.0]);
    second("(* x x x)", &x(2.0), &[12.0], &[12.0]);
}

#[test]
fn elements_of_vectors() {
    let w = [("w", vector(&[1.0, 0.0]))];
    for index in ["0", "i"] {
        let inputs = [w[0].clone(), ("i", number(0.0))];
        let (inputs, more): (Inputs<'_>, &[f64]) =
            if index == "0" { (&inputs[..1], &[]) } else { (&inputs, &[0.0]) };
        jacobian(&format!("(ref (sqrt w) {index})"), inputs, &[&[0.5, 0.0], more].concat());
        jacobian(&format!("(ref (/ 1 w) {index})"), inputs, &[&[-1.0, 0.0], more].concat());
        jacobian(&format!("(ref (* w (log w)) {index})"), inputs, &[&[1.0, 0.0], more].concat());
        jacobian(&format!("(ref (scale 3 (sqrt w)) {index})"), inputs, &[&[1.5, 0.0], more].concat());
    }
    jacobian("(ref [(sqrt x) y] 1)", &xy(0.0, 2.0), &[0.0, 1.0]);
    jacobian("(let ((v [(sqrt x) y])) (if (> x 0) (ref v 0) (ref v 1)))", &xy(0.0, 2.0), &[0.0, 1.0]);
    jacobian("(ref (if (> x 0) [(sqrt x) 1] [2 y]) 1)", &xy(0.0, 2.0), &[0.0, 1.0]);
    jacobian("[(if (> x 0) (sqrt x) 0) (* x y)]", &xy(0.0, 2.0), &[0.0, 0.0, 2.0, 0.0]);
    jacobian("(norm [(if (> x 0) (sqrt x) 0) y])", &xy(0.0, 3.0), &[0.0, 1.0]);
    let xw = [("x", number(0.0)), ("w", vector(&[2.0, 3.0]))];
    jacobian("(vsum (if (> x 0) (/ w x) w))", &xw, &[0.0, 1.0, 1.0]);
    let xs = [("x", number(0.0)), ("y", number(2.0)), ("s", number(5.0))];
    jacobian("(ref (scale s [y (/ 1 x)]) 0)", &xs, &[2.0, 5.0, 0.0]);
    jacobian("(ref (+ s [y (sqrt x)]) 0)", &xs, &[1.0, 1.0, 0.0]);
    let xyz = [("x", number(0.0)), ("y", number(2.0)), ("z", number(5.0))];
    jacobian("(ref (cross [1 2 (log x)] [y z 1]) 2)", &xyz, &[0.0, -2.0, 1.0]);
    // Only the element that is used, wherever else the vector goes.
    jacobian("(let ((v [(sqrt x) y])) (+ (ref v 1) (if (> x 0) (norm v) 0)))", &xy(0.0, 2.0), &[0.0, 1.0]);
    jacobian("(let ((v [(sqrt x) y])) (+ (ref v 1) (if (> x 0) (dot v v) 0)))", &xy(0.0, 2.0), &[0.0, 1.0]);
}

#[test]
fn rows_of_products() {
    let v = ("v", vector(&[3.0, 4.0]));
    let xv = [("x", number(0.0)), v.clone()];
    for row in ["0", "(* 0 x)"] {
        jacobian(&format!("(ref (matvec [[1 2] [(/ 1 x) 3]] v) {row})"), &xv, &[0.0, 1.0, 2.0]);
        jacobian(&format!("(ref (matvec [[1 2] [(sqrt x) 3]] v) {row})"), &xv, &[0.0, 1.0, 2.0]);
        jacobian(
            &format!("(ref (ref (outer v [2 (/ 1 x)]) 1) {row})"),
            &[v.clone(), ("x", number(0.0))],
            &[0.0, 2.0, 0.0],
        );
    }
    let poisoned = [("M", matrix(2, &[1.0, 2.0, INF, NAN])), v.clone()];
    jacobian("(ref (matvec M v) 0)", &poisoned, &[3.0, 4.0, 0.0, 0.0, 1.0, 2.0]);
    jacobian("(dot (ref M 0) v)", &poisoned, &[3.0, 4.0, 0.0, 0.0, 1.0, 2.0]);
    jacobian(
        "(let ((u (matvec M v))) (+ (ref u 0) (if (> 0 1) (norm u) 0)))",
        &poisoned,
        &[3.0, 4.0, 0.0, 0.0, 1.0, 2.0],
    );
    let guarded = [("M", matrix(2, &[1.0, 2.0, INF, NAN])), v.clone(), ("x", number(0.0))];
    jacobian(
        "(let ((u (matvec M v))) (+ (ref u 0) (if (> x 0) (norm u) 0)))",
        &guarded,
        &[3.0, 4.0, 0.0, 0.0, 1.0, 2.0, 0.0],
    );
    // Products of matrices: element (0, 0) sees row 0 of the first and column 0 of the second.
    let ab = [("A", matrix(2, &[1.0, 2.0, INF, NAN])), ("B", matrix(2, &[5.0, NAN, 7.0, INF]))];
    let expected = [5.0, 7.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0];
    jacobian("(ref (matmul A B) 0 0)", &ab, &expected);
    jacobian("(ref (transpose (matmul A B)) 0 0)", &ab, &expected);
    let outer = [("a", vector(&[2.0, INF])), ("b", vector(&[5.0, NAN]))];
    jacobian("(ref (outer a b) 0 0)", &outer, &[5.0, 0.0, 2.0, 0.0]);
    jacobian("(trace [[x (/ 1 y)] [2 x]])", &xy(3.0, 0.0), &[2.0, 0.0]);
    jacobian("(ref (transpose [[x (sqrt y)] [1 2]]) 0 0)", &xy(3.0, 0.0), &[1.0, 0.0]);
    jacobian("(det [[x (if (> y 0) (sqrt y) 0)] [0 2]])", &xy(3.0, 0.0), &[2.0, 0.0]);
    let singular = [("M", matrix(2, &[1.0, 2.0, 2.0, 4.0]))];
    jacobian("(if (= (det M) 0) 0 (ref (inv M) 0 0))", &singular, &[0.0; 4]);
    jacobian(
        "(let ((X (inv M))) (if (= (det M) 0) (ref M 0 0) (ref X 0 0)))",
        &singular,
        &[1.0, 0.0, 0.0, 0.0],
    );
    // Every row of a Jacobian is a use of its own.
    jacobian("(matvec [[1 2] [(/ 1 x) 3]] v)", &[("x", number(0.0)), v], &[0.0, 1.0, 2.0, -INF, INF, 3.0]);
}

/// Ways to put an expression beside one whose derivatives are infinite or NaN and that is not taken.
const WRAPPERS: &[&str] = &[
    "(let ((q (/ 1 (* 0 s)))) (if (< -1e300 s) E q))",
    "(let ((q (sqrt (* 0 s)))) (cond ((> s 1e300) (exp q)) (else E)))",
    "(max (- (/ 1 (square (* 0 s)))) E)",
    "(ref [(log (* 0 s)) E] 1)",
    "(ref (/ [E s] [1 (* 0 s)]) 0)",
    "(ref (matvec [[1 0] [(/ 1 (* 0 s)) 1]] [E 1]) 0)",
    "(ref (matmul [[E 0] [1 1]] [[1 (/ 1 (* 0 s))] [0 1]]) 0 0)",
    "(ref (outer [E 2] [1 (log (* 0 s))]) 0 0)",
    "(vsum (if (< -1e300 s) [E 0] (/ [E s] 0)))",
    "(let ((v [E (sqrt (* 0 s))])) (if (> s 1e300) (norm v) (ref v 0)))",
];

/// Inputs by name, the gradient in the order of the inputs, in reverse and in forward mode.
type Gradients = (Vec<String>, [Vec<f64>; 2]);

fn gradients(generated: &Generated, text: &str, values: &dyn Fn(&str, usize) -> f64) -> Option<Gradients> {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let names: Vec<String> = program.inputs().map(str::to_string).collect();
    let shape =
        |name: &str| generated.shapes.iter().find(|(other, _)| other == name).map(|(_, shape)| *shape);
    let inputs: Vec<(&str, Value)> = names
        .iter()
        .map(|name| {
            let shape = shape(name).unwrap_or(neural_compiler::Shape::Scalar);
            (name.as_str(), Value { shape, elements: (0..shape.len()).map(|k| values(name, k)).collect() })
        })
        .collect();
    let mut signature = neural_compiler::Signature::scalars();
    for (name, value) in &inputs {
        signature = signature.shape(*name, value.shape);
    }
    // An index that folds to a constant out of range is an error of the program.
    program.graph(&signature).ok()?;
    let case = Case::new(text, &inputs);
    if !case.value()[0].is_finite() {
        return None;
    }
    let wrt: Vec<u32> = (0..names.len() as u32).collect();
    let columns: Vec<Vec<f64>> = case.inputs.iter().map(|&x| vec![x]).collect();
    let modes = [adjoint(&case.graph, Seeds::Elements, &wrt), tangent(&case.graph, &case.directions())].map(
        |graph| {
            let graph = graph.expect("a derived graph");
            let options = CompileOptions::default().tier(Tier::Interpret);
            let kernel = Kernel::from_graph(graph, &options).expect("a kernel");
            let results = support::run(&kernel, &columns, &[], 1, 1);
            results.columns[1..].iter().map(|c| f64::from_bits(c[0])).collect()
        },
    );
    let elements = inputs
        .iter()
        .flat_map(|(name, v)| (0..v.elements.len()).map(move |k| format!("{name}.{k}")))
        .collect();
    Some((elements, modes))
}

#[test]
fn poisoned_neighbours_change_no_gradient() {
    let mut compared = 0;
    for seed in 0..250 {
        let generated = program(seed, true);
        let Some(at) = generated.scalar else { continue };
        let (definitions, body) = generated.text.split_at(at);
        let values = |name: &str, k: usize| {
            let hash = name.bytes().fold(seed, |h, b| h.wrapping_mul(31) + u64::from(b));
            Rng(hash + 1000 * k as u64).tame()
        };
        let Some((names, plain)) = gradients(&generated, &generated.text, &values) else { continue };
        for wrapper in WRAPPERS {
            let text = format!("{definitions}{}", wrapper.replace('E', body.trim()));
            let Some((wrapped_names, wrapped)) = gradients(&generated, &text, &values) else { continue };
            for mode in 0..2 {
                for (name, &value) in names.iter().zip(&plain[mode]) {
                    let k = wrapped_names.iter().position(|n| n == name).expect("the wrapper keeps inputs");
                    if value.is_finite() {
                        assert!(
                            same(&[wrapped[mode][k]], &[value]),
                            "seed {seed} mode {mode} by {name}: {}, not {value}\n{text}",
                            wrapped[mode][k]
                        );
                        compared += 1;
                    }
                }
            }
        }
    }
    println!("{compared} derivatives unchanged");
    assert!(compared > 5000);
}

/// Contributions to a large array, of which one range or another is active.
#[test]
fn ranges_of_an_array() {
    let text = "(let ((v (sqrt w))) (+ (if (> a 0) (+ (ref v 0) (ref v 2)) 0) (if (> b 0) (+ (vsum v) (ref v 1)) 0)))";
    let slope = |x: f64| 0.5 / x.sqrt();
    let case = |w: &[f64], a: f64, b: f64, expected: &dyn Fn(usize) -> f64| {
        let mut expected: Vec<f64> = (0..w.len()).map(expected).collect();
        expected.extend([0.0, 0.0]);
        jacobian(text, &[("w", vector(w)), ("a", number(a)), ("b", number(b))], &expected);
    };
    for len in [65, 70, 200] {
        // One range counts; where the others would, the root is vertical.
        let mut some = vec![0.0; len];
        (some[0], some[2]) = (4.0, 9.0);
        case(&some, 1.0, 0.0, &|k| if k == 0 || k == 2 { slope(some[k]) } else { 0.0 });
        case(&vec![0.0; len], 0.0, 0.0, &|_| 0.0);
        let all: Vec<f64> = (0..len).map(|k| 1.0 + k as f64).collect();
        case(&all, 0.0, 1.0, &|k| if k == 1 { slope(all[k]) + slope(all[k]) } else { slope(all[k]) });
        case(&all, 1.0, 1.0, &|k| if k <= 2 { slope(all[k]) + slope(all[k]) } else { slope(all[k]) });
    }
}

/// Elements of an operand of a recursive function that no call uses.
#[test]
fn elements_that_calls_leave_out() {
    let text =
        "(define (f v n) (if (<= n 0) 0 (+ (if (> n k) (ref v 0) (ref v 1)) (f v (- n 1))))) (f (sqrt w) n)";
    let inputs = |w: &[f64], k: f64| [("w", vector(w)), ("n", number(3.0)), ("k", number(k))];
    // By k, by both elements of w, and by n.
    jacobian(text, &inputs(&[4.0, 0.0], 0.0), &[0.0, 0.75, 0.0, 0.0]);
    jacobian(text, &inputs(&[0.0, 4.0], 5.0), &[0.0, 0.0, 0.75, 0.0]);
    jacobian(text, &inputs(&[4.0, 16.0], 1.0), &[0.0, 0.5, 0.125, 0.0]);
}

/// What a loop captures and uses in one iteration only, or in none.
#[test]
fn captures_of_some_iterations() {
    let used =
        "(let ((s (sqrt x))) (loop ((i 0) (t 0)) (if (>= i 3) t (recur (+ i 1) (if (= i k) (+ t s) t)))))";
    for k in [0.0, 1.0, 2.0] {
        jacobian(used, &[("x", number(4.0)), ("k", number(k))], &[0.25, 0.0]);
    }
    jacobian(used, &[("x", number(0.0)), ("k", number(9.0))], &[0.0, 0.0]);
    // An infinite slope in an early iteration, which a factor of zero meets later.
    let early = "(let ((s (sqrt x))) (loop ((i 0) (t 1)) (if (>= i 3) t (recur (+ i 1) (if (= i 0) (* t s) (* t z))))))";
    jacobian(early, &[("x", number(4.0)), ("z", number(3.0))], &[2.25, 12.0]);
    jacobian(early, &[("x", number(0.0)), ("z", number(0.0))], &[NAN, 0.0]);
    let none = "(let ((s (sqrt x))) (loop ((i 0) (t 1)) (if (>= i n) t (recur (+ i 1) (* t s)))))";
    jacobian(none, &[("x", number(0.0)), ("n", number(0.0))], &[0.0, 0.0]);
    jacobian(none, &[("x", number(4.0)), ("n", number(2.0))], &[1.0, 0.0]);
}

/// A call that fails its row, beside one on a path that the row does not take: the other rows keep their values, and the
/// failed one is reported for the call that it made.
#[test]
fn failures_of_calls_on_other_paths() {
    let text = "(define (down n) (if (<= n 0) 0 (+ 1 (down (- n 1)))))
        (+ (down n) (if (> x 0) (* x (down x)) (- x)))";
    let case = Case::new(text, &[("n", number(0.0)), ("x", number(0.0))]);
    let limits = Limits { depth: 5, ..Limits::default() };
    let options = case.options.clone().limits(limits);
    let program = Program::parse(text).expect("a program");
    let graph = program.graph_for(&options).expect("a graph");
    let gradient = options.clone().derivative(Derivative::Gradient);
    let graph = derived(&graph, &gradient).expect("an adjoint");
    let columns = [vec![3.0, 9.0, 2.0, 9.0, 1.0], vec![-1.0, -2.0, 2.0, 3.0, 9.0]];
    let expected = [[4.0, NAN, 6.0, NAN, NAN], [0.0, NAN, 0.0, NAN, NAN], [-1.0, NAN, 2.0, NAN, NAN]];
    for tier in [support::native_tier(), Tier::Interpret] {
        let kernel = Kernel::from_graph(graph.clone(), &options.clone().tier(tier));
        let results = support::run(&kernel.expect("a kernel"), &columns, &[], 5, 1);
        for (column, expected) in results.columns.iter().zip(&expected) {
            let found: Vec<f64> = column.iter().map(|&bits| f64::from_bits(bits)).collect();
            assert!(same(&found, expected), "{tier:?}: {found:?} is not {expected:?}");
        }
    }
}
