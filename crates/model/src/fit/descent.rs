//! Minimisation by gradients alone: L-BFGS and Adam on the objective of least squares, for programs with too many parameters for a
//! Jacobian, or data that come in small batches.

use neural_compiler::batch::{Batch, BatchError, Options, Sink, Source, Stop, Workspace};
use neural_compiler::{
    CompileOptions, Derivative, Kernel, Program, Role, Shape, Signature, Source as Origin, Tier,
};

use super::objective::Rows;
use super::parameters::{Expanded, Layout};
use super::search::splitmix;
use super::triangle::{dot, norm};
use super::trust_region::Reason;
use super::{FitError, Loss};

/// How the minimum is searched for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Method {
    /// Least squares by trust regions, from many starts.
    #[default]
    LeastSquares,
    /// The limited-memory BFGS method (Nocedal 1980), from the user's start. Without bounds.
    Lbfgs {
        /// The most iterations.
        iterations: usize,
    },
    /// Adam over random batches, from the user's start. Bounds hold by projection.
    Adam(Adam),
}

/// Adam (Kingma and Ba 2015): rows in a fresh random order each epoch, a step for each batch of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// How often every row takes part, at the most.
    pub epochs: usize,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// The first rate.
    pub rate: f64,
    /// What becomes of the rate.
    pub schedule: Schedule,
    /// What the norm of a gradient is cut to: of the mean over a batch's rows of half the sum of squared residuals.
    pub clip: Option<f64>,
    /// By which part of themselves times the rate weights shrink in a step, beside it (decoupled weight decay; Loshchilov and Hutter
    /// 2019). Other parameters do not.
    pub decay: f64,
    /// Which part of the rows is held out: the weights that do best on them, at the end of an epoch, are those of the report.
    pub validation: f64,
    /// After how many epochs in which the rows held out gained nothing the training ends.
    pub patience: Option<usize>,
}

impl Default for Adam {
    /// 1000 epochs in batches of 1024 rows, from the rate 0.01 down to 0, with neither clipping, decay nor rows held out.
    fn default() -> Adam {
        Adam {
            epochs: 1000,
            batch_rows: 1024,
            rate: 0.01,
            schedule: Schedule::Cosine,
            clip: None,
            decay: 0.0,
            validation: 0.0,
            patience: None,
        }
    }
}

impl Adam {
    /// Refuses numbers that make no sense.
    pub(super) fn check(&self) -> Result<(), FitError> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let wrong = |what, needed, value| Err(FitError::Training { what, needed, value });
        if !positive(self.rate) {
            return wrong("the rate", "above 0", self.rate);
        }
        if let Some(clip) = self.clip.filter(|clip| !positive(*clip)) {
            return wrong("the norm that gradients are cut to", "above 0", clip);
        }
        if !(self.decay >= 0.0 && self.decay.is_finite()) {
            return wrong("the decay of weights", "0 or above", self.decay);
        }
        if !(0.0..1.0).contains(&self.validation) {
            return wrong("the part of the rows that is held out", "from 0 to below 1", self.validation);
        }
        if self.patience.is_some() && self.validation == 0.0 {
            return wrong("the part of the rows that is held out", "above 0 for a patience", 0.0);
        }
        Ok(())
    }
}

/// What becomes of the rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Schedule {
    /// It falls to 0 as half a cosine.
    #[default]
    Cosine,
    /// It stays.
    Constant,
}

/// Rows that are held out of so many: a part of them, drawn by a seed, in their order.
pub fn held_out(count: usize, part: f64, seed: u32) -> Result<Vec<usize>, FitError> {
    if part == 0.0 {
        return Ok(Vec::new());
    }
    let held = (part * count as f64).round() as usize;
    if held == 0 || held >= count {
        return Err(FitError::HeldOut { rows: count, held });
    }
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = u64::from(seed).wrapping_add(1) << 32;
    shuffle(&mut order, &mut state);
    order.truncate(held);
    order.sort_unstable();
    Ok(order)
}

