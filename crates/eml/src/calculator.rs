//! The calculator of the paper as trees: 36 constants, variables, functions and operations, each composed of
//! the constructions in [`super::translate::constructions`] and of other entries.
//!
//! A composition is a term such as `(/ (- (exp (* i x)) (recip (exp (* i x)))) (* 2 i))`. `eml`, `exp`, `ln`, `-`, `+`,
//! `*`, `/`, `neg`, `recip`, `pow` are the shortest constructions, with `*` behind the name the widest ones; `minus-ln` is
//! `x − ln y`; `exponent` is `x` of a node `exp x`, that is `ln` of it where the imaginary part of `x` is within ±π;
//! any other name is an entry.

use egg::{RecExpr, SymbolLang};
use neural_compiler::Mode;
use neural_compiler::internals::dialect::eml::tree::{Tree, TreeNode};

use super::target::{ALL, Target};
use super::translate::constructions::{Constructions, Maker};

/// A tree of the calculator.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The [`Target`] that it computes; nothing for the variables.
    pub target: Option<&'static str>,
    /// Its operands.
    pub operands: &'static [&'static str],
    /// How it is composed.
    pub composition: &'static str,
    /// Over which numbers it is right: there are trees over the complex numbers only.
    pub mode: Mode,
    /// An interval for each operand in which it is right, and in which its values are in the range of binary64.
    pub domain: &'static [(f64, f64)],
    /// The domain in exact arithmetic, in words.
    pub valid: &'static str,
    /// Bounds the error in complex128 that was measured on `domain`, relative to the larger of 1 and the value.
    pub error: f64,
    /// What is known about shorter trees.
    pub minimal: &'static str,
}

const fn entry(
    name: &'static str,
    target: &'static str,
    operands: &'static [&'static str],
    composition: &'static str,
) -> Entry {
    Entry {
        name,
        target: Some(target),
        operands,
        composition,
        mode: Mode::Real,
        domain: &[],
        valid: "",
        error: 1e-15,
        minimal: "",
    }
}

const fn constant(name: &'static str, target: &'static str, composition: &'static str) -> Entry {
    entry(name, target, &[], composition)
}

const fn unary(name: &'static str, target: &'static str, composition: &'static str) -> Entry {
    entry(name, target, &["x"], composition)
}

const fn binary(name: &'static str, target: &'static str, composition: &'static str) -> Entry {
    entry(name, target, &["x", "y"], composition)
}

impl Entry {
    const fn on(self, mode: Mode, domain: &'static [(f64, f64)], valid: &'static str) -> Entry {
        Entry { mode, domain, valid, ..self }
    }

    const fn known(self, error: f64, minimal: &'static str) -> Entry {
        Entry { error, minimal, ..self }
    }

    /// Whether it is one of the paper's 36, and not a constant that they need or a second form.
    pub fn is_published(&self) -> bool {
        let is_second = self.name.len() > 1 && self.name.ends_with('*');
        !is_second && !matches!(self.name, "0" | "1/2")
    }

    /// Its tree.
    pub fn tree(&self) -> Tree {
        let mut maker = Maker::new(Constructions::Shortest);
        let operands: Vec<TreeNode> =
            self.operands.iter().map(|name| maker.builder.variable(name, maker.span)).collect();
        let root = self.make(&mut maker, &operands);
        maker.builder.finish(root)
    }

    /// What it computes.
    pub fn function(&self) -> Option<&'static Target> {
        ALL.iter().find(|target| Some(target.name) == self.target)
    }

    fn make(&self, maker: &mut Maker, operands: &[TreeNode]) -> TreeNode {
        let parsed: Result<RecExpr<SymbolLang>, _> = self.composition.parse();
        let Ok(composition) = parsed else { unreachable!("{} is no composition", self.composition) };
        let mut made: Vec<TreeNode> = Vec::with_capacity(composition.len());
        for term in &composition {
            let of: Vec<TreeNode> = term.children.iter().map(|&id| made[usize::from(id)]).collect();
            let name = term.op.as_str();
            let variable = self.operands.iter().position(|&operand| operand == name);
            let node = match variable {
                Some(k) => operands[k],
                None => apply(maker, name, &of),
            };
            made.push(node);
        }
        made.last().copied().unwrap_or_else(|| maker.one())
    }
}

