//! The recipes that are slopes of others, and special functions: errors and special values in both formats.

#[allow(dead_code, reason = "one of its types is used")]
#[path = "../examples/ulp/single.rs"]
mod single;
#[path = "../examples/ulp/slope.rs"]
mod slope;
#[path = "../examples/ulp/special.rs"]
mod special;
mod support;

use support::{Direction, Effort, Rng, neighbour};

/// The bounds of the operations.
fn limit(name: &str) -> f64 {
    match name {
        "erf_slope" => 1.0,
        "over_square" => 1.25,
        _ => 2.0,
    }
}

#[test]
fn errors_stay_below_their_bounds() {
    let effort = Effort { samples: 4_000, pairs: 0, neighbours: 3, threads: 2 };
    for row in slope::rows() {
        let found = row.measure(effort);
        println!("{}: {:.4} at {:?}", row.name, found.max_ulp, found.at);
        assert!(found.max_ulp <= limit(row.name), "{}: {} ULP at {:?}", row.name, found.max_ulp, found.at);
    }
    for function in slope::singles() {
        let found = function.sample(&mut Rng(3), 100_000);
        println!("{}, binary32: {:.4} at {:?}", function.name, found.max_ulp, found.at);
        let limit = limit(function.name);
        assert!(found.max_ulp <= limit, "{}: {} ULP at {:?}", function.name, found.max_ulp, found.at);
    }
}

/// `NC_SAMPLES=1000000 cargo test --release -p nc-runtime --test recipes_slope -- --nocapture` measures as many arguments of each.
fn samples() -> u64 {
    std::env::var("NC_SAMPLES").map_or(600, |text| text.parse().expect("NC_SAMPLES is a number"))
}

#[test]
fn special_functions_stay_below_one_ulp_and_are_monotone() {
    let effort = Effort { samples: samples(), pairs: 20_000, neighbours: 2, threads: 2 };
    for row in special::rows() {
        let found = row.measure(effort);
        println!("{}: {:.4} at {:?}", row.name, found.max_ulp, found.at);
        assert!(found.max_ulp <= 1.0, "{}: {} ULP at {:?}", row.name, found.max_ulp, found.at);
        assert_eq!(found.violations, 0, "{}: not monotone at {:e}", row.name, found.violation);
    }
    for function in special::singles() {
        let found = function.sample(&mut Rng(5), 20 * samples());
        println!("{}, binary32: {:.4} at {:?}", function.name, found.max_ulp, found.at);
        assert!(found.max_ulp <= 1.0, "{}: {} ULP at {:?}", function.name, found.max_ulp, found.at);
    }
}

#[test]
fn functions_with_zeros_stay_below_what_their_condition_allows() {
    for function in special::conditioned() {
        let effort = Effort { samples: samples(), pairs: 4_000, neighbours: 2, threads: 1 };
        let [double, single] = function.measure(effort, 0);
        println!("{}: {:.3} of its bound at {:?}", function.name, double.max_ulp, double.at);
        println!("{}, binary32: {:.3} of its bound at {:?}", function.name, single.max_ulp, single.at);
        assert_eq!(double.violations, 0, "{}: not monotone at {:e}", function.name, double.violation);
        for found in [double, single] {
            assert!(
                found.max_ulp <= 1.0,
                "{}: {} of its bound at {:?}",
                function.name,
                found.max_ulp,
                found.at
            );
        }
    }
}

/// Results on both sides of a seam are in order. Where neighbours have values that differ by less than a quarter of a unit, they may be
/// in the wrong order by one unit.
#[test]
fn special_functions_are_monotone_at_seams() {
    const REACH: i64 = 200;
    let backwards =
        |direction: Direction, a: f64, b: f64| if direction == Direction::Up { a - b } else { b - a };
    for function in special::seams() {
        for (seam, narrow, direction, flat) in function.seams {
            for steps in -REACH..REACH {
                let [x, next] = [steps, steps + 1].map(|steps| neighbour(seam, steps));
                let [a, b] = [x, next].map(function.double);
                let back = backwards(direction, a, b);
                let unit = if flat { neighbour(a.abs(), 1) - a.abs() } else { 0.0 };
                // NaN is where the function is not defined, the difference of two infinities in order.
                assert!(
                    back.is_nan() || back <= unit,
                    "{}: {a:e} and {b:e} at {x:e} and {next:e}",
                    function.name
                );
                let step =
                    |steps: i64| if steps < 0 { f32::next_down as fn(f32) -> f32 } else { f32::next_up };
                let at = |steps: i64| (0..steps.abs()).fold(narrow, |x, _| step(steps)(x));
                let [x, next] = [at(steps), at(steps + 1)];
                let [a, b] = [x, next].map(function.single);
                let back = backwards(direction, a.into(), b.into());
                let unit = if flat { a.abs().next_up() - a.abs() } else { 0.0 };
                assert!(
                    back.is_nan() || back <= unit.into(),
                    "{}, binary32: {a:e} and {b:e} at {x:e} and {next:e}",
                    function.name
                );
            }
        }
    }
}

#[test]
fn special_values() {
    const ARGUMENTS: [f64; 7] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0, -1.0];
    for (name, double, single, expected) in special::SPECIAL_VALUES {
        for (x, &expected) in ARGUMENTS.into_iter().zip(expected) {
            let (found, narrow) = (double(x), single(x as f32));
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            // Values at ±1 may be rounded the other way.
            let near = x.abs() == 1.0 && (found - expected).abs() <= f64::EPSILON * expected.abs();
            assert!(same || near, "{name}({x}) = {found}, not {expected}");
            let rounded = expected as f32;
            let same = narrow.to_bits() == rounded.to_bits() || narrow.is_nan() && rounded.is_nan();
            let near = x.abs() == 1.0 && (narrow - rounded).abs() <= f32::EPSILON * rounded.abs();
            assert!(same || near, "{name}({x}), binary32: {narrow}, not {rounded}");
        }
    }
}
