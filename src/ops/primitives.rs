//! The names of the language and how they expand to operations.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::algebra::Built;
use super::{Algebra, LARGE, Op, OpInfo, Requirement, ShapeError, Single, Syntax, complex, eml};
use crate::limits::{MAX_ELEMENTS, STEP_WORK};
use crate::number::number;
use crate::types::{Elem, Shape, Type};

/// A primitive of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Primitive(u16);

/// How many operands a primitive takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    /// At least this many.
    pub min: usize,
    /// At most this many; `None` for any number.
    pub max: Option<usize>,
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (1, Some(1)) => write!(f, "1 operand"),
            (min, Some(max)) if min == max => write!(f, "{min} operands"),
            (min, Some(max)) if min + 1 == max => write!(f, "{min} or {max} operands"),
            (min, Some(max)) => write!(f, "{min} to {max} operands"),
            (1, None) => write!(f, "at least 1 operand"),
            (min, None) => write!(f, "at least {min} operands"),
        }
    }
}

impl Arity {
    pub(super) const fn exactly(n: usize) -> Arity {
        Arity { min: n, max: Some(n) }
    }
    const fn at_least(n: usize) -> Arity {
        Arity { min: n, max: None }
    }
    const fn between(min: usize, max: usize) -> Arity {
        Arity { min, max: Some(max) }
    }
}

/// What a primitive comes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expansion {
    Op(Op),
    Fold { op: Op, empty: Option<f64>, one: Single },
    Chain { op: Op, reversed: bool },
    Sugar(Sugar),
    Complex(complex::Names),
    Eml(eml::Operator),
}

/// An entry of the list of primitives.
#[derive(Debug, Clone, Copy)]
pub struct PrimitiveInfo {
    /// Its name.
    pub name: &'static str,
    /// The name that it is another spelling of.
    pub alias_of: Option<&'static str>,
    /// How many operands it takes.
    pub arity: Arity,
    /// How it is written, with its operands.
    pub usage: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
    /// The group it is listed in.
    pub family: &'static str,
    pub(super) expansion: Expansion,
}

impl PrimitiveInfo {
    /// The operation that holds its bound, derivative and kinks, if it is one operation.
    pub fn op(&self) -> Option<&'static OpInfo> {
        match self.expansion {
            Expansion::Op(op) | Expansion::Fold { op, .. } | Expansion::Chain { op, .. } => Some(op.info()),
            Expansion::Sugar(sugar) => sugar.op(self.arity.min).map(Op::info),
            Expansion::Complex(_) | Expansion::Eml(_) => None,
        }
    }

    /// Whether its value may jump where its operands do not.
    pub(crate) fn jumps(&self) -> bool {
        match self.expansion {
            Expansion::Op(op) | Expansion::Fold { op, .. } | Expansion::Chain { op, .. } => op.jumps(),
            Expansion::Sugar(sugar) => sugar.op(self.arity.min).is_some_and(Op::jumps),
            Expansion::Complex(_) | Expansion::Eml(_) => false,
        }
    }
}

impl Sugar {
    /// The operation that it is for so many operands, if it is just one on the operands as they stand.
    fn op(self, operands: usize) -> Option<Op> {
        match (self, operands) {
            (Sugar::Atan, 1) => Some(Op::Atan),
            (Sugar::Atan | Sugar::Atan2, 2) => Some(Op::Atan2),
            (Sugar::Log, 1) => Some(Op::Log),
            (Sugar::Log, 2) => Some(Op::LogBase),
            _ => None,
        }
    }
}

struct Table {
    entries: Vec<PrimitiveInfo>,
    by_name: HashMap<&'static str, Primitive>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut entries = Vec::new();
    for &op in Op::ALL {
        let info = op.info();
        let (names, arity, usage, expansion): (&[&str], _, _, _) = match info.syntax {
            Syntax::Internal | Syntax::Part(_) => continue,
            Syntax::Call(names) => {
                let n = op.operands().unwrap_or(0);
                let usage = ["", "x", "x y", "x y z", "x y z w"][n.min(4)];
                (names, Arity::exactly(n), usage, Expansion::Op(op))
            }
            Syntax::Fold { names, empty, one } => {
                let min = if empty.is_some() { 0 } else { 1 };
                (names, Arity::at_least(min), "x …", Expansion::Fold { op, empty, one })
            }
            Syntax::Chain(names) => {
                (names, Arity::at_least(1), "x …", Expansion::Chain { op, reversed: false })
            }
        };
        for (k, &name) in names.iter().enumerate() {
            let alias_of = (k > 0).then(|| names[0]);
            entries.push(PrimitiveInfo {
                name,
                alias_of,
                arity,
                usage,
                doc: info.doc,
                family: op.family(),
                expansion,
            });
        }
    }
    entries.extend_from_slice(REVERSED);
    entries.extend_from_slice(SUGAR);
    for &(name, original) in ALIASES {
        let entry = entries.iter().find(|entry| entry.name == original).expect("an entry of that name");
        entries.push(PrimitiveInfo { name, alias_of: Some(original), ..*entry });
    }
    entries.extend_from_slice(complex::PRIMITIVES);
    entries.extend_from_slice(eml::FAMILY);
    let by_name = entries.iter().enumerate().map(|(i, e)| (e.name, Primitive(i as u16))).collect();
    Table { entries, by_name }
});

