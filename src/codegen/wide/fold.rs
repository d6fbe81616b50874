//! Which instructions of a lane program become part of others: what an instruction of the machine does beside its main
//! work.

use super::isa::{Isa, Signs};
use crate::codegen::pieces::Piece;
use crate::entity::{Entity, EntityVec};
use crate::lower::lanes::{FBinary, FCompare, FUnary, IBinary, Inst, LaneProgram, Value};

/// What a value is computed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The instruction as it stands.
    Plain,
    /// A fused multiplication and addition of numbers whose signs it flips.
    Fma(Signs, [Value; 3]),
    /// A comparison whose result is negated or not, for the rows of a mask.
    Compare { op: FCompare, negated: bool, operands: [Value; 2], within: Option<Value> },
    /// A number with canonical NaNs.
    Canonical(Value),
    /// The smaller or larger of two numbers as the processor has it: the first if it is, else the second.
    Extreme { larger: bool, operands: [Value; 2] },
    /// An operation of one or two numbers for the rows of a mask; elsewhere another number, or zero.
    Masked { mask: Value, of: Value, otherwise: Option<Value> },
    /// Any function of the bits of three values, by its truth table.
    Logic { table: u8, operands: [Value; 3] },
}

impl Shape {
    /// Calls `f` with each value that must be there.
    fn for_each(self, program: &LaneProgram, value: Value, mut f: impl FnMut(Value)) {
        match self {
            Shape::Plain => program.for_each_use(value, f),
            Shape::Fma(_, operands) | Shape::Logic { operands, .. } => operands.into_iter().for_each(f),
            Shape::Compare { operands, within, .. } => operands.into_iter().chain(within).for_each(f),
            Shape::Canonical(number) => f(number),
            Shape::Extreme { operands, .. } => operands.into_iter().for_each(f),
            Shape::Masked { mask, of, otherwise } => {
                [mask].into_iter().chain(otherwise).for_each(&mut f);
                program.for_each_use(of, f);
            }
        }
    }
}

/// How the values of a program are computed.
#[derive(Debug)]
pub(super) struct Folding {
    shapes: EntityVec<Value, Shape>,
    /// How often each value must be there for an instruction, a store or a test.
    uses: EntityVec<Value, u32>,
    /// The last instruction that needs each value.
    last: EntityVec<Value, usize>,
    /// Which loop and piece each instruction is in.
    place: EntityVec<Value, u32>,
    /// Whether there are far more additions than multiplications.
    additive: bool,
}

/// How many additions there are to a multiplication where they get units of their own.
const ADDITIVE: usize = 3;

/// How many additions that takes.
const MANY_ADDITIONS: usize = 32;

impl Folding {
    /// Looks at a program in pieces; `results` are needed at its end beside its stores.
    pub(super) fn of(program: &LaneProgram, pieces: &[Piece], results: &[Value], isa: Isa) -> Folding {
        let count = program.insts.len();
        let mut plain: EntityVec<Value, u32> = EntityVec::filled(0, count);
        for value in program.insts.keys() {
            program.for_each_use(value, |v| plain[v] += 1);
        }
        let stored = program.stores.iter().map(|store| store.value);
        let roots: Vec<Value> = stored.chain(program.status).chain(results.iter().copied()).collect();
        roots.iter().for_each(|&v| plain[v] += 1);
        let place = places(program, pieces);
        let finder = Finder { program, uses: &plain, place: &place, isa };
        let mut shapes = EntityVec::filled(Shape::Plain, count);
        let mut uses: EntityVec<Value, u32> = EntityVec::filled(0, count);
        let mut last = EntityVec::filled(0, count);
        roots.iter().for_each(|&v| (uses[v], last[v]) = (uses[v] + 1, count));
        for k in (0..count).rev() {
            let value = Value::from_index(k);
            let inst = program.insts[value];
            if uses[value] == 0 && !must_stand(inst) {
                continue;
            }
            let shape = finder.shape(value);
            shapes[value] = shape;
            shape.for_each(program, value, |v| {
                uses[v] += 1;
                last[v] = last[v].max(k);
            });
        }
        let (mut additions, mut others) = (0, 0);
        for value in program.insts.keys().filter(|&v| uses[v] > 0) {
            let inst = program.insts[value];
            if let Inst::FBinary(FBinary::Add | FBinary::Sub, ..) = inst {
                additions += 1;
            } else if let Inst::FBinary(..) | Inst::Fma(..) = inst {
                others += 1;
            }
        }
        let additive = additions >= MANY_ADDITIONS.max(ADDITIVE * others);
        Folding { shapes, uses, last, place, additive }
    }

