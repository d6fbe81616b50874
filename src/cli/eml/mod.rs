//! `nc eml`: trees of the operator `eml(x, y) = exp(x) − ln(y)`.

mod translate;

use clap::Subcommand;

use super::report::Failure;

/// Work with trees of the one operator eml(x, y) = exp(x) − ln(y)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Expand(translate::ExpandArgs),
    Raise(translate::RaiseArgs),
    Shorten(translate::ShortenArgs),
    Grad(translate::GradArgs),
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    match &args.command {
        Command::Expand(args) => translate::run_expand(args, json),
        Command::Raise(args) => translate::run_raise(args, json),
        Command::Shorten(args) => translate::run_shorten(args, json),
        Command::Grad(args) => translate::run_grad(args, json),
    }
}
