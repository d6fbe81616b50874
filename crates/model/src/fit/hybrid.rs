//! Hybrids of a law and networks: which part of what is explained is the law's.
//!
//! Where a network N can imitate the effect Φ = ∂f/∂θ of a constant θ, N + Φ·Δ with θ − Δ fits as well: a flat direction. A correction Ñ that
//! is orthogonal to Φ leaves the normal equations Φᵀ(y − f₀(θ) − Ñ) = 0 those of the law alone (Frisch and Waugh 1933, "Partial time
//! regressions as compared with individual trends"; Lovell 1963, "Seasonal adjustment of economic time series").

use neural_compiler::DeclaredNetwork;

use super::objective::Rows;
use super::parameters::{Layout, Parameter};
use super::{
    Estimate, Fit, FitError, Loss, Method, Prepared, Report, Scatter, Solution, descent, groups, interval,
    uncertainty,
};

/// The rows on which what networks add is orthogonal to the effects of the constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orthogonal {
    /// All.
    All,
    /// Whole swings: from the first to the last change of sign of the first target in the order of the rows, and where there are three or more,
    /// so that as many swings go up as down. Swings that come to less than a twentieth of the largest number are none.
    Cycles,
}

impl Orthogonal {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Orthogonal::All => "all",
            Orthogonal::Cycles => "cycles",
        }
    }
}

/// How much of the effect of a constant networks can imitate.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// The name of the constant.
    pub name: String,
    /// The share, from 0 to 1, on rows that were held out; none if the constant has no effect where the networks are 0, or could not be changed.
    pub share: Option<f64>,
}

/// A constant of which networks can imitate more than this is not determined beside them.
pub const IMITATED: f64 = 0.99;

/// The most epochs in which networks learn the effect of a constant.
const EPOCHS: usize = 300;

/// What constants are beside a correction that is orthogonal to their effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Orthogonality {
    /// On which rows.
    pub on: Orthogonal,
    /// How many those are.
    pub rows: usize,
    /// The constants of a training that shares them with the networks as it comes.
    pub free: Vec<(String, f64)>,
    /// Why the law's fit ended, if that is no minimum.
    pub unfinished: Option<super::Reason>,
}

/// Which of the searched numbers are weights of last layers of networks that are trained, or what keeps a network from being made 0.
fn last_layers(fit: &Fit<'_>, layout: &Layout) -> Result<Vec<usize>, String> {
    let stem = |name: &str| name.rsplit_once('.').map_or(name.len(), |(stem, _)| stem.len());
    let mut numbers = Vec::new();
    let declared = fit.program.parameters();
    for network in declared.chunk_by(|a, b| a.name[..stem(&a.name)] == b.name[..stem(&b.name)]) {
        let place = |name: &str| layout.places.iter().position(|place| place.name == name);
        let is_free = |place: &usize| !layout.places[*place].fixed;
        if !network.iter().filter_map(|one| place(&one.name)).any(|place| is_free(&place)) {
            continue;
        }
        for one in &network[network.len().saturating_sub(2)..] {
            let place = place(&one.name).filter(is_free);
            let place = place.ok_or_else(|| {
                format!("`{}` is fixed, so its network cannot be made 0: do not fix it, or fix all of the network", one.name)
            })?;
            numbers.extend((0..layout.free.len()).filter(|&k| layout.free[k].parameter == place));
        }
    }
    Ok(numbers)
}

/// The searched numbers that are no weights.
fn constants(layout: &Layout) -> Vec<usize> {
    (0..layout.free.len()).filter(|&k| !layout.places[layout.free[k].parameter].weights).collect()
}

/// The rows from the first change of sign to the last, in whole swings up and down where there are three changes or more.
fn cycles(target: &[f64]) -> Option<std::ops::Range<usize>> {
    let largest = target.iter().fold(0.0f64, |most, y| most.max(y.abs()));
    let (mut side, mut changes) = (0.0, Vec::new());
    // Where the side of the swing under way was reached first: noise about 0 is no change.
    let mut since = 0;
    for (row, &y) in target.iter().enumerate() {
        if y * side >= 0.0 && side != 0.0 {
            since = row + 1;
        }
        if y.abs() >= 0.05 * largest && y != 0.0 && y * side <= 0.0 {
            if side != 0.0 {
                changes.push(since.min(row));
            }
            (side, since) = (y.signum(), row + 1);
        }
    }
    if changes.len() >= 3 && changes.len() % 2 == 0 {
        changes.pop();
    }
    match changes[..] {
        [first, .., last] => Some(first..last),
        _ => None,
    }
}

