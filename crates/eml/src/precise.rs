//! Complex numbers of hundreds of bits, and the value of a tree in them.
//!
//! Trees for `i` and `π` take logarithms of negative numbers, whose rounded imaginary part, a tiny number, decides the
//! branch: in exact arithmetic it would be 0. Their values are defined for complex128, so where an operand of `ln` lies
//! on the cut to the precision at hand, the sign of the imaginary part is that of the evaluation in complex128.

use astro_float::{BigFloat, Consts, RoundingMode, Sign};
use neural_compiler::internals::dialect::eml::tree::{Kind, Tree, TreeNode};
use neural_compiler::internals::entity::Entity;
use num_complex::Complex64;

use super::evaluate::{Fault, FaultKind};

/// Intermediate results have room to spare.
const RM: RoundingMode = RoundingMode::None;

/// Sines of larger numbers than 2 to this power are not computed.
const LARGEST_ANGLE: i32 = 1 << 12;

/// A complex number.
#[derive(Debug, Clone)]
pub struct Big {
    /// The real part.
    pub re: BigFloat,
    /// The imaginary part.
    pub im: BigFloat,
}

/// Arithmetic in a precision.
#[derive(Debug)]
pub struct Context {
    bits: usize,
    constants: Consts,
}

impl Context {
    /// Numbers of so many bits; nothing if there is no memory for constants.
    pub fn new(bits: usize) -> Option<Context> {
        Consts::new().ok().map(|constants| Context { bits, constants })
    }

    /// A real number, exactly.
    pub fn real(&self, value: f64) -> Big {
        Big { re: exactly(value, self.bits), im: exactly(0.0, self.bits) }
    }

    /// A complex number, exactly.
    pub fn complex(&self, value: Complex64) -> Big {
        Big { re: exactly(value.re, self.bits), im: exactly(value.im, self.bits) }
    }

    /// `π`.
    pub fn pi(&mut self) -> Big {
        Big { re: self.constants.pi(self.bits, RM), im: exactly(0.0, self.bits) }
    }

    /// `x + y`.
    pub fn add(&self, x: &Big, y: &Big) -> Big {
        Big { re: x.re.add(&y.re, self.bits, RM), im: x.im.add(&y.im, self.bits, RM) }
    }

    /// `x − y`.
    pub fn sub(&self, x: &Big, y: &Big) -> Big {
        Big { re: x.re.sub(&y.re, self.bits, RM), im: x.im.sub(&y.im, self.bits, RM) }
    }

    /// `−x`.
    pub fn neg(&self, x: &Big) -> Big {
        Big { re: x.re.neg(), im: x.im.neg() }
    }

    /// `x·y`.
    pub fn mul(&self, x: &Big, y: &Big) -> Big {
        let product = |x: &BigFloat, y: &BigFloat| x.mul(y, self.bits, RM);
        Big {
            re: product(&x.re, &y.re).sub(&product(&x.im, &y.im), self.bits, RM),
            im: product(&x.re, &y.im).add(&product(&x.im, &y.re), self.bits, RM),
        }
    }

    /// `x/y`.
    pub fn div(&self, x: &Big, y: &Big) -> Big {
        let conjugate = Big { re: y.re.clone(), im: y.im.neg() };
        let (product, norm) = (self.mul(x, &conjugate), self.norm(y));
        Big { re: product.re.div(&norm, self.bits, RM), im: product.im.div(&norm, self.bits, RM) }
    }

    /// `|x|²`.
    fn norm(&self, x: &Big) -> BigFloat {
        x.re.mul(&x.re, self.bits, RM).add(&x.im.mul(&x.im, self.bits, RM), self.bits, RM)
    }

    /// `|x|`.
    pub fn abs(&self, x: &Big) -> BigFloat {
        self.norm(x).sqrt(self.bits, RM)
    }

    /// `x/y` of real numbers, as binary64.
    pub fn ratio(&self, x: &BigFloat, y: &BigFloat) -> f64 {
        to_f64(&x.div(y, self.bits, RM))
    }

