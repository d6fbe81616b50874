//! The options that say how a program is spelled, and where it imports from.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use neural_compiler::{Dialect, FolderLoader, Mode};

use super::report::Failure;

/// How a program is spelled.
#[derive(Debug, Clone, clap::Args)]
pub struct DialectArgs {
    /// How the program is spelled; without it, the ending of the file's name says it, such as .scm or .eml, and Scheme
    /// is what all others are
    #[arg(long = "dialect", value_name = "DIALECT", value_parser = dialects())]
    dialect: Option<Dialect>,
    /// What eml is defined on, for EML programs; without it, the real numbers. A row in which there is an error fails
    #[arg(long, value_name = "NUMBERS", value_enum)]
    over: Option<Over>,
    /// Take the formula that an EML program stands for over the reals in its place, found by equality saturation; where the
    /// program has a value, the formula has the same one
    #[arg(long, conflicts_with = "over")]
    raise: bool,
    #[command(flatten)]
    pub imports: ImportArgs,
}

/// Where a program imports from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ImportArgs {
    /// A folder that programs import files of, beside the program's own; may be repeated
    #[arg(long = "library", value_name = "DIR")]
    libraries: Vec<PathBuf>,
}

impl ImportArgs {
    /// What finds the files that a program imports: a file from its folder, an expression and standard input from the current
    /// one.
    pub fn loader(&self, path: Option<&Path>) -> Result<FolderLoader, Failure> {
        let own = match path {
            Some(path) if path != Path::new("-") => FolderLoader::of_program(path),
            Some(_) | None => FolderLoader::of_folder(""),
        };
        let wrong = |path: &Path, error: std::io::Error| {
            Failure::message("file", format!("{}: cannot open the folder: {error}", path.display()))
        };
        let mut loader = own.map_err(|error| wrong(path.unwrap_or(Path::new(".")), error))?;
        for library in &self.libraries {
            loader = loader.library(library).map_err(|error| {
                Failure::message("file", format!("--library {}: {error}", library.display()))
            })?;
        }
        Ok(loader)
    }
}

/// What `eml` is defined on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// The real numbers; ln of a number that is not positive is an error
    Real,
    /// The complex numbers, principal branch; ln 0 is an error
    Complex,
    /// The real numbers with ln 0 = −∞ and exp(−∞) = 0
    Extended,
}

impl From<Over> for Mode {
    fn from(over: Over) -> Mode {
        match over {
            Over::Real => Mode::Real,
            Over::Complex => Mode::Complex,
            Over::Extended => Mode::Extended,
        }
    }
}

impl DialectArgs {
    /// Whether the formula is wanted that a program stands for.
    pub fn raises(&self) -> bool {
        self.raise
    }

    /// The dialect of a program: of a file, or of a text from elsewhere.
    pub fn of(&self, path: Option<&Path>) -> Result<Dialect, Failure> {
        let dialect = self.dialect.or_else(|| path.and_then(Dialect::of_path)).unwrap_or_default();
        match (dialect.mode(), self.over) {
            (Some(_), over) => Ok(Dialect::Eml(over.unwrap_or(Over::Real).into())),
            (None, None) if self.raise => Err(Failure::usage("--raise is for EML programs")),
            (None, None) => Ok(dialect),
            (None, Some(_)) => Err(Failure::usage(
                "--over is for EML programs; in others, inputs and literals say what is complex: --inputs z:complex",
            )),
        }
    }
}

/// Reads the name of a dialect.
fn dialects() -> impl TypedValueParser<Value = Dialect> {
    let names = Dialect::ALL.iter().map(|dialect| PossibleValue::new(dialect.name()).help(dialect.summary()));
    PossibleValuesParser::new(names.collect::<Vec<_>>())
        .map(|name| Dialect::from_name(&name).expect("only names of dialects are possible values"))
}
