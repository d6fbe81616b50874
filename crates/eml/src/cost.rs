//! What a program costs under the published tables of the operator family ("SuperBEST"), and what achieves it.
//!
//! A cost counts operators of the family: 1 for each. The tables claim a cost for each ordinary operation; the column
//! [`Table::Checked`] counts the operators of the construction that stands beside it, which is tested on its domain.

use neural_compiler::internals::anf::{Atom, Rhs};
use neural_compiler::internals::entity::EntityVec;
use neural_compiler::{Diagnostic, Primitive, Program, Span};

/// A version of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// v4, the one that "EML meets neural networks" uses.
    V4,
    /// v5.
    V5,
    /// v5.1.
    V51,
    /// v5.2.
    V52,
    /// v5.3, for positive operands.
    V53,
    /// v5.2, for operands of any sign.
    General,
    /// The constructions that stand beside the claims.
    Checked,
}

impl Table {
    /// All of them, in the order of [`Entry::costs`].
    pub const ALL: [Table; 7] =
        [Table::V4, Table::V5, Table::V51, Table::V52, Table::V53, Table::General, Table::Checked];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Table::V4 => "v4",
            Table::V5 => "v5",
            Table::V51 => "v5.1",
            Table::V52 => "v5.2",
            Table::V53 => "v5.3",
            Table::General => "general",
            Table::Checked => "checked",
        }
    }
}

/// An operation that the tables price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priced {
    /// An operator of the family, as itself.
    Operator,
    /// `exp x`.
    Exp,
    /// `ln x`.
    Ln,
    /// `1/x`.
    Recip,
    /// `−x`.
    Neg,
    /// `x·y`.
    Mul,
    /// `x/y`.
    Div,
    /// `x − y`.
    Sub,
    /// `√x`.
    Sqrt,
    /// `x^y`.
    Pow,
    /// `x + y` of positive numbers.
    AddPositive,
    /// `x + y`.
    Add,
    /// `|x|`.
    Abs,
    /// `sin x` or `cos x`.
    Trigonometric,
}

/// What the tables say of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The operation.
    pub of: Priced,
    /// What it is called in the tables.
    pub name: &'static str,
    /// The claims, in the order of [`Table::ALL`]; nothing where a table has none.
    pub costs: [Option<u32>; 7],
    /// A program of the family in `x` and `y` that computes it, if there is one.
    pub construction: Option<&'static str>,
    /// Where the construction is right.
    pub domain: &'static str,
    /// What is wrong with the claims, or restricts them.
    pub remark: &'static str,
}

const fn entry(
    of: Priced,
    name: &'static str,
    costs: [u32; 7],
    construction: &'static str,
    domain: &'static str,
    remark: &'static str,
) -> Entry {
    let mut known = [None; 7];
    let mut k = 0;
    while k < 7 {
        // 0 stands for no claim; nothing in the tables is free.
        known[k] = if costs[k] == 0 { None } else { Some(costs[k]) };
        k += 1;
    }
    let construction = if construction.is_empty() { None } else { Some(construction) };
    Entry { of, name, costs: known, construction, domain, remark }
}

