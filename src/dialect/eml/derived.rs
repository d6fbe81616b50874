//! The functions that the literal grammar knows by name, as trees.
//!
//! The definitions are those of the board (`monogate.dev`, "Available primitives"), expanded to trees as its tree builder
//! does it; the numbers of nodes that it advertises for `neg`, `add`, `mul`, `div`, `pow` and `recip` are not those of
//! these trees.

use super::tree::{TreeBuilder, TreeNode};
use crate::source::Span;

/// A function by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// `exp x`.
    Exp,
    /// `ln x`.
    Ln,
    /// `−x`.
    Neg,
    /// `x + y`.
    Add,
    /// `x − y`.
    Sub,
    /// `x·y`.
    Mul,
    /// `x/y`.
    Div,
    /// `x^y`.
    Pow,
    /// `1/x`.
    Recip,
    /// `√x`.
    Sqrt,
}

impl Derived {
    /// All of them.
    pub const ALL: [Derived; 10] = [
        Derived::Exp,
        Derived::Ln,
        Derived::Neg,
        Derived::Add,
        Derived::Sub,
        Derived::Mul,
        Derived::Div,
        Derived::Pow,
        Derived::Recip,
        Derived::Sqrt,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Derived::Exp => "exp",
            Derived::Ln => "ln",
            Derived::Neg => "neg",
            Derived::Add => "add",
            Derived::Sub => "sub",
            Derived::Mul => "mul",
            Derived::Div => "div",
            Derived::Pow => "pow",
            Derived::Recip => "recip",
            Derived::Sqrt => "sqrt",
        }
    }

    /// The function of this name.
    pub fn from_name(name: &str) -> Option<Derived> {
        Derived::ALL.into_iter().find(|derived| derived.name() == name)
    }

    /// How many operands it takes.
    pub fn operands(self) -> usize {
        match self {
            Derived::Exp | Derived::Ln | Derived::Neg | Derived::Recip | Derived::Sqrt => 1,
            Derived::Add | Derived::Sub | Derived::Mul | Derived::Div | Derived::Pow => 2,
        }
    }

    /// Its tree over operands, as many as it takes.
    pub fn expand(self, builder: &mut TreeBuilder, operands: &[TreeNode], span: Span) -> TreeNode {
        let mut at = At { builder, span };
        match (self, operands) {
            (Derived::Add, &[x, y]) => at.add(x, y),
            (Derived::Sub, &[x, y]) => at.sub(x, y),
            (Derived::Mul, &[x, y]) => at.mul(x, y),
            (Derived::Pow, &[x, y]) => at.pow(x, y),
            (Derived::Div, &[x, y]) => {
                let y = at.ln(y);
                let (x, y) = (at.ln(x), at.neg(y));
                let sum = at.add(x, y);
                at.exp(sum)
            }
            (Derived::Exp, &[x]) => at.exp(x),
            (Derived::Ln, &[x]) => at.ln(x),
            (Derived::Neg, &[x]) => at.neg(x),
            (Derived::Recip, &[x]) => {
                let ln = at.ln(x);
                let neg = at.neg(ln);
                at.exp(neg)
            }
            (Derived::Sqrt, &[x]) => {
                let half = at.builder.number(0.5, span);
                at.pow(x, half)
            }
            _ => unreachable!("{} takes {} operands", self.name(), self.operands()),
        }
    }
}

/// Trees made for one place.
struct At<'a> {
    builder: &'a mut TreeBuilder,
    span: Span,
}

impl At<'_> {
    fn one(&mut self) -> TreeNode {
        self.builder.one(self.span)
    }
    fn eml(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        self.builder.eml(x, y, self.span)
    }
    fn exp(&mut self, x: TreeNode) -> TreeNode {
        let one = self.one();
        self.eml(x, one)
    }
    /// `e − ln(exp(e − ln x))`.
    fn ln(&mut self, x: TreeNode) -> TreeNode {
        let one = self.one();
        let inner = self.eml(one, x);
        let inner = self.exp(inner);
        self.eml(one, inner)
    }
    fn zero(&mut self) -> TreeNode {
        let one = self.one();
        self.ln(one)
    }
    fn sub(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let (x, y) = (self.ln(x), self.exp(y));
        self.eml(x, y)
    }
    /// The "shift formula" `1 − (x − (−1))`, with `−1 = 1 − 2`.
    fn neg(&mut self, x: TreeNode) -> TreeNode {
        let zero = self.zero();
        let two = self.builder.number(2.0, self.span);
        let two = self.exp(two);
        let minus_one = self.eml(zero, two);
        let shifted = self.sub(x, minus_one);
        let shifted = self.exp(shifted);
        self.eml(zero, shifted)
    }
    fn add(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let neg = self.neg(y);
        let (x, y) = (self.ln(x), self.exp(neg));
        self.eml(x, y)
    }
    fn mul(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let (x, y) = (self.ln(x), self.ln(y));
        let sum = self.add(x, y);
        self.exp(sum)
    }
    fn pow(&mut self, x: TreeNode, y: TreeNode) -> TreeNode {
        let ln = self.ln(x);
        let product = self.mul(y, ln);
        self.exp(product)
    }
}
