//! Layered drawing (Sugiyama): each box a layer below the boxes that lead to it, few crossings, straight lines.
//!
//! Parts that no edge connects stand beside each other. Layers are longest paths, from which boxes sink where that makes lines
//! shorter. An edge that passes layers has a place of its own in each, which all edges to the same box share: they join on
//! the way to it. Lines go straight down past the boxes of a layer and the labels below them, and bend in the space between two
//! layers, so that they touch no box and no label but their own, and two lines cross at most once there.
//!
//! The order in a layer starts as that of a walk in depth, in which a tree has no crossing. Sweeps of barycentres, after each of
//! which every part of a layer goes where it makes the fewest crossings, improve it as long as crossings are left, from several
//! layerings and orders. Then boxes move sideways to the mean of their neighbours, as near as the order allows: a weighted
//! least-squares problem that pooling adjacent violators solves exactly. Everything takes about linear time for each pass, the
//! number of passes falls with the size, and there is no recursion.

/// Space between boxes of a layer.
const GAP: f64 = 18.0;
/// The least space between layers, and the most.
const LAYER_GAP: (f64, f64) = (40.0, 120.0);
/// How much farther than it is high a line may lead sideways between two layers while there is more space for it.
const SLOPE: f64 = 6.0;
/// The height of the labels of edges below a layer.
const LABEL_HEIGHT: f64 = 14.0;
/// Space between two such labels, and between a line and its label.
const LABEL_GAP: f64 = 9.0;
/// Passes that move boxes sideways.
const PASSES: usize = 24;
/// How much straighter than others lines are that pass layers.
const STRAIGHTER: f64 = 8.0;
/// Sweeps without fewer crossings after which a start is given up.
const PATIENCE: usize = 4;
/// Starts for each layering.
const STARTS: usize = 256;
/// Pairs of edges that are looked at for each layering, so that large pictures take no longer than seconds.
const MAX_LOOKED_AT: usize = 20_000_000;
/// Pieces of long edges; with more, edges are drawn without bends.
const MAX_PIECES: usize = 2_000_000;
/// How far a part is moved in its layer at once.
const MAX_MOVED: usize = 48;
/// Edges between two boxes and their neighbours for which an exchange of the two is looked at.
const MAX_EXCHANGED: usize = 4_000;

/// An edge between boxes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Edge {
    /// The upper box.
    pub from: usize,
    /// The lower one.
    pub to: usize,
    /// The width of the label at its beginning, or 0.
    pub label: f64,
}

impl Edge {
    /// How much of the width of its box it takes.
    pub fn slot(&self) -> f64 {
        self.label + LABEL_GAP
    }
}

/// Where a line goes straight down. Between two such parts it bends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Straight {
    /// How far to the right.
    pub x: f64,
    /// Its upper end.
    pub top: f64,
    /// Its lower end.
    pub bottom: f64,
}

/// Where boxes and edges are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// The left upper corner of each box.
    pub corners: Vec<(f64, f64)>,
    /// For each edge the line from its box to the box that it leads to, or to the stem that leads there.
    pub lines: Vec<[Straight; 2]>,
    /// Lines that edges join, with the boxes that they lead to.
    pub stems: Vec<Vec<Straight>>,
    /// Whether an edge joins a stem.
    pub joins: Vec<bool>,
    /// Where the labels of edges begin: their left upper corners.
    pub labels: Vec<(f64, f64)>,
    /// The width of everything.
    pub width: f64,
    /// The height of everything.
    pub height: f64,
}

impl Layout {
    /// Adds another one to the right, whose boxes and edges have these numbers here.
    fn beside(&mut self, other: Layout, boxes: &[usize], edges: &[usize]) {
        let left = if self.width > 0.0 { self.width + 2.0 * GAP } else { 0.0 };
        let moved = |straight: Straight| Straight { x: straight.x + left, ..straight };
        for (&part, (x, y)) in boxes.iter().zip(other.corners) {
            self.corners[part] = (x + left, y);
        }
        for (k, &edge) in edges.iter().enumerate() {
            self.lines[edge] = other.lines[k].map(moved);
            self.joins[edge] = other.joins[k];
            self.labels[edge] = (other.labels[k].0 + left, other.labels[k].1);
        }
        self.stems.extend(other.stems.into_iter().map(|stem| stem.into_iter().map(moved).collect()));
        self.width = left + other.width;
        self.height = self.height.max(other.height);
    }
}

