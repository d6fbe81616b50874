//! What can be wrong with the names of a program: the facts. How they are put in words is a matter of the dialect
//! ([`Dialect::spell`](crate::dialect::Dialect::spell)).

use crate::source::{Severity, Span};

/// Words of a dialect that look like names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vocabulary {
    /// Words that stand where the name of a function does: an unknown function may be a slip for one.
    pub forms: &'static [&'static str],
    /// Words that are no inputs where nothing binds them, forms included.
    pub reserved: &'static [&'static str],
    /// Whether `pi` and `tau` are numbers where nothing binds them.
    pub predefined: bool,
    /// Whether names have operators in them without further ado, so that a formula may be taken for one.
    pub operators_in_names: bool,
}

/// Names of functions in other languages, and what the same is called here.
pub const NAMES_ELSEWHERE: &[(&str, &str)] = &[
    ("**", "pow"),
    ("^", "pow"),
    ("arccos", "acos"),
    ("arccosh", "acosh"),
    ("arccosine", "acos"),
    ("arcosh", "acosh"),
    ("arcsin", "asin"),
    ("arcsine", "asin"),
    ("arcsinh", "asinh"),
    ("arctan", "atan"),
    ("arctan2", "atan2"),
    ("arctangent", "atan"),
    ("arctanh", "atanh"),
    ("arsinh", "asinh"),
    ("artanh", "atanh"),
    ("ceil", "ceiling"),
    ("clip", "clamp"),
    ("copy-sign", "copysign"),
    ("cosine", "cos"),
    ("determinant", "det"),
    ("expit", "sigmoid"),
    ("exponential", "exp"),
    ("fabs", "abs"),
    ("fmax", "max"),
    ("fmin", "min"),
    ("fmod", "remainder"),
    ("ifelse", "if"),
    ("inverse", "inv"),
    ("is-nan", "nan?"),
    ("isnan", "nan?"),
    ("ln", "log"),
    ("matrix-multiply", "matmul"),
    ("maximum", "max"),
    ("mod", "modulo"),
    ("nth", "ref"),
    ("power", "pow"),
    ("quo", "quotient"),
    ("rem", "remainder"),
    ("sgn", "sign"),
    ("sqr", "square"),
    ("squareroot", "sqrt"),
    ("tangent", "tan"),
    ("vector-ref", "ref"),
    ("where", "if"),
    ("\u{b7}", "*"),
    ("\u{d7}", "*"),
    ("\u{f7}", "/"),
    ("\u{2013}", "-"),
    ("\u{2212}", "-"),
    ("\u{221a}", "sqrt"),
    ("\u{22c5}", "*"),
    ("\u{2264}", "<="),
    ("\u{2265}", ">="),
];

/// What a sign stands for that is no operator and no digit of the language but looks like one; nothing for other characters.
pub fn look_alike(c: char) -> Option<&'static str> {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    const POWERS: [&str; 10] = ["^0", "^1", "^2", "^3", "^4", "^5", "^6", "^7", "^8", "^9"];
    let digit = |zero: char| DIGITS.get((c as usize).wrapping_sub(zero as usize)).copied();
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => Some("-"),
        '\u{b7}' | '\u{d7}' | '\u{2219}' | '\u{22c5}' | '\u{ff0a}' => Some("*"),
        '\u{f7}' | '\u{2044}' | '\u{2215}' | '\u{ff0f}' => Some("/"),
        '\u{ff0b}' => Some("+"),
        '\u{221a}' => Some("sqrt"),
        '\u{2264}' => Some("<="),
        '\u{2265}' => Some(">="),
        '\u{2260}' => Some("!="),
        '\u{b9}' => Some("^1"),
        '\u{b2}' => Some("^2"),
        '\u{b3}' => Some("^3"),
        '\u{2070}'..='\u{2079}' => POWERS.get(c as usize - 0x2070).copied(),
        '\u{660}'..='\u{669}' => digit('\u{660}'),
        '\u{966}'..='\u{96f}' => digit('\u{966}'),
        '\u{ff10}'..='\u{ff19}' => digit('\u{ff10}'),
        _ => None,
    }
}

