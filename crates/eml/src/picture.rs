//! Pictures of trees of `eml`.

use neural_compiler::Picture;
use neural_compiler::internals::dialect::eml::tree::{self, Tree, TreeNode};
use neural_compiler::internals::entity::EntityVec;
use neural_compiler::internals::number::number;
use neural_compiler::internals::picture::{Kind, NodeId};

/// The tree with its shared nodes: each `eml` and each variable once, numbers where they are used. The edge to what goes
/// into the exponential comes first.
pub fn picture(tree: &Tree) -> Picture {
    let mut picture = Picture::default();
    let mut made: EntityVec<TreeNode, Option<NodeId>> = EntityVec::filled(None, tree.len());
    let mut place = |picture: &mut Picture, node: TreeNode| {
        let span = Some(tree.span(node));
        let fresh = match tree.kind(node) {
            tree::Kind::One => return picture.add_node("1", Kind::Constant, span),
            tree::Kind::Number(bits) => {
                return picture.add_node(number(f64::from_bits(bits)), Kind::Constant, span);
            }
            tree::Kind::Variable(index) => (tree.variables()[index as usize].as_str(), Kind::Name),
            tree::Kind::Eml(..) => ("eml", Kind::Operation),
        };
        *made[node].get_or_insert_with(|| picture.add_node(fresh.0, fresh.1, span))
    };
    // From the root, so that nodes are numbered as they are read.
    for (node, kind) in tree.iter().rev() {
        let from = match kind {
            tree::Kind::Eml(..) => place(&mut picture, node),
            tree::Kind::One | tree::Kind::Number(_) | tree::Kind::Variable(_) if node == tree.root() => {
                place(&mut picture, node)
            }
            tree::Kind::One | tree::Kind::Number(_) | tree::Kind::Variable(_) => continue,
        };
        if let tree::Kind::Eml(left, right) = kind {
            for (operand, label) in [(left, "exp"), (right, "ln")] {
                let to = place(&mut picture, operand);
                picture.add_edge(from, to, label);
            }
        }
    }
    picture
}
