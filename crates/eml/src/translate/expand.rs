//! Program → tree.

use egg::Id;
use neural_compiler::internals::entity::EntityVec;
use neural_compiler::internals::graph::{Graph, Node, NodeKind};
use neural_compiler::{Diagnostic, Op, Shape, Span};

use super::constructions::{Constructions, Maker};
use super::rational::Rational;
use super::terms::{Formula, Term, Variable};
use super::verify::Points;
use crate::{Mode, Tree, TreeNode};

/// A program as a tree.
#[derive(Debug, Clone)]
pub struct Expanded {
    /// The tree.
    pub tree: Tree,
    /// Over which numbers it has values.
    pub mode: Mode,
    /// At how many points they were compared; nothing where none was found. Trees that take the logarithm of 0 have no
    /// value in high precision: those are compared in binary64, in the extended mode.
    pub points: Option<usize>,
}

/// The tree of a program's graph, compared with it in high precision at random points of the tree's domain.
///
/// # Errors
///
/// A program with several results, shapes, conditions or loops; operations without a known tree; numbers too large for
/// exact arithmetic; a tree that could not be verified.
pub fn expand(graph: &Graph, set: Constructions) -> Result<Expanded, Diagnostic> {
    let (formula, spans) = formula(graph)?;
    let variables: Vec<String> = graph.inputs.iter().map(|input| input.name.clone()).collect();
    let mut maker = Maker::new(set);
    let tree = tree(&formula, &spans, &variables, &mut maker);
    let tree = maker.builder.finish(tree);
    let whole = spans.last().copied().unwrap_or_default();
    let refused =
        |refused| Diagnostic::error("not-verified", whole, format!("this program as a tree: {refused}"));
    if set == Constructions::Paper {
        let compare = |points: Points| points.compare_roughly(&tree, &formula);
        let compared = Points::extended(&tree).map(compare).transpose().map_err(refused)?;
        return Ok(Expanded { mode: Mode::Extended, points: compared.filter(|&points| points > 0), tree });
    }
    let points = Points::of(&tree).map_err(refused)?;
    points.compare(&tree, &formula).map_err(refused)?;
    Ok(Expanded { tree, mode: points.mode(), points: Some(points.len()) })
}

/// Makes the trees of a formula's nodes; `spans` has a place for each.
fn tree(formula: &Formula, spans: &[Span], variables: &[String], maker: &mut Maker) -> TreeNode {
    for name in variables {
        maker.builder.variable(name, Span::default());
    }
    let mut made: Vec<TreeNode> = Vec::with_capacity(formula.len());
    for (term, &span) in formula.iter().zip(spans) {
        maker.span = span;
        let next = operation(term, &|id| made[usize::from(id)], variables, maker);
        made.push(next);
    }
    made.pop().unwrap_or_else(|| maker.one())
}

/// The tree of one operation.
pub(super) fn operation(
    term: &Term,
    of: &dyn Fn(Id) -> TreeNode,
    variables: &[String],
    maker: &mut Maker,
) -> TreeNode {
    match *term {
        Term::Number(value) => maker.number(value),
        Term::Variable(Variable(index)) => maker.builder.variable(&variables[index as usize], maker.span),
        Term::Add([x, y]) => maker.add(of(x), of(y)),
        Term::Sub([x, y]) => maker.sub(of(x), of(y)),
        Term::Mul([x, y]) => maker.mul(of(x), of(y)),
        Term::Div([x, y]) if of(x) == maker.one() => maker.recip(of(y)),
        Term::Div([x, y]) => maker.div(of(x), of(y)),
        Term::Neg([x]) => maker.neg(of(x)),
        Term::Exp([x]) => maker.exp(of(x)),
        Term::Log([x]) => maker.log(of(x)),
        Term::Sqrt([x]) => maker.sqrt(of(x)),
        Term::Pow([x, y]) => maker.pow(of(x), of(y)),
        Term::Sin([x]) => maker.sin(of(x)),
        Term::Cos([x]) => maker.cos(of(x)),
        Term::Eml([x, y]) => maker.eml(of(x), of(y)),
    }
}

/// A formula as it is made, with the place of each term.
#[derive(Default)]
struct Writer {
    formula: Formula,
    spans: Vec<Span>,
    span: Span,
}

impl Writer {
    fn add(&mut self, term: Term) -> Id {
        self.spans.push(self.span);
        self.formula.add(term)
    }

    fn number(&mut self, value: i64) -> Id {
        self.add(Term::Number(Rational::integer(value)))
    }
}

