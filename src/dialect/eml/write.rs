//! AST → text, for programs that are a tree of calls of `eml`.

use std::collections::HashMap;

use super::tree::{TreeBuilder, TreeNode};
use crate::ast::{Ast, Body, Definition, Expr, ExprKind, Name};
use crate::dialect::{Mode, unsayable};
use crate::entity::EntityVec;
use crate::source::{Diagnostic, Span};

/// Internal nodes of the largest text that is written: what is shared in a program is written out where it is used.
const MOST: u128 = 1 << 22;

/// The text of a program over these numbers.
///
/// # Errors
///
/// Programs that are no trees of `eml`, numbers and variables, and trees that are too large as a text.
pub fn write(ast: &Ast, mode: Mode) -> Result<String, Box<Diagnostic>> {
    let refuse = |span: Span, what: &str| unsayable("eml", Some((span, what)));
    if let Some(import) = ast.imports.first() {
        return Err(refuse(import.span, "it imports definitions"));
    }
    let mut values: HashMap<Name, Expr> = HashMap::new();
    for definition in &ast.definitions {
        match definition {
            Definition::Value(binding) => {
                values.insert(binding.name, binding.value);
            }
            Definition::Function(function) => return Err(refuse(function.span, "it defines a function")),
        }
    }
    let &Body::Value(root) = &ast.body else {
        return Err(refuse(Span::default(), "it has several results, or ends in a function"));
    };
    let mut builder = TreeBuilder::new();
    let mut nodes: EntityVec<Expr, TreeNode> = EntityVec::new();
    for expr in ast.exprs() {
        let span = ast.span(expr);
        let node = match ast.kind(expr) {
            ExprKind::Number(literal) => builder.number(literal.f64, span),
            ExprKind::Name(name) => match values.get(name) {
                None => builder.variable(ast.name(*name), span),
                Some(&value) => *nodes.get(value).ok_or_else(|| refuse(span, "it uses a value early"))?,
            },
            ExprKind::Call(name, _, args) => match (ast.name(*name), &**args) {
                ("eml", &[x, y]) => builder.eml(nodes[x], nodes[y], span),
                ("complex", &[leaf]) if mode == Mode::Complex => nodes[leaf],
                (function, _) => return Err(refuse(span, &format!("it calls `{function}`"))),
            },
            ExprKind::If(..)
            | ExprKind::Apply(..)
            | ExprKind::Lambda(_)
            | ExprKind::Let(..)
            | ExprKind::Letrec(..)
            | ExprKind::Loop(..)
            | ExprKind::Recur(..) => return Err(refuse(span, "it has forms other than calls")),
        };
        nodes.push(node);
    }
    let tree = builder.finish(nodes[root]);
    tree.text(MOST)
        .map(|text| text + "\n")
        .ok_or_else(|| refuse(Span::default(), &format!("as a text it has more than {MOST} calls")))
}
