//! Which of several programs the data speak for.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::triangle::{Triangle, norm};
use super::uncertainty::Inverse;
use super::{Fit, FitError, Loss, Noise, Prepared, Report, Solution, search};

/// How well a program that has been fitted explains the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its fit.
    pub report: Report,
    /// Parameters that the data determine, with the scatter unless it is known.
    pub parameters: usize,
    /// Akaike's criterion, corrected for few data (Hurvich and Tsai 1989); infinite where there are too few.
    pub aicc: f64,
    /// The Bayesian criterion (Schwarz 1978).
    pub bic: f64,
    /// The root mean square of residuals of rows that were left out of the fit, by their influence: `r / (1 − h)` with `h` the diagonal of the hat
    /// matrix. In the unit of the target.
    pub leave_one_out: f64,
    /// What is left in the residuals: for each column of the data, the term in it that explains most of them, and which part.
    pub left: Vec<Left>,
}

/// A term that explains a part of residuals.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// The term, such as `x^2`.
    pub term: String,
    /// Which part of the sum of squares it would take away, beside the parameters of the program.
    pub part: f64,
}

/// Whether the larger of two nested programs is worth its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nested {
    /// The ratio of the variances.
    pub f: f64,
    /// How probable one as large would be if the smaller program were right.
    pub p: f64,
}

impl Fit<'_> {
    /// Carries the fit out, and judges it.
    ///
    /// # Errors
    ///
    /// As [`Fit::run`].
    pub fn standing(&self) -> Result<Standing, FitError> {
        let Solution { prepared, found, report, .. } = self.solve()?;
        if prepared.weights {
            return Err(FitError::OfWeights { what: "standing beside others" });
        }
        let Prepared { rows, layout, objective, .. } = &prepared;
        let best = &found.best;
        let n = layout.free.len();
        let none = Triangle::new(n + 1);
        let inverse =
            Inverse::of(best.at.as_ref().map_or(&none, |at| &at.triangle), &layout.at_bound(&best.x));
        let residuals = report.residuals as f64;
        // Of normal noise: minus twice the logarithm of the likelihood, but for a constant. A scatter that is not known is a parameter.
        let (fit, parameters) = match &self.noise {
            Noise::Sigma(_) | Noise::SigmaOfEach(_) | Noise::SigmaOfElements(_) => {
                (2.0 * report.cost, inverse.rank())
            }
            Noise::FromResiduals | Noise::Weights(_) => {
                let ln = (2.0 * best.cost() / residuals).ln() + 2.0 * prepared.unit.ln();
                (residuals * ln, inverse.rank() + 1)
            }
        };
        let k = parameters as f64;
        let correction = if residuals - k - 1.0 > 0.0 {
            2.0 * k * (k + 1.0) / (residuals - k - 1.0)
        } else {
            f64::INFINITY
        };
        // The terms are columns beside those of the Jacobian: what each takes away of the residuals follows from R of all of them.
        let terms = self.terms(&prepared);
        let wide = n + terms.len() + 1;
        let mut triangle = Triangle::new(wide);
        let mut left_out = Vec::with_capacity(report.residuals);
        objective.blocks(layout, rows, &best.x, objective.loss, |range, block, tall| {
            let count = range.len();
            for row in 0..tall {
                let place = range.start + row % count;
                let scale = rows.scale(row / count, place);
                let slopes: Vec<f64> = inverse.of.iter().map(|&k| block[k * tall + row]).collect();
                let hat = inverse.spread_along(&slopes).powi(2);
                let residual = block[n * tall + row] / scale;
                left_out.push(residual / (1.0 - hat).max(f64::EPSILON));
            }
            let mut rows_of = vec![0.0; wide * tall];
            rows_of[..n * tall].copy_from_slice(&block[..n * tall]);
            for (k, (_, column)) in terms.iter().enumerate() {
                for row in 0..tall {
                    let place = range.start + row % count;
                    let scale = rows.scale(row / count, place);
                    rows_of[(n + k) * tall + row] = column[place] * scale;
                }
            }
            rows_of[(wide - 1) * tall..].copy_from_slice(&block[n * tall..]);
            triangle.absorb(&mut rows_of, tall, tall);
        });
        let mut left: Vec<(usize, Left)> = Vec::new();
        for (k, (name, _)) in terms.iter().enumerate() {
            let keep = inverse.of.iter().copied().chain([n + k, wide - 1]);
            let combined = triangle.combined(&keep.map(|column| vec![(column, 1.0)]).collect::<Vec<_>>());
            let last = inverse.of.len();
            // What is no more than rounding errors of the other columns is no term of its own.
            if combined.at(last, last).abs() <= 1e-9 * combined.norm(last) {
                continue;
            }
            let total: f64 = (last..=last + 1).map(|row| combined.at(row, last + 1).powi(2)).sum();
            let part = combined.at(last, last + 1).powi(2) / total;
            let column = k / TERMS.len();
            match left.iter_mut().find(|(of, _)| *of == column) {
                Some((_, before)) if before.part >= part => {}
                Some((_, before)) => *before = Left { term: name.clone(), part },
                None => left.push((column, Left { term: name.clone(), part })),
            }
        }
        Ok(Standing {
            parameters,
            aicc: fit + 2.0 * k + correction,
            bic: fit + k * residuals.ln(),
            leave_one_out: norm(left_out.iter().copied()) / residuals.sqrt(),
            left: left.into_iter().map(|(_, left)| left).collect(),
            report,
        })
    }

    /// Terms in single columns of the data; those that are not finite in all rows are 0.
    fn terms(&self, prepared: &Prepared) -> Vec<(String, Vec<f64>)> {
        let names = self.data.iter().flat_map(|series| {
            (0..series.columns.len()).map(|k| super::parameters::element_name(&series.name, series.shape, k))
        });
        let columns = names.zip(&prepared.rows.inputs);
        columns
            .flat_map(|(name, column)| {
                TERMS.iter().map(move |(term, of)| {
                    let values: Vec<f64> = column.iter().map(|&x| of(x)).collect();
                    let finite = values.iter().all(|x| x.is_finite());
                    let values = if finite { values } else { vec![0.0; column.len()] };
                    (term.replace('x', &name), values)
                })
            })
            .collect()
    }

    /// Carries out the search.
    pub(super) fn found(&self) -> Result<(Prepared, search::Found), FitError> {
        let prepared = self.prepare()?;
        let found = self.search(&prepared)?;
        Ok((prepared, found))
    }
}

