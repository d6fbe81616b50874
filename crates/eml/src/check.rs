//! Whether a tree is the function it is submitted for.
//!
//! Four questions, in this order: is the text in the grammar; do all nodes have a value at the published points, within
//! the published tolerance; the same at random points; and is the value there the target's in high precision, which
//! tells near misses and coincidences from the function itself. At some of the points the precision is so high that
//! `−x + 10⁻¹¹³` is told from `−x`. A term that even this does not show, such as the first of `exp(−10¹¹⁴) − x`, is a
//! fault.

use neural_compiler::internals::dialect::eml::tree::{Sizes, Tree, TreeNode};
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::{Diagnostic, Mode, ReaderLimits};
use num_complex::Complex64;
use rayon::prelude::*;

use super::evaluate::{Fault, FaultKind, evaluate, evaluate_all};
use super::precise::{Big, Constants, Context, to_f64};
use super::target::{TOLERANCE, Target};
use super::translate::verify::Random;

/// How a tree is checked.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What the text may contain.
    pub grammar: Grammar,
    /// What `eml` means: over the reals, or principal-branch complex. Both have no `ln 0`.
    pub mode: Mode,
    /// How many random points there are.
    pub random_points: usize,
    /// Which ones.
    pub seed: u64,
    /// The interval they are drawn from, instead of the target's.
    pub domain: Option<(f64, f64)>,
    /// The interval of imaginary parts beside the real line.
    pub imaginary: (f64, f64),
}

impl Default for Options {
    fn default() -> Self {
        Options {
            grammar: Grammar::Strict,
            mode: Mode::Complex,
            random_points: 8,
            seed: 1,
            domain: None,
            imaginary: (-1.0, 1.0),
        }
    }
}

/// A relative error above this is no rounding of the precise evaluation.
pub const STRICT_TOLERANCE: f64 = 1e-25;

/// The same where the precision is highest.
pub const HIGHEST_TOLERANCE: f64 = 1e-150;

/// Bits of the precisions; more are used where less do not settle the value.
const BITS: [usize; 4] = [256, 512, 1024, 2048];

/// Random points, the first ones, at which the precision is highest.
const HIGHEST: usize = 2;

/// Trees of more shared nodes get no strict verdict.
pub const LARGEST: usize = 100_000;

/// Nodes that are evaluated in high precision: larger trees are looked at in fewer points, but not in less than two.
const WORK: usize = 100_000;

/// What happened at a point.
#[derive(Debug, Clone, PartialEq)]
pub struct AtPoint {
    /// Values of the target's operands.
    pub at: Vec<f64>,
    /// The target.
    pub expected: Complex64,
    /// The tree, or why it has no value.
    pub value: Result<Complex64, Fault>,
    /// The largest error allowed: absolute in complex128, relative in high precision.
    pub tolerance: f64,
    /// The error found; infinite without a value.
    pub error: f64,
}

impl AtPoint {
    /// Whether the tree is near enough.
    pub fn passed(&self) -> bool {
        self.error < self.tolerance
    }
}

/// The verdict on a tree whose text is in the grammar.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The tree.
    pub tree: Tree,
    /// How large it is.
    pub sizes: Sizes,
    /// The published points.
    pub points: Vec<AtPoint>,
    /// Random points in high precision; none if the tree is too large.
    pub precise: Vec<AtPoint>,
    /// The modes in which the tree passes at all published points.
    pub modes: Vec<Mode>,
    /// Whether the tree is right beside the real line too. Information: the verdict does not depend on it. Nothing over
    /// the reals, for constants, targets that are not holomorphic, and trees that are not valid.
    pub beyond: Option<Beyond>,
}

/// What was found at complex points: the random real points with random imaginary parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beyond {
    /// The interval of imaginary parts.
    pub imaginary: (f64, f64),
    /// How many points there were.
    pub points: usize,
    /// At how many of them the tree is the target.
    pub right: usize,
}

impl Beyond {
    /// Where the tree is right, in words.
    pub fn domain(&self) -> &'static str {
        match self.right {
            0 => "real line only",
            right if right == self.points => "real line and complex numbers beside it",
            _ => "real line and some of the complex numbers beside it",
        }
    }
}

