//! Random programs with loops and recursion: all of them are valid, and end.

use crate::support;

use std::collections::HashMap;

use neural_compiler::internals::interpret::ast::{AstInterpreter, FailureReason, Scratch};
use neural_compiler::{CompileOptions, Derivative, Limits, Program, Reason, Signature, Tier};
use support::generate::{Rng, Style, styled};
use support::run;

const FORMS: [&str; 7] = ["(loop ", "(do ", "(let g", "(letrec ", "(define (g", "(define (r", "(recur "];

#[test]
fn every_program_is_valid_and_ends() {
    let count = std::env::var("NC_PROGRAMS").map_or(3000, |text| text.parse().expect("a number"));
    let limits = Limits { iterations: 50, depth: 50, steps: 1_000_000 };
    let (mut repeating, mut rows, mut finite, mut indices) = (0, 0, 0, 0);
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for seed in 0..count {
        let generated = styled(seed, Style { smooth: seed % 2 == 1, ..Style::ALL });
        let program = Program::parse(&generated.text).unwrap_or_else(|error| panic!("{generated}\n{error}"));
        let found: Vec<&str> = FORMS.into_iter().filter(|form| generated.text.contains(form)).collect();
        repeating += usize::from(!found.is_empty());
        found.into_iter().for_each(|form| *uses.entry(form).or_default() += 1);
        let mut signature = Signature::scalars();
        for (name, shape) in &generated.shapes {
            signature = signature.shape(name, *shape);
        }
        let interpreter = AstInterpreter::new(program.resolved().clone(), &signature).with_limits(limits);
        let rng = &mut Rng(seed);
        let mut scratch = Scratch::default();
        for row in 0..4 {
            let mut number = || if row % 2 == 0 { rng.tame() } else { rng.wild() };
            let inputs: Vec<f64> = (0..interpreter.columns()).map(|_| number()).collect();
            // Results are of at most two matrices of 3×3; the interpreter says how many elements there are.
            let mut results = vec![0.0; 1];
            let mut outcome = interpreter.row(&mut scratch, &inputs, &[], &mut results);
            if let Err(failure) = &outcome
                && let FailureReason::Results(elements) = failure.reason
            {
                results.resize(elements, 0.0);
                outcome = interpreter.row(&mut scratch, &inputs, &[], &mut results);
            }
            rows += 1;
            match outcome {
                Ok(()) => finite += usize::from(results.iter().all(|x| x.is_finite())),
                Err(failure) => match failure.reason {
                    FailureReason::Check(Reason::Index { .. }) => indices += 1,
                    _ => panic!("{generated}\ninputs {inputs:?}\n{failure:?}"),
                },
            }
        }
    }
    println!("{repeating} of {count} programs repeat: {uses:?}");
    println!("{rows} rows, {finite} of them finite, {indices} with an index out of range");
    assert!(repeating as u64 > count / 4);
    assert!(finite > rows / 3);
    assert!(FORMS.iter().all(|form| uses[form] as u64 > count / 200));
}

/// The outer loop goes on only while the inner one ends; nothing else of the inner one decides that.
#[test]
fn what_an_inner_loop_leaves_is_known_after_the_outer_one() {
    let text = "(loop ((i 1) (t (> s 2.5)))
                  (let ((w (loop ((j 1) (u x)) (if (< j 0) (recur (+ j 1) (* 0.5 u)) (* u s)))))
                    (if (< i z) (recur (+ i 1) (hypot t x)) (- t w))))";
    let program = Program::parse(text).expect("a program");
    let columns: Vec<Vec<f64>> = program
        .inputs()
        .map(|name| if name == "s" { vec![2.0, 3.0] } else { vec![if name == "x" { 1.0 } else { 3.0 }; 2] })
        .collect();
    let result = |derivative, tier| {
        let kernel = program.compile(&CompileOptions::default().derivative(derivative).tier(tier));
        run(&kernel.expect("a kernel"), &columns, &[], 2, 1).columns[0].clone()
    };
    let expected = vec![(2f64.sqrt() - 2.0).to_bits(), (3f64.sqrt() - 3.0).to_bits()];
    for tier in [support::native_tier(), Tier::Interpret] {
        for derivative in [Derivative::None, Derivative::Gradient] {
            let found = result(derivative, tier);
            let near = found.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) < 8);
            assert!(near, "{tier}: {found:?}, not {expected:?}");
        }
    }
}

/// The second function of a pair is entered from the first only: its parameters have the shapes that it is given there.
#[test]
fn mutual_tail_calls_hand_vectors_to_each_other() {
    let text = "(letrec ((f (lambda (i a) (if (>= i 1) (g (- i 1) a) (vsum a))))
                         (g (lambda (i a) (if (>= i 1) (f (- i 1) a) (* 2 (vsum a))))))
                  (f n [1 2]))";
    let program = Program::parse(text).expect("a program");
    for tier in [support::native_tier(), Tier::Interpret] {
        let options = CompileOptions::default().derivative(Derivative::Gradient).tier(tier);
        let kernel = program.compile(&options).expect("a kernel");
        let results = run(&kernel, &[vec![4.0, 5.0]], &[], 2, 1);
        assert_eq!(results.columns[0], [3f64.to_bits(), 6f64.to_bits()], "{tier}");
    }
}
