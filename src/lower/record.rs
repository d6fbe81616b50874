//! The implementation of [`Lanes`] that writes down what it is asked to do.

use std::cell::RefCell;
use std::collections::HashMap;

use nc_runtime::abi::Status;
use nc_runtime::lanes::{Lanes, Precision, Scalar, Scalar32};

use super::lanes::{
    CallId, Carried, Columns, Condition, FBinary, FCompare, FUnary, IBinary, Inst, LaneCall, LaneFunction,
    LaneLoop, LaneProgram, LaneType, LoopId, SBinary, Store, TableId, Target, Value,
};
use super::schedule::schedule;
use crate::entity::EntityVec;
use crate::graph::{Effect, FastHash};

/// Records instructions with value numbering: an instruction that was recorded before is not recorded again, and one
/// whose operands are constants is computed.
#[derive(Debug, Default)]
pub struct Recorder {
    precision: Precision,
    /// Whether recipes are right for all operands.
    complete: bool,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    insts: EntityVec<Value, Inst>,
    /// How many loops there are around each instruction, as far as what follows is concerned.
    depths: EntityVec<Value, usize>,
    known: HashMap<Inst, Value, FastHash>,
    tables: Vec<&'static [f64]>,
    loops: EntityVec<LoopId, LaneLoop>,
    phis: u32,
    calls: EntityVec<CallId, LaneCall>,
    cells: u32,
    pad: Option<u32>,
    arrays: bool,
    ranges: Vec<(Target, u32)>,
    /// What is outside all loops.
    outermost: Scope,
    /// The loops that are being recorded, outermost first.
    open: Vec<Scope>,
}

/// The instructions of a loop, without those of loops around it.
#[derive(Debug, Default)]
struct Scope {
    /// Whether it is an arm, which runs at most once, and what is recorded in it stays in it.
    arm: bool,
    items: Vec<Value>,
    carried: Vec<Carried>,
    conditions: Vec<Condition>,
    /// How many instructions stand before the test, once it is there.
    test: Option<usize>,
    /// What was reported as outside a fast range before the test, and behind it.
    outside: [Option<Value>; 2],
}

/// A loop of at most so many iterations, with no other loop and no call in it, is over soon.
const SHORT_LOOP: u64 = 1 << 20;

impl State {
    /// Whether a loop is over soon whatever its rows hold.
    fn is_short(&self, scope: &Scope) -> bool {
        let bounded = scope.conditions.iter().any(|condition| match *condition {
            Condition::Below(_, end) => matches!(self.insts[end], Inst::S(end) if end <= SHORT_LOOP),
            Condition::Any(_) => false,
        });
        let nests = |&value: &Value| matches!(self.insts[value], Inst::Loop(_) | Inst::Call(_));
        bounded && !scope.items.iter().any(nests)
    }

    fn scope(&mut self, depth: usize) -> &mut Scope {
        match depth.checked_sub(1) {
            Some(k) => &mut self.open[k],
            None => &mut self.outermost,
        }
    }

    /// The depth of the innermost arm that is open: what is recorded stays in it.
    fn arm_depth(&self) -> usize {
        self.open.iter().rposition(|scope| scope.arm).map_or(0, |arm| arm + 1)
    }

    /// Adds an instruction to the loop at a depth.
    fn push(&mut self, inst: Inst, depth: usize) -> Value {
        let value = self.insts.push(inst);
        self.depths.push(depth);
        self.scope(depth).items.push(value);
        value
    }
}

/// A constant lane; a number by its bits.
#[derive(Clone, Copy)]
enum Constant {
    F(u64),
    M(bool),
    I(i64),
    S(u64),
}

/// Lanes whose numbers and integers have bits that can be looked at.
trait Host: Lanes<M = bool> {
    fn number(bits: u64) -> Self::F;
    fn bits_of(number: Self::F) -> u64;
    fn signed(integer: Self::I) -> i64;
}

impl Host for Scalar {
    fn number(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
    fn bits_of(number: f64) -> u64 {
        number.to_bits()
    }
    fn signed(integer: i64) -> i64 {
        integer
    }
}

impl Host for Scalar32 {
    fn number(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }
    fn bits_of(number: f32) -> u64 {
        number.to_bits().into()
    }
    fn signed(integer: i32) -> i64 {
        integer.into()
    }
}

impl Recorder {
    /// Nothing recorded; numbers are of this precision. Recipes are [complete](Lanes::complete), or report rows.
    pub fn new(precision: Precision, complete: bool) -> Recorder {
        Recorder { precision, complete, state: RefCell::default() }
    }

