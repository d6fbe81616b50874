//! How gradients fare on their way down a tree: along a left edge the cotangent is multiplied by `exp l`, along a right edge by
//! `−1/r`.
//!
//! Cotangents are kept as a mantissa and an exponent, path products as logarithms, so that neither overflows. A shared node
//! has one cotangent, the sum over all its uses; the products of all paths, of which there may be exponentially many, are
//! bounded by dynamic programming. Constants are left out: nothing flows on from them.

use neural_compiler::Mode;
use neural_compiler::internals::dialect::eml::tree::{Kind, Tree, TreeNode};
use neural_compiler::internals::entity::EntityVec;
use num_complex::Complex64;

use super::evaluate::{Fault, evaluate_all};

/// Cotangents above this explode.
pub const EXPLODING: f64 = 1e3;
/// Cotangents below this vanish.
pub const VANISHING: f64 = 1e-3;
/// Cotangents below this are reported one by one.
pub const LEAST: f64 = 1e-300;

/// A complex number `mantissa·2^exponent`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cotangent {
    mantissa: Complex64,
    exponent: f64,
}

/// An edge of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// To the operand of the exponential.
    Left,
    /// To the operand of the logarithm.
    Right,
}

/// A path downwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Where it begins.
    pub start: TreeNode,
    /// Where it ends.
    pub end: TreeNode,
    /// Its edges.
    pub sides: Vec<Side>,
    /// The natural logarithm of the product of the magnitudes of its factors.
    pub log: f64,
}

/// The nodes that the same number of edges, at most, lead to from the root.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many of them have the cotangent 0.
    pub zeros: usize,
    /// How many explode.
    pub exploding: usize,
    /// How many vanish, zeros included.
    pub vanishing: usize,
    /// The logarithm of the greatest magnitude; −∞ if all are 0.
    pub greatest: f64,
    /// The logarithm of the least magnitude that is not 0; +∞ if all are.
    pub least: f64,
    /// The mean of the logarithms of those that are not 0; NaN if all are.
    pub mean: f64,
}

/// What is found about a tree at a point.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// The values of all nodes.
    pub values: EntityVec<TreeNode, Complex64>,
    /// The derivative of the root by each node.
    pub cotangents: EntityVec<TreeNode, Cotangent>,
    /// By depth.
    pub levels: Vec<Level>,
    /// The path from the root with the greatest product; nothing in a tree of one node.
    pub steepest: Option<Path>,
    /// The path from the root with the least product.
    pub flattest: Option<Path>,
    /// The run of left edges, anywhere, with the greatest product.
    pub left: Option<Path>,
    /// The run of right edges, anywhere, with the least product.
    pub right: Option<Path>,
}

impl Cotangent {
    const ZERO: Cotangent = Cotangent { mantissa: Complex64::ZERO, exponent: 0.0 };

    fn new(mantissa: Complex64, exponent: f64) -> Cotangent {
        let largest = mantissa.re.abs().max(mantissa.im.abs());
        if largest == 0.0 {
            return Cotangent::ZERO;
        }
        // In two steps, for the exponents of subnormal numbers.
        let shift = largest.log2().floor();
        let half = (-shift / 2.0).floor();
        let mantissa = mantissa * half.exp2() * (-shift - half).exp2();
        Cotangent { mantissa, exponent: exponent + shift }
    }

    /// `exp z`.
    fn exp(z: Complex64) -> Cotangent {
        const HIGH: f64 = 6.931_471_803_691_238e-1;
        const LOW: f64 = 1.908_214_929_270_587_7e-10;
        const EXACT: f64 = 1e9;
        let turns = (z.re / std::f64::consts::LN_2).round();
        // Far out the number is known to less than a factor of 2.
        let rest = if turns.abs() < EXACT { (z.re - turns * HIGH) - turns * LOW } else { 0.0 };
        Cotangent::new(Complex64::from_polar(rest.exp(), z.im), turns)
    }

    fn times(self, other: Cotangent) -> Cotangent {
        Cotangent::new(self.mantissa * other.mantissa, self.exponent + other.exponent)
    }

