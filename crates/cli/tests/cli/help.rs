//! The examples that help prints run as they are printed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::command::{Dir, npy};

/// All commands, as the words behind `nc`.
fn commands(dir: &Dir, words: &[String], found: &mut Vec<Vec<String>>) {
    let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
    args.push("--help");
    let help = dir.ok(&args);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| line.starts_with("  ")).filter_map(|line| {
        // Descriptions that take another line stand further in.
        line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split_whitespace().next()
    });
    for name in names.filter(|name| *name != "help") {
        commands(dir, &[words, &[name.to_string()]].concat(), found);
    }
    found.push(words.to_vec());
}

/// The lines of a help text that are examples.
fn examples(help: &str) -> Vec<&str> {
    let behind = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    behind.take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

/// A directory with the files that examples name.
fn directory(example: &str) -> Dir {
    let (law, columns) = if example.contains("r[3]") {
        ("(define G 6.674e-11)\n(/ (* G m) (dot r r))\n", 4)
    } else if example.contains("--param G") {
        ("(define G 6.674e-11)\n(/ (* G m) (square r))\n", 2)
    } else if example.contains("--positive t,r") {
        ("(* t (log r))\n", 2)
    } else if example.contains("cells") || example.contains("expand") {
        ("(* x (exp y))\n", 2)
    } else if example.contains("nc fit") {
        ("(define c 2)\n(+ a (* b (/ x c)))\n", 2)
    } else {
        ("(* 0.5 m (square v))\n", 2)
    };
    let rows = 5;
    let numbers: Vec<f64> = (0..rows * columns).map(|k| 1.0 + k as f64 / 4.0).collect();
    let dir = Dir::new()
        .with("law.scm", law)
        .with("orbit.scm", "(define mu 398600)\n(- (* 1/2 (dot r r)) (/ mu (norm r)) (det A))\n")
        .with("laws.scm", "(define G 6.674e-11)\n(define (force m1 m2 r) (/ (* G m1 m2) (square r)))\n")
        .with("tree.eml", "eml(eml(1,eml(eml(1,eml(1,eml(x,1))),1)),eml(eml(1,1),1))")
        .with("meas.csv", "x,y,dy\n0,1,0.1\n1,2.9,0.1\n2,5.2,0.1\n3,6.9,0.1\n4,9.1,0.1\n")
        .with("decay.csv", "t,counts\n0,9.1\n1,6.2\n2,3.7\n3,2.4\n4,1.6\n")
        .with("net.scm", "(network f (x) (layers 4) (activation tanh) (results 1))\n(+ (* a x) (f x))\n")
        .with("points.csv", "x,t\n1,2.718281828459045\n2,7.38905609893065\n3,20.085536923187668\n")
        .with("linear.scm", "(+ a (* b x))")
        .with("quadratic.scm", "(+ a (* b x) (* c x x))")
        .with("in.npy", npy(&format!("({rows}, {columns})"), &numbers))
        .with("in.csv", if example.contains("v=speed") { "m,speed\n1,2\n3,\n" } else { "m,v\n1,2\n3,4\n" });
    if example.contains("in.npz") {
        // Arrays by the names of inputs.
        let made =
            dir.with("copy.scm", "(values (m m) (r r))").with("two.npy", npy("(5, 2)", &numbers[..10]));
        made.ok(&["run", "copy.scm", "--batch", "two.npy", "-o", "in.npz"]);
        return made;
    }
    dir
}

#[test]
fn examples_of_help_run() {
    let mut failed: Vec<String> = Vec::new();
    let dir = Dir::new();
    let mut all = Vec::new();
    commands(&dir, &[], &mut all);
    assert!(all.len() > 15, "{all:?}");
    let nc = Path::new(env!("CARGO_BIN_EXE_nc")).parent().expect("a directory");
    let path = format!("{}:{}", nc.display(), std::env::var("PATH").expect("a path"));
    let mut seen = BTreeSet::new();
    for words in all {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        args.push("--help");
        let help = dir.ok(&args);
        let listed = examples(&help);
        assert!(!listed.is_empty(), "{words:?} has no examples");
        for example in listed {
            if !seen.insert(example.to_string()) {
                continue;
            }
            let dir = directory(example);
            if example.contains("corpus/") {
                std::fs::create_dir(dir.path("corpus")).expect("a directory");
                std::fs::copy(dir.path("law.scm"), dir.path("corpus/law.scm")).expect("a copy");
            }
            if example.contains("nc eml board") {
                let submit = [
                    "eml",
                    "submit",
                    "--board",
                    "board.sqlite",
                    "--name",
                    "Ada",
                    "--target",
                    "neg",
                    "tree.eml",
                ];
                dir.nc(&submit);
            }
            let quick = example.replace("--batch-size 1000000", "--batch-size 1000");
            let output = Command::new("sh")
                .args(["-c", &quick])
                .current_dir(dir.path("."))
                .env("PATH", &path)
                .output()
                .expect("a shell");
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            if !output.status.success() {
                failed.push(format!("{example}\n{out}{err}"));
            }
        }
    }
    println!("{} examples", seen.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(seen.len() > 30, "{seen:?}");
}

/// `nc help X` says what `nc X --help` says.
#[test]
fn both_ways_to_ask_for_help() {
    let dir = Dir::new();
    let mut all = Vec::new();
    commands(&dir, &[], &mut all);
    for words in all {
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let (one, two) =
            (dir.ok(&[&["help"][..], &args].concat()), dir.ok(&[&args[..], &["--help"]].concat()));
        assert_eq!(one, two, "{args:?}");
    }
}
