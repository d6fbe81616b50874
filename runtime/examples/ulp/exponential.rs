//! Exponentials, logarithms, powers and hyperbolic functions.

use crate::support::{Big, Direction, Expected, Kind, PRECISION, RM, Rng, Row, big, neighbour};
use astro_float::BigFloat;
use nc_runtime::lanes::Scalar;
use nc_runtime::recipes::{cbrt, exp, hyperbolic, log, pow};
use std::f64::consts::LN_2;

const INF: f64 = f64::INFINITY;
const ALL: (f64, f64, Direction) = (-INF, INF, Direction::Up);
const POSITIVE: (f64, f64, Direction) = (0.0, INF, Direction::Up);

fn one(
    name: &'static str,
    recipe: fn(f64) -> f64,
    reference: fn(&mut Big, f64) -> Expected,
    domain: (f64, f64),
    dense: &[(f64, f64)],
    seams: Vec<f64>,
    monotone: &[(f64, f64, Direction)],
) -> Row {
    let kind =
        Kind::One { recipe, reference, domain, dense: dense.to_vec(), seams, monotone: monotone.to_vec() };
    Row { name, kind }
}

/// The rows of this family.
pub fn rows() -> Vec<Row> {
    // Where the nearest multiple of ln 2 changes, and where results overflow, become subnormal or vanish.
    let chosen = |n: &i32| n.abs() < 64 || n % 13 == 0 || n.abs() > 1018;
    let mut halves: Vec<f64> = (-1080..1030).filter(chosen).map(|n| (f64::from(n) + 0.5) * LN_2).collect();
    halves.extend([
        709.782712893384,
        -708.3964185322641,
        -745.1332191019411,
        -744.4400719213812,
        1000.0,
        -1000.0,
    ]);
    halves.extend([40.0, -40.0, 710.6, 710.4758600739439, 1e-16, 2f64.powi(-54), -(2f64.powi(-54))]);
    halves.extend([3.725290298461914e-9, -3.725290298461914e-9, 20.0, 22.0, -22.0, 18.7, 19.06, 1e-8]);
    halves.sort_by(f64::total_cmp);
    let doubled =
        halves.iter().filter(|x| x.abs() < 46.0).map(|x| x / 2.0).chain([22.0, -22.0, 1e-8]).collect();
    let mut steps: Vec<f64> = (-1080..1030).filter(chosen).map(|n| f64::from(n) + 0.5).collect();
    steps.extend([1024.0, -1022.0, -1074.0, -1075.0, 1200.0, -1200.0]);
    let cuts: Vec<f64> = (-1074..1024)
        .filter(|n: &i32| n.abs() < 10 || n % 13 == 0 || (1018..1080).contains(&n.abs()))
        .flat_map(|n| {
            let power = 2f64.powi(n / 2) * 2f64.powi(n - n / 2);
            // The high bits of √½ are where mantissas are cut.
            [power, power * f64::from_bits(0x3ff6_a09e << 32), power * 1.5]
        })
        .collect();
    let cuts_at_one: Vec<f64> = cuts
        .iter()
        .map(|x| x - 1.0)
        .chain([1e-300, -1e-300, 1e-16, -1e-16, -0.999999999, -1.0])
        .filter(|x| *x > -2.0)
        .collect();
    vec![
        one(
            "exp",
            |x| exp::exp(&Scalar::new(), x),
            exp_reference,
            (-750.0, 715.0),
            &[(-1.0, 1.0), (-20.0, 20.0), (-746.0, 710.0), (-745.2, -707.0)],
            halves.clone(),
            &[ALL],
        ),
        one(
            "exp2",
            |x| exp::exp2(&Scalar::new(), x),
            exp2_reference,
            (-1080.0, 1030.0),
            &[(-1.0, 1.0), (-20.0, 20.0), (-1076.0, 1025.0), (-1076.0, -1021.0)],
            steps,
            &[ALL],
        ),
        one(
            "expm1",
            |x| exp::expm1(&Scalar::new(), x),
            expm1_reference,
            (-60.0, 715.0),
            &[(-1.0, 1.0), (-3.0, 3.0), (-0.4, 0.4), (-40.0, 40.0), (-1.0, 710.0)],
            halves.clone(),
            &[ALL],
        ),
        one(
            "log",
            |x| log::log(&Scalar::new(), x),
            |b, x| log_reference(b, x, |x, b| x.ln(PRECISION, RM, &mut b.cc)),
            (0.0, f64::MAX),
            &[(0.4, 2.5), (0.9, 1.1), (0.0, 100.0), (0.68, 0.73), (1.38, 1.44)],
            cuts.clone(),
            &[POSITIVE],
        ),
        one(
            "log2",
            |x| log::log2(&Scalar::new(), x),
            |b, x| log_reference(b, x, |x, b| x.log2(PRECISION, RM, &mut b.cc)),
            (0.0, f64::MAX),
            &[(0.4, 2.5), (0.9, 1.1), (0.0, 100.0), (0.68, 0.73), (1.38, 1.44)],
            cuts.clone(),
            &[POSITIVE],
        ),
        one(
            "log10",
            |x| log::log10(&Scalar::new(), x),
            |b, x| log_reference(b, x, |x, b| x.log10(PRECISION, RM, &mut b.cc)),
            (0.0, f64::MAX),
            &[(0.4, 2.5), (0.9, 1.1), (0.0, 100.0), (0.68, 0.73), (1.38, 1.44)],
            cuts.clone(),
            &[POSITIVE],
        ),
        one(
            "log1p",
            |x| log::log1p(&Scalar::new(), x),
            log1p_reference,
            (-1.0, f64::MAX),
            &[(-0.5, 1.0), (-0.1, 0.1), (-1.0, 10.0), (0.38, 0.44), (-0.32, -0.27), (0.0, 1e6)],
            cuts_at_one,
            &[(-1.0, INF, Direction::Up)],
        ),
        one(
            "sinh",
            |x| hyperbolic::sinh(&Scalar::new(), x),
            |b, x| odd_reference(b, x, 711.0, INF, |b, x| hyperbolic_reference(b, x).0),
            (-712.0, 712.0),
            &[(-1.0, 1.0), (-3.0, 3.0), (-30.0, 30.0), (-711.0, 711.0)],
            halves.clone(),
            &[ALL],
        ),
        one(
            "cosh",
            |x| hyperbolic::cosh(&Scalar::new(), x),
            |b, x| match x {
                x if x.is_nan() => Expected::Exactly(x),
                x if x.abs() > 711.0 => Expected::Exactly(INF),
                x => Expected::Near(hyperbolic_reference(b, x.abs()).1),
            },
            (-712.0, 712.0),
            &[(-1.0, 1.0), (-3.0, 3.0), (-30.0, 30.0), (-711.0, 711.0)],
            halves,
            &[(0.0, INF, Direction::Up), (-INF, 0.0, Direction::Down)],
        ),
        one(
            "tanh",
            |x| hyperbolic::tanh(&Scalar::new(), x),
            |b, x| {
                odd_reference(b, x, 40.0, 1.0, |b, x| {
                    let (sinh, cosh) = hyperbolic_reference(b, x);
                    sinh.div(&cosh, PRECISION, RM)
                })
            },
            (-50.0, 50.0),
            &[(-1.0, 1.0), (-3.0, 3.0), (-20.0, 20.0)],
            doubled,
            &[ALL],
        ),
        one(
            "asinh",
            |x| hyperbolic::asinh(&Scalar::new(), x),
            |b, x| {
                odd_reference(b, x, f64::MAX, INF, |b, x| {
                    let x = big(x);
                    if x.exponent().is_some_and(|e| e < -60) {
                        return x;
                    }
                    let square = x.mul(&x, 2 * PRECISION, RM);
                    let root = big(1.0).add(&square, 2 * PRECISION, RM).sqrt(2 * PRECISION, RM);
                    x.add(&root, 2 * PRECISION, RM).ln(PRECISION, RM, &mut b.cc)
                })
            },
            (f64::MIN, f64::MAX),
            &[(-1.0, 1.0), (0.0, 1e-3), (0.2, 0.8), (-30.0, 30.0), (1e8, 1e9)],
            vec![0.0, 2f64.powi(-27), 0.3535533905932738, 0.75, 1.0, 2f64.powi(28), 1e300],
            &[ALL],
        ),
        one(
            "acosh",
            |x| hyperbolic::acosh(&Scalar::new(), x),
            |b, x| match x {
                x if x.is_nan() || x < 1.0 => Expected::Exactly(f64::NAN),
                1.0 => Expected::Exactly(0.0),
                INF => Expected::Exactly(INF),
                x => {
                    let x = big(x);
                    let square = x.mul(&x, 2 * PRECISION, RM);
                    let root = square.sub(&big(1.0), 2 * PRECISION, RM).sqrt(2 * PRECISION, RM);
                    Expected::Near(x.add(&root, 2 * PRECISION, RM).ln(PRECISION, RM, &mut b.cc))
                }
            },
            (1.0, f64::MAX),
            &[(1.0, 1.0001), (1.0, 2.0), (1.0, 30.0), (1e8, 1e9)],
            vec![1.0, 1.0 + 2f64.powi(-30), 1.25, 2f64.sqrt(), 2f64.powi(28), 1e300],
            &[(1.0, INF, Direction::Up)],
        ),
        one(
            "atanh",
            |x| hyperbolic::atanh(&Scalar::new(), x),
            |b, x| {
                if x.is_nan() || x.abs() > 1.0 {
                    return Expected::Exactly(f64::NAN);
                }
                odd_reference(b, x, 1.0f64.next_down(), INF, |b, x| {
                    let x = big(x);
                    if x.exponent().is_some_and(|e| e < -60) {
                        return x;
                    }
                    let (above, below) =
                        (big(1.0).add(&x, 2 * PRECISION, RM), big(1.0).sub(&x, 2 * PRECISION, RM));
                    let ratio = above.div(&below, 2 * PRECISION, RM);
                    ratio.ln(2 * PRECISION, RM, &mut b.cc).mul(&big(0.5), PRECISION, RM)
                })
            },
            (-1.0, 1.0),
            &[(-1.0, 1.0), (0.0, 1e-3), (0.15, 0.4), (0.99, 1.0)],
            vec![0.0, 2f64.powi(-27), 0.17157287525380988, 0.3333333333333333, 0.5, 1.0],
            &[(-1.0, 1.0, Direction::Up)],
        ),
        one(
            "cbrt",
            |x| cbrt::cbrt(&Scalar::new(), x),
            |b, x| odd_reference(b, x, f64::MAX, INF, |_, x| big(x).cbrt(PRECISION, RM)),
            (f64::MIN, f64::MAX),
            &[(-1.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (-1000.0, 1000.0)],
            cuts,
            &[ALL],
        ),
        pow_row("pow", draw_general),
        pow_row("pow-small", draw_small),
        pow_row("pow-range", draw_range),
        log_base_row(),
    ]
}

/// The logarithm to any base, by the quotient of both.
pub fn log_base_row() -> Row {
    let kind = Kind::Two {
        recipe: |x, b| log::log_base(&Scalar::new(), x, b),
        reference: log_base_reference,
        draw: draw_log_base,
    };
    Row { name: "log_base", kind }
}

fn draw_log_base(rng: &mut Rng) -> (f64, f64) {
    let mut draw = || match rng.below(4) {
        0 => rng.uniform(0.9, 1.1),
        1 => rng.uniform(0.3, 30.0),
        2 => 1.0 + rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(52) as i32)),
        _ => rng.number(0.0, f64::MAX),
    };
    (draw(), draw())
}

