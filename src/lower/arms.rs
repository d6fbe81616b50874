//! What only one outcome of a test needs.
//!
//! Both arms of an `if` are values, and a selection takes one of them. What is needed by one arm alone, and is expensive, is
//! translated as a part that runs if any row of the group takes that arm. Nested tests make nested parts; nodes that several
//! selections need under the same conditions, such as those of a value and of its derivative, stand in one part.
//!
//! A node is *demanded* under the conditions that all its users share: those under which the user itself is demanded, and
//! the condition of a selection for what only one of its arms is. These conditions form a tree, and the parts are those of
//! its places that are worth a test.

use std::collections::{HashMap, HashSet};

use super::{Lowering, Scope};
use crate::chaos;
use crate::entity::{Entity, EntityVec};
use crate::graph::{Graph, Node, NodeKind, Source};
use crate::ops::{Op, RECIPE};
use crate::types::Type;

/// What a part has to cost at least to be worth a test: with less, rows of both kinds in most groups lose more than others gain.
const LEAST_COST: usize = 2 * RECIPE;

/// What an operation costs that may give up a row.
const GIVING_UP: usize = 2 * RECIPE;

/// About how many instructions it may have at the most: code inside a part is never divided.
const MOST_SIZE: usize = 1200;

/// About how many instructions a recipe is.
const RECIPE_SIZE: usize = 30;

/// So many conditions are told apart on the way to a node.
const MAX_DEPTH: usize = 8;

/// So many steps are taken into a condition that consists of others.
const MAX_STEPS: usize = 32;

/// What is translated next.
pub(super) enum Item {
    Node(Node),
    Arm(Box<Arm>),
}

/// A part that runs if any row needs it.
pub(super) struct Arm {
    /// The rows: those in which each of these truth values is what stands beside it.
    pub(super) conditions: Vec<(Node, bool)>,
    pub(super) items: Vec<Item>,
    /// What others need of it.
    pub(super) results: Vec<Node>,
}

/// The order in which nodes are translated: their own, unless there are parts.
pub(super) fn plan(lowering: &Lowering<'_>, scope: &mut Scope<'_>, nodes: Vec<Node>) -> Vec<Item> {
    let graph = scope.graph;
    let arms = match worthwhile(graph, &nodes) {
        true => Arms::of(lowering, scope, &nodes),
        false => None,
    };
    let Some(mut arms) = arms else { return nodes.into_iter().map(Item::Node).collect() };
    let items = arms.arrange(ROOT, nodes, &[]);
    for condition in arms.looked_at {
        scope.uses[condition] += 1;
    }
    items
}

/// Whether there are both something to leave out and a test that tells when.
fn worthwhile(graph: &Graph, nodes: &[Node]) -> bool {
    let is = |holds: &dyn Fn(Op) -> bool| nodes.iter().any(|&node| graph.op(node).is_some_and(holds));
    is(&|op| op == Op::Select) && is(&|op| !op.elementwise() || op.cost() >= RECIPE || op.has_fast_range())
}

/// The place in the tree of what is needed in all rows.
const ROOT: u32 = 0;

/// A place in the tree of conditions.
struct Place {
    parent: u32,
    depth: usize,
    condition: Node,
    holds: bool,
    /// How large its nodes are together, those further down included.
    whole_size: usize,
    /// What they cost, without those of parts further down.
    own_cost: usize,
    /// Whether it is a part.
    formed: bool,
}

struct Arms<'g> {
    graph: &'g Graph,
    places: Vec<Place>,
    /// The part that each node stands in.
    home: EntityVec<Node, u32>,
    cost: EntityVec<Node, u32>,
    least_cost: usize,
    /// For the nodes that are being arranged: which they are, and when their turn is.
    listed: EntityVec<Node, bool>,
    phase: EntityVec<Node, u32>,
    /// Conditions of the parts, each as often as a part looks at it.
    looked_at: Vec<Node>,
}

