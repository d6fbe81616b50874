//! Why a trajectory ends early.

use neural_compiler::batch::{RowOutcome, Workspace};
use neural_compiler::{CompileOptions, Program, Reason, Span, Tier};

use super::system::Slot;
use super::{Broken, Cause, Method, Ode, State, Taken};

impl Ode<'_> {
    /// Why a row does not reach its end.
    pub(super) fn why(
        &self,
        program: &Program,
        places: &[Slot],
        row: usize,
        taken: &Taken,
        explain: bool,
    ) -> Broken {
        // Where not even the start goes on, it is the start.
        let y = match taken.y.iter().all(|x| x.is_nan()) {
            true => self.start_of(row),
            false => taken.y.clone(),
        };
        let broken = |why: String, span| Broken { row, t: taken.end, y: y.clone(), why, span };
        if let Some(reason) = taken.failed {
            let why = match reason {
                Reason::Iterations { limit } => {
                    let followed = Ode { switching: true, ..self.clone() };
                    let remedy = match self.method {
                        _ if !self.switching && followed.switched(taken.method).is_some() => {
                            "conditions of the right-hand side may change again and again, which is found if they are followed; "
                        }
                        Method::Tsit5 | Method::Dop853 => "a stiff equation needs method rodas5p, or auto; ",
                        Method::Auto
                        | Method::Rodas5p
                        | Method::Rk4(_)
                        | Method::Yoshida4(_)
                        | Method::Leapfrog(_) => "",
                    };
                    format!(
                        "it takes more than {limit} steps from one time to the next, or steps within the limit do not lead to the end; \
                         {remedy}--max-iterations allows more"
                    )
                }
                other => other.to_string(),
            };
            // The place is one of the library, or of the program around.
            return broken(why, None);
        }
        if !explain || taken.end.is_nan() {
            return broken("many rows end early; by itself, this one says why".into(), None);
        }
        match taken.cause {
            Cause::EventsPileUp => {
                return broken(
                    "events follow each other ever faster and pile up there; what comes behind, such as a ball that rests, is another \
                     equation: end before it, at an event of a given number or of one that sees it coming"
                        .into(),
                    None,
                );
            }
            Cause::TooManyEvents => {
                let why = match self.events.is_empty() {
                    false => {
                        "there are too many events, those of conditions counted; --max-events allows for more"
                    }
                    true => "conditions of the right-hand side change too often to be followed",
                };
                return broken(why.into(), None);
            }
            Cause::NoState if self.switched(taken.method).is_some() => {
                return broken(
                    "a condition of the right-hand side changes there, and what it chooses leads back at once: the solution slides along \
                     where the condition changes, and the equation does not say how"
                        .into(),
                    None,
                );
            }
            Cause::NoState => {
                return broken("what a state becomes at an event is no finite number".into(), None);
            }
            Cause::Steps => {}
        }
        if let Some((why, span)) = self.leaves_domain(program, places, row, taken) {
            return broken(format!("the right-hand side has no value there: {why}"), Some(span));
        }
        if taken.method.step().is_some() {
            return broken("the state grows beyond all numbers; shorter steps may follow it".into(), None);
        }
        if self.atol == 0.0 && taken.y.contains(&0.0) {
            return broken(
                "steps get too short for numbers: with an absolute tolerance of 0, the error of a state that is 0 has to be 0".into(),
                None,
            );
        }
        broken(
            "steps get too short for numbers: the solution has no continuation there, or changes too fast"
                .into(),
            None,
        )
    }

    /// Where a row starts.
    pub(super) fn start_of(&self, row: usize) -> Vec<f64> {
        let of = |state: &State| match self.columns.iter().find(|(name, _)| *name == state.name) {
            Some((_, columns)) => columns.iter().map(|column| column[row]).collect(),
            None => state.value.clone(),
        };
        self.states.iter().flat_map(of).collect()
    }

    /// The operation outside its domain, if there is one a little further than a trajectory comes.
    fn leaves_domain(
        &self,
        program: &Program,
        places: &[Slot],
        row: usize,
        taken: &Taken,
    ) -> Option<(String, Span)> {
        let program = self.opened(program).ok()?;
        let options = CompileOptions::default()
            .signature(self.signature(&program))
            .tier(Tier::Interpret)
            .check_domain(true);
        let kernel = program.compile(&options).ok()?;
        let slots = self.slots();
        let mut workspace = Workspace::new();
        let mut results = vec![0.0; kernel.outputs().iter().map(|output| output.shape.len()).sum()];
        let mut at = |t: f64, y: &[f64]| -> Option<Result<Vec<f64>, (String, Span)>> {
            let mut inputs = Vec::new();
            for input in kernel.inputs() {
                if let Some(slot) = slots.iter().find(|slot| slot.name == input.name) {
                    inputs.extend(&y[slot.first..slot.first + slot.count()]);
                } else if input.name == "t" && !self.takes("t") {
                    inputs.push(t);
                } else if let Some((_, columns)) = self.columns.iter().find(|(name, _)| *name == input.name) {
                    inputs.extend(columns.iter().map(|column| column[row]));
                } else {
                    inputs.extend(&self.parameters.iter().find(|one| one.name == input.name)?.value);
                }
            }
            let outcome = kernel.evaluate_row(&inputs, &[], &mut results, &mut [], &mut workspace).ok()?;
            Some(match outcome {
                RowOutcome::Noted(check) | RowOutcome::Failed(check) => {
                    let check = kernel.checks()[check as usize];
                    Err((check.reason.to_string(), check.span))
                }
                RowOutcome::Done => Ok(results.clone()),
            })
        };
        let span = self.times[self.times.len() - 1] - self.times[0];
        let results = match at(taken.end, &taken.y)? {
            Err(found) => return Some(found),
            Ok(results) => results,
        };
        // In the order of the states.
        let slope: Vec<f64> = places
            .iter()
            .flat_map(|place| &results[place.first..place.first + place.count()])
            .copied()
            .collect();
        // Towards where the solution is going, further and further.
        let mut ahead = span * 1e-15;
        while ahead.abs() <= span.abs() * 1e-2 {
            let y: Vec<f64> = taken.y.iter().zip(&slope).map(|(y, slope)| y + ahead * slope).collect();
            if let Err(found) = at(taken.end + ahead, &y)? {
                return Some(found);
            }
            ahead *= 4.0;
        }
        None
    }
}
