//! Each rule by itself, over special values in both precisions: what it makes has the bits of what it replaces.

use std::collections::BTreeMap;

use nc_runtime::lanes::{Precision, Scalar};

use super::exact::{Application, RULES, Rule};
use crate::entity::EntityVec;
use crate::graph::{Elem, Graph, Node, NodeKind, Shape, Source, Type};
use crate::ops::{Algebra, Lane, Op, Operand};

/// ±0, ±∞, NaN, subnormal, extreme and ordinary numbers.
fn special(precision: Precision) -> Vec<f64> {
    let (subnormal, normal, largest) = match precision {
        Precision::Double => (f64::from_bits(1), f64::MIN_POSITIVE, f64::MAX),
        Precision::Single => (f32::from_bits(1).into(), f32::MIN_POSITIVE.into(), f32::MAX.into()),
    };
    let some = [0.0, subnormal, normal, 0.1, 1.0, 1.5, largest, f64::INFINITY];
    let signed = some.into_iter().flat_map(|x| [x, -x]).chain([f64::NAN]);
    signed.map(|x| precision.round(x)).collect()
}

/// Operands with and without the structure that rules look for.
struct Operands {
    numbers: Vec<Node>,
    truths: Vec<Node>,
    vectors: Vec<Node>,
    matrices: Vec<Node>,
}

const VECTOR: Shape = Shape::Vector(3);
const MATRIX: Shape = Shape::Matrix(2, 3);

fn operands(g: &mut Graph) -> Operands {
    let [x, y] = ["x", "y"].map(|name| g.input(name, Shape::Scalar, Source::Row));
    let [v, w] = ["v", "w"].map(|name| g.input(name, VECTOR, Source::Row));
    let m = g.input("m", MATRIX, Source::Row);
    let constants: Vec<Node> =
        [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, f64::MAX, 2f64.powi(-1022), f64::INFINITY, f64::NAN]
            .into_iter()
            .map(|c| g.number(c))
            .collect();
    let (zero, three) = (constants[0], constants[6]);
    let p = g.binary(Op::Lt, x, y);
    let q = g.binary(Op::Eq, x, x);
    let not_p = g.unary(Op::Not, p);
    let truths = vec![p, q, not_p, g.boolean(true), g.boolean(false)];
    let num = |g: &mut Graph, truth| g.apply_typed(Op::Num, 0, Type::NUM, &[truth]);
    let mut numbers = vec![x, y, num(g, p), num(g, q), g.select(p, x, three), g.select(q, y, x)];
    numbers.extend([Op::Neg, Op::Abs].map(|op| g.unary(op, x)));
    numbers.extend([g.unary(Op::Neg, y), g.mul(x, three), g.binary(Op::Div, x, three)]);
    numbers.extend([g.unary(Op::Norm, v), g.binary(Op::Hypot, x, y)]);
    numbers.extend(constants);
    let mut vectors =
        vec![v, w, g.unary(Op::Neg, v), g.mul(w, three), g.fill(x, VECTOR), g.fill(zero, VECTOR)];
    let (two, one) = (g.slice(v, 1, Shape::Vector(2)), g.slice(v, 0, Shape::Scalar));
    vectors.push(g.pack(Elem::Num, VECTOR, &[x, y, x]));
    vectors.push(g.pack(Elem::Num, VECTOR, &[two, one]));
    vectors.push(g.place(two, 1, VECTOR));
    vectors.push(two);
    let transposed = |g: &mut Graph, m| g.apply_typed(Op::Transpose, 0, Type::num(Shape::Matrix(3, 2)), &[m]);
    let matrices = vec![m, transposed(g, m), g.fill(y, MATRIX)];
    Operands { numbers, truths, vectors, matrices }
}

