//! Complex arithmetic: errors, special values, symmetries, seams, and agreement with `num-complex` in branches and
//! signs.

#[path = "../examples/ulp/complex.rs"]
mod complex_rows;
#[allow(dead_code, reason = "the functions of real numbers have a test of their own")]
#[path = "../examples/ulp/single.rs"]
mod single;
mod support;

use nc_runtime::lanes::{Precision, Scalar, Scalar32};
use nc_runtime::recipes::{complex, exp, full_range, trig};
use num_complex::Complex64;
use single::ulp_error as single_error;
use support::{Effort, Rng, SPECIAL};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn same_single(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn exponential(x: f64, y: f64) -> [f64; 2] {
    [full_range::exp_cos(x, y), full_range::exp_sin(x, y)]
}

fn root(x: f64, y: f64) -> [f64; 2] {
    let l = Scalar::new();
    [complex::root_re(&l, x, y), complex::root_im(&l, x, y)]
}

fn quotient([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
    let l = Scalar::new();
    [complex::quotient_re(&l, a, b, c, d), complex::quotient_im(&l, a, b, c, d)]
}

/// Units in the last place that a component may be off.
fn limit(name: &str) -> f64 {
    match name {
        "exp_cos" | "exp_sin" | "root_re" | "root_im" => 2.0,
        _ => 1.0,
    }
}

#[test]
fn errors_of_components() {
    let effort = Effort { samples: 6_000, pairs: 0, neighbours: 1, threads: 2 };
    for row in complex_rows::rows() {
        let found = row.measure(effort);
        assert!(found.max_ulp <= limit(row.name), "{}: {} ULP at {:?}", row.name, found.max_ulp, found.at);
    }
    for function in complex_rows::singles() {
        let special = SPECIAL.map(|x| x as f32);
        for x in special {
            for y in special {
                let error = single_error((function.recipe)(x, y), (function.reference)(x.into(), y.into()));
                assert!(error <= limit(function.name), "{}({x:e}, {y:e}): {error} ULP", function.name);
            }
        }
        let found = function.sample(&mut Rng(2), 100_000);
        assert!(
            found.max_ulp <= limit(function.name),
            "{}: {} ULP at {:?}",
            function.name,
            found.max_ulp,
            found.at
        );
    }
}

#[test]
fn errors_of_vectors() {
    let effort = Effort { samples: 6_000, pairs: 0, neighbours: 1, threads: 2 };
    for function in complex_rows::fours() {
        for precision in [Precision::Double, Precision::Single] {
            let found = function.measure(precision, false, effort);
            assert!(
                found.max_ulp <= 4.0,
                "{} {precision}: {} at {:?}",
                function.names[0],
                found.max_ulp,
                found.at
            );
        }
    }
    // The components of a quotient are accurate by themselves, those of a product are not.
    let division = complex_rows::fours().into_iter().find(|function| function.names[0] == "division");
    let division = division.expect("it is there");
    for precision in [Precision::Double, Precision::Single] {
        let found = division.measure(precision, true, effort);
        assert!(found.max_ulp <= 4.0, "{precision}: {} at {:?}", found.max_ulp, found.at);
    }
}

/// `(1 − t²/2)² + t² = 1 + t⁴/4`, with every number exact.
#[test]
fn logarithms_next_to_the_unit_circle() {
    for j in 1..=26 {
        let t = 2f64.powi(-j);
        let x = 1.0 - t * t / 2.0;
        let log = (2f64.powi(-4 * j - 2)).ln_1p() / 2.0;
        for (x, y) in [(x, t), (-t, x)] {
            assert!(same(complex::log_hypot(&Scalar::new(), x, y), log), "{x:e} {y:e}");
        }
    }
    for j in 1..=11 {
        let t = 2f32.powi(-j);
        let x = 1.0 - t * t / 2.0;
        let log = ((2f64.powi(-4 * j - 2)).ln_1p() / 2.0) as f32;
        let found = complex::log_hypot(&Scalar32::new(), x, -t);
        assert!(same_single(found, log), "{x:e} {t:e}: {found:e} instead of {log:e}");
    }
}

#[test]
fn an_imaginary_part_of_zero_changes_no_bit() {
    let (l, single) = (Scalar::new(), Scalar32::new());
    let mut rng = Rng(1);
    let check = |x: f64| {
        for zero in [0.0, -0.0] {
            assert!(same(complex::exp_cos(&l, x, zero), exp::exp(&l, x)), "{x:e}");
            assert!(same(complex::exp_sin(&l, x, zero), zero), "{x:e}");
            let [re, im] = quotient([x, 2.0], [3.0, zero]);
            assert!(same(re, x / 3.0) && same(im, 2.0 / 3.0), "{x:e}");
            let (x, zero) = (x as f32, zero as f32);
            assert!(same_single(complex::exp_cos(&single, x, zero), exp::exp(&single, x)), "{x:e}");
            assert!(same_single(complex::exp_sin(&single, x, zero), zero), "{x:e}");
        }
    };
    SPECIAL.into_iter().for_each(check);
    for _ in 0..20_000 {
        check(rng.number(-f64::MAX, f64::MAX));
        check(rng.uniform(-750.0, 750.0));
        check(rng.uniform(-110.0, 100.0));
        check(rng.uniform(-3.0, 3.0));
    }
}

#[test]
fn symmetries() {
    let (l, single) = (Scalar::new(), Scalar32::new());
    let mut rng = Rng(3);
    let check = |x: f64, y: f64| {
        let log = complex::log_hypot(&l, x, y);
        for (x, y) in [(y, x), (-x, y), (x, -y), (-y, -x)] {
            assert!(same(complex::log_hypot(&l, x, y), log), "log {x:e} {y:e}");
            let (x, y) = (x as f32, y as f32);
            let log = complex::log_hypot(&single, x, y);
            assert!(same_single(complex::log_hypot(&single, y, -x), log), "log {x:e} {y:e}");
        }
        let ([re, im], [re2, im2]) = (exponential(x, y), exponential(x, -y));
        assert!(same(re, re2) && (same(im, -im2) || !y.is_finite()), "exp {x:e} {y:e}");
        let ([re, im], [re2, im2]) = (root(x, y), root(x, -y));
        assert!(same(re, re2) && same(im, -im2), "sqrt {x:e} {y:e}");
        assert!(re.is_nan() || re.is_sign_positive(), "sqrt {x:e} {y:e}");
        assert!(im.is_nan() || im.is_sign_negative() == y.is_sign_negative(), "sqrt {x:e} {y:e}");
    };
    for x in SPECIAL {
        SPECIAL.into_iter().for_each(|y| check(x, y));
    }
    for _ in 0..20_000 {
        let (x, y) = complex_rows::draw_plane(&mut rng);
        check(x, y);
        check(rng.uniform(-800.0, 1500.0), y);
    }
}

#[test]
fn arguments_outside_the_fast_range_are_those_of_the_sine() {
    let (l, single) = (Scalar::new(), Scalar32::new());
    let mut rng = Rng(5);
    let check = |x: f64, y: f64| {
        let (re, im) = (complex::exp_cos(&l, x, y), complex::exp_sin(&l, x, y));
        let outside = l.take_outside();
        assert_eq!(outside, y.is_finite() && y.abs() > trig::FAST_LIMIT, "{x:e} {y:e}");
        let full = exponential(x, y);
        assert!(outside || same(re, full[0]) && same(im, full[1]), "{x:e} {y:e}");
        let (x, y) = (x as f32, y as f32);
        let (re, im) = (complex::exp_cos(&single, x, y), complex::exp_sin(&single, x, y));
        let outside = single.take_outside();
        assert_eq!(outside, y.is_finite() && y.abs() > trig::FAST_LIMIT_SINGLE, "{x:e} {y:e}");
        let full = (full_range::exp_cos(x, y), full_range::exp_sin(x, y));
        assert!(outside || same_single(re, full.0) && same_single(im, full.1), "{x:e} {y:e}");
    };
    for x in SPECIAL {
        SPECIAL.into_iter().for_each(|y| check(x, y));
    }
    for _ in 0..20_000 {
        check(rng.uniform(-5.0, 5.0), rng.number(-f64::MAX, f64::MAX));
        check(rng.uniform(-750.0, 750.0), rng.uniform(-1e8, 1e8));
    }
    // The logarithm, the root and the quotient are complete.
    for x in SPECIAL {
        for y in SPECIAL {
            for function in
                [complex::log_hypot, complex::root_re, |l: &Scalar, x, y| complex::quotient_re(l, x, y, y, x)]
            {
                function(&l, x, y);
            }
            assert!(!l.take_outside(), "{x:e} {y:e}");
        }
    }
}

#[test]
fn special_quotients() {
    // (a + bi)/(c + di), and the quotient if it is not NaN in both components.
    for (z, w, expected) in [
        ([1.0, -2.0], [0.0, 0.0], Some([INF, -INF])),
        ([1.0, -2.0], [-0.0, 0.0], Some([-INF, INF])),
        ([0.0, 3.0], [0.0, -0.0], Some([NAN, INF])),
        ([0.0, 0.0], [0.0, 0.0], None),
        ([NAN, 1.0], [0.0, 0.0], Some([NAN, INF])),
        ([INF, 1.0], [0.0, 0.0], Some([INF, INF])),
        ([INF, 1.0], [2.0, 1.0], Some([INF, -INF])),
        ([INF, NAN], [2.0, 1.0], Some([INF, -INF])),
        ([1.0, -INF], [2.0, 1.0], Some([-INF, -INF])),
        ([-INF, INF], [2.0, 1.0], Some([-INF, INF])),
        ([INF, 5.0], [0.0, 2.0], Some([NAN, -INF])),
        ([INF, 5.0], [4.0, 0.0], Some([INF, 1.25])),
        ([1.0, 1.0], [INF, 1.0], Some([0.0, 0.0])),
        ([1.0, 3.0], [INF, -INF], Some([-0.0, 0.0])),
        ([f64::MAX, 3.0], [NAN, -INF], Some([-0.0, 0.0])),
        ([INF, 1.0], [INF, 1.0], None),
        ([1.0, NAN], [INF, 1.0], None),
        ([1.0, 1.0], [NAN, 1.0], None),
        ([f64::MAX, f64::MAX], [f64::MAX, f64::MAX], Some([1.0, 0.0])),
        ([5e-324, 5e-324], [5e-324, 5e-324], Some([1.0, 0.0])),
        ([f64::MAX, f64::MAX], [0.5, -0.5], Some([0.0, INF])),
        ([5e-324, 0.0], [0.0, -5e-324], Some([0.0, 1.0])),
        ([4.0, 2.0], [2f64.powi(1000), 2f64.powi(1000)], Some([3.0 * 2f64.powi(-1000), -(2f64.powi(-1000))])),
        ([1.0, 0.0], [2f64.powi(1023), 2f64.powi(1023)], Some([2f64.powi(-1024), -2f64.powi(-1024)])),
        ([1.0, 1.0], [2f64.powi(-1074), 0.0], Some([INF, INF])),
    ] {
        let found = quotient(z, w);
        let expected = expected.unwrap_or([NAN, NAN]);
        // A zero may have either sign, if C's recovery of infinities does not say otherwise.
        let right = |i: usize| found[i] == expected[i] || found[i].is_nan() && expected[i].is_nan();
        assert!(right(0) && right(1), "{z:?} / {w:?} = {found:?} instead of {expected:?}");
        let exact = |x: &f64| x.is_nan() || f64::from(*x as f32) == *x;
        if z.iter().chain(&w).chain(&expected).all(exact) {
            let l = Scalar32::new();
            let ([a, b], [c, d]) = (z.map(|x| x as f32), w.map(|x| x as f32));
            let found = [complex::quotient_re(&l, a, b, c, d), complex::quotient_im(&l, a, b, c, d)];
            let right =
                |i: usize| f64::from(found[i]) == expected[i] || found[i].is_nan() && expected[i].is_nan();
            assert!(right(0) && right(1), "{z:?} / {w:?} = {found:?} instead of {expected:?}");
        }
    }
}

/// Whether two vectors differ by less than a few units of their length, and their components in no sign.
fn agree(a: [f64; 2], b: Complex64) -> bool {
    let near = (a[0] - b.re).hypot(a[1] - b.im) <= 4.0 * f64::EPSILON * b.re.hypot(b.im);
    let sign = |x: f64, y: f64| x.is_sign_negative() == y.is_sign_negative();
    near && sign(a[0], b.re) && sign(a[1], b.im)
}

/// Signed zeros, both sides of the cuts and all quadrants. Where `num-complex` does not follow C it is not asked: roots
/// of infinities and of NaN, quotients by zero, by infinities and by numbers whose square overflows, all of which it
/// makes NaN. Zeros of quotients may have another sign.
#[test]
fn branches_and_signs_are_those_of_num_complex() {
    let grid = [-3.0, -1.0, -0.5, -1e-10, -0.0, 0.0, 1e-10, 0.5, 1.0, 2.5];
    let numbers = || grid.iter().flat_map(|&x| grid.map(|y| Complex64::new(x, y)));
    for z in numbers() {
        let found = exponential(z.re, z.im);
        assert!(agree(found, z.exp()), "exp {z}: {found:?}");
        let found = root(z.re, z.im);
        assert!(agree(found, z.sqrt()), "sqrt {z}: {found:?} instead of {}", z.sqrt());
        let (found, log) = (complex::log_hypot(&Scalar::new(), z.re, z.im), z.ln().re);
        // The logarithm of the length is not accurate where the length is near 1.
        assert!(
            found == log || (found - log).abs() <= 2.0 * f64::EPSILON * log.abs().max(1.0),
            "ln {z}: {found}"
        );
        for w in numbers().filter(|w| w.norm() > 0.0) {
            let (found, right) = (quotient([z.re, z.im], [w.re, w.im]), z / w);
            let difference = (found[0] - right.re).hypot(found[1] - right.im);
            assert!(
                difference <= 4.0 * f64::EPSILON * right.norm(),
                "{z} / {w}: {found:?} instead of {right}"
            );
        }
    }
    let special = [-INF, INF, NAN, -1.0, -0.0, 0.0, 2.0];
    for (x, y) in special.iter().flat_map(|&x| special.map(|y| (x, y))) {
        let z = Complex64::new(x, y);
        let (found, right) = (exponential(x, y), z.exp());
        let equal = |a: f64, b: f64| same(a, b) || (a - b).abs() <= f64::EPSILON * b.abs();
        assert!(
            equal(found[0], right.re) && equal(found[1], right.im),
            "exp {z}: {found:?} instead of {right}"
        );
        let (found, right) = (complex::log_hypot(&Scalar::new(), x, y), z.ln().re);
        assert!(equal(found, right), "ln {z}: {found} instead of {right}");
    }
}
