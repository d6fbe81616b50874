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
        Uniform::with(g, &|source| source == Source::Shared)
    }

    fn with(g: &Graph, inputs: &dyn Fn(Source) -> bool) -> Uniform {
        let mut uniform = Uniform { nodes: EntityVec::filled(true, g.len()), regions: HashMap::new() };
        for node in g.nodes() {
            let all = g.args(node).iter().all(|&arg| uniform.nodes[arg]);
            uniform.nodes[node] = match g.kind(node) {
                NodeKind::Const(_) | NodeKind::Bool(_) => true,
                NodeKind::Input(index) => inputs(g.inputs[index as usize].source),
                NodeKind::Apply(..) => all,
                NodeKind::Region(_) => {
                    let inside = uniform.inside(g, node);
                    let same = inside.looped && g.args(node).first().is_some_and(|&n| uniform.nodes[n]);
                    uniform.regions.insert(node, inside);
                    same
                }
                NodeKind::Result(k) => uniform.result(g, g.args(node)[0], k as usize),
            };
        }
        uniform
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

    fn inside(&self, g: &Graph, node: Node) -> Inside {
        let (region, args) = g.region_args(node).expect("only regions come here");
        if let RegionKind::Call(_) = region.kind {
            return Inside::default();
        }
        let reversed = self.regions.get(&args.control);
        let is_loop = matches!(region.kind, RegionKind::Loop { .. });
        let mut looped = is_loop;
        let mut states: Vec<bool> = args.first.iter().map(|&first| is_loop && self.nodes[first]).collect();
        loop {
            let body = Uniform::with(&region.body, &|source| match source {
                Source::State(k) => states[k as usize],
                Source::Capture(k) => self.nodes[args.captures[k as usize]],
                Source::Tape(k) => reversed.is_some_and(|inside| inside.states[k as usize]),
                Source::Row | Source::Shared | Source::Cotangent(_) | Source::Tangent { .. } => false,
            });
            let mut changed = false;
            if looped && !region.goes_on().is_some_and(|node| body.nodes[node]) {
                // Rows stop one by one, and their states with them.
                looped = false;
                changed = states.iter().any(|&same| same);
                states.fill(false);
            }
            for (state, next) in states.iter_mut().zip(region.next()) {
                changed |= *state && !body.nodes[next];
                *state &= body.nodes[next];
            }
            if !changed {
                return Inside { states, looped, body };
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
