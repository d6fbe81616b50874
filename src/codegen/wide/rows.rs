//! The flow of a function: the loop over the rows, the loops of the program, calls, and what leaves it.

use std::mem::offset_of;

use iced_x86::Code;
use nc_runtime::abi::Args;
use regalloc2::{Operand, VReg};

use super::fold::{Folding, must_stand};
use super::isa::{GENERAL, Isa, RAX, RDI, RSI, VECTOR};
use super::machine::{Action, Address, Arg, Flag, Function, Label, Source, general};
use super::pool::Pool;
use super::select::{Places, Role, Rows, Selector};
use crate::codegen::layout::Plan;
use crate::codegen::pieces::Piece;
use crate::codegen::walk::{Columns, Generator, LoopEnds, Results, Walk};
use crate::entity::EntityVec;
use crate::lower::bypass::Bypass;
use crate::lower::lanes::{Inst, LaneFunction, LaneProgram, LaneType, Store, Target, Value};

/// Column pointers that the loop keeps in registers; those of further columns are loaded in each iteration.
const HOISTED_POINTERS: usize = 9;

/// Where there are so many results, the canonical NaN stays in a register.
const MANY_RESULTS: usize = 3;

/// Programs with at most so many instructions to a column spend their time on memory.
const STREAMED_WORK: usize = 6;

/// Longer ones are not worth the time to compile their loop twice.
const STREAMED_LENGTH: usize = 40;

/// Whether it may be worth while to write results past the caches.
fn streams(program: &LaneProgram) -> bool {
    let columns = (program.columns.inputs + program.columns.outputs + program.columns.kept) as usize;
    let work = program.insts.values().filter(|inst| !inst.is_constant()).count();
    program.loops.is_empty()
        && program.functions.is_empty()
        && work <= STREAMED_LENGTH.min(STREAMED_WORK * columns)
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

/// What is known of the code in front of a program whose arms rows may not need.
pub(super) struct BypassPlan<'a> {
    bypass: &'a Bypass,
    folding: Folding,
    settled: EntityVec<Value, Value>,
    piece: Piece,
    stores: Vec<Store>,
    groups: usize,
}

impl<'a> BypassPlan<'a> {
    /// Lays it out, so many lane groups side by side.
    pub(super) fn of(bypass: &'a Bypass, groups: usize, isa: Isa) -> BypassPlan<'a> {
        let program = &bypass.program;
        let piece = Piece { insts: 0..program.insts.len(), imports: Vec::new(), exports: Vec::new() };
        let folding = Folding::of(program, std::slice::from_ref(&piece), &[bypass.elsewhere], isa);
        let settled = program.settled();
        let mut stores = program.stores.clone();
        stores.sort_by_key(|store| settled[store.value]);
        BypassPlan { bypass, folding, settled, piece, stores, groups }
    }
}

/// Where a row needs an arm, so many iterations without arms give way to the whole program: its neighbours may need one as well.
const STRETCH: usize = 8;

/// Where the rows at hand end, and what was found of them so far.
#[derive(Clone, Copy)]
struct Progress {
    row: VReg,
    /// Whether a status word was not 0, as 0 or 1.
    flagged: Option<VReg>,
}

/// What is done with status words of which one is not 0. It stands out of the way.
struct Reporting {
    from: Label,
    back: Label,
    /// Where they go, and they.
    words: Vec<(Address, VReg)>,
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
    bypass: Option<&'a BypassPlan<'a>>,
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
    let mut selector = Selector {
        walk: Walk::new(program, &plan.settled, &piece.imports),
        plan,
        folding,
        isa,
        pool,
        f,
        args,
        scratch,
        role: Role::Kernel(Rows {
            inputs,
            outputs,
            params,
            partials,
            slots,
            row: first_row,
            columns: Columns::none(),
        }),
        constants: Vec::new(),
        streaming: false,
        places: Places::default(),
    };
    let stores: Vec<&Store> = plan.stores[index].iter().collect();
    let bytes = selector.number_bytes().trailing_zeros() as u8;
    let first = selector.shifted(first_row, bytes);
    let length = selector.shifted(rows, bytes);
    let end = selector.sum(first, length);
    selector.code(Code::Sub_r64_rm64, &[Arg::Reuse(slots, scratch), Arg::Use(first)]);
    let columns = selector.hoisted_pointers(piece, &stores, HOISTED_POINTERS);
    selector.rows_mut().columns = columns;
    for &bits in &plan.hoisted {
        let constant = selector.fresh_constant(bits);
        selector.constants.push((bits, constant));
    }
    // Each result needs the canonical NaN in a register.
    let (one, nan) = (selector.number(1.0), selector.number(f64::NAN));
    let many_results = isa.has_masks() && selector.plan.stores[index].len() >= MANY_RESULTS;
    for (bits, wanted) in [(one, folding.is_additive()), (nan, many_results)] {
        if wanted && !plan.hoisted.contains(&bits) {
            let constant = selector.fresh_constant(bits);
            selector.constants.push((bits, constant));
        }
    }
    let results = Results { stores, status };
    let flagged = results.status.map(|_| selector.fixed_number(0));
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
    progress = match bypass {
        Some(bypass) => selector.rows_by_arms(bypass, piece, &results, &progress, [first, length, end]),
        None => selector.rows(piece, &results, 1, &progress, end),
    };
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
    let mut selector = Selector {
        walk: Walk::new(&lanes.program, &own.settled, &own.piece.imports),
        plan,
        folding: &own.folding,
        isa,
        pool,
        f,
        args,
        scratch,
        role: Role::Callee { depth },
        constants: Vec::new(),
        streaming: false,
        places: Places::default(),
    };
    selector.walk.restart(&own.piece, 1);
    selector.iteration(&own.piece, &[]);
    let numbers: Vec<VReg> = lanes.results.iter().map(|&v| selector.value(v)).collect();
    for (k, number) in numbers.into_iter().enumerate() {
        let address = selector.transfer_address(k);
        selector.keep(LaneType::F, address, number);
    }
    selector.f.emit(Action::Return, &[]);
    selector.f.finish();
    selector.f
}

impl<'a> Selector<'a, '_> {
    /// Ends a kernel: it returns whether any status word was not 0.
    fn result(&mut self, flagged: Option<VReg>) {
        let result = flagged.unwrap_or_else(|| self.fixed_number(0));
        self.f.emit_fixed(Action::Return, &[Operand::reg_fixed_use(result, general(RAX))]);
    }

