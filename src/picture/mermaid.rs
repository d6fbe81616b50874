//! Pictures as Mermaid flowcharts.

use std::fmt::Write;

use super::{Kind, Picture, Step};

/// The picture as the text of a flowchart.
pub fn write(picture: &Picture) -> String {
    let mut text = "flowchart TD\n".to_string();
    picture.walk(|step| {
        let _ = match step {
            Step::Node(id, depth) => {
                let node = &picture.nodes[id];
                let (open, close) = match node.kind {
                    Kind::Operation => ("(", ")"),
                    Kind::Constant => ("[", "]"),
                    Kind::Name => ("([", "])"),
                    Kind::Result => ("[[", "]]"),
                    Kind::Check => ("{{", "}}"),
                    Kind::Form => ("[/", "\\]"),
                };
                let label = escaped(&node.label);
                writeln!(text, "{:1$}  {id}{open}\"{label}\"{close}", "", 2 * depth)
            }
            Step::Open(id, depth) => writeln!(text, "{:1$}  subgraph {id} [\" \"]", "", 2 * depth),
            Step::Close(depth) => writeln!(text, "{:1$}  end", "", 2 * depth),
        };
    });
    for edge in &picture.edges {
        let _ = match edge.label.as_str() {
            "" => writeln!(text, "  {} --> {}", edge.from, edge.to),
            label => writeln!(text, "  {} -->|\"{}\"| {}", edge.from, escaped(label), edge.to),
        };
    }
    text
}

/// Everything that Mermaid, Markdown or HTML could read as its own, by its number.
fn escaped(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for c in label.chars() {
        match c {
            c if c.is_alphanumeric() || " .,:()%=".contains(c) => text.push(c),
            c if c.is_ascii_control() => text.push(' '),
            c => {
                let _ = write!(text, "#{};", u32::from(c));
            }
        }
    }
    text
}
