//! Rewrites that keep every bit of every value, signed zeros and infinities included.
//!
//! They are local and look one or two nodes deep; hash-consing makes them reach further. All NaNs are one value
//! (`4.1.4` of the design), so a rewrite may change a NaN's sign.

use nc_runtime::lanes::{Precision, Scalar};

use super::{Graph, Node, NodeKind, Type};
use crate::graph::{Elem, Shape};
use crate::ops::{Algebra, Lane, Op, Operand};

/// The node that has the same bits as the operation, if a rewrite finds one.
pub(super) fn simplify(g: &mut Graph, op: Op, attr: u32, ty: Type, args: &[Node]) -> Option<Node> {
    fold_constants(g, op, attr, ty, args).or_else(|| rewrite(g, op, attr, ty, args))
}

/// Operands of commutative operations in one order, so that hash-consing sees them as equal.
pub(crate) fn canonical_order(g: &Graph, op: Op, args: &[Node]) -> Vec<Node> {
    let mut args = args.to_vec();
    if op.commutes() {
        args.sort_by_key(|&a| (g.constant(a).is_some(), a));
    }
    args
}

fn fold_constants(g: &mut Graph, op: Op, attr: u32, ty: Type, args: &[Node]) -> Option<Node> {
    if !ty.is_scalar() || args.is_empty() {
        return None;
    }
    let lanes: Vec<Lane<Scalar>> = args.iter().map(|&a| known(g, a)).collect::<Option<_>>()?;
    let operands: Vec<Operand<Scalar>> = args
        .iter()
        .zip(&lanes)
        .map(|(&a, lane)| Operand { ty: g.ty(a), elems: std::slice::from_ref(lane) })
        .collect();
    Some(match op.eval_row(g.precision, attr, ty, &operands)[0] {
        Lane::F(value) => g.number(value),
        Lane::M(value) => g.boolean(value),
    })
}

fn known(g: &Graph, node: Node) -> Option<Lane<Scalar>> {
    match g.kind(node) {
        NodeKind::Const(bits) => Some(Lane::F(f64::from_bits(bits))),
        NodeKind::Bool(value) => Some(Lane::M(value)),
        NodeKind::Input(_) | NodeKind::Apply(..) | NodeKind::Region(_) | NodeKind::Result(_) => None,
    }
}

/// Whether the node is this very number: −0 is not 0.
fn is(g: &Graph, node: Node, value: f64) -> bool {
    g.constant(node).is_some_and(|c| c.to_bits() == value.to_bits())
}

/// The operand of `node` if it is this unary operation.
fn operand_of(g: &Graph, node: Node, op: Op) -> Option<Node> {
    (g.op(node) == Some(op)).then(|| g.args(node)[0])
}

/// The operation, made again from other operands.
fn again(g: &mut Graph, op: Op, ty: Type, args: &[Node]) -> Option<Node> {
    Some(g.apply_typed(op, 0, ty, args))
}

