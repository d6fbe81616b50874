//! Programs in Scheme and in the notation of expression evaluators.

use super::columns::{Columns, uniform};

/// A program with one scalar result.
pub struct Case {
    /// Short name.
    pub name: String,
    /// Inputs, in the order of the program's signature.
    pub inputs: Vec<String>,
    /// The Scheme program.
    pub scheme: String,
    /// The formula in infix notation: `^` for powers, `c && a || b` for choices.
    pub infix: String,
}

fn case(name: &str, scheme: &str, infix: &str) -> Case {
    let program = neural_compiler::Program::parse(scheme).expect("the program parses");
    Case {
        name: name.into(),
        inputs: program.inputs().map(str::to_string).collect(),
        scheme: scheme.into(),
        infix: infix.into(),
    }
}

/// The throughput programs of the paper's tables 6 and 9.
pub fn throughput() -> Vec<Case> {
    let mut cases = vec![
        case("add", "(+ x y)", "x + y"),
        case("square_plus", "(+ (* x x) y)", "x * x + y"),
        case("four_ops", "(+ (* a b) (- c d))", "a * b + (c - d)"),
        case("abs", "(if (> x 0) x (- 0 x))", "x > 0 && x || 0 - x"),
        case("clamp", "(if (< x 0) 0 (if (> x 10) 10 x))", "x >= 0 && (x > 10 && 10 || x) || 0"),
        case("quadratic", "(+ (+ (* a (* x x)) (* b x)) c)", "a * (x * x) + b * x + c"),
        case(
            "discriminant",
            "(let ((d (- (* b b) (* 4 (* a c))))) (if (>= d 0) 1 0))",
            "b * b - 4 * (a * c) >= 0",
        ),
        case(
            "dist_sq",
            "(let ((dx (- x1 x2)) (dy (- y1 y2))) (+ (* dx dx) (* dy dy)))",
            "(x1 - x2) * (x1 - x2) + (y1 - y2) * (y1 - y2)",
        ),
        case(
            "dot4",
            "(+ (+ (* a1 b1) (* a2 b2)) (+ (* a3 b3) (* a4 b4)))",
            "(a1 * b1 + a2 * b2) + (a3 * b3 + a4 * b4)",
        ),
    ];
    let (mut scheme, mut infix) = ("x".to_string(), "x".to_string());
    for _ in 0..250 {
        scheme = format!("(+ {scheme} 1)");
        infix = format!("({infix} + 1)");
    }
    cases.push(case("chain_250", &scheme, &infix));
    cases.push(tree(100));
    cases
}

/// The balanced sum of `width` products of two inputs each.
pub fn tree(width: usize) -> Case {
    let mut scheme: Vec<String> = (0..width).map(|k| format!("(* v{} v{})", 2 * k, 2 * k + 1)).collect();
    let mut infix: Vec<String> = (0..width).map(|k| format!("v{} * v{}", 2 * k, 2 * k + 1)).collect();
    while scheme.len() > 1 {
        scheme = scheme
            .chunks(2)
            .map(|p| if let [a, b] = p { format!("(+ {a} {b})") } else { p[0].clone() })
            .collect();
        infix = infix
            .chunks(2)
            .map(|p| if let [a, b] = p { format!("({a} + {b})") } else { p[0].clone() })
            .collect();
    }
    case(&format!("tree_{width}"), &scheme[0], &infix[0])
}

/// The paper's fifteen laws, as its Table 7 has them.
pub fn laws() -> Vec<Case> {
    vec![
        case("Planck", "(* h f)", "h * f"),
        case("Hooke", "(* (- 0 k) x)", "(0 - k) * x"),
        case("kinetic", "(* alpha (* m (pow v 2)))", "alpha * (m * v ^ 2)"),
        case("gravity", "(/ (* G (* m1 m2)) (pow r 2))", "G * (m1 * m2) / r ^ 2"),
        case("ideal gas", "(* n (* R T))", "n * (R * T)"),
        case("pendulum", "(* k (sqrt (/ L g)))", "k * sqrt(L / g)"),
        case("heat", "(* m (* c dT))", "m * (c * dT)"),
        case("Coulomb", "(/ (* ke (* q1 q2)) (pow r 2))", "ke * (q1 * q2) / r ^ 2"),
        case(
            "Gaussian",
            "(/ (exp (/ (- 0 (pow (/ (- x mu) sigma) 2)) 2)) (* sigma (sqrt 6.283185307179586)))",
            "exp((0 - ((x - mu) / sigma) ^ 2) / 2) / (sigma * sqrt(6.283185307179586))",
        ),
        case(
            "rel. energy",
            "(/ (* m (pow c 2)) (sqrt (- 1 (pow (/ v c) 2))))",
            "m * c ^ 2 / sqrt(1 - (v / c) ^ 2)",
        ),
        case("sound", "(sqrt (/ (* gamma P) rho))", "sqrt(gamma * P / rho)"),
        case(
            "barometric",
            "(* P0 (exp (/ (* (- 0 m) (* g x)) (* kB T))))",
            "P0 * exp((0 - m) * (g * x) / (kB * T))",
        ),
        case("E-field", "(* coeff (* E (* E V)))", "coeff * (E * (E * V))"),
        case("oscillator", "(* A (sin (+ (* omega t) phi)))", "A * sin(omega * t + phi)"),
        case("Lorentz", "(/ 1 (sqrt (- 1 (pow (/ v c) 2))))", "1 / sqrt(1 - (v / c) ^ 2)"),
    ]
}

/// Columns of numbers that are in the domain of every program above and exercise both arms of its choices.
pub fn columns(count: usize, rows: usize) -> Columns {
    // Later columns are larger, so that ratios like v/c stay below 1.
    Columns::of(count, rows, |column, row| 0.1 + 0.8 * uniform(column, row) + column as f64)
}
