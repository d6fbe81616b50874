//! Switches: the comparisons and signs by which a program chooses, as numbers whose own signs change, and the program with its choices held.
//!
//! Functions whose bodies choose, and which are not recursive, are put in place of their calls, with all local names made different, so that every condition stands in the
//! one expression of the program. What chooses within loops, functions as values and imported files stays as it is.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::rc::Rc;

use super::{Ast, Binding, Body, Definition, Expr, ExprKind, Function, Name, STACK};
use crate::number::Literal;
use crate::source::Span;

/// Expressions beyond which a program is left as it is.
const MOST_EXPRS: usize = 20_000;

/// Primitives that the held program is made with.
const WORDS: [&str; 10] = ["vec", "ref", "+", "-", "*", "=", "<", ">", "<=", "abs"];

/// Primitives that choose by the sign of their last operand, with how many operands they have.
const SIGNED: [(&str, usize); 2] = [("sign", 1), ("copysign", 2)];

/// Which part of two numbers their difference may be where it is 0 but for rounding.
const ROUNDING: f64 = 1e-11;

/// Parts of an operand by which it is told whether two comparisons are of the same.
const MOST_COMPARED: usize = 200;

/// Conditions within each other, and bindings around them, that are followed.
const MOST_AROUND: usize = 500;

/// Where an expression stands: what is around it that it needs, the innermost first.
type Path = Option<Rc<Around>>;

struct Around {
    what: Wrap,
    outer: Path,
    depth: usize,
}

enum Wrap {
    Let(Box<(Vec<Binding>, Vec<Function>)>),
    Letrec(Vec<Definition>),
    /// Reached where the condition holds, or does not, as sides decide it: what is in an arm does not matter before these lead there.
    Arm(Expr, bool),
}

impl Ast {
    /// The program in which the signs of elements of the input `sides` decide the comparisons, and the signs, that the inputs of these names have a part
    /// in, where they are not 0, and the differences that are compared as a further result, a vector of this name; with how many they are. Values of
    /// primitives that may jump are not compared. Nothing if there are none, more than `most`, or the program is too large.
    pub(crate) fn switches(
        &self,
        varying: &dyn Fn(&str) -> bool,
        jumps: &dyn Fn(&str) -> bool,
        sides: &str,
        most: usize,
    ) -> Option<(Ast, usize)> {
        if !self.exprs.values().any(|kind| self.chooses(kind)) {
            return None;
        }
        let mut ast = self.clone();
        let mut names: HashSet<String> = ast.names().map(str::to_owned).collect();
        let taken = |word: &str| self.definitions.iter().any(|one| self.name(one.named().0) == word);
        if names.contains(sides) || WORDS.iter().any(|word| taken(word)) {
            return None;
        }
        ast.one_expression()?;
        let switching = ast.switching();
        let mut inliner =
            Inliner { ast: &mut ast, switching: &switching, locals: HashMap::new(), names: &mut names };
        inliner.body()?;
        // What depends on the inputs at the top level.
        let mut depends: HashSet<Name> =
            ast.names.keys().filter(|&name| !ast.is_made(name) && varying(ast.name(name))).collect();
        loop {
            let before = depends.len();
            for definition in &ast.definitions {
                if ast.mentions(definition.value(), &depends) {
                    depends.insert(definition.named().0);
                }
            }
            if depends.len() == before {
                break;
            }
        }
        let sides = ast.add_name(sides);
        let mut holder = Holder {
            ast: &mut ast,
            depends: &depends,
            jumps,
            sides,
            found: Vec::new(),
            known: HashMap::new(),
        };
        let held = holder.body();
        let found = std::mem::take(&mut holder.found);
        if found.is_empty() || found.len() > most {
            return None;
        }
        let count = found.len();
        let all: Vec<Expr> =
            found.into_iter().map(|(path, difference)| ast.within(&path, difference)).collect();
        let span = ast.span(all[0]);
        let together = ast.find_name("vec").unwrap_or_else(|| ast.add_name("vec"));
        let value = ast.push(ExprKind::Call(together, span, all.into()), span);
        let further = Binding { name: sides, span, value };
        ast.body = match held {
            Body::Named(results) => Body::Named(results.into_iter().chain([further]).collect()),
            Body::Value(value) => {
                let name = ast.find_name("value").unwrap_or_else(|| ast.add_name("value"));
                Body::Named(vec![Binding { name, span, value }, further])
            }
            Body::LastFunction => return None,
        };
        Some((ast, count))
    }

