//! What is wrong with the names of a program, in the words of Scheme.

use crate::dialect::words::neutral;
use crate::number::number;
use crate::problem::{Problem, ProblemKind};
use crate::source::Diagnostic;

/// A problem in words.
pub fn spell(problem: &Problem) -> Diagnostic {
    let words = neutral(problem);
    match &problem.kind {
        ProblemKind::NotPredefined { name, value } => {
            words.help(format!("for the number, add `(define {name} {})`", number(*value)))
        }
        ProblemKind::ValueCalled { name, .. } => words.help(format!("for a product write `(* {name} …)`")),
        ProblemKind::PrimitiveArity { name, usage, doc, .. } => {
            words.help(format!("it is written `({name} {usage})`: {doc}"))
        }
        ProblemKind::LikeFormula { .. } => words.help(
            "formulas in infix notation are read from files that end in .nci, and with `--dialect infix` \
             (`Dialect::Infix`); here a product is `(* a b)`",
        ),
        ProblemKind::FunctionChosen => {
            words.help("choose between values: `(if c (f x) (g x))` in place of `((if c f g) x)`")
        }
        ProblemKind::DerivativeArity { params: 1, .. } => {
            words.help("the only argument has the number 0: `((partial 0) f)`, which is `(D f)`")
        }
        ProblemKind::DerivativeArity { .. } => {
            words.help("by one of several arguments, counted from 0: `(((partial 1) f) x y)`")
        }
        ProblemKind::PartialIndex => {
            words.help("it is written `((partial 0) f)`, with a number that stands there")
        }
        ProblemKind::EndsInValue { name } => {
            words.help(format!("end it with an expression or a function; `{name}` alone is one"))
        }
        ProblemKind::UnknownFunction { own: true, .. } => {
            words.help("a function that calls itself is bound with `letrec`")
        }
        ProblemKind::UnknownFunction { own: false, .. }
        | ProblemKind::TwoInputs { .. }
        | ProblemKind::WeightElsewhere { .. }
        | ProblemKind::ActivationArity { .. }
        | ProblemKind::DefinedTwice { .. }
        | ProblemKind::RecurArity { .. }
        | ProblemKind::RecurUsed { .. }
        | ProblemKind::BeforeDefinition { .. }
        | ProblemKind::UsesBeforeDefinition { .. }
        | ProblemKind::FunctionAsNumber { .. }
        | ProblemKind::NoFunction { .. }
        | ProblemKind::NumberCalled
        | ProblemKind::DerivativeOfFunctions { .. }
        | ProblemKind::ValueArity { .. }
        | ProblemKind::InputCalled { .. }
        | ProblemKind::Endless { .. }
        | ProblemKind::NestedFunctions { .. }
        | ProblemKind::ReservedWord { .. }
        | ProblemKind::FunctionArity { .. }
        | ProblemKind::ImportedInput { .. }
        | ProblemKind::NearMiss { .. }
        | ProblemKind::LookAlike { .. }
        | ProblemKind::TooManyCaptures { .. }
        | ProblemKind::TooManyPassed { .. }
        | ProblemKind::TooLargeLoops { .. } => words,
    }
}
