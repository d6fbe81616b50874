//! A board of submissions in one SQLite file: every submission is kept, valid or not, and records are never taken back.
//!
//! All writing is in immediate transactions under a rollback journal with full synchronisation: a process that is killed
//! leaves the state before its transaction, and concurrent submitters wait for each other.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

/// Most characters of a submitter's name.
pub const LONGEST_NAME: usize = 64;

/// Most characters of a text that the published board takes.
pub const LONGEST_EXPRESSION: usize = 4000;

/// Most bytes of a text that is kept, valid or not.
pub const LARGEST_EXPRESSION: usize = 1 << 20;

/// Marks the file as a board, in SQLite's header.
const APPLICATION: i32 = 0x454D_4C42;
const VERSION: i32 = 1;

/// How long a submitter waits for others.
const PATIENCE: Duration = Duration::from_secs(60);

const SCHEMA: &str = "
CREATE TABLE submissions (
    id INTEGER PRIMARY KEY,
    challenge TEXT NOT NULL,
    name TEXT NOT NULL,
    submitted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    grammar TEXT NOT NULL,
    expression TEXT NOT NULL,
    valid INTEGER NOT NULL CHECK (valid IN (0, 1)),
    reason TEXT,
    nodes INTEGER, rpn_length INTEGER, depth INTEGER, shared_nodes INTEGER,
    CHECK ((valid = 1) = (reason IS NULL)),
    CHECK (valid = 0 OR nodes IS NOT NULL)
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    challenge TEXT NOT NULL,
    grammar TEXT NOT NULL,
    nodes INTEGER NOT NULL,
    submission INTEGER NOT NULL REFERENCES submissions (id)
) STRICT;
CREATE INDEX by_challenge ON submissions (challenge, grammar, nodes);
CREATE TRIGGER record AFTER INSERT ON submissions
WHEN NEW.valid = 1 AND NEW.nodes < coalesce(
    (SELECT min(nodes) FROM records WHERE challenge = NEW.challenge AND grammar = NEW.grammar),
    9223372036854775807)
BEGIN
    INSERT INTO records (challenge, grammar, nodes, submission)
    VALUES (NEW.challenge, NEW.grammar, NEW.nodes, NEW.id);
END;
CREATE TRIGGER submissions_stay BEFORE DELETE ON submissions
BEGIN SELECT raise(ABORT, 'submissions are permanent'); END;
CREATE TRIGGER submissions_stand BEFORE UPDATE ON submissions
BEGIN SELECT raise(ABORT, 'submissions are permanent'); END;
CREATE TRIGGER records_stay BEFORE DELETE ON records
BEGIN SELECT raise(ABORT, 'records are permanent'); END;
CREATE TRIGGER records_stand BEFORE UPDATE ON records
BEGIN SELECT raise(ABORT, 'records are permanent'); END;
";

/// Why a board cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The database says so.
    #[error("the board cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// It is a file of something else.
    #[error("the file is no board")]
    Foreign,
    /// It was made by a later version.
    #[error("the board has format {0}, which this version does not know")]
    Newer(i32),
    /// The name of the submitter.
    #[error("a name has 1 to {LONGEST_NAME} characters, none of them a control character")]
    Name,
    /// The text that is submitted.
    #[error("a text of {0} bytes is not kept: {LARGEST_EXPRESSION} are the most")]
    Expression(usize),
}

/// How large a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Internal nodes of the tree, equal subtrees counted as often as they stand there: what records are about.
    pub nodes: u128,
    /// Length in reverse Polish notation.
    pub rpn_length: u128,
    /// Edges from the root to the deepest leaf.
    pub depth: u32,
    /// Internal nodes, equal subtrees counted once.
    pub shared_nodes: usize,
}

/// What is submitted.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// The target.
    pub challenge: &'a str,
    /// Who submits it.
    pub name: &'a str,
    /// Its text.
    pub expression: &'a str,
    /// The grammar it was read in.
    pub grammar: &'a str,
    /// How large it is, if it could be read.
    pub sizes: Option<Sizes>,
    /// Why it is not valid.
    pub reason: Option<&'a str>,
}

/// A submission on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number, in the order of arrival.
    pub id: i64,
    /// The target.
    pub challenge: String,
    /// Who submitted it.
    pub name: String,
    /// When, in UTC.
    pub submitted_at: String,
    /// The grammar.
    pub grammar: String,
    /// Its text.
    pub expression: String,
    /// Why it is not valid; nothing if it is.
    pub reason: Option<String>,
    /// Internal nodes, if it could be read.
    pub nodes: Option<i64>,
    /// The paper's K.
    pub rpn_length: Option<i64>,
    /// Edges to the deepest leaf.
    pub depth: Option<i64>,
    /// Whether it was the smallest valid one of its challenge and grammar when it came.
    pub record: bool,
}

