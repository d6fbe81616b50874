//! Nonlinear least squares with bounds, as a state machine that is told what it asks for: so any number of searches can be
//! evaluated side by side.

use super::svd::Svd;
use super::triangle::{Triangle, norm};

/// What is known of the residuals at a point: R of `[J r]` and half the sum of squares (or of what a robust loss makes of them).
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    /// R of the Jacobian by the parameters with the residuals as last column, both as the loss weights them.
    pub triangle: Triangle,
    /// What is minimised.
    pub cost: f64,
}

impl Evaluation {
    /// Takes in the residuals of other rows at the same point.
    pub fn merge(&mut self, other: &Evaluation) {
        self.triangle.merge(&other.triangle);
        self.cost += other.cost;
    }
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
    /// Parameters in which the residuals are affine together, whether they have bounds or not.
    pub affine: Vec<usize>,
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
    /// The cost falls towards points at which the residuals or their derivatives are not finite, and the next of them is no further
    /// away than rounding errors.
    Edge,
    /// So many iterations were not enough.
    Iterations,
    /// The residuals or their derivatives are not finite at the start.
    Start,
    /// It was stopped from outside.
    Stopped,
    /// The epochs of a descent by batches are over.
    Epochs,
    /// The rows that are held out gained nothing in so many epochs.
    Patience,
    /// A descent by batches came to where the cost or its gradient is not finite.
    Diverged,
}

impl Reason {
    /// Whether the point is a minimum as far as it can be told.
    pub fn is_converged(self) -> bool {
        match self {
            Reason::NoFurtherDigit | Reason::NoResidual => true,
            Reason::Near
            | Reason::Stuck
            | Reason::Edge
            | Reason::Iterations
            | Reason::Start
            | Reason::Stopped
            | Reason::Epochs
            | Reason::Patience
            | Reason::Diverged => false,
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
            Reason::Edge => "the cost falls to where the program's domain ends; there is no minimum before",
            Reason::Iterations => "the limit of iterations",
            Reason::Start => "not finite at the start",
            Reason::Stopped => "stopped",
            Reason::Epochs => "the epochs are over",
            Reason::Patience => "the rows held out gained nothing more",
            Reason::Diverged => {
                "the cost or its gradient became infinite: a lower rate or clipped gradients may do"
            }
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
/// the step leaves them, the subproblem is solved within the bounds by active sets, with the Levenberg–Marquardt parameter with which
/// that step, and not the one without bounds, is as long as the trust region; so parameters reach their bounds in finitely many steps, and those at
/// a bound do not slow the others down.
#[derive(Debug, Clone)]
pub struct Search {
    /// Where it is.
    pub x: Vec<f64>,
    /// What is known there.
    pub at: Option<Evaluation>,
    /// The residuals linearised there.
    model: Model,
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
    /// Steps whose costs may differ by rounding errors only.
    doubtful: usize,
    /// What full steps are multiplied by, and how often that was changed.
    relaxation: f64,
    relaxations: usize,
    /// Steps cut short whose costs told nothing since the last one that lowered the cost.
    refused: usize,
    /// Trials that were not finite since the last full step.
    beyond: usize,
    /// The cost at the start.
    pub first: f64,
    /// By how much the last steps became smaller, each than the one before.
    pub rate: f64,
}

/// Room for the algebra of steps, which any number of searches can use one after the other, so that steps allocate nothing.
#[derive(Debug, Default)]
pub struct Work {
    /// The residuals linearised at the trial.
    model: Model,
    block: Vec<f64>,
    step: Room,
}

/// Room for one step.
#[derive(Debug, Default)]
struct Room {
    /// The scale of each parameter.
    scale: Vec<f64>,
    /// The columns of the parameters that are not eliminated, one after the other, each divided by its scale.
    columns: Vec<f64>,
    residuals: Vec<f64>,
    svd: Svd,
    along: Vec<f64>,
    /// How far scaled steps may go down and up.
    limits: Vec<(f64, f64)>,
    scaled: Vec<f64>,
    /// Steps of the parameters that are not eliminated, and of those that are.
    others: Vec<f64>,
    linear: Vec<f64>,
    effect: Vec<f64>,
}

/// Changes of the cost below this part of it end a search that only explores.
const NEAR: f64 = 1e-6;

/// Changes of the cost below this part of it may be rounding errors inside the program, which only the lengths of steps can tell.
const CLOSE: f64 = 1e-11;

/// Steps in a row that need not be the smallest before the smallest is all there is.
const IDLE: usize = 2;

/// Steps whose costs may differ by rounding errors only, after which costs are no longer believed.
const DOUBTFUL: usize = 60;

/// Steps cut short whose costs tell nothing, without one in between that lowers the cost, after which the search is at its end: from each
/// the trust region grows to four times its size, and only longer steps that raise the cost make it smaller again.
const REFUSED: usize = 40;

/// How often full steps are made longer or shorter by the secant.
const RELAXATIONS: usize = 6;

/// What a step changes is no rounding error if it is so many units in the last place of the data.
const SIGNIFICANT: f64 = 1e4;

/// The first radius of the trust region, as a part of the length of the start.
const FIRST_RADIUS: f64 = 10.0;

/// Trials beyond the domain, without a full step in between, after which steps that change nothing are at its edge.
const BEYOND: usize = 8;

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
            model: Model::default(),
            iterations: 0,
            evaluations: 0,
            ended: None,
            explores,
            most,
            radius: f64::INFINITY,
            trial,
            smallest: f64::INFINITY,
            idle: 0,
            doubtful: 0,
            relaxation: 1.0,
            relaxations: 0,
            refused: 0,
            beyond: 0,
            first: f64::INFINITY,
            rate: 0.5,
        }
    }

