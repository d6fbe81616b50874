//! Text → data: tokens by nom, nesting by an explicit stack.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::multispace1;
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::{IResult, Parser};

use crate::dialect::{ReaderLimits, is_blank, short};
use crate::entity::{EntityVec, entity};
use crate::number::{self, Literal, Number};
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, Span};

entity!(
    /// A datum.
    Datum, "d");

/// What a datum is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DatumKind {
    /// A name.
    Symbol,
    /// A number.
    Number(Literal),
    /// A complex number, by its position among them.
    Complex(u32),
    /// `#t` or `#f`.
    Boolean(bool),
    /// `( … )`.
    List,
    /// `[ … ]`.
    Brackets,
    /// `" … "`, quotes included: the file of an import.
    Text,
}

/// A datum. A text has one for each number and name, so that lists say where their elements are in the place of a number.
#[derive(Debug, Clone, Copy)]
struct DatumData {
    item: Item,
    span: Span,
}

#[derive(Debug, Clone, Copy)]
enum Item {
    /// No list.
    Atom(DatumKind),
    /// A list, and where its elements are among those of all lists.
    List { brackets: bool, first: u32, count: u32 },
}

impl DatumData {
    fn kind(&self) -> DatumKind {
        match self.item {
            Item::Atom(kind) => kind,
            Item::List { brackets: false, .. } => DatumKind::List,
            Item::List { brackets: true, .. } => DatumKind::Brackets,
        }
    }
}

/// All data of a text. The elements of a list come before it.
#[derive(Debug, Clone, Default)]
pub struct Data {
    data: EntityVec<Datum, DatumData>,
    elements: Vec<Datum>,
    /// The parts of complex numbers.
    complex: Vec<(Literal, Literal)>,
    /// The data that stand in no list.
    pub top: Vec<Datum>,
}

impl Data {
    /// What a datum is.
    pub fn kind(&self, datum: Datum) -> DatumKind {
        self.data[datum].kind()
    }
    /// Its place.
    pub fn span(&self, datum: Datum) -> Span {
        self.data[datum].span
    }
    /// The parts of the complex number at this position.
    pub fn complex(&self, number: u32) -> (Literal, Literal) {
        self.complex[number as usize]
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.data.len()
    }
    /// Its elements; none unless it is a list.
    pub fn elements(&self, datum: Datum) -> &[Datum] {
        match self.data[datum].item {
            Item::Atom(_) => &[],
            Item::List { first, count, .. } => &self.elements[first as usize..][..count as usize],
        }
    }
    /// Its elements, if it is a `( … )` list.
    pub fn list(&self, datum: Datum) -> Option<&[Datum]> {
        (self.kind(datum) == DatumKind::List).then(|| self.elements(datum))
    }
}

/// A list that is still open.
struct Open {
    kind: DatumKind,
    start: u32,
    /// Where its elements begin among those that wait.
    first: usize,
    /// How many `#;` wait for the datum they hide.
    hidden: Vec<Span>,
}

enum Token<'a> {
    Open(DatumKind),
    Close(DatumKind),
    HideNext,
    Atom(&'a str),
}

fn is_delimiter(c: char) -> bool {
    is_blank(c) || matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ';' | '"' | '\'' | '`' | ',')
}

/// White space and line comments.
fn blank(input: &str) -> IResult<&str, usize> {
    let line_comment = (tag(";"), take_till(|c| c == '\n'));
    many0_count(alt((multispace1, take_while1(is_blank), recognize(line_comment)))).parse(input)
}

fn token(input: &str) -> IResult<&str, Token<'_>> {
    alt((
        tag("(").map(|_| Token::Open(DatumKind::List)),
        tag("[").map(|_| Token::Open(DatumKind::Brackets)),
        tag(")").map(|_| Token::Close(DatumKind::List)),
        tag("]").map(|_| Token::Close(DatumKind::Brackets)),
        tag("#;").map(|_| Token::HideNext),
        take_while1(|c| !is_delimiter(c)).map(Token::Atom),
    ))
    .parse(input)
}

