//! A copy of the repository with all mutants in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sites::{self, Form, Site};

/// What is mutated: an area and where it stands.
const AREAS: [(&str, &str); 5] = [
    ("ops", "src/ops"),
    ("derive", "src/derive"),
    ("lower", "src/lower"),
    ("recipes", "runtime/src/recipes"),
    ("batch", "runtime/src/batch"),
];

/// A mutant.
#[derive(Clone)]
pub struct Mutant {
    pub area: String,
    pub file: String,
    pub line: usize,
    pub what: String,
}

/// A test binary, as cargo has built it.
pub struct Binary {
    pub name: String,
    pub path: PathBuf,
    pub folder: PathBuf,
}

struct Source {
    file: String,
    text: String,
    sites: Vec<Site>,
    /// The number of the first change of each site.
    first: Vec<u32>,
}

/// Where mutants stand in the text of a mutated source.
#[derive(Default)]
struct Places {
    changes: Vec<(u32, Range<usize>)>,
    /// Sites, outer ones first, with the numbers of their changes.
    sites: Vec<(Range<u32>, Range<usize>)>,
}

/// The copy and its sources as they were.
pub struct Tree {
    pub root: PathBuf,
    cargo: String,
    sources: Vec<Source>,
    /// By number from 1 on.
    pub mutants: Vec<Mutant>,
    /// Those that do not compile.
    pub dropped: BTreeSet<u32>,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?} failed");
    String::from_utf8(output.stdout).expect("names of files are UTF-8")
}

impl Tree {
    /// Clones the repository that this program stands in to `root` and finds all mutants.
    pub fn new(root: &Path, cargo: &str) -> Tree {
        let repository = git(Path::new(env!("CARGO_MANIFEST_DIR")), &["rev-parse", "--show-toplevel"]);
        let repository = Path::new(repository.trim());
        if !root.exists() {
            git(
                repository,
                &["clone", "--quiet", ".", root.to_str().expect("the name of the copy is UTF-8")],
            );
        }
        let mut tree = Tree {
            root: fs::canonicalize(root).expect("the copy exists"),
            cargo: cargo.into(),
            sources: Vec::new(),
            mutants: Vec::new(),
            dropped: BTreeSet::new(),
        };
        for (area, folder) in AREAS {
            for file in git(&tree.root, &["ls-files", folder])
                .lines()
                .filter(|f| f.ends_with(".rs") && !f.ends_with("tests.rs"))
            {
                let text = git(&tree.root, &["show", &format!("HEAD:{file}")]);
                let sites = sites::find(&text);
                let mut first = Vec::new();
                for site in &sites {
                    first.push(tree.mutants.len() as u32 + 1);
                    tree.mutants.extend(site.changes.iter().map(|c| Mutant {
                        area: area.into(),
                        file: file.into(),
                        line: site.line,
                        what: c.what.clone(),
                    }));
                }
                tree.sources.push(Source { file: file.into(), text, sites, first });
            }
        }
        tree
    }

    /// Writes all sources with the mutants that are not dropped.
    fn write(&self) -> BTreeMap<String, Places> {
        let head = |file: &str| git(&self.root, &["show", &format!("HEAD:{file}")]);
        let allow = "#![allow(warnings, arithmetic_overflow, unconditional_panic, overflowing_literals)]\n";
        let runtime = head("runtime/src/lib.rs");
        save(&self.root.join("runtime/src/lib.rs"), &format!("{allow}{runtime}\npub mod switch;\n"));
        save(&self.root.join("runtime/src/switch.rs"), include_str!("switch.rs"));
        save(&self.root.join("src/lib.rs"), &format!("{allow}{}", head("src/lib.rs")));
        let mut all = BTreeMap::new();
        for source in &self.sources {
            let (text, places) = self.mutated(source);
            save(&self.root.join(&source.file), &text);
            all.insert(source.file.clone(), places);
        }
        all
    }

    fn mutated(&self, source: &Source) -> (String, Places) {
        let mut order: Vec<usize> = (0..source.sites.len()).collect();
        order.sort_by_key(|&k| {
            let site = &source.sites[k];
            (site.range.start, !matches!(site.form, Form::Enter), std::cmp::Reverse(site.range.end))
        });
        let switch =
            if source.file.starts_with("runtime") { "crate::switch::on" } else { "::nc_runtime::switch::on" };
        let (mut out, mut places) = (String::new(), Places::default());
        // Sites that are open: where they end, what is to be written there, and their entry in the places.
        let mut open: Vec<(usize, &str, usize)> = Vec::new();
        let mut at = 0;
        let close = |out: &mut String,
                     at: &mut usize,
                     open: &mut Vec<(usize, &str, usize)>,
                     places: &mut Places,
                     until: usize| {
            while let Some(&(end, text, entry)) = open.last().filter(|o| o.0 <= until) {
                out.push_str(&source.text[*at..end]);
                out.push_str(text);
                *at = end;
                places.sites[entry].1.end = out.len();
                open.pop();
            }
        };
        for k in order {
            let site = &source.sites[k];
            let first = source.first[k];
            let live: Vec<(u32, &str)> = (first..)
                .zip(&site.changes)
                .filter(|(id, _)| !self.dropped.contains(id))
                .map(|(id, c)| (id, &*c.text))
                .collect();
            if live.is_empty() {
                continue;
            }
            close(&mut out, &mut at, &mut open, &mut places, site.range.start);
            out.push_str(&source.text[at..site.range.start]);
            at = site.range.start;
            let entry = places.sites.len();
            places.sites.push((first..first + site.changes.len() as u32, out.len()..out.len()));
            let mut branch = |out: &mut String, id: u32, text: &str| {
                out.push_str(&format!("if {switch}({id}) {{ "));
                let start = out.len();
                out.push_str(text);
                places.changes.push((id, start..out.len()));
            };
            match site.form {
                Form::Replace => {
                    out.push('(');
                    for (id, text) in live {
                        branch(&mut out, id, text);
                        out.push_str(" } else ");
                    }
                    out.push_str("{ ");
                    open.push((site.range.end, " })", entry));
                }
                Form::Delete => {
                    out.push_str(&format!("if !{switch}({}) {{ ", live[0].0));
                    open.push((site.range.end, " }", entry));
                }
                Form::Enter => {
                    for (id, text) in live {
                        branch(&mut out, id, text);
                        out.push_str(" } ");
                    }
                    places.sites[entry].1.end = out.len();
                }
            }
        }
        close(&mut out, &mut at, &mut open, &mut places, source.text.len());
        out.push_str(&source.text[at..]);
        (out, places)
    }

