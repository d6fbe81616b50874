//! What a row may use before it fails: the same in every tier, for values and gradients.

use crate::support;

use nc_runtime::batch::{self, Batch, Kernel as _, Options, Workspace};
use neural_compiler::internals::interpret::ast::{AstInterpreter, FailureReason, Scratch};
use neural_compiler::{CompileOptions, Derivative, Kernel, Limits, Program, Reason, Signature, Tier};

/// The bits of a row, or why it fails and the text at the place.
type Outcome = Result<Vec<u64>, (Reason, String)>;

fn limits(iterations: u64, depth: u64, steps: u64) -> Limits {
    Limits { iterations, depth, steps }
}

/// Evaluates rows of one input.
fn rows(kernel: &Kernel, source: &str, xs: &[f64]) -> Vec<Outcome> {
    let mut columns = vec![vec![0.0; xs.len()]; kernel.shape().outputs];
    let mut sinks: Vec<batch::Sink<'_>> = columns.iter_mut().map(|c| batch::Sink::Column(c)).collect();
    let inputs = [batch::Source::Column(xs)];
    let batch =
        Batch { rows: xs.len(), inputs: &inputs, params: &[], outputs: &mut sinks, param_gradients: &mut [] };
    let report = kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).expect("a report");
    assert_eq!(report.failed, report.failures.len());
    let outcome = |row: usize| match report.failures.iter().find(|failure| failure.row == row) {
        Some(failure) => {
            assert!(columns.iter().all(|column| column[row].is_nan()), "{source}: row {row} fails");
            let check = &kernel.checks()[failure.check as usize];
            Err((check.reason, check.span.text(source).to_string()))
        }
        None => Ok(columns.iter().map(|column| column[row].to_bits()).collect()),
    };
    (0..xs.len()).map(outcome).collect()
}

/// Evaluates rows in every tier, for values and gradients. They fail alike; returns the values.
fn outcomes(source: &str, xs: &[f64], limits: Limits) -> Vec<Outcome> {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let kernel = |tier, derivative| {
        let options = CompileOptions::default().tier(tier).derivative(derivative).limits(limits);
        let kernel = program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"));
        assert!(kernel.notes().is_empty(), "{:?}", kernel.notes());
        kernel
    };
    let tree = rows(&kernel(Tier::Interpret, Derivative::None), source, xs);
    let native = rows(&kernel(support::native_tier(), Derivative::None), source, xs);
    assert_eq!(tree, native, "{source} with {limits:?}");
    let interpreted = rows(&kernel(Tier::Interpret, Derivative::Gradient), source, xs);
    let native = kernel(support::native_tier(), Derivative::Gradient);
    assert_eq!(interpreted, rows(&native, source, xs), "{source} with {limits:?}, gradient");
    for ((&x, value), gradient) in xs.iter().zip(&tree).zip(&interpreted) {
        match (value, gradient) {
            (Ok(value), Ok(gradient)) => assert_eq!(value[0], gradient[0], "{source} at {x}"),
            (value, gradient) => assert_eq!(value, gradient, "{source} at {x}"),
        }
        let explained = native.explain(&[x], &[]).map(|why| (why.reason, why.span.text(source).to_string()));
        assert_eq!(explained.as_ref(), value.as_ref().err(), "{source} at {x}");
    }
    tree
}

/// How many iterations and calls a row takes.
fn steps(source: &str, x: f64) -> u64 {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let interpreter = AstInterpreter::new(program.resolved().clone(), &Signature::scalars());
    let mut scratch = Scratch::default();
    match interpreter.row(&mut scratch, &[x], &[], &mut [0.0]).map_err(|failure| failure.reason) {
        Ok(()) => scratch.steps(),
        Err(FailureReason::Check(reason)) => panic!("{source} at {x}: {reason}"),
        Err(other) => panic!("{source} at {x}: {other:?}"),
    }
}

fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(test).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn depth() {
    on_small_stack(|| {
        let source = "(define (down n) (if (< n 1.5) (* 2 n) (+ 1 (down (- n 1))))) (down x)";
        let xs = [3.0, 10_000.0, 10_001.0, 1.25, 10_000.0];
        let all = outcomes(source, &xs, Limits::default());
        let reason = Reason::Depth { limit: 10_000 };
        assert_eq!(all[2], Err((reason, "(down (- n 1))".to_string())));
        assert_eq!(all[1], Ok(vec![10_001f64.to_bits()]));
        // What stands beside a row that fails has the bits that it has alone.
        for (k, &x) in xs.iter().enumerate() {
            assert_eq!(outcomes(source, &[x], Limits::default()), all[k..=k]);
        }
        // Functions that call each other for ever.
        let endless = "(define (f n) (+ 1 (g n))) (define (g n) (* 2 (f n))) (f x)";
        for outcome in outcomes(endless, &[1.0, 2.0, 3.0], Limits::default()) {
            assert_eq!(outcome, Err((reason, "(f n)".to_string())));
        }
        // Calls side by side: the first that is too deep stops the others.
        let twice = "(define (f n) (+ (f (+ n 1)) (f (* n 2)))) (f x)";
        for outcome in outcomes(twice, &[1.0, 2.0, 3.0], Limits::default()) {
            assert_eq!(outcome, Err((reason, "(f (+ n 1))".to_string())));
        }
    });
}

/// A row that has failed makes no further call, also where derivatives evaluate the end of a loop again: otherwise the work
/// would double with each call under way.
#[test]
fn failures_at_any_depth() {
    on_small_stack(|| {
        let ackermann = "(define (ack m n) (cond ((= m 0) (+ n 1)) ((= n 0) (ack (- m 1) 1))
            (else (ack (- m 1) (ack m (- n 1)))))) (* x (ack 1 x))";
        for (limits, reason) in [
            (limits(100, 1_000, 100_000), Reason::Depth { limit: 1_000 }),
            (limits(100, 1_000, 500), Reason::Steps { limit: 500 }),
        ] {
            for outcome in outcomes(ackermann, &[1.5, 2.5], limits) {
                assert_eq!(outcome.map_err(|e| e.0), Err(reason));
            }
        }
        let index = "(define (f n) (loop ((i 0) (y x)) (if (= i 3) y
            (recur (+ i 1) (* y (if (< n 200) (f (+ n 1)) (ref [1 2] (* n x)))))))) (f 0)";
        for outcome in outcomes(index, &[1.5, 2.5], Limits::default()) {
            assert_eq!(outcome, Err((Reason::Index { len: 2 }, "(ref [1 2] (* n x))".to_string())));
        }
    });
}

