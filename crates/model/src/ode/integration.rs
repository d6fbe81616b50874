//! The program around a right-hand side that calls the library's integrators.

use std::fmt::Write as _;

use neural_compiler::{Dialect, Limits, Program, ReaderLimits, SourceMap};

use super::system::{Parts, Slot, System, function};
use super::{Method, NUMBERS, Ode, OdeError, failed};

/// What a program that integrates gives.
pub(super) enum Form {
    /// All that the library's trajectories say, and energies of a Hamiltonian.
    Whole,
    /// The states at all times, one matrix.
    States,
    /// These elements of the states under their names, each a vector of all times, if that takes no more steps.
    Observed(Vec<(String, usize)>, u64),
}

impl Ode<'_> {
    /// The program that integrates.
    pub(super) fn program(
        &self,
        places: &[Slot],
        method: Method,
        stops: bool,
        form: &Form,
    ) -> Result<(Program, SourceMap), OdeError> {
        let slots = self.slots();
        let width: usize = slots.iter().map(Slot::count).sum();
        let inputs = |system: &System<'_>| -> Result<Vec<String>, OdeError> {
            let program = system.program().map_err(failed)?;
            Ok(program.inputs().map(str::to_string).collect())
        };
        let (mut imports, mut defined) = (String::new(), String::new());
        let mut parts = vec![("nc:system", self.system)];
        let mut add = |name: &str, part: &str, inputs: &[String], results: &[Slot]| {
            let mut text = String::new();
            function(&mut text, name, part, inputs, &slots, results);
            let (import, define) = text.split_once('\n').expect("two lines");
            imports.push_str(import);
            imports.push('\n');
            defined.push_str(define);
        };
        let takes = inputs(self.system)?;
        if method.is_symplectic() {
            add("nc:energy", "nc:system", &takes, &[]);
        } else {
            add("nc:f", "nc:system", &takes, places);
        }
        let jumps =
            ["nc:jump0", "nc:jump1", "nc:jump2", "nc:jump3", "nc:jump4", "nc:jump5", "nc:jump6", "nc:jump7"];
        let mut events = None;
        if let Some(event) = &self.event {
            add("nc:event", "nc:when", &inputs(event.when)?, &[]);
            parts.push(("nc:when", event.when));
            if event.jumps.len() > jumps.len() {
                return Err(OdeError::Value(format!("more than {} states jump", jumps.len())));
            }
            let mut after: Vec<String> = slots.iter().map(|slot| slot.of("nc:y")).collect();
            for ((name, system), part) in event.jumps.iter().zip(jumps) {
                let state = slots.iter().position(|slot| slot.name == *name);
                let state = state.ok_or_else(|| OdeError::Name(format!("`{name}` jumps and is no state")))?;
                add(part, part, &inputs(system)?, &[]);
                parts.push((part, system));
                after[state] = format!("({part} nc:t nc:y)");
            }
            let _ = write!(defined, "\n(define (nc:after nc:t nc:y) (vappend {}))", after.join(" "));
            events = Some((event.last.unwrap_or(0), event.most.max(1)));
        }
        let start: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
        let start = format!("(vappend {})", start.join(" "));
        let (rtol, atol) = (self.rtol, self.atol);
        let n = self.times.len();
        let longest = self.times.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        let count = |step: f64| ((longest / step).ceil().max(1.0) as u64).to_string();
        let longest_step =
            if self.longest.is_finite() { format!("{:e}", self.longest) } else { "+inf.0".into() };
        let adaptive = |name: &str| {
            let (of, last, most) = match events {
                Some((last, most)) => ("nc:event nc:after", last, most),
                None if !stops && self.longest == f64::INFINITY => {
                    return format!("({name}-trajectory nc:f {start} nc:times {rtol:e} {atol:e})");
                }
                None => ("(lambda (t y) 1) (lambda (t y) y)", 0, 0),
            };
            let form = if stops { "until-stiff" } else { "events" };
            format!(
                "({name}-{form} nc:f {start} nc:times {rtol:e} {atol:e} {of} {last} {most} {longest_step})"
            )
        };
        let symplectic = |name: &str, step: f64| {
            let (h, n) = ("(/ (- (ref nc:times (+ nc:k 1)) (ref nc:times nc:k)) nc:n)", count(step));
            format!(
                "(let ((nc:n {n})) (loop ((nc:k 0) (nc:y {start}) (nc:rows (repeat (vlen nc:times) {start}))) \
                 (if (= nc:k (- (vlen nc:times) 1)) nc:rows (let* ((nc:h {h}) (nc:next (loop ((nc:i 0) (nc:y nc:y)) \
                 (if (= nc:i nc:n) nc:y (recur (+ nc:i 1) ({name} nc:hamiltonian (+ (ref nc:times nc:k) (* nc:i nc:h)) \
                 nc:h nc:y)))))) (recur (+ nc:k 1) nc:next (replace nc:rows (+ nc:k 1) nc:next))))))"
            )
        };
        let (value, numbers) = match method {
            Method::Auto | Method::Dop853 => (adaptive("dop853"), NUMBERS),
            Method::Tsit5 => (adaptive("tsit5"), NUMBERS),
            Method::Rodas5p => (adaptive("rodas5p"), NUMBERS),
            Method::Rk4(step) => (format!("(rk4-at nc:f {start} nc:times {})", count(step)), 0),
            Method::Yoshida4(step) => (symplectic("yoshida4", step), 0),
            Method::Leapfrog(step) => (symplectic("leapfrog", step), 0),
        };
        if method.is_symplectic() {
            let half = width / 2;
            let mut slices: Vec<String> = Vec::new();
            for slot in &slots {
                let (vector, first) =
                    if slot.first < half { ("q", slot.first) } else { ("p", slot.first - half) };
                if slot.first < half && slot.first + slot.count() > half {
                    return Err(OdeError::Results(format!(
                        "`{}` has positions and momenta: the first half of all states' numbers are positions",
                        slot.name
                    )));
                }
                slices.push(Slot { first, ..slot.clone() }.of(vector));
            }
            let _ = write!(
                defined,
                "\n(define (nc:hamiltonian t q p) (nc:energy t (vappend {})))",
                slices.join(" ")
            );
        }
        let energies =
            "(build (vlen nc:times) (lambda (nc:k) (nc:energy (ref nc:times nc:k) (ref nc:m nc:k))))";
        let mut head = String::new();
        let result = match (form, method.is_symplectic()) {
            (Form::States, _) if numbers > 0 => {
                format!(
                    "(define nc:m {value})\n(build {n} (lambda (nc:k) (slice (ref nc:m nc:k) 0 {width})))"
                )
            }
            (Form::States, _) | (Form::Whole, false) => value,
            (Form::Whole, true) => {
                format!("(define nc:m {value})\n(values (nc:states nc:m) (nc:energies {energies}))")
            }
            (Form::Observed(elements, most), _) => {
                let times: Vec<String> = self.times.iter().map(|t| format!("{t:e}")).collect();
                let iterations = self.most(Limits::default()).iterations;
                head = format!("; nc: --max-iterations {iterations} --max-steps {most}\n");
                let _ = write!(defined, "\n(define nc:times [{}])", times.join(" "));
                let result = |(name, k): &(String, usize)| {
                    let name = name.replace('[', ".").replace(']', "");
                    format!("({name} (build {n} (lambda (nc:k) (ref (ref nc:m nc:k) {k}))))")
                };
                let results: Vec<String> = elements.iter().map(result).collect();
                format!("(define nc:m {value})\n(values {})", results.join(" "))
            }
        };
        let text = format!("{head}{imports}{defined}\n{result}\n");
        let mut sources = SourceMap::new();
        let main = sources.add("integration.scm", &*text);
        let main = main.map_err(|long| OdeError::Value(long.to_string()))?;
        let limits = ReaderLimits::default();
        let loader = Parts(parts);
        let parsed = Program::parse_files(&mut sources, main, Dialect::Scheme, &limits, &loader);
        match parsed {
            Ok(program) => Ok((program, sources)),
            Err(error) => Err(failed((error, sources))),
        }
    }
}
