//! The recipes that are slopes of others.

use crate::single::Two;
use crate::support::{Big, Expected, Kind, PRECISION, RM, Rng, Row, big};
use astro_float::BigFloat;
use nc_runtime::lanes::{Scalar, Scalar32};
use nc_runtime::recipes::{pow, slope};

/// The rows in binary64.
pub fn rows() -> Vec<Row> {
    let two = |name, recipe, reference, draw| Row { name, kind: Kind::Two { recipe, reference, draw } };
    vec![
        Row {
            name: "erf_slope",
            kind: Kind::One {
                recipe: |x| slope::erf_slope(&Scalar::new(), x),
                reference: density,
                domain: (-30.0, 30.0),
                dense: vec![(-1.0, 1.0), (-6.0, 6.0), (-27.3, 27.3), (26.5, 27.3)],
                seams: vec![0.0, 1.0, -1.0, 26.6, 27.226],
                monotone: Vec::new(),
            },
        },
        two("direction", |x, y| slope::direction(&Scalar::new(), x, y), direction, draw),
        two("over_square", |x, y| slope::over_square(&Scalar::new(), x, y), over_square, draw),
        two("pow_slope", |x, y| pow::pow_slope(&Scalar::new(), x, y, -1.0, y), power, draw_power),
    ]
}

/// The functions in binary32, against those in binary64.
pub fn singles() -> Vec<Two> {
    let two = |name, recipe, reference, draw| Two { name, recipe, reference, draw };
    vec![
        two(
            "erf_slope",
            |x, _| slope::erf_slope(&Scalar32::new(), x),
            |x, _| slope::erf_slope(&Scalar::new(), x),
            |rng| (rng.uniform(-10.2, 10.2) as f32, 0.0),
        ),
        two(
            "direction",
            |x, y| slope::direction(&Scalar32::new(), x, y),
            |x, y| slope::direction(&Scalar::new(), x, y),
            draw_single,
        ),
        two(
            "over_square",
            |x, y| slope::over_square(&Scalar32::new(), x, y),
            |x, y| slope::over_square(&Scalar::new(), x, y),
            draw_single,
        ),
        two(
            "pow_slope",
            |x, y| pow::pow_slope(&Scalar32::new(), x, y, -1.0, y),
            |x, y| pow::pow_slope(&Scalar::new(), x, y, -1.0, y),
            draw_single_power,
        ),
    ]
}

fn density(b: &mut Big, x: f64) -> Expected {
    if x.is_nan() {
        return Expected::Exactly(x);
    }
    if x.abs() > 40.0 {
        return Expected::Exactly(0.0);
    }
    let x = big(x);
    let square = x.mul(&x, 4 * PRECISION, RM).neg();
    let power = if square.is_zero() { big(1.0) } else { square.exp(PRECISION, RM, &mut b.cc) };
    let root = b.cc.pi(PRECISION, RM).sqrt(PRECISION, RM);
    Expected::Near(power.mul(&big(2.0), PRECISION, RM).div(&root, PRECISION, RM))
}

/// `x² + y²`, exactly.
fn square(x: f64, y: f64) -> BigFloat {
    let (x, y) = (big(x), big(y));
    x.mul(&x, 40 * PRECISION, RM).add(&y.mul(&y, 40 * PRECISION, RM), 40 * PRECISION, RM)
}

fn direction(_: &mut Big, x: f64, y: f64) -> Expected {
    match (x.is_infinite(), y.is_infinite()) {
        (true, true) => return Expected::Exactly(f64::NAN),
        (true, false) => return Expected::Exactly(1f64.copysign(x)),
        (false, true) if !x.is_nan() => return Expected::Exactly(0f64.copysign(x)),
        _ if x.is_nan() || y.is_nan() => {
            return if y.is_infinite() {
                Expected::Exactly(0f64.copysign(x))
            } else {
                Expected::Exactly(f64::NAN)
            };
        }
        _ => {}
    }
    match (x == 0.0, y == 0.0) {
        (true, true) => Expected::Exactly(f64::NAN),
        (true, false) => Expected::Exactly(0f64.copysign(x)),
        _ => Expected::Near(big(x).div(&square(x, y).sqrt(2 * PRECISION, RM), PRECISION, RM)),
    }
}

