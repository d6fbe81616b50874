//! Text → tree: tokens by nom, nesting by an explicit stack. The text is data; nothing of it is ever evaluated as code.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, multispace1, one_of};
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::sequence::pair;
use nom::{IResult, Parser};

use super::derived::Derived;
use super::tree::{Tree, TreeBuilder, TreeNode};
use crate::dialect::{ReaderLimits, is_blank, short};
use crate::number::unsigned;
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, Span};

/// What the text may contain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// The leaf 1, variables, and `eml`.
    Strict,
    /// Numbers as leaves too, and the functions of [`Derived`] by name.
    #[default]
    Literal,
}

/// Names that are no variables because readers would take them for something else.
const RESERVED: &[(&str, &str)] = &[
    ("pi", "the constant has to be built from 1"),
    ("i", "the imaginary unit has to be built from 1"),
    ("e", "write eml(1,1)"),
    ("Math", "functions of other languages are not part of the grammar"),
    ("NaN", "leaves are finite numbers"),
    ("Infinity", "leaves are finite numbers"),
];

#[derive(Clone, Copy)]
enum Token {
    Name,
    Number,
    Open,
    Close,
    Comma,
    Infix,
}

/// White space, and comments from `;` to the end of the line.
fn blank(input: &str) -> IResult<&str, usize> {
    let line_comment = (tag(";"), take_till(|c| c == '\n'));
    many0_count(alt((multispace1, take_while1(is_blank), recognize(line_comment)))).parse(input)
}

