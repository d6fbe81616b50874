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
//!
//! Large states that are changed in place (`graph/in_place.rs`) have one set of cells, of which an iteration writes what it changes.
//! On a tape that has a record of each iteration is what they were where they changed, if the adjoint looks at them: it undoes the changes
//! one after the other. On other tapes a state that the adjoint looks at, or that has to be computed again for it, stands as a whole, and
//! is not changed in place.

use nc_runtime::lanes::Lanes;

use super::arrays::{Cells, Form};
use super::lanes::{Condition, LaneType, SBinary, Value};
use super::uniform::Uniform;
use super::{Lowering, Scope};
use crate::entity::EntityVec;
use crate::graph::in_place::{InPlace, needed};
use crate::graph::region::MAX_TAPED;
use crate::graph::{Elem, Graph, Node, NodeKind, Region, RegionKind, Source};
use crate::ops::array::Arrays;
use crate::ops::{LARGE, Lane};

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
    captures: Vec<Form>,
    /// What is the same for all rows in its body.
    inside: Uniform,
    /// Which states are on it.
    kept: Vec<bool>,
    /// States whose changes are undone.
    undone: Vec<Undone>,
}

/// A state that is changed in place, and of which the adjoint looks at all values.
#[derive(Debug, Clone)]
struct Undone {
    state: usize,
    /// Where it stands when the loop ends.
    last: Option<Cells>,
    /// For each update in its order where in a record the index stands that it is at, the elements behind it.
    updates: Vec<(Node, u32)>,
    /// How many elements each of them changes.
    lens: Vec<u32>,
}

/// The states of a loop that is about to begin. Large ones stand in memory twice: those of the iteration, and where the
/// next ones go.
struct First {
    small: Vec<Vec<Value>>,
    /// For each large state where it begins in either half, or in a record.
    places: Vec<Option<u32>>,
    /// For each state that is changed in place where it stands; none that nobody needs.
    own: Vec<Option<Cells>>,
    lens: Vec<u32>,
    cells: Cells,
    next: Next,
}

/// Where the large states of the next iteration go.
#[derive(Clone, Copy)]
enum Next {
    /// Nowhere: there are none.
    None,
    /// Into the other half of the cells, of so many.
    Half(u32),
    /// So many cells behind those of this iteration, which stay: a record of a tape.
    Record(u32),
}

impl Undone {
    /// The states of a loop that are changed in place and looked at, with places in a record from one on.
    fn of(region: &Region, in_place: &InPlace, looked_at: &[bool], mut place: u32) -> Vec<Undone> {
        let body = &region.body;
        let states = in_place.states.iter().zip(looked_at).enumerate();
        states
            .filter(|(_, (own, looked_at))| **own && **looked_at)
            .map(|(state, _)| {
                let chain = &in_place.chains[state];
                let len = |update: &Node| body.ty(body.args(*update)[1]).len() as u32;
                let lens: Vec<u32> = chain.iter().map(len).collect();
                let updates = chain.iter().zip(&lens).map(|(&update, len)| {
                    let at = place;
                    place = place.saturating_add(1 + len);
                    (update, at)
                });
                Undone { state, last: None, updates: updates.collect(), lens }
            })
            .collect()
    }

    /// Where in a record its last place ends.
    fn end(&self) -> u32 {
        self.updates
            .iter()
            .zip(&self.lens)
            .map(|(&(_, at), len)| at.saturating_add(1 + len))
            .max()
            .unwrap_or(0)
    }

    /// Where each update is noted, in a record at an offset.
    fn noted(&self, cell: u32, offset: Value) -> impl Iterator<Item = (Node, Cells)> + '_ {
        self.updates.iter().zip(&self.lens).map(move |(&(update, at), len)| {
            (update, Cells::at(cell.saturating_add(at), Some(offset), 1 + len, LaneType::F))
        })
    }
}

/// Whether a state is changed in place.
#[derive(Clone)]
enum Own {
    No,
    /// In cells that it gets.
    Yes,
    /// In these, where it stands already.
    Cells(Cells),
    /// It would be, and nobody needs it.
    Nothing,
}

impl Own {
    fn of(in_place: &InPlace) -> Vec<Own> {
        in_place.states.iter().map(|&own| if own { Own::Yes } else { Own::No }).collect()
    }
}

