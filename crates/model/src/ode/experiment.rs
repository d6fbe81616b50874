//! Several experiments on one equation: trajectories from starts of their own at times of their own, as one program.

use std::fmt::Write as _;

use neural_compiler::{Limits, Program};

use super::check::in_order;
use super::integration::{SIDES, parsed, switching};
use super::system::{Parts, Slot, in_order as results_in_order, vector};
use super::{Method, Ode, OdeError, failed};

/// A trajectory that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The times at which something was measured, growing or falling; the first is that of the start.
    pub times: Vec<f64>,
    /// Starts of states and values of inputs that are its own. The others are those of all experiments.
    pub own: Vec<Own>,
    /// For each observable, at which of the times it was measured: places among [`Experiment::times`], several times the same where it was
    /// measured again.
    pub measured: Vec<Vec<usize>>,
    /// Whether it goes on where the one before it ends: a segment of one trajectory.
    pub continues: bool,
}

/// The start of a state, or the value of an input, in one experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// The state or input.
    pub of: String,
    /// The number, or the elements.
    pub value: Vec<f64>,
    /// The input of the program that stands for it; without one the value does.
    pub input: Option<String>,
}

impl Experiment {
    fn own(&self, name: &str) -> Option<&Own> {
        self.own.iter().find(|own| own.of == name)
    }

    fn span(&self) -> f64 {
        match (self.times.first(), self.times.last()) {
            (Some(first), Some(last)) => (last - first).abs(),
            _ => 0.0,
        }
    }
}

/// What is called so in the program: the gaps between segments.
pub const GAPS: &str = "nc:gaps";

impl<'a> Ode<'a> {
    /// The equation as one experiment has it.
    fn of(&self, experiment: &Experiment) -> Ode<'a> {
        let mut ode = self.clone().times(experiment.times.clone());
        for one in ode.states.iter_mut().chain(&mut ode.parameters) {
            if let Some(own) = experiment.own(&one.name) {
                one.value.clone_from(&own.value);
            }
        }
        ode
    }

    /// The program whose results are these states as they were measured in several experiments: of each the numbers of all experiments, one behind
    /// the other. As [`Ode::observations`] otherwise. Where experiments continue others, a further result, [`Ode::GAPS`], has the
    /// differences between where each begins and where the one before ends.
    ///
    /// # Errors
    ///
    /// What is wrong with programs, names and values; a state that is observed and is none, or was never measured; an input of an
    /// experiment that is a number of the program.
    pub fn experiments(&self, observed: &[String], experiments: &[Experiment]) -> Result<Program, OdeError> {
        let longest = experiments.iter().max_by(|a, b| a.span().total_cmp(&b.span()));
        let longest = longest.ok_or_else(|| OdeError::Value("there is no experiment".into()))?;
        let whole = self.of(longest);
        let (system, places) = whole.right_hand_side()?;
        let elements = whole.observed(observed)?;
        let method = whole.first_method();
        let Some(library) = method.library() else {
            return Err(OdeError::Value(format!(
                "{} takes part in no fit of several experiments",
                method.name()
            )));
        };
        let slots = self.slots();
        for (number, experiment) in experiments.iter().enumerate() {
            let of = |error: OdeError| match error {
                OdeError::Value(why) if experiments.len() > 1 => {
                    OdeError::Value(format!("experiment {}, counted from 1: {why}", number + 1))
                }
                error => error,
            };
            in_order(&experiment.times).map_err(of)?;
            if experiment.times.len() < 2 {
                return Err(of(OdeError::Value(
                    "it has one time only: a trajectory has a start and an end".into(),
                )));
            }
            for own in &experiment.own {
                let is_state = slots.iter().any(|slot| slot.name == own.of);
                if !is_state && !system.inputs().any(|input| input == own.of) {
                    return Err(OdeError::Name(format!(
                        "`{}` has a value in each experiment and is neither a state nor an input of `{}`",
                        own.of, self.system.name
                    )));
                }
            }
        }
        let times = experiments.iter().map(|experiment| experiment.times.len() as u64);
        let each = whole.most_steps(&places, method)?;
        let most = (experiments.len() as u64).saturating_mul(each).saturating_add(16 * times.sum::<u64>());
        let switched = whole.switched(method);
        let sides = switched.as_ref().map_or(0, |(_, count)| *count);
        let part = switched.as_ref().map_or(self.system, |(system, _)| system);
        let (mut all, mut places) = (slots.clone(), places);
        if sides > 0 {
            let width = slots.iter().map(Slot::count).sum();
            let slot = Slot { name: SIDES.into(), first: width, len: Some(sides) };
            all.push(slot.clone());
            places.push(slot);
        }
        let text = Text {
            ode: self,
            experiments,
            elements: &elements,
            slots: &slots,
            all: &all,
            sides,
            places: &places,
            library,
        };
        let iterations = whole.most(Limits::default()).iterations;
        let program = part.program().map_err(failed)?;
        let text =
            text.write(&program, &format!("; nc: --max-iterations {iterations} --max-steps {most}\n"))?;
        Ok(parsed(&text, Parts(vec![("nc:system".to_owned(), part)]))?.0)
    }

    /// What the result of gaps between segments is called.
    pub const GAPS: &'static str = GAPS;
}

impl Method {
    /// What the library calls it, if it finds the lengths of its steps.
    fn library(self) -> Option<&'static str> {
        match self {
            Method::Auto | Method::Dop853 => Some("dop853"),
            Method::Tsit5 => Some("tsit5"),
            Method::Rodas5p => Some("rodas5p"),
            Method::Rk4(_) | Method::Yoshida4(_) | Method::Leapfrog(_) => None,
        }
    }
}

