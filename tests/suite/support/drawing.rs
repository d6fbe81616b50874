//! What a reader of an SVG of a graph would object to, found in the text of the SVG alone.

use roxmltree::Document;

/// The advance of a character of 12 and of 10 pixels in the widest common monospaced fonts.
const ADVANCE: f64 = 7.23;
const LABEL_ADVANCE: f64 = 6.03;
/// How far things may reach into each other: coordinates are rounded to a tenth, and borders have a width.
const SLACK: f64 = 0.6;
/// Into how many parts curves are cut. An odd number: curves that cross in their middles cross within a part.
const PARTS: usize = 17;

#[derive(Debug, Clone, Copy)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Rect {
    fn holds(&self, (x, y): (f64, f64)) -> bool {
        x > self.left + SLACK && x < self.right - SLACK && y > self.top + SLACK && y < self.bottom - SLACK
    }

    /// Whether a line begins or ends at it.
    fn owns(&self, (x, y): (f64, f64)) -> bool {
        x > self.left - SLACK && x < self.right + SLACK && y > self.top - SLACK && y < self.bottom + SLACK
    }

    fn meets(&self, other: &Rect) -> bool {
        self.left + SLACK < other.right
            && other.left + SLACK < self.right
            && self.top + SLACK < other.bottom
            && other.top + SLACK < self.bottom
    }

    fn contains(&self, other: &Rect) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && self.right >= other.right
            && self.bottom >= other.bottom
    }
}

/// What is found in a drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// How often two lines cross.
    pub crossings: usize,
    /// Lines over boxes at which they do not begin or end, or over frames.
    pub over_boxes: usize,
    /// Lines over labels of other lines.
    pub over_labels: usize,
    /// Boxes, frames and labels that overlap.
    pub overlaps: usize,
    /// Texts wider than their boxes.
    pub too_wide: usize,
}

impl Found {
    /// Whether nothing stands over anything else; lines may cross.
    pub fn is_clear(&self) -> bool {
        *self == Found { crossings: self.crossings, ..Found::default() }
    }
}

impl std::ops::AddAssign for Found {
    fn add_assign(&mut self, other: Found) {
        self.crossings += other.crossings;
        self.over_boxes += other.over_boxes;
        self.over_labels += other.over_labels;
        self.overlaps += other.overlaps;
        self.too_wide += other.too_wide;
    }
}

/// Looks at an SVG.
pub fn look(svg: &str) -> Found {
    let document = Document::parse(svg).expect("an SVG is XML");
    let (mut boxes, mut frames, mut labels, mut lines) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut found = Found::default();
    for node in document.descendants() {
        let number = |name: &str| node.attribute(name).and_then(|text| text.parse::<f64>().ok());
        let class = node.attribute("class");
        let text = || node.text().map_or(0, |text| text.chars().count()) as f64;
        match (node.tag_name().name(), class) {
            ("rect", Some("ground")) => {}
            ("rect", _) => {
                let [left, top, width, height] =
                    ["x", "y", "width", "height"].map(|name| number(name).expect("rectangles have sizes"));
                let rect = Rect { left, top, right: left + width, bottom: top + height };
                if class == Some("frame") { frames.push(rect) } else { boxes.push(rect) }
            }
            ("text", Some("label")) => {
                let (left, base) = (number("x").expect("a place"), number("y").expect("a place"));
                let right = left + text() * LABEL_ADVANCE;
                labels.push(Rect { left, top: base - 8.0, right, bottom: base + 2.0 });
            }
            ("text", _) => {
                let around = boxes.last().expect("texts follow their boxes");
                found.too_wide += usize::from(text() * ADVANCE > around.right - around.left);
            }
            ("path", _) if node.parent().is_none_or(|parent| !parent.has_tag_name("marker")) => {
                lines.push(points(node.attribute("d").expect("a path has points")));
            }
            _ => {}
        }
    }
    for (k, line) in lines.iter().enumerate() {
        let ends = [line[0], line[line.len() - 1]];
        let dense = dense(line);
        for rect in &boxes {
            let own = ends.iter().any(|&end| rect.owns(end));
            found.over_boxes += usize::from(!own && dense.iter().any(|&point| rect.holds(point)));
        }
        for frame in &frames {
            let inside = dense.iter().filter(|&&point| frame.holds(point)).count();
            let begins_inside = frame.holds(ends[0]);
            found.over_boxes += usize::from(if begins_inside { inside < dense.len() } else { inside > 0 });
        }
        for label in &labels {
            // A label stands to the right of the beginning of its line.
            let own = (label.left - 3.0 - ends[0].0).abs() < 0.3 && (label.top - ends[0].1).abs() < 15.0;
            found.over_labels += usize::from(!own && dense.iter().any(|&point| label.holds(point)));
        }
        for other in &lines[..k] {
            found.crossings += crossings(line, other);
        }
    }
    let all: Vec<&Rect> = boxes.iter().chain(&labels).collect();
    for (k, rect) in all.iter().enumerate() {
        found.overlaps += all[..k].iter().filter(|other| rect.meets(other)).count();
        found.overlaps += frames.iter().filter(|frame| rect.meets(frame) && !frame.contains(rect)).count();
    }
    for (k, frame) in frames.iter().enumerate() {
        let apart = |other: &Rect| !frame.meets(other) || frame.contains(other) || other.contains(frame);
        found.overlaps += frames[..k].iter().filter(|other| !apart(other)).count();
    }
    found
}