fn shuffle(order: &mut [usize], state: &mut u64) {
    for k in (1..order.len()).rev() {
        order.swap(k, (splitmix(state) % (k as u64 + 1)) as usize);
    }
}

/// Where a descent has come to.
#[derive(Debug)]
pub struct Descent {
    pub x: Vec<f64>,
    pub iterations: usize,
    pub evaluations: usize,
    /// The epoch at whose end the rows held out did best, and how many there were.
    pub best_epoch: Option<(usize, usize)>,
    pub reason: Reason,
}

/// Values, and products of cotangents with the Jacobian, summed over rows.
pub struct Gradients<'a> {
    values: Kernel,
    products: Kernel,
    layout: &'a Layout,
    loss: Loss,
    /// For each column of results, which target it is compared with.
    compared: Vec<Option<usize>>,
    /// For each sum over the rows, the element of the parameters.
    sums: Vec<usize>,
    data: Vec<usize>,
    /// The elements that the kernels' parameters are, in order.
    parameters: Vec<usize>,
    /// How many columns the products' kernel writes that nobody reads.
    discarded: usize,
    room: Room,
}

/// Room that every evaluation uses anew.
#[derive(Default)]
struct Room {
    workspaces: [Workspace; 2],
    expanded: Expanded,
    params: Vec<f64>,
    /// Values of the program, then what they are multiplied by in the derivative of the cost.
    outputs: Vec<Vec<f64>>,
    sums: Vec<f64>,
    by_element: Vec<f64>,
}

