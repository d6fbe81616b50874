//! Mechanics: equations of motion from a Lagrangian or a Hamiltonian, and steps that keep areas.

use crate::support;

use neural_compiler::internals::lower::lower;
use neural_compiler::{CompileOptions, Program, Signature, Tier};
use support::derive::{Case, number, vector};
use support::generate::Rng;
use support::{native_tier, run};

const PENDULUM: &str = "(define (L t q w)\n\
    (let ((a (ref q 0)) (b (ref q 1)) (u (ref w 0)) (v (ref w 1)))\n\
    (+ (* 1/2 (+ m1 m2) l1 l1 u u) (* 1/2 m2 l2 l2 v v) (* m2 l1 l2 u v (cos (- a b)))\n\
       (* (+ m1 m2) g l1 (cos a)) (* m2 g l2 (cos b)))))\n\
    ((lagrangian->acceleration L) 0 [a b] [u v])";

/// The same accelerations in closed form, as textbooks have them.
const CLOSED: &str = "(let* ((d (- a b)) (s (sin d)) (c (cos d)) (m (+ m1 m2))\n\
    (n (- (+ m1 m) (* m2 (cos (* 2 d))))))\n\
    [(/ (- (+ (* g (+ m1 m) (sin a)) (* m2 g (sin (- a (* 2 b)))) (* 2 s m2 (+ (* v v l2) (* u u l1 c))))) (* l1 n))\n\
     (/ (* 2 s (+ (* u u l1 m) (* g m (cos a)) (* v v l2 m2 c))) (* l2 n))])";

/// The inputs of the two programs, by name.
const NAMES: [&str; 9] = ["m1", "m2", "l1", "l2", "g", "a", "b", "u", "v"];

#[test]
fn double_pendulum() {
    let rng = &mut Rng(7);
    let rows: Vec<[f64; 9]> = (0..500)
        .map(|_| {
            let mut row = [0.0; 9];
            row[..5].fill_with(|| rng.uniform(0.5, 2.0));
            row[5..].fill_with(|| rng.uniform(-3.0, 3.0));
            row
        })
        .collect();
    let [derived, written] = [PENDULUM, CLOSED].map(|text| {
        let program = Program::parse(text).unwrap_or_else(|error| panic!("{error}"));
        let columns: Vec<Vec<f64>> = program
            .inputs()
            .map(|name| {
                let k = NAMES.iter().position(|other| *other == name).expect("a name");
                rows.iter().map(|row| row[k]).collect()
            })
            .collect();
        let results = [native_tier(), Tier::Interpret].map(|tier| {
            let kernel = program.compile(&CompileOptions::default().tier(tier)).expect("a kernel");
            run(&kernel, &columns, &[], rows.len(), 1)
        });
        assert!(results[0] == results[1], "tiers differ");
        let graph = program.graph(&Signature::scalars()).expect("a graph");
        (results[0].clone(), lower(&graph, 0).insts.len())
    });
    let mut worst = 0.0f64;
    for row in 0..rows.len() {
        let all = |results: &support::Results| [0, 1].map(|k| f64::from_bits(results.columns[k][row]));
        let (found, expected) = (all(&derived.0), all(&written.0));
        let size = expected.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        for (a, b) in found.iter().zip(&expected) {
            worst = worst.max((a - b).abs() / size);
        }
    }
    let ratio = derived.1 as f64 / written.1 as f64;
    println!(
        "{worst:e} of the closed form; {} lane instructions, {} in closed form: {ratio:.2}",
        derived.1, written.1
    );
    assert!(worst <= 1e-13);
    assert!(ratio <= 1.5);
}

const HAMILTONIAN: &str =
    "(define (H t q p) (- (* 1/2 (dot p p)) (* k (cos (ref q 0))) (* (ref q 0) (sin t))))\n";

#[test]
fn fields_of_hamiltonians() {
    let inputs = [("k", number(1.5)), ("t", number(0.3)), ("y", vector(&[0.7, -0.4]))];
    let field = Case::new(&format!("{HAMILTONIAN}((hamiltonian->field H) t y)"), &inputs);
    let written = Case::new("(let ((c k) (s t)) [(ref y 1) (- (sin s) (* c (sin (ref y 0))))])", &inputs);
    for (a, b) in field.value().iter().zip(written.value()) {
        assert!((a - b).abs() <= 2e-16, "{a:e} {b:e}");
    }
    for (a, b) in field.reverse().iter().zip(written.reverse()) {
        assert!((a - b).abs() <= 4e-16, "{a:e} {b:e}");
    }
}

/// Steps of second and fourth order: errors fall with those powers of the step, areas stay, and going back leads back.
#[test]
fn steps_keep_areas() {
    let pendulum = "(define (H t q p) (- (* 1/2 (dot p p)) (cos (ref q 0))))\n";
    let start = [("y", vector(&[1.0, 0.5]))];
    let walk = |step: &str, count: usize, h: f64| {
        let text = format!(
            "{pendulum}(loop ((i 0) (y y)) (if (< i {count}) (recur (+ i 1) ({step} H (* i {h}) {h} y)) y))"
        );
        Case::new(&text, &start).value()
    };
    let exact = walk("yoshida4", 1600, 2.0 / 1600.0);
    for (step, order) in [("leapfrog", 2.0), ("yoshida4", 4.0)] {
        let error = |count: usize| {
            let found = walk(step, count, 2.0 / count as f64);
            found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let (coarse, fine) = (error(20), error(40));
        let found = (coarse / fine).log2();
        assert!((found - order).abs() < 0.2, "{step}: order {found}, errors {coarse:e} {fine:e}");
        let area = format!("{pendulum}(det ((D (lambda (y) ({step} H 0 0.3 y))) y))");
        let area = Case::new(&area, &start).value()[0];
        assert!((area - 1.0).abs() <= 1e-15, "{step}: {area:e}");
        let back = format!("{pendulum}({step} H 0.3 -0.3 ({step} H 0 0.3 y))");
        for (a, b) in Case::new(&back, &start).value().iter().zip([1.0, 0.5]) {
            assert!((a - b).abs() <= 5e-16, "{step}: {a:e} {b:e}");
        }
    }
}
