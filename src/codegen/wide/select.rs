//! Instruction selection: the instructions of a lane program, for one lane group after the other, as machine code with
//! virtual registers.

use std::collections::HashMap;
use std::mem::offset_of;

use iced_x86::Code;
use nc_runtime::abi::{Args, PARTIALS};
use nc_runtime::lanes::Precision;
use regalloc2::VReg;

use super::fold::{Folding, Shape};
use super::isa::{FmaForm, GENERAL, Isa, MaskOp, Signs, VECTOR, VectorOp};
use super::machine::{Action, Address, Arg, Flag, Function, Label, Source};
use super::pool::Pool;
use crate::codegen::layout::Plan;
use crate::codegen::pieces::is_leaf;
use crate::codegen::walk::{Columns, Generator, Walk};
use crate::lower::lanes::{FBinary, FCompare, FUnary, IBinary, Inst, LaneType, SBinary, Value};

/// Bytes of the partial sums of an element.
const PARTIAL_BYTES: usize = PARTIALS * size_of::<f64>();

/// How `vfixupimm` answers to each kind of number, four bits per kind, in 32 bits: a NaN leaves what was
/// there, everything else is taken over.
const CANONICAL_ANSWERS: u64 = 0x1111_1100_1111_1100;

/// What a function is for.
pub(super) enum Role {
    Kernel(Rows),
    /// A function of the program: how many calls may be nested in this one.
    Callee {
        depth: VReg,
    },
}

/// What a kernel reads and writes.
pub(super) struct Rows {
    pub inputs: VReg,
    pub outputs: VReg,
    pub params: VReg,
    pub partials: VReg,
    /// Scratch memory, so far in front of it that the offset of the first row leads there.
    pub slots: VReg,
    /// Byte offset of the iteration's first group in every column.
    pub row: VReg,
    pub columns: Columns<VReg>,
}

/// Emits one function.
pub(super) struct Selector<'a, 'p> {
    pub walk: Walk<'a, VReg, Label>,
    pub plan: &'a Plan,
    pub folding: &'a Folding,
    pub isa: Isa,
    pub pool: &'a mut Pool<'p>,
    pub f: Function,
    /// What the function was called with.
    pub args: VReg,
    pub scratch: VReg,
    pub role: Role,
    /// Constants that are in registers, by their bits.
    pub constants: Vec<(u64, VReg)>,
    /// Whether results go past the caches.
    pub streaming: bool,
    /// Places that the block at hand has computed.
    pub places: Places,
}

/// Registers with multiples of others, and with the places of sums over the batch, in one block.
#[derive(Debug, Default)]
pub(super) struct Places {
    block: usize,
    known: HashMap<(VReg, Option<u8>), VReg>,
}