impl<'a> Gradients<'a> {
    /// Compiles the two kernels.
    pub fn new(
        program: &Program,
        layout: &'a Layout,
        data: &[(&str, Shape)],
        results: &[String],
        loss: Loss,
        tier: Tier,
    ) -> Result<Gradients<'a>, FitError> {
        let mut signature = Signature::scalars();
        for &(name, shape) in data {
            signature = signature.shape(name, shape);
        }
        for place in &layout.places {
            signature = signature.shape(&place.name, place.shape).parameter(&place.name);
        }
        let wanted: Vec<&str> =
            layout.places.iter().filter(|place| !place.fixed).map(|place| place.name.as_str()).collect();
        let options = CompileOptions::default().signature(signature).tier(tier);
        let values = program.compile(&options).map_err(FitError::program)?;
        let products = program
            .compile(&options.clone().derivative(Derivative::Vjp).wrt(wanted))
            .map_err(FitError::program)?;
        let mut compared = Vec::new();
        let mut next = 0;
        // Targets come in the order of `results`, elements of each in order.
        let firsts: Vec<(String, usize)> = results
            .iter()
            .map(|result| {
                let outputs = values.outputs().iter().filter(|output| output.name == *result);
                let first = next;
                next += outputs.map(|output| output.shape.len()).sum::<usize>();
                (result.clone(), first)
            })
            .collect();
        for output in values.outputs() {
            let first = firsts.iter().find(|(name, _)| *name == output.name).map(|(_, first)| *first);
            compared.extend((0..output.shape.len()).map(|k| first.map(|first| first + k)));
        }
        let place_of = |name: &str| layout.places.iter().find(|place| place.name == name);
        let mut sums = Vec::new();
        for output in products.outputs().iter().filter(|output| output.summed) {
            if let Role::Gradient { input, .. } = output.role {
                let first = place_of(&products.inputs()[input as usize].name).map_or(0, |place| place.first);
                sums.extend(first..first + output.shape.len());
            }
        }
        let (mut columns, mut parameters) = (Vec::new(), Vec::new());
        for input in values.inputs() {
            match place_of(&input.name) {
                Some(place) => parameters.extend(place.first..place.first + input.shape.len()),
                None => {
                    let k =
                        data.iter().position(|(name, _)| *name == input.name).expect("data or a parameter");
                    let first: usize = data[..k].iter().map(|(_, shape)| shape.len()).sum();
                    columns.extend(first..first + input.shape.len());
                }
            }
        }
        let discarded = products.outputs().iter().filter(|output| !output.summed);
        let discarded = discarded.map(|output| output.shape.len()).sum();
        let room = Room {
            outputs: vec![Vec::new(); compared.len()],
            sums: vec![0.0; sums.len()],
            ..Room::default()
        };
        Ok(Gradients {
            values,
            products,
            layout,
            loss,
            compared,
            sums,
            data: columns,
            parameters,
            discarded,
            room,
        })
    }

    /// The cost over all rows; NaN where the program is not finite.
    pub fn cost(&mut self, rows: &Rows, point: &[f64], stop: Option<&Stop>) -> Result<f64, BatchError> {
        self.values(rows, point, stop)?;
        Ok(self.cotangents(rows))
    }

    /// The cost over all rows, and its derivatives by the searched numbers; NaN where the program is not finite.
    pub fn evaluate(
        &mut self,
        rows: &Rows,
        point: &[f64],
        stop: Option<&Stop>,
        gradient: &mut Vec<f64>,
    ) -> Result<f64, BatchError> {
        self.values(rows, point, stop)?;
        let cost = self.cotangents(rows);
        let Room { workspaces: [_, workspace], expanded, params, outputs, sums, by_element } = &mut self.room;
        let mut cotangents = outputs.iter();
        let mut columns = self.data.iter().map(|&k| Source::Column(&rows.inputs[k]));
        let mut sources: Vec<Source<'_>> = Vec::with_capacity(self.data.len() + self.compared.len());
        for input in self.products.inputs() {
            for _ in 0..input.shape.len() {
                match input.source {
                    Origin::Cotangent(_) => {
                        sources.extend(cotangents.next().map(|column| Source::Column(column)))
                    }
                    Origin::Row => sources.extend(columns.next()),
                    Origin::Shared
                    | Origin::Tangent { .. }
                    | Origin::State(_)
                    | Origin::Capture(_)
                    | Origin::Tape(_) => break,
                }
            }
        }
        let mut sinks = [Sink::Discard { columns: self.discarded }];
        let batch = Batch {
            rows: rows.count,
            inputs: &sources,
            params,
            outputs: if self.discarded > 0 { &mut sinks } else { &mut [] },
            param_gradients: sums,
        };
        self.products.evaluate(batch, &Options { stop, ..Options::default() }, workspace)?;
        by_element.clear();
        by_element.resize(expanded.values.len(), 0.0);
        self.sums.iter().zip(sums).for_each(|(&element, sum)| by_element[element] = *sum);
        let along = |parts: &[(usize, f64)]| -> f64 {
            parts.iter().map(|&(element, factor)| factor * by_element[element]).sum()
        };
        gradient.clear();
        gradient.extend(expanded.combination.iter().map(along));
        Ok(cost)
    }

    /// Sets the values of the program.
    fn values(&mut self, rows: &Rows, point: &[f64], stop: Option<&Stop>) -> Result<(), BatchError> {
        let Room { workspaces: [workspace, _], expanded, params, outputs, .. } = &mut self.room;
        self.layout.expand_into(point, expanded);
        params.clear();
        params.extend(self.parameters.iter().map(|&element| expanded.values[element]));
        let inputs: Vec<Source<'_>> = self.data.iter().map(|&k| Source::Column(&rows.inputs[k])).collect();
        outputs.iter_mut().for_each(|column| column.resize(rows.count, 0.0));
        let mut sinks: Vec<Sink<'_>> = outputs.iter_mut().map(|column| Sink::Column(column)).collect();
        let batch = Batch {
            rows: rows.count,
            inputs: &inputs,
            params,
            outputs: &mut sinks,
            param_gradients: &mut [],
        };
        self.values.evaluate(batch, &Options { stop, ..Options::default() }, workspace)?;
        Ok(())
    }

    /// Makes values what they are multiplied by in the derivative of the cost, and gives the cost.
    fn cotangents(&mut self, rows: &Rows) -> f64 {
        let mut cost = 0.0;
        for (column, target) in self.room.outputs.iter_mut().zip(&self.compared) {
            let Some(target) = *target else {
                column.fill(0.0);
                continue;
            };
            let numbers = column.iter_mut().zip(&rows.targets[target]);
            match rows.scales(target) {
                None => {
                    for (y, t) in numbers {
                        let (half, slope) = self.loss.of(*y - t);
                        cost += half;
                        *y = slope;
                    }
                }
                Some(scales) => {
                    for ((y, t), scale) in numbers.zip(scales) {
                        let (half, slope) = self.loss.of((*y - t) * scale);
                        cost += half;
                        *y = slope * scale;
                    }
                }
            }
        }
        cost
    }
}