impl Verdict {
    /// Whether the tree passes everywhere.
    pub fn valid(&self) -> bool {
        !self.points.is_empty() && self.points.iter().all(AtPoint::passed) && self.is_precise()
    }

    /// Whether it passes in high precision.
    fn is_precise(&self) -> bool {
        !self.precise.is_empty() && self.precise.iter().all(AtPoint::passed)
    }

    /// The first reason why the tree is not valid, in one sentence without a full stop.
    pub fn reason(&self) -> Option<String> {
        let failed = |points: &[AtPoint]| points.iter().find(|point| !point.passed()).cloned();
        let (point, where_) = match (failed(&self.points), failed(&self.precise)) {
            (Some(point), _) => (point, "point"),
            (None, Some(point)) => (point, "random point in high precision"),
            (None, None) if self.precise.is_empty() => {
                return Some(format!("more than {LARGEST} nodes after sharing: no strict verdict"));
            }
            (None, None) => return None,
        };
        let at: Vec<String> = point.at.iter().map(f64::to_string).collect();
        let at = if at.is_empty() { "the constant".into() } else { format!("({})", at.join(", ")) };
        Some(match point.value {
            Err(fault) => {
                format!("{where_} {at}: {} at {}", fault.kind, self.tree.excerpt(fault.node))
            }
            Ok(_) => {
                format!("{where_} {at}: error {:.3e}, allowed {:e}", point.error, point.tolerance)
            }
        })
    }
}

/// Checks a text against a target whose operands have these names.
///
/// # Errors
///
/// What is not in the grammar, and variables that the target does not have, with their places.
pub fn check(
    text: &str,
    target: &Target,
    variables: &[String],
    options: &Options,
) -> Result<Verdict, Vec<Diagnostic>> {
    let tree = reader::read(text, options.grammar, &ReaderLimits::default())?;
    let order = operands(&tree, target, variables)?;
    let place =
        |at: &[f64]| -> Vec<Complex64> { order.iter().map(|&k| Complex64::new(at[k], 0.0)).collect() };
    let published = |mode: Mode| -> Vec<AtPoint> {
        let at =
            |&(at, tolerance): &(&[f64], f64)| in_doubles(&tree, target, mode, at, &place(at), tolerance);
        target.points.iter().map(at).collect()
    };
    let points = published(options.mode);
    let modes = [Mode::Real, Mode::Complex, Mode::Extended]
        .into_iter()
        .filter(|&mode| published(mode).iter().all(AtPoint::passed))
        .collect();
    let sizes = tree.sizes();
    let random = random_points(target, options);
    let most = (WORK / sizes.shared_nodes.max(1)).max(2);
    let real: Vec<Vec<f64>> = random.iter().take(most).cloned().collect();
    let place = |at: &[Complex64]| -> Vec<Complex64> { order.iter().map(|&k| at[k]).collect() };
    let strict = Strict { tree: &tree, target, mode: options.mode, place: &place };
    let precise = if sizes.shared_nodes > LARGEST { Vec::new() } else { strict.at_all(&real) };
    let mut verdict = Verdict { sizes, points, precise, modes, beyond: None, tree: tree.clone() };
    if options.mode == Mode::Complex && target.holomorphic && !real[0].is_empty() && verdict.is_precise() {
        verdict.beyond = Some(strict.beyond(&real, options));
    }
    Ok(verdict)
}

/// Compares a tree whose variables are the target's operands, in their order, with the target in high precision.
pub fn strictly(tree: &Tree, target: &Target, mode: Mode, points: &[Vec<f64>]) -> Vec<AtPoint> {
    Strict { tree, target, mode, place: &<[Complex64]>::to_vec }.at_all(points)
}

/// The error in doubles at a point, of such a tree.
pub fn roughly(tree: &Tree, target: &Target, mode: Mode, at: &[f64]) -> AtPoint {
    in_doubles(tree, target, mode, at, &complex(at), TOLERANCE)
}

