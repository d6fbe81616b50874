//! Loops and their adjoints.
//!
//! All rows of a group iterate together, under a mask of those that still do: a row that has stopped keeps its states. A
//! loop whose test is the same for all rows has no mask.
//!
//! A loop that is differentiated in reverse leaves its states, and its mask if it has one, on a tape in memory: before
//! iterations 0, s, 2s, …, for a stride s that doubles whenever the tape is full, by dropping every second record. The
//! adjoint goes through the records from the last to the first; if the stride is more than 1 it iterates anew from each,
//! and keeps the states of all iterations up to the next record. Both have memory for √(2·limit) records at the least, which
//! is enough for every number of iterations up to the limit.

use nc_runtime::lanes::Lanes;

use super::lanes::{Condition, LaneType, SBinary, Value};
use super::uniform::Uniform;
use super::{Lowering, Scope};
use crate::graph::region::MAX_TAPED;
use crate::graph::{Graph, Node, NodeKind, Region, RegionKind, Source};
use crate::ops::Lane;

/// Where a loop has left its states.
#[derive(Debug, Clone)]
pub(super) struct Tape<'g> {
    region: &'g Region,
    /// How many iterations the group had, how many records there are, and how many iterations lie between them.
    iterations: Value,
    records: Value,
    stride: Value,
    /// The first cell, and that of the states between two records; a record takes `width` cells.
    cell: u32,
    segment: u32,
    width: u32,
    /// Room for so many records, and as many in between; a power of two unless every iteration has a record.
    capacity: u64,
    /// Whether every iteration has a record.
    complete: bool,
    /// Whether rows stop one by one; then the last cell of a record is the mask of those that take part.
    masked: bool,
    /// The rows that enter.
    entry: Option<Value>,
    captures: Vec<Vec<Lane<super::Recorder>>>,
    /// What is the same for all rows in its body.
    inside: Uniform,
}

/// How many loops of a graph leave a tape.
pub(super) fn count_tapes(graph: &Graph) -> usize {
    let taped = graph.taped();
    let live = graph.live();
    let inside = |node: Node| graph.region(node).map_or(0, |region| count_tapes(&region.body));
    graph.nodes().filter(|&n| live[n]).map(|n| usize::from(taped[n]) + inside(n)).sum()
}

/// The nodes of a body from one source.
fn inputs<'a>(
    body: &'a Graph,
    source: fn(u32) -> Source,
    count: usize,
) -> impl Iterator<Item = Option<Node>> + 'a {
    (0..count as u32).map(move |k| body.source_node(source(k)))
}