    /// Nothing recorded, for instructions that look at the tables of another program.
    #[cfg(feature = "jit")]
    pub(super) fn like(program: &LaneProgram) -> Recorder {
        let recorder = Recorder::new(program.precision, false);
        recorder.state.borrow_mut().tables.clone_from(&program.tables);
        recorder
    }

    /// How many instructions there are beside constants and arguments.
    pub(super) fn operations(&self) -> usize {
        let state = self.state.borrow();
        state.insts.values().filter(|i| !i.is_constant() && !matches!(i, Inst::Argument(..))).count()
    }

    /// The rows' numbers in an input column.
    pub fn column(&self, index: u32) -> Value {
        self.record(Inst::Column(index))
    }

    /// An element of the parameters.
    pub fn param(&self, index: u32) -> Value {
        self.record(Inst::Param(index))
    }

    fn constant_of(&self, value: Value) -> Option<Constant> {
        match self.state.borrow().insts[value] {
            Inst::F(bits) => Some(Constant::F(bits)),
            Inst::M(value) => Some(Constant::M(value)),
            Inst::I(value) => Some(Constant::I(value)),
            Inst::S(value) => Some(Constant::S(value)),
            _ => None,
        }
    }

    /// The instruction that a value is.
    pub(super) fn inst(&self, value: Value) -> Inst {
        self.state.borrow().insts[value]
    }

    /// Whether a mask holds everywhere, or nowhere, if that is known.
    pub(super) fn truth(&self, mask: Value) -> Option<bool> {
        match self.constant_of(mask) {
            Some(Constant::M(value)) => Some(value),
            _ => None,
        }
    }

    /// The value of an instruction, computed if its operands are constants.
    pub(super) fn record(&self, inst: Inst) -> Value {
        let inst = match inst {
            Inst::FBinary(op @ (FBinary::Add | FBinary::Mul), a, b) if b < a => Inst::FBinary(op, b, a),
            Inst::FCompare(op @ (FCompare::Eq | FCompare::Ne), a, b) if b < a => Inst::FCompare(op, b, a),
            Inst::And(a, b) if b < a => Inst::And(b, a),
            Inst::Or(a, b) if b < a => Inst::Or(b, a),
            Inst::Fma(a, b, c) if b < a => Inst::Fma(b, a, c),
            other => other,
        };
        if let Some(&value) = self.state.borrow().known.get(&inst) {
            return value;
        }
        if let Some(value) = self.simplified(inst) {
            self.state.borrow_mut().known.insert(inst, value);
            return value;
        }
        // What does not change in a loop is computed before it.
        let mut state = self.state.borrow_mut();
        let leaf = matches!(inst, Inst::Column(_) | Inst::Param(_)) || inst.is_constant();
        let mut depth = if leaf { 0 } else { state.arm_depth() };
        inst.for_each_operand(|v| depth = depth.max(state.depths[v]));
        let value = state.push(inst, depth);
        state.known.insert(inst, value);
        value
    }

    /// Adds an instruction that stays where it is.
    fn effect(&self, inst: Inst) -> Value {
        let mut state = self.state.borrow_mut();
        let depth = state.open.len();
        state.push(inst, depth)
    }

    /// How many loops are open.
    pub(super) fn depth(&self) -> usize {
        self.state.borrow().open.len()
    }

    /// Begins a loop.
    pub(super) fn begin(&self) {
        self.state.borrow_mut().open.push(Scope::default());
    }

    /// Begins a part that is run if the mask holds in any row, and whose reports count in those rows.
    pub(super) fn begin_arm(&self, mask: Value) {
        self.state.borrow_mut().open.push(Scope { arm: true, ..Scope::default() });
        let rows = self.phi(mask);
        self.test(vec![Condition::Any(rows)]);
        self.next(rows, self.m(false));
    }

    /// Ends the innermost part of that kind. Returns what stands for values of it in what follows, in rows in which the mask
    /// holds.
    pub(super) fn end_arm(&self, mask: Value, values: &[Value]) -> Vec<Value> {
        let left = values
            .iter()
            .map(|&value| {
                let otherwise = match self.state.borrow().insts[value].ty() {
                    LaneType::M => Inst::M(false),
                    LaneType::F | LaneType::I | LaneType::S | LaneType::Nothing => Inst::F(0),
                };
                let phi = self.phi(self.record(otherwise));
                self.next(phi, value);
                phi
            })
            .collect();
        self.end(Some(mask));
        left
    }

    /// A value that the innermost loop hands from one iteration to the next. [`Recorder::next`] says what.
    pub(super) fn phi(&self, first: Value) -> Value {
        let state = &mut *self.state.borrow_mut();
        let depth = state.open.len();
        let ty = state.insts[first].ty();
        let phi = state.insts.push(Inst::Phi(ty, state.phis));
        state.phis += 1;
        state.depths.push(depth);
        state.scope(depth).carried.push(Carried { phi, first, next: phi });
        phi
    }

