//! Long, deep and hostile inputs: every stage gets through them, and no stack overflows. Times are
//! printed, not asserted.
//!
//! Each test runs on a thread with a stack of 2 MiB, which is what Rust gives a thread; recursion over 10⁵ levels would
//! not fit. Structures are dropped on that thread too.

use crate::support;

use std::time::{Duration, Instant};

use nc_runtime::batch::{self, Batch, BatchError, Kernel as _, Options, Sink, Source, Workspace};
use nc_runtime::stop::{Stop, StopFlag};
use neural_compiler::internals::graph;
use neural_compiler::internals::interpret::ast::{AstInterpreter, Failure, FailureReason, Scratch};
use neural_compiler::internals::interpret::graph::GraphInterpreter;
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::lower::lower;
use neural_compiler::{
    CompileOptions, DEFAULT_TAPE_BYTES, Derivative, Diagnostic, Error, Kernel, Limits, Program, Signature,
    Stage, Tier,
};

fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what}: {:?}", start.elapsed());
    result
}

fn errors(source: &str) -> Vec<Diagnostic> {
    match Program::parse(source) {
        Err(Error::Source(diagnostics)) => diagnostics,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it compiles"),
    }
}

/// Takes a program of scalars through every stage, and returns its value at inputs 1, 2, 3, ….
fn through_all_stages(source: &str, native: bool) -> f64 {
    let program = timed("read", || Program::parse(source)).expect("a program");
    for stage in [Stage::Ast, Stage::Anf, Stage::Tco] {
        let text = timed("print", || program.stage(stage, &CompileOptions::default(), None)).expect("text");
        assert!(text.len() < 100 * source.len() + 1000, "{stage:?} takes {} bytes", text.len());
    }
    let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars());
    let inputs: Vec<f64> = (1..=interpreter.columns()).map(|k| k as f64).collect();
    let mut value = [0.0];
    let mut scratch = Scratch::default();
    timed("interpret the tree", || interpreter.row(&mut scratch, &inputs, &[], &mut value)).expect("a value");

    let graph = timed("graph", || program.graph(&Signature::scalars())).expect("a graph");
    graph::verify::verify(&graph).expect("a sound graph");
    let mut again = [0.0];
    timed("interpret the graph", || {
        GraphInterpreter::new(&graph, DEFAULT_TAPE_BYTES).row(
            &inputs,
            &[],
            &mut again,
            &mut [],
            &StopFlag::new(),
        )
    });
    assert_eq!(value[0].to_bits(), again[0].to_bits());

    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let adjoint = timed("adjoint", || derived(&graph, &options)).expect("an adjoint");
    graph::verify::verify(&adjoint).expect("a sound adjoint");
    let text = timed("print the adjoint", || graph::print::dump(&adjoint));
    assert!(text.len() < 1000 * source.len() + 1000);
    let lanes = timed("lanes", || lower(&adjoint, DEFAULT_TAPE_BYTES));
    neural_compiler::internals::lower::verify::verify(&lanes).expect("a sound lane program");
    timed("print the lanes", || neural_compiler::internals::lower::print::dump(&lanes));
    println!("{} nodes, {} instructions", adjoint.len(), lanes.insts.len());
    if native {
        let options = options.tier(support::native_tier());
        let kernel = timed("compile", || Kernel::from_graph(adjoint.clone(), &options)).expect("a kernel");
        let columns: Vec<Vec<f64>> = inputs.iter().map(|&x| vec![x; 3]).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let native = timed("run", || kernel.columns(&columns)).expect("values");
        assert_eq!(native[0][0].to_bits(), value[0].to_bits());
        let mut all = vec![0.0; native.len()];
        GraphInterpreter::new(&adjoint, DEFAULT_TAPE_BYTES).row(
            &inputs,
            &[],
            &mut all,
            &mut [],
            &StopFlag::new(),
        );
        for (native, interpreted) in native.iter().zip(&all) {
            assert_eq!(native[0].to_bits(), interpreted.to_bits());
        }
    }
    timed("drop", || drop((program, graph, adjoint, lanes)));
    value[0]
}

#[test]
fn a_million_unclosed_parentheses() {
    on_small_stack(|| {
        let found = errors(&"(".repeat(1_000_000));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].code, found[0].span.start), ("unclosed", 999_999));
        let found = errors(&"(+ 1 ".repeat(1_000_000));
        assert_eq!((found.len(), found[0].code), (1, "unclosed"));
        let found = errors(&"[".repeat(1_000_001));
        assert_eq!((found.len(), found[0].code, found[0].span.start), (1, "too-deep", 1_000_000));
        let found = errors(&")".repeat(1_000_000));
        assert!(found.len() <= 100 && found[0].code == "unopened");
    });
}

