//! The EML dialect: one expression such as `eml(eml(1,x),1)`.
//!
//! * [`tree`]: trees, as shared nodes in an arena, and their sizes;
//! * [`derived`]: the functions that the grammar knows by name, as trees;
//! * [`reader`]: text → tree;
//! * [`lower`]: tree → AST.

pub mod derived;
pub mod lower;
pub mod reader;
pub mod tree;

use super::ReaderLimits;
use crate::ast::Ast;
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

/// Reads a program in the literal grammar.
///
/// # Errors
///
/// Text that is no expression of the grammar, each error with its place.
pub fn read(source: &str, mode: Mode, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
    let tree = reader::read(source, Grammar::Literal, limits)?;
    Ok(lower::lower(&tree, mode))
}
