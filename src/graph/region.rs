//! Loops, their adjoints, and calls with a stack: nodes with a graph of their own.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use nc_runtime::lanes::Precision;

use super::{Graph, Node, Output, Reason, Role, Shape, Source};
use crate::entity::{EntityVec, entity};
use crate::source::Span;

entity!(
    /// A region of a [`Graph`].
    RegionId, "region");

/// So many iterations a loop may have that is differentiated in reverse, whatever its limit: memory is laid out for the root
/// of that.
pub(crate) const MAX_TAPED: u64 = 1 << 32;

/// A graph that is evaluated again and again, each time with the values that the evaluation before left.
///
/// The inputs of the body are states ([`Source::State`]), values around the region ([`Source::Capture`]) and, in a
/// reverse region, the tape ([`Source::Tape`]). All are numbers. There is an input for every state; captures and states on
/// the tape may be unused. The body has no checks: a loop does not go on where one fails, and the graph around it
/// repeats them for the state that the loop ends in. The first that is only to be noted is kept in one more state.
#[derive(Debug, Clone)]
pub struct Region {
    /// What is evaluated.
    pub body: Graph,
    /// How.
    pub kind: RegionKind,
    /// The name of the loop in the source.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
}

entity!(
    /// A recursive function of a program.
    FunctionId, "function");

/// A function that calls itself, by way of others perhaps, and is called with a stack.
#[derive(Debug, Clone)]
pub struct Function {
    /// What it computes. Its inputs are the parameters ([`Source::State`]) and the steps that the row has taken.
    pub body: Graph,
    /// What its outputs are.
    pub results: Vec<ResultRole>,
    /// Its name in the source.
    pub name: String,
}

impl Function {
    /// In place of a function that was begun with a wrong assumption on the shape of its value. It has no value, and no call.
    pub(crate) fn never_called(precision: Precision) -> Function {
        let mut body = Graph::of(precision);
        let nothing = body.number(0.0);
        body.outputs.push(Output { name: String::new(), node: nothing, role: Role::Value });
        Function { body, results: vec![ResultRole::Failure], name: String::new() }
    }
}

/// What an output of a recursive function is, and so a result of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResultRole {
    /// What the function computes.
    Value,
    /// What failed in the call, as a number: 0 for nothing, else one more than a position in [`Graph::failures`].
    Failure,
    /// The steps that the row has taken when the call is over.
    Steps,
    /// What was noted first in the call, as a number like that of a failure.
    Note,
    /// The tangent of the result with this index.
    Tangent {
        /// Which result.
        of: u32,
    },
    /// Whether the tangent of the result with this index is active: for each element 1 or 0.
    Active {
        /// Which result.
        of: u32,
    },
}

impl ResultRole {
    /// Whether the result is a number that can be differentiated. The others count, or stand for truth values.
    pub fn is_number(self) -> bool {
        match self {
            ResultRole::Value | ResultRole::Tangent { .. } => true,
            ResultRole::Failure | ResultRole::Steps | ResultRole::Note | ResultRole::Active { .. } => false,
        }
    }
}

impl fmt::Display for ResultRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResultRole::Value => write!(f, "value"),
            ResultRole::Failure => write!(f, "failure"),
            ResultRole::Steps => write!(f, "steps"),
            ResultRole::Note => write!(f, "note"),
            ResultRole::Tangent { of } => write!(f, "tangent {of}"),
            ResultRole::Active { of } => write!(f, "active {of}"),
        }
    }
}

/// A result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallResult {
    /// What it is.
    pub role: ResultRole,
    /// Its shape.
    pub shape: Shape,
}

/// Why a call of a recursive function fails its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// The operation in the source.
    pub span: Span,
}

