//! Running error bounds, first order in the unit roundoff.
//!
//! A graph is evaluated once more with, beside each element, a bound on how far it lies from the exact result of the
//! program: what the operation may add by its stated bound, and for each operand its error times the size of the
//! partial derivative at the computed values. Operations that are compositions (dot products, determinants) are run
//! step by step by their own definition over lanes that carry errors.

use std::collections::HashMap;
use std::sync::Arc;

use nc_runtime::lanes::{Lanes, Precision, Scalar};
use neural_compiler::internals::entity::EntityVec;
use neural_compiler::internals::graph::region::Call;
use neural_compiler::internals::graph::{
    Function, FunctionId, Graph, Node, NodeKind, Region, RegionKind, Type,
};
use neural_compiler::internals::ops::{Lane, Operand};
use neural_compiler::{Bound, Op, Shape, Source};

/// A computed number and a bound on its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approx {
    pub value: f64,
    pub error: f64,
}

/// The unit in the last place of a number.
pub fn ulp(x: f64) -> f64 {
    if !x.is_finite() {
        return 0.0;
    }
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32;
    if exponent <= 53 { f64::from_bits(1 << (exponent - 1).max(0)) } else { 2f64.powi(exponent - 1075) }
}

/// What one rounding to a result adds at most.
pub fn half_ulp(x: f64) -> f64 {
    (0.5 * ulp(x)).max(f64::from_bits(1))
}

/// The same in this precision.
pub fn half_ulp_in(precision: Precision, x: f64) -> f64 {
    match precision {
        Precision::Double => half_ulp(x),
        Precision::Single if x.is_finite() => {
            let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
            2f64.powi(exponent.max(-126) - 24)
        }
        Precision::Single => 0.0,
    }
}

/// Lanes of numbers with errors, for operations that only compute with `+ − × ÷ √`, select, and take exponents apart. A result of two
/// binary32 numbers that is rounded to binary64 first and then to binary32 is correctly rounded.
pub struct Running(pub Precision);

const UNUSED: &str = "compositions use no recipe";

impl Running {
    /// An integer lane of as many bits as a number.
    fn integer(&self, value: i64) -> i64 {
        match self.0 {
            Precision::Double => value,
            Precision::Single => (value as i32).into(),
        }
    }

    fn rounded(&self, value: f64, propagated: f64) -> Approx {
        let value = self.0.round(value);
        Approx { value, error: propagated + half_ulp_in(self.0, value) }
    }
}

/// A product of a slope and an error; an operand without error adds none, however steep.
fn through(slope: f64, error: f64) -> f64 {
    if error == 0.0 { 0.0 } else { slope.abs() * error }
}

impl Lanes for Running {
    type F = Approx;
    type M = bool;
    type I = i64;

