//! Tree → AST: calls of the primitive `eml`, and a definition for each node that is used more than once.

use crate::ast::{Ast, Binding, Body, Definition, Expr, ExprKind, Name};
use crate::entity::EntityVec;

use super::Mode;
use super::tree::{Kind, Tree, TreeNode};

/// The program that computes a tree over these numbers: over the complex ones, every leaf is one. Whether `ln 0` fails
/// is for those who run it. Names that it makes contain a dot, which no variable of the dialect does.
pub fn lower(tree: &Tree, mode: Mode) -> Ast {
    let mut ast = Ast::new();
    let operator = ast.add_name("eml");
    let complex = (mode == Mode::Complex).then(|| ast.add_name("complex"));
    let variables: Vec<Name> = tree.variables().iter().map(|name| ast.add_name(name)).collect();
    let mut uses: EntityVec<TreeNode, u32> = EntityVec::filled(0, tree.len());
    for (_, kind) in tree.iter() {
        if let Kind::Eml(left, right) = kind {
            uses[left] += 1;
            uses[right] += 1;
        }
    }
    let mut made: EntityVec<TreeNode, Made> = EntityVec::new();
    let mut shared = 0;
    for (node, kind) in tree.iter() {
        let span = tree.span(node);
        let next = match kind {
            Kind::One => Made::Leaf(number(1.0), complex),
            Kind::Number(bits) => Made::Leaf(number(f64::from_bits(bits)), complex),
            Kind::Variable(index) => Made::Leaf(ExprKind::Name(variables[index as usize]), complex),
            Kind::Eml(left, right) => {
                let operands = [left, right].map(|operand| made[operand].used(&mut ast, tree, operand));
                let call = ast.push(ExprKind::Call(operator, span, operands.into()), span);
                if uses[node] > 1 {
                    let name = ast.add_name(&format!("n.{shared}"));
                    shared += 1;
                    ast.definitions.push(Definition::Value(Binding { name, span, value: call }));
                    Made::Leaf(ExprKind::Name(name), None)
                } else {
                    Made::Once(call)
                }
            }
        };
        made.push(next);
    }
    let root = tree.root();
    ast.body = Body::Value(made[root].used(&mut ast, tree, root));
    ast
}

/// What stands for a node where it is used.
enum Made {
    /// A number or a name, made anew for each use, and the function it is handed to.
    Leaf(ExprKind, Option<Name>),
    /// The expression itself, which is used once.
    Once(Expr),
}

impl Made {
    fn used(&self, ast: &mut Ast, tree: &Tree, node: TreeNode) -> Expr {
        match self {
            Made::Leaf(kind, function) => {
                let span = tree.span(node);
                let leaf = ast.push(kind.clone(), span);
                match *function {
                    Some(function) => ast.push(ExprKind::Call(function, span, [leaf].into()), span),
                    None => leaf,
                }
            }
            Made::Once(expr) => *expr,
        }
    }
}

fn number(value: f64) -> ExprKind {
    ExprKind::Number(value.into())
}