#[test]
fn iterations() {
    on_small_stack(|| {
        let source = "(let count ((i 0) (y 1)) (if (< i x) (count (+ i 1) (+ y (* x i))) y))";
        let all = outcomes(source, &[10_000.0, 10_001.0, 0.0, 5.0], limits(10_000, 10, 1_000_000));
        let reason = Reason::Iterations { limit: 10_000 };
        assert_eq!(all.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(all[1], Err((reason, "count".to_string())));
        for (source, place) in [
            ("(loop ((y x)) (recur (* 2 y)))", "loop"),
            ("(define (f y) (g (+ y 1))) (define (g y) (f (* y 2))) (f x)", "f"),
            ("(loop ((y x)) (recur (loop ((z y)) (recur (+ z 1)))))", "loop"),
        ] {
            for outcome in outcomes(source, &[1.0, 2.0, 3.0], limits(10_000, 10, 1_000_000)) {
                assert_eq!(outcome, Err((reason, place.to_string())), "{source}");
            }
        }
    });
}

/// Rows with a limit of each number of steps up to what they need.
#[test]
fn steps_count_alike_in_every_tier() {
    let programs = [
        // One loop, and the same twice.
        "(loop ((i 0) (y x)) (if (< i x) (recur (+ i 1) (* y 1.5)) y))",
        "(define (f n) (let again ((i 0)) (if (< i n) (again (+ i 1)) (* i x)))) (+ (f x) (f x))",
        // Loops in loops, in the header of a loop and behind it.
        "(loop ((i 0) (y x)) (if (< i x) (recur (+ i 1) (loop ((k 0) (z y)) (if (< k i) (recur (+ k 1) (* z 1.1)) z))) y))",
        "(loop ((i 0)) (if (< (loop ((k 0)) (if (< k i) (recur (+ k 1)) (* k k))) x) (recur (+ i 1)) (* x i)))",
        "(loop ((i 0)) (if (< i x) (recur (+ i 1)) (loop ((k 0) (y x)) (if (< k 2) (recur (+ k 1) (* y y)) y))))",
        // In the arms of choices.
        "(+ (if (< x 2) (loop ((i 0)) (if (< i 3) (recur (+ i 1)) (* x i))) (loop ((i 0)) (if (< i 1) (recur (+ i 1)) (* x x))))
            (loop ((i 0)) (if (< i x) (recur (+ i 1)) i)))",
        "(loop ((i 0) (y x))
           (cond ((> i x) y)
                 ((= i 1) (recur (+ i 1) (loop ((k 0) (z y)) (if (< k 2) (recur (+ k 1) (* z z)) z))))
                 (else (recur (+ i 1) (* y 0.5)))))",
        // Recursive functions.
        "(define (fib n) (if (< n 2) (* n x) (+ (fib (- n 1)) (fib (- n 2))))) (fib x)",
        "(define (even? n) (if (< n 1) 1 (* x (odd? (- n 1))))) (define (odd? n) (if (< n 1) 0 (* x (even? (- n 1))))) (+ (even? x) (odd? x))",
        // With loops in them, around them and behind them.
        "(define (f n) (if (< n 1) x (+ (loop ((i 0) (y x)) (if (< i n) (recur (+ i 1) (* y 1.5)) y)) (f (- n 1))))) (f x)",
        "(define (f n) (if (< n 1) x (* 1.5 (f (- n 1))))) (loop ((i 0) (y x)) (if (< i x) (recur (+ i 1) (+ y (f i))) y))",
        "(define (f n) (if (< n 1) x (* 1.5 (f (- n 1))))) (let* ((y (f x)) (z (loop ((i 0) (z y)) (if (< i x) (recur (+ i 1) (* z z)) z)))) (+ z (f 1)))",
        "(define (ack m n) (cond ((= m 0) (+ n 1)) ((= n 0) (ack (- m 1) 1)) (else (ack (- m 1) (ack m (- n 1)))))) (* x (ack 1 x))",
    ];
    for source in programs {
        let xs = [0.0, 1.0, 2.0, 3.0, 4.0, 2.0];
        let needed = xs.map(|x| steps(source, x));
        let most = needed.iter().copied().max().unwrap_or(0);
        assert!(most >= 4, "{source}");
        for limit in 0..=most {
            let all = outcomes(source, &xs, limits(100, 100, limit));
            for ((outcome, needed), x) in all.into_iter().zip(needed).zip(xs) {
                match outcome {
                    Ok(_) => assert!(needed <= limit, "{source} at {x}: {needed} steps, and {limit} may be"),
                    Err((reason, _)) => {
                        assert_eq!(reason, Reason::Steps { limit });
                        assert!(needed > limit, "{source} at {x}: {needed} steps, and {limit} may be");
                    }
                }
            }
        }
    }
}

#[test]
fn whichever_limit_is_met_first() {
    let source =
        "(define (f n) (if (< n 1) x (+ (loop ((i 0)) (if (< i n) (recur (+ i 1)) i)) (f (- n 1))))) (f x)";
    for iterations in 0..5 {
        for depth in 0..6 {
            for steps in 0..16 {
                outcomes(source, &[0.0, 1.0, 2.0, 3.0, 4.0], limits(iterations, depth, steps));
            }
        }
    }
}

