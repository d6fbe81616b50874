//! The smallest tree that gives the values of a table: trees by size, values equal at probes kept once, and meeting in the middle.
//!
//! All trees of up to so many nodes are made from smaller ones, `eml(a, b) = exp a − ln b` being one subtraction where the exponential
//! and the logarithm of each known value stand beside it. What is larger is looked for from the other end: for a value t and a known value a,
//! `eml(a, y) = t` asks for y = exp(exp a − t), and for a known b, `eml(x, b) = t` for x = ln(t + ln b). These goals are looked up among the
//! known values, and are goals in their turn, in the order of the nodes that they take. So of the trees that are found the first has the
//! fewest nodes.
//!
//! Probes are some of the rows. A tree that meets them is evaluated in all rows, and what is called exact in hundreds of bits as well.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use nc_runtime::stop::Stop;
use neural_compiler::internals::dialect::eml::tree::{Tree, TreeBuilder, TreeNode};
use neural_compiler::{Mode, Span};
use num_complex::Complex64;
use rayon::prelude::*;

use super::evaluate::evaluate;
use super::precise::{Context, to_f64};
use super::translate::verify::{Random, evaluate_tree};

/// Rows by which values are told apart.
const PROBES: usize = 6;

/// Values that are kept.
const MOST_VALUES: usize = 1 << 21;

/// Goals that are kept.
const MOST_GOALS: usize = 1 << 21;

/// Goals that are made at a time, of which those that are known or have no value are left.
const MOST_MADE: usize = 1 << 22;

/// Two values of a goal and of a tree are near if they differ by less of the larger one: goals have come through
/// exponentials of what they are made from.
const NEAR: f64 = 1e-8;

/// Relative errors below this are those of rounding numbers that a short formula gives.
const ROUNDING: f64 = 1e-14;

/// Rows in which a tree is evaluated in hundreds of bits.
const PRECISE: usize = 64;

/// Random points between the rows at which a tree is asked for a value.
const BETWEEN: usize = 1000;

/// Rows of what a tree is to be.
#[derive(Debug, Clone)]
pub struct Data {
    /// Names of variables and their values in all rows.
    pub variables: Vec<(String, Vec<f64>)>,
    /// What the tree is to give.
    pub target: Vec<f64>,
}

impl Data {
    /// Refuses what no tree can be found for.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub fn check(&self) -> Result<(), Refused> {
        let rows = self.target.len();
        if rows < 3 {
            return Err(Refused::Rows(rows));
        }
        if self.variables.len() > 16 {
            return Err(Refused::Variables(self.variables.len()));
        }
        let columns = || self.variables.iter().map(|(_, column)| column).chain([&self.target]);
        match (0..rows).find(|&row| columns().any(|column| !column[row].is_finite())) {
            Some(row) => Err(Refused::NotFinite(row)),
            None => Ok(()),
        }
    }
}

/// How it is searched.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What `eml` means: over the reals, or principal-branch complex.
    pub mode: Mode,
    /// The most nodes.
    pub nodes: usize,
    /// The relative error, by the larger of the target and its mean square, that a tree may have in a row.
    pub tolerance: f64,
    /// When it ends.
    pub until: Instant,
    /// What ends it before.
    pub stop: &'a Stop,
    /// Which rows are probes, and which points are looked at.
    pub seed: u64,
}

impl Options<'_> {
    pub(crate) fn is_over(&self, until: Instant) -> bool {
        self.stop.is_stopped() || Instant::now() > until
    }
}

/// What a search says as it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All values of trees of so many nodes are known.
    Known {
        /// Nodes.
        nodes: usize,
        /// Different values so far.
        values: usize,
    },
    /// All trees of so many nodes have been looked for.
    Searched {
        /// Nodes.
        nodes: usize,
        /// Goals that were looked up.
        goals: usize,
    },
}

/// A tree that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The tree; its variables are those of the data that it uses and those that it does not.
    pub tree: Tree,
    /// The largest relative error in a row, in binary64.
    pub error: f64,
    /// The largest relative error of the value in hundreds of bits, in some of the rows.
    pub precise: f64,
    /// At how many random points between the rows it has a value, and at how many it was asked.
    pub defined: (usize, usize),
}

