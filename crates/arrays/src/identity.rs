//! Which file a name stands for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Links that are followed, one after the other; Linux has the same limit.
const MAX_LINKS: usize = 40;

/// The file that a path leads to, whether it is there or not: equal for two names of one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileIdentity(Identity);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and number of a file that is there: hard links have the same.
    #[cfg(unix)]
    There(u64, u64),
    /// The path without links.
    Path(PathBuf),
}

impl FileIdentity {
    /// Finds the file. One that is not there is known by its directory and its name.
    ///
    /// # Errors
    /// If the system does not find its directory.
    pub fn of(path: impl AsRef<Path>) -> io::Result<FileIdentity> {
        let target = target(path.as_ref())?;
        #[cfg(unix)]
        if let Ok(metadata) = fs::metadata(&target) {
            use std::os::unix::fs::MetadataExt;
            return Ok(FileIdentity(Identity::There(metadata.dev(), metadata.ino())));
        }
        let path = match fs::canonicalize(&target) {
            Ok(path) => path,
            Err(_) => {
                let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
                fs::canonicalize(directory(&target))?.join(name)
            }
        };
        Ok(FileIdentity(Identity::Path(path)))
    }
}

/// The path that links lead to, also if there is nothing yet.
///
/// # Errors
/// If they lead in a circle.
pub(crate) fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            // A relative link counts from the directory that it stands in.
            Ok(next) => path = directory(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The directory that a path names something in.
pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}
