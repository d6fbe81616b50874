//! Random programs of functions that call each other: with calls as they are written, and with loops in their place.
//!
//! ANF is evaluated here by recursion, in the plainest way, and compared with the AST interpreter: values, and what of
//! its limits a row uses.

use crate::support;

use crate::support::recursion;

use std::collections::HashMap;

use neural_compiler::internals::anf::{self, Anf, Atom, BlockId, End, Operand, Rhs, Var};
use neural_compiler::internals::interpret::ast::{AstInterpreter, FailureReason, Scratch};
use neural_compiler::{CompileOptions, Derivative, Limits, Program, Reason, Signature, Tier};

/// What a row uses.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Used {
    iterations: u64,
    depth: u64,
    steps: u64,
}

struct Evaluator<'a> {
    anf: &'a Anf,
    depth: u64,
    used: Used,
}

/// What becomes of a block.
enum Outcome {
    Value(f64),
    Again(Vec<f64>),
}

type Values = HashMap<Var, f64>;

impl Evaluator<'_> {
    fn atom(&self, atom: Atom, values: &Values) -> f64 {
        match atom {
            Atom::Literal(literal) => literal.f64,
            // Variables that have no value yet are passed on, and not used.
            Atom::Var(var) => values.get(&var).copied().unwrap_or(f64::NAN),
        }
    }

    fn all(&self, operands: &[Operand], values: &Values) -> Vec<f64> {
        operands.iter().map(|operand| self.atom(operand.atom, values)).collect()
    }

    fn value(&mut self, block: BlockId, values: &mut Values) -> f64 {
        match self.block(block, values) {
            Outcome::Value(value) => value,
            Outcome::Again(_) => panic!("an iteration of no loop"),
        }
    }

    fn block(&mut self, id: BlockId, values: &mut Values) -> Outcome {
        let block = &self.anf.blocks[id];
        for binding in &block.bindings {
            let value = match &binding.rhs {
                Rhs::Constant(literal) => literal.f64,
                Rhs::Primitive(primitive, operands) => {
                    match (primitive.name(), &self.all(operands, values)[..]) {
                        ("+", args) => args.iter().copied().reduce(|a, b| a + b).unwrap_or(0.0),
                        ("-", &[x, y]) => x - y,
                        ("*", &[x, y]) => x * y,
                        ("<", &[x, y]) => f64::from(u8::from(x < y)),
                        ("=", &[x, y]) => f64::from(u8::from(x == y)),
                        (name, _) => panic!("{name}"),
                    }
                }
                Rhs::Call(callee, operands) => {
                    let function = &self.anf.functions[*callee];
                    let mut inner: Values =
                        function.params.iter().copied().zip(self.all(operands, values)).collect();
                    let recursive = u64::from(function.recursive);
                    self.depth += recursive;
                    self.used.steps += recursive;
                    self.used.depth = self.used.depth.max(self.depth);
                    let value = self.value(function.body, &mut inner);
                    self.depth -= recursive;
                    value
                }
                Rhs::Derive(..) => panic!("programs of this test have no derivatives"),
                Rhs::If(condition, then, other) => {
                    let taken = if self.atom(condition.atom, values) != 0.0 { then } else { other };
                    match self.block(*taken, values) {
                        Outcome::Value(value) => value,
                        again @ Outcome::Again(_) => return again,
                    }
                }
                Rhs::Loop(inner) => {
                    let first = inner.inits.iter().map(|init| init.map(|o| self.atom(o.atom, values)));
                    let first: Vec<f64> = first.map(|x| x.unwrap_or(f64::NAN)).collect();
                    values.extend(inner.vars.iter().copied().zip(first));
                    let mut iterations = 0;
                    loop {
                        match self.block(inner.body, values) {
                            Outcome::Value(value) => break value,
                            Outcome::Again(next) => values.extend(inner.vars.iter().copied().zip(next)),
                        }
                        iterations += 1;
                        self.used.steps += 1;
                        self.used.iterations = self.used.iterations.max(iterations);
                    }
                }
            };
            values.insert(binding.var, value);
        }
        match &block.end {
            End::Value(atom) => Outcome::Value(self.atom(*atom, values)),
            End::Recur(next) => Outcome::Again(self.all(next, values)),
        }
    }
}

