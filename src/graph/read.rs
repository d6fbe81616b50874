//! Graphs from their textual form, which [`mod@print`](super::print) describes.
//!
//! Nodes are made as they stand, without simplifying, and the graph is verified: whatever is read can be evaluated. Empty
//! lines and lines that begin with a semicolon are skipped.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use nc_runtime::lanes::Precision;

use super::region::{Call, CallResult, Failure, Function, FunctionId, Region, RegionKind, ResultRole};
use super::{Check, Effect, Graph, Node, NodeKind, Output, Reason, Role, Shape, Source, Type, verify};
use crate::entity::Entity;
use crate::limits::Limits;
use crate::ops::{Met, Op, Requirement};
use crate::source::Span;

/// How deep the bodies of regions may be nested in a text.
const MAX_NESTING: usize = 100;

/// Why a text is no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A line is not of the form.
    #[error("line {line}: {message}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// All lines are of the form, but the graph breaks an invariant of [`verify`](super::verify).
    #[error("{0}")]
    Broken(String),
}

/// The graph of a text.
///
/// # Errors
///
/// Lines that are not of the form, with their numbers; a graph that is not well formed.
pub fn read(text: &str) -> Result<Graph, ReadError> {
    let lines = text.lines().zip(1..).filter_map(|(line, number)| {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let skipped = content.trim_end().is_empty() || content.starts_with(';');
        (!skipped).then(|| Line { indent, content: content.trim_end(), number })
    });
    let lines: Vec<Line<'_>> = lines.collect();
    let mut reader = Reader {
        lines: &lines,
        next: 0,
        precision: Precision::Double,
        limits: Limits::default(),
        results: Vec::new(),
    };
    let graph = reader.program()?;
    verify::verify(&graph).map_err(ReadError::Broken)?;
    Ok(graph)
}

#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    content: &'a str,
    number: usize,
}

impl Line<'_> {
    fn error(self, message: impl fmt::Display) -> ReadError {
        ReadError::Line { line: self.number, message: message.to_string() }
    }

    fn wants(self, what: &str) -> ReadError {
        self.error(format!("`{}` is not {what}", self.content))
    }
}

struct Reader<'a> {
    lines: &'a [Line<'a>],
    next: usize,
    precision: Precision,
    limits: Limits,
    /// The results of each function.
    results: Vec<Vec<CallResult>>,
}

