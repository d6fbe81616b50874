//! The table of operations.
//!
//! Everything about an operation stands in one entry of a family file: its names in the language, type rule,
//! definition over [`Lanes`] (which is its reference value *and* its machine code), adjoint and tangent rule,
//! kinks, safe domain, error bound and a line of documentation. `registry!` lists the entries; the rest of the compiler
//! goes through [`Op`].
//!
//! * [`arithmetic`], [`elementary`], [`special`], [`rounding`], [`logic`]: element by element;
//! * [`structure`], [`vector`], [`matrix`], [`linear`]: shapes, over [`Arrays`](array::Arrays);
//! * [`complex`]: complex numbers as pairs of real ones;
//! * [`eml`]: the operator `eml` and its relatives, made of the others;
//! * [`counting`]: the steps of a row;
//! * [`conditions`]: where operations are defined and where they have kinks;
//! * [`primitives`]: how the names of the language expand to operations;
//! * [`Algebra`]: what derivative rules, complex numbers and primitives are built with.
//!
//! **Invariant**: an entry is all that there is to an operation: its definition is its reference value and its code.
//!
//! **Boundary**: knows recipes, types and how nodes are made, and no stage.

pub(crate) mod algebra;
pub mod arithmetic;
pub(crate) mod array;
pub mod complex;
pub mod conditions;
pub mod counting;
pub mod elementary;
mod elimination;
pub mod eml;
pub mod linear;
pub mod logic;
pub mod matrix;
pub mod primitives;
pub mod rounding;
pub mod special;
pub mod structure;
pub mod vector;

use std::fmt;

use nc_runtime::lanes::{Lanes, Precision, Scalar, Scalar32};
use nc_runtime::recipes::full_range::Number;

use crate::types::{Elem, Shape, Type};
pub use algebra::{Algebra, Requirement};
use array::{Arrays, Unrolled};
pub use conditions::{Domain, Kink, Met, Singularity, Watch};
pub use primitives::{Arity, Primitive};

/// Values of more elements than this stand in memory, and loops go over their elements.
pub const LARGE: usize = 64;

/// How far a computed element may lie from the exact result for the same operands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// No rounding happens.
    Exact,
    /// At most this many units in the last place of the exact result.
    Ulp(f64),
    /// A composition of correctly rounded operations; what it is follows from the formula.
    Composed(&'static str),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Exact => write!(f, "exact"),
            Bound::Ulp(ulp) => write!(f, "{ulp} ULP"),
            Bound::Composed(formula) => write!(f, "{formula}"),
        }
    }
}

/// How the language spells an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Syntax {
    /// It has no name: derivatives and other operations are made of it.
    Internal,
    /// It has no name, and is part of what this name computes of complex numbers, or of some of its operands.
    Part(&'static str),
    /// `(name x …)` with as many operands as the operation takes.
    Call(&'static [&'static str]),
    /// `(name x …)` folded from the left.
    Fold {
        /// Its names.
        names: &'static [&'static str],
        /// The value of `(name)`.
        empty: Option<f64>,
        /// What `(name x)` means.
        one: Single,
    },
    /// `(name a b c …)`: every neighbouring pair compares.
    Chain(&'static [&'static str]),
}

/// What an n-ary operation does with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single {
    /// Returns it.
    Identity,
    /// `(- x)`: flips its sign.
    Negate,
    /// `(/ x)`: divides 1 by it.
    Reciprocal,
}

/// The descriptive half of an operation's entry.
#[derive(Debug, Clone, Copy)]
pub struct OpInfo {
    /// The name in dumps.
    pub name: &'static str,
    /// Spelling in the language.
    pub syntax: Syntax,
    /// One line of documentation.
    pub doc: &'static str,
    /// Error bound per element.
    pub bound: Bound,
    /// The derivative, as a formula.
    pub derivative: &'static str,
    /// Where the derivative jumps and what it is there; empty if nowhere.
    pub kinks: &'static str,
    /// Where it is defined; `None` for everywhere.
    pub domain: Option<Domain>,
    /// The kinks that can be watched.
    pub kink: Option<Kink>,
    /// Where it has a value and no finite derivative; `None` for nowhere.
    pub singular: Option<Singularity>,
}