impl Found {
    /// Whether no error is left but that of rounding the data.
    pub fn is_exact(&self) -> bool {
        self.precise <= ROUNDING
    }
}

/// How a search ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The smallest tree, if one was found.
    pub found: Option<Found>,
    /// No tree of so many nodes, or fewer, gives the data.
    pub excluded: usize,
    /// Different values that were made from smaller ones.
    pub values: usize,
    /// Goals that were looked up.
    pub goals: usize,
}

/// Why there is no search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too few rows tell too little.
    #[error("there are {0} rows: a tree takes at least 3 that differ")]
    Rows(usize),
    /// More variables than leaves that can be told apart.
    #[error("there are {0} variables, more than 16")]
    Variables(usize),
    /// A number is missing or infinite.
    #[error("row {0}, counted from 0: a number is not finite")]
    NotFinite(usize),
}

/// Numbers of a mode.
trait Value: Copy + Send + Sync + 'static {
    const NONE: Self;
    fn of(x: f64) -> Self;
    fn exp(self) -> Self;
    /// The logarithm where the mode has one, and else [`Value::NONE`].
    fn ln(self) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn is_finite(self) -> bool;
    /// What values are sorted by.
    fn key(self) -> f64;
    fn size(self) -> f64;
    /// The number without its last bits.
    fn rounded(self) -> [u64; 2];
}

/// A number without its last sixteen bits, to the nearest.
fn rounded(x: f64) -> u64 {
    // Zeros, and what is as good as 0 beside numbers of an ordinary size, are one.
    if x.abs() < 1e-13 { 0 } else { x.to_bits().wrapping_add(1 << 15) >> 16 }
}

impl Value for f64 {
    const NONE: f64 = f64::NAN;
    fn of(x: f64) -> f64 {
        x
    }
    fn exp(self) -> f64 {
        f64::exp(self)
    }
    fn ln(self) -> f64 {
        if self > 0.0 { f64::ln(self) } else { f64::NAN }
    }
    fn plus(self, other: f64) -> f64 {
        self + other
    }
    fn minus(self, other: f64) -> f64 {
        self - other
    }
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
    fn key(self) -> f64 {
        self
    }
    fn size(self) -> f64 {
        self.abs()
    }
    fn rounded(self) -> [u64; 2] {
        [rounded(self), 0]
    }
}

impl Value for Complex64 {
    const NONE: Complex64 = Complex64::new(f64::NAN, f64::NAN);
    fn of(x: f64) -> Complex64 {
        Complex64::new(x, 0.0)
    }
    fn exp(self) -> Complex64 {
        Complex64::exp(self)
    }
    fn ln(self) -> Complex64 {
        if self == Complex64::ZERO { Complex64::NONE } else { Complex64::ln(self) }
    }
    fn plus(self, other: Complex64) -> Complex64 {
        self + other
    }
    fn minus(self, other: Complex64) -> Complex64 {
        self - other
    }
    fn is_finite(self) -> bool {
        Complex64::is_finite(self)
    }
    fn key(self) -> f64 {
        self.re
    }
    fn size(self) -> f64 {
        self.norm()
    }
    fn rounded(self) -> [u64; 2] {
        [rounded(self.re), rounded(self.im)]
    }
}

/// Values in all probes.
type Values<V> = [V; PROBES];

fn map<V: Value>(values: &Values<V>, f: impl Fn(V) -> V) -> Values<V> {
    std::array::from_fn(|k| f(values[k]))
}

fn zip<V: Value>(a: &Values<V>, b: &Values<V>, f: impl Fn(V, V) -> V) -> Values<V> {
    std::array::from_fn(|k| f(a[k], b[k]))
}

fn finite<V: Value>(values: &Values<V>) -> bool {
    values.iter().all(|value| value.is_finite())
}

