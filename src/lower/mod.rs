//! Compute graph → lane program.
//!
//! Vectors and matrices are taken apart into scalars, and every operation becomes the instructions that its definition
//! records. Instructions are value-numbered as they are recorded, so that work which two operations share (the range
//! reduction of `sin x` and `cos x`, the `exp` in a function and its derivative) is done once.

pub mod lanes;
pub mod print;
pub mod record;
pub mod verify;

use nc_runtime::lanes::Lanes;

use crate::entity::EntityVec;
use crate::graph::{Effect, Graph, Node, NodeKind, Role, Source};
use crate::ops::{Lane, Operand};
use lanes::{LaneProgram, Layout, Store, Target};
use record::Recorder;

/// Translates the outputs and checks of a graph.
pub fn lower(graph: &Graph) -> LaneProgram {
    let layout = Layout::of(graph);
    let recorder = Recorder::new();
    let live = graph.live();
    let mut values: EntityVec<Node, Vec<Lane<Recorder>>> = EntityVec::filled(Vec::new(), graph.len());
    let mut uses = use_counts(graph, &live);
    let results = row_results(graph);
    let fails = graph.checks.iter().any(|check| check.effect == Effect::Fail);
    for node in graph.nodes().filter(|&n| live[n]) {
        values[node] = match graph.kind(node) {
            NodeKind::Const(bits) => vec![Lane::F(recorder.f(f64::from_bits(bits)))],
            NodeKind::Bool(value) => vec![Lane::M(recorder.m(value))],
            NodeKind::Input(index) => {
                let (source, first) = (graph.inputs[index as usize].source, layout.inputs[index as usize]);
                let count = graph.ty(node).len() as u32;
                (first..first + count)
                    .map(|k| {
                        Lane::F(if source == Source::Shared { recorder.param(k) } else { recorder.column(k) })
                    })
                    .collect()
            }
            NodeKind::Apply(op, attr) => {
                let operands: Vec<Operand<Recorder>> = graph
                    .args(node)
                    .iter()
                    .map(|&a| Operand { ty: graph.ty(a), elems: &values[a] })
                    .collect();
                op.eval(&recorder, attr, graph.ty(node), &operands)
            }
        };
        // A result that no check can spoil is made ready to leave at once, before it occupies a register for long.
        if results[node] && !fails {
            for lane in &values[node] {
                recorder.leaving(lane.f(), None);
            }
        }
        for &arg in graph.args(node) {
            uses[arg] -= 1;
            if uses[arg] == 0 {
                values[arg] = Vec::new();
            }
        }
    }
    let checks: Vec<_> =
        graph.checks.iter().map(|check| (values[check.fails][0].m(), check.effect)).collect();
    let mut columns = 0;
    let mut partials = 0;
    let mut stores = Vec::new();
    for output in &graph.outputs {
        let summed = is_summed(graph, output.role);
        for &lane in &values[output.node] {
            let value = lane.f();
            if summed {
                stores.push(Store { target: Target::Partial(partials), value });
                partials += 1;
            } else {
                stores.push(Store { target: Target::Column(columns), value });
                columns += 1;
            }
        }
    }
    recorder.finish(stores, &checks, layout.shape(columns, partials))
}

/// Whether an output is summed over the batch rather than stored for each row.
pub(crate) fn is_summed(graph: &Graph, role: Role) -> bool {
    match role {
        Role::Gradient { input, .. } => graph.inputs[input as usize].source == Source::Shared,
        Role::Value | Role::Tangent { .. } => false,
    }
}

/// The nodes that are stored for each row.
fn row_results(graph: &Graph) -> EntityVec<Node, bool> {
    let mut results = EntityVec::filled(false, graph.len());
    for output in graph.outputs.iter().filter(|o| !is_summed(graph, o.role)) {
        results[output.node] = true;
    }
    results
}

/// How often each live node is used, outputs and checks included.
fn use_counts(graph: &Graph, live: &EntityVec<Node, bool>) -> EntityVec<Node, u32> {
    let mut uses = EntityVec::filled(0, graph.len());
    for root in graph.roots() {
        uses[root] += 1;
    }
    for node in graph.nodes().filter(|&n| live[n]) {
        for &arg in graph.args(node) {
            uses[arg] += 1;
        }
    }
    uses
}