/// A construction or an entry of operands.
fn apply(maker: &mut Maker, name: &str, of: &[TreeNode]) -> TreeNode {
    let (plain, set) = match name.strip_suffix('*') {
        Some(plain) if !plain.is_empty() => (plain, Constructions::Widest),
        _ => (name, Constructions::Shortest),
    };
    let made = maker.within(set, |maker| match (plain, of) {
        ("1", []) => Some(maker.one()),
        ("eml", &[x, y]) => Some(maker.eml(x, y)),
        ("exp", &[x]) => Some(maker.exp(x)),
        ("ln", &[x]) => Some(maker.log(x)),
        ("neg", &[x]) => Some(maker.neg(x)),
        ("recip", &[x]) => Some(maker.recip(x)),
        ("+", &[x, y]) => Some(maker.add(x, y)),
        ("-", &[x, y]) => Some(maker.minus(x, y)),
        ("minus-ln", &[x, y]) => Some(maker.minus_log(x, y)),
        ("*", &[x, y]) => Some(maker.mul(x, y)),
        ("/", &[x, y]) => Some(maker.div(x, y)),
        ("pow", &[x, y]) => Some(maker.pow(x, y)),
        ("exponent", &[x]) => maker.exponent(x),
        _ => None,
    });
    match (made, find(name)) {
        (Some(made), _) => made,
        (None, Some(entry)) => entry.make(maker, of),
        (None, None) => unreachable!("{name} is neither a construction nor an entry"),
    }
}

/// The entry of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    CALCULATOR.iter().find(|entry| entry.name == name)
}

const ANY: (f64, f64) = (-5.0, 5.0);
const TAME: (f64, f64) = (-2.5, 2.5);
const POSITIVE: (f64, f64) = (0.05, 12.0);
const UNIT: (f64, f64) = (0.05, 0.95);
const REAL: Mode = Mode::Real;
const COMPLEX: Mode = Mode::Complex;