/// Places boxes of these sizes; edges have no cycles. Boxes are as wide as the slots of their edges at least.
pub fn layered(sizes: &[(f64, f64)], edges: &[Edge]) -> Layout {
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
    for (edge, &Edge { from, .. }) in edges.iter().enumerate() {
        inside[component[from]].push(edge);
    }
    let nowhere = Straight { x: 0.0, top: 0.0, bottom: 0.0 };
    let mut whole = Layout {
        corners: vec![(0.0, 0.0); sizes.len()],
        lines: vec![[nowhere; 2]; edges.len()],
        joins: vec![false; edges.len()],
        labels: vec![(0.0, 0.0); edges.len()],
        ..Layout::default()
    };
    for (boxes, inside) in boxes.iter().zip(&inside) {
        let own_sizes: Vec<(f64, f64)> = boxes.iter().map(|&part| sizes[part]).collect();
        let own = |&edge: &usize| {
            let Edge { from, to, label } = edges[edge];
            Edge { from: place[from], to: place[to], label }
        };
        let own_edges: Vec<Edge> = inside.iter().map(own).collect();
        whole.beside(connected(&own_sizes, &own_edges), boxes, inside);
    }
    whole
}

/// For each box the number of the part that edges connect it with; parts are counted by their first boxes.
fn components(boxes: usize, edges: &[Edge]) -> Vec<usize> {
    let mut beside = vec![Vec::new(); boxes];
    for &Edge { from, to, .. } in edges {
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

/// Boxes and the places where stems pass a layer, which are boxes of no width.
struct Parts {
    sizes: Vec<(f64, f64)>,
    layer: Vec<usize>,
    below: Vec<Vec<usize>>,
    above: Vec<Vec<usize>>,
    /// For each edge the part of the next layer that it leads to: its box, or where it joins the stem of that.
    joined: Vec<usize>,
    /// The parts of the stem of each box, from above.
    stems: Vec<Vec<usize>>,
}

/// Places boxes that edges connect.
fn connected(sizes: &[(f64, f64)], edges: &[Edge]) -> Layout {
    let mut best: Option<(usize, usize, Parts, Vec<Vec<usize>>)> = None;
    let mut known: Vec<Vec<usize>> = Vec::new();
    for sinking in [Sinking::Shorter, Sinking::Never, Sinking::Always] {
        let layer = layers_of(sizes.len(), edges, sinking);
        if known.contains(&layer) {
            continue;
        }
        known.push(layer.clone());
        let parts = Parts::new(sizes, edges, layer);
        let (layers, crossings) = parts.ordered();
        let better = best.as_ref().is_none_or(|best| (crossings, parts.sizes.len()) < (best.0, best.1));
        if better {
            best = Some((crossings, parts.sizes.len(), parts, layers));
        }
        if crossings == 0 {
            break;
        }
    }
    let (_, _, parts, layers) = best.expect("the first layering is new");
    let leaving = parts.leaving(&layers, edges);
    let mut offsets = vec![0.0; edges.len()];
    for (part, leaving) in leaving.iter().enumerate() {
        let slots: f64 = leaving.iter().map(|&edge| edges[edge].slot()).sum();
        let width = sizes[part].0;
        let mut left = -width / 2.0;
        for &edge in leaving {
            let slot = edges[edge].slot() * width / slots;
            // In the middle of its part of the side, together with the label to its right.
            offsets[edge] = left + (slot - edges[edge].label) / 2.0;
            left += slot;
        }
    }
    let centres = parts.centres(&layers, &leaving, &offsets);
    parts.finish(&layers, &centres, edges, &offsets)
}

/// Writes down the place of each part in its layer.
fn number(layers: &[Vec<usize>], positions: &mut [usize]) {
    for layer in layers {
        for (at, &part) in layer.iter().enumerate() {
            positions[part] = at;
        }
    }
}

/// Lines that lead sideways from a part: where they are at it and at their other end, whose centre is to be asked for, and
/// how straight they are to be.
#[derive(Debug, Clone, Copy)]
struct Pull {
    other: usize,
    /// How far to the right of the other centre this one is to be.
    apart: f64,
    weight: f64,
}

impl Parts {
    fn new(sizes: &[(f64, f64)], edges: &[Edge], layer: Vec<usize>) -> Parts {
        let boxes = sizes.len();
        let mut first = layer.clone();
        for &Edge { from, to, .. } in edges {
            first[to] = first[to].min(layer[from] + 1);
        }
        let pieces: usize = (0..boxes).map(|part| layer[part] - first[part]).sum();
        let mut parts = Parts {
            sizes: sizes.to_vec(),
            layer,
            below: vec![Vec::new(); boxes],
            above: vec![Vec::new(); boxes],
            joined: Vec::with_capacity(edges.len()),
            stems: vec![Vec::new(); boxes],
        };
        for &Edge { from, to, .. } in edges {
            // Made where the first edge needs it, so that the order of parts follows that of edges.
            if parts.stems[to].is_empty() && pieces <= MAX_PIECES {
                for layer in first[to]..parts.layer[to] {
                    let piece = parts.sizes.len();
                    parts.sizes.push((0.0, 0.0));
                    parts.layer.push(layer);
                    parts.below.push(Vec::new());
                    parts.above.push(Vec::new());
                    parts.stems[to].push(piece);
                }
                for k in 0..parts.stems[to].len() {
                    let next = parts.stems[to].get(k + 1).copied().unwrap_or(to);
                    parts.connect(parts.stems[to][k], next);
                }
            }
            let joined = parts.stems[to].get(parts.layer[from] + 1 - first[to]).copied().unwrap_or(to);
            parts.connect(from, joined);
            parts.joined.push(joined);
        }
        parts
    }

    fn connect(&mut self, above: usize, below: usize) {
        self.below[above].push(below);
        self.above[below].push(above);
    }

    /// An order of each layer with few crossings, and how many those are.
    fn ordered(&self) -> (Vec<Vec<usize>>, usize) {
        let mut positions = vec![0; self.sizes.len()];
        let mut best = self.depth_first(false);
        number(&best, &mut positions);
        let mut fewest = self.crossings(&best, &positions);
        let size = self.sizes.len() + self.below.iter().map(Vec::len).sum::<usize>();
        let mut left = MAX_LOOKED_AT;
        let mut random = Random(1);
        for start in 0..STARTS {
            if fewest == 0 || left == 0 {
                break;
            }
            let mut layers = match start {
                0 => self.depth_first(false),
                1 => self.depth_first(true),
                2 => best.clone(),
                // Half of the starts are near to the best order.
                k if k % 2 == 0 => {
                    let mut layers = best.clone();
                    layers.iter_mut().for_each(|layer| random.stir(layer));
                    layers
                }
                _ => {
                    let mut layers = self.depth_first(false);
                    layers.iter_mut().for_each(|layer| random.shuffle(layer));
                    layers
                }
            };
            number(&layers, &mut positions);
            let mut reached = usize::MAX;
            let (mut waited, mut pass) = (0, start);
            while waited < PATIENCE && fewest > 0 && left > 0 {
                left = left.saturating_sub(size);
                self.reorder(&mut layers, &mut positions, pass % 2 == 0);
                self.exchange(&mut layers, &mut positions, &mut left);
                let crossings = self.crossings(&layers, &positions);
                (waited, pass) = (waited + 1, pass + 1);
                if crossings < reached {
                    (reached, waited) = (crossings, 0);
                }
                if crossings < fewest {
                    fewest = crossings;
                    best.clone_from(&layers);
                }
            }
        }
        (best, fewest)
    }

    /// The layers, each in the order in which a walk in depth from the top reaches its parts, the last edges first on demand.
    fn depth_first(&self, reversed: bool) -> Vec<Vec<usize>> {
        let depth = self.layer.iter().max().map_or(0, |last| last + 1);
        let mut layers = vec![Vec::new(); depth];
        let mut seen = vec![false; self.sizes.len()];
        let mut left: Vec<usize> =
            (0..self.sizes.len()).rev().filter(|&part| self.above[part].is_empty()).collect();
        while let Some(part) = left.pop() {
            if std::mem::replace(&mut seen[part], true) {
                continue;
            }
            layers[self.layer[part]].push(part);
            if reversed {
                left.extend(&self.below[part]);
            } else {
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

    /// Moves each part to where in its layer it makes the fewest crossings (sifting), until none moves or no pair is left to be
    /// looked at.
    fn exchange(&self, layers: &mut [Vec<usize>], positions: &mut [usize], left: &mut usize) {
        for _ in 0..PATIENCE {
            let mut moved = false;
            for layer in layers.iter_mut() {
                for part in layer.clone() {
                    if *left == 0 {
                        return;
                    }
                    let at = positions[part];
                    let (mut fewest, mut target) = (0, at);
                    let lefts = (at.saturating_sub(MAX_MOVED)..at).rev();
                    let rights = at + 1..layer.len().min(at + 1 + MAX_MOVED);
                    let mut change = 0;
                    for to in lefts {
                        change -= self.saved(layer[to], part, positions, left);
                        if change < fewest {
                            (fewest, target) = (change, to);
                        }
                    }
                    change = 0;
                    for to in rights {
                        change -= self.saved(part, layer[to], positions, left);
                        if change < fewest {
                            (fewest, target) = (change, to);
                        }
                    }
                    if target == at {
                        continue;
                    }
                    moved = true;
                    let part = layer.remove(at);
                    layer.insert(target, part);
                    for k in at.min(target)..=at.max(target) {
                        positions[layer[k]] = k;
                    }
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// How many crossings fewer there are between the edges of two parts of a layer when they change places.
    fn saved(&self, before: usize, after: usize, positions: &[usize], left: &mut usize) -> isize {
        let mut saved = 0;
        for around in [&self.above, &self.below] {
            let (here, there) = (&around[before], &around[after]);
            *left = left.saturating_sub(1 + here.len() * there.len());
            if here.len() * there.len() > MAX_EXCHANGED {
                continue;
            }
            for (&a, &b) in here.iter().flat_map(|a| there.iter().map(move |b| (a, b))) {
                let (a, b) = (positions[a], positions[b]);
                saved += isize::from(a > b) - isize::from(a < b);
            }
        }
        saved
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

    /// The edges of each box from left to right: in the order of where they lead.
    fn leaving(&self, layers: &[Vec<usize>], edges: &[Edge]) -> Vec<Vec<usize>> {
        let mut positions = vec![0; self.sizes.len()];
        number(layers, &mut positions);
        let mut leaving = vec![Vec::new(); self.stems.len()];
        for (k, edge) in edges.iter().enumerate() {
            leaving[edge.from].push(k);
        }
        for edges in &mut leaving {
            edges.sort_by_key(|&edge| positions[self.joined[edge]]);
        }
        leaving
    }

    /// Where the middle of each part is.
    fn centres(&self, layers: &[Vec<usize>], leaving: &[Vec<usize>], offsets: &[f64]) -> Vec<f64> {
        let mut above = vec![Vec::new(); self.sizes.len()];
        let mut below = vec![Vec::new(); self.sizes.len()];
        let mut pull = |from: usize, to: usize, offset: f64, weight: f64| {
            above[to].push(Pull { other: from, apart: offset, weight });
            below[from].push(Pull { other: to, apart: -offset, weight });
        };
        for (from, edges) in leaving.iter().enumerate() {
            for &edge in edges {
                pull(from, self.joined[edge], offsets[edge], 1.0);
            }
        }
        for (to, stem) in self.stems.iter().enumerate() {
            for (k, &piece) in stem.iter().enumerate() {
                match stem.get(k + 1) {
                    Some(&next) => pull(piece, next, 0.0, STRAIGHTER),
                    None => pull(piece, to, 0.0, 2.0),
                }
            }
        }
        let mut centres = vec![0.0; self.sizes.len()];
        for layer in layers {
            self.place(layer, &vec![(0.0, 1.0); layer.len()], &mut centres);
        }
        for pass in 0..=PASSES {
            let down = pass % 2 == 1;
            for k in 0..layers.len() {
                let layer = &layers[if down { k } else { layers.len() - 1 - k }];
                let wanted = layer.iter().map(|&part| {
                    let sides = if down { [&above, &below] } else { [&below, &above] };
                    // At last to both sides.
                    let both = pass + PASSES / 4 >= PASSES || sides[0][part].is_empty();
                    let pulls = sides[0][part].iter().chain(if both { &*sides[1][part] } else { &[] });
                    let (sum, weight) = pulls.fold((0.0, 0.0), |(sum, weight), pull| {
                        (sum + pull.weight * (centres[pull.other] + pull.apart), weight + pull.weight)
                    });
                    if weight > 0.0 { (sum / weight, weight) } else { (centres[part], 1.0) }
                });
                let wanted: Vec<(f64, f64)> = wanted.collect();
                self.place(layer, &wanted, &mut centres);
            }
        }
        self.straighten(layers, &mut centres);
        centres
    }

    /// Moves the parts of each stem below each other, as many at once as have room there.
    fn straighten(&self, layers: &[Vec<usize>], centres: &mut [f64]) {
        let mut positions = vec![0; self.sizes.len()];
        number(layers, &mut positions);
        for (to, stem) in self.stems.iter().enumerate() {
            let room = |part: usize, centres: &[f64]| {
                let layer = &layers[self.layer[part]];
                let apart = |other: usize| self.sizes[other].0 / 2.0 + GAP;
                let left = positions[part].checked_sub(1).map(|at| centres[layer[at]] + apart(layer[at]));
                let right = layer.get(positions[part] + 1).map(|&other| centres[other] - apart(other));
                (left.unwrap_or(f64::NEG_INFINITY), right.unwrap_or(f64::INFINITY))
            };
            // From the box up, so that the last part stands above it where it can.
            let mut wanted = centres[to];
            let mut end = stem.len();
            while end > 0 {
                let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
                let mut start = end;
                while start > 0 {
                    let (left, right) = room(stem[start - 1], centres);
                    if low.max(left) > high.min(right) {
                        break;
                    }
                    (low, high) = (low.max(left), high.min(right));
                    start -= 1;
                }
                if start == end {
                    // Rounding left it less room than it has.
                    start -= 1;
                    (low, high) = (centres[stem[start]], centres[stem[start]]);
                }
                wanted = wanted.max(low).min(high);
                for &part in &stem[start..end] {
                    centres[part] = wanted;
                }
                end = start;
            }
        }
    }

    /// The centres nearest to the wanted ones, in the sense of least squares with their weights, at which the boxes keep their
    /// gaps.
    fn place(&self, layer: &[usize], wanted: &[(f64, f64)], centres: &mut [f64]) {
        let mut offsets = Vec::with_capacity(layer.len());
        let mut offset = 0.0;
        for (k, &part) in layer.iter().enumerate() {
            if k > 0 {
                offset += (self.sizes[layer[k - 1]].0 + self.sizes[part].0) / 2.0 + GAP;
            }
            offsets.push(offset);
        }
        // Without their offsets the centres have to ascend: neighbours that do not are pooled at their mean.
        let mut pools: Vec<(f64, f64, usize)> = Vec::new();
        for (&(wanted, weight), &offset) in wanted.iter().zip(&offsets) {
            let mut pool = (weight * (wanted - offset), weight, 1);
            while let Some(&(sum, weight, count)) = pools.last()
                && sum / weight > pool.0 / pool.1
            {
                pools.pop();
                pool = (pool.0 + sum, pool.1 + weight, pool.2 + count);
            }
            pools.push(pool);
        }
        let pooled = pools.iter().flat_map(|&(sum, weight, count)| std::iter::repeat_n(sum / weight, count));
        for ((&part, offset), base) in layer.iter().zip(offsets).zip(pooled) {
            centres[part] = base + offset;
        }
    }

    fn finish(&self, layers: &[Vec<usize>], centres: &[f64], edges: &[Edge], offsets: &[f64]) -> Layout {
        let side = |part: usize, side: f64| centres[part] + side * self.sizes[part].0 / 2.0;
        let all = 0..self.sizes.len();
        let left = all.clone().map(|part| side(part, -1.0)).fold(f64::INFINITY, f64::min);
        let right = all.map(|part| side(part, 1.0)).fold(f64::NEG_INFINITY, f64::max);
        // Below each layer the labels of its edges, then space for the lines that lead sideways.
        let mut labelled = vec![0.0_f64; layers.len()];
        let mut sideways = vec![0.0_f64; layers.len()];
        let mut way = |from: usize, start: f64, to: usize| {
            let layer = self.layer[from];
            sideways[layer] = sideways[layer].max((start - centres[to]).abs());
        };
        for ((edge, &offset), &joined) in edges.iter().zip(offsets).zip(&self.joined) {
            way(edge.from, centres[edge.from] + offset, joined);
            if edge.label > 0.0 {
                labelled[self.layer[edge.from]] = LABEL_HEIGHT;
            }
        }
        for (to, stem) in self.stems.iter().enumerate() {
            for (k, &piece) in stem.iter().enumerate() {
                way(piece, centres[piece], stem.get(k + 1).copied().unwrap_or(to));
            }
        }
        let mut tops = Vec::with_capacity(layers.len());
        let mut bottoms = Vec::with_capacity(layers.len());
        let mut height = 0.0;
        for ((layer, label), sideways) in layers.iter().zip(labelled).zip(sideways) {
            let tallest = layer.iter().map(|&part| self.sizes[part].1).fold(0.0, f64::max);
            tops.push(height);
            bottoms.push(height + tallest + label);
            height += tallest + label;
            if tops.len() < layers.len() {
                height += (sideways / SLOPE).clamp(LAYER_GAP.0 - label, LAYER_GAP.1);
            }
        }
        let x = |part: usize| centres[part] - left;
        let passed = |part: usize| {
            let layer = self.layer[part];
            let bottom = if part < self.stems.len() { tops[layer] } else { bottoms[layer] };
            Straight { x: x(part), top: tops[layer], bottom }
        };
        let mut layout = Layout { width: (right - left).max(0.0), height, ..Layout::default() };
        for part in 0..self.stems.len() {
            layout.corners.push((x(part) - self.sizes[part].0 / 2.0, tops[self.layer[part]]));
        }
        for ((edge, &offset), &joined) in edges.iter().zip(offsets).zip(&self.joined) {
            let (start, layer) = (x(edge.from) + offset, self.layer[edge.from]);
            let low = tops[layer] + self.sizes[edge.from].1;
            let first = Straight { x: start, top: low, bottom: bottoms[layer] };
            let last = Straight { bottom: tops[self.layer[joined]], ..passed(joined) };
            layout.lines.push([first, last]);
            layout.joins.push(joined != edge.to);
            layout.labels.push((start + LABEL_GAP / 3.0, low));
        }
        for (to, stem) in self.stems.iter().enumerate().filter(|(_, stem)| !stem.is_empty()) {
            layout.stems.push(stem.iter().chain([&to]).map(|&part| passed(part)).collect());
        }
        layout
    }
}

/// Numbers that are the same in every run.
struct Random(u32);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }

    fn shuffle(&mut self, layer: &mut [usize]) {
        for k in (1..layer.len()).rev() {
            layer.swap(k, self.below(k + 1));
        }
    }

    /// Changes the places of a few parts.
    fn stir(&mut self, layer: &mut [usize]) {
        if layer.len() > 1 && self.below(2) == 0 {
            let (a, b) = (self.below(layer.len()), self.below(layer.len()));
            layer.swap(a, b);
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// Which boxes sink as far as the boxes below let them. Boxes at the top stay there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sinking {
    /// Those with more edges down than up.
    Shorter,
    Never,
    Always,
}

/// The layer of each box: the longest path to it, in edges, before boxes sink.
fn layers_of(boxes: usize, edges: &[Edge], sinking: Sinking) -> Vec<usize> {
    let mut waits = vec![0u32; boxes];
    let mut below = vec![Vec::new(); boxes];
    for &Edge { from, to, .. } in edges {
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
        let sinks = match sinking {
            Sinking::Shorter => below[part].len() > above[part] as usize,
            Sinking::Never => false,
            Sinking::Always => true,
        };
        let lowest = below[part].iter().map(|&to| layer[to] - 1).min();
        if let Some(lowest) = lowest
            && above[part] > 0
            && sinks
        {
            layer[part] = lowest;
        }
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(ends: &[(usize, usize)]) -> Vec<Edge> {
        ends.iter().map(|&(from, to)| Edge { from, to, label: 0.0 }).collect()
    }

    #[test]
    fn a_parent_is_in_the_middle_of_its_children() {
        let layout = layered(&[(10.0, 10.0); 4], &edges(&[(0, 1), (0, 2), (0, 3)]));
        let x: Vec<f64> = layout.corners.iter().map(|corner| corner.0).collect();
        assert!(x[1] < x[2] && x[2] < x[3]);
        assert!((x[0] - x[2]).abs() < 1e-9, "{x:?}");
        assert_eq!((layout.width, layout.height), (3.0 * 10.0 + 2.0 * GAP, 20.0 + LAYER_GAP.0));
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
        let layout = layered(&sizes, &self::edges(&edges));
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
        let layout = layered(&[(30.0, 10.0); 12], &self::edges(&edges));
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
        let layout = layered(&[(10.0, 10.0); 7], &self::edges(&edges));
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
        let layout = layered(&[(10.0, 10.0), (10.0, 300.0), (10.0, 10.0)], &edges(&[(0, 2)]));
        assert_eq!(layout.corners[1].1, 0.0);
        assert_eq!((layout.corners[0].1, layout.corners[2].1), (0.0, 10.0 + LAYER_GAP.0));
        assert!(layout.corners[1].0 >= 10.0 + GAP);
    }

    /// Edges to one box from different layers join on the way, and all lines go straight down past boxes.
    #[test]
    fn long_edges_join() {
        let layout = layered(&[(10.0, 10.0); 5], &edges(&[(0, 1), (1, 2), (2, 3), (0, 3), (1, 3), (3, 4)]));
        assert_eq!(layout.joins, [false, false, false, true, true, false]);
        assert_eq!(layout.stems.iter().map(Vec::len).collect::<Vec<_>>(), [3]);
        let (stem, height) = (&layout.stems[0], 10.0 + LAYER_GAP.0);
        assert_eq!((stem[0].top, stem[0].bottom), (height, height + 10.0));
        assert_eq!(layout.lines[4][1].x, stem[1].x);
        assert_eq!(stem[2].top, layout.corners[3].1);
        assert!((stem[0].x - layout.corners[1].0 - 5.0).abs() >= 5.0 + GAP - 1e-9);
    }

    /// Labels stand below their boxes, each beside its line and none in the way of another.
    #[test]
    fn labels_have_room() {
        let labelled = |to: usize| Edge { from: 0, to, label: 60.0 };
        let layout = layered(
            &[(3.0 * 69.0, 10.0), (10.0, 10.0), (10.0, 10.0), (10.0, 10.0)],
            &[1, 2, 3].map(labelled),
        );
        let mut starts: Vec<f64> = layout.labels.iter().map(|label| label.0).collect();
        starts.sort_by(f64::total_cmp);
        assert!(
            starts.windows(2).all(|pair| pair[1] - pair[0] >= 60.0 + 2.0 * LABEL_GAP / 3.0),
            "{starts:?}"
        );
        for (line, label) in layout.lines.iter().zip(&layout.labels) {
            assert_eq!((line[0].bottom, label.1), (10.0 + LABEL_HEIGHT, 10.0));
            assert!((label.0 - line[0].x - LABEL_GAP / 3.0).abs() < 1e-9);
        }
    }
}
