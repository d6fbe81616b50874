//! The lane program: SSA over numbers, masks and integers of one group of rows. It is all that code generation sees.

#![cfg_attr(not(feature = "jit"), allow(dead_code, reason = "code generators read more of lane programs"))]

use std::fmt;

use nc_runtime::batch::Products;
use nc_runtime::lanes::Precision;

use crate::entity::{Entity, EntityVec, entity};
use crate::graph::{Graph, Source};

entity!(
    /// A value of a [`LaneProgram`].
    Value, "v");
entity!(
    /// A call in a [`LaneProgram`].
    CallId, "call");
entity!(
    /// A loop of a [`LaneProgram`].
    LoopId, "loop");

/// What a lane of a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LaneType {
    /// A number of the program's precision.
    F,
    /// A truth value.
    M,
    /// An integer as wide as a number.
    I,
    /// A 64-bit integer that is the same for all rows: a counter, or a place in memory.
    S,
    /// Nothing: the instruction is there for its effect.
    Nothing,
}

/// Operations of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as the methods of `nc_runtime::lanes::Lanes`, which document them")]
pub enum FUnary {
    Sqrt,
    Abs,
    Neg,
    RoundEven,
    Floor,
    Ceil,
    Trunc,
}

/// Operations of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as the methods of `nc_runtime::lanes::Lanes`, which document them")]
pub enum FBinary {
    Add,
    Sub,
    Mul,
    Div,
}

/// Comparisons of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as the methods of `nc_runtime::lanes::Lanes`, which document them")]
pub enum FCompare {
    Lt,
    Le,
    Eq,
    Ne,
}

/// Operations of two integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named as the methods of `nc_runtime::lanes::Lanes`, which document them")]
pub enum IBinary {
    Add,
    Sub,
    And,
    Or,
    Xor,
}

/// Operations of two integers that are the same for all rows; unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SBinary {
    /// Wrapping sum.
    Add,
    /// Wrapping difference.
    Sub,
    /// Wrapping product.
    Mul,
    /// Bitwise and.
    And,
    /// The first shifted left by the second.
    Shl,
    /// The smaller one.
    Min,
    /// 1 if they are equal, else 0.
    Eq,
}

impl SBinary {
    /// The result.
    pub fn eval(self, a: u64, b: u64) -> u64 {
        match self {
            SBinary::Add => a.wrapping_add(b),
            SBinary::Sub => a.wrapping_sub(b),
            SBinary::Mul => a.wrapping_mul(b),
            SBinary::And => a & b,
            SBinary::Shl => a << (b & 63),
            SBinary::Min => a.min(b),
            SBinary::Eq => u64::from(a == b),
        }
    }
}

/// A constant table of numbers, by its position in [`LaneProgram::tables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableId(pub u32);