/// What the names of a graph stand for.
#[derive(Default)]
struct Names<'a> {
    nodes: HashMap<&'a str, Node>,
    /// By what an input is written.
    inputs: HashMap<&'a str, u32>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Line<'a>> {
        self.lines.get(self.next).copied()
    }

    /// The next line, if it starts with this word.
    fn line_of(&mut self, word: &str) -> Option<(Line<'a>, &'a str)> {
        let line = self.peek()?;
        let rest = line.content.strip_prefix(word)?;
        self.next += 1;
        Some((line, rest))
    }

    fn program(&mut self) -> Result<Graph, ReadError> {
        if let Some((line, rest)) = self.line_of("numbers ") {
            self.precision = match rest {
                "f64" => Precision::Double,
                "f32" => Precision::Single,
                _ => return Err(line.error(format!("`{rest}` is neither f64 nor f32"))),
            };
        }
        if let Some((line, rest)) = self.line_of("limits ") {
            self.limits = limits(rest).ok_or_else(|| line.wants("three limits"))?;
        }
        let mut failures = Vec::new();
        while let Some((line, rest)) = self.line_of("failure ") {
            let (number, words) = rest.split_once(": ").ok_or_else(|| line.wants("a failure"))?;
            if number.parse() != Ok(failures.len() + 1) {
                return Err(line.error(format!("`{number}` is not the next number of a failure")));
            }
            failures.push(Failure { reason: reason(line, words)?, span: Span::default() });
        }
        // Functions call each other: what they give is known before any of them is read.
        for line in self.lines.iter().filter(|line| line.indent == 0) {
            if let Some(rest) = line.content.strip_prefix("function") {
                self.results.push(function_head(*line, rest, self.results.len())?.1);
            }
        }
        let mut functions = Vec::new();
        while let Some((line, rest)) = self.line_of("function") {
            let (name, results) = function_head(line, rest, functions.len())?;
            let body = self.graph(2, None)?;
            let found: Vec<Type> = body.outputs.iter().map(|output| body.ty(output.node)).collect();
            let promised: Vec<Type> = results.iter().map(|result| Type::num(result.shape)).collect();
            if found != promised {
                return Err(line.error(format!("its body gives {found:?}, not {promised:?}")));
            }
            let results: Vec<ResultRole> = results.into_iter().map(|result| result.role).collect();
            functions.push(Arc::new(match results.is_empty() {
                true => Function::never_called(self.precision),
                false => Function { body, results, name },
            }));
        }
        let mut graph = self.graph(0, None)?;
        if let Some(line) = self.peek() {
            return Err(line.error("its indentation is not that of a line before it"));
        }
        for function in functions {
            graph.functions.push(function);
        }
        graph.failures = failures;
        Ok(graph)
    }

    /// The lines of this indentation as a graph: the body of a region, if `region` is there.
    fn graph(&mut self, indent: usize, region: Option<&mut Uses>) -> Result<Graph, ReadError> {
        let mut graph = Graph { limits: self.limits, ..Graph::of(self.precision) };
        let mut names = Names::default();
        let mut next = [0u32; 4];
        let mut uses = region;
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            self.next += 1;
            let space = if line.content.starts_with("tangent[") { "] " } else { " " };
            let (word, rest) = line.content.split_once(space).unwrap_or((line.content, ""));
            if word.starts_with('%') {
                let definition = rest.strip_prefix("= ").ok_or_else(|| line.wants("a definition"))?;
                let node = self.definition(line, definition, indent, &mut graph, &names)?;
                if names.nodes.insert(word, node).is_some() {
                    return Err(line.error(format!("{word} is defined twice")));
                }
            } else if let Some(source) = source(word, &mut next) {
                input(line, source, rest, &mut graph, &mut names)?;
            } else if let "fail" | "note" = word {
                check(line, word, rest, &mut graph, &names)?;
            } else if let "value" | "gradient" | "tangent" = word {
                output(line, &mut graph, &names, uses.as_deref_mut())?;
            } else {
                return Err(line.wants("a line of a graph"));
            }
        }
        Ok(graph)
    }

    /// What stands right of `=` in the definition of a node.
    fn definition(
        &mut self,
        line: Line<'a>,
        text: &str,
        indent: usize,
        graph: &mut Graph,
        names: &Names<'a>,
    ) -> Result<Node, ReadError> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "loop" | "reverse" => self.region(line, word, rest, indent, graph, names),
            "call" => self.call(line, rest, graph, names),
            _ => apply(line, word, rest, graph, names),
        }
    }

    fn region(
        &mut self,
        line: Line<'a>,
        word: &str,
        rest: &str,
        indent: usize,
        graph: &mut Graph,
        names: &Names<'a>,
    ) -> Result<Node, ReadError> {
        let looping = word == "loop";
        let parts = || {
            let (name, rest) = rest.split_once(if looping { " where " } else { " of " })?;
            let (control, rest) = rest.split_once(", from [")?;
            let (first, rest) = rest.split_once("], with [")?;
            let (captures, rest) = rest.split_once(']')?;
            let limit = match rest {
                "" => self.limits.iterations,
                _ => rest.strip_prefix(", limit ").filter(|_| looping)?.parse().ok()?,
            };
            Some((unescaped(name)?, control, first, captures, limit))
        };
        let (name, control, first, captures, limit) =
            parts().ok_or_else(|| line.wants("a loop or what reverses one"))?;
        if indent / 2 >= MAX_NESTING {
            return Err(line.error(format!("bodies are nested deeper than {MAX_NESTING}")));
        }
        let mut args = vec![operand(line, control, graph, names)?];
        let first = operands(line, first, graph, names)?;
        args.extend(&first);
        args.extend(operands(line, captures, graph, names)?);
        let mut uses = Uses::default();
        let body = self.graph(indent + 2, Some(&mut uses))?;
        let wanted = [usize::from(looping), first.len()];
        if [uses.goes_on, uses.next] != wanted || !looping && uses.exits > 0 {
            return Err(line.error(format!("its body has {} next states, not {}", uses.next, first.len())));
        }
        if !body.checks.is_empty() {
            return Err(line.error("its body has checks, which stand outside it"));
        }
        let states = u32::try_from(first.len()).map_err(|_| line.error("it has too many states"))?;
        let kind = if looping { RegionKind::Loop { states, limit } } else { RegionKind::Reverse { states } };
        let region = Region { body, kind, name, span: Span::default() };
        Ok(graph.add_region(Arc::new(region), &args))
    }

    fn call(
        &mut self,
        line: Line<'a>,
        rest: &str,
        graph: &mut Graph,
        names: &Names<'a>,
    ) -> Result<Node, ReadError> {
        let parts = || {
            let (function, rest) = rest.strip_prefix("function")?.split_once(" where ")?;
            let (control, rest) = rest.split_once(", [")?;
            let (operands, failure) = rest.split_once("], failure ")?;
            Some((function.parse::<usize>().ok()?, control, operands, failure.parse::<u32>().ok()?))
        };
        let (function, control, list, failure) = parts().ok_or_else(|| line.wants("a call"))?;
        let results = self
            .results
            .get(function)
            .ok_or_else(|| line.error(format!("there is no function{function}")))?;
        let mut args = vec![operand(line, control, graph, names)?];
        args.extend(operands(line, list, graph, names)?);
        let operands = u32::try_from(args.len() - 1).map_err(|_| line.error("it has too many operands"))?;
        let call =
            Call { function: FunctionId::from_index(function), operands, results: results.clone(), failure };
        let region = Region {
            body: Graph { limits: self.limits, ..Graph::of(self.precision) },
            kind: RegionKind::Call(call),
            name: String::new(),
            span: Span::default(),
        };
        Ok(graph.add_region(Arc::new(region), &args))
    }
}

