//! `nc ir`: a stage of the pipeline as text.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::{
    CompileOptions, Derivative, Detail, Dialect, KernelError, Picture, ReaderLimits, Stage, Subject,
    TargetMachine,
};

use serde_json::json;

use super::dialect::DialectArgs;
use super::limits::LimitArgs;
use super::report::Failure;
use super::text::{self, Items};
use super::{DtypeChoice, Loaded, TierChoice, print_data, print_json};

/// Show a program at a stage of the pipeline
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc ir law.scm --stage graph\n  \
    nc ir -e '(* (sin x) (exp x))' --stage adjoint\n  \
    nc ir law.scm --stage lanes --grad --inputs 'm,r[3]' --param G\n  \
    nc ir law.scm --stage asm --tier avx2\n  \
    nc ir law.scm --stage asm --target aarch64-unknown-linux-gnu\n  \
    nc ir law.scm --stage svg --of adjoint > law.svg\n  \
    nc ir tree.eml --stage mermaid\n\n\
    Up to the lanes, the text is the same on every machine. Pictures, in the languages of Mermaid and Graphviz or as SVG,\n\
    lead from results down to inputs; the bodies of loops and functions stand in frames.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// An expression instead of a program, or behind the definitions of one
    #[arg(short, long = "expr", value_name = "EXPR", allow_hyphen_values = true)]
    expression: Option<String>,
    /// Which stage
    #[arg(long, value_parser = stages())]
    stage: Shown,
    /// What a picture shows; without it, trees of EML programs and graphs of all others, with --grad derivatives too
    #[arg(long, value_name = "WHAT", value_enum)]
    of: Option<SubjectChoice>,
    /// How many nodes a picture may have
    #[arg(long, value_name = "N", default_value_t = Picture::MAX_NODES)]
    max_nodes: usize,
    /// In pictures of graphs, all that the text of the graph says: its numbers and the bookkeeping of limits too
    #[arg(long)]
    everything: bool,
    /// With derivatives by all inputs
    #[arg(long)]
    grad: bool,
    /// The type of all numbers
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeChoice,
    /// Shapes of the inputs, such as m,r[3],A[3,3]
    #[arg(long, value_name = "LIST", value_parser = text::parse_items)]
    inputs: Option<Items>,
    /// Make an input, or a top-level number of the program, a parameter: one value for all rows
    #[arg(long = "param", value_name = "NAME")]
    params: Vec<String>,
    /// For another processor than this one, by its target triple; without optional features
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Whose machine code
    #[arg(long, value_enum, default_value_t, conflicts_with = "target")]
    tier: TierChoice,
    #[command(flatten)]
    dialect: DialectArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

/// What a stage is shown as.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Text(Stage),
    Picture(Format),
}

/// The language of a picture.
#[derive(Debug, Clone, Copy)]
enum Format {
    Mermaid,
    Dot,
    Svg,
}

/// All stages but the spellings of dialects: their names, in what form they are shown, and what they are.
const STAGES: &[(&str, Shown, &str)] = &[
    ("ast", Shown::Text(Stage::Ast), "The syntax tree, derived forms expanded"),
    (
        "first-order",
        Shown::Text(Stage::FirstOrder),
        "The program after specialisation: no function is a value",
    ),
    ("anf", Shown::Text(Stage::Anf), "A-normal form: one operation per binding"),
    ("tco", Shown::Text(Stage::Tco), "A-normal form, calls in tail position turned into loops"),
    ("graph", Shown::Text(Stage::Graph), "The compute graph"),
    ("adjoint", Shown::Text(Stage::Adjoint), "The graph with derivatives"),
    ("lanes", Shown::Text(Stage::Lanes), "The lane program"),
    ("clif", Shown::Text(Stage::Clif), "Cranelift IR"),
    ("asm", Shown::Text(Stage::Asm), "Machine code"),
    ("mermaid", Shown::Picture(Format::Mermaid), "A picture as a Mermaid flowchart"),
    ("dot", Shown::Picture(Format::Dot), "A picture in the language of Graphviz"),
    ("svg", Shown::Picture(Format::Svg), "A picture as SVG"),
];