    /// `−1/z` for `z ≠ 0`.
    fn minus_reciprocal(z: Complex64) -> Cotangent {
        let z = Cotangent::new(z, 0.0);
        Cotangent::new(-Complex64::ONE / z.mantissa, -z.exponent)
    }

    fn plus(self, other: Cotangent) -> Cotangent {
        const LOST: f64 = 200.0;
        let (large, small) = if self.mantissa == Complex64::ZERO
            || other.mantissa != Complex64::ZERO && other.exponent > self.exponent
        {
            (other, self)
        } else {
            (self, other)
        };
        let apart = large.exponent - small.exponent;
        if small.mantissa == Complex64::ZERO || apart > LOST {
            return large;
        }
        Cotangent::new(large.mantissa + small.mantissa * (-apart).exp2(), large.exponent)
    }

    /// The natural logarithm of its magnitude; −∞ for 0.
    pub fn log(self) -> f64 {
        self.mantissa.norm().ln() + self.exponent * std::f64::consts::LN_2
    }

    /// The nearest number that binary64 has, which may be 0 or infinite.
    pub fn value(self) -> Complex64 {
        if self.mantissa == Complex64::ZERO {
            return self.mantissa;
        }
        let exponent = self.exponent.clamp(-2200.0, 2200.0);
        let half = (exponent / 2.0).floor();
        let part = |part: f64| if part == 0.0 { 0.0 } else { part * half.exp2() * (exponent - half).exp2() };
        Complex64::new(part(self.mantissa.re), part(self.mantissa.im))
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.mantissa == Complex64::ZERO
    }
}

/// The best product to each node, and the edge by which it comes.
struct Search {
    best: EntityVec<TreeNode, f64>,
    from: EntityVec<TreeNode, Option<(TreeNode, Side)>>,
    /// Greater products are better.
    greatest: bool,
    /// Paths of this side's edges that begin anywhere, instead of any paths from the root.
    only: Option<Side>,
}

impl Search {
    fn new(tree: &Tree, greatest: bool, only: Option<Side>) -> Search {
        let mut best =
            EntityVec::filled(if greatest { f64::NEG_INFINITY } else { f64::INFINITY }, tree.len());
        best[tree.root()] = 0.0;
        Search { best, from: EntityVec::filled(None, tree.len()), greatest, only }
    }

    fn better(&self, a: f64, b: f64) -> bool {
        if self.greatest { a > b } else { a < b }
    }

    fn edge(&mut self, node: TreeNode, to: TreeNode, side: Side, log: f64) {
        let before = match self.only {
            None => self.best[node],
            Some(only) if only != side => return,
            // A run goes on where that is better than to begin here.
            Some(_) if self.from[node].is_some() && self.better(self.best[node], 0.0) => self.best[node],
            Some(_) => 0.0,
        };
        if self.from[to].is_none() || self.better(before + log, self.best[to]) {
            self.best[to] = before + log;
            self.from[to] = Some((node, side));
        }
    }

    /// The best path to any node that is no constant.
    fn path(&self, tree: &Tree) -> Option<Path> {
        let ends = tree.iter().rev().filter(|&(node, kind)| !constant(kind) && self.from[node].is_some());
        let end = ends
            .map(|(node, _)| node)
            .reduce(|best, node| if self.better(self.best[node], self.best[best]) { node } else { best })?;
        let (mut start, mut sides) = (end, Vec::new());
        while let Some((above, side)) = self.from[start] {
            sides.push(side);
            start = above;
            if self.only.is_some() && !self.better(self.best[above], 0.0) {
                break;
            }
        }
        sides.reverse();
        Some(Path { start, end, sides, log: self.best[end] })
    }
}

fn constant(kind: Kind) -> bool {
    matches!(kind, Kind::One | Kind::Number(_))
}

