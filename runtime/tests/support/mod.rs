//! Measures recipes against references of high precision: errors in units in the last place, arguments that
//! cover a domain, and monotonicity between neighbours. The `ulp` example and the tests of the recipes share it.
//!
//! A function is a [`Row`]; a family of functions is a module that returns a list of rows.

#![allow(dead_code, reason = "each test and example that includes this module uses a part of it")]

pub mod special;

use astro_float::{BigFloat, Consts, RoundingMode, Sign};
use std::thread;

/// Bits of the references. Ample for the 53 + 53 bits that the worst cases of one argument need.
pub const PRECISION: usize = 192;

/// The rounding of intermediate references: none, because [`PRECISION`] leaves room.
pub const RM: RoundingMode = RoundingMode::None;

/// What a recipe should have returned.
#[derive(Debug)]
pub enum Expected {
    /// Exactly this: a special value (all NaNs are equal, signs of zero differ) or an exact case.
    Exactly(f64),
    /// The binary64 numbers near this one.
    Near(BigFloat),
}

/// Evaluates references; owns the constants that `astro-float` caches.
#[derive(Debug)]
pub struct Big {
    /// The cache, an argument of most functions of [`BigFloat`].
    pub cc: Consts,
}

impl Big {
    /// An evaluator with an empty cache.
    pub fn new() -> Big {
        Big { cc: Consts::new().expect("the cache of constants is small") }
    }
}

/// `x` as a number of [`PRECISION`] bits.
pub fn big(x: f64) -> BigFloat {
    if x != 0.0 && x.abs() < f64::MIN_POSITIVE {
        // The conversion of the library misplaces subnormal numbers.
        let mut scaled = BigFloat::from_f64(x * 2f64.powi(64), PRECISION);
        let exponent = scaled.exponent().expect("finite");
        scaled.set_exponent(exponent - 64);
        return scaled;
    }
    BigFloat::from_f64(x, PRECISION)
}

/// The exponent `e` and the leading 64 bits `m` of `x = ± m · 2^(e − 64)`, or `None` for zero.
fn leading(x: &BigFloat) -> Option<(u64, i64)> {
    if x.is_zero() {
        return None;
    }
    let (words, _, _, exponent, _) = x.as_raw_parts().expect("references are finite");
    let top = *words.last().expect("mantissas have words");
    (top != 0).then_some((top, i64::from(exponent)))
}

/// The distance between `result` and the expected value, in units in the last place of the expected value.
///
/// The unit of a number in `[2^(e−1), 2^e)` is `2^(e−53)`, and at least `2^−1074`; infinity counts as `2^1024`
/// next to a finite expectation. A wrong sign, NaN or special value is an infinite error.
pub fn ulp_error(result: f64, expected: &Expected) -> f64 {
    let reference = match expected {
        Expected::Exactly(value) => {
            let same = value.to_bits() == result.to_bits() || value.is_nan() && result.is_nan();
            return if same { 0.0 } else { f64::INFINITY };
        }
        Expected::Near(reference) => reference,
    };
    let Some((_, exponent)) = leading(reference) else {
        return if result == 0.0 { 0.0 } else { f64::INFINITY };
    };
    let negative = reference.sign() == Some(Sign::Neg);
    if result.is_nan() || result.is_sign_negative() != negative {
        return f64::INFINITY;
    }
    if result.is_infinite() && exponent > 1024 {
        return 0.0;
    }
    let ulp_exponent = (exponent - 53).clamp(-1074, 971);
    let result = if result.is_infinite() {
        let mut limit = big(2.0);
        limit.set_exponent(1025);
        limit.set_sign(if negative { Sign::Neg } else { Sign::Pos });
        limit
    } else {
        big(result)
    };
    let difference = result.sub(reference, PRECISION, RM);
    match leading(&difference) {
        None => 0.0,
        Some((top, exponent)) => {
            top as f64 * 2f64.powi((exponent - ulp_exponent - 64).clamp(-300, 300) as i32)
        }
    }
}

/// A small random generator (splitmix64), the same sequence on every machine.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }

    /// A random integer below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform between `low` and `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// Between `low` and `high`, every binary64 number equally likely, so every exponent too.
    pub fn number(&mut self, low: f64, high: f64) -> f64 {
        let (low, high) = (ordinal(low), ordinal(high));
        let span = (i128::from(high) - i128::from(low) + 1) as u128;
        let step = (u128::from(self.bits()) * span) >> 64;
        from_ordinal((i128::from(low) + step as i128) as i64)
    }
}

/// The position of `x` among the binary64 numbers in ascending order; −0 comes just below +0.
pub fn ordinal(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    if bits < 0 { i64::MIN.wrapping_sub(bits).wrapping_sub(1) } else { bits }
}