fn name(input: &str) -> IResult<&str, &str> {
    let first = take_while1(|c: char| c.is_ascii_alphabetic() || c == '_');
    recognize(pair(first, take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'))).parse(input)
}

/// The kind of a token, whose text the reader takes from the source. Where an operand may begin, a sign belongs to the
/// number behind it.
fn token(input: &str, operand: bool) -> IResult<&str, Token> {
    let punctuation = alt((
        char('(').map(|_| Token::Open),
        char(')').map(|_| Token::Close),
        char(',').map(|_| Token::Comma),
        one_of("+-*/^=.").map(|_| Token::Infix),
    ));
    let number = |input| {
        let sign = if operand { "+-" } else { "" };
        pair(take_while(|c| sign.contains(c)), unsigned).map(|_| Token::Number).parse(input)
    };
    alt((name.map(|_| Token::Name), number, punctuation)).parse(input)
}

/// Reads one expression.
///
/// # Errors
///
/// A text that is too long or nests too deep; names, numbers and characters that the grammar does not have; calls with a
/// wrong number of operands, or that do not end; infix operators; more than one expression.
pub fn read(source: &str, grammar: Grammar, limits: &ReaderLimits) -> Result<Tree, Vec<Diagnostic>> {
    let bytes = source.len();
    if bytes > limits.source_bytes || u32::try_from(bytes).is_err() {
        let message =
            format!("the program has {bytes} bytes, more than the limit of {}", limits.source_bytes);
        return Err(vec![Diagnostic::error("source-too-long", Span::new(0, 0), message)]);
    }
    let mut reader = Reader {
        source,
        grammar,
        limits,
        builder: TreeBuilder::new(),
        waiting: Vec::new(),
        open: Vec::new(),
        errors: Vec::new(),
    };
    let root = match reader.run() {
        Ok(root) => root,
        Err(error) => {
            reader.errors.push(*error);
            return Err(reader.errors);
        }
    };
    if reader.errors.is_empty() { Ok(reader.builder.finish(root)) } else { Err(reader.errors) }
}

/// What a name in front of a parenthesis stands for.
#[derive(Clone, Copy)]
enum Function {
    Eml,
    Derived(Derived),
    /// None, which has been reported.
    Unknown,
}

impl Function {
    fn operands(self) -> Option<usize> {
        match self {
            Function::Eml => Some(2),
            Function::Derived(derived) => Some(derived.operands()),
            Function::Unknown => None,
        }
    }
}

/// A call whose parenthesis is still open.
struct Call {
    function: Function,
    name: Span,
    /// Where its operands begin among those that wait.
    first: usize,
}

struct Reader<'a> {
    source: &'a str,
    grammar: Grammar,
    limits: &'a ReaderLimits,
    builder: TreeBuilder,
    waiting: Vec<TreeNode>,
    open: Vec<Call>,
    errors: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn at(&self, rest: &str) -> u32 {
        (self.source.len() - rest.len()) as u32
    }

    /// Reads the whole text. Errors that do not hide what follows are collected; others end the reading.
    fn run(&mut self) -> Result<TreeNode, Box<Diagnostic>> {
        let mut rest = self.source;
        let mut operand = true;
        loop {
            rest = blank(rest).map_or(rest, |(rest, _)| rest);
            let start = self.at(rest);
            if rest.is_empty() {
                return self.end(start);
            }
            let Ok((after, token)) = token(rest, operand) else { return Err(foreign(rest, start).into()) };
            let span = Span::new(start, self.at(after));
            let text = span.text(self.source);
            rest = after;
            match token {
                Token::Comma if operand => return Err(missing(span, "before this `,`").into()),
                Token::Comma if self.open.is_empty() => {
                    let error = Diagnostic::error("top-level-comma", span, "a comma outside of any call");
                    return Err(error.help("a program is one expression").into());
                }
                Token::Comma => operand = true,
                Token::Close if self.open.is_empty() => {
                    return Err(Diagnostic::error("unopened", span, "this `)` closes nothing").into());
                }
                Token::Close if operand => return Err(missing(span, "before this `)`").into()),
                Token::Close => self.close(span),
                Token::Infix if text == "." && !operand => {
                    let error = Diagnostic::error("member-access", span, "the grammar has no members");
                    return Err(error
                        .help("text is read, never evaluated: only calls such as eml(x,1) are part of it")
                        .into());
                }
                Token::Infix => return Err(infix(text, span).into()),
                Token::Name | Token::Number | Token::Open if !operand => {
                    let error =
                        Diagnostic::error("trailing", span, format!("`{}` follows an operand", short(text)));
                    return Err(error.help("operands are separated by commas").into());
                }
                Token::Open => {
                    let error = Diagnostic::error("token", span, "a parenthesis without a function");
                    return Err(error.help("calls are written eml(x,1)").into());
                }
                Token::Number => {
                    let node = self.number(text, span);
                    self.waiting.push(node);
                    operand = false;
                }
                Token::Name => {
                    let behind = blank(rest).map_or(rest, |(rest, _)| rest);
                    match behind.strip_prefix('(') {
                        Some(inside) => {
                            if self.open.len() >= self.limits.nesting {
                                let message =
                                    format!("nesting deeper than the limit of {}", self.limits.nesting);
                                return Err(Diagnostic::error("too-deep", span, message).into());
                            }
                            let function = self.function(text, span);
                            self.open.push(Call { function, name: span, first: self.waiting.len() });
                            rest = inside;
                        }
                        None => {
                            if behind.starts_with('.') {
                                operand = false;
                                continue;
                            }
                            self.leaf(text, span);
                            operand = false;
                        }
                    }
                }
            }
            if self.errors.len() >= MAX_DIAGNOSTICS {
                return Err(
                    Diagnostic::error("too-many", span, "too many errors; the rest is not read").into()
                );
            }
        }
    }

    /// The text is over: the one expression is complete, or what is missing is reported.
    fn end(&mut self, at: u32) -> Result<TreeNode, Box<Diagnostic>> {
        if let Some(innermost) = self.open.last() {
            let count = self.open.len();
            let message = match count {
                1 => "this call is never closed".to_string(),
                _ => format!("{count} calls are never closed; this is the innermost"),
            };
            return Err(Diagnostic::error("unclosed", innermost.name, message)
                .help("the text ends where a `)` is expected")
                .into());
        }
        self.waiting.pop().ok_or_else(|| {
            Diagnostic::error("empty", Span::new(at, at), "the text has no expression")
                .help("a program is one expression such as eml(x,1)")
                .into()
        })
    }

    fn function(&mut self, name: &str, span: Span) -> Function {
        if name == "eml" {
            return Function::Eml;
        }
        let Some(derived) = Derived::from_name(name) else {
            let message = format!("`{}` is not a primitive of the grammar", short(name));
            let names: Vec<&str> = Derived::ALL.iter().map(|derived| derived.name()).collect();
            self.errors.push(Diagnostic::error("not-a-primitive", span, message).help(match self.grammar {
                Grammar::Strict => "the strict grammar has eml, the leaf 1 and variables".to_string(),
                Grammar::Literal => format!("it has eml and {}", names.join(", ")),
            }));
            return Function::Unknown;
        };
        self.only_literal(span, &format!("`{name}` by name"));
        Function::Derived(derived)
    }

    /// Reports what only the literal grammar has, where the strict one is asked for.
    fn only_literal(&mut self, span: Span, what: &str) {
        if self.grammar == Grammar::Strict {
            self.errors.push(
                Diagnostic::error("not-strict", span, format!("{what} is not part of the strict grammar"))
                    .help("it has eml, the leaf 1 and variables"),
            );
        }
    }

    fn leaf(&mut self, name: &str, span: Span) {
        if name == "eml" || Derived::from_name(name).is_some() {
            let message = format!("`{name}` is a function and stands here without operands");
            self.errors.push(Diagnostic::error("arity", span, message));
        } else if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
            let message = format!("`{name}` is not a primitive of the grammar");
            self.errors.push(Diagnostic::error("not-a-primitive", span, message).help(*why));
        }
        let node = self.builder.variable(name, span);
        self.waiting.push(node);
    }

    fn number(&mut self, text: &str, span: Span) -> TreeNode {
        let value = text.parse().unwrap_or(f64::NAN);
        if !f64::is_finite(value) {
            let message = format!("`{}` is no number that binary64 holds", short(text));
            self.errors.push(Diagnostic::error("number", span, message));
        } else if value != 1.0 {
            self.only_literal(span, &format!("the number {}", short(text)));
        }
        self.builder.number(value, span)
    }

    fn close(&mut self, span: Span) {
        let Some(call) = self.open.pop() else { return };
        let whole = Span::new(call.name.start, span.end);
        let operands = &self.waiting[call.first..];
        let count = operands.len();
        let node = match (call.function, operands) {
            (Function::Eml, &[x, y]) => self.builder.eml(x, y, whole),
            (Function::Derived(derived), operands) if operands.len() == derived.operands() => {
                derived.expand(&mut self.builder, operands, whole)
            }
            (function, operands) => {
                if let Some(needed) = function.operands() {
                    let name = call.name.text(self.source);
                    let message = format!("{name} takes {needed} operands, not {count}");
                    self.errors.push(Diagnostic::error("arity", whole, message));
                }
                operands[0]
            }
        };
        self.waiting.truncate(call.first);
        self.waiting.push(node);
    }
}

fn missing(span: Span, place: &str) -> Diagnostic {
    Diagnostic::error("operand", span, format!("an operand is missing {place}"))
}

fn infix(operator: &str, span: Span) -> Diagnostic {
    Diagnostic::error("infix", span, format!("`{operator}`: the grammar has no infix arithmetic"))
        .help("everything is a call: write add(x,1), or its tree")
}

fn foreign(rest: &str, start: u32) -> Diagnostic {
    let first = rest.chars().next().unwrap_or(' ');
    let span = Span::new(start, start + first.len_utf8() as u32);
    let message = format!("`{}` is not part of the grammar", first.escape_debug());
    Diagnostic::error("token", span, message)
}
