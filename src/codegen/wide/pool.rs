//! The constants and tables of a kernel, in memory in front of its code.

use std::collections::HashMap;

use nc_runtime::lanes::Precision;

use super::isa::Isa;
use crate::graph::FastHash;
use crate::lower::lanes::TableId;

/// Constants and tables. Code refers to them relative to its own place.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    /// How many times each constant stands there: as often as fills a vector where instructions cannot repeat it themselves.
    repeat: usize,
    constants: Vec<u64>,
    places: HashMap<u64, u32, FastHash>,
    tables: &'a [&'static [f64]],
    precision: Precision,
}

impl<'a> Pool<'a> {
    pub(super) fn new(isa: Isa, precision: Precision, tables: &'a [&'static [f64]]) -> Pool<'a> {
        let repeat = match isa {
            Isa::Avx2 => isa.bytes() / size_of::<u64>(),
            Isa::Avx512 => 1,
        };
        Pool { repeat, constants: Vec::new(), places: HashMap::default(), tables, precision }
    }

    /// The place of a constant, by its bits as they fill 64 bits of a vector.
    pub(super) fn constant(&mut self, bits: u64) -> u32 {
        let Pool { constants, places, .. } = self;
        *places.entry(bits).or_insert_with(|| {
            constants.push(bits);
            constants.len() as u32 - 1
        })
    }

    /// Where a constant stands, in bytes.
    pub(super) fn offset(&self, place: u32) -> usize {
        place as usize * self.repeat * size_of::<u64>()
    }

    /// Where a table stands, in bytes.
    pub(super) fn table(&self, id: TableId) -> usize {
        let before: usize = self.tables[..id.0 as usize].iter().map(|table| table.len()).sum();
        self.offset(self.constants.len() as u32) + before * self.precision.bytes()
    }

    /// The size of all, in bytes.
    pub(super) fn len(&self) -> usize {
        self.table(TableId(self.tables.len() as u32))
    }

    /// Everything, in order.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let constants = self.constants.iter().flat_map(|&bits| std::iter::repeat_n(bits, self.repeat));
        let mut bytes: Vec<u8> = constants.flat_map(u64::to_le_bytes).collect();
        for &number in self.tables.iter().copied().flatten() {
            bytes.extend(&self.precision.bits(number).to_le_bytes()[..self.precision.bytes()]);
        }
        bytes
    }
}