    /// What the next iteration of the innermost loop gets for a phi.
    pub(super) fn next(&self, phi: Value, next: Value) {
        let mut state = self.state.borrow_mut();
        let depth = state.open.len();
        if let Some(carried) = state.scope(depth).carried.iter_mut().find(|c| c.phi == phi) {
            carried.next = next;
        }
    }

    /// The innermost loop ends here unless all conditions hold.
    pub(super) fn test(&self, conditions: Vec<Condition>) {
        let mut state = self.state.borrow_mut();
        let depth = state.open.len();
        let scope = state.scope(depth);
        scope.conditions = conditions;
        scope.test = Some(scope.items.len());
    }

    /// Ends the innermost loop. `active` tells which rows take part in an iteration; `None` if all do.
    pub(super) fn end(&self, active: Option<Value>) {
        let depth = self.state.borrow().open.len();
        let [before, behind] = self.state.borrow_mut().scope(depth).outside;
        let behind = behind.map(|m| active.map_or(m, |active| self.and(m, active)));
        let reported = match (before, behind) {
            (None, None) => None,
            _ => {
                let never = self.m(false);
                let phi = self.phi(never);
                let all = [before, behind].into_iter().flatten().fold(phi, |a, b| self.or(a, b));
                self.next(phi, all);
                Some((phi, before))
            }
        };
        {
            let mut state = self.state.borrow_mut();
            let scope = state.open.pop().expect("a loop that ends has begun");
            let test = scope.test.expect("a loop that ends has a test");
            // What stands behind the test is not there for what follows the loop, what stands before it is.
            for &value in &scope.items[test..] {
                let inst = state.insts[value];
                if state.known.get(&inst) == Some(&value) {
                    state.known.remove(&inst);
                }
            }
            for &value in &scope.items[..test] {
                state.depths[value] = state.depths[value].min(depth - 1);
            }
            for carried in &scope.carried {
                state.depths[carried.phi] = depth - 1;
            }
            let phis: Vec<Value> = scope.carried.iter().map(|c| c.phi).collect();
            let watched = !scope.arm && !state.is_short(&scope);
            let (carried, conditions) = (scope.carried, scope.conditions);
            let id = state.loops.push(LaneLoop { carried, conditions, watched, once: scope.arm });
            let begin = state.push(Inst::Loop(id), depth - 1);
            debug_assert_eq!(state.depths[begin], depth - 1);
            let outer = state.scope(depth - 1);
            outer.items.extend(phis);
            outer.items.extend(&scope.items[..test]);
            state.push(Inst::Test(id), depth - 1);
            state.scope(depth - 1).items.extend(&scope.items[test..]);
            state.push(Inst::End(id), depth - 1);
        }
        if let Some((phi, before)) = reported {
            self.outside(before.map_or(phi, |before| self.or(phi, before)));
        }
    }

    /// So many memory cells that nothing else uses.
    pub(super) fn cells(&self, count: u32) -> u32 {
        let mut state = self.state.borrow_mut();
        let first = state.cells;
        // What is more than all memory is refused later.
        state.cells = state.cells.saturating_add(count);
        first
    }

    /// There are values of many elements.
    pub(super) fn has_arrays(&self) {
        self.state.borrow_mut().arrays = true;
    }

    pub(super) fn load(&self, ty: LaneType, cell: u32, offset: Value) -> Value {
        self.effect(Inst::Load(ty, cell, offset))
    }

    pub(super) fn store(&self, cell: u32, offset: Value, value: Value) {
        self.effect(Inst::StoreCell(cell, offset, value));
    }

    /// The two cells through which elements go that each row has at a place of its own.
    fn pad(&self) -> u32 {
        let known = self.state.borrow().pad;
        known.unwrap_or_else(|| {
            let pad = self.cells(2);
            self.state.borrow_mut().pad = Some(pad);
            pad
        })
    }

    /// For each row the number in the cell at an offset from a fixed one and further by an integer of the row, or no further if that
    /// is not below `count`.
    pub(super) fn fetch(&self, cell: u32, offset: Value, place: Value, count: Value) -> Value {
        let (pad, zero) = (self.pad(), self.s(0));
        self.store(pad, zero, place);
        self.effect(Inst::Fetch(cell, offset, count));
        self.load(LaneType::F, pad + 1, zero)
    }

