//! Fitting: the parameters of a program with which its results are nearest to data.
//!
//! ```
//! use nc_model::fit::{Fit, Series};
//! use neural_compiler::Program;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let law = Program::parse("(* a (exp (* (- b) t)))")?;
//! let t: Vec<f64> = (0..20).map(f64::from).collect();
//! let y: Vec<f64> = t.iter().map(|t| 3.0 * (-0.25 * t).exp()).collect();
//! let report = Fit::new(&law).data(Series::scalar("t", t)).target("", Series::scalar("y", y)).run()?;
//! let [a, b] = report.parameters.as_slice() else { panic!("two parameters") };
//! assert!((a.value - 3.0).abs() < 1e-12 && (b.value - 0.25).abs() < 1e-13);
//! # Ok(())
//! # }
//! ```
//!
//! Residuals and exact derivatives come from a kernel, row after row (`objective`), and are reduced to R of `[J r]` block by block
//! (`triangle`); searches step from one such R to the next (`trust_region`), from many starts side by side (`starts`,
//! `search`); `uncertainty` and `certify` say what the minimum means, and [`Report`] holds it.

mod certify;
mod compare;
mod descent;
mod groups;
mod hybrid;
mod loss;
mod objective;
mod parameters;
mod plot;
mod profile;
mod report;
mod search;
mod solution;
mod starts;
mod svd;
mod triangle;
mod trust_region;
mod uncertainty;
mod unit;

use std::borrow::Cow;

use neural_compiler::batch::{RowOutcome, Stop, Workspace};
use neural_compiler::{CompileOptions, Error, Program, Shape, Signature, Source, Tier};

use self::objective::{Objective, Rows};
use self::parameters::Layout;
use self::search::Task;
use self::trust_region::Setting;
use self::uncertainty::Inverse;
use self::unit::{Unit, exponent};

pub use self::compare::{Left, Nested, Standing, nested};
pub use self::descent::{Adam, Method, Schedule};
pub use self::groups::{Group, Groups};
pub use self::hybrid::{IMITATED, Orthogonal, Orthogonality, Overlap};
pub use self::loss::Loss;
pub use self::parameters::{Derived, Parameter, Tie, element_name};
pub use self::plot::{Axis, Figure};
pub use self::profile::Profile;
pub(crate) use self::report::short;
pub use self::report::{Estimate, Goodness, Network, Report, Scatter, Starts, Validation, Weights, hash};
pub use self::solution::{FittedColumn, Solution};
pub use self::trust_region::Reason;
pub use crate::picture::Image;

/// Data: a column of numbers for each element of an input or a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// What a row of it is.
    pub shape: Shape,
    /// The column of each element, row-major.
    pub columns: Vec<Vec<f64>>,
}

impl Series {
    /// A number in each row.
    pub fn scalar(name: impl Into<String>, column: Vec<f64>) -> Series {
        Series { name: name.into(), shape: Shape::Scalar, columns: vec![column] }
    }
}

/// How far data scatter.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Noise {
    /// By the same in all rows, which the residuals tell.
    #[default]
    FromResiduals,
    /// By standard deviations that are known, one for each row.
    Sigma(Vec<f64>),
    /// By standard deviations that are known, for each target in their order and each row.
    SigmaOfEach(Vec<Vec<f64>>),
    /// By standard deviations that are known, for each element of each target in their order and each row.
    SigmaOfElements(Vec<Vec<f64>>),
    /// By variances in inverse proportion to these weights, how much in all the residuals tell. Rows of weight 0 are left out.
    Weights(Vec<f64>),
}

/// Steps that a search may take, unless the caller says otherwise.
pub const DEFAULT_STEPS: usize = 2000;

/// Starts of a fit, unless the caller says otherwise.
pub const DEFAULT_STARTS: usize = 64;

/// How far a fit has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// A step of searches that go on side by side.
    Searches {
        /// How many are under way.
        under_way: usize,
        /// The lowest cost so far: half the sum of squares, or of what a robust loss makes of it.
        lowest: f64,
        /// How many points were evaluated.
        evaluations: usize,
    },
    /// Epochs of a training, or iterations of L-BFGS.
    Descent {
        /// How many are done.
        done: usize,
        /// How many there are at the most.
        of: usize,
        /// The mean over the rows of half the sum of squares, or of what a robust loss makes of it: in the course of the last
        /// epoch, or at the point of the iteration.
        training: f64,
        /// The mean over the rows that are held out, if any are, of half the sum of squares.
        held_out: Option<f64>,
    },
    /// Groups that are fitted by themselves.
    Groups {
        /// How many are done.
        done: usize,
        /// How many there are.
        of: usize,
    },
}

/// What is told how far a fit has come, from any thread.
pub type Listener<'a> = &'a (dyn Fn(Progress) + Sync);

/// A fit, put together piece by piece and carried out by [`Fit::run`].
#[derive(Clone)]
pub struct Fit<'a> {
    program: &'a Program,
    data: Vec<Series>,
    targets: Vec<(String, Series)>,
    noise: Noise,
    parameters: Vec<Parameter>,
    ties: Vec<Tie>,
    derived: Vec<Derived>,
    loss: Loss,
    method: Method,
    starts: usize,
    seed: u32,
    steps: usize,
    level: f64,
    skip_nan: bool,
    profiles: bool,
    orthogonal: Option<Orthogonal>,
    overlaps: bool,
    tier: Tier,
    stop: Option<&'a Stop>,
    progress: Option<Listener<'a>>,
}

