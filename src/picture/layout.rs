//! Layered drawing (Sugiyama): each box a layer below the boxes that lead to it, few crossings, straight lines.
//!
//! Layers are longest paths; long edges are cut at each layer that they pass. The order in a layer starts as that of a walk in
//! depth and is improved by barycentres. Then boxes move sideways to the mean of their neighbours, as near as the order
//! allows: a least-squares problem that pooling adjacent violators solves exactly. Everything takes about linear time for
//! each pass, and no recursion.

/// Space between boxes of a layer.
const GAP: f64 = 18.0;
/// Space between layers.
const LAYER_GAP: f64 = 40.0;
/// Passes over all layers, down and up.
const PASSES: usize = 8;
/// Pieces of long edges; with more, edges are drawn without bends.
const MAX_PIECES: usize = 100_000;

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
    let parts = Parts::new(sizes, edges);
    let mut layers = parts.depth_first();
    let mut positions = vec![0; parts.sizes.len()];
    for pass in 0..PASSES {
        parts.reorder(&mut layers, &mut positions, pass % 2 == 0);
    }
    let mut centres = vec![0.0; parts.sizes.len()];
    for layer in &layers {
        parts.place(layer, &vec![0.0; layer.len()], &mut centres);
    }
    for pass in 0..=PASSES {
        parts.straighten(&layers, &mut centres, pass % 2 == 1);
    }
    parts.finish(&layers, &centres, sizes.len())
}

impl Parts {
    fn new(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Parts {
        let layer = longest_paths(sizes.len(), edges);
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

    /// Sorts each layer by the mean position of the neighbours above, or below.
    fn reorder(&self, layers: &mut [Vec<usize>], positions: &mut [usize], down: bool) {
        let neighbours = if down { &self.above } else { &self.below };
        for k in 0..layers.len() {
            let layer = if down { k } else { layers.len() - 1 - k };
            let mut keyed: Vec<(f64, usize)> = layers[layer]
                .iter()
                .enumerate()
                .map(|(at, &part)| {
                    let around = neighbours[part].iter().map(|&other| positions[other] as f64);
                    (mean(around).unwrap_or(at as f64), part)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (at, (&(_, part), slot)) in keyed.iter().zip(&mut layers[layer]).enumerate() {
                *slot = part;
                positions[part] = at;
            }
        }
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

/// For each box the longest path to it, in edges.
fn longest_paths(boxes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut waits = vec![0u32; boxes];
    let mut below = vec![Vec::new(); boxes];
    for &(from, to) in edges {
        waits[to] += 1;
        below[from].push(to);
    }
    let mut layer = vec![0; boxes];
    let mut ready: Vec<usize> = (0..boxes).filter(|&part| waits[part] == 0).collect();
    while let Some(part) = ready.pop() {
        for &to in &below[part] {
            layer[to] = layer[to].max(layer[part] + 1);
            waits[to] -= 1;
            if waits[to] == 0 {
                ready.push(to);
            }
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

    #[test]
    fn long_edges_pass_every_layer_once() {
        let layout = layered(&[(10.0, 10.0); 4], &[(0, 1), (1, 2), (2, 3), (0, 3)]);
        assert_eq!(layout.bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 2]);
    }
}
