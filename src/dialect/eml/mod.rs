//! The EML dialect: one expression such as `eml(eml(1,x),1)`.
//!
//! * [`reader`]: text → tree;
//! * [`lower`]: tree → AST.

pub mod lower;
pub mod reader;

use super::{Mode, ReaderLimits};
use crate::ast::Ast;
use crate::source::Diagnostic;
pub use reader::Grammar;

/// Reads a program in the literal grammar.
///
/// # Errors
///
/// Text that is no expression of the grammar, each error with its place.
pub fn read(source: &str, mode: Mode, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
    let tree = reader::read(source, Grammar::Literal, limits)?;
    Ok(lower::lower(&tree, mode))
}
