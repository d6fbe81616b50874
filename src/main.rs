//! The command line `nc`.
fn main() {}
