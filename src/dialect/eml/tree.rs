//! Trees in an arena: equal subtrees are one node.

#![cfg_attr(
    not(feature = "internals"),
    allow(dead_code, reason = "the tools for trees, which stand in a crate of their own, use more of them")
)]

use std::collections::HashMap;

use crate::entity::{Entity, EntityVec, entity};
use crate::number::number;
use crate::source::Span;

entity!(
    /// A node of a tree, shared by all equal subtrees.
    TreeNode, "n");

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The leaf 1.
    One,
    /// A variable, by its position in [`Tree::variables`].
    Variable(u32),
    /// Another number, by its bits: a leaf of the literal grammar only.
    Number(u64),
    /// `eml(left, right)`.
    Eml(TreeNode, TreeNode),
}

/// A tree. Operands stand before what uses them, the root is last, and every node belongs to the root.
#[derive(Debug, Clone)]
pub struct Tree {
    kinds: EntityVec<TreeNode, Kind>,
    spans: EntityVec<TreeNode, Span>,
    variables: Vec<String>,
}

/// What makes the nodes of a tree, each once.
#[derive(Debug, Default)]
pub struct TreeBuilder {
    kinds: EntityVec<TreeNode, Kind>,
    spans: EntityVec<TreeNode, Span>,
    known: HashMap<Kind, TreeNode>,
    variables: Vec<String>,
    names: HashMap<String, u32>,
}

impl TreeBuilder {
    /// No nodes.
    pub fn new() -> TreeBuilder {
        TreeBuilder::default()
    }

    fn node(&mut self, kind: Kind, span: Span) -> TreeNode {
        if let Some(&known) = self.known.get(&kind) {
            return known;
        }
        self.spans.push(span);
        let node = self.kinds.push(kind);
        self.known.insert(kind, node);
        node
    }

    /// The leaf 1.
    pub fn one(&mut self, span: Span) -> TreeNode {
        self.node(Kind::One, span)
    }

    /// A number; 1 is the leaf 1.
    pub fn number(&mut self, value: f64, span: Span) -> TreeNode {
        let kind = if value == 1.0 { Kind::One } else { Kind::Number(value.to_bits()) };
        self.node(kind, span)
    }

    /// The variable of this name.
    pub fn variable(&mut self, name: &str, span: Span) -> TreeNode {
        let index = match self.names.get(name) {
            Some(&index) => index,
            None => {
                let index = self.variables.len() as u32;
                self.variables.push(name.to_owned());
                self.names.insert(name.to_owned(), index);
                index
            }
        };
        self.node(Kind::Variable(index), span)
    }

    /// What a node is.
    pub fn kind(&self, node: TreeNode) -> Kind {
        self.kinds[node]
    }

    /// `eml(left, right)`. A node that exists already keeps the place it was made for.
    pub fn eml(&mut self, left: TreeNode, right: TreeNode, span: Span) -> TreeNode {
        self.node(Kind::Eml(left, right), span)
    }

    /// The tree below `root`, without nodes that it does not use. All variables stay.
    pub fn finish(self, root: TreeNode) -> Tree {
        let mut used = EntityVec::filled(false, self.kinds.len());
        used[root] = true;
        for (node, &kind) in self.kinds.iter().rev() {
            if let (true, Kind::Eml(left, right)) = (used[node], kind) {
                used[left] = true;
                used[right] = true;
            }
        }
        let mut tree = Tree { kinds: EntityVec::new(), spans: EntityVec::new(), variables: self.variables };
        let mut moved: EntityVec<TreeNode, TreeNode> = EntityVec::filled(root, self.kinds.len());
        for (node, &kind) in self.kinds.iter().filter(|&(node, _)| used[node]) {
            tree.spans.push(self.spans[node]);
            moved[node] = tree.kinds.push(match kind {
                Kind::Eml(left, right) => Kind::Eml(moved[left], moved[right]),
                Kind::One | Kind::Variable(_) | Kind::Number(_) => kind,
            });
        }
        tree
    }
}

/// How large a tree is, by the conventions in use. Counts of the tree stop at the largest `u128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Internal `eml` nodes of the tree, equal subtrees counted as often as they stand there.
    pub nodes: u128,
    /// Length in reverse Polish notation, the paper's K: leaves and internal nodes, `2·nodes + 1`.
    pub rpn_length: u128,
    /// Edges from the root to the deepest leaf; a leaf has 0.
    pub depth: u32,
    /// The board's depth, where a leaf has 1.
    pub board_depth: u32,
    /// Internal nodes after sharing.
    pub shared_nodes: usize,
    /// Whether a leaf is a number other than 1, which the strict grammar does not have.
    pub literals: bool,
}

