//! Pictures in the language of Graphviz.

use std::fmt::Write;

use super::{Kind, Picture, Step};

/// The picture as the text of a directed graph.
pub fn write(picture: &Picture) -> String {
    let mut text = "digraph program {\n  graph [ordering=out];\n  node [fontname=monospace];\n".to_string();
    picture.walk(|step| {
        let _ = match step {
            Step::Node(id, depth) => {
                let node = &picture.nodes[id];
                let shape = match node.kind {
                    Kind::Operation => "ellipse",
                    Kind::Constant => "plaintext",
                    Kind::Name => "box",
                    Kind::Result => "doubleoctagon",
                    Kind::Check => "hexagon",
                    Kind::Form => "trapezium",
                };
                let label = escaped(&node.label);
                writeln!(text, "{:1$}  {id} [label=\"{label}\", shape={shape}];", "", 2 * depth)
            }
            Step::Open(id, depth) => writeln!(text, "{:1$}  subgraph cluster_{id} {{", "", 2 * depth),
            Step::Close(depth) => writeln!(text, "{:1$}  }}", "", 2 * depth),
        };
    });
    for edge in &picture.edges {
        let _ = match edge.label.as_str() {
            "" => writeln!(text, "  {} -> {};", edge.from, edge.to),
            label => writeln!(text, "  {} -> {} [label=\"{}\"];", edge.from, edge.to, escaped(label)),
        };
    }
    text + "}\n"
}

/// The inside of a quoted string. Graphviz takes a backslash in a label for the beginning of an escape.
fn escaped(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for c in label.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            c if c.is_control() => text.push(' '),
            // Labels are texts with entities.
            '&' => text.push_str("&amp;"),
            c => text.push(c),
        }
    }
    text
}
