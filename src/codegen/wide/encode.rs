//! Machine code with its registers allocated, to bytes.

use iced_x86::{Code, Encoder, IcedError, Instruction, OpKind, Register};
use regalloc2::{Allocation, Block, Edit, Function as _, InstOrEdit, Output, PReg};

use super::isa::{GENERAL, Isa, MASK, RAX, RSP, VECTOR};
use super::machine::{Action, Encoded, Function};
use super::pool::Pool;
use crate::lower::lanes::TableId;

/// Registers that whoever calls a kernel expects to keep: rbx, rbp, r12 to r15.
const KEPT: [usize; 6] = [3, 5, 12, 13, 14, 15];

/// Frames are aligned to a vector.
const ALIGNMENT: usize = 64;

/// What a frame may take beside its size to be aligned, and a call's return address below it.
const MISALIGNMENT: usize = ALIGNMENT + size_of::<u64>();

/// How far apart the stack is touched before it is used, so that the page that guards its end is not jumped over.
const PAGE: usize = 4096;

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// From outside, by the System V convention.
    Kernel,
    /// By code of the same program, which expects no register to be kept.
    Callee,
}

/// A call whose target is not yet known.
#[derive(Debug)]
struct PendingCall {
    /// Where the distance stands.
    at: usize,
    function: u32,
}

/// Bytes of several functions, behind the pool.
pub(super) struct Assembler<'a> {
    pool: &'a Pool<'a>,
    encoder: Encoder,
    /// Address of the next instruction, counted from the pool's beginning.
    at: usize,
    start: usize,
    calls: Vec<PendingCall>,
}

/// Where a function begins, and how much stack it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub offset: usize,
    /// In bytes, with what a call pushes.
    pub stack: usize,
}

fn register(preg: PReg, isa: Isa) -> Register {
    let number = preg.hw_enc() as i32;
    match preg.class() {
        GENERAL => Register::RAX + number,
        VECTOR => match isa {
            Isa::Avx2 => Register::YMM0 + number,
            Isa::Avx512 => Register::ZMM0 + number,
        },
        MASK => Register::K0 + number,
    }
}

/// The register's name in an operand that is narrower than the register.
fn narrowed(code: Code, operand: u32, preg: PReg, isa: Isa) -> Register {
    let number = preg.hw_enc() as i32;
    match (code, operand) {
        (
            Code::VEX_Vmovq_xmm_rm64 | Code::VEX_Vmovd_xmm_rm32 | Code::VEX_Vextractf128_xmmm128_ymm_imm8,
            0,
        )
        | (
            Code::VEX_Vpbroadcastq_ymm_xmmm64
            | Code::VEX_Vpbroadcastd_ymm_xmmm32
            | Code::VEX_Vcvtps2pd_ymm_xmmm128,
            1,
        ) => Register::XMM0 + number,
        (Code::EVEX_Vextractf64x4_ymmm256_k1z_zmm_imm8, 0)
        | (Code::EVEX_Vcvtps2pd_zmm_k1z_ymmm256b32_sae, 1) => Register::YMM0 + number,
        (Code::VEX_Vmovd_xmm_rm32 | Code::EVEX_Vpbroadcastd_zmm_k1z_r32 | Code::Mov_rm32_r32, 1)
        | (Code::Mov_r32_rm32, 0) => Register::EAX + number,
        _ => register(preg, isa),
    }
}

fn set_memory(inst: &mut Instruction, base: Register, index: Register, displacement: i64) {
    inst.set_memory_base(base);
    inst.set_memory_index(index);
    inst.set_memory_index_scale(1);
    inst.set_memory_displacement64(displacement.cast_unsigned());
    inst.set_memory_displ_size(if displacement == 0 { 0 } else { 8 });
}

impl<'a> Assembler<'a> {
    pub(super) fn new(pool: &'a Pool<'a>) -> Assembler<'a> {
        let start = pool.len().next_multiple_of(ALIGNMENT);
        Assembler { pool, encoder: Encoder::new(64), at: start, start, calls: Vec::new() }
    }

    /// The bytes from the pool on, and where code begins in them. `functions` are those that calls go to.
    pub(super) fn finish(mut self, functions: &[Placed]) -> (Vec<u8>, usize) {
        let code = self.encoder.take_buffer();
        let mut bytes = self.pool.bytes();
        bytes.resize(self.start, 0);
        bytes.extend(code);
        for PendingCall { at, function } in self.calls {
            let distance = functions[function as usize].offset as i64 - (at as i64 + 4);
            bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        (bytes, self.start)
    }

    fn encode(&mut self, inst: &Instruction) -> Result<(), IcedError> {
        self.at += self.encoder.encode(inst, self.at as u64)?;
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.encoder.write_u8(byte));
        self.at += bytes.len();
    }

    /// Adds a function.
    pub(super) fn function(
        &mut self,
        function: &Function,
        allocation: &Output,
        role: Role,
    ) -> Result<Placed, IcedError> {
        // A loop's first instruction at the beginning of a cache line makes little difference, a function's some.
        while !self.at.is_multiple_of(16) {
            self.bytes(&[0xcc]);
        }
        let offset = self.at;
        let mut body = Body::of(self, function, allocation, role);
        body.emit()?;
        Ok(Placed { offset, stack: body.stack() })
    }
}

