//! `nc eml calculator`: the functions of a calculator as trees.

use nc_eml::calculator::{self, CALCULATOR, Entry};
use serde_json::{Value as Json, json};

use super::translate::{counts, written};
use crate::report::Failure;
use crate::{print, print_json, table, text};

/// Show the functions of a calculator as trees
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml calculator\n  \
    nc eml calculator sin > sin.eml\n\n\
    Lists the 36 constants, variables, functions and operations of the paper, two constants more, and, with a * behind\n\
    the name, forms with a wider domain; with a name, prints the tree.")]
pub struct Args {
    /// Which one
    #[arg(value_name = "NAME", allow_hyphen_values = true)]
    name: Option<String>,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    match &args.name {
        Some(name) => one(name, json),
        None if json => print_json(&CALCULATOR.iter().map(as_json).collect()),
        None => print(&listing()),
    }
}

fn one(name: &str, json: bool) -> Result<(), Failure> {
    let entry = calculator::find(name).ok_or_else(|| unknown(name))?;
    let (tree, sizes) = (written(&entry.tree())?, entry.tree().sizes());
    if json {
        let mut object = as_json(entry);
        object["tree"] = json!(tree);
        return print_json(&object);
    }
    let mut text = format!("; {} = {}\n; {}\n", entry.name, entry.composition, counts(&sizes));
    text += &format!("; mode {}", entry.mode.name());
    if !entry.valid.is_empty() {
        text += &format!(", right for {}", entry.valid);
    }
    text += &format!("; error in complex128 at most {:e}\n", entry.error);
    if !entry.minimal.is_empty() {
        text += &format!("; {}\n", entry.minimal);
    }
    print(&format!("{text}{tree}\n"))
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = CALCULATOR.iter().map(|entry| entry.name).collect();
    let mut message = format!("the calculator has no `{name}`");
    if let Some(close) = text::closest(name, &names) {
        message += &format!("; is it `{close}`?");
    }
    Failure::usage(message)
}

fn listing() -> String {
    let head = ["name", "nodes", "K", "depth", "shared", "mode", "error", "right for", "shorter trees"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for entry in CALCULATOR {
        let sizes = entry.tree().sizes();
        rows.push(vec![
            entry.name.into(),
            sizes.nodes.to_string(),
            sizes.rpn_length.to_string(),
            sizes.depth.to_string(),
            sizes.shared_nodes.to_string(),
            entry.mode.name().into(),
            format!("{:e}", entry.error),
            entry.valid.into(),
            entry.minimal.into(),
        ]);
    }
    table(&rows, &[1, 2, 3, 4])
}

fn as_json(entry: &Entry) -> Json {
    let sizes = entry.tree().sizes();
    json!({
        "name": entry.name,
        "published": entry.is_published(),
        "operands": entry.operands,
        "target": entry.target,
        "composition": entry.composition,
        "nodes": sizes.nodes.to_string().parse::<u64>().ok(),
        "K": sizes.rpn_length.to_string().parse::<u64>().ok(),
        "depth": sizes.depth,
        "shared_nodes": sizes.shared_nodes,
        "mode": entry.mode.name(),
        "right_for": entry.valid,
        "measured_on": entry.domain,
        "error": entry.error,
        "shorter_trees": entry.minimal,
    })
}
