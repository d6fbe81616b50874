//! Counting the steps of a row.

use nc_runtime::lanes::Lanes;

use super::{Algebra, Bound, Numeric, OpInfo, Syntax, Term, numeric_rules};

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
        singular: None,
    };
    fn lanes<L: Lanes>(l: &L, [x]: [L::F; 1]) -> L::F {
        l.float(l.iadd(l.bits(x), l.i(1)))
    }
    fn scale<A: Algebra>(_: &mut A, _: [A::V; 1], _: A::V, _: usize, _: A::V) -> Term<A::V> {
        Term::Zero
    }
}

/// The bits of the number that stands for no steps in binary32: the smallest normal one.
pub(crate) const NO_STEPS: u32 = 0x0080_0000;

/// The most steps that can be counted in binary32.
pub const MAX_STEPS_SINGLE: u64 = (0x7F7F_FFFF - NO_STEPS) as u64;
