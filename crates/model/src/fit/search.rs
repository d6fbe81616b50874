//! Many searches side by side: exploring from many starts, then finishing the best.

use neural_compiler::batch::Stop;

use super::objective::{NotFinite, Objective, Request, Rows};
use super::parameters::Layout;
use super::starts::{Range, offspring, starts};
use super::trust_region::{Reason, Search, Setting, Work};
use super::uncertainty::Inverse;
use super::{Listener, Progress, Unit};

/// Rows that exploring looks at for each parameter, if there are many more; and the least that it looks at.
const EXPLORED_ROWS: (usize, usize) = (64, 256);

/// Steps after which a search is given up that is still above a minimum another one has found.
const PATIENCE: usize = 100;

/// Steps of a search that explores.
const EXPLORING_STEPS: usize = 100;

/// Times that starts are drawn, at the most: more than once where hardly any led to the lowest minimum.
const GENERATIONS: u32 = 20;

/// Times in a row that nothing lower is found before the lowest counts.
const FRUITLESS: u32 = 2;

/// Of so many starts one has to lead to a minimum before it counts as the lowest one there is.
const ENOUGH: usize = 4;

/// Searches that are finished, beside the one from the user's start.
const FINISHED: usize = 6;

/// A minimum that is so many times as high in the sample is not the lowest one over all rows.
const SAMPLED: f64 = 1.5;

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
    /// Of a training that holds rows out, the epoch whose weights these are, and how many there were.
    pub best_epoch: Option<(usize, usize)>,
}

