//! Invariants of ANF.
//!
//! * every variable is bound in one place: as an input, a parameter or a binding;
//! * a variable is used only behind its binding, in its block or a block inside it, in its own function;
//! * every block belongs to one place;
//! * operand counts fit arities, and a function that is not recursive calls only functions with a smaller index;
//! * only the body of a loop, and the arms of a choice that it ends with, end in another iteration.

use super::{Anf, Atom, Block, BlockId, End, FuncId, Operand, Rhs, Var};
use crate::entity::EntityVec;

/// The first broken invariant, in words.
pub fn verify(anf: &Anf) -> Result<(), String> {
    let mut checker = Checker {
        anf,
        bound: EntityVec::filled(false, anf.vars.len()),
        visible: EntityVec::filled(false, anf.vars.len()),
        placed: EntityVec::filled(false, anf.blocks.len()),
    };
    for (id, function) in anf.functions.iter() {
        checker.scope(&function.params, function.body, &[], Some(id))?;
    }
    match anf.main {
        Some(main) => checker.scope(&anf.inputs, main, &anf.results, None),
        None => Err("there is no main block".into()),
    }
}

struct Checker<'a> {
    anf: &'a Anf,
    bound: EntityVec<Var, bool>,
    visible: EntityVec<Var, bool>,
    placed: EntityVec<BlockId, bool>,
}

/// Where to go on in a block.
struct Frame {
    block: BlockId,
    next: usize,
    /// How many values another iteration of the loop around takes, if the block may end in one.
    iterates: Option<usize>,
}

impl Frame {
    /// Whether the binding before `next` ends the block.
    fn is_last(&self, block: &Block) -> bool {
        let Some(binding) = block.bindings.get(self.next - 1) else { return false };
        let is_result = match block.end {
            End::Value(Atom::Var(var)) => var == binding.var,
            End::Value(Atom::Literal(_)) | End::Recur(_) => false,
        };
        self.next == block.bindings.len() && is_result
    }
}

impl Checker<'_> {
    fn bind(&mut self, var: Var) -> Result<(), String> {
        if std::mem::replace(&mut self.bound[var], true) {
            return Err(format!("{var} is bound twice"));
        }
        self.visible[var] = true;
        Ok(())
    }

    fn used(&self, atom: Atom) -> Result<(), String> {
        match atom {
            Atom::Var(var) if !self.visible[var] => Err(format!("{var} is used where it is not bound")),
            Atom::Var(_) | Atom::Literal(_) => Ok(()),
        }
    }

    fn all_used(&self, operands: &[Operand]) -> Result<(), String> {
        operands.iter().try_for_each(|o| self.used(o.atom))
    }

    fn enter(&mut self, block: BlockId, iterates: Option<usize>) -> Result<Frame, String> {
        if std::mem::replace(&mut self.placed[block], true) {
            return Err(format!("{block} stands in two places"));
        }
        Ok(Frame { block, next: 0, iterates })
    }

    fn scope(
        &mut self,
        params: &[Var],
        body: BlockId,
        results: &[Atom],
        id: Option<FuncId>,
    ) -> Result<(), String> {
        let anf = self.anf;
        for &param in params {
            self.bind(param)?;
        }
        let mut stack = vec![self.enter(body, None)?];
        while let Some(frame) = stack.last_mut() {
            let block = &anf.blocks[frame.block];
            let Some(binding) = block.bindings.get(frame.next) else {
                match &block.end {
                    End::Value(value) => self.used(*value)?,
                    End::Recur(values) if frame.iterates == Some(values.len()) => self.all_used(values)?,
                    End::Recur(values) => {
                        return Err(format!("{} ends in recur of {} values", frame.block, values.len()));
                    }
                }
                if stack.len() == 1 {
                    results.iter().try_for_each(|&r| self.used(r))?;
                }
                for binding in &block.bindings {
                    self.visible[binding.var] = false;
                }
                stack.pop();
                // What the block is a part of is bound when all its parts are done.
                if let Some(outer) = stack.last() {
                    let block = &anf.blocks[outer.block];
                    let done = &block.bindings[outer.next - 1];
                    match &done.rhs {
                        &Rhs::If(_, _, other) if !self.placed[other] => {
                            let iterates = outer.iterates.filter(|_| outer.is_last(block));
                            let next = self.enter(other, iterates)?;
                            stack.push(next);
                        }
                        Rhs::Loop(inner) => {
                            for &var in &inner.vars {
                                self.visible[var] = false;
                            }
                            self.bind(done.var)?;
                        }
                        _ => self.bind(done.var)?,
                    }
                }
                continue;
            };
            frame.next += 1;
            match &binding.rhs {
                Rhs::Constant(_) => self.bind(binding.var)?,
                Rhs::Primitive(primitive, operands) => {
                    self.all_used(operands)?;
                    let arity = primitive.arity();
                    if operands.len() < arity.min || arity.max.is_some_and(|max| operands.len() > max) {
                        return Err(format!(
                            "{} = {} of {} operands",
                            binding.var,
                            primitive.name(),
                            operands.len()
                        ));
                    }
                    self.bind(binding.var)?;
                }
                Rhs::Call(callee, operands) => {
                    self.all_used(operands)?;
                    match anf.functions.get(*callee) {
                        Some(function) if function.params.len() == operands.len() => {}
                        _ => {
                            return Err(format!("{} = {callee} of {} operands", binding.var, operands.len()));
                        }
                    }
                    if id.is_some_and(|id| *callee >= id) && !anf.functions[*callee].recursive {
                        return Err(format!("{} calls {callee}, which does not come before it", binding.var));
                    }
                    self.bind(binding.var)?;
                }
                Rhs::Derive(form, callee, operands) => {
                    self.all_used(operands)?;
                    let more = usize::from(form.has_direction());
                    match anf.functions.get(*callee) {
                        Some(function) if function.recursive => {
                            return Err(format!(
                                "{} = derivative of {callee}, which is recursive",
                                binding.var
                            ));
                        }
                        Some(function)
                            if function.params.len() + more == operands.len()
                                && form.param() < function.params.len() => {}
                        _ => {
                            return Err(format!(
                                "{} = derivative of {callee} with {} operands",
                                binding.var,
                                operands.len()
                            ));
                        }
                    }
                    if id.is_some_and(|id| *callee >= id) {
                        return Err(format!(
                            "{} differentiates {callee}, which does not come before it",
                            binding.var
                        ));
                    }
                    self.bind(binding.var)?;
                }
                Rhs::If(condition, then, _) => {
                    self.used(condition.atom)?;
                    let iterates = frame.iterates.filter(|_| frame.is_last(block));
                    let next = self.enter(*then, iterates)?;
                    stack.push(next);
                }
                Rhs::Loop(inner) => {
                    if inner.vars.len() != inner.inits.len() {
                        return Err(format!(
                            "{} = a loop with {} first values",
                            binding.var,
                            inner.inits.len()
                        ));
                    }
                    inner.inits.iter().flatten().try_for_each(|operand| self.used(operand.atom))?;
                    inner.vars.iter().try_for_each(|&var| self.bind(var))?;
                    let next = self.enter(inner.body, Some(inner.vars.len()))?;
                    stack.push(next);
                }
            }
        }
        for &param in params {
            self.visible[param] = false;
        }
        Ok(())
    }
}
