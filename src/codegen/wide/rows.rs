//! The flow of a function: the loop over the rows, the loops of the program, calls, and what leaves it.

use std::collections::HashMap;
use std::mem::offset_of;

use iced_x86::Code;
use nc_runtime::abi::Args;
use regalloc2::{Operand, VReg};

use super::fold::{Folding, must_stand};
use super::isa::{GENERAL, Isa, RAX, RDI, RSI, VECTOR};
use super::machine::{Action, Address, Arg, Flag, Function, Label, Source, general};
use super::pool::Pool;
use super::select::{Frame, OpenLoop, Selector};
use crate::codegen::layout::Plan;
use crate::codegen::pieces::{Piece, PieceValues, is_leaf};
use crate::entity::{Entity, EntityVec};
use crate::lower::lanes::{
    CallId, Condition, Inst, LaneFunction, LaneProgram, LaneType, LoopId, Store, Target, Value,
};

/// Where there are so many results, the canonical NaN stays in a register.
const MANY_RESULTS: usize = 3;

/// Programs with at most so many instructions to a column spend their time on memory.
const STREAMED_WORK: usize = 6;

/// Longer ones are not worth the time to compile their loop twice.
const STREAMED_LENGTH: usize = 40;

/// Whether it may be worth while to write results past the caches.
fn streams(program: &LaneProgram) -> bool {
    let columns = (program.columns.inputs + program.columns.outputs) as usize;
    let work = program.insts.values().filter(|inst| !inst.is_constant()).count();
    program.loops.is_empty()
        && program.functions.is_empty()
        && work <= STREAMED_LENGTH.min(STREAMED_WORK * columns)
}

/// What a piece leaves behind for each group of rows.
struct Results<'a> {
    stores: Vec<&'a Store>,
    /// The status of the rows, and where the words go.
    status: Option<(Value, VReg)>,
}

/// What is known of a function of the program before it is emitted.
pub(super) struct FunctionPlan<'a> {
    lanes: &'a LaneFunction,
    folding: Folding,
    settled: EntityVec<Value, Value>,
    piece: Piece,
}

impl<'a> FunctionPlan<'a> {
    pub(super) fn of(lanes: &'a LaneFunction, isa: Isa) -> FunctionPlan<'a> {
        let program = &lanes.program;
        let piece = Piece { insts: 0..program.insts.len(), imports: Vec::new(), exports: Vec::new() };
        let folding = Folding::of(program, std::slice::from_ref(&piece), &lanes.results, isa);
        FunctionPlan { lanes, folding, settled: program.settled(), piece }
    }
}

/// Where the rows at hand end, and what was found of them so far.
struct Progress {
    row: VReg,
    /// The or of all status words.
    flagged: Option<VReg>,
}

impl Progress {
    fn values(&self) -> Vec<VReg> {
        [self.row].into_iter().chain(self.flagged).collect()
    }
}

/// The code of a piece of a program.
pub(super) fn piece<'a>(
    program: &'a LaneProgram,
    plan: &'a Plan,
    folding: &'a Folding,
    index: usize,
    isa: Isa,
    pool: &'a mut Pool<'_>,
) -> Function {
    let piece = &plan.pieces.list[index];
    let last = index + 1 == plan.pieces.list.len();
    let mut f = Function::new(isa);
    let args = f.register(GENERAL);
    f.emit_fixed(Action::Enter, &[Operand::reg_fixed_def(args, general(RDI))]);
    let mut field = |offset| Selector::field(&mut f, args, offset);
    let [inputs, outputs] = [offset_of!(Args, inputs), offset_of!(Args, outputs)].map(&mut field);
    let [params, partials] = [offset_of!(Args, params), offset_of!(Args, partials)].map(&mut field);
    let [scratch, first_row, rows] =
        [offset_of!(Args, scratch), offset_of!(Args, first_row), offset_of!(Args, rows)].map(&mut field);
    let status = program.status.filter(|_| last).map(|s| (s, Selector::status_field(&mut f, args)));
    let slots = f.register(GENERAL);
    let frame = Frame {
        args,
        inputs,
        outputs,
        params,
        partials,
        scratch,
        slots,
        row: first_row,
        depth: None,
        input_columns: Vec::new(),
        output_columns: Vec::new(),
        constants: Vec::new(),
    };
    let mut selector = Selector {
        program,
        plan,
        folding,
        isa,
        pool,
        f,
        frame,
        values: Vec::new(),
        imports: piece.imports.iter().copied().collect(),
        group: 0,
        groups: 1,
        settled: &plan.settled,
        step: 0,
        loaded: HashMap::new(),
        open: Vec::new(),
        addresses: HashMap::new(),
        at: Value::from_index(0),
        streaming: false,
    };
    let stores: Vec<&Store> = plan.stores[index].iter().collect();
    let bytes = selector.number_bytes().trailing_zeros() as u8;
    let first = selector.shifted(first_row, bytes);
    let length = selector.shifted(rows, bytes);
    let end = selector.sum(first, length);
    selector.code(Code::Sub_r64_rm64, &[Arg::Reuse(slots, scratch), Arg::Use(first)]);
    let insts = piece.insts.clone().map(|k| program.insts[Value::from_index(k)]);
    selector.hoist_pointers(insts, &stores.iter().map(|s| s.target).collect::<Vec<_>>());
    for &bits in &plan.hoisted {
        let constant = selector.fresh_constant(bits);
        selector.frame.constants.push((bits, constant));
    }
    // Each result needs the canonical NaN in a register.
    let (one, nan) = (selector.number(1.0), selector.number(f64::NAN));
    let many_results = isa.has_masks() && selector.plan.stores[index].len() >= MANY_RESULTS;
    for (bits, wanted) in [(one, folding.is_additive()), (nan, many_results)] {
        if wanted && !plan.hoisted.contains(&bits) {
            let constant = selector.fresh_constant(bits);
            selector.frame.constants.push((bits, constant));
        }
    }
    let results = Results { stores, status };
    let flagged = results.status.map(|_| selector.fresh_constant(0));
    let mut progress = Progress { row: first, flagged };
    let streams = plan.pieces.list.len() == 1 && streams(program);
    if plan.interleave > 1 || streams {
        let step = plan.interleave * selector.group_bytes();
        let beyond = selector.general();
        selector.code(Code::And_rm64_imm32, &[Arg::Reuse(beyond, length), Arg::Imm32(-(step as i32))]);
        let whole = selector.sum(first, beyond);
        if streams {
            let wanted = selector.general();
            let field = Address::new(args, offset_of!(Args, streaming) as i32);
            selector.code(Code::And_r64_rm64, &[Arg::Reuse(wanted, beyond), Arg::Memory(field)]);
            let streamed = selector.sum(first, wanted);
            selector.streaming = true;
            progress = selector.rows(piece, &results, plan.interleave, &progress, streamed);
            selector.streaming = false;
        }
        if plan.interleave > 1 {
            progress = selector.rows(piece, &results, plan.interleave, &progress, whole);
        }
    }
    progress = selector.rows(piece, &results, 1, &progress, end);
    if streams {
        // What was written is seen by other threads in its place among what comes next.
        selector.code(Code::Sfence, &[]);
    }
    selector.result(progress.flagged);
    selector.f.finish();
    selector.f
}

