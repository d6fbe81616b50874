//! How a lane program is laid out as code: in which pieces, how many lane groups side by side, what stays in registers and
//! what in scratch memory.

use nc_runtime::lanes::Precision;

use super::interleave::{self, Interleave};
use super::pieces::{self, Pieces, store_piece};
use crate::chaos;
use crate::entity::{Entity, EntityVec};
use crate::lower::lanes::{Inst, LaneProgram, Store, Target, Value};

/// What a code generator has to lay programs out for.
#[derive(Debug, Clone, Copy)]
pub struct Resources {
    /// Bytes of a vector.
    pub vector_bytes: usize,
    /// Vector registers that values of several groups may take.
    pub registers: usize,
    /// Lane groups that an iteration may work on.
    pub most_groups: usize,
    /// Cycles between the starts of two vector instructions.
    pub cycles: f64,
    /// Cycles that keeping a value in memory instead of a register costs.
    pub spill: f64,
    /// Programs with more instructions than this are compiled in pieces. A register allocator's time grows faster than the
    /// number of values that are alive together.
    pub whole_size: usize,
    /// The same for programs with loops, whose code runs more often than once.
    pub whole_loops: usize,
    /// Instructions of a piece.
    pub piece_size: usize,
    /// Whether NaNs of so many groups side by side are looked for together.
    pub nan_branch_groups: Option<usize>,
}

impl Resources {
    /// These resources, or others that a program can be laid out for as well.
    pub fn perturbed(self) -> Resources {
        Resources {
            registers: chaos::choose("registers", self.registers, &[2, 6]),
            most_groups: chaos::choose("groups", self.most_groups, &[1, 2]),
            cycles: chaos::choose("cycles", self.cycles, &[0.01, 20.0]),
            spill: chaos::choose("spill", self.spill, &[0.0, 1e6]),
            whole_size: chaos::choose("whole size", self.whole_size, &[0, 40]),
            whole_loops: chaos::choose("whole loops", self.whole_loops, &[0, 40]),
            piece_size: chaos::choose("piece size", self.piece_size, &[50, 200]),
            ..self
        }
    }

    /// Rows of a lane group.
    pub fn lanes(&self, precision: Precision) -> usize {
        self.vector_bytes / precision.bytes()
    }
}

/// Scratch memory of a program in pieces: so much that it stays in the second-level cache.
const SCRATCH_BYTES: usize = 256 << 10;

/// A kernel with so much stack beside its own frames meets what runs on top of them: functions of the runtime that it calls,
/// and handlers of signals.
const STACK_SPARE: usize = 256 << 10;

/// Kernels whose frame is at most so large run on whatever stack there is, like any other function. Larger frames, and
/// calls within the program, get a stack of known size.
const ORDINARY_FRAME: usize = 16 << 10;

/// The stack that a program's code needs in bytes, 0 for what any function may take. `entry` is the largest frame of its
/// pieces and `callee` the largest of its functions, return addresses included; calls may be nested as deep as the limit
/// says.
pub fn stack_bytes(program: &LaneProgram, entry: usize, callee: usize) -> usize {
    if program.functions.is_empty() && entry <= ORDINARY_FRAME {
        return 0;
    }
    let calls = match program.functions.is_empty() {
        true => 0,
        false => usize::try_from(program.max_depth).unwrap_or(usize::MAX).saturating_add(1),
    };
    calls.saturating_mul(callee).saturating_add(entry).saturating_add(STACK_SPARE)
}

/// How a program is laid out as code.
pub struct Plan {
    pub pieces: Pieces,
    /// Rows that go through all pieces before the next rows do.
    pub tile: usize,
    /// What numbers are.
    precision: Precision,
    /// Lane groups that an iteration of the main loop works on.
    pub interleave: usize,
    /// The constants that are loaded from memory, each as it fills 64 bits of a vector, sorted.
    pub pool: Vec<u64>,
    /// Those of them that stay in registers.
    pub hoisted: Vec<u64>,
    /// Memory for cells.
    cell_bytes: usize,
    /// Memory for what calls hand over.
    transfer_bytes: usize,
    /// What each piece stores, in the order of computation.
    pub stores: Vec<Vec<Store>>,
    /// Where each value is there for what follows.
    pub settled: EntityVec<Value, Value>,
    /// Instructions that only turn NaNs into the canonical one; empty where NaNs are not looked for together.
    pub canonical: EntityVec<Value, bool>,
}