impl Lowering<'_> {
    pub(super) fn region(&mut self, scope: &mut Scope<'_>, node: Node, active: Option<Value>) {
        let Some((region, _)) = scope.graph.region_args(node) else { return };
        match region.kind {
            RegionKind::Loop { limit, .. } => self.enter(scope, node, limit, active),
            RegionKind::Reverse { .. } => self.reverse(scope, node),
            RegionKind::Call(_) => self.call(scope, node, active),
        }
    }

    pub(super) fn and(&self, a: Option<Value>, b: Value) -> Value {
        a.map_or(b, |a| self.l.and(a, b))
    }

    /// A mask, unless it is all rows.
    pub(super) fn some(&self, mask: Value) -> Option<Value> {
        (self.l.truth(mask) != Some(true)).then_some(mask)
    }

    fn enter(&mut self, scope: &mut Scope<'_>, node: Node, limit: u64, active: Option<Value>) {
        let graph = scope.graph;
        let Some((region, args)) = graph.region_args(node) else { return };
        let l = self.l;
        let (uniform, inside) = scope.uniform.take(node);
        let entry = self.some(self.and(active, scope.values[args.control][0].m()));
        let first: Vec<Vec<Lane<_>>> = args.first.iter().map(|&n| scope.values[n].clone()).collect();
        let captures: Vec<Vec<Lane<_>>> = args.captures.iter().map(|&n| scope.values[n].clone()).collect();
        let width: u32 = first.iter().map(|lanes| lanes.len() as u32).sum::<u32>() + u32::from(!uniform);
        let mut tape =
            scope.taped[node].then(|| self.tape(region, width, limit, !uniform, entry, &captures, &inside));

        l.begin();
        let states: Vec<Vec<Value>> =
            first.iter().map(|lanes| lanes.iter().map(|lane| l.phi(lane.f())).collect()).collect();
        let going = (!uniform).then(|| l.phi(entry.unwrap_or_else(|| l.m(true))));
        let count = l.phi(l.s(0));
        let taping = tape.as_ref().filter(|tape| !tape.complete).map(|_| (l.phi(l.s(0)), l.phi(l.s(1))));
        let header = region.header();
        let mut body = Scope::new(&region.body, inside);
        bind(&mut body, Source::State, &states_as_lanes(&states));
        bind(&mut body, Source::Capture, &captures);
        // Values are needed again behind the test.
        self.nodes(&mut body, Some(&header), going.or(entry));
        let goes_on = region.goes_on().map_or_else(|| l.m(false), |n| body.values[n][0].m());
        let iterates = self.and(going.or(entry), goes_on);
        // A row that has stopped keeps the exit values that it stopped with.
        let exits: Vec<Vec<Value>> = region
            .exits()
            .map(|exit| {
                let lanes = body.values[exit].iter().map(|lane| lane.f());
                lanes
                    .map(|value| match going {
                        Some(going) => {
                            let phi = l.phi(l.f(0.0));
                            let value = l.select(going, value, phi);
                            l.next(phi, value);
                            value
                        }
                        None => value,
                    })
                    .collect()
            })
            .collect();
        let limit = if tape.is_some() { limit.min(MAX_TAPED) } else { limit };
        l.test(vec![Condition::Any(iterates), Condition::Below(count, l.s(limit))]);
        if let Some(tape) = &tape {
            let record = taping.map_or(count, |(records, _)| records);
            self.store_record(tape.cell, record, tape.width, &states, going.map(|_| iterates));
        }
        self.nodes(&mut body, None, going.map(|_| iterates).or(entry));
        for (next, state) in region.next().zip(&states) {
            for (lane, &phi) in body.values[next].iter().zip(state) {
                let next = match going {
                    Some(_) => l.select(iterates, lane.f(), phi),
                    None => lane.f(),
                };
                l.next(phi, next);
            }
        }
        if let Some(going) = going {
            l.next(going, iterates);
        }
        l.next(count, l.s_binary(SBinary::Add, count, l.s(1)));
        if let (Some((records, stride)), Some(tape)) = (taping, &tape) {
            self.keep_record(tape, count, records, stride);
        }
        l.end(going.map(|_| iterates));

        if let Some(tape) = &mut tape {
            tape.iterations = count;
            (tape.records, tape.stride) = taping.unwrap_or((count, l.s(1)));
            scope.tapes.insert(node, tape.clone());
        }
        let results: Vec<Vec<Lane<_>>> =
            states_as_lanes(&states).into_iter().chain(states_as_lanes(&exits)).collect();
        leave(scope, node, iterates, &results);
    }

    #[allow(clippy::too_many_arguments, reason = "all of it describes one tape")]
    fn tape<'g>(
        &self,
        region: &'g Region,
        width: u32,
        limit: u64,
        masked: bool,
        entry: Option<Value>,
        captures: &[Vec<Lane<super::Recorder>>],
        inside: &Uniform,
    ) -> Tape<'g> {
        let l = self.l;
        let records = self.tape_cells / u64::from(width.max(1));
        let limit = limit.min(MAX_TAPED);
        let complete = records >= limit;
        // A power of two is even and can be halved; half of the memory is for what lies between two records.
        let least = (2 * limit).isqrt() + 2;
        let most = (records / 2 + 1).next_power_of_two() / 2;
        let capacity = if complete { limit } else { most.max(least.next_power_of_two()) };
        let none = l.s(0);
        Tape {
            region,
            iterations: none,
            records: none,
            stride: none,
            cell: l.cells((capacity as u32).saturating_mul(width)),
            segment: if complete { 0 } else { l.cells((capacity as u32).saturating_mul(width)) },
            width,
            capacity,
            complete,
            masked,
            entry,
            captures: captures.to_vec(),
            inside: inside.clone(),
        }
    }

    fn store_record(&self, cell: u32, record: Value, width: u32, states: &[Vec<Value>], mask: Option<Value>) {
        let l = self.l;
        let offset = l.s_binary(SBinary::Mul, record, l.s(width.into()));
        for (k, value) in (0u32..).zip(states.iter().flatten().copied().chain(mask)) {
            l.store(cell + k, offset, value);
        }
    }

    /// Keeps the record that was just written if it is one of those to keep, and makes room for the next.
    fn keep_record(&self, tape: &Tape<'_>, count: Value, records: Value, stride: Value) {
        let l = self.l;
        let (zero, one) = (l.s(0), l.s(1));
        let below = l.s_binary(SBinary::Sub, stride, one);
        let rest = l.s_binary(SBinary::And, count, below);
        let kept = l.s_binary(SBinary::Eq, rest, zero);
        let kept = l.s_binary(SBinary::Add, records, kept);
        let full = l.s_binary(SBinary::Eq, kept, l.s(tape.capacity));
        let half = l.s(tape.capacity / 2);
        let end = l.s_select(full, half, zero);
        l.begin();
        let k = l.phi(one);
        l.test(vec![Condition::Below(k, end)]);
        let width = l.s(tape.width.into());
        let to = l.s_binary(SBinary::Mul, k, width);
        let from = l.s_binary(SBinary::Add, to, to);
        let types = types(tape);
        let numbers: Vec<Value> =
            (0u32..).zip(&types).map(|(j, &ty)| l.load(ty, tape.cell + j, from)).collect();
        for (j, number) in (0u32..).zip(numbers) {
            l.store(tape.cell + j, to, number);
        }
        l.next(k, l.s_binary(SBinary::Add, k, one));
        l.end(None);
        l.next(records, l.s_select(full, half, kept));
        l.next(stride, l.s_binary(SBinary::Shl, stride, full));
    }

    fn reverse(&mut self, scope: &mut Scope<'_>, node: Node) {
        let graph = scope.graph;
        let Some((region, args)) = graph.region_args(node) else { return };
        let Some(tape) = scope.tapes.get(&args.control).cloned() else { return };
        let l = self.l;
        let first: Vec<Vec<Value>> =
            args.first.iter().map(|&n| scope.values[n].iter().map(|lane| lane.f()).collect()).collect();
        let captures: Vec<Vec<Lane<_>>> = args.captures.iter().map(|&n| scope.values[n].clone()).collect();
        let never = l.m(false);
        let (results, ran) = if tape.complete {
            let from = l.s(tape.cell.into());
            self.iterate_back(scope, node, region, &tape, &captures, from, tape.iterations, &first, never)
        } else {
            let (zero, one) = (l.s(0), l.s(1));
            let single = l.s_binary(SBinary::Eq, tape.stride, one);
            let some = l.s_binary(SBinary::Min, tape.iterations, one);
            let segments = l.s_select(single, some, tape.records);
            l.begin();
            let left = l.phi(segments);
            let ran = l.phi(never);
            let states: Vec<Vec<Value>> =
                first.iter().map(|lanes| lanes.iter().map(|&lane| l.phi(lane)).collect()).collect();
            l.test(vec![Condition::Below(zero, left)]);
            let record = l.s_binary(SBinary::Sub, left, one);
            let start = l.s_binary(SBinary::Mul, record, tape.stride);
            let start = l.s_select(single, zero, start);
            let rest = l.s_binary(SBinary::Sub, tape.iterations, start);
            let length = l.s_binary(SBinary::Min, tape.stride, rest);
            let length = l.s_select(single, tape.iterations, length);
            let again = l.s_select(single, zero, length);
            let steps = self.count_anew();
            self.iterate_again(&tape, record, again);
            self.count_from(steps);
            let from = l.s_select(single, l.s(tape.cell.into()), l.s(tape.segment.into()));
            let (next, ran_here) =
                self.iterate_back(scope, node, region, &tape, &captures, from, length, &states, ran);
            for (&phi, &next) in states.iter().flatten().zip(next.iter().flatten()) {
                l.next(phi, next);
            }
            l.next(ran, ran_here);
            l.next(left, record);
            l.end(None);
            (states, ran)
        };
        leave(scope, node, ran, &states_as_lanes(&results));
    }

    /// Iterates forward from a record and keeps the states of `length` iterations.
    fn iterate_again(&mut self, tape: &Tape<'_>, record: Value, length: Value) {
        let l = self.l;
        let region = tape.region;
        let offset = l.s_binary(SBinary::Mul, record, l.s(tape.width.into()));
        let mut loaded = (0u32..).zip(types(tape)).map(|(k, ty)| l.load(ty, tape.cell + k, offset));
        let shapes: Vec<usize> = region.next().map(|n| region.body.ty(n).len()).collect();
        let first: Vec<Vec<Value>> = shapes.iter().map(|&n| loaded.by_ref().take(n).collect()).collect();
        let mask = loaded.next();
        drop(loaded);
        l.begin();
        let states: Vec<Vec<Value>> =
            first.iter().map(|lanes| lanes.iter().map(|&lane| l.phi(lane)).collect()).collect();
        let going = mask.map(|mask| l.phi(mask));
        let count = l.phi(l.s(0));
        let mut body = Scope::new(&region.body, tape.inside.clone());
        bind(&mut body, Source::State, &states_as_lanes(&states));
        bind(&mut body, Source::Capture, &tape.captures);
        let iterates = match going {
            Some(going) => {
                self.nodes(&mut body, Some(&region.header()), Some(going));
                let goes_on = region.goes_on().map_or_else(|| l.m(false), |n| body.values[n][0].m());
                Some(l.and(going, goes_on))
            }
            None => None,
        };
        l.test(vec![Condition::Below(count, length)]);
        self.store_record(tape.segment, count, tape.width, &states, iterates);
        self.nodes(&mut body, None, iterates.or(tape.entry));
        for (next, state) in region.next().zip(&states) {
            for (lane, &phi) in body.values[next].iter().zip(state) {
                l.next(phi, iterates.map_or(lane.f(), |iterates| l.select(iterates, lane.f(), phi)));
            }
        }
        if let (Some(going), Some(iterates)) = (going, iterates) {
            l.next(going, iterates);
        }
        l.next(count, l.s_binary(SBinary::Add, count, l.s(1)));
        l.end(iterates);
    }

    /// Goes back through the states of `length` iterations, which stand from a cell on. Returns the states of the reverse
    /// region, and the rows that have had an iteration.
    #[allow(clippy::too_many_arguments, reason = "all of it is one loop")]
    fn iterate_back(
        &mut self,
        scope: &mut Scope<'_>,
        node: Node,
        region: &Region,
        tape: &Tape<'_>,
        captures: &[Vec<Lane<super::Recorder>>],
        from: Value,
        length: Value,
        first: &[Vec<Value>],
        ran: Value,
    ) -> (Vec<Vec<Value>>, Value) {
        let l = self.l;
        let (zero, one) = (l.s(0), l.s(1));
        l.begin();
        let left = l.phi(length);
        let states: Vec<Vec<Value>> =
            first.iter().map(|lanes| lanes.iter().map(|&lane| l.phi(lane)).collect()).collect();
        let ran = l.phi(ran);
        l.test(vec![Condition::Below(zero, left)]);
        let here = l.s_binary(SBinary::Sub, left, one);
        let offset = l.s_binary(SBinary::Mul, here, l.s(tape.width.into()));
        let offset = l.s_binary(SBinary::Add, from, offset);
        let mut position = 0;
        let looped = tape.region;
        let lengths: Vec<u32> = looped.next().map(|n| looped.body.ty(n).len() as u32).collect();
        let mut body = Scope::new(&region.body, scope.uniform.take(node).1);
        for (k, len) in (0u32..).zip(lengths) {
            if let Some(input) = region.body.source_node(Source::Tape(k))
                && body.live[input]
            {
                let cells = position..position + len;
                body.values[input] = cells.map(|cell| Lane::F(l.load(LaneType::F, cell, offset))).collect();
            }
            position += len;
        }
        let active = if tape.masked { Some(l.load(LaneType::M, position, offset)) } else { tape.entry };
        bind(&mut body, Source::State, &states_as_lanes(&states));
        bind(&mut body, Source::Capture, captures);
        self.nodes(&mut body, None, active);
        for (next, state) in region.next().zip(&states) {
            for (lane, &phi) in body.values[next].iter().zip(state) {
                l.next(phi, active.map_or(lane.f(), |active| l.select(active, lane.f(), phi)));
            }
        }
        let here_ran = active.map_or_else(|| l.m(true), |active| l.or(ran, active));
        l.next(ran, here_ran);
        l.next(left, here);
        l.end(active);
        (states, ran)
    }
}

