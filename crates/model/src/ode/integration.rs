//! The program around a right-hand side that calls the library's integrators.

use std::fmt::Write as _;

use neural_compiler::{
    CompileOptions, Dialect, Limits, Program, ReaderLimits, Shape, SourceMap, Switches, Tier,
};

use super::system::{Parts, Slot, System, function, vector};
use super::{Method, NUMBERS, Ode, OdeError, failed};

/// What a program that integrates gives.
pub(super) enum Form {
    /// All that the library's trajectories say, and energies of a Hamiltonian.
    Whole,
    /// The states at all times, one matrix.
    States,
    /// These elements of the states under their names, each a vector of all times, if that takes no more steps.
    Observed(Vec<(String, usize)>, u64),
    /// These elements of the states under their names, each a vector of all times but the first; the times are an input, and it takes no
    /// more steps than so many.
    Window(Vec<(String, usize)>, u64),
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
        // Where the right-hand side chooses, states of their own say which side each comparison is on; they jump where it changes.
        let switched = self.switched(method);
        let sides = switched.as_ref().map_or(0, |(_, count)| *count);
        let mut all = slots.clone();
        let mut places = places.to_vec();
        if sides > 0 {
            let slot = Slot { name: SIDES.into(), first: width, len: Some(sides) };
            all.push(slot.clone());
            places.push(slot);
        }
        let all = all;
        let system = switched.as_ref().map_or(self.system, |(system, _)| system);
        let mut parts = vec![("nc:system".to_owned(), system)];
        let mut add = |name: &str, part: &str, inputs: &[String], results: &[Slot]| {
            let mut text = String::new();
            function(&mut text, name, part, inputs, &all, results);
            let (import, define) = text.split_once('\n').expect("two lines");
            imports.push_str(import);
            imports.push('\n');
            defined.push_str(define);
        };
        let takes = inputs(system)?;
        if method.is_symplectic() {
            add("nc:energy", "nc:system", &takes, &[]);
        } else {
            add(if sides > 0 { "nc:both" } else { "nc:f" }, "nc:system", &takes, &places);
        }
        let mut events = None;
        let mut after: Vec<String> = Vec::new();
        let whens = self.events.iter().map(|event| boundary(event.when)).collect::<Result<Vec<_>, _>>()?;
        for (k, (event, when)) in self.events.iter().zip(&whens).enumerate() {
            let name = format!("nc:event{k}");
            let when = when.as_ref().unwrap_or(event.when);
            add(&name, &name, &inputs(when)?, &[]);
            parts.push((name, when));
            let mut states: Vec<String> = all.iter().map(|slot| slot.of("nc:y")).collect();
            for (j, (state, system)) in event.jumps.iter().enumerate() {
                let place = slots.iter().position(|slot| slot.name == *state);
                let place =
                    place.ok_or_else(|| OdeError::Name(format!("`{state}` jumps and is no state")))?;
                let name = format!("nc:jump{k}.{j}");
                add(&name, &name, &inputs(system)?, &[]);
                states[place] = format!("({name} nc:t nc:y)");
                parts.push((name, system));
            }
            after.push(format!("(vappend {})", states.join(" ")));
        }
        let asked = self.events.iter().map(|event| event.most.max(1)).max();
        if sides > 0 {
            defined.push_str(&switching("", width, sides));
            let jumps =
                after.into_iter().map(|states| format!("(nc:settled nc:t (slice {states} 0 {width}))"));
            after = jumps.chain((0..sides).map(|_| "(nc:crossed nc:t nc:y)".to_owned())).collect();
        }
        // Switches take rows of their own.
        let rows = if sides > 0 { asked.unwrap_or(0) + SWITCH_ROWS } else { 0 };
        if let Some(most) = if sides > 0 { Some(rows) } else { asked } {
            let whens = (0..self.events.len()).map(|k| format!("(nc:event{k} nc:t nc:y)"));
            let whens: Vec<String> =
                whens.chain((0..sides).map(|k| format!("(ref (nc:switch nc:t nc:y) {k})"))).collect();
            let lasts = self.events.iter().map(|event| event.last.unwrap_or(0).to_string());
            let lasts: Vec<String> = lasts.chain((0..sides).map(|_| "-1".to_owned())).collect();
            let (whens, after, lasts) = match (whens.as_slice(), after.as_slice(), lasts.as_slice()) {
                ([when], [after], [last]) => (when.clone(), after.clone(), last.clone()),
                _ => (
                    format!("(vec {})", whens.join(" ")),
                    format!("(vec {})", after.join(" ")),
                    format!("[{}]", lasts.join(" ")),
                ),
            };
            let _ = write!(
                defined,
                "\n(define (nc:event nc:t nc:y) {whens})\n(define (nc:after nc:t nc:y) {after})"
            );
            events = Some((lasts, most));
        }
        let start: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
        let mut start = format!("(vappend {})", start.join(" "));
        if sides > 0 {
            start = format!("(nc:settled (ref nc:times 0) {start})");
        }
        let (rtol, atol) = (self.rtol, self.atol);
        let n = self.times.len();
        let count = |step: f64| (self.parts(step) as u64).to_string();
        let longest_step =
            if self.longest.is_finite() { format!("{:e}", self.longest) } else { "+inf.0".into() };
        let adaptive = |name: &str| {
            let (of, last, most) = match &events {
                Some((last, most)) => ("nc:event nc:after", last.as_str(), *most),
                None if !stops && self.longest == f64::INFINITY => {
                    return format!("({name}-trajectory nc:f {start} nc:times {rtol:e} {atol:e})");
                }
                None => ("(lambda (t y) 1) (lambda (t y) y)", "0", 0),
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
        // The sides are nobody else's.
        let value = match sides {
            0 => value,
            _ => format!(
                "(let ((nc:m {value})) (build (vlen nc:m) (lambda (nc:k) (vappend (slice (ref nc:m nc:k) 0 {width}) \
                 (slice (ref nc:m nc:k) {} {})))))",
                width + sides,
                width + sides + numbers
            ),
        };
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
            (Form::Observed(elements, most) | Form::Window(elements, most), _) => {
                let iterations = self.most(Limits::default()).iterations;
                head = format!("; nc: --max-iterations {iterations} --max-steps {most}\n");
                let first = match form {
                    Form::Window(..) => 1,
                    Form::Whole | Form::States | Form::Observed(..) => {
                        let _ = write!(defined, "\n(define nc:times {})", vector(&self.times));
                        0
                    }
                };
                let count = n - first;
                let at = if first == 0 { "nc:k".to_owned() } else { format!("(+ nc:k {first})") };
                let result = |(name, k): &(String, usize)| {
                    let name = name.replace('[', ".").replace(']', "");
                    format!("({name} (build {count} (lambda (nc:k) (ref (ref nc:m {at}) {k}))))")
                };
                let results: Vec<String> = elements.iter().map(result).collect();
                format!("(define nc:m {value})\n(values {})", results.join(" "))
            }
        };
        parsed(&format!("{head}{imports}{defined}\n{result}\n"), Parts(parts))
    }