/// How a region is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionKind {
    /// `while goes_on(state) { state = next(state) }` for the rows that enter it.
    ///
    /// Operands: whether the row enters; the first states; the captures. Outputs of the body: whether the loop goes on (a
    /// truth value); the next states; exit values. Results: the states and the exit values when the loop does not go on.
    Loop {
        /// How many states there are.
        states: u32,
        /// How many iterations a row may have.
        limit: u64,
    },
    /// The iterations that a loop had, from the last to the first.
    ///
    /// Operands: the loop; the first states; the captures. Outputs of the body and results: the next states. As a truth
    /// value the node tells whether the row had any iteration.
    Reverse {
        /// How many states there are.
        states: u32,
    },
    /// A call of a recursive function, which has a body of its own.
    ///
    /// Operands: whether the row calls; the operands of the call. Results: the outputs of the function.
    Call(Call),
}

/// A call of a recursive function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The function.
    pub function: FunctionId,
    /// How many operands there are.
    pub operands: u32,
    /// The results: the outputs of the function.
    pub results: Vec<CallResult>,
    /// One more than the position of the failure of a call that is too deep, in [`Graph::failures`].
    pub failure: u32,
}

impl Call {
    /// The index of the result with this role.
    pub fn position(&self, role: ResultRole) -> Option<u32> {
        self.results.iter().position(|result| result.role == role).map(|position| position as u32)
    }
}

impl Region {
    /// The region with another body.
    pub fn with_body(&self, body: Graph) -> Region {
        Region { body, kind: self.kind.clone(), name: self.name.clone(), span: self.span }
    }

    /// How many results there are.
    pub fn result_count(&self) -> usize {
        match &self.kind {
            RegionKind::Call(call) => call.results.len(),
            RegionKind::Loop { .. } | RegionKind::Reverse { .. } => {
                self.next().count() + self.exits().count()
            }
        }
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        match &self.kind {
            RegionKind::Loop { states, .. } | RegionKind::Reverse { states } => *states as usize,
            RegionKind::Call(call) => call.operands as usize,
        }
    }

    /// The outputs of the body that are next states.
    pub fn next(&self) -> impl Iterator<Item = Node> {
        let (first, count) = match self.kind {
            RegionKind::Loop { .. } => (1, self.states()),
            RegionKind::Reverse { .. } => (0, self.states()),
            RegionKind::Call(_) => (0, 0),
        };
        self.body.outputs[first..][..count].iter().map(|output| output.node)
    }

    /// The outputs of the body that are exit values.
    pub fn exits(&self) -> impl Iterator<Item = Node> {
        let first = match self.kind {
            RegionKind::Loop { .. } => 1 + self.states(),
            RegionKind::Reverse { .. } | RegionKind::Call(_) => self.body.outputs.len(),
        };
        self.body.outputs[first..].iter().map(|output| output.node)
    }

    /// Whether a loop goes on. `None` for other regions.
    pub fn goes_on(&self) -> Option<Node> {
        match self.kind {
            RegionKind::Loop { .. } => Some(self.body.outputs[0].node),
            RegionKind::Reverse { .. } | RegionKind::Call(_) => None,
        }
    }

    /// The shapes of its results.
    pub fn results(&self) -> Vec<Shape> {
        match &self.kind {
            RegionKind::Call(call) => call.results.iter().map(|result| result.shape).collect(),
            RegionKind::Loop { .. } | RegionKind::Reverse { .. } => {
                self.next().chain(self.exits()).map(|node| self.body.shape(node)).collect()
            }
        }
    }

    /// The nodes of the body that tell whether the loop goes on, and what it leaves when it does not.
    pub fn header(&self) -> EntityVec<Node, bool> {
        let mut needed = EntityVec::filled(false, self.body.len());
        for root in self.goes_on().into_iter().chain(self.exits()) {
            needed[root] = true;
        }
        self.body.spread_to_operands(&mut needed);
        needed
    }
}

/// The operands of a region's node, by what they are.
#[derive(Debug, Clone, Copy)]
pub struct RegionArgs<'a> {
    /// Whether a row enters a loop or calls a function; the loop that a reverse region reverses.
    pub control: Node,
    /// First states.
    pub first: &'a [Node],
    /// Values around it.
    pub captures: &'a [Node],
}

/// A region as a key: it equals itself and no other.
#[derive(Debug, Clone)]
pub(crate) struct ByAddress(pub(crate) Arc<Region>);

