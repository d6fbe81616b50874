//! Compute graph → lane program.
//!
//! Small vectors and matrices are taken apart into scalars, large ones stand in memory, and every operation becomes the
//! instructions that its definition records. Instructions are value-numbered as they are recorded, so that work which two operations share (the range
//! reduction of `sin x` and `cos x`, the `exp` in a function and its derivative) is done once. What does not change in a
//! loop is computed before it.
//!
//! * [`lanes`]: the lane program;
//! * `arrays`: values of many elements;
//! * [`record`]: instructions as they come;
//! * `schedule`: the order in which they run;
//! * `size`: how large the program becomes, before it is made;
//! * `arms`: what only one outcome of a test needs; [`bypass`]: a program without them;
//! * `regions`: loops and their adjoints; `calls`: recursive functions; `uniform`: what is the same for all rows;
//! * [`mod@print`] and [`verify`].
//!
//! **Invariant**: a lane program is in SSA form, operands before users, regions closed; checked by [`verify`].
//!
//! **Boundary**: knows graphs and recipes, and no processor.

mod arms;
pub(crate) mod arrays;
#[cfg(feature = "jit")]
pub mod bypass;
mod calls;
pub mod lanes;
pub mod print;
mod ranges;
pub mod record;
mod regions;
mod schedule;
mod shortcuts;
pub mod size;
mod uniform;
pub mod verify;

use std::collections::HashMap;

use nc_runtime::batch::{Products, ProductsTerm};
use nc_runtime::lanes::Lanes;

use crate::entity::EntityVec;
use crate::graph::in_place::InPlace;
use crate::graph::{Effect, Graph, Node, NodeKind, Role, Source};
use crate::ops::matrix::matrix_by_vector;
use crate::ops::{LARGE, Lane, Op, Operand};
use arms::{Arm, Item};
use arrays::{Argument, Cells, Form, Memory, Written};
use lanes::{Inst, LaneFunction, LaneProgram, Layout, Store, TableId, Target, Value};
use record::Recorder;
use regions::Tape;
use shortcuts::{Shortcuts, Term};
use uniform::Uniform;

/// How much memory tapes may take, in bytes of one lane group of the widest tier and two groups side by side.
pub(crate) const TAPE_CELL_BYTES: usize = 128;

/// Memory cells of a tape that code can address.
const MAX_TAPE_CELLS: usize = 1 << 22;

/// Translates the outputs and checks of a graph. Tapes take about `tape_bytes` of memory, and as much as they need at
/// the least.
pub fn lower(graph: &Graph, tape_bytes: usize) -> LaneProgram {
    lowered(graph, tape_bytes, false)
}

/// Translates a graph to lanes with recipes that are [complete](Lanes::complete): no row is reported as outside a fast range.
pub fn lower_complete(graph: &Graph, tape_bytes: usize) -> LaneProgram {
    lowered(graph, tape_bytes, true)
}