fn over_square(_: &mut Big, x: f64, y: f64) -> Expected {
    if x.is_infinite() || y.is_infinite() {
        return Expected::Exactly(0f64.copysign(x));
    }
    if x.is_nan() || y.is_nan() || x == 0.0 && y == 0.0 {
        return Expected::Exactly(f64::NAN);
    }
    if x == 0.0 {
        return Expected::Exactly(0f64.copysign(x));
    }
    Expected::Near(big(x).div(&square(x, y), PRECISION, RM))
}

/// `y·x^(y − 1)`. Special operands are those of `pow`; only positive finite bases are measured, and factors that are normal numbers.
fn power(b: &mut Big, x: f64, y: f64) -> Expected {
    if !(x > 0.0 && x.is_finite() && y.is_finite()) || y.abs() < f64::MIN_POSITIVE || (y * x.ln()).abs() > 5e3
    {
        return Expected::Exactly(pow::pow_slope(&Scalar::new(), x, y, -1.0, y));
    }
    let exponent = big(y).sub(&big(1.0), 8 * PRECISION, RM);
    let log = big(x).ln(2 * PRECISION, RM, &mut b.cc).mul(&exponent, 2 * PRECISION, RM);
    let power = if log.is_zero() { big(1.0) } else { log.exp(PRECISION, RM, &mut b.cc) };
    Expected::Near(power.mul(&big(y), PRECISION, RM))
}

/// Coordinates of every size, and of similar sizes.
fn draw(rng: &mut Rng) -> (f64, f64) {
    let x = rng.number(-f64::MAX, f64::MAX);
    match rng.below(4) {
        0 => (x, rng.number(-f64::MAX, f64::MAX)),
        1 => (x, x * 2f64.powf(rng.uniform(-30.0, 30.0))),
        _ => (rng.uniform(-4.0, 4.0), rng.uniform(-4.0, 4.0)),
    }
}

fn draw_single(rng: &mut Rng) -> (f32, f32) {
    let any = |rng: &mut Rng| f32::from_bits(rng.bits() as u32);
    match rng.below(3) {
        0 => (any(rng), any(rng)),
        1 => {
            let x = any(rng);
            (x, (f64::from(x) * 2f64.powf(rng.uniform(-12.0, 12.0))) as f32)
        }
        _ => (rng.uniform(-4.0, 4.0) as f32, rng.uniform(-4.0, 4.0) as f32),
    }
}

/// Bases of every size and exponents whose difference from 1 is rounded, most of them; slopes that neither overflow nor vanish.
fn draw_power(rng: &mut Rng) -> (f64, f64) {
    let x = match rng.below(3) {
        0 => rng.uniform(0.3, 3.0),
        1 => rng.number(0.0, 1e-300),
        _ => rng.number(0.0, f64::MAX),
    };
    let size = match rng.below(3) {
        0 => 2f64.powf(rng.uniform(-60.0, 0.0)),
        1 => 700.0 / x.ln() * rng.unit(),
        _ => rng.uniform(-3.0, 3.0),
    };
    (x, if rng.below(2) == 0 { size } else { -size })
}

fn draw_single_power(rng: &mut Rng) -> (f32, f32) {
    let x = match rng.below(3) {
        0 => rng.uniform(0.3, 3.0) as f32,
        1 => f32::from_bits(rng.below(1 << 24) as u32 + 1),
        _ => f32::from_bits(rng.below(0x7f80_0000) as u32 + 1).min(f32::MAX),
    };
    let size = match rng.below(3) {
        0 => 2f64.powf(rng.uniform(-30.0, 0.0)),
        1 => 80.0 / f64::from(x).ln() * rng.unit(),
        _ => rng.uniform(-3.0, 3.0),
    };
    (x, (if rng.below(2) == 0 { size } else { -size }) as f32)
}
