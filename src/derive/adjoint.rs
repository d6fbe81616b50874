//! Reverse mode: the adjoint graph.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use super::outline::without_exits;
use super::region;
use super::varied::Varied;
use super::{DerivativeTooLarge, Flow, Known, any, either, elements, guard, is_never, mask, normal, site};
use crate::entity::EntityVec;
use crate::graph::{Elem, FastHash, Graph, Node, NodeKind, Output, Role, Shape, Source, Type};
use crate::ops::{Algebra, LARGE, Op, Term};

/// What the cotangents of the results are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// Inputs of the derived graph, one per result: the gradients are a vector-Jacobian product.
    Cotangents,
    /// One after the other, 1 for one element of the results and 0 for the others: the gradients are the rows of the
    /// Jacobian. For a single scalar result that is the gradient.
    Elements,
}

/// The graph that computes the results of `primal` and, after them, their derivatives by the inputs with these indices.
///
/// Gradients stand in the order of the elements of the results, then of `wrt`. Values keep their bits.
///
/// **Complex numbers.** The derivative of `f = u + iv` by a complex input `x + iy` is `∂u/∂x − i ∂u/∂y`: the derivative
/// `f′` where `f` is holomorphic, and for a real `f` the conjugate of the direction of steepest ascent. By a real input it is
/// `∂u/∂x + i ∂v/∂x`. A cotangent `c` of `f` gives `c f′`, and its real part for a real input. These are the conventions
/// of JAX.
///
/// # Errors
///
/// [`DerivativeTooLarge`] if the program becomes too large.
pub fn adjoint(primal: &Graph, seeds: Seeds, wrt: &[u32]) -> Result<Graph, DerivativeTooLarge> {
    let inputs: Vec<Node> = wrt.iter().map(|&i| primal.input_node(i)).collect();
    let outlined = without_exits(primal, &inputs)?;
    let primal = outlined.as_ref().unwrap_or(primal);
    let mut g = primal.clone();
    let mut known = Known::of(primal);
    g.set_span(None);
    let results: Vec<Output> = primal.outputs.iter().filter(|o| o.role == Role::Value).cloned().collect();
    let inputs: Vec<Node> = wrt.iter().map(|&i| g.input_node(i)).collect();
    let varied = Varied::from(primal, &inputs);
    let mut sweep = Sweep::through(primal, &varied);
    let mut zeros = vec![None; inputs.len()];
    match seeds {
        Seeds::Cotangents => {
            let cotangents: Vec<(Node, Flow)> = results
                .iter()
                .enumerate()
                .map(|(k, result)| {
                    let name = if result.name.is_empty() {
                        "d/value".to_string()
                    } else {
                        format!("d/{}", result.name)
                    };
                    let shape = g.shape(result.node);
                    let value = g.input(name, shape, Source::Cotangent(k as u32));
                    let value = conjugate(&mut g, value);
                    (result.node, Flow { value, active: None })
                })
                .collect();
            sweep.run(&mut g, &cotangents, &mut known);
            let gradients = gradients(&mut g, &sweep, &inputs, &mut zeros);
            push_gradients(&mut g, "", 0, wrt, &gradients);
        }
        Seeds::Elements => {
            let mut of = 0;
            for result in &results {
                let shape = g.shape(result.node);
                let mut derivatives = |g: &mut Graph, k: usize| {
                    let one = g.number(1.0);
                    let seed = g.place(one, k as u32, shape);
                    let there = g.boolean(true);
                    let there = g.place(there, k as u32, shape);
                    let seed = Flow { value: seed, active: normal(g, there) };
                    sweep.run(g, &[(result.node, seed)], &mut known);
                    gradients(g, &sweep, &inputs, &mut zeros)
                };
                for k in 0..shape.elements() {
                    let mut gradients = derivatives(&mut g, k);
                    // One sweep is enough for complex inputs; by a real one the imaginary part has a derivative of its own.
                    let real = |g: &Graph, node: Node| g.shape(node) != Shape::Complex;
                    if shape == Shape::Complex && gradients.iter().any(|&node| real(&g, node)) {
                        let imaginary = derivatives(&mut g, 1);
                        for (re, im) in gradients.iter_mut().zip(imaginary) {
                            if real(&g, *re) {
                                *re = g.pack(Elem::Num, Shape::Complex, &[*re, im]);
                            }
                        }
                    }
                    push_gradients(&mut g, &result.name, of, wrt, &gradients);
                    of += 1;
                    DerivativeTooLarge::check_size(&g)?;
                }
            }
        }
    }
    known.finish(&mut g)?;
    Ok(g)
}

