//! The recipes in binary32, against those in binary64: these are right to `2^−53` of the result, which is
//! `2^−29` units in the last place of binary32.

use crate::support::{Direction, Found, Rng};
use nc_runtime::lanes::{Scalar, Scalar32};
use nc_runtime::recipes::{cbrt, erf, exp, full_range, hyperbolic, hypot, inverse, log, pow, trig};
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4, LN_2, PI, SQRT_2};
use std::ops::Range;

const INF: f32 = f32::INFINITY;

/// A function of one argument. Recipes work on many arguments at once, so that the compiler can use vectors.
pub struct One {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// The recipe in binary32.
    recipe: fn(&[f32], &mut [f32]),
    /// The same function in binary64.
    reference: fn(&[f64], &mut [f64]),
    /// Intervals on which it is monotone.
    monotone: &'static [(f32, f32, Direction)],
    /// Where its method changes.
    #[allow(dead_code, reason = "the test tries their neighbours, the example all numbers")]
    pub seams: &'static [f32],
}

/// A function of two arguments.
pub struct Two {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// The recipe in binary32.
    pub recipe: fn(f32, f32) -> f32,
    /// The same function in binary64.
    pub reference: fn(f64, f64) -> f64,
    /// Draws arguments.
    pub draw: fn(&mut Rng) -> (f32, f32),
}

/// `y[i] = function(x[i])`.
#[inline(always)]
fn map<N: Copy>(x: &[N], y: &mut [N], function: impl Fn(N) -> N) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = function(x);
    }
}

/// An entry of [`ones`]: the recipe in both formats.
macro_rules! one {
    ($name:ident, $recipe:path, $monotone:expr, $seams:expr) => {
        One {
            name: stringify!($name),
            recipe: |x, y| map(x, y, |x| $recipe(&Scalar32::new(), x)),
            reference: |x, y| map(x, y, |x| $recipe(&Scalar::new(), x)),
            monotone: $monotone,
            seams: $seams,
        }
    };
}

/// An entry of [`ones`] with a fast range: the recipe there, the full-range function if one argument is
/// outside.
macro_rules! trigonometric {
    ($name:ident, $monotone:expr) => {
        One {
            name: stringify!($name),
            recipe: |x, y| {
                if x.iter().all(|x| x.abs() <= trig::FAST_LIMIT_SINGLE) {
                    map(x, y, |x| trig::$name(&Scalar32::new(), x));
                } else {
                    map(x, y, full_range::$name);
                }
            },
            reference: |x, y| {
                if x.iter().all(|x| x.abs() <= trig::FAST_LIMIT) {
                    map(x, y, |x| trig::$name(&Scalar::new(), x));
                } else {
                    map(x, y, full_range::$name);
                }
            },
            monotone: $monotone,
            seams: TURNS,
        }
    };
}

/// Seams of the trigonometric functions.
const TURNS: &[f32] =
    &[0.0, FRAC_PI_4, FRAC_PI_2, 3.0 * FRAC_PI_4, PI, 2.0 * PI, 4.0 * PI, trig::FAST_LIMIT_SINGLE, 1e30];