/// Looks at the tree at a point.
///
/// # Errors
///
/// The first node that has no value there.
pub fn diagnose(tree: &Tree, mode: Mode, inputs: &[Complex64]) -> Result<Diagnosis, Fault> {
    let (found, fault) = evaluate_all(tree, mode, inputs);
    if let Some(fault) = fault {
        return Err(fault);
    }
    let mut values = EntityVec::new();
    for value in found {
        values.push(value);
    }
    let mut cotangents: EntityVec<TreeNode, Cotangent> = EntityVec::filled(Cotangent::ZERO, tree.len());
    let mut depth: EntityVec<TreeNode, usize> = EntityVec::filled(0, tree.len());
    cotangents[tree.root()] = Cotangent::new(Complex64::ONE, 0.0);
    let [mut steepest, mut flattest, mut left, mut right] =
        [(true, None), (false, None), (true, Some(Side::Left)), (false, Some(Side::Right))]
            .map(|(greatest, only)| Search::new(tree, greatest, only));
    let mut levels: Vec<Level> = Vec::new();
    for (node, kind) in tree.iter().rev() {
        let own = cotangents[node];
        if !constant(kind) {
            add_to_level(&mut levels, depth[node], own);
        }
        let Kind::Eml(x, y) = kind else { continue };
        let reciprocal = Cotangent::minus_reciprocal(values[y]);
        let edges = [
            (x, Side::Left, Cotangent::exp(values[x]), values[x].re),
            (y, Side::Right, reciprocal, reciprocal.log()),
        ];
        for (operand, side, factor, log) in edges {
            cotangents[operand] = cotangents[operand].plus(own.times(factor));
            depth[operand] = depth[operand].max(depth[node] + 1);
            for search in [&mut steepest, &mut flattest, &mut left, &mut right] {
                search.edge(node, operand, side, log);
            }
        }
    }
    for level in &mut levels {
        level.mean /= (level.nodes - level.zeros) as f64;
    }
    let [steepest, flattest, left, right] = [steepest, flattest, left, right].map(|search| search.path(tree));
    Ok(Diagnosis { values, cotangents, levels, steepest, flattest, left, right })
}

/// Counts a node. The mean is the sum until all are counted.
fn add_to_level(levels: &mut Vec<Level>, depth: usize, cotangent: Cotangent) {
    let empty = Level {
        nodes: 0,
        zeros: 0,
        exploding: 0,
        vanishing: 0,
        greatest: f64::NEG_INFINITY,
        least: f64::INFINITY,
        mean: 0.0,
    };
    if levels.len() <= depth {
        levels.resize(depth + 1, empty);
    }
    let (level, log) = (&mut levels[depth], cotangent.log());
    level.nodes += 1;
    level.exploding += usize::from(log > EXPLODING.ln());
    level.vanishing += usize::from(log < VANISHING.ln());
    if cotangent.is_zero() {
        level.zeros += 1;
        return;
    }
    level.greatest = level.greatest.max(log);
    level.least = level.least.min(log);
    level.mean += log;
}

impl Diagnosis {
    /// Nodes, constants left out, whose cotangent binary64 cannot hold, is below [`LEAST`], or is 0.
    pub fn beyond<'a>(&'a self, tree: &'a Tree) -> impl Iterator<Item = (TreeNode, Cotangent)> + 'a {
        let nodes = tree.iter().rev().filter(|&(_, kind)| !constant(kind));
        nodes.map(|(node, _)| (node, self.cotangents[node])).filter(|(_, cotangent)| {
            let log = cotangent.log();
            log > f64::MAX.ln() || log < LEAST.ln()
        })
    }
}

