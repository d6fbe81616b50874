//! Graphs as steps over slots, regions included.

use std::collections::HashMap;

use nc_runtime::lanes::{Precision, Scalar};
use nc_runtime::stop::StopFlag;

use super::tape::Tape;
use crate::entity::{Entity, EntityVec};
use crate::graph::in_place::{InPlace, needed};
use crate::graph::region::MAX_TAPED;
use crate::graph::{Elem, Graph, Node, NodeKind, RegionKind, ResultRole, Source, Type};
use crate::ops::{Lane, Op, Operand};

/// One element of a value between operations.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    Number(f64),
    Truth(bool),
}

impl Slot {
    pub(super) fn number(self) -> f64 {
        match self {
            Slot::Number(x) => x,
            Slot::Truth(_) => unreachable!("types say where numbers are"),
        }
    }

    pub(super) fn truth(self) -> bool {
        match self {
            Slot::Truth(x) => x,
            Slot::Number(_) => unreachable!("types say where truth values are"),
        }
    }

    fn lane(self) -> Lane<Scalar> {
        match self {
            Slot::Number(x) => Lane::F(x),
            Slot::Truth(x) => Lane::M(x),
        }
    }

    fn of(lane: Lane<Scalar>) -> Slot {
        match lane {
            Lane::F(x) => Slot::Number(x),
            Lane::M(x) => Slot::Truth(x),
        }
    }
}

/// Elements that stand one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) slot: u32,
    pub(super) len: u32,
}

impl Range {
    pub(super) fn of(self, slots: &[Slot]) -> &[Slot] {
        &slots[self.slot as usize..][..self.len as usize]
    }
    pub(super) fn of_mut(self, slots: &mut [Slot]) -> &mut [Slot] {
        &mut slots[self.slot as usize..][..self.len as usize]
    }
}

/// Elements that are copied from the slots around a region to those of its body, or back.
#[derive(Debug, Clone, Copy)]
struct Move {
    from: Range,
    to: Range,
}

fn copy(moves: &[Move], from: &[Slot], to: &mut [Slot]) {
    for part in moves {
        part.to.of_mut(to).copy_from_slice(part.from.of(from));
    }
}

/// A graph as a list of steps.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// What numbers are.
    precision: Precision,
    /// In the order of execution. In the body of a loop, what decides whether it goes on comes first.
    steps: Vec<Step>,
    /// How many steps that is.
    header: usize,
    operands: Vec<(Type, Range)>,
    /// The elements of constants; every evaluation starts from a copy.
    pub(super) initial: Vec<Slot>,
    /// The sizes of the tapes that its loops leave: numbers of a record, and bytes.
    tapes: Vec<(usize, usize)>,
}

#[derive(Debug)]
enum Step {
    Apply(Apply),
    Loop(Box<LoopStep>),
    Reverse(Box<ReverseStep>),
    Call(Box<CallStep>),
}

#[derive(Debug)]
struct Apply {
    op: Op,
    attr: u32,
    ty: Type,
    /// Where its operands are listed.
    first_operand: u32,
    operand_count: u32,
    to: Range,
}

/// What both kinds of region have.
#[derive(Debug)]
struct Iterated {
    body: Code,
    /// From around the region to the states.
    first: Vec<Move>,
    /// From around the region to the captures.
    captures: Vec<Move>,
    /// From the next states to the states.
    next: Vec<Move>,
    /// From the body to results around the region.
    results: Vec<Move>,
    /// The states, then the exit values, in the body.
    ends: Vec<Range>,
    /// The region's own truth value.
    own: u32,
}

#[derive(Debug)]
struct LoopStep {
    iterated: Iterated,
    /// Whether a row enters.
    enters: u32,
    goes_on: u32,
    limit: u64,
    /// For each state whether it is on the tape.
    kept: Vec<bool>,
    /// Which tape it leaves, if it leaves one.
    tape: Option<usize>,
}

#[derive(Debug)]
struct ReverseStep {
    iterated: Iterated,
    /// Which of the steps around it is the loop.
    reversed: usize,
    /// Where parts of a record go in the body: their position in the record.
    tape: Vec<(u32, Range)>,
}