/// Why there is no fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The program, or a tie, does not compile with these shapes.
    #[error("{0}")]
    Program(Box<Error>),
    /// Nothing is compared with the results.
    #[error("no target: nothing says which column the program's value is compared with")]
    NoTarget,
    /// A result that the program does not have.
    #[error("the program has no result `{name}`{}", said(.results, "; its results are: ", "; it has one, without a name"))]
    UnknownResult {
        /// The name.
        name: String,
        /// What there is.
        results: Vec<String>,
    },
    /// A column that is no input of the program.
    #[error("the program has no input `{name}`")]
    UnknownInput {
        /// The name.
        name: String,
    },
    /// A parameter that the program does not have.
    #[error("{}", match is_data {
        true => format!("`{name}` is a column of the data, so it is no parameter"),
        false => format!("the program has no parameter `{name}`{}", said(.parameters, "; its parameters are: ", "; it has none")),
    })]
    UnknownParameter {
        /// The name.
        name: String,
        /// Whether there is a column of this name.
        is_data: bool,
        /// What there is.
        parameters: Vec<String>,
    },
    /// A name that is given twice.
    #[error("`{name}` is given twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A top-level number as a vector.
    #[error("`{name}` is a top-level number of the program, so it can be no vector or matrix")]
    NumberOfShape {
        /// The name.
        name: String,
    },
    /// Too many or too few elements of a start.
    #[error("the parameter `{name}` has {expected} elements, and {found} are given")]
    Elements {
        /// The name.
        name: String,
        /// Elements needed.
        expected: usize,
        /// Elements there.
        found: usize,
    },
    /// Bounds between which there is nothing.
    #[error("the bounds of `{name}` contradict each other: {low} … {high}")]
    Bounds {
        /// The name.
        name: String,
        /// The lower one.
        low: f64,
        /// The upper one.
        high: f64,
    },
    /// A start outside the bounds.
    #[error("`{name}` starts at {start}, which is not within {low} … {high}")]
    StartOutside {
        /// The name.
        name: String,
        /// The start.
        start: f64,
        /// The lower bound.
        low: f64,
        /// The upper one.
        high: f64,
    },
    /// A tied parameter that is something else, too.
    #[error(
        "`{name}` is tied to other parameters, so it can be neither fixed nor bounded, and is one number"
    )]
    TiedAndMore {
        /// The name.
        name: String,
    },
    /// A tie to a tied parameter.
    #[error("`{name}` is tied to `{other}`, which is tied itself: say it by the parameters that are free")]
    TiedToTied {
        /// The tied parameter.
        name: String,
        /// The one it is tied to.
        other: String,
    },
    /// A tie, or a number that follows from the parameters, that is no number.
    #[error("the expression for `{name}` has to give one number, and its inputs have to be numbers")]
    TieOfShape {
        /// What it is for.
        name: String,
    },
    /// σ for more or fewer targets than there are.
    #[error("σ is given for {found} of {expected} targets: it has to be known for all of them or for none")]
    Sigmas {
        /// Targets.
        expected: usize,
        /// How many σ are given for.
        found: usize,
    },
    /// Columns of different lengths.
    #[error("`{name}` has {found} rows, and the first column has {expected}")]
    Rows {
        /// The column.
        name: String,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this one.
        found: usize,
    },
    /// A target of another shape than the result.
    #[error("`{name}` has {found} numbers in a row, and the result has {expected}")]
    TargetShape {
        /// The target.
        name: String,
        /// Numbers of the result.
        expected: usize,
        /// Numbers of the target.
        found: usize,
    },
    /// No rows.
    #[error("there are no rows to fit")]
    NoRows,
    /// A number that is none.
    #[error("`{name}` is {value} in row {row}{}", more(*.count))]
    NotFinite {
        /// The column.
        name: String,
        /// The number.
        value: f64,
        /// The first such row, from 0.
        row: usize,
        /// How many such rows there are.
        count: usize,
    },
    /// A σ that is not above 0, or a weight below 0.
    #[error("{what} has to be {needed}, and is {value} in row {row}")]
    Scatter {
        /// σ or weight.
        what: &'static str,
        /// What it has to be.
        needed: &'static str,
        /// The number.
        value: f64,
        /// The first such row, from 0.
        row: usize,
    },
    /// A width of a loss that is not above 0.
    #[error("where outliers begin has to be above 0, and is {width}")]
    LossWidth {
        /// The width.
        width: f64,
    },
    /// A bound for a method that has none.
    #[error("`{name}` has a bound, and L-BFGS takes none; least squares does, and Adam")]
    BoundsByLbfgs {
        /// The parameter.
        name: String,
    },
    /// Weights of a network and a method that needs their Jacobian.
    #[error(
        "`{name}` belongs to a network, and there are more than {most} numbers: --method adam or lbfgs trains them"
    )]
    Jacobian {
        /// A parameter of the network.
        name: String,
        /// How many numbers least squares search for beside those of networks.
        most: usize,
    },
    /// What a Jacobian answers, asked of a fit that trains weights.
    #[error("a fit that trains weights of networks has no {what}: none of them is determined by itself")]
    OfWeights {
        /// What was asked for.
        what: &'static str,
    },
    /// Another method than least squares for groups of rows.
    #[error("groups of rows are fitted by least squares, and by no other method")]
    MethodOfGroups,
    /// A correction that cannot be made orthogonal to the effects of constants.
    #[error("the networks cannot be made orthogonal to the constants: {why}")]
    Orthogonal {
        /// Why, and what helps.
        why: String,
    },
    /// A start of another shape than the program declares.
    #[error("`{name}` is {}, and what is given is {}", shape_in_words(*.expected), shape_in_words(*.found))]
    DeclaredShape {
        /// The parameter.
        name: String,
        /// The shape that the program declares.
        expected: Shape,
        /// The shape of what is given.
        found: Shape,
    },
    /// A number of a training that makes no sense.
    #[error("{what} has to be {needed}, and is {value}")]
    Training {
        /// What it is.
        what: &'static str,
        /// What it has to be.
        needed: &'static str,
        /// What it is.
        value: f64,
    },
    /// Too few rows to hold some out.
    #[error("of {rows} rows {held} would be held out: some have to be, and some have to be left")]
    HeldOut {
        /// Rows.
        rows: usize,
        /// How many would be held out.
        held: usize,
    },
    /// A logarithmic axis for numbers that have no logarithm.
    #[error("`{name}` is {value} in a row, so its axis cannot be logarithmic")]
    Logarithm {
        /// What the axis is of.
        name: String,
        /// A number that is not above 0.
        value: f64,
    },
    /// A level that is no probability.
    #[error("how much lies within intervals is between 0 and 1, and not {level}")]
    Level {
        /// The level.
        level: f64,
    },
    /// Neither the start nor any other point that was tried is in the domain of the program.
    #[error("the residuals or their derivatives are not finite at the start{}", at(*.row))]
    Start {
        /// A row in which they are not, from 0.
        row: Option<usize>,
        /// Why, with the place in the program.
        why: Option<Box<neural_compiler::Check>>,
    },
}

