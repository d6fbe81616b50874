//! `nc check`: programs are read and their shapes inferred, and nothing is run.

use std::path::PathBuf;

use neural_compiler::{Condition, Diagnostic, Shape, Signature};
use serde_json::{Map, Value as Json, json};

use super::dialect::DialectArgs;
use super::report::{Failure, SourceText, diagnostic_json, place_json};
use super::text::{self, Items};
use super::{Loaded, print, print_json, report, shape_name, table};

/// How many conditions of a safe domain are printed.
const SHOWN: usize = 50;

/// Check programs: syntax, names, shapes, safe domain
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc check law.scm\n  \
    nc check -e '(/ 1 (sqrt (- 1 (square v))))'\n  \
    nc check --inputs 'r[3],A[2,2]' orbit.scm --json\n\n\
    Prints what each program takes and returns, and its safe domain: the conditions under which no operation divides\n\
    by zero, takes the root of a negative number and the like. --json prints one object per program.")]
pub struct Args {
    /// The programs; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    programs: Vec<PathBuf>,
    /// An expression instead of a program
    #[arg(
        short,
        long = "expr",
        value_name = "EXPR",
        allow_hyphen_values = true,
        conflicts_with = "programs"
    )]
    expression: Option<String>,
    /// Shapes of the inputs, such as m,r[3],A[3,3]; those that a program does not have count for others
    #[arg(long, value_name = "LIST", value_parser = text::parse_items)]
    inputs: Option<Items>,
    #[command(flatten)]
    dialect: DialectArgs,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let items = args.inputs.as_ref().map_or(&[][..], |items| items.0.as_slice());
    let mut failed = false;
    let mut taken = vec![false; items.len()];
    for (path, expression) in super::each(&args.programs, args.expression.as_deref()) {
        let loaded = Loaded::quietly(path, expression, &args.dialect);
        match loaded.and_then(|loaded| check(&loaded, items, &mut taken, json)) {
            Ok(output) => print(&output)?,
            Err(failure) if json => {
                failed = true;
                let program = path.map_or("expression".into(), |path| path.display().to_string());
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

fn check(loaded: &Loaded, items: &[text::Item], taken: &mut [bool], json: bool) -> Result<String, Failure> {
    let Loaded { source, program, .. } = loaded;
    let mut signature = Signature::scalars();
    for (item, taken) in items.iter().zip(taken) {
        if program.inputs().any(|name| name == item.name) {
            signature = signature.shape(&item.name, item.shape);
            *taken = true;
        }
    }
    loaded.accept(&signature)?;
    let graph = program.graph(&signature);
    if !json && graph.is_err() {
        report::diagnostics(source, program.warnings());
    }
    let graph = graph.map_err(|error| loaded.failure(error))?;
    let named = |name: &str| if name.is_empty() { "value".to_string() } else { name.to_string() };
    let results = graph.outputs.iter().map(|output| (named(&output.name), graph.shape(output.node)));
    let results: Vec<(String, Shape)> = results.collect();
    let inputs: Vec<(String, Shape)> = graph.inputs.iter().map(|i| (i.name.clone(), i.shape)).collect();
    // It may be large, and so may what conditions are looked for in.
    drop(graph);
    let domain = program.safe_domain(&signature).map_err(|error| loaded.failure(error))?;
    if json {
        let shapes = |list: &mut dyn Iterator<Item = (String, Shape)>| -> Json {
            let json =
                |shape: Shape| if shape == Shape::Complex { json!("complex") } else { json!(shape.dims()) };
            list.map(|(name, shape)| (name, json(shape))).collect::<Map<String, Json>>().into()
        };
        let warnings = program.warnings().iter().chain(&domain.warnings);
        let warnings: Vec<Json> = warnings.map(|d| diagnostic_json(source, d)).collect();
        let conditions: Vec<Json> = domain.conditions.iter().map(|c| condition_json(source, c)).collect();
        let object = json!({
            "program": source.name,
            "ok": true,
            "inputs": shapes(&mut inputs.into_iter()),
            "constants": program.constants().map(|(name, value)| (name.to_string(), text::json_number(value)))
                .collect::<Map<_, _>>(),
            "results": shapes(&mut results.into_iter()),
            "domain": conditions,
            "domain_complete": domain.complete,
            "warnings": warnings,
        });
        return Ok(format!("{object}\n"));
    }
    let warnings: Vec<Diagnostic> = program.warnings().iter().chain(&domain.warnings).cloned().collect();
    report::diagnostics(source, &warnings);
    let mut rows = Vec::new();
    for (name, shape) in inputs {
        rows.push(vec!["  input".to_string(), name, shape_name(shape)]);
    }
    for (name, value) in program.constants() {
        rows.push(vec!["  constant".into(), name.into(), text::number(value)]);
    }
    for (name, shape) in results {
        rows.push(vec!["  result".into(), name, shape_name(shape)]);
    }
    let mut text = format!("{}: ok\n{}", source.name, table(&rows, &[]));
    if !domain.conditions.is_empty() {
        text += "  safe domain\n";
    }
    for condition in domain.conditions.iter().take(SHOWN) {
        text += &format!("    {condition}\n");
    }
    if domain.conditions.len() > SHOWN || !domain.complete {
        text += "    … and more; --json prints ";
        text += if domain.complete { "all\n" } else { "those that were looked for\n" };
    }
    Ok(text)
}

/// A condition of the safe domain as JSON.
fn condition_json(source: &SourceText, condition: &Condition) -> Json {
    json!({
        "condition": condition.text,
        "where": condition.path,
        "op": condition.op.info().spelling(),
        "place": place_json(source, condition.span),
    })
}
