//! The tests of trees, in one binary. Batches run in the tier that `NC_TIER` names.

mod batches;
mod calculator;
mod feasible;
mod pictures;
mod search;
mod train;
mod translate;
mod trees;
