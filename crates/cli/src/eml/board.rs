//! `nc eml submit` and `nc eml board`: a board of submissions in a file.

use std::path::{Path, PathBuf};

use nc_board::{Board, BoardError, Entry, LONGEST_EXPRESSION, Submission, Verified};
use serde_json::{Value as Json, json};

use super::check::{self, What};
use crate::report::{Failure, SourceText, printable};
use crate::{print, print_json, read_source, report, table};

/// Submit a tree to a board
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml submit --board board.sqlite --name Ada --target neg tree.eml\n\n\
    Every submission is kept, valid or not. A valid one with fewer nodes than all before it, for the same target and in\n\
    the same mode, is the record. Texts of more than 1 MiB are refused. Exit status 0 if it is valid, else 1.")]
pub struct SubmitArgs {
    /// The file of the board, which is made if it does not exist
    #[arg(long, value_name = "FILE")]
    board: PathBuf,
    /// Who submits it
    #[arg(long)]
    name: String,
    #[command(flatten)]
    what: What,
    /// Most characters of a valid submission
    #[arg(long, value_name = "N", default_value_t = LONGEST_EXPRESSION)]
    limit: usize,
    /// The tree; - is standard input
    #[arg(value_name = "TREE")]
    tree: PathBuf,
}

/// Show a board
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml board --board board.sqlite\n  \
    nc eml board --board board.sqlite --target neg --json\n  \
    nc eml board --board board.sqlite --verify\n\n\
    Lists all submissions, valid ones by their number of nodes first; records are marked. --verify looks through the chain\n\
    of hashes instead, and prints the last one: note it elsewhere, and --verify HASH says whether it is still there. Exit\n\
    status 1 if something was changed.")]
pub struct BoardArgs {
    /// The file of the board
    #[arg(long, value_name = "FILE")]
    board: PathBuf,
    /// Only this target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Look for changes of what was submitted; with a hash that was noted, also of the chain as a whole
    #[arg(long, value_name = "HASH", num_args = 0..=1, conflicts_with = "target")]
    verify: Option<Option<String>>,
}

/// Runs `nc eml submit`.
pub fn submit(args: &SubmitArgs, json: bool) -> Result<(), Failure> {
    let challenge = args.what.challenge()?;
    let (name, bytes) = read_source(&args.tree)?;
    let source = SourceText::new(name, bytes);
    let characters = source.text.trim().chars().count();
    let too_long = (characters > args.limit)
        .then(|| format!("{characters} characters, and a submission has {} at most", args.limit));
    let checked = match too_long {
        Some(_) => None,
        None => Some(args.what.check(&source.text)?),
    };
    let (sizes, reason) = match &checked {
        Some(Ok(verdict)) => (Some(counted(&verdict.sizes)), verdict.reason()),
        Some(Err(errors)) => (None, errors.first().map(ToString::to_string)),
        None => (None, too_long),
    };
    let submission = Submission {
        challenge,
        name: &args.name,
        expression: source.text.trim(),
        grammar: args.what.grammar(),
        sizes,
        reason: reason.as_deref(),
    };
    let mut board = Board::open(&args.board).map_err(|error| failure(&args.board, &error))?;
    let entry = board.submit(&submission).map_err(|error| failure(&args.board, &error))?;
    if json {
        let mut object = match &checked {
            Some(checked) => check::as_json(challenge, args.what.grammar(), &source, checked),
            None => json!({
                "target": challenge,
                "mode": args.what.grammar(),
                "valid": false,
                "reason": entry.reason,
            }),
        };
        object["submission"] = entry_json(&entry);
        print_json(&object)?;
    } else {
        match &checked {
            Some(Ok(verdict)) => print(&check::as_text(challenge, &source, verdict))?,
            Some(Err(errors)) => report::diagnostics(&source, errors),
            None => {
                print(&format!("{}: not valid: {}\n", source.name, reason.as_deref().unwrap_or_default()))?
            }
        }
        let record = if entry.record { ", the record" } else { "" };
        print(&format!("submission {} at {}{record}\n", entry.id, entry.submitted_at))?;
    }
    if entry.reason.is_none() { Ok(()) } else { Err(Failure::Reported) }
}