/// A call of a recursive function.
#[derive(Debug)]
struct CallStep {
    function: usize,
    /// Whether the row calls.
    enters: u32,
    operands: Vec<Range>,
    /// Where outputs of the function go.
    results: Vec<(u32, Range)>,
    /// Where the number of what failed goes.
    failures: Vec<Range>,
    /// What it means that it is too deep.
    failure: u32,
    own: u32,
}

/// A recursive function.
#[derive(Debug)]
struct FunctionCode {
    code: Code,
    params: Vec<Range>,
    outputs: Vec<Range>,
    /// What failed.
    failed: Range,
}

/// The recursive functions of a program, and how deep they may go.
#[derive(Debug)]
pub(super) struct Functions {
    list: Vec<FunctionCode>,
    /// How many calls may be under way.
    depth: u64,
}

impl Functions {
    pub(super) fn of(graph: &Graph, tape_bytes: usize) -> Functions {
        let list = graph.functions.values().map(|function| {
            let body = &function.body;
            let coder = Coder::of(body, None);
            let params = (0..)
                .map_while(|k| body.source_node(Source::State(k)))
                .map(|node| coder.range(node))
                .collect();
            let outputs: Vec<Range> = body.outputs.iter().map(|output| coder.range(output.node)).collect();
            let failed = function.results.iter().position(|&role| role == ResultRole::Failure);
            let failed = outputs[failed.expect("a function says what failed")];
            FunctionCode { code: coder.finish(tape_bytes), params, outputs, failed }
        });
        Functions { list: list.collect(), depth: graph.limits.depth }
    }
}

/// The calls of one row.
struct Calls<'a> {
    functions: &'a Functions,
    /// How many are under way.
    depth: u64,
    /// What failed in one, as a call says it; 0 for nothing. Then no further call is made.
    failed: f64,
    /// Says whether to end.
    stop: &'a StopFlag,
}

/// Lists the steps of a graph.
pub(super) struct Coder<'a> {
    graph: &'a Graph,
    code: Code,
    places: EntityVec<Node, Range>,
    taped: EntityVec<Node, bool>,
    /// The step of each region.
    regions: HashMap<Node, usize>,
    in_place: InPlace,
}

