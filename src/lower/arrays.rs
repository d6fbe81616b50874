//! Values of many elements: they stand in memory, and loops go over their elements.
//!
//! A value of more than [`LARGE`](crate::ops::LARGE) elements, or of fewer beside products of large matrices, is a [`Form::Array`]: elements in memory cells or columns,
//! one lane for all, or an operation on the elements of other arrays that is carried out where an element is wanted. The last makes one loop of
//! operations that follow each other. Cells return to a free list when the last array that stands in them is dropped.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use nc_runtime::lanes::{Lanes, Precision};

use super::lanes::{Condition, Inst, LaneType, SBinary, Value};
use super::record::Recorder;
use crate::graph::{Elem, Type};
use crate::ops::array::{Arrays, turned};
use crate::ops::{Lane, Op};

/// Operations that one loop carries out for an element at the most.
const MAX_FUSED: usize = 48;

/// Elements that an iteration of a loop works on.
const UNROLL: u32 = 4;

/// Terms that an iteration adds to sums that go through one loop next to each other.
const SUMS_TOGETHER: u32 = 16;

/// Loops whose elements take more operations are not unrolled.
const MAX_UNROLLED: usize = 12;

/// Additions and the like that are done again rather than stored and loaded.
const MAX_AGAIN: usize = 8;

/// The elements of a value.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// One by one.
    Lanes(Vec<Lane<Recorder>>),
    /// In memory, or yet to be computed.
    Array(Array),
}

impl Form {
    pub(super) fn none() -> Form {
        Form::Lanes(Vec::new())
    }

    /// The first element of a value that is no array.
    pub(crate) fn lane(&self) -> Lane<Recorder> {
        match self {
            Form::Lanes(lanes) => lanes[0],
            Form::Array(_) => unreachable!("only values of many elements are arrays"),
        }
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> u32 {
        match self {
            Form::Lanes(lanes) => lanes.len() as u32,
            Form::Array(array) => array.len,
        }
    }
}

/// An operand of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(super) ty: Type,
    pub(super) form: Form,
    /// Whether the operation writes its result over it.
    pub(super) written: Option<Written>,
}

/// An operand that the result is written over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// The rows in which it changes, if not in all.
    pub(super) rows: Option<Value>,
}

/// A place that each row has for itself.
#[derive(Debug)]
pub(crate) struct Spot {
    /// Its distance from the first, an integer.
    place: Value,
    /// The rows that have one.
    found: Value,
    /// How many places there are.
    count: Value,
}

/// Elements from a place in an expression on.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    of: Rc<Elements>,
    shift: u32,
    len: u32,
    ty: LaneType,
}

/// Where elements come from.
#[derive(Debug)]
enum Elements {
    Cells {
        cell: u32,
        offset: Option<Value>,
        /// What keeps the cells from being used for something else.
        _block: Option<Rc<Block>>,
    },
    Columns(u32),
    Params(u32),
    /// The same for all.
    Same(Lane<Recorder>),
    /// An operation, element by element. `size` counts the operations in it, `cost` weighs them.
    Apply {
        op: Op,
        args: Vec<Array>,
        size: usize,
        cost: usize,
    },
    /// Parts one behind the other.
    Parts(Vec<Form>),
    /// A matrix whose columns are the rows of one that stands in parameters from here on. It has so many rows.
    Turned {
        first: u32,
        rows: u32,
    },
}

impl Elements {
    /// Whether they are written before an operation looks at them one by one.
    fn is_apart(&self) -> bool {
        match self {
            Elements::Parts(_) | Elements::Turned { .. } => true,
            Elements::Cells { .. }
            | Elements::Columns(_)
            | Elements::Params(_)
            | Elements::Same(_)
            | Elements::Apply { .. } => false,
        }
    }
}

/// Memory cells that belong together.
#[derive(Debug)]
pub(super) struct Block {
    cell: u32,
    len: u32,
    free: Rc<RefCell<Free>>,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.free.borrow_mut().give(self.cell, self.len);
    }
}

/// Cells that are not in use: where they begin, and how many there are.
#[derive(Debug, Default)]
struct Free(Vec<(u32, u32)>);

impl Free {
    fn give(&mut self, cell: u32, len: u32) {
        let at = self.0.partition_point(|&(start, _)| start < cell);
        self.0.insert(at, (cell, len));
        let join = |runs: &mut Vec<(u32, u32)>, k: usize| {
            if let (Some(&(a, n)), Some(&(b, m))) = (runs.get(k), runs.get(k + 1))
                && a + n == b
            {
                runs[k].1 += m;
                runs.remove(k + 1);
            }
        };
        join(&mut self.0, at);
        if at > 0 {
            join(&mut self.0, at - 1);
        }
    }