/// Pairs of steps and changes of the gradient that L-BFGS keeps.
const PAIRS: usize = 12;

/// Minimises by L-BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, *Numerical Optimization*, algorithms 7.5,
/// 3.5 and 3.6).
pub fn lbfgs(
    gradients: &mut Gradients<'_>,
    rows: &Rows,
    start: &[f64],
    most: usize,
    stop: Option<&Stop>,
    tell: &dyn Fn(usize, usize, f64, Option<f64>),
) -> Descent {
    let mut x = start.to_vec();
    let mut evaluations = 1;
    let end = |x: Vec<f64>, iterations, evaluations, reason| Descent {
        x,
        iterations,
        evaluations,
        best_epoch: None,
        reason,
    };
    let mut gradient = Vec::new();
    let Ok(mut cost) = gradients.evaluate(rows, &x, stop, &mut gradient) else {
        return end(x, 0, evaluations, Reason::Stopped);
    };
    if !cost.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
        return end(x, 0, evaluations, Reason::Start);
    }
    let mut pairs: std::collections::VecDeque<(Vec<f64>, Vec<f64>, f64)> = std::collections::VecDeque::new();
    let mut idle = 0;
    for iteration in 0..most {
        tell(iteration, most, cost, None);
        let size = norm(gradient.iter().copied());
        if size == 0.0 || cost == 0.0 {
            return end(x, iteration, evaluations, Reason::NoFurtherDigit);
        }
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut weights = Vec::with_capacity(pairs.len());
        for (s, y, rho) in pairs.iter().rev() {
            let weight = rho * dot(s, &direction);
            direction.iter_mut().zip(y).for_each(|(d, y)| *d -= weight * y);
            weights.push(weight);
        }
        if let Some((s, y, _)) = pairs.back() {
            let factor = dot(s, y) / dot(y, y);
            direction.iter_mut().for_each(|d| *d *= factor);
        }
        for ((s, y, rho), weight) in pairs.iter().zip(weights.into_iter().rev()) {
            let other = rho * dot(y, &direction);
            direction.iter_mut().zip(s).for_each(|(d, s)| *d += (weight - other) * s);
        }
        let mut slope = dot(&gradient, &direction);
        if slope >= 0.0 || !slope.is_finite() {
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -size * size;
        }
        let first = if pairs.is_empty() {
            (1.0 / size).min(1.0) * norm(x.iter().copied()).max(1.0) * 0.1
        } else {
            1.0
        };
        let mut probe = |step: f64| {
            evaluations += 1;
            let point: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            let mut slopes = Vec::with_capacity(point.len());
            let cost = gradients.evaluate(rows, &point, stop, &mut slopes).ok()?;
            Some((point, cost, slopes))
        };
        match line_search(&mut probe, &direction, cost, slope, first) {
            Err(()) => return end(x, iteration, evaluations, Reason::Stopped),
            Ok(None) if pairs.is_empty() => {
                let reason = if small(&gradient, &x, cost) { Reason::NoFurtherDigit } else { Reason::Stuck };
                return end(x, iteration, evaluations, reason);
            }
            Ok(None) => pairs.clear(),
            Ok(Some((point, lower, slopes))) => {
                let s: Vec<f64> = point.iter().zip(&x).map(|(a, b)| a - b).collect();
                let y: Vec<f64> = slopes.iter().zip(&gradient).map(|(a, b)| a - b).collect();
                let curvature = dot(&s, &y);
                idle = if cost - lower <= 4.0 * f64::EPSILON * cost { idle + 1 } else { 0 };
                (x, cost, gradient) = (point, lower, slopes);
                if idle >= 3 {
                    let reason =
                        if small(&gradient, &x, cost) { Reason::NoFurtherDigit } else { Reason::Stuck };
                    return end(x, iteration + 1, evaluations, reason);
                }
                if curvature > f64::EPSILON * dot(&y, &y) {
                    if pairs.len() == PAIRS {
                        pairs.pop_front();
                    }
                    pairs.push_back((s, y, 1.0 / curvature));
                }
            }
        }
    }
    end(x, most, evaluations, Reason::Iterations)
}