impl Tree {
    /// The node whose value is that of the tree.
    pub fn root(&self) -> TreeNode {
        TreeNode::from_index(self.kinds.len() - 1)
    }
    /// What a node is.
    pub fn kind(&self, node: TreeNode) -> Kind {
        self.kinds[node]
    }
    /// Where it was written first.
    pub fn span(&self, node: TreeNode) -> Span {
        self.spans[node]
    }
    /// All nodes with what they are, operands first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (TreeNode, Kind)> + ExactSizeIterator {
        self.kinds.iter().map(|(node, &kind)| (node, kind))
    }
    /// How many nodes there are after sharing, leaves included.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }
    /// Names of the variables, in the order in which they appear in the text.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The tree below a node. All variables stay.
    pub fn below(&self, root: TreeNode) -> Tree {
        let mut builder = TreeBuilder::new();
        for name in &self.variables {
            builder.variable(name, Span::default());
        }
        let mut made: EntityVec<TreeNode, TreeNode> = EntityVec::new();
        for (node, kind) in self.iter().take(root.index() + 1) {
            let span = self.span(node);
            made.push(match kind {
                Kind::One => builder.one(span),
                Kind::Number(bits) => builder.number(f64::from_bits(bits), span),
                Kind::Variable(index) => builder.variable(&self.variables[index as usize], span),
                Kind::Eml(left, right) => builder.eml(made[left], made[right], span),
            });
        }
        builder.finish(made[root])
    }

    /// One value for each node, made from those of its operands.
    pub fn fold<T: Clone>(&self, mut value: impl FnMut(Kind, &dyn Fn(TreeNode) -> T) -> T) -> Vec<T> {
        let mut values: Vec<T> = Vec::with_capacity(self.len());
        for (_, kind) in self.iter() {
            let of = |node: TreeNode| values[node.index()].clone();
            let next = value(kind, &of);
            values.push(next);
        }
        values
    }

    /// How large the tree is.
    pub fn sizes(&self) -> Sizes {
        let sizes = self.fold(|kind, of: &dyn Fn(TreeNode) -> (u128, u32)| match kind {
            Kind::Eml(left, right) => {
                let (left, right) = (of(left), of(right));
                (left.0.saturating_add(right.0).saturating_add(1), left.1.max(right.1) + 1)
            }
            Kind::One | Kind::Variable(_) | Kind::Number(_) => (0, 0),
        });
        let (nodes, depth) = sizes[self.root().index()];
        Sizes {
            nodes,
            rpn_length: nodes.saturating_mul(2).saturating_add(1),
            depth,
            board_depth: depth + 1,
            shared_nodes: self.iter().filter(|(_, kind)| matches!(kind, Kind::Eml(..))).count(),
            literals: self.iter().any(|(_, kind)| matches!(kind, Kind::Number(_))),
        }
    }

    /// The tree as `eml(…)` text, sharing written out; nothing if it has more than `most` internal nodes.
    pub fn text(&self, most: u128) -> Option<String> {
        if self.sizes().nodes > most {
            return None;
        }
        Some(self.write(self.root(), usize::MAX))
    }

    /// A node in a few words: its text if that is short, otherwise its beginning.
    pub fn excerpt(&self, node: TreeNode) -> String {
        const LONGEST: usize = 60;
        self.write(node, LONGEST)
    }

    /// The text of a node, cut where it gets longer than `longest` bytes.
    fn write(&self, node: TreeNode, longest: usize) -> String {
        let mut text = String::new();
        let mut left = vec![Item::Node(node)];
        while let Some(item) = left.pop() {
            if text.len() > longest {
                text.push('…');
                break;
            }
            match item {
                Item::Text(words) => text.push_str(words),
                Item::Node(node) => match self.kind(node) {
                    Kind::Eml(x, y) => {
                        text.push_str("eml(");
                        left.extend([Item::Text(")"), Item::Node(y), Item::Text(","), Item::Node(x)]);
                    }
                    Kind::One => text.push('1'),
                    Kind::Variable(index) => text.push_str(&self.variables[index as usize]),
                    Kind::Number(bits) => text.push_str(&number(f64::from_bits(bits))),
                },
            }
        }
        text
    }
}

/// What is left to print.
enum Item {
    Node(TreeNode),
    Text(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Span {
        Span::default()
    }

    #[test]
    fn sharing_is_never_lost() {
        let mut builder = TreeBuilder::new();
        let mut node = builder.variable("x", nowhere());
        for _ in 0..200 {
            node = builder.eml(node, node, nowhere());
        }
        let tree = builder.finish(node);
        let sizes = tree.sizes();
        assert_eq!((sizes.nodes, sizes.rpn_length), (u128::MAX, u128::MAX));
        assert_eq!((sizes.depth, sizes.board_depth, sizes.shared_nodes), (200, 201, 200));
        assert_eq!(tree.text(1000), None);
        assert!(tree.excerpt(tree.root()).chars().count() < 80);
    }

    #[test]
    fn unused_nodes_go() {
        let mut builder = TreeBuilder::new();
        let x = builder.variable("x", nowhere());
        let one = builder.one(nowhere());
        builder.number(2.0, nowhere());
        builder.eml(one, one, nowhere());
        let root = builder.eml(x, one, nowhere());
        let tree = builder.finish(root);
        assert_eq!(tree.len(), 3);
        assert_eq!(tree.text(1).as_deref(), Some("eml(x,1)"));
        assert!(!tree.sizes().literals);
    }

    #[test]
    fn one_is_the_leaf() {
        let mut builder = TreeBuilder::new();
        assert_eq!(builder.number(1.0, nowhere()), builder.one(nowhere()));
        assert_ne!(builder.number(0.0, nowhere()), builder.number(-0.0, nowhere()));
    }
}
