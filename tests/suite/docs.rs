//! The pages of `docs/` against the compiler: tables of primitives and examples.

use crate::support;

use std::fmt::Write as _;

use nc_runtime::batch::{RowOutcome, Workspace};
use neural_compiler::{CompileOptions, Dialect, Error, LibraryWord, Primitive, Program, ReaderLimits, Tier};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/language.md");
const MECHANICS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mechanics.md");
const NETWORKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/networks.md");
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.md");
const BEGIN: &str = "<!-- ops -->\n";
const END: &str = "<!-- /ops -->\n";

/// A cell of a table: `|` would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The tables of primitives, one for each family.
fn tables() -> String {
    let mut families: Vec<&str> = Vec::new();
    for primitive in Primitive::all() {
        if !families.contains(&primitive.info().family) {
            families.push(primitive.info().family);
        }
    }
    let mut text = String::new();
    for family in families {
        let mut title = family.to_string();
        title[..1].make_ascii_uppercase();
        let _ = writeln!(text, "\n### {title}\n");
        text +=
            "| usage | value | derivative | at kinks | safe domain | bound |\n|---|---|---|---|---|---|\n";
        for primitive in Primitive::all().filter(|p| p.info().family == family) {
            let info = primitive.info();
            let usages: Vec<String> =
                info.usage.split(" | ").map(|usage| format!("`({} {usage})`", info.name)).collect();
            let usage = usages.join(", ");
            if let Some(original) = info.alias_of {
                let _ = writeln!(text, "| {} | the same as `{original}` | | | | |", cell(&usage));
                continue;
            }
            let (derivative, kinks, domain, bound) = match info.op() {
                Some(op) => {
                    let domain = op.domain.map(|domain| op.in_words(domain.text)).unwrap_or_default();
                    (op.derivative, op.kinks, domain, op.bound.to_string())
                }
                None => ("", "", String::new(), String::new()),
            };
            let cells = [&usage, info.doc, derivative, kinks, &domain, &bound].map(cell);
            let _ = writeln!(
                text,
                "|{}|",
                cells.map(|c| if c.is_empty() { " ".into() } else { format!(" {c} ") }).join("|")
            );
        }
    }
    text += "\n### Functions of functions, and the library\n\n| usage | value | written in the language |\n|---|---|---|\n";
    for word in LibraryWord::all() {
        let place = word.place.map(|(file, _)| format!("`src/{file}`")).unwrap_or_else(|| " ".into());
        let place = place.trim();
        let _ = writeln!(text, "| `{}` | {} | {place} |", cell(&word.usage), cell(&word.doc));
    }
    text + "\n"
}

#[test]
fn tables_of_primitives() {
    let document = std::fs::read_to_string(PATH).expect("the language reference");
    let (before, rest) = document.split_once(BEGIN).expect("a mark where the tables begin");
    let (_, after) = rest.split_once(END).expect("a mark where the tables end");
    let current = format!("{before}{BEGIN}{}{END}{after}", tables());
    if support::blessing() {
        std::fs::write(PATH, &current).expect("the language reference can be written");
    } else {
        assert!(
            document == current,
            "docs/language.md is not what the op table says; `INSTA_UPDATE=always cargo test --test suite docs` writes it anew"
        );
    }
}

/// An example says in its last comment what its value is, `; x = 1, y = 2 ⇒ 3 4`, or what is wrong, `; error[code]`.
fn check(example: &str, dialect: Dialect, comment: &str) {
    let last = example.lines().last().unwrap_or("");
    let (_, claim) = last.rsplit_once(comment).unwrap_or_else(|| panic!("no claim in\n{example}"));
    let compiled = Program::parse_as(example, dialect, &ReaderLimits::default()).and_then(|program| {
        let kernels = [Tier::Interpret, support::native_tier()]
            .map(|tier| program.compile(&CompileOptions::default().tier(tier)));
        let [interpreted, native] = kernels;
        Ok((program, [interpreted?, native?]))
    });
    if claim.starts_with("error[") {
        match compiled {
            Err(Error::Source(errors)) => {
                assert_eq!(format!("error[{}]", errors[0].code), claim, "{example}")
            }
            _ => panic!("no error in\n{example}"),
        }
        return;
    }
    let (program, kernels) = compiled.unwrap_or_else(|error| panic!("{error} in\n{example}"));
    let (inputs, results) = claim.split_once('⇒').unwrap_or_else(|| panic!("no claim in\n{example}"));
    let (names, values): (Vec<&str>, Vec<f64>) = inputs
        .split(',')
        .filter_map(|input| input.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().parse::<f64>().expect("a number")))
        .unzip();
    assert_eq!(program.inputs().collect::<Vec<_>>(), names, "{example}");
    let expected: Vec<f64> = results.split_whitespace().map(|x| x.parse().expect("a number")).collect();
    for kernel in kernels {
        let mut found = vec![0.0; expected.len()];
        let mut workspace = Workspace::new();
        let outcome = kernel.evaluate_row(&values, &[], &mut found, &mut [], &mut workspace);
        assert_eq!(outcome, Ok(RowOutcome::Done), "{example}");
        assert_eq!(found, expected, "{example}");
    }
}

#[test]
fn examples() {
    for (path, dialect, comment, least) in [
        (PATH, Dialect::Scheme, "; ", 20),
        (PATH, Dialect::Infix, "# ", 5),
        (MECHANICS, Dialect::Scheme, "; ", 6),
        (LIBRARY, Dialect::Scheme, "; ", 20),
        (NETWORKS, Dialect::Scheme, "; ", 8),
    ] {
        let document = std::fs::read_to_string(path).expect("the document");
        let mut count = 0;
        let mut rest = document.as_str();
        while let Some((_, block)) = rest.split_once(&format!("```{}\n", dialect.name())) {
            let (example, after) = block.split_once("```").expect("a block that ends");
            check(example.trim_end(), dialect, comment);
            count += 1;
            rest = after;
        }
        assert!(count > least, "{count} examples");
    }
}

/// Everything that the tables promise is there to be said.
#[test]
fn every_primitive_is_described() {
    for primitive in Primitive::all() {
        let info = primitive.info();
        assert!(!info.doc.is_empty() && !info.usage.is_empty(), "{}", info.name);
        assert!(!info.doc.ends_with('.'), "{}: one line, no full stop", info.name);
        if let Some(op) = info.op() {
            assert!(!op.derivative.is_empty(), "{}", info.name);
        }
    }
}