fn evaluate(anf: &Anf, inputs: &[f64]) -> (f64, Used) {
    let mut evaluator = Evaluator { anf, depth: 0, used: Used::default() };
    let mut values: Values = anf.inputs.iter().copied().zip(inputs.iter().copied()).collect();
    let value = evaluator.value(anf.main.expect("a body"), &mut values);
    (value, evaluator.used)
}

fn check(source: &str, kinds: &mut [usize; 4]) {
    let program = Program::parse(source).unwrap_or_else(|error| panic!("{error} in\n{source}"));
    let inputs = vec![2.0; program.inputs().count()];
    let written = anf::build::build(program.resolved());
    let loops = anf::build::build_loops(program.resolved());
    assert_eq!(anf::verify::verify(&written), Ok(()), "{source}");
    assert_eq!(anf::verify::verify(&loops), Ok(()), "{source}");

    let row = |limits: Limits| {
        let interpreter =
            AstInterpreter::new(program.resolved().clone(), &Signature::scalars()).with_limits(limits);
        let mut value = [0.0];
        interpreter.row(&mut Scratch::default(), &inputs, &[], &mut value).map(|()| value[0])
    };
    let bound = Limits { steps: 20_000, ..Limits::default() };
    let Ok(expected) = row(bound) else { return };
    let (value, used) = evaluate(&loops, &inputs);
    assert_eq!(value.to_bits(), expected.to_bits(), "{source}");
    assert_eq!(evaluate(&written, &inputs).0.to_bits(), expected.to_bits(), "{source}");

    // The row takes exactly what its loops say.
    let Used { iterations, depth, steps } = used;
    let limits = Limits { iterations, depth, steps };
    assert_eq!(row(limits).map(f64::to_bits), Ok(expected.to_bits()), "{used:?} of\n{source}");
    let reason = |limits: Limits| match row(limits).map_err(|failure| failure.reason) {
        Err(FailureReason::Check(reason)) => reason,
        other => panic!("{other:?} within {limits:?} of\n{source}"),
    };
    if let Some(limit) = iterations.checked_sub(1) {
        assert_eq!(reason(Limits { iterations: limit, ..limits }), Reason::Iterations { limit }, "{source}");
    }
    if let Some(limit) = depth.checked_sub(1) {
        assert_eq!(reason(Limits { depth: limit, ..limits }), Reason::Depth { limit }, "{source}");
    }
    if let Some(limit) = steps.checked_sub(1) {
        assert_eq!(reason(Limits { steps: limit, ..limits }), Reason::Steps { limit }, "{source}");
    }
    let groups = &program.resolved().groups;
    kinds[0] += 1;
    kinds[1] += usize::from(iterations > 0);
    kinds[2] += usize::from(depth > 1);
    kinds[3] += usize::from(groups.iter().any(|group| group.members.len() > 2));
}

/// `FUZZ_CASES=100000 cargo test --test suite tail_calls` looks further.
#[test]
fn loops_are_what_was_written() {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(3000);
    let mut kinds = [0; 4];
    for seed in 0..cases {
        check(&recursion::program(seed), &mut kinds);
    }
    println!("{kinds:?} of {cases}");
    assert!(kinds.iter().all(|&count| count > cases as usize / 20), "{kinds:?} of {cases}");
}

/// Values of all inputs.
const ROWS: [f64; 5] = [2.0, 0.0, -1.5, 7.0, 1.0];