/// The functions of one argument.
pub fn ones() -> Vec<One> {
    const UP: &[(f32, f32, Direction)] = &[(-INF, INF, Direction::Up)];
    const LOGARITHM: &[(f32, f32, Direction)] = &[(0.0, INF, Direction::Up)];
    const EVEN: &[(f32, f32, Direction)] = &[(-INF, 0.0, Direction::Down), (0.0, INF, Direction::Up)];
    const EXP: &[f32] = &[0.0, LN_2 / 2.0, -LN_2 / 2.0, 88.72284, -87.33655, -103.97208, 120.0, -120.0];
    const EXP2: &[f32] = &[0.0, 0.5, -0.5, 128.0, -126.0, -149.0, -150.0, 160.0, -160.0];
    const EXPM1: &[f32] =
        &[0.0, f32::EPSILON / 4.0, -f32::EPSILON / 4.0, LN_2 / 2.0, -LN_2 / 2.0, -20.0, 88.72284];
    const LOG: &[f32] = &[0.0, 1.0, FRAC_1_SQRT_2, SQRT_2, 2.0 * SQRT_2, f32::MIN_POSITIVE, f32::MAX];
    const LOG1P: &[f32] = &[-1.0, 0.0, SQRT_2 - 1.0, FRAC_1_SQRT_2 - 1.0, 1.0, 1.6777216e7, 3e38];
    const HYPERBOLIC: &[f32] =
        &[0.0, 1.0 / 8192.0, LN_2 / 2.0, 1.5 * LN_2, 12.5 * LN_2, 10.0, 40.0, 89.4, 89.5];
    const ASINH: &[f32] = &[0.0, 1.0 / 8192.0, 0.35355338, 0.75, 1.0, 16384.0, 1e30];
    const ACOSH: &[f32] = &[1.0, 1.0001221, 1.25, SQRT_2, 16384.0, 1e30];
    const ATANH: &[f32] = &[0.0, 1.0 / 8192.0, 0.17157288, 0.33333334, 0.5, 1.0, -0.5, -1.0];
    const UNIT: &[f32] = &[0.0, 0.5, -0.5, 1.0, -1.0];
    const BELOW_POLE: f32 = FRAC_PI_2.next_down();
    const ATAN: &[f32] = &[0.0, 0.5, 2.0, 4.2949673e9, -0.5, -2.0];
    const CBRT: &[f32] = &[0.0, 1.0, 2.0, 4.0, 8.0, f32::MIN_POSITIVE, f32::MAX];
    const ERF: &[f32] = &[0.0, 0.875, -0.875, 3.8, 3.92, 3.95, 1.0e-38];
    vec![
        one!(exp, exp::exp, UP, EXP),
        one!(exp2, exp::exp2, UP, EXP2),
        one!(expm1, exp::expm1, UP, EXPM1),
        one!(log, log::log, LOGARITHM, LOG),
        one!(log2, log::log2, LOGARITHM, LOG),
        one!(log10, log::log10, LOGARITHM, LOG),
        one!(log1p, log::log1p, &[(-1.0, INF, Direction::Up)], LOG1P),
        one!(sinh, hyperbolic::sinh, UP, HYPERBOLIC),
        one!(cosh, hyperbolic::cosh, EVEN, HYPERBOLIC),
        one!(tanh, hyperbolic::tanh, UP, HYPERBOLIC),
        one!(asinh, hyperbolic::asinh, UP, ASINH),
        one!(acosh, hyperbolic::acosh, &[(1.0, INF, Direction::Up)], ACOSH),
        one!(atanh, hyperbolic::atanh, &[(-1.0, 1.0, Direction::Up)], ATANH),
        one!(cbrt, cbrt::cbrt, UP, CBRT),
        one!(erf, erf::erf, UP, ERF),
        one!(asin, inverse::asin, &[(-1.0, 1.0, Direction::Up)], UNIT),
        one!(acos, inverse::acos, &[(-1.0, 1.0, Direction::Down)], UNIT),
        one!(atan, inverse::atan, UP, ATAN),
        trigonometric!(sin, &[(-FRAC_PI_2, FRAC_PI_2, Direction::Up)]),
        trigonometric!(cos, &[(-PI, 0.0, Direction::Up), (0.0, PI, Direction::Down)]),
        trigonometric!(tan, &[(-BELOW_POLE, BELOW_POLE, Direction::Up)]),
    ]
}