    /// The right-hand side with its choices held, and how many differences it compares, if it chooses, and the method finds events.
    pub(super) fn switched(&self, method: Method) -> Option<(System<'_>, usize)> {
        if !self.switching || method.step().is_some() {
            return None;
        }
        let program = self.system.program().ok()?;
        let varies = |input: &str| input == "t" || self.states.iter().any(|state| state.name == input);
        let Switches { text, count } = program.switches(varies, SIDES, MOST_SWITCHES)?;
        let system = self.system.with_text(text);
        // Vectors that are compared have no sides.
        let sides = Shape::Vector(count as u32);
        let held = system.program().ok()?;
        let signature = self.signature(&held).shape(SIDES, sides);
        let kernel =
            held.compile(&CompileOptions::default().signature(signature).tier(Tier::Interpret)).ok()?;
        let all_numbers = kernel.outputs().iter().any(|output| output.name == SIDES && output.shape == sides);
        all_numbers.then_some((system, count))
    }
}

/// An event that is a truth value as a number whose sign changes.
fn boundary<'a>(when: &System<'a>) -> Result<Option<System<'a>>, OdeError> {
    match when.program().map_err(failed)?.boundary() {
        Ok(number) => Ok(number.map(|text| when.with_text(text))),
        Err(_) => Err(OdeError::Value(format!(
            "{}: an event is where a number changes its sign, or where a comparison by <, <=, > or >= begins or ends to hold, and {:?} is \
             neither; write the difference of what is compared",
            when.name, when.text
        ))),
    }
}

