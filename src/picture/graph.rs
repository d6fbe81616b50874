//! Pictures of compute graphs, derived ones too.

use std::collections::HashMap;

use super::wording::Wording;
use super::{Detail, Group, GroupId, Kind, NodeId, Picture};
use crate::entity::EntityVec;
use crate::graph::print::role;
use crate::graph::region::RegionArgs;
use crate::graph::rewrite::canonical_order;
use crate::graph::{
    Effect, Elem, Graph, Node, NodeKind, Reason, Region, RegionKind, ResultRole, Role, Shape, Source,
};
use crate::number::number_of;
use crate::ops::{Op, Syntax};

/// The live nodes of the graph. Constants stand where they are used; the bodies of loops and functions are groups.
///
/// With [`Detail::Everything`] nodes are numbered and called as in the text of the graph. Otherwise operations and values are called
/// as in the program, and what serves the limits of loops and calls, or says whether a tangent is active, is left out.
pub fn picture(graph: &Graph, wording: &Wording, detail: Detail) -> Picture {
    let mut picture = Picture::default();
    let around = Around { program: graph, wording, detail };
    for function in graph.functions.values() {
        let head = picture.node(format!("function {}", function.name), Kind::Form, None);
        let group = open(&mut picture, head, None);
        let roles = function.results.iter().enumerate();
        let labels = roles.map(|(k, role)| match (detail, role) {
            (Detail::Everything, _) => Some(format!("result {k}")),
            (Detail::Essential, role) => role.is_number().then(|| role.to_string()),
        });
        body(around, &function.body, &labels.collect::<Vec<_>>(), &[], Some(group), Some(head), &mut picture);
    }
    let labels: Vec<Option<String>> = graph.outputs.iter().map(|output| Some(role(graph, output))).collect();
    body(around, graph, &labels, &[], None, None, &mut picture);
    picture
}

/// What holds for all bodies of a program.
#[derive(Clone, Copy)]
struct Around<'a> {
    program: &'a Graph,
    wording: &'a Wording,
    detail: Detail,
}

fn open(picture: &mut Picture, head: NodeId, parent: Option<GroupId>) -> GroupId {
    let group = picture.groups.push(Group { head, parent });
    picture.nodes[head].group = Some(group);
    group
}

/// The nodes of one graph, in a group. Outputs without a label are left out; the head of the group gets an edge to each other one.
/// `captures` says what captures are called; those without a name are left out.
fn body(
    around: Around<'_>,
    graph: &Graph,
    labels: &[Option<String>],
    captures: &[Option<String>],
    group: Option<GroupId>,
    head: Option<NodeId>,
    picture: &mut Picture,
) {
    let counting = match around.detail {
        Detail::Essential => counting(around, graph, captures),
        Detail::Everything => EntityVec::filled(false, graph.len()),
    };
    let values = graph.outputs.iter().filter(|output| output.role == Role::Value);
    let primal = graph.needed_by(values.map(|output| output.node));
    let mut drawer =
        Drawer { around, graph, captures, counting, primal, group, picture, made: HashMap::new() };
    let live = drawer.live(labels);
    drawer.nodes(&live);
    drawer.outputs(labels, head);
}

/// The inputs that no program writes: the steps of a row, in functions that recurse and in loops beside them, and whether tangents
/// are active.
fn bookkeeping(around: Around<'_>, body: &Graph, captures: &[Option<String>]) -> Vec<bool> {
    let counted = !around.program.functions.is_empty();
    let last = |holds: fn(Source) -> bool| {
        body.inputs.iter().rposition(|input| counted && holds(input.source) && input.name == STEPS)
    };
    let steps =
        [last(|source| matches!(source, Source::State(_))), last(|source| matches!(source, Source::Tape(_)))];
    let inputs = body.inputs.iter().enumerate();
    let kept = inputs.map(|(index, input)| match input.source {
        Source::State(_) | Source::Tape(_) => {
            steps.contains(&Some(index))
                || input.name.ends_with(ACTIVE) && !around.wording.writes(&input.name)
        }
        Source::Capture(k) => captures.get(k as usize).is_some_and(Option::is_none),
        Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => false,
    });
    kept.collect()
}

/// Whether a state of a region is such an input.
fn is_bookkeeping(around: Around<'_>, body: &Graph, state: u32) -> bool {
    let index = body.inputs.iter().position(|input| input.source == Source::State(state));
    index.is_some_and(|index| bookkeeping(around, body, &[])[index])
}

