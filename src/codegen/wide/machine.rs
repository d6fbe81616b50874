//! Machine code with virtual registers: blocks of instructions, as the register allocator sees them.

use iced_x86::Code;
use regalloc2::{Block, Inst, InstRange, Operand, PReg, PRegSet, RegClass, VReg};

use super::isa::{Isa, VECTOR};

/// A value that so few instructions before was computed or used is not read from memory, where it would take many cycles
/// to arrive.
const NEAR: u32 = 24;

/// A block that code can jump to, perhaps not yet placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(u32);

/// A place in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    pub base: VReg,
    pub index: Option<VReg>,
    pub displacement: i32,
}

impl Address {
    pub(super) fn new(base: VReg, displacement: i32) -> Address {
        Address { base, index: None, displacement }
    }
}

/// An operand in a register or in memory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Register(VReg),
    Memory(Address),
    /// A constant in every lane, by its place in the pool.
    Constant(u32),
}

/// What an instruction is given, in the order of its operands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arg {
    /// A register that it sets.
    Def(VReg),
    /// A register that it sets while it still needs its operands.
    EarlyDef(VReg),
    /// The register that it sets, which is that of an operand that it overwrites.
    Reuse(VReg, VReg),
    /// A register that it reads.
    Use(VReg),
    /// A register or memory that it reads.
    Source(Source),
    /// Memory.
    Memory(Address),
    /// One number of the pool, not repeated.
    Pooled(u32),
    /// The mask that says which lanes it works on; the others become 0 or stay as they are.
    Mask {
        mask: VReg,
        zero: bool,
    },
    /// The same, which the instruction uses up.
    SpentMask(VReg, VReg),
    /// The register of the first argument again.
    Same,
    Imm8(u8),
    Imm32(i32),
    Imm64(u64),
    /// An element of a table for each lane: the table's base address, its indices, and bytes of an element.
    Gather {
        base: VReg,
        indices: VReg,
        scale: u8,
    },
    /// The address of a table in the pool.
    Table(u32),
}

/// An argument with the positions of its registers among the operands that the allocator sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoded {
    Register(u8),
    Source(u8),
    Memory { base: u8, index: Option<u8>, displacement: i32 },
    Constant(u32),
    Pooled(u32),
    Mask { mask: u8, zero: bool },
    Imm8(u8),
    Imm32(i32),
    Imm64(u64),
    Gather { base: u8, indices: u8, scale: u8 },
    Table(u32),
}

/// What a comparison left in the flags, by the number that the encoding gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Flag {
    /// The first unsigned number is below the second.
    Below = 2,
    Zero = 4,
    NotZero = 5,
}

/// What an instruction does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    /// A machine instruction.
    Code(Code),
    /// The function begins; its arguments are in registers.
    Enter,
    Jump(Label),
    /// To the first label if the condition holds, else to the second.
    Branch(Flag, Label, Label),
    /// A call of the function with this number.
    Call(u32),
    Return,
}

#[derive(Debug)]
struct Entry {
    action: Action,
    args: std::ops::Range<u32>,
    operands: std::ops::Range<u32>,
}

#[derive(Debug, Default)]
struct BlockData {
    insts: std::ops::Range<u32>,
    params: Vec<VReg>,
    succs: Vec<Block>,
    preds: Vec<Block>,
    /// What the jump at its end hands over.
    handed: Vec<VReg>,
}

/// A function under construction, then ready for allocation.
#[derive(Debug)]
pub(super) struct Function {
    isa: Isa,
    entries: Vec<Entry>,
    args: Vec<Encoded>,
    operands: Vec<Operand>,
    blocks: Vec<BlockData>,
    /// Where each label is placed.
    labels: Vec<Option<Block>>,
    /// For each register the last instruction so far that has to do with it.
    touched: Vec<u32>,
    clobbers: PRegSet,
}

impl Function {
    /// An empty function, in its first block.
    pub(super) fn new(isa: Isa) -> Function {
        let environment = isa.environment();
        let mut clobbers = PRegSet::empty();
        for class in 0..3 {
            clobbers.union_from(environment.preferred_regs_by_class[class]);
            clobbers.union_from(environment.non_preferred_regs_by_class[class]);
        }
        Function {
            isa,
            entries: Vec::new(),
            args: Vec::new(),
            operands: Vec::new(),
            blocks: vec![BlockData::default()],
            labels: Vec::new(),
            touched: Vec::new(),
            clobbers,
        }
    }

