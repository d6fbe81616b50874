//! The command line `nc`.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "doc comments of arguments are help texts, brackets included"
)]

mod cli;

fn main() {
    cli::main()
}