/// The formula of a graph with one scalar result, and the place of each of its terms.
pub(crate) fn formula(graph: &Graph) -> Result<(Formula, Vec<Span>), Diagnostic> {
    let [output] = graph.outputs.as_slice() else {
        let message = format!("a tree has one result, and the program has {}", graph.outputs.len());
        return Err(Diagnostic::error("results", Span::default(), message));
    };
    if let Some(check) = graph.checks.first() {
        return Err(Diagnostic::error("no-tree", check.span, "no tree is known for what can fail"));
    }
    let used = used(graph, output.node);
    let mut writer = Writer::default();
    let mut made: EntityVec<Node, Option<Id>> = EntityVec::filled(None, graph.len());
    for node in graph.nodes().filter(|&node| used[node]) {
        let span = graph.span(node).unwrap_or_default();
        writer.span = span;
        let error = |message: String| Diagnostic::error("no-tree", span, message);
        if graph.shape(node) != Shape::Scalar {
            return Err(error("trees are made of scalars".into()));
        }
        let operands: Vec<Id> = graph.args(node).iter().filter_map(|&operand| made[operand]).collect();
        let id = match graph.kind(node) {
            NodeKind::Const(bits) => {
                let value = f64::from_bits(bits);
                let value = Rational::from_f64(value)
                    .ok_or_else(|| error(format!("no tree of reasonable size is known for {value}")))?;
                writer.add(Term::Number(value))
            }
            NodeKind::Input(index) => writer.add(Term::Variable(Variable(index))),
            NodeKind::Apply(op, _) => applied(op, &operands, &mut writer)
                .ok_or_else(|| error(format!("no tree is known for `{}`", op.info().spelling())))?,
            NodeKind::Bool(_) => return Err(error("no tree is known for truth values".into())),
            NodeKind::Region(_) | NodeKind::Result(_) => {
                return Err(error("no tree is known for loops and recursive functions".into()));
            }
        };
        made[node] = Some(id);
    }
    Ok((writer.formula, writer.spans))
}

/// Which nodes a node is made of.
fn used(graph: &Graph, root: Node) -> EntityVec<Node, bool> {
    let mut used = EntityVec::filled(false, graph.len());
    used[root] = true;
    for node in graph.nodes().rev() {
        if used[node] {
            for &operand in graph.args(node) {
                used[operand] = true;
            }
        }
    }
    used
}