impl<'a> Fit<'a> {
    /// Credits the constants of the law with all that they explain of these rows, and trains the networks on what is left: see [`Orthogonal`]. The
    /// constants are those of least squares with the networks at 0. For programs that add networks to a law, with [`Method::Adam`] or
    /// [`Method::Lbfgs`]; [`Report::orthogonal`] has the constants of a training without beside them.
    pub fn orthogonal(self, on: Orthogonal) -> Self {
        Fit { orthogonal: Some(on), ..self }
    }

    /// Asks where weights of networks are trained how much of the effect of each constant they can imitate: [`Report::overlaps`]. It takes a
    /// training of at most 300 epochs for each constant.
    pub fn overlaps(self, overlaps: bool) -> Self {
        Fit { overlaps, ..self }
    }

    /// The fit with its constants, those that are searched for, fixed where they are at a point; those that are tied follow.
    fn with_constants_at(&self, layout: &Layout, point: &[f64]) -> Fit<'a> {
        let values = layout.expand(point).values;
        let mut fit = Fit { orthogonal: None, overlaps: false, profiles: false, ..self.clone() };
        let mut places: Vec<usize> =
            constants(layout).into_iter().map(|k| layout.free[k].parameter).collect();
        places.dedup();
        for place in places {
            let place = &layout.places[place];
            let elements = values[place.first..place.first + place.shape.len()].to_vec();
            fit.parameters.retain(|known| known.name != place.name);
            fit.parameters.push(Parameter::new(&place.name).elements(place.shape, elements).fix());
        }
        fit
    }

    /// How much of the effect of each constant the networks can imitate.
    pub(super) fn imitated(&self, prepared: &Prepared, point: &[f64]) -> Result<Vec<Overlap>, FitError> {
        let Prepared { rows, layout, objective, .. } = prepared;
        let constants = constants(layout);
        if !self.overlaps || !prepared.weights || constants.is_empty() || self.program.parameters().is_empty()
        {
            return Ok(Vec::new());
        }
        let overlap = |k: usize, share| Overlap { name: layout.free[k].name.clone(), share };
        let unknown = || Ok(constants.iter().map(|&k| overlap(k, None)).collect());
        let (Ok(last), Ok(held)) = (last_layers(self, layout), descent::held_out(rows.count, 0.2, self.seed))
        else {
            return unknown();
        };
        if last.is_empty() {
            return Ok(Vec::new());
        }
        let mut off = point.to_vec();
        last.iter().for_each(|&k| off[k] = 0.0);
        let law = objective.values(layout, rows, &off);
        let size = deviation(&rows.targets);
        let mut fit = self.with_constants_at(layout, point);
        // Networks start anew.
        let declared = self.program.parameters();
        for known in fit.parameters.iter_mut().filter(|known| !known.fixed) {
            if declared.iter().any(|one| one.name == known.name) {
                known.start = None;
            }
        }
        fit.loss = Loss::Linear;
        fit.progress = None;
        fit.method = match fit.method {
            Method::Adam(plan) => Method::Adam(descent::Adam { epochs: plan.epochs.min(EPOCHS), ..plan }),
            Method::Lbfgs { iterations } => Method::Lbfgs { iterations: iterations.min(EPOCHS) },
            Method::LeastSquares => return unknown(),
        };
        let mut is_held = vec![false; rows.count];
        held.iter().for_each(|&row| is_held[row] = true);
        let taught: Vec<usize> = (0..rows.count).filter(|&row| !is_held[row]).collect();
        let mut pupil = fit.prepare()?;
        let part = match fit.method {
            Method::Adam(plan) => plan.validation,
            Method::Lbfgs { .. } | Method::LeastSquares => 0.0,
        };
        let Ok(withheld) = descent::held_out(taught.len(), part, self.seed) else { return unknown() };
        pupil.held = withheld;
        let mut shares = Vec::with_capacity(constants.len());
        for &k in &constants {
            let mut changed = off.clone();
            changed[k] = if off[k] == 0.0 { 0.1 } else { 1.1 * off[k] };
            let effect = difference(&objective.values(layout, rows, &changed), &law);
            let scale = size / root_mean_square(&effect);
            if !scale.is_finite() || scale == 0.0 || self.stop.is_some_and(|stop| stop.is_stopped()) {
                shares.push(overlap(k, None));
                continue;
            }
            let lesson = |effect: &[f64], law: &[f64]| {
                law.iter().zip(effect).map(|(law, effect)| law + scale * effect).collect()
            };
            let targets = effect.iter().zip(&law).map(|(effect, law)| lesson(effect, law)).collect();
            let all = Rows { targets, ..rows.clone() };
            pupil.rows = all.select(&taught);
            let found = fit.descend(&pupil)?;
            let asked = all.select(&held);
            let answers = pupil.objective.values(&pupil.layout, &asked, &found.best.x);
            let missed = root_mean_square(&difference(&answers, &asked.targets));
            let effect: Vec<Vec<f64>> =
                effect.iter().map(|column| held.iter().map(|&row| scale * column[row]).collect()).collect();
            let ratio = missed / root_mean_square(&effect);
            let is_known = ratio.is_finite() && self.stop.is_none_or(|stop| !stop.is_stopped());
            shares.push(overlap(k, is_known.then(|| (1.0 - ratio * ratio).clamp(0.0, 1.0))));
        }
        Ok(shares)
    }

    /// Carries it out with the constants of the law alone.
    pub(super) fn solve_orthogonally(&self, on: Orthogonal) -> Result<Solution<'_, 'a>, FitError> {
        let refused = |why: String| FitError::Orthogonal { why };
        let prepared = self.prepare()?;
        let layout = &prepared.layout;
        if self.loss != Loss::Linear {
            return Err(refused("that is about least squares: leave --loss linear".into()));
        }
        let last = last_layers(self, layout).map_err(refused)?;
        let declared = self.program.parameters();
        let is_declared = |name: &str| declared.iter().any(|one| one.name == name);
        let trained = || layout.places.iter().filter(|place| place.weights && !place.fixed);
        if let Some(place) = trained().find(|place| !is_declared(&place.name)) {
            let why = format!("`{}` is trained and of no (network …) that the program declares", place.name);
            return Err(refused(why));
        }
        let constants = constants(layout);
        if constants.is_empty() || last.is_empty() {
            return Err(refused("that takes a constant that is searched for beside a network".into()));
        }
        let is_trained = |network: &DeclaredNetwork| {
            let of = |name: &str| name.rsplit_once('.').is_some_and(|(stem, _)| stem == network.name);
            trained().any(|place| of(&place.name))
        };
        let mut with_output = self.program.networks().iter().filter(|network| network.output.is_some());
        if let Some(network) = with_output.find(|network| is_trained(network)) {
            return Err(refused(format!(
                "the network `{}` has an output function, which need not be 0 where its last layer is: leave (output …) out",
                network.name
            )));
        }
        // The law: networks are 0 where their last layers are.
        let mut alone = Fit {
            method: Method::LeastSquares,
            orthogonal: None,
            overlaps: false,
            profiles: false,
            ..self.clone()
        };
        for place in trained() {
            alone.parameters.retain(|known| known.name != place.name);
            let is_last = last.iter().any(|&k| layout.places[layout.free[k].parameter].name == place.name);
            let off = Parameter::new(&place.name);
            let off = if is_last { off.elements(place.shape, vec![0.0; place.shape.len()]) } else { off };
            alone.parameters.push(off.fix());
        }
        let mut of_law = alone.prepare()?;
        if on == Orthogonal::Cycles {
            let Some(range) = cycles(&of_law.rows.targets[0]) else {
                return Err(refused(
                    "the first target changes its sign less than twice in the order of the rows, so there are no swings: \
                     rows in the order of time, or --orthogonal all"
                        .into(),
                ));
            };
            let reference: Vec<usize> = range.collect();
            of_law.rows = of_law.rows.select(&reference);
            of_law.kept = reference.iter().map(|&row| of_law.kept[row]).collect();
            of_law.setting.size = groups::size(&of_law.rows, &(0..of_law.rows.count));
            of_law.setting.residuals = of_law.rows.count * of_law.objective.compared();
        }
        let found = alone.search(&of_law).map_err(|error| match error {
            FitError::Start { .. } => refused(
                "the program is not finite where its networks are 0: add networks to a law instead of dividing by them".into(),
            ),
            error => error,
        })?;
        let law = alone.report(&of_law, &found);
        if let Some(words) = law.undetermined.first() {
            return Err(refused(format!(
                "with its networks at 0, {words}: --fix what the law does not determine, or add networks to a law that does"
            )));
        }
        // Both searches take the constants in the same order.
        let mut point: Vec<f64> = layout.free.iter().map(|free| free.start).collect();
        constants.iter().zip(&found.best.x).for_each(|(&k, &x)| point[k] = x);
        let overlaps = self.imitated(&prepared, &point)?;
        let freely = Fit { orthogonal: None, overlaps: false, ..self.clone() }.search(&prepared)?;
        let free = constants.iter().map(|&k| (layout.free[k].name.clone(), freely.best.x[k])).collect();
        let rest = self.with_constants_at(layout, &point);
        let (of_rest, trained) = rest.found()?;
        let mut report = rest.report(&of_rest, &trained);
        let unfinished = Some(law.reason).filter(|_| !law.converged);
        let searched = law.residuals - law.dof + of_rest.layout.free.len();
        let dof = report.residuals.checked_sub(searched).filter(|&dof| dof > 0);
        self.credit(&mut report, law, dof);
        report.orthogonal = Some(Orthogonality { on, rows: of_law.rows.count, free, unfinished });
        report.overlaps = overlaps;
        Ok(Solution { fit: self, prepared: of_rest, found: trained, report })
    }

    /// Gives the constants of a law to the report of the whole, whose residuals are left over so often.
    fn credit(&self, report: &mut Report, law: Report, dof: Option<usize>) {
        let known = law.scatter == Scatter::Known;
        let factor = match dof {
            _ if known => Some(1.0),
            Some(dof) if law.dof > 0 => Some(((report.rss / dof as f64) / (law.rss / law.dof as f64)).sqrt()),
            _ => None,
        };
        let quantile = uncertainty::quantile(self.level, dof.filter(|_| !known));
        let rescaled = |estimate: Estimate| {
            let stderr = estimate.stderr.zip(factor).map(|(stderr, factor)| stderr * factor);
            let stderr = stderr.filter(|stderr| stderr.is_finite());
            Estimate { stderr, interval: interval(estimate.value, stderr, quantile), ..estimate }
        };
        report.parameters = law.parameters.into_iter().map(rescaled).collect();
        report.derived = law.derived.into_iter().map(rescaled).collect();
        (report.correlated, report.correlation) = (law.correlated, law.correlation);
        (report.scatter, report.dof, report.without_errors) = (law.scatter, dof.unwrap_or(0), None);
    }
}

