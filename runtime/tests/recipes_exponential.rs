//! Exponentials, logarithms, powers, hyperbolic functions and the cube root: errors, special values, exact cases,
//! seams, and the agreement of `pow_const` with `pow`.

#[path = "../examples/ulp/exponential.rs"]
mod exponential;
mod support;

use nc_runtime::lanes::Scalar;
use nc_runtime::recipes::{cbrt, exp, hyperbolic, log, pow};
use support::{Effort, Rng, SPECIAL, ulp_error};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[test]
fn errors_stay_below_one_ulp_and_functions_are_monotone() {
    let effort = Effort { samples: 3_000, pairs: 100_000, neighbours: 1, threads: 2 };
    for row in exponential::rows() {
        let found = row.measure(effort);
        assert!(found.max_ulp <= 1.0, "{}: {} ULP at {:?}", row.name, found.max_ulp, found.at);
        assert_eq!(found.violations, 0, "{}: not monotone at {:e}", row.name, found.violation);
    }
}

/// Results just below a power of two, where a unit in the last place is small beside the rounding of an intermediate one: the
/// bounds are those that the recipes document. `NC_SAMPLES` draws more than a few thousand.
#[test]
fn results_of_long_runs_of_ones() {
    type Inverse = fn(f64) -> f64;
    let functions: [(&str, Inverse, [i32; 2], f64); 9] = [
        // The function, its inverse, exponents of results, the largest error.
        ("exp", f64::ln, [-40, 40], 0.91),
        ("exp2", f64::log2, [-40, 40], 0.92),
        ("expm1", f64::ln_1p, [-8, 12], 0.97),
        ("sinh", f64::asinh, [-8, 12], 0.93),
        ("cosh", f64::acosh, [1, 12], 0.95),
        ("log", f64::exp, [-8, 9], 0.9),
        ("log2", f64::exp2, [-8, 9], 0.8),
        ("log10", |y| 10f64.powf(y), [-8, 8], 0.9),
        ("log1p", f64::exp_m1, [-8, 9], 0.9),
    ];
    let samples = std::env::var("NC_SAMPLES").ok().and_then(|n| n.parse().ok()).unwrap_or(500);
    let (mut references, mut rng) = (support::Big::new(), Rng(11));
    for (name, inverse, [least, most], bound) in functions {
        let row = exponential::rows().into_iter().find(|row| row.name == name).expect("it is measured");
        let support::Kind::One { recipe, reference, .. } = &row.kind else {
            panic!("{name} has one operand")
        };
        let mut worst = (0f64, 0.0);
        let mut check = |x: f64| {
            let error = ulp_error(recipe(x), &reference(&mut references, x));
            if error > worst.0 {
                worst = (error, x);
            }
        };
        if name == "log2" {
            [1.4037335784200613, 1.4092553892714748].into_iter().for_each(&mut check);
        }
        for _ in 0..samples {
            let exponent = least + rng.below((most - least + 1) as u64) as i32;
            let size = 2f64.powi(exponent) * (1.0 - rng.unit() * 2f64.powi(-(rng.below(10) as i32)));
            let negative =
                matches!(name, "expm1" | "sinh" | "log" | "log2" | "log10" | "log1p") && rng.below(2) == 0;
            let x = inverse(if negative && !(name == "expm1" && size > 0.9) { -size } else { size });
            check(x);
        }
        println!("{name}: {:.4} ULP at {:e}", worst.0, worst.1);
        assert!(worst.0 <= bound, "{name}: {} ULP at {:e}", worst.0, worst.1);
    }
}

