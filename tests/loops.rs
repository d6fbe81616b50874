//! Loops in every tier: the same bits whatever the batch, the mask and the tape; gradients by two modes.

mod support;

use neural_compiler::graph::Shape;
use neural_compiler::graph::build::Signature;
use neural_compiler::{CompileOptions, Derivative, Kernel, Limits, Program, Tier, graph};

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
            "(loop ((i 0) (v u)) (if (>= i n) (dot v [1 2 3]) (recur (+ i 1) (+ v (* 0.1 (cross v w))))))
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

/// Values of a program of scalars, in both tiers, with limits.
fn values(source: &str, derivative: Derivative, limits: Limits, rows: &[&[f64]]) -> Vec<Vec<f64>> {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let [native, interpreted] = [Tier::Cranelift, Tier::Interpret].map(|tier| {
        let derivative = derivative.clone();
        let options = CompileOptions { tier, derivative, limits: Some(limits), ..CompileOptions::default() };
        let kernel = program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"));
        kept(&kernel, rows)
    });
    assert_eq!(bits(&native), bits(&interpreted), "{source}: {native:?} {interpreted:?}");
    native
}

/// The outputs of each row, NaN where it failed.
fn kept(kernel: &Kernel, rows: &[&[f64]]) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<f64>> =
        (0..rows[0].len()).map(|k| rows.iter().map(|row| row[k]).collect()).collect();
    let results = support::run(kernel, &columns, &[], rows.len(), 1);
    let row = |row: usize| results.columns.iter().map(|c| f64::from_bits(c[row])).collect();
    (0..rows.len()).map(row).collect()
}

#[test]
fn calls_behind_a_loop_are_made_on_its_path_only() {
    let limits = Limits { depth: 50, ..Limits::default() };
    for source in [
        "(define (f n) (if (= n 0) 1 (+ 1 (f (- n 1)))))
         (+ (if (> n 0) (loop ((i 0)) (if (>= i 3) (f n) (recur (+ i 1)))) 0) (f (* n n)))",
        "(define (f n) (if (= n 0) 1 (+ 1 (f (- n 1)))))
         (+ (if (> n 0) (loop ((i 0)) (let ((y (f n))) (if (>= (+ i y) 3) y (recur (+ i 1))))) 0) (f (* n n)))",
    ] {
        for derivative in [Derivative::None, Derivative::Gradient, Derivative::Hessian] {
            let found = values(source, derivative, limits, &[&[2.0], &[-2.0], &[0.0]]);
            let first: Vec<f64> = found.iter().map(|row| row[0]).collect();
            assert_eq!(first, [8.0, 5.0, 1.0], "{source}");
        }
    }
}

#[test]
fn calls_for_derivatives_do_not_run_out_of_steps() {
    // The value takes 30 calls; its derivatives take as many for each operand.
    let source = "(define (f n x) (if (= n 0) x (* 2 (f (- n 1) (sin x))))) (f 29 (* x y))";
    let free = Limits::default();
    let tight = Limits { steps: 35, ..free };
    for derivative in [Derivative::Gradient, Derivative::Hessian] {
        let rows: &[&[f64]] = &[&[0.5, 1.0], &[0.1, 0.2]];
        let (expected, found) =
            (values(source, derivative.clone(), free, rows), values(source, derivative, tight, rows));
        assert_eq!(bits(&found), bits(&expected));
    }
}

#[test]
fn limits_of_any_size_have_tapes() {
    let source = "(loop ((i 0) (x a)) (if (>= i n) x (recur (+ i 1) (sin x))))";
    for iterations in [20, 1_000_000, 1 << 40, u64::MAX] {
        let limits = Limits { iterations, ..Limits::default() };
        let found = values(source, Derivative::Gradient, limits, &[&[20.0, 0.5], &[3.0, 1.0]]);
        let free = values(source, Derivative::Gradient, Limits::default(), &[&[20.0, 0.5], &[3.0, 1.0]]);
        assert_eq!(bits(&found), bits(&free));
    }
}

#[test]
fn what_leaves_is_looked_at_in_several_loops() {
    let source = "(values (a x) (b (+
        (loop ((i 0) (s x)) (if (>= i 3) s (recur (+ i 1) (if (= x x) (max x (+ s i)) s))))
        (loop ((i 0) (s x)) (if (>= i 4) s (recur (+ i 1) (max x (- s i))))))))";
    let rows: Vec<Vec<f64>> = (0..40).map(|k| vec![f64::from(k) - 10.0]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    values(source, Derivative::None, Limits::default(), &rows);
    values(source, Derivative::Gradient, Limits::default(), &rows);
}

#[test]
fn a_loop_may_end_in_a_call_of_a_shape_yet_unknown() {
    let source = "(dot [1 1] (let g ((i n) (y x))
        (if (< i 1) [i y]
          (let ((t (g (- i 1) (* 2 y))))
            (loop ((k 0) (a i)) (if (>= k 2) (scale a t) (recur (+ k 1) a)))))))";
    let found = values(source, Derivative::Gradient, Limits::default(), &[&[2.0, 1.5], &[0.0, 1.0]]);
    assert_eq!(found, [[12.0, 20.0, 8.0], [1.0, 1.0, 1.0]]);
}
