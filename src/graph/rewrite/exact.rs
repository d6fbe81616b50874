//! Rules that keep every bit of every value: signed zeros, infinities and subnormal numbers included. All NaNs are one
//! value, so a rule may change the sign of a NaN.
//!
//! Results are rounded to nearest, and rounding does not look at the sign: that is why signs move through sums, products
//! and quotients. The tests drive each rule over special values in both precisions, and see each rule fire.

use nc_runtime::lanes::Precision;

use crate::graph::{Elem, Graph, Node, NodeKind, Shape, Type};
use crate::ops::{Algebra, Op};

/// An operation that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Its attribute, as in [`NodeKind::Apply`].
    pub attr: u32,
    /// Its type.
    pub ty: Type,
    /// Its operands.
    pub args: &'a [Node],
}

impl Application<'_> {
    /// Both operands, in either order.
    fn pairs(&self) -> [(Node, Node); 2] {
        let (a, b) = (self.args[0], self.args[1]);
        [(a, b), (b, a)]
    }

    /// An operand in place of the result, if it has its type: a scalar may have been broadcast.
    fn fits(&self, g: &Graph, node: Node) -> Option<Node> {
        (g.ty(node) == self.ty).then_some(node)
    }
}

/// A rewrite that keeps every bit.
#[derive(Debug)]
#[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "the tests go by name, pattern and reason"))]
pub struct Rule {
    /// What it is called.
    pub name: &'static str,
    /// What becomes of what.
    pub pattern: &'static str,
    /// Why every bit is kept.
    pub why: &'static str,
    /// The operation that it is for.
    pub op: Op,
    /// The node that has the same bits, if the rule is for these operands.
    pub apply: fn(&mut Graph, &Application<'_>) -> Option<Node>,
}

macro_rules! rules {
    ($($name:ident, $op:ident, $pattern:literal, $why:literal;)*) => {
        /// All rules. Those for one operation are tried in this order.
        pub const RULES: &[Rule] = &[$(Rule {
            name: stringify!($name),
            pattern: $pattern,
            why: $why,
            op: Op::$op,
            apply: $name,
        },)*];
    };
}

rules! {
    add_minus_zero, Add, "x + −0 → x", "−0 is the neutral element of sums: +0 + −0 is +0";
    add_negated, Add, "x + (−y) → x − y", "a difference is defined as the sum with the negated operand";
    sub_zero, Sub, "x − 0 → x", "x + −0 is x";
    sub_from_minus_zero, Sub, "−0 − x → −x", "−0 + (−x) is −x, for zeros too";
    sub_negated, Sub, "x − (−y) → x + y", "a difference is defined as the sum with the negated operand";
    mul_one, Mul, "x · 1 → x", "the product is exact, and so is its sign";
    mul_minus_one, Mul, "x · −1 → −x", "the product is exact, and so is its sign";
    mul_negated_by_constant, Mul, "(−x) · c → x · (−c)", "the sign of a product does not depend on its rounding";
    mul_both_negated, Mul, "(−x) · (−y) → x · y", "the sign of a product does not depend on its rounding";
    mul_absolutes, Mul, "|x| · |x| → x · x", "the sign of a product does not depend on its rounding";
    square_of_norm, Mul, "norm x · norm x → norm-square x", "the same product";
    square_of_hypot, Mul, "hypot x y · hypot x y → hypot-square x y", "the same product";
    div_one, Div, "x / 1 → x", "the quotient is exact, and so is its sign";
    div_minus_one, Div, "x / −1 → −x", "the quotient is exact, and so is its sign";
    div_power_of_two, Div, "x / 2ⁿ → x · 2⁻ⁿ", "2⁻ⁿ is exact and normal: both are x scaled, rounded once";
    div_both_negated, Div, "(−x) / (−y) → x / y", "the sign of a quotient does not depend on its rounding";
    neg_negated, Neg, "−(−x) → x", "both flip the sign bit";
    neg_scaled, Neg, "−(x · c) → x · (−c), −(x / c) → x / (−c)", "the sign does not depend on the rounding";
    exp_cos_real, ExpCos, "eˣ cos 0 → eˣ", "the recipe computes eˣ where the imaginary part is a zero";
    exp_sin_real, ExpSin, "eˣ sin ±0 → ±0", "the recipe gives the zero itself";
    abs_of_abs, Abs, "||x|| → |x|", "the sign bit is cleared already";
    abs_negated, Abs, "|−x| → |x|", "the sign bit is cleared";
    pow_two, Pow, "x² → x · x", "powers with this exponent are defined so";
    pow_one, Pow, "x¹ → x", "powers with this exponent are defined so";
    pow_minus_one, Pow, "x⁻¹ → 1 / x", "powers with this exponent are defined so";
    pow_even_of_abs, Pow, "|x|²ⁿ → x²ⁿ", "even powers do not look at the sign";
    pow_zero, Pow, "x⁰ → 1", "powers with this exponent are defined so, for NaN too";
    not_not, Not, "not (not p) → p", "truth values";
    and_same, And, "p and p → p", "truth values";
    and_known, And, "p and true → p, p and false → false", "truth values";
    and_opposite, And, "p and not p → false", "truth values";
    or_same, Or, "p or p → p", "truth values";
    or_known, Or, "p or false → p, p or true → true", "truth values";
    or_opposite, Or, "p or not p → true", "truth values";
    ne_of_truth, Ne, "num p ≠ 0 → p", "num p is 1 or 0";
    select_same, Select, "p ? a : a → a", "either arm is taken";
    select_known, Select, "true ? a : b → a, false ? a : b → b", "one arm is taken";
    select_negated, Select, "(not p) ? a : b → p ? b : a", "the other arm is taken";
    select_in_arm, Select, "p ? (p ? a : b) : c → p ? a : c", "an arm that selects by the same takes the same side";
    select_truths_as_numbers, Select, "p ? num q : num r → num (p ? q : r)", "num is a function";
    select_of_truths, Select, "p ? true : q → p or q, and its like", "truth values";
    select_of_updates, Select, "p ? (x with other elements) : x → x with (p ? another : the element) for each of them", "the same elements";
    slice_whole, Slice, "all elements of x → x", "the same elements";
    slice_of_pack, Slice, "elements of a pack → those of its operands", "the same elements";
    slice_of_fill, Slice, "elements of a fill → the scalar, or a smaller fill", "all elements are the scalar";
    slice_of_slice, Slice, "elements of elements of x → elements of x", "the same elements";
    slice_of_place, Slice, "elements of a placed part → those of the part, or zeros", "the same elements";
    slice_of_transpose, Slice, "an element of a transpose → one of the matrix", "the same element";
    gather_of_fill, Gather, "an element or row of a fill → the scalar, or a smaller fill", "all elements are the scalar";
    gather_of_ne, Gather, "an element of (x ≠ c) → (an element of x) ≠ c", "the same comparison";
    update_of_ne, Update, "(x ≠ 0) with p for an element → (x with num p for it) ≠ 0", "num p ≠ 0 is p";
    place_whole, Place, "a part in place of the whole → the part", "the same elements";
    fill_scalar, Fill, "a fill of one element → the scalar", "the same element";
    transpose_of_fill, Transpose, "the transpose of a fill → a fill", "all elements are the scalar";
    transpose_of_transpose, Transpose, "(mᵀ)ᵀ → m", "the same elements in the same places";
    any_of_one, Any, "any p → p", "there is one element";
    any_of_fill, Any, "any of a fill → the scalar", "all elements are the scalar";
    any_of_place, Any, "any of a placed part → any of the part", "the others are false";
    pack_single, Pack, "a pack of one operand with its type → the operand", "the same elements";
    pack_of_slices, Pack, "all parts of x in order → x", "the same elements";
}

/// Whether the node is this very number: −0 is not 0.
fn is(g: &Graph, node: Node, value: f64) -> bool {
    g.constant(node).is_some_and(|c| c.to_bits() == value.to_bits())
}

/// The operand of `node` if it is this unary operation.
fn operand_of(g: &Graph, node: Node, op: Op) -> Option<Node> {
    (g.op(node) == Some(op)).then(|| g.args(node)[0])
}

/// The operation of this type without an attribute.
fn make(g: &mut Graph, op: Op, ty: Type, args: &[Node]) -> Node {
    g.apply_typed(op, 0, ty, args)
}

fn negated(g: &mut Graph, at: &Application<'_>, node: Node) -> Option<Node> {
    at.fits(g, node).map(|x| make(g, Op::Neg, at.ty, &[x]))
}

fn add_minus_zero(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.pairs().into_iter().find_map(|(x, y)| at.fits(g, x).filter(|_| is(g, y, -0.0)))
}

fn add_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (x, y) = at.pairs().into_iter().find_map(|(x, y)| Some((x, operand_of(g, y, Op::Neg)?)))?;
    Some(make(g, Op::Sub, at.ty, &[x, y]))
}