    /// A number in a general register.
    fn fixed_number(&mut self, number: u64) -> VReg {
        let register = self.general();
        self.code(Code::Mov_r64_imm64, &[Arg::Def(register), Arg::Imm64(number)]);
        register
    }

    /// A loop over the rows up to `end`, `groups` lane groups at a time.
    fn rows(
        &mut self,
        piece: &Piece,
        results: &Results<'_, VReg>,
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
        self.rows_mut().row = inside.row;
        self.walk.restart(piece, groups);
        self.iteration(piece, &results.stores);
        let (flagged, reporting) = self.statuses(results, inside.flagged).unzip();
        let next = self.general();
        let step = (groups * self.group_bytes()) as i32;
        self.code(Code::Lea_r64_m, &[Arg::Def(next), Arg::Memory(Address::new(inside.row, step))]);
        self.compare_general(next, end);
        self.f.branch(Flag::Below, again, done);
        let after = Progress { row: next, flagged };
        self.f.place(again, Vec::new());
        self.f.jump(body, after.values());
        if let Some(Reporting { from, back, words }) = reporting {
            self.f.place(from, Vec::new());
            for (address, words) in words {
                self.keep(LaneType::I, address, words);
            }
            let flagged = self.fixed_number(1);
            self.f.jump(back, vec![flagged]);
        }
        self.f.place(done, Vec::new());
        self.f.jump(exit, after.values());
        self.f.place(skip, Vec::new());
        self.f.jump(exit, from.values());

        let outside = self.fresh_progress(from);
        self.f.place(exit, outside.values());
        outside
    }

