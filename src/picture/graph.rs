//! Pictures of compute graphs, derived ones too.

use std::collections::HashMap;

use super::{Group, GroupId, Kind, NodeId, Picture};
use crate::graph::print::role;
use crate::graph::rewrite::canonical_order;
use crate::graph::{Effect, Elem, Graph, Node, NodeKind, RegionKind, Shape, Source};
use crate::number::number_of;

/// The live nodes of the graph, numbered as in its text. Constants stand where they are used; the bodies of loops and
/// functions are groups.
pub fn picture(graph: &Graph) -> Picture {
    let mut picture = Picture::default();
    for function in graph.functions.values() {
        let head = picture.node(format!("function {}", function.name), Kind::Form, None);
        let group = open(&mut picture, head, None);
        let labels: Vec<String> = (0..function.body.outputs.len()).map(|k| format!("result {k}")).collect();
        body(&function.body, &labels, Some(group), Some(head), &mut picture);
    }
    let labels: Vec<String> = graph.outputs.iter().map(|output| role(graph, output)).collect();
    body(graph, &labels, None, None, &mut picture);
    picture
}

fn open(picture: &mut Picture, head: NodeId, parent: Option<GroupId>) -> GroupId {
    let group = picture.groups.push(Group { head, parent });
    picture.nodes[head].group = Some(group);
    group
}

/// The nodes of one graph, in a group. The head of the group gets an edge to each output.
fn body(
    graph: &Graph,
    labels: &[String],
    group: Option<GroupId>,
    head: Option<NodeId>,
    picture: &mut Picture,
) {
    let mut drawer = Drawer { graph, group, picture, made: HashMap::new() };
    drawer.nodes();
    drawer.outputs(labels, head);
}

struct Drawer<'a> {
    graph: &'a Graph,
    group: Option<GroupId>,
    picture: &'a mut Picture,
    made: HashMap<Node, NodeId>,
}