/// One function being encoded.
struct Body<'a, 'b, 'p> {
    asm: &'a mut Assembler<'p>,
    function: &'b Function,
    allocation: &'b Output,
    role: Role,
    isa: Isa,
    /// Bytes that it takes on the stack.
    frame: usize,
    /// The registers to keep that it uses.
    kept: Vec<usize>,
    starts: Vec<Option<usize>>,
    /// Where distances to blocks stand.
    jumps: Vec<(usize, Block)>,
}

impl<'a, 'b, 'p> Body<'a, 'b, 'p> {
    fn of(
        asm: &'a mut Assembler<'p>,
        function: &'b Function,
        allocation: &'b Output,
        role: Role,
    ) -> Body<'a, 'b, 'p> {
        let calls = (0..function.num_insts())
            .any(|k| matches!(function.action(regalloc2::Inst::new(k)), Action::Call(_)));
        let spilled = allocation.num_spillslots * size_of::<u64>();
        let frame = match role {
            Role::Kernel if spilled == 0 && !calls => 0,
            // The caller's stack pointer stands behind the spilled values.
            Role::Kernel => (spilled + size_of::<u64>()).next_multiple_of(ALIGNMENT),
            // A return address stands above it.
            Role::Callee => (spilled + size_of::<u64>()).next_multiple_of(ALIGNMENT) - size_of::<u64>(),
        };
        let edited = allocation.edits.iter().map(|(_, Edit::Move { to, .. })| *to);
        let used = allocation.allocs.iter().copied().chain(edited);
        let mut kept: Vec<usize> = used
            .filter_map(|allocation| allocation.as_reg())
            .filter(|preg| preg.class() == GENERAL && KEPT.contains(&preg.hw_enc()))
            .map(|preg| preg.hw_enc())
            .collect();
        kept.sort_unstable();
        kept.dedup();
        // What a callee does with registers is not seen here.
        match role {
            Role::Kernel if calls => kept = KEPT.to_vec(),
            Role::Kernel => {}
            Role::Callee => kept.clear(),
        }
        let starts = vec![None; function.num_blocks()];
        let isa = function.isa();
        Body { asm, function, allocation, role, isa, frame, kept, starts, jumps: Vec::new() }
    }

    fn emit(&mut self) -> Result<(), IcedError> {
        let count = self.function.num_blocks();
        let wanted: Vec<Block> =
            (0..count).map(Block::new).filter(|&b| b.index() == 0 || self.only_jump(b).is_none()).collect();
        for (k, &block) in wanted.iter().enumerate() {
            self.starts[block.index()] = Some(self.asm.at);
            let next = wanted.get(k + 1).copied();
            let (function, allocation) = (self.function, self.allocation);
            for item in allocation.block_insts_and_edits(function, block) {
                match item {
                    InstOrEdit::Edit(&Edit::Move { from, to }) => self.transfer(from, to)?,
                    InstOrEdit::Inst(inst) => self.inst(inst, next)?,
                }
            }
        }
        let jumps = std::mem::take(&mut self.jumps);
        for (at, block) in jumps {
            let start = self.starts[block.index()].expect("jumps go to blocks that are there");
            let distance = start as i64 - (at as i64 + 4);
            self.patch(at, distance as i32);
        }
        Ok(())
    }

    fn patch(&mut self, at: usize, distance: i32) {
        let mut buffer = self.asm.encoder.take_buffer();
        let place = at - self.asm.start;
        buffer[place..place + 4].copy_from_slice(&distance.to_le_bytes());
        self.asm.encoder.set_buffer(buffer);
    }

    /// The block that a block jumps to if it does nothing else.
    fn only_jump(&self, block: Block) -> Option<Block> {
        let mut items = self
            .allocation
            .block_insts_and_edits(self.function, block)
            .filter(|item| !matches!(item, InstOrEdit::Edit(Edit::Move { from, to }) if from == to));
        match (items.next(), items.next()) {
            (Some(InstOrEdit::Inst(inst)), None) => match self.function.action(inst) {
                Action::Jump(label) => Some(self.function.block_of(label)),
                Action::Code(_) | Action::Enter | Action::Branch(..) | Action::Call(_) | Action::Return => {
                    None
                }
            },
            _ => None,
        }
    }

    /// Where a jump to a block ends up.
    fn destination(&self, mut block: Block) -> Block {
        // A loop that does nothing does not exist, so this ends.
        while let Some(next) = self.only_jump(block) {
            block = next;
        }
        block
    }

    fn jump(&mut self, opcode: &[u8], block: Block) {
        self.asm.bytes(opcode);
        self.jumps.push((self.asm.at, block));
        self.asm.bytes(&[0; 4]);
    }

    fn inst(&mut self, inst: regalloc2::Inst, next: Option<Block>) -> Result<(), IcedError> {
        match self.function.action(inst) {
            Action::Code(code) => self.code(code, inst),
            Action::Enter => self.enter(),
            Action::Return => self.leave(),
            Action::Call(function) => {
                self.asm.bytes(&[0xe8]);
                self.asm.calls.push(PendingCall { at: self.asm.at, function });
                self.asm.bytes(&[0; 4]);
                Ok(())
            }
            Action::Jump(label) => {
                let target = self.destination(self.function.block_of(label));
                if Some(target) != next {
                    self.jump(&[0xe9], target);
                }
                Ok(())
            }
            Action::Branch(condition, yes, no) => {
                let [yes, no] = [yes, no].map(|label| self.destination(self.function.block_of(label)));
                // The last bit of a condition's number negates it.
                let number = condition as u8;
                if Some(yes) == next {
                    self.jump(&[0x0f, 0x80 + (number ^ 1)], no);
                } else {
                    self.jump(&[0x0f, 0x80 + number], yes);
                    if Some(no) != next {
                        self.jump(&[0xe9], no);
                    }
                }
                Ok(())
            }
        }
    }

    fn enter(&mut self) -> Result<(), IcedError> {
        let rsp = Register::RAX + RSP as i32;
        let rax = Register::RAX + RAX as i32;
        for &kept in &self.kept.clone() {
            self.asm.encode(&Instruction::with1(Code::Push_r64, Register::RAX + kept as i32)?)?;
        }
        if self.frame == 0 {
            return Ok(());
        }
        for page in 1..=(self.frame + MISALIGNMENT) / PAGE {
            let mut touch = Instruction::default();
            touch.set_code(Code::Test_rm64_r64);
            touch.set_op0_kind(OpKind::Memory);
            set_memory(&mut touch, rsp, Register::None, -((page * PAGE) as i64));
            touch.set_op1_kind(OpKind::Register);
            touch.set_op1_register(rax);
            self.asm.encode(&touch)?;
        }
        match self.role {
            Role::Kernel => {
                self.asm.encode(&Instruction::with2(Code::Mov_r64_rm64, rax, rsp)?)?;
                self.asm.encode(&Instruction::with2(Code::Sub_rm64_imm32, rsp, self.frame as i32)?)?;
                self.asm.encode(&Instruction::with2(Code::And_rm64_imm8, rsp, -(ALIGNMENT as i32))?)?;
                self.slot(Code::Mov_rm64_r64, Place::Memory(self.saved()), Place::Register(rax))
            }
            Role::Callee => {
                self.asm.encode(&Instruction::with2(Code::Sub_rm64_imm32, rsp, self.frame as i32)?)
            }
        }
    }

    /// Bytes that a call of it takes on the stack: the return address, registers that are kept, the frame.
    fn stack(&self) -> usize {
        (1 + self.kept.len()) * size_of::<u64>() + self.frame + MISALIGNMENT
    }

    /// Where the caller's stack pointer is kept.
    fn saved(&self) -> usize {
        self.frame - size_of::<u64>()
    }

    fn leave(&mut self) -> Result<(), IcedError> {
        let rsp = Register::RAX + RSP as i32;
        match self.role {
            Role::Kernel if self.frame > 0 => {
                self.slot(Code::Mov_r64_rm64, Place::Register(rsp), Place::Memory(self.saved()))?;
            }
            Role::Callee => {
                self.asm.encode(&Instruction::with2(Code::Add_rm64_imm32, rsp, self.frame as i32)?)?;
            }
            Role::Kernel => {}
        }
        for &kept in self.kept.clone().iter().rev() {
            self.asm.encode(&Instruction::with1(Code::Pop_r64, Register::RAX + kept as i32)?)?;
        }
        if self.role == Role::Kernel {
            self.asm.encode(&Instruction::with(Code::VEX_Vzeroupper))?;
        }
        self.asm.encode(&Instruction::with(Code::Retnq))
    }

    /// A move between registers and the frame.
    fn transfer(&mut self, from: Allocation, to: Allocation) -> Result<(), IcedError> {
        if from == to {
            return Ok(());
        }
        let class = from.as_reg().or(to.as_reg()).map_or(GENERAL, |preg| preg.class());
        let (load, store) = match (class, self.isa) {
            (GENERAL, _) => (Code::Mov_r64_rm64, Code::Mov_rm64_r64),
            (MASK, _) => (Code::VEX_Kmovw_kr_km16, Code::VEX_Kmovw_m16_kr),
            (VECTOR, Isa::Avx2) => (Code::VEX_Vmovapd_ymm_ymmm256, Code::VEX_Vmovapd_ymmm256_ymm),
            (VECTOR, Isa::Avx512) => (Code::EVEX_Vmovapd_zmm_k1z_zmmm512, Code::EVEX_Vmovapd_zmmm512_k1z_zmm),
        };
        let (from, to) = (self.place(from), self.place(to));
        self.slot(if matches!(to, Place::Memory(_)) { store } else { load }, to, from)
    }

    fn place(&self, allocation: Allocation) -> Place {
        match (allocation.as_reg(), allocation.as_stack()) {
            (Some(preg), _) => Place::Register(register(preg, self.isa)),
            (None, Some(slot)) => Place::Memory(slot.index() * size_of::<u64>()),
            (None, None) => Place::Register(Register::None),
        }
    }

    fn slot(&mut self, code: Code, to: Place, from: Place) -> Result<(), IcedError> {
        let mut inst = Instruction::default();
        inst.set_code(code);
        for (k, place) in [to, from].into_iter().enumerate() {
            set_place(&mut inst, k as u32, place);
        }
        self.asm.encode(&inst)
    }

    fn code(&mut self, code: Code, inst: regalloc2::Inst) -> Result<(), IcedError> {
        let allocs = self.allocation.inst_allocs(inst);
        let mut out = Instruction::default();
        out.set_code(code);
        let at = |k: u8| match allocs[k as usize].as_reg() {
            Some(preg) => register(preg, self.isa),
            None => Register::None,
        };
        let named = |operand: u32, k: u8| match allocs[k as usize].as_reg() {
            Some(preg) => Place::Register(narrowed(code, operand, preg, self.isa)),
            None => self.place(allocs[k as usize]),
        };
        let mut operand = 0;
        for &arg in self.function.encoded(inst) {
            match arg {
                Encoded::Register(k) | Encoded::Source(k) => set_place(&mut out, operand, named(operand, k)),
                Encoded::Memory { base, index, displacement } => {
                    out.set_op_kind(operand, OpKind::Memory);
                    set_memory(&mut out, at(base), index.map_or(Register::None, at), i64::from(displacement));
                }
                Encoded::Constant(place) => {
                    self.pooled(&mut out, operand, self.asm.pool.offset(place));
                    out.set_is_broadcast(self.isa == Isa::Avx512);
                }
                Encoded::Pooled(place) => self.pooled(&mut out, operand, self.asm.pool.offset(place)),
                Encoded::Table(table) => self.pooled(&mut out, operand, self.asm.pool.table(TableId(table))),
                Encoded::Mask { mask, zero } => {
                    out.set_op_mask(at(mask));
                    out.set_zeroing_masking(zero);
                    continue;
                }
                Encoded::Imm8(value) => {
                    out.set_op_kind(operand, OpKind::Immediate8);
                    out.set_immediate8(value);
                }
                Encoded::Imm32(value) => {
                    out.set_op_kind(operand, OpKind::Immediate32to64);
                    out.set_immediate32to64(i64::from(value));
                }
                Encoded::Imm64(value) => {
                    out.set_op_kind(operand, OpKind::Immediate64);
                    out.set_immediate64(value);
                }
                Encoded::Gather { base, indices, scale } => {
                    out.set_op_kind(operand, OpKind::Memory);
                    set_memory(&mut out, at(base), at(indices), 0);
                    out.set_memory_index_scale(u32::from(scale));
                }
            }
            operand += 1;
        }
        self.asm.encode(&out)
    }

    fn pooled(&self, inst: &mut Instruction, operand: u32, offset: usize) {
        inst.set_op_kind(operand, OpKind::Memory);
        set_memory(inst, Register::RIP, Register::None, offset as i64);
        inst.set_memory_displ_size(8);
    }
}

/// A register, or so many bytes into the frame.
#[derive(Debug, Clone, Copy)]
enum Place {
    Register(Register),
    Memory(usize),
}

fn set_place(inst: &mut Instruction, operand: u32, place: Place) {
    match place {
        Place::Register(register) => {
            inst.set_op_kind(operand, OpKind::Register);
            inst.set_op_register(operand, register);
        }
        Place::Memory(offset) => {
            inst.set_op_kind(operand, OpKind::Memory);
            set_memory(inst, Register::RAX + RSP as i32, Register::None, offset as i64);
        }
    }
}
