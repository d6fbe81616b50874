//! Shapes and types of graph values.

use std::fmt;

use crate::limits::MAX_ELEMENTS;

/// The shape of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// One number.
    Scalar,
    /// A complex number: its real and its imaginary part.
    Complex,
    /// So many numbers.
    Vector(u32),
    /// Rows and columns, row-major.
    Matrix(u32, u32),
}

impl Shape {
    /// How many numbers a value of this shape is. On machines of 32 bits products beyond their range count as
    /// `usize::MAX`, which is more than any value has.
    pub fn len(self) -> usize {
        match self {
            Shape::Scalar => 1,
            Shape::Complex => 2,
            Shape::Vector(n) => n as usize,
            Shape::Matrix(n, m) => (n as usize).saturating_mul(m as usize),
        }
    }

    /// The shape, if a value can have it.
    ///
    /// # Errors
    ///
    /// Extents of zero, and more than [`MAX_ELEMENTS`] numbers.
    pub fn checked(self) -> Result<Shape, ExtentError> {
        match self.len() {
            0 => Err(ExtentError { shape: self, empty: true }),
            n if n > MAX_ELEMENTS => Err(ExtentError { shape: self, empty: false }),
            _ => Ok(self),
        }
    }

    /// A vector of so many numbers.
    ///
    /// # Errors
    ///
    /// As [`Shape::checked`]; so are more than `u32::MAX` numbers.
    pub fn vector(len: usize) -> Result<Shape, ExtentError> {
        Shape::Vector(u32::try_from(len).unwrap_or(u32::MAX)).checked()
    }

    /// A matrix of so many rows and columns.
    ///
    /// # Errors
    ///
    /// As [`Shape::checked`]; so are extents above `u32::MAX`.
    pub fn matrix(rows: usize, columns: usize) -> Result<Shape, ExtentError> {
        let extent = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Shape::Matrix(extent(rows), extent(columns)).checked()
    }

    /// How many elements a value of this shape has: as many as numbers, but a complex number is one element.
    pub fn elements(self) -> usize {
        if self == Shape::Complex { 1 } else { self.len() }
    }

    /// Whether it has no elements. Shapes of programs never do.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Rows and columns, a vector being a column, and so are the parts of a complex number.
    pub fn extents(self) -> (u32, u32) {
        match self {
            Shape::Scalar => (1, 1),
            Shape::Complex => (2, 1),
            Shape::Vector(n) => (n, 1),
            Shape::Matrix(n, m) => (n, m),
        }
    }

    /// The extents, outermost first. The parts of a complex number are none.
    pub fn dims(self) -> Vec<usize> {
        match self {
            Shape::Scalar | Shape::Complex => vec![],
            Shape::Vector(n) => vec![n as usize],
            Shape::Matrix(n, m) => vec![n as usize, m as usize],
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Scalar => write!(f, "scalar"),
            Shape::Complex => write!(f, "complex"),
            Shape::Vector(n) => write!(f, "vec {n}"),
            Shape::Matrix(n, m) => write!(f, "mat {n}×{m}"),
        }
    }
}

/// A shape that no value can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct ExtentError {
    shape: Shape,
    empty: bool,
}

impl ExtentError {
    fn words(&self) -> String {
        let shape = self.shape;
        match self.empty {
            true => format!("{shape} has no elements"),
            false => format!("{shape} has more than {MAX_ELEMENTS} elements"),
        }
    }
}

/// What the elements of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Elem {
    /// Real numbers.
    Num,
    /// Truth values. The language has none: they become 1 and 0 where a number is wanted.
    Bool,
}

/// Element kind and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type {
    /// What the elements are.
    pub elem: Elem,
    /// How they are arranged.
    pub shape: Shape,
}

impl Type {
    /// One real number.
    pub const NUM: Type = Type { elem: Elem::Num, shape: Shape::Scalar };
    /// One truth value.
    pub const BOOL: Type = Type { elem: Elem::Bool, shape: Shape::Scalar };

    /// Real numbers of a shape.
    pub fn num(shape: Shape) -> Type {
        Type { elem: Elem::Num, shape }
    }
    /// Truth values of a shape.
    pub fn bool(shape: Shape) -> Type {
        Type { elem: Elem::Bool, shape }
    }
    /// How many elements there are.
    pub fn len(self) -> usize {
        self.shape.len()
    }
    /// Whether this is a single number or truth value.
    pub fn is_scalar(self) -> bool {
        self.shape == Shape::Scalar
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.elem, self.shape) {
            (Elem::Num, shape) => write!(f, "{shape}"),
            (Elem::Bool, Shape::Scalar) => write!(f, "bool"),
            (Elem::Bool, shape) => write!(f, "bool {shape}"),
        }
    }
}
