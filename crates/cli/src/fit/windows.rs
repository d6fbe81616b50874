//! `nc fit --ode --windows`: pieces of the trajectories, each from a state that was measured.

use nc_model::fit::{Noise, Series, element_name};
use nc_model::ode::{Ode, State};
use neural_compiler::Shape;

use super::data::Sigma;
use super::ode::observable;
use crate::report::{Failure, eprint_lines};

/// What was measured, row by row of a file.
pub struct Measured<'a> {
    /// What the file is called.
    pub name: &'a str,
    pub times: &'a [f64],
    /// States, or elements of them, with their columns.
    pub observed: &'a [(String, String)],
    pub columns: &'a [Vec<f64>],
    /// Standard deviations, one for all or one for each of what is observed, and their numbers in all rows.
    pub sigmas: &'a [Sigma],
    pub scatter: &'a [Vec<f64>],
    /// Inputs with a value of each window, and their columns.
    pub given: &'a [(String, String)],
    pub of_given: &'a [Vec<f64>],
    /// The rows of each experiment.
    pub experiments: Vec<&'a [usize]>,
}

/// Windows as rows of a fit.
pub struct Windows {
    pub inputs: Vec<Series>,
    pub targets: Vec<(String, Series)>,
    pub noise: Noise,
    /// How many.
    pub count: usize,
}

impl Measured<'_> {
    /// All windows of so many steps in which no number is missing.
    pub fn windows(&self, states: &[State], steps: usize) -> Result<Windows, Failure> {
        let usage = |why: String| Err(Failure::usage(format!("--windows: {why}")));
        if let Some((name, _)) =
            self.given.iter().find(|(name, _)| states.iter().any(|state| state.name == *name))
        {
            return usage(format!(
                "`{name}` starts where it was measured: --given {name} says something else"
            ));
        }
        let mut starts = Vec::new();
        for state in states {
            let columns = (0..state.shape.len()).map(|k| {
                let place = observable(self.observed.iter().map(|(name, _)| name), state, k);
                place.ok_or_else(|| {
                    Failure::usage(format!(
                        "--windows: a window starts where the states were measured, and `{}` was not: --observe all of them",
                        element_name(&state.name, state.shape, k)
                    ))
                })
            });
            starts.push((state, columns.collect::<Result<Vec<usize>, Failure>>()?));
        }
        let mut first = Vec::new();
        let (mut gaps, mut short) = (0, 0);
        for rows in &self.experiments {
            if let Some(pair) = rows.windows(2).find(|pair| self.times[pair[0]] == self.times[pair[1]]) {
                return usage(format!(
                    "{}: the time {} is there twice, in rows {} and {}, counted from 0: a window starts from one state",
                    self.name, self.times[pair[0]], pair[0], pair[1]
                ));
            }
            short += usize::from(rows.len() <= steps);
            for window in rows.windows(steps + 1) {
                let whole = |row: &usize| self.columns.iter().all(|column| !column[*row].is_nan());
                if window.iter().all(whole) { first.push(window) } else { gaps += 1 }
            }
        }
        if first.is_empty() {
            let why = match gaps {
                0 => String::new(),
                _ => format!(": a number is missing in each of {gaps}; shorter windows lie between gaps"),
            };
            return usage(format!("{}: there is no whole window of {steps} steps{why}", self.name));
        }
        if gaps > 0 || short > 0 {
            let mut why = Vec::new();
            if gaps > 0 {
                why.push(format!("{gaps} windows in which a number is missing"));
            }
            if short > 0 {
                why.push(format!("{short} experiments shorter than a window"));
            }
            eprint_lines(&format!("note: {}: without {}\n", self.name, why.join(" and ")));
        }
        let column =
            |numbers: &[f64], at: usize| first.iter().map(|rows| numbers[rows[at]]).collect::<Vec<f64>>();
        let series = |name: &str, shape, columns| Series { name: name.to_owned(), shape, columns };
        let mut inputs = vec![series(
            Ode::TIMES,
            Shape::Vector(steps as u32 + 1),
            (0..=steps).map(|k| column(self.times, k)).collect(),
        )];
        for (state, places) in starts {
            let columns = places.into_iter().map(|place| column(&self.columns[place], 0)).collect();
            inputs.push(series(&state.name, state.shape, columns));
        }
        for ((name, of), numbers) in self.given.iter().zip(self.of_given) {
            if let Some(rows) = first.iter().find(|rows| numbers[rows[0]].is_nan()) {
                return Err(Failure::message(
                    "nan",
                    format!("{}: {of:?} is no finite number in row {}, counted from 0", self.name, rows[0]),
                ));
            }
            inputs.push(Series::scalar(name, column(numbers, 0)));
        }
        let mut targets = Vec::new();
        let mut elements = Vec::new();
        for (which, (state, of)) in self.observed.iter().enumerate() {
            let columns: Vec<Vec<f64>> = (1..=steps).map(|k| column(&self.columns[which], k)).collect();
            let sigma = self.scatter.get(if self.scatter.len() == 1 { 0 } else { which });
            if let Some(sigma) = sigma {
                let wrong = first
                    .iter()
                    .flat_map(|rows| &rows[1..])
                    .find(|row| !(sigma[**row] > 0.0 && sigma[**row].is_finite()));
                if let Some(&row) = wrong {
                    return Err(Failure::usage(format!(
                        "--sigma: of {of} it has to be one number above 0, and is {} in row {row}, counted from 0",
                        sigma[row]
                    )));
                }
                elements.extend((1..=steps).map(|k| column(sigma, k)));
            }
            let name = state.replace('[', ".").replace(']', "");
            targets.push((name, series(of, Shape::Vector(steps as u32), columns)));
        }
        let noise = match (self.sigmas, elements.first()) {
            ([Sigma::Number(_)], Some(sigma)) => Noise::Sigma(sigma.clone()),
            (_, None) => Noise::FromResiduals,
            _ => Noise::SigmaOfElements(elements),
        };
        Ok(Windows { inputs, targets, noise, count: first.len() })
    }
}

/// Why windows give no standard errors.
pub const WITHOUT_ERRORS: &str = "windows overlap, and start from states with errors of their own; a fit of whole trajectories knows errors";
