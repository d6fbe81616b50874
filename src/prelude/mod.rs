//! The library that is written in the language: functions that programs call by name, like primitives.
//!
//! Each file of this folder is Scheme, read once per process. A program takes part only of what it calls (`resolve/names.rs`), and
//! its own definitions shadow the library's names. What begins with `%` is known to the library alone; `name/n` is what `name` means
//! with n operands, if that is another number than its own. The comment in front of a definition documents it:
//! `; (usage): meaning`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::ast::{Ast, Definition};
use crate::dialect::{Dialect, ReaderLimits};
use crate::source::{Diagnostic, MAX_BYTES, Span};

/// The files, in the order in which their values are computed.
const FILES: &[(&str, &str)] = &[
    ("prelude/functions.scm", include_str!("functions.scm")),
    ("prelude/arrays.scm", include_str!("arrays.scm")),
    ("prelude/roots.scm", include_str!("roots.scm")),
    ("prelude/quadrature.scm", include_str!("quadrature.scm")),
    ("prelude/motion.scm", include_str!("motion.scm")),
    ("prelude/trajectories.scm", include_str!("trajectories.scm")),
    ("prelude/data.scm", include_str!("data.scm")),
    ("prelude/mechanics.scm", include_str!("mechanics.scm")),
];

/// Where a definition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file.
    pub file: usize,
    /// Which of its definitions.
    pub definition: usize,
}

/// A file of the library.
pub(crate) struct File {
    /// Its name, for messages.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
    /// The text as a tree, whose places count from the beginning of the text.
    pub ast: Ast,
    /// Where its text begins, if the files stand one behind the other.
    pub start: u32,
}

/// The library.
pub(crate) struct Library {
    /// Its files.
    pub files: Vec<File>,
    places: HashMap<String, Place>,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let mut library = Library { files: Vec::new(), places: HashMap::new() };
    let mut start = 0;
    for &(name, text) in FILES {
        let ast = match Dialect::Scheme.read_ast(text, &ReaderLimits::default()) {
            Ok(ast) => ast,
            Err(errors) => unreachable!("{name}: {}", errors[0]),
        };
        for (definition, defined) in ast.definitions.iter().enumerate() {
            let place = Place { file: library.files.len(), definition };
            let defined = ast.name(defined.named().0).to_string();
            assert!(library.places.insert(defined, place).is_none(), "{name} defines a name again");
        }
        library.files.push(File { name, text, ast, start });
        // The end of a text is a place of its own.
        start += text.len() as u32 + 1;
    }
    assert!(start < u32::MAX - MAX_BYTES, "the library's places are those behind all sources");
    library
});

/// The library, which is read when it is first asked for.
pub(crate) fn library() -> &'static Library {
    &LIBRARY
}

/// What is said about a place of the library, whose places begin at `end`, is said about the call of the program that leads
/// there, with the library's place in words.
/// A number where the library calls a function is one that the program has given it: `wants_function`.
pub(crate) fn called_from(mut diagnostic: Diagnostic, end: u32, wants_function: bool) -> Diagnostic {
    let words = |span: Span| {
        let at = span.start.checked_sub(end)?;
        let file = LIBRARY.files.iter().rev().find(|file| file.start <= at)?;
        let line = file.text[..(at - file.start) as usize].matches('\n').count() + 1;
        Some(format!("{}:{line}", file.name))
    };
    if let Some(place) = words(diagnostic.span)
        && let Some(&(call, _)) = diagnostic.related.iter().find(|(span, _)| span.start < end)
    {
        diagnostic.span = call;
        if wants_function {
            diagnostic.message =
                format!("an operand of this call is a number, where a function is wanted ({place})");
            diagnostic.help = Some(
                "give it a function: `(lambda (x) …)`, `fun(x) …` in infix notation, or the name of one"
                    .into(),
            );
        } else {
            diagnostic.message = format!("{} (in {place}, which is called here)", diagnostic.message);
        }
    }
    let call = diagnostic.span;
    diagnostic.related.retain(|&(span, _)| span.start < end && span != call);
    diagnostic
}

/// Whether a word is the library's own, or that of another number of operands.
fn hidden(name: &str) -> bool {
    name.starts_with('%') || name.contains('/')
}

