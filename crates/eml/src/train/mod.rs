//! Training: the master formula's logits by gradients, until they stand at the corners of their simplices.
//!
//! The formula, its loss over all data and the gradient are one compiled program ([`Master::program`]): restarts are its rows, and the
//! data are shared. A restart searches at a high temperature, by Adam; then the temperature falls and what is undecided is
//! penalised, until its choices are made. Choices are tried while it runs: a restart whose tree gives the data has ended.

pub mod master;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use neural_compiler::batch::{Batch, BatchError, Options as RunOptions, Sink, Source, Workspace};
use neural_compiler::{
    CompileOptions, Derivative, Error, Kernel, Program, Shape, Signature, Source as Origin,
};
use rayon::prelude::*;

use self::master::{Master, Start};
use super::search::{Data, Found, Options, Verifier};
use super::translate::verify::Random;

/// Restarts that a thread has under way side by side.
const SHARD: usize = 16;

/// Rows of data that a formula is trained on, at the most: all rows decide whether a tree gives them.
const ROWS: usize = 512;

/// Rows by which changes of choices are compared.
const PROBES: usize = 12;

/// Iterations between looks at the tree that a restart would come to.
const LOOK: usize = 50;

/// Adam (D. Kingma and J. Ba, 2015).
const MOMENTS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// How restarts are trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Nodes on the longest path of the formula.
    pub depth: usize,
    /// How many restarts.
    pub restarts: usize,
    /// Iterations at the first temperature.
    pub search: usize,
    /// Iterations in which the temperature falls.
    pub hardening: usize,
    /// The rate of Adam.
    pub rate: f64,
    /// What the norm of a gradient is cut to.
    pub clip: f64,
    /// The first temperature.
    pub temperature: f64,
    /// Whether variables stand at every level of the formula, or at the lowest only.
    pub everywhere: bool,
    /// The weight of a penalty for what is undecided, at the end.
    pub sharpness: f64,
    /// Whether choices that are tried are changed one by one, as long as that lessens the error.
    pub polish: bool,
    /// Whether it ends with the first tree that gives the data. Which one that is depends on how fast threads are.
    pub first: bool,
    /// How restarts begin; each way in turn, if it is not said.
    pub start: Option<Start>,
}

impl Default for Settings {
    /// The formula of A. Odrzywołek's paper on `eml`, and the settings of his programs.
    fn default() -> Settings {
        Settings {
            depth: 3,
            restarts: 64,
            search: 6000,
            hardening: 2000,
            rate: 0.01,
            clip: 1.0,
            temperature: 2.5,
            everywhere: true,
            sharpness: 2e-2,
            polish: true,
            first: false,
            start: None,
        }
    }
}

/// The last temperature.
const COLD: f64 = 0.01;

/// Iterations with a loss or a gradient that is no number, after which a restart goes back to its best.
const MOST_BAD: usize = 50;

/// How often it does.
const MOST_RELOADS: usize = 100;

/// After so many iterations without a better loss, hardening begins early if the loss is below the second number.
const PATIENCE: usize = 4200;
const LOW: f64 = 1e-2;

/// How training ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Trees that give the data, each once, with the restart that came to it first; the smallest first.
    pub found: Vec<(Found, usize)>,
    /// Restarts that came to such a tree.
    pub successes: usize,
    /// Restarts that ended.
    pub ended: usize,
    /// Evaluations of loss and gradient, of one restart each.
    pub evaluations: u64,
}

impl Outcome {
    /// The interval in which the rate of success is with 95 % (E. B. Wilson, 1927); all rates if no restart has ended.
    pub fn interval(&self) -> [f64; 2] {
        if self.ended == 0 {
            return [0.0, 1.0];
        }
        let (n, z) = (self.ended as f64, 1.959_963_984_540_054);
        let p = self.successes as f64 / n;
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / (1.0 + z * z / n);
        let low = if self.successes == 0 { 0.0 } else { middle - half };
        let high = if self.successes == self.ended { 1.0 } else { middle + half };
        [low, high]
    }
}

/// Why there was no training.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The program does not compile, such as for want of memory.
    #[error("the master formula: {0}")]
    Program(#[from] Error),
    /// It was stopped.
    #[error("the master formula: {0}")]
    Evaluation(#[from] BatchError),
}

/// The phase that a restart is in.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Search,
    Hardening { since: usize },
}

