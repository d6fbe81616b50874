//! A-normal form: every operand is a constant or a variable, so each binding is one operation.
//!
//! Functions are closed: what a local function captures has become further parameters. Bindings stand in
//! evaluation order (operands from left to right), and evaluation is strict: a binding is evaluated on the path
//! where it stands, used or not.
//!
//! * [`build`]: resolved program → ANF, as written or with loops in place of calls in tail position;
//! * [`mod@print`] and [`verify`].
//!
//! **Invariant**: every operand is a constant or a variable that is bound before it; checked by [`verify`].
//!
//! **Boundary**: knows primitives by their names and arities, and neither numbers of rows nor shapes.

pub mod build;
pub mod print;
pub mod verify;

use std::sync::Arc;

use crate::ast::network::NetworkPlaces;
use crate::entity::{EntityVec, entity};
pub use crate::names::{FuncId, Var, VarInfo};
use crate::number::Literal;
use crate::ops::Primitive;
pub use crate::resolve::DeriveForm;
use crate::source::Span;

entity!(
    /// A sequence of bindings with a result.
    BlockId, "block");

/// A whole program.
#[derive(Debug, Clone, Default)]
pub struct Anf {
    /// What is known of each variable.
    pub vars: EntityVec<Var, VarInfo>,
    /// All blocks, those of functions included.
    pub blocks: EntityVec<BlockId, Block>,
    /// All functions. A function that is not recursive calls, and has derivatives of, only functions with a smaller index, and
    /// recursive ones.
    pub functions: EntityVec<FuncId, Function>,
    /// The inputs, in the order of the program's signature.
    pub inputs: Vec<Var>,
    /// The block that computes the results.
    pub main: Option<BlockId>,
    /// Names of the results if the program ends in `values`; empty for a single unnamed one.
    pub result_names: Vec<String>,
    /// The results, defined in `main`: one atom, or one for each name.
    pub results: Vec<Atom>,
    /// Where the places of the library begin, if the program has parts of it.
    pub library: Option<u32>,
    /// What the places of networks mean.
    pub(crate) networks: Arc<NetworkPlaces>,
}

impl Anf {
    /// Whether it has derivatives of its functions.
    pub(crate) fn has_derivatives(&self) -> bool {
        let mut bindings = self.blocks.values().flat_map(|block| &block.bindings);
        bindings.any(|binding| matches!(binding.rhs, Rhs::Derive(..)))
    }

    /// How many operations the program is written with.
    pub(crate) fn operations(&self) -> u64 {
        self.blocks.values().map(|block| block.bindings.len() as u64).sum()
    }

    /// How many operands its operations are written with: about as many nodes a graph of it has, unless it calls functions.
    pub(crate) fn operands(&self) -> usize {
        let bindings = self.blocks.values().flat_map(|block| &block.bindings);
        bindings.map(|binding| binding.rhs.operands()).sum()
    }

    /// How many operations it has if every call of a function that does not recurse is replaced by the function's body; no more
    /// than 64 bits count.
    pub(crate) fn inlined_operations(&self) -> u64 {
        let mut inlined: EntityVec<FuncId, u64> = EntityVec::new();
        let mut total = 0u64;
        for function in self.functions.values() {
            let operations = self.inlined_in(function.body, &inlined);
            // A recursive function is built once, wherever it is called.
            if function.recursive {
                total = total.saturating_add(operations);
            }
            inlined.push(if function.recursive { 1 } else { operations });
        }
        self.main.map_or(total, |main| total.saturating_add(self.inlined_in(main, &inlined)))
    }