impl OpInfo {
    /// Its name in the language, or that of what it is a part of; the one in dumps if it has neither.
    pub fn spelling(&self) -> &'static str {
        match self.syntax {
            Syntax::Internal => self.name,
            Syntax::Part(name) => name,
            Syntax::Call(names) | Syntax::Fold { names, .. } | Syntax::Chain(names) => names[0],
        }
    }

    /// A condition on its operands, called as in its derivative: a and b if it folds, else x and y.
    pub fn in_words(&self, condition: &str) -> String {
        let names = match self.syntax {
            Syntax::Fold { .. } => ["a", "b", "c", "d"],
            Syntax::Internal | Syntax::Part(_) | Syntax::Call(_) | Syntax::Chain(_) => ["x", "y", "c", "d"],
        };
        conditions::filled(condition, &names)
    }
}

/// One element of a value over lanes.
pub enum Lane<L: Lanes> {
    /// A number per lane.
    F(L::F),
    /// A truth value per lane.
    M(L::M),
}

impl<L: Lanes> Clone for Lane<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L: Lanes> Copy for Lane<L> {}

impl<L: Lanes<F: fmt::Debug, M: fmt::Debug>> fmt::Debug for Lane<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lane::F(number) => number.fmt(f),
            Lane::M(truth) => truth.fmt(f),
        }
    }
}

impl<L: Lanes> Lane<L> {
    /// The number. Type rules have made sure that it is one.
    pub fn f(self) -> L::F {
        match self {
            Lane::F(f) => f,
            Lane::M(_) => unreachable!("type rules keep truth values out of arithmetic"),
        }
    }
    /// The truth value. Type rules have made sure that it is one.
    pub fn m(self) -> L::M {
        match self {
            Lane::M(m) => m,
            Lane::F(_) => unreachable!("type rules keep numbers out of logic"),
        }
    }
}

/// An operand over lanes: its type and its elements, row-major.
pub struct Operand<'a, L: Lanes> {
    /// Type of the whole.
    pub ty: Type,
    /// Its elements.
    pub elems: &'a [Lane<L>],
}

impl<L: Lanes> Clone for Operand<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L: Lanes> Copy for Operand<'_, L> {}

impl<L: Lanes> Operand<'_, L> {
    /// Element `i` of the value broadcast to a larger shape.
    fn at(&self, i: usize) -> Lane<L> {
        if self.ty.is_scalar() { self.elems[0] } else { self.elems[i] }
    }
}

/// One use of an operation, as derivative rules see it.
#[derive(Debug, Clone)]
pub struct Site<V> {
    /// Its result.
    pub node: V,
    /// Its attribute.
    pub attr: u32,
    /// Its type.
    pub ty: Type,
    /// Its operands.
    pub args: Vec<V>,
}

/// What flows through one operand of an operation in differentiation.
#[derive(Debug, Clone, Copy)]
pub enum Term<V> {
    /// Nothing: the derivative is zero everywhere.
    Zero,
    /// A contribution.
    Value {
        /// The contribution.
        value: V,
        /// Where it counts; `None` for everywhere. Elsewhere the operand was not selected.
        edge: Option<V>,
    },
}

impl<V> Term<V> {
    /// A contribution that counts everywhere.
    pub fn always(value: V) -> Term<V> {
        Term::Value { value, edge: None }
    }
    /// A contribution that counts where `edge` holds.
    pub fn guarded(edge: V, value: V) -> Term<V> {
        Term::Value { value, edge: Some(edge) }
    }
}

/// Operand shapes that an operation does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ShapeError {
    /// What is wrong, with the shapes.
    pub message: String,
    /// The operand that is at fault, if one is.
    pub operand: Option<usize>,
    /// Whether what is wrong is that it is complex, of an operation that takes real numbers only.
    complex: bool,
}

