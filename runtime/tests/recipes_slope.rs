//! The recipes that are slopes of others: errors in both formats.

#[allow(dead_code, reason = "one of its types is used")]
#[path = "../examples/ulp/single.rs"]
mod single;
#[path = "../examples/ulp/slope.rs"]
mod slope;
mod support;

use support::{Effort, Rng};

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
