//! Formulas of ordinary operations, as the language of an e-graph, and what is known about their values.
//!
//! In an e-graph of a tree everything holds on the tree's real domain: the points at which every operand of a logarithm
//! in it is positive. Two things are always true there: what stands under a `log` is positive, and what stands under a
//! fraction bar is not 0.

use std::fmt;
use std::str::FromStr;

use egg::{Analysis, DidMerge, EGraph, Id, Language, RecExpr, define_language};
use neural_compiler::internals::entity::{Entity, EntityVec};

use super::rational::Rational;
use crate::{Kind, Tree, TreeNode};

/// A variable, by its position in the tree or program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable(pub u32);

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// No variable.
#[derive(Debug, thiserror::Error)]
#[error("not a variable")]
pub struct NotVariable;

impl FromStr for Variable {
    type Err = NotVariable;

    fn from_str(text: &str) -> Result<Variable, NotVariable> {
        text.strip_prefix('v').and_then(|n| n.parse().ok()).map(Variable).ok_or(NotVariable)
    }
}

define_language! {
    /// An operation of a formula.
    #[expect(missing_docs, reason = "the spellings say what the operations are")]
    pub enum Term {
        "+" = Add([Id; 2]),
        "-" = Sub([Id; 2]),
        "*" = Mul([Id; 2]),
        "/" = Div([Id; 2]),
        "neg" = Neg([Id; 1]),
        "exp" = Exp([Id; 1]),
        "log" = Log([Id; 1]),
        "sqrt" = Sqrt([Id; 1]),
        "pow" = Pow([Id; 2]),
        "sin" = Sin([Id; 1]),
        "cos" = Cos([Id; 1]),
        "eml" = Eml([Id; 2]),
        Number(Rational),
        Variable(Variable),
    }
}

/// A formula: operands stand before what uses them, the root is last.
pub type Formula = RecExpr<Term>;

/// The e-graph of formulas.
pub type Graph = EGraph<Term, Facts>;

/// The formula of a tree, each node as it is, and the position of each node of the tree in it. Nothing for a number that
/// is no fraction of 128-bit integers; that node is the error.
///
/// # Errors
///
/// The first node that has no term.
pub fn of_tree(tree: &Tree) -> Result<(Formula, EntityVec<TreeNode, Id>), TreeNode> {
    let mut formula = Formula::default();
    let mut places: EntityVec<TreeNode, Id> = EntityVec::new();
    for (node, kind) in tree.iter() {
        let term = match kind {
            Kind::One => Term::Number(Rational::ONE),
            Kind::Number(bits) => Term::Number(Rational::from_f64(f64::from_bits(bits)).ok_or(node)?),
            Kind::Variable(index) => Term::Variable(Variable(index)),
            Kind::Eml(left, right) => Term::Eml([places[left], places[right]]),
        };
        places.push(formula.add(term));
    }
    Ok((formula, places))
}

/// The distinct right operands of a tree.
pub fn under_logs(tree: &Tree) -> Vec<TreeNode> {
    let mut operands: Vec<TreeNode> = tree
        .iter()
        .filter_map(|(_, kind)| match kind {
            Kind::Eml(_, right) => Some(right),
            Kind::One | Kind::Number(_) | Kind::Variable(_) => None,
        })
        .collect();
    operands.sort_by_key(|node| node.index());
    operands.dedup();
    operands
}

/// What is known about the value of a class, on the domain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// The value, if it is a known fraction.
    pub constant: Option<Rational>,
    /// Bounds of the value.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Whether it is greater than 0, not only at least 0.
    pub positive: bool,
}

impl Fact {
    const NOTHING: Fact =
        Fact { constant: None, low: f64::NEG_INFINITY, high: f64::INFINITY, positive: false };

    /// Between two bounds, each moved outwards by more than it can be rounded wrongly.
    fn between(low: f64, high: f64) -> Fact {
        const SLACK: f64 = 1e-14;
        let low = if low.is_nan() { f64::NEG_INFINITY } else { low - low.abs() * SLACK };
        let high = if high.is_nan() { f64::INFINITY } else { high + high.abs() * SLACK };
        let low = if low.is_nan() { f64::NEG_INFINITY } else { low };
        let high = if high.is_nan() { f64::INFINITY } else { high };
        Fact { constant: None, low, high, positive: low > 0.0 }
    }

