//! Text → tokens, by nom.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, multispace1};
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::sequence::pair;
use nom::{IResult, Parser};

use super::{COMMENT, Word};
use crate::dialect::{is_blank, short};
use crate::number::{self, Literal, unsigned};
use crate::problem::look_alike;
use crate::source::{Diagnostic, Span};

/// A token, with its place.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    pub kind: Kind<'a>,
    pub span: Span,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'a> {
    /// A name, without its backquotes.
    Name(&'a str),
    Word(Word),
    Number(Literal),
    /// A number with `i` behind it.
    Imaginary(Literal),
    Operator(Operator),
    /// `=`: of a definition or binding, or a comparison.
    Equals,
    Open(Bracket),
    Close(Bracket),
    Comma,
    Semicolon,
    End,
}

/// What stands between operands, or before one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Power,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

/// Brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bracket {
    Round,
    Square,
    Curly,
}

impl Bracket {
    pub fn closing(self) -> char {
        match self {
            Bracket::Round => ')',
            Bracket::Square => ']',
            Bracket::Curly => '}',
        }
    }
}

/// White space and comments.
fn blank(input: &str) -> IResult<&str, usize> {
    let comment = (char(COMMENT), take_till(|c| c == '\n'));
    many0_count(alt((multispace1, take_while1(is_blank), recognize(comment)))).parse(input)
}

fn continues(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn identifier(input: &str) -> IResult<&str, &str> {
    let first = take_while1(|c: char| c.is_alphabetic() || c == '_');
    recognize(pair(first, take_while(continues))).parse(input)
}

/// Whether a text is a name that needs no quotes.
pub fn is_identifier(text: &str) -> bool {
    identifier(text).is_ok_and(|(rest, _)| rest.is_empty()) && Word::of(text).is_none()
}

/// Whether a text can be a name between backquotes: what is a name in every dialect.
pub fn is_name(text: &str) -> bool {
    let foreign = |c: char| is_blank(c) || c.is_control() || "()[]{};\"'`,".contains(c);
    let first = |c: char| c == '#' || c.is_ascii_digit();
    !text.is_empty() && !text.contains(foreign) && !text.starts_with(first) && number::parse(text).is_none()
}

fn punctuation(input: &str) -> IResult<&str, Kind<'static>> {
    let operator = |text: &'static str, operator| tag(text).map(move |_: &str| Kind::Operator(operator));
    let bracket = |open, close, bracket| {
        alt((char(open).map(move |_| Kind::Open(bracket)), char(close).map(move |_| Kind::Close(bracket))))
    };
    alt((
        alt((
            operator("**", Operator::Power),
            operator("<=", Operator::LessEqual),
            operator(">=", Operator::GreaterEqual),
            operator("==", Operator::Equal),
            operator("!=", Operator::NotEqual),
            operator("+", Operator::Plus),
            operator("-", Operator::Minus),
            operator("*", Operator::Times),
            operator("/", Operator::Over),
            operator("^", Operator::Power),
            operator("<", Operator::Less),
            operator(">", Operator::Greater),
        )),
        char('=').map(|_| Kind::Equals),
        bracket('(', ')', Bracket::Round),
        bracket('[', ']', Bracket::Square),
        bracket('{', '}', Bracket::Curly),
        char(',').map(|_| Kind::Comma),
        char(';').map(|_| Kind::Semicolon),
    ))
    .parse(input)
}