/// Lists primitives that are made of several operations: family, name, arity, usage, documentation and the value.
macro_rules! sugars {
    (
        $(#[$doc:meta])*
        $kind:ident, $list:ident, $expansion:path;
        $($name:ident($family:literal, $spelling:literal, $arity:expr, $usage:literal, $line:literal)
            |$a:ident, $args:ident| $value:expr;)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(super) enum $kind {
            $($name,)*
        }

        impl $kind {
            pub(super) fn expand<A: $crate::ops::Algebra>(
                self,
                a: &mut A,
                args: &[A::V],
            ) -> $crate::ops::algebra::Built<A> {
                match self {
                    $($kind::$name => {
                        let ($a, $args) = (a, args);
                        $value
                    })*
                }
            }
        }

        $(#[$doc])*
        pub(super) const $list: &[PrimitiveInfo] = &[
            $(PrimitiveInfo {
                name: $spelling,
                alias_of: None,
                arity: $arity,
                usage: $usage,
                doc: $line,
                family: $family,
                expansion: $expansion($kind::$name),
            },)*
        ];
    };
}
pub(super) use sugars;

/// Further names of primitives that are made of several operations.
const ALIASES: &[(&str, &str)] =
    &[("logistic", "sigmoid"), ("exact", "exact->inexact"), ("inexact", "exact->inexact")];

/// Comparisons the other way round.
const REVERSED: &[PrimitiveInfo] = &[
    reversed(">", Op::Lt, "1 if each operand is above the next"),
    reversed(">=", Op::Le, "1 if no operand is below the next"),
];

const fn reversed(name: &'static str, op: Op, doc: &'static str) -> PrimitiveInfo {
    let expansion = Expansion::Chain { op, reversed: true };
    PrimitiveInfo {
        name,
        alias_of: None,
        arity: Arity::at_least(1),
        usage: "x …",
        doc,
        family: "logic",
        expansion,
    }
}

sugars! {
    /// Primitives that are made of several operations.
    Sugar, SUGAR, Expansion::Sugar;
    Not("logic", "not", Arity::exactly(1), "x", "1 if x is 0, else 0") |a, args| {
        let truth = a.as_truth(args[0]);
        a.apply(Op::Not, &[truth])
    };
    Square("arithmetic", "square", Arity::exactly(1), "x", "x·x") |a, args| {
        let x = a.as_number(args[0]);
        a.apply(Op::Mul, &[x, x])
    };
    CheckCount(
        "arithmetic", "check-count", Arity::exactly(1), "n",
        "n; rows fail in which it is negative or no integer"
    ) |a, args| {
        let n = a.as_number(args[0]);
        if !a.ty(n).is_scalar() || a.ty(n).shape == Shape::Complex {
            let shape = a.ty(n).shape;
            return Err(ShapeError::at(0, format!("a count is a number, and this is a {shape}")));
        }
        match a.constant(n) {
            Some(known) if known >= 0.0 && known.fract() == 0.0 => {}
            Some(known) => {
                let known = number(known);
                return Err(ShapeError::at(0, format!("the count {known}: an integer from 0 on is needed")));
            }
            None => a.require(Requirement::Count, &[n]),
        }
        Ok(n)
    };
    CheckIncreasing(
        "vector", "check-increasing", Arity::between(1, 3), "v | v a b",
        "v; rows fail in which an element is no larger than the one before. With two numbers, only constant elements are looked at, \
         and whether b is larger than a"
    ) |a, args| increasing(a, args);
    Inexact("arithmetic", "exact->inexact", Arity::exactly(1), "x", "x: all numbers are inexact") |a, args|
        identity(a, args);
    Clamp(
        "arithmetic", "clamp", Arity::exactly(3), "x low high",
        "the nearest number to x from low to high: (min (max x low) high)"
    ) |a, args| {
        let [x, low, high] = [args[0], args[1], args[2]].map(|x| a.as_number(x));
        let larger = a.apply(Op::Max, &[x, low])?;
        a.apply(Op::Min, &[larger, high])
    };
    IsZero("logic", "zero?", Arity::exactly(1), "x", "1 if x is 0, of either sign") |a, args| {
        let (x, zero) = (a.as_number(args[0]), a.number(0.0));
        a.apply(Op::Eq, &[x, zero])
    };
    IsNan("logic", "nan?", Arity::exactly(1), "x", "1 if x is no number") |a, args| {
        let x = a.as_number(args[0]);
        a.apply(Op::Ne, &[x, x])
    };
    IsEven("logic", "even?", Arity::exactly(1), "x", "1 if x is an even integer") |a, args|
        has_remainder(a, args[0], &[0.0]);
    IsOdd("logic", "odd?", Arity::exactly(1), "x", "1 if x is an odd integer") |a, args|
        has_remainder(a, args[0], &[1.0, -1.0]);
    Log(
        "elementary", "log", Arity::between(1, 2), "x [b]",
        "natural logarithm of x, −∞ at 0, NaN below, or the logarithm to the base b"
    ) |a, args| {
        let numbers: Vec<A::V> = args.iter().map(|&x| a.as_number(x)).collect();
        a.apply(if numbers.len() == 1 { Op::Log } else { Op::LogBase }, &numbers)
    };
    Sigmoid(
        "elementary", "sigmoid", Arity::exactly(1), "x",
        "1/(1 + exp(−x)), the logistic function, within 1 ULP"
    ) |a, args| {
        let (x, one) = (a.as_number(args[0]), a.number(1.0));
        a.apply(Op::LeadByX, &[x, one])
    };
    Softplus(
        "elementary", "softplus", Arity::exactly(1), "x",
        "log(1 + exp x) without overflow, within 1.5 ULP"
    ) |a, args| {
        let (x, one) = (a.as_number(args[0]), a.number(1.0));
        a.apply(Op::Lead, &[x, one])
    };
    Atan2("elementary", "atan2", Arity::exactly(2), "y x", "angle of the point (x, y)") |a, args| {
        let (y, x) = (a.as_number(args[0]), a.as_number(args[1]));
        a.apply(Op::Atan2, &[y, x])
    };
    Atan(
        "elementary", "atan", Arity::between(1, 2), "y [x]",
        "inverse tangent of y, or the angle of the point (x, y)"
    ) |a, args| {
        let numbers: Vec<A::V> = args.iter().map(|&x| a.as_number(x)).collect();
        a.apply(if numbers.len() == 1 { Op::Atan } else { Op::Atan2 }, &numbers)
    };
    Polygamma(
        "special", "polygamma", Arity::exactly(2), "n x",
        "the derivative of order n of digamma, n a constant from 0 (digamma itself) to 10; derivatives of a higher order than 12 in all are NaN"
    ) |a, args| {
        let x = a.as_number(args[1]);
        match a.size(args[0]) {
            Some(0.0) => a.apply(Op::Digamma, &[x]),
            Some(n) if n.fract() == 0.0 && (1.0..=10.0).contains(&n) => {
                let n = a.number(n);
                a.apply(Op::Polygamma, &[n, x])
            }
            Some(n) => {
                let n = number(n);
                Err(ShapeError::at(0, format!("polygamma of order {n}: an integer from 0 to 10 is needed")))
            }
            None => Err(ShapeError::at(0, "the order of polygamma must be a constant")),
        }
    };
    Vec(
        "vector", "vec", Arity::at_least(1), "x …",
        "the vector of its operands; of vectors, the matrix with those rows; [x …]"
    ) |a, args| rows(a, args);
    Mat(
        "matrix", "mat", Arity::at_least(1), "row … | n m x …",
        "the matrix with those rows, or n×m from its elements row by row"
    ) |a, args| {
        if args.iter().all(|&x| a.ty(x).is_scalar()) { elements(a, args) } else { rows(a, args) }
    };
    Ref(
        "vector", "ref", Arity::between(2, 3), "v i | M i | M i j",
        "element i of a vector, row i or element i, j of a matrix, from 0"
    ) |a, args| reference(a, args);
    Vlen(
        "vector", "vlen", Arity::exactly(1), "v",
        "number of elements of a vector (of rows of a matrix)"
    ) |a, args| length(a, "vlen", args);
    CommonLength(
        "vector", "common-length", Arity::at_least(1), "v …",
        "number of elements of each of several vectors (of rows of matrices), which have to have the same"
    ) |a, args| length(a, "common-length", args);
    IsScalar(
        "vector", "scalar?", Arity::exactly(1), "x",
        "1 of a number, 0 of a vector or matrix: known when the program is compiled"
    ) |a, args| {
        let scalar = a.ty(args[0]).is_scalar();
        Ok(a.number(if scalar { 1.0 } else { 0.0 }))
    };
    ZerosLike("vector", "zeros-like", Arity::exactly(1), "x", "0 in the shape of x") |a, args| {
        let zero = a.number(0.0);
        match a.ty(args[0]).shape {
            Shape::Scalar => Ok(zero),
            Shape::Complex => Ok(a.apply_typed(Op::Pack, 0, Type::num(Shape::Complex), &[zero, zero])),
            shape @ (Shape::Vector(_) | Shape::Matrix(..)) => Ok(a.fill(zero, shape)),
        }
    };
    Repeat(
        "vector", "repeat", Arity::exactly(2), "n x",
        "the vector of n times x, a constant number of times; of vectors, the matrix with such rows"
    ) |a, args| repeat(a, args);
    Replace(
        "vector", "replace", Arity::exactly(3), "v i x | M i row",
        "v with x in place of element i, or M with another row i, from 0"
    ) |a, args| replace(a, args);
    Slice(
        "vector", "slice", Arity::between(2, 3), "v from [to]",
        "the elements of a vector (the rows of a matrix) from one index on, up to but without another"
    ) |a, args| slice(a, args);
    Vappend(
        "vector", "vappend", Arity::at_least(1), "v …",
        "the elements of scalars and vectors (the rows of matrices), one behind the other"
    ) |a, args| append(a, args);
    Scale("vector", "scale", Arity::exactly(2), "s v", "scalar times vector or matrix") |a, args| {
        if !a.ty(args[0]).is_scalar() && !a.ty(args[1]).is_scalar() {
            let (x, y) = (a.ty(args[0]).shape, a.ty(args[1]).shape);
            let message = format!("scale of {x} and {y}: the first operand must be a scalar");
            return Err(ShapeError::at(0, message));
        }
        let (s, v) = (a.as_number(args[0]), a.as_number(args[1]));
        a.apply(Op::Mul, &[s, v])
    };
    Normalize("vector", "normalize", Arity::exactly(1), "v", "v divided by its norm") |a, args| {
        let v = a.as_number(args[0]);
        let norm = a.apply(Op::Norm, &[v]).map_err(|_| {
            ShapeError::at(0, "normalize of a scalar: a vector is needed (sign takes scalars)")
        })?;
        a.apply(Op::Div, &[v, norm])
    };
    Cross("vector", "cross", Arity::exactly(2), "u v", "cross product of two 3-vectors") |a, args|
        cross(a, args);
    Trace("matrix", "trace", Arity::exactly(1), "M", "sum of the diagonal, from the left") |a, args| {
        let Shape::Matrix(n, m) = a.ty(args[0]).shape else {
            let message = format!("trace of {}: a square matrix is needed", a.ty(args[0]).shape);
            return Err(ShapeError::at(0, message));
        };
        if n != m {
            return Err(ShapeError::at(0, format!("trace of mat {n}×{m}: a square matrix is needed")));
        }
        let diagonal: Vec<A::V> = (0..n).map(|k| element(a, args[0], k * (m + 1))).collect();
        let diagonal = a.apply_typed(Op::Pack, 0, Type::num(Shape::Vector(n)), &diagonal);
        a.apply(Op::Sum, &[diagonal])
    };
    Eye("matrix", "eye", Arity::exactly(1), "n", "identity matrix of a constant size") |a, args| {
        let n = size(a, args, 0)?;
        let shape = checked(Shape::Matrix(n, n))?;
        let (zero, one) = (a.number(0.0), a.number(1.0));
        if shape.len() > LARGE {
            let gap = a.apply_typed(Op::Fill, 0, Type::num(Shape::Vector(n)), &[zero]);
            let elems: Vec<A::V> = (0..2 * n - 1).map(|k| if k % 2 == 0 { one } else { gap }).collect();
            return Ok(a.apply_typed(Op::Pack, 0, Type::num(shape), &elems));
        }
        let elems: Vec<A::V> = (0..n * n).map(|k| if k % (n + 1) == 0 { one } else { zero }).collect();
        Ok(a.apply_typed(Op::Pack, 0, Type::num(shape), &elems))
    };
    Zeros(
        "matrix", "zeros", Arity::between(1, 2), "n [m]",
        "vector or matrix of zeros of a constant size"
    ) |a, args| constant_matrix(a, args, 0.0);
    Ones(
        "matrix", "ones", Arity::between(1, 2), "n [m]",
        "vector or matrix of ones of a constant size"
    ) |a, args| constant_matrix(a, args, 1.0);
}

fn identity<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    Ok(a.as_number(args[0]))
}

/// Whether the remainder of a division by 2 is one of these.
fn has_remainder<A: Algebra>(a: &mut A, x: A::V, remainders: &[f64]) -> Built<A> {
    let (x, two) = (a.as_number(x), a.number(2.0));
    let remainder = a.apply(Op::Remainder, &[x, two])?;
    let mut any = None;
    for &one in remainders {
        let one = a.number(one);
        let same = a.apply(Op::Eq, &[remainder, one])?;
        any = Some(match any {
            None => same,
            Some(before) => a.apply(Op::Or, &[before, same])?,
        });
    }
    Ok(any.expect("there is a remainder to compare with"))
}

fn checked(shape: Shape) -> Result<Shape, ShapeError> {
    shape.checked().map_err(|error| ShapeError::new(error.to_string()))
}

/// A constant size.
fn size<A: Algebra>(a: &A, args: &[A::V], k: usize) -> Result<u32, ShapeError> {
    match a.size(args[k]) {
        Some(n) if n >= 1.0 && n.fract() == 0.0 && n <= MAX_ELEMENTS as f64 => Ok(n as u32),
        Some(n) => Err(ShapeError::at(
            k,
            format!("size {}: an integer from 1 to {MAX_ELEMENTS} is needed", number(n)),
        )),
        None => Err(ShapeError::at(k, "a size must be a constant: shapes are known before rows are")),
    }
}

/// The number of parts that all operands have.
fn length<A: Algebra>(a: &mut A, name: &str, args: &[A::V]) -> Built<A> {
    let mut common = None;
    for (k, &arg) in args.iter().enumerate() {
        let n = match a.ty(arg).shape {
            Shape::Vector(n) | Shape::Matrix(n, _) => n,
            other @ (Shape::Scalar | Shape::Complex) => {
                return Err(ShapeError::at(k, format!("{name} of a {other}: a vector is needed")));
            }
        };
        if let Some(first) = common.replace(n)
            && first != n
        {
            return Err(ShapeError::at(k, format!("vectors of {first} and {n} elements: lengths differ")));
        }
    }
    Ok(a.number(f64::from(common.unwrap_or(0))))
}

/// `(repeat n x)`.
fn repeat<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let n = size(a, args, 0)?;
    let x = a.as_number(args[1]);
    match a.ty(x).shape {
        Shape::Scalar => {
            let shape = checked(Shape::Vector(n))?;
            Ok(a.fill(x, shape))
        }
        Shape::Vector(m) => {
            checked(Shape::Matrix(n, m))?;
            rows(a, &vec![x; n as usize])
        }
        other @ (Shape::Matrix(..) | Shape::Complex) => {
            Err(ShapeError::at(1, format!("repeat of a {other}: a scalar or vector is needed")))
        }
    }
}

