//! `nc eml paths`: where gradients explode and fade.

use nc_eml::paths::{Cotangent, Diagnosis, Level, Path, diagnose};
use nc_eml::{Kind, Mode, Tree};
use num_complex::Complex64;
use serde_json::{Map, Value as Json, json};

use super::point::{PointArgs, no_value, node_json, node_text, shown, shown_json};
use super::translate::TreeArgs;
use crate::dialect::Over;
use crate::report::{Failure, SourceText};
use crate::text::json_number;
use crate::{print, print_json, table};

/// Levels that are printed at the top and at the bottom.
const LEVELS: usize = 20;
/// Nodes with a warning that are printed.
const WARNED: usize = 10;

/// Show how gradients explode and fade on their way down a tree
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml paths tree.eml --at x=0.5\n  \
    nc eml paths -e 'eml(eml(x,y),eml(1,y))' --at x=2,y=0.1 --over real --json\n\n\
    A left edge multiplies the cotangent by exp l, a right edge by −1/r. Depth is the greatest number of edges from the\n\
    root. Nodes above 1e3 explode, nodes below 1e-3 vanish. Constants are left out.")]
pub struct Args {
    #[command(flatten)]
    tree: TreeArgs,
    #[command(flatten)]
    point: PointArgs,
    /// What eml is defined on
    #[arg(long, value_enum, default_value = "complex")]
    over: Over,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let (source, tree) = args.tree.read()?;
    let mode = match args.over {
        Over::Extended => return Err(Failure::usage("--over extended: infinite values have no derivatives")),
        over => Mode::from(over),
    };
    let inputs = args.point.of(&source, &tree)?;
    let found = diagnose(&tree, mode, &inputs).map_err(|fault| no_value(&source, &tree, fault, true))?;
    if json {
        return print_json(&as_json(&source, &tree, mode, &found));
    }
    print(&as_text(&source, &tree, &found))
}

/// A magnitude by its natural logarithm.
fn magnitude(log: f64) -> String {
    let tens = log / std::f64::consts::LN_10;
    if !log.is_finite() {
        return if log < 0.0 { "0" } else { "–" }.into();
    }
    if tens.abs() < 300.0 {
        return format!("{:.3e}", log.exp());
    }
    let (exponent, rest) = (tens.floor(), tens - tens.floor());
    // Rounding can carry into the exponent.
    let mantissa = format!("{:.3}", 10f64.powf(rest));
    if mantissa == "10.000" { format!("1.000e{}", exponent + 1.0) } else { format!("{mantissa}e{exponent}") }
}

fn as_text(source: &SourceText, tree: &Tree, found: &Diagnosis) -> String {
    let mut text = format!("value = {}\n", shown(found.values[tree.root()]));
    for (name, cotangent) in gradient(tree, found) {
        text += &match cotangent.map(Cotangent::value) {
            Some(value) => format!("d/d{name} = {}\n", shown(value)),
            None => format!("d/d{name} = 0\n"),
        };
    }
    let head = ["depth", "nodes", "greatest", "mean", "least", "explode", "vanish", "zero"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let count = found.levels.len();
    for (depth, level) in found.levels.iter().enumerate() {
        if depth >= LEVELS && depth + LEVELS < count {
            if depth == LEVELS {
                rows.push(vec![format!("… {} levels", count - 2 * LEVELS)]);
            }
            continue;
        }
        rows.push(line(depth, level));
    }
    text += &table(&rows, &[0, 1, 2, 3, 4, 5, 6, 7]);
    for (title, path) in [
        ("steepest path", &found.steepest),
        ("flattest path", &found.flattest),
        ("steepest left run", &found.left),
        ("most damped right run", &found.right),
    ] {
        if let Some(path) = path {
            text += &format!("{title}: {} by {}\n", path.text(), magnitude(path.log));
            text += &format!("  from {}\n", node_text(source, tree, path.start));
            text += &format!("  to {}\n", node_text(source, tree, path.end));
        }
    }
    let mut warned = 0;
    for (node, cotangent) in found.beyond(tree) {
        if warned < WARNED {
            text += &format!("warning: {} has {}\n", node_text(source, tree, node), trouble(cotangent));
        }
        warned += 1;
    }
    if warned > WARNED {
        text += &format!("warning: {} more nodes with cotangents out of range\n", warned - WARNED);
    }
    text
}

fn line(depth: usize, level: &Level) -> Vec<String> {
    let counts = [level.exploding, level.vanishing, level.zeros];
    let logs = [level.greatest, level.mean, level.least];
    let mut cells = vec![depth.to_string(), level.nodes.to_string()];
    cells.extend(logs.map(magnitude));
    cells.extend(counts.map(|count| count.to_string()));
    cells
}

/// What is wrong with a cotangent that is out of range.
fn trouble(cotangent: Cotangent) -> String {
    let log = cotangent.log();
    if cotangent.is_zero() {
        "the cotangent 0".into()
    } else if log > 0.0 {
        format!("a cotangent of {}, which overflows", magnitude(log))
    } else {
        format!("a cotangent of {}, which is next to 0", magnitude(log))
    }
}

/// The cotangents of the variables; nothing for those that the tree does not use.
fn gradient<'a>(
    tree: &'a Tree,
    found: &'a Diagnosis,
) -> impl Iterator<Item = (&'a str, Option<Cotangent>)> + 'a {
    let mut nodes = vec![None; tree.variables().len()];
    for (node, kind) in tree.iter() {
        if let Kind::Variable(index) = kind {
            nodes[index as usize] = Some(found.cotangents[node]);
        }
    }
    tree.variables().iter().map(String::as_str).zip(nodes)
}

fn as_json(source: &SourceText, tree: &Tree, mode: Mode, found: &Diagnosis) -> Json {
    let gradient: Map<String, Json> = gradient(tree, found)
        .map(|(name, cotangent)| {
            let value = cotangent.map_or(Complex64::ZERO, Cotangent::value);
            let log = cotangent.map_or(f64::NEG_INFINITY, Cotangent::log);
            (name.to_string(), json!({ "value": shown_json(mode, value), "ln": json_number(log) }))
        })
        .collect();
    let level = |(depth, level): (usize, &Level)| {
        json!({
            "depth": depth,
            "nodes": level.nodes,
            "ln_greatest": json_number(level.greatest),
            "ln_mean": json_number(level.mean),
            "ln_least": json_number(level.least),
            "exploding": level.exploding,
            "vanishing": level.vanishing,
            "zeros": level.zeros,
        })
    };
    let path = |path: &Option<Path>| match path {
        None => Json::Null,
        Some(path) => json!({
            "sides": path.text(),
            "length": path.sides.len(),
            "ln_product": json_number(path.log),
            "from": node_json(source, tree, path.start),
            "to": node_json(source, tree, path.end),
        }),
    };
    let warnings: Vec<Json> = found
        .beyond(tree)
        .map(|(node, cotangent)| {
            let mut object = node_json(source, tree, node);
            object["ln"] = json_number(cotangent.log());
            object["message"] = trouble(cotangent).into();
            object
        })
        .collect();
    json!({
        "value": shown_json(mode, found.values[tree.root()]),
        "over": mode.name(),
        "gradient": gradient,
        "levels": found.levels.iter().enumerate().map(level).collect::<Vec<_>>(),
        "steepest": path(&found.steepest),
        "flattest": path(&found.flattest),
        "left_run": path(&found.left),
        "right_run": path(&found.right),
        "warnings": warnings,
    })
}