    fn number(value: Rational) -> Fact {
        let near = value.to_f64();
        let positive = value.numerator() > 0;
        Fact { constant: Some(value), positive, ..Fact::between(near, near) }
    }

    fn and_positive(self, positive: bool) -> Fact {
        let low = if positive { self.low.max(0.0) } else { self.low };
        Fact { low, positive: self.positive || positive, ..self }
    }
}

/// The analysis that keeps a [`Fact`] for each class.
#[derive(Debug, Default, Clone, Copy)]
pub struct Facts;

impl Analysis<Term> for Facts {
    type Data = Fact;

    fn make(graph: &mut Graph, term: &Term, _: Id) -> Fact {
        fact(term, &|id| graph[id].data).and_positive(is_power_minus_itself(graph, term))
    }

    /// A bound that is known stays: bounds that follow from each other could improve for ever.
    fn merge(&mut self, a: &mut Fact, b: Fact) -> DidMerge {
        let merged = Fact {
            constant: a.constant.or(b.constant),
            low: if a.low == f64::NEG_INFINITY { b.low } else { a.low },
            high: if a.high == f64::INFINITY { b.high } else { a.high },
            positive: a.positive || b.positive,
        };
        let changed = DidMerge(merged != *a, merged != b);
        *a = merged;
        changed
    }

    fn modify(graph: &mut Graph, id: Id) {
        if let Some(value) = graph[id].data.constant {
            let number = graph.add(Term::Number(value));
            graph.union(id, number);
        }
    }
}

/// Whether a term is `eˣ − x` or `x − ln x`, which are positive everywhere.
fn is_power_minus_itself(graph: &Graph, term: &Term) -> bool {
    let Term::Sub([x, y]) = *term else { return false };
    let same = |z: Id, w: Id| graph.find(z) == graph.find(w);
    graph[x].iter().any(|term| matches!(*term, Term::Exp([z]) if same(z, y)))
        || graph[y].iter().any(|term| matches!(*term, Term::Log([z]) if same(z, x)))
}

/// What follows for a term from what is known about its operands.
fn fact(term: &Term, of: &dyn Fn(Id) -> Fact) -> Fact {
    let fact = match *term {
        Term::Number(value) => return Fact::number(value),
        Term::Variable(_) => Fact::NOTHING,
        Term::Add([x, y]) => {
            let (x, y) = (of(x), of(y));
            Fact::between(x.low + y.low, x.high + y.high)
                .and_positive(x.positive && y.low >= 0.0 || y.positive && x.low >= 0.0)
        }
        Term::Sub([x, y]) => difference(of(x), of(y)),
        Term::Mul([x, y]) => {
            let (x, y) = (of(x), of(y));
            product(x, y).and_positive(x.positive && y.positive)
        }
        Term::Div([x, y]) => {
            let (x, y) = (of(x), of(y));
            product(x, reciprocal(y)).and_positive(x.positive && y.positive)
        }
        Term::Neg([x]) => Fact::between(-of(x).high, -of(x).low),
        Term::Exp([x]) => power(of(x)),
        Term::Log([x]) => logarithm(of(x)),
        Term::Sqrt([x]) => {
            Fact::between(of(x).low.max(0.0).sqrt(), of(x).high.sqrt()).and_positive(of(x).positive)
        }
        Term::Pow([x, _]) => Fact::NOTHING.and_positive(of(x).positive),
        Term::Sin(_) | Term::Cos(_) => Fact::between(-1.0, 1.0),
        Term::Eml([x, y]) => difference(power(of(x)), logarithm(of(y))),
    };
    match folded(term, &|id| of(id).constant) {
        Some(value) => Fact::number(value),
        None => fact,
    }
}

fn difference(x: Fact, y: Fact) -> Fact {
    Fact::between(x.low - y.high, x.high - y.low)
}

fn power(x: Fact) -> Fact {
    Fact::between(x.low.exp(), x.high.exp()).and_positive(true)
}

fn logarithm(x: Fact) -> Fact {
    Fact::between(x.low.max(0.0).ln(), x.high.ln())
}

