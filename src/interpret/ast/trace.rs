//! Derivatives, from a record of what was evaluated.
//!
//! While a function is evaluated whose derivative is wanted, each operation on a value that depends on anything recorded
//! is a *step* of the trace: its operation, its operands and its value. The derivative goes through the steps behind the
//! point at which the function was called, forwards with the tangent rules or backwards with the adjoint rules of the
//! table of operations. What the rules compute is evaluated like anything else: it is recorded for the functions around that are
//! differentiated in turn, and so derivatives are exact at any depth. The point is a step of its own, which no other derivative
//! knows as its own: what the function captures is older, or that of another function, and is constant for this one.
//!
//! As in graphs, each tangent and cotangent has an activity ([`derive`](crate::derive)). Here it is known: what is active
//! nowhere is dropped.
//!
//! Forward derivatives have the bits of graphs, signs of zeros aside, where nothing that is inactive was added. In reverse
//! the same terms are summed in another order: that of evaluation, while graphs go by nodes, of which equal ones are one, and
//! loops sum what reaches captured values iteration by iteration.

use std::mem::size_of;

use nc_runtime::lanes::Scalar;

use super::{Failure, FailureReason, Machine, Mark, Place, Value, Work};
use crate::anf::FuncId;
use crate::derive::function::{derivative_shape, is_forward};
use crate::entity::Entity;
use crate::graph::{Elem, Shape, Type};
use crate::limits::DEFAULT_MEMORY_BYTES;
use crate::ops::{Algebra, Lane, Op, ShapeError, Site, Term};
use crate::resolve::DeriveForm;

/// Where a value comes from: one more than the position of a step, or one of the two below.
pub(super) type Origin = u32;

/// Nothing recorded.
pub(super) const UNTRACED: Origin = 0;

/// Numbers of the program's text, and what operations make of such numbers alone.
pub(super) const LITERAL: Origin = u32::MAX;

fn is_step(origin: Origin) -> bool {
    origin != UNTRACED && origin != LITERAL
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// A value that depends on nothing recorded, and its origin.
    Constant(Origin),
    /// The point of a derivative, and the origin of the value that it is.
    Point(Origin),
    /// An operation, its attribute, and where its operands stand.
    Applied { op: Op, attr: u32, first: u32, count: u32 },
}

#[derive(Debug, Clone, Copy)]
struct Step {
    what: What,
    /// Its value, with its elements in the trace.
    value: Value,
}

/// A derivative whose function is being evaluated.
#[derive(Debug, Clone, Copy)]
struct Open {
    form: DeriveForm,
    point: Origin,
    /// What the Jacobian is multiplied by.
    direction: Option<Origin>,
}

/// What has been evaluated in functions whose derivatives are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    open: Vec<Open>,
    steps: Vec<Step>,
    /// Origins of operands.
    args: Vec<Origin>,
    elems: Vec<Lane<Scalar>>,
    is_full: bool,
}

impl Trace {
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.steps.clear();
        self.args.clear();
        self.elems.clear();
        self.is_full = false;
    }

    /// Whether anything is recorded.
    pub(super) fn is_active(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether there were more steps than memory for them.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    fn step(&self, origin: Origin) -> Step {
        self.steps[origin as usize - 1]
    }

    fn push(&mut self, what: What, value: Value, elems: &[Lane<Scalar>]) -> Origin {
        let bytes = self.steps.len() * size_of::<Step>()
            + self.args.len() * size_of::<Origin>()
            + self.elems.len() * size_of::<Lane<Scalar>>();
        self.is_full |= bytes > DEFAULT_MEMORY_BYTES;
        let value = match value {
            Value::Block(ty, first, origin) => {
                let own = self.elems.len() as u32;
                self.elems.extend_from_slice(&elems[first as usize..][..ty.len()]);
                Value::Block(ty, own, origin)
            }
            Value::Number(..) | Value::Truth(..) => value,
        };
        self.steps.push(Step { what, value });
        self.steps.len() as Origin
    }
}