/// The tables, an operation a line.
pub const ENTRIES: &[Entry] = &[
    entry(Priced::Operator, "operator", [1, 1, 1, 1, 1, 1, 1], "", "that of the operator", ""),
    entry(Priced::Exp, "exp", [1, 1, 1, 1, 1, 1, 1], "(eml x 1)", "x < 709.78", ""),
    entry(
        Priced::Ln,
        "ln",
        [1, 1, 1, 1, 1, 1, 1],
        "(exl 0 x)",
        "x > 0",
        "the general table's 1 needs x > 0 as well",
    ),
    entry(
        Priced::Recip,
        "recip",
        [1, 1, 1, 1, 1, 1, 1],
        "(elsb 0 x)",
        "x ≠ 0",
        "with elsb read as exp(x − ln y) it needs x > 0",
    ),
    entry(
        Priced::Neg,
        "neg",
        [2, 2, 2, 2, 2, 2, 2],
        "(exl 0 (deml x 1))",
        "−709.7 < x < 731.7",
        "published as EXL(0, DEML(0, x)), which is ln(1 − ln x)",
    ),
    entry(
        Priced::Mul,
        "mul",
        [2, 2, 2, 1, 1, 3, 2],
        "(elad (exl 0 x) y)",
        "x > 0",
        "1 presumes that ln x is there already; the general 3 chooses by sign, which no tree does",
    ),
    entry(
        Priced::Div,
        "div",
        [2, 2, 2, 2, 2, 3, 2],
        "(elsb (exl 0 x) y)",
        "x > 0, y ≠ 0",
        "the general 3 chooses by sign, which no tree does",
    ),
    entry(
        Priced::Sub,
        "sub",
        [2, 2, 2, 2, 2, 2, 2],
        "(lediv x (eml y 1))",
        "−731 < y < 709.7",
        "lediv is not one of the 16 operators of the census",
    ),
    entry(
        Priced::Sqrt,
        "sqrt",
        [2, 2, 2, 2, 1, 2, 1],
        "(epl 1/2 x)",
        "x > 0",
        "published for v4 as EML(0.5·EXL(0, x), 1), whose multiplication is not counted",
    ),
    entry(
        Priced::Pow,
        "pow",
        [3, 3, 1, 1, 1, 3, 1],
        "(epl y x)",
        "x > 0",
        "the general 3 needs x > 0 as well, and hides a multiplication",
    ),
    entry(
        Priced::AddPositive,
        "add (positive)",
        [3, 2, 2, 2, 2, 2, 2],
        "(lediv x (deml y 1))",
        "−709.7 < y < 731",
        "lediv is not one of the 16 operators of the census",
    ),
    entry(
        Priced::Add,
        "add",
        [11, 2, 2, 2, 2, 2, 2],
        "(lediv x (deml y 1))",
        "−709.7 < y < 731",
        "v4's 11 is superseded; lediv is not one of the 16 operators of the census",
    ),
    entry(
        Priced::Abs,
        "abs",
        [0, 0, 0, 2, 2, 2, 2],
        "(epl 1/2 (epl 2 x))",
        "all x",
        "with epl read as exp(x · ln y) only x > 0, where it is x",
    ),
    entry(
        Priced::Trigonometric,
        "sin, cos",
        [1, 1, 1, 1, 1, 1, 0],
        "",
        "",
        "Im and Re of eml(ix, 1): the leaf i and the parts are outside of the grammar",
    ),
];

/// An activation or law whose cost has been published.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Its name.
    pub name: &'static str,
    /// The formula as a program.
    pub formula: &'static str,
    /// The published cost, under v4; nothing where it says that there is none.
    pub claim: Option<u32>,
    /// The program that has this cost under v4.
    pub priced_as: Option<&'static str>,
    /// The smallest construction known here.
    pub construction: Option<&'static str>,
    /// Its operators.
    pub operators: u32,
    /// Where it is right.
    pub domain: &'static str,
    /// Corrections.
    pub remark: &'static str,
}