fn sub_zero(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.fits(g, at.args[0]).filter(|_| is(g, at.args[1], 0.0))
}

fn sub_from_minus_zero(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    if is(g, at.args[0], -0.0) { negated(g, at, at.args[1]) } else { None }
}

fn sub_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let y = operand_of(g, at.args[1], Op::Neg)?;
    Some(make(g, Op::Add, at.ty, &[at.args[0], y]))
}

fn mul_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.pairs().into_iter().find_map(|(x, y)| at.fits(g, x).filter(|_| is(g, y, 1.0)))
}

fn mul_minus_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (x, _) = at.pairs().into_iter().find(|&(_, y)| is(g, y, -1.0))?;
    negated(g, at, x)
}

/// It is worth a look where it saves the work of a loop over elements.
fn mul_negated_by_constant(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    if at.ty.is_scalar() {
        return None;
    }
    let of = |(x, y): (Node, Node)| Some((operand_of(g, x, Op::Neg)?, g.constant(y)?));
    let (x, c) = at.pairs().into_iter().find_map(of)?;
    let c = g.number(-c);
    Some(make(g, Op::Mul, at.ty, &[x, c]))
}

fn both_negated(g: &mut Graph, op: Op, at: &Application<'_>) -> Option<Node> {
    let (x, y) = (operand_of(g, at.args[0], Op::Neg)?, operand_of(g, at.args[1], Op::Neg)?);
    Some(make(g, op, at.ty, &[x, y]))
}

