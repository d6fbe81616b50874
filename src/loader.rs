//! Where imported files come from.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

/// Why a file cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadError {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl LoadError {
    /// An error without advice.
    pub fn new(message: impl Into<String>) -> LoadError {
        LoadError { message: message.into(), help: String::new() }
    }

    /// Adds advice.
    pub fn help(self, help: impl Into<String>) -> LoadError {
        LoadError { help: help.into(), ..self }
    }
}

/// Finds and reads the files that a program imports.
///
/// A function from paths to texts is one: paths that are relative to the importing file are made relative to the program, and
/// none leads above it.
///
/// ```
/// use neural_compiler::{Dialect, Program, ReaderLimits, SourceMap};
///
/// let files = |path: &str| (path == "lib/gas.scm").then(|| "(define (pressure n t v) (/ (* n 8.314 t) v))".to_string());
/// let text = "(import (prefix \"lib/gas.scm\" gas:)) (gas:pressure 2 t 0.5)";
/// let mut sources = SourceMap::new();
/// let main = sources.add("main.scm", text).expect("a short text");
/// let program = Program::parse_files(&mut sources, main, Dialect::Scheme, &ReaderLimits::default(), &files);
/// assert_eq!(program.expect("a program").inputs().collect::<Vec<_>>(), ["t"]);
/// ```
pub trait Loader {
    /// The file that a path means in an import of the file `from`, or of the program itself where that is nothing. What is
    /// returned stands for the file from then on; it is the same however the file is reached.
    ///
    /// # Errors
    ///
    /// There is no such file, or it may not be imported.
    fn find(&self, path: &str, from: Option<&str>) -> Result<String, LoadError>;

    /// What a file that was found holds, of which more than `limit` bytes are of no use.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn read(&self, file: &str, limit: usize) -> Result<Vec<u8>, LoadError>;

    /// What messages call a file that was found.
    fn name(&self, file: &str) -> String {
        file.to_string()
    }

    /// The file that the program itself is, if an import could find it: importing it is a cycle.
    fn program(&self) -> Option<String> {
        None
    }
}

impl<F: Fn(&str) -> Option<String>> Loader for F {
    fn find(&self, path: &str, from: Option<&str>) -> Result<String, LoadError> {
        let folder = from.and_then(|from| from.rsplit_once('/')).map_or("", |(folder, _)| folder);
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        if path.starts_with('/') {
            return Err(absolute(path));
        }
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| leads_out(path))?;
                }
                part => parts.push(part),
            }
        }
        Ok(parts.join("/"))
    }

    fn read(&self, file: &str, _limit: usize) -> Result<Vec<u8>, LoadError> {
        self(file).map(String::into_bytes).ok_or_else(|| LoadError::new(format!("there is no file `{file}`")))
    }
}

fn absolute(path: &str) -> LoadError {
    LoadError::new(format!("`{path}` is an absolute path"))
        .help("imports are relative to the file they stand in, or to a folder of `--library DIR` (`FolderLoader::library`)")
}

fn leads_out(path: &str) -> LoadError {
    LoadError::new(format!("`{path}` leads out of the folder of the program")).help(
        "import from that folder by `--library DIR` (`FolderLoader::library`), with paths relative to it, \
         or put the file below the program",
    )
}

/// A folder from which files are imported.
#[derive(Debug, Clone)]
struct Folder {
    /// Where it is, without symbolic links.
    root: PathBuf,
    /// As the caller calls it.
    shown: PathBuf,
}

impl Folder {
    fn of(path: &Path) -> io::Result<Folder> {
        let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let root = here.canonicalize()?;
        if !root.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder"));
        }
        Ok(Folder { root, shown: path.to_path_buf() })
    }
}

/// Imports files of a folder and of folders that are named as libraries.
///
/// A path is relative to the importing file; if there is no such file, to each library in turn. No path leads out of the folder
/// of the program or of a library, not by `..`, not by symbolic links; absolute paths are refused.
#[derive(Debug, Clone)]
pub struct FolderLoader {
    /// The folder of the program, then the libraries.
    folders: Vec<Folder>,
    program: Option<PathBuf>,
}

impl FolderLoader {
    /// For the program in a file, which imports from its folder.
    ///
    /// # Errors
    ///
    /// There is no such file.
    pub fn of_program(program: impl AsRef<Path>) -> io::Result<FolderLoader> {
        let program = program.as_ref();
        let folder = Folder::of(program.parent().unwrap_or(Path::new("")))?;
        Ok(FolderLoader { folders: vec![folder], program: Some(program.canonicalize()?) })
    }

