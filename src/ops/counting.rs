//! Counting the steps of a row.

use nc_runtime::lanes::Lanes;

use super::{Algebra, Bound, Numeric, OpInfo, Syntax, Term, numeric_rules};

numeric_rules!(2: Advance);

/// As many numbers further as another one lies above the number that stands for no steps.
pub struct Advance;
impl Numeric<2> for Advance {
    const INFO: OpInfo = OpInfo {
        name: "advance",
        syntax: Syntax::Internal,
        doc: "x, as many numbers further as y lies above the number that stands for no steps",
        bound: Bound::Exact,
        derivative: "0",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    };
    fn lanes<L: Lanes>(l: &L, [x, y]: [L::F; 2]) -> L::F {
        let by = l.isub(l.bits(y), l.i(NO_STEPS.into()));
        l.float(l.iadd(l.bits(x), by))
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 2], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// The bits of the number that stands for no steps in binary32: the smallest normal one.
pub(crate) const NO_STEPS: u32 = 0x0080_0000;

/// The most steps that can be counted in binary32.
pub const MAX_STEPS_SINGLE: u64 = (0x7F7F_FFFF - NO_STEPS) as u64;
