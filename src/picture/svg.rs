//! Pictures as SVG.

use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

use super::layout::{Edge, Layout, Straight, layered};
use super::{GroupId, Kind, NodeId, Picture};
use crate::entity::{Entity, EntityVec};

/// The advance of a character.
const ADVANCE: f64 = 7.3;
/// The height of a box.
const HEIGHT: f64 = 24.0;
/// Space at the sides of a label, and around the inside of a frame.
const PADDING: f64 = 10.0;
/// How much of the lines that leave a box is behind it, whose corners are round.
const HIDDEN: f64 = 8.0;
/// Characters of the source that are shown with a node.
const EXCERPT: usize = 80;

/// The advance of a character at an edge, and how far below the box of the edge it stands.
const LABEL_ADVANCE: f64 = 6.1;
const LABEL_BASE: f64 = 11.0;

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
        let edges: Vec<Edge> = levels[k].edges.iter().map(|edge| line(picture, edge)).collect();
        // As wide as the labels at its edges are together.
        let mut room = vec![0.0; sizes.len()];
        for edge in &edges {
            room[edge.from] += edge.slot();
        }
        for (size, room) in sizes.iter_mut().zip(room) {
            size.0 = size.0.max(room);
        }
        levels[k].layout = layered(&sizes, &edges);
        levels[k].sizes = sizes;
    }
    levels
}

/// An edge of a level, with the room for its label.
fn line(picture: &Picture, &((from, to), edge): &((usize, usize), usize)) -> Edge {
    Edge { from, to, label: picture.edges[edge].label.width() as f64 * LABEL_ADVANCE }
}

/// The size of an item by itself.
fn size(picture: &Picture, levels: &[Level], item: Item) -> (f64, f64) {
    match item {
        Item::Node(node) => {
            let characters = picture.nodes[node].label.width().max(1);
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

/// The edges of a level. Labels are written apart, to lie over all lines.
fn draw_edges(picture: &Picture, level: &Level, origin: (f64, f64), text: &mut String, labels: &mut String) {
    let layout = &level.layout;
    for ((&(mut line), &joins), &((from, _), _)) in layout.lines.iter().zip(&layout.joins).zip(&level.edges) {
        if let Item::Node(_) = level.items[from] {
            line[0].top -= HIDDEN;
        }
        draw_line(&line, origin, !joins, text);
    }
    for stem in &layout.stems {
        draw_line(stem, origin, true, text);
    }
    for (&(_, edge), &(x, y)) in level.edges.iter().zip(&layout.labels) {
        let words = &picture.edges[edge].label;
        if !words.is_empty() {
            let (x, y) = (origin.0 + x, origin.1 + y + LABEL_BASE);
            let _ =
                writeln!(labels, "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(words));
        }
    }
}

/// A line down, with an arrow at its end if it ends at a box.
fn draw_line(line: &[Straight], origin: (f64, f64), arrow: bool, text: &mut String) {
    let end = if arrow { " marker-end=\"url(#end)\"" } else { "" };
    let _ = write!(text, "<path{end} d=\"");
    let mut before: Option<(f64, f64)> = None;
    for straight in line {
        let (x, top, bottom) = (origin.0 + straight.x, origin.1 + straight.top, origin.1 + straight.bottom);
        let _ = match before {
            None => write!(text, "M{x:.1} {top:.1}"),
            Some((before, y)) => {
                let middle = (y + top) / 2.0;
                write!(text, "C{before:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {top:.1}")
            }
        };
        if bottom > top {
            let _ = write!(text, "V{bottom:.1}");
        }
        before = Some((x, bottom));
    }
    let _ = writeln!(text, "\"/>");
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
