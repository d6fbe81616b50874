//! Words for problems that all dialects have in common: those in which nothing of a program is spelled but names.

use crate::problem::{Problem, ProblemKind, User};
use crate::source::{Diagnostic, Severity};

/// How many operands something takes.
fn operands(least: usize, most: Option<usize>) -> String {
    match most {
        Some(most) if most == least => count(most, "operand"),
        Some(most) if most == least + 1 => format!("{least} or {most} operands"),
        Some(most) => format!("{least} to {most} operands"),
        None => format!("at least {}", count(least, "operand")),
    }
}

/// A problem in words. Advice that shows how something is written is missing: it is the dialect's.
pub fn neutral(problem: &Problem) -> Diagnostic {
    let mut words = fact(problem);
    for &call in &problem.via {
        words = words.related(call, "by way of this call");
    }
    words
}

/// A function, which may have no name, at the place of the message.
fn this(function: &str) -> &str {
    if function == "a function" { "this function" } else { function }
}

fn fact(problem: &Problem) -> Diagnostic {
    let new = |message: String| match problem.severity() {
        Severity::Error => Diagnostic::error(problem.code(), problem.span, message),
        Severity::Warning => Diagnostic::warning(problem.code(), problem.span, message),
    };
    match &problem.kind {
        ProblemKind::TwoInputs { name, param, function } => {
            new(format!("two inputs are called `{name}`: nothing binds this one"))
                .related(*param, format!("the other is a parameter of `{function}`"))
                .help("rename one of them, or pass the value as an operand")
        }
        ProblemKind::WeightElsewhere { name, network, declared } => {
            new(format!("`{name}` is a parameter of network `{network}`, which this file does not know"))
                .related(*declared, "the network")
                .help("give the input another name, or import the file of the network")
        }
        ProblemKind::ActivationArity { name } => {
            new(format!("`{name}` takes any number of operands: the function of a layer is one of one number"))
                .help("such as `tanh`, `relu`, or one that the program defines, of one parameter")
        }
        ProblemKind::DefinedTwice { name, first } => {
            new(format!("`{name}` is defined twice")).related(*first, "the first")
        }
        ProblemKind::RecurArity { given, expected, begins } => {
            let (given, expected) = (count(*given, "value"), count(*expected, "variable"));
            new(format!("`recur` gives {given} to a loop of {expected}"))
                .related(*begins, "the loop")
                .help("give every variable its next value, in order")
        }
        ProblemKind::RecurUsed { by, used } => {
            let by = match by {
                User::Call(name) => format!("`{name}`"),
                User::Condition => "a condition".into(),
                User::Binding => "a binding".into(),
                User::Loop => "another loop".into(),
                User::Recur => "another `recur`".into(),
                User::Result => "the program".into(),
                User::Expression => "another expression".into(),
            };
            new(format!("the value of `recur` is used by {by}: the loop goes on, and there is none"))
                .related(*used, "used here")
                .help("bind an accumulator instead: a further variable of the loop that holds the result so far")
        }
        ProblemKind::BeforeDefinition { name, defined } => {
            new(format!("`{name}` is used before its definition")).related(*defined, "defined here")
        }
        ProblemKind::UsesBeforeDefinition { function, name, defined } => {
            new(format!("`{function}` uses `{name}` before its definition")).related(*defined, "defined here")
        }
        ProblemKind::FunctionAsNumber { function, defined, by } => {
            let what = match by {
                User::Call(name) if name == "vec" => "stored in a vector".to_string(),
                User::Call(name) => format!("an operand of `{name}`, which takes numbers"),
                User::Condition => "a condition".into(),
                User::Result => "a result of the program".into(),
                User::Binding | User::Loop | User::Recur | User::Expression => "used as a number".into(),
            };
            let words = new(match function.strip_prefix('`') {
                Some(_) => format!("{function} is a function, and is {what}"),
                None => format!("{function} is {what}"),
            });
            let words = match defined {
                Some(defined) => words.related(*defined, "defined here"),
                None => words,
            };
            words.help("call it here: functions can be passed, returned and called, but are no data")
        }
        ProblemKind::NumberCalled => {
            new("the value of an expression is called like a function, and is a number".into()).help(
                "functions are no elements of vectors, and no results of conditions: call each, and choose between the values",
            )
        }
        ProblemKind::FunctionChosen => {
            new("a function is chosen by a condition that only a row of data decides".into())
        }
        ProblemKind::NoFunction { form } => new(format!("`{form}` takes a function, and this is a number"))
            .help("a function is a name that is defined with parameters, or a `lambda`: what is to be varied is its parameter"),
        ProblemKind::DerivativeArity { form, function, defined, params } => {
            let words = match form.as_str() {
                "D" | "jvp" | "vjp" => new(format!(
                    "`{form}` takes a function of one argument, and {} has {}",
                    this(function),
                    count(*params, "parameter")
                )),
                _ => new(format!(
                    "{} has {}, and none has the number {form}",
                    this(function),
                    count(*params, "parameter")
                )),
            };
            match defined {
                Some(defined) => words.related(*defined, "defined here"),
                None => words,
            }
        }
        ProblemKind::DerivativeOfFunctions { function } => {
            new(format!("the derivative of {}, whose operands or values are functions", this(function)))
                .help("differentiate a function of numbers that gives numbers")
        }
        ProblemKind::PartialIndex => new("`partial` takes the number of an argument, counted from 0".into()),
        ProblemKind::ValueArity { function, least, most, given, defined } => {
            let expected = operands(*least, *most);
            let words = new(format!("{} takes {expected}, and is called with {given} here", this(function)));
            match defined {
                Some(defined) => words.related(*defined, "defined here"),
                None => words,
            }
        }
        ProblemKind::InputCalled { name, defined } => {
            new(format!("`{name}` is called like a function, but the program's inputs are numbers"))
                .related(*defined, "a parameter of the final function is an input")
                .help("call the final function with a function from another one, which the program then ends in")
        }
        ProblemKind::Endless { function, limit } => new(format!(
            "specialising `{function}` to its function operands does not end within {limit} specialisations"
        ))
        .help("pass functions on unchanged where a function calls itself; `--max-specialisations N` in the header raises the limit"),
        ProblemKind::NestedFunctions { function, limit } => {
            new(format!("calls that give functions, such as this of `{function}`, are nested more than {limit} deep"))
                .help("pass functions on unchanged where a function calls itself")
        }
        ProblemKind::EndsInValue { .. } => {
            new("the program ends in the definition of a value".into())
        }
        ProblemKind::ReservedWord { name } => new(format!("`{name}` is part of a form, not a value")),
        ProblemKind::ValueCalled { name, defined } => {
            new(format!("`{name}` is a value, and is called like a function"))
                .related(*defined, "it is this value")
        }
        ProblemKind::FunctionArity { name, expected, given, defined } => {
            new(format!("`{name}` takes {}, not {given}", count(*expected, "operand")))
                .related(*defined, "defined here")
        }
        ProblemKind::PrimitiveArity { name, least, most, given, .. } => {
            let expected = operands(*least, *most);
            new(format!("`{name}` takes {expected}, not {given}"))
        }
        ProblemKind::UnknownFunction { name, similar, here, .. } => {
            let words = new(format!("there is no function `{name}`"));
            match (here, similar) {
                (Some(here), _) => words.help(format!("it is called `{here}` here")),
                (None, Some(similar)) => words.help(format!("did you mean `{similar}`?")),
                (None, None) => words,
            }
        }
        ProblemKind::NotPredefined { name, .. } => {
            new(format!("`{name}` is not predefined, so it is an input"))
        }
        ProblemKind::NearMiss { name, similar, bound } => {
            new(format!("`{name}` is bound by nothing, so it is an input"))
                .related(*bound, format!("did you mean `{similar}`?"))
        }
        ProblemKind::LookAlike { name, sign, like } => {
            let words = new(format!("`{name}` is one name, which is bound by nothing, so it is an input"));
            let code = u32::from(*sign);
            match like.strip_prefix('^') {
                Some(power) => words.help(format!(
                    "`{sign}` (U+{code:04X}) is a letter like any other: a power is a product or `pow` with {power}"
                )),
                None => words.help(format!("`{sign}` (U+{code:04X}) only looks like `{like}`, which is written so")),
            }
        }
        ProblemKind::ImportedInput { name, file } => new(format!("`{name}` is an input of the program: nothing in `{file}` binds it"))
            .help("define it there, or make it a parameter; a file does not know the definitions of those that import it"),
        ProblemKind::LikeFormula { name } => {
            new(format!("`{name}` is one name, which is bound by nothing, so it is an input"))
        }
        ProblemKind::TooManyCaptures { limit } => {
            new(format!("functions use more than {limit} variables from around them"))
                .help("pass values as operands, or nest less deeply")
        }
        ProblemKind::TooManyPassed { limit } => {
            new(format!("calls pass on more than {limit} variables from around the functions"))
                .help("make fewer calls, or let the functions use fewer variables from around them")
        }
        ProblemKind::TooLargeLoops { functions } => {
            new(format!("loops of {functions} functions that continue in each other"))
                .help("enter the loop by one function only, or let fewer functions take part")
        }
    }
}

/// A number of things.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