/// What columns are more than others.
fn difference(columns: &[Vec<f64>], others: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let less = |a: &Vec<f64>, b: &Vec<f64>| a.iter().zip(b).map(|(a, b)| a - b).collect();
    columns.iter().zip(others).map(|(a, b)| less(a, b)).collect()
}

/// The root of the mean of the squares, without squares of what is very large or small.
fn root_mean_square(columns: &[Vec<f64>]) -> f64 {
    let numbers = || columns.iter().flatten();
    let largest = numbers().fold(0.0f64, |most, x| if x.is_nan() { f64::NAN } else { most.max(x.abs()) });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    let sum: f64 = numbers().map(|x| (x / largest) * (x / largest)).sum();
    largest * (sum / numbers().count() as f64).sqrt()
}

/// How far columns scatter about their means, or how large they are if they do not; 1 if they are 0.
fn deviation(columns: &[Vec<f64>]) -> f64 {
    let centred: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| {
            let mean = column.iter().map(|x| x / column.len() as f64).sum::<f64>();
            column.iter().map(|x| x - mean).collect()
        })
        .collect();
    let sizes = [root_mean_square(&centred), root_mean_square(columns), 1.0];
    sizes.into_iter().find(|size| *size > 0.0 && size.is_finite()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swings_are_whole_and_noise_about_zero_is_none() {
        let wave = |periods: f64, phase: f64| -> Vec<f64> {
            (0..1000)
                .map(|k| ((f64::from(k) + 0.5) / 1000.0 * periods * std::f64::consts::TAU + phase).cos())
                .collect()
        };
        // Changes of sign at a quarter and three quarters of a period, and so on.
        assert_eq!(cycles(&wave(1.0, 0.0)), Some(250..750));
        assert_eq!(cycles(&wave(2.0, 0.0)), Some(125..625), "the last half swing is left out");
        assert_eq!(cycles(&wave(0.5, 0.0)), None);
        assert_eq!(cycles(&[0.0; 9]), None);
        let noisy: Vec<f64> = wave(1.0, 0.0)
            .iter()
            .enumerate()
            .map(|(k, y)| y + if k % 2 == 0 { 0.02 } else { -0.02 })
            .collect();
        let found = cycles(&noisy).expect("swings");
        assert!(found.start.abs_diff(250) < 6 && found.end.abs_diff(750) < 6, "{found:?}");
    }
}
