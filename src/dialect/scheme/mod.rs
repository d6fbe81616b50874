//! The Scheme dialect.
//!
//! * [`reader`]: text → data, the tokens by nom;
//! * [`forms`]: data → AST, derived forms expanded;
//! * `write`: AST → text;
//! * `spell`: words for problems.

pub mod forms;
pub mod reader;
mod spell;
mod write;

use super::{ReaderLimits, Spelling, header};
use crate::ast::Ast;
use crate::problem::{Problem, Vocabulary};
use crate::source::Diagnostic;

/// What a comment begins with.
const COMMENT: char = ';';

/// The dialect.
pub(super) struct Scheme;

impl Spelling for Scheme {
    fn name(&self) -> &'static str {
        "scheme"
    }
    fn summary(&self) -> &'static str {
        "S-expressions"
    }
    fn endings(&self) -> &'static [&'static str] {
        &["scm"]
    }
    fn read(&self, source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
        let data = reader::read(source, limits)?;
        let header = header::read(source, COMMENT);
        let mut ast = forms::expand(source, &data)?;
        header?.apply(&mut ast);
        Ok(ast)
    }
    fn write(&self, ast: &Ast) -> Result<String, Box<Diagnostic>> {
        Ok(write::write(ast))
    }
    fn spell(&self, problem: &Problem) -> Diagnostic {
        spell::spell(problem)
    }
    fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            forms: forms::SPECIAL_FORMS,
            reserved: forms::RESERVED,
            predefined: true,
            operators_in_names: true,
        }
    }
}
