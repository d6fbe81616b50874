//! Tokens → AST.
//!
//! Three stacks stand for nesting: what is open (`frames`), operators that wait for their last operand (`pending`), and
//! finished operands. A frame knows where its own part of the other two begins. A form whose last part reaches as far to
//! the right as it can (`let`, `loop`, `do`) is a frame that any token closes which cannot belong to it.
//!
//! * `operators`: precedence, and what operators make;
//! * `forms`: definitions, `let`, blocks, loops;
//! * `networks`: networks;
//! * `results`: results with names behind bindings and calls.

mod forms;
mod networks;
mod operators;
mod results;

use std::borrow::Cow;
use std::collections::HashMap;

use super::spell::ELSEWHERE;
use super::token::{Bracket, Kind, Operator, Token, Tokens, is_identifier};
use super::{ELEMENT, Word};
use crate::ast::{
    Ast, Binding, Definition, Expr, ExprKind, Function, Import, Imported, LoopForm, Name, ProgramAsFunction,
};
use crate::dialect::networks::inside;
use crate::dialect::words::count;
use crate::dialect::{ReaderLimits, short};
use crate::number::Literal;
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, Span};
use operators::{Pending, Waiting};

/// Reads a program, of less than 2³² bytes.
///
/// # Errors
///
/// Everything that is wrong with the text, each error with its place.
pub fn read(source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
    let (ast, errors) = read_all(source, limits);
    if errors.is_empty() { Ok(ast) } else { Err(errors) }
}

/// Reads a program, of less than 2³² bytes. Beside errors, it is what its statements without errors are, with numbers in the place of what
/// is wrong within others.
pub fn read_all(source: &str, limits: &ReaderLimits) -> (Ast, Vec<Diagnostic>) {
    let mut reader = Reader {
        source,
        limits,
        tokens: Tokens::of(source),
        last: Kind::Semicolon,
        ast: Ast::new(),
        interned: HashMap::new(),
        frames: Vec::new(),
        pending: Vec::new(),
        operands: Vec::new(),
        recur: Recur::Nowhere,
        result: None,
        several: HashMap::new(),
        errors: Vec::new(),
    };
    reader.program();
    (reader.ast, reader.errors)
}

/// A finished expression.
#[derive(Clone, Copy)]
struct Operand {
    expr: Expr,
    span: Span,
    literal: Written,
}

/// Whether an operand is a number as it is written, without parentheses.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Written {
    Otherwise,
    /// A number; a sign in front is a part of it.
    Number(Literal),
    /// A number with a sign.
    Signed(Literal),
    /// A number with an `i`; a sign in front is a part of it.
    Imaginary(Literal),
}

/// What `recur` refers to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Recur {
    /// There is no loop.
    Nowhere,
    /// There is one, but outside the function.
    Beyond,
    /// The function of the innermost loop.
    To(Name),
}

impl Recur {
    /// What it refers to in a function here.
    fn outside(self) -> Recur {
        match self {
            Recur::Nowhere => Recur::Nowhere,
            Recur::Beyond | Recur::To(_) => Recur::Beyond,
        }
    }
}

/// A name that is bound, with parameters if it is a function.
struct Bound {
    name: Name,
    span: Span,
    params: Option<Vec<(Name, Span)>>,
}

/// A part of the text that is not complete.
struct Frame {
    part: Part,
    /// The token that began it.
    span: Span,
    /// Where its own operators and operands begin.
    pending: usize,
    operands: usize,
    /// What `recur` refers to behind it.
    recur: Recur,
}

enum Part {
    /// `( … )`.
    Parentheses,
    /// `name( … , … )` or `operand[ … , … ]`, whose first operand is the one in front.
    Call { name: Name, name_span: Span, close: Bracket },
    /// `[ … , … ]`.
    Vector,
    /// `if( … , … , … )`.
    If,
    /// `recur( … , … )`; nothing where there is no loop.
    Recur(Option<Name>),
    /// `let … , … in …`.
    Let { bound: Vec<Bound>, body: bool },
    /// `{ … ; … }`.
    Block { bound: Vec<Bound>, body: bool },
    /// `loop name(… , …) …`.
    Loop { form: LoopForm, name: Name, name_span: Span, params: Vec<(Name, Span)>, body: bool },
    /// `do … then … , … until … in …`, with how many operands each variable has.
    Do { name: Name, params: Vec<(Name, Span)>, operands: Vec<usize>, at: DoPart },
    /// `(fun(… , …) …)`, whose operands follow.
    Fun { params: Vec<(Name, Span)> },
    /// The operands of such a function, behind its body.
    Apply { params: Vec<(Name, Span)> },
    /// `fun(… , …) …`, a function that is a value.
    Lambda { params: Vec<(Name, Span)>, word: Span },
    /// `operand( … , … )`: a call of what the operand in front gives.
    Value,
    /// `values( … , … )`.
    Values(Vec<(Name, Span)>),
    /// A definition at the top of the program.
    Definition(Bound),
    /// The result of the program.
    Result,
}