impl ShapeError {
    pub(crate) fn new(message: impl Into<String>) -> ShapeError {
        ShapeError { message: message.into(), operand: None, complex: false }
    }
    pub(crate) fn at(operand: usize, message: impl Into<String>) -> ShapeError {
        ShapeError { operand: Some(operand), ..ShapeError::new(message) }
    }
    /// An operand is complex, and the operation takes real numbers only.
    fn complex(operand: usize, name: &str) -> ShapeError {
        let message = format!("{name} of complex: it takes real numbers");
        ShapeError { complex: true, ..ShapeError::at(operand, message) }
    }
    /// The error of an operation in the words of a primitive that is made of it, whose users may not know the operation.
    fn of_primitive(self, name: &str) -> ShapeError {
        match self {
            ShapeError { complex: true, operand: Some(operand), .. } => ShapeError::complex(operand, name),
            error => error,
        }
    }
}

/// The common shape of operands of which scalars broadcast.
pub fn broadcast(name: &str, args: &[Type]) -> Result<Shape, ShapeError> {
    let mut shape = Shape::Scalar;
    for (i, arg) in args.iter().enumerate() {
        if arg.shape == Shape::Scalar || arg.shape == shape {
            continue;
        }
        if shape != Shape::Scalar {
            return Err(ShapeError::at(i, format!("{name} of {shape} and {}: shapes differ", arg.shape)));
        }
        shape = arg.shape;
    }
    Ok(shape)
}

/// An entry of the table.
pub(crate) trait Rule {
    const INFO: OpInfo;
    /// How many operands it takes; `None` for any number.
    const OPERANDS: Option<usize>;
    /// Whether it only moves elements: then it works on truth values too, and its derivative rules move masks.
    const MOVES: bool = false;
    /// Whether it works element by element, scalars broadcasting.
    const ELEMENTWISE: bool = false;
    /// Whether its two operands may change places.
    const COMMUTES: bool = false;
    /// What an element costs, an addition being 1. Of elementwise operations only.
    const COST: usize = 1;
    /// Whether its recipe reports operands beyond a fast range.
    const FAST_RANGE: bool = false;
    /// Whether its value may jump where its operands do not.
    const JUMPS: bool = false;
    /// Whether it is made of exponentials, logarithms, roots and choices (J. Liouville, 1833), such as the trigonometric functions.
    const ELEMENTARY: bool = true;

    /// The type of the result.
    fn result_type(args: &[Type]) -> Result<Type, ShapeError>;

    /// Whether the result may have a type. That follows from the operands' types, but for operations that carry their own.
    fn fits(_attr: u32, ty: Type, args: &[Type]) -> bool {
        Self::result_type(args) == Ok(ty)
    }

    /// About how many scalar operations it stands for.
    fn work(_args: &[Type], ty: Type) -> usize {
        ty.len()
    }

    /// One element of the result of an elementwise operation.
    fn element<L: Lanes>(_: &L, _: &[Lane<L>]) -> Lane<L> {
        unreachable!("only elementwise operations have elements of their own")
    }

    /// An operand of so many elements or more goes through loops over memory also where it is small enough to be taken apart.
    const LOOPS_FROM: usize = usize::MAX;

    /// From how many elements on it is a loop where another operation loops over its operand, which stands in memory then: taken
    /// apart it would be quicker by less than it takes to compile.
    const LOOPS_BESIDE: usize = Self::LOOPS_FROM;

    /// The result of an operation that is not elementwise.
    fn array<A: Arrays>(_: &A, _attr: u32, _ty: Type, _args: &[A::Operand]) -> A::Form {
        unreachable!("elementwise operations go through their elements")
    }

    /// The result over lanes.
    fn eval<L: Lanes>(l: &L, attr: u32, ty: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
        if !Self::ELEMENTWISE {
            return Self::array(&Unrolled::new(l, args), attr, ty, args).into_owned();
        }
        let mut lanes = [args[0].at(0); MAX_OPERANDS];
        let lanes = &mut lanes[..args.len()];
        (0..ty.len())
            .map(|i| {
                lanes.iter_mut().zip(args).for_each(|(lane, arg)| *lane = arg.at(i));
                Self::element(l, lanes)
            })
            .collect()
    }