/// The states of an iteration.
struct States {
    first: First,
    small: Vec<Vec<Value>>,
    /// Where the half or record begins that holds them.
    current: Option<Value>,
}

impl States {
    fn cells(&self, k: usize, half: Option<Value>) -> Option<Cells> {
        let place = self.first.places[k]?;
        Some(self.first.cells.part(place, self.first.lens[k], half))
    }

    fn form(&self, k: usize) -> Form {
        match self.cells(k, self.current).or_else(|| self.first.own[k].clone()) {
            Some(cells) => cells.form(),
            None => Form::Lanes(self.small[k].iter().map(|&value| Lane::F(value)).collect()),
        }
    }

    fn forms(&self) -> Vec<Form> {
        (0..self.small.len()).map(|k| self.form(k)).collect()
    }
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
        let (region, _) = scope.graph.expect_region(node);
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

    /// Values as they can be used in a loop: nothing is left to be computed in each iteration.
    fn there(&self, scope: &Scope<'_>, nodes: &[Node]) -> Vec<Form> {
        let form = |&node: &Node| match &scope.values[node] {
            lanes @ Form::Lanes(_) => lanes.clone(),
            array @ Form::Array(_) => self.m.in_cells(array).form(),
        };
        nodes.iter().map(form).collect()
    }

    /// Prepares the states of a loop; `records` says where those of each iteration are to stay, and how many cells lie
    /// between them. `own` are those that are changed in place, and cells that they are in already.
    fn first(&self, forms: &[Form], records: Option<(u32, u32)>, own: &[Own]) -> First {
        let lens: Vec<u32> = forms.iter().map(Form::len).collect();
        let own: Vec<Option<Cells>> = forms
            .iter()
            .zip(own)
            .map(|(form, own)| match own {
                Own::No => None,
                Own::Nothing => Some(Cells::at(0, None, 0, LaneType::F)),
                Own::Cells(cells) => Some(cells.clone()),
                Own::Yes => {
                    let cells = self.m.allocate(Elem::Num, form.len());
                    self.m.write(&cells, form, None);
                    Some(cells)
                }
            })
            .collect();
        let mut width = 0;
        let mut places = Vec::new();
        for (form, own) in forms.iter().zip(&own) {
            if own.is_some() {
                places.push(None);
                continue;
            }
            let large = matches!(form, Form::Array(_));
            places.push(large.then_some(width));
            if large || records.is_some() {
                width += form.len();
            }
        }
        let (cells, next) = match records {
            _ if places.iter().all(Option::is_none) => (self.m.allocate(Elem::Num, 0), Next::None),
            Some((cell, between)) => (Cells::at(cell, None, width, LaneType::F), Next::Record(between)),
            None => (self.m.allocate(Elem::Num, 2 * width), Next::Half(width)),
        };
        let small = forms
            .iter()
            .zip(&places)
            .map(|(form, place)| match (form, place) {
                (Form::Array(_), &Some(place)) => {
                    self.m.write(&cells.part(place, form.len(), None), form, None);
                    Vec::new()
                }
                (Form::Lanes(lanes), _) => lanes.iter().map(|lane| lane.f()).collect(),
                (Form::Array(_), None) => Vec::new(),
            })
            .collect();
        First { small, places, own, lens, cells, next }
    }

    /// The states in the innermost loop, which has just begun.
    fn begin(&self, first: First) -> States {
        let l = self.l;
        let small = first.small.iter().map(|lanes| lanes.iter().map(|&lane| l.phi(lane)).collect()).collect();
        let current = match first.next {
            Next::None => None,
            Next::Half(_) | Next::Record(_) => Some(l.phi(l.s(0))),
        };
        States { first, small, current }
    }

