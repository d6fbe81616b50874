//! `nc ops`: the primitives of the language.

use neural_compiler::{OpInfo, Primitive};
use serde_json::{Value as Json, json};

use super::report::Failure;
use super::{print, print_json, table};

/// List the primitives of the language
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc ops\n  \
    nc ops --json\n\n\
    `domain` is where an operation is defined, if not everywhere; outside, its value is what IEEE 754 gives.\n\
    `bound` is how far an element of the result may lie from the exact one for the same operands. Derivatives without\n\
    an entry follow from those of the operations that the primitive is made of.")]
pub struct Args {}

/// Runs the subcommand.
pub fn run(json: bool) -> Result<(), Failure> {
    let mut rows = vec![
        ["family", "call", "operands", "what it is", "derivative", "kinks", "domain", "bound"]
            .map(String::from)
            .to_vec(),
    ];
    let mut objects: Vec<Json> = Vec::new();
    for primitive in Primitive::all() {
        let info = primitive.info();
        let op = info.op();
        let arity = match (info.arity.min, info.arity.max) {
            (min, Some(max)) if min == max => min.to_string(),
            (min, Some(max)) => format!("{min}–{max}"),
            (min, None) => format!("{min}+"),
        };
        let doc = match info.alias_of {
            Some(name) => format!("the same as {name}"),
            None => info.doc.to_string(),
        };
        if json {
            objects.push(json!({
                "name": info.name,
                "alias_of": info.alias_of,
                "family": info.family,
                "usage": info.usage,
                "min_operands": info.arity.min,
                "max_operands": info.arity.max,
                "doc": info.doc,
                "derivative": op.map(|op| op.derivative),
                "kinks": op.map(|op| op.kinks),
                "domain": op.and_then(domain),
                "bound": op.map(|op| op.bound.to_string()),
            }));
            continue;
        }
        let call = if info.usage.is_empty() {
            format!("({})", info.name)
        } else {
            let calls = info.usage.split(" | ").map(|usage| format!("({} {usage})", info.name));
            calls.collect::<Vec<_>>().join(" ")
        };
        let of_op = |text: fn(&OpInfo) -> String| {
            op.filter(|_| info.alias_of.is_none()).map(text).unwrap_or_default()
        };
        rows.push(vec![
            info.family.to_string(),
            call,
            arity,
            doc,
            of_op(|op| op.derivative.to_string()),
            of_op(|op| op.kinks.to_string()),
            of_op(|op| domain(op).unwrap_or_default()),
            of_op(|op| op.bound.to_string()),
        ]);
    }
    if json { print_json(&objects.into()) } else { print(&table(&rows, &[])) }
}

/// Where an operation is defined; nothing for everywhere.
fn domain(op: &OpInfo) -> Option<String> {
    op.domain.map(|domain| op.in_words(domain.text))
}
