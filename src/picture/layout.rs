//! Layered drawing (Sugiyama): each box a layer below the boxes that lead to it, few crossings, straight lines.
//!
//! Parts that no edge connects stand beside each other. Layers are longest paths, and boxes with more edges down than up sink as
//! far as they can; long edges are cut at each layer that they pass. The order in a layer starts as that of a walk in depth, in
//! which a tree has no crossing, and is improved by barycentres and exchanges of neighbours as long as crossings are left. Then
//! boxes move sideways to the mean of their neighbours, as near as the order allows: a least-squares problem that pooling adjacent
//! violators solves exactly. Everything takes about linear time for each pass, and no recursion.

/// Space between boxes of a layer.
const GAP: f64 = 18.0;
/// Space between layers.
const LAYER_GAP: f64 = 40.0;
/// Passes over all layers, down and up.
const PASSES: usize = 8;
/// Pieces of long edges; with more, edges are drawn without bends.
const MAX_PIECES: usize = 100_000;
/// Edges between two boxes and their neighbours for which an exchange of the two is looked at.
const MAX_EXCHANGED: usize = 4_000;

/// Where boxes and edges are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// The left upper corner of each box.
    pub corners: Vec<(f64, f64)>,
    /// Where an edge bends between its ends, from above.
    pub bends: Vec<Vec<(f64, f64)>>,
    /// The width of everything.
    pub width: f64,
    /// The height of everything.
    pub height: f64,
}

/// Boxes and the places where long edges pass a layer, which are boxes of no width.
struct Parts {
    sizes: Vec<(f64, f64)>,
    layer: Vec<usize>,
    below: Vec<Vec<usize>>,
    above: Vec<Vec<usize>>,
    /// For each edge the parts between its ends.
    pieces: Vec<Vec<usize>>,
}

/// Places boxes of these sizes; edges have no cycles.
pub fn layered(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
    let component = components(sizes.len(), edges);
    let count = component.iter().max().map_or(0, |last| last + 1);
    if count <= 1 {
        return connected(sizes, edges);
    }
    let mut boxes: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut place = vec![0; sizes.len()];
    for (part, &of) in component.iter().enumerate() {
        place[part] = boxes[of].len();
        boxes[of].push(part);
    }
    let mut inside: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (edge, &(from, _)) in edges.iter().enumerate() {
        inside[component[from]].push(edge);
    }
    let mut whole = Layout {
        corners: vec![(0.0, 0.0); sizes.len()],
        bends: vec![Vec::new(); edges.len()],
        ..Layout::default()
    };
    for (boxes, inside) in boxes.iter().zip(&inside) {
        let own_sizes: Vec<(f64, f64)> = boxes.iter().map(|&part| sizes[part]).collect();
        let own_edges: Vec<(usize, usize)> =
            inside.iter().map(|&edge| (place[edges[edge].0], place[edges[edge].1])).collect();
        let layout = connected(&own_sizes, &own_edges);
        let left = if whole.width > 0.0 { whole.width + 2.0 * GAP } else { 0.0 };
        let moved = |(x, y): (f64, f64)| (x + left, y);
        for (&part, corner) in boxes.iter().zip(layout.corners) {
            whole.corners[part] = moved(corner);
        }
        for (&edge, bends) in inside.iter().zip(layout.bends) {
            whole.bends[edge] = bends.into_iter().map(moved).collect();
        }
        whole.width = left + layout.width;
        whole.height = whole.height.max(layout.height);
    }
    whole
}

/// For each box the number of the part that edges connect it with; parts are counted by their first boxes.
fn components(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut beside = vec![Vec::new(); boxes];
    for &(from, to) in edges {
        beside[from].push(to);
        beside[to].push(from);
    }
    let mut component = vec![usize::MAX; boxes];
    let mut count = 0;
    for first in 0..boxes {
        if component[first] != usize::MAX {
            continue;
        }
        let mut left = vec![first];
        while let Some(part) = left.pop() {
            if std::mem::replace(&mut component[part], count) == usize::MAX {
                left.extend(beside[part].iter().filter(|&&other| component[other] == usize::MAX));
            }
        }
        count += 1;
    }
    component
}

