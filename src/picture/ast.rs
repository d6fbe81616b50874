//! Pictures of syntax trees.

use super::{Kind, NodeId, Picture};
use crate::ast::{Ast, Body, Definition, Expr, ExprKind, Function, Imported, LoopForm};
use crate::number::number;
use crate::ops::Primitive;
use crate::source::{SourceMap, Span};

/// Literals of more characters are written by their value.
const LONGEST: usize = 24;

/// The tree of each definition, then that of what the program computes. Numbers are as they are written in the sources.
pub fn picture(ast: &Ast, sources: &SourceMap) -> Picture {
    let mut drawer = Drawer { ast, sources, picture: Picture::default(), left: Vec::new() };
    for import in &ast.imports {
        let prefix = match &import.what {
            Imported::Definitions(prefix) if prefix.is_empty() => String::new(),
            Imported::Definitions(prefix) => format!(" as {prefix}"),
            Imported::Program(function) => format!(" as {}", function.name),
        };
        drawer.picture.node(format!("import {}{prefix}", import.path), Kind::Form, Some(import.span));
    }
    for definition in &ast.definitions {
        match definition {
            Definition::Function(function) => {
                let label = format!("define {}", signature(ast, ast.name(function.name), function));
                let node = drawer.picture.node(label, Kind::Form, Some(function.span));
                drawer.left.push((node, "".into(), function.body));
            }
            Definition::Value(binding) => {
                let label = format!("define {}", ast.name(binding.name));
                let node = drawer.picture.node(label, Kind::Form, Some(binding.span));
                drawer.left.push((node, "".into(), binding.value));
            }
        }
        drawer.run();
    }
    match &ast.body {
        Body::Value(expr) => {
            drawer.expression(*expr);
        }
        Body::Named(results) => {
            let node = drawer.picture.node("values", Kind::Form, None);
            let results = results.iter().map(|result| (node, ast.name(result.name).into(), result.value));
            drawer.left.extend(results.rev());
        }
        Body::LastFunction => {}
    }
    drawer.run();
    drawer.picture
}

fn signature(ast: &Ast, name: &str, function: &Function) -> String {
    let params = function.params.iter().map(|&(name, _)| ast.name(name));
    format!("({})", [name].into_iter().chain(params).collect::<Vec<_>>().join(" "))
}

struct Drawer<'a> {
    ast: &'a Ast,
    sources: &'a SourceMap,
    picture: Picture,
    /// What is to be drawn yet, the next one last: below which node, with which text at the edge.
    left: Vec<(NodeId, String, Expr)>,
}

impl Drawer<'_> {
    fn run(&mut self) {
        while let Some((parent, label, expr)) = self.left.pop() {
            let node = self.expression(expr);
            self.picture.edge(parent, node, label);
        }
    }

    /// The node of an expression; its operands are put off.
    fn expression(&mut self, expr: Expr) -> NodeId {
        let ast = self.ast;
        let span = Some(ast.span(expr));
        let mut operands: Vec<(String, Expr)> = Vec::new();
        // Functions become nodes at once, for their bodies to stand below.
        let mut functions: Vec<&Function> = Vec::new();
        let (label, kind) = match ast.kind(expr) {
            ExprKind::Number(literal) => {
                let text = self.sources.at(ast.span(expr));
                // Where a form stands for several expressions, its numbers are not written anywhere.
                let written = text.len() <= LONGEST
                    && text.starts_with(|c: char| c.is_ascii_digit() || "+-.#".contains(c));
                (if written { text.to_string() } else { number(literal.f64) }, Kind::Constant)
            }
            ExprKind::Name(name) => (ast.name(*name).into(), Kind::Name),
            ExprKind::Call(name, _, args) => {
                let primitive = Primitive::from_name(ast.name(*name)).and_then(|known| known.single_op(2));
                let ordered = args.len() > 1 && primitive.is_none_or(|op| !op.commutes());
                let numbered = args.iter().enumerate();
                operands.extend(numbered.map(|(k, &arg)| match ordered {
                    true => ((k + 1).to_string(), arg),
                    false => (String::new(), arg),
                }));
                (ast.name(*name).into(), Kind::Operation)
            }
            ExprKind::Apply(head, args) => {
                operands.push(("function".into(), *head));
                operands.extend(args.iter().enumerate().map(|(k, &arg)| ((k + 1).to_string(), arg)));
                ("call".into(), Kind::Form)
            }
            ExprKind::Lambda(function) => {
                operands.push((String::new(), function.body));
                (signature(ast, "lambda", function), Kind::Form)
            }
            ExprKind::Recur(_, _, args) => {
                operands.extend(args.iter().map(|&arg| (String::new(), arg)));
                ("recur".into(), Kind::Form)
            }
            ExprKind::If(test, then, other) => {
                let parts = [("if", *test), ("then", *then), ("else", *other)];
                operands.extend(parts.map(|(label, expr)| (label.into(), expr)));
                ("if".into(), Kind::Form)
            }
            ExprKind::Loop(form, function, args) => {
                let params = function.params.iter().zip(args);
                operands.extend(params.map(|(&(name, _), &arg)| (ast.name(name).into(), arg)));
                operands.push(("body".into(), function.body));
                let label = match form {
                    LoopForm::Recur => "loop".into(),
                    LoopForm::Named | LoopForm::Do => format!("let {}", ast.name(function.name)),
                };
                (label, Kind::Form)
            }
            ExprKind::Let(both, body) => {
                let (bindings, bound) = &**both;
                operands.extend(bindings.iter().map(|b| (ast.name(b.name).into(), b.value)));
                functions.extend(bound);
                operands.push(("body".into(), *body));
                ("let".into(), Kind::Form)
            }
            ExprKind::Letrec(definitions, body) => {
                for definition in definitions {
                    match definition {
                        Definition::Function(function) => functions.push(function),
                        Definition::Value(binding) => {
                            operands.push((ast.name(binding.name).into(), binding.value));
                        }
                    }
                }
                operands.push(("body".into(), *body));
                ("letrec*".into(), Kind::Form)
            }
        };
        let node = self.picture.node(label, kind, span);
        self.left.extend(operands.into_iter().rev().map(|(label, expr)| (node, label, expr)));
        for function in functions {
            self.function(node, function, Some(function.span));
        }
        node
    }

    fn function(&mut self, parent: NodeId, function: &Function, span: Option<Span>) {
        let node = self.picture.node(signature(self.ast, "lambda", function), Kind::Form, span);
        self.picture.edge(parent, node, self.ast.name(function.name));
        self.left.push((node, String::new(), function.body));
    }
}
