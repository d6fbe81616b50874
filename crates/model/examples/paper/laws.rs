//! The fifteen laws of the paper's first experiment, with its ranges and constants.

#![allow(clippy::approx_constant, reason = "the paper's constant has four digits")]

/// A law with constants that are to be found.
pub struct Law {
    pub name: &'static str,
    pub source: &'static str,
    /// Variables and the ranges that samples are drawn from.
    pub variables: &'static [(&'static str, f64, f64)],
    /// Constants and their true values.
    pub constants: &'static [(&'static str, f64)],
    /// Of constants that give the same law, those that the true ones are among.
    pub canonical: fn(&mut [f64]),
    /// The error of the constants in the paper's table.
    pub paper: &'static str,
    /// Mean squared errors of the network in the paper's table, as trained and over five times the ranges.
    pub network: &'static str,
    /// The law in Rust, operation by operation.
    pub by_hand: fn(&[f64], &[f64]) -> f64,
}

pub const LAWS: &[Law] = &[
    Law {
        name: "Planck",
        source: "(* h f)",
        variables: &[("f", 0.1, 10.0)],
        constants: &[("h", 6.626)],
        canonical: |_| {},
        paper: "0.003",
        network: "1.6e-3, 3.0e+3",
        by_hand: |x, c| c[0] * x[0],
    },
    Law {
        name: "Hooke",
        source: "(* neg_k x)",
        variables: &[("x", -3.0, 3.0)],
        constants: &[("neg_k", -2.5)],
        canonical: |_| {},
        paper: "0.013",
        network: "9.7e-4, 8.9e+2",
        by_hand: |x, c| c[0] * x[0],
    },
    Law {
        name: "Kinetic",
        source: "(* alpha (* m (pow v 2)))",
        variables: &[("m", 0.5, 5.0), ("v", -3.0, 3.0)],
        constants: &[("alpha", 0.5)],
        canonical: |_| {},
        paper: "0.072",
        network: "5.2e-3, 6.6e+3",
        by_hand: |x, c| c[0] * (x[0] * (x[1] * x[1])),
    },
    Law {
        name: "Ideal gas",
        source: "(/ (* n (* kB T)) V)",
        variables: &[("n", 0.5, 5.0), ("T", 1.0, 10.0), ("V", 0.5, 5.0)],
        constants: &[("kB", 1.381)],
        canonical: |_| {},
        paper: "0.002",
        network: "1.4e-3, 3.5e+3",
        by_hand: |x, c| x[0] * (c[0] * x[1]) / x[2],
    },
    Law {
        name: "Gravity",
        source: "(/ (* G (* m1 m2)) (pow r 2))",
        variables: &[("m1", 0.5, 5.0), ("m2", 0.5, 5.0), ("r", 0.5, 5.0)],
        constants: &[("G", 6.674)],
        canonical: |_| {},
        paper: "0.010",
        network: "3.6e-2, 2.2e+4",
        by_hand: |x, c| c[0] * (x[0] * x[1]) / (x[2] * x[2]),
    },
    Law {
        name: "Coulomb",
        source: "(/ (* ke (* q1 q2)) (pow r 2))",
        variables: &[("q1", 0.5, 5.0), ("q2", 0.5, 5.0), ("r", 0.5, 5.0)],
        constants: &[("ke", 8.988)],
        canonical: |_| {},
        paper: "0.804",
        network: "6.2e-5, 1.8e-1",
        by_hand: |x, c| c[0] * (x[0] * x[1]) / (x[2] * x[2]),
    },
    Law {
        name: "E-field",
        source: "(* coeff (pow Ef 2))",
        variables: &[("Ef", 0.1, 5.0)],
        constants: &[("coeff", 4.427)],
        canonical: |_| {},
        paper: "0.016",
        network: "1.2e-3, 4.7e+3",
        by_hand: |x, c| c[0] * (x[0] * x[0]),
    },
    Law {
        name: "Heat",
        source: "(/ (* kappa (* (- T2 T1) A)) d)",
        variables: &[("T2", 5.0, 15.0), ("T1", 0.0, 5.0), ("A", 0.5, 3.0), ("d", 0.1, 2.0)],
        constants: &[("kappa", 1.5)],
        canonical: |_| {},
        paper: "0.008",
        network: "1.2e-3, 9.3e+2",
        by_hand: |x, c| c[0] * ((x[0] - x[1]) * x[2]) / x[3],
    },
    Law {
        name: "Sound",
        source: "(sqrt (/ (* gamma pr) rho))",
        variables: &[("pr", 1.0, 10.0), ("rho", 0.5, 5.0)],
        constants: &[("gamma", 1.4)],
        canonical: |_| {},
        paper: "0.010",
        network: "1.1e-3, 2.3e+2",
        by_hand: |x, c| (c[0] * x[0] / x[1]).sqrt(),
    },
    Law {
        name: "Pendulum",
        source: "(* two_pi (sqrt (/ L g)))",
        variables: &[("L", 0.5, 5.0), ("g", 5.0, 15.0)],
        constants: &[("two_pi", 6.283)],
        canonical: |_| {},
        paper: "0.000",
        network: "1.6e-3, 2.9e+2",
        by_hand: |x, c| c[0] * (x[0] / x[1]).sqrt(),
    },
    Law {
        name: "Lorentz",
        source: "(/ m0 (sqrt (- 1 (pow (/ v c) 2))))",
        variables: &[("m0", 0.5, 5.0), ("v", 0.1, 0.9)],
        constants: &[("c", 3.0)],
        canonical: |c| c[0] = c[0].abs(),
        paper: "19.8",
        network: "8.5e-3, 1.6e-2",
        by_hand: |x, c| {
            let beta = x[1] / c[0];
            x[0] / (1.0 - beta * beta).sqrt()
        },
    },
    Law {
        name: "Rel. energy",
        source: "(/ (* m (pow c 2)) (sqrt (- 1 (pow (/ v c) 2))))",
        variables: &[("m", 0.5, 5.0), ("v", 0.1, 0.9)],
        constants: &[("c", 3.0)],
        canonical: |c| c[0] = c[0].abs(),
        paper: "0.003",
        network: "1.1e-3, 5.1e+2",
        by_hand: |x, c| {
            let beta = x[1] / c[0];
            x[0] * (c[0] * c[0]) / (1.0 - beta * beta).sqrt()
        },
    },
    Law {
        name: "Oscillator",
        source: "(* A (sin (+ (* omega t) phi)))",
        variables: &[("t", 0.0, 6.0)],
        constants: &[("A", 2.0), ("omega", 3.0), ("phi", 0.5)],
        canonical: |c| {
            // A sine is odd, and changes its sign in half a turn.
            if c[1] < 0.0 {
                (c[0], c[1], c[2]) = (-c[0], -c[1], -c[2]);
            }
            if c[0] < 0.0 {
                (c[0], c[2]) = (-c[0], c[2] + std::f64::consts::PI);
            }
            c[2] = (c[2] + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
        },
        paper: "95",
        network: "3.9e-1, 4.3e-1",
        by_hand: |x, c| c[0] * (c[1] * x[0] + c[2]).sin(),
    },
    Law {
        name: "Gaussian",
        source: "(exp (/ (- 0 (pow theta 2)) (* 2 (pow sigma 2))))",
        variables: &[("theta", -5.0, 5.0)],
        constants: &[("sigma", 2.0)],
        canonical: |c| c[0] = c[0].abs(),
        paper: "0.003",
        network: "3.9e-4, 8.7e+2",
        by_hand: |x, c| ((0.0 - x[0] * x[0]) / (2.0 * (c[0] * c[0]))).exp(),
    },
    Law {
        name: "Barometric",
        source: "(* n0 (exp (/ (* (- 0 m) (* g x)) (* kB T))))",
        variables: &[("m", 0.5, 2.0), ("g", 5.0, 15.0), ("x", 0.0, 3.0), ("T", 1.0, 5.0)],
        constants: &[("n0", 5.0), ("kB", 1.381)],
        canonical: |_| {},
        paper: "0.058",
        network: "4.9e-3, 1.7e+4",
        by_hand: |x, c| c[0] * ((0.0 - x[0]) * (x[1] * x[2]) / (c[1] * x[3])).exp(),
    },
];