/// The functions of two arguments.
pub fn twos() -> Vec<Two> {
    let pow = Two {
        name: "pow",
        recipe: |x, y| pow::pow(&Scalar32::new(), x, y),
        reference: |x, y| pow::pow(&Scalar::new(), x, y),
        draw: draw_power,
    };
    vec![
        Two { name: "pow-small", draw: draw_small_power, ..pow },
        Two { name: "pow-range", draw: draw_range, ..pow },
        pow,
        Two {
            name: "atan2",
            recipe: |y, x| inverse::atan2(&Scalar32::new(), y, x),
            reference: |y, x| inverse::atan2(&Scalar::new(), y, x),
            draw: draw_pair,
        },
        Two {
            name: "hypot",
            recipe: |x, y| hypot::hypot(&Scalar32::new(), x, y),
            reference: |x, y| hypot::hypot(&Scalar::new(), x, y),
            draw: draw_pair,
        },
        Two {
            name: "log_base",
            recipe: |x, b| log::log_base(&Scalar32::new(), x, b),
            reference: |x, b| log::log_base(&Scalar::new(), x, b),
            draw: draw_log_base,
        },
        Two { name: "fmod", recipe: full_range::fmod, reference: full_range::fmod, draw: draw_pair },
        Two { name: "modulo", recipe: full_range::modulo, reference: full_range::modulo, draw: draw_pair },
        Two {
            name: "quotient",
            recipe: full_range::quotient,
            reference: full_range::quotient,
            draw: draw_pair,
        },
    ]
}

/// Any number, every one equally likely.
fn any(rng: &mut Rng) -> f32 {
    f32::from_bits(rng.bits() as u32)
}

/// Any two numbers, or two whose exponents differ little.
fn draw_pair(rng: &mut Rng) -> (f32, f32) {
    let x = any(rng);
    if rng.below(4) == 0 {
        return (x, any(rng));
    }
    let ratio = 2f64.powf(rng.uniform(-30.0, 30.0) * rng.unit());
    (x, (f64::from(x) * if rng.below(2) == 0 { ratio } else { -ratio }) as f32)
}

/// Any base, and any exponent that neither overflows nor vanishes by much, bases near 1 among them.
fn draw_power(rng: &mut Rng) -> (f32, f32) {
    let x = match rng.below(4) {
        0 => rng.uniform(0.9, 1.1) as f32,
        1 => rng.uniform(0.3, 3.0) as f32,
        2 => 1.0 + (rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(23) as i32))) as f32,
        _ => any(rng).abs(),
    };
    let log = if rng.below(2) == 0 { rng.uniform(-105.0, 90.0) } else { rng.uniform(-10.0, 10.0) };
    (x, (log / f64::from(x).ln()) as f32)
}

/// Any number and any base, both near 1 among them.
fn draw_log_base(rng: &mut Rng) -> (f32, f32) {
    let mut draw = || match rng.below(4) {
        0 => rng.uniform(0.9, 1.1) as f32,
        1 => rng.uniform(0.3, 30.0) as f32,
        2 => 1.0 + (rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(23) as i32))) as f32,
        _ => any(rng).abs(),
    };
    (draw(), draw())
}

/// Integers and halves.
fn draw_small_power(rng: &mut Rng) -> (f32, f32) {
    let y = if rng.below(20) == 0 { 0.5 } else { rng.below(41) as f32 - 20.0 };
    let span = 155.0 / f64::from(y.abs().max(1.5));
    let x = match rng.below(3) {
        0 => rng.uniform(-3.0, 3.0),
        1 => 2f64.powf(rng.uniform(-span, span)),
        _ => -(2f64.powf(rng.uniform(-span, span))),
    };
    (x as f32, y)
}

/// Results around the ends of the range.
fn draw_range(rng: &mut Rng) -> (f32, f32) {
    let y = match rng.below(3) {
        0 => rng.below(17) as f64 - 8.0,
        1 => rng.uniform(-50.0, 50.0),
        _ => rng.below(100) as f64 + 0.5,
    } as f32;
    let log = match rng.below(4) {
        0 => 128.0,
        1 => -126.0,
        2 => -149.0,
        _ => rng.uniform(-151.0, -124.0),
    };
    (2f64.powf((log + rng.uniform(-0.01, 0.01)) / f64::from(y)) as f32, y)
}

