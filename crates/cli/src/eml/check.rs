//! `nc eml check`: whether a tree is the function it is meant to be.

use std::path::PathBuf;

use nc_eml::check::{self, AtPoint, Beyond, Options, Verdict};
use nc_eml::target::{self, Target};
use nc_eml::{Mode, Sizes};
use neural_compiler::Diagnostic;
use serde_json::{Value as Json, json};

use super::GrammarChoice;
use super::point::shown;
use crate::dialect::Over;
use crate::report::{Failure, SourceText, diagnostic_json};
use crate::text::json_number;
use crate::{print, print_json, read_source, report, table, text};

/// Check whether a tree is the function it is meant to be
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml check --target neg tree.eml\n  \
    nc eml check --target 'neg(x)' --mode literal tree.eml --json\n\n\
    The tree is evaluated at published points, every operand of a logarithm looked at, and at random points in high\n\
    precision, which tells near misses and coincidences from the function. Exit status 0 if it passes everywhere, else 1.")]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// The tree; - is standard input
    #[arg(value_name = "TREE")]
    tree: PathBuf,
}

/// What is checked, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct What {
    /// The function or constant, such as neg, 'sin(t)' or pi
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// What the text may contain
    #[arg(long, value_enum, default_value_t)]
    mode: GrammarChoice,
    /// What eml is defined on
    #[arg(long, value_enum, default_value = "complex")]
    over: Over,
    /// The interval of random points, instead of the target's
    #[arg(long, value_name = "LOW..HIGH", value_parser = interval, allow_hyphen_values = true)]
    domain: Option<(f64, f64)>,
    /// The interval of imaginary parts of complex points, which are tried too and only reported
    #[arg(long, value_name = "LOW..HIGH", value_parser = interval, allow_hyphen_values = true, default_value = "-1..1")]
    imaginary: (f64, f64),
    /// How many random points
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    points: u16,
    /// Which random points
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn interval(text: &str) -> Result<(f64, f64), String> {
    let wrong = || "it is written LOW..HIGH, such as 0.1..20".to_string();
    let (low, high) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match (number(low), number(high)) {
        (Some(low), Some(high)) if low < high => Ok((low, high)),
        _ => Err(wrong()),
    }
}

impl What {
    /// The name of the target.
    pub fn challenge(&self) -> Result<&'static str, Failure> {
        self.target().map(|(target, _)| target.name)
    }

    /// The name of the grammar.
    pub fn grammar(&self) -> &'static str {
        self.mode.name()
    }

    fn target(&self) -> Result<(&'static Target, Vec<String>), Failure> {
        Target::parse(&self.target).ok_or_else(|| {
            let names: Vec<&str> = target::ALL.iter().map(|target| target.name).collect();
            let name = self.target.split('(').next().unwrap_or("");
            let mut message = format!("--target: `{}` is none", self.target);
            match target::ALL.iter().find(|target| target.name == name) {
                Some(target) => message += &format!("; {name} takes {} operands", target.variables.len()),
                None => {
                    if let Some(close) = text::closest(name, &names) {
                        message += &format!("; is it `{close}`?");
                    }
                    message += &format!("\n  targets: {}", names.join(" "));
                }
            }
            Failure::usage(message)
        })
    }

    /// The verdict on a text, or what is wrong with it.
    pub fn check(&self, text: &str) -> Result<Result<Verdict, Vec<Diagnostic>>, Failure> {
        let (target, variables) = self.target()?;
        let mode = match self.over {
            Over::Extended => {
                return Err(Failure::usage("--over extended: a tree that takes ln 0 is not valid"));
            }
            over => Mode::from(over),
        };
        let options = Options {
            grammar: self.mode.into(),
            mode,
            random_points: self.points.into(),
            seed: self.seed,
            domain: self.domain,
            imaginary: self.imaginary,
        };
        Ok(check::check(text, target, &variables, &options))
    }
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let challenge = args.what.challenge()?;
    let (name, bytes) = read_source(&args.tree)?;
    let source = SourceText::new(name, bytes);
    let checked = args.what.check(&source.text)?;
    let valid = checked.as_ref().is_ok_and(Verdict::valid);
    if json {
        print_json(&as_json(challenge, args.what.grammar(), &source, &checked))?;
    } else {
        match &checked {
            Ok(verdict) => print(&as_text(challenge, &source, verdict))?,
            Err(errors) => report::diagnostics(&source, errors),
        }
    }
    if valid { Ok(()) } else { Err(Failure::Reported) }
}

