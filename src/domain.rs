//! The safe domain of a program, as conditions in the words of its source.
//!
//! The ANF is walked once, functions inlined as in [`build`](crate::build), over *terms*: nodes of a
//! graph that nothing simplifies, so that they read as the program was written. Each operation with a domain states
//! its condition on the terms it is applied to, and the path that it stands on.
//!
//! * `ranges`: what is known of the values of terms, so that conditions which always hold are left out;
//! * `text`: terms as formulas.

mod ranges;
mod text;

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::anf::{Anf, Atom, Binding, BlockId, DeriveForm, End, FuncId, Operand, Rhs, Var};
use crate::build::Signature;
use crate::derive::function::derivative_shape;
use crate::entity::{Entity, EntityVec};
use crate::graph::{Elem, FastHash, Graph, Node, NodeKind, Shape, Source, Type, canonical_bits};
use crate::ops::conditions::filled;
use crate::ops::{Algebra, Domain, Op, Requirement};
use crate::prelude::{self, Library};
use crate::source::{Diagnostic, Span};

use self::ranges::Range;

/// What holds in the safe domain of a program.
#[derive(Debug, Clone, Default)]
pub struct SafeDomain {
    /// The conditions in the order of evaluation, each once. Those that always hold are left out.
    pub conditions: Vec<Condition>,
    /// Operations that are outside their domain whenever they are evaluated.
    pub warnings: Vec<Diagnostic>,
    /// Whether these are all: a program can have more than anyone reads.
    pub complete: bool,
    /// What each operation needs by itself; `None` if that reads differently where it is inlined again.
    needs: HashMap<(Span, Op, u32), Option<String>>,
}

impl SafeDomain {
    /// What the operation of a [`Reason::Met`](crate::graph::Reason::Met) needs, if that reads the same wherever its
    /// expression is evaluated.
    pub fn need(&self, span: Span, op: Op, step: u32) -> Option<&str> {
        self.needs.get(&(span, op, step))?.as_deref()
    }
}

/// A condition on the inputs of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What has to hold, such as `r ≠ 0`.
    pub text: String,
    /// Where: on the path on which the operation stands. `None` for everywhere.
    pub path: Option<String>,
    /// The operation that needs it.
    pub op: Op,
    /// The expression in the source.
    pub span: Span,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{} where {path}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// How many conditions are stated.
pub const MAX_CONDITIONS: usize = 1000;

/// How many conditions are put in words, most of which may be the same.
const MAX_WORDED: usize = 1 << 17;

/// How many operations are looked at. Inlining can multiply a short program beyond all bounds.
const MAX_STEPS: usize = 1 << 20;

/// Elements of a vector that are looked at one by one.
const MAX_ELEMENTS: usize = 64;