/// `(replace v i x)`.
fn replace<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let (whole, index, part) = (a.as_number(args[0]), a.as_number(args[1]), a.as_number(args[2]));
    let shape = a.ty(whole).shape;
    let (count, wanted) = match shape {
        Shape::Vector(n) => (n, Shape::Scalar),
        Shape::Matrix(n, m) => (n, Shape::Vector(m)),
        other @ (Shape::Scalar | Shape::Complex) => {
            return Err(ShapeError::at(0, format!("replace in a {other}: a vector or matrix is needed")));
        }
    };
    if a.ty(part).shape != wanted {
        let message = format!("replace in {shape} by {}: a {wanted} is needed", a.ty(part).shape);
        return Err(ShapeError::at(2, message));
    }
    if !a.ty(index).is_scalar() {
        return Err(ShapeError::at(1, format!("an index is a scalar, not a {}", a.ty(index).shape)));
    }
    let known = a.constant(index);
    if known.is_some_and(|i| i.fract() != 0.0 || !(0.0..f64::from(count)).contains(&i)) {
        return reference(a, &[whole, index]);
    }
    if let Some(i) = known {
        let (offset, len) = (i as u32 * wanted.len() as u32, wanted.len() as u32);
        let end = offset + len;
        let all = shape.len() as u32;
        if shape.len() <= LARGE {
            let elems: Vec<A::V> = (0..all)
                .map(|k| match k.checked_sub(offset).filter(|&j| j < len) {
                    Some(j) => element(a, part, j),
                    None => element(a, whole, k),
                })
                .collect();
            return Ok(a.pack(Elem::Num, shape, &elems));
        }
        let mut parts = Vec::with_capacity(3);
        if offset > 0 {
            parts.push(a.slice(whole, 0, Shape::Vector(offset)));
        }
        parts.push(part);
        if end < all {
            parts.push(a.slice(whole, end, Shape::Vector(all - end)));
        }
        return Ok(a.pack(Elem::Num, shape, &parts));
    }
    // An index that does not count to a part fails the row.
    a.part(whole, index, count, Type::num(wanted));
    if shape.len() > LARGE {
        return Ok(a.apply_typed(Op::Update, 0, Type::num(shape), &[whole, part, index]));
    }
    let yes = a.truth_value(true);
    let yes = if wanted == Shape::Scalar { yes } else { a.fill(yes, wanted) };
    let here = a.apply_typed(Op::Scatter, 0, Type::bool(shape), &[yes, index]);
    let placed = a.apply_typed(Op::Scatter, 0, Type::num(shape), &[part, index]);
    a.apply(Op::Select, &[here, placed, whole])
}

