//! How many digits of the parameters hold.

use super::objective::{Objective, Rows};
use super::parameters::Layout;
use super::uncertainty::Inverse;

/// Points near the minimum at which residuals are evaluated once more.
const POINTS: u64 = 6;

/// By how much each free number may be wrong because of rounding errors, as a minimiser of these residuals: the errors of
/// residuals, measured by how far they are from linear over a few units in the last place (Moré and Wild, *Estimating
/// computational noise*, 2011), and half a unit in the last place of the data, go through the pseudo-inverse of the Jacobian, each
/// with the worst sign; and what is left of the way, steps becoming smaller by the factor `rate`. Numbers at a bound are exact.
pub fn errors(
    objective: &Objective,
    layout: &Layout,
    rows: &Rows,
    point: &[f64],
    inverse: &Inverse,
    rate: f64,
) -> Vec<f64> {
    let n = point.len();
    let base = objective.values(layout, rows, point);
    let mut state = 1;
    let mut moves: Vec<(Vec<f64>, Vec<Vec<f64>>)> = Vec::new();
    for _ in 0..POINTS {
        let near: Vec<f64> = point
            .iter()
            .zip(&layout.free)
            .map(|(&x, free)| {
                let units = (super::search::splitmix(&mut state) % 17) as f64 - 8.0;
                (x + units * f64::EPSILON * x.abs().max(f64::MIN_POSITIVE)).clamp(free.low, free.high)
            })
            .collect();
        let values = objective.values(layout, rows, &near);
        moves.push((near.iter().zip(point).map(|(a, b)| a - b).collect(), values));
    }
    let mut shifts = vec![0.0; n];
    let mut gradient = vec![0.0; n];
    objective.blocks(layout, rows, point, objective.loss, |range, block, tall| {
        let count = range.len();
        for row in 0..tall {
            let (element, place) = (row / count, range.start + row % count);
            let scale = rows.scale(element, place);
            let slope = |k: usize| block[k * tall + row];
            gradient.iter_mut().enumerate().for_each(|(k, g)| *g += slope(k) * block[n * tall + row]);
            let value = base[element][place];
            let noise = moves.iter().map(|(step, values)| {
                let linear: f64 = (0..n).map(|k| slope(k) * step[k]).sum();
                ((values[element][place] - value) * scale - linear).abs()
            });
            let noise = noise.fold(0.0, f64::max);
            let data = 0.5 * f64::EPSILON * (rows.targets[element][place].abs() + value.abs()) * scale.abs();
            for (i, &k) in inverse.of.iter().enumerate() {
                let weight = inverse.shift(i, slope);
                shifts[k] += weight.abs() * (noise + data);
            }
        }
    });
    for (i, &k) in inverse.of.iter().enumerate() {
        let step = inverse.shift(i, |k| gradient[k]);
        shifts[k] += step.abs() / (1.0 - rate.clamp(0.0, 0.9999));
    }
    shifts
}
