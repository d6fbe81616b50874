//! Complex exponential, logarithm, square root, product and quotient.

use crate::single::Two;
use crate::support::{Big, Effort, Expected, Found, Kind, PRECISION, RM, Rng, Row, big, parallel};
use astro_float::{BigFloat, Sign};
use nc_runtime::lanes::{Precision, Scalar, Scalar32};
use nc_runtime::recipes::{complex, full_range};
use std::f64::consts::PI;

const INF: f64 = f64::INFINITY;

/// Bits for sums that may cancel, of numbers of any exponents.
const WIDE: usize = 4 * PRECISION;

/// The rows of this family: one for each component of the functions of one complex argument.
pub fn rows() -> Vec<Row> {
    let row = |name, recipe, reference, draw| Row { name, kind: Kind::Two { recipe, reference, draw } };
    vec![
        row(
            "exp_cos",
            full_range::exp_cos as fn(f64, f64) -> f64,
            reference_exp_cos as fn(&mut Big, f64, f64) -> Expected,
            draw_exponent as fn(&mut Rng) -> (f64, f64),
        ),
        row("exp_sin", full_range::exp_sin, reference_exp_sin, draw_exponent),
        row("log_hypot", |x, y| complex::log_hypot(&Scalar::new(), x, y), reference_log, draw_plane),
        row("root_re", |x, y| complex::root_re(&Scalar::new(), x, y), reference_root_re, draw_plane),
        row("root_im", |x, y| complex::root_im(&Scalar::new(), x, y), reference_root_im, draw_plane),
    ]
}

/// The functions of complex recipes in binary32, against binary64.
pub fn singles() -> Vec<Two> {
    vec![
        Two {
            name: "exp_cos",
            recipe: full_range::exp_cos,
            reference: full_range::exp_cos,
            draw: draw_single_exponent,
        },
        Two {
            name: "exp_sin",
            recipe: full_range::exp_sin,
            reference: full_range::exp_sin,
            draw: draw_single_exponent,
        },
        Two {
            name: "log_hypot",
            recipe: |x, y| complex::log_hypot(&Scalar32::new(), x, y),
            reference: |x, y| complex::log_hypot(&Scalar::new(), x, y),
            draw: draw_single_plane,
        },
        Two {
            name: "root_re",
            recipe: |x, y| complex::root_re(&Scalar32::new(), x, y),
            reference: |x, y| complex::root_re(&Scalar::new(), x, y),
            draw: draw_single_plane,
        },
        Two {
            name: "root_im",
            recipe: |x, y| complex::root_im(&Scalar32::new(), x, y),
            reference: |x, y| complex::root_im(&Scalar::new(), x, y),
            draw: draw_single_plane,
        },
    ]
}

