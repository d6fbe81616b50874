//! Trees of the one operator `eml(x, y) = exp(x) − ln(y)` over the constant 1 and variables.
//!
//! The compiler reads them ([`neural_compiler::internals::dialect::eml`]): trees are shared nodes in an arena. Here are the tools for them.
//!
//! * [`mod@evaluate`]: the value at one point, in three modes;
//! * [`precise`]: the same in hundreds of bits;
//! * [`scaled`]: the same where binary64 ends, with bounds of errors;
//! * [`paths`]: how gradients grow and fade on their way down;
//! * [`cells`]: the tree on an array of cells that compute `eml`;
//! * [`target`], [`check`]: whether a tree is the function it is submitted for;
//! * [`calculator`]: the functions of a calculator as trees;
//! * [`mod@feasible`]: whether a function can be a tree;
//! * [`cost`]: the published tables of costs;
//! * [`picture`]: pictures of trees;
//! * [`mod@search`]: the smallest tree that gives the values of a table;
//! * [`mod@train`]: the same by gradients, from a formula whose choices are numbers;
//! * [`translate`]: between trees and ordinary operations.

pub mod calculator;
pub mod cells;
pub mod check;
pub mod cost;
pub mod evaluate;
pub mod feasible;
pub mod paths;
pub mod picture;
pub mod precise;
pub mod scaled;
pub mod search;
pub mod target;
pub mod train;
pub mod translate;

pub use evaluate::{Fault, FaultKind, evaluate};
pub use neural_compiler::Mode;
pub use neural_compiler::internals::dialect::eml::tree::{Kind, Sizes, Tree, TreeBuilder, TreeNode};