    /// `exp x`; nothing where the angle is too large, or the result.
    pub fn exp(&mut self, x: &Big) -> Option<Big> {
        if exponent(&x.im) > LARGEST_ANGLE {
            return None;
        }
        let radius = x.re.exp(self.bits, RM, &mut self.constants);
        let point = if x.im.is_zero() {
            Big { re: radius, im: x.im.clone() }
        } else {
            let (cos, sin) =
                (x.im.cos(self.bits, RM, &mut self.constants), x.im.sin(self.bits, RM, &mut self.constants));
            Big { re: radius.mul(&cos, self.bits, RM), im: radius.mul(&sin, self.bits, RM) }
        };
        point.is_finite().then_some(point)
    }

    /// `ln x`, principal branch, of a number that is not 0. The imaginary part 0 counts as positive.
    pub fn ln(&mut self, x: &Big) -> Big {
        let re = if x.im.is_zero() { x.re.abs() } else { self.abs(x) };
        Big { re: re.ln(self.bits, RM, &mut self.constants), im: self.angle(x) }
    }

    fn angle(&mut self, x: &Big) -> BigFloat {
        let pi = self.constants.pi(self.bits, RM);
        let below = x.im.is_negative() && !x.im.is_zero();
        let signed = |angle: BigFloat| if below { angle.neg() } else { angle };
        if x.im.is_zero() {
            return if x.re.is_negative() { pi } else { x.im.clone() };
        }
        // The angle from the nearer axis, so that the quotient is at most 1.
        let (re, im) = (x.re.abs(), x.im.abs());
        let half = pi.div(&exactly(2.0, self.bits), self.bits, RM);
        let angle = if re.cmp(&im).is_some_and(|order| order > 0) {
            let angle = im.div(&re, self.bits, RM).atan(self.bits, RM, &mut self.constants);
            if x.re.is_negative() { pi.sub(&angle, self.bits, RM) } else { angle }
        } else {
            let angle = re.div(&im, self.bits, RM).atan(self.bits, RM, &mut self.constants);
            if x.re.is_negative() { half.add(&angle, self.bits, RM) } else { half.sub(&angle, self.bits, RM) }
        };
        signed(angle)
    }

    /// The value of a tree. `guide` has the values of all nodes in complex128, as far as they are known; where an operand
    /// of `ln` is on the cut, its branch is taken.
    ///
    /// # Errors
    ///
    /// The first node without a value. A difference that is 0 to half the bits counts as 0.
    pub fn tree(&mut self, tree: &Tree, inputs: &[Big], guide: &[Complex64]) -> Result<Big, Fault> {
        self.evaluate(tree, inputs, guide, &Constants::default()).map(|evaluation| evaluation.value)
    }

    /// The values of the nodes below which there is no variable, up to the first that has none.
    pub fn constants(&mut self, tree: &Tree, guide: &[Complex64]) -> Constants {
        let mut values: Vec<Option<Value>> = Vec::with_capacity(tree.len());
        let mut lost = Vec::new();
        for (node, kind) in tree.iter() {
            let operands = match kind {
                Kind::Eml(left, right) => [left, right].map(|operand| values[operand.index()].clone()),
                Kind::One | Kind::Number(_) => [None, None],
                Kind::Variable(_) => {
                    values.push(None);
                    continue;
                }
            };
            let value = match (kind, operands) {
                (Kind::Eml(_, right), [Some(mut left), Some(mut operand)]) => {
                    self.eml(&mut left, &mut operand, guide.get(right.index()))
                }
                (Kind::Number(bits), _) => Ok((self.real(f64::from_bits(bits)).into(), false)),
                (Kind::One, _) => Ok((self.real(1.0).into(), false)),
                (Kind::Eml(..) | Kind::Variable(_), _) => {
                    values.push(None);
                    continue;
                }
            };
            let Ok((mut value, is_lost)) = value else { break };
            let Ok(number) = self.number(&mut value) else { break };
            // An exponential is not 0, even where it underflows to it.
            let small =
                size(&number) < -(self.bits as i64) / 2 && (value.log.is_some() || size(&number) > ZERO);
            if matches!(kind, Kind::Eml(..)) && (is_lost || small) {
                lost.push(node);
            }
            values.push(Some(value));
        }
        Constants { values, lost }
    }

