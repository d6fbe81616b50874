//! Rows that leave the safe domain, or meet a kink: which are reported, by which operation, in every tier; and that
//! watching changes no bit.

use crate::support;

use nc_runtime::batch::{Batch, Kernel as _, Options, Report, RowOutcome, Sink, Source, Workspace};
use nc_runtime::element::Element;
use neural_compiler::{
    CompileOptions, Derivative, Dtype, Kernel, Limits, Met, Op, Program, Reason, Shape, Signature, Tier,
};
use support::bits;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Shapes of inputs by the first letter of their names: `M` is a 2×2 matrix, `u` a vector of two, others are scalars.
fn signature(program: &Program) -> Signature {
    program.inputs().fold(Signature::scalars(), |signature, name| match name.chars().next() {
        Some('M') => signature.shape(name, Shape::Matrix(2, 2)),
        Some('u') => signature.shape(name, Shape::Vector(2)),
        _ => signature,
    })
}

/// A kernel of each tier, the graph interpreter by way of an unused gradient included.
fn kernels(text: &str, watch: &CompileOptions) -> Vec<Kernel> {
    let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let options = watch.clone().signature(signature(&program));
    let tiers = [Tier::Interpret, support::native_tier()];
    let derivatives = [Derivative::None, Derivative::Gradient];
    let all = tiers.into_iter().flat_map(|tier| derivatives.iter().map(move |d| (tier, d.clone())));
    all.map(|(tier, derivative)| {
        let options = options.clone().tier(tier).derivative(derivative);
        program.compile(&options).unwrap_or_else(|error| panic!("{text}: {error}"))
    })
    .collect()
}

fn evaluate(kernel: &Kernel, rows: &[&[f64]]) -> (Vec<Vec<u64>>, Report) {
    let data: Vec<f64> = rows.concat();
    let columns = kernel.shape().inputs;
    let sources = [Source::Matrix { data: &data, columns, row_stride: columns }];
    let mut outputs = vec![vec![0.0; rows.len()]; kernel.shape().outputs];
    let mut sinks: Vec<Sink<'_>> = outputs.iter_mut().map(|c| Sink::Column(c)).collect();
    let inputs = if columns == 0 { &[][..] } else { &sources[..] };
    let batch =
        Batch { rows: rows.len(), inputs, params: &[], outputs: &mut sinks, param_gradients: &mut [] };
    let report = kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).expect("it fits");
    (outputs.iter().map(|c| c.iter().copied().map(bits).collect()).collect(), report)
}

/// For each row what is noted: the operation and its text in the program.
fn notes<'a>(text: &'a str, kernel: &Kernel, rows: &[&[f64]]) -> Vec<Option<(Met, Op, u32, &'a str)>> {
    let (_, report) = evaluate(kernel, rows);
    assert_eq!((report.failed, report.noted), (0, report.notes.len()), "{text}");
    let mut list = vec![None; rows.len()];
    for note in &report.notes {
        let check = kernel.checks()[note.check as usize];
        let Reason::Met { what, op, step } = check.reason else { panic!("{text}: {}", check.reason) };
        list[note.row] = Some((what, op, step, check.span.text(text)));
    }
    list
}

fn domain() -> CompileOptions {
    CompileOptions::default().check_domain(true)
}

fn kinks() -> CompileOptions {
    CompileOptions::default().check_kinks(true)
}

