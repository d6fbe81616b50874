//! Derivatives of a function inside a program: the function is a graph of its own, its operands and captures are inputs.
//!
//! A scalar operand takes a forward sweep, a vector or matrix with a scalar result a reverse one, and a vector with a
//! vector as result the cheaper of one forward sweep for each element of the operand and one reverse sweep for each of
//! the result. Products with the Jacobian take one sweep. So the derivative has the bits of the tangent or adjoint
//! graph of the function by itself. In a recursive function, what has loops is differentiated forwards in any case, one sweep
//! for each element of the operand: calls have no memory for tapes.

use std::collections::HashMap;

use super::adjoint::{Sweep, conjugate};
use super::calls::product;
use super::outline::without_exits;
use super::tangent::sweep;
use super::varied::Varied;
use super::{DerivativeTooLarge, Flow, Known, normal};
use crate::entity::Entity;
use crate::graph::copy::redirect;
use crate::graph::{Elem, Graph, Node, Output, Role, Shape, Type};
use crate::ops::{Algebra, LARGE, Op, ShapeError};

/// What is wanted of the derivative of a function by one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The derivative itself.
    Whole,
    /// The Jacobian times the value of the input with this index.
    Along(u32),
    /// The value of the input with this index times the Jacobian.
    Against(u32),
}

/// The shape of the derivative of a function with an operand and a value of these shapes.
///
/// # Errors
///
/// Shapes of which there is none.
pub(crate) fn derivative_shape(operand: Shape, value: Shape) -> Result<Shape, ShapeError> {
    match (operand, value) {
        (Shape::Scalar, Shape::Scalar | Shape::Vector(_) | Shape::Complex) => Ok(value),
        (Shape::Vector(_) | Shape::Matrix(..), Shape::Scalar) => Ok(operand),
        (Shape::Vector(columns), Shape::Vector(rows)) => Shape::Matrix(rows, columns)
            .checked()
            .map_err(|error| ShapeError::new(format!("derivative: {error}"))),
        (Shape::Complex, Shape::Scalar | Shape::Complex) => Ok(Shape::Complex),
        (Shape::Scalar, Shape::Matrix(..))
        | (Shape::Vector(_), Shape::Matrix(..) | Shape::Complex)
        | (Shape::Matrix(..), Shape::Vector(_) | Shape::Matrix(..) | Shape::Complex)
        | (Shape::Complex, Shape::Vector(_) | Shape::Matrix(..)) => Err(ShapeError::new(format!(
            "the derivative of a {value} by a {operand} would be no number, vector or matrix; `jvp` gives it along a direction, `vjp` that of a combination \
             of the elements of the value"
        ))),
    }
}

/// Whether a graph has loops, which leave tapes where they are differentiated in reverse.
pub(crate) fn has_loops(graph: &Graph) -> bool {
    graph.nodes().filter_map(|node| graph.region(node)).any(|region| region.goes_on().is_some())
}

/// Whether the Jacobian takes a forward sweep for each element of the operand, rather than a reverse one for each of the value.
pub(crate) fn is_forward(operand: Shape, value: Shape) -> bool {
    match operand {
        Shape::Scalar => true,
        Shape::Complex | Shape::Matrix(..) => false,
        Shape::Vector(_) => value.len() > LARGE && operand.len() < value.len(),
    }
}

