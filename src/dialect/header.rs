//! Limits that a program asks for, in the comment at its head. Dialects differ in what a comment begins with.

use crate::ast::Ast;
use crate::dialect::is_blank;
use crate::limits::{Limits, MAX_DEPTH};
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, Span};

/// What a line with options begins with, behind the mark of a comment.
const MARK: &str = "nc:";

const DEPTH: &str = "--max-depth";
const SPECIALISATIONS: &str = "--max-specialisations";

/// What a program asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Header {
    /// What a row may use.
    limits: Limits,
    /// How many specialisations of its functions there may be, if it says so.
    specialisations: Option<u64>,
}

impl Header {
    /// Sets what the program asks for.
    pub fn apply(self, ast: &mut Ast) {
        ast.limits = self.limits;
        ast.specialisations = self.specialisations;
    }
}

/// Reads lines such as `; nc: --max-iterations 1000000` from the comment lines before the program.
///
/// # Errors
///
/// Options that there are not, values that are no numbers, and calls nested deeper than there is memory for, each with its place.
pub fn read(source: &str, comment: char) -> Result<Header, Vec<Diagnostic>> {
    let mut header = Header::default();
    let mut errors = Vec::new();
    for line in source.lines() {
        let text = line.trim_start_matches(is_blank);
        if text.is_empty() {
            continue;
        }
        if !text.starts_with(comment) {
            break;
        }
        let Some(options) = text.trim_start_matches(comment).trim_start().strip_prefix(MARK) else {
            continue;
        };
        let place = |part: &str| {
            let start = part.as_ptr() as usize - source.as_ptr() as usize;
            Span::new(start as u32, (start + part.len()) as u32)
        };
        let mut words = options.split_whitespace().flat_map(|word| match word.split_once('=') {
            Some((option, value)) => [Some(option), Some(value)],
            None => [Some(word), None],
        });
        while let Some(option) = words.by_ref().flatten().next() {
            let Some(limit) = limit(&mut header, option) else {
                let message = "a header has no such option";
                errors.push(Diagnostic::error("header", place(option), message).help(format!(
                    "it is written `{comment} {MARK} --max-iterations N --max-depth N --max-steps N \
                     {SPECIALISATIONS} N`, with the limits that the program needs",
                )));
                break;
            };
            let value = words.by_ref().flatten().next();
            match value.map(str::parse) {
                Some(Ok(number)) if option == DEPTH && number > MAX_DEPTH => {
                    let message = format!("calls are nested {MAX_DEPTH} deep at the most");
                    errors.push(Diagnostic::error("too-deep", place(value.unwrap_or(option)), message));
                    break;
                }
                Some(Ok(number)) => *limit = number,
                Some(Err(_)) | None => {
                    let span = place(value.unwrap_or(option));
                    let message = format!("`{option}` is followed by a number");
                    errors.push(
                        Diagnostic::error("header", span, message)
                            .help(format!("such as `{option} 1000000`, written in digits")),
                    );
                    break;
                }
            }
        }
        if errors.len() >= MAX_DIAGNOSTICS {
            break;
        }
    }
    if errors.is_empty() { Ok(header) } else { Err(errors) }
}

/// The lines that ask for these limits; none for those that hold anyway.
pub fn write(ast: &Ast, comment: char) -> String {
    let Limits { iterations, depth, steps } = ast.limits;
    let usual = Limits::default();
    let options = [
        ("--max-iterations", iterations, usual.iterations),
        (DEPTH, depth, usual.depth),
        ("--max-steps", steps, usual.steps),
    ];
    let mut asked: String = options
        .iter()
        .filter(|(_, limit, usual)| limit != usual)
        .map(|(option, limit, _)| format!(" {option} {limit}"))
        .collect();
    if let Some(specialisations) = ast.specialisations {
        asked += &format!(" {SPECIALISATIONS} {specialisations}");
    }
    if asked.is_empty() { asked } else { format!("{comment} {MARK}{asked}\n") }
}

/// The limit that an option sets.
fn limit<'l>(header: &'l mut Header, option: &str) -> Option<&'l mut u64> {
    match option {
        "--max-iterations" => Some(&mut header.limits.iterations),
        DEPTH => Some(&mut header.limits.depth),
        "--max-steps" => Some(&mut header.limits.steps),
        SPECIALISATIONS => Some(header.specialisations.get_or_insert(0)),
        _ => None,
    }
}
