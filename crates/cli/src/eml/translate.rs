//! `nc eml expand`, `raise`, `shorten` and `grad`: between trees and ordinary operations.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use nc_eml::translate::constructions::Constructions;
use nc_eml::translate::expand::expand;
use nc_eml::translate::gradient::gradient;
use nc_eml::translate::raise::{Effort, raise};
use nc_eml::translate::shorten::shorten;
use nc_eml::translate::terms::operations;
use nc_eml::{Mode, Sizes, Tree};
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::{Diagnostic, Dialect, ReaderLimits, Signature};
use serde_json::{Value as Json, json};

use crate::dialect::ImportArgs;
use crate::report::{Failure, SourceText};
use crate::{Loaded, print, print_json, read_source};

/// Trees with more nodes are not written out.
const LONGEST: u128 = 1_000_000;

/// Write a program as a tree of eml and the leaf 1
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml expand law.scm\n  \
    nc eml expand --set widest -e '(/ (exp x) (+ 1 y))'\n\n\
    The program is straight-line and scalar: arithmetic, exp, log, pow, sqrt, and sin and cos over the complex numbers.\n\
    The tree is compared with the program in high precision before it is printed.")]
pub struct ExpandArgs {
    /// The program, in Scheme; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// An expression instead of a program
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true, conflicts_with = "program")]
    expression: Option<String>,
    /// Which known trees stand for operations
    #[arg(long, value_name = "SET", value_enum, default_value_t)]
    set: Set,
    #[command(flatten)]
    imports: ImportArgs,
}

/// Recover ordinary operations from a tree
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml raise tree.eml > law.scm\n  \
    nc eml raise -e 'eml(1,eml(eml(1,x),1))'\n\n\
    Prints a Scheme program, with the real domain of the tree as a comment. Equalities are used only where they are\n\
    proved on that domain, and the result is compared with the tree in high precision before it is printed.")]
pub struct RaiseArgs {
    #[command(flatten)]
    tree: TreeArgs,
}

/// Search for a smaller tree of the same value
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml shorten tree.eml\n  \
    nc eml shorten tree.eml --json")]
pub struct ShortenArgs {
    #[command(flatten)]
    tree: TreeArgs,
}

/// Write the derivatives of a tree as trees
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml grad tree.eml\n  \
    nc eml grad tree.eml --json")]
pub struct GradArgs {
    #[command(flatten)]
    tree: TreeArgs,
    /// Which known trees stand for sums, products and quotients
    #[arg(long, value_name = "SET", value_enum, default_value = "widest")]
    set: Set,
}

/// Which known trees stand for operations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Set {
    /// Those with the fewest nodes
    #[default]
    Shortest,
    /// Those with the widest real domain
    Widest,
    /// Those of the paper's compiler, which take ln 0 = −∞
    Paper,
}

impl From<Set> for Constructions {
    fn from(set: Set) -> Constructions {
        match set {
            Set::Shortest => Constructions::Shortest,
            Set::Widest => Constructions::Widest,
            Set::Paper => Constructions::Paper,
        }
    }
}

/// A tree, from a file or typed.
#[derive(Debug, clap::Args)]
pub struct TreeArgs {
    /// The tree; - is standard input
    #[arg(value_name = "TREE", required_unless_present = "expression")]
    tree: Option<PathBuf>,
    /// A text instead of a file
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true, conflicts_with = "tree")]
    expression: Option<String>,
}

impl TreeArgs {
    /// The tree with its text.
    pub fn read(&self) -> Result<(SourceText, Tree), Failure> {
        let (name, bytes) = text(self.tree.as_deref(), self.expression.as_deref())?;
        let source = SourceText::new(name, bytes);
        match reader::read(&source.text, Grammar::Literal, &ReaderLimits::default()) {
            Ok(tree) => Ok((source, tree)),
            Err(diagnostics) => Err(Failure::Source(source, diagnostics)),
        }
    }
}

/// A file, or a text that was typed.
pub fn text(path: Option<&Path>, expression: Option<&str>) -> Result<(String, Vec<u8>), Failure> {
    match (path, expression) {
        (_, Some(text)) => Ok(("expression".into(), text.as_bytes().to_vec())),
        (Some(path), None) => read_source(path),
        (None, None) => Err(Failure::usage("a file or -e is needed")),
    }
}

/// An error that the library found in this text.
pub fn refused(source: &SourceText) -> impl Fn(Diagnostic) -> Failure {
    |diagnostic| Failure::Source(source.clone(), vec![diagnostic])
}

pub fn written(tree: &Tree) -> Result<String, Failure> {
    tree.text(LONGEST).ok_or_else(|| {
        let sizes = tree.sizes();
        let message = format!(
            "the tree has {} nodes ({} shared), too many to write out",
            sizes.nodes, sizes.shared_nodes
        );
        Failure::message("too-large", message)
    })
}

