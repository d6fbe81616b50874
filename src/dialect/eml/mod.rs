//! The EML dialect: one expression such as `eml(eml(1,x),1)`.
//!
//! * [`tree`]: trees, as shared nodes in an arena, and their sizes;
//! * [`derived`]: the functions that the grammar knows by name, as trees;
//! * [`reader`]: text → tree;
//! * [`lower`]: tree → AST;
//! * `write`: AST → text;
//! * `spell`: words for problems.

pub mod derived;
pub mod lower;
pub mod reader;
mod spell;
pub mod tree;
mod write;

use super::{ReaderLimits, Spelling};
use crate::ast::Ast;
use crate::problem::{Problem, Vocabulary};
use crate::source::Diagnostic;
pub use reader::Grammar;

/// What `eml` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Over the reals: `ln y` of `y ≤ 0` is a fault.
    Real,
    /// Over the complex numbers, principal branch: `ln 0` is a fault.
    Complex,
    /// Over the reals with `ln 0 = −∞` and `exp(−∞) = 0`: `ln` of a negative number is a fault.
    Extended,
}

impl Mode {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Real => "real",
            Mode::Complex => "complex",
            Mode::Extended => "extended",
        }
    }
}

/// The dialect, over these numbers.
pub(super) struct Eml(pub Mode);

impl Spelling for Eml {
    fn name(&self) -> &'static str {
        "eml"
    }
    fn summary(&self) -> &'static str {
        "Calls of one operator, as in eml(eml(1,x),1), over the reals or as --over says"
    }
    fn endings(&self) -> &'static [&'static str] {
        &["eml"]
    }
    /// Reads a program in the literal grammar.
    fn read(&self, source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
        let tree = reader::read(source, Grammar::Literal, limits)?;
        Ok(lower::lower(&tree, self.0))
    }
    fn write(&self, ast: &Ast) -> Result<String, Box<Diagnostic>> {
        write::write(ast, self.0)
    }
    fn spell(&self, problem: &Problem) -> Diagnostic {
        spell::spell(problem)
    }
    fn vocabulary(&self) -> Vocabulary {
        Vocabulary::default()
    }
}
