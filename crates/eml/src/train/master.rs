//! The master formula: a full binary tree whose every choice is a number.
//!
//! At the lowest level an operand of a node is w₁·1 + w₂·x + … with weights on a simplex, the softmax of its logits; above it, what stands
//! below the operand takes part as well. At the corners of these simplices the formula is a tree of `eml`. (The formula of A. Odrzywołek's paper
//! on `eml`. In the form that his programs train, variables stand at the lowest level only.)

use std::fmt::Write;

use neural_compiler::Span;
use num_complex::Complex64;

use super::super::translate::verify::Random;
use super::super::{Tree, TreeBuilder, TreeNode};

/// Below this weight, what stands below an operand does not take part: it may be infinite.
const NOTHING: f64 = 1e-7;

/// What parts of numbers are cut to.
const LARGEST: f64 = 1e300;

/// Magnitudes of nodes above this are penalised.
const LARGE: f64 = 50.0;

/// How the logits of a restart begin; each has noise besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Leaves prefer 1.
    Biased,
    /// Leaves prefer nothing.
    Uniform,
    /// Leaves prefer variables.
    Variables,
    /// Each leaf prefers something, and a quarter of the operands what stands below them.
    Hot,
}

impl Start {
    /// All of them, in the order in which restarts take them.
    pub const ALL: [Start; 4] = [Start::Biased, Start::Uniform, Start::Variables, Start::Hot];
}

/// A full tree of some depth over some variables.
#[derive(Debug, Clone)]
pub struct Master {
    depth: usize,
    variables: Vec<String>,
    /// Whether variables stand at every level, or at the lowest only.
    everywhere: bool,
}

impl Master {
    /// The formula; `depth` is that of the deepest node, from 1. Variables stand at every level, or at the lowest only.
    pub fn new(depth: usize, variables: Vec<String>, everywhere: bool) -> Master {
        Master { depth, variables, everywhere }
    }

    /// Operands at the lowest level.
    fn leaves(&self) -> usize {
        1 << self.depth
    }

    /// Operands above it, level by level.
    fn uppers(&self) -> usize {
        self.leaves() - 2
    }

    /// All operands.
    fn operands(&self) -> usize {
        self.leaves() + self.uppers()
    }

    /// The choice of what stands below an operand; 0 is that of 1, and the others are those of variables.
    fn below(&self) -> u8 {
        self.variables.len() as u8 + 1
    }

    /// What an operand can be.
    pub(super) fn ways(&self, operand: usize) -> impl Iterator<Item = u8> + use<> {
        let (below, leaf, everywhere) = (self.below(), operand < self.leaves(), self.everywhere);
        (0..=below).filter(move |&way| match (leaf, way) {
            (true, way) => way < below,
            (false, way) => everywhere || way == 0 || way == below,
        })
    }

    /// Where the logits of an operand are.
    fn place(&self, operand: usize) -> std::ops::Range<usize> {
        let leaf = self.variables.len() + 1;
        let upper = if self.everywhere { leaf + 1 } else { 2 };
        match operand.checked_sub(self.leaves()) {
            None => operand * leaf..(operand + 1) * leaf,
            Some(k) => {
                let start = self.leaves() * leaf + k * upper;
                start..start + upper
            }
        }
    }

    /// How many logits there are: those of the operands at the lowest level, then those of the others.
    pub fn logits(&self) -> usize {
        self.place(self.operands() - 1).end
    }

    /// The names that the program has for its logits.
    pub fn names(&self) -> Vec<String> {
        (0..self.logits()).map(|k| format!("w{k}")).collect()
    }