    /// Lets the program end in values, with what its top level computes by choices bound around each. Nothing if a parameter of the function
    /// that it ends in is called like another definition.
    fn one_expression(&mut self) -> Option<()> {
        let mut params: Vec<Name> = Vec::new();
        if matches!(self.body, Body::LastFunction) {
            let Some(Definition::Function(last)) = self.definitions.pop() else { return None };
            params.extend(last.params.iter().map(|param| param.0));
            self.body = Body::Value(last.body);
        }
        params.extend(self.ends_in.take().iter().flat_map(|head| &head.params).map(|param| param.0));
        if self.definitions.iter().any(|definition| params.contains(&definition.named().0)) {
            return None;
        }
        let chooses = |ast: &Ast, definition: &Definition| match definition {
            Definition::Function(_) => false,
            Definition::Value(binding) => ast.any(binding.value, &|kind| ast.chooses(kind)),
        };
        if !self.definitions.iter().any(|definition| chooses(self, definition)) {
            return Some(());
        }
        // Values but numbers, and what mentions them.
        let is_value = |ast: &Ast, definition: &Definition| match definition {
            Definition::Function(_) => false,
            Definition::Value(binding) => !matches!(ast.kind(binding.value), ExprKind::Number(_)),
        };
        let all = std::mem::take(&mut self.definitions);
        let mut names: HashSet<Name> =
            all.iter().filter(|one| is_value(self, one)).map(|one| one.named().0).collect();
        loop {
            let before = names.len();
            for definition in &all {
                if self.mentions(definition.value(), &names) {
                    names.insert(definition.named().0);
                }
            }
            if names.len() == before {
                break;
            }
        }
        let (moved, kept): (Vec<Definition>, Vec<Definition>) =
            all.into_iter().partition(|definition| names.contains(&definition.named().0));
        self.definitions = kept;
        let wrap = |ast: &mut Ast, value: Expr| {
            let span = ast.span(value);
            ast.push(ExprKind::Letrec(moved.clone(), value), span)
        };
        self.body = match std::mem::replace(&mut self.body, Body::LastFunction) {
            Body::Value(value) => Body::Value(wrap(self, value)),
            Body::Named(results) => Body::Named(
                results.into_iter().map(|one| Binding { value: wrap(self, one.value), ..one }).collect(),
            ),
            Body::LastFunction => return None,
        };
        Some(())
    }

    /// The primitive that a name means at the top level, or another word that is not defined there.
    pub(super) fn primitive(&self, name: Name) -> Option<&str> {
        let defined = self.definitions.iter().any(|definition| definition.named().0 == name);
        (!defined).then(|| self.name(name))
    }

    /// Whether what is of this kind chooses by a comparison or a sign.
    fn chooses(&self, kind: &ExprKind) -> bool {
        match kind {
            ExprKind::If(..) => true,
            ExprKind::Call(name, _, args) => self.primitive(*name).is_some_and(|word| {
                matches!(word, "<" | "<=" | ">" | ">=") || SIGNED.contains(&(word, args.len()))
            }),
            ExprKind::Number(_)
            | ExprKind::Name(_)
            | ExprKind::Apply(..)
            | ExprKind::Lambda(_)
            | ExprKind::Let(..)
            | ExprKind::Letrec(..)
            | ExprKind::Loop(..)
            | ExprKind::Recur(..) => false,
        }
    }

    /// Whether some part of an expression is of a kind.
    fn any(&self, expr: Expr, is: &dyn Fn(&ExprKind) -> bool) -> bool {
        let mut left = vec![expr];
        while let Some(expr) = left.pop() {
            if is(self.kind(expr)) {
                return true;
            }
            self.parts(expr, &mut left);
        }
        false
    }

