//! Source dialects: how programs are spelled. Each reads text into the one [`Ast`], writes it, and has the words for what
//! is wrong with it.
//!
//! A dialect is a folder with `read`, `write` and `spell`, a row in the list of [`Dialect`], and nothing elsewhere.
//!
//! **Invariant:** what a dialect writes, it reads as the program that was written.
//! **Boundary:** dialects know spelling; what operations mean is not known here.

pub mod eml;
mod header;
mod infix;
mod networks;
mod parts;
pub mod scheme;
mod words;

use std::path::Path;

pub use self::eml::Mode;
use crate::ast::{self, Ast};
use crate::problem::{Problem, Vocabulary};
use crate::source::{Diagnostic, MAX_BYTES, Span};

/// Whether a character only stands between others: white space, and the byte order mark that some editors begin files with.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// A spelling of programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// S-expressions.
    #[default]
    Scheme,
    /// Arithmetic as it is written on paper, `m*v^2/2`.
    Infix,
    /// Calls of one operator, `eml(eml(1,x),1)`, over these numbers.
    Eml(Mode),
}

/// What a dialect is.
trait Spelling: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;
    /// What its programs look like, in a few words.
    fn summary(&self) -> &'static str;
    /// What the names of files end in that hold its programs, behind the dot.
    fn endings(&self) -> &'static [&'static str];
    /// Text → program. Bytes count from the beginning of the text.
    fn read(&self, source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>>;
    /// The program that the parts of a text without errors are, and what is wrong with the forms in it; nothing if such parts
    /// cannot be told.
    fn recover(&self, _source: &str, _limits: &ReaderLimits) -> Option<(Ast, Vec<Diagnostic>)> {
        None
    }
    /// Program → text. What it cannot say it may refuse, or write as something else, which is then found out.
    fn write(&self, ast: &Ast) -> Result<String, Box<Diagnostic>>;
    /// A problem in its words.
    fn spell(&self, problem: &Problem) -> Diagnostic;
    /// Its words that look like names.
    fn vocabulary(&self) -> Vocabulary;
}

impl Dialect {
    /// All dialects; EML over the reals stands for those over other numbers.
    pub const ALL: &'static [Dialect] = &[Dialect::Scheme, Dialect::Infix, Dialect::Eml(Mode::Real)];

    fn spelling(self) -> &'static dyn Spelling {
        match self {
            Dialect::Scheme => &scheme::Scheme,
            Dialect::Infix => &infix::Infix,
            Dialect::Eml(Mode::Real) => &eml::Eml(Mode::Real),
            Dialect::Eml(Mode::Complex) => &eml::Eml(Mode::Complex),
            Dialect::Eml(Mode::Extended) => &eml::Eml(Mode::Extended),
        }
    }

    /// What it is called, for options.
    pub fn name(self) -> &'static str {
        self.spelling().name()
    }
    /// What its programs look like, in a few words.
    pub fn summary(self) -> &'static str {
        self.spelling().summary()
    }
    /// What the names of files end in that hold its programs, behind the dot.
    pub fn endings(self) -> &'static [&'static str] {
        self.spelling().endings()
    }

    /// The dialect of this name.
    pub fn from_name(name: &str) -> Option<Dialect> {
        Dialect::ALL.iter().copied().find(|dialect| dialect.name() == name)
    }

    /// The dialect that the ending of a file's name says, in upper or lower case.
    pub fn of_path(path: &Path) -> Option<Dialect> {
        let extension = path.extension()?;
        let has = |dialect: &Dialect| dialect.endings().iter().any(|&e| extension.eq_ignore_ascii_case(e));
        Dialect::ALL.iter().copied().find(has)
    }

    /// The numbers that an EML program is over; `None` for other dialects.
    pub fn mode(self) -> Option<Mode> {
        match self {
            Dialect::Eml(mode) => Some(mode),
            _ => None,
        }
    }

    /// Reads a program.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text and the forms in it, each with its place.
    pub(crate) fn read_ast(self, source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
        let bytes = source.len();
        if bytes > limits.source_bytes.min(MAX_BYTES as usize) {
            let limit = limits.source_bytes.min(MAX_BYTES as usize);
            let message = format!("the program has {bytes} bytes, more than the limit of {limit}");
            return Err(vec![Diagnostic::error("source-too-long", Span::new(0, 0), message)]);
        }
        self.spelling().read(source, limits)
    }

    /// Of a text in which something is wrong, the program that the parts without errors are, and what is wrong with the forms in it;
    /// nothing if such parts cannot be told.
    pub(crate) fn recover(self, source: &str, limits: &ReaderLimits) -> Option<(Ast, Vec<Diagnostic>)> {
        self.spelling().recover(source, limits)
    }

    /// Writes a program. Reading the text gives the same program, up to places.
    ///
    /// # Errors
    ///
    /// Programs that the dialect cannot say: the code is `unsayable`.
    pub(crate) fn write_ast(self, ast: &Ast) -> Result<String, Box<Diagnostic>> {
        let text = self.spelling().write(ast)?;
        let limits =
            ReaderLimits { source_bytes: usize::MAX, nesting: usize::MAX, ..ReaderLimits::default() };
        let back = self.read_ast(&text, &limits);
        if back.is_ok_and(|back| ast::same(ast, &back)) {
            Ok(text)
        } else {
            Err(unsayable(self.name(), None))
        }
    }

    /// Puts a problem in words.
    pub(crate) fn spell(self, problem: &Problem) -> Diagnostic {
        self.spelling().spell(problem)
    }

    /// Its words that look like names.
    pub(crate) fn vocabulary(self) -> Vocabulary {
        self.spelling().vocabulary()
    }
}

/// The refusal of a program that a dialect cannot say, because of what stands at a place.
pub(crate) fn unsayable(dialect: &str, place: Option<(Span, &str)>) -> Box<Diagnostic> {
    let (span, what) = place.unwrap_or((Span::default(), "a word of the dialect is a name in it"));
    let message = format!("this program has no spelling in the dialect {dialect}: {what}");
    Diagnostic::error("unsayable", span, message).into()
}

/// Bounds on what a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Bytes of source text.
    pub source_bytes: usize,
    /// Parentheses open at the same time; in infix notation also forms and operators that wait for their last operand.
    pub nesting: usize,
    /// Specialisations of functions to the functions among their operands, unless the program's header says how many.
    pub specialisations: usize,
    /// Files that a program imports, whose bytes count as source text.
    pub files: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        ReaderLimits { source_bytes: 64 << 20, nesting: 1_000_000, specialisations: 100_000, files: 1000 }
    }
}

/// The beginning of a text that may be very long.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