    /// The loss over `rows` rows of data as a program, in the logits `w0 …`, the `temperature`, the weight `sharpness` of a penalty
    /// for what is undecided, and the data: `x0 …` and `target`, vectors.
    ///
    /// The loss is the mean of |value − target|², 10⁻⁴ of the mean of max(0, |node| − 50)², averaged over the levels, and the mean entropy
    /// of the choices times `sharpness`.
    pub fn program(&self, rows: usize) -> String {
        let mut text = format!(
            "(define (part v) (if (nan? v) 0 (max -{LARGEST:e} (min {LARGEST:e} v))))\n\
             (define (bounded z) (make-rectangular (part (real-part z)) (part (imag-part z))))\n\
             (define (node a b) (bounded (- (exp a) (log b))))\n\
             (define (operand fixed share below)\n  \
             (if (< share {NOTHING}) (complex fixed)\n    \
             (make-rectangular (+ fixed (* share (real-part below))) (* share (imag-part below)))))\n\
             (define (excess z) (square (max 0 (- (magnitude z) {LARGE}))))\n\
             (define (information p) (if (> p 0) (* p (log p)) 0))\n\
             (let* (\n"
        );
        // The softmax of each operand.
        for operand in 0..self.operands() {
            let logits: Vec<String> = self.place(operand).map(|k| format!("w{k}")).collect();
            let _ = writeln!(text, "  (m{operand} (max {}))", logits.join(" "));
            let ways: Vec<u8> = self.ways(operand).collect();
            for (logit, way) in logits.iter().zip(&ways) {
                let _ = writeln!(text, "  (e{operand}-{way} (exp (/ (- {logit} m{operand}) temperature)))");
            }
            let all: Vec<String> = ways.iter().map(|way| format!("e{operand}-{way}")).collect();
            let _ = writeln!(text, "  (t{operand} (+ {}))", all.join(" "));
            for way in ways {
                let _ = writeln!(text, "  (p{operand}-{way} (/ e{operand}-{way} t{operand}))");
            }
        }
        let _ = write!(
            text,
            "  (data\n    (/ (loop ((row 0) (sum 0))\n      (if (< row {rows})\n        (recur (+ row 1) (+ sum (let* (\n"
        );
        for k in 0..self.variables.len() {
            let _ = writeln!(text, "          (v{} (ref x{k} row))", k + 1);
        }
        // What an operand is without what stands below it.
        let below = self.below();
        for operand in 0..self.operands() {
            let terms: Vec<String> = self
                .ways(operand)
                .filter(|&way| way < below)
                .map(|way| match way {
                    0 => format!("p{operand}-0"),
                    k => format!("(* p{operand}-{k} v{k})"),
                })
                .collect();
            let _ = match terms.len() {
                1 => writeln!(text, "          (f{operand} {})", terms.concat()),
                _ => writeln!(text, "          (f{operand} (+ {}))", terms.join(" ")),
            };
        }
        let mut levels: Vec<String> = Vec::new();
        for level in 1..=self.depth {
            let nodes = self.leaves() >> level;
            for node in 0..nodes {
                let [a, b] = [2 * node, 2 * node + 1].map(|below_it| {
                    let operand = self.operand(level, below_it);
                    match level {
                        1 => format!("(complex f{operand})"),
                        _ => format!("(operand f{operand} p{operand}-{below} n{}-{below_it})", level - 1),
                    }
                });
                let _ = writeln!(text, "          (n{level}-{node} (node {a} {b}))");
            }
            let all: Vec<String> = (0..nodes).map(|node| format!("(excess n{level}-{node})")).collect();
            levels.push(match nodes {
                1 => all.concat(),
                _ => format!("(/ (+ {}) {nodes})", all.join(" ")),
            });
        }
        let excess = match levels.len() {
            1 => levels.concat(),
            count => format!("(/ (+ {}) {count})", levels.join(" ")),
        };
        let entropies: Vec<String> = (0..self.operands())
            .flat_map(|operand| self.ways(operand).map(move |way| format!("(information p{operand}-{way})")))
            .collect();
        let _ = write!(
            text,
            "          (difference (- n{}-0 (ref target row))))\n          \
             (+ (square (real-part difference)) (square (imag-part difference))\n             \
             (* 1e-4 {excess})))))\n        sum)) {rows})))\n  \
             (- data (* sharpness (/ (+ {}) {}))))\n",
            self.depth,
            entropies.join(" "),
            self.operands()
        );
        text
    }