/// The graph of a function, whose first output is its value, with the derivative of that by an input as one more output. All
/// other outputs and the checks are as they were. If wanted, no sweep goes in reverse.
///
/// # Errors
///
/// [`DerivativeTooLarge`] if the program becomes too large.
pub(crate) fn derivative(
    primal: &Graph,
    input: u32,
    wanted: Wanted,
    forwards: bool,
) -> Result<Graph, DerivativeTooLarge> {
    let varied = [primal.input_node(input)];
    let outlined = without_exits(primal, &varied)?;
    let primal = outlined.as_ref().unwrap_or(primal);
    let mut g = primal.clone();
    g.set_span(None);
    let mut sweeps = Sweeps {
        primal,
        known: Known::of(primal),
        regions: HashMap::new(),
        input: primal.input_node(input),
        value: primal.outputs[0].node,
    };
    let (operand, value) = (primal.shape(sweeps.input), primal.shape(sweeps.value));
    let node = match wanted {
        Wanted::Along(direction) => {
            let direction = Flow { value: g.input_node(direction), active: None };
            sweeps.forward(&mut g, direction)
        }
        Wanted::Against(covector) if forwards => {
            let covector = g.input_node(covector);
            let covector = Flow { value: conjugate(&mut g, covector), active: None };
            let gradient = sweeps.by_elements(&mut g, operand, &mut |g, tangent| match tangent {
                Some(tangent) => product(g, covector, tangent, value).value,
                None => g.number(0.0),
            })?;
            conjugate(&mut g, gradient)
        }
        Wanted::Against(covector) => {
            let covector = g.input_node(covector);
            let seed = Flow { value: conjugate(&mut g, covector), active: None };
            sweeps.reverse(&mut g, &mut |_| seed, 1)?[0]
        }
        Wanted::Whole if operand == Shape::Scalar => {
            let along = unit(&mut g, 0, operand);
            sweeps.forward(&mut g, along)
        }
        Wanted::Whole if matches!(value, Shape::Vector(_)) && (forwards || is_forward(operand, value)) => {
            let transposed = Shape::Matrix(operand.len() as u32, value.len() as u32);
            let columns = sweeps.by_elements(&mut g, transposed, &mut |g, tangent| match tangent {
                Some(tangent) => tangent.value,
                None => g.zero(Type::num(value)),
            })?;
            g.unary(Op::Transpose, columns)
        }
        Wanted::Whole if forwards => {
            let gradient = sweeps.by_elements(&mut g, operand, &mut |g, tangent| match tangent {
                Some(tangent) if value == Shape::Complex => g.slice(tangent.value, 0, Shape::Scalar),
                Some(tangent) => tangent.value,
                None => g.number(0.0),
            })?;
            conjugate(&mut g, gradient)
        }
        Wanted::Whole => {
            let rows = match value {
                Shape::Scalar | Shape::Complex => 1,
                Shape::Vector(_) | Shape::Matrix(..) => value.len(),
            };
            let mut element = 0;
            let mut seed = |g: &mut Graph| {
                element += 1;
                unit(g, element - 1, value)
            };
            let rows = sweeps.reverse(&mut g, &mut seed, rows)?;
            match (value, rows.as_slice()) {
                (Shape::Scalar | Shape::Complex, &[gradient]) => gradient,
                _ => {
                    let jacobian = Shape::Matrix(value.len() as u32, operand.len() as u32);
                    g.pack(Elem::Num, jacobian, &rows)
                }
            }
        }
    };
    g.outputs.push(Output { name: String::new(), node, role: Role::Value });
    let Sweeps { known, regions, .. } = sweeps;
    known.finish(&mut g)?;
    Ok(if regions.is_empty() { g } else { redirect(&g, &regions) })
}

/// 1 for one element and 0 for the others, which do not count.
fn unit(g: &mut Graph, element: u32, shape: Shape) -> Flow {
    let (one, there) = (g.number(1.0), g.boolean(true));
    let value = g.place(one, element, shape);
    let active = g.place(there, element, shape);
    Flow { value, active: normal(g, active) }
}

struct Sweeps<'p> {
    primal: &'p Graph,
    known: Known,
    /// Regions with tangents, by those without.
    regions: HashMap<Node, Node>,
    input: Node,
    value: Node,
}

impl Sweeps<'_> {
    /// The tangent of the value along one of the input.
    fn forward(&mut self, g: &mut Graph, along: Flow) -> Node {
        match self.tangent(g, along) {
            Some(flow) => flow.value,
            None => g.zero(Type::num(self.primal.shape(self.value))),
        }
    }

    /// What the tangents of the value along each element of the input give, as a value of this shape.
    fn by_elements(
        &mut self,
        g: &mut Graph,
        shape: Shape,
        give: &mut dyn FnMut(&mut Graph, Option<Flow>) -> Node,
    ) -> Result<Node, DerivativeTooLarge> {
        let operand = self.primal.shape(self.input);
        let mut parts = Vec::with_capacity(operand.len());
        for element in 0..operand.len() as u32 {
            let along = unit(g, element, operand);
            let tangent = self.tangent(g, along);
            parts.push(give(g, tangent));
            DerivativeTooLarge::check_size(g)?;
        }
        Ok(match (shape, parts.as_slice()) {
            (Shape::Scalar, &[part]) => part,
            _ => g.pack(Elem::Num, shape, &parts),
        })
    }

    fn tangent(&mut self, g: &mut Graph, along: Flow) -> Option<Flow> {
        let (flows, forward) = sweep(g, self.primal, &[(self.input, along)], &mut self.known);
        for (node, forward) in forward {
            self.regions.entry(node).or_insert(forward.node);
        }
        flows[self.value.index()]
    }

    /// The cotangents of the input for so many of the value.
    fn reverse(
        &mut self,
        g: &mut Graph,
        seed: &mut dyn FnMut(&mut Graph) -> Flow,
        count: usize,
    ) -> Result<Vec<Node>, DerivativeTooLarge> {
        let varied = Varied::from(self.primal, &[self.input]);
        let mut sweep = Sweep::through(self.primal, &varied);
        let mut zero = None;
        let mut cotangents = Vec::with_capacity(count);
        for _ in 0..count {
            let seed = seed(g);
            sweep.run(g, &[(self.value, seed)], &mut self.known);
            cotangents.push(match sweep.cotangent(self.input) {
                Some(flow) => conjugate(g, flow.value),
                None => *zero.get_or_insert_with(|| g.zero(Type::num(self.primal.shape(self.input)))),
            });
            DerivativeTooLarge::check_size(g)?;
        }
        Ok(cotangents)
    }
}