#[test]
fn nesting_up_to_a_million() {
    on_small_stack(|| {
        let nest = |depth: usize| "(sin ".repeat(depth) + "x" + &")".repeat(depth);
        let source = nest(1_000_000);
        let program = timed("read", || Program::parse(&source)).expect("a program");
        assert!(timed("print", || program.stage(Stage::Ast, &CompileOptions::default(), None)).is_ok());
        let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars());
        let mut value = [f64::NAN];
        interpreter.row(&mut Scratch::default(), &[1.0], &[], &mut value).expect("a value");
        assert!(value[0] > 0.0 && value[0] < 0.01, "{}", value[0]);
        let graph = timed("graph", || program.graph(&Signature::scalars())).expect("a graph");
        let options = CompileOptions::default().derivative(Derivative::Gradient);
        let adjoint = timed("adjoint", || derived(&graph, &options)).expect("an adjoint");
        assert!(adjoint.len() > 2_000_000);
        timed("drop", || drop((program, graph, adjoint)));
        let found = errors(&nest(1_000_001));
        assert_eq!((found.len(), found[0].code), (1, "too-deep"));
        assert_eq!(found[0].span.start, 5_000_000);
    });
}

#[test]
fn comments_nest_as_deep_as_the_text_is_long() {
    on_small_stack(|| {
        let comments = "#|".repeat(1_000_000) + &"|#".repeat(1_000_000);
        assert!(Program::parse(&(comments + "x")).is_ok());
        assert_eq!(errors(&"#|".repeat(1_000_000))[0].code, "open-comment");
        let hidden = "#;".repeat(500_000) + &"y ".repeat(500_000) + "x";
        let program = Program::parse(&hidden).expect("a program");
        assert_eq!(program.inputs().collect::<Vec<_>>(), ["x"]);
        assert_eq!(errors(&"#;".repeat(1_000_000))[0].code, "token");
    });
}

#[test]
fn deep_calls() {
    on_small_stack(|| {
        let depth = 100_000;
        let source = "(+ 1 (* x ".repeat(depth / 2) + "x" + &"))".repeat(depth / 2);
        assert_eq!(through_all_stages(&source, true), 1.0 + depth as f64 / 2.0);
    });
}

#[test]
fn long_sums() {
    on_small_stack(|| {
        let source = format!("(+ {})", "x ".repeat(1_000_000));
        assert_eq!(through_all_stages(&source, false), 1e6);
        let terms: Vec<String> = (0..100_000).map(|k| format!("(* {k} x)")).collect();
        assert_eq!(through_all_stages(&format!("(+ {})", terms.join(" ")), false), 4999950000.0);
        assert_eq!(through_all_stages(&format!("(+ {})", terms[..5000].join(" ")), true), 12497500.0);
    });
}

#[test]
fn many_inputs() {
    on_small_stack(|| {
        let names: Vec<String> = (0..100_000).map(|k| format!("x{k}")).collect();
        assert_eq!(through_all_stages(&format!("(+ {})", names.join(" ")), false), 5000050000.0);
        assert_eq!(through_all_stages(&format!("(+ {})", names[..10_000].join(" ")), true), 50005000.0);
    });
}

#[test]
fn long_comparisons() {
    on_small_stack(|| {
        let terms: Vec<String> = (0..100_000).map(|k| format!("(+ x {k})")).collect();
        assert_eq!(through_all_stages(&format!("(< {})", terms.join(" ")), false), 1.0);
        assert_eq!(through_all_stages(&format!("(< {})", terms[..3000].join(" ")), true), 1.0);
    });
}

#[test]
fn deep_lets() {
    on_small_stack(|| {
        let depth = 100_000;
        let mut source = String::new();
        for k in 0..depth {
            source +=
                &format!("(let ((y{k} (+ {} 1))) ", if k == 0 { "x".into() } else { format!("y{}", k - 1) });
        }
        source += &format!("y{}", depth - 1);
        source += &")".repeat(depth);
        assert_eq!(through_all_stages(&source, true), 1.0 + depth as f64);
        // One name throughout, and `let*`.
        let source = "(let ((x (+ x 1))) ".repeat(depth) + "x" + &")".repeat(depth);
        assert_eq!(through_all_stages(&source, false), 1.0 + depth as f64);
        let source = format!("(let* ({}) x)", "(x (+ x 1)) ".repeat(depth));
        assert_eq!(through_all_stages(&source, false), 1.0 + depth as f64);
        // Nested in the value instead of the body.
        let source = "(let ((y ".repeat(depth) + "x" + &")) (+ y 1))".repeat(depth);
        assert_eq!(through_all_stages(&source, false), 1.0 + depth as f64);
    });
}

#[test]
fn long_cond() {
    on_small_stack(|| {
        let clauses: Vec<String> = (0..100_000).map(|k| format!("((< x {k}) (* x {k}))")).collect();
        for (count, native) in [(100_000, false), (1000, true)] {
            let source = format!("(cond {} (else 0))", clauses[..count].join(" "));
            assert_eq!(through_all_stages(&source, native), 2.0);
        }
    });
}