fn lowered(graph: &Graph, tape_bytes: usize, complete: bool) -> LaneProgram {
    let layout = Layout::of(graph);
    let recorder = Recorder::new(graph.precision, complete);
    let tapes = regions::count_tapes(graph).max(1);
    let machine = (!graph.functions.is_empty()).then(|| calls::Machine::begin(&recorder, graph));
    let mut lowering = Lowering {
        l: &recorder,
        m: Memory::new(&recorder, most_apart(graph)),
        machine,
        tape_cells: (tape_bytes / TAPE_CELL_BYTES / tapes).min(MAX_TAPE_CELLS) as u64,
        leaving: true,
    };
    let mut scope = Scope::new(graph, Uniform::of(graph));
    for (index, input) in (0u32..).zip(&graph.inputs) {
        let first = layout.inputs[index as usize];
        let (len, shared) = (input.shape.len() as u32, input.source == Source::Shared);
        let form = match shared {
            true => lowering.m.params(first, len),
            false => lowering.m.columns(first, len),
        };
        scope.values[graph.input_node(index)] = lowering.m.normal(form);
    }
    scope.shortcuts = Shortcuts::of(graph, &scope.uses);
    (scope.live, scope.uses) = scope.shortcuts.needed(graph);
    lowering.nodes(&mut scope, None, None);
    let (values, products) = (scope.values, scope.shortcuts.products);
    let checks: Vec<_> =
        graph.checks.iter().map(|check| (values[check.fails].lane().m(), check.effect)).collect();
    let failed = recorder.failed(&checks);
    let mut columns = 0;
    let mut partials = 0;
    let mut stores = Vec::new();
    let mut matrices = Vec::new();
    let mut kept = Kept::default();
    for (output, products) in graph.outputs.iter().zip(products) {
        let summed = is_summed(graph, output.role);
        let form = &values[output.node];
        let target = if summed { Target::Partial(partials) } else { Target::Column(columns) };
        let ty = graph.ty(output.node);
        let len = ty.len() as u32;
        if let Some(terms) = products {
            let (rows, columns) = ty.shape.extents();
            let mut place = |node: Node| kept.place(node, graph.ty(node).len() as u32) as usize;
            let terms = terms.into_iter().map(|Term { vectors: [left, right], counts }| ProductsTerm {
                left: place(left),
                right: place(right),
                counts: counts.map(&mut place),
            });
            let terms = terms.collect();
            let extents = (rows as usize, columns as usize);
            matrices.push(Products { first: partials as usize, extents, terms });
            partials += len;
            continue;
        }
        match form {
            Form::Lanes(lanes) => stores.extend(lanes.iter().zip(0..).map(|(lane, k)| match target {
                Target::Column(first) => Store { target: Target::Column(first + k), value: lane.f() },
                Target::Partial(first) => Store { target: Target::Partial(first + k), value: lane.f() },
            })),
            Form::Array(_) => {
                recorder.range(target, form.len());
                lowering.m.elements(form, |k, value| {
                    let value = if summed { value } else { recorder.leaving(value, failed) };
                    recorder.write(target, k, value);
                });
            }
        }
        *(if summed { &mut partials } else { &mut columns }) += len;
    }
    for &(node, first) in &kept.nodes {
        let first = columns + first;
        match &values[node] {
            Form::Lanes(lanes) => stores.extend(
                lanes
                    .iter()
                    .zip(first..)
                    .map(|(lane, k)| Store { target: Target::Column(k), value: lane.f() }),
            ),
            form @ Form::Array(_) => {
                recorder.range(Target::Column(first), form.len());
                lowering.m.elements(form, |k, value| recorder.write(Target::Column(first), k, value));
            }
        }
    }
    let shape = layout.shape(columns, kept.columns, partials);
    let mut program = recorder.finish(stores, &checks, shape);
    program.products = matrices;
    program.max_depth = graph.limits.depth;
    for function in graph.functions.values() {
        let function = calls::function(function, tape_bytes, complete);
        program.functions.push(share_tables(&mut program.tables, function));
    }
    for function in &mut program.functions {
        function.program.tables.clone_from(&program.tables);
    }
    program
}

/// What is known while a graph, or the body of a region, is being translated.
struct Scope<'g> {
    graph: &'g Graph,
    live: EntityVec<Node, bool>,
    /// How often each node is still needed.
    uses: EntityVec<Node, u32>,
    /// The elements of each node.
    values: EntityVec<Node, Form>,
    /// Which nodes have been translated.
    done: EntityVec<Node, bool>,
    uniform: Uniform,
    taped: EntityVec<Node, bool>,
    tapes: HashMap<Node, Tape<'g>>,
    /// The live results of each region.
    results: HashMap<Node, Vec<Node>>,
    /// What is changed in place, and the rows that it is changed in, if not all.
    in_place: InPlace,
    rows: Option<Value>,
    /// What is computed in another way than node by node.
    shortcuts: Shortcuts,
    /// Where what updates replace is noted, so that they can be undone: the cells of each.
    log: HashMap<Node, Cells>,
}