    /// Evaluates the rest of a body. Large states for the next iteration are written by the same loops that sum up
    /// elements, where they do not depend on such sums.
    fn finish(
        &mut self,
        body: &mut Scope<'_>,
        region: &Region,
        states: &States,
        active: Option<Value>,
        mask: Option<Value>,
    ) {
        body.rows = mask;
        let summed = if body.in_place.any() { None } else { after_sums(body.graph) };
        let early = summed.as_ref().filter(|_| !matches!(states.first.next, Next::None));
        let mut written = vec![false; states.small.len()];
        if let Some(early) = early {
            self.nodes(body, Some(early), active);
            let other = self.other(states);
            for (k, next) in region.next().enumerate().filter(|&(_, next)| early[next]) {
                if let (Some(to), Some(old)) = (states.cells(k, other), states.cells(k, states.current)) {
                    self.m.write_along(&to, &body.values[next], mask.map(|mask| (mask, &old)));
                    written[k] = true;
                }
            }
        }
        self.nodes(body, None, active);
        self.m.flush();
        let next: Vec<Option<Form>> = region
            .next()
            .zip(written.iter().zip(&states.first.own))
            .map(|(next, (&written, own))| (!written && own.is_none()).then(|| body.values[next].clone()))
            .collect();
        self.advance(states, &next, mask);
    }

    /// Where the half or record begins that takes the states of the next iteration.
    fn other(&self, states: &States) -> Option<Value> {
        let l = self.l;
        states.current.map(|current| match states.first.next {
            Next::None => current,
            Next::Half(width) => l.s_binary(SBinary::Sub, l.s(width.into()), current),
            Next::Record(width) => l.s_binary(SBinary::Add, current, l.s(width.into())),
        })
    }

    /// What the next iteration of the innermost loop gets, for the rows of a mask; nothing for a state that is there.
    fn advance(&self, states: &States, next: &[Option<Form>], mask: Option<Value>) {
        let l = self.l;
        let other = self.other(states);
        for (k, form) in next.iter().enumerate() {
            let Some(form) = form else { continue };
            if let (Some(to), Some(old)) = (states.cells(k, other), states.cells(k, states.current)) {
                self.m.write(&to, form, mask.map(|mask| (mask, &old)));
            } else if let Form::Lanes(lanes) = form {
                for (lane, &phi) in lanes.iter().zip(&states.small[k]) {
                    l.next(phi, mask.map_or(lane.f(), |mask| l.select(mask, lane.f(), phi)));
                }
            }
        }
        if let (Some(current), Some(other)) = (states.current, other) {
            l.next(current, other);
        }
    }

