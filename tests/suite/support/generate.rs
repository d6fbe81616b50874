//! Random programs and random numbers to run them on. Operations come from the [`menu`](super::menu) of all primitives; lists here
//! only make some more frequent.

mod repeat;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use neural_compiler::Shape;
use repeat::Recursive;

use super::menu;

/// What programs are made of.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Made for comparing derivatives: no extreme constants, few steps.
    pub smooth: bool,
    /// With `loop`, `do`, named `let` and `recur`.
    pub loops: bool,
    /// With functions that call themselves.
    pub recursion: Recursion,
    /// With derivatives of functions.
    pub derivatives: bool,
}

/// How functions call themselves and each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recursion {
    None,
    /// In tail position: such calls are loops.
    Tail,
    /// Anywhere.
    Any,
}

impl Style {
    /// What every tier can run: not yet calls that need a stack.
    pub const COMPILED: Style =
        Style { smooth: false, loops: true, recursion: Recursion::Any, derivatives: false };
    /// The whole language.
    pub const ALL: Style = Style::COMPILED;
    /// The language with derivatives of functions.
    pub const DERIVATIVES: Style = Style { derivatives: true, ..Style::COMPILED };
}

/// A small random generator (splitmix64), the same sequence on every machine.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// A number that makes tiers differ, if any does.
    pub fn wild(&mut self) -> f64 {
        const SPECIAL: [f64; 40] = [
            0.0,
            -0.0,
            0.0,
            -0.0,
            1.0,
            -1.0,
            1.0,
            2.0,
            -2.0,
            3.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -3.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            5e-324,
            -5e-324,
            1e-310,
            f64::MIN_POSITIVE,
            -f64::MIN_POSITIVE,
            f64::MAX,
            f64::MIN,
            1e300,
            -1e-300,
            1e22,
            -1e16,
            33_554_432.5,
            9_007_199_254_740_993.0,
            std::f64::consts::PI,
            std::f64::consts::FRAC_PI_2,
            1e5,
            709.8,
            -745.2,
            0.1,
            1e-17,
            -0.999_999_999_999_999_9,
            1.000_000_000_000_000_2,
        ];
        match self.below(8) {
            0..3 => SPECIAL[self.below(SPECIAL.len())],
            3 => self.below(9) as f64 - 4.0,
            4..6 => self.uniform(-4.0, 4.0),
            6 => self.uniform(-50.0, 50.0),
            _ => f64::from_bits(self.bits()),
        }
    }

    /// The same for binary32.
    pub fn wild_single(&mut self) -> f64 {
        const SPECIAL: [f32; 14] = [
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            -f32::MIN_POSITIVE,
            1e-45,
            -1e-45,
            1e-40,
            3e38,
            1e-30,
            16_777_217.0,
            88.8,
            -103.5,
            0.999_999_94,
            1.000_000_1,
        ];
        match self.below(8) {
            0 => SPECIAL[self.below(SPECIAL.len())].into(),
            1 => f32::from_bits(self.bits() as u32).into(),
            _ => (self.wild() as f32).into(),
        }
    }

    /// A number that keeps most programs away from overflow and poles.
    pub fn tame(&mut self) -> f64 {
        if self.once_in(6) { self.below(7) as f64 - 3.0 } else { self.uniform(-3.0, 3.0) }
    }
}

/// A random program.
pub struct Generated {
    pub seed: u64,
    pub text: String,
    /// Where the final expression begins, if it is a scalar.
    pub scalar: Option<usize>,
    /// Inputs that are no scalars. The text need not use them.
    pub shapes: Vec<(String, Shape)>,
    /// Inputs and constants that are parameters. The text need not use them.
    pub parameters: Vec<String>,
}

impl fmt::Display for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}, shapes {:?}, parameters {:?}\n{}",
            self.seed, self.shapes, self.parameters, self.text
        )
    }
}

type Kind = Shape;
const S: Kind = Shape::Scalar;

struct Writer<'r> {
    rng: &'r mut Rng,
    scope: Vec<(String, Kind)>,
    functions: Vec<(String, Vec<Kind>, Kind)>,
    /// Top-level functions that repeat.
    recursive: Vec<Recursive>,
    fresh: usize,
    style: Style,
    /// Whether this program repeats anything.
    repeats: bool,
    /// How many loops and recursive functions are being written.
    nesting: usize,
    /// Whether functions that call each other are being written: none of them is differentiated in its own recursion.
    in_group: bool,
}