/// An instruction. Operands come before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inst {
    /// A number, by its bits.
    F(u64),
    /// An integer, as a signed one.
    I(i64),
    /// A truth value.
    M(bool),
    /// The rows' numbers in an input column.
    Column(u32),
    /// An element of the parameters.
    Param(u32),
    /// The rows' numbers in the input column at an offset from a fixed one.
    ColumnAt(u32, Value),
    /// The element of the parameters at an offset from a fixed one.
    ParamAt(u32, Value),
    /// An operation of one number.
    FUnary(FUnary, Value),
    /// An operation of two numbers.
    FBinary(FBinary, Value, Value),
    /// `a · b + c`, rounded once.
    Fma(Value, Value, Value),
    /// A comparison of numbers: a mask.
    FCompare(FCompare, Value, Value),
    /// The second where the mask holds, the third elsewhere.
    Select(Value, Value, Value),
    /// Both masks.
    And(Value, Value),
    /// Either mask.
    Or(Value, Value),
    /// The opposite mask.
    Not(Value),
    /// An operation of two integers.
    IBinary(IBinary, Value, Value),
    /// Shift left by a constant.
    Shl(Value, u8),
    /// Logical shift right by a constant.
    Shr(Value, u8),
    /// `a > b`, signed: a mask.
    IGt(Value, Value),
    /// `a = b`: a mask.
    IEq(Value, Value),
    /// The bits of a number.
    Bits(Value),
    /// The number with these bits.
    Float(Value),
    /// The element of a table at an index modulo its length.
    Lookup(TableId, Value),
    /// An integer that is the same for all rows.
    S(u64),
    /// An operation of two such integers.
    SBinary(SBinary, Value, Value),
    /// The second where the first is not 0, else the third.
    SSelect(Value, Value, Value),
    /// What is in the memory cell at an offset from a fixed one. A cell holds one value of every row of the group.
    Load(LaneType, u32, Value),
    /// Puts the second value into the memory cell at an offset from a fixed one.
    StoreCell(u32, Value, Value),
    /// For each row what is in the memory cell at an offset from a fixed one and further by the integer that the row has in the
    /// first cell of the [pad](LaneProgram::pad), or no further if that is not below the second operand: puts it into the second
    /// cell of the pad.
    Fetch(u32, Value, Value),
    /// Puts what each row has in the second cell of the pad to where [`Inst::Fetch`] takes it from.
    Deposit(u32, Value, Value),
    /// Puts the second value into the output column at an offset from a fixed one.
    StoreColumn(u32, Value, Value),
    /// Adds the second value to the sum over the batch at an offset from a fixed one.
    AddPartial(u32, Value, Value),
    /// What an iteration of the loop gets from the one before: see [`Carried`]. The number tells them apart.
    Phi(LaneType, u32),
    /// An operand of the function that is being translated, by its number.
    Argument(LaneType, u32),
    /// A call of a function, if the mask of the call holds for any row.
    Call(CallId),
    /// A result of the call before it, for the rows of its mask; elsewhere anything. The number is the result's.
    Returned(CallId, u32),
    /// The same integer for every row.
    Splat(Value),
    /// The loop begins: the first values of its phis are known.
    Loop(LoopId),
    /// The loop ends here unless its conditions hold. What stands before this place in the loop has been evaluated once more
    /// than what stands behind it, and is there for what follows the loop.
    Test(LoopId),
    /// The loop goes on from its beginning.
    End(LoopId),
}

impl Inst {
    /// What the result holds.
    pub fn ty(self) -> LaneType {
        match self {
            Inst::F(_)
            | Inst::Column(_)
            | Inst::Param(_)
            | Inst::ColumnAt(..)
            | Inst::ParamAt(..)
            | Inst::FUnary(..)
            | Inst::FBinary(..)
            | Inst::Fma(..)
            | Inst::Select(..)
            | Inst::Float(_)
            | Inst::Lookup(..) => LaneType::F,
            Inst::M(_)
            | Inst::FCompare(..)
            | Inst::And(..)
            | Inst::Or(..)
            | Inst::Not(_)
            | Inst::IGt(..)
            | Inst::IEq(..) => LaneType::M,
            Inst::S(_) | Inst::SBinary(..) | Inst::SSelect(..) => LaneType::S,
            Inst::Load(ty, ..) | Inst::Phi(ty, _) | Inst::Argument(ty, _) => ty,
            Inst::Returned(..) => LaneType::F,
            Inst::Splat(_) => LaneType::I,
            Inst::StoreCell(..) | Inst::StoreColumn(..) | Inst::AddPartial(..) => LaneType::Nothing,
            Inst::Fetch(..) | Inst::Deposit(..) => LaneType::Nothing,
            Inst::Call(_) | Inst::Loop(_) | Inst::Test(_) | Inst::End(_) => LaneType::Nothing,
            Inst::I(_) | Inst::IBinary(..) | Inst::Shl(..) | Inst::Shr(..) | Inst::Bits(_) => LaneType::I,
        }
    }