    /// Puts a number where [`Recorder::fetch`] takes it from.
    pub(super) fn deposit(&self, cell: u32, offset: Value, place: Value, count: Value, number: Value) {
        let (pad, zero) = (self.pad(), self.s(0));
        self.store(pad, zero, place);
        self.store(pad + 1, zero, number);
        self.effect(Inst::Deposit(cell, offset, count));
    }

    pub(super) fn column_at(&self, first: u32, offset: Value) -> Value {
        self.record(Inst::ColumnAt(first, offset))
    }

    pub(super) fn param_at(&self, first: u32, offset: Value) -> Value {
        self.record(Inst::ParamAt(first, offset))
    }

    /// A result whose elements are written one by one: see [`Recorder::write`].
    pub(super) fn range(&self, first: Target, len: u32) {
        self.state.borrow_mut().ranges.push((first, len));
    }

    /// Writes an element of a result.
    pub(super) fn write(&self, first: Target, offset: Value, value: Value) {
        self.effect(match first {
            Target::Column(k) => Inst::StoreColumn(k, offset, value),
            Target::Partial(k) => Inst::AddPartial(k, offset, value),
        });
    }

    /// An operand of the function that is being recorded.
    pub(super) fn argument(&self, ty: LaneType, index: u32) -> Value {
        let mut state = self.state.borrow_mut();
        state.push(Inst::Argument(ty, index), 0)
    }

    /// A call; returns its results.
    pub(super) fn call(&self, call: LaneCall) -> Vec<Value> {
        let count = call.results;
        let id = self.state.borrow_mut().calls.push(call);
        self.effect(Inst::Call(id));
        (0..count).map(|k| self.effect(Inst::Returned(id, k))).collect()
    }

    pub(super) fn splat(&self, a: Value) -> Value {
        self.record(Inst::Splat(a))
    }

    pub(super) fn s(&self, value: u64) -> Value {
        self.record(Inst::S(value))
    }

    pub(super) fn s_binary(&self, op: SBinary, a: Value, b: Value) -> Value {
        self.record(Inst::SBinary(op, a, b))
    }

    pub(super) fn s_select(&self, condition: Value, a: Value, b: Value) -> Value {
        self.record(Inst::SSelect(condition, a, b))
    }

    fn simplified(&self, inst: Inst) -> Option<Value> {
        match inst {
            Inst::Select(m, a, b) => {
                if a == b {
                    return Some(a);
                }
                match self.constant_of(m)? {
                    Constant::M(m) => Some(if m { a } else { b }),
                    Constant::F(_) | Constant::I(_) | Constant::S(_) => None,
                }
            }
            // Elements that do not count in a product leave such terms and factors behind.
            Inst::FBinary(FBinary::Add, a, b) => self.neutral(a, b, -0.0).or_else(|| self.folded(inst)),
            Inst::FBinary(FBinary::Mul, a, b) => self.neutral(a, b, 1.0).or_else(|| self.folded(inst)),
            Inst::SSelect(c, a, b) => match self.constant_of(c) {
                Some(Constant::S(c)) => Some(if c != 0 { a } else { b }),
                _ => (a == b).then_some(a),
            },
            Inst::And(a, b) => self.junction(a, b, true),
            Inst::Or(a, b) => self.junction(a, b, false),
            Inst::Not(a) => {
                let operand = self.state.borrow().insts[a];
                match operand {
                    Inst::Not(inner) => Some(inner),
                    _ => self.folded(inst),
                }
            }
            _ if inst.is_constant() => None,
            _ => self.folded(inst),
        }
    }

    /// The other operand, if one is this constant, which changes no bit of it.
    fn neutral(&self, a: Value, b: Value, constant: f64) -> Option<Value> {
        let constant = self.precision.bits(constant);
        let is = |v| matches!(self.constant_of(v), Some(Constant::F(bits)) if bits == constant);
        if is(b) {
            Some(a)
        } else if is(a) {
            Some(b)
        } else {
            None
        }
    }

    fn junction(&self, a: Value, b: Value, and: bool) -> Option<Value> {
        if a == b {
            return Some(a);
        }
        for (x, y) in [(a, b), (b, a)] {
            if let Some(Constant::M(value)) = self.constant_of(y) {
                return Some(if value == and { x } else { y });
            }
        }
        None
    }

    /// The value of an instruction of constants.
    fn folded(&self, inst: Inst) -> Option<Value> {
        let mut operands = [Constant::M(false); 3];
        let mut count = 0;
        let mut all = true;
        inst.for_each_operand(|v| {
            match self.constant_of(v) {
                Some(constant) => operands[count] = constant,
                None => all = false,
            }
            count += 1;
        });
        if !all || count == 0 {
            return None;
        }
        let result = match self.precision {
            Precision::Double => self.folded_by(&Scalar::new(), inst, &operands),
            Precision::Single => self.folded_by(&Scalar32::new(), inst, &operands),
        };
        Some(match result? {
            Constant::F(bits) => self.record(Inst::F(bits)),
            Constant::M(x) => self.m(x),
            Constant::I(x) => self.i(x),
            Constant::S(x) => self.s(x),
        })
    }

