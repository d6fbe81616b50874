//! Programs of several files on the command line.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::command::{Dir, npy};

fn gas() -> Dir {
    let dir = Dir::new();
    for folder in ["laws", "shared/deep"] {
        fs::create_dir_all(dir.path(folder)).unwrap();
    }
    dir.with("laws/gas.scm", "(import \"units.scm\")\n(define (pressure n t v)\n  (/ (* n gas t) v))\n")
        .with("laws/units.scm", "(define gas 8.5)\n")
        .with("laws/main.scm", "(import (prefix \"gas.scm\" g:))\n(g:pressure 2 t 0.5)\n")
        .with("shared/deep/roots.nci", "half(x) = x/2;\n")
        .with("x.npy", npy("(2, 1)", &[2.0, 4.0]))
}

#[test]
fn programs_import_from_their_folder() {
    let dir = gas();
    assert_eq!(dir.ok(&["eval", "laws/main.scm", "--set", "t=2"]), "value = 68\n");
    // A program with an expression, an expression alone, and standard input.
    assert_eq!(dir.ok(&["eval", "laws/gas.scm", "-e", "(pressure 1 2 gas)"]), "value = 2\n");
    assert_eq!(dir.ok(&["eval", "-e", "(import \"laws/gas.scm\") (pressure 1 3 8.5)"]), "value = 3\n");
    let done = dir.nc_with_input(&["eval", "-"], b"(import \"laws/units.scm\") (* 2 gas)");
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("value = 17\n", ""));
    // Folders of libraries.
    let text = "(import \"deep/roots.nci\" \"laws/units.scm\") (half gas)";
    assert_eq!(dir.ok(&["eval", "-e", text, "--library", "laws", "--library", "shared"]), "value = 4.25\n");
    let infix =
        ["eval", "--dialect", "infix", "-e", "import \"deep/roots.nci\"; half(3)", "--library", "shared"];
    assert_eq!(dir.ok(&infix), "value = 1.5\n");
    // Every subcommand that reads a program.
    dir.ok(&["run", "laws/main.scm", "--batch", "x.npy", "-o", "y.npy", "--grad", "g.npy"]);
    assert_eq!(dir.npy("y.npy").1, [68.0, 136.0]);
    assert_eq!(dir.npy("g.npy").1, [34.0, 34.0]);
    let text = dir.ok(&["check", "laws/main.scm", "laws/gas.scm"]);
    assert!(text.contains("laws/main.scm: ok") && text.contains("laws/gas.scm: ok"), "{text}");
    assert_snapshot!(dir.ok(&["ir", "laws/main.scm", "--stage", "scheme"]), @r#"
    (import (prefix "gas.scm" g:))
    (g:pressure 2 t 0.5)
    "#);
    assert!(dir.ok(&["ir", "laws/main.scm", "--stage", "svg"]).contains("</svg>"));
    let text = dir.ok(&["bench", "laws/main.scm", "--batch-size", "10", "--json"]);
    assert!(text.contains("\"stages\":{"), "{text}");
    assert!(!dir.ok(&["eml", "expand", "-e", "(import \"laws/units.scm\") (* x gas)"]).is_empty());
}

#[test]
fn errors_are_shown_where_they_are() {
    let dir = gas()
        .with("laws/bad.scm", "(import \"gas.scm\" \"worse.scm\")\n(f 1)\n")
        .with("laws/worse.scm", "; a comment\n(define (f x)\n  (sine x))\n")
        .with("laws/loop.scm", "(define (element k) (ref [1 2] k))\n(define (away x) (sqrt (- x)))")
        .with("laws/row.scm", "(import \"loop.scm\")\n(+ (away x) (element x))\n");
    assert_snapshot!(dir.fails(1, &["eval", "laws/bad.scm"]), @r"
    [unknown-name] Error: there is no function `sine`
       ╭─[ laws/worse.scm:3:4 ]
       │
     3 │   (sine x))
       │    ──┬─
       │      ╰─── here
       │
       │ Help: did you mean `sin`?
       │
       │ Note: imported here: laws/bad.scm:1:19
    ───╯
    ");
    let json: Value = serde_json::from_str(&dir.nc(&["eval", "laws/bad.scm", "--json"]).stdout).unwrap();
    let error = &json["errors"][0];
    assert_eq!((error["file"].as_str(), error["place"]["line"].as_u64()), (Some("laws/worse.scm"), Some(3)));
    assert_eq!((error["place"]["start"].as_u64(), error["place"]["column"].as_u64()), (Some(29), Some(4)));
    let import = &error["related"][0];
    assert_eq!((import["file"].as_str(), import["place"]["line"].as_u64()), (Some("laws/bad.scm"), Some(1)));
    // A row that fails, and one outside its domain.
    assert_snapshot!(dir.fails(1, &["eval", "laws/row.scm", "--set", "x=5"]), @r"
    [row-failed] Error: the index is not an integer from 0 to 1
       ╭─[ laws/loop.scm:1:21 ]
       │
     1 │ (define (element k) (ref [1 2] k))
       │                     ──────┬──────
       │                           ╰──────── here
    ───╯
    ");
    let json = dir.nc(&["eval", "laws/row.scm", "--set", "x=1", "--json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json["note"]["file"].as_str(), json["note"]["start"].as_u64()),
        (Some("laws/loop.scm"), Some(52))
    );
    let text = dir.fails(1, &["eval", "-e", "(import \"none.scm\") 1", "--library", "absent"]);
    assert!(text.contains("--library absent: "), "{text}");
    let text = dir.fails(1, &["eval", "-e", "(import \"../none.scm\") 1"]);
    assert!(
        text.contains("leads out of the folder of the program") && text.contains("--library DIR"),
        "{text}"
    );
}
