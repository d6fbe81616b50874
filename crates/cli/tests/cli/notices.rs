//! The file of notices names the crates that are in the binary.

#[path = "../../examples/notices.rs"]
mod written;

/// `cargo run -p nc-cli --example notices > NOTICES.txt` writes it anew.
#[test]
fn notices_are_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../NOTICES.txt");
    let crates = written::crates();
    assert!(crates.len() > 100, "{} crates", crates.len());
    let current = written::notices(&crates);
    if std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always") {
        std::fs::write(path, &current).expect("the file can be written");
    }
    let file = std::fs::read_to_string(path).expect("the file of notices");
    assert!(file == current, "NOTICES.txt is not what the dependencies say");
}