/// What all searches have in common.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub objective: &'a Objective,
    pub layout: &'a Layout,
    pub rows: &'a Rows,
    pub setting: &'a Setting,
    pub stop: Option<&'a Stop>,
    /// What residuals are measured in.
    pub unit: Unit,
    /// Is told how far it has come.
    pub progress: Option<Listener<'a>>,
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
    // Parameters in which the residuals are affine are searched for in vain if others are wrong: every second start first goes where they are
    // without their bounds, which eliminates them, and from there on within the bounds.
    let free = |k: usize| setting.low[k] == f64::NEG_INFINITY && setting.high[k] == f64::INFINITY;
    let relaxed = setting.affine.iter().any(|&k| !free(k)).then(|| {
        let mut relaxed = Setting { linear: setting.affine.clone(), ..explored_setting.clone() };
        for &k in &setting.affine {
            (relaxed.low[k], relaxed.high[k]) = (f64::NEG_INFINITY, f64::INFINITY);
        }
        relaxed
    });
    let within_bounds = |mut points: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
        let Some(relaxed) = &relaxed else { return points };
        let chosen: Vec<usize> = (1..points.len()).step_by(2).collect();
        let mut searches: Vec<Search> =
            chosen.iter().map(|&k| Search::new(points[k].clone(), true, EXPLORING_STEPS)).collect();
        run(Task { setting: relaxed, ..explore }, &mut searches);
        for (k, search) in chosen.into_iter().zip(searches) {
            let bounded = search.x.iter().zip(setting.low.iter().zip(&setting.high));
            points[k] = bounded.map(|(x, (low, high))| x.clamp(*low, *high)).collect();
        }
        points
    };
    let mut exploring: Vec<Search> = match count {
        1 => Vec::new(),
        _ => within_bounds(points.clone())
            .into_iter()
            .map(|point| Search::new(point, true, EXPLORING_STEPS))
            .collect(),
    };
    run(explore, &mut exploring);
    // What residuals are: the data, or where the data are zeros, those at the user's start or else at the best one.
    let firsts = exploring.iter().map(|search| search.first);
    let first = exploring.first().map_or(f64::INFINITY, |search| search.first);
    let first = if first.is_finite() { first } else { firsts.fold(f64::INFINITY, f64::min) };
    let size = if first.is_finite() { setting.size.max((2.0 * first).sqrt()) } else { setting.size };
    let mut order = by_cost(&exploring, size);
    let mut fruitless = 0;
    for generation in 1..GENERATIONS {
        let lowest = order.first().map_or(f64::INFINITY, |&k| exploring[k].cost());
        let reached = exploring.iter().filter(|search| at_lowest(search, lowest, &explored_setting)).count();
        // A few starts are what the user wants; and there has to be something to begin with.
        if count < 16 || ENOUGH * reached >= exploring.len() || !lowest.is_finite() || fruitless == FRUITLESS
        {
            break;
        }
        let best: Vec<&[f64]> = order.iter().take(4).map(|&k| exploring[k].x.as_slice()).collect();
        let points = within_bounds(offspring(&ranges, &best, count, seed.wrapping_add(1000 * generation)));
        let mut more: Vec<Search> =
            points.into_iter().map(|point| Search::new(point, true, EXPLORING_STEPS)).collect();
        run(explore, &mut more);
        exploring.extend(more);
        order = by_cost(&exploring, size);
        let lower = exploring[order[0]].cost() < 0.999 * lowest - explored_setting.noise(lowest);
        fruitless = if lower { 0 } else { fruitless + 1 };
    }
    // Of searches that ended equally low, such as with two peaks that have changed their names or a phase that is a turn further,
    // the lowest and the one nearest to the user's start.
    let distance = |search: &Search| distance(&search.x, &points[0]);
    let mut distinct: Vec<[usize; 2]> = Vec::new();
    for &k in order.iter().filter(|&&k| is_meaningful(&exploring[k], size)) {
        match distinct.last_mut() {
            Some([lowest, nearest]) if same_cost(&exploring[k], &exploring[*lowest], &explored_setting) => {
                if distance(&exploring[k]) < distance(&exploring[*nearest]) {
                    *nearest = k;
                }
            }
            _ => distinct.push([k, k]),
        }
    }
    if task.stop.is_some_and(Stop::is_stopped)
        && let Some(&k) = order.first()
        && exploring[k].at.is_some()
    {
        let evaluations = exploring.iter().map(|search| search.evaluations).sum();
        let Search { x, at, iterations, .. } = exploring.swap_remove(k);
        let best = Search::ended(x, at, iterations, Reason::Stopped);
        return Found {
            best,
            tried: count,
            reached_best: 1,
            optima: 1,
            evaluations,
            not_finite: None,
            best_epoch: None,
        };
    }
    let mut finished: Vec<usize> = distinct.into_iter().flatten().collect();
    finished.dedup();
    let lowest = order.first().map_or(f64::INFINITY, |&k| exploring[k].cost());
    // The user's start first. Over many rows it goes on from where it came to in the sample, and what ended far above the lowest there
    // is left.
    let first = match (&sample, exploring.first()) {
        (Some(_), Some(first)) if first.at.is_some() => first.x.clone(),
        _ => points[0].clone(),
    };
    if sample.is_some() {
        finished.retain(|&k| exploring[k].cost() <= SAMPLED * lowest);
    }
    let mut finishing = vec![Search::new(first, false, task.steps)];
    if sample.is_some() && exploring.first().is_some_and(|first| first.cost() > SAMPLED * lowest) {
        finishing.clear();
    }
    finishing.extend(
        finished.iter().take(FINISHED).map(|&k| Search::new(exploring[k].x.clone(), false, task.steps)),
    );
    let not_finite = run(task, &mut finishing);
    // A search that was stopped may not have come to its last part.
    let before = exploring.iter().filter(|_| task.stop.is_some_and(Stop::is_stopped));
    let evaluations = finishing.iter().chain(before).map(|search| search.evaluations).sum();
    let cost = |search: &Search| if is_meaningful(search, size) { search.cost() } else { f64::INFINITY };
    let lowest = finishing.iter().map(cost).fold(f64::INFINITY, f64::min);
    let lowest_one = finishing.iter().find(|search| cost(search) == lowest);
    let noise =
        8.0 * setting.noise(lowest) + lowest_one.map_or(0.0, |one| 4.0 * jitter(one) * (2.0 * lowest).sqrt());
    let close = |search: &&Search| cost(search) <= lowest * (1.0 + SAME_COST) + noise;
    // Of minima as low as the lowest, the one nearest to the user's start: with peaks or decays that can change their names, the names
    // are those of the start. Where the data leave a direction open, all its points are as low, and the one counts that the
    // user's start leads to.
    let rank = |search: &Search| (!search.ended.is_some_and(Reason::is_converged), distance(search));
    let first = &finishing[0];
    let open = |search: &Search| {
        let bound = layout.at_bound(&search.x);
        search.at.as_ref().is_none_or(|at| !Inverse::of(&at.triangle, &bound).null.is_empty())
    };
    let best = if close(&first) && first.ended.is_some_and(Reason::is_converged) && open(first) {
        first
    } else {
        let near = finishing.iter().filter(close);
        near.min_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
        .unwrap_or(first)
    };
    let best = best.clone();
    let explored_lowest = order.first().map_or(f64::INFINITY, |&k| exploring[k].cost());
    let reached = exploring.iter().filter(|search| at_lowest(search, explored_lowest, &explored_setting));
    let reached_best = if exploring.is_empty() { 1 } else { reached.count() };
    let tried = exploring.len().max(1);
    let mut costs: Vec<f64> = exploring
        .iter()
        .filter(|s| s.ended == Some(Reason::Near) || s.ended.is_some_and(Reason::is_converged))
        .filter(|s| is_meaningful(s, size))
        .map(Search::cost)
        .collect();
    costs.sort_by(f64::total_cmp);
    costs.dedup_by(|a, b| (*a - *b).abs() <= 1e-3 * b.abs() + f64::MIN_POSITIVE);
    let not_finite = if best.at.is_none() { not_finite.or(Some(None)) } else { None };
    let optima = costs.len().max(1);
    Found { best, tried, reached_best, optima, evaluations, not_finite, best_epoch: None }
}