const UNARY: &[&str] = &[
    "-",
    "/",
    "abs",
    "sqrt",
    "sign",
    "square",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "cbrt",
    "erf",
    "polygamma 2",
    "sinc",
    "floor",
    "ceiling",
    "round",
    "truncate",
    "not",
    "exact->inexact",
];
const SMOOTH_UNARY: &[&str] = &[
    "-", "/", "abs", "sqrt", "square", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "cbrt", "erf",
];
const BINARY: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "+",
    "-",
    "*",
    "/",
    "min",
    "max",
    "pow",
    "expt",
    "atan",
    "hypot",
    "remainder",
    "modulo",
    "quotient",
    "<",
    "<=",
    ">",
    ">=",
    "=",
];
const SMOOTH_BINARY: &[&str] =
    &["+", "-", "*", "/", "+", "-", "*", "/", "min", "max", "pow", "atan", "hypot", "modulo"];
const COMPLEX_UNARY: &[&str] = &[
    "-",
    "/",
    "sqrt",
    "square",
    "exp",
    "log",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "conjugate",
    "complex",
    "exact->inexact",
];
const COMPLEX_BINARY: &[&str] = &["+", "-", "*", "/", "expt", "eml", "*", "/"];
const COMPLEX_CONSTANTS: &[&str] = &[
    "+i",
    "-i",
    "1+i",
    "-2+0.5i",
    "0.6-0.8i",
    "-1-0.0i",
    "-1+0.0i",
    "1e308-1e308i",
    "1e-310+1e-310i",
    "-inf.0+i",
];
const CONSTANTS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "3",
    "-0.0",
    "1/3",
    "0.1",
    "10",
    "1e-310",
    "1e308",
    "2.5",
    "-2",
    "4",
    "8",
    "-3",
    "1e22",
    "3.141592653589793",
    "1.5",
    "#t",
    "#f",
    "7",
    "1e-20",
];
const TAME_CONSTANTS: &[&str] = &["0", "1", "2", "-1", "0.5", "3", "1/3", "0.1", "2.5", "-2", "4", "1.5"];