    fn f(&self, value: f64) -> Approx {
        let rounded = self.0.round(value);
        Approx { value: rounded, error: (value - rounded).abs() }
    }
    fn precision(&self) -> Precision {
        self.0
    }
    fn add(&self, a: Approx, b: Approx) -> Approx {
        self.rounded(a.value + b.value, a.error + b.error)
    }
    fn sub(&self, a: Approx, b: Approx) -> Approx {
        self.rounded(a.value - b.value, a.error + b.error)
    }
    fn mul(&self, a: Approx, b: Approx) -> Approx {
        let propagated = through(b.value, a.error) + through(a.value, b.error);
        let product = self.rounded(a.value * b.value, propagated);
        // A product with a power of two is exact unless it overflows or is subnormal.
        let power = |x: Approx| x.error == 0.0 && x.value.abs().to_bits() << 12 == 0;
        let exact = (power(b) && product.value / b.value == a.value)
            || (power(a) && product.value / a.value == b.value);
        if exact && product.value.is_finite() { Approx { error: propagated, ..product } } else { product }
    }
    fn div(&self, a: Approx, b: Approx) -> Approx {
        let y = a.value / b.value;
        self.rounded(y, through(b.value.recip(), a.error) + through(y / b.value, b.error))
    }
    fn sqrt(&self, a: Approx) -> Approx {
        let y = a.value.sqrt();
        self.rounded(y, through(0.5 / y, a.error))
    }
    fn abs(&self, a: Approx) -> Approx {
        Approx { value: a.value.abs(), ..a }
    }
    fn neg(&self, a: Approx) -> Approx {
        Approx { value: -a.value, ..a }
    }
    fn lt(&self, a: Approx, b: Approx) -> bool {
        a.value < b.value
    }
    fn le(&self, a: Approx, b: Approx) -> bool {
        a.value <= b.value
    }
    fn eq(&self, a: Approx, b: Approx) -> bool {
        a.value == b.value
    }
    fn ne(&self, a: Approx, b: Approx) -> bool {
        a.value != b.value
    }
    fn select(&self, m: bool, a: Approx, b: Approx) -> Approx {
        if m { a } else { b }
    }
    fn m(&self, value: bool) -> bool {
        value
    }
    fn and(&self, a: bool, b: bool) -> bool {
        a & b
    }
    fn or(&self, a: bool, b: bool) -> bool {
        a | b
    }
    fn not(&self, a: bool) -> bool {
        !a
    }
    fn i(&self, value: i64) -> i64 {
        self.integer(value)
    }
    fn fma(&self, _: Approx, _: Approx, _: Approx) -> Approx {
        unreachable!("{UNUSED}")
    }
    fn round_even(&self, a: Approx) -> Approx {
        Approx { value: a.value.round_ties_even(), ..a }
    }
    fn floor(&self, _: Approx) -> Approx {
        unreachable!("{UNUSED}")
    }
    fn ceil(&self, _: Approx) -> Approx {
        unreachable!("{UNUSED}")
    }
    fn trunc(&self, _: Approx) -> Approx {
        unreachable!("{UNUSED}")
    }
    fn iadd(&self, a: i64, b: i64) -> i64 {
        self.integer(a.wrapping_add(b))
    }
    fn isub(&self, a: i64, b: i64) -> i64 {
        self.integer(a.wrapping_sub(b))
    }
    fn iand(&self, a: i64, b: i64) -> i64 {
        a & b
    }
    fn ior(&self, a: i64, b: i64) -> i64 {
        a | b
    }
    fn ixor(&self, _: i64, _: i64) -> i64 {
        unreachable!("{UNUSED}")
    }
    fn shl(&self, a: i64, by: u32) -> i64 {
        self.integer(a << by)
    }
    fn shr(&self, a: i64, by: u32) -> i64 {
        match self.0 {
            Precision::Double => (a.cast_unsigned() >> by).cast_signed(),
            Precision::Single => self.integer((a as u32 >> by).into()),
        }
    }
    fn igt(&self, _: i64, _: i64) -> bool {
        unreachable!("{UNUSED}")
    }
    fn ieq(&self, _: i64, _: i64) -> bool {
        unreachable!("{UNUSED}")
    }
    fn bits(&self, a: Approx) -> i64 {
        self.integer(self.0.bits(a.value).cast_signed())
    }
    fn float(&self, a: i64) -> Approx {
        Approx { value: self.0.number(a.cast_unsigned()), error: 0.0 }
    }
    fn lookup(&self, _: &'static [f64], _: i64) -> Approx {
        unreachable!("{UNUSED}")
    }
    fn outside(&self, _: bool) {}
    fn iterate(&self, _: Approx, _: impl Fn(Approx) -> bool, _: impl Fn(Approx) -> Approx) -> Approx {
        unreachable!("{UNUSED}")
    }
}

/// Partial derivatives of an elementwise operation by its operands, in closed form: not the rules under test.
pub fn slopes(op: Op, x: &[f64], y: f64) -> [f64; 4] {
    let (c, d) = (x.get(2).copied().unwrap_or(0.0), x.get(3).copied().unwrap_or(0.0));
    if op == Op::PowSlope {
        let (a, b) = (x[0], x[1]);
        let by_exponent = if y == 0.0 { 0.0 } else { y * a.ln() };
        return [d * (b + c) * a.powf(b + c - 1.0), by_exponent, by_exponent, a.powf(b + c)];
    }
    let [by_x, by_y] = slopes_of_two(op, x, y);
    [by_x, by_y, if op == Op::HypotSquare { 2.0 * c } else { 0.0 }, 0.0]
}