    /// The loop over all rows of a program with arms: iterations without them, and of the whole program where a row needs one, and
    /// at the end. The rows begin at `first`, are `length` and end at `end`, in bytes of a column.
    fn rows_by_arms(
        &mut self,
        bypass: &'a BypassPlan<'a>,
        piece: &Piece,
        results: &Results<'_, VReg>,
        from: &Progress,
        [first, length, end]: [VReg; 3],
    ) -> Progress {
        let step = (bypass.groups * self.group_bytes()) as i32;
        let beyond = self.general();
        self.code(Code::And_rm64_imm32, &[Arg::Reuse(beyond, length), Arg::Imm32(-step)]);
        let short = self.sum(first, beyond);

        let head = self.f.label();
        let [enter, body, some, none, again, done] = [(); 6].map(|()| self.f.label());
        let [cut, whole, rest, more, finish, slow] = [(); 6].map(|()| self.f.label());
        self.f.jump(head, from.values());
        let at = self.fresh_progress(from);
        self.f.place(head, at.values());
        self.compare_general(at.row, short);
        self.f.branch(Flag::Below, enter, rest);
        self.f.place(enter, Vec::new());
        self.f.jump(body, vec![at.row]);

        let row = self.general();
        self.f.place(body, vec![row]);
        self.rows_mut().row = row;
        let walk = Walk::new(&bypass.bypass.program, &bypass.settled, &bypass.piece.imports);
        let whole_walk = std::mem::replace(&mut self.walk, walk);
        let whole_folding = std::mem::replace(&mut self.folding, &bypass.folding);
        self.walk.restart(&bypass.piece, bypass.groups);
        let stores: Vec<&Store> = bypass.stores.iter().collect();
        self.iteration(&bypass.piece, &stores);
        let masks = self.in_groups([bypass.bypass.elsewhere].into_iter());
        let elsewhere = self.any_of(&masks);
        (self.walk, self.folding) = (whole_walk, whole_folding);
        self.f.branch(elsewhere, some, none);
        self.f.place(none, Vec::new());
        let next = self.general();
        self.code(Code::Lea_r64_m, &[Arg::Def(next), Arg::Memory(Address::new(row, step))]);
        self.compare_general(next, short);
        self.f.branch(Flag::Below, again, done);
        self.f.place(again, Vec::new());
        self.f.jump(body, vec![next]);
        self.f.place(done, Vec::new());
        self.f.jump(head, Progress { row: next, ..at }.values());

        self.f.place(some, Vec::new());
        let limit = self.general();
        let stretch = Address::new(row, STRETCH as i32 * step);
        self.code(Code::Lea_r64_m, &[Arg::Def(limit), Arg::Memory(stretch)]);
        self.compare_general(limit, short);
        self.f.branch(Flag::Below, whole, cut);
        let slow_from = |row, limit| [limit].into_iter().chain(Progress { row, ..at }.values()).collect();
        self.f.place(whole, Vec::new());
        self.f.jump(slow, slow_from(row, limit));
        self.f.place(cut, Vec::new());
        self.f.jump(slow, slow_from(row, short));
        self.f.place(rest, Vec::new());
        self.compare_general(at.row, end);
        self.f.branch(Flag::Below, more, finish);
        self.f.place(more, Vec::new());
        self.f.jump(slow, slow_from(at.row, end));

        let limit = self.general();
        let inside = self.fresh_progress(from);
        self.f.place(slow, [limit].into_iter().chain(inside.values()).collect());
        let after = self.rows(piece, results, 1, &inside, limit);
        self.f.jump(head, after.values());
        self.f.place(finish, Vec::new());
        at
    }

    fn fresh_progress(&mut self, like: &Progress) -> Progress {
        Progress { row: self.general(), flagged: like.flagged.map(|_| self.general()) }
    }

    fn compare_general(&mut self, x: VReg, y: VReg) {
        self.code(Code::Cmp_r64_rm64, &[Arg::Use(x), Arg::Source(Source::Register(y))]);
    }

    /// Leaves the status words of an iteration, unless all are 0, as they are in memory. Returns whether any was not so far, and
    /// what is done about it.
    fn statuses(&mut self, results: &Results<'_, VReg>, flagged: Option<VReg>) -> Option<(VReg, Reporting)> {
        let ((status, column), flagged) = results.status.zip(flagged)?;
        let mut words = Vec::new();
        let mut all = None;
        for group in 0..self.walk.groups {
            self.walk.group = group;
            let here = self.value(status);
            let displacement = (group * self.group_bytes()) as i32;
            words.push((Address { base: column, index: Some(self.rows_of().row), displacement }, here));
            all = Some(all.map_or(here, |before| self.either(before, here)));
        }
        let all = all.expect("an iteration has a group");
        let some = match self.isa {
            Isa::Avx2 => {
                self.code(Code::VEX_Vptest_ymm_ymmm256, &[Arg::Use(all), Arg::Use(all)]);
                Flag::NotZero
            }
            Isa::Avx512 => {
                let some = self.f.register(self.isa.mask_class());
                let code = Code::EVEX_Vptestmq_kr_k1_zmm_zmmm512b64;
                self.code(code, &[Arg::Def(some), Arg::Use(all), Arg::Use(all)]);
                self.any_of(&[some])
            }
        };
        let [from, none, back] = [(); 3].map(|()| self.f.label());
        self.f.branch(some, from, none);
        self.f.place(none, Vec::new());
        self.f.jump(back, vec![flagged]);
        let after = self.general();
        self.f.place(back, vec![after]);
        Some((after, Reporting { from, back, words }))
    }
}

impl<'a> Generator<'a> for Selector<'a, '_> {
    type Code = VReg;
    type Label = Label;
    type Flag = Flag;

