//! Errors and warnings, for people and as JSON.

use std::io::Write as _;
use std::ops::Range;

use ariadne::{Config, IndexType, Label, Report, ReportKind, Source};
use nc_arrays::{FileError, FileProblem};
use nc_runtime::batch::BatchError;
use neural_compiler::{Diagnostic, Error, Severity, SourceMap, Span, Variable};
use serde_json::{Value as Json, json};

use super::state;

/// How many diagnostics of one program are printed.
const SHOWN: usize = 20;

/// A program's text and what it is called, with the files that it imports.
#[derive(Debug, Clone)]
pub struct SourceText {
    /// The file, or what stands for it.
    pub name: String,
    /// The text. Behind bytes that are no UTF-8, places are not exact; the only error in such a text is before them.
    pub text: String,
    /// Other files, whose places come behind those of the text.
    imported: Vec<Imported>,
}

/// A file that a program imports.
#[derive(Debug, Clone)]
struct Imported {
    start: u32,
    source: SourceText,
}

impl SourceText {
    /// Names a text.
    pub fn new(name: String, bytes: Vec<u8>) -> SourceText {
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        SourceText { name, text, imported: Vec::new() }
    }

    /// The text with the other texts of a map whose first one it is.
    pub fn with_imported(mut self, sources: &SourceMap) -> SourceText {
        let others = sources.sources().skip(1).map(|id| {
            let (name, text) = (sources.name(id).to_string(), sources.text(id).to_string());
            Imported { start: sources.start(id), source: SourceText { name, text, imported: Vec::new() } }
        });
        self.imported = others.collect();
        self
    }

    /// The text of a place, and by how many bytes its places are moved.
    pub fn of(&self, span: Span) -> (&SourceText, u32) {
        match self.imported.iter().rev().find(|file| file.start <= span.start) {
            Some(file) => (&file.source, file.start),
            None => (self, 0),
        }
    }

    /// Line and column of a byte, counted from 1.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..floor(&self.text, byte)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// Why a subcommand failed.
#[derive(Debug)]
pub enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// Something is wrong with a program.
    Source(SourceText, Vec<Diagnostic>),
    /// The row failed, in a loop or recursive function with these variables.
    Row(SourceText, Box<Diagnostic>, Vec<Variable>),
    /// Something else is wrong.
    Message {
        /// Stable identifier.
        code: &'static str,
        /// What is wrong, in one sentence without a full stop.
        message: String,
        /// What else helps, a line each.
        notes: Vec<String>,
    },
    /// It has been reported already.
    Reported,
    /// An interrupt from the keyboard, after which the results so far were given.
    Interrupted,
}