fn near<V: Value>(a: &Values<V>, b: &Values<V>) -> bool {
    a.iter().zip(b).all(|(&a, &b)| a.minus(b).size() <= NEAR * (a.size().max(b.size()) + 1e-3))
}

/// The hash of rounded values. Values that are told apart by less are found twice, which costs room alone.
fn hash<V: Value>(values: &Values<V>) -> u64 {
    values.iter().flat_map(|value| value.rounded()).fold(0x9e37_79b9_7f4a_7c15, |hash, bits| {
        let mixed = (hash ^ bits).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 32)
    })
}

/// The hash of what is one already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Hashes = HashSet<u64, BuildHasherDefault<AsItIs>>;

/// What a known value is of.
#[derive(Debug, Clone, Copy)]
enum Origin {
    One,
    Variable(u32),
    Eml(u32, u32),
}

/// All values of trees of up to so many nodes.
struct Known<V> {
    values: Vec<Values<V>>,
    exps: Vec<Values<V>>,
    logs: Vec<Values<V>>,
    origins: Vec<Origin>,
    /// Where the values of each number of nodes end.
    ends: Vec<usize>,
    seen: Hashes,
    /// By their first probes.
    sorted: Vec<(f64, u32)>,
}

impl<V: Value> Known<V> {
    fn new(leaves: Vec<(Origin, Values<V>)>) -> Known<V> {
        let mut known = Known {
            values: Vec::new(),
            exps: Vec::new(),
            logs: Vec::new(),
            origins: Vec::new(),
            ends: Vec::new(),
            seen: Hashes::default(),
            sorted: Vec::new(),
        };
        for (origin, values) in leaves {
            known.add(origin, values);
        }
        known.ends.push(known.values.len());
        known
    }

    fn add(&mut self, origin: Origin, values: Values<V>) {
        if self.seen.insert(hash(&values)) {
            self.exps.push(map(&values, V::exp));
            self.logs.push(map(&values, V::ln));
            self.values.push(values);
            self.origins.push(origin);
        }
    }

    /// Nodes of the largest trees whose values are known.
    fn nodes(&self) -> usize {
        self.ends.len() - 1
    }

    /// Places of the values of trees of so many nodes.
    fn level(&self, nodes: usize) -> std::ops::Range<usize> {
        let from = if nodes == 0 { 0 } else { self.ends[nodes - 1] };
        from..self.ends[nodes]
    }

    /// Adds all values of trees of one node more. False, and nothing new, if there is no room or no time.
    fn grow(&mut self, is_over: impl Fn() -> bool) -> bool {
        let (nodes, before) = (self.ends.len(), self.values.len());
        for left in 0..nodes {
            for a in self.level(left) {
                if !finite(&self.exps[a]) {
                    continue;
                }
                for b in self.level(nodes - 1 - left) {
                    if self.values.len() >= MOST_VALUES || b % 4096 == 0 && is_over() {
                        self.values.truncate(before);
                        self.exps.truncate(before);
                        self.logs.truncate(before);
                        self.origins.truncate(before);
                        return false;
                    }
                    let values = zip(&self.exps[a], &self.logs[b], V::minus);
                    if finite(&values) {
                        self.add(Origin::Eml(a as u32, b as u32), values);
                    }
                }
            }
        }
        self.ends.push(self.values.len());
        true
    }

    fn sort(&mut self) {
        self.sorted = self.values.iter().zip(0..).map(|(values, k)| (values[0].key(), k)).collect();
        self.sorted.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }

    /// The values near a goal.
    fn find<'a>(&'a self, goal: &'a Values<V>) -> impl Iterator<Item = u32> + 'a {
        let (key, width) = (goal[0].key(), NEAR * (goal[0].size() + 1e-3) * 2.0);
        let from = self.sorted.partition_point(|entry| entry.0 < key - width);
        self.sorted[from..]
            .iter()
            .take_while(move |entry| entry.0 <= key + width)
            .map(|entry| entry.1)
            .filter(move |&value| near(&self.values[value as usize], goal))
    }
}

/// The place of a goal in a tree: the operand of `eml` whose other operand is known.
#[derive(Debug, Clone, Copy)]
enum Hole {
    Right(u32),
    Left(u32),
}