/// The number at a position.
pub fn from_ordinal(n: i64) -> f64 {
    f64::from_bits(if n < 0 { i64::MIN.wrapping_sub(n.wrapping_add(1)) } else { n } as u64)
}

/// `steps` numbers above `x` (below if negative).
pub fn neighbour(x: f64, steps: i64) -> f64 {
    from_ordinal(ordinal(x).saturating_add(steps))
}

/// Arguments where every function should be tried.
pub const SPECIAL: [f64; 34] = [
    0.0,
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    5e-324,
    -5e-324,
    2.225073858507201e-308,
    -2.225073858507201e-308,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    -3.0,
    10.0,
    -10.0,
    0.1,
    -0.1,
    1e-300,
    -1e-300,
    1e300,
    -1e300,
    9007199254740992.0,
    -9007199254740992.0,
    4503599627370497.5,
    1e-17,
    -1e-17,
];

/// How a function of one argument moves over an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    /// Never decreases.
    Up,
    /// Never increases.
    Down,
}

/// A function under measurement.
#[derive(Clone)]
pub struct Row {
    /// Its name on the command line and in the table.
    pub name: &'static str,
    /// The recipe and how to try it.
    pub kind: Kind,
}

/// A recipe, its reference and the arguments that exercise it.
#[derive(Clone)]
pub enum Kind {
    /// A function of one argument.
    One {
        /// The recipe over [`Scalar`](nc_runtime::lanes::Scalar).
        recipe: fn(f64) -> f64,
        /// The reference; it is given NaN, infinities and zeros too.
        reference: fn(&mut Big, f64) -> Expected,
        /// Arguments are drawn by exponent from here; beyond, only the special ones are tried.
        domain: (f64, f64),
        /// Intervals that are sampled uniformly.
        dense: Vec<(f64, f64)>,
        /// Arguments whose neighbours are tried: ends of reduction intervals, thresholds, roots.
        seams: Vec<f64>,
        /// Intervals on which the function is monotone.
        monotone: Vec<(f64, f64, Direction)>,
    },
    /// A function of two arguments.
    Two {
        /// The recipe over [`Scalar`](nc_runtime::lanes::Scalar).
        recipe: fn(f64, f64) -> f64,
        /// The reference.
        reference: fn(&mut Big, f64, f64) -> Expected,
        /// Draws arguments.
        draw: fn(&mut Rng) -> (f64, f64),
    },
}

/// What a measurement found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Arguments tried.
    pub samples: u64,
    /// The largest error.
    pub max_ulp: f64,
    /// Where it was.
    pub at: (f64, f64),
    /// Neighbouring pairs compared.
    pub pairs: u64,
    /// Pairs in the wrong order.
    pub violations: u64,
    /// The first of one such pair.
    pub violation: f64,
}

impl Found {
    /// Counts an argument and its error.
    pub fn note(&mut self, error: f64, at: (f64, f64)) {
        self.samples += 1;
        if error > self.max_ulp || error.is_nan() {
            self.max_ulp = error;
            self.at = at;
        }
    }

    fn merge(&mut self, other: Found) {
        self.samples += other.samples;
        self.pairs += other.pairs;
        if other.max_ulp > self.max_ulp || other.max_ulp.is_nan() {
            self.max_ulp = other.max_ulp;
            self.at = other.at;
        }
        if self.violations == 0 {
            self.violation = other.violation;
        }
        self.violations += other.violations;
    }
}

/// How much to try.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Random arguments compared with the reference.
    pub samples: u64,
    /// Random neighbouring pairs compared with each other.
    pub pairs: u64,
    /// Neighbours tried on each side of a seam for errors; fifty times as many for monotonicity.
    pub neighbours: i64,
    /// Threads that share the work.
    pub threads: u64,
}

/// A measurement whose parts run on threads of their own.
pub fn parallel(threads: u64, part: impl Fn(u64) -> Found + Sync) -> Found {
    thread::scope(|scope| {
        let part = &part;
        let workers: Vec<_> = (0..threads).map(|index| scope.spawn(move || part(index))).collect();
        let mut found = Found::default();
        for worker in workers {
            found.merge(worker.join().expect("a measurement panicked"));
        }
        found
    })
}

