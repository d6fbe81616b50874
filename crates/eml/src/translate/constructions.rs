//! Ordinary operations as trees: known constructions, in three sets.
//!
//! Shortest and widest forms are `(P − x) − P` with different `P`: a small constant costs few nodes and needs `x < P`, one
//! that grows with `x` is right everywhere, at the price of an error of about `P` times the unit roundoff.

use neural_compiler::Span;

use super::rational::Rational;
use crate::{Kind, TreeBuilder, TreeNode};

/// Which of the known trees stand for operations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Constructions {
    /// Those with the fewest nodes.
    #[default]
    Shortest,
    /// Those with the widest real domain.
    Widest,
    /// Those of the compiler of the paper, which are defined where `ln 0 = −∞`.
    Paper,
}

/// Makes trees for operations.
#[derive(Debug)]
pub struct Maker {
    /// Where the nodes are made.
    pub builder: TreeBuilder,
    /// The place that they are made for.
    pub span: Span,
    set: Constructions,
}

/// Beyond this, `exp` of an integer is near the end of binary64.
const LARGEST_SUMMAND: i128 = 500;

impl Maker {
    /// Makes trees of a set.
    pub fn new(set: Constructions) -> Maker {
        Maker { builder: TreeBuilder::new(), span: Span::default(), set }
    }

    /// The leaf 1.
    pub fn one(&mut self) -> TreeNode {
        self.builder.one(self.span)
    }

    /// `eml(x, y)`.
    pub fn eml(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        self.builder.eml(x, y, self.span)
    }

    /// `exp x`.
    pub fn exp(&mut self, x: TreeNode) -> TreeNode {
        let one = self.one();
        self.eml(x, one)
    }

    /// `e − ln(exp(e − ln x))`.
    pub fn log(&mut self, x: TreeNode) -> TreeNode {
        let one = self.one();
        let inner = self.eml(one, x);
        let inner = self.exp(inner);
        self.eml(one, inner)
    }

    /// `x − ln y` for `x > 0`; of a power of e, its exponent is at hand, and `x` may be any number.
    pub fn minus_log(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let exponent = if self.set == Constructions::Paper { None } else { self.exponent(x) };
        let x = exponent.unwrap_or_else(|| self.log(x));
        self.eml(x, y)
    }

    /// `x` of a node that was made as `exp x`.
    pub fn exponent(&mut self, node: TreeNode) -> Option<TreeNode> {
        let one = self.one();
        match self.builder.kind(node) {
            Kind::Eml(left, right) if right == one => Some(left),
            Kind::Eml(..) | Kind::One | Kind::Variable(_) | Kind::Number(_) => None,
        }
    }

    /// `x − y` for `x > 0`, or for a power of e.
    pub fn minus(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let y = self.exp(y);
        self.minus_log(x, y)
    }

    /// 0, as `ln 1`.
    pub fn zero(&mut self) -> TreeNode {
        let one = self.one();
        self.log(one)
    }

    /// `e`.
    fn e(&mut self) -> TreeNode {
        let one = self.one();
        self.exp(one)
    }

    /// `e^e`, so that `− ln` of it is `− e`.
    fn e_to_e(&mut self) -> TreeNode {
        let e = self.e();
        self.exp(e)
    }

    /// `(e − 1) − ln y`.
    fn e_minus_one_minus_log(&mut self, y: TreeNode) -> TreeNode {
        let (one, e) = (self.one(), self.e());
        let e_minus_one = self.eml(one, e);
        self.minus_log(e_minus_one, y)
    }

    /// `1 − (e − ((e − 1) − ln y))`, that is `−ln y`.
    fn widest_minus_log_of(&mut self, y: TreeNode) -> TreeNode {
        let inner = self.e_minus_one_minus_log(y);
        let inner = self.exp(inner);
        let (zero, one) = (self.zero(), self.one());
        let inner = self.eml(one, inner);
        let inner = self.exp(inner);
        self.eml(zero, inner)
    }

    /// `−x`.
    pub fn neg(&mut self, x: TreeNode) -> TreeNode {
        match self.set {
            Constructions::Shortest => {
                let (one, power) = (self.one(), self.exp(x));
                let (difference, headroom) = (self.eml(one, power), self.e_to_e());
                self.minus_log(difference, headroom)
            }
            Constructions::Widest => {
                let power = self.exp(x);
                self.widest_minus_log_of(power)
            }
            Constructions::Paper => {
                let (zero, one) = (self.zero(), self.one());
                let minus_one = self.minus(zero, one);
                self.mul(minus_one, x)
            }
        }
    }

