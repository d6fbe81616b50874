//! The compute graph: a hash-consed DAG of typed operations.
//!
//! Structured control flow is data flow: `if` is a [`Select`](crate::ops::Op::Select) whose arms are values, and
//! which rows need an arm follows from the uses of its nodes. A loop is a node with a graph of its own, its [`Region`].
//! Nodes are pure; what can fail a row, or is to be reported about it, is a [`Check`] beside them.
//!
//! * [`region`]: loops, and their adjoints;
//! * [`copy`]: nodes of one graph made again in another;
//! * [`rewrite`]: rules applied as nodes are made, which keep every bit;
//! * [`mod@print`], [`read`] and [`verify`].
//!
//! **Invariant**: operands come before users, types follow from the rules of operations, equal nodes are one; checked by [`verify`].
//!
//! **Boundary**: knows operations, and neither rows, lanes nor processors.

pub mod copy;
pub(crate) mod in_place;
pub mod print;
#[cfg(feature = "internals")]
pub mod read;
pub mod region;
pub mod rewrite;
mod steps;
pub mod verify;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use nc_runtime::lanes::Precision;

use crate::entity::{Entity, EntityVec, entity};
use crate::limits::Limits;
use crate::ops::{Algebra, Met, Op, Requirement};
use crate::source::Span;
pub use crate::types::{Elem, ExtentError, Shape, Type};
pub use region::{Failure, Function, FunctionId, Region, RegionId, RegionKind, ResultRole};

entity!(
    /// A node of a [`Graph`].
    Node, "%");

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A number, by its bits as a binary64 number.
    Const(u64),
    /// A truth value.
    Bool(bool),
    /// An input, by its position in [`Graph::inputs`].
    Input(u32),
    /// An operation. The attribute is the offset of `Slice` and `Place`, 0 for all others.
    Apply(Op, u32),
    /// A region; a truth value that tells whether the row ran into its limit. What else comes of it are its results.
    Region(RegionId),
    /// The result with this index of the region that is the operand.
    Result(u32),
}

/// A node. Programs have millions, so that it has no padding, and types, which are few, stand in a table.
#[derive(Debug, Clone, Copy)]
struct NodeData {
    kind: Packed,
    ty: TypeId,
    /// Where its operands end among those of all nodes; they begin where those of the node before end.
    args_end: u32,
}

/// A [`NodeKind`] in twelve bytes: a constant has its bits in two halves, the low one first.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Packed {
    Const(u32, u32),
    Bool(bool),
    Input(u32),
    Apply(Op, u32),
    Region(RegionId),
    Result(u32),
}

impl Packed {
    fn of(kind: NodeKind) -> Packed {
        match kind {
            NodeKind::Const(bits) => Packed::Const(bits as u32, (bits >> 32) as u32),
            NodeKind::Bool(truth) => Packed::Bool(truth),
            NodeKind::Input(input) => Packed::Input(input),
            NodeKind::Apply(op, attr) => Packed::Apply(op, attr),
            NodeKind::Region(region) => Packed::Region(region),
            NodeKind::Result(index) => Packed::Result(index),
        }
    }

    fn kind(self) -> NodeKind {
        match self {
            Packed::Const(low, high) => NodeKind::Const((u64::from(high) << 32) | u64::from(low)),
            Packed::Bool(truth) => NodeKind::Bool(truth),
            Packed::Input(input) => NodeKind::Input(input),
            Packed::Apply(op, attr) => NodeKind::Apply(op, attr),
            Packed::Region(region) => NodeKind::Region(region),
            Packed::Result(index) => NodeKind::Result(index),
        }
    }
}

entity!(
    /// A type, by its position in a table.
    TypeId, "type");

/// Types, each once.
#[derive(Debug, Clone, Default)]
struct Types {
    all: EntityVec<TypeId, Type>,
    known: HashMap<Type, TypeId, FastHash>,
    /// The one that was asked for last.
    last: Option<TypeId>,
}

impl Types {
    fn id(&mut self, ty: Type) -> TypeId {
        if let Some(last) = self.last
            && self.all[last] == ty
        {
            return last;
        }
        let id = *self.known.entry(ty).or_insert_with(|| self.all.push(ty));
        self.last = Some(id);
        id
    }
}

/// The place of nodes that come from none.
const NOWHERE: Span = Span { start: u32::MAX, end: 0 };

