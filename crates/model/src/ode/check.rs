//! What is asked of an integration: whether it goes together, and what the right-hand side gives.

use neural_compiler::{CompileOptions, Derivative, Program, Role, Shape, Tier};

use super::system::Slot;
use super::{MAX_NUMBERS, MAX_TIMES, MOST_BYTES, NUMBERS, Ode, OdeError, failed};

impl Ode<'_> {
    /// Refuses names and values that do not fit.
    pub(super) fn check(&self, program: &Program) -> Result<(), OdeError> {
        let value = |text: String| Err(OdeError::Value(text));
        if self.states.is_empty() {
            return Err(OdeError::Name(
                "there is no state: what the equation is about and where it starts".into(),
            ));
        }
        for (k, one) in self.states.iter().chain(&self.parameters).enumerate() {
            if self.states.iter().chain(&self.parameters).take(k).any(|other| other.name == one.name) {
                return Err(OdeError::Name(format!("`{}` has two values", one.name)));
            }
            if !matches!(one.shape, Shape::Scalar | Shape::Vector(_)) && k < self.states.len() {
                return value(format!("`{}`: a state is a number or a vector", one.name));
            }
            if let Some(x) = one.value.iter().find(|x| !x.is_finite()) {
                return value(format!("`{}` starts at {x}", one.name));
            }
        }
        let constants: Vec<&str> = program.constants().map(|(name, _)| name).collect();
        let known = |name: &str| program.inputs().any(|input| input == name) || constants.contains(&name);
        for parameter in &self.parameters {
            if !known(&parameter.name) && !self.event_takes(&parameter.name) {
                return Err(OdeError::Name(format!(
                    "`{}` has no input `{}`; it takes: {}",
                    self.system.name,
                    parameter.name,
                    program.inputs().chain(constants).collect::<Vec<_>>().join(", ")
                )));
            }
        }
        if let [one] = self.times.as_slice() {
            return value(format!("there is one time, {one}: a trajectory has a start and an end"));
        }
        if self.times.len() < 2 {
            return value("there are no times".into());
        }
        if self.times.len() > MAX_TIMES {
            return value(format!("there are more than {MAX_TIMES} times"));
        }
        let width: usize = self.states.iter().map(|state| state.shape.len()).sum();
        let kept = self.events.iter().map(|event| event.most).max().unwrap_or(0);
        let numbers = (self.times.len() + kept + 1).saturating_mul(width + NUMBERS);
        if numbers > MAX_NUMBERS {
            return value(format!(
                "a trajectory of {} times, {kept} events and {width} numbers in its states has more than {MAX_NUMBERS} \
                 numbers: ask for fewer times",
                self.times.len()
            ));
        }
        if self.longest.is_nan() || self.longest <= 0.0 {
            return value(format!("the longest step has to be above 0, and is {}", self.longest));
        }
        let is_state = |name: &str| self.states.iter().any(|state| state.name == name);
        let gives_time =
            self.parameters.iter().map(|one| &one.name).chain(self.columns.iter().map(|(name, _)| name));
        if let Some(name) = gives_time.into_iter().find(|name| *name == "t" && !is_state("t")) {
            return Err(OdeError::Name(format!("`{name}` is the time: it is no parameter")));
        }
        let unknowns: usize = self.gradient.iter().map(|name| self.shape_of(name).len()).sum();
        let bytes = (self.times.len() * width)
            .saturating_mul((1 + unknowns) * size_of::<f64>())
            .saturating_mul(self.rows);
        if bytes > MOST_BYTES {
            return value(format!(
                "{} trajectories of {} times take {} GiB, more than {}: ask for fewer times, or integrate fewer rows at once",
                self.rows,
                self.times.len(),
                bytes >> 30,
                MOST_BYTES >> 30
            ));
        }
        in_order(&self.times)?;
        for (name, tolerance) in [("relative", self.rtol), ("absolute", self.atol)] {
            if !(tolerance >= 0.0 && tolerance.is_finite()) {
                return value(format!("the {name} tolerance has to be at least 0, and is {tolerance}"));
            }
        }
        if self.rtol == 0.0 && self.atol == 0.0 {
            return value("one of the tolerances has to be above 0".into());
        }
        if let Some(step) = self.method.step()
            && !(step > 0.0 && step.is_finite())
        {
            return value(format!("a step has to be longer than 0, and is {step}"));
        }
        if self.method.step().is_some() && !self.events.is_empty() {
            return value(format!("{} has no events: its steps have a given length", self.method.name()));
        }
        for (name, columns) in &self.columns {
            let of = self.states.iter().chain(&self.parameters).find(|one| one.name == *name);
            let wanted = of.map_or(1, |one| one.shape.len());
            if columns.len() != wanted || columns.iter().any(|column| column.len() != self.rows) {
                return value(format!("`{name}` has not {wanted} columns of {} numbers", self.rows));
            }
        }
        for name in &self.gradient {
            if !self.takes(name) {
                return Err(OdeError::Name(format!(
                    "`{name}` is neither a state nor a parameter that has a value"
                )));
            }
        }
        let given = |name: &str| name == "t" || self.takes(name);
        let of_networks: Vec<&str> = program.parameters().iter().map(|one| one.name.as_str()).collect();
        if let Some(missing) = program.inputs().find(|input| !given(input) && !of_networks.contains(input)) {
            let name = &self.system.name;
            let unused = self.states.iter().find(|state| program.inputs().all(|input| input != state.name));
            let unused = unused
                .map_or(String::new(), |state| format!("; the state `{}` is no input of it", state.name));
            return Err(OdeError::Name(format!(
                "`{name}` takes `{missing}`, which is no state and has no value{unused}"
            )));
        }
        let missing: Vec<&str> = of_networks.into_iter().filter(|name| !given(name)).collect();
        if !missing.is_empty() {
            return Err(OdeError::Weights(missing.into_iter().map(str::to_owned).collect()));
        }
        Ok(())
    }

    fn event_takes(&self, name: &str) -> bool {
        let systems = self.events.iter().flat_map(|event| {
            std::iter::once(event.when).chain(event.jumps.iter().map(|(_, system)| *system))
        });
        systems
            .into_iter()
            .any(|system| system.program().is_ok_and(|program| program.inputs().any(|input| input == name)))
    }

    /// The program by itself, and where its results stand among the derivatives of the states.
    pub(super) fn right_hand_side(&self) -> Result<(Program, Vec<Slot>), OdeError> {
        let program = self.system.program().map_err(failed)?;
        self.check(&program)?;
        let slots = self.slots();
        let signature = self.signature(&program);
        let options = CompileOptions::default().signature(signature).tier(Tier::Interpret);
        let compiled = program.compile(&options);
        let kernel = compiled.map_err(|error| failed((error, program.sources().clone())))?;
        let values: Vec<_> = kernel.outputs().iter().filter(|output| output.role == Role::Value).collect();
        let all: usize = values.iter().map(|output| output.shape.len()).sum();
        let wanted: usize = slots.iter().map(Slot::count).sum();
        let states: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
        let states = states.join(", ");
        if self.method.is_symplectic() {
            return match values.as_slice() {
                [one] if one.shape == Shape::Scalar && wanted.is_multiple_of(2) => {
                    self.check_separable(&program)?;
                    Ok((program, slots))
                }
                [one] if one.shape == Shape::Scalar => Err(OdeError::Results(format!(
                    "the states {states} have {wanted} numbers: positions and momenta are equally many, positions first"
                ))),
                _ => Err(OdeError::Results("a Hamiltonian has one result, a number".into())),
            };
        }
        let named = program.results().next().is_some();
        if !named || values.len() == 1 && slots.len() == 1 {
            let shape = values[0].shape;
            let fits = all == wanted && matches!(shape, Shape::Scalar | Shape::Vector(_));
            if !fits {
                return Err(OdeError::Results(format!(
                    "the program gives {shape}, and the states {states} have {wanted} numbers: it has to give their \
                     derivatives in this order, or results of their names"
                )));
            }
            let scalar = shape == Shape::Scalar;
            let one = Slot { name: String::new(), first: 0, len: (!scalar).then_some(all) };
            return Ok((program, vec![one]));
        }
        // The place of each state's derivative among the results.
        let mut places = Vec::new();
        for slot in &slots {
            let mut first = 0;
            let mut found = None;
            for value in &values {
                if value.name == slot.name {
                    found = Some((first, value.shape));
                }
                first += value.shape.len();
            }
            let names = || values.iter().map(|value| value.name.as_str()).collect::<Vec<_>>().join(", ");
            let (first, shape) = found.ok_or_else(|| {
                OdeError::Results(format!(
                    "the program has no result `{}`: each state needs its derivative under its name; its results are: {}",
                    slot.name,
                    names()
                ))
            })?;
            let expected = slot.len.map_or(Shape::Scalar, |len| Shape::Vector(len as u32));
            if shape != expected {
                return Err(OdeError::Results(format!(
                    "the result `{}` is {shape}, and the state {expected}",
                    slot.name
                )));
            }
            places.push(Slot { name: slot.name.clone(), first, len: slot.len });
        }
        if all != wanted {
            let more: Vec<&str> = values
                .iter()
                .map(|value| value.name.as_str())
                .filter(|name| slots.iter().all(|slot| slot.name != *name))
                .collect();
            return Err(OdeError::Results(format!(
                "the results {} are no states: each result is the derivative of a state",
                more.join(", ")
            )));
        }
        Ok((program, places))
    }

    /// Refuses a Hamiltonian whose derivatives by positions depend on momenta, or the other way round: the symplectic methods
    /// here are for T(p) + V(q).
    fn check_separable(&self, program: &Program) -> Result<(), OdeError> {
        let half: usize = self.states.iter().map(|state| state.shape.len()).sum::<usize>() / 2;
        let mut first = 0;
        let mut sides: Vec<(&str, bool)> = Vec::new();
        for state in &self.states {
            sides.push((&state.name, first < half));
            first += state.shape.len();
        }
        let names: Vec<&str> =
            program.inputs().filter(|name| sides.iter().any(|(known, _)| known == name)).collect();
        let options = CompileOptions::default()
            .signature(self.signature(program))
            .tier(Tier::Interpret)
            .derivative(Derivative::Gradient)
            .wrt(names);
        let kernel = program.compile(&options).map_err(|error| failed((error, program.sources().clone())))?;
        let side = |name: &str| sides.iter().find(|(known, _)| *known == name).map(|(_, side)| *side);
        for (k, output) in kernel.outputs().iter().enumerate() {
            let Role::Gradient { input: by, .. } = output.role else { continue };
            let by = &kernel.inputs()[by as usize].name;
            for (on, input) in kernel.inputs().iter().enumerate() {
                let (Some(by_side), Some(on_side)) = (side(by), side(&input.name)) else { continue };
                if by_side != on_side && kernel.depends(k, on) {
                    return Err(OdeError::Results(format!(
                        "the Hamiltonian is no sum of a function of positions and one of momenta: its derivative by `{by}` depends \
                         on `{}`, and symplectic steps would be wrong; its field, (hamiltonian->field H), can be integrated as \
                         other equations are",
                        input.name
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Refuses times that neither grow throughout nor fall throughout.
pub(super) fn in_order(times: &[f64]) -> Result<(), OdeError> {
    let grows = times.len() > 1 && times[1] > times[0];
    let wrong = times.windows(2).find(|pair| {
        !(pair[0].is_finite() && pair[1].is_finite()) || pair[0] == pair[1] || (pair[1] > pair[0]) != grows
    });
    match wrong {
        None => Ok(()),
        Some(pair) => Err(OdeError::Value(format!(
            "times have to grow, or to fall, throughout: {} follows {}",
            pair[1], pair[0]
        ))),
    }
}