/// What the cells of a record hold.
fn types(tape: &Tape<'_>) -> Vec<LaneType> {
    let numbers = tape.width - u32::from(tape.masked);
    let mut types = vec![LaneType::F; numbers as usize];
    types.extend(tape.masked.then_some(LaneType::M));
    types
}

fn states_as_lanes(states: &[Vec<Value>]) -> Vec<Vec<Lane<super::Recorder>>> {
    states.iter().map(|lanes| lanes.iter().map(|&value| Lane::F(value)).collect()).collect()
}

/// Gives the inputs of a body their values.
fn bind(body: &mut Scope<'_>, source: fn(u32) -> Source, values: &[Vec<Lane<super::Recorder>>]) {
    let nodes: Vec<Option<Node>> = inputs(body.graph, source, values.len()).collect();
    for (node, lanes) in nodes.into_iter().zip(values) {
        if let Some(node) = node {
            body.values[node] = lanes.clone();
        }
    }
}

/// Leaves the results of a region with their nodes.
pub(super) fn leave(scope: &mut Scope<'_>, node: Node, own: Value, results: &[Vec<Lane<super::Recorder>>]) {
    scope.values[node] = vec![Lane::M(own)];
    for user in scope.results.remove(&node).unwrap_or_default() {
        if let NodeKind::Result(k) = scope.graph.kind(user) {
            scope.values[user] = results[k as usize].clone();
        }
    }
}