/// Operands, attributes and types of an operation, for rules to try.
fn applications(g: &mut Graph, op: Op, all: &Operands) -> Vec<(u32, Type, Vec<Node>)> {
    let mut list = Vec::new();
    let typed = |g: &Graph, args: &[Node]| {
        op.result_type(&args.iter().map(|&arg| g.ty(arg)).collect::<Vec<_>>()).ok()
    };
    let values: Vec<Node> = [&all.numbers, &all.vectors].into_iter().flatten().copied().collect();
    match op {
        Op::Slice => {
            for &whole in all.vectors.iter().chain(&all.matrices) {
                let ty = g.ty(whole);
                list.push((0, ty, vec![whole]));
                for len in 1..=2 {
                    let shape = if len == 1 { Shape::Scalar } else { Shape::Vector(len) };
                    for first in 0..=ty.len() as u32 - len {
                        list.push((first, Type::num(shape), vec![whole]));
                    }
                }
            }
        }
        Op::Place => list.extend(values.iter().flat_map(|&part| {
            let len = g.ty(part).len() as u32;
            let within = (0..=3 - len).map(move |first| (first, Type::num(VECTOR), vec![part]));
            let single = (len == 1).then(|| (0, Type::num(Shape::Vector(1)), vec![part]));
            within.chain([(0, g.ty(part), vec![part])]).chain(single)
        })),
        Op::Gather | Op::Update => {
            // A fill, a comparison, and numbers; also at indices that count to nothing.
            let (v, zero) = (all.vectors[0], g.number(0.0));
            let different = g.apply_typed(Op::Ne, 0, Type::bool(VECTOR), &[v, zero]);
            let filled = g.fill(all.numbers[0], VECTOR);
            let rows = all.matrices.iter().map(|&m| (m, Type::num(Shape::Vector(g.shape(m).extents().1))));
            let wholes = [(v, Type::NUM), (filled, Type::NUM), (different, Type::BOOL)];
            let wholes: Vec<(Node, Type)> = wholes.into_iter().chain(rows).collect();
            for (&index, (whole, part)) in
                all.numbers.iter().flat_map(|i| wholes.iter().map(move |w| (i, *w)))
            {
                if op == Op::Gather {
                    list.push((0, part, vec![whole, index]));
                } else if part.is_scalar() {
                    let parts = if part == Type::BOOL { &all.truths } else { &all.numbers };
                    list.extend(parts.iter().map(|&part| (0, g.ty(whole), vec![whole, part, index])));
                }
            }
        }
        Op::Fill => {
            for &scalar in &all.numbers {
                list.extend([VECTOR, Shape::Scalar].map(|shape| (0, Type::num(shape), vec![scalar])));
            }
        }
        Op::Pack => {
            list.extend(all.vectors.iter().map(|&v| (0, g.ty(v), vec![v])));
            let v = all.vectors[0];
            let parts: Vec<Node> = (0..3).map(|k| g.slice(v, k, Shape::Scalar)).collect();
            let shifted = vec![parts[1], parts[2], parts[0]];
            list.extend([parts, shifted].map(|parts| (0, Type::num(VECTOR), parts)));
        }
        Op::Any => {
            let masks: Vec<Node> = all.truths.iter().map(|&truth| g.fill(truth, VECTOR)).collect();
            let placed: Vec<Node> = all.truths.iter().map(|&truth| g.place(truth, 1, VECTOR)).collect();
            let all = all.truths.iter().chain(&masks).chain(&placed);
            list.extend(all.map(|&truth| (0, Type::BOOL, vec![truth])));
        }
        Op::Transpose => {
            for &m in &all.matrices {
                let (rows, columns) = g.shape(m).extents();
                list.push((0, Type::num(Shape::Matrix(columns, rows)), vec![m]));
            }
        }
        Op::Select => {
            let (v, x) = (all.vectors[0], all.numbers[0]);
            let update = |g: &mut Graph, whole, index: f64| {
                let index = g.number(index);
                g.apply_typed(Op::Update, 0, Type::num(VECTOR), &[whole, x, index])
            };
            let (one, two) = (update(g, v, 1.0), update(g, v, 2.0));
            let both = update(g, one, 0.0);
            let beyond = update(g, v, 7.0);
            for &condition in &all.truths[..2] {
                for (a, b) in [(one, v), (v, two), (one, two), (both, one), (both, two), (beyond, one)] {
                    list.push((0, Type::num(VECTOR), vec![condition, a, b]));
                }
            }
            for &condition in &all.truths {
                for (&a, &b) in all.truths.iter().flat_map(|a| all.truths.iter().map(move |b| (a, b))) {
                    list.push((0, Type::BOOL, vec![condition, a, b]));
                }
                for (&a, &b) in values.iter().flat_map(|a| values.iter().map(move |b| (a, b))) {
                    let args = vec![condition, a, b];
                    list.extend(typed(g, &args).map(|ty| (0, ty, args)));
                }
            }
        }
        Op::Not => list.extend(all.truths.iter().map(|&truth| (0, Type::BOOL, vec![truth]))),
        Op::And | Op::Or => {
            for (&a, &b) in all.truths.iter().flat_map(|a| all.truths.iter().map(move |b| (a, b))) {
                list.push((0, Type::BOOL, vec![a, b]));
            }
        }
        _ => {
            assert!(op.elementwise(), "no operands are known for {op}");
            for &a in &values {
                let lists = match op.operands() {
                    Some(1) => vec![vec![a]],
                    _ => values.iter().map(|&b| vec![a, b]).collect(),
                };
                for args in lists {
                    list.extend(typed(g, &args).map(|ty| (0, ty, args)));
                }
            }
        }
    }
    list
}