    /// For a program that is no file of its own, and imports from this folder.
    ///
    /// # Errors
    ///
    /// There is no such folder.
    pub fn of_folder(folder: impl AsRef<Path>) -> io::Result<FolderLoader> {
        Ok(FolderLoader { folders: vec![Folder::of(folder.as_ref())?], program: None })
    }

    /// Adds a folder of which files can be imported, too, by paths relative to it.
    ///
    /// # Errors
    ///
    /// There is no such folder.
    pub fn library(mut self, folder: impl AsRef<Path>) -> io::Result<FolderLoader> {
        self.folders.push(Folder::of(folder.as_ref())?);
        Ok(self)
    }

    /// The innermost folder that a file is in, if it is in any.
    fn folder_of(&self, file: &Path) -> Option<&Folder> {
        let around = self.folders.iter().filter(|folder| file.starts_with(&folder.root));
        around.max_by_key(|folder| folder.root.components().count())
    }
}

/// Whether the parts of a path lead above the folder that is `depth` levels down.
fn climbs(path: &Path, mut depth: usize) -> bool {
    path.components().any(|part| match part {
        Component::ParentDir => match depth.checked_sub(1) {
            Some(less) => {
                depth = less;
                false
            }
            None => true,
        },
        Component::Normal(_) => {
            depth += 1;
            false
        }
        Component::CurDir | Component::RootDir | Component::Prefix(_) => false,
    })
}

impl Loader for FolderLoader {
    fn find(&self, path: &str, from: Option<&str>) -> Result<String, LoadError> {
        let relative = Path::new(path);
        let rooted = |part: Component<'_>| matches!(part, Component::RootDir | Component::Prefix(_));
        if relative.components().any(rooted) {
            return Err(absolute(path));
        }
        let own = &self.folders[0];
        // The importing file stands in one of the folders: it was found there.
        let beside = from.and_then(|from| Path::new(from).parent()).unwrap_or(&own.root);
        let around = self.folder_of(beside).unwrap_or(own);
        let depth = beside.strip_prefix(&around.root).map_or(0, |inside| inside.components().count());
        let libraries = self.folders[1..].iter().map(|folder| (folder.root.as_path(), 0));
        let mut refused = None;
        for (base, depth) in std::iter::once((beside, depth)).chain(libraries) {
            if climbs(relative, depth) {
                refused.get_or_insert_with(|| leads_out(path));
                continue;
            }
            let found = match base.join(relative).canonicalize() {
                Ok(found) => found,
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
                {
                    continue;
                }
                Err(error) => return Err(LoadError::new(format!("cannot find `{path}`: {error}"))),
            };
            if self.folder_of(&found).is_none() {
                refused.get_or_insert_with(|| leads_out(path));
                continue;
            }
            let kind = fs::metadata(&found).map_err(|error| LoadError::new(format!("`{path}`: {error}")))?;
            if kind.is_dir() {
                return Err(
                    LoadError::new(format!("`{path}` is a folder")).help("import a file of it by its name")
                );
            }
            if !kind.is_file() {
                return Err(LoadError::new(format!("`{path}` is a device, and no file")));
            }
            return found.into_os_string().into_string().map_err(|_| {
                LoadError::new(format!("the place of `{path}` has a name that is no UTF-8"))
                    .help("rename the folder")
            });
        }
        Err(refused.unwrap_or_else(|| {
            let place = around.shown.join(beside.strip_prefix(&around.root).unwrap_or(Path::new("")));
            let place = match place.as_os_str().is_empty() {
                true => "this folder".to_string(),
                false => format!("`{}`", place.display()),
            };
            let libraries = if self.folders.len() > 1 { " nor in the libraries" } else { "" };
            let not = if libraries.is_empty() { "no" } else { "neither a" };
            LoadError::new(format!("there is {not} file `{path}` in {place}{libraries}")).help(
                "paths are relative to the file they stand in; `--library DIR` (`FolderLoader::library`) adds a folder",
            )
        }))
    }

    fn read(&self, file: &str, limit: usize) -> Result<Vec<u8>, LoadError> {
        let wrong = |error: io::Error| LoadError::new(format!("cannot read `{}`: {error}", self.name(file)));
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        File::open(file).map_err(wrong)?.take(most).read_to_end(&mut bytes).map_err(wrong)?;
        Ok(bytes)
    }

    fn name(&self, file: &str) -> String {
        let path = Path::new(file);
        match self.folder_of(path) {
            Some(folder) => {
                let inside = path.strip_prefix(&folder.root).unwrap_or(path);
                folder.shown.join(inside).display().to_string()
            }
            None => file.to_string(),
        }
    }

    fn program(&self) -> Option<String> {
        self.program.as_ref().and_then(|path| path.to_str()).map(str::to_string)
    }
}
