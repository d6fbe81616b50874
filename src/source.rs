//! Places in source text, and what the compiler has to say about them.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::entity::{Entity, EntityVec, entity};

/// At most this many diagnostics of one stage are collected.
pub const MAX_DIAGNOSTICS: usize = 100;

/// A half-open range of bytes, counted through all sources of a [`SourceMap`]; in a program of one source, those of its
/// text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end`.
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that covers both.
    pub fn join(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text at this place of the only source.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// The place `by` bytes further.
    pub(crate) fn shifted(self, by: u32) -> Span {
        Span { start: self.start.saturating_add(by), end: self.end.saturating_add(by) }
    }
}

entity!(
    /// A source of a [`SourceMap`].
    SourceId, "source");

/// Texts with their names, whose bytes are counted through all of them: a [`Span`] alone says which source it is in.
///
/// ```
/// use neural_compiler::{SourceMap, Span};
///
/// let mut sources = SourceMap::new();
/// let first = sources.add("a.scm", "(+ x 1)").expect("a short text");
/// let second = sources.add("b.scm", "y\n(sin y)").expect("a short text");
/// let place = sources.locate(Span::new(sources.start(second) + 3, sources.start(second) + 6)).expect("a place");
/// assert_eq!((place.source, place.line, place.column), (second, 2, 2));
/// assert_eq!(sources.text(first), "(+ x 1)");
/// ```
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    sources: EntityVec<SourceId, Source>,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: Arc<str>,
    start: u32,
}

/// Bytes of all sources together. The places behind them are those of the library.
pub(crate) const MAX_BYTES: u32 = u32::MAX - (1 << 24);

/// The sources have more bytes than places can be told apart, 2³² − 2²⁴.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sources have more than {MAX_BYTES} bytes together")]
pub struct TooLong;

/// Where a span begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The source.
    pub source: SourceId,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

/// A part of a line, and which characters of it are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or its surroundings of the place where it is long; without control characters.
    pub line: String,
    /// Characters before the place.
    pub indent: usize,
    /// Characters of the place on this line, at least 1.
    pub width: usize,
}

impl SourceMap {
    /// Characters of a long line that an excerpt shows on each side of a place.
    const AROUND: usize = 60;

    /// No sources.
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// One source.
    ///
    /// # Errors
    ///
    /// A text of 2³² bytes or more.
    pub fn of(name: impl Into<String>, text: impl Into<String>) -> Result<SourceMap, TooLong> {
        let mut sources = SourceMap::new();
        sources.add(name, text)?;
        Ok(sources)
    }