fn rewrite(g: &mut Graph, op: Op, attr: u32, ty: Type, args: &[Node]) -> Option<Node> {
    // An operand may stand for the result only if it has its shape: a scalar may have been broadcast.
    let fits = |g: &Graph, node: Node| (g.ty(node) == ty).then_some(node);
    match (op, args) {
        (Op::Add, &[a, b]) => {
            for (x, y) in [(a, b), (b, a)] {
                if is(g, y, -0.0) {
                    return fits(g, x);
                }
                if let Some(negated) = operand_of(g, y, Op::Neg) {
                    return again(g, Op::Sub, ty, &[x, negated]);
                }
            }
            None
        }
        (Op::Sub, &[a, b]) => {
            if is(g, b, 0.0) {
                return fits(g, a);
            }
            if is(g, a, -0.0) {
                return fits(g, b).and_then(|b| again(g, Op::Neg, ty, &[b]));
            }
            operand_of(g, b, Op::Neg).and_then(|negated| again(g, Op::Add, ty, &[a, negated]))
        }
        (Op::Mul, &[a, b]) => {
            for (x, y) in [(a, b), (b, a)] {
                if is(g, y, 1.0) {
                    return fits(g, x);
                }
                if is(g, y, -1.0) {
                    return fits(g, x).and_then(|x| again(g, Op::Neg, ty, &[x]));
                }
            }
            // (−x)·c = x·(−c), whatever is rounded. It is worth a look where it saves a loop's work.
            for (x, y) in [(a, b), (b, a)] {
                if !ty.is_scalar()
                    && let (Some(negated), Some(c)) = (operand_of(g, x, Op::Neg), g.constant(y))
                {
                    let c = g.number(-c);
                    return again(g, Op::Mul, ty, &[negated, c]);
                }
            }
            let (x, y) = (operand_of(g, a, Op::Neg)?, operand_of(g, b, Op::Neg)?);
            again(g, Op::Mul, ty, &[x, y])
        }
        (Op::Div, &[a, b]) => {
            if is(g, b, 1.0) {
                return fits(g, a);
            }
            if is(g, b, -1.0) {
                return fits(g, a).and_then(|a| again(g, Op::Neg, ty, &[a]));
            }
            if let Some(reciprocal) = g.constant(b).and_then(|c| exact_reciprocal(g.precision, c)) {
                let reciprocal = g.number(reciprocal);
                return again(g, Op::Mul, ty, &[a, reciprocal]);
            }
            let (x, y) = (operand_of(g, a, Op::Neg)?, operand_of(g, b, Op::Neg)?);
            again(g, Op::Div, ty, &[x, y])
        }
        (Op::Neg, &[a]) => {
            if let Some(inner) = operand_of(g, a, Op::Neg) {
                return Some(inner);
            }
            // −(x·c) = x·(−c) and −(x/c) = x/(−c), whatever is rounded.
            if let Some(inner @ (Op::Mul | Op::Div)) = g.op(a) {
                let &[x, y] = g.args(a) else { return None };
                if let Some(c) = g.constant(y) {
                    let c = g.number(-c);
                    return again(g, inner, ty, &[x, c]);
                }
            }
            None
        }
        // The recipes have these very bits where the imaginary part is a zero.
        (Op::ExpCos, &[x, y]) if g.constant(y) == Some(0.0) => again(g, Op::Exp, ty, &[x]),
        (Op::ExpSin, &[_, y]) if g.constant(y) == Some(0.0) => fits(g, y),
        (Op::Abs, &[a]) => match g.op(a) {
            Some(Op::Abs) => Some(a),
            Some(Op::Neg) => {
                let inner = g.args(a)[0];
                again(g, Op::Abs, ty, &[inner])
            }
            _ => None,
        },
        (Op::Pow, &[x, y]) => power(g, ty, x, y),
        (Op::Not, &[a]) => operand_of(g, a, Op::Not),
        (Op::And, &[a, b]) => junction(g, ty, a, b, true),
        (Op::Or, &[a, b]) => junction(g, ty, a, b, false),
        (Op::Ne, &[a, b]) => {
            for (x, y) in [(a, b), (b, a)] {
                if is(g, y, 0.0)
                    && let Some(truth) = operand_of(g, x, Op::Num)
                {
                    return fits(g, truth);
                }
            }
            None
        }
        (Op::Select, &[condition, a, b]) => selection(g, ty, condition, a, b),
        (Op::Slice, &[a]) => slice(g, attr, ty, a),
        (Op::Place, &[a]) => fits(g, a),
        (Op::Fill, &[a]) => fits(g, a),
        (Op::Transpose, &[a]) => match operand_of(g, a, Op::Fill) {
            Some(scalar) => Some(g.fill(scalar, ty.shape)),
            None => operand_of(g, a, Op::Transpose),
        },
        (Op::Any, &[a]) => {
            if g.ty(a).is_scalar() {
                Some(a)
            } else {
                operand_of(g, a, Op::Fill)
            }
        }
        (Op::Pack, _) => repack(g, ty, args),
        _ => None,
    }
}

