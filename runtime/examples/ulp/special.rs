//! The recipes of special functions.

use crate::single::Two;
use crate::support::{Big, Direction, Expected, Found, Kind, RM, Rng, Row, big, special, ulp_error};
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
    const WAVES: &[(f64, f64)] = &[(1e-6, 2.0), (2.3, 2.5), (2.0, 8.0), (7.9, 8.1), (8.0, 60.0), (-9.0, 0.0)];
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
        bound: (0.5, 1.0),
    };
    vec![
        function(
            "lgamma",
            of!(gamma::lgamma),
            |b, x| special::lgamma(b, x).0,
            |x| gamma::digamma(&Scalar::new(), x),
            HALF_LINE,
        ),
        function(
            "digamma",
            of!(gamma::digamma),
            |b, x| special::polygamma(b, 0, x),
            |x| gamma::polygamma(&Scalar::new(), 1.0, x),
            HALF_LINE,
        ),
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
        function(
            "bessel_j0",
            of!(bessel::bessel_j0),
            |_, x| special::bessel(0, x),
            |x| bessel::bessel_j1(&Scalar::completing(), x),
            WAVES,
        ),
        function(
            "bessel_j1",
            of!(bessel::bessel_j1),
            |_, x| special::bessel(1, x),
            |x| {
                let l = &Scalar::completing();
                bessel::bessel_j0(l, x) - bessel::bessel_over(l, x, 1.0)
            },
            WAVES,
        ),
        function(
            "bessel_over 1",
            of!(bessel::bessel_over, 1.0),
            |_, x| special::bessel(1, x).div(x, 320, RM),
            |x| x * bessel::bessel_over(&Scalar::completing(), x, 2.0),
            WAVES,
        ),
        function(
            "spherical_over 1",
            of!(bessel::spherical_over, 1.0),
            |b, x| special::sinc(b, x).1.div(x, 320, RM).neg(),
            |x| x * bessel::spherical_over(&Scalar::completing(), x, 2.0),
            WAVES,
        ),
    ]
}

impl Conditioned {
    /// The largest share of its bound that an error takes, in binary64 and binary32, and where.
    pub fn measure(&self, samples: u64, seed: u64) -> [Found; 2] {
        let mut found = [Found::default(), Found::default()];
        let (mut rng, mut references) = (Rng(seed), Big::new());
        for _ in 0..samples {
            let (low, high) = self.ranges[rng.below(self.ranges.len() as u64) as usize];
            let x = rng.uniform(low, high);
            if x == 0.0 || x < 0.0 && x.floor() == x {
                continue;
            }
            let single = x as f32;
            let reference = (self.reference)(&mut references, &big(x));
            let rough = (self.double)(x);
            let condition = (x * (self.slope)(x) / rough).abs();
            let bound = self.bound.0 * condition + self.bound.1;
            let error = ulp_error(rough, &Expected::Near(reference));
            found[0].note(error / bound, (x, 0.0));
            if single < 0.0 && single.floor() == single {
                continue;
            }
            // The function in binary64 is right to far more than a unit of binary32.
            let x = f64::from(single);
            let (expected, y) = ((self.double)(x), f64::from((self.single)(single)));
            let condition = (x * (self.slope)(x) / expected).abs();
            let bound = self.bound.0 * condition + self.bound.1;
            let unit = 2f64.powf((expected.abs().log2().floor() - 23.0).max(-149.0));
            let error =
                if y.is_infinite() && expected.abs() > 3.4e38 { 0.0 } else { (y - expected).abs() / unit };
            found[1].note(error / bound, (x, 0.0));
        }
        found
    }
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