/// The stores of each piece.
fn stores_of(program: &LaneProgram, pieces: &Pieces, settled: &EntityVec<Value, Value>) -> Vec<Vec<Store>> {
    let last = pieces.list.len() - 1;
    let mut stores = vec![Vec::new(); pieces.list.len()];
    for store in &program.stores {
        let defined = pieces.list.partition_point(|piece| piece.insts.end <= store.value.index());
        stores[store_piece(program, store.value, defined, last)].push(*store);
    }
    for part in &mut stores {
        part.sort_by_key(|store| settled[store.value]);
    }
    stores
}

/// The most values that a call hands over in one direction.
fn transfers(program: &LaneProgram) -> usize {
    let of = |program: &LaneProgram| {
        let calls = program.calls.values();
        calls.map(|call| call.operands.len().max(call.results as usize)).max().unwrap_or(0)
    };
    program.functions.iter().map(|function| of(&function.program)).chain([of(program)]).max().unwrap_or(0)
}

/// Whether a constant takes one cheap instruction and no memory.
pub fn is_made(bits: u64) -> bool {
    bits == 0 || bits == u64::MAX
}

impl Plan {
    /// Where operands and results of calls are handed over.
    pub fn transfer(&self) -> usize {
        self.slot_bytes() + self.cell_bytes
    }

    /// Scratch memory for values between pieces; memory cells stand behind them.
    pub fn slot_bytes(&self) -> usize {
        (self.tile * self.pieces.slots as usize * self.precision.bytes()).next_multiple_of(64)
    }

    /// Scratch memory in all.
    pub fn scratch_bytes(&self) -> usize {
        self.transfer() + self.transfer_bytes
    }

    /// About how many instructions a thousand rows take in groups of so many; `None` where that depends on the rows.
    pub fn instructions(&self, program: &LaneProgram, lanes: usize) -> Option<usize> {
        let straight = !program.iterates() && program.functions.is_empty();
        let each = program.insts.values().filter(|inst| !inst.is_constant()).count() + program.stores.len();
        straight.then(|| 1000 * each / lanes)
    }

    /// Lays a program out.
    pub fn of(program: &LaneProgram, resources: &Resources) -> Plan {
        let resources = &resources.perturbed();
        let most = if program.iterates() { resources.whole_loops } else { resources.whole_size };
        let whole = program.insts.len() <= most;
        let pieces = pieces::cut(program, if whole { program.insts.len() } else { resources.piece_size });
        let settled = program.settled();
        let precision = program.precision;
        let per_row = pieces.slots.max(1) as usize * precision.bytes();
        let functions = program.functions.iter().flat_map(|function| function.program.insts.values());
        let mut pool: Vec<u64> =
            program.insts.values().chain(functions).filter_map(|inst| program.repeated(*inst)).collect();
        pool.sort_unstable();
        pool.dedup();
        let Interleave { groups: interleave, spare } = match whole {
            true => interleave::choose(program, resources),
            false => Interleave { groups: 1, spare: 0 },
        };
        // Every result meets the canonical NaN, unless NaNs are looked for together; what is loaded from memory costs
        // more than what is made.
        let nan = precision.repeated(precision.bits(f64::NAN));
        let mut hoisted = pool.clone();
        if Some(interleave) == resources.nan_branch_groups {
            hoisted.retain(|&bits| bits != nan);
        }
        hoisted.sort_by_key(|&bits| (bits != nan, is_made(bits)));
        hoisted.truncate(spare);
        Plan {
            // Memory cells belong to one group, whose pieces are then all run before those of the next.
            tile: match program.cells {
                0 => (SCRATCH_BYTES / per_row / 16 * 16).clamp(16, 512),
                _ if pieces.list.len() == 1 => 16,
                _ => resources.lanes(precision),
            },
            stores: stores_of(program, &pieces, &settled),
            settled,
            canonical: match resources.nan_branch_groups {
                Some(groups) if groups == interleave => canonicalising(program),
                _ => EntityVec::new(),
            },
            cell_bytes: program.cells as usize * interleave * resources.vector_bytes,
            transfer_bytes: transfers(program) * resources.vector_bytes,
            precision,
            interleave,
            hoisted,
            pieces,
            pool,
        }
    }
}

/// The instructions that make NaNs canonical for a store. What else needs one of them computes it on demand.
fn canonicalising(program: &LaneProgram) -> EntityVec<Value, bool> {
    let mut only = EntityVec::filled(false, program.insts.len());
    for store in &program.stores {
        if let (Target::Column(_), Some(_)) = (store.target, program.canonicalised(store.value)) {
            only[store.value] = true;
            if let Inst::Select(nan, ..) = program.insts[store.value] {
                only[nan] = true;
            }
        }
    }
    only
}
