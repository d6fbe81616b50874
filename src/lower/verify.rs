//! Invariants of a lane program.
//!
//! * operands come before the instructions that use them and have the types that these take;
//! * loops nest, and what stands behind the test of a loop is used in that loop only;
//! * constants are numbers and integers of the program's precision, which its functions share;
//! * columns, parameters and tables that instructions name exist; table lengths are powers of two;
//! * every output column and every sum is stored once, and holds numbers; the status word is an integer.

use nc_runtime::lanes::Precision;

use super::lanes::{Carried, Inst, LaneProgram, LaneType, LoopId, Target, Value};
use super::record::type_of;
use crate::entity::{Entity, EntityVec};

/// The first broken invariant, in words.
pub fn verify(program: &LaneProgram) -> Result<(), String> {
    let mut visible = EntityVec::filled(false, program.insts.len());
    let mut open: Vec<(LoopId, Option<Value>)> = Vec::new();
    for (value, &inst) in program.insts.iter() {
        let mut operands = Vec::new();
        inst.for_each_operand(|v| operands.push(v));
        let mut used = Vec::new();
        program.for_each_use(value, |v| used.push(v));
        if let Some(late) = used.iter().find(|&&v| v >= value || !visible[v]) {
            return Err(format!("{value} uses {late}, which is not there"));
        }
        visible[value] = true;
        let types: Vec<LaneType> = operands.iter().map(|&v| type_of(program, v)).collect();
        let any = matches!(inst, Inst::StoreCell(..));
        let fits = if any { types[0] == LaneType::S } else { types == inst.operand_types() };
        if !fits {
            return Err(format!("{value} = {inst:?} of {types:?}"));
        }
        match inst {
            Inst::Loop(id) => {
                open.push((id, None));
                let fits = |c: &Carried| type_of(program, c.phi) == type_of(program, c.first);
                if !program.loops[id].carried.iter().all(fits) {
                    return Err(format!("{id} has first values of other types than its phis"));
                }
            }
            Inst::Test(id) => match open.last_mut() {
                Some((inner, test @ None)) if *inner == id => *test = Some(value),
                _ => return Err(format!("{value} tests {id}, which is not open")),
            },
            Inst::End(id) => match open.pop() {
                Some((inner, Some(test))) if inner == id => {
                    (test.index() + 1..value.index()).for_each(|k| visible[Value::from_index(k)] = false);
                }
                _ => return Err(format!("{value} ends {id}, which is not open")),
            },
            _ => {}
        }
        let in_range = match inst {
            Inst::F(bits) if program.precision == Precision::Single => u32::try_from(bits).is_ok(),
            Inst::I(value) if program.precision == Precision::Single => i32::try_from(value).is_ok(),
            Inst::Load(_, cell, _) | Inst::StoreCell(cell, ..) => cell < program.cells,
            Inst::Column(k) | Inst::ColumnAt(k, _) => k < program.columns.inputs,
            Inst::Param(k) | Inst::ParamAt(k, _) => k < program.columns.params,
            Inst::StoreColumn(k, ..) => k < program.columns.outputs,
            Inst::AddPartial(k, ..) => k < program.columns.partials,
            Inst::Lookup(table, _) => {
                program.tables.get(table.0 as usize).is_some_and(|t| t.len().is_power_of_two())
            }
            _ => true,
        };
        if !in_range {
            return Err(format!("{value} = {inst:?} is out of range"));
        }
    }
    if program.functions.iter().any(|function| function.program.precision != program.precision) {
        return Err("a function works on other numbers than the program".into());
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
    for &(target, len) in &program.ranges {
        let (counts, first) = match target {
            Target::Column(k) => (&mut columns, k as usize),
            Target::Partial(k) => (&mut partials, k as usize),
        };
        match counts.get_mut(first..first + len as usize) {
            Some(counts) => counts.iter_mut().for_each(|count| *count += 1),
            None => return Err(format!("{target:?} and {len} elements are out of range")),
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