    fn folded_by<L: Host>(&self, l: &L, inst: Inst, operands: &[Constant; 3]) -> Option<Constant> {
        let f = |k: usize| match operands[k] {
            Constant::F(bits) => L::number(bits),
            Constant::M(_) | Constant::I(_) | Constant::S(_) => l.f(f64::NAN),
        };
        let i = |k: usize| match operands[k] {
            Constant::I(x) => l.i(x),
            Constant::F(_) | Constant::M(_) | Constant::S(_) => l.i(0),
        };
        let s = |k: usize| match operands[k] {
            Constant::S(x) => x,
            Constant::F(_) | Constant::M(_) | Constant::I(_) => 0,
        };
        let m = |k: usize| matches!(operands[k], Constant::M(true));
        let number = |x| Constant::F(L::bits_of(x));
        let integer = |x| Constant::I(L::signed(x));
        Some(match inst {
            Inst::F(_) | Inst::I(_) | Inst::M(_) | Inst::S(_) | Inst::Column(_) | Inst::Param(_) => {
                return None;
            }
            Inst::Load(..) | Inst::ColumnAt(..) | Inst::ParamAt(..) | Inst::Phi(..) => return None,
            Inst::StoreCell(..) | Inst::StoreColumn(..) | Inst::AddPartial(..) => return None,
            Inst::Fetch(..) | Inst::Deposit(..) => return None,
            Inst::Argument(..) | Inst::Call(_) | Inst::Returned(..) => return None,
            Inst::Splat(_) => integer(l.i(s(0).cast_signed())),
            Inst::Loop(_) | Inst::Test(_) | Inst::End(_) => return None,
            Inst::SBinary(op, ..) => Constant::S(op.eval(s(0), s(1))),
            Inst::SSelect(..) => Constant::S(if s(0) != 0 { s(1) } else { s(2) }),
            Inst::FUnary(op, _) => number(match op {
                FUnary::Sqrt => l.sqrt(f(0)),
                FUnary::Abs => l.abs(f(0)),
                FUnary::Neg => l.neg(f(0)),
                FUnary::RoundEven => l.round_even(f(0)),
                FUnary::Floor => l.floor(f(0)),
                FUnary::Ceil => l.ceil(f(0)),
                FUnary::Trunc => l.trunc(f(0)),
            }),
            Inst::FBinary(op, ..) => number(match op {
                FBinary::Add => l.add(f(0), f(1)),
                FBinary::Sub => l.sub(f(0), f(1)),
                FBinary::Mul => l.mul(f(0), f(1)),
                FBinary::Div => l.div(f(0), f(1)),
            }),
            Inst::Fma(..) => number(l.fma(f(0), f(1), f(2))),
            Inst::FCompare(op, ..) => Constant::M(match op {
                FCompare::Lt => l.lt(f(0), f(1)),
                FCompare::Le => l.le(f(0), f(1)),
                FCompare::Eq => l.eq(f(0), f(1)),
                FCompare::Ne => l.ne(f(0), f(1)),
            }),
            Inst::Select(..) => number(l.select(m(0), f(1), f(2))),
            Inst::And(..) => Constant::M(l.and(m(0), m(1))),
            Inst::Or(..) => Constant::M(l.or(m(0), m(1))),
            Inst::Not(_) => Constant::M(l.not(m(0))),
            Inst::IBinary(op, ..) => integer(match op {
                IBinary::Add => l.iadd(i(0), i(1)),
                IBinary::Sub => l.isub(i(0), i(1)),
                IBinary::And => l.iand(i(0), i(1)),
                IBinary::Or => l.ior(i(0), i(1)),
                IBinary::Xor => l.ixor(i(0), i(1)),
            }),
            Inst::Shl(_, by) => integer(l.shl(i(0), by.into())),
            Inst::Shr(_, by) => integer(l.shr(i(0), by.into())),
            Inst::IGt(..) => Constant::M(l.igt(i(0), i(1))),
            Inst::IEq(..) => Constant::M(l.ieq(i(0), i(1))),
            Inst::Bits(_) => integer(l.bits(f(0))),
            Inst::Float(_) => number(l.float(i(0))),
            Inst::Lookup(table, _) => {
                let table = self.state.borrow().tables[table.0 as usize];
                number(l.lookup(table, i(0)))
            }
        })
    }

