//! A board of submissions in one SQLite file: every submission is kept, valid or not, and records are never taken back.
//!
//! All writing is in immediate transactions under a rollback journal with full synchronisation: a process that is killed
//! leaves the state before its transaction, and concurrent submitters wait for each other.
//!
//! Submissions are chained: with each stands the SHA-256 hash of what it holds and of the hash before it. So a change of what was
//! submitted is found by [`Board::verify`], and, by whoever has noted the last hash, a change of the chain as a whole.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

/// Most characters of a submitter's name.
pub const LONGEST_NAME: usize = 64;

/// Most characters of a text that the published board takes.
pub const LONGEST_EXPRESSION: usize = 4000;

/// Most bytes of a text that is kept, valid or not.
pub const LARGEST_EXPRESSION: usize = 1 << 20;

/// Marks the file as a board, in SQLite's header.
const APPLICATION: i32 = 0x454D_4C42;
const VERSION: i32 = 2;

/// Boards of this version have no chain yet; they get one when something is submitted.
const WITHOUT_CHAIN: i32 = 1;

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

const CHAIN: &str = "
CREATE TABLE chain (
    submission INTEGER PRIMARY KEY REFERENCES submissions (id),
    hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER chain_stays BEFORE DELETE ON chain
BEGIN SELECT raise(ABORT, 'the chain is permanent'); END;
CREATE TRIGGER chain_stands BEFORE UPDATE ON chain
BEGIN SELECT raise(ABORT, 'the chain is permanent'); END;
";

/// What stands before the first submission.
const BEGINNING: &str = "a board of trees";

/// Why a board cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The database says so.
    #[error("the board cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// A path that SQLite takes for something other than a file.
    #[error("a board is a file, and SQLite takes this name for something else: put ./ in front of it")]
    NoFile,
    /// It has no chain of hashes: it was made by an older version, and nothing has been submitted since.
    #[error("the board has no chain of hashes yet: the next submission makes it")]
    Unchained,
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

/// What a look through the chain of a board has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many submissions stand on the board.
    pub submissions: i64,
    /// The last hash that is right, in hexadecimal: who has noted one knows that nothing before it was changed.
    pub hash: String,
    /// The first submission that is not what was submitted, or that is missing.
    pub changed: Option<i64>,
    /// Whether a hash that was noted before is one of the right ones; `None` if none was asked for.
    pub noted: Option<bool>,
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
        is_file(path)?;
        let mut connection = Connection::open_with_flags(path, PLAIN | OpenFlags::SQLITE_OPEN_CREATE)?;
        settle(&connection)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if is_empty(&transaction)? {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", WITHOUT_CHAIN)?;
        }
        if known(&transaction)? == WITHOUT_CHAIN {
            transaction.execute_batch(CHAIN)?;
            let ids: Vec<i64> = ids(&transaction)?;
            for id in ids {
                extend_chain(&transaction, id)?;
            }
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
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
        is_file(path)?;
        let connection = Connection::open_with_flags(path, PLAIN)?;
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
        extend_chain(&transaction, id)?;
        let entry = transaction.query_row(&select("WHERE s.id = ?1"), [id], entry)?;
        transaction.commit()?;
        Ok(entry)
    }

    /// Looks through the chain of hashes for a submission that was changed, taken away or put in, and for a hash that was noted
    /// before.
    ///
    /// # Errors
    ///
    /// A board without a chain; the database.
    pub fn verify(&mut self, noted: Option<&str>) -> Result<Verified, BoardError> {
        let transaction = self.connection.transaction()?;
        if known(&transaction)? == WITHOUT_CHAIN {
            return Err(BoardError::Unchained);
        }
        let hash = hex(Sha256::digest(BEGINNING));
        let mut found = noted.map(|noted| noted.eq_ignore_ascii_case(&hash));
        let mut verified = Verified { submissions: 0, hash, changed: None, noted: None };
        // Numbers count without gaps, since nothing is taken away; what has no link is none of the chain.
        let links: i64 =
            transaction.query_row("SELECT coalesce(max(submission), 0) FROM chain", [], |row| row.get(0))?;
        let last = ids(&transaction)?.last().copied().unwrap_or(0);
        verified.submissions =
            transaction.query_row("SELECT count(*) FROM submissions", [], |row| row.get(0))?;
        for id in 1..=links.max(last) {
            let query = "SELECT hash FROM chain WHERE submission = ?1";
            let stored: Option<String> = transaction.query_row(query, [id], |row| row.get(0)).optional()?;
            let right = link(&transaction, id, &verified.hash)?;
            match (stored, right) {
                (Some(stored), Some(right)) if stored == right => {
                    found = noted.map(|noted| found == Some(true) || noted.eq_ignore_ascii_case(&right));
                    verified.hash = right;
                }
                _ => {
                    verified.changed = Some(id);
                    break;
                }
            }
        }
        verified.noted = found;
        Ok(verified)
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

/// How files are opened: names are names, and no URIs.
const PLAIN: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Refuses what SQLite takes for something else than a file: nothing would be kept.
fn is_file(path: &Path) -> Result<(), BoardError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let other =
        bytes.is_empty() || bytes.starts_with(b":") || bytes.to_ascii_lowercase().starts_with(b"file:");
    if other { Err(BoardError::NoFile) } else { Ok(()) }
}

/// The numbers of all submissions, in order.
fn ids(transaction: &Transaction<'_>) -> Result<Vec<i64>, BoardError> {
    let mut query = transaction.prepare("SELECT id FROM submissions ORDER BY id")?;
    let ids = query.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Adds a submission, which is the last, to the chain.
fn extend_chain(transaction: &Transaction<'_>, id: i64) -> Result<(), BoardError> {
    let query = "SELECT hash FROM chain ORDER BY submission DESC LIMIT 1";
    let before: Option<String> = transaction.query_row(query, [], |row| row.get(0)).optional()?;
    let before = before.unwrap_or_else(|| hex(Sha256::digest(BEGINNING)));
    let link = link(transaction, id, &before)?;
    transaction.execute("INSERT INTO chain (submission, hash) VALUES (?1, ?2)", params![id, link])?;
    Ok(())
}

/// The hash of a submission with what made it a record, and of the hash before it; `None` if there is no such submission.
fn link(transaction: &Transaction<'_>, id: i64, before: &str) -> Result<Option<String>, BoardError> {
    // Every column as text or nothing, each with its length in front, so that no two submissions are hashed alike.
    let query = "SELECT CAST(s.id AS TEXT), s.challenge, s.name, s.submitted_at, s.grammar, s.expression,
         CAST(s.valid AS TEXT), s.reason, CAST(s.nodes AS TEXT), CAST(s.rpn_length AS TEXT), CAST(s.depth AS TEXT),
         CAST(s.shared_nodes AS TEXT),
         (SELECT r.challenge || ' ' || r.grammar || ' ' || r.nodes FROM records r WHERE r.submission = s.id)
         FROM submissions s WHERE s.id = ?1";
    const COLUMNS: usize = 13;
    let columns = transaction
        .query_row(query, [id], |row| {
            (0..COLUMNS).map(|k| row.get(k)).collect::<rusqlite::Result<Vec<Option<String>>>>()
        })
        .optional()?;
    Ok(columns.map(|columns| {
        let mut hash = Sha256::new();
        hash.update(before);
        for column in columns {
            match column {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text);
                }
            }
        }
        hex(hash.finalize())
    }))
}

/// Bytes in hexadecimal.
fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The format of a board. Refuses files that are no boards, or boards of formats to come.
fn known(connection: &Connection) -> Result<i32, BoardError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if number("application_id")? != APPLICATION {
        return Err(BoardError::Foreign);
    }
    match number("user_version")? {
        version @ (WITHOUT_CHAIN | VERSION) => Ok(version),
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