/// A restart under way.
struct Restart {
    index: usize,
    logits: Vec<f64>,
    moments: [Vec<f64>; 2],
    /// Steps since moments were zero.
    steps: i32,
    iteration: usize,
    phase: Phase,
    best: Vec<f64>,
    best_loss: f64,
    best_at: usize,
    bad: usize,
    reloads: usize,
    looked: HashSet<Vec<u8>>,
}

/// Numbers that a restart's row has beside its logits.
struct Schedule {
    temperature: f64,
    rate: f64,
    sharpness: f64,
}

impl Restart {
    fn new(index: usize, master: &Master, settings: &Settings, seed: u64) -> Restart {
        let mut random = Random(seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let start = settings.start.unwrap_or(Start::ALL[index % Start::ALL.len()]);
        let logits = master.start(start, &mut random);
        let zero = vec![0.0; logits.len()];
        Restart {
            index,
            best: logits.clone(),
            moments: [zero.clone(), zero],
            logits,
            steps: 0,
            iteration: 0,
            phase: Phase::Search,
            best_loss: f64::INFINITY,
            best_at: 0,
            bad: 0,
            reloads: 0,
            looked: HashSet::new(),
        }
    }

    fn schedule(&self, settings: &Settings) -> Schedule {
        match self.phase {
            Phase::Search => {
                Schedule { temperature: settings.temperature, rate: settings.rate, sharpness: 0.0 }
            }
            Phase::Hardening { since } => {
                let t = (self.iteration - since) as f64 / settings.hardening as f64;
                Schedule {
                    temperature: settings.temperature * (COLD / settings.temperature).powf(t * t),
                    rate: settings.rate * (1.0 - t).powi(2).max(0.01),
                    sharpness: settings.sharpness * t,
                }
            }
        }
    }

    fn go_back(&mut self) {
        self.logits.clone_from(&self.best);
        self.moments.iter_mut().for_each(|moment| moment.fill(0.0));
        self.steps = 0;
        self.bad = 0;
    }

    /// A step by the loss and its gradient. Returns whether the restart goes on.
    fn step(&mut self, loss: f64, gradient: impl Fn(usize) -> f64, settings: &Settings) -> bool {
        let schedule = self.schedule(settings);
        let norm = (0..self.logits.len()).map(|k| gradient(k).powi(2)).sum::<f64>().sqrt();
        self.iteration += 1;
        if loss.is_finite() && norm.is_finite() {
            if let Phase::Search = self.phase
                && loss < self.best_loss
            {
                // Less than this is no better.
                if loss < self.best_loss * (1.0 - 1e-4) {
                    self.best_at = self.iteration;
                }
                self.best_loss = loss;
                self.best.clone_from(&self.logits);
            }
            let scale = if norm > settings.clip { settings.clip / norm } else { 1.0 };
            self.steps += 1;
            let bias = MOMENTS.map(|decay| 1.0 - decay.powi(self.steps));
            let [first, second] = &mut self.moments;
            for (k, logit) in self.logits.iter_mut().enumerate() {
                let slope = gradient(k) * scale;
                first[k] += (1.0 - MOMENTS[0]) * (slope - first[k]);
                second[k] += (1.0 - MOMENTS[1]) * (slope * slope - second[k]);
                *logit -= schedule.rate * (first[k] / bias[0]) / ((second[k] / bias[1]).sqrt() + EPSILON);
            }
        } else {
            self.bad += 1;
            if self.bad >= MOST_BAD {
                self.reloads += 1;
                self.go_back();
                if self.reloads > MOST_RELOADS {
                    return false;
                }
            }
        }
        match self.phase {
            Phase::Search => {
                let stalls = self.iteration - self.best_at > PATIENCE && self.best_loss < LOW;
                if self.iteration >= settings.search || stalls {
                    self.go_back();
                    self.phase = Phase::Hardening { since: self.iteration };
                }
                true
            }
            Phase::Hardening { since } => self.iteration - since < settings.hardening,
        }
    }
}

/// What all threads share.
struct Run<'a> {
    master: &'a Master,
    kernel: &'a Kernel,
    params: &'a [f64],
    settings: &'a Settings,
    options: &'a Options<'a>,
    verifier: &'a Verifier<'a>,
    /// Some rows: points, and what the target is there.
    probes: &'a [(Vec<f64>, f64)],
    next: AtomicUsize,
    /// Whether a tree has been found.
    found: AtomicBool,
    outcome: Mutex<Outcome>,
}

