//! One function: a loop over the rows around the instructions of a piece.

use std::mem::offset_of;

use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::immediates::Offset32;
use cranelift::codegen::ir::{self, BlockArg, ConstantData, InstBuilder, MemFlagsData, types};
use cranelift::frontend::{FunctionBuilder, FunctionBuilderContext};
use nc_runtime::abi::{Args, PARTIALS};
use nc_runtime::lanes::Precision;

use super::{Symbols, TargetMachine, VECTOR_BYTES, function_signature};
use crate::codegen::layout::{self, Plan};
use crate::codegen::pieces::Piece;
use crate::codegen::walk::{Columns, Generator, LoopEnds, Results, Walk};
use crate::entity::EntityVec;
use crate::lower::lanes::{
    FBinary, FCompare, FUnary, IBinary, Inst, LaneFunction, LaneProgram, LaneType, SBinary, Store, Target,
    Value,
};

/// Where so many groups are worked on side by side, their NaNs are looked for together.
pub(super) const NAN_BRANCH_GROUPS: usize = 4;

/// Column pointers that the loop keeps in registers; those of further columns are loaded in each iteration.
const HOISTED_POINTERS: usize = 10;

/// Emits one function.
pub(super) struct Emitter<'a, 'f> {
    walk: Walk<'a, ir::Value, ir::Block>,
    /// What vectors hold.
    lanes: LaneTypes,
    target: &'a TargetMachine,
    tables: &'a [ir::GlobalValue],
    plan: &'a Plan,
    b: FunctionBuilder<'f>,
    /// What the function was called with.
    args: ir::Value,
    scratch: ir::Value,
    pool: ir::Value,
    role: Role,
    /// Constants that are in registers.
    hoisted: Vec<(u64, ir::Value)>,
    /// Instructions that only turn the NaNs of a result into the canonical one.
    canonical: &'a EntityVec<Value, bool>,
    /// What functions of the program take and give.
    callee: ir::Signature,
}

/// What a function is for.
enum Role {
    Kernel(Rows),
    /// A function of the program: how many calls may be nested in this one.
    Callee {
        depth: ir::Value,
    },
}

/// What a kernel reads and writes.
struct Rows {
    input_table: ir::Value,
    output_table: ir::Value,
    params: ir::Value,
    partials: ir::Value,
    columns: Columns<ir::Value>,
    /// Byte offset of the call's first row in every column.
    first: ir::Value,
    /// Byte offset of the iteration's first group in every column.
    offset: ir::Value,
}

/// The types of code for numbers of one precision.
#[derive(Clone, Copy)]
struct LaneTypes {
    /// A group's numbers.
    numbers: ir::Type,
    /// A group's integers, and masks.
    integers: ir::Type,
    /// A number.
    number: ir::Type,
    /// The binary logarithm of a number's bytes.
    shift: i64,
}

impl LaneTypes {
    fn of(precision: Precision) -> LaneTypes {
        match precision {
            Precision::Double => {
                LaneTypes { numbers: types::F64X2, integers: types::I64X2, number: types::F64, shift: 3 }
            }
            Precision::Single => {
                LaneTypes { numbers: types::F32X4, integers: types::I32X4, number: types::F32, shift: 2 }
            }
        }
    }

    fn vector(self, ty: LaneType) -> ir::Type {
        match ty {
            LaneType::F => self.numbers,
            LaneType::M | LaneType::I => self.integers,
            LaneType::S | LaneType::Nothing => types::I64,
        }
    }

    /// Bytes of so many numbers.
    fn bytes(self, count: usize) -> usize {
        count << self.shift
    }
}

/// Bytes that a lane group takes in a column.
const GROUP_BYTES: usize = VECTOR_BYTES;

fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Column numbers are aligned to their size, not to the vector's.
fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// What is known of a function of the program before it is emitted.
pub(super) struct FunctionPlan<'a> {
    lanes: &'a LaneFunction,
    /// None: what a function gives is no result of the program.
    canonical: EntityVec<Value, bool>,
    settled: EntityVec<Value, Value>,
}

