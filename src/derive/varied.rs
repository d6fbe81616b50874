//! Which values can have a derivative.

use std::collections::HashMap;

use crate::entity::EntityVec;
use crate::graph::{Elem, Graph, Node, NodeKind, RegionKind, Source};
use crate::ops::Op;

/// Which nodes of a graph depend on some of its inputs other than through truth values and values held constant.
#[derive(Debug, Default)]
pub(super) struct Varied {
    nodes: EntityVec<Node, bool>,
    regions: HashMap<Node, Inside>,
}

/// Which parts of a region depend on the inputs of the graph around it, in some iteration.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// By state; for a call, by result.
    pub(super) states: Vec<bool>,
    pub(super) body: Varied,
}

impl Varied {
    pub(super) fn of(&self, node: Node) -> bool {
        self.nodes[node]
    }

    /// What is in a region.
    pub(super) fn region(&self, node: Node) -> &Inside {
        self.regions.get(&node).expect("every region of a graph has been looked into")
    }

    /// Everything that depends on `inputs`.
    pub(super) fn from(g: &Graph, inputs: &[Node]) -> Varied {
        let mut varied = Varied::default();
        varied.grow(g, inputs);
        varied
    }

    /// Adds what depends on `inputs`. What is found in one iteration of a loop is where the next one starts from, so that the
    /// work is bounded by the number of nodes that turn out to depend on something, however deep loops are nested.
    fn grow(&mut self, g: &Graph, inputs: &[Node]) {
        if self.nodes.is_empty() {
            self.nodes = EntityVec::filled(false, g.len());
        }
        for &input in inputs {
            self.nodes[input] = true;
        }
        for node in g.nodes() {
            let depends = match g.kind(node) {
                NodeKind::Region(_) => {
                    let mut inside = self.regions.remove(&node).unwrap_or_default();
                    self.grow_inside(g, node, &mut inside);
                    self.regions.insert(node, inside);
                    false
                }
                NodeKind::Result(k) => {
                    let region = g.args(node)[0];
                    self.region(region).result(g, region, k)
                }
                NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Apply(..) => {
                    let passes = g.ty(node).elem == Elem::Num && g.op(node) != Some(Op::Detach);
                    passes && g.args(node).iter().any(|&a| self.of(a))
                }
            };
            self.nodes[node] |= depends;
        }
    }

    fn grow_inside(&self, g: &Graph, node: Node, inside: &mut Inside) {
        let (region, args) = g.expect_region(node);
        if let RegionKind::Call(call) = &region.kind {
            let any = args.first.iter().any(|&n| self.of(n));
            inside.states = call.results.iter().map(|result| any && result.role.is_number()).collect();
            return;
        }
        let body = &region.body;
        let fresh = inside.body.nodes.is_empty();
        if fresh {
            inside.states = vec![false; args.first.len()];
        }
        for (state, &first) in inside.states.iter_mut().zip(args.first) {
            *state |= self.of(first);
        }
        let reversed = match region.kind {
            RegionKind::Reverse { .. } => Some(self.region(args.control)),
            RegionKind::Loop { .. } | RegionKind::Call(_) => None,
        };
        let mut unseen = fresh;
        loop {
            let inputs: Vec<Node> = (0u32..)
                .zip(&body.inputs)
                .filter(|(_, input)| match input.source {
                    Source::State(k) => inside.states[k as usize],
                    Source::Capture(k) => self.of(args.captures[k as usize]),
                    Source::Tape(k) => reversed.is_some_and(|reversed| reversed.states[k as usize]),
                    Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => false,
                })
                .map(|(index, _)| body.input_node(index))
                .collect();
            unseen = unseen || inputs.iter().any(|&input| !inside.body.of(input));
            if !std::mem::take(&mut unseen) {
                return;
            }
            inside.body.grow(body, &inputs);
            for (state, next) in inside.states.iter_mut().zip(region.next()) {
                *state |= inside.body.of(next);
            }
        }
    }
}

impl Inside {
    fn result(&self, g: &Graph, region: Node, k: u32) -> bool {
        match self.states.get(k as usize) {
            Some(&varied) => varied,
            None => {
                let (region, _) = g.expect_region(region);
                let exit = region.exits().nth(k as usize - self.states.len());
                self.body.of(exit.expect("a result is a state or an exit value"))
            }
        }
    }
}