/// A tangent, a cotangent or a contribution to one, in the trace.
#[derive(Debug, Clone, Copy)]
struct Flow {
    value: Origin,
    /// For each element whether it is active; `None` for all.
    active: Option<Origin>,
}

/// A tangent, a cotangent or a contribution to one, on the stack.
#[derive(Debug, Clone, Copy)]
struct Loose {
    value: Place,
    active: Option<Place>,
}

impl Machine<'_> {
    /// The value of an operation with its origin.
    pub(super) fn record(&mut self, op: Op, attr: u32, args: &[Place], value: Value) -> Value {
        let scratch = &mut *self.scratch;
        let origin = |arg: &Place| scratch.values[arg.index()].origin();
        if args.iter().all(|arg| origin(arg) == LITERAL) {
            return value.from(LITERAL);
        }
        if !scratch.trace.is_active() || scratch.trace.is_full || !args.iter().any(|arg| is_step(origin(arg)))
        {
            return value;
        }
        let origins: Vec<Origin> = args.iter().map(|&arg| self.kept(arg)).collect();
        let scratch = &mut *self.scratch;
        let what =
            What::Applied { op, attr, first: scratch.trace.args.len() as u32, count: origins.len() as u32 };
        scratch.trace.args.extend(origins);
        value.from(scratch.trace.push(what, value, &scratch.elems))
    }

    /// The step that has a value of the stack, which is made if there is none.
    fn kept(&mut self, place: Place) -> Origin {
        let scratch = &mut *self.scratch;
        let value = scratch.values[place.index()];
        match value.origin() {
            origin if is_step(origin) => origin,
            origin => scratch.trace.push(What::Constant(origin), value, &scratch.elems),
        }
    }

    /// The value of a step, on the stack.
    fn load(&mut self, origin: Origin) -> Place {
        let scratch = &mut *self.scratch;
        let step = scratch.trace.step(origin);
        let origin = match step.what {
            What::Constant(origin) => origin,
            What::Point(_) | What::Applied { .. } => origin,
        };
        let value = match step.value {
            Value::Block(ty, first, _) => {
                let own = scratch.elems.len() as u32;
                scratch.elems.extend_from_slice(&scratch.trace.elems[first as usize..][..ty.len()]);
                Value::Block(ty, own, origin)
            }
            value @ (Value::Number(..) | Value::Truth(..)) => value.from(origin),
        };
        self.push(value)
    }

    fn refused(&self, error: ShapeError) -> Failure {
        Failure::new(self.span, FailureReason::Shape(error))
    }

    /// Calls a function whose derivative is wanted. Its operands are there, and behind them the direction.
    pub(super) fn begin_derivative(
        &mut self,
        form: DeriveForm,
        id: FuncId,
        mark: Mark,
    ) -> Result<(), Failure> {
        let function = &self.program.functions[id];
        for at in mark.value as usize..self.scratch.values.len() {
            let number = self.as_number(Place::from_index(at));
            self.scratch.values[at] = self.scratch.values[number.index()];
            if number.index() != at {
                self.scratch.values.pop();
            }
        }
        let at = mark.value as usize + form.param();
        let direction = form
            .has_direction()
            .then(|| self.kept(Place::from_index(mark.value as usize + function.params.len())));
        let scratch = &mut *self.scratch;
        let value = scratch.values[at];
        let point = scratch.trace.push(What::Point(value.origin()), value, &scratch.elems);
        scratch.values[at] = value.from(point);
        scratch.trace.open.push(Open { form, point, direction });
        scratch.work.push(Work::Derived(mark));
        if function.recursive || function.group.is_some() {
            if function.recursive {
                self.descend(function.span)?;
            }
            self.enter(id, mark, function.recursive);
        } else {
            self.call_inlined(self.span)?;
            let count = self.bind(function.params.iter().copied(), mark.value);
            self.scratch.work.push(Work::Leave(count, mark));
        }
        self.scratch.work.push(Work::Eval(function.body));
        Ok(())
    }

    /// Replaces the value of a function by the derivative.
    pub(super) fn end_derivative(&mut self, mark: Mark) -> Result<(), Failure> {
        let open = self.scratch.trace.open.pop().expect("a derivative has been begun");
        // Derivatives are not watched themselves.
        let watch = std::mem::take(&mut self.watch);
        let in_rule = std::mem::replace(&mut self.in_rule, true);
        let value = Place::from_index(self.scratch.values.len() - 1);
        let value = self.as_number(value);
        let derivative = self.derivative(open, value)?;
        (self.watch, self.in_rule) = (watch, in_rule);
        let scratch = &mut *self.scratch;
        let mut value = scratch.values[derivative.index()];
        if !scratch.trace.is_active() {
            if is_step(value.origin()) {
                value = value.from(UNTRACED);
            }
            scratch.trace.clear();
        }
        scratch.values.push(value);
        self.slide(mark);
        Ok(())
    }

    fn derivative(&mut self, open: Open, value: Place) -> Result<Place, Failure> {
        let Open { form, point, direction } = open;
        let operand = self.type_of(self.scratch.trace.step(point).value).shape;
        let shape = self.shape(value);
        let to = self.scratch.values[value.index()].origin();
        let direction_shape =
            direction.map(|origin| self.type_of(self.scratch.trace.step(origin).value).shape);
        match (form, direction) {
            (DeriveForm::Jvp, Some(direction)) => {
                if direction_shape != Some(operand) {
                    return Err(
                        self.refused(ShapeError::new("the direction has another shape than the point"))
                    );
                }
                self.forward(point, to, Flow { value: direction, active: None }, shape)
            }
            (DeriveForm::Vjp, Some(covector)) => {
                if direction_shape != Some(shape) {
                    return Err(
                        self.refused(ShapeError::new("the covector has another shape than the value"))
                    );
                }
                let covector = self.load(covector);
                let value = self.conjugate(covector);
                self.reverse(point, to, Loose { value, active: None }, operand)
            }
            (DeriveForm::Derivative { .. }, _) => {
                derivative_shape(operand, shape).map_err(|error| self.refused(error))?;
                if is_forward(operand, shape) {
                    let mut columns = Vec::with_capacity(operand.len());
                    for element in 0..operand.len() as u32 {
                        let along = self.unit(element, operand);
                        let along = self.kept_flow(along);
                        columns.push(self.forward(point, to, along, shape)?);
                    }
                    if let (Shape::Scalar, &[derivative]) = (operand, columns.as_slice()) {
                        return Ok(derivative);
                    }
                    let transposed = Shape::Matrix(operand.len() as u32, shape.len() as u32);
                    let columns = self.pack(Elem::Num, transposed, &columns);
                    return Ok(self.unary(Op::Transpose, columns));
                }
                let rows = if shape == Shape::Complex { 1 } else { shape.len() };
                let mut gradients = Vec::with_capacity(rows);
                for element in 0..rows as u32 {
                    let seed = self.unit(element, shape);
                    gradients.push(self.reverse(point, to, seed, operand)?);
                }
                if let (Shape::Scalar | Shape::Complex, &[gradient]) = (shape, gradients.as_slice()) {
                    return Ok(gradient);
                }
                let jacobian = Shape::Matrix(shape.len() as u32, operand.len() as u32);
                Ok(self.pack(Elem::Num, jacobian, &gradients))
            }
            (DeriveForm::Jvp | DeriveForm::Vjp, None) => {
                unreachable!("a product has something to multiply by")
            }
        }
    }

    /// 1 for one element and 0 for the others, which do not count.
    fn unit(&mut self, element: u32, shape: Shape) -> Loose {
        let (one, there) = (self.number(1.0), self.truth_value(true));
        let value = self.place_part(one, element, shape);
        let active = self.place_part(there, element, shape);
        Loose { value, active: (shape.len() > 1).then_some(active) }
    }

    fn place_part(&mut self, part: Place, element: u32, shape: Shape) -> Place {
        if shape == Shape::Scalar { part } else { Algebra::place(self, part, element, shape) }
    }

    /// The conjugate of a complex number, without −0; other values as they are.
    fn conjugate(&mut self, value: Place) -> Place {
        if self.shape(value) != Shape::Complex {
            return value;
        }
        let (re, im) = (self.slice_part(value, 0), self.slice_part(value, 1));
        let zero = self.number(0.0);
        let im = self.sub(zero, im);
        self.pack(Elem::Num, Shape::Complex, &[re, im])
    }

    fn slice_part(&mut self, value: Place, element: u32) -> Place {
        Algebra::slice(self, value, element, Shape::Scalar)
    }

    fn kept_flow(&mut self, flow: Loose) -> Flow {
        Flow { value: self.kept(flow.value), active: flow.active.map(|active| self.kept(active)) }
    }

    fn loaded(&mut self, flow: Flow) -> Loose {
        Loose { value: self.load(flow.value), active: flow.active.map(|active| self.load(active)) }
    }

    /// Ends the evaluation if nobody waits for it, or there is no memory for it.
    fn may_go_on(&self) -> Result<(), Failure> {
        if self.scratch.trace.is_full {
            return Err(Failure::new(self.span, FailureReason::Stopped));
        }
        self.look_at_stop(self.span)
    }

    fn args(&self, first: u32, count: u32) -> Vec<Origin> {
        self.scratch.trace.args[first as usize..][..count as usize].to_vec()
    }

    /// The tangent of step `to` along a tangent of step `from`, which is on the stack then.
    fn forward(&mut self, from: Origin, to: Origin, along: Flow, shape: Shape) -> Result<Place, Failure> {
        let mut flows: Vec<Option<Flow>> = vec![None; self.behind(from, to)];
        let at = |origin: Origin| origin.checked_sub(from).filter(|_| is_step(origin)).map(|at| at as usize);
        if let Some(first) = flows.first_mut() {
            *first = Some(along);
        }
        for k in 1..flows.len() {
            self.may_go_on()?;
            let origin = from + k as Origin;
            let step = self.scratch.trace.step(origin);
            flows[k] = match step.what {
                What::Constant(_) => None,
                What::Point(same) => at(same).and_then(|at| flows[at]),
                What::Applied { op, attr, first, count } => {
                    let args = self.args(first, count);
                    let arriving: Vec<Option<Flow>> =
                        args.iter().map(|&arg| at(arg).and_then(|at| flows[at])).collect();
                    let is_number = self.type_of(step.value).elem == Elem::Num;
                    if is_number && arriving.iter().any(Option::is_some) {
                        let mark = self.mark();
                        let site = self.site(origin, attr, &args);
                        let arriving: Vec<Option<Loose>> =
                            arriving.into_iter().map(|flow| flow.map(|flow| self.loaded(flow))).collect();
                        let flow = self.tangent(op, &site, &arriving);
                        let flow = flow.map(|flow| self.kept_flow(flow));
                        self.truncate(mark);
                        flow
                    } else {
                        None
                    }
                }
            };
        }
        Ok(match flows.last() {
            Some(&Some(flow)) => self.load(flow.value),
            Some(None) | None => self.zero(Type::num(shape)),
        })
    }

    /// How many steps there are from one to another, both included; none if the second does not depend on the first.
    fn behind(&self, from: Origin, to: Origin) -> usize {
        if is_step(to) && to >= from { (to - from) as usize + 1 } else { 0 }
    }

    fn site(&mut self, origin: Origin, attr: u32, args: &[Origin]) -> Site<Place> {
        let node = self.load(origin);
        let args = args.iter().map(|&arg| self.load(arg)).collect();
        Site { node, attr, ty: self.ty(node), args }
    }

    /// The tangent of an operation.
    fn tangent(&mut self, op: Op, site: &Site<Place>, arriving: &[Option<Loose>]) -> Option<Loose> {
        if op.moves() {
            let values: Vec<Option<Place>> = arriving.iter().map(|flow| flow.map(|f| f.value)).collect();
            let masks: Vec<Option<Place>> = arriving
                .iter()
                .zip(&site.args)
                .map(|(flow, &arg)| {
                    let shape = self.shape(arg);
                    flow.map(|flow| self.mask(flow.active, shape))
                })
                .collect();
            if let Some(value) = op.whole_tangent(self, site, Elem::Num, &values) {
                let active = op.whole_tangent(self, site, Elem::Bool, &masks);
                return self.settled(Loose { value, active });
            }
            let k = values.iter().position(Option::is_some)?;
            let value = value_of(op.tangent(self, site, k, values[k]?, None))?;
            let active = value_of(op.tangent(self, site, k, masks[k]?, None));
            return self.settled(Loose { value, active });
        }
        let mut total: Option<Loose> = None;
        for (k, flow) in arriving.iter().enumerate() {
            let Some(flow) = *flow else { continue };
            let elements = self.elements(flow.active);
            let term = op.tangent(self, site, k, flow.value, elements);
            let active = if op.elementwise() { flow.active } else { self.any(flow.active) };
            let Some(term) = self.guarded(term, active) else { continue };
            total = Some(match total {
                Some(sum) => self.sum(sum, term),
                None => term,
            });
        }
        let flow = total?;
        let value = self.spread(flow.value, site.ty.shape);
        self.settled(Loose { value, active: flow.active })
    }

    /// The cotangent of step `from` for a cotangent of step `to`, which is on the stack then.
    fn reverse(&mut self, from: Origin, to: Origin, seed: Loose, shape: Shape) -> Result<Place, Failure> {
        let varied = self.varied(from, to);
        let at = |origin: Origin| {
            let at = origin.checked_sub(from).filter(|_| is_step(origin))? as usize;
            varied.get(at).is_some_and(|varied| *varied).then_some(at)
        };
        let mut flows: Vec<Vec<Flow>> = vec![Vec::new(); varied.len()];
        if let Some(k) = at(to) {
            flows[k].push(self.kept_flow(seed));
        }
        for k in (0..flows.len()).rev() {
            self.may_go_on()?;
            let arriving = std::mem::take(&mut flows[k]);
            if arriving.is_empty() {
                continue;
            }
            let origin = from + k as Origin;
            let mark = self.mark();
            let mut arriving = arriving.into_iter();
            let first = arriving.next().map(|flow| self.loaded(flow));
            let mut cotangent = first.expect("something has arrived");
            for flow in arriving {
                let flow = self.loaded(flow);
                cotangent = self.sum(cotangent, flow);
            }
            if k == 0 {
                return Ok(self.conjugate(cotangent.value));
            }
            match self.scratch.trace.step(origin).what {
                What::Constant(_) => {}
                What::Point(same) => {
                    if let Some(at) = at(same) {
                        flows[at].push(self.kept_flow(cotangent));
                    }
                }
                What::Applied { op, attr, first, count } => {
                    let args = self.args(first, count);
                    let site = self.site(origin, attr, &args);
                    for (k, &arg) in args.iter().enumerate() {
                        let Some(at) = at(arg) else { continue };
                        if let Some(flow) = self.cotangent(op, &site, k, cotangent) {
                            flows[at].push(self.kept_flow(flow));
                        }
                    }
                }
            }
            self.truncate(mark);
        }
        Ok(self.zero(Type::num(shape)))
    }

    /// Which of the steps from one to another depend on the first, other than through truth values and values held constant.
    fn varied(&self, from: Origin, to: Origin) -> Vec<bool> {
        let mut varied = vec![false; self.behind(from, to)];
        for k in 0..varied.len() {
            let depends = |origin: Origin| {
                let at = origin.checked_sub(from).filter(|_| is_step(origin));
                at.is_some_and(|at| varied[at as usize])
            };
            let step = self.scratch.trace.step(from + k as Origin);
            varied[k] = k == 0
                || self.type_of(step.value).elem == Elem::Num
                    && match step.what {
                        What::Constant(_) => false,
                        What::Point(same) => depends(same),
                        What::Applied { op: Op::Detach, .. } => false,
                        What::Applied { first, count, .. } => {
                            self.args(first, count).into_iter().any(depends)
                        }
                    };
        }
        varied
    }

    /// What flows from the cotangent of an operation to one of its operands.
    fn cotangent(&mut self, op: Op, site: &Site<Place>, k: usize, cotangent: Loose) -> Option<Loose> {
        let elements = self.elements(cotangent.active);
        let term = op.adjoint(self, site, k, cotangent.value, elements);
        let flow = if op.moves() {
            let value = value_of(term)?;
            let active = match cotangent.active {
                None => None,
                active => {
                    let mask = self.mask(active, site.ty.shape);
                    value_of(op.adjoint(self, site, k, mask, None))
                }
            };
            self.settled(Loose { value, active })?
        } else {
            let active = if op.elementwise() { cotangent.active } else { self.any(cotangent.active) };
            self.guarded(term, active)?
        };
        // A scalar that was broadcast gets the sum over the elements that it went to.
        let operand = self.shape(site.args[k]);
        if operand != Shape::Scalar || self.shape(flow.value) == Shape::Scalar {
            let value = self.spread(flow.value, operand);
            return Some(Loose { value, active: flow.active });
        }
        let value = self.unary(Op::Sum, flow.value);
        let active = self.any(flow.active);
        self.settled(Loose { value, active })
    }

    /// Keeps a contribution where it counts, and makes it zero elsewhere.
    fn guarded(&mut self, term: Term<Place>, active: Option<Place>) -> Option<Loose> {
        let Term::Value { value, edge } = term else { return None };
        let active = match (active, edge) {
            (Some(a), Some(b)) => Some(self.binary(Op::And, a, b)),
            (one, other) => one.or(other),
        };
        let value = match active {
            Some(condition) => {
                let zero = self.number(0.0);
                self.select(condition, value, zero)
            }
            None => value,
        };
        self.settled(Loose { value, active })
    }

    /// The flow with its activity as it is known: none if it is active everywhere. `None` if it is active nowhere.
    fn settled(&self, flow: Loose) -> Option<Loose> {
        let Some(active) = flow.active else { return Some(flow) };
        let (some, all) = match self.scratch.values[active.index()] {
            Value::Truth(active, _) => (active, active),
            Value::Number(..) => unreachable!("an activity is a truth value"),
            Value::Block(ty, first, _) => {
                let lanes = &self.scratch.elems[first as usize..][..ty.len()];
                (lanes.iter().any(|lane| lane.m()), lanes.iter().all(|lane| lane.m()))
            }
        };
        some.then_some(Loose { active: flow.active.filter(|_| !all), ..flow })
    }

    fn sum(&mut self, a: Loose, b: Loose) -> Loose {
        let value = self.add(a.value, b.value);
        let active = match (a.active, b.active) {
            (Some(a), Some(b)) => Some(self.binary(Op::Or, a, b)),
            (None, _) | (_, None) => None,
        };
        Loose { value, active }
    }

    fn elements(&self, active: Option<Place>) -> Option<Place> {
        active.filter(|&active| !self.ty(active).is_scalar())
    }

    fn any(&mut self, active: Option<Place>) -> Option<Place> {
        active.map(|active| self.unary(Op::Any, active))
    }

    /// The activity as a truth value for each element.
    fn mask(&mut self, active: Option<Place>, shape: Shape) -> Place {
        let active = match active {
            Some(active) => active,
            None => self.truth_value(true),
        };
        self.spread(active, shape)
    }

    /// A scalar in every element, unless the value has the shape already.
    fn spread(&mut self, value: Place, shape: Shape) -> Place {
        if self.shape(value) == shape { value } else { self.fill(value, shape) }
    }
}

fn value_of(term: Term<Place>) -> Option<Place> {
    match term {
        Term::Value { value, .. } => Some(value),
        Term::Zero => None,
    }
}
