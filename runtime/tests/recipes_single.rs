//! The recipes in binary32: errors, order of neighbours, special values, exact cases, seams, and the
//! agreement of the variants of one function.

#[path = "../examples/ulp/single.rs"]
mod single;
mod support;

use nc_runtime::lanes::{Lanes, Precision, Scalar32};
use nc_runtime::recipes::{cbrt, erf, exp, fmod, full_range, hyperbolic, hypot, inverse, log, pow, trig};
use single::ulp_error;
use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, PI};
use std::ops::Range;
use support::Rng;

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;
const SUBNORMAL: f32 = f32::from_bits(1);

/// Arguments where every function should be tried.
const SPECIAL: [f32; 26] = [
    0.0,
    -0.0,
    INF,
    -INF,
    NAN,
    SUBNORMAL,
    -SUBNORMAL,
    1.1754942e-38,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    -3.0,
    0.1,
    1e-30,
    1e30,
    16777216.0,
    8388608.5,
    -8388607.5,
];

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn neighbour(x: f32, steps: i32) -> f32 {
    f32::from_bits((x.to_bits() as i32 + steps) as u32)
}

#[test]
fn errors_stay_below_one_ulp_and_functions_are_monotone() {
    for function in single::ones() {
        let check = |bits: Range<u64>| {
            let found = function.sweep(bits);
            assert!(found.max_ulp <= 1.0, "{}: {} ULP at {:?}", function.name, found.max_ulp, found.at);
            assert_eq!(found.violations, 0, "{}: not monotone at {:e}", function.name, found.violation);
        };
        for x in function.seams.iter().copied().chain(SPECIAL) {
            let bits = u64::from(x.to_bits());
            check(bits.saturating_sub(500)..(bits + 500).min(1 << 32));
        }
        let mut rng = Rng(1);
        for _ in 0..5_000 {
            let bits = rng.below((1 << 32) - 16);
            check(bits..bits + 16);
            // Most numbers are very large or very small; functions are curved here.
            let bits = u64::from((rng.uniform(-8.0, 8.0) as f32).to_bits());
            check(bits..bits + 16);
        }
    }
    for function in single::twos() {
        for x in SPECIAL {
            for y in SPECIAL {
                let error = ulp_error((function.recipe)(x, y), (function.reference)(x.into(), y.into()));
                assert!(error <= 1.0, "{}({x:e}, {y:e}): {error} ULP", function.name);
            }
        }
        let found = function.sample(&mut Rng(2), 100_000);
        assert!(found.max_ulp <= 1.0, "{}: {} ULP at {:?}", function.name, found.max_ulp, found.at);
    }
}

