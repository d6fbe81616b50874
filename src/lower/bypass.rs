//! What is left of a program for rows that take none of its arms.
//!
//! An arm that is not taken still costs its test in every group of rows, and the registers and the order of instructions around it
//! are those of the code that has it. Where little else is to be done, that is much of the time. Code generators put what this module
//! makes in front: it has no arms, several groups run side by side, and one test tells whether any of their rows belongs elsewhere.

use nc_runtime::lanes::Lanes;

use super::lanes::{Condition, Inst, LaneProgram, Store, Target, Value};
use super::record::Recorder;
use crate::entity::{Entity, EntityVec};

/// With more instructions beside the arms, their tests take little of the time.
const MOST_INSTRUCTIONS: usize = 100;

/// A program without its arms.
#[derive(Debug)]
pub struct Bypass {
    /// It leaves the results of the whole program, and has neither loops nor a status word.
    pub program: LaneProgram,
    /// The rows for which they do not hold: those that take an arm, and those whose status word is not 0.
    pub elsewhere: Value,
}

impl Bypass {
    /// A program without its arms. `None` if it has none, or other loops; if every row takes one; if much is to be done beside them;
    /// or if what the program leaves could not be left a second time, for rows that turn out to take one.
    pub fn of(program: &LaneProgram) -> Option<Bypass> {
        let again = program.ranges.is_empty()
            && program.cells == 0
            && program.functions.is_empty()
            && program.stores.iter().all(|store| matches!(store.target, Target::Column(_)));
        if program.loops.is_empty() || program.iterates() || !again {
            return None;
        }
        let recorder = Recorder::like(program);
        let mut renamed = EntityVec::filled(Value::from_index(0), program.insts.len());
        let mut taking: Vec<Value> = Vec::new();
        let mut arms = 0_usize;
        for (value, &inst) in program.insts.iter() {
            match (arms, inst) {
                (0, Inst::Loop(id)) => {
                    let carried = &program.loops[id].carried;
                    carried.iter().for_each(|c| renamed[c.phi] = renamed[c.first]);
                }
                (0, Inst::Test(id)) => {
                    for &condition in &program.loops[id].conditions {
                        let Condition::Any(rows) = condition else { return None };
                        taking.push(renamed[rows]);
                    }
                    arms = 1;
                }
                (0, Inst::Phi(..)) => {}
                (0, _) => renamed[value] = recorder.record(inst.map_operands(|v| renamed[v])),
                (_, Inst::Loop(_)) => arms += 1,
                (_, Inst::End(_)) => arms -= 1,
                _ => {}
            }
        }
        if taking.iter().any(|&rows| taking.contains(&recorder.not(rows))) {
            return None;
        }
        if let Some(status) = program.status {
            let fine = recorder.ieq(renamed[status], recorder.i(0));
            taking.push(recorder.not(fine));
        }
        let elsewhere = taking.into_iter().fold(recorder.m(false), |a, b| recorder.or(a, b));
        if recorder.truth(elsewhere).is_some() {
            return None;
        }
        let stores =
            program.stores.iter().map(|store| Store { value: renamed[store.value], ..*store }).collect();
        let (program, elsewhere) = recorder.finish_like(program, stores, elsewhere);
        let instructions = program.insts.values().filter(|inst| !inst.is_constant()).count();
        (instructions <= MOST_INSTRUCTIONS).then_some(Bypass { program, elsewhere })
    }
}