/// All entries: those of the paper, two constants that are used in them, and second forms, marked by `*`, with a wider
/// domain.
pub const CALCULATOR: &[Entry] = &[
    constant("1", "one", "1").known(0.0, "a leaf"),
    constant("0", "zero", "(ln 1)").known(1e-15, "minimal: none of K below 7 (paper)"),
    constant("-1", "minus-one", "(neg 1)").known(1e-15, "minimal of finite trees; K 15 with ln 0"),
    constant("2", "two", "(+ 1 1)").known(1e-15, "minimal: none of K below 19 (paper)"),
    constant("1/2", "half", "(recip 2)").known(1e-15, "K 29 with ln 0; 35 is the paper's for finite trees"),
    constant("e", "e", "(exp 1)").known(1e-15, "minimal"),
    constant("i", "i", "(sqrt -1)")
        .on(COMPLEX, &[], "")
        .known(1e-15, "none of K up to 55 (paper); 75 known before"),
    // ln T − T/2 = ln π for T = ln(−1) = ±iπ
    constant("pi", "pi", "(exp (minus-ln (ln (ln -1)) i))")
        .on(COMPLEX, &[], "")
        .known(3e-15, "none of K up to 53 (paper); 121 known before"),
    Entry { target: None, ..unary("x", "", "x") }.on(REAL, &[ANY], "all").known(0.0, "a leaf"),
    Entry { target: None, ..entry("y", "", &["y"], "y") }.on(REAL, &[ANY], "all").known(0.0, "a leaf"),
    unary("exp", "exp", "(eml x 1)").on(REAL, &[ANY], "all").known(1e-15, "minimal"),
    unary("ln", "ln", "(ln x)").on(REAL, &[POSITIVE], "x > 0").known(2e-15, "minimal"),
    unary("recip", "recip", "(recip x)")
        .on(REAL, &[POSITIVE], "0 < x < e^e")
        .known(2e-14, "minimal of finite trees; K 15 with ln 0"),
    unary("recip*", "recip", "(recip* x)").on(REAL, &[(0.01, 20.0)], "x > 0").known(1e-14, ""),
    unary("half", "halve", "(/ x 2)")
        .on(REAL, &[POSITIVE], "x > 0")
        .known(5e-15, "K 27 with ln 0; 43 known before for finite trees"),
    unary("neg", "neg", "(neg x)")
        .on(REAL, &[(-5.0, 2.7)], "x < e")
        .known(5e-15, "minimal of finite trees; K 15 with ln 0"),
    unary("neg*", "neg", "(neg* x)").on(REAL, &[(-500.0, 500.0)], "all").known(2e-15, ""),
    unary("sqrt", "sqrt", "(exp (half (ln x)))")
        .on(REAL, &[(1.05, 50.0)], "x > 1; over the complex numbers x ≠ 0, 1")
        .known(5e-15, "none of K up to 35, perhaps 43 (paper); 59 known before for finite trees"),
    unary("sqr", "square", "(* x x)")
        .on(REAL, &[POSITIVE], "0 < x < e^e")
        .known(2e-14, "K 17 is the paper's"),
    unary("sigmoid", "sigmoid", "(/ (exp x) (+ 1 (exp x)))")
        .on(REAL, &[(-5.0, 2.6)], "x < ln(e^e − 1) = 2.65")
        .known(2e-15, ""),
    unary("sigmoid*", "sigmoid", "(- 1 (recip* (+ 1 (exp x))))")
        .on(REAL, &[(-5.0, 5.0)], "all")
        .known(2e-15, ""),
    // (u − 1/u)/2i for u = exp ix
    unary("sin", "sin", "(/ (- (exp (* i x)) (recip (exp (* i x)))) (* 2 i))")
        .on(COMPLEX, &[ANY], "x ≠ 0")
        .known(2e-14, "335 known before, 351 published"),
    // With ix as 1 + i(i + x), where i + x is not 0, and the quotient by 2i before the difference, no logarithm meets 0.
    unary(
        "sin*",
        "sin",
        "(- (/ (exp (+ 1 (* i (+ i x)))) (* 2 i)) (recip (* (* 2 i) (exp (+ 1 (* i (+ i x)))))))",
    )
    .on(COMPLEX, &[ANY], "all")
    .known(5e-14, ""),
    unary("cos", "cos", "(half (+ (exp (* i x)) (recip (exp (* i x)))))")
        .on(COMPLEX, &[ANY], "x ≠ 0 and cos x ≠ 0")
        .known(2e-14, "269 known before"),
    unary("cos*", "cos", "(half (+ (exp (+ 1 (* i (+ i x)))) (recip (exp (+ 1 (* i (+ i x)))))))")
        .on(COMPLEX, &[ANY], "cos x ≠ 0")
        .known(5e-14, ""),
    // 2i/(1 + exp 2ix) − i
    unary("tan", "tan", "(- (/ (* 2 i) (+ 1 (exp (* (* 2 i) x)))) i)")
        .on(COMPLEX, &[(-1.5, 1.5)], "x ≠ 0 and cos x ≠ 0")
        .known(5e-13, "651 known before"),
    unary("tan*", "tan", "(- (/ (* 2 i) (+ 1 (exp (+ 2 (* (* 2 i) (+ i x)))))) i)")
        .on(COMPLEX, &[(-1.5, 1.5)], "cos x ≠ 0")
        .known(5e-13, ""),
    // ln(x + √(x² − 1)) − iπ/2, divided by −i
    unary("asin", "asin", "(/ (minus-ln (half (ln -1)) (+ (sqrt (- (sqr x) 1)) x)) i)")
        .on(COMPLEX, &[UNIT], "0 < x < 1")
        .known(5e-15, ""),
    unary("asin*", "asin", "(/ (ln (+ (* i x) (sqrt (- 1 (sqr x))))) i)")
        .on(COMPLEX, &[(-0.95, 0.95)], "−1 < x < 1, x ≠ 0")
        .known(1e-14, ""),
    unary("acos", "acos", "(/ (ln (+ (sqrt (- (sqr x) 1)) x)) i)")
        .on(COMPLEX, &[UNIT], "0 < x < 1")
        .known(5e-15, ""),
    unary("acos*", "acos", "(/ (ln (+ (* i (sqrt (- 1 (sqr x)))) x)) i)")
        .on(COMPLEX, &[(-0.95, 0.95)], "−1 < x < 1, x ≠ 0")
        .known(1e-14, ""),
    // ln((i − x)/(i + x))/2i
    unary("atan", "atan", "(/ (exponent (/ (- i x) (+ i x))) (* 2 i))")
        .on(COMPLEX, &[ANY], "x ≠ 0")
        .known(5e-15, ""),
    unary("sinh", "sinh", "(half (- (exp x) (recip (exp x))))")
        .on(COMPLEX, &[TAME], "x ≠ 0; over the reals 0 < x < e")
        .known(2e-14, "81 known before"),
    unary("sinh*", "sinh", "(- (exp x) (cosh* x))").on(REAL, &[(-5.0, 5.0)], "all").known(1e-14, ""),
    unary("cosh", "cosh", "(half (+ (recip (exp x)) (exp x)))")
        .on(REAL, &[(-0.95, 2.6)], "−1 < x < e")
        .known(2e-14, "89 known before"),
    unary("cosh*", "cosh", "(half (- (exp x) (neg* (exp (neg* x)))))")
        .on(REAL, &[(-5.0, 5.0)], "all")
        .known(1e-14, ""),
    // (P − 1)/(P + 1) for P = exp 2x
    unary("tanh", "tanh", "(/ (- (* (exp x) (exp x)) 1) (+ 1 (* (exp x) (exp x))))")
        .on(COMPLEX, &[TAME], "x ≠ 0; over the reals 0 < x < 1.33")
        .known(1e-14, "201 known before"),
    unary("tanh*", "tanh", "(- 1 (* 2 (recip* (+ 1 (exp (+* x x))))))")
        .on(REAL, &[(-5.0, 2.5)], "all")
        .known(1e-14, ""),
    unary("asinh", "asinh", "(ln (+ (sqrt (+ 1 (sqr x))) x))")
        .on(COMPLEX, &[ANY], "x ≠ 0; over the reals 0 < x < e")
        .known(1e-13, ""),
    unary("acosh", "acosh", "(ln (+ (sqrt (- (sqr x) 1)) x))")
        .on(COMPLEX, &[(1.05, 12.0)], "x > 1")
        .known(5e-15, ""),
    unary("atanh", "atanh", "(half (exponent (/ (+ 1 x) (- 1 x))))")
        .on(COMPLEX, &[(-0.95, 0.95)], "−1 < x < 1, x ≠ 0; over the reals 0 < x < 1")
        .known(2e-14, ""),
    binary("+", "add", "(+ x y)")
        .on(REAL, &[(-5.0, 2.7), ANY], "x < e")
        .known(2e-14, "minimal of finite trees"),
    binary("+*", "add", "(+* x y)").on(REAL, &[ANY, ANY], "all").known(5e-14, "K 19, as narrow"),
    binary("-", "sub", "(- x y)").on(REAL, &[POSITIVE, ANY], "x > 0").known(1e-14, "minimal"),
    binary("*", "mul", "(* x y)")
        .on(REAL, &[POSITIVE, POSITIVE], "0 < x < e^e, y > 0")
        .known(2e-14, "K 17 is the paper's"),
    binary("**", "mul", "(** x y)").on(REAL, &[(0.05, 20.0), (0.05, 20.0)], "x > 0, y > 0").known(2e-14, ""),
    binary("/", "div", "(/ x y)")
        .on(REAL, &[POSITIVE, POSITIVE], "x > 0, 0 < y < e^e")
        .known(2e-14, "K 17 is the paper's"),
    binary("/*", "div", "(/* x y)").on(REAL, &[(0.05, 20.0), (0.05, 20.0)], "x > 0, y > 0").known(2e-14, ""),
    binary("log", "log", "(/ (ln y) (ln x))")
        .on(
            REAL,
            &[(1.1, 12.0), (1.1, 12.0)],
            "y to the base x: x > 1, y > 1; over the complex numbers x, y ≠ 0, 1",
        )
        .known(2e-14, "K 29 is the paper's; 37 known before for finite trees"),
    binary("pow", "pow", "(pow x y)")
        .on(REAL, &[(1.1, 5.0), (0.1, 3.0)], "x > 1, 0 < y < e^e; over the complex numbers x ≠ 0, 1, y ≠ 0")
        .known(5e-14, "K 25 is the paper's"),
    binary("avg", "avg", "(half (+ x y))")
        .on(REAL, &[(0.05, 2.7), (0.05, 5.0)], "x < e, x + y > 0")
        .known(1e-14, "none of K up to 27 (paper); 69 known before"),
    binary("hypot", "hypot", "(sqrt (+ (sqr x) (sqr y)))")
        .on(COMPLEX, &[ANY, ANY], "x, y ≠ 0, x² ≠ e, x² + y² ≠ 1")
        .known(5e-15, ""),
];
