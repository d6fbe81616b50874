//! The C of a compute graph: what somebody would write who has derived it by hand.
//!
//! Every number of the graph is a local variable of one loop over the rows. Elementary functions are those of the C
//! library; everything else is what the definition of the operation says, recorded as C.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;

use nc_runtime::lanes::Lanes;
use neural_compiler::internals::entity::EntityVec;
use neural_compiler::internals::graph::{Graph, Node, NodeKind, Type};
use neural_compiler::internals::ops::{Lane, Operand};
use neural_compiler::{Op, Source};

/// What the sources begin with.
pub const PRELUDE: &str = "#include <math.h>
#include <stddef.h>
static inline double pow_slope(double x, double y, double c, double d) { return d * pow(x, y + c); }
static inline double over_square(double x, double y) { return x / (x * x + y * y); }
static inline double log_base(double x, double b) { return log(x) / log(b); }
static inline double lead(double x, double y) { return log(exp(x) + y); }
static inline double lead_by_x(double x, double y) { return exp(x) / (exp(x) + y); }
static inline double lead_by_y(double x, double y) { return 1 / (exp(x) + y); }
static inline double erf_slope(double x) { return M_2_SQRTPI * exp(-x * x); }
";

/// A function of a graph. `None` if it has loops, recursion or parameters, or works on the bits of numbers.
pub fn function(name: &str, graph: &Graph) -> Option<String> {
    if graph.inputs.iter().any(|input| input.source != Source::Row) {
        return None;
    }
    let writer = Writer::default();
    let mut values: EntityVec<Node, Vec<Lane<Writer>>> = EntityVec::filled(Vec::new(), graph.len());
    let mut columns = 0;
    let starts: Vec<usize> = graph
        .inputs
        .iter()
        .map(|input| {
            columns += input.shape.len();
            columns - input.shape.len()
        })
        .collect();
    let mut live = EntityVec::filled(false, graph.len());
    graph.outputs.iter().for_each(|output| live[output.node] = true);
    for node in graph.nodes().rev() {
        if live[node] {
            graph.args(node).iter().for_each(|&arg| live[arg] = true);
        }
    }
    for node in graph.nodes().filter(|&node| live[node]) {
        let ty = graph.ty(node);
        values[node] = match graph.kind(node) {
            NodeKind::Const(bits) => vec![Lane::F(writer.f(f64::from_bits(bits)))],
            NodeKind::Bool(value) => vec![Lane::M(writer.m(value))],
            NodeKind::Input(index) => {
                let first = starts[index as usize];
                (first..first + ty.len()).map(|k| Lane::F(writer.number(format!("x{k}[i]")))).collect()
            }
            NodeKind::Apply(op, attr) => {
                let operands: Vec<Operand<'_, Writer>> = graph
                    .args(node)
                    .iter()
                    .map(|&arg| Operand { ty: graph.ty(arg), elems: &values[arg] })
                    .collect();
                apply(&writer, op, attr, ty, &operands)
            }
            NodeKind::Region(_) | NodeKind::Result(_) => return None,
        };
    }
    let results: Vec<Number> =
        graph.outputs.iter().flat_map(|output| values[output.node].iter().map(|lane| lane.f())).collect();
    if writer.bits.get() {
        return None;
    }
    let mut text = format!("void {name}(const double *const *in, double *const *out, size_t n) {{\n");
    for k in 0..columns {
        let _ = writeln!(text, "  const double *restrict x{k} = in[{k}];");
    }
    for k in 0..results.len() {
        let _ = writeln!(text, "  double *restrict y{k} = out[{k}];");
    }
    text.push_str("#pragma omp simd\n  for (size_t i = 0; i < n; i++) {\n");
    text.push_str(&writer.text.borrow());
    for (k, result) in results.iter().enumerate() {
        let _ = writeln!(text, "    y{k}[i] = {};", result.name());
    }
    text.push_str("  }\n}\n\n");
    Some(text)
}

