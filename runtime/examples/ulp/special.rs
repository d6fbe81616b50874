//! The recipes of special functions.

use crate::single::Two;
use crate::support::{
    Big, Direction, Effort, Expected, Found, Kind, RM, Rng, Row, below_power, big, monotone, neighbour,
    special, ulp_error,
};
use astro_float::BigFloat;
use nc_runtime::lanes::{Lanes, Scalar, Scalar32};
use nc_runtime::recipes::full_range::Number;
use nc_runtime::recipes::{bessel, erf, gamma, lambert};

const INF: f64 = f64::INFINITY;

/// A special value, or a reference.
fn at(x: f64, special: fn(f64) -> Option<f64>, near: impl FnOnce(&BigFloat) -> BigFloat) -> Expected {
    match special(x) {
        Some(y) => Expected::Exactly(y),
        None => Expected::Near(near(&big(x))),
    }
}

/// The rows of functions that are right to 1 ULP, in binary64.
pub fn rows() -> Vec<Row> {
    use Direction::{Down, Up};
    let row = |name, recipe, reference, domain, dense: &[(f64, f64)], seams: &[f64], monotone: &[_]| Row {
        name,
        kind: Kind::One {
            recipe,
            reference,
            domain,
            dense: dense.to_vec(),
            seams: seams.to_vec(),
            monotone: monotone.to_vec(),
        },
    };
    vec![
        row(
            "erfc",
            |x| erf::erfc(&Scalar::new(), x),
            |b, x| {
                let special = |x: f64| match x {
                    _ if x.is_nan() => Some(x),
                    _ if x > 30.0 => Some(0.0),
                    _ if x < -7.0 => Some(2.0),
                    _ if x.abs() < 1e-30 => Some(1.0),
                    _ => None,
                };
                at(x, special, |x| special::erfc(b, x))
            },
            (-INF, INF),
            &[(-6.0, 6.0), (-1.0, 1.0), (0.4, 0.6), (1.0, 27.3)],
            &[0.0, 0.5, -0.5, 26.543, 27.2, 28.0, 3.75],
            &[(-30.0, 30.0, Down)],
        ),
        row(
            "normal_cdf",
            |x| erf::normal_cdf(&Scalar::new(), x),
            |b, x| {
                let special = |x: f64| match x {
                    _ if x.is_nan() => Some(x),
                    _ if x > 10.0 => Some(1.0),
                    _ if x < -39.0 => Some(0.0),
                    _ if x.abs() < 1e-30 => Some(0.5),
                    _ => None,
                };
                at(x, special, |x| special::normal_cdf(b, x))
            },
            (-INF, INF),
            &[(-6.0, 6.0), (-1.0, 1.0), (-38.4, -1.0)],
            &[0.0, std::f64::consts::FRAC_1_SQRT_2, -std::f64::consts::FRAC_1_SQRT_2, -37.5, -38.5, -39.5],
            &[(-40.0, 40.0, Up)],
        ),
        row(
            "normal_pdf",
            |x| erf::normal_pdf(&Scalar::new(), x),
            |b, x| {
                let special = |x: f64| match x {
                    _ if x.is_nan() => Some(x),
                    _ if x.abs() > 39.0 => Some(0.0),
                    _ => None,
                };
                at(x, special, |x| special::normal_pdf(b, x))
            },
            (-INF, INF),
            &[(-6.0, 6.0), (-1.0, 1.0), (-38.5, 38.5)],
            &[0.0, 1.0, 37.5, 38.56],
            &[(0.0, 40.0, Down)],
        ),
        row(
            "sinc",
            |x| f64::wholly(|l| bessel::sinc(l, x)),
            |b, x| {
                let special = |x: f64| match x {
                    _ if x.is_nan() => Some(x),
                    _ if x.is_infinite() => Some(0.0),
                    _ if x.abs() < 1e-30 => Some(1.0),
                    _ => None,
                };
                at(x, special, |x| special::sinc(b, x).0)
            },
            (-1e15, 1e15),
            &[(-1.0, 1.0), (-20.0, 20.0), (-1e5, 1e5)],
            &[1e-9, -1e-9, std::f64::consts::FRAC_PI_4, std::f64::consts::PI],
            &[(0.0, 4.4, Down)],
        ),
        row(
            "gamma",
            |x| gamma::gamma(&Scalar::new(), x),
            |b, x| {
                let special = |x: f64| match x {
                    _ if x.is_nan() => Some(x),
                    _ if x == 0.0 => Some(INF.copysign(x)),
                    _ if x > 180.0 => Some(INF),
                    _ if x < 0.0 && x.floor() == x => Some(f64::NAN),
                    _ if x < -200.0 => Some(if x.floor() % 2.0 == 0.0 { 0.0 } else { -0.0 }),
                    _ => None,
                };
                at(x, special, |x| special::gamma(b, x))
            },
            (-184.0, INF),
            &[(0.0, 3.0), (-3.0, 0.0), (1.0, 2.0), (3.0, 171.7), (-180.0, -3.0)],
            &[8.0, -0.5, 1.0, 2.0, 171.624_376_956_302_7, 2f64.powi(-60), -2f64.powi(-60)],
            // Near the minimum it is flat.
            &[(2.0, 180.0, Up), (1e-300, 1.0, Down)],
        ),
        row(
            "lambert_w",
            |x| lambert::lambert_w(&Scalar::new(), x),
            |b, x| {
                let special = |x: f64| match x {
                    _ if x.is_nan() || x == 0.0 || x == INF => Some(x),
                    _ if x < -0.367_879_441_171_442_3 => Some(f64::NAN),
                    _ if x.abs() < 1e-60 => Some(x),
                    _ => None,
                };
                at(x, special, |_| special::lambert(b, &big(x), lambert::lambert_w(&Scalar::new(), x)))
            },
            (-0.367_879_441_171_442_3, INF),
            &[(-0.367_879_441_171_442_3, -0.3), (-0.3, 0.3), (0.0, 10.0), (10.0, 1e6)],
            &[
                -0.15,
                1.5,
                2f64.powi(-20),
                -2f64.powi(-20),
                -0.356_383_208_634_834_8,
                -0.367_879_441_171_442_3,
            ],
            // Far out neighbours have results closer than errors.
            &[(-0.367_879_441_171_442_3, 10.0, Up)],
        ),
        row(
            "lambert_wm1",
            |x| lambert::lambert_wm1(&Scalar::new(), x),
            |b, x| {
                let special = |x: f64| match x {
                    _ if !(-0.367_879_441_171_442_3..=0.0).contains(&x) => Some(f64::NAN),
                    _ if x == 0.0 => Some(-INF),
                    _ => None,
                };
                at(x, special, |_| special::lambert(b, &big(x), lambert::lambert_wm1(&Scalar::new(), x)))
            },
            (-0.367_879_441_171_442_3, -1e-300),
            &[(-0.367_879_441_171_442_3, -0.3), (-0.3, -1e-3), (-1e-3, -1e-9)],
            &[-0.15, -0.356_383_208_634_834_8, -0.367_879_441_171_442_3],
            &[(-0.367_879_441_171_442_3, -1e-2, Down)],
        ),
    ]
}