impl Failure {
    /// A mistake in the command line.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::Usage(message.into())
    }

    /// An error without a place in a program.
    pub fn message(code: &'static str, message: impl Into<String>) -> Failure {
        Failure::Message { code, message: message.into(), notes: Vec::new() }
    }

    /// Adds a line to a message.
    pub fn note(mut self, note: impl Into<String>) -> Failure {
        if let Failure::Message { notes, .. } = &mut self {
            notes.push(note.into());
        }
        self
    }

    /// What the library has to say about a program.
    pub fn library(source: SourceText, error: Error) -> Failure {
        match error {
            Error::Source(diagnostics) => Failure::Source(source, diagnostics),
            Error::Kernel(error) => {
                let failure = Failure::message(error.code(), format!("{}: {error}", source.name));
                match super::limits::of_kernel(&error) {
                    Some(note) => failure.note(note),
                    None => failure,
                }
            }
            Error::Batch(BatchError::Stopped) => super::limits::time_is_over(),
            Error::Batch(error) => Failure::message("batch", format!("{}: {error}", source.name)),
            error => Failure::message("error", format!("{}: {error}", source.name)),
        }
    }

    /// The exit status that it leads to.
    pub fn status(&self) -> i32 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Source(..) | Failure::Row(..) | Failure::Message { .. } | Failure::Reported => 1,
            // As shells count a process that an interrupt has ended.
            Failure::Interrupted => 130,
        }
    }

    /// Prints it: to standard error, or as JSON to standard output.
    pub fn report(&self, json: bool) {
        if json {
            let errors = self.json();
            if !errors.is_empty() {
                // There is nobody left to tell if this fails.
                let _ = super::print_json(&json!({ "errors": errors }));
            }
            return;
        }
        match self {
            Failure::Usage(message) => {
                let message = printable_name(message);
                eprint_lines(&format!("error: {message}\n\nFor more information, try '--help'.\n"));
            }
            Failure::Source(source, list) => diagnostics(source, list),
            Failure::Row(source, diagnostic, variables) => {
                diagnostics(source, std::slice::from_ref(diagnostic.as_ref()));
                if !variables.is_empty() {
                    eprint_lines(&format!("  with {}\n", printable(&state::line(variables))));
                }
            }
            Failure::Message { message, notes, .. } => {
                let mut text = format!("error: {}\n", printable_name(message));
                for note in notes {
                    text += &format!("  {}\n", printable_name(note));
                }
                eprint_lines(&text);
            }
            Failure::Reported | Failure::Interrupted => {}
        }
    }

    /// It as JSON objects.
    pub fn json(&self) -> Vec<Json> {
        match self {
            Failure::Usage(message) => vec![json!({ "code": "usage", "message": message })],
            Failure::Source(source, list) => list.iter().map(|d| diagnostic_json(source, d)).collect(),
            Failure::Row(source, diagnostic, variables) => {
                let mut object = diagnostic_json(source, diagnostic);
                object["state"] = state::json(variables);
                vec![object]
            }
            Failure::Message { code, message, notes } => {
                vec![json!({ "code": code, "message": message, "notes": notes })]
            }
            Failure::Reported | Failure::Interrupted => Vec::new(),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        let failure = Failure::message("file", error.to_string());
        match error.problem {
            FileProblem::NoNumber { .. } => {
                failure.note("--missing nan takes such cells as NaN, --missing fail-row fails their rows")
            }
            FileProblem::Memory { .. } => failure.note("--batch-memory MIB allows more"),
            FileProblem::Format => failure.note("--format says what a batch of another name is"),
            FileProblem::Device => failure.note("--batch - reads standard input"),
            FileProblem::NoRows | FileProblem::NoRowsAtAll => {
                failure.note("nc eval takes single numbers: --set x=1")
            }
            FileProblem::FieldCount { .. } => {
                failure.note("lines before the names, and others that are no rows, may begin with #")
            }
            FileProblem::DuplicateName { .. } => failure.note("other names keep them apart"),
            _ => failure,
        }
    }
}

/// Whether a character steers a terminal, or makes text read in another order than it stands: control characters but tabs
/// and line ends, marks of direction, and what cannot be seen.
fn is_hidden(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    invisible || c.is_control() && !matches!(c, '\n' | '\t')
}

