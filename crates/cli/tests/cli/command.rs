//! Runs of `nc` in a directory of their own, and the files that they leave.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use npyz::NpyFile;
use num_complex::Complex64;
use serde_json::Value;
use tempfile::TempDir;
use zip::ZipArchive;

/// A directory with files, in which `nc` runs.
pub struct Dir(pub TempDir);

/// What `nc` did.
pub struct Done {
    pub status: i32,
    pub stdout: String,
    /// But for what is in `written`.
    pub stderr: String,
    /// Lines that say which files were written.
    pub written: Vec<String>,
}

/// Shape and numbers of an array.
pub type Array = (Vec<u64>, Vec<f64>);

impl Dir {
    pub fn new() -> Dir {
        Dir(TempDir::new().unwrap())
    }

    pub fn with(self, name: &str, contents: impl AsRef<[u8]>) -> Dir {
        fs::write(self.path(name), contents).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn nc_with_input(&self, args: &[&str], input: &[u8]) -> Done {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nc"))
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (written, stderr): (Vec<String>, Vec<String>) = text(output.stderr)
            .split_inclusive('\n')
            .map(String::from)
            .partition(|line| line.starts_with("wrote "));
        let done = Done {
            status: output.status.code().expect("no signal"),
            stdout: text(output.stdout),
            stderr: stderr.concat(),
            written,
        };
        assert!(!done.stderr.contains("panicked"), "{args:?}: {}", done.stderr);
        done
    }

    pub fn nc(&self, args: &[&str]) -> Done {
        self.nc_with_input(args, b"")
    }

    /// Standard output of a call that succeeds and has nothing to complain about.
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.nc(args);
        assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{args:?}");
        done.stdout
    }

    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Standard error of a call that fails with a status, prints no result and leaves no file behind.
    pub fn fails(&self, status: i32, args: &[&str]) -> String {
        let before = self.files();
        let done = self.nc(args);
        assert_eq!((done.status, done.stdout.as_str()), (status, ""), "{args:?}: {}", done.stderr);
        assert_eq!(self.files(), before, "{args:?}");
        // Ariadne ends lines in spaces.
        done.stderr.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    pub fn npy(&self, name: &str) -> Array {
        let file = NpyFile::new(fs::File::open(self.path(name)).unwrap()).unwrap();
        (file.shape().to_vec(), file.into_vec().unwrap())
    }

    /// Shape and parts of a complex array.
    pub fn complex_npy(&self, name: &str) -> (Vec<u64>, Vec<Complex64>) {
        let file = NpyFile::new(fs::File::open(self.path(name)).unwrap()).unwrap();
        (file.shape().to_vec(), file.into_vec().unwrap())
    }

    pub fn npz(&self, name: &str) -> BTreeMap<String, Array> {
        let read = |(name, bytes): (String, Vec<u8>)| {
            let array = NpyFile::new(&bytes[..]).unwrap();
            (name, (array.shape().to_vec(), array.into_vec().unwrap()))
        };
        self.entries(name).into_iter().map(read).collect()
    }

    /// The npy files in an npz file, by the names of their arrays.
    pub fn entries(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut archive = ZipArchive::new(fs::File::open(self.path(name)).unwrap()).unwrap();
        let count = archive.len();
        let read = |k: usize| {
            let mut entry = archive.by_index(k).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().strip_suffix(".npy").unwrap().to_string(), bytes)
        };
        (0..count).map(read).collect()
    }
}

/// An npy file with this header entry for shape and type, and this data.
pub fn npy_of(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(data);
    file
}

pub fn npy(shape: &str, numbers: &[f64]) -> Vec<u8> {
    npy_of("'<f8'", shape, &numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}
