//! What a declaration of a network says, however it is spelled.

use crate::ast::network::{Network, NetworkInput};
use crate::ast::{Ast, Name};
use crate::dialect::short;
use crate::limits::MAX_LAYERS;
use crate::number::Literal;
use crate::source::{Diagnostic, Span};

/// What is said of a part that should have one word or number.
pub const USED_WRONGLY: &str = "takes one word or number";

/// The refusal of a declaration elsewhere than at the top of a program.
pub fn inside(place: Span) -> Diagnostic {
    Diagnostic::error("form", place, "a `network` stands at the top of a program only")
        .help("declare it there, and call it here: what it takes from around it is one of its inputs")
}

/// A declaration while it is read: parts as often as they were written.
pub struct Declaration {
    name: Name,
    span: Span,
    pub inputs: Vec<NetworkInput>,
    pub layers: Vec<(Vec<u32>, Span)>,
    pub activation: Vec<((Name, Span), Span)>,
    pub output: Vec<((Name, Span), Span)>,
    pub results: Vec<(u32, Span)>,
    pub starts: Vec<(String, Literal, Span)>,
}

impl Declaration {
    /// A network of this name.
    pub fn new(name: Name, span: Span) -> Declaration {
        Declaration {
            name,
            span,
            inputs: Vec::new(),
            layers: Vec::new(),
            activation: Vec::new(),
            output: Vec::new(),
            results: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// The network.
    ///
    /// # Errors
    ///
    /// Parts that are missing or stand there twice, inputs of one name, layers that are too large, starts of what it does not have.
    /// The caller says how a network is written where there is no help.
    pub fn finish(self, ast: &Ast) -> Result<Network, Box<Diagnostic>> {
        let Declaration { name, span, inputs, .. } = self;
        let error = |place, message: String| Box::new(Diagnostic::error("form", place, message));
        let helped = |error: Box<Diagnostic>, help: &str| Box::new(error.help(help));
        if inputs.is_empty() {
            return Err(error(span, "a network has inputs".into()));
        }
        for (k, input) in inputs.iter().enumerate() {
            if let Some(first) = inputs[..k].iter().find(|first| first.name == input.name) {
                let message = format!("two inputs are called `{}`", short(ast.name(input.name)));
                let error = Diagnostic::error("duplicate", input.span, message);
                return Err(error.related(first.span, "the first").into());
            }
        }
        let layers = once(self.layers, "layers")?;
        let activation = once(self.activation, "activation")?;
        let output = once(self.output, "output")?;
        let results = once(self.results, "results")?;
        let (Some(layers), Some(results)) = (layers, results) else {
            return Err(error(span, "a network says its layers and results".into()));
        };
        let Some(activation) = activation else {
            return Err(error(span, "a network says its activation".into()));
        };
        if layers.len() > MAX_LAYERS {
            let message = format!("a network has at most {MAX_LAYERS} layers");
            return Err(helped(error(span, message), "write a longer one as several"));
        }
        let mut network =
            Network { name, span, inputs, layers, activation, output, results, starts: Vec::new() };
        for (of, start, place) in self.starts {
            if !network.parameter_names().any(|own| own == of) {
                let last = network.layers.len() + 1;
                let help = format!("there are `w1` and `b1` to `w{last}` and `b{last}`");
                let message = format!("`{}` is no parameter of this network", short(&of));
                return Err(helped(error(place, message), &help));
            }
            if network.starts.iter().any(|(before, _)| *before == of) {
                return Err(error(place, format!("`{of}` starts twice")));
            }
            network.starts.push((of, start));
        }
        if let Err(wrong) = network.parameters("") {
            return Err(helped(error(span, format!("a layer is too large: {wrong}")), "make it smaller"));
        }
        Ok(network)
    }
}

/// A part that stands there once at the most.
fn once<T>(mut parts: Vec<(T, Span)>, what: &str) -> Result<Option<T>, Box<Diagnostic>> {
    if let [(_, first), (_, second), ..] = parts.as_slice() {
        let message = format!("a network has `{what}` once");
        return Err(Diagnostic::error("duplicate", *second, message).related(*first, "the first").into());
    }
    Ok(parts.pop().map(|(part, _)| part))
}

/// A number that counts.
pub fn whole(literal: Literal) -> Option<u32> {
    let number = literal.f64;
    (number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}