/// A function whose bound is 1 ULP and half of one for each unit of its condition number.
pub struct Conditioned {
    /// Its name.
    pub name: &'static str,
    /// The recipe in binary64, and in binary32.
    pub double: fn(f64) -> f64,
    /// In binary32.
    pub single: fn(f32) -> f32,
    /// The reference.
    pub reference: fn(&mut Big, &BigFloat) -> BigFloat,
    /// Its derivative, roughly.
    pub slope: fn(f64) -> f64,
    /// Where it is tried, uniformly.
    pub ranges: &'static [(f64, f64)],
    /// Where it is tried, every number being equally likely, and with the other sign if that is in a range.
    pub numbers: (f64, f64),
    /// Arguments whose neighbours are tried: zeros, and where the method changes.
    pub seams: &'static [f64],
    /// Intervals on which it is monotone, and not flat.
    pub monotone: &'static [(f64, f64, Direction)],
    /// Units for each unit of the condition number, and beside them.
    pub bound: (f64, f64),
}

/// The functions with zeros, and families that derivatives are made of.
pub fn conditioned() -> Vec<Conditioned> {
    const HALF_LINE: &[(f64, f64)] = &[
        (1e-6, 1.0),
        (0.9, 1.1),
        (1.3, 1.6),
        (1.9, 2.1),
        (2.0, 9.0),
        (9.0, 1e3),
        (1e3, 1e8),
        (-0.5, -1e-6),
        (-3.0, -0.5),
        (-60.0, -3.0),
    ];
    const WAVES: &[(f64, f64)] =
        &[(1e-6, 2.0), (2.3, 2.5), (2.0, 8.0), (7.9, 8.1), (8.0, 60.0), (60.0, 1e5), (-9.0, 0.0)];
    use Direction::{Down, Up};
    macro_rules! of {
        ($recipe:path $(, $order:literal)?) => {
            (
                |x| f64::wholly(|l: &Scalar| $recipe(l, x $(, l.f($order))?)),
                |x| f32::wholly(|l: &Scalar32| $recipe(l, x $(, l.f($order))?)),
            )
        };
    }
    macro_rules! polygamma {
        ($order:literal) => {
            (
                |x| gamma::polygamma(&Scalar::new(), $order, x),
                |x| gamma::polygamma(&Scalar32::new(), $order, x),
            )
        };
    }
    type Pair = (fn(f64) -> f64, fn(f32) -> f32);
    let function = |name, (double, single): Pair, reference, slope, ranges| Conditioned {
        name,
        double,
        single,
        reference,
        slope,
        ranges,
        numbers: (1e-20, 1e15),
        seams: &[],
        monotone: &[],
        bound: (0.5, 1.0),
    };
    vec![
        Conditioned {
            numbers: (1e-300, 2.5e305),
            seams: &[1.0, 2.0, 8.0, -0.5, -1.25, -1.75, -2.457_024_738_220_800_6, -2.747_682_646_727_412_6],
            monotone: &[(2.0, 2.5e305, Up), (1e-300, 1.4, Down), (-0.4, -1e-300, Up)],
            ..function(
                "lgamma",
                of!(gamma::lgamma),
                |b, x| special::lgamma(b, x).0,
                |x| gamma::digamma(&Scalar::new(), x),
                HALF_LINE,
            )
        },
        Conditioned {
            numbers: (1e-150, 1e300),
            seams: &[
                8.0,
                -0.5,
                -1.25,
                -1.75,
                1.461_632_144_968_362_3,
                -0.504_083_008_264_455_4,
                8.673_617_379_884_035e-19,
            ],
            monotone: &[(1.4, 50.0, Up), (1e-150, 1.4, Up), (-0.9, -1e-150, Up)],
            ..function(
                "digamma",
                of!(gamma::digamma),
                |b, x| special::polygamma(b, 0, x),
                |x| gamma::polygamma(&Scalar::new(), 1.0, x),
                HALF_LINE,
            )
        },
        Conditioned {
            bound: (0.5, 3.0),
            ..function(
                "polygamma 1",
                polygamma!(1.0),
                |b, x| special::polygamma(b, 1, x),
                |x| gamma::polygamma(&Scalar::new(), 2.0, x),
                HALF_LINE,
            )
        },
        Conditioned {
            bound: (0.5, 3.0),
            ..function(
                "polygamma 2",
                polygamma!(2.0),
                |b, x| special::polygamma(b, 2, x),
                |x| gamma::polygamma(&Scalar::new(), 3.0, x),
                HALF_LINE,
            )
        },
        Conditioned {
            bound: (0.5, 3.0),
            ..function(
                "polygamma 10",
                polygamma!(10.0),
                |b, x| special::polygamma(b, 10, x),
                |x| gamma::polygamma(&Scalar::new(), 11.0, x),
                HALF_LINE,
            )
        },
        Conditioned {
            seams: &[8.0, 2.404_825_557_695_773, 5.520_078_110_286_311, 8.653_727_912_911_012],
            monotone: &[(1.0, 3.6, Down), (4.1, 6.8, Up), (7.3, 9.9, Down)],
            ..function(
                "bessel_j0",
                of!(bessel::bessel_j0),
                |b, x| special::bessel(b, 0, x),
                |x| bessel::bessel_j1(&Scalar::completing(), x),
                WAVES,
            )
        },
        Conditioned {
            numbers: (1e-300, 1e15),
            seams: &[8.0, 3.831_705_970_207_512_3, 7.015_586_669_815_619, 1e-100],
            monotone: &[(1e-300, 1.5, Up), (2.1, 5.0, Down), (5.7, 8.2, Up), (8.9, 11.4, Down)],
            ..function(
                "bessel_j1",
                of!(bessel::bessel_j1),
                |b, x| special::bessel(b, 1, x),
                |x| {
                    let l = &Scalar::completing();
                    bessel::bessel_j0(l, x) - bessel::bessel_over(l, x, 1.0)
                },
                WAVES,
            )
        },
        function(
            "bessel_over 1",
            of!(bessel::bessel_over, 1.0),
            |b, x| special::bessel(b, 1, x).div(x, 320, RM),
            |x| x * bessel::bessel_over(&Scalar::completing(), x, 2.0),
            WAVES,
        ),
        Conditioned {
            // The series ends at 2, where its terms are largest.
            seams: &[2.0, 1.883_504_134_906_098, 1.734_680_414_199_829],
            ..function(
                "spherical_over 1",
                of!(bessel::spherical_over, 1.0),
                |b, x| special::sinc(b, x).1.div(x, 320, RM).neg(),
                |x| x * bessel::spherical_over(&Scalar::completing(), x, 2.0),
                WAVES,
            )
        },
    ]
}

