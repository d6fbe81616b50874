//! A tree on an array of identical cells, each of which computes `eml` of two numbers.
//!
//! A cell gives its result [`Timing::cell`] cycles after its operands, and takes new operands every [`Timing::interval`]
//! cycles. Values at the same depth above the leaves are a level; in an array that takes one row each cycle every value is
//! delayed until the last of its users takes it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use neural_compiler::Diagnostic;
use neural_compiler::internals::dialect::eml::tree::{Kind, Tree, TreeNode};
use neural_compiler::internals::entity::EntityVec;
use neural_compiler::internals::graph::Graph;

use super::translate::expand::formula;
use super::translate::terms::{Formula, Term};

/// How long operations take, in cycles. The defaults are assumptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// An exponential.
    pub exp: u32,
    /// A logarithm.
    pub ln: u32,
    /// A sum or a difference, that in a cell too.
    pub add: u32,
    /// A product.
    pub mul: u32,
    /// A quotient or a square root.
    pub div: u32,
    /// From one use of a cell to the next.
    pub interval: u32,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing { exp: 8, ln: 8, add: 1, mul: 1, div: 8, interval: 1 }
    }
}

impl Timing {
    /// A cell: exponential and logarithm beside each other, then the difference.
    pub fn cell(&self) -> u64 {
        u64::from(self.exp.max(self.ln)) + u64::from(self.add)
    }

    /// An operation of a machine that has it; nothing for what takes no operator.
    fn direct(&self, term: &Term) -> Option<u64> {
        let [exp, ln, add, mul, div] = [self.exp, self.ln, self.add, self.mul, self.div].map(u64::from);
        match term {
            Term::Add(_) | Term::Sub(_) => Some(add),
            Term::Mul(_) => Some(mul),
            Term::Div(_) | Term::Sqrt(_) => Some(div),
            Term::Exp(_) | Term::Sin(_) | Term::Cos(_) => Some(exp),
            Term::Log(_) => Some(ln),
            Term::Pow(_) => Some(exp + mul + ln),
            Term::Eml(_) => Some(self.cell()),
            Term::Neg(_) | Term::Number(_) | Term::Variable(_) => None,
        }
    }
}

/// A tree as cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// Cells if equal subtrees are computed as often as they stand in the tree.
    pub tree: u128,
    /// Cells if each is computed once.
    pub shared: usize,
    /// Those of them that no variable stands below.
    pub constant: usize,
    /// For each level, the lowest first, how many of the shared cells are in it.
    pub widths: Vec<usize>,
    /// The same for the cells of the tree.
    pub tree_widths: Vec<u128>,
    /// Levels that values wait, added up over all values that change from row to row.
    pub waits: u128,
    jobs: Jobs,
}

/// The cells as jobs: those that each one waits for, and its level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Jobs {
    operands: Vec<Vec<usize>>,
    level: Vec<usize>,
}

/// One row computed by a number of cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// How many cells.
    pub cells: usize,
    /// From the first operand to the result, in cycles.
    pub length: u64,
    /// Uses of cells over those that were possible until then.
    pub utilisation: f64,
    /// Cycles from row to row if rows follow each other, at least.
    pub per_row: u64,
}

/// A machine that has the operations of a program as operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direct {
    /// How many operators.
    pub operators: usize,
    /// Cycles along the longest path.
    pub latency: u64,
}