/// The outputs of every tier in some rows; NaN in those that fail.
fn in_tiers(
    source: &str,
    derivative: &Derivative,
    limits: Limits,
    tape_bytes: usize,
    rows: &[f64],
) -> Vec<Vec<u64>> {
    let program = Program::parse(source).unwrap_or_else(|error| {
        panic!(
            "{error} in
{source}"
        )
    });
    let columns = vec![rows; program.inputs().count()];
    let [native, interpreted] = [support::native_tier(), Tier::Interpret].map(|tier| {
        let options = CompileOptions::default()
            .tier(tier)
            .derivative(derivative.clone())
            .limits(limits)
            .tape_bytes(tape_bytes);
        let kernel = program.compile(&options).unwrap_or_else(|error| panic!("{error} in\n{source}"));
        let Ok(results) = kernel.columns(&columns) else { return Vec::new() };
        let bits = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        results.iter().map(|column| column.iter().map(bits).collect()).collect()
    });
    assert_eq!(native, interpreted, "{derivative:?} of\n{source}");
    native
}

/// The same programs, in every tier and with derivatives.
#[test]
fn every_tier_runs_them() {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(60);
    let (mut compared, mut limited) = (0, 0);
    for seed in 0..cases {
        // Every program depends on its rows.
        let source = recursion::program(seed).replace("\n(+ 0", "\n(+ x");
        let program = Program::parse(&source).unwrap_or_else(|error| panic!("{error} in\n{source}"));
        let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars())
            .with_limits(Limits { steps: 20_000, ..Limits::default() });
        let value = |x: f64| {
            let mut value = [0.0];
            let inputs = vec![x; program.inputs().count()];
            interpreter.row(&mut Scratch::default(), &inputs, &[], &mut value).map(|()| value[0])
        };
        let Ok(expected) = ROWS.map(value).into_iter().collect::<Result<Vec<f64>, _>>() else {
            continue;
        };
        let expected: Vec<u64> = expected.into_iter().map(f64::to_bits).collect();
        compared += 1;
        let loops = anf::build::build_loops(program.resolved());
        let Used { iterations, depth, steps } = evaluate(&loops, &vec![ROWS[0]; program.inputs().count()]).1;
        let limits = Limits { iterations, depth, steps };
        for derivative in [Derivative::None, Derivative::Gradient, Derivative::Hessian] {
            let found = in_tiers(&source, &derivative, Limits::default(), 64 << 20, &ROWS);
            assert_eq!(found[0], expected, "{derivative:?} of\n{source}");
            let tight = in_tiers(&source, &derivative, Limits::default(), 0, &ROWS);
            assert_eq!(found, tight, "{derivative:?} of\n{source}");
            // A row takes exactly what its loops say, whatever is asked for beside the value.
            let exact = in_tiers(&source, &derivative, limits, 0, &ROWS[..1]);
            let first: Vec<Vec<u64>> = found.iter().map(|column| vec![column[0]]).collect();
            assert_eq!(exact, first, "{derivative:?} within {limits:?} of\n{source}");
            for less in [
                Limits { iterations: limits.iterations.wrapping_sub(1), ..limits },
                Limits { depth: limits.depth.wrapping_sub(1), ..limits },
                Limits { steps: limits.steps.wrapping_sub(1), ..limits },
            ] {
                if less.iterations.max(less.depth).max(less.steps) < u64::MAX {
                    let failed = in_tiers(&source, &derivative, less, 0, &ROWS[..1]);
                    // A loop that counts to a constant has no limit of its own.
                    if less.iterations < limits.iterations && failed == first {
                        continue;
                    }
                    limited += usize::from(less.iterations < limits.iterations);
                    let nan = |&x: &u64| x == f64::NAN.to_bits();
                    assert!(failed.iter().flatten().all(nan), "{derivative:?} within {less:?} of\n{source}");
                }
            }
        }
    }
    assert!(compared > cases as usize / 2, "{compared} of {cases}");
    assert!(limited > compared / 4, "{limited} in {compared} programs");
}
