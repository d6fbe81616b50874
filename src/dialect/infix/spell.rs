//! What is wrong with the names of a program, in infix notation.

use super::token::{is_identifier, is_name};
use crate::dialect::words::neutral;
use crate::number::number;
use crate::problem::{Problem, ProblemKind};
use crate::source::Diagnostic;

/// A name as it is written: between backquotes unless it is an identifier.
pub(super) fn name(text: &str) -> String {
    if !is_identifier(text) && is_name(text) { format!("`{text}`") } else { text.to_string() }
}

/// How a primitive is written with these operands, one word each: as an operator, or as a call.
fn usage(function: &str, operands: &str) -> String {
    let operands: Vec<&str> = operands.split_whitespace().collect();
    match (function, operands.as_slice()) {
        ("pow" | "expt", [x, y]) => format!("{x}^{y}"),
        ("+" | "-" | "*" | "/" | "<" | "<=" | ">" | ">=" | "=" | "==", _) => format!("a {function} b"),
        ("not", _) => "not a".into(),
        _ => format!("{}({})", name(function), operands.join(", ")),
    }
}

/// What functions without a name are written with in other languages.
pub(super) const ELSEWHERE: [&str; 5] = ["lambda", "function", "func", "fn", "def"];

/// A problem in words.
pub fn spell(problem: &Problem) -> Diagnostic {
    let words = neutral(problem);
    match &problem.kind {
        ProblemKind::NotPredefined { name, value } => {
            words.help(format!("for the number, add `{name} = {};`", number(*value)))
        }
        ProblemKind::ValueCalled { name, .. } => words.help(format!("for a product write `{name}*(…)`")),
        ProblemKind::PrimitiveArity { name, usage: operands, doc, .. } => {
            let usages: Vec<String> = operands.split('|').map(|operands| usage(name, operands)).collect();
            words.help(format!("it is written `{}`: {doc}", usages.join("` or `")))
        }
        ProblemKind::FunctionChosen => {
            words.help("choose between values: `if(c, f(x), g(x))` in place of `if(c, f, g)(x)`")
        }
        ProblemKind::DerivativeArity { params: 1, .. } => {
            words.help("the only argument has the number 0: `partial(0)(f)`, which is `D(f)`")
        }
        ProblemKind::DerivativeArity { .. } => {
            words.help("by one of several arguments, counted from 0: `partial(1)(f)(x, y)`")
        }
        ProblemKind::PartialIndex => {
            words.help("it is written `partial(0)(f)`, with a number that stands there")
        }
        ProblemKind::EndsInValue { name: value } => words.help(format!(
            "end it with an expression or a function; `{}` alone is one, and a comparison is written `==`",
            name(value)
        )),
        ProblemKind::UnknownFunction { own: true, .. } => {
            words.help("a function that calls itself is defined at the top of a program or in a block `{…}`")
        }
        ProblemKind::UnknownFunction { own: false, name: unknown, .. }
            if ELSEWHERE.contains(&unknown.as_str()) =>
        {
            words.help("a function as an operand is written `fun(x) x^2`")
        }
        ProblemKind::UnknownFunction { own: false, name: unknown, similar: Some(similar), .. }
            if is_identifier(unknown) && similar.contains(['-', '>']) =>
        {
            words
                .help(format!("did you mean {}? a name with signs in it stands in backquotes", name(similar)))
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
        | ProblemKind::LikeFormula { .. }
        | ProblemKind::TooManyCaptures { .. }
        | ProblemKind::TooManyPassed { .. }
        | ProblemKind::TooLargeLoops { .. } => words,
    }
}
