//! The tests of the compiler, in one binary. What has to do with numbers runs in the tier that `NC_TIER` names.

#[path = "../../runtime/tests/support/mod.rs"]
mod measure;
mod support;

mod arrays;
mod bounds;
mod complex;
mod corpus;
mod derivatives;
mod dialects;
mod differential;
mod docs;
mod domain;
mod errors;
mod fingerprint;
mod fuzz;
mod language;
mod large;
mod limits;
mod loops;
mod oracle;
mod pictures;
mod repeats;
mod single;
mod snapshots;
mod streaming;
mod tail_calls;
mod unrolled;
mod untaken;
