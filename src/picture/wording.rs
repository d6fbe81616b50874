//! What a reader of a program calls the values of its graph.

use std::collections::{HashMap, HashSet};

use crate::ast::{Ast, Binding, Body, Definition, Expr, ExprKind, Function, Name};
use crate::number::number;
use crate::source::{SourceMap, Span};

/// Longer expressions do not stand for their values.
const LONGEST: usize = 24;
/// How often the tree is searched for constant expressions.
const PASSES: usize = 8;
/// Numbers of more characters are rounded.
const LONGEST_NUMBER: usize = 9;

/// Names and constant expressions of a program, by their places.
#[derive(Debug, Clone, Default)]
pub struct Wording {
    /// What the value of an expression is called.
    names: HashMap<Span, String>,
    /// Expressions in which nothing but numbers stand, other than numbers themselves.
    constants: HashMap<Span, String>,
    /// All names, as they are written.
    written: HashSet<String>,
}

impl Wording {
    /// The words of a program of several files.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a Ast>, sources: &SourceMap) -> Wording {
        let mut wording = Wording::default();
        for ast in files {
            wording.add(ast, sources);
        }
        wording
    }

    /// Adds those of a file.
    fn add(&mut self, ast: &Ast, sources: &SourceMap) {
        let (bindings, wording) = (Bindings::of(ast), self);
        wording.written.extend(ast.names().map(str::to_string));
        for binding in &bindings.values {
            if !ast.is_made(binding.name) {
                wording.names.insert(ast.span(binding.value), ast.name(binding.name).to_string());
            }
        }
        for expr in bindings.constant_expressions(ast) {
            let text = sources.at(ast.span(expr));
            if !matches!(ast.kind(expr), ExprKind::Number(_)) && fits(text) {
                wording.constants.insert(ast.span(expr), text.to_string());
            }
        }
    }

    /// The name that the program gives to the value of the expression at this place.
    pub fn name(&self, span: Option<Span>) -> Option<&str> {
        self.names.get(&span?).map(String::as_str)
    }

    /// A constant by its name or its expression, and its value.
    pub fn constant(&self, span: Option<Span>, value: &str) -> String {
        let words = self.name(span).or_else(|| self.constants.get(&span?).map(String::as_str));
        let rounded = rounded(value);
        match words {
            Some(words) if rounded == value => format!("{words} = {value}"),
            Some(words) => format!("{words} ≈ {rounded}"),
            None if rounded == value => rounded,
            None => format!("≈ {rounded}"),
        }
    }

    /// Whether the program has this name.
    pub fn writes(&self, name: &str) -> bool {
        self.written.contains(name)
    }

    /// A name as it is written: names that inner ones hide are told apart by numbers in the graph.
    pub fn written<'a>(&self, name: &'a str) -> &'a str {
        match name.rsplit_once('.') {
            Some((front, number))
                if !self.written.contains(name)
                    && !front.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                front
            }
            Some(_) | None => name,
        }
    }
}

fn fits(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n') && text.chars().count() <= LONGEST
}

/// Six digits of a number that has many.
fn rounded(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(x) if value.chars().count() > LONGEST_NUMBER => {
            let six: f64 = format!("{x:.5e}").parse().unwrap_or(x);
            number(six)
        }
        Ok(_) | Err(_) => value.to_string(),
    }
}

/// What names stand for, whatever scope they have.
struct Bindings<'a> {
    values: Vec<&'a Binding>,
    /// Names of functions and their parameters.
    others: HashSet<Name>,
}

impl<'a> Bindings<'a> {
    fn of(ast: &'a Ast) -> Bindings<'a> {
        let mut bindings = Bindings { values: Vec::new(), others: HashSet::new() };
        ast.definitions.iter().for_each(|definition| bindings.definition(definition));
        for expr in ast.exprs() {
            match ast.kind(expr) {
                ExprKind::Let(bound, _) => {
                    let (values, functions) = &**bound;
                    bindings.values.extend(values);
                    functions.iter().for_each(|function| bindings.function(function));
                }
                ExprKind::Letrec(definitions, _) => {
                    definitions.iter().for_each(|definition| bindings.definition(definition));
                }
                ExprKind::Loop(_, function, _) | ExprKind::Lambda(function) => bindings.function(function),
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Call(..)
                | ExprKind::Apply(..)
                | ExprKind::Recur(..)
                | ExprKind::If(..) => {}
            }
        }
        if let Body::Named(results) = &ast.body {
            bindings.values.extend(results);
        }
        bindings
    }

    fn definition(&mut self, definition: &'a Definition) {
        match definition {
            Definition::Function(function) => self.function(function),
            Definition::Value(binding) => self.values.push(binding),
        }
    }

    fn function(&mut self, function: &'a Function) {
        self.others.insert(function.name);
        self.others.extend(function.params.iter().map(|&(name, _)| name));
    }

    /// Expressions made of numbers, names that stand for such expressions wherever they are bound, and calls of what is no function
    /// of the program.
    fn constant_expressions(&self, ast: &Ast) -> Vec<Expr> {
        let mut bound: HashMap<Name, Vec<Expr>> = HashMap::new();
        for binding in &self.values {
            bound.entry(binding.name).or_default().push(binding.value);
        }
        let mut constant: HashSet<Expr> = HashSet::new();
        // Parts come before what they are part of, but a name may stand before its definition: a long chain of such names is left.
        for _ in 0..PASSES {
            let before = constant.len();
            for expr in ast.exprs() {
                let holds = match ast.kind(expr) {
                    ExprKind::Number(_) => true,
                    ExprKind::Name(name) => {
                        !self.others.contains(name)
                            && bound
                                .get(name)
                                .is_some_and(|values| values.iter().all(|value| constant.contains(value)))
                    }
                    ExprKind::Call(name, _, args) => {
                        !self.others.contains(name) && args.iter().all(|arg| constant.contains(arg))
                    }
                    ExprKind::Recur(..)
                    | ExprKind::Apply(..)
                    | ExprKind::Lambda(_)
                    | ExprKind::If(..)
                    | ExprKind::Loop(..)
                    | ExprKind::Let(..)
                    | ExprKind::Letrec(..) => false,
                };
                if holds {
                    constant.insert(expr);
                }
            }
            if constant.len() == before {
                break;
            }
        }
        constant.into_iter().collect()
    }
}
