//! The option that says how a program is spelled.

use std::path::Path;

use clap::ValueEnum;
use neural_compiler::dialect::Dialect;

/// How a program is spelled.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct DialectArgs {
    /// How the program is spelled; without it, files that end in .eml are EML and all others Scheme
    #[arg(long = "dialect", value_name = "DIALECT", value_enum)]
    dialect: Option<DialectChoice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DialectChoice {
    /// S-expressions
    Scheme,
    /// Calls of one operator, as in eml(eml(1,x),1), evaluated over the reals
    Eml,
}

impl DialectArgs {
    /// The dialect of a program: of a file, or of a text from elsewhere.
    pub fn of(self, path: Option<&Path>) -> Dialect {
        match self.dialect {
            Some(DialectChoice::Scheme) => Dialect::Scheme,
            Some(DialectChoice::Eml) => Dialect::Eml,
            None => {
                let extension = path.and_then(Path::extension);
                let eml = extension.is_some_and(|extension| extension.eq_ignore_ascii_case("eml"));
                if eml { Dialect::Eml } else { Dialect::Scheme }
            }
        }
    }
}
