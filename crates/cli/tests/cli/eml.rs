//! `nc eml` and EML programs from the command line.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use insta::assert_snapshot;
use nc_board::Board;
use serde_json::Value;
use tempfile::TempDir;

const NEG: &str = "eml(eml(1,eml(eml(1,eml(1,eml(x,1))),1)),eml(eml(1,1),1))";
const WIDE_NEG: &str =
    "eml(eml(1,eml(eml(1,1),1)),eml(eml(1,eml(eml(eml(1,eml(eml(1,eml(1,eml(1,1))),1)),eml(x,1)),1)),1))";

struct Dir(TempDir);

impl Dir {
    fn new() -> Dir {
        Dir(TempDir::new().unwrap())
    }

    fn with(self, name: &str, contents: &str) -> Dir {
        fs::write(self.path(name), contents).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nc"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Status, standard output and standard error.
    fn nc(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.start(args).wait_with_output().unwrap();
        let text = |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
        };
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
        (output.status.code().unwrap(), stdout, stderr)
    }

    fn json(&self, status: i32, args: &[&str]) -> Value {
        let (got, stdout, stderr) = self.nc(args);
        assert_eq!((got, stderr.as_str()), (status, ""), "{args:?}");
        serde_json::from_str(&stdout).unwrap()
    }
}

#[test]
fn programs() {
    let dir = Dir::new().with("sub.eml", "eml(eml(1,eml(eml(1,x),1)),eml(y,1)) ; x − y\n");
    let (status, stdout, _) = dir.nc(&["eval", "sub.eml", "--set", "x=2", "--set", "y=5", "--grad"]);
    assert_eq!((status, stdout.as_str()), (0, "value = -3\nd/dx  = 1\nd/dy  = -1\n"));
    let (status, _, stderr) = dir.nc(&["eval", "sub.eml", "--set", "x=-2", "--set", "y=5"]);
    assert_eq!(status, 1);
    assert_snapshot!(stderr);
    let (_, stdout, _) = dir.nc(&["ir", "sub.eml", "--stage", "graph"]);
    assert_snapshot!(stdout);
    let (_, stdout, _) = dir.nc(&["check", "sub.eml"]);
    assert_snapshot!(stdout);
    let other = dir.json(0, &["eval", "--dialect", "eml", "-e", "add(2,3)", "--json"]);
    assert_eq!(other["value"], 5.0);
    let (status, ..) = dir.nc(&["check", "--dialect", "scheme", "sub.eml"]);
    assert_eq!(status, 1);
}

