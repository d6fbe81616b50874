//! Pictures as SVG.

use std::fmt::Write;

use super::layout::{Layout, layered};
use super::{GroupId, Kind, NodeId, Picture};
use crate::entity::{Entity, EntityVec};

/// The advance of a character.
const ADVANCE: f64 = 7.3;
/// The height of a box.
const HEIGHT: f64 = 24.0;
/// Space at the sides of a label, and around the inside of a frame.
const PADDING: f64 = 10.0;
/// Characters of the source that are shown with a node.
const EXCERPT: usize = 80;

const STYLE: &str = "\
<style>
text { font: 12px monospace; text-anchor: middle; }
path { fill: none; stroke: #667; }
.label { font-size: 10px; fill: #556; }
rect { stroke: #445; fill: #fff; }
.frame { fill: #f4f4f8; stroke-dasharray: 4 3; }
.operation { fill: #dce8ff; }
.constant { stroke: none; fill: #f0f0f0; }
.name { fill: #ddf3dc; }
.result { fill: #fff3cc; stroke-width: 2; }
.check { fill: #ffdcd6; }
.form { fill: #eee2fa; }
</style>
";

/// What is laid out: a node, or a group as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Node(NodeId),
    Group(GroupId),
}

/// Groups and the whole: what stands in each, and the edges between those.
#[derive(Debug, Clone, Default)]
struct Level {
    items: Vec<Item>,
    /// Positions in `items`, and the edge of the picture that they belong to.
    edges: Vec<((usize, usize), usize)>,
    layout: Layout,
}

/// The picture as the text of an SVG file. Nodes show their place in the source as a title; the source may be empty.
pub fn write(picture: &Picture, source: &str) -> String {
    let levels = levels(picture);
    let top = &levels[picture.groups.len()].layout;
    let (width, height) = (top.width + 2.0 * PADDING, top.height + 2.0 * PADDING);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">\n{STYLE}"
    );
    // Frames first, each over the one around it.
    let mut left = vec![(picture.groups.len(), (PADDING, PADDING))];
    let mut lines = String::new();
    let mut boxes = String::new();
    while let Some((index, origin)) = left.pop() {
        let level = &levels[index];
        for (&item, &(x, y)) in level.items.iter().zip(&level.layout.corners) {
            let corner = (origin.0 + x, origin.1 + y);
            let (width, height) = size(picture, &levels, item);
            match item {
                Item::Node(node) => draw_node(picture, source, node, corner, &mut boxes),
                Item::Group(group) => {
                    let (x, y) = corner;
                    let _ = writeln!(
                        text,
                        "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>"
                    );
                    left.push((group.index(), (x + PADDING, y + PADDING)));
                }
            }
        }
        draw_edges(picture, &levels, level, origin, &mut lines);
    }
    text + &lines + &boxes + "</svg>\n"
}

/// All levels, laid out: that of each group, then that of the whole.
fn levels(picture: &Picture) -> Vec<Level> {
    let whole = picture.groups.len();
    let index = |group: Option<GroupId>| group.map_or(whole, Entity::index);
    let mut levels = vec![Level::default(); whole + 1];
    let mut place = EntityVec::<NodeId, usize>::filled(0, picture.nodes.len());
    let mut frame = EntityVec::<GroupId, usize>::filled(0, whole);
    for (id, node) in picture.nodes.iter() {
        let items = &mut levels[index(node.group)].items;
        place[id] = items.len();
        items.push(Item::Node(id));
    }
    for (id, group) in picture.groups.iter() {
        let items = &mut levels[index(group.parent)].items;
        frame[id] = items.len();
        items.push(Item::Group(id));
    }
    for (k, edge) in picture.edges.iter().enumerate() {
        // Up from the inner of the two until both are in one level; inner groups have larger indices.
        let (mut from, mut to) = (place[edge.from], place[edge.to]);
        let (mut above, mut below) = (picture.nodes[edge.from].group, picture.nodes[edge.to].group);
        while above != below {
            if above > below {
                if let Some(group) = above {
                    (from, above) = (frame[group], picture.groups[group].parent);
                }
            } else if let Some(group) = below {
                (to, below) = (frame[group], picture.groups[group].parent);
            }
        }
        levels[index(above)].edges.push(((from, to), k));
    }
    for k in 0..=whole {
        // Inner groups first, the whole last.
        let k = if k == whole { whole } else { whole - 1 - k };
        let sizes: Vec<(f64, f64)> =
            levels[k].items.iter().map(|&item| size(picture, &levels, item)).collect();
        let edges: Vec<(usize, usize)> = levels[k].edges.iter().map(|edge| edge.0).collect();
        levels[k].layout = layered(&sizes, &edges);
    }
    levels
}

fn size(picture: &Picture, levels: &[Level], item: Item) -> (f64, f64) {
    match item {
        Item::Node(node) => {
            let characters = picture.nodes[node].label.chars().count().max(1);
            (characters as f64 * ADVANCE + 2.0 * PADDING, HEIGHT)
        }
        Item::Group(group) => {
            let layout = &levels[group.index()].layout;
            (layout.width + 2.0 * PADDING, layout.height + 2.0 * PADDING)
        }
    }
}

fn draw_node(picture: &Picture, source: &str, node: NodeId, (x, y): (f64, f64), text: &mut String) {
    let item = &picture.nodes[node];
    let (class, radius) = match item.kind {
        Kind::Operation => ("operation", 12),
        Kind::Constant => ("constant", 0),
        Kind::Name => ("name", 4),
        Kind::Result => ("result", 2),
        Kind::Check => ("check", 2),
        Kind::Form => ("form", 0),
    };
    let (width, height) = size(picture, &[], Item::Node(node));
    let excerpt: String = item.span.map_or("", |span| span.text(source)).chars().take(EXCERPT).collect();
    let title = if excerpt.is_empty() { excerpt } else { format!("<title>{}</title>", escaped(&excerpt)) };
    let _ = writeln!(
        text,
        "<g>{title}<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         rx=\"{radius}\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        x + width / 2.0,
        y + height / 2.0 + 4.0,
        escaped(&item.label)
    );
}

/// The edges of a level. Those of one box leave it beside each other, in their order.
fn draw_edges(picture: &Picture, levels: &[Level], level: &Level, origin: (f64, f64), text: &mut String) {
    let mut count = vec![0u32; level.items.len()];
    for &((from, _), _) in &level.edges {
        count[from] += 1;
    }
    let mut drawn = vec![0u32; level.items.len()];
    for (&((from, to), edge), bends) in level.edges.iter().zip(&level.layout.bends) {
        drawn[from] += 1;
        let share = f64::from(drawn[from]) / f64::from(count[from] + 1);
        let (size_from, size_to) =
            (size(picture, levels, level.items[from]), size(picture, levels, level.items[to]));
        let (corner_from, corner_to) = (level.layout.corners[from], level.layout.corners[to]);
        let start = (corner_from.0 + share * size_from.0, corner_from.1 + size_from.1);
        let end = (corner_to.0 + size_to.0 / 2.0, corner_to.1);
        let moved = |point: (f64, f64)| (origin.0 + point.0, origin.1 + point.1);
        let (mut x, mut y) = moved(start);
        let _ = write!(text, "<path d=\"M{x:.1} {y:.1}");
        let label = (x, y + 11.0);
        for &point in bends.iter().chain([&end]) {
            let (to_x, to_y) = moved(point);
            let middle = (y + to_y) / 2.0;
            let _ = write!(text, "C{x:.1} {middle:.1} {to_x:.1} {middle:.1} {to_x:.1} {to_y:.1}");
            (x, y) = (to_x, to_y);
        }
        let _ = writeln!(text, "\"/>");
        let words = &picture.edges[edge].label;
        if !words.is_empty() {
            // Beside the edge, on its outer side.
            let (side, x) = if share < 0.5 { ("end", label.0 - 2.0) } else { ("start", label.0 + 2.0) };
            let _ = writeln!(
                text,
                "<text class=\"label\" style=\"text-anchor: {side}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                label.1,
                escaped(words)
            );
        }
    }
}

/// Text for XML. Characters that it cannot have are replaced.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '\n' | '\t' => written.push(' '),
            '\0'..='\x1f' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => written.push('\u{fffd}'),
            c => written.push(c),
        }
    }
    written
}