impl Vocabulary {
    /// Whether a name that nothing binds is no input.
    pub fn reserves(self, name: &str) -> bool {
        self.reserved.contains(&name)
    }
}

/// Something wrong or doubtful, and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The place.
    pub span: Span,
    /// What it is.
    pub kind: ProblemKind,
    /// Calls with function operands that lead to the place, the innermost first.
    pub via: Vec<Span>,
}

/// What can be wrong or doubtful.
#[derive(Debug, Clone, PartialEq)]
pub enum ProblemKind {
    /// A free variable has the name of a parameter of the final function: both would be inputs.
    TwoInputs {
        /// The name.
        name: String,
        /// Where the parameter stands.
        param: Span,
        /// The final function.
        function: String,
    },
    /// A free variable has the name of a parameter of a network that its file does not know.
    WeightElsewhere {
        /// The name.
        name: String,
        /// The network.
        network: String,
        /// Where that is declared.
        declared: Span,
    },
    /// The function of a layer takes any number of operands.
    ActivationArity {
        /// The function.
        name: String,
    },
    /// A name is defined twice at the top of a program.
    DefinedTwice {
        /// The name.
        name: String,
        /// The first definition.
        first: Span,
    },
    /// `recur` with as many values as the loop does not have variables.
    RecurArity {
        /// How many values.
        given: usize,
        /// How many variables.
        expected: usize,
        /// The loop.
        begins: Span,
    },
    /// The value of `recur` is used, and there is none.
    RecurUsed {
        /// What uses it.
        by: User,
        /// Its place.
        used: Span,
    },
    /// A value is used before its definition.
    BeforeDefinition {
        /// Its name.
        name: String,
        /// Where it is defined.
        defined: Span,
    },
    /// A function is called that uses a value before its definition.
    UsesBeforeDefinition {
        /// The function.
        function: String,
        /// The value.
        name: String,
        /// Where the value is defined.
        defined: Span,
    },
    /// A word of the dialect stands where a value is wanted.
    ReservedWord {
        /// The word.
        name: String,
    },
    /// A value is called like a function.
    ValueCalled {
        /// Its name.
        name: String,
        /// Where it is defined.
        defined: Span,
    },
    /// A function of the program has a wrong number of operands.
    FunctionArity {
        /// Its name.
        name: String,
        /// How many parameters it has.
        expected: usize,
        /// How many operands there are.
        given: usize,
        /// Where it is defined.
        defined: Span,
    },
    /// A primitive has a wrong number of operands.
    PrimitiveArity {
        /// Its name as it is written here.
        name: String,
        /// How many operands it takes at least.
        least: usize,
        /// How many it takes at most.
        most: Option<usize>,
        /// Its operands, as words between spaces; alternatives are set apart by `|`.
        usage: &'static str,
        /// What it computes.
        doc: &'static str,
        /// How many operands there are.
        given: usize,
    },
    /// There is no function of this name.
    UnknownFunction {
        /// The name.
        name: String,
        /// Whether it is that of the function around, which does not know itself.
        own: bool,
        /// A known name that it may be a slip for.
        similar: Option<String>,
        /// What other languages call so is called this here.
        here: Option<&'static str>,
    },
    /// A constant of mathematics is not predefined, and so an input.
    NotPredefined {
        /// Its name.
        name: String,
        /// Its value.
        value: f64,
    },
    /// Nothing in an imported file binds a name that it uses, so that it is an input of the program.
    ImportedInput {
        /// Its name.
        name: String,
        /// The file.
        file: String,
    },
    /// An input has nearly the name of a variable.
    NearMiss {
        /// Its name.
        name: String,
        /// That of the variable.
        similar: String,
        /// Where the variable is bound.
        bound: Span,
    },
    /// An input whose name has operators between letters or digits, as a formula in infix notation has.
    LikeFormula {
        /// Its name.
        name: String,
    },
    /// An input whose name has a sign that looks like an operator or a digit and is none.
    LookAlike {
        /// Its name.
        name: String,
        /// The sign.
        sign: char,
        /// What it looks like.
        like: &'static str,
    },
    /// A function stands where a number is wanted.
    FunctionAsNumber {
        /// What the function is called.
        function: String,
        /// Where it is defined, if the program does that.
        defined: Option<Span>,
        /// What would take it for a number.
        by: User,
    },
    /// The value of an expression is called like a function, and is none.
    NumberCalled,
    /// A function is chosen by a condition that is not known when the program is compiled.
    FunctionChosen,
    /// Something other than a function is the operand of a form that takes a function.
    NoFunction {
        /// The form.
        form: &'static str,
    },
    /// The derivative of a function that does not take one argument, or by an argument that it does not have.
    DerivativeArity {
        /// The form.
        form: String,
        /// What the function is called.
        function: String,
        /// Where it is defined, if the program does that.
        defined: Option<Span>,
        /// How many parameters it has.
        params: usize,
    },
    /// The derivative of a function that gives a function.
    DerivativeOfFunctions {
        /// What the function is called.
        function: String,
    },
    /// The operand of `partial` is no number of an argument.
    PartialIndex,
    /// A function value has a wrong number of operands.
    ValueArity {
        /// What the function is called.
        function: String,
        /// How many operands it takes at least.
        least: usize,
        /// How many it takes at most.
        most: Option<usize>,
        /// How many there are.
        given: usize,
        /// Where the function is defined, if the program does that.
        defined: Option<Span>,
    },
    /// A parameter of the final function, which is an input, is called like a function.
    InputCalled {
        /// Its name.
        name: String,
        /// Where it is defined.
        defined: Span,
    },
    /// Specialising functions to their function operands does not end within the limit.
    Endless {
        /// The function that is specialised again.
        function: String,
        /// How many specialisations there may be.
        limit: usize,
    },
    /// Calls that give functions are nested too deep, and perhaps without end.
    NestedFunctions {
        /// The function that is called.
        function: String,
        /// How deep they may be.
        limit: usize,
    },
    /// The program ends in the definition of a value that is no function.
    EndsInValue {
        /// Its name.
        name: String,
    },
    /// Functions use too many variables from around them.
    TooManyCaptures {
        /// How many are possible.
        limit: usize,
    },
    /// Calls pass on too many variables from around functions.
    TooManyPassed {
        /// How many are possible.
        limit: usize,
    },
    /// Functions continue in each other, and their loops together are too much.
    TooLargeLoops {
        /// How many functions.
        functions: usize,
    },
}

