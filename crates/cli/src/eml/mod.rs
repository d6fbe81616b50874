//! `nc eml`: trees of the operator `eml(x, y) = exp(x) − ln(y)`.

mod board;
mod calculator;
mod cells;
mod check;
mod cost;
mod eval;
mod feasible;
mod fit;
mod paths;
mod point;
mod translate;

use clap::{Subcommand, ValueEnum};
use neural_compiler::internals::dialect::eml::Grammar;

use super::report::Failure;

/// Work with trees of the one operator eml(x, y) = exp(x) − ln(y)
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml check --target neg tree.eml\n  \
    nc eml raise tree.eml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Eval(eval::Args),
    Paths(paths::Args),
    Cells(cells::Args),
    Submit(board::SubmitArgs),
    Board(board::BoardArgs),
    Cost(cost::Args),
    Calculator(calculator::Args),
    Expand(translate::ExpandArgs),
    Raise(translate::RaiseArgs),
    Shorten(translate::ShortenArgs),
    Grad(translate::GradArgs),
    Fit(fit::Args),
    Feasible(feasible::Args),
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, json),
        Command::Eval(args) => eval::run(args, json),
        Command::Paths(args) => paths::run(args, json),
        Command::Cells(args) => cells::run(args, json),
        Command::Submit(args) => board::submit(args, json),
        Command::Board(args) => board::show(args, json),
        Command::Cost(args) => cost::run(args, json),
        Command::Calculator(args) => calculator::run(args, json),
        Command::Expand(args) => translate::run_expand(args, json),
        Command::Raise(args) => translate::run_raise(args, json),
        Command::Shorten(args) => translate::run_shorten(args, json),
        Command::Grad(args) => translate::run_grad(args, json),
        Command::Fit(args) => fit::run(args, json),
        Command::Feasible(args) => feasible::run(args, json),
    }
}

/// What the text may contain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum GrammarChoice {
    /// The leaf 1, variables and eml
    #[default]
    Strict,
    /// Numbers as leaves too, and exp ln neg add sub mul div pow recip sqrt by name
    Literal,
}

impl From<GrammarChoice> for Grammar {
    fn from(choice: GrammarChoice) -> Grammar {
        match choice {
            GrammarChoice::Strict => Grammar::Strict,
            GrammarChoice::Literal => Grammar::Literal,
        }
    }
}

impl GrammarChoice {
    fn name(self) -> &'static str {
        match self {
            GrammarChoice::Strict => "strict",
            GrammarChoice::Literal => "literal",
        }
    }
}
