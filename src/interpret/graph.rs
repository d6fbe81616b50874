//! The graph interpreter: runs value, adjoint and tangent graphs with the reference functions of the op table.
//!
//! It is the full-range path of the native tiers, the tier of programs that are too large to compile, and what
//! `--tier interpret` differentiates with.

use nc_runtime::abi::Args;
use nc_runtime::batch::{Kernel, KernelShape, RowOutcome};
use nc_runtime::lanes::Scalar;

use crate::entity::EntityVec;
use crate::graph::{Effect, Elem, Graph, Node, NodeKind, Source, Type, canonical_bits};
use crate::lower::is_summed;
use crate::lower::lanes::Layout;
use crate::ops::{Lane, Op, Operand};

/// A graph ready to be interpreted.
#[derive(Debug)]
pub struct GraphInterpreter {
    steps: Vec<Step>,
    operands: Vec<(Type, u32)>,
    /// The elements of constants; every evaluation starts from a copy.
    initial: Vec<Slot>,
    inputs: Vec<InputSlots>,
    outputs: Vec<OutputSlots>,
    checks: Vec<(u32, Effect)>,
    shape: KernelShape,
}

/// One element of a value between operations.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Number(f64),
    Truth(bool),
}

#[derive(Debug)]
struct Step {
    op: Op,
    attr: u32,
    ty: Type,
    /// Where its operands are listed.
    first_operand: u32,
    operand_count: u32,
    /// Where its elements go.
    slot: u32,
}

#[derive(Debug)]
struct InputSlots {
    shared: bool,
    first: u32,
    slot: u32,
    len: u32,
}

#[derive(Debug)]
struct OutputSlots {
    /// Summed over the batch, rather than one per row.
    summed: bool,
    slot: u32,
    len: u32,
}

impl GraphInterpreter {
    /// Prepares the outputs and checks of a graph.
    pub fn new(graph: &Graph) -> GraphInterpreter {
        let layout = Layout::of(graph);
        let live = graph.live();
        let mut slot_of: EntityVec<Node, u32> = EntityVec::filled(0, graph.len());
        let mut initial = Vec::new();
        let (mut steps, mut operands, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
        for node in graph.nodes().filter(|&n| live[n]) {
            let slot = initial.len() as u32;
            slot_of[node] = slot;
            let ty = graph.ty(node);
            let filler = match ty.elem {
                Elem::Num => Slot::Number(0.0),
                Elem::Bool => Slot::Truth(false),
            };
            initial.resize(initial.len() + ty.len(), filler);
            match graph.kind(node) {
                NodeKind::Const(bits) => initial[slot as usize] = Slot::Number(f64::from_bits(bits)),
                NodeKind::Bool(value) => initial[slot as usize] = Slot::Truth(value),
                NodeKind::Input(index) => inputs.push(InputSlots {
                    shared: graph.inputs[index as usize].source == Source::Shared,
                    first: layout.inputs[index as usize],
                    slot,
                    len: ty.len() as u32,
                }),
                NodeKind::Apply(op, attr) => {
                    let first_operand = operands.len() as u32;
                    operands.extend(graph.args(node).iter().map(|&a| (graph.ty(a), slot_of[a])));
                    let operand_count = graph.args(node).len() as u32;
                    steps.push(Step { op, attr, ty, first_operand, operand_count, slot });
                }
            }
        }
        let outputs: Vec<OutputSlots> = graph
            .outputs
            .iter()
            .map(|output| OutputSlots {
                summed: is_summed(graph, output.role),
                slot: slot_of[output.node],
                len: graph.ty(output.node).len() as u32,
            })
            .collect();
        let total =
            |summed: bool| outputs.iter().filter(|o| o.summed == summed).map(|o| o.len as usize).sum();
        let columns = layout.shape(0, 0);
        let shape = KernelShape {
            inputs: columns.inputs as usize,
            params: columns.params as usize,
            outputs: total(false),
            param_gradients: total(true),
            reports_status: !graph.checks.is_empty(),
            scratch_bytes: 0,
        };
        let checks = graph.checks.iter().map(|check| (slot_of[check.fails], check.effect)).collect();
        GraphInterpreter { steps, operands, initial, inputs, outputs, checks, shape }
    }

    fn run_row(&self, slots: &mut [Slot], lanes: &mut Vec<Lane<Scalar>>) {
        for step in &self.steps {
            let operands = &self.operands[step.first_operand as usize..][..step.operand_count as usize];
            lanes.clear();
            for &(ty, slot) in operands {
                lanes.extend(slots[slot as usize..][..ty.len()].iter().map(|s| match *s {
                    Slot::Number(x) => Lane::F(x),
                    Slot::Truth(x) => Lane::M(x),
                }));
            }
            let mut rest = lanes.as_slice();
            let views: Vec<Operand<Scalar>> = operands
                .iter()
                .map(|&(ty, _)| {
                    let (elems, others) = rest.split_at(ty.len());
                    rest = others;
                    Operand { ty, elems }
                })
                .collect();
            for (k, lane) in step.op.eval_row(step.attr, step.ty, &views).into_iter().enumerate() {
                slots[step.slot as usize + k] = match lane {
                    Lane::F(x) => Slot::Number(x),
                    Lane::M(x) => Slot::Truth(x),
                };
            }
        }
    }
}

impl Kernel for GraphInterpreter {
    fn shape(&self) -> &KernelShape {
        &self.shape
    }