fn product(x: Fact, y: Fact) -> Fact {
    let corners = [(x.low, y.low), (x.low, y.high), (x.high, y.low), (x.high, y.high)]
        .map(|(x, y)| if x == 0.0 || y == 0.0 { 0.0 } else { x * y });
    Fact::between(
        corners.into_iter().fold(f64::INFINITY, f64::min),
        corners.into_iter().fold(f64::NEG_INFINITY, f64::max),
    )
}

fn reciprocal(x: Fact) -> Fact {
    if x.low > 0.0 || x.high < 0.0 {
        Fact::between(1.0 / x.high, 1.0 / x.low)
    } else if x.positive {
        Fact::between(1.0 / x.high, f64::INFINITY)
    } else {
        Fact::NOTHING
    }
}

/// The exact value of an operation on fractions, where it is one.
fn folded(term: &Term, of: &dyn Fn(Id) -> Option<Rational>) -> Option<Rational> {
    match *term {
        Term::Add([x, y]) => of(x)?.checked_add(of(y)?),
        Term::Sub([x, y]) => of(x)?.checked_add(of(y)?.checked_neg()?),
        Term::Mul([x, y]) => of(x)?.checked_mul(of(y)?),
        Term::Div([x, y]) => of(x)?.checked_mul(of(y)?.checked_recip()?),
        Term::Neg([x]) => of(x)?.checked_neg(),
        Term::Exp([x]) => (of(x)? == Rational::ZERO).then_some(Rational::ONE),
        Term::Log([x]) => (of(x)? == Rational::ONE).then_some(Rational::ZERO),
        Term::Number(value) => Some(value),
        Term::Variable(_) | Term::Sqrt(_) | Term::Pow(_) | Term::Sin(_) | Term::Cos(_) | Term::Eml(_) => None,
    }
}

/// Adds to what is known about a class that its value is positive.
pub fn assert_positive(graph: &mut Graph, id: Id) {
    let fact = graph[id].data.and_positive(true);
    graph.set_analysis_data(id, fact);
}

/// How many operations a formula has, equal ones counted once.
pub fn operations(formula: &Formula) -> usize {
    formula.iter().filter(|term| !term.is_leaf()).count()
}

/// A formula as a Scheme expression; what is used more than once is bound first, in a `let*`.
pub fn scheme(formula: &Formula, variables: &[String]) -> String {
    /// Longer expressions are bound too, so that the text does not nest deeply.
    const LONGEST: usize = 2000;
    let mut uses = vec![0usize; formula.len()];
    for term in formula {
        term.for_each(|id| uses[usize::from(id)] += 1);
    }
    let fresh = (0..).map(|n| format!("t{n}")).filter(|name| !variables.contains(name));
    let mut names = fresh;
    let mut bindings: Vec<String> = Vec::new();
    let mut texts: Vec<String> = Vec::with_capacity(formula.len());
    for (position, term) in formula.iter().enumerate() {
        let mut text = match term {
            Term::Number(value) => value.to_string(),
            Term::Variable(Variable(index)) => variables[*index as usize].clone(),
            _ => {
                let operands: Vec<&str> =
                    term.children().iter().map(|&id| texts[usize::from(id)].as_str()).collect();
                format!("({} {})", spelling(term), operands.join(" "))
            }
        };
        let last = position + 1 == formula.len();
        if !term.is_leaf() && !last && (uses[position] > 1 || text.len() > LONGEST) {
            let name = names.next().unwrap_or_default();
            bindings.push(format!("({name} {text})"));
            text = name;
        }
        texts.push(text);
    }
    let body = texts.pop().unwrap_or_default();
    if bindings.is_empty() { body } else { format!("(let* ({})\n  {body})", bindings.join("\n       ")) }
}

/// The name of an operation in the Scheme dialect.
fn spelling(term: &Term) -> &'static str {
    match term {
        Term::Add(_) => "+",
        Term::Sub(_) | Term::Neg(_) => "-",
        Term::Mul(_) => "*",
        Term::Div(_) => "/",
        Term::Exp(_) => "exp",
        Term::Log(_) => "log",
        Term::Sqrt(_) => "sqrt",
        Term::Pow(_) => "pow",
        Term::Sin(_) => "sin",
        Term::Cos(_) => "cos",
        Term::Eml(_) => "eml",
        Term::Number(_) | Term::Variable(_) => "",
    }
}