fn log_base_reference(b: &mut Big, x: f64, base: f64) -> Expected {
    if x.is_nan() || base.is_nan() || x < 0.0 || base < 0.0 {
        return Expected::Exactly(f64::NAN);
    }
    let usual = |x: f64| x > 0.0 && x < INF && x != 1.0;
    if !usual(x) || !usual(base) {
        return Expected::Exactly(x.ln() / base.ln());
    }
    let mut ln = |x: f64| big(x).ln(2 * PRECISION, RM, &mut b.cc);
    Expected::Near(ln(x).div(&ln(base), PRECISION, RM))
}

fn pow_row(name: &'static str, draw: fn(&mut Rng) -> (f64, f64)) -> Row {
    let kind = Kind::Two { recipe: |x, y| pow::pow(&Scalar::new(), x, y), reference: pow_reference, draw };
    Row { name, kind }
}

/// Any base and any exponent that neither overflows nor vanishes by much, bases near 1 among them.
fn draw_general(rng: &mut Rng) -> (f64, f64) {
    let x = match rng.below(4) {
        0 => rng.uniform(0.9, 1.1),
        1 => rng.uniform(0.3, 3.0),
        2 => 1.0 + rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(52) as i32)),
        _ => rng.number(0.0, f64::MAX),
    };
    // A result anywhere, but with a preference for large logarithms, where errors of the logarithm weigh most.
    let log = if rng.below(2) == 0 { rng.uniform(-746.0, 710.0) } else { rng.uniform(-10.0, 10.0) };
    (x, log / x.ln())
}

