//! What the top of a graph computes in another way than node by node, with the same bits: products of matrices and vectors of which some
//! elements count only, and matrices of products that are only summed over the batch. Both are what gradients by weights are made of.

use std::collections::{HashMap, HashSet};

use super::is_summed;
use crate::entity::EntityVec;
use crate::graph::{Graph, Node, NodeKind, Output};
use crate::ops::{LARGE, Op};

/// Columns that a kernel keeps for each row at the most, all vectors of all products together: 64 rows of them take 64 MiB.
/// Matrices beyond are added up row by row.
const MOST_KEPT: usize = 1 << 17;

/// A term of a matrix that is summed: the products of the elements of two vectors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub vectors: [Node; 2],
    /// Numbers, one for each row of the matrix: where one is 0, its row is +0.
    pub counts: Option<Node>,
}

/// What is computed in another way.
#[derive(Debug, Default)]
pub(super) struct Shortcuts {
    /// For each output its terms, if it is a large matrix that is only summed over the batch. It is never made for a row.
    pub products: Vec<Option<Vec<Term>>>,
    /// For products of a matrix and a vector, where the matrix has −0 in some columns: the matrix without, numbers that are 0 for those
    /// columns, and the vector.
    pub parts: HashMap<Node, [Node; 3]>,
}

impl Shortcuts {
    /// Those of a graph whose nodes are used so often.
    pub(super) fn of(graph: &Graph, uses: &EntityVec<Node, u32>) -> Shortcuts {
        // Vectors of one matrix are often those of another.
        let (mut kept, mut columns) = (HashSet::new(), 0);
        let mut within = |terms: &Vec<Term>| {
            let vectors = || terms.iter().flat_map(|term| term.vectors.into_iter().chain(term.counts));
            let new: HashSet<Node> = vectors().filter(|node| !kept.contains(node)).collect();
            let more: usize = new.iter().map(|&node| graph.ty(node).len()).sum();
            let room = columns + more <= MOST_KEPT;
            if room {
                kept.extend(new);
                columns += more;
            }
            room
        };
        let products =
            graph.outputs.iter().map(|output| products(graph, output, uses).filter(&mut within)).collect();
        let part = |node: Node| {
            let (NodeKind::Apply(Op::Matvec, _), &[matrix, vector]) = (graph.kind(node), graph.args(node))
            else {
                return None;
            };
            let (NodeKind::Apply(Op::Select, _), &[mask, whole, nothing]) =
                (graph.kind(matrix), graph.args(matrix))
            else {
                return None;
            };
            let large = graph.ty(matrix).len() > LARGE && graph.ty(whole) == graph.ty(matrix);
            let [_, columns] = lines(graph, mask)?;
            (large && is_everywhere(graph, nothing, -0.0)).then_some((node, [whole, columns?, vector]))
        };
        Shortcuts { products, parts: graph.nodes().filter_map(part).collect() }
    }

    /// What a node is computed from.
    pub(super) fn operands<'a>(&'a self, graph: &'a Graph, node: Node) -> &'a [Node] {
        self.parts.get(&node).map_or(graph.args(node), |part| part.as_slice())
    }

    /// What is needed at the end, each as often as it is.
    fn roots<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = Node> + 'a {
        let whole = graph.outputs.iter().zip(&self.products).filter(|(_, products)| products.is_none());
        let terms = self.products.iter().flatten().flatten();
        let vectors = terms.flat_map(|term| term.vectors.into_iter().chain(term.counts));
        let checks = graph.checks.iter().map(|check| check.fails);
        whole.map(|(output, _)| output.node).chain(checks).chain(vectors)
    }

    /// Which nodes are needed, and how often each.
    pub(super) fn needed(&self, graph: &Graph) -> (EntityVec<Node, bool>, EntityVec<Node, u32>) {
        let mut live = EntityVec::filled(false, graph.len());
        let mut uses = EntityVec::filled(0, graph.len());
        for root in self.roots(graph) {
            live[root] = true;
            uses[root] += 1;
        }
        let nodes: Vec<Node> = graph.nodes().collect();
        for &node in nodes.iter().rev() {
            if live[node] {
                for &operand in self.operands(graph, node) {
                    live[operand] = true;
                    uses[operand] += 1;
                }
            }
        }
        (live, uses)
    }
}

/// Whether every element is this very number.
fn is_everywhere(graph: &Graph, node: Node, number: f64) -> bool {
    let scalar = if graph.op(node) == Some(Op::Fill) { graph.args(node)[0] } else { node };
    graph.constant(scalar).is_some_and(|constant| constant.to_bits() == number.to_bits())
}

/// For a mask whose rows, or columns, are all alike: numbers for its rows, or for its columns, that are not 0 where it holds.
fn lines(graph: &Graph, mask: Node) -> Option<[Option<Node>; 2]> {
    match (graph.kind(mask), graph.args(mask)) {
        // Where a line holds, any does.
        (NodeKind::Apply(Op::And, _), &[a, b]) => {
            let of = |mask: Node, any: Node| {
                let (NodeKind::Apply(Op::Any, _), &[truths]) = (graph.kind(any), graph.args(any)) else {
                    return None;
                };
                let found = lines(graph, mask)?;
                let numbers = found.into_iter().flatten().next()?;
                let same = graph.op(numbers) == Some(Op::Num) && graph.args(numbers) == [truths];
                same.then_some(found)
            };
            of(a, b).or_else(|| of(b, a))
        }
        (NodeKind::Apply(Op::Ne, _), &[products, zero]) if graph.constant(zero) == Some(0.0) => {
            let (NodeKind::Apply(Op::Outer, _), &[rows, columns]) =
                (graph.kind(products), graph.args(products))
            else {
                return None;
            };
            match (is_everywhere(graph, rows, 1.0), is_everywhere(graph, columns, 1.0)) {
                (_, true) => Some([Some(rows), None]),
                (true, false) => Some([None, Some(columns)]),
                (false, false) => None,
            }
        }
        _ => None,
    }
}

/// The products that an output adds up, if it is a large matrix that is only summed over the batch.
fn products(graph: &Graph, output: &Output, uses: &EntityVec<Node, u32>) -> Option<Vec<Term>> {
    if graph.ty(output.node).len() <= LARGE || !is_summed(graph, output.role) {
        return None;
    }
    let term = |node: Node| match (graph.kind(node), graph.args(node)) {
        _ if uses[node] != 1 => None,
        (NodeKind::Apply(Op::Outer, _), &[left, right]) => {
            Some(Term { vectors: [left, right], counts: None })
        }
        (NodeKind::Apply(Op::Select, _), &[mask, whole, nothing]) if is_everywhere(graph, nothing, 0.0) => {
            let (NodeKind::Apply(Op::Outer, _), &[left, right]) = (graph.kind(whole), graph.args(whole))
            else {
                return None;
            };
            let [rows, _] = lines(graph, mask)?;
            rows.map(|rows| Term { vectors: [left, right], counts: Some(rows) })
        }
        _ => None,
    };
    let (mut node, mut terms) = (output.node, Vec::new());
    loop {
        if let Some(term) = term(node) {
            terms.push(term);
            break;
        }
        let (NodeKind::Apply(Op::Add, _), &[a, b], 1) = (graph.kind(node), graph.args(node), uses[node])
        else {
            return None;
        };
        // A sum of two is the same either way.
        let (rest, last) = match (term(b), term(a)) {
            (Some(last), _) => (a, last),
            (None, Some(last)) => (b, last),
            (None, None) => return None,
        };
        terms.push(last);
        node = rest;
    }
    terms.reverse();
    Some(terms)
}