    /// What it is for operands some of which are complex numbers, the others being real scalars; `None` if it takes real
    /// ones only.
    fn complex<A: Algebra>(_: &mut A, _: &[A::V]) -> Option<A::V> {
        None
    }

    /// The contribution of operand `wrt` to the tangent of the result, `t` being that operand's tangent.
    ///
    /// `active` is there if some elements of `t` count and others do not, and tells which: the others are zero, but
    /// what they would be multiplied by may be infinite. Only operations that mix elements need to look at it.
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V>;

    /// The tangent of the result as a whole, where that is simpler than the sum of its operands' contributions.
    fn whole_tangent<A: Algebra>(
        _g: &mut A,
        _site: &Site<A::V>,
        _elem: Elem,
        _tangents: &[Option<A::V>],
    ) -> Option<A::V> {
        None
    }

    /// The contribution to the cotangent of operand `wrt`, `t` being the cotangent of the result. It may have the
    /// shape of the result where the operand is a scalar that was broadcast; it is then summed. `active` is as for
    /// [`tangent`](Rule::tangent).
    fn adjoint<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V>;
}

/// An elementwise operation on `N` numbers.
pub(crate) trait Numeric<const N: usize> {
    const INFO: OpInfo;
    /// Whether its two operands may change places.
    const COMMUTES: bool = false;
    /// Whether its recipe reports operands beyond a fast range.
    const FAST_RANGE: bool = false;
    /// Whether its value may jump where its operands do not.
    const JUMPS: bool = false;
    /// Whether it is made of exponentials, logarithms, roots and choices (J. Liouville, 1833), such as the trigonometric functions.
    const ELEMENTARY: bool = true;

    /// The value: the reference, and the recipe that every tier emits.
    fn lanes<L: Lanes>(l: &L, args: [L::F; N]) -> L::F;

    /// As [`Rule::complex`].
    fn complex<A: Algebra>(_: &mut A, _: &[A::V]) -> Option<A::V> {
        None
    }

    /// `t` times the partial derivative by operand `wrt`, `y` being the result. A diagonal map is its own
    /// transpose, so this is the tangent rule and the adjoint rule.
    fn scale<A: Algebra>(g: &mut A, args: [A::V; N], y: A::V, wrt: usize, t: A::V) -> Term<A::V>;
}

/// Makes table entries of [`Numeric`] operations.
macro_rules! numeric_rules {
    ($n:literal: $($name:ident)*) => {
        $crate::ops::numeric_rules!($n, 1: $($name)*);
    };
    ($n:literal, $cost:tt: $($name:ident)*) => {$(
        impl $crate::ops::Rule for $name {
            const INFO: $crate::ops::OpInfo = <$name as $crate::ops::Numeric<$n>>::INFO;
            const OPERANDS: Option<usize> = Some($n);
            const ELEMENTWISE: bool = true;
            const COMMUTES: bool = <$name as $crate::ops::Numeric<$n>>::COMMUTES;
            const COST: usize = $cost;
            const FAST_RANGE: bool = <$name as $crate::ops::Numeric<$n>>::FAST_RANGE;
            const JUMPS: bool = <$name as $crate::ops::Numeric<$n>>::JUMPS;
            const ELEMENTARY: bool = <$name as $crate::ops::Numeric<$n>>::ELEMENTARY;

            fn result_type(args: &[$crate::types::Type]) -> Result<$crate::types::Type, $crate::ops::ShapeError> {
                $crate::ops::broadcast(<Self as $crate::ops::Rule>::INFO.name, args).map($crate::types::Type::num)
            }
            fn element<L: nc_runtime::lanes::Lanes>(l: &L, args: &[$crate::ops::Lane<L>]) -> $crate::ops::Lane<L> {
                $crate::ops::Lane::F(Self::lanes(l, std::array::from_fn(|k| args[k].f())))
            }
            fn complex<A: $crate::ops::Algebra>(a: &mut A, args: &[A::V]) -> Option<A::V> {
                <Self as $crate::ops::Numeric<$n>>::complex(a, args)
            }
            fn tangent<A: $crate::ops::Algebra>(
                g: &mut A,
                site: &$crate::ops::Site<A::V>,
                wrt: usize,
                t: A::V,
                _: Option<A::V>,
            ) -> $crate::ops::Term<A::V> {
                Self::scale(g, std::array::from_fn(|k| site.args[k]), site.node, wrt, t)
            }
            fn adjoint<A: $crate::ops::Algebra>(
                g: &mut A,
                site: &$crate::ops::Site<A::V>,
                wrt: usize,
                t: A::V,
                _: Option<A::V>,
            ) -> $crate::ops::Term<A::V> {
                Self::scale(g, std::array::from_fn(|k| site.args[k]), site.node, wrt, t)
            }
        }
    )*};
}
pub(crate) use numeric_rules;

