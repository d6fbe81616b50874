//! What the text says of variables and functions before anything is evaluated.

use std::collections::{HashMap, HashSet};

use crate::ast::Expr;
use crate::entity::EntityVec;
use crate::names::{FuncId, Var};
use crate::problem::{Problem, ProblemKind};
use crate::resolve::calls::components;
use crate::resolve::captures::MAX_CAPTURES;
use crate::resolve::names::{Form, Node, Scoped};

/// A call in tail position may give a function.
const ALWAYS: u8 = 1;
/// It may if one of the operands or captured values is a function.
const IF_GIVEN: u8 = 2;

/// What is known of a program.
pub struct Usage {
    /// Variables around it that a function, or one that it refers to, uses; none of them stands at the top.
    pub free: EntityVec<FuncId, Vec<Var>>,
    /// Whether a variable is called like a function, or bound to a parameter that is.
    pub called: EntityVec<Var, bool>,
    /// For a variable, of which calls it is an operand: the variable that is called there, and the position.
    pub passed: EntityVec<Var, Vec<(Var, usize)>>,
    gives: EntityVec<FuncId, u8>,
}

impl Usage {
    /// Takes time in proportion to the size of the program, and to what functions use from around them.
    ///
    /// # Errors
    ///
    /// Functions that use more than [`MAX_CAPTURES`] variables from around them.
    pub fn of(scoped: &Scoped) -> Result<Usage, Problem> {
        Ok(Usage {
            free: free(scoped)?,
            called: called(scoped),
            passed: passed(scoped),
            gives: gives(scoped),
        })
    }

    /// Whether a call of a function may give a function. `functions` says whether one of its operands or captured values is
    /// a function.
    pub fn may_give_function(&self, id: FuncId, functions: bool) -> bool {
        let gives = self.gives[id];
        gives & ALWAYS != 0 || functions && gives & IF_GIVEN != 0
    }
}

fn free(scoped: &Scoped) -> Result<EntityVec<FuncId, Vec<Var>>, Problem> {
    let count = scoped.functions.len();
    let mut callees: EntityVec<FuncId, Vec<FuncId>> = EntityVec::filled(Vec::new(), count);
    for &(from, to) in &scoped.references {
        callees[from].push(to);
    }
    let mut free: EntityVec<FuncId, Vec<Var>> = EntityVec::filled(Vec::new(), count);
    let top: HashSet<Var> =
        scoped.globals.iter().map(|g| g.0).chain(scoped.free.iter().map(|f| f.1)).collect();
    for &(function, var) in &scoped.uses {
        if !top.contains(&var) {
            free[function].push(var);
        }
    }
    let mut total = 0;
    for members in components(&callees).order {
        // Those that refer to each other use the same, but for what is their own.
        loop {
            let mut changed = false;
            for &member in &members {
                let mut all = std::mem::take(&mut free[member]);
                let before = all.len();
                for &callee in &callees[member] {
                    all.extend(
                        free[callee].iter().copied().filter(|&var| scoped.owners[var] != Some(member)),
                    );
                }
                all.sort();
                all.dedup();
                changed |= all.len() > before && members.len() > 1;
                free[member] = all;
            }
            if !changed {
                break;
            }
        }
        total += members.iter().map(|&member| free[member].len()).sum::<usize>();
        if total > MAX_CAPTURES {
            let kind = ProblemKind::TooManyCaptures { limit: MAX_CAPTURES };
            return Err(Problem::new(scoped.functions[members[0]].span, kind));
        }
    }
    Ok(free)
}

