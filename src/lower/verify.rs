//! Invariants of a lane program.
//!
//! * operands come before the instructions that use them and have the types that these take;
//! * loops nest and end; what stands behind the test of a loop is used in that loop only; first and next values have the
//!   types of their phis, conditions those that they compare;
//! * constants are numbers and integers of the program's precision, which its functions share;
//! * every access stays within the memory cells, columns, parameters and sums that there are: also where the place is
//!   computed, whatever the rows hold (`ranges`), or is each row's own; table lengths are powers of two;
//! * calls name functions that there are, with their operands and as many results; functions have operands and results in
//!   place of columns and stores, and one memory cell, which they share;
//! * every output column and every sum is stored once, and holds numbers; the status word is an integer.

use std::collections::HashMap;

use nc_runtime::lanes::Precision;

use super::lanes::{
    CallId, Columns, Condition, Inst, LaneFunction, LaneProgram, LaneType, LoopId, Target, Value,
};
use super::ranges::{Ranges, last};
use crate::entity::{Entity, EntityVec};

/// The first broken invariant, in words. Takes time linear in the number of instructions.
pub fn verify(program: &LaneProgram) -> Result<(), String> {
    Body { program, within: program, function: None }.verify()?;
    for (k, function) in program.functions.iter().enumerate() {
        let own = &function.program;
        let outside =
            [own.stores.len(), own.ranges.len(), own.functions.len(), usize::from(own.status.is_some())];
        if outside != [0; 4] || own.columns != Columns::default() || own.precision != program.precision {
            return Err(format!("function {k} has stores or functions, or other numbers than the program"));
        }
        Body { program: own, within: program, function: Some(function) }
            .verify()
            .map_err(|what| format!("function {k}: {what}"))?;
    }
    stored_once(program)
}

/// The instructions of a program or a function.
struct Body<'a> {
    program: &'a LaneProgram,
    /// The program that it is, or belongs to.
    within: &'a LaneProgram,
    function: Option<&'a LaneFunction>,
}

/// A loop that is being gone through.
struct Open {
    id: LoopId,
    test: Option<Value>,
}