    /// The types that the operands must have. What is put into memory may have any.
    pub fn operand_types(self) -> &'static [LaneType] {
        use LaneType::{F, I, M, S};
        match self {
            Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::S(_) | Inst::Column(_) | Inst::Param(_) => &[],
            Inst::Phi(..) | Inst::Loop(_) | Inst::Test(_) | Inst::End(_) => &[],
            Inst::Argument(..) | Inst::Call(_) | Inst::Returned(..) => &[],
            Inst::Splat(_) => &[S],
            Inst::SBinary(..) => &[S, S],
            Inst::SSelect(..) => &[S, S, S],
            Inst::Load(..) | Inst::ColumnAt(..) | Inst::ParamAt(..) => &[S],
            Inst::StoreCell(..) | Inst::StoreColumn(..) | Inst::AddPartial(..) => &[S, F],
            Inst::Fetch(..) | Inst::Deposit(..) => &[S, S],
            Inst::FUnary(..) | Inst::Bits(_) => &[F],
            Inst::FBinary(..) | Inst::FCompare(..) => &[F, F],
            Inst::Fma(..) => &[F, F, F],
            Inst::Select(..) => &[M, F, F],
            Inst::And(..) | Inst::Or(..) => &[M, M],
            Inst::Not(_) => &[M],
            Inst::IBinary(..) | Inst::IGt(..) | Inst::IEq(..) => &[I, I],
            Inst::Shl(..) | Inst::Shr(..) | Inst::Float(_) | Inst::Lookup(..) => &[I],
        }
    }

    /// Calls `f` with each operand.
    pub fn for_each_operand(self, mut f: impl FnMut(Value)) {
        self.map_operands(|v| {
            f(v);
            v
        });
    }

    /// The same instruction with other operands.
    pub fn map_operands(self, mut f: impl FnMut(Value) -> Value) -> Inst {
        match self {
            Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::S(_) | Inst::Column(_) | Inst::Param(_) => self,
            Inst::Phi(..) | Inst::Loop(_) | Inst::Test(_) | Inst::End(_) => self,
            Inst::Argument(..) | Inst::Call(_) | Inst::Returned(..) => self,
            Inst::Splat(a) => Inst::Splat(f(a)),
            Inst::SBinary(op, a, b) => Inst::SBinary(op, f(a), f(b)),
            Inst::SSelect(c, a, b) => Inst::SSelect(f(c), f(a), f(b)),
            Inst::Load(ty, cell, a) => Inst::Load(ty, cell, f(a)),
            Inst::ColumnAt(k, a) => Inst::ColumnAt(k, f(a)),
            Inst::ParamAt(k, a) => Inst::ParamAt(k, f(a)),
            Inst::StoreCell(cell, a, v) => Inst::StoreCell(cell, f(a), f(v)),
            Inst::Fetch(cell, a, n) => Inst::Fetch(cell, f(a), f(n)),
            Inst::Deposit(cell, a, n) => Inst::Deposit(cell, f(a), f(n)),
            Inst::StoreColumn(k, a, v) => Inst::StoreColumn(k, f(a), f(v)),
            Inst::AddPartial(k, a, v) => Inst::AddPartial(k, f(a), f(v)),
            Inst::FUnary(op, a) => Inst::FUnary(op, f(a)),
            Inst::FBinary(op, a, b) => Inst::FBinary(op, f(a), f(b)),
            Inst::Fma(a, b, c) => Inst::Fma(f(a), f(b), f(c)),
            Inst::FCompare(op, a, b) => Inst::FCompare(op, f(a), f(b)),
            Inst::Select(m, a, b) => Inst::Select(f(m), f(a), f(b)),
            Inst::And(a, b) => Inst::And(f(a), f(b)),
            Inst::Or(a, b) => Inst::Or(f(a), f(b)),
            Inst::Not(a) => Inst::Not(f(a)),
            Inst::IBinary(op, a, b) => Inst::IBinary(op, f(a), f(b)),
            Inst::Shl(a, by) => Inst::Shl(f(a), by),
            Inst::Shr(a, by) => Inst::Shr(f(a), by),
            Inst::IGt(a, b) => Inst::IGt(f(a), f(b)),
            Inst::IEq(a, b) => Inst::IEq(f(a), f(b)),
            Inst::Bits(a) => Inst::Bits(f(a)),
            Inst::Float(a) => Inst::Float(f(a)),
            Inst::Lookup(table, a) => Inst::Lookup(table, f(a)),
        }
    }

    /// Whether the instruction is a constant.
    pub fn is_constant(self) -> bool {
        matches!(self, Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::S(_))
    }

    /// Whether the instruction is there for what it writes.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Inst::StoreCell(..)
                | Inst::StoreColumn(..)
                | Inst::AddPartial(..)
                | Inst::Fetch(..)
                | Inst::Deposit(..)
        )
    }
}

