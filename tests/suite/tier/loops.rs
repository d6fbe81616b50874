//! Loops in every tier: the same bits whatever the batch, the mask and the tape; gradients by two modes.

use crate::support;

use nc_runtime::batch::Kernel as _;
use neural_compiler::internals::graph;
use neural_compiler::internals::kernel::derived;
use neural_compiler::{
    CompileOptions, Derivative, Kernel, Limits, Program, Shape, Signature, TargetMachine, Tier,
};

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
    case(
        "around the capacity of a tape",
        "(loop ((i 0) (x a) (y 1)) (if (>= i n) (* x y) (recur (+ i 1) (sin (+ x y)) (* 1.001 (cos x)))))",
        &[&[0.5, 63.0], &[0.5, 64.0], &[0.5, 65.0], &[0.1, 127.0], &[0.1, 1025.0], &[0.2, 0.0], &[0.2, 9999.0]],
    ),
    case(
        "two loops in sequence, one in the other's count",
        "(let ((s (loop ((i 0) (x a)) (if (>= i n) x (recur (+ i 1) (+ x (sin (* x x))))))))
           (loop ((j 0) (y s)) (if (or (>= j 300) (> y 50)) y (recur (+ j 1) (+ y (exp (- (* s y))))))))",
        &[&[0.3, 200.0], &[1.0, 0.0], &[-0.5, 37.0], &[2.0, 128.0], &[0.0, 3.0]],
    ),
    case(
        "a function with loops, called twice",
        "(define (f x n) (loop ((i 0) (s x)) (if (>= i n) s (recur (+ i 1) (* s (+ 1 (/ (cos s) (+ i 2))))))))
         (* (f a n) (f (f b m) 5))",
        &[&[0.5, 0.7, 140.0, 3.0], &[1.0, 0.2, 0.0, 77.0], &[0.1, 0.1, 5.0, 5.0], &[2.0, 1.0, 1.0, 0.0]],
    ),
    case(
        "a uniform loop in a masked one, and a masked one in that",
        "(loop ((i 0) (s x))
           (if (>= i n) s
             (recur (+ i 1)
               (loop ((j 0) (t s))
                 (if (= j 3) t
                   (recur (+ j 1)
                     (loop ((k 0) (u t)) (if (or (> (* u u) 2) (>= k 4)) u (recur (+ k 1) (+ u (* x u)))))))))))",
        &[&[0.3, 4.0], &[0.5, 0.0], &[-0.4, 9.0], &[1.5, 1.0], &[0.0, 7.0]],
    ),
    case(
        "a uniform loop in an arm, and a state that is the same for all rows only at first",
        "(if (> x 0)
           (loop ((i 0) (s 1)) (if (= i 4) (* s x) (recur (+ i 1) (+ s (loop ((j 0) (t s)) (if (>= j t) t (recur (+ j 2) (+ t (* 0.1 x)))))))))
           (loop ((i 0) (s 2)) (if (= i 2) (sqrt (- x)) (recur (+ i 1) (* s 2)))))",
        &[&[1.0], &[-1.0], &[0.5], &[0.0], &[2.0]],
    ),
    case(
        "angles that are huge in some iterations",
        "(loop ((i 0) (s x) (t 0))
           (if (>= i n) t (recur (+ i 1) (* s 1000) (+ t (if (> x 1) (sin s) (* 0.5 s (cos (* 1e-9 s))))))))",
        &[&[2.0, 5.0], &[0.5, 5.0], &[3.0, 0.0], &[1e3, 4.0], &[-2.0, 6.0]],
    ),
    case(
        "angles that are huge in some calls",
        "(define (f n x) (if (< n 1) (cos x) (+ (sin x) (* 1e-3 (f (- n 1) (* x 1000))) (f (- n 2) (+ x 1))))) (f n a)",
        &[&[4.0, 1.0], &[1.0, 2.0], &[0.0, 1e9], &[5.0, 0.01], &[3.0, 5e7]],
    ),
    case(
        "what is not entered has no part, not even NaN",
        "(let ((r (sqrt x)))
           (+ (loop ((i 0) (s 1)) (if (>= i n) s (recur (+ i 1) (* s (if (> x 0) r 2)))))
              (loop ((i 0) (s r) (t 1)) (if (>= i n) t (recur (+ i 1) (/ 1 s) (if (and (> i 1) (> x 0)) s t))))))",
        &[&[0.0, 0.0], &[0.0, 3.0], &[4.0, 5.0], &[0.0, 1.0], &[2.0, 0.0]],
    ),
    case(
        "three functions that call each other, with what is around them",
        "(letrec ((f (lambda (k x) (if (< k 1) (* a x) (+ (g (- k 1) (sin x)) (* 0.5 (h (- k 2) (+ x a)))))))
                  (g (lambda (k x) (if (< k 1) (exp (* 0.1 x)) (* b (h (- k 1) (f (- k 3) x))))))
                  (h (lambda (k x) (if (< k 1) x (loop ((i 0) (s x)) (if (>= i k) s (recur (+ i 1) (f (- k 2) (* s 0.3)))))))))
           (f n 1))",
        &[&[0.5, 1.2, 6.0], &[1.0, 0.1, 0.0], &[0.2, 2.0, 3.0], &[-1.0, 0.5, 7.0], &[0.0, 0.0, 4.0]],
    ),
    Case {
        name: "the state is a vector",
        source: "(loop ((i 0) (v u)) (if (>= i n) (dot v [1 2 3]) (recur (+ i 1) (+ v (* 0.1 (cross v w))))))",
        shapes: &[("u", Shape::Vector(3)), ("w", Shape::Vector(3))],
        rows: &[
            &[0.5, -1.0, 2.0, 4.0, 1.0, 0.0, 0.3],
            &[0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0],
            &[1.0, 1.0, 1.0, 20.0, -1.0, 0.5, 0.0],
        ],
    },
    Case {
        name: "the state is a matrix, and a vector with an index that fails in some iterations",
        source: "(loop ((i 0) (m a) (v [1 2 3]) (s 0))
                   (if (>= i n) (+ s (det m) (ref v j))
                     (recur (+ i 1) (matmul m a) (+ v (ref v i)) (+ s (* (ref v (- 2 i)) (ref m i 0))))))",
        shapes: &[("a", Shape::Matrix(2, 2))],
        rows: &[
            &[0.5, -1.0, 0.2, 1.5, 2.0, 0.0],
            &[0.5, -1.0, 0.2, 1.5, 0.0, 2.0],
            &[0.5, -1.0, 0.2, 1.5, 1.0, 2.0],
            &[0.5, 0.1, 0.2, 1.5, 2.0, 1.0],
        ],
    },
    Case {
        name: "an index that fails only on the way out, and in an inner loop",
        source: "(loop ((i 0) (s 0))
                   (if (>= i n) (ref v k)
                     (recur (+ i 1) (+ s (loop ((j 0) (t 1)) (if (>= j i) t (recur (+ j 1) (* t (ref v j)))))))))",
        shapes: &[("v", Shape::Vector(3))],
        rows: &[
            &[2.0, 0.5, 1.5, -1.0, 1.0],
            &[3.0, 0.5, 1.5, -1.0, 2.0],
            &[4.0, 0.5, 1.5, -1.0, 0.0],
        ],
    },
    Case {
        name: "a function of vectors and matrices, called twice in one expression",
        source: "(define (f k v m) (if (< k 1) v (+ (matvec m (f (- k 1) (* 0.5 v) m)) (f (- k 2) (cross v w) (* 0.9 m)))))
                 (dot (f n u b) [1 -1 2])",
        shapes: &[("u", Shape::Vector(3)), ("w", Shape::Vector(3)), ("b", Shape::Matrix(3, 3))],
        rows: &[
            &[1.0, 0.2, 0.3, 3.0, 0.5, -0.5, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
            &[1.0, 0.2, 0.3, 0.0, 0.5, -0.5, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
            &[0.5, 0.2, 0.3, 5.0, 0.5, -0.5, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        ],
    },
];

fn options(case: &Case, tier: Tier, derivative: Derivative, tape_bytes: usize) -> CompileOptions {
    let mut signature = Signature::scalars();
    for &(name, shape) in case.shapes {
        signature = signature.shape(name, shape);
    }
    CompileOptions::default().signature(signature).tier(tier).derivative(derivative).tape_bytes(tape_bytes)
}

/// The outputs of each row, evaluated together; NaN where it failed.
fn outputs(kernel: &Kernel, rows: &[&[f64]]) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<f64>> =
        (0..rows[0].len()).map(|k| rows.iter().map(|row| row[k]).collect()).collect();
    let results = support::run(kernel, &columns, &[], rows.len(), 1);
    let row = |row: usize| results.columns.iter().map(|c| f64::from_bits(c[row])).collect();
    (0..rows.len()).map(row).collect()
}

fn bits(rows: &[Vec<f64>]) -> Vec<Vec<u64>> {
    rows.iter().map(|row| row.iter().map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect()).collect()
}

#[test]
fn every_tier_has_the_same_bits() {
    for case in CASES {
        let program = Program::parse(case.source).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let graph = program
            .graph(options(case, Tier::Auto, Derivative::None, 0).get_signature())
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert_eq!(graph::verify::verify(&graph), Ok(()), "{}", case.name);
        for derivative in [Derivative::None, Derivative::Gradient, Derivative::Hessian] {
            let compile = |tier, tape| {
                let options = options(case, tier, derivative.clone(), tape);
                program.compile(&options).unwrap_or_else(|e| panic!("{}: {e}", case.name))
            };
            let interpreted = outputs(&compile(Tier::Interpret, 64 << 20), case.rows);
            let watching = options(case, support::native_tier(), derivative.clone(), 4096)
                .check_domain(true)
                .check_kinks(true);
            let watching = program.compile(&watching).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let watched = outputs(&watching, case.rows);
            assert_eq!(bits(&watched), bits(&interpreted), "{}: {derivative:?}, watched", case.name);
            for tape in [0, 1024, 4096, 1 << 20] {
                let again = outputs(&compile(Tier::Interpret, tape), case.rows);
                assert_eq!(bits(&again), bits(&interpreted), "{}: {derivative:?}, tape of {tape}", case.name);
                let native = compile(support::native_tier(), tape);
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
    let [native, interpreted] = [support::native_tier(), Tier::Interpret].map(|tier| {
        let derivative = derivative.clone();
        let options = CompileOptions::default().tier(tier).derivative(derivative).limits(limits);
        // As many calls as there may be, with tangents, have gigabytes on the stacks of interpreters.
        let options = options.memory_bytes(4 << 30);
        let kernel = program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"));
        outputs(&kernel, rows)
    });
    assert_eq!(bits(&native), bits(&interpreted), "{source}: {native:?} {interpreted:?}");
    native
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

/// A program with a large loop, and much before and behind it.
fn large(terms: usize, columns: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("(let (");
    for k in 0..columns {
        let _ = write!(text, "(q{k} (* c{k} (exp (- (* 0.01 c{k})))))");
    }
    text.push_str(") (let ((r (loop ((i 0) (s c0) (t 1)) (if (>= i n) (+ s t) (recur (+ i 1) (+ (* 0.5 s)");
    for k in 0..terms {
        let _ = write!(text, " (* 0.01 (sin (* (+ s {k}.5) q{})))", k % columns);
    }
    text.push_str(
        ") (cos (+ t s)))))) (u (loop ((i 0) (s 1)) (if (= i 2) s (recur (+ i 1) (* s 0.5)))))) (+ u",
    );
    for k in 0..columns {
        let _ = write!(
            text,
            " (* r q{k} (loop ((j 0) (y c{k})) (if (> (+ j y) 3) y (recur (+ j 1) (+ y 0.3)))))"
        );
    }
    text.push_str(")))");
    text
}

/// Rows for a program of so many inputs, the last of which counts iterations.
fn many_rows(inputs: &[String], rows: usize) -> Vec<Vec<f64>> {
    let number = |k: usize, row: usize| ((k * 37 + row * 11) % 101) as f64 * 0.02 - 0.7;
    let of = |(k, name): (usize, &String)| {
        let counts = name == "n";
        (0..rows).map(|row| if counts { (row % 7) as f64 } else { number(k, row) }).collect()
    };
    inputs.iter().enumerate().map(of).collect()
}

/// All tiers and features agree about a program in batches of several lengths, on one thread and two.
fn agree_in_batches(source: &str, base: &CompileOptions, lengths: &[usize]) {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{e}"));
    let compile = |tier| {
        let options = base.clone().tier(tier);
        program.compile(&options).unwrap_or_else(|e| panic!("{e}"))
    };
    let (native, interpreted) = (compile(support::native_tier()), compile(Tier::Interpret));
    assert!(native.notes().is_empty(), "{:?}", native.notes());
    let params: Vec<f64> = (0..native.shape().params).map(|k| k as f64 + 2.0).collect();
    let names: Vec<String> = program.inputs().map(String::from).collect();
    let names: Vec<String> =
        names.into_iter().filter(|name| !base.get_signature().is_parameter(name)).collect();
    for &rows in lengths {
        let mut columns = many_rows(&names, rows);
        while columns.len() < native.shape().inputs {
            let more = columns.len();
            columns.push((0..rows).map(|row| ((row + more) % 5) as f64 - 1.0).collect());
        }
        let expected = support::run(&interpreted, &columns, &params, rows, 2);
        assert_eq!(expected.failed, 0);
        for threads in [1, 2] {
            let found = support::run(&native, &columns, &params, rows, threads);
            assert!(found == expected, "{rows} rows, {threads} threads of {source}");
        }
    }
}

#[test]
fn large_bodies_many_columns_and_long_batches() {
    for (terms, columns, derivative) in [
        (40, 3, Derivative::None),
        (40, 3, Derivative::Gradient),
        (30, 27, Derivative::None),
        (300, 5, Derivative::None),
        (60, 30, Derivative::Gradient),
    ] {
        for tape_bytes in [0, 64 << 20] {
            let base = CompileOptions::default().derivative(derivative.clone()).tape_bytes(tape_bytes);
            agree_in_batches(&large(terms, columns), &base, &[1, 2, 3, 5, 137]);
        }
    }
    let base = CompileOptions::default().derivative(Derivative::Gradient);
    agree_in_batches(&large(2, 2), &base, &[4097, 8192 + 3]);
}

#[test]
fn parameters_several_results_and_directions() {
    let loops = "(values
        (a (loop ((i 0) (s x)) (if (>= i p) s (recur (+ i 1) (+ s (* q (sin s)))))))
        (b (loop ((i 0) (v [x y q])) (if (>= i n) v (recur (+ i 1) (+ v (* 0.1 (cross v [q 1 x]))))))))";
    let calls = "(define (f k v) (if (< k 1) (* q v) (+ (f (- k 1) (sin v)) (* p (f (- k 2) v)))))
        (values (a (f n x)) (b (loop ((i 0) (s y)) (if (>= i p) s (recur (+ i 1) (f (- n i) (* s q)))))))";
    for source in [loops, calls] {
        for derivative in
            [Derivative::None, Derivative::Gradient, Derivative::Vjp, Derivative::Jvp { seeds: 3 }]
        {
            for wrt in [None, Some(vec!["x".to_string()]), Some(vec!["p".into(), "q".into()])] {
                let base = CompileOptions::default()
                    .derivative(derivative.clone())
                    .signature(Signature::scalars().parameter("p").parameter("q"))
                    .tape_bytes(1024);
                let base = match wrt {
                    Some(names) if derivative != Derivative::None => base.wrt(names),
                    Some(_) | None => base,
                };
                agree_in_batches(source, &base, &[1, 3, 130, 4097]);
            }
        }
    }
}

#[test]
fn subsets_of_the_processor_run_loops_and_calls() {
    let baseline: &[&str] = &[];
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    for features in [baseline, &["has_sse41"]] {
        let target = TargetMachine::with_features("x86_64", features).expect("features exist");
        for case in CASES {
            let program = Program::parse(case.source).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let options = options(case, Tier::Interpret, Derivative::Gradient, 4096);
            let graph =
                program.graph(options.get_signature()).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let graph = derived(&graph, &options).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let subset =
                Kernel::for_target(graph.clone(), &target).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let interpreted =
                Kernel::from_graph(graph, &options).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            assert_eq!(
                bits(&outputs(&subset, case.rows)),
                bits(&outputs(&interpreted, case.rows)),
                "{}: {features:?}",
                case.name
            );
        }
    }
}

#[test]
fn calls_may_be_nested_deep() {
    let source = "(define (f n x) (if (= n 0) x (* 2 (f (- n 1) (sin x))))) (f n x)";
    for depth in [25, 1_000_000] {
        let limits = Limits { depth, ..Limits::default() };
        for derivative in [Derivative::None, Derivative::Hessian] {
            values(source, derivative, limits, &[&[20.0, 0.5], &[3.0, 1.0]]);
        }
    }
}

#[test]
fn rows_that_fail_add_the_same_to_sums() {
    for source in [
        "(loop ((i 0) (s x)) (if (>= i n) (* p s) (recur (+ i 1) (* s (sin p)))))",
        "(define (f k s) (if (< k 1) (* p s) (+ (f (- k 1) (* s p)) (sin (f (- k 2) s))))) (f n x)",
    ] {
        for (depth, steps) in [(5, 1000), (100, 30)] {
            let limits = Limits { iterations: 6, depth, steps };
            let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
            let names: Vec<&str> = program.inputs().filter(|&name| name != "p").collect();
            let columns: Vec<Vec<f64>> = names
                .iter()
                .map(|&name| (0..9).map(|row| if name == "n" { f64::from(row) } else { 0.5 }).collect())
                .collect();
            for derivative in [Derivative::Gradient, Derivative::Vjp] {
                let results = [support::native_tier(), Tier::Interpret].map(|tier| {
                    let options = CompileOptions::default()
                        .tier(tier)
                        .derivative(derivative.clone())
                        .limits(limits)
                        .signature(Signature::scalars().parameter("p"));
                    let kernel = program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"));
                    let mut columns = columns.clone();
                    columns.resize(kernel.shape().inputs, vec![1.0; 9]);
                    support::run(&kernel, &columns, &[0.7], 9, 1)
                });
                assert_eq!(results[0], results[1], "{source}");
                assert!(results[0].failed > 0);
            }
        }
    }
}

#[test]
fn large_arrays_in_loops() {
    let sources = [
        // States, captures and steps of all kinds, entered by some rows only.
        "(if (> x 0)
           (loop ((i 0) (v u) (m a))
             (if (>= i n) (+ (dot v u) (ref v (+ i k)) (trace m))
               (recur (+ i 1) (+ (* 0.5 v) (sin (matvec m u))) (if (> (ref v 3) 0) (* 0.9 m) (+ m (* 0.01 a))))))
           (dot u u))",
        // An inner loop, and a vector that is only used in untaken arms.
        "(let ((r (sqrt u)))
           (loop ((i 0) (v (* 2 u)))
             (if (>= i n) (+ (dot v v) (loop ((j 0) (w v)) (if (>= j 2) (ref w k) (recur (+ j 1) (cos w)))))
               (recur (+ i 1)
                 (loop ((j 0) (w v)) (if (>= j i) w (recur (+ j 1) (if (> x 0) (+ w r) (* w x)))))))))",
        "(define (f k v) (if (< k 1) v (+ (* x v) (f (- k 1) (matvec a (sin v)))))) (+ x k (dot u (f n u)))",
    ];
    for (source, size) in [(sources[0], 24), (sources[1], 100), (sources[2], 9), (sources[0], 70)] {
        let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
        let names: Vec<&str> = program.inputs().collect();
        let mut signature = Signature::scalars().shape("u", Shape::Vector(size));
        if names.contains(&"a") {
            signature = signature.shape("a", Shape::Matrix(size, size));
        }
        let rows: Vec<Vec<f64>> = (0..5usize)
            .map(|row| {
                let mut all = Vec::new();
                for name in &names {
                    match *name {
                        "n" => all.push([2.0, 0.0, 5.0, 1.0, 3.0][row]),
                        "k" => all.push([0.0, 1.0, 2.0, 30.0, 1.0][row]),
                        "x" => all.push([0.5, 1.0, -0.5, 0.25, 0.0][row]),
                        "u" => all.extend((0..size).map(|j| f64::from((j + row as u32) % 5) * 0.2)),
                        _ => {
                            all.extend((0..size * size).map(|j| f64::from((j * 7 + row as u32) % 11) * 0.01))
                        }
                    }
                }
                all
            })
            .collect();
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        for derivative in [Derivative::None, Derivative::Gradient, Derivative::Jvp { seeds: 1 }] {
            for tape_bytes in [0, 64 << 20] {
                let [native, interpreted] = [support::native_tier(), Tier::Interpret].map(|tier| {
                    let options = CompileOptions::default()
                        .tier(tier)
                        .tape_bytes(tape_bytes)
                        .derivative(derivative.clone())
                        .signature(signature.clone());
                    program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"))
                });
                let width = native.shape().inputs;
                let rows: Vec<Vec<f64>> = rows
                    .iter()
                    .map(|row| {
                        (0..width).map(|k| row.get(k).copied().unwrap_or((k % 3) as f64 - 1.0)).collect()
                    })
                    .collect();
                let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
                for length in [1, 2, 3, 5] {
                    assert_eq!(
                        bits(&outputs(&native, &rows[..length])),
                        bits(&outputs(&interpreted, &rows[..length])),
                        "{derivative:?}, tape of {tape_bytes}, {length} rows of {source}"
                    );
                }
            }
        }
    }
}