fn apply(
    writer: &Writer,
    op: Op,
    attr: u32,
    ty: Type,
    operands: &[Operand<'_, Writer>],
) -> Vec<Lane<Writer>> {
    let Some(function) = library_function(op) else {
        return op.evaluate(writer, attr, ty, operands);
    };
    let element = |k: usize| {
        let names: Vec<String> = operands
            .iter()
            .map(|operand| operand.elems[if operand.ty.is_scalar() { 0 } else { k }].f().name())
            .collect();
        Lane::F(writer.number(format!("{function}({})", names.join(", "))))
    };
    (0..ty.len()).map(element).collect()
}

/// The function of the C library or of the [`PRELUDE`] that an operation is, if it is one.
fn library_function(op: Op) -> Option<String> {
    if op.family() == "elementary" {
        return Some(op.info().name.replace('-', "_"));
    }
    [(Op::Min, "fmin"), (Op::Max, "fmax"), (Op::Remainder, "fmod")]
        .into_iter()
        .find_map(|(other, name)| (op == other).then(|| name.to_string()))
}

/// Records operations as definitions of local variables.
#[derive(Default)]
struct Writer {
    text: RefCell<String>,
    constants: RefCell<Vec<Option<f64>>>,
    /// Whether an operation looked at the bits of a number.
    bits: Cell<bool>,
}

/// A local variable with a number.
#[derive(Clone, Copy)]
struct Number(usize);

/// A local variable with a truth value.
#[derive(Clone, Copy)]
struct Truth(usize);

impl Number {
    fn name(self) -> String {
        format!("v{}", self.0)
    }
}

impl Truth {
    fn name(self) -> String {
        format!("v{}", self.0)
    }
}

impl Writer {
    fn define(&self, ty: &str, expression: &str, constant: Option<f64>) -> usize {
        let mut constants = self.constants.borrow_mut();
        let id = constants.len();
        constants.push(constant);
        let _ = writeln!(self.text.borrow_mut(), "    {ty} v{id} = {expression};");
        id
    }
    fn number(&self, expression: String) -> Number {
        Number(self.define("double", &expression, None))
    }
    fn truth(&self, expression: String) -> Truth {
        Truth(self.define("_Bool", &expression, None))
    }
    fn binary(&self, a: Number, operator: &str, b: Number) -> Number {
        self.number(format!("{} {operator} {}", a.name(), b.name()))
    }
    fn compare(&self, a: Number, operator: &str, b: Number) -> Truth {
        self.truth(format!("{} {operator} {}", a.name(), b.name()))
    }
    fn call(&self, function: &str, a: Number) -> Number {
        self.number(format!("{function}({})", a.name()))
    }
    /// Integers only stand for the bits of numbers, which C would not touch.
    fn looks_at_bits(&self) {
        self.bits.set(true);
    }
}

impl Lanes for Writer {
    type F = Number;
    type M = Truth;
    type I = ();

    fn f(&self, value: f64) -> Number {
        let text = if value.is_nan() {
            "NAN".to_string()
        } else if value.is_infinite() {
            if value > 0.0 { "INFINITY" } else { "-INFINITY" }.to_string()
        } else {
            format!("{value:?}")
        };
        Number(self.define("double", &text, Some(value)))
    }
    fn add(&self, a: Number, b: Number) -> Number {
        self.binary(a, "+", b)
    }
    fn sub(&self, a: Number, b: Number) -> Number {
        self.binary(a, "-", b)
    }
    fn mul(&self, a: Number, b: Number) -> Number {
        self.binary(a, "*", b)
    }
    fn div(&self, a: Number, b: Number) -> Number {
        self.binary(a, "/", b)
    }
    fn sqrt(&self, a: Number) -> Number {
        self.call("sqrt", a)
    }
    fn fma(&self, a: Number, b: Number, c: Number) -> Number {
        self.number(format!("fma({}, {}, {})", a.name(), b.name(), c.name()))
    }
    fn abs(&self, a: Number) -> Number {
        self.call("fabs", a)
    }
    fn neg(&self, a: Number) -> Number {
        self.call("-", a)
    }
    fn round_even(&self, a: Number) -> Number {
        self.call("nearbyint", a)
    }
    fn floor(&self, a: Number) -> Number {
        self.call("floor", a)
    }
    fn ceil(&self, a: Number) -> Number {
        self.call("ceil", a)
    }
    fn trunc(&self, a: Number) -> Number {
        self.call("trunc", a)
    }
    fn lt(&self, a: Number, b: Number) -> Truth {
        self.compare(a, "<", b)
    }
    fn le(&self, a: Number, b: Number) -> Truth {
        self.compare(a, "<=", b)
    }
    fn eq(&self, a: Number, b: Number) -> Truth {
        self.compare(a, "==", b)
    }
    fn ne(&self, a: Number, b: Number) -> Truth {
        self.compare(a, "!=", b)
    }
    fn select(&self, m: Truth, a: Number, b: Number) -> Number {
        self.number(format!("{} ? {} : {}", m.name(), a.name(), b.name()))
    }
    fn m(&self, value: bool) -> Truth {
        self.truth(u8::from(value).to_string())
    }
    fn and(&self, a: Truth, b: Truth) -> Truth {
        self.truth(format!("{} & {}", a.name(), b.name()))
    }
    fn or(&self, a: Truth, b: Truth) -> Truth {
        self.truth(format!("{} | {}", a.name(), b.name()))
    }
    fn not(&self, a: Truth) -> Truth {
        self.truth(format!("!{}", a.name()))
    }
    fn constant(&self, a: Number) -> Option<f64> {
        self.constants.borrow()[a.0]
    }
    fn outside(&self, _: Truth) {}
    fn iterate(&self, _: Number, _: impl Fn(Number) -> Truth, _: impl Fn(Number) -> Number) -> Number {
        unreachable!("recipes iterate where they are complete only")
    }

    fn i(&self, _: i64) {
        self.looks_at_bits();
    }
    fn iadd(&self, (): (), (): ()) {
        self.looks_at_bits();
    }
    fn isub(&self, (): (), (): ()) {
        self.looks_at_bits();
    }
    fn iand(&self, (): (), (): ()) {
        self.looks_at_bits();
    }
    fn ior(&self, (): (), (): ()) {
        self.looks_at_bits();
    }
    fn ixor(&self, (): (), (): ()) {
        self.looks_at_bits();
    }
    fn shl(&self, (): (), _: u32) {
        self.looks_at_bits();
    }
    fn shr(&self, (): (), _: u32) {
        self.looks_at_bits();
    }
    fn igt(&self, (): (), (): ()) -> Truth {
        self.looks_at_bits();
        self.m(false)
    }
    fn ieq(&self, (): (), (): ()) -> Truth {
        self.looks_at_bits();
        self.m(false)
    }
    fn bits(&self, _: Number) {
        self.looks_at_bits();
    }
    fn float(&self, (): ()) -> Number {
        self.looks_at_bits();
        self.f(0.0)
    }
    fn lookup(&self, _: &'static [f64], (): ()) -> Number {
        self.looks_at_bits();
        self.f(0.0)
    }
}
