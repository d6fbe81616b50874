//! The interpreter as a kernel: the tier that interprets values.

use std::collections::HashMap;

use nc_runtime::abi::Args;
use nc_runtime::batch::{Kernel, KernelShape, RowOutcome};
use nc_runtime::stop::StopFlag;

use super::{AstInterpreter, Failure, FailureReason, Scratch};
use crate::graph::{Check, Effect, Reason};
use crate::interpret::run_rows;
use crate::source::Span;

/// The interpreter as a kernel: the tier that interprets values.
#[derive(Debug)]
pub struct AstKernel {
    interpreter: AstInterpreter,
    /// The checks of the program's graph, by whose numbers failures are reported.
    checks: Vec<Check>,
    /// The positions of notes among the checks.
    notes: HashMap<(Span, Reason), u32>,
    shape: KernelShape,
}

impl AstKernel {
    /// A kernel that writes so many numbers per row and reports failures as positions in `checks`.
    pub fn new(interpreter: AstInterpreter, outputs: usize, checks: &[Check]) -> AstKernel {
        let shape = KernelShape {
            precision: interpreter.precision(),
            inputs: interpreter.columns,
            params: interpreter.params,
            outputs,
            param_gradients: 0,
            reports_status: !checks.is_empty(),
            scratch_bytes: 0,
            stack_bytes: 0,
            instructions: None,
        };
        let mut notes = HashMap::new();
        for (k, check) in (0..).zip(checks).filter(|(_, check)| check.effect == Effect::Note) {
            notes.entry((check.span, check.reason)).or_insert(k);
        }
        AstKernel { interpreter, checks: checks.to_vec(), notes, shape }
    }

    /// What it interprets.
    pub(crate) fn interpreter(&self) -> &AstInterpreter {
        &self.interpreter
    }

    fn evaluate(
        &self,
        scratch: &mut Scratch,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        stop: &StopFlag,
    ) -> RowOutcome {
        match self.interpreter.row_until(scratch, inputs, params, outputs, stop) {
            Ok(()) => match scratch.noted {
                Some(noted) => {
                    let check = self.notes.get(&noted);
                    debug_assert!(check.is_some(), "the graph has no note for {noted:?}");
                    check.map_or(RowOutcome::Done, |&check| RowOutcome::Noted(check))
                }
                None => RowOutcome::Done,
            },
            // The batch ends with an error.
            Err(Failure { reason: FailureReason::Stopped, .. }) => RowOutcome::Done,
            Err(Failure { span, reason, state: _ }) => {
                let check = self
                    .checks
                    .iter()
                    .position(|check| check.span == span && FailureReason::Check(check.reason) == reason);
                debug_assert!(check.is_some(), "the graph has no check for {reason:?} at {span:?}");
                RowOutcome::Failed(check.unwrap_or(0) as u32)
            }
        }
    }
}

impl Kernel for AstKernel {
    fn shape(&self) -> &KernelShape {
        &self.shape
    }

    fn lanes(&self) -> usize {
        1
    }

    unsafe fn run(&self, args: &Args) -> u32 {
        let mut scratch = Scratch::default();
        // SAFETY: as the caller promises.
        unsafe {
            run_rows(&self.shape, args, |inputs, params, outputs, _| {
                self.evaluate(&mut scratch, inputs, params, outputs, args.stop())
            })
        }
    }

    fn row(
        &self,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        _: &mut [f64],
        stop: &StopFlag,
    ) -> RowOutcome {
        self.evaluate(&mut Scratch::default(), inputs, params, outputs, stop)
    }
}