    /// The smallest run that is long enough.
    fn take(&mut self, len: u32) -> Option<u32> {
        let fits = self.0.iter().enumerate().filter(|(_, run)| run.1 >= len);
        let (k, _) = fits.min_by_key(|(_, run)| run.1)?;
        let cell = self.0[k].0;
        self.0[k].0 += len;
        self.0[k].1 -= len;
        if self.0[k].1 == 0 {
            self.0.remove(k);
        }
        Some(cell)
    }
}

/// The memory cells of a program that is being recorded, and loops over what is in them.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    l: &'a Recorder,
    /// Values of more elements than this stand in memory.
    limit: usize,
    free: Rc<RefCell<Free>>,
    pending: RefCell<Vec<Pending>>,
}

/// A part of an array that is yet to be written: the next loop over elements does it along the way.
#[derive(Debug, Clone)]
struct Pending {
    to: Cells,
    /// Where the part begins in `to`.
    first: u32,
    array: Array,
    /// What stays where a mask does not hold.
    kept: Option<(Value, Cells)>,
    /// The loops around it.
    depth: usize,
}

/// What an iteration has loaded.
type Loaded = HashMap<(u32, Option<Value>), Value>;

/// An array that stands in cells and can be written.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    block: Option<Rc<Block>>,
    cell: u32,
    offset: Option<Value>,
    len: u32,
    ty: LaneType,
    /// The rows in which parts that each row has for itself are written, if not in all.
    rows: Option<Value>,
    /// Whether they are no cells but parameters, which are read only.
    shared: bool,
}

impl Cells {
    /// Cells that the caller keeps from being used otherwise.
    pub(super) fn at(cell: u32, offset: Option<Value>, len: u32, ty: LaneType) -> Cells {
        Cells { block: None, cell, offset, len, ty, rows: None, shared: false }
    }

    /// Some of them.
    pub(super) fn part(&self, first: u32, len: u32, offset: Option<Value>) -> Cells {
        Cells { cell: self.cell.wrapping_add(first), len, offset, ..self.clone() }
    }

    /// As a value.
    pub(crate) fn form(&self) -> Form {
        Form::Array(self.array())
    }

    fn array(&self) -> Array {
        debug_assert!(!self.shared, "parameters are looked at where they stand");
        let of = Elements::Cells { cell: self.cell, offset: self.offset, _block: self.block.clone() };
        Array { of: Rc::new(of), shift: 0, len: self.len, ty: self.ty }
    }
}

pub(super) fn lane_type(elem: Elem) -> LaneType {
    match elem {
        Elem::Num => LaneType::F,
        Elem::Bool => LaneType::M,
    }
}

fn type_of(lane: Lane<Recorder>) -> LaneType {
    match lane {
        Lane::F(_) => LaneType::F,
        Lane::M(_) => LaneType::M,
    }
}

impl Lane<Recorder> {
    /// Whatever it is.
    pub(crate) fn value(self) -> Value {
        match self {
            Lane::F(value) | Lane::M(value) => value,
        }
    }

    /// Another value of the same kind.
    fn of_this_kind(self, value: Value) -> Lane<Recorder> {
        match self {
            Lane::F(_) => Lane::F(value),
            Lane::M(_) => Lane::M(value),
        }
    }
}

