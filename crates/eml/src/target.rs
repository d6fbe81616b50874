//! What trees are checked against: functions and constants with points and tolerances.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, FRAC_PI_4, FRAC_PI_6, PI};

use super::precise::{Big, Context};

/// A function or constant that a tree may stand for.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What its operands are called unless the caller says otherwise.
    pub variables: &'static [&'static str],
    /// Points with the largest absolute error at each. Those of `sin` and `cos` are the board's.
    pub points: &'static [(&'static [f64], f64)],
    /// The interval that random operands are drawn from.
    pub domain: (f64, f64),
    /// Whether it is holomorphic near the real points of its domain, so that complex operands make sense.
    pub holomorphic: bool,
    /// The value; nothing where it has none.
    pub value: fn(&mut Context, &[Big]) -> Option<Big>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The published tolerance.
pub const TOLERANCE: f64 = 1e-10;
/// The board's tolerance where its reference value is a rounded zero.
const ROUNDED: f64 = 1e-9;

type Points = &'static [(&'static [f64], f64)];

const CONSTANT: Points = &[(&[], TOLERANCE)];
const REAL: Points = &[
    (&[-2.5], TOLERANCE),
    (&[-0.75], TOLERANCE),
    (&[0.3], TOLERANCE),
    (&[1.25], TOLERANCE),
    (&[2.25], TOLERANCE),
];
const POSITIVE: Points = &[
    (&[0.125], TOLERANCE),
    (&[0.7], TOLERANCE),
    (&[1.25], TOLERANCE),
    (&[2.25], TOLERANCE),
    (&[7.5], TOLERANCE),
];
const BELOW_ONE: Points = &[
    (&[-0.875], TOLERANCE),
    (&[-0.3], TOLERANCE),
    (&[0.125], TOLERANCE),
    (&[0.5], TOLERANCE),
    (&[0.75], TOLERANCE),
];
const ABOVE_ONE: Points = &[
    (&[1.125], TOLERANCE),
    (&[1.75], TOLERANCE),
    (&[2.5], TOLERANCE),
    (&[4.0], TOLERANCE),
    (&[7.5], TOLERANCE),
];
const PAIRS: Points = &[
    (&[-2.5, 0.3], TOLERANCE),
    (&[-0.75, -1.5], TOLERANCE),
    (&[0.3, 2.25], TOLERANCE),
    (&[1.25, -0.4], TOLERANCE),
    (&[2.25, 1.75], TOLERANCE),
];
const POSITIVE_PAIRS: Points = &[
    (&[0.25, 3.0], TOLERANCE),
    (&[0.7, 0.4], TOLERANCE),
    (&[1.25, 2.5], TOLERANCE),
    (&[2.25, 1.75], TOLERANCE),
    (&[4.5, 0.6], TOLERANCE),
];

const fn constant(name: &'static str, value: fn(&mut Context, &[Big]) -> Option<Big>) -> Target {
    Target { name, variables: &[], points: CONSTANT, domain: (0.0, 0.0), holomorphic: true, value }
}
const fn unary(name: &'static str, value: fn(&mut Context, &[Big]) -> Option<Big>) -> Target {
    Target { name, variables: &["x"], points: REAL, domain: (-3.0, 3.0), holomorphic: true, value }
}
const fn binary(name: &'static str, value: fn(&mut Context, &[Big]) -> Option<Big>) -> Target {
    Target { name, variables: &["x", "y"], points: PAIRS, domain: (-3.0, 3.0), holomorphic: true, value }
}
const fn on_positive(target: Target) -> Target {
    let points = if target.variables.len() == 1 { POSITIVE } else { POSITIVE_PAIRS };
    Target { points, domain: (0.05, 8.0), ..target }
}

/// A unary target between −1 and 1.
const fn below_one(target: Target) -> Target {
    Target { points: BELOW_ONE, domain: (-0.95, 0.95), ..target }
}