    pub(super) fn shape(&self, value: Value) -> Shape {
        self.shapes[value]
    }

    /// Whether every second addition should be done by the units that multiply.
    pub(super) fn is_additive(&self) -> bool {
        self.additive
    }

    /// How often the value is needed.
    pub(super) fn uses(&self, value: Value) -> u32 {
        self.uses[value]
    }

    /// Whether an instruction is the last that needs a value, which nothing keeps alive for another iteration.
    pub(super) fn dies_at(&self, value: Value, at: Value) -> bool {
        self.last[value] == at.index() && self.place[value] == self.place[at]
    }
}

/// A number for the innermost loop, or the piece, that each instruction is in.
fn places(program: &LaneProgram, pieces: &[Piece]) -> EntityVec<Value, u32> {
    let mut places = EntityVec::filled(0, program.insts.len());
    let mut fresh = 0;
    let mut open = vec![0];
    for piece in pieces {
        fresh += 1;
        open.splice(.., [fresh]);
        for value in piece.insts.clone().map(Value::from_index) {
            if let Inst::Loop(_) = program.insts[value] {
                fresh += 1;
                open.push(fresh);
            }
            places[value] = *open.last().expect("an end stands in a loop");
            if let Inst::End(_) = program.insts[value] {
                open.pop();
            }
        }
    }
    places
}

/// Whether the instruction is there for what it does.
pub(super) fn must_stand(inst: Inst) -> bool {
    inst.writes()
        || matches!(inst, Inst::Loop(_) | Inst::Test(_) | Inst::End(_) | Inst::Call(_) | Inst::Phi(..))
}

struct Finder<'a> {
    program: &'a LaneProgram,
    uses: &'a EntityVec<Value, u32>,
    place: &'a EntityVec<Value, u32>,
    isa: Isa,
}