impl Writer<'_> {
    fn name(&mut self) -> String {
        // Names are shadowed now and then.
        if self.rng.once_in(6) && !self.scope.is_empty() {
            let k = self.rng.below(self.scope.len());
            // What ends a loop is not hidden.
            if !self.scope[k].0.starts_with('i') {
                return self.scope[k].0.clone();
            }
        }
        self.fresh += 1;
        format!("t{}", self.fresh)
    }

    fn kind(&mut self) -> Kind {
        match self.rng.below(10) {
            0 if !self.style.smooth => Shape::Complex,
            0..6 => S,
            6 => Shape::Vector(2),
            7..9 => Shape::Vector(3),
            _ => self.matrix(),
        }
    }

    fn matrix(&mut self) -> Kind {
        let (n, m) = [(2, 2), (3, 3), (2, 3), (3, 2)][self.rng.below(4)];
        Shape::Matrix(n, m)
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let known: Vec<String> = (0..self.scope.len())
            .filter(|&k| {
                self.scope[k].1 == kind && !self.scope[k + 1..].iter().any(|other| other.0 == self.scope[k].0)
            })
            .map(|k| self.scope[k].0.clone())
            .collect();
        if !known.is_empty() && !self.rng.once_in(5) {
            return known[self.rng.below(known.len())].clone();
        }
        match kind {
            Shape::Scalar => {
                self.rng.pick(if self.style.smooth { TAME_CONSTANTS } else { CONSTANTS }).to_string()
            }
            Shape::Complex => match self.rng.below(3) {
                0 => format!("(complex {})", self.leaf(S)),
                1 => format!("(make-rectangular {} {})", self.leaf(S), self.leaf(S)),
                _ => self.rng.pick(COMPLEX_CONSTANTS).to_string(),
            },
            Shape::Vector(n) => match self.rng.below(6) {
                0 => format!("(zeros {n})"),
                1 => format!("(ones {n})"),
                _ => self.brackets(n, S, 1),
            },
            Shape::Matrix(n, m) => match self.rng.below(6) {
                0 if n == m => format!("(eye {n})"),
                1 => format!("(ones {n} {m})"),
                _ => self.brackets(n, Shape::Vector(m), 1),
            },
        }
    }

    fn brackets(&mut self, n: u32, of: Kind, size: usize) -> String {
        let parts: Vec<String> = (0..n).map(|_| self.expression(of, size / n as usize)).collect();
        format!("[{}]", parts.join(" "))
    }

    fn condition(&mut self, size: usize) -> String {
        match self.rng.below(6) {
            0 => self.expression(S, size),
            1 => format!("(and {} {})", self.condition(size / 2), self.condition(size / 2)),
            2 => format!("(or {} {})", self.condition(size / 2), self.condition(size / 2)),
            3 => format!("(not {})", self.condition(size)),
            _ => {
                let op = self.rng.pick(&["<", "<=", ">", ">=", "="]);
                format!("({op} {} {})", self.expression(S, size / 2), self.expression(S, size / 2))
            }
        }
    }

    fn bound(&mut self, kind: Kind, size: usize) -> String {
        let star = self.rng.once_in(3);
        let count = 1 + self.rng.below(2);
        let depth = self.scope.len();
        let mut bindings = Vec::new();
        let mut text = String::new();
        for _ in 0..count {
            let of = if self.rng.once_in(2) { kind } else { self.kind() };
            let value = self.expression(of, size / (count + 1));
            let mut name = self.name();
            if bindings.iter().any(|(other, _)| *other == name) {
                self.fresh += 1;
                name = format!("t{}", self.fresh);
            }
            let _ = write!(text, "({name} {value})");
            bindings.push((name.clone(), of));
            if star {
                self.scope.push((name, of));
            }
        }
        if !star {
            self.scope.extend(bindings);
        }
        let body = self.expression(kind, size / (count + 1));
        self.scope.truncate(depth);
        format!("(let{} ({text}) {body})", if star { "*" } else { "" })
    }

    /// An expression of a kind and of about this size.
    fn expression(&mut self, kind: Kind, size: usize) -> String {
        if size <= 1 {
            return self.leaf(kind);
        }
        if self.nesting == 0 && !self.recursive.is_empty() && self.rng.once_in(4) {
            let able: Vec<usize> =
                (0..self.recursive.len()).filter(|&k| self.recursive[k].result == kind).collect();
            if !able.is_empty() {
                let f = self.recursive[able[self.rng.below(able.len())]].clone();
                return self.call(&f, size);
            }
        }
        if self.may_repeat(size) && self.rng.once_in(4) {
            return self.repeat(kind, size);
        }
        if self.style.derivatives && !self.in_group && size >= 4 && self.rng.once_in(6) {
            return self.derivative(kind, size);
        }
        if self.rng.once_in(4) {
            return self.any_call(kind, size);
        }
        let half = size / 2;
        match self.rng.below(20) {
            0..10 if kind == Shape::Complex => self.complex(size),
            0..4 => {
                let op = self.rng.pick(if self.style.smooth { SMOOTH_UNARY } else { UNARY });
                format!("({op} {})", self.expression(kind, size - 1))
            }
            4..9 => {
                let op = self.rng.pick(if self.style.smooth { SMOOTH_BINARY } else { BINARY });
                let (mut a, mut b) = (kind, kind);
                if kind != S && op != "pow" && op != "expt" {
                    match self.rng.below(4) {
                        0 => a = S,
                        1 => b = S,
                        _ => {}
                    }
                }
                if op.starts_with("pow") && self.rng.once_in(2) {
                    let y =
                        self.rng.pick(&["2", "3", "-1", "0.5", "-2", "1", "0", "7", "1.5", "-0.5", "9", "8"]);
                    return format!("({op} {} {y})", self.expression(kind, size - 1));
                }
                let call = format!("({op} {} {})", self.expression(a, half), self.expression(b, half));
                // A square of a length is an operation of its own.
                if op == "hypot" && self.rng.once_in(2) { format!("(square {call})") } else { call }
            }
            9 => {
                let op = self.rng.pick(&["+", "*", "-", "/", "min", "max"]);
                let third = size / 3;
                let parts: Vec<String> = (0..3).map(|_| self.expression(kind, third)).collect();
                format!("({op} {})", parts.join(" "))
            }
            10..12 => {
                let test = self.condition(size / 3);
                format!("(if {test} {} {})", self.expression(kind, size / 3), self.expression(kind, size / 3))
            }
            12 => {
                let (one, two) = (self.condition(size / 5), self.condition(size / 5));
                let arms: Vec<String> = (0..3).map(|_| self.expression(kind, size / 5)).collect();
                format!("(cond ({one} {}) ({two} {}) (else {}))", arms[0], arms[1], arms[2])
            }
            13..15 => self.bound(kind, size),
            15 => {
                let able: Vec<usize> =
                    (0..self.functions.len()).filter(|&k| self.functions[k].2 == kind).collect();
                if able.is_empty() {
                    return self.bound(kind, size);
                }
                let (name, params, _) = self.functions[able[self.rng.below(able.len())]].clone();
                // A binding may have taken the name.
                if self.scope.iter().any(|(other, _)| *other == name) {
                    return self.leaf(kind);
                }
                let size = size / params.len().max(1);
                let args: Vec<String> = params.iter().map(|&p| self.expression(p, size)).collect();
                format!("({name} {})", args.join(" "))
            }
            _ => self.shaped(kind, size),
        }
    }

    /// A derivative that is of this kind.
    fn derivative(&mut self, kind: Kind, size: usize) -> String {
        let v = Shape::Vector(2 + self.rng.below(2) as u32);
        let any = if self.rng.once_in(2) { S } else { v };
        let (form, operand, value) = match (kind, self.rng.below(4)) {
            (Shape::Complex, _) => return self.complex(size),
            (_, 0) => ("jvp", any, kind),
            (_, 1) => ("vjp", kind, any),
            (Shape::Scalar, _) => ("D", S, S),
            (Shape::Vector(_), 2) => ("D", S, kind),
            (Shape::Vector(_), _) => ("D", kind, S),
            (Shape::Matrix(n, m), 2) => ("D", Shape::Vector(m), Shape::Vector(n)),
            (Shape::Matrix(..), _) => ("D", kind, S),
        };
        self.fresh += 1;
        let name = format!("t{}", self.fresh);
        let third = size / 3;
        let point = self.expression(operand, third);
        self.scope.push((name.clone(), operand));
        let body = self.expression(value, size - third);
        self.scope.pop();
        let function = format!("(lambda ({name}) {body})");
        match form {
            "D" => format!("((D {function}) {point})"),
            "jvp" => format!("(jvp {function} {point} {})", self.expression(operand, third)),
            _ => format!("(vjp {function} {point} {})", self.expression(value, third)),
        }
    }

    /// A call of any primitive that gives this kind.
    fn any_call(&mut self, kind: Kind, size: usize) -> String {
        let calls = menu::giving(kind, self.style.smooth);
        // Every primitive as often as any other, in however many ways it can be called.
        let names: BTreeSet<&str> = calls.iter().map(|call| call.name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        if names.is_empty() {
            return self.leaf(kind);
        }
        let name = self.rng.pick(&names);
        let calls: Vec<&menu::Call> = calls.iter().filter(|call| call.name == name).copied().collect();
        let call = calls[self.rng.below(calls.len())];
        // A binding may have taken the name.
        if self.scope.iter().any(|(other, _)| other == name) {
            return self.leaf(kind);
        }
        let size = (size - 1) / call.operands.len();
        let operands: Vec<String> = call.operands.iter().map(|&of| self.expression(of, size)).collect();
        format!("({name} {})", operands.join(" "))
    }

    /// An operation on complex numbers, of which some operands may be real.
    fn complex(&mut self, size: usize) -> String {
        let any = |this: &mut Self| if this.rng.once_in(3) { S } else { Shape::Complex };
        match self.rng.below(8) {
            0..3 => {
                let op = self.rng.pick(COMPLEX_UNARY);
                format!("({op} {})", self.expression(Shape::Complex, size - 1))
            }
            3 => format!(
                "(make-rectangular {} {})",
                self.expression(S, size / 2),
                self.expression(S, size / 2)
            ),
            4 => format!("(make-polar {} {})", self.expression(S, size / 2), self.expression(S, size / 2)),
            _ => {
                let op = self.rng.pick(COMPLEX_BINARY);
                let mut kinds = [Shape::Complex, any(self)];
                if self.rng.once_in(2) {
                    kinds.reverse();
                }
                let parts = kinds.map(|kind| self.expression(kind, size / 2));
                format!("({op} {} {})", parts[0], parts[1])
            }
        }
    }

    /// An operation on vectors, matrices or complex numbers whose result is of this kind.
    fn shaped(&mut self, kind: Kind, size: usize) -> String {
        let half = size / 2;
        match kind {
            Shape::Scalar => {
                let n = 2 + self.rng.below(2) as u32;
                let v = Shape::Vector(n);
                match self.rng.below(if self.style.smooth { 9 } else { 11 }) {
                    9 | 10 => {
                        let op = self.rng.pick(&["real-part", "imag-part", "magnitude", "angle"]);
                        format!("({op} {})", self.expression(Shape::Complex, size - 1))
                    }
                    0 => format!("(dot {} {})", self.expression(v, half), self.expression(v, half)),
                    1 => format!("(norm {})", self.expression(v, size - 1)),
                    2 => {
                        let of = if self.rng.once_in(3) { self.matrix() } else { v };
                        format!("(vsum {})", self.expression(of, size - 1))
                    }
                    3 | 4 => {
                        let k = self.rng.below(n as usize);
                        format!("(ref {} {k})", self.expression(v, size - 1))
                    }
                    5 => {
                        // Now and then out of range, or no integer: the row fails.
                        let index = match self.rng.below(3) {
                            0 => format!("(modulo (floor {}) {n})", self.expression(S, 1)),
                            1 => format!("(if {} 0 {})", self.condition(2), n - 1),
                            _ => self.expression(S, 2),
                        };
                        let v = self.expression(v, half);
                        // A constant index is checked by the compiler.
                        format!("(ref {v} (+ {index} (* 0 (vlen {v}) s)))")
                    }
                    6 => {
                        let Shape::Matrix(n, m) = self.matrix() else { return self.leaf(kind) };
                        let (i, j) = (self.rng.below(n as usize), self.rng.below(m as usize));
                        format!("(ref {} {i} {j})", self.expression(Shape::Matrix(n, m), size - 1))
                    }
                    7 => format!("(det {})", self.expression(Shape::Matrix(n, n), size - 1)),
                    _ => format!("(trace {})", self.expression(Shape::Matrix(n, n), size - 1)),
                }
            }
            Shape::Complex => self.complex(size),
            Shape::Vector(n) => match self.rng.below(9) {
                8 => {
                    let (longer, first) = (n + 1, self.rng.below(2));
                    format!(
                        "(slice {} {first} {})",
                        self.expression(Shape::Vector(longer), size - 1),
                        first as u32 + n
                    )
                }
                0 | 1 => self.brackets(n, S, size),
                2 => format!("(scale {} {})", self.expression(S, half), self.expression(kind, half)),
                3 => format!("(normalize {})", self.expression(kind, size - 1)),
                4 if n == 3 => {
                    format!("(cross {} {})", self.expression(kind, half), self.expression(kind, half))
                }
                5 => {
                    let rows = 2 + self.rng.below(2) as u32;
                    let k = self.rng.below(rows as usize);
                    format!("(ref {} {k})", self.expression(Shape::Matrix(rows, n), size - 1))
                }
                _ => {
                    let m = 2 + self.rng.below(2) as u32;
                    let matrix = self.expression(Shape::Matrix(n, m), half);
                    format!("(matvec {matrix} {})", self.expression(Shape::Vector(m), half))
                }
            },
            Shape::Matrix(n, m) => match self.rng.below(7) {
                0 => self.brackets(n, Shape::Vector(m), size),
                1 => format!("(transpose {})", self.expression(Shape::Matrix(m, n), size - 1)),
                2 => {
                    let left = self.expression(Shape::Vector(n), half);
                    format!("(outer {left} {})", self.expression(Shape::Vector(m), half))
                }
                3 if n == m => format!("(inv {})", self.expression(kind, size - 1)),
                4 => format!("(scale {} {})", self.expression(S, half), self.expression(kind, half)),
                _ => {
                    let k = 2 + self.rng.below(2) as u32;
                    let left = self.expression(Shape::Matrix(n, k), half);
                    format!("(matmul {left} {})", self.expression(Shape::Matrix(k, m), half))
                }
            },
        }
    }
}