/// All targets.
pub const ALL: &[Target] = &[
    Target {
        points: &[
            (&[0.0], TOLERANCE),
            (&[FRAC_PI_6], TOLERANCE),
            (&[FRAC_PI_4], TOLERANCE),
            (&[FRAC_PI_2], TOLERANCE),
            (&[PI], ROUNDED),
            (&[-FRAC_PI_6], TOLERANCE),
        ],
        ..unary("sin", sin)
    },
    Target {
        points: &[
            (&[0.0], TOLERANCE),
            (&[FRAC_PI_3], TOLERANCE),
            (&[FRAC_PI_2], ROUNDED),
            (&[PI], TOLERANCE),
            (&[-FRAC_PI_3], TOLERANCE),
        ],
        ..unary("cos", cos)
    },
    unary("tan", |c, v| {
        let (sin, cos) = (sin(c, v)?, cos(c, v)?);
        quotient(c, &sin, &cos)
    }),
    unary("exp", |c, v| c.exp(&v[0])),
    on_positive(unary("ln", |c, v| Some(c.ln(&v[0])))),
    unary("neg", |c, v| Some(c.neg(&v[0]))),
    unary("recip", |c, v| {
        let one = c.real(1.0);
        quotient(c, &one, &v[0])
    }),
    on_positive(unary("sqrt", |c, v| root(c, &v[0]))),
    unary("square", |c, v| Some(c.mul(&v[0], &v[0]))),
    Target {
        holomorphic: false,
        ..unary("abs", |c, v| {
            let re = c.abs(&v[0]);
            Some(Big { re, im: c.real(0.0).re })
        })
    },
    unary("sinh", |c, v| half_sum(c, &v[0], -1.0)),
    unary("cosh", |c, v| half_sum(c, &v[0], 1.0)),
    unary("tanh", |c, v| {
        let (sinh, cosh) = (half_sum(c, &v[0], -1.0)?, half_sum(c, &v[0], 1.0)?);
        quotient(c, &sinh, &cosh)
    }),
    unary("sigmoid", |c, v| {
        let (one, minus) = (c.real(1.0), c.neg(&v[0]));
        let power = c.exp(&minus)?;
        quotient(c, &one, &c.add(&one, &power))
    }),
    below_one(unary("asin", asin)),
    below_one(unary("acos", |c, v| {
        let (right, angle) = (c.pi(), asin(c, v)?);
        Some(c.sub(&c.mul(&right, &c.real(0.5)), &angle))
    })),
    unary("atan", |c, v| {
        // artanh(ix)/i
        let i = imaginary(c);
        let turned = c.mul(&i, &v[0]);
        let area = atanh(c, &[turned])?;
        quotient(c, &area, &i)
    }),
    unary("asinh", |c, v| {
        let square = c.add(&c.mul(&v[0], &v[0]), &c.real(1.0));
        let root = root(c, &square)?;
        log(c, &c.add(&v[0], &root))
    }),
    Target {
        points: ABOVE_ONE,
        domain: (1.05, 8.0),
        ..unary("acosh", |c, v| {
            let (above, below) = (c.add(&v[0], &c.real(1.0)), c.sub(&v[0], &c.real(1.0)));
            let (above, below) = (root(c, &above)?, root(c, &below)?);
            log(c, &c.add(&v[0], &c.mul(&above, &below)))
        })
    },
    below_one(unary("atanh", atanh)),
    unary("halve", |c, v| Some(c.mul(&v[0], &c.real(0.5)))),
    unary("successor", |c, v| Some(c.add(&v[0], &c.real(1.0)))),
    unary("identity", |_, v| Some(v[0].clone())),
    binary("add", |c, v| Some(c.add(&v[0], &v[1]))),
    binary("sub", |c, v| Some(c.sub(&v[0], &v[1]))),
    binary("mul", |c, v| Some(c.mul(&v[0], &v[1]))),
    binary("div", |c, v| quotient(c, &v[0], &v[1])),
    on_positive(binary("pow", |c, v| power(c, &v[0], &v[1]))),
    on_positive(binary("log", |c, v| {
        // Of y, to the base x.
        let (base, y) = (log(c, &v[0])?, log(c, &v[1])?);
        quotient(c, &y, &base)
    })),
    binary("avg", |c, v| Some(c.mul(&c.add(&v[0], &v[1]), &c.real(0.5)))),
    binary("hypot", |c, v| {
        let sum = c.add(&c.mul(&v[0], &v[0]), &c.mul(&v[1], &v[1]));
        root(c, &sum)
    }),
    constant("zero", |c, _| Some(c.real(0.0))),
    constant("minus-one", |c, _| Some(c.real(-1.0))),
    constant("one", |c, _| Some(c.real(1.0))),
    constant("two", |c, _| Some(c.real(2.0))),
    constant("half", |c, _| Some(c.real(0.5))),
    constant("e", |c, _| {
        let one = c.real(1.0);
        c.exp(&one)
    }),
    constant("pi", |c, _| Some(c.pi())),
    constant("i", |c, _| Some(imaginary(c))),
];