/// The value of a special function, of which slopes of others are made.
fn special(op: Op, x: &[f64]) -> f64 {
    let lanes: Vec<Lane<Scalar>> = x.iter().map(|&x| Lane::F(x)).collect();
    let operands: Vec<Operand<'_, Scalar>> =
        lanes.iter().map(|l| Operand { ty: Type::NUM, elems: std::slice::from_ref(l) }).collect();
    op.evaluate_row(Precision::Double, 0, Type::NUM, &operands)[0].f()
}

fn slopes_of_two(op: Op, x: &[f64], y: f64) -> [f64; 2] {
    use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LN_10};
    let a = x[0];
    let b = x.get(1).copied().unwrap_or(0.0);
    let one = |slope: f64| [slope, 0.0];
    match op {
        Op::Add | Op::Sub => [1.0, 1.0],
        Op::Mul => [b, a],
        Op::Div => [b.recip(), y / b],
        Op::Neg | Op::Abs | Op::Detach => one(1.0),
        Op::Advance => [1.0, 1.0],
        Op::Sqrt => one(0.5 / y),
        Op::Min | Op::Max => {
            if a == b {
                [1.0, 1.0]
            } else if y == a {
                [1.0, 0.0]
            } else {
                [0.0, 1.0]
            }
        }
        Op::Sign | Op::Floor | Op::Ceil | Op::Round | Op::Trunc => [0.0, 0.0],
        Op::Quotient => [0.0, 0.0],
        Op::Remainder => [1.0, (a / b).trunc()],
        Op::Modulo => [1.0, (a / b).floor()],
        Op::Pow => {
            [if b == 0.0 { 0.0 } else { b * a.powf(b - 1.0) }, if y == 0.0 { 0.0 } else { y * a.ln() }]
        }
        Op::Exp => one(y),
        Op::Exp2 => one(y * LN_2),
        Op::Expm1 => one(a.exp()),
        Op::Log => one(a.recip()),
        Op::Log2 => one((a * LN_2).recip()),
        Op::Log10 => one((a * LN_10).recip()),
        Op::Log1p => one((1.0 + a).recip()),
        Op::Sin => one(a.cos()),
        Op::Cos => one(a.sin()),
        Op::Tan => one(1.0 + y * y),
        Op::Asin | Op::Acos => one(((1.0 - a) * (1.0 + a)).sqrt().recip()),
        Op::Atan => one((1.0 + a * a).recip()),
        Op::Atan2 => {
            let r = a.hypot(b);
            [b / r / r, a / r / r]
        }
        Op::Sinh => one(a.cosh()),
        Op::Cosh => one(a.sinh()),
        Op::Tanh => one(a.cosh().powi(-2)),
        Op::Asinh => one(1.0f64.hypot(a).recip()),
        Op::Acosh => one(((a - 1.0).sqrt() * (a + 1.0).sqrt()).recip()),
        Op::Atanh => one(((1.0 - a) * (1.0 + a)).recip()),
        Op::LogBase => [(a * b.ln()).recip(), y / (b * b.ln())],
        Op::CopySign => [1.0, 0.0],
        Op::Cbrt => one((3.0 * y * y).recip()),
        Op::Hypot => {
            if y == 0.0 {
                [1.0, 1.0]
            } else {
                [a / y, b / y]
            }
        }
        Op::Erf => one(FRAC_2_SQRT_PI * (-a * a).exp()),
        Op::ErfSlope => one(2.0 * a * y),
        Op::Erfc => one(FRAC_2_SQRT_PI * (-a * a).exp()),
        Op::NormalCdf => one(special(Op::NormalPdf, &[a])),
        Op::NormalPdf => one(a * y),
        Op::Sinc => one(a * special(Op::SphericalOver, &[a, 1.0])),
        Op::SphericalOver | Op::BesselOver => one(a * special(op, &[a, b + 1.0])),
        Op::Gamma => one(y * special(Op::Digamma, &[a])),
        Op::LGamma => one(special(Op::Digamma, &[a])),
        Op::Digamma => one(special(Op::Polygamma, &[1.0, a])),
        Op::Polygamma => [0.0, special(Op::Polygamma, &[a + 1.0, b])],
        Op::BesselJ0 => one(special(Op::BesselJ1, &[a])),
        Op::BesselJ1 => one(special(Op::BesselJ0, &[a]) - special(Op::BesselOver, &[a, 1.0])),
        Op::LambertW | Op::LambertWm1 if a == 0.0 => one(1.0),
        Op::LambertW | Op::LambertWm1 => one(y / (a * (1.0 + y))),
        // The square of its last operand, whose error there is.
        Op::HypotSquare => [0.0, 0.0],
        Op::Direction => {
            let h = a.hypot(b);
            [b / h * (b / h) / h, y * (b / h) / h]
        }
        Op::OverSquare => {
            let r = a.hypot(b);
            let (along, across) = (a / r / r, b / r / r);
            [across * across - along * along, 2.0 * along * across]
        }
        Op::Lead => {
            let sum = a.exp() + b;
            [(1.0 + b * (-a).exp()).recip(), sum.recip()]
        }
        Op::LeadByX => {
            let sum = a.exp() + b;
            [y * b / sum, y / sum]
        }
        Op::LeadByY => [y * (1.0 + b * (-a).exp()).recip(), y * y],
        _ => unreachable!("{op} is no elementwise operation on numbers"),
    }
}