/// An argument whose result begins with a run of ones, just below the power of two above the result at `x`: there the unit in the last
/// place is smallest beside what a recipe rounds on the way.
pub fn below_power(
    recipe: &fn(f64) -> f64,
    x: f64,
    pieces: &[(f64, f64, Direction)],
    rng: &mut Rng,
) -> Option<f64> {
    let &(low, high, direction) = pieces.iter().find(|(low, high, _)| *low <= x && x <= *high)?;
    let y = recipe(x);
    if y == 0.0 || !y.is_finite() {
        return None;
    }
    let power = f64::from_bits((y.abs().to_bits() & 0x7ff << 52) + (1 << 52));
    let target = power * (1.0 - rng.unit() * 2f64.powi(-1 - rng.below(12) as i32));
    let reached = |x: f64| recipe(x).abs() >= target;
    let away = (direction == Direction::Up) == (y > 0.0);
    let (mut short, mut far) = (ordinal(x), ordinal(if away { high } else { low }));
    if reached(x) || !reached(from_ordinal(far)) {
        return None;
    }
    while short.abs_diff(far) > 1 {
        let middle = ((i128::from(short) + i128::from(far)) / 2) as i64;
        if reached(from_ordinal(middle)) { far = middle } else { short = middle }
    }
    Some(from_ordinal(short))
}

impl Row {
    /// Tries the function on special arguments, around its seams and at random.
    pub fn measure(&self, effort: Effort) -> Found {
        parallel(effort.threads, |part| self.part(effort, part))
    }

    /// The share of one thread.
    fn part(&self, effort: Effort, part: u64) -> Found {
        let mut found = Found::default();
        let mut rng = Rng(0x5eed + part);
        let mut references = Big::new();
        let samples = effort.samples / effort.threads;
        match &self.kind {
            Kind::One { recipe, reference, domain, dense, seams, monotone } => {
                let mut check = |x: f64| {
                    let error = ulp_error(recipe(x), &reference(&mut references, x));
                    found.note(error, (x, 0.0));
                };
                if part == 0 {
                    SPECIAL.into_iter().for_each(&mut check);
                    for &seam in seams {
                        (-effort.neighbours..=effort.neighbours)
                            .for_each(|steps| check(neighbour(seam, steps)));
                    }
                }
                for _ in 0..samples / 4 {
                    check(rng.number(domain.0, domain.1));
                    // Few significant bits: products and reduced arguments are exact or nearly so.
                    let bits = rng.number(domain.0, domain.1).to_bits();
                    check(f64::from_bits(bits & u64::MAX << (30 + rng.below(22))));
                }
                for _ in 0..samples / 2 {
                    let (low, high) = dense[rng.below(dense.len() as u64) as usize];
                    check(rng.uniform(low, high));
                }
                for _ in 0..samples / 8 {
                    let (low, high) = dense[rng.below(dense.len() as u64) as usize];
                    let x = match rng.below(2) {
                        0 => rng.number(domain.0, domain.1),
                        _ => rng.uniform(low, high),
                    };
                    if let Some(x) = below_power(recipe, x, monotone, &mut rng) {
                        check(x);
                    }
                }
                self::monotone(effort, part, recipe, seams, monotone, &mut found);
            }
            Kind::Two { recipe, reference, draw } => {
                let mut check = |(x, y): (f64, f64)| {
                    let error = ulp_error(recipe(x, y), &reference(&mut references, x, y));
                    found.note(error, (x, y));
                };
                if part == 0 {
                    SPECIAL.into_iter().for_each(|x| SPECIAL.into_iter().for_each(|y| check((x, y))));
                }
                for _ in 0..samples {
                    check(draw(&mut rng));
                }
            }
        }
        found
    }
}

/// Compares neighbouring results on pieces where a function is monotone: around its seams in the first part of the work, and at random.
pub fn monotone(
    effort: Effort,
    part: u64,
    recipe: &fn(f64) -> f64,
    seams: &[f64],
    pieces: &[(f64, f64, Direction)],
    found: &mut Found,
) {
    let mut rng = Rng(0xface + part);
    let mut compare = |x: f64, direction: Direction| {
        let next = neighbour(x, 1);
        let (a, b) = (recipe(x), recipe(next));
        let ordered = if direction == Direction::Up { a <= b } else { a >= b };
        found.pairs += 1;
        if !ordered {
            found.violations += 1;
            found.violation = x;
        }
    };
    for &(low, high, direction) in pieces {
        if part == 0 {
            for &seam in seams {
                let reach = effort.neighbours * 50;
                for x in (-reach..=reach).map(|steps| neighbour(seam, steps)) {
                    if low <= x && x < high {
                        compare(x, direction);
                    }
                }
            }
        }
        for _ in 0..effort.pairs / effort.threads / pieces.len() as u64 / 2 {
            let x = rng.number(low, neighbour(high, -1));
            compare(x, direction);
            // The bulk of a function lies at moderate arguments, which are rare among all exponents.
            let x = rng.uniform(low.max(-40.0).min(high), high.min(40.0).max(low));
            if low <= x && x < high {
                compare(x, direction);
            }
        }
    }
}
