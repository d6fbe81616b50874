//! Loops and recursion against the same computation written without them: values to the bit, derivatives to rounding,
//! and finite exactly where those are.
//!
//! `NC_PROGRAMS=10000 cargo test --release --test suite unrolled` runs that many programs; `NC_SEED=n` begins with seed n.

use crate::support;

use neural_compiler::{CompileOptions, Derivative, Dtype, Kernel, Program, Signature, Tier};
use support::unrolled::program;
use support::{Results, run};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Values of `x`, `y`, `z` and `n`.
const ROWS: [[f64; 4]; 7] = [
    [0.5, 0.25, 1.0, 2.0],
    [0.0, 1.0, 0.0, 0.0],
    [-0.5, 0.0, -1.0, 3.0],
    [1.0, -1.0, 2.0, 4.0],
    [0.25, 0.5, 0.0, 1.0],
    [0.0, 0.0, 0.5, 3.0],
    [1.5, 0.75, 1.0, 0.0],
];

fn columns(rows: usize) -> Vec<Vec<f64>> {
    (0..4).map(|k| ROWS[..rows].iter().map(|row| row[k]).collect()).collect()
}

fn compile(text: &str, dtype: Dtype, derivative: Derivative, tier: Tier, tape_bytes: usize) -> Kernel {
    let signature = Signature::scalars().parameter("p");
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    let options = CompileOptions::default()
        .signature(signature)
        .dtype(dtype)
        .derivative(derivative)
        .tier(tier)
        .tape_bytes(tape_bytes);
    program.compile(&options).unwrap_or_else(|e| panic!("{e} in\n{text}"))
}

/// Whether two derivatives agree.
fn close(a: u64, b: u64, scale: f64) -> bool {
    let (a, b) = (f64::from_bits(a), f64::from_bits(b));
    if a.is_finite() != b.is_finite() {
        return false;
    }
    !a.is_finite() || (a - b).abs() <= 1e-9 * (a.abs() + b.abs() + scale)
}

/// Derivatives are compared in binary64 only: sums in another order may overflow in binary32 alone.
fn agree(dtype: Dtype, looped: &Results, unrolled: &Results, values: usize) -> Result<(), String> {
    if looped.failed != unrolled.failed {
        return Err(format!("{} and {} rows failed", looped.failed, unrolled.failed));
    }
    let compared = if dtype == Dtype::F64 { looped.columns.len() } else { values };
    for (k, (a, b)) in looped.columns.iter().zip(&unrolled.columns).enumerate().take(compared) {
        for (row, (&x, &y)) in a.iter().zip(b).enumerate() {
            let of_row = || unrolled.columns.iter().map(|c| f64::from_bits(c[row]).abs());
            let scale = of_row().filter(|x| x.is_finite()).fold(0.0, f64::max);
            let agrees = if k < values { x == y } else { close(x, y, scale) };
            if !agrees {
                return Err(format!(
                    "column {k} of row {row} is {:e}, unrolled {:e}",
                    f64::from_bits(x),
                    f64::from_bits(y)
                ));
            }
        }
    }
    for (&x, &y) in looped.sums.iter().zip(&unrolled.sums) {
        if dtype == Dtype::F64 && !close(x, y, 1.0) {
            return Err(format!("a sum is {}, unrolled {}", f64::from_bits(x), f64::from_bits(y)));
        }
    }
    Ok(())
}

fn check(seed: u64, dtype: Dtype) {
    let pair = program(seed);
    for (derivative, tangents) in
        [(Derivative::Gradient, 0), (Derivative::Jvp { seeds: 2 }, 2), (Derivative::Hessian, 0)]
    {
        if derivative == Derivative::Hessian && pair.unrolled.len() > 30_000 {
            continue;
        }
        let rows = ROWS.len();
        // The parameter has one tangent for each row like any other input.
        let mut inputs = columns(rows);
        for k in 0..5 * tangents {
            inputs.push((0..rows).map(|row| [1.0, 0.5, -1.0, 0.25][(k + row) % 4]).collect());
        }
        let param = [(seed % 5) as f64];
        let describe = |what: &str| {
            format!("seed {seed}, {dtype}, {derivative:?}: {what} in\n{}\n{}", pair.looped, pair.unrolled)
        };
        let reference = compile(&pair.looped, dtype, derivative.clone(), Tier::Interpret, 64 << 20);
        let expected = run(&reference, &inputs, &param, rows, 1);
        let plain = compile(&pair.unrolled, dtype, derivative.clone(), Tier::Interpret, 64 << 20);
        let plain = run(&plain, &inputs, &param, rows, 1);
        if let Err(error) = agree(dtype, &expected, &plain, 1) {
            panic!("{}", describe(&error));
        }
        let tier = match dtype {
            Dtype::F64 => support::native_tier(),
            Dtype::F32 => support::native_tier(),
        };
        for tape in [0, 64 << 20] {
            let native = compile(&pair.looped, dtype, derivative.clone(), tier, tape);
            let found = run(&native, &inputs, &param, rows, 1);
            assert!(
                found == expected,
                "{}",
                describe(&format!("tiers differ, tape {tape}: {found:?} {expected:?}"))
            );
        }
        let again = compile(&pair.looped, dtype, derivative.clone(), Tier::Interpret, 0);
        assert!(run(&again, &inputs, &param, rows, 1) == expected, "{}", describe("tapes differ"));
    }
}

#[test]
fn loops_are_what_they_unroll_to() {
    let first = setting("NC_SEED", 0);
    let count = setting("NC_PROGRAMS", 60);
    for dtype in [Dtype::F64, Dtype::F32] {
        let fails = |seed: &u64| std::panic::catch_unwind(|| check(*seed, dtype)).is_err();
        let failed: Vec<u64> = (first..first + count).filter(fails).collect();
        assert!(failed.is_empty(), "seeds {failed:?} of {count}, {dtype}");
    }
}