/// Searches by their costs, the lowest first; those at points without a meaning last.
fn by_cost(searches: &[Search], size: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..searches.len()).collect();
    let rank = |k: usize| (!is_meaningful(&searches[k], size), searches[k].cost());
    order.sort_by(|&a, &b| {
        let (one, other) = (rank(a), rank(b));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(a.cmp(&b))
    });
    order
}

/// What a change of parameters by a unit in the last place does to the residuals, at the most.
fn jitter(search: &Search) -> f64 {
    let Some(at) = &search.at else { return f64::INFINITY };
    let of = |(k, x): (usize, &f64)| f64::EPSILON * x.abs() * at.triangle.norm(k);
    search.x.iter().enumerate().map(of).fold(0.0, f64::max)
}

/// Whether residuals at the point are more than rounding errors of parameters: a frequency of 10¹³ fits anything. `size` is what
/// residuals are elsewhere.
fn is_meaningful(search: &Search, size: f64) -> bool {
    jitter(search) <= (2e-3 * (2.0 * search.cost()).sqrt()).max(1e-10 * size)
}

/// Whether a search that explores has come to the lowest minimum.
fn at_lowest(search: &Search, lowest: f64, setting: &Setting) -> bool {
    search.cost() <= lowest * 1.001 + 8.0 * setting.noise(lowest)
}

/// Whether a search ended as low as one that ended lower.
fn same_cost(search: &Search, lower: &Search, setting: &Setting) -> bool {
    search.cost() <= lower.cost() * 1.001 + 8.0 * setting.noise(lower.cost())
}

/// How far a point is from another one: the sum of the squared differences of its numbers on scales that are even up to the size of those of
/// the other one and logarithmic beyond. Of points that differ by the names of peaks or decays the one with the order of the others is
/// nearer.
fn distance(x: &[f64], from: &[f64]) -> f64 {
    let apart = |(x, from): (&f64, &f64)| {
        let size = if *from == 0.0 { 1.0 } else { from.abs() };
        (x / size).asinh() - (from / size).asinh()
    };
    x.iter().zip(from).map(apart).map(|apart| apart * apart).sum()
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
    let mut work = Work::default();
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
        for (&k, mut found) in wanted.iter().zip(found) {
            if let (0, true, Err(row)) = (k, searches[k].at.is_none(), &found) {
                first = Some(*row);
            }
            searches[k].tell(task.setting, found.as_mut().ok(), &mut work);
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
            let lowest = task.unit.squared(lowest);
            progress(Progress::Searches { under_way: wanted.len(), lowest, evaluations: evaluated });
        }
    }
}