/// A block comment, which may hold others; `Err` with the rest if it does not end.
fn block_comment(input: &str) -> Option<Result<&str, ()>> {
    let mut rest = input.strip_prefix("#|")?;
    let mut depth = 1;
    while depth > 0 {
        let here: IResult<&str, &str> = take_while(|c| c != '#' && c != '|').parse(rest);
        rest = here.map_or("", |(rest, _)| rest);
        if let Some(after) = rest.strip_prefix("#|") {
            depth += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("|#") {
            depth -= 1;
            rest = after;
        } else {
            let mut chars = rest.chars();
            if chars.next().is_none() {
                return Some(Err(()));
            }
            rest = chars.as_str();
        }
    }
    Some(Ok(rest))
}

/// Reads all data of a text, which has less than 2³² bytes.
///
/// # Errors
///
/// Lists that do not end or end as something else, too deep nesting, and tokens that the
/// language does not have.
pub fn read(source: &str, limits: &ReaderLimits) -> Result<Data, Vec<Diagnostic>> {
    let mut reader = Reader {
        source,
        limits,
        data: Data::default(),
        waiting: Vec::new(),
        open: Vec::new(),
        errors: Vec::new(),
    };
    reader.run();
    if reader.errors.is_empty() { Ok(reader.data) } else { Err(reader.errors) }
}

/// A text with blanks in the place of its broken parts, and the names that are defined in these. A part begins with a `(` at the
/// beginning of a line, as forms at the top do.
pub fn without_broken(source: &str, limits: &ReaderLimits) -> (String, Vec<String>) {
    let mut text = String::with_capacity(source.len());
    let mut lost = Vec::new();
    let mut part = |part: &str| {
        if read(part, limits).is_ok() {
            text.push_str(part);
            return;
        }
        // As many bytes as there were, and as many lines.
        text.extend(part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        for (at, word) in part.match_indices("(define") {
            let target = part[at + word.len()..].trim_start_matches(|c: char| is_blank(c) || c == '(');
            let name = target.split(is_delimiter).next().unwrap_or("");
            lost.push(name.to_string());
        }
    };
    let mut start = 0;
    for (at, _) in source.match_indices("\n(") {
        part(&source[start..=at]);
        start = at + 1;
    }
    part(&source[start..]);
    (text, lost)
}

struct Reader<'a> {
    source: &'a str,
    limits: &'a ReaderLimits,
    data: Data,
    waiting: Vec<Datum>,
    open: Vec<Open>,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn at(&self, rest: &str) -> u32 {
        (self.source.len() - rest.len()) as u32
    }

    fn run(&mut self) {
        let source = self.source;
        self.open.push(Open { kind: DatumKind::List, start: 0, first: 0, hidden: Vec::new() });
        let mut rest = source;
        while self.errors.len() < MAX_DIAGNOSTICS {
            rest = blank(rest).map_or(rest, |(rest, _)| rest);
            if rest.is_empty() {
                break;
            }
            let start = self.at(rest);
            match block_comment(rest) {
                Some(Ok(after)) => {
                    rest = after;
                    continue;
                }
                Some(Err(())) => {
                    let span = Span::new(start, start + 2);
                    self.errors.push(
                        Diagnostic::error("open-comment", span, "this comment does not end")
                            .label("`#|` without `|#`"),
                    );
                    return;
                }
                None => {}
            }
            if let Some(after) = self.file(rest) {
                let span = Span::new(start, self.at(after));
                rest = after;
                self.finish(DatumData { item: Item::Atom(DatumKind::Text), span });
                continue;
            }
            let Ok((after, token)) = token(rest) else {
                rest = self.foreign(rest, start);
                continue;
            };
            let span = Span::new(start, self.at(after));
            rest = after;
            match token {
                Token::Open(kind) => {
                    if self.open.len() > self.limits.nesting {
                        let message = format!("nesting deeper than the limit of {}", self.limits.nesting);
                        self.errors.push(Diagnostic::error("too-deep", span, message));
                        return;
                    }
                    self.open.push(Open { kind, start, first: self.waiting.len(), hidden: Vec::new() });
                }
                Token::Close(kind) => self.close(kind, span),
                Token::HideNext => {
                    if let Some(list) = self.open.last_mut() {
                        list.hidden.push(span);
                    }
                }
                Token::Atom(text) => self.atom(text, span),
            }
        }
        self.end();
    }

    /// Whether the text is in an `import` at the top.
    fn is_in_import(&self) -> bool {
        let Some(list) = self.open.get(1) else { return false };
        let first = self.waiting.get(list.first).map(|&datum| &self.data.data[datum]);
        first.is_some_and(|first| {
            first.kind() == DatumKind::Symbol && first.span.text(self.source) == "import"
        })
    }

    /// What follows the name of a file, if that is what comes: text in quotes on one line, of an `import`.
    fn file<'t>(&self, rest: &'t str) -> Option<&'t str> {
        let inside = rest.strip_prefix('"').filter(|_| self.is_in_import())?;
        let (name, after) = inside.split_once('"')?;
        (!name.contains('\n')).then_some(after)
    }

    /// The text is over: everything that is open stays open.
    fn end(&mut self) {
        if let [_, .., innermost] = self.open.as_slice() {
            let opener = if innermost.kind == DatumKind::List { ('(', ')') } else { ('[', ']') };
            let count = self.open.len() - 1;
            let span = Span::new(innermost.start, innermost.start + 1);
            let mut error = Diagnostic::error(
                "unclosed",
                span,
                match count {
                    1 => format!("this `{}` is never closed", opener.0),
                    _ => format!("{count} lists are never closed; the innermost starts here"),
                },
            )
            .help(format!("the text ends where a `{}` is expected", opener.1));
            if count > 1 {
                let outer = self.open[1].start;
                error = error.related(Span::new(outer, outer + 1), "the outermost");
            }
            self.errors.push(error);
        } else if let [outside] = self.open.as_slice() {
            if let Some(&span) = outside.hidden.last() {
                self.errors.push(hides_nothing(span));
            }
            self.data.top = std::mem::take(&mut self.waiting);
            self.data.data.shrink_to_fit();
            self.data.elements.shrink_to_fit();
            self.data.top.shrink_to_fit();
        }
    }

    fn close(&mut self, kind: DatumKind, span: Span) {
        if self.open.len() == 1 {
            let text = span.text(self.source);
            self.errors.push(Diagnostic::error("unopened", span, format!("this `{text}` closes nothing")));
            return;
        }
        let Some(list) = self.open.pop() else { return };
        let whole = Span::new(list.start, span.end);
        if list.kind != kind {
            let opener = Span::new(list.start, list.start + 1);
            let (text, opened) = (span.text(self.source), opener.text(self.source));
            self.errors.push(
                Diagnostic::error("mismatched", span, format!("this `{text}` closes a `{opened}`"))
                    .related(opener, "opened here"),
            );
        }
        if let Some(&hidden) = list.hidden.last() {
            self.errors.push(hides_nothing(hidden));
        }
        let first = self.data.elements.len() as u32;
        let count = (self.waiting.len() - list.first) as u32;
        self.data.elements.extend(self.waiting.drain(list.first..));
        let brackets = list.kind == DatumKind::Brackets;
        self.finish(DatumData { item: Item::List { brackets, first, count }, span: whole });
    }

    fn atom(&mut self, text: &str, span: Span) {
        let kind = match number::parse(text) {
            Some(Number::Literal(literal)) => DatumKind::Number(literal),
            Some(Number::Complex(re, im)) => {
                self.data.complex.push((re, im));
                DatumKind::Complex(self.data.complex.len() as u32 - 1)
            }
            Some(Number::TooLong) => {
                let message = "the parts of a rational must fit 64 bits";
                self.errors.push(
                    Diagnostic::error("number", span, message)
                        .help("write it as a decimal number or as a quotient `(/ a b)`"),
                );
                DatumKind::Number(Literal::ZERO)
            }
            Some(Number::ZeroDenominator) => {
                self.errors.push(Diagnostic::error("number", span, "a rational with denominator 0"));
                DatumKind::Number(Literal::ZERO)
            }
            None => match text {
                "#t" | "#true" => DatumKind::Boolean(true),
                "#f" | "#false" => DatumKind::Boolean(false),
                "." => {
                    self.errors.push(
                        Diagnostic::error("token", span, "a `.` by itself is no name: there are no rest parameters, and no pairs")
                            .help("a function has a fixed number of parameters; for any number of values take a vector: \
                                   `(define (f v) …)`, called as `(f [1 2 3])`"),
                    );
                    return;
                }
                _ if text.starts_with('#') => {
                    let (what, help) = if text.starts_with("#\\") {
                        ("the language has no characters", "values are numbers, vectors and matrices")
                    } else {
                        ("of `#` the language has `#t`, `#f` and comments", "a vector is written `[1 2 3]`")
                    };
                    self.errors.push(Diagnostic::error("token", span, what).help(help));
                    return;
                }
                _ if text.starts_with(|c: char| c.is_ascii_digit()) => {
                    self.errors.push(
                        Diagnostic::error("number", span, format!("`{}` is no number", short(text)))
                            .help("a name does not start with a digit"),
                    );
                    return;
                }
                _ if text.contains(char::is_control) => {
                    let control = text.chars().find(|c| c.is_control()).map_or(0, u32::from);
                    let message = format!("a name with the control character U+{control:04X}");
                    self.errors.push(Diagnostic::error("token", span, message));
                    return;
                }
                _ => DatumKind::Symbol,
            },
        };
        self.finish(DatumData { item: Item::Atom(kind), span });
    }

    fn finish(&mut self, data: DatumData) {
        let hidden = self.open.last_mut().and_then(|list| list.hidden.pop());
        if hidden.is_none() {
            let datum = self.data.data.push(data);
            self.waiting.push(datum);
        }
    }

    /// Reports a character that starts no token and returns the text behind it.
    fn foreign<'t>(&mut self, rest: &'t str, start: u32) -> &'t str {
        let mut chars = rest.chars();
        let first = chars.next().unwrap_or(' ');
        let mut after = chars.as_str();
        let (message, help) = match first {
            '"' if self.is_in_import() => {
                let end = after.find('\n').unwrap_or(after.len());
                after = &after[end..];
                (
                    "the name of this file does not end".to_string(),
                    "an import is written `(import \"file.scm\")`",
                )
            }
            '"' => {
                after = after.split_once('"').map_or("", |(_, behind)| behind);
                ("the language has no strings".to_string(), "values are numbers, vectors and matrices")
            }
            '\'' | '`' | ',' => {
                ("the language has no quotation".to_string(), "write a vector as `[1 2 3]` or `(vec 1 2 3)`")
            }
            '{' | '}' => (format!("`{first}` is no bracket of the language"), "write `(…)` or `[…]`"),
            _ => (format!("`{}` starts nothing", first.escape_default()), ""),
        };
        let span = Span::new(start, self.at(after));
        let mut error = Diagnostic::error("token", span, message);
        if !help.is_empty() {
            error = error.help(help);
        }
        self.errors.push(error);
        after
    }
}

fn hides_nothing(span: Span) -> Diagnostic {
    Diagnostic::error("token", span, "`#;` hides the next datum, and there is none")
}