/// What the program is written from.
struct Text<'a, 'b> {
    ode: &'a Ode<'b>,
    experiments: &'a [Experiment],
    elements: &'a [(String, usize)],
    slots: &'a [Slot],
    /// The states as parts of one vector, and behind them the sides of comparisons, if there are any.
    all: &'a [Slot],
    sides: usize,
    places: &'a [Slot],
    library: &'static str,
}

impl Text<'_, '_> {
    fn write(&self, system: &Program, head: &str) -> Result<String, OdeError> {
        let owned = |name: &str| self.experiments.iter().any(|experiment| experiment.own(name).is_some());
        let takes: Vec<&str> = system
            .inputs()
            .filter(|input| *input == "t" || self.all.iter().any(|slot| slot.name == *input) || owned(input))
            .collect();
        let mut text = format!("{head}(import (program \"nc:system\" nc:f:program {}))\n", takes.join(" "));
        for (number, experiment) in self.experiments.iter().enumerate() {
            self.trajectory(&mut text, number, experiment, &takes);
        }
        let mut results = Vec::new();
        for (o, (name, element)) in self.elements.iter().enumerate() {
            let mut parts = Vec::new();
            for (number, experiment) in self.experiments.iter().enumerate() {
                let measured = experiment.measured.get(o).map_or(&[][..], Vec::as_slice);
                if let Some(&place) = measured.iter().find(|&&place| place >= experiment.times.len()) {
                    return Err(OdeError::Value(format!(
                        "`{name}` is measured at time {place}, which there is not"
                    )));
                }
                if measured.is_empty() {
                    continue;
                }
                let all = measured.iter().copied().eq(0..experiment.times.len());
                let place = if all {
                    "nc:k".to_owned()
                } else {
                    let numbers: Vec<f64> = measured.iter().map(|&place| place as f64).collect();
                    let _ = writeln!(text, "(define nc:at{number}.{o} {})", vector(&numbers));
                    format!("(ref nc:at{number}.{o} nc:k)")
                };
                let count = measured.len();
                parts.push(format!(
                    "(build {count} (lambda (nc:k) (ref (ref nc:m{number} {place}) {element})))"
                ));
            }
            let name = name.replace('[', ".").replace(']', "");
            match parts.as_slice() {
                [] => return Err(OdeError::Value(format!("`{name}` is observed and was never measured"))),
                [one] => results.push(format!("({name} {one})")),
                several => results.push(format!("({name} (vappend {}))", several.join(" "))),
            }
        }
        let width: usize = self.slots.iter().map(Slot::count).sum();
        let gaps: Vec<String> = (1..self.experiments.len())
            .filter(|&number| self.experiments[number].continues)
            .map(|number| {
                let last = self.experiments[number - 1].times.len() - 1;
                format!("(- nc:y{number} (slice (ref nc:m{} {last}) 0 {width}))", number - 1)
            })
            .collect();
        if !gaps.is_empty() {
            results.push(format!("({GAPS} (vappend {}))", gaps.join(" ")));
        }
        let _ = writeln!(text, "(values {})", results.join("\n  "));
        Ok(text)
    }

    /// The trajectory of an experiment.
    fn trajectory(&self, text: &mut String, number: usize, experiment: &Experiment, takes: &[&str]) {
        let own = |name: &str| -> Option<String> {
            let own = experiment.own(name)?;
            Some(match (&own.input, own.value.as_slice()) {
                (Some(input), _) => input.clone(),
                (None, [one]) if !self.is_vector(name) => format!("{one:e}"),
                (None, several) => vector(several),
            })
        };
        let value = |input: &&str| match self.all.iter().find(|slot| slot.name == **input) {
            Some(slot) => slot.of("nc:y"),
            None if **input == *"t" => "nc:t".to_owned(),
            None => own(input).unwrap_or_else(|| (*input).to_owned()),
        };
        let values: Vec<String> = takes.iter().map(value).collect();
        let body = results_in_order(format!("(nc:f:program {})", values.join(" ")), self.places);
        let starts: Vec<String> =
            self.slots.iter().map(|slot| own(&slot.name).unwrap_or_else(|| slot.name.clone())).collect();
        let (library, rtol, atol) = (self.library, self.ode.rtol, self.ode.atol);
        let times = vector(&experiment.times);
        let _ = writeln!(
            text,
            "(define nc:times{number} {times})\n(define nc:y{number} (vappend {}))",
            starts.join(" ")
        );
        if self.sides == 0 {
            let _ = writeln!(
                text,
                "(define (nc:f{number} nc:t nc:y) {body})\n\
                 (define nc:m{number} ({library}-trajectory nc:f{number} nc:y{number} nc:times{number} {rtol:e} {atol:e}))"
            );
            return;
        }
        let width: usize = self.slots.iter().map(Slot::count).sum();
        let crossed = format!("(nc:crossed{number} nc:t nc:y)");
        let after = match self.sides {
            1 => crossed,
            several => format!("(vec {})", vec![crossed; several].join(" ")),
        };
        let _ = writeln!(
            text,
            "(define (nc:both{number} nc:t nc:y) {body}){}\n(define (nc:after{number} nc:t nc:y) {after})\n\
             (define nc:m{number} ({library}-events nc:f{number} (nc:settled{number} (ref nc:times{number} 0) nc:y{number}) \
             nc:times{number} {rtol:e} {atol:e} nc:switch{number} nc:after{number} -1 1 +inf.0))",
            switching(&number.to_string(), width, self.sides)
        );
    }

    fn is_vector(&self, name: &str) -> bool {
        self.slots.iter().any(|slot| slot.name == name && slot.len.is_some())
    }
}
