//! Counting the steps of a row.

use nc_runtime::lanes::Precision;

use super::{Graph, Node};
use crate::ops::counting::{MAX_STEPS_SINGLE, NO_STEPS};
use crate::ops::{Algebra, Op};

/// The steps of a row are a number of the graph. In binary64 it is how many they are. Binary32 counts no further than
/// 2²⁴ in that way; there it is the number so many ([`Advance`](Op::Advance)) above the smallest normal one.
impl Graph {
    /// So many steps.
    pub(crate) fn steps(&mut self, count: u64) -> Node {
        match self.precision {
            Precision::Double => self.number(count as f64),
            Precision::Single => {
                let bits = NO_STEPS + count.min(MAX_STEPS_SINGLE) as u32;
                self.number(f32::from_bits(bits).into())
            }
        }
    }

    /// One step more. The limit has not been reached.
    pub(crate) fn one_step_more(&mut self, steps: Node) -> Node {
        let one = self.steps(1);
        match self.precision {
            Precision::Double => self.add(steps, one),
            Precision::Single => self.binary(Op::Advance, steps, one),
        }
    }

    /// So many steps more. They are no more than the limit, which counts as reached then.
    pub(crate) fn more_steps(&mut self, steps: Node, more: u64, limit: u64) -> Node {
        let by = self.steps(more);
        match self.precision {
            Precision::Double => self.add(steps, by),
            Precision::Single => {
                // Beyond the limit there may be no number.
                let (last, limit) = (self.steps(limit.saturating_sub(more)), self.steps(limit));
                let more = self.binary(Op::Advance, steps, by);
                let reached = self.binary(Op::Le, last, steps);
                self.select(reached, limit, more)
            }
        }
    }
}