impl<'g> Arms<'g> {
    /// Finds the parts; `None` if there are none.
    fn of(lowering: &Lowering<'_>, scope: &Scope<'g>, nodes: &[Node]) -> Option<Arms<'g>> {
        let graph = scope.graph;
        let least_cost = chaos::choose("least cost of arms", LEAST_COST, &[1, 40]);
        let mut cost = EntityVec::filled(0, graph.len());
        let inside = Inside::of(lowering, graph, nodes);
        let uses = &scope.uses;
        let is_there = |node: Node| inside.listed[node] || uses[node] > 0;
        let mut places = vec![Place {
            parent: ROOT,
            depth: 0,
            condition: Node::from_index(0),
            holds: true,
            whole_size: 0,
            own_cost: 0,
            formed: true,
        }];
        let mut known: HashMap<(u32, Node, bool), u32> = HashMap::new();
        let mut demand: EntityVec<Node, Option<u32>> = EntityVec::filled(None, graph.len());
        // What others look at is needed in all rows.
        for root in graph.roots() {
            demand[root] = Some(ROOT);
        }
        for user in graph.nodes().filter(|&n| scope.live[n] && !inside.listed[n]) {
            graph.args(user).iter().for_each(|&arg| demand[arg] = Some(ROOT));
        }
        for &node in nodes.iter().rev() {
            let may_wait = inside.may_wait(lowering, graph, node);
            let place = if may_wait { demand[node].unwrap_or(ROOT) } else { ROOT };
            demand[node] = Some(place);
            if may_wait {
                let (own, size) = cost_of(graph, node);
                cost[node] = u32::try_from(own).unwrap_or(u32::MAX);
                let place = &mut places[place as usize];
                place.own_cost = place.own_cost.saturating_add(own);
                place.whole_size = place.whole_size.saturating_add(size);
            }
            let args = graph.args(node);
            let tests = graph.op(node) == Some(Op::Select) && graph.ty(args[0]).is_scalar();
            for (k, &arg) in args.iter().enumerate() {
                let at = match (tests, k) {
                    (true, 1) => under(graph, &is_there, &mut places, &mut known, place, args[0], true),
                    (true, 2) => under(graph, &is_there, &mut places, &mut known, place, args[0], false),
                    _ => place,
                };
                demand[arg] = Some(demand[arg].map_or(at, |other| shared(&places, at, other)));
            }
        }
        // From the leaves up: places come behind their parents.
        for k in (1..places.len()).rev() {
            let Place { parent, own_cost, whole_size, .. } = places[k];
            let formed = own_cost >= least_cost && whole_size <= MOST_SIZE;
            places[k].formed = formed;
            let above = &mut places[parent as usize];
            above.whole_size = above.whole_size.saturating_add(whole_size);
            if !formed {
                // Its nodes go where those of its parent go.
                above.own_cost = above.own_cost.saturating_add(own_cost);
            }
        }
        if !places[1..].iter().any(|place| place.formed) {
            return None;
        }
        let mut home = EntityVec::filled(ROOT, graph.len());
        for &node in nodes {
            let mut place = demand[node].unwrap_or(ROOT);
            while !places[place as usize].formed {
                place = places[place as usize].parent;
            }
            home[node] = place;
        }
        let listed = EntityVec::filled(false, graph.len());
        let phase = EntityVec::filled(0, graph.len());
        Some(Arms { graph, places, home, cost, least_cost, listed, phase, looked_at: Vec::new() })
    }

    /// The part right below another in which a node stands; `None` if it stands in that one itself.
    fn below(&self, part: u32, node: Node) -> Option<u32> {
        let mut place = self.home[node];
        let mut found = None;
        while place != part {
            if self.places[place as usize].formed {
                found = Some(place);
            }
            place = self.places[place as usize].parent;
        }
        found
    }

    /// The conditions between a part and one right below it.
    fn conditions(&self, part: u32, below: u32) -> Vec<(Node, bool)> {
        let mut conditions = Vec::new();
        let mut place = below;
        while place != part {
            let Place { parent, condition, holds, .. } = self.places[place as usize];
            conditions.push((condition, holds));
            place = parent;
        }
        conditions.reverse();
        conditions
    }

    /// Arranges the nodes of a part and those of the parts below it, which come in their own order. `leaving` are those of them that are
    /// needed elsewhere.
    ///
    /// They are translated in phases: first the part's own nodes, then the parts below with what those have made possible. A node of
    /// a part below has its turn as late as it can, so that few parts are divided.
    fn arrange(&mut self, part: u32, nodes: Vec<Node>, leaving: &[Node]) -> Vec<Item> {
        let below: HashMap<Node, u32> =
            nodes.iter().filter_map(|&node| Some((node, self.below(part, node)?))).collect();
        if below.is_empty() {
            return nodes.into_iter().map(Item::Node).collect();
        }
        let graph = self.graph;
        let conditions: HashMap<u32, Vec<(Node, bool)>> =
            below.values().map(|&arm| (arm, self.conditions(part, arm))).collect();
        nodes.iter().for_each(|&node| self.listed[node] = true);
        let needs = |node: Node| {
            let tested = below.get(&node).into_iter().flat_map(|arm| &conditions[arm]);
            graph.args(node).iter().copied().chain(tested.map(|&(condition, _)| condition))
        };
        let order = self.order(&nodes, needs);
        for &node in &order {
            let own = below.get(&node);
            let phases = needs(node).filter(|&needed| self.listed[needed]).map(|needed| {
                let there = below.get(&needed);
                self.phase[needed] + u32::from(there.is_some() && there != own)
            });
            self.phase[node] = phases.max().unwrap_or(0);
        }
        let mut latest: HashMap<Node, u32> = HashMap::new();
        for &node in order.iter().rev() {
            let own = below.get(&node);
            if own.is_some()
                && let Some(&phase) = latest.get(&node)
            {
                self.phase[node] = phase;
            }
            for &arg in graph.args(node) {
                if let there @ Some(_) = below.get(&arg) {
                    let phase = self.phase[node] - u32::from(there != own);
                    latest.entry(arg).and_modify(|latest| *latest = phase.min(*latest)).or_insert(phase);
                }
            }
        }
        nodes.iter().for_each(|&node| self.listed[node] = false);
        let turn = |node: Node| (self.phase[node], below.get(&node).copied());
        let mut left: HashSet<Node> = leaving.iter().copied().collect();
        for &node in &nodes {
            for &arg in graph.args(node) {
                if below.contains_key(&arg) && turn(arg) != turn(node) {
                    left.insert(arg);
                }
            }
        }
        let mut turns: Vec<((u32, Option<u32>), Node)> =
            nodes.iter().map(|&node| (turn(node), node)).collect();
        turns.sort();
        let mut items = Vec::new();
        for group in turns.chunk_by(|a, b| a.0 == b.0) {
            let members: Vec<Node> = group.iter().map(|&(_, node)| node).collect();
            let cost: usize = members.iter().map(|&node| self.cost[node] as usize).sum();
            match group[0].0.1 {
                Some(arm) if cost >= self.least_cost => {
                    let results: Vec<Node> =
                        members.iter().copied().filter(|node| left.contains(node)).collect();
                    let conditions = conditions[&arm].clone();
                    self.looked_at.extend(conditions.iter().map(|condition| condition.0));
                    let items_inside = self.arrange(arm, members, &results);
                    items.push(Item::Arm(Box::new(Arm { conditions, items: items_inside, results })));
                }
                Some(_) | None => items.extend(members.into_iter().map(Item::Node)),
            }
        }
        items
    }

    /// The nodes in an order in which each comes behind what it needs.
    fn order<I: Iterator<Item = Node>>(&self, nodes: &[Node], needs: impl Fn(Node) -> I) -> Vec<Node> {
        let mut order = Vec::with_capacity(nodes.len());
        let mut met: HashSet<Node> = HashSet::with_capacity(nodes.len());
        for &node in nodes {
            let mut left = vec![(node, false)];
            while let Some((node, complete)) = left.pop() {
                if complete {
                    order.push(node);
                } else if met.insert(node) {
                    left.push((node, true));
                    let needed = needs(node).filter(|&needed| self.listed[needed] && !met.contains(&needed));
                    left.extend(needed.map(|needed| (needed, false)));
                }
            }
        }
        order
    }
}

