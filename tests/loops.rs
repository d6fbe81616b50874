//! Loops in every tier: the same bits whatever the batch, the mask and the tape; gradients by two modes.

mod support;

use neural_compiler::graph::Shape;
use neural_compiler::graph::build::Signature;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Tier, graph};

/// A program, the shapes of its inputs that are no scalars, and values of its inputs that lie in its domain.
struct Case {
    name: &'static str,
    source: &'static str,
    shapes: &'static [(&'static str, Shape)],
    rows: &'static [&'static [f64]],
}

const fn case(name: &'static str, source: &'static str, rows: &'static [&'static [f64]]) -> Case {
    Case { name, source, shapes: &[], rows }
}

const CASES: &[Case] = &[
    case(
        "the trip count depends on the row",
        "(loop ((i 0) (x y)) (if (>= i n) x (recur (+ i 1) (* x 1.01))))",
        &[&[1.5, 0.0], &[2.0, 3.0], &[-0.5, 7.0], &[0.25, 100.0], &[3.0, 1.0]],
    ),
    case(
        "the trip count is the same for all rows",
        "(loop ((i 0) (x y)) (if (= i 10) x (recur (+ i 1) (+ x (sin x)))))",
        &[&[1.5], &[2.0], &[-0.5], &[0.25], &[1e300]],
    ),
    case(
        "Newton's iteration stops by a branch",
        "(let iterate ((x 1))
           (let ((y (* 1/2 (+ x (/ a x)))))
             (if (< (abs (- y x)) 1e-12) y (iterate y))))",
        &[&[2.0], &[1e6], &[0.5], &[9.0], &[123.0]],
    ),
    case(
        "a nested loop whose inner trip count depends on the outer state",
        "(loop ((i 0) (s 0))
           (if (>= i n) s
             (recur (+ i 1) (+ s (loop ((j 0) (p x)) (if (> j i) p (recur (+ j 1) (* p x))))))))",
        &[&[4.0, 0.9], &[0.0, 1.1], &[7.0, -0.5], &[1.0, 2.0], &[10.0, 1.01]],
    ),
    case(
        "the value of an inner loop decides",
        "(loop ((x a))
           (let ((y (loop ((k 0) (z x)) (if (>= (* z z) b) z (recur (+ k 1) (* 2 z))))))
             (if (> y 10) (log y) (recur (+ x y)))))",
        &[&[1.0, 3.0], &[0.1, 50.0], &[2.0, 2.0], &[9.0, 100.0], &[0.7, 0.1]],
    ),
    case(
        "a loop in an arm that some rows do not take",
        "(if (> x 0) (loop ((i 0) (y x)) (if (> (* i y) 20) (sqrt y) (recur (+ i 1) (+ y (/ 1 x))))) (exp x))",
        &[&[1.0], &[-1.0], &[0.0], &[3.0], &[0.01]],
    ),
    case(
        "no iteration",
        "(loop ((s (sqrt x))) (if (<= x 0) 1 (if (> s 100) s (recur (* s 3)))))",
        &[&[0.0], &[4.0], &[9.0], &[-1.0], &[2.0]],
    ),
    case(
        "a state that only the others use",
        "(loop ((i 0) (q q0) (p p0))
           (if (>= i 20) q (let ((p2 (- p (* 0.1 (sin q))))) (recur (+ i 1) (+ q (* 0.1 p2)) p2))))",
        &[&[0.1, 0.5], &[1.0, 0.0], &[-2.0, 1.0], &[3.0, 0.3], &[0.0, 0.0]],
    ),
    case(
        "a choice in every iteration",
        "(loop ((i 0) (x a)) (if (>= i n) x (recur (+ i 1) (if (> x 1) (sqrt x) (+ x (* x x))))))",
        &[&[0.3, 5.0], &[2.0, 9.0], &[1.0, 3.0], &[0.01, 12.0], &[0.5, 0.0]],
    ),
    case(
        "three deep",
        "(loop ((i 0) (s a))
           (if (>= i n) s
             (recur (+ i 1)
               (loop ((j 0) (t s))
                 (if (>= j 3) t
                   (recur (+ j 1)
                     (loop ((k 0) (u t)) (if (> (+ k u) 2) u (recur (+ k 1) (+ u (* 0.1 (cos u)))))))))))) ",
        &[&[3.0, 0.3], &[2.0, -1.0], &[1.0, 5.0], &[0.0, 0.2], &[5.0, 0.0]],
    ),
    case(
        "slow rows in a loop",
        "(loop ((i 0) (x a)) (if (>= i 5) (sin x) (recur (+ i 1) (* x (+ 3 (sin x))))))",
        &[&[0.3], &[1e9], &[1e6], &[1e8], &[-2.0]],
    ),
    case(
        "recursion with one call",
        "(define (sum n x) (if (<= n 0) 0 (+ (sin (* n x)) (sum (- n 1) x)))) (sum n x)",
        &[&[3.0, 0.5], &[0.0, 1.0], &[10.0, -0.3], &[1.0, 2.0], &[25.0, 0.1]],
    ),
    case(
        "recursion with two calls",
        "(define (fib n x) (if (< n 2) x (+ (fib (- n 1) x) (* x (fib (- n 2) (sqrt x)))))) (fib n a)",
        &[&[5.0, 0.5], &[0.0, 1.0], &[9.0, 0.3], &[1.0, 2.0], &[2.0, 0.0]],
    ),
    case(
        "a power by squaring",
        "(define (power x n)
           (cond ((= n 0) 1)
                 ((= (remainder n 2) 0) (square (power x (/ n 2))))
                 (else (* x (power x (- n 1))))))
         (power (+ a b) n)",
        &[&[1.5, 0.1, 5.0], &[2.0, 1.0, 0.0], &[-0.5, 0.1, 13.0], &[0.0, 0.0, 2.0], &[1.01, 0.0, 100.0]],
    ),
    case(
        "mutual recursion that is not all tail calls",
        "(letrec ((f (lambda (n x) (if (<= n 0) x (+ 1 (g (- n 1) (* x x))))))
                  (g (lambda (n x) (if (<= n 0) (exp x) (* 2 (f (- n 1) (/ x 3)))))))
           (f n x))",
        &[&[5.0, 0.5], &[0.0, 1.0], &[8.0, 0.3], &[1.0, 2.0], &[2.0, -0.5]],
    ),
    case(
        "a loop that recurs, and recursion in a loop",
        "(define (f n x) (loop ((k 0) (s x)) (if (>= k n) s (recur (+ k 1) (+ s (* 1/2 (f (- n 1) (* s x))))))))
         (loop ((i 0) (y x)) (if (>= i 3) y (recur (+ i 1) (f (+ i m) (* 1/4 y)))))",
        &[&[0.5, 0.0], &[0.1, 1.0], &[0.3, 0.0], &[-1.0, 1.0], &[0.2, 2.0]],
    ),
    case(
        "rows that never call",
        "(define (f n) (if (<= n 1) 1 (* n (f (- n 1))))) (if (> x 0) (f x) (sqrt (- x)))",
        &[&[-1.0], &[-4.0], &[5.0], &[-2.0], &[0.0]],
    ),
    Case {
        name: "the state is a vector",
        source:
            "(loop ((i 0) (v u)) (if (>= i n) (dot v [1 2 3]) (recur (+ i 1) (+ v (* 0.1 (cross3 v w))))))
           ",
        shapes: &[("u", Shape::Vector(3)), ("w", Shape::Vector(3))],
        rows: &[&[0.0; 7]],
    },
];

