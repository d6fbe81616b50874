//! The infix dialect: arithmetic as it is written on paper, and a form for everything else that the language has.
//!
//! * `token`: text → tokens, by nom;
//! * `read`: tokens → AST, nesting and precedence on explicit stacks;
//! * `write`: AST → text, with the parentheses that are needed;
//! * `spell`: words for problems.

mod read;
mod spell;
mod token;
mod write;

use super::{ReaderLimits, Spelling, header};
use crate::ast::Ast;
use crate::problem::{Problem, Vocabulary};
use crate::source::Diagnostic;

/// What a comment begins with.
const COMMENT: char = '#';

/// Words that are no names; as names they are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    And,
    Or,
    Not,
    If,
    Let,
    In,
    Loop,
    Recur,
    Do,
    Then,
    Until,
    Fun,
    Values,
    True,
    False,
    Inf,
    Nan,
    ImaginaryInf,
    ImaginaryNan,
}

impl Word {
    const ALL: &[(&str, Word)] = &[
        ("and", Word::And),
        ("or", Word::Or),
        ("not", Word::Not),
        ("if", Word::If),
        ("let", Word::Let),
        ("in", Word::In),
        ("loop", Word::Loop),
        ("recur", Word::Recur),
        ("do", Word::Do),
        ("then", Word::Then),
        ("until", Word::Until),
        ("fun", Word::Fun),
        ("values", Word::Values),
        ("true", Word::True),
        ("false", Word::False),
        ("inf", Word::Inf),
        ("nan", Word::Nan),
        ("infi", Word::ImaginaryInf),
        ("nani", Word::ImaginaryNan),
    ];

    fn of(text: &str) -> Option<Word> {
        Word::ALL.iter().find(|(word, _)| *word == text).map(|&(_, word)| word)
    }
}

/// The name of a power.
const POWER: &str = "pow";
/// The name of an element.
const ELEMENT: &str = "ref";

/// The dialect.
pub(super) struct Infix;

impl Spelling for Infix {
    fn name(&self) -> &'static str {
        "infix"
    }
    fn summary(&self) -> &'static str {
        "Infix notation, as in m*v^2/2"
    }
    fn endings(&self) -> &'static [&'static str] {
        &["nci"]
    }
    fn read(&self, source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
        let ast = read::read(source, limits);
        let header = header::read(source, COMMENT);
        let mut ast = ast?;
        header?.apply(&mut ast);
        Ok(ast)
    }
    fn recover(&self, source: &str, limits: &ReaderLimits) -> Option<(Ast, Vec<Diagnostic>)> {
        let (ast, errors) = read::read_all(source, limits);
        let is_empty = ast.definitions.is_empty() && ast.imports.is_empty() && ast.exprs().len() == 0;
        (!is_empty).then_some((ast, errors))
    }
    fn write(&self, ast: &Ast) -> Result<String, Box<Diagnostic>> {
        Ok(write::write(ast))
    }
    fn spell(&self, problem: &Problem) -> Diagnostic {
        spell::spell(problem)
    }
    fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            forms: &["if", "let", "loop", "recur", "do", "values"],
            reserved: &[],
            predefined: true,
            operators_in_names: false,
        }
    }
}