    /// The parts of an expression.
    pub(super) fn parts(&self, expr: Expr, into: &mut Vec<Expr>) {
        match self.kind(expr) {
            ExprKind::Number(_) | ExprKind::Name(_) => {}
            ExprKind::Call(_, _, args) | ExprKind::Recur(_, _, args) => into.extend(args.iter().copied()),
            ExprKind::Apply(function, args) => into.extend(args.iter().copied().chain([*function])),
            ExprKind::Lambda(function) => into.push(function.body),
            ExprKind::If(condition, then, other) => into.extend([*condition, *then, *other]),
            ExprKind::Let(bound, body) => {
                into.extend(bound.0.iter().map(|binding| binding.value));
                into.extend(bound.1.iter().map(|function| function.body));
                into.push(*body);
            }
            ExprKind::Letrec(definitions, body) => {
                into.extend(definitions.iter().map(Definition::value));
                into.push(*body);
            }
            ExprKind::Loop(_, function, args) => into.extend(args.iter().copied().chain([function.body])),
        }
    }

    /// The functions of the top level whose bodies choose, themselves or by what they call, and that are not recursive.
    fn switching(&self) -> HashMap<Name, Function> {
        let functions: HashMap<Name, &Function> = self
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                Definition::Function(function) => Some((function.name, function)),
                Definition::Value(_) => None,
            })
            .filter(|(name, _)| self.networks.iter().all(|network| network.name != *name))
            .collect();
        let calls = |function: &Function| {
            let (mut left, mut called) = (vec![function.body], HashSet::new());
            while let Some(expr) = left.pop() {
                if let ExprKind::Call(name, ..) | ExprKind::Name(name) = self.kind(expr)
                    && functions.contains_key(name)
                {
                    called.insert(*name);
                }
                self.parts(expr, &mut left);
            }
            called
        };
        let called: HashMap<Name, HashSet<Name>> =
            functions.iter().map(|(&name, function)| (name, calls(function))).collect();
        let reach = |from: Name| {
            let (mut left, mut reached) = (vec![from], HashSet::new());
            while let Some(name) = left.pop() {
                left.extend(called[&name].iter().copied().filter(|&next| reached.insert(next)));
            }
            reached
        };
        let chooses: HashSet<Name> = functions
            .iter()
            .filter(|(_, function)| self.any(function.body, &|kind| self.chooses(kind)))
            .map(|(&name, _)| name)
            .collect();
        let all = functions.iter().filter(|&(&name, _)| {
            let reached = reach(name);
            !reached.contains(&name)
                && (chooses.contains(&name) || reached.iter().any(|to| chooses.contains(to)))
        });
        all.map(|(&name, &function)| (name, function.clone())).collect()
    }

    /// An expression of calls with what its names stand for; other parts, and those behind so many, by their places.
    fn canonical(&self, expr: Expr, bound: &HashMap<Name, Expr>, text: &mut String, room: &mut usize) {
        if *room == 0 {
            let _ = write!(text, "{expr:?}");
            return;
        }
        *room -= 1;
        match self.kind(expr) {
            ExprKind::Number(literal) => {
                let _ = write!(text, "{:x} ", literal.f64.to_bits());
            }
            ExprKind::Name(name) => match bound.get(name) {
                Some(&value) => self.canonical(value, bound, text, room),
                None => {
                    let _ = write!(text, "{name:?} ");
                }
            },
            ExprKind::Call(name, _, args) => {
                let _ = write!(text, "({name:?} ");
                for &arg in args {
                    self.canonical(arg, bound, text, room);
                }
                text.push(')');
            }
            ExprKind::Apply(..)
            | ExprKind::Lambda(_)
            | ExprKind::If(..)
            | ExprKind::Let(..)
            | ExprKind::Letrec(..)
            | ExprKind::Loop(..)
            | ExprKind::Recur(..) => {
                let _ = write!(text, "{expr:?} ");
            }
        }
    }

    /// An expression with what is around it: 1 in the arms that it does not stand in.
    fn within(&mut self, path: &Path, mut value: Expr) -> Expr {
        let mut path = path.clone();
        while let Some(around) = path {
            let span = self.span(value);
            let kind = match &around.what {
                Wrap::Let(bound) => ExprKind::Let(bound.clone(), value),
                Wrap::Letrec(definitions) => ExprKind::Letrec(definitions.clone(), value),
                Wrap::Arm(condition, holds) => {
                    let one = self.push(ExprKind::Number(Literal::from(1.0)), span);
                    let (then, other) = if *holds { (value, one) } else { (one, value) };
                    ExprKind::If(*condition, then, other)
                }
            };
            value = self.push(kind, span);
            path = around.outer.clone();
        }
        value
    }
}

