//! Trees of the one operator `eml(x, y) = exp(x) − ln(y)` over the constant 1 and variables.
//!
//! * [`tree`]: the trees, as shared nodes in an arena, and their sizes;
//! * [`derived`]: the usual functions as trees, as the board's grammar defines them;
//! * [`mod@evaluate`]: the value at one point, in three modes;
//! * [`precise`]: the same in hundreds of bits;
//! * [`scaled`]: the same where binary64 ends, with bounds of errors;
//! * [`paths`]: how gradients grow and fade on their way down;
//! * [`cells`]: the tree on an array of cells that compute `eml`;
//! * [`target`], [`check`]: whether a tree is the function it is submitted for;
//! * [`calculator`]: the functions of a calculator as trees;
//! * [`board`]: who submitted what, and the records;
//! * [`cost`]: the published tables of costs;
//! * [`translate`]: between trees and ordinary operations.

pub mod board;
pub mod calculator;
pub mod cells;
pub mod check;
pub mod cost;
pub mod derived;
pub mod evaluate;
pub mod paths;
pub mod precise;
pub mod scaled;
pub mod target;
pub mod translate;
pub mod tree;

pub use evaluate::{Fault, FaultKind, Mode, evaluate};
pub use tree::{Kind, Sizes, Tree, TreeBuilder, TreeNode};