impl Conditioned {
    /// One part of the work: the largest share of its bound that an error takes, in binary64 and binary32, and where. Pairs of neighbours
    /// are compared in binary64.
    pub fn measure(&self, effort: Effort, part: u64) -> [Found; 2] {
        let mut found = [Found::default(), Found::default()];
        let (mut rng, mut references) = (Rng(0x5eed + part), Big::new());
        let samples = effort.samples / effort.threads;
        if part == 0 {
            for &seam in self.seams {
                for steps in -effort.neighbours..=effort.neighbours {
                    self.check(neighbour(seam, steps), &mut references, &mut found);
                }
            }
        }
        for k in 0..samples {
            let (low, high) = self.ranges[rng.below(self.ranges.len() as u64) as usize];
            let drawn = match k % 4 {
                0 => rng.number(self.numbers.0, self.numbers.1),
                _ => rng.uniform(low, high),
            };
            let opposite =
                k % 8 == 0 && self.ranges.iter().any(|(low, high)| *low <= -drawn && -drawn <= *high);
            let x = if opposite { -drawn } else { drawn };
            self.check(x, &mut references, &mut found);
            if k % 8 == 1
                && let Some(x) = below_power(&self.double, x, self.monotone, &mut rng)
            {
                self.check(x, &mut references, &mut found);
            }
        }
        if !self.monotone.is_empty() {
            monotone(effort, part, &self.double, self.seams, self.monotone, &mut found[0]);
        }
        found
    }