/// About what a node costs, if it is expensive, and how large it is.
fn cost_of(graph: &Graph, node: Node) -> (usize, usize) {
    let NodeKind::Apply(op, _) = graph.kind(node) else { return (0, 0) };
    let ty = graph.ty(node);
    let (cost, size) = if op.has_fast_range() {
        (GIVING_UP, RECIPE_SIZE)
    } else if op.elementwise() {
        if op.cost() < RECIPE { (0, 1) } else { (op.cost(), RECIPE_SIZE) }
    } else {
        let types: Vec<Type> = graph.args(node).iter().map(|&arg| graph.ty(arg)).collect();
        let work = op.work(&types, ty);
        return (if op.moves() { 0 } else { work }, work);
    };
    (cost.saturating_mul(ty.len()), size.saturating_mul(ty.len()))
}

/// The nodes that are to be translated.
struct Inside {
    listed: EntityVec<Node, bool>,
    /// In the body of a loop, those that are the same in all iterations, and are computed before it.
    fixed: Option<EntityVec<Node, bool>>,
}

impl Inside {
    fn of(lowering: &Lowering<'_>, graph: &Graph, nodes: &[Node]) -> Inside {
        let mut listed = EntityVec::filled(false, graph.len());
        nodes.iter().for_each(|&node| listed[node] = true);
        let fixed = (lowering.l.depth() > 0).then(|| {
            let mut fixed = EntityVec::filled(true, graph.len());
            for node in graph.nodes() {
                fixed[node] = match graph.kind(node) {
                    NodeKind::Const(_) | NodeKind::Bool(_) => true,
                    NodeKind::Input(k) => matches!(graph.inputs[k as usize].source, Source::Capture(_)),
                    NodeKind::Apply(..) => graph.args(node).iter().all(|&arg| fixed[arg]),
                    NodeKind::Region(_) | NodeKind::Result(_) => false,
                };
            }
            fixed
        });
        Inside { listed, fixed }
    }