impl<'a> FunctionPlan<'a> {
    pub(super) fn of(lanes: &'a LaneFunction) -> FunctionPlan<'a> {
        FunctionPlan { lanes, canonical: EntityVec::new(), settled: lanes.program.settled() }
    }
}

impl<'a, 'f> Emitter<'a, 'f> {
    pub(super) fn emit(
        program: &'a LaneProgram,
        plan: &'a Plan,
        index: usize,
        symbols: &'a Symbols,
        target: &'a TargetMachine,
        function: &'f mut ir::Function,
        context: &'f mut FunctionBuilderContext,
    ) {
        let piece = &plan.pieces.list[index];
        let last = index + 1 == plan.pieces.list.len();
        let stores = plan.stores[index].iter().collect::<Vec<_>>();

        let mut b = FunctionBuilder::new(function, context);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let args = b.block_params(entry)[0];
        let field = |b: &mut FunctionBuilder, offset: usize| {
            b.ins().load(types::I64, flags().with_readonly(), args, Offset32::new(offset as i32))
        };
        let input_table = field(&mut b, offset_of!(Args, inputs));
        let output_table = field(&mut b, offset_of!(Args, outputs));
        let first_row = field(&mut b, offset_of!(Args, first_row));
        let rows = field(&mut b, offset_of!(Args, rows));
        // Unused ones cost nothing: they are dropped as dead code.
        let params = field(&mut b, offset_of!(Args, params));
        let partials = field(&mut b, offset_of!(Args, partials));
        let scratch = field(&mut b, offset_of!(Args, scratch));
        let status = program.status.filter(|_| last).map(|s| (s, field(&mut b, offset_of!(Args, status))));
        let pool = match symbols.pool {
            Some(pool) => b.ins().symbol_value(types::I64, pool),
            None => b.ins().iconst(types::I64, 0),
        };
        let lanes = LaneTypes::of(program.precision);
        let first = b.ins().ishl_imm_u(first_row, lanes.shift);
        let length = b.ins().ishl_imm_u(rows, lanes.shift);
        let end = b.ins().iadd(first, length);

        let mut emitter = Emitter {
            walk: Walk::new(program, &plan.settled, &piece.imports),
            lanes,
            target,
            tables: &symbols.tables,
            plan,
            args,
            scratch,
            pool,
            role: Role::Kernel(Rows {
                input_table,
                output_table,
                params,
                partials,
                columns: Columns::none(),
                first,
                offset: first,
            }),
            hoisted: Vec::new(),
            canonical: &plan.canonical,
            callee: function_signature(target),
            b,
        };
        let columns = emitter.hoisted_pointers(piece, &stores, HOISTED_POINTERS);
        emitter.rows_mut().columns = columns;
        for &bits in &plan.hoisted {
            let constant = emitter.splat(lanes.integers, bits);
            emitter.hoisted.push((bits, constant));
        }
        let results = Results { stores, status };
        let mut flagged = match results.status {
            Some(_) => vec![emitter.splat(lanes.integers, 0)],
            None => vec![],
        };
        let mut next = first;
        if plan.interleave > 1 {
            let step = (plan.interleave * GROUP_BYTES) as i64;
            let beyond = emitter.b.ins().band_imm_s(length, -step);
            let whole = emitter.b.ins().iadd(first, beyond);
            (next, flagged) = emitter.rows(piece, &results, plan.interleave, next, whole, &flagged);
        }
        (_, flagged) = emitter.rows(piece, &results, 1, next, end, &flagged);
        let result = match flagged.as_slice() {
            [words] => {
                let any = emitter.b.ins().vany_true(*words);
                emitter.b.ins().uextend(types::I32, any)
            }
            _ => emitter.b.ins().iconst(types::I32, 0),
        };
        emitter.b.ins().return_(&[result]);
        emitter.b.seal_all_blocks();
        emitter.b.finalize(target.isa.frontend_config());
    }

    /// Emits a function of the program: see [`crate::lower::lanes::LaneFunction`].
    pub(super) fn emit_function(
        own: &'a FunctionPlan<'a>,
        plan: &'a Plan,
        symbols: &'a Symbols,
        target: &'a TargetMachine,
        function: &'f mut ir::Function,
        context: &'f mut FunctionBuilderContext,
    ) {
        let lanes = own.lanes;
        let program = &lanes.program;
        let mut b = FunctionBuilder::new(function, context);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let (args, depth) = (b.block_params(entry)[0], b.block_params(entry)[1]);
        let field = offset_of!(Args, scratch) as i32;
        let scratch = b.ins().load(types::I64, flags().with_readonly(), args, Offset32::new(field));
        let pool = match symbols.pool {
            Some(pool) => b.ins().symbol_value(types::I64, pool),
            None => b.ins().iconst(types::I64, 0),
        };
        let piece = Piece { insts: 0..program.insts.len(), imports: Vec::new(), exports: Vec::new() };
        let mut emitter = Emitter {
            walk: Walk::new(program, &own.settled, &piece.imports),
            lanes: LaneTypes::of(program.precision),
            target,
            tables: &symbols.tables,
            plan,
            args,
            scratch,
            pool,
            role: Role::Callee { depth },
            hoisted: Vec::new(),
            canonical: &own.canonical,
            callee: function_signature(target),
            b,
        };
        emitter.walk.restart(&piece, 1);
        emitter.iteration(&piece, &[]);
        let numbers: Vec<ir::Value> = lanes.results.iter().map(|&v| emitter.value(v)).collect();
        for (k, number) in numbers.into_iter().enumerate() {
            let offset = Offset32::new((plan.transfer() + k * GROUP_BYTES) as i32);
            emitter.b.ins().store(flags(), number, emitter.scratch, offset);
        }
        emitter.b.ins().return_(&[]);
        emitter.b.seal_all_blocks();
        emitter.b.finalize(target.isa.frontend_config());
    }