/// The code of a function of the program: see [`crate::lower::lanes::LaneFunction`].
pub(super) fn function<'a>(
    own: &'a FunctionPlan<'a>,
    plan: &'a Plan,
    isa: Isa,
    pool: &'a mut Pool<'_>,
) -> Function {
    let lanes = own.lanes;
    let mut f = Function::new(isa);
    let [args, depth] = [(); 2].map(|()| f.register(GENERAL));
    f.emit_fixed(
        Action::Enter,
        &[Operand::reg_fixed_def(args, general(RDI)), Operand::reg_fixed_def(depth, general(RSI))],
    );
    let scratch = Selector::field(&mut f, args, offset_of!(Args, scratch));
    let frame = Frame {
        args,
        inputs: args,
        outputs: args,
        params: args,
        partials: args,
        scratch,
        slots: scratch,
        row: args,
        depth: Some(depth),
        input_columns: Vec::new(),
        output_columns: Vec::new(),
        constants: Vec::new(),
    };
    let mut selector = Selector {
        program: &lanes.program,
        plan,
        folding: &own.folding,
        isa,
        pool,
        f,
        frame,
        values: vec![PieceValues::new(&own.piece)],
        imports: HashMap::new(),
        group: 0,
        groups: 1,
        settled: &own.settled,
        step: 0,
        loaded: HashMap::new(),
        open: Vec::new(),
        addresses: HashMap::new(),
        at: Value::from_index(0),
        streaming: false,
    };
    selector.iteration(&own.piece, &Results { stores: Vec::new(), status: None }, 1, None);
    let numbers: Vec<VReg> = lanes.results.iter().map(|&v| selector.value(v)).collect();
    for (k, number) in numbers.into_iter().enumerate() {
        let address = selector.transfer_address(k);
        selector.keep(LaneType::F, address, number);
    }
    selector.f.emit(Action::Return, &[]);
    selector.f.finish();
    selector.f
}