/// The program of a seed that every tier can run. `smooth` ones are made for comparing derivatives. About every third
/// program repeats something.
pub fn program(seed: u64, smooth: bool) -> Generated {
    styled(seed, Style { smooth, ..Style::COMPILED })
}

/// The program of a seed.
pub fn styled(seed: u64, style: Style) -> Generated {
    let smooth = style.smooth;
    let rng = &mut Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let vectors = [
        ("u", Shape::Vector(3)),
        ("v", Shape::Vector(3)),
        ("p", Shape::Vector(2)),
        ("A", Shape::Matrix(2, 2)),
        ("B", Shape::Matrix(3, 3)),
        ("C", Shape::Matrix(2, 3)),
    ];
    let mut scope: Vec<(String, Kind)> = ["x", "y", "z", "s"].map(|n| (n.to_string(), S)).to_vec();
    if rng.once_in(2) {
        scope.extend(vectors.map(|(name, shape)| (name.to_string(), shape)));
    }
    let shapes = vectors.map(|(name, shape)| (name.to_string(), shape)).to_vec();
    let (functions, recursive) = (Vec::new(), Vec::new());
    let mut writer = Writer {
        rng,
        scope,
        functions,
        recursive,
        fresh: 0,
        style,
        repeats: false,
        nesting: 0,
        in_group: false,
    };
    if style.loops || style.recursion != Recursion::None {
        writer.repeats = !writer.rng.once_in(3);
    }
    let mut text = String::new();
    let mut parameters = Vec::new();
    if writer.rng.once_in(4) {
        let value = writer.rng.pick(if smooth { TAME_CONSTANTS } else { &["2", "0.5", "-0.0", "1e22", "3"] });
        let _ = writeln!(text, "(define k {value})");
        writer.scope.push(("k".into(), S));
    }
    let globals = writer.scope.clone();
    for f in 0..writer.rng.below(3) {
        let params: Vec<Kind> = (0..1 + writer.rng.below(2)).map(|_| writer.kind()).collect();
        let result = writer.kind();
        let named: Vec<(String, Kind)> = params.iter().zip(["x", "q"]).map(|(&p, n)| (n.into(), p)).collect();
        let heads: Vec<&str> = named.iter().map(|(n, _)| n.as_str()).collect();
        let head = format!("(define (f{f} {})", heads.join(" "));
        writer.scope.extend(named);
        let size = 2 + writer.rng.below(8);
        let body = writer.expression(result, size);
        writer.scope.clone_from(&globals);
        let _ = writeln!(text, "{head} {body})");
        writer.functions.push((format!("f{f}"), params, result));
    }
    if style.recursion != Recursion::None && writer.repeats && writer.rng.once_in(7) {
        let (result, members) = (writer.kind(), 1 + writer.rng.below(2));
        writer.nesting = 1;
        writer.in_group = true;
        let group = writer.group("r", result, members);
        for k in 0..members {
            let size = 4 + writer.rng.below(8);
            let _ = writeln!(text, "{}", writer.definition(&group, k, size));
        }
        writer.nesting = 0;
        writer.in_group = false;
        writer.recursive = group;
    }
    let size = 2 + writer.rng.below(6) * writer.rng.below(7);
    let mut scalar = None;
    if writer.rng.once_in(10) {
        let (one, two) = (writer.kind(), writer.kind());
        let (one, two) = (writer.expression(one, size / 2), writer.expression(two, size / 2));
        let _ = writeln!(text, "(values (one {one}) (two {two}))");
    } else {
        let kind = if writer.rng.once_in(3) { writer.kind() } else { S };
        let body = writer.expression(kind, size);
        scalar = (kind == S).then_some(text.len());
        let _ = writeln!(text, "{body}");
    }
    if writer.rng.once_in(4) {
        parameters.extend(["k", "y", "p"].map(String::from));
    }
    Generated { seed, text, scalar, shapes, parameters }
}