/// Definitions around `nc:both`, which gives the derivatives of the states, so many, and behind them the differences by which a right-hand side chooses, whose
/// choices are held by as many states, the sides; all of them with this ending:
/// - `nc:f`, the right-hand side of all states;
/// - `nc:switch`, the differences, whose signs change;
/// - `nc:known`, the sides of differences that are not 0: as many rounds as conditions stand within each other, since sides say which differences count;
/// - `nc:way`, to which sides differences go that are 0: by their rates, or if these are 0 by where the solution is first, of the sides that it has at once. It
///   is followed by steps of the midpoint rule, each eight times as long as the one before;
/// - `nc:from`, all states with sides that do not contradict themselves: where a difference is 0, the solution does not go to the other side. It begins with
///   these sides. Where there are none the states are NaN: the trajectory would slide along;
/// - `nc:settled`, where a trajectory begins, or goes on after a jump: at a difference of 0 the right-hand side as it is written says where it goes, and if that is nowhere,
///   the side is 0;
/// - `nc:crossed`, where a difference has come to 0: it goes on to the other side, if it can.
pub(super) fn switching(ending: &str, width: usize, sides: usize) -> String {
    let all = width + sides;
    let span = format!("(- (ref nc:times{ending} (- (vlen nc:times{ending}) 1)) (ref nc:times{ending} 0))");
    let each = |body: &str| format!("(build {sides} (lambda (nc:j) {body}))");
    let none = |of: &str| format!("(= 0 (sum {sides} (lambda (nc:j) (if (= (ref {of} nc:j) 0) 1 0))))");
    let same = |a: &str, b: &str| format!("(= 0 (vsum (abs (- {a} {b}))))");
    format!(
        "
(define (nc:f{ending} nc:t nc:y) (vappend (slice (nc:both{ending} nc:t nc:y) 0 {width}) (zeros {sides})))
(define (nc:switch{ending} nc:t nc:y) (slice (nc:both{ending} nc:t nc:y) {width} {all}))
(define (nc:side{ending} nc:g nc:else) (cond ((> nc:g 0) 1) ((< nc:g 0) -1) (else nc:else)))
(define (nc:known{ending} nc:t nc:y nc:s)
  (loop ((nc:k 0) (nc:s nc:s) (nc:old (+ 2 nc:s)))
    (if (or (= nc:k {rounds}) {known_same}) nc:s
      (let ((nc:g (nc:switch{ending} nc:t (vappend nc:y nc:s))))
        (recur (+ nc:k 1) {known} nc:s)))))
(define (nc:way{ending} nc:t nc:y nc:s)
  (let* ((nc:all (vappend nc:y nc:s))
         (nc:slope (nc:f{ending} nc:t nc:all))
         (nc:g (nc:switch{ending} nc:t nc:all))
         (nc:rate (* (copysign 1 {span})
                     ((D (lambda (nc:u) (nc:switch{ending} (+ nc:t nc:u) (+ nc:all (* nc:u nc:slope))))) 0)))
         (nc:first {first}))
    (loop ((nc:a (* {span} 1e-18)) (nc:d nc:first) (nc:k 0))
      (if (or (= nc:k 20) {none_d}) nc:d
        (let* ((nc:h (* 1/2 nc:a))
               (nc:middle (nc:f{ending} (+ nc:t nc:h) (+ nc:all (* nc:h nc:slope))))
               (nc:g (nc:switch{ending} (+ nc:t nc:a) (+ nc:all (* nc:a nc:middle)))))
          (recur (* 8 nc:a) {next} (+ nc:k 1)))))))
(define (nc:from{ending} nc:t nc:y nc:s)
  (let* ((nc:end (detach (loop ((nc:k 0) (nc:s nc:s) (nc:old (+ 2 nc:s)))
           (if (or (= nc:k {rounds}) {from_same}) (vappend nc:s (- nc:s nc:old))
             (let* ((nc:s (nc:known{ending} nc:t nc:y nc:s))
                    (nc:g (nc:switch{ending} nc:t (vappend nc:y nc:s)))
                    (nc:d (if {none_g} nc:s (nc:way{ending} nc:t nc:y nc:s))))
               (recur (+ nc:k 1) {turned} nc:s))))))
         (nc:apart (vsum (abs (slice nc:end {sides} {twice})))))
    (vappend (if (> nc:apart 0) (+ +nan.0 nc:y) nc:y) (slice nc:end 0 {sides}))))
(define (nc:settled{ending} nc:t nc:y) (nc:from{ending} nc:t nc:y (zeros {sides})))
(define (nc:crossed{ending} nc:t nc:all)
  (let ((nc:s (slice nc:all {width} {all})) (nc:g (nc:switch{ending} nc:t nc:all)))
    (nc:from{ending} nc:t (slice nc:all 0 {width}) {other})))",
        rounds = 2 * sides + 4,
        twice = 2 * sides,
        known_same = same("nc:s", "nc:old"),
        known = each(&format!("(nc:side{ending} (ref nc:g nc:j) (ref nc:s nc:j))")),
        first = each(&format!("(nc:side{ending} (ref nc:g nc:j) (nc:side{ending} (ref nc:rate nc:j) 0))")),
        none_d = none("nc:d"),
        next =
            each(&format!("(if (= (ref nc:d nc:j) 0) (nc:side{ending} (ref nc:g nc:j) 0) (ref nc:d nc:j))")),
        from_same = same("nc:s", "nc:old"),
        none_g = none("nc:g"),
        // To where it goes, unless that is nowhere.
        turned = each("(if (= (ref nc:d nc:j) 0) (ref nc:s nc:j) (ref nc:d nc:j))"),
        other = each(&format!("(nc:side{ending} (ref nc:g nc:j) (- (ref nc:s nc:j)))")),
    )
}

/// What the states are called that hold the choices of a right-hand side.
pub(super) const SIDES: &str = "nc:sides";

/// Comparisons of a right-hand side that are followed; with more, none are.
const MOST_SWITCHES: usize = 32;

/// Rows for switches beside those of events.
const SWITCH_ROWS: usize = 100;

/// A program around others.
pub(super) fn parsed(text: &str, loader: Parts<'_, '_>) -> Result<(Program, SourceMap), OdeError> {
    let mut sources = SourceMap::new();
    let main = sources.add("integration.scm", text);
    let main = main.map_err(|long| OdeError::Value(long.to_string()))?;
    let limits = ReaderLimits::default();
    match Program::parse_files(&mut sources, main, Dialect::Scheme, &limits, &loader) {
        Ok(program) => Ok((program, sources)),
        Err(error) => Err(failed((error, sources))),
    }
}
