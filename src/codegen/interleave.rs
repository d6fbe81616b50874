//! How many lane groups an iteration should work on side by side.
//!
//! A processor overlaps iterations as far as its reorder window reaches. Where a chain of dependencies is longer than
//! that, several groups in one iteration keep it busy; and where an iteration is only a few instructions, several
//! groups share the loop's own. Both only as far as there are registers.

use super::layout::Resources;
use super::pieces::is_leaf;
use crate::entity::{Entity, EntityVec};
use crate::lower::TAPE_CELL_BYTES as CELL_BYTES;
use crate::lower::lanes::{FBinary, FUnary, Inst, LaneProgram, Value};

/// Instructions that the reorder window holds.
const WINDOW: f64 = 250.0;
/// Cycles that an iteration takes for itself.
const LOOP: f64 = 1.5;
/// How much of the time several groups have to save before their longer code is worth it.
const WORTHWHILE: f64 = 0.95;

/// Longer iterations are not made longer still: they would take long to compile.
const MANY_INSTRUCTIONS: usize = 500;

/// The same where all values of an iteration stay in registers.
const MANY_WITHOUT_SPILLS: usize = 2200;

/// Values that an iteration hands to the next for a single group, at the most, where two groups share it.
const MANY_CARRIED: usize = 12;

/// Programs with loops are not doubled beyond so many instructions.
const MANY_LOOP_INSTRUCTIONS: usize = 3000;

/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// More columns than the processor prefetches at the same time.
const MANY_COLUMNS: u32 = 24;

/// Latency in cycles, roughly: what matters is that divisions are long and logic is short.
fn latency(inst: Inst) -> u32 {
    match inst {
        Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::S(_) | Inst::Bits(_) | Inst::Float(_) => 0,
        Inst::StoreColumn(..) | Inst::AddPartial(..) => 0,
        Inst::Argument(..) | Inst::Call(_) | Inst::Returned(..) | Inst::Splat(_) => 5,
        Inst::Phi(..) | Inst::StoreCell(..) | Inst::Loop(_) | Inst::Test(_) | Inst::End(_) => 0,
        Inst::Column(_) | Inst::Param(_) | Inst::Load(..) | Inst::ColumnAt(..) | Inst::ParamAt(..) => 5,
        Inst::FUnary(FUnary::Sqrt, _) => 20,
        Inst::FBinary(FBinary::Div, ..) => 13,
        Inst::FBinary(..) | Inst::Fma(..) | Inst::FUnary(..) => 4,
        Inst::Lookup(..) => 10,
        Inst::Fetch(..) | Inst::Deposit(..) => 20,
        Inst::FCompare(..)
        | Inst::Select(..)
        | Inst::And(..)
        | Inst::Or(..)
        | Inst::Not(_)
        | Inst::IBinary(..)
        | Inst::Shl(..)
        | Inst::Shr(..)
        | Inst::IGt(..)
        | Inst::SBinary(..)
        | Inst::SSelect(..)
        | Inst::IEq(..) => 1,
    }
}

/// How many cycles the instruction keeps its unit busy, where a vector instruction takes `each`.
fn occupancy(inst: Inst, each: f64) -> f64 {
    if let Inst::FUnary(FUnary::Sqrt, _) = inst {
        18.0 * each
    } else if let Inst::FBinary(FBinary::Div, ..) = inst {
        10.0 * each
    } else {
        each
    }
}

/// How an iteration uses the registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interleave {
    /// Lane groups side by side: 1, 2, 4 or 8.
    pub groups: usize,
    /// Registers that are never needed for values, and may hold constants.
    pub spare: usize,
}

/// The choice for a program that is compiled in one piece.
pub fn choose(program: &LaneProgram, resources: &Resources) -> Interleave {
    let registers = resources.registers;
    // Lane groups whose cells side by side take as much as memory was counted for.
    let most = if program.cells > 0 { CELL_BYTES / resources.vector_bytes } else { resources.most_groups };
    let mut ready: EntityVec<Value, u32> = EntityVec::filled(0, program.insts.len());
    let mut last_use: EntityVec<Value, usize> = EntityVec::filled(0, program.insts.len());
    let (mut count, mut busy, mut depth) = (program.stores.len(), 0.0, 0);
    for (value, &inst) in program.insts.iter() {
        let mut start = 0;
        program.for_each_use(value, |v| {
            start = start.max(ready[v]);
            last_use[v] = last_use[v].max(value.index());
        });
        ready[value] = start + latency(inst);
        depth = depth.max(ready[value]);
        if !inst.is_constant() {
            count += 1;
            busy += occupancy(inst, resources.cycles);
        }
    }
    for store in &program.stores {
        last_use[store.value] = program.insts.len();
    }
    let pressure = max_live(program, &last_use).max(1);
    if program.arrays || !program.functions.is_empty() {
        // Loops over elements keep the processor busy, and twice the memory would not stay in the cache. Functions work on
        // one group.
        return Interleave { groups: 1, spare: 0 };
    }
    if program.iterates() {
        // An iteration waits for the one before, whatever the window. Waiting costs more than spilling, but for what
        // every iteration hands to the next.
        let carried = program.loops.values().map(|l| l.carried.len()).max().unwrap_or(0);
        let groups =
            match (4 * pressure <= registers, carried <= MANY_CARRIED && count <= MANY_LOOP_INSTRUCTIONS) {
                (true, _) => 4,
                (false, true) => 2,
                (false, false) => 1,
            };
        return Interleave { groups: groups.min(most), spare: 0 };
    }
    // With many columns, memory is what counts: whole cache lines of each at a time.
    if program.columns.inputs + program.columns.outputs > MANY_COLUMNS {
        let groups = (CACHE_LINE * 2 / resources.vector_bytes).min(2);
        return Interleave { groups: if count <= MANY_INSTRUCTIONS { groups } else { 1 }, spare: 0 };
    }
    // Cycles per group, as far as they can be told: of the vector units, of waiting, of access to memory.
    let cycles = |groups: usize| {
        let each = groups as f64;
        let in_flight = each.max(WINDOW / count.max(1) as f64);
        let waiting = f64::from(depth) / in_flight;
        let spilled = (groups * pressure).saturating_sub(registers) as f64 * resources.spill / each;
        busy.max(waiting).max(spilled) + LOOP / each
    };
    let mut groups = 1;
    for more in [2, 4, 8] {
        let fits = more * pressure <= registers;
        if !fits && more > 2 {
            break;
        }
        let size = if fits { MANY_WITHOUT_SPILLS } else { MANY_INSTRUCTIONS };
        if more <= most && more * count <= size && cycles(more) < cycles(groups) * WORTHWHILE {
            groups = more;
        }
    }
    Interleave { groups, spare: registers.saturating_sub(groups * pressure) }
}

/// The largest number of values that are alive at the same time. Constants and columns are loaded where they are
/// used.
fn max_live(program: &LaneProgram, last_use: &EntityVec<Value, usize>) -> usize {
    let count = program.insts.len();
    let mut ends = vec![0; count + 1];
    let mut started: EntityVec<Value, bool> = EntityVec::filled(false, count);
    let (mut live, mut most) = (0usize, 0);
    for (value, inst) in program.insts.iter() {
        live -= ends[value.index()];
        let mut start = |v: Value, here: usize| {
            if !program.insts[v].is_constant() && !std::mem::replace(&mut started[v], true) {
                live += 1;
                ends[last_use[v].clamp(here + 1, count)] += 1;
            }
        };
        inst.for_each_operand(|v| start(v, value.index()));
        if !is_leaf(*inst) {
            start(value, value.index());
        }
        most = most.max(live);
    }
    most
}