/// A function of two complex numbers, `(a + bi) ∘ (c + di)`.
#[derive(Clone)]
pub struct Four {
    /// Its names on the command line and in the table: for errors of vectors and of components.
    pub names: [&'static str; 2],
    /// Both components by the recipes in binary64.
    pub double: fn([f64; 4]) -> [f64; 2],
    /// Both components by the recipes in binary32.
    pub single: fn([f32; 4]) -> [f32; 2],
    reference: fn([BigFloat; 4]) -> [BigFloat; 2],
}

/// Both components by recipes for each.
macro_rules! both {
    ($lane:ty, $re:path, $im:path) => {
        |[a, b, c, d]| {
            let l = <$lane>::new();
            [$re(&l, a, b, c, d), $im(&l, a, b, c, d)]
        }
    };
}

/// The functions of two complex arguments.
pub fn fours() -> Vec<Four> {
    vec![
        Four {
            names: ["product", "product-part"],
            double: both!(Scalar, complex::product_re, complex::product_im),
            single: both!(Scalar32, complex::product_re, complex::product_im),
            reference: |[a, b, c, d]| {
                [sum(&times(&a, &c), &times(&b, &d).neg()), sum(&times(&a, &d), &times(&b, &c))]
            },
        },
        Four {
            names: ["division", "division-part"],
            double: both!(Scalar, complex::quotient_re, complex::quotient_im),
            single: both!(Scalar32, complex::quotient_re, complex::quotient_im),
            reference: |[a, b, c, d]| {
                let norm = sum(&times(&c, &c), &times(&d, &d));
                let re = sum(&times(&a, &c), &times(&b, &d));
                let im = sum(&times(&b, &c), &times(&a, &d).neg());
                [re.div(&norm, PRECISION, RM), im.div(&norm, PRECISION, RM)]
            },
        },
    ]
}

fn times(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.mul(b, WIDE, RM)
}

fn sum(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.add(b, WIDE, RM)
}

/// `√(a² + b²)`.
fn length(a: &BigFloat, b: &BigFloat) -> BigFloat {
    sum(&times(a, a), &times(b, b)).sqrt(PRECISION, RM)
}

/// The quotient as a number.
fn ratio(a: &BigFloat, b: &BigFloat) -> f64 {
    let (Some(e), Some(f)) = (a.exponent(), b.exponent()) else { return INF };
    if a.is_zero() {
        return 0.0;
    }
    let (mut a, mut b) = (a.clone(), b.clone());
    a.set_exponent(0);
    b.set_exponent(0);
    let q = a.div(&b, 64, RM);
    let (words, _, _, exponent, _) = q.as_raw_parts().expect("a quotient of finite numbers");
    words[words.len() - 1] as f64 * 2f64.powi((exponent + e - f - 64).clamp(-1100, 1100))
}

/// The number format whose results are measured.
struct Results {
    digits: i32,
    /// Lengths of results that have room on both sides of the range.
    least: f64,
    most: f64,
}

const DOUBLE: Results = Results { digits: 53, least: 1e-290, most: 1e308 };
const SINGLE: Results = Results { digits: 24, least: 1e-30, most: 2e38 };

impl Four {
    /// The error of a result as a vector, in units of `2^−53` (binary32: `2^−24`) of the length of the right one; and
    /// the largest relative error of a component that is not tiny next to the other one, in the same unit.
    fn errors(&self, found: [f64; 2], at: [f64; 4], results: &Results) -> (f64, f64) {
        let right = (self.reference)(at.map(big));
        let size = length(&right[0], &right[1]);
        let size_there = ratio(&size, &big(1.0));
        if !(results.least..results.most).contains(&size_there) {
            return (0.0, 0.0);
        }
        if found.iter().any(|x| !x.is_finite()) {
            return (INF, INF);
        }
        let difference = [0, 1].map(|i| big(found[i]).sub(&right[i], WIDE, RM));
        let norm = ratio(&length(&difference[0], &difference[1]), &size) * 2f64.powi(results.digits);
        let parts = [0, 1].map(|i| {
            let part = ratio(&right[i], &size);
            let relative = ratio(&difference[i], &right[i]);
            if part > 1e-3 { relative * 2f64.powi(results.digits) } else { 0.0 }
        });
        (norm, parts[0].max(parts[1]))
    }

