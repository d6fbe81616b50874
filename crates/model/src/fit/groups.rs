//! A fit for each value of a column: many small fits of one program.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use neural_compiler::batch::Stop;
use rayon::prelude::*;

use super::descent::Method;
use super::objective::{BLOCK_ROWS, NotFinite, Request, Rows, Scratch};
use super::starts::{self, starts};
use super::triangle::norm;
use super::trust_region::{Evaluation, Reason, Search, Setting, Work};
use super::{Fit, FitError, Meaning, Prepared, Progress};

/// The most groups that a thread takes at once.
const TAKEN: usize = 1024;

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
        if prepared.weights {
            return Err(FitError::OfWeights { what: "groups" });
        }
        if self.method != Method::LeastSquares {
            return Err(FitError::MethodOfGroups);
        }
        let Prepared { rows, kept, layout, .. } = &prepared;
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
        let sorted = if order.is_sorted() { Cow::Borrowed(rows) } else { Cow::Owned(rows.select(&order)) };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let key = |place: usize| keys[kept[order[place]]];
        for place in 0..sorted.count {
            match ranges.last_mut() {
                Some(range) if key(range.start) == key(place) => range.end = place + 1,
                _ => ranges.push(place..place + 1),
            }
        }
        let points = {
            let free = layout.free.iter();
            let ranges: Vec<starts::Range> = free
                .map(|free| starts::Range { start: free.start, low: free.low, high: free.high })
                .collect();
            starts(&ranges, starts_each.max(1), self.seed)
        };
        let names = layout.free.iter().map(|free| free.name.clone()).collect();
        let done = AtomicUsize::new(0);
        let all = All { prepared: &prepared, rows: &sorted, points: &points, ranges: &ranges };
        let taken = ranges.len().div_ceil(4 * rayon::current_num_threads()).clamp(1, TAKEN);
        let parts =
            ranges.par_chunks(taken).enumerate().map_init(Scratch::default, |scratch, (chunk, part)| {
                let first = chunk * taken;
                let fitted = self.some_groups(&all, first..first + part.len(), scratch);
                if let Some(progress) = self.progress {
                    let before = done.fetch_add(part.len(), Ordering::Relaxed);
                    progress(Progress::Groups { done: before + part.len(), of: ranges.len() });
                }
                let keyed =
                    fitted.into_iter().zip(part).map(|(fitted, range)| fitted.group(key(range.start)));
                keyed.collect::<Vec<Group>>()
            });
        let groups = parts.flatten_iter().collect();
        Ok(Groups { names, groups })
    }

    /// Fits groups one beside the other: each call of the kernel has as many of them as make a block of rows, and where one has ended
    /// the next one begins.
    fn some_groups(&self, all: &All<'_>, groups: Range<usize>, scratch: &mut Scratch) -> Vec<Fitted> {
        let All { prepared, rows, points, ranges } = *all;
        let Prepared { layout, objective, setting, .. } = prepared;
        let mut fitted: Vec<Option<Fitted>> = vec![None; groups.len()];
        // With several starts, the lowest so far of each group that is under way: which start, and how many have ended.
        let mut lowest: Vec<(usize, usize, Option<Search>)> = vec![(0, 0, None); groups.len()];
        let mut waiting = groups.clone().flat_map(|group| (0..points.len()).map(move |start| (group, start)));
        let mut slots: Vec<Slot> = Vec::new();
        let mut open = 0;
        let mut found: Vec<(Evaluation, Result<(), NotFinite>)> = Vec::new();
        let mut work = Work::default();
        let mut under_way = 0;
        loop {
            while open < BLOCK_ROWS {
                let Some((group, start)) = waiting.next() else { break };
                if under_way == slots.len() {
                    let search = Search::new(points[start].clone(), false, self.steps);
                    slots.push(Slot { group, start, search, setting: setting.clone() });
                } else {
                    let slot = &mut slots[under_way];
                    (slot.group, slot.start) = (group, start);
                    slot.search.restart(&points[start]);
                }
                let range = &ranges[group];
                let slot = &mut slots[under_way];
                slot.setting.size = size(rows, range);
                slot.setting.residuals = range.len() * rows.targets.len();
                under_way += 1;
                open += range.len();
            }
            if under_way == 0 {
                break;
            }
            if self.stop.is_some_and(Stop::is_stopped) {
                slots[..under_way].iter_mut().for_each(|slot| slot.search.stop());
            } else {
                let requests = slots[..under_way].iter().filter_map(|slot| {
                    Some(Request { point: slot.search.wanted()?, rows: ranges[slot.group].clone() })
                });
                if found.len() < under_way {
                    found.resize_with(under_way, || (Evaluation::default(), Ok(())));
                }
                objective.evaluate_into(scratch, layout, rows, requests, &mut found, self.stop);
                if self.stop.is_some_and(Stop::is_stopped) {
                    continue;
                }
                for (Slot { search, setting, .. }, (found, outcome)) in
                    slots[..under_way].iter_mut().zip(&mut found)
                {
                    search.tell(setting, outcome.is_ok().then_some(found), &mut work);
                }
            }
            let mut k = 0;
            while k < under_way {
                if slots[k].search.ended.is_none() {
                    k += 1;
                    continue;
                }
                let Slot { group, start, search, .. } = &slots[k];
                let (place, range) = (group - groups.start, &ranges[*group]);
                if points.len() == 1 {
                    fitted[place] = Some(self.fitted(prepared, rows, range.clone(), search));
                } else {
                    let (which, ended, best) = &mut lowest[place];
                    let better =
                        |best: &Search| search.cost().total_cmp(&best.cost()).then(start.cmp(which)).is_lt();
                    if best.as_ref().is_none_or(better) {
                        (*which, *best) = (*start, Some(search.clone()));
                    }
                    *ended += 1;
                    if *ended == points.len() {
                        let best = best.take().expect("the lowest of some");
                        fitted[place] = Some(self.fitted(prepared, rows, range.clone(), &best));
                    }
                }
                open -= range.len();
                under_way -= 1;
                slots.swap(k, under_way);
            }
        }
        fitted.into_iter().map(|fitted| fitted.expect("all searches have ended")).collect()
    }

    /// What the lowest minimum of a group means.
    fn fitted(&self, prepared: &Prepared, sorted: &Rows, range: Range<usize>, best: &Search) -> Fitted {
        let mut stderr = vec![f64::NAN; prepared.layout.free.len()];
        let rows = range.len();
        if best.at.is_some() {
            let own = || Cow::Owned(sorted.select(&range.clone().collect::<Vec<usize>>()));
            let meaning = self.meaning(prepared, best, rows, own);
            let Meaning { inverse, deviation, .. } = &meaning;
            for (place, &k) in inverse.of.iter().enumerate() {
                if !inverse.is_open(place) {
                    stderr[k] =
                        deviation.map_or(f64::NAN, |deviation| deviation.times(inverse.spread(place)));
                }
            }
        }
        let loss = prepared.unit.squared(2.0 * best.cost());
        Fitted { rows, values: best.x.clone(), stderr, loss, reason: best.ended.unwrap_or(Reason::Stopped) }
    }
}

