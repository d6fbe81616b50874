//! Tree → the trees of its derivatives.
//!
//! One sweep from the root: the left operand of a node takes its cotangent times `exp` of that operand, the right one its
//! cotangent times `−1/r`. Both factors but for the sign are positive on the real domain, so the positive and the negative
//! part of each cotangent are trees of their own, sums and products of positive numbers, and only their difference at the
//! variables has a sign.

use egg::Id;
use neural_compiler::Diagnostic;
use neural_compiler::internals::entity::EntityVec;

use super::constructions::{Constructions, Maker};
use super::rational::Rational;
use super::terms::{self, Formula, Term};
use super::verify::Points;
use crate::{Kind, Mode, Tree, TreeNode};

/// The derivatives of a tree.
#[derive(Debug, Clone)]
pub struct Gradient {
    /// One for each variable, in the order of the tree's variables, which each of them has too.
    pub trees: Vec<Tree>,
    /// At how many points they were compared with the derivative in ordinary operations.
    pub points: usize,
}

/// The derivative of a tree by each of its variables, compared in high precision with the chain rule at random points of
/// the real domain.
///
/// # Errors
///
/// A tree without a real domain, or whose derivatives in these constructions have values nowhere on it; the paper's
/// constructions, which take the logarithm of 0; a number too large for exact arithmetic; a tree that is wrong.
pub fn gradient(tree: &Tree, set: Constructions) -> Result<Gradient, Diagnostic> {
    let error = |message: String| Diagnostic::error("not-verified", tree.span(tree.root()), message);
    let formulas = derivatives(tree)?;
    let trees: Vec<Tree> =
        (0..tree.variables().len() as u32).map(|index| derivative(tree, set, index)).collect();
    let all: Vec<&Tree> = std::iter::once(tree).chain(&trees).collect();
    let refused = |refused| error(format!("the gradient of this tree: {refused}"));
    let points = Points::of_all(&all).map_err(refused)?;
    if points.mode() != Mode::Real {
        return Err(error("the gradient of this tree has no values over the reals".into()));
    }
    for (tree, formula) in trees.iter().zip(&formulas) {
        points.compare(tree, formula).map_err(refused)?;
    }
    Ok(Gradient { trees, points: points.len() })
}

/// A cotangent as the difference of two positive trees, or of one and nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Signed {
    plus: Option<TreeNode>,
    minus: Option<TreeNode>,
}

/// The tree of the derivative by one variable.
fn derivative(tree: &Tree, set: Constructions, variable: u32) -> Tree {
    let mut maker = Maker::new(set);
    for name in tree.variables() {
        maker.builder.variable(name, maker.span);
    }
    let mut copies: EntityVec<TreeNode, TreeNode> = EntityVec::new();
    for (node, kind) in tree.iter() {
        maker.span = tree.span(node);
        copies.push(match kind {
            Kind::One => maker.one(),
            Kind::Number(bits) => maker.builder.number(f64::from_bits(bits), maker.span),
            Kind::Variable(index) => maker.builder.variable(&tree.variables()[index as usize], maker.span),
            Kind::Eml(left, right) => maker.eml(copies[left], copies[right]),
        });
    }
    let mut cotangents: EntityVec<TreeNode, Signed> = EntityVec::filled(Signed::default(), tree.len());
    cotangents[tree.root()].plus = Some(maker.one());
    let mut result = Signed::default();
    for (node, kind) in tree.iter().rev() {
        maker.span = tree.span(node);
        let cotangent = cotangents[node];
        match kind {
            Kind::Eml(left, right) => {
                let power = maker.exp(copies[left]);
                let times =
                    |maker: &mut Maker, part: Option<TreeNode>| part.map(|part| product(maker, part, power));
                let (plus, minus) = (times(&mut maker, cotangent.plus), times(&mut maker, cotangent.minus));
                add_to(&mut maker, &mut cotangents[left], Signed { plus, minus });
                let over = |maker: &mut Maker, part: Option<TreeNode>| {
                    part.map(|part| quotient(maker, part, copies[right]))
                };
                let (minus, plus) = (over(&mut maker, cotangent.plus), over(&mut maker, cotangent.minus));
                add_to(&mut maker, &mut cotangents[right], Signed { plus, minus });
            }
            Kind::Variable(index) if index == variable => result = cotangent,
            Kind::Variable(_) | Kind::One | Kind::Number(_) => {}
        }
    }
    let root = match (result.plus, result.minus) {
        (None, None) => maker.zero(),
        (Some(plus), None) => plus,
        (None, Some(minus)) => maker.neg(minus),
        (Some(plus), Some(minus)) => maker.minus(plus, minus),
    };
    maker.builder.finish(root)
}

fn product(maker: &mut Maker, x: TreeNode, y: TreeNode) -> TreeNode {
    if x == maker.one() { y } else { maker.mul(x, y) }
}

fn quotient(maker: &mut Maker, x: TreeNode, y: TreeNode) -> TreeNode {
    let one = maker.one();
    match (x == one, y == one) {
        (_, true) => x,
        (true, false) => maker.recip(y),
        (false, false) => maker.div(x, y),
    }
}

fn add_to(maker: &mut Maker, sum: &mut Signed, more: Signed) {
    let mut add = |sum: Option<TreeNode>, more: Option<TreeNode>| match (sum, more) {
        (Some(sum), Some(more)) => Some(maker.add(sum, more)),
        (one, other) => one.or(other),
    };
    *sum = Signed { plus: add(sum.plus, more.plus), minus: add(sum.minus, more.minus) };
}

/// The derivatives in ordinary operations.
fn derivatives(tree: &Tree) -> Result<Vec<Formula>, Diagnostic> {
    let (formula, places) = terms::of_tree(tree).map_err(|node| {
        let message = "a number too large or too small for exact arithmetic";
        Diagnostic::error("number", tree.span(node), message)
    })?;
    let mut all = formula;
    let mut cotangents: EntityVec<TreeNode, Option<Id>> = EntityVec::filled(None, tree.len());
    cotangents[tree.root()] = Some(all.add(Term::Number(Rational::ONE)));
    let mut results = vec![None; tree.variables().len()];
    for (node, kind) in tree.iter().rev() {
        let Some(cotangent) = cotangents[node] else { continue };
        match kind {
            Kind::Eml(left, right) => {
                let power = all.add(Term::Exp([places[left]]));
                let flow = all.add(Term::Mul([cotangent, power]));
                cotangents[left] = Some(summed(&mut all, cotangents[left], flow));
                let part = all.add(Term::Div([cotangent, places[right]]));
                let flow = all.add(Term::Neg([part]));
                cotangents[right] = Some(summed(&mut all, cotangents[right], flow));
            }
            Kind::Variable(index) => results[index as usize] = Some(cotangent),
            Kind::One | Kind::Number(_) => {}
        }
    }
    let ending = |result: Option<Id>| {
        let mut formula = all.clone();
        let zero = formula.add(Term::Number(Rational::ZERO));
        let last = result.unwrap_or(zero);
        formula.add(Term::Add([last, zero]));
        formula
    };
    Ok(results.into_iter().map(ending).collect())
}

fn summed(formula: &mut Formula, sum: Option<Id>, flow: Id) -> Id {
    match sum {
        Some(sum) => formula.add(Term::Add([sum, flow])),
        None => flow,
    }
}