/// The name of the state that counts steps.
const STEPS: &str = "steps";
/// The end of the names of states that hold whether a tangent is active.
const ACTIVE: char = '?';

/// Nodes that depend on how many steps the row has taken, or on which tangents are active.
fn counting(around: Around<'_>, body: &Graph, captures: &[Option<String>]) -> EntityVec<Node, bool> {
    let mut counting = EntityVec::filled(false, body.len());
    let inputs = bookkeeping(around, body, captures);
    for node in body.nodes() {
        counting[node] = match body.kind(node) {
            NodeKind::Input(index) => inputs[index as usize],
            // A choice between values is one whatever it depends on.
            NodeKind::Apply(Op::Select, _) => body.args(node)[1..].iter().any(|&arg| counting[arg]),
            NodeKind::Apply(..) => body.args(node).iter().any(|&arg| counting[arg]),
            NodeKind::Result(k) => body.region(body.args(node)[0]).is_some_and(|region| match &region.kind {
                RegionKind::Call(call) => !call.results[k as usize].role.is_number(),
                RegionKind::Loop { .. } | RegionKind::Reverse { .. } => {
                    is_bookkeeping(around, &region.body, k)
                }
            }),
            NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Region(_) => false,
        };
    }
    counting
}

struct Drawer<'a> {
    around: Around<'a>,
    graph: &'a Graph,
    captures: &'a [Option<String>],
    /// What is left out.
    counting: EntityVec<Node, bool>,
    /// What values need: derivatives are made where the program says a value, and are not what it names.
    primal: EntityVec<Node, bool>,
    group: Option<GroupId>,
    picture: &'a mut Picture,
    made: HashMap<Node, NodeId>,
}

impl<'a> Drawer<'a> {
    fn essential(&self) -> bool {
        self.around.detail == Detail::Essential
    }

    /// Whether a check is drawn: limits belong to the bookkeeping.
    fn shows(&self, reason: Reason) -> bool {
        match reason {
            Reason::Iterations { .. } | Reason::Depth { .. } | Reason::Steps { .. } => !self.essential(),
            Reason::Index { .. } | Reason::Unmet(_) | Reason::Met { .. } => true,
        }
    }

    /// What is drawn: what outputs with labels and checks that are shown need.
    fn live(&self, labels: &[Option<String>]) -> EntityVec<Node, bool> {
        let graph = self.graph;
        let mut live = EntityVec::filled(false, graph.len());
        for (output, label) in graph.outputs.iter().zip(labels) {
            live[self.seen(output.node)] |= label.is_some();
        }
        for check in graph.checks.iter().filter(|check| self.shows(check.reason)) {
            live[self.seen(check.fails)] = true;
        }
        for node in graph.nodes().rev() {
            if !live[node] {
                continue;
            }
            match graph.region_args(node) {
                Some((region, args)) => {
                    let control = self.control(region, args);
                    let first = self.first(region, args).into_iter().map(|(_, arg)| arg);
                    for arg in control.into_iter().chain(first).chain(args.captures.iter().copied()) {
                        live[self.seen(arg)] |= !self.counting[arg];
                    }
                }
                None => self.args(node).iter().for_each(|&arg| live[self.seen(arg)] = true),
            }
        }
        live
    }

    /// The operands of an operation; of a choice without the part of the condition that counts.
    fn args(&self, node: Node) -> Vec<Node> {
        let mut args = self.graph.args(node).to_vec();
        if self.graph.op(node) == Some(Op::Select)
            && !self.counting[node]
            && let Some(condition) = self.condition(args[0])
        {
            args[0] = condition;
        }
        args
    }

    /// What is drawn for a value: for a choice that depends only on what is left out, what is chosen where a tangent is active.
    fn seen(&self, mut node: Node) -> Node {
        while self.essential()
            && !self.counting[node]
            && let (Some(Op::Select), &[condition, then, other]) =
                (self.graph.op(node), self.graph.args(node))
            && self.counting[condition]
            && self.condition(condition).is_none()
        {
            node = if self.graph.constant(then).is_some() { other } else { then };
        }
        node
    }