/// A value that an iteration hands to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// The value in the iteration.
    pub phi: Value,
    /// In the first one.
    pub first: Value,
    /// In the one after.
    pub next: Value,
}

/// What must hold for an iteration to take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The mask holds for any row of the group.
    Any(Value),
    /// The first integer is below the second.
    Below(Value, Value),
}

impl Condition {
    /// The values that it looks at.
    pub fn values(self) -> impl Iterator<Item = Value> {
        let (a, b) = match self {
            Condition::Any(mask) => (mask, None),
            Condition::Below(a, b) => (a, Some(b)),
        };
        [a].into_iter().chain(b)
    }

    fn map(self, mut f: impl FnMut(Value) -> Value) -> Condition {
        match self {
            Condition::Any(mask) => Condition::Any(f(mask)),
            Condition::Below(a, b) => Condition::Below(f(a), f(b)),
        }
    }
}

/// A loop over the instructions between its [`Inst::Loop`] and its [`Inst::End`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneLoop {
    /// What iterations hand on. Behind the loop a phi has the value of the iteration that did not take place.
    pub carried: Vec<Carried>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Whether an iteration begins with a look at the flag that stops evaluations. Short loops end by themselves.
    pub watched: bool,
    /// Whether it is a part that is run or not: its only condition does not hold a second time.
    pub once: bool,
}

impl LaneLoop {
    /// The same loop with other values.
    pub(crate) fn map(&self, mut f: impl FnMut(Value) -> Value) -> LaneLoop {
        LaneLoop {
            carried: self
                .carried
                .iter()
                .map(|c| Carried { phi: f(c.phi), first: f(c.first), next: f(c.next) })
                .collect(),
            conditions: self.conditions.iter().map(|c| c.map(&mut f)).collect(),
            watched: self.watched,
            once: self.once,
        }
    }
}

/// A call of a function: an operation on lanes that may come to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneCall {
    /// Which of [`LaneProgram::functions`].
    pub function: u32,
    /// The rows that call.
    pub active: Value,
    /// How many calls may still be nested in this one.
    pub depth: Value,
    /// The operands: numbers, and last the mask.
    pub operands: Vec<Value>,
    /// How many numbers it gives.
    pub results: u32,
}

/// Where a result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// An output or gradient column.
    Column(u32),
    /// A sum over the batch.
    Partial(u32),
}

/// A result of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// Where it goes.
    pub target: Target,
    /// The number.
    pub value: Value,
}

/// Which columns and parameters the program reads and writes, one per element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Columns {
    /// Input columns, cotangents and tangents behind them.
    pub inputs: u32,
    /// Parameter elements.
    pub params: u32,
    /// Output columns.
    pub outputs: u32,
    /// Columns behind those, whose products are summed over the batch.
    pub kept: u32,
    /// Sums over the batch.
    pub partials: u32,
}

/// A program over one group of rows. Loops are the instructions between two marks, and nest.
#[derive(Debug, Clone, Default)]
pub struct LaneProgram {
    /// The instructions in the order of execution; constants first.
    pub insts: EntityVec<Value, Inst>,
    /// The tables that look-ups refer to.
    pub tables: Vec<&'static [f64]>,
    /// The results that are not written in loops.
    pub stores: Vec<Store>,
    /// Those that are: where each begins, and how many elements it has.
    pub ranges: Vec<(Target, u32)>,
    /// The status word of each row (see [`nc_runtime::abi::Status`]), an integer; none if it is always 0.
    pub status: Option<Value>,
    /// What it reads and writes.
    pub columns: Columns,
    /// Sums over the batch that it leaves to the driver.
    pub products: Vec<Products>,
    /// Its loops.
    pub loops: EntityVec<LoopId, LaneLoop>,
    /// How many memory cells it uses.
    pub cells: u32,
    /// The first of two memory cells through which elements go that each row has at a place of its own, if any do.
    pub pad: Option<u32>,
    /// Whether it has loops over the elements of values that stand in memory.
    pub arrays: bool,
    /// Its calls.
    pub calls: EntityVec<CallId, LaneCall>,
    /// The functions that are called. They have operands and results instead of columns and stores.
    pub functions: Vec<LaneFunction>,
    /// How deep calls may be nested.
    pub max_depth: u64,
    /// What numbers are.
    pub precision: Precision,
}

