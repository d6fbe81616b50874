//! Whether a tree is the function it is submitted for.
//!
//! Four questions, in this order: is the text in the grammar; do all nodes have a value at the published points, within
//! the published tolerance; the same at random points; and is the value there the target's in high precision, which
//! tells near misses and coincidences from the function itself.

use num_complex::Complex64;

use super::evaluate::{Fault, FaultKind, Mode, evaluate, evaluate_all};
use super::precise::{Big, Context, to_f64};
use super::target::Target;
use super::tree::{Sizes, Tree};
use crate::dialect::ReaderLimits;
use crate::dialect::eml::{Grammar, reader};
use crate::source::Diagnostic;

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
}

impl Default for Options {
    fn default() -> Self {
        Options { grammar: Grammar::Strict, mode: Mode::Complex, random_points: 8, seed: 1, domain: None }
    }
}

/// A relative error above this is no rounding of the precise evaluation.
pub const STRICT_TOLERANCE: f64 = 1e-25;

/// Trees of more shared nodes get no strict verdict.
pub const LARGEST: usize = 20_000;

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
}

impl Verdict {
    /// Whether the tree passes everywhere.
    pub fn valid(&self) -> bool {
        let all = |points: &[AtPoint]| !points.is_empty() && points.iter().all(AtPoint::passed);
        all(&self.points) && all(&self.precise)
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
    let precise = if sizes.shared_nodes > LARGEST {
        Vec::new()
    } else {
        let random = random_points(target, options);
        random.iter().map(|at| in_high_precision(&tree, target, options.mode, at, &place(at))).collect()
    };
    Ok(Verdict { sizes, points, precise, modes, tree })
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
    let mut state = options.seed;
    let mut draw = || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        low + (high - low) * ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    };
    (0..options.random_points.max(1)).map(|_| target.variables.iter().map(|_| draw()).collect()).collect()
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

/// The error at a point, relative (absolute where the target is 0), in as many bits as it takes for two precisions to
/// agree.
fn in_high_precision(tree: &Tree, target: &Target, mode: Mode, at: &[f64], inputs: &[Complex64]) -> AtPoint {
    let mut point = in_doubles(tree, target, mode, at, inputs, STRICT_TOLERANCE);
    point.error = f64::INFINITY;
    if point.value.is_err() {
        return point;
    }
    let (guide, _) = evaluate_all(tree, Mode::Complex, inputs);
    let mut before: Option<Big> = None;
    for bits in [256, 512, 1024, 2048] {
        let Some(mut context) = Context::new(bits) else { return point };
        let precise: Vec<Big> = inputs.iter().map(|&x| context.complex(x)).collect();
        let value = match context.tree(tree, &precise, &guide) {
            Ok(value) => value,
            Err(fault) => {
                point.value = Err(fault);
                return point;
            }
        };
        let operands: Vec<Big> = at.iter().map(|&x| context.real(x)).collect();
        let Some(exact) = (target.value)(&mut context, &operands) else { return point };
        let settled = before.as_ref().is_some_and(|before| distance(&context, before, &value) < 1e-30);
        if settled {
            point.value = Ok(value.to_complex());
            point.expected = exact.to_complex();
            point.error = distance(&context, &value, &exact);
            return point;
        }
        before = Some(value);
    }
    point.value = Err(Fault { node: tree.root(), kind: FaultKind::Unsettled });
    point
}

/// `|x − y|`, relative to `y` unless that is 0.
fn distance(context: &Context, x: &Big, y: &Big) -> f64 {
    let (error, scale) = (context.abs(&context.sub(x, y)), context.abs(y));
    if scale.is_zero() { to_f64(&error) } else { context.ratio(&error, &scale) }
}
