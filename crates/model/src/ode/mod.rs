//! Trajectories of ordinary differential equations whose right-hand side is a program.
//!
//! The integrators are functions of the language's library; what is here is the program around a right-hand side that calls
//! them, and what becomes of its numbers.
//!
//! ```
//! use nc_model::ode::{Ode, State, System};
//!
//! # fn main() -> Result<(), nc_model::ode::OdeError> {
//! let pendulum = System::new("(values (theta omega) (omega (- (* k (sin theta)))))");
//! let found = Ode::new(&pendulum)
//!     .state(State::new("theta", 1.0))
//!     .state(State::new("omega", 0.0))
//!     .parameter(State::new("k", 9.81))
//!     .times([0.0, 5.0, 10.0])
//!     .run()?;
//! assert!((found.state("theta", 0)[2] + 0.463252768731787).abs() < 1e-9);
//! # Ok(())
//! # }
//! ```

mod broken;
mod check;
mod experiment;
mod integration;
mod plot;
mod system;

use neural_compiler::batch::{Batch, Options, Sink, Source, Stop, Workspace};
use neural_compiler::{
    CompileOptions, Derivative, Error, Kernel, Limits, Program, Reason, Role, Shape, Signature,
    Source as Origin, SourceMap, Span, Tier,
};

pub use self::experiment::{Experiment, Own};
use self::integration::Form;
use self::system::Slot;
pub use self::system::System;

/// The relative tolerance of a step where none is given.
pub const DEFAULT_RTOL: f64 = 1e-10;
/// The absolute tolerance of a step where none is given.
pub const DEFAULT_ATOL: f64 = 1e-12;
/// So many events of a trajectory are kept where nothing else is said.
pub const DEFAULT_EVENTS: usize = 100;
/// The most times of a trajectory.
pub const MAX_TIMES: usize = 1_000_000;

/// The most numbers that a trajectory may have: as many as a matrix of the language.
const MAX_NUMBERS: usize = 1 << 20;

/// Numbers that the library's trajectories put behind the state of a row: steps, rejected ones, evaluations, whether the
/// equation is stiff, and the time.
const NUMBERS: usize = 5;

/// So many trajectories that end early are explained.
const EXPLAINED: usize = 100;

/// The most bytes that the trajectories of a batch may take.
const MOST_BYTES: usize = 8 << 30;

/// Rows that are integrated before the next ones are begun: between such parts an integration can be stopped.
const PART: usize = 4096;

/// Bytes that the numbers of a part may take.
const PART_BYTES: usize = 256 << 20;

/// A state or a parameter: its name and its value at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The input of the program.
    pub name: String,
    /// A number or a vector.
    pub shape: Shape,
    /// Its elements.
    pub value: Vec<f64>,
}

impl State {
    /// A number.
    pub fn new(name: impl Into<String>, value: f64) -> State {
        State { name: name.into(), shape: Shape::Scalar, value: vec![value] }
    }

    /// A vector.
    pub fn vector(name: impl Into<String>, value: Vec<f64>) -> State {
        State { name: name.into(), shape: Shape::Vector(value.len() as u32), value }
    }
}

/// How a differential equation is integrated.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// By [`Method::Dop853`], and by [`Method::Rodas5p`] where the equation turns out to be stiff.
    #[default]
    Auto,
    /// Tsitouras's method of order 5 (2011).
    Tsit5,
    /// Dormand and Prince's method of order 8 (Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I).
    Dop853,
    /// Steinebach's Rosenbrock method Rodas5P of order 5 (2023), for stiff equations.
    Rodas5p,
    /// The classical method of order 4, with steps of this length or a little less.
    Rk4(f64),
    /// Of a Hamiltonian: Yoshida's symplectic method of order 4 (1990), with steps of this length or a little less.
    Yoshida4(f64),
    /// Of a Hamiltonian: the symplectic leapfrog of order 2, with steps of this length or a little less.
    Leapfrog(f64),
}

impl Method {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Method::Auto => "auto",
            Method::Tsit5 => "tsit5",
            Method::Dop853 => "dop853",
            Method::Rodas5p => "rodas5p",
            Method::Rk4(_) => "rk4",
            Method::Yoshida4(_) => "yoshida4",
            Method::Leapfrog(_) => "leapfrog",
        }
    }

    /// Whether it takes a Hamiltonian of positions and momenta, not a right-hand side.
    pub fn is_symplectic(self) -> bool {
        match self {
            Method::Yoshida4(_) | Method::Leapfrog(_) => true,
            Method::Auto | Method::Tsit5 | Method::Dop853 | Method::Rodas5p | Method::Rk4(_) => false,
        }
    }

    /// The length of its steps, if that is given.
    fn step(self) -> Option<f64> {
        match self {
            Method::Rk4(step) | Method::Yoshida4(step) | Method::Leapfrog(step) => Some(step),
            Method::Auto | Method::Tsit5 | Method::Dop853 | Method::Rodas5p => None,
        }
    }
}