    fn enter(&mut self, scope: &mut Scope<'_>, node: Node, limit: u64, active: Option<Value>) {
        let graph = scope.graph;
        let (region, args) = graph.expect_region(node);
        let l = self.l;
        let (uniform, inside) = scope.uniform.take(node);
        let entry = self.some(self.and(active, scope.values[args.control].lane().m()));
        let first: Vec<Form> = args.first.iter().map(|&n| scope.values[n].clone()).collect();
        let captures = self.there(scope, args.captures);
        let mut in_place = self.in_place(region, None);
        let mut tape = None;
        if scope.taped[node] {
            let looked_at = graph.looked_at(node, region.states());
            let again = needed(region, looked_at.clone(), false);
            for unless in [None, Some(&looked_at), Some(&again)] {
                in_place = self.in_place(region, unless.map(Vec::as_slice));
                let kept = first.iter().zip(&in_place.states).filter(|(_, own)| !**own);
                let numbers = kept.map(|(form, _)| form.len()).sum::<u32>() + u32::from(!uniform);
                let undone = Undone::of(region, &in_place, &looked_at, numbers);
                let width = undone.iter().map(Undone::end).fold(numbers, u32::max);
                if unless == Some(&again) || self.is_complete(width, limit) {
                    let places = (&in_place, undone);
                    tape = Some(self.tape(region, width, limit, !uniform, entry, &captures, &inside, places));
                    break;
                }
            }
        }

        let records = tape.as_ref().filter(|tape| tape.complete).map(|tape| (tape.cell, tape.width));
        let first = self.first(&first, records, &Own::of(&in_place));
        let exit_cells = self.exit_cells(region, !uniform);
        l.begin();
        let states = self.begin(first);
        let going = (!uniform).then(|| l.phi(entry.unwrap_or_else(|| l.m(true))));
        let count = l.phi(l.s(0));
        let taping = tape.as_ref().filter(|tape| !tape.complete).map(|_| (l.phi(l.s(0)), l.phi(l.s(1))));
        let header = region.header();
        let mut body = Scope::new(&region.body, inside);
        body.in_place = in_place;
        bind(&mut body, Source::State, &states.forms());
        bind(&mut body, Source::Capture, &captures);
        // Values are needed again behind the test.
        self.nodes(&mut body, Some(&header), going.or(entry));
        let goes_on = region.goes_on().expect("a loop has a test");
        let goes_on = body.values[goes_on].lane().m();
        let iterates = self.and(going.or(entry), goes_on);
        // A row that has stopped keeps the exit values that it stopped with.
        let exits: Vec<Form> = region
            .exits()
            .zip(&exit_cells)
            .map(|(exit, cells)| match (&body.values[exit], cells) {
                (Form::Lanes(lanes), _) => {
                    let lanes = lanes.iter().map(|lane| lane.f());
                    let kept = lanes.map(|value| match going {
                        Some(going) => {
                            let phi = l.phi(l.f(0.0));
                            let value = l.select(going, value, phi);
                            l.next(phi, value);
                            value
                        }
                        None => value,
                    });
                    Form::Lanes(kept.map(Lane::F).collect())
                }
                (array, Some(cells)) => {
                    self.m.write(cells, array, going.map(|going| (going, cells)));
                    cells.form()
                }
                (array, None) => array.clone(),
            })
            .collect();
        let limit = if tape.is_some() { limit.min(MAX_TAPED) } else { limit };
        l.test(vec![Condition::Any(iterates), Condition::Below(count, l.s(limit))]);
        if let Some(tape) = &tape {
            let mask = going.map(|_| iterates);
            let offset = l.s_binary(SBinary::Mul, count, l.s(tape.width.into()));
            for undone in &tape.undone {
                body.log.extend(undone.noted(tape.cell, offset));
            }
            match taping {
                None => self.store_record(tape.cell, count, tape.width, &states, mask),
                Some((record, stride)) => {
                    let kept = self.is_kept(count, stride);
                    self.store_record_if(kept, tape.cell, record, tape.width, &states, mask);
                }
            }
        }
        let mask = going.map(|_| iterates);
        self.finish(&mut body, region, &states, mask.or(entry), mask);
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
            for undone in &mut tape.undone {
                undone.last.clone_from(&states.first.own[undone.state]);
            }
            (tape.records, tape.stride) = taping.unwrap_or((count, l.s(1)));
            scope.tapes.insert(node, tape.clone());
        }
        let results: Vec<Form> = states.forms().into_iter().chain(exits).collect();
        leave(scope, node, iterates, &results);
    }

    /// What is changed in place in a body, of the states that are not needed on a tape.
    fn in_place(&self, region: &Region, needed: Option<&[bool]>) -> InPlace {
        InPlace::of(region, |k| self.m.has_cells() && needed.is_none_or(|needed| !needed[k]))
    }

    /// Whether a tape has room for a record of each iteration.
    fn is_complete(&self, width: u32, limit: u64) -> bool {
        self.tape_cells / u64::from(width.max(1)) >= limit.min(MAX_TAPED)
    }

    #[allow(clippy::too_many_arguments, reason = "all of it describes one tape")]
    fn tape<'g>(
        &self,
        region: &'g Region,
        width: u32,
        limit: u64,
        masked: bool,
        entry: Option<Value>,
        captures: &[Form],
        inside: &Uniform,
        (in_place, undone): (&InPlace, Vec<Undone>),
    ) -> Tape<'g> {
        let l = self.l;
        let records = self.tape_cells / u64::from(width.max(1));
        let complete = self.is_complete(width, limit);
        let limit = limit.min(MAX_TAPED);
        // A power of two is even and can be halved; half of the memory is for what lies between two records.
        let least = (2 * limit).isqrt() + 2;
        let most = (records / 2 + 1).next_power_of_two() / 2;
        let capacity = if complete { limit } else { most.max(least.next_power_of_two()) };
        let none = l.s(0);
        // What is more than all memory is refused when it is known how much there is in all.
        let cells = (capacity + 1).saturating_mul(width.into()).try_into().unwrap_or(u32::MAX);
        Tape {
            region,
            iterations: none,
            records: none,
            stride: none,
            cell: l.cells(cells),
            segment: if complete { 0 } else { l.cells(cells) },
            width,
            capacity,
            complete,
            masked,
            entry,
            captures: captures.to_vec(),
            inside: inside.clone(),
            kept: in_place.states.iter().map(|own| !own).collect(),
            undone,
        }
    }

    /// Writes a record, but for those states that stand in it already.
    fn store_record(&self, cell: u32, record: Value, width: u32, states: &States, mask: Option<Value>) {
        let l = self.l;
        let offset = l.s_binary(SBinary::Mul, record, l.s(width.into()));
        let mut place = cell;
        let there = matches!(states.first.next, Next::Record(_));
        for (k, (form, in_cells)) in states.forms().into_iter().zip(&states.first.places).enumerate() {
            if states.first.own[k].is_some() {
                continue;
            }
            if in_cells.is_none() || !there {
                self.m.write(&Cells::at(place, Some(offset), form.len(), LaneType::F), &form, None);
            }
            place = place.saturating_add(form.len());
        }
        if let Some(mask) = mask {
            l.store(place, offset, mask);
        }
    }

    /// Writes a record if it is one to keep. One of few numbers is written in any case, as the next one replaces it.
    fn store_record_if(
        &self,
        kept: Value,
        cell: u32,
        record: Value,
        width: u32,
        states: &States,
        mask: Option<Value>,
    ) {
        match states.first.next {
            Next::None => self.store_record(cell, record, width, states, mask),
            Next::Half(_) | Next::Record(_) => self.m.stride(self.l.s(0), kept, 1, |_| {
                self.store_record(cell, record, width, states, mask);
            }),
        }
    }

    /// Whether the record before an iteration is one of those to keep.
    fn is_kept(&self, count: Value, stride: Value) -> Value {
        let l = self.l;
        let below = l.s_binary(SBinary::Sub, stride, l.s(1));
        let rest = l.s_binary(SBinary::And, count, below);
        l.s_binary(SBinary::Eq, rest, l.s(0))
    }

    /// Keeps the record that was just written if it is one of those to keep, and makes room for the next.
    fn keep_record(&self, tape: &Tape<'_>, count: Value, records: Value, stride: Value) {
        let l = self.l;
        let (zero, one) = (l.s(0), l.s(1));
        let kept = l.s_binary(SBinary::Add, records, self.is_kept(count, stride));
        let full = l.s_binary(SBinary::Eq, kept, l.s(tape.capacity));
        let half = l.s(tape.capacity / 2);
        let end = l.s_select(full, half, zero);
        l.begin();
        let k = l.phi(one);
        l.test(vec![Condition::Below(k, end)]);
        let width = l.s(tape.width.into());
        let to = l.s_binary(SBinary::Mul, k, width);
        let from = l.s_binary(SBinary::Add, to, to);
        let numbers = tape.width - u32::from(tape.masked);
        let record = |offset| Cells::at(tape.cell, Some(offset), numbers, LaneType::F);
        let moved = self.m.normal(record(from).form());
        self.m.write(&record(to), &moved, None);
        if tape.masked {
            let place = tape.cell.saturating_add(numbers);
            let mask = l.load(LaneType::M, place, from);
            l.store(place, to, mask);
        }
        l.next(k, l.s_binary(SBinary::Add, k, one));
        l.end(None);
        l.next(records, l.s_select(full, half, kept));
        l.next(stride, l.s_binary(SBinary::Shl, stride, full));
    }

    fn reverse(&mut self, scope: &mut Scope<'_>, node: Node) {
        let graph = scope.graph;
        let (region, args) = graph.expect_region(node);
        let tape = scope.tapes.get(&args.control).expect("a loop that is reversed leaves a tape").clone();
        let l = self.l;
        let first: Vec<Form> = args.first.iter().map(|&n| scope.values[n].clone()).collect();
        let captures = self.there(scope, args.captures);
        let never = l.m(false);
        let in_place = self.in_place(region, None);
        let own = Own::of(&in_place);
        let (results, ran) = if tape.complete {
            let from = l.s(tape.cell.into());
            let (from, length) = (from, tape.iterations);
            self.iterate_back(
                scope,
                node,
                region,
                &tape,
                &captures,
                (from, length),
                (&first, &own),
                in_place,
                never,
            )
        } else {
            let (zero, one) = (l.s(0), l.s(1));
            let single = l.s_binary(SBinary::Eq, tape.stride, one);
            let some = l.s_binary(SBinary::Min, tape.iterations, one);
            let segments = l.s_select(single, some, tape.records);
            let first = self.first(&first, None, &own);
            let within = |cells: &Option<Cells>| cells.clone().map_or(Own::No, Own::Cells);
            let own: Vec<Own> = first.own.iter().map(within).collect();
            l.begin();
            let left = l.phi(segments);
            let ran = l.phi(never);
            let states = self.begin(first);
            l.test(vec![Condition::Below(zero, left)]);
            let record = l.s_binary(SBinary::Sub, left, one);
            let start = l.s_binary(SBinary::Mul, record, tape.stride);
            let start = l.s_select(single, zero, start);
            let rest = l.s_binary(SBinary::Sub, tape.iterations, start);
            let length = l.s_binary(SBinary::Min, tape.stride, rest);
            let length = l.s_select(single, tape.iterations, length);
            // It never is more: this says so to the verifier, which does not know why.
            let length = l.s_binary(SBinary::Min, length, l.s(tape.capacity));
            let again = l.s_select(single, zero, length);
            self.iterate_again(&tape, record, again);
            let from = l.s_select(single, l.s(tape.cell.into()), l.s(tape.segment.into()));
            let first = (states.forms(), own);
            let first = (first.0.as_slice(), first.1.as_slice());
            let (next, ran_here) = self.iterate_back(
                scope,
                node,
                region,
                &tape,
                &captures,
                (from, length),
                first,
                in_place,
                ran,
            );
            let next: Vec<Option<Form>> = next
                .into_iter()
                .zip(&states.first.own)
                .map(|(form, own)| own.is_none().then_some(form))
                .collect();
            self.advance(&states, &next, None);
            l.next(ran, ran_here);
            l.next(left, record);
            l.end(None);
            (states.forms(), ran)
        };
        leave(scope, node, ran, &results);
    }

    /// Iterates forward from a record and keeps the states of `length` iterations.
    fn iterate_again(&mut self, tape: &Tape<'_>, record: Value, length: Value) {
        let l = self.l;
        let region = tape.region;
        let offset = l.s_binary(SBinary::Mul, record, l.s(tape.width.into()));
        let mut place = tape.cell;
        let first: Vec<Form> = region
            .next()
            .zip(&tape.kept)
            .map(|(n, &kept)| match kept {
                true => self.record(&mut place, offset, region.body.ty(n).len()),
                false => Form::none(),
            })
            .collect();
        let mask = tape.masked.then(|| l.load(LaneType::M, place, offset));
        let own: Vec<Own> = tape.kept.iter().map(|&kept| if kept { Own::No } else { Own::Nothing }).collect();
        let first = self.first(&first, Some((tape.segment, tape.width)), &own);
        l.begin();
        let states = self.begin(first);
        let going = mask.map(|mask| l.phi(mask));
        let count = l.phi(l.s(0));
        let mut body = Scope::new(&region.body, tape.inside.clone());
        if tape.kept.contains(&false) {
            let kept = region.next().zip(&tape.kept).filter(|(_, kept)| **kept).map(|(next, _)| next);
            body.limit(region.goes_on().into_iter().chain(kept));
        }
        bind(&mut body, Source::State, &states.forms());
        bind(&mut body, Source::Capture, &tape.captures);
        let iterates = match going {
            Some(going) => {
                self.nodes(&mut body, Some(&region.header()), Some(going));
                let goes_on = region.goes_on().expect("a loop has a test");
                let goes_on = body.values[goes_on].lane().m();
                Some(l.and(going, goes_on))
            }
            None => None,
        };
        l.test(vec![Condition::Below(count, length)]);
        self.store_record(tape.segment, count, tape.width, &states, iterates);
        self.finish(&mut body, region, &states, iterates.or(tape.entry), iterates);
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
        captures: &[Form],
        (from, length): (Value, Value),
        (first, own): (&[Form], &[Own]),
        in_place: InPlace,
        ran: Value,
    ) -> (Vec<Form>, Value) {
        let l = self.l;
        let (zero, one) = (l.s(0), l.s(1));
        // What is undone is what the loop has left, which others may still look at.
        let undone: Vec<(Cells, &Undone)> = tape
            .undone
            .iter()
            .map(|undone| {
                let last = undone.last.as_ref().expect("a state that is changed in place has cells").form();
                let cells = self.m.allocate(Elem::Num, last.len());
                self.m.write(&cells, &last, None);
                (cells, undone)
            })
            .collect();
        let first = self.first(first, None, own);
        l.begin();
        let left = l.phi(length);
        let states = self.begin(first);
        let ran = l.phi(ran);
        l.test(vec![Condition::Below(zero, left)]);
        let here = l.s_binary(SBinary::Sub, left, one);
        let offset = l.s_binary(SBinary::Mul, here, l.s(tape.width.into()));
        let offset = l.s_binary(SBinary::Add, from, offset);
        let mut position = 0;
        let looped = tape.region;
        let lengths: Vec<usize> = looped.next().map(|n| looped.body.ty(n).len()).collect();
        let mut body = Scope::new(&region.body, scope.uniform.take(node).1);
        body.in_place = in_place;
        for (k, (len, &kept)) in (0u32..).zip(lengths.into_iter().zip(&tape.kept)) {
            if !kept {
                continue;
            }
            if let Some(input) = region.body.source_node(Source::Tape(k))
                && body.live[input]
            {
                body.values[input] = self.record(&mut position, offset, len);
            } else {
                position += len as u32;
            }
        }
        let active = if tape.masked { Some(l.load(LaneType::M, position, offset)) } else { tape.entry };
        for (cells, undone) in &undone {
            let noted: Vec<(Node, Cells)> = undone.noted(0, offset).collect();
            noted.iter().rev().for_each(|(_, noted)| self.m.undo(cells, noted, active));
            if let Some(input) = region.body.source_node(Source::Tape(undone.state as u32)) {
                body.values[input] = cells.form();
            }
        }
        bind(&mut body, Source::State, &states.forms());
        bind(&mut body, Source::Capture, captures);
        self.finish(&mut body, region, &states, active, active);
        let here_ran = active.map_or_else(|| l.m(true), |active| l.or(ran, active));
        l.next(ran, here_ran);
        l.next(left, here);
        l.end(active);
        (states.forms(), ran)
    }

    /// The part of a record that begins at a place, and goes on behind it.
    fn record(&self, place: &mut u32, offset: Value, len: usize) -> Form {
        let cells = Cells::at(*place, Some(offset), len as u32, LaneType::F);
        *place = place.saturating_add(len as u32);
        self.m.normal(cells.form())
    }

    /// For each large exit value of a loop the cells that it goes to; zeros in them for rows that never enter.
    fn exit_cells(&self, region: &Region, masked: bool) -> Vec<Option<Cells>> {
        let shape = |exit: Node| region.body.ty(exit);
        let large = region.exits().map(|exit| Some(shape(exit)).filter(|ty| !self.m.is_small(ty.len())));
        large
            .map(|ty| {
                let ty = ty?;
                let cells = self.m.allocate(ty.elem, ty.len() as u32);
                if masked {
                    self.m.write(&cells, &self.m.fill(Lane::F(self.l.f(0.0)), ty.len() as u32), None);
                }
                Some(cells)
            })
            .collect()
    }
}