fn constant_matrix<A: Algebra>(a: &mut A, args: &[A::V], value: f64) -> Built<A> {
    let n = size(a, args, 0)?;
    let shape = if args.len() == 1 { Shape::Vector(n) } else { Shape::Matrix(n, size(a, args, 1)?) };
    let value = a.number(value);
    Ok(a.apply_typed(Op::Fill, 0, Type::num(checked(shape)?), &[value]))
}

/// A vector whose elements grow: those that are constant are compared now, others in every row, or the two numbers instead.
fn increasing<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let v = a.as_number(args[0]);
    let Shape::Vector(n) = a.ty(v).shape else {
        let shape = a.ty(v).shape;
        return Err(ShapeError::at(0, format!("check-increasing of a {shape}: a vector is needed")));
    };
    let mut known = Vec::new();
    for k in 0..n {
        let element = element(a, v, k);
        match a.constant(element) {
            Some(x) => known.push(x),
            None => break,
        }
    }
    if let Some(pair) = known.windows(2).find(|pair| pair[1] <= pair[0]) {
        let (before, behind) = (number(pair[0]), number(pair[1]));
        return Err(ShapeError::at(0, format!("the knots do not grow: {before} is followed by {behind}")));
    }
    if known.len() == n as usize {
        return Ok(v);
    }
    match *args {
        [_] if n > 1 => {
            let before = a.slice(v, 0, Shape::Vector(n - 1));
            let behind = a.slice(v, 1, Shape::Vector(n - 1));
            a.require(Requirement::Increasing, &[before, behind]);
        }
        [_, before, behind] => {
            let pair = [before, behind].map(|x| a.as_number(x));
            if let Some(k) = pair.iter().position(|&x| !a.ty(x).is_scalar()) {
                return Err(ShapeError::at(k + 1, "check-increasing compares two numbers"));
            }
            a.require(Requirement::Increasing, &pair);
        }
        [_] => {}
        _ => return Err(ShapeError::new("check-increasing takes a vector, or a vector and two numbers")),
    }
    Ok(v)
}