fn called(scoped: &Scoped) -> EntityVec<Var, bool> {
    let mut called = EntityVec::filled(false, scoped.vars.len());
    let mut found = Vec::new();
    // From what is called to what is bound to it.
    let mut from: HashMap<Var, Vec<Var>> = HashMap::new();
    let var = |expr: Expr| match scoped.nodes[expr] {
        Node::Var(var) => Some(var),
        _ => None,
    };
    let mut bound = |to: Var, value: Expr| {
        if let Some(var) = var(value) {
            from.entry(to).or_default().push(var);
        }
    };
    for node in scoped.nodes.values() {
        match node {
            Node::Apply(head, args) => {
                choices(scoped, *head, &mut found);
                if let Node::Function(id) = scoped.nodes[*head] {
                    scoped.functions[id].params.iter().zip(args).for_each(|(&param, &arg)| bound(param, arg));
                }
            }
            Node::Form(Form::Derivative | Form::Jvp | Form::Vjp, args) => {
                args.first().into_iter().for_each(|&arg| choices(scoped, arg, &mut found));
            }
            Node::Call(id, args) => {
                scoped.functions[*id].params.iter().zip(args).for_each(|(&param, &arg)| bound(param, arg));
            }
            Node::Let(bindings, _) => bindings.iter().for_each(|&(to, value)| bound(to, value)),
            Node::Number(_)
            | Node::Var(_)
            | Node::Function(_)
            | Node::Primitive(..)
            | Node::Form(Form::Partial, _)
            | Node::If(..) => {}
        }
    }
    for &(to, value) in &scoped.globals {
        bound(to, value);
    }
    while let Some(var) = found.pop() {
        if !std::mem::replace(&mut called[var], true) {
            found.extend(from.get(&var).into_iter().flatten());
        }
    }
    called
}

/// The variables that an expression may be, as far as a choice between them goes.
fn choices(scoped: &Scoped, expr: Expr, found: &mut Vec<Var>) {
    let mut left = vec![expr];
    while let Some(expr) = left.pop() {
        match &scoped.nodes[expr] {
            Node::Var(var) => found.push(*var),
            &Node::If(_, then, other) => left.extend([then, other]),
            Node::Let(_, body) => left.push(*body),
            Node::Number(_)
            | Node::Function(_)
            | Node::Primitive(..)
            | Node::Call(..)
            | Node::Apply(..)
            | Node::Form(..) => {}
        }
    }
}

fn passed(scoped: &Scoped) -> EntityVec<Var, Vec<(Var, usize)>> {
    let mut passed: EntityVec<Var, Vec<(Var, usize)>> = EntityVec::filled(Vec::new(), scoped.vars.len());
    for node in scoped.nodes.values() {
        if let Node::Apply(head, args) = node
            && let Node::Var(callee) = scoped.nodes[*head]
        {
            for (position, &arg) in args.iter().enumerate() {
                if let Node::Var(var) = scoped.nodes[arg] {
                    passed[var].push((callee, position));
                }
            }
        }
    }
    passed
}

fn gives(scoped: &Scoped) -> EntityVec<FuncId, u8> {
    let mut values: HashMap<Var, Expr> = scoped.globals.iter().copied().collect();
    for node in scoped.nodes.values() {
        if let Node::Let(bindings, _) = node {
            values.extend(bindings.iter().copied());
        }
    }
    let count = scoped.functions.len();
    let mut gives: EntityVec<FuncId, u8> = EntityVec::filled(0, count);
    let mut callers: EntityVec<FuncId, Vec<FuncId>> = EntityVec::filled(Vec::new(), count);
    for (id, function) in scoped.functions.iter() {
        let mut left = vec![function.body];
        // Each variable once.
        let mut seen = HashSet::new();
        while let Some(expr) = left.pop() {
            match &scoped.nodes[expr] {
                Node::Number(_) | Node::Primitive(..) | Node::Form(Form::Jvp | Form::Vjp, _) => {}
                Node::Var(var) => {
                    gives[id] |= IF_GIVEN;
                    if seen.insert(*var) {
                        left.extend(values.get(var));
                    }
                }
                Node::Function(_) | Node::Apply(..) | Node::Form(Form::Derivative | Form::Partial, _) => {
                    gives[id] |= ALWAYS;
                }
                Node::Call(callee, _) => callers[*callee].push(id),
                &Node::If(_, then, other) => left.extend([then, other]),
                Node::Let(_, body) => left.push(*body),
            }
        }
    }
    let mut left: Vec<FuncId> = gives.keys().filter(|&id| gives[id] != 0).collect();
    while let Some(id) = left.pop() {
        for caller in callers[id].clone() {
            let all = gives[caller] | gives[id];
            if all != gives[caller] {
                gives[caller] = all;
                left.push(caller);
            }
        }
    }
    gives
}