#[test]
fn batches_name_the_rows_that_fail() {
    let dir = Dir::new().with("ln.eml", "ln(x)").with("in.csv", "x\n1\n-1\n2\n0\n");
    let (status, _, stderr) = dir.nc(&["run", "ln.eml", "--batch", "in.csv", "-o", "out.csv"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("rows 1, 3: `log` is outside its safe domain"), "{stderr}");
    assert!(!dir.path("out.csv").exists());
    let report =
        dir.json(1, &["run", "ln.eml", "--batch", "in.csv", "-o", "out.csv", "--keep-going", "--json"]);
    assert_eq!((&report["rows"], &report["noted"]), (&4.into(), &2.into()));
    assert!(dir.path("out.csv").exists());
}

#[test]
fn hostile_text() {
    let dir = Dir::new()
        .with("member.eml", "eml.constructor(1)")
        .with("deep.eml", &format!("{}1{}", "eml(1,".repeat(1_000_001), ")".repeat(1_000_001)))
        .with("long.eml", &" ".repeat((64 << 20) + 1));
    let (status, _, stderr) = dir.nc(&["eml", "check", "--target", "neg", "member.eml"]);
    assert_eq!(status, 1);
    assert_snapshot!(stderr);
    let code = |file: &str| {
        let report = dir.json(1, &["eml", "check", "--target", "neg", file, "--json"]);
        report["errors"][0]["code"].as_str().unwrap().to_string()
    };
    assert_eq!(code("deep.eml"), "too-deep");
    assert_eq!(code("long.eml"), "source-too-long");
}

#[test]
fn verdicts() {
    let dir = Dir::new()
        .with("neg.eml", NEG)
        .with("zero.eml", "eml(eml(1,eml(1,eml(1,eml(eml(1,1),1)))),eml(x,1))")
        .with("sin.eml", "sin(x)");
    let (status, stdout, _) = dir.nc(&["eml", "check", "--target", "neg", "--points", "2", "zero.eml"]);
    assert_eq!(status, 1);
    assert_snapshot!(stdout);
    let valid = dir.json(0, &["eml", "check", "--target", "neg(x)", "neg.eml", "--json"]);
    assert_eq!(valid["valid"], true);
    assert_eq!((&valid["sizes"]["nodes"], &valid["sizes"]["K"]), (&8.into(), &17.into()));
    assert_eq!(valid["precise"].as_array().unwrap().len(), 8);
    let real = ["eml", "check", "--target", "neg", "--over", "real", "--domain", "-9..2.7", "neg.eml"];
    assert_eq!(dir.nc(&real).0, 0);
    let outside = ["eml", "check", "--target", "neg", "--over", "real", "--domain", "2.8..9", "neg.eml"];
    assert_eq!(dir.nc(&outside).0, 1);
    let banned = dir.json(1, &["eml", "check", "--target", "sin", "--mode", "literal", "sin.eml", "--json"]);
    assert_eq!(banned["errors"][0]["code"], "not-a-primitive");
    for (wrong, words) in [("sine", "is it `sin`?"), ("sub(a)", "sub takes 2 operands")] {
        let (status, _, stderr) = dir.nc(&["eml", "check", "--target", wrong, "neg.eml"]);
        assert_eq!(status, 2);
        assert!(stderr.contains(words), "{stderr}");
    }
}

#[test]
fn prices() {
    let dir = Dir::new().with("p.scm", "(+ (pow x 3) (sin x) (/ 1 x))").with("t.eml", "ln(x)");
    let (status, stdout, _) = dir.nc(&["eml", "cost", "p.scm"]);
    assert_eq!(status, 0);
    assert_snapshot!(stdout);
    assert_eq!(dir.json(0, &["eml", "cost", "t.eml", "--json"])["total"]["v5"], 3);
    let (status, stdout, _) = dir.nc(&["eml", "cost", "--activations"]);
    assert_eq!(status, 0);
    assert_snapshot!(stdout);
}

fn submit<'a>(name: &'a str, tree: &'a str) -> [&'a str; 9] {
    ["eml", "submit", "--board", "b.sqlite", "--name", name, "--target", "neg", tree]
}

#[test]
fn a_board() {
    let dir = Dir::new()
        .with("neg.eml", NEG)
        .with("wide.eml", WIDE_NEG)
        .with("bad.eml", "eml(x,1)")
        .with("broken.eml", "eml(x,");
    for (name, tree, status) in [
        ("Ada", "wide.eml", 0),
        ("Bob", "bad.eml", 1),
        ("Cy", "neg.eml", 0),
        ("Di", "neg.eml", 0),
        ("Ed", "broken.eml", 1),
    ] {
        assert_eq!(dir.nc(&submit(name, tree)).0, status, "{name}");
    }
    let board = dir.json(0, &["eml", "board", "--board", "b.sqlite", "--json"]);
    let entries = board[0]["submissions"].as_array().unwrap();
    let rows: Vec<String> = entries
        .iter()
        .map(|e| format!("{} {} {} {} {}", e["id"], e["name"], e["valid"], e["nodes"], e["record"]))
        .collect();
    assert_eq!(
        rows,
        [
            "3 \"Cy\" true 8 true",
            "4 \"Di\" true 8 false",
            "1 \"Ada\" true 14 true",
            "2 \"Bob\" false 1 false",
            "5 \"Ed\" false null false"
        ]
    );
    assert_eq!(entries[1]["expression"], NEG);
    assert!(entries[3]["reason"].as_str().unwrap().contains("error"));
    let (_, text, _) = dir.nc(&["eml", "board", "--board", "b.sqlite"]);
    assert!(text.contains("record") && text.contains("not valid"), "{text}");
    // The chain of hashes holds, and has come by a hash that was noted, but not by another.
    let verify = ["eml", "board", "--board", "b.sqlite", "--verify"];
    let (status, text, _) = dir.nc(&verify);
    assert_eq!(status, 0);
    let hash = text.lines().find_map(|line| line.strip_prefix("last hash ")).expect("a hash").to_string();
    assert_eq!(dir.nc(&[&verify[..], &[&hash]].concat()).0, 0);
    let json = dir.json(1, &[&verify[..], &["00", "--json"]].concat());
    assert_eq!((&json["sound"], &json["hash"]), (&false.into(), &hash.into()));
    let (status, _, stderr) = dir.nc(&["eml", "board", "--board", ":memory:"]);
    assert!(status == 1 && stderr.contains("a board is a file"), "{stderr}");
}