#[test]
fn long_logic() {
    on_small_stack(|| {
        let terms: Vec<String> = (0..100_000).map(|k| format!("(< x {})", k + 2)).collect();
        for (count, native) in [(100_000, false), (1000, true)] {
            let terms = terms[..count].join(" ");
            assert_eq!(through_all_stages(&format!("(and {terms})"), native), 1.0);
            assert_eq!(through_all_stages(&format!("(or {terms})"), native), 1.0);
        }
    });
}

#[test]
fn deep_choices() {
    on_small_stack(|| {
        let depth = 30_000;
        // In the first arm, in the second, in the condition.
        let source = "(if (< 0 x) (* x ".repeat(depth) + "x" + &") 0)".repeat(depth);
        assert_eq!(through_all_stages(&source, false), 1.0);
        let mut source = String::new();
        for k in 0..depth {
            source += &format!("(if (< x -{k}) {k} ");
        }
        source += "x";
        source += &")".repeat(depth);
        assert_eq!(through_all_stages(&source, false), 1.0);
        let source = "(if ".repeat(depth) + "x" + &" (+ x 2) (* x 3))".repeat(depth);
        assert_eq!(through_all_stages(&source, false), 3.0);
    });
}

#[test]
fn many_functions() {
    on_small_stack(|| {
        let mut source = "(define (f0 x) (+ x 1))\n".to_string();
        for k in 1..30_000 {
            source += &format!("(define (f{k} x) (f{} (* x 1.5)))\n", k - 1);
        }
        source += "(f29999 x)";
        assert!(through_all_stages(&source, false).is_infinite());
        // Local functions inside each other.
        let depth = 3_000;
        let mut source = String::new();
        for k in 0..depth {
            source += &format!("(let ((f{k} (lambda (a) (+ a x)))) (f{k} ");
        }
        source += "1";
        source += &"))".repeat(depth);
        assert_eq!(through_all_stages(&source, false), 1.0 + depth as f64);
    });
}

#[test]
fn inlining_is_bounded() {
    on_small_stack(|| {
        // Each function doubles the work.
        let source = |second: &str| {
            let mut source = "(define (f0 x) (+ x 1))\n".to_string();
            for k in 1..60 {
                source += &format!("(define (f{k} x) (+ (f{} (* x 1.5)) (f{} {second})))\n", k - 1, k - 1);
            }
            source + "(f59 x)"
        };
        // Calls with the same operands are inlined once.
        let program = Program::parse(&source("x")).expect("a program");
        let graph = timed("graph", || program.graph(&Signature::scalars())).expect("a graph");
        assert!(graph.len() < 10_000, "{} nodes", graph.len());
        let program = Program::parse(&source("(+ x 0.5)")).expect("a program");
        match timed("graph", || program.graph(&Signature::scalars())) {
            Err(Error::Source(found)) => {
                assert_eq!((found.len(), found[0].code), (1, "too-large"));
                // Calls are counted before they are inlined: it is refused after a million operations, not after all that a
                // program may have.
                let most: usize =
                    found[0].message.split(' ').find_map(|word| word.parse().ok()).expect("a number");
                assert!(most < (1 << 20) + 2000, "{most}");
            }
            Err(other) => panic!("{other}"),
            Ok(graph) => panic!("{} nodes", graph.len()),
        }
    });
}

#[test]
fn calls_that_share_are_not_made_one_by_one() {
    // 2⁶⁰ calls if each is made.
    let mut source = "(define (f0 x) (ref [x 2] x))\n".to_string();
    for k in 1..=60 {
        source += &format!("(define (f{k} x) (+ (f{} x) (f{} x)))\n", k - 1, k - 1);
    }
    let program = Program::parse(&(source + "(f60 x)")).expect("a program");
    for tier in [Tier::Interpret, support::native_tier()] {
        let kernel = program.compile(&CompileOptions::default().tier(tier)).expect("a kernel");
        assert_eq!(kernel.columns(&[&[1.0][..]]).expect("values"), [[2f64.powi(61)]]);
        // The row fails; to find out where would take all calls.
        assert!(kernel.columns::<f64>(&[&[9.0]]).expect("values")[0][0].is_nan());
        let _ = kernel.explain(&[9.0], &[]);
    }
    // The tree gives up.
    let tree = AstInterpreter::new(program.resolved().clone(), &Signature::scalars()).with_inlined(1000);
    let failure = tree.row(&mut Scratch::default(), &[1.0], &[], &mut [0.0]).expect_err("too many calls");
    assert_eq!(failure.reason, FailureReason::Stopped);
}

/// What becomes of a batch of one row that would take for ever, if it is stopped.
fn stopped(source: &str, options: &CompileOptions) -> Result<batch::Report, BatchError> {
    let limits = Limits { iterations: 1 << 60, depth: 1000, steps: 1 << 50 };
    let program = Program::parse(source).expect("a program");
    let kernel = program.compile(&options.clone().limits(limits)).expect("a kernel");
    let stop = Stop::after(Duration::from_millis(20)).expect("a thread");
    let options = Options { stop: Some(&stop), ..Options::default() };
    let inputs = vec![Source::Constant(1.0); kernel.shape().inputs];
    let mut outputs = [Sink::Discard { columns: kernel.shape().outputs }];
    let batch =
        Batch { rows: 1, inputs: &inputs, params: &[], outputs: &mut outputs, param_gradients: &mut [] };
    kernel.evaluate(batch, &options, &mut Workspace::new())
}

