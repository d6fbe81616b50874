//! `nc explain` has a page for every code, and its examples bring the codes about.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::Dir;

fn pages() -> Vec<Value> {
    let text = Dir::new().ok(&["explain", "--json"]);
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The text literals that stand first in calls of these functions, and those that methods `code` give.
fn codes() -> BTreeSet<String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut files = Vec::new();
    for directory in ["src", "crates/cli/src", "crates/eml/src", "crates/board/src"] {
        sources(&root.join(directory), &mut files);
    }
    let mut found = BTreeSet::new();
    let literal = |text: &str| -> Option<String> {
        let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
        let is_code = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        (is_code && !code.is_empty()).then(|| code.to_string())
    };
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for call in ["Diagnostic::error(", "Diagnostic::warning(", "Failure::message("] {
            found.extend(text.split(call).skip(1).filter_map(literal));
        }
        for body in text.split("fn code(&self) -> &'static str {").skip(1) {
            let body = body.split("\n    }\n").next().unwrap();
            found.extend(body.split("=>").skip(1).filter_map(literal));
        }
    }
    found
}

#[test]
fn every_code_has_a_page() {
    let listed: BTreeSet<String> =
        pages().iter().map(|page| page["code"].as_str().unwrap().to_string()).collect();
    let codes = codes();
    assert!(codes.len() > 50, "{codes:?}");
    let missing: Vec<&String> = codes.difference(&listed).collect();
    assert!(missing.is_empty(), "no page: {missing:?}");
    // The command line's own mistakes have a code of their own.
    let stale: Vec<&String> = listed.difference(&codes).filter(|code| *code != "usage").collect();
    assert!(stale.is_empty(), "no such code: {stale:?}");
}

#[test]
fn examples_of_pages_have_their_codes() {
    let mut tried = 0;
    for page in pages() {
        let (code, example) = (page["code"].as_str().unwrap(), page["example"].as_str().unwrap());
        assert!(
            page["meaning"].as_str().unwrap().ends_with('.') && !page["remedy"].as_str().unwrap().is_empty()
        );
        let Some(dialect) = page["dialect"].as_str() else { continue };
        let dir = Dir::new().with("example", example);
        let done = dir.nc(&["check", "example", "--dialect", dialect, "--json"]);
        assert!(done.stdout.contains(&format!("\"code\":\"{code}\"")), "{code}: {}", done.stdout);
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
    let text = Dir::new().ok(&["explain", "shape"]);
    assert!(
        text.starts_with("shape\n\n") && text.contains("Example:") && text.contains("--inputs"),
        "{text}"
    );
    let message = Dir::new().fails(1, &["explain", "shpae"]);
    assert!(message.contains("is it `shape`?"), "{message}");
}