fn element<A: Algebra>(a: &mut A, whole: A::V, offset: u32) -> A::V {
    let whole = a.as_number(whole);
    a.apply_typed(Op::Slice, offset, Type::NUM, &[whole])
}

/// A vector of scalars, or a matrix of rows.
fn rows<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let args: Vec<A::V> = args.iter().map(|&x| a.as_number(x)).collect();
    let first = a.ty(args[0]).shape;
    if let Some(k) = args.iter().position(|&x| a.ty(x).shape != first) {
        let other = a.ty(args[k]).shape;
        return Err(ShapeError::at(
            k,
            format!("elements of one vector are {first} and {other}: shapes differ"),
        ));
    }
    let count = args.len() as u32;
    match first {
        Shape::Scalar => Ok(a.apply_typed(Op::Pack, 0, Type::num(checked(Shape::Vector(count))?), &args)),
        Shape::Vector(n) => {
            let shape = checked(Shape::Matrix(count, n))?;
            if shape.len() > LARGE {
                return Ok(a.apply_typed(Op::Pack, 0, Type::num(shape), &args));
            }
            let elems: Vec<A::V> = args
                .iter()
                .flat_map(|&row| (0..n).map(move |k| (row, k)))
                .map(|(row, k)| element(a, row, k))
                .collect();
            Ok(a.apply_typed(Op::Pack, 0, Type::num(shape), &elems))
        }
        Shape::Matrix(..) => Err(ShapeError::at(0, format!("a vector of {first}: rows must be vectors"))),
        Shape::Complex => Err(ShapeError::at(0, "a vector of complex: vectors hold real numbers")),
    }
}

