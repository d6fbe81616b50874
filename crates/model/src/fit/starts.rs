//! Where searches start.

/// What a parameter's start is drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The user's start.
    pub start: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Points from an Owen-scrambled Sobol sequence: the user's own first, then in turn one around it, within a factor of four or
/// so, and one from far: anywhere between finite bounds; otherwise over six decades around the start or, each second time, over
/// thirty, for data in other units than anyone thought of; half of them with the other sign where there is no bound at all.
pub fn starts(ranges: &[Range], count: usize, seed: u32) -> Vec<Vec<f64>> {
    let mut points = vec![ranges.iter().map(|range| range.start).collect::<Vec<f64>>()];
    for index in 1..count {
        let point =
            ranges.iter().enumerate().map(|(k, range)| range.at(draw(index, k, seed), decades(index)));
        points.push(point.collect());
    }
    points
}

/// Points that have about half of their numbers from one of the best so far, the others drawn anew.
pub fn offspring(ranges: &[Range], best: &[&[f64]], count: usize, seed: u32) -> Vec<Vec<f64>> {
    (1..=count)
        .map(|index| {
            let parent = best[index % best.len()];
            let numbers = ranges.iter().enumerate().map(|(k, range)| {
                let kept = draw(index, ranges.len() + k, seed) < 0.5;
                if kept { parent[k] } else { range.at(draw(index, k, seed), decades(index)) }
            });
            numbers.collect()
        })
        .collect()
}

/// How many decades around the start a point is drawn from; `None` for one near it.
fn decades(index: usize) -> Option<f64> {
    match index % 4 {
        0 => Some(3.0),
        2 => Some(15.0),
        _ => None,
    }
}

/// A number of the sequence.
fn draw(index: usize, dimension: usize, seed: u32) -> f64 {
    let (index, dimension) = (index as u32 % (1 << 16), dimension as u32);
    let (set, dimension) =
        (dimension / sobol_burley::NUM_DIMENSIONS, dimension % sobol_burley::NUM_DIMENSIONS);
    f64::from(sobol_burley::sample(index, dimension, seed.wrapping_add(set)))
}

impl Range {
    /// The point of the range for a number from 0 to 1.
    fn at(&self, u: f64, far: Option<f64>) -> f64 {
        let Range { start, low, high } = *self;
        if low == high {
            return low;
        }
        let centred = 2.0 * u - 1.0;
        let Some(decades) = far else {
            let size = if start == 0.0 { 1.0 } else { start.abs() };
            let near = if start == 0.0 { centred } else { start * power_of_two(2.0 * centred) };
            let near = if near == start { start + 0.1 * size * centred } else { near };
            return near.clamp(low, high);
        };
        let factor = |centred: f64| power_of_two(decades * std::f64::consts::LOG2_10 * centred);
        let point = match (low.is_finite(), high.is_finite()) {
            (true, true) => low + u * (high - low),
            (true, false) => low + self.size() * factor(centred),
            (false, true) => high - self.size() * factor(centred),
            (false, false) => {
                // The halves of [0, 1) are the signs, the place in them is the size.
                let sign = if u < 0.5 { -1.0 } else { 1.0 };
                sign * self.size() * factor(2.0 * (2.0 * u).fract() - 1.0)
            }
        };
        point.clamp(low, high)
    }

    /// A size that the parameter may have.
    fn size(&self) -> f64 {
        let near = [self.start, self.low, self.high].into_iter().filter(|x| x.is_finite() && *x != 0.0);
        near.map(f64::abs).next().unwrap_or(1.0)
    }
}

/// About 2ˣ: exact for whole numbers and straight in between, so that it is the same on every machine.
fn power_of_two(x: f64) -> f64 {
    let whole = x.floor();
    (1.0 + (x - whole)) * 2f64.powi(whole as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_within_bounds_and_not_all_alike() {
        let ranges = [
            Range { start: 2.0, low: f64::NEG_INFINITY, high: f64::INFINITY },
            Range { start: 0.0, low: 0.0, high: 1.0 },
            Range { start: 5.0, low: 1.0, high: f64::INFINITY },
        ];
        let points = starts(&ranges, 64, 0);
        assert_eq!((points.len(), points[0].as_slice()), (64, &[2.0, 0.0, 5.0][..]));
        assert!(points.iter().all(|p| (0.0..=1.0).contains(&p[1]) && p[2] >= 1.0 && p[0].is_finite()));
        assert!(points.iter().any(|p| p[0] < 0.0) && points.iter().any(|p| p[0] > 100.0));
        assert_eq!(points, starts(&ranges, 64, 0));
        assert_ne!(points, starts(&ranges, 64, 1));
    }
}
