//! Tree → ordinary operations, by equality saturation.

use std::time::Duration;

use egg::{CostFunction, Extractor, Id, Language, Runner};
use neural_compiler::{Diagnostic, Error, Program};

use super::rules;
use super::terms::{self, Facts, Formula, Graph, Term};
use super::verify::{Points, Refused};
use crate::{Mode, Tree, TreeNode};

/// Trees with more nodes, equal ones counted once, are refused.
pub const LARGEST: usize = 5_000;

/// How far the e-graph may grow.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Nodes of the e-graph.
    pub nodes: usize,
    /// Rounds of all rules.
    pub rounds: usize,
    /// Time for each of the two phases.
    pub time: Duration,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { nodes: 40_000, rounds: 30, time: Duration::from_secs(4) }
    }
}

/// A tree as a formula.
#[derive(Debug, Clone)]
pub struct Raised {
    /// The formula.
    pub formula: Formula,
    /// What is positive on the tree's real domain, each as a formula: nothing more is needed for the tree to have a
    /// value, but for the range of binary64.
    pub domain: Vec<Formula>,
    /// At how many points they were compared.
    pub points: usize,
}

impl Raised {
    /// The formula as a Scheme expression.
    pub fn scheme(&self, variables: &[String]) -> String {
        terms::scheme(&self.formula, variables)
    }

    /// The formula as a program whose inputs are the tree's variables, with its text in the Scheme dialect.
    ///
    /// # Errors
    ///
    /// Variables with names that are special forms of Scheme.
    pub fn program(&self, variables: &[String]) -> Result<(Program, String), Error> {
        let mut formula = self.scheme(variables);
        let mut text = String::new();
        // A variable may be called like a function of the formula. Names with a dot are no variables.
        for name in variables {
            let call = format!("({name} ");
            if formula.contains(&call) {
                let operands = if name == "pow" { "x y" } else { "x" };
                text += &format!("(define ({name}.of {operands}) ({name} {operands}))\n");
                formula = formula.replace(&call, &format!("({name}.of "));
            }
        }
        text += &format!("(define (raised {}) {formula})\n", variables.join(" "));
        Ok((Program::parse(&text)?, text))
    }

    /// The conditions as Scheme expressions.
    pub fn conditions(&self, variables: &[String]) -> Vec<String> {
        self.domain.iter().map(|positive| condition(positive, variables)).collect()
    }
}

/// `f > 0` as a Scheme expression; between logarithms and other terms, without the logarithms.
fn condition(positive: &Formula, variables: &[String]) -> String {
    let side = |root: Id| {
        let term = positive[root].clone();
        terms::scheme(&term.build_recexpr(|id| positive[id].clone()), variables)
    };
    match positive.last() {
        Some(&Term::Log([x])) => format!("(> {} 1)", side(x)),
        Some(&Term::Sub([x, y])) => match (&positive[x], &positive[y]) {
            (&Term::Log([x]), &Term::Log([y])) => format!("(> {} {})", side(x), side(y)),
            (&Term::Log([x]), _) => format!("(> {} (exp {}))", side(x), side(y)),
            (_, &Term::Log([y])) => format!("(> (exp {}) {})", side(x), side(y)),
            _ => format!("(> {} {})", side(x), side(y)),
        },
        _ => format!("(> {} 0)", terms::scheme(positive, variables)),
    }
}

/// Recovers the ordinary operations of a tree, compared with it in high precision at random points of its real domain.
///
/// # Errors
///
/// A tree that is too large; an operand of a logarithm that is nowhere positive; a formula that could not be verified.
pub fn raise(tree: &Tree, effort: &Effort) -> Result<Raised, Diagnostic> {
    let (formula, domain) = simplified(tree, effort)?;
    let points = verified(tree, |points| points.compare(tree, &formula))?;
    Ok(Raised { formula, domain, points })
}

/// How many points of the real domain a result was verified at.
pub(super) fn verified(
    tree: &Tree,
    compare: impl Fn(&Points) -> Result<(), Refused>,
) -> Result<usize, Diagnostic> {
    let points = Points::of(tree).and_then(|points| match points.mode() {
        Mode::Real => compare(&points).map(|()| points.len()),
        Mode::Complex | Mode::Extended => Err(Refused::NoDomain),
    });
    points.map_err(|refused| {
        Diagnostic::error("not-verified", tree.span(tree.root()), format!("this tree: {refused}"))
    })
}

pub(super) fn too_large(tree: &Tree) -> Diagnostic {
    let message = format!("the tree has {} nodes, more than the limit of {LARGEST}", tree.len());
    Diagnostic::error("too-large", tree.span(tree.root()), message)
}