/// A function of a column.
type Term = fn(f64) -> f64;

/// Terms that residuals are compared with.
const TERMS: [(&str, Term); 7] = [
    ("x", |x| x),
    ("x²", |x| x * x),
    ("x³", |x| x * x * x),
    ("1/x", |x| 1.0 / x),
    ("√|x|", |x| x.abs().sqrt()),
    ("ln|x|", |x| x.abs().ln()),
    ("|x|", f64::abs),
];

/// The F-test of a program within a larger one: whether the larger one's parameters lower the sum of squares by more than chance
/// would. There is none for robust losses.
pub fn nested(smaller: &Report, larger: &Report) -> Option<Nested> {
    let more = smaller.dof.checked_sub(larger.dof).filter(|&more| more > 0)?;
    if larger.dof == 0
        || smaller.residuals != larger.residuals
        || smaller.loss != Loss::Linear
        || larger.loss != Loss::Linear
    {
        return None;
    }
    // The ratio of the sums of squares, which exists where they are too large or too small for binary64.
    let ratio = match smaller.rss / larger.rss {
        ratio if larger.rss.is_normal() && smaller.rss.is_finite() => ratio,
        _ => ((smaller.rss_log10 - larger.rss_log10) * std::f64::consts::LN_10).exp(),
    };
    let f = ((ratio - 1.0) / more as f64 * larger.dof as f64).max(0.0);
    let distribution = FisherSnedecor::new(more as f64, larger.dof as f64).ok()?;
    Some(Nested { f, p: distribution.sf(f) })
}