    /// The largest error at operands drawn at random: of vectors, or of components.
    pub fn measure(&self, precision: Precision, component: bool, effort: Effort) -> Found {
        let part = |part: u64| {
            let mut rng = Rng(0x5eed + part);
            let mut found = Found::default();
            for _ in 0..effort.samples / effort.threads {
                let (at, result, results) = match precision {
                    Precision::Double => {
                        let at = draw_operands(&mut rng, 1023.0);
                        (at, (self.double)(at), &DOUBLE)
                    }
                    Precision::Single => {
                        let at = draw_operands(&mut rng, 127.0).map(|x| x as f32);
                        (at.map(f64::from), (self.single)(at).map(f64::from), &SINGLE)
                    }
                };
                let (norm, parts) = self.errors(result, at, results);
                found.note(if component { parts } else { norm }, (at[0] / at[2], at[1] / at[3]));
            }
            found
        };
        parallel(effort.threads, part)
    }
}

fn sign(rng: &mut Rng) -> f64 {
    if rng.below(2) == 0 { 1.0 } else { -1.0 }
}

/// Operands whose quotient or product is neither too large nor too small, most of them, with components of similar or
/// very different sizes, and sums of products that cancel.
fn draw_operands(rng: &mut Rng, range: f64) -> [f64; 4] {
    let pair = |rng: &mut Rng, exponent: f64| {
        let size = 2f64.powf(exponent);
        let spread = match rng.below(4) {
            0 => 2f64.powf(rng.uniform(-range, 0.0)),
            1 => 2f64.powf(rng.uniform(-60.0, 0.0)),
            _ => rng.unit(),
        };
        let (x, y) = (size * sign(rng) * rng.uniform(0.5, 1.0), size * spread * sign(rng));
        if rng.below(2) == 0 { (x, y) } else { (y, x) }
    };
    let exponent = rng.uniform(-range, range);
    let (c, d) = pair(rng, exponent);
    let near = match rng.below(3) {
        0 => rng.uniform(-range, range),
        1 => rng.uniform(-3.0, 3.0),
        _ => exponent + rng.uniform(-30.0, 30.0),
    };
    let (a, b) = pair(rng, near.clamp(-range, range));
    match rng.below(4) {
        // Nearly parallel, or nearly at right angles.
        0 => [c * rng.uniform(0.9, 1.1), d, c, d],
        1 => {
            let t = sign(rng) * rng.uniform(0.5, 2.0);
            [-d * t, c * t, c, d]
        }
        _ => [a, b, c, d],
    }
}

/// Exponentials that neither overflow nor vanish, most of them.
fn draw_exponent(rng: &mut Rng) -> (f64, f64) {
    let y = match rng.below(6) {
        0 => rng.number(-f64::MAX, f64::MAX),
        1 => rng.uniform(-1e5, 1e5),
        // Next to multiples of π/2.
        2 => {
            let turns = f64::from(rng.below(1000) as u32) * (PI / 2.0);
            turns + rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(52) as i32))
        }
        _ => rng.uniform(-4.0, 4.0),
    };
    let x = match rng.below(6) {
        0 => rng.uniform(-750.0, 750.0),
        1 => rng.number(-800.0, 800.0),
        // Results next to the ends of the range.
        2 => 709.78 - y.sin().abs().ln() + rng.uniform(-0.1, 0.1),
        3 => -708.4 - y.cos().abs().ln() - rng.uniform(-0.1, 40.0),
        _ => rng.uniform(-3.0, 3.0),
    };
    match rng.below(10) {
        // Beyond what e^x alone can be.
        0 => (rng.uniform(700.0, 1460.0), sign(rng) * rng.number(0.0, 1e-300)),
        1 => (x, sign(rng) * 2f64.powf(rng.uniform(-1074.0, 0.0))),
        _ => (x, y),
    }
}

/// Draws an exponent and an angle of binary32 numbers.
fn draw_single_exponent(rng: &mut Rng) -> (f32, f32) {
    let y = match rng.below(6) {
        0 => f32::from_bits(rng.bits() as u32).into(),
        1 => rng.uniform(-1e5, 1e5),
        2 => {
            let turns = f64::from(rng.below(1000) as u32) * (PI / 2.0);
            turns + rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(23) as i32))
        }
        _ => rng.uniform(-4.0, 4.0),
    };
    let x = match rng.below(6) {
        0 => rng.uniform(-110.0, 100.0),
        1 => rng.number(-120.0, 120.0),
        2 => 88.72 - y.sin().abs().ln() + rng.uniform(-0.1, 0.1),
        3 => -87.3 - y.cos().abs().ln() - rng.uniform(-0.1, 18.0),
        _ => rng.uniform(-3.0, 3.0),
    };
    let (x, y) = match rng.below(10) {
        0 => (rng.uniform(85.0, 195.0), sign(rng) * 2f64.powf(rng.uniform(-150.0, -100.0))),
        1 => (x, sign(rng) * 2f64.powf(rng.uniform(-149.0, 0.0))),
        _ => (x, y),
    };
    (x as f32, y as f32)
}