#[test]
fn special_values() {
    let l = Scalar32::new();
    assert_eq!(l.precision(), Precision::Single);
    type Case = (&'static str, fn(&Scalar32, f32) -> f32, [f32; 7]);
    let functions: [Case; 21] = [
        // NaN, ∞, −∞, +0, −0, 1, −1
        ("exp", exp::exp, [NAN, INF, 0.0, 1.0, 1.0, 2.7182817, 0.36787944]),
        ("exp2", exp::exp2, [NAN, INF, 0.0, 1.0, 1.0, 2.0, 0.5]),
        ("expm1", exp::expm1, [NAN, INF, -1.0, 0.0, -0.0, 1.7182819, -0.63212055]),
        ("log", log::log, [NAN, INF, NAN, -INF, -INF, 0.0, NAN]),
        ("log2", log::log2, [NAN, INF, NAN, -INF, -INF, 0.0, NAN]),
        ("log10", log::log10, [NAN, INF, NAN, -INF, -INF, 0.0, NAN]),
        ("log1p", log::log1p, [NAN, INF, NAN, 0.0, -0.0, LN_2, -INF]),
        ("sinh", hyperbolic::sinh, [NAN, INF, -INF, 0.0, -0.0, 1.1752012, -1.1752012]),
        ("cosh", hyperbolic::cosh, [NAN, INF, INF, 1.0, 1.0, 1.5430807, 1.5430807]),
        ("tanh", hyperbolic::tanh, [NAN, 1.0, -1.0, 0.0, -0.0, 0.7615942, -0.7615942]),
        ("acosh", hyperbolic::acosh, [NAN, INF, NAN, NAN, NAN, 0.0, NAN]),
        ("atanh", hyperbolic::atanh, [NAN, NAN, NAN, 0.0, -0.0, INF, -INF]),
        ("asinh", hyperbolic::asinh, [NAN, INF, -INF, 0.0, -0.0, 0.8813736, -0.8813736]),
        ("cbrt", cbrt::cbrt, [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0]),
        ("sin", trig::sin, [NAN, NAN, NAN, 0.0, -0.0, 0.84147096, -0.84147096]),
        ("cos", trig::cos, [NAN, NAN, NAN, 1.0, 1.0, 0.5403023, 0.5403023]),
        ("tan", trig::tan, [NAN, NAN, NAN, 0.0, -0.0, 1.5574077, -1.5574077]),
        ("asin", inverse::asin, [NAN, NAN, NAN, 0.0, -0.0, FRAC_PI_2, -FRAC_PI_2]),
        ("acos", inverse::acos, [NAN, NAN, NAN, FRAC_PI_2, FRAC_PI_2, 0.0, PI]),
        ("atan", inverse::atan, [NAN, FRAC_PI_2, -FRAC_PI_2, 0.0, -0.0, FRAC_PI_4, -FRAC_PI_4]),
        ("erf", erf::erf, [NAN, 1.0, -1.0, 0.0, -0.0, 0.8427008, -0.8427008]),
    ];
    for (name, function, expected) in functions {
        for (x, expected) in [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0].into_iter().zip(expected) {
            let y = function(&l, x);
            assert!(same(y, expected), "{name}({x}) = {y}");
        }
        // A negative or signalling NaN, or one with a full payload, is a NaN all the same.
        for bits in [0xffc0_0000, 0x7f80_0001, u32::MAX, 0x7fff_ffff] {
            assert!(function(&l, f32::from_bits(bits)).is_nan(), "{name}({bits:#x})");
        }
    }
    for x in [neighbour(1.0, 1), neighbour(-1.0, 1), 2.0, -1e30] {
        assert!(inverse::asin(&l, x).is_nan() && inverse::acos(&l, x).is_nan(), "{x}");
    }
    assert!(!l.take_outside());
}

#[test]
fn atan2_and_hypot_are_those_of_c_at_zeros_and_infinities() {
    let l = Scalar32::new();
    for (y, x, expected) in [
        (0.0, 0.0, 0.0),
        (0.0, -0.0, PI),
        (0.0, 1.0, 0.0),
        (0.0, -1.0, PI),
        (1.0, -0.0, FRAC_PI_2),
        (f32::MAX, INF, 0.0),
        (1.0, -INF, PI),
        (INF, f32::MIN, FRAC_PI_2),
        (INF, INF, FRAC_PI_4),
        (INF, -INF, 2.3561945),
        (1.0, -1.0, 2.3561945),
        (f32::MAX, f32::MAX, FRAC_PI_4),
        (SUBNORMAL, -SUBNORMAL, 2.3561945),
        (SUBNORMAL, 2.0, 0.0),
    ] {
        for sign in [1.0, -1.0] {
            let angle = inverse::atan2(&l, y * sign, x);
            assert!(same(angle, expected * sign), "atan2({}, {x}) = {angle}", y * sign);
        }
    }
    for (x, y, length) in [
        (3e37, -4e37, 5e37),
        (f32::MAX, 1e20, f32::MAX),
        (f32::MAX, f32::MAX, INF),
        (SUBNORMAL, -0.0, SUBNORMAL),
        (3.0 * SUBNORMAL, 4.0 * SUBNORMAL, 5.0 * SUBNORMAL),
        (-0.0, -0.0, 0.0),
        (INF, NAN, INF),
        (NAN, 1.0, NAN),
    ] {
        for (x, y) in [(x, y), (y, x)] {
            let found = hypot::hypot(&l, x, y);
            assert!(same(found, length), "hypot({x}, {y}) = {found}");
        }
    }
}

#[test]
fn exact_cases() {
    let l = Scalar32::new();
    for n in -149..128_i16 {
        let power = 2f64.powi(n.into()) as f32;
        assert!(same(exp::exp2(&l, n.into()), power), "2^{n}");
        assert!(same(log::log2(&l, power), n.into()), "log2 of 2^{n}");
        if n % 3 == 0 {
            assert!(same(cbrt::cbrt(&l, power), exp::exp2(&l, (n / 3).into())), "cbrt of 2^{n}");
        }
    }
    for n in 0..=10 {
        assert!(same(log::log10(&l, 10f64.powi(n) as f32), n as f32), "log10 of 10^{n}");
    }
    for n in -256..=256_i16 {
        let x = f32::from(n);
        assert!(same(cbrt::cbrt(&l, x * x * x), x), "cbrt of {x}^3");
    }
    assert!(same(pow::pow(&l, 10.0, 10.0), 1e10));
    assert!(same(pow::pow(&l, -3.0, 15.0), -14348907.0));
    assert!(same(pow::pow(&l, -INF, 0.5), INF));
    assert!(same(pow::pow(&l, -0.0, 0.5), 0.0));
    assert!(same(pow::pow(&l, -0.0, -3.0), -INF));
    assert!(same(pow::pow(&l, -1.0, -INF), 1.0));
    let mut rng = Rng(1);
    for _ in 0..20_000 {
        let x = f32::from_bits(rng.bits() as u32);
        for (y, expected) in [(2.0, x * x), (1.0, x), (0.0, 1.0), (-1.0, 1.0 / x)] {
            assert!(same(pow::pow(&l, x, y), expected), "{x} ^ {y}");
        }
        let root = if x.is_infinite() { INF } else { (x + 0.0).sqrt() };
        assert!(same(pow::pow(&l, x, 0.5), root), "{x} ^ 0.5");
    }
}

#[test]
fn a_known_exponent_changes_no_bit() {
    let l = Scalar32::new();
    let mut rng = Rng(7);
    let mut exponents = SPECIAL.to_vec();
    exponents.extend((-40..=40_i16).map(|n| f32::from(n) * 0.5));
    exponents.extend([1.0 / 3.0, -0.1, 1e-3, 123.456, -77.0, 16777215.0, 4194303.5]);
    exponents.extend((0..30).map(|_| rng.uniform(-20.0, 20.0) as f32));
    for y in exponents {
        let span = (150.0 / f64::from(y).abs()).clamp(0.1, 127.0);
        let check = |x: f32| {
            let (a, b) = (pow::pow(&l, x, y), pow::pow_const(&l, x, y.into()));
            assert!(same(a, b), "{x:e} ^ {y}: {a:e} at run time, {b:e} known");
        };
        SPECIAL.into_iter().for_each(check);
        for _ in 0..4_000 {
            let x = match rng.below(3) {
                0 => f32::from_bits(rng.bits() as u32),
                1 => rng.uniform(-4.0, 4.0) as f32,
                _ => 2f64.powf(rng.uniform(-span, span)) as f32,
            };
            check(x);
            check(-x);
        }
    }
}

#[test]
fn powers_next_to_the_ends_of_the_range() {
    let pow = single::twos().into_iter().find(|function| function.name == "pow").expect("it is there");
    for y in (-20..=20_i16).filter(|&y| y != 0) {
        for end in [128.0, -126.0, -149.0, -150.0] {
            let x = 2f64.powf(end / f64::from(y)) as f32;
            for x in (-300..=300).map(|steps| neighbour(x, steps)) {
                let y = f32::from(y);
                let error = ulp_error((pow.recipe)(x, y), (pow.reference)(x.into(), y.into()));
                assert!(error <= 1.0, "{x:e} ^ {y}: {error} ULP");
            }
        }
    }
}

#[test]
fn arguments_next_to_multiples_of_half_pi() {
    let mut rng = Rng(3);
    let functions = single::ones();
    for function in functions.iter().filter(|f| ["sin", "cos", "tan"].contains(&f.name)) {
        for i in 0..20_000_u32 {
            let n = if i < 5_000 { f64::from(i) } else { rng.below(21_361_414) as f64 };
            let x = neighbour((n * std::f64::consts::FRAC_PI_2) as f32, (i % 3) as i32);
            let error = function.error(x);
            assert!(error <= 1.0, "{}({x:e}): {error} ULP", function.name);
        }
    }
}

#[test]
fn variants_agree_bit_for_bit() {
    let l = Scalar32::new();
    let mut rng = Rng(1);
    let check = |x: f32| {
        let (sin, cos) = trig::sincos(&l, x);
        let outside = l.take_outside();
        assert_eq!(outside, x.is_finite() && x.abs() > trig::FAST_LIMIT_SINGLE, "{x:e}");
        let (s, c, t) = (trig::sin(&l, x), trig::cos(&l, x), trig::tan(&l, x));
        assert_eq!(l.take_outside(), outside, "{x:e}");
        if !outside {
            let (full_sin, full_cos) = full_range::sincos(x);
            assert!(same(sin, s) && same(sin, full_sin) && same(sin, full_range::sin(x)), "sin {x:e}");
            assert!(same(cos, c) && same(cos, full_cos) && same(cos, full_range::cos(x)), "cos {x:e}");
            assert!(same(t, full_range::tan(x)), "tan {x:e}");
        }
        for function in [full_range::sin, full_range::tan, |x| inverse::atan(&Scalar32::new(), x)] {
            assert!(same(function(-x), -function(x)), "odd at {x:e}");
        }
        assert!(same(full_range::cos(-x), full_range::cos(x)), "even at {x:e}");
    };
    SPECIAL.into_iter().for_each(check);
    for _ in 0..20_000 {
        check(f32::from_bits(rng.bits() as u32));
        check(rng.uniform(-1e8, 1e8) as f32);
        check(rng.uniform(-10.0, 10.0) as f32);
    }
}

/// All sizes beyond the fast range, and the numbers that are nearest to multiples of π/2.
#[test]
fn large_angles() {
    let mut rng = Rng(11);
    let mut check = |x: f32| {
        // The binary64 recipes are right to 2^−53.
        let wide = f64::from(x);
        let pairs = [
            (full_range::sin(x), full_range::sin(wide)),
            (full_range::cos(x), full_range::cos(wide)),
            (full_range::tan(x), full_range::tan(wide)),
        ];
        for (k, (found, exact)) in pairs.into_iter().enumerate() {
            let unit =
                f64::from(f32::from_bits((exact.abs() as f32).to_bits() + 1)) - f64::from(exact.abs() as f32);
            let error = (f64::from(found) - exact).abs() / unit;
            assert!(error <= 0.85, "{k}({x:e}) = {found:e}: {error} ULP");
        }
    };
    [16367173.0 * 2f32.powi(72), 16367173.0 * 2f32.powi(71), f32::MAX, 1e10].into_iter().for_each(&mut check);
    for _ in 0..200_000 {
        let exponent = 127 + 25 + rng.below(103) as u32;
        check(f32::from_bits(rng.bits() as u32 & !(0xff << 23) | exponent << 23));
    }
}

/// On the fast range complete recipes give the bits of the others, and they report nothing anywhere.
#[test]
fn complete_recipes_continue_the_others() {
    let (fast, complete) = (Scalar32::new(), Scalar32::completing());
    let mut rng = Rng(2);
    let check = |x: f32, y: f32| {
        type Recipe = fn(&Scalar32, f32, f32) -> f32;
        let recipes: [Recipe; 6] = [
            |l, x, _| trig::sin(l, x),
            |l, x, _| trig::cos(l, x),
            |l, x, _| trig::tan(l, x),
            fmod::fmod,
            fmod::modulo,
            fmod::quotient,
        ];
        for (k, recipe) in recipes.into_iter().enumerate() {
            let expected = recipe(&fast, x, y);
            let outside = fast.take_outside();
            let found = recipe(&complete, x, y);
            assert!(outside || same(found, expected), "{k}: {x:e} {y:e} {found:e} {expected:e}");
            assert!(!complete.take_outside());
        }
        if quotient_is_large(x, y) {
            let exact = (f64::from(x) / f64::from(y)).trunc() as f32;
            assert!(same(fmod::quotient(&complete, x, y), exact), "quotient({x:e}, {y:e})");
        }
    };
    SPECIAL.into_iter().for_each(|x| SPECIAL.into_iter().for_each(|y| check(x, y)));
    for _ in 0..50_000 {
        check(f32::from_bits(rng.bits() as u32), f32::from_bits(rng.bits() as u32));
        let y = (1 + rng.below(1 << 10)) as f32;
        check((1 << 24 | rng.below(1 << 24)) as f32 * 2f32.powi(rng.below(20) as i32) * y, y);
    }
}

/// Whether a quotient lies beyond the fast range, and not so far that binary64 does not hold its integer part.
fn quotient_is_large(x: f32, y: f32) -> bool {
    let ratio = (f64::from(x) / f64::from(y)).abs();
    x.is_finite() && (2f64.powi(24)..2f64.powi(52)).contains(&ratio)
}

#[test]
fn remainders_are_exact() {
    let l = Scalar32::new();
    let mut rng = Rng(5);
    let check = |x: f32, y: f32| {
        let r = fmod::fmod(&l, x, y);
        let outside = l.take_outside();
        assert!(outside || same(r, x % y), "fmod({x:e}, {y:e}) = {r:e}");
        let ratio = (f64::from(x) / f64::from(y)).abs();
        assert!(!outside || x.is_finite() && y != 0.0 && ratio >= 16777215.0, "{x:e} {y:e}");
        assert!(same(full_range::fmod(x, y), x % y), "fmod({x:e}, {y:e})");
        let (m, q) = (fmod::modulo(&l, x, y), fmod::quotient(&l, x, y));
        assert_eq!(l.take_outside(), outside);
        if outside {
            return;
        }
        assert!(same(full_range::modulo(x, y), m) && same(full_range::quotient(x, y), q), "{x:e} {y:e}");
        if r.is_nan() {
            assert!(m.is_nan() && q.is_nan(), "{x:e} {y:e}");
            return;
        }
        let differ = r != 0.0 && (r < 0.0) != y.is_sign_negative();
        assert!(same(m, if differ { r + y } else { r }), "modulo({x:e}, {y:e}) = {m:e}");
        // q·y + r is x, exactly.
        assert_eq!(q, q.trunc());
        assert!(y.is_infinite() || same(q.mul_add(y, r), x) || x == 0.0, "quotient({x:e}, {y:e}) = {q:e}");
    };
    for x in SPECIAL {
        SPECIAL.into_iter().for_each(|y| check(x, y));
    }
    for _ in 0..60_000 {
        let y = f32::from_bits(rng.bits() as u32);
        check(f32::from_bits(rng.bits() as u32), y);
        check(y * rng.uniform(-100.0, 100.0) as f32, y);
        let bits = 1 + rng.below(24);
        let n = rng.below(1 << bits) as f32;
        if (y * n).is_finite() {
            check(neighbour(y * n, rng.below(3) as i32), y);
        }
    }
    assert!(same(fmod::modulo(&l, -7.0, 3.0), 2.0));
    assert!(same(fmod::modulo(&l, -6.0, 3.0), -0.0));
    assert!(same(full_range::quotient(1e30_f32, 1e-30), INF));
}
