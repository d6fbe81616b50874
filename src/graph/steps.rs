//! Counting the steps of a row.

use nc_runtime::lanes::Precision;

use super::{Graph, Node};
use crate::ops::counting::{MAX_STEPS_SINGLE, NO_STEPS};
use crate::ops::{Algebra, Op};

/// The steps of a row are a number of the graph. In binary64 it is how many they are. Binary32 counts no further than
/// 2²⁴ in that way; there it is the number so many [`Next`](Op::Next) above the smallest normal one.
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

    /// One step more.
    pub(crate) fn one_step_more(&mut self, steps: Node) -> Node {
        match self.precision {
            Precision::Double => {
                let one = self.number(1.0);
                self.add(steps, one)
            }
            Precision::Single => self.unary(Op::Next, steps),
        }
    }
}