    /// The value of a tree, some of whose nodes are known, and what is lost in it.
    ///
    /// # Errors
    ///
    /// As [`Context::tree`].
    pub fn evaluate(
        &mut self,
        tree: &Tree,
        inputs: &[Big],
        guide: &[Complex64],
        known: &Constants,
    ) -> Result<Evaluation, Fault> {
        let mut values: Vec<Value> = Vec::with_capacity(tree.len());
        let mut lost = known.lost.clone();
        for (node, kind) in tree.iter() {
            let fault = |kind| Fault { node, kind };
            let constant = known.values.get(node.index()).and_then(Option::as_ref);
            let value = match kind {
                Kind::One => self.real(1.0).into(),
                Kind::Number(bits) => self.real(f64::from_bits(bits)).into(),
                Kind::Variable(index) => {
                    inputs.get(index as usize).cloned().ok_or(fault(FaultKind::Input))?.into()
                }
                Kind::Eml(left, right) => match constant {
                    Some(constant) => constant.clone(),
                    None => {
                        // Taken out, so that what is computed of an operand stays with it.
                        let mut x = std::mem::take(&mut values[left.index()]);
                        let mut y = if left == right {
                            x.clone()
                        } else {
                            std::mem::take(&mut values[right.index()])
                        };
                        let made = self.eml(&mut x, &mut y, guide.get(right.index()));
                        values[right.index()] = y;
                        values[left.index()] = x;
                        let (value, is_lost) = made.map_err(fault)?;
                        if is_lost {
                            lost.push(node);
                        }
                        value
                    }
                },
            };
            values.push(value);
        }
        // A tree has a root.
        let root = tree.root();
        let mut value = values.pop().unwrap_or_default();
        let value = self.number(&mut value).map_err(|kind| Fault { node: root, kind })?;
        Ok(Evaluation { value, lost })
    }

    /// `eml(x, y)`, and whether one of its terms is lost beside the other.
    fn eml(
        &mut self,
        x: &mut Value,
        y: &mut Value,
        guide: Option<&Complex64>,
    ) -> Result<(Value, bool), FaultKind> {
        let exponent = self.number(x)?;
        if y.is_one() {
            return Ok((Value { number: None, log: Some(exponent) }, false));
        }
        let (log, exact) = match y.log.as_ref().filter(|log| self.is_principal(log)) {
            Some(log) => (log.clone(), true),
            None => {
                let operand = self.number(y)?;
                let operand = self.on_cut(&operand, guide);
                if operand.re.is_zero() && operand.im.is_zero() {
                    return Err(FaultKind::LogOfZero);
                }
                (self.ln(&operand), false)
            }
        };
        let power = self.exp(&exponent).ok_or(FaultKind::Overflow)?;
        let (above, beside) = (size(&power), size(&log));
        let half = self.bits as i64 / 2;
        // A logarithm that was computed may be the rounding error of 0.
        let is_lost = above < beside - half || (exact && beside < above - half && beside > ZERO);
        Ok((self.difference(&power, &log).into(), is_lost))
    }

    /// The number that a value is.
    fn number(&mut self, value: &mut Value) -> Result<Big, FaultKind> {
        match (&value.number, &value.log) {
            (Some(number), _) => Ok(number.clone()),
            (None, Some(log)) => {
                let number = self.exp(log).ok_or(FaultKind::Overflow)?;
                value.number = Some(number.clone());
                Ok(number)
            }
            (None, None) => Err(FaultKind::Input),
        }
    }

    /// Whether `ln(exp z) = z`, and not within rounding of the cut.
    fn is_principal(&self, z: &Big) -> bool {
        const WITHIN: f64 = std::f64::consts::PI - 1e-3;
        z.im.is_zero() || to_f64(&z.im).abs() < WITHIN
    }

    /// `x − y`, each part exactly 0 where it is 0 to half the bits.
    fn difference(&self, x: &Big, y: &Big) -> Big {
        let scale = [&x.re, &x.im, &y.re, &y.im].into_iter().map(exponent).max().unwrap_or(0);
        let least = scale.saturating_sub(self.bits as i32 / 2);
        let part = |part: BigFloat| if exponent(&part) < least { exactly(0.0, self.bits) } else { part };
        let difference = self.sub(x, y);
        Big { re: part(difference.re), im: part(difference.im) }
    }