fn mul_both_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    both_negated(g, Op::Mul, at)
}

/// The operands of the operation whose square this product is, if it is one of that operation. What is smooth must not be
/// differentiated through something with a kink.
fn square_of<'g>(g: &'g Graph, at: &Application<'_>, op: Op) -> Option<&'g [Node]> {
    let &[x, y] = at.args else { return None };
    (x == y && g.op(x) == Some(op)).then(|| g.args(x))
}

fn mul_absolutes(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let &[x] = square_of(g, at, Op::Abs)? else { return None };
    Some(make(g, Op::Mul, at.ty, &[x, x]))
}

fn square_of_norm(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let &[x] = square_of(g, at, Op::Norm)? else { return None };
    Some(make(g, Op::NormSquare, at.ty, &[x, at.args[0]]))
}

fn square_of_hypot(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let &[x, y] = square_of(g, at, Op::Hypot)? else { return None };
    Some(make(g, Op::HypotSquare, at.ty, &[x, y, at.args[0]]))
}

fn div_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.fits(g, at.args[0]).filter(|_| is(g, at.args[1], 1.0))
}

fn div_minus_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    if is(g, at.args[1], -1.0) { negated(g, at, at.args[0]) } else { None }
}

fn div_power_of_two(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let c = g.constant(at.args[1])?;
    let is_normal = |x: f64| match g.precision {
        Precision::Double => x.is_normal(),
        Precision::Single => (x as f32).is_normal(),
    };
    let power_of_two = is_normal(c) && c.to_bits() & ((1 << 52) - 1) == 0;
    if !power_of_two || !is_normal(c.recip()) {
        return None;
    }
    let reciprocal = g.number(c.recip());
    Some(make(g, Op::Mul, at.ty, &[at.args[0], reciprocal]))
}

fn div_both_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    both_negated(g, Op::Div, at)
}

fn neg_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    operand_of(g, at.args[0], Op::Neg)
}

fn neg_scaled(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let op = g.op(at.args[0]).filter(|op| matches!(op, Op::Mul | Op::Div))?;
    let &[x, y] = g.args(at.args[0]) else { unreachable!("{op} takes two operands") };
    let c = g.constant(y)?;
    let c = g.number(-c);
    Some(make(g, op, at.ty, &[x, c]))
}

fn exp_cos_real(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    (g.constant(at.args[1]) == Some(0.0)).then(|| make(g, Op::Exp, at.ty, &[at.args[0]]))
}

fn exp_sin_real(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.fits(g, at.args[1]).filter(|&y| g.constant(y) == Some(0.0))
}

