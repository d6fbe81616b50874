//! Functions as values. Equal ones, captured values included, are one.

use std::collections::HashMap;

use crate::entity::{Entity, EntityVec, entity};
use crate::names::{FuncId, Var, VarInfo};
use crate::number::Literal;
use crate::ops::Primitive;
use crate::resolve::names::{Form, Scoped};
use crate::source::Span;

entity!(
    /// A function as a value.
    Fun, "fun");

/// A number as its bits, which can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bits {
    double: u64,
    single: u32,
}

impl From<Literal> for Bits {
    fn from(literal: Literal) -> Bits {
        Bits { double: literal.f64.to_bits(), single: literal.f32.to_bits() }
    }
}

impl Bits {
    /// The number.
    pub fn literal(self) -> Literal {
        Literal { f64: f64::from_bits(self.double), f32: f32::from_bits(self.single) }
    }
}

/// What a variable of the program stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// A variable of the first-order program.
    Var(Var),
    /// A number that is written.
    Number(Bits),
    /// A function.
    Fun(Fun),
}

/// What a function computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A function of the program.
    Function(FuncId),
    /// A primitive.
    Primitive(Primitive),
    /// A form that takes functions.
    Form(Form),
    /// What gives the derivative of a function by this argument.
    Partial(u32),
    /// The derivative of a function by an argument; its only one, if `whole`.
    Derivative {
        /// The function.
        of: Fun,
        /// The argument.
        param: u32,
        /// Whether the function has to be one of a single argument.
        whole: bool,
    },
}

/// A function with the values that it captures: one for each of its free variables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Closure {
    /// What it computes.
    pub code: Code,
    /// What its free variables stand for.
    pub env: Vec<Binding>,
}

/// All functions that are values.
#[derive(Debug, Default)]
pub struct Values {
    closures: EntityVec<Fun, Closure>,
    known: HashMap<Closure, Fun>,
    outlines: EntityVec<Fun, u32>,
    known_outlines: HashMap<(Code, Vec<Option<u32>>), u32>,
}

impl std::ops::Index<Fun> for Values {
    type Output = Closure;
    fn index(&self, fun: Fun) -> &Closure {
        &self.closures[fun]
    }
}

impl Values {
    /// The function that this is.
    pub fn intern(&mut self, closure: Closure) -> Fun {
        if let Some(&known) = self.known.get(&closure) {
            return known;
        }
        let parts = closure.env.iter().map(|binding| match binding {
            Binding::Var(_) | Binding::Number(_) => None,
            Binding::Fun(fun) => Some(self.outlines[*fun]),
        });
        let code = match closure.code {
            // Which function is differentiated counts as far as its own outline goes.
            Code::Derivative { of, param, whole } => {
                Code::Derivative { of: Fun::from_index(self.outlines[of] as usize), param, whole }
            }
            code => code,
        };
        let count = self.known_outlines.len() as u32;
        let outline = *self.known_outlines.entry((code, parts.collect())).or_insert(count);
        self.outlines.push(outline);
        let fun = self.closures.push(closure.clone());
        self.known.insert(closure, fun);
        fun
    }

    /// A function that captures nothing.
    pub fn code(&mut self, code: Code) -> Fun {
        self.intern(Closure { code, env: Vec::new() })
    }

    /// A number that functions have in common which differ in captured numbers only.
    pub fn outline(&self, fun: Fun) -> u32 {
        self.outlines[fun]
    }

    /// The function of the program, if it is one or the derivative of one.
    fn root(&self, fun: Fun) -> Code {
        let mut fun = fun;
        while let Code::Derivative { of, .. } = self[fun].code {
            fun = of;
        }
        self[fun].code
    }

    /// What it is called in messages.
    pub fn name(&self, scoped: &Scoped, fun: Fun) -> String {
        match self[fun].code {
            Code::Function(id) if scoped.functions[id].name == "lambda" => "a function".into(),
            Code::Function(id) => format!("`{}`", scoped.functions[id].name),
            Code::Primitive(primitive) => format!("`{}`", primitive.name()),
            Code::Form(form) => format!("`{}`", form.name()),
            Code::Partial(_) => "`partial`".into(),
            Code::Derivative { of, .. } => format!("the derivative of {}", self.name(scoped, of)),
        }
    }

    /// What it is called in the first-order program.
    pub fn name_of_function(&self, scoped: &Scoped, fun: Fun) -> String {
        match self[fun].code {
            Code::Function(id) => scoped.functions[id].name.clone(),
            Code::Primitive(primitive) => primitive.name().into(),
            Code::Form(form) => form.name().into(),
            Code::Partial(_) => "partial".into(),
            Code::Derivative { of, param, whole } => {
                let of = self.name_of_function(scoped, of);
                if whole { format!("D-{of}") } else { format!("partial-{param}-{of}") }
            }
        }
    }

    /// Where it is defined, if the program does that.
    pub fn span(&self, scoped: &Scoped, fun: Fun) -> Option<Span> {
        match self.root(fun) {
            Code::Function(id) => Some(scoped.functions[id].span),
            Code::Primitive(_) | Code::Form(_) | Code::Partial(_) | Code::Derivative { .. } => None,
        }
    }

    /// Names for its parameters: those of the function that it is the derivative of.
    pub fn params(&self, scoped: &Scoped, fun: Fun, count: usize, span: Span) -> Vec<VarInfo> {
        match self.root(fun) {
            Code::Function(id) => {
                scoped.functions[id].params.iter().map(|&param| scoped.vars[param].clone()).collect()
            }
            Code::Primitive(_) | Code::Form(_) | Code::Partial(_) | Code::Derivative { .. } => {
                let name = |k: usize| if count == 1 { "x".to_string() } else { format!("x{}", k + 1) };
                (0..count).map(|k| VarInfo { name: name(k).into(), span }).collect()
            }
        }
    }
}
