//! The Jacobian in forward mode: a sweep for each element of the inputs, where those are fewer than the elements of the results.

use super::DerivativeTooLarge;
use super::tangent::{Direction, tangent};
use crate::graph::{Elem, Graph, Node, NodeKind, Output, Role, Shape};
use crate::ops::{Algebra, LARGE};

/// Whether the derivatives of all elements of the results by all elements of these inputs take fewer sweeps in forward mode.
/// Results that are few are differentiated in reverse in any case, as gradients are, unless they come from loops, each of which a
/// reverse sweep runs through again from a tape; and so are complex numbers.
pub fn is_cheaper_forward(primal: &Graph, wrt: &[u32]) -> bool {
    let results = || primal.outputs.iter().map(|output| primal.shape(output.node));
    let inputs = || wrt.iter().map(|&input| primal.inputs[input as usize].shape);
    let elements = results().map(Shape::len).fold(0, usize::saturating_add);
    let sweeps = inputs().map(Shape::len).fold(0, usize::saturating_add);
    let values = primal.outputs.iter().all(|output| output.role == Role::Value);
    let complex = results().chain(inputs()).any(|shape| shape == Shape::Complex);
    let loops = || primal.nodes().any(|node| matches!(primal.kind(node), NodeKind::Region(_)));
    values && !complex && sweeps < elements && (elements > LARGE || loops())
}

/// The directions along each element of these inputs, in their order.
pub fn every_element(graph: &Graph, wrt: &[u32]) -> Vec<Direction> {
    let elements = wrt.iter().flat_map(|&input| {
        let len = graph.inputs[input as usize].shape.len() as u32;
        (0..len).map(move |element| Direction::Element { input, element })
    });
    elements.collect()
}

/// The graph that [`adjoint`](super::adjoint::adjoint) makes for each element of the results, with its outputs in the same
/// order, by as many sweeps as the inputs have elements. For real numbers.
///
/// # Errors
///
/// [`DerivativeTooLarge`] if the program becomes too large.
pub fn jacobian(primal: &Graph, wrt: &[u32]) -> Result<Graph, DerivativeTooLarge> {
    let mut g = tangent(primal, &every_element(primal, wrt))?;
    // Those of the first direction come first.
    let tangents: Vec<Node> =
        g.outputs.split_off(primal.outputs.len()).into_iter().map(|output| output.node).collect();
    let mut of = 0;
    for (k, result) in primal.outputs.iter().enumerate() {
        for element in 0..primal.shape(result.node).len() as u32 {
            let mut seeds = 0..;
            for &input in wrt {
                let shape = primal.inputs[input as usize].shape;
                let parts: Vec<Node> = seeds
                    .by_ref()
                    .take(shape.len())
                    .map(|seed: usize| {
                        g.slice(tangents[seed * primal.outputs.len() + k], element, Shape::Scalar)
                    })
                    .collect();
                let node = match (shape, parts.as_slice()) {
                    (Shape::Scalar, &[part]) => part,
                    _ => g.pack(Elem::Num, shape, &parts),
                };
                g.outputs.push(Output {
                    name: result.name.clone(),
                    node,
                    role: Role::Gradient { of, input },
                });
            }
            of += 1;
            DerivativeTooLarge::check_size(&g)?;
        }
    }
    DerivativeTooLarge::check(&g)?;
    Ok(g)
}
