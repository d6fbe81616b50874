//! Names → variables, primitives and functions.
//!
//! Scope is lexical. A name in operand position that nothing binds is an input, whatever else it may name, unless it stands
//! where a function is called for; a name at the head of a form must be a function or a primitive. Functions may be operands
//! and results at first; [`specialise`](crate::specialise) makes a first-order program of that, which [`Resolved`] is. Its functions are closed
//! then: what they capture from around them becomes further parameters.
//!
//! * `names`: scopes, over the syntax tree;
//! * `analyse`: what needs all calls of the first-order program;
//! * `calls`: which calls are iterations of loops, and which need a stack;
//! * `captures`: what functions use from around them;
//! * `warnings`: inputs that look like slips;
//! * `print`: the first-order program as text.
//!
//! **Invariant**: every name is bound, called with as many operands as it takes, and used as what it is.
//!
//! **Boundary**: knows names and primitives, and neither numbers nor shapes.

pub(crate) mod analyse;
pub(crate) mod calls;
pub(crate) mod captures;
pub(crate) mod names;
pub(crate) mod print;
mod warnings;

use std::collections::HashMap;

use crate::ast::Expr;
use crate::entity::EntityVec;
use crate::names::{FuncId, Var, VarInfo};
use crate::number::Literal;
use crate::ops::Primitive;
use crate::problem::Problem;
use crate::source::Span;

/// What an expression is, with its names resolved. A program has one for each number and name in its text, so rare parts stand
/// in boxes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number.
    Number(Literal),
    /// The value of a variable.
    Var(Var),
    /// A primitive.
    Primitive(Primitive, Box<[Expr]>),
    /// A call of a function of the program. What the function captures is not among the operands.
    Call(FuncId, Box<[Expr]>, CallKind),
    /// A derivative of a function of the program.
    Derive(Box<Derivative>),
    /// A choice.
    If(Expr, Expr, Expr),
    /// Values for variables, one after the other, then the expression that uses them.
    Let(Box<[(Var, Expr)]>, Expr),
}

/// A derivative of a function of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivative {
    /// Which one.
    pub form: DeriveForm,
    /// The function.
    pub function: FuncId,
    /// The operands of the function; then, for products, the direction. What the function captures is not among them, and no
    /// derivative is taken by it: that is for one around this one.
    pub args: Box<[Expr]>,
}

/// Which derivative of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeriveForm {
    /// By one of its parameters, the others held.
    Derivative {
        /// Its position.
        param: u32,
    },
    /// The Jacobian times a direction, of a function of one parameter: the operands are the point and the direction, which has
    /// the shape of the point.
    Jvp,
    /// A covector times the Jacobian, of a function of one parameter: the operands are the point and the covector, which has the
    /// shape of the function's value.
    Vjp,
}

impl DeriveForm {
    /// Whether one more operand than the function takes says what the Jacobian is multiplied by.
    pub fn has_direction(self) -> bool {
        match self {
            DeriveForm::Derivative { .. } => false,
            DeriveForm::Jvp | DeriveForm::Vjp => true,
        }
    }

    /// The position of the parameter that it is a derivative by.
    pub fn param(self) -> usize {
        match self {
            DeriveForm::Derivative { param } => param as usize,
            DeriveForm::Jvp | DeriveForm::Vjp => 0,
        }
    }
}

/// What becomes of a call.
///
/// Functions that can reach each other by calls are a *recursive group*. Its calls in tail position connect the functions
/// of *loops*: in a loop, every function reaches every other by such calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// The function is inlined.
    Inline,
    /// The function begins a loop. All calls between the functions of its recursive group are iterations.
    Enter,
    /// A call in tail position between functions of one loop: the next iteration of the loop around.
    Iterate,
    /// A call of a function that needs a stack. If the function is the body of a loop, this begins one.
    Recursive,
}

/// A loop: functions that continue in each other by calls in tail position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The functions.
    pub members: Vec<FuncId>,
    /// What an iteration may change. Of a single function these are parameters; of several, the parameters of all, then
    /// what some capture from inside others.
    pub state: Vec<Var>,
}

/// A function of the program.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<Var>,
    /// Variables around it that it, or a function it calls, uses.
    pub captures: Vec<Var>,
    /// What it computes.
    pub body: Expr,
    /// Whether calls of it need a stack.
    pub recursive: bool,
    /// The loop that it is a part of, by its position in [`Resolved::groups`].
    pub group: Option<u32>,
    /// Whether it is called other than as an iteration.
    pub entered: bool,
    /// Those of its captures that belong to functions of its own loop.
    pub carried: Vec<Var>,
}

/// A program whose names are resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub(crate) kinds: EntityVec<Expr, Kind>,
    pub(crate) spans: EntityVec<Expr, Span>,
    /// All variables.
    pub vars: EntityVec<Var, VarInfo>,
    /// For variables whose name has a number behind it: how many bytes of it stand in the source.
    pub numbered: HashMap<Var, usize>,
    /// All functions.
    pub functions: EntityVec<FuncId, Function>,
    /// Functions, each behind those that it calls, but for those that call each other.
    pub order: Vec<FuncId>,
    /// The loops.
    pub groups: Vec<Group>,
    /// The inputs, in the order of the signature.
    pub inputs: Vec<Var>,
    /// Top-level values, in order.
    pub globals: Vec<(Var, Expr)>,
    /// Names of the results, empty for a single unnamed one.
    pub result_names: Vec<String>,
    /// The results.
    pub results: Vec<Expr>,
    /// What the author may want to know.
    pub warnings: Vec<Problem>,
    /// Whether it has parts of the library, whose places come behind those of the program's own sources.
    pub library: bool,
}

impl Resolved {
    /// What an expression is.
    pub fn kind(&self, expr: Expr) -> &Kind {
        &self.kinds[expr]
    }
    /// Its place.
    pub fn span(&self, expr: Expr) -> Span {
        self.spans[expr]
    }
    /// The functions of which there are derivatives, as often as there are.
    pub fn differentiated(&self) -> impl Iterator<Item = FuncId> {
        self.kinds.values().filter_map(|kind| match kind {
            Kind::Derive(derivative) => Some(derivative.function),
            Kind::Number(_)
            | Kind::Var(_)
            | Kind::Primitive(..)
            | Kind::Call(..)
            | Kind::If(..)
            | Kind::Let(..) => None,
        })
    }
}

/// Whose variable it is: the main program's (`None`) or a function's.
type Owner = Option<FuncId>;

/// A first-order program before the analyses of all calls.
pub(crate) struct FirstOrder {
    /// The program; what the analyses find is missing.
    pub resolved: Resolved,
    /// Its free variables, with the first place of each, in the order of the text.
    pub free: Vec<(Span, Var)>,
    /// The function that it ends in, if that is what it computes.
    pub last: Option<FuncId>,
}