/// A value that is looked for.
struct Goal<V> {
    values: Values<V>,
    /// The goal that it comes from, and its place there; nothing for the data.
    from: Option<(u32, Hole)>,
}

/// What a goal asks for beside a known value.
fn beside<V: Value>(known: &Known<V>, goal: &Values<V>, value: usize, left: bool) -> Option<Values<V>> {
    let asked = if left {
        map(&zip(goal, &known.logs[value], V::plus), V::ln)
    } else {
        map(&zip(&known.exps[value], goal, V::minus), V::exp)
    };
    // What is 0 has no logarithm that it could be in.
    (finite(&asked) && (left || asked.iter().all(|value| value.size() > 0.0))).then_some(asked)
}

/// A tree under construction from known values.
struct Maker<'a, V> {
    known: &'a Known<V>,
    names: &'a [String],
    builder: TreeBuilder,
}

impl<V: Value> Maker<'_, V> {
    fn value(&mut self, value: u32) -> TreeNode {
        match self.known.origins[value as usize] {
            Origin::One => self.builder.one(Span::default()),
            Origin::Variable(k) => self.builder.variable(&self.names[k as usize], Span::default()),
            Origin::Eml(a, b) => {
                let (a, b) = (self.value(a), self.value(b));
                self.builder.eml(a, b, Span::default())
            }
        }
    }
}

/// The tree in which a known value stands in the place of a goal.
fn tree<V: Value>(known: &Known<V>, names: &[String], goals: &[Goal<V>], goal: u32, value: u32) -> Tree {
    let mut maker = Maker { known, names, builder: TreeBuilder::new() };
    // So that their order is that of the data.
    for name in names {
        maker.builder.variable(name, Span::default());
    }
    let mut node = maker.value(value);
    let mut from = goals[goal as usize].from;
    while let Some((goal, hole)) = from {
        node = match hole {
            Hole::Right(a) => {
                let a = maker.value(a);
                maker.builder.eml(a, node, Span::default())
            }
            Hole::Left(b) => {
                let b = maker.value(b);
                maker.builder.eml(node, b, Span::default())
            }
        };
        from = goals[goal as usize].from;
    }
    maker.builder.finish(node)
}

/// Looks for the smallest tree that gives the target in all rows.
///
/// # Errors
///
/// [`Refused`].
pub fn search(data: &Data, options: &Options<'_>, progress: &dyn Fn(Progress)) -> Result<Outcome, Refused> {
    data.check()?;
    Ok(match options.mode {
        Mode::Real | Mode::Extended => run::<f64>(data, options, progress),
        Mode::Complex => run::<Complex64>(data, options, progress),
    })
}

/// Rows that are drawn so that all differ, as far as there are as many.
fn probes(rows: usize, seed: u64) -> [usize; PROBES] {
    let mut random = Random(seed);
    let mut drawn: Vec<usize> = Vec::new();
    while drawn.len() < PROBES.min(rows) {
        let row = ((random.between(0.0, 1.0) * rows as f64) as usize).min(rows - 1);
        if !drawn.contains(&row) {
            drawn.push(row);
        }
    }
    std::array::from_fn(|k| drawn[k % drawn.len()])
}

