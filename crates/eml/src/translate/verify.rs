//! Whether two of formula and tree have the same value: in high precision, at random points.

use neural_compiler::Mode;
use num_complex::Complex64;

use super::rational::Rational;
use super::terms::{Formula, Term, Variable};
use crate::Tree;
use crate::evaluate::evaluate_all;
use crate::precise::{Big, Context, to_f64};

/// Bits of the numbers. Forms such as `(eˣ − x) − eˣ` lose `x/ln 2` of them.
const BITS: usize = 768;

/// Values are the same where they differ by less than this, relative to the larger.
const TOLERANCE: f64 = 1e-60;

/// Points that are compared.
pub const POINTS: usize = 12;

/// Points of the domain at which a result should have a value too.
const COVERED: usize = 600;

/// Points that are tried to find those.
const TRIED: usize = 20_000;

/// Fewer points than this in a domain are too few to judge.
const FEWEST: usize = 6;

/// Node evaluations in high precision for one comparison: larger trees are compared at fewer points.
const WORK: usize = 60_000;

/// Why a translation is not shown.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    /// None of the points tried is in the domain of what was given.
    #[error("no points of its domain were found, so nothing can be verified")]
    NoDomain,
    /// The values differ at a point.
    #[error("the result differs from it at {0}")]
    Differs(String),
    /// The result has no value at a point at which what was given has one.
    #[error("the result has no value at {0}")]
    Undefined(String),
    /// There is no memory for constants.
    #[error("there is no memory for the arithmetic")]
    Memory,
}

/// Points of a domain, and how they are computed at.
#[derive(Debug)]
pub struct Points {
    mode: Mode,
    list: Vec<Vec<f64>>,
    /// More points, at which only binary64 is used.
    more: Vec<Vec<f64>>,
}

/// Numbers that look random and are the same in every run.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn bits(&mut self) -> u64 {
        // The generator "splitmix64" of Steele, Lea and Flood.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }

    /// A number of an interval.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number as inputs may be: small or large, of either sign.
    fn input(&mut self) -> f64 {
        match self.bits() % 7 {
            0 => self.unit(),
            1 => 1.0 + 1.7 * self.unit(),
            2 => 3.0 * self.unit() + 2.0,
            3 => (6.0 * self.unit() - 3.0).exp(),
            4 => 6.0 * self.unit() - 3.0,
            5 => (60.0 * self.unit() - 30.0).exp(),
            _ => 30.0 * self.unit() - 15.0,
        }
    }
}

impl Points {
    /// Points at which a tree has a value: over the reals if there are any, otherwise over the complex numbers.
    ///
    /// # Errors
    ///
    /// [`Refused::NoDomain`].
    pub fn of(tree: &Tree) -> Result<Points, Refused> {
        Points::of_all(&[tree])
    }

    /// Points at which all of several trees with the same variables have values.
    ///
    /// # Errors
    ///
    /// [`Refused::NoDomain`].
    pub fn of_all(trees: &[&Tree]) -> Result<Points, Refused> {
        let real = Points::in_mode(trees, Mode::Real);
        real.or_else(|| Points::in_mode(trees, Mode::Complex)).ok_or(Refused::NoDomain)
    }

    /// Points at which a tree has a value if `ln 0 = −∞`.
    pub fn extended(tree: &Tree) -> Option<Points> {
        Points::in_mode(&[tree], Mode::Extended)
    }

    fn in_mode(trees: &[&Tree], mode: Mode) -> Option<Points> {
        let variables = trees.iter().map(|tree| tree.variables().len()).max().unwrap_or(0);
        let nodes: usize = trees.iter().map(|tree| tree.len()).sum();
        if variables == 0 {
            let point = Vec::new();
            let defined = trees.iter().all(|tree| value(tree, mode, &point).is_some());
            return defined.then(|| Points { mode, list: vec![point], more: Vec::new() });
        }
        let (wanted, tried) = (POINTS.min((WORK / nodes).max(3)), TRIED.min(1 + (WORK * 100) / nodes));
        let mut random = Random(1);
        let mut list = Vec::new();
        for _ in 0..tried {
            let point: Vec<f64> = (0..variables).map(|_| random.input()).collect();
            if trees.iter().all(|tree| value(tree, mode, &point).is_some()) {
                list.push(point);
                if list.len() == wanted + COVERED {
                    break;
                }
            }
        }
        let more = list.split_off(wanted.min(list.len()));
        (list.len() >= FEWEST.min(wanted)).then_some(Points { mode, list, more })
    }

