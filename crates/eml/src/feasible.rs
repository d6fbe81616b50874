//! Whether a function of one variable can be a tree at all: over the reals, over the complex numbers, or not.
//!
//! A real tree is a composition of exponentials and logarithms of positive numbers, so where it has values it is analytic, and it has finitely many
//! zeros, as have all its derivatives: its graph is definable from the exponential function (A. Wilkie, 1996). A complex tree has the principal
//! branch of the logarithm, and with it sine and cosine and √(x²) = |x|: every elementary function, and every choice between such by a
//! comparison, but where its sides are equal. The values of both are elementary functions.
//!
//! What the operations of a program say is certain. Zeros, kinks and poles are looked for at points, and are evidence.

use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::ops::Op;
use neural_compiler::{CompileOptions, Derivative, Error, Program, Signature};
use num_complex::Complex64;

use super::Mode;
use super::evaluate::evaluate;
use super::translate::constructions::Constructions;
use super::translate::expand::{Expanded, expand};

/// The interval in which kinks and poles are looked for is −NEAR to NEAR.
const NEAR: f64 = 10.0;

/// Zeros are counted in intervals of the length of the last and so many doublings.
const DOUBLINGS: u32 = 5;

/// Points in the shortest interval; longer ones have as many to a unit.
const POINTS: usize = 20_001;

/// One of so many of them is asked whether a tree has a value there.
const TREE_POINTS: usize = 20;

/// Kinks, jumps and poles that are told, at the most.
const MOST: usize = 8;

/// What a derivative and its neighbour differ by, relative to them, where they are not rounding.
const NOTICEABLE: f64 = 1e-7;

/// Something at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Where.
    pub x: f64,
    /// What is there.
    pub what: What,
}

/// What a function does at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Its value jumps, from the first number to the second.
    Jump(f64, f64),
    /// Its derivative jumps.
    Kink(f64, f64),
    /// Its derivative grows beyond all bounds.
    Steep,
    /// It grows beyond all bounds.
    Pole,
}

/// Whether there can be a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is one.
    Yes,
    /// There is one on a part of where it has values.
    Partly,
    /// There is one on each side of some points.
    Piecewise,
    /// There is none.
    No,
    /// Nothing speaks against one, and none is known here.
    Open,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Yes => "yes",
            Verdict::Partly => "partly",
            Verdict::Piecewise => "piecewise",
            Verdict::No => "no",
            Verdict::Open => "open",
        }
    }
}

/// Zeros of a function or a derivative in growing intervals around 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Zeros {
    /// Of which derivative; 0 for the function.
    pub order: u32,
    /// Half the length of an interval, and how many there are.
    pub counts: Vec<(f64, usize)>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether a real tree can be it, wherever it has values.
    pub real: Verdict,
    /// Whether a complex tree can.
    pub complex: Verdict,
    /// Operations that are no elementary functions, as the language spells them.
    pub not_elementary: Vec<&'static str>,
    /// Operations that choose or jump, as the language spells them: where their sides are equal there may be more than is found.
    pub choices: Vec<&'static str>,
    /// Jumps, kinks and poles.
    pub places: Vec<Place>,
    /// What has more zeros in every longer interval.
    pub zeros: Option<Zeros>,
    /// Where it has no value, of the points in the shortest interval, as a share.
    pub without_value: f64,
    /// The tree, if one is known, and at which share of the points with a value it has one.
    pub tree: Option<(Expanded, f64)>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another number of variables than one.
    #[error("it has {0} variables: trees are looked at by one of them")]
    Variables(usize),
    /// It does not compile, or is no number.
    #[error("{0}")]
    Program(#[from] Error),
    /// The result is no real number.
    #[error("its result is no real number")]
    NoNumber,
}

/// A function with its derivative.
struct Function {
    kernel: neural_compiler::Kernel,
    name: String,
}

impl Function {
    /// Values and derivatives.
    fn at(&self, x: &[f64]) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let found = self.kernel.evaluate_named(&[(self.name.as_str(), x)])?;
        let [value, slope] = [0, 1].map(|k| {
            let label = &self.kernel.outputs()[k].label;
            found.get(label).expect("a value and its derivative, each a number in a row").to_vec()
        });
        Ok((value, slope))
    }
}