/// What fits of groups have in common.
#[derive(Clone, Copy)]
struct All<'a> {
    prepared: &'a Prepared,
    /// Rows of a group one after the other.
    rows: &'a Rows,
    /// Where searches start.
    points: &'a [Vec<f64>],
    /// The rows of each group.
    ranges: &'a [Range<usize>],
}

/// A search that is under way.
struct Slot {
    group: usize,
    start: usize,
    search: Search,
    setting: Setting,
}

/// A group's fit without its key.
#[derive(Clone)]
struct Fitted {
    rows: usize,
    values: Vec<f64>,
    stderr: Vec<f64>,
    loss: f64,
    reason: Reason,
}

impl Fitted {
    fn group(self, key: f64) -> Group {
        let Fitted { rows, values, stderr, loss, reason } = self;
        Group { key, rows, values, stderr, loss, reason }
    }
}

/// The Euclidean norm of the targets of some rows as they are weighted.
pub fn size(rows: &Rows, range: &Range<usize>) -> f64 {
    norm(rows.targets.iter().enumerate().map(|(element, target)| {
        let target = &target[range.clone()];
        match rows.scales(element) {
            None => norm(target.iter().copied()),
            Some(scales) => norm(target.iter().zip(&scales[range.clone()]).map(|(t, s)| t * s)),
        }
    }))
}