impl<'a> Coder<'a> {
    /// The live nodes and all inputs of a graph, those that `header` marks first.
    pub(super) fn of(graph: &'a Graph, header: Option<&EntityVec<Node, bool>>) -> Coder<'a> {
        Coder::changing(graph, header, InPlace::default())
    }

    /// Prepares a body in which some values are changed in place.
    fn changing(graph: &'a Graph, header: Option<&EntityVec<Node, bool>>, in_place: InPlace) -> Coder<'a> {
        let mut coder = Coder {
            graph,
            code: Code { precision: graph.precision, ..Code::default() },
            places: EntityVec::filled(Range { slot: 0, len: 0 }, graph.len()),
            taped: graph.taped(),
            regions: HashMap::new(),
            in_place,
        };
        let live = graph.live();
        let inputs: Vec<Node> = (0..graph.inputs.len() as u32).map(|k| graph.input_node(k)).collect();
        inputs.iter().for_each(|&node| coder.node(node));
        let first = |node: Node| header.is_some_and(|header| header[node]);
        for header in [true, false] {
            let mut nodes: Vec<Node> = graph.nodes().filter(|&n| live[n] && first(n) == header).collect();
            nodes.retain(|&node| !matches!(graph.kind(node), NodeKind::Input(_)));
            nodes.sort_by_key(|&node| coder.in_place.late.get(node) == Some(&true));
            nodes.into_iter().for_each(|node| coder.node(node));
            if header {
                coder.code.header = coder.code.steps.len();
            }
        }
        coder
    }

    /// Shares the memory for tapes among the loops.
    pub(super) fn finish(mut self, tape_bytes: usize) -> Code {
        let count = self.code.count_tapes().max(1);
        self.code.size_tapes(tape_bytes / count);
        self.code
    }

    /// Where the elements of a node stand.
    pub(super) fn range(&self, node: Node) -> Range {
        self.places[node]
    }

    fn node(&mut self, node: Node) {
        let graph = self.graph;
        let ty = graph.ty(node);
        let written = self.in_place.updates.get(node) == Some(&true);
        let to = match written {
            true => self.places[graph.args(node)[0]],
            false => Range { slot: self.code.initial.len() as u32, len: ty.len() as u32 },
        };
        self.places[node] = to;
        let filler = match graph.kind(node) {
            NodeKind::Const(bits) => Slot::Number(f64::from_bits(bits)),
            NodeKind::Bool(value) => Slot::Truth(value),
            NodeKind::Input(_) | NodeKind::Apply(..) | NodeKind::Region(_) | NodeKind::Result(_) => {
                match ty.elem {
                    Elem::Num => Slot::Number(0.0),
                    Elem::Bool => Slot::Truth(false),
                }
            }
        };
        if !written {
            self.code.initial.resize(self.code.initial.len() + ty.len(), filler);
        }
        match graph.kind(node) {
            NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) => {}
            NodeKind::Apply(op, attr) => {
                let first_operand = self.code.operands.len() as u32;
                let places = &self.places;
                self.code.operands.extend(graph.args(node).iter().map(|&a| (graph.ty(a), places[a])));
                let operand_count = graph.args(node).len() as u32;
                self.code.steps.push(Step::Apply(Apply { op, attr, ty, first_operand, operand_count, to }));
            }
            NodeKind::Region(_) => self.region(node),
            // Filled by the step of the region.
            NodeKind::Result(k) => {
                let region = graph.args(node)[0];
                let step = self.regions[&region];
                match &mut self.code.steps[step] {
                    Step::Call(call) => {
                        call.results.push((k, to));
                        let (region, _) = graph.expect_region(region);
                        if let RegionKind::Call(called) = &region.kind
                            && called.results[k as usize].role == ResultRole::Failure
                        {
                            call.failures.push(to);
                        }
                    }
                    step @ (Step::Loop(_) | Step::Reverse(_)) => {
                        let iterated = step.iterated().expect("loops and reverse regions iterate");
                        let from = iterated.ends[k as usize];
                        iterated.results.push(Move { from, to });
                    }
                    Step::Apply(_) => unreachable!("an operation has no results"),
                }
            }
        }
    }

    fn region(&mut self, node: Node) {
        let (region, args) = self.graph.region_args(node).expect("the node is a region");
        if let RegionKind::Call(call) = &region.kind {
            self.regions.insert(node, self.code.steps.len());
            self.code.steps.push(Step::Call(Box::new(CallStep {
                function: call.function.index(),
                enters: self.range(args.control).slot,
                operands: args.first.iter().map(|&n| self.range(n)).collect(),
                results: Vec::new(),
                failures: Vec::new(),
                failure: call.failure,
                own: self.range(node).slot,
            })));
            return;
        }
        let header = region.goes_on().map(|_| region.header());
        let body = &region.body;
        let taped =
            self.taped[node].then(|| needed(region, self.graph.looked_at(node, region.states()), false));
        let in_place = InPlace::of(region, |k| taped.as_ref().is_none_or(|needed| !needed[k]));
        let kept: Vec<bool> = in_place.states.iter().map(|own| !own).collect();
        let inside = Coder::changing(body, header.as_ref(), in_place);
        let input = |source| body.source_node(source).map(|node| inside.range(node));
        let moves = |nodes: &[Node], source: fn(u32) -> Source| -> Vec<Move> {
            let inputs = (0u32..).zip(nodes).map(|(k, &node)| (node, input(source(k))));
            inputs.filter_map(|(node, to)| Some(Move { from: self.range(node), to: to? })).collect()
        };
        let (first, captures) = (moves(args.first, Source::State), moves(args.captures, Source::Capture));
        let next = first
            .iter()
            .zip(region.next())
            .map(|(state, next)| Move { from: inside.range(next), to: state.to })
            .filter(|part| part.from.slot != part.to.slot)
            .collect();
        let ends =
            first.iter().map(|state| state.to).chain(region.exits().map(|n| inside.range(n))).collect();
        let width =
            first.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(state, _)| state.to.len as usize).sum();
        let goes_on = region.goes_on().map(|node| inside.range(node).slot);
        let tape_of = |step: &LoopStep| {
            let (mut tape, mut position) = (Vec::new(), 0);
            for (k, (state, &kept)) in (0u32..).zip(step.iterated.ends.iter().zip(&step.kept)) {
                if kept {
                    tape.extend(input(Source::Tape(k)).map(|range| (position, range)));
                    position += state.len;
                }
            }
            tape
        };
        let reversed = match region.kind {
            RegionKind::Loop { .. } => None,
            RegionKind::Reverse { .. } => {
                let step = self.regions[&args.control];
                let Step::Loop(reversed) = &self.code.steps[step] else {
                    unreachable!("a reverse region is one of a loop")
                };
                Some((step, tape_of(reversed)))
            }
            RegionKind::Call(_) => unreachable!("calls have been dealt with"),
        };
        let own = self.range(node).slot;
        let iterated = Iterated { body: inside.code, first, captures, next, results: Vec::new(), ends, own };
        let step = match (&region.kind, reversed) {
            (&RegionKind::Loop { limit, .. }, _) => {
                let goes_on = goes_on.expect("a loop says whether it goes on");
                let tape = self.taped[node].then(|| {
                    self.code.tapes.push((width, 0));
                    self.code.tapes.len() - 1
                });
                let enters = self.range(args.control).slot;
                Step::Loop(Box::new(LoopStep { iterated, enters, goes_on, limit, kept, tape }))
            }
            (RegionKind::Reverse { .. } | RegionKind::Call(_), reversed) => {
                let (reversed, tape) = reversed.expect("a reverse region has a loop");
                Step::Reverse(Box::new(ReverseStep { iterated, reversed, tape }))
            }
        };
        self.regions.insert(node, self.code.steps.len());
        self.code.steps.push(step);
    }
}