/// The table of activations, then the targets of distillation. Numbers, `(exp 1)` and the like are leaves.
pub const PUBLISHED: &[Published] = &[
    Published {
        name: "softplus",
        formula: "(log1p (exp x))",
        claim: Some(1),
        priced_as: Some("(lead x 1)"),
        construction: Some("(lead x 1)"),
        operators: 1,
        domain: "all x",
        remark: "ln(e^x + 1) as written overflows for x > 709.78; d/dx (lead x r) is σ(x − ln r), not σ(x)",
    },
    Published {
        name: "sigmoid",
        formula: "(/ 1 (+ 1 (exp (- x))))",
        claim: Some(7),
        priced_as: Some("(/ 1 (+ 1 (exp (- x))))"),
        construction: Some("(elsb 0 (deml x (exp -1)))"),
        operators: 2,
        domain: "−709 < x",
        remark: "3 with e⁻¹ as (deml 1 1)",
    },
    Published {
        name: "tanh",
        formula: "(tanh x)",
        claim: Some(9),
        priced_as: Some("(let ((a (exp x)) (b (deml x 1))) (/ (- a b) (+ a b)))"),
        construction: Some("(lediv (elsb (log 2) (deml (lediv x (deml x 1)) (exp -1))) (exp 1))"),
        operators: 5,
        domain: "−354 < x < 354",
        remark: "9 is the count with both exponentials shared; as a tree it is 11",
    },
    Published {
        name: "swish",
        formula: "(/ x (+ 1 (exp (- x))))",
        claim: Some(9),
        priced_as: Some("(* x (/ 1 (+ 1 (exp (- x)))))"),
        construction: Some("(exl (lediv 0 (deml x (exp -1))) (eml x 1))"),
        operators: 4,
        domain: "−709 < x < 709",
        remark: "the published product needs x > 0",
    },
    Published {
        name: "ReLU",
        formula: "(max 0 x)",
        claim: None,
        priced_as: None,
        construction: None,
        operators: 0,
        domain: "",
        remark: "no tree over the reals: it would be analytic; over the complex numbers (x + |x|)/2 with |x| = √(x²) is exact for x ≠ 0",
    },
    Published {
        name: "GELU",
        formula: "(* 1/2 x (+ 1 (erf (/ x (sqrt 2)))))",
        claim: None,
        priced_as: None,
        construction: None,
        operators: 0,
        domain: "",
        remark: "erf is not elementary",
    },
    Published {
        name: "Arrhenius",
        formula: "(* a (exp (- (/ c t))))",
        claim: Some(7),
        priced_as: Some("(* a (deml (/ ea (* r t)) 1))"),
        construction: Some("(elsb 0 (elsb (elsb lnc t) a))"),
        operators: 3,
        domain: "t ≠ 0, a ≠ 0",
        remark: "c is Ea/R > 0 and lnc its logarithm, a constant; the claim speaks of a 5-node tree elsewhere, and its ratio of 100:1 is an estimate",
    },
    Published {
        name: "x³ + x",
        formula: "(+ (pow x 3) x)",
        claim: Some(14),
        priced_as: Some("(+ (pow x 3) x)"),
        construction: Some("(lediv (epl 3 x) (deml x 1))"),
        operators: 3,
        domain: "0 < x < 709",
        remark: "the claim says all real x: a power by way of a logarithm needs x > 0",
    },
];

/// What the operations of a program cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pricing {
    /// Each operation with how often the program has it, in the order of [`ENTRIES`]; shared values count once.
    pub counts: Vec<(Priced, u32)>,
    /// Operations that no table prices, by name.
    pub unpriced: Vec<(&'static str, Span)>,
}

impl Pricing {
    /// The cost under a table; nothing if it does not price all operations.
    pub fn total(&self, table: Table) -> Option<u64> {
        if !self.unpriced.is_empty() {
            return None;
        }
        self.counts.iter().map(|&(of, count)| Some(u64::from(cost(of, table)?) * u64::from(count))).sum()
    }
}

/// The entry of an operation.
pub fn entry_of(of: Priced) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.of == of)
}

/// The cost of an operation under a table.
pub fn cost(of: Priced, table: Table) -> Option<u32> {
    let position = Table::ALL.iter().position(|&known| known == table)?;
    entry_of(of)?.costs[position]
}

/// What is known of a value.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    constant: bool,
    positive: bool,
    one: bool,
}

impl Known {
    fn number(value: f64) -> Known {
        Known { constant: true, positive: value > 0.0, one: value == 1.0 }
    }
}

