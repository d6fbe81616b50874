//! The lane program: SSA over numbers, masks and integers of one group of rows. It is all that code generation sees.

use std::fmt;

use crate::entity::{EntityVec, entity};
use crate::graph::{Graph, Source};

entity!(
    /// A value of a [`LaneProgram`].
    Value, "v");

/// What a lane of a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LaneType {
    /// A binary64 number.
    F,
    /// A truth value.
    M,
    /// A 64-bit integer.
    I,
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

/// A constant table of numbers, by its position in [`LaneProgram::tables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableId(pub u32);

/// An instruction. Operands come before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inst {
    /// A number, by its bits.
    F(u64),
    /// An integer.
    I(i64),
    /// A truth value.
    M(bool),
    /// The rows' numbers in an input column.
    Column(u32),
    /// An element of the parameters.
    Param(u32),
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
}

impl Inst {
    /// What the result holds.
    pub fn ty(self) -> LaneType {
        match self {
            Inst::F(_)
            | Inst::Column(_)
            | Inst::Param(_)
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
            Inst::I(_) | Inst::IBinary(..) | Inst::Shl(..) | Inst::Shr(..) | Inst::Bits(_) => LaneType::I,
        }
    }

    /// The types that the operands must have.
    pub fn operand_types(self) -> &'static [LaneType] {
        use LaneType::{F, I, M};
        match self {
            Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::Column(_) | Inst::Param(_) => &[],
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
            Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::Column(_) | Inst::Param(_) => self,
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
        matches!(self, Inst::F(_) | Inst::I(_) | Inst::M(_))
    }
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
    /// Sums over the batch.
    pub partials: u32,
}

/// A straight-line program over one group of rows. Structured loops and `if any lane` take their place as further
/// kinds of instruction whose bodies are ranges of values.
#[derive(Debug, Clone, Default)]
pub struct LaneProgram {
    /// The instructions in the order of execution; constants first.
    pub insts: EntityVec<Value, Inst>,
    /// The tables that look-ups refer to.
    pub tables: Vec<&'static [f64]>,
    /// The results.
    pub stores: Vec<Store>,
    /// The status word of each row (see [`nc_runtime::abi::Status`]), an integer; none if it is always 0.
    pub status: Option<Value>,
    /// What it reads and writes.
    pub columns: Columns,
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
            *next += input.shape.len() as u32;
        }
        layout
    }

    /// The numbers of columns together with those of the outputs.
    pub(crate) fn shape(&self, outputs: u32, partials: u32) -> Columns {
        Columns { inputs: self.columns, params: self.params, outputs, partials }
    }
}

impl fmt::Display for LaneType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LaneType::F => "f",
            LaneType::M => "m",
            LaneType::I => "i",
        })
    }
}