impl Selector<'_, '_> {
    /// Ends a kernel: it returns whether any status word was not 0.
    fn result(&mut self, flagged: Option<VReg>) {
        let result = self.general();
        match flagged {
            None => self.code(Code::Mov_r64_imm64, &[Arg::Def(result), Arg::Imm64(0)]),
            Some(words) => {
                let [zero, one] = [0, 1].map(|number| {
                    let register = self.general();
                    self.code(Code::Mov_r64_imm64, &[Arg::Def(register), Arg::Imm64(number)]);
                    register
                });
                match self.isa {
                    Isa::Avx2 => {
                        self.code(Code::VEX_Vptest_ymm_ymmm256, &[Arg::Use(words), Arg::Use(words)]);
                    }
                    Isa::Avx512 => {
                        let some = self.f.register(self.isa.mask_class());
                        let code = Code::EVEX_Vptestmq_kr_k1_zmm_zmmm512b64;
                        self.code(code, &[Arg::Def(some), Arg::Use(words), Arg::Use(words)]);
                        self.any(&[some]);
                    }
                }
                self.code(Code::Cmovne_r64_rm64, &[Arg::Reuse(result, zero), Arg::Use(one)]);
            }
        }
        self.f.emit_fixed(Action::Return, &[Operand::reg_fixed_use(result, general(RAX))]);
    }

    /// A loop over the rows up to `end`, `groups` lane groups at a time.
    fn rows(
        &mut self,
        piece: &Piece,
        results: &Results<'_>,
        groups: usize,
        from: &Progress,
        end: VReg,
    ) -> Progress {
        let [enter, skip, body, again, done, exit] = [(); 6].map(|()| self.f.label());
        self.compare_general(from.row, end);
        self.f.branch(Flag::Below, enter, skip);
        self.f.place(enter, Vec::new());
        self.f.jump(body, from.values());

        let inside = self.fresh_progress(from);
        self.f.place(body, inside.values());
        self.frame.row = inside.row;
        self.values = (0..groups).map(|_| PieceValues::new(piece)).collect();
        self.loaded.clear();
        self.addresses.clear();
        let flagged = self.iteration(piece, results, groups, inside.flagged);
        let next = self.general();
        let step = (groups * self.group_bytes()) as i32;
        self.code(Code::Lea_r64_m, &[Arg::Def(next), Arg::Memory(Address::new(inside.row, step))]);
        self.compare_general(next, end);
        self.f.branch(Flag::Below, again, done);
        let after = Progress { row: next, flagged };
        self.f.place(again, Vec::new());
        self.f.jump(body, after.values());
        self.f.place(done, Vec::new());
        self.f.jump(exit, after.values());
        self.f.place(skip, Vec::new());
        self.f.jump(exit, from.values());

        let outside = self.fresh_progress(from);
        self.f.place(exit, outside.values());
        outside
    }

    fn fresh_progress(&mut self, like: &Progress) -> Progress {
        Progress { row: self.general(), flagged: like.flagged.map(|_| self.f.register(VECTOR)) }
    }

    fn compare_general(&mut self, x: VReg, y: VReg) {
        self.code(Code::Cmp_r64_rm64, &[Arg::Use(x), Arg::Source(Source::Register(y))]);
    }

    /// One iteration, its groups instruction by instruction side by side. Returns the or-ed status words.
    fn iteration(
        &mut self,
        piece: &Piece,
        results: &Results<'_>,
        groups: usize,
        flagged: Option<VReg>,
    ) -> Option<VReg> {
        let program = self.program;
        let mut stores = results.stores.iter().peekable();
        self.groups = groups;
        let mut exports = piece.exports.clone();
        exports.sort_by_key(|e| self.settled[e.0]);
        let mut exports = exports.iter().peekable();
        self.addresses.clear();
        for index in piece.insts.clone() {
            let value = Value::from_index(index);
            self.at = value;
            match program.insts[value] {
                Inst::Phi(..) => {}
                Inst::Loop(id) => self.begin_loop(id),
                Inst::Test(id) => self.test_loop(id),
                Inst::End(id) => self.end_loop(id),
                Inst::Call(id) => self.call(id),
                // Constants and columns are loaded where they are used.
                inst if is_leaf(inst) || self.folding.uses(value) == 0 && !must_stand(inst) => {}
                inst => {
                    self.step += 1;
                    for group in 0..if inst.ty() == LaneType::S { 1 } else { groups } {
                        self.group = group;
                        self.value(value);
                    }
                }
            }
            while let Some(&(value, slot)) = exports.next_if(|e| self.settled[e.0].index() <= index) {
                for group in 0..groups {
                    self.group = group;
                    if self.folding.uses(value) > 0 {
                        let number = self.value(value);
                        let address = self.scratch_address(slot, group);
                        self.keep(program.insts[value].ty(), address, number);
                    }
                }
            }
            // A result leaves as soon as it is there, so that it does not occupy a register.
            while let Some(store) = stores.next_if(|s| self.settled[s.value].index() <= index) {
                self.store(store, groups);
            }
        }
        for store in stores {
            self.store(store, groups);
        }
        let (Some((status, column)), Some(mut flagged)) = (results.status, flagged) else { return flagged };
        for group in 0..groups {
            self.group = group;
            let words = self.value(status);
            let displacement = (group * self.group_bytes()) as i32;
            let address = Address { base: column, index: Some(self.frame.row), displacement };
            self.keep(LaneType::I, address, words);
            flagged = self.either(flagged, words);
        }
        Some(flagged)
    }

