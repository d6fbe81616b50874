//! Between trees and formulas of ordinary operations.
//!
//! * [`terms`]: formulas, in the language of an e-graph, and what is known about their values;
//! * [`rules`]: equalities, each with where it holds;
//! * [`raise`]: tree → formula;
//! * [`constructions`] and [`expand`]: formula → tree, program → tree;
//! * [`shorten`]: tree → smaller tree;
//! * [`gradient`]: tree → trees of its derivatives;
//! * [`verify`]: whether the result of any of these has the same value.

#![expect(clippy::result_large_err, reason = "an error ends a command, so its size costs nothing")]

pub mod constructions;
pub mod expand;
pub mod gradient;
pub mod raise;
pub mod rational;
pub mod rules;
pub mod shorten;
pub mod terms;
pub mod verify;