impl<'a> Memory<'a> {
    pub(super) fn new(l: &'a Recorder, limit: usize) -> Memory<'a> {
        Memory { l, limit, free: Rc::default(), pending: RefCell::default() }
    }

    /// Whether there is memory at all.
    pub(super) fn has_cells(&self) -> bool {
        self.limit < usize::MAX
    }

    /// Whether a value of so many elements is taken apart.
    pub(super) fn is_small(&self, len: usize) -> bool {
        len <= self.limit
    }

    /// Elements that are there one by one, in the form for so many.
    pub(super) fn form(&self, lanes: Vec<Lane<Recorder>>) -> Form {
        let form = Form::Lanes(lanes);
        if self.is_small(form.len() as usize) { form } else { self.in_cells(&form).form() }
    }

    /// The elements one by one, however many.
    pub(super) fn elements_of(&self, form: &Form) -> Vec<Lane<Recorder>> {
        match form {
            Form::Lanes(lanes) => lanes.clone(),
            array @ Form::Array(_) => {
                let cells = self.in_cells(array);
                (0..cells.len).map(|k| self.read(&cells, k, self.s(0))).collect()
            }
        }
    }

    /// A number that is the same for all rows.
    fn s(&self, value: u32) -> Value {
        self.l.s(value.into())
    }

    /// A position as one that is computed and a number that is added to it.
    fn taken_apart(&self, position: Value) -> (Option<Value>, u64) {
        match self.l.inst(position) {
            Inst::S(number) => (None, number),
            Inst::SBinary(SBinary::Add, a, b) => match (self.l.inst(a), self.l.inst(b)) {
                (_, Inst::S(number)) => (Some(a), number),
                (Inst::S(number), _) => (Some(b), number),
                _ => (Some(position), 0),
            },
            _ => (Some(position), 0),
        }
    }

    /// The sum of two such numbers. What is known is added last, so that elements next to each other differ in that alone.
    fn s_add(&self, a: Value, b: Value) -> Value {
        let ((a, more), (b, further)) = (self.taken_apart(a), self.taken_apart(b));
        let number = more.wrapping_add(further);
        let computed = match (a, b) {
            (Some(a), Some(b)) => Some(self.l.s_binary(SBinary::Add, a, b)),
            (one, other) => one.or(other),
        };
        match computed {
            None => self.l.s(number),
            Some(computed) if number == 0 => computed,
            Some(computed) => self.l.s_binary(SBinary::Add, computed, self.l.s(number)),
        }
    }

    /// Cells that nothing else uses as long as the result, or a value made from it, is there.
    pub(super) fn allocate(&self, elem: Elem, len: u32) -> Cells {
        if len == 0 {
            return Cells::at(0, None, 0, lane_type(elem));
        }
        self.l.has_arrays();
        let reused = self.free.borrow_mut().take(len);
        let cell = reused.unwrap_or_else(|| self.l.cells(len));
        let block = Some(Rc::new(Block { cell, len, free: self.free.clone() }));
        Cells { block, cell, offset: None, len, ty: lane_type(elem), rows: None, shared: false }
    }

    /// `body` for `first`, `first + step`, … below `end`.
    pub(super) fn stride(&self, first: Value, end: Value, step: u32, body: impl FnOnce(Value)) {
        self.cycle(first, end, step, Vec::new(), None, |k, _| {
            body(k);
            Vec::new()
        });
    }

    /// `body` for `first`, `first + step`, … below `end`, as long as the mask holds for any row, with values that an
    /// iteration hands to the next; returns the last ones.
    fn cycle(
        &self,
        first: Value,
        end: Value,
        step: u32,
        start: Vec<Value>,
        mask: Option<Value>,
        body: impl FnOnce(Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let l = self.l;
        l.begin();
        let k = l.phi(first);
        let phis: Vec<Value> = start.into_iter().map(|value| l.phi(value)).collect();
        l.test([Condition::Below(k, end)].into_iter().chain(mask.map(Condition::Any)).collect());
        let next = body(k, &phis);
        for (&phi, next) in phis.iter().zip(next) {
            l.next(phi, next);
        }
        l.next(k, self.s_add(k, self.s(step)));
        l.end(None);
        phis
    }

    fn offset(&self, base: Option<Value>, k: Option<Value>) -> Value {
        let zero = self.s(0);
        match (base, k.filter(|&k| k != zero)) {
            (Some(a), Some(b)) => self.s_add(a, b),
            (one, other) => one.or(other).unwrap_or_else(|| self.s(0)),
        }
    }

    /// Element `k + shift` of cells.
    fn read(&self, from: &Cells, shift: u32, k: Value) -> Lane<Recorder> {
        let (offset, further) = self.taken_apart(self.offset(from.offset, Some(k)));
        let (offset, further) = match u32::try_from(further) {
            Ok(further) => (offset.unwrap_or_else(|| self.s(0)), further),
            Err(_) => (self.offset(from.offset, Some(k)), 0),
        };
        let cell = from.cell.wrapping_add(shift).wrapping_add(further);
        if from.shared {
            return Lane::F(self.l.param_at(cell, offset));
        }
        let value = self.l.load(from.ty, cell, offset);
        if from.ty == LaneType::M { Lane::M(value) } else { Lane::F(value) }
    }

    /// Writes element `k + shift` of cells.
    fn put(&self, to: &Cells, shift: u32, k: Value, lane: Lane<Recorder>) {
        self.l.store(to.cell.wrapping_add(shift), self.offset(to.offset, Some(k)), lane.value());
    }

    /// Element `k + shift`; `k` is 0 if there is none.
    fn element(&self, of: &Array, shift: u32, k: Option<Value>, loaded: &mut Loaded) -> Lane<Recorder> {
        let l = self.l;
        let at = shift + of.shift;
        match &*of.of {
            Elements::Same(lane) => *lane,
            Elements::Columns(first) => Lane::F(match k {
                Some(k) => l.column_at(first + at, k),
                None => l.column(first + at),
            }),
            Elements::Params(first) => Lane::F(match k {
                Some(k) => l.param_at(first + at, k),
                None => l.param(first + at),
            }),
            Elements::Cells { cell, offset, .. } => {
                let offset = self.offset(*offset, k);
                let value = *loaded
                    .entry((cell.wrapping_add(at), Some(offset)))
                    .or_insert_with(|| l.load(of.ty, cell.wrapping_add(at), offset));
                if of.ty == LaneType::M { Lane::M(value) } else { Lane::F(value) }
            }
            // Not deeper than `MAX_FUSED`.
            Elements::Apply { op, args, .. } => {
                let args: Vec<Lane<Recorder>> =
                    args.iter().map(|arg| self.element(arg, at, k, loaded)).collect();
                op.element(l, &args)
            }
            Elements::Parts(_) | Elements::Turned { .. } => {
                unreachable!("they are written before an operation looks at them one by one")
            }
        }
    }

    /// How many operations an element takes.
    fn size(array: &Array) -> usize {
        match &*array.of {
            Elements::Apply { size, .. } => *size,
            Elements::Cells { .. }
            | Elements::Columns(_)
            | Elements::Params(_)
            | Elements::Same(_)
            | Elements::Parts(_)
            | Elements::Turned { .. } => 0,
        }
    }

    fn cost(array: &Array) -> usize {
        match &*array.of {
            Elements::Apply { cost, .. } => *cost,
            Elements::Cells { .. }
            | Elements::Columns(_)
            | Elements::Params(_)
            | Elements::Same(_)
            | Elements::Parts(_)
            | Elements::Turned { .. } => 0,
        }
    }

    /// An element of a small value, or the first of a large one that has the same everywhere.
    fn same(lane: Lane<Recorder>, len: u32) -> Array {
        Array { of: Rc::new(Elements::Same(lane)), shift: 0, len, ty: type_of(lane) }
    }

    pub(super) fn columns(&self, first: u32, len: u32) -> Form {
        let of = Rc::new(Elements::Columns(first));
        Form::Array(Array { of, shift: 0, len, ty: LaneType::F })
    }

    pub(super) fn params(&self, first: u32, len: u32) -> Form {
        let of = Rc::new(Elements::Params(first));
        Form::Array(Array { of, shift: 0, len, ty: LaneType::F })
    }

    /// An operation, element by element, on values of which scalars broadcast. It is carried out when its elements are
    /// wanted.
    pub(super) fn apply(&self, op: Op, ty: Type, args: &[&Form]) -> Form {
        let len = ty.len() as u32;
        let args: Vec<Array> = args
            .iter()
            .map(|arg| match arg {
                Form::Lanes(lanes) => Memory::same(lanes[0], len),
                Form::Array(array) if array.of.is_apart() => self.in_cells(arg).array(),
                Form::Array(array) => array.clone(),
            })
            .collect();
        let total: usize = args.iter().map(Memory::size).sum();
        let args = if total < MAX_FUSED {
            args
        } else {
            args.into_iter()
                .map(
                    |arg| if Memory::size(&arg) > 0 { self.in_cells(&Form::Array(arg)).array() } else { arg },
                )
                .collect()
        };
        let size = 1 + args.iter().map(Memory::size).sum::<usize>();
        let cost = op.cost() + args.iter().map(Memory::cost).sum::<usize>();
        let of = Rc::new(Elements::Apply { op, args, size, cost });
        Form::Array(Array { of, shift: 0, len, ty: lane_type(ty.elem) })
    }

    /// Small values one element at a time.
    pub(super) fn normal(&self, form: Form) -> Form {
        match form {
            Form::Array(array) if self.is_small(array.len as usize) => {
                let array =
                    if array.of.is_apart() { self.in_cells(&Form::Array(array)).array() } else { array };
                let mut loaded = Loaded::new();
                Form::Lanes((0..array.len).map(|k| self.element(&array, k, None, &mut loaded)).collect())
            }
            form => form,
        }
    }

    /// The value in cells: where it is if it is there already.
    pub(super) fn in_cells(&self, form: &Form) -> Cells {
        if let Form::Array(array) = form
            && let Elements::Cells { cell, offset, _block: block } = &*array.of
        {
            let cell = cell.wrapping_add(array.shift);
            return Cells {
                block: block.clone(),
                cell,
                offset: *offset,
                len: array.len,
                ty: array.ty,
                rows: None,
                shared: false,
            };
        }
        let elem = match form {
            Form::Lanes(lanes) if matches!(lanes.first(), Some(Lane::M(_))) => Elem::Bool,
            Form::Array(Array { ty: LaneType::M, .. }) => Elem::Bool,
            Form::Lanes(_) | Form::Array(_) => Elem::Num,
        };
        let to = self.allocate(elem, form.len());
        self.write(&to, form, None);
        to
    }

    /// A value that is used so many times: in memory unless it costs less to compute it each time.
    pub(super) fn shared(&self, form: Form, uses: u32) -> Form {
        let again = uses.saturating_sub(1) as usize;
        let cheap = match &form {
            Form::Lanes(_) => true,
            Form::Array(array) => match &*array.of {
                Elements::Cells { .. }
                | Elements::Same(_)
                | Elements::Columns(_)
                | Elements::Params(_)
                | Elements::Turned { .. } => true,
                Elements::Apply { cost, .. } => cost * again <= MAX_AGAIN,
                Elements::Parts(_) => again == 0,
            },
        };
        if cheap { form } else { self.in_cells(&form).form() }
    }

    /// Puts a value into cells; where a mask does not hold, what stands in `old` instead.
    pub(super) fn write(&self, to: &Cells, form: &Form, kept: Option<(Value, &Cells)>) {
        for part in self.divided(to, form, kept) {
            self.run_from(&part, 0);
        }
    }

    /// [`write`](Memory::write), but along with the next loop over elements or at [`Memory::flush`]. Nothing reads the cells
    /// before.
    pub(super) fn write_along(&self, to: &Cells, form: &Form, kept: Option<(Value, &Cells)>) {
        let parts = self.divided(to, form, kept);
        self.pending.borrow_mut().extend(parts);
    }

    /// Writes what is still to be written in the innermost loop.
    pub(super) fn flush(&self) {
        for part in self.take_pending() {
            self.run_from(&part, 0);
        }
    }

    fn take_pending(&self) -> Vec<Pending> {
        let depth = self.l.depth();
        let mut pending = self.pending.borrow_mut();
        let (here, elsewhere) = pending.drain(..).partition(|part| part.depth == depth);
        *pending = elsewhere;
        here
    }

    /// Writes single elements; returns parts that take loops.
    fn divided(&self, to: &Cells, form: &Form, kept: Option<(Value, &Cells)>) -> Vec<Pending> {
        let depth = self.l.depth();
        let mut loops = Vec::new();
        let mut left = vec![(form.clone(), 0)];
        while let Some((form, first)) = left.pop() {
            let array = match form {
                Form::Lanes(lanes) => {
                    let k = self.s(0);
                    for (lane, at) in lanes.into_iter().zip(first..) {
                        let lane = self.chosen(lane, kept, at, k);
                        self.put(to, at, k, lane);
                    }
                    continue;
                }
                Form::Array(array) => array,
            };
            if let Elements::Parts(parts) = &*array.of {
                let mut at = first;
                for part in parts {
                    left.push((part.clone(), at));
                    at += part.len();
                }
                continue;
            }
            if let Elements::Turned { first: param, rows } = *array.of {
                let columns = array.len / rows;
                self.each(rows, |r| {
                    let start = self.times(r, columns);
                    self.each(columns, |c| {
                        let element = self.l.param_at(param, self.s_add(self.times(c, rows), r));
                        let at = self.s_add(start, c);
                        let lane = self.chosen(Lane::F(element), kept, first, at);
                        self.put(to, first, at, lane);
                    });
                });
                continue;
            }
            let kept = kept.map(|(mask, old)| (mask, old.clone()));
            loops.push(Pending { to: to.clone(), first, array, kept, depth });
        }
        loops
    }

    /// Writes the elements of a part from one on.
    fn run_from(&self, part: &Pending, from: u32) {
        let len = part.array.len;
        let unroll = if Memory::size(&part.array) <= MAX_UNROLLED { UNROLL } else { 1 };
        let whole = from + (len - from) / unroll * unroll;
        if whole > from {
            self.stride(self.s(from), self.s(whole), unroll, |k| {
                self.run(part, 0..unroll, k, &mut Loaded::new());
            });
        }
        if whole < len {
            self.run(part, whole..len, self.s(0), &mut Loaded::new());
        }
    }

    /// Writes some elements, all of which are computed before the first is written.
    fn run(&self, part: &Pending, elements: std::ops::Range<u32>, k: Value, loaded: &mut Loaded) {
        let kept = part.kept.as_ref().map(|(mask, old)| (*mask, old));
        let lanes: Vec<Lane<Recorder>> = elements
            .clone()
            .map(|j| {
                let lane = self.element(&part.array, j, Some(k), loaded);
                self.chosen(lane, kept, part.first + j, k)
            })
            .collect();
        for (j, lane) in elements.zip(lanes) {
            self.put(&part.to, part.first + j, k, lane);
        }
    }

    fn chosen(
        &self,
        lane: Lane<Recorder>,
        kept: Option<(Value, &Cells)>,
        at: u32,
        k: Value,
    ) -> Lane<Recorder> {
        match (lane, kept) {
            (Lane::F(new), Some((mask, old))) => Lane::F(self.l.select(mask, new, self.read(old, at, k).f())),
            (lane, _) => lane,
        }
    }

    /// Puts what an update is about to replace into cells: the index, and the elements there.
    pub(super) fn note(&self, to: &Cells, whole: &Argument, len: u32, index: &Argument) {
        let from = self.in_cells(&whole.form);
        let index = index.form.lane();
        self.put(to, 0, self.s(0), index);
        let count = from.len / len;
        if let Some(spot) = self.spot(whole.ty.elem, index.f(), count, len) {
            self.part(len, |j| self.put(to, 1, j, self.load_at(&from, j, &spot)));
        }
    }

    /// Undoes an update in the rows of a mask, from what was noted.
    pub(super) fn undo(&self, whole: &Cells, noted: &Cells, rows: Option<Value>) {
        let len = noted.len - 1;
        let index = self.read(noted, 0, self.s(0));
        let whole = Cells { rows, ..whole.clone() };
        if let Some(spot) = self.spot(Elem::Num, index.f(), whole.len / len, len) {
            self.part(len, |j| self.store_at(&whole, j, &spot, self.read(noted, 1, j)));
        }
    }

    fn part(&self, len: u32, mut body: impl FnMut(Value)) {
        match len {
            1 => body(self.s(0)),
            len => self.each(len, body),
        }
    }

    /// Carries a fold through the elements, in their order.
    fn reduced<const N: usize>(
        &self,
        args: [&Form; N],
        start: Value,
        step: impl Fn(Value, [Lane<Recorder>; N]) -> Value,
    ) -> Value {
        let arrays: [Array; N] = args.map(|arg| match arg {
            Form::Array(array) if !array.of.is_apart() => array.clone(),
            arg => self.in_cells(arg).array(),
        });
        let along = self.take_pending();
        let len = arrays[0].len;
        // All of them together go as far as the shortest does.
        let together = along.iter().map(|part| part.array.len).fold(len, u32::min);
        let size: usize = arrays.iter().chain(along.iter().map(|part| &part.array)).map(Memory::size).sum();
        let unroll = if size <= MAX_UNROLLED { UNROLL } else { 1 };
        let whole = together / unroll * unroll;
        let steps = |from: Value, range: std::ops::Range<u32>, k: Value, loaded: &mut Loaded| {
            range.fold(from, |sum, j| {
                step(sum, arrays.each_ref().map(|array| self.element(array, j, Some(k), loaded)))
            })
        };
        let sum = self.cycle(self.s(0), self.s(whole), unroll, vec![start], None, |k, sum| {
            let mut loaded = Loaded::new();
            let sum = steps(sum[0], 0..unroll, k, &mut loaded);
            along.iter().for_each(|part| self.run(part, 0..unroll, k, &mut loaded));
            vec![sum]
        })[0];
        along.iter().for_each(|part| self.run_from(part, whole));
        let rest = whole + (len - whole) / unroll * unroll;
        let sum = if rest > whole {
            self.cycle(self.s(whole), self.s(rest), unroll, vec![sum], None, |k, sum| {
                vec![steps(sum[0], 0..unroll, k, &mut Loaded::new())]
            })[0]
        } else {
            sum
        };
        steps(sum, rest..len, self.s(0), &mut Loaded::new())
    }

    /// `body` for each element, with its position and where it is written in cells.
    pub(super) fn elements(&self, form: &Form, mut body: impl FnMut(Value, Value)) {
        let form = match form {
            Form::Array(array) if !array.of.is_apart() => array.clone(),
            form => self.in_cells(form).array(),
        };
        self.each(form.len, |k| {
            let lane = self.element(&form, 0, Some(k), &mut Loaded::new());
            body(k, lane.value());
        });
    }
}

/// Loops that are recorded once, over positions that are values of the lane program.
impl Arrays for Memory<'_> {
    type L = Recorder;
    type Index = Value;
    type Operand = Argument;
    type Cells = Cells;
    type Form = Form;
    type Spot = Spot;

    fn lanes(&self) -> &Recorder {
        self.l
    }
    fn ty(&self, operand: &Argument) -> Type {
        operand.ty
    }

    fn index(&self, value: u32) -> Value {
        self.s(value)
    }
    fn plus(&self, a: Value, b: Value) -> Value {
        self.s_add(a, b)
    }
    fn minus(&self, a: Value, b: Value) -> Value {
        self.l.s_binary(SBinary::Sub, a, b)
    }
    fn times(&self, a: Value, by: u32) -> Value {
        if by == 1 {
            return a;
        }
        let times = |a| self.l.s_binary(SBinary::Mul, a, self.s(by));
        match self.taken_apart(a) {
            (Some(computed), number) if number > 0 => {
                self.s_add(times(computed), self.l.s(number.wrapping_mul(by.into())))
            }
            _ => times(a),
        }
    }

    fn scalar(&self, operand: &Argument) -> Lane<Recorder> {
        operand.form.lane()
    }
    fn stored(&self, operand: &Argument) -> Cells {
        self.in_cells(&operand.form)
    }
    /// Parameters are read where they stand.
    fn matrix(&self, operand: &Argument) -> (Cells, (u32, u32)) {
        let (rows, columns) = operand.ty.shape.extents();
        if let Form::Array(array) = &operand.form {
            let at = |cell| Cells { shared: true, ..Cells::at(cell, None, array.len, array.ty) };
            match *array.of {
                Elements::Params(first) => return (at(first + array.shift), (columns, 1)),
                Elements::Turned { first, .. } => return (at(first), (1, rows)),
                Elements::Cells { .. }
                | Elements::Columns(_)
                | Elements::Same(_)
                | Elements::Apply { .. }
                | Elements::Parts(_) => {}
            }
        }
        (self.in_cells(&operand.form), (columns, 1))
    }
    fn transposed(&self, operand: &Argument) -> Form {
        if let Form::Array(array) = &operand.form
            && let Elements::Params(first) = *array.of
        {
            let (columns, rows) = operand.ty.shape.extents();
            debug_assert_eq!(array.len, rows * columns);
            let of = Rc::new(Elements::Turned { first: first + array.shift, rows });
            return Form::Array(Array { of, shift: 0, len: array.len, ty: array.ty });
        }
        turned(self, operand)
    }
    /// Nothing else uses them as long as they, or a value made from them, are there.
    fn cells(&self, elem: Elem, len: u32) -> Cells {
        self.allocate(elem, len)
    }
    fn load(&self, from: &Cells, shift: u32, k: Value) -> Lane<Recorder> {
        self.read(from, shift, k)
    }
    fn loads(&self, from: &Cells, count: u32, stride: u32, k: Value) -> impl Fn(u32) -> Lane<Recorder> {
        let lanes: Vec<Lane<Recorder>> = (0..count).map(|j| self.read(from, j * stride, k)).collect();
        move |j| lanes[j as usize]
    }
    fn store(&self, to: &Cells, shift: u32, k: Value, element: Lane<Recorder>) {
        self.put(to, shift, k, element);
    }

    fn copied(&self, operand: &Argument) -> Cells {
        match operand.written {
            Some(Written { rows }) => Cells { rows, ..self.in_cells(&operand.form) },
            None => {
                let to = self.allocate(operand.ty.elem, operand.form.len());
                self.write(&to, &operand.form, None);
                to
            }
        }
    }
    fn spot(&self, elem: Elem, index: Value, count: u32, len: u32) -> Option<Spot> {
        // Truth values are kept in another way than numbers.
        if elem == Elem::Bool || !self.has_cells() {
            return None;
        }
        let l = self.l;
        let (zero, end) = (l.f(0.0), l.f(f64::from(count)));
        let within = l.and(l.le(zero, index), l.lt(index, end));
        let found = l.and(l.eq(l.floor(index), index), within);
        let first = l.select(found, index, zero);
        let first = if len == 1 { first } else { l.mul(first, l.f(f64::from(len))) };
        // The bits of a sum with the smallest number whose last place is that of the units count.
        let digits = match l.precision() {
            Precision::Double => f64::MANTISSA_DIGITS,
            Precision::Single => f32::MANTISSA_DIGITS,
        };
        let units = l.f(f64::from(digits - 1).exp2());
        let place = l.isub(l.bits(l.add(first, units)), l.bits(units));
        Some(Spot { place, found, count: self.s((count - 1) * len + 1) })
    }
    fn load_at(&self, from: &Cells, k: Value, spot: &Spot) -> Lane<Recorder> {
        Lane::F(self.l.fetch(from.cell, self.offset(from.offset, Some(k)), spot.place, spot.count))
    }
    fn store_at(&self, to: &Cells, k: Value, spot: &Spot, element: Lane<Recorder>) {
        let rows = to.rows.map_or(spot.found, |rows| self.l.and(rows, spot.found));
        let number = match self.l.truth(rows) {
            Some(true) => element.f(),
            Some(false) | None => self.l.select(rows, element.f(), self.load_at(to, k, spot).f()),
        };
        self.l.deposit(to.cell, self.offset(to.offset, Some(k)), spot.place, spot.count, number);
    }

    fn result(&self, cells: Cells) -> Form {
        cells.form()
    }
    fn one(&self, element: Lane<Recorder>) -> Form {
        Form::Lanes(vec![element])
    }
    fn whole(&self, operand: &Argument) -> Form {
        operand.form.clone()
    }
    fn fill(&self, element: Lane<Recorder>, len: u32) -> Form {
        self.normal(Form::Array(Memory::same(element, len)))
    }
    fn slice(&self, operand: &Argument, first: u32, len: u32) -> Form {
        let array = match &operand.form {
            Form::Lanes(lanes) => return Form::Lanes(lanes[first as usize..][..len as usize].to_vec()),
            Form::Array(array) if array.of.is_apart() => self.in_cells(&operand.form).array(),
            Form::Array(array) => array.clone(),
        };
        self.normal(Form::Array(Array { shift: array.shift + first, len, ..array }))
    }
    /// They are written where the result is wanted.
    fn parts(&self, elem: Elem, parts: Vec<Form>) -> Form {
        let len = parts.iter().map(Form::len).sum();
        let of = Rc::new(Elements::Parts(parts));
        Form::Array(Array { of, shift: 0, len, ty: lane_type(elem) })
    }

    fn fold<const N: usize>(
        &self,
        first: Value,
        end: Value,
        start: [Lane<Recorder>; N],
        mut body: impl FnMut(Value, [Lane<Recorder>; N]) -> [Lane<Recorder>; N],
    ) -> [Lane<Recorder>; N] {
        let handed = |values: &[Value]| std::array::from_fn(|k| start[k].of_this_kind(values[k]));
        let values = start.iter().map(|lane| lane.value()).collect();
        let last = self.cycle(first, end, 1, values, None, |k, values| {
            body(k, handed(values)).iter().map(|lane| lane.value()).collect()
        });
        handed(&last)
    }
    fn between_if(&self, first: Value, end: Value, mask: Value, mut body: impl FnMut(Value)) {
        self.cycle(first, end, 1, Vec::new(), Some(mask), |k, _| {
            body(k);
            Vec::new()
        });
    }
    fn numbered<const N: usize>(
        &self,
        first: u32,
        end: u32,
        start: [Lane<Recorder>; N],
        mut body: impl FnMut(Value, Value, [Lane<Recorder>; N]) -> [Lane<Recorder>; N],
    ) -> [Lane<Recorder>; N] {
        let handed = |values: &[Value]| std::array::from_fn(|k| start[k].of_this_kind(values[k]));
        // The number of an iteration is counted next to its position: integers have no way to numbers.
        let mut values: Vec<Value> = start.iter().map(|lane| lane.value()).collect();
        values.push(self.l.f(f64::from(first)));
        let last = self.cycle(self.s(first), self.s(end), 1, values, None, |k, values| {
            let number = values[N];
            let next = body(k, number, handed(values));
            let number = self.l.add(number, self.l.f(1.0));
            next.iter().map(|lane| lane.value()).chain([number]).collect()
        });
        handed(&last)
    }
    fn blocks(&self, count: u32, most: u32, mut body: impl FnMut(Value, u32)) {
        let whole = count / most * most;
        if whole > 0 {
            self.stride(self.s(0), self.s(whole), most, |k| body(k, most));
        }
        if whole < count {
            body(self.s(whole), count - whole);
        }
    }
    fn tiles(&self, size: (u32, u32), most: (u32, u32), mut body: impl FnMut((Value, u32), (Value, u32))) {
        self.blocks(size.1, most.1, |column, width| {
            self.blocks(size.0, most.0, |row, height| body((row, height), (column, width)));
        });
    }
    fn sums<Step: Fn(u32, Value) -> Value>(
        &self,
        first: Value,
        end: Value,
        count: u32,
        start: impl Fn(u32) -> Value,
        mut body: impl FnMut(Value) -> Step,
    ) -> impl IntoIterator<Item = Value> {
        let mut sums: Vec<Value> = (0..count).map(start).collect();
        let mut steps = |sums: &[Value], k: Value| {
            let step = body(k);
            (0..count).zip(sums).map(|(j, &sum)| step(j, sum)).collect::<Vec<Value>>()
        };
        let mut from = first;
        if let (Inst::S(first), Inst::S(end)) = (self.l.inst(first), self.l.inst(end)) {
            // Several positions for each iteration, as far as they go.
            let together = u64::from((SUMS_TOGETHER / count.max(1)).max(1));
            let whole = first + end.saturating_sub(first) / together * together;
            if together > 1 && whole > first {
                let whole = self.l.s(whole);
                sums = self.cycle(from, whole, together as u32, sums, None, |k, sums| {
                    let positions = (0..together as u32).map(|j| self.s_add(k, self.s(j)));
                    positions.fold(sums.to_vec(), |sums, k| steps(&sums, k))
                });
                from = whole;
            }
        }
        if self.l.inst(from) == self.l.inst(end) {
            return sums;
        }
        self.cycle(from, end, 1, sums, None, |k, sums| steps(sums, k))
    }
    /// One loop over elements that are computed as they are wanted, along with what is still to be written.
    fn reduce<const N: usize>(
        &self,
        operands: [&Argument; N],
        start: Lane<Recorder>,
        step: impl Fn(Lane<Recorder>, [Lane<Recorder>; N]) -> Lane<Recorder>,
    ) -> Lane<Recorder> {
        let forms = operands.map(|operand| &operand.form);
        let last = self.reduced(forms, start.value(), |value, elements| {
            step(start.of_this_kind(value), elements).value()
        });
        start.of_this_kind(last)
    }
}
