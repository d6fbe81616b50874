//! Pictures of programs: what is used where, for Mermaid, Graphviz or as SVG.
//!
//! * [`ast`], [`graph`]: pictures of syntax trees and compute graphs;
//! * [`wording`]: what a program calls the values of its graph;
//! * [`mermaid`], [`dot`], [`svg`]: the texts that they are written as;
//! * [`layout`]: where things stand in an SVG.
//!
//! Edges lead from what uses a value to the value, so results are at the top.
//!
//! **Invariant**: what is drawn is in the dump of the stage, and with [`Detail::Everything`] all of that is drawn.
//!
//! **Boundary**: knows trees and graphs, and computes nothing.

pub mod ast;
pub mod dot;
pub mod graph;
pub mod layout;
pub mod mermaid;
pub mod svg;
pub mod wording;

use crate::entity::{EntityVec, entity};
use crate::source::Span;

entity!(
    /// A node of a [`Picture`].
    NodeId, "n");
entity!(
    /// A group of a [`Picture`].
    GroupId, "g");

/// How much of a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Detail {
    /// What the program says, in its words: without the bookkeeping of limits.
    #[default]
    Essential,
    /// All that the dump of the graph says, numbered as there.
    Everything,
}

/// How a node is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An operation.
    Operation,
    /// A constant.
    Constant,
    /// An input, a parameter or a name.
    Name,
    /// A result of the program or of a loop's body.
    Result,
    /// What fails a row or is reported about it.
    Check,
    /// A loop, a function or what binds names.
    Form,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The text in it.
    pub label: String,
    /// How it is drawn.
    pub kind: Kind,
    /// Where it comes from in the source.
    pub span: Option<Span>,
    /// The group that it stands in.
    pub group: Option<GroupId>,
}

/// A line from what uses a value to the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What uses it.
    pub from: NodeId,
    /// The value.
    pub to: NodeId,
    /// The text at the line; may be empty.
    pub label: String,
}

/// Nodes in a frame: the body of a loop or of a function. Edges that cross the frame belong to its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The loop or function itself.
    pub head: NodeId,
    /// The group around it, which has a smaller index.
    pub parent: Option<GroupId>,
}

/// Nodes and edges without cycles. The edges of one node stand in the order of its operands.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The nodes.
    pub(crate) nodes: EntityVec<NodeId, Node>,
    /// The edges.
    pub(crate) edges: Vec<Edge>,
    /// Loops and functions, those around others first.
    pub(crate) groups: EntityVec<GroupId, Group>,
}

/// A picture has more nodes than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the picture has {nodes} nodes, more than the limit of {limit}")]
pub struct TooLarge {
    /// How many nodes it has.
    pub nodes: usize,
    /// How many it may have.
    pub limit: usize,
}

impl Picture {
    /// How many nodes a picture may have unless the caller says otherwise.
    pub const MAX_NODES: usize = 2000;

    /// Adds a node without a group.
    pub(crate) fn node(&mut self, label: impl Into<String>, kind: Kind, span: Option<Span>) -> NodeId {
        self.nodes.push(Node { label: label.into(), kind, span, group: None })
    }

    /// Adds an edge.
    pub(crate) fn edge(&mut self, from: NodeId, to: NodeId, label: impl Into<String>) {
        self.edges.push(Edge { from, to, label: label.into() });
    }

    /// The picture, if it is not too large.
    ///
    /// # Errors
    ///
    /// More nodes than the limit.
    pub fn within(self, limit: usize) -> Result<Picture, TooLarge> {
        let nodes = self.nodes.len();
        if nodes > limit { Err(TooLarge { nodes, limit }) } else { Ok(self) }
    }

    /// The picture as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// The picture in the language of Graphviz.
    pub fn dot(&self) -> String {
        dot::write(self)
    }

    /// The picture as SVG, where nodes show the part of `source` that they come from.
    pub fn svg(&self, source: &str) -> String {
        svg::write(self, source)
    }

    /// Visits the nodes without a group, then each group from where it opens to where it closes, with its nodes and the
    /// groups in it between those.
    pub(crate) fn walk(&self, mut visit: impl FnMut(Step)) {
        let mut nodes: EntityVec<GroupId, Vec<NodeId>> = EntityVec::filled(Vec::new(), self.groups.len());
        let mut inner: EntityVec<GroupId, Vec<GroupId>> = EntityVec::filled(Vec::new(), self.groups.len());
        let mut left = Vec::new();
        for (id, node) in self.nodes.iter() {
            match node.group {
                Some(group) => nodes[group].push(id),
                None => visit(Step::Node(id, 0)),
            }
        }
        for (id, group) in self.groups.iter().rev() {
            match group.parent {
                Some(parent) => inner[parent].push(id),
                None => left.push((id, 1)),
            }
        }
        let mut open: Vec<usize> = Vec::new();
        while let Some((group, depth)) = left.pop() {
            while open.last().is_some_and(|&last| last >= depth) {
                open.pop();
                visit(Step::Close(open.len()));
            }
            visit(Step::Open(group, open.len()));
            open.push(depth);
            for &node in &nodes[group] {
                visit(Step::Node(node, open.len()));
            }
            left.extend(inner[group].iter().map(|&inner| (inner, depth + 1)));
        }
        while open.pop().is_some() {
            visit(Step::Close(open.len()));
        }
    }
}

/// What comes next in a text, and how many groups are around it.
pub(crate) enum Step {
    Node(NodeId, usize),
    Open(GroupId, usize),
    Close(usize),
}
