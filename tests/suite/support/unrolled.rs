//! Random programs with loops and recursion, and the same computation without them.

use super::generate::Rng;

/// One value written in two ways: with loops and calls, and with the iterations one inside the other.
#[derive(Debug, Clone)]
pub struct Pair {
    pub looped: String,
    pub unrolled: String,
}

impl Pair {
    fn same(text: impl Into<String>) -> Pair {
        let text = text.into();
        Pair { unrolled: text.clone(), looped: text }
    }

    fn form(head: &str, parts: &[Pair]) -> Pair {
        let join = |of: fn(&Pair) -> &str| {
            let parts: Vec<&str> = parts.iter().map(of).collect();
            format!("({head} {})", parts.join(" "))
        };
        Pair { looped: join(|p| &p.looped), unrolled: join(|p| &p.unrolled) }
    }
}

/// Iterations of a loop and nested calls that a row has at the most.
const MOST: usize = 4;

/// A program of the inputs `x`, `y`, `z`, `n` and `p`; `n` and `p` are whole numbers from 0 to [`MOST`].
pub fn program(seed: u64) -> Pair {
    let rng = Rng(seed);
    let mut writer = Writer { rng, names: 0, loops: 3, functions: Vec::new() };
    let mut scope = Scope { scalars: ["x", "y", "z"].map(String::from).to_vec(), vectors: Vec::new() };
    if writer.rng.below(4) == 0 {
        writer.function();
    }
    scope.vectors.push("w".into());
    let body = match writer.rng.below(3) {
        0 => Pair::form("+", &[writer.repeat(&scope, 2), writer.repeat(&scope, 2)]),
        1 => Pair::form("+", &[writer.scalar(&scope, 3), writer.scalar(&scope, 3)]),
        _ => writer.repeat(&scope, 3),
    };
    let defined: Vec<String> = writer.functions.iter().map(|f| f.text.clone()).collect();
    // All inputs in one order, whatever the body uses.
    let wrap =
        |text: &str, defined: &str| format!("(define (main x y z n p) {defined} (let ((w [x y 1])) {text}))");
    Pair { looped: wrap(&body.looped, &defined.join("\n")), unrolled: wrap(&body.unrolled, "") }
}

#[derive(Clone, Default)]
struct Scope {
    scalars: Vec<String>,
    vectors: Vec<String>,
}

/// A recursive function of a counter, a scalar and a vector.
struct Function {
    text: String,
    /// What it comes to in the end, and before.
    base: String,
    body: Vec<Part>,
}

enum Part {
    Text(String),
    /// A call by the next scalar and vector.
    Call(String, String),
}

/// What the body of a loop ends with.
enum Tail {
    Exit(Pair),
    Recur(Vec<Pair>),
    If(Pair, Box<Tail>, Box<Tail>),
    Let(String, Pair, Box<Tail>),
}

struct Writer {
    rng: Rng,
    names: usize,
    loops: usize,
    functions: Vec<Function>,
}

impl Writer {
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// Mostly one of those bound last.
    fn pick(&mut self, all: &[String]) -> String {
        let from = if self.rng.once_in(3) { 0 } else { all.len().saturating_sub(3) };
        all[from + self.rng.below(all.len() - from)].clone()
    }

    fn constant(&mut self) -> Pair {
        Pair::same(["0", "1", "0.5", "-1", "2", "0.1"][self.rng.below(6)])
    }

    fn scalar(&mut self, scope: &Scope, depth: usize) -> Pair {
        if depth == 0 {
            return match self.rng.below(5) {
                0 if self.rng.once_in(2) => self.constant(),
                _ => Pair::same(self.pick(&scope.scalars)),
            };
        }
        let d = depth - 1;
        match self.rng.below(19) {
            0..=2 => self.unary(["sin", "cos", "sqrt"], scope, d),
            3 => self.unary(["abs", "sqrt", "-"], scope, d),
            4..=6 => self.binary(["+", "-", "*"], scope, d),
            7 => self.binary(["max", "min", "/"], scope, d),
            8 | 9 => {
                let parts = [self.condition(scope, d), self.scalar(scope, d), self.scalar(scope, d)];
                Pair::form("if", &parts)
            }
            10 => {
                let v = self.scalar(scope, d);
                let name = self.name("t");
                let mut inner = scope.clone();
                inner.scalars.push(name.clone());
                let body = self.scalar(&inner, d);
                bind(&[(name, v)], &body)
            }
            11 => Pair::form("dot", &[self.vector(scope, d), self.vector(scope, d)]),
            12 => {
                let index =
                    ["0", "1", "2", "(- 2 z)"][if self.rng.once_in(4) { 3 } else { self.rng.below(3) }];
                Pair::form("ref", &[self.vector(scope, d), Pair::same(index)])
            }
            13..=16 if self.loops > 0 => self.repeat(scope, d),
            17 if !self.functions.is_empty() => {
                let (count, a, v) = (self.count(), self.scalar(scope, d), self.vector(scope, d));
                let unrolled = self.inlined(0, &a.unrolled, &v.unrolled, &count);
                Pair { looped: format!("(f 0 {} {} {count})", a.looped, v.looped), unrolled }
            }
            _ => self.scalar(scope, 0),
        }
    }