fn abs_of_abs(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    (g.op(at.args[0]) == Some(Op::Abs)).then_some(at.args[0])
}

fn abs_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let x = operand_of(g, at.args[0], Op::Neg)?;
    Some(make(g, Op::Abs, at.ty, &[x]))
}

/// The base of a power with this exponent.
fn base(g: &Graph, at: &Application<'_>, exponent: f64) -> Option<Node> {
    at.fits(g, at.args[0]).filter(|_| g.constant(at.args[1]) == Some(exponent))
}

fn pow_two(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    base(g, at, 2.0).map(|x| make(g, Op::Mul, at.ty, &[x, x]))
}

fn pow_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    base(g, at, 1.0)
}

fn pow_minus_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let x = base(g, at, -1.0)?;
    let one = g.number(1.0);
    Some(make(g, Op::Div, at.ty, &[one, x]))
}

fn pow_even_of_abs(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let x = operand_of(g, at.args[0], Op::Abs)?;
    let even = |y: f64| y.is_finite() && (y * 0.5).fract() == 0.0;
    g.constant(at.args[1]).filter(|&y| even(y))?;
    Some(make(g, Op::Pow, at.ty, &[x, at.args[1]]))
}

fn pow_zero(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    base(g, at, 0.0)?;
    let one = g.number(1.0);
    Some(everywhere(g, one, at.ty))
}

/// A scalar in every element of a value of this type.
fn everywhere(g: &mut Graph, scalar: Node, ty: Type) -> Node {
    if ty.is_scalar() { scalar } else { g.fill(scalar, ty.shape) }
}

fn not_not(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    operand_of(g, at.args[0], Op::Not)
}

fn same_operands(at: &Application<'_>) -> Option<Node> {
    (at.args[0] == at.args[1]).then_some(at.args[0])
}

/// A junction with an operand that is known: where that is the neutral truth value the other operand, else the known one.
fn known_operand(g: &Graph, at: &Application<'_>, neutral: bool) -> Option<Node> {
    let truth = |node| match g.kind(node) {
        NodeKind::Bool(value) => Some(value),
        NodeKind::Const(_)
        | NodeKind::Input(_)
        | NodeKind::Apply(..)
        | NodeKind::Region(_)
        | NodeKind::Result(_) => None,
    };
    let (x, y, value) = at.pairs().into_iter().find_map(|(x, y)| Some((x, y, truth(y)?)))?;
    if value == neutral { at.fits(g, x) } else { at.ty.is_scalar().then_some(y) }
}

fn opposite_operands(g: &mut Graph, at: &Application<'_>, result: bool) -> Option<Node> {
    let opposite = at.pairs().into_iter().any(|(x, y)| operand_of(g, y, Op::Not) == Some(x));
    (opposite && at.ty.is_scalar()).then(|| g.boolean(result))
}

fn and_same(_: &mut Graph, at: &Application<'_>) -> Option<Node> {
    same_operands(at)
}

fn and_known(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    known_operand(g, at, true)
}

fn and_opposite(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    opposite_operands(g, at, false)
}

fn or_same(_: &mut Graph, at: &Application<'_>) -> Option<Node> {
    same_operands(at)
}

fn or_known(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    known_operand(g, at, false)
}

fn or_opposite(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    opposite_operands(g, at, true)
}

fn ne_of_truth(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let of = |(x, y): (Node, Node)| operand_of(g, x, Op::Num).filter(|_| is(g, y, 0.0));
    let truth = at.pairs().into_iter().find_map(of)?;
    at.fits(g, truth)
}

/// The condition and the arms of a selection.
fn choice(at: &Application<'_>) -> (Node, Node, Node) {
    (at.args[0], at.args[1], at.args[2])
}

fn select_same(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (_, a, b) = choice(at);
    at.fits(g, a).filter(|_| a == b)
}

fn select_known(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (condition, a, b) = choice(at);
    let NodeKind::Bool(value) = g.kind(condition) else { return None };
    at.fits(g, if value { a } else { b })
}

fn select_negated(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (condition, a, b) = choice(at);
    let opposite = operand_of(g, condition, Op::Not)?;
    Some(make(g, Op::Select, at.ty, &[opposite, b, a]))
}