fn run<V: Value>(data: &Data, options: &Options<'_>, progress: &dyn Fn(Progress)) -> Outcome {
    let places = probes(data.target.len(), options.seed);
    let at = |column: &[f64]| -> Values<V> { places.map(|row| V::of(column[row])) };
    let names: Vec<String> = data.variables.iter().map(|(name, _)| name.clone()).collect();
    let variables = data.variables.iter().zip(0..).map(|((_, column), k)| (Origin::Variable(k), at(column)));
    let leaves = std::iter::once((Origin::One, [V::of(1.0); PROBES])).chain(variables).collect();
    let mut known = Known::<V>::new(leaves);
    let mut goals = vec![Goal { values: at(&data.target), from: None }];
    let verifier = Verifier::of(data, options);
    let accept = |known: &Known<V>, goals: &[Goal<V>], goal: u32| -> Option<Found> {
        let mut values: Vec<u32> = known.find(&goals[goal as usize].values).collect();
        values.sort_unstable();
        values.into_iter().find_map(|value| {
            let tree = tree(known, &names, goals, goal, value);
            verifier.verified(tree)
        })
    };
    let mut looked_up = 0;
    let outcome = |found, excluded, known: &Known<V>, goals| Outcome {
        found,
        excluded,
        values: known.values.len(),
        goals,
    };
    // Half of the time is for what is known, and half for what is looked for.
    let now = Instant::now();
    let half = now + options.until.saturating_duration_since(now) / 2;
    loop {
        known.sort();
        looked_up += 1;
        if let Some(found) = accept(&known, &goals, 0) {
            let excluded = known.nodes().saturating_sub(1);
            return outcome(Some(found), excluded, &known, looked_up);
        }
        progress(Progress::Known { nodes: known.nodes(), values: known.values.len() });
        if known.nodes() >= options.nodes || !known.grow(|| options.is_over(half)) {
            break;
        }
    }
    let reach = known.nodes();
    let mut seen = Hashes::default();
    seen.insert(hash(&goals[0].values));
    // Where the goals of each number of nodes around them end.
    let mut ends = vec![1];
    let mut best: Option<Found> = None;
    let nodes = |found: &Option<Found>| {
        found.as_ref().map_or(options.nodes + 1, |found| found.tree.sizes().nodes as usize)
    };
    // A tree of fewer nodes may have its known part deeper, and less around it.
    while excluded(reach, ends.len() - 1) + 1 < nodes(&best) {
        let cost = ends.len();
        let mut fresh: Vec<Goal<V>> = Vec::new();
        for of in 0..cost.min(reach + 1) {
            let level = known.level(of);
            let from = cost - 1 - of;
            let range = if from == 0 { 0..1 } else { ends[from - 1]..ends[from] };
            let count = range.len().saturating_mul(2 * level.len());
            if options.is_over(options.until) || count > MOST_MADE || goals.len() + fresh.len() > MOST_GOALS {
                return outcome(best, excluded(reach, cost - 1), &known, looked_up);
            }
            let made: Vec<Goal<V>> = range
                .into_par_iter()
                .flat_map_iter(|goal| {
                    let (known, goals) = (&known, &goals);
                    level.clone().flat_map(move |value| {
                        [true, false].into_iter().filter_map(move |left| {
                            let values = beside(known, &goals[goal].values, value, left)?;
                            let hole = if left { Hole::Left } else { Hole::Right };
                            Some(Goal { values, from: Some((goal as u32, hole(value as u32))) })
                        })
                    })
                })
                .collect();
            fresh.extend(made.into_iter().filter(|goal| seen.insert(hash(&goal.values))));
        }
        let first = goals.len();
        goals.extend(fresh);
        let last = goals.len();
        ends.push(last);
        looked_up += last - first;
        let hit: Vec<usize> = (first..last)
            .into_par_iter()
            .filter(|&goal| known.find(&goals[goal].values).next().is_some())
            .collect();
        // In the order of goals, whatever threads found first.
        for found in hit.into_iter().filter_map(|goal| accept(&known, &goals, goal as u32)) {
            if (found.tree.sizes().nodes as usize) < nodes(&best) {
                best = Some(found);
            }
        }
        progress(Progress::Searched { nodes: excluded(reach, cost), goals: looked_up });
        if options.is_over(options.until) {
            break;
        }
    }
    let excluded = excluded(reach, ends.len() - 1).min(nodes(&best) - 1);
    outcome(best, excluded, &known, looked_up)
}

/// The most nodes of which every tree has a part of at most `reach` nodes with at most `around` nodes around it.
fn excluded(reach: usize, around: usize) -> usize {
    // Of each number of nodes, how many are around such a part at the least, in the worst of its trees.
    let mut worst = vec![0; reach + 1];
    loop {
        let nodes = worst.len();
        let most = (0..=(nodes - 1) / 2).map(|lighter| 1 + lighter + worst[nodes - 1 - lighter]).max();
        let most = most.expect("there is a root");
        if most > around {
            return nodes - 1;
        }
        worst.push(most);
    }
}