    /// What a kernel reads and writes.
    fn rows_of(&self) -> &Rows {
        match &self.role {
            Role::Kernel(rows) => rows,
            Role::Callee { .. } => unreachable!("functions of the program have no columns"),
        }
    }

    fn rows_mut(&mut self) -> &mut Rows {
        match &mut self.role {
            Role::Kernel(rows) => rows,
            Role::Callee { .. } => unreachable!("functions of the program have no columns"),
        }
    }

    fn transferred(&mut self, ty: LaneType, k: u32) -> ir::Value {
        let offset = Offset32::new((self.plan.transfer() + k as usize * GROUP_BYTES) as i32);
        self.b.ins().load(self.lanes.vector(ty), flags(), self.scratch, offset)
    }

    /// Byte offset of the iteration's first group in every column.
    fn row_offset(&self) -> ir::Value {
        self.rows_of().offset
    }

    /// A loop over the rows from `start` to `end`, `groups` lane groups at a time. Returns where it stopped and the
    /// status words of all rows so far, or-ed.
    fn rows(
        &mut self,
        piece: &Piece,
        results: &Results<'_, ir::Value>,
        groups: usize,
        start: ir::Value,
        end: ir::Value,
        flagged: &[ir::Value],
    ) -> (ir::Value, Vec<ir::Value>) {
        let body = self.b.create_block();
        let exit = self.b.create_block();
        for block in [body, exit] {
            self.b.append_block_param(block, types::I64);
            if !flagged.is_empty() {
                self.b.append_block_param(block, self.lanes.integers);
            }
        }
        let arguments = |row: ir::Value, flagged: &[ir::Value]| -> Vec<BlockArg> {
            [row].iter().chain(flagged).map(|&v| BlockArg::Value(v)).collect()
        };
        let some = self.b.ins().icmp(IntCC::UnsignedLessThan, start, end);
        let state = arguments(start, flagged);
        self.b.ins().brif(some, body, &state, exit, &state);

        self.b.switch_to_block(body);
        let offset = self.b.block_params(body)[0];
        self.rows_mut().offset = offset;
        let before: Vec<ir::Value> = self.b.block_params(body)[1..].to_vec();
        self.walk.restart(piece, groups);
        self.iteration(piece, &results.stores);
        let after = self.statuses(results, &before);
        let next = self.b.ins().iadd_imm_u(offset, (groups * GROUP_BYTES) as i64);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        let state = arguments(next, &after);
        self.b.ins().brif(more, body, &state, exit, &state);

        self.b.switch_to_block(exit);
        let (row, flagged) = self.b.block_params(exit).split_at(1);
        (row[0], flagged.to_vec())
    }

    /// Leaves the status words of an iteration. Returns those of all rows so far, or-ed.
    fn statuses(&mut self, results: &Results<'_, ir::Value>, flagged: &[ir::Value]) -> Vec<ir::Value> {
        let mut flagged = flagged.to_vec();
        if let (Some((status, column)), Some(before)) = (results.status, flagged.first_mut()) {
            let row = self.row_offset();
            let address = self.b.ins().iadd(column, row);
            for group in 0..self.walk.groups {
                self.walk.group = group;
                let words = self.value(status);
                self.b.ins().store(unaligned(), words, address, (group * GROUP_BYTES) as i32);
                *before = self.b.ins().bor(*before, words);
            }
        }
        flagged
    }

    /// The address of a memory cell of the group at hand, without the offset that is returned beside it.
    fn cell(&mut self, cell: u32, offset: Value) -> (ir::Value, Offset32) {
        let bytes = self.walk.groups * GROUP_BYTES;
        let group = self.walk.group;
        let address = self.cells(offset);
        let fixed = self.plan.slot_bytes() + cell as usize * bytes + group * GROUP_BYTES;
        match i32::try_from(fixed) {
            Ok(fixed) => (address, Offset32::new(fixed)),
            Err(_) => (self.b.ins().iadd_imm_s(address, fixed as i64), Offset32::new(0)),
        }
    }