/// Integers and halves.
fn draw_small(rng: &mut Rng) -> (f64, f64) {
    let y = if rng.below(20) == 0 { 0.5 } else { rng.below(41) as f64 - 20.0 };
    let span = 2f64.powf(1080.0 / y.abs().max(1.5));
    let x = match rng.below(3) {
        0 => rng.uniform(-3.0, 3.0),
        1 => rng.number(1.0 / span, span),
        _ => -rng.number(1.0 / span, span),
    };
    (x, y)
}

/// Results around the ends of the range.
fn draw_range(rng: &mut Rng) -> (f64, f64) {
    let y = match rng.below(3) {
        0 => rng.below(17) as f64 - 8.0,
        1 => rng.uniform(-50.0, 50.0),
        _ => rng.below(100) as f64 + 0.5,
    };
    let log = match rng.below(4) {
        0 => 1024.0,
        1 => -1022.0,
        2 => -1074.0,
        _ => rng.uniform(-1076.0, -1020.0),
    };
    let x = 2f64.powf((log + rng.uniform(-0.01, 0.01)) / y);
    (neighbour(x, rng.below(5) as i64 - 2), y)
}

/// The special values of C, and `exp(y log |x|)` at a higher precision.
pub fn pow_reference(b: &mut Big, x: f64, y: f64) -> Expected {
    let integer = y.is_infinite() || y.floor() == y;
    let odd = y.abs() < 9007199254740992.0 && integer && y % 2.0 != 0.0;
    let signed = |value: f64| Expected::Exactly(if odd { value.copysign(x) } else { value });
    let a = x.abs();
    if y == 0.0 || x == 1.0 || x == -1.0 && y.is_infinite() {
        return Expected::Exactly(1.0);
    }
    if x.is_nan() || y.is_nan() || x < 0.0 && a < INF && !integer {
        return Expected::Exactly(f64::NAN);
    }
    if a == 1.0 {
        return signed(1.0);
    }
    if x == 0.0 || a == INF || y.is_infinite() {
        return signed(if (a > 1.0) == (y > 0.0) { INF } else { 0.0 });
    }
    // Contracts on single exponents: one rounding.
    match y {
        2.0 => return Expected::Exactly(x * x),
        1.0 => return Expected::Exactly(x),
        -1.0 => return Expected::Exactly(1.0 / x),
        0.5 => return Expected::Exactly(x.sqrt()),
        _ => {}
    }
    let log = big(a).ln(PRECISION, RM, &mut b.cc).mul(&big(y), PRECISION, RM);
    // 2^11 is beyond any result.
    if log.exponent().is_some_and(|e| e > 11) {
        return signed(if log.is_positive() { INF } else { 0.0 });
    }
    let value = log.exp(PRECISION, RM, &mut b.cc);
    Expected::Near(if odd && x < 0.0 { value.neg() } else { value })
}

