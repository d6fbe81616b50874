//! Files as spreadsheets, pandas, NumPy, R, Julia and instruments write them: how each is read, or where and why it is
//! refused.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use crate::command::{Dir, npy, npy_of};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/messy");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What `nc run` makes of a file: the line of the call, what it prints, and what it says.
fn reading(dir: &Dir, name: &str, expression: &str, more: &[&str]) -> String {
    let args = [&["run", "-e", expression, "--batch", name][..], more].concat();
    let done = dir.nc(&args);
    assert!(done.status == 0 || done.status == 1, "{name}: {}", done.stderr);
    let options: String = more.iter().map(|option| format!(" {option}")).collect();
    let mut text = format!("{name}{options}\n");
    for line in done.stdout.lines() {
        text += &format!("  | {line}\n");
    }
    for line in done.stderr.lines() {
        text += &format!("  {}\n", line.replace(&format!("{name}: "), "").trim_end());
    }
    // A refusal says where or what to do.
    let is_refused = name.ends_with(".csv") && done.status == 1 && done.stdout.is_empty();
    assert!(!is_refused || done.stderr.contains("line") || done.stderr.contains("\n  "), "{text}");
    text
}

#[test]
fn every_file_is_read_or_refused_as_it_should_be() {
    let files = files();
    assert!(files.len() >= 40, "{}", files.len());
    let dir = Dir::new();
    let mut text = String::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        fs::copy(&path, dir.path(name)).unwrap();
        let expression = match name {
            "vector.csv" | "vector-from-one.csv" => "(norm r)",
            "vector-with-blanks.csv" => "(det (matmul A (transpose A)))",
            "decimal-commas-one-column.csv" => "(* 2 x)",
            _ => "(values (x x) (y y))",
        };
        text += &reading(&dir, name, expression, &[]);
        // What was refused for want of a number is read with the options that the message names.
        if text.lines().last().is_some_and(|line| line.contains("--missing nan")) {
            text += &reading(&dir, name, expression, &["--missing", "nan"]);
            text += &reading(&dir, name, expression, &["--missing", "fail-row", "--keep-going"]);
        }
        if let Some(column) = text.lines().rev().take(4).find_map(|line| line.split("--column '").nth(1)) {
            let column = column.split('\'').next().unwrap().to_string();
            text += &reading(&dir, name, expression, &["--column", &column]);
        }
    }
    assert_snapshot!(text);
}

fn npz(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in entries {
        zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn arrays_as_others_write_them() {
    let two = npy("(2,)", &[1.0, 2.0]);
    let text = npy_of("'<U2'", "(2,)", &[0; 16]);
    let records = |descr: &str, bytes: usize| npy_of(descr, "(2,)", &vec![0; 2 * bytes]);
    let dir = Dir::new()
        .with("name.npy", npy_of("'float64'", "(2, 2)", &[0; 32]))
        .with("name-big.npy", npy_of("'complex128'", "(1, 2)", &[0; 32]))
        .with("text-beside.npy", records("[('x', '<f8'), ('name', '<U2'), ('y', '<f8')]", 24))
        .with("text-needed.npy", records("[('x', '<f8'), ('y', '<U2')]", 16))
        .with("dates-beside.npy", records("[('t', '<M8[ns]'), ('x', '<f8'), ('s', 'S3'), ('y', '<f8')]", 27))
        .with(
            "nested-beside.npy",
            records("[('a', [('b', '<f8'), ('c', '|u1', (3,))]), ('x', '<f8'), ('y', '<f8')]", 27),
        )
        .with("nested-needed.npy", records("[('x', [('b', '<f8')]), ('y', '<f8')]", 16))
        .with("objects-beside.npy", records("[('o', '|O'), ('x', '<f8'), ('y', '<f8')]", 24))
        .with("text-beside.npz", npz(&[("x", two.clone()), ("y", two.clone()), ("names", text.clone())]))
        .with("text-needed.npz", npz(&[("x", two.clone()), ("y", text)]))
        .with(
            "other-rows-beside.npz",
            npz(&[("x", two.clone()), ("y", two.clone()), ("z", npy("(1,)", &[1.0]))]),
        )
        .with("parameter.npz", npz(&[("x", two.clone()), ("y", npy("()", &[0.5]))]))
        .with("no-rows.npz", npz(&[("x", npy("()", &[0.5])), ("y", npy("()", &[0.5]))]))
        .with("garbage-beside.npz", npz(&[("x", two.clone()), ("y", two.clone()), ("z", b"none".to_vec())]))
        .with("garbage-needed.npz", npz(&[("x", two), ("y", b"none".to_vec())]));
    let mut report = String::new();
    for name in dir.files() {
        report += &reading(&dir, &name, "(values (x x) (y y))", &[]);
    }
    assert_snapshot!(report);
}