impl Run<'_> {
    /// Whether nothing more is to be done.
    fn is_over(&self) -> bool {
        self.options.is_over(self.options.until) || self.settings.first && self.found.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Restart> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.settings.restarts)
            .then(|| Restart::new(index, self.master, self.settings, self.options.seed))
    }

    /// Whether a restart goes on: tries the tree that it would come to, if it is another than before.
    fn look(&self, restart: &mut Restart, goes_on: bool) -> bool {
        let corner = self.master.corner(&restart.logits);
        if !restart.looked.insert(corner.clone()) && goes_on {
            return true;
        }
        let corner = self.polished(corner, !goes_on);
        let Some(found) = self.verifier.verified(self.master.tree(&corner)) else { return goes_on };
        self.found.store(true, Ordering::Relaxed);
        let mut outcome = self.outcome.lock().expect("no thread panics");
        outcome.successes += 1;
        let text = |tree: &super::Tree| tree.text(1 << 16);
        let own = text(&found.tree);
        match outcome.found.iter_mut().find(|(other, _)| text(&other.tree) == own) {
            Some((_, first)) => *first = restart.index.min(*first),
            None => outcome.found.push((found, restart.index)),
        }
        false
    }

    /// The best corner that single changes of choices lead to, each to what is best; at the end, changes of two as well.
    fn polished(&self, mut corner: Vec<u8>, pairs: bool) -> Vec<u8> {
        if !self.settings.polish {
            return corner;
        }
        let loss = |corner: &[u8]| -> f64 {
            self.probes.iter().map(|(point, t)| (self.master.value(corner, point) - t).norm_sqr()).sum()
        };
        let changes = |corner: &[u8]| -> Vec<(usize, u8)> {
            let relevant = self.master.relevant(corner);
            let ways = relevant.into_iter().flat_map(|k| self.master.ways(k).map(move |way| (k, way)));
            ways.filter(|&(k, way)| corner[k] != way).collect()
        };
        let mut least = loss(&corner);
        loop {
            let mut best: Option<(f64, Vec<u8>)> = None;
            let mut consider = |changed: &[u8]| {
                let found = loss(changed);
                if found < best.as_ref().map_or(least, |best| best.0) {
                    best = Some((found, changed.to_vec()));
                }
            };
            let mut changed = corner.clone();
            for (k, way) in changes(&corner) {
                let before = std::mem::replace(&mut changed[k], way);
                consider(&changed);
                if pairs {
                    let first = changed.clone();
                    for (other, way) in changes(&first).into_iter().filter(|change| change.0 > k) {
                        let before = std::mem::replace(&mut changed[other], way);
                        consider(&changed);
                        changed[other] = before;
                    }
                }
                changed[k] = before;
            }
            match best {
                Some((found, better)) => (least, corner) = (found, better),
                None => return corner,
            }
        }
    }

    /// Trains restarts side by side until there are no more.
    fn shard(&self) -> Result<(), BatchError> {
        let count = self.master.logits();
        let mut restarts: Vec<Restart> = (0..SHARD).map_while(|_| self.take()).collect();
        let mut workspace = Workspace::default();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        // As the kernel has them: the logits and what belongs to the schedule, by name.
        let columns = self.kernel.inputs().iter().filter(|input| input.source != Origin::Shared);
        let names: Vec<&str> = columns.map(|input| input.name.as_str()).collect();
        let place: Vec<Option<usize>> =
            names.iter().map(|name| name.strip_prefix('w').and_then(|k| k.parse().ok())).collect();
        // Derivatives come in the order of the inputs that they are by.
        let mut slope = vec![0; count];
        place.iter().flatten().enumerate().for_each(|(k, &logit)| slope[logit] = k + 1);
        while !restarts.is_empty() && !self.is_over() {
            let rows = restarts.len();
            inputs.clear();
            for (column, logit) in place.iter().enumerate() {
                for restart in &restarts {
                    inputs.push(match logit {
                        Some(k) => restart.logits[*k],
                        None => {
                            let schedule = restart.schedule(self.settings);
                            if names[column] == "temperature" {
                                schedule.temperature
                            } else {
                                schedule.sharpness
                            }
                        }
                    });
                }
            }
            outputs.resize((count + 1) * rows, 0.0);
            let sources: Vec<Source<'_, f64>> = inputs.chunks_exact(rows).map(Source::Column).collect();
            let mut sinks: Vec<Sink<'_, f64>> = outputs.chunks_exact_mut(rows).map(Sink::Column).collect();
            let batch = Batch {
                rows,
                inputs: &sources,
                params: self.params,
                outputs: &mut sinks,
                param_gradients: &mut [],
            };
            let run = RunOptions { threads: 1, stop: Some(self.options.stop), ..RunOptions::default() };
            match self.kernel.evaluate(batch, &run, &mut workspace) {
                Err(BatchError::Stopped) => return Ok(()),
                other => other?,
            };
            self.outcome.lock().expect("no thread panics").evaluations += rows as u64;
            let mut row = 0;
            restarts.retain_mut(|restart| {
                let at = row;
                row += 1;
                let mut goes_on = restart.step(outputs[at], |k| outputs[slope[k] * rows + at], self.settings);
                if !goes_on || restart.iteration.is_multiple_of(LOOK) {
                    goes_on = self.look(restart, goes_on);
                }
                if !goes_on {
                    self.outcome.lock().expect("no thread panics").ended += 1;
                }
                goes_on
            });
            while restarts.len() < SHARD
                && let Some(restart) = self.take()
            {
                restarts.push(restart);
            }
        }
        Ok(())
    }
}