/// The reciprocal of a power of two, where it is a normal number: then dividing and multiplying agree.
fn exact_reciprocal(precision: Precision, c: f64) -> Option<f64> {
    let is_normal = |x: f64| match precision {
        Precision::Double => x.is_normal(),
        Precision::Single => (x as f32).is_normal(),
    };
    let power_of_two = is_normal(c) && c.to_bits() & ((1 << 52) - 1) == 0;
    (power_of_two && is_normal(c.recip())).then(|| c.recip())
}

/// Powers that are defined as simpler operations (`4.1.3` of the design).
fn power(g: &mut Graph, ty: Type, x: Node, y: Node) -> Option<Node> {
    if g.ty(x) != ty {
        return None;
    }
    let exponent = g.constant(y)?;
    if exponent == 2.0 {
        again(g, Op::Mul, ty, &[x, x])
    } else if exponent == 1.0 {
        Some(x)
    } else if exponent == -1.0 {
        let one = g.number(1.0);
        again(g, Op::Div, ty, &[one, x])
    } else if exponent == 0.0 {
        let one = g.number(1.0);
        Some(if ty.is_scalar() { one } else { g.fill(one, ty.shape) })
    } else {
        None
    }
}

fn junction(g: &mut Graph, ty: Type, a: Node, b: Node, and: bool) -> Option<Node> {
    if a == b {
        return Some(a);
    }
    for (x, y) in [(a, b), (b, a)] {
        if let NodeKind::Bool(value) = g.kind(y) {
            if value == and {
                return (g.ty(x) == ty).then_some(x);
            }
            return ty.is_scalar().then_some(y);
        }
        if operand_of(g, y, Op::Not) == Some(x) && ty.is_scalar() {
            return Some(g.boolean(!and));
        }
    }
    None
}

fn selection(g: &mut Graph, ty: Type, condition: Node, a: Node, b: Node) -> Option<Node> {
    if a == b {
        return (g.ty(a) == ty).then_some(a);
    }
    if let NodeKind::Bool(value) = g.kind(condition) {
        let chosen = if value { a } else { b };
        return (g.ty(chosen) == ty).then_some(chosen);
    }
    if let Some(opposite) = operand_of(g, condition, Op::Not) {
        return again(g, Op::Select, ty, &[opposite, b, a]);
    }
    // An arm that selects by the same condition takes the same side.
    for (arm, side) in [(a, 1), (b, 2)] {
        if g.op(arm) == Some(Op::Select) && g.args(arm)[0] == condition {
            let inner = g.args(arm)[side];
            if g.ty(inner) == g.ty(arm) {
                let (a, b) = if side == 1 { (inner, b) } else { (a, inner) };
                return again(g, Op::Select, ty, &[condition, a, b]);
            }
        }
    }
    if !ty.is_scalar() {
        return None;
    }
    if ty.elem == Elem::Num {
        // Numbers that are truth values stay truth values until somebody computes with them.
        let (a, b) = (as_truth(g, a)?, as_truth(g, b)?);
        let truth = g.apply_typed(Op::Select, 0, Type::BOOL, &[condition, a, b]);
        return again(g, Op::Num, ty, &[truth]);
    }
    match (g.kind(a), g.kind(b)) {
        (NodeKind::Bool(true), NodeKind::Bool(false)) => Some(condition),
        (NodeKind::Bool(false), NodeKind::Bool(true)) => again(g, Op::Not, ty, &[condition]),
        (NodeKind::Bool(true), _) => again(g, Op::Or, ty, &[condition, b]),
        (_, NodeKind::Bool(false)) => again(g, Op::And, ty, &[condition, a]),
        (NodeKind::Bool(false), _) => {
            let opposite = again(g, Op::Not, ty, &[condition])?;
            again(g, Op::And, ty, &[opposite, b])
        }
        (_, NodeKind::Bool(true)) => {
            let opposite = again(g, Op::Not, ty, &[condition])?;
            again(g, Op::Or, ty, &[opposite, a])
        }
        _ => None,
    }
}

