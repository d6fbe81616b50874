//! Invariants of a lane program.
//!
//! * operands come before the instructions that use them and have the types that these take;
//! * columns, parameters and tables that instructions name exist; table lengths are powers of two;
//! * every output column and every sum is stored once, and holds numbers; the status word is an integer.

use super::lanes::{Inst, LaneProgram, LaneType, Target};
use super::record::type_of;

/// The first broken invariant, in words.
pub fn verify(program: &LaneProgram) -> Result<(), String> {
    for (value, &inst) in program.insts.iter() {
        let mut operands = Vec::new();
        inst.for_each_operand(|v| operands.push(v));
        if let Some(late) = operands.iter().find(|&&v| v >= value) {
            return Err(format!("{value} uses {late}, which does not come before it"));
        }
        let types: Vec<LaneType> = operands.iter().map(|&v| type_of(program, v)).collect();
        if types != inst.operand_types() {
            return Err(format!("{value} = {inst:?} of {types:?}"));
        }
        let in_range = match inst {
            Inst::Column(k) => k < program.columns.inputs,
            Inst::Param(k) => k < program.columns.params,
            Inst::Lookup(table, _) => {
                program.tables.get(table.0 as usize).is_some_and(|t| t.len().is_power_of_two())
            }
            _ => true,
        };
        if !in_range {
            return Err(format!("{value} = {inst:?} is out of range"));
        }
    }
    let mut columns = vec![0; program.columns.outputs as usize];
    let mut partials = vec![0; program.columns.partials as usize];
    for store in &program.stores {
        if type_of(program, store.value) != LaneType::F {
            return Err(format!("{:?} stores {}, which is no number", store.target, store.value));
        }
        let count = match store.target {
            Target::Column(k) => columns.get_mut(k as usize),
            Target::Partial(k) => partials.get_mut(k as usize),
        };
        match count {
            Some(count) => *count += 1,
            None => return Err(format!("{:?} is out of range", store.target)),
        }
    }
    if columns.iter().chain(&partials).any(|&n| n != 1) {
        return Err("an output is not stored exactly once".into());
    }
    match program.status {
        Some(status) if type_of(program, status) != LaneType::I => {
            Err(format!("the status {status} is no integer"))
        }
        _ => Ok(()),
    }
}