impl Path {
    /// Its edges as letters, `LLR`; long runs as `L×20 R×3`.
    pub fn text(&self) -> String {
        const WRITTEN_OUT: usize = 40;
        let letter = |side: Side| match side {
            Side::Left => 'L',
            Side::Right => 'R',
        };
        if self.sides.len() <= WRITTEN_OUT {
            return self.sides.iter().map(|&side| letter(side)).collect();
        }
        let runs = self.sides.chunk_by(|a, b| a == b).map(|run| format!("{}×{}", letter(run[0]), run.len()));
        runs.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neural_compiler::ReaderLimits;
    use neural_compiler::internals::dialect::eml::{Grammar, reader};

    fn read(text: &str) -> Tree {
        reader::read(text, Grammar::Literal, &ReaderLimits::default()).unwrap()
    }

    fn at(tree: &Tree, mode: Mode, inputs: &[f64]) -> Diagnosis {
        let inputs: Vec<Complex64> = inputs.iter().map(|&x| x.into()).collect();
        diagnose(tree, mode, &inputs).unwrap()
    }

    #[test]
    fn paths_of_a_small_tree() {
        // exp(exp x − ln y) − ln 1 at x = 2, y = 0.5
        let tree = read("eml(eml(x,y),1)");
        let found = at(&tree, Mode::Real, &[2.0, 0.5]);
        let inner = 2f64.exp() - 0.5f64.ln();
        let steepest = found.steepest.unwrap();
        assert_eq!(steepest.text(), "LL");
        assert!((steepest.log - (inner + 2.0)).abs() < 1e-14);
        assert_eq!(found.left.unwrap().text(), "LL");
        let flattest = found.flattest.unwrap();
        assert_eq!(flattest.text(), "L");
        let right = found.right.unwrap();
        assert_eq!((right.text().as_str(), right.sides.len()), ("R", 1));
        assert!((right.log - 2f64.ln()).abs() < 1e-15);
        assert_eq!(found.levels.iter().map(|level| level.nodes).collect::<Vec<_>>(), [1, 1, 2]);
        let last = found.levels[2];
        assert!(
            (last.greatest - (inner + 2.0)).abs() < 1e-14 && (last.least - (inner + 2f64.ln())).abs() < 1e-14
        );
        assert_eq!((last.exploding, last.vanishing, last.zeros), (2, 0, 0));
    }

    #[test]
    fn products_beyond_binary64() {
        // The value e^(e^6.56) fits, its derivative e^(e^6.56)·e^6.56 does not.
        let tree = read("eml(eml(x,1),1)");
        let found = at(&tree, Mode::Real, &[6.56]);
        let x = variable(&tree, "x");
        assert!((found.cotangents[x].log() - (6.56f64.exp() + 6.56)).abs() < 1e-10);
        assert_eq!(found.cotangents[x].value().re, f64::INFINITY);
        assert_eq!(found.beyond(&tree).map(|(node, _)| node).collect::<Vec<_>>(), [x]);
        // e^(−700) three times over: 0 in binary64, and not here.
        let tree = read("eml(eml(eml(x,exp(700)),exp(exp(1))),1)");
        let found = at(&tree, Mode::Real, &[-700.0]);
        let x = variable(&tree, "x");
        let log = found.cotangents[x].log();
        assert!(log < -1390.0 && log > -1420.0, "{log}");
        assert!(found.cotangents[x].value() == Complex64::ZERO && !found.cotangents[x].is_zero());
        let tree = read("eml(eml(eml(x,1),1),1)");
        assert!(diagnose(&tree, Mode::Real, &[6.6.into()]).is_err());
    }

    #[test]
    fn long_chains() {
        let chain = |depth: usize| format!("{}x{}", "eml(0,".repeat(depth), ")".repeat(depth));
        // x ↦ 1 − ln x has the fixed point 1 with slope −1.
        let tree = read(&chain(100_000));
        let found = at(&tree, Mode::Real, &[1.0]);
        assert_eq!(found.levels.len(), 100_001);
        assert_eq!(found.right.unwrap().text(), "R");
        assert_eq!(found.cotangents[variable(&tree, "x")].value(), Complex64::ONE);
        let shared = (0..200).fold("x".to_string(), |text, _| format!("eml({text},1)"));
        assert!(diagnose(&read(&shared), Mode::Real, &[0.5.into()]).is_err());
    }

    /// The node of a variable.
    fn variable(tree: &Tree, name: &str) -> TreeNode {
        let index = tree.variables().iter().position(|known| known == name).unwrap() as u32;
        tree.iter().find(|&(_, kind)| kind == Kind::Variable(index)).unwrap().0
    }
}