/// States the safe domain of a program whose graph can be built for the signature. Shapes that do not fit are passed
/// over.
pub fn safe_domain(anf: &Anf, signature: &Signature) -> SafeDomain {
    let mut calls = EntityVec::filled(0u32, anf.functions.len());
    let mut written = EntityVec::filled(false, anf.vars.len());
    let names: HashSet<&str> = anf.vars.values().map(|info| info.name.as_str()).collect();
    for binding in anf.blocks.values().flat_map(|block| &block.bindings) {
        // What was made up for an expression has its place; a name that another variable has ends in a number.
        let info = &anf.vars[binding.var];
        let again = info.name.rsplit_once('.').is_some_and(|(name, number)| {
            names.contains(name) && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        written[binding.var] = info.span != binding.span && !again;
        if let Rhs::Call(function, _) | Rhs::Derive(_, function, _) = &binding.rhs {
            calls[*function] += 1;
        }
    }
    let mut terms = Terms::default();
    terms.reserve(anf.operands());
    let mut walker = Walker {
        anf,
        signature,
        terms,
        values: EntityVec::filled(None, anf.vars.len()),
        written,
        calls,
        known_calls: HashMap::new(),
        entered: HashMap::new(),
        path: None,
        place: Span::default(),
        called: Span::default(),
        inside: HashSet::new(),
        computed: HashSet::new(),
        hidden: Vec::new(),
        step: 0,
        judging: false,
        stated: HashMap::new(),
        worded: 0,
        result: SafeDomain { complete: true, ..SafeDomain::default() },
    };
    walker.run();
    walker.result
}

/// A number or a truth value that a term comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Known {
    Number(f64),
    Truth(bool),
}

impl Known {
    /// It as a node of a graph.
    fn node(self, graph: &mut Graph) -> Node {
        match self {
            Known::Number(number) => graph.number(number),
            Known::Truth(truth) => graph.boolean(truth),
        }
    }

    /// What a node of a graph is, if that is one.
    fn of(graph: &Graph, node: Node) -> Option<Known> {
        graph.constant(node).map(Known::Number).or_else(|| graph.truth(node).map(Known::Truth))
    }
}

/// Operations on constants that are remembered.
const CONSTANTS: usize = 1000;

/// The bits of a NaN that is no constant: of NaNs, constants are the canonical one.
const UNKNOWN: u64 = u64::MAX;

/// Terms: nodes as they are written.
#[derive(Debug, Default)]
struct Terms {
    graph: Graph,
    /// Names in the source. Inputs of the graph, which stand for all that is not a term, have one.
    names: HashMap<Node, String>,
    taken: HashSet<String>,
    /// Constants that terms come to, as far as the list goes, by their bits, and [`UNKNOWN`] for other terms. Truth values are 1
    /// and 0.
    folded: Vec<u64>,
    /// Where operations on constants are computed: what they come to is no term.
    constants: Graph,
    /// What is known of the values of terms that are operations, if it is not of terms with constants.
    ranges: HashMap<Node, Range, FastHash>,
}

impl Terms {
    /// Makes room for so many terms.
    fn reserve(&mut self, terms: usize) {
        self.graph.reserve(terms);
        self.folded.reserve_exact(terms);
    }

    /// A value of which nothing is known but how it is written.
    fn opaque(&mut self, written: impl Into<String>, shape: Shape) -> Node {
        let written = written.into();
        let node = self.graph.input(written.as_str(), shape, Source::Row);
        self.names.insert(node, written);
        node
    }

    /// A value of which nothing is known but its name.
    fn variable(&mut self, name: &str, shape: Shape) -> Node {
        self.taken.insert(name.to_string());
        self.opaque(name, shape)
    }

    fn is_nameless(&self, node: Node) -> bool {
        match self.graph.kind(node) {
            NodeKind::Apply(..) => !self.names.contains_key(&node),
            // What a loop or a recursive function has returned.
            NodeKind::Input(_) => self.names.get(&node).is_some_and(|name| name.ends_with("(…)")),
            NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Region(_) | NodeKind::Result(_) => false,
        }
    }

    /// Calls a term by its name, unless it has one, or the name means something else.
    fn name(&mut self, node: Node, name: &str) {
        if self.is_nameless(node) && self.taken.insert(name.to_string()) {
            self.names.insert(node, name.to_string());
        }
    }

    /// The constant that a term comes to.
    fn known(&self, node: Node) -> Option<Known> {
        Known::of(&self.graph, node).or_else(|| {
            let &bits = self.folded.get(node.index()).filter(|&&bits| bits != UNKNOWN)?;
            let number = f64::from_bits(bits);
            Some(match self.graph.ty(node).elem {
                Elem::Num => Known::Number(number),
                Elem::Bool => Known::Truth(number != 0.0),
            })
        })
    }

    /// Notes the constant that a term comes to.
    fn fold(&mut self, node: Node, constant: Known) {
        if self.folded.len() <= node.index() {
            self.folded.resize(node.index() + 1, UNKNOWN);
        }
        self.folded[node.index()] = canonical_bits(match constant {
            Known::Number(number) => number,
            Known::Truth(truth) => f64::from(u8::from(truth)),
        });
    }

    fn number(&self, node: Node) -> Option<f64> {
        match self.known(node)? {
            Known::Number(number) => Some(number),
            Known::Truth(_) => None,
        }
    }

    fn truth(&self, node: Node) -> Option<bool> {
        Some(match self.known(node)? {
            Known::Truth(truth) => truth,
            Known::Number(number) => number != 0.0,
        })
    }

    /// What an operation on constants comes to, if that is one.
    fn folded(&mut self, op: Op, attr: u32, ty: Type, known: &[Known]) -> Option<Known> {
        if self.constants.len() > CONSTANTS {
            self.constants = Graph::of(self.graph.precision);
        }
        let args: Vec<Node> = known.iter().map(|known| known.node(&mut self.constants)).collect();
        let node = self.constants.apply_typed(op, attr, ty, &args);
        Known::of(&self.constants, node)
    }

    fn apply(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        // Moving elements about is no term of a formula.
        if op.moves() {
            let node = self.graph.apply_typed(op, attr, ty, args);
            self.limit(node, op, args);
            return node;
        }
        let node = self.graph.intern(NodeKind::Apply(op, attr), ty, args);
        let known: Option<Vec<Known>> = args.iter().map(|&arg| self.known(arg)).collect();
        if let Some(constant) = known.and_then(|known| self.folded(op, attr, ty, &known)) {
            self.fold(node, constant);
            return node;
        }
        self.limit(node, op, args);
        node
    }

    /// Keeps what is known of the values of a term.
    fn limit(&mut self, node: Node, op: Op, args: &[Node]) {
        let is_this = self.graph.op(node) == Some(op);
        if !is_this || self.ranges.contains_key(&node) {
            return;
        }
        let ranges: Vec<Range> = args.iter().map(|&arg| self.range(arg)).collect();
        let same = matches!(args, [a, b, ..] if a == b);
        let exponent = args.get(1).and_then(|&exponent| self.number(exponent));
        let range = ranges::of(op, &ranges, same, exponent);
        if range != Range::ALL {
            self.ranges.insert(node, range);
        }
    }

    /// What is known of the value of a term.
    fn range(&self, node: Node) -> Range {
        match self.number(node) {
            Some(number) => Range::constant(number),
            None => self.ranges.get(&node).copied().unwrap_or(Range::ALL),
        }
    }

    /// An element of a term that is put together of elements.
    fn element(&self, node: Node, k: usize) -> Option<Node> {
        if self.graph.ty(node).is_scalar() {
            return Some(node);
        }
        match self.graph.op(node) {
            Some(Op::Pack) => self.graph.args(node).get(k).copied(),
            Some(Op::Fill) => self.graph.args(node).first().copied(),
            _ => None,
        }
    }
}

type CallKey = (FuncId, Vec<Option<Node>>, Option<Node>);

/// What to do with the value of a finished block.
enum Continuation {
    Finish,
    Else {
        condition: Node,
        other: BlockId,
        outer: Option<Node>,
        var: Var,
    },
    Join {
        condition: Node,
        then: Option<Node>,
        outer: Option<Node>,
        var: Var,
    },
    Keep {
        var: Var,
    },
    Return {
        key: CallKey,
        var: Var,
    },
    /// The value of a loop, or of a call of a recursive function: of another iteration or call than the one at hand.
    Other {
        name: String,
        function: Option<FuncId>,
        outer: Option<Node>,
        var: Var,
    },
    /// A derivative of the function whose body the block is, by an operand of this shape.
    Derivative {
        name: String,
        form: DeriveForm,
        operand: Option<Shape>,
        outer: Option<Node>,
        var: Var,
    },
}

struct Frame {
    block: BlockId,
    next: usize,
    then: Continuation,
    /// Whether names bound here mean one thing: the block is walked once.
    named: bool,
}

struct Walker<'a> {
    anf: &'a Anf,
    signature: &'a Signature,
    terms: Terms,
    values: EntityVec<Var, Option<Node>>,
    /// Which variables have their names in the source.
    written: EntityVec<Var, bool>,
    /// How many calls of each function the text has.
    calls: EntityVec<FuncId, u32>,
    known_calls: HashMap<CallKey, Option<Node>>,
    /// Recursive functions that have been walked, or are being, with the shape of what they return if that is known.
    entered: HashMap<FuncId, Option<Shape>>,
    path: Option<Node>,
    place: Span,
    /// The innermost operation of the program itself.
    called: Span,
    /// Terms that only the library has names for: what its loops, its recursive functions and its derivatives give.
    inside: HashSet<Node>,
    /// Terms that the library computes.
    computed: HashSet<Node>,
    /// Which terms are made of those that only the library has names for, as far as that was looked at.
    hidden: Vec<bool>,
    /// Operations with conditions so far in the primitive at hand.
    step: u32,
    /// Whether conditions are being built, rather than terms.
    judging: bool,
    /// Conditions and paths that have been stated, and where.
    stated: HashMap<(String, Option<String>), usize>,
    /// Conditions that were put in words.
    worded: usize,
    result: SafeDomain,
}