    fn unary(&mut self, of: [&str; 3], scope: &Scope, depth: usize) -> Pair {
        let op = of[self.rng.below(3)];
        Pair::form(op, &[self.scalar(scope, depth)])
    }

    fn binary(&mut self, of: [&str; 3], scope: &Scope, depth: usize) -> Pair {
        let op = of[self.rng.below(3)];
        Pair::form(op, &[self.scalar(scope, depth), self.scalar(scope, depth)])
    }

    fn vector(&mut self, scope: &Scope, depth: usize) -> Pair {
        let d = depth.saturating_sub(1);
        match self.rng.below(if depth == 0 { 2 } else { 7 }) {
            0 | 1 if !scope.vectors.is_empty() => Pair::same(self.pick(&scope.vectors)),
            2 => Pair::form("+", &[self.vector(scope, d), self.vector(scope, d)]),
            3 => Pair::form("*", &[self.scalar(scope, d), self.vector(scope, d)]),
            4 => Pair::form("cross", &[self.vector(scope, d), self.vector(scope, d)]),
            5 => {
                let parts = [self.condition(scope, d), self.vector(scope, d), self.vector(scope, d)];
                Pair::form("if", &parts)
            }
            _ => {
                let [a, b, c] = [0, d, 0].map(|d| self.scalar(scope, d));
                Pair {
                    looped: format!("[{} {} {}]", a.looped, b.looped, c.looped),
                    unrolled: format!("[{} {} {}]", a.unrolled, b.unrolled, c.unrolled),
                }
            }
        }
    }

    fn condition(&mut self, scope: &Scope, depth: usize) -> Pair {
        let op = [">", "<", "=", ">="][self.rng.below(4)];
        let left = self.scalar(scope, depth.min(1));
        let right = if self.rng.below(2) == 0 { self.constant() } else { self.scalar(scope, 0) };
        Pair::form(op, &[left, right])
    }

    fn count(&mut self) -> String {
        ["3", "n", "p", "n", "2"][self.rng.below(5)].into()
    }

    /// A loop of a counter and others.
    fn repeat(&mut self, scope: &Scope, depth: usize) -> Pair {
        self.loops = self.loops.saturating_sub(1);
        let counter = self.name("i");
        let scalars: Vec<String> = (0..1 + self.rng.below(3)).map(|_| self.name("a")).collect();
        let vectors: Vec<String> = (0..self.rng.below(2)).map(|_| self.name("v")).collect();
        let d = depth.min(3);
        let mut first = vec![(counter.clone(), Pair::same("0"))];
        for name in &scalars {
            first.push((name.clone(), self.scalar(scope, d.min(2))));
        }
        for name in &vectors {
            first.push((name.clone(), self.vector(scope, d.min(2))));
        }
        let mut inner = scope.clone();
        inner.scalars.extend(scalars.iter().cloned());
        inner.scalars.push(counter.clone());
        inner.vectors.extend(vectors.iter().cloned());
        let before = (self.rng.below(3) == 0).then(|| (self.name("b"), self.scalar(&inner, d)));
        if let Some((name, _)) = &before {
            inner.scalars.push(name.clone());
        }
        let count = self.count();
        let mut stop = Pair::same(format!("(>= {counter} {count})"));
        if self.rng.below(3) == 0 {
            let early = self.condition(&inner, d.min(2));
            stop = Pair::form("or", &[stop, early]);
        }
        let other = self.scalar(&inner, d);
        let exit = match self.rng.below(3) {
            0 => other,
            1 => Pair::form("+", &[Pair::same(&scalars[0]), other]),
            _ => Pair::form("if", &[self.condition(&inner, 0), Pair::same(&scalars[0]), other]),
        };
        let shape = (scalars.len(), vectors.len());
        let on = self.tail(&inner, &counter, shape, d, 2);
        let wrap = |inside: String, text: fn(&Pair) -> &str| match &before {
            Some((name, value)) => format!("(let (({name} {})) {inside})", text(value)),
            None => inside,
        };
        let names: Vec<&String> = first.iter().map(|f| &f.0).collect();
        let inside = format!("(if {} {} {})", stop.looped, exit.looped, looped(&on));
        let inits: Vec<String> = first.iter().map(|(n, v)| format!("({n} {})", v.looped)).collect();
        let loop_text = format!("(loop ({}) {})", inits.join(" "), wrap(inside, |p| &p.looped));
        let mut text = wrap(exit.unrolled.clone(), |p| &p.unrolled);
        for _ in 0..MOST {
            let on = unrolled(&on, &names, &text);
            let inside = format!("(if {} {} {on})", stop.unrolled, exit.unrolled);
            text = wrap(inside, |p| &p.unrolled);
        }
        let inits: Vec<String> = first.iter().map(|(n, v)| format!("({n} {})", v.unrolled)).collect();
        Pair { looped: loop_text, unrolled: format!("(let ({}) {text})", inits.join(" ")) }
    }