/// Whether a gradient is as at a minimum: a step of the parameters' own size would change the cost by little.
fn small(gradient: &[f64], x: &[f64], cost: f64) -> bool {
    gradient.iter().zip(x).all(|(g, x)| (g * x).abs() <= 1e-6 * cost)
}

type Probed = (Vec<f64>, f64, Vec<f64>);

/// A step with a lower cost and a flatter slope; `None` if there is none, an error if it was stopped.
fn line_search(
    probe: &mut impl FnMut(f64) -> Option<Probed>,
    direction: &[f64],
    cost: f64,
    slope: f64,
    first: f64,
) -> Result<Option<Probed>, ()> {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut step = first;
    let mut best: Option<Probed> = None;
    for _ in 0..40 {
        let Some(found) = probe(step) else { return Err(()) };
        let along = dot(&found.2, direction);
        let finite = found.1.is_finite() && along.is_finite();
        if !finite || found.1 > cost + 1e-4 * step * slope {
            high = step;
        } else if along < 0.9 * slope {
            low = step;
            best = Some(found);
        } else if along > -0.9 * slope {
            high = step;
            best = Some(found);
        } else {
            return Ok(Some(found));
        }
        step = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * step };
        if high.is_finite() && high - low <= f64::EPSILON * high {
            break;
        }
    }
    Ok(best.filter(|found| found.1 <= cost))
}

/// How often Adam's rate is halved because a step led to where the program is not finite.
const MOST_CUTS: i32 = 20;

