//! What a loop leaves for its adjoint: checkpoints of its states.

/// The states before iterations 0, s, 2s, … of a loop, for a stride s that doubles whenever the tape is full.
///
/// Dropping every second checkpoint keeps memory bounded whatever the number of iterations, which is not known before
/// the loop ends; what lies between two checkpoints is computed again from the first of them.
#[derive(Debug, Default)]
pub(super) struct Tape {
    records: Vec<f64>,
    /// Numbers of a record.
    width: usize,
    /// Records that there is room for.
    capacity: usize,
    bytes: usize,
    stride: usize,
    iterations: usize,
}

impl Tape {
    /// A tape without records.
    pub(super) fn new(width: usize, bytes: usize) -> Tape {
        // Half of the room is for the iterations between two checkpoints.
        let capacity = (bytes / 2 / size_of::<f64>() / width.max(1)).max(4) / 2 * 2;
        Tape { records: Vec::new(), width, capacity, bytes, stride: 1, iterations: 0 }
    }

    /// An empty tape of the same size.
    pub(super) fn emptied(&self) -> Tape {
        Tape::new(self.width, self.bytes)
    }

    /// Notes the state before the next iteration.
    pub(super) fn push(&mut self, state: impl Iterator<Item = f64>) {
        if self.iterations.is_multiple_of(self.stride) {
            if self.checkpoints() == self.capacity {
                for k in 1..self.capacity / 2 {
                    let from = 2 * k * self.width;
                    self.records.copy_within(from..from + self.width, k * self.width);
                }
                self.records.truncate(self.capacity / 2 * self.width);
                self.stride *= 2;
            }
            if self.iterations.is_multiple_of(self.stride) {
                self.records.extend(state);
            }
        }
        self.iterations += 1;
    }

    /// How many records there are. A loop without state has one for all iterations.
    pub(super) fn checkpoints(&self) -> usize {
        self.iterations.div_ceil(self.stride)
    }

    /// The record at a checkpoint.
    pub(super) fn checkpoint(&self, k: usize) -> &[f64] {
        &self.records[k * self.width..][..self.width]
    }

    /// How many iterations begin at or behind a checkpoint and before the next.
    pub(super) fn segment(&self, k: usize) -> usize {
        self.stride.min(self.iterations - k * self.stride)
    }

    /// How many iterations there were.
    pub(super) fn iterations(&self) -> usize {
        self.iterations
    }
}
