//! Likelihood profiles: how the minimum rises with each parameter.

use super::search::{Task, run};
use super::trust_region::{Search, Setting};

/// The profile of a parameter: the lowest sum of squares for each of its values (Bates and Watts, *Nonlinear regression analysis*,
/// 1988, section 6.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The parameter.
    pub name: String,
    /// Its values, increasing.
    pub values: Vec<f64>,
    /// The lowest sum of squares for each, the other parameters being free, less that of the fit, in units of the variance.
    pub rise: Vec<f64>,
    /// Where the rise is the square of the quantile: the interval that the linearised one stands for. `None` where it is not reached.
    pub interval: [Option<f64>; 2],
}

/// Points on each side.
const POINTS: usize = 24;

/// Follows the minimum as one parameter moves away from it on both sides, until the rise is that of the quantile.
pub fn profile(
    task: Task<'_>,
    best: &Search,
    parameter: usize,
    stderr: f64,
    variance: f64,
    quantile: f64,
) -> Profile {
    let free = &task.layout.free[parameter];
    let lowest = best.cost();
    let mut points: Vec<(f64, f64)> = vec![(best.x[parameter], 0.0)];
    let mut interval = [None; 2];
    for (side, sign) in [(0, -1.0), (1, 1.0)] {
        let mut from = best.x.clone();
        // The signed root of the rise is nearly linear in the parameter.
        let (mut at, mut root) = (best.x[parameter], 0.0);
        let mut step = 0.2 * stderr * quantile;
        for _ in 0..POINTS {
            let next = at + sign * step;
            let clamped = next.clamp(free.low, free.high);
            if clamped == at || !clamped.is_finite() {
                break;
            }
            let Some((point, cost)) = constrained(task, &from, parameter, clamped) else { break };
            let rise = (2.0 * (cost - lowest) / variance).max(0.0);
            points.push((clamped, rise));
            let reached = rise.sqrt();
            if reached >= quantile {
                interval[side] = Some(crossing(
                    task,
                    parameter,
                    variance,
                    lowest,
                    quantile,
                    (at, root),
                    (clamped, reached),
                    &from,
                ));
                break;
            }
            let slope = (reached - root) / (clamped - at).abs();
            (at, root, from) = (clamped, reached, point);
            // A fifth of the way as a rule, and never more than twice the last step.
            let wanted = if slope > 0.0 { 0.2 * quantile / slope } else { f64::INFINITY };
            step = wanted.min(2.0 * step);
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Profile {
        name: free.name.clone(),
        values: points.iter().map(|point| point.0).collect(),
        rise: points.iter().map(|point| point.1).collect(),
        interval,
    }
}

/// The minimum with one parameter held, from a point near it.
fn constrained(task: Task<'_>, from: &[f64], parameter: usize, value: f64) -> Option<(Vec<f64>, f64)> {
    let mut setting: Setting = task.setting.clone();
    (setting.low[parameter], setting.high[parameter]) = (value, value);
    setting.linear.retain(|&k| k != parameter);
    let mut start = from.to_vec();
    start[parameter] = value;
    let mut search = [Search::new(start, false, task.steps)];
    run(Task { setting: &setting, progress: None, ..task }, &mut search);
    let [search] = search;
    search.at.as_ref()?;
    Some((search.x.clone(), search.cost()))
}

/// Where the root of the rise is the quantile, between two points, by regula falsi with halving (the Illinois method).
#[allow(clippy::too_many_arguments, reason = "a step of `profile`")]
fn crossing(
    task: Task<'_>,
    parameter: usize,
    variance: f64,
    lowest: f64,
    quantile: f64,
    below: (f64, f64),
    above: (f64, f64),
    from: &[f64],
) -> f64 {
    let (mut a, mut fa) = (below.0, below.1 - quantile);
    let (mut b, mut fb) = (above.0, above.1 - quantile);
    for _ in 0..30 {
        let middle = b - fb * (b - a) / (fb - fa);
        if (b - a).abs() <= 1e-9 * (a.abs() + b.abs()) {
            return middle;
        }
        let Some((_, cost)) = constrained(task, from, parameter, middle) else { return middle };
        let f = (2.0 * (cost - lowest) / variance).max(0.0).sqrt() - quantile;
        if f.abs() <= 1e-9 * quantile {
            return middle;
        }
        if f * fb < 0.0 {
            (a, fa) = (b, fb);
        } else {
            fa *= 0.5;
        }
        (b, fb) = (middle, f);
    }
    b
}
