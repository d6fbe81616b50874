//! `nc ops`: the primitives of the language.

use neural_compiler::{LibraryWord, OpInfo, Primitive, PrimitiveInfo};
use serde_json::{Value as Json, json};

use super::report::Failure;
use super::text::closest;
use super::{print, print_json, table};

/// List the primitives of the language, or show some
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc ops\n  \
    nc ops atan\n  \
    nc ops --find root\n  \
    nc ops --family vector --json\n\n\
    `domain` is where an operation is defined, if not everywhere; outside, its value is what IEEE 754 gives.\n\
    `bound` is how far an element of the result may lie from the exact one for the same operands. Derivatives without\n\
    an entry follow from those of the operations that the primitive is made of.")]
pub struct Args {
    /// A primitive, whose entry is shown on a page of its own; several are possible
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only primitives with this text in their names or in what they are
    #[arg(long, value_name = "TEXT")]
    find: Option<String>,
    /// Only primitives of this family
    #[arg(long, value_name = "FAMILY")]
    family: Option<String>,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let all: Vec<&PrimitiveInfo> = Primitive::all().map(|primitive| primitive.info()).collect();
    let mut chosen: Vec<&PrimitiveInfo> = Vec::new();
    let mut words = LibraryWord::all();
    let named = |word: &LibraryWord| args.names.contains(&word.name);
    for name in &args.names {
        if words.iter().any(|word| word.name == *name) {
            continue;
        }
        let Some(info) = all.iter().find(|info| info.name == *name) else {
            let mut names: Vec<&str> = all.iter().map(|info| info.name).collect();
            names.extend(words.iter().map(|word| word.name.as_str()));
            let failure = Failure::message("unknown-primitive", format!("there is no primitive `{name}`"));
            return Err(match closest(name, &names) {
                Some(close) => failure.note(format!("is it `{close}`?")),
                None => failure.note("`nc ops` lists them all, and `nc ops --find TEXT` some"),
            });
        };
        chosen.push(info);
    }
    if args.names.is_empty() {
        chosen.clone_from(&all);
    } else {
        words.retain(named);
    }
    if let Some(family) = &args.family {
        if family == LIBRARY {
            chosen.clear();
        } else {
            words.clear();
        }
        if family != LIBRARY && all.iter().all(|info| info.family != family) {
            let mut families: Vec<&str> = all.iter().map(|info| info.family).collect();
            families.dedup();
            families.push(LIBRARY);
            let message = format!("there is no family `{family}`; there are {}", families.join(", "));
            return Err(Failure::message("unknown-family", message));
        }
        chosen.retain(|info| info.family == family);
    }
    if let Some(text) = &args.find {
        let text = text.to_lowercase();
        chosen.retain(|info| [info.name, info.doc].iter().any(|part| part.to_lowercase().contains(&text)));
        words.retain(|word| [&word.name, &word.doc].iter().any(|part| part.to_lowercase().contains(&text)));
        if chosen.is_empty() && words.is_empty() && !json {
            return Err(Failure::message("unknown-primitive", format!("no primitive has {text:?} in it")));
        }
    }
    if json {
        let mut objects: Vec<Json> = chosen.into_iter().map(object).collect();
        objects.extend(words.iter().map(word_object));
        return print_json(&objects.into());
    }
    if !args.names.is_empty() {
        let mut pages: Vec<String> = chosen.into_iter().map(page).collect();
        pages.extend(words.iter().map(word_page));
        return print(&pages.join("\n"));
    }
    let mut rows = vec![
        ["family", "call", "operands", "what it is", "derivative", "kinks", "domain", "bound"]
            .map(String::from)
            .to_vec(),
    ];
    for info in chosen {
        let of_op = |text: fn(&OpInfo) -> String| {
            info.op().filter(|_| info.alias_of.is_none()).map(text).unwrap_or_default()
        };
        rows.push(vec![
            info.family.to_string(),
            calls(info).join(" "),
            arity(info),
            doc(info),
            of_op(|op| op.derivative.to_string()),
            of_op(|op| op.kinks.to_string()),
            of_op(|op| domain(op).unwrap_or_default()),
            of_op(|op| op.bound.to_string()),
        ]);
    }
    for word in words {
        let none = String::new;
        let operands = word.usage.matches(' ').count().to_string();
        rows.push(vec![LIBRARY.into(), word.usage, operands, word.doc, none(), none(), none(), none()]);
    }
    print(&table(&rows, &[]))
}

/// The family of what is no primitive: forms that take functions, and what is written in the language.
const LIBRARY: &str = "library";

/// Where a word of the library is defined; nothing for a form.
fn place(word: &LibraryWord) -> Option<String> {
    word.place.map(|(file, line)| format!("{file}:{line}"))
}

/// Everything about a word of the library as JSON.
fn word_object(word: &LibraryWord) -> Json {
    json!({
        "name": word.name,
        "family": LIBRARY,
        "usage": word.usage,
        "doc": word.doc,
        "place": place(word),
    })
}

/// A word of the library on a page of its own.
fn word_page(word: &LibraryWord) -> String {
    let rows = [
        ("what it is", word.doc.clone()),
        ("calls", word.usage.clone()),
        ("family", LIBRARY.to_string()),
        ("defined in", place(word).unwrap_or_default()),
    ];
    let lines = rows.into_iter().filter(|(_, text)| !text.is_empty());
    let lines = lines.map(|(what, text)| vec![format!("  {what}"), text]);
    format!("{}\n{}", word.name, table(&lines.collect::<Vec<_>>(), &[]))
}

/// Everything about a primitive as JSON.
fn object(info: &PrimitiveInfo) -> Json {
    let op = info.op();
    json!({
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
    })
}

/// A primitive on a page of its own.
fn page(info: &PrimitiveInfo) -> String {
    let mut rows = vec![
        ("what it is", doc(info)),
        ("calls", calls(info).join("  ")),
        ("operands", arity(info)),
        ("family", info.family.to_string()),
    ];
    if let Some(op) = info.op() {
        rows.push(("derivative", op.derivative.to_string()));
        rows.push(("kinks", op.kinks.to_string()));
        rows.push(("domain", domain(op).unwrap_or_else(|| "everywhere".into())));
        rows.push(("bound", op.bound.to_string()));
    }
    let lines = rows.into_iter().filter(|(_, text)| !text.is_empty());
    let lines = lines.map(|(what, text)| vec![format!("  {what}"), text]);
    format!("{}\n{}", info.name, table(&lines.collect::<Vec<_>>(), &[]))
}

/// How it is called.
fn calls(info: &PrimitiveInfo) -> Vec<String> {
    match info.usage {
        "" => vec![format!("({})", info.name)],
        usage => usage.split(" | ").map(|usage| format!("({} {usage})", info.name)).collect(),
    }
}

fn arity(info: &PrimitiveInfo) -> String {
    match (info.arity.min, info.arity.max) {
        (min, Some(max)) if min == max => min.to_string(),
        (min, Some(max)) => format!("{min}–{max}"),
        (min, None) => format!("{min}+"),
    }
}

fn doc(info: &PrimitiveInfo) -> String {
    match info.alias_of {
        Some(name) => format!("the same as {name}"),
        None => info.doc.to_string(),
    }
}

/// Where an operation is defined; nothing for everywhere.
fn domain(op: &OpInfo) -> Option<String> {
    op.domain.map(|domain| op.in_words(domain.text))
}