impl Finder<'_> {
    fn inst(&self, value: Value) -> Inst {
        self.program.insts[value]
    }

    /// Whether an operand's own instruction can be done at the place of the one that uses it: nothing else needs it, and
    /// both are in the same loop and piece.
    fn absorbs(&self, operand: Value, user: Value) -> bool {
        self.uses[operand] == 1 && self.place[operand] == self.place[user]
    }

    fn shape(&self, value: Value) -> Shape {
        match self.inst(value) {
            Inst::Fma(a, b, c) => {
                let ((a, flip_a), (b, flip_b), (c, addend)) =
                    (self.unsigned(a, value), self.unsigned(b, value), self.unsigned(c, value));
                Shape::Fma(Signs { product: flip_a != flip_b, addend }, [a, b, c])
            }
            Inst::FCompare(op, a, b) => Shape::Compare { op, negated: false, operands: [a, b], within: None },
            Inst::Not(mask) => {
                if let Inst::FCompare(op, a, b) = self.inst(mask)
                    && self.absorbs(mask, value)
                {
                    Shape::Compare { op, negated: true, operands: [a, b], within: None }
                } else {
                    Shape::Plain
                }
            }
            Inst::And(a, b) if self.isa.has_masks() => {
                let found = [(a, b), (b, a)].into_iter().find_map(|(compared, within)| {
                    let (op, negated, operands) = self.comparison(compared, value)?;
                    Some(Shape::Compare { op, negated, operands, within: Some(within) })
                });
                found.unwrap_or(Shape::Plain)
            }
            Inst::Select(mask, x, y) => {
                let canonical = self.program.canonicalised(value).map(Shape::Canonical);
                let extreme = || self.extreme(mask, x, y);
                canonical.or_else(extreme).or_else(|| self.masked(mask, x, y, value)).unwrap_or(Shape::Plain)
            }
            Inst::IBinary(op, a, b) if self.isa.has_masks() => {
                self.logic(op, a, b, value).unwrap_or(Shape::Plain)
            }
            Inst::F(_)
            | Inst::I(_)
            | Inst::M(_)
            | Inst::S(_)
            | Inst::Column(_)
            | Inst::Param(_)
            | Inst::ColumnAt(..)
            | Inst::ParamAt(..)
            | Inst::FUnary(..)
            | Inst::FBinary(..)
            | Inst::And(..)
            | Inst::Or(..)
            | Inst::IBinary(..)
            | Inst::Shl(..)
            | Inst::Shr(..)
            | Inst::IGt(..)
            | Inst::IEq(..)
            | Inst::Bits(_)
            | Inst::Float(_)
            | Inst::Lookup(..)
            | Inst::SBinary(..)
            | Inst::SSelect(..)
            | Inst::Load(..)
            | Inst::StoreCell(..)
            | Inst::Fetch(..)
            | Inst::Deposit(..)
            | Inst::StoreColumn(..)
            | Inst::AddPartial(..)
            | Inst::Phi(..)
            | Inst::Argument(..)
            | Inst::Call(_)
            | Inst::Returned(..)
            | Inst::Splat(_)
            | Inst::Loop(_)
            | Inst::Test(_)
            | Inst::End(_) => Shape::Plain,
        }
    }

    /// The value without a change of sign in front of it, and whether there was one.
    fn unsigned(&self, value: Value, user: Value) -> (Value, bool) {
        if let Inst::FUnary(FUnary::Neg, of) = self.inst(value)
            && self.place[value] == self.place[user]
        {
            (of, true)
        } else {
            (value, false)
        }
    }

    fn comparison(&self, mask: Value, user: Value) -> Option<(FCompare, bool, [Value; 2])> {
        if !self.absorbs(mask, user) {
            return None;
        }
        let (compared, negated) = match self.inst(mask) {
            Inst::Not(inner) if self.absorbs(inner, user) => (self.inst(inner), true),
            inst => (inst, false),
        };
        let Inst::FCompare(op, a, b) = compared else { return None };
        Some((op, negated, [a, b]))
    }

    /// A selection between the two numbers that its mask compares.
    fn extreme(&self, mask: Value, x: Value, y: Value) -> Option<Shape> {
        let Inst::FCompare(FCompare::Lt, a, b) = self.inst(mask) else { return None };
        match (x, y) {
            _ if (x, y) == (a, b) => Some(Shape::Extreme { larger: false, operands: [a, b] }),
            _ if (x, y) == (b, a) => Some(Shape::Extreme { larger: true, operands: [b, a] }),
            _ => None,
        }
    }

    /// A selection whose first choice is an operation that nothing else needs.
    fn masked(&self, mask: Value, x: Value, y: Value, value: Value) -> Option<Shape> {
        let fits = matches!(self.inst(x), Inst::FBinary(..) | Inst::FUnary(FUnary::Sqrt, _));
        if !self.isa.has_masks() || !fits || !self.absorbs(x, value) {
            return None;
        }
        let otherwise = (self.inst(y) != Inst::F(0)).then_some(y);
        Some(Shape::Masked { mask, of: x, otherwise })
    }

    /// Two operations on bits at once.
    fn logic(&self, op: IBinary, a: Value, b: Value, value: Value) -> Option<Shape> {
        let outer = bitwise(op)?;
        [(a, b), (b, a)].into_iter().find_map(|(inner, third)| {
            let Inst::IBinary(op, x, y) = self.inst(inner) else { return None };
            let inner_op = bitwise(op).filter(|_| self.absorbs(inner, value))?;
            // The columns of the truth table are those of the three operands.
            let table = outer(inner_op(0xf0, 0xcc), 0xaa);
            Some(Shape::Logic { table, operands: [x, y, third] })
        })
    }
}

fn bitwise(op: IBinary) -> Option<fn(u8, u8) -> u8> {
    match op {
        IBinary::And => Some(|a, b| a & b),
        IBinary::Or => Some(|a, b| a | b),
        IBinary::Xor => Some(|a, b| a ^ b),
        IBinary::Add | IBinary::Sub => None,
    }
}