/// The tokens of a text. A copy looks ahead.
#[derive(Clone, Copy)]
pub struct Tokens<'a> {
    source: &'a str,
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// The tokens of a text of less than 2³² bytes.
    pub fn of(source: &'a str) -> Tokens<'a> {
        Tokens { source, rest: source }
    }

    /// The name of a file, a text in quotes on one line, if that is what comes; its place includes the quotes.
    pub fn file(&mut self) -> Option<(&'a str, Span)> {
        let rest = blank(self.rest).map_or(self.rest, |(rest, _)| rest);
        let (name, after) = rest.strip_prefix('"')?.split_once('"')?;
        if name.contains('\n') {
            return None;
        }
        let span = Span::new(self.at(rest), self.at(after));
        self.rest = after;
        Some((name, span))
    }

    fn at(&self, rest: &str) -> u32 {
        (self.source.len() - rest.len()) as u32
    }

    /// The next token, the end after all others. What starts none is handed to `report`; a token stands for it where one
    /// is likely to be meant.
    pub fn next(&mut self, mut report: impl FnMut(Diagnostic)) -> Token<'a> {
        loop {
            self.rest = blank(self.rest).map_or(self.rest, |(rest, _)| rest);
            let start = self.at(self.rest);
            if self.rest.is_empty() {
                return Token { kind: Kind::End, span: Span::new(start, start) };
            }
            if let Ok((after, text)) = identifier(self.rest) {
                self.rest = after;
                let kind = Word::of(text).map_or(Kind::Name(text), Kind::Word);
                return Token { kind, span: Span::new(start, self.at(after)) };
            }
            if let Ok((after, text)) = unsigned(self.rest) {
                return self.number(after, text, start, report);
            }
            if let Some(after) = self.rest.strip_prefix("//") {
                self.rest = after;
                let span = Span::new(start, self.at(after));
                report(Diagnostic::error("token", span, "`//` is no operator of the language").help(
                    "write `floor(a / b)`, or `quotient(a, b)` towards zero; a comment begins with `#`",
                ));
                return Token { kind: Kind::Operator(Operator::Over), span };
            }
            if let Ok((after, kind)) = punctuation(self.rest) {
                self.rest = after;
                return Token { kind, span: Span::new(start, self.at(after)) };
            }
            if let Some(inside) = self.rest.strip_prefix('`')
                && let Some((name, after)) = inside.split_once('`')
                && is_name(name)
            {
                self.rest = after;
                return Token { kind: Kind::Name(name), span: Span::new(start, self.at(after)) };
            }
            let (after, kind, error) = self.foreign(start);
            self.rest = after;
            report(error);
            if let Some(kind) = kind {
                return Token { kind, span: Span::new(start, self.at(after)) };
            }
        }
    }

    /// A number, and what is written onto it.
    fn number(
        &mut self,
        after: &'a str,
        text: &str,
        start: u32,
        mut report: impl FnMut(Diagnostic),
    ) -> Token<'a> {
        let tail = after.split(|c: char| !continues(c) && c != '.').next().unwrap_or("");
        self.rest = &after[tail.len()..];
        let span = Span::new(start, self.at(self.rest));
        let literal = match number::parse(text) {
            Some(number::Number::Literal(literal)) => literal,
            _ => unreachable!("a number without a sign is a decimal number"),
        };
        let kind = match tail {
            "" => Kind::Number(literal),
            "i" => Kind::Imaginary(literal),
            _ => {
                let message = format!("`{}` is no number", short(span.text(self.source)));
                report(
                    Diagnostic::error("number", span, message)
                        .help("a product is written with `*`, and a name does not start with a digit"),
                );
                Kind::Number(literal)
            }
        };
        Token { kind, span }
    }

    /// A character that starts no token, or a quoted name that is none: what follows it, what stands for it, and what is to be said.
    fn foreign(&self, start: u32) -> (&'a str, Option<Kind<'a>>, Diagnostic) {
        let rest = self.rest;
        let mut chars = rest.chars();
        let first = chars.next().unwrap_or(' ');
        let after = chars.as_str();
        let zero = Some(Kind::Number(Literal::ZERO));
        let operator = |operator| Some(Kind::Operator(operator));
        let doubled = after.strip_prefix(first);
        let (after, kind, message, help) = match first {
            '"' => {
                let behind = after.split_once(first).map_or("", |(_, behind)| behind);
                (
                    behind,
                    zero,
                    "the language has no strings".to_string(),
                    "values are numbers, vectors and matrices",
                )
            }
            '`' => {
                // The quotes end where the line does.
                let end = after.find(['`', '\n']).unwrap_or(after.len());
                let end = end + usize::from(after[end..].starts_with('`'));
                let help = "a name has no blanks, brackets, quotes, commas and semicolons, and is no number";
                (&after[end..], zero, "these quotes hold no name".into(), help)
            }
            '&' => (
                doubled.unwrap_or(after),
                Some(Kind::Word(Word::And)),
                "truth values are combined by words".into(),
                "write `a and b`",
            ),
            '|' => (
                doubled.unwrap_or(after),
                Some(Kind::Word(Word::Or)),
                "truth values are combined by words".into(),
                "write `a or b`; the size of a number is `abs(x)`",
            ),
            '!' => (after, None, "`!` negates nothing".into(), "write `not a`"),
            '%' => (
                after,
                operator(Operator::Times),
                "`%` is no operator of the language".into(),
                "write `modulo(a, b)` or `remainder(a, b)`",
            ),
            '≠' | '≤' | '≥' | '√' => {
                let (kind, help) = match first {
                    '≠' => (operator(Operator::NotEqual), "write `!=`"),
                    '≤' => (operator(Operator::LessEqual), "write `<=`"),
                    '≥' => (operator(Operator::GreaterEqual), "write `>=`"),
                    _ => (None, "write `sqrt(x)`"),
                };
                (after, kind, format!("`{first}` is no operator of the language"), help)
            }
            '?' => (after, None, "`?` chooses nothing".into(), "write `if(condition, a, b)`"),
            ':' => (
                after,
                None,
                "`:` is not part of the language".into(),
                "a definition is written `name = expression;`",
            ),
            _ => match look_alike(first) {
                Some("-") => {
                    let message = "this is no minus sign of the language";
                    (after, operator(Operator::Minus), message.into(), "write `-`")
                }
                Some("*") => {
                    let message = format!("`{first}` is no operator of the language");
                    (after, operator(Operator::Times), message, "write `*`")
                }
                Some("/") => {
                    let message = format!("`{first}` is no operator of the language");
                    (after, operator(Operator::Over), message, "write `/`")
                }
                Some(like) if like.bytes().all(|byte| byte.is_ascii_digit()) => {
                    let behind = after.trim_start_matches(|c| look_alike(c).is_some() || continues(c));
                    (behind, zero, format!("`{first}` is no digit of the language"), "write digits 0 to 9")
                }
                _ => (after, None, format!("`{}` starts nothing", first.escape_default()), ""),
            },
        };
        let span = Span::new(start, self.at(after));
        let error = Diagnostic::error("token", span, message);
        (after, kind, if help.is_empty() { error } else { error.help(help) })
    }
}
