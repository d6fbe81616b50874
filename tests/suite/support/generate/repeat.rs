//! Loops and recursion of random programs: every one ends by construction, after few iterations.
//!
//! Each has a counter that nothing hides and that steps towards the test that ends it. A test fails for a counter or
//! a bound that is NaN, so that what is computed from the row cannot keep a loop going.

use std::fmt::Write as _;

use super::{Kind, Recursion, S, Style, Writer};
use neural_compiler::Shape;

/// A function that calls itself, or another of its group, with a smaller counter.
#[derive(Clone)]
pub(super) struct Recursive {
    pub name: String,
    /// The first parameter.
    counter: String,
    /// The others.
    params: Vec<(String, Kind)>,
    pub result: Kind,
    /// Whether one call may make two.
    two: bool,
    /// The largest counter of calls from outside.
    depth: usize,
}

impl Recursive {
    /// All parameters.
    fn head(&self) -> String {
        let names: Vec<&str> = self.params.iter().map(|(name, _)| name.as_str()).collect();
        format!("{} {}", self.counter, names.join(" "))
    }
}

/// What stands in the body of a loop for another iteration.
struct Again<'a> {
    head: &'a str,
    counter: &'a str,
    states: &'a [(String, Kind)],
}

impl Writer<'_> {
    /// A loop or a recursive function with a call of it.
    pub(super) fn repeat(&mut self, kind: Kind, size: usize) -> String {
        self.nesting += 1;
        let depth = self.scope.len();
        let recursion = match self.style.recursion {
            Recursion::None => false,
            Recursion::Tail | Recursion::Any => !self.style.loops || self.rng.once_in(3),
        };
        let in_group = self.in_group;
        self.in_group |= recursion;
        let text = if recursion { self.recursion(kind, size) } else { self.looped(kind, size) };
        self.in_group = in_group;
        self.scope.truncate(depth);
        self.nesting -= 1;
        text
    }

    /// Whether a form that repeats may stand here.
    pub(super) fn may_repeat(&self, size: usize) -> bool {
        let Style { loops, recursion, .. } = self.style;
        self.repeats && (loops || recursion != Recursion::None) && self.nesting < 2 && size >= 4
    }

    fn unique(&mut self, prefix: &str) -> String {
        self.fresh += 1;
        format!("{prefix}{}", self.fresh)
    }

    /// How often: a constant, or a number that depends on the row, at most `most`. It may be negative or NaN.
    pub(super) fn trips(&mut self, most: usize) -> String {
        match self.rng.below(6) {
            0..3 => self.rng.below(most + 1).to_string(),
            3 => format!("(modulo (floor {}) {})", self.expression(S, 2), most + 1),
            4 => format!("(min {most} {})", self.expression(S, 2)),
            _ => {
                let (low, high) = (self.rng.below(most + 1), self.rng.below(most + 1));
                format!("(if {} {low} {high})", self.condition(2))
            }
        }
    }

    fn most_trips(&mut self) -> usize {
        let most = if self.nesting > 1 { 4 } else { 20 };
        1 + self.rng.below(most).min(self.rng.below(most))
    }

    /// Kinds of variables that change from one iteration to the next.
    fn state_kinds(&mut self) -> Vec<Kind> {
        let mut kinds = vec![S; 1 + self.rng.below(3)];
        if self.rng.once_in(3) {
            kinds[0] = match self.rng.below(8) {
                0 => self.matrix(),
                k => Shape::Vector(2 + k as u32 % 2),
            };
        }
        kinds
    }

    /// Different names, some of which hide what is around them.
    fn state_names(&mut self, kinds: &[Kind]) -> Vec<(String, Kind)> {
        let mut states: Vec<(String, Kind)> = Vec::new();
        for &kind in kinds {
            let mut name = self.name();
            if states.iter().any(|(other, _)| *other == name) {
                name = self.unique("t");
            }
            states.push((name, kind));
        }
        states
    }

    fn looped(&mut self, kind: Kind, size: usize) -> String {
        let kinds = self.state_kinds();
        let share = size / (kinds.len() + 2);
        let inits: Vec<String> = kinds.iter().map(|&kind| self.expression(kind, share / 2)).collect();
        let states = self.state_names(&kinds);
        let counter = self.unique("i");
        let most = self.most_trips();
        // A bound outside the loop, the same for all iterations, or one that is computed again by each.
        let around = self.rng.once_in(2).then(|| (self.unique("i"), self.trips(most)));
        // A counter that steps by less takes more iterations.
        let (first, step) = match self.rng.below(5) {
            0 if most <= 10 => ("0", "(+ COUNTER 0.5)"),
            1 => ("1", "(+ COUNTER 1)"),
            2 => ("0", "(- COUNTER -1)"),
            _ => ("0", "(+ COUNTER 1)"),
        };
        let step = step.replace("COUNTER", &counter);
        self.scope.push((counter.clone(), S));
        self.scope.extend(states.iter().cloned());
        let bound = match &around {
            Some((name, _)) => name.clone(),
            None => self.trips(most),
        };
        let more = format!("(< {counter} {bound})");
        let text = match self.rng.below(4) {
            0 => self.do_loop(kind, share, &Bounds { more, first, step }, &counter, (&states, &inits)),
            form => {
                let head = if form == 1 { self.unique("g") } else { "recur".to_string() };
                let again = Again { head: &head, counter: &step, states: &states };
                let body = self.iteration(kind, share, &more, &again);
                let mut bindings = format!("({counter} {first})");
                for ((name, _), init) in states.iter().zip(&inits) {
                    let _ = write!(bindings, " ({name} {init})");
                }
                if form == 1 {
                    format!("(let {head} ({bindings}) {body})")
                } else {
                    format!("(loop ({bindings}) {body})")
                }
            }
        };
        match around {
            Some((name, bound)) => format!("(let (({name} {bound})) {text})"),
            None => text,
        }
    }

    fn do_loop(
        &mut self,
        kind: Kind,
        size: usize,
        bounds: &Bounds,
        counter: &str,
        (states, inits): (&[(String, Kind)], &[String]),
    ) -> String {
        let mut bindings = format!("({counter} {} {})", bounds.first, bounds.step);
        for ((name, of), init) in states.iter().zip(inits) {
            if self.rng.once_in(6) {
                let _ = write!(bindings, " ({name} {init})");
            } else {
                let _ = write!(bindings, " ({name} {init} {})", self.changed(name, *of, size));
            }
        }
        let test = match self.rng.below(3) {
            0 => format!("(or (not {}) {})", bounds.more, self.condition(size / 2)),
            _ => format!("(not {})", bounds.more),
        };
        format!("(do ({bindings}) ({test} {}))", self.result(kind, size, states))
    }

    /// The body of a loop: values and further iterations at the ends of its choices.
    fn iteration(&mut self, kind: Kind, size: usize, more: &str, again: &Again<'_>) -> String {
        let value = self.result(kind, size, again.states);
        match self.rng.below(7) {
            0 => format!("(if (not {more}) {value} {})", self.again(again, size)),
            1 => {
                let test = self.condition(size / 2);
                format!("(if (and {more} {test}) {} {value})", self.again(again, size))
            }
            2 => {
                let test = self.condition(size / 2);
                let early = self.expression(kind, size / 2);
                format!("(cond ({test} {early}) ({more} {}) (else {value}))", self.again(again, size))
            }
            3 => {
                let test = self.condition(size / 2);
                let (one, two) = (self.again(again, size / 2), self.again(again, size / 2));
                format!("(if {more} (if {test} {one} {two}) {value})")
            }
            4 => {
                let depth = self.scope.len();
                let of = self.kind();
                let shared = self.expression(of, size);
                // Not the name of anything that the bound uses.
                let name = self.unique("t");
                self.scope.push((name.clone(), of));
                let (next, value) = (self.again(again, size), self.result(kind, size / 2, again.states));
                self.scope.truncate(depth);
                format!("(let (({name} {shared})) (if {more} {next} {value}))")
            }
            _ => format!("(if {more} {} {value})", self.again(again, size)),
        }
    }

    fn again(&mut self, again: &Again<'_>, size: usize) -> String {
        let mut next = format!("({} {}", again.head, again.counter);
        for (name, kind) in again.states {
            let value = self.changed(name, *kind, size);
            let _ = write!(next, " {value}");
        }
        next.push(')');
        if self.rng.once_in(8) { format!("(begin {next})") } else { next }
    }

    /// The next value of a variable, which mostly depends on the one before.
    fn changed(&mut self, name: &str, kind: Kind, size: usize) -> String {
        if !self.visible(name, kind) {
            return self.expression(kind, size);
        }
        match self.rng.below(8) {
            0 => name.to_string(),
            1..3 => self.expression(kind, size),
            3 => format!("(sin (+ {name} {}))", self.expression(kind, size)),
            4 => format!("(* 0.5 (+ {name} {}))", self.expression(kind, size)),
            _ => {
                let op =
                    if kind != Shape::Complex && self.rng.once_in(6) { "hypot" } else { self.joint(kind) };
                format!("({op} {name} {})", self.expression(kind, size))
            }
        }
    }

    /// An operation on two values of a kind.
    fn joint(&mut self, kind: Kind) -> &'static str {
        let real = &["+", "-", "*", "min", "max"];
        self.rng.pick(if kind == Shape::Complex { &real[..3] } else { real })
    }

    /// A result, which mostly depends on one of the variables.
    fn result(&mut self, kind: Kind, size: usize, states: &[(String, Kind)]) -> String {
        let (name, of) = states[self.rng.below(states.len())].clone();
        if self.rng.once_in(3) || !self.visible(&name, of) {
            return self.expression(kind, size);
        }
        let part = match of {
            _ if of == kind => name,
            Shape::Scalar => name,
            Shape::Complex => format!("(imag-part {name})"),
            Shape::Vector(_) | Shape::Matrix(..) => format!("(vsum {name})"),
        };
        format!("({} {part} {})", self.rng.pick(&["+", "*", "-"]), self.expression(kind, size / 2))
    }

    fn visible(&self, name: &str, kind: Kind) -> bool {
        self.scope.iter().rev().find(|(other, _)| other == name).is_some_and(|(_, of)| *of == kind)
    }

    /// Local functions that call themselves or each other, and a call.
    fn recursion(&mut self, kind: Kind, size: usize) -> String {
        let members = 1 + usize::from(self.rng.once_in(3));
        let group = self.group("g", kind, members);
        let share = size / (members + 1);
        if members == 1 && self.rng.once_in(2) {
            let f = &group[0];
            let mut bindings = format!("({} {})", f.counter, self.trips(f.depth));
            for (name, of) in &f.params {
                let _ = write!(bindings, " ({name} {})", self.expression(*of, share));
            }
            return format!("(let {} ({bindings}) {})", f.name, self.body(&group, 0, share));
        }
        if self.rng.once_in(2) {
            let of = self.kind();
            let (name, value) = (self.unique("t"), self.expression(of, 2));
            self.scope.push((name.clone(), of));
            let defines: String = (0..members).map(|k| self.definition(&group, k, share) + " ").collect();
            return format!("(let (({name} {value})) {defines}{})", self.call(&group[0], share));
        }
        let mut bindings = String::new();
        for (k, f) in group.iter().enumerate() {
            let _ = write!(bindings, "({} (lambda ({}) {}))", f.name, f.head(), self.body(&group, k, share));
        }
        format!("(letrec ({bindings}) {})", self.call(&group[0], share))
    }

    /// Functions that may call each other. They have the same parameters.
    pub(super) fn group(&mut self, prefix: &str, result: Kind, members: usize) -> Vec<Recursive> {
        let two = self.rng.once_in(3);
        let depth = match self.style.recursion {
            Recursion::None | Recursion::Tail => 12,
            Recursion::Any => 8,
        };
        let depth = if two || self.nesting > 1 { 3 } else { depth };
        let kinds = self.state_kinds();
        let params = self.state_names(&kinds);
        let counter = self.unique("i");
        let member = |writer: &mut Self| Recursive {
            name: writer.unique(prefix),
            counter: counter.clone(),
            params: params.clone(),
            result,
            two,
            depth,
        };
        (0..members).map(|_| member(self)).collect()
    }

    /// `(define (g i x …) body)`
    pub(super) fn definition(&mut self, group: &[Recursive], k: usize, size: usize) -> String {
        format!("(define ({} {}) {})", group[k].name, group[k].head(), self.body(group, k, size))
    }

    /// A call from outside.
    pub(super) fn call(&mut self, f: &Recursive, size: usize) -> String {
        let counter = self.trips(f.depth);
        self.call_with(f, &counter, size)
    }

    fn call_with(&mut self, f: &Recursive, counter: &str, size: usize) -> String {
        let share = size / f.params.len();
        let operands: Vec<String> =
            f.params.iter().map(|(name, of)| self.changed(name, *of, share)).collect();
        format!("({} {counter} {})", f.name, operands.join(" "))
    }

    fn body(&mut self, group: &[Recursive], k: usize, size: usize) -> String {
        let depth = self.scope.len();
        let f = &group[k];
        self.scope.push((f.counter.clone(), S));
        self.scope.extend(f.params.iter().cloned());
        let base = self.result(f.result, size / 2, &f.params);
        let step = self.step(group, k, size / 2);
        self.scope.truncate(depth);
        match self.rng.below(3) {
            0 => format!("(cond ((>= {} 1) {step}) (else {base}))", f.counter),
            1 => format!("(if (not (>= {} 1)) {base} {step})", f.counter),
            _ => format!("(if (>= {} 1) {step} {base})", f.counter),
        }
    }

    /// What a function computes from one or two calls with a smaller counter.
    fn step(&mut self, group: &[Recursive], k: usize, size: usize) -> String {
        let f = &group[k];
        // The shape of a parameter is known from calls only, so that those of vectors must not depend on what folds.
        let plain = group.len() > 1 && f.params.iter().any(|(_, of)| *of != S);
        let next = |writer: &mut Self| {
            // The other one of two, or now and then itself.
            let to = if writer.rng.once_in(4) && !plain { k } else { (k + 1) % group.len() };
            let less = writer.rng.pick(&["1", "1", "1", "2"]);
            let counter = format!("(- {} {less})", f.counter);
            writer.call_with(&group[to], &counter, size)
        };
        let kind = f.result;
        let form = match (self.style.recursion, f.two) {
            (Recursion::None | Recursion::Tail, _) if plain => [0, 8][self.rng.below(2)],
            (Recursion::None | Recursion::Tail, _) => [0, 0, 2, 5, 8][self.rng.below(5)],
            (Recursion::Any, false) if plain => [0, 1, 3, 4][self.rng.below(4)],
            (Recursion::Any, true) if plain => [0, 1, 3, 4, 6, 7, 8][self.rng.below(7)],
            (Recursion::Any, false) => self.rng.below(5),
            (Recursion::Any, true) => self.rng.below(9),
        };
        match form {
            0 => next(self),
            1 => {
                let depth = self.scope.len();
                let (value, name) = (next(self), self.unique("t"));
                self.scope.push((name.clone(), kind));
                let body = self.expression(kind, size);
                self.scope.truncate(depth);
                format!("(let (({name} {value})) {body})")
            }
            2 => {
                let test = self.condition(size / 2);
                format!("(if {test} {} {})", next(self), self.expression(kind, size))
            }
            3 | 4 => {
                let op = self.joint(kind);
                if self.rng.once_in(2) {
                    format!("({op} {} {})", next(self), self.expression(kind, size))
                } else {
                    format!("({op} {} {})", self.expression(kind, size), next(self))
                }
            }
            5 => {
                let test = self.condition(size / 2);
                format!("(if {test} {} {})", next(self), next(self))
            }
            6 if self.style.loops => {
                let (counter, name) = (self.unique("i"), self.unique("t"));
                let (first, again) = (self.expression(kind, size), next(self));
                format!(
                    "(do (({counter} 0 (+ {counter} 1)) ({name} {first} (+ {name} {again}))) ((>= {counter} 2) {name}))"
                )
            }
            8 => {
                let depth = self.scope.len();
                let of = self.kind();
                let (value, name) = (self.expression(of, size), self.unique("t"));
                self.scope.push((name.clone(), of));
                let call = next(self);
                self.scope.truncate(depth);
                format!("(let (({name} {value})) {call})")
            }
            _ => format!("({} {} {})", self.joint(kind), next(self), next(self)),
        }
    }
}

struct Bounds {
    more: String,
    first: &'static str,
    step: String,
}