    /// Stores four groups as they are, or with canonical NaNs if there is a NaN among them. One branch that is never
    /// taken costs less than four selections.
    fn store_unless_nan(&mut self, number: Value, address: ir::Value) {
        let mut numbers = [address; NAN_BRANCH_GROUPS];
        for (group, slot) in numbers.iter_mut().enumerate() {
            self.walk.group = group;
            *slot = self.value(number);
        }
        let [a, b, c, d] = numbers;
        let some = self.b.ins().fcmp(FloatCC::Unordered, a, b);
        let others = self.b.ins().fcmp(FloatCC::Unordered, c, d);
        let either = self.b.ins().bor(some, others);
        let any = self.b.ins().vany_true(either);
        let [with_nan, without, after] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(with_nan);
        self.b.ins().brif(any, with_nan, &[], without, &[]);
        for (block, canonical) in [(without, false), (with_nan, true)] {
            self.b.switch_to_block(block);
            for (group, &number) in numbers.iter().enumerate() {
                let number = if canonical {
                    let nan = self.b.ins().fcmp(FloatCC::NotEqual, number, number);
                    let replacement = self.number(self.walk.program.precision.bits(f64::NAN));
                    self.choose(nan, replacement, number)
                } else {
                    number
                };
                self.b.ins().store(unaligned(), number, address, (group * GROUP_BYTES) as i32);
            }
            self.b.ins().jump(after, &[]);
        }
        self.b.switch_to_block(after);
    }

    fn input_column(&mut self, k: u32) -> ir::Value {
        let known = self.rows_of().columns.input(k);
        known.unwrap_or_else(|| self.input_pointer(k))
    }

    fn output_column(&mut self, k: u32) -> ir::Value {
        let known = self.rows_of().columns.output(k);
        known.unwrap_or_else(|| self.output_pointer(k))
    }

    /// Where the iteration's first group keeps a value between pieces.
    fn scratch_address(&mut self, slot: u32) -> ir::Value {
        let (offset, first) = (self.row_offset(), self.rows_of().first);
        let within = self.b.ins().isub(offset, first);
        let address = self.b.ins().iadd(self.scratch, within);
        self.b.ins().iadd_imm_u(address, self.lanes.bytes(slot as usize * self.plan.tile) as i64)
    }

    /// The numbers of the iteration's first group in the column at an offset from another.
    fn column_at(&mut self, table: ir::Value, first: u32, offset: Value) -> ir::Value {
        let offset = self.value(offset);
        let offset = self.b.ins().ishl_imm_u(offset, 3);
        let entry = self.b.ins().iadd(table, offset);
        let column = load_pointer(&mut self.b, entry, first);
        let row = self.row_offset();
        self.b.ins().iadd(column, row)
    }

    /// Adds the group's numbers to the partial sums of their rows.
    fn accumulate(&mut self, partials: ir::Value, k: u32, number: ir::Value) {
        let row = self.row_offset();
        let here = self.b.ins().iadd_imm_u(row, (self.walk.group * GROUP_BYTES) as i64);
        let residue = self.b.ins().band_imm_u(here, self.lanes.bytes(PARTIALS - 1) as i64);
        let first = k as usize * PARTIALS * size_of::<f64>();
        match self.walk.program.precision {
            Precision::Double => {
                let address = self.b.ins().iadd(partials, residue);
                self.accumulate_at(address, first, number);
            }
            Precision::Single => {
                let residue = self.b.ins().ishl_imm_u(residue, 1);
                let address = self.b.ins().iadd(partials, residue);
                let low = self.b.ins().fvpromote_low(number);
                self.accumulate_at(address, first, low);
                let bytes = self.b.ins().bitcast(types::I8X16, lanes_in_order(), number);
                let halves = ConstantData::from([8, 9, 10, 11, 12, 13, 14, 15].repeat(2).as_slice());
                let mask = self.b.func.dfg.immediates.push(halves);
                let high = self.b.ins().shuffle(bytes, bytes, mask);
                let high = self.b.ins().bitcast(types::F32X4, lanes_in_order(), high);
                let high = self.b.ins().fvpromote_low(high);
                self.accumulate_at(address, first + VECTOR_BYTES, high);
            }
        }
    }

    /// Adds two binary64 numbers to those at an address.
    fn accumulate_at(&mut self, address: ir::Value, offset: usize, numbers: ir::Value) {
        let offset = Offset32::new(offset as i32);
        let before = self.b.ins().load(types::F64X2, unaligned(), address, offset);
        let after = self.b.ins().fadd(before, numbers);
        self.b.ins().store(unaligned(), after, address, offset);
    }

    /// The number with these bits in all lanes.
    fn number(&mut self, bits: u64) -> ir::Value {
        self.splat(self.lanes.numbers, self.walk.program.precision.repeated(bits))
    }