/// How many outputs of a body are used for what.
#[derive(Default)]
struct Uses {
    goes_on: usize,
    next: usize,
    exits: usize,
}

fn limits(text: &str) -> Option<Limits> {
    let (iterations, rest) = text.split_once(" iterations, ")?;
    let (depth, rest) = rest.split_once(" calls, ")?;
    let steps = rest.strip_suffix(" steps")?;
    Some(Limits {
        iterations: iterations.parse().ok()?,
        depth: depth.parse().ok()?,
        steps: steps.parse().ok()?,
    })
}

fn reason(line: Line<'_>, text: &str) -> Result<Reason, ReadError> {
    let met = |text: &str, what, words| {
        let (op, step) = text.split_once(words)?;
        Some(Reason::Met { what, op: op_called(op)?, step: step.parse().ok()? })
    };
    let parsed = || {
        if let Some(len) = text.strip_prefix("index out of ") {
            return Some(Reason::Index { len: len.parse().ok().filter(|&len: &u32| len > 0)? });
        }
        match text {
            "no count" => return Some(Reason::Unmet(Requirement::Count)),
            "not increasing" => return Some(Reason::Unmet(Requirement::Increasing)),
            _ => {}
        }
        if let Some(limit) = text.strip_prefix("deeper than ") {
            return Some(Reason::Depth { limit: limit.strip_suffix(" calls")?.parse().ok()? });
        }
        if let Some(rest) = text.strip_prefix("more than ") {
            let (limit, what) = rest.split_once(' ')?;
            let limit = limit.parse().ok()?;
            return match what {
                "iterations" => Some(Reason::Iterations { limit }),
                "steps" => Some(Reason::Steps { limit }),
                _ => None,
            };
        }
        met(text, Met::Outside, " outside its domain, step ")
            .or_else(|| met(text, Met::Kink, " at a kink, step "))
            .or_else(|| met(text, Met::Singular, " at a singularity, step "))
    };
    parsed().ok_or_else(|| line.error(format!("`{text}` is not a reason")))
}

/// Number, name and results of a function.
fn function_head(line: Line<'_>, rest: &str, number: usize) -> Result<(String, Vec<CallResult>), ReadError> {
    if rest.split_once(' ') == Some((&number.to_string(), "unused")) {
        return Ok((String::new(), Vec::new()));
    }
    let parts = || {
        let (head, results) = rest.split_once(" -> ")?;
        let (found, name) = head.split_once(' ')?;
        let result = |text: &str| {
            let (role, of) = text.split_once(": ")?;
            Some(CallResult { role: result_role(role)?, shape: shape(of)? })
        };
        let results = results.split(", ").map(result).collect::<Option<Vec<CallResult>>>()?;
        (found.parse() == Ok(number)).then_some((unescaped(name)?, results))
    };
    parts().ok_or_else(|| line.wants("the head of the next function"))
}

fn result_role(text: &str) -> Option<ResultRole> {
    let of = |text: &str| text.parse().ok();
    match text.split_once(' ') {
        None => [ResultRole::Value, ResultRole::Failure, ResultRole::Steps, ResultRole::Note]
            .into_iter()
            .find(|role| role.to_string() == text),
        Some(("tangent", result)) => Some(ResultRole::Tangent { of: of(result)? }),
        Some(("active", result)) => Some(ResultRole::Active { of: of(result)? }),
        Some(_) => None,
    }
}

fn op_called(name: &str) -> Option<Op> {
    Op::ALL.iter().copied().find(|op| op.info().name == name)
}

