//! How exact C's vector functions are.

#[path = "../../runtime/tests/support/mod.rs"]
mod reference;

use astro_float::BigFloat;
use nc_runtime::lanes::Precision;
use neural_compiler::Op;
use neural_compiler::internals::ops::Lane;
use serde_json::{Value, json};

use self::reference::{Big, Expected, PRECISION, RM, big, ulp_error};
use crate::support::c::{Arithmetic, Compiler, Flags};
use crate::support::c_source::PRELUDE;
use crate::support::columns::{Columns, uniform};

/// A function on a range: a wide one, or one around a zero, where absolute accuracy is not enough.
struct Function {
    name: &'static str,
    op: Op,
    /// For each operand.
    ranges: &'static [(f64, f64)],
    exact: fn(&mut Big, &[f64]) -> BigFloat,
}

const FUNCTIONS: [Function; 12] = [
    Function { name: "sin", op: Op::Sin, ranges: &[(-3.2, 3.2)], exact: sin },
    Function { name: "sin", op: Op::Sin, ranges: &[(-1e6, 1e6)], exact: sin },
    Function { name: "sin", op: Op::Sin, ranges: &[(3.13, 3.15)], exact: sin },
    Function { name: "sin", op: Op::Sin, ranges: &[(8_388_052.37, 8_388_052.39)], exact: sin },
    Function { name: "cos", op: Op::Cos, ranges: &[(-3.2, 3.2)], exact: cos },
    Function { name: "cos", op: Op::Cos, ranges: &[(-1e6, 1e6)], exact: cos },
    Function { name: "cos", op: Op::Cos, ranges: &[(1.57, 1.5715)], exact: cos },
    Function { name: "exp", op: Op::Exp, ranges: &[(-700.0, 700.0)], exact: exp },
    Function { name: "log", op: Op::Log, ranges: &[(0.5, 2.0)], exact: log },
    Function { name: "log", op: Op::Log, ranges: &[(0.999, 1.001)], exact: log },
    Function { name: "log", op: Op::Log, ranges: &[(1e-3, 1e3)], exact: log },
    Function { name: "pow", op: Op::Pow, ranges: &[(0.1, 10.0), (-20.0, 20.0)], exact: pow },
];

fn sin(b: &mut Big, x: &[f64]) -> BigFloat {
    big(x[0]).sin(PRECISION, RM, &mut b.cc)
}

fn cos(b: &mut Big, x: &[f64]) -> BigFloat {
    big(x[0]).cos(PRECISION, RM, &mut b.cc)
}

fn exp(b: &mut Big, x: &[f64]) -> BigFloat {
    big(x[0]).exp(PRECISION, RM, &mut b.cc)
}

fn log(b: &mut Big, x: &[f64]) -> BigFloat {
    big(x[0]).ln(PRECISION, RM, &mut b.cc)
}

fn pow(b: &mut Big, x: &[f64]) -> BigFloat {
    log(b, &x[..1]).mul(&big(x[1]), PRECISION, RM).exp(PRECISION, RM, &mut b.cc)
}

/// How many of the arguments with the largest errors are compared with a reference of high precision.
const CANDIDATES: usize = 50;

/// Prints the largest errors of the functions that C's fast mode calls, and returns them.
pub fn print(compiler: &Compiler, samples: usize) -> Value {
    println!(
        "\nLargest errors in ULP, {samples} arguments: C's functions as -ffast-math calls them, and this compiler's."
    );
    println!("{:<6}{:<28}{}{:>12}", "", "range", heads(), "ours");
    let mut source = PRELUDE.to_string();
    for (name, operands) in [("sin", 1), ("cos", 1), ("exp", 1), ("log", 1), ("pow", 2)] {
        let operands: Vec<String> = (0..operands).map(|k| format!("in[{k}][i]")).collect();
        source.push_str(&format!(
            "void {name}_of(const double *const *in, double *const *out, size_t n) {{\n#pragma omp simd\n  \
             for (size_t i = 0; i < n; i++) out[0][i] = {name}({});\n}}\n",
            operands.join(", ")
        ));
    }
    let libraries = compiler.build_all(&source, &Flags::all(Arithmetic::Fast));
    let mut references = Big::new();
    let mut figures = Vec::new();
    for function in &FUNCTIONS {
        let inputs = Columns::of(function.ranges.len(), samples, |k, row| {
            let (low, high) = function.ranges[k];
            low + (high - low) * uniform(k, row)
        });
        let ours = of_recipe(function.op, &inputs);
        let mut errors = Vec::new();
        for (flags, library) in &libraries {
            let mut outputs = Columns::zeros(1, samples);
            if let Some(mut side) = library.side(&format!("{}_of", function.name), &inputs, &mut outputs, 1) {
                side();
            }
            errors.push((flags.bits, largest(function, &inputs, &outputs[0], &ours, &mut references)));
        }
        let of_ours = largest(function, &inputs, &ours, &ours, &mut references);
        let ranges: Vec<String> = function.ranges.iter().map(|(a, b)| format!("[{a}, {b}]")).collect();
        print!("{:<6}{:<28}", function.name, ranges.join(" × "));
        errors.iter().for_each(|(_, error)| print!("{error:>12.2}"));
        println!("{of_ours:>12.2}");
        figures.push(json!({
            "function": function.name,
            "ranges": function.ranges,
            "c": errors.iter().map(|(bits, ulp)| json!({ "bits": bits, "ulp": ulp })).collect::<Vec<_>>(),
            "ours": of_ours,
        }));
    }
    Value::Array(figures)
}

fn heads() -> String {
    Flags::widths().iter().map(|bits| format!("{:>12}", format!("C, {bits} bits"))).collect()
}

fn of_recipe(op: Op, inputs: &Columns) -> Vec<f64> {
    (0..inputs.rows())
        .map(|row| {
            let operands: Vec<Lane<_>> = inputs.iter().map(|column| Lane::F(column[row])).collect();
            op.evaluate_element(Precision::Double, &operands).f()
        })
        .collect()
}

/// The largest error, found among the arguments where the results are furthest from ours, which are within one ULP.
fn largest(
    function: &Function,
    inputs: &Columns,
    results: &[f64],
    ours: &[f64],
    references: &mut Big,
) -> f64 {
    let steps = |row: usize| results[row].to_bits().abs_diff(ours[row].to_bits());
    let mut rows: Vec<usize> = (0..results.len()).collect();
    rows.sort_by_key(|&row| std::cmp::Reverse(steps(row)));
    let errors = rows.iter().take(CANDIDATES).map(|&row| {
        let arguments: Vec<f64> = inputs.iter().map(|column| column[row]).collect();
        ulp_error(results[row], &Expected::Near((function.exact)(references, &arguments)))
    });
    errors.fold(0.0, f64::max)
}