impl PartialEq for ByAddress {
    fn eq(&self, other: &ByAddress) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ByAddress {}

impl std::hash::Hash for ByAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Graph {
    /// How many nodes and operands of nodes there are where the body of a region counts as often as the region stands
    /// anywhere, and the region that accounts for most of them. Regions may stand in many places; each is looked at once.
    pub fn expanded_size(&self) -> (usize, Option<Node>) {
        self.expanded_size_with(&mut HashMap::new())
    }

    fn expanded_size_with(&self, known: &mut HashMap<*const Region, usize>) -> (usize, Option<Node>) {
        let (mut total, mut most, mut largest) = (self.size(), 0, None);
        for node in self.nodes() {
            let Some(region) = self.region(node) else { continue };
            let size = match known.get(&Arc::as_ptr(region)) {
                Some(&size) => size,
                None => {
                    let (size, _) = region.body.expanded_size_with(known);
                    known.insert(Arc::as_ptr(region), size);
                    size
                }
            };
            total = total.saturating_add(size);
            if size > most {
                (most, largest) = (size, Some(node));
            }
        }
        (total, largest)
    }

    /// The region of a node that is one, and its operands.
    ///
    /// # Panics
    ///
    /// If the node is no region.
    pub fn expect_region(&self, node: Node) -> (&Arc<Region>, RegionArgs<'_>) {
        self.region_args(node).unwrap_or_else(|| panic!("{node} is a region"))
    }

    /// The region of a node and its operands.
    pub fn region_args(&self, node: Node) -> Option<(&Arc<Region>, RegionArgs<'_>)> {
        let region = self.region(node)?;
        let (control, values) = self.args(node).split_first()?;
        let (first, captures) = values.split_at(region.states());
        Some((region, RegionArgs { control: *control, first, captures }))
    }

    /// The functions that rows can come to.
    pub(crate) fn called_functions(&self) -> EntityVec<FunctionId, bool> {
        let mut called = EntityVec::filled(false, self.functions.len());
        let mut waiting = vec![self];
        while let Some(body) = waiting.pop() {
            let live = body.live();
            for node in body.nodes().filter(|&node| live[node]) {
                let Some(region) = body.region(node) else { continue };
                waiting.push(&region.body);
                if let RegionKind::Call(call) = &region.kind
                    && !std::mem::replace(&mut called[call.function], true)
                {
                    waiting.push(&self.functions[call.function].body);
                }
            }
        }
        called
    }

    /// Marks everything that marked nodes are made from.
    pub(crate) fn spread_to_operands(&self, marked: &mut EntityVec<Node, bool>) {
        for node in self.nodes().rev() {
            if marked[node] {
                for &arg in self.args(node) {
                    marked[arg] = true;
                }
            }
        }
    }

    /// The shape of a region's result.
    pub fn result_shape(region: &Region, index: u32) -> Shape {
        region.results()[index as usize]
    }

    /// The body's input from this source.
    pub fn source_node(&self, source: Source) -> Option<Node> {
        self.inputs_from(source).next().map(|index| self.input_node(index))
    }

    /// All regions among the live nodes that are taped: a reverse region reverses them.
    pub fn taped(&self) -> EntityVec<Node, bool> {
        let live = self.live();
        let mut taped = EntityVec::filled(false, self.len());
        for node in self.nodes().filter(|&n| live[n]) {
            if let Some((region, args)) = self.region_args(node)
                && let RegionKind::Reverse { .. } = region.kind
            {
                taped[args.control] = true;
            }
        }
        taped
    }
}

/// What stands for the inputs of a body outside it.
pub(crate) fn substitute(body: &Graph, states: &[Node], captures: &[Node], known: &mut HashMap<Node, Node>) {
    for (index, input) in (0u32..).zip(&body.inputs) {
        let outside = match input.source {
            Source::State(k) => states.get(k as usize),
            Source::Capture(k) => captures.get(k as usize),
            Source::Row
            | Source::Shared
            | Source::Cotangent(_)
            | Source::Tangent { .. }
            | Source::Tape(_) => None,
        };
        if let Some(&node) = outside {
            known.insert(body.input_node(index), node);
        }
    }
}