pub fn counts(sizes: &Sizes) -> String {
    let Sizes { nodes, rpn_length, depth, shared_nodes, .. } = sizes;
    format!("{nodes} nodes, K = {rpn_length}, depth {depth}, {shared_nodes} nodes shared")
}

pub fn counts_json(sizes: &Sizes) -> Json {
    json!({
        "nodes": sizes.nodes.to_string().parse::<u64>().ok(),
        "rpn_length": sizes.rpn_length.to_string().parse::<u64>().ok(),
        "depth": sizes.depth,
        "shared_nodes": sizes.shared_nodes,
    })
}

/// Runs `nc eml expand`.
pub fn run_expand(args: &ExpandArgs, json: bool) -> Result<(), Failure> {
    let path = args.program.as_deref();
    let (name, bytes) = text(path, args.expression.as_deref())?;
    let dialect =
        path.and_then(Dialect::of_path).filter(|dialect| dialect.mode().is_none()).unwrap_or_default();
    let loaded = Loaded::parse(name, bytes, dialect, path, &args.imports)?;
    let graph = loaded.program.graph(&Signature::scalars()).map_err(|error| loaded.failure(error))?;
    let expanded = expand(&graph, args.set.into()).map_err(refused(&loaded.source))?;
    let (tree, sizes) = (written(&expanded.tree)?, expanded.tree.sizes());
    if json {
        return print_json(&json!({
            "tree": tree,
            "counts": counts_json(&sizes),
            "mode": expanded.mode.name(),
            "points": expanded.points,
        }));
    }
    let mode = expanded.mode.name();
    let verified = match expanded.points {
        Some(points) if expanded.mode == Mode::Extended => {
            format!("equal to the program in binary64 at {points} random points, mode {mode} (ln 0 = −∞)")
        }
        Some(points) => format!("equal to the program at {points} random points of its domain, mode {mode}"),
        None => format!("not verified: no point of its domain was found, mode {mode}"),
    };
    print(&format!("; {}\n; {verified}\n{tree}\n", counts(&sizes)))
}

/// Runs `nc eml raise`.
pub fn run_raise(args: &RaiseArgs, json: bool) -> Result<(), Failure> {
    let (source, tree) = args.tree.read()?;
    let raised = raise(&tree, &Effort::default()).map_err(refused(&source))?;
    let (scheme, domain) = (raised.scheme(tree.variables()), raised.conditions(tree.variables()));
    let count = operations(&raised.formula);
    if json {
        return print_json(&json!({
            "scheme": scheme,
            "domain": domain,
            "operations": count,
            "counts": counts_json(&tree.sizes()),
            "points": raised.points,
        }));
    }
    let operations = if count == 1 { "1 operation".into() } else { format!("{count} operations") };
    let mut text = format!("; {operations} for {}\n", counts(&tree.sizes()));
    for condition in domain {
        text += &format!("; where {condition}\n");
    }
    text += &format!("; equal to the tree at {} random points of this domain\n{scheme}\n", raised.points);
    print(&text)
}

/// Runs `nc eml shorten`.
pub fn run_shorten(args: &ShortenArgs, json: bool) -> Result<(), Failure> {
    let (source, tree) = args.tree.read()?;
    let shortened = shorten(&tree, &Effort::default()).map_err(refused(&source))?;
    let (text, before, after) = (written(&shortened.tree)?, tree.sizes(), shortened.tree.sizes());
    if json {
        return print_json(&json!({
            "tree": text,
            "before": counts_json(&before),
            "after": counts_json(&after),
            "mode": shortened.mode.name(),
            "points": shortened.points,
            "covered": shortened.covered,
        }));
    }
    print(&format!(
        "; before: {}\n; after: {}\n; equal at {} random points of its domain, defined at {}, mode {}\n{text}\n",
        counts(&before),
        counts(&after),
        shortened.points,
        shortened.covered,
        shortened.mode.name(),
    ))
}

/// Runs `nc eml grad`.
pub fn run_grad(args: &GradArgs, json: bool) -> Result<(), Failure> {
    let (source, tree) = args.tree.read()?;
    let found = gradient(&tree, args.set.into()).map_err(refused(&source))?;
    let mut object = serde_json::Map::new();
    let mut text = String::new();
    for (name, derivative) in tree.variables().iter().zip(&found.trees) {
        let (written, sizes) = (written(derivative)?, derivative.sizes());
        text += &format!("; d/d{name}: {}\n{written}\n", counts(&sizes));
        object.insert(name.clone(), json!({ "tree": written, "counts": counts_json(&sizes) }));
    }
    if json {
        return print_json(&json!({ "grad": object, "points": found.points }));
    }
    print(&format!(
        "; equal to the chain rule at {} random points of the common domain\n{text}",
        found.points
    ))
}
