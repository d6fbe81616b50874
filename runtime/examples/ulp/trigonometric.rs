//! Trigonometric functions and their inverses, length, error function, remainders.

use crate::support::{Big, Direction, Expected, Kind, PRECISION, RM, Rng, Row, big, from_ordinal, ordinal};
use astro_float::BigFloat;
use nc_runtime::lanes::Scalar;
use nc_runtime::recipes::{erf, full_range, hypot, inverse};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// The rows of this family.
pub fn rows() -> Vec<Row> {
    let periodic = |name, recipe, reference, monotone| Row {
        name,
        kind: Kind::One {
            recipe,
            reference,
            domain: (-f64::MAX, f64::MAX),
            dense: vec![(-FRAC_PI_4, FRAC_PI_4), (-PI, PI), (-100.0, 100.0), (-3.4e7, 3.4e7), (-7e7, 7e7)],
            seams: reduction_seams(),
            monotone,
        },
    };
    vec![
        periodic(
            "sin",
            full_range::sin as fn(f64) -> f64,
            reference_sin as fn(&mut Big, f64) -> Expected,
            vec![
                (-FRAC_PI_2, FRAC_PI_2, Direction::Up),
                (FRAC_PI_2 + 1e-9, 3.0 * FRAC_PI_2 - 1e-9, Direction::Down),
                (7.0 * FRAC_PI_2 + 1e-9, 9.0 * FRAC_PI_2 - 1e-9, Direction::Up),
            ],
        ),
        periodic(
            "cos",
            full_range::cos,
            reference_cos,
            vec![
                (0.0, PI - 1e-9, Direction::Down),
                (-PI + 1e-9, 0.0, Direction::Up),
                (5.0 * PI + 1e-9, 6.0 * PI - 1e-9, Direction::Up),
            ],
        ),
        periodic(
            "tan",
            full_range::tan,
            reference_tan,
            vec![
                (-FRAC_PI_2, FRAC_PI_2, Direction::Up),
                (FRAC_PI_2 + 1e-9, 3.0 * FRAC_PI_2 - 1e-9, Direction::Up),
                (7.0 * FRAC_PI_2 + 1e-9, 9.0 * FRAC_PI_2 - 1e-9, Direction::Up),
            ],
        ),
        Row {
            name: "asin",
            kind: Kind::One {
                recipe: |x| inverse::asin(&Scalar::new(), x),
                reference: |references, x| {
                    if x == 0.0 || x.is_nan() || x.abs() > 1.0 {
                        return Expected::Exactly(if x == 0.0 { x } else { f64::NAN });
                    }
                    tiny_or(x, |x| x.asin(PRECISION, RM, &mut references.cc), x)
                },
                domain: (-1.0, 1.0),
                dense: vec![(-1.0, 1.0), (0.45, 0.55), (0.99, 1.0)],
                seams: vec![0.5, -0.5, 1.0, -1.0, 0.25, 0.0],
                monotone: vec![(-1.0, 1.0, Direction::Up)],
            },
        },
        Row {
            name: "acos",
            kind: Kind::One {
                recipe: |x| inverse::acos(&Scalar::new(), x),
                reference: |references, x| {
                    if x == 1.0 || x.is_nan() || x.abs() > 1.0 {
                        return Expected::Exactly(if x == 1.0 { 0.0 } else { f64::NAN });
                    }
                    if x.abs() < 1e-30 {
                        return Expected::Near(half_pi(references));
                    }
                    Expected::Near(big(x).acos(PRECISION, RM, &mut references.cc))
                },
                domain: (-1.0, 1.0),
                dense: vec![(-1.0, 1.0), (0.45, 0.55), (0.99, 1.0)],
                seams: vec![0.5, -0.5, 1.0, -1.0, 0.0],
                monotone: vec![(-1.0, 1.0, Direction::Down)],
            },
        },
        Row {
            name: "atan",
            kind: Kind::One {
                recipe: |x| inverse::atan(&Scalar::new(), x),
                reference: |references, x| {
                    if x == 0.0 || x.is_nan() {
                        return Expected::Exactly(x);
                    }
                    if x.abs() > 1e40 {
                        let mut angle = half_pi(references);
                        angle.set_sign(if x < 0.0 { astro_float::Sign::Neg } else { astro_float::Sign::Pos });
                        return Expected::Near(angle);
                    }
                    tiny_or(x, |x| x.atan(PRECISION, RM, &mut references.cc), x)
                },
                domain: (-f64::MAX, f64::MAX),
                dense: vec![(-1.0, 1.0), (-4.0, 4.0), (0.45, 0.55), (-100.0, 100.0)],
                seams: vec![1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 18_446_744_073_709_551_616.0, 0.0],
                monotone: vec![(-f64::MAX, f64::MAX, Direction::Up)],
            },
        },
        Row {
            name: "atan2",
            kind: Kind::Two {
                recipe: |y, x| inverse::atan2(&Scalar::new(), y, x),
                reference: reference_atan2,
                draw: draw_plane,
            },
        },
        Row {
            name: "hypot",
            kind: Kind::Two {
                recipe: |x, y| hypot::hypot(&Scalar::new(), x, y),
                reference: |_, x, y| {
                    if x.is_infinite() || y.is_infinite() {
                        return Expected::Exactly(f64::INFINITY);
                    }
                    if x.is_nan() || y.is_nan() {
                        return Expected::Exactly(f64::NAN);
                    }
                    if x == 0.0 || y == 0.0 {
                        return Expected::Exactly(x.abs() + y.abs());
                    }
                    let (x, y) = (big(x), big(y));
                    let sum =
                        x.mul(&x, 4 * PRECISION, RM).add(&y.mul(&y, 4 * PRECISION, RM), 4 * PRECISION, RM);
                    Expected::Near(sum.sqrt(PRECISION, RM))
                },
                draw: draw_plane,
            },
        },
        Row {
            name: "erf",
            kind: Kind::One {
                recipe: |x| erf::erf(&Scalar::new(), x),
                reference: reference_erf,
                domain: (-f64::MAX, f64::MAX),
                dense: vec![(-6.5, 6.5), (-1.0, 1.0), (0.1, 0.3)],
                seams: (0..16).map(|k| (f64::from(k) + 0.5) * 0.3828125).chain([0.0, 5.93]).collect(),
                monotone: vec![(-f64::MAX, f64::MAX, Direction::Up), (-7.0, 7.0, Direction::Up)],
            },
        },
        Row {
            name: "fmod",
            kind: Kind::Two {
                recipe: full_range::fmod,
                reference: |_, x, y| Expected::Exactly(x % y),
                draw: draw_quotient,
            },
        },
        Row {
            name: "modulo",
            kind: Kind::Two {
                recipe: full_range::modulo,
                reference: |_, x, y| {
                    let r = x % y;
                    let differ = r != 0.0 && r.is_sign_negative() != y.is_sign_negative();
                    Expected::Exactly(if differ { r + y } else { r })
                },
                draw: draw_quotient,
            },
        },
        Row {
            name: "quotient",
            kind: Kind::Two {
                recipe: full_range::quotient,
                reference: reference_quotient,
                draw: draw_quotient,
            },
        },
    ]
}

