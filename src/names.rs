//! What names stand for: variables and functions, the same ones from name resolution to the compute graph.

use crate::entity::entity;
use crate::source::Span;
use compact_str::CompactString;

entity!(
    /// A variable: an input, a function parameter or a binding. Each is bound in one place.
    Var, "v");
entity!(
    /// A function.
    FuncId, "fn");

/// A variable's name in the source (or one made up for a subexpression) and the place of its definition.
#[derive(Debug, Clone)]
pub struct VarInfo {
    /// Unique in the program, printable. Names of subexpressions are short, and take no memory of their own.
    pub name: CompactString,
    /// Where it is bound; for a subexpression, the subexpression.
    pub span: Span,
}
