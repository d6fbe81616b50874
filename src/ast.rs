//! The syntax tree: what was written, with derived forms expanded and names not yet resolved.

use std::fmt::Write;

use crate::anf::Literal;
use crate::entity::{EntityVec, entity};
use crate::limits::Limits;
use crate::source::Span;

entity!(
    /// An expression.
    Expr, "e");
entity!(
    /// A name as it is written.
    Name, "name");

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number.
    Number(Literal),
    /// A name in operand position.
    Name(Name),
    /// A call of a name: a primitive or a function. The span is that of the name.
    Call(Name, Span, Vec<Expr>),
    /// `(if condition then else)`.
    If(Expr, Expr, Expr),
    /// `(let ((name value) …) body)`, bound in parallel; values and functions.
    Let(Vec<Binding>, Vec<Function>, Expr),
    /// `(letrec* ((name value) …) body)`: values and functions that know each other, values bound in this order.
    Letrec(Vec<Definition>, Expr),
    /// A function that knows its own name, called at once: `loop`, `do` and named `let`. The operands do not know it.
    Loop(LoopForm, Box<Function>, Vec<Expr>),
    /// `(recur value …)`: a call of the function of the innermost `loop`, which has this name. The span is that of the
    /// word.
    Recur(Name, Span, Vec<Expr>),
}

/// How the body of a loop begins it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopForm {
    /// By `recur`.
    Recur,
    /// By name.
    Named,
}

/// A name bound to a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binding {
    /// The name.
    pub name: Name,
    /// Where it stands.
    pub span: Span,
    /// Its value.
    pub value: Expr,
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Where the name stands; for a function without one, the `lambda`.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<(Name, Span)>,
    /// What it computes.
    pub body: Expr,
}

/// A definition, at top level or at the head of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// `(define (name param …) body)`.
    Function(Function),
    /// `(define name value)`.
    Value(Binding),
}

/// What a program computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// One unnamed result.
    Value(Expr),
    /// `(values (name value) …)`.
    Named(Vec<Binding>),
    /// The program ends in a function: its parameters are the first inputs.
    LastFunction,
}

/// A program.
#[derive(Debug, Clone)]
pub struct Ast {
    exprs: EntityVec<Expr, ExprKind>,
    spans: EntityVec<Expr, Span>,
    /// All names, each once.
    pub names: EntityVec<Name, String>,
    /// In the order of the file.
    pub definitions: Vec<Definition>,
    /// What it computes.
    pub body: Body,
    /// How long a row may take, as far as the program says.
    pub limits: Limits,
}

impl Ast {
    /// A program without definitions; the body is to be set.
    pub(crate) fn new() -> Ast {
        Ast {
            exprs: EntityVec::new(),
            spans: EntityVec::new(),
            names: EntityVec::new(),
            definitions: Vec::new(),
            body: Body::LastFunction,
            limits: Limits::default(),
        }
    }

    /// Adds an expression.
    pub(crate) fn push(&mut self, kind: ExprKind, span: Span) -> Expr {
        self.spans.push(span);
        self.exprs.push(kind)
    }

    /// What an expression is.
    pub fn kind(&self, expr: Expr) -> &ExprKind {
        &self.exprs[expr]
    }
    /// Its place.
    pub fn span(&self, expr: Expr) -> Span {
        self.spans[expr]
    }
    /// How many expressions there are.
    pub(crate) fn len(&self) -> usize {
        self.exprs.len()
    }
    /// The text of a name.
    pub fn name(&self, name: Name) -> &str {
        &self.names[name]
    }
}

/// What is left to print.
enum Item<'a> {
    Expr(Expr),
    Text(&'a str),
    Made(String),
}

/// The program as S-expressions, one definition or body a line.
pub fn dump(ast: &Ast) -> String {
    let mut text = String::new();
    for definition in &ast.definitions {
        match definition {
            Definition::Function(function) => {
                let _ = write!(text, "(define {} ", signature(ast, function));
                print(ast, function.body, &mut text);
            }
            Definition::Value(binding) => {
                let _ = write!(text, "(define {} ", ast.name(binding.name));
                print(ast, binding.value, &mut text);
            }
        }
        text.push_str(")\n");
    }
    match &ast.body {
        Body::Value(expr) => {
            print(ast, *expr, &mut text);
            text.push('\n');
        }
        Body::Named(results) => {
            text.push_str("(values");
            for result in results {
                let _ = write!(text, " ({} ", ast.name(result.name));
                print(ast, result.value, &mut text);
                text.push(')');
            }
            text.push_str(")\n");
        }
        Body::LastFunction => {}
    }
    text
}