    /// The same 64 bits in both halves. Constants are loaded where they are used, which mostly makes them memory
    /// operands: there are more of them than registers.
    fn splat(&mut self, ty: ir::Type, bits: u64) -> ir::Value {
        if let Some(&(_, constant)) = self.hoisted.iter().find(|h| h.0 == bits) {
            return if ty == self.lanes.integers { constant } else { self.as_f(constant) };
        }
        if layout::is_made(bits) {
            let constant = self.b.func.dfg.constants.insert(ConstantData::from([bits as u8; 16].as_slice()));
            return self.b.ins().vconst(ty, constant);
        }
        let place =
            self.plan.pool.binary_search(&bits).expect("every constant of the program is in the pool");
        let offset = place * 2 * size_of::<u64>();
        self.b.ins().load(ty, flags().with_readonly(), self.pool, offset as i32)
    }

    fn as_f(&mut self, value: ir::Value) -> ir::Value {
        self.b.ins().bitcast(self.lanes.numbers, lanes_in_order(), value)
    }

    fn as_i(&mut self, value: ir::Value) -> ir::Value {
        self.b.ins().bitcast(self.lanes.integers, lanes_in_order(), value)
    }

    /// Whether a value is the constant +0, all of whose bits are clear.
    fn is_zero(&self, value: Value) -> bool {
        self.walk.program.insts[value] == Inst::F(0)
    }