fn options(case: &Case, tier: Tier, derivative: Derivative, tape_bytes: usize) -> CompileOptions {
    let mut signature = Signature::scalars();
    for &(name, shape) in case.shapes {
        signature = signature.shape(name, shape);
    }
    CompileOptions { signature, tier, derivative, tape_bytes, ..CompileOptions::default() }
}

/// The outputs of each row, evaluated together.
fn outputs(kernel: &Kernel, rows: &[&[f64]]) -> Vec<Vec<f64>> {
    let width = rows[0].len();
    let columns: Vec<Vec<f64>> = (0..width).map(|k| rows.iter().map(|row| row[k]).collect()).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let results = kernel.columns(&columns).expect("columns that fit");
    (0..rows.len()).map(|row| results.iter().map(|column| column[row]).collect()).collect()
}

fn bits(rows: &[Vec<f64>]) -> Vec<Vec<u64>> {
    rows.iter().map(|row| row.iter().map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect()).collect()
}

#[test]
fn every_tier_has_the_same_bits() {
    for case in CASES.iter().filter(|case| case.shapes.is_empty()) {
        let program = Program::parse(case.source).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let graph = program.graph(&Signature::scalars()).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert_eq!(graph::verify::verify(&graph), Ok(()), "{}", case.name);
        for derivative in [Derivative::None, Derivative::Gradient, Derivative::Hessian] {
            let compile = |tier, tape| {
                let options = options(case, tier, derivative.clone(), tape);
                program.compile(&options).unwrap_or_else(|e| panic!("{}: {e}", case.name))
            };
            let interpreted = outputs(&compile(Tier::Interpret, 64 << 20), case.rows);
            for tape in [0, 4096, 64 << 20] {
                let again = outputs(&compile(Tier::Interpret, tape), case.rows);
                assert_eq!(bits(&again), bits(&interpreted), "{}: {derivative:?}, tape of {tape}", case.name);
                let native = compile(Tier::Cranelift, tape);
                for length in 1..=case.rows.len() {
                    let rows = &case.rows[..length];
                    let expected = &bits(&interpreted)[..length];
                    assert_eq!(
                        bits(&outputs(&native, rows)),
                        expected,
                        "{}: {derivative:?}, {length} rows, tape of {tape}: {:?} for {:?}",
                        case.name,
                        outputs(&native, rows),
                        &interpreted[..length]
                    );
                }
            }
        }
    }
}