fn counted(sizes: &nc_eml::Sizes) -> nc_board::Sizes {
    nc_board::Sizes {
        nodes: sizes.nodes,
        rpn_length: sizes.rpn_length,
        depth: sizes.depth,
        shared_nodes: sizes.shared_nodes,
    }
}

/// Runs `nc eml board`.
pub fn show(args: &BoardArgs, json: bool) -> Result<(), Failure> {
    let wrong = |error: BoardError| failure(&args.board, &error);
    let mut board = Board::open_existing(&args.board).map_err(wrong)?;
    if let Some(noted) = &args.verify {
        let verified = board.verify(noted.as_deref()).map_err(wrong)?;
        return verify(args, &verified, json);
    }
    let challenges = match &args.target {
        Some(target) => vec![target.clone()],
        None => board.challenges().map_err(wrong)?,
    };
    let mut objects = Vec::new();
    for challenge in challenges {
        let entries = board.entries(&challenge).map_err(wrong)?;
        if json {
            let entries: Vec<Json> = entries.iter().map(entry_json).collect();
            objects.push(json!({ "target": challenge, "submissions": entries }));
        } else {
            print(&printable(&leaderboard(&challenge, &entries)))?;
        }
    }
    if json { print_json(&json!(objects)) } else { Ok(()) }
}

/// Says what a look through the chain has found.
fn verify(args: &BoardArgs, verified: &Verified, json: bool) -> Result<(), Failure> {
    let Verified { submissions, hash, changed, noted } = verified;
    let sound = changed.is_none() && *noted != Some(false);
    if json {
        print_json(&json!({
            "submissions": submissions, "hash": hash, "changed": changed, "noted": noted, "sound": sound,
        }))?;
        return if sound { Ok(()) } else { Err(Failure::Reported) };
    }
    let board = args.board.display();
    if let Some(id) = changed {
        let message = format!("{board}: submission {id} is not what was submitted, or is missing");
        return Err(Failure::message("board", message).note(format!("the last hash before it: {hash}")));
    }
    if *noted == Some(false) {
        let message =
            format!("{board}: the chain has not come by the hash that was noted: history was changed");
        return Err(Failure::message("board", message).note(format!("its last hash is {hash}")));
    }
    print(&printable(&format!("{board}: {submissions} submissions, all as submitted\nlast hash {hash}\n")))
}

fn leaderboard(challenge: &str, entries: &[Entry]) -> String {
    let mut rows = vec![["  nr", "nodes", "K", "mode", "name", "time", ""].map(String::from).to_vec()];
    for entry in entries {
        let count = |n: Option<i64>| n.map_or("–".into(), |n| n.to_string());
        let state = match (&entry.reason, entry.record) {
            (Some(reason), _) => format!("not valid: {reason}"),
            (None, true) => "record".into(),
            (None, false) => String::new(),
        };
        rows.push(vec![
            format!("  {}", entry.id),
            count(entry.nodes),
            count(entry.rpn_length),
            entry.grammar.clone(),
            entry.name.clone(),
            entry.submitted_at.clone(),
            state,
        ]);
    }
    format!("{challenge}\n{}", table(&rows, &[0, 1, 2]))
}

fn entry_json(entry: &Entry) -> Json {
    json!({
        "id": entry.id,
        "name": entry.name,
        "time": entry.submitted_at,
        "mode": entry.grammar,
        "valid": entry.reason.is_none(),
        "reason": entry.reason,
        "nodes": entry.nodes,
        "K": entry.rpn_length,
        "depth": entry.depth,
        "record": entry.record,
        "expression": entry.expression,
    })
}

fn failure(path: &Path, error: &BoardError) -> Failure {
    Failure::message("board", format!("{}: {error}", path.display()))
}