impl<'a> Selector<'a, '_> {
    /// What a kernel reads and writes.
    pub(super) fn rows_of(&self) -> &Rows {
        match &self.role {
            Role::Kernel(rows) => rows,
            Role::Callee { .. } => unreachable!("functions of the program have no columns"),
        }
    }

    pub(super) fn rows_mut(&mut self) -> &mut Rows {
        match &mut self.role {
            Role::Kernel(rows) => rows,
            Role::Callee { .. } => unreachable!("functions of the program have no columns"),
        }
    }

    /// Bytes that a lane group takes in a column.
    pub(super) fn group_bytes(&self) -> usize {
        self.isa.bytes()
    }

    fn vector(&mut self) -> VReg {
        self.f.register(VECTOR)
    }

    pub(super) fn general(&mut self) -> VReg {
        self.f.register(GENERAL)
    }

    fn mask(&mut self) -> VReg {
        self.f.register(self.isa.mask_class())
    }

    fn op(&mut self, op: VectorOp, args: &[Arg]) {
        self.f.emit(Action::Code(self.isa.code(op, self.walk.program.precision)), args);
    }

    pub(super) fn mask_code(&mut self, op: MaskOp, args: &[Arg]) {
        self.f.emit(Action::Code(op.code(self.walk.program.precision)), args);
    }

    /// Bytes of a number.
    pub(super) fn number_bytes(&self) -> usize {
        self.walk.program.precision.bytes()
    }

    /// The bits of a number as they fill 64 bits of a vector.
    pub(super) fn number(&self, value: f64) -> u64 {
        let precision = self.walk.program.precision;
        precision.repeated(precision.bits(value))
    }

    pub(super) fn code(&mut self, code: Code, args: &[Arg]) {
        self.f.emit(Action::Code(code), args);
    }

    /// An instruction with a fresh vector as its result.
    fn vector_op(&mut self, op: VectorOp, args: &[Arg]) -> VReg {
        let result = self.vector();
        let mut all = vec![Arg::Def(result)];
        all.extend_from_slice(args);
        self.op(op, &all);
        result
    }

    /// A constant as an operand.
    fn constant(&mut self, bits: u64) -> Source {
        match self.constants.iter().find(|c| c.0 == bits) {
            Some(&(_, register)) => Source::Register(register),
            None => Source::Constant(self.pool.constant(bits)),
        }
    }

    /// A constant in a register.
    pub(super) fn constant_register(&mut self, bits: u64) -> VReg {
        match self.constants.iter().find(|c| c.0 == bits) {
            Some(&(_, register)) => register,
            None => self.fresh_constant(bits),
        }
    }

    /// A constant in a register that may be overwritten.
    pub(super) fn fresh_constant(&mut self, bits: u64) -> VReg {
        if bits == 0 {
            // Processors know that this does not depend on what the register held.
            return self.vector_op(VectorOp::Xor, &[Arg::Same, Arg::Same]);
        }
        let place = self.pool.constant(bits);
        self.vector_op(VectorOp::Broadcast, &[Arg::Pooled(place)])
    }

    /// A value as the last operand of an instruction: a constant or a column may stay in memory.
    fn source(&mut self, value: Value) -> Source {
        let inst = self.walk.program.insts[value];
        if let Some(bits) = self.walk.program.repeated(inst) {
            return self.constant(bits);
        }
        match inst {
            Inst::Column(k) if self.folding.uses(value) == 1 && self.walk.known(value).is_none() => {
                Source::Memory(self.column_address(k))
            }
            _ => Source::Register(self.value(value)),
        }
    }

    /// Whether a value can stay in memory as the last operand.
    fn prefers_memory(&self, value: Value) -> bool {
        let inst = self.walk.program.insts[value];
        if let Some(bits) = self.walk.program.repeated(inst) {
            return self.constants.iter().all(|c| c.0 != bits);
        }
        matches!(inst, Inst::Column(_)) && self.folding.uses(value) == 1 && self.walk.known(value).is_none()
    }

    /// The two operands of an operation for which their order does not matter.
    fn commuted(&mut self, a: Value, b: Value) -> [Arg; 2] {
        let (a, b) = if self.prefers_memory(a) { (b, a) } else { (a, b) };
        self.ordered(a, b)
    }

    fn ordered(&mut self, a: Value, b: Value) -> [Arg; 2] {
        let a = self.value(a);
        let b = self.source(b);
        [Arg::Use(a), Arg::Source(b)]
    }

    /// A value of a group from memory that holds a lane group of it.
    pub(super) fn load(&mut self, ty: LaneType, address: Address) -> VReg {
        match ty {
            LaneType::M if self.isa.has_masks() => {
                let mask = self.mask();
                self.mask_code(MaskOp::Load, &[Arg::Def(mask), Arg::Memory(address)]);
                mask
            }
            LaneType::S => {
                let number = self.general();
                self.code(Code::Mov_r64_rm64, &[Arg::Def(number), Arg::Memory(address)]);
                number
            }
            LaneType::F | LaneType::I | LaneType::M | LaneType::Nothing => {
                self.vector_op(VectorOp::Load, &[Arg::Memory(address)])
            }
        }
    }

    /// Puts a value of a group into such memory.
    pub(super) fn keep(&mut self, ty: LaneType, address: Address, value: VReg) {
        let args = [Arg::Memory(address), Arg::Use(value)];
        match ty {
            LaneType::M if self.isa.has_masks() => self.mask_code(MaskOp::Store, &args),
            LaneType::S => self.code(Code::Mov_rm64_r64, &args),
            LaneType::F | LaneType::I | LaneType::M | LaneType::Nothing => self.op(VectorOp::Store, &args),
        }
    }

    /// Puts a result into its column.
    pub(super) fn leave(&mut self, address: Address, value: VReg) {
        let op = if self.streaming { VectorOp::Stream } else { VectorOp::Store };
        self.op(op, &[Arg::Memory(address), Arg::Use(value)]);
    }

    /// The register of an instruction's result for the group at hand.
    pub(super) fn selected(&mut self, value: Value, inst: Inst) -> VReg {
        match self.folding.shape(value) {
            Shape::Plain => self.plain(value, inst),
            Shape::Fma(signs, operands) => self.fma(signs, operands),
            Shape::Compare { op, negated, operands: [a, b], within } => {
                let predicate = predicate(op, negated);
                self.compare(VectorOp::Compare, a, b, Some(predicate), within)
            }
            Shape::Canonical(number) => {
                let number = self.value(number);
                self.canonical(number)
            }
            Shape::Extreme { larger, operands: [a, b] } => {
                let args = self.ordered(a, b);
                self.vector_op(if larger { VectorOp::Max } else { VectorOp::Min }, &args)
            }
            Shape::Masked { mask, of, otherwise } => self.masked(mask, of, otherwise),
            Shape::Logic { table, operands: [a, b, c] } => {
                let (b, c) = (self.value(b), self.source(c));
                let a = self.value(a);
                let result = self.vector();
                self.op(
                    VectorOp::Ternary,
                    &[Arg::Reuse(result, a), Arg::Use(b), Arg::Source(c), Arg::Imm8(table)],
                );
                result
            }
        }
    }

    /// A number with canonical NaNs.
    pub(super) fn canonical(&mut self, number: VReg) -> VReg {
        let nan = self.number(f64::NAN);
        match self.isa {
            Isa::Avx512 => {
                let before = self.constant_register(nan);
                let answers = self.constant(CANONICAL_ANSWERS);
                let result = self.vector();
                self.op(
                    VectorOp::FixUp,
                    &[Arg::Reuse(result, before), Arg::Use(number), Arg::Source(answers), Arg::Imm8(0)],
                );
                result
            }
            Isa::Avx2 => {
                let args = [Arg::Use(number), Arg::Use(number), Arg::Imm8(predicate(FCompare::Ne, false))];
                let unordered = self.vector_op(VectorOp::Compare, &args);
                let replacement = self.constant(nan);
                let args = [Arg::Use(number), Arg::Source(replacement), Arg::Use(unordered)];
                self.vector_op(VectorOp::Blend, &args)
            }
        }
    }

    /// A comparison: a mask.
    fn compare(
        &mut self,
        op: VectorOp,
        a: Value,
        b: Value,
        predicate: Option<u8>,
        within: Option<Value>,
    ) -> VReg {
        let [a, b] = self.ordered(a, b);
        let within = within.map(|mask| self.value(mask));
        let result = self.mask();
        let mut args = vec![Arg::Def(result)];
        args.extend(within.map(|mask| Arg::Mask { mask, zero: false }));
        args.extend([a, b]);
        args.extend(predicate.map(Arg::Imm8));
        self.op(op, &args);
        result
    }

    /// A fused multiplication and addition, in the form that overwrites what is not needed any more.
    fn fma(&mut self, signs: Signs, [a, b, c]: [Value; 3]) -> VReg {
        let at = self.walk.at;
        let result = self.vector();
        let dies = |s: &Self, v: Value| !is_leaf(s.walk.program.insts[v]) && s.folding.dies_at(v, at);
        // The addend from memory and a factor overwritten, or a factor from memory and the addend overwritten.
        let (a, b) = if dies(self, b) || self.prefers_memory(a) { (b, a) } else { (a, b) };
        let (form, overwritten, second, last) = if self.prefers_memory(b) {
            if self.prefers_memory(c) || dies(self, c) {
                (FmaForm::F231, c, a, b)
            } else if dies(self, a) {
                (FmaForm::F132, a, c, b)
            } else {
                (FmaForm::F132, b, c, a)
            }
        } else if self.prefers_memory(c) {
            if dies(self, a) { (FmaForm::F213, a, b, c) } else { (FmaForm::F231, c, b, a) }
        } else if dies(self, c) && !dies(self, a) {
            (FmaForm::F231, c, a, b)
        } else {
            (FmaForm::F213, a, b, c)
        };
        let overwritten = self.overwritable(overwritten);
        let second = self.value(second);
        let last = self.source(last);
        self.op(
            VectorOp::Fma(signs, form),
            &[Arg::Reuse(result, overwritten), Arg::Use(second), Arg::Source(last)],
        );
        result
    }

    fn plain(&mut self, value: Value, inst: Inst) -> VReg {
        match inst {
            Inst::F(_) | Inst::I(_) => {
                let bits = self.walk.program.repeated(inst).expect("a number or integer has bits");
                self.constant_register(bits)
            }
            Inst::M(truth) => self.truth(truth),
            Inst::Column(k) => {
                let address = self.column_address(k);
                self.vector_op(VectorOp::Load, &[Arg::Memory(address)])
            }
            Inst::Param(k) => {
                let address = Address::new(self.rows_of().params, (k as usize * self.number_bytes()) as i32);
                self.vector_op(VectorOp::Broadcast, &[Arg::Memory(address)])
            }
            Inst::ColumnAt(first, offset) => {
                let address = self.column_at(self.rows_of().inputs, first, offset);
                self.vector_op(VectorOp::Load, &[Arg::Memory(address)])
            }
            Inst::ParamAt(first, offset) => {
                let offset = self.value(offset);
                let bytes = self.scaled(offset, self.number_bytes().trailing_zeros() as u8);
                let displacement = (first as usize * self.number_bytes()) as i32;
                let address = Address { base: self.rows_of().params, index: Some(bytes), displacement };
                self.vector_op(VectorOp::Broadcast, &[Arg::Memory(address)])
            }
            Inst::FUnary(op, a) => self.unary(op, a),
            Inst::FBinary(op, a, b) => {
                if let Some(sum) = self.multiplied(op, a, b) {
                    return sum;
                }
                let (op, args) = self.binary(op, a, b);
                self.vector_op(op, &args)
            }
            Inst::Select(m, x, y) => self.select(m, x, y),
            Inst::And(x, y) => self.mask_op(VectorOp::And, MaskOp::And, x, y),
            Inst::Or(x, y) => self.mask_op(VectorOp::Or, MaskOp::Or, x, y),
            Inst::Not(x) => {
                let x = self.value(x);
                if self.isa.has_masks() {
                    let result = self.mask();
                    self.mask_code(MaskOp::Not, &[Arg::Def(result), Arg::Use(x)]);
                    result
                } else {
                    let ones = self.constant(u64::MAX);
                    self.vector_op(VectorOp::Xor, &[Arg::Use(x), Arg::Source(ones)])
                }
            }
            Inst::IBinary(op, x, y) => {
                let (op, args) = match op {
                    IBinary::Add => (VectorOp::IntAdd, self.commuted(x, y)),
                    IBinary::Sub => (VectorOp::IntSub, self.ordered(x, y)),
                    IBinary::And => (VectorOp::And, self.commuted(x, y)),
                    IBinary::Or => (VectorOp::Or, self.commuted(x, y)),
                    IBinary::Xor => (VectorOp::Xor, self.commuted(x, y)),
                };
                self.vector_op(op, &args)
            }
            Inst::Shl(x, by) => {
                let x = self.value(x);
                self.vector_op(VectorOp::ShiftLeft, &[Arg::Use(x), Arg::Imm8(by)])
            }
            Inst::Shr(x, by) => {
                let x = self.value(x);
                self.vector_op(VectorOp::ShiftRight, &[Arg::Use(x), Arg::Imm8(by)])
            }
            Inst::IGt(x, y) => self.compare(VectorOp::IntGreater, x, y, None, None),
            Inst::IEq(x, y) => self.compare(VectorOp::IntEqual, x, y, None, None),
            Inst::Bits(x) | Inst::Float(x) => self.value(x),
            Inst::Lookup(table, index) => self.lookup(table.0, index),
            Inst::S(number) => {
                let result = self.general();
                self.code(Code::Mov_r64_imm64, &[Arg::Def(result), Arg::Imm64(number)]);
                result
            }
            Inst::SBinary(op, x, y) => self.uniform(op, x, y),
            Inst::SSelect(c, x, y) => {
                let (c, x, y) = (self.value(c), self.value(x), self.value(y));
                self.code(Code::Test_rm64_r64, &[Arg::Use(c), Arg::Use(c)]);
                let result = self.general();
                self.code(Code::Cmovne_r64_rm64, &[Arg::Reuse(result, y), Arg::Use(x)]);
                result
            }
            Inst::Load(ty, cell, offset) => {
                let address = self.cell(cell, offset);
                self.load(ty, address)
            }
            Inst::StoreCell(cell, offset, number) => {
                let ty = self.walk.program.insts[number].ty();
                let kept = self.value(number);
                let address = self.cell(cell, offset);
                self.keep(ty, address, kept);
                kept
            }
            Inst::Fetch(cell, offset, count) => self.moved(cell, offset, count, false),
            Inst::Deposit(cell, offset, count) => self.moved(cell, offset, count, true),
            Inst::StoreColumn(first, offset, number) => {
                let number = self.value(number);
                let address = self.column_at(self.rows_of().outputs, first, offset);
                self.op(VectorOp::Store, &[Arg::Memory(address), Arg::Use(number)]);
                number
            }
            Inst::AddPartial(first, offset, number) => {
                let number = self.value(number);
                let offset = self.value(offset);
                let partials = self.place_of(offset, None, |s| {
                    let bytes = s.shifted(offset, PARTIAL_BYTES.trailing_zeros() as u8);
                    s.sum(s.rows_of().partials, bytes)
                });
                self.accumulate(partials, first, number);
                number
            }
            Inst::Splat(x) => {
                let x = self.value(x);
                self.splat(x)
            }
            Inst::Argument(LaneType::S, _) => match self.role {
                Role::Callee { depth } => depth,
                Role::Kernel(_) => unreachable!("a kernel is no function that is called"),
            },
            Inst::Argument(ty, k) => {
                let address = self.transfer_address(k as usize);
                self.load(ty, address)
            }
            Inst::Returned(_, k) => {
                let address = self.transfer_address(k as usize);
                self.load(LaneType::F, address)
            }
            // Computed as other shapes.
            Inst::Fma(a, b, c) => self.fma(Signs { product: false, addend: false }, [a, b, c]),
            Inst::FCompare(op, a, b) => {
                self.compare(VectorOp::Compare, a, b, Some(predicate(op, false)), None)
            }
            // Bound where their loop begins, and handled where they stand.
            Inst::Phi(..) | Inst::Loop(_) | Inst::Test(_) | Inst::End(_) | Inst::Call(_) => {
                unreachable!("{value} is no instruction of its own")
            }
        }
    }

    /// An addition or subtraction as a multiplication by one and an addition, which gives the same bits, for processors
    /// that add and multiply in different units.
    fn multiplied(&mut self, op: FBinary, a: Value, b: Value) -> Option<VReg> {
        let turn = if self.walk.groups > 1 { self.walk.group } else { self.walk.step };
        if !self.folding.is_additive() || turn.is_multiple_of(2) {
            return None;
        }
        let dies = |v: Value| !is_leaf(self.walk.program.insts[v]) && self.folding.dies_at(v, self.walk.at);
        let (overwritten, other, signs) = match op {
            FBinary::Add if dies(a) => (a, b, Signs { product: false, addend: false }),
            FBinary::Add if dies(b) => (b, a, Signs { product: false, addend: false }),
            FBinary::Sub if dies(a) => (a, b, Signs { product: false, addend: true }),
            FBinary::Sub if dies(b) => (b, a, Signs { product: true, addend: false }),
            FBinary::Add | FBinary::Sub | FBinary::Mul | FBinary::Div => return None,
        };
        let overwritten = self.value(overwritten);
        let one = self.constant_register(self.number(1.0));
        let other = self.source(other);
        let result = self.vector();
        self.op(
            VectorOp::Fma(signs, FmaForm::F213),
            &[Arg::Reuse(result, overwritten), Arg::Use(one), Arg::Source(other)],
        );
        Some(result)
    }

    fn binary(&mut self, op: FBinary, a: Value, b: Value) -> (VectorOp, [Arg; 2]) {
        match op {
            FBinary::Add => (VectorOp::Add, self.commuted(a, b)),
            FBinary::Sub => (VectorOp::Sub, self.ordered(a, b)),
            FBinary::Mul => (VectorOp::Mul, self.commuted(a, b)),
            FBinary::Div => (VectorOp::Div, self.ordered(a, b)),
        }
    }

    /// An operation for the lanes of a mask; the others are zero, or keep another number.
    fn masked(&mut self, mask: Value, of: Value, otherwise: Option<Value>) -> VReg {
        let mask = self.value(mask);
        let (op, operands) = match self.walk.program.insts[of] {
            Inst::FBinary(op, a, b) => {
                let (op, args) = self.binary(op, a, b);
                (op, args.to_vec())
            }
            Inst::FUnary(FUnary::Sqrt, a) => (VectorOp::Sqrt, vec![Arg::Source(self.source(a))]),
            other => unreachable!("{other:?} has no masked form"),
        };
        let result = self.vector();
        let (first, zero) = match otherwise {
            None => (Arg::Def(result), true),
            Some(otherwise) => (Arg::Reuse(result, self.overwritable(otherwise)), false),
        };
        let mut args = vec![first, Arg::Mask { mask, zero }];
        args.extend(operands);
        self.op(op, &args);
        result
    }

    /// A value in a register for an instruction that overwrites it: a constant is loaded for the purpose.
    fn overwritable(&mut self, value: Value) -> VReg {
        match self.walk.program.insts[value] {
            inst @ Inst::F(_) if self.prefers_memory(value) => {
                let bits = self.walk.program.repeated(inst).expect("a number has bits");
                self.fresh_constant(bits)
            }
            _ => self.value(value),
        }
    }

    fn unary(&mut self, op: FUnary, a: Value) -> VReg {
        let sign = self.number(-0.0);
        match op {
            FUnary::Sqrt => {
                let a = self.source(a);
                self.vector_op(VectorOp::Sqrt, &[Arg::Source(a)])
            }
            FUnary::Abs => self.with_constant(VectorOp::And, a, !sign),
            FUnary::Neg => self.with_constant(VectorOp::Xor, a, sign),
            FUnary::RoundEven => self.round(a, 0),
            FUnary::Floor => self.round(a, 1),
            FUnary::Ceil => self.round(a, 2),
            FUnary::Trunc => self.round(a, 3),
        }
    }

    /// An operation on the bits of a value and a constant.
    fn with_constant(&mut self, op: VectorOp, a: Value, bits: u64) -> VReg {
        let a = self.value(a);
        let bits = self.constant(bits);
        self.vector_op(op, &[Arg::Use(a), Arg::Source(bits)])
    }

    /// Rounds to an integer in a direction, by its number, without an exception.
    fn round(&mut self, a: Value, direction: u8) -> VReg {
        let a = self.source(a);
        self.vector_op(VectorOp::Round, &[Arg::Source(a), Arg::Imm8(8 | direction)])
    }

    fn truth(&mut self, truth: bool) -> VReg {
        if self.isa.has_masks() {
            let op = if truth { MaskOp::AllOnes } else { MaskOp::AllZeros };
            let result = self.mask();
            self.mask_code(op, &[Arg::Def(result), Arg::Same, Arg::Same]);
            result
        } else {
            self.fresh_constant(if truth { u64::MAX } else { 0 })
        }
    }

    fn mask_op(&mut self, op: VectorOp, mask_op: MaskOp, x: Value, y: Value) -> VReg {
        let (x, y) = (self.value(x), self.value(y));
        if self.isa.has_masks() {
            let result = self.mask();
            self.mask_code(mask_op, &[Arg::Def(result), Arg::Use(x), Arg::Use(y)]);
            result
        } else {
            self.vector_op(op, &[Arg::Use(x), Arg::Source(Source::Register(y))])
        }
    }

    /// `x` where the mask holds, `y` elsewhere.
    fn select(&mut self, m: Value, x: Value, y: Value) -> VReg {
        let mask = self.value(m);
        let is_zero = |s: &Self, v: Value| s.walk.program.insts[v] == Inst::F(0);
        match self.isa {
            Isa::Avx512 if is_zero(self, y) => {
                let x = self.source(x);
                match x {
                    // What is repeated from memory can be kept from lanes as well.
                    Source::Constant(place) => self.vector_op(
                        VectorOp::Broadcast,
                        &[Arg::Mask { mask, zero: true }, Arg::Pooled(place)],
                    ),
                    x => self.vector_op(VectorOp::Load, &[Arg::Mask { mask, zero: true }, Arg::Source(x)]),
                }
            }
            Isa::Avx512 => {
                let y = self.value(y);
                let x = self.source(x);
                self.vector_op(
                    VectorOp::Blend,
                    &[Arg::Mask { mask, zero: false }, Arg::Use(y), Arg::Source(x)],
                )
            }
            Isa::Avx2 if is_zero(self, y) => {
                let x = self.source(x);
                self.vector_op(VectorOp::And, &[Arg::Use(mask), Arg::Source(x)])
            }
            Isa::Avx2 if is_zero(self, x) => {
                let y = self.source(y);
                self.vector_op(VectorOp::AndNot, &[Arg::Use(mask), Arg::Source(y)])
            }
            Isa::Avx2 => {
                let y = self.value(y);
                let x = self.source(x);
                self.vector_op(VectorOp::Blend, &[Arg::Use(y), Arg::Source(x), Arg::Use(mask)])
            }
        }
    }

    /// The element of a table for each lane.
    fn lookup(&mut self, table: u32, index: Value) -> VReg {
        let len = self.walk.program.tables[table as usize].len();
        let index = self.value(index);
        let most = self.constant(self.walk.program.precision.repeated(len as u64 - 1));
        let indices = self.vector_op(VectorOp::And, &[Arg::Use(index), Arg::Source(most)]);
        let base = self.general();
        self.code(Code::Lea_r64_m, &[Arg::Def(base), Arg::Table(table)]);
        let mask = self.truth(true);
        let (spent, result) = (self.mask(), self.vector());
        let element = Arg::Gather { base, indices, scale: self.number_bytes() as u8 };
        match self.isa {
            Isa::Avx512 => {
                self.op(VectorOp::Gather, &[Arg::EarlyDef(result), Arg::SpentMask(spent, mask), element])
            }
            Isa::Avx2 => {
                self.op(VectorOp::Gather, &[Arg::EarlyDef(result), element, Arg::Reuse(spent, mask)])
            }
        }
        result
    }

    /// The same integer in every lane.
    fn splat(&mut self, x: VReg) -> VReg {
        let result = self.vector();
        let single = self.walk.program.precision == Precision::Single;
        match self.isa {
            Isa::Avx512 => {
                let code = match single {
                    true => Code::EVEX_Vpbroadcastd_zmm_k1z_r32,
                    false => Code::EVEX_Vpbroadcastq_zmm_k1z_r64,
                };
                self.code(code, &[Arg::Def(result), Arg::Use(x)]);
            }
            Isa::Avx2 => {
                let [place, repeat] = match single {
                    true => [Code::VEX_Vmovd_xmm_rm32, Code::VEX_Vpbroadcastd_ymm_xmmm32],
                    false => [Code::VEX_Vmovq_xmm_rm64, Code::VEX_Vpbroadcastq_ymm_xmmm64],
                };
                let low = self.vector();
                self.code(place, &[Arg::Def(low), Arg::Use(x)]);
                self.code(repeat, &[Arg::Def(result), Arg::Use(low)]);
            }
        }
        result
    }

    /// An operation of two integers that are the same for all rows.
    fn uniform(&mut self, op: SBinary, x: Value, y: Value) -> VReg {
        let small = |s: &Self, v: Value| match s.walk.program.insts[v] {
            Inst::S(number) => i32::try_from(number).ok(),
            _ => None,
        };
        let (x, y) = if small(self, x).is_some() && matches!(op, SBinary::Add | SBinary::Mul) {
            (y, x)
        } else {
            (x, y)
        };
        if let Some(number) = small(self, y)
            && matches!(op, SBinary::Add | SBinary::Mul)
        {
            let (x, result) = (self.value(x), self.general());
            if op == SBinary::Add {
                self.code(Code::Lea_r64_m, &[Arg::Def(result), Arg::Memory(Address::new(x, number))]);
            } else {
                self.code(Code::Imul_r64_rm64_imm32, &[Arg::Def(result), Arg::Use(x), Arg::Imm32(number)]);
            }
            return result;
        }
        let (x, y) = (self.value(x), self.value(y));
        let two_address = |s: &mut Self, code: Code| {
            let result = s.general();
            s.code(code, &[Arg::Reuse(result, x), Arg::Use(y)]);
            result
        };
        match op {
            SBinary::Add => two_address(self, Code::Add_r64_rm64),
            SBinary::Sub => two_address(self, Code::Sub_r64_rm64),
            SBinary::Mul => two_address(self, Code::Imul_r64_rm64),
            SBinary::And => two_address(self, Code::And_r64_rm64),
            SBinary::Shl => {
                let result = self.general();
                self.code(Code::VEX_Shlx_r64_rm64_r64, &[Arg::Def(result), Arg::Use(x), Arg::Use(y)]);
                result
            }
            SBinary::Min => {
                self.code(Code::Cmp_r64_rm64, &[Arg::Use(x), Arg::Use(y)]);
                two_address(self, Code::Cmovae_r64_rm64)
            }
            SBinary::Eq => self.flagged(x, y, Code::Cmove_r64_rm64),
        }
    }

    /// 1 if a comparison holds, else 0.
    fn flagged(&mut self, x: VReg, y: VReg, move_if: Code) -> VReg {
        let [one, zero] = [1, 0].map(|number| {
            let result = self.general();
            self.code(Code::Mov_r64_imm64, &[Arg::Def(result), Arg::Imm64(number)]);
            result
        });
        self.code(Code::Cmp_r64_rm64, &[Arg::Use(x), Arg::Use(y)]);
        let result = self.general();
        self.code(move_if, &[Arg::Reuse(result, zero), Arg::Use(one)]);
        result
    }

    /// What the block at hand has computed from a register, or makes now.
    pub(super) fn place_of(&mut self, x: VReg, by: Option<u8>, make: impl FnOnce(&mut Self) -> VReg) -> VReg {
        let here = self.f.here();
        if self.places.block != here {
            self.places = Places { block: here, known: HashMap::new() };
        }
        if let Some(&known) = self.places.known.get(&(x, by)) {
            return known;
        }
        let place = make(self);
        self.places.known.insert((x, by), place);
        place
    }

    /// `x · 2^by`, computed once in a block.
    pub(super) fn scaled(&mut self, x: VReg, by: u8) -> VReg {
        self.place_of(x, Some(by), |s| s.shifted(x, by))
    }

    /// `x · 2^by`.
    pub(super) fn shifted(&mut self, x: VReg, by: u8) -> VReg {
        let result = self.general();
        self.code(Code::Shl_rm64_imm8, &[Arg::Reuse(result, x), Arg::Imm8(by)]);
        result
    }

    /// `x + y`.
    pub(super) fn sum(&mut self, x: VReg, y: VReg) -> VReg {
        let result = self.general();
        let address = Address { base: x, index: Some(y), displacement: 0 };
        self.code(Code::Lea_r64_m, &[Arg::Def(result), Arg::Memory(address)]);
        result
    }

    /// Whether any lane of any of the masks holds, as a flag that a branch can test.
    pub(super) fn any_of(&mut self, masks: &[VReg]) -> Flag {
        let (mut rest, mut all) = (masks.iter().copied(), None);
        if self.isa.has_masks() {
            // The test itself joins two.
            let last = if masks.len() > 1 { rest.next_back() } else { None };
            for mask in rest {
                all = Some(match all {
                    None => mask,
                    Some(before) => {
                        let both = self.mask();
                        let args = [Arg::Def(both), Arg::Use(before), Arg::Use(mask)];
                        self.mask_code(MaskOp::Or, &args);
                        both
                    }
                });
            }
            if let Some(all) = all {
                let other = last.unwrap_or(all);
                self.mask_code(MaskOp::Test, &[Arg::Use(all), Arg::Use(other)]);
            }
        } else {
            for mask in rest {
                all = Some(match all {
                    None => mask,
                    Some(before) => {
                        self.vector_op(VectorOp::Or, &[Arg::Use(before), Arg::Source(Source::Register(mask))])
                    }
                });
            }
            if let Some(all) = all {
                let signs = self.general();
                let code = match self.walk.program.precision {
                    Precision::Double => Code::VEX_Vmovmskpd_r64_ymm,
                    Precision::Single => Code::VEX_Vmovmskps_r64_ymm,
                };
                self.code(code, &[Arg::Def(signs), Arg::Use(all)]);
                self.code(Code::Test_rm64_r64, &[Arg::Use(signs), Arg::Use(signs)]);
            }
        }
        Flag::NotZero
    }

    /// The or of two vectors.
    pub(super) fn either(&mut self, x: VReg, y: VReg) -> VReg {
        self.vector_op(VectorOp::Or, &[Arg::Use(x), Arg::Source(Source::Register(y))])
    }

    /// Where the group's numbers of an input column are.
    fn column_address(&mut self, k: u32) -> Address {
        let known = self.rows_of().columns.input(k);
        let base = known.unwrap_or_else(|| self.input_pointer(k));
        self.in_row(base)
    }

    /// Where those of an output column are.
    pub(super) fn output_address(&mut self, k: u32) -> Address {
        let known = self.rows_of().columns.output(k);
        let base = known.unwrap_or_else(|| self.output_pointer(k));
        self.in_row(base)
    }

    fn in_row(&self, base: VReg) -> Address {
        let displacement = (self.walk.group * self.group_bytes()) as i32;
        Address { base, index: Some(self.rows_of().row), displacement }
    }

    /// An entry of a table of pointers.
    pub(super) fn pointer(&mut self, table: VReg, k: u32) -> VReg {
        let result = self.general();
        let address = Address::new(table, (k as usize * size_of::<usize>()) as i32);
        self.code(Code::Mov_r64_rm64, &[Arg::Def(result), Arg::Memory(address)]);
        result
    }

    /// Where the group's numbers of a column at an offset from a fixed one are.
    fn column_at(&mut self, table: VReg, first: u32, offset: Value) -> Address {
        let offset = self.value(offset);
        let bytes = self.scaled(offset, size_of::<usize>().trailing_zeros() as u8);
        let base = self.general();
        let displacement = (first as usize * size_of::<usize>()) as i32;
        let address = Address { base: table, index: Some(bytes), displacement };
        self.code(Code::Mov_r64_rm64, &[Arg::Def(base), Arg::Memory(address)]);
        self.in_row(base)
    }

    /// The scratch slot of a value that lives across pieces.
    pub(super) fn scratch_address(&mut self, slot: u32, group: usize) -> Address {
        // The rows of a tile stand side by side; a tile begins where the call's rows begin.
        let displacement = slot as usize * self.plan.tile * self.number_bytes() + group * self.group_bytes();
        Address {
            base: self.rows_of().slots,
            index: Some(self.rows_of().row),
            displacement: displacement as i32,
        }
    }

    /// Where operands and results of calls are handed over.
    pub(super) fn transfer_address(&mut self, k: usize) -> Address {
        let displacement = self.plan.transfer() + k * self.group_bytes();
        self.in_scratch(displacement)
    }

    fn in_scratch(&mut self, displacement: usize) -> Address {
        self.beyond(self.scratch, displacement)
    }

    /// An address so many bytes behind a place, however far that is.
    fn beyond(&mut self, base: VReg, bytes: usize) -> Address {
        match i32::try_from(bytes) {
            Ok(displacement) => Address::new(base, displacement),
            Err(_) => {
                let far = self.general();
                self.code(Code::Mov_r64_imm64, &[Arg::Def(far), Arg::Imm64(bytes as u64)]);
                Address { base, index: Some(far), displacement: 0 }
            }
        }
    }

    /// Where a memory cell of the group at hand is.
    fn cell(&mut self, cell: u32, offset: Value) -> Address {
        let bytes = self.walk.groups * self.group_bytes();
        let base = self.cells(offset);
        let fixed = self.plan.slot_bytes() + cell as usize * bytes + self.walk.group * self.group_bytes();
        self.beyond(base, fixed)
    }

    /// Moves an element for each row between the second cell of the pad and the place that the first one leads to.
    fn moved(&mut self, cell: u32, offset: Value, count: Value, deposits: bool) -> VReg {
        let pad = self.walk.program.pad.expect("a program that goes by the pad has one") as usize;
        let bytes = self.walk.groups * self.group_bytes();
        let group = self.walk.group * self.group_bytes();
        let count = self.value(count);
        let base = self.cells(offset);
        let there = self.beyond_near(base, self.plan.slot_bytes() + cell as usize * bytes + group);
        let pad = self.beyond_near(self.scratch, self.plan.slot_bytes() + pad * bytes + group);
        let [load, store] = match self.walk.program.precision {
            Precision::Double => [Code::Mov_r64_rm64, Code::Mov_rm64_r64],
            Precision::Single => [Code::Mov_r32_rm32, Code::Mov_rm32_r32],
        };
        let zero = self.general();
        self.code(Code::Mov_r64_imm64, &[Arg::Def(zero), Arg::Imm64(0)]);
        for row in 0..self.group_bytes() / self.number_bytes() {
            let row = row * self.number_bytes();
            let in_pad =
                |further: usize| Address { displacement: pad.displacement + (further + row) as i32, ..pad };
            let [place, within] = [(); 2].map(|()| self.general());
            self.code(load, &[Arg::Def(place), Arg::Memory(in_pad(0))]);
            self.code(Code::Cmp_r64_rm64, &[Arg::Use(place), Arg::Use(count)]);
            self.code(Code::Cmovae_r64_rm64, &[Arg::Reuse(within, place), Arg::Use(zero)]);
            let index = self.shifted(within, bytes.trailing_zeros() as u8);
            let displacement = there.displacement + row as i32;
            let element = Address { base: there.base, index: Some(index), displacement };
            let number = self.general();
            let (from, to) = if deposits { (in_pad(bytes), element) } else { (element, in_pad(bytes)) };
            self.code(load, &[Arg::Def(number), Arg::Memory(from)]);
            self.code(store, &[Arg::Memory(to), Arg::Use(number)]);
        }
        zero
    }

    /// Adds the group's numbers to a sum over the batch, in binary64.
    pub(super) fn accumulate(&mut self, partials: VReg, k: u32, number: VReg) {
        // The partial sums of a group's rows follow from the place of its first row.
        let (row, group) = (self.rows_of().row, self.walk.group);
        let within = self.place_of(row, Some(group as u8), |s| {
            let [first, within] = [(); 2].map(|()| s.general());
            let ahead = Address::new(row, (group * s.group_bytes()) as i32);
            s.code(Code::Lea_r64_m, &[Arg::Def(first), Arg::Memory(ahead)]);
            let most = (PARTIALS * s.number_bytes() - 1) as i32;
            s.code(Code::And_rm64_imm32, &[Arg::Reuse(within, first), Arg::Imm32(most)]);
            within
        });
        let displacement = k as usize * PARTIAL_BYTES;
        match self.walk.program.precision {
            Precision::Double => {
                let address = Address { index: Some(within), ..self.beyond_near(partials, displacement) };
                self.accumulate_at(address, number);
            }
            Precision::Single => {
                let within = self.shifted(within, 1);
                let address = Address { index: Some(within), ..self.beyond_near(partials, displacement) };
                let [extract, widen] = match self.isa {
                    Isa::Avx512 => [
                        Code::EVEX_Vextractf64x4_ymmm256_k1z_zmm_imm8,
                        Code::EVEX_Vcvtps2pd_zmm_k1z_ymmm256b32_sae,
                    ],
                    Isa::Avx2 => [Code::VEX_Vextractf128_xmmm128_ymm_imm8, Code::VEX_Vcvtps2pd_ymm_xmmm128],
                };
                let high = self.vector();
                self.code(extract, &[Arg::Def(high), Arg::Use(number), Arg::Imm8(1)]);
                for (half, number) in [number, high].into_iter().enumerate() {
                    let wide = self.vector();
                    self.code(widen, &[Arg::Def(wide), Arg::Use(number)]);
                    let displacement = address.displacement + (half * self.group_bytes()) as i32;
                    self.accumulate_at(Address { displacement, ..address }, wide);
                }
            }
        }
    }

    /// Adds binary64 numbers to those at an address.
    fn accumulate_at(&mut self, address: Address, numbers: VReg) {
        let [load, add, store] =
            [VectorOp::Load, VectorOp::Add, VectorOp::Store].map(|op| self.isa.code(op, Precision::Double));
        let [before, after] = [(); 2].map(|()| self.vector());
        self.code(load, &[Arg::Def(before), Arg::Memory(address)]);
        let numbers = Arg::Source(Source::Register(numbers));
        self.code(add, &[Arg::Def(after), Arg::Use(before), numbers]);
        self.code(store, &[Arg::Memory(address), Arg::Use(after)]);
    }

    /// As [`Selector::beyond`], without an index.
    fn beyond_near(&mut self, base: VReg, bytes: usize) -> Address {
        let address = self.beyond(base, bytes);
        match address.index {
            None => address,
            Some(far) => Address::new(self.sum(base, far), 0),
        }
    }

    /// A field of the kernel's arguments.
    pub(super) fn field(f: &mut Function, args: VReg, offset: usize) -> VReg {
        let result = f.register(GENERAL);
        let address = Address::new(args, offset as i32);
        f.emit(Action::Code(Code::Mov_r64_rm64), &[Arg::Def(result), Arg::Memory(address)]);
        result
    }

    /// The pointer to the status words.
    pub(super) fn status_field(f: &mut Function, args: VReg) -> VReg {
        Self::field(f, args, offset_of!(Args, status))
    }
}

/// The number of a comparison among those that the processor knows; none of them signals.
fn predicate(op: FCompare, negated: bool) -> u8 {
    match (op, negated) {
        (FCompare::Lt, false) => 0x11,
        (FCompare::Le, false) => 0x12,
        (FCompare::Eq, false) | (FCompare::Ne, true) => 0x00,
        (FCompare::Ne, false) | (FCompare::Eq, true) => 0x04,
        (FCompare::Lt, true) => 0x15,
        (FCompare::Le, true) => 0x16,
    }
}