    /// The condition of a region without what is left out.
    fn control(&self, region: &Region, args: RegionArgs<'a>) -> Option<Node> {
        match region.kind {
            RegionKind::Loop { .. } | RegionKind::Call(_) if self.essential() => self.condition(args.control),
            RegionKind::Loop { .. } | RegionKind::Call(_) | RegionKind::Reverse { .. } => Some(args.control),
        }
    }

    /// The first states of a region with their numbers, without what is left out.
    fn first(&self, region: &Region, args: RegionArgs<'a>) -> Vec<(usize, Node)> {
        let body = match &region.kind {
            RegionKind::Call(call) => &self.around.program.functions[call.function].body,
            RegionKind::Loop { .. } | RegionKind::Reverse { .. } => &region.body,
        };
        let kept = |k: usize| !self.essential() || !is_bookkeeping(self.around, body, k as u32);
        args.first.iter().copied().enumerate().filter(|&(k, _)| kept(k)).collect()
    }

    /// A condition without the part that says that the row may take another step.
    fn condition(&self, mut node: Node) -> Option<Node> {
        loop {
            if self.graph.kind(node) == NodeKind::Bool(true) {
                return None;
            }
            if !self.counting[node] {
                return Some(node);
            }
            match (self.graph.op(node), self.graph.args(node)) {
                (Some(Op::And), &[x, y]) if self.counting[y] && !self.counting[x] => node = x,
                (Some(Op::And), &[x, y]) if self.counting[x] && !self.counting[y] => node = y,
                (Some(Op::And), &[x, y]) if self.counting[y] => {
                    // Of two parts that both count the one that is a conjunction itself goes on.
                    node = if self.graph.op(x) == Some(Op::And) { x } else { y };
                }
                _ => return None,
            }
        }
    }

    fn node(&mut self, label: String, kind: Kind, of: Option<Node>) -> NodeId {
        let node = self.picture.node(label, kind, of.and_then(|node| self.graph.span(node)));
        self.picture.nodes[node].group = self.group;
        node
    }

    fn input_label(&self, index: usize) -> String {
        let input = &self.graph.inputs[index];
        let node = self.graph.input_node(index as u32);
        let wording = self.around.wording;
        let (word, name) = match (input.source, self.essential()) {
            (Source::Row, _) => ("", input.name.as_str()),
            (Source::Shared, _) => ("parameter ", input.name.as_str()),
            (Source::Cotangent(_), _) => ("cotangent ", input.name.as_str()),
            (Source::Tangent { .. }, _) => ("tangent ", input.name.as_str()),
            (Source::Tape(_), true) => ("tape ", wording.written(&input.name)),
            (Source::State(_), true) => ("", wording.written(&input.name)),
            (Source::Capture(k), true) => {
                let name = self.captures.get(k as usize).and_then(Option::as_deref);
                ("", name.unwrap_or(&input.name))
            }
            (Source::State(_), false) => ("state ", input.name.as_str()),
            (Source::Capture(_), false) => ("capture ", input.name.as_str()),
            (Source::Tape(_), false) => ("tape ", input.name.as_str()),
        };
        format!("{word}{name}{}", shape(self.graph, node))
    }