impl<'g> Scope<'g> {
    fn new(graph: &'g Graph, uniform: Uniform) -> Scope<'g> {
        let live = graph.live();
        let mut results: HashMap<Node, Vec<Node>> = HashMap::new();
        for node in graph.nodes().filter(|&n| live[n]) {
            if let NodeKind::Result(_) = graph.kind(node) {
                results.entry(graph.args(node)[0]).or_default().push(node);
            }
        }
        Scope {
            graph,
            results,
            done: EntityVec::filled(false, graph.len()),
            uses: use_counts(graph, &live),
            live,
            values: EntityVec::filled(Form::none(), graph.len()),
            uniform,
            taped: graph.taped(),
            tapes: HashMap::new(),
            in_place: InPlace::default(),
            shortcuts: Shortcuts::default(),
            rows: None,
            log: HashMap::new(),
        }
    }

    /// Leaves out what none of these nodes needs.
    fn limit(&mut self, roots: impl Iterator<Item = Node>) {
        self.live = EntityVec::filled(false, self.graph.len());
        roots.for_each(|root| self.live[root] = true);
        self.graph.spread_to_operands(&mut self.live);
        self.uses = use_counts(self.graph, &self.live);
    }
}

impl Scope<'_> {
    /// A node is needed once less.
    fn used(&mut self, node: Node) {
        self.uses[node] -= 1;
        if self.uses[node] == 0 {
            self.values[node] = Form::none();
        }
    }
}

/// Translates graphs, those of regions among them.
struct Lowering<'a> {
    l: &'a Recorder,
    m: Memory<'a>,
    /// Where calls of recursive functions are counted, if there are any.
    machine: Option<calls::Machine>,
    /// Memory cells for each tape.
    tape_cells: u64,
    /// Whether results are to be made ready to leave.
    leaving: bool,
}

impl Lowering<'_> {
    /// Translates the nodes that `only` marks, for the rows of the mask.
    fn nodes(&mut self, scope: &mut Scope<'_>, only: Option<&EntityVec<Node, bool>>, active: Option<Value>) {
        let graph = scope.graph;
        let wanted =
            |node: &Node| scope.live[*node] && !scope.done[*node] && only.is_none_or(|only| only[*node]);
        let mut wanted: Vec<Node> = graph.nodes().filter(wanted).collect();
        let fails = graph.checks.iter().any(|check| check.effect == Effect::Fail);
        let ready = match self.leaving && !fails {
            true => row_results(graph),
            false => EntityVec::filled(false, graph.len()),
        };
        // What is under way: the rest of each part that is open, and of the program around them.
        let items = if scope.in_place.any() {
            // What is looked at before it is written keeps its place.
            wanted.sort_by_key(|&node| scope.in_place.late[node]);
            wanted.into_iter().map(Item::Node).collect()
        } else {
            arms::plan(self, scope, wanted)
        };
        let mut open = vec![(items.into_iter(), None)];
        while let Some((items, arm)) = open.last_mut() {
            match items.next() {
                Some(Item::Node(node)) => self.node(scope, node, active, &ready),
                Some(Item::Arm(arm)) => {
                    let Arm { conditions, items, results } = *arm;
                    let mut rows = active;
                    for (condition, holds) in conditions {
                        let truth = scope.values[condition].lane().m();
                        rows = Some(self.and(rows, if holds { truth } else { self.l.not(truth) }));
                        scope.used(condition);
                    }
                    // A condition that is known decides here.
                    let rows = rows.filter(|&rows| self.l.truth(rows).is_none());
                    if let Some(rows) = rows {
                        self.l.begin_arm(rows);
                    }
                    open.push((items.into_iter(), rows.map(|rows| (rows, results))));
                }
                None => {
                    if let Some((rows, results)) = arm.take() {
                        self.leave_arm(scope, rows, &results);
                    }
                    open.pop();
                }
            }
        }
    }

    /// Ends an arm, whose results others use.
    fn leave_arm(&self, scope: &mut Scope<'_>, rows: Value, results: &[Node]) {
        let lanes_of = |scope: &Scope<'_>, node: Node| match &scope.values[node] {
            Form::Lanes(lanes) => lanes.clone(),
            Form::Array(_) => unreachable!("an arm has small values only"),
        };
        let inside: Vec<Value> = results
            .iter()
            .flat_map(|&node| lanes_of(scope, node))
            .map(|lane| match lane {
                Lane::F(value) | Lane::M(value) => value,
            })
            .collect();
        let mut outside = self.l.end_arm(rows, &inside).into_iter();
        for &node in results {
            let lanes = lanes_of(scope, node).into_iter().map(|lane| {
                let value = outside.next().expect("there is one for each lane");
                match lane {
                    Lane::F(_) => Lane::F(value),
                    Lane::M(_) => Lane::M(value),
                }
            });
            scope.values[node] = Form::Lanes(lanes.collect());
        }
    }

    /// Translates a node, for the rows of the mask.
    fn node(
        &mut self,
        scope: &mut Scope<'_>,
        node: Node,
        active: Option<Value>,
        ready: &EntityVec<Node, bool>,
    ) {
        let graph = scope.graph;
        scope.done[node] = true;
        match graph.kind(node) {
            NodeKind::Const(bits) => {
                scope.values[node] = Form::Lanes(vec![Lane::F(self.l.f(f64::from_bits(bits)))]);
            }
            NodeKind::Bool(value) => scope.values[node] = Form::Lanes(vec![Lane::M(self.l.m(value))]),
            NodeKind::Input(_) => {}
            NodeKind::Apply(op, attr) => {
                scope.values[node] = self.apply(scope, node, op, attr);
            }
            NodeKind::Region(_) => {
                let leaving = std::mem::replace(&mut self.leaving, false);
                self.region(scope, node, active);
                self.leaving = leaving;
            }
            // The region has left it.
            NodeKind::Result(_) => {}
        }
        // A result that no check can spoil is made ready to leave at once, before it occupies a register for long.
        if let Form::Lanes(lanes) = &scope.values[node]
            && ready[node]
        {
            for lane in lanes {
                self.l.leaving(lane.f(), None);
            }
        }
        for arg in scope.shortcuts.operands(graph, node).to_vec() {
            scope.used(arg);
        }
    }
}

