//! The walk over a piece of a lane program, or over a function of it, which is the same for all code generators: where
//! values are computed, loaded again and left, what loops carry, and what is there once for each lane group.
//!
//! A [`Generator`] is a code generator: it holds a [`Walk`] and writes the code of what the walk comes to.

use std::collections::HashMap;

use super::pieces::{Piece, PieceValues, is_leaf};
use crate::entity::{Entity, EntityVec};
use crate::lower::lanes::{CallId, Condition, Inst, LaneProgram, LaneType, LoopId, Store, Target, Value};

/// A column or import is loaded again if so many instructions lie between two uses.
const RELOAD_AFTER: usize = 24;

/// Where a walk is. `C` is what stands for a value in code, `L` for a place that jumps lead to.
pub struct Walk<'a, C, L> {
    pub program: &'a LaneProgram,
    /// Where each value is there for what follows.
    settled: &'a EntityVec<Value, Value>,
    /// The code of each value, for each of the lane groups that an iteration works on.
    values: Vec<PieceValues<C>>,
    /// Scratch slots of values of earlier pieces.
    imports: HashMap<Value, u32>,
    /// The group at hand, and how many the iteration works on.
    pub group: usize,
    pub groups: usize,
    /// The instruction at hand.
    pub at: Value,
    /// Instructions emitted so far.
    pub step: usize,
    /// When each column and import was last loaded, by the step.
    loaded: HashMap<Value, usize>,
    /// The loops around the instruction at hand.
    open: Vec<OpenLoop<L>>,
    /// Where cells with these offsets begin.
    addresses: HashMap<Value, C>,
}

/// A loop whose end is still to come.
struct OpenLoop<L> {
    ends: LoopEnds<L>,
    /// What has been loaded behind the test, and is not there behind the loop.
    loaded: Vec<Value>,
    /// Offsets whose addresses were computed behind the test.
    addressed: Vec<Value>,
    /// Whether the test has been emitted.
    tested: bool,
}

/// The places of a loop.
pub struct LoopEnds<L> {
    pub header: L,
    pub exit: L,
    /// Places between the tests and the exit, for generators that need them.
    pub edges: Vec<L>,
}

/// What a piece leaves behind for each group of rows.
pub struct Results<'a, C> {
    pub stores: Vec<&'a Store>,
    /// The status of the rows, and where the words go.
    pub status: Option<(Value, C)>,
}

impl<'a, C: Copy, L> Walk<'a, C, L> {
    pub fn new(
        program: &'a LaneProgram,
        settled: &'a EntityVec<Value, Value>,
        imports: &[(Value, u32)],
    ) -> Walk<'a, C, L> {
        Walk {
            program,
            settled,
            values: Vec::new(),
            imports: imports.iter().copied().collect(),
            group: 0,
            groups: 1,
            at: Value::from_index(0),
            step: 0,
            loaded: HashMap::new(),
            open: Vec::new(),
            addresses: HashMap::new(),
        }
    }

    /// Begins an iteration over so many lane groups, in which nothing is known yet.
    pub fn restart(&mut self, piece: &Piece, groups: usize) {
        self.values = (0..groups).map(|_| PieceValues::new(piece)).collect();
        self.loaded.clear();
        self.addresses.clear();
        self.groups = groups;
    }

    /// What is known to stand for a value in the group at hand.
    pub fn known(&self, value: Value) -> Option<C> {
        self.values[self.group].get(value)
    }

    /// The loop around the instruction at hand.
    fn innermost(&mut self) -> &mut OpenLoop<L> {
        self.open.last_mut().expect("a test stands in a loop")
    }

    /// In how many groups a value of a type is computed: once if it is the same for all rows.
    pub fn copies(&self, ty: LaneType) -> usize {
        if ty == LaneType::S { 1 } else { self.groups }
    }
}