/// Places boxes that edges connect.
fn connected(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
    let parts = Parts::new(sizes, edges);
    let mut layers = parts.depth_first();
    let mut positions = vec![0; parts.sizes.len()];
    number(&layers, &mut positions);
    let mut best = layers.clone();
    let mut fewest = parts.crossings(&layers, &positions);
    for pass in 0..PASSES {
        if fewest == 0 {
            break;
        }
        parts.reorder(&mut layers, &mut positions, pass % 2 == 0);
        parts.exchange(&mut layers, &mut positions);
        let crossings = parts.crossings(&layers, &positions);
        if crossings < fewest {
            fewest = crossings;
            best.clone_from(&layers);
        }
    }
    let layers = best;
    let mut centres = vec![0.0; parts.sizes.len()];
    for layer in &layers {
        parts.place(layer, &vec![0.0; layer.len()], &mut centres);
    }
    for pass in 0..=PASSES {
        parts.straighten(&layers, &mut centres, pass % 2 == 1);
    }
    parts.finish(&layers, &centres, sizes.len())
}

/// Writes down the place of each part in its layer.
fn number(layers: &[Vec<usize>], positions: &mut [usize]) {
    for layer in layers {
        for (at, &part) in layer.iter().enumerate() {
            positions[part] = at;
        }
    }
}

