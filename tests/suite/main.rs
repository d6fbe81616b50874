//! The tests of the compiler, in one binary. Those in `tier` run native code in the tier that `NC_TIER` names.

#[path = "../../runtime/tests/support/mod.rs"]
mod measure;
mod support;
mod switches;

mod api;
mod arrays;
mod bodies;
mod chaos;
mod closed;
mod corpus;
mod coverage;
mod dialects;
mod differential;
mod docs;
mod errors;
mod files;
mod fingerprint;
mod fuzz;
mod graph_text;
mod imports;
mod lanes;
mod layers;
mod networks;
mod pictures;
mod single;
mod slopes;
mod snapshots;
mod soundness;
mod streaming;
mod targets;
mod tier;
