//! A right-hand side as it is said: the program and what it imports, and the program around it that integrates it.

use std::fmt::Write as _;
use std::path::Path;

use neural_compiler::{Dialect, Error, LoadError, Loader, Program, ReaderLimits, SourceMap};

/// The text of a program that is a right-hand side, a Hamiltonian, or an expression of the states.
pub struct System<'a> {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) dialect: Dialect,
    loader: Option<&'a dyn Loader>,
}

impl std::fmt::Debug for System<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("name", &self.name).field("text", &self.text).finish_non_exhaustive()
    }
}

impl<'a> System<'a> {
    /// A program in Scheme.
    pub fn new(text: impl Into<String>) -> System<'a> {
        System { name: "system".into(), text: text.into(), dialect: Dialect::Scheme, loader: None }
    }

    /// Sets what messages call it.
    pub fn named(self, name: impl Into<String>) -> System<'a> {
        System { name: name.into(), ..self }
    }

    /// Sets how it is spelled.
    pub fn dialect(self, dialect: Dialect) -> System<'a> {
        System { dialect, ..self }
    }

    /// Sets where the files are found that it imports.
    pub fn loader(self, loader: &'a dyn Loader) -> System<'a> {
        System { loader: Some(loader), ..self }
    }

    /// Another program in Scheme that imports the same files.
    pub(super) fn with_text(&self, text: String) -> System<'a> {
        System { name: self.name.clone(), text, dialect: Dialect::Scheme, loader: self.loader }
    }

    /// The program by itself.
    ///
    /// # Errors
    ///
    /// What is wrong with its text, with the sources that the places are in.
    pub(super) fn program(&self) -> Result<Program, (Error, SourceMap)> {
        let mut sources = SourceMap::new();
        let limits = ReaderLimits::default();
        let read = match (self.loader, sources.add(&*self.name, &*self.text)) {
            (Some(loader), Ok(main)) => {
                Program::parse_files(&mut sources, main, self.dialect, &limits, loader)
            }
            _ => Program::parse_as(&self.text, self.dialect, &limits),
        };
        read.map_err(|error| (error, sources))
    }

    /// The name, with an ending that says the dialect.
    fn file(&self) -> String {
        let ending = match (Dialect::of_path(Path::new(&self.name)), self.dialect) {
            (found, wanted) if found.unwrap_or_default() == wanted => "",
            (_, Dialect::Scheme) => ".scm",
            (_, Dialect::Infix) => ".nci",
            _ => ".eml",
        };
        format!("{}{ending}", self.name)
    }
}

/// Programs that another one imports by names which no file has.
pub(super) struct Parts<'p, 'a>(pub Vec<(String, &'p System<'a>)>);

impl Parts<'_, '_> {
    fn part(&self, id: &str) -> Option<&System<'_>> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, system)| *system)
    }

    /// The first one, whose loader finds what files import.
    fn files(&self) -> Result<&dyn Loader, LoadError> {
        let loader = self.0.first().and_then(|(_, system)| system.loader);
        loader.ok_or_else(|| LoadError::new("this program cannot import files"))
    }
}

impl Loader for Parts<'_, '_> {
    fn find(&self, path: &str, from: Option<&str>) -> Result<String, LoadError> {
        match from {
            None if self.part(path).is_some() => Ok(path.to_string()),
            None => Err(LoadError::new(format!("there is no part `{path}`"))),
            Some(part) if self.part(part).is_some() => self.files()?.find(path, None),
            Some(file) => self.files()?.find(path, Some(file)),
        }
    }

    fn read(&self, file: &str, limit: usize) -> Result<Vec<u8>, LoadError> {
        match self.part(file) {
            Some(system) => Ok(system.text.clone().into_bytes()),
            None => self.files()?.read(file, limit),
        }
    }

    fn name(&self, file: &str) -> String {
        match (self.part(file), self.files()) {
            (Some(system), _) => system.file(),
            (None, Ok(loader)) => loader.name(file),
            (None, Err(_)) => file.to_string(),
        }
    }
}

/// Where the elements of a named vector or number stand in the vector of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub name: String,
    pub first: usize,
    /// How many; nothing for a number.
    pub len: Option<usize>,
}

impl Slot {
    /// How many elements.
    pub fn count(&self) -> usize {
        self.len.unwrap_or(1)
    }

    /// It, as an element or a part of a vector.
    pub fn of(&self, vector: &str) -> String {
        match self.len {
            None => format!("(ref {vector} {})", self.first),
            Some(len) => format!("(slice {vector} {} {})", self.first, self.first + len),
        }
    }
}

/// `(define (name nc:t nc:y) …)`: an imported program as a function of the time and the vector of all states, and the import.
pub(super) fn function(
    text: &mut String,
    name: &str,
    part: &str,
    inputs: &[String],
    slots: &[Slot],
    results: &[Slot],
) {
    let mut names = String::new();
    let mut values = String::new();
    for input in inputs {
        let value = match slots.iter().find(|slot| slot.name == *input) {
            Some(slot) => slot.of("nc:y"),
            None if input == "t" => "nc:t".to_string(),
            None => continue,
        };
        let _ = write!(names, " {input}");
        let _ = write!(values, " {value}");
    }
    let _ = writeln!(text, "(import (program \"{part}\" {name}:program{names}))");
    let body = in_order(format!("({name}:program{values})"), results);
    let _ = writeln!(text, "(define ({name} nc:t nc:y) {body})");
}

/// The results of a call as one vector, in the order of the states.
pub(super) fn in_order(call: String, results: &[Slot]) -> String {
    let ordered = results.windows(2).all(|pair| pair[0].first <= pair[1].first);
    match results {
        [] => call,
        [one] if one.len.is_none() => format!("(vappend {call})"),
        _ if ordered => call,
        several => {
            let parts: Vec<String> = several.iter().map(|slot| slot.of("nc:all")).collect();
            format!("(let ((nc:all {call})) (vappend {}))", parts.join(" "))
        }
    }
}

/// A vector of numbers, as text.
pub(super) fn vector(numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:e}")).collect();
    format!("[{}]", numbers.join(" "))
}