fn signature(ast: &Ast, function: &Function) -> String {
    let names: Vec<&str> =
        [function.name].into_iter().chain(function.params.iter().map(|p| p.0)).map(|n| ast.name(n)).collect();
    format!("({})", names.join(" "))
}

fn print(ast: &Ast, expr: Expr, text: &mut String) {
    let mut left = vec![Item::Expr(expr)];
    while let Some(item) = left.pop() {
        let expr = match item {
            Item::Expr(expr) => expr,
            Item::Text(words) => {
                text.push_str(words);
                continue;
            }
            Item::Made(words) => {
                text.push_str(&words);
                continue;
            }
        };
        match ast.kind(expr) {
            ExprKind::Number(literal) => text.push_str(&crate::graph::print::number(literal.f64)),
            ExprKind::Name(name) => text.push_str(ast.name(*name)),
            ExprKind::Call(name, _, args) => {
                let _ = write!(text, "({}", ast.name(*name));
                left.push(Item::Text(")"));
                for &arg in args.iter().rev() {
                    left.extend([Item::Expr(arg), Item::Text(" ")]);
                }
            }
            ExprKind::Recur(_, _, args) => {
                text.push_str("(recur");
                left.push(Item::Text(")"));
                for &arg in args.iter().rev() {
                    left.extend([Item::Expr(arg), Item::Text(" ")]);
                }
            }
            ExprKind::Loop(form, function, args) => {
                let _ = match form {
                    LoopForm::Recur => write!(text, "(loop ("),
                    LoopForm::Named => write!(text, "(let {} (", ast.name(function.name)),
                };
                left.extend([Item::Text(")"), Item::Expr(function.body), Item::Text(") ")]);
                for (k, (param, &arg)) in function.params.iter().zip(args).enumerate().rev() {
                    let space = if k == 0 { "" } else { " " };
                    left.extend([Item::Text(")"), Item::Expr(arg)]);
                    left.push(Item::Made(format!("{space}({} ", ast.name(param.0))));
                }
            }
            ExprKind::Letrec(definitions, body) => {
                text.push_str("(letrec* (");
                left.extend([Item::Text(")"), Item::Expr(*body), Item::Text(") ")]);
                for (k, definition) in definitions.iter().enumerate().rev() {
                    let space = if k == 0 { "" } else { " " };
                    match definition {
                        Definition::Function(function) => {
                            let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                            left.extend([Item::Text("))"), Item::Expr(function.body)]);
                            let name = ast.name(function.name);
                            left.push(Item::Made(format!("{space}({name} (lambda ({}) ", params.join(" "))));
                        }
                        Definition::Value(binding) => {
                            left.extend([Item::Text(")"), Item::Expr(binding.value)]);
                            left.push(Item::Made(format!("{space}({} ", ast.name(binding.name))));
                        }
                    }
                }
            }
            ExprKind::If(condition, then, other) => {
                text.push_str("(if ");
                left.push(Item::Text(")"));
                left.extend([Item::Expr(*other), Item::Text(" "), Item::Expr(*then), Item::Text(" ")]);
                left.push(Item::Expr(*condition));
            }
            ExprKind::Let(bindings, functions, body) => {
                text.push_str("(let (");
                left.extend([Item::Text(")"), Item::Expr(*body), Item::Text(") ")]);
                for (k, function) in functions.iter().enumerate().rev() {
                    let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                    let space = if k + bindings.len() == 0 { "" } else { " " };
                    left.extend([Item::Text("))"), Item::Expr(function.body)]);
                    let name = ast.name(function.name);
                    left.push(Item::Made(format!("{space}({name} (lambda ({}) ", params.join(" "))));
                }
                for (k, binding) in bindings.iter().enumerate().rev() {
                    let space = if k == 0 { "" } else { " " };
                    left.extend([Item::Text(")"), Item::Expr(binding.value)]);
                    left.push(Item::Made(format!("{space}({} ", ast.name(binding.name))));
                }
            }
        }
    }
}
