//! Boards in files: what they refuse, and what they keep when a writer is killed.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nc_board::{Board, BoardError, Sizes, Submission};
use tempfile::TempDir;

const NEG: &str = "eml(eml(1,eml(eml(1,eml(1,eml(x,1))),1)),eml(eml(1,1),1))";

#[test]
fn files_that_are_no_boards() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("text"), "this is a text file, and longer than a header of SQLite ".repeat(40)).unwrap();
    let foreign = rusqlite::Connection::open(path("foreign")).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Board::open(&path("foreign")), Err(BoardError::Foreign)));
    assert!(matches!(Board::open(&path("text")), Err(BoardError::Database(_))));
    assert!(Board::open_existing(&path("none")).is_err());
    assert!(!path("none").exists());
    let mut board = Board::open(&path("b.sqlite")).unwrap();
    let submission = Submission {
        challenge: "neg",
        name: "",
        expression: NEG,
        grammar: "strict",
        sizes: None,
        reason: Some("no"),
    };
    for name in ["", "  ", "a\u{7}b", "x".repeat(65).as_str()] {
        assert!(
            matches!(board.submit(&Submission { name, ..submission }), Err(BoardError::Name)),
            "{name:?}"
        );
    }
    assert!(board.challenges().unwrap().is_empty());
}

#[test]
fn nothing_is_ever_taken_back() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("b.sqlite");
    let mut board = Board::open(&path).unwrap();
    let sizes = Sizes { nodes: 8, rpn_length: 17, depth: 6, shared_nodes: 7 };
    let submission = Submission {
        challenge: "neg",
        name: "Ada",
        expression: NEG,
        grammar: "strict",
        sizes: Some(sizes),
        reason: None,
    };
    assert!(board.submit(&submission).unwrap().record);
    let connection = rusqlite::Connection::open(&path).unwrap();
    for change in [
        "DELETE FROM submissions",
        "UPDATE submissions SET name = 'Eve'",
        "DELETE FROM records",
        "UPDATE records SET nodes = 9",
    ] {
        let error = connection.execute(change, []).unwrap_err().to_string();
        assert!(error.contains("are permanent"), "{change}: {error}");
    }
}

/// A board with three submissions, and the hash behind each.
fn three(path: &std::path::Path) -> Vec<String> {
    let mut board = Board::open(path).unwrap();
    let sizes = Sizes { nodes: 8, rpn_length: 17, depth: 6, shared_nodes: 7 };
    let submission = |name| Submission {
        challenge: "neg",
        name,
        expression: NEG,
        grammar: "strict",
        sizes: Some(sizes),
        reason: None,
    };
    let hashes = ["Ada", "Bob", "Eve"].map(|name| {
        board.submit(&submission(name)).unwrap();
        board.verify(None).unwrap().hash
    });
    hashes.to_vec()
}