impl Lowering<'_> {
    /// Whether an operation is a loop although its operands are small. Functions have no memory for it.
    fn loops(&self, scope: &Scope<'_>, op: Op, args: &[Node]) -> bool {
        let graph = scope.graph;
        let loops_over = |arg: Node| {
            let looping = |node: Node| match graph.kind(node) {
                NodeKind::Apply(other, _) => graph.ty(arg).len() >= other.loops_from(),
                NodeKind::Const(_)
                | NodeKind::Bool(_)
                | NodeKind::Input(_)
                | NodeKind::Region(_)
                | NodeKind::Result(_) => false,
            };
            graph.nodes().any(|node| scope.live[node] && looping(node) && graph.args(node).contains(&arg))
        };
        self.m.has_cells()
            && args.iter().any(|&arg| {
                let len = graph.ty(arg).len();
                len >= op.loops_from() || (len >= op.loops_beside() && loops_over(arg))
            })
    }

    fn apply(&self, scope: &Scope<'_>, node: Node, op: Op, attr: u32) -> Form {
        let graph = scope.graph;
        let ty = graph.ty(node);
        if let Some(part) = scope.shortcuts.parts.get(&node) {
            let argument =
                |node: Node| Argument { ty: graph.ty(node), form: scope.values[node].clone(), written: None };
            let [matrix, counts, vector] = part.map(argument);
            let form = self.m.normal(matrix_by_vector(&self.m, &matrix, &vector, Some(&counts)));
            return self.m.shared(form, scope.uses[node]);
        }
        let args = graph.args(node);
        let lanes: Option<Vec<&[Lane<Recorder>]>> = args
            .iter()
            .map(|&a| match &scope.values[a] {
                Form::Lanes(lanes) => Some(lanes.as_slice()),
                Form::Array(_) => None,
            })
            .collect();
        match lanes {
            Some(lanes) if self.m.is_small(ty.len()) && !self.loops(scope, op, args) => {
                let operands: Vec<Operand<Recorder>> =
                    args.iter().zip(lanes).map(|(&a, elems)| Operand { ty: graph.ty(a), elems }).collect();
                Form::Lanes(op.eval(self.l, attr, ty, &operands))
            }
            _ => {
                let form = if op.elementwise() {
                    let forms: Vec<&Form> = args.iter().map(|&a| &scope.values[a]).collect();
                    self.m.apply(op, ty, &forms)
                } else {
                    let written = scope.in_place.updates.get(node) == Some(&true);
                    let argument = |(k, &a): (usize, &Node)| Argument {
                        ty: graph.ty(a),
                        form: scope.values[a].clone(),
                        written: (written && k == 0).then_some(Written { rows: scope.rows }),
                    };
                    let args: Vec<Argument> = args.iter().enumerate().map(argument).collect();
                    if let (Some(to), [whole, part, index]) = (scope.log.get(&node), args.as_slice()) {
                        self.m.note(to, whole, part.form.len(), index);
                    }
                    self.m.normal(op.array(&self.m, attr, ty, &args))
                };
                // What is needed once is computed where it is needed.
                self.m.shared(form, scope.uses[node])
            }
        }
    }
}

