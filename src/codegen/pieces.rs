//! A large lane program is cut into pieces that are compiled one by one, so that compile time grows with the size of
//! the program and not faster. Values that one piece computes and a later one needs live in scratch memory. A loop is in
//! one piece as a whole.

use std::collections::HashMap;
use std::ops::Range;

use crate::entity::{Entity, EntityVec};
use crate::lower::lanes::{Inst, LaneProgram, Value};

/// A consecutive part of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its instructions.
    pub insts: Range<usize>,
    /// Values of earlier pieces that it reads, with their scratch slots.
    pub imports: Vec<(Value, u32)>,
    /// Values that it leaves for later pieces, with their scratch slots.
    pub exports: Vec<(Value, u32)>,
}

/// A program in pieces. The last one writes the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// In the order of execution.
    pub list: Vec<Piece>,
    /// How many scratch slots of one number per row are needed.
    pub slots: u32,
}

/// Whether a value is loaded or made again in each piece rather than kept.
pub fn is_leaf(inst: Inst) -> bool {
    inst.is_constant() || matches!(inst, Inst::Column(_) | Inst::Param(_))
}

/// The first instruction of each piece: `size` instructions behind the one before, or where the loop ends that is there.
fn starts(program: &LaneProgram, size: usize) -> Vec<usize> {
    let mut starts = vec![0];
    let mut depth = 0;
    for (value, &inst) in program.insts.iter() {
        let start = *starts.last().expect("the first piece starts at 0");
        if depth == 0 && value.index() - start >= size.max(1) {
            starts.push(value.index());
        }
        if let Inst::Loop(_) = inst {
            depth += 1;
        } else if let Inst::End(_) = inst {
            depth -= 1;
        }
    }
    starts
}

/// Cuts after about every `size` instructions.
pub fn cut(program: &LaneProgram, size: usize) -> Pieces {
    let count = program.insts.len();
    let starts = starts(program, size);
    let piece_of = |value: Value| starts.partition_point(|&start| start <= value.index()) - 1;
    let last = starts.len() - 1;
    // The last piece that uses each value of an earlier one.
    let mut needed: EntityVec<Value, Option<usize>> = EntityVec::filled(None, count);
    let mut imports: Vec<Vec<Value>> = vec![Vec::new(); starts.len()];
    let mut need = |value: Value, piece: usize| {
        if piece_of(value) < piece && !is_leaf(program.insts[value]) && needed[value] != Some(piece) {
            needed[value] = Some(piece);
            imports[piece].push(value);
        }
    };
    for value in program.insts.keys() {
        program.for_each_use(value, |v| need(v, piece_of(value)));
    }
    for store in &program.stores {
        need(store.value, store_piece(program, store.value, piece_of(store.value), last));
    }
    if let Some(status) = program.status {
        need(status, last);
    }
    let mut free: Vec<u32> = Vec::new();
    let mut slots = 0;
    let mut slot_of: EntityVec<Value, u32> = EntityVec::filled(0, count);
    let mut list = Vec::with_capacity(starts.len());
    for (k, &start) in starts.iter().enumerate() {
        let end = starts.get(k + 1).copied().unwrap_or(count);
        let imports: Vec<(Value, u32)> = imports[k].iter().map(|&v| (v, slot_of[v])).collect();
        // A slot that is read here for the last time must not be written here: loads and stores of one row group
        // come in any order.
        let mut exports = Vec::new();
        for value in (start..end).map(Value::from_index) {
            if needed[value].is_some() {
                let slot = free.pop().unwrap_or_else(|| {
                    slots += 1;
                    slots - 1
                });
                slot_of[value] = slot;
                exports.push((value, slot));
            }
        }
        free.extend(imports.iter().filter(|&&(v, _)| needed[v] == Some(k)).map(|&(_, slot)| slot));
        list.push(Piece { insts: start..end, imports, exports });
    }
    Pieces { list, slots }
}

/// The piece that stores a result: where it is computed; leaves, which have no place, in the last.
pub fn store_piece(program: &LaneProgram, value: Value, defined: usize, last: usize) -> usize {
    if is_leaf(program.insts[value]) { last } else { defined }
}

/// What stands for the values that a piece works with, for one lane group.
pub struct PieceValues<T> {
    /// The piece's first instruction.
    start: usize,
    /// Of its own instructions.
    own: Vec<Option<T>>,
    /// Of imports, and of columns that an earlier piece used first.
    others: HashMap<Value, T>,
}

impl<T: Copy> PieceValues<T> {
    /// Nothing known.
    pub fn new(piece: &Piece) -> PieceValues<T> {
        let own = vec![None; piece.insts.len()];
        PieceValues { start: piece.insts.start, own, others: HashMap::new() }
    }

    /// What stands for a value.
    pub fn get(&self, value: Value) -> Option<T> {
        match value.index().checked_sub(self.start).and_then(|k| self.own.get(k)) {
            Some(&own) => own,
            None => self.others.get(&value).copied(),
        }
    }

    /// Says what does.
    pub fn set(&mut self, value: Value, code: T) {
        match value.index().checked_sub(self.start).and_then(|k| self.own.get_mut(k)) {
            Some(own) => *own = Some(code),
            None => {
                self.others.insert(value, code);
            }
        }
    }

    /// From here on nothing does.
    pub fn forget(&mut self, value: Value) {
        match value.index().checked_sub(self.start).and_then(|k| self.own.get_mut(k)) {
            Some(own) => *own = None,
            None => {
                self.others.remove(&value);
            }
        }
    }
}
