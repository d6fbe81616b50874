//! The tests of the compiler, in one binary. What has to do with numbers runs in the tier that `NC_TIER` names.

#[path = "../../runtime/tests/support/mod.rs"]
mod measure;
mod support;

mod api;
mod arrays;
mod bodies;
mod bounds;
mod chaos;
mod complex;
mod corpus;
mod coverage;
mod derivatives;
mod dialects;
mod differential;
mod docs;
mod domain;
mod errors;
mod files;
mod fingerprint;
mod fuzz;
mod graph_text;
mod lanes;
mod language;
mod large;
mod layers;
mod limits;
mod loops;
mod oracle;
mod pictures;
mod repeats;
mod single;
mod slopes;
mod snapshots;
mod soundness;
mod stacks;
mod streaming;
mod tail_calls;
mod targets;
mod unrolled;
mod untaken;