    fn walk(&mut self) -> &mut Walk<'a, VReg, Label> {
        &mut self.walk
    }

    fn instruction(&mut self, value: Value, inst: Inst) -> VReg {
        self.selected(value, inst)
    }

    fn is_late(&self, value: Value, inst: Inst) -> bool {
        self.folding.uses(value) == 0 && !must_stand(inst)
    }

    fn import(&mut self, ty: LaneType, slot: u32) -> VReg {
        let address = self.scratch_address(slot, self.walk.group);
        self.load(ty, address)
    }

    fn export(&mut self, value: Value, slot: u32) {
        for group in 0..self.walk.groups {
            self.walk.group = group;
            if self.folding.uses(value) > 0 {
                let number = self.value(value);
                let address = self.scratch_address(slot, group);
                self.keep(self.walk.program.insts[value].ty(), address, number);
            }
        }
    }

    fn store(&mut self, store: &Store) {
        for group in 0..self.walk.groups {
            self.walk.group = group;
            let number = self.value(store.value);
            match store.target {
                Target::Column(k) => {
                    let address = self.output_address(k);
                    self.leave(address, number);
                }
                Target::Partial(k) => self.accumulate(self.rows_of().partials, k, number),
            }
        }
    }

    fn open_loop(&mut self, first: Vec<VReg>, types: &[LaneType]) -> (LoopEnds<Label>, Vec<VReg>) {
        let [header, exit] = [(); 2].map(|()| self.f.label());
        self.f.jump(header, first);
        let params: Vec<VReg> = types
            .iter()
            .map(|&ty| {
                self.f.register(match ty {
                    LaneType::S => GENERAL,
                    LaneType::M => self.isa.mask_class(),
                    LaneType::F | LaneType::I | LaneType::Nothing => VECTOR,
                })
            })
            .collect();
        self.f.place(header, params.clone());
        (LoopEnds { header, exit, edges: Vec::new() }, params)
    }

    fn any(&mut self, masks: &[VReg]) -> Flag {
        self.any_of(masks)
    }

    fn going_on(&mut self) -> Flag {
        let stop = Selector::field(&mut self.f, self.args, offset_of!(Args, stop));
        let flag = Arg::Memory(Address::new(stop, 0));
        self.code(Code::Cmp_rm8_imm8, &[flag, Arg::Imm8(0)]);
        Flag::Zero
    }

    fn below(&mut self, x: VReg, y: VReg) -> Flag {
        self.compare_general(x, y);
        Flag::Below
    }

    fn leave_unless(&mut self, holds: Flag, _: Label) -> Option<Label> {
        let [inside, edge] = [(); 2].map(|()| self.f.label());
        self.f.branch(holds, inside, edge);
        self.f.place(inside, Vec::new());
        Some(edge)
    }

    fn close_loop(&mut self, ends: LoopEnds<Label>, next: Vec<VReg>) {
        self.f.jump(ends.header, next);
        for edge in ends.edges {
            self.f.place(edge, Vec::new());
            self.f.jump(ends.exit, Vec::new());
        }
        self.f.place(ends.exit, Vec::new());
    }

    fn call_if(&mut self, active: VReg, function: u32, operands: Vec<(LaneType, VReg)>, depth: VReg) {
        let [some, enter, none, stopped, after]: [Label; 5] = [(); 5].map(|()| self.f.label());
        let holds = self.any_of(&[active]);
        self.f.branch(holds, some, none);
        self.f.place(some, Vec::new());
        let going_on = self.going_on();
        self.f.branch(going_on, enter, stopped);
        self.f.place(enter, Vec::new());
        for (k, (ty, operand)) in operands.into_iter().enumerate() {
            let address = self.transfer_address(k);
            self.keep(ty, address, operand);
        }
        self.f.emit_fixed(
            Action::Call(function),
            &[Operand::reg_fixed_use(self.args, general(RDI)), Operand::reg_fixed_use(depth, general(RSI))],
        );
        self.f.jump(after, Vec::new());
        for skipped in [none, stopped] {
            self.f.place(skipped, Vec::new());
            self.f.jump(after, Vec::new());
        }
        self.f.place(after, Vec::new());
    }

    fn cells_at(&mut self, offset: VReg) -> VReg {
        let bytes = self.walk.groups * self.group_bytes();
        let place = self.shifted(offset, bytes.trailing_zeros() as u8);
        self.sum(self.scratch, place)
    }

    fn input_pointer(&mut self, k: u32) -> VReg {
        self.pointer(self.rows_of().inputs, k)
    }

    fn output_pointer(&mut self, k: u32) -> VReg {
        self.pointer(self.rows_of().outputs, k)
    }
}
