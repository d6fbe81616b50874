//! Recursive functions.
//!
//! A call is made if any row of the group makes it; rows that do not make it go along and compute nothing that counts. The
//! calls of a group are equally deep, so the depth that is left is one number. How many steps a row has taken is a number
//! like any other, which calls take and give back. Whether a call of a row has failed is kept in a memory cell: such a row
//! makes no further call, also where derivatives evaluate a part of the program again.

use nc_runtime::lanes::Lanes;

use super::arrays::{Form, Memory};
use super::lanes::{LaneCall, LaneFunction, LaneType, SBinary, Value};
use super::record::Recorder;
use super::regions::leave;
use super::uniform::Uniform;
use super::{Lowering, Scope};
use crate::entity::Entity;
use crate::graph::region::ResultRole;
use crate::graph::{Function, Graph, Node, RegionKind, Source};
use crate::ops::Lane;

/// The memory cell that calls share, the first of all: what failed in a call of the row.
const FAILED: u32 = 0;

/// What calls need to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// How many calls may be nested in this function, or program.
    depth: Value,
}

impl Machine {
    /// At the beginning of a program.
    pub(super) fn begin(l: &Recorder, graph: &Graph) -> Machine {
        let first = l.cells(1);
        debug_assert_eq!(first, FAILED);
        l.store(FAILED, l.s(0), l.f(0.0));
        Machine { depth: l.s(graph.limits.depth) }
    }
}

/// Translates a function.
pub(super) fn function(function: &Function, tape_bytes: usize, complete: bool) -> LaneFunction {
    let body = &function.body;
    let recorder = Recorder::new(body.precision, complete);
    let depth = recorder.argument(LaneType::S, 0);
    let machine = Some(Machine { depth });
    let tape_cells = tape_bytes as u64;
    // A call has no memory of its own: all values are taken apart.
    let m = Memory::new(&recorder, usize::MAX);
    let mut lowering = Lowering { l: &recorder, m, machine, tape_cells, leaving: false };
    let mut scope = Scope::new(body, Uniform::of(body));
    let mut next = 0;
    for k in 0.. {
        let Some(input) = body.source_node(Source::State(k)) else { break };
        let lanes =
            (next..next + body.ty(input).len() as u32).map(|k| Lane::F(recorder.argument(LaneType::F, k)));
        scope.values[input] = Form::Lanes(lanes.collect());
        next += body.ty(input).len() as u32;
    }
    let active = recorder.argument(LaneType::M, next);
    lowering.nodes(&mut scope, None, Some(active));
    let results = body
        .outputs
        .iter()
        .flat_map(|o| lowering.m.elements_of(&scope.values[o.node]))
        .map(|lane| lane.f())
        .collect();
    recorder.finish_function(results)
}

impl Lowering<'_> {
    pub(super) fn call(&mut self, scope: &mut Scope<'_>, node: Node, active: Option<Value>) {
        let (region, args) = scope.graph.expect_region(node);
        let RegionKind::Call(call) = &region.kind else { unreachable!("{node} is a call") };
        let machine = self.machine.expect("programs that call functions have a machine");
        let l = self.l;
        let enters = self.and(active, scope.values[args.control].lane().m());
        let (zero, one) = (l.f(0.0), l.f(1.0));
        let here = l.s(0);
        let failed = l.load(LaneType::F, FAILED, here);
        let alive = l.and(enters, l.eq(failed, zero));
        let deep = l.ieq(l.splat(machine.depth), l.i(0));
        let calls = l.and(alive, l.not(deep));
        let failed = l.select(l.and(alive, deep), l.f(call.failure.into()), failed);
        let mut operands: Vec<Value> = args
            .first
            .iter()
            .flat_map(|&n| self.m.elements_of(&scope.values[n]))
            .map(|lane| lane.f())
            .collect();
        operands.push(calls);
        let depth = l.s_binary(SBinary::Sub, machine.depth, l.s(1));
        let numbers: usize = call.results.iter().map(|result| result.shape.len()).sum();
        let function = call.function.index() as u32;
        let results = numbers as u32 + 1;
        let mut values = l.call(LaneCall { function, active: calls, depth, operands, results });
        if let Some(outside) = values.pop() {
            l.outside(l.and(calls, l.eq(outside, one)));
        }
        let code = call.position(ResultRole::Failure).expect("a call says what failed") as usize;
        let code: usize = call.results[..code].iter().map(|result| result.shape.len()).sum();
        let failed = l.select(calls, values[code], failed);
        l.store(FAILED, here, failed);
        let failed = l.select(enters, failed, zero);
        let mut values = values.into_iter();
        let results: Vec<Form> = call
            .results
            .iter()
            .map(|result| {
                let lanes = values.by_ref().take(result.shape.len());
                let lanes = lanes
                    .map(|value| {
                        let otherwise = if result.role == ResultRole::Failure { failed } else { zero };
                        Lane::F(l.select(calls, value, otherwise))
                    })
                    .collect();
                self.m.form(lanes)
            })
            .collect();
        leave(scope, node, l.and(enters, l.not(calls)), &results);
    }
}