/// Neighbourhoods where the nearest multiple of π/2 changes, and of multiples of π/2, some far away.
fn reduction_seams() -> Vec<f64> {
    let mut seams = vec![0.0, 67_108_864.0, -67_108_864.0];
    for n in (1..40).chain([1 << 20, 9_206_271, 21_360_709, 42_000_001, 42_721_357, 42_721_358]) {
        seams.extend([f64::from(n) * FRAC_PI_4, -f64::from(n) * FRAC_PI_4]);
    }
    // Near multiples of π/2: Muller's worst case over all of binary64, and the worst up to 2^26.
    seams.extend([5.319_372_648_326_541e255, 6_381_956_970_095_103.0 * 2f64.powi(797), 45.553_093_477_052]);
    seams.push(14_461_176.670_278_38);
    seams
}

/// The argument where the function is `x·(1 + O(x²))` and small, else the function.
fn tiny_or(x: f64, function: impl FnOnce(BigFloat) -> BigFloat, tiny: f64) -> Expected {
    Expected::Near(if x.abs() < 2f64.powi(-60) { big(tiny) } else { function(big(x)) })
}

fn half_pi(references: &mut Big) -> BigFloat {
    let mut pi = references.cc.pi(PRECISION, RM);
    pi.set_exponent(1);
    pi
}

fn reference_sin(references: &mut Big, x: f64) -> Expected {
    match x {
        _ if !x.is_finite() => Expected::Exactly(f64::NAN),
        0.0 => Expected::Exactly(x),
        _ => tiny_or(x, |x| x.sin(PRECISION, RM, &mut references.cc), x),
    }
}

fn reference_cos(references: &mut Big, x: f64) -> Expected {
    match x {
        _ if !x.is_finite() => Expected::Exactly(f64::NAN),
        0.0 => Expected::Exactly(1.0),
        _ => tiny_or(x, |x| x.cos(PRECISION, RM, &mut references.cc), 1.0),
    }
}

fn reference_tan(references: &mut Big, x: f64) -> Expected {
    match x {
        _ if !x.is_finite() => Expected::Exactly(f64::NAN),
        0.0 => Expected::Exactly(x),
        _ => tiny_or(x, |x| x.tan(PRECISION, RM, &mut references.cc), x),
    }
}

