//! What is wrong with the names of a program, in the words of EML. Its reader leaves little for others to find: programs
//! call `eml` with two operands and define nothing.

use crate::dialect::words::neutral;
use crate::problem::{Problem, ProblemKind};
use crate::source::Diagnostic;

/// A problem in words.
pub fn spell(problem: &Problem) -> Diagnostic {
    let words = neutral(problem);
    match &problem.kind {
        ProblemKind::PrimitiveArity { name, doc, .. } => {
            words.help(format!("it is written `{name}(x,y)`: {doc}"))
        }
        ProblemKind::NotPredefined { .. }
        | ProblemKind::ValueCalled { .. }
        | ProblemKind::UnknownFunction { .. }
        | ProblemKind::TwoInputs { .. }
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
        | ProblemKind::FunctionChosen
        | ProblemKind::DerivativeArity { .. }
        | ProblemKind::PartialIndex
        | ProblemKind::EndsInValue { .. }
        | ProblemKind::ReservedWord { .. }
        | ProblemKind::FunctionArity { .. }
        | ProblemKind::ImportedInput { .. }
        | ProblemKind::NearMiss { .. }
        | ProblemKind::LookAlike { .. }
        | ProblemKind::LikeFormula { .. }
        | ProblemKind::TooManyCaptures { .. }
        | ProblemKind::TooManyPassed { .. }
        | ProblemKind::WeightElsewhere { .. }
        | ProblemKind::ActivationArity { .. }
        | ProblemKind::TooLargeLoops { .. } => words,
    }
}