/// A code generator.
pub trait Generator<'a> {
    /// What stands for a value.
    type Code: Copy;
    /// A place that jumps lead to.
    type Label: Copy;
    /// What a branch tests.
    type Flag;

    fn walk(&mut self) -> &mut Walk<'a, Self::Code, Self::Label>;

    /// The code of an instruction for the group at hand.
    fn instruction(&mut self, value: Value, inst: Inst) -> Self::Code;

    /// Whether an instruction is computed where it is wanted, if at all, and not where it stands.
    fn is_late(&self, value: Value, inst: Inst) -> bool;

    /// A value of an earlier piece, for the group at hand.
    fn import(&mut self, ty: LaneType, slot: u32) -> Self::Code;

    /// Leaves a value for later pieces, in all groups.
    fn export(&mut self, value: Value, slot: u32);

    /// Leaves a result, in all groups.
    fn store(&mut self, store: &Store);

    /// Jumps to the header of a loop with the first values of what it carries, and begins it. Returns what stands for the
    /// values of these types there.
    fn open_loop(
        &mut self,
        first: Vec<Self::Code>,
        types: &[LaneType],
    ) -> (LoopEnds<Self::Label>, Vec<Self::Code>);

    /// Whether any lane of any of the masks holds.
    fn any(&mut self, masks: &[Self::Code]) -> Self::Flag;

    /// Whether nothing has stopped the evaluation.
    fn going_on(&mut self) -> Self::Flag;

    /// Whether one integer is below another.
    fn below(&mut self, x: Self::Code, y: Self::Code) -> Self::Flag;

    /// Leaves a loop for its exit unless the flag holds. Returns the place between, if there is one.
    fn leave_unless(&mut self, holds: Self::Flag, exit: Self::Label) -> Option<Self::Label>;

    /// Jumps to the header of a loop with the next values of what it carries, and goes on behind the loop.
    fn close_loop(&mut self, ends: LoopEnds<Self::Label>, next: Vec<Self::Code>);

    /// Calls a function of the program with these operands, if the mask holds for any row and nothing has stopped the
    /// evaluation.
    fn call_if(
        &mut self,
        active: Self::Code,
        function: u32,
        operands: Vec<(LaneType, Self::Code)>,
        depth: Self::Code,
    );

    /// The address of the memory cell 0 of the first group, at an offset that is the same for all rows.
    fn cells_at(&mut self, offset: Self::Code) -> Self::Code;

    /// The pointer to an input column.
    fn input_pointer(&mut self, k: u32) -> Self::Code;

    /// The pointer to an output column.
    fn output_pointer(&mut self, k: u32) -> Self::Code;

    /// The code of a value, emitted where it is first wanted.
    fn value(&mut self, value: Value) -> Self::Code {
        let inst = self.walk().program.insts[value];
        if inst.is_constant() {
            return self.instruction(value, inst);
        }
        let group = self.walk().group;
        if inst.ty() == LaneType::S {
            self.walk().group = 0;
        }
        let code = self.value_here(value, inst);
        self.walk().group = group;
        code
    }

    /// The code of a value of the group at hand.
    fn value_here(&mut self, value: Value, inst: Inst) -> Self::Code {
        let walk = self.walk();
        let import = walk.imports.get(&value).copied();
        let in_memory = import.is_some() || matches!(inst, Inst::Column(_));
        if let Some(known) = walk.known(value) {
            // What has not been used for long is loaded again rather than kept in a register.
            let stale = in_memory && walk.step - walk.loaded.get(&value).unwrap_or(&0) > RELOAD_AFTER;
            if !stale {
                return known;
            }
        }
        if in_memory && walk.group == 0 {
            walk.loaded.insert(value, walk.step);
        }
        if (in_memory || is_leaf(inst))
            && let Some(open) = walk.open.iter_mut().rfind(|open| open.tested)
        {
            open.loaded.push(value);
        }
        let code = match import {
            Some(slot) => self.import(inst.ty(), slot),
            None => self.instruction(value, inst),
        };
        let walk = self.walk();
        walk.values[walk.group].set(value, code);
        code
    }

    /// For each of the given values what it is in all groups; once if it is the same for all rows.
    fn in_groups(&mut self, values: impl Iterator<Item = Value>) -> Vec<Self::Code> {
        let mut all = Vec::new();
        for value in values {
            let walk = self.walk();
            for group in 0..walk.copies(walk.program.insts[value].ty()) {
                self.walk().group = group;
                all.push(self.value(value));
            }
        }
        all
    }

    /// The instructions of a piece, its groups side by side, and what it leaves but the status.
    fn iteration(&mut self, piece: &Piece, stores: &[&Store]) {
        let walk = self.walk();
        let (program, settled) = (walk.program, walk.settled);
        let mut stores = stores.iter().peekable();
        let mut exports = piece.exports.clone();
        exports.sort_by_key(|e| settled[e.0]);
        let mut exports = exports.iter().peekable();
        for index in piece.insts.clone() {
            let value = Value::from_index(index);
            self.walk().at = value;
            match program.insts[value] {
                Inst::Phi(..) => {}
                Inst::Loop(id) => self.begin_loop(id),
                Inst::Test(id) => self.test_loop(id),
                Inst::End(id) => self.end_loop(id),
                Inst::Call(id) => self.call(id),
                // Constants and columns are loaded where they are used.
                inst if is_leaf(inst) || self.is_late(value, inst) => {}
                inst => {
                    self.walk().step += 1;
                    for group in 0..self.walk().copies(inst.ty()) {
                        self.walk().group = group;
                        self.value(value);
                    }
                }
            }
            // What leaves once leaves outside of loops, constants as well, which are there from the beginning.
            if !self.walk().open.is_empty() {
                continue;
            }
            while let Some(&(value, slot)) = exports.next_if(|e| settled[e.0].index() <= index) {
                self.export(value, slot);
            }
            // A result leaves as soon as it is there, so that it does not occupy a register.
            while let Some(store) = stores.next_if(|s| settled[s.value].index() <= index) {
                self.store(store);
            }
        }
        for store in stores {
            self.store(store);
        }
    }

    fn begin_loop(&mut self, id: LoopId) {
        let program = self.walk().program;
        let carried = &program.loops[id].carried;
        let first = self.in_groups(carried.iter().map(|c| c.first));
        let phis: Vec<(usize, Value, LaneType)> = carried
            .iter()
            .map(|c| (c.phi, program.insts[c.phi].ty()))
            .flat_map(|(phi, ty)| (0..self.walk().copies(ty)).map(move |group| (group, phi, ty)))
            .collect();
        let types: Vec<LaneType> = phis.iter().map(|phi| phi.2).collect();
        let (ends, params) = self.open_loop(first, &types);
        let walk = self.walk();
        for ((group, phi, _), param) in phis.into_iter().zip(params) {
            walk.values[group].set(phi, param);
        }
        walk.open.push(OpenLoop { ends, loaded: Vec::new(), addressed: Vec::new(), tested: false });
    }

    fn test_loop(&mut self, id: LoopId) {
        let program = self.walk().program;
        let exit = self.walk().innermost().ends.exit;
        if program.loops[id].watched {
            let going_on = self.going_on();
            let edge = self.leave_unless(going_on, exit);
            self.walk().innermost().ends.edges.extend(edge);
        }
        for &condition in &program.loops[id].conditions {
            let holds = match condition {
                Condition::Any(mask) => {
                    let masks = self.in_groups([mask].into_iter());
                    self.any(&masks)
                }
                Condition::Below(x, y) => {
                    let (x, y) = (self.value(x), self.value(y));
                    self.below(x, y)
                }
            };
            let edge = self.leave_unless(holds, exit);
            self.walk().innermost().ends.edges.extend(edge);
        }
        self.walk().innermost().tested = true;
    }

    fn end_loop(&mut self, id: LoopId) {
        let program = self.walk().program;
        let next = self.in_groups(program.loops[id].carried.iter().map(|c| c.next));
        let open = self.walk().open.pop().expect("an end stands in a loop");
        self.close_loop(open.ends, next);
        let walk = self.walk();
        for value in open.loaded {
            walk.values.iter_mut().for_each(|values| values.forget(value));
        }
        for offset in open.addressed {
            walk.addresses.remove(&offset);
        }
    }

    /// Calls a function if any row does.
    fn call(&mut self, id: CallId) {
        let program = self.walk().program;
        let call = &program.calls[id];
        let active = self.value(call.active);
        let operands = call.operands.iter().map(|&v| (program.insts[v].ty(), self.value(v))).collect();
        let depth = self.value(call.depth);
        self.call_if(active, call.function, operands, depth);
    }

    /// Where memory cells begin at an offset.
    fn cells(&mut self, offset: Value) -> Self::Code {
        if let Some(&address) = self.walk().addresses.get(&offset) {
            return address;
        }
        let place = self.value(offset);
        let address = self.cells_at(place);
        let walk = self.walk();
        walk.addresses.insert(offset, address);
        if let Some(open) = walk.open.iter_mut().rfind(|open| open.tested) {
            open.addressed.push(offset);
        }
        address
    }

    /// The pointers to the columns that a piece uses, at most so many: those of outputs, then those of inputs.
    fn hoisted_pointers(&mut self, piece: &Piece, stores: &[&Store], most: usize) -> Columns<Self::Code> {
        let program = self.walk().program;
        let mut columns = Columns { inputs: Vec::new(), outputs: Vec::new() };
        for store in stores {
            if let Target::Column(k) = store.target
                && columns.len() < most
            {
                columns.outputs.push((k, self.output_pointer(k)));
            }
        }
        for index in piece.insts.clone() {
            if let Inst::Column(k) = program.insts[Value::from_index(index)]
                && columns.len() < most
                && columns.input(k).is_none()
            {
                columns.inputs.push((k, self.input_pointer(k)));
            }
        }
        columns
    }
}

/// Pointers to columns that are in registers, by the column.
pub struct Columns<C> {
    inputs: Vec<(u32, C)>,
    outputs: Vec<(u32, C)>,
}

impl<C: Copy> Columns<C> {
    pub fn none() -> Columns<C> {
        Columns { inputs: Vec::new(), outputs: Vec::new() }
    }

    pub fn input(&self, k: u32) -> Option<C> {
        self.inputs.iter().find(|column| column.0 == k).map(|column| column.1)
    }

    pub fn output(&self, k: u32) -> Option<C> {
        self.outputs.iter().find(|column| column.0 == k).map(|column| column.1)
    }

    fn len(&self) -> usize {
        self.inputs.len() + self.outputs.len()
    }
}