/// A function of a [`LaneProgram`].
#[derive(Debug, Clone, Default)]
pub struct LaneFunction {
    /// Its instructions, loops and calls; its tables are those of the program.
    pub program: LaneProgram,
    /// What it gives.
    pub results: Vec<Value>,
}

impl LaneProgram {
    /// Whether it has loops that may run more than once.
    pub fn iterates(&self) -> bool {
        self.loops.values().any(|inner| !inner.once)
    }

    /// A constant number or integer as it fills 64 bits of a vector; `None` for other instructions.
    pub fn repeated(&self, inst: Inst) -> Option<u64> {
        match inst {
            Inst::F(bits) => Some(self.precision.repeated(bits)),
            Inst::I(value) => Some(self.precision.repeated(value.cast_unsigned())),
            _ => None,
        }
    }

    /// Calls `f` with each value that the instruction looks at; a loop's mark looks at what the loop needs there.
    pub fn for_each_use(&self, value: Value, mut f: impl FnMut(Value)) {
        match self.insts[value] {
            Inst::Loop(id) => self.loops[id].carried.iter().for_each(|c| f(c.first)),
            Inst::Test(id) => self.loops[id].conditions.iter().for_each(|c| c.values().for_each(&mut f)),
            Inst::End(id) => self.loops[id].carried.iter().for_each(|c| f(c.next)),
            Inst::Call(id) => {
                let call = &self.calls[id];
                call.operands.iter().chain([&call.active, &call.depth]).for_each(|&v| f(v));
            }
            inst => inst.for_each_operand(f),
        }
    }

    /// The number of which `value` is the form with canonical NaNs.
    pub(crate) fn canonicalised(&self, value: Value) -> Option<Value> {
        let Inst::Select(nan, canonical, number) = self.insts[value] else { return None };
        let is_canonical = self.insts[canonical] == Inst::F(self.precision.bits(f64::NAN));
        (is_canonical && self.insts[nan] == Inst::FCompare(FCompare::Ne, number, number)).then_some(number)
    }

    /// For each value where it is there for everything that follows: behind the outermost loop around it.
    pub fn settled(&self) -> EntityVec<Value, Value> {
        let mut settled = EntityVec::filled(Value::from_index(0), self.insts.len());
        let (mut depth, mut open) = (0, 0);
        for (value, &inst) in self.insts.iter() {
            if let Inst::Loop(_) = inst {
                if depth == 0 {
                    open = value.index();
                }
                depth += 1;
            }
            settled[value] = value;
            if let Inst::End(_) = inst {
                depth -= 1;
                if depth == 0 {
                    (open..value.index()).for_each(|k| settled[Value::from_index(k)] = value);
                }
            }
        }
        settled
    }
}

/// Where the elements of each input of a graph stand among the columns or parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The first column or parameter element of each input.
    pub inputs: Vec<u32>,
    columns: u32,
    params: u32,
}

impl Layout {
    /// Columns and parameters in the order of the inputs.
    ///
    /// # Panics
    ///
    /// If there are more of them than a verified graph has ([`MAX_COLUMNS`](crate::limits::MAX_COLUMNS)).
    pub fn of(graph: &Graph) -> Layout {
        let mut layout = Layout { inputs: Vec::new(), columns: 0, params: 0 };
        for input in &graph.inputs {
            let next = match input.source {
                Source::Shared => &mut layout.params,
                Source::Row
                | Source::Cotangent(_)
                | Source::Tangent { .. }
                | Source::State(_)
                | Source::Capture(_)
                | Source::Tape(_) => &mut layout.columns,
            };
            layout.inputs.push(*next);
            let len = u32::try_from(input.shape.len()).ok();
            *next = len.and_then(|len| next.checked_add(len)).expect("a verified graph has few columns");
        }
        layout
    }

    /// The numbers of columns together with those of the outputs.
    pub(crate) fn shape(&self, outputs: u32, kept: u32, partials: u32) -> Columns {
        Columns { inputs: self.columns, params: self.params, outputs, kept, partials }
    }
}

impl fmt::Display for LaneType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LaneType::F => "f",
            LaneType::M => "m",
            LaneType::I => "i",
            LaneType::S => "s",
            LaneType::Nothing => "nothing",
        })
    }
}