    fn tail(
        &mut self,
        scope: &Scope,
        counter: &str,
        shape: (usize, usize),
        depth: usize,
        splits: usize,
    ) -> Tail {
        match self.rng.below(if splits == 0 { 2 } else { 6 }) {
            3 => Tail::If(
                self.condition(scope, depth.min(1)),
                Box::new(Tail::Exit(self.scalar(scope, depth.min(2)))),
                Box::new(self.tail(scope, counter, shape, depth, 0)),
            ),
            4 => Tail::If(
                self.condition(scope, depth.min(1)),
                Box::new(self.tail(scope, counter, shape, depth, 0)),
                Box::new(self.tail(scope, counter, shape, depth, 0)),
            ),
            5 => {
                let (name, value) = (self.name("c"), self.scalar(scope, depth));
                let mut inner = scope.clone();
                inner.scalars.push(name.clone());
                Tail::Let(name, value, Box::new(self.tail(&inner, counter, shape, depth, splits - 1)))
            }
            _ => {
                let mut next = vec![Pair::same(format!("(+ {counter} 1)"))];
                for _ in 0..shape.0 {
                    let (other, own) = (self.scalar(scope, depth), Pair::same(self.pick(&scope.scalars)));
                    next.push(match self.rng.below(4) {
                        0 => other,
                        1 => Pair::form("*", &[own, Pair::form("sin", &[other])]),
                        2 => Pair::form("if", &[self.condition(scope, 0), own, other]),
                        _ => Pair::form("+", &[own, other]),
                    });
                }
                for _ in 0..shape.1 {
                    next.push(self.vector(scope, depth));
                }
                Tail::Recur(next)
            }
        }
    }

    /// `(f k a v count)`.
    fn function(&mut self) {
        let scope =
            Scope { scalars: ["fa", "x", "fa"].map(String::from).to_vec(), vectors: vec!["fv".into()] };
        let loops = std::mem::take(&mut self.loops);
        let base = self.scalar(&scope, 2).looped;
        let mut body = vec![Part::Text("(+ ".into())];
        for _ in 0..1 + self.rng.below(2) {
            body.push(Part::Text(format!(" (* {} ", self.scalar(&scope, 2).looped)));
            let (a, v) = (self.scalar(&scope, 2).looped, self.vector(&scope, 2).looped);
            body.push(Part::Call(a, v));
            body.push(Part::Text(") ".into()));
        }
        body.push(Part::Text(format!(" {})", self.scalar(&scope, 2).looped)));
        self.loops = loops;
        let mut text = String::new();
        for part in &body {
            match part {
                Part::Text(t) => text.push_str(t),
                Part::Call(a, v) => text.push_str(&format!("(f (+ k 1) {a} {v} fm)")),
            }
        }
        let text = format!("(define (f k fa fv fm) (if (>= k fm) {base} {text}))");
        self.functions.push(Function { text, base, body });
    }

    fn inlined(&self, k: usize, a: &str, v: &str, count: &str) -> String {
        let Function { base, body, .. } = &self.functions[0];
        if k == MOST {
            return format!("(let ((fa {a}) (fv {v})) {base})");
        }
        let mut text = String::new();
        for part in body {
            match part {
                Part::Text(t) => text.push_str(t),
                Part::Call(a, v) => text.push_str(&self.inlined(k + 1, a, v, count)),
            }
        }
        format!("(let ((fa {a}) (fv {v})) (if (>= {k} {count}) {base} {text}))")
    }
}

fn bind(bindings: &[(String, Pair)], body: &Pair) -> Pair {
    let with = |of: fn(&Pair) -> &str| {
        let all: Vec<String> = bindings.iter().map(|(n, v)| format!("({n} {})", of(v))).collect();
        format!("(let ({}) {})", all.join(" "), of(body))
    };
    Pair { looped: with(|p| &p.looped), unrolled: with(|p| &p.unrolled) }
}

fn looped(tail: &Tail) -> String {
    match tail {
        Tail::Exit(value) => value.looped.clone(),
        Tail::Recur(next) => {
            let next: Vec<&str> = next.iter().map(|p| p.looped.as_str()).collect();
            format!("(recur {})", next.join(" "))
        }
        Tail::If(c, a, b) => format!("(if {} {} {})", c.looped, looped(a), looped(b)),
        Tail::Let(name, value, body) => format!("(let (({name} {})) {})", value.looped, looped(body)),
    }
}

fn unrolled(tail: &Tail, names: &[&String], inner: &str) -> String {
    match tail {
        Tail::Exit(value) => value.unrolled.clone(),
        Tail::Recur(next) => {
            let next: Vec<String> =
                names.iter().zip(next).map(|(name, p)| format!("({name} {})", p.unrolled)).collect();
            format!("(let ({}) {inner})", next.join(" "))
        }
        Tail::If(c, a, b) => {
            format!("(if {} {} {})", c.unrolled, unrolled(a, names, inner), unrolled(b, names, inner))
        }
        Tail::Let(name, value, body) => {
            format!("(let (({name} {})) {})", value.unrolled, unrolled(body, names, inner))
        }
    }
}
