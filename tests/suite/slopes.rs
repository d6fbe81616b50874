//! Slopes and second derivatives of every elementwise operation, against closed formulas in high precision.
//!
//! The bounds of slopes are those of `docs/numbers.md`, whose table is what
//! `cargo test --test suite slopes -- --nocapture` prints; with `NC_SAMPLES=100000` it takes that many points for each.

use std::collections::BTreeSet;

use crate::measure;
use crate::support;

use astro_float::BigFloat;
use measure::{Big, Expected, PRECISION as P, RM, big, special, ulp_error};
use nc_runtime::lanes::Precision;
use neural_compiler::internals::derive::adjoint::{Seeds, adjoint};
use neural_compiler::internals::derive::tangent::{Direction, tangent};
use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::kernel::derived;
use neural_compiler::{CompileOptions, Derivative, Dtype, Kernel, Op, Primitive, Program, Tier};
use support::bounds::{Constants, half_ulp, outputs, ulp};
use support::generate::Rng;

type Slope = fn(&mut Big, &BigFloat, &BigFloat) -> BigFloat;

/// Where an operand is drawn from.
#[derive(Debug, Clone, Copy)]
enum Range {
    /// Every size and sign.
    Real,
    /// Every positive number.
    Positive,
    /// Between these.
    Between(f64, f64),
}

/// A program of one operation.
struct Row {
    text: &'static str,
    /// The operations whose slopes it has.
    ops: &'static [Op],
    ranges: [Range; 2],
    /// By each operand.
    slopes: &'static [Slope],
    /// In units in the last place, binary64 and binary32.
    bounds: [f64; 2],
    /// Why a bound is above 2.
    reason: &'static str,
    /// Whether a point is measured.
    counts: fn(f64, f64) -> bool,
}

fn one() -> BigFloat {
    big(1.0)
}
fn recip(x: &BigFloat) -> BigFloat {
    one().div(x, P, RM)
}
fn mul(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.mul(b, P, RM)
}
fn add(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.add(b, 4 * P, RM)
}
fn sub(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.sub(b, 4 * P, RM)
}
/// `x² + y²`, exactly.
fn radius2(x: &BigFloat, y: &BigFloat) -> BigFloat {
    add(&x.mul(x, 4 * P, RM), &y.mul(y, 4 * P, RM))
}
fn div(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.div(b, P, RM)
}
fn exp(b: &mut Big, x: &BigFloat) -> BigFloat {
    // The exponential of the library needs room for what cancels against a number beside it.
    if x.is_zero() { one() } else { x.exp(4 * P, RM, &mut b.cc) }
}
fn ln(b: &mut Big, x: &BigFloat) -> BigFloat {
    x.ln(P, RM, &mut b.cc)
}
fn pow(b: &mut Big, x: &BigFloat, y: &BigFloat) -> BigFloat {
    if y.is_zero() {
        return one();
    }
    let log = x.ln(2 * P, RM, &mut b.cc);
    let log = log.mul(y, 2 * P, RM);
    if log.is_zero() { one() } else { log.exp(P, RM, &mut b.cc) }
}

/// `w/(x·(1 + w))` for the w with `w·e^w = x` that Newton's method finds.
fn lambert_slope(b: &mut Big, x: &BigFloat, start: f64) -> BigFloat {
    let near = (0..40).fold(start, |w, _| w - (w * w.exp() - rough(x)) / (w.exp() * (1.0 + w)));
    let w = special::lambert(b, x, near);
    div(&recip(&exp(b, &w)), &add(&one(), &w))
}

