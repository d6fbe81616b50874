//! Ranges of the integers that are the same for all rows: counters of loops, and places in memory made from them.
//!
//! An abstract interpretation over intervals. A value has the interval of its operation; a phi of a loop has what its
//! first and next values have. Where a phi grows by a constant in each iteration, the number of iterations, which a
//! condition of the loop bounds, says how far. Otherwise intervals grow until they are stable, in few steps: from one
//! constant that something is compared with to the next (*widening*; P. Cousot and R. Cousot, *Abstract interpretation*, POPL 1977).
//! Behind the test of its loop a phi has the smaller range for which the conditions hold.

use std::collections::HashMap;

use super::lanes::{Condition, Inst, LaneProgram, LaneType, LoopId, SBinary, Value};
use crate::entity::EntityVec;

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Range {
    const ALL: Range = Range { least: 0, most: u64::MAX };

    fn of(value: u64) -> Range {
        Range { least: value, most: value }
    }

    fn join(self, other: Range) -> Range {
        Range { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    fn is_constant(self) -> Option<u64> {
        (self.least == self.most).then_some(self.least)
    }
}

/// How a loop changes one of its phis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// By adding a constant.
    Up(u64),
    /// By subtracting 1.
    Down,
    /// In another way.
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Phi {
    inside: LoopId,
    first: Value,
    next: Value,
    step: Step,
}

/// The ranges of all uniform integers of a program.
pub(super) struct Ranges<'a> {
    program: &'a LaneProgram,
    /// Those that are known already; none for values of other types.
    known: EntityVec<Value, Option<Range>>,
    phis: HashMap<Value, Phi>,
    /// Where the test of each loop stands, and its end.
    tests: EntityVec<LoopId, Option<(Value, Value)>>,
    /// Where intervals may end that grow.
    stops: Vec<u64>,
}

/// How often the interval of a phi may grow before it is widened. From then on it grows from stop to stop, of which there are few.
const PATIENCE: usize = 4;

impl<'a> Ranges<'a> {
    /// The ranges in a program whose operands and loops are in order. `depth` is how deep calls may be nested.
    pub(super) fn of(program: &'a LaneProgram, depth: u64) -> Ranges<'a> {
        let mut ranges = Ranges {
            program,
            known: EntityVec::filled(None, program.insts.len()),
            phis: HashMap::new(),
            tests: EntityVec::filled(None, program.loops.len()),
            stops: Vec::new(),
        };
        let uniform: Vec<Value> =
            program.insts.iter().filter(|(_, inst)| inst.ty() == LaneType::S).map(|(v, _)| v).collect();
        ranges.loops();
        ranges.stops = ranges.compared(&uniform);
        ranges.stops.push(u64::MAX);
        ranges.stops.sort_unstable();
        ranges.stops.dedup();
        let mut growths: EntityVec<Value, usize> = EntityVec::filled(0, program.insts.len());
        let mut changed = true;
        while changed {
            changed = false;
            for &value in &uniform {
                let before = ranges.known[value];
                let after = ranges.evaluate(value, depth, growths[value] >= PATIENCE);
                ranges.known[value] = after;
                if before != after {
                    growths[value] += 1;
                    changed = true;
                }
            }
        }
        ranges
    }

    /// The range of a value where the instruction `user` uses it.
    pub(super) fn at(&self, value: Value, user: Value) -> Option<Range> {
        let range = self.known[value]?;
        let Some(phi) = self.phis.get(&value) else { return Some(range) };
        match self.tests[phi.inside] {
            Some((test, end)) if user > test && user < end => Some(self.inside(value, phi, range)),
            _ => Some(range),
        }
    }

    /// The range of a value that a loop looks at as it begins, or in its test.
    fn outside(&self, value: Value, id: LoopId) -> Option<Range> {
        let (test, _) = self.tests[id]?;
        self.at(value, test)
    }

    fn loops(&mut self) {
        let program = self.program;
        for (value, &inst) in program.insts.iter() {
            match inst {
                Inst::Test(id) => self.tests[id] = Some((value, value)),
                Inst::End(id) => {
                    if let Some((_, end)) = &mut self.tests[id] {
                        *end = value;
                    }
                }
                _ => {}
            }
        }
        for (id, inner) in program.loops.iter() {
            for carried in &inner.carried {
                if program.insts[carried.phi].ty() == LaneType::S {
                    let step = self.step(carried.phi, carried.next);
                    let phi = Phi { inside: id, first: carried.first, next: carried.next, step };
                    self.phis.insert(carried.phi, phi);
                }
            }
        }
    }

    /// Constants at which something ends, and what is one less: those of comparisons and conditions. Places in memory, of which large
    /// programs have thousands, are none.
    fn compared(&self, uniform: &[Value]) -> Vec<u64> {
        let program = self.program;
        let operands = uniform.iter().filter_map(|&value| match program.insts[value] {
            Inst::SBinary(SBinary::Eq | SBinary::Min | SBinary::And, a, b) => Some([a, b]),
            _ => None,
        });
        // Loops that were not kept have no test.
        let kept = program.loops.iter().filter(|&(id, _)| self.tests[id].is_some());
        let conditions =
            kept.flat_map(|(_, inner)| &inner.conditions).filter_map(|condition| match *condition {
                Condition::Below(a, b) => Some([a, b]),
                Condition::Any(_) => None,
            });
        let constants =
            operands.chain(conditions).flatten().filter_map(|operand| match program.insts[operand] {
                Inst::S(constant) => Some(constant),
                _ => None,
            });
        constants.flat_map(|constant| [constant, constant.saturating_sub(1)]).collect()
    }

    fn step(&self, phi: Value, next: Value) -> Step {
        let constant = |v: Value| match self.program.insts[v] {
            Inst::S(constant) => Some(constant),
            _ => None,
        };
        match self.program.insts[next] {
            Inst::SBinary(SBinary::Add, a, b) if a == phi => constant(b).map_or(Step::Other, Step::Up),
            Inst::SBinary(SBinary::Add, a, b) if b == phi => constant(a).map_or(Step::Other, Step::Up),
            Inst::SBinary(SBinary::Sub, a, b) if a == phi && constant(b) == Some(1) => Step::Down,
            _ => Step::Other,
        }
    }

    /// How many iterations a loop has at the most, as far as its conditions tell.
    fn iterations(&self, id: LoopId) -> Option<u64> {
        let inner = &self.program.loops[id];
        let bounds = inner.conditions.iter().filter_map(|condition| {
            let Condition::Below(a, b) = *condition else { return None };
            let counter = self.phis.get(&a).filter(|phi| phi.inside == id);
            let countdown = self.phis.get(&b).filter(|phi| phi.inside == id);
            match (counter.map(|phi| (phi.step, phi.first)), countdown.map(|phi| (phi.step, phi.first))) {
                (Some((Step::Up(step @ 1..), first)), None) => {
                    let (first, end) = (self.outside(first, id)?, self.outside(b, id)?);
                    Some(end.most.saturating_sub(first.least).div_ceil(step))
                }
                (None, Some((Step::Down, first))) => {
                    let (end, first) = (self.outside(a, id)?, self.outside(first, id)?);
                    Some(first.most.saturating_sub(end.least))
                }
                _ => None,
            }
        });
        bounds.min()
    }

    /// The range of a phi that its loop's iterations bound, where the conditions have not been looked at yet and where
    /// they hold.
    fn counted(&self, phi: &Phi) -> Option<[Range; 2]> {
        let first = self.outside(phi.first, phi.inside)?;
        match phi.step {
            Step::Up(step) => {
                let iterations = self.iterations(phi.inside)?;
                let most = |n: u64| first.most.checked_add(step.checked_mul(n)?);
                let before = Range { least: first.least, most: most(iterations)? };
                Some([before, Range { most: most(iterations.saturating_sub(1))?, ..before }])
            }
            Step::Down => {
                // It stops above what it is compared with.
                let end = self.program.loops[phi.inside].conditions.iter().find_map(|condition| {
                    let Condition::Below(a, b) = *condition else { return None };
                    self.phis.get(&b).filter(|other| other.next == phi.next)?;
                    self.outside(a, phi.inside)
                })?;
                let most = first.most.max(end.least);
                let before = Range { least: first.least.min(end.least), most };
                Some([before, Range { least: end.least.saturating_add(1), most }])
            }
            Step::Other => None,
        }
    }

    /// The range of a phi in its loop behind the test.
    fn inside(&self, value: Value, phi: &Phi, range: Range) -> Range {
        let mut range = match self.counted(phi) {
            Some([_, inside]) => {
                Range { least: range.least.max(inside.least), most: range.most.min(inside.most) }
            }
            None => range,
        };
        for condition in &self.program.loops[phi.inside].conditions {
            if let Condition::Below(a, b) = *condition {
                if a == value
                    && let Some(end) = self.outside(b, phi.inside)
                {
                    range.most = range.most.min(end.most.saturating_sub(1));
                }
                if b == value
                    && let Some(end) = self.outside(a, phi.inside)
                {
                    range.least = range.least.max(end.least.saturating_add(1));
                }
            }
        }
        range
    }

    /// The interval of a value from those of its operands, as far as they are known, widened if that is said.
    fn evaluate(&self, value: Value, depth: u64, widened: bool) -> Option<Range> {
        let at = |operand: Value| self.at(operand, value);
        match self.program.insts[value] {
            Inst::S(constant) => Some(Range::of(constant)),
            // The only one is how many calls may still be nested.
            Inst::Argument(..) => Some(Range { least: 0, most: depth }),
            Inst::SBinary(op, a, b) => Some(binary(op, at(a)?, at(b)?)),
            Inst::SSelect(condition, a, b) => self.choice(value, condition, a, b),
            Inst::Phi(..) => {
                let Some(phi) = self.phis.get(&value) else { return Some(Range::ALL) };
                if let Some([before, _]) = self.counted(phi) {
                    return Some(before);
                }
                let end = self.tests[phi.inside].map_or(value, |(_, end)| end);
                let first = self.outside(phi.first, phi.inside)?;
                let joined = self.at(phi.next, end).map_or(first, |next| first.join(next));
                let Some(before) = self.known[value] else { return Some(joined) };
                let joined = before.join(joined);
                if joined == before || !widened {
                    return Some(joined);
                }
                let least = if joined.least < before.least { 0 } else { before.least };
                let stop = self.stops.partition_point(|&stop| stop < joined.most);
                Some(Range { least, most: self.stops.get(stop).copied().unwrap_or(u64::MAX) })
            }
            // Uniform integers come from nothing else.
            _ => Some(Range::ALL),
        }
    }

    /// Either of two values. Where the condition compares one of them with a constant that is the end of its range, the
    /// other choice is below.
    fn choice(&self, user: Value, condition: Value, a: Value, b: Value) -> Option<Range> {
        let condition_range = self.at(condition, user)?;
        let (mut taken, mut other) = (self.at(a, user), self.at(b, user));
        if let Inst::SBinary(SBinary::Eq, x, y) = self.program.insts[condition] {
            for (x, y) in [(x, y), (y, x)] {
                let Some(constant) = self.at(y, user).and_then(Range::is_constant) else { continue };
                if x == b
                    && let Some(range) = &mut other
                    && range.most == constant
                    && constant > range.least
                {
                    range.most -= 1;
                }
                if x == a && taken.is_some() {
                    taken = Some(Range::of(constant));
                }
            }
        }
        match condition_range.is_constant() {
            Some(0) => other,
            Some(_) => taken,
            None if condition_range.least > 0 => taken,
            None => match (taken, other) {
                (Some(taken), Some(other)) => Some(taken.join(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

fn binary(op: SBinary, a: Range, b: Range) -> Range {
    let checked = |least: Option<u64>, most: Option<u64>| match (least, most) {
        (Some(least), Some(most)) => Range { least, most },
        _ => Range::ALL,
    };
    match op {
        SBinary::Add => checked(a.least.checked_add(b.least), a.most.checked_add(b.most)),
        SBinary::Sub => checked(a.least.checked_sub(b.most), a.most.checked_sub(b.least)),
        SBinary::Mul => checked(a.least.checked_mul(b.least), a.most.checked_mul(b.most)),
        SBinary::And => Range { least: 0, most: a.most.min(b.most) },
        SBinary::Shl => {
            let shifted = |a: u64, by: u64| (by < 64 && a <= u64::MAX >> by).then(|| a << by);
            checked(shifted(a.least, b.least), shifted(a.most, b.most))
        }
        SBinary::Min => Range { least: a.least.min(b.least), most: a.most.min(b.most) },
        SBinary::Eq => match (a.is_constant(), b.is_constant()) {
            (Some(a), Some(b)) => Range::of(u64::from(a == b)),
            _ if a.most < b.least || b.most < a.least => Range::of(0),
            _ => Range { least: 0, most: 1 },
        },
    }
}

/// The largest value, if it is known to be in a range that ends.
pub(super) fn last(range: Option<Range>) -> Option<u64> {
    range.filter(|range| range.most < u64::MAX).map(|range| range.most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A range of results has all of them, and ends where the largest operands are known not to overflow.
    #[test]
    fn ranges_of_operations() {
        let range = |least, most| Range { least, most };
        for (op, a, b, expected) in [
            (SBinary::Add, range(1, 2), range(10, 20), range(11, 22)),
            (SBinary::Add, range(1, 2), range(0, u64::MAX), Range::ALL),
            (SBinary::Sub, range(10, 20), range(1, 2), range(8, 19)),
            (SBinary::Sub, range(1, 20), range(1, 2), Range::ALL),
            (SBinary::Mul, range(2, 3), range(5, 7), range(10, 21)),
            (SBinary::Mul, range(2, 3), range(5, u64::MAX), Range::ALL),
            (SBinary::And, range(9, 20), range(3, 7), range(0, 7)),
            (SBinary::Shl, range(1, 3), range(2, 4), range(4, 48)),
            (SBinary::Shl, range(0, 1), range(63, 63), range(0, 1 << 63)),
            (SBinary::Shl, range(0, 2), range(63, 63), Range::ALL),
            // Machine code shifts by the low six bits.
            (SBinary::Shl, range(0, 1), range(64, 64), Range::ALL),
            (SBinary::Shl, range(0, 0), range(0, 64), Range::ALL),
            (SBinary::Min, range(1, 9), range(3, 5), range(1, 5)),
            (SBinary::Eq, range(4, 4), range(4, 4), Range::of(1)),
            (SBinary::Eq, range(4, 4), range(5, 5), Range::of(0)),
            (SBinary::Eq, range(1, 4), range(5, 9), Range::of(0)),
            (SBinary::Eq, range(5, 9), range(1, 4), Range::of(0)),
            (SBinary::Eq, range(1, 5), range(5, 9), range(0, 1)),
        ] {
            assert_eq!(binary(op, a, b), expected, "{op:?} {a:?} {b:?}");
        }
    }
}