/// `(mat n m x …)`.
fn elements<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    if args.len() < 3 {
        return Err(ShapeError::new("mat takes rows that are vectors, or two sizes and the elements"));
    }
    let (n, m) = (size(a, args, 0)?, size(a, args, 1)?);
    let shape = checked(Shape::Matrix(n, m))?;
    if shape.len() != args.len() - 2 {
        return Err(ShapeError::new(format!(
            "{shape} of {} elements: {} are needed",
            args.len() - 2,
            shape.len()
        )));
    }
    let elems: Vec<A::V> = args[2..].iter().map(|&x| a.as_number(x)).collect();
    Ok(a.apply_typed(Op::Pack, 0, Type::num(shape), &elems))
}

fn reference<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let mut whole = a.as_number(args[0]);
    for (k, &index) in args[1..].iter().enumerate() {
        let (count, part) = match a.ty(whole).shape {
            Shape::Vector(n) => (n, Shape::Scalar),
            Shape::Matrix(n, m) => (n, Shape::Vector(m)),
            other @ (Shape::Scalar | Shape::Complex) if k == 0 => {
                return Err(ShapeError::at(0, format!("ref of a {other}: a vector or matrix is needed")));
            }
            Shape::Scalar | Shape::Complex => {
                return Err(ShapeError::at(2, "ref of a vector takes one index"));
            }
        };
        let index = a.as_number(index);
        if !a.ty(index).is_scalar() {
            return Err(ShapeError::at(k + 1, format!("an index is a scalar, not a {}", a.ty(index).shape)));
        }
        let ty = Type::num(part);
        whole = match a.constant(index) {
            Some(i) if i.fract() == 0.0 && i >= 0.0 && i < f64::from(count) => {
                a.apply_typed(Op::Slice, i as u32 * part.len() as u32, ty, &[whole])
            }
            Some(i) => {
                let range = format!(
                    "index {} of {count} elements: an integer from 0 to {} is needed",
                    number(i),
                    count - 1
                );
                return Err(ShapeError::at(k + 1, range));
            }
            None => a.part(whole, index, count, ty),
        };
    }
    Ok(whole)
}

