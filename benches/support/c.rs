//! C, built by the machine's compiler for the machine's processor.

use std::cell::Cell;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use rayon::prelude::*;

use super::columns::{Columns, LINE};
use super::timing::Side;

/// The compiler that was found, and a folder for what it builds.
pub struct Compiler {
    folder: tempfile::TempDir,
    /// How many libraries it has built: the loader takes two of one name for the same.
    built: Cell<usize>,
    /// The first line of what it says about itself.
    pub version: String,
}

/// What the compiler may do to arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Everything.
    Fast,
    /// Compiled C without contraction and reassociation.
    Uncontracted,
}

/// How to compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// What may happen to arithmetic.
    pub arithmetic: Arithmetic,
    /// The width of vectors in bits, where the compiler can be told.
    pub bits: u32,
}

impl Flags {
    /// The widths that are worth trying on this processor.
    pub fn widths() -> Vec<u32> {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx512f") {
            return vec![512, 256];
        } else if std::is_x86_feature_detected!("avx") {
            return vec![256];
        }
        vec![128]
    }

    /// Every width with this arithmetic.
    pub fn all(arithmetic: Arithmetic) -> Vec<Flags> {
        Flags::widths().into_iter().map(|bits| Flags { arithmetic, bits }).collect()
    }

    /// The options for the compiler.
    pub fn text(self) -> String {
        let mut text = String::from("-O3 -ffast-math -fopenmp-simd");
        if cfg!(target_arch = "x86_64") {
            // Of sin and cos of one angle gcc makes one call of sincos, which the vector maths library lacks, for each
            // row, several times slower than two vector functions. What it does not know to be cos it leaves alone.
            text.push_str(&format!(" -march=native -mprefer-vector-width={} -fno-builtin-cos", self.bits));
        } else {
            text.push_str(" -mcpu=native");
        }
        if self.arithmetic == Arithmetic::Uncontracted {
            text.push_str(" -ffp-contract=off -fno-associative-math");
        }
        text
    }
}

impl Compiler {
    /// The machine's compiler, if it has one.
    pub fn find() -> Option<Compiler> {
        let output = Command::new("cc").arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&output.stdout).lines().next()?.to_string();
        let folder = tempfile::tempdir().ok()?;
        Some(Compiler { folder, built: Cell::new(0), version })
    }

    /// Builds a shared library; `None`, and a message of the compiler, if it refuses.
    pub fn build(&self, source: &str, flags: Flags) -> Option<Library> {
        let number = self.built.replace(self.built.get() + 1);
        let path = |end: &str| self.folder.path().join(format!("program{number}.{end}"));
        let (text, object, library) = (path("c"), path("o"), path("so"));
        std::fs::write(&text, source).ok()?;
        let flags = flags.text();
        let options = flags.split_whitespace().chain(["-fPIC", "-c", "-o"]).map(OsStr::new);
        run(options.chain([object.as_os_str(), text.as_os_str()]))?;
        // Linked without -ffast-math, with which a library changes the processor's rounding mode when it is loaded.
        run(["-shared", "-o"].map(OsStr::new).into_iter().chain([
            library.as_os_str(),
            object.as_os_str(),
            OsStr::new("-lm"),
        ]))?;
        Library::load(&library)
    }

    /// Builds it in each of these ways, leaving out those that fail.
    pub fn build_all(&self, source: &str, flags: &[Flags]) -> Vec<(Flags, Library)> {
        flags.iter().filter_map(|&flags| Some((flags, self.build(source, flags)?))).collect()
    }
}

fn run<'a>(arguments: impl Iterator<Item = &'a OsStr>) -> Option<()> {
    Command::new("cc").args(arguments).status().ok()?.success().then_some(())
}

type Symbol = unsafe extern "C" fn(*const *const f64, *const *mut f64, usize);

/// A library of functions that take input columns, output columns and a number of rows.
pub struct Library {
    library: libloading::Library,
}

impl Library {
    fn load(path: &Path) -> Option<Library> {
        // SAFETY: the library was built by this bench and has no initialisers of its own.
        let library = unsafe { libloading::Library::new(path) }.ok()?;
        Some(Library { library })
    }

    /// Whether there is a function of this name.
    pub fn has(&self, name: &str) -> bool {
        // SAFETY: the symbol is not used.
        unsafe { self.library.get::<Symbol>(name.as_bytes()) }.is_ok()
    }

    /// A function at work on columns, the rows shared out among so many threads; `None` if there is none of that name.
    pub fn side<'a>(
        &'a self,
        name: &str,
        inputs: &'a Columns,
        outputs: &'a mut Columns,
        threads: usize,
    ) -> Option<Side<'a>> {
        // SAFETY: every function of the sources has this signature.
        let function: Symbol = *unsafe { self.library.get(name.as_bytes()) }.ok()?;
        let parts = Part::of(inputs, outputs, threads);
        Some(Box::new(move || {
            // SAFETY: there is a column of so many rows for each input and output of the program that the function
            // computes, and parts have different rows.
            let run = |part: &Part| unsafe {
                function(part.inputs.as_ptr(), part.outputs.as_ptr(), part.rows);
            };
            match parts.as_slice() {
                [whole] => run(whole),
                parts => parts.par_iter().with_max_len(1).for_each(run),
            }
        }))
    }
}

/// Some rows of columns.
struct Part {
    inputs: Vec<*const f64>,
    outputs: Vec<*mut f64>,
    rows: usize,
}

// SAFETY: parts of one evaluation have different rows of the outputs, and nobody writes the inputs.
unsafe impl Sync for Part {}

impl Part {
    fn of(inputs: &Columns, outputs: &mut Columns, count: usize) -> Vec<Part> {
        let rows = inputs.rows();
        let size = rows.div_ceil(count).next_multiple_of(LINE);
        let mut targets: Vec<_> = outputs.iter_mut().map(|column| column.chunks_mut(size)).collect();
        (0..rows)
            .step_by(size)
            .map(|first| Part {
                inputs: inputs.iter().map(|column| column[first..].as_ptr()).collect(),
                outputs: targets.iter_mut().filter_map(Iterator::next).map(<[f64]>::as_mut_ptr).collect(),
                rows: size.min(rows - first),
            })
            .collect()
    }
}