/// Sign changes of an expression along a trajectory.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// A program of the states, `t` and parameters, whose value changes its sign.
    pub when: &'a System<'a>,
    /// States that jump then, and programs of their new values.
    pub jumps: Vec<(String, &'a System<'a>)>,
    /// The number of the event at which the trajectory ends, from 1.
    pub last: Option<usize>,
    /// How many are kept.
    pub most: usize,
}

impl<'a> Event<'a> {
    /// Events that change nothing.
    pub fn new(when: &'a System<'a>) -> Event<'a> {
        Event { when, jumps: Vec::new(), last: None, most: DEFAULT_EVENTS }
    }
}

/// Why there is no trajectory at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OdeError {
    /// A program has errors, or cannot be compiled.
    #[error("{}", match .error.as_ref() { Error::Source(_) => .error.render(sources), _ => .error.to_string() })]
    Program {
        /// What is wrong.
        error: Box<Error>,
        /// The texts that its places are in; the first one is the program around the others.
        sources: Box<SourceMap>,
    },
    /// A name that the program does not have, or has twice.
    #[error("{0}")]
    Name(String),
    /// Parameters of networks, by their names, that have no value.
    #[error("no values are given for {}", .0.join(", "))]
    Weights(Vec<String>),
    /// Values that do not fit.
    #[error("{0}")]
    Value(String),
    /// A derivative of the program is not what the states ask for.
    #[error("{0}")]
    Results(String),
}

/// A differential equation and where it starts.
#[derive(Debug, Clone)]
pub struct Ode<'a> {
    system: &'a System<'a>,
    states: Vec<State>,
    parameters: Vec<State>,
    times: Vec<f64>,
    method: Method,
    rtol: f64,
    atol: f64,
    longest: f64,
    gradient: Vec<String>,
    events: Vec<Event<'a>>,
    rows: usize,
    columns: Vec<(String, Vec<Vec<f64>>)>,
    tier: Tier,
    limits: Option<Limits>,
    stop: Option<&'a Stop>,
    switching: bool,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// Which of the expressions changed its sign, in the order in which they were added, from 0.
    pub event: usize,
    /// The time.
    pub t: f64,
    /// All states, one behind the other, before they jump.
    pub y: Vec<f64>,
}

/// Why a trajectory ends before the last time.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken {
    /// Its row.
    pub row: usize,
    /// When; a NaN where that is not known.
    pub t: f64,
    /// All states then.
    pub y: Vec<f64>,
    /// In words.
    pub why: String,
    /// Where in the program, if it leaves its domain.
    pub span: Option<Span>,
}

/// Trajectories from different starts, at the same times.
#[derive(Debug, Clone)]
pub struct Trajectories {
    /// Names of states with their shapes, in order.
    pub states: Vec<(String, Shape)>,
    /// The times.
    pub t: Vec<f64>,
    /// For each row, for each time, all states one behind the other; NaN behind the end of a trajectory.
    values: Vec<f64>,
    /// How many rows were integrated: fewer than asked for after a stop.
    pub rows: usize,
    /// Of each row: steps, rejected ones, evaluations.
    pub work: Vec<[f64; 3]>,
    /// Which rows are of a stiff equation.
    pub stiff: Vec<bool>,
    /// The method of each row.
    pub methods: Vec<&'static str>,
    /// The events of each row.
    pub events: Vec<Vec<Happened>>,
    /// How many expressions have events.
    pub expressions: usize,
    /// The time at which each row ends.
    pub ends: Vec<f64>,
    /// Rows that do not reach the last time, unless an event ends them.
    pub broken: Vec<Broken>,
    /// Rows in which conditions of the right-hand side could not be followed: they were integrated as if nothing jumped, and their derivatives
    /// miss what the times of jumps contribute.
    pub as_smooth: Vec<usize>,
    /// Derivatives: by what, its shape, and for each row, time, and element of the states one number for each element of it.
    pub gradients: Vec<(String, Shape, Vec<f64>)>,
    /// The largest relative change of the Hamiltonian in each row.
    pub drift: Option<Vec<f64>>,
}

impl Trajectories {
    /// How many numbers all states are together.
    pub fn width(&self) -> usize {
        self.states.iter().map(|(_, shape)| shape.len()).sum()
    }

    /// Where the elements of a state begin.
    fn place(&self, name: &str) -> Option<(usize, usize)> {
        let mut first = 0;
        for (known, shape) in &self.states {
            if known == name {
                return Some((first, shape.len()));
            }
            first += shape.len();
        }
        None
    }

    /// A state of a row at all times; the elements of a vector one behind the other for each time.
    ///
    /// # Panics
    ///
    /// If there is no such state or row.
    pub fn state(&self, name: &str, row: usize) -> Vec<f64> {
        let (first, len) = self.place(name).expect("a state");
        let width = self.width();
        let of = &self.values[row * self.t.len() * width..(row + 1) * self.t.len() * width];
        of.chunks_exact(width).flat_map(|y| &y[first..first + len]).copied().collect()
    }