/// Looks at a program with one input.
///
/// # Errors
///
/// [`Refused`].
pub fn feasible(program: &Program) -> Result<Report, Refused> {
    let inputs: Vec<&str> = program.inputs().collect();
    let &[name] = &inputs[..] else { return Err(Refused::Variables(inputs.len())) };
    let options = CompileOptions::default().signature(Signature::scalars()).derivative(Derivative::Gradient);
    let plain = CompileOptions::default();
    let graph = program.graph_for(&plain)?;
    if graph.outputs.len() != 1 || !graph.ty(graph.outputs[0].node).is_scalar() {
        return Err(Refused::NoNumber);
    }
    let function = Function { kernel: program.compile(&options)?, name: name.to_owned() };
    let (places, without_value) = places(&function)?;
    let zeros = zeros(&function)?;
    let not_elementary = operations(&graph, |op| !op.elementary());
    let choices = operations(&graph, |op| op == Op::Select || !op.info().kinks.is_empty());
    let tree = match expand(&graph, Constructions::Widest) {
        Ok(tree) => {
            let covered = covered(&tree, &function)?;
            Some((tree, covered))
        }
        Err(_) => None,
    };
    let breaks = places.iter().any(|place| place.what != What::Pole);
    let real = if !not_elementary.is_empty() || zeros.is_some() {
        Verdict::No
    } else if breaks {
        Verdict::Piecewise
    } else {
        match &tree {
            Some((tree, covered)) if tree.mode == Mode::Real && *covered < 1.0 => Verdict::Partly,
            Some((tree, _)) if tree.mode == Mode::Real => Verdict::Yes,
            _ => Verdict::Open,
        }
    };
    let complex = if !not_elementary.is_empty() {
        Verdict::No
    } else if breaks || tree.is_none() && !choices.is_empty() {
        Verdict::Piecewise
    } else {
        Verdict::Yes
    };
    Ok(Report { real, complex, not_elementary, choices, places, zeros, without_value, tree })
}