#[test]
fn changes_of_history_are_found() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("b.sqlite");
    let hashes = three(&path);
    assert_eq!(hashes[2].len(), 64);
    let verify = |noted: Option<&str>| {
        let verified = Board::open_existing(&path).unwrap().verify(noted).unwrap();
        (verified.submissions, verified.changed, verified.noted)
    };
    assert_eq!(verify(None), (3, None, None));
    for hash in &hashes {
        assert_eq!(verify(Some(hash)), (3, None, Some(true)));
    }
    assert_eq!(verify(Some("00")), (3, None, Some(false)));
    // Who can write the file can take its guards away.
    let whole = fs::read(&path).unwrap();
    let guards = "DROP TRIGGER submissions_stand; DROP TRIGGER submissions_stay; DROP TRIGGER records_stay;
        DROP TRIGGER records_stand; DROP TRIGGER chain_stays; DROP TRIGGER chain_stands; PRAGMA foreign_keys = 0;";
    for (change, first) in [
        ("UPDATE submissions SET name = 'Mallory' WHERE id = 2", 2),
        ("UPDATE submissions SET submitted_at = '2000' WHERE id = 3", 3),
        ("UPDATE submissions SET nodes = NULL, valid = 0, reason = '' WHERE id = 1", 1),
        ("DELETE FROM submissions WHERE id = 2", 2),
        ("DELETE FROM submissions WHERE id = 3", 3),
        ("DELETE FROM records", 1),
        ("UPDATE chain SET hash = 'x' WHERE submission = 2", 2),
        ("DELETE FROM chain WHERE submission = 3", 3),
        (
            "INSERT INTO submissions (challenge, name, grammar, expression, valid, reason) VALUES ('a', 'b', 'c', 'd', 0, '')",
            4,
        ),
    ] {
        fs::write(&path, &whole).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(guards).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        assert_eq!(verify(Some(&hashes[0])).1, Some(first), "{change}");
    }
    // A chain that is made anew is sound by itself, and not what was noted.
    fs::write(&path, &whole).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(guards).unwrap();
    connection
        .execute_batch("UPDATE submissions SET name = 'Mallory'; DROP TABLE chain; PRAGMA user_version = 1")
        .unwrap();
    drop(connection);
    let unchained = Board::open_existing(&path).unwrap().verify(None);
    assert!(matches!(unchained, Err(BoardError::Unchained)));
    drop(Board::open(&path).unwrap());
    assert_eq!(verify(Some(&hashes[2])), (3, None, Some(false)));
}

#[test]
fn boards_are_files() {
    for name in ["", ":memory:", "file:b.sqlite", "FILE:b.sqlite?mode=memory"] {
        assert!(matches!(Board::open(name.as_ref()), Err(BoardError::NoFile)), "{name}");
        assert!(matches!(Board::open_existing(name.as_ref()), Err(BoardError::NoFile)), "{name}");
    }
    let dir = TempDir::new().unwrap();
    let odd = dir.path().join("file:b.sqlite");
    three(&odd);
    assert!(odd.exists());
}

/// Writes to the board named in the environment until it is killed, and says so for each submission that is on it.
#[test]
#[ignore = "a part of a_kill_during_a_write_leaves_a_whole_board, which runs it in a process of its own"]
fn writes_until_killed() {
    let Some(path) = std::env::var_os("EML_BOARD") else { return };
    let long = format!("{NEG} ;{}", "x".repeat(200_000));
    let mut board = Board::open(path.as_ref()).unwrap();
    loop {
        let submission = Submission {
            challenge: "neg",
            name: "writer",
            expression: &long,
            grammar: "strict",
            sizes: None,
            reason: Some("none"),
        };
        let entry = board.submit(&submission).unwrap();
        eprintln!("kept {}", entry.id);
    }
}

#[test]
fn a_kill_during_a_write_leaves_a_whole_board() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("b.sqlite");
    drop(Board::open(&path).unwrap());
    let mut least = 0;
    for round in 0u32..8 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_until_killed", "--ignored", "--nocapture"])
            .env("EML_BOARD", &path)
            .stdout(Stdio::null())
            .stderr(Stdio::from(fs::File::create(dir.path().join("kept")).unwrap()))
            .spawn()
            .unwrap();
        // Somewhere in the middle of a write, elsewhere each time.
        let start = Instant::now();
        let known = || fs::read_to_string(dir.path().join("kept")).unwrap();
        while known().lines().count() < 2 && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(u64::from(round) * 937));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What was said to be kept is there, whole.
        let told = known();
        let whole_lines = told.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let kept = whole_lines
            .lines()
            .filter_map(|line| line.strip_prefix("kept "))
            .next_back()
            .unwrap()
            .parse()
            .unwrap();
        let board = Board::open_existing(&path).unwrap();
        let entries = board.entries("neg").unwrap();
        assert!(entries.len() >= kept && kept > least, "{} of {kept}", entries.len());
        assert!(entries.iter().all(|entry| entry.expression.len() == NEG.len() + 2 + 200_000));
        let connection = rusqlite::Connection::open(&path).unwrap();
        let state: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(state, "ok");
        least = kept;
    }
}
