//! Which values are the same for all rows. A loop whose test is needs no mask.

use std::collections::HashMap;

use crate::entity::EntityVec;
use crate::graph::{Graph, Node, NodeKind, RegionKind, Source};

/// What is the same for all rows in a graph.
#[derive(Debug, Default, Clone)]
pub(super) struct Uniform {
    nodes: EntityVec<Node, bool>,
    regions: HashMap<Node, Inside>,
}

/// What is in a region.
#[derive(Debug, Default, Clone)]
struct Inside {
    states: Vec<bool>,
    /// Whether all rows take the same iterations.
    looped: bool,
    body: Uniform,
}

impl Uniform {
    /// A whole program: parameters are the same for all rows, columns are not.
    pub(super) fn of(g: &Graph) -> Uniform {
        let mut uniform = Uniform::default();
        uniform.narrow(g, &|source| source == Source::Shared);
        uniform
    }

    /// Takes out what differs between rows if only these inputs do not. What is found in one iteration of a loop is where the
    /// next one starts from, so that the work is bounded by the number of nodes, however deep loops are nested.
    fn narrow(&mut self, g: &Graph, inputs: &dyn Fn(Source) -> bool) {
        if self.nodes.is_empty() {
            self.nodes = EntityVec::filled(true, g.len());
        }
        for node in g.nodes() {
            let all = g.args(node).iter().all(|&arg| self.nodes[arg]);
            let same = match g.kind(node) {
                NodeKind::Const(_) | NodeKind::Bool(_) => true,
                NodeKind::Input(index) => inputs(g.inputs[index as usize].source),
                NodeKind::Apply(..) => all,
                NodeKind::Region(_) => {
                    let mut inside = self.regions.remove(&node).unwrap_or_default();
                    self.narrow_inside(g, node, &mut inside);
                    let same = inside.looped && g.args(node).first().is_some_and(|&n| self.nodes[n]);
                    self.regions.insert(node, inside);
                    same
                }
                NodeKind::Result(k) => self.result(g, g.args(node)[0], k as usize),
            };
            self.nodes[node] &= same;
        }
    }

    fn result(&self, g: &Graph, region: Node, k: usize) -> bool {
        let (Some(inside), Some(region)) = (self.regions.get(&region), g.region(region)) else {
            return false;
        };
        match inside.states.get(k) {
            Some(&same) => same,
            None if inside.states.is_empty() => false,
            None => {
                let mut exits = region.exits();
                inside.looped
                    && exits.nth(k - inside.states.len()).is_some_and(|exit| inside.body.nodes[exit])
            }
        }
    }

    fn narrow_inside(&self, g: &Graph, node: Node, inside: &mut Inside) {
        let (region, args) = g.expect_region(node);
        if let RegionKind::Call(_) = region.kind {
            return;
        }
        let reversed = self.regions.get(&args.control);
        let is_loop = matches!(region.kind, RegionKind::Loop { .. });
        let body = &region.body;
        let fresh = inside.body.nodes.is_empty();
        if fresh {
            inside.looped = is_loop;
            inside.states = vec![is_loop; args.first.len()];
        }
        for (state, &first) in inside.states.iter_mut().zip(args.first) {
            *state &= self.nodes[first];
        }
        let mut seen = !fresh;
        loop {
            let Inside { states, looped, body: known } = &mut *inside;
            let same = |source| match source {
                Source::State(k) => states[k as usize],
                Source::Capture(k) => self.nodes[args.captures[k as usize]],
                Source::Tape(k) => reversed.is_some_and(|inside| inside.states[k as usize]),
                Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => false,
            };
            let inputs = (0u32..).zip(&body.inputs);
            let mut known_inputs =
                inputs.map(|(k, input)| known.nodes[body.input_node(k)] == same(input.source));
            if seen && known_inputs.all(|known| known) {
                return;
            }
            seen = true;
            known.narrow(body, &same);
            if *looped && !region.goes_on().is_some_and(|node| known.nodes[node]) {
                // Rows stop one by one, and their states with them.
                *looped = false;
                states.fill(false);
            }
            for (state, next) in states.iter_mut().zip(region.next()) {
                *state &= known.nodes[next];
            }
        }
    }

    /// Whether all rows take the same iterations of a loop, and what is the same for them in its body.
    pub(super) fn take(&mut self, region: Node) -> (bool, Uniform) {
        match self.regions.get_mut(&region) {
            Some(inside) => (inside.looped, std::mem::take(&mut inside.body)),
            None => (false, Uniform::default()),
        }
    }
}
