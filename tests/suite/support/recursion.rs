//! Random programs of loops and of functions that call themselves and each other.

use std::fmt::Write as _;

/// A program with the input `x` whose calls end, as each counts something down.
pub fn program(seed: u64) -> String {
    let mut writer = Writer { state: seed, text: String::new(), names: 0, calls: 3 };
    writer.below(2);
    let mut scope = Scope { values: vec!["x".into()], ..Scope::default() };
    let functions = 1 + writer.below(4);
    scope.functions = (0..functions).map(|k| (format!("g{k}"), 1 + writer.below(3))).collect();
    for (name, count) in scope.functions.clone() {
        let params: Vec<String> = (0..count).map(|_| writer.name("a")).collect();
        let _ = write!(writer.text, "(define ({name} {}) ", params.join(" "));
        let mut inner = scope.clone();
        inner.values.extend(params.clone());
        inner.fuel = params[0].clone();
        writer.body(&inner, 4);
        writer.text.push_str(")\n");
    }
    writer.text.push_str("(+ 0");
    for (name, count) in &scope.functions {
        let _ = write!(writer.text, " ({name} 5{})", " x".repeat(count - 1));
    }
    writer.text + ")"
}

/// Programs, by a generator of random numbers.
struct Writer {
    state: u64,
    text: String,
    names: usize,
    /// Calls that take depth are rare, so that programs end soon.
    calls: usize,
}

#[derive(Clone, Default)]
struct Scope {
    values: Vec<String>,
    /// Functions with the number of their parameters, the first of which counts down.
    functions: Vec<(String, usize)>,
    /// The number of variables of the loop around, the first of which counts down.
    recur: Option<usize>,
    /// What counts down here.
    fuel: String,
}

impl Writer {
    fn below(&mut self, count: usize) -> usize {
        self.state = self.state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.state >> 33) as usize % count
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn operands(&mut self, scope: &Scope, count: usize, depth: usize) {
        let _ = write!(self.text, " (- {} 1)", scope.fuel);
        for _ in 1..count {
            self.text.push(' ');
            self.operand(scope, depth);
        }
        self.text.push(')');
    }

    /// Something whose value is used.
    fn operand(&mut self, scope: &Scope, depth: usize) {
        match self.below(if depth == 0 { 2 } else { 8 }) {
            0 => {
                let k = self.below(5);
                let _ = write!(self.text, "{k}");
            }
            3 | 4 => {
                let op = ["+", "-", "<", "="][self.below(4)];
                let _ = write!(self.text, "({op} ");
                self.operand(scope, depth - 1);
                self.text.push(' ');
                self.operand(scope, depth - 1);
                self.text.push(')');
            }
            5 if self.calls > 0 && !scope.functions.is_empty() => {
                self.calls -= 1;
                let (name, count) = scope.functions[self.below(scope.functions.len())].clone();
                let _ = write!(self.text, "({name}");
                self.operands(scope, count, depth - 1);
            }
            6 => self.repeat(scope, depth - 1, false),
            _ => {
                let k = self.below(scope.values.len());
                self.text.push_str(&scope.values[k].clone());
            }
        }
    }

    fn variables(&mut self, scope: &Scope, prefix: &str) -> (Vec<String>, Scope) {
        let count = 1 + self.below(3);
        let names: Vec<String> = (0..count).map(|_| self.name(prefix)).collect();
        let mut inner = scope.clone();
        inner.values.extend(names.clone());
        inner.fuel = names[0].clone();
        (names, inner)
    }

    /// A `loop` or a named `let`.
    fn repeat(&mut self, scope: &Scope, depth: usize, tail: bool) {
        let (names, mut inner) = self.variables(scope, "l");
        if self.below(2) == 0 {
            self.text.push_str("(loop (");
            inner.recur = Some(names.len());
        } else {
            let name = self.name("again");
            let _ = write!(self.text, "(let {name} (");
            inner.recur = None;
            inner.functions.push((name, names.len()));
        }
        for (k, name) in names.iter().enumerate() {
            let _ = write!(self.text, "({name} ");
            if k == 0 {
                let _ =
                    write!(self.text, "{}", if tail { format!("(- {} 1)", scope.fuel) } else { "3".into() });
            } else {
                self.operand(scope, depth);
            }
            self.text.push(')');
        }
        self.text.push_str(") ");
        // Calls from inside a loop elsewhere than at the end would begin again with more than there is left.
        if !tail {
            let known = inner.functions.len();
            inner.functions.drain(..known - usize::from(inner.recur.is_none()));
        }
        self.body(&inner, depth);
        self.text.push(')');
    }

    /// The body of a function or a loop: it ends when nothing is left to count.
    fn body(&mut self, scope: &Scope, depth: usize) {
        let _ = write!(self.text, "(if (< {} 1) ", scope.fuel);
        self.operand(scope, 0);
        self.text.push(' ');
        self.tail(scope, depth);
        self.text.push(')');
    }

    fn tail(&mut self, scope: &Scope, depth: usize) {
        let depth = depth.saturating_sub(1);
        match self.below(if depth == 0 { 5 } else { 10 }) {
            0 => self.operand(scope, depth),
            1..=3 if !scope.functions.is_empty() => {
                let (name, count) = scope.functions[self.below(scope.functions.len())].clone();
                let _ = write!(self.text, "({name}");
                self.operands(scope, count, depth);
            }
            1..=4 if scope.recur.is_some() => {
                self.text.push_str("(recur");
                self.operands(scope, scope.recur.unwrap_or(1), depth);
            }
            5 => {
                let name = self.name("v");
                let _ = write!(self.text, "(let (({name} ");
                self.operand(scope, depth);
                self.text.push_str(")) ");
                let mut inner = scope.clone();
                inner.values.push(name);
                self.tail(&inner, depth);
                self.text.push(')');
            }
            6 => {
                let mut inner = scope.clone();
                let (f, v) = (self.name("f"), self.name("w"));
                let (names, _) = self.variables(scope, "p");
                inner.functions.push((f.clone(), names.len()));
                let _ = write!(self.text, "(let () (define ({f} {}) ", names.join(" "));
                let mut function = inner.clone();
                function.values.extend(names.clone());
                function.fuel = names[0].clone();
                function.recur = None;
                self.body(&function, depth);
                let _ = write!(self.text, ") (define {v} ");
                self.operand(scope, depth);
                self.text.push_str(") ");
                inner.values.push(v);
                self.tail(&inner, depth);
                self.text.push(')');
            }
            7 => self.repeat(scope, depth, true),
            _ => {
                self.text.push_str("(if ");
                self.operand(scope, depth);
                self.text.push(' ');
                self.tail(scope, depth);
                self.text.push(' ');
                self.tail(scope, depth);
                self.text.push(')');
            }
        }
    }
}
