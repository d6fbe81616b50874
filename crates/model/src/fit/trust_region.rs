//! Nonlinear least squares with bounds, as a state machine that is told what it asks for: so any number of searches can be
//! evaluated side by side.

use super::svd::Svd;
use super::triangle::{Triangle, norm};

/// What is known of the residuals at a point: R of `[J r]` and half the sum of squares (or of what a robust loss makes of them).
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// R of the Jacobian by the parameters with the residuals as last column, both as the loss weights them.
    pub triangle: Triangle,
    /// What is minimised.
    pub cost: f64,
}

/// What is the same for all searches of a fit.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Lower bounds.
    pub low: Vec<f64>,
    /// Upper bounds.
    pub high: Vec<f64>,
    /// Parameters without bounds in which the residuals are affine together: they are eliminated (variable projection; Golub and
    /// Pereyra 1973, in the form of Kaufman 1975 and Ruhe and Wedin 1980).
    pub linear: Vec<usize>,
    /// The Euclidean norm of the data, from which rounding errors of residuals follow.
    pub size: f64,
    /// How many residuals there are.
    pub residuals: usize,
}

/// Why a search has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Steps no longer become smaller: what is left of them is rounding errors.
    NoFurtherDigit,
    /// The residuals are zero.
    NoResidual,
    /// A search that only explores is near a minimum.
    Near,
    /// No step, however small, lowers the cost, and it is not as at a minimum.
    Stuck,
    /// So many iterations were not enough.
    Iterations,
    /// The residuals or their derivatives are not finite at the start.
    Start,
    /// It was stopped from outside.
    Stopped,
    /// The epochs of a descent by batches are over.
    Epochs,
}

