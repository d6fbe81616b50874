//! The notices that belong to the binary `nc`: which crates are in it, and under which licences.
//!
//! `cargo run -p nc-cli --example notices > NOTICES.txt` writes the file anew after a change of dependencies; a test of the
//! command line fails if it is not current. Crates are those that `cargo metadata` finds for x86-64 Linux: the dependencies of
//! the package `nc-cli` that are linked, without those of tests, of builds and of procedural macros.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[allow(dead_code, reason = "the test that includes this file has a main function of its own")]
fn main() {
    print!("{}", notices(&crates()));
}

/// A crate that is in the binary.
pub struct Crate {
    name: String,
    version: String,
    licence: String,
    authors: Vec<String>,
    repository: String,
    /// The texts of its licences.
    texts: Vec<String>,
}

impl Crate {
    /// The line of the list that it has.
    pub fn line(&self) -> String {
        format!("{} {}, {}", self.name, self.version, self.licence)
    }
}

/// The crates that are linked into the binary, in the order of their names.
pub fn crates() -> Vec<Crate> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--manifest-path", manifest])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let packages: HashMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: HashMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), node)).collect();
    let is_macro = |package: &Value| {
        list(&package["targets"])
            .iter()
            .any(|target| list(&target["kind"]).iter().any(|kind| kind == "proc-macro"))
    };
    let root =
        packages.iter().find(|(_, package)| package["name"] == "nc-cli").expect("the package is there").0;
    let (mut seen, mut left) = (BTreeSet::new(), vec![root.clone()]);
    while let Some(id) = left.pop() {
        if is_macro(&packages[&id]) || !seen.insert(id.clone()) {
            continue;
        }
        for dependency in list(&nodes[&id]["deps"]) {
            if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()) {
                left.push(text(&dependency["pkg"]));
            }
        }
    }
    let shipped = seen.iter().map(|id| &packages[id]).filter(|package| !package["source"].is_null());
    let mut crates: Vec<Crate> = shipped
        .map(|package| {
            let licence = text(&package["license"]);
            let directory = text(&package["manifest_path"]);
            let directory = Path::new(&directory).parent().expect("a manifest is in a directory");
            Crate {
                name: text(&package["name"]),
                version: text(&package["version"]),
                texts: texts(directory, licence.contains("MIT")),
                licence,
                authors: list(&package["authors"]).iter().map(text).collect(),
                repository: text(&package["repository"]),
            }
        })
        .collect();
    crates.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    crates
}

/// The texts of licences and notices in a package. If it may be had under the MIT licence, that is the one.
fn texts(directory: &Path, mit: bool) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("packages are unpacked");
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let of = |starts: &[&str]| -> Vec<&String> {
        let is = |name: &&String| starts.iter().any(|start| name.to_uppercase().starts_with(start));
        names.iter().filter(is).collect()
    };
    let mut chosen = of(&["LICENSE", "LICENCE", "COPYING", "UNLICENSE"]);
    if mit && chosen.iter().any(|name| name.to_uppercase().contains("MIT")) {
        chosen.retain(|name| name.to_uppercase().contains("MIT"));
    }
    chosen.extend(of(&["NOTICE", "COPYRIGHT"]));
    let read = |name: &String| std::fs::read_to_string(directory.join(name)).ok();
    let lines = |text: String| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    chosen.into_iter().filter_map(read).map(lines).map(|text| text.trim().to_string()).collect()
}

/// The file.
pub fn notices(crates: &[Crate]) -> String {
    let mut text = String::from(
        "The program nc contains the crates that follow, each under its own licence. This file is written by\n\
         `cargo run -p nc-cli --example notices`.\n\n",
    );
    for one in crates {
        let _ = writeln!(text, "{}", one.line());
        let _ = writeln!(text, "    {}", one.repository);
        if one.texts.is_empty() {
            // The package has no text: whoever made it is named here, and the licence is among those below.
            let _ = writeln!(text, "    {}", one.authors.join(", "));
        }
    }
    // Equal texts once, whatever their line breaks.
    let mut by_text: BTreeMap<String, (usize, String, Vec<String>)> = BTreeMap::new();
    for (k, one) in crates.iter().enumerate() {
        for licence in &one.texts {
            let key = licence.split_whitespace().collect::<Vec<_>>().join(" ");
            let entry = by_text.entry(key).or_insert_with(|| (k, licence.clone(), Vec::new()));
            entry.2.push(format!("{} {}", one.name, one.version));
        }
    }
    let mut texts: Vec<(usize, String, Vec<String>)> = by_text.into_values().collect();
    texts.sort();
    for (_, licence, of) in texts {
        let _ = write!(text, "\n{}\n{}\n\n{licence}\n", "-".repeat(80), of.join(", "));
    }
    text
}
