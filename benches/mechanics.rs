//! What a model costs that is said as physics has it: the double pendulum from its Lagrangian, and functions as operands.
//!
//! `cargo bench --bench mechanics` prints, on all processors,
//! - the time of a row of the accelerations that `lagrangian->acceleration` makes, beside those of the textbook's closed form;
//! - 10⁴ trajectories of 10⁴ steps of the classical Runge–Kutta method, with the drift of the energy, relative to the larger of it and 1 J;
//! - the time in which a program is compiled that calls a function with 10², 10³ and 10⁴ different functions as operands, and the same with its derivative.
//!
//! `--test` does little of each.

mod support;

use std::hint::black_box;
use std::time::Instant;

use neural_compiler::{CompileOptions, Kernel, Program};
use support::timing::best;

const LAGRANGIAN: &str = "(define (L t q w)
  (let ((a (ref q 0)) (b (ref q 1)) (u (ref w 0)) (v (ref w 1)))
    (+ (* 1/2 (+ m1 m2) l1 l1 u u) (* 1/2 m2 l2 l2 v v) (* m2 l1 l2 u v (cos (- a b)))
       (* (+ m1 m2) g l1 (cos a)) (* m2 g l2 (cos b)))))\n";

const CLOSED: &str = "(let* ((d (- a b)) (s (sin d)) (c (cos d)) (m (+ m1 m2)) (n (- (+ m1 m) (* m2 (cos (* 2 d))))))
  [(/ (- (+ (* g (+ m1 m) (sin a)) (* m2 g (sin (- a (* 2 b)))) (* 2 s m2 (+ (* v v l2) (* u u l1 c))))) (* l1 n))
   (/ (* 2 s (+ (* u u l1 m) (* g m (cos a)) (* v v l2 m2 c))) (* l2 n))])";

/// Angles and momenta of a kilogram and a metre each, after so many steps of a millisecond, with the drift.
const TRAJECTORY: &str = "(define m1 1) (define m2 1) (define l1 1) (define l2 1) (define g 9.81)
(define (parts y f) (f (vec (ref y 0) (ref y 1)) (vec (ref y 2) (ref y 3))))
(define (energy y) (parts y (lambda (q w) (- (dot w ((D (lambda (w) (L 0 q w))) w)) (L 0 q w)))))
(define (field t y) (parts y (lambda (q w) (vappend w ((lagrangian->acceleration L) t q w)))))
(define (end y0) (loop ((i 0) (y y0)) (if (< i STEPS) (recur (+ i 1) (rk4 field (* i 0.001) 0.001 y)) y)))
(let* ((y0 [a b 0 0]) (e0 (energy y0)) (y (end y0)))
  (values (a1 (ref y 0)) (b1 (ref y 1)) (drift (/ (abs (- (energy y) e0)) (max 1 (abs e0))))))";

fn compiled(text: &str) -> Kernel {
    let program = Program::parse(text).unwrap_or_else(|error| panic!("{error}"));
    program.compile(&CompileOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Columns of numbers between two, the same in every run.
fn columns(count: usize, rows: usize, low: f64, high: f64) -> Vec<Vec<f64>> {
    let number = |k: usize| (k as f64 * 0.754_877_666_246_693 + 0.5).fract();
    (0..count)
        .map(|column| (0..rows).map(|row| low + (high - low) * number(row * count + column + 1)).collect())
        .collect()
}

fn accelerations(rows: usize, repeats: usize) {
    let derived = compiled(&format!("{LAGRANGIAN}((lagrangian->acceleration L) 0 [a b] [u v])"));
    let written = compiled(CLOSED);
    let time = |kernel: &Kernel| {
        let columns = columns(kernel.inputs().len(), rows, 0.5, 2.0);
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        best(repeats, || {
            black_box(kernel.columns(&columns).expect("columns"));
        }) / rows as f64
    };
    let (derived, written) = (time(&derived), time(&written));
    println!(
        "accelerations: {:.2} ns a row from the Lagrangian, {:.2} ns in closed form: {:.2}",
        1e9 * derived,
        1e9 * written,
        derived / written
    );
}

fn trajectories(rows: usize, steps: usize) {
    let limits = "; nc: --max-iterations 20000\n";
    let kernel =
        compiled(&format!("{limits}{LAGRANGIAN}{}", TRAJECTORY.replace("STEPS", &steps.to_string())));
    let starts = columns(2, rows, -2.0, 2.0);
    let begun = Instant::now();
    let found = kernel.columns(&[&starts[0], &starts[1]]).expect("columns");
    let seconds = begun.elapsed().as_secs_f64();
    let mut drift = found[2].clone();
    drift.sort_by(f64::total_cmp);
    println!(
        "{rows} trajectories of {steps} steps: {seconds:.2} s, {:.2} ns a step; drift of the energy: median {:.1e}, of 99 % {:.1e}, at most {:.1e}",
        1e9 * seconds / (rows * steps) as f64,
        drift[rows / 2],
        drift[(rows * 99 / 100).min(rows - 1)],
        drift[rows - 1]
    );
}

fn specialisations(counts: &[usize]) {
    for (what, call) in [("called", "(f x)"), ("differentiated", "((D f) x)")] {
        for &count in counts {
            let calls: Vec<String> =
                (0..count).map(|k| format!("(ap (lambda (t) (* t (+ {k} (sin (+ t {k}))))) x)")).collect();
            let text = format!("(define (ap f x) {call})\n(+ {})", calls.join(" "));
            let begun = Instant::now();
            black_box(compiled(&text));
            let seconds = begun.elapsed().as_secs_f64();
            println!(
                "{count} functions as operands, {what}: compiled in {:.1} ms, {:.0} µs each",
                1e3 * seconds,
                1e6 * seconds / count as f64
            );
        }
    }
}

fn main() {
    if support::quick() {
        accelerations(100, 1);
        trajectories(10, 10);
        specialisations(&[10]);
        return;
    }
    accelerations(10_000, 200);
    trajectories(10_000, 10_000);
    specialisations(&[100, 1000, 10_000]);
}
