//! Source dialects: how programs are spelled. Each turns text into the one [`Ast`].

pub mod eml;
pub mod scheme;

pub use self::eml::Mode;
use crate::ast::Ast;
use crate::source::Diagnostic;

/// A spelling of programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// S-expressions.
    #[default]
    Scheme,
    /// Calls of one operator, `eml(eml(1,x),1)`, over these numbers.
    Eml(Mode),
}

/// Bounds on what a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Bytes of source text.
    pub source_bytes: usize,
    /// Parentheses open at the same time.
    pub nesting: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        ReaderLimits { source_bytes: 64 << 20, nesting: 1_000_000 }
    }
}

/// At most this many diagnostics are collected.
pub const MAX_DIAGNOSTICS: usize = 100;

/// Reads a program.
///
/// # Errors
///
/// Everything that is wrong with the text and the forms in it, each with its place.
pub fn read(source: &str, dialect: Dialect, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
    match dialect {
        Dialect::Scheme => scheme::read(source, limits),
        Dialect::Eml(mode) => eml::read(source, mode, limits),
    }
}

/// The beginning of a text that may be very long.
fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