    /// Whether a tree has values at all these points, and at all others of the domain that were found.
    pub fn covers(&self, tree: &Tree) -> bool {
        self.list.iter().chain(&self.more).all(|point| value(tree, self.mode, point).is_some())
    }

    /// At how many points [`Points::covers`] looks.
    pub fn covered(&self) -> usize {
        self.list.len() + self.more.len()
    }

    /// Over which numbers the points are.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The points.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.list.iter().map(Vec::as_slice)
    }

    /// Compares a formula with a tree at all points.
    ///
    /// # Errors
    ///
    /// The first point at which they differ, or either has no value.
    pub fn compare(&self, tree: &Tree, formula: &Formula) -> Result<(), Refused> {
        self.each(tree, |context, point| evaluate_formula(context, self.mode, formula, point))
    }

    /// Compares a formula with a tree in binary64, at the points at which both have finite values; and their number.
    ///
    /// # Errors
    ///
    /// The first point at which they differ.
    pub fn compare_roughly(&self, tree: &Tree, formula: &Formula) -> Result<usize, Refused> {
        // Some digits are lost to cancellation on both sides.
        const ROUGHLY: f64 = 1e-6;
        let mut context = Context::new(BITS).ok_or(Refused::Memory)?;
        let mut compared = 0;
        for point in &self.list {
            let found = value(tree, self.mode, point).filter(|found| found.is_finite());
            let expected =
                evaluate_formula(&mut context, Mode::Real, formula, point).map(|big| big.to_complex());
            let (Some(found), Some(expected)) = (found, expected) else { continue };
            let size = point.iter().fold(1f64, |size, x| size.max(x.abs())).max(expected.norm());
            if (found - expected).norm() > ROUGHLY * size {
                return Err(Refused::Differs(described(tree.variables(), point)));
            }
            compared += 1;
        }
        Ok(compared)
    }

    /// Compares two trees at all points.
    ///
    /// # Errors
    ///
    /// As [`Points::compare`].
    pub fn compare_trees(&self, tree: &Tree, other: &Tree) -> Result<(), Refused> {
        self.each(tree, |context, point| evaluate_tree(context, self.mode, other, point))
    }

    fn each(&self, tree: &Tree, other: impl Fn(&mut Context, &[f64]) -> Option<Big>) -> Result<(), Refused> {
        let mut context = Context::new(BITS).ok_or(Refused::Memory)?;
        for point in &self.list {
            let place = || described(tree.variables(), point);
            let expected = evaluate_tree(&mut context, self.mode, tree, point);
            let found = other(&mut context, point);
            let (Some(expected), Some(found)) = (expected, found) else {
                return Err(Refused::Undefined(place()));
            };
            if !same(&context, &expected, &found) {
                return Err(Refused::Differs(place()));
            }
        }
        Ok(())
    }
}

/// A point in words.
fn described(variables: &[String], point: &[f64]) -> String {
    let values: Vec<String> =
        variables.iter().zip(point).map(|(name, value)| format!("{name} = {value}")).collect();
    if values.is_empty() { "the one point that there is".into() } else { values.join(", ") }
}

fn same(context: &Context, x: &Big, y: &Big) -> bool {
    let distance = to_f64(&context.abs(&context.sub(x, y)));
    let size = to_f64(&context.abs(x)).max(to_f64(&context.abs(y)));
    // Zero is exact in neither; a number of ordinary size that vanishes is compared with 1.
    distance <= TOLERANCE * size || distance <= TOLERANCE
}