    /// Adds a source behind the others.
    ///
    /// # Errors
    ///
    /// More bytes than can be counted; the map stays as it is.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> Result<SourceId, TooLong> {
        let text: Arc<str> = text.into().into();
        let start = match self.sources.values().last() {
            // The end of a text is a place of its own.
            Some(last) => last.start as usize + last.text.len() + 1,
            None => 0,
        };
        let end = start.checked_add(text.len()).and_then(|end| u32::try_from(end).ok());
        // `end` is no smaller than `start`, so that both fit.
        let (Some(..=MAX_BYTES), Ok(start)) = (end, u32::try_from(start)) else { return Err(TooLong) };
        Ok(self.sources.push(Source { name: name.into(), text, start }))
    }

    /// All sources in order.
    pub fn sources(&self) -> impl DoubleEndedIterator<Item = SourceId> + ExactSizeIterator {
        self.sources.keys()
    }
    /// The name of a source.
    ///
    /// # Panics
    ///
    /// The source is one of another map.
    pub fn name(&self, source: SourceId) -> &str {
        &self.sources[source].name
    }
    /// The text of a source.
    ///
    /// # Panics
    ///
    /// The source is one of another map.
    pub fn text(&self, source: SourceId) -> &str {
        &self.sources[source].text
    }
    /// Where the bytes of a source begin.
    ///
    /// # Panics
    ///
    /// The source is one of another map.
    pub fn start(&self, source: SourceId) -> u32 {
        self.sources[source].start
    }

    /// Where the bytes of another source would begin.
    pub(crate) fn end(&self) -> u32 {
        let last = self.sources.values().last();
        last.map_or(0, |last| last.start.saturating_add(last.text.len() as u32).saturating_add(1))
    }

    /// The text at a place; nothing if there is no such place.
    pub fn at(&self, span: Span) -> &str {
        self.find(span).map_or("", |(source, span)| span.text(&self.sources[source].text))
    }

    /// The source of a place, and the place in its text alone.
    fn find(&self, span: Span) -> Option<(SourceId, Span)> {
        let behind = self.sources.values().as_slice().partition_point(|source| source.start <= span.start);
        let id = SourceId::from_index(behind.checked_sub(1)?);
        let source = &self.sources[id];
        let end = source.start + source.text.len() as u32;
        (span.start <= end).then(|| {
            let span = Span::new(span.start - source.start, span.end.clamp(span.start, end) - source.start);
            (id, span)
        })
    }

    /// Where a span begins; `None` for one beyond all sources. Takes time in proportion to the text before it.
    pub fn locate(&self, span: Span) -> Option<Place> {
        let (source, span) = self.find(span)?;
        let text = &self.sources[source].text;
        let before = &text[..floor(text, span.start as usize)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        Some(Place { source, line, column: before[line_start..].chars().count() + 1 })
    }

    /// The line on which a span begins, with the part of it that is meant.
    pub fn excerpt(&self, span: Span) -> Option<Excerpt> {
        let (source, span) = self.find(span)?;
        let text = &self.sources[source].text;
        let start = floor(text, span.start as usize);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        // The line end of other systems is no part of the line either.
        let line_end = line_end - usize::from(line_end > start && text[..line_end].ends_with('\r'));
        let end = floor(text, span.end as usize).clamp(start, line_end);
        let from = text[line_start..start].char_indices().rev().nth(SourceMap::AROUND - 1);
        let from = from.map_or(line_start, |(at, _)| line_start + at);
        let until = text[start..end].char_indices().nth(SourceMap::AROUND).map_or(end, |(at, _)| start + at);
        let to = text[until..line_end].char_indices().nth(SourceMap::AROUND);
        let to = to.map_or(line_end, |(at, _)| until + at);
        let shown = |from: usize, to: usize| text[from..to].replace(char::is_control, " ");
        let dots = |cut: bool| if cut { "…" } else { "" };
        let before = format!("{}{}", dots(from > line_start), shown(from, start));
        let behind = format!("{}{}", shown(until, to), dots(to < line_end));
        Some(Excerpt {
            indent: before.chars().count(),
            width: text[start..until].chars().count().max(1),
            line: format!("{before}{}{}", shown(start, until), behind.trim_end()),
        })
    }
}

/// The last boundary of characters up to `byte`.
fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// How serious a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The program does not compile.
    Error,
    /// The program compiles, but probably does not mean what its author thinks.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One message about a place in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable identifier, such as `unknown-name`.
    pub code: &'static str,
    /// Whether compilation can go on.
    pub severity: Severity,
    /// The place.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What the caret under the place says; may be empty.
    pub label: String,
    /// Other places that matter, each with its own words.
    pub related: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// Source, line and column of the place, such as `law.scm:2:7`, if that is known without the sources.
    pub location: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            span,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            help: None,
            location: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Adds the words under the caret.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// Adds another place.
    pub fn related(mut self, span: Span, words: impl Into<String>) -> Diagnostic {
        self.related.push((span, words.into()));
        self
    }

    /// Adds advice.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Finds source, line and column of its place.
    pub(crate) fn locate(&mut self, sources: &SourceMap) {
        if let Some(Place { source, line, column }) = sources.locate(self.span) {
            self.location = Some(format!("{}:{line}:{column}", sources.name(source)));
        }
    }

    /// The message about places `by` bytes further.
    pub(crate) fn shifted(mut self, by: u32) -> Diagnostic {
        self.span = self.span.shifted(by);
        for (span, _) in &mut self.related {
            *span = span.shifted(by);
        }
        self
    }

    /// The message as plain text, with an excerpt of each place and its parts marked.
    ///
    /// ```
    /// use neural_compiler::{Error, Program, SourceMap};
    ///
    /// let text = "(define k 2)\n(sine (* k x))";
    /// let Err(Error::Source(errors)) = Program::parse(text) else { panic!("no such function") };
    /// let sources = SourceMap::of("law.scm", text).expect("a short text");
    /// assert_eq!(
    ///     errors[0].render(&sources),
    ///     "error[unknown-name]: there is no function `sine`\n \
    ///      --> law.scm:2:2\n  \
    ///       |\n\
    ///      2 | (sine (* k x))\n  \
    ///       |  ^^^^\n  \
    ///       = help: did you mean `sin`?\n"
    /// );
    /// ```
    pub fn render(&self, sources: &SourceMap) -> String {
        let mut text = format!("{}[{}]: {}\n", self.severity, self.code, visible(&self.message));
        let places: Vec<(Span, &str, char)> = std::iter::once((self.span, self.label.as_str(), '^'))
            .chain(self.related.iter().map(|(span, words)| (*span, words.as_str(), '-')))
            .collect();
        let lines = places.iter().filter_map(|&(span, ..)| sources.locate(span)).map(|place| place.line);
        let margin = lines.max().unwrap_or(1).to_string().len();
        let mut around = None;
        for (span, words, mark) in places {
            let (Some(place), Some(excerpt)) = (sources.locate(span), sources.excerpt(span)) else {
                continue;
            };
            if around != Some(place.source) {
                let arrow = if around.is_none() { "-->" } else { ":::" };
                let name = sources.name(place.source);
                let _ = writeln!(text, "{:margin$}{arrow} {name}:{}:{}", "", place.line, place.column);
                around = Some(place.source);
            }
            let marks = String::from(mark).repeat(excerpt.width);
            let under = format!("{}{marks} {}", " ".repeat(excerpt.indent), visible(words));
            let _ = writeln!(text, "{:margin$} |", "");
            let _ = writeln!(text, "{:>margin$} | {}", place.line, excerpt.line);
            let _ = writeln!(text, "{:margin$} | {}", "", under.trim_end());
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "{:margin$} = help: {}", "", visible(help));
        }
        text
    }
}

