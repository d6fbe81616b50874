//! Pictures of trees, in each of their languages.

use insta::assert_snapshot;
use nc_eml::picture::picture;
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::{Picture, ReaderLimits};

const NEG: &str = "eml(eml(1,eml(eml(1,eml(1,eml(x,1))),1)),eml(eml(1,1),1))";

fn of_tree(source: &str) -> Picture {
    picture(&reader::read(source, Grammar::Literal, &ReaderLimits::default()).unwrap())
}

#[test]
fn three_languages() {
    let picture = of_tree(NEG);
    assert_snapshot!("neg_mermaid", picture.mermaid());
    assert_snapshot!("neg_dot", picture.dot());
    assert_snapshot!("neg_svg", picture.svg(NEG));
}

#[test]
fn shared_nodes_are_drawn_once() {
    let picture = of_tree("eml(eml(x,1),eml(x,1))");
    let labels: Vec<&str> = picture.nodes().values().map(|node| node.label.as_str()).collect();
    assert_eq!(labels, ["eml", "eml", "x", "1"]);
    assert_eq!(picture.edges().len(), 4);
    assert_eq!(of_tree("x").nodes().len(), 1);
}

/// Deep trees take no stack, and limits are kept.
#[test]
fn large_pictures() {
    const DEPTH: usize = 100_000;
    let text = format!("{}x{}", "eml(1,".repeat(DEPTH), ")".repeat(DEPTH));
    let picture = of_tree(&text);
    assert_eq!(picture.nodes().len(), 2 * DEPTH + 1);
    let svg = picture.svg(&text);
    assert_eq!(svg.matches("<rect").count(), 2 * DEPTH + 2);
    assert_eq!(picture.mermaid().lines().count(), 1 + 2 * DEPTH + 1 + 2 * DEPTH);
    let error = picture.within(Picture::MAX_NODES).unwrap_err();
    assert_eq!(error.to_string(), "the picture has 200001 nodes, more than the limit of 2000");
}