impl Body<'_> {
    fn ty(&self, value: Value) -> LaneType {
        self.program.insts[value].ty()
    }

    fn verify(&self) -> Result<(), String> {
        let program = self.program;
        let mut visible = EntityVec::filled(false, program.insts.len());
        let mut open: Vec<Open> = Vec::new();
        let mut begun = EntityVec::filled(false, program.loops.len());
        let mut called: EntityVec<CallId, Option<Value>> = EntityVec::filled(None, program.calls.len());
        // Of loops that nothing needed there are no instructions.
        let mut owners: HashMap<Value, LoopId> = HashMap::new();
        let mut computed_places = false;
        for (value, &inst) in program.insts.iter() {
            let mut late = None;
            program.for_each_use(value, |used| {
                if used >= value || !visible[used] {
                    late = Some(used);
                }
            });
            if let Some(late) = late {
                return Err(format!("{value} uses {late}, which is not there"));
            }
            visible[value] = true;
            self.operands(value, inst)?;
            match inst {
                Inst::Loop(id) => {
                    match begun.get(id) {
                        Some(false) => begun[id] = true,
                        Some(true) | None => return Err(format!("{value} begins {id}, which it cannot")),
                    }
                    self.loop_types(id)?;
                    for carried in &program.loops[id].carried {
                        if owners.insert(carried.phi, id).is_some() {
                            return Err(format!("{} is carried twice", carried.phi));
                        }
                    }
                    open.push(Open { id, test: None });
                }
                Inst::Test(id) => match open.last_mut() {
                    Some(inner) if inner.id == id && inner.test.is_none() => inner.test = Some(value),
                    _ => return Err(format!("{value} tests {id}, which is not open")),
                },
                Inst::End(id) => match open.pop() {
                    Some(Open { id: inner, test: Some(test) }) if inner == id => {
                        (test.index() + 1..value.index()).for_each(|k| visible[Value::from_index(k)] = false);
                    }
                    _ => return Err(format!("{value} ends {id}, which is not open")),
                },
                Inst::Phi(..) => {
                    let of = owners.get(&value).copied();
                    if !open.last().is_some_and(|inner| inner.test.is_none() && of == Some(inner.id)) {
                        return Err(format!("{value} is no phi of the loop that it stands in"));
                    }
                }
                Inst::Call(id) => called[id] = Some(value),
                Inst::Returned(id, k) => {
                    let call = called.get(id).copied().flatten().filter(|&call| visible[call]);
                    if call.is_none() || k >= program.calls[id].results {
                        return Err(format!("{value} is result {k} of {id}, which has none such here"));
                    }
                }
                _ => {}
            }
            if let Inst::Fetch(..) | Inst::Deposit(..) = inst {
                let pad = self.program.pad.and_then(|pad| pad.checked_add(1));
                if self.function.is_some() || pad.is_none_or(|last| last >= self.program.cells) {
                    return Err(format!("{value} = {inst:?} has no pad"));
                }
                computed_places = true;
            }
            computed_places |= self.place(inst, value)?.is_some();
        }
        if let Some(inner) = open.last() {
            return Err(format!("{} does not end", inner.id));
        }
        if computed_places {
            self.places_in_range()?;
        }
        let ends = program.stores.iter().map(|store| (store.value, LaneType::F));
        let status = program.status.map(|status| (status, LaneType::I));
        let results = self.function.into_iter().flat_map(|function| &function.results);
        for (value, ty) in ends.chain(status).chain(results.map(|&result| (result, LaneType::F))) {
            if visible.get(value) != Some(&true) || self.ty(value) != ty {
                return Err(format!("{value} leaves the program, and is no {ty} that is there"));
            }
        }
        Ok(())
    }

    /// What holds of an instruction and the types of its operands.
    fn operands(&self, value: Value, inst: Inst) -> Result<(), String> {
        let expected = inst.operand_types();
        let (mut count, mut fits) = (0, true);
        inst.for_each_operand(|operand| {
            let ty = self.ty(operand);
            // What is put into memory may be anything that a row has.
            let any = matches!(inst, Inst::StoreCell(..)) && count == 1;
            fits &= match any {
                true => matches!(ty, LaneType::F | LaneType::M | LaneType::I),
                false => expected.get(count) == Some(&ty),
            };
            count += 1;
        });
        if !fits || count != expected.len() {
            return Err(format!("{value} = {inst:?} has operands of other types"));
        }
        let program = self.program;
        let fits = match inst {
            Inst::F(bits) if program.precision == Precision::Single => u32::try_from(bits).is_ok(),
            Inst::I(value) if program.precision == Precision::Single => i32::try_from(value).is_ok(),
            Inst::Load(ty, ..) => matches!(ty, LaneType::F | LaneType::M | LaneType::I),
            Inst::Lookup(table, _) => {
                let table = program.tables.get(table.0 as usize);
                table.is_some_and(|table| table.len().is_power_of_two())
            }
            Inst::Argument(ty, k) => self.argument(ty, k),
            Inst::Call(id) => return self.call(id),
            _ => true,
        };
        if fits { Ok(()) } else { Err(format!("{value} = {inst:?} is out of range")) }
    }

    /// Whether the function has such an operand: the depth that is left, the numbers, and last the mask.
    fn argument(&self, ty: LaneType, k: u32) -> bool {
        self.function.is_some()
            && match ty {
                LaneType::S => k == 0,
                LaneType::F | LaneType::M => true,
                LaneType::I | LaneType::Nothing => false,
            }
    }

    fn call(&self, id: CallId) -> Result<(), String> {
        let Some(call) = self.program.calls.get(id) else {
            return Err(format!("{id} is not there"));
        };
        let Some(function) = self.within.functions.get(call.function as usize) else {
            return Err(format!("{id} calls function {}, which there is not", call.function));
        };
        let types = [(call.active, LaneType::M), (call.depth, LaneType::S)];
        if types.iter().any(|&(value, ty)| self.ty(value) != ty)
            || call.results as usize != function.results.len()
        {
            return Err(format!("{id} does not fit function {}", call.function));
        }
        let given = |k: u32| call.operands.get(k as usize).map(|&operand| self.ty(operand));
        for inst in function.program.insts.values() {
            if let Inst::Argument(ty @ (LaneType::F | LaneType::M), k) = *inst
                && given(k) != Some(ty)
            {
                return Err(format!("{id} has {:?} for operand {k} of function {}", given(k), call.function));
            }
        }
        match call.operands.split_last() {
            Some((&mask, numbers))
                if self.ty(mask) == LaneType::M && numbers.iter().all(|&v| self.ty(v) == LaneType::F) =>
            {
                Ok(())
            }
            _ => Err(format!("{id} has operands that are no numbers and a mask")),
        }
    }

    fn loop_types(&self, id: LoopId) -> Result<(), String> {
        let inner = &self.program.loops[id];
        let count = self.program.insts.len();
        for carried in &inner.carried {
            let there = [carried.phi, carried.first, carried.next].iter().all(|value| value.index() < count);
            if !there || !matches!(self.program.insts[carried.phi], Inst::Phi(..)) {
                return Err(format!("{id} carries {}, which is no phi", carried.phi));
            }
            let ty = self.ty(carried.phi);
            if [carried.first, carried.next].iter().any(|&value| self.ty(value) != ty) {
                return Err(format!("{id} has values of other types than its phi {}", carried.phi));
            }
        }
        for condition in &inner.conditions {
            let ty = match condition {
                Condition::Any(_) => LaneType::M,
                Condition::Below(..) => LaneType::S,
            };
            if condition.values().any(|value| value.index() >= count || self.ty(value) != ty) {
                return Err(format!("{id} has a condition of other types"));
            }
        }
        Ok(())
    }

    /// Where an instruction reads or writes: from a place on, at an offset that is computed, of so many in all. Places
    /// without an offset are in range.
    fn place(&self, inst: Inst, value: Value) -> Result<Option<(u64, Value, u64)>, String> {
        let columns = &self.program.columns;
        let range = |target: Target| {
            let found = self.program.ranges.iter().find(|range| range.0 == target);
            found.map_or(0, |&(_, len)| u64::from(len))
        };
        // Functions have the cell that says what failed, and no other.
        let cells = if self.function.is_some() { self.within.cells.min(1) } else { self.program.cells };
        let fixed = |place: u32, count: u32| match place < count {
            true => Ok(None),
            false => Err(format!("{value} = {inst:?} is out of range")),
        };
        match inst {
            Inst::Column(k) => fixed(k, columns.inputs),
            Inst::Param(k) => fixed(k, columns.params),
            Inst::ColumnAt(k, offset) => Ok(Some((k.into(), offset, columns.inputs.into()))),
            Inst::ParamAt(k, offset) => Ok(Some((k.into(), offset, columns.params.into()))),
            Inst::Load(_, cell, offset)
            | Inst::StoreCell(cell, offset, _)
            | Inst::Fetch(cell, offset, _)
            | Inst::Deposit(cell, offset, _) => Ok(Some((cell.into(), offset, cells.into()))),
            Inst::StoreColumn(k, offset, _) => Ok(Some((0, offset, range(Target::Column(k))))),
            Inst::AddPartial(k, offset, _) => Ok(Some((0, offset, range(Target::Partial(k))))),
            _ => Ok(None),
        }
    }

    /// No place that is computed is out of range.
    fn places_in_range(&self) -> Result<(), String> {
        let ranges = Ranges::of(self.program, self.within.max_depth);
        for (value, &inst) in self.program.insts.iter() {
            let Some((first, offset, count)) = self.place(inst, value)? else { continue };
            let mut most = last(ranges.at(offset, value)).and_then(|most| most.checked_add(first));
            if let Inst::Fetch(_, _, places) | Inst::Deposit(_, _, places) = inst {
                let further = last(ranges.at(places, value)).map(|places| places.max(1) - 1);
                most = most.and_then(|most| most.checked_add(further?));
            }
            if most.is_none_or(|most| most >= count) {
                let most = most.map_or("anywhere".into(), |most| most.to_string());
                return Err(format!("{value} = {inst:?} may be at {most} of {count}"));
            }
        }
        Ok(())
    }
}