/// The inverse of the printer's escapes.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('\\');
    let mut name = parts.next()?.to_string();
    for part in parts {
        let (digits, rest) = part.split_once(';')?;
        name.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        name.push_str(rest);
    }
    Some(name)
}

fn shape(text: &str) -> Option<Shape> {
    let extent = |text: &str| text.parse::<u32>().ok().filter(|&extent| extent > 0);
    let shape = match text.split_once(' ') {
        None if text == "scalar" => Shape::Scalar,
        None if text == "complex" => Shape::Complex,
        Some(("vec", n)) => Shape::Vector(extent(n)?),
        Some(("mat", extents)) => {
            let (n, m) = extents.split_once(['×', 'x'])?;
            Shape::Matrix(extent(n)?, extent(m)?)
        }
        _ => return None,
    };
    shape.checked().ok()
}

fn type_of(text: &str) -> Option<Type> {
    match text.strip_prefix("bool") {
        Some("") => Some(Type::BOOL),
        Some(rest) => Some(Type::bool(shape(rest.strip_prefix(' ')?)?)),
        None => Some(Type::num(shape(text)?)),
    }
}

/// The source that the first word of a declaration names; `next` are the positions that are next, of each kind.
fn source(word: &str, next: &mut [u32; 4]) -> Option<Source> {
    let (kind, place) = match word.split_once('[') {
        None => (word, None),
        Some((kind, place)) => (kind, Some(place)),
    };
    let (slot, source): (usize, fn(u32) -> Source) = match (kind, place) {
        ("input", None) => return Some(Source::Row),
        ("parameter", None) => return Some(Source::Shared),
        ("tangent", Some(place)) => {
            let (input, seed) = place.split_once(", ")?;
            return Some(Source::Tangent { input: input.parse().ok()?, seed: seed.parse().ok()? });
        }
        ("cotangent", _) => (0, Source::Cotangent),
        ("state", _) => (1, Source::State),
        ("capture", _) => (2, Source::Capture),
        ("tape", _) => (3, Source::Tape),
        _ => return None,
    };
    let k = match place {
        None => next[slot],
        Some(place) => place.strip_suffix(']')?.parse().ok()?,
    };
    next[slot] = k.saturating_add(1);
    Some(source(k))
}

fn input<'a>(
    line: Line<'a>,
    source: Source,
    rest: &'a str,
    graph: &mut Graph,
    names: &mut Names<'a>,
) -> Result<(), ReadError> {
    let parts = || {
        let (words, of) = rest.rsplit_once(": ")?;
        let (written, name) = words.split_once(' ').unwrap_or((words, words));
        let written_so = if written.starts_with('#') { name != written } else { name == written };
        written_so.then_some((written, unescaped(name)?, shape(of)?))
    };
    let (written, name, shape) = parts().ok_or_else(|| line.wants("a declaration"))?;
    if let "true" | "false" = written {
        return Err(line.error(format!("`{written}` is a truth value")));
    }
    let index = u32::try_from(graph.inputs.len()).map_err(|_| line.error("there are too many inputs"))?;
    let node = graph.input(name, shape, source);
    names.inputs.insert(written, index);
    if names.nodes.insert(written, node).is_some() {
        return Err(line.error(format!("{written} is declared twice")));
    }
    Ok(())
}

fn operand(line: Line<'_>, text: &str, graph: &mut Graph, names: &Names<'_>) -> Result<Node, ReadError> {
    if let Some(&node) = names.nodes.get(text) {
        return Ok(node);
    }
    let unknown = || line.error(format!("`{text}` is not defined before this line"));
    if text.starts_with('%') {
        // A result of a region.
        let (region, index) = text.split_once('.').ok_or_else(unknown)?;
        let (&region, index) = names.nodes.get(region).zip(index.parse::<u32>().ok()).ok_or_else(unknown)?;
        let shapes = graph.region(region).ok_or_else(unknown)?.results();
        let shape = *shapes.get(index as usize).ok_or_else(unknown)?;
        return Ok(graph.result(region, index, shape));
    }
    match text {
        "true" => return Ok(graph.boolean(true)),
        "false" => return Ok(graph.boolean(false)),
        _ => {}
    }
    let value = number(text, graph.precision).ok_or_else(unknown)?;
    Ok(graph.number(value))
}