/// The function with its tables among those of the program.
fn share_tables(tables: &mut Vec<&'static [f64]>, mut function: LaneFunction) -> LaneFunction {
    let own = std::mem::take(&mut function.program.tables);
    let shared: Vec<TableId> = own
        .into_iter()
        .map(|table| {
            let known = tables.iter().position(|t| std::ptr::eq(*t, table));
            TableId(known.unwrap_or_else(|| {
                tables.push(table);
                tables.len() - 1
            }) as u32)
        })
        .collect();
    for value in function.program.insts.keys() {
        if let Inst::Lookup(table, index) = function.program.insts[value] {
            function.program.insts[value] = Inst::Lookup(shared[table.0 as usize], index);
        }
    }
    function
}

/// Values of so many elements are taken apart, where the graph multiplies large matrices: loops over the vectors that these make are then short
/// code, where each element by itself would be more than caches of code hold.
const LARGE_BESIDE_MATRICES: usize = 16;

/// How many elements a value has at the most that is taken apart.
pub(crate) fn most_apart(graph: &Graph) -> usize {
    let mut left = vec![graph];
    while let Some(graph) = left.pop() {
        for node in graph.nodes() {
            let large = |&arg: &Node| graph.ty(arg).len() > LARGE;
            let product = matches!(graph.op(node), Some(Op::Matvec | Op::Matmul | Op::Outer));
            if product && (graph.ty(node).len() > LARGE || graph.args(node).iter().any(large)) {
                return LARGE_BESIDE_MATRICES;
            }
            left.extend(graph.region(node).map(|region| &region.body));
        }
    }
    LARGE
}

/// Whether an output is summed over the batch rather than stored for each row.
pub(crate) fn is_summed(graph: &Graph, role: Role) -> bool {
    match role {
        Role::Gradient { input, .. } => graph.inputs[input as usize].source == Source::Shared,
        Role::Value | Role::Tangent { .. } => false,
    }
}

/// Vectors that are stored for each row, so that their products can be summed.
#[derive(Default)]
struct Kept {
    nodes: Vec<(Node, u32)>,
    known: HashMap<Node, u32>,
    columns: u32,
}

impl Kept {
    /// The first of a vector's columns.
    fn place(&mut self, node: Node, len: u32) -> u32 {
        *self.known.entry(node).or_insert_with(|| {
            let first = self.columns;
            self.nodes.push((node, first));
            self.columns += len;
            first
        })
    }
}

/// The nodes that are stored for each row.
fn row_results(graph: &Graph) -> EntityVec<Node, bool> {
    let mut results = EntityVec::filled(false, graph.len());
    for output in graph.outputs.iter().filter(|o| !is_summed(graph, o.role)) {
        results[output.node] = true;
    }
    results
}

/// How often each live node is used, outputs and checks included.
fn use_counts(graph: &Graph, live: &EntityVec<Node, bool>) -> EntityVec<Node, u32> {
    let mut uses = EntityVec::filled(0, graph.len());
    for root in graph.roots() {
        uses[root] += 1;
    }
    for node in graph.nodes().filter(|&n| live[n]) {
        for &arg in graph.args(node) {
            uses[arg] += 1;
        }
    }
    uses
}
