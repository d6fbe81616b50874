//! Random texts: no stage panics, and what compiles has the same bits in every tier.

use crate::support;

use nc_runtime::batch::{Kernel as _, RowOutcome};
use nc_runtime::stop::StopFlag;
use neural_compiler::internals::interpret::ast::{AstInterpreter, FailureReason, Scratch};
use neural_compiler::internals::interpret::graph::GraphInterpreter;
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::lower::lower;
use neural_compiler::internals::{anf, graph};
use neural_compiler::{
    CompileOptions, DEFAULT_TAPE_BYTES, Dialect, Error, Limits, Primitive, Program, ReaderLimits, Shape,
    Signature, Stage,
};
use proptest::prelude::*;

const SPICY: &[f64] =
    &[0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.5, 1e-300, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];

/// Takes a text in Scheme as far as it goes, and says whether it went all the way.
fn digest(text: &[u8]) -> bool {
    digest_as(text, Dialect::Scheme)
}

/// Takes a text as far as it goes, and says whether it went all the way.
fn digest_as(text: &[u8], dialect: Dialect) -> bool {
    let program = match Program::parse_bytes(text, dialect, &ReaderLimits::default()) {
        Ok(program) => program,
        Err(Error::Source(errors)) => {
            assert!(!errors.is_empty() && errors.len() <= 100);
            for error in errors {
                assert!(
                    error.span.start <= error.span.end && error.span.end as usize <= text.len(),
                    "{error:?}"
                );
            }
            return false;
        }
        Err(other) => panic!("{other}"),
    };
    let stages = [Stage::Ast, Stage::Source(Dialect::Infix), Stage::Source(dialect), Stage::Anf, Stage::Tco];
    for stage in stages {
        assert!(program.stage(stage, &CompileOptions::default(), None).is_ok());
    }
    compare(&program)
}

/// Whether the program compiles; if so, every tier has been compared on a few rows.
fn compare(program: &Program) -> bool {
    let mut signature = Signature::scalars();
    for name in program.inputs() {
        if name == "u" || name == "v" {
            signature = signature.shape(name, Shape::Vector(2));
        }
    }
    // Loops without an end are found in no time.
    let limits = program.limits();
    let limits =
        Limits { iterations: limits.iterations.min(10_000), steps: limits.steps.min(1_000_000), ..limits };
    let options = CompileOptions::default().signature(signature.clone()).limits(limits);
    let graph = match program.graph_for(&options) {
        Ok(graph) => graph,
        Err(Error::Source(errors)) => {
            assert!(!errors.is_empty());
            return false;
        }
        Err(other) => panic!("{other}"),
    };
    graph::verify::verify(&graph).expect("a sound graph");
    let gradient = options.clone().derivative(support::whole_derivative(&graph));
    let adjoint = derived(&graph, &gradient).expect("an adjoint");
    graph::verify::verify(&adjoint).expect("a sound adjoint");
    neural_compiler::internals::lower::verify::verify(&lower(&adjoint, DEFAULT_TAPE_BYTES))
        .expect("a sound lane program");

    let tree = AstInterpreter::new(program.resolved().clone(), &signature).with_limits(limits);
    let interpreted = GraphInterpreter::new(&graph, DEFAULT_TAPE_BYTES);
    let native = neural_compiler::Kernel::from_graph(graph.clone(), &options.tier(support::native_tier()))
        .expect("a kernel");
    let rows = 8;
    let columns: Vec<Vec<f64>> = (0..tree.columns())
        .map(|c| (0..rows).map(|r| SPICY[(r * (2 * c + 3) + 5 * c) % SPICY.len()]).collect())
        .collect();
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let compiled = if slices.is_empty() { None } else { Some(native.columns(&slices).expect("values")) };
    let mut scratch = Scratch::default();
    for row in 0..rows {
        let inputs: Vec<f64> = columns.iter().map(|c| c[row]).collect();
        let mut expected = vec![0.0; interpreted.shape().outputs];
        let mut found = expected.clone();
        let failure = tree.row(&mut scratch, &inputs, &[], &mut expected).err();
        let outcome = interpreted.row(&inputs, &[], &mut found, &mut [], &StopFlag::new());
        assert_eq!(bits(&expected), bits(&found), "row {inputs:?}");
        match (failure, outcome) {
            (None, RowOutcome::Done) => {}
            (Some(failure), RowOutcome::Failed(k)) => {
                let check = graph.checks[k as usize];
                assert_eq!((failure.span, failure.reason), (check.span, FailureReason::Check(check.reason)));
            }
            other => panic!("{other:?}"),
        }
        if let Some(compiled) = &compiled {
            let found: Vec<f64> = compiled.iter().map(|c| c[row]).collect();
            assert_eq!(bits(&expected), bits(&found), "native row {inputs:?}");
        }
    }
    true
}

