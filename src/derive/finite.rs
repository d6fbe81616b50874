//! What a derived graph reports of derivatives that are not finite.

use crate::graph::{Check, Graph, Node, Role, Shape};
use crate::ops::{Algebra, Op};

/// Restricts some of the checks to the rows of which a derivative is infinite or a NaN. Values and derivatives keep every bit.
pub fn restrict(g: &mut Graph, restricted: impl Fn(&Check) -> bool) {
    if !g.checks.iter().any(&restricted) {
        return;
    }
    g.set_span(None);
    let derivatives: Vec<Node> =
        g.outputs.iter().filter(|output| output.role != Role::Value).map(|output| output.node).collect();
    let mut somewhere = g.boolean(false);
    for derivative in derivatives {
        let parts = match g.shape(derivative) {
            Shape::Complex => {
                vec![g.slice(derivative, 0, Shape::Scalar), g.slice(derivative, 1, Shape::Scalar)]
            }
            Shape::Scalar | Shape::Vector(_) | Shape::Matrix(..) => vec![derivative],
        };
        for part in parts {
            // The difference of a number with itself is 0 if it is finite, and a NaN if it is not.
            let (difference, zero) = (g.sub(part, part), g.number(0.0));
            let differs = g.ne(difference, zero);
            let any = g.unary(Op::Any, differs);
            somewhere = g.binary(Op::Or, somewhere, any);
        }
    }
    let mut checks = std::mem::take(&mut g.checks);
    for check in checks.iter_mut().filter(|check| restricted(check)) {
        check.fails = g.and(check.fails, somewhere);
    }
    checks.retain(|check| g.truth(check.fails) != Some(false));
    g.checks = checks;
}