    fn lanes(&self) -> usize {
        1
    }

    unsafe fn run(&self, args: &Args) -> u32 {
        let mut input = vec![0.0; self.shape.inputs];
        let mut output = vec![0.0; self.shape.outputs];
        let mut sums = vec![0.0; self.shape.param_gradients];
        // SAFETY: the caller vouches for `args`, whose parameters outlive the call.
        let params = unsafe { args.params(self.shape.params) };
        let mut flagged = 0;
        for row in 0..args.rows {
            for (k, x) in input.iter_mut().enumerate() {
                // SAFETY: the caller vouches for `args`; `k` is below the number of input columns.
                *x = unsafe { args.input(k) }[row];
            }
            let outcome = self.row(&input, params, &mut output, &mut sums);
            for (k, &y) in output.iter().enumerate() {
                // SAFETY: as above, with output columns; the slice is gone before the next is made.
                let column = unsafe { args.output(k) };
                column[row] = y;
            }
            for (k, &y) in sums.iter().enumerate() {
                // SAFETY: as above, with parameter gradients.
                unsafe { args.add_to_partial(k, args.first_row + row, y) };
            }
            let word = outcome.word();
            if self.shape.reports_status {
                // SAFETY: as above; the kernel reports a status, so there are words for it.
                let words = unsafe { args.statuses() };
                words[row] = word;
                flagged |= u32::from(word != 0);
            }
        }
        flagged
    }

    fn row(&self, inputs: &[f64], params: &[f64], outputs: &mut [f64], sums: &mut [f64]) -> RowOutcome {
        let mut slots = self.initial.clone();
        let mut lanes = Vec::new();
        for input in &self.inputs {
            let values = if input.shared { params } else { inputs };
            for k in 0..input.len {
                slots[(input.slot + k) as usize] = Slot::Number(values[(input.first + k) as usize]);
            }
        }
        self.run_row(&mut slots, &mut lanes);
        let first = |wanted: Effect| {
            self.checks.iter().position(|&(slot, effect)| {
                effect == wanted && matches!(slots[slot as usize], Slot::Truth(true))
            })
        };
        let failed = first(Effect::Fail);
        let (mut next_output, mut next_sum) = (outputs.iter_mut(), sums.iter_mut());
        for output in &self.outputs {
            for slot in &slots[output.slot as usize..][..output.len as usize] {
                let value = match *slot {
                    Slot::Number(x) => x,
                    Slot::Truth(_) => f64::NAN,
                };
                if output.summed {
                    if let Some(sum) = next_sum.next() {
                        *sum = value;
                    }
                } else if let Some(place) = next_output.next() {
                    let value = if failed.is_some() { f64::NAN } else { value };
                    *place = f64::from_bits(canonical_bits(value));
                }
            }
        }
        match (failed, first(Effect::Note)) {
            (Some(check), _) => RowOutcome::Failed(check as u32),
            (None, Some(check)) => RowOutcome::Noted(check as u32),
            (None, None) => RowOutcome::Done,
        }
    }
}