fn rows() -> Vec<Row> {
    use Range::{Between, Positive, Real};
    let none = Between(0.0, 0.0);
    let always: fn(f64, f64) -> bool = |_, _| true;
    let row = |text, ops, ranges, slopes, bounds| Row {
        text,
        ops,
        ranges,
        slopes,
        bounds,
        reason: "",
        counts: always,
    };
    let near = Between(-60.0, 60.0);
    vec![
        row("(+ x y)", &[Op::Add], [Real, Real], &[|_, _, _| one(), |_, _, _| one()], [0.0, 0.0]),
        row("(- x y)", &[Op::Sub], [Real, Real], &[|_, _, _| one(), |_, _, _| one().neg()], [0.0, 0.0]),
        row("(- x)", &[Op::Neg], [Real, none], &[|_, _, _| one().neg()], [0.0, 0.0]),
        row("(* x y)", &[Op::Mul], [Real, Real], &[|_, _, y| y.clone(), |_, x, _| x.clone()], [0.0, 0.0]),
        Row {
            // A quotient among the subnormal numbers has fewer digits, and its derivative by y is made of it.
            counts: |x, y| (x / y).abs() >= f64::from(f32::MIN_POSITIVE) || x == 0.0,
            ..row(
                "(/ x y)",
                &[Op::Div],
                [Real, Real],
                &[|_, _, y| recip(y), |_, x, y| div(x, &mul(y, y)).neg()],
                [2.0, 2.0],
            )
        },
        row(
            "(sqrt x)",
            &[Op::Sqrt],
            [Positive, none],
            &[|_, x, _| recip(&mul(&big(2.0), &x.sqrt(P, RM)))],
            [1.5, 1.5],
        ),
        row("(exp x)", &[Op::Exp], [Between(-745.0, 709.0), none], &[|b, x, _| exp(b, x)], [1.0, 1.0]),
        row("(expm1 x)", &[Op::Expm1], [Between(-745.0, 709.0), none], &[|b, x, _| exp(b, x)], [1.0, 1.0]),
        Row {
            // Where the power overflows, so does its product with ln 2.
            counts: |x, _| !(126.0..130.0).contains(&x),
            ..row(
                "(exp2 x)",
                &[Op::Exp2],
                [Between(-1022.0, 1023.0), none],
                &[|b, x, _| {
                    let ln2 = b.cc.ln_2(P, RM);
                    mul(&exp(b, &mul(x, &ln2)), &ln2)
                }],
                [2.0, 2.0],
            )
        },
        row("(log x)", &[Op::Log], [Positive, none], &[|_, x, _| recip(x)], [0.5, 0.5]),
        row(
            "(log2 x)",
            &[Op::Log2],
            [Positive, none],
            &[|b, x, _| recip(&mul(x, &b.cc.ln_2(P, RM)))],
            [2.0, 2.0],
        ),
        row(
            "(log10 x)",
            &[Op::Log10],
            [Positive, none],
            &[|b, x, _| recip(&mul(x, &b.cc.ln_10(P, RM)))],
            [2.0, 2.0],
        ),
        row(
            "(log1p x)",
            &[Op::Log1p],
            [Between(-1.0, 1e30), none],
            &[|_, x, _| recip(&add(&one(), x))],
            [1.5, 1.5],
        ),
        row("(sin x)", &[Op::Sin], [near, none], &[|b, x, _| x.cos(P, RM, &mut b.cc)], [1.0, 1.0]),
        row("(cos x)", &[Op::Cos], [near, none], &[|b, x, _| x.sin(P, RM, &mut b.cc).neg()], [1.0, 1.0]),
        Row {
            reason: "1 + y², the square of a function of 1 ULP",
            ..row(
                "(tan x)",
                &[Op::Tan],
                [near, none],
                &[|b, x, _| {
                    let cos = x.cos(P, RM, &mut b.cc);
                    recip(&mul(&cos, &cos))
                }],
                [4.0, 4.0],
            )
        },
        row(
            "(asin x)",
            &[Op::Asin],
            [Between(-1.0, 1.0), none],
            &[|_, x, _| recip(&sub(&one(), &x.mul(x, 4 * P, RM)).sqrt(P, RM))],
            [2.0, 2.0],
        ),
        row(
            "(acos x)",
            &[Op::Acos],
            [Between(-1.0, 1.0), none],
            &[|_, x, _| recip(&sub(&one(), &x.mul(x, 4 * P, RM)).sqrt(P, RM)).neg()],
            [2.0, 2.0],
        ),
        row("(atan x)", &[Op::Atan], [Real, none], &[|_, x, _| recip(&radius2(&one(), x))], [1.25, 1.25]),
        row(
            "(atan x y)",
            &[Op::Atan2],
            [Real, Real],
            &[|_, x, y| div(y, &radius2(x, y)), |_, x, y| div(x, &radius2(x, y)).neg()],
            [1.25, 1.25],
        ),
        row(
            "(sinh x)",
            &[Op::Sinh],
            [Between(-709.0, 709.0), none],
            &[|b, x, _| x.cosh(P, RM, &mut b.cc)],
            [1.0, 1.0],
        ),
        row(
            "(cosh x)",
            &[Op::Cosh],
            [Between(-709.0, 709.0), none],
            &[|b, x, _| x.sinh(P, RM, &mut b.cc)],
            [1.0, 1.0],
        ),
        Row {
            reason: "1/cosh², two divisions by a function of 1 ULP",
            ..row(
                "(tanh x)",
                &[Op::Tanh],
                [Between(-350.0, 350.0), none],
                &[|b, x, _| {
                    let cosh = x.cosh(P, RM, &mut b.cc);
                    recip(&mul(&cosh, &cosh))
                }],
                [4.0, 4.0],
            )
        },
        row(
            "(asinh x)",
            &[Op::Asinh],
            [Real, none],
            &[|_, x, _| recip(&radius2(&one(), x).sqrt(P, RM))],
            [2.0, 2.0],
        ),
        row(
            "(acosh x)",
            &[Op::Acosh],
            [Between(1.0, 1e308), none],
            &[|_, x, _| recip(&sub(&x.mul(x, 4 * P, RM), &one()).sqrt(P, RM))],
            [2.0, 2.0],
        ),
        row(
            "(atanh x)",
            &[Op::Atanh],
            [Between(-1.0, 1.0), none],
            &[|_, x, _| recip(&sub(&one(), &x.mul(x, 4 * P, RM)))],
            [2.0, 2.0],
        ),
        Row {
            reason: "by the base: a quotient of two logarithms divided twice",
            counts: |x, b| x != 1.0 && b != 1.0,
            ..row(
                "(log x y)",
                &[Op::LogBase],
                [Positive, Positive],
                &[
                    |b, x, y| recip(&mul(x, &ln(b, y))),
                    |b, x, y| {
                        let log = ln(b, y);
                        div(&div(&ln(b, x), &log), &mul(&log, y)).neg()
                    },
                ],
                [3.0, 3.0],
            )
        },
        row(
            "(sigmoid x)",
            &[],
            [Between(-700.0, 700.0), none],
            &[|b, x, _| {
                let power = exp(b, &x.abs().neg());
                let sum = add(&one(), &power);
                div(&power, &mul(&sum, &sum))
            }],
            [2.0, 2.0],
        ),
        row(
            "(softplus x)",
            &[Op::Lead],
            [Between(-700.0, 700.0), none],
            &[|b, x, _| recip(&add(&one(), &exp(b, &x.clone().neg())))],
            [1.0, 1.0],
        ),
        Row {
            reason: "1/(3y²), the square of a function of 1 ULP",
            ..row(
                "(cbrt x)",
                &[Op::Cbrt],
                [Real, none],
                &[|_, x, _| {
                    let root = x.cbrt(P, RM);
                    recip(&mul(&big(3.0), &mul(&root, &root)))
                }],
                [4.0, 4.0],
            )
        },
        row(
            "(hypot x y)",
            &[Op::Hypot],
            [Real, Real],
            &[|_, x, y| div(x, &radius2(x, y).sqrt(P, RM)), |_, x, y| div(y, &radius2(x, y).sqrt(P, RM))],
            [2.0, 2.0],
        ),
        row(
            "(square (hypot x y))",
            &[Op::HypotSquare],
            [Real, Real],
            &[|_, x, _| mul(&big(2.0), x), |_, _, y| mul(&big(2.0), y)],
            [0.0, 0.0],
        ),
        row(
            "(erf x)",
            &[Op::Erf],
            [Between(-27.2, 27.2), none],
            &[|b, x, _| {
                let density = exp(b, &x.mul(x, 4 * P, RM).neg());
                div(&mul(&big(2.0), &density), &b.cc.pi(P, RM).sqrt(P, RM))
            }],
            [1.0, 1.0],
        ),
        row(
            "(erfc x)",
            &[Op::Erfc],
            [Between(-27.2, 27.2), none],
            &[|b, x, _| {
                let density = exp(b, &x.mul(x, 4 * P, RM).neg());
                div(&mul(&big(-2.0), &density), &b.cc.pi(P, RM).sqrt(P, RM))
            }],
            [1.0, 1.0],
        ),
        row(
            "(normal-cdf x)",
            &[Op::NormalCdf],
            [Between(-38.0, 38.0), none],
            &[|b, x, _| special::normal_pdf(b, x)],
            [1.0, 1.0],
        ),
        row(
            "(normal-pdf x)",
            &[Op::NormalPdf],
            [Between(-12.5, 12.5), none],
            &[|b, x, _| mul(x, &special::normal_pdf(b, x)).neg()],
            [1.5, 1.5],
        ),
        row(
            "(sinc x)",
            &[Op::Sinc],
            [Between(-4.2, 4.2), none],
            &[|b, x, _| special::sinc(b, x).1],
            [2.0, 2.0],
        ),
        Row {
            counts: |x, _| (x - 1.4616).abs() > 0.2 && x < 30.0,
            ..row(
                "(gamma x)",
                &[Op::Gamma],
                [Between(0.01, 100.0), none],
                &[|b, x, _| mul(&special::gamma(b, x), &special::polygamma(b, 0, x))],
                [2.0, 2.0],
            )
        },
        Row {
            counts: |x, _| (x - 1.4616).abs() > 0.2,
            ..row(
                "(lgamma x)",
                &[Op::LGamma],
                [Between(0.01, 100.0), none],
                &[|b, x, _| special::polygamma(b, 0, x)],
                [1.0, 1.5],
            )
        },
        row(
            "(digamma x)",
            &[Op::Digamma],
            [Between(0.01, 100.0), none],
            &[|b, x, _| special::polygamma(b, 1, x)],
            [1.0, 1.5],
        ),
        row(
            "(polygamma 1 x)",
            &[Op::Polygamma],
            [Between(0.01, 100.0), none],
            &[|b, x, _| special::polygamma(b, 2, x)],
            [1.0, 1.5],
        ),
        row(
            "(bessel-j0 x)",
            &[Op::BesselJ0],
            [Between(-3.0, 3.0), none],
            &[|b, x, _| special::bessel(b, 1, x).neg()],
            [1.0, 1.0],
        ),
        row(
            "(bessel-j1 x)",
            &[Op::BesselJ1],
            [Between(-1.1, 1.1), none],
            &[|b, x, _| sub(&special::bessel(b, 0, x), &div(&special::bessel(b, 1, x), x))],
            [2.0, 2.0],
        ),
        Row {
            reason: "a quotient of quotients by 1 + y, y being a function of 1 ULP",
            ..row(
                "(lambert-w x)",
                &[Op::LambertW],
                [Between(-0.3, 1e6), none],
                &[|b, x, _| {
                    let start = if rough(x) < 0.0 { -0.3 } else { (1.0 + rough(x)).ln() };
                    lambert_slope(b, x, start)
                }],
                [3.0, 3.0],
            )
        },
        Row {
            reason: "a quotient of quotients by 1 + y, y being a function of 1 ULP",
            ..row(
                "(lambert-wm1 x)",
                &[Op::LambertWm1],
                [Between(-0.3, -1e-6), none],
                &[|b, x, _| {
                    let log = (-rough(x)).ln();
                    lambert_slope(b, x, (log - (-log).ln()).min(-1.5))
                }],
                [4.0, 4.0],
            )
        },
        Row {
            reason: "by y: a product of two functions of 1 ULP",
            // A power among the subnormal numbers has fewer digits, and one that overflows none.
            counts: |x, y| (y * x.ln()).abs() < 80.0,
            ..row(
                "(pow x y)",
                &[Op::Pow],
                [Positive, Between(-40.0, 40.0)],
                &[|b, x, y| mul(y, &pow(b, x, &sub(y, &one()))), |b, x, y| mul(&pow(b, x, y), &ln(b, x))],
                [4.0, 4.0],
            )
        },
        row("(pow x 3)", &[Op::Pow], [Positive, none], &[|_, x, _| mul(&big(3.0), &mul(x, x))], [2.0, 2.0]),
        row(
            "(pow x 2.5)",
            &[Op::Pow],
            [Positive, none],
            &[|b, x, _| mul(&big(2.5), &pow(b, x, &big(1.5)))],
            [2.0, 2.0],
        ),
        row(
            "(pow x -0.75)",
            &[Op::Pow],
            [Positive, none],
            &[|b, x, _| mul(&big(-0.75), &pow(b, x, &big(-1.75)))],
            [2.0, 2.0],
        ),
        row(
            "(pow x 0.015625)",
            &[Op::Pow],
            [Positive, none],
            &[|b, x, _| mul(&big(0.015625), &pow(b, x, &big(-0.984375)))],
            [2.0, 2.0],
        ),
        Row {
            // Of an exponential that is smaller than the other term by 10^−26, few digits may be left.
            counts: |x, y| x - y.ln() > -60.0,
            ..row(
                "(lead x y)",
                &[Op::Lead],
                [Between(-600.0, 600.0), Positive],
                &[
                    |b, x, y| {
                        let power = exp(b, x);
                        div(&power, &add(&power, y))
                    },
                    |b, x, y| recip(&add(&exp(b, x), y)),
                ],
                [2.0, 2.0],
            )
        },
        row(
            "(lex x 1)",
            &[Op::Lead],
            [Between(1e-60, 600.0), none],
            &[|b, x, _| {
                let power = exp(b, x);
                div(&power, &sub(&power, &one()))
            }],
            [2.0, 2.0],
        ),
    ]
}

