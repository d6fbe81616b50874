//! Random programs with loops and recursion: all of them are valid, and end.

mod support;

use std::collections::HashMap;

use neural_compiler::graph::Reason;
use neural_compiler::graph::build::Signature;
use neural_compiler::interpret::ast::{AstInterpreter, FailureReason, Scratch};
use neural_compiler::{Limits, Program};
use support::generate::{Rng, Style, styled};

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
