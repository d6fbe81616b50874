//! Networks: functions of layers whose weights are parameters of the program.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::ast::{Ast, Definition, Expr, ExprKind, Function, Name};
use crate::number::Literal;
use crate::source::Span;
use crate::types::{ExtentError, Shape};

/// A fully connected network as it is declared. It defines a function of its inputs; layer k is f(W x + b), where W and b are the inputs
/// `name.wk` and `name.bk` of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What the function is called.
    pub name: Name,
    /// Where that stands.
    pub span: Span,
    /// What it takes, in order.
    pub inputs: Vec<NetworkInput>,
    /// How many numbers each hidden layer has.
    pub layers: Vec<u32>,
    /// The function of hidden layers, of a vector.
    pub activation: (Name, Span),
    /// The function of the results, of a vector; nothing leaves them as they are.
    pub output: Option<(Name, Span)>,
    /// How many results there are; one is a number, several are a vector.
    pub results: u32,
    /// Where parameters start that are not drawn as usual: `w2` or `b2`, and the number that all its elements are.
    pub starts: Vec<(String, Literal)>,
}

/// An input of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkInput {
    /// The parameter of the function.
    pub name: Name,
    /// Where it stands.
    pub span: Span,
    /// How many numbers it is; nothing for one that is no vector.
    pub size: Option<u32>,
}

/// An input of a program that the program itself declares to be a parameter: one value for all rows, whose shape is known. Fits take
/// it as unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredParameter {
    /// What it is called.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where training starts.
    pub start: Start,
}

/// A network of a program: what its declaration says beside its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeclaredNetwork {
    /// What it is called; its parameters are `name.w1`, `name.b1` and so on.
    pub name: String,
    /// How many numbers each hidden layer has.
    pub layers: Vec<u32>,
    /// How many results there are.
    pub results: u32,
    /// The function of hidden layers.
    pub activation: String,
    /// The function of the results, if there is one: without, a network is 0 where the parameters of its last layer are.
    pub output: Option<String>,
}

/// What the places of networks in the text mean.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkPlaces {
    /// How many numbers inputs are, by where these are declared; nothing for those that are no vectors.
    pub inputs: HashMap<Span, Option<u32>>,
    /// Where functions of layers are called: what they give has the shape of what they take.
    pub activations: HashSet<Span>,
}

/// Where the training of a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Start {
    /// Each element is drawn evenly between minus and plus this number.
    Uniform {
        /// The number.
        limit: f64,
    },
    /// Each element is this number.
    Constant(f64),
}

impl Network {
    /// How many numbers go in.
    fn width(&self) -> u64 {
        self.inputs.iter().map(|input| u64::from(input.size.unwrap_or(1))).sum()
    }

    /// What each layer is called, what it makes of how many numbers.
    fn affine(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let sizes = self.layers.iter().map(|&size| u64::from(size)).chain([u64::from(self.results)]);
        sizes.enumerate().scan(self.width(), |from, (k, to)| Some((k + 1, std::mem::replace(from, to), to)))
    }

    /// What its parameters are called within it: `w1`, `b1`, `w2`, …
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = String> {
        self.affine().flat_map(|(k, ..)| [format!("w{k}"), format!("b{k}")])
    }

    /// What it is to callers.
    pub(crate) fn declared(&self, ast: &Ast) -> DeclaredNetwork {
        let text = |name: Name| ast.name(name).to_string();
        DeclaredNetwork {
            name: text(self.name),
            layers: self.layers.clone(),
            results: self.results,
            activation: text(self.activation.0),
            output: self.output.map(|(name, _)| text(name)),
        }
    }

    /// Where the functions of its layers stand.
    pub(crate) fn activations(&self) -> impl Iterator<Item = Span> {
        [Some(self.activation), self.output].into_iter().flatten().map(|(_, place)| place)
    }

    /// Its weights and biases. Weights start evenly distributed in ±√(6/(n + m)) for n numbers that a layer takes and m that it gives
    /// (Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16), biases at 0.
    ///
    /// # Errors
    ///
    /// A layer of no numbers, or of more weights than a value can have.
    pub(crate) fn parameters(&self, name: &str) -> Result<Vec<DeclaredParameter>, ExtentError> {
        let mut parameters = Vec::new();
        for (k, from, to) in self.affine() {
            let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            let (weights, biases) = (Shape::matrix(count(to), count(from))?, Shape::vector(count(to))?);
            let limit = (6.0 / (from as f64 + to as f64)).sqrt();
            let declared = [
                (format!("w{k}"), weights, Start::Uniform { limit }),
                (format!("b{k}"), biases, Start::Constant(0.0)),
            ];
            for (own, shape, start) in declared {
                let given = self.starts.iter().find(|(of, _)| *of == own);
                let start = given.map_or(start, |(_, number)| Start::Constant(number.f64));
                parameters.push(DeclaredParameter { name: format!("{name}.{own}"), shape, start });
            }
        }
        Ok(parameters)
    }
}

impl Ast {
    /// Adds a network: its declaration, and the function that it is. The names of its parameters are among those that the reader
    /// knows from then on, so that the rest of the text means them.
    pub(crate) fn add_network(&mut self, network: Network, interned: &mut HashMap<Cow<'_, str>, Name>) {
        let span = network.span;
        let own = self.name(network.name).to_string();
        let [vec, append, matvec, add, element] =
            ["vec", "vappend", "matvec", "+", "ref"].map(|word| self.make_name(word));
        let call = |ast: &mut Ast, word: Name, args: Vec<Expr>| {
            ast.push(ExprKind::Call(word, span, args.into()), span)
        };
        let operands: Vec<Expr> =
            network.inputs.iter().map(|input| self.push(ExprKind::Name(input.name), input.span)).collect();
        let mut value = match network.inputs.as_slice() {
            [one] if one.size.is_some() => operands[0],
            inputs if inputs.iter().all(|input| input.size.is_none()) => call(self, vec, operands),
            _ => call(self, append, operands),
        };
        let hidden = network.layers.len();
        for (k, ..) in network.affine() {
            let [weights, biases] = [format!("{own}.w{k}"), format!("{own}.b{k}")].map(|text| match interned
                .get(text.as_str())
            {
                Some(&name) => name,
                None => {
                    let name = self.add_name(&text);
                    interned.insert(text.into(), name);
                    name
                }
            });
            self.weights.extend([weights, biases]);
            let weights = self.push(ExprKind::Name(weights), span);
            let product = call(self, matvec, vec![weights, value]);
            let biases = self.push(ExprKind::Name(biases), span);
            value = call(self, add, vec![product, biases]);
            let function = if k <= hidden { Some(network.activation) } else { network.output };
            if let Some((function, place)) = function {
                value = self.push(ExprKind::Call(function, place, Box::new([value])), place);
            }
        }
        if network.results == 1 {
            let first = self.push(ExprKind::Number(Literal::ZERO), span);
            value = call(self, element, vec![value, first]);
        }
        let params = network.inputs.iter().map(|input| (input.name, input.span)).collect();
        let function = Function { name: network.name, span, params, body: value };
        self.definitions.push(Definition::Function(function));
        self.networks.push(network);
    }
}
