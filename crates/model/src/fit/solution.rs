//! A fit that has been carried out, for what is asked of it beside the report.

use neural_compiler::Shape;

use super::parameters::element_name;
use super::{Fit, FitError, Prepared, Report, search};

/// A fit that has been carried out.
pub struct Solution<'f, 'a> {
    pub(super) fit: &'f Fit<'a>,
    pub(super) prepared: Prepared,
    pub(super) found: search::Found,
    /// What it came to.
    pub report: Report,
}

/// What a program gives at the minimum for an element of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedColumn {
    /// The name of the target; with indices if it is an element.
    pub name: String,
    /// The data.
    pub data: Vec<f64>,
    /// The values of the program.
    pub fitted: Vec<f64>,
    /// Data less values.
    pub residuals: Vec<f64>,
    /// Residuals divided by σ or multiplied by the roots of weights, if there are any.
    pub weighted: Option<Vec<f64>>,
}

impl<'a> Fit<'a> {
    /// Carries it out, and keeps what other questions need than those that a report answers.
    ///
    /// # Errors
    ///
    /// As [`Fit::run`].
    pub fn solve(&self) -> Result<Solution<'_, 'a>, FitError> {
        if let Some(on) = self.orthogonal {
            return self.solve_orthogonally(on);
        }
        let (prepared, found) = self.found()?;
        let mut report = self.report(&prepared, &found);
        report.overlaps = self.imitated(&prepared, &found.best.x)?;
        Ok(Solution { fit: self, prepared, found, report })
    }
}

impl Solution<'_, '_> {
    /// The numbers that the rows which took part have in the data, from 0.
    pub fn rows(&self) -> &[usize] {
        &self.prepared.kept
    }

    /// All parameters of the program with their shapes and elements at the minimum, weights of networks included.
    pub fn values(&self) -> Vec<(String, Shape, Vec<f64>)> {
        let layout = &self.prepared.layout;
        let values = layout.expand(&self.found.best.x).values;
        let places = layout.places.iter();
        places
            .map(|place| {
                let elements = values[place.first..place.first + place.shape.len()].to_vec();
                (place.name.clone(), place.shape, elements)
            })
            .collect()
    }

    /// What the program gives in these rows, for each element of the targets.
    pub fn fitted(&self) -> Vec<FittedColumn> {
        let Prepared { rows, layout, objective, unit, .. } = &self.prepared;
        let values = objective.values(layout, rows, &self.found.best.x);
        let names = self.fit.targets.iter().flat_map(|(_, series)| {
            (0..series.columns.len()).map(|k| element_name(&series.name, series.shape, k))
        });
        let columns = names.zip(values).zip(&rows.targets).enumerate();
        columns
            .map(|(element, ((name, fitted), data))| {
                let residuals: Vec<f64> = data.iter().zip(&fitted).map(|(t, y)| t - y).collect();
                let weighted = rows.scales(element).filter(|_| self.fit.is_weighted()).map(|scales| {
                    residuals.iter().zip(scales).map(|(r, scale)| unit.plain(r * scale)).collect()
                });
                FittedColumn { name, data: data.clone(), fitted, residuals, weighted }
            })
            .collect()
    }
}