/// A place without the arms that it does not share with another.
fn common(path: &Path, other: &Path) -> Path {
    let all = |path: &Path| {
        let mut all: Vec<Rc<Around>> = Vec::new();
        let mut path = path.as_ref();
        while let Some(around) = path {
            all.push(around.clone());
            path = around.outer.as_ref();
        }
        all
    };
    let is_shared = |arm: (Expr, bool)| {
        all(other)
            .iter()
            .any(|around| matches!(around.what, Wrap::Arm(condition, holds) if (condition, holds) == arm))
    };
    all(path).into_iter().rev().fold(None, |path, around| match &around.what {
        Wrap::Arm(condition, holds) if !is_shared((*condition, *holds)) => path,
        Wrap::Arm(condition, holds) => inside(&path, Wrap::Arm(*condition, *holds)),
        Wrap::Let(bound) => inside(&path, Wrap::Let(bound.clone())),
        Wrap::Letrec(definitions) => inside(&path, Wrap::Letrec(definitions.clone())),
    })
}

/// How much is around a place.
fn depth(path: &Path) -> usize {
    path.as_ref().map_or(0, |around| around.depth)
}

/// A place within another.
fn inside(path: &Path, what: Wrap) -> Path {
    Some(Rc::new(Around { what, outer: path.clone(), depth: depth(path) + 1 }))
}

/// Puts functions that choose in place of their calls.
struct Inliner<'a> {
    ast: &'a mut Ast,
    switching: &'a HashMap<Name, Function>,
    /// Local functions that choose and are not recursive, by what they have become.
    locals: HashMap<Name, Function>,
    names: &'a mut HashSet<String>,
}

/// What local names have become.
type Renamed = HashMap<Name, Name>;