/// An elementwise operation on numbers with errors.
pub fn apply(precision: Precision, op: Op, x: &[Approx]) -> Approx {
    let values: Vec<f64> = x.iter().map(|a| a.value).collect();
    let lanes: Vec<Lane<Scalar>> = values.iter().map(|&v| Lane::F(v)).collect();
    let operands: Vec<Operand<'_, Scalar>> =
        lanes.iter().map(|l| Operand { ty: Type::NUM, elems: std::slice::from_ref(l) }).collect();
    let value = op.evaluate_row(precision, 0, Type::NUM, &operands)[0].f();
    let local = match op.info().bound {
        Bound::Exact => 0.0,
        Bound::Ulp(bound) => 2.0 * bound * half_ulp_in(precision, value),
        // A few units, and half of one for each unit of the condition number.
        Bound::Composed(_) if op.family() == "special" => {
            let by = usize::from(op == Op::Polygamma);
            let moved = through(slopes(op, &values, value)[by], half_ulp_in(precision, values[by]));
            6.0 * half_ulp_in(precision, value) + 2.0 * moved
        }
        // An exponential that is off by 2^−55, or 2^−26, in a sum: `e^x` is by its size or by that of the other term.
        Bound::Composed(_) => {
            let (unit, power) = match precision {
                Precision::Double => (2f64.powi(-55), values[0].exp()),
                Precision::Single => (2f64.powi(-26), values[0].exp()),
            };
            let lost = unit * power;
            let by_sum = match op {
                Op::Lead => slopes(op, &values, value)[1],
                Op::LeadByX | Op::LeadByY => slopes(op, &values, value)[1],
                _ => unreachable!("{op} is elementwise"),
            };
            4.0 * half_ulp_in(precision, value) + through(by_sum, lost)
        }
    };
    let slopes = slopes(op, &values, value);
    let propagated: f64 = x.iter().zip(slopes).map(|(a, slope)| through(slope, a.error)).sum();
    Approx { value, error: local + propagated }
}

/// Errors of constants.
///
/// Literals are exact: the program means the number it reads. Constants that the compiler folds have the rounding
/// errors of the operations folded, which the graph does not tell: they are found again by combining literals.
pub struct Constants {
    precision: Precision,
    known: HashMap<u64, f64>,
    /// How often literals have been combined.
    rounds: usize,
    /// How often they may be; each time the number of combinations is squared.
    limit: usize,
}

impl Constants {
    pub fn of_program(text: &str) -> Constants {
        Constants::of_program_in(Precision::Double, text)
    }