/// A number as it is printed, and no word for one.
fn number(text: &str, precision: Precision) -> Option<f64> {
    match text {
        "+nan.0" => return Some(f64::NAN),
        "+inf.0" => return Some(f64::INFINITY),
        "-inf.0" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match precision {
        Precision::Double => text.parse().ok(),
        Precision::Single => text.parse::<f32>().ok().map(f64::from),
    }
}

/// Operands, separated by commas.
fn operands(
    line: Line<'_>,
    text: &str,
    graph: &mut Graph,
    names: &Names<'_>,
) -> Result<Vec<Node>, ReadError> {
    let list = text.split(", ").filter(|operand| !operand.is_empty());
    list.map(|text| operand(line, text, graph, names)).collect()
}

fn apply(
    line: Line<'_>,
    word: &str,
    rest: &str,
    graph: &mut Graph,
    names: &Names<'_>,
) -> Result<Node, ReadError> {
    let op = op_called(word).ok_or_else(|| line.error(format!("there is no operation `{word}`")))?;
    let (rest, ty) = match rest.rsplit_once(" : ") {
        None => (rest, Type::NUM),
        Some((rest, ty)) => (rest, type_of(ty).ok_or_else(|| line.error(format!("`{ty}` is not a type")))?),
    };
    let (list, attr) = match rest.rsplit_once(" @") {
        None => (rest, 0),
        Some((list, attr)) => {
            (list, attr.parse().map_err(|_| line.error(format!("`@{attr}` is not an attribute")))?)
        }
    };
    let args = operands(line, list, graph, names)?;
    if args.is_empty() || op.operands().is_some_and(|n| n != args.len()) {
        return Err(line.error(format!("{word} of {} operands", args.len())));
    }
    Ok(graph.intern(NodeKind::Apply(op, attr), ty, &args))
}

fn check(
    line: Line<'_>,
    word: &str,
    rest: &str,
    graph: &mut Graph,
    names: &Names<'_>,
) -> Result<(), ReadError> {
    let effect = if word == "fail" { Effect::Fail } else { Effect::Note };
    let parts = rest.strip_prefix("if ").and_then(|rest| rest.split_once(": "));
    let (condition, words) = parts.ok_or_else(|| line.wants("a check"))?;
    let fails = operand(line, condition, graph, names)?;
    graph.checks.push(Check { fails, effect, reason: reason(line, words)?, span: Span::default() });
    Ok(())
}

fn output(
    line: Line<'_>,
    graph: &mut Graph,
    names: &Names<'_>,
    uses: Option<&mut Uses>,
) -> Result<(), ReadError> {
    let (words, value) = line.content.rsplit_once(" = ").ok_or_else(|| line.wants("an output"))?;
    let (value, shape) = match value.split_once(" : ") {
        None => (value, Some(Shape::Scalar)),
        Some((value, of)) => (value, shape(of)),
    };
    let node = operand(line, value, graph, names)?;
    if shape != Some(graph.shape(node)) {
        return Err(line.error(format!("`{value}` is {}", graph.ty(node))));
    }
    let (word, name) = words.split_once(' ').unwrap_or((words, ""));
    let input = |name: &str| {
        let index = names.inputs.get(name).copied();
        index.ok_or_else(|| line.error(format!("`{name}` is not an input")))
    };
    let (name, role) = match (word, uses) {
        ("value", Some(uses)) => {
            let expected = |kind: &str, k: usize| name == format!("{kind} {k}");
            if name == "while" && uses.goes_on + uses.next + uses.exits == 0 {
                uses.goes_on = 1;
            } else if expected("next", uses.next) && uses.exits == 0 {
                uses.next += 1;
            } else if expected("exit", uses.next + uses.exits) {
                uses.exits += 1;
            } else {
                return Err(line.wants("the next output of the body of a loop"));
            }
            (String::new(), Role::Value)
        }
        (_, Some(_)) => return Err(line.wants("an output of the body of a loop")),
        ("value", None) => (unescaped(name).ok_or_else(|| line.wants("an output"))?, Role::Value),
        ("gradient", None) => match name.split_once(' ') {
            None => (String::new(), Role::Gradient { of: 0, input: input(name)? }),
            Some((result, by)) => {
                let parts = || {
                    let (name, of) = result.strip_suffix(']')?.rsplit_once('[')?;
                    Some((unescaped(name)?, of.parse().ok()?))
                };
                let (name, of) = parts().ok_or_else(|| line.wants("a gradient"))?;
                (name, Role::Gradient { of, input: input(by)? })
            }
        },
        _ => {
            let parts = || {
                let (seed, rest) = name.split_once(" of output ")?;
                let (of, name) = rest.split_once(' ').unwrap_or((rest, ""));
                let role = Role::Tangent { of: of.parse().ok()?, seed: seed.parse().ok()? };
                Some((unescaped(name)?, role))
            };
            parts().ok_or_else(|| line.wants("a tangent"))?
        }
    };
    graph.outputs.push(Output { name, node, role });
    Ok(())
}
