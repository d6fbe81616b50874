//! Counting the steps of a row.

use nc_runtime::lanes::{Lanes, Precision};

use super::{Bound, Numeric, Op, OpInfo, Syntax, Term, numeric_rules};
use crate::graph::{Graph, Node};

numeric_rules!(1: Next);

/// The next number above a positive one.
pub struct Next;
impl Numeric<1> for Next {
    const INFO: OpInfo = OpInfo {
        name: "next",
        syntax: Syntax::Internal,
        doc: "the next number above a positive one",
        bound: Bound::Exact,
        derivative: "0",
        kinks: "",
        domain: None,
        kink: None,
    };
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        l.float(l.iadd(l.bits(x), l.i(1)))
    }
    fn scale(_: &mut Graph, _: [Node; 1], _: Node, _: usize, _: Node) -> Term {
        Term::Zero
    }
}

/// The bits of the number that stands for no steps in binary32: the smallest normal one.
const NO_STEPS: u32 = 0x0080_0000;

/// The most steps that can be counted in binary32.
pub const MAX_STEPS_SINGLE: u64 = (0x7F7F_FFFF - NO_STEPS) as u64;

/// The steps of a row are a number of the graph. In binary64 it is how many they are. Binary32 counts no further than
/// 2²⁴ in that way; there it is the number so many [`Next`] above the smallest normal one.
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