    /// For a program of this precision, whose literals are rounded to it.
    pub fn of_program_in(precision: Precision, text: &str) -> Constants {
        let mut known = HashMap::new();
        let code: String =
            text.lines().map(|l| l.split(';').next().unwrap_or("")).collect::<Vec<_>>().join(" ");
        for token in code.split(|c: char| c.is_whitespace() || "()[]".contains(c)) {
            let value = match token.split_once('/') {
                Some((n, d)) => match (n.parse::<i32>(), d.parse::<i32>()) {
                    (Ok(n), Ok(d)) => f64::from(n) / f64::from(d),
                    _ => continue,
                },
                None => match token.parse::<f64>() {
                    Ok(value) if value.is_finite() => value,
                    _ => continue,
                },
            };
            let rounded = precision.round(value);
            known.insert(rounded.to_bits(), (value - rounded).abs());
        }
        // Those that derivative rules write.
        for exact in [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 3.0, 2f64.powi(100), 2f64.powi(-100), f64::INFINITY] {
            known.insert(f64::to_bits(exact), 0.0);
        }
        use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, LOG2_E, LOG10_E};
        for rounded in [LN_2, LOG2_E, LOG10_E, FRAC_2_SQRT_PI] {
            let rounded = precision.round(rounded);
            known.entry(rounded.to_bits()).or_insert(half_ulp_in(precision, rounded));
        }
        Constants { precision, known, rounds: 0, limit: 2 }
    }

    /// Constants of one operation on literals; others are unknown.
    pub fn simple(precision: Precision, text: &str) -> Constants {
        Constants { limit: 1, ..Constants::of_program_in(precision, text) }
    }

    /// The error of a constant, or `None` if no combination of literals gives it.
    pub fn error(&mut self, value: f64) -> Option<f64> {
        loop {
            if let Some(&error) = self.known.get(&value.to_bits()).or(self.known.get(&(-value).to_bits())) {
                return Some(error);
            }
            if self.rounds == self.limit {
                return None;
            }
            self.rounds += 1;
            let before: Vec<Approx> = self
                .known
                .iter()
                .map(|(&bits, &error)| Approx { value: f64::from_bits(bits), error })
                .collect();
            let mut found: HashMap<u64, f64> = HashMap::new();
            let mut note = |y: Approx| {
                let error = found.entry(y.value.to_bits()).or_insert(y.error);
                *error = error.max(y.error);
            };
            for &a in &before {
                for op in [Op::Sqrt, Op::Exp, Op::Log] {
                    if self.rounds == 1 {
                        note(apply(self.precision, op, &[a]));
                    }
                }
                for &b in &before {
                    for op in [Op::Add, Op::Sub, Op::Mul, Op::Div] {
                        note(apply(self.precision, op, &[a, b]));
                    }
                }
            }
            for (bits, error) in found {
                self.known.entry(bits).or_insert(error);
            }
        }
    }
}

/// The outputs of a graph for one row, each element with its error. `inputs` are the elements of all inputs in order.
pub fn outputs(graph: &Graph, inputs: &[f64], constants: &mut Constants) -> Vec<Approx> {
    let error = &mut |value| {
        constants.error(value).unwrap_or_else(|| panic!("constant {value:e} is made of no literals"))
    };
    run(graph, inputs, error).0
}

/// As [`outputs`], or `None` where a bound of first order says nothing: a value that lost most of its digits, a
/// comparison or step that errors may have decided, a row that fails, a constant of unknown error.
pub fn reliable_outputs(graph: &Graph, inputs: &[f64], constants: &mut Constants) -> Option<Vec<Approx>> {
    let mut known = true;
    let (outputs, reliable) = run(graph, inputs, &mut |value| {
        let error = constants.error(value);
        known &= error.is_some();
        error.unwrap_or(0.0)
    });
    (reliable && known).then_some(outputs)
}

/// Relative errors above this have squares that are not negligible beside the unit roundoff.
fn lost(precision: Precision) -> f64 {
    match precision {
        Precision::Double => 1e-6,
        Precision::Single => 1e-4,
    }
}

fn run(graph: &Graph, inputs: &[f64], constant: &mut dyn FnMut(f64) -> f64) -> (Vec<Approx>, bool) {
    let mut given = Vec::new();
    let mut next = inputs.iter();
    for input in &graph.inputs {
        let elements = next.by_ref().take(input.shape.len());
        given.push(elements.map(|&value| Lane::F(Running(graph.precision).f(value))).collect());
    }
    assert!(next.next().is_none(), "there are more numbers than inputs");
    let mut rows = Rows { functions: &graph.functions, constant, reliable: true };
    let values = rows.graph(graph, &given);
    let failed = graph.checks.iter().any(|check| values[&check.condition()][0].m());
    let outputs = graph.outputs.iter().flat_map(|o| values[&o.node].iter().map(|l| l.f())).collect();
    (outputs, rows.reliable && !failed)
}

