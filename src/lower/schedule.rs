//! The order of instructions: those that free registers run as soon as they can.
//!
//! Derivatives come with all products of a sum first and the sum behind them, which keeps every product in a register, or
//! rather in memory, for long. Bits do not depend on the order.

use super::lanes::{Inst, LaneProgram, LaneType, Value};
use crate::chaos;
use crate::entity::{Entity, EntityVec};

/// Puts instructions in another order, within the straight parts of the program. `results` are needed at its end beside
/// what is stored.
pub(super) fn schedule(program: &LaneProgram, order: Vec<Value>, results: &[Value]) -> Vec<Value> {
    if chaos::choose("order", false, &[true]) {
        return order;
    }
    let count = program.insts.len();
    let mut uses = Uses { left: EntityVec::filled(0, count), users: EntityVec::filled(0, count) };
    for &value in &order {
        program.for_each_use(value, |v| uses.add(v, value.index()));
    }
    let kept = program.stores.iter().map(|s| s.value).chain(program.status).chain(results.iter().copied());
    // No instruction is the last to need what is needed at the end.
    kept.for_each(|v| uses.add(v, 0));
    let mut scheduler = Scheduler {
        program,
        uses,
        missing: EntityVec::filled(u32::MAX, count),
        done: EntityVec::filled(false, count),
        order: Vec::with_capacity(order.len()),
    };
    for part in order.split_inclusive(|&v| divides(program.insts[v])) {
        scheduler.part(part);
    }
    scheduler.order
}

/// Whether instructions do not move across this one.
fn divides(inst: Inst) -> bool {
    matches!(
        inst,
        Inst::Loop(_)
            | Inst::Test(_)
            | Inst::End(_)
            | Inst::Call(_)
            | Inst::Phi(..)
            | Inst::Argument(..)
            | Inst::Returned(..)
    )
}

/// Whether the instruction has its place among accesses to memory.
fn stays(inst: Inst) -> bool {
    divides(inst) || inst.writes() || matches!(inst, Inst::Load(..) | Inst::ColumnAt(..) | Inst::ParamAt(..))
}

/// How often each value is still to be used, and by what.
struct Uses {
    left: EntityVec<Value, u32>,
    /// For each value the exclusive or of the numbers of the instructions that still use it: the number of the last user, once one is left.
    users: EntityVec<Value, usize>,
}

impl Uses {
    fn add(&mut self, value: Value, user: usize) {
        self.left[value] += 1;
        self.users[value] ^= user;
    }

    /// One use has taken place. Tells the instruction that is the only one left to use the value.
    fn take(&mut self, value: Value, user: usize) -> Option<Value> {
        self.left[value] -= 1;
        self.users[value] ^= user;
        (self.left[value] == 1).then(|| Value::from_index(self.users[value]))
    }
}

struct Scheduler<'a> {
    program: &'a LaneProgram,
    uses: Uses,
    /// How many operands of an instruction of the part at hand have not been computed.
    missing: EntityVec<Value, u32>,
    done: EntityVec<Value, bool>,
    order: Vec<Value>,
}

impl Scheduler<'_> {
    fn part(&mut self, part: &[Value]) {
        let program = self.program;
        let mut users: Vec<(Value, Value)> = Vec::new();
        for &value in part {
            let mut missing = 0;
            program.insts[value].for_each_operand(|v| {
                // Operands of earlier parts are there; those of this one have been counted before their users.
                if self.missing[v] != u32::MAX && !self.done[v] {
                    missing += 1;
                    users.push((v, value));
                }
            });
            self.missing[value] = missing;
        }
        users.sort_unstable();
        for &value in part {
            let mut next = vec![value];
            while let Some(value) = next.pop() {
                if !self.done[value] {
                    self.run(value, &users, &mut next);
                }
            }
        }
    }

    /// Takes an instruction. `next` gets those that are now worth taking at once.
    fn run(&mut self, value: Value, users: &[(Value, Value)], next: &mut Vec<Value>) {
        let program = self.program;
        self.done[value] = true;
        self.order.push(value);
        let mut candidates = Vec::new();
        program.for_each_use(value, |v| candidates.extend(self.uses.take(v, value.index())));
        let first = users.partition_point(|&(v, _)| v < value);
        for &(v, user) in &users[first..] {
            if v != value {
                break;
            }
            self.missing[user] -= 1;
            candidates.push(user);
        }
        for candidate in candidates.into_iter().filter(|&c| !self.done[c]) {
            match self.missing[candidate] {
                0 if self.dying(candidate) >= 2 => next.push(candidate),
                // The beginning of a sum: its other operand waits for nothing and is for this instruction alone.
                1 if self.dying(candidate) >= 1 => {
                    let mut other = None;
                    let known = |v: Value| self.done[v] || self.missing[v] == u32::MAX;
                    program.insts[candidate].for_each_operand(|v| other = other.or((!known(v)).then_some(v)));
                    if let Some(other) = other.filter(|&v| self.missing[v] == 0 && self.uses.left[v] == 1)
                        && !stays(program.insts[other])
                    {
                        next.extend([candidate, other]);
                    }
                }
                _ => {}
            }
        }
    }

    /// How many values an instruction that may move is the last to need.
    fn dying(&self, value: Value) -> usize {
        let inst = self.program.insts[value];
        if stays(inst) {
            return 0;
        }
        let mut operands: Vec<Value> = Vec::new();
        inst.for_each_operand(|v| operands.push(v));
        let dies = |&v: &Value| {
            let here = operands.iter().filter(|&&w| w == v).count() as u32;
            let inst = self.program.insts[v];
            self.done[v] && self.uses.left[v] == here && !is_leaf(inst) && inst.ty() != LaneType::S
        };
        let mut dead: Vec<Value> = operands.iter().copied().filter(dies).collect();
        dead.sort_unstable();
        dead.dedup();
        dead.len()
    }
}

/// Whether a value takes no register between its uses.
fn is_leaf(inst: Inst) -> bool {
    inst.is_constant() || matches!(inst, Inst::Column(_) | Inst::Param(_))
}