    /// Logits to begin with.
    pub(super) fn start(&self, start: Start, random: &mut Random) -> Vec<f64> {
        let mut logits = vec![0.0; self.logits()];
        for operand in 0..self.operands() {
            let own = &mut logits[self.place(operand)];
            let count = own.len();
            if operand < self.leaves() {
                match start {
                    Start::Biased => own[0] += 2.0,
                    Start::Uniform => {}
                    Start::Variables => own[1..].iter_mut().for_each(|logit| *logit += 1.0),
                    Start::Hot => {
                        let hot = (random.between(0.0, 1.0) * count as f64) as usize;
                        own[hot.min(count - 1)] += 3.0;
                    }
                }
            } else {
                match start {
                    Start::Biased | Start::Uniform | Start::Variables => own[0] = 4.0,
                    Start::Hot if random.between(0.0, 1.0) < 0.25 => own[count - 1] = 3.0,
                    Start::Hot => own[0] = 3.0,
                }
            }
        }
        logits.iter_mut().for_each(|logit| *logit += normal(random));
        logits
    }

    /// What each operand comes to: the same for logits that snap to the same tree.
    pub(super) fn corner(&self, logits: &[f64]) -> Vec<u8> {
        let largest = |operand| {
            let own = &logits[self.place(operand)];
            let ways = self.ways(operand).zip(own);
            ways.reduce(|a, b| if b.1 > a.1 { b } else { a }).map_or(0, |best| best.0)
        };
        (0..self.operands()).map(largest).collect()
    }

    /// The operands on which the value of a corner depends.
    pub(super) fn relevant(&self, corner: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        let mut left = vec![(self.depth, 0)];
        while let Some((level, node)) = left.pop() {
            for below in [2 * node, 2 * node + 1] {
                let operand = self.operand(level, below);
                found.push(operand);
                if corner[operand] == self.below() {
                    left.push((level - 1, below));
                }
            }
        }
        found
    }

    /// An operand of a node of a level, by its place in that level.
    fn operand(&self, level: usize, place: usize) -> usize {
        // Each level has half as many as the one below it.
        2 * (self.leaves() - (self.leaves() >> (level - 1))) + place
    }

    /// The value of a corner at a point, parts cut as in the program.
    pub(super) fn value(&self, corner: &[u8], point: &[f64]) -> Complex64 {
        self.node(corner, point, self.depth, 0)
    }

    fn node(&self, corner: &[u8], point: &[f64], level: usize, node: usize) -> Complex64 {
        let [a, b] = [2 * node, 2 * node + 1].map(|below| match corner[self.operand(level, below)] {
            0 => Complex64::ONE,
            way if way == self.below() => self.node(corner, point, level - 1, below),
            k => Complex64::from(point[usize::from(k) - 1]),
        });
        let value = a.exp() - b.ln();
        let part = |x: f64| if x.is_nan() { 0.0 } else { x.clamp(-LARGEST, LARGEST) };
        Complex64::new(part(value.re), part(value.im))
    }

    /// The tree of a corner.
    pub(super) fn tree(&self, corner: &[u8]) -> Tree {
        let mut builder = TreeBuilder::new();
        let span = Span::default();
        // So that their order is that of the data.
        let variables: Vec<TreeNode> =
            self.variables.iter().map(|name| builder.variable(name, span)).collect();
        let one = builder.one(span);
        let mut level: Vec<TreeNode> = Vec::new();
        for at in 1..=self.depth {
            let operand = |place: usize| match corner[self.operand(at, place)] {
                0 => one,
                way if way == self.below() => level[place],
                k => variables[usize::from(k) - 1],
            };
            let operands: Vec<TreeNode> = (0..self.leaves() >> (at - 1)).map(operand).collect();
            level = operands.chunks_exact(2).map(|both| builder.eml(both[0], both[1], span)).collect();
        }
        builder.finish(level[0])
    }
}

/// A normally distributed number (G. E. P. Box and M. E. Muller, 1958).
fn normal(random: &mut Random) -> f64 {
    let (radius, angle) = (random.between(0.0, 1.0), random.between(0.0, std::f64::consts::TAU));
    (-2.0 * (1.0 - radius).ln()).sqrt() * angle.cos()
}