/// Reads the name of a stage, or of a dialect, for the program as that spells it.
fn stages() -> impl TypedValueParser<Value = Shown> {
    let dialects = Dialect::ALL.iter().map(|dialect| {
        let help = format!("The program in the dialect {}", dialect.name());
        PossibleValue::new(dialect.name()).help(help)
    });
    let stages = STAGES.iter().map(|&(name, _, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(stages.chain(dialects).collect::<Vec<_>>()).map(|name| {
        match (STAGES.iter().find(|stage| stage.0 == name), Dialect::from_name(&name)) {
            (Some(&(_, shown, _)), _) => shown,
            (None, Some(dialect)) => Shown::Text(Stage::Source(dialect)),
            (None, None) => unreachable!("{name} is no possible value"),
        }
    })
}

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SubjectChoice {
    /// The syntax tree, derived forms expanded
    Ast,
    /// The compute graph
    Graph,
    /// The graph with derivatives
    Adjoint,
    /// The tree of an EML program, equal subtrees once
    Eml,
}

fn draw(args: &Args, loaded: &Loaded, options: &CompileOptions) -> Result<Picture, Failure> {
    let subject = match (args.of, loaded.dialect.mode()) {
        (Some(SubjectChoice::Ast), _) => Subject::Ast,
        (Some(SubjectChoice::Graph), _) => Subject::Graph,
        (Some(SubjectChoice::Adjoint), _) => Subject::Adjoint,
        (None, _) if args.grad => Subject::Adjoint,
        (None, None) => Subject::Graph,
        (Some(SubjectChoice::Eml), None) => {
            return Err(Failure::usage("--of eml: not an EML program; `nc eml expand` makes one of it"));
        }
        (Some(SubjectChoice::Eml) | None, Some(_)) => {
            let limits = ReaderLimits::default();
            let tree = reader::read(&loaded.source.text, Grammar::Literal, &limits)
                .map_err(|errors| Failure::Source(loaded.source.clone(), errors))?;
            return Ok(nc_eml::picture::picture(&tree));
        }
    };
    let detail = if args.everything { Detail::Everything } else { Detail::Essential };
    loaded.program.picture(subject, detail, options).map_err(|error| loaded.failure(error))
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    check_usage(args)?;
    let loaded = Loaded::open_with(args.program.as_deref(), args.expression.as_deref(), &args.dialect)?;
    let items = args.inputs.as_ref().map_or(&[][..], |items| items.0.as_slice());
    let mut signature = loaded.signature(items)?;
    for param in &args.params {
        if !loaded.names().contains(&param.as_str()) {
            return Err(loaded.unknown("--param", param));
        }
        signature = signature.parameter(param);
    }
    let target = match &args.target {
        None => None,
        Some(triple) => Some(
            TargetMachine::with_features(triple, &[])
                .map_err(|error| loaded.failure(KernelError::from(error).into()))?,
        ),
    };
    let derivative = if args.grad { Derivative::Gradient } else { Derivative::None };
    let limits = args.limits.of(&loaded.program);
    let tier = args.tier.into();
    let options = CompileOptions::default()
        .signature(signature)
        .derivative(derivative)
        .dtype(args.dtype.into())
        .limits(limits)
        .tier(tier);
    let format = match args.stage {
        Shown::Text(_) if args.of.is_some() => {
            return Err(Failure::usage("--of goes with the stages mermaid, dot and svg"));
        }
        Shown::Text(_) if args.everything => {
            return Err(Failure::usage("--everything goes with the stages mermaid, dot and svg"));
        }
        Shown::Text(stage) => {
            let text = loaded.program.stage(stage, &options, target.as_ref());
            return show(&loaded, text.map_err(|error| loaded.failure(error))?, json);
        }
        Shown::Picture(format) => format,
    };
    let picture = draw(args, &loaded, &options)?.within(args.max_nodes).map_err(|error| {
        Failure::message("picture-too-large", format!("{}: {error}", loaded.source.name))
            .note("--max-nodes N allows more")
    })?;
    let text = match format {
        Format::Mermaid => picture.mermaid(),
        Format::Dot => picture.dot(),
        Format::Svg => picture.svg(&loaded.source.text),
    };
    show(&loaded, text, json)
}

/// Prints a stage, as a text by itself or in JSON.
fn show(loaded: &Loaded, text: String, json: bool) -> Result<(), Failure> {
    match json {
        true => print_json(&json!({ "program": loaded.source.name, "text": text })),
        false => print_data(&text),
    }
}

/// Derivatives are there from the graph on that has them.
fn check_usage(args: &Args) -> Result<(), Failure> {
    let before = match args.stage {
        Shown::Text(
            Stage::Ast | Stage::FirstOrder | Stage::Anf | Stage::Tco | Stage::Graph | Stage::Source(_),
        ) => true,
        Shown::Text(_) => false,
        Shown::Picture(_) => {
            matches!(args.of, Some(SubjectChoice::Ast | SubjectChoice::Graph | SubjectChoice::Eml))
        }
    };
    match args.grad && before {
        true => Err(Failure::usage(
            "--grad: this stage has no derivatives; --stage adjoint and those behind it have",
        )),
        false => Ok(()),
    }
}