fn exp_reference(b: &mut Big, x: f64) -> Expected {
    match x {
        x if x.is_nan() => Expected::Exactly(x),
        0.0 => Expected::Exactly(1.0),
        x if x > 720.0 => Expected::Exactly(INF),
        x if x < -760.0 => Expected::Exactly(0.0),
        x => Expected::Near(big(x).exp(PRECISION, RM, &mut b.cc)),
    }
}

fn exp2_reference(b: &mut Big, x: f64) -> Expected {
    match x {
        x if x.is_nan() => Expected::Exactly(x),
        x if x > 1030.0 => Expected::Exactly(INF),
        x if x < -1080.0 => Expected::Exactly(0.0),
        x if x.floor() == x && (-1074.0..1024.0).contains(&x) => {
            let half = (x / 2.0).floor();
            Expected::Exactly(2f64.powi(half as i32) * 2f64.powi((x - half) as i32))
        }
        x => Expected::Near(big(2.0).pow(&big(x), PRECISION, RM, &mut b.cc)),
    }
}

/// `x + x²/2 + x³/6`, for `x` so small that the rest does not count.
fn small(x: f64, square: f64, cube: f64) -> BigFloat {
    let x = big(x);
    let p = big(1.0).div(&big(cube), PRECISION, RM).mul(&x, PRECISION, RM);
    let p = p.add(&big(1.0).div(&big(square), PRECISION, RM), PRECISION, RM).mul(&x, PRECISION, RM);
    p.add(&big(1.0), PRECISION, RM).mul(&x, PRECISION, RM)
}