    /// Ends the recording: rows that fail a check get NaN, NaNs become canonical where they leave the program, and
    /// what nothing needs is dropped.
    pub(super) fn finish(
        self,
        stores: Vec<Store>,
        checks: &[(Value, Effect)],
        columns: Columns,
    ) -> LaneProgram {
        let failed = self.failed(checks);
        let stores: Vec<Store> = stores
            .into_iter()
            .map(|store| match store.target {
                Target::Column(k) if k < columns.outputs => {
                    Store { value: self.leaving(store.value, failed), ..store }
                }
                Target::Column(_) | Target::Partial(_) => store,
            })
            .collect();
        let status = self.status(checks);
        let State { insts, tables, loops, calls, cells, pad, arrays, ranges, outermost, .. } =
            self.state.into_inner();
        let functions = Vec::new();
        let program = LaneProgram {
            products: Vec::new(),
            precision: self.precision,
            insts,
            tables,
            stores,
            ranges,
            status,
            columns,
            loops,
            cells,
            pad,
            arrays,
            calls,
            functions,
            max_depth: 0,
        };
        compact(program, &outermost.items, &[]).0
    }

    /// Ends the recording of what stands for another program: its results as they leave it, and a value beside them.
    #[cfg(feature = "jit")]
    pub(super) fn finish_like(
        self,
        program: &LaneProgram,
        stores: Vec<Store>,
        beside: Value,
    ) -> (LaneProgram, Value) {
        let State { insts, tables, outermost, .. } = self.state.into_inner();
        let LaneProgram { precision, columns, .. } = *program;
        let own = LaneProgram { precision, insts, tables, stores, columns, ..LaneProgram::default() };
        let (own, beside) = compact(own, &outermost.items, &[beside]);
        (own, beside[0])
    }

    /// Which rows fail, if any can.
    pub(super) fn failed(&self, checks: &[(Value, Effect)]) -> Option<Value> {
        let failures = checks.iter().filter(|check| check.1 == Effect::Fail).map(|check| check.0);
        failures.reduce(|a, b| self.or(a, b))
    }

    /// Ends the recording of a function. What was reported as outside a fast range is its last result, as a number.
    pub(super) fn finish_function(self, mut results: Vec<Value>) -> LaneFunction {
        let [outside, _] = self.state.borrow().outermost.outside;
        let outside = outside.unwrap_or_else(|| self.m(false));
        results.push(self.select(outside, self.f(1.0), self.f(0.0)));
        let precision = self.precision;
        let State { insts, tables, loops, calls, outermost, .. } = self.state.into_inner();
        let program = LaneProgram { precision, insts, tables, loops, calls, ..LaneProgram::default() };
        let (program, results) = compact(program, &outermost.items, &results);
        LaneFunction { program, results }
    }

    /// The number as it leaves the program: NaNs canonical, NaN where the row failed.
    pub(super) fn leaving(&self, value: Value, failed: Option<Value>) -> Value {
        if let Some(constant) = self.constant(value) {
            let canonical = self.canonical(constant);
            return match failed {
                Some(failed) => self.select(failed, self.canonical(f64::NAN), canonical),
                None => canonical,
            };
        }
        let nan = match (failed, self.never_nan(value)) {
            (None, true) => return value,
            (Some(failed), true) => failed,
            (None, false) => self.is_nan(value),
            (Some(failed), false) => self.or(failed, self.is_nan(value)),
        };
        self.select(nan, self.canonical(f64::NAN), value)
    }

    /// A number; the canonical NaN if it is one.
    fn canonical(&self, value: f64) -> Value {
        self.record(Inst::F(self.precision.bits(value)))
    }

    /// Whether a value is a choice between constants that are numbers.
    fn never_nan(&self, value: Value) -> bool {
        let mut left = vec![value];
        let mut steps = 0;
        while let Some(value) = left.pop() {
            let inst = self.state.borrow().insts[value];
            match inst {
                Inst::F(bits) if !self.precision.number(bits).is_nan() => {}
                Inst::Select(_, a, b) if steps < 16 => left.extend([a, b]),
                _ => return false,
            }
            steps += 1;
        }
        true
    }