fn bits(row: &[f64]) -> Vec<u64> {
    row.iter().map(|x| x.to_bits()).collect()
}

const TOKENS: &[&str] = &[
    "(",
    "(",
    "(",
    ")",
    ")",
    ")",
    "[",
    "]",
    "(+ ",
    "(* ",
    "(let ((",
    "))",
    ") ",
    "define",
    "(define (f x) ",
    "let",
    "let*",
    "if",
    "cond",
    "else",
    "lambda",
    "and",
    "or",
    "not",
    "begin",
    "values",
    "(ref u ",
    "x",
    "y",
    "u",
    "f",
    "1",
    "-2.5",
    "1/2",
    "#t",
    "#;",
    "#|",
    "|#",
    ";",
    "\n",
    "\"",
    "'",
    "set!",
    "(loop ((x ",
    "(recur ",
    "(let f ((x ",
    "(letrec ((f (lambda (x) ",
    "(do ((x ",
    "(f x)",
    "0",
    "é",
    "sin",
    "vec",
    "ref",
    "{",
];

const INFIX_TOKENS: &[&str] = &[
    "x", "y", "u", "f", "f(", "sin(", "(", "(", ")", ")", "[", "]", "{", "}", "+", "-", "*", "/", "^", "**",
    "<", "<=", "==", "=", "!=", ",", ",", ";", "and", "or", "not", "if(", "let", "in", "loop(", "loop",
    "recur(", "do", "then", "until", "(fun(", "values(", "1", "2.5", "3i", "inf", "`a-b`", "`", "#", "\n",
    "$", "é", "x =", "f(x) =", "\"", "&&", "%", ".",
];

/// A text of balanced forms. Most of them mean something.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => prop::sample::select(&["x", "y", "z", "u", "v", "a", "b", "exp"][..]).prop_map(str::to_string),
        2 => prop::sample::select(&["0", "1", "2", "-1", "0.5", "3", "1e300", "-0.0", "1/3", "#t"][..])
            .prop_map(str::to_string),
    ];
    let names: Vec<&'static str> = Primitive::names().collect();
    leaf.prop_recursive(6, 60, 4, move |inner| {
        let unary_or_more = prop::collection::vec(inner.clone(), 1..4);
        let name = prop::sample::select(names.clone());
        let arithmetic = prop::sample::select(&["+", "-", "*", "/", "<", "=", ">", "min", "max"][..]);
        let bound = prop::sample::select(&["a", "b", "x", "u"][..]);
        prop_oneof![
            2 => (name, unary_or_more.clone()).prop_map(|(n, args)| call(n, &args)),
            4 => (arithmetic, unary_or_more.clone()).prop_map(|(n, args)| call(n, &args)),
            2 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(c, t, e)| format!("(if {c} {t} {e})")),
            2 => (bound.clone(), inner.clone(), inner.clone())
                .prop_map(|(n, value, body)| format!("(let (({n} {value})) {body})")),
            1 => (bound.clone(), bound.clone(), inner.clone(), inner.clone(), inner.clone()).prop_map(
                |(n, m, body, p, q)| format!("(let* ((g (lambda ({n}) {body})) ({m} (g {p}))) (+ (g {q}) {m}))")
            ),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(p, q, r)| format!("(cond ({p} {q}) ((and {q} (not {r})) {p}) (else {r}))")),
            1 => (inner.clone(), inner.clone()).prop_map(|(p, q)| format!("(or {p} (and {q} {p}))")),
            2 => (inner.clone(), inner.clone()).prop_map(|(p, q)| format!("[{p} {q}]")),
            1 => inner.clone().prop_map(|i| format!("(ref u {i})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(w, i)| format!("(ref {w} (if (< {i} 1) 0 1))")),
            1 => (bound.clone(), inner.clone()).prop_map(|(n, body)| format!("((lambda ({n}) {body}) {n})")),
            // Loops with an end and without one, and recursive functions.
            2 => (bound.clone(), inner.clone(), inner.clone(), inner.clone()).prop_map(|(n, first, next, value)| {
                format!("(loop ((i 0) ({n} {first})) (if (< i 3) (recur (+ i 1) {next}) {value}))")
            }),
            1 => (bound.clone(), inner.clone(), inner.clone(), inner.clone()).prop_map(|(n, first, test, next)| {
                format!("(let go (({n} {first})) (if {test} {n} (go {next})))")
            }),
            1 => (bound.clone(), inner.clone(), inner.clone())
                .prop_map(|(n, first, next)| format!("(do ((i 0 (+ i 1)) ({n} {first} {next})) ((> i 2) {n}))")),
            1 => (bound, inner.clone(), inner.clone(), inner.clone()).prop_map(|(n, first, base, next)| {
                format!("(letrec ((r (lambda (i {n}) (if (< i 1) {base} (+ {n} (r (- i 1) {next})))))) (r 3 {first}))")
            }),
        ]
    })
}