/// Where the value of an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// One value per row.
    Row,
    /// One value for the whole batch: a parameter.
    Shared,
    /// The cotangent of the output with this index, one per row.
    Cotangent(u32),
    /// A tangent of the input with this index, one per row.
    Tangent {
        /// The input.
        input: u32,
        /// Which of several tangents.
        seed: u32,
    },
    /// In the graph of a region: the value with this index that an iteration hands to the next.
    State(u32),
    /// In the graph of a region: the value around it with this index.
    Capture(u32),
    /// In the graph of a reverse region: the state with this index of the loop it reverses, before the iteration.
    Tape(u32),
}

/// An input of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name in the program.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where its value comes from.
    pub source: Source,
}

/// An output of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name, empty for a program's single unnamed result.
    pub name: String,
    /// Its value.
    pub node: Node,
    /// What it is.
    pub role: Role,
}

/// What an output is to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A result of the program, one per row.
    Value,
    /// A derivative by an input, one per row. For a shared input it is to be summed over the rows.
    Gradient {
        /// Of which element of the results, counted over all results; 0 for a VJP.
        of: u32,
        /// By which input.
        input: u32,
    },
    /// A derivative of an output along a tangent, one per row.
    Tangent {
        /// Which output.
        of: u32,
        /// Which of several tangents.
        seed: u32,
    },
}

/// Why a row can fail, or what there can be to report about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The index of `ref` is not an integer from 0 to one below the length.
    Index {
        /// The length.
        len: u32,
    },
    /// A value is not what it has to be.
    Unmet(Requirement),
    /// A loop wants another iteration after the last that it may have.
    Iterations {
        /// How many it may have.
        limit: u64,
    },
    /// More calls of recursive functions would be under way than may be.
    Depth {
        /// How many may be.
        limit: u64,
    },
    /// The row takes more iterations and calls together than it may.
    Steps {
        /// How many it may take.
        limit: u64,
    },
    /// An operation met a condition that was watched.
    Met {
        /// The condition.
        what: Met,
        /// The operation.
        op: Op,
        /// Which of the operations with conditions that the expression is made of, counted from 0.
        step: u32,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Index { len } => write!(f, "the index is not an integer from 0 to {}", len - 1),
            Reason::Unmet(Requirement::Count) => f.write_str("the count is negative or no integer"),
            Reason::Unmet(Requirement::Increasing) => f.write_str("the knots do not grow"),
            Reason::Iterations { limit } => write!(f, "the loop takes more than {limit} iterations"),
            Reason::Depth { limit } => write!(f, "more than {limit} calls are under way"),
            Reason::Steps { limit } => write!(f, "the row takes more than {limit} iterations and calls"),
            Reason::Met { what, op, .. } => {
                let info = op.info();
                let (words, condition) = match what {
                    Met::Outside => ("is outside its safe domain", info.domain.map(|domain| domain.text)),
                    Met::Kink => ("is at a kink", info.kink.map(|kink| kink.text)),
                    Met::Singular => {
                        ("has no finite derivative", info.singular.map(|singular| singular.text))
                    }
                };
                write!(f, "`{}` {words}", info.spelling())?;
                match condition {
                    Some(condition) => write!(f, " ({})", info.in_words(condition)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What a check does to the rows that meet its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// They fail: value and gradient become NaN, and the row is reported.
    Fail,
    /// They are reported, unless they fail.
    Note,
}

/// A condition that fails a row, or is reported. Of those with the same effect the first in ANF order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Check {
    /// True where the row meets the condition; already restricted to the path on which the operation stands.
    pub(crate) fails: Node,
    /// What happens then.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// The operation in the source.
    pub span: Span,
}

/// A DAG of typed operations with inputs, outputs and checks. Operands come before the nodes that use them.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: EntityVec<Node, NodeData>,
    types: Types,
    args: Vec<Node>,
    /// [`NOWHERE`] for nodes that come from no place in the source. The last ones may be missing.
    spans: EntityVec<Node, Span>,
    /// Every node by what it is, which stands in the tables above.
    interned: HashTable<Node>,
    hasher: FastHash,
    regions: EntityVec<RegionId, Arc<Region>>,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// What can fail a row or is to be reported, in ANF order.
    pub checks: Vec<Check>,
    /// The recursive functions that it, or the body of a region in it, calls.
    pub functions: EntityVec<FunctionId, Arc<Function>>,
    /// What can fail a call of one.
    pub failures: Vec<Failure>,
    /// What a row may use.
    pub limits: Limits,
    /// What its numbers are. Constants are numbers of this precision.
    pub precision: Precision,
    current_span: Option<Span>,
}

/// Hashing for tables of nodes and constants, which are made by the million. It is keyed: programs choose constants, and must
/// not be able to let them collide.
pub(crate) type FastHash = foldhash::fast::RandomState;

/// What a call of a recursive function takes of a stack beside its values, in elements of an interpreter.
const CALL_ELEMENTS: usize = 32;

/// The operands of a node among those of all nodes.
fn operands<'a>(nodes: &EntityVec<Node, NodeData>, args: &'a [Node], node: Node) -> &'a [Node] {
    let start = match node.index() {
        0 => 0,
        index => nodes[Node::from_index(index - 1)].args_end,
    };
    &args[start as usize..nodes[node].args_end as usize]
}