    /// The operand of a logarithm; on the cut, the imaginary part is 0 with the sign that complex128 has.
    fn on_cut(&self, operand: &Big, guide: Option<&Complex64>) -> Big {
        let tiny = exponent(&operand.re).saturating_sub(self.bits as i32 / 2);
        if operand.re.is_negative() && exponent(&operand.im) < tiny {
            let below = guide.is_some_and(|guide| guide.im.is_sign_negative() && guide.re < 0.0);
            let mut im = BigFloat::min_positive(self.bits);
            im.set_sign(if below { Sign::Neg } else { Sign::Pos });
            return Big { re: operand.re.clone(), im };
        }
        operand.clone()
    }
}

/// The value of a node: a number, or the exponential of one, which is computed where it is needed.
#[derive(Debug, Clone, Default)]
struct Value {
    number: Option<Big>,
    log: Option<Big>,
}

impl From<Big> for Value {
    fn from(number: Big) -> Value {
        Value { number: Some(number), log: None }
    }
}

impl Value {
    /// Whether it is exactly 1, so that its logarithm is 0.
    fn is_one(&self) -> bool {
        let one = BigFloat::from_f64(1.0, 64);
        let is = |number: &Big| number.im.is_zero() && number.re.cmp(&one) == Some(0);
        self.number.as_ref().is_some_and(is)
    }
}

/// Values of the nodes of a tree that are the same at all points, in one precision.
#[derive(Debug, Default)]
pub struct Constants {
    values: Vec<Option<Value>>,
    lost: Vec<TreeNode>,
}

/// The value of a tree.
#[derive(Debug)]
pub struct Evaluation {
    /// The value.
    pub value: Big,
    /// Nodes in which one term is not 0 and yet too small, by half the bits, to be seen beside the other, and constants
    /// as small: whether they should be there no precision at hand can tell.
    pub lost: Vec<TreeNode>,
}

impl Big {
    /// Whether both parts are finite.
    pub fn is_finite(&self) -> bool {
        [&self.re, &self.im].iter().all(|part| !part.is_nan() && !part.is_inf())
    }

    /// The nearest complex128, or one beside it.
    pub fn to_complex(&self) -> Complex64 {
        Complex64::new(to_f64(&self.re), to_f64(&self.im))
    }
}

/// The binary exponent: `|x| < 2^exponent`; the least one for 0.
fn exponent(x: &BigFloat) -> i32 {
    if x.is_zero() { i32::MIN } else { x.exponent().unwrap_or(i32::MAX) }
}

/// The size of 0.
const ZERO: i64 = i32::MIN as i64;

/// The binary exponent of the larger part.
fn size(x: &Big) -> i64 {
    exponent(&x.re).max(exponent(&x.im)).into()
}

/// A binary64 number with so many bits.
fn exactly(value: f64, bits: usize) -> BigFloat {
    if value != 0.0 && value.abs() < f64::MIN_POSITIVE {
        // The conversion of the library misplaces subnormal numbers.
        let mut scaled = BigFloat::from_f64(value * 2f64.powi(64), bits);
        if let Some(exponent) = scaled.exponent() {
            scaled.set_exponent(exponent - 64);
        }
        return scaled;
    }
    BigFloat::from_f64(value, bits)
}

/// The number with its leading 64 bits rounded; subnormal results twice.
pub fn to_f64(x: &BigFloat) -> f64 {
    let Some((words, _, sign, exponent, _)) = x.as_raw_parts() else {
        let infinity = if x.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
        return if x.is_nan() { f64::NAN } else { infinity };
    };
    let top = words.last().copied().unwrap_or(0);
    let (half, rest) = ((exponent.clamp(-1200, 1100) - 64) / 2, (exponent.clamp(-1200, 1100) - 64));
    let magnitude = top as f64 * 2f64.powi(half) * 2f64.powi(rest - half);
    if sign == Sign::Neg { -magnitude } else { magnitude }
}
