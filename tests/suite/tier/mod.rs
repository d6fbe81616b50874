//! What native code computes, in the tier that `NC_TIER` names, else in the fastest: the gate runs these tests in each tier. Tests
//! that go through all tiers by themselves stand beside this folder.

mod beyond;
mod bounds;
mod complex;
mod derivatives;
mod domain;
mod inside;
mod language;
mod large;
mod limits;
mod linear;
mod loops;
mod mechanics;
mod networks;
mod oracle;
mod repeats;
mod stacks;
mod tail_calls;
mod unrolled;
mod untaken;
