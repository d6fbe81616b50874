//! One test in a process of its own, within bounds.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Passed,
    Failed,
    /// It took more processor time than it may, or waited without end.
    Endless,
}

/// A test of a binary.
#[derive(Clone)]
pub struct Test {
    pub binary: String,
    pub path: PathBuf,
    pub folder: PathBuf,
    pub name: String,
    /// Processor time without a mutant, in seconds.
    pub seconds: f64,
}

/// What a test runs under.
pub enum Switch<'a> {
    Mutant(u32),
    Coverage(&'a Path),
}

/// Address space of a test in bytes.
const SPACE: u64 = 24 << 30;

/// Runs a test; the end, and its processor time in seconds.
pub fn run(test: &Test, root: &Path, switch: Switch, seconds: f64) -> (End, f64) {
    let mut command = Command::new(&test.path);
    command
        .current_dir(&test.folder)
        .args(["--exact", &test.name])
        .env("INSTA_UPDATE", "no")
        .env("INSTA_WORKSPACE_ROOT", root)
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .env("PROPTEST_RNG_SEED", "1")
        .env_remove("NC_TIER")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match switch {
        Switch::Mutant(id) => command.env("NC_MUTANT", id.to_string()),
        Switch::Coverage(file) => command.env("NC_MUTANT_COVERAGE", file),
    };
    let bound = seconds.ceil() as u64;
    // SAFETY: the closure calls setpgid and setrlimit only, which are safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::setpgid(0, 0);
            for (what, limit) in [(libc::RLIMIT_CPU, bound), (libc::RLIMIT_AS, SPACE), (libc::RLIMIT_CORE, 0)]
            {
                let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
                libc::setrlimit(what, &limit);
            }
            Ok(())
        });
    }
    let child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", test.path.display()));
    let pid = child.id() as libc::pid_t;
    let start = Instant::now();
    let waiting = Duration::from_secs_f64(20.0 * seconds + 60.0);
    let mut pause = 1;
    loop {
        let mut status = 0;
        // SAFETY: rusage is plain data, and both pointers are valid.
        let (done, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(pid, &mut status, libc::WNOHANG, &mut usage), usage)
        };
        if done == pid {
            let time = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
            let used = time(usage.ru_utime) + time(usage.ru_stime);
            let end = if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
                End::Passed
            } else if libc::WIFSIGNALED(status)
                && matches!(libc::WTERMSIG(status), libc::SIGKILL | libc::SIGXCPU)
            {
                End::Endless
            } else {
                End::Failed
            };
            // What a killed test has started ends with it.
            // SAFETY: a signal to the group of the child.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
            return (end, used);
        }
        if start.elapsed() > waiting {
            // SAFETY: a signal to the group of the child.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
        }
        std::thread::sleep(Duration::from_millis(pause));
        pause = (pause * 2).min(20);
    }
}

/// The tests of a binary.
pub fn list(binary: &crate::tree::Binary) -> Vec<Test> {
    let output = Command::new(&binary.path)
        .current_dir(&binary.folder)
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", binary.path.display()));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(|name| Test {
            binary: binary.name.clone(),
            path: binary.path.clone(),
            folder: binary.folder.clone(),
            name: name.into(),
            seconds: 0.0,
        })
        .collect()
}