#[test]
fn long_submissions() {
    let long = format!("{NEG} ;{}", "x".repeat(4000));
    let dir = Dir::new().with("long.eml", &long).with("huge.eml", &format!("{NEG} ;{}", "x".repeat(1 << 20)));
    // Kept, and not valid, unless the limit is lifted.
    let (status, stdout, stderr) = dir.nc(&submit("Ada", "long.eml"));
    assert_eq!((status, stderr.as_str()), (1, ""));
    assert!(stdout.contains("not valid: 4059 characters, and a submission has 4000 at most"), "{stdout}");
    assert!(stdout.contains("submission 1 at "), "{stdout}");
    let lifted = [&submit("Bob", "long.eml")[..], &["--limit", "5000"]].concat();
    assert_eq!(dir.nc(&lifted).0, 0);
    let json = dir.json(1, &[&submit("Cy", "long.eml")[..], &["--json"]].concat());
    assert_eq!((&json["valid"], &json["submission"]["id"]), (&false.into(), &3.into()));
    // Not kept.
    let (status, _, stderr) = dir.nc(&submit("Di", "huge.eml"));
    assert_eq!(status, 1);
    assert!(stderr.contains("1048576 are the most"), "{stderr}");
    let board = dir.json(0, &["eml", "board", "--board", "b.sqlite", "--json"]);
    let entries = board[0]["submissions"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| entry["valid"] == true).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_calculator() {
    let dir = Dir::new();
    let (status, stdout, _) = dir.nc(&["eml", "calculator", "-"]);
    assert_eq!(status, 0);
    assert_snapshot!(stdout);
    let all = dir.json(0, &["eml", "calculator", "--json"]);
    let published = all.as_array().unwrap().iter().filter(|entry| entry["published"] == true);
    assert_eq!(published.count(), 36);
    let sin = dir.json(0, &["eml", "calculator", "sin", "--json"]);
    assert_eq!((&sin["K"], &sin["mode"]), (&279.into(), &"complex".into()));
    let dir = dir.with("sin.eml", &tree_of(&sin));
    let (_, stdout, _) = dir.nc(&["eml", "check", "--target", "sin", "--points", "2", "sin.eml"]);
    assert!(stdout.contains("ln 0 at") && stdout.contains("domain: real line"), "{stdout}");
    let (status, _, stderr) = dir.nc(&["eml", "calculator", "sine"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("is it `sin`?"), "{stderr}");
    // The form that has a value at 0 is right at the board's points.
    let wide = dir.json(0, &["eml", "calculator", "sin*", "--json"]);
    let dir = dir.with("wide.eml", &tree_of(&wide));
    assert_eq!(dir.nc(&["eml", "check", "--target", "sin", "wide.eml"]).0, 0);
}

fn tree_of(entry: &Value) -> String {
    entry["tree"].as_str().unwrap().to_string()
}

#[test]
fn expressions_that_begin_with_a_sign() {
    let dir = Dir::new();
    let (status, stdout, stderr) = dir.nc(&["eml", "expand", "-e", "-2"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.contains("K = "), "{stdout}");
    let (status, stdout, _) = dir.nc(&["eml", "expand", "--set", "paper", "-e", "(+ x y)"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("in binary64 at 12 random points, mode extended (ln 0 = −∞)"), "{stdout}");
}

#[test]
fn concurrent_submitters_lose_nothing() {
    let dir = Dir::new().with("neg.eml", NEG).with("wide.eml", WIDE_NEG);
    let names: Vec<String> = (0..24).map(|k| format!("s{k}")).collect();
    let children: Vec<Child> = names
        .iter()
        .enumerate()
        .map(|(k, name)| dir.start(&submit(name, if k % 3 == 0 { "neg.eml" } else { "wide.eml" })))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let board = Board::open_existing(&dir.path("b.sqlite")).unwrap();
    let entries = board.entries("neg").unwrap();
    let mut seen: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    seen.sort_unstable();
    let mut sent: Vec<&str> = names.iter().map(String::as_str).collect();
    sent.sort_unstable();
    assert_eq!(seen, sent);
    // Records shrink in the order of arrival, and the last one is the smallest tree.
    let mut records: Vec<(i64, i64)> =
        entries.iter().filter(|entry| entry.record).map(|entry| (entry.id, entry.nodes.unwrap())).collect();
    records.sort_unstable();
    assert!(records.is_sorted_by(|a, b| a.1 > b.1), "{records:?}");
    assert_eq!(records.last().unwrap().1, 8);
}

#[test]
fn pictures() {
    let dir = Dir::new().with("neg.eml", NEG).with("law.scm", "(* m (square v))");
    let (status, tree, _) = dir.nc(&["ir", "neg.eml", "--stage", "mermaid"]);
    assert_eq!((status, tree.lines().next()), (0, Some("flowchart TD")));
    assert_eq!(tree.matches("eml").count(), 8);
    let (_, graph, _) = dir.nc(&["ir", "law.scm", "--stage", "dot"]);
    assert!(graph.contains("\"*\"") && !graph.contains("gradient"), "{graph}");
    for args in [["--grad", "--of=adjoint"], ["--grad", "--max-nodes=9"]] {
        let (_, graph, _) = dir.nc(&[["ir", "law.scm", "--stage", "svg"].as_slice(), &args].concat());
        assert!(graph.contains("gradient v"), "{graph}");
    }
    let (status, _, stderr) = dir.nc(&["ir", "neg.eml", "--stage", "svg", "--max-nodes", "16"]);
    assert_eq!(status, 1);
    assert_snapshot!(stderr);
    let report = dir.json(1, &["ir", "neg.eml", "--stage", "svg", "--max-nodes", "16", "--json"]);
    assert_eq!(report["errors"][0]["code"], "picture-too-large");
    assert_eq!(dir.nc(&["ir", "law.scm", "--stage", "dot", "--of", "eml"]).0, 2);
    assert_eq!(dir.nc(&["ir", "law.scm", "--stage", "graph", "--of", "graph"]).0, 2);
}

#[test]
fn values_at_a_point() {
    let dir = Dir::new().with("neg.eml", NEG);
    let value = |args: &[&str]| dir.nc(&[["eml", "eval"].as_slice(), args].concat());
    assert_eq!(value(&["neg.eml", "--at", "x=0.5", "--over", "real"]).1, "value = -0.5\n");
    let towers = ["-e", "exp(exp(exp(x)))", "--at", "x=1000", "--scaled"];
    assert_snapshot!(value(&towers).1);
    let report = dir.json(0, &["eml", "eval", "-e", "exp(x)", "--at", "x=-1000", "--scaled", "--json"]);
    assert_eq!((&report["value"], &report["tower"]["small"]), (&Value::Null, &true.into()));
    assert_eq!(report["text"], "exp(-1000)");
    let complex = dir.json(0, &["eml", "eval", "-e", "eml(0,x)", "--at", "x=-1", "--json"]);
    assert_eq!(complex["value"][1], -std::f64::consts::PI);
    assert_eq!(
        value(&["-e", "exp(z)", "--at", "z=0+3.141592653589793i"]).1,
        "value = -1 + 1.2246467991473532e-16i\n"
    );
    assert_eq!(value(&["-e", "exp(z)", "--at", "z=0+1i", "--scaled"]).0, 2);
    let (status, _, stderr) = value(&["-e", "exp(exp(exp(x)))", "--at", "x=3"]);
    assert_eq!(status, 1);
    assert_snapshot!(stderr);
    for wrong in [["--at", "z=1"], ["--at", "y=1"], ["--over", "real"]] {
        assert_eq!(value(&[["neg.eml"].as_slice(), &wrong].concat()).0, 1, "{wrong:?}");
    }
    assert_eq!(value(&["neg.eml", "--at", "x=1,x=2"]).0, 2);
    assert_eq!(value(&["neg.eml", "--at", "x=[1 2]"]).0, 2);
    let infinite = value(&["-e", "eml(1,eml(0,eml(1,0)))", "--over", "extended"]);
    assert_eq!(infinite.0, 1, "{infinite:?}");
}

#[test]
fn paths_of_gradients() {
    let dir = Dir::new().with("neg.eml", NEG);
    let (status, stdout, _) = dir.nc(&["eml", "paths", "neg.eml", "--at", "x=0.5"]);
    assert_eq!(status, 0);
    assert_snapshot!(stdout);
    let report =
        dir.json(0, &["eml", "paths", "-e", "exp(exp(x))", "--at", "x=6.56", "--over", "real", "--json"]);
    assert_eq!(report["gradient"]["x"]["value"], "Infinity");
    assert_eq!((&report["left_run"]["sides"], &report["right_run"]), (&"LL".into(), &Value::Null));
    assert!(report["warnings"][0]["message"].as_str().unwrap().contains("overflows"), "{report}");
    assert_eq!(report["warnings"][0]["place"]["column"], 9);
    assert_eq!(dir.nc(&["eml", "paths", "neg.eml", "--at", "x=0.5", "--over", "extended"]).0, 2);
    assert_eq!(dir.nc(&["eml", "paths", "neg.eml", "--at", "x=3", "--over", "real"]).0, 1);
}

#[test]
fn cells_of_an_array() {
    let dir = Dir::new().with("neg.eml", NEG).with("mul.scm", "(* x y)");
    let (status, stdout, _) = dir.nc(&["eml", "cells", "mul.scm"]);
    assert_eq!(status, 0);
    assert_snapshot!(stdout);
    let report =
        dir.json(0, &["eml", "cells", "mul.scm", "--mul-cycles", "4", "--exp-cycles", "15", "--json"]);
    assert_eq!((&report["latency"], &report["direct"]["latency"]), (&128.into(), &4.into()));
    assert_eq!(report["direct"]["clock_ratio"]["latency"], 32.0);
    let report = dir.json(0, &["eml", "cells", "neg.eml", "--cells", "1,3", "--interval", "9", "--json"]);
    assert_eq!((&report["cells"]["tree"], &report["direct"]), (&8.into(), &Value::Null));
    assert_eq!(
        (&report["schedules"][0]["cycles"], &report["schedules"][1]["cycles"]),
        (&72.into(), &54.into())
    );
    assert_eq!(report["schedules"][0]["utilisation"], 1.0);
    let (status, stdout, note) = dir.nc(&["eml", "cells", "neg.eml", "--raise", "--json"]);
    assert!(status == 0 && note.contains("is (- x) where"), "{note}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["cells"]["tree"], &report["direct"]["operators"]), (&8.into(), &0.into()));
    assert_eq!(dir.nc(&["eml", "cells", "-e", "(if (< x 0) 1 2)"]).0, 1);
}

/// What can be a tree, in words and as data.
#[test]
fn what_can_be_a_tree() {
    let dir = Dir::new();
    let (status, out, err) = dir.nc(&["eml", "feasible", "-e", "(sin x)"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..2], ["real tree:    none", "complex tree: yes"]);
    assert!(lines[2].contains("more zeros in every longer interval: 7 in |x| ≤ 10, 13 in |x| ≤ 20"), "{out}");
    let (_, out, _) = dir.nc(&["eml", "feasible", "-e", "(abs x)", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(report["real"] == "piecewise" && report["choices"][0] == "abs", "{report}");
    assert_eq!(report["places"][0], serde_json::json!({"x": 0.0, "is": "kink", "below": -1.0, "above": 1.0}));
    let (status, _, err) = dir.nc(&["eml", "feasible", "-e", "(* x y)"]);
    assert!(status == 1 && err.contains("it has 2 variables"), "{err}");
    assert_eq!(dir.nc(&["eml", "feasible", "-e", "(sin"]).0, 1);
}

/// Trees by training, with the share of restarts that come to one.
#[test]
fn trees_by_training() {
    let mut table = String::from("x,y,t\n");
    for k in 0..100 {
        let (x, y) = (1.0 + 0.2 * f64::from(k / 10), 1.0 + 0.2 * f64::from(k % 10));
        table += &format!("{x},{y},{}\n", std::f64::consts::E - (y.exp() - x.ln()).ln());
    }
    let dir = Dir::new().with("points.csv", &table);
    let args = ["eml", "fit", "--data", "points.csv", "--target", "t", "--method", "train", "--depth", "2"];
    let (status, out, err) = dir.nc(&[&args[..], &["--restarts", "6"]].concat());
    assert!(status == 0 && out.ends_with("\neml(1,eml(y,x))\n") && !out.contains("smaller"), "{out}");
    assert_eq!(err, "depth 2: 6 of 6 restarts give the data, 100.0 % (95 %: 61.0 to 100.0 %)\n");
    let (status, out, err) = dir.nc(&[&args[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(status == 0 && err == "depth 2: a tree\n", "{err}");
    assert!(report["training"][0]["trees"][0]["tree"] == "eml(1,eml(y,x))", "{report}");
    let none = [&args[..6], &["--method", "train", "--depth", "1", "--iterations", "9", "--hardening", "9"]];
    let (status, out, err) = dir.nc(&none.concat());
    assert!(status == 1 && out.is_empty() && err.contains("training at depth 1: no tree from 64"), "{err}");
    for (option, words) in [
        (["--method", "search", "--depth", "3"], "--depth: it is for training"),
        (["--method", "search", "--no-polish", "--json"], "--no-polish: it is for training"),
        (["--method", "train", "--rate", "0"], "a number above 0"),
        (["--method", "train", "--depth", "7"], "7 is not in 1..=6"),
    ] {
        let (status, out, err) = dir.nc(&[&args[..6], &option[..]].concat());
        assert!(status == 2 && (err.clone() + &out).contains(words), "{err}{out}");
    }
}

/// The smallest tree for a table, with what is known of it.
#[test]
fn trees_from_tables() {
    let mut table = String::from("x,y,t,other\n");
    for k in 0..100 {
        let (x, y) = (1.0 + 0.02 * f64::from(k), 3.0 - 0.013 * f64::from(k));
        let e = std::f64::consts::E;
        table += &format!("{x},{y},{},{}\n", e - y * (e - f64::exp(x)).exp(), f64::sin(9.0 * x) + y);
    }
    let dir = Dir::new().with("points.csv", &table);
    let args = ["eml", "fit", "--data", "points.csv", "--target", "t", "--variables", "x,y"];
    let (status, out, err) = dir.nc(&[&args[..], &["-o", "t.eml"]].concat());
    assert_eq!(status, 0, "{err}");
    assert!(out.ends_with("eml(1,eml(eml(eml(1,eml(eml(x,y),1)),1),1))\n"), "{out}");
    assert!(
        out.contains("; 6 nodes, K = 13, depth 6")
            && out.contains("; exact: ")
            && out.contains("no smaller tree"),
        "{out}"
    );
    assert_eq!(fs::read_to_string(dir.path("t.eml")).unwrap(), out.lines().last().unwrap().to_owned() + "\n");
    let (status, out, _) = dir.nc(&[&args[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(
        status == 0
            && report["exact"] == true
            && report["counts"]["nodes"] == 6
            && report["excluded_nodes"] == 5,
        "{report}"
    );
    let none = [
        "eml",
        "fit",
        "--data",
        "points.csv",
        "--target",
        "other",
        "--variables",
        "x",
        "--nodes",
        "4",
        "--method",
        "search",
    ];
    let (status, out, err) = dir.nc(&none);
    assert!(
        status == 1 && out.is_empty() && err.contains("no tree of 4 nodes or fewer gives \"other\""),
        "{err}"
    );
    let (status, _, err) = dir.nc(&["eml", "fit", "--data", "points.csv", "--target", "z"]);
    assert!(status == 1 && err.contains("there is: x, y, t, other"), "{err}");
    // Bad data and options, each with its place.
    let refused = |table: &str, more: &[&str], words: &str| {
        fs::write(dir.path("bad.csv"), table).unwrap();
        let (status, out, err) =
            dir.nc(&[&["eml", "fit", "--data", "bad.csv", "--target", "t"], more].concat());
        assert!(status != 0 && out.is_empty() && err.contains(words), "{err}");
    };
    refused("x,t\n1,2\n2,\n3,4\n", &[], "row 1, counted from 0: a number is not finite");
    refused("x,t\n1,2\n", &[], "there are 1 rows");
    refused("x y,t\n1,2\n2,3\n3,5\n", &[], "\"x y\" is no name of a variable");
    refused("x,t\n1,2\n2,3\n3,5\n", &["--tolerance", "nan"], "a number of at least 0");
}
