//! Tree → smaller tree of the same value.
//!
//! Two searches: equality saturation with the number of nodes as cost, and all trees of a few nodes over the leaf 1 and
//! the variables, found by their values at points of the domain. What the searches propose is taken after verification.

use std::collections::HashMap;

use egg::{CostFunction, Extractor, Id, Language};
use neural_compiler::internals::entity::{Entity, EntityVec};
use neural_compiler::{Diagnostic, Span};
use num_complex::Complex64;

use super::raise::{self, Effort};
use super::rational::Rational;
use super::rules;
use super::terms::{Formula, Term, Variable};
use super::verify::Points;
use crate::evaluate::evaluate_all;
use crate::{Kind, Mode, Tree, TreeBuilder, TreeNode};

/// A tree that may be smaller than the one it was made of.
#[derive(Debug, Clone)]
pub struct Shortened {
    /// The tree.
    pub tree: Tree,
    /// Over which numbers they were compared.
    pub mode: Mode,
    /// At how many points.
    pub points: usize,
    /// At how many points of the domain, those included, the result was found to have a value too.
    pub covered: usize,
}

/// Values of small trees that are kept.
const KEPT: usize = 60_000;

/// Pairs of operands that are tried for one number of nodes.
const PAIRS: usize = 2_000_000;

/// Proposals for one node that are verified.
const PROPOSALS: usize = 4;

/// Nodes that are evaluated in high precision to verify proposals.
const WORK: usize = 20_000;

/// Searches for a smaller tree, compared with the given one in high precision at random points of its domain.
///
/// # Errors
///
/// A tree that is too large, or without points at which it has a value.
pub fn shorten(tree: &Tree, effort: &Effort) -> Result<Shortened, Diagnostic> {
    if tree.len() > raise::LARGEST {
        return Err(raise::too_large(tree));
    }
    let points = Points::of(tree).map_err(|refused| {
        Diagnostic::error("not-verified", tree.span(tree.root()), format!("this tree: {refused}"))
    })?;
    let library = Library::over(&points, tree.variables().len());
    let mut best = tree.clone();
    let saturated = if points.mode() == Mode::Real { by_saturation(tree, effort) } else { None };
    let searched = library.replaced(tree, &points);
    let both = saturated.as_ref().map(|saturated| library.replaced(saturated, &points));
    for candidate in [saturated, Some(searched), both].into_iter().flatten() {
        let smaller = candidate.sizes().nodes < best.sizes().nodes;
        if smaller && points.covers(&candidate) && points.compare_trees(tree, &candidate).is_ok() {
            best = candidate;
        }
    }
    Ok(Shortened { tree: best, mode: points.mode(), points: points.len(), covered: points.covered() })
}

/// The smallest tree in the e-graph of a tree; nothing if there is none, or no real domain.
fn by_saturation(tree: &Tree, effort: &Effort) -> Option<Tree> {
    let (graph, root, _) = raise::saturated(tree, effort).ok()?;
    let both = [rules::directed(), rules::constructing()].concat();
    let graph = raise::run(graph, effort, &both);
    let (_, formula) = Extractor::new(&graph, Nodes).find_best(root);
    as_tree(&formula, tree.variables())
}

/// Internal nodes of a tree; what is no tree is out of reach.
struct Nodes;

impl CostFunction<Term> for Nodes {
    type Cost = f64;

    fn cost<C: FnMut(Id) -> f64>(&mut self, term: &Term, mut cost: C) -> f64 {
        match term {
            Term::Eml(_) => term.fold(1.0, |sum, id| sum + cost(id)),
            Term::Variable(_) | Term::Number(Rational::ONE) => 0.0,
            Term::Number(_)
            | Term::Add(_)
            | Term::Sub(_)
            | Term::Mul(_)
            | Term::Div(_)
            | Term::Neg(_)
            | Term::Exp(_)
            | Term::Log(_)
            | Term::Sqrt(_)
            | Term::Pow(_)
            | Term::Sin(_)
            | Term::Cos(_) => f64::INFINITY,
        }
    }
}