/// The steps of a row count to a constant too: a loop without an end has its limit of iterations beside them.
#[test]
fn steps_are_no_counter_of_a_loop() {
    let source = "
        (define (f x a)
          (letrec ((r (lambda (i a) (if (< i 1) x (+ a (r (- i 1) a))))))
            (r 3 (let go ((a x)) (if 0 a (go x))))))
        (f (f x x) x)";
    for outcome in outcomes(source, &[0.0, 1.0, f64::NAN], limits(30, 30, 1000)) {
        assert_eq!(outcome.map_err(|e| e.0), Err(Reason::Iterations { limit: 30 }));
    }
}

#[test]
fn much_work_is_stopped() {
    on_small_stack(|| {
        let fib = "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib x)";
        let all = outcomes(fib, &[60.0, 10.0, 61.0], limits(10, 100, 10_000));
        assert_eq!(all[1], Ok(vec![55f64.to_bits()]));
        for row in [0, 2] {
            assert_eq!(all[row].as_ref().map_err(|e| e.0), Err(Reason::Steps { limit: 10_000 }));
        }
        // Each loop by itself keeps to its limit.
        let nested = "
            (loop ((i 0))
              (if (< (loop ((j 0))
                       (if (< (loop ((k 0)) (if (< k 9000) (recur (+ k 1)) k)) j) j
                           (if (< j 9000) (recur (+ j 1)) j)))
                     x)
                  i
                  (recur (+ i 1))))";
        for outcome in outcomes(nested, &[1.0, 2.0], limits(10_000, 10, 1_000_000)) {
            assert_eq!(outcome.map_err(|e| e.0), Err(Reason::Steps { limit: 1_000_000 }));
        }
    });
}

/// A row whose steps would take too long to repeat is not explained.
#[test]
fn explanations_are_bounded() {
    let program = Program::parse("(loop ((i 0)) (recur (+ i x)))").expect("a program");
    let limits = limits(2_000, 10, 1_000_000);
    let options = CompileOptions::default().limits(limits);
    let kernel = program.compile(&options).expect("a kernel");
    let why = kernel.explain(&[1.0], &[]).expect("a row that fails");
    assert_eq!((why.reason, why.steps), (Reason::Iterations { limit: 2_000 }, 2_001));
    assert_eq!(why.state.len(), 1);
    assert_eq!(why.state[0].elements, [2_000.0]);
    assert_eq!(kernel.explain_within(&[1.0], &[], 1_999), None);
    assert_eq!(kernel.explain(&[], &[]), None);
    let kernel = Kernel::from_graph(program.graph(&Signature::scalars()).expect("a graph"), &options);
    assert_eq!(kernel.expect("a kernel").explain(&[1.0], &[]), None);
}

/// Rows of large programs, whose tree is made when one of them is explained, are explained as those of small ones are, also in
/// several threads and without the program.
#[test]
fn rows_of_large_programs_are_explained() {
    let program = |names: usize| {
        let search = "(let search ((i 0) (y x)) (if (< y 1) i (search (+ i 1) (* y 1.5))))";
        format!("(+ {search} {})", "x ".repeat(names))
    };
    let (small, large) = (program(1), program(70_000));
    for tier in [Tier::Interpret, Tier::Auto] {
        let options = CompileOptions::default().limits(limits(1_000, 10, 1_000_000)).tier(tier);
        let compile =
            |text: &str| Program::parse(text).expect("a program").compile(&options).expect("a kernel");
        let [few, many] = [&small, &large].map(|text| compile(text));
        let why = few.explain(&[2.0], &[]).expect("a row that fails");
        assert_eq!(why.reason, Reason::Iterations { limit: 1_000 });
        assert_eq!(rows(&few, &small, &[2.0]), rows(&many, &large, &[2.0]));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(many.explain(&[2.0], &[]).as_ref(), Some(&why)));
            }
        });
        assert_eq!(many.explain(&[0.5], &[]), None);
        assert_eq!(rows(&many, &large, &[0.5]), [Ok(vec![35_000.0_f64.to_bits()])]);
    }
}
