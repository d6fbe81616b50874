//! The file of notices names the crates that are in the binary.

#[path = "../../examples/notices.rs"]
mod written;

/// `cargo run -p nc-cli --example notices > NOTICES.txt` writes it anew.
#[test]
fn notices_are_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../NOTICES.txt");
    let file = std::fs::read_to_string(path).expect("the file of notices");
    let crates = written::crates();
    assert!(crates.len() > 100, "{} crates", crates.len());
    assert!(file == written::notices(&crates), "NOTICES.txt is not what the dependencies say");
}