    /// The first check that fails counts, and else the first note; a row outside a fast range is evaluated again
    /// whatever else it does.
    fn status(&self, checks: &[(Value, Effect)]) -> Option<Value> {
        let [outside, _] = self.state.borrow().outermost.outside;
        let note = match self.precision {
            Precision::Double => Status::NOTE,
            Precision::Single => Status::NOTE_32.into(),
        };
        let mut status = None;
        for (effect, first) in [(Effect::Note, note), (Effect::Fail, Status::FIRST_CHECK)] {
            for (k, &(met, _)) in checks.iter().enumerate().rev().filter(|(_, check)| check.1 == effect) {
                let word = self.i((first + k as u64) as i64);
                status = Some(self.iselect(met, word, status.unwrap_or_else(|| self.i(0))));
            }
        }
        if let Some(outside) = outside {
            let word = self.i(Status::SLOW_PATH as i64);
            status = Some(self.iselect(outside, word, status.unwrap_or_else(|| self.i(0))));
        }
        status
    }
}

/// Puts the instructions into their order and drops those that nothing needs.
fn compact(program: LaneProgram, order: &[Value], results: &[Value]) -> (LaneProgram, Vec<Value>) {
    let live = live(&program, order, results);
    let mut renamed: EntityVec<Value, Option<Value>> = EntityVec::filled(None, program.insts.len());
    let mut insts = EntityVec::new();
    let order = schedule(&program, order.iter().copied().filter(|&v| live[v]).collect(), results);
    for value in order {
        let inst = program.insts[value].map_operands(|v| renamed[v].unwrap_or(v));
        renamed[value] = Some(insts.push(inst));
    }
    let rename = |v: Value| renamed[v].unwrap_or(v);
    let mut loops = program.loops.clone();
    for id in loops.keys() {
        loops[id].carried.retain(|c| live[c.phi]);
        loops[id] = loops[id].map(rename);
    }
    let mut calls = program.calls.clone();
    for id in calls.keys() {
        let call = &mut calls[id];
        (call.active, call.depth) = (rename(call.active), rename(call.depth));
        call.operands.iter_mut().for_each(|v| *v = rename(*v));
    }
    let results = results.iter().map(|&v| rename(v)).collect();
    let program = LaneProgram {
        insts,
        loops,
        calls,
        stores: program.stores.iter().map(|s| Store { value: rename(s.value), ..*s }).collect(),
        status: program.status.map(rename),
        ..program
    };
    (program, results)
}

/// What results and memory need. A loop is needed if anything in it is.
fn live(program: &LaneProgram, order: &[Value], results: &[Value]) -> EntityVec<Value, bool> {
    let mut live = EntityVec::filled(false, program.insts.len());
    let mut left: Vec<Value> = program.stores.iter().map(|s| s.value).chain(program.status).collect();
    left.extend(results);
    let mut around: EntityVec<Value, Option<LoopId>> = EntityVec::filled(None, program.insts.len());
    let mut marks: EntityVec<LoopId, Vec<Value>> = EntityVec::filled(Vec::new(), program.loops.len());
    let mut carried: HashMap<Value, Carried> = HashMap::new();
    let mut open: Vec<LoopId> = Vec::new();
    for &value in order {
        match program.insts[value] {
            Inst::Loop(id) => {
                around[value] = open.last().copied();
                carried.extend(program.loops[id].carried.iter().map(|c| (c.phi, *c)));
                marks[id].push(value);
                open.push(id);
                continue;
            }
            Inst::Test(id) => marks[id].push(value),
            Inst::End(id) => {
                marks[id].push(value);
                open.pop();
                around[value] = open.last().copied();
                continue;
            }
            // A call changes memory, too.
            Inst::Call(_) => left.push(value),
            inst if inst.writes() => left.push(value),
            _ => {}
        }
        around[value] = open.last().copied();
    }
    while let Some(value) = left.pop() {
        if std::mem::replace(&mut live[value], true) {
            continue;
        }
        match program.insts[value] {
            Inst::Phi(..) => left.extend(carried.get(&value).into_iter().flat_map(|c| [c.first, c.next])),
            Inst::Test(id) => left.extend(program.loops[id].conditions.iter().flat_map(|c| c.values())),
            Inst::Call(_) => program.for_each_use(value, |v| left.push(v)),
            inst => inst.for_each_operand(|v| left.push(v)),
        }
        if let Some(id) = around[value] {
            left.extend(&marks[id]);
        }
    }
    live
}

impl Lanes for Recorder {
    type F = Value;
    type M = Value;
    type I = Value;