fn draw(range: Range, rng: &mut Rng, single: bool) -> f64 {
    let (least, most) = if single { (-149.0, 127.9) } else { (-1074.0, 1023.9) };
    let any = |rng: &mut Rng| match rng.below(4) {
        0 => 2f64.powf(rng.uniform(least, most)),
        1 => 2f64.powf(rng.uniform(-20.0, 20.0)),
        // Next to 1, and few digits.
        2 => 1.0 + rng.uniform(-1.0, 1.0) * 2f64.powf(rng.uniform(-50.0, 0.0)),
        _ => (rng.below(4000) as f64 + 1.0) / 16.0,
    };
    let x = match range {
        Range::Real => any(rng) * if rng.below(2) == 0 { 1.0 } else { -1.0 },
        Range::Positive => any(rng),
        Range::Between(low, high) => match rng.below(3) {
            0 => rng.uniform(low, high),
            1 => rng.uniform(low.max(-2.0), high.min(2.0).max(low.max(-2.0))),
            _ => {
                let x = any(rng) * if low < 0.0 && rng.below(2) == 0 { -1.0 } else { 1.0 };
                if low <= x && x <= high { x } else { rng.uniform(low, high) }
            }
        },
    };
    if single { f64::from(x as f32) } else { x }
}

/// Columns of a graph's outputs at points, one column for each operand.
fn evaluate(graph: &Graph, columns: &[Vec<f64>], rows: usize) -> Vec<Vec<f64>> {
    let options = CompileOptions::default().tier(support::native_tier());
    let dtype = match graph.precision {
        Precision::Double => Dtype::F64,
        Precision::Single => Dtype::F32,
    };
    let kernel = Kernel::from_graph(graph.clone(), &options.dtype(dtype)).expect("a kernel");
    let found = support::run(&kernel, columns, &[], rows, 1);
    found.columns.iter().map(|column| column.iter().map(|&bits| f64::from_bits(bits)).collect()).collect()
}