impl Parts {
    fn new(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Parts {
        let layer = layers_of(sizes.len(), edges);
        let pieces: usize = edges.iter().map(|&(from, to)| layer[to] - layer[from] - 1).sum();
        let mut parts = Parts {
            sizes: sizes.to_vec(),
            layer,
            below: vec![Vec::new(); sizes.len()],
            above: vec![Vec::new(); sizes.len()],
            pieces: Vec::with_capacity(edges.len()),
        };
        for &(from, to) in edges {
            let mut last = from;
            let mut between = Vec::new();
            if pieces <= MAX_PIECES {
                for layer in parts.layer[from] + 1..parts.layer[to] {
                    let piece = parts.sizes.len();
                    parts.sizes.push((0.0, 0.0));
                    parts.layer.push(layer);
                    parts.below.push(Vec::new());
                    parts.above.push(Vec::new());
                    parts.connect(last, piece);
                    between.push(piece);
                    last = piece;
                }
            }
            parts.connect(last, to);
            parts.pieces.push(between);
        }
        parts
    }

    fn connect(&mut self, above: usize, below: usize) {
        self.below[above].push(below);
        self.above[below].push(above);
    }

    /// The layers, each in the order in which a walk in depth from the top reaches its parts.
    fn depth_first(&self) -> Vec<Vec<usize>> {
        let depth = self.layer.iter().max().map_or(0, |last| last + 1);
        let mut layers = vec![Vec::new(); depth];
        let mut seen = vec![false; self.sizes.len()];
        let mut left: Vec<usize> =
            (0..self.sizes.len()).rev().filter(|&part| self.above[part].is_empty()).collect();
        while let Some(part) = left.pop() {
            if !std::mem::replace(&mut seen[part], true) {
                layers[self.layer[part]].push(part);
                left.extend(self.below[part].iter().rev());
            }
        }
        layers
    }

    /// Sorts each layer by the mean position of the neighbours above, or below. Parts without neighbours there stay.
    fn reorder(&self, layers: &mut [Vec<usize>], positions: &mut [usize], down: bool) {
        let neighbours = if down { &self.above } else { &self.below };
        for k in 0..layers.len() {
            let layer = if down { k } else { layers.len() - 1 - k };
            let mut places = Vec::new();
            let mut keyed: Vec<(f64, usize)> = Vec::new();
            for (at, &part) in layers[layer].iter().enumerate() {
                if let Some(key) = mean(neighbours[part].iter().map(|&other| positions[other] as f64)) {
                    places.push(at);
                    keyed.push((key, part));
                }
            }
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (at, (_, part)) in places.into_iter().zip(keyed) {
                layers[layer][at] = part;
                positions[part] = at;
            }
        }
    }

    /// Exchanges neighbours in a layer where that leaves fewer crossings.
    fn exchange(&self, layers: &mut [Vec<usize>], positions: &mut [usize]) {
        for layer in layers {
            for at in 1..layer.len() {
                let (left, right) = (layer[at - 1], layer[at]);
                let (now, then) = [&self.above, &self.below].iter().fold((0, 0), |(now, then), around| {
                    let (here, there) = (&around[left], &around[right]);
                    if here.len() * there.len() > MAX_EXCHANGED {
                        return (now, then);
                    }
                    let pairs = here.iter().flat_map(|&a| there.iter().map(move |&b| (a, b)));
                    pairs.fold((now, then), |(now, then), (a, b)| {
                        let (a, b) = (positions[a], positions[b]);
                        (now + usize::from(a > b), then + usize::from(a < b))
                    })
                });
                if then < now {
                    layer.swap(at - 1, at);
                    (positions[left], positions[right]) = (at, at - 1);
                }
            }
        }
    }

    /// How many pairs of edges cross: for each layer the inversions among the lower ends of the edges down from it, which a tree of
    /// partial sums counts.
    fn crossings(&self, layers: &[Vec<usize>], positions: &[usize]) -> usize {
        let mut crossings = 0;
        for (k, layer) in layers.iter().enumerate() {
            let below = layers.get(k + 1).map_or(0, Vec::len);
            let mut sums = vec![0usize; below + 1];
            let mut seen = 0;
            for &part in layer {
                // Edges without pieces pass layers: they are not counted.
                let next = self.below[part].iter().filter(|&&other| self.layer[other] == k + 1);
                let ends: Vec<usize> = next.map(|&other| positions[other]).collect();
                // Edges of one part do not cross each other.
                for &end in &ends {
                    let (mut at, mut before) = (end + 1, 0);
                    while at > 0 {
                        before += sums[at];
                        at &= at - 1;
                    }
                    crossings += seen - before;
                }
                for end in ends {
                    let mut at = end + 1;
                    while at <= below {
                        sums[at] += 1;
                        at += at & at.wrapping_neg();
                    }
                    seen += 1;
                }
            }
        }
        crossings
    }

    /// Moves each layer as near to the mean of its neighbours above, or below, as its order allows.
    fn straighten(&self, layers: &[Vec<usize>], centres: &mut [f64], down: bool) {
        let neighbours = if down { &self.above } else { &self.below };
        for k in 0..layers.len() {
            let layer = &layers[if down { k } else { layers.len() - 1 - k }];
            let wanted: Vec<f64> = layer
                .iter()
                .map(|&part| {
                    let around = neighbours[part].iter().map(|&other| centres[other]);
                    mean(around).unwrap_or(centres[part])
                })
                .collect();
            self.place(layer, &wanted, centres);
        }
    }

    /// The centres nearest to the wanted ones, in the sense of least squares, at which the boxes keep their gaps.
    fn place(&self, layer: &[usize], wanted: &[f64], centres: &mut [f64]) {
        let mut offsets = Vec::with_capacity(layer.len());
        let mut offset = 0.0;
        for (k, &part) in layer.iter().enumerate() {
            if k > 0 {
                offset += (self.sizes[layer[k - 1]].0 + self.sizes[part].0) / 2.0 + GAP;
            }
            offsets.push(offset);
        }
        // Without their offsets the centres have to ascend: neighbours that do not are pooled at their mean.
        let mut pools: Vec<(f64, usize)> = Vec::new();
        for (&wanted, &offset) in wanted.iter().zip(&offsets) {
            let mut pool = (wanted - offset, 1);
            while let Some(&(sum, count)) = pools.last()
                && sum / count as f64 > pool.0 / pool.1 as f64
            {
                pools.pop();
                pool = (pool.0 + sum, pool.1 + count);
            }
            pools.push(pool);
        }
        let pooled = pools.iter().flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
        for ((&part, offset), base) in layer.iter().zip(offsets).zip(pooled) {
            centres[part] = base + offset;
        }
    }

    fn finish(&self, layers: &[Vec<usize>], centres: &[f64], boxes: usize) -> Layout {
        let edge = |part: usize, side: f64| centres[part] + side * self.sizes[part].0 / 2.0;
        let all = 0..self.sizes.len();
        let left = all.clone().map(|part| edge(part, -1.0)).fold(f64::INFINITY, f64::min);
        let right = all.map(|part| edge(part, 1.0)).fold(f64::NEG_INFINITY, f64::max);
        let mut middle = Vec::with_capacity(layers.len());
        let mut height = 0.0;
        for layer in layers {
            let tallest = layer.iter().map(|&part| self.sizes[part].1).fold(0.0, f64::max);
            middle.push(height + tallest / 2.0);
            height += tallest + LAYER_GAP;
        }
        let at = |part: usize| (centres[part] - left, middle[self.layer[part]]);
        let corner = |part: usize| {
            let ((x, y), (width, height)) = (at(part), self.sizes[part]);
            (x - width / 2.0, y - height / 2.0)
        };
        Layout {
            corners: (0..boxes).map(corner).collect(),
            bends: self.pieces.iter().map(|pieces| pieces.iter().map(|&piece| at(piece)).collect()).collect(),
            width: (right - left).max(0.0),
            height: (height - LAYER_GAP).max(0.0),
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The layer of each box: the longest path to it, in edges; boxes with more edges down than up, and any up, sink as far as the
/// boxes below let them.
fn layers_of(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waits = vec![0u32; boxes];
    let mut below = vec![Vec::new(); boxes];
    for &(from, to) in edges {
        waits[to] += 1;
        below[from].push(to);
    }
    let above = waits.clone();
    let mut layer = vec![0; boxes];
    let mut ready: Vec<usize> = (0..boxes).filter(|&part| waits[part] == 0).collect();
    let mut order = Vec::with_capacity(boxes);
    while let Some(part) = ready.pop() {
        order.push(part);
        for &to in &below[part] {
            layer[to] = layer[to].max(layer[part] + 1);
            waits[to] -= 1;
            if waits[to] == 0 {
                ready.push(to);
            }
        }
    }
    for part in order.into_iter().rev() {
        let lowest = below[part].iter().map(|&to| layer[to] - 1).min();
        if let Some(lowest) = lowest
            && above[part] > 0
            && below[part].len() > above[part] as usize
        {
            layer[part] = lowest;
        }
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_in_the_middle_of_its_children() {
        let layout = layered(&[(10.0, 10.0); 4], &[(0, 1), (0, 2), (0, 3)]);
        let x: Vec<f64> = layout.corners.iter().map(|corner| corner.0).collect();
        assert!(x[1] < x[2] && x[2] < x[3]);
        assert!((x[0] - x[2]).abs() < 1e-9, "{x:?}");
        assert_eq!((layout.width, layout.height), (3.0 * 10.0 + 2.0 * GAP, 20.0 + LAYER_GAP));
    }

    #[test]
    fn boxes_of_a_layer_do_not_overlap() {
        // Random edges from low to high numbers.
        let mut state = 1u32;
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        let sizes: Vec<(f64, f64)> = (0..60).map(|k| (10.0 + k as f64, 20.0)).collect();
        let edges: Vec<(usize, usize)> = (1..60).flat_map(|k| [(next(k), k), (next(k), k)]).collect();
        let layout = layered(&sizes, &edges);
        for (a, &(x, y)) in layout.corners.iter().enumerate() {
            assert!(x >= -1e-9 && x + sizes[a].0 <= layout.width + 1e-9);
            for (b, &(other, height)) in layout.corners.iter().enumerate().skip(a + 1) {
                let apart = y != height
                    || x + sizes[a].0 + GAP <= other + 1e-9
                    || other + sizes[b].0 + GAP <= x + 1e-9;
                assert!(apart, "{a} and {b}");
            }
        }
        assert!(edges.iter().all(|&(from, to)| layout.corners[from].1 < layout.corners[to].1));
    }

    /// A tree whose leaves stand at different depths: no edge crosses another, and children keep their order.
    #[test]
    fn trees_have_no_crossings() {
        let edges =
            [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6), (4, 7), (4, 8), (5, 9), (9, 10), (9, 11)];
        let layout = layered(&[(30.0, 10.0); 12], &edges);
        let centre = |part: usize| layout.corners[part].0;
        for (k, &(a, b)) in edges.iter().enumerate() {
            for &(c, d) in &edges[k + 1..] {
                if layout.corners[a].1 == layout.corners[c].1 {
                    assert!(centre(a) <= centre(c) && centre(b) < centre(d), "({a} {b}) and ({c} {d})");
                }
            }
        }
    }

    /// Edges that can do without crossing do, whatever the order in which they are given.
    #[test]
    fn edges_are_untangled() {
        let edges = [(0, 3), (0, 4), (1, 2), (1, 3), (2, 6), (3, 6), (3, 5), (4, 5)];
        let layout = layered(&[(10.0, 10.0); 7], &edges);
        let order = |parts: &[usize]| {
            let mut sorted = parts.to_vec();
            sorted.sort_by(|&a, &b| layout.corners[a].0.total_cmp(&layout.corners[b].0));
            sorted
        };
        let (top, middle, low) = (order(&[0, 1]), order(&[2, 3, 4]), order(&[5, 6]));
        let same = top == [0, 1] && middle == [4, 3, 2] && low == [5, 6];
        assert!(
            same || (top == [1, 0] && middle == [2, 3, 4] && low == [6, 5]),
            "{top:?} {middle:?} {low:?}"
        );
    }

    #[test]
    fn what_is_not_connected_stands_side_by_side() {
        let layout = layered(&[(10.0, 10.0), (10.0, 300.0), (10.0, 10.0)], &[(0, 2)]);
        assert_eq!(layout.corners[1].1, 0.0);
        assert_eq!((layout.corners[0].1, layout.corners[2].1), (0.0, 10.0 + LAYER_GAP));
        assert!(layout.corners[1].0 >= 10.0 + GAP);
    }

    #[test]
    fn long_edges_pass_every_layer_once() {
        let layout = layered(&[(10.0, 10.0); 4], &[(0, 1), (1, 2), (2, 3), (0, 3)]);
        assert_eq!(layout.bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 2]);
    }
}