/// The verdict as text, a line for each question.
pub fn as_text(challenge: &str, source: &SourceText, verdict: &Verdict) -> String {
    let sizes = &verdict.sizes;
    let mut text = format!(
        "{}: {} for {challenge}\n  nodes {}  K {}  depth {} (board: {})  shared nodes {}\n",
        source.name,
        if verdict.valid() { "valid" } else { "not valid" },
        sizes.nodes,
        sizes.rpn_length,
        sizes.depth,
        sizes.board_depth,
        sizes.shared_nodes,
    );
    let modes: Vec<&str> = verdict.modes.iter().map(|mode| mode.name()).collect();
    text += &format!(
        "  passes the points over: {}\n",
        if modes.is_empty() { "none".into() } else { modes.join(", ") }
    );
    let mut rows = vec![["  where", "expected", "value", "error", "allowed", ""].map(String::from).to_vec()];
    for (title, points) in [("point", &verdict.points), ("precise", &verdict.precise)] {
        rows.extend(points.iter().map(|point| line(title, verdict, point)));
    }
    text += &table(&rows, &[]);
    if let Some(beyond) = &verdict.beyond {
        let Beyond { imaginary: (low, high), points, right } = beyond;
        text += &format!(
            "  domain: {}; right at {right} of {points} points with imaginary parts in {low}..{high}\n",
            beyond.domain(),
        );
    }
    if let Some(reason) = verdict.reason() {
        text += &format!("  {reason}\n");
    }
    text
}

fn line(title: &str, verdict: &Verdict, point: &AtPoint) -> Vec<String> {
    let at: Vec<String> = point.at.iter().map(f64::to_string).collect();
    let (value, error) = match &point.value {
        Ok(value) => (shown(*value), format!("{:.3e}", point.error)),
        Err(fault) => (format!("{} at {}", fault.kind, verdict.tree.excerpt(fault.node)), String::new()),
    };
    vec![
        format!("  {title} {}", at.join(", ")),
        shown(point.expected),
        value,
        error,
        format!("{:e}", point.tolerance),
        if point.passed() { "ok" } else { "FAILED" }.into(),
    ]
}

/// The verdict as a JSON object.
pub fn as_json(
    challenge: &str,
    grammar: &str,
    source: &SourceText,
    checked: &Result<Verdict, Vec<Diagnostic>>,
) -> Json {
    let verdict = match checked {
        Ok(verdict) => verdict,
        Err(errors) => {
            let errors: Vec<Json> = errors.iter().map(|error| diagnostic_json(source, error)).collect();
            return json!({ "target": challenge, "mode": grammar, "valid": false, "errors": errors });
        }
    };
    let points = |points: &[AtPoint]| -> Vec<Json> {
        points.iter().map(|point| point_json(source, verdict, point)).collect()
    };
    let modes: Vec<&str> = verdict.modes.iter().map(|mode| mode.name()).collect();
    json!({
        "target": challenge,
        "mode": grammar,
        "valid": verdict.valid(),
        "reason": verdict.reason(),
        "sizes": sizes_json(&verdict.sizes),
        "passes_over": modes,
        "domain": verdict.beyond.as_ref().map(|beyond| json!({
            "words": beyond.domain(),
            "imaginary": [beyond.imaginary.0, beyond.imaginary.1],
            "points": beyond.points,
            "right": beyond.right,
        })),
        "points": points(&verdict.points),
        "precise": points(&verdict.precise),
    })
}

/// The sizes as a JSON object; numbers that binary64 does not hold are strings.
fn sizes_json(sizes: &Sizes) -> Json {
    let count = |n: u128| match u64::try_from(n) {
        Ok(n) if n < 1 << 53 => json!(n),
        _ => json!(n.to_string()),
    };
    json!({
        "nodes": count(sizes.nodes),
        "K": count(sizes.rpn_length),
        "depth": sizes.depth,
        "board_depth": sizes.board_depth,
        "shared_nodes": sizes.shared_nodes,
        "literals": sizes.literals,
    })
}

fn point_json(source: &SourceText, verdict: &Verdict, point: &AtPoint) -> Json {
    let mut object = json!({
        "at": point.at,
        "passed": point.passed(),
        "expected": [json_number(point.expected.re), json_number(point.expected.im)],
        "tolerance": point.tolerance,
    });
    match &point.value {
        Ok(value) => {
            object["value"] = json!([json_number(value.re), json_number(value.im)]);
            object["error"] = json_number(point.error);
        }
        Err(fault) => {
            let span = verdict.tree.span(fault.node);
            let (line, column) = source.place(span.start as usize);
            object["fault"] = json!({
                "reason": fault.kind.to_string(),
                "node": verdict.tree.excerpt(fault.node),
                "place": { "start": span.start, "end": span.end, "line": line, "column": column },
            });
        }
    }
    object
}
