//! Comparisons, truth values and selection, element by element.

use nc_runtime::lanes::Lanes;

use super::array::Arrays;
use super::complex::complex_rule;
use super::{Algebra, Bound, Lane, OpInfo, Rule, ShapeError, Site, Syntax, Term, broadcast};
use crate::types::{Shape, Type};

const fn logic(name: &'static str, syntax: Syntax, doc: &'static str) -> OpInfo {
    OpInfo {
        name,
        syntax,
        doc,
        bound: Bound::Exact,
        derivative: "0",
        kinks: "",
        domain: None,
        kink: None,
        singular: None,
    }
}

/// Entries of operations that are constant between jumps.
macro_rules! no_derivative {
    () => {
        fn tangent<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
            Term::Zero
        }
        fn adjoint<A: Algebra>(_: &mut A, _: &Site<A::V>, _: usize, _: A::V, _: Option<A::V>) -> Term<A::V> {
            Term::Zero
        }
    };
}

/// Entries whose operands and result are of fixed element kinds.
macro_rules! elementwise {
    ($($(#[$meta:meta])* $name:ident($info:expr, $operands:literal, $result:ident$(, complex: $complex:ident)?$(, commutes: $commutes:literal)?) |$l:ident, $x:ident| $body:expr;)*) => {$(
        $(#[$meta])*
        pub struct $name;
        impl Rule for $name {
            const INFO: OpInfo = $info;
            const OPERANDS: Option<usize> = Some($operands);
            const ELEMENTWISE: bool = true;
            const JUMPS: bool = true;
            $(const COMMUTES: bool = $commutes;)?
            $(complex_rule!($complex);)?

            fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
                broadcast(Self::INFO.name, args).map(Type::$result)
            }
            fn element<L: Lanes>($l: &L, args: &[Lane<L>]) -> Lane<L> {
                let $x = |k: usize| args[k];
                $body
            }
            no_derivative!();
        }
    )*};
}

elementwise! {
    /// `a < b`, each pair.
    Lt(logic("lt", Syntax::Chain(&["<"]), "1 if each operand is below the next"), 2, bool)
        |l, x| Lane::M(l.lt(x(0).f(), x(1).f()));
    /// `a ≤ b`, each pair.
    Le(logic("le", Syntax::Chain(&["<="]), "1 if no operand is above the next"), 2, bool)
        |l, x| Lane::M(l.le(x(0).f(), x(1).f()));
    /// `a = b`, each pair.
    Eq(logic("eq", Syntax::Chain(&["=", "=="]), "1 if all operands are equal"), 2, bool, complex: equal, commutes: true)
        |l, x| Lane::M(l.eq(x(0).f(), x(1).f()));
    /// `a ≠ b` or unordered.
    Ne(logic("ne", Syntax::Internal, "whether two numbers differ or do not compare"), 2, bool, commutes: true)
        |l, x| Lane::M(l.ne(x(0).f(), x(1).f()));
    /// Both.
    And(logic("and", Syntax::Internal, "both of two truth values"), 2, bool, commutes: true)
        |l, x| Lane::M(l.and(x(0).m(), x(1).m()));
    /// Either.
    Or(logic("or", Syntax::Internal, "either of two truth values"), 2, bool, commutes: true)
        |l, x| Lane::M(l.or(x(0).m(), x(1).m()));
    /// The opposite.
    Not(logic("not", Syntax::Internal, "the opposite truth value"), 1, bool)
        |l, x| Lane::M(l.not(x(0).m()));
    /// 1 for true, 0 for false.
    Num(logic("num", Syntax::Internal, "1 for true, 0 for false"), 1, num)
        |l, x| Lane::F(l.select(x(0).m(), l.f(1.0), l.f(0.0)));
}

/// Whether any element is true.
pub struct Any;
impl Rule for Any {
    const INFO: OpInfo = logic("any", Syntax::Internal, "whether any element is true");
    const OPERANDS: Option<usize> = Some(1);

    fn result_type(_: &[Type]) -> Result<Type, ShapeError> {
        Ok(Type::BOOL)
    }
    fn array<A: Arrays>(m: &A, _: u32, _: Type, args: &[A::Operand]) -> A::Form {
        let l = m.lanes();
        m.one(m.reduce([&args[0]], Lane::M(l.m(false)), |any, [x]| Lane::M(l.or(any.m(), x.m()))))
    }
    no_derivative!();
}

/// `if condition then a else b`.
pub struct Select;
impl Rule for Select {
    const INFO: OpInfo = OpInfo {
        derivative: "1 for the selected operand, nothing for the other",
        ..logic("select", Syntax::Internal, "the second operand where the first is true, the third elsewhere")
    };
    const OPERANDS: Option<usize> = Some(3);
    const ELEMENTWISE: bool = true;

    fn result_type(args: &[Type]) -> Result<Type, ShapeError> {
        if args[1].elem != args[2].elem {
            return Err(ShapeError::new("if of a number and a truth value"));
        }
        let arms = broadcast("if", &args[1..])?;
        // Derivatives choose between scalars element by element.
        let shape = if arms == Shape::Scalar { args[0].shape } else { arms };
        if args[0].shape != Shape::Scalar && args[0].shape != shape {
            let condition = args[0].shape;
            return Err(ShapeError::at(0, format!("if with a condition of {condition} and arms of {arms}")));
        }
        Ok(Type { elem: args[1].elem, shape })
    }
    fn element<L: Lanes>(l: &L, args: &[Lane<L>]) -> Lane<L> {
        let condition = args[0].m();
        match (args[1], args[2]) {
            (Lane::F(a), Lane::F(b)) => Lane::F(l.select(condition, a, b)),
            (a, b) => Lane::M(l.or(l.and(condition, a.m()), l.and(l.not(condition), b.m()))),
        }
    }
    fn tangent<A: Algebra>(
        g: &mut A,
        site: &Site<A::V>,
        wrt: usize,
        t: A::V,
        active: Option<A::V>,
    ) -> Term<A::V> {
        Self::adjoint(g, site, wrt, t, active)
    }
    fn adjoint<A: Algebra>(g: &mut A, site: &Site<A::V>, wrt: usize, t: A::V, _: Option<A::V>) -> Term<A::V> {
        let condition = site.args[0];
        match wrt {
            1 => Term::guarded(condition, t),
            2 => Term::guarded(g.not(condition), t),
            _ => Term::Zero,
        }
    }
}
