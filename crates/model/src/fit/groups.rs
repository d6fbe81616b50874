//! A fit for each value of a column: many small fits of one program.

use std::borrow::Cow;

use neural_compiler::batch::Stop;
use rayon::prelude::*;

use super::objective::{Request, Rows};
use super::starts::{Range, starts};
use super::triangle::norm;
use super::trust_region::{Reason, Search, Setting};
use super::{Fit, FitError, Meaning, Prepared};

/// Fits that are under way at the same time: what they hold stays small beside the data.
const AT_A_TIME: usize = 1 << 14;

/// What the fit of one group came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The number that its rows have in common.
    pub key: f64,
    /// How many rows it has.
    pub rows: usize,
    /// The parameters that were searched for, in the order of [`Groups::names`].
    pub values: Vec<f64>,
    /// Their standard errors; NaN where there is none.
    pub stderr: Vec<f64>,
    /// What was minimised: the sum of the squared residuals as they are weighted, or what a robust loss makes of it.
    pub loss: f64,
    /// Why the search ended.
    pub reason: Reason,
}

/// Fits of groups, in increasing order of what their rows have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// The parameters that were searched for.
    pub names: Vec<String>,
    /// The fits.
    pub groups: Vec<Group>,
}

impl Fit<'_> {
    /// Fits the rows of each number in `keys` by themselves, from `starts` starts each. The bits of a group's fit from one start are
    /// those of the same rows alone from the same start.
    ///
    /// # Errors
    ///
    /// As [`Fit::run`], but a group that is finite nowhere is one that has not converged. A key that is no number.
    pub fn run_groups(&self, keys: &[f64], starts_each: usize) -> Result<Groups, FitError> {
        let prepared = self.prepare()?;
        let Prepared { rows, kept, layout, objective, .. } = &prepared;
        let expected = self.targets[0].1.columns[0].len();
        if keys.len() != expected {
            return Err(FitError::Rows { name: "the groups".into(), expected, found: keys.len() });
        }
        if let Some(&row) = kept.iter().find(|&&row| keys[row].is_nan()) {
            return Err(FitError::NotFinite { name: "the group".into(), value: keys[row], row, count: 1 });
        }
        // Rows of a group together, each in the order of the data.
        let mut order: Vec<usize> = (0..rows.count).collect();
        order.sort_by(|&a, &b| keys[kept[a]].total_cmp(&keys[kept[b]]));
        let sorted = rows.select(&order);
        let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
        let key = |place: usize| keys[kept[order[place]]];
        for place in 0..sorted.count {
            match ranges.last_mut() {
                Some(range) if key(range.start) == key(place) => range.end = place + 1,
                _ => ranges.push(place..place + 1),
            }
        }
        let points = {
            let free = layout.free.iter();
            let ranges: Vec<Range> =
                free.map(|free| Range { start: free.start, low: free.low, high: free.high }).collect();
            starts(&ranges, starts_each.max(1), self.seed)
        };
        let names = layout.free.iter().map(|free| free.name.clone()).collect();
        let mut groups = Vec::with_capacity(ranges.len());
        for ranges in ranges.chunks(AT_A_TIME) {
            let settings: Vec<Setting> =
                ranges.iter().map(|range| setting(&prepared.setting, &sorted, range.clone())).collect();
            let mut searches: Vec<(usize, Search)> = (0..ranges.len())
                .flat_map(|group| points.iter().map(move |point| (group, point)))
                .map(|(group, point)| (group, Search::new(point.clone(), false, self.steps)))
                .collect();
            loop {
                if self.stop.is_some_and(Stop::is_stopped) {
                    searches.iter_mut().for_each(|(_, search)| search.stop());
                }
                let mut wanted: Vec<&mut (usize, Search)> =
                    searches.iter_mut().filter(|(_, search)| search.wanted().is_some()).collect();
                if wanted.is_empty() {
                    break;
                }
                let requests: Vec<Request<'_>> = wanted
                    .iter()
                    .filter_map(|(group, search)| {
                        Some(Request { point: search.wanted()?, rows: ranges[*group].clone() })
                    })
                    .collect();
                let found = objective.evaluate(layout, &sorted, &requests, self.stop);
                if self.stop.is_some_and(Stop::is_stopped) {
                    continue;
                }
                wanted
                    .par_iter_mut()
                    .zip(found)
                    .with_min_len(64)
                    .for_each(|(wanted, found)| wanted.1.tell(&settings[wanted.0], found.ok()));
            }
            let done: Vec<Group> = searches
                .par_chunks(points.len())
                .zip(ranges)
                .map(|(searches, range)| {
                    let better =
                        |a: &&(usize, Search), b: &&(usize, Search)| a.1.cost().total_cmp(&b.1.cost());
                    let (_, best) = searches.iter().min_by(better).expect("a start");
                    self.group(&prepared, &sorted, key(range.start), range.clone(), best)
                })
                .collect();
            groups.extend(done);
        }
        Ok(Groups { names, groups })
    }

    fn group(
        &self,
        prepared: &Prepared,
        sorted: &Rows,
        key: f64,
        range: std::ops::Range<usize>,
        best: &Search,
    ) -> Group {
        let mut stderr = vec![f64::NAN; prepared.layout.free.len()];
        let rows = range.len();
        if best.at.is_some() {
            let own = || Cow::Owned(sorted.select(&range.clone().collect::<Vec<usize>>()));
            let Meaning { inverse, variance, .. } = self.meaning(prepared, best, rows, own);
            for (place, &k) in inverse.of.iter().enumerate() {
                if inverse.null.iter().all(|(_, parts)| parts[place].abs() <= 1e-5) {
                    stderr[k] = variance
                        .map_or(f64::NAN, |variance| (inverse.matrix[place][place] * variance).sqrt());
                }
            }
        }
        let (loss, reason) = (2.0 * best.cost(), best.ended.unwrap_or(Reason::Stopped));
        Group { key, rows, values: best.x.clone(), stderr, loss, reason }
    }
}

/// What is the same for all searches of a group.
fn setting(all: &Setting, rows: &Rows, range: std::ops::Range<usize>) -> Setting {
    let scaled = |target: &Vec<f64>| {
        let numbers =
            range.clone().map(|row| target[row] * rows.scales.as_ref().map_or(1.0, |scales| scales[row]));
        norm(numbers.collect::<Vec<f64>>().into_iter())
    };
    let size = norm(rows.targets.iter().map(scaled).collect::<Vec<_>>().into_iter());
    Setting { size, residuals: range.len() * rows.targets.len(), ..all.clone() }
}
