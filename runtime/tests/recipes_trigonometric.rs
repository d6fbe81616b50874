//! Trigonometric functions and their inverses, length, error function, remainders: errors, special values, seams,
//! and the agreement of the variants of one function.

mod support;
#[path = "../examples/ulp/trigonometric.rs"]
mod trigonometric;

use nc_runtime::lanes::Scalar;
use nc_runtime::recipes::{complex, erf, fmod, full_range, hypot, inverse, trig};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
use support::{Effort, Rng, SPECIAL, neighbour, ulp_error};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[test]
fn errors_stay_below_one_ulp_and_functions_are_monotone() {
    let effort = Effort { samples: 5_000, pairs: 100_000, neighbours: 1, threads: 2 };
    for row in trigonometric::rows() {
        let found = row.measure(effort);
        assert!(found.max_ulp <= 1.0, "{}: {} ULP at {:?}", row.name, found.max_ulp, found.at);
        assert_eq!(found.violations, 0, "{}: not monotone at {:e}", row.name, found.violation);
    }
}

#[test]
fn special_values() {
    let l = Scalar::new();
    type Case = (&'static str, fn(&Scalar, f64) -> f64, [f64; 7]);
    let functions: [Case; 7] = [
        // NaN, ∞, −∞, +0, −0, 1, −1
        ("sin", trig::sin, [NAN, NAN, NAN, 0.0, -0.0, 0.8414709848078965, -0.8414709848078965]),
        ("cos", trig::cos, [NAN, NAN, NAN, 1.0, 1.0, 0.5403023058681398, 0.5403023058681398]),
        ("tan", trig::tan, [NAN, NAN, NAN, 0.0, -0.0, 1.5574077246549023, -1.5574077246549023]),
        ("asin", inverse::asin, [NAN, NAN, NAN, 0.0, -0.0, FRAC_PI_2, -FRAC_PI_2]),
        ("acos", inverse::acos, [NAN, NAN, NAN, FRAC_PI_2, FRAC_PI_2, 0.0, PI]),
        ("atan", inverse::atan, [NAN, FRAC_PI_2, -FRAC_PI_2, 0.0, -0.0, FRAC_PI_4, -FRAC_PI_4]),
        ("erf", erf::erf, [NAN, 1.0, -1.0, 0.0, -0.0, 0.8427007929497149, -0.8427007929497149]),
    ];
    for (name, function, expected) in functions {
        for (x, expected) in [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0].into_iter().zip(expected) {
            let y = function(&l, x);
            assert!(same(y, expected), "{name}({x}) = {y}");
        }
        // A negative or signalling NaN, or one with a full payload, is a NaN all the same.
        for bits in [0xfff8_0000_0000_0000, 0x7ff0_0000_0000_0001, u64::MAX, 0x7fff_ffff_ffff_ffff] {
            assert!(function(&l, f64::from_bits(bits)).is_nan(), "{name}({bits:#x})");
        }
    }
    for x in [neighbour(1.0, 1), neighbour(-1.0, -1), 2.0, -1e300] {
        assert!(inverse::asin(&l, x).is_nan() && inverse::acos(&l, x).is_nan(), "{x}");
    }
    assert!(!l.take_outside());
}

#[test]
fn atan2_is_that_of_c_at_zeros_and_infinities() {
    let l = Scalar::new();
    for (y, x, expected) in [
        (0.0, 0.0, 0.0),
        (0.0, -0.0, PI),
        (0.0, 1.0, 0.0),
        (0.0, -1.0, PI),
        (0.0, INF, 0.0),
        (0.0, -INF, PI),
        (5e-324, 0.0, FRAC_PI_2),
        (1.0, -0.0, FRAC_PI_2),
        (1.0, INF, 0.0),
        (f64::MAX, INF, 0.0),
        (1.0, -INF, PI),
        (INF, 0.0, FRAC_PI_2),
        (INF, f64::MAX, FRAC_PI_2),
        (INF, f64::MIN, FRAC_PI_2),
        (INF, INF, FRAC_PI_4),
        (INF, -INF, 3.0 * FRAC_PI_4),
        (f64::MAX, f64::MAX, FRAC_PI_4),
        (5e-324, 5e-324, FRAC_PI_4),
        (5e-324, -5e-324, 3.0 * FRAC_PI_4),
        (5e-324, f64::MAX, 0.0),
        (5e-324, 2.0, 0.0),
    ] {
        for sign in [1.0, -1.0] {
            let angle = inverse::atan2(&l, y * sign, x);
            assert!(same(angle, expected * sign), "atan2({}, {x}) = {angle}", y * sign);
        }
    }
    for x in SPECIAL {
        assert!(inverse::atan2(&l, NAN, x).is_nan() && inverse::atan2(&l, x, NAN).is_nan(), "{x}");
        // One argument is the same as two with 1.
        let (one, two) = (inverse::atan(&l, x), inverse::atan2(&l, x, 1.0));
        assert!((one - two).abs() <= 2f64.powi(-52) || x.is_nan(), "{x}");
    }
}

#[test]
fn hypot_neither_overflows_nor_underflows_on_the_way() {
    let l = Scalar::new();
    for (x, y, length) in [
        (3.0, 4.0, 5.0),
        (3e300, -4e300, 5e300),
        (f64::MAX, 0.0, f64::MAX),
        (f64::MAX, 1e200, f64::MAX),
        (f64::MAX, f64::MAX, INF),
        (5e-324, -0.0, 5e-324),
        (15e-324, 20e-324, 25e-324),
        (-0.0, -0.0, 0.0),
        (INF, NAN, INF),
        (NAN, -INF, INF),
        (NAN, 1.0, NAN),
        (0.0, NAN, NAN),
        (f64::MIN_POSITIVE, f64::MIN_POSITIVE, 3.1467296279827175e-308),
    ] {
        for (x, y) in [(x, y), (y, x)] {
            let found = hypot::hypot(&l, x, y);
            assert!(same(found, length), "hypot({x}, {y}) = {found}");
        }
    }
}

/// The number nearest to `n·π/2`, from a two-part constant.
fn near_multiple(n: f64) -> f64 {
    n.mul_add(FRAC_PI_2, n * 6.123233995736766e-17)
}

#[test]
fn arguments_next_to_multiples_of_half_pi() {
    let rows = trigonometric::rows();
    let mut references = support::Big::new();
    let mut rng = Rng(3);
    for row in rows.iter().filter(|row| ["sin", "cos", "tan"].contains(&row.name)) {
        let support::Kind::One { recipe, reference, .. } = &row.kind else { unreachable!() };
        for i in 0..2_000_u32 {
            let n = if i < 500 { f64::from(i) } else { rng.number(1.0, 42_721_358.0).floor() };
            let x = neighbour(near_multiple(n), i64::from(i % 3) - 1);
            let error = ulp_error(recipe(x), &reference(&mut references, x));
            assert!(error <= 1.0, "{}({x:e}): {error} ULP", row.name);
        }
    }
}

/// Numbers of all sizes, and those that are nearest to multiples of π/2, among them the nearest of all: 6381956970095103·2^797.
#[test]
fn large_angles() {
    let rows = trigonometric::rows();
    let mut references = support::Big::new();
    let mut rng = Rng(11);
    let hard = [
        6381956970095103.0 * 2f64.powi(797),
        5318999066195283.0 * 2f64.powi(30) * 2f64.powi(20),
        1e22,
        f64::MAX,
        neighbour(trig::FAST_LIMIT, 1),
    ];
    for row in rows.iter().filter(|row| ["sin", "cos", "tan"].contains(&row.name)) {
        let support::Kind::One { recipe, reference, .. } = &row.kind else { unreachable!() };
        let drawn = (0..4_000).map(|_| {
            let exponent = 1023 + 26 + rng.below(998);
            f64::from_bits(rng.bits() & !(0x7ff << 52) | exponent << 52)
        });
        for x in hard.into_iter().chain(drawn) {
            let error = ulp_error(recipe(x), &reference(&mut references, x));
            assert!(error <= 0.8, "{}({x:e}): {error} ULP", row.name);
        }
    }
}

/// On the fast range complete recipes give the bits of the others, and they report nothing anywhere.
#[test]
fn complete_recipes_continue_the_others() {
    let (fast, complete) = (Scalar::new(), Scalar::completing());
    let mut rng = Rng(2);
    let check = |x: f64, y: f64| {
        type Recipe = fn(&Scalar, f64, f64) -> f64;
        let recipes: [Recipe; 8] = [
            |l, x, _| trig::sin(l, x),
            |l, x, _| trig::cos(l, x),
            |l, x, _| trig::tan(l, x),
            complex::exp_cos,
            complex::exp_sin,
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
    };
    SPECIAL.into_iter().for_each(|x| SPECIAL.into_iter().for_each(|y| check(x, y)));
    for _ in 0..20_000 {
        check(rng.number(f64::MIN, f64::MAX), rng.number(f64::MIN, f64::MAX));
        check(rng.uniform(-1e8, 1e8), rng.uniform(-1e8, 1e8));
    }
}

/// The integer part of `x/y`, rounded to nearest, for `x/y ≥ 2^53`, in integers.
fn large_quotient(x: f64, y: f64) -> f64 {
    let parts = |x: f64| {
        let (bits, least) = (x.to_bits(), u64::from(x < f64::MIN_POSITIVE));
        (bits & ((1 << 52) - 1) | (1 - least) << 52, (bits >> 52 | least) as i64)
    };
    let ((mut a, e), (b, f)) = (parts(x), parts(y));
    // Long division of the mantissas, a bit at a time.
    let (mut q, mut exponent, mut sticky) = (0_u64, 0, false);
    let mut whole = a / b;
    a %= b;
    q += whole;
    for _ in 0..e - f {
        a *= 2;
        whole = a / b;
        a %= b;
        if q >> 62 == 0 {
            q = 2 * q + whole;
        } else {
            sticky |= whole == 1;
            exponent += 1;
        }
    }
    let rounded = (if exponent > 0 { q | u64::from(sticky) } else { q }) as f64;
    (0..exponent).fold(rounded, |x, _| x * 2.0)
}

#[test]
fn large_quotients_round_their_integer_part() {
    let mut rng = Rng(21);
    let check = |x: f64, y: f64| {
        if (x / y).abs() < 2f64.powi(53) {
            return;
        }
        let found = full_range::quotient(x, y);
        assert!(same(found, large_quotient(x, y)), "quotient({x:e}, {y:e}) = {found:e}");
        assert!(same(full_range::quotient(-x, y), -found));
    };
    for _ in 0..50_000 {
        let (x, y) = (rng.number(f64::MIN_POSITIVE, f64::MAX), rng.number(f64::MIN_POSITIVE, f64::MAX));
        check(x, y);
        check(x, f64::from_bits(rng.below(1 << 53)));
        // Where the quotient is near a number halfway between two others.
        let y = (1 + rng.below(1 << 20)) as f64;
        let wide = (1_u64 << 53 | rng.below(1 << 53)) as f64 * 2f64.powi(rng.below(30) as i32);
        check(wide * y, y);
        check(neighbour(wide * y, rng.below(3) as i64 - 1), y);
        check((rng.below(1 << 53) as f64) * 2f64.powi(rng.below(60) as i32), y);
    }
}

#[test]
fn variants_agree_bit_for_bit() {
    let l = Scalar::new();
    let mut rng = Rng(1);
    let check = |x: f64| {
        let (sin, cos) = trig::sincos(&l, x);
        let outside = l.take_outside();
        assert_eq!(outside, x.is_finite() && x.abs() > trig::FAST_LIMIT, "{x:e}");
        let (s, c, t) = (trig::sin(&l, x), trig::cos(&l, x), trig::tan(&l, x));
        assert_eq!(l.take_outside(), outside, "{x:e}");
        if !outside {
            let (full_sin, full_cos) = full_range::sincos(x);
            assert!(same(sin, s) && same(sin, full_sin) && same(sin, full_range::sin(x)), "sin {x:e}");
            assert!(same(cos, c) && same(cos, full_cos) && same(cos, full_range::cos(x)), "cos {x:e}");
            assert!(same(t, full_range::tan(x)), "tan {x:e}");
        }
        for function in [full_range::sin, full_range::tan, |x| inverse::atan(&Scalar::new(), x)] {
            assert!(same(function(-x), -function(x)), "odd at {x:e}");
        }
        assert!(same(full_range::cos(-x), full_range::cos(x)), "even at {x:e}");
    };
    SPECIAL.into_iter().for_each(check);
    for _ in 0..20_000 {
        check(rng.number(f64::MIN, f64::MAX));
        check(rng.uniform(-1e8, 1e8));
        check(rng.uniform(-10.0, 10.0));
    }
}

#[test]
fn remainders_are_exact() {
    let l = Scalar::new();
    let mut rng = Rng(5);
    let check = |x: f64, y: f64| {
        let r = fmod::fmod(&l, x, y);
        let outside = l.take_outside();
        assert!(outside || same(r, x % y), "fmod({x:e}, {y:e}) = {r:e}");
        assert!(!outside || x.is_finite() && y != 0.0 && (x / y).abs() >= 2f64.powi(53), "{x:e} {y:e}");
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
        assert_eq!(q.is_sign_negative(), x.is_sign_negative() != y.is_sign_negative(), "{x:e} {y:e}");
        // q·y + r is x, exactly.
        assert_eq!(q, q.trunc());
        assert!(y.is_infinite() || same(q.mul_add(y, r), x) || x == 0.0, "quotient({x:e}, {y:e}) = {q:e}");
    };
    for x in SPECIAL {
        SPECIAL.into_iter().for_each(|y| check(x, y));
    }
    for _ in 0..60_000 {
        let y = rng.number(-1e290, 1e290);
        check(rng.number(f64::MIN, f64::MAX), y);
        check(y * rng.uniform(-100.0, 100.0), y);
        let bits = 1 + rng.below(53);
        let n = rng.below(1 << bits) as f64;
        check(neighbour(y * n, rng.below(5) as i64 - 2), y);
        check(rng.below(1 << 40) as f64, rng.below(1 << 12) as f64 - 2048.0);
    }
    assert!(same(fmod::modulo(&l, -7.0, 3.0), 2.0));
    assert!(same(fmod::modulo(&l, 7.0, -3.0), -2.0));
    assert!(same(fmod::modulo(&l, -6.0, 3.0), -0.0));
    assert!(same(fmod::quotient(&l, -7.0, 3.0), -2.0));
    assert!(same(full_range::quotient(1e300, 1e-300), INF));
    assert!(same(full_range::quotient(-1e23, 7.0), -14285714285714284846080.0));
}