    /// Notes the errors at an argument, and at the nearest number of binary32, in parts of their bounds.
    fn check(&self, x: f64, references: &mut Big, found: &mut [Found; 2]) {
        if x == 0.0 || x < 0.0 && x.floor() == x {
            return;
        }
        let bound = |x: f64, value: f64| {
            let condition = (x * (self.slope)(x) / value).abs();
            self.bound.0 * condition + self.bound.1
        };
        let share = |error: f64, bound: f64| if error == 0.0 { 0.0 } else { error / bound };
        let reference = (self.reference)(references, &big(x));
        let rough = (self.double)(x);
        let error = ulp_error(rough, &Expected::Near(reference));
        found[0].note(share(error, bound(x, rough)), (x, 0.0));
        let single = x as f32;
        if single == 0.0 || single.is_infinite() || single < 0.0 && single.floor() == single {
            return;
        }
        // The function in binary64 is right to far more than a unit of binary32.
        let x = f64::from(single);
        let (expected, y) = ((self.double)(x), f64::from((self.single)(single)));
        let unit = 2f64.powf((expected.abs().log2().floor() - 23.0).max(-149.0));
        let beyond = y.is_infinite() && y.signum() == expected.signum() && expected.abs() > 3.4e38;
        let error = if y == expected || beyond { 0.0 } else { (y - expected).abs() / unit };
        found[1].note(share(error, bound(x, expected)), (x, 0.0));
    }
}