    /// How many operations a block has if calls of these functions are so many.
    fn inlined_in(&self, block: BlockId, functions: &EntityVec<FuncId, u64>) -> u64 {
        let mut total = 0u64;
        let mut left = vec![block];
        while let Some(block) = left.pop() {
            for binding in &self.blocks[block].bindings {
                let operations = match &binding.rhs {
                    // A function that is still to come is recursive.
                    Rhs::Call(function, _) | Rhs::Derive(_, function, _) => {
                        functions.get(*function).copied().unwrap_or(1)
                    }
                    Rhs::If(_, then, other) => {
                        left.extend([*then, *other]);
                        1
                    }
                    Rhs::Loop(inner) => {
                        left.push(inner.body);
                        1
                    }
                    Rhs::Constant(_) | Rhs::Primitive(..) => 1,
                };
                total = total.saturating_add(operations);
            }
        }
        total
    }
}

/// A function without free variables.
#[derive(Debug, Clone)]
pub struct Function {
    /// The name in the source.
    pub name: String,
    /// Parameters of the source, then captured variables.
    pub params: Vec<Var>,
    /// What it computes.
    pub body: BlockId,
    /// Whether it can call itself, by way of others perhaps, other than as an iteration of a loop. Calls of such a
    /// function need a stack; all others are inlined.
    pub recursive: bool,
}

/// Bindings in evaluation order, then a result.
#[derive(Debug, Clone)]
pub struct Block {
    /// One operation each.
    pub bindings: Vec<Binding>,
    /// What comes of them.
    pub end: End,
}

/// What a block ends with.
#[derive(Debug, Clone)]
pub enum End {
    /// A value. The main block's results stand in [`Anf::results`] and this is the first.
    Value(Atom),
    /// Another iteration of the innermost loop, with these values for its variables. Only the body of a loop ends so, and
    /// the arms of a choice that such a body ends with.
    Recur(Vec<Operand>),
}

/// One operation.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The variable that holds the result.
    pub var: Var,
    /// The operation.
    pub rhs: Rhs,
    /// The expression in the source.
    pub span: Span,
}

/// An operation on atoms. A program has one for each call in its text, so rare parts stand in boxes.
#[derive(Debug, Clone)]
pub enum Rhs {
    /// A constant with a name: a top-level `define` of a number, which a caller may turn into a parameter.
    Constant(Literal),
    /// A primitive of the language, with as many operands as its arity allows.
    Primitive(Primitive, Box<[Operand]>),
    /// A call of a function: operands for its parameters and for what it captures.
    Call(FuncId, Box<[Operand]>),
    /// A derivative of a function by one of its parameters: operands for its parameters, then the direction or the
    /// covector of a product ([`DeriveForm::has_direction`]), then operands for what the function captures. The function is
    /// not recursive; a derivative of one that is, is the derivative of a function that calls it.
    Derive(DeriveForm, FuncId, Box<[Operand]>),
    /// The value of one of two blocks. Zero is false, everything else, NaN included, is true.
    If(Operand, BlockId, BlockId),
    /// The value of a loop.
    Loop(Box<Loop>),
}

impl Rhs {
    /// How many operands it is written with.
    fn operands(&self) -> usize {
        match self {
            Rhs::Primitive(_, operands) | Rhs::Call(_, operands) | Rhs::Derive(_, _, operands) => {
                operands.len()
            }
            Rhs::Constant(_) | Rhs::If(..) => 1,
            Rhs::Loop(inner) => inner.inits.len(),
        }
    }
}

/// A loop: its body is evaluated again and again, until it ends in a value.
#[derive(Debug, Clone)]
pub struct Loop {
    /// The name in the source.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The variables that change from one iteration to the next. Whatever else the body uses is bound outside.
    pub vars: Vec<Var>,
    /// Their first values. `None` for a variable that has none before an iteration gives it one: a parameter of a
    /// function that mutual tail recursion enters later.
    pub inits: Vec<Option<Operand>>,
    /// One iteration.
    pub body: BlockId,
}

/// An operand with its place in the source.
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// The value.
    pub atom: Atom,
    /// The expression that was written there.
    pub span: Span,
}

/// Something that needs no evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Atom {
    /// A number.
    Literal(Literal),
    /// A variable.
    Var(Var),
}
