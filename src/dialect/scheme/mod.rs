//! The Scheme dialect.
//!
//! * [`reader`]: text → data, the tokens by nom;
//! * [`number`]: number literals, correctly rounded;
//! * [`forms`]: data → AST, derived forms expanded.

pub mod forms;
pub mod number;
pub mod reader;

use super::ReaderLimits;
use crate::ast::Ast;
use crate::source::Diagnostic;

/// Reads a program.
///
/// # Errors
///
/// Lexical errors, unbalanced parentheses, and forms that are written wrongly or not part of the language.
pub fn read(source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
    let data = reader::read(source, limits)?;
    forms::expand(source, &data)
}