    fn store(&mut self, store: &Store, groups: usize) {
        for group in 0..groups {
            self.group = group;
            let number = self.value(store.value);
            match store.target {
                Target::Column(k) => {
                    let address = self.output_address(k);
                    self.leave(address, number);
                }
                Target::Partial(k) => self.accumulate(self.frame.partials, k, number),
            }
        }
    }

    /// For each of the given values what it is in all groups; once if it is the same for all rows.
    fn in_groups(&mut self, values: impl Iterator<Item = Value>) -> Vec<VReg> {
        let mut all = Vec::new();
        for value in values {
            let same = self.program.insts[value].ty() == LaneType::S;
            for group in 0..if same { 1 } else { self.groups } {
                self.group = group;
                all.push(self.value(value));
            }
        }
        all
    }

    fn begin_loop(&mut self, id: LoopId) {
        let program = self.program;
        let carried = &program.loops[id].carried;
        let first = self.in_groups(carried.iter().map(|c| c.first));
        let [header, exit] = [(); 2].map(|()| self.f.label());
        self.f.jump(header, first);
        let mut params = Vec::new();
        for c in carried {
            let ty = program.insts[c.phi].ty();
            for group in 0..if ty == LaneType::S { 1 } else { self.groups } {
                let parameter = self.f.register(match ty {
                    LaneType::S => GENERAL,
                    LaneType::M => self.isa.mask_class(),
                    LaneType::F | LaneType::I | LaneType::Nothing => VECTOR,
                });
                self.values[group].set(c.phi, parameter);
                params.push(parameter);
            }
        }
        self.f.place(header, params);
        self.open.push(OpenLoop {
            header,
            exit,
            edges: Vec::new(),
            loaded: Vec::new(),
            addressed: Vec::new(),
            tested: false,
        });
    }

    fn test_loop(&mut self, id: LoopId) {
        let program = self.program;
        for &condition in &program.loops[id].conditions {
            let holds = match condition {
                Condition::Any(mask) => {
                    let masks = self.in_groups([mask].into_iter());
                    self.any(&masks)
                }
                Condition::Below(x, y) => {
                    let (x, y) = (self.value(x), self.value(y));
                    self.compare_general(x, y);
                    Flag::Below
                }
            };
            let [inside, edge] = [(); 2].map(|()| self.f.label());
            self.f.branch(holds, inside, edge);
            self.f.place(inside, Vec::new());
            self.open.last_mut().expect("a test stands in a loop").edges.push(edge);
        }
        self.open.last_mut().expect("a test stands in a loop").tested = true;
    }

    fn end_loop(&mut self, id: LoopId) {
        let program = self.program;
        let next = self.in_groups(program.loops[id].carried.iter().map(|c| c.next));
        let open = self.open.pop().expect("an end stands in a loop");
        self.f.jump(open.header, next);
        for edge in open.edges {
            self.f.place(edge, Vec::new());
            self.f.jump(open.exit, Vec::new());
        }
        self.f.place(open.exit, Vec::new());
        for value in open.loaded {
            self.values.iter_mut().for_each(|values| values.forget(value));
        }
        for offset in open.addressed {
            self.addresses.remove(&offset);
        }
    }

    /// Calls a function if any row does.
    fn call(&mut self, id: CallId) {
        let program = self.program;
        let call = &program.calls[id];
        let active = self.value(call.active);
        let operands: Vec<(LaneType, VReg)> =
            call.operands.iter().map(|&v| (program.insts[v].ty(), self.value(v))).collect();
        let depth = self.value(call.depth);
        let [some, none, after]: [Label; 3] = [(); 3].map(|()| self.f.label());
        let holds = self.any(&[active]);
        self.f.branch(holds, some, none);
        self.f.place(some, Vec::new());
        for (k, (ty, operand)) in operands.into_iter().enumerate() {
            let address = self.transfer_address(k);
            self.keep(ty, address, operand);
        }
        self.f.emit_fixed(
            Action::Call(call.function),
            &[
                Operand::reg_fixed_use(self.frame.args, general(RDI)),
                Operand::reg_fixed_use(depth, general(RSI)),
            ],
        );
        self.f.jump(after, Vec::new());
        self.f.place(none, Vec::new());
        self.f.jump(after, Vec::new());
        self.f.place(after, Vec::new());
    }
}