fn reference_atan2(references: &mut Big, y: f64, x: f64) -> Expected {
    if y.is_nan() || x.is_nan() {
        return Expected::Exactly(f64::NAN);
    }
    let special = if y == 0.0 {
        Some(if x.is_sign_negative() { PI } else { 0.0 })
    } else if y.is_infinite() {
        Some(match x {
            f64::INFINITY => FRAC_PI_4,
            f64::NEG_INFINITY => 3.0 * FRAC_PI_4,
            _ => FRAC_PI_2,
        })
    } else if x.is_infinite() {
        Some(if x < 0.0 { PI } else { 0.0 })
    } else if x == 0.0 {
        Some(FRAC_PI_2)
    } else {
        None
    };
    if let Some(angle) = special {
        return Expected::Exactly(angle.copysign(y));
    }
    let ratio = big(y.abs()).div(&big(x.abs()), PRECISION, RM);
    let exponent = ratio.exponent().expect("the ratio is finite");
    let mut angle = if exponent < -200 {
        ratio
    } else if exponent > 200 {
        half_pi(references)
    } else {
        ratio.atan(PRECISION, RM, &mut references.cc)
    };
    if x < 0.0 {
        let mut pi = half_pi(references);
        pi.set_exponent(2);
        angle = pi.sub(&angle, PRECISION, RM);
    }
    if y < 0.0 {
        angle.set_sign(astro_float::Sign::Neg);
    }
    Expected::Near(angle)
}

/// `2/√π · exp(−x²) · Σ 2^n·x^(2n+1) / (1·3·…·(2n+1))`: all terms are positive.
fn reference_erf(references: &mut Big, x: f64) -> Expected {
    if x == 0.0 || x.is_nan() {
        return Expected::Exactly(x);
    }
    if x.abs() > 7.0 {
        return Expected::Exactly(1f64.copysign(x));
    }
    let mut slope = BigFloat::from_f64(2.0, PRECISION);
    slope = slope.div(&references.cc.pi(PRECISION, RM).sqrt(PRECISION, RM), PRECISION, RM);
    if x.abs() < 2f64.powi(-60) {
        return Expected::Near(big(x).mul(&slope, PRECISION, RM));
    }
    let x = big(x);
    let square = x.mul(&x, PRECISION, RM);
    let twice = square.mul(&big(2.0), PRECISION, RM);
    let mut term = x.clone();
    let mut sum = x.clone();
    for n in 1..1000 {
        term = term.mul(&twice, PRECISION, RM).div(&big(f64::from(2 * n + 1)), PRECISION, RM);
        sum = sum.add(&term, PRECISION, RM);
        if term.exponent() < sum.exponent().map(|e| e - 120) {
            break;
        }
    }
    let bell = square.neg().exp(PRECISION, RM, &mut references.cc);
    Expected::Near(sum.mul(&bell, PRECISION, RM).mul(&slope, PRECISION, RM))
}

fn reference_quotient(_: &mut Big, x: f64, y: f64) -> Expected {
    let r = x % y;
    if r.is_nan() {
        return Expected::Exactly(f64::NAN);
    }
    if x.abs() < y.abs() {
        return Expected::Exactly(if x.is_sign_negative() == y.is_sign_negative() { 0.0 } else { -0.0 });
    }
    // (x − r)/y is an integer; with 2200 bits it is exact.
    let q = big(x).sub(&big(r), 2240, RM).div(&big(y), 2240, RM);
    Expected::Near(q)
}

/// Points of every size, of similar coordinates, and on circles.
fn draw_plane(rng: &mut Rng) -> (f64, f64) {
    let x = rng.number(-f64::MAX, f64::MAX);
    let sign = if rng.below(2) == 0 { 1.0 } else { -1.0 };
    match rng.below(6) {
        0 => (x, rng.number(-f64::MAX, f64::MAX)),
        1 => (x, x * rng.uniform(-2.0, 2.0)),
        2 => (x, x * rng.number(1e-20, 1e20) * sign),
        3 => (rng.uniform(-4.0, 4.0), rng.uniform(-4.0, 4.0)),
        4 => {
            let x = rng.uniform(1.0, 2.0);
            (x, sign * from_ordinal(ordinal(x) + rng.below(1 << 30) as i64 - (1 << 29)))
        }
        _ => (rng.number(-1e-300, 1e-300), rng.number(-1e-300, 1e-300)),
    }
}

/// Quotients of every size, many near integers.
fn draw_quotient(rng: &mut Rng) -> (f64, f64) {
    let y = rng.number(-f64::MAX, f64::MAX);
    match rng.below(5) {
        0 => (rng.number(-f64::MAX, f64::MAX), y),
        1 => (y * rng.number(-1e16, 1e16), y),
        2 => (y * rng.uniform(-1e3, 1e3), y),
        3 => {
            let bits = 1 + rng.below(53);
            let x = y * rng.below(1 << bits) as f64;
            (
                from_ordinal(
                    (ordinal(x) + rng.below(7) as i64 - 3).clamp(ordinal(f64::MIN), ordinal(f64::MAX)),
                ),
                y,
            )
        }
        _ => (rng.number(-f64::MAX, f64::MAX), rng.number(-1e-305, 1e-305)),
    }
}