fn call(name: &str, args: &[String]) -> String {
    format!("({name} {})", args.join(" "))
}

/// Rows of random programs are short.
const HEAD: &str = "; nc: --max-iterations 30 --max-depth 30 --max-steps 1000\n";

/// `FUZZ_CASES=100000 cargo test --test suite fuzz` looks further.
fn cases() -> u32 {
    std::env::var("FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(1000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        digest(&bytes);
    }

    #[test]
    fn random_characters(text in "\\PC{0,100}") {
        digest(text.as_bytes());
    }

    #[test]
    fn random_tokens(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..60)) {
        digest(tokens.concat().as_bytes());
        digest(tokens.join(" ").as_bytes());
    }

    #[test]
    fn random_bytes_in_infix(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        digest_as(&bytes, Dialect::Infix);
    }

    #[test]
    fn random_characters_in_infix(text in "\\PC{0,100}") {
        digest_as(text.as_bytes(), Dialect::Infix);
    }

    #[test]
    fn random_tokens_in_infix(tokens in prop::collection::vec(prop::sample::select(INFIX_TOKENS), 0..20)) {
        let head = "# nc: --max-iterations 30 --max-depth 30 --max-steps 1000\n";
        digest_as((head.to_string() + &tokens.concat()).as_bytes(), Dialect::Infix);
        digest_as((head.to_string() + &tokens.join(" ")).as_bytes(), Dialect::Infix);
    }

    #[test]
    fn random_programs(text in expression()) {
        digest((HEAD.to_string() + &text).as_bytes());
    }

    #[test]
    fn random_programs_of_functions(f in expression(), k in expression(), body in expression()) {
        digest(format!("{HEAD}(define k {k})\n(define (f x a) {f})\n(f (f {body} k) k)").as_bytes());
        digest(format!("{HEAD}(define (f u x) {f})\n(values (p {body}) (q (f {k} [1 2])))").as_bytes());
        digest(format!("{HEAD}(define (f x u y) {f})").as_bytes());
    }
}

/// Programs are random enough if a good part of them compiles.
#[test]
fn random_programs_compile() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, TestRunner};
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let texts = (0..500).map(|_| expression().new_tree(&mut runner).expect("a text").current());
    let compiled = texts.filter(|text| digest((HEAD.to_string() + text).as_bytes())).count();
    assert!(compiled > 50, "{compiled} of 500 compile");
}

#[test]
fn anf_is_sound() {
    let program = Program::parse("(define (f x) (if x (* x y) 1)) (+ (f 1) (f z))").expect("a program");
    assert_eq!(anf::verify::verify(&anf::build::build(program.resolved())), Ok(()));
}