/// Lists the operations and sends [`Op`]'s methods to their entries.
macro_rules! registry {
    ($($module:ident: $($op:ident)*;)*) => {
        /// An operation of the compute graph.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Op {
            $($(
                #[doc = concat!("See [`", stringify!($module), "`].")]
                $op,
            )*)*
        }

        impl Op {
            /// All operations, in the order of the table.
            pub const ALL: &[Op] = &[$($(Op::$op,)*)*];

            /// The family of the operation.
            pub fn family(self) -> &'static str {
                match self {
                    $($(Op::$op => stringify!($module),)*)*
                }
            }
            /// The descriptive part of its entry.
            pub fn info(self) -> &'static OpInfo {
                match self {
                    $($(Op::$op => const { &<$module::$op as Rule>::INFO },)*)*
                }
            }
            /// How many operands it takes; `None` for any number.
            pub fn operands(self) -> Option<usize> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::OPERANDS,)*)*
                }
            }
            /// Whether it only moves elements, truth values included.
            pub(crate) fn moves(self) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::MOVES,)*)*
                }
            }
            /// Whether it works element by element, scalars broadcasting.
            pub fn elementwise(self) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::ELEMENTWISE,)*)*
                }
            }
            /// Whether its two operands may change places.
            pub(crate) fn commutes(self) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::COMMUTES,)*)*
                }
            }
            /// What an element of an elementwise operation costs, an addition being 1.
            pub(crate) fn cost(self) -> usize {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::COST,)*)*
                }
            }
            /// Whether its recipe reports operands beyond a fast range, which take longer.
            pub(crate) fn has_fast_range(self) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::FAST_RANGE,)*)*
                }
            }
            /// Whether its value may jump where its operands do not.
            pub(crate) fn jumps(self) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::JUMPS,)*)*
                }
            }
            /// Whether it is an elementary function.
            pub fn elementary(self) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::ELEMENTARY,)*)*
                }
            }
            /// Whether its result may have a type.
            pub(crate) fn fits(self, attr: u32, ty: Type, args: &[Type]) -> bool {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::fits(attr, ty, args),)*)*
                }
            }
            /// What it is for operands some of which are complex numbers; `None` if it takes real ones only.
            fn complex<A: Algebra>(self, a: &mut A, args: &[A::V]) -> Option<A::V> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::complex(a, args),)*)*
                }
            }
            /// The type of its result.
            ///
            /// # Errors
            ///
            /// Operands that it does not take, and results that no value can be ([`Shape::checked`]): whatever type a
            /// rule computes has passed here.
            pub(crate) fn result_type(self, args: &[Type]) -> Result<Type, ShapeError> {
                let ty = match self {
                    $($(Op::$op => <$module::$op as Rule>::result_type(args),)*)*
                }?;
                match ty.shape.checked() {
                    Ok(_) => Ok(ty),
                    Err(error) => Err(ShapeError::new(format!("{self}: {error}"))),
                }
            }
            /// About how many scalar operations it stands for.
            pub(crate) fn work(self, args: &[Type], ty: Type) -> usize {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::work(args, ty),)*)*
                }
            }
            /// From how many elements of an operand on it is always a loop.
            pub fn loops_from(self) -> usize {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::LOOPS_FROM,)*)*
                }
            }
            /// From how many elements of an operand on it is a loop if another operation loops over that operand.
            pub(crate) fn loops_beside(self) -> usize {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::LOOPS_BESIDE,)*)*
                }
            }
            /// Its result over lanes.
            pub(crate) fn eval<L: Lanes>(self, l: &L, attr: u32, ty: Type, args: &[Operand<L>]) -> Vec<Lane<L>> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::eval(l, attr, ty, args),)*)*
                }
            }
            /// One element of an elementwise operation.
            pub(crate) fn element<L: Lanes>(self, l: &L, args: &[Lane<L>]) -> Lane<L> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::element(l, args),)*)*
                }
            }
            /// Its result over arrays. Not for elementwise operations.
            pub(crate) fn array<A: Arrays>(self, m: &A, attr: u32, ty: Type, args: &[A::Operand]) -> A::Form {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::array(m, attr, ty, args),)*)*
                }
            }
            /// The contribution of one operand's tangent to the result's.
            pub(crate) fn tangent<A: Algebra>(
                self,
                g: &mut A,
                site: &Site<A::V>,
                wrt: usize,
                t: A::V,
                active: Option<A::V>,
            ) -> Term<A::V> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::tangent(g, site, wrt, t, active),)*)*
                }
            }
            /// The tangent of the result as a whole, where that is simpler than the sum of its operands'
            /// contributions.
            pub(crate) fn whole_tangent<A: Algebra>(
                self,
                g: &mut A,
                site: &Site<A::V>,
                elem: Elem,
                tangents: &[Option<A::V>],
            ) -> Option<A::V> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::whole_tangent(g, site, elem, tangents),)*)*
                }
            }
            /// The contribution of the result's cotangent to one operand's.
            pub(crate) fn adjoint<A: Algebra>(
                self,
                g: &mut A,
                site: &Site<A::V>,
                wrt: usize,
                t: A::V,
                active: Option<A::V>,
            ) -> Term<A::V> {
                match self {
                    $($(Op::$op => <$module::$op as Rule>::adjoint(g, site, wrt, t, active),)*)*
                }
            }
        }
    };
}