fn as_truth(g: &mut Graph, node: Node) -> Option<Node> {
    if is(g, node, 1.0) {
        Some(g.boolean(true))
    } else if is(g, node, 0.0) {
        Some(g.boolean(false))
    } else {
        operand_of(g, node, Op::Num)
    }
}

fn slice(g: &mut Graph, offset: u32, ty: Type, whole: Node) -> Option<Node> {
    let len = ty.len() as u32;
    if offset == 0 && g.ty(whole) == ty {
        return Some(whole);
    }
    let NodeKind::Apply(op, inner_offset) = g.kind(whole) else { return None };
    match op {
        Op::Pack if g.args(whole).len() == g.ty(whole).len() && ty.is_scalar() => {
            let element = g.args(whole)[offset as usize];
            Some(g.slice(element, 0, ty.shape))
        }
        Op::Pack if g.args(whole).len() == g.ty(whole).len() => {
            let part = g.args(whole)[offset as usize..][..len as usize].to_vec();
            Some(g.pack(ty.elem, ty.shape, &part))
        }
        Op::Pack => {
            let parts = parts(g, whole, offset, len);
            match parts[..] {
                [(part, first, _)] => Some(g.slice(part, first, ty.shape)),
                _ => {
                    let parts: Vec<Node> = parts
                        .into_iter()
                        .map(|(part, first, len)| g.slice(part, first, shape_of_part(g.shape(part), len)))
                        .collect();
                    Some(g.pack(ty.elem, ty.shape, &parts))
                }
            }
        }
        Op::Fill => {
            let scalar = g.args(whole)[0];
            Some(if ty.is_scalar() { scalar } else { g.fill(scalar, ty.shape) })
        }
        Op::Slice => {
            let inner = g.args(whole)[0];
            Some(g.slice(inner, inner_offset + offset, ty.shape))
        }
        Op::Place => {
            let part = g.args(whole)[0];
            let (start, end) = (inner_offset, inner_offset + g.ty(part).len() as u32);
            if start <= offset && offset + len <= end {
                return Some(g.slice(part, offset - start, ty.shape));
            }
            if end <= offset || offset + len <= start {
                let zero = match ty.elem {
                    Elem::Num => g.number(0.0),
                    Elem::Bool => g.boolean(false),
                };
                return Some(if ty.is_scalar() { zero } else { g.fill(zero, ty.shape) });
            }
            None
        }
        Op::Transpose if ty.is_scalar() => {
            let inner = g.args(whole)[0];
            let Shape::Matrix(_, columns) = g.shape(whole) else { return None };
            let Shape::Matrix(_, inner_columns) = g.shape(inner) else { return None };
            let (row, column) = (offset / columns, offset % columns);
            Some(g.slice(inner, column * inner_columns + row, ty.shape))
        }
        _ => None,
    }
}

/// The operands of a `Pack` that have elements in a range: with the first that is in it, and how many are.
fn parts(g: &Graph, whole: Node, offset: u32, len: u32) -> Vec<(Node, u32, u32)> {
    let mut start = 0;
    let mut found = Vec::new();
    for &part in g.args(whole) {
        let end = start + g.ty(part).len() as u32;
        let (first, last) = (start.max(offset), end.min(offset + len));
        if first < last {
            found.push((part, first - start, last - first));
        }
        start = end;
    }
    found
}

/// The shape of so many elements of a value.
fn shape_of_part(whole: Shape, len: u32) -> Shape {
    if len as usize == whole.len() { whole } else { Shape::Vector(len) }
}

/// A value taken apart and put together again.
fn repack(g: &mut Graph, ty: Type, args: &[Node]) -> Option<Node> {
    if let &[single] = args
        && g.ty(single) == ty
    {
        return Some(single);
    }
    let whole = operand_of(g, *args.first()?, Op::Slice)?;
    if g.ty(whole) != ty {
        return None;
    }
    let mut next = 0;
    let in_order = args.iter().all(|&arg| {
        let first = next;
        next += g.ty(arg).len() as u32;
        g.kind(arg) == NodeKind::Apply(Op::Slice, first) && g.args(arg)[0] == whole
    });
    in_order.then_some(whole)
}