/// A constant index up to `most`.
fn bound<A: Algebra>(a: &A, args: &[A::V], k: usize, least: u32, most: u32) -> Result<u32, ShapeError> {
    match a.size(args[k]) {
        Some(n) if n.fract() == 0.0 && n >= f64::from(least) && n <= f64::from(most) => Ok(n as u32),
        Some(n) => {
            let n = number(n);
            let message = match k {
                1 => format!("slice from {n}: it begins at an index from {least} to {most}"),
                _ => format!(
                    "slice to {n}: it ends before an index from {least} to {most}, behind that where it begins"
                ),
            };
            Err(ShapeError::at(k, message))
        }
        None => Err(ShapeError::at(
            k,
            "the bounds of a slice must be constants: shapes are known before rows are",
        )),
    }
}

fn slice<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let whole = a.as_number(args[0]);
    let (count, row) = match a.ty(whole).shape {
        Shape::Vector(n) => (n, 1),
        Shape::Matrix(n, m) => (n, m),
        other @ (Shape::Scalar | Shape::Complex) => {
            return Err(ShapeError::at(0, format!("slice of a {other}: a vector or matrix is needed")));
        }
    };
    let from = bound(a, args, 1, 0, count - 1)?;
    let to = if args.len() == 3 { bound(a, args, 2, from + 1, count)? } else { count };
    let shape = match a.ty(whole).shape {
        Shape::Matrix(..) => Shape::Matrix(to - from, row),
        Shape::Scalar | Shape::Complex | Shape::Vector(_) => Shape::Vector(to - from),
    };
    Ok(a.apply_typed(Op::Slice, from * row, Type::num(shape), &[whole]))
}

fn append<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let args: Vec<A::V> = args.iter().map(|&x| a.as_number(x)).collect();
    let columns = |shape: Shape| match shape {
        Shape::Scalar | Shape::Complex | Shape::Vector(_) => None,
        Shape::Matrix(_, m) => Some(m),
    };
    let first = a.ty(args[0]).shape;
    let mut count = 0;
    for (k, &arg) in args.iter().enumerate() {
        let shape = a.ty(arg).shape;
        if shape == Shape::Complex {
            return Err(ShapeError::at(k, "vappend of a complex: vectors hold real numbers"));
        }
        if columns(shape) != columns(first) {
            return Err(ShapeError::at(k, format!("vappend of {first} and {shape}: rows differ")));
        }
        count += u64::from(shape.extents().0);
    }
    let shape = |count: u32| columns(first).map_or(Shape::Vector(count), |m| Shape::Matrix(count, m));
    let shape = checked(shape(u32::try_from(count).unwrap_or(u32::MAX)))?;
    Ok(a.apply_typed(Op::Pack, 0, Type::num(shape), &args))
}

fn cross<A: Algebra>(a: &mut A, args: &[A::V]) -> Built<A> {
    let (x, y) = (a.ty(args[0]).shape, a.ty(args[1]).shape);
    if (x, y) != (Shape::Vector(3), Shape::Vector(3)) {
        return Err(ShapeError::new(format!("cross of {x} and {y}: two vectors of length 3 are needed")));
    }
    let u: Vec<A::V> = (0..3).map(|k| element(a, args[0], k)).collect();
    let v: Vec<A::V> = (0..3).map(|k| element(a, args[1], k)).collect();
    let mut result = Vec::with_capacity(3);
    for k in 0..3 {
        let (i, j) = ((k + 1) % 3, (k + 2) % 3);
        let (left, right) = (a.mul(u[i], v[j]), a.mul(u[j], v[i]));
        result.push(a.sub(left, right));
    }
    Ok(a.apply_typed(Op::Pack, 0, Type::num(Shape::Vector(3)), &result))
}