    /// Whether a node may be left out: an operation that takes no memory.
    fn may_wait(&self, lowering: &Lowering<'_>, graph: &Graph, node: Node) -> bool {
        let Some(op) = graph.op(node) else { return false };
        let args = graph.args(node);
        let small = |len: usize| lowering.m.is_small(len);
        let least = if lowering.m.has_cells() { op.loops_beside() } else { usize::MAX };
        small(graph.ty(node).len())
            && args.iter().all(|&arg| small(graph.ty(arg).len()) && graph.ty(arg).len() < least)
            && self.fixed.as_ref().is_none_or(|fixed| !fixed[node])
    }
}

/// The place below another for what is needed where a condition holds, or does not. What the condition consists of is looked at
/// where it is there: an earlier part of a body may have used it up.
fn under(
    graph: &Graph,
    is_there: &dyn Fn(Node) -> bool,
    places: &mut Vec<Place>,
    known: &mut HashMap<(u32, Node, bool), u32>,
    mut place: u32,
    condition: Node,
    holds: bool,
) -> u32 {
    let mut left = vec![(condition, holds)];
    let mut steps = 0;
    while let Some((condition, holds)) = left.pop() {
        steps += 1;
        if steps <= MAX_STEPS
            && let Some(op) = graph.op(condition)
        {
            let args = graph.args(condition);
            let there = args.iter().all(|&arg| is_there(arg));
            if op == Op::Not && there {
                left.push((args[0], !holds));
                continue;
            }
            if (op == Op::And && holds || op == Op::Or && !holds)
                && there
                && args.iter().all(|&a| graph.ty(a).is_scalar())
            {
                left.extend(args.iter().rev().map(|&arg| (arg, holds)));
                continue;
            }
        }
        if is_under(places, place, condition) {
            // It is known there.
            continue;
        }
        let depth = places[place as usize].depth + 1;
        if depth > MAX_DEPTH {
            return place;
        }
        place = *known.entry((place, condition, holds)).or_insert_with(|| {
            let (parent, whole_size, own_cost) = (place, 0, 0);
            places.push(Place { parent, depth, condition, holds, whole_size, own_cost, formed: false });
            places.len() as u32 - 1
        });
    }
    place
}

/// Whether a condition stands on the way to a place.
fn is_under(places: &[Place], mut place: u32, condition: Node) -> bool {
    while place != ROOT {
        let Place { parent, condition: here, .. } = places[place as usize];
        if here == condition {
            return true;
        }
        place = parent;
    }
    false
}

/// The last place that the ways to two places have in common.
fn shared(places: &[Place], mut a: u32, mut b: u32) -> u32 {
    while a != b {
        let (x, y) = (&places[a as usize], &places[b as usize]);
        if x.depth >= y.depth {
            a = x.parent;
        }
        if y.depth >= x.depth {
            b = y.parent;
        }
    }
    a
}