fn push_gradients(g: &mut Graph, name: &str, of: u32, wrt: &[u32], gradients: &[Node]) {
    for (&input, &node) in wrt.iter().zip(gradients) {
        g.outputs.push(Output { name: name.to_string(), node, role: Role::Gradient { of, input } });
    }
}

/// What a sweep has found to flow to `inputs`, as numbers. `zeros` are those of inputs that nothing flows to.
fn gradients(g: &mut Graph, sweep: &Sweep<'_>, inputs: &[Node], zeros: &mut [Option<Node>]) -> Vec<Node> {
    let inputs = inputs.iter().zip(zeros);
    inputs
        .map(|(&input, zero)| match sweep.cotangent(input) {
            Some(flow) => conjugate(g, flow.value),
            None => *zero.get_or_insert_with(|| g.zero(g.ty(input))),
        })
        .collect()
}

/// The conjugate of a complex number, without −0: a derivative that is real prints as one. Other values as they are.
pub(super) fn conjugate(g: &mut Graph, value: Node) -> Node {
    if g.shape(value) != Shape::Complex {
        return value;
    }
    let (re, im) = (g.slice(value, 0, Shape::Scalar), g.slice(value, 1, Shape::Scalar));
    let zero = g.number(0.0);
    let im = g.sub(zero, im);
    g.pack(Elem::Num, Shape::Complex, &[re, im])
}

/// One sweep from the seeded nodes back to `inputs`, and of those among them that `apart` names what flows to single elements of large
/// ones by itself.
pub(super) fn reverse(
    g: &mut Graph,
    primal: &Graph,
    varied: &Varied,
    (inputs, apart): (&[Node], &[Node]),
    seeds: &[(Node, Flow)],
    known: &mut Known,
) -> Vec<(Option<Flow>, Vec<Single>)> {
    let mut sweep = Sweep::through(primal, varied);
    sweep.apart = apart.iter().map(|&node| (node, Vec::new())).collect();
    sweep.run(g, seeds, known);
    inputs
        .iter()
        .map(|&input| (sweep.cotangent(input), sweep.apart.remove(&input).unwrap_or_default()))
        .collect()
}

/// Sweeps back through a graph. Each goes to the nodes that something flows to, and to no others.
pub(super) struct Sweep<'p> {
    primal: &'p Graph,
    varied: &'p Varied,
    /// What has arrived at each node.
    flows: EntityVec<Node, Vec<Flow>>,
    /// What has arrived at the results of regions, which come before their regions on the way back.
    behind: HashMap<Node, Vec<Option<Flow>>, FastHash>,
    /// The nodes where something has arrived, the last one first.
    queue: BinaryHeap<Node>,
    /// The sums of what has arrived, and where there is one.
    cotangents: EntityVec<Node, Option<Flow>>,
    visited: Vec<Node>,
    /// Inputs of which what flows to single elements is not summed up, and that.
    apart: HashMap<Node, Vec<Single>, FastHash>,
}