    /// The code of an instruction for the group at hand.
    fn code(&mut self, inst: Inst) -> ir::Value {
        match inst {
            Inst::F(bits) => self.number(bits),
            Inst::I(value) => {
                let word = self.walk.program.precision.repeated(value.cast_unsigned());
                self.splat(self.lanes.integers, word)
            }
            Inst::M(value) => self.splat(self.lanes.integers, if value { u64::MAX } else { 0 }),
            Inst::Column(k) => {
                let column = self.input_column(k);
                let row = self.row_offset();
                let address = self.b.ins().iadd(column, row);
                self.load_numbers(address)
            }
            Inst::Param(k) => {
                let offset = Offset32::new(self.lanes.bytes(k as usize) as i32);
                let params = self.rows_of().params;
                let number = self.b.ins().load(self.lanes.number, flags(), params, offset);
                self.b.ins().splat(self.lanes.numbers, number)
            }
            Inst::ColumnAt(first, offset) => {
                let address = self.column_at(self.rows_of().input_table, first, offset);
                self.load_numbers(address)
            }
            Inst::ParamAt(first, offset) => {
                let offset = self.value(offset);
                let offset = self.b.ins().ishl_imm_u(offset, self.lanes.shift);
                let params = self.rows_of().params;
                let address = self.b.ins().iadd(params, offset);
                let fixed = Offset32::new(self.lanes.bytes(first as usize) as i32);
                let number = self.b.ins().load(self.lanes.number, flags(), address, fixed);
                self.b.ins().splat(self.lanes.numbers, number)
            }
            Inst::FUnary(op, a) => {
                let a = self.value(a);
                let b = self.b.ins();
                match op {
                    FUnary::Sqrt => b.sqrt(a),
                    FUnary::Abs => b.fabs(a),
                    FUnary::Neg => b.fneg(a),
                    FUnary::RoundEven => b.nearest(a),
                    FUnary::Floor => b.floor(a),
                    FUnary::Ceil => b.ceil(a),
                    FUnary::Trunc => b.trunc(a),
                }
            }
            Inst::FBinary(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                let b = self.b.ins();
                match op {
                    FBinary::Add => b.fadd(x, y),
                    FBinary::Sub => b.fsub(x, y),
                    FBinary::Mul => b.fmul(x, y),
                    FBinary::Div => b.fdiv(x, y),
                }
            }
            Inst::Fma(x, y, z) => {
                let (x, y, z) = (self.value(x), self.value(y), self.value(z));
                self.b.ins().fma(x, y, z)
            }
            Inst::FCompare(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                let condition = match op {
                    FCompare::Lt => FloatCC::LessThan,
                    FCompare::Le => FloatCC::LessThanOrEqual,
                    FCompare::Eq => FloatCC::Equal,
                    FCompare::Ne => FloatCC::NotEqual,
                };
                self.b.ins().fcmp(condition, x, y)
            }
            Inst::Select(m, x, y) if self.is_zero(y) => {
                let (m, x) = (self.value(m), self.value(x));
                let x = self.as_i(x);
                let kept = self.b.ins().band(x, m);
                self.as_f(kept)
            }
            Inst::Select(m, x, y) if self.is_zero(x) => {
                let (m, y) = (self.value(m), self.value(y));
                let y = self.as_i(y);
                let kept = self.b.ins().band_not(y, m);
                self.as_f(kept)
            }
            Inst::Select(m, x, y) => {
                let (m, x, y) = (self.value(m), self.value(x), self.value(y));
                self.choose(m, x, y)
            }
            Inst::And(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().band(x, y)
            }
            Inst::Or(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().bor(x, y)
            }
            Inst::Not(x) => {
                let x = self.value(x);
                self.b.ins().bnot(x)
            }
            Inst::IBinary(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                let b = self.b.ins();
                match op {
                    IBinary::Add => b.iadd(x, y),
                    IBinary::Sub => b.isub(x, y),
                    IBinary::And => b.band(x, y),
                    IBinary::Or => b.bor(x, y),
                    IBinary::Xor => b.bxor(x, y),
                }
            }
            Inst::Shl(x, by) => {
                let x = self.value(x);
                let by = self.b.ins().iconst(types::I32, i64::from(by));
                self.b.ins().ishl(x, by)
            }
            Inst::Shr(x, by) => {
                let x = self.value(x);
                let by = self.b.ins().iconst(types::I32, i64::from(by));
                self.b.ins().ushr(x, by)
            }
            Inst::IGt(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().icmp(IntCC::SignedGreaterThan, x, y)
            }
            Inst::IEq(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().icmp(IntCC::Equal, x, y)
            }
            Inst::Bits(x) => {
                let x = self.value(x);
                self.as_i(x)
            }
            Inst::Float(x) => {
                let x = self.value(x);
                self.as_f(x)
            }
            Inst::Lookup(table, index) => self.lookup(table.0 as usize, index),
            Inst::S(value) => self.b.ins().iconst(types::I64, value.cast_signed()),
            Inst::SBinary(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                match op {
                    SBinary::Add => self.b.ins().iadd(x, y),
                    SBinary::Sub => self.b.ins().isub(x, y),
                    SBinary::Mul => self.b.ins().imul(x, y),
                    SBinary::And => self.b.ins().band(x, y),
                    SBinary::Shl => self.b.ins().ishl(x, y),
                    SBinary::Min => self.b.ins().umin(x, y),
                    SBinary::Eq => {
                        let equal = self.b.ins().icmp(IntCC::Equal, x, y);
                        self.b.ins().uextend(types::I64, equal)
                    }
                }
            }
            Inst::SSelect(c, x, y) => {
                let (c, x, y) = (self.value(c), self.value(x), self.value(y));
                self.b.ins().select(c, x, y)
            }
            Inst::Load(ty, cell, offset) => {
                let (address, fixed) = self.cell(cell, offset);
                self.b.ins().load(self.lanes.vector(ty), flags(), address, fixed)
            }
            Inst::StoreCell(cell, offset, value) => {
                let number = self.value(value);
                let (address, fixed) = self.cell(cell, offset);
                self.b.ins().store(flags(), number, address, fixed);
                number
            }
            Inst::Fetch(cell, offset, count) => self.moved(cell, offset, count, false),
            Inst::Deposit(cell, offset, count) => self.moved(cell, offset, count, true),
            Inst::StoreColumn(first, offset, value) => {
                let number = self.value(value);
                let address = self.column_at(self.rows_of().output_table, first, offset);
                self.b.ins().store(unaligned(), number, address, (self.walk.group * GROUP_BYTES) as i32);
                number
            }
            Inst::AddPartial(first, offset, value) => {
                let number = self.value(value);
                let offset = self.value(offset);
                let offset = self.b.ins().imul_imm_s(offset, (PARTIALS * size_of::<f64>()) as i64);
                let partials = self.rows_of().partials;
                let partials = self.b.ins().iadd(partials, offset);
                self.accumulate(partials, first, number);
                number
            }
            Inst::Splat(x) => {
                let x = self.value(x);
                let x = match self.walk.program.precision {
                    Precision::Double => x,
                    Precision::Single => self.b.ins().ireduce(types::I32, x),
                };
                self.b.ins().splat(self.lanes.integers, x)
            }
            Inst::Argument(LaneType::S, _) => match self.role {
                Role::Callee { depth } => depth,
                Role::Kernel(_) => unreachable!("a kernel is no function that is called"),
            },
            Inst::Argument(ty, k) => self.transferred(ty, k),
            Inst::Returned(_, k) => self.transferred(LaneType::F, k),
            // Bound where their loop begins, and handled where they stand.
            Inst::Phi(..) | Inst::Loop(_) | Inst::Test(_) | Inst::End(_) | Inst::Call(_) => {
                unreachable!("a loop's phis and marks are no instructions of their own")
            }
        }
    }

    /// `x` where the mask holds, `y` elsewhere.
    fn choose(&mut self, m: ir::Value, x: ir::Value, y: ir::Value) -> ir::Value {
        if self.target.blend {
            let (x, y) = (self.as_i(x), self.as_i(y));
            let chosen = self.b.ins().blendv(m, x, y);
            self.as_f(chosen)
        } else {
            let m = self.as_f(m);
            self.b.ins().bitselect(m, x, y)
        }
    }