registry! {
    arithmetic: Add Sub Mul Div Neg Abs Sqrt Min Max Sign CopySign Detach;
    elementary: Pow Exp Exp2 Expm1 Log Log2 Log10 Log1p LogBase Sin Cos Tan Asin Acos Atan Atan2
        Sinh Cosh Tanh Asinh Acosh Atanh Cbrt Hypot Erf Lead
        HypotSquare Direction OverSquare ErfSlope PowSlope LeadByX LeadByY;
    special: Erfc NormalCdf NormalPdf Sinc Gamma LGamma Digamma BesselJ0 BesselJ1 LambertW LambertWm1
        Polygamma SphericalOver BesselOver;
    rounding: Floor Ceil Round Trunc Remainder Modulo Quotient;
    logic: Lt Le Eq Ne And Or Not Any Num Select;
    complex: ExpCos ExpSin LogHypot RootRe RootIm TanhRe TanhIm PowRe PowIm ProductRe ProductIm QuotientRe QuotientIm;
    structure: Pack Slice Place Gather Scatter Update Fill Transpose;
    vector: Sum Dot Norm NormSquare;
    counting: Advance;
    matrix: Matvec Matmul PartMatmul Outer Det Cofactors Inv Singular;
    linear: Solve Cholesky SolveTridiagonal SolveLower Triangle Indefinite SingularTridiagonal;
}