/// A function where its method changes.
#[allow(dead_code, reason = "the test tries them")]
pub struct Seams {
    /// Its name.
    pub name: &'static str,
    /// The recipe in binary64.
    pub double: fn(f64) -> f64,
    /// In binary32.
    pub single: fn(f32) -> f32,
    /// The seam in binary64 and in binary32, how the function moves there, and whether it is so flat there that neighbours differ by less
    /// than a quarter of a unit.
    pub seams: Vec<(f64, f32, Direction, bool)>,
}

/// The seams of all special functions: ends of the ranges of series, of shifts and reflections, turns by a quarter, and where results
/// become subnormal, zero or infinite.
#[allow(dead_code, reason = "the test tries them")]
pub fn seams() -> Vec<Seams> {
    use Direction::{Down, Up};
    macro_rules! function {
        ($name:literal, $recipe:path, $seams:expr) => {
            Seams {
                name: $name,
                double: |x| f64::wholly(|l| $recipe(l, x)),
                single: |x| f32::wholly(|l| $recipe(l, x)),
                seams: $seams,
            }
        };
    }
    let both = |x: f64, direction| (x, x as f32, direction, false);
    let own = |double: f64, single: f32, direction| (double, single, direction, false);
    let flat = |x: f64, direction| (x, x as f32, direction, true);
    // Between two powers of two of an exponential.
    let powers = [0.5, 1.5, 2.5, 7.5, 30.5].map(|k: f64| k * std::f64::consts::LN_2);
    let quarters =
        |first: u32, last: u32| (first..=last).map(|k| f64::from(2 * k + 1) * std::f64::consts::FRAC_PI_4);
    let tiny = own(2f64.powi(-60), 2f32.powi(-28), Down);
    let root_half = std::f64::consts::FRAC_1_SQRT_2;
    vec![
        function!("erfc", erf::erfc, {
            let ends = [own(28.0, 11.0, Down), own(26.543, 9.194, Down), own(27.226, 10.054, Down)];
            let near = [both(0.5, Down), both(-0.5, Down), both(0.0, Down)];
            let turns = powers.iter().flat_map(|p| [both(p.sqrt(), Down), both(-p.sqrt(), Down)]);
            ends.into_iter().chain(near).chain(turns).collect()
        }),
        function!("normal-cdf", erf::normal_cdf, {
            let ends = [own(-39.5, -15.5, Up), own(-37.519, -12.96, Up), own(-38.467, -14.17, Up)];
            let near = [both(root_half, Up), both(-root_half, Up), both(0.0, Up)];
            let turns = powers.iter().flat_map(|p| [both((2.0 * p).sqrt(), Up), both(-(2.0 * p).sqrt(), Up)]);
            ends.into_iter().chain(near).chain(turns).collect()
        }),
        function!("normal-pdf", erf::normal_pdf, {
            let ends = [own(39.5, 15.5, Down), own(37.61, 13.2, Down), own(38.56, 14.36, Down)];
            let scale = 0.5 * std::f64::consts::TAU.ln();
            let turns = powers[1..].iter().map(|p| (2.0 * (p - scale)).sqrt());
            ends.into_iter().chain(turns.flat_map(|x| [both(x, Down), both(-x, Up)])).collect()
        }),
        function!("sinc", bessel::sinc, {
            let near = [own(1e-9, 1e-5, Down), own(-1e-9, -1e-5, Up)];
            let falling = quarters(0, 2).flat_map(|x| [both(x, Down), both(-x, Up)]);
            let rising = quarters(3, 4).flat_map(|x| [both(x, Up), both(-x, Down)]);
            near.into_iter().chain(falling).chain(rising).collect()
        }),
        function!("gamma", gamma::gamma, {
            let ends = [tiny, (-tiny.0, -tiny.1, Down, false), own(171.624_376_956_302_7, 35.040_096, Up)];
            // The maximum between −1 and 0 is near −½.
            let reflected =
                [flat(-0.5, Down), both(-1.25, Up), both(-1.75, Down), both(-2.25, Down), both(-2.75, Up)];
            ends.into_iter().chain([own(8.0, 4.0, Up)]).chain(reflected).collect()
        }),
        function!("lgamma", gamma::lgamma, {
            let ends = [own(2.556_348e305, 4.085_0e36, Up), own(2.6e305, 4.1e36, Up)];
            let near = [own(8.0, 4.0, Up), both(1.0, Down), both(2.0, Up), flat(-0.5, Up)];
            let reflected = [both(-1.25, Up), both(-1.75, Down), both(-2.25, Up), both(-2.75, Down)];
            ends.into_iter().chain(near).chain(reflected).collect()
        }),
        function!("digamma", gamma::digamma, {
            let tiny = [(tiny.0, tiny.1, Up, false), (-tiny.0, -tiny.1, Up, false)];
            let far = (2f64.powi(60), 2f32.powi(30), Up, true);
            let reflected = [-0.5, -1.25, -1.75, -2.25, -2.75].map(|x| both(x, Up));
            tiny.into_iter().chain([far, own(8.0, 4.0, Up)]).chain(reflected).collect()
        }),
        function!("bessel-j0", bessel::bessel_j0, {
            // The angle is 0 where J₀² = Y₀².
            let turned = [both(9.437_947_508_934_144, Down), both(11.006_883_217_523_514, Up)];
            let quarters =
                [(5, Down), (7, Up), (9, Down)].map(|(k, direction)| (quarters(k, k).sum(), direction));
            let own = quarters.map(|(x, direction)| both(x, direction));
            turned.into_iter().chain([both(8.0, Down), both(-8.0, Up)]).chain(own).collect()
        }),
        function!("bessel-j1", bessel::bessel_j1, {
            let turned = [both(9.385_014_348_421_684, Down), both(10.961_485_933_142_825, Down)];
            let near = [own(1e-100, 1e-12, Up), own(-1e-100, -1e-12, Up), both(8.0, Up), both(-8.0, Up)];
            let quarters = [(6, Down), (8, Up)].map(|(k, direction)| (quarters(k, k).sum(), direction));
            let own = quarters.map(|(x, direction)| both(x, direction));
            turned.into_iter().chain(near).chain(own).collect()
        }),
        function!("lambert-w", lambert::lambert_w, {
            let near = [own(2f64.powi(-20), 2f32.powi(-10), Up), own(-2f64.powi(-20), -2f32.powi(-10), Up)];
            let rest = [-0.367_879_441_171_442_3, -0.356_383_208_634_834_8, -0.15, 0.0, 1.0, 1.5]
                .map(|x| both(x, Up));
            near.into_iter().chain(rest).collect()
        }),
        function!("lambert-wm1", lambert::lambert_wm1, {
            [-0.367_879_441_171_442_3, -0.356_383_208_634_834_8, -0.15].map(|x| both(x, Down)).to_vec()
        }),
    ]
}

