//! `nc ir`: a stage of the pipeline as text.

use std::path::PathBuf;

use clap::ValueEnum;
use neural_compiler::codegen::cranelift::TargetMachine;
use neural_compiler::kernel::KernelError;
use neural_compiler::{CompileOptions, Derivative, Stage};

use super::dialect::DialectArgs;
use super::limits::LimitArgs;
use super::report::Failure;
use super::text::{self, Items};
use super::{DtypeChoice, Loaded, TierChoice, print};

/// Show a program at a stage of the pipeline
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc ir law.scm --stage graph\n  \
    nc ir law.scm --stage lanes --grad --inputs 'm,r[3]' --param G\n  \
    nc ir law.scm --stage asm --tier avx2\n  \
    nc ir law.scm --stage asm --target aarch64-unknown-linux-gnu\n\n\
    Up to the lanes, the text is the same on every machine.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG")]
    program: PathBuf,
    /// Which stage
    #[arg(long, value_enum)]
    stage: StageChoice,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StageChoice {
    /// The syntax tree, derived forms expanded
    Ast,
    /// A-normal form: one operation per binding
    Anf,
    /// A-normal form, calls in tail position turned into loops
    Tco,
    /// The compute graph
    Graph,
    /// The graph with derivatives
    Adjoint,
    /// The lane program
    Lanes,
    /// Cranelift IR
    Clif,
    /// Machine code
    Asm,
}

impl From<StageChoice> for Stage {
    fn from(choice: StageChoice) -> Stage {
        match choice {
            StageChoice::Ast => Stage::Ast,
            StageChoice::Anf => Stage::Anf,
            StageChoice::Tco => Stage::Tco,
            StageChoice::Graph => Stage::Graph,
            StageChoice::Adjoint => Stage::Adjoint,
            StageChoice::Lanes => Stage::Lanes,
            StageChoice::Clif => Stage::Clif,
            StageChoice::Asm => Stage::Asm,
        }
    }
}

/// Runs the subcommand.
pub fn run(args: &Args) -> Result<(), Failure> {
    let loaded = Loaded::open(&args.program, args.dialect)?;
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
    let options = CompileOptions {
        signature,
        derivative,
        dtype: args.dtype.into(),
        limits: Some(limits),
        tier,
        ..CompileOptions::default()
    };
    let text = loaded.program.stage(args.stage.into(), &options, target.as_ref());
    print(&text.map_err(|error| loaded.failure(error))?)
}