/// For each variable of the tree, which operand of the target it is.
fn operands(tree: &Tree, target: &Target, names: &[String]) -> Result<Vec<usize>, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut order = Vec::new();
    for (index, variable) in tree.variables().iter().enumerate() {
        match names.iter().position(|name| name == variable) {
            Some(k) => order.push(k),
            None => {
                let known = |kind| kind == super::Kind::Variable(index as u32);
                let span = tree.iter().find(|&(_, kind)| known(kind)).map(|(node, _)| tree.span(node));
                let message = format!("{} has no variable `{variable}`", target.name);
                errors.push(Diagnostic::error("unknown-variable", span.unwrap_or_default(), message));
            }
        }
    }
    if errors.is_empty() { Ok(order) } else { Err(errors) }
}

fn random_points(target: &Target, options: &Options) -> Vec<Vec<f64>> {
    if target.variables.is_empty() {
        return vec![Vec::new()];
    }
    let (low, high) = options.domain.unwrap_or(target.domain);
    let mut random = Random(options.seed);
    let mut point = || target.variables.iter().map(|_| random.between(low, high)).collect();
    (0..options.random_points.max(1)).map(|_| point()).collect()
}

/// The target in complex128.
fn expected(target: &Target, at: &[f64]) -> Option<Complex64> {
    let mut context = Context::new(192)?;
    let operands: Vec<Big> = at.iter().map(|&x| context.real(x)).collect();
    (target.value)(&mut context, &operands).map(|value| value.to_complex())
}

fn in_doubles(
    tree: &Tree,
    target: &Target,
    mode: Mode,
    at: &[f64],
    inputs: &[Complex64],
    tolerance: f64,
) -> AtPoint {
    let nan = Complex64::new(f64::NAN, f64::NAN);
    let expected = expected(target, at).unwrap_or(nan);
    let value = evaluate(tree, mode, inputs);
    let error = value.map_or(f64::INFINITY, |value| (value - expected).norm());
    AtPoint {
        at: at.to_vec(),
        expected,
        value,
        tolerance,
        error: if error.is_nan() { f64::INFINITY } else { error },
    }
}

/// A comparison in high precision.
struct Strict<'a> {
    tree: &'a Tree,
    target: &'a Target,
    mode: Mode,
    /// Values of the tree's variables for those of the target's operands.
    place: &'a (dyn Fn(&[Complex64]) -> Vec<Complex64> + Sync),
}

/// What high precision says at a point.
struct Settled {
    expected: Big,
    value: Result<Big, Fault>,
    error: f64,
    lost: Vec<TreeNode>,
}