/// The tree as cells. If constants are preloaded, what no variable stands below takes no cells.
pub fn cells(tree: &Tree, preload: bool) -> Cells {
    let mut varies = EntityVec::<TreeNode, bool>::filled(false, tree.len());
    let mut level = EntityVec::<TreeNode, usize>::filled(0, tree.len());
    let mut last_use = EntityVec::<TreeNode, usize>::filled(0, tree.len());
    let mut job = EntityVec::<TreeNode, Option<usize>>::filled(None, tree.len());
    let mut cells = Cells {
        tree: 0,
        shared: 0,
        constant: 0,
        widths: Vec::new(),
        tree_widths: Vec::new(),
        waits: 0,
        jobs: Jobs { operands: Vec::new(), level: Vec::new() },
    };
    for (node, kind) in tree.iter() {
        let Kind::Eml(left, right) = kind else {
            varies[node] = matches!(kind, Kind::Variable(_));
            continue;
        };
        varies[node] = varies[left] || varies[right];
        cells.constant += usize::from(!varies[node]);
        if preload && !varies[node] {
            continue;
        }
        level[node] = 1 + level[left].max(level[right]);
        for operand in [left, right] {
            last_use[operand] = last_use[operand].max(level[node]);
        }
        job[node] = Some(cells.shared);
        cells.shared += 1;
        let mut operands: Vec<usize> = [left, right].iter().filter_map(|&operand| job[operand]).collect();
        operands.dedup();
        cells.jobs.operands.push(operands);
        cells.jobs.level.push(level[node]);
        if cells.widths.len() < level[node] {
            cells.widths.push(0);
        }
        cells.widths[level[node] - 1] += 1;
    }
    cells.tree_widths = vec![0; cells.widths.len()];
    let mut copies = EntityVec::<TreeNode, u128>::filled(0, tree.len());
    copies[tree.root()] = 1;
    for (node, kind) in tree.iter().rev() {
        let copies_here = copies[node];
        if varies[node] {
            cells.waits += last_use[node].saturating_sub(level[node] + 1) as u128;
        }
        if let (Kind::Eml(left, right), true) = (kind, job[node].is_some()) {
            cells.tree = cells.tree.saturating_add(copies_here);
            let width = &mut cells.tree_widths[level[node] - 1];
            *width = width.saturating_add(copies_here);
            for operand in [left, right] {
                copies[operand] = copies[operand].saturating_add(copies_here);
            }
        }
    }
    cells
}

impl Cells {
    /// Cells on the longest path.
    pub fn depth(&self) -> usize {
        self.widths.len()
    }

    /// Cycles from operands to result if there are cells enough.
    pub fn latency(&self, timing: &Timing) -> u64 {
        self.depth() as u64 * timing.cell()
    }

    /// Registers, a word each, that keep values until they are used if a row comes in every cycle.
    pub fn registers(&self, timing: &Timing) -> u128 {
        self.waits.saturating_mul(u128::from(timing.cell()))
    }

    /// One row on so many cells, at least one, by list scheduling: of what could begin, the cell with the longest path
    /// to the root does.
    pub fn schedule(&self, cells: usize, timing: &Timing) -> Schedule {
        let jobs = self.shared;
        let cells = cells.max(1);
        let mut waits: Vec<usize> = self.jobs.operands.iter().map(Vec::len).collect();
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); jobs];
        let mut to_root = vec![0usize; jobs];
        for job in (0..jobs).rev() {
            for &operand in &self.jobs.operands[job] {
                users[operand].push(job);
                to_root[operand] = to_root[operand].max(to_root[job] + 1);
            }
        }
        let (latency, interval) = (timing.cell(), u64::from(timing.interval.max(1)));
        let mut ready: BinaryHeap<(usize, Reverse<usize>)> =
            (0..jobs).filter(|&job| waits[job] == 0).map(|job| (to_root[job], Reverse(job))).collect();
        let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        // Until when cells are taken; all others are free.
        let mut taken: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
        let (mut now, mut length) = (0, 0);
        loop {
            while taken.peek().is_some_and(|&Reverse(until)| until <= now) {
                taken.pop();
            }
            while let Some(&Reverse((end, job))) = running.peek()
                && end <= now
            {
                running.pop();
                for &user in &users[job] {
                    waits[user] -= 1;
                    if waits[user] == 0 {
                        ready.push((to_root[user], Reverse(user)));
                    }
                }
            }
            while taken.len() < cells
                && let Some((_, Reverse(job))) = ready.pop()
            {
                taken.push(Reverse(now + interval));
                running.push(Reverse((now + latency, job)));
                length = now + latency;
            }
            let end = running.peek().map(|&Reverse((end, _))| end);
            let free = taken.peek().filter(|_| !ready.is_empty()).map(|&Reverse(until)| until);
            match [end, free].into_iter().flatten().min() {
                Some(next) => now = next,
                None => break,
            }
        }
        let possible = cells as f64 * length as f64;
        Schedule {
            cells,
            length,
            utilisation: if jobs == 0 { 0.0 } else { jobs as f64 * interval as f64 / possible },
            per_row: (jobs as u64).div_ceil(cells as u64) * interval,
        }
    }

    /// How often each width occurs, the widest first.
    pub fn histogram(&self) -> Vec<(usize, usize)> {
        let distinct: BTreeSet<usize> = self.widths.iter().copied().collect();
        let count = |width: usize| self.widths.iter().filter(|&&other| other == width).count();
        distinct.into_iter().rev().map(|width| (width, count(width))).collect()
    }
}