#[test]
fn special_values() {
    let l = Scalar::new();
    type Case = (&'static str, fn(&Scalar, f64) -> f64, [f64; 6]);
    let functions: [Case; 14] = [
        // NaN, ∞, −∞, +0, −0, −1
        ("exp", exp::exp, [NAN, INF, 0.0, 1.0, 1.0, 0.36787944117144233]),
        ("exp2", exp::exp2, [NAN, INF, 0.0, 1.0, 1.0, 0.5]),
        ("expm1", exp::expm1, [NAN, INF, -1.0, 0.0, -0.0, -0.6321205588285577]),
        ("log", log::log, [NAN, INF, NAN, -INF, -INF, NAN]),
        ("log2", log::log2, [NAN, INF, NAN, -INF, -INF, NAN]),
        ("log10", log::log10, [NAN, INF, NAN, -INF, -INF, NAN]),
        ("log1p", log::log1p, [NAN, INF, NAN, 0.0, -0.0, -INF]),
        ("sinh", hyperbolic::sinh, [NAN, INF, -INF, 0.0, -0.0, -1.1752011936438014]),
        ("cosh", hyperbolic::cosh, [NAN, INF, INF, 1.0, 1.0, 1.5430806348152437]),
        ("tanh", hyperbolic::tanh, [NAN, 1.0, -1.0, 0.0, -0.0, -0.7615941559557649]),
        ("asinh", hyperbolic::asinh, [NAN, INF, -INF, 0.0, -0.0, -0.881373587019543]),
        ("acosh", hyperbolic::acosh, [NAN, INF, NAN, NAN, NAN, NAN]),
        ("atanh", hyperbolic::atanh, [NAN, NAN, NAN, 0.0, -0.0, -INF]),
        ("cbrt", cbrt::cbrt, [NAN, INF, -INF, 0.0, -0.0, -1.0]),
    ];
    for (name, function, expected) in functions {
        for (x, expected) in [NAN, INF, -INF, 0.0, -0.0, -1.0].into_iter().zip(expected) {
            let y = function(&l, x);
            assert!(same(y, expected), "{name}({x}) = {y}");
        }
        // A negative or signalling NaN, or one with a full payload, is a NaN all the same.
        for bits in [0xfff8_0000_0000_0000, 0x7ff0_0000_0000_0001, u64::MAX, 0x7fff_ffff_ffff_ffff] {
            assert!(function(&l, f64::from_bits(bits)).is_nan(), "{name}({bits:#x})");
        }
    }
    assert!(same(log::log(&l, 1.0), 0.0));
    assert!(same(log::log1p(&l, -1.5), NAN));
    assert!(same(hyperbolic::acosh(&l, 1.0), 0.0) && same(hyperbolic::acosh(&l, 1f64.next_down()), NAN));
    assert!(same(hyperbolic::atanh(&l, 1.0), INF) && same(hyperbolic::atanh(&l, -1.5), NAN));
    for (x, b, expected) in [
        (0.0, 2.0, -INF),
        (-0.0, 0.5, INF),
        (1.0, 2.0, 0.0),
        (1.0, 0.5, -0.0),
        (INF, 2.0, INF),
        (2.0, INF, 0.0),
        (0.5, INF, -0.0),
        (2.0, 0.0, -0.0),
        (2.0, 1.0, INF),
        (0.5, 1.0, -INF),
        (1.0, 1.0, NAN),
        (INF, INF, NAN),
        (-1.0, 2.0, NAN),
        (2.0, -1.0, NAN),
        (NAN, 2.0, NAN),
        (2.0, NAN, NAN),
    ] {
        assert!(same(log::log_base(&l, x, b), expected), "log {x} to {b}");
    }
    assert!(!l.take_outside());
}

#[test]
fn exact_cases() {
    let l = Scalar::new();
    let mut power = 5e-324;
    for n in -1074..1024 {
        assert!(same(exp::exp2(&l, f64::from(n)), power), "2^{n}");
        assert!(same(log::log2(&l, power), f64::from(n)), "log2 of 2^{n}");
        if n % 3 == 0 {
            let root = exp::exp2(&l, f64::from(n / 3));
            assert!(same(cbrt::cbrt(&l, power), root), "cbrt of 2^{n}");
        }
        power *= 2.0;
    }
    let mut power = 1.0;
    for n in 0..=22 {
        assert!(same(log::log10(&l, power), f64::from(n)), "log10 of 10^{n}");
        assert!(same(log::log_base(&l, power, 10.0), f64::from(n)), "log of 10^{n} to 10");
        power *= 10.0;
    }
    let mut rng = Rng(1);
    for _ in 0..10_000 {
        let x = rng.below(208_063) as f64 - 104_031.0;
        assert!(same(cbrt::cbrt(&l, x * x * x), x), "cbrt of {x}^3");
        let x = rng.uniform(-1e3, 1e3);
        for (y, expected) in [(2.0, x * x), (1.0, x), (0.0, 1.0), (-1.0, 1.0 / x)] {
            assert!(same(pow::pow(&l, x, y), expected), "{x} ^ {y}");
        }
        assert!(same(pow::pow(&l, x, 0.5), x.sqrt()), "{x} ^ 0.5");
    }
    assert!(same(pow::pow(&l, 10.0, 22.0), 1e22));
    assert!(same(pow::pow(&l, -3.0, 33.0), -5559060566555523.0));
}

#[test]
fn pow_is_that_of_c_at_special_values() {
    let l = Scalar::new();
    let mut references = support::Big::new();
    let mut exponents = SPECIAL.to_vec();
    exponents.extend((-40..=40).map(|n| f64::from(n) * 0.5));
    exponents.extend([9007199254740991.0, -9007199254740991.0, 4503599627370495.5, 1e20]);
    for x in SPECIAL.into_iter().chain([4.0, -4.0, 0.9999999999999999, 1.0000000000000002]) {
        for &y in &exponents {
            let error = ulp_error(pow::pow(&l, x, y), &exponential::pow_reference(&mut references, x, y));
            assert!(error <= 1.0, "{x} ^ {y} = {}: {error} ULP", pow::pow(&l, x, y));
        }
    }
    assert!(same(pow::pow(&l, -INF, 0.5), INF));
    assert!(same(pow::pow(&l, -0.0, 0.5), 0.0));
    assert!(same(pow::pow(&l, -0.0, -3.0), -INF));
    assert!(same(pow::pow(&l, -1.0, -INF), 1.0));
}

#[test]
fn a_known_exponent_changes_no_bit() {
    let l = Scalar::new();
    let mut rng = Rng(7);
    let mut exponents = SPECIAL.to_vec();
    exponents.extend((-40..=40).map(|n| f64::from(n) * 0.5));
    exponents.extend([1.0 / 3.0, -0.1, 1e-3, 123.456, -77.0, 9007199254740991.0, 4503599627370495.5]);
    exponents.extend((0..50).map(|_| rng.uniform(-20.0, 20.0)));
    for y in exponents {
        let span = 2f64.powf((1090.0 / y.abs()).min(1023.0)).max(1.1);
        let check = |x: f64| {
            let (a, b) = (pow::pow(&l, x, y), pow::pow_const(&l, x, y));
            assert!(same(a, b), "{x:e} ^ {y}: {a:e} at run time, {b:e} known");
        };
        SPECIAL.into_iter().for_each(check);
        for _ in 0..4_000 {
            let x = match rng.below(3) {
                0 => rng.number(f64::MIN, f64::MAX),
                1 => rng.uniform(-4.0, 4.0),
                _ => rng.number(1.0 / span, span),
            };
            check(x);
            check(-x);
        }
    }
}