/// What the language calls the operations of some kind in a graph, its functions and its loops.
fn operations(graph: &Graph, is: impl Fn(Op) -> bool) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let mut left = vec![graph];
    while let Some(graph) = left.pop() {
        let own = graph.nodes().filter_map(|node| graph.op(node));
        found.extend(
            own.filter(|op| is(*op)).map(|op| if op == Op::Select { "if" } else { op.info().spelling() }),
        );
        left.extend(graph.nodes().filter_map(|node| graph.region(node)).map(|region| &region.body));
        left.extend(graph.functions.iter().map(|(_, function)| &function.body));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// At which share of the points where a function has a value its tree has one.
fn covered(expanded: &Expanded, function: &Function) -> Result<f64, Error> {
    let x: Vec<f64> = points(NEAR).into_iter().step_by(TREE_POINTS).collect();
    let (values, _) = function.at(&x)?;
    let with: Vec<f64> =
        x.into_iter().zip(values).filter(|pair| pair.1.is_finite()).map(|pair| pair.0).collect();
    let has = |x: &&f64| evaluate(&expanded.tree, expanded.mode, &[Complex64::from(**x)]).is_ok();
    Ok(with.iter().filter(has).count() as f64 / with.len().max(1) as f64)
}

/// Points of an interval, none of which is a short decimal: there, kinks and poles hide.
fn points(reach: f64) -> Vec<f64> {
    let step = 2.0 * NEAR / (POINTS - 1) as f64;
    (0..(2.0 * reach / step) as usize).map(|k| step * (k as f64 + 0.381_966) - reach).collect()
}

/// Jumps, kinks and poles in the shortest interval, and which share of its points has no value.
fn places(function: &Function) -> Result<(Vec<Place>, f64), Error> {
    let x = points(NEAR);
    let (values, slopes) = function.at(&x)?;
    let missing = values.iter().filter(|value| value.is_nan()).count();
    let mut found: Vec<Place> = Vec::new();
    let differ = |a: f64, b: f64| (a - b).abs() > 1e-3 * (1.0 + a.abs().max(b.abs()));
    for k in 1..x.len() {
        let both = [k - 1, k];
        if both.iter().any(|&k| values[k].is_nan()) || found.len() == MOST {
            continue;
        }
        let [v, s] = [&values, &slopes].map(|of| both.map(|k| of[k]));
        if !differ(v[0], v[1]) && !differ(s[0], s[1]) {
            continue;
        }
        if let Some(place) = closer(function, [x[k - 1], x[k]])? {
            found.push(place);
        }
    }
    Ok((found, missing as f64 / x.len() as f64))
}

/// What remains of a difference between two points as they come nearer.
fn closer(function: &Function, [mut low, mut high]: [f64; 2]) -> Result<Option<Place>, Error> {
    let difference = |pair: &[f64]| match pair {
        [a, b] if a.is_finite() && b.is_finite() => (a - b).abs() / a.abs().max(b.abs()).max(1.0),
        _ => 0.0,
    };
    // Differences of values and of slopes in each step.
    let mut steps: Vec<[f64; 2]> = Vec::new();
    let largest = |numbers: &[f64], least: f64| numbers.iter().fold(least, |most: f64, x| most.max(x.abs()));
    let first = function.at(&[low, high])?;
    let first = [largest(&first.0, 1.0), largest(&first.1, 1.0)];
    let mut most = first;
    while high - low > 1e-15 * low.abs().max(high.abs()).max(1e-3) {
        let middle = f64::midpoint(low, high);
        let (v, s) = function.at(&[low, middle, high])?;
        if v.iter().any(|value| value.is_nan()) {
            return Ok(None);
        }
        most = [largest(&v, most[0]), largest(&s, most[1])];
        steps.push([difference(&[v[0], v[2]]), difference(&[s[0], s[2]])]);
        let half = |from: usize| difference(&v[from..from + 2]) + difference(&s[from..from + 2]);
        if half(0) >= half(1) { high = middle } else { low = middle }
    }
    let (v, s) = function.at(&[low, high])?;
    let x = short(f64::midpoint(low, high));
    // What is smooth is smaller the nearer the points are, however steep it is.
    let before = steps.len().checked_sub(8).map_or([0.0; 2], |k| steps[k]);
    let stays = |now: f64, before: f64| now > NOTICEABLE && now > 0.5 * before;
    Ok(if most[0] > 1e5 * first[0] {
        Some(Place { x, what: What::Pole })
    } else if stays(difference(&v), before[0]) {
        Some(Place { x, what: What::Jump(v[0], v[1]) })
    } else if most[1] > 1e5 * first[1] {
        Some(Place { x, what: What::Steep })
    } else if stays(difference(&s), before[1]) {
        Some(Place { x, what: What::Kink(s[0], s[1]) })
    } else {
        None
    })
}

/// The short decimal that a number is as good as, if there is one.
fn short(x: f64) -> f64 {
    let decimal = (x * 1e9).round() / 1e9;
    // So that there is no −0.
    if (x - decimal).abs() <= 1e-11 * (1.0 + x.abs()) { decimal + 0.0 } else { x }
}

/// What has more zeros in every longer interval: the function, its derivative, or the one after, by differences.
fn zeros(function: &Function) -> Result<Option<Zeros>, Error> {
    let mut counts: [Vec<(f64, usize)>; 3] = Default::default();
    for doubling in 0..=DOUBLINGS {
        let reach = NEAR * f64::from(1 << doubling);
        let (values, slopes) = function.at(&points(reach))?;
        let bends: Vec<f64> = slopes
            .windows(2)
            .map(|pair| {
                let rise = pair[1] - pair[0];
                // What rounding leaves has no sign.
                if rise.abs() > NOTICEABLE * pair[0].abs().max(pair[1].abs()) { rise } else { 0.0 }
            })
            .collect();
        for (counts, numbers) in counts.iter_mut().zip([&values, &slopes, &bends]) {
            let mut before = 0.0;
            let mut changes = 0;
            for &number in numbers.iter().filter(|number| number.abs() > 0.0) {
                changes += usize::from(before * number.signum() < 0.0);
                before = number.signum();
            }
            counts.push((reach, changes));
        }
    }
    let grows = |counts: &[(f64, usize)]| {
        counts.windows(2).all(|pair| pair[1].1 >= pair[0].1 + pair[0].1 / 3 && pair[1].1 > pair[0].1)
            && counts.last().is_some_and(|last| last.1 >= 20)
    };
    Ok((0..3).zip(counts).find(|(_, counts)| grows(counts)).map(|(order, counts)| Zeros { order, counts }))
}