    /// Runs cargo until it builds, dropping the mutants that do not compile, and gives its messages.
    pub fn build(&mut self, arguments: &[&str]) -> Vec<Value> {
        for round in 1.. {
            let places = self.write();
            let output = Command::new(&self.cargo)
                .current_dir(&self.root)
                .args(arguments)
                .arg("--message-format=json")
                .env_remove("RUSTUP_TOOLCHAIN")
                .stderr(Stdio::inherit())
                .output()
                .expect("cargo runs");
            let messages: Vec<Value> = output
                .stdout
                .split(|&b| b == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect();
            if output.status.success() {
                return messages;
            }
            let before = self.dropped.len();
            for message in messages
                .iter()
                .filter(|m| m["reason"] == "compiler-message" && m["message"]["level"] == "error")
            {
                self.blame(&message["message"], &places);
            }
            eprintln!(
                "round {round}: {} mutants dropped, {} in all",
                self.dropped.len() - before,
                self.dropped.len()
            );
            assert!(self.dropped.len() > before, "no mutant is to blame for what does not compile");
        }
        unreachable!("rounds have no end")
    }

    /// Drops the mutants that an error is due to.
    fn blame(&mut self, message: &Value, places: &BTreeMap<String, Places>) {
        let mut spans: Vec<&Value> = Vec::new();
        let mut stack = vec![message];
        while let Some(m) = stack.pop() {
            spans.extend(m["spans"].as_array().into_iter().flatten());
            stack.extend(m["children"].as_array().into_iter().flatten());
        }
        spans.sort_by_key(|s| s["is_primary"] != true);
        let found: Vec<(&Places, Range<usize>)> = spans
            .iter()
            .filter_map(|s| {
                let number = |key: &str| s[key].as_u64().map(|n| n as usize);
                Some((places.get(s["file_name"].as_str()?)?, number("byte_start")?..number("byte_end")?))
            })
            .collect();
        let within =
            |inner: &Range<usize>, outer: &Range<usize>| outer.start <= inner.start && inner.end <= outer.end;
        for (places, span) in &found {
            if let Some((id, _)) = places.changes.iter().find(|(_, r)| within(span, r)) {
                self.dropped.insert(*id);
                return;
            }
        }
        for (places, span) in &found {
            if let Some((ids, _)) = places
                .sites
                .iter()
                .rev()
                .find(|(ids, r)| within(span, r) && !ids.clone().all(|id| self.dropped.contains(&id)))
            {
                self.dropped.extend(ids.clone());
                return;
            }
        }
        for (places, span) in &found {
            let inside: Vec<_> = places.sites.iter().filter(|(_, r)| within(r, span)).collect();
            if !inside.is_empty() {
                inside.iter().for_each(|(ids, _)| self.dropped.extend(ids.clone()));
                return;
            }
        }
        eprintln!(
            "nothing to blame for: {}",
            message["rendered"].as_str().unwrap_or("an error without words")
        );
    }

    /// The test binaries among the messages of cargo.
    pub fn binaries(messages: &[Value]) -> Vec<Binary> {
        messages
            .iter()
            .filter(|m| {
                m["reason"] == "compiler-artifact"
                    && m["profile"]["test"] == true
                    && m["executable"].is_string()
            })
            .map(|m| {
                let text = |v: &Value| v.as_str().expect("cargo names files").to_string();
                let manifest = PathBuf::from(text(&m["manifest_path"]));
                Binary {
                    name: text(&m["target"]["name"]),
                    path: text(&m["executable"]).into(),
                    folder: manifest.parent().expect("a manifest stands in a folder").into(),
                }
            })
            .collect()
    }

    /// All mutants as data.
    pub fn data(&self) -> Value {
        self.mutants
            .iter()
            .zip(1..)
            .map(|(m, id)| json!({"area": m.area, "file": m.file, "line": m.line, "what": m.what, "compiles": !self.dropped.contains(&id)}))
            .collect()
    }
}

/// Writes a file unless it holds that text already, so that nothing is built in vain.
fn save(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}