impl Reason {
    /// Whether the point is a minimum as far as it can be told.
    pub fn is_converged(self) -> bool {
        match self {
            Reason::NoFurtherDigit | Reason::NoResidual => true,
            Reason::Near
            | Reason::Stuck
            | Reason::Iterations
            | Reason::Start
            | Reason::Stopped
            | Reason::Epochs => false,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reason::NoFurtherDigit => "no further digit is to be had",
            Reason::NoResidual => "the residuals are zero",
            Reason::Near => "near a minimum",
            Reason::Stuck => "no step lowers the cost",
            Reason::Iterations => "the limit of iterations",
            Reason::Start => "not finite at the start",
            Reason::Stopped => "stopped",
            Reason::Epochs => "the epochs are over",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    /// To the best values of the linear parameters.
    Projection,
    Step,
}

#[derive(Debug, Clone)]
struct Trial {
    kind: Kind,
    point: Vec<f64>,
    /// By how much the linearised residuals lower the cost.
    predicted: f64,
    /// Its length in scaled parameters.
    length: f64,
    /// The length of all parameters' steps in units of their effect.
    effect: f64,
    /// Whether the trust region cuts it short.
    cut: bool,
}

/// One search: a trust region with the exact step of the subproblem (Moré 1978; Moré and Sorensen 1983), on the singular values of R.
/// Parameters are scaled by the running maximum of the norms of their columns, so units do not matter. Bounds hold exactly: where
/// the step leaves them, the convex problem with the same Levenberg–Marquardt parameter is solved within the bounds by active
/// sets, so parameters reach their bounds in finitely many steps.
#[derive(Debug, Clone)]
pub struct Search {
    /// Where it is.
    pub x: Vec<f64>,
    /// What is known there.
    pub at: Option<Evaluation>,
    /// The residuals linearised there.
    model: Option<Model>,
    /// Steps that were tried.
    pub iterations: usize,
    /// Points that were evaluated.
    pub evaluations: usize,
    /// Why it has ended, once it has.
    pub ended: Option<Reason>,
    /// Whether it ends near a minimum already.
    explores: bool,
    most: usize,
    scale: Vec<f64>,
    radius: f64,
    trial: Trial,
    /// The smallest effect of a step among points that rounding errors do not tell apart.
    smallest: f64,
    /// Steps since that was found.
    idle: usize,
    /// The cost at the start.
    pub first: f64,
    /// By how much the last steps became smaller, each than the one before.
    pub rate: f64,
}

/// Changes of the cost below this part of it end a search that only explores.
const NEAR: f64 = 1e-6;

/// Changes of the cost below this part of it may be rounding errors inside the program, which only the lengths of steps can tell.
const CLOSE: f64 = 1e-11;

/// Steps in a row that need not be the smallest before the smallest is all there is.
const IDLE: usize = 2;

/// The first radius of the trust region, as a part of the length of the start.
const FIRST_RADIUS: f64 = 10.0;

impl Search {
    /// A search from a point within the bounds. One that `explores` ends near a minimum; at most `most` steps are tried.
    pub fn new(start: Vec<f64>, explores: bool, most: usize) -> Search {
        let trial = Trial {
            kind: Kind::Start,
            point: start.clone(),
            predicted: 0.0,
            length: 0.0,
            effect: 0.0,
            cut: false,
        };
        Search {
            scale: vec![0.0; start.len()],
            x: start,
            at: None,
            model: None,
            iterations: 0,
            evaluations: 0,
            ended: None,
            explores,
            most,
            radius: f64::INFINITY,
            trial,
            smallest: f64::INFINITY,
            idle: 0,
            first: f64::INFINITY,
            rate: 0.5,
        }
    }

    /// The point to be evaluated next, unless it has ended.
    pub fn wanted(&self) -> Option<&[f64]> {
        self.ended.is_none().then_some(&self.trial.point)
    }

    /// Half the sum of squares where it is, infinite before it is known.
    pub fn cost(&self) -> f64 {
        self.at.as_ref().map_or(f64::INFINITY, |at| at.cost)
    }

    /// A search that has ended elsewhere.
    pub fn ended(x: Vec<f64>, at: Option<Evaluation>, iterations: usize, reason: Reason) -> Search {
        let search = Search::new(x, false, 0);
        Search { at, iterations, ended: Some(reason), ..search }
    }

    /// Ends it from outside.
    pub fn stop(&mut self) {
        self.ended.get_or_insert(Reason::Stopped);
    }

    /// Takes the evaluation of the point that was wanted; `None` if it is not finite there.
    pub fn tell(&mut self, setting: &Setting, found: Option<Evaluation>) {
        self.evaluations += 1;
        let Some(before) = &self.at else {
            match found {
                None => self.ended = Some(Reason::Start),
                Some(found) => {
                    self.first = found.cost;
                    let model = Model::of(setting, &found);
                    self.accept(found, model);
                    let length = norm(self.x.iter().zip(&self.scale).map(|(x, d)| x * d));
                    self.radius = if length > 0.0 { FIRST_RADIUS * length } else { FIRST_RADIUS };
                    self.propose(setting, true);
                }
            }
            return;
        };
        if self.trial.kind == Kind::Projection {
            match found.filter(|found| found.cost < before.cost) {
                Some(found) => {
                    let model = Model::of(setting, &found);
                    self.accept(found, model);
                    self.propose(setting, false);
                }
                None => self.propose(setting, false),
            }
            return;
        }
        self.iterations += 1;
        let old = self.model.as_ref().map_or(before.cost, |model| model.least(before));
        let Some(found) = found.filter(|found| found.cost.is_finite()) else {
            self.radius = 0.25 * self.trial.length.min(self.radius);
            self.again(setting);
            return;
        };
        let model = Model::of(setting, &found);
        let new = model.least(&found);
        let actual = old - new;
        let noise = setting.noise(old);
        let close = noise.max(CLOSE * old);
        if self.trial.predicted <= close && actual.abs() <= 8.0 * close {
            // Costs no longer tell which point is better, but the lengths of the steps from them do.
            if self.trial.cut {
                self.radius = 4.0 * self.trial.length.max(self.radius);
                self.accept(found, model);
                self.propose(setting, false);
            } else if self.trial.effect < self.smallest {
                self.rate =
                    if self.smallest.is_finite() { self.trial.effect / self.smallest } else { self.rate };
                (self.smallest, self.idle) = (self.trial.effect, 0);
                self.accept(found, model);
                self.propose(setting, false);
            } else if self.idle < IDLE && new <= old + 8.0 * noise {
                self.idle += 1;
                self.accept(found, model);
                self.propose(setting, false);
            } else {
                self.ended = Some(Reason::NoFurtherDigit);
            }
            return;
        }
        let ratio = actual / self.trial.predicted;
        if ratio < 0.25 || ratio.is_nan() {
            self.radius = 0.25 * self.trial.length.min(self.radius);
        } else if ratio > 0.75 && self.trial.cut {
            self.radius = self.radius.max(3.0 * self.trial.length);
        }
        if ratio > 1e-4 {
            let near = actual <= NEAR * old && self.trial.predicted <= NEAR * old;
            self.accept(found, model);
            if self.explores && near {
                self.ended = Some(Reason::Near);
                return;
            }
            self.propose(setting, true);
        } else {
            self.again(setting);
        }
    }

    fn accept(&mut self, found: Evaluation, model: Model) {
        self.model = Some(model);
        self.x.clone_from(&self.trial.point);
        for (k, scale) in self.scale.iter_mut().enumerate() {
            *scale = scale.max(found.triangle.norm(k));
        }
        self.at = Some(found);
    }

    /// The next trial after one that was of no use.
    fn again(&mut self, setting: &Setting) {
        let length = norm(self.x.iter().zip(&self.scale).map(|(x, d)| x * d));
        if self.radius <= f64::EPSILON * length || self.radius < f64::MIN_POSITIVE {
            self.ended = Some(Reason::Stuck);
            return;
        }
        self.propose(setting, false);
    }

    /// Sets the next trial, or ends the search.
    fn propose(&mut self, setting: &Setting, project: bool) {
        let at = self.at.as_ref().expect("a point that has been evaluated");
        if at.cost == 0.0 {
            self.ended = Some(Reason::NoResidual);
            return;
        }
        if self.iterations >= self.most {
            self.ended = Some(Reason::Iterations);
            return;
        }
        let model = self.model.as_ref().expect("it is made with the evaluation");
        if project && !model.linear.is_empty() && at.cost > 1.01 * model.effective {
            let step = vec![0.0; model.others.len()];
            let linear = model.linear_step(&step);
            let mut point = self.x.clone();
            model.linear.iter().zip(&linear).for_each(|(&k, step)| point[k] += step);
            if point.iter().all(|x| x.is_finite()) {
                self.trial.kind = Kind::Projection;
                self.trial.point = point;
                return;
            }
        }
        let scale = self.scales();
        let (step, cut) = model.step(setting, &self.x, &scale, self.radius);
        let linear = model.linear_step(&step);
        let mut point = self.x.clone();
        for (&k, step) in model.linear.iter().zip(&linear) {
            point[k] += step;
        }
        for (&k, step) in model.others.iter().zip(&step) {
            point[k] = (point[k] + step).clamp(setting.low[k], setting.high[k]);
        }
        let predicted =
            model.reduction(&step) + if model.others.is_empty() { at.cost - model.effective } else { 0.0 };
        let effect = norm(point.iter().zip(&self.x).zip(&self.scale).map(|((new, old), d)| (new - old) * d));
        let length = norm(model.others.iter().zip(&step).map(|(&k, step)| step * scale[k]));
        if point == self.x || effect == 0.0 {
            self.ended = Some(Reason::NoFurtherDigit);
            return;
        }
        self.trial = Trial { kind: Kind::Step, point, predicted, length, effect, cut };
    }

    /// The scale of each parameter; one without any effect so far takes part with the size of the others.
    fn scales(&self) -> Vec<f64> {
        let most = self.scale.iter().fold(0.0f64, |most, &d| most.max(d));
        let other = if most > 0.0 { most } else { 1.0 };
        self.scale.iter().map(|&d| if d > 0.0 { d } else { other }).collect()
    }
}

impl Setting {
    /// What rounding errors of the residuals do to the cost, about.
    pub fn noise(&self, cost: f64) -> f64 {
        let error = f64::EPSILON * self.size;
        let root = (self.residuals.max(1) as f64).sqrt();
        4.0 * f64::EPSILON * cost + 2.0 * error * (2.0 * cost).sqrt() / root + 2.0 * error * error
    }
}

/// The residuals linearised at a point, with the linear parameters eliminated.
#[derive(Debug, Clone)]
struct Model {
    linear: Vec<usize>,
    others: Vec<usize>,
    /// R of the linear parameters, then the others, then the residuals.
    triangle: Triangle,
    effective: f64,
}

impl Model {
    fn of(setting: &Setting, at: &Evaluation) -> Model {
        let n = at.triangle.columns() - 1;
        let ordered = |linear: &[usize]| {
            let others: Vec<usize> = (0..n).filter(|k| !linear.contains(k)).collect();
            let order = linear.iter().chain(&others).copied().chain([n]);
            let triangle = at.triangle.combined(&order.map(|k| vec![(k, 1.0)]).collect::<Vec<_>>());
            (others, triangle)
        };
        let mut linear = setting.linear.clone();
        let (mut others, mut triangle) = ordered(&linear);
        // Where the data do not determine the linear parameters by themselves they take part with the others.
        let determined = (0..linear.len()).all(|k| triangle.at(k, k).abs() > 1e-11 * triangle.norm(k));
        if !determined {
            linear.clear();
            (others, triangle) = ordered(&linear);
        }
        let effective = if linear.is_empty() {
            at.cost
        } else {
            let left = norm((linear.len()..=n).map(|row| triangle.at(row, n)));
            0.5 * left * left
        };
        Model { linear, others, triangle, effective }
    }

    /// The cost with the best values of the linear parameters; where all are linear, the cost itself.
    fn least(&self, at: &Evaluation) -> f64 {
        if self.others.is_empty() { at.cost } else { self.effective }
    }

    /// The best step of the linear parameters for a step of the others.
    fn linear_step(&self, step: &[f64]) -> Vec<f64> {
        let (count, n) = (self.linear.len(), self.triangle.columns() - 1);
        let mut linear = vec![0.0; count];
        for row in (0..count).rev() {
            let mut sum = -self.triangle.at(row, n);
            sum -= step.iter().enumerate().map(|(k, s)| self.triangle.at(row, count + k) * s).sum::<f64>();
            sum -= (row + 1..count).map(|k| self.triangle.at(row, k) * linear[k]).sum::<f64>();
            linear[row] = sum / self.triangle.at(row, row);
        }
        linear
    }

    /// The other parameters' columns, each divided by its scale, and the residuals.
    fn columns(&self, scale: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let (first, n) = (self.linear.len(), self.triangle.columns() - 1);
        let column = |k: usize, scale: f64| (first..n).map(|row| self.triangle.at(row, k) / scale).collect();
        let columns =
            self.others.iter().enumerate().map(|(k, &parameter)| column(first + k, scale[parameter]));
        (columns.collect(), column(n, 1.0))
    }

    /// By how much a step lowers the cost of the linearised residuals.
    fn reduction(&self, step: &[f64]) -> f64 {
        let (columns, residuals) = self.columns(&vec![1.0; self.triangle.columns()]);
        let after = residual(&columns, step, &residuals);
        // ½‖q‖² − ½‖As + q‖² = −(As)·q − ½‖As‖², without the difference of large numbers.
        let effect: Vec<f64> = after.iter().zip(&residuals).map(|(a, q)| a - q).collect();
        let along: f64 = effect.iter().zip(&residuals).map(|(e, q)| e * q).sum();
        -along - 0.5 * effect.iter().map(|e| e * e).sum::<f64>()
    }

    /// The step of the other parameters within the trust region and the bounds, and whether the region cuts it short.
    fn step(&self, setting: &Setting, x: &[f64], scale: &[f64], radius: f64) -> (Vec<f64>, bool) {
        let (columns, residuals) = self.columns(scale);
        let svd = Svd::of(&columns);
        let along: Vec<f64> = svd.left.iter().map(|u| dot(u, &residuals)).collect();
        let damping = damping(&svd, &along, radius);
        let mut scaled = damped(&svd, &along, damping);
        let limits: Vec<(f64, f64)> = self
            .others
            .iter()
            .map(|&k| ((setting.low[k] - x[k]) * scale[k], (setting.high[k] - x[k]) * scale[k]))
            .collect();
        let inside = |s: &[f64]| s.iter().zip(&limits).all(|(s, (low, high))| (*low..=*high).contains(s));
        if !inside(&scaled) {
            scaled = bounded(&columns, &residuals, damping, &limits);
        }
        let step = self.others.iter().zip(&scaled).zip(&limits).map(|((&k, &s), &(low, high))| {
            // A parameter that reaches its bound is there exactly.
            if s == low {
                setting.low[k] - x[k]
            } else if s == high {
                setting.high[k] - x[k]
            } else {
                s / scale[k]
            }
        });
        (step.collect(), damping > 0.0)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `A s + q`.
fn residual(columns: &[Vec<f64>], step: &[f64], residuals: &[f64]) -> Vec<f64> {
    let mut after = residuals.to_vec();
    for (column, s) in columns.iter().zip(step) {
        after.iter_mut().zip(column).for_each(|(r, a)| *r += a * s);
    }
    after
}

/// Singular values below this count as 0 in steps: columns are of length 1 before others are eliminated from them, so this is about
/// what rounding errors leave of columns that are not independent.
const NEGLIGIBLE: f64 = 1e-14;

/// The smallest singular value that counts.
fn least(svd: &Svd) -> f64 {
    NEGLIGIBLE * svd.values.first().copied().unwrap_or(0.0).max(1.0)
}

/// The minimiser of `½‖As + q‖² + ½α‖s‖²`, where `along` is `Uᵀq`.
fn damped(svd: &Svd, along: &[f64], damping: f64) -> Vec<f64> {
    let n = svd.values.len();
    let least = least(svd);
    let mut step = vec![0.0; n];
    for ((&value, along), right) in svd.values.iter().zip(along).zip(&svd.right) {
        if value <= least {
            continue;
        }
        let part = -value * along / (value * value + damping);
        step.iter_mut().zip(right).for_each(|(s, v)| *s += part * v);
    }
    step
}

/// The Levenberg–Marquardt parameter with which the step is as long as the radius; 0 if the full step is not longer.
fn damping(svd: &Svd, along: &[f64], radius: f64) -> f64 {
    let least = least(svd);
    let parts: Vec<(f64, f64)> =
        svd.values.iter().zip(along).map(|(&s, &u)| (s, u)).filter(|&(s, _)| s > least).collect();
    let length = |damping: f64| norm(parts.iter().map(move |(s, u)| s * u / (s * s + damping)));
    if parts.is_empty() || length(0.0) <= radius {
        return 0.0;
    }
    // ‖s(α)‖ falls; 1/‖s(α)‖ is nearly linear, so Newton's method on it (Hebden 1973) takes a few iterations from below.
    let (mut low, mut high) = (0.0, norm(parts.iter().map(|(s, u)| s * u)) / radius);
    let mut damping = 0.0f64;
    for _ in 0..60 {
        let size = length(damping);
        if (size - radius).abs() <= 1e-3 * radius {
            break;
        }
        if size > radius {
            low = damping
        } else {
            high = damping
        }
        let slope: f64 = parts.iter().map(|(s, u)| (s * u).powi(2) / (s * s + damping).powi(3)).sum();
        let next = damping + (size / radius - 1.0) * size * size / slope;
        damping =
            if next > low && next < high { next } else { (low * high).sqrt().max(0.5 * (low + high) * 1e-3) };
    }
    damping
}

/// The minimiser of `½‖As + q‖² + ½α‖s‖²` within limits around 0, by active sets: each round solves for the free variables and
/// either stops at the first limit that is met, or frees the variable that gains most.
fn bounded(columns: &[Vec<f64>], residuals: &[f64], damping: f64, limits: &[(f64, f64)]) -> Vec<f64> {
    let n = columns.len();
    let mut step = vec![0.0; n];
    let slopes = |step: &[f64]| -> Vec<f64> {
        let after = residual(columns, step, residuals);
        columns.iter().zip(step).map(|(column, s)| dot(column, &after) + damping * s).collect()
    };
    let outward =
        |slope: f64, s: f64, (low, high): (f64, f64)| s <= low && slope > 0.0 || s >= high && slope < 0.0;
    let first = slopes(&step);
    let mut fixed: Vec<bool> = (0..n).map(|k| outward(first[k], step[k], limits[k])).collect();
    for _ in 0..10 * n + 10 {
        let free: Vec<usize> = (0..n).filter(|&k| !fixed[k]).collect();
        let others: Vec<f64> = (0..n).map(|k| if fixed[k] { step[k] } else { 0.0 }).collect();
        let target = residual(columns, &others, residuals);
        let matrix: Vec<Vec<f64>> = square(free.iter().map(|&k| columns[k].clone()).collect(), &target);
        let (matrix, target) = (&matrix[..free.len()], &matrix[free.len()]);
        let svd = Svd::of(matrix);
        let along: Vec<f64> = svd.left.iter().map(|u| dot(u, target)).collect();
        let wanted = damped(&svd, &along, damping);
        let mut fraction = 1.0;
        let mut stops = None;
        for (&k, &to) in free.iter().zip(&wanted) {
            let (low, high) = limits[k];
            let limit = if to < low {
                low
            } else if to > high {
                high
            } else {
                continue;
            };
            let part = (limit - step[k]) / (to - step[k]);
            if part < fraction {
                (fraction, stops) = (part, Some((k, limit)));
            }
        }
        for (&k, &to) in free.iter().zip(&wanted) {
            step[k] = (step[k] + fraction * (to - step[k])).clamp(limits[k].0, limits[k].1);
        }
        if let Some((k, limit)) = stops {
            (step[k], fixed[k]) = (limit, true);
            continue;
        }
        let slopes = slopes(&step);
        let gain = |k: usize| slopes[k].abs();
        let freed =
            (0..n).filter(|&k| fixed[k] && !outward(slopes[k], step[k], limits[k]) && slopes[k] != 0.0);
        match freed.filter(|&k| limits[k].0 < limits[k].1).max_by(|&a, &b| gain(a).total_cmp(&gain(b))) {
            Some(k) => fixed[k] = false,
            None => break,
        }
    }
    step
}

/// Columns and a right-hand side with as many rows as there are columns, by R of both: norms and products stay.
fn square(columns: Vec<Vec<f64>>, target: &[f64]) -> Vec<Vec<f64>> {
    let (n, rows) = (columns.len() + 1, target.len());
    let mut block: Vec<f64> = columns.into_iter().flatten().chain(target.iter().copied()).collect();
    let mut triangle = Triangle::new(n);
    triangle.absorb(&mut block, rows, rows);
    (0..n).map(|k| (0..n - 1).map(|row| triangle.at(row, k)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates residuals with their derivatives.
    fn evaluate(rows: &[Vec<f64>]) -> Option<Evaluation> {
        let n = rows[0].len();
        let mut block: Vec<f64> = (0..n).flat_map(|k| rows.iter().map(move |row| row[k])).collect();
        let mut triangle = Triangle::new(n);
        triangle.absorb(&mut block, rows.len(), rows.len());
        let cost = 0.5 * rows.iter().map(|row| row[n - 1] * row[n - 1]).sum::<f64>();
        triangle.is_finite().then_some(Evaluation { triangle, cost })
    }

    fn minimise(setting: &Setting, start: &[f64], residuals: impl Fn(&[f64]) -> Vec<Vec<f64>>) -> Search {
        let mut search = Search::new(start.to_vec(), false, 500);
        while let Some(point) = search.wanted() {
            let found = evaluate(&residuals(point));
            search.tell(setting, found);
        }
        search
    }

    fn rosenbrock(x: &[f64]) -> Vec<Vec<f64>> {
        vec![vec![-20.0 * x[0], 10.0, 10.0 * (x[1] - x[0] * x[0])], vec![-1.0, 0.0, 1.0 - x[0]]]
    }

    fn free(n: usize) -> Setting {
        let (low, high) = (vec![f64::NEG_INFINITY; n], vec![f64::INFINITY; n]);
        Setting { low, high, linear: vec![], size: 1.0, residuals: 2 }
    }

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let search = minimise(&free(2), &[-1.2, 1.0], rosenbrock);
        assert_eq!(search.ended.map(Reason::is_converged), Some(true), "{search:?}");
        assert!((search.x[0] - 1.0).abs() < 1e-14 && (search.x[1] - 1.0).abs() < 1e-14, "{:?}", search.x);
        assert!(search.evaluations < 60, "{}", search.evaluations);
        let projected = minimise(&Setting { linear: vec![1], ..free(2) }, &[-1.2, 1.0], rosenbrock);
        assert!((projected.x[0] - 1.0).abs() < 1e-14, "{:?}", projected.x);
        assert!(projected.evaluations < 10, "x₁ is linear: {}", projected.evaluations);
    }

    #[test]
    fn bounds_are_reached_exactly() {
        let setting = Setting { low: vec![-2.0, -2.0], high: vec![0.5, 2.0], ..free(2) };
        let search = minimise(&setting, &[-1.2, 1.0], rosenbrock);
        assert_eq!(search.x[0], 0.5);
        assert!((search.x[1] - 0.25).abs() < 1e-15, "{:?}", search.x);
    }

    #[test]
    fn a_singular_jacobian_has_the_shortest_step() {
        // Only the product x·y is determined.
        let search = minimise(&free(2), &[1.0, 4.0], |x| vec![vec![x[1], x[0], x[0] * x[1] - 6.0]]);
        assert!((search.x[0] * search.x[1] - 6.0).abs() < 1e-14, "{:?}", search.x);
    }
}
