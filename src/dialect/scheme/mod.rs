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

use std::collections::HashMap;

use super::{ReaderLimits, Spelling, header};

use crate::ast::{Ast, Name};
use crate::entity::Entity;
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
    fn recover(&self, source: &str, limits: &ReaderLimits) -> Option<(Ast, Vec<Diagnostic>)> {
        let (text, lost) = match reader::read(source, limits) {
            Ok(_) => (source.to_string(), Vec::new()),
            Err(_) => reader::without_broken(source, limits),
        };
        let data = reader::read(&text, limits).ok()?;
        if data.top.is_empty() {
            return None;
        }
        let (mut ast, errors) = forms::expand_all(&text, &data);
        let known: HashMap<String, Name> = (0..ast.names().len())
            .map(Name::from_index)
            .filter(|&name| !ast.is_made(name))
            .map(|name| (ast.name(name).to_string(), name))
            .collect();
        ast.unknown.extend(lost.iter().filter_map(|name| known.get(name)));
        Some((ast, errors))
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