#[test]
fn evaluations_are_stopped() {
    const ENDLESS: [&str; 5] = [
        "(loop ((y x)) (if (< y 0) y (recur (sqrt y))))",
        // The same for all rows.
        "(loop ((i 0) (y x)) (if (< i 1e18) (recur (+ i 1) (sin y)) y))",
        "(loop ((i 0) (y x)) (if (< i 1e9) (recur (+ i 1) (loop ((j 0) (z y)) (if (< z 0) z (recur (+ j 1) (cos z))))) y))",
        "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib (* x 500))",
        "(loop ((v (* x (ones 100)))) (if (< (vsum v) 0) (vsum v) (recur (sqrt v))))",
    ];
    for source in ENDLESS {
        for derivative in [Derivative::None, Derivative::Gradient] {
            for tier in [support::native_tier(), Tier::Interpret] {
                let options = CompileOptions::default().derivative(derivative.clone()).tier(tier);
                let options = options.tape_bytes(1 << 16);
                assert_eq!(stopped(source, &options), Err(BatchError::Stopped), "{tier} {source}");
            }
        }
    }
    // A row that ends by itself does so.
    assert!(stopped("(sqrt x)", &CompileOptions::default()).is_ok());
}

#[test]
fn captures_are_bounded() {
    on_small_stack(|| {
        let nested = |depth: usize| {
            let mut source = "(let ((f (lambda (p) p))) ".to_string();
            for k in 0..depth {
                source += &format!("(let ((a{k} (+ x {k}))) (let ((f (lambda (p) (+ a{k} (f p))))) ");
            }
            source + "(f 0)" + &"))".repeat(depth) + ")"
        };
        assert_eq!(through_all_stages(&nested(1000), false), 1000.0 + 499500.0);
        assert_eq!(errors(&nested(20_000))[0].code, "too-large");
    });
}

#[test]
fn many_definitions() {
    on_small_stack(|| {
        let mut source = "(define x0 1)\n".to_string();
        for k in 1..50_000 {
            source += &format!("(define x{k} (+ x{} y))\n", k - 1);
        }
        source += "x49999";
        assert_eq!(through_all_stages(&source, false), 50_000.0);
    });
}

#[test]
fn many_results() {
    let results: Vec<String> = (0..50_000).map(|k| format!("(r{k} (+ x {k}))")).collect();
    let source = format!("(values {})", results.join(" "));
    on_small_stack(move || {
        let program = timed("read", || Program::parse(&source)).expect("a program");
        let graph = program.graph(&Signature::scalars()).expect("a graph");
        assert_eq!(timed("lower", || lower(&graph, DEFAULT_TAPE_BYTES)).stores.len(), 50_000);
    });
}