/// The distance between `result` and `reference` in units in the last place of binary32 around the reference;
/// infinity counts as `2^128` next to a finite reference. A wrong sign, NaN or special value is an infinite
/// error.
#[inline(always)]
pub fn ulp_error(result: f32, reference: f64) -> f64 {
    let limit = f64::from_bits((1023 + 128) << 52);
    let size = reference.abs().min(limit);
    let exponent = ((size.to_bits() >> 52) as i64 - 1023).clamp(-126, 127);
    // Exact: the unit is a power of two.
    let error = (f64::from(result).abs().min(limit) - size).abs();
    let error = error * f64::from_bits(((1023 + 23 - exponent) as u64) << 52);
    let same_sign = result.is_sign_negative() == reference.is_sign_negative();
    let right = same_sign & ((reference != 0.0) | (result == 0.0)) & !result.is_nan();
    let both = reference.is_nan() & result.is_nan();
    if both {
        0.0
    } else if right & !reference.is_nan() {
        error
    } else {
        f64::INFINITY
    }
}

/// Arguments at a time.
const BLOCK: u64 = 1024;

impl One {
    /// The error at one argument.
    #[allow(dead_code, reason = "the example tries whole ranges")]
    pub fn error(&self, x: f32) -> f64 {
        let (mut value, mut reference) = ([0.0], [0.0]);
        (self.recipe)(&[x], &mut value);
        (self.reference)(&[x.into()], &mut reference);
        ulp_error(value[0], reference[0])
    }

    /// The arguments with these bit patterns: errors, and whether neighbours are in order.
    pub fn sweep(&self, bits: Range<u64>) -> Found {
        let mut found = Found::default();
        let mut start = bits.start;
        while start < bits.end {
            let end = bits.end.min(start + BLOCK);
            self.block(start..end, &mut found);
            // One again, so that no pair of neighbours is missed between two blocks.
            start = if end < bits.end { end - 1 } else { end };
        }
        found
    }

    fn block(&self, bits: Range<u64>, found: &mut Found) {
        let x: Vec<f32> = bits.map(|bits| f32::from_bits(bits as u32)).collect();
        let wide: Vec<f64> = x.iter().map(|&x| x.into()).collect();
        let (mut value, mut reference) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        (self.recipe)(&x, &mut value);
        (self.reference)(&wide, &mut reference);

        let errors: Vec<f64> = value.iter().zip(&reference).map(|(&v, &r)| ulp_error(v, r)).collect();
        let largest = errors.iter().fold(0.0, |a: f64, &b| a.max(b));
        if let Some(at) = errors.iter().position(|&error| error == largest) {
            found.note(largest, (wide[at], 0.0));
        }
        found.samples += x.len() as u64 - 1;

        for &(low, high, direction) in self.monotone {
            let mut wrong = 0;
            for (x, value) in x.windows(2).zip(value.windows(2)) {
                let inside = (low <= x[0]) & (x[0] <= high) & (low <= x[1]) & (x[1] <= high);
                let up = (direction == Direction::Up) == (x[0] <= x[1]);
                let ordered = if up { value[0] <= value[1] } else { value[0] >= value[1] };
                found.pairs += u64::from(inside);
                wrong += u64::from(inside & !ordered);
            }
            if wrong > 0 {
                found.violations += wrong;
                found.violation = wide[0];
            }
        }
    }
}

impl Two {
    /// Arguments drawn at random.
    pub fn sample(&self, rng: &mut Rng, samples: u64) -> Found {
        let mut found = Found::default();
        for _ in 0..samples {
            let (x, y) = (self.draw)(rng);
            let at = (f64::from(x), f64::from(y));
            found.note(ulp_error((self.recipe)(x, y), (self.reference)(at.0, at.1)), at);
        }
        found
    }
}