    /// A register that nothing else uses.
    pub(super) fn register(&mut self, class: RegClass) -> VReg {
        self.touched.push(self.entries.len() as u32);
        VReg::new(self.touched.len() - 1, class)
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Begins the block of a label. The block before must have ended.
    pub(super) fn place(&mut self, label: Label, params: Vec<VReg>) {
        let start = self.entries.len() as u32;
        self.labels[label.0 as usize] = Some(Block::new(self.blocks.len()));
        self.blocks.push(BlockData { insts: start..start, params, ..BlockData::default() });
    }

    /// Which block instructions are added to.
    pub(super) fn here(&self) -> usize {
        self.blocks.len()
    }

    /// Adds an instruction.
    pub(super) fn emit(&mut self, action: Action, args: &[Arg]) {
        let first_arg = self.args.len() as u32;
        let first = self.operands.len();
        for &arg in args {
            let at = (self.operands.len() - first) as u8;
            let encoded = match arg {
                Arg::Def(register) => {
                    self.operands.push(Operand::reg_def(register));
                    Encoded::Register(at)
                }
                Arg::EarlyDef(register) => {
                    self.operands.push(Operand::reg_def_at_start(register));
                    Encoded::Register(at)
                }
                Arg::Reuse(result, operand) => {
                    self.operands.push(Operand::reg_reuse_def(result, at as usize + 1));
                    self.operands.push(Operand::reg_use(operand));
                    Encoded::Register(at)
                }
                Arg::Use(register) => {
                    self.operands.push(Operand::reg_use(register));
                    Encoded::Register(at)
                }
                Arg::Source(Source::Register(register)) => {
                    let near = self.entries.len() as u32 - self.touched[register.vreg()] < NEAR;
                    let operand = if near { Operand::reg_use } else { Operand::any_use };
                    self.operands.push(operand(register));
                    Encoded::Source(at)
                }
                Arg::Source(Source::Memory(address)) | Arg::Memory(address) => {
                    self.operands.push(Operand::reg_use(address.base));
                    if let Some(index) = address.index {
                        self.operands.push(Operand::reg_use(index));
                    }
                    Encoded::Memory {
                        base: at,
                        index: address.index.map(|_| at + 1),
                        displacement: address.displacement,
                    }
                }
                Arg::Source(Source::Constant(place)) => Encoded::Constant(place),
                Arg::Pooled(place) => Encoded::Pooled(place),
                Arg::Mask { mask, zero } => {
                    self.operands.push(Operand::reg_use(mask));
                    Encoded::Mask { mask: at, zero }
                }
                Arg::SpentMask(spent, mask) => {
                    self.operands.push(Operand::reg_reuse_def(spent, at as usize + 1));
                    self.operands.push(Operand::reg_use(mask));
                    Encoded::Mask { mask: at, zero: false }
                }
                Arg::Same => Encoded::Register(0),
                Arg::Imm8(value) => Encoded::Imm8(value),
                Arg::Imm32(value) => Encoded::Imm32(value),
                Arg::Imm64(value) => Encoded::Imm64(value),
                Arg::Gather { base, indices, scale } => {
                    self.operands.push(Operand::reg_use_at_end(base));
                    self.operands.push(Operand::reg_use_at_end(indices));
                    Encoded::Gather { base: at, indices: at + 1, scale }
                }
                Arg::Table(table) => Encoded::Table(table),
            };
            self.args.push(encoded);
        }
        for operand in &self.operands[first..] {
            self.touched[operand.vreg().vreg()] = self.entries.len() as u32;
        }
        self.push(action, first_arg, first as u32);
    }

    /// Adds an instruction whose operands are in given registers.
    pub(super) fn emit_fixed(&mut self, action: Action, operands: &[Operand]) {
        let first = self.operands.len() as u32;
        self.operands.extend_from_slice(operands);
        self.push(action, self.args.len() as u32, first);
    }

    fn push(&mut self, action: Action, first_arg: u32, first_operand: u32) {
        self.entries.push(Entry {
            action,
            args: first_arg..self.args.len() as u32,
            operands: first_operand..self.operands.len() as u32,
        });
        if let Some(block) = self.blocks.last_mut() {
            block.insts.end = self.entries.len() as u32;
        }
    }

    /// Ends the block with a jump that sets the parameters of the label's block.
    pub(super) fn jump(&mut self, label: Label, values: Vec<VReg>) {
        if let Some(block) = self.blocks.last_mut() {
            block.handed = values;
        }
        self.emit(Action::Jump(label), &[]);
    }

    /// Ends the block. The blocks of both labels have no other predecessor and no parameters.
    pub(super) fn branch(&mut self, condition: Flag, yes: Label, no: Label) {
        self.emit(Action::Branch(condition, yes, no), &[]);
    }

    /// Connects the blocks, once all labels are placed.
    pub(super) fn finish(&mut self) {
        for index in 0..self.blocks.len() {
            let last = self.blocks[index].insts.end.checked_sub(1).expect("no block is empty");
            let targets = match self.entries[last as usize].action {
                Action::Jump(label) => vec![label],
                Action::Branch(_, yes, no) => vec![yes, no],
                Action::Code(_) | Action::Enter | Action::Call(_) | Action::Return => vec![],
            };
            for label in targets {
                let target = self.block_of(label);
                self.blocks[index].succs.push(target);
                self.blocks[target.index()].preds.push(Block::new(index));
            }
        }
    }

    /// The block of a label, once all labels are placed.
    pub(super) fn block_of(&self, label: Label) -> Block {
        self.labels[label.0 as usize].expect("every label is placed")
    }

    pub(super) fn action(&self, inst: Inst) -> Action {
        self.entries[inst.index()].action
    }

    /// The arguments of an instruction, which refer to its operands.
    pub(super) fn encoded(&self, inst: Inst) -> &[Encoded] {
        let args = &self.entries[inst.index()].args;
        &self.args[args.start as usize..args.end as usize]
    }

    pub(super) fn isa(&self) -> Isa {
        self.isa
    }
}

impl regalloc2::Function for Function {
    fn num_insts(&self) -> usize {
        self.entries.len()
    }
    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }
    fn entry_block(&self) -> Block {
        Block::new(0)
    }
    fn block_insns(&self, block: Block) -> InstRange {
        let insts = &self.blocks[block.index()].insts;
        InstRange::new(Inst::new(insts.start as usize), Inst::new(insts.end as usize))
    }
    fn block_succs(&self, block: Block) -> &[Block] {
        &self.blocks[block.index()].succs
    }
    fn block_preds(&self, block: Block) -> &[Block] {
        &self.blocks[block.index()].preds
    }
    fn block_params(&self, block: Block) -> &[VReg] {
        &self.blocks[block.index()].params
    }
    fn is_ret(&self, inst: Inst) -> bool {
        matches!(self.action(inst), Action::Return)
    }
    fn is_branch(&self, inst: Inst) -> bool {
        matches!(self.action(inst), Action::Jump(_) | Action::Branch(..))
    }
    fn branch_blockparams(&self, block: Block, _: Inst, _: usize) -> &[VReg] {
        &self.blocks[block.index()].handed
    }
    fn inst_operands(&self, inst: Inst) -> &[Operand] {
        let operands = &self.entries[inst.index()].operands;
        &self.operands[operands.start as usize..operands.end as usize]
    }
    fn inst_clobbers(&self, inst: Inst) -> PRegSet {
        match self.action(inst) {
            Action::Call(_) => self.clobbers,
            Action::Code(_) | Action::Enter | Action::Jump(_) | Action::Branch(..) | Action::Return => {
                PRegSet::empty()
            }
        }
    }
    fn num_vregs(&self) -> usize {
        self.touched.len()
    }
    fn spillslot_size(&self, class: RegClass) -> usize {
        if class == VECTOR { self.isa.bytes() / size_of::<u64>() } else { 1 }
    }
}

/// A general register by its number.
pub(super) fn general(number: usize) -> PReg {
    PReg::new(number, super::isa::GENERAL)
}
