//! Loops and calls of recursive functions: their frames, limits and state.

use super::trace::{LITERAL, UNTRACED};
use super::{Failure, FailureReason, Machine, Mark, Value, Variable, Work};
use crate::anf::{FuncId, Var};
use crate::graph::{Reason, Shape};
use crate::limits::STEP_WORK;
use crate::ops::{Lane, ShapeError};
use crate::source::Span;
use nc_runtime::lanes::Scalar;

/// A loop, or a call of a recursive function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The function that was called.
    pub(super) entered: FuncId,
    /// The function being evaluated.
    pub(super) current: FuncId,
    /// Where the stacks ended before its operands.
    pub(super) mark: Mark,
    /// How much work there is for afterwards.
    pub(super) work: u32,
    /// How many bindings were in force before.
    pub(super) shadowed: u32,
    /// How many shapes there were before.
    pub(super) shapes: u32,
    /// Whether it counts as a call under way.
    pub(super) recursive: bool,
    pub(super) iterations: u64,
}

impl Machine<'_> {
    /// A limit is exceeded. Where only a shape is wanted no row fails by that, and the shape is not known here.
    fn exceeded(&self, span: Span, reason: Reason) -> Failure {
        let stopped = self.silent > 0;
        Failure::new(span, if stopped { FailureReason::Stopped } else { FailureReason::Check(reason) })
    }

    fn step(&mut self, span: Span) -> Result<(), Failure> {
        let limit = self.limits.steps;
        if self.scratch.steps >= limit {
            return Err(self.exceeded(span, Reason::Steps { limit }));
        }
        self.scratch.steps += 1;
        self.look_at_stop(span)
    }

    pub(super) fn look_at_stop(&self, span: Span) -> Result<(), Failure> {
        if self.stop.is_set() { Err(Failure::new(span, FailureReason::Stopped)) } else { Ok(()) }
    }

    /// Counts a call that other tiers inline.
    pub(super) fn call_inlined(&mut self, span: Span) -> Result<(), Failure> {
        if self.inlined == 0 {
            return Err(Failure::new(span, FailureReason::Stopped));
        }
        self.inlined -= 1;
        self.look_at_stop(span)
    }

    /// Counts a call of a recursive function.
    pub(super) fn descend(&mut self, span: Span) -> Result<(), Failure> {
        self.step(span)?;
        let limit = self.limits.depth;
        if self.scratch.depth >= limit {
            return Err(self.exceeded(span, Reason::Depth { limit }));
        }
        self.scratch.depth += 1;
        Ok(())
    }

    /// What a loop or a recursive function begins with differs from one iteration or call to the next, and is no literal.
    fn forget_literals(&mut self, first: u32, count: u32) {
        for value in &mut self.scratch.values[first as usize..][..count as usize] {
            if value.origin() == LITERAL {
                *value = value.from(UNTRACED);
            }
        }
    }

    /// Begins a loop or a recursive function, whose operands are there.
    pub(super) fn enter(&mut self, id: FuncId, mark: Mark, recursive: bool) {
        let program = self.program;
        let function = &program.functions[id];
        let shapes = self.scratch.shapes.len();
        let frame = Frame {
            entered: id,
            current: id,
            mark,
            work: self.scratch.work.len() as u32 + 1,
            shadowed: self.scratch.shadowed.len() as u32,
            shapes: shapes as u32,
            recursive,
            iterations: 0,
        };
        self.scratch.frames.push(frame);
        self.scratch.work.push(Work::Return);
        let count = self.bind(function.params.iter().copied(), mark.value);
        self.forget_literals(mark.value, count);
        if let Some(group) = function.group {
            self.scratch.shapes.resize(shapes + program.groups[group as usize].state.len(), None);
            for &var in function.params.iter().chain(&function.carried) {
                if let Some(slot) = self.slots[var] {
                    let value = self.scratch.values[self.scratch.places[var] as usize];
                    self.scratch.shapes[shapes + slot as usize] = Some(self.type_of(value).shape);
                }
            }
        }
    }

    /// Begins the next iteration of the innermost loop, which is of this function. Its operands are there.
    pub(super) fn iterate(&mut self, id: FuncId, mark: Mark, span: Span) -> Result<(), Failure> {
        let program = self.program;
        let function = &program.functions[id];
        let &frame = self.scratch.frames.last().expect("an iteration is one of a loop that was entered");
        let begins = program.functions[frame.entered].span;
        self.step(begins)?;
        let counted = self.counted.get(&begins).filter(|counted| counted.always);
        let limit = counted.map_or(self.limits.iterations, |counted| counted.iterations);
        if frame.iterations >= limit {
            return Err(self.exceeded(begins, Reason::Iterations { limit }));
        }
        for &var in &function.carried {
            let value = self.scratch.values[self.scratch.places[var] as usize];
            self.scratch.values.push(value);
        }
        let vars = || function.params.iter().chain(&function.carried).copied();
        for (var, at) in vars().zip(mark.value as usize..) {
            let Some(slot) = self.slots[var] else { continue };
            let shape = self.type_of(self.scratch.values[at]).shape;
            let first = *self.scratch.shapes[(frame.shapes + slot) as usize].get_or_insert(shape);
            if first != shape {
                let name = &program.vars[var].name;
                let message = format!("`{name}` is a {first} at first, and a {shape} in the next iteration");
                return Err(Failure::new(span, FailureReason::Shape(ShapeError::new(message))));
            }
        }
        let current = self.scratch.frames.last_mut().expect("the loop has not been left");
        current.current = id;
        current.iterations += 1;
        self.scratch.work.truncate(frame.work as usize);
        self.unbind(frame.shadowed as usize);
        self.slide_all(mark.value as usize, frame.mark);
        // Other tiers do not copy what an iteration hands on.
        if self.inlined < u64::MAX {
            let copied = (self.scratch.moved.len() / STEP_WORK) as u64;
            let left = self.inlined.checked_sub(copied);
            self.inlined = left.ok_or_else(|| Failure::new(begins, FailureReason::Stopped))?;
        }
        let count = self.bind(vars(), frame.mark.value);
        self.forget_literals(frame.mark.value, count);
        Ok(())
    }

    /// Removes everything from `mark` to the values that begin at `first`.
    fn slide_all(&mut self, first: usize, mark: Mark) {
        let scratch = &mut *self.scratch;
        scratch.moved.clear();
        for value in &mut scratch.values[first..] {
            if let Value::Block(ty, at, _) = value
                && *at >= mark.elem
            {
                let from = *at as usize;
                *at = mark.elem + scratch.moved.len() as u32;
                scratch.moved.extend_from_slice(&scratch.elems[from..from + ty.len()]);
            }
        }
        scratch.values.drain(mark.value as usize..first);
        scratch.elems.truncate(mark.elem as usize);
        scratch.elems.extend_from_slice(&scratch.moved);
    }

    /// The variables of the innermost loop or recursive function.
    pub(super) fn state(&self) -> Vec<Variable> {
        let Some(frame) = self.scratch.frames.last() else { return Vec::new() };
        let number = |lane: Lane<Scalar>| match lane {
            Lane::F(x) => x,
            Lane::M(x) => f64::from(u8::from(x)),
        };
        let value = |value: Value| match value {
            Value::Number(x, _) => (Shape::Scalar, vec![x]),
            Value::Truth(x, _) => (Shape::Scalar, vec![f64::from(u8::from(x))]),
            Value::Block(ty, first, _) => {
                let lanes = &self.scratch.elems[first as usize..][..ty.len()];
                (ty.shape, lanes.iter().map(|&lane| number(lane)).collect())
            }
        };
        let params = &self.program.functions[frame.current].params;
        let written = |var: Var| {
            let name = self.program.vars[var].name.as_str();
            self.program.numbered.get(&var).map_or(name, |&bytes| &name[..bytes])
        };
        let unique = |name: &str| params.iter().filter(|&&var| written(var) == name).count() == 1;
        let variable = |&var: &Var| {
            let (shape, elements) = value(self.scratch.values[self.scratch.places[var] as usize]);
            let name = if unique(written(var)) { written(var) } else { &self.program.vars[var].name };
            Variable { name: name.to_string(), shape, elements }
        };
        params.iter().map(variable).collect()
    }
}