impl Target {
    /// A target by its name, `sin`, or with names for its operands, `sin(t)`; and the names.
    pub fn parse(text: &str) -> Option<(&'static Target, Vec<String>)> {
        let (name, rest) = text.split_once('(').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let target = ALL.iter().find(|target| target.name == name.trim())?;
        let variables: Vec<String> = match rest {
            None => target.variables.iter().map(|&variable| variable.to_string()).collect(),
            Some(rest) => {
                rest.trim_end().strip_suffix(')')?.split(',').map(|name| name.trim().to_string()).collect()
            }
        };
        let distinct = variables.iter().enumerate().all(|(k, name)| !variables[..k].contains(name));
        (variables.len() == target.variables.len() && distinct).then_some((target, variables))
    }
}

fn imaginary(c: &Context) -> Big {
    Big { re: c.real(0.0).re, im: c.real(1.0).re }
}

fn quotient(c: &Context, x: &Big, y: &Big) -> Option<Big> {
    (!(y.re.is_zero() && y.im.is_zero())).then(|| c.div(x, y))
}

/// `ln x`; nothing for 0.
fn log(c: &mut Context, x: &Big) -> Option<Big> {
    (!(x.re.is_zero() && x.im.is_zero())).then(|| c.ln(x))
}

/// `√x`, principal branch.
fn root(c: &mut Context, x: &Big) -> Option<Big> {
    if x.re.is_zero() && x.im.is_zero() {
        return Some(x.clone());
    }
    let half = c.real(0.5);
    power(c, x, &half)
}

/// `exp(y · ln x)`.
fn power(c: &mut Context, x: &Big, y: &Big) -> Option<Big> {
    let log = c.ln(x);
    let product = c.mul(y, &log);
    c.exp(&product)
}

/// `(exp x + sign · exp(−x))/2`.
fn half_sum(c: &mut Context, x: &Big, sign: f64) -> Option<Big> {
    let minus = c.neg(x);
    let (up, down) = (c.exp(x)?, c.exp(&minus)?);
    let sum = c.add(&up, &c.mul(&c.real(sign), &down));
    Some(c.mul(&sum, &c.real(0.5)))
}

fn sin(c: &mut Context, v: &[Big]) -> Option<Big> {
    let i = imaginary(c);
    let turned = c.mul(&i, &v[0]);
    let sinh = half_sum(c, &turned, -1.0)?;
    quotient(c, &sinh, &i)
}

fn cos(c: &mut Context, v: &[Big]) -> Option<Big> {
    let turned = c.mul(&imaginary(c), &v[0]);
    half_sum(c, &turned, 1.0)
}

/// `ln(ix + √(1 − x²))/i`
fn asin(c: &mut Context, v: &[Big]) -> Option<Big> {
    let i = imaginary(c);
    let square = c.mul(&v[0], &v[0]);
    let cos = root(c, &c.sub(&c.real(1.0), &square))?;
    let angle = log(c, &c.add(&c.mul(&i, &v[0]), &cos))?;
    quotient(c, &angle, &i)
}

/// `(ln(1 + x) − ln(1 − x))/2`
fn atanh(c: &mut Context, v: &[Big]) -> Option<Big> {
    let one = c.real(1.0);
    let (above, below) = (log(c, &c.add(&one, &v[0]))?, log(c, &c.sub(&one, &v[0]))?);
    Some(c.mul(&c.sub(&above, &below), &c.real(0.5)))
}
