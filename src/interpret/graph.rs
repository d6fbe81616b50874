//! The graph interpreter: runs value, adjoint and tangent graphs with the reference functions of the op table.
//!
//! It is the full-range path of the native tiers, the tier of programs that are too large to compile, and what
//! `--tier interpret` differentiates with.

mod code;
mod tape;

use nc_runtime::abi::Args;
use nc_runtime::batch::{Kernel, KernelShape, RowOutcome};
use nc_runtime::stop::StopFlag;

use super::run_rows;
use crate::graph::{Effect, Graph, Source, canonical_bits};
use crate::lower::is_summed;
use crate::lower::lanes::Layout;
use code::{Code, Coder, Functions, Range, Slot};

/// A graph ready to be interpreted.
#[derive(Debug)]
pub struct GraphInterpreter {
    main: Code,
    functions: Functions,
    inputs: Vec<InputSlots>,
    outputs: Vec<OutputSlots>,
    checks: Vec<(u32, Effect)>,
    shape: KernelShape,
}

#[derive(Debug)]
struct InputSlots {
    shared: bool,
    first: u32,
    range: Range,
}

#[derive(Debug)]
struct OutputSlots {
    /// Summed over the batch, rather than one per row.
    summed: bool,
    range: Range,
}

impl GraphInterpreter {
    /// Prepares the outputs and checks of a graph. All tapes of a row together take about so many bytes.
    pub fn new(graph: &Graph, tape_bytes: usize) -> GraphInterpreter {
        let layout = Layout::of(graph);
        let coder = Coder::of(graph, None);
        let inputs = (0u32..)
            .zip(&graph.inputs)
            .map(|(index, input)| InputSlots {
                shared: input.source == Source::Shared,
                first: layout.inputs[index as usize],
                range: coder.range(graph.input_node(index)),
            })
            .collect();
        let outputs: Vec<OutputSlots> = graph
            .outputs
            .iter()
            .map(|output| OutputSlots {
                summed: is_summed(graph, output.role),
                range: coder.range(output.node),
            })
            .collect();
        let total = |summed: bool| {
            outputs.iter().filter(|o| o.summed == summed).map(|o| o.range.len as usize).sum::<usize>()
        };
        let columns = layout.shape(0, 0, 0);
        let shape = KernelShape {
            precision: graph.precision,
            inputs: columns.inputs as usize,
            params: columns.params as usize,
            outputs: total(false),
            param_gradients: total(true),
            kept: 0,
            products: Vec::new(),
            reports_status: !graph.checks.is_empty(),
            scratch_bytes: 0,
            stack_bytes: 0,
            instructions: None,
        };
        let checks = graph.checks.iter().map(|check| (coder.range(check.fails).slot, check.effect)).collect();
        let main = coder.finish(tape_bytes);
        let functions = Functions::of(graph, tape_bytes);
        GraphInterpreter { main, functions, inputs, outputs, checks, shape }
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
        // SAFETY: as the caller promises.
        unsafe {
            run_rows(&self.shape, args, |inputs, params, outputs, sums| {
                self.row(inputs, params, outputs, sums, args.stop())
            })
        }
    }

    fn row(
        &self,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        sums: &mut [f64],
        stop: &StopFlag,
    ) -> RowOutcome {
        let mut slots = self.main.initial.clone();
        for input in &self.inputs {
            let values = if input.shared { params } else { inputs };
            let from = &values[input.first as usize..];
            for (slot, &value) in input.range.of_mut(&mut slots).iter_mut().zip(from) {
                *slot = Slot::Number(self.shape.precision.round(value));
            }
        }
        self.main.run(&mut slots, &self.functions, stop);
        let first = |wanted: Effect| {
            self.checks.iter().position(|&(slot, effect)| effect == wanted && slots[slot as usize].truth())
        };
        let failed = first(Effect::Fail);
        let (mut next_output, mut next_sum) = (outputs.iter_mut(), sums.iter_mut());
        for output in &self.outputs {
            for slot in output.range.of(&slots) {
                let value = slot.number();
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
