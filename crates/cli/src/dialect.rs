//! The option that says how a program is spelled.

use std::path::Path;

use clap::ValueEnum;
use neural_compiler::{Dialect, Mode};

use super::report::Failure;

/// How a program is spelled.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct DialectArgs {
    /// How the program is spelled; without it, files that end in .eml are EML and all others Scheme
    #[arg(long = "dialect", value_name = "DIALECT", value_enum)]
    dialect: Option<DialectChoice>,
    /// What eml is defined on, for EML programs; without it, the real numbers. A row in which there is an error fails
    #[arg(long, value_name = "NUMBERS", value_enum)]
    over: Option<Over>,
    /// Take the formula that an EML program stands for over the reals in its place, found by equality saturation; where the
    /// program has a value, the formula has the same one
    #[arg(long, conflicts_with = "over")]
    raise: bool,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DialectChoice {
    /// S-expressions
    Scheme,
    /// Calls of one operator, as in eml(eml(1,x),1), over the reals or as --over says
    Eml,
}

impl DialectArgs {
    /// Whether the formula is wanted that a program stands for.
    pub fn raises(self) -> bool {
        self.raise
    }

    /// The dialect of a program: of a file, or of a text from elsewhere.
    pub fn of(self, path: Option<&Path>) -> Result<Dialect, Failure> {
        let eml = match self.dialect {
            Some(choice) => choice == DialectChoice::Eml,
            None => {
                let extension = path.and_then(Path::extension);
                extension.is_some_and(|extension| extension.eq_ignore_ascii_case("eml"))
            }
        };
        match (eml, self.over) {
            (true, over) => Ok(Dialect::Eml(over.unwrap_or(Over::Real).into())),
            (false, None) if self.raise => Err(Failure::usage("--raise is for EML programs")),
            (false, None) => Ok(Dialect::Scheme),
            (false, Some(_)) => Err(Failure::usage(
                "--over is for EML programs; in Scheme, inputs and literals say what is complex: --inputs z:complex",
            )),
        }
    }
}