fn select_in_arm(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (condition, a, b) = choice(at);
    for (arm, side) in [(a, 1), (b, 2)] {
        if g.op(arm) == Some(Op::Select) && g.args(arm)[0] == condition {
            let inner = g.args(arm)[side];
            if g.ty(inner) == g.ty(arm) {
                let (a, b) = if side == 1 { (inner, b) } else { (a, inner) };
                return Some(make(g, Op::Select, at.ty, &[condition, a, b]));
            }
        }
    }
    None
}

/// So many updates of one value a selection is made for by themselves.
const MAX_UPDATES: usize = 64;

/// What a value is with other elements of, and the updates in their order.
fn updates(g: &Graph, node: Node) -> (Node, Vec<Node>) {
    let (mut base, mut updates) = (node, Vec::new());
    while g.op(base) == Some(Op::Update) && updates.len() < MAX_UPDATES {
        updates.push(base);
        base = g.args(base)[0];
    }
    updates.reverse();
    (base, updates)
}

fn select_of_updates(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (condition, a, b) = choice(at);
    let ((base, of_a), (other, of_b)) = (updates(g, a), updates(g, b));
    if base != other || a == b || !g.ty(condition).is_scalar() || g.ty(base) != at.ty {
        return None;
    }
    let common = of_a.iter().zip(&of_b).take_while(|(a, b)| a == b).count();
    let mut whole = if common > 0 { of_a[common - 1] } else { base };
    let own = of_a[common..].iter().map(|&update| (update, true));
    for (update, taken) in own.chain(of_b[common..].iter().map(|&update| (update, false))) {
        let &[_, part, index] = g.args(update) else { return None };
        let ty = g.ty(part);
        let before = make(g, Op::Gather, ty, &[whole, index]);
        let (a, b) = if taken { (part, before) } else { (before, part) };
        let part = make(g, Op::Select, ty, &[condition, a, b]);
        whole = make(g, Op::Update, at.ty, &[whole, part, index]);
    }
    Some(whole)
}

/// Numbers that are truth values stay truth values until somebody computes with them.
fn select_truths_as_numbers(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (condition, a, b) = choice(at);
    if at.ty != Type::NUM || a == b {
        return None;
    }
    let (a, b) = (as_truth(g, a)?, as_truth(g, b)?);
    let truth = make(g, Op::Select, Type::BOOL, &[condition, a, b]);
    Some(make(g, Op::Num, at.ty, &[truth]))
}

/// The truth value that a number stands for, if it is the number of one.
fn as_truth(g: &mut Graph, node: Node) -> Option<Node> {
    if is(g, node, 1.0) {
        Some(g.boolean(true))
    } else if is(g, node, 0.0) {
        Some(g.boolean(false))
    } else {
        operand_of(g, node, Op::Num)
    }
}

fn select_of_truths(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (condition, a, b) = choice(at);
    let ty = at.ty;
    if ty != Type::BOOL {
        return None;
    }
    let truth = |node| g.truth(node);
    match (truth(a), truth(b)) {
        (Some(true), Some(false)) => Some(condition),
        (Some(false), Some(true)) => Some(make(g, Op::Not, ty, &[condition])),
        (Some(true), _) => Some(make(g, Op::Or, ty, &[condition, b])),
        (_, Some(false)) => Some(make(g, Op::And, ty, &[condition, a])),
        (Some(false), _) => {
            let opposite = make(g, Op::Not, ty, &[condition]);
            Some(make(g, Op::And, ty, &[opposite, b]))
        }
        (_, Some(true)) => {
            let opposite = make(g, Op::Not, ty, &[condition]);
            Some(make(g, Op::Or, ty, &[opposite, a]))
        }
        (None, None) => None,
    }
}

fn slice_whole(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.fits(g, at.args[0]).filter(|_| at.attr == 0)
}