/// What tells whether trees give the data.
pub(crate) struct Verifier<'a> {
    data: &'a Data,
    options: &'a Options<'a>,
    /// The root mean square of the target.
    scale: f64,
}

impl<'a> Verifier<'a> {
    pub(crate) fn of(data: &'a Data, options: &'a Options<'a>) -> Verifier<'a> {
        let scale = data.target.iter().map(|y| y * y).sum::<f64>() / data.target.len() as f64;
        Verifier { data, options, scale: scale.sqrt() }
    }

    /// The tree with its errors, if it gives the data in all rows.
    pub(crate) fn verified(&self, tree: Tree) -> Option<Found> {
        let Verifier { data, options, scale } = *self;
        verified(tree, data, options, scale)
    }
}

/// A tree that gives the data in all rows, with its errors.
fn verified(tree: Tree, data: &Data, options: &Options<'_>, scale: f64) -> Option<Found> {
    let rows = data.target.len();
    let point = |row: usize| -> Vec<f64> { data.variables.iter().map(|(_, column)| column[row]).collect() };
    let relative = |value: Complex64, row: usize| {
        let expected = data.target[row];
        (value - expected).norm() / expected.abs().max(scale).max(f64::MIN_POSITIVE)
    };
    let mut error: f64 = 0.0;
    for row in 0..rows {
        let inputs: Vec<Complex64> = point(row).into_iter().map(Complex64::from).collect();
        let value = evaluate(&tree, options.mode, &inputs).ok()?;
        error = error.max(relative(value, row));
        // A tolerance that is no number allows nothing.
        let is_within = error <= options.tolerance;
        if !is_within {
            return None;
        }
    }
    let mut context = Context::new(256)?;
    let mut precise: f64 = 0.0;
    let step = rows.div_ceil(PRECISE);
    for row in (0..rows).step_by(step) {
        let value = evaluate_tree(&mut context, options.mode, &tree, &point(row))?;
        precise = precise.max(relative(Complex64::new(to_f64(&value.re), to_f64(&value.im)), row));
    }
    let mut random = Random(options.seed);
    let bounds: Vec<(f64, f64)> = data
        .variables
        .iter()
        .map(|(_, column)| {
            column
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
        })
        .collect();
    let mut defined = 0;
    for _ in 0..BETWEEN {
        let inputs: Vec<Complex64> =
            bounds.iter().map(|&(low, high)| Complex64::from(random.between(low, high))).collect();
        defined += usize::from(evaluate(&tree, options.mode, &inputs).is_ok());
    }
    Some(Found { tree, error, precise, defined: (defined, BETWEEN) })
}

#[cfg(test)]
mod tests {
    use super::excluded;

    /// Sizes of all subtrees of all trees of so many nodes, as sets of bits.
    fn shapes(nodes: usize) -> Vec<u32> {
        let mut all: Vec<Vec<u32>> = vec![vec![1]];
        for size in 1..=nodes {
            let mut shapes: Vec<u32> = Vec::new();
            for left in 0..size {
                for a in &all[left] {
                    shapes.extend(all[size - 1 - left].iter().map(|b| a | b | 1 << size));
                }
            }
            shapes.sort_unstable();
            shapes.dedup();
            all.push(shapes);
        }
        all.pop().expect("at least one")
    }

    #[test]
    fn trees_that_are_looked_for_are_all() {
        for reach in 0..5 {
            for around in 0..7 {
                let is_met = |nodes: usize| {
                    let met = |part: &usize, shape: &u32| shape >> part & 1 == 1 && nodes - part <= around;
                    shapes(nodes).iter().all(|shape| (0..=reach.min(nodes)).any(|part| met(&part, shape)))
                };
                let most = (0..12).take_while(|&nodes| is_met(nodes)).last();
                assert_eq!(Some(excluded(reach, around)), most, "{reach} and {around}");
            }
        }
    }
}