impl Inliner<'_> {
    fn body(&mut self) -> Option<()> {
        self.ast.body = match std::mem::replace(&mut self.ast.body, Body::LastFunction) {
            Body::Value(value) => Body::Value(self.copy(value, &Renamed::new())?),
            Body::Named(results) => {
                let copied = results
                    .into_iter()
                    .map(|one| Some(Binding { value: self.copy(one.value, &Renamed::new())?, ..one }));
                Body::Named(copied.collect::<Option<_>>()?)
            }
            Body::LastFunction => return None,
        };
        Some(())
    }

    /// A name that nothing else has.
    fn fresh(&mut self, name: Name) -> Name {
        let text = self.ast.name(name).to_owned();
        let found = (1..).map(|k| format!("{text}~{k}")).find(|new| !self.names.contains(new));
        let found = found.expect("there are enough names");
        self.names.insert(found.clone());
        self.ast.add_name(&found)
    }

    fn all(&mut self, exprs: &[Expr], renamed: &Renamed) -> Option<Box<[Expr]>> {
        exprs.iter().map(|&expr| self.copy(expr, renamed)).collect()
    }

    fn function(&mut self, function: &Function, renamed: &Renamed, name: Name) -> Option<Function> {
        let mut inner = renamed.clone();
        let params: Vec<(Name, Span)> =
            function.params.iter().map(|&(param, span)| (self.fresh(param), span)).collect();
        inner.extend(function.params.iter().zip(&params).map(|(old, new)| (old.0, new.0)));
        Some(Function { name, span: function.span, params, body: self.copy(function.body, &inner)? })
    }

    /// Remembers a local function that chooses, unless it calls one of these, as a recursive one does.
    fn keep(&mut self, function: &Function, unknown: &HashSet<Name>) {
        let chooses = self.ast.any(function.body, &|kind| self.ast.chooses(kind));
        if chooses && !self.ast.mentions(function.body, unknown) {
            self.locals.insert(function.name, function.clone());
        }
    }

    fn copy(&mut self, expr: Expr, renamed: &Renamed) -> Option<Expr> {
        stacker::maybe_grow(STACK.0, STACK.1, || self.copy_one(expr, renamed))
    }

    fn copy_one(&mut self, expr: Expr, renamed: &Renamed) -> Option<Expr> {
        if self.ast.exprs().len() > MOST_EXPRS {
            return None;
        }
        let span = self.ast.span(expr);
        let of = |name: Name| renamed.get(&name).copied().unwrap_or(name);
        let kind = match self.ast.kind(expr).clone() {
            ExprKind::Number(literal) => ExprKind::Number(literal),
            ExprKind::Name(name) => ExprKind::Name(of(name)),
            ExprKind::Recur(name, at, args) => ExprKind::Recur(of(name), at, self.all(&args, renamed)?),
            ExprKind::Call(name, at, args) => {
                let args = self.all(&args, renamed)?;
                let global = self.switching.get(&name).filter(|_| !renamed.contains_key(&name));
                match self.locals.get(&of(name)).or(global).cloned() {
                    Some(function) if function.params.len() == args.len() => {
                        let params: Vec<Name> =
                            function.params.iter().map(|&(param, _)| self.fresh(param)).collect();
                        let inner: Renamed =
                            function.params.iter().map(|param| param.0).zip(params.iter().copied()).collect();
                        let body = self.copy(function.body, &inner)?;
                        let bindings =
                            params.into_iter().zip(&args).map(|(name, &value)| Binding { name, span, value });
                        let bindings: Vec<Binding> = bindings.collect();
                        if bindings.is_empty() {
                            return Some(body);
                        }
                        ExprKind::Let(Box::new((bindings, Vec::new())), body)
                    }
                    Some(_) | None => ExprKind::Call(of(name), at, args),
                }
            }
            ExprKind::Apply(function, args) => {
                ExprKind::Apply(self.copy(function, renamed)?, self.all(&args, renamed)?)
            }
            ExprKind::Lambda(function) => {
                ExprKind::Lambda(Box::new(self.function(&function, renamed, function.name)?))
            }
            ExprKind::If(condition, then, other) => ExprKind::If(
                self.copy(condition, renamed)?,
                self.copy(then, renamed)?,
                self.copy(other, renamed)?,
            ),
            ExprKind::Let(bound, body) => {
                let (bindings, functions) = *bound;
                let mut inner = renamed.clone();
                let mut new = (Vec::new(), Vec::new());
                for binding in bindings {
                    let value = self.copy(binding.value, renamed)?;
                    let name = self.fresh(binding.name);
                    inner.insert(binding.name, name);
                    new.0.push(Binding { name, value, ..binding });
                }
                for function in functions {
                    let name = self.fresh(function.name);
                    let copied = self.function(&function, renamed, name)?;
                    self.keep(&copied, &HashSet::new());
                    new.1.push(copied);
                    inner.insert(function.name, name);
                }
                ExprKind::Let(Box::new(new), self.copy(body, &inner)?)
            }
            ExprKind::Letrec(definitions, body) => {
                let mut inner = renamed.clone();
                for definition in &definitions {
                    let name = definition.named().0;
                    let new = self.fresh(name);
                    inner.insert(name, new);
                }
                let mut left: HashSet<Name> =
                    definitions.iter().map(|definition| inner[&definition.named().0]).collect();
                let new = definitions.iter().map(|definition| {
                    let name = inner[&definition.named().0];
                    Some(match definition {
                        Definition::Function(function) => {
                            let copied = self.function(function, &inner, name)?;
                            self.keep(&copied, &left);
                            left.remove(&name);
                            Definition::Function(copied)
                        }
                        Definition::Value(binding) => Definition::Value(Binding {
                            name,
                            value: self.copy(binding.value, &inner)?,
                            ..*binding
                        }),
                    })
                });
                let new = new.collect::<Option<Vec<_>>>()?;
                ExprKind::Letrec(new, self.copy(body, &inner)?)
            }
            ExprKind::Loop(form, function, args) => {
                let args = self.all(&args, renamed)?;
                // Nothing else can mean the name of a loop that the reader made up.
                let name =
                    if self.ast.is_made(function.name) { function.name } else { self.fresh(function.name) };
                let mut inner = renamed.clone();
                inner.insert(function.name, name);
                ExprKind::Loop(form, Box::new(self.function(&function, &inner, name)?), args)
            }
        };
        Some(self.ast.push(kind, span))
    }
}