fn expm1_reference(b: &mut Big, x: f64) -> Expected {
    match x {
        x if x.is_nan() || x == 0.0 => Expected::Exactly(x),
        x if x > 720.0 => Expected::Exactly(INF),
        x if x < -760.0 => Expected::Exactly(-1.0),
        x if x.abs() < 2f64.powi(-40) => Expected::Near(small(x, 2.0, 6.0)),
        x => Expected::Near(big(x).exp(PRECISION, RM, &mut b.cc).sub(&big(1.0), PRECISION, RM)),
    }
}

fn log_reference(b: &mut Big, x: f64, log: fn(&BigFloat, &mut Big) -> BigFloat) -> Expected {
    match x {
        x if x.is_nan() || x < 0.0 => Expected::Exactly(f64::NAN),
        0.0 => Expected::Exactly(-INF),
        INF => Expected::Exactly(INF),
        1.0 => Expected::Exactly(0.0),
        x => Expected::Near(log(&big(x), b)),
    }
}

fn log1p_reference(b: &mut Big, x: f64) -> Expected {
    match x {
        0.0 => Expected::Exactly(x),
        x if x.abs() < 2f64.powi(-40) => Expected::Near(small(x, -2.0, 3.0)),
        x if x.is_nan() || x <= -1.0 || x == INF => log_reference(b, 1.0 + x, |_, _| big(0.0)),
        // Exact: 53 bits of x, 1100 bits apart from 1 at most.
        x => Expected::Near(big(x).add(&big(1.0), 1280, RM).ln(PRECISION, RM, &mut b.cc)),
    }
}

/// sinh and cosh of `a > 0`.
fn hyperbolic_reference(b: &mut Big, a: f64) -> (BigFloat, BigFloat) {
    let x = big(a);
    let e = x.exp(PRECISION, RM, &mut b.cc);
    let inverse = big(1.0).div(&e, PRECISION, RM);
    let half = big(0.5);
    let cosh = e.add(&inverse, PRECISION, RM).mul(&half, PRECISION, RM);
    let sinh = if a < 2f64.powi(-30) {
        let square = x.mul(&x, PRECISION, RM).div(&big(6.0), PRECISION, RM);
        x.add(&x.mul(&square, PRECISION, RM), PRECISION, RM)
    } else {
        e.sub(&inverse, PRECISION, RM).mul(&half, PRECISION, RM)
    };
    (sinh, cosh)
}

/// An odd function that is `limit` beyond `end`.
fn odd_reference(
    b: &mut Big,
    x: f64,
    end: f64,
    limit: f64,
    positive: fn(&mut Big, f64) -> BigFloat,
) -> Expected {
    if x.is_nan() || x == 0.0 {
        return Expected::Exactly(x);
    }
    if x.abs() > end {
        return Expected::Exactly(limit.copysign(x));
    }
    let value = positive(b, x.abs());
    Expected::Near(if x < 0.0 { value.neg() } else { value })
}