impl Step {
    fn iterated(&mut self) -> Option<&mut Iterated> {
        match self {
            Step::Apply(_) | Step::Call(_) => None,
            Step::Loop(step) => Some(&mut step.iterated),
            Step::Reverse(step) => Some(&mut step.iterated),
        }
    }
}

/// What the evaluation of a graph works with.
#[derive(Default)]
struct Scratch {
    lanes: Vec<Lane<Scalar>>,
    tapes: Vec<Tape>,
    /// Next states, before they become the states.
    next: Vec<Slot>,
}

impl Code {
    fn count_tapes(&mut self) -> usize {
        let inside = self.steps.iter_mut().filter_map(Step::iterated).map(|i| i.body.count_tapes());
        inside.sum::<usize>() + self.tapes.len()
    }

    fn size_tapes(&mut self, bytes: usize) {
        self.tapes.iter_mut().for_each(|tape| tape.1 = bytes);
        self.steps.iter_mut().filter_map(Step::iterated).for_each(|i| i.body.size_tapes(bytes));
    }

    /// Evaluates all steps.
    pub(super) fn run(&self, slots: &mut [Slot], functions: &Functions, stop: &StopFlag) {
        let mut calls = Calls { functions, depth: 0, failed: 0.0, stop };
        self.run_steps(0, self.steps.len(), slots, &mut self.scratch(), &mut calls);
    }

    fn scratch(&self) -> Scratch {
        let tapes = self.tapes.iter().map(|&(width, bytes)| Tape::new(width, bytes)).collect();
        Scratch { tapes, ..Scratch::default() }
    }

    fn run_steps(
        &self,
        from: usize,
        to: usize,
        slots: &mut [Slot],
        scratch: &mut Scratch,
        calls: &mut Calls<'_>,
    ) {
        for step in &self.steps[from..to] {
            match step {
                Step::Apply(step) => self.apply(step, slots, &mut scratch.lanes),
                Step::Loop(step) => step.run(slots, scratch, calls),
                Step::Call(step) => step.run(slots, calls),
                Step::Reverse(step) => {
                    let Step::Loop(reversed) = &self.steps[step.reversed] else {
                        unreachable!("a reverse region is one of a loop")
                    };
                    step.run(reversed, slots, scratch, calls);
                }
            }
        }
    }