/// Lets elements of a vector decide comparisons.
struct Holder<'a> {
    ast: &'a mut Ast,
    /// Names of the top level that the inputs have a part in.
    depends: &'a HashSet<Name>,
    /// Whether the values of a primitive may jump.
    jumps: &'a dyn Fn(&str) -> bool,
    sides: Name,
    /// What is compared, as differences, and where these stand.
    found: Vec<(Path, Expr)>,
    /// Which of them is the difference of two operands, by what these are without names of their own and in the order of these texts, and whether that
    /// turned them.
    known: HashMap<[String; 2], (usize, bool)>,
}

impl Holder<'_> {
    fn body(&mut self) -> Body {
        match self.ast.body.clone() {
            Body::Value(value) => Body::Value(self.hold(value, &None)),
            Body::Named(results) => Body::Named(
                results
                    .into_iter()
                    .map(|one| Binding { value: self.hold(one.value, &None), ..one })
                    .collect(),
            ),
            Body::LastFunction => Body::LastFunction,
        }
    }

    fn all(&mut self, exprs: &[Expr], path: &Path) -> Box<[Expr]> {
        exprs.iter().map(|&expr| self.hold(expr, path)).collect()
    }

    fn hold(&mut self, expr: Expr, path: &Path) -> Expr {
        stacker::maybe_grow(STACK.0, STACK.1, || self.hold_one(expr, path))
    }

    fn hold_one(&mut self, expr: Expr, path: &Path) -> Expr {
        if depth(path) > MOST_AROUND {
            return expr;
        }
        let kind = match self.ast.kind(expr).clone() {
            ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Lambda(_) | ExprKind::Recur(..) => {
                return expr;
            }
            ExprKind::Call(name, at, args) => match self.choice(name, at, &args, path) {
                Some(kind) => kind,
                None => ExprKind::Call(name, at, self.all(&args, path)),
            },
            ExprKind::Apply(function, args) => ExprKind::Apply(function, self.all(&args, path)),
            ExprKind::Loop(form, function, args) => ExprKind::Loop(form, function, self.all(&args, path)),
            ExprKind::If(condition, then, other) => {
                let condition = self.hold(condition, path);
                ExprKind::If(
                    condition,
                    self.hold(then, &inside(path, Wrap::Arm(condition, true))),
                    self.hold(other, &inside(path, Wrap::Arm(condition, false))),
                )
            }
            ExprKind::Let(bound, body) => {
                let held = bound.0.iter().map(|one| Binding { value: self.hold(one.value, path), ..*one });
                let new = Box::new((held.collect(), bound.1.clone()));
                ExprKind::Let(new, self.hold(body, &inside(path, Wrap::Let(bound))))
            }
            ExprKind::Letrec(definitions, body) => {
                let held = definitions.iter().enumerate().map(|(k, definition)| match definition {
                    Definition::Function(function) => Definition::Function(function.clone()),
                    Definition::Value(one) => {
                        let before = self.before(&definitions, k);
                        let value = self.hold(one.value, &inside(path, Wrap::Letrec(before)));
                        Definition::Value(Binding { value, ..*one })
                    }
                });
                let held = held.collect();
                ExprKind::Letrec(held, self.hold(body, &inside(path, Wrap::Letrec(definitions))))
            }
        };
        let span = self.ast.span(expr);
        self.ast.push(kind, span)
    }

    /// What a value among definitions can know: those that depend neither on it nor on values behind it.
    fn before(&self, definitions: &[Definition], place: usize) -> Vec<Definition> {
        let is_value = |definition: &&Definition| matches!(definition, Definition::Value(_));
        let mut later: HashSet<Name> =
            definitions[place..].iter().filter(is_value).map(|one| one.named().0).collect();
        loop {
            let before = later.len();
            for definition in definitions {
                if self.ast.mentions(definition.value(), &later) {
                    later.insert(definition.named().0);
                }
            }
            if later.len() == before {
                break;
            }
        }
        definitions.iter().filter(|one| !later.contains(&one.named().0)).cloned().collect()
    }

    /// A call that chooses, decided by sides. Nothing if it does not, or cannot be followed.
    fn choice(&mut self, name: Name, at: Span, args: &[Expr], path: &Path) -> Option<ExprKind> {
        let word = self.ast.primitive(name)?.to_owned();
        match (word.as_str(), args) {
            // Each pair of a chain.
            ("<" | "<=" | ">" | ">=", [a, rest @ ..]) if rest.len() > 1 => {
                let first = self.ast.push(ExprKind::Call(name, at, [*a, rest[0]].into()), at);
                let others = self.ast.push(ExprKind::Call(name, at, rest.into()), at);
                let zero = self.ast.push(ExprKind::Number(Literal::from(0.0)), at);
                let condition = self.hold(first, path);
                let others = self.hold(others, &inside(path, Wrap::Arm(condition, true)));
                Some(ExprKind::If(condition, others, zero))
            }
            ("<" | "<=" | ">" | ">=", &[a, b]) => {
                let (side, turned) = self.side(a, b, at, path)?;
                let above = word.starts_with('>') != turned;
                let held = self.beside_zero(if above { ">" } else { "<" }, side, at);
                let zero = self.ast.push(ExprKind::Number(Literal::from(0.0)), at);
                let law = ExprKind::Call(name, at, Box::new([self.at_rest(a, b, at), zero]));
                Some(self.unless_zero(side, law, held, at))
            }
            (word, [others @ .., of]) if SIGNED.contains(&(word, args.len())) => {
                let zero = self.ast.push(ExprKind::Number(Literal::from(0.0)), at);
                let (side, turned) = self.side(*of, zero, at, path)?;
                let minus = self.word("-");
                let signed = match turned {
                    true => self.ast.push(ExprKind::Call(minus, at, Box::new([side])), at),
                    false => side,
                };
                let others: Vec<Expr> = others.iter().map(|&other| self.hold(other, path)).collect();
                let rest = self.at_rest(*of, zero, at);
                let law = ExprKind::Call(name, at, others.iter().copied().chain([rest]).collect());
                let held = ExprKind::Call(name, at, others.into_iter().chain([signed]).collect());
                Some(self.unless_zero(side, law, held, at))
            }
            _ => None,
        }
    }

    /// The difference of two numbers where it was 0 and stayed so: still 0 if it is no more than rounding of them.
    fn at_rest(&mut self, a: Expr, b: Expr, span: Span) -> Expr {
        let call = |holder: &mut Self, word: &str, args: &[Expr]| {
            let word = holder.word(word);
            holder.ast.push(ExprKind::Call(word, span, args.into()), span)
        };
        let difference = call(self, "-", &[a, b]);
        let sizes = [call(self, "abs", &[a]), call(self, "abs", &[b])];
        let size = call(self, "+", &sizes);
        let part = self.ast.push(ExprKind::Number(Literal::from(ROUNDING)), span);
        let rounding = call(self, "*", &[part, size]);
        let distance = call(self, "abs", &[difference]);
        let is_zero = call(self, "<=", &[distance, rounding]);
        let zero = self.ast.push(ExprKind::Number(Literal::from(0.0)), span);
        self.ast.push(ExprKind::If(is_zero, zero, difference), span)
    }

    /// What the side decides, or where it is 0 what was written.
    fn unless_zero(&mut self, side: Expr, law: ExprKind, held: ExprKind, span: Span) -> ExprKind {
        let (law, held) = (self.ast.push(law, span), self.ast.push(held, span));
        let is_zero = self.beside_zero("=", side, span);
        ExprKind::If(self.ast.push(is_zero, span), law, held)
    }

    fn beside_zero(&mut self, word: &str, side: Expr, span: Span) -> ExprKind {
        let zero = self.ast.push(ExprKind::Number(Literal::from(0.0)), span);
        ExprKind::Call(self.word(word), span, Box::new([side, zero]))
    }

    /// The side of the difference of two numbers, and whether it is that of the second less the first. Nothing if the inputs have no part in it, or it may
    /// jump. What is compared twice has one side.
    fn side(&mut self, a: Expr, b: Expr, span: Span, path: &Path) -> Option<(Expr, bool)> {
        let minus = self.word("-");
        let difference = self.ast.push(ExprKind::Call(minus, span, Box::new([a, b])), span);
        if !self.varies(path, difference) || self.may_jump(path, difference) {
            return None;
        }
        let bound = self.bound(path);
        let text = |expr: Expr| {
            let (mut text, mut room) = (String::new(), MOST_COMPARED);
            self.ast.canonical(expr, &bound, &mut text, &mut room);
            text
        };
        let mut key = [text(a), text(b)];
        let turned = key[0] > key[1];
        if turned {
            key.swap(0, 1);
        }
        let (index, first) = match self.known.get(&key) {
            Some(&(index, first)) => {
                // It counts where either is reached.
                self.found[index].0 = common(&self.found[index].0, path);
                (index, first)
            }
            None => {
                self.found.push((path.clone(), difference));
                self.known.insert(key, (self.found.len() - 1, turned));
                (self.found.len() - 1, turned)
            }
        };
        let sides = self.ast.push(ExprKind::Name(self.sides), span);
        let index = self.ast.push(ExprKind::Number(Literal::from(index as f64)), span);
        let of = self.word("ref");
        Some((self.ast.push(ExprKind::Call(of, span, Box::new([sides, index])), span), turned != first))
    }

    /// A primitive, whatever the program calls so.
    fn word(&mut self, text: &str) -> Name {
        self.ast.find_name(text).unwrap_or_else(|| self.ast.add_name(text))
    }

    /// Whether the inputs have a part in a comparison where it stands.
    fn varies(&self, path: &Path, difference: Expr) -> bool {
        let mut path = path;
        let mut depends = self.ast.mentions(difference, self.depends);
        while let (false, Some(around)) = (depends, path) {
            depends = match &around.what {
                Wrap::Let(bound) => bound.0.iter().any(|one| self.ast.mentions(one.value, self.depends)),
                Wrap::Letrec(all) => all.iter().any(|one| self.ast.mentions(one.value(), self.depends)),
                Wrap::Arm(..) => false,
            };
            path = &around.outer;
        }
        depends
    }

    /// Values and bodies of functions by their names, around a place and at the top level.
    fn bound(&self, path: &Path) -> HashMap<Name, Expr> {
        let mut bound: HashMap<Name, Expr> = HashMap::new();
        let mut around = path.as_ref();
        while let Some(here) = around {
            match &here.what {
                Wrap::Let(all) => bound.extend(
                    all.0
                        .iter()
                        .map(|one| (one.name, one.value))
                        .chain(all.1.iter().map(|one| (one.name, one.body))),
                ),
                Wrap::Letrec(all) => bound.extend(all.iter().map(|one| (one.named().0, one.value()))),
                Wrap::Arm(..) => {}
            }
            around = here.outer.as_ref();
        }
        bound.extend(self.ast.definitions.iter().map(|one| (one.named().0, one.value())));
        bound
    }

    /// Whether what is compared may jump itself, so that its sign may change without a zero.
    fn may_jump(&self, path: &Path, difference: Expr) -> bool {
        let mut bound = self.bound(path);
        let mut left = vec![difference];
        while let Some(expr) = left.pop() {
            match self.ast.kind(expr) {
                ExprKind::If(..) => return true,
                ExprKind::Name(name) | ExprKind::Call(name, ..) => match bound.remove(name) {
                    Some(value) => left.push(value),
                    None if (self.jumps)(self.ast.name(*name)) => return true,
                    None => {}
                },
                ExprKind::Number(_)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::Let(..)
                | ExprKind::Letrec(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => {}
            }
            self.ast.parts(expr, &mut left);
        }
        false
    }
}
