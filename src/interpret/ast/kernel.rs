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
            kept: 0,
            products: Vec::new(),
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

    /// The check for such a reason at the innermost of these calls that has one: what the library does is reported at the call of
    /// the program that leads there.
    fn in_library(
        &self,
        effect: Effect,
        mut calls: impl Iterator<Item = Span>,
        is_this: impl Fn(Reason) -> bool,
    ) -> Option<u32> {
        let at = |call: Span| {
            let is_at = |check: &Check| check.span == call && check.effect == effect && is_this(check.reason);
            self.checks.iter().position(is_at)
        };
        calls.find_map(at).map(|k| k as u32)
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
                    let check = self.notes.get(&noted).copied();
                    let check = check.or_else(|| {
                        let calls = scratch.noted_in.iter().copied();
                        self.in_library(Effect::Note, calls, |reason| reason == noted.1)
                    });
                    debug_assert!(check.is_some(), "the graph has no note for {noted:?}");
                    check.map_or(RowOutcome::Done, RowOutcome::Noted)
                }
                None => RowOutcome::Done,
            },
            // The batch ends with an error.
            Err(Failure { reason: FailureReason::Stopped, .. }) => RowOutcome::Done,
            Err(Failure { span, reason, state: _ }) => {
                let is_this = |found: Reason| FailureReason::Check(found) == reason;
                let check = self.checks.iter().position(|check| check.span == span && is_this(check.reason));
                let check = check.map(|k| k as u32);
                let check = check.or_else(|| self.in_library(Effect::Fail, scratch.under_way(), is_this));
                debug_assert!(check.is_some(), "the graph has no check for {reason:?} at {span:?}");
                RowOutcome::Failed(check.unwrap_or(0))
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