/// As [`draw_plane`], in binary32.
fn draw_single_plane(rng: &mut Rng) -> (f32, f32) {
    let any = |rng: &mut Rng| f32::from_bits(rng.bits() as u32);
    let (x, y) = draw_plane(rng);
    match rng.below(4) {
        0 => {
            let (x, y) = next_to_circle(rng, 22);
            (x as f32, y as f32)
        }
        1 => (any(rng), any(rng)),
        2 => {
            let x = any(rng);
            (x, x * 2f64.powf(rng.uniform(-30.0, 30.0)) as f32)
        }
        _ => (x as f32, y as f32),
    }
}

/// Points of every size, near the axes, and next to the unit circle.
pub fn draw_plane(rng: &mut Rng) -> (f64, f64) {
    let x = rng.number(-f64::MAX, f64::MAX);
    let angle = rng.uniform(-PI, PI);
    let (sin, cos) = angle.sin_cos();
    match rng.below(9) {
        0 => (x, rng.number(-f64::MAX, f64::MAX)),
        1 => (x, x * rng.uniform(-2.0, 2.0)),
        2 => {
            let y = x * 2f64.powf(rng.uniform(-60.0, 60.0)) * sign(rng);
            (x, y)
        }
        3 => (rng.uniform(-4.0, 4.0), rng.uniform(-4.0, 4.0)),
        4 => (rng.number(-1e-300, 1e-300), rng.number(-1e-300, 1e-300)),
        5 => {
            let radius = 1.0 + sign(rng) * 2f64.powf(rng.uniform(-53.0, -20.0));
            (radius * cos, radius * sin)
        }
        6 => nearest_to_circle(sign(rng) * 2f64.powf(rng.uniform(-30.0, 0.0))),
        7 => {
            let (x, y) = next_to_circle(rng, 52);
            if rng.below(2) == 0 { (y, x) } else { (x, y) }
        }
        _ => (
            sign(rng) * (1.0 + rng.uniform(-1.0, 1.0) * 2f64.powi(-(rng.below(53) as i32))),
            x.min(1e-3) * 1e-3,
        ),
    }
}

/// The point above x whose length is nearest to 1.
fn nearest_to_circle(x: f64) -> (f64, f64) {
    let y = ((1.0 - x) * (1.0 + x)).max(0.0).sqrt();
    (x, y)
}

/// A rational point of the unit circle with rounded coordinates, or `(1 − t²/2, t)`, the square of whose length is
/// `1 + t⁴/4`. If t has no more than `digits/2` digits after the point, the coordinates are exact.
fn next_to_circle(rng: &mut Rng, digits: i32) -> (f64, f64) {
    let half = digits / 2;
    if rng.below(2) == 0 {
        let digits = rng.below(half as u64 + 1);
        let t = rng.below(1 << digits) as f64 * 2f64.powi(-half);
        return (1.0 - t * t / 2.0, t);
    }
    let m = 1 + rng.below(1 << half);
    let n = 1 + rng.below(m);
    let length = (m * m + n * n) as f64;
    ((m * m - n * n) as f64 / length, (2 * m * n) as f64 / length)
}

/// What a component of the exponential is where x or y is special; `trig` is the sine or cosine of y.
fn special_exp(x: f64, y: f64, cosine: bool) -> Option<f64> {
    if y == 0.0 && !cosine {
        return Some(y);
    }
    if x.is_nan() {
        return Some(f64::NAN);
    }
    let trig = if cosine { full_range::cos(y) } else { full_range::sin(y) };
    if x == f64::NEG_INFINITY {
        return Some(if y.is_finite() { 0f64.copysign(trig) } else { 0.0 });
    }
    if x == INF {
        return Some(match y.is_finite() {
            true => INF.copysign(trig),
            false if cosine => INF,
            false => f64::NAN,
        });
    }
    if y.is_finite() { None } else { Some(f64::NAN) }
}

fn reference_exp_cos(b: &mut Big, x: f64, y: f64) -> Expected {
    reference_exp(b, x, y, true)
}

fn reference_exp_sin(b: &mut Big, x: f64, y: f64) -> Expected {
    reference_exp(b, x, y, false)
}