    fn apply(&self, step: &Apply, slots: &mut [Slot], lanes: &mut Vec<Lane<Scalar>>) {
        let operands = &self.operands[step.first_operand as usize..][..step.operand_count as usize];
        // The frequent case in short: one number, element by element.
        if step.op.elementwise() && operands.len() <= 3 && step.ty.is_scalar() {
            let mut elems = [Lane::M(false); 3];
            for (elem, (_, from)) in elems.iter_mut().zip(operands) {
                *elem = slots[from.slot as usize].lane();
            }
            slots[step.to.slot as usize] =
                Slot::of(step.op.eval_element(self.precision, &elems[..operands.len()]));
            return;
        }
        if let (Op::Gather, [(_, whole), (_, index)]) = (step.op, operands) {
            let (part, _) = place_of(*whole, step.to.len, slots[index.slot as usize].number());
            slots.copy_within(part..part + step.to.len as usize, step.to.slot as usize);
            return;
        }
        if let (Op::Update, [(_, whole), (_, part), (_, index)]) = (step.op, operands) {
            let (at, found) = place_of(step.to, part.len, slots[index.slot as usize].number());
            if whole.slot != step.to.slot {
                slots.copy_within(
                    whole.slot as usize..(whole.slot + whole.len) as usize,
                    step.to.slot as usize,
                );
            }
            if found {
                slots.copy_within(part.slot as usize..(part.slot + part.len) as usize, at);
            }
            return;
        }
        lanes.clear();
        for (_, from) in operands {
            lanes.extend(from.of(slots).iter().map(|slot| slot.lane()));
        }
        let mut rest = lanes.as_slice();
        let views: Vec<Operand<Scalar>> = operands
            .iter()
            .map(|&(ty, _)| {
                let (elems, others) = rest.split_at(ty.len());
                rest = others;
                Operand { ty, elems }
            })
            .collect();
        let result = step.op.eval_row(self.precision, step.attr, step.ty, &views);
        for (slot, lane) in step.to.of_mut(slots).iter_mut().zip(result) {
            *slot = Slot::of(lane);
        }
    }
}

/// Where the part of so many elements stands that a number counts to, or else the first one; and whether there is such a part. The
/// definitions of `gather` and `update` say the same, of copies of all elements.
fn place_of(whole: Range, len: u32, index: f64) -> (usize, bool) {
    let found = index.fract() == 0.0 && (0.0..f64::from(whole.len / len)).contains(&index);
    ((whole.slot + if found { index as u32 * len } else { 0 }) as usize, found)
}

impl Iterated {
    /// The slots of the body with the captures in them.
    fn slots(&self, around: &[Slot]) -> Vec<Slot> {
        let mut slots = self.body.initial.clone();
        copy(&self.captures, around, &mut slots);
        slots
    }

    /// The states become the next ones, all at once.
    fn advance(&self, slots: &mut [Slot], scratch: &mut Scratch) {
        scratch.next.clear();
        for part in &self.next {
            scratch.next.extend_from_slice(part.from.of(slots));
        }
        let mut from = scratch.next.iter();
        for part in &self.next {
            part.to.of_mut(slots).iter_mut().zip(&mut from).for_each(|(slot, &next)| *slot = next);
        }
    }
}

impl LoopStep {
    fn run(&self, around: &mut [Slot], outer: &mut Scratch, calls: &mut Calls<'_>) {
        let iterated = &self.iterated;
        let mut slots = iterated.slots(around);
        let mut scratch = iterated.body.scratch();
        copy(&iterated.first, around, &mut slots);
        let mut tape = self.tape.map(|k| outer.tapes[k].emptied());
        let limit = if tape.is_some() { self.limit.min(MAX_TAPED) } else { self.limit };
        let mut over = false;
        if around[self.enters as usize].truth() {
            let mut iterations = 0;
            loop {
                iterated.body.run_steps(0, iterated.body.header, &mut slots, &mut scratch, calls);
                if !slots[self.goes_on as usize].truth() {
                    break;
                }
                if calls.stop.is_set() {
                    break;
                }
                if iterations == limit {
                    over = true;
                    break;
                }
                iterations += 1;
                if let Some(tape) = &mut tape {
                    tape.push(self.state(&slots));
                }
                self.rest(&mut slots, &mut scratch, calls);
            }
        }
        if let (Some(k), Some(tape)) = (self.tape, tape) {
            outer.tapes[k] = tape;
        }
        copy(&iterated.results, &slots, around);
        around[iterated.own as usize] = Slot::Truth(over);
    }

    /// What an iteration does once it is known that there is one.
    fn rest(&self, slots: &mut [Slot], scratch: &mut Scratch, calls: &mut Calls<'_>) {
        let body = &self.iterated.body;
        body.run_steps(body.header, body.steps.len(), slots, scratch, calls);
        self.iterated.advance(slots, scratch);
    }

    fn state<'s>(&'s self, slots: &'s [Slot]) -> impl Iterator<Item = f64> + 's {
        self.on_tape().flat_map(|range| range.of(slots)).map(|slot| slot.number())
    }