/// An open board.
#[derive(Debug)]
pub struct Board {
    connection: Connection,
}

impl Board {
    /// Opens the board, or makes it.
    ///
    /// # Errors
    ///
    /// A file that cannot be opened or is no board.
    pub fn open(path: &Path) -> Result<Board, BoardError> {
        let mut connection = Connection::open(path)?;
        settle(&connection)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if is_empty(&transaction)? {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        known(&transaction)?;
        transaction.commit()?;
        Ok(Board { connection })
    }

    /// Opens a board that exists, to look at it.
    ///
    /// # Errors
    ///
    /// As [`Board::open`], and a file that does not exist.
    pub fn open_existing(path: &Path) -> Result<Board, BoardError> {
        // Writing is needed to undo what a killed submitter left half done.
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        settle(&connection)?;
        known(&connection)?;
        Ok(Board { connection })
    }

    /// Adds a submission, and returns it as it stands on the board.
    ///
    /// # Errors
    ///
    /// A name that is empty or too long, a text that is too long to be kept; the database.
    pub fn submit(&mut self, submission: &Submission<'_>) -> Result<Entry, BoardError> {
        let name = submission.name.trim();
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(BoardError::Name);
        }
        if submission.expression.len() > LARGEST_EXPRESSION {
            return Err(BoardError::Expression(submission.expression.len()));
        }
        let count = |n: u128| i64::try_from(n).unwrap_or(i64::MAX);
        let sizes = submission.sizes;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO submissions
             (challenge, name, grammar, expression, valid, reason, nodes, rpn_length, depth, shared_nodes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                submission.challenge,
                name,
                submission.grammar,
                submission.expression,
                submission.reason.is_none(),
                submission.reason,
                sizes.map(|sizes| count(sizes.nodes)),
                sizes.map(|sizes| count(sizes.rpn_length)),
                sizes.map(|sizes| i64::from(sizes.depth)),
                sizes.map(|sizes| count(sizes.shared_nodes as u128)),
            ],
        )?;
        let id = transaction.last_insert_rowid();
        let entry = transaction.query_row(&select("WHERE s.id = ?1"), [id], entry)?;
        transaction.commit()?;
        Ok(entry)
    }

    /// The targets that have submissions.
    ///
    /// # Errors
    ///
    /// The database.
    pub fn challenges(&self) -> Result<Vec<String>, BoardError> {
        let mut query =
            self.connection.prepare("SELECT DISTINCT challenge FROM submissions ORDER BY challenge")?;
        let names = query.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Every submission for a target: valid ones by size, the earlier one first, then the others by time.
    ///
    /// # Errors
    ///
    /// The database.
    pub fn entries(&self, challenge: &str) -> Result<Vec<Entry>, BoardError> {
        let order = "WHERE s.challenge = ?1 ORDER BY s.valid DESC, iif(s.valid, s.nodes, 0), s.id";
        let mut query = self.connection.prepare(&select(order))?;
        let entries = query.query_map([challenge], entry)?;
        Ok(entries.collect::<Result<_, _>>()?)
    }
}

/// Waits for others instead of failing, and has every commit on the disk before it counts.
fn settle(connection: &Connection) -> Result<(), BoardError> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

fn is_empty(transaction: &Transaction<'_>) -> Result<bool, BoardError> {
    let objects: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects == 0)
}

/// Refuses files that are no boards of this format.
fn known(connection: &Connection) -> Result<(), BoardError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if number("application_id")? != APPLICATION {
        return Err(BoardError::Foreign);
    }
    match number("user_version")? {
        VERSION => Ok(()),
        other => Err(BoardError::Newer(other)),
    }
}

fn select(condition: &str) -> String {
    format!(
        "SELECT s.id, s.challenge, s.name, s.submitted_at, s.grammar, s.expression, s.reason, s.nodes, s.rpn_length,
         s.depth, EXISTS (SELECT 1 FROM records r WHERE r.submission = s.id) FROM submissions s {condition}"
    )
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        challenge: row.get(1)?,
        name: row.get(2)?,
        submitted_at: row.get(3)?,
        grammar: row.get(4)?,
        expression: row.get(5)?,
        reason: row.get(6)?,
        nodes: row.get(7)?,
        rpn_length: row.get(8)?,
        depth: row.get(9)?,
        record: row.get(10)?,
    })
}