    /// `x + y`.
    pub fn add(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let headroom = match self.set {
            Constructions::Shortest => self.one(),
            Constructions::Widest => x,
            Constructions::Paper => {
                let zero = self.zero();
                let y = self.minus(zero, y);
                return self.minus(x, y);
            }
        };
        self.add_below(headroom, x, y)
    }

    /// `P − ((P − x) − y)` for `P = exp h`, where `x < P`.
    fn add_below(&mut self, h: TreeNode, x: TreeNode, y: TreeNode) -> TreeNode {
        let power = self.exp(x);
        let rest = self.eml(h, power);
        let rest = self.minus(rest, y);
        let rest = self.exp(rest);
        self.eml(h, rest)
    }

    /// `x − y`.
    pub fn sub(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let positive = self.is_positive(x);
        match self.set {
            Constructions::Shortest => self.minus(x, y),
            Constructions::Widest if positive => self.minus(x, y),
            Constructions::Widest => {
                let y = self.neg(y);
                self.add(x, y)
            }
            Constructions::Paper => {
                let y = self.neg(y);
                self.add(x, y)
            }
        }
    }

    /// Whether a node is 1 or a power of e.
    fn is_positive(&mut self, node: TreeNode) -> bool {
        let one = self.one();
        node == one || self.exponent(node).is_some()
    }

    /// `x·y`.
    pub fn mul(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let sum = match self.set {
            Constructions::Shortest => {
                // e − ((e − ln x) − ln y)
                let one = self.one();
                let rest = self.eml(one, x);
                let rest = self.minus_log(rest, y);
                let rest = self.exp(rest);
                self.eml(one, rest)
            }
            Constructions::Widest => {
                // x − ((x − ln x) − ln y)
                let rest = self.minus_log(x, x);
                let rest = self.minus_log(rest, y);
                self.minus(x, rest)
            }
            Constructions::Paper => {
                let (x, y) = (self.log(x), self.log(y));
                self.add(x, y)
            }
        };
        self.exp(sum)
    }

    /// `x/y`.
    pub fn div(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let difference = match self.set {
            Constructions::Shortest => {
                // (e − ln y) − (e − ln x)
                let one = self.one();
                let (left, right) = (self.eml(one, y), self.eml(one, x));
                self.minus(left, right)
            }
            Constructions::Widest => {
                // (y − ln y) − (y − ln x)
                let (left, right) = (self.minus_log(y, y), self.minus_log(y, x));
                self.minus(left, right)
            }
            Constructions::Paper => {
                let y = self.recip(y);
                return self.mul(x, y);
            }
        };
        self.exp(difference)
    }

    /// `1/x`.
    pub fn recip(&mut self, x: TreeNode) -> TreeNode {
        let opposite = match self.set {
            Constructions::Shortest => {
                let one = self.one();
                let (rest, headroom) = (self.eml(one, x), self.e_to_e());
                self.minus_log(rest, headroom)
            }
            Constructions::Widest => self.widest_minus_log_of(x),
            Constructions::Paper => {
                let log = self.log(x);
                self.neg(log)
            }
        };
        self.exp(opposite)
    }

    /// `x^y`.
    pub fn pow(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let log = self.log(x);
        let product = match self.set {
            Constructions::Shortest | Constructions::Paper => self.mul(y, log),
            Constructions::Widest => {
                // y·x − y·(x − ln x): products of positive numbers whatever the sign of ln x.
                let rest = self.minus_log(x, x);
                let (left, right) = (self.mul(y, x), self.mul(y, rest));
                self.minus(left, right)
            }
        };
        self.exp(product)
    }

    /// `√x`.
    pub fn sqrt(&mut self, x: TreeNode) -> TreeNode {
        let two = self.integer(2);
        match self.set {
            Constructions::Shortest => {
                let log = self.log(x);
                let half = self.div(log, two);
                self.exp(half)
            }
            Constructions::Widest | Constructions::Paper => {
                let half = self.recip(two);
                self.pow(x, half)
            }
        }
    }

    /// `√−1`, over the complex numbers.
    fn i(&mut self) -> TreeNode {
        let one = self.one();
        let minus_one = self.neg(one);
        match self.set {
            // Nothing is gained by a wide form of a constant.
            Constructions::Shortest | Constructions::Widest => {
                self.within(Constructions::Shortest, |maker| maker.sqrt(minus_one))
            }
            Constructions::Paper => self.sqrt(minus_one),
        }
    }