fn graph(text: &str, dtype: Dtype) -> Graph {
    let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    program
        .graph_for(&CompileOptions::default().dtype(dtype))
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The nearest binary64 number, nearly.
fn rough(x: &BigFloat) -> f64 {
    x.to_string().parse().expect("a decimal number")
}

/// The error in units in the last place of binary32.
fn single_error(found: f64, expected: f64) -> f64 {
    if expected.abs() > f64::from(f32::MAX) && found.is_infinite() && found.signum() == expected.signum() {
        return 0.0;
    }
    let exponent = expected.abs().log2().floor().max(-126.0);
    let error = (found - expected).abs() / 2f64.powf(exponent - 23.0);
    if error.is_nan() { f64::INFINITY } else { error }
}

fn samples() -> usize {
    std::env::var("NC_SAMPLES").map_or(300, |text| text.parse().expect("NC_SAMPLES is a number"))
}

#[test]
fn slopes_are_within_their_bounds() {
    let samples = samples();
    let mut failed = Vec::new();
    println!("| slope of | by | f64: bound | measured | f32: bound | measured | why above 2 |");
    println!("|---|---|---|---|---|---|---|");
    for row in rows() {
        let mut worst = vec![[(0.0, [0.0; 2]); 2]; row.slopes.len()];
        for (k, dtype) in [Dtype::F64, Dtype::F32].into_iter().enumerate() {
            let single = dtype == Dtype::F32;
            let primal = graph(row.text, dtype);
            let wrt: Vec<u32> = (0..row.slopes.len() as u32).collect();
            let derived = adjoint(&primal, Seeds::Elements, &wrt).expect("an adjoint");
            let rng = &mut Rng(5);
            let mut points: Vec<[f64; 2]> = Vec::new();
            while points.len() < samples {
                let at = row.ranges.map(|range| draw(range, rng, single));
                if (row.counts)(at[0], at[1]) && at[0] != 0.0 {
                    points.push(at);
                }
            }
            let columns: Vec<Vec<f64>> =
                (0..row.slopes.len()).map(|k| points.iter().map(|at| at[k]).collect()).collect();
            let found = evaluate(&derived, &columns, samples);
            let references = &mut Big::new();
            for (i, at) in points.iter().enumerate() {
                for (by, slope) in row.slopes.iter().enumerate() {
                    let reference = slope(references, &big(at[0]), &big(at[1]));
                    // At the end of a domain.
                    if reference.is_nan() || reference.is_inf() {
                        continue;
                    }
                    let found = found[1 + by][i];
                    let error = if single {
                        single_error(found, rough(&reference))
                    } else {
                        ulp_error(found, &Expected::Near(reference))
                    };
                    if error > worst[by][k].0 {
                        worst[by][k] = (error, *at);
                    }
                }
            }
        }
        for (by, worst) in worst.iter().enumerate() {
            let [(double, at), (single, at_single)] = *worst;
            println!(
                "| `{}` | {} | {} | {double:.3} | {} | {single:.3} | {} |",
                row.text,
                ["x", "y"][by],
                row.bounds[0],
                row.bounds[1],
                row.reason
            );
            if double > row.bounds[0] {
                failed.push(format!("{} by {by}: {double} ULP at {at:?}", row.text));
            }
            if single > row.bounds[1] {
                failed.push(format!("{} by {by}, binary32: {single} ULP at {at_single:?}", row.text));
            }
        }
        assert!(row.bounds.iter().all(|&bound| bound <= 2.0) || !row.reason.is_empty(), "{}", row.text);
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Slopes whose way used to leave the range of numbers, or that vanished there.
#[test]
fn slopes_at_the_ends_of_the_range() {
    let cases: &[(&str, &[f64], &[f64])] = &[
        ("(/ x y)", &[0.0, 1e-310], &[f64::INFINITY, -0.0]),
        ("(/ x y)", &[1e-320, 1e-310], &[f64::INFINITY, -9.99988867182683e299]),
        ("(/ x y)", &[4.0, 2.0], &[0.5, -1.0]),
        ("(hypot x y)", &[1.7e308, 1.7e308], &[0.7071067811865475, 0.7071067811865475]),
        ("(hypot x y)", &[f64::INFINITY, 3.0], &[1.0, 0.0]),
        ("(atan x y)", &[f64::INFINITY, 1e300], &[0.0, -0.0]),
        ("(atan x y)", &[1e300, f64::NEG_INFINITY], &[-0.0, -0.0]),
        ("(atan x)", &[1e160], &[1e-320]),
        ("(atan x)", &[f64::INFINITY], &[0.0]),
        // The slope is finite where the value has just become infinite.
        ("(exp2 x)", &[1024.3], &[1.5340670706977533e308]),
        ("(exp2 x)", &[1024.6], &[f64::INFINITY]),
        ("(exp2 x)", &[-1074.0], &[5e-324]),
        ("(pow x y)", &[1e-310, 1e-3], &[4.897788193684e306, -349.605]),
        ("(lead x y)", &[300.0, 1e-300], &[1.0, 5.148200222412014e-131]),
        ("(lex x y)", &[1e-20, 1.0], &[1e20, -1e20]),
        ("(lex x y)", &[800.0, 1e300], &[1.0, -0.0]),
        ("(lead x y)", &[-800.0, f64::INFINITY], &[0.0, 0.0]),
        ("(lead x y)", &[-2000.0, 0.0], &[1.0, f64::INFINITY]),
    ];
    for &(text, at, expected) in cases {
        let derived =
            adjoint(&graph(text, Dtype::F64), Seeds::Elements, &[0, 1][..at.len()]).expect("an adjoint");
        let columns: Vec<Vec<f64>> = at.iter().map(|&x| vec![x]).collect();
        let found: Vec<f64> = evaluate(&derived, &columns, 1).into_iter().skip(1).map(|c| c[0]).collect();
        for (found, expected) in found.iter().zip(expected) {
            let near =
                (found - expected).abs() <= 1e-3 * expected.abs() && found.signum() == expected.signum();
            assert!(
                near || found.to_bits() == expected.to_bits(),
                "{text} at {at:?}: {found:e} {expected:e}"
            );
        }
    }
}

/// Numbers where rules take another way: zeros, ones, integers, and those far from 1.
const SPECIAL: [f64; 24] = [
    0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 8.0, 9.0, 0.5, -0.5, 0.1, -0.7, 1e-3, 700.0, 1e-20, -1e-20,
    1e20, 1e60, 1e-60, -1e5, 0.25, 40.0,
];

/// Whether a number can be drawn.
fn within(range: Range, x: f64) -> bool {
    match range {
        Range::Real => true,
        Range::Positive => x > 0.0,
        Range::Between(low, high) => low <= x && x <= high,
    }
}

/// The derivative of the slope by operand `i` by operand `j`: a difference quotient with a step that leaves more than 60 bits of
/// it, which another step confirms. `None` where there is none.
fn second(row: &Row, b: &mut Big, at: [f64; 2], i: usize, j: usize) -> Option<f64> {
    let exact = at.map(big);
    let mut quotient = |size: f64, bits: i32| {
        let step = mul(&big(size), &big(2f64.powi(-bits)));
        let mut moved = |step: &BigFloat| {
            let mut at = exact.clone();
            at[j] = add(&at[j], step);
            (row.slopes[i])(b, &at[0], &at[1])
        };
        let (above, below) = (moved(&step), moved(&step.neg()));
        let quotient = div(&sub(&above, &below), &mul(&step, &big(2.0)));
        Some(quotient).filter(|x| !x.is_nan() && !x.is_inf()).map(|x| rough(&x)).filter(|x| x.is_finite())
    };
    // Small beside the operand, beside what it is from ±1, and beside the other one: beside the smallest of them first.
    let beside = if row.slopes.len() > 1 { at[1 - j].abs() } else { 0.0 };
    let mut sizes = [at[j].abs(), beside, (1.0 - at[j].abs()).abs(), 1.0];
    sizes.sort_by(f64::total_cmp);
    let mut found = None;
    // Of the places beside the operand enough bits are kept for the difference of their slopes to have more than binary64.
    let least = at[j].abs() * 2f64.powi(-56);
    for size in sizes.into_iter().filter(|&size| size > 0.0 && size >= least) {
        let (Some(one), Some(other)) = (quotient(size, 60), quotient(size, 70)) else { continue };
        if (one - other).abs() <= 2.0 * f64::EPSILON * one.abs() {
            if one != 0.0 {
                return Some(one);
            }
            // Nothing, or lost in the rounding of slopes.
            found = Some(one);
        }
    }
    found
}

/// Forward over reverse, forward over forward, in either order of the operands, and a reference that knows nothing of rules: on
/// a grid of special points, and at random.
#[test]
fn second_derivatives_agree_in_every_order() {
    let samples = samples();
    let (mut compared, mut worst, mut failed) = (0, (0.0, String::new()), Vec::new());
    for row in rows() {
        let n = row.slopes.len();
        let primal = graph(row.text, Dtype::F64);
        let (reverse, forward) = modes(&primal, n);
        let mut points: Vec<[f64; 2]> = Vec::new();
        for x in SPECIAL {
            let others = if n == 2 { &SPECIAL[..] } else { &[0.0] };
            points.extend(others.iter().map(|&y| [x, y]));
        }
        let rng = &mut Rng(9);
        points.extend((0..samples).map(|_| row.ranges.map(|range| draw(range, rng, false))));
        let moderate = |x: f64| x == 0.0 || (1e-70..1e70).contains(&x.abs());
        points.retain(|at| (0..n).all(|k| within(row.ranges[k], at[k]) && moderate(at[k])));
        let columns: Vec<Vec<f64>> = (0..n).map(|k| points.iter().map(|at| at[k]).collect()).collect();
        let (reverse, forward) =
            (evaluate(&reverse, &columns, points.len()), evaluate(&forward, &columns, points.len()));
        let b = &mut Big::new();
        for (p, at) in points.iter().enumerate() {
            // After the value and the gradient, by direction; and after the value and its tangents, those of all of them.
            let of_reverse = |i: usize, j: usize| reverse[1 + n + j * n + i][p];
            let of_forward = |i: usize, j: usize| forward[(1 + n) * (1 + j) + 1 + i][p];
            // References are as symmetric as what they are for, and take all the time. One of 0 may have been lost in rounding.
            let mut turned = None;
            for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                let slope = (row.slopes[i])(b, &big(at[0]), &big(at[1]));
                if slope.is_nan() || slope.is_inf() {
                    continue;
                }
                let known = if (i, j) == (1, 0) { turned } else { None };
                let Some(expected) = known.or_else(|| second(&row, b, *at, i, j)) else { continue };
                if (i, j) == (0, 1) && expected != 0.0 {
                    turned = Some(expected);
                }
                let size = rough(&slope).abs() / if at[j] == 0.0 { 1.0 } else { at[j].abs() };
                let scale = expected.abs() + size;
                if !(1e-250..1e250).contains(&scale) && scale != 0.0 {
                    continue;
                }
                compared += 1;
                let found = [of_reverse(i, j), of_reverse(j, i), of_forward(i, j), of_forward(j, i)];
                for (mode, found) in found.into_iter().enumerate() {
                    let error = (found - expected).abs() / (scale * f64::EPSILON);
                    let error = if found == expected { 0.0 } else { error };
                    let what = || {
                        let mode = ["reverse", "reverse, turned", "forward", "forward, turned"][mode];
                        format!("{} at {at:?}, {i} {j}, {mode}: {found:e}, not {expected:e}", row.text)
                    };
                    if (error.is_nan() || error > SECOND) && failed.len() < 40 {
                        failed.push(what());
                    }
                    if error > worst.0 {
                        worst = (error, what());
                    }
                }
            }
        }
    }
    println!("{compared} second derivatives; largest error {:.2} ε of their terms: {}", worst.0, worst.1);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(compared > 5000, "{compared}");
}

/// The largest error of a second derivative, in ε of its size and of that of the slope in proportion to the operand.
const SECOND: f64 = 16.0;

/// The values of `eml` and its relatives are within the bounds that follow from those of their parts: 1 ULP of each exponential, logarithm and
/// power and ½ ULP of what joins them; `lead` and `lex` as one operation.
#[test]
fn values_of_the_family_are_within_their_bounds() {
    let (e, l): (Slope, Slope) = (|b, x, _| exp(b, x), |b, _, y| ln(b, y));
    type Join = fn(&BigFloat, &BigFloat) -> BigFloat;
    let (plus, minus, times, over): (Join, Join, Join, Join) = (add, sub, mul, div);
    let swapped: Join = |x, y| sub(y, x);
    let (d, x, y): (Slope, Slope, Slope) =
        (|b, x, _| exp(b, &x.neg()), |_, x, _| x.clone(), |_, _, y| y.clone());
    let (of_y, of_x): (Slope, Slope) = (|b, _, y| exp(b, y), |b, x, _| ln(b, x));
    let power: Slope = |b, x, y| pow(b, y, x);
    let inverse: Slope = |b, x, y| pow(b, y, &x.neg());
    let (nothing, first): (Slope, Join) = (|_, _, _| one(), |x, _| x.clone());
    let log_of_sum: Slope = |b, x, y| {
        let sum = add(&exp(b, x), y);
        ln(b, &sum)
    };
    let log_of_difference: Slope = |b, x, y| {
        let difference = sub(&exp(b, x), y);
        ln(b, &difference)
    };
    let family: &[(&str, Slope, Slope, Join)] = &[
        ("eml", e, l, minus),
        ("emn", e, l, swapped),
        ("deml", d, l, minus),
        ("demn", d, l, swapped),
        ("eal", e, l, plus),
        ("deal", d, l, plus),
        ("exl", e, l, times),
        ("dexl", d, l, times),
        ("edl", e, l, over),
        ("dedl", d, l, over),
        ("epl", power, nothing, first),
        ("depl", inverse, nothing, first),
        ("lead", log_of_sum, nothing, first),
        ("elad", e, y, times),
        ("elsb", e, y, over),
        ("lex", log_of_difference, nothing, first),
        ("lediv", x, l, minus),
        ("leprod", x, l, plus),
        ("eem", e, of_y, times),
        ("eed", e, of_y, over),
        ("ees", e, of_y, minus),
        ("eea", e, of_y, plus),
        ("lla", of_x, l, plus),
        ("lls", of_x, l, minus),
        ("lld", of_x, l, over),
    ];
    let names: BTreeSet<&str> = family.iter().map(|row| row.0).collect();
    let all = Primitive::all().filter(|primitive| primitive.info().family == "eml");
    assert_eq!(names, all.map(Primitive::name).collect());
    for &(name, left, right, join) in family {
        let text = format!("({name} x y)");
        let graph = graph(&text, Dtype::F64);
        let (b, rng) = (&mut Big::new(), &mut Rng(17));
        let mut constants = Constants::of_program("");
        let (mut compared, mut worst) = (0, 0f64);
        for _ in 0..samples() {
            let x = match rng.below(3) {
                0 => rng.uniform(-300.0, 300.0),
                1 => rng.uniform(0.01, 3.0),
                _ => 2f64.powf(rng.uniform(-60.0, 5.0)),
            };
            let y = match rng.below(3) {
                0 => rng.uniform(0.01, 3.0),
                1 => 2f64.powf(rng.uniform(-60.0, 9.0)),
                _ => 1.0,
            };
            if (name.starts_with("ll") && x <= 0.0)
                || (name == "lex" && x.exp() * (1.0 - 1e-9) <= y && !(y == 1.0 && x > 0.0))
            {
                continue;
            }
            let (big_x, big_y) = (big(x), big(y));
            let (left, right) = (left(b, &big_x, &big_y), right(b, &big_x, &big_y));
            let reference = join(&left, &right);
            let expected = rough(&reference);
            if !(1e-290..1e290).contains(&expected.abs()) {
                continue;
            }
            let found = outputs(&graph, &[x, y], &mut constants)[0];
            let error = ulp_error(found.value, &Expected::Near(reference)) * ulp(expected);
            let ratio = error / (found.error + half_ulp(expected));
            assert!(
                ratio <= 1.01,
                "{text} at {x:e} {y:e}: {:e}, not {expected:e}: {ratio} times its bound",
                found.value
            );
            (compared, worst) = (compared + 1, worst.max(ratio));
        }
        println!("{text}: at most {worst:.2} of its bound, {compared} points");
        assert!(compared * 4 >= samples(), "{text}: {compared}");
    }
}

/// Every elementwise operation with a slope stands in the table, or here with the reason.
#[test]
fn every_slope_is_measured() {
    const ABSENT: &[(&str, &str)] = &[
        ("abs", "the sign, exactly"),
        ("copysign", "a product of two signs, exactly"),
        ("min", "1, 0 or one half, exactly"),
        ("max", "1, 0 or one half, exactly"),
    ];
    let measured: BTreeSet<&str> = rows().iter().flat_map(|row| row.ops).map(|op| op.info().name).collect();
    for op in Op::ALL.iter().filter(|op| matches!(op.family(), "arithmetic" | "elementary" | "special")) {
        let name = op.info().name;
        let listed = ABSENT.iter().any(|(absent, _)| *absent == name);
        // What derivatives are made of is measured as what it is the slope of; of its own slopes, second derivatives are made.
        let within = name.ends_with("-slope") || name.contains("-by-");
        let within = within
            || name.ends_with("-over")
            || ["direction", "over-square"].contains(&name)
            || op.info().derivative == "0";
        assert!(measured.contains(name) != (listed || within), "{name}");
    }
}

/// The Hessian as the tangent of the adjoint, and as the tangent of the tangent.
fn modes(primal: &Graph, n: usize) -> (Graph, Graph) {
    let options = CompileOptions::default().tier(Tier::Interpret).derivative(Derivative::Hessian);
    let reverse = derived(primal, &options).expect("a Hessian");
    let directions: Vec<Direction> =
        (0..n as u32).map(|input| Direction::Element { input, element: 0 }).collect();
    let once = tangent(primal, &directions).expect("a tangent");
    (reverse, tangent(&once, &directions).expect("a tangent"))
}