/// Trains restarts until all have ended, or the time has.
///
/// # Errors
///
/// [`TrainError`].
pub fn train(data: &Data, options: &Options<'_>, settings: &Settings) -> Result<Outcome, TrainError> {
    let names: Vec<String> = data.variables.iter().map(|(name, _)| name.clone()).collect();
    let master = Master::new(settings.depth, names, settings.everywhere);
    let rows = chosen(data.target.len(), options.seed);
    let column = |numbers: &[f64]| -> Vec<f64> { rows.iter().map(|&row| numbers[row]).collect() };
    let mut shared: Vec<(String, Vec<f64>)> =
        data.variables.iter().enumerate().map(|(k, (_, x))| (format!("x{k}"), column(x))).collect();
    shared.push(("target".into(), column(&data.target)));
    let program = Program::parse(&master.program(rows.len()))?;
    let mut signature = Signature::scalars();
    for (name, _) in &shared {
        signature = signature.shape(name, Shape::Vector(rows.len() as u32)).parameter(name);
    }
    let compile =
        CompileOptions::default().signature(signature).derivative(Derivative::Gradient).wrt(master.names());
    let kernel = program.compile(&compile)?;
    let mut params = Vec::new();
    for input in kernel.inputs().iter().filter(|input| input.source == Origin::Shared) {
        let (_, numbers) = shared.iter().find(|(name, _)| *name == input.name).expect("data have names");
        params.extend_from_slice(numbers);
    }
    let verifier = Verifier::of(data, options);
    let step = rows.len().div_ceil(PROBES);
    let point = |row: usize| data.variables.iter().map(|(_, x)| x[row]).collect();
    let probes: Vec<(Vec<f64>, f64)> =
        rows.iter().step_by(step).map(|&row| (point(row), data.target[row])).collect();
    let run = Run {
        master: &master,
        kernel: &kernel,
        params: &params,
        settings,
        options,
        verifier: &verifier,
        probes: &probes,
        next: AtomicUsize::new(0),
        found: AtomicBool::new(false),
        outcome: Mutex::new(Outcome { found: Vec::new(), successes: 0, ended: 0, evaluations: 0 }),
    };
    let threads = rayon::current_num_threads();
    (0..threads).into_par_iter().map(|_| run.shard()).collect::<Result<Vec<()>, _>>()?;
    let mut outcome = run.outcome.into_inner().expect("no thread panics");
    outcome.found.sort_by_key(|(found, restart)| (found.tree.sizes().nodes, *restart));
    Ok(outcome)
}

/// Rows of the data to train on.
fn chosen(rows: usize, seed: u64) -> Vec<usize> {
    let mut all: Vec<usize> = (0..rows).collect();
    let mut random = Random(seed);
    for k in 0..rows.min(ROWS) {
        let other = k + ((random.between(0.0, 1.0) * (rows - k) as f64) as usize).min(rows - k - 1);
        all.swap(k, other);
    }
    all.truncate(ROWS);
    all.sort_unstable();
    all
}