/// The elements of all nodes.
fn evaluate(g: &Graph, inputs: &[Vec<f64>]) -> EntityVec<Node, Vec<Lane<Scalar>>> {
    let mut values: EntityVec<Node, Vec<Lane<Scalar>>> = EntityVec::new();
    for node in g.nodes() {
        let value = match g.kind(node) {
            NodeKind::Const(bits) => vec![Lane::F(f64::from_bits(bits))],
            NodeKind::Bool(value) => vec![Lane::M(value)],
            NodeKind::Input(index) => inputs[index as usize].iter().map(|&x| Lane::F(x)).collect(),
            NodeKind::Apply(op, attr) => {
                let args = g.args(node);
                let operands: Vec<Operand<Scalar>> =
                    args.iter().map(|&arg| Operand { ty: g.ty(arg), elems: &values[arg] }).collect();
                op.eval_row(g.precision, attr, g.ty(node), &operands)
            }
            NodeKind::Region(_) | NodeKind::Result(_) => unreachable!("there are no loops"),
        };
        values.push(value);
    }
    values
}

/// The bits of all elements; all NaNs are one.
fn bits(value: &[Lane<Scalar>]) -> Vec<u64> {
    let of = |lane: &Lane<Scalar>| match lane {
        Lane::F(x) if x.is_nan() => f64::NAN.to_bits(),
        Lane::F(x) => x.to_bits(),
        Lane::M(truth) => u64::from(*truth),
    };
    value.iter().map(of).collect()
}

#[test]
fn every_rule_keeps_every_bit() {
    for precision in [Precision::Double, Precision::Single] {
        let mut g = Graph::of(precision);
        let all = operands(&mut g);
        let mut fired: BTreeMap<&str, usize> = BTreeMap::new();
        let mut pairs: Vec<(&Rule, Node, Node)> = Vec::new();
        for rule in RULES {
            for (attr, ty, args) in applications(&mut g, rule.op, &all) {
                let Some(new) = (rule.apply)(&mut g, &Application { attr, ty, args: &args }) else {
                    continue;
                };
                let old = g.intern(NodeKind::Apply(rule.op, attr), ty, &args);
                assert_eq!(g.ty(new), ty, "{}", rule.name);
                *fired.entry(rule.name).or_default() += 1;
                pairs.push((rule, old, new));
            }
        }
        let silent: Vec<&str> =
            RULES.iter().map(|r| r.name).filter(|name| !fired.contains_key(name)).collect();
        assert!(silent.is_empty(), "no operands made these rules fire: {silent:?}");
        let special = special(precision);
        for (i, &x) in special.iter().enumerate() {
            for (j, &y) in special.iter().enumerate() {
                let take = |count: usize, from: usize| -> Vec<f64> {
                    (0..count).map(|k| special[(from + 5 * k) % special.len()]).collect()
                };
                let inputs = [vec![x], vec![y], take(3, i), take(3, j), take(6, i + j)];
                let values = evaluate(&g, &inputs);
                for &(rule, old, new) in &pairs {
                    let (before, after) = (bits(&values[old]), bits(&values[new]));
                    assert_eq!(before, after, "{precision}: {} ({}) at {inputs:?}", rule.name, rule.pattern);
                }
            }
        }
    }
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
    assert!(RULES.iter().all(|rule| !rule.pattern.is_empty() && !rule.why.is_empty()));
}