/// A row, and the operation and expression that it is to be reported for.
type Row<'a> = (&'a [f64], Option<(Op, &'a str)>);

/// That the rows are reported, each for an operation and the text of an expression, in every tier.
#[track_caller]
fn reported(text: &str, watch: &CompileOptions, rows: &[Row<'_>]) {
    let inputs: Vec<&[f64]> = rows.iter().map(|row| row.0).collect();
    let expected: Vec<Option<(Op, &str)>> = rows.iter().map(|row| row.1).collect();
    for kernel in kernels(text, watch) {
        let found: Vec<Option<(Op, &str)>> = notes(text, &kernel, &inputs)
            .into_iter()
            .map(|note| note.map(|(_, op, _, at)| (op, at)))
            .collect();
        assert_eq!(found, expected, "{text} ({}, {} outputs)", kernel.tier(), kernel.outputs().len());
    }
}

/// A program of one operation with numbers that are inside its domain and outside.
#[track_caller]
fn edges(text: &str, op: Op, inside: &[&[f64]], outside: &[&[f64]]) {
    let inside = inside.iter().map(|&row| (row, None));
    let outside = outside.iter().map(|&row| (row, Some((op, text))));
    reported(text, &domain(), &inside.chain(outside).collect::<Vec<_>>());
}

const TINY: f64 = 5e-324;

#[test]
fn domains_of_logarithms() {
    for (text, op) in [("(log x)", Op::Log), ("(log2 x)", Op::Log2), ("(log10 x)", Op::Log10)] {
        edges(text, op, &[&[TINY], &[INF], &[NAN]], &[&[0.0], &[-0.0], &[-1.0]]);
    }
    edges(
        "(log x y)",
        Op::LogBase,
        &[
            &[TINY, TINY],
            &[3.0, 1f64.next_down()],
            &[3.0, 1f64.next_up()],
            &[INF, 2.0],
            &[NAN, 2.0],
            &[3.0, NAN],
        ],
        &[
            &[0.0, 2.0],
            &[-1.0, 2.0],
            &[3.0, 1.0],
            &[3.0, 0.0],
            &[3.0, -0.0],
            &[3.0, -2.0],
            &[1.0, 1.0],
            &[NAN, 1.0],
        ],
    );
}

#[test]
fn domains_of_operations() {
    let below_one = 1f64.next_down();
    edges(
        "(/ x y)",
        Op::Div,
        &[&[0.0, TINY], &[1.0, -INF], &[1.0, NAN], &[NAN, 1.0], &[INF, INF]],
        &[&[1.0, 0.0], &[0.0, 0.0], &[1.0, -0.0], &[NAN, 0.0]],
    );
    edges("(/ x)", Op::Div, &[&[1e-300], &[NAN]], &[&[0.0], &[-0.0]]);
    edges("(sqrt x)", Op::Sqrt, &[&[0.0], &[-0.0], &[INF], &[NAN]], &[&[-TINY], &[-INF]]);
    edges(
        "(lead x y)",
        Op::Lead,
        &[&[0.0, 1.0], &[1.0, -2.0], &[0.0, INF], &[NAN, 1.0], &[0.0, NAN]],
        &[&[0.0, -1.0], &[0.0, -2.0], &[-INF, 0.0], &[INF, -INF]],
    );
    edges("(log1p x)", Op::Log1p, &[&[-below_one], &[0.0], &[NAN]], &[&[-1.0], &[-2.0]]);
    for (text, op) in [("(asin x)", Op::Asin), ("(acos x)", Op::Acos)] {
        edges(text, op, &[&[-1.0], &[1.0], &[0.0], &[NAN]], &[&[1f64.next_up()], &[-INF], &[-1.5]]);
    }
    for (text, op) in
        [("(remainder x y)", Op::Remainder), ("(modulo x y)", Op::Modulo), ("(quotient x y)", Op::Quotient)]
    {
        edges(text, op, &[&[1.0, -3.0], &[0.0, TINY], &[1.0, NAN]], &[&[1.0, 0.0], &[0.0, -0.0]]);
    }
    edges(
        "(inv M)",
        Op::Inv,
        &[&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 1.0, 0.0], &[1e-200, 0.0, 0.0, 1e-200]],
        &[&[1.0, 2.0, 2.0, 4.0], &[0.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 3.0, 4.0]],
    );
    edges(
        "(gamma x)",
        Op::Gamma,
        &[&[TINY], &[1.0], &[-0.5], &[-TINY], &[INF], &[NAN]],
        &[&[0.0], &[-0.0], &[-1.0], &[-2.0], &[-INF]],
    );
    edges("(lgamma x)", Op::LGamma, &[&[1.0], &[-1.5], &[NAN]], &[&[0.0], &[-3.0]]);
    edges("(digamma x)", Op::Digamma, &[&[1.0], &[-1.5], &[NAN]], &[&[0.0], &[-3.0]]);
    edges("(polygamma 2 x)", Op::Polygamma, &[&[1.0], &[-1.5], &[NAN]], &[&[0.0], &[-3.0]]);
    let branch: f64 = -0.367_879_441_171_442_3;
    edges(
        "(lambert-w x)",
        Op::LambertW,
        &[&[branch], &[0.0], &[INF], &[NAN]],
        &[&[branch.next_down()], &[-1.0], &[-INF]],
    );
    edges(
        "(lambert-wm1 x)",
        Op::LambertWm1,
        &[&[branch], &[-TINY], &[NAN]],
        &[&[branch.next_down()], &[0.0], &[-0.0], &[1.0]],
    );
    edges(
        "(solve M u)",
        Op::Solve,
        &[
            &[1.0, 2.0, 3.0, 4.0, 0.0, 1.0],
            &[0.0, 1.0, 1.0, 0.0, 1.0, NAN],
            &[1.0, 1e308, -1.0, 1e308, 1.0, 0.0],
        ],
        &[&[1.0, 2.0, 2.0, 4.0, 1.0, 1.0], &[0.0, 0.0, 3.0, 4.0, 0.0, 0.0]],
    );
    edges(
        "(cholesky M)",
        Op::Cholesky,
        &[&[1.0, NAN, 0.5, 1.0], &[TINY, 0.0, 0.0, 3.0], &[NAN, 0.0, 0.0, -1.0], &[1.0, 0.0, NAN, 1.0]],
        &[&[0.0, 0.0, 0.0, 1.0], &[1.0, 0.0, 2.0, 1.0], &[1.0, 0.0, 1.0, 1.0], &[-1.0, 0.0, 0.0, 1.0]],
    );
    edges(
        "(solve-tridiagonal [x] u [y] [1 2])",
        Op::SolveTridiagonal,
        &[&[1.0, 0.0, 0.0, 1.0], &[1.0, 2.0, 3.0, 4.0], &[0.0, TINY, 1.0, 0.0], &[NAN, 1.0, 0.0, 1.0]],
        &[&[2.0, 1.0, 2.0, 1.0], &[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0, 0.0, 5.0]],
    );
}

#[test]
fn domain_of_powers() {
    edges(
        "(pow x y)",
        Op::Pow,
        &[
            &[2.0, 0.5],
            &[0.0, 0.5],
            &[0.0, 0.0],
            &[-2.0, 3.0],
            &[-2.0, -3.0],
            &[-2.0, INF],
            &[-2.0, NAN],
            &[NAN, 0.5],
            &[0.0, INF],
        ],
        &[&[-2.0, 0.5], &[-INF, 1e-3], &[0.0, -1.0], &[-0.0, -0.5], &[0.0, -INF], &[-TINY, -0.5]],
    );
    edges("(pow x 1/3)", Op::Pow, &[&[0.0], &[1.0], &[NAN]], &[&[-1.0]]);
    edges("(pow x -1/2)", Op::Pow, &[&[1.0]], &[&[0.0], &[-1.0]]);
    // A power that is simplified to a division is still a power.
    edges("(pow x -1)", Op::Pow, &[&[-1.0], &[TINY]], &[&[0.0]]);
    edges("(pow x 2)", Op::Pow, &[&[0.0], &[-3.0]], &[]);
    edges("(pow 0 x)", Op::Pow, &[&[0.0], &[0.5]], &[&[-1.0]]);
    edges("(pow -2 x)", Op::Pow, &[&[-3.0]], &[&[0.5]]);
    // Zero has no complex power with a negative exponent.
    edges(
        "(expt (make-rectangular x y) -1)",
        Op::PowRe,
        &[&[1.0, 0.0], &[0.0, TINY], &[NAN, 0.0]],
        &[&[0.0, 0.0], &[-0.0, 0.0], &[0.0, -0.0]],
    );
    edges(
        "(expt (make-rectangular x y) z)",
        Op::PowRe,
        &[&[0.0, 0.0, 0.5], &[0.0, 0.0, 0.0], &[2.0, 0.0, -0.5], &[0.0, 0.0, NAN]],
        &[&[0.0, 0.0, -0.5], &[-0.0, -0.0, -2.0]],
    );
    edges("(expt (make-rectangular x y) 2)", Op::PowRe, &[&[0.0, 0.0]], &[]);
}

#[test]
fn operations_without_domain() {
    let x: &[&[f64]] = &[&[0.0], &[-1.0], &[INF], &[NAN]];
    for text in ["(sin x)", "(tan x)", "(exp x)", "(cbrt x)", "(atan x)", "(atan 0 x)", "(sign x)", "(erf x)"]
    {
        edges(text, Op::Div, x, &[]);
    }
    edges("(det M)", Op::Div, &[&[0.0; 4]], &[]);
    edges("(norm u)", Op::Div, &[&[0.0; 2]], &[]);
}

#[test]
fn any_element_counts() {
    edges("(sqrt u)", Op::Sqrt, &[&[0.0, 1.0], &[NAN, 1.0]], &[&[1.0, -1.0], &[-1.0, NAN]]);
    edges("(/ x u)", Op::Div, &[&[1.0, 2.0, 3.0]], &[&[1.0, 2.0, 0.0]]);
    edges("(/ u x)", Op::Div, &[&[1.0, 2.0, 3.0]], &[&[0.0, 1.0, 0.0]]);
    edges("(normalize u)", Op::Div, &[&[0.0, 2.0]], &[&[0.0, 0.0]]);
}

#[test]
fn first_in_order() {
    let text = "(+ (log x) (/ 1 y) (sqrt (log x)))";
    reported(
        text,
        &domain(),
        &[
            (&[2.0, 1.0], None),
            (&[0.0, 0.0], Some((Op::Log, "(log x)"))),
            (&[0.5, 0.0], Some((Op::Div, "(/ 1 y)"))),
            (&[0.5, 1.0], Some((Op::Sqrt, "(sqrt (log x))"))),
            // The NaN comes from the first operation, and the others do not leave their domains.
            (&[-1.0, 1.0], Some((Op::Log, "(log x)"))),
        ],
    );
    // The steps of one expression.
    for kernel in kernels("(/ x y z)", &domain()) {
        let rows: [&[f64]; 3] = [&[1.0, 0.0, 0.0], &[1.0, 1.0, 0.0], &[1.0, 1.0, 1.0]];
        let steps: Vec<Option<u32>> =
            notes("(/ x y z)", &kernel, &rows).into_iter().map(|note| note.map(|n| n.2)).collect();
        assert_eq!(steps, [Some(0), Some(1), None]);
    }
}

#[test]
fn only_what_is_evaluated() {
    let text = "(if (> x 0) (log x) (if (= x 0) 7 (sqrt x)))";
    reported(
        text,
        &domain(),
        &[(&[1.0], None), (&[0.0], None), (&[-1.0], Some((Op::Sqrt, "(sqrt x)"))), (&[NAN], None)],
    );
    // A value is evaluated where its `let` stands.
    let text = "(let ((s (sqrt x))) (if (> x 0) s 0))";
    reported(text, &domain(), &[(&[1.0], None), (&[-1.0], Some((Op::Sqrt, "(sqrt x)")))]);
    let text = "(and (> x 0) (> (log x) 1))";
    reported(text, &domain(), &[(&[1.0], None), (&[-1.0], None)]);
    // Functions, called on several paths.
    let text = "(define (f t) (/ 1 t)) (if (> x 0) (f y) (+ (f x) (f y)))";
    reported(
        text,
        &domain(),
        &[
            (&[1.0, 1.0], None),
            (&[1.0, 0.0], Some((Op::Div, "(/ 1 t)"))),
            (&[0.0, 1.0], Some((Op::Div, "(/ 1 t)"))),
            (&[-1.0, 0.0], Some((Op::Div, "(/ 1 t)"))),
        ],
    );
}

#[test]
fn known_operands() {
    for kernel in kernels("(+ (/ x 2) (sqrt 4) (log (exp 1)))", &domain()) {
        assert!(kernel.checks().is_empty());
    }
    reported("(+ x (/ 1 0))", &domain(), &[(&[1.0], Some((Op::Div, "(/ 1 0)")))]);
    reported(
        "(if (> x 0) x (sqrt -1))",
        &domain(),
        &[(&[1.0], None), (&[-1.0], Some((Op::Sqrt, "(sqrt -1)")))],
    );
}

#[test]
fn kinks_of_operations() {
    let at = |text: &str, op: Op, smooth: &[&[f64]], kink: &[&[f64]]| {
        let smooth = smooth.iter().map(|&row| (row, None));
        let kink = kink.iter().map(|&row| (row, Some((op, text))));
        reported(text, &kinks(), &smooth.chain(kink).collect::<Vec<_>>());
        let everywhere: Vec<_> = kernels(text, &domain());
        assert!(everywhere.iter().all(|kernel| kernel.checks().is_empty()), "{text}");
    };
    at("(abs x)", Op::Abs, &[&[TINY], &[NAN]], &[&[0.0], &[-0.0]]);
    at("(sign x)", Op::Sign, &[&[TINY]], &[&[0.0]]);
    at("(min x y)", Op::Min, &[&[1.0, 2.0], &[NAN, NAN]], &[&[2.0, 2.0], &[0.0, -0.0]]);
    at("(max x y)", Op::Max, &[&[1.0, 2.0]], &[&[2.0, 2.0]]);
    at("(hypot x y)", Op::Hypot, &[&[0.0, TINY]], &[&[0.0, -0.0]]);
    at("(norm u)", Op::Norm, &[&[0.0, 1.0]], &[&[0.0, 0.0]]);
    at("(abs u)", Op::Abs, &[&[1.0, 2.0]], &[&[1.0, 0.0]]);
    // Conditions are not watched themselves: that of a power rounds.
    let both = CompileOptions::default().check_domain(true).check_kinks(true);
    reported(
        "(+ (abs x) (pow y x))",
        &both,
        &[
            (&[0.0, 1.0], Some((Op::Abs, "(abs x)"))),
            (&[0.5, -1.0], Some((Op::Pow, "(pow y x)"))),
            (&[1.0, 1.0], None),
        ],
    );
}

/// A program, a row, and the operation and expression that its gradient is reported for.
#[track_caller]
fn singular(text: &str, derivative: &Derivative, rows: &[Row<'_>]) {
    let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let inputs: Vec<&[f64]> = rows.iter().map(|row| row.0).collect();
    let expected: Vec<Option<(Op, &str)>> = rows.iter().map(|row| row.1).collect();
    let plain = CompileOptions::default().signature(signature(&program)).derivative(derivative.clone());
    for tier in [Tier::Interpret, support::native_tier()] {
        let unwatched = program.compile(&plain.clone().tier(tier)).expect("a kernel");
        let kernel = program.compile(&plain.clone().tier(tier).check_derivatives(true)).expect("a kernel");
        let found: Vec<Option<(Op, &str)>> = notes(text, &kernel, &inputs)
            .into_iter()
            .map(|note| note.map(|(_, op, _, at)| (op, at)))
            .collect();
        assert_eq!(found, expected, "{text} ({tier})");
        assert_eq!(evaluate(&kernel, &inputs).0, evaluate(&unwatched, &inputs).0, "{text} ({tier}): bits");
    }
}

#[test]
fn derivatives_that_are_not_finite() {
    use Derivative::{Gradient, Hessian};
    let of = |text, op, rows: &[&[f64]], others: &[&[f64]]| {
        let there = rows.iter().map(|&row| (row, Some((op, text))));
        let elsewhere = others.iter().map(|&row| (row, None));
        singular(text, &Gradient, &there.chain(elsewhere).collect::<Vec<_>>());
    };
    of("(sqrt x)", Op::Sqrt, &[&[0.0], &[-0.0], &[-1.0]], &[&[TINY], &[1.0]]);
    of("(cbrt x)", Op::Cbrt, &[&[0.0]], &[&[1e-30], &[-1.0]]);
    of("(asin x)", Op::Asin, &[&[1.0], &[-1.0], &[2.0]], &[&[0.5]]);
    of("(acos x)", Op::Acos, &[&[1.0], &[-1.0]], &[&[0.0]]);
    of("(atan y x)", Op::Atan2, &[&[0.0, 0.0], &[-0.0, 0.0]], &[&[0.0, 1.0], &[1.0, 0.0]]);
    of("(pow x 0.5)", Op::Pow, &[&[0.0]], &[&[1.0]]);
    of("(pow x 2)", Op::Pow, &[], &[&[0.0], &[-1.0]]);
    of("(pow x y)", Op::Pow, &[&[0.0, 0.5], &[-1.0, 2.0]], &[&[0.0, 2.0], &[1.0, 0.0]]);
    of("(log x)", Op::Log, &[&[0.0]], &[&[1.0], &[-1.0]]);
    of("(/ x y)", Op::Div, &[&[1.0, 0.0]], &[&[1.0, 2.0]]);
    // Kinks have a derivative by convention.
    of("(norm u)", Op::Norm, &[], &[&[0.0, 0.0]]);
    of("(hypot x y)", Op::Hypot, &[], &[&[0.0, 0.0]]);
    // What is not taken, does not vary or has no part in the derivative does not matter.
    of("(if (> x 0) (sqrt x) x)", Op::Sqrt, &[], &[&[0.0], &[-1.0]]);
    of("(* x (sqrt 0))", Op::Sqrt, &[], &[&[0.0]]);
    of("(floor (sqrt x))", Op::Sqrt, &[], &[&[0.0]]);
    // The first is reported, at its expression; a finite derivative is none to report.
    let root = Some((Op::Sqrt, "(sqrt (- x y))"));
    singular(
        "(* z (log y) (sqrt (- x y)))",
        &Gradient,
        &[(&[1.0, 2.0, 2.0], root), (&[1.0, 2.0, 3.0], None)],
    );
    let deviation = "(let ((m (/ (vsum u) 2))) (sqrt (/ (dot (- u m) (- u m)) 2)))";
    let root = Some((Op::Sqrt, "(sqrt (/ (dot (- u m) (- u m)) 2))"));
    singular(deviation, &Gradient, &[(&[1.0, 1.0], root), (&[1.0, 2.0], None)]);
    // In loops and recursive functions, too.
    let looped = "(loop ((i 0) (s x)) (if (< i 3) (recur (+ i 1) (sqrt s)) s))";
    singular(looped, &Gradient, &[(&[0.0], Some((Op::Sqrt, "(sqrt s)"))), (&[2.0], None)]);
    let called = "(define (f n x) (if (< n 1) 1 (* (sqrt x) (f (- n 1) (- x 1))))) (define (main x) (f 2 x))";
    singular(called, &Gradient, &[(&[1.0], Some((Op::Sqrt, "(sqrt x)"))), (&[2.0], None)]);
    // Second derivatives are not finite where first ones are.
    singular("(pow x 1.5)", &Gradient, &[(&[0.0], None)]);
    singular("(pow x 1.5)", &Hessian, &[(&[0.0], Some((Op::Pow, "(pow x 1.5)"))), (&[1.0], None)]);
}

/// Where the domain is watched, too, all that is outside is reported, with a finite derivative or not.
#[test]
fn derivatives_beside_domains() {
    let text = "(+ (if (< (log x) 0) 0 y) (sqrt y))";
    let both = CompileOptions::default().derivative(Derivative::Gradient).check_derivatives(true);
    let program = Program::parse(text).expect("a program");
    for (options, expected) in [
        (both.clone(), [None, Some(Met::Singular)]),
        (both.check_domain(true), [Some(Met::Outside), Some(Met::Singular)]),
    ] {
        let kernel = program.compile(&options).expect("a kernel");
        let rows: [&[f64]; 2] = [&[-1.0, 1.0], &[2.0, 0.0]];
        let found = notes(text, &kernel, &rows).into_iter().map(|note| note.map(|(what, ..)| what));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

/// A failure is reported whatever was noted before; a note does not make a row fail.
#[test]
fn failures_come_first() {
    let text = "(+ (log x) (ref u x) (/ 1 (- x 1)))";
    let rows: [&[f64]; 4] = [&[0.0, 3.0, 4.0], &[1.0, 3.0, 4.0], &[-1.0, 3.0, 4.0], &[0.5, 3.0, 4.0]];
    for kernel in kernels(text, &domain()) {
        let (outputs, report) = evaluate(&kernel, &rows);
        assert_eq!((report.failed, report.noted), (2, 2));
        let at = |rows: &[nc_runtime::batch::RowReport]| -> Vec<(usize, String)> {
            rows.iter()
                .map(|r| (r.row, kernel.checks()[r.check as usize].span.text(text).to_string()))
                .collect()
        };
        assert_eq!(at(&report.failures), [(2, "(ref u x)".to_string()), (3, "(ref u x)".to_string())]);
        assert_eq!(at(&report.notes), [(0, "(log x)".to_string()), (1, "(/ 1 (- x 1))".to_string())]);
        let values: Vec<f64> = outputs[0].iter().map(|&word| f64::from_bits(word)).collect();
        assert_eq!(values[..2], [-INF, INF]);
    }
}

/// A row outside the fast range of a recipe, which is evaluated again, is noted as any other.
#[test]
fn slow_rows() {
    let text = "(/ (sin x) y)";
    reported(text, &domain(), &[(&[1e20, 0.0], Some((Op::Div, text))), (&[1e20, 1.0], None)]);
}

/// Reports count all rows and list the first hundred, for any number of threads.
#[test]
fn many_rows() {
    let rows = 10_000;
    let x: Vec<f64> = (0..rows).map(|row| f64::from(row % 3) - 1.0).collect();
    for kernel in kernels("(sqrt x)", &domain()) {
        for threads in [1, 2] {
            let mut outputs = vec![vec![0.0; x.len()]; kernel.shape().outputs];
            let mut sinks: Vec<Sink<'_>> = outputs.iter_mut().map(|c| Sink::Column(c)).collect();
            let inputs = [Source::Column(&x)];
            let batch = Batch {
                rows: x.len(),
                inputs: &inputs,
                params: &[],
                outputs: &mut sinks,
                param_gradients: &mut [],
            };
            let options = Options::with_threads(threads);
            let report = kernel.evaluate(batch, &options, &mut Workspace::new()).expect("it fits");
            assert_eq!((report.failed, report.noted), (0, 3334));
            let listed: Vec<usize> = report.notes.iter().map(|note| note.row).collect();
            assert_eq!(listed, (0..100).map(|k| 3 * k).collect::<Vec<_>>());
        }
    }
}

const SPICY: [f64; 12] = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 2.0, 3.0, 1e-300, 1e300, INF, NAN];

/// Watching changes no bit of values and derivatives, and all tiers note the same, on programs made to be difficult:
/// conditions share operations with the program and its derivatives.
#[test]
fn bits_are_kept() {
    let mut state = 11u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        SPICY[(state >> 33) as usize % SPICY.len()]
    };
    let watch = CompileOptions::default().check_domain(true).check_kinks(true);
    for text in [
        "(+ (pow x y) (* (floor y) x) (sin x) (/ x (floor y)) (exp x))",
        "(+ (vsum (inv M)) (* 3 (vsum M)) (det M) (vsum (matmul M M)))",
        "(let ((n (norm u))) (+ (/ x n) (abs x) (hypot x n) (vsum (normalize u)) (* n n)))",
        "(if (> x y) (log (- x y)) (+ (sqrt (- y x)) (max x y) (min x y 1)))",
        "(define (f t) (/ (asin t) (log1p t))) (* (f x) (f (* x y)) (f (f y)))",
        "(values (a (remainder x y)) (b (modulo x y)) (c (quotient x y)) (d (acos (/ x y))))",
    ] {
        let rows: Vec<Vec<f64>> = {
            let width = kernels(text, &watch)[0].shape().inputs;
            (0..333).map(|_| (0..width).map(|_| next()).collect()).collect()
        };
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let mut first = None;
        for (plain, watched) in kernels(text, &CompileOptions::default()).iter().zip(&kernels(text, &watch)) {
            let ((expected, _), (found, report)) = (evaluate(plain, &rows), evaluate(watched, &rows));
            assert!(expected == found, "{text}: {}", plain.tier());
            assert!(report.noted > 10, "{text}");
            let notes: Vec<_> = report
                .notes
                .iter()
                .map(|note| (note.row, watched.checks()[note.check as usize]))
                .map(|(row, check)| (row, check.span, check.reason))
                .collect();
            assert_eq!(*first.get_or_insert(notes.clone()), notes, "{text}: {}", plain.tier());
        }
    }
}

/// The conditions of a program, a line each, behind warnings.
fn conditions(text: &str) -> String {
    let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let domain = program.safe_domain(&signature(&program)).expect("the inputs are its own");
    assert!(domain.complete);
    let warnings = domain.warnings.iter().map(|warning| format!("! {} ({})", warning.message, warning.label));
    warnings.chain(domain.conditions.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n")
}

#[test]
fn conditions_in_words() {
    for (text, expected) in [
        ("(+ x (sin y) (exp x) (abs x))", ""),
        ("(define G 6.674e-11) (define (force m1 m2 r) (/ (* G m1 m2) (square r))) (force a b r)", "r² ≠ 0"),
        ("(define (gravity m r) (/ m (* r r)))", "r² ≠ 0"),
        ("(define c 299792458) (/ 1 (sqrt (- 1 (square (/ v c)))))", "1 − (v/c)² > 0"),
        ("(define (f n x) (if (>= n 2) (log x) n))", "x > 0 where n ≥ 2"),
        ("(let* ((d (- x y)) (q (/ 1 d))) (+ q (/ x d)))", "d ≠ 0"),
        ("(+ (/ x 2) (sqrt 4) (pow x 3) (pow x 0) (pow 2 x) (/ [1 2] [x 4]) (/ x [1 2]))", "[x, 4] ≠ 0"),
        (
            "(+ (pow x 1/2) (pow x -2) (pow y -0.5) (pow 0 z) (pow -1 z))",
            "x > 0\ny > 0\nz ≥ 0\nz is an integer",
        ),
        ("(pow x y)", "x > 0, or x = 0 ≤ y, or x < 0 with y an integer"),
        ("(expt (make-rectangular x y) -2)", "x ≠ 0 or y ≠ 0"),
        ("(expt (make-rectangular x y) (/ z 2))", "x ≠ 0 or y ≠ 0, or z/2 ≥ 0"),
        ("(expt (make-rectangular x y) 3)", ""),
        ("(+ (asin (* 2 x)) (log1p (- x)) (sqrt (- x (- y 1))))", "−1 ≤ 2·x ≤ 1\n−x > −1\nx − (y − 1) ≥ 0"),
        ("(+ (inv M) (vsum (normalize u)) (/ (ref u 1)))", "det(M) ≠ 0\n‖u‖ ≠ 0\nu[1] ≠ 0"),
        ("(/ x y z)", "y ≠ 0\nz ≠ 0"),
        ("(+ (log x 3) (log y 1/2))", "x > 0\ny > 0"),
        ("(+ (log 3 x) (log 1/2 y))", "0 < x ≠ 1\n0 < y ≠ 1"),
        ("(log x y)", "x > 0 and 0 < y ≠ 1"),
        ("(modulo x (ref u y))", "u[y] ≠ 0"),
        // What the path says need not be said again.
        ("(if (= x 0) 1 (/ (sin x) x))", ""),
        ("(if (and (> x 0) (< x y)) (/ (log x) (sqrt x)) 0)", ""),
        (
            "(cond ((< x 0) (sqrt (- x))) ((= x 0) 5) (else (/ (log x) y)))",
            "−x ≥ 0 where x < 0\nx > 0 where x ≥ 0 and x ≠ 0\ny ≠ 0 where x ≥ 0 and x ≠ 0",
        ),
        (
            "(if (or (< x 0) (not (> y 1))) (log z) (log y))",
            "z > 0 where (x < 0 or y ≤ 1)\ny > 0 where x ≥ 0 and y > 1",
        ),
        ("(+ (log x) (if y (log x) (sqrt z)))", "x > 0\nz ≥ 0 where y = 0"),
        ("(if (< 1 2) (log x) (log y))", "x > 0"),
        // Functions that are called more than once are written in the words of the caller.
        ("(define (f t) (let ((s (+ t 1))) (log s))) (+ (f x) (f (* x y)))", "x + 1 > 0\nx·y + 1 > 0"),
        ("(define (f t) (let ((s (+ t 1))) (log s))) (f (* x y))", "s > 0"),
        // A name that means something else does not stand for a value.
        ("(let ((x (- x 1))) (log x))", "x − 1 > 0"),
        ("(/ (let ((y (if (> x 0) x 1))) (/ 2 y)))", "y ≠ 0\n2/y ≠ 0"),
        (
            "(+ x (/ 1 0) (sqrt -2))",
            "! `/` is always outside its safe domain (needs 0 ≠ 0)\n! `sqrt` is always outside its safe domain (needs −2 ≥ 0)",
        ),
        (
            "(/ (+ aaaaaaaaaaaaaaaaaaaaaaa (* bbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccccc ddddddddd)))",
            "aaaaaaaaaaaaaaaaaaaaaaa + …·ddddddddd ≠ 0",
        ),
    ] {
        assert_eq!(conditions(text), expected, "{text}");
    }
}

/// What holds for all numbers is no condition; rounding and underflow are not looked at.
#[test]
fn conditions_that_always_hold() {
    for text in [
        "(sqrt (square x))",
        "(sqrt (+ (* x x) (pow y 4) (abs z)))",
        "(log (exp x))",
        "(/ x (cosh y))",
        "(log (max 1 x))",
        "(/ (+ 1 (square x)))",
        "(sqrt (+ 1 (exp (- x))))",
        "(asin (* (sin x) (cos y)))",
        "(acos (tanh x))",
        "(log1p (expm1 x))",
        "(sqrt (- 1 (sin x)))",
        "(pow (exp x) y)",
        "(sqrt (dot [x y] [x y]))",
        "(log (hypot x 1))",
        "(sqrt (if (< x 0) 1 (abs y)))",
        "(/ (- -1 (square x)))",
        "(sqrt (min (abs x) 3))",
        "(let ((s (+ (square x) (square y)))) (sqrt s))",
        "(vsum (sqrt (* [x y] [x y])))",
    ] {
        assert_eq!(conditions(text), "", "{text}");
    }
    // What does not always hold stays, however close it is.
    for (text, expected) in [
        ("(log (square x))", "x² > 0"),
        ("(/ (abs x))", "|x| ≠ 0"),
        ("(log (max 0 x))", "max(0, x) > 0"),
        ("(sqrt (- (square x) 1))", "x² − 1 ≥ 0"),
        ("(asin (* 2 (sin x)))", "−1 ≤ 2·sin(x) ≤ 1"),
        ("(sqrt (* x y))", "x·y ≥ 0"),
        ("(sqrt (pow x 3))", "x³ ≥ 0"),
        ("(/ (- 1 (sin x)))", "1 − sin(x) ≠ 0"),
        ("(log (min 1 (exp x) y))", "min(min(1, exp(x)), y) > 0"),
    ] {
        assert_eq!(conditions(text), expected, "{text}");
    }
}

/// Conditions that are too long have whole operands left out, never parts of them.
#[test]
fn long_conditions_keep_their_parentheses() {
    let sum = |name: &str| {
        let terms: Vec<String> = (1..12).map(|k| format!("(sin (* {k} {name}))")).collect();
        format!("(+ {})", terms.join(" "))
    };
    let conditions = conditions(&format!("(+ (sqrt {}) (sqrt {}))", sum("first"), sum("second")));
    assert_eq!(conditions.lines().count(), 2, "{conditions}");
    for line in conditions.lines() {
        assert_eq!(line.matches('(').count(), line.matches(')').count(), "{line}");
        assert!(line.contains('…') && line.chars().count() < 80, "{line}");
    }
}

/// Parameters are not known.
#[test]
fn conditions_on_parameters() {
    let program = Program::parse("(define k 2) (/ x k)").unwrap();
    let text = |signature: Signature| -> Vec<String> {
        program.safe_domain(&signature).unwrap().conditions.iter().map(ToString::to_string).collect()
    };
    assert!(text(Signature::scalars()).is_empty());
    assert_eq!(text(Signature::scalars().parameter("k")), ["k ≠ 0"]);
    assert!(program.safe_domain(&Signature::scalars().parameter("z")).is_err());
}

/// Long and deep programs are described in time, and not in full.
#[test]
fn conditions_of_large_programs() {
    let deep = format!("{}x{}", "(/ 1 (+ 1 ".repeat(100_000), "))".repeat(100_000));
    let wide: String = (0..5000).map(|k| format!("(log (+ x {k}))")).collect();
    let mut tower = "(define (f0 x) (/ 1 x))".to_string();
    for k in 0..60 {
        tower += &format!("(define (f{} x) (+ (f{k} (+ x 1)) (f{k} (* x 2))))", k + 1);
    }
    let arms = format!("{}1{}", "(if (< x y) (log x) ".repeat(20_000), ")".repeat(20_000));
    for (text, complete) in
        [(deep, true), (format!("(+ {wide})"), false), (tower + "(f60 x)", false), (arms, true)]
    {
        let program = Program::parse(&text).unwrap();
        let domain = program.safe_domain(&Signature::scalars()).unwrap();
        assert_eq!(domain.complete, complete);
        assert!(domain.conditions.iter().all(|condition| condition.to_string().chars().count() < 300));
        let limit = neural_compiler::internals::domain::MAX_CONDITIONS;
        assert!(domain.conditions.len() <= limit);
    }
}

/// The same on random programs of the whole language, parameters and their sums over the batch included; and their
/// safe domains can be stated.
#[test]
fn random_programs() {
    watched_programs(Dtype::F64, support::native_tier());
    watched_programs(Dtype::F32, support::native_tier());
}

/// What became of a row of numbers that are rounded to the kernel's type.
fn outcome(kernel: &Kernel, row: &[f64], params: &[f64], workspace: &mut Workspace) -> RowOutcome {
    fn of<T: Element>(kernel: &Kernel, row: &[f64], params: &[f64], workspace: &mut Workspace) -> RowOutcome {
        let [row, params] =
            [row, params].map(|numbers| numbers.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>());
        let mut outputs = vec![T::default(); kernel.shape().outputs];
        let mut sums = vec![0.0; kernel.shape().param_gradients];
        kernel.evaluate_row(&row, &params, &mut outputs, &mut sums, workspace).expect("it fits")
    }
    match kernel.dtype() {
        Dtype::F64 => of::<f64>(kernel, row, params, workspace),
        Dtype::F32 => of::<f32>(kernel, row, params, workspace),
    }
}

fn watched_programs(dtype: Dtype, native: Tier) {
    let plain = CompileOptions::default().dtype(dtype);
    let watch = plain.clone().check_domain(true).check_kinks(true);
    let mut noted = 0;
    for seed in 0..150 {
        let generated = support::generate::program(seed, false);
        let program = Program::parse(&generated.text).unwrap_or_else(|error| panic!("{generated}\n{error}"));
        let inputs: Vec<&str> = program.inputs().collect();
        let known =
            |name: &str| inputs.contains(&name) || program.constants().any(|constant| constant.0 == name);
        let shaped = generated.shapes.iter().filter(|(name, _)| inputs.contains(&name.as_str()));
        let signature = shaped.fold(Signature::scalars(), |s, (name, shape)| s.shape(name, *shape));
        let shared = generated.parameters.iter().filter(|name| known(name));
        let signature = shared.fold(signature, |s, name| s.parameter(name));
        let options = plain.clone().signature(signature.clone());
        let Ok(graph) = program.graph_for(&options) else { continue };
        let complex = support::whole_derivative(&graph) == Derivative::Vjp;
        let domain = program.safe_domain(&signature).expect("known names");
        assert!(domain.conditions.iter().all(|c| !c.text.is_empty() && c.path.as_deref() != Some("")));
        let mut rng = support::generate::Rng(seed);
        let rows = 67;
        let mut data: Option<(Vec<Vec<f64>>, Vec<f64>)> = None;
        let mut first = None;
        for tier in [Tier::Interpret, native] {
            for derivative in [Derivative::None, Derivative::Gradient] {
                // The derivative of a complex number by a vector has no shape.
                if complex && derivative == Derivative::Gradient {
                    continue;
                }
                let compile = |watch: &CompileOptions| {
                    let (signature, derivative) = (signature.clone(), derivative.clone());
                    program
                        .compile(&watch.clone().signature(signature).derivative(derivative).tier(tier))
                        .unwrap_or_else(|error| panic!("{generated}\n{error}"))
                };
                let (plain, watched) = (compile(&plain), compile(&watch));
                let (columns, params) = data.get_or_insert_with(|| {
                    let shape = plain.shape();
                    let mut wild = || match dtype {
                        Dtype::F64 => rng.wild(),
                        Dtype::F32 => rng.wild_single(),
                    };
                    let column = |_| (0..rows).map(|_| wild()).collect();
                    ((0..shape.inputs).map(column).collect(), (0..shape.params).map(|_| 0.5).collect())
                });
                let expected = support::run(&plain, columns, params, rows, 1);
                assert!(support::run(&watched, columns, params, rows, 1) == expected, "{generated}");
                let rows: Vec<Vec<f64>> = (0..rows).map(|r| columns.iter().map(|c| c[r]).collect()).collect();
                let mut workspace = Workspace::new();
                let notes: Vec<_> = rows
                    .iter()
                    .map(|row| match outcome(&watched, row, params, &mut workspace) {
                        RowOutcome::Done => None,
                        RowOutcome::Noted(k) | RowOutcome::Failed(k) => {
                            let check = watched.checks()[k as usize];
                            Some((check.effect, check.span, check.reason))
                        }
                    })
                    .collect();
                noted += notes.iter().flatten().count();
                let first = first.get_or_insert(notes.clone());
                let differs = (0..notes.len()).find(|&row| first[row] != notes[row]);
                assert!(
                    differs.is_none(),
                    "{generated}\n{tier} {derivative:?}, {differs:?}: {:?}, not {:?}",
                    differs.map(|row| (&notes[row], &rows[row])),
                    differs.map(|row| &first[row])
                );
            }
        }
    }
    assert!(noted > 1000, "{noted}");
}

/// The first iteration that leaves the domain is reported, whatever later ones do.
#[test]
fn loops() {
    let text = "(let loop ((i 0) (s 0)) (if (< i 4) (loop (+ i 1) (+ s (log (- x i)) (/ 1 (- i y)))) s))";
    reported(
        text,
        &domain(),
        &[
            (&[9.0, 9.0], None),
            (&[3.0, 3.0], Some((Op::Log, "(log (- x i))"))),
            (&[3.0, 2.0], Some((Op::Div, "(/ 1 (- i y))"))),
            (&[1.0, 1.0], Some((Op::Log, "(log (- x i))"))),
            (&[2.5, 0.0], Some((Op::Div, "(/ 1 (- i y))"))),
            (&[9.0, 4.0], None),
        ],
    );
    // Before, in and after a loop; in its test; a loop that is not entered.
    let text = "(let ((a (sqrt x)))
      (let ((b (if (> y 0) (let loop ((t y)) (if (> (log t) 0) (loop (- t 1)) (/ 1 t))) 7)))
        (asin (- b a))))";
    reported(
        text,
        &domain(),
        &[
            (&[-1.0, 0.0], Some((Op::Sqrt, "(sqrt x)"))),
            (&[7.0, 0.0], Some((Op::Asin, "(asin (- b a))"))),
            (&[49.0, -2.0], None),
            (&[1.0, 3.0], None),
            (&[-1.0, 3.0], Some((Op::Sqrt, "(sqrt x)"))),
            (&[16.0, 1.5], Some((Op::Asin, "(asin (- b a))"))),
        ],
    );
    // Loops in loops, and a function with a loop that is called twice.
    let text = "(define (root a n)
      (let loop ((k 0) (y 1)) (if (< k n) (loop (+ k 1) (* 0.5 (+ y (/ a y)))) (sqrt (- y 1)))))
      (let outer ((j 0) (s 0))
        (if (< j 3) (outer (+ j 1) (+ s (root x j) (root y 1))) (/ s (- z j))))";
    reported(
        text,
        &domain(),
        &[
            (&[4.0, 9.0, 0.0], None),
            (&[4.0, 9.0, 3.0], Some((Op::Div, "(/ s (- z j))"))),
            (&[4.0, -9.0, 3.0], Some((Op::Sqrt, "(sqrt (- y 1))"))),
            (&[-1.0, 9.0, 3.0], Some((Op::Sqrt, "(sqrt (- y 1))"))),
        ],
    );
}

#[test]
fn bits_are_kept_in_loops() {
    for text in [
        "(let loop ((i 0) (s x)) (if (< i 5) (loop (+ i 1) (+ (log s) (/ y s) (abs s))) (sqrt s)))",
        "(let loop ((i 0)) (let ((t (let in ((t x)) (if (> t 3) (in (/ t y)) t)))) \
            (if (< i 3) (loop (+ i 1)) (abs t))))",
        "(let loop ((i 0) (s x)) (if (< i 3) (loop (+ i 1) \
            (let in ((t s)) (if (> t y) (in (- (* t 0.5) 1)) (pow t y)))) (/ s y)))",
    ] {
        // Rows that never leave the inner loops are as good with few iterations.
        let limits = Limits { iterations: 1000, ..Limits::default() };
        let plain = CompileOptions::default().limits(limits);
        let watch = plain.clone().check_domain(true).check_kinks(true);
        let rows: Vec<[f64; 2]> = SPICY.iter().flat_map(|&x| SPICY.map(|y| [x, y])).collect();
        let rows: Vec<&[f64]> = rows.iter().map(|row| &row[..]).collect();
        let mut first = None;
        for (plain, watched) in kernels(text, &plain).iter().zip(&kernels(text, &watch)) {
            let ((expected, failed), (found, report)) = (evaluate(plain, &rows), evaluate(watched, &rows));
            assert!(expected == found, "{text}: {}", plain.tier());
            assert_eq!(failed.failed, report.failed);
            let notes: Vec<_> = report
                .notes
                .iter()
                .map(|note| {
                    let check = watched.checks()[note.check as usize];
                    (note.row, check.span, check.reason)
                })
                .collect();
            assert!(notes.len() > 10);
            assert_eq!(*first.get_or_insert(notes.clone()), notes, "{text}: {}", plain.tier());
        }
    }
}

#[test]
fn conditions_of_loops() {
    assert_eq!(
        conditions("(let loop ((i 0) (s 0)) (if (< i n) (loop (+ i 1) (+ s (/ 1 (- x i)))) (log s)))"),
        "x − i ≠ 0 where i < n\ns > 0 where i ≥ n"
    );
    assert_eq!(
        conditions("(let ((y (let loop ((t x)) (if (> t 1) (loop (/ t z)) t)))) (/ 1 y))"),
        "z ≠ 0 where t > 1\ny ≠ 0"
    );
    assert_eq!(
        conditions("(define (fact n) (if (<= n 0) 1 (/ n (fact (- n 1))))) (fact x)"),
        "fact(…) ≠ 0 where n > 0"
    );
}