/// A formula that is made of nothing but `eml`, 1 and variables.
fn as_tree(formula: &Formula, variables: &[String]) -> Option<Tree> {
    let mut builder = builder(variables);
    let mut made: Vec<TreeNode> = Vec::with_capacity(formula.len());
    for term in formula {
        made.push(match *term {
            Term::Eml([x, y]) => builder.eml(made[usize::from(x)], made[usize::from(y)], Span::default()),
            Term::Variable(Variable(index)) => {
                builder.variable(variables.get(index as usize)?, Span::default())
            }
            Term::Number(Rational::ONE) => builder.one(Span::default()),
            Term::Number(_)
            | Term::Add(_)
            | Term::Sub(_)
            | Term::Mul(_)
            | Term::Div(_)
            | Term::Neg(_)
            | Term::Exp(_)
            | Term::Log(_)
            | Term::Sqrt(_)
            | Term::Pow(_)
            | Term::Sin(_)
            | Term::Cos(_) => return None,
        });
    }
    let root = made.pop()?;
    Some(builder.finish(root))
}

/// A builder with variables in their order.
fn builder(variables: &[String]) -> TreeBuilder {
    let mut builder = TreeBuilder::new();
    for name in variables {
        builder.variable(name, Span::default());
    }
    builder
}

/// A small tree.
struct Small {
    kind: SmallKind,
    nodes: usize,
    values: Vec<Complex64>,
    /// `exp` of the values, and `ln` of them where the mode has it at every point.
    powers: Vec<Complex64>,
    logs: Option<Vec<Complex64>>,
}

#[derive(Clone, Copy)]
enum SmallKind {
    One,
    Variable(u32),
    Eml(usize, usize),
}

/// All small trees by their values at points, of equal ones the smallest.
struct Library {
    trees: Vec<Small>,
    buckets: HashMap<i64, Vec<usize>>,
}

impl Library {
    /// All trees up to the number of nodes at which there are too many.
    fn over(points: &Points, variables: usize) -> Library {
        let mut library = Library { trees: Vec::new(), buckets: HashMap::new() };
        let mode = points.mode();
        let ones = vec![Complex64::ONE; points.len()];
        library.insert(mode, SmallKind::One, 0, ones);
        for index in 0..variables {
            let values = points.iter().map(|point| Complex64::new(point[index], 0.0)).collect();
            library.insert(mode, SmallKind::Variable(index as u32), 0, values);
        }
        // Where the trees of each number of nodes begin.
        let mut first = vec![0, library.trees.len()];
        loop {
            let nodes = first.len() - 1;
            let level = |count: usize| first[count]..first[count + 1];
            let pairs: usize = (0..nodes).map(|left| level(left).len() * level(nodes - 1 - left).len()).sum();
            if pairs == 0 || pairs > PAIRS {
                return library;
            }
            for left in 0..nodes {
                for x in level(left) {
                    for y in level(nodes - 1 - left) {
                        library.try_pair(mode, x, y, nodes);
                    }
                    if library.trees.len() > KEPT {
                        return library;
                    }
                }
            }
            first.push(library.trees.len());
        }
    }

    fn try_pair(&mut self, mode: Mode, x: usize, y: usize, nodes: usize) {
        let Some(logs) = &self.trees[y].logs else { return };
        let powers = &self.trees[x].powers;
        let values: Vec<Complex64> = powers.iter().zip(logs).map(|(power, log)| power - log).collect();
        let lost = powers.iter().zip(logs).all(|(&power, &log)| absorbed(power, log));
        if !lost && values.iter().all(|value| value.is_finite()) {
            self.insert(mode, SmallKind::Eml(x, y), nodes, values);
        }
    }

    /// Adds a tree, unless there is one with these values.
    fn insert(&mut self, mode: Mode, kind: SmallKind, nodes: usize, values: Vec<Complex64>) {
        if self.with_values(&values).next().is_some() {
            return;
        }
        let defined = |value: &Complex64| match mode {
            Mode::Real | Mode::Extended => value.re > 0.0,
            Mode::Complex => *value != Complex64::ZERO,
        };
        let logs = values.iter().all(defined).then(|| values.iter().map(|value| value.ln()).collect());
        let powers = values.iter().map(|value| value.exp()).collect();
        self.buckets.entry(key(&values)).or_default().push(self.trees.len());
        self.trees.push(Small { kind, nodes, values, powers, logs });
    }

    /// Trees with these values, but for rounding, smallest first.
    fn with_values<'a>(&'a self, values: &'a [Complex64]) -> impl Iterator<Item = usize> + 'a {
        let key = key(values);
        let near = (key - 1..=key + 1).filter_map(|key| self.buckets.get(&key)).flatten().copied();
        near.filter(|&tree| alike(&self.trees[tree].values, values))
    }