    /// Moves an element for each row between the second cell of the pad and the place that the first one leads to.
    fn moved(&mut self, cell: u32, offset: Value, count: Value, deposits: bool) -> ir::Value {
        let pad = self.walk.program.pad.expect("a program that goes by the pad has one") as usize;
        let (bytes, group) = (self.walk.groups * GROUP_BYTES, self.walk.group * GROUP_BYTES);
        let count = self.value(count);
        let there = self.cells(offset);
        let fixed = self.plan.slot_bytes() + cell as usize * bytes + group;
        let there = self.b.ins().iadd_imm_s(there, fixed as i64);
        let pad = self.plan.slot_bytes() + pad * bytes + group;
        let pad = self.b.ins().iadd_imm_s(self.scratch, pad as i64);
        let (integer, size) = match self.walk.program.precision {
            Precision::Double => (types::I64, size_of::<f64>()),
            Precision::Single => (types::I32, size_of::<f32>()),
        };
        let zero = self.b.ins().iconst(types::I64, 0);
        for row in (0..GROUP_BYTES).step_by(size) {
            let place = self.b.ins().load(integer, flags(), pad, row as i32);
            let place = match self.walk.program.precision {
                Precision::Double => place,
                Precision::Single => self.b.ins().uextend(types::I64, place),
            };
            let within = self.b.ins().icmp(IntCC::UnsignedLessThan, place, count);
            let place = self.b.ins().select(within, place, zero);
            let further = self.b.ins().ishl_imm_u(place, i64::from(bytes.trailing_zeros()));
            let element = self.b.ins().iadd(there, further);
            let (from, to) = ((element, row), (pad, bytes + row));
            let (from, to) = if deposits { (to, from) } else { (from, to) };
            let number = self.b.ins().load(integer, flags(), from.0, from.1 as i32);
            self.b.ins().store(flags(), number, to.0, to.1 as i32);
        }
        zero
    }

    /// A load per lane: there is no gather.
    fn lookup(&mut self, table: usize, index: Value) -> ir::Value {
        let len = self.walk.program.tables[table].len();
        let index = self.value(index);
        let start = self.b.ins().symbol_value(types::I64, self.tables[table]);
        let precision = self.walk.program.precision;
        let mut all = None;
        for lane in 0..super::lanes(precision) as u8 {
            let index = self.b.ins().extractlane(index, lane);
            let index = match precision {
                Precision::Double => index,
                Precision::Single => self.b.ins().uextend(types::I64, index),
            };
            let index = self.b.ins().band_imm_u(index, len as i64 - 1);
            let offset = self.b.ins().ishl_imm_u(index, 3);
            let address = self.b.ins().iadd(start, offset);
            let number = self.b.ins().load(types::F64, flags(), address, 0);
            let number = match precision {
                Precision::Double => number,
                Precision::Single => self.b.ins().fdemote(types::F32, number),
            };
            all = Some(match all {
                None => self.b.ins().scalar_to_vector(self.lanes.numbers, number),
                Some(others) => self.b.ins().insertlane(others, number, lane),
            });
        }
        all.expect("a group has at least one lane")
    }

    /// The numbers of the group at hand in the column whose first group is at an address.
    fn load_numbers(&mut self, address: ir::Value) -> ir::Value {
        let offset = (self.walk.group * GROUP_BYTES) as i32;
        self.b.ins().load(self.lanes.numbers, unaligned(), address, offset)
    }
}

impl<'a> Generator<'a> for Emitter<'a, '_> {
    type Code = ir::Value;
    type Label = ir::Block;
    type Flag = ir::Value;

    fn walk(&mut self) -> &mut Walk<'a, ir::Value, ir::Block> {
        &mut self.walk
    }

    fn instruction(&mut self, _: Value, inst: Inst) -> ir::Value {
        self.code(inst)
    }

    fn is_late(&self, value: Value, _: Inst) -> bool {
        self.walk.groups == NAN_BRANCH_GROUPS && self.canonical[value]
    }

    fn import(&mut self, ty: LaneType, slot: u32) -> ir::Value {
        let address = self.scratch_address(slot);
        let ty = self.lanes.vector(ty);
        self.b.ins().load(ty, flags(), address, (self.walk.group * GROUP_BYTES) as i32)
    }

    fn export(&mut self, value: Value, slot: u32) {
        let address = self.scratch_address(slot);
        for group in 0..self.walk.groups {
            self.walk.group = group;
            let number = self.value(value);
            self.b.ins().store(flags(), number, address, (group * GROUP_BYTES) as i32);
        }
    }

    fn store(&mut self, store: &Store) {
        let groups = self.walk.groups;
        match store.target {
            Target::Column(k) => {
                let column = self.output_column(k);
                let row = self.row_offset();
                let address = self.b.ins().iadd(column, row);
                if let (NAN_BRANCH_GROUPS, Some(number)) =
                    (groups, self.walk.program.canonicalised(store.value))
                {
                    return self.store_unless_nan(number, address);
                }
                for group in 0..groups {
                    self.walk.group = group;
                    let number = self.value(store.value);
                    self.b.ins().store(unaligned(), number, address, (group * GROUP_BYTES) as i32);
                }
            }
            Target::Partial(k) => {
                for group in 0..groups {
                    self.walk.group = group;
                    let number = self.value(store.value);
                    self.accumulate(self.rows_of().partials, k, number);
                }
            }
        }
    }