/// A function of the language that is no primitive: a form that takes functions, or a word of the library.
///
/// ```
/// let sum = neural_compiler::LibraryWord::all().into_iter().find(|word| word.name == "sum").expect("a word");
/// assert_eq!(sum.usage, "(sum n f)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LibraryWord {
    /// What it is called.
    pub name: String,
    /// How it is written, with its operands.
    pub usage: String,
    /// What it gives.
    pub doc: String,
    /// The file of the library and the line on which it is defined; nothing for a form.
    pub place: Option<(&'static str, usize)>,
}

impl LibraryWord {
    /// All of them: the forms, then the words of the library in the order of its files.
    pub fn all() -> Vec<LibraryWord> {
        library().words()
    }
}

impl Library {
    /// Where a word is defined.
    pub fn find(&self, name: &str) -> Option<Place> {
        self.places.get(name).copied()
    }

    /// A word that programs can call, with its usage.
    pub fn word(name: &str) -> Option<&'static LibraryWord> {
        static WORDS: LazyLock<HashMap<String, LibraryWord>> =
            LazyLock::new(|| library().words().into_iter().map(|word| (word.name.clone(), word)).collect());
        WORDS.get(name)
    }

    /// How many operands a word takes at least and at most, as there are functions of its name.
    pub fn arity(&self, name: &str) -> Option<(usize, usize)> {
        let own = self.operands(name)?;
        let others = self
            .places
            .keys()
            .filter_map(|other| other.strip_prefix(name)?.strip_prefix('/')?.parse::<usize>().ok());
        let (mut least, mut most) = (own, own);
        for operands in others {
            (least, most) = (least.min(operands), most.max(operands));
        }
        Some((least, most))
    }

    /// How many operands a word takes, if it is a function.
    pub fn operands(&self, name: &str) -> Option<usize> {
        let place = self.find(name)?;
        match &self.files[place.file].ast.definitions[place.definition] {
            Definition::Function(function) => Some(function.params.len()),
            Definition::Value(_) => None,
        }
    }

    /// The words that programs can call.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str).filter(|name| !hidden(name))
    }

    /// All words that programs can call, forms first.
    fn words(&self) -> Vec<LibraryWord> {
        let form = |&(name, usage, doc): &(&str, &str, &str)| LibraryWord {
            name: name.to_string(),
            usage: usage.to_string(),
            doc: doc.to_string(),
            place: None,
        };
        let mut words: Vec<LibraryWord> = FORMS.iter().map(form).collect();
        for file in &self.files {
            for definition in &file.ast.definitions {
                let (name, span) = definition.named();
                let name = file.ast.name(name);
                if hidden(name) {
                    continue;
                }
                let before = &file.text[..span.start as usize];
                let line = before.matches('\n').count() + 1;
                let mut above: Vec<&str> =
                    before.lines().rev().skip(1).take_while(|line| line.starts_with(';')).collect();
                above.reverse();
                let text: Vec<&str> = above.iter().map(|line| line.trim_start_matches([';', ' '])).collect();
                let text = text.join(" ");
                let (usage, doc) = text.split_once(": ").unwrap_or(("", &text));
                words.push(LibraryWord {
                    name: name.to_string(),
                    usage: usage.to_string(),
                    doc: doc.to_string(),
                    place: Some((file.name, line)),
                });
            }
        }
        words
    }
}

impl LibraryWord {
    /// Its operands, one word each, as its usage names them.
    pub(crate) fn operands(&self) -> &str {
        let inside = self.usage.trim_start_matches('(').trim_end_matches(')');
        inside.strip_prefix(self.name.as_str()).unwrap_or(inside).trim_start()
    }
}

/// The forms that take functions: names, usage and what they give.
pub(crate) const FORMS: [(&str, &str, &str); 4] = [
    ("D", "(D f)", "the derivative of a function of one argument, a function"),
    (
        "partial",
        "((partial k) f)",
        "the derivative of a function of several arguments by argument k, counted from 0, a function",
    ),
    ("jvp", "(jvp f x v)", "the derivative of f at x in direction v, which has the shape of x"),
    ("vjp", "(vjp f x c)", "c times the Jacobian of f at x, where c has the shape of the value"),
];