/// An operation of the graph in those that have trees.
fn applied(op: Op, operands: &[Id], writer: &mut Writer) -> Option<Id> {
    let x = operands.first().copied()?;
    let y = operands.last().copied()?;
    let term = match op {
        Op::Add => Term::Add([x, y]),
        Op::Sub => Term::Sub([x, y]),
        Op::Mul => Term::Mul([x, y]),
        Op::Div => Term::Div([x, y]),
        Op::Pow => Term::Pow([x, y]),
        Op::Neg => Term::Neg([x]),
        Op::Exp => Term::Exp([x]),
        Op::Log => Term::Log([x]),
        Op::Sqrt => Term::Sqrt([x]),
        Op::Sin => Term::Sin([x]),
        Op::Cos => Term::Cos([x]),
        Op::Tan => {
            let (sin, cos) = (writer.add(Term::Sin([x])), writer.add(Term::Cos([x])));
            Term::Div([sin, cos])
        }
        Op::Expm1 => {
            let (exp, one) = (writer.add(Term::Exp([x])), writer.number(1));
            Term::Sub([exp, one])
        }
        Op::Log1p => {
            let one = writer.number(1);
            let sum = writer.add(Term::Add([one, x]));
            Term::Log([sum])
        }
        Op::Exp2 => {
            let two = writer.number(2);
            Term::Pow([two, x])
        }
        Op::Log2 => logarithm(2, x, writer),
        Op::Log10 => logarithm(10, x, writer),
        Op::Cbrt => {
            let (one, three) = (writer.number(1), writer.number(3));
            let third = writer.add(Term::Div([one, three]));
            Term::Pow([x, third])
        }
        Op::Hypot => {
            let (x, y) = (writer.add(Term::Mul([x, x])), writer.add(Term::Mul([y, y])));
            let sum = writer.add(Term::Add([x, y]));
            Term::Sqrt([sum])
        }
        Op::HypotSquare => Term::Mul([y, y]),
        Op::Lead => {
            let power = writer.add(Term::Exp([x]));
            let sum = writer.add(Term::Add([power, y]));
            Term::Log([sum])
        }
        Op::Abs => {
            let square = writer.add(Term::Mul([x, x]));
            Term::Sqrt([square])
        }
        Op::Sinh => {
            let (plus, minus) = powers(x, writer);
            let (difference, two) = (writer.add(Term::Sub([plus, minus])), writer.number(2));
            Term::Div([difference, two])
        }
        Op::Cosh => {
            let (plus, minus) = powers(x, writer);
            let (sum, two) = (writer.add(Term::Add([plus, minus])), writer.number(2));
            Term::Div([sum, two])
        }
        Op::Tanh => {
            // 1 − 2/(1 + exp 2x)
            let (one, two) = (writer.number(1), writer.number(2));
            let power = writer.add(Term::Exp([x]));
            let power = writer.add(Term::Mul([power, power]));
            let sum = writer.add(Term::Add([one, power]));
            let part = writer.add(Term::Div([two, sum]));
            Term::Sub([one, part])
        }
        Op::Asinh => {
            // log(x + √(1 + x²))
            let (one, square) = (writer.number(1), writer.add(Term::Mul([x, x])));
            let sum = writer.add(Term::Add([one, square]));
            let root = writer.add(Term::Sqrt([sum]));
            let sum = writer.add(Term::Add([x, root]));
            Term::Log([sum])
        }
        Op::LogBase => {
            let (x, base) = (writer.add(Term::Log([x])), writer.add(Term::Log([y])));
            Term::Div([x, base])
        }
        Op::Acosh => {
            // log(x + √(x² − 1))
            let (one, square) = (writer.number(1), writer.add(Term::Mul([x, x])));
            let less = writer.add(Term::Sub([square, one]));
            let root = writer.add(Term::Sqrt([less]));
            let sum = writer.add(Term::Add([x, root]));
            Term::Log([sum])
        }
        Op::Atanh => {
            // ½ log((1 + x)/(1 − x))
            let (one, two) = (writer.number(1), writer.number(2));
            let (above, below) = (writer.add(Term::Add([one, x])), writer.add(Term::Sub([one, x])));
            let ratio = writer.add(Term::Div([above, below]));
            let log = writer.add(Term::Log([ratio]));
            Term::Div([log, two])
        }
        Op::Min
        | Op::Max
        | Op::Sign
        | Op::CopySign
        | Op::Detach
        | Op::Asin
        | Op::Acos
        | Op::Atan
        | Op::Atan2
        | Op::Erf => return None,
        Op::Floor | Op::Ceil | Op::Round | Op::Trunc | Op::Remainder | Op::Modulo | Op::Quotient => {
            return None;
        }
        Op::Lt | Op::Le | Op::Eq | Op::Ne | Op::And | Op::Or | Op::Not | Op::Any | Op::Num => return None,
        Op::Select | Op::Pack | Op::Slice | Op::Place | Op::Fill => return None,
        Op::Gather | Op::Scatter | Op::Update => return None,
        Op::Direction | Op::OverSquare | Op::ErfSlope | Op::PowSlope => return None,
        Op::LeadByX | Op::LeadByY | Op::NormSquare => return None,
        // None of them is a finite composition of exponentials and logarithms.
        Op::Erfc | Op::NormalCdf | Op::NormalPdf | Op::Sinc | Op::SphericalOver => return None,
        Op::Gamma | Op::LGamma | Op::Digamma | Op::Polygamma => return None,
        Op::BesselJ0 | Op::BesselJ1 | Op::BesselOver | Op::LambertW | Op::LambertWm1 => return None,
        Op::Transpose | Op::Sum | Op::Dot | Op::Norm | Op::Matvec | Op::Matmul | Op::PartMatmul => {
            return None;
        }
        Op::ExpCos
        | Op::ExpSin
        | Op::LogHypot
        | Op::RootRe
        | Op::RootIm
        | Op::TanhRe
        | Op::TanhIm
        | Op::PowRe
        | Op::PowIm => {
            return None;
        }
        Op::ProductRe | Op::ProductIm | Op::QuotientRe | Op::QuotientIm => return None,
        Op::Outer | Op::Det | Op::Cofactors | Op::Inv | Op::Singular | Op::Advance => return None,
        Op::Solve | Op::Cholesky | Op::SolveTridiagonal | Op::SolveLower | Op::Triangle => return None,
        Op::Indefinite | Op::SingularTridiagonal => return None,
    };
    Some(writer.add(term))
}

/// `ln x / ln b`.
fn logarithm(base: i64, x: Id, writer: &mut Writer) -> Term {
    let base = writer.number(base);
    let (x, base) = (writer.add(Term::Log([x])), writer.add(Term::Log([base])));
    Term::Div([x, base])
}

/// `exp x` and `exp −x`.
fn powers(x: Id, writer: &mut Writer) -> (Id, Id) {
    let power = writer.add(Term::Exp([x]));
    let one = writer.number(1);
    (power, writer.add(Term::Div([one, power])))
}
