//! Which calls repeat: the call graph, its cycles, and what each call becomes.

use std::collections::HashSet;

use super::analyse::{Analysis, Call};
use super::{CallKind, Group, Kind};
use crate::entity::EntityVec;
use crate::names::FuncId;
use crate::problem::ProblemKind;

/// Work that the loops of mutually recursive functions may take together. Each function that such a group is entered by
/// has a loop of its own, with the bodies of all others in it.
const MAX_LOOP_WORK: usize = 1 << 22;

/// Functions that can reach each other.
pub(crate) struct Components {
    /// Callees before callers.
    pub order: Vec<Vec<FuncId>>,
    /// Which of them a function is in.
    pub of: EntityVec<FuncId, usize>,
}

/// The strongly connected components of a graph.
pub(crate) fn components(callees: &EntityVec<FuncId, Vec<FuncId>>) -> Components {
    const NEW: u32 = 0;
    const DONE: u32 = u32::MAX;
    let count = callees.len();
    // When a function was found, and the earliest on the stack that it reaches.
    let mut found: EntityVec<FuncId, u32> = EntityVec::filled(NEW, count);
    let mut low: EntityVec<FuncId, u32> = EntityVec::filled(NEW, count);
    let mut components = Components { order: Vec::new(), of: EntityVec::filled(0, count) };
    let (mut path, mut open, mut time) = (Vec::new(), Vec::new(), 0);
    for root in callees.keys() {
        path.push((root, 0));
        while let Some((function, next)) = path.pop() {
            if next == 0 {
                if found[function] != NEW {
                    continue;
                }
                time += 1;
                found[function] = time;
                low[function] = time;
                open.push(function);
            }
            if let Some(&callee) = callees[function].get(next) {
                path.push((function, next + 1));
                match found[callee] {
                    NEW => path.push((callee, 0)),
                    DONE => {}
                    seen => low[function] = low[function].min(seen),
                }
                continue;
            }
            if low[function] == found[function] {
                let mut members = Vec::new();
                while let Some(member) = open.pop() {
                    found[member] = DONE;
                    components.of[member] = components.order.len();
                    members.push(member);
                    if member == function {
                        break;
                    }
                }
                members.sort();
                components.order.push(members);
            }
            if let Some(&(caller, _)) = path.last() {
                low[caller] = low[caller].min(low[function]);
            }
        }
    }
    components
}

/// What each function calls, each callee once.
pub(super) fn callees<'c>(
    count: usize,
    calls: impl Iterator<Item = &'c Call>,
) -> EntityVec<FuncId, Vec<FuncId>> {
    let mut callees: EntityVec<FuncId, Vec<FuncId>> = EntityVec::filled(Vec::new(), count);
    for call in calls {
        if let Some(from) = call.from {
            callees[from].push(call.function);
        }
    }
    let mut last: EntityVec<FuncId, Option<FuncId>> = EntityVec::filled(None, count);
    for function in callees.keys().collect::<Vec<_>>() {
        callees[function].retain(|&callee| last[callee].replace(function) != Some(function));
    }
    callees
}

impl Analysis {
    /// Says of each call what becomes of it, and which functions are the bodies of loops.
    pub(super) fn classify(&mut self, all: &Components) {
        let count = self.resolved.functions.len();
        let inside = |call: &Call| call.from.is_some_and(|from| all.of[from] == all.of[call.function]);
        let tail = components(&callees(count, self.calls.iter().filter(|call| call.tail && inside(call))));
        let iterates = |call: &Call| {
            call.tail && inside(call) && call.from.is_some_and(|from| tail.of[from] == tail.of[call.function])
        };
        let mut looped = vec![false; tail.order.len()];
        let mut recursive = vec![false; all.order.len()];
        for call in &self.calls {
            if iterates(call) {
                looped[tail.of[call.function]] = true;
            } else if inside(call) {
                recursive[all.of[call.function]] = true;
            }
        }
        for (members, _) in tail.order.iter().zip(&looped).filter(|(_, looped)| **looped) {
            for &member in members {
                self.resolved.functions[member].group = Some(self.resolved.groups.len() as u32);
            }
            self.resolved.groups.push(Group { members: members.clone(), state: Vec::new() });
        }
        for function in self.resolved.functions.keys().collect::<Vec<_>>() {
            self.resolved.functions[function].recursive = recursive[all.of[function]];
        }
        for call in &self.calls {
            let callee = &mut self.resolved.functions[call.function];
            let kind = if iterates(call) {
                CallKind::Iterate
            } else if recursive[all.of[call.function]] {
                CallKind::Recursive
            } else if callee.group.is_some() {
                CallKind::Enter
            } else {
                CallKind::Inline
            };
            callee.entered |= kind != CallKind::Iterate;
            if let Kind::Call(.., place) = &mut self.resolved.kinds[call.expr] {
                *place = kind;
            }
        }
    }

    /// Finds out what the iterations of each loop change. Captures are known.
    pub(super) fn find_state(&mut self) {
        let mut iterations = vec![0usize; self.resolved.groups.len()];
        let mut changes: EntityVec<FuncId, Vec<bool>> = EntityVec::new();
        for function in self.resolved.functions.values() {
            changes.push(vec![false; if function.group.is_some() { function.params.len() } else { 0 }]);
        }
        for call in &self.calls {
            let function = &self.resolved.functions[call.function];
            let (Kind::Call(_, args, CallKind::Iterate), Some(group)) =
                (&self.resolved.kinds[call.expr], function.group)
            else {
                continue;
            };
            iterations[group as usize] += 1;
            for ((&param, &arg), changes) in function.params.iter().zip(args).zip(&mut changes[call.function])
            {
                *changes |= self.resolved.kinds[arg] != Kind::Var(param);
            }
        }
        let mut work = 0;
        for (k, iterations) in iterations.into_iter().enumerate() {
            let members = self.resolved.groups[k].members.clone();
            let mut state = Vec::new();
            if let &[only] = members.as_slice() {
                let params = self.resolved.functions[only].params.iter().zip(&changes[only]);
                state.extend(params.filter(|(_, changes)| **changes).map(|(&param, _)| param));
                self.resolved.groups[k].state = state;
                continue;
            }
            state.extend(members.iter().flat_map(|&m| self.resolved.functions[m].params.iter().copied()));
            let params: HashSet<_> = state.iter().copied().collect();
            let mut locals = Vec::new();
            for &member in &members {
                let owned = self.resolved.functions[member].captures.iter().copied().filter(|&var| {
                    self.owners[var]
                        .is_some_and(|owner| self.resolved.functions[owner].group == Some(k as u32))
                });
                let carried: Vec<_> = owned.collect();
                locals.extend(carried.iter().copied().filter(|var| !params.contains(var)));
                self.resolved.functions[member].carried = carried;
            }
            locals.sort();
            locals.dedup();
            state.extend(locals);
            let entries = members.iter().filter(|&&m| self.resolved.functions[m].entered).count();
            let size: usize = members.iter().map(|&m| self.sizes[m]).sum();
            work += entries * (size + (iterations + 1) * state.len());
            if work > MAX_LOOP_WORK {
                let span = self.resolved.functions[members[0]].span;
                return self.error(span, ProblemKind::TooLargeLoops { functions: members.len() });
            }
            self.resolved.groups[k].state = state;
        }
    }
}
