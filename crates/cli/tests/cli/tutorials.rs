//! Pages of documentation whose commands are run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Dir;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A directory with the files of a folder of the corpus.
pub fn folder(name: &str) -> Dir {
    let dir = Dir::new();
    for entry in fs::read_dir(root().join("corpus").join(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    dir
}

/// Every command of a page, of which there are so many at least, prints what stands below it; `INSTA_UPDATE=always` writes it anew.
pub fn prints_what_it_says(page: &str, dir: &Dir, least: usize) {
    let path = root().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let nc = Path::new(env!("CARGO_BIN_EXE_nc")).parent().unwrap();
    let search = format!("{}:{}", nc.display(), std::env::var("PATH").unwrap());
    let (mut current, mut commands, mut inside) = (String::new(), 0, false);
    for line in text.lines() {
        if line == "```console" {
            inside = true;
        } else if line == "```" {
            inside = false;
        }
        if !inside || line == "```console" {
            current += line;
            current.push('\n');
            continue;
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(dir.path("."))
            .env("PATH", &search)
            .output()
            .unwrap();
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{command}\n{out}{err}");
        current += &format!("$ {command}\n{out}{err}");
        commands += 1;
    }
    assert!(commands >= least, "{commands}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &current).unwrap();
    } else {
        assert!(
            text == current,
            "{page} does not say what its commands print; `INSTA_UPDATE=always` writes it anew:\n{current}"
        );
    }
}