/// What uses a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// A call of this function.
    Call(String),
    /// A choice.
    Condition,
    /// A binding.
    Binding,
    /// A loop, as a first value.
    Loop,
    /// `recur`.
    Recur,
    /// A result of the program.
    Result,
    /// Another expression.
    Expression,
}

impl Problem {
    /// A problem of the text at a place, however it is called.
    pub fn new(span: Span, kind: ProblemKind) -> Problem {
        Problem { span, kind, via: Vec::new() }
    }

    /// The stable identifier of what is said about it.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ProblemKind::TwoInputs { .. }
            | ProblemKind::WeightElsewhere { .. }
            | ProblemKind::DefinedTwice { .. } => "duplicate",
            ProblemKind::RecurArity { .. }
            | ProblemKind::ActivationArity { .. }
            | ProblemKind::FunctionArity { .. }
            | ProblemKind::ValueArity { .. }
            | ProblemKind::PrimitiveArity { .. } => "arity",
            ProblemKind::RecurUsed { .. } => "recur",
            ProblemKind::BeforeDefinition { .. } | ProblemKind::UsesBeforeDefinition { .. } => "order",
            ProblemKind::ValueCalled { .. }
            | ProblemKind::FunctionAsNumber { .. }
            | ProblemKind::FunctionChosen
            | ProblemKind::NumberCalled
            | ProblemKind::NoFunction { .. }
            | ProblemKind::InputCalled { .. } => "first-order",
            ProblemKind::DerivativeArity { .. }
            | ProblemKind::DerivativeOfFunctions { .. }
            | ProblemKind::PartialIndex => "derivative",
            ProblemKind::Endless { .. } | ProblemKind::NestedFunctions { .. } => "endless",
            ProblemKind::EndsInValue { .. } => "form",
            ProblemKind::ReservedWord { .. } => "form",
            ProblemKind::UnknownFunction { .. } => "unknown-name",
            ProblemKind::NotPredefined { .. } => "constant",
            ProblemKind::ImportedInput { .. } => "imported-input",
            ProblemKind::NearMiss { .. } => "near-miss",
            ProblemKind::LikeFormula { .. } => "like-formula",
            ProblemKind::LookAlike { .. } => "look-alike",
            ProblemKind::TooManyCaptures { .. }
            | ProblemKind::TooManyPassed { .. }
            | ProblemKind::TooLargeLoops { .. } => "too-large",
        }
    }

    /// Whether a number stands where a function is called or differentiated.
    pub(crate) fn wants_function(&self) -> bool {
        matches!(
            self.kind,
            ProblemKind::ValueCalled { .. } | ProblemKind::NumberCalled | ProblemKind::NoFunction { .. }
        )
    }

    /// Whether it is about which inputs the whole program has.
    pub(crate) fn is_of_inputs(&self) -> bool {
        matches!(self.kind, ProblemKind::TwoInputs { .. })
    }

    /// Whether it is about a function that nothing defines.
    pub(crate) fn is_of_unknown_function(&self) -> bool {
        matches!(self.kind, ProblemKind::UnknownFunction { .. })
    }

    /// Whether compilation can go on.
    pub fn severity(&self) -> Severity {
        match self.kind {
            ProblemKind::NotPredefined { .. }
            | ProblemKind::ImportedInput { .. }
            | ProblemKind::NearMiss { .. }
            | ProblemKind::LikeFormula { .. }
            | ProblemKind::LookAlike { .. } => Severity::Warning,
            ProblemKind::TwoInputs { .. }
            | ProblemKind::WeightElsewhere { .. }
            | ProblemKind::ActivationArity { .. }
            | ProblemKind::DefinedTwice { .. }
            | ProblemKind::RecurArity { .. }
            | ProblemKind::RecurUsed { .. }
            | ProblemKind::BeforeDefinition { .. }
            | ProblemKind::UsesBeforeDefinition { .. }
            | ProblemKind::FunctionAsNumber { .. }
            | ProblemKind::FunctionChosen
            | ProblemKind::NumberCalled
            | ProblemKind::NoFunction { .. }
            | ProblemKind::DerivativeArity { .. }
            | ProblemKind::DerivativeOfFunctions { .. }
            | ProblemKind::PartialIndex
            | ProblemKind::ValueArity { .. }
            | ProblemKind::InputCalled { .. }
            | ProblemKind::Endless { .. }
            | ProblemKind::NestedFunctions { .. }
            | ProblemKind::EndsInValue { .. }
            | ProblemKind::ReservedWord { .. }
            | ProblemKind::ValueCalled { .. }
            | ProblemKind::FunctionArity { .. }
            | ProblemKind::PrimitiveArity { .. }
            | ProblemKind::UnknownFunction { .. }
            | ProblemKind::TooManyCaptures { .. }
            | ProblemKind::TooManyPassed { .. }
            | ProblemKind::TooLargeLoops { .. } => Severity::Error,
        }
    }
}