impl Algebra for Walker<'_> {
    type V = Node;

    fn ty(&self, value: Node) -> Type {
        self.terms.graph.ty(value)
    }
    fn number(&mut self, value: f64) -> Node {
        self.terms.graph.number(value)
    }
    fn truth_value(&mut self, value: bool) -> Node {
        self.terms.graph.boolean(value)
    }
    fn constant(&self, value: Node) -> Option<f64> {
        self.terms.number(value)
    }
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        if self.judging {
            return self.terms.graph.apply_typed(op, attr, ty, args);
        }
        let before = self.terms.graph.len();
        let node = self.terms.apply(op, attr, ty, args);
        if node.index() >= before && !op.moves() && self.in_library(self.place) {
            self.computed.insert(node);
        }
        if let Some(domain) = op.info().domain {
            self.state(op, &domain, args, node);
        }
        self.step += u32::from(op.has_conditions());
        node
    }
    /// Where rows fail is no matter of the domain.
    fn require(&mut self, _: Requirement, _: &[Node]) {}
    fn part(&mut self, whole: Node, index: Node, _: u32, ty: Type) -> Node {
        self.terms.apply(Op::Gather, 0, ty, &[whole, index])
    }
}

impl Walker<'_> {
    fn run(&mut self) {
        for &var in &self.anf.inputs {
            let name = &self.anf.vars[var].name;
            self.values[var] = Some(self.terms.variable(name, self.signature.shape_of(name)));
        }
        let Some(main) = self.anf.main else { return };
        let mut stack = vec![Frame { block: main, next: 0, then: Continuation::Finish, named: true }];
        let mut steps = 0;
        while let Some(frame) = stack.last_mut() {
            steps += 1;
            let said = self.result.conditions.len() >= MAX_CONDITIONS || self.worded >= MAX_WORDED;
            if steps > MAX_STEPS || said {
                self.result.complete = false;
                return;
            }
            let block = &self.anf.blocks[frame.block];
            if let Some(binding) = block.bindings.get(frame.next) {
                frame.next += 1;
                let named = frame.named;
                if let Some(inner) = self.bind(binding, named) {
                    stack.push(inner);
                }
            } else if let Some(frame) = stack.pop() {
                let value = match &block.end {
                    End::Value(value) => self.atom(*value),
                    End::Recur(_) => None,
                };
                let named = stack.last().is_none_or(|around| around.named);
                let next = self.resume(frame.then, value, named);
                stack.extend(next);
            }
        }
    }

    /// Gives a variable its value, and the value the variable's name if that means one thing.
    fn set(&mut self, var: Var, value: Option<Node>, named: bool) {
        self.values[var] = value;
        if let Some(node) = value
            && named
            && self.written[var]
            && !self.in_library(self.anf.vars[var].span)
        {
            self.terms.name(node, &self.anf.vars[var].name);
        }
    }

    /// Calls what a word of the library gives by the call, if that stands in the program at this place and the value has no name.
    fn name_as_call(&mut self, id: FuncId, args: &[Option<Node>], value: Option<Node>, place: Span) {
        let function = &self.anf.functions[id];
        let Some(node) = value.filter(|&node| self.terms.is_nameless(node)) else { return };
        if self.in_library(place) || !self.in_library(self.place_of(id)) || args.contains(&value) {
            return;
        }
        let name = function.name.as_str();
        if Library::word(name).is_none() {
            return;
        }
        // Of operands that are functions nothing is left, and captured values stand behind the others.
        let known: Option<Vec<Node>> = args.iter().copied().collect();
        let numbers = known.filter(|args| prelude::library().operands(name) == Some(args.len()));
        let written = match numbers {
            Some(args) => {
                let operands: Vec<String> = args.iter().map(|&arg| text::number(&self.terms, arg)).collect();
                format!("{name}({})", operands.join(", "))
            }
            None => format!("{name}(…)"),
        };
        self.terms.names.insert(node, written);
    }

    fn bind(&mut self, binding: &Binding, named: bool) -> Option<Frame> {
        let Binding { var, ref rhs, span } = *binding;
        self.place = span;
        if !self.in_library(span) {
            self.called = span;
        }
        self.values[var] = None;
        let info = &self.anf.vars[var];
        match rhs {
            Rhs::Constant(literal) => {
                let node = self.terms.variable(&info.name, Shape::Scalar);
                if !self.signature.is_parameter(&info.name) {
                    self.terms.fold(node, Known::Number(literal.f64));
                }
                self.values[var] = Some(node);
                None
            }
            Rhs::Primitive(primitive, operands) => {
                self.step = 0;
                let args: Option<Vec<Node>> = operands.iter().map(|o| self.atom(o.atom)).collect();
                let value = args.and_then(|args| primitive.expand(self, &args).ok());
                self.set(var, value, named);
                None
            }
            Rhs::Call(function, operands) => self.call(*function, operands, var, named),
            Rhs::Derive(form, function, operands) => self.derivative(*form, *function, operands, var, named),
            Rhs::Loop(inner) => {
                for (&var, init) in inner.vars.iter().zip(&inner.inits) {
                    let init = init.and_then(|operand| self.atom(operand.atom));
                    let shape = init.map_or(Shape::Scalar, |node| self.terms.graph.shape(node));
                    let variable = self.terms.variable(&self.anf.vars[var].name, shape);
                    self.values[var] = Some(self.of(variable, span));
                }
                let name = format!("{}(…)", inner.name);
                let then = Continuation::Other { name, function: None, outer: self.path, var };
                Some(Frame { block: inner.body, next: 0, then, named })
            }
            Rhs::If(condition, then, other) => {
                let value = self.atom(condition.atom)?;
                if !self.terms.graph.ty(value).is_scalar() {
                    return None;
                }
                if let Some(known) = self.terms.truth(value) {
                    let block = if known { *then } else { *other };
                    return Some(Frame { block, next: 0, then: Continuation::Keep { var }, named });
                }
                let condition = self.as_truth(value);
                let outer = self.path;
                self.path = Some(self.and(outer, condition));
                let then_frame = Continuation::Else { condition, other: *other, outer, var };
                Some(Frame { block: *then, next: 0, then: then_frame, named })
            }
        }
    }

    /// A derivative is there where the function's own operations are in their domains. Of its value the shape is known.
    fn derivative(
        &mut self,
        form: DeriveForm,
        id: FuncId,
        operands: &[Operand],
        var: Var,
        named: bool,
    ) -> Option<Frame> {
        let function = &self.anf.functions[id];
        let mut args: Vec<Option<Node>> = operands.iter().map(|o| self.atom(o.atom)).collect();
        if form.has_direction() {
            args.remove(form.param() + 1);
        }
        let name = match form {
            DeriveForm::Derivative { .. } => format!("D {}(…)", function.name),
            DeriveForm::Jvp => format!("jvp({}, …)", function.name),
            DeriveForm::Vjp => format!("vjp({}, …)", function.name),
        };
        let operand = args[form.param()].map(|node| self.terms.graph.shape(node));
        let outer = self.path;
        self.enter(id, &args);
        let then = Continuation::Derivative { name, form, operand, outer, var };
        Some(Frame { block: function.body, next: 0, then, named: named && self.calls[id] == 1 })
    }

    fn call(&mut self, id: FuncId, operands: &[Operand], var: Var, named: bool) -> Option<Frame> {
        let function = &self.anf.functions[id];
        let args: Vec<Option<Node>> = operands.iter().map(|o| self.atom(o.atom)).collect();
        let name = format!("{}(…)", function.name);
        if function.recursive {
            if let Some(&shape) = self.entered.get(&id) {
                let value = self.terms.opaque(name, shape.unwrap_or(Shape::Scalar));
                self.values[var] = Some(self.of(value, self.place));
                return None;
            }
            self.entered.insert(id, None);
            for (&param, arg) in function.params.iter().zip(args) {
                let shape = arg.map_or(Shape::Scalar, |node| self.terms.graph.shape(node));
                let variable = self.terms.variable(&self.anf.vars[param].name, shape);
                self.values[param] = Some(self.of(variable, self.place_of(id)));
            }
            let outer = self.path.take();
            let then = Continuation::Other { name, function: Some(id), outer, var };
            return Some(Frame { block: function.body, next: 0, then, named });
        }
        let key = (id, args, self.path);
        if let Some(&value) = self.known_calls.get(&key) {
            self.set(var, value, named);
            return None;
        }
        self.enter(id, &key.1);
        let named = named && self.calls[id] == 1;
        Some(Frame { block: function.body, next: 0, then: Continuation::Return { key, var }, named })
    }

    /// Whether a place is one of the library.
    fn in_library(&self, span: Span) -> bool {
        self.anf.library.is_some_and(|library| span.start >= library)
    }

    /// Where a function is written: its parameters, or what it begins with.
    fn place_of(&self, id: FuncId) -> Span {
        let function = &self.anf.functions[id];
        let param = function.params.first().map(|&param| self.anf.vars[param].span);
        let first = || self.anf.blocks[function.body].bindings.first().map(|binding| binding.span);
        param.or_else(first).unwrap_or_default()
    }

    /// A term without a formula that stands at a place: in the library, only that has a name for it.
    fn of(&mut self, node: Node, place: Span) -> Node {
        if self.in_library(place) {
            self.inside.insert(node);
        }
        node
    }

    /// Whether a term is made of what only the library has names for.
    fn is_hidden(&mut self, node: Node) -> bool {
        for k in self.hidden.len()..=node.index() {
            let node = Node::from_index(k);
            let hidden = self.inside.contains(&node)
                || self.terms.graph.args(node).iter().any(|arg| self.hidden[arg.index()]);
            self.hidden.push(hidden);
        }
        self.hidden[node.index()]
    }

    /// Begins the body of a function. What the library computes for a function of the program is said in the words of the function:
    /// its parameters, wherever it is called.
    fn enter(&mut self, id: FuncId, args: &[Option<Node>]) {
        let function = &self.anf.functions[id];
        let leaves_library = self.in_library(self.place) && !self.in_library(self.place_of(id));
        for (&param, &arg) in function.params.iter().zip(args) {
            self.values[param] = match arg {
                Some(arg) if leaves_library && (self.computed.contains(&arg) || self.is_hidden(arg)) => {
                    let shape = self.terms.graph.shape(arg);
                    Some(self.terms.variable(&self.anf.vars[param].name, shape))
                }
                arg => arg,
            };
        }
        if leaves_library && self.path.is_some_and(|path| self.is_hidden(path)) {
            self.path = None;
        }
    }

    fn resume(&mut self, then: Continuation, value: Option<Node>, named: bool) -> Option<Frame> {
        match then {
            Continuation::Finish => None,
            Continuation::Keep { var } => {
                self.set(var, value, named);
                None
            }
            Continuation::Return { key, var } => {
                self.path = key.2;
                self.set(var, value, named);
                self.name_as_call(key.0, &key.1, value, self.anf.vars[var].span);
                self.known_calls.insert(key, value);
                None
            }
            Continuation::Other { name, function, outer, var } => {
                self.path = outer;
                let shape = value.map(|node| self.terms.graph.shape(node));
                if let Some(function) = function {
                    self.entered.insert(function, shape);
                }
                let written =
                    if named && self.written[var] { self.anf.vars[var].name.to_string() } else { name };
                let value = self.terms.opaque(written, shape.unwrap_or(Shape::Scalar));
                self.values[var] = Some(self.of(value, self.anf.vars[var].span));
                None
            }
            Continuation::Derivative { name, form, operand, outer, var } => {
                self.path = outer;
                let value = value.map(|node| self.terms.graph.shape(node));
                let shape = match (form, operand, value) {
                    (DeriveForm::Derivative { .. }, Some(operand), Some(value)) => {
                        derivative_shape(operand, value).ok()
                    }
                    (DeriveForm::Jvp, _, value) => value,
                    (DeriveForm::Vjp, operand, _) => operand,
                    (DeriveForm::Derivative { .. }, ..) => None,
                };
                let written =
                    if named && self.written[var] { self.anf.vars[var].name.to_string() } else { name };
                let span = self.anf.vars[var].span;
                self.values[var] =
                    shape.map(|shape| self.terms.opaque(written, shape)).map(|node| self.of(node, span));
                None
            }
            Continuation::Else { condition, other, outer, var } => {
                let opposite = self.terms.apply(Op::Not, 0, Type::BOOL, &[condition]);
                self.path = Some(self.and(outer, opposite));
                let join = Continuation::Join { condition, then: value, outer, var };
                Some(Frame { block: other, next: 0, then: join, named })
            }
            Continuation::Join { condition, then, outer, var } => {
                self.path = outer;
                let value = match (then, value) {
                    (Some(a), Some(b)) => self.join(condition, a, b),
                    // An arm that goes on with a loop has no value.
                    (one, other) => one.or(other),
                };
                self.set(var, value, named);
                None
            }
        }
    }

    fn join(&mut self, condition: Node, a: Node, b: Node) -> Option<Node> {
        let (a, b) =
            if self.ty(a).elem == self.ty(b).elem { (a, b) } else { (self.as_number(a), self.as_number(b)) };
        let types = [Type::BOOL, self.ty(a), self.ty(b)];
        let ty = Op::Select.result_type(&types).ok()?;
        Some(self.terms.apply(Op::Select, 0, ty, &[condition, a, b]))
    }

    fn and(&mut self, path: Option<Node>, condition: Node) -> Node {
        match path {
            Some(path) => self.terms.apply(Op::And, 0, Type::BOOL, &[path, condition]),
            None => condition,
        }
    }

    fn atom(&mut self, atom: Atom) -> Option<Node> {
        match atom {
            Atom::Literal(literal) => Some(self.terms.graph.number(literal.f64)),
            Atom::Var(var) => self.values[var],
        }
    }

    /// Whether operands are outside the domain, if that is known.
    fn judge(&mut self, domain: &Domain, args: &[Node], result: Node) -> Option<bool> {
        let terms = &mut self.terms;
        let node = |&arg: &Node| terms.known(arg).map_or(arg, |known| known.node(&mut terms.graph));
        let known: Vec<Node> = args.iter().map(node).collect();
        self.judging = true;
        let outside = domain.outside.build(self, &known, result);
        self.judging = false;
        self.terms.graph.truth(outside)
    }

    /// Whether a condition holds, element by element where the operands are put together of elements.
    fn judge_elements(&mut self, op: Op, domain: &Domain, args: &[Node], result: Node) -> Option<bool> {
        let count = self.ty(result).len();
        if !op.elementwise() || self.ty(result).is_scalar() || count > MAX_ELEMENTS {
            return self.judge(domain, args, result);
        }
        let mut all = Some(false);
        for k in 0..count {
            let elements: Option<Vec<Node>> = args.iter().map(|&arg| self.terms.element(arg, k)).collect();
            // The conditions that are judged look at the operands only.
            match elements.and_then(|elements| self.judge(domain, &elements, result)) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => all = None,
            }
        }
        all
    }

    /// A condition in words.
    fn text(&self, domain: &Domain, args: &[Node], numbers: &[Option<f64>]) -> String {
        let operands: Vec<String> = args.iter().map(|&arg| text::number(&self.terms, arg)).collect();
        let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
        filled(domain.text_for(numbers), &operands)
    }

    /// The operands of a division, with what is under a root for the root: both are 0 or none is.
    fn under_roots(&self, domain: &Domain, args: &[Node]) -> Vec<Node> {
        let mut args = args.to_vec();
        if domain.text == Domain::DIVISOR.text {
            for node in &mut args {
                while self.terms.graph.op(*node) == Some(Op::Sqrt) && !self.terms.names.contains_key(node) {
                    *node = self.terms.graph.args(*node)[0];
                }
            }
        }
        args
    }

    /// States the condition of an operation.
    fn state(&mut self, op: Op, domain: &Domain, args: &[Node], result: Node) {
        let outside = self.judge_elements(op, domain, args, result);
        if outside == Some(false) {
            return;
        }
        // What only the library has words for is no condition that its caller could look at.
        let inside = self.in_library(self.place);
        if inside
            && (args.iter().any(|&arg| self.is_hidden(arg))
                || self.path.is_some_and(|path| self.is_hidden(path)))
        {
            return;
        }
        let place = if inside { self.called } else { self.place };
        let numbers: Vec<Option<f64>> = args.iter().map(|&arg| self.terms.number(arg)).collect();
        self.worded += 1;
        let text = self.text(domain, args, &numbers);
        let need = self.result.needs.entry((place, op, self.step)).or_insert_with(|| Some(text.clone()));
        if need.as_ref().is_some_and(|need| *need != text) {
            *need = None;
        }
        if outside == Some(true) {
            let message = format!("`{}` is always outside its safe domain", op.info().spelling());
            let warning = Diagnostic::warning("outside-domain", place, message)
                .label(format!("needs {text}"))
                .help("its value is what IEEE 754 gives: infinite, or a NaN");
            if !self.result.warnings.contains(&warning) {
                self.result.warnings.push(warning);
            }
            return;
        }
        let ranges: Vec<Range> = args.iter().map(|&arg| self.terms.range(arg)).collect();
        if ranges::never(domain.outside, &ranges) {
            return;
        }
        let under_roots = self.under_roots(domain, args);
        let text = if under_roots == args { text } else { self.text(domain, &under_roots, &numbers) };
        let path = match self.path {
            Some(path) => {
                let (parts, whole) = text::path(&self.terms, path);
                if parts.iter().any(|part| implies(part, &text)) {
                    return;
                }
                Some(whole)
            }
            None => None,
        };
        let everywhere = (text.clone(), None);
        let here = (text.clone(), path.clone());
        if self.stated.contains_key(&everywhere) || self.stated.contains_key(&here) {
            return;
        }
        // Not below 0 and not 0 is above 0.
        if let Some(term) = text.strip_suffix(" ≠ 0") {
            let (weak, strong) = (format!("{term} ≥ 0"), format!("{term} > 0"));
            if let Some(&k) = self.stated.get(&(weak, path.clone())) {
                self.result.conditions[k].text.clone_from(&strong);
                self.stated.insert((text, path.clone()), k);
                self.stated.insert((strong, path), k);
                return;
            }
        }
        self.stated.insert(here, self.result.conditions.len());
        self.result.conditions.push(Condition { text, path, op, span: place });
    }
}

/// Whether a condition says at least what another does: the same, or more than `≠ 0` or `≥ 0`.
fn implies(condition: &str, other: &str) -> bool {
    if condition.contains('…') {
        return false;
    }
    let stronger = |weak: &str, strong: &[&str]| {
        other.strip_suffix(weak).is_some_and(|term| {
            condition.strip_prefix(term).is_some_and(|relation| strong.contains(&relation))
        })
    };
    condition == other || stronger(" ≠ 0", &[" > 0", " < 0"]) || stronger(" ≥ 0", &[" > 0"])
}
