//! What functions capture from around them, and whether it is there when they are called.

use std::collections::HashSet;

use super::analyse::Analysis;
use super::calls;
use crate::entity::EntityVec;
use crate::names::{FuncId, Var};
use crate::problem::ProblemKind;

/// Variables from around them that all functions together may use, and that all calls together may pass on: functions
/// inside functions could otherwise take memory quadratic in the text.
pub(crate) const MAX_CAPTURES: usize = 10_000_000;

impl Analysis {
    /// Collects what each function captures, its callees' captures included.
    pub(super) fn close_functions(&mut self, components: &calls::Components) {
        let callees = calls::callees(self.resolved.functions.len(), self.calls.iter());
        let mut captures: EntityVec<FuncId, HashSet<Var>> =
            EntityVec::filled(HashSet::new(), self.resolved.functions.len());
        for &(function, var) in &self.uses {
            captures[function].insert(var);
        }
        let mut callers: EntityVec<FuncId, Vec<FuncId>> =
            EntityVec::filled(Vec::new(), self.resolved.functions.len());
        let mut total = 0;
        for (k, members) in components.order.iter().enumerate() {
            for &function in members {
                let mut all = std::mem::take(&mut captures[function]);
                for &callee in &callees[function] {
                    if components.of[callee] == k {
                        callers[callee].push(function);
                        continue;
                    }
                    let theirs = self.resolved.functions[callee].captures.iter().copied();
                    all.extend(theirs.filter(|&var| self.owners[var] != Some(function)));
                }
                total += all.len();
                captures[function] = all;
            }
            // Functions that call each other capture what the others do.
            let mut spread: Vec<(FuncId, Var)> = Vec::new();
            if members.len() > 1 {
                spread.extend(members.iter().flat_map(|&m| captures[m].iter().map(move |&var| (m, var))));
            }
            while let Some((callee, var)) = spread.pop() {
                if total > MAX_CAPTURES {
                    break;
                }
                for &caller in &callers[callee] {
                    if self.owners[var] != Some(caller) && captures[caller].insert(var) {
                        total += 1;
                        spread.push((caller, var));
                    }
                }
            }
            if total > MAX_CAPTURES {
                let span = self.resolved.functions[members[0]].span;
                return self.error(span, ProblemKind::TooManyCaptures { limit: MAX_CAPTURES });
            }
            for &function in members {
                let mut captures: Vec<Var> = std::mem::take(&mut captures[function]).into_iter().collect();
                captures.sort();
                self.resolved.functions[function].captures = captures;
            }
        }
        self.pass_captures();
        self.use_before_definition();
    }

    /// Refuses calls that pass on too many variables together.
    fn pass_captures(&mut self) {
        let mut total = 0;
        for call in &self.calls {
            total += self.resolved.functions[call.function].captures.len();
            if total > MAX_CAPTURES {
                return self.error(call.span, ProblemKind::TooManyPassed { limit: MAX_CAPTURES });
            }
        }
    }

    /// Refuses calls of functions that use a value which is defined only after the call.
    fn use_before_definition(&mut self) {
        let late: EntityVec<FuncId, Vec<Var>> = {
            let mut late = EntityVec::new();
            for function in self.resolved.functions.values() {
                late.push(function.captures.iter().copied().filter(|&var| self.defined[var] > 0).collect());
            }
            late
        };
        let mut errors = Vec::new();
        for call in &self.calls {
            let early = late[call.function]
                .iter()
                .find(|&&v| self.owners[v] == call.from && self.defined[v] > call.at);
            if let Some(&var) = early {
                let function = self.resolved.functions[call.function].name.clone();
                let info = &self.resolved.vars[var];
                let kind = ProblemKind::UsesBeforeDefinition {
                    function,
                    name: info.name.to_string(),
                    defined: info.span,
                };
                errors.push((call.span, kind));
            }
        }
        errors.into_iter().for_each(|(span, kind)| self.error(span, kind));
    }
}
