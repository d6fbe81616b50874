//! The layers of `src/`: what a module imports lies below it, and the head of each stage says what holds after it and what it
//! does not know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Modules from the top down; those of one line do not know each other, unless one of them is named behind the other.
const LAYERS: &[&[&str]] = &[
    &["internals"],
    &["stages"],
    &["program"],
    &["formula"],
    &["kernel"],
    &["domain", "picture"],
    &["interpret", "codegen"],
    &["lower"],
    &["build"],
    &["derive"],
    &["graph"],
    &["anf"],
    &["specialise"],
    &["resolve"],
    &["prelude"],
    &["files"],
    &["dialect"],
    &["ops"],
    &["ast"],
    &["problem"],
    &["names", "number", "types"],
    &["source"],
    &["limits", "entity", "chaos", "loader"],
];

/// Arrows that go up, or to a neighbour, with the reason why they are still there.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The layer of a path of modules.
fn layer(path: &[&str]) -> Option<(usize, &'static str)> {
    let name = path.first()?;
    let rank = LAYERS.iter().position(|layer| layer.contains(name))?;
    let name = LAYERS[rank].iter().find(|layer| *layer == name)?;
    Some((rank, name))
}

/// The paths behind `crate::`, groups in braces taken apart.
fn imports(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    for (start, _) in code.match_indices("crate::") {
        // `$crate::` in macros is the same crate; `nc_runtime::…` is another.
        let rest = &code[start + "crate::".len()..];
        expand(rest, &mut Vec::new(), &mut paths);
    }
    paths
}

/// Reads one path, or a group of them, from the front of `text`; returns what is left.
fn expand<'a>(text: &'a str, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let before = rest.len();
            rest = expand(rest, prefix, paths).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
            if rest.len() == before {
                return rest;
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    prefix.push(word.to_string());
    let rest = match rest.strip_prefix("::") {
        Some(more) if !more.starts_with('<') => expand(more, prefix, paths),
        _ => {
            paths.push(prefix.clone());
            rest
        }
    };
    prefix.pop();
    rest
}

#[test]
fn arrows_go_down() {
    let root = root();
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for path in &paths {
        let file = path.strip_prefix(&root).expect("below the root").with_extension("");
        let modules: Vec<&str> = file.iter().map(|part| part.to_str().expect("names are ASCII")).collect();
        if let ["lib" | "main"] | ["cli", ..] = modules[..] {
            continue;
        }
        let Some((rank, from)) = layer(&modules) else {
            wrong.push(format!("{} has no layer", file.display()));
            continue;
        };
        let text = std::fs::read_to_string(path).expect("a file");
        for import in imports(&text) {
            let import: Vec<&str> = import.iter().map(String::as_str).collect();
            // Names of the crate's root are re-exports.
            let is_module = import[0].starts_with(|c: char| c.is_ascii_lowercase());
            let Some((below, to)) = layer(&import).filter(|_| is_module) else {
                if is_module && root.join(format!("{}.rs", import[0])).exists() {
                    wrong.push(format!("{} imports {}, which has no layer", file.display(), import[0]));
                }
                continue;
            };
            if from == to || below > rank {
                continue;
            }
            match EXCEPTIONS.iter().position(|(a, b, _)| (*a, *b) == (from, to)) {
                Some(k) => drop(used.insert(k)),
                None => wrong.push(format!("{} imports {}", file.display(), import.join("::"))),
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that do not go down:\n{}", wrong.join("\n"));
    let stale: Vec<_> = (0..EXCEPTIONS.len()).filter(|k| !used.contains(k)).map(|k| EXCEPTIONS[k]).collect();
    assert!(stale.is_empty(), "exceptions that are none: {stale:?}");
}

#[test]
fn imports_are_found() {
    let text = "use crate::a::{b, c::{D, E}};\n// crate::not\nfn f() { crate::g::h::<u8>() }";
    let found: Vec<String> = imports(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::b", "a::c::D", "a::c::E", "g::h"]);
}

/// Stages whose head states an invariant and a boundary, one line each.
#[test]
fn stages_state_invariant_and_boundary() {
    let root = root();
    for stage in [
        "anf",
        "build",
        "codegen",
        "derive",
        "dialect",
        "graph",
        "interpret",
        "lower",
        "ops",
        "picture",
        "resolve",
    ] {
        let heads = [format!("{stage}/mod.rs"), format!("{stage}.rs")];
        let head = heads.iter().map(|head| root.join(head)).find(|path| path.exists());
        let head = head.unwrap_or_else(|| panic!("{stage} has no head"));
        let text = std::fs::read_to_string(&head).expect("a file");
        for word in ["//! **Invariant", "//! **Boundary"] {
            let line = text.lines().find(|line| line.starts_with(word));
            assert!(line.is_some_and(|line| line.len() > word.len() + 10), "{}: {word}", head.display());
        }
    }
}