/// The functions of [`rows`] in binary32, as `single::ones` lists others.
pub fn singles() -> Vec<Two> {
    macro_rules! two {
        ($name:literal, $recipe:path, $low:expr, $high:expr) => {
            Two {
                name: $name,
                recipe: |x, _| f32::wholly(|l| $recipe(l, x)),
                reference: |x, _| f64::wholly(|l| $recipe(l, x)),
                draw: |rng| (rng.uniform($low, $high) as f32, 0.0),
            }
        };
    }
    vec![
        two!("erfc", erf::erfc, -5.0, 10.2),
        two!("normal_cdf", erf::normal_cdf, -14.5, 6.0),
        two!("normal_pdf", erf::normal_pdf, -14.5, 14.5),
        two!("sinc", bessel::sinc, -1e4, 1e4),
        two!("gamma", gamma::gamma, -34.0, 36.0),
        two!("lambert_w", lambert::lambert_w, -0.3678, 20.0),
        two!("lambert_wm1", lambert::lambert_wm1, -0.3678, -1e-6),
    ]
}

/// A function in both formats, with its values at NaN, ±∞, ±0 and ±1.
type SpecialValues = (&'static str, fn(f64) -> f64, fn(f32) -> f32, [f64; 7]);

/// The functions of [`rows`] and [`conditioned`] in both formats, for special values.
#[allow(dead_code, reason = "the test tries them")]
pub const SPECIAL_VALUES: &[SpecialValues] = {
    macro_rules! values {
        ($name:literal, $recipe:path, $values:expr) => {
            ($name, |x| f64::wholly(|l| $recipe(l, x)), |x| f32::wholly(|l| $recipe(l, x)), $values)
        };
    }
    const NAN: f64 = f64::NAN;
    // NaN, ∞, −∞, +0, −0, 1, −1
    &[
        values!(
            "erfc",
            erf::erfc,
            [NAN, 0.0, 2.0, 1.0, 1.0, 0.157_299_207_050_285_13, 1.842_700_792_949_715]
        ),
        values!(
            "normal_cdf",
            erf::normal_cdf,
            [NAN, 1.0, 0.0, 0.5, 0.5, 0.841_344_746_068_542_9, 0.158_655_253_931_457_05]
        ),
        values!(
            "normal_pdf",
            erf::normal_pdf,
            [
                NAN,
                0.0,
                0.0,
                0.398_942_280_401_432_7,
                0.398_942_280_401_432_7,
                0.241_970_724_519_143_37,
                0.241_970_724_519_143_37
            ]
        ),
        values!(
            "sinc",
            bessel::sinc,
            [NAN, 0.0, 0.0, 1.0, 1.0, 0.841_470_984_807_896_5, 0.841_470_984_807_896_5]
        ),
        values!("gamma", gamma::gamma, [NAN, INF, NAN, INF, -INF, 1.0, NAN]),
        values!("lgamma", gamma::lgamma, [NAN, INF, INF, INF, INF, 0.0, INF]),
        values!("digamma", gamma::digamma, [NAN, INF, NAN, -INF, INF, -0.577_215_664_901_532_9, NAN]),
        values!(
            "bessel_j0",
            bessel::bessel_j0,
            [NAN, 0.0, 0.0, 1.0, 1.0, 0.765_197_686_557_966_6, 0.765_197_686_557_966_6]
        ),
        values!(
            "bessel_j1",
            bessel::bessel_j1,
            [NAN, 0.0, -0.0, 0.0, -0.0, 0.440_050_585_744_933_5, -0.440_050_585_744_933_5]
        ),
        values!("lambert_w", lambert::lambert_w, [NAN, INF, NAN, 0.0, -0.0, 0.567_143_290_409_783_8, NAN]),
        values!("lambert_wm1", lambert::lambert_wm1, [NAN, NAN, NAN, -INF, -INF, NAN, NAN]),
    ]
};