fn slice_of_pack(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let whole = at.args[0];
    if g.op(whole) != Some(Op::Pack) {
        return None;
    }
    let (ty, len) = (at.ty, at.ty.len() as u32);
    if g.args(whole).len() == g.ty(whole).len() {
        let elements = &g.args(whole)[at.attr as usize..][..len as usize];
        if ty.is_scalar() {
            let element = elements[0];
            return Some(g.slice(element, 0, ty.shape));
        }
        let elements = elements.to_vec();
        return Some(g.pack(ty.elem, ty.shape, &elements));
    }
    let parts = parts(g, whole, at.attr, len);
    if let [(part, first, _)] = parts[..] {
        return Some(g.slice(part, first, ty.shape));
    }
    let parts: Vec<Node> = parts
        .into_iter()
        .map(|(part, first, len)| g.slice(part, first, shape_of_part(g.shape(part), len)))
        .collect();
    Some(g.pack(ty.elem, ty.shape, &parts))
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

fn slice_of_fill(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let scalar = operand_of(g, at.args[0], Op::Fill)?;
    Some(everywhere(g, scalar, at.ty))
}

fn slice_of_slice(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let NodeKind::Apply(Op::Slice, inner) = g.kind(at.args[0]) else { return None };
    let whole = g.args(at.args[0])[0];
    Some(g.slice(whole, inner + at.attr, at.ty.shape))
}

fn slice_of_place(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let NodeKind::Apply(Op::Place, start) = g.kind(at.args[0]) else { return None };
    let part = g.args(at.args[0])[0];
    let (first, last) = (at.attr, at.attr + at.ty.len() as u32);
    let end = start + g.ty(part).len() as u32;
    if start <= first && last <= end {
        return Some(g.slice(part, first - start, at.ty.shape));
    }
    if end <= first || last <= start {
        let zero = match at.ty.elem {
            Elem::Num => g.number(0.0),
            Elem::Bool => g.boolean(false),
        };
        return Some(everywhere(g, zero, at.ty));
    }
    None
}

fn slice_of_transpose(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let whole = at.args[0];
    let inner = operand_of(g, whole, Op::Transpose)?;
    let (Shape::Matrix(_, columns), Shape::Matrix(_, inner_columns)) = (g.shape(whole), g.shape(inner))
    else {
        return None;
    };
    let (row, column) = (at.attr / columns, at.attr % columns);
    at.ty.is_scalar().then(|| g.slice(inner, column * inner_columns + row, at.ty.shape))
}

fn gather_of_fill(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let scalar = operand_of(g, at.args[0], Op::Fill)?;
    Some(g.fill(scalar, at.ty.shape))
}

/// What a comparison with a scalar compares.
fn compared(g: &Graph, node: Node) -> Option<(Node, Node)> {
    let (Op::Ne, &[x, c]) = (g.op(node)?, g.args(node)) else { return None };
    (g.shape(x) == g.shape(node) && g.ty(c).is_scalar()).then_some((x, c))
}

fn gather_of_ne(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (x, c) = compared(g, at.args[0])?;
    let element = make(g, Op::Gather, Type::num(at.ty.shape), &[x, at.args[1]]);
    Some(make(g, Op::Ne, at.ty, &[element, c]))
}

fn update_of_ne(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let (x, c) = compared(g, at.args[0]).filter(|&(_, c)| g.constant(c) == Some(0.0))?;
    let part = make(g, Op::Num, Type::num(g.shape(at.args[1])), &[at.args[1]]);
    let updated = make(g, Op::Update, Type::num(at.ty.shape), &[x, part, at.args[2]]);
    Some(make(g, Op::Ne, at.ty, &[updated, c]))
}

fn place_whole(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let part = at.args[0];
    if g.ty(part) == at.ty {
        return Some(part);
    }
    (g.ty(part).is_scalar() && at.ty.len() == 1).then(|| everywhere(g, part, at.ty))
}

fn fill_scalar(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.fits(g, at.args[0])
}

fn transpose_of_fill(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    operand_of(g, at.args[0], Op::Fill).map(|scalar| g.fill(scalar, at.ty.shape))
}

fn transpose_of_transpose(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    operand_of(g, at.args[0], Op::Transpose)
}

fn any_of_one(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    at.fits(g, at.args[0])
}

fn any_of_place(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let part = operand_of(g, at.args[0], Op::Place)?;
    Some(g.unary(Op::Any, part))
}

fn any_of_fill(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    operand_of(g, at.args[0], Op::Fill)
}

fn pack_single(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    if let &[single] = at.args { at.fits(g, single) } else { None }
}

fn pack_of_slices(g: &mut Graph, at: &Application<'_>) -> Option<Node> {
    let whole = at.fits(g, operand_of(g, *at.args.first()?, Op::Slice)?)?;
    let mut next = 0;
    let in_order = at.args.iter().all(|&arg| {
        let first = next;
        next += g.ty(arg).len() as u32;
        g.kind(arg) == NodeKind::Apply(Op::Slice, first) && g.args(arg)[0] == whole
    });
    in_order.then_some(whole)
}