fn said(names: &[String], before: &str, none: &str) -> String {
    let named: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    if named.is_empty() { none.to_owned() } else { format!("{before}{}", named.join(", ")) }
}

fn shape_in_words(shape: Shape) -> String {
    match shape {
        Shape::Scalar => "one number".into(),
        Shape::Complex => "a complex number".into(),
        Shape::Vector(n) => format!("a vector of {n}"),
        Shape::Matrix(rows, columns) => format!("a matrix of {rows}×{columns}"),
    }
}

fn more(count: usize) -> String {
    if count > 1 { format!(", and {} more rows have such numbers", count - 1) } else { String::new() }
}

fn at(row: Option<usize>) -> String {
    row.map_or(String::new(), |row| format!(", first in row {row}"))
}

impl FitError {
    pub(crate) fn program(error: Error) -> FitError {
        FitError::Program(Box::new(error))
    }
}

impl<'a> Fit<'a> {
    /// A fit of a program: 64 starts, least squares, intervals of 95 %.
    pub fn new(program: &'a Program) -> Fit<'a> {
        Fit {
            program,
            data: Vec::new(),
            targets: Vec::new(),
            noise: Noise::FromResiduals,
            parameters: Vec::new(),
            ties: Vec::new(),
            derived: Vec::new(),
            loss: Loss::Linear,
            method: Method::LeastSquares,
            starts: DEFAULT_STARTS,
            seed: 0,
            steps: DEFAULT_STEPS,
            level: 0.95,
            skip_nan: false,
            profiles: false,
            orthogonal: None,
            overlaps: false,
            tier: Tier::Auto,
            stop: None,
            progress: None,
        }
    }

    /// Adds data for the input of this name. Inputs without data are parameters, and so are top-level numbers.
    pub fn data(mut self, series: Series) -> Self {
        self.data.push(series);
        self
    }

    /// Compares a result with data. The only result of a program has the empty name.
    pub fn target(mut self, result: impl Into<String>, series: Series) -> Self {
        self.targets.push((result.into(), series));
        self
    }

    /// Sets how far data scatter.
    pub fn noise(self, noise: Noise) -> Self {
        Fit { noise, ..self }
    }

    /// Says more about a parameter than where it starts by itself.
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Ties a parameter to others.
    pub fn tie(mut self, tie: Tie) -> Self {
        self.ties.push(tie);
        self
    }

    /// Adds a number that follows from the parameters, to be reported with its error: [`Report::derived`].
    pub fn derive(mut self, derived: Derived) -> Self {
        self.derived.push(derived);
        self
    }

    /// Sets what is minimised of the residuals.
    pub fn loss(self, loss: Loss) -> Self {
        Fit { loss, ..self }
    }

    /// Sets how the minimum is searched for.
    pub fn method(self, method: Method) -> Self {
        Fit { method, ..self }
    }

    /// Sets from how many starts the minimum is searched for; from the user's only with 1.
    pub fn starts(self, starts: usize) -> Self {
        Fit { starts, ..self }
    }

    /// Sets the seed of what is drawn at random: starts, and the rows that exploring looks at.
    pub fn seed(self, seed: u32) -> Self {
        Fit { seed, ..self }
    }

    /// Sets how many steps a search may take.
    pub fn steps(self, steps: usize) -> Self {
        Fit { steps, ..self }
    }

    /// Sets how much lies within intervals: 0.95 by default.
    pub fn level(self, level: f64) -> Self {
        Fit { level, ..self }
    }

    /// Leaves out rows in which a number of the data is a NaN, instead of refusing them.
    pub fn skip_nan(self, skip_nan: bool) -> Self {
        Fit { skip_nan, ..self }
    }

    /// Follows the minimum as each parameter moves away from it, too: [`Report::profiles`].
    pub fn profiles(self, profiles: bool) -> Self {
        Fit { profiles, ..self }
    }

    /// Sets how the program is run. All ways give the same bits.
    pub fn tier(self, tier: Tier) -> Self {
        Fit { tier, ..self }
    }

    /// Sets what stops the fit: the best point so far is then what it gives.
    pub fn stop(self, stop: &'a Stop) -> Self {
        Fit { stop: Some(stop), ..self }
    }

    /// Sets what is told how the fit goes on.
    pub fn progress(self, progress: Listener<'a>) -> Self {
        Fit { progress: Some(progress), ..self }
    }

    /// Carries it out.
    ///
    /// # Errors
    ///
    /// What does not fit together, numbers that are none, and a program that is finite nowhere where a search starts; see
    /// [`FitError`]. A search that does not end at a minimum is no error: the report says so.
    pub fn run(&self) -> Result<Report, FitError> {
        Ok(self.solve()?.report)
    }

    /// Whether residuals are weighted.
    fn is_weighted(&self) -> bool {
        self.noise != Noise::FromResiduals
    }

    /// Searches for the minimum.
    fn search(&self, prepared: &Prepared) -> Result<search::Found, FitError> {
        let layout = &prepared.layout;
        let task = self.task(prepared);
        let found = match self.method {
            Method::LeastSquares => search::minimise(task, self.starts, self.seed),
            Method::Lbfgs { .. } | Method::Adam(_) => self.descend(prepared)?,
        };
        if let Some(row) = found.not_finite
            && self.stop.is_none_or(|stop| !stop.is_stopped())
        {
            let start: Vec<f64> = layout.free.iter().map(|free| free.start).collect();
            let why = row.and_then(|row| self.why(prepared, &start, row)).map(Box::new);
            return Err(FitError::Start { row: row.map(|row| prepared.kept[row]), why });
        }
        Ok(found)
    }

    /// Descends by gradients, and evaluates the Jacobian where that ends.
    fn descend(&self, prepared: &Prepared) -> Result<search::Found, FitError> {
        let Prepared { rows, layout, objective, .. } = prepared;
        let data: Vec<(&str, Shape)> =
            self.data.iter().map(|series| (series.name.as_str(), series.shape)).collect();
        let results: Vec<String> = self.targets.iter().map(|(result, _)| result.clone()).collect();
        let mut gradients =
            descent::Gradients::new(self.program, layout, &data, &results, self.loss, self.tier)?;
        let start: Vec<f64> = layout.free.iter().map(|free| free.start).collect();
        let bounded = layout.free.iter().find(|free| free.low.is_finite() || free.high.is_finite());
        let tell = |done: usize, of: usize, training: f64, held_out: Option<f64>| {
            if let Some(progress) = self.progress {
                let measured = |cost: f64| prepared.unit.squared(cost);
                let (training, held_out) = (measured(training), held_out.map(measured));
                progress(Progress::Descent { done, of, training, held_out });
            }
        };
        let done = match (self.method, bounded) {
            (Method::Lbfgs { .. }, Some(free)) => {
                return Err(FitError::BoundsByLbfgs { name: free.name.clone() });
            }
            (Method::Lbfgs { iterations }, None) => {
                let tell = |done, of, cost, _| tell(done, of, cost / rows.count as f64, None);
                descent::lbfgs(&mut gradients, rows, &start, iterations, self.stop, &tell)
            }
            (Method::Adam(plan), _) => {
                let held = &prepared.held;
                descent::adam(&mut gradients, layout, rows, held, &plan, self.seed, self.stop, &tell)
            }
            (Method::LeastSquares, _) => unreachable!("least squares are searched for"),
        };
        let (at, not_finite) = if prepared.weights {
            // Costs alone: no Jacobian is made.
            let cost = gradients.cost(rows, &done.x, None).unwrap_or(f64::NAN);
            let at = trust_region::Evaluation { triangle: triangle::Triangle::new(1), cost };
            let bad = || objective.first_not_finite(layout, rows, &done.x);
            (Some(at), (done.reason == Reason::Start).then(bad))
        } else {
            let request = [objective::Request { point: &done.x, rows: 0..rows.count }];
            match objective.evaluate(layout, rows, &request, None).swap_remove(0) {
                Ok(at) => (Some(at), None),
                Err(row) => (None, Some(row)),
            }
        };
        let best_epoch = done.best_epoch;
        let best = trust_region::Search::ended(done.x, at, done.iterations, done.reason);
        let evaluations = done.evaluations + 1;
        Ok(search::Found { best, tried: 1, reached_best: 1, optima: 1, evaluations, not_finite, best_epoch })
    }

    fn task<'t>(&'t self, prepared: &'t Prepared) -> Task<'t> {
        let Prepared { rows, layout, objective, setting, .. } = prepared;
        let (stop, progress, steps, unit) = (self.stop, self.progress, self.steps, prepared.unit);
        Task { objective, layout, rows, setting, unit, stop, progress, steps }
    }

    /// Checks everything, compiles the program and puts the rows together.
    fn prepare(&self) -> Result<Prepared, FitError> {
        let (rows, kept, skipped, unit) = self.rows()?;
        let names: Vec<&str> = self.data.iter().map(|series| series.name.as_str()).collect();
        for (k, name) in names.iter().enumerate() {
            if !self.program.inputs().any(|input| input == *name) {
                return Err(FitError::UnknownInput { name: (*name).to_owned() });
            }
            if names[..k].contains(name) {
                return Err(FitError::Twice { name: (*name).to_owned() });
            }
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(FitError::Level { level: self.level });
        }
        let (width, loss) = (self.loss.width(), self.loss.measured(unit));
        if ![width, loss.width()].iter().all(|width| width.is_finite() && *width > 0.0) {
            return Err(FitError::LossWidth { width });
        }
        let mut layout =
            Layout::of(self.program, &names, &self.parameters, &self.ties, &self.derived, self.seed)?;
        let weights = match (self.method, layout.too_many()) {
            (Method::LeastSquares, None) => false,
            (Method::LeastSquares, Some(place)) => {
                return Err(FitError::Jacobian { name: place.name.clone(), most: parameters::WEIGHTS });
            }
            (Method::Lbfgs { .. } | Method::Adam(_), _) => layout.take_weights(),
        };
        if self.orthogonal.is_some() && !weights {
            let why =
                "no weights of networks are trained; --method adam or lbfgs trains those of (network …)";
            return Err(FitError::Orthogonal { why: why.into() });
        }
        if weights && self.profiles {
            return Err(FitError::OfWeights { what: "profiles" });
        }
        let held = match &self.method {
            Method::LeastSquares | Method::Lbfgs { .. } => Vec::new(),
            Method::Adam(plan) => {
                plan.check()?;
                descent::held_out(rows.count, plan.validation, self.seed)?
            }
        };
        let data: Vec<(&str, Shape)> =
            self.data.iter().map(|series| (series.name.as_str(), series.shape)).collect();
        let results: Vec<String> = self.targets.iter().map(|(result, _)| result.clone()).collect();
        let objective = Objective::new(self.program, &layout, &data, &results, loss, self.tier, !weights)?;
        let (expected, found) = (objective.compared(), rows.targets.len());
        if expected != found {
            return Err(FitError::TargetShape { name: self.targets[0].1.name.clone(), expected, found });
        }
        let affine: Vec<usize> = match self.loss {
            Loss::Linear if !weights => {
                let affine = objective.affine(&layout);
                (0..layout.free.len()).filter(|&k| affine.contains(&layout.free[k].parameter)).collect()
            }
            Loss::Linear | Loss::Huber(_) | Loss::SoftL1(_) | Loss::Cauchy(_) => Vec::new(),
        };
        let unbounded = |free: &parameters::Free| free.low == f64::NEG_INFINITY && free.high == f64::INFINITY;
        let linear = affine.iter().copied().filter(|&k| unbounded(&layout.free[k])).collect();
        let setting = Setting {
            low: layout.free.iter().map(|free| free.low).collect(),
            high: layout.free.iter().map(|free| free.high).collect(),
            linear,
            affine,
            size: groups::size(&rows, &(0..rows.count)),
            residuals: rows.count * objective.compared(),
        };
        Ok(Prepared { rows, kept, skipped, layout, objective, setting, unit, weights, held })
    }

    /// The rows that take part, their numbers in the data, how many were skipped for a NaN, and the unit of their residuals.
    fn rows(&self) -> Result<(Rows, Vec<usize>, usize, Unit), FitError> {
        let Some((_, first)) = self.targets.first() else { return Err(FitError::NoTarget) };
        let count = first.columns.first().map_or(0, Vec::len);
        let series = || self.data.iter().chain(self.targets.iter().map(|(_, series)| series));
        let scatter: Vec<(&'static str, &Vec<f64>)> = match &self.noise {
            Noise::FromResiduals => Vec::new(),
            Noise::Sigma(column) => vec![("σ", column)],
            Noise::SigmaOfEach(columns) | Noise::SigmaOfElements(columns) => {
                columns.iter().map(|column| ("σ", column)).collect()
            }
            Noise::Weights(column) => vec![("a weight", column)],
        };
        if let Noise::SigmaOfEach(columns) = &self.noise
            && columns.len() != self.targets.len()
        {
            return Err(FitError::Sigmas { expected: self.targets.len(), found: columns.len() });
        }
        let elements: usize = self.targets.iter().map(|(_, series)| series.columns.len()).sum();
        if let Noise::SigmaOfElements(columns) = &self.noise
            && columns.len() != elements
        {
            return Err(FitError::Sigmas { expected: elements, found: columns.len() });
        }
        let columns = || {
            let named = series().flat_map(|s| s.columns.iter().map(move |column| (s.name.as_str(), column)));
            named.chain(scatter.iter().copied())
        };
        for (name, column) in columns() {
            if column.len() != count {
                let (expected, found) = (count, column.len());
                return Err(FitError::Rows { name: name.to_owned(), expected, found });
            }
        }
        let weight_zero = |row: usize| matches!(&self.noise, Noise::Weights(weights) if weights[row] == 0.0);
        let mut kept = Vec::with_capacity(count);
        let mut skipped = 0;
        let mut bad: Option<(String, f64, usize)> = None;
        let mut bad_rows = 0;
        for row in 0..count {
            if weight_zero(row) {
                continue;
            }
            let found = columns().find(|(_, column)| !column[row].is_finite());
            match found {
                None => kept.push(row),
                Some((_, column)) if self.skip_nan && column[row].is_nan() => skipped += 1,
                Some((name, column)) => {
                    bad_rows += 1;
                    bad.get_or_insert((name.to_owned(), column[row], row));
                }
            }
        }
        if let Some((name, value, row)) = bad {
            return Err(FitError::NotFinite { name, value, row, count: bad_rows });
        }
        for &row in &kept {
            for (what, column) in &scatter {
                let (value, is_weight) = (column[row], matches!(self.noise, Noise::Weights(_)));
                if value < 0.0 || value == 0.0 && !is_weight {
                    let needed = if is_weight { "0 or above" } else { "above 0" };
                    return Err(FitError::Scatter { what, needed, value, row });
                }
            }
        }
        if kept.is_empty() {
            return Err(FitError::NoRows);
        }
        let all = kept.len() == count;
        let take = |column: &Vec<f64>| match all {
            true => column.clone(),
            false => kept.iter().map(|&row| column[row]).collect(),
        };
        // σ of each row that takes part, by which residuals are divided, or roots of weights, with which they are multiplied.
        let is_weight = matches!(self.noise, Noise::Weights(_));
        let raw: Vec<Vec<f64>> = match &self.noise {
            Noise::FromResiduals => Vec::new(),
            Noise::Sigma(sigma) => vec![take(sigma)],
            Noise::SigmaOfEach(sigmas) => {
                let of_target = |(sigma, (_, series)): (&Vec<f64>, &(String, Series))| {
                    std::iter::repeat_n(take(sigma), series.columns.len())
                };
                sigmas.iter().zip(&self.targets).flat_map(of_target).collect()
            }
            Noise::SigmaOfElements(sigmas) => sigmas.iter().map(take).collect(),
            Noise::Weights(weights) => vec![kept.iter().map(|&row| weights[row].sqrt()).collect()],
        };
        let mut rows = Rows {
            count: kept.len(),
            inputs: self.data.iter().flat_map(|series| &series.columns).map(take).collect(),
            targets: self.targets.iter().flat_map(|(_, series)| &series.columns).map(take).collect(),
            scales: raw,
        };
        // Where the data are zeros, residuals are taken to be about 1.
        let largest = |zero: Option<i32>| {
            let of = |element: usize, row: usize| {
                let of_target = exponent(rows.targets[element][row]).or(zero)?;
                let raw = rows.scales(element).map_or(Some(0), |raw| exponent(raw[row]))?;
                Some(if is_weight { of_target + raw } else { of_target - raw })
            };
            (0..rows.targets.len()).flat_map(|k| (0..rows.count).filter_map(move |row| of(k, row))).max()
        };
        let data = rows.targets.iter().flatten().filter_map(|target| exponent(*target)).max();
        let weighted = largest(None).or_else(|| largest(Some(0)));
        let unit = Unit::of(weighted.unwrap_or(0), data.unwrap_or(0));
        for scale in rows.scales.iter_mut().flatten() {
            *scale = if is_weight { unit.measured(*scale) } else { unit.over(*scale) };
        }
        if rows.scales.is_empty() && !unit.is_one() {
            rows.scales = vec![vec![unit.over(1.0); rows.count]];
        }
        Ok((rows, kept, skipped, unit))
    }

    /// The first operation of a row that leaves its domain there.
    fn why(&self, prepared: &Prepared, point: &[f64], row: usize) -> Option<neural_compiler::Check> {
        let Prepared { rows, layout, objective, .. } = prepared;
        let values = layout.expand(point).values;
        let mut signature = Signature::scalars();
        for input in objective.kernel().inputs() {
            signature = signature.shape(&input.name, input.shape);
            if input.source == Source::Shared {
                signature = signature.parameter(&input.name);
            }
        }
        let numbers: Vec<&str> = self.program.constants().map(|(name, _)| name).collect();
        let opened =
            layout.places.iter().map(|place| place.name.as_str()).filter(|name| numbers.contains(name));
        let program = self.program.with_inputs(opened).ok()?;
        let options = CompileOptions::default().signature(signature).check_domain(true);
        let kernel = program.compile(&options).ok()?;
        let inputs = objective.row(rows, &values, row);
        let width = kernel.outputs().iter().map(|output| output.shape.len()).sum();
        let mut outputs = vec![0.0; width];
        let shared = objective.shared(&values);
        let outcome =
            kernel.evaluate_row(&inputs, &shared, &mut outputs, &mut [], &mut Workspace::new()).ok()?;
        match outcome {
            RowOutcome::Failed(check) | RowOutcome::Noted(check) => {
                kernel.checks().get(check as usize).cloned()
            }
            _ => None,
        }
    }
}

/// What a fit is carried out on.
struct Prepared {
    rows: Rows,
    /// The numbers of its rows in the data.
    kept: Vec<usize>,
    skipped: usize,
    layout: Layout,
    objective: Objective,
    setting: Setting,
    /// What residuals are measured in.
    unit: Unit,
    /// Whether weights of networks are trained: then there is no Jacobian, and what follows from one.
    weights: bool,
    /// The rows that are held out of the training, in their order.
    held: Vec<usize>,
}

/// What a minimum says about the parameters.
struct Meaning {
    /// Which of the free numbers are at a bound.
    at_bound: Vec<bool>,
    inverse: Inverse,
    /// Residuals that are left over, if there are any.
    dof: Option<usize>,
    scatter: Scatter,
    /// The standard deviation of residuals, if it is known.
    deviation: Option<Deviation>,
}

/// A standard deviation of residuals as they are weighted: 1 where σ is known, whatever they are measured in.
#[derive(Debug, Clone, Copy)]
struct Deviation {
    value: f64,
    /// The unit of errors of parameters that follow from it.
    unit: Option<Unit>,
}

impl Deviation {
    /// An error that follows from one that is as if residuals scattered by 1.
    fn times(self, spread: f64) -> f64 {
        match self.unit {
            None => spread * self.value,
            Some(unit) => unit.measured(spread * self.value),
        }
    }