fn inputs(point: &[f64]) -> Vec<Complex64> {
    point.iter().map(|&value| Complex64::new(value, 0.0)).collect()
}

/// The value of a tree in binary64.
pub(super) fn value(tree: &Tree, mode: Mode, point: &[f64]) -> Option<Complex64> {
    let (values, fault) = evaluate_all(tree, mode, &inputs(point));
    if fault.is_some() { None } else { values.last().copied() }
}

/// The value of a tree in high precision; nothing where it has none in binary64 or over the mode's numbers.
pub fn evaluate_tree(context: &mut Context, mode: Mode, tree: &Tree, point: &[f64]) -> Option<Big> {
    let (guide, fault) = evaluate_all(tree, mode, &inputs(point));
    if fault.is_some() {
        return None;
    }
    let exact: Vec<Big> = point.iter().map(|&value| context.real(value)).collect();
    let value = context.tree(tree, &exact, &guide).ok()?;
    in_mode(mode, value)
}

fn in_mode(mode: Mode, value: Big) -> Option<Big> {
    (value.is_finite() && (mode == Mode::Complex || value.im.is_zero())).then_some(value)
}

/// The value of a formula in high precision; nothing where it has none over the mode's numbers.
pub fn evaluate_formula(context: &mut Context, mode: Mode, formula: &Formula, point: &[f64]) -> Option<Big> {
    let mut values: Vec<Big> = Vec::with_capacity(formula.len());
    for term in formula {
        let of = |id: egg::Id| &values[usize::from(id)];
        let value = match *term {
            Term::Number(number) => fraction(context, number),
            Term::Variable(Variable(index)) => context.real(*point.get(index as usize)?),
            Term::Add([x, y]) => context.add(of(x), of(y)),
            Term::Sub([x, y]) => context.sub(of(x), of(y)),
            Term::Mul([x, y]) => context.mul(of(x), of(y)),
            Term::Div([x, y]) => context.div(of(x), of(y)),
            Term::Neg([x]) => context.neg(of(x)),
            Term::Exp([x]) => context.exp(of(x))?,
            Term::Log([x]) => log(context, of(x))?,
            Term::Sqrt([x]) if of(x).re.is_zero() && of(x).im.is_zero() => of(x).clone(),
            Term::Sqrt([x]) => {
                let half = context.real(0.5);
                power(context, of(x), &half)?
            }
            Term::Pow([x, y]) => power(context, of(x), of(y))?,
            Term::Sin([x]) => {
                let (plus, minus) = rotations(context, of(x))?;
                let double = context.complex(Complex64::new(0.0, 2.0));
                context.div(&context.sub(&plus, &minus), &double)
            }
            Term::Cos([x]) => {
                let (plus, minus) = rotations(context, of(x))?;
                context.div(&context.add(&plus, &minus), &context.real(2.0))
            }
            Term::Eml([x, y]) => {
                let log = log(context, of(y))?;
                let power = context.exp(of(x))?;
                context.sub(&power, &log)
            }
        };
        values.push(in_mode(mode, value)?);
    }
    values.pop()
}

fn fraction(context: &Context, number: Rational) -> Big {
    let integer = |value: i128| {
        // In two parts that binary64 holds.
        let low = value % (1 << 50);
        let high = context.real((value - low) as f64);
        context.add(&high, &context.real(low as f64))
    };
    context.div(&integer(number.numerator()), &integer(number.denominator()))
}

fn log(context: &mut Context, x: &Big) -> Option<Big> {
    (!(x.re.is_zero() && x.im.is_zero())).then(|| context.ln(x))
}

fn power(context: &mut Context, x: &Big, y: &Big) -> Option<Big> {
    let log = log(context, x)?;
    let product = context.mul(y, &log);
    context.exp(&product)
}

/// `exp(ix)` and `exp(−ix)`.
fn rotations(context: &mut Context, x: &Big) -> Option<(Big, Big)> {
    let angle = context.mul(&context.complex(Complex64::I), x);
    let minus = context.neg(&angle);
    Some((context.exp(&angle)?, context.exp(&minus)?))
}