    /// The derivative of a state of a row at all times by a start value or parameter, if that was asked for: for each time and
    /// element of the state one number for each element of what it is by.
    ///
    /// # Panics
    ///
    /// If there is no such state or row.
    pub fn gradient(&self, by: &str, name: &str, row: usize) -> Option<Vec<f64>> {
        let (_, shape, numbers) = self.gradients.iter().find(|(known, ..)| known == by)?;
        let (first, len) = self.place(name).expect("a state");
        let (width, of) = (self.width(), shape.len());
        let each = self.t.len() * width * of;
        let row = &numbers[row * each..(row + 1) * each];
        Some(row.chunks_exact(width * of).flat_map(|y| &y[first * of..(first + len) * of]).copied().collect())
    }
}

/// Numbers of all rows that a kernel gives, column by column.
struct Numbers {
    columns: Vec<Vec<f64>>,
    /// Rows that failed, and why.
    failed: Vec<(usize, Reason)>,
}

impl<'a> Ode<'a> {
    /// Of this right-hand side, or, for a symplectic method, Hamiltonian.
    pub fn new(system: &'a System<'a>) -> Ode<'a> {
        Ode {
            system,
            states: Vec::new(),
            parameters: Vec::new(),
            times: Vec::new(),
            method: Method::Auto,
            rtol: DEFAULT_RTOL,
            atol: DEFAULT_ATOL,
            longest: f64::INFINITY,
            gradient: Vec::new(),
            events: Vec::new(),
            rows: 1,
            columns: Vec::new(),
            tier: Tier::Auto,
            limits: None,
            stop: None,
            switching: true,
        }
    }

    /// Adds a state, which is an input of the program and has a derivative among its results.
    pub fn state(mut self, state: State) -> Ode<'a> {
        self.states.push(state);
        self
    }

    /// Gives another input, or a top-level number of the program, its value.
    pub fn parameter(mut self, parameter: State) -> Ode<'a> {
        self.parameters.push(parameter);
        self
    }

    /// Sets the times, growing or falling, of which the first is that of the start.
    pub fn times(mut self, times: impl Into<Vec<f64>>) -> Ode<'a> {
        self.times = times.into();
        self
    }

    /// Sets the method.
    pub fn method(self, method: Method) -> Ode<'a> {
        Ode { method, ..self }
    }

    /// Sets what error a step may have: `rtol |y| + atol`.
    pub fn tolerances(self, rtol: f64, atol: f64) -> Ode<'a> {
        Ode { rtol, atol, ..self }
    }

    /// Sets how long a step may be: what happens within a step and leaves no trace at its stages, a short pulse for instance, is not
    /// seen.
    pub fn longest_step(self, longest: f64) -> Ode<'a> {
        Ode { longest, ..self }
    }

    /// Asks for derivatives by these states' start values and parameters.
    pub fn gradient<N: Into<String>>(mut self, by: impl IntoIterator<Item = N>) -> Ode<'a> {
        self.gradient = by.into_iter().map(Into::into).collect();
        self
    }

    /// Adds events. Of those of several expressions as many are kept as of the one of which most are.
    pub fn event(mut self, event: Event<'a>) -> Ode<'a> {
        self.events.push(event);
        self
    }

    /// Gives states or parameters other values in each of so many rows: the columns of their elements.
    pub fn batch(self, rows: usize, columns: Vec<(String, Vec<Vec<f64>>)>) -> Ode<'a> {
        Ode { rows, columns, ..self }
    }

    /// Sets how the program runs. All tiers give the same bits.
    pub fn tier(self, tier: Tier) -> Ode<'a> {
        Ode { tier, ..self }
    }

    /// Sets how long a row may take.
    pub fn limits(self, limits: Limits) -> Ode<'a> {
        Ode { limits: Some(limits), ..self }
    }

    /// Sets what stops it: the rows that are done by then are the result.
    pub fn stop(self, stop: &'a Stop) -> Ode<'a> {
        Ode { stop: Some(stop), ..self }
    }

    fn longest_interval(&self) -> f64 {
        self.times.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max)
    }

    /// In how many steps of such a length an interval between times is cut. Rounding errors of times make no further step.
    fn parts(&self, step: f64) -> f64 {
        (self.longest_interval() / step * (1.0 - 1e-9)).ceil().max(1.0)
    }

    /// Whether the conditions by which the right-hand side chooses are events: a step ends where a comparison of theirs changes, and what comes
    /// before and behind is followed by the sides that it had and has, so that derivatives are right where the right-hand side jumps. So it is unless
    /// this says otherwise, for methods that choose their steps, and comparisons that [`Program::switches`] finds, 32 at the most.
    pub fn switching(self, switching: bool) -> Ode<'a> {
        Ode { switching, ..self }
    }

    /// The states as parts of one vector.
    fn slots(&self) -> Vec<Slot> {
        let mut first = 0;
        let slot = |state: &State| {
            let len = match state.shape {
                Shape::Vector(n) => Some(n as usize),
                Shape::Scalar | Shape::Complex | Shape::Matrix(..) => None,
            };
            let slot = Slot { name: state.name.clone(), first, len };
            first += slot.count();
            slot
        };
        self.states.iter().map(slot).collect()
    }

    /// The shape of a state or parameter; what is a column of a batch alone is a number.
    fn shape_of(&self, name: &str) -> Shape {
        let of = self.states.iter().chain(&self.parameters).find(|one| one.name == name);
        of.map_or(Shape::Scalar, |one| one.shape)
    }

    /// Whether a name has a value of its own.
    fn takes(&self, name: &str) -> bool {
        let mut named = self.states.iter().chain(&self.parameters).map(|one| one.name.as_str());
        named.any(|known| known == name) || self.columns.iter().any(|(known, _)| known == name)
    }

    /// The program with the top-level numbers as inputs that have a value here.
    fn opened(&self, program: &Program) -> Result<Program, Error> {
        let constants: Vec<&str> = program.constants().map(|(name, _)| name).collect();
        let named =
            self.parameters.iter().map(|one| &one.name).chain(self.columns.iter().map(|(name, _)| name));
        let opened: Vec<&String> = named.filter(|name| constants.contains(&name.as_str())).collect();
        program.with_inputs(opened)
    }

    /// Whether a parameter of a network has one value for all rows, and no derivative.
    fn shares(&self, name: &str) -> bool {
        self.gradient.iter().all(|by| by != name) && self.columns.iter().all(|(known, _)| known != name)
    }

    fn signature(&self, program: &Program) -> Signature {
        let mut signature = Signature::scalars();
        let shared: Vec<&str> = program
            .parameters()
            .iter()
            .map(|declared| declared.name.as_str())
            .filter(|name| self.shares(name))
            .collect();
        for one in self.states.iter().chain(&self.parameters) {
            if shared.contains(&one.name.as_str()) {
                signature = signature.shape(&one.name, one.shape).parameter(&one.name);
            } else if program.inputs().any(|input| input == one.name) {
                signature = signature.shape(&one.name, one.shape);
            }
        }
        signature
    }

    /// Compiles the program that integrates, with its derivatives if they are asked for: the value is then one matrix of the
    /// states alone.
    fn compile(
        &self,
        places: &[Slot],
        method: Method,
        stops: bool,
        derivatives: bool,
    ) -> Result<Kernel, OdeError> {
        self.compile_within(places, method, stops, derivatives, self.limits)
    }

    fn compile_within(
        &self,
        places: &[Slot],
        method: Method,
        stops: bool,
        derivatives: bool,
        limits: Option<Limits>,
    ) -> Result<Kernel, OdeError> {
        let form = if derivatives { Form::States } else { Form::Whole };
        let (program, sources) = self.program(places, method, stops, &form)?;
        let n = self.times.len();
        let wrong = |error: Error| failed((error, sources.clone()));
        let program = self.opened(&program).map_err(wrong)?;
        if let Some(missing) = program.inputs().find(|input| *input != "nc:times" && !self.takes(input)) {
            return Err(OdeError::Name(format!(
                "an event or a jump takes `{missing}`, which is no state and has no value"
            )));
        }
        let mut signature = self.signature(&program);
        signature = signature.shape("nc:times", Shape::Vector(n as u32)).parameter("nc:times");
        let mut options = CompileOptions::default().signature(signature).tier(self.tier);
        options = options.limits(self.most(limits.unwrap_or(program.limits())));
        if derivatives {
            options = options.derivative(Derivative::Gradient).wrt(self.gradient.clone());
        }
        program.compile(&options).map_err(wrong)
    }

    /// The program whose results are these states at all times, each a vector: its inputs are start values and parameters, so it can be
    /// fitted to what was measured. An element of a vector is written `r[1]`, and its result is called `r.1`. Trajectories of
    /// many times the steps that this one takes have no value.
    ///
    /// # Errors
    ///
    /// What is wrong with programs, names and values, and a state that is observed and is none.
    pub fn observations(&self, observed: &[String]) -> Result<Program, OdeError> {
        let (_, places) = self.right_hand_side()?;
        let elements = self.observed(observed)?;
        let method = self.first_method();
        let most = self.most_steps(&places, method)?;
        Ok(self.program(&places, method, false, &Form::Observed(elements, most))?.0)
    }

    /// The program whose results are these states over a window of so many steps from time to time, each a vector of all times of the
    /// window but its first: start values and the times, a vector [`Ode::TIMES`], are inputs, so a row is a window with a start of its own. As
    /// [`Ode::observations`] otherwise; the times of this integration say how long an interval may be, and how many steps a window may take.
    ///
    /// # Errors
    ///
    /// As [`Ode::observations`], and windows longer than these times.
    pub fn windows(&self, observed: &[String], steps: usize) -> Result<Program, OdeError> {
        let (_, places) = self.right_hand_side()?;
        let elements = self.observed(observed)?;
        if steps == 0 || steps >= self.times.len() {
            return Err(OdeError::Value(format!(
                "a window of {steps} steps: it takes one at least, and there are {} times",
                self.times.len()
            )));
        }
        let method = self.first_method();
        let most = self.most_steps(&places, method)?;
        // The longest interval is all that the program takes of them.
        let longest = self.longest_interval();
        let one = Ode { times: (0..=steps).map(|k| k as f64 * longest).collect(), ..self.clone() };
        Ok(one.program(&places, method, false, &Form::Window(elements, most))?.0)
    }

    /// What the input of times of a window is called.
    pub const TIMES: &'static str = "nc:times";

    /// The states that are observed, with their places among all numbers.
    fn observed(&self, observed: &[String]) -> Result<Vec<(String, usize)>, OdeError> {
        let slots = self.slots();
        let mut elements = Vec::new();
        for name in observed {
            let (of, index) =
                match name.split_once('[').and_then(|(of, rest)| Some((of, rest.strip_suffix(']')?))) {
                    Some((of, index)) => (of, index.trim().parse::<usize>().ok()),
                    None => (name.as_str(), Some(0)),
                };
            let slot = slots.iter().find(|slot| slot.name == of);
            let place = slot
                .zip(index)
                .filter(|(slot, index)| *index < slot.count() && (slot.len.is_some() == name.contains('[')));
            let (slot, index) = place.ok_or_else(|| {
                OdeError::Name(format!(
                    "`{name}` is observed and is no state, nor an element of one such as `r[0]`"
                ))
            })?;
            elements.push((name.clone(), slot.first + index));
        }
        Ok(elements)
    }

    /// The method that an integration begins with.
    fn first_method(&self) -> Method {
        match self.method {
            Method::Auto => Method::Dop853,
            method => method,
        }
    }

    /// Limits under which all times and events have room, unless they are other ones than usual.
    fn most(&self, limits: Limits) -> Limits {
        let usual = Limits::default().iterations;
        // What is not the usual limit is kept where loops are nested, too.
        let iterations = if limits.iterations == usual { usual + 1 } else { limits.iterations };
        Limits { iterations: iterations.max(2 * self.times.len() as u64 + 1000), ..limits }
    }

    /// What the steps of a row are to be limited to, where a fit tries values of which an integration takes far more steps than from the values at
    /// hand.
    fn most_steps(&self, places: &[Slot], method: Method) -> Result<u64, OdeError> {
        let usual = Limits::default();
        if method.step().is_some() {
            return Ok(usual.steps);
        }
        let mut most = 4 * self.steps(places, method)? + 16 * self.times.len() as u64 + 1000;
        // A field that is still to be learnt says nothing of the steps that it will take.
        if self.system.program().is_ok_and(|program| !program.parameters().is_empty()) {
            most *= 16;
        }
        // Not only steps of the method count, but work on many elements in it, which the equation alone knows.
        let ode = Ode { tier: Tier::Interpret, ..self.clone() };
        while most < usual.steps {
            let limits = Limits { steps: most, ..usual };
            let kernel = ode.compile_within(places, method, false, false, Some(limits))?;
            let numbers = ode.evaluate(&kernel, &[0], &mut Workspace::new())?;
            let is_short = |numbers: &Numbers| {
                numbers.failed.iter().any(|(_, reason)| matches!(reason, Reason::Steps { .. }))
            };
            if !numbers.as_ref().is_some_and(is_short) {
                break;
            }
            most = most.saturating_mul(8);
        }
        Ok(most.min(usual.steps))
    }

    /// How many steps a method takes, or a guess where that does not work.
    fn steps(&self, places: &[Slot], method: Method) -> Result<u64, OdeError> {
        const GUESS: u64 = 1000;
        let width: usize = self.slots().iter().map(Slot::count).sum();
        let limits = Limits { iterations: 100_000, ..Limits::default() };
        let kernel = self.compile_within(places, method, false, false, Some(limits))?;
        let numbers = self.evaluate(&kernel, &[0], &mut Workspace::new())?;
        let taken = numbers.map(|numbers| self.taken(method, &numbers, 0, width));
        let taken = taken.filter(|taken| taken.complete).map(|taken| taken.work[0] + taken.work[1]);
        Ok(taken.map_or(GUESS, |steps| steps as u64))
    }

    /// The columns of a kernel's inputs for these rows.
    fn inputs(&self, kernel: &Kernel, rows: &[usize]) -> Vec<Vec<f64>> {
        let mut columns = Vec::new();
        for input in kernel.inputs().iter().filter(|input| input.source != Origin::Shared) {
            if let Some((_, found)) = self.columns.iter().find(|(name, _)| *name == input.name) {
                columns.extend(
                    found.iter().map(|column| rows.iter().map(|&row| column[row]).collect::<Vec<_>>()),
                );
                continue;
            }
            let of = self.states.iter().chain(&self.parameters).find(|one| one.name == input.name);
            let of = of.expect("every input has a value");
            columns.extend(of.value.iter().map(|&x| vec![x; rows.len()]));
        }
        columns
    }

    /// Evaluates rows; `None` after a stop.
    fn evaluate(
        &self,
        kernel: &Kernel,
        rows: &[usize],
        workspace: &mut Workspace,
    ) -> Result<Option<Numbers>, OdeError> {
        let inputs = self.inputs(kernel, rows);
        let mut params = Vec::new();
        for input in kernel.inputs().iter().filter(|input| input.source == Origin::Shared) {
            let of = self.parameters.iter().find(|one| one.name == input.name);
            params.extend_from_slice(of.map_or(&self.times, |one| &one.value));
        }
        let sources: Vec<Source<'_, f64>> = inputs.iter().map(|column| Source::Column(column)).collect();
        let count: usize = kernel.outputs().iter().map(|output| output.shape.len()).sum();
        let mut columns = vec![vec![0.0; rows.len()]; count];
        let mut sinks: Vec<Sink<'_, f64>> = columns.iter_mut().map(|column| Sink::Column(column)).collect();
        let batch = Batch {
            rows: rows.len(),
            inputs: &sources,
            params: &params,
            outputs: &mut sinks,
            param_gradients: &mut [],
        };
        let options = Options { stop: self.stop, ..Options::default() };
        match kernel.evaluate(batch, &options, workspace) {
            Ok(report) => {
                let failed = report.failures.iter().map(|failed| {
                    let check = kernel.checks()[failed.check as usize];
                    (failed.row, check.reason)
                });
                let failed = failed.collect();
                Ok(Some(Numbers { columns, failed }))
            }
            Err(neural_compiler::batch::BatchError::Stopped) => Ok(None),
            Err(error) => Err(OdeError::Value(error.to_string())),
        }
    }

    /// Integrates all rows.
    ///
    /// # Errors
    ///
    /// What is wrong with programs, names and values. A trajectory that cannot be followed to its end is none:
    /// [`Trajectories::broken`].
    pub fn run(&self) -> Result<Trajectories, OdeError> {
        let (program, places) = self.right_hand_side()?;
        let slots = self.slots();
        let width: usize = slots.iter().map(Slot::count).sum();
        let n = self.times.len();
        let first = self.first_method();
        let stops = self.method == Method::Auto;
        let kernel = self.compile(&places, first, stops, false)?;
        let mut stiff_kernel: Option<Kernel> = None;
        let mut kernels_of_gradients: Vec<(&'static str, Kernel)> = Vec::new();
        let mut found = Trajectories {
            states: self.states.iter().map(|state| (state.name.clone(), state.shape)).collect(),
            t: self.times.clone(),
            values: Vec::new(),
            rows: 0,
            work: Vec::new(),
            stiff: Vec::new(),
            methods: Vec::new(),
            events: Vec::new(),
            expressions: self.events.len(),
            ends: Vec::new(),
            broken: Vec::new(),
            as_smooth: Vec::new(),
            gradients: Vec::new(),
            drift: first.is_symplectic().then(Vec::new),
        };
        for name in &self.gradient {
            found.gradients.push((name.clone(), self.shape_of(name), Vec::new()));
        }
        let each: usize = kernel.outputs().iter().map(|output| output.shape.len()).sum::<usize>().max(1);
        let unknowns: usize = found.gradients.iter().map(|(_, shape, _)| shape.len()).sum();
        let bytes = (each + unknowns * n * width) * size_of::<f64>();
        let part = (PART_BYTES / bytes).clamp(1, PART);
        let mut workspace = Workspace::new();
        let mut sliding = Vec::new();
        let mut from = 0;
        while from < self.rows {
            let rows: Vec<usize> = (from..(from + part).min(self.rows)).collect();
            let Some(numbers) = self.evaluate(&kernel, &rows, &mut workspace)? else { break };
            let mut taken: Vec<Taken> =
                (0..rows.len()).map(|k| self.taken(first, &numbers, k, width)).collect();
            // Stiff equations once more, from their start, by a method for them.
            let again: Vec<usize> =
                (0..rows.len()).filter(|&k| stops && taken[k].stiff && !taken[k].complete).collect();
            if !again.is_empty() {
                let kernel = match &mut stiff_kernel {
                    Some(kernel) => kernel,
                    none => none.insert(self.compile(&places, Method::Rodas5p, false, false)?),
                };
                let these: Vec<usize> = again.iter().map(|&k| rows[k]).collect();
                let Some(numbers) = self.evaluate(kernel, &these, &mut workspace)? else { break };
                for (place, &k) in again.iter().enumerate() {
                    let mut other = self.taken(Method::Rodas5p, &numbers, place, width);
                    other.stiff = true;
                    for (mine, before) in other.work.iter_mut().zip(taken[k].work) {
                        *mine += before;
                    }
                    taken[k] = other;
                }
            }
            let gradients = match self.gradient.is_empty() {
                true => Vec::new(),
                false => {
                    let Some(gradients) = self.gradients(
                        &places,
                        &rows,
                        &taken,
                        width,
                        &mut kernels_of_gradients,
                        &mut workspace,
                    )?
                    else {
                        break;
                    };
                    gradients
                }
            };
            for (into, more) in found.gradients.iter_mut().zip(gradients) {
                into.2.extend(more);
            }
            for (k, mut one) in taken.into_iter().enumerate() {
                // Where nothing else is known, the start is.
                if !one.complete && one.values[..width].iter().all(|x| x.is_nan()) {
                    one.values[..width].copy_from_slice(&self.start_of(rows[k]));
                }
                if one.cause == Cause::NoState && one.end != self.times[0] {
                    sliding.push(rows[k]);
                }
                if !one.complete {
                    let explain = found.broken.len() < EXPLAINED;
                    found.broken.push(self.why(&program, &places, rows[k], &one, explain));
                }
                found.values.extend(one.values);
                found.work.push(one.work);
                found.stiff.push(one.stiff);
                found.methods.push(one.method.name());
                found.events.push(one.events);
                found.ends.push(one.end);
                if let Some(drift) = &mut found.drift {
                    drift.push(one.drift);
                }
            }
            from = rows.last().map_or(self.rows, |last| last + 1);
            found.rows = from;
        }
        if self.switched(first).is_some() {
            self.without_switches(&mut found, &sliding, n * width)?;
        }
        Ok(found)
    }

    /// Rows that end early where a side of a choice is followed up to its end: once more, as if the right-hand side were smooth. It may have no value
    /// beyond, choose too often, or be at rest where it chooses. Not those that slide from some time on.
    fn without_switches(
        &self,
        found: &mut Trajectories,
        sliding: &[usize],
        numbers: usize,
    ) -> Result<(), OdeError> {
        let again: Vec<usize> =
            found.broken.iter().map(|one| one.row).filter(|row| !sliding.contains(row)).collect();
        if again.is_empty() {
            return Ok(());
        }
        let select = |column: &Vec<f64>| again.iter().map(|&row| column[row]).collect();
        let columns = self
            .columns
            .iter()
            .map(|(name, columns)| (name.clone(), columns.iter().map(select).collect()))
            .collect();
        let plain = Ode { switching: false, rows: again.len(), columns, ..self.clone() }.run()?;
        for (place, &row) in again.iter().enumerate().take(plain.rows) {
            if plain.broken.iter().any(|one| one.row == place) {
                continue;
            }
            found.broken.retain(|one| one.row != row);
            found.as_smooth.push(row);
            found.values[row * numbers..][..numbers]
                .copy_from_slice(&plain.values[place * numbers..][..numbers]);
            found.work[row] = plain.work[place];
            (found.stiff[row], found.methods[row]) = (plain.stiff[place], plain.methods[place]);
            found.events[row].clone_from(&plain.events[place]);
            found.ends[row] = plain.ends[place];
            for ((_, shape, into), (.., from)) in found.gradients.iter_mut().zip(&plain.gradients) {
                let each = numbers * shape.len();
                into[row * each..][..each].copy_from_slice(&from[place * each..][..each]);
            }
        }
        Ok(())
    }

    /// What a kernel says of one row.
    fn taken(&self, method: Method, numbers: &Numbers, row: usize, width: usize) -> Taken {
        let n = self.times.len();
        let at = |k: usize| numbers.columns[k][row];
        let failed = numbers.failed.iter().find(|failed| failed.0 == row);
        let failed = failed.map(|&(_, reason)| reason);
        if method.step().is_some() {
            let values: Vec<f64> = (0..n * width).map(at).collect();
            let mut drift = 0.0_f64;
            if method.is_symplectic() {
                let energies: Vec<f64> = (n * width..n * width + n).map(at).collect();
                let scale = if energies[0] == 0.0 { 1.0 } else { energies[0].abs() };
                drift = energies.iter().map(|e| (e - energies[0]).abs() / scale).fold(0.0, f64::max);
                if energies.iter().any(|e| e.is_nan()) {
                    drift = f64::NAN;
                }
            }
            let step = method.step().unwrap_or(1.0);
            let steps = self.parts(step) * (n - 1) as f64;
            let whole = values.chunks_exact(width).position(|y| y.iter().any(|x| !x.is_finite()));
            let (last, end) = match whole {
                Some(k) => (k.saturating_sub(1), self.times[k.saturating_sub(1)]),
                None => (n - 1, self.times[n - 1]),
            };
            let stages = if method.is_symplectic() { 2.0 } else { 4.0 };
            return Taken {
                method,
                y: values[last * width..(last + 1) * width].to_vec(),
                values,
                work: [steps, 0.0, steps * stages],
                stiff: false,
                cause: Cause::Steps,
                events: Vec::new(),
                complete: whole.is_none() && failed.is_none(),
                end,
                failed,
                drift,
            };
        }
        let wide = width + NUMBERS;
        let line = |k: usize| -> Vec<f64> { (k * wide..(k + 1) * wide).map(at).collect() };
        let mut values = Vec::with_capacity(n * width);
        for k in 0..n {
            values.extend((k * wide..k * wide + width).map(at));
        }
        let last = line(n);
        let lines = numbers.columns.len() / wide;
        let events: Vec<Happened> = (n + 1..lines)
            .map(line)
            .filter(|line| !line[wide - 1].is_nan())
            // The others are switches of the right-hand side.
            .filter(|line| (line[width + 3] as usize) < self.events.len())
            .take(self.events.iter().map(|event| event.most.max(1)).max().unwrap_or(0))
            .map(|line| Happened {
                event: line[width + 3] as usize,
                t: line[wide - 1],
                y: line[..width].to_vec(),
            })
            .collect();
        let end = last[wide - 1];
        let cause = match last[width + 3] as usize / 2 {
            // Sides without which there is no start.
            0 if last[..width].iter().all(|x| x.is_nan()) => Cause::NoState,
            0 => Cause::Steps,
            1 => Cause::NoState,
            2 => Cause::TooManyEvents,
            which if which - 3 < self.events.len() => Cause::EventsPileUp,
            // There and back again at once.
            _ => Cause::NoState,
        };
        // The end by an event at one of the times.
        if let Some(event) = events.last()
            && let Some(k) =
                self.times.iter().position(|t| (t - event.t).abs() <= 4.0 * f64::EPSILON * t.abs())
            && values[k * width..(k + 1) * width].iter().all(|x| x.is_nan())
        {
            values[k * width..(k + 1) * width].copy_from_slice(&event.y);
        }
        let ended = self.events.iter().enumerate().any(|(k, event)| {
            let happened = events.iter().filter(|one| one.event == k).count();
            event.last.is_some_and(|last| happened >= last)
        });
        Taken {
            method,
            values,
            work: [last[width], last[width + 1], last[width + 2]],
            stiff: last[width + 3] % 2.0 == 1.0,
            cause,
            events,
            complete: failed.is_none() && (end == self.times[n - 1] || ended),
            y: last[..width].to_vec(),
            end,
            failed,
            drift: 0.0,
        }
    }

    /// Derivatives of rows by the method that each was integrated with.
    fn gradients(
        &self,
        places: &[Slot],
        rows: &[usize],
        taken: &[Taken],
        width: usize,
        kernels: &mut Vec<(&'static str, Kernel)>,
        workspace: &mut Workspace,
    ) -> Result<Option<Vec<Vec<f64>>>, OdeError> {
        let n = self.times.len();
        let lens: Vec<usize> = self.gradient.iter().map(|name| self.shape_of(name).len()).collect();
        let mut all: Vec<Vec<f64>> =
            lens.iter().map(|len| vec![f64::NAN; rows.len() * n * width * len]).collect();
        let mut methods: Vec<Method> = Vec::new();
        for one in taken {
            if !methods.contains(&one.method) {
                methods.push(one.method);
            }
        }
        for method in methods {
            if !kernels.iter().any(|(name, _)| *name == method.name()) {
                kernels.push((method.name(), self.compile(places, method, false, true)?));
            }
            let (_, kernel) =
                kernels.iter().find(|(name, _)| *name == method.name()).expect("it was just made");
            let these: Vec<usize> = (0..rows.len()).filter(|&k| taken[k].method == method).collect();
            let of: Vec<usize> = these.iter().map(|&k| rows[k]).collect();
            let Some(numbers) = self.evaluate(kernel, &of, workspace)? else { return Ok(None) };
            let mut column = 0;
            for output in kernel.outputs() {
                let count = output.shape.len();
                if let Role::Gradient { of, input } = output.role {
                    let name = &kernel.inputs()[input as usize].name;
                    let by = self.gradient.iter().position(|known| known == name).expect("it was asked for");
                    for element in 0..count {
                        for (place, &k) in these.iter().enumerate() {
                            let at = (k * n * width + of as usize) * lens[by] + element;
                            // Where there is no value there is no derivative.
                            let value = taken[k].values[of as usize];
                            let derivative = numbers.columns[column + element][place];
                            all[by][at] = if value.is_nan() { f64::NAN } else { derivative };
                        }
                    }
                }
                column += count;
            }
        }
        Ok(Some(all))
    }
}

/// What ends a trajectory early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Steps get too short.
    Steps,
    /// An event happens again and again, ever faster.
    EventsPileUp,
    /// There are more than are looked for.
    TooManyEvents,
    /// What a state becomes at an event, or where the right-hand side chooses, is no number.
    NoState,
}

/// One row, integrated.
struct Taken {
    cause: Cause,
    method: Method,
    values: Vec<f64>,
    work: [f64; 3],
    stiff: bool,
    events: Vec<Happened>,
    complete: bool,
    /// Where it ends.
    y: Vec<f64>,
    end: f64,
    failed: Option<Reason>,
    drift: f64,
}

fn failed((error, sources): (Error, SourceMap)) -> OdeError {
    OdeError::Program { error: Box::new(error), sources: Box::new(sources) }
}
