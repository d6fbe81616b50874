//! `network name(input, …) layers(n, …) activation(f) results(n);`.

use super::{Broken, Reader};
use crate::ast::Name;
use crate::ast::network::NetworkInput;
use crate::dialect::infix::token::{Bracket, Kind, Operator, Token};
use crate::dialect::networks::{Declaration, whole};
use crate::number::Literal;
use crate::source::{Diagnostic, Span};

const USAGE: &str = "it is written `network name(input, …) layers(n, …) activation(tanh) results(n);`, an input being a name or \
                     `name[n]` for a vector of n numbers; `output(f)` and `start(w2 = 0, b2 = 1)` may follow";

impl<'a> Reader<'a> {
    /// Reads a network, if that is what comes; whether it was one.
    pub(super) fn network(&mut self) -> Result<bool, Broken> {
        let mut ahead = self.tokens;
        let (word, name) = (ahead.next(|_| {}), ahead.next(|_| {}));
        let (Kind::Name("network"), Kind::Name(text)) = (word.kind, name.kind) else { return Ok(false) };
        self.next();
        self.next();
        let mut declaration = Declaration::new(self.intern(text), name.span);
        self.open_bracket(Bracket::Round)?;
        loop {
            let Token { kind: Kind::Name(text), span } = self.next() else {
                return Err(self.wrong(word.span, "an input of a network is a name"));
            };
            let mut size = None;
            if self.peek().kind == Kind::Open(Bracket::Square) {
                self.next();
                size = Some(self.size()?);
                self.close_bracket(Bracket::Square)?;
            }
            declaration.inputs.push(NetworkInput { name: self.intern(text), span, size });
            if !self.another()? {
                break;
            }
        }
        loop {
            let Token { kind, span } = self.next();
            let part = match kind {
                Kind::Semicolon | Kind::End => break,
                Kind::Name(part) => part,
                _ => return Err(self.wrong(span, "this is no part of a network")),
            };
            if !["layers", "activation", "output", "results", "start"].contains(&part) {
                return Err(self.wrong(span, "this is no part of a network"));
            }
            self.open_bracket(Bracket::Round)?;
            match part {
                "layers" => {
                    let mut layers = Vec::new();
                    if self.peek().kind == Kind::Close(Bracket::Round) {
                        self.next();
                    } else {
                        layers.push(self.size()?);
                        while self.another()? {
                            layers.push(self.size()?);
                        }
                    }
                    declaration.layers.push((layers, span));
                }
                "results" => {
                    declaration.results.push((self.size()?, span));
                    self.close_bracket(Bracket::Round)?;
                }
                "start" => {
                    declaration.starts.push(self.start()?);
                    while self.another()? {
                        declaration.starts.push(self.start()?);
                    }
                }
                part => {
                    let function = self.function_name()?;
                    let functions =
                        if part == "output" { &mut declaration.output } else { &mut declaration.activation };
                    functions.push((function, span));
                    self.close_bracket(Bracket::Round)?;
                }
            }
        }
        let network = declaration.finish(&self.ast).map_err(|error| {
            let help = error.help.clone().unwrap_or_else(|| USAGE.into());
            Box::new(error.help(help))
        })?;
        self.ast.add_network(network, &mut self.interned);
        Ok(true)
    }

    fn wrong(&self, span: Span, message: &str) -> Broken {
        Diagnostic::error("form", span, message).help(USAGE).into()
    }

    fn open_bracket(&mut self, bracket: Bracket) -> Result<(), Broken> {
        let token = self.next();
        if token.kind == Kind::Open(bracket) {
            Ok(())
        } else {
            Err(self.wrong(token.span, "a bracket opens here"))
        }
    }

    fn close_bracket(&mut self, bracket: Bracket) -> Result<(), Broken> {
        let token = self.next();
        if token.kind == Kind::Close(bracket) {
            Ok(())
        } else {
            Err(self.wrong(token.span, "a bracket closes here"))
        }
    }

    /// Whether a comma comes, and not the end of the brackets.
    fn another(&mut self) -> Result<bool, Broken> {
        let token = self.next();
        match token.kind {
            Kind::Comma => Ok(true),
            Kind::Close(Bracket::Round) => Ok(false),
            _ => Err(self.wrong(token.span, "`,` or `)` is expected here")),
        }
    }

    fn size(&mut self) -> Result<u32, Broken> {
        let token = self.next();
        let size = match token.kind {
            Kind::Number(literal) => whole(literal),
            _ => None,
        };
        size.ok_or_else(|| self.wrong(token.span, "a size is a whole number from 1 on"))
    }

    fn function_name(&mut self) -> Result<(Name, Span), Broken> {
        let Token { kind, span } = self.next();
        match kind {
            Kind::Name(text) => Ok((self.intern(text), span)),
            _ => {
                Err(self
                    .wrong(span, "the function of a layer is a name, such as one that the program defines"))
            }
        }
    }

    /// `w2 = 0`.
    fn start(&mut self) -> Result<(String, Literal, Span), Broken> {
        const WRONG: &str = "a start is a weight or bias and a number, such as `w2 = 0`";
        let (of, equals, mut number) = (self.next(), self.next(), self.next());
        let negative = number.kind == Kind::Operator(Operator::Minus);
        if negative {
            number = self.next();
        }
        match (of.kind, equals.kind, number.kind) {
            (Kind::Name(text), Kind::Equals, Kind::Number(literal)) => {
                let literal = if negative { -literal } else { literal };
                Ok((text.to_string(), literal, of.span))
            }
            _ => Err(self.wrong(of.span, WRONG)),
        }
    }
}