    fn open_loop(
        &mut self,
        first: Vec<ir::Value>,
        types: &[LaneType],
    ) -> (LoopEnds<ir::Block>, Vec<ir::Value>) {
        let [header, exit] = [(); 2].map(|()| self.b.create_block());
        let arguments: Vec<BlockArg> = first.into_iter().map(BlockArg::Value).collect();
        self.b.ins().jump(header, &arguments);
        self.b.switch_to_block(header);
        let params =
            types.iter().map(|&ty| self.b.append_block_param(header, self.lanes.vector(ty))).collect();
        (LoopEnds { header, exit, edges: Vec::new() }, params)
    }

    fn any(&mut self, masks: &[ir::Value]) -> ir::Value {
        let any = masks.iter().copied().reduce(|a, b| self.b.ins().bor(a, b));
        self.b.ins().vany_true(any.expect("an iteration works on at least one group"))
    }

    fn going_on(&mut self) -> ir::Value {
        let pointer = flags().with_readonly();
        let offset = Offset32::new(offset_of!(Args, stop) as i32);
        let stop = self.b.ins().load(types::I64, pointer, self.args, offset);
        // Atomic, so that no two of these loads become one.
        let flag = self.b.ins().atomic_load(types::I64, flags(), stop);
        self.b.ins().icmp_imm_u(IntCC::Equal, flag, 0)
    }

    fn below(&mut self, x: ir::Value, y: ir::Value) -> ir::Value {
        self.b.ins().icmp(IntCC::UnsignedLessThan, x, y)
    }

    fn leave_unless(&mut self, holds: ir::Value, exit: ir::Block) -> Option<ir::Block> {
        let inside = self.b.create_block();
        self.b.ins().brif(holds, inside, &[], exit, &[]);
        self.b.switch_to_block(inside);
        None
    }

    fn close_loop(&mut self, ends: LoopEnds<ir::Block>, next: Vec<ir::Value>) {
        let arguments: Vec<BlockArg> = next.into_iter().map(BlockArg::Value).collect();
        self.b.ins().jump(ends.header, &arguments);
        self.b.switch_to_block(ends.exit);
    }

    fn call_if(
        &mut self,
        active: ir::Value,
        function: u32,
        operands: Vec<(LaneType, ir::Value)>,
        depth: ir::Value,
    ) {
        let any = self.b.ins().vany_true(active);
        let [some, enter, after] = [(); 3].map(|()| self.b.create_block());
        self.b.ins().brif(any, some, &[], after, &[]);
        self.b.switch_to_block(some);
        let going_on = self.going_on();
        self.b.ins().brif(going_on, enter, &[], after, &[]);
        self.b.switch_to_block(enter);
        for (k, (_, operand)) in operands.into_iter().enumerate() {
            let offset = Offset32::new((self.plan.transfer() + k * GROUP_BYTES) as i32);
            self.b.ins().store(flags(), operand, self.scratch, offset);
        }
        let entry = (self.plan.pool.len() + function as usize) * GROUP_BYTES;
        let code = self.b.ins().load(types::I64, flags().with_readonly(), self.pool, entry as i32);
        let signature = self.b.import_signature(self.callee.clone());
        self.b.ins().call_indirect(signature, code, &[self.args, depth]);
        self.b.ins().jump(after, &[]);
        self.b.switch_to_block(after);
    }

    fn cells_at(&mut self, offset: ir::Value) -> ir::Value {
        let bytes = self.walk.groups * GROUP_BYTES;
        let place = self.b.ins().ishl_imm_u(offset, i64::from(bytes.trailing_zeros()));
        self.b.ins().iadd(self.scratch, place)
    }

    fn input_pointer(&mut self, k: u32) -> ir::Value {
        let table = self.rows_of().input_table;
        load_pointer(&mut self.b, table, k)
    }

    fn output_pointer(&mut self, k: u32) -> ir::Value {
        let table = self.rows_of().output_table;
        load_pointer(&mut self.b, table, k)
    }
}

fn load_pointer(b: &mut FunctionBuilder, table: ir::Value, k: u32) -> ir::Value {
    b.ins().load(
        types::I64,
        flags().with_readonly(),
        table,
        Offset32::new((k as usize * size_of::<usize>()) as i32),
    )
}

/// Bit-casts of vectors need a byte order; both targets store lane 0 first.
fn lanes_in_order() -> MemFlagsData {
    MemFlagsData::new().with_endianness(ir::Endianness::Little)
}