/// The program on operators of its own.
///
/// # Errors
///
/// Operations that have no tree.
#[expect(clippy::result_large_err, reason = "an error ends a command, so its size costs nothing")]
pub fn direct(graph: &Graph, timing: &Timing) -> Result<Direct, Diagnostic> {
    let (formula, _) = formula(graph)?;
    Ok(direct_formula(&formula, timing))
}

fn direct_formula(formula: &Formula, timing: &Timing) -> Direct {
    use egg::Language;
    let mut ends: Vec<u64> = Vec::with_capacity(formula.len());
    let mut direct = Direct { operators: 0, latency: 0 };
    for term in formula {
        let start = term.children().iter().map(|&id| ends[usize::from(id)]).max().unwrap_or(0);
        let takes = timing.direct(term);
        direct.operators += usize::from(takes.is_some());
        ends.push(start + takes.unwrap_or(0));
    }
    direct.latency = ends.last().copied().unwrap_or(0);
    direct
}

#[cfg(test)]
mod tests {
    use super::*;
    use neural_compiler::ReaderLimits;
    use neural_compiler::internals::dialect::eml::{Grammar, reader};

    fn of(text: &str, preload: bool) -> Cells {
        cells(&reader::read(text, Grammar::Literal, &ReaderLimits::default()).unwrap(), preload)
    }

    #[test]
    fn levels_and_waits() {
        // x waits two levels for the root; eml(x, 1) stands twice and is one cell.
        let cells = of("eml(eml(eml(y,1),eml(y,1)),x)", false);
        assert_eq!((cells.tree, cells.shared, cells.constant, cells.depth()), (4, 3, 0, 3));
        assert_eq!((cells.widths.clone(), cells.tree_widths.clone()), (vec![1, 1, 1], vec![2, 1, 1]));
        let timing = Timing::default();
        assert_eq!((cells.waits, cells.registers(&timing), cells.latency(&timing)), (2, 18, 27));
        let fixed = of("eml(x,eml(eml(1,1),1))", true);
        assert_eq!((fixed.shared, fixed.constant, fixed.depth()), (1, 2, 1));
        assert_eq!(of("eml(x,eml(eml(1,1),1))", false).depth(), 3);
        assert_eq!(of("x", false).depth(), 0);
    }

    #[test]
    fn schedules() {
        // Four independent cells, then two, then the root.
        let cells = of("eml(eml(eml(a,1),eml(b,1)),eml(eml(c,1),eml(d,1)))", false);
        let timing = Timing { exp: 2, ln: 3, add: 1, interval: 4, ..Timing::default() };
        assert_eq!(timing.cell(), 4);
        let lengths: Vec<u64> = [1, 2, 3, 4, 9].iter().map(|&p| cells.schedule(p, &timing).length).collect();
        assert_eq!(lengths, [28, 16, 16, 12, 12]);
        assert_eq!(cells.schedule(1, &timing).utilisation, 1.0);
        // Pipelined, one cell begins a job each cycle.
        let pipelined = Timing { interval: 1, ..timing };
        let one = cells.schedule(1, &pipelined);
        assert_eq!((one.length, one.per_row), (15, 7));
        assert_eq!(of("x", false).schedule(3, &timing).length, 0);
    }

    #[test]
    fn a_long_chain() {
        let text = format!("{}x{}", "eml(1,".repeat(100_000), ")".repeat(100_000));
        let cells = of(&text, false);
        let timing = Timing::default();
        assert_eq!(cells.schedule(4, &timing).length, cells.latency(&timing));
    }
}
