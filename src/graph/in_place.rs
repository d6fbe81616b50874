//! States of loops that are changed in place.
//!
//! A large state whose next value is the state with other elements here and there, by [`Op::Update`], and whose value before is not
//! needed any more when they are written, needs no second copy: an iteration writes those elements and no others. Everything else
//! that looks at the state comes before them. So does what looks at a value between two updates before the second.

use crate::entity::EntityVec;
use crate::graph::{Graph, Node, NodeKind, Region, Source};
use crate::ops::{LARGE, Op};

/// What is changed in place in the body of a region.
#[derive(Debug, Default, Clone)]
pub(crate) struct InPlace {
    /// For each state whether it is.
    pub(crate) states: Vec<bool>,
    /// The updates that only write their part.
    pub(crate) updates: EntityVec<Node, bool>,
    /// What waits for all other nodes, in its own order: these updates and what is made from them.
    pub(crate) late: EntityVec<Node, bool>,
    /// The updates of each state in their order.
    pub(crate) chains: Vec<Vec<Node>>,
}

impl InPlace {
    /// Whether there is anything of the kind.
    pub(crate) fn any(&self) -> bool {
        self.states.contains(&true)
    }

    /// What can be changed in place among the states that `may` allows.
    pub(crate) fn of(region: &Region, may: impl Fn(usize) -> bool) -> InPlace {
        let body = &region.body;
        let mut found = InPlace {
            states: vec![false; region.states()],
            updates: EntityVec::filled(false, body.len()),
            late: EntityVec::filled(false, body.len()),
            chains: vec![Vec::new(); region.states()],
        };
        let large = |(k, next): &(usize, Node)| body.ty(*next).len() > LARGE && may(*k);
        let wanted: Vec<(usize, Node)> = region.next().enumerate().filter(large).collect();
        if wanted.is_empty() {
            return found;
        }
        let mut header = match region.goes_on() {
            Some(_) => region.header(),
            None => EntityVec::filled(false, body.len()),
        };
        let live = body.live();
        let mut chains: Vec<(usize, Vec<Node>)> = wanted
            .into_iter()
            .filter_map(|(k, next)| Some((k, chain(body, next, body.source_node(Source::State(k as u32))?)?)))
            .filter(|(_, chain)| !chain.iter().any(|&update| header[update]))
            .collect();
        for node in body.nodes().filter(|&node| !live[node]) {
            header[node] = false;
        }
        let taped = body.taped();
        loop {
            found.wait(body, &chains);
            let before = chains.len();
            chains.retain(|(_, chain)| {
                chain.iter().all(|&update| found.is_last(body, &live, &header, &taped, update))
            });
            if chains.len() == before {
                break;
            }
        }
        found.wait(body, &chains);
        for (k, chain) in chains {
            found.states[k] = true;
            chain.iter().for_each(|&update| found.updates[update] = true);
            found.chains[k] = chain;
        }
        found
    }

    /// Notes what is made from the updates of these chains.
    fn wait(&mut self, body: &Graph, chains: &[(usize, Vec<Node>)]) {
        let mut late = EntityVec::filled(false, body.len());
        for (_, chain) in chains {
            chain.iter().for_each(|&update| late[update] = true);
        }
        for node in body.nodes() {
            late[node] = late[node] || body.args(node).iter().any(|&arg| late[arg]);
        }
        self.late = late;
    }

    /// Whether all that an update's operand is used for is over when the update is made.
    fn is_last(
        &self,
        body: &Graph,
        live: &EntityVec<Node, bool>,
        header: &EntityVec<Node, bool>,
        taped: &EntityVec<Node, bool>,
        update: Node,
    ) -> bool {
        let base = body.args(update)[0];
        let turn = |node: Node| (!header[node], self.late[node], node);
        let others = body.args(update)[1..].contains(&base);
        let is_over = |user: Node| {
            user == update
                || turn(user) < turn(update)
                    && match body.kind(user) {
                        // What is computed only when its elements are wanted may be wanted later.
                        NodeKind::Apply(Op::Gather, _) => true,
                        NodeKind::Apply(op, _) => !op.elementwise() && body.ty(user).len() <= LARGE,
                        // A reverse region looks at what a taped loop has captured.
                        NodeKind::Region(_) => !taped[user],
                        NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Result(_) => {
                            false
                        }
                    }
        };
        let users = body.nodes().filter(|&node| live[node] && body.args(node).contains(&base));
        !others && !body.outputs.iter().any(|output| output.node == base) && { users }.all(is_over)
    }
}

/// The updates that make a state's next value of it, the first one first.
fn chain(body: &Graph, next: Node, state: Node) -> Option<Vec<Node>> {
    let mut chain = Vec::new();
    let mut node = next;
    while node != state {
        if body.op(node) != Some(Op::Update) {
            return None;
        }
        chain.push(node);
        node = body.args(node)[0];
    }
    chain.reverse();
    Some(chain)
}

/// The states of a loop that its adjoint, or another run of its iterations, needs to know before each of them: those that `looked_at`
/// marks and, unless every one of them is kept, what they are computed from.
pub(crate) fn needed(region: &Region, looked_at: Vec<bool>, complete: bool) -> Vec<bool> {
    let mut needed = looked_at;
    if complete {
        return needed;
    }
    let body = &region.body;
    loop {
        let mut marked = EntityVec::filled(false, body.len());
        let kept = region.next().zip(&needed).filter(|(_, needed)| **needed).map(|(next, _)| next);
        for root in region.goes_on().into_iter().chain(kept) {
            marked[root] = true;
        }
        body.spread_to_operands(&mut marked);
        let mut grown = false;
        for (k, needed) in (0u32..).zip(&mut needed) {
            if !*needed && body.source_node(Source::State(k)).is_some_and(|input| marked[input]) {
                (*needed, grown) = (true, true);
            }
        }
        if !grown {
            return needed;
        }
    }
}

impl Graph {
    /// Which states of a loop the regions that reverse it look at.
    pub(crate) fn looked_at(&self, looped: Node, states: usize) -> Vec<bool> {
        let mut looked_at = vec![false; states];
        let live = self.live();
        for node in self.nodes().filter(|&node| live[node]) {
            let Some((region, args)) = self.region_args(node) else { continue };
            if !matches!(region.kind, super::RegionKind::Reverse { .. }) || args.control != looped {
                continue;
            }
            let inside = region.body.live();
            for (k, looked_at) in (0u32..).zip(&mut looked_at) {
                *looked_at |= region.body.source_node(Source::Tape(k)).is_some_and(|input| inside[input]);
            }
        }
        looked_at
    }
}