/// The operations of a program. Constants are leaves, and so is what is computed of constants only; `positive` names the
/// inputs that are known to be positive.
///
/// # Errors
///
/// Choices, loops and calls, which the tables do not have, with their places.
pub fn price(program: &Program, positive: &[String]) -> Result<Pricing, Vec<Diagnostic>> {
    let anf = program.anf();
    let mut known: EntityVec<_, Known> = EntityVec::filled(Known::default(), anf.vars.len());
    for &input in &anf.inputs {
        known[input].positive = positive.iter().any(|name| *name == anf.vars[input].name);
    }
    let mut tally = Tally { counts: Vec::new(), unpriced: Vec::new() };
    let mut errors = Vec::new();
    let main = anf.main.map(|main| anf.blocks[main].bindings.as_slice()).unwrap_or_default();
    for binding in main {
        known[binding.var] = match &binding.rhs {
            Rhs::Constant(value) => Known::number(value.f64),
            Rhs::Primitive(primitive, operands) => {
                let of = |atom: Atom| match atom {
                    Atom::Literal(value) => Known::number(value.f64),
                    Atom::Var(var) => known[var],
                };
                let operands: Vec<Known> = operands.iter().map(|operand| of(operand.atom)).collect();
                tally.primitive(*primitive, &operands, binding.span)
            }
            Rhs::Call(..) | Rhs::Derive(..) | Rhs::If(..) | Rhs::Loop(_) => {
                let message = "the tables have no functions, choices and loops";
                errors.push(Diagnostic::error("not-priced", binding.span, message));
                Known::default()
            }
        };
    }
    if errors.is_empty() { Ok(tally.finish()) } else { Err(errors) }
}

struct Tally {
    counts: Vec<Priced>,
    unpriced: Vec<(&'static str, Span)>,
}

impl Tally {
    fn finish(self) -> Pricing {
        let count = |of: Priced| self.counts.iter().filter(|&&counted| counted == of).count() as u32;
        let counts =
            ENTRIES.iter().map(|entry| (entry.of, count(entry.of))).filter(|&(_, n)| n > 0).collect();
        Pricing { counts, unpriced: self.unpriced }
    }

    /// Counts what a primitive does, and says what is known of its value.
    fn primitive(&mut self, primitive: Primitive, operands: &[Known], span: Span) -> Known {
        let all = |known: fn(&Known) -> bool| operands.iter().all(known);
        let positive = all(|operand| operand.positive);
        let info = primitive.info();
        // The family's operators count wherever they stand: trees build constants of them.
        if info.family != "eml" && all(|operand| operand.constant) {
            return Known { constant: true, ..Known::default() };
        }
        let pairs = operands.len().saturating_sub(1);
        let mut count = |of: Priced, times: usize| self.counts.extend(std::iter::repeat_n(of, times));
        match info.alias_of.unwrap_or(info.name) {
            "exp" => count(Priced::Exp, 1),
            "log" => count(Priced::Ln, 1),
            "sqrt" => count(Priced::Sqrt, 1),
            "pow" | "square" => count(Priced::Pow, 1),
            "abs" => count(Priced::Abs, 1),
            "sin" | "cos" => count(Priced::Trigonometric, 1),
            "exact->inexact" => {}
            "+" => {
                // From the left: a sum is of positive numbers as long as all before it are.
                let mut before = operands[0].positive;
                for operand in &operands[1..] {
                    before &= operand.positive;
                    count(if before { Priced::AddPositive } else { Priced::Add }, 1);
                }
            }
            "-" if pairs == 0 => count(Priced::Neg, 1),
            "-" => count(Priced::Sub, pairs),
            "*" => count(Priced::Mul, pairs),
            "/" if pairs == 0 || pairs == 1 && operands[0].one => count(Priced::Recip, 1),
            "/" => count(Priced::Div, pairs),
            _ if info.family == "eml" => count(Priced::Operator, 1),
            name => {
                self.unpriced.push((name, span));
            }
        }
        let positive = match info.name {
            "exp" => true,
            // An exponential.
            "eml" | "deml" => operands[1].one,
            "+" | "*" | "/" | "sqrt" => positive,
            "pow" | "expt" | "square" | "abs" => operands[0].positive,
            _ => false,
        };
        Known { positive, ..Known::default() }
    }
}
