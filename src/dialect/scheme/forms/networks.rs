//! `(network name (input …) (layers n …) (activation f) (results n))`.

use super::{Datum, Expander};
use crate::ast::Name;
use crate::ast::network::NetworkInput;
use crate::dialect::networks::{Declaration, USED_WRONGLY, inside, whole};
use crate::dialect::scheme::reader::DatumKind;
use crate::number::Literal;
use crate::source::Span;

const USAGE: &str = "`(network name (input …) (layers n …) (activation tanh) (results n))`, an input being a name or `(name n)` for a \
                     vector of n numbers; `(output f)` and `(start (w2 0) (b2 1))` may follow";

impl<'a> Expander<'a> {
    /// Whether this is the form of a network, and no call of a function that is called so.
    pub(super) fn is_network(&self, datum: Datum) -> bool {
        let Some(&[_, name, inputs, ..]) = self.data.list(datum) else { return false };
        self.head(datum) == Some("network")
            && !self.bound.contains("network")
            && self.data.kind(name) == DatumKind::Symbol
            && self.data.list(inputs).is_some()
    }

    /// Refuses a network that stands elsewhere than at the top.
    pub(super) fn misplaced_network(&mut self, datum: Datum) {
        self.error(inside(self.data.span(datum)));
        if let Some(name) = self.data.elements(datum).get(1).and_then(|&name| self.name(name)) {
            self.ast.unknown.push(name);
        }
    }

    /// A network; what it defines is unknown if it is written wrongly.
    pub(super) fn network(&mut self, datum: Datum) {
        let elements = self.data.elements(datum);
        let defined = elements.get(1).and_then(|&name| self.name(name).map(|known| (name, known)));
        if self.declared(datum, defined).is_none()
            && let Some((_, name)) = defined
        {
            self.ast.unknown.push(name);
        }
    }

    fn declared(&mut self, datum: Datum, defined: Option<(Datum, Name)>) -> Option<()> {
        let place = self.data.span(datum);
        let elements = self.data.elements(datum);
        let Some((datum, name)) = defined else {
            self.form_error(place, "a network has a name", USAGE);
            return None;
        };
        let mut declaration = Declaration::new(name, self.data.span(datum));
        let Some(inputs) = elements.get(2).and_then(|&inputs| self.data.list(inputs)) else {
            self.form_error(place, "a network has a list of inputs", USAGE);
            return None;
        };
        for &input in inputs {
            let (name, size) = match self.data.list(input) {
                None => (input, None),
                Some(&[name, size]) => (name, Some(self.size(size)?)),
                Some(_) => (datum, None),
            };
            let span = self.data.span(input);
            let Some(known) = self.name(name).filter(|_| name != datum) else {
                self.form_error(span, "an input is a name, or `(name n)` for a vector of n numbers", USAGE);
                return None;
            };
            self.bound.insert(self.text(name));
            self.local.insert(self.text(name));
            declaration.inputs.push(NetworkInput { name: known, span, size });
        }
        for &clause in &elements[3..] {
            let place = self.data.span(clause);
            let parts = self.data.list(clause).and_then(|parts| parts.get(1..)).unwrap_or_default();
            match (self.head(clause), parts) {
                (Some("layers"), sizes) => {
                    let mut layers = Vec::with_capacity(sizes.len());
                    for &size in sizes {
                        layers.push(self.size(size)?);
                    }
                    declaration.layers.push((layers, place));
                }
                (Some("results"), &[size]) => {
                    let size = self.size(size)?;
                    declaration.results.push((size, place));
                }
                (Some("activation"), &[function]) => {
                    let function = self.function_name(function)?;
                    declaration.activation.push((function, place));
                }
                (Some("output"), &[function]) => {
                    let function = self.function_name(function)?;
                    declaration.output.push((function, place));
                }
                (Some("start"), starts) => {
                    for &start in starts {
                        let start = self.start(start)?;
                        declaration.starts.push(start);
                    }
                }
                (Some(word), _) if ["results", "activation", "output"].contains(&word) => {
                    self.form_error(place, format!("`{word}` {USED_WRONGLY}"), USAGE);
                    return None;
                }
                _ => {
                    self.form_error(place, "this is no part of a network", USAGE);
                    return None;
                }
            }
        }
        let network = declaration.finish(&self.ast);
        match network {
            Ok(network) => {
                self.ast.add_network(network, &mut self.interned);
                Some(())
            }
            Err(error) => {
                let help = error.help.clone().unwrap_or_else(|| format!("it is written {USAGE}"));
                self.error(error.help(help));
                None
            }
        }
    }

    /// How many numbers a layer, a vector or the results are.
    fn size(&mut self, datum: Datum) -> Option<u32> {
        let size = match self.data.kind(datum) {
            DatumKind::Number(literal) => whole(literal),
            _ => None,
        };
        if size.is_none() {
            self.form_error(self.data.span(datum), "a size is a whole number from 1 on", USAGE);
        }
        size
    }

    fn function_name(&mut self, datum: Datum) -> Option<(Name, Span)> {
        let span = self.data.span(datum);
        let name = self.name(datum);
        if name.is_none() {
            self.form_error(
                span,
                "the function of a layer is a name: give it one with `define`, as a function of a vector",
                USAGE,
            );
        }
        name.map(|name| (name, span))
    }

    /// `(w2 0)`.
    fn start(&mut self, datum: Datum) -> Option<(String, Literal, Span)> {
        let span = self.data.span(datum);
        if let Some(&[of, number]) = self.data.list(datum)
            && let (DatumKind::Symbol, DatumKind::Number(literal)) =
                (self.data.kind(of), self.data.kind(number))
        {
            return Some((self.text(of).to_string(), literal, span));
        }
        self.form_error(span, "a start is a weight or bias and a number, such as `(w2 0)`", USAGE);
        None
    }
}
