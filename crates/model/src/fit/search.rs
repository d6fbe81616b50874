//! Many searches side by side: exploring from many starts, then finishing the best.

use neural_compiler::batch::Stop;

use super::objective::{NotFinite, Objective, Request, Rows};
use super::parameters::Layout;
use super::starts::{Range, offspring, starts};
use super::trust_region::{Reason, Search, Setting};

/// Rows that exploring looks at for each parameter, if there are many more; and the least that it looks at.
const EXPLORED_ROWS: (usize, usize) = (64, 256);

/// Steps after which a search is given up that is still above a minimum another one has found.
const PATIENCE: usize = 100;

/// Steps of a search that explores.
const EXPLORING_STEPS: usize = 100;

/// Times that starts are drawn, at the most: more than once where hardly any led to the lowest minimum.
const GENERATIONS: u32 = 20;

/// Times in a row that nothing lower is found before the lowest counts.
const FRUITLESS: u32 = 3;

/// Starts that have to lead to a minimum before it counts as the lowest one there is.
const ENOUGH: usize = 4;

/// Searches that are finished, beside the one from the user's start.
const FINISHED: usize = 6;

/// Costs that are equal up to this part are of one minimum.
const SAME_COST: f64 = 1e-6;

/// What a search came to, and what the others did.
#[derive(Debug)]
pub struct Found {
    /// The search with the lowest cost.
    pub best: Search,
    /// How many starts were tried.
    pub tried: usize,
    /// How many of them led to the best minimum.
    pub reached_best: usize,
    /// How many minima were found.
    pub optima: usize,
    /// Points that were evaluated over all rows.
    pub evaluations: usize,
    /// Where all starts were, if none was finite: a row in which the first is not.
    pub not_finite: Option<NotFinite>,
}

/// What all searches have in common.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub objective: &'a Objective,
    pub layout: &'a Layout,
    pub rows: &'a Rows,
    pub setting: &'a Setting,
    pub stop: Option<&'a Stop>,
    /// Is told how many searches are under way, the lowest cost so far, and how many points were evaluated.
    pub progress: Option<&'a (dyn Fn(usize, f64, usize) + Sync)>,
    /// Steps that a search may take.
    pub steps: usize,
}

/// Finds the lowest minimum that is reached from so many starts.
pub fn minimise(task: Task<'_>, count: usize, seed: u32) -> Found {
    let Task { layout, rows, setting, .. } = task;
    let ranges: Vec<Range> =
        layout.free.iter().map(|free| Range { start: free.start, low: free.low, high: free.high }).collect();
    let count = if ranges.is_empty() { 1 } else { count.max(1) };
    let points = starts(&ranges, count, seed);
    let sample = sample(rows, EXPLORED_ROWS.1.max(EXPLORED_ROWS.0 * ranges.len()), seed);
    let sampled = sample.as_ref().unwrap_or(rows);
    let explored_setting = Setting {
        size: setting.size * (sampled.count as f64 / rows.count as f64).sqrt(),
        residuals: sampled.count * task.objective.compared(),
        ..setting.clone()
    };
    let explore = Task { rows: sampled, setting: &explored_setting, ..task };
    let mut exploring: Vec<Search> = match count {
        1 => Vec::new(),
        _ => points.iter().map(|point| Search::new(point.clone(), true, EXPLORING_STEPS)).collect(),
    };
    run(explore, &mut exploring);
    let mut order = by_cost(&exploring);
    let mut fruitless = 0;
    for generation in 1..GENERATIONS {
        let lowest = order.first().map_or(f64::INFINITY, |&k| exploring[k].cost());
        let reached = exploring.iter().filter(|search| at_lowest(search, lowest, &explored_setting)).count();
        // A few starts are what the user wants; and there has to be something to begin with.
        if count < 16 || reached >= ENOUGH || !lowest.is_finite() || fruitless == FRUITLESS {
            break;
        }
        let best: Vec<&[f64]> = order.iter().take(4).map(|&k| exploring[k].x.as_slice()).collect();
        let points = offspring(&ranges, &best, count, seed.wrapping_add(1000 * generation));
        let mut more: Vec<Search> =
            points.into_iter().map(|point| Search::new(point, true, EXPLORING_STEPS)).collect();
        run(explore, &mut more);
        exploring.extend(more);
        order = by_cost(&exploring);
        let lower = exploring[order[0]].cost() < 0.999 * lowest - explored_setting.noise(lowest);
        fruitless = if lower { 0 } else { fruitless + 1 };
    }
    let mut distinct: Vec<usize> = Vec::new();
    for &k in order.iter().filter(|&&k| exploring[k].cost().is_finite()) {
        if !distinct.iter().any(|&other| same(&exploring[k], &exploring[other])) {
            distinct.push(k);
        }
    }
    // The user's start goes over all rows from the beginning; so do the ends of the best others.
    let mut finishing = vec![Search::new(points[0].clone(), false, task.steps)];
    finishing.extend(
        distinct.iter().take(FINISHED).map(|&k| Search::new(exploring[k].x.clone(), false, task.steps)),
    );
    let not_finite = run(task, &mut finishing);
    let evaluations = finishing.iter().map(|search| search.evaluations).sum();
    let lowest = finishing.iter().map(Search::cost).fold(f64::INFINITY, f64::min);
    let noise = 8.0 * setting.noise(lowest);
    let close = |search: &&Search| search.cost() <= lowest * (1.0 + SAME_COST) + noise;
    // Of minima as low as the lowest, such as those in which two peaks change their names, the one from the user's start, or else
    // the one nearest to it.
    let distance = |search: &Search| -> f64 {
        search
            .x
            .iter()
            .zip(&points[0])
            .map(|(x, start)| ((x - start) / (x.abs() + start.abs()).max(1e-300)).powi(2))
            .sum()
    };
    let best = if close(&&finishing[0]) && finishing[0].ended.is_some_and(Reason::is_converged) {
        &finishing[0]
    } else {
        let rank = |search: &Search| (!search.ended.is_some_and(Reason::is_converged), distance(search));
        let near = finishing.iter().filter(close);
        near.min_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
        .unwrap_or(&finishing[0])
    };
    let best = best.clone();
    let explored_lowest = order.first().map_or(f64::INFINITY, |&k| exploring[k].cost());
    let reached = exploring.iter().filter(|search| at_lowest(search, explored_lowest, &explored_setting));
    let reached_best = if exploring.is_empty() { 1 } else { reached.count() };
    let tried = exploring.len().max(1);
    let mut costs: Vec<f64> = exploring
        .iter()
        .filter(|s| s.ended == Some(Reason::Near) || s.ended.is_some_and(Reason::is_converged))
        .map(Search::cost)
        .collect();
    costs.sort_by(f64::total_cmp);
    costs.dedup_by(|a, b| (*a - *b).abs() <= 1e-3 * b.abs() + f64::MIN_POSITIVE);
    let not_finite = if best.at.is_none() { not_finite.or(Some(None)) } else { None };
    Found { best, tried, reached_best, optima: costs.len().max(1), evaluations, not_finite }
}