impl Primitive {
    /// All primitives, in the order of the table.
    pub fn all() -> impl Iterator<Item = Primitive> {
        (0..TABLE.entries.len() as u16).map(Primitive)
    }
    /// The primitive of this name.
    pub fn from_name(name: &str) -> Option<Primitive> {
        TABLE.by_name.get(name).copied()
    }
    /// Its entry.
    pub fn info(self) -> &'static PrimitiveInfo {
        &TABLE.entries[usize::from(self.0)]
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        self.info().name
    }
    /// How many operands it takes.
    pub fn arity(self) -> Arity {
        self.info().arity
    }
    /// All names, for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.entries.iter().map(|e| e.name)
    }

    /// Whether its value has nothing of the operand but the shape, so that nothing that fails in the operand matters.
    pub(crate) fn of_shape_only(self) -> bool {
        self.name() == "zeros-like"
    }

    /// The operation that the primitive is for so many operands, if it is just one on the operands as they stand.
    pub(crate) fn single_op(self, operands: usize) -> Option<Op> {
        match (self.info().expansion, operands) {
            (Expansion::Op(op), _)
            | (Expansion::Fold { op, .. } | Expansion::Chain { op, reversed: false }, 2) => Some(op),
            (Expansion::Sugar(sugar), operands) => sugar.op(operands),
            (
                Expansion::Fold { .. } | Expansion::Chain { .. } | Expansion::Complex(_) | Expansion::Eml(_),
                _,
            ) => None,
        }
    }

    /// How many steps of a row it counts as where it is repeated: [`STEP_WORK`] operations on elements are one.
    pub(crate) fn steps(self, operands: &[Type], result: Type) -> u64 {
        let elements = operands.iter().chain([&result]).map(|ty| ty.len()).fold(0, usize::max);
        let work = match self.info().expansion {
            Expansion::Op(op) => op.work(operands, result).max(elements),
            Expansion::Fold { .. } | Expansion::Chain { .. } => elements.saturating_mul(operands.len()),
            // An element is found, or replaced, at once.
            Expansion::Sugar(Sugar::Ref) => result.len(),
            Expansion::Sugar(Sugar::Replace) => operands.get(2).map_or(0, |part| part.len()),
            Expansion::Sugar(_) | Expansion::Complex(_) | Expansion::Eml(_) => elements,
        };
        (work / STEP_WORK) as u64
    }

    /// The value of the primitive for operands whose number fits its arity.
    pub(crate) fn expand<A: Algebra>(self, a: &mut A, args: &[A::V]) -> Result<A::V, ShapeError> {
        match self.info().expansion {
            Expansion::Sugar(sugar) => {
                sugar.expand(a, args).map_err(|error| error.of_primitive(self.info().name))
            }
            Expansion::Complex(name) => name.expand(a, args),
            Expansion::Eml(operator) => operator.expand(a, args),
            Expansion::Op(op) => match *args {
                // The interpreter goes through here a million times a second: no allocation.
                [x] => {
                    let x = a.as_number(x);
                    a.apply(op, &[x])
                }
                [x, y] => {
                    let (x, y) = (a.as_number(x), a.as_number(y));
                    a.apply(op, &[x, y])
                }
                _ => {
                    let numbers: Vec<A::V> = args.iter().map(|&x| a.as_number(x)).collect();
                    a.apply(op, &numbers)
                }
            },
            Expansion::Fold { op, empty, one } => {
                let Some((&first, rest)) = args.split_first() else {
                    return Ok(a.number(empty.unwrap_or(0.0)));
                };
                let first = a.as_number(first);
                if rest.is_empty() {
                    return match one {
                        Single::Identity => Ok(first),
                        Single::Negate => a.apply(Op::Neg, &[first]),
                        Single::Reciprocal => {
                            let unit = a.number(1.0);
                            a.apply(op, &[unit, first])
                        }
                    };
                }
                let mut sum = first;
                for (k, &next) in rest.iter().enumerate() {
                    let next = a.as_number(next);
                    sum = a.apply(op, &[sum, next]).map_err(|e| renamed(e, op, self.name(), [k, k + 1]))?;
                }
                Ok(sum)
            }
            Expansion::Chain { op, reversed } => {
                let mut all = None;
                let mut before = a.as_number(args[0]);
                for (k, &next) in args[1..].iter().enumerate() {
                    let next = a.as_number(next);
                    let (x, y) = if reversed { (next, before) } else { (before, next) };
                    before = next;
                    let places = if reversed { [k + 1, k] } else { [k, k + 1] };
                    let holds = a.apply(op, &[x, y]).map_err(|e| renamed(e, op, self.name(), places))?;
                    all = Some(match all {
                        None => holds,
                        Some(before) => a.apply(Op::And, &[before, holds])?,
                    });
                }
                match all {
                    Some(all) => Ok(all),
                    None => Ok(a.number(1.0)),
                }
            }
        }
    }
}

/// A shape error of one step, in the words of the program; `places` tells which operands of the whole the step has.
fn renamed(error: ShapeError, op: Op, name: &str, places: [usize; 2]) -> ShapeError {
    let message = match error.message.strip_prefix(op.info().name) {
        Some(rest) => format!("{name}{rest}"),
        None => error.message,
    };
    let operand = error.operand.and_then(|k| places.get(k)).or(places.iter().max());
    match operand {
        Some(&operand) => ShapeError::at(operand, message),
        None => ShapeError::new(message),
    }
}