fn reference_exp(b: &mut Big, x: f64, y: f64, cosine: bool) -> Expected {
    if let Some(value) = special_exp(x, y, cosine) {
        return Expected::Exactly(value);
    }
    // Exponentials far outside of the range say nothing more than nearer ones.
    let x = x.clamp(-3000.0, 3000.0);
    let size = if x.abs() < 1e-60 { big(1.0) } else { big(x).exp(PRECISION, RM, &mut b.cc) };
    let trig = match (cosine, y.abs() < 1e-30) {
        (true, true) => big(1.0),
        (false, true) => big(y),
        (true, false) => big(y).cos(PRECISION, RM, &mut b.cc),
        (false, false) => big(y).sin(PRECISION, RM, &mut b.cc),
    };
    Expected::Near(size.mul(&trig, PRECISION, RM))
}

fn reference_log(b: &mut Big, x: f64, y: f64) -> Expected {
    if x.is_infinite() || y.is_infinite() {
        return Expected::Exactly(INF);
    }
    if x.is_nan() || y.is_nan() {
        return Expected::Exactly(f64::NAN);
    }
    if x == 0.0 && y == 0.0 {
        return Expected::Exactly(-INF);
    }
    let (large, small) = (big(x.abs().max(y.abs())), big(x.abs().min(y.abs())));
    let plus_square = |before: BigFloat| match x == 0.0 || y == 0.0 {
        true => before,
        false => sum(&before, &times(&small, &small)),
    };
    let square = times(&large, &large);
    // Exact near the unit circle, where it cancels.
    let difference = plus_square(square.sub(&big(1.0), WIDE, RM));
    if difference.is_zero() {
        return Expected::Exactly(0.0);
    }
    let near = difference.exponent().is_some_and(|e| e < -15);
    let log = if near {
        // The logarithm's own series, which does not cancel.
        let mut power = difference.clone();
        let mut log = difference.clone();
        for n in 2..14 {
            power = power.mul(&difference, PRECISION, RM).neg();
            log = log.add(&power.div(&big(f64::from(n)), PRECISION, RM), PRECISION, RM);
        }
        log
    } else {
        plus_square(square).ln(PRECISION, RM, &mut b.cc)
    };
    Expected::Near(log.div(&big(2.0), PRECISION, RM))
}

fn reference_root_re(_: &mut Big, x: f64, y: f64) -> Expected {
    reference_root(x, y, true)
}

fn reference_root_im(_: &mut Big, x: f64, y: f64) -> Expected {
    reference_root(x, y, false)
}

fn reference_root(x: f64, y: f64, real: bool) -> Expected {
    let exactly = |re: f64, im: f64| Expected::Exactly(if real { re } else { im });
    if y.is_infinite() {
        return exactly(INF, y);
    }
    if x.is_nan() || y.is_nan() {
        return exactly(f64::NAN, f64::NAN);
    }
    if x.is_infinite() {
        let zero = 0f64.copysign(y);
        return if x > 0.0 { exactly(INF, zero) } else { exactly(0.0, INF.copysign(y)) };
    }
    if x == 0.0 && y == 0.0 {
        return exactly(0.0, y);
    }
    // The other component of a number on an axis is zero.
    if y == 0.0 && (x > 0.0) != real {
        return exactly(0.0, y);
    }
    let t = if y == 0.0 {
        big(x.abs()).sqrt(PRECISION, RM)
    } else {
        let size = if x == 0.0 { big(y.abs()) } else { length(&big(x), &big(y)) };
        let sum = if x == 0.0 { size } else { size.add(&big(x.abs()), PRECISION, RM) };
        sum.div(&big(2.0), PRECISION, RM).sqrt(PRECISION, RM)
    };
    let mut part = if (x >= 0.0) == real {
        t
    } else {
        big(y.abs()).div(&t.mul(&big(2.0), PRECISION, RM), PRECISION, RM)
    };
    if !real && y.is_sign_negative() {
        part.set_sign(Sign::Neg);
    }
    Expected::Near(part)
}