/// Searches by their costs, the lowest first.
fn by_cost(searches: &[Search]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..searches.len()).collect();
    order.sort_by(|&a, &b| searches[a].cost().total_cmp(&searches[b].cost()).then(a.cmp(&b)));
    order
}

/// Whether a search that explores has come to the lowest minimum.
fn at_lowest(search: &Search, lowest: f64, setting: &Setting) -> bool {
    search.cost() <= lowest * 1.001 + 8.0 * setting.noise(lowest)
}

/// Whether two searches ended at the same place.
fn same(a: &Search, b: &Search) -> bool {
    let cost = (a.cost() - b.cost()).abs() <= 1e-3 * b.cost() + f64::MIN_POSITIVE;
    cost && a.x.iter().zip(&b.x).all(|(a, b)| (a - b).abs() <= 1e-2 * (a.abs() + b.abs()))
}

/// So many of the rows, drawn without replacement; `None` if they are not many more.
fn sample(rows: &Rows, count: usize, seed: u32) -> Option<Rows> {
    if rows.count <= 4 * count {
        return None;
    }
    let mut state = u64::from(seed) ^ 0x9e37_79b9_7f4a_7c15;
    // One row from each of as many stretches of equal length, so that no part of the data is left out.
    let chosen = (0..count).map(|k| {
        let (from, to) = (k * rows.count / count, (k + 1) * rows.count / count);
        from + (splitmix(&mut state) % (to - from) as u64) as usize
    });
    Some(rows.select(&chosen.collect::<Vec<usize>>()))
}

/// The next number of a sequence of pseudo-random ones (SplitMix64; Steele, Lea and Flood 2014).
pub fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Runs searches to their ends. Gives the row in which the first one was not finite at its start, if it was not.
pub fn run(task: Task<'_>, searches: &mut [Search]) -> Option<NotFinite> {
    let mut first = None;
    let mut evaluated = 0;
    loop {
        if task.stop.is_some_and(Stop::is_stopped) {
            searches.iter_mut().for_each(Search::stop);
        }
        let wanted: Vec<usize> = (0..searches.len()).filter(|&k| searches[k].wanted().is_some()).collect();
        if wanted.is_empty() {
            return first;
        }
        let requests: Vec<Request<'_>> = wanted
            .iter()
            .filter_map(|&k| Some(Request { point: searches[k].wanted()?, rows: 0..task.rows.count }))
            .collect();
        let found = task.objective.evaluate(task.layout, task.rows, &requests, task.stop);
        if task.stop.is_some_and(Stop::is_stopped) {
            continue;
        }
        evaluated += wanted.len();
        for (&k, found) in wanted.iter().zip(found) {
            if let (0, true, Err(row)) = (k, searches[k].at.is_none(), &found) {
                first = Some(*row);
            }
            searches[k].tell(task.setting, found.ok());
        }
        let ended = searches.iter().filter(|search| search.ended.is_some_and(Reason::is_converged));
        let reached = ended.map(Search::cost).fold(f64::INFINITY, f64::min);
        for search in searches.iter_mut() {
            if search.iterations >= PATIENCE && search.cost() > 1.001 * reached + task.setting.noise(reached)
            {
                search.stop();
            }
        }
        if let Some(progress) = task.progress {
            let lowest = searches.iter().map(Search::cost).fold(f64::INFINITY, f64::min);
            progress(wanted.len(), lowest, evaluated);
        }
    }
}