/// The simplest formula that was found, and its domain.
fn simplified(tree: &Tree, effort: &Effort) -> Result<(Formula, Vec<Formula>), Diagnostic> {
    let (graph, root, operands) = saturated(tree, effort)?;
    let mut formulas = extracted(&graph, std::iter::once(root).chain(operands));
    // Once more from the simpler formulas, with operands in any order.
    let mut graph = Graph::new(Facts);
    let roots: Vec<Id> = formulas.iter().map(|formula| graph.add_expr(formula)).collect();
    graph.rebuild();
    for &operand in &roots[1..] {
        terms::assert_positive(&mut graph, operand);
    }
    graph.rebuild();
    let graph = run(graph, effort, &rules::all());
    formulas = extracted(&graph, roots.into_iter());
    let formula = formulas.remove(0);
    Ok((formula, essential(formulas)))
}

/// The e-graph of a tree after all directed rules, the class of its root, and those of the operands of logarithms.
pub(super) fn saturated(tree: &Tree, effort: &Effort) -> Result<(Graph, Id, Vec<Id>), Diagnostic> {
    if tree.len() > LARGEST {
        return Err(too_large(tree));
    }
    let (graph, root, operands) = assumed(tree)?;
    Ok((run(graph, effort, &rules::directed()), root, operands))
}

/// The e-graph of a tree, with what its real domain says.
fn assumed(tree: &Tree) -> Result<(Graph, Id, Vec<Id>), Diagnostic> {
    let (formula, places) = terms::of_tree(tree).map_err(|node| {
        let message = "a number too large or too small for exact arithmetic";
        Diagnostic::error("number", tree.span(node), message)
    })?;
    let mut graph = Graph::new(Facts);
    let mut classes: Vec<Id> = Vec::with_capacity(formula.len());
    for term in &formula {
        let term = term.clone().map_children(|id| classes[usize::from(id)]);
        classes.push(graph.add(term));
    }
    graph.rebuild();
    let class = |node: TreeNode| classes[usize::from(places[node])];
    let mut operands = Vec::new();
    for node in terms::under_logs(tree) {
        if graph[class(node)].data.high <= 0.0 {
            let message = "ln of a number that is never positive: the tree has no real domain";
            return Err(Diagnostic::error("no-domain", tree.span(node), message));
        }
        terms::assert_positive(&mut graph, class(node));
        operands.push(class(node));
    }
    graph.rebuild();
    Ok((graph, class(tree.root()), operands))
}

/// Applies rules until nothing is new or a limit is reached.
pub(super) fn run(graph: Graph, effort: &Effort, rules: &[egg::Rewrite<Term, Facts>]) -> Graph {
    Runner::<Term, Facts>::new(Facts)
        .with_egraph(graph)
        .with_node_limit(effort.nodes)
        .with_iter_limit(effort.rounds)
        .with_time_limit(effort.time)
        .run(rules)
        .egraph
}

fn extracted(graph: &Graph, roots: impl Iterator<Item = Id>) -> Vec<Formula> {
    let extractor = Extractor::new(graph, Ordinary);
    roots.map(|root| extractor.find_best(root).1).collect()
}

/// About how long operations take; trees are the last resort.
struct Ordinary;

impl CostFunction<Term> for Ordinary {
    type Cost = f64;

    fn cost<C: FnMut(Id) -> f64>(&mut self, term: &Term, mut cost: C) -> f64 {
        let own = match term {
            Term::Number(value) if value.denominator() == 1 => 0.25,
            Term::Number(_) => 0.5,
            Term::Variable(_) => 0.2,
            Term::Add(_) | Term::Sub(_) | Term::Mul(_) | Term::Neg(_) => 1.0,
            Term::Div(_) => 2.0,
            Term::Sqrt(_) => 3.0,
            Term::Exp(_) | Term::Log(_) => 6.0,
            Term::Sin(_) | Term::Cos(_) => 8.0,
            Term::Pow(_) => 10.0,
            Term::Eml(_) => 20.0,
        };
        term.fold(own, |sum, id| (sum + cost(id)).min(f64::MAX))
    }
}

/// Those of several positive formulas from which the others follow, small ones first.
fn essential(mut formulas: Vec<Formula>) -> Vec<Formula> {
    formulas.sort_by_key(|formula| formula.len());
    let mut graph = Graph::new(Facts);
    let mut kept: Vec<Formula> = Vec::new();
    for formula in formulas {
        let class = graph.add_expr(&formula);
        graph.rebuild();
        if !graph[class].data.positive {
            terms::assert_positive(&mut graph, class);
            graph.rebuild();
            kept.push(formula);
        }
    }
    kept
}