impl<'p> Sweep<'p> {
    pub(super) fn through(primal: &'p Graph, varied: &'p Varied) -> Sweep<'p> {
        Sweep {
            primal,
            varied,
            flows: EntityVec::filled(Vec::new(), primal.len()),
            behind: HashMap::default(),
            queue: BinaryHeap::new(),
            cotangents: EntityVec::filled(None, primal.len()),
            visited: Vec::new(),
            apart: HashMap::default(),
        }
    }

    /// What the last sweep has found to flow to a node.
    pub(super) fn cotangent(&self, node: Node) -> Option<Flow> {
        self.cotangents[node]
    }

    pub(super) fn run(&mut self, g: &mut Graph, seeds: &[(Node, Flow)], known: &mut Known) {
        for node in self.visited.drain(..) {
            self.cotangents[node] = None;
        }
        for &(node, seed) in seeds {
            self.push(g, node, seed);
        }
        while let Some(node) = self.queue.pop() {
            if let Some(arriving) = self.behind.remove(&node) {
                let (region, _) = self.primal.expect_region(node);
                g.set_span(Some(region.span));
                for (arg, flow) in region::reversed(g, self.primal, node, self.varied, &arriving, known) {
                    self.push(g, arg, flow);
                }
                continue;
            }
            let mut arriving = std::mem::take(&mut self.flows[node]);
            if let Some(apart) = self.apart.get_mut(&node) {
                (*apart, arriving) = singles(g, &arriving);
                if arriving.is_empty() {
                    continue;
                }
            }
            let cotangent = total(g, g.ty(node), &arriving);
            self.cotangents[node] = Some(cotangent);
            self.visited.push(node);
            match self.primal.kind(node) {
                NodeKind::Apply(..) => self.operands(g, node, cotangent),
                NodeKind::Result(k) => {
                    let region = self.primal.args(node)[0];
                    let slots = self.behind.entry(region).or_insert_with(|| {
                        self.queue.push(region);
                        vec![None; self.primal.expect_region(region).0.result_count()]
                    });
                    slots[k as usize] = Some(cotangent);
                }
                NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Region(_) => {}
            }
        }
        g.set_span(None);
    }

    /// Adds what flows to a node, if it counts anywhere.
    fn push(&mut self, g: &Graph, node: Node, flow: Flow) {
        if !self.varied.of(node) || flow.active.is_some_and(|active| is_never(g, active)) {
            return;
        }
        if self.flows[node].is_empty() {
            self.queue.push(node);
        }
        self.flows[node].push(flow);
    }

    /// Passes the cotangent of an operation on to its operands.
    fn operands(&mut self, g: &mut Graph, node: Node, cotangent: Flow) {
        let (op, site) = site(self.primal, node).expect("the node is an operation");
        g.set_span(self.primal.span(node));
        // Of an array that is put together from single elements, those count whose elements are active.
        let parts = match cotangent.active {
            Some(active)
                if op == Op::Pack && site.args.len() == site.ty.len() && g.op(active) == Some(Op::Place) =>
            {
                place_range(g, active)
            }
            Some(_) | None => (0, site.args.len() as u32),
        };
        for k in parts.0 as usize..parts.1 as usize {
            let arg = site.args[k];
            if !self.varied.of(arg) {
                continue;
            }
            let term = op.adjoint(g, &site, k, cotangent.value, elements(g, cotangent.active));
            let flow = if op.moves() {
                let Term::Value { value, .. } = term else { continue };
                let mask = mask(g, cotangent.active, site.ty.shape);
                let active = match op.adjoint(g, &site, k, mask, None) {
                    Term::Value { value, .. } => normal(g, value),
                    Term::Zero => None,
                };
                Flow { value, active }
            } else {
                let active = if op.elementwise() { cotangent.active } else { any(g, cotangent.active) };
                match guard(g, term, cotangent.value, active) {
                    Some(flow) => flow,
                    None => continue,
                }
            };
            let flow = reduced(g, flow, g.shape(arg));
            self.push(g, arg, flow);
        }
    }
}

/// The contribution to a scalar that was broadcast: the sum over the elements it went to.
fn reduced(g: &mut Graph, flow: Flow, shape: Shape) -> Flow {
    if shape != Shape::Scalar || g.shape(flow.value) == Shape::Scalar {
        return Flow { value: super::spread(g, flow.value, Type::num(shape)), active: flow.active };
    }
    Flow { value: g.unary(Op::Sum, flow.value), active: any(g, flow.active) }
}

/// The range of elements that a `Place` fills.
fn place_range(g: &Graph, node: Node) -> (u32, u32) {
    match g.kind(node) {
        NodeKind::Apply(Op::Place, offset) => (offset, offset + g.ty(g.args(node)[0]).len() as u32),
        _ => (0, g.ty(node).len() as u32),
    }
}

/// The sum of contributions of which some are there for a part of the elements only: range by range between the places
/// where one of them begins or ends, so that their number counts and not that of the elements.
fn total_of_ranges(g: &mut Graph, ty: Type, flows: &[Flow]) -> Flow {
    let mut events: BTreeMap<u32, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    events.entry(0).or_default();
    events.entry(ty.len() as u32).or_default();
    for (k, flow) in flows.iter().enumerate() {
        let (start, end) = place_range(g, flow.value);
        events.entry(start).or_default().0.push(k);
        events.entry(end).or_default().1.push(k);
    }
    let mut here: BTreeSet<usize> = BTreeSet::new();
    let mut sums = Vec::new();
    let mut masks = Vec::new();
    let mut everywhere = true;
    let ends: Vec<u32> = events.keys().skip(1).copied().collect();
    for ((&start, (begin, end)), &next) in events.iter().zip(&ends) {
        end.iter().for_each(|k| {
            here.remove(k);
        });
        here.extend(begin);
        let len = next - start;
        let shape = match len {
            1 => Shape::Scalar,
            _ if len as usize == ty.len() => ty.shape,
            _ => Shape::Vector(len),
        };
        let mut sum = None;
        // Nothing is active, or everything, or some.
        let mut active = Some(None);
        for &k in &here {
            let term = g.slice(flows[k].value, start, shape);
            sum = Some(match sum {
                Some(sum) => g.add(sum, term),
                None => term,
            });
            let mask = flows[k].active.map(|mask| match g.ty(mask).is_scalar() {
                true => super::spread(g, mask, Type::bool(shape)),
                false => g.slice(mask, start, shape),
            });
            let mask = mask.and_then(|mask| normal(g, mask));
            active = match (active, mask) {
                (Some(None), Some(mask)) => Some(Some(mask)),
                (Some(Some(before)), Some(mask)) => Some(Some(g.binary(Op::Or, before, mask))),
                (None, _) | (_, None) => None,
            };
        }
        everywhere &= active.is_none();
        let truth = match active {
            Some(Some(mask)) => mask,
            Some(None) => g.zero(Type::bool(shape)),
            None => mask(g, None, shape),
        };
        sums.push(sum.unwrap_or_else(|| g.zero(Type::num(shape))));
        masks.push(truth);
    }
    let active = if everywhere { None } else { Some(g.pack(Elem::Bool, ty.shape, &masks)) };
    Flow { value: g.pack(Elem::Num, ty.shape, &sums), active }
}