    fn nodes(&mut self, live: &EntityVec<Node, bool>) {
        let graph = self.graph;
        for (index, input) in graph.inputs.iter().enumerate() {
            let node = graph.input_node(index as u32);
            // Of the inputs of a program and of the states of a loop or function all are shown.
            let always = matches!(input.source, Source::Row | Source::Shared | Source::State(_));
            if self.counting[node] || !(live[node] || always || !self.essential()) {
                continue;
            }
            let label = self.input_label(index);
            let made = self.node(label, Kind::Name, Some(node));
            self.made.insert(node, made);
        }
        let mut count = 0;
        for node in graph.nodes().filter(|&node| live[node]) {
            let number = if self.essential() { String::new() } else { format!("%{count} ") };
            let label = match graph.kind(node) {
                NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Result(_) => continue,
                NodeKind::Region(_) => number,
                NodeKind::Apply(op, attribute) => {
                    let attribute = if attribute == 0 { String::new() } else { format!(" @{attribute}") };
                    format!("{number}{}{attribute}{}", self.operation(node, op), self.shape(node))
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

    /// What an operation is called: with the name of its value, if the program gives it one.
    fn operation(&self, node: Node, op: Op) -> String {
        if !self.essential() {
            return op.to_string();
        }
        let word = match op.info().syntax {
            _ if op == Op::Select => "if".to_string(),
            Syntax::Call(names) | Syntax::Fold { names, .. } | Syntax::Chain(names) => {
                names.first().map_or_else(|| op.to_string(), |&name| name.to_string())
            }
            Syntax::Internal | Syntax::Part(_) => op.to_string(),
        };
        match self.around.wording.name(self.graph.span(node)) {
            Some(name) if self.primal[node] => format!("{name}: {word}"),
            _ => word,
        }
    }

    /// The type, where it has to be said.
    fn shape(&self, node: Node) -> String {
        let ty = self.graph.ty(node);
        if self.essential() && ty.is_scalar() { String::new() } else { shape(self.graph, node) }
    }

    /// Edges to the operands of an operation, numbered where their order matters.
    fn operands(&mut self, from: NodeId, node: Node) {
        let args = self.args(node);
        let ordered = match (self.graph.op(node), &*args) {
            (_, [_]) => false,
            (Some(op), &[x, y]) => {
                x != y && canonical_order(self.graph, op, &args) != canonical_order(self.graph, op, &[y, x])
            }
            _ => true,
        };
        let choice = self.essential() && self.graph.op(node) == Some(Op::Select);
        for (k, arg) in args.into_iter().enumerate() {
            let label = match k {
                _ if choice => ["if", "then", "else"].get(k).map_or_else(String::new, ToString::to_string),
                k if ordered => (k + 1).to_string(),
                _ => String::new(),
            };
            self.edge(from, arg, label);
        }
    }

    /// An edge to a value; a result of a loop or call is the loop or call, with what the result is at the edge.
    fn edge(&mut self, from: NodeId, to: Node, label: String) {
        let graph = self.graph;
        let to = self.seen(to);
        let (target, label) = match graph.kind(to) {
            NodeKind::Result(k) => {
                let region = graph.args(to)[0];
                let which = self.result(region, k);
                let space = if label.is_empty() || which.is_empty() { "" } else { " " };
                (self.value(region), format!("{label}{space}{which}"))
            }
            NodeKind::Const(_)
            | NodeKind::Bool(_)
            | NodeKind::Input(_)
            | NodeKind::Apply(..)
            | NodeKind::Region(_) => (self.value(to), label),
        };
        self.picture.edge(from, target, label);
    }

    /// Which result of a region it is, where there are several.
    fn result(&self, region: Node, k: u32) -> String {
        let Some(region) = self.graph.region(region).filter(|_| self.essential()) else {
            return format!(".{k}");
        };
        match &region.kind {
            RegionKind::Call(call) => match call.results[k as usize].role {
                ResultRole::Value => String::new(),
                role => role.to_string(),
            },
            RegionKind::Loop { .. } | RegionKind::Reverse { .. } => {
                let kept = (0..region.states())
                    .filter(|&k| !is_bookkeeping(self.around, &region.body, k as u32))
                    .count();
                if region.result_count() - region.states() + kept == 1 {
                    String::new()
                } else {
                    self.state(region, k as usize)
                }
            }
        }
    }

    /// The name of a state of a region; behind the states come its exit values.
    fn state(&self, region: &Region, k: usize) -> String {
        let input = region.body.inputs.iter().find(|input| input.source == Source::State(k as u32));
        match input {
            Some(input) if self.essential() => self.around.wording.written(&input.name).to_string(),
            Some(_) | None => match k.checked_sub(region.states()) {
                Some(exit) if self.essential() => format!("exit {exit}"),
                Some(_) | None => k.to_string(),
            },
        }
    }

    fn value(&mut self, node: Node) -> NodeId {
        match (self.graph.kind(node), self.made.get(&node)) {
            (NodeKind::Bool(value), _) => self.node(value.to_string(), Kind::Constant, Some(node)),
            (NodeKind::Const(bits), _) => {
                let label = self.constant(node, bits);
                self.node(label, Kind::Constant, Some(node))
            }
            (_, Some(&made)) => made,
            // Operands are made before what uses them, but for results, whose regions are.
            (kind, None) => self.node(format!("{kind:?}"), Kind::Operation, Some(node)),
        }
    }

    fn constant(&self, node: Node, bits: u64) -> String {
        let value = number_of(self.graph.precision, f64::from_bits(bits));
        if self.essential() { self.around.wording.constant(self.graph.span(node), &value) } else { value }
    }

    /// A loop or a call: its operands, and for a loop its body as a group.
    fn region(&mut self, node: Node, number: &str) {
        let graph = self.graph;
        let Some((region, args)) = graph.region_args(node) else { return };
        let word = match &region.kind {
            RegionKind::Loop { .. } => "loop",
            RegionKind::Reverse { .. } => "reverse",
            RegionKind::Call(_) => "call",
        };
        let (control, first) = (self.control(region, args), self.first(region, args));
        let called = match &region.kind {
            RegionKind::Call(call) if self.essential() => Some(&self.around.program.functions[call.function]),
            RegionKind::Call(_) | RegionKind::Loop { .. } | RegionKind::Reverse { .. } => None,
        };
        let name = match called {
            Some(function) => function.name.as_str(),
            // A loop without a name of its own.
            None if self.essential() && region.name == word => "",
            None => region.name.as_str(),
        };
        let space = if name.is_empty() { "" } else { " " };
        let head = self.node(format!("{number}{word}{space}{name}"), Kind::Form, Some(node));
        self.made.insert(node, head);
        if let Some(control) = control {
            let label = match &region.kind {
                RegionKind::Reverse { .. } => "of",
                RegionKind::Loop { .. } | RegionKind::Call(_) => "where",
            };
            self.edge(head, control, label.into());
        }
        let parameter = |function: &crate::graph::Function, k: usize| {
            let input = function.body.inputs.iter().find(|input| input.source == Source::State(k as u32));
            input.map_or_else(|| k.to_string(), |input| self.around.wording.written(&input.name).to_string())
        };
        let mut drawn = vec![false; region.states()];
        for (k, first) in first {
            let label = match called {
                Some(function) => parameter(function, k),
                None if self.essential() => format!("{} from", self.state(region, k)),
                None => format!("from {k}"),
            };
            self.edge(head, first, label);
            if let Some(drawn) = drawn.get_mut(k) {
                *drawn = true;
            }
        }
        let mut captures = Vec::new();
        for (k, &capture) in args.captures.iter().enumerate() {
            if self.counting[capture] {
                captures.push(None);
                continue;
            }
            let name = self.capture(self.seen(capture), k);
            self.edge(head, capture, if self.essential() { name.clone() } else { format!("with {k}") });
            captures.push(Some(name));
        }
        let (states, before) = match &region.kind {
            RegionKind::Call(_) => return,
            RegionKind::Loop { .. } => (region.states(), 1),
            RegionKind::Reverse { .. } => (region.states(), 0),
        };
        let labels: Vec<Option<String>> = (0..region.body.outputs.len())
            .map(|k| match k.checked_sub(before) {
                None => Some("while".to_string()),
                Some(k) if drawn.get(k) == Some(&true) => {
                    let name = if self.essential() { self.state(region, k) } else { k.to_string() };
                    Some(format!("next {name}"))
                }
                Some(k) if k < states => None,
                Some(k) => Some(format!("exit {}", if self.essential() { k - states } else { k })),
            })
            .collect();
        let group = open(self.picture, head, self.group);
        body(self.around, &region.body, &labels, &captures, Some(group), Some(head), self.picture);
    }

    /// What a value is called in the body of a loop around which it stands.
    fn capture(&self, node: Node, k: usize) -> String {
        match self.graph.kind(node) {
            NodeKind::Input(index) => self.input_label(index as usize),
            NodeKind::Const(bits) => self.constant(node, bits),
            NodeKind::Bool(_) | NodeKind::Apply(..) | NodeKind::Result(_) | NodeKind::Region(_) => {
                let name = self.around.wording.name(self.graph.span(node));
                name.map_or_else(|| format!("with {k}"), str::to_string)
            }
        }
    }

    fn outputs(&mut self, labels: &[Option<String>], head: Option<NodeId>) {
        let graph = self.graph;
        for check in &graph.checks {
            if !self.shows(check.reason) {
                continue;
            }
            let verb = match check.effect {
                Effect::Fail => "fail",
                Effect::Note => "note",
            };
            let made = self.node(format!("{verb}: {}", check.reason), Kind::Check, None);
            self.picture.nodes[made].span = Some(check.span);
            self.edge(made, check.fails, "if".into());
        }
        for (output, label) in graph.outputs.iter().zip(labels) {
            let Some(label) = label else { continue };
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