    /// Begins anew from another point, in the room that it has.
    pub fn restart(&mut self, start: &[f64]) {
        self.x.clear();
        self.x.extend_from_slice(start);
        self.trial.point.clone_from(&self.x);
        self.trial.kind = Kind::Start;
        self.scale.fill(0.0);
        self.at = None;
        (self.iterations, self.evaluations, self.ended) = (0, 0, None);
        (self.radius, self.first) = (f64::INFINITY, f64::INFINITY);
        (self.smallest, self.idle, self.rate) = (f64::INFINITY, 0, 0.5);
        (self.doubtful, self.refused, self.beyond) = (0, 0, 0);
        (self.relaxation, self.relaxations) = (1.0, 0);
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

    /// Takes the evaluation of the point that was wanted; `None` if it is not finite there. What it takes it leaves older numbers for.
    pub fn tell(&mut self, setting: &Setting, found: Option<&mut Evaluation>, work: &mut Work) {
        self.evaluations += 1;
        let Some(before) = self.at.as_ref().map(|at| at.cost) else {
            match found {
                None => self.ended = Some(Reason::Start),
                Some(found) => {
                    self.first = found.cost;
                    work.model.set(setting, found, &mut work.block);
                    self.accept(found, work);
                    let length = norm(self.x.iter().zip(&self.scale).map(|(x, d)| x * d));
                    self.radius = if length > 0.0 { FIRST_RADIUS * length } else { FIRST_RADIUS };
                    self.propose(setting, true, &mut work.step);
                }
            }
            return;
        };
        if self.trial.kind == Kind::Projection {
            if let Some(found) = found.filter(|found| found.cost < before) {
                work.model.set(setting, found, &mut work.block);
                self.accept(found, work);
            }
            self.propose(setting, false, &mut work.step);
            return;
        }
        self.iterations += 1;
        let old = self.model.least(before);
        let Some(found) = found.filter(|found| found.cost.is_finite()) else {
            self.beyond += 1;
            self.radius = 0.25 * self.trial.length.min(self.radius);
            self.again(setting, work);
            return;
        };
        work.model.set(setting, found, &mut work.block);
        let new = work.model.least(found.cost);
        let actual = old - new;
        let noise = setting.noise(old);
        let close = noise.max(CLOSE * old);
        // Below `close` costs may not tell which point is better, as far as the noise of the program is not known; if it is as small as is
        // assumed, they do, and that is believed for a while.
        let told = self.trial.predicted > 8.0 * noise && self.doubtful < DOUBTFUL;
        if self.trial.predicted <= close && actual.abs() <= 8.0 * close {
            self.doubtful += 1;
            if !told {
                self.by_length(setting, found, new <= old + 8.0 * noise, work);
                return;
            }
        }
        let ratio = actual / self.trial.predicted;
        if ratio < 0.25 || ratio.is_nan() {
            self.radius = 0.25 * self.trial.length.min(self.radius);
        } else if ratio > 0.75 && self.trial.cut {
            self.radius = self.radius.max(3.0 * self.trial.length);
        }
        if ratio > 1e-4 {
            self.refused = 0;
            let near = actual <= NEAR * old && self.trial.predicted <= NEAR * old && !self.trial.cut;
            self.accept(found, work);
            if self.explores && near {
                self.ended = Some(Reason::Near);
                return;
            }
            self.propose(setting, true, &mut work.step);
        } else {
            self.again(setting, work);
        }
    }

    /// Goes on where costs no longer tell which point is better, but the lengths of the steps from them do. `as_low` is whether the trial is
    /// no higher than where the search is, up to rounding errors.
    fn by_length(&mut self, setting: &Setting, found: &mut Evaluation, as_low: bool, work: &mut Work) {
        if self.trial.cut {
            // A longer step then, and from where the cost is no higher: otherwise it could go up and down for ever.
            self.radius = 4.0 * self.trial.length.max(self.radius);
            self.refused += 1;
            if as_low {
                self.accept(found, work);
            }
            if self.beyond >= BEYOND {
                self.ended = Some(Reason::Edge);
            } else if self.refused >= REFUSED {
                // Steps that are short change nothing, and longer ones raise the cost.
                self.ended = Some(Reason::NoFurtherDigit);
            } else {
                self.propose(setting, false, &mut work.step);
            }
        } else if self.trial.effect < self.smallest {
            if self.smallest.is_finite() {
                self.rate = (self.trial.effect / self.smallest).max(1.0 - 1.0 / self.relaxation);
            }
            (self.smallest, self.idle) = (self.trial.effect, 0);
            self.accept(found, work);
            self.propose(setting, false, &mut work.step);
        } else if self.idle < IDLE && as_low {
            self.idle += 1;
            self.accept(found, work);
            self.propose(setting, false, &mut work.step);
        } else if let Some(relaxed) = self.relaxed(setting, found) {
            self.relaxations += 1;
            self.relaxation = relaxed;
            (self.smallest, self.idle) = (f64::INFINITY, 0);
            self.propose(setting, false, &mut work.step);
        } else {
            self.ended = Some(Reason::NoFurtherDigit);
        }
    }

    /// By how much full steps are to be longer or shorter, where they do not become smaller although what they change is no rounding
    /// error, as where residuals are so large and curved that full steps overshoot: so that the slope of the cost along the last step
    /// vanishes at its end, by the secant.
    fn relaxed(&self, setting: &Setting, found: &Evaluation) -> Option<f64> {
        let along = |at: &Evaluation| -> f64 {
            let n = at.triangle.columns() - 1;
            let slope =
                |k: usize| (0..=k).map(|row| at.triangle.at(row, k) * at.triangle.at(row, n)).sum::<f64>();
            let steps = self.trial.point.iter().zip(&self.x).map(|(new, old)| new - old);
            steps.enumerate().map(|(k, step)| slope(k) * step).sum()
        };
        let (before, after) = (along(self.at.as_ref()?), along(found));
        let relaxed = self.relaxation * before / (before - after);
        let counts = (-before).sqrt() > SIGNIFICANT * f64::EPSILON * setting.size;
        let differs = (relaxed / self.relaxation - 1.0).abs() > 0.05;
        (counts && differs && self.relaxations < RELAXATIONS && (0.02..50.0).contains(&relaxed))
            .then_some(relaxed)
    }

    fn accept(&mut self, found: &mut Evaluation, work: &mut Work) {
        std::mem::swap(&mut self.model, &mut work.model);
        self.x.clone_from(&self.trial.point);
        for (k, scale) in self.scale.iter_mut().enumerate() {
            *scale = scale.max(found.triangle.norm(k));
        }
        if self.trial.kind == Kind::Step && !self.trial.cut {
            self.beyond = 0;
        }
        match &mut self.at {
            Some(at) => std::mem::swap(at, found),
            None => self.at = Some(found.clone()),
        }
    }

    /// The next trial after one that was of no use.
    fn again(&mut self, setting: &Setting, work: &mut Work) {
        let length = norm(self.x.iter().zip(&self.scale).map(|(x, d)| x * d));
        if self.radius <= f64::EPSILON * length || self.radius < f64::MIN_POSITIVE {
            self.ended = Some(if self.beyond > 0 { Reason::Edge } else { Reason::Stuck });
            return;
        }
        self.propose(setting, false, &mut work.step);
    }

    /// Sets the next trial, or ends the search.
    fn propose(&mut self, setting: &Setting, project: bool, room: &mut Room) {
        let cost = self.cost();
        if cost == 0.0 {
            self.ended = Some(Reason::NoResidual);
            return;
        }
        if self.iterations >= self.most {
            self.ended = Some(Reason::Iterations);
            return;
        }
        let (model, trial) = (&self.model, &mut self.trial);
        if project && !model.linear.is_empty() && cost > 1.01 * model.effective {
            room.others.clear();
            room.others.resize(model.others.len(), 0.0);
            model.linear_step(&room.others, &mut room.linear);
            trial.point.clone_from(&self.x);
            model.linear.iter().zip(&room.linear).for_each(|(&k, step)| trial.point[k] += step);
            if trial.point.iter().all(|x| x.is_finite()) {
                trial.kind = Kind::Projection;
                return;
            }
        }
        // One without any effect so far takes part with the size of the others.
        let most = self.scale.iter().fold(0.0f64, |most, &d| most.max(d));
        let other = if most > 0.0 { most } else { 1.0 };
        room.scale.clear();
        room.scale.extend(self.scale.iter().map(|&d| if d > 0.0 { d } else { other }));
        let cut = model.step(setting, &self.x, self.radius, room);
        if !cut && self.relaxation != 1.0 {
            room.others.iter_mut().for_each(|step| *step *= self.relaxation);
        }
        model.linear_step(&room.others, &mut room.linear);
        trial.point.clone_from(&self.x);
        for (&k, step) in model.linear.iter().zip(&room.linear) {
            trial.point[k] += step;
        }
        for (&k, step) in model.others.iter().zip(&room.others) {
            trial.point[k] = (trial.point[k] + step).clamp(setting.low[k], setting.high[k]);
        }
        let predicted =
            model.reduction(room) + if model.others.is_empty() { cost - model.effective } else { 0.0 };
        let moved = trial.point.iter().zip(&self.x).zip(&self.scale);
        let effect = norm(moved.map(|((new, old), d)| (new - old) * d));
        let length = norm(model.others.iter().zip(&room.others).map(|(&k, step)| step * room.scale[k]));
        if trial.point == self.x || effect == 0.0 {
            let edge = cut && self.beyond > 0;
            self.ended = Some(if edge { Reason::Edge } else { Reason::NoFurtherDigit });
            return;
        }
        (trial.kind, trial.predicted, trial.length, trial.effect, trial.cut) =
            (Kind::Step, predicted, length, effect, cut);
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
#[derive(Debug, Clone, Default)]
struct Model {
    linear: Vec<usize>,
    others: Vec<usize>,
    /// R of the linear parameters, then the others, then the residuals.
    triangle: Triangle,
    effective: f64,
}

impl Model {
    /// Becomes that of an evaluation; `block` is room.
    fn set(&mut self, setting: &Setting, at: &Evaluation, block: &mut Vec<f64>) {
        self.order(&setting.linear, at, block);
        // Where the data do not determine the linear parameters by themselves they take part with the others.
        let of = |k: usize| self.triangle.at(k, k).abs() > 1e-11 * self.triangle.norm(k);
        if !(0..self.linear.len()).all(of) {
            self.order(&[], at, block);
        }
        let n = at.triangle.columns() - 1;
        self.effective = if self.linear.is_empty() {
            at.cost
        } else {
            let left = norm((self.linear.len()..=n).map(|row| self.triangle.at(row, n)));
            0.5 * left * left
        };
    }

    /// Brings the linear parameters to the front.
    fn order(&mut self, linear: &[usize], at: &Evaluation, block: &mut Vec<f64>) {
        let n = at.triangle.columns() - 1;
        self.linear.clear();
        self.linear.extend_from_slice(linear);
        self.others.clear();
        self.others.extend((0..n).filter(|k| !linear.contains(k)));
        if linear.iter().enumerate().all(|(place, &k)| place == k) {
            self.triangle.copy(&at.triangle);
            return;
        }
        let column = |place: usize| match place.checked_sub(linear.len()) {
            None => linear[place],
            Some(place) if place < self.others.len() => self.others[place],
            Some(_) => n,
        };
        self.triangle.reorder(&at.triangle, (0..n + 1).map(column), block);
    }

    /// The cost with the best values of the linear parameters; where all are linear, the cost itself.
    fn least(&self, cost: f64) -> f64 {
        if self.others.is_empty() { cost } else { self.effective }
    }

    /// The best step of the linear parameters for a step of the others.
    fn linear_step(&self, step: &[f64], linear: &mut Vec<f64>) {
        let (count, n) = (self.linear.len(), self.triangle.columns() - 1);
        linear.clear();
        linear.resize(count, 0.0);
        for row in (0..count).rev() {
            let mut sum = -self.triangle.at(row, n);
            sum -= step.iter().enumerate().map(|(k, s)| self.triangle.at(row, count + k) * s).sum::<f64>();
            sum -= (row + 1..count).map(|k| self.triangle.at(row, k) * linear[k]).sum::<f64>();
            linear[row] = sum / self.triangle.at(row, row);
        }
    }

    /// By how much a step lowers the cost of the linearised residuals.
    fn reduction(&self, room: &mut Room) -> f64 {
        let (first, n) = (self.linear.len(), self.triangle.columns() - 1);
        let Room { others: step, effect, .. } = room;
        effect.clear();
        // R is zero below its diagonal.
        effect.extend((first..n).map(|row| {
            let terms = (row - first..n - first).map(|k| self.triangle.at(row, first + k) * step[k]);
            terms.sum::<f64>()
        }));
        // ½‖q‖² − ½‖As + q‖² = −(As)·q − ½‖As‖², without the difference of large numbers.
        let along: f64 = effect.iter().enumerate().map(|(row, e)| e * self.triangle.at(first + row, n)).sum();
        -along - 0.5 * effect.iter().map(|e| e * e).sum::<f64>()
    }

    /// Sets the step of the other parameters within the trust region and the bounds, and says whether the region cuts it short.
    fn step(&self, setting: &Setting, x: &[f64], radius: f64, room: &mut Room) -> bool {
        let (first, n) = (self.linear.len(), self.triangle.columns() - 1);
        let Room { scale, columns, residuals, svd, along, limits, scaled, others, .. } = room;
        let count = n - first;
        columns.clear();
        for (k, &parameter) in self.others.iter().enumerate() {
            columns.extend((first..n).map(|row| self.triangle.at(row, first + k) / scale[parameter]));
        }
        residuals.clear();
        residuals.extend((first..n).map(|row| self.triangle.at(row, n)));
        svd.decompose(columns, count);
        along.clear();
        along.extend((0..count).map(|k| dot(svd.left(k), residuals)));
        let damping = damping(svd, along, radius);
        damped(svd, along, damping, scaled);
        let mut cut = damping > 0.0;
        limits.clear();
        limits.extend(
            self.others
                .iter()
                .map(|&k| ((setting.low[k] - x[k]) * scale[k], (setting.high[k] - x[k]) * scale[k])),
        );
        let inside = scaled.iter().zip(&*limits).all(|(s, (low, high))| (*low..=*high).contains(s));
        if !inside {
            cut = region(columns, residuals, radius, limits, scaled);
        }
        others.clear();
        for ((&k, &s), &(low, high)) in self.others.iter().zip(&*scaled).zip(&*limits) {
            // A parameter that reaches its bound is there exactly.
            others.push(if s == low {
                setting.low[k] - x[k]
            } else if s == high {
                setting.high[k] - x[k]
            } else {
                s / scale[k]
            });
        }
        cut
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `A s + q`, where the columns of A are as long as q.
fn residual(columns: &[f64], step: &[f64], residuals: &[f64]) -> Vec<f64> {
    let mut after = residuals.to_vec();
    for (column, s) in columns.chunks(residuals.len().max(1)).zip(step) {
        after.iter_mut().zip(column).for_each(|(r, a)| *r += a * s);
    }
    after
}

/// Singular values below this count as 0 in steps: columns are of length 1 before others are eliminated from them, so this is about
/// what rounding errors leave of columns that are not independent.
const NEGLIGIBLE: f64 = 1e-14;

/// The smallest singular value that counts.
fn least(svd: &Svd) -> f64 {
    NEGLIGIBLE * if svd.len() > 0 { svd.value(0).max(1.0) } else { 1.0 }
}

/// Sets the minimiser of `½‖As + q‖² + ½α‖s‖²`, where `along` is `Uᵀq`.
fn damped(svd: &Svd, along: &[f64], damping: f64, step: &mut Vec<f64>) {
    let least = least(svd);
    step.clear();
    step.resize(svd.len(), 0.0);
    for (k, along) in along.iter().enumerate() {
        let value = svd.value(k);
        if value <= least {
            continue;
        }
        let part = -value * along / (value * value + damping);
        step.iter_mut().zip(svd.right(k)).for_each(|(s, v)| *s += part * v);
    }
}

/// The Levenberg–Marquardt parameter with which the step is as long as the radius; 0 if the full step is not longer.
fn damping(svd: &Svd, along: &[f64], radius: f64) -> f64 {
    let least = least(svd);
    // Singular values are in descending order.
    let rank = (0..svd.len()).take_while(|&k| svd.value(k) > least).count();
    let parts = || (0..rank).map(|k| (svd.value(k), along[k]));
    let length = |damping: f64| norm(parts().map(move |(s, u)| s * u / (s * s + damping)));
    if rank == 0 || length(0.0) <= radius {
        return 0.0;
    }
    // ‖s(α)‖ falls; 1/‖s(α)‖ is nearly linear, so Newton's method on it (Hebden 1973) takes a few iterations from below.
    let (mut low, mut high) = (0.0, norm(parts().map(|(s, u)| s * u)) / radius);
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
        let slope: f64 = parts().map(|(s, u)| (s * u).powi(2) / (s * s + damping).powi(3)).sum();
        let next = damping + (size / radius - 1.0) * size * size / slope;
        damping =
            if next > low && next < high { next } else { (low * high).sqrt().max(0.5 * (low + high) * 1e-3) };
    }
    damping
}

/// How far the length of a step within bounds may be from the radius, as a part of it.
const AS_LONG: f64 = 0.05;

/// Sets the minimiser of `½‖As + q‖²` within limits around 0 and a ball, and says whether the ball cuts it short: the one with the
/// Levenberg–Marquardt parameter with which it is as long as the radius within the limits. What the limits take from the step without
/// them takes nothing from the length of the rest.
fn region(
    columns: &[f64],
    residuals: &[f64],
    radius: f64,
    limits: &[(f64, f64)],
    scaled: &mut Vec<f64>,
) -> bool {
    let n = limits.len();
    let length = |step: &[f64]| norm(step.iter().copied());
    let full = bounded(columns, residuals, 0.0, limits);
    let longest = length(&full);
    if longest <= radius {
        *scaled = full;
        return false;
    }
    // The length falls from `longest` to below the radius at the upper end; 1/‖s(α)‖ is nearly linear where no limit is met or left.
    let slope = norm((0..n).map(|k| dot(&columns[k * n..][..n], residuals)));
    let (mut low, mut below) = (0.0, 1.0 / longest - 1.0 / radius);
    let (mut high, mut above) = (slope / radius, f64::INFINITY);
    let mut step = full;
    for round in 0..60 {
        let secant = if above.is_finite() { low - below * (high - low) / (above - below) } else { f64::NAN };
        // Each third time by halves of the order of magnitude, whatever the secant does.
        let damping = if secant > low && secant < high && round % 3 != 2 {
            secant
        } else {
            (low.max(1e-6 * high) * high).sqrt()
        };
        step = bounded(columns, residuals, damping, limits);
        let size = length(&step);
        if (size - radius).abs() <= AS_LONG * radius || high - low <= f64::EPSILON * high {
            break;
        }
        let excess = 1.0 / size - 1.0 / radius;
        if size > radius {
            (low, below) = (damping, excess);
        } else {
            (high, above) = (damping, excess);
        }
    }
    *scaled = step;
    true
}

/// The minimiser of `½‖As + q‖² + ½α‖s‖²` within limits around 0, by active sets: each round solves for the free variables and
/// either stops at the first limit that is met, or frees the variable that gains most.
fn bounded(columns: &[f64], residuals: &[f64], damping: f64, limits: &[(f64, f64)]) -> Vec<f64> {
    let n = limits.len();
    let mut step = vec![0.0; n];
    let slopes = |step: &[f64]| -> Vec<f64> {
        let after = residual(columns, step, residuals);
        columns.chunks(n).zip(step).map(|(column, s)| dot(column, &after) + damping * s).collect()
    };
    let outward =
        |slope: f64, s: f64, (low, high): (f64, f64)| s <= low && slope > 0.0 || s >= high && slope < 0.0;
    let first = slopes(&step);
    let mut fixed: Vec<bool> = (0..n).map(|k| outward(first[k], step[k], limits[k])).collect();
    let (mut svd, mut wanted, mut triangle) = (Svd::default(), Vec::new(), Triangle::default());
    for _ in 0..10 * n + 10 {
        let free: Vec<usize> = (0..n).filter(|&k| !fixed[k]).collect();
        let others: Vec<f64> = (0..n).map(|k| if fixed[k] { step[k] } else { 0.0 }).collect();
        let target = residual(columns, &others, residuals);
        // As many rows as there are free columns, by R of them and the right-hand side: norms and products stay.
        let m = free.len();
        let mut block: Vec<f64> = free.iter().flat_map(|&k| &columns[k * n..][..n]).copied().collect();
        block.extend(&target);
        triangle.clear(m + 1);
        triangle.absorb(&mut block, n, n);
        let matrix: Vec<f64> = (0..m)
            .flat_map(|k| (0..m).map(move |row| (row, k)))
            .map(|(row, k)| triangle.at(row, k))
            .collect();
        let target: Vec<f64> = (0..m).map(|row| triangle.at(row, m)).collect();
        svd.decompose(&matrix, m);
        let along: Vec<f64> = (0..m).map(|k| dot(svd.left(k), &target)).collect();
        damped(&svd, &along, damping, &mut wanted);
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
        let mut work = Work::default();
        while let Some(point) = search.wanted() {
            let mut found = evaluate(&residuals(point));
            search.tell(setting, found.as_mut(), &mut work);
        }
        search
    }

    fn rosenbrock(x: &[f64]) -> Vec<Vec<f64>> {
        vec![vec![-20.0 * x[0], 10.0, 10.0 * (x[1] - x[0] * x[0])], vec![-1.0, 0.0, 1.0 - x[0]]]
    }

    fn free(n: usize) -> Setting {
        let (low, high) = (vec![f64::NEG_INFINITY; n], vec![f64::INFINITY; n]);
        Setting { low, high, linear: vec![], affine: vec![], size: 1.0, residuals: 2 }
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
    fn what_a_bound_takes_from_a_step_takes_nothing_from_the_rest() {
        // The first variable would go far beyond its bound, at which it stands already.
        let (columns, residuals) = ([1.0, 0.0, 0.0, 1.0], [1e4, 10.0]);
        let limits = [(0.0, f64::INFINITY), (f64::NEG_INFINITY, f64::INFINITY)];
        let mut step = Vec::new();
        assert!(region(&columns, &residuals, 5.0, &limits, &mut step));
        assert!(step[0] == 0.0 && (step[1] + 5.0).abs() <= 5.0 * AS_LONG, "{step:?}");
        assert!(!region(&columns, &residuals, 20.0, &limits, &mut step));
        assert_eq!(step, [0.0, -10.0]);
    }

    #[test]
    fn a_singular_jacobian_has_the_shortest_step() {
        // Only the product x·y is determined.
        let search = minimise(&free(2), &[1.0, 4.0], |x| vec![vec![x[1], x[0], x[0] * x[1] - 6.0]]);
        assert!((search.x[0] * search.x[1] - 6.0).abs() < 1e-14, "{:?}", search.x);
    }
}
