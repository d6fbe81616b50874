//! Files that appear whole or not at all: temporary ones beside them, which take their names once they are complete.
//!
//! A temporary file is called `.nc-PID-….part` and is locked by the process that writes it. One that nobody has locked was
//! left behind by a process that was killed; whoever writes into the same directory next removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile};

use super::identity::{directory, target};
use super::{FileError, FileProblem};

const PREFIX: &str = ".nc-";
const SUFFIX: &str = ".part";

/// Entries of a directory among which files left behind are looked for.
const SEARCHED: usize = 100_000;

/// How often a temporary file is made anew because another process has taken it for one left behind.
const ATTEMPTS: usize = 10;

/// The temporary files of this process.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    // A list of paths is whole whatever panicked.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of all outputs that are not finished. From then on none can be begun or finished: whoever
/// tries waits for ever. For a process that is about to end, such as by a signal, in a thread of its own.
pub fn remove_unfinished() {
    let mut paths = unfinished();
    for path in paths.drain(..) {
        // What cannot be removed is swept later.
        let _ = fs::remove_file(path);
    }
    std::mem::forget(paths);
}

/// A temporary file that will replace `path`.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) file: NamedTempFile,
    pub(crate) path: PathBuf,
    /// What `path` leads to, if it is a link.
    target: PathBuf,
    /// Behind `file`, which is removed first.
    listed: Listed,
}

/// A place in the list of temporary files, for as long as the file may have to be removed.
#[derive(Debug)]
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

impl Pending {
    /// Makes a temporary file where the file will be, with the permissions of the one that it will replace, if there is one.
    pub(crate) fn create(path: &Path) -> Result<Pending, FileError> {
        let wrong = |action| move |source| FileError::new(path, FileProblem::System { action, source });
        let target = target(path).map_err(wrong("find"))?;
        let replaced = match fs::metadata(&target) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(wrong("replace")(io::Error::other("it is a directory or device")));
            }
            Ok(metadata) => Some(metadata.permissions()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                None
            }
            Err(error) => return Err(wrong("find")(error)),
        };
        let directory = directory(&target);
        if !directory.is_dir() {
            return Err(wrong("create")(io::Error::new(
                io::ErrorKind::NotFound,
                "its directory does not exist",
            )));
        }
        sweep(directory);
        // The error as it comes names the temporary file, which means nothing to the user.
        let create = |error: io::Error| wrong("create")(error.kind().into());
        let (file, listed) = temporary(directory, replaced.as_ref()).map_err(create)?;
        if let Some(permissions) = replaced {
            // Whatever the mask of new files takes away.
            file.as_file().set_permissions(permissions).map_err(create)?;
        }
        Ok(Pending { file, path: path.to_owned(), target, listed })
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<(), FileError> {
        let Pending { file, path, target, listed } = self;
        let paths = unfinished();
        let done = file.persist(target);
        drop(paths);
        drop(listed);
        done.map_err(|error| FileError::new(&path, FileProblem::system("replace")(error.error)))?;
        Ok(())
    }
}

/// Makes a file of this process, and locks it.
fn temporary(directory: &Path, like: Option<&fs::Permissions>) -> io::Result<(NamedTempFile, Listed)> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What any new file gets, less what the user's mask takes away; never more than the replaced one has.
        let mode = like.map_or(0o666, |permissions| permissions.mode() & 0o777);
        builder.permissions(fs::Permissions::from_mode(mode | 0o600));
    }
    for _ in 0..ATTEMPTS {
        let mut paths = unfinished();
        let file = builder.tempfile_in(directory)?;
        paths.push(file.path().to_owned());
        drop(paths);
        let listed = Listed(file.path().to_owned());
        // Where there are no locks nobody sweeps either. A process that took the file for one left behind, between these
        // two steps, has removed it.
        if file.as_file().lock().is_err() || file.path().exists() {
            return Ok((file, listed));
        }
    }
    Err(io::Error::other("other processes remove its temporary file"))
}

/// Removes files that killed processes have left behind.
fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.take(SEARCHED).flatten() {
        let name = entry.file_name();
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if name.to_str().is_some_and(is_temporary) && is_file() && is_left_behind(&entry.path()) {
            // Whoever cannot remove it, may not.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_temporary(name: &str) -> bool {
    let parts = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    let pid = parts.and_then(|parts| parts.split_once('-'));
    pid.is_some_and(|(pid, _)| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether no process has the file locked.
fn is_left_behind(path: &Path) -> bool {
    // The lock goes with the file handle; a file of another user's that cannot be opened stays.
    File::options().write(true).open(path).is_ok_and(|file| file.try_lock().is_ok())
}