    /// The states that are on the tape.
    fn on_tape(&self) -> impl Iterator<Item = Range> + '_ {
        self.iterated.ends.iter().zip(&self.kept).filter(|(_, kept)| **kept).map(|(range, _)| *range)
    }
}

/// The stack grows by so much when less than that is left of it: calls may be nested as deep as the limit says, whatever
/// the thread's own stack.
const STACK_LEFT: usize = 64 << 10;
const STACK_MORE: usize = 1 << 20;

impl CallStep {
    fn run(&self, around: &mut [Slot], calls: &mut Calls<'_>) {
        for (_, to) in &self.results {
            to.of_mut(around).fill(Slot::Number(0.0));
        }
        around[self.own as usize] = Slot::Truth(false);
        if !around[self.enters as usize].truth() {
            return;
        }
        if calls.failed != 0.0 || calls.stop.is_set() {
            // The row has failed in another call, or nobody waits for it.
        } else if calls.depth >= calls.functions.depth {
            calls.failed = f64::from(self.failure);
        } else {
            calls.depth += 1;
            stacker::maybe_grow(STACK_LEFT, STACK_MORE, || self.enter(around, calls));
            calls.depth -= 1;
            return;
        }
        for to in &self.failures {
            to.of_mut(around).fill(Slot::Number(calls.failed));
        }
        around[self.own as usize] = Slot::Truth(true);
    }

    fn enter(&self, around: &mut [Slot], calls: &mut Calls<'_>) {
        let function = &calls.functions.list[self.function];
        let mut slots = function.code.initial.clone();
        for (from, to) in self.operands.iter().zip(&function.params) {
            to.of_mut(&mut slots).copy_from_slice(from.of(around));
        }
        let code = &function.code;
        code.run_steps(0, code.steps.len(), &mut slots, &mut code.scratch(), calls);
        calls.failed = slots[function.failed.slot as usize].number();
        for &(k, to) in &self.results {
            to.of_mut(around).copy_from_slice(function.outputs[k as usize].of(&slots));
        }
    }
}

impl ReverseStep {
    fn run(&self, reversed: &LoopStep, around: &mut [Slot], outer: &mut Scratch, calls: &mut Calls<'_>) {
        let k = reversed.tape.expect("a loop that is reversed leaves a tape");
        let tape = std::mem::take(&mut outer.tapes[k]);
        let iterated = &self.iterated;
        let mut slots = iterated.slots(around);
        let mut scratch = iterated.body.scratch();
        copy(&iterated.first, around, &mut slots);
        let mut forward = reversed.iterated.slots(around);
        let mut forward_scratch = reversed.iterated.body.scratch();
        let mut segment: Vec<f64> = Vec::new();
        'tape: for checkpoint in (0..tape.checkpoints()).rev() {
            let record = tape.checkpoint(checkpoint);
            segment.clear();
            segment.extend_from_slice(record);
            let mut numbers = record.iter();
            for range in reversed.on_tape() {
                range
                    .of_mut(&mut forward)
                    .iter_mut()
                    .zip(&mut numbers)
                    .for_each(|(s, &x)| *s = Slot::Number(x));
            }
            let iterations = tape.segment(checkpoint);
            for _ in 1..iterations {
                if calls.stop.is_set() {
                    break 'tape;
                }
                let body = &reversed.iterated.body;
                body.run_steps(0, body.header, &mut forward, &mut forward_scratch, calls);
                reversed.rest(&mut forward, &mut forward_scratch, calls);
                segment.extend(reversed.state(&forward));
            }
            for k in (0..iterations).rev() {
                if calls.stop.is_set() {
                    break 'tape;
                }
                let record = &segment[k * record.len()..][..record.len()];
                for &(position, range) in &self.tape {
                    let numbers = &record[position as usize..];
                    range.of_mut(&mut slots).iter_mut().zip(numbers).for_each(|(s, &x)| *s = Slot::Number(x));
                }
                iterated.body.run_steps(0, iterated.body.steps.len(), &mut slots, &mut scratch, calls);
                iterated.advance(&mut slots, &mut scratch);
            }
        }
        copy(&iterated.results, &slots, around);
        around[iterated.own as usize] = Slot::Truth(tape.iterations() > 0);
        outer.tapes[k] = tape;
    }
}
