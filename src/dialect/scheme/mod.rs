//! The Scheme dialect.
//!
//! * [`reader`]: text → data, the tokens by nom;
//! * [`number`]: number literals, correctly rounded;
//! * [`header`]: the limits that a program asks for;
//! * [`forms`]: data → AST, derived forms expanded.

pub mod forms;
pub mod header;
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
    let header = header::read(source);
    let mut ast = forms::expand(source, &data)?;
    ast.limits = header?;
    Ok(ast)
}
