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
    /// Adam (Kingma and Ba 2015) over random batches, from the user's start; the rate falls to 0 as half a cosine. Bounds hold by
    /// projection.
    Adam {
        /// How often every row takes part.
        epochs: usize,
        /// Rows of a batch.
        batch_rows: usize,
        /// The first rate.
        rate: f64,
    },
}

/// Where a descent has come to.
#[derive(Debug)]
pub struct Descent {
    pub x: Vec<f64>,
    pub iterations: usize,
    pub evaluations: usize,
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
    workspace: Workspace,
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
        let workspace = Workspace::new();
        Ok(Gradients { values, products, layout, loss, compared, sums, data: columns, parameters, workspace })
    }

    /// The cost and its derivatives by the searched numbers, over all rows; NaN where the program is not finite.
    pub fn evaluate(
        &mut self,
        rows: &Rows,
        point: &[f64],
        stop: Option<&Stop>,
    ) -> Result<(f64, Vec<f64>), BatchError> {
        let Expanded { values, combination, .. } = self.layout.expand(point);
        let params: Vec<f64> = self.parameters.iter().map(|&element| values[element]).collect();
        let options = Options { stop, ..Options::default() };
        let inputs: Vec<Source<'_>> = self.data.iter().map(|&k| Source::Column(&rows.inputs[k])).collect();
        let mut outputs = vec![vec![0.0; rows.count]; self.compared.len()];
        let mut sinks: Vec<Sink<'_>> = outputs.iter_mut().map(|column| Sink::Column(column)).collect();
        let batch = Batch {
            rows: rows.count,
            inputs: &inputs,
            params: &params,
            outputs: &mut sinks,
            param_gradients: &mut [],
        };
        self.values.evaluate(batch, &options, &mut self.workspace)?;
        // Residuals become cotangents in place.
        let mut cost = 0.0;
        for (column, target) in outputs.iter_mut().zip(&self.compared) {
            let Some(target) = *target else {
                column.fill(0.0);
                continue;
            };
            for (row, y) in column.iter_mut().enumerate() {
                let scale = rows.scale(target, row);
                let (half, slope) = self.loss.of((*y - rows.targets[target][row]) * scale);
                cost += half;
                *y = slope * scale;
            }
        }
        let mut cotangents = outputs.iter();
        let mut columns = inputs.into_iter();
        let mut sources: Vec<Source<'_>> = Vec::new();
        for input in self.products.inputs() {
            for _ in 0..input.shape.len() {
                match input.source {
                    Origin::Cotangent(_) => {
                        sources.extend(cotangents.next().map(|column| Source::Column(column)))
                    }
                    Origin::Row => sources.extend(columns.next()),
                    _ => {}
                }
            }
        }
        let discarded: usize = self
            .products
            .outputs()
            .iter()
            .filter(|output| !output.summed)
            .map(|output| output.shape.len())
            .sum();
        let mut sums = vec![0.0; self.sums.len()];
        let mut sinks = [Sink::Discard { columns: discarded }];
        let batch = Batch {
            rows: rows.count,
            inputs: &sources,
            params: &params,
            outputs: if discarded > 0 { &mut sinks } else { &mut [] },
            param_gradients: &mut sums,
        };
        self.products.evaluate(batch, &options, &mut self.workspace)?;
        let mut by_element = vec![0.0; values.len()];
        self.sums.iter().zip(&sums).for_each(|(&element, sum)| by_element[element] = *sum);
        let along = |parts: &[(usize, f64)]| {
            parts.iter().map(|&(element, factor)| factor * by_element[element]).sum()
        };
        Ok((cost, combination.iter().map(along).collect()))
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
) -> Descent {
    let mut x = start.to_vec();
    let mut evaluations = 1;
    let end = |x: Vec<f64>, iterations, evaluations, reason| Descent { x, iterations, evaluations, reason };
    let Ok((mut cost, mut gradient)) = gradients.evaluate(rows, &x, stop) else {
        return end(x, 0, evaluations, Reason::Stopped);
    };
    if !cost.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
        return end(x, 0, evaluations, Reason::Start);
    }
    let mut pairs: std::collections::VecDeque<(Vec<f64>, Vec<f64>, f64)> = std::collections::VecDeque::new();
    let mut idle = 0;
    for iteration in 0..most {
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
            gradients.evaluate(rows, &point, stop).ok().map(|(cost, gradient)| (point, cost, gradient))
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

/// Minimises by Adam.
pub fn adam(
    gradients: &mut Gradients<'_>,
    layout: &Layout,
    rows: &Rows,
    (epochs, batch_rows, rate): (usize, usize, f64),
    seed: u32,
    stop: Option<&Stop>,
) -> Descent {
    let mut x: Vec<f64> = layout.free.iter().map(|free| free.start).collect();
    let n = x.len();
    let (mut mean, mut square) = (vec![0.0; n], vec![0.0; n]);
    let batch_rows = batch_rows.clamp(1, rows.count);
    let batches = rows.count.div_ceil(batch_rows);
    let mut order: Vec<usize> = (0..rows.count).collect();
    let mut state = u64::from(seed).wrapping_add(1);
    let (mut step, mut evaluations) = (0u32, 0);
    let total = (epochs * batches) as f64;
    let end =
        |x, step: u32, evaluations, reason| Descent { x, iterations: step as usize, evaluations, reason };
    for _ in 0..epochs {
        if batches > 1 {
            for k in (1..order.len()).rev() {
                order.swap(k, (splitmix(&mut state) % (k as u64 + 1)) as usize);
            }
        }
        for batch in order.chunks(batch_rows) {
            let found = match batches {
                1 => gradients.evaluate(rows, &x, stop),
                _ => gradients.evaluate(&rows.select(batch), &x, stop),
            };
            evaluations += 1;
            let Ok((cost, gradient)) = found else { return end(x, step, evaluations, Reason::Stopped) };
            if !cost.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
                let reason = if step == 0 { Reason::Start } else { Reason::Stuck };
                return end(x, step, evaluations, reason);
            }
            step += 1;
            let now = rate * 0.5 * (1.0 + (std::f64::consts::PI * f64::from(step - 1) / total).cos());
            let (first, second) = (1.0 - 0.9f64.powi(step as i32), 1.0 - 0.999f64.powi(step as i32));
            for (k, g) in gradient.iter().enumerate() {
                let g = g / batch.len() as f64;
                mean[k] = 0.9 * mean[k] + 0.1 * g;
                square[k] = 0.999 * square[k] + 0.001 * g * g;
                let change = now * (mean[k] / first) / ((square[k] / second).sqrt() + 1e-8);
                x[k] = (x[k] - change).clamp(layout.free[k].low, layout.free[k].high);
            }
        }
    }
    end(x, step, evaluations, Reason::Epochs)
}
