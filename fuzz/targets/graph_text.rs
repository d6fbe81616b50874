//! The body `graph_text` of the suite, on any bytes.

#![no_main]

#[path = "../../tests/suite/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::bodies::graph_text(bytes);
});