/// Words without control characters, which could steer a terminal.
fn visible(words: &str) -> String {
    words.replace(char::is_control, " ")
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { severity, code, span, message, location, .. } = self;
        match location {
            Some(location) => write!(f, "{severity}[{code}] at {location}: {message}"),
            None => write!(f, "{severity}[{code}] at {}..{}: {message}", span.start, span.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_through_several_sources() {
        let mut sources = SourceMap::new();
        assert_eq!(sources.locate(Span::new(0, 0)), None);
        let a = sources.add("a", "xy\nz").expect("short");
        let b = sources.add("b", "").expect("short");
        let c = sources.add("c", "é\nλx").expect("short");
        let at = |start, end| sources.locate(Span::new(start, end)).map(|p| (p.source, p.line, p.column));
        assert_eq!(at(0, 1), Some((a, 1, 1)));
        assert_eq!(at(3, 4), Some((a, 2, 1)));
        assert_eq!(at(4, 4), Some((a, 2, 2)));
        assert_eq!(at(5, 5), Some((b, 1, 1)));
        assert_eq!(at(6, 8), Some((c, 1, 1)));
        assert_eq!(at(11, 12), Some((c, 2, 2)));
        assert_eq!(at(12, 12), Some((c, 2, 3)));
        assert_eq!(at(13, 13), None);
        assert_eq!(sources.at(Span::new(9, 11)), "λ");
        assert_eq!(sources.at(Span::new(10, 11)), "");
    }

    #[test]
    fn excerpts_of_lines_that_end_as_on_other_systems() {
        let sources = SourceMap::of("lines", "(+ 1\r\n  2)\r\n").expect("short");
        let excerpt = sources.excerpt(Span::new(0, 10)).expect("a place");
        assert_eq!(excerpt, Excerpt { line: "(+ 1".into(), indent: 0, width: 4 });
        let excerpt = sources.excerpt(Span::new(8, 9)).expect("a place");
        assert_eq!(excerpt, Excerpt { line: "  2)".into(), indent: 2, width: 1 });
    }

    #[test]
    fn excerpts_of_long_lines() {
        let text = format!("{}(sine x){}", "a".repeat(100), "b".repeat(100));
        let sources = SourceMap::of("long", text).expect("short");
        let excerpt = sources.excerpt(Span::new(101, 105)).expect("a place");
        let line = format!("…{}(sine x){}…", "a".repeat(59), "b".repeat(57));
        assert_eq!(excerpt, Excerpt { line, indent: 61, width: 4 });
        let sources = SourceMap::of("lines", "x\n\t(+ 1\n2)").expect("short");
        let excerpt = sources.excerpt(Span::new(3, 10)).expect("a place");
        assert_eq!(excerpt, Excerpt { line: " (+ 1".into(), indent: 1, width: 4 });
    }
}