/// A contribution to one element, or row, at an index known at run time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Single {
    /// The contribution, and where it is active.
    part: Flow,
    index: Node,
}

impl Single {
    /// A contribution as one to an element of a large value, if it is.
    pub(super) fn of(g: &Graph, flow: &Flow) -> Option<Single> {
        if g.op(flow.value) != Some(Op::Scatter) || g.ty(flow.value).len() <= LARGE {
            return None;
        }
        let &[part, index] = g.args(flow.value) else { return None };
        let active = match flow.active {
            Some(active) if g.op(active) == Some(Op::Scatter) && g.args(active)[1] == index => {
                normal(g, g.args(active)[0])
            }
            Some(_) | None => return None,
        };
        Some(Single { part: Flow { value: part, active }, index })
    }

    /// Adds it to what flows to the whole value: to the element, the others stay as they are.
    pub(super) fn add_to(self, g: &mut Graph, whole: Flow) -> Flow {
        let (ty, part) = (g.ty(whole.value), g.ty(self.part.value));
        let before = g.apply_typed(Op::Gather, 0, part, &[whole.value, self.index]);
        let sum = g.add(before, self.part.value);
        let value = g.apply_typed(Op::Update, 0, ty, &[whole.value, sum, self.index]);
        let active = whole.active.map(|active| {
            let (whole, part) = (Type::bool(ty.shape), Type::bool(part.shape));
            let active = if g.ty(active) == whole { active } else { g.fill(active, ty.shape) };
            let before = g.apply_typed(Op::Gather, 0, part, &[active, self.index]);
            let here = mask(g, self.part.active, part.shape);
            let both = g.binary(Op::Or, before, here);
            g.apply_typed(Op::Update, 0, whole, &[active, both, self.index])
        });
        Flow { value, active: active.and_then(|active| normal(g, active)) }
    }
}

/// The contributions to single elements of a large value, and the others.
pub(super) fn singles(g: &Graph, flows: &[Flow]) -> (Vec<Single>, Vec<Flow>) {
    let (mut singles, mut others) = (Vec::new(), Vec::new());
    for flow in flows {
        match Single::of(g, flow) {
            Some(single) => singles.push(single),
            None => others.push(*flow),
        }
    }
    (singles, others)
}

/// The sum of all contributions, from the left; those to single elements of a large value come last.
fn total(g: &mut Graph, ty: Type, flows: &[Flow]) -> Flow {
    if flows.len() > 1 && ty.len() > LARGE {
        let (singles, mut others) = singles(g, flows);
        let mut singles = singles.into_iter();
        if singles.len() > 0 {
            if others.is_empty() {
                singles.next();
                others.push(flows[0]);
            }
            let whole = total(g, ty, &others);
            return singles.fold(whole, |whole, single| single.add_to(g, whole));
        }
    }
    let placed = flows.len() > 1 && flows.iter().any(|f| g.op(f.value) == Some(Op::Place));
    if placed && ty.len() > LARGE {
        return total_of_ranges(g, ty, flows);
    }
    let mut active = flows[0].active;
    for flow in &flows[1..] {
        active = either(g, active, flow.active);
    }
    let active = active.and_then(|a| normal(g, a));
    // Contributions to single elements are added element by element: the zeros beside them are no terms.
    if placed {
        let mut sums: Vec<Option<Node>> = vec![None; ty.len()];
        for flow in flows {
            let (start, end) = place_range(g, flow.value);
            for k in start..end {
                let term = g.slice(flow.value, k, Shape::Scalar);
                let sum = &mut sums[k as usize];
                *sum = Some(match *sum {
                    Some(sum) => g.add(sum, term),
                    None => term,
                });
            }
        }
        let zero = g.number(0.0);
        let elems: Vec<Node> = sums.into_iter().map(|sum| sum.unwrap_or(zero)).collect();
        return Flow { value: g.pack(Elem::Num, ty.shape, &elems), active };
    }
    let mut value = flows[0].value;
    for flow in &flows[1..] {
        value = g.add(value, flow.value);
    }
    Flow { value, active }
}
