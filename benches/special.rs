//! The errors of special functions in binary32 at all 2³² arguments, by native code.
//!
//! `cargo bench --bench special -- [--every N] [NAME…]` prints the largest of each function, against the same function in binary64,
//! whose own error is at most 2⁻²⁸ of a unit of binary32 where its bound holds: `cargo run --release -p nc-runtime --example ulp`
//! measures that one against series of high precision. Functions with zeros are measured in parts of their bounds, the others in
//! units in the last place. With `--every N` only each Nth argument is tried, with `--test` each 2²⁰th.

use std::process::ExitCode;

use neural_compiler::{CompileOptions, Dtype, Kernel, Program};

/// A function of one argument.
struct Function {
    name: &'static str,
    bound: Bound,
}

/// What bounds the error.
#[derive(Clone, Copy)]
enum Bound {
    /// One unit in the last place.
    Unit,
    /// One unit and half of one for each unit of the condition number; or, where that is more, this absolute error.
    Conditioned { absolute: f64 },
}

const FUNCTIONS: [Function; 11] = [
    Function { name: "sinc", bound: Bound::Unit },
    Function { name: "erfc", bound: Bound::Unit },
    Function { name: "normal-cdf", bound: Bound::Unit },
    Function { name: "normal-pdf", bound: Bound::Unit },
    Function { name: "gamma", bound: Bound::Unit },
    Function { name: "lambert-w", bound: Bound::Unit },
    Function { name: "lambert-wm1", bound: Bound::Unit },
    Function { name: "lgamma", bound: Bound::Conditioned { absolute: NEAR_ZEROS } },
    Function { name: "digamma", bound: Bound::Conditioned { absolute: NEAR_ZEROS } },
    Function { name: "bessel-j0", bound: Bound::Conditioned { absolute: 0.0 } },
    Function { name: "bessel-j1", bound: Bound::Conditioned { absolute: 0.0 } },
];

/// 2⁻²⁶, below which an error near a zero may be.
const NEAR_ZEROS: f64 = 1.0 / 67_108_864.0;

/// The largest binary32 number and half of its unit: what is less rounds to a finite number.
const BEYOND: f64 = 340_282_356_779_733_661_637_539_395_458_142_568_448.0;

/// Arguments that are evaluated together.
const BLOCK: u64 = 1 << 16;

fn kernel(source: &str, dtype: Dtype) -> Kernel {
    let options = CompileOptions::default().dtype(dtype);
    Program::parse(source).and_then(|program| program.compile(&options)).expect("the program compiles")
}

/// 2^e for an exponent of a normal number.
fn power(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The error in units in the last place of the binary32 number at what is expected; infinite where a special value is wrong.
fn error(found: f32, expected: f64) -> f64 {
    let result = f64::from(found);
    if result == expected || result.is_nan() && expected.is_nan() {
        return 0.0;
    }
    if found.is_infinite() && expected.abs() >= BEYOND && result.signum() == expected.signum() {
        return 0.0;
    }
    let exponent = ((expected.to_bits() >> 52) & 0x7ff) as i64 - 1023;
    let error = (result - expected).abs() / power((exponent - 23).max(-149));
    if error.is_nan() { f64::INFINITY } else { error }
}

/// What was found of a function.
struct Found {
    tried: u64,
    largest: f64,
    at: f32,
}

impl Function {
    fn measure(&self, every: u64) -> Found {
        let program = format!("({} x)", self.name);
        let (single, double) = (kernel(&program, Dtype::F32), kernel(&program, Dtype::F64));
        let slope = kernel(&format!("((D (lambda (u) ({} u))) x)", self.name), Dtype::F64);
        let mut found = Found { tried: 0, largest: 0.0, at: 0.0 };
        let mut next = 0u64;
        while next < 1 << 32 {
            let patterns = (0..BLOCK).map(|k| next + k * every).take_while(|&bits| bits < 1 << 32);
            let x: Vec<f32> =
                patterns.map(|bits| f32::from_bits(bits as u32)).filter(|x| !x.is_nan()).collect();
            next += BLOCK * every;
            let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let results = single.columns(&[&x]).expect("a column for each input");
            let expected = double.columns(&[&wide]).expect("a column for each input");
            found.tried += x.len() as u64;
            for ((&x, &result), &expected) in x.iter().zip(&results[0]).zip(&expected[0]) {
                let mut share = error(result, expected);
                // A bound is at least one unit.
                if share <= found.largest {
                    continue;
                }
                if let Bound::Conditioned { absolute } = self.bound {
                    let at = f64::from(x);
                    let slope = slope.columns(&[&[at]]).expect("a column for each input")[0][0];
                    share /= 1.0 + 0.5 * (at * slope / expected).abs();
                    if absolute > 0.0 {
                        share = share.min((f64::from(result) - expected).abs() / absolute);
                    }
                    share = if share.is_nan() { f64::INFINITY } else { share };
                }
                if share > found.largest {
                    (found.largest, found.at) = (share, x);
                }
            }
        }
        found
    }
}

fn main() -> ExitCode {
    let mut every = 1;
    let mut names = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--test" => every = 1 << 20,
            // What cargo adds.
            "--bench" => {}
            "--every" => match words.next().and_then(|word| word.parse().ok()).filter(|&every| every > 0) {
                Some(number) => every = number,
                None => return usage(),
            },
            name if FUNCTIONS.iter().any(|function| function.name == name) => names.push(word),
            _ => return usage(),
        }
    }
    let chosen = |function: &&Function| names.is_empty() || names.iter().any(|name| name == function.name);
    for function in FUNCTIONS.iter().filter(chosen) {
        let Found { tried, largest, at } = function.measure(every);
        let what = match function.bound {
            Bound::Unit => "ULP",
            Bound::Conditioned { .. } => "of its bound",
        };
        println!("{:<12} {tried:>11} arguments, at most {largest:.4} {what}, at {at:e}", function.name);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: special [--every N] [NAME…], where names are those of special functions of one argument"
    );
    ExitCode::from(2)
}