    /// The variance as residuals are measured; `None` where that is no normal number.
    fn variance(self) -> Option<f64> {
        let deviation = self.times(1.0);
        Some(deviation * deviation).filter(|variance| variance.is_normal())
    }
}

impl Meaning {
    /// How many standard errors intervals of this level have on each side.
    fn quantile(&self, level: f64) -> Option<f64> {
        match self.scatter {
            Scatter::Known => uncertainty::quantile(level, None),
            Scatter::FromResiduals | Scatter::Relative => uncertainty::quantile(level, self.dof),
        }
    }
}

impl Fit<'_> {
    /// What a minimum over so many rows says about the parameters. `rows` gives them, which only robust losses need.
    fn meaning<'r>(
        &self,
        prepared: &Prepared,
        best: &trust_region::Search,
        count: usize,
        rows: impl Fn() -> Cow<'r, Rows>,
    ) -> Meaning {
        let Prepared { layout, objective, .. } = prepared;
        let residuals = count * objective.compared();
        let at_bound = layout.at_bound(&best.x);
        if prepared.weights {
            let inverse = Inverse::of(&triangle::Triangle::new(1), &[]);
            let scatter = Scatter::FromResiduals;
            return Meaning { at_bound, inverse, dof: None, scatter, deviation: None };
        }
        let none = triangle::Triangle::new(layout.free.len() + 1);
        let triangle = best.at.as_ref().map_or(&none, |at| &at.triangle);
        let robust = (self.loss != Loss::Linear && best.at.is_some())
            .then(|| robust(objective, layout, &rows(), &best.x));
        let inverse = Inverse::of(robust.as_ref().map_or(triangle, |(triangle, _, _)| triangle), &at_bound);
        let dof = residuals.checked_sub(inverse.rank()).filter(|&dof| dof > 0);
        let from_residuals = match &self.noise {
            Noise::FromResiduals | Noise::Sigma(_) | Noise::SigmaOfEach(_) | Noise::SigmaOfElements(_) => {
                Scatter::FromResiduals
            }
            Noise::Weights(_) => Scatter::Relative,
        };
        let measured = |value: f64| Deviation { value, unit: None };
        let (scatter, deviation) = match (&self.noise, &robust, dof) {
            // Huber, *Robust Statistics* (1981), section 7.6: the scatter of the influence over its mean slope.
            (_, Some((_, influence, slope)), Some(dof)) => {
                let deviation = (influence / dof as f64).sqrt() / (slope / residuals as f64);
                (from_residuals, Some(measured(deviation.abs())))
            }
            (Noise::Sigma(_) | Noise::SigmaOfEach(_) | Noise::SigmaOfElements(_), _, _) => {
                (Scatter::Known, Some(Deviation { value: 1.0, unit: Some(prepared.unit) }))
            }
            (_, _, dof) => (from_residuals, dof.map(|dof| measured((2.0 * best.cost() / dof as f64).sqrt()))),
        };
        Meaning { at_bound, inverse, dof, scatter, deviation }
    }

    fn report(&self, prepared: &Prepared, found: &search::Found) -> Report {
        let Prepared { rows, kept, skipped, layout, objective, unit, .. } = prepared;
        let best = &found.best;
        let meaning = self.meaning(prepared, best, rows.count, || Cow::Borrowed(rows));
        let Meaning { at_bound, inverse, dof, scatter, deviation } = &meaning;
        let quantile = meaning.quantile(self.level);
        let residuals = rows.count * objective.compared();
        let values = objective.values(layout, rows, &best.x);
        let (rss, rms) = sums(&values, rows, |_| true);
        let validation = found.best_epoch.map(|(epoch, epochs)| {
            let mut is_held = vec![false; rows.count];
            prepared.held.iter().for_each(|&row| is_held[row] = true);
            let (_, rmse) = sums(&values, rows, |row| is_held[row]);
            let (_, training_rmse) = sums(&values, rows, |row| !is_held[row]);
            Validation { rows: prepared.held.len(), rmse, training_rmse, epoch, epochs }
        });
        let weights = layout.weights(&best.x);
        let undetermined: Vec<bool> = (0..inverse.of.len()).map(|place| inverse.is_open(place)).collect();
        let errors = if prepared.weights {
            vec![f64::NAN; layout.free.len()]
        } else {
            certify::errors(objective, layout, rows, &best.x, inverse, best.rate)
        };
        let combination = layout.expand(&best.x).combination;
        let error = |spread: f64| deviation.map(|deviation| deviation.times(spread));
        let mut parameters: Vec<Estimate> = Vec::new();
        let single = |free: &parameters::Free| !layout.places[free.parameter].weights;
        for (k, free) in layout.free.iter().enumerate().filter(|(_, free)| single(free)) {
            let place = inverse.of.iter().position(|&of| of == k).filter(|&place| !undetermined[place]);
            let stderr = place.and_then(|place| error(inverse.spread(place)));
            let value = best.x[k];
            parameters.push(Estimate {
                name: free.name.clone(),
                value,
                stderr,
                at_bound: at_bound[k],
                interval: interval(value, stderr, quantile),
                digits: place.map(|_| digits(value, errors[k])),
                free: true,
            });
        }
        // What a function of the elements of the parameters, by its slopes, has as a standard error.
        let through = |slope: &dyn Fn(usize) -> f64| {
            let along: Vec<f64> = inverse
                .of
                .iter()
                .map(|&k| combination.of(k).iter().map(|&(element, factor)| factor * slope(element)).sum())
                .collect();
            if inverse.moves(&along) { None } else { error(inverse.spread_along(&along)) }
        };
        for (element, name, value, tied) in layout.others(&best.x) {
            let stderr = if tied { through(&|other| f64::from(u8::from(other == element))) } else { None };
            let interval = interval(value, stderr, quantile);
            parameters.push(Estimate {
                name,
                value,
                stderr,
                at_bound: false,
                interval,
                digits: None,
                free: false,
            });
        }
        let derived = layout.derived(&best.x).into_iter().map(|(name, value, slopes)| {
            let stderr = through(&|element| slopes[element]);
            let interval = interval(value, stderr, quantile);
            Estimate { name, value, stderr, at_bound: false, interval, digits: None, free: false }
        });
        let derived = derived.collect();
        let known: Vec<usize> = (0..inverse.of.len()).filter(|&k| !undetermined[k]).collect();
        let correlation =
            known.iter().map(|&i| known.iter().map(|&j| inverse.correlation(i, j)).collect()).collect();
        let profiles = match (quantile, deviation.and_then(Deviation::variance)) {
            (Some(quantile), Some(variance))
                if self.profiles && self.stop.is_none_or(|stop| !stop.is_stopped()) =>
            {
                (0..layout.free.len())
                    .filter_map(|k| {
                        let stderr = parameters[k].stderr.filter(|stderr| *stderr > 0.0)?;
                        Some(profile::profile(self.task(prepared), best, k, stderr, variance, quantile))
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        let words = match best.at {
            Some(_) => {
                let sizes = (best.cost(), prepared.setting.size);
                uncertainty::words(objective, layout, rows, &best.x, inverse, sizes)
            }
            None => Vec::new(),
        };
        let reason = best.ended.unwrap_or(Reason::Stopped);
        let dof = dof.unwrap_or(0);
        let plain = unit.squared(rss);
        Report {
            parameters,
            without_errors: prepared.weights.then(|| without_errors(&weights)),
            weights,
            validation,
            overlaps: Vec::new(),
            orthogonal: None,
            derived,
            rss: plain,
            rss_log10: (rss.ln() + 2.0 * unit.ln()) / std::f64::consts::LN_10,
            goodness: (*scatter == Scatter::Known && dof > 0 && self.loss == Loss::Linear)
                .then(|| Goodness::of(plain, dof)),
            cost: unit.squared(best.cost()),
            rmse: rms,
            dof,
            rows: rows.count,
            skipped: *skipped,
            left_out: self.targets[0].1.columns[0].len() - kept.len() - skipped,
            residuals,
            converged: reason.is_converged(),
            reason,
            evaluations: found.evaluations,
            iterations: best.iterations,
            starts: Starts {
                tried: found.tried,
                reached_best: found.reached_best,
                distinct_optima: found.optima,
            },
            correlated: known.iter().map(|&k| layout.free[inverse.of[k]].name.clone()).collect(),
            correlation,
            undetermined: words,
            profiles,
            scatter: *scatter,
            level: self.level,
            loss: self.loss,
            seed: self.seed,
            program_hash: report::program_hash(self.program),
        }
    }
}

/// Of a robust loss: R of `[J r]` as the data weight them, the sum of the squared influences, and that of their slopes.
fn robust(
    objective: &Objective,
    layout: &Layout,
    rows: &Rows,
    point: &[f64],
) -> (triangle::Triangle, f64, f64) {
    let width = layout.free.len() + 1;
    let mut triangle = triangle::Triangle::new(width);
    let (mut influence, mut slope) = (0.0, 0.0);
    objective.blocks(layout, rows, point, Loss::Linear, |_, block, tall| {
        for r in &block[(width - 1) * tall..] {
            let (psi, derivative) = objective.loss.influence(*r);
            influence += psi * psi;
            slope += derivative;
        }
        triangle.absorb(&mut block.to_vec(), tall, tall);
    });
    (triangle, influence, slope)
}

/// Why there are no standard errors where weights are trained.
fn without_errors(weights: &[Weights]) -> String {
    let count: usize =
        weights.iter().filter(|weights| weights.trained).map(|weights| weights.values.len()).sum();
    format!(
        "the data determine none of the {count} weights by itself, and what of a parameter's effect the weights can imitate is \
         not told apart from it"
    )
}

/// The sum of the squared residuals of some rows as they are weighted and measured, and the root of the mean square of the residuals
/// themselves, both compensated (Neumaier 1974).
fn sums(values: &[Vec<f64>], rows: &Rows, of: impl Fn(usize) -> bool) -> (f64, f64) {
    let (mut weighted, mut plain) = (Compensated::default(), Compensated::default());
    let residuals =
        || values.iter().zip(&rows.targets).flat_map(|(values, targets)| values.iter().zip(targets));
    let largest = residuals().filter_map(|(y, t)| exponent(y - t)).max();
    let unit = Unit::of(largest.unwrap_or(0), largest.unwrap_or(0));
    let mut count = 0;
    for (element, (values, targets)) in values.iter().zip(&rows.targets).enumerate() {
        for (row, (y, t)) in values.iter().zip(targets).enumerate().filter(|(row, _)| of(*row)) {
            let (r, scale) = (y - t, rows.scale(element, row));
            let measured = unit.measured(r);
            plain.add(measured * measured);
            weighted.add((r * scale) * (r * scale));
            count += 1;
        }
    }
    (weighted.total(), unit.plain((plain.total() / f64::from(count)).sqrt()))
}

/// A sum with what its additions round away.
#[derive(Debug, Clone, Copy, Default)]
struct Compensated {
    sum: f64,
    rest: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.rest += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    fn total(self) -> f64 {
        self.sum + self.rest
    }
}

/// What a parameter lies in with the probability of the quantile.
fn interval(value: f64, stderr: Option<f64>, quantile: Option<f64>) -> Option<[f64; 2]> {
    let half = stderr? * quantile?;
    Some([value - half, value + half])
}

/// How many decimal digits of a value hold if it may be wrong by so much.
fn digits(value: f64, error: f64) -> u32 {
    let relative = (error / value.abs()).max(f64::EPSILON / 2.0);
    if relative.is_nan() { 0 } else { (-relative.log10()).floor().clamp(0.0, 15.0) as u32 }
}
