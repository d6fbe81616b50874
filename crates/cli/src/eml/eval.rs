//! `nc eml eval`: the value of a tree at a point.

use nc_eml::scaled::{self, Number, Scaled};
use nc_eml::{Mode, evaluate};
use serde_json::{Value as Json, json};

use super::point::{PointArgs, no_value, shown, shown_json};
use super::translate::TreeArgs;
use crate::dialect::Over;
use crate::report::Failure;
use crate::text::json_number;
use crate::{print, print_json};

/// Evaluate a tree at a point
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml eval tree.eml --at x=0.5\n  \
    nc eml eval -e 'exp(exp(exp(x)))' --at x=3 --scaled\n\n\
    With --scaled, a number that binary64 does not have is printed as exp(…exp(t)), and a bound of the error is printed\n\
    too: of the value, or of t.")]
pub struct Args {
    #[command(flatten)]
    tree: TreeArgs,
    #[command(flatten)]
    point: PointArgs,
    /// What eml is defined on
    #[arg(long, value_enum, default_value = "complex")]
    over: Over,
    /// Over the reals, without overflow, and with a bound of the error
    #[arg(long, conflicts_with = "over")]
    scaled: bool,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let (source, tree) = args.tree.read()?;
    let inputs = args.point.of(&source, &tree)?;
    if args.scaled {
        if inputs.iter().any(|input| input.im != 0.0) {
            return Err(Failure::usage("--scaled: evaluation is over the reals, and the point is not"));
        }
        let inputs: Vec<f64> = inputs.iter().map(|input| input.re).collect();
        let value =
            scaled::evaluate(&tree, &inputs).map_err(|fault| no_value(&source, &tree, fault, false))?;
        return if json { print_json(&scaled_json(value)) } else { print(&scaled_text(value)) };
    }
    let mode = Mode::from(args.over);
    let value = evaluate(&tree, mode, &inputs).map_err(|fault| no_value(&source, &tree, fault, true))?;
    if json {
        return print_json(&json!({ "value": shown_json(mode, value), "over": mode.name() }));
    }
    print(&format!("value = {}\n", shown(value)))
}

fn scaled_text(value: Scaled) -> String {
    let of = match value.number {
        Number::Plain(_) => "its error",
        Number::Tower { .. } => "the error of the innermost number",
    };
    format!("value = {}\n{of} is at most {:.2e}\n", value.number, value.error)
}

fn scaled_json(value: Scaled) -> Json {
    let tower = match value.number {
        Number::Plain(_) => Json::Null,
        Number::Tower { negative, small, height, top } => {
            json!({ "negative": negative, "small": small, "height": height, "top": top })
        }
    };
    json!({
        "value": value.value().map(json_number),
        "tower": tower,
        "text": value.number.to_string(),
        "error": json_number(value.error),
    })
}