    /// `sin x`, over the complex numbers, for `x ≠ 0`.
    pub fn sin(&mut self, x: TreeNode) -> TreeNode {
        let i = self.i();
        let (turned, back) = self.rotations(x, i);
        let difference = self.sub(turned, back);
        let two = self.integer(2);
        let double = self.mul(two, i);
        self.div(difference, double)
    }

    /// `cos x`, over the complex numbers, for `x ≠ 0`.
    pub fn cos(&mut self, x: TreeNode) -> TreeNode {
        let i = self.i();
        let (turned, back) = self.rotations(x, i);
        let sum = self.add(turned, back);
        let two = self.integer(2);
        self.div(sum, two)
    }

    /// `exp(ix)` and `exp(−ix)`.
    fn rotations(&mut self, x: TreeNode, i: TreeNode) -> (TreeNode, TreeNode) {
        let angle = self.mul(i, x);
        let turned = self.exp(angle);
        (turned, self.recip(turned))
    }

    /// A number.
    pub fn number(&mut self, value: Rational) -> TreeNode {
        let (numerator, denominator) = (value.numerator(), value.denominator());
        if numerator == 0 {
            return self.zero();
        }
        let magnitude = match (numerator.abs(), denominator) {
            (whole, 1) => self.integer(whole),
            (1, parts) => {
                let parts = self.integer(parts);
                self.constant_recip(parts, denominator)
            }
            (whole, parts) => {
                let (whole, parts) = (self.integer(whole), self.integer(parts));
                self.constant_quotient(whole, parts)
            }
        };
        if numerator > 0 {
            return magnitude;
        }
        match self.set {
            Constructions::Shortest if value.to_f64() < -2.5 => {
                self.within(Constructions::Widest, |maker| maker.neg(magnitude))
            }
            Constructions::Shortest | Constructions::Widest => self.neg(magnitude),
            Constructions::Paper => {
                let zero = self.zero();
                self.minus(zero, magnitude)
            }
        }
    }

    /// What is made in another set.
    pub fn within<T>(&mut self, set: Constructions, make: impl FnOnce(&mut Maker) -> T) -> T {
        let set = std::mem::replace(&mut self.set, set);
        let made = make(self);
        self.set = set;
        made
    }

    /// `1/n` for `n > 1`.
    fn constant_recip(&mut self, node: TreeNode, value: i128) -> TreeNode {
        // The short form needs n < e^e = 15.15…
        if self.set == Constructions::Shortest && value > 15 {
            return self.within(Constructions::Widest, |maker| maker.recip(node));
        }
        self.recip(node)
    }

    /// `m/n` for `m > 1`.
    fn constant_quotient(&mut self, whole: TreeNode, parts: TreeNode) -> TreeNode {
        if self.set == Constructions::Paper {
            return self.div(whole, parts);
        }
        let log = self.log(whole);
        let difference = self.minus_log(log, parts);
        self.exp(difference)
    }

    /// An integer from 1, by doubling.
    fn integer(&mut self, value: i128) -> TreeNode {
        let mut number = self.one();
        let digits = i128::BITS - value.leading_zeros();
        for digit in (0..digits.saturating_sub(1)).rev() {
            let doubled = (value >> digit) & !1;
            number = self.doubled(number);
            if value >> digit & 1 == 1 {
                number = self.successor(number, doubled);
            }
        }
        number
    }

    fn doubled(&mut self, node: TreeNode) -> TreeNode {
        if self.set == Constructions::Paper {
            return self.add(node, node);
        }
        let one = self.one();
        if node == one {
            return self.add_below(one, one, one);
        }
        let two = self.add_below(one, one, one);
        self.within(Constructions::Shortest, |maker| maker.mul(two, node))
    }

    /// `n + 1`, for a node whose value is n.
    fn successor(&mut self, node: TreeNode, value: i128) -> TreeNode {
        let one = self.one();
        if self.set == Constructions::Paper {
            return self.add(one, node);
        }
        if value <= LARGEST_SUMMAND {
            return self.add_below(one, one, node);
        }
        // (1 + 1/n)·n
        let part = self.within(Constructions::Widest, |maker| maker.recip(node));
        let factor = self.add_below(one, one, part);
        self.within(Constructions::Shortest, |maker| maker.mul(factor, node))
    }
}