/// Every output column, every column that is kept for products, and every sum, is stored exactly once.
fn stored_once(program: &LaneProgram) -> Result<(), String> {
    let mut columns = vec![0u32; (program.columns.outputs + program.columns.kept) as usize];
    let mut partials = vec![0u32; program.columns.partials as usize];
    let stores = program.stores.iter().map(|store| (store.target, 1));
    for (target, len) in stores.chain(program.ranges.iter().copied()) {
        let (counts, first) = match target {
            Target::Column(k) => (&mut columns, k as usize),
            Target::Partial(k) => (&mut partials, k as usize),
        };
        match counts.get_mut(first..first.saturating_add(len as usize)) {
            Some(counts) => counts.iter_mut().for_each(|count| *count += 1),
            None => return Err(format!("{target:?} and {len} elements are out of range")),
        }
    }
    for products in &program.products {
        let (rows, width) = products.extents;
        let sums = products.first..products.first.saturating_add(rows.saturating_mul(width));
        let within = |first: usize, len: usize| first.saturating_add(len) <= program.columns.kept as usize;
        let kept = products.terms.iter().all(|&(left, right)| within(left, rows) && within(right, width));
        match partials.get_mut(sums) {
            Some(counts) if kept => counts.iter_mut().for_each(|count| *count += 1),
            Some(_) | None => return Err(format!("{products:?} are out of range")),
        }
    }
    match columns.iter().chain(&partials).any(|&n| n != 1) {
        true => Err("an output is not stored exactly once".into()),
        false => Ok(()),
    }
}