/// Where in a `do` the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DoPart {
    First,
    Next,
    Test,
    Result,
}

/// An error that leaves the rest of a statement without meaning.
type Broken = Box<Diagnostic>;

struct Reader<'a> {
    source: &'a str,
    limits: &'a ReaderLimits,
    tokens: Tokens<'a>,
    /// The token that was taken last.
    last: Kind<'a>,
    ast: Ast,
    interned: HashMap<Cow<'a, str>, Name>,
    frames: Vec<Frame>,
    pending: Vec<Waiting>,
    operands: Vec<Operand>,
    recur: Recur,
    /// `values(…)` behind bindings or in functions, and the names of the results.
    several: HashMap<Expr, Vec<(Name, Span)>>,
    /// Where the result of the program stands, once it is read.
    result: Option<Span>,
    errors: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn error(&mut self, error: Diagnostic) {
        if self.errors.len() < MAX_DIAGNOSTICS {
            self.errors.push(error);
        }
    }

    fn next(&mut self) -> Token<'a> {
        let errors = &mut self.errors;
        let token = self.tokens.next(|error| {
            if errors.len() < MAX_DIAGNOSTICS {
                errors.push(error);
            }
        });
        self.last = token.kind;
        token
    }

    /// The next token, which stays.
    fn peek(&self) -> Token<'a> {
        let mut ahead = self.tokens;
        ahead.next(|_| {})
    }

    fn intern(&mut self, text: &'a str) -> Name {
        match self.interned.get(text) {
            Some(&name) => name,
            None => {
                let name = self.ast.add_name(text);
                self.interned.insert(text.into(), name);
                name
            }
        }
    }

    /// A name that no binding of the program can give another meaning. The key has a space, which no name has.
    fn hygienic(&mut self, key: &'static str) -> Name {
        match self.interned.get(key) {
            Some(&name) => name,
            None => {
                let name = self.ast.make_name(key.trim());
                self.interned.insert(key.into(), name);
                name
            }
        }
    }

    fn push(&mut self, kind: ExprKind, span: Span) {
        let expr = self.ast.push(kind, span);
        self.operands.push(Operand { expr, span, literal: Written::Otherwise });
    }

    fn number(&mut self, literal: Literal, span: Span) -> Expr {
        self.ast.push(ExprKind::Number(literal), span)
    }

    /// Something in the place of what is wrong.
    fn hole(&mut self, span: Span) {
        self.push(ExprKind::Number(Literal::ZERO), span);
    }

    fn text(&self, span: Span) -> String {
        short(span.text(self.source))
    }

    /// Reads statements until the text is over.
    fn program(&mut self) {
        loop {
            let start = self.tokens;
            let end = match self.statement() {
                Ok(end) => end,
                Err(error) => {
                    let fatal = error.code == "too-deep";
                    self.error(*error);
                    if fatal || self.errors.len() >= MAX_DIAGNOSTICS {
                        return;
                    }
                    self.forget(start);
                    self.recover()
                }
            };
            if end {
                break;
            }
        }
        if self.errors.is_empty() && self.result.is_none() {
            self.without_result();
        }
        if !self.several.is_empty() {
            self.lift_results();
        }
    }

    /// What a statement defines that could not be read is unknown.
    fn forget(&mut self, mut tokens: Tokens<'a>) {
        let mut next = || tokens.next(|_| {}).kind;
        let Kind::Name(first) = next() else { return };
        let (name, mut kind) = match (first, next()) {
            ("network", Kind::Name(name)) => (name, Kind::Equals),
            (name, kind) => (name, kind),
        };
        if kind == Kind::Open(Bracket::Round) {
            let mut depth = 1;
            while depth > 0 {
                match next() {
                    Kind::Open(_) => depth += 1,
                    Kind::Close(_) => depth -= 1,
                    Kind::Semicolon | Kind::End => return,
                    Kind::Name(_)
                    | Kind::Word(_)
                    | Kind::Number(_)
                    | Kind::Imaginary(_)
                    | Kind::Operator(_)
                    | Kind::Equals
                    | Kind::Comma => {}
                }
            }
            kind = next();
        }
        if kind == Kind::Equals {
            let name = self.intern(name);
            self.ast.unknown.push(name);
        }
    }

    /// Skips the rest of a statement at the top; whether it is the last one.
    fn recover(&mut self) -> bool {
        let open = |frame: &&Frame| matches!(frame.part, Part::Block { .. });
        let mut depth = self.frames.iter().filter(open).count();
        self.frames.clear();
        self.pending.clear();
        self.operands.clear();
        self.recur = Recur::Nowhere;
        self.result = None;
        let mut kind = self.last;
        loop {
            match kind {
                Kind::End => return true,
                Kind::Semicolon if depth == 0 => return false,
                Kind::Open(Bracket::Curly) => depth += 1,
                Kind::Close(Bracket::Curly) => depth = depth.saturating_sub(1),
                Kind::Semicolon
                | Kind::Open(_)
                | Kind::Close(_)
                | Kind::Name(_)
                | Kind::Word(_)
                | Kind::Number(_)
                | Kind::Imaginary(_)
                | Kind::Operator(_)
                | Kind::Equals
                | Kind::Comma => {}
            }
            kind = self.next().kind;
        }
    }

    /// The text is over, and ends in no expression.
    fn without_result(&mut self) {
        let end = self.source.len() as u32;
        let error = match self.ast.definitions.last() {
            // A value may be a function, which is known where names are.
            Some(Definition::Function(_) | Definition::Value(_)) => return,
            None if !self.ast.imports.is_empty() => {
                Diagnostic::error("empty", Span::new(end, end), "the program imports and computes nothing")
                    .help("write an expression behind the imports")
            }
            None => Diagnostic::error("empty", Span::new(end, end), "the program is empty")
                .help("write an expression, such as `m*c^2`"),
        };
        self.error(error);
    }

    /// Reads a statement at the top; whether it is the last one.
    fn statement(&mut self) -> Result<bool, Broken> {
        let first = self.peek();
        match first.kind {
            // Taken, and with it what is wrong in front of it.
            Kind::End | Kind::Semicolon => return Ok(self.next().kind == Kind::End),
            _ => {}
        }
        if let Some(import) = self.import()? {
            let before = self.result.or_else(|| match self.ast.definitions.first()? {
                Definition::Function(function) => Some(function.span),
                Definition::Value(binding) => Some(binding.span),
            });
            if let Some(before) = before {
                self.error(
                    Diagnostic::error("form", first.span, "imports stand before everything else in a file")
                        .related(before, "this stands before it")
                        .help("move it to the top"),
                );
            }
            self.ast.imports.push(import);
            return Ok(self.last == Kind::End);
        }
        if let Some(before) = self.result.replace(first.span) {
            // The value of the statement before is lost; what is left is read for its own errors.
            self.error(
                Diagnostic::error(
                    "form",
                    before,
                    "only the last expression of a program has a value that counts",
                )
                .label("this value is lost")
                .help("give it a name, `name = …;`, or return several results with `values(name = …, …)`"),
            );
        }
        if self.network()? {
            self.result = None;
            return Ok(self.last == Kind::End);
        }
        if let Some(bound) = self.header()? {
            self.result = None;
            self.enter(&bound);
            self.open(Part::Definition(bound), first.span)?;
        } else if first.kind == Kind::Word(Word::Values) {
            self.next();
            self.expect_open(first.span, "`values(name = expression, …)`")?;
            self.open(Part::Values(Vec::new()), first.span)?;
            self.named_result()?;
        } else {
            self.open(Part::Result, first.span)?;
        }
        self.expression()
    }

    /// `import "file";`, `import "file" prefix name;` or `import "file" program name(input, …);`, if that is what comes.
    fn import(&mut self) -> Result<Option<Import>, Broken> {
        const USAGE: &str = "it is written `import \"file.nci\";`; `import \"file.nci\" prefix name_;` for names that begin \
                             with `name_`; `import \"file.nci\" program name(input, …);` for a program as a function of inputs \
                             of it";
        if self.peek().kind != Kind::Name("import") {
            return Ok(None);
        }
        let mut ahead = self.tokens;
        ahead.next(|_| {});
        let Some((path, span)) = ahead.file() else { return Ok(None) };
        self.tokens = ahead;
        let mut what = Imported::Definitions(String::new());
        let mut token = self.next();
        if token.kind == Kind::Name("prefix") {
            let Token { kind: Kind::Name(text), .. } = self.next() else {
                return Err(Diagnostic::error("form", token.span, "a prefix is a name").help(USAGE).into());
            };
            (what, token) = (Imported::Definitions(text.to_string()), self.next());
        } else if token.kind == Kind::Name("program") {
            let function = self.program_as_function().ok_or_else(|| {
                let message = "`program` stands before what the function is called, and names of inputs";
                Diagnostic::error("form", token.span, message).help(USAGE)
            })?;
            (what, token) = (Imported::Program(function), self.next());
        }
        if !matches!(token.kind, Kind::Semicolon | Kind::End) {
            let message = format!("`{}` where `;` is expected", self.text(token.span));
            return Err(Diagnostic::error("operand", token.span, message).help(USAGE).into());
        }
        Ok(Some(Import { path: path.to_string(), span, what }))
    }

    /// `name(input, …)`, if that is what comes.
    fn program_as_function(&mut self) -> Option<ProgramAsFunction> {
        let Token { kind: Kind::Name(name), span } = self.next() else { return None };
        if self.next().kind != Kind::Open(Bracket::Round) {
            return None;
        }
        let mut inputs = Vec::new();
        let mut token = self.next();
        while token.kind != Kind::Close(Bracket::Round) {
            let Kind::Name(input) = token.kind else { return None };
            inputs.push((input.to_string(), token.span));
            token = self.next();
            match token.kind {
                Kind::Comma => token = self.next(),
                Kind::Close(Bracket::Round) => {}
                _ => return None,
            }
        }
        Some(ProgramAsFunction { name: name.to_string(), span, inputs })
    }

    /// Reads tokens until a statement at the top is complete; whether it is the last one.
    fn expression(&mut self) -> Result<bool, Broken> {
        let mut step = Step::Operand;
        loop {
            step = match step {
                Step::Operand => self.operand()?,
                Step::Behind => {
                    let token = self.next();
                    self.behind_operand(token)?
                }
                Step::Statement => return Ok(false),
                Step::Program => return Ok(true),
            };
        }
    }

    /// Reads an operand, or the beginning of one.
    fn operand(&mut self) -> Result<Step, Broken> {
        let token = self.next();
        let span = token.span;
        match token.kind {
            Kind::Number(literal) => self.literal(Written::Number(literal), span),
            Kind::Imaginary(literal) => self.literal(Written::Imaginary(literal), span),
            Kind::Name(text) => {
                let name = self.intern(text);
                if self.peek().kind == Kind::Open(Bracket::Round) {
                    self.next();
                    self.open(Part::Call { name, name_span: span, close: Bracket::Round }, span)?;
                    return self.first_of(Bracket::Round);
                }
                self.push(ExprKind::Name(name), span);
            }
            Kind::Open(Bracket::Round) => {
                let fun = self.peek();
                if fun.kind != Kind::Word(Word::Fun) {
                    self.open(Part::Parentheses, span)?;
                    return Ok(Step::Operand);
                }
                self.next();
                self.expect_open(fun.span, "`(fun(parameter, …) body)(operand, …)`")?;
                let params = self.params()?;
                self.open(Part::Fun { params }, span)?;
                return Ok(Step::Operand);
            }
            Kind::Open(Bracket::Square) => {
                self.open(Part::Vector, span)?;
                return self.first_of(Bracket::Square);
            }
            Kind::Open(Bracket::Curly) => {
                self.open(Part::Block { bound: Vec::new(), body: false }, span)?;
                self.block_statement()?;
                return Ok(Step::Operand);
            }
            Kind::Operator(Operator::Minus) => return self.prefix(Pending::Negate, span),
            Kind::Operator(Operator::Plus) => return self.prefix(Pending::Keep, span),
            Kind::Word(word) => return self.word(word, span),
            Kind::Operator(_) | Kind::Equals | Kind::Comma | Kind::Semicolon | Kind::Close(_) | Kind::End => {
                return Err(self.missing(token));
            }
        }
        Ok(Step::Behind)
    }

    /// A word where an operand is wanted.
    fn word(&mut self, word: Word, span: Span) -> Result<Step, Broken> {
        match word {
            Word::True => self.literal(Written::Signed(Literal::from(1.0)), span),
            Word::False => self.literal(Written::Signed(Literal::ZERO), span),
            Word::Inf => self.literal(Written::Number(Literal::from(f64::INFINITY)), span),
            Word::Nan => self.literal(Written::Number(Literal::from(f64::NAN)), span),
            Word::ImaginaryInf => self.literal(Written::Imaginary(Literal::from(f64::INFINITY)), span),
            Word::ImaginaryNan => self.literal(Written::Imaginary(Literal::from(f64::NAN)), span),
            Word::Not => return self.prefix(Pending::Not, span),
            Word::If => {
                self.expect_open(span, "`if(condition, value, otherwise)`")?;
                self.open(Part::If, span)?;
                return Ok(Step::Operand);
            }
            Word::Recur => {
                self.expect_open(span, "`recur(next, …)`")?;
                let name = self.innermost_loop(span);
                self.open(Part::Recur(name), span)?;
                return self.first_of(Bracket::Round);
            }
            Word::Let => {
                self.open(Part::Let { bound: Vec::new(), body: false }, span)?;
                if self.peek().kind == Kind::Word(Word::In) {
                    self.next();
                    self.let_body();
                } else {
                    self.let_binding()?;
                }
                return Ok(Step::Operand);
            }
            Word::Loop => {
                return self.begin_loop(span);
            }
            Word::Do => {
                let name = self.ast.make_name("do");
                let part = Part::Do { name, params: Vec::new(), operands: Vec::new(), at: DoPart::First };
                self.open(part, span)?;
                let next = self.peek();
                if next.kind == Kind::Word(Word::Until) {
                    self.next();
                    self.do_part(DoPart::Test);
                } else {
                    self.do_variable()?;
                }
                return Ok(Step::Operand);
            }
            Word::Fun => {
                self.expect_open(span, "`fun(parameter, …) body`")?;
                let params = self.params()?;
                self.open(Part::Lambda { params, word: span }, span)?;
                self.recur = self.recur.outside();
                return Ok(Step::Operand);
            }
            Word::Values if self.may_give_results() => {
                self.expect_open(span, "`values(name = expression, …)`")?;
                self.open(Part::Values(Vec::new()), span)?;
                self.named_result()?;
                return Ok(Step::Operand);
            }
            Word::Values => {
                return Err(Diagnostic::error("form", span, results::ELSEWHERE)
                    .help("use a vector: `[a, b]`")
                    .into());
            }
            Word::And | Word::Or | Word::In | Word::Then | Word::Until => {
                return Err(self.missing(Token { kind: Kind::Word(word), span }));
            }
        }
        Ok(Step::Behind)
    }

    /// The loop that a `recur` here belongs to.
    fn innermost_loop(&mut self, span: Span) -> Option<Name> {
        let error = match self.recur {
            Recur::To(name) => return Some(name),
            Recur::Beyond => {
                Diagnostic::error("recur", span, "this `recur` stands in a function inside the loop").help(
                    "give the loop a name, `loop again(name = first, …) …`, and call that: `again(next, …)`",
                )
            }
            Recur::Nowhere => Diagnostic::error("recur", span, "`recur` outside a loop").help(
                "a loop is written `loop(name = first, …) …`; a function repeats itself by a call of its name",
            ),
        };
        self.error(error);
        None
    }

    /// Where the first operand in brackets is wanted: they may close at once.
    fn first_of(&mut self, bracket: Bracket) -> Result<Step, Broken> {
        if self.peek().kind != Kind::Close(bracket) {
            return Ok(Step::Operand);
        }
        let close = self.next();
        self.close(close)
    }

    fn too_deep(&self, span: Span) -> Broken {
        let message = format!("nesting deeper than the limit of {}", self.limits.nesting);
        Diagnostic::error("too-deep", span, message).into()
    }

    fn open(&mut self, part: Part, span: Span) -> Result<(), Broken> {
        // The frame of the statement at the top is no nesting.
        if self.frames.len() > self.limits.nesting {
            return Err(self.too_deep(span));
        }
        let (pending, operands) = (self.pending.len(), self.operands.len());
        self.frames.push(Frame { part, span, pending, operands, recur: self.recur });
        Ok(())
    }

    fn expect_open(&mut self, word: Span, usage: &str) -> Result<(), Broken> {
        let token = self.next();
        if token.kind == Kind::Open(Bracket::Round) {
            return Ok(());
        }
        let message = format!("`{}` is followed by a `(`", self.text(word));
        Err(Diagnostic::error("form", word, message).help(format!("it is written {usage}")).into())
    }

    fn missing(&self, token: Token<'a>) -> Broken {
        let message = match token.kind {
            Kind::End => "an operand is missing at the end of the text".to_string(),
            _ => format!("an operand is missing before this `{}`", self.text(token.span)),
        };
        let error = Diagnostic::error("operand", token.span, message);
        let innermost = self.frames.iter().rev().find(|frame| !matches!(frame.part, Part::Result));
        match (token.kind, innermost) {
            (Kind::End, Some(frame)) => error.related(frame.span, "in what begins here").into(),
            _ => error.into(),
        }
    }

    /// What follows an operand: an operator, an index, or the end of some part.
    fn behind_operand(&mut self, token: Token<'a>) -> Result<Step, Broken> {
        let span = token.span;
        let operator = match token.kind {
            Kind::Operator(operator) => Pending::of(operator),
            Kind::Equals => Pending::Equal,
            Kind::Word(Word::And) => Pending::And,
            Kind::Word(Word::Or) => Pending::Or,
            Kind::Open(Bracket::Square) => {
                let name = self.intern(ELEMENT);
                self.open(Part::Call { name, name_span: span, close: Bracket::Square }, span)?;
                // The operand in front is the first one.
                if let (Some(frame), Some(front)) = (self.frames.last_mut(), self.operands.last()) {
                    frame.operands -= 1;
                    frame.span = front.span;
                }
                return Ok(Step::Operand);
            }
            Kind::Open(Bracket::Round) if self.gives_function() => {
                self.open(Part::Value, span)?;
                // What is called is the first operand.
                if let (Some(frame), Some(front)) = (self.frames.last_mut(), self.operands.last()) {
                    frame.operands -= 1;
                    frame.span = front.span;
                }
                return self.first_of(Bracket::Round);
            }
            Kind::Name(_) | Kind::Number(_) | Kind::Imaginary(_) | Kind::Open(_) => {
                return Err(self.two_operands(token));
            }
            Kind::Word(Word::In | Word::Then | Word::Until)
            | Kind::Comma
            | Kind::Semicolon
            | Kind::Close(_)
            | Kind::End => return self.end_of_part(token),
            Kind::Word(_) => return Err(self.two_operands(token)),
        };
        self.operator(operator, span)?;
        Ok(Step::Operand)
    }

    fn two_operands(&self, token: Token<'a>) -> Broken {
        if let (Kind::Name(_), Some(front)) = (token.kind, self.operands.last())
            && front.span.text(self.source) == "network"
        {
            return inside(front.span).into();
        }
        let message = format!("`{}` follows an operand", self.text(token.span));
        let error = Diagnostic::error("operand", token.span, message);
        match token.kind {
            Kind::Word(_) => error.help("a form that is an operand of another stands in parentheses"),
            _ => error.help(self.between(token)),
        }
        .into()
    }

    /// What may be missing between two operands.
    fn between(&self, token: Token<'a>) -> String {
        let plain = "an operator stands between them, `*` for a product".to_string();
        let Some(front) = self.operands.last() else { return plain };
        let gap = &self.source[front.span.end as usize..token.span.start as usize];
        let in_statement =
            |frame: &Frame| matches!(frame.part, Part::Definition(_) | Part::Result | Part::Block { .. });
        if gap.contains('\n') && self.frames.last().is_none_or(in_statement) {
            return "a statement ends with `;`, and an operator goes on with it".into();
        }
        let name = front.span.text(self.source);
        if ELSEWHERE.contains(&name) {
            return "a function as an operand is written `fun(x) x^2`".into();
        }
        if is_identifier(name) && matches!(token.kind, Kind::Name(_) | Kind::Number(_) | Kind::Imaginary(_)) {
            let operand = self.text(token.span);
            return format!("a call is written `{name}({operand})`, a product `{name}*{operand}`");
        }
        plain
    }

    /// Whether the operand in front may be a function that parentheses behind it call: no number, name or operator.
    fn gives_function(&self) -> bool {
        let Some(operand) = self.operands.last() else { return false };
        match self.ast.kind(operand.expr) {
            ExprKind::Call(name, span, _) => {
                let text = self.ast.name(*name);
                // What was written as an operator or an index begins in front of its name.
                text != ELEMENT && !self.ast.is_made(*name) && span.start == self.ast.span(operand.expr).start
            }
            ExprKind::Apply(..)
            | ExprKind::Lambda(_)
            | ExprKind::If(..)
            | ExprKind::Let(..)
            | ExprKind::Letrec(..)
            | ExprKind::Loop(..) => true,
            ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Recur(..) => false,
        }
    }

    /// A token that ends a part of the innermost frame; frames that it cannot belong to end before it.
    fn end_of_part(&mut self, token: Token<'a>) -> Result<Step, Broken> {
        loop {
            self.settle();
            let within = self.frames.len() > 1;
            let Some(frame) = self.frames.last_mut() else { return Ok(Step::Statement) };
            match (&mut frame.part, token.kind) {
                // Forms that reach as far as they can.
                (Part::Let { body: true, .. } | Part::Loop { body: true, .. }, _)
                | (Part::Do { at: DoPart::Result, .. } | Part::Lambda { .. }, _) => self.finish_form(),
                (
                    Part::Call { .. }
                    | Part::Vector
                    | Part::If
                    | Part::Recur(_)
                    | Part::Apply { .. }
                    | Part::Value,
                    Kind::Comma,
                ) => return Ok(Step::Operand),
                (Part::Let { .. }, Kind::Comma) => {
                    self.let_binding()?;
                    return Ok(Step::Operand);
                }
                (Part::Let { .. }, Kind::Word(Word::In)) => {
                    self.let_body();
                    return Ok(Step::Operand);
                }
                (Part::Block { body: false, .. }, Kind::Semicolon) => {
                    self.block_statement()?;
                    return Ok(Step::Operand);
                }
                (Part::Block { body: true, .. }, Kind::Semicolon) => {
                    let closes = self.peek();
                    if closes.kind != Kind::Close(Bracket::Curly) {
                        let value = self.operands[self.operands.len() - 1].span;
                        return Err(Diagnostic::error(
                            "form",
                            value,
                            "only the last expression of a block has a value",
                        )
                        .label("this value is lost")
                        .help("give it a name: `name = …;`")
                        .into());
                    }
                    let close = self.next();
                    return self.close(close);
                }
                (Part::Loop { .. }, Kind::Comma) => {
                    self.loop_variable()?;
                    return Ok(Step::Operand);
                }
                (Part::Loop { .. }, Kind::Close(Bracket::Round)) => {
                    self.loop_body();
                    return Ok(Step::Operand);
                }
                (Part::Do { operands, at, .. }, Kind::Word(Word::Then)) if *at == DoPart::First => {
                    if let Some(count) = operands.last_mut() {
                        *count += 1;
                    }
                    self.do_part(DoPart::Next);
                    return Ok(Step::Operand);
                }
                (Part::Do { at: DoPart::First | DoPart::Next, .. }, Kind::Comma) => {
                    self.do_variable()?;
                    return Ok(Step::Operand);
                }
                (Part::Do { at: DoPart::First | DoPart::Next, .. }, Kind::Word(Word::Until)) => {
                    self.do_part(DoPart::Test);
                    return Ok(Step::Operand);
                }
                (Part::Do { at: DoPart::Test, .. }, Kind::Word(Word::In)) => {
                    self.do_part(DoPart::Result);
                    return Ok(Step::Operand);
                }
                (Part::Values(_), Kind::Comma) => {
                    self.named_result()?;
                    return Ok(Step::Operand);
                }
                (Part::Values(_), Kind::Close(Bracket::Round)) if within => {
                    self.several_results(token.span);
                    return Ok(Step::Behind);
                }
                (Part::Values(_), Kind::Close(Bracket::Round)) => {
                    self.finish_values();
                    let end = self.next();
                    return match end.kind {
                        Kind::Semicolon => Ok(Step::Statement),
                        Kind::End => Ok(Step::Program),
                        _ => Err(Diagnostic::error("operand", end.span, "`values(…)` is no operand").into()),
                    };
                }
                (Part::Definition(_) | Part::Result, Kind::Semicolon | Kind::End) => {
                    self.finish_statement();
                    return Ok(if token.kind == Kind::End { Step::Program } else { Step::Statement });
                }
                (_, Kind::Close(_)) => return self.close(token),
                (_, _) => return Err(self.out_of_place(token)),
            }
        }
    }

    fn out_of_place(&self, token: Token<'a>) -> Broken {
        let Some(frame) = self.frames.last() else { return self.missing(token) };
        let text = self.text(token.span);
        let (what, expected) = match &frame.part {
            Part::Parentheses | Part::Fun { .. } => ("parenthesis", "`)`"),
            Part::Call { close: Bracket::Square, .. } => ("index", "`]`"),
            Part::Call { .. }
            | Part::If
            | Part::Recur(_)
            | Part::Apply { .. }
            | Part::Value
            | Part::Values(_) => ("call", "`,` or `)`"),
            Part::Lambda { .. } => ("`fun`", "an operator"),
            Part::Vector => ("vector", "`,` or `]`"),
            Part::Let { .. } => ("`let`", "`,` or `in`"),
            Part::Block { .. } => ("block", "`;` or `}`"),
            Part::Loop { .. } => ("`loop`", "`,` or `)`"),
            Part::Do { at: DoPart::First, .. } => ("`do`", "`then`, `,` or `until`"),
            Part::Do { at: DoPart::Next, .. } => ("`do`", "`,` or `until`"),
            Part::Do { .. } => ("`do`", "`in`"),
            Part::Definition(_) | Part::Result => ("statement", "an operator or `;`"),
        };
        if token.kind == Kind::End {
            let message = format!("this {what} is never closed");
            return Diagnostic::error("unclosed", frame.span, message)
                .help(format!("the text ends where {expected} is expected"))
                .into();
        }
        let error =
            Diagnostic::error("operand", token.span, format!("`{text}` where {expected} is expected"));
        let error = match (&frame.part, token.kind) {
            (Part::Let { bound, body: false }, Kind::Semicolon) => {
                let name = bound.first().map_or("a", |bound| self.ast.name(bound.name));
                error.help(format!(
                    "write `let {name} = 2 in …`, or `{name} = 2;` for the rest of the program"
                ))
            }
            _ => error,
        };
        match frame.part {
            Part::Definition(_) | Part::Result => error.into(),
            _ => error.related(frame.span, format!("in the {what} that begins here")).into(),
        }
    }

    /// A bracket that closes the innermost frame.
    fn close(&mut self, token: Token<'a>) -> Result<Step, Broken> {
        let Kind::Close(bracket) = token.kind else { return Err(self.out_of_place(token)) };
        let Some(frame) = self.frames.last() else { return Err(self.out_of_place(token)) };
        let own = match &frame.part {
            Part::Parentheses
            | Part::If
            | Part::Recur(_)
            | Part::Fun { .. }
            | Part::Apply { .. }
            | Part::Value => Bracket::Round,
            Part::Call { close, .. } => *close,
            Part::Vector => Bracket::Square,
            Part::Block { body: true, .. } => Bracket::Curly,
            Part::Block { body: false, .. } if bracket == Bracket::Curly => {
                return Err(Diagnostic::error(
                    "form",
                    token.span,
                    "this block ends in a definition: it has no value",
                )
                .related(frame.span, "the block")
                .help("end it with an expression")
                .into());
            }
            Part::Definition(_) | Part::Result => {
                let message = format!("this `{}` closes nothing", bracket.closing());
                return Err(Diagnostic::error("unopened", token.span, message).into());
            }
            Part::Block { .. }
            | Part::Let { .. }
            | Part::Lambda { .. }
            | Part::Loop { .. }
            | Part::Do { .. }
            | Part::Values(_) => return Err(self.out_of_place(token)),
        };
        if own != bracket {
            let message = format!("`{}` where `{}` is expected", bracket.closing(), own.closing());
            return Err(Diagnostic::error("mismatched", token.span, message)
                .related(frame.span, "in what begins here")
                .into());
        }
        let Some(frame) = self.frames.pop() else { return Err(self.out_of_place(token)) };
        self.recur = frame.recur;
        let span = frame.span.join(token.span);
        if let Part::Parentheses = frame.part {
            if let Some(operand) = self.operands.last_mut() {
                *operand = Operand { span, literal: Written::Otherwise, ..*operand };
            }
            return Ok(Step::Behind);
        }
        if let Part::Fun { params } = frame.part {
            return self.apply(params, span);
        }
        let args: Vec<Operand> = self.operands.drain(frame.operands..).collect();
        let exprs = || args.iter().map(|operand| operand.expr).collect::<Vec<Expr>>();
        match frame.part {
            Part::Call { name, name_span, .. } => {
                self.push(ExprKind::Call(name, name_span, exprs().into()), span)
            }
            Part::Vector if args.is_empty() => {
                self.error(Diagnostic::error("form", span, "a vector has at least one element"));
                self.hole(span);
            }
            Part::Vector => {
                let name = self.hygienic(" vec");
                let bracket = Span::new(span.start, span.start + 1);
                self.push(ExprKind::Call(name, bracket, exprs().into()), span);
            }
            Part::Recur(Some(name)) => self.push(ExprKind::Recur(name, frame.span, exprs().into()), span),
            Part::Recur(None) => self.hole(span),
            Part::If => self.choice(&exprs(), span),
            Part::Apply { params } => {
                // The body is the first operand.
                let (body, values) = (args[0].expr, &args[1..]);
                if values.len() != params.len() {
                    let takes = count(params.len(), "operand");
                    let message = format!("this function takes {takes}, not {}", values.len());
                    self.error(Diagnostic::error("arity", span, message).related(frame.span, "the function"));
                }
                let bindings = params
                    .into_iter()
                    .zip(values)
                    .map(|((name, span), value)| Binding { name, span, value: value.expr })
                    .collect();
                self.push(ExprKind::Let(Box::new((bindings, Vec::new())), body), span);
            }
            Part::Value => {
                let (head, values) = (args[0].expr, args[1..].iter().map(|operand| operand.expr).collect());
                self.push(ExprKind::Apply(head, values), span);
            }
            Part::Block { bound, .. } => {
                self.distinct(
                    bound.iter().map(|bound| (bound.name, bound.span)),
                    "is defined twice in one block",
                    None,
                );
                let definitions =
                    bound.into_iter().zip(exprs()).map(|(bound, part)| bound.define(part)).collect();
                self.push(ExprKind::Letrec(definitions, args[args.len() - 1].expr), span);
            }
            Part::Parentheses
            | Part::Fun { .. }
            | Part::Let { .. }
            | Part::Lambda { .. }
            | Part::Loop { .. }
            | Part::Do { .. }
            | Part::Values(_)
            | Part::Definition(_)
            | Part::Result => {}
        }
        Ok(Step::Behind)
    }

    /// Behind `(fun(…) body)`, whose body is the last operand: the operands that the function is called with.
    fn apply(&mut self, params: Vec<(Name, Span)>, span: Span) -> Result<Step, Broken> {
        if self.peek().kind != Kind::Open(Bracket::Round) {
            // It is a value.
            if let Some(body) = self.operands.pop() {
                self.lambda(params, Span::new(span.start, span.start + 1), body.expr, span);
            }
            return Ok(Step::Behind);
        }
        self.next();
        self.open(Part::Apply { params }, span)?;
        self.frames.last_mut().expect("the frame that was opened").operands -= 1;
        self.first_of(Bracket::Round)
    }

    /// A function as a value.
    fn lambda(&mut self, params: Vec<(Name, Span)>, word: Span, body: Expr, span: Span) {
        let name = self.hygienic(" lambda");
        self.push(ExprKind::Lambda(Box::new(Function { name, span: word, params, body })), span);
    }

    /// `if(condition, value, condition, value, …, otherwise)`.
    fn choice(&mut self, parts: &[Expr], span: Span) {
        let usage = "it is written `if(condition, value, otherwise)`";
        if parts.len() < 3 || parts.len().is_multiple_of(2) {
            let message = match parts.len() {
                2 => "this `if` has no value where its condition is false".to_string(),
                1 => "`if` with 1 part".to_string(),
                count => format!("`if` with {count} parts: there is none for where no condition holds"),
            };
            self.error(Diagnostic::error("form", span, message).help(usage));
            return self.hole(span);
        }
        let mut rest = parts[parts.len() - 1];
        for pair in parts[..parts.len() - 1].rchunks(2) {
            rest = self.ast.push(ExprKind::If(pair[0], pair[1], rest), span);
        }
        self.operands.push(Operand { expr: rest, span, literal: Written::Otherwise });
    }
}

/// What is to be read.
enum Step {
    /// An operand.
    Operand,
    /// What follows an operand.
    Behind,
    /// Another statement.
    Statement,
    /// Nothing.
    Program,
}