/// The text with escapes such as `\u{1b}` for what would steer a terminal or change the order of reading.
pub fn printable(text: &str) -> String {
    if !text.contains(is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_hidden(c) && !(c == '\r' && chars.peek() == Some(&'\n')) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A name on one line: as [`printable`], and without line ends.
pub fn printable_name(name: &str) -> String {
    printable(name).replace('\r', "\\r").replace('\n', "\\n").replace('\t', "\\t")
}

/// The text with a `?` for each byte that [`printable`] would escape, so that all places stay what they are.
fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_hidden(c) && !(c == '\r' && chars.peek() == Some(&'\n')) {
            shown.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// JSON text in which what [`printable`] would escape is escaped as JSON does it, which changes no value.
pub fn printable_json(text: &str) -> String {
    if !text.contains(is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                shown += &format!("\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Prints to standard error, without what would steer a terminal; there is nobody to tell if that fails.
pub fn eprint_lines(text: &str) {
    eprint_excerpts(&printable(text));
}

/// Prints to standard error what may have colours, so that names and messages in it have to be [`printable`].
pub fn eprint_excerpts(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A place as JSON, in the file that it is in.
pub fn place_json(source: &SourceText, span: Span) -> Json {
    let (file, start) = source.of(span);
    let (from, to) = (span.start - start, span.end.saturating_sub(start));
    let (line, column) = file.place(from as usize);
    json!({ "start": from, "end": to, "line": line, "column": column })
}

/// A diagnostic as JSON. Bytes count from 0, lines and columns (in characters) from 1.
pub fn diagnostic_json(source: &SourceText, diagnostic: &Diagnostic) -> Json {
    let file = |span: Span| source.of(span).0.name.as_str();
    let place = |span: Span| place_json(source, span);
    let related: Vec<Json> = diagnostic
        .related
        .iter()
        .map(|(span, words)| match file(*span) {
            other if other != file(diagnostic.span) => {
                json!({ "message": words, "file": other, "place": place(*span) })
            }
            _ => json!({ "message": words, "place": place(*span) }),
        })
        .collect();
    json!({
        "code": diagnostic.code,
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": diagnostic.message,
        "file": file(diagnostic.span),
        "place": place(diagnostic.span),
        "label": diagnostic.label,
        "related": related,
        "help": diagnostic.help,
    })
}

/// Prints diagnostics with excerpts of the source to standard error.
pub fn diagnostics(source: &SourceText, list: &[Diagnostic]) {
    let color = super::stderr_has_colors();
    let mut text = String::new();
    for diagnostic in list.iter().take(SHOWN) {
        text += &excerpt(source, diagnostic, color);
    }
    if list.len() > SHOWN {
        text += &format!("… and {} more\n", list.len() - SHOWN);
    }
    eprint_excerpts(&text);
}

/// A message with an excerpt of the source.
pub fn excerpt(whole: &SourceText, diagnostic: &Diagnostic, color: bool) -> String {
    let (source, start) = whole.of(diagnostic.span);
    let local = |span: Span| Span::new(span.start - start, span.end.saturating_sub(start));
    // What is said of other files stands below.
    let is_here = |span: Span| std::ptr::eq(whole.of(span).0, source);
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        diagnostic.related.iter().cloned().partition(|(span, _)| is_here(*span));
    let here = here.into_iter().map(|(span, words)| (local(span), words)).collect();
    let diagnostic = &Diagnostic { span: local(diagnostic.span), related: here, ..diagnostic.clone() };
    let all: Vec<Span> =
        std::iter::once(diagnostic.span).chain(diagnostic.related.iter().map(|r| r.0)).collect();
    let (window, together) = match Window::whole(source, &all) {
        Some(window) => (window, true),
        None => (Window::of(source, diagnostic.span), false),
    };
    let kind = match diagnostic.severity {
        Severity::Error => ReportKind::Error,
        Severity::Warning => ReportKind::Warning,
    };
    let config = Config::default().with_index_type(IndexType::Byte).with_color(color);
    let name = printable_name(&source.name);
    let place = |span: Span| (PLACE, window.range(span));
    let mut report = Report::build(kind, place(diagnostic.span))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(printable(&diagnostic.message));
    // Words at parts of a place show it well enough.
    let within = |span: Span| diagnostic.span.start <= span.start && span.end <= diagnostic.span.end;
    let parts = together && !diagnostic.related.is_empty() && diagnostic.related.iter().all(|r| within(r.0));
    if !(parts && diagnostic.label.is_empty()) {
        report = report.with_label(label(place(diagnostic.span), &diagnostic.label));
    }
    for (span, words) in &diagnostic.related {
        if together {
            report = report.with_label(label(place(*span), words));
        } else {
            let (line, column) = source.place(span.start as usize);
            report = report.with_note(format!("{}: {name}:{line}:{column}", printable(words)));
        }
    }
    for (span, words) in &elsewhere {
        let (file, start) = whole.of(*span);
        let (line, column) = file.place((span.start - start) as usize);
        let name = printable_name(&file.name);
        report = report.with_note(format!("{}: {name}:{line}:{column}", printable(words)));
    }
    if let Some(help) = &diagnostic.help {
        report = report.with_help(printable(help));
    }
    let mut out = Vec::new();
    let text = Source::from(window.text.as_str());
    // Writing to memory does not fail.
    let _ = report.finish().write((PLACE, text), &mut out);
    let text = window.numbered(&String::from_utf8_lossy(&out));
    // Lines and columns of the excerpt are not those of the source.
    let Some(at) = text.find(PLACE) else { return text };
    let (line, column) = source.place(diagnostic.span.start as usize);
    let behind = text[at + PLACE.len()..].trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
    format!("{}{name}:{line}:{column}{behind}", &text[..at])
}

/// Stands for the name of the source and the place in it until both are put in: no text that is printed has it.
const PLACE: &str = "\u{1}";

fn label(place: (&'static str, Range<usize>), words: &str) -> Label<(&'static str, Range<usize>)> {
    // A label without words is not drawn.
    let words = if words.is_empty() { "here" } else { words };
    Label::new(place).with_message(printable(words))
}

/// The part of a source that an excerpt shows.
struct Window {
    text: String,
    /// The bytes of the source.
    bytes: Range<usize>,
    /// What stands in front of them in `text`.
    prefix: usize,
    /// How many lines of the source are above.
    lines: usize,
}

impl Window {
    /// Most bytes and lines of a window.
    const BYTES: usize = 2000;
    const LINES: usize = 12;
    /// Characters around a place in a long line.
    const AROUND: usize = 60;
    /// Most lines that are put above a window, so that its lines have their numbers.
    const ABOVE: usize = 100_000;

    /// The whole lines of the spans, if they are few and short.
    fn whole(source: &SourceText, spans: &[Span]) -> Option<Window> {
        let text = source.text.as_str();
        let first = spans.iter().map(|span| floor(text, span.start as usize)).min()?;
        let last = spans.iter().map(|span| floor(text, span.end as usize)).max()?.max(first);
        if last - first > Window::BYTES {
            return None;
        }
        let (start, end) = (line_start(text, first), line_end(text, last));
        if end - start > Window::BYTES || text[start..end].lines().count() > Window::LINES {
            return None;
        }
        Some(Window::cut(source, start..end))
    }

    /// The surroundings of one span, or of its start.
    fn of(source: &SourceText, span: Span) -> Window {
        if let Some(window) = Window::whole(source, &[span]) {
            return window;
        }
        let text = source.text.as_str();
        let start = floor(text, span.start as usize);
        let line = line_start(text, start)..line_end(text, start);
        let end = floor(text, span.end as usize).clamp(start, line.end).min(start + 2 * Window::AROUND);
        let from = floor(text, start.saturating_sub(Window::AROUND)).max(line.start);
        let to = floor(text, end + Window::AROUND).min(line.end);
        Window::cut(source, from..to.max(from))
    }

    fn cut(source: &SourceText, bytes: Range<usize>) -> Window {
        let text = source.text.as_str();
        let ellipsis = |cut: bool| if cut { "…" } else { "" };
        let lines = text[..bytes.start].bytes().filter(|&byte| byte == b'\n').count();
        // Empty lines in front give the others their numbers.
        let above = lines.min(Window::ABOVE);
        let mut shown = "\n".repeat(above) + ellipsis(bytes.start > line_start(text, bytes.start));
        let prefix = shown.len();
        shown += &masked(&text[bytes.clone()]);
        shown += ellipsis(bytes.end < line_end(text, bytes.end));
        Window { text: shown, prefix, bytes, lines }
    }

    /// An excerpt of the window with the numbers of its lines, where there are more lines above than were put there.
    fn numbered(&self, excerpt: &str) -> String {
        if self.lines <= Window::ABOVE {
            return excerpt.to_string();
        }
        let wider = (self.lines + 1).to_string().len() - (Window::ABOVE + 1).to_string().len();
        let mut numbered = String::with_capacity(excerpt.len());
        for (k, line) in excerpt.split_inclusive('\n').enumerate() {
            let margin = margin(line);
            let digits: String = line[margin..].chars().take_while(char::is_ascii_digit).collect();
            match digits.parse::<usize>() {
                Ok(number) if (Window::ABOVE + 1..=Window::ABOVE + Window::LINES).contains(&number) => {
                    let number = number - Window::ABOVE + self.lines;
                    numbered += &format!("{}{number}{}", &line[..margin], &line[margin + digits.len()..]);
                }
                // The message stands in front of the margin, and a line of it ends the excerpt.
                _ if k == 0 => numbered += line,
                _ => {
                    let filling = if line[margin..].starts_with('─') { "─" } else { " " };
                    numbered += &line[..margin];
                    numbered += &filling.repeat(wider);
                    numbered += &line[margin..];
                }
            }
        }
        numbered
    }

    /// Where a span is in the window.
    fn range(&self, span: Span) -> Range<usize> {
        let at = |byte: u32| {
            let byte = (byte as usize).clamp(self.bytes.start, self.bytes.end);
            let mut at = byte - self.bytes.start + self.prefix;
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        at(span.start)..at(span.end).max(at(span.start))
    }
}

/// How many bytes of blanks and colours a line begins with.
fn margin(line: &str) -> usize {
    let mut rest = line.trim_start_matches(' ');
    while let Some(colour) = rest.strip_prefix("\u{1b}[") {
        let Some((_, behind)) = colour.split_once('m') else { break };
        rest = behind.trim_start_matches(' ');
    }
    line.len() - rest.len()
}

/// The last boundary of characters up to `byte`.
fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |at| at + 1)
}

/// Where a line ends, without the carriage return that other systems put there.
fn line_end(text: &str, byte: usize) -> usize {
    let end = text[byte..].find('\n').map_or(text.len(), |at| byte + at);
    end - usize::from(end > byte && text[..end].ends_with('\r'))
}