/// The nodes that do not depend on sums of many elements and the like; nothing if there are no such sums.
fn after_sums(body: &Graph) -> Option<EntityVec<Node, bool>> {
    let mut early = EntityVec::filled(true, body.len());
    let mut any = false;
    for node in body.nodes() {
        let args = body.args(node);
        let sums = body.op(node).is_some_and(|op| {
            let large = args.iter().any(|&arg| body.ty(arg).len() > LARGE);
            large && body.ty(node).is_scalar() && !op.moves()
        });
        any |= sums;
        early[node] = !sums && args.iter().all(|&arg| early[arg]);
    }
    any.then_some(early)
}

/// Gives the inputs of a body their values.
fn bind(body: &mut Scope<'_>, source: fn(u32) -> Source, values: &[Form]) {
    let nodes: Vec<Option<Node>> = inputs(body.graph, source, values.len()).collect();
    for (node, lanes) in nodes.into_iter().zip(values) {
        if let Some(node) = node {
            body.values[node] = lanes.clone();
        }
    }
}

/// Leaves the results of a region with their nodes.
pub(super) fn leave(scope: &mut Scope<'_>, node: Node, own: Value, results: &[Form]) {
    scope.values[node] = Form::Lanes(vec![Lane::M(own)]);
    for user in scope.results.remove(&node).unwrap_or_default() {
        if let NodeKind::Result(k) = scope.graph.kind(user) {
            scope.values[user] = results[k as usize].clone();
        }
    }
}
