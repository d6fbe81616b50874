//! `nc eml feasible`: whether a function can be a tree at all.

use std::path::PathBuf;

use nc_eml::feasible::{Place, Refused, Report, Verdict, What, Zeros, feasible};
use serde_json::{Value as Json, json};

use super::translate::{counts, counts_json};
use crate::dialect::DialectArgs;
use crate::report::Failure;
use crate::text::{json_number, number};
use crate::{Loaded, print, print_json};

/// Say whether a function can be a tree of eml, over the reals or the complex numbers, and why not
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml feasible -e '(sin x)'\n  \
    nc eml feasible -e '(max 0 x)' --json\n\n\
    The function has one variable. A real tree is analytic where it has values and has finitely many zeros (A. Wilkie, 1996); complex\n\
    trees are all elementary functions, and choices between such but where the sides of a comparison are equal. Operations that are no\n\
    elementary functions exclude both with certainty; zeros, kinks and poles are looked for at points, and are evidence.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// An expression instead of a program
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true, conflicts_with = "program")]
    expression: Option<String>,
    #[command(flatten)]
    dialect: DialectArgs,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let loaded = Loaded::open_with(args.program.as_deref(), args.expression.as_deref(), &args.dialect)?;
    let report = feasible(&loaded.program).map_err(|refused| match refused {
        Refused::Program(error) => Failure::library(loaded.source.clone(), error),
        other => Failure::message("shape", format!("{}: {other}", loaded.source.name)),
    })?;
    if json { print_json(&as_json(&report)) } else { print(&as_text(&report)) }
}

fn place(place: &Place) -> String {
    let x = number(place.x);
    match place.what {
        What::Jump(below, above) => format!("a jump at {x}, from {below:.6} to {above:.6}"),
        What::Kink(below, above) => {
            format!("a kink at {x}: the derivative is {below:.6} below and {above:.6} above")
        }
        What::Steep => format!("at {x} the derivative grows beyond all bounds"),
        What::Pole => format!("a pole at {x}"),
    }
}

fn zeros(zeros: &Zeros) -> String {
    let what = ["the function", "its derivative", "its second derivative"][zeros.order as usize % 3];
    let counts: Vec<String> =
        zeros.counts.iter().map(|(reach, count)| format!("{count} in |x| ≤ {reach}")).collect();
    format!("{what} has more zeros in every longer interval: {}", counts.join(", "))
}

/// Why there is none, or none everywhere.
fn reasons(report: &Report) -> Vec<String> {
    let mut reasons: Vec<String> =
        report.not_elementary.iter().map(|name| format!("`{name}` is no elementary function")).collect();
    reasons.extend(report.places.iter().map(place));
    if report.places.is_empty() && report.tree.is_none() && !report.choices.is_empty() {
        let names: Vec<String> = report.choices.iter().map(|name| format!("`{name}`")).collect();
        reasons.push(format!("{} may have kinks of a higher order", names.join(", ")));
    }
    reasons.extend(report.zeros.iter().map(zeros));
    if report.without_value > 0.0 {
        reasons.push(format!("{:.1} % of |x| ≤ 10 have no value", 100.0 * report.without_value));
    }
    reasons
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "yes",
        Verdict::Partly => "on a part of where the function has values",
        Verdict::Piecewise => "on each side of jumps, kinks and steep places, not across them",
        Verdict::No => "none",
        Verdict::Open => "nothing speaks against one, and none is known here",
    }
}

fn as_text(report: &Report) -> String {
    let mut text =
        format!("real tree:    {}\ncomplex tree: {}\n", verdict(report.real), verdict(report.complex));
    for reason in reasons(report) {
        text += &format!("  {reason}\n");
    }
    if let Some((tree, covered)) = &report.tree {
        text += &format!(
            "  a tree over the {} numbers: {}; it has a value at {:.0} % of the points where the function has one\n",
            tree.mode.name(),
            counts(&tree.tree.sizes()),
            100.0 * covered
        );
    }
    text
}

fn as_json(report: &Report) -> Json {
    let places = report.places.iter().map(|place| match place.what {
        What::Jump(below, above) => {
            json!({"x": place.x, "is": "jump", "below": json_number(below), "above": json_number(above)})
        }
        What::Kink(below, above) => {
            json!({"x": place.x, "is": "kink", "below": json_number(below), "above": json_number(above)})
        }
        What::Steep => json!({"x": place.x, "is": "steep"}),
        What::Pole => json!({"x": place.x, "is": "pole"}),
    });
    json!({
        "real": report.real.name(),
        "complex": report.complex.name(),
        "not_elementary": report.not_elementary,
        "choices": report.choices,
        "places": places.collect::<Vec<Json>>(),
        "zeros": report.zeros.as_ref().map(|zeros| json!({
            "of_derivative": zeros.order,
            "counts": zeros.counts.iter().map(|(reach, count)| json!({"reach": reach, "zeros": count})).collect::<Vec<Json>>(),
        })),
        "without_value": report.without_value,
        "tree": report.tree.as_ref().map(|(tree, covered)| json!({
            "over": tree.mode.name(),
            "counts": counts_json(&tree.tree.sizes()),
            "covered": covered,
        })),
    })
}