/// The points of a path of absolute `M`, `C` and `V`.
fn points(path: &str) -> Vec<(f64, f64)> {
    let spaced: String = path
        .chars()
        .flat_map(|c| if c.is_ascii_alphabetic() { vec![' ', c, ' '] } else { vec![c] })
        .collect();
    let mut words = spaced.split_whitespace();
    let mut points: Vec<(f64, f64)> = Vec::new();
    while let Some(command) = words.next() {
        let mut next = || words.next().and_then(|word| word.parse::<f64>().ok()).expect("a number");
        match command {
            "M" => points.push((next(), next())),
            "V" => {
                let x = points.last().expect("a beginning").0;
                points.push((x, next()));
            }
            "C" => {
                let from = *points.last().expect("a beginning");
                let [a, b, to] = [(next(), next()), (next(), next()), (next(), next())];
                for k in 1..=PARTS {
                    let t = k as f64 / PARTS as f64;
                    let s = 1.0 - t;
                    let mix = |from: f64, a: f64, b: f64, to: f64| {
                        s * s * s * from + 3.0 * s * s * t * a + 3.0 * s * t * t * b + t * t * t * to
                    };
                    points.push((mix(from.0, a.0, b.0, to.0), mix(from.1, a.1, b.1, to.1)));
                }
            }
            other => panic!("{other} in {path}"),
        }
    }
    points
}

/// Points of a line that are at most a pixel apart.
fn dense(line: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for pair in line.windows(2) {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        let steps = (to_x - x).hypot(to_y - y).ceil().max(1.0);
        for k in 0..=steps as usize {
            let t = k as f64 / steps;
            points.push((x + t * (to_x - x), y + t * (to_y - y)));
        }
    }
    points
}

/// How often two lines cross; lines that meet at their ends, or run into each other, do not.
fn crossings(a: &[(f64, f64)], b: &[(f64, f64)]) -> usize {
    let mut crossings = 0;
    for p in a.windows(2) {
        for q in b.windows(2) {
            let apart = |f: fn(&(f64, f64)) -> f64| {
                let (low, high) = (f(&p[0]).min(f(&p[1])), f(&p[0]).max(f(&p[1])));
                let (other_low, other_high) = (f(&q[0]).min(f(&q[1])), f(&q[0]).max(f(&q[1])));
                high < other_low || other_high < low
            };
            if apart(|point| point.0) || apart(|point| point.1) {
                continue;
            }
            let side = |from: (f64, f64), to: (f64, f64), point: (f64, f64)| {
                (to.0 - from.0) * (point.1 - from.1) - (to.1 - from.1) * (point.0 - from.0)
            };
            let proper = side(p[0], p[1], q[0]) * side(p[0], p[1], q[1]) < -1e-9
                && side(q[0], q[1], p[0]) * side(q[0], q[1], p[1]) < -1e-9;
            crossings += usize::from(proper);
        }
    }
    crossings
}