impl Strict<'_> {
    /// All real points; at the first ones in the highest precision.
    fn at_all(&self, points: &[Vec<f64>]) -> Vec<AtPoint> {
        let known = Known::of(self.tree, BITS[0]);
        let mut lost: Option<Vec<TreeNode>> = None;
        let mut verdicts: Vec<AtPoint> = points.par_iter().map(|at| self.at(&known, at)).collect();
        let highest = HIGHEST.min(points.len());
        if !verdicts.iter().all(AtPoint::passed) {
            return verdicts;
        }
        let known = Known::of(self.tree, BITS[2]);
        let looks: Vec<Option<Settled>> = points[..highest]
            .par_iter()
            .map(|at| self.settled(&known, &BITS[2..], &complex(at), HIGHEST_TOLERANCE))
            .collect();
        for (point, look) in verdicts.iter_mut().zip(looks) {
            let Some(look) = look else { continue };
            point.tolerance = HIGHEST_TOLERANCE;
            point.error = look.error;
            let mut both = lost.take().unwrap_or_else(|| look.lost.clone());
            both.retain(|node| look.lost.contains(node));
            lost = Some(both);
        }
        if let (Some(node), Some(point)) = (lost.and_then(|lost| lost.first().copied()), verdicts.first_mut())
        {
            point.value = Err(Fault { node, kind: FaultKind::Lost });
            point.error = f64::INFINITY;
        }
        verdicts
    }

    fn at(&self, known: &Known, at: &[f64]) -> AtPoint {
        let inputs = (self.place)(&complex(at));
        let mut point = in_doubles(self.tree, self.target, self.mode, at, &inputs, STRICT_TOLERANCE);
        point.error = f64::INFINITY;
        if point.value.is_ok()
            && let Some(settled) = self.settled(known, &BITS, &complex(at), STRICT_TOLERANCE)
        {
            point.expected = settled.expected.to_complex();
            point.value = settled.value.map(|value| value.to_complex());
            point.error = settled.error;
        }
        point
    }

    /// The error at a point, relative (absolute where the target is 0): in the first precision in which it is less than
    /// the tolerance, otherwise in one that agrees with the next. Nothing where the target has no value.
    fn settled(&self, known: &Known, bits: &[usize], at: &[Complex64], tolerance: f64) -> Option<Settled> {
        let inputs = (self.place)(at);
        let (guide, _) = evaluate_all(self.tree, Mode::Complex, &inputs);
        let mut before: Option<Big> = None;
        let mut last = None;
        for &bits in bits {
            let mut context = Context::new(bits)?;
            let operands: Vec<Big> = at.iter().map(|&x| context.complex(x)).collect();
            let expected = (self.target.value)(&mut context, &operands)?;
            let precise: Vec<Big> = inputs.iter().map(|&x| context.complex(x)).collect();
            let none = Constants::default();
            let constants = if known.bits == bits { &known.constants } else { &none };
            let evaluation = match context.evaluate(self.tree, &precise, &guide, constants) {
                Ok(evaluation) => evaluation,
                Err(fault) => {
                    return Some(Settled {
                        expected,
                        value: Err(fault),
                        error: f64::INFINITY,
                        lost: Vec::new(),
                    });
                }
            };
            let (value, lost) = (evaluation.value, evaluation.lost);
            let error = distance(&context, &value, &expected);
            let agrees = before.as_ref().is_some_and(|before| distance(&context, before, &value) < 1e-30);
            before = Some(value.clone());
            let settled = Settled { expected, value: Ok(value), error, lost };
            if error < tolerance || agrees {
                return Some(settled);
            }
            last = Some(settled);
        }
        let fault = Fault { node: self.tree.root(), kind: FaultKind::Unsettled };
        last.map(|last| Settled { value: Err(fault), error: f64::INFINITY, ..last })
    }

    /// The same beside the real line.
    fn beyond(&self, real: &[Vec<f64>], options: &Options) -> Beyond {
        let mut random = Random(options.seed ^ 0x00C0_FFEE);
        let (low, high) = options.imaginary;
        let points: Vec<Vec<Complex64>> = real
            .iter()
            .map(|at| at.iter().map(|&re| Complex64::new(re, random.between(low, high))).collect())
            .collect();
        let known = Known::of(self.tree, BITS[0]);
        let is_right = |at: &Vec<Complex64>| {
            evaluate(self.tree, Mode::Complex, &(self.place)(at)).is_ok()
                && self
                    .settled(&known, &BITS, at, STRICT_TOLERANCE)
                    .is_some_and(|settled| settled.error < STRICT_TOLERANCE)
        };
        let right = points.par_iter().filter(|at| is_right(at)).count();
        Beyond { imaginary: options.imaginary, points: points.len(), right }
    }
}

/// What is known of a tree in a precision, whatever the point.
struct Known {
    bits: usize,
    constants: Constants,
}

impl Known {
    fn of(tree: &Tree, bits: usize) -> Known {
        let inputs = vec![Complex64::ONE; tree.variables().len()];
        let (guide, _) = evaluate_all(tree, Mode::Complex, &inputs);
        let constants = Context::new(bits).map(|mut context| context.constants(tree, &guide));
        Known { bits, constants: constants.unwrap_or_default() }
    }
}

fn complex(at: &[f64]) -> Vec<Complex64> {
    at.iter().map(|&x| Complex64::new(x, 0.0)).collect()
}

/// `|x − y|`, relative to `y` unless that is 0.
fn distance(context: &Context, x: &Big, y: &Big) -> f64 {
    let (error, scale) = (context.abs(&context.sub(x, y)), context.abs(y));
    if scale.is_zero() { to_f64(&error) } else { context.ratio(&error, &scale) }
}