impl Op {
    /// Whether there are conditions on its operands that can be watched.
    pub(crate) fn has_conditions(self) -> bool {
        let info = self.info();
        info.domain.is_some() || info.kink.is_some() || info.singular.is_some()
    }

    /// The result for one row of numbers of this precision, on the whole range of every operation.
    pub(crate) fn eval_row(
        self,
        precision: Precision,
        attr: u32,
        ty: Type,
        args: &[Operand<Scalar>],
    ) -> Vec<Lane<Scalar>> {
        match precision {
            Precision::Double => self.eval_row_of::<f64>(attr, ty, args),
            Precision::Single => {
                let elems: Vec<Vec<Lane<Scalar32>>> =
                    args.iter().map(|arg| arg.elems.iter().map(|lane| lane.narrow()).collect()).collect();
                let args: Vec<Operand<Scalar32>> =
                    args.iter().zip(&elems).map(|(arg, elems)| Operand { ty: arg.ty, elems }).collect();
                self.eval_row_of::<f32>(attr, ty, &args).into_iter().map(Lane::widen).collect()
            }
        }
    }

    fn eval_row_of<N: Number>(self, attr: u32, ty: Type, args: &[Operand<N::Lane>]) -> Vec<Lane<N::Lane>> {
        N::wholly(|l| self.eval(l, attr, ty, args))
    }

    /// The result of an elementwise operation for scalars of this precision, on its whole range.
    pub(crate) fn eval_element(self, precision: Precision, args: &[Lane<Scalar>]) -> Lane<Scalar> {
        match precision {
            Precision::Double => self.eval_element_of::<f64>(args),
            Precision::Single => {
                let mut narrow = [Lane::M(false); MAX_OPERANDS];
                narrow.iter_mut().zip(args).for_each(|(narrow, lane)| *narrow = lane.narrow());
                self.eval_element_of::<f32>(&narrow[..args.len()]).widen()
            }
        }
    }

    fn eval_element_of<N: Number>(self, args: &[Lane<N::Lane>]) -> Lane<N::Lane> {
        N::wholly(|l| self.element(l, args))
    }
}

/// A number, or +0 in place of −0: the side from which a domain that ends at 0 is left, whatever the sign of that zero.
pub(crate) fn from_above<A: Algebra>(g: &mut A, x: A::V) -> A::V {
    let zero = g.number(0.0);
    g.add(x, zero)
}

/// What a function costs that is no instruction of processors but a recipe of many: so much that no value of it is computed
/// twice to save memory.
pub(crate) const RECIPE: usize = 9;

/// Operands that an elementwise operation has at the most.
pub(crate) const MAX_OPERANDS: usize = 4;

impl Lane<Scalar> {
    /// A binary32 number as one.
    fn narrow(self) -> Lane<Scalar32> {
        match self {
            Lane::F(number) => Lane::F(number as f32),
            Lane::M(truth) => Lane::M(truth),
        }
    }
}

impl Lane<Scalar32> {
    fn widen(self) -> Lane<Scalar> {
        match self {
            Lane::F(number) => Lane::F(number.into()),
            Lane::M(truth) => Lane::M(truth),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The operations that say so have a fast range, and no others.
    #[test]
    fn operations_with_a_fast_range() {
        let large = [1e300, -3e200, 1e17, 0.7, 5e15, 1e-300];
        for &op in Op::ALL {
            let of_truth_values = matches!(op, Op::And | Op::Or | Op::Not | Op::Num | Op::Select);
            let Some(count) = op.operands().filter(|_| op.elementwise() && !of_truth_values) else {
                assert!(!op.has_fast_range(), "{op}");
                continue;
            };
            let lane = Scalar::new();
            for k in 0..large.len().pow(count as u32) {
                let operand = |place: usize| Lane::F(large[k / large.len().pow(place as u32) % large.len()]);
                let operands: Vec<Lane<Scalar>> = (0..count).map(operand).collect();
                op.element(&lane, &operands);
            }
            assert_eq!(lane.take_outside(), op.has_fast_range(), "{op}");
        }
    }
}
