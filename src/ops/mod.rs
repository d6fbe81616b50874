//! The table of primitives.

/// A primitive of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Primitive(u16);

/// How many operands a primitive takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    /// At least this many.
    pub min: usize,
    /// At most this many; `None` for any number.
    pub max: Option<usize>,
}

const fn exactly(n: usize) -> Arity {
    Arity { min: n, max: Some(n) }
}
const fn at_least(n: usize) -> Arity {
    Arity { min: n, max: None }
}
const fn between(min: usize, max: usize) -> Arity {
    Arity { min, max: Some(max) }
}

const TABLE: &[(&str, Arity)] = &[
    ("+", at_least(0)),
    ("-", at_least(1)),
    ("*", at_least(0)),
    ("/", at_least(1)),
    ("pow", exactly(2)),
    ("expt", exactly(2)),
    ("sqrt", exactly(1)),
    ("sin", exactly(1)),
    ("atan", between(1, 2)),
    ("not", exactly(1)),
    ("<", at_least(1)),
    ("=", at_least(1)),
    ("vec", at_least(1)),
    ("mat", at_least(1)),
    ("ref", between(2, 3)),
];

impl Primitive {
    /// The primitive of this name.
    pub fn from_name(name: &str) -> Option<Primitive> {
        TABLE.iter().position(|(n, _)| *n == name).map(|i| Primitive(i as u16))
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        TABLE[self.0 as usize].0
    }
    /// How many operands it takes.
    pub fn arity(self) -> Arity {
        TABLE[self.0 as usize].1
    }
    /// All names, for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(n, _)| *n)
    }
}