#[test]
fn many_errors_are_bounded() {
    on_small_stack(|| {
        let found = errors(&format!("(+ {})", "(sine x) ".repeat(100_000)));
        assert_eq!(found.len(), 100);
        let found = errors(&format!("(+ {})", "(set! x 1) ".repeat(100_000)));
        assert_eq!(found.len(), 100);
        let found = errors(&"0x ".repeat(100_000));
        assert_eq!(found.len(), 100);
        let program =
            Program::parse(&format!("(+ {})", "(+ [x y] [x y x]) ".repeat(100_000))).expect("a program");
        match program.graph(&Signature::scalars()) {
            Err(Error::Source(found)) => assert_eq!(found.len(), 100),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn source_length_is_limited() {
    on_small_stack(|| {
        let long = " ".repeat((64 << 20) + 1);
        let found = errors(&long);
        assert_eq!((found.len(), found[0].code), (1, "source-too-long"));
        let fits = " ".repeat((64 << 20) - 1) + "x";
        assert!(Program::parse(&fits).is_ok());
        // One name, and one number, of a megabyte.
        assert!(Program::parse(&"x".repeat(1 << 20)).is_ok());
        assert!(Program::parse(&"1".repeat(1 << 20)).is_ok());
        assert_eq!(errors(&format!("({} 1)", "x".repeat(1 << 20)))[0].code, "unknown-name");
    });
}

#[test]
fn huge_matrices_are_compiled() {
    on_small_stack(|| {
        let program = Program::parse("(trace (inv A))").expect("a program");
        let signature = Signature::scalars().shape("A", graph::Shape::Matrix(200, 200));
        let options = CompileOptions::default().signature(signature);
        let kernel = timed("compile", || program.compile(&options)).expect("a kernel");
        assert_eq!(kernel.notes(), &[] as &[String]);
        // Of the diagonal matrix with 1, 2, … the inverse has the trace 1 + 1/2 + ….
        let mut row = vec![0.0; 200 * 200];
        (0..200).for_each(|k| row[k * 201] = (k + 1) as f64);
        let mut value = [0.0];
        let expected = (1..=200).map(|k| 1.0 / f64::from(k)).reduce(|a, b| a + b);
        timed("interpret", || kernel.row(&row, &[], &mut value, &mut [], &StopFlag::new()));
        assert_eq!(Some(value[0]), expected);
        let mut workspace = Workspace::new();
        let run =
            || kernel.evaluate_row(&row, &[], &mut value, &mut [], &mut workspace).expect("a row that fits");
        timed("evaluate", run);
        assert_eq!(Some(value[0]), expected);
        let small = options.max_instructions(100);
        let kernel = program.compile(&small).expect("a kernel");
        assert_eq!(kernel.tier(), Tier::Interpret);
        assert!(kernel.notes()[0].contains("instructions are more than"), "{:?}", kernel.notes());
    });
}

/// The value of a program by the AST interpreter alone.
fn row(source: &str, inputs: &[f64], limits: Limits) -> Result<f64, Failure> {
    let program = timed("read", || Program::parse(source)).expect("a program");
    for stage in [Stage::Ast, Stage::Anf, Stage::Tco] {
        let text = program.stage(stage, &CompileOptions::default(), None).expect("text");
        assert!(text.len() < 100 * source.len() + 1000, "{stage:?} takes {} bytes", text.len());
    }
    let interpreter =
        AstInterpreter::new(program.resolved().clone(), &Signature::scalars()).with_limits(limits);
    let mut value = [0.0];
    timed("interpret", || interpreter.row(&mut Scratch::default(), inputs, &[], &mut value))
        .map(|()| value[0])
}

fn reason(outcome: Result<f64, Failure>) -> graph::Reason {
    match outcome.map_err(|failure| failure.reason) {
        Err(FailureReason::Check(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn exponential_recursion_is_bounded() {
    on_small_stack(|| {
        let fib = "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib n)";
        let limits = Limits { steps: 100_000, ..Limits::default() };
        assert_eq!(reason(row(fib, &[60.0], limits)), graph::Reason::Steps { limit: 100_000 });
        assert_eq!(row(fib, &[20.0], limits), Ok(6765.0));
    });
}

#[test]
fn deep_recursion() {
    on_small_stack(|| {
        let count = "(define (count n) (if (= n 1) 1 (+ 1 (count (- n 1))))) (count n)";
        assert_eq!(row(count, &[10_000.0], Limits::default()), Ok(10_000.0));
        assert_eq!(
            reason(row(count, &[10_001.0], Limits::default())),
            graph::Reason::Depth { limit: 10_000 }
        );
        let limits = Limits { depth: 1_000_000, ..Limits::default() };
        assert_eq!(row(count, &[1_000_000.0], limits), Ok(1_000_000.0));
        // Without end.
        let endless = "(define (f n) (+ 1 (g n))) (define (g n) (f n)) (f n)";
        assert_eq!(reason(row(endless, &[1.0], Limits::default())), graph::Reason::Depth { limit: 10_000 });
    });
}

#[test]
fn endless_loops() {
    on_small_stack(|| {
        assert_eq!(
            reason(row(
                "(loop ((x x)) (recur x))",
                &[1.0],
                Limits { iterations: 10_000, ..Limits::default() }
            )),
            graph::Reason::Iterations { limit: 10_000 }
        );
        // Each loop by itself keeps to its limit.
        let nested = "
            (loop ((i 0))
              (if (< (loop ((j 0))
                       (if (< (loop ((k 0)) (if (< k 9000) (recur (+ k 1)) k)) j) j
                           (if (< j 9000) (recur (+ j 1)) j)))
                     x)
                  i
                  (recur (+ i 1))))";
        let limits = Limits { steps: 1_000_000, ..Limits::default() };
        assert_eq!(reason(row(nested, &[1.0], limits)), graph::Reason::Steps { limit: 1_000_000 });
        // Loops of several functions, and vectors: memory does not grow from one iteration to the next.
        let swing = "
            (define (f v n) (if (= n 0) (vsum v) (g (+ v 1) (outer v v) n)))
            (define (g v A n) (f (matvec A (/ v (dot v v))) (- n 1)))
            (f [1 2 3 4] x)";
        let limits = Limits { iterations: u64::MAX, ..Limits::default() };
        assert!(row(swing, &[100_000.0], limits).is_ok());
    });
}

#[test]
fn deep_loops() {
    on_small_stack(|| {
        // Loops in the bodies of loops, in first values, and in what `recur` passes on.
        let depth = 3_000;
        let source = "(loop ((a (+ x 1))) (if (< a 0) (recur 1) ".repeat(depth) + "a" + &"))".repeat(depth);
        assert_eq!(row(&source, &[1.0], Limits::default()), Ok(2.0));
        let depth = 50_000;
        let source = "(loop ((x ".repeat(depth) + "x" + &")) (if (< x 0) (recur 1) (+ x 1)))".repeat(depth);
        assert_eq!(row(&source, &[1.0], Limits::default()), Ok(1.0 + depth as f64));
        let source = "(loop ((x x)) (if (< x 9) x (recur ".repeat(depth) + "x" + &")))".repeat(depth);
        assert_eq!(row(&source, &[1.0], Limits::default()), Ok(1.0));
        let source = "(let go ((x x)) (if (< x 9) x (+ 1 (go ".repeat(1_000) + "x" + &"))))".repeat(1_000);
        assert_eq!(row(&source, &[1.0], Limits::default()), Ok(1.0));
        // Definitions inside bodies, in a row and nested.
        let mut source = "(define (f a0) ".to_string();
        for k in 1..depth {
            source += &format!("(define a{k} (+ a{} 1)) ", k - 1);
        }
        source += &format!("a{}) (f x)", depth - 1);
        assert_eq!(row(&source, &[1.0], Limits::default()), Ok(depth as f64));
        let source = "(let () (define y x) ".repeat(depth) + "y" + &")".repeat(depth);
        assert_eq!(row(&source, &[1.0], Limits::default()), Ok(1.0));
    });
}

#[test]
fn wide_recursion() {
    on_small_stack(|| {
        // A ring of functions, entered by one: one loop. As a chain of calls that are not last, a stack.
        let ring = |count: usize, call: &dyn Fn(usize) -> String| {
            let mut source = String::new();
            for k in 0..count {
                let (next, call) = ((k + 1) % count, call(k));
                source += &format!(
                    "(define (f{k} x) (if (< x 1) {k} {call}(f{next} (- x 1)){}))\n",
                    if call.is_empty() { "" } else { ")" }
                );
            }
            source + "(f0 x)"
        };
        let source = ring(300, &|_| String::new());
        let program = timed("read", || Program::parse(&source)).expect("a program");
        let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars());
        let mut value = [0.0];
        interpreter.row(&mut Scratch::default(), &[1000.0], &[], &mut value).expect("a value");
        assert_eq!(value, [100.0]);
        let source = ring(10_000, &|_| "(+ 1 ".to_string());
        assert_eq!(row(&source, &[5000.0], Limits::default()), Ok(10_000.0));
        // Too many bodies in too many loops.
        let mut source = ring(3_000, &|_| String::new());
        source.truncate(source.len() - "(f0 x)".len());
        let all: Vec<String> = (0..3_000).map(|k| format!("(f{k} x)")).collect();
        source += &format!("(+ {})", all.join(" "));
        assert_eq!(errors(&source)[0].code, "too-large");
    });
}

/// Whether an error says that there is too little memory.
fn is_memory(outcome: Result<Kernel, Error>) -> bool {
    match outcome {
        Err(Error::Source(found)) => found[0].code == "memory",
        Err(Error::Kernel(error)) => error.code() == "memory",
        Err(other) => panic!("{other}"),
        Ok(_) => false,
    }
}

#[test]
fn calls_under_way_count_as_memory() {
    let source = "(define (f n x) (if (< n 1) x (+ 1 (* x (f (- n 1) (sin x)))))) (f n x)";
    let program = Program::parse(source).expect("a program");
    let compile = |depth, mib: usize, tier, derivative| {
        let limits = Limits { depth, ..Limits::default() };
        let options = CompileOptions::default().limits(limits).memory_bytes(mib << 20);
        program.compile(&options.tier(tier).derivative(derivative))
    };
    for tier in [support::native_tier(), Tier::Interpret] {
        for derivative in [Derivative::None, Derivative::Gradient] {
            // A million calls with a few numbers each.
            assert!(is_memory(compile(1_000_000, 64, tier, derivative.clone())), "{tier}");
            assert!(!is_memory(compile(10_000, 64, tier, derivative)), "{tier}");
        }
    }
    // Of many functions, those that are under way count, and not each as often as calls may be.
    let ring: String = (0..500)
        .map(|k| format!("(define (f{k} x) (if (< x 1) x (+ 1 (f{} (- x {k})))))\n", (k + 1) % 500))
        .collect();
    let program = Program::parse(&(ring + "(f0 x)")).expect("a program");
    let options = CompileOptions::default().tier(Tier::Interpret).memory_bytes(64 << 20);
    assert!(!is_memory(program.compile(&options)));
}

#[test]
fn derivatives_count_as_memory() {
    let program = Program::parse("(* v v)").expect("a program");
    let compile = |n: u32, mib: usize| {
        let options = CompileOptions::default()
            .signature(Signature::scalars().shape("v", graph::Shape::Vector(n)))
            .derivative(Derivative::Gradient)
            .tier(Tier::Interpret)
            .memory_bytes(mib << 20);
        program.compile(&options)
    };
    assert!(is_memory(compile(2000, 1024)));
    assert!(is_memory(compile(100, 4)));
    assert!(!is_memory(compile(100, 16)));
}

/// Loops in loops, each of which makes one iteration.
fn nested_loops(depth: usize) -> String {
    let begin = |k: usize| match k {
        0 => "x".to_string(),
        _ => format!("s{}", k - 1),
    };
    let open: String = (0..depth)
        .map(|k| format!("(let l{k} ((i{k} 0) (s{k} {})) (if (= i{k} 1) s{k} (l{k} (+ i{k} 1) ", begin(k)))
        .collect();
    format!("{open}(* s{} 1.1){}", depth - 1, ")))".repeat(depth))
}

/// Functions that call each other, each with the call in a loop.
fn nested_calls(depth: usize) -> String {
    let functions: String = (0..depth)
        .rev()
        .map(|k| {
            let inner = if k + 1 == depth { "(* s 1.1)".to_string() } else { format!("(f{} s)", k + 1) };
            format!("(define (f{k} x) (let l ((i 0) (s x)) (if (= i 1) s (l (+ i 1) {inner}))))\n")
        })
        .collect();
    format!("{functions}(f0 x)")
}

/// Loops whose tests depend on the loops in them, so that these are differentiated once more behind each loop.
fn nested_tests(depth: usize) -> String {
    let open: String = (0..depth)
        .map(|k| {
            let begin = if k == 0 { "x".to_string() } else { format!("s{}", k - 1) };
            format!("(let l{k} ((s{k} {begin})) (let ((y{k} ")
        })
        .collect();
    let close: String =
        (0..depth).rev().map(|k| format!(")) (if (< y{k} 1) y{k} (l{k} (* y{k} 0.5)))))")).collect();
    format!("{open}(* s{} 1.25){close}", depth - 1)
}

#[test]
fn nested_loops_are_differentiated_in_linear_memory() {
    let compile = |source: &str, tier: Tier, derivative: Derivative| {
        let program = Program::parse(source).expect("a program");
        program.compile(&CompileOptions::default().tier(tier).derivative(derivative))
    };
    let instructions = |source: &str| {
        let program = Program::parse(source).expect("a program");
        let options = CompileOptions::default().derivative(Derivative::Gradient);
        let graph = program.graph_for(&options).expect("a graph");
        let graph = timed("derive", || derived(&graph, &options)).expect("an adjoint");
        let (size, _) = graph.expanded_size();
        let lanes = timed("lower", || lower(&graph, DEFAULT_TAPE_BYTES)).insts.len();
        println!("{size} nodes, {lanes} instructions");
        (size, lanes)
    };
    for write in [nested_loops, nested_calls] {
        let (half, whole) = (instructions(&write(11)), instructions(&write(22)));
        // Each body holds the checks of the loops in it, and each loop is iterated forward once more for each loop around it: the
        // third power of the depth, where a doubling for each level would be a factor of 2048.
        assert!(whole.0 <= 16 * half.0 && whole.1 <= 16 * half.1, "{half:?} and {whole:?}");
        for tier in [support::native_tier(), Tier::Interpret] {
            let kernel = timed("compile", || compile(&write(22), tier, Derivative::Gradient));
            let columns = kernel.expect("a kernel").columns(&[&[2.0]]).expect("values");
            assert_eq!(columns, [[2.2], [1.1]]);
        }
        let kernel = timed("Hessian", || compile(&write(12), Tier::Interpret, Derivative::Hessian));
        assert_eq!(kernel.expect("a kernel").columns(&[&[2.0]]).expect("values"), [[2.2], [1.1], [0.0]]);
    }
    let kernel = compile(&nested_tests(4), support::native_tier(), Derivative::Gradient).expect("a kernel");
    assert_eq!(kernel.columns(&[&[0.5]]).expect("values"), [[0.625], [1.25]]);
    let deep = nested_tests(40);
    match timed("refuse", || compile(&deep, Tier::Interpret, Derivative::Gradient)) {
        Err(Error::Source(list)) => {
            assert_eq!((list.len(), list[0].code), (1, "too-large"));
            assert!(deep[list[0].span.start as usize..].starts_with('l'), "{list:?}");
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("forty loops in the tests of loops were differentiated"),
    }
}

/// A Jacobian matrix has as many entries as results times inputs, most of them zero, and is no more work than that.
#[test]
fn large_jacobians() {
    let program = |n: usize| {
        let elements: String = (0..n).map(|k| format!(" (* x{k} x{})", (k + 1) % n)).collect();
        let inputs: String = (0..n).map(|k| format!(" x{k}")).collect();
        Program::parse(&format!("(define (f{inputs}) [{elements}])")).expect("a program")
    };
    let named = |n: usize| {
        let results: String = (0..n).map(|k| format!(" (y{k} (* x {k}.5))")).collect();
        Program::parse(&format!("(values{results})")).expect("a program")
    };
    let gradient = |program: &Program| {
        let options = CompileOptions::default().derivative(Derivative::Gradient);
        let graph = program.graph_for(&options).expect("a graph");
        let graph = timed("derive", || derived(&graph, &options)).expect("a Jacobian");
        (graph, options)
    };
    for n in [200, 400, 800] {
        let (graph, options) = gradient(&program(n));
        assert_eq!(graph.outputs.len(), 1 + n * n);
        assert!(graph.len() < 10 * n, "{} nodes for {n} results", graph.len());
        let kernel = timed("compile", || Kernel::from_graph(graph, &options)).expect("a kernel");
        let columns: Vec<Vec<f64>> = (0..n).map(|k| vec![k as f64 + 2.0]).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let results = timed("run", || kernel.columns(&columns)).expect("values");
        for row in 0..n {
            for column in 0..n {
                let next = (row + 1) % n;
                let expected = match column {
                    _ if column == row => next as f64 + 2.0,
                    _ if column == next => row as f64 + 2.0,
                    _ => 0.0,
                };
                assert_eq!(results[n + row * n + column], [expected], "{row} by {column}");
            }
        }
    }
    let (graph, _) = gradient(&named(20_000));
    assert_eq!(graph.outputs.len(), 40_000);
    assert!(graph.len() < 60_010, "{} nodes", graph.len());
}

/// Functions in a ring whose values are vectors: no function knows at first what shape the next one's value has.
#[test]
fn rings_of_functions_with_vectors() {
    let ring = |n: usize| {
        let functions: String = (0..n)
            .map(|k| {
                let next = (k + 1) % n;
                format!("(define (f{k} x d) (if (<= d 0) [x x] (+ [1 1] (f{next} (* x 2) (- d 1)))))\n")
            })
            .collect();
        Program::parse(&format!("{functions}(ref (f0 x d) 0)")).expect("a program")
    };
    for n in [1, 2, 3, 60] {
        let options = CompileOptions::default().derivative(Derivative::Gradient).tier(Tier::Interpret);
        let kernel = timed("compile", || ring(n).compile(&options)).expect("a kernel");
        assert_eq!(kernel.columns(&[&[3.0], &[4.0]]).expect("values"), [[52.0], [16.0], [0.0]], "{n}");
    }
    // One of them returns a number where a vector is needed.
    let wrong = "(define (f x d) (if (<= d 0) [x x] (g x (- d 1))))
        (define (g x d) (if (<= d 0) 1 (f x (- d 1)))) (ref (f x d) 0)";
    let program = Program::parse(wrong).expect("a program");
    let Err(Error::Source(list)) = program.graph(&Signature::scalars()) else { panic!("{wrong}") };
    assert!(list.iter().all(|diagnostic| diagnostic.code == "shape"), "{list:?}");
}

/// Programs that machine code is not made of are known before they are lowered: by the size of what their recipes record,
/// which sharing hardly halves.
#[test]
fn sizes_are_known_before_programs_are_lowered() {
    use neural_compiler::internals::lower::size::beyond;
    let (mut shared, mut worst) = (0, String::new());
    for entry in support::corpus::load() {
        let name = &entry.name;
        let graph = entry.program.graph(entry.options(Derivative::None).get_signature()).expect("a graph");
        let expected = beyond(&graph, 0).unwrap_or(0);
        let found = lower(&graph, DEFAULT_TAPE_BYTES).insts.len();
        // Constants, masks of results and reports are no recipes.
        assert!(expected >= found / 8, "{name}: {found} instructions, {expected} expected");
        if expected > 3 * found && expected > shared {
            (shared, worst) = (expected, format!("{name}: {found} instructions, {expected} expected"));
        }
    }
    assert_eq!(shared, 0, "{worst}");
    // 20,000 powers, which would be three million instructions.
    let tower = format!("(define (f x) {}x{}) (f x)", "(pow x ".repeat(20_000), ")".repeat(20_000));
    let kernel = Program::parse(&tower).and_then(|program| program.compile(&CompileOptions::default()));
    let kernel = kernel.expect("a kernel");
    let [note] = kernel.notes() else { panic!("{:?}", kernel.notes()) };
    assert!(note.starts_with("interpreted: ") && note.ends_with(" are more than 2000000"), "{note}");
    assert_eq!(kernel.columns(&[&[1.0]]).expect("values"), [[1.0]]);
}

/// Rows that need much memory are evaluated by as many threads as there is memory for.
#[test]
fn memory_is_that_of_all_threads() {
    let program = Program::parse("(vsum (* (outer v v) (outer w w)))").expect("a program");
    let signature =
        Signature::scalars().shape("v", graph::Shape::Vector(300)).shape("w", graph::Shape::Vector(300));
    let threads = |tier, mib: usize| {
        let options = CompileOptions::default().signature(signature.clone()).tier(tier);
        program.compile(&options.memory_bytes(mib << 20)).expect("a kernel").most_threads()
    };
    // Three matrices of 90,000 numbers of 16 bytes.
    assert_eq!(threads(Tier::Interpret, 5), 1);
    assert_eq!(threads(Tier::Interpret, 50), 12);
    let native = support::native_tier();
    assert!(threads(native, 1024) >= 8 * threads(native, 64), "{}", threads(native, 64));
    let small = Program::parse("(* x x)").expect("a program").compile(&CompileOptions::default());
    assert!(small.expect("a kernel").most_threads() > 1_000_000);
}