/// Minimises by Adam on the rows that are not held out. Where steps lead to where the program is not finite, the rate is halved and the
/// training goes on from where it was before the last epoch without such a step, [`MOST_CUTS`] times at the most. `tell` hears after each epoch how many are done, of how many, the cost of a row in
/// training and that of one held out.
#[allow(clippy::too_many_arguments, reason = "what a training is made from")]
pub fn adam(
    gradients: &mut Gradients<'_>,
    layout: &Layout,
    rows: &Rows,
    held: &[usize],
    plan: &Adam,
    seed: u32,
    stop: Option<&Stop>,
    tell: &dyn Fn(usize, usize, f64, Option<f64>),
) -> Descent {
    let mut x: Vec<f64> = layout.free.iter().map(|free| free.start).collect();
    let n = x.len();
    let (mut mean, mut square, mut safe) = (vec![0.0; n], vec![0.0; n], x.clone());
    let mut begun = x.clone();
    let mut gradient = Vec::with_capacity(n);
    let shrinks: Vec<bool> = layout.free.iter().map(|free| layout.places[free.parameter].weights).collect();
    let mut is_held = vec![false; rows.count];
    held.iter().for_each(|&row| is_held[row] = true);
    let mut order: Vec<usize> = (0..rows.count).filter(|&row| !is_held[row]).collect();
    let held_rows = (!held.is_empty()).then(|| rows.select(held));
    let batch_rows = plan.batch_rows.clamp(1, order.len());
    let batches = order.len().div_ceil(batch_rows);
    let mut gathered = Rows::default();
    // All rows at once are gathered once, or not at all.
    let whole = batches == 1 && held.is_empty();
    if batches == 1 && !whole {
        rows.select_into(&order, &mut gathered);
    }
    let mut state = u64::from(seed).wrapping_add(1);
    let (mut step, mut evaluations, mut cuts) = (0u32, 0, 0);
    let total = (plan.epochs * batches) as f64;
    let mut best: Option<(f64, usize, Vec<f64>)> = None;
    let (mut epochs, mut reason) = (0, Reason::Epochs);
    'training: for epoch in 1..=plan.epochs {
        if batches > 1 {
            shuffle(&mut order, &mut state);
        }
        let (mut epoch_cost, mut is_finite) = (0.0, true);
        begun.copy_from_slice(&x);
        for batch in order.chunks(batch_rows) {
            if batches > 1 {
                rows.select_into(batch, &mut gathered);
            }
            let part = if whole { rows } else { &gathered };
            evaluations += 1;
            let Ok(cost) = gradients.evaluate(part, &x, stop, &mut gradient) else {
                reason = Reason::Stopped;
                break 'training;
            };
            let size = gradient.iter().map(|g| g * g).sum::<f64>().sqrt() / batch.len() as f64;
            if !cost.is_finite() || !size.is_finite() {
                if step == 0 || cuts == MOST_CUTS {
                    reason = if step == 0 { Reason::Start } else { Reason::Diverged };
                    x.copy_from_slice(&safe);
                    break 'training;
                }
                // A step has led here. Where every batch was finite last, it begins again, without what led here.
                cuts += 1;
                is_finite = false;
                x.copy_from_slice(&safe);
                mean.fill(0.0);
                continue;
            }
            epoch_cost += cost;
            step += 1;
            let rate = plan.rate * 0.5f64.powi(cuts);
            let now = match plan.schedule {
                Schedule::Cosine => {
                    rate * 0.5 * (1.0 + (std::f64::consts::PI * f64::from(step - 1) / total).cos())
                }
                Schedule::Constant => rate,
            };
            let cut = plan.clip.filter(|clip| size > *clip).map_or(1.0, |clip| clip / size);
            let scale = cut / batch.len() as f64;
            let shrunk = 1.0 - now * plan.decay;
            let (first, second) = (1.0 - 0.9f64.powi(step as i32), 1.0 - 0.999f64.powi(step as i32));
            for (k, g) in gradient.iter().enumerate() {
                let g = g * scale;
                mean[k] = 0.9 * mean[k] + 0.1 * g;
                square[k] = 0.999 * square[k] + 0.001 * g * g;
                let change = now * (mean[k] / first) / ((square[k] / second).sqrt() + 1e-8);
                let from = if shrinks[k] { x[k] * shrunk } else { x[k] };
                x[k] = (from - change).clamp(layout.free[k].low, layout.free[k].high);
            }
        }
        if is_finite {
            safe.copy_from_slice(&begun);
        }
        epochs = epoch;
        let training = epoch_cost / order.len() as f64;
        let Some(held_rows) = &held_rows else {
            tell(epoch, plan.epochs, training, None);
            continue;
        };
        let Ok(cost) = gradients.cost(held_rows, &x, stop) else {
            reason = Reason::Stopped;
            break;
        };
        tell(epoch, plan.epochs, training, Some(cost / held_rows.count as f64));
        match &mut best {
            Some((lowest, at, point)) => {
                if cost < *lowest {
                    (*lowest, *at) = (cost, epoch);
                    point.copy_from_slice(&x);
                } else if plan.patience.is_some_and(|patience| epoch - *at >= patience) {
                    reason = Reason::Patience;
                    break;
                }
            }
            None if cost.is_nan() => {}
            None => best = Some((cost, epoch, x.clone())),
        }
    }
    let best_epoch = best.as_ref().map(|(_, epoch, _)| (*epoch, epochs));
    let x = best.map_or(x, |(_, _, point)| point);
    Descent { x, iterations: step as usize, evaluations, best_epoch, reason }
}