impl Drawer<'_> {
    fn node(&mut self, label: String, kind: Kind, of: Option<Node>) -> NodeId {
        let node = self.picture.node(label, kind, of.and_then(|node| self.graph.span(node)));
        self.picture.nodes[node].group = self.group;
        node
    }

    fn nodes(&mut self) {
        let graph = self.graph;
        let live = graph.live();
        for (index, input) in (0u32..).zip(&graph.inputs) {
            let word = match input.source {
                Source::Row => "",
                Source::Shared => "parameter ",
                Source::Cotangent(_) => "cotangent ",
                Source::Tangent { .. } => "tangent ",
                Source::State(_) => "state ",
                Source::Capture(_) => "capture ",
                Source::Tape(_) => "tape ",
            };
            let node = graph.input_node(index);
            let label = format!("{word}{}{}", input.name, shape(graph, node));
            let made = self.node(label, Kind::Name, Some(node));
            self.made.insert(node, made);
        }
        let mut count = 0;
        for node in graph.nodes().filter(|&node| live[node]) {
            let label = match graph.kind(node) {
                NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Result(_) => continue,
                NodeKind::Region(_) => format!("%{count}"),
                NodeKind::Apply(op, 0) => format!("%{count} {op}{}", shape(graph, node)),
                NodeKind::Apply(op, attribute) => {
                    format!("%{count} {op} @{attribute}{}", shape(graph, node))
                }
            };
            count += 1;
            if graph.region(node).is_some() {
                self.region(node, &label);
            } else {
                let made = self.node(label, Kind::Operation, Some(node));
                self.made.insert(node, made);
                self.operands(made, node);
            }
        }
    }

    /// Edges to the operands of an operation, numbered where their order matters.
    fn operands(&mut self, from: NodeId, node: Node) {
        let args = self.graph.args(node);
        let ordered = match (self.graph.op(node), args) {
            (_, [_]) => false,
            (Some(op), &[x, y]) => {
                x != y && canonical_order(self.graph, op, args) != canonical_order(self.graph, op, &[y, x])
            }
            _ => true,
        };
        for (k, &arg) in args.iter().enumerate() {
            self.edge(from, arg, if ordered { (k + 1).to_string() } else { String::new() });
        }
    }

    /// An edge to a value; a result of a loop is the loop, with the number of the result at the edge.
    fn edge(&mut self, from: NodeId, to: Node, label: String) {
        let (target, label) = match self.graph.kind(to) {
            NodeKind::Result(k) => {
                let space = if label.is_empty() { "" } else { " " };
                (self.value(self.graph.args(to)[0]), format!("{label}{space}.{k}"))
            }
            NodeKind::Const(_)
            | NodeKind::Bool(_)
            | NodeKind::Input(_)
            | NodeKind::Apply(..)
            | NodeKind::Region(_) => (self.value(to), label),
        };
        self.picture.edge(from, target, label);
    }

    fn value(&mut self, node: Node) -> NodeId {
        match (self.graph.kind(node), self.made.get(&node)) {
            (NodeKind::Bool(value), _) => self.node(value.to_string(), Kind::Constant, Some(node)),
            (NodeKind::Const(bits), _) => {
                let label = number_of(self.graph.precision, f64::from_bits(bits));
                self.node(label, Kind::Constant, Some(node))
            }
            (_, Some(&made)) => made,
            // Operands are made before what uses them, but for results, whose regions are.
            (kind, None) => self.node(format!("{kind:?}"), Kind::Operation, Some(node)),
        }
    }

    /// A loop or a call: its operands, and for a loop its body as a group.
    fn region(&mut self, node: Node, name: &str) {
        let graph = self.graph;
        let Some((region, args)) = graph.region_args(node) else { return };
        let word = match &region.kind {
            RegionKind::Loop { .. } => "loop",
            RegionKind::Reverse { .. } => "reverse",
            RegionKind::Call(_) => "call",
        };
        let head = self.node(format!("{name} {word} {}", region.name), Kind::Form, Some(node));
        self.made.insert(node, head);
        let control = match &region.kind {
            RegionKind::Reverse { .. } => "of",
            RegionKind::Loop { .. } | RegionKind::Call(_) => "where",
        };
        self.edge(head, args.control, control.into());
        for (k, &first) in args.first.iter().enumerate() {
            self.edge(head, first, format!("from {k}"));
        }
        for (k, &capture) in args.captures.iter().enumerate() {
            self.edge(head, capture, format!("with {k}"));
        }
        let (states, first) = match &region.kind {
            RegionKind::Call(_) => return,
            RegionKind::Loop { .. } => (region.states(), 1),
            RegionKind::Reverse { .. } => (region.states(), 0),
        };
        let labels: Vec<String> = (0..region.body.outputs.len())
            .map(|k| match k.checked_sub(first) {
                None => "while".to_string(),
                Some(k) if k < states => format!("next {k}"),
                Some(k) => format!("exit {k}"),
            })
            .collect();
        let group = open(self.picture, head, self.group);
        body(&region.body, &labels, Some(group), Some(head), self.picture);
    }

    fn outputs(&mut self, labels: &[String], head: Option<NodeId>) {
        let graph = self.graph;
        for check in &graph.checks {
            let verb = match check.effect {
                Effect::Fail => "fail",
                Effect::Note => "note",
            };
            let made = self.node(format!("{verb}: {}", check.reason), Kind::Check, None);
            self.picture.nodes[made].span = Some(check.span);
            self.edge(made, check.fails, "if".into());
        }
        for (output, label) in graph.outputs.iter().zip(labels) {
            let made = self.node(label.clone(), Kind::Result, Some(output.node));
            self.edge(made, output.node, String::new());
            if let Some(head) = head {
                self.picture.edge(head, made, "");
            }
        }
    }
}

/// The type, where it is not a number.
fn shape(graph: &Graph, node: Node) -> String {
    let ty = graph.ty(node);
    match (ty.elem, ty.shape) {
        (Elem::Num, Shape::Scalar) => String::new(),
        (Elem::Num | Elem::Bool, _) => format!(": {ty}"),
    }
}
