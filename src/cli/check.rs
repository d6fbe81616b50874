//! `nc check`: programs are read and their shapes inferred, and nothing is run.

use std::path::{Path, PathBuf};

use neural_compiler::graph::build::Signature;
use serde_json::{Map, Value as Json, json};

use super::report::{Failure, diagnostic_json};
use super::text::{self, Items};
use super::{Loaded, print, print_json, report, shape_name, table};

/// Check programs: syntax, names, shapes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc check law.scm\n  \
    nc check --inputs 'm,r[3]' orbit.scm --json\n\n\
    Prints what each program takes and returns. --json prints one object per program.")]
pub struct Args {
    /// The programs; - is standard input
    #[arg(value_name = "PROG", required = true)]
    programs: Vec<PathBuf>,
    /// Shapes of the inputs, such as m,r[3],A[3,3]; those that a program does not have count for others
    #[arg(long, value_name = "LIST", value_parser = text::parse_items)]
    inputs: Option<Items>,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let items = args.inputs.as_ref().map_or(&[][..], |items| items.0.as_slice());
    let mut failed = false;
    let mut taken = vec![false; items.len()];
    for path in &args.programs {
        match check(path, items, &mut taken, json) {
            Ok(output) => print(&output)?,
            Err(failure) if json => {
                failed = true;
                let program = path.display().to_string();
                print_json(&json!({ "program": program, "ok": false, "errors": failure.json() }))?;
            }
            Err(failure) => {
                failed = true;
                failure.report(false);
            }
        }
    }
    if failed {
        return Err(Failure::Reported);
    }
    match items.iter().zip(&taken).find(|(_, taken)| !**taken) {
        Some((item, _)) => Err(Failure::message(
            "unknown-input",
            format!("--inputs: no program has an input `{}`", item.name),
        )),
        None => Ok(()),
    }
}

fn check(path: &Path, items: &[text::Item], taken: &mut [bool], json: bool) -> Result<String, Failure> {
    let (name, bytes) = super::read_source(path)?;
    let loaded = Loaded::parse(name, bytes)?;
    let Loaded { source, program } = &loaded;
    if !json {
        report::diagnostics(source, program.warnings());
    }
    let mut signature = Signature::scalars();
    for (item, taken) in items.iter().zip(taken) {
        if program.inputs().any(|name| name == item.name) {
            signature = signature.shape(&item.name, item.shape);
            *taken = true;
        }
    }
    let graph = program.graph(&signature).map_err(|error| loaded.failure(error))?;
    let results = graph.outputs.iter().map(|output| {
        (if output.name.is_empty() { "value" } else { output.name.as_str() }, graph.shape(output.node))
    });
    if json {
        let shapes = |list: &mut dyn Iterator<Item = (String, Vec<usize>)>| -> Json {
            list.map(|(name, dims)| (name, json!(dims))).collect::<Map<String, Json>>().into()
        };
        let warnings: Vec<Json> = program.warnings().iter().map(|d| diagnostic_json(source, d)).collect();
        let object = json!({
            "program": source.name,
            "ok": true,
            "inputs": shapes(&mut graph.inputs.iter().map(|i| (i.name.clone(), i.shape.dims()))),
            "constants": program.constants().map(|(name, value)| (name.to_string(), text::json_number(value)))
                .collect::<Map<_, _>>(),
            "results": shapes(&mut results.map(|(name, shape)| (name.to_string(), shape.dims()))),
            "warnings": warnings,
        });
        return Ok(format!("{object}\n"));
    }
    let mut rows = Vec::new();
    for input in &graph.inputs {
        rows.push(vec!["  input".to_string(), input.name.clone(), shape_name(input.shape)]);
    }
    for (name, value) in program.constants() {
        rows.push(vec!["  constant".into(), name.into(), text::number(value)]);
    }
    for (name, shape) in results {
        rows.push(vec!["  result".into(), name.into(), shape_name(shape)]);
    }
    Ok(format!("{}: ok\n{}", source.name, table(&rows, &[])))
}
