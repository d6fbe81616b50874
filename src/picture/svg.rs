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

/// The advance of a character at an edge, and the space between two such labels.
const LABEL_ADVANCE: f64 = 6.1;
const LABEL_GAP: f64 = 9.0;

/// Colours on a light ground, and on a dark one where the reader prefers that.
const STYLE: &str = "\
<style>
text { font: 12px monospace; text-anchor: middle; fill: #112; }
path { fill: none; stroke: #667; }
marker path { fill: #667; stroke: none; }
.label { font-size: 10px; text-anchor: start; fill: #445; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
rect { stroke: #445; fill: #fff; }
.ground { stroke: none; }
.frame { fill: #f4f4f8; stroke-dasharray: 4 3; }
.operation { fill: #dce8ff; }
.constant { stroke: none; fill: #f0f0f0; }
.name { fill: #ddf3dc; }
.result { fill: #fff3cc; stroke-width: 2; }
.check { fill: #ffdcd6; }
.form { fill: #eee2fa; }
@media (prefers-color-scheme: dark) {
text { fill: #eef; }
path { stroke: #99a; }
marker path { fill: #99a; }
.label { fill: #ccd; stroke: #16171d; }
rect { stroke: #99a; fill: #16171d; }
.frame { fill: #20222b; }
.operation { fill: #25375c; }
.constant { fill: #2c2e36; }
.name { fill: #21452a; }
.result { fill: #54481c; }
.check { fill: #5e2a24; }
.form { fill: #41305a; }
}
</style>
<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
<path d=\"M0 1L8 4L0 7z\"/></marker></defs>
<rect class=\"ground\" width=\"100%\" height=\"100%\"/>
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
    /// The size of each item.
    sizes: Vec<(f64, f64)>,
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
    let (mut lines, mut words) = (String::new(), String::new());
    let mut boxes = String::new();
    while let Some((index, origin)) = left.pop() {
        let level = &levels[index];
        for ((&item, &(x, y)), &size) in level.items.iter().zip(&level.layout.corners).zip(&level.sizes) {
            let corner = (origin.0 + x, origin.1 + y);
            match item {
                Item::Node(node) => draw_node(picture, source, node, corner, size, &mut boxes),
                Item::Group(group) => {
                    let (width, height) = size;
                    let (x, y) = corner;
                    let _ = writeln!(
                        text,
                        "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>"
                    );
                    left.push((group.index(), (x + PADDING, y + PADDING)));
                }
            }
        }
        draw_edges(picture, level, origin, &mut lines, &mut words);
    }
    text + &lines + &words + &boxes + "</svg>\n"
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
        let mut sizes: Vec<(f64, f64)> =
            levels[k].items.iter().map(|&item| size(picture, &levels, item)).collect();
        // As wide as the labels at its edges are together.
        let mut room = vec![0.0; sizes.len()];
        for &((from, _), edge) in &levels[k].edges {
            room[from] += slot(picture, edge);
        }
        for (size, room) in sizes.iter_mut().zip(room) {
            size.0 = size.0.max(room);
        }
        let edges: Vec<(usize, usize)> = levels[k].edges.iter().map(|edge| edge.0).collect();
        levels[k].layout = layered(&sizes, &edges);
        levels[k].sizes = sizes;
    }
    levels
}

/// How much of the width of a box an edge takes at its beginning.
fn slot(picture: &Picture, edge: usize) -> f64 {
    picture.edges[edge].label.chars().count() as f64 * LABEL_ADVANCE + LABEL_GAP
}

/// The size of an item by itself.
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

fn draw_node(
    picture: &Picture,
    source: &str,
    node: NodeId,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    text: &mut String,
) {
    let item = &picture.nodes[node];
    let (class, radius) = match item.kind {
        Kind::Operation => ("operation", 12),
        Kind::Constant => ("constant", 0),
        Kind::Name => ("name", 4),
        Kind::Result => ("result", 2),
        Kind::Check => ("check", 2),
        Kind::Form => ("form", 0),
    };
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

/// The edges of a level. Those of one box leave it beside each other, in the order of where they lead, so that they do not cross
/// at once; each has room for its label. Labels are written apart, to lie over all lines.
fn draw_edges(picture: &Picture, level: &Level, origin: (f64, f64), text: &mut String, labels: &mut String) {
    let end = |to: usize| {
        let (corner, size) = (level.layout.corners[to], level.sizes[to]);
        (corner.0 + size.0 / 2.0, corner.1)
    };
    let mut leaving: Vec<Vec<usize>> = vec![Vec::new(); level.items.len()];
    for (k, &((from, _), _)) in level.edges.iter().enumerate() {
        leaving[from].push(k);
    }
    for (from, mut edges) in leaving.into_iter().enumerate() {
        let towards = |k: usize| {
            let ((_, to), _) = level.edges[k];
            level.layout.bends[k].first().map_or(end(to).0, |bend| bend.0)
        };
        edges.sort_by(|&a, &b| towards(a).total_cmp(&towards(b)));
        let slots: Vec<f64> = edges.iter().map(|&k| slot(picture, level.edges[k].1)).collect();
        let (corner, size) = (level.layout.corners[from], level.sizes[from]);
        let spread = size.0 / slots.iter().sum::<f64>().max(1.0);
        let mut left = corner.0;
        for (k, slot) in edges.into_iter().zip(slots) {
            let ((_, to), edge) = level.edges[k];
            let words = &picture.edges[edge].label;
            let label = words.chars().count() as f64 * LABEL_ADVANCE;
            // In the middle of its part of the side, together with the label to its right.
            let start = (left + (spread * slot - label) / 2.0, corner.1 + size.1);
            left += spread * slot;
            let moved = |point: (f64, f64)| (origin.0 + point.0, origin.1 + point.1);
            let (mut x, mut y) = moved(start);
            let label = (x + 3.0, y + 11.0);
            let _ = write!(text, "<path marker-end=\"url(#end)\" d=\"M{x:.1} {y:.1}");
            for &point in level.layout.bends[k].iter().chain([&end(to)]) {
                let (to_x, to_y) = moved(point);
                let middle = (y + to_y) / 2.0;
                let _ = write!(text, "C{x:.1} {middle:.1} {to_x:.1} {middle:.1} {to_x:.1} {to_y:.1}");
                (x, y) = (to_x, to_y);
            }
            let _ = writeln!(text, "\"/>");
            if !words.is_empty() {
                let _ = writeln!(
                    labels,
                    "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    label.0,
                    label.1,
                    escaped(words)
                );
            }
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