/// The elements of a value.
type Elements = Vec<Lane<Running>>;

/// Evaluates graphs and the graphs of their regions.
struct Rows<'a> {
    functions: &'a EntityVec<FunctionId, Arc<Function>>,
    constant: &'a mut dyn FnMut(f64) -> f64,
    reliable: bool,
}

impl Rows<'_> {
    /// The values of all live nodes.
    fn graph(&mut self, graph: &Graph, inputs: &[Elements]) -> HashMap<Node, Elements> {
        let live = graph.live();
        let mut values: HashMap<Node, Elements> = HashMap::new();
        // What regions leave: their results, and the states before each iteration.
        let mut results: HashMap<Node, Vec<Elements>> = HashMap::new();
        let mut tapes: HashMap<Node, Vec<Vec<Elements>>> = HashMap::new();
        for node in graph.nodes().filter(|&n| live[n]) {
            let ty = graph.ty(node);
            let value = match graph.kind(node) {
                NodeKind::Const(bits) => {
                    let value = f64::from_bits(bits);
                    vec![Lane::F(Approx { value, error: (self.constant)(value) })]
                }
                NodeKind::Bool(value) => vec![Lane::M(value)],
                NodeKind::Input(k) => inputs[k as usize].clone(),
                NodeKind::Apply(op, attr) => {
                    let operands: Vec<Operand<'_, Running>> = graph
                        .args(node)
                        .iter()
                        .map(|a| Operand { ty: graph.ty(*a), elems: &values[a] })
                        .collect();
                    self.apply(graph.precision, op, attr, ty, &operands)
                }
                NodeKind::Region(_) => {
                    let (region, args) = graph.region_args(node).expect("a region");
                    let of = |nodes: &[Node]| nodes.iter().map(|n| values[n].clone()).collect::<Vec<_>>();
                    let (first, captures) = (of(args.first), of(args.captures));
                    match region.kind {
                        RegionKind::Loop { limit, .. } => {
                            let enters = values[&args.control][0].m();
                            let (limited, left, tape) =
                                self.repeat(region, enters.then_some(limit), first, &captures);
                            results.insert(node, left);
                            tapes.insert(node, tape);
                            vec![Lane::M(limited)]
                        }
                        RegionKind::Reverse { .. } => {
                            let tape = &tapes[&args.control];
                            results.insert(node, self.reverse(region, tape, first, &captures));
                            vec![Lane::M(!tape.is_empty())]
                        }
                        RegionKind::Call(ref call) => {
                            let zero = |shape: &Shape| vec![Lane::F(constant_zero()); shape.len()];
                            let made = if values[&args.control][0].m() {
                                self.call(call, &first)
                            } else {
                                call.results.iter().map(|result| zero(&result.shape)).collect()
                            };
                            results.insert(node, made);
                            vec![Lane::M(false)]
                        }
                    }
                }
                NodeKind::Result(k) => results[&graph.args(node)[0]][k as usize].clone(),
            };
            self.reliable &= value.iter().all(|lane| match lane {
                // A value that is not finite may be one that nobody takes.
                Lane::F(x) => match graph.precision {
                    Precision::Double => {
                        x.error <= lost(graph.precision) * x.value.abs() + f64::MIN_POSITIVE
                            || x.error.is_nan()
                    }
                    // What is out of the range of binary32 is often wanted.
                    Precision::Single => {
                        x.error <= lost(graph.precision) * x.value.abs() + f64::from(f32::MIN_POSITIVE)
                            && x.value.is_finite()
                    }
                },
                Lane::M(_) => true,
            });
            values.insert(node, value);
        }
        values
    }

    fn apply(
        &mut self,
        precision: Precision,
        op: Op,
        attr: u32,
        ty: Type,
        operands: &[Operand<'_, Running>],
    ) -> Elements {
        let element = |k: usize, i: usize| {
            let lanes = operands[k].elems;
            lanes[if lanes.len() == 1 { 0 } else { i }]
        };
        if matches!(op, Op::Lt | Op::Le | Op::Eq | Op::Ne) {
            self.reliable &= (0..ty.len()).all(|i| {
                let (a, b) = (element(0, i).f(), element(1, i).f());
                let error = a.error + b.error;
                error == 0.0 || (a.value - b.value).abs() > error || a.value.is_nan() || b.value.is_nan()
            });
        }
        if !matches!(op.family(), "arithmetic" | "elementary" | "rounding" | "counting" | "special") {
            return op.evaluate(&Running(precision), attr, ty, operands);
        }
        let one = |i: usize| {
            let x: Vec<Approx> = (0..operands.len()).map(|k| element(k, i).f()).collect();
            self.reliable &= !steps(op, &x);
            Lane::F(apply(precision, op, &x))
        };
        (0..ty.len()).map(one).collect()
    }

    /// One evaluation of a body.
    fn body(
        &mut self,
        region: &Region,
        states: &[Elements],
        captures: &[Elements],
        tape: &[Elements],
    ) -> HashMap<Node, Elements> {
        let of = |source: Source| match source {
            Source::State(k) => states[k as usize].clone(),
            Source::Capture(k) => captures[k as usize].clone(),
            Source::Tape(k) => tape[k as usize].clone(),
            Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => {
                unreachable!("bodies have no such inputs")
            }
        };
        let inputs: Vec<Elements> = region.body.inputs.iter().map(|input| of(input.source)).collect();
        self.graph(&region.body, &inputs)
    }

    /// What a function gives. Calls nest no deeper than tests do.
    fn call(&mut self, call: &Call, operands: &[Elements]) -> Vec<Elements> {
        let function = self.functions[call.function].clone();
        let inputs: Vec<Elements> = function
            .body
            .inputs
            .iter()
            .map(|input| match input.source {
                Source::State(k) => operands[k as usize].clone(),
                other => unreachable!("functions have no input from {other:?}"),
            })
            .collect();
        let values = self.graph(&function.body, &inputs);
        function.body.outputs.iter().map(|output| values[&output.node].clone()).collect()
    }

    /// Whether a loop ran into its limit, what it leaves, and the states before each iteration. Rows that do not enter
    /// have no limit.
    fn repeat(
        &mut self,
        region: &Region,
        limit: Option<u64>,
        mut states: Vec<Elements>,
        captures: &[Elements],
    ) -> (bool, Vec<Elements>, Vec<Vec<Elements>>) {
        let mut tape = Vec::new();
        loop {
            let values = self.body(region, &states, captures, &[]);
            let goes_on = region.goes_on().is_some_and(|node| values[&node][0].m());
            let limited = goes_on && limit.is_some_and(|limit| tape.len() as u64 >= limit);
            if !goes_on || limited || limit.is_none() {
                let exits = region.exits().map(|node| values[&node].clone());
                states.extend(exits);
                return (limited, states, tape);
            }
            let next = region.next().map(|node| values[&node].clone()).collect();
            tape.push(std::mem::replace(&mut states, next));
        }
    }

    /// What the reverse of a loop leaves.
    fn reverse(
        &mut self,
        region: &Region,
        tape: &[Vec<Elements>],
        mut states: Vec<Elements>,
        captures: &[Elements],
    ) -> Vec<Elements> {
        for record in tape.iter().rev() {
            let values = self.body(region, &states, captures, record);
            states = region.next().map(|node| values[&node].clone()).collect();
        }
        states
    }
}

fn constant_zero() -> Approx {
    Approx { value: 0.0, error: 0.0 }
}

/// Whether errors may have moved the operands across a step of the operation.
fn steps(op: Op, x: &[Approx]) -> bool {
    if x.iter().all(|a| a.error == 0.0) {
        return false;
    }
    let moved = |f: fn(f64) -> f64, a: Approx| f(a.value - a.error) != f(a.value + a.error);
    match op {
        Op::Floor => moved(f64::floor, x[0]),
        Op::Ceil => moved(f64::ceil, x[0]),
        Op::Round => moved(f64::round_ties_even, x[0]),
        Op::Trunc => moved(f64::trunc, x[0]),
        Op::Sign => moved(f64::signum, x[0]) || x[0].value == 0.0,
        Op::Quotient | Op::Remainder | Op::Modulo => {
            let ratio = x[0].value / x[1].value;
            let error = x[0].error / x[1].value.abs() + x[1].error * (ratio / x[1].value).abs() + ulp(ratio);
            (ratio - ratio.round()).abs() <= error
        }
        _ => false,
    }
}
