//! Terms as formulas: infix, with the parentheses that are needed, and not too long to be read. What is too long has `…` in
//! place of whole operands, those that are nested deepest first.

use std::borrow::Cow;

use crate::graph::{Node, NodeKind, Shape};
use crate::number;
use crate::ops::Op;

use super::Terms;

/// Characters of an operand, beyond which parts of it are left out.
const OPERAND: usize = 60;

/// How deep operands are printed, one after the other, until the text is short enough.
const DEPTHS: [usize; 11] = [usize::MAX, 16, 12, 9, 7, 5, 4, 3, 2, 1, 0];

/// Characters of a path.
const PATH: usize = 80;

/// Conditions of a path that are looked at, the innermost.
const PARTS: usize = 64;

/// Things left to print, beyond which what is nested deeper is cut off.
const PENDING: usize = 64;

/// Elements of a vector that are printed.
const ELEMENTS: usize = 8;

/// How tightly a formula holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    /// `a + b`, and what stands between commas.
    Sum,
    /// `a·b`
    Product,
    /// `√a`, `a²`
    Power,
    /// `a`, `f(a)`
    Atom,
}

#[derive(Clone)]
enum Item {
    Text(Cow<'static, str>),
    /// A number that has to be this tight.
    Number(Node, Tightness),
    /// A truth value or its opposite; whether in parentheses if it is a junction.
    Truth(Node, bool, bool),
}

/// What a condition is made of.
enum Parts {
    /// A comparison, or whatever else.
    One(Node, bool),
    All([(Node, bool); 2]),
    Any([(Node, bool); 2]),
}

/// A term that is a number, or several.
pub(super) fn number(terms: &Terms, node: Node) -> String {
    print(terms, vec![Item::Number(node, Tightness::Sum)], OPERAND)
}

/// The conditions of a path, outermost first, and all of them in one text.
pub(super) fn path(terms: &Terms, path: Node) -> (Vec<String>, String) {
    let mut left = vec![(path, true)];
    let mut parts: Vec<String> = Vec::new();
    let mut steps = 0;
    while let Some((node, positive)) = left.pop() {
        steps += 1;
        if steps > 2 * PARTS {
            parts.push("…".into());
            break;
        }
        match split(terms, node, positive) {
            // The last of them is the innermost.
            Parts::All(both) => left.extend(both),
            Parts::One(..) | Parts::Any(_) => {
                let part = print(terms, vec![Item::Truth(node, positive, true)], OPERAND);
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
    }
    parts.reverse();
    let mut whole = String::new();
    for part in &parts {
        if !whole.is_empty() {
            whole += " and ";
        }
        if whole.chars().count() + part.chars().count() > PATH {
            whole += "…";
            break;
        }
        whole += part;
    }
    (parts, whole)
}

fn split(terms: &Terms, mut node: Node, mut positive: bool) -> Parts {
    let g = &terms.graph;
    let junction =
        |both: bool, parts: [(Node, bool); 2]| if both { Parts::All(parts) } else { Parts::Any(parts) };
    loop {
        let NodeKind::Apply(op, _) = g.kind(node) else { return Parts::One(node, positive) };
        let args = g.args(node);
        match op {
            Op::Not => (node, positive) = (args[0], !positive),
            Op::Num => node = args[0],
            // A number as a condition: look for what it is made of.
            Op::Ne if terms.number(args[1]) == Some(0.0) && choice(terms, args[0]).is_some() => {
                node = args[0]
            }
            Op::And => return junction(positive, [(args[0], positive), (args[1], positive)]),
            Op::Or => return junction(!positive, [(args[0], positive), (args[1], positive)]),
            Op::Select => {
                let Some((then, other)) = choice(terms, node) else { return Parts::One(node, positive) };
                let (condition, a, b) = (args[0], (args[1], positive), (args[2], positive));
                match (then, other) {
                    (Some(true), Some(false)) => node = condition,
                    (Some(false), Some(true)) => (node, positive) = (condition, !positive),
                    (Some(true), _) => return junction(!positive, [(condition, positive), b]),
                    (_, Some(false)) => return junction(positive, [(condition, positive), a]),
                    (Some(false), _) => return junction(positive, [(condition, !positive), b]),
                    (_, Some(true)) => return junction(!positive, [(condition, !positive), a]),
                    (None, None) => return Parts::One(node, positive),
                }
            }
            _ => return Parts::One(node, positive),
        }
    }
}

/// What the arms of a choice are, if one is known to be true or false; any truth value is a choice.
fn choice(terms: &Terms, node: Node) -> Option<(Option<bool>, Option<bool>)> {
    match terms.graph.op(node) {
        Some(Op::Num) => Some((None, None)),
        Some(Op::Select) => {
            let args = terms.graph.args(node);
            let arms = (terms.truth(args[1]), terms.truth(args[2]));
            (arms != (None, None)).then_some(arms)
        }
        _ => None,
    }
}

/// Prints as deep as the limit of characters allows.
fn print(terms: &Terms, items: Vec<Item>, limit: usize) -> String {
    // A deeper text is longer: the last one that the search finds short enough is the deepest.
    let mut printed = None;
    let found = DEPTHS.partition_point(|&depth| match print_to(terms, &items, limit, depth) {
        Some(text) => {
            printed = Some(text);
            false
        }
        None => true,
    });
    printed.filter(|_| found < DEPTHS.len()).unwrap_or_else(|| "…".into())
}

/// Prints with `…` for operands that are nested deeper than this; `None` if the text is too long even so.
fn print_to(terms: &Terms, items: &[Item], limit: usize, depth: usize) -> Option<String> {
    let mut left: Vec<(Item, usize)> = items.iter().rev().map(|item| (item.clone(), 0)).collect();
    let mut text = String::new();
    let mut length = 0;
    while let Some((item, level)) = left.pop() {
        match item {
            Item::Text(words) => {
                length += words.chars().count();
                text += &words;
                if length > limit {
                    return None;
                }
            }
            Item::Number(..) | Item::Truth(..) if left.len() > PENDING => {
                left.push((Item::Text("…".into()), level));
            }
            Item::Number(node, at_least) => {
                let (tightness, items) = formula(terms, node);
                // A name or a number is no longer than what stands for it.
                let leaf = matches!(items[..], [Item::Text(_)]);
                if level > depth && !leaf {
                    left.push((Item::Text("…".into()), level));
                    continue;
                }
                let parentheses = tightness < at_least;
                if parentheses {
                    left.push((Item::Text(")".into()), level));
                }
                left.extend(items.into_iter().rev().map(|item| (item, level + 1)));
                if parentheses {
                    left.push((Item::Text("(".into()), level));
                }
            }
            Item::Truth(node, positive, parentheses) => {
                if level > depth {
                    left.push((Item::Text("…".into()), level));
                    continue;
                }
                let (word, parts) = match split(terms, node, positive) {
                    Parts::One(node, positive) => {
                        let items = comparison(terms, node, positive).into_iter().rev();
                        left.extend(items.map(|item| (item, level + 1)));
                        continue;
                    }
                    Parts::All(parts) => (" and ", parts),
                    Parts::Any(parts) => (" or ", parts),
                };
                let [a, b] = parts.map(|(node, positive)| Item::Truth(node, positive, true));
                if parentheses {
                    left.push((Item::Text(")".into()), level));
                }
                let junction = [b, Item::Text(word.into()), a];
                left.extend(junction.map(|item| (item, level + 1)));
                if parentheses {
                    left.push((Item::Text("(".into()), level));
                }
            }
        }
    }
    Some(text)
}

fn text(words: impl Into<Cow<'static, str>>) -> Item {
    Item::Text(words.into())
}

/// A comparison, with what varies on the left.
fn comparison(terms: &Terms, node: Node, positive: bool) -> Vec<Item> {
    let args = terms.graph.args(node);
    let relations = match terms.graph.op(node) {
        Some(Op::Lt) => [" < ", " ≥ ", " > ", " ≤ "],
        Some(Op::Le) => [" ≤ ", " > ", " ≥ ", " < "],
        Some(Op::Eq) => [" = ", " ≠ ", " = ", " ≠ "],
        Some(Op::Ne) => [" ≠ ", " = ", " ≠ ", " = "],
        _ => {
            let relation = if positive { " ≠ 0" } else { " = 0" };
            return vec![Item::Number(node, Tightness::Sum), text(relation)];
        }
    };
    let (a, b) = (Item::Number(args[0], Tightness::Sum), Item::Number(args[1], Tightness::Sum));
    let opposite = usize::from(!positive);
    if terms.number(args[0]).is_some() && terms.number(args[1]).is_none() {
        vec![b, text(relations[2 + opposite]), a]
    } else {
        vec![a, text(relations[opposite]), b]
    }
}

fn formula(terms: &Terms, node: Node) -> (Tightness, Vec<Item>) {
    use Tightness::{Atom, Power, Product, Sum};
    let g = &terms.graph;
    if let Some(name) = terms.names.get(&node) {
        return (Atom, vec![text(name.clone())]);
    }
    let (op, attr) = match g.kind(node) {
        NodeKind::Const(bits) => {
            let number = number::number(f64::from_bits(bits));
            return match number.strip_prefix('-') {
                Some(magnitude) => (Sum, vec![text(format!("−{magnitude}"))]),
                None => (Atom, vec![text(number)]),
            };
        }
        NodeKind::Bool(value) => return (Atom, vec![text(if value { "1" } else { "0" })]),
        NodeKind::Input(_) | NodeKind::Region(_) | NodeKind::Result(_) => return (Atom, vec![text("…")]),
        NodeKind::Apply(op, attr) => (op, attr),
    };
    let args = g.args(node);
    let at = |k: usize, tightness: Tightness| Item::Number(args[k], tightness);
    match op {
        Op::Add => (Sum, vec![at(0, Sum), text(" + "), at(1, Product)]),
        Op::Sub => (Sum, vec![at(0, Sum), text(" − "), at(1, Product)]),
        Op::Neg => (Sum, vec![text("−"), at(0, Product)]),
        Op::Mul if args[0] == args[1] => (Power, vec![at(0, Atom), text("²")]),
        Op::Mul | Op::Matvec | Op::Matmul => (Product, vec![at(0, Product), text("·"), at(1, Power)]),
        Op::Div => (Product, vec![at(0, Product), text("/"), at(1, Power)]),
        Op::Sqrt => (Power, vec![text("√"), at(0, Atom)]),
        Op::Pow => match terms.number(args[1]).and_then(superscript) {
            Some(exponent) => (Power, vec![at(0, Atom), text(exponent)]),
            None => (Power, vec![at(0, Atom), text("^"), at(1, Atom)]),
        },
        // The value is that of the operand.
        Op::Detach => (Atom, vec![at(0, Atom)]),
        Op::Abs => (Atom, vec![text("|"), at(0, Sum), text("|")]),
        Op::NormSquare => (Power, vec![at(1, Atom), text("²")]),
        Op::HypotSquare => (Power, vec![at(2, Atom), text("²")]),
        Op::Norm => (Atom, vec![text("‖"), at(0, Sum), text("‖")]),
        Op::Transpose => (Power, vec![at(0, Atom), text("ᵀ")]),
        Op::Slice => {
            (Atom, vec![at(0, Atom), text(index(g.shape(args[0]), attr as usize, g.ty(node).is_scalar()))])
        }
        Op::Gather => (Atom, vec![at(0, Atom), text("["), at(1, Sum), text("]")]),
        Op::Fill => (Atom, vec![at(0, Atom)]),
        Op::Num => (Atom, vec![text("("), Item::Truth(args[0], true, false), text(")")]),
        Op::Select => {
            let condition = Item::Truth(args[0], true, false);
            (Atom, vec![text("if("), condition, text(", "), at(1, Sum), text(", "), at(2, Sum), text(")")])
        }
        Op::Pack if g.shape(node) == Shape::Complex => (Atom, list("complex(", args, ")")),
        Op::Pack => (Atom, list("[", args, "]")),
        Op::Min | Op::Max | Op::Sign | Op::CopySign | Op::Advance => call(op, args),
        Op::Exp | Op::Exp2 | Op::Expm1 | Op::Log | Op::Log2 | Op::Log10 | Op::Log1p => call(op, args),
        Op::LogBase => call(op, args),
        Op::Sin | Op::Cos | Op::Tan | Op::Asin | Op::Acos | Op::Atan | Op::Atan2 => call(op, args),
        Op::Sinh
        | Op::Cosh
        | Op::Tanh
        | Op::Asinh
        | Op::Acosh
        | Op::Atanh
        | Op::Cbrt
        | Op::Hypot
        | Op::Erf => call(op, args),
        Op::Lead | Op::LeadByX | Op::LeadByY | Op::Direction | Op::OverSquare => call(op, args),
        Op::ErfSlope | Op::PowSlope => call(op, args),
        Op::Erfc | Op::NormalCdf | Op::NormalPdf | Op::Sinc | Op::SphericalOver => call(op, args),
        Op::Gamma | Op::LGamma | Op::Digamma | Op::Polygamma => call(op, args),
        Op::BesselJ0 | Op::BesselJ1 | Op::BesselOver | Op::LambertW | Op::LambertWm1 => call(op, args),
        Op::Floor | Op::Ceil | Op::Round | Op::Trunc | Op::Remainder | Op::Modulo | Op::Quotient => {
            call(op, args)
        }
        Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::And | Op::Or | Op::Not | Op::Any => {
            (Atom, vec![text("("), Item::Truth(node, true, false), text(")")])
        }
        Op::ExpCos
        | Op::ExpSin
        | Op::LogHypot
        | Op::RootRe
        | Op::RootIm
        | Op::TanhRe
        | Op::TanhIm
        | Op::PowRe
        | Op::PowIm => call(op, args),
        Op::ProductRe | Op::ProductIm | Op::QuotientRe | Op::QuotientIm => call(op, args),
        Op::Place | Op::Scatter | Op::Update | Op::Sum | Op::Dot | Op::Outer => call(op, args),
        Op::Det | Op::Cofactors | Op::Inv | Op::Singular => call(op, args),
        Op::Solve | Op::Cholesky | Op::SolveTridiagonal | Op::SolveLower | Op::Triangle => call(op, args),
        Op::Indefinite | Op::SingularTridiagonal => call(op, args),
        Op::PartMatmul => (Product, vec![at(0, Product), text("·"), at(2, Power)]),
    }
}

fn call(op: Op, args: &[Node]) -> (Tightness, Vec<Item>) {
    (Tightness::Atom, list(format!("{}(", op.info().spelling()), args, ")"))
}

/// Terms between commas.
fn list(open: impl Into<Cow<'static, str>>, terms: &[Node], close: &'static str) -> Vec<Item> {
    let mut items = vec![text(open)];
    for (k, &term) in terms.iter().take(ELEMENTS).enumerate() {
        if k > 0 {
            items.push(text(", "));
        }
        items.push(Item::Number(term, Tightness::Sum));
    }
    items.push(text(if terms.len() > ELEMENTS { ", …" } else { "" }));
    items.push(text(close));
    items
}

/// The index of an element or row that stands at an offset.
fn index(shape: Shape, offset: usize, element: bool) -> String {
    match shape {
        Shape::Matrix(_, columns) => {
            let (row, column) = (offset / columns as usize, offset % columns as usize);
            if element { format!("[{row}, {column}]") } else { format!("[{row}]") }
        }
        Shape::Complex => [".re", ".im"][offset.min(1)].into(),
        Shape::Scalar | Shape::Vector(_) => format!("[{offset}]"),
    }
}

/// A small integer, raised.
fn superscript(exponent: f64) -> Option<String> {
    if exponent.fract() != 0.0 || exponent.abs() > 99.0 {
        return None;
    }
    let raised = |c: char| match c.to_digit(10) {
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
        None => '⁻',
    };
    Some(format!("{exponent}").chars().map(raised).collect())
}