/// The hash of a node.
fn rehash(hasher: &FastHash, nodes: &EntityVec<Node, NodeData>, args: &[Node], node: Node) -> u64 {
    let NodeData { kind, ty, .. } = nodes[node];
    hasher.hash_one((kind.kind(), ty, operands(nodes, args, node)))
}

impl Graph {
    /// A graph with nothing in it, of numbers of this precision.
    pub fn of(precision: Precision) -> Graph {
        Graph { precision, ..Graph::default() }
    }

    /// Makes room for so many further nodes of two operands each.
    pub(crate) fn reserve(&mut self, nodes: usize) {
        let Graph { nodes: all, args, interned, hasher, .. } = self;
        all.reserve(nodes);
        args.reserve_exact(2 * nodes);
        interned.reserve(nodes, |&node| rehash(hasher, all, args, node));
    }

    /// How many nodes there are, dead ones included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many nodes and operands of nodes there are.
    pub fn size(&self) -> usize {
        self.nodes.len() + self.args.len()
    }

    /// All nodes, operands before users.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node> + ExactSizeIterator + use<> {
        self.nodes.keys()
    }

    /// What `node` is.
    pub fn kind(&self, node: Node) -> NodeKind {
        self.nodes[node].kind.kind()
    }

    /// The operation of `node`, if it is one.
    pub fn op(&self, node: Node) -> Option<Op> {
        match self.kind(node) {
            NodeKind::Apply(op, _) => Some(op),
            NodeKind::Const(_)
            | NodeKind::Bool(_)
            | NodeKind::Input(_)
            | NodeKind::Region(_)
            | NodeKind::Result(_) => None,
        }
    }

    /// The region of `node`, if it is one.
    pub fn region(&self, node: Node) -> Option<&Arc<Region>> {
        match self.kind(node) {
            NodeKind::Region(id) => Some(&self.regions[id]),
            NodeKind::Const(_)
            | NodeKind::Bool(_)
            | NodeKind::Input(_)
            | NodeKind::Apply(..)
            | NodeKind::Result(_) => None,
        }
    }

    /// Adds a region. Each is a node of its own, whatever others there are.
    pub fn add_region(&mut self, region: Arc<Region>, args: &[Node]) -> Node {
        let id = self.regions.push(region);
        self.intern(NodeKind::Region(id), Type::BOOL, args)
    }

    /// A result of a region.
    pub fn result(&mut self, region: Node, index: u32, shape: Shape) -> Node {
        self.intern(NodeKind::Result(index), Type::num(shape), &[region])
    }

    /// The type of `node`.
    pub fn ty(&self, node: Node) -> Type {
        self.types.all[self.nodes[node].ty]
    }

    /// The shape of `node`.
    pub fn shape(&self, node: Node) -> Shape {
        self.ty(node).shape
    }

    /// The operands of `node`.
    pub fn args(&self, node: Node) -> &[Node] {
        operands(&self.nodes, &self.args, node)
    }

    /// The place in the source that `node` comes from, if it comes from one.
    pub fn span(&self, node: Node) -> Option<Span> {
        self.spans.get(node).copied().filter(|&span| span != NOWHERE)
    }

    /// Nodes made from now on come from this place.
    pub fn set_span(&mut self, span: Option<Span>) {
        self.current_span = span;
    }

    /// The value of `node`, if it is a number known at compile time.
    pub fn constant(&self, node: Node) -> Option<f64> {
        match self.kind(node) {
            NodeKind::Const(bits) => Some(f64::from_bits(bits)),
            NodeKind::Bool(_)
            | NodeKind::Input(_)
            | NodeKind::Apply(..)
            | NodeKind::Region(_)
            | NodeKind::Result(_) => None,
        }
    }

    /// Whether `node` is true, if that is known at compile time. Zero is false, every other number is true.
    pub fn truth(&self, node: Node) -> Option<bool> {
        match self.kind(node) {
            NodeKind::Const(bits) => Some(f64::from_bits(bits) != 0.0),
            NodeKind::Bool(value) => Some(value),
            NodeKind::Input(_) | NodeKind::Apply(..) | NodeKind::Region(_) | NodeKind::Result(_) => None,
        }
    }

    /// Adds an input and returns its node.
    pub fn input(&mut self, name: impl Into<String>, shape: Shape, source: Source) -> Node {
        let index = self.inputs.len() as u32;
        self.inputs.push(Input { name: name.into(), shape, source });
        self.intern(NodeKind::Input(index), Type::num(shape), &[])
    }

    /// The nearest number that the graph can have.
    pub fn number(&mut self, value: f64) -> Node {
        let value = self.precision.round(value);
        self.intern(NodeKind::Const(canonical_bits(value)), Type::NUM, &[])
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) -> Node {
        self.intern(NodeKind::Bool(value), Type::BOOL, &[])
    }

    /// An operation whose type the caller knows. Returns an existing node that has the same bits where there is one.
    pub fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        match rewrite::simplify(self, op, attr, ty, args) {
            Some(node) => node,
            None => {
                let args = rewrite::canonical_order(self, op, args);
                self.intern(NodeKind::Apply(op, attr), ty, &args)
            }
        }
    }

    /// Makes a node without simplifying.
    pub(crate) fn intern(&mut self, kind: NodeKind, ty: Type, args: &[Node]) -> Node {
        let ty = self.types.id(ty);
        let hash = self.hasher.hash_one((kind, ty, args));
        if let Some(node) = self.interned_node(hash, kind, ty, args) {
            return node;
        }
        self.args.extend_from_slice(args);
        let kind = Packed::of(kind);
        let node = self.nodes.push(NodeData { kind, ty, args_end: self.args.len() as u32 });
        if let Some(span) = self.current_span {
            // Room for as many as there is for nodes.
            self.spans.reserve(self.nodes.capacity() - self.spans.len());
            self.spans.resize(node.index(), NOWHERE);
            self.spans.push(span);
        }
        let Graph { nodes, args, hasher, interned, .. } = self;
        interned.insert_unique(hash, node, |&node| rehash(hasher, nodes, args, node));
        node
    }

    /// The node that is this, if there is one.
    fn interned_node(&self, hash: u64, kind: NodeKind, ty: TypeId, args: &[Node]) -> Option<Node> {
        let kind = Packed::of(kind);
        let is_same = |&node: &Node| {
            let data = &self.nodes[node];
            data.kind == kind && data.ty == ty && self.args(node) == args
        };
        self.interned.find(hash, is_same).copied()
    }

    /// The nodes that outputs and checks need, as a table of flags.
    pub fn live(&self) -> EntityVec<Node, bool> {
        self.needed_by(self.roots())
    }

    /// The nodes that some nodes need, themselves included, as a table of flags.
    pub fn needed_by(&self, roots: impl IntoIterator<Item = Node>) -> EntityVec<Node, bool> {
        let mut live = EntityVec::filled(false, self.len());
        for root in roots {
            live[root] = true;
        }
        for node in self.nodes().rev() {
            if live[node] {
                for &arg in self.args(node) {
                    live[arg] = true;
                }
            }
        }
        live
    }

    /// Whether a node is another one or an operand of what leads there.
    pub fn reaches(&self, from: Node, to: Node) -> bool {
        let mut reached = EntityVec::filled(false, self.len());
        reached[from] = true;
        for node in self.nodes().filter(|&node| from < node && node <= to) {
            reached[node] = self.args(node).iter().any(|&arg| reached[arg]);
        }
        reached[to]
    }

    /// How many elements the values of a row are together, regions included, each value by itself. Of recursive functions, as
    /// many calls as may be under way at the same time have them, each of them those of the largest function and what a call
    /// itself takes.
    pub fn row_elements(&self) -> usize {
        let depth = usize::try_from(self.limits.depth).unwrap_or(usize::MAX);
        let functions = self.functions.values().map(|function| function.body.elements() + CALL_ELEMENTS);
        let calls = functions.max().unwrap_or(0).saturating_mul(depth);
        self.elements().saturating_add(calls)
    }

    /// The elements of all live values, those in regions included.
    fn elements(&self) -> usize {
        let mut total = 0usize;
        let mut left = vec![self];
        while let Some(graph) = left.pop() {
            let live = graph.live();
            for node in graph.nodes().filter(|&node| live[node]) {
                total = total.saturating_add(graph.ty(node).len());
                left.extend(graph.region(node).map(|region| &region.body));
            }
        }
        total
    }

    /// The largest value of the graph itself, if it has any.
    pub fn largest(&self) -> Option<Node> {
        self.nodes().rev().max_by_key(|&node| self.ty(node).len())
    }

    /// The nodes that the outside sees.
    pub fn roots(&self) -> impl Iterator<Item = Node> {
        self.outputs.iter().map(|o| o.node).chain(self.checks.iter().map(|c| c.fails))
    }

    /// The indices of all inputs with this source.
    pub fn inputs_from(&self, source: Source) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.inputs).filter(move |(_, input)| input.source == source).map(|(i, _)| i)
    }

    /// The part of `whole`, which has `count` parts of a type, at an index known at run time, with the check that the index counts to
    /// one. The check is made in rows in which `path` holds.
    pub(crate) fn checked_part(
        &mut self,
        path: Option<Node>,
        place: Span,
        whole: Node,
        index: Node,
        (count, ty): (u32, Type),
    ) -> Node {
        let (zero, end) = (self.number(0.0), self.number(f64::from(count)));
        let floor = self.unary(Op::Floor, index);
        let integral = self.binary(Op::Eq, floor, index);
        let from = self.binary(Op::Le, zero, index);
        let to = self.binary(Op::Lt, index, end);
        let range = self.binary(Op::And, from, to);
        let valid = self.binary(Op::And, integral, range);
        let invalid = self.unary(Op::Not, valid);
        let fails = match path {
            Some(path) => self.binary(Op::And, path, invalid),
            None => invalid,
        };
        self.checks.push(Check {
            fails,
            effect: Effect::Fail,
            reason: Reason::Index { len: count },
            span: place,
        });
        self.apply_typed(Op::Gather, 0, ty, &[whole, index])
    }

    /// The check that values are as [`Algebra::require`] says, in rows in which `path` holds.
    pub(crate) fn required(&mut self, path: Option<Node>, place: Span, what: Requirement, values: &[Node]) {
        let fails = match (what, values) {
            (Requirement::Count, &[n]) => {
                let (zero, end) = (self.number(0.0), self.number(f64::INFINITY));
                let floor = self.unary(Op::Floor, n);
                let integral = self.binary(Op::Eq, floor, n);
                let from = self.binary(Op::Le, zero, n);
                let to = self.binary(Op::Lt, n, end);
                let range = self.binary(Op::And, from, to);
                let valid = self.binary(Op::And, integral, range);
                self.unary(Op::Not, valid)
            }
            (Requirement::Increasing, &[before, behind]) => {
                let falls = self.binary(Op::Le, behind, before);
                self.unary(Op::Any, falls)
            }
            (Requirement::Count | Requirement::Increasing, _) => {
                unreachable!("{what:?} of {} values", values.len())
            }
        };
        let fails = match path {
            Some(path) => self.binary(Op::And, path, fails),
            None => fails,
        };
        if self.truth(fails) != Some(false) {
            self.checks.push(Check { fails, effect: Effect::Fail, reason: Reason::Unmet(what), span: place });
        }
    }

    /// The node of the input with this index.
    pub fn input_node(&self, index: u32) -> Node {
        let input = &self.inputs[index as usize];
        let kind = NodeKind::Input(index);
        let found = self.types.known.get(&Type::num(input.shape)).and_then(|&ty| {
            self.interned_node(self.hasher.hash_one((kind, ty, &[] as &[Node])), kind, ty, &[])
        });
        found.expect("there is a node for every input")
    }
}

impl Algebra for Graph {
    type V = Node;

    fn ty(&self, value: Node) -> Type {
        Graph::ty(self, value)
    }
    fn number(&mut self, value: f64) -> Node {
        Graph::number(self, value)
    }
    fn truth_value(&mut self, value: bool) -> Node {
        self.boolean(value)
    }
    fn constant(&self, value: Node) -> Option<f64> {
        Graph::constant(self, value)
    }
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        Graph::apply_typed(self, op, attr, ty, args)
    }
    fn require(&mut self, what: Requirement, values: &[Node]) {
        self.required(None, Span::default(), what, values);
    }
    fn part(&mut self, whole: Node, index: Node, count: u32, ty: Type) -> Node {
        self.checked_part(None, Span::default(), whole, index, (count, ty))
    }
}

/// All NaNs are one value.
pub(crate) fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() { 0x7FF8_0000_0000_0000 } else { value.to_bits() }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::FastHash;

    #[test]
    fn tables_are_keyed() {
        let hash = |constant: f64| FastHash::default().hash_one(constant.to_bits());
        assert!((0..100).map(f64::from).any(|constant| hash(constant) != hash(constant)));
    }
}