    fn precision(&self) -> Precision {
        self.precision
    }
    fn f(&self, value: f64) -> Value {
        self.record(Inst::F(match self.precision {
            Precision::Double => value.to_bits(),
            Precision::Single => self.precision.bits(value),
        }))
    }
    fn i(&self, value: i64) -> Value {
        self.record(Inst::I(match self.precision {
            Precision::Double => value,
            Precision::Single => (value as i32).into(),
        }))
    }
    fn m(&self, value: bool) -> Value {
        self.record(Inst::M(value))
    }
    fn add(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FBinary(FBinary::Add, a, b))
    }
    fn sub(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FBinary(FBinary::Sub, a, b))
    }
    fn mul(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FBinary(FBinary::Mul, a, b))
    }
    fn div(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FBinary(FBinary::Div, a, b))
    }
    fn sqrt(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::Sqrt, a))
    }
    fn fma(&self, a: Value, b: Value, c: Value) -> Value {
        self.record(Inst::Fma(a, b, c))
    }
    fn abs(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::Abs, a))
    }
    fn neg(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::Neg, a))
    }
    fn round_even(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::RoundEven, a))
    }
    fn floor(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::Floor, a))
    }
    fn ceil(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::Ceil, a))
    }
    fn trunc(&self, a: Value) -> Value {
        self.record(Inst::FUnary(FUnary::Trunc, a))
    }
    fn lt(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FCompare(FCompare::Lt, a, b))
    }
    fn le(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FCompare(FCompare::Le, a, b))
    }
    fn eq(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FCompare(FCompare::Eq, a, b))
    }
    fn ne(&self, a: Value, b: Value) -> Value {
        self.record(Inst::FCompare(FCompare::Ne, a, b))
    }
    fn select(&self, m: Value, a: Value, b: Value) -> Value {
        self.record(Inst::Select(m, a, b))
    }
    fn and(&self, a: Value, b: Value) -> Value {
        self.record(Inst::And(a, b))
    }
    fn or(&self, a: Value, b: Value) -> Value {
        self.record(Inst::Or(a, b))
    }
    fn not(&self, a: Value) -> Value {
        self.record(Inst::Not(a))
    }
    fn iadd(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IBinary(IBinary::Add, a, b))
    }
    fn isub(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IBinary(IBinary::Sub, a, b))
    }
    fn iand(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IBinary(IBinary::And, a, b))
    }
    fn ior(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IBinary(IBinary::Or, a, b))
    }
    fn ixor(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IBinary(IBinary::Xor, a, b))
    }
    fn shl(&self, a: Value, by: u32) -> Value {
        self.record(Inst::Shl(a, by as u8))
    }
    fn shr(&self, a: Value, by: u32) -> Value {
        self.record(Inst::Shr(a, by as u8))
    }
    fn igt(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IGt(a, b))
    }
    fn ieq(&self, a: Value, b: Value) -> Value {
        self.record(Inst::IEq(a, b))
    }
    fn bits(&self, a: Value) -> Value {
        let inner = match self.state.borrow().insts[a] {
            Inst::Float(inner) => Some(inner),
            _ => None,
        };
        inner.unwrap_or_else(|| self.record(Inst::Bits(a)))
    }
    fn float(&self, a: Value) -> Value {
        let inner = match self.state.borrow().insts[a] {
            Inst::Bits(inner) => Some(inner),
            _ => None,
        };
        inner.unwrap_or_else(|| self.record(Inst::Float(a)))
    }
    fn lookup(&self, table: &'static [f64], index: Value) -> Value {
        let id = {
            let mut state = self.state.borrow_mut();
            let known = state.tables.iter().position(|t| std::ptr::eq(*t, table));
            TableId(known.unwrap_or_else(|| {
                state.tables.push(table);
                state.tables.len() - 1
            }) as u32)
        };
        self.record(Inst::Lookup(id, index))
    }
    fn complete(&self) -> bool {
        self.complete
    }
    fn iterate(&self, first: Value, goes: impl Fn(Value) -> Value, step: impl Fn(Value) -> Value) -> Value {
        self.begin();
        let last = self.phi(first);
        let goes_on = goes(last);
        self.test(vec![Condition::Any(goes_on)]);
        self.next(last, self.select(goes_on, step(last), last));
        self.end(None);
        last
    }
    fn constant(&self, a: Value) -> Option<f64> {
        match self.constant_of(a) {
            Some(Constant::F(bits)) => Some(self.precision.number(bits)),
            _ => None,
        }
    }
    fn outside(&self, m: Value) {
        if self.truth(m) == Some(false) {
            return;
        }
        // A report that an arm makes counts in its rows, whatever is known from before it.
        let depth = {
            let state = self.state.borrow();
            state.depths[m].max(state.arm_depth())
        };
        let (side, before) = {
            let mut state = self.state.borrow_mut();
            let scope = state.scope(depth);
            let side = usize::from(scope.test.is_some());
            (side, scope.outside[side])
        };
        let outside = before.map_or(m, |before| self.or(before, m));
        self.state.borrow_mut().scope(depth).outside[side] = Some(outside);
    }
}

/// The type of a value in a program that is being checked or printed.
pub(super) fn type_of(program: &LaneProgram, value: Value) -> LaneType {
    program.insts[value].ty()
}