    /// A tree whose nodes are replaced by smaller trees of the library, where those are verified.
    fn replaced(&self, tree: &Tree, points: &Points) -> Tree {
        let values = node_values(tree, points);
        let mut work = WORK;
        let mut builder = builder(tree.variables());
        let mut made: EntityVec<TreeNode, (TreeNode, u128)> = EntityVec::new();
        for (node, kind) in tree.iter() {
            let next = match kind {
                Kind::One => (builder.one(Span::default()), 0),
                Kind::Number(bits) => (builder.number(f64::from_bits(bits), Span::default()), 0),
                Kind::Variable(index) => {
                    (builder.variable(&tree.variables()[index as usize], Span::default()), 0)
                }
                Kind::Eml(left, right) => {
                    let nodes = made[left].1.saturating_add(made[right].1).saturating_add(1);
                    let proposals = self.smaller(nodes, &values[node.index()]);
                    match self.verified(proposals, tree, node, points, &mut work) {
                        Some(small) => {
                            let nodes = self.trees[small].nodes as u128;
                            (self.write(small, tree.variables(), &mut builder), nodes)
                        }
                        None => (builder.eml(made[left].0, made[right].0, Span::default()), nodes),
                    }
                }
            };
            made.push(next);
        }
        builder.finish(made[tree.root()].0)
    }

    /// Trees of the library with fewer nodes and these values, smallest first.
    fn smaller(&self, nodes: u128, values: &[Complex64]) -> Vec<usize> {
        let mut proposals: Vec<usize> =
            self.with_values(values).filter(|&small| (self.trees[small].nodes as u128) < nodes).collect();
        proposals.sort_by_key(|&small| self.trees[small].nodes);
        proposals.truncate(PROPOSALS);
        proposals
    }

    /// The first of several proposals whose value is that of a node, as long as there is work left to find out.
    fn verified(
        &self,
        proposals: Vec<usize>,
        tree: &Tree,
        node: TreeNode,
        points: &Points,
        work: &mut usize,
    ) -> Option<usize> {
        if proposals.is_empty() {
            return None;
        }
        let below = tree.below(node);
        proposals.into_iter().find(|&small| {
            let cost = (below.len() + self.trees[small].nodes) * points.len();
            if cost > *work {
                return false;
            }
            *work -= cost;
            let mut builder = builder(tree.variables());
            let root = self.write(small, tree.variables(), &mut builder);
            let replacement = builder.finish(root);
            points.covers(&replacement) && points.compare_trees(&below, &replacement).is_ok()
        })
    }

    fn write(&self, small: usize, variables: &[String], builder: &mut TreeBuilder) -> TreeNode {
        match self.trees[small].kind {
            SmallKind::One => builder.one(Span::default()),
            SmallKind::Variable(index) => builder.variable(&variables[index as usize], Span::default()),
            SmallKind::Eml(x, y) => {
                let (x, y) = (self.write(x, variables, builder), self.write(y, variables, builder));
                builder.eml(x, y, Span::default())
            }
        }
    }
}

/// Whether one term of a difference is so small beside the other that it might as well not be there. Where that is so at
/// every point, no precision tells the tree from one without the term: `exp(C) − x` is `−x` for a `C` as low as one likes.
fn absorbed(power: Complex64, log: Complex64) -> bool {
    const LOST: f64 = 1e-9;
    const ZERO: f64 = 1e-13;
    let (power, log) = (power.norm(), log.norm());
    power < LOST * log || (log < LOST * power && log > ZERO)
}

/// The values of all nodes at all points.
fn node_values(tree: &Tree, points: &Points) -> Vec<Vec<Complex64>> {
    let mut values = vec![Vec::with_capacity(points.len()); tree.len()];
    for point in points.iter() {
        let inputs: Vec<Complex64> = point.iter().map(|&value| Complex64::new(value, 0.0)).collect();
        let (row, _) = evaluate_all(tree, points.mode(), &inputs);
        for (list, value) in values.iter_mut().zip(row) {
            list.push(value);
        }
    }
    values
}

/// A number that is the same, or one beside it, for values that are alike.
fn key(values: &[Complex64]) -> i64 {
    const BITS: i64 = 1 << 24;
    let first = values.first().map_or(0.0, |value| value.re + 0.618 * value.im);
    if first.abs() < 1e-9 { 0 } else { first.to_bits() as i64 / BITS }
}

fn alike(x: &[Complex64], y: &[Complex64]) -> bool {
    x.len() == y.len() && x.iter().zip(y).all(|(x, y)| (x - y).norm() <= 1e-9 * (1.0 + x.norm()))
}
