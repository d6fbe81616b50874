//! How large the lane program of a graph becomes, without making it.

use std::collections::HashMap;

use nc_runtime::lanes::Lanes;

use super::{Lane, Recorder, most_apart};
use crate::graph::{Graph, Node, NodeKind};
use crate::lower::lanes::LaneType;
use crate::ops::{Op, Operand};
use crate::types::{Elem, Type};

/// Instructions of a loop over elements.
const LOOP_WORK: usize = 32;

/// More instructions than any recipe records for an element.
const LONGEST_RECIPE: usize = 1024;

/// Whether the live nodes of a graph are more than about so many instructions, before work that operations share is done
/// once: loops over elements count as what an iteration takes, operations on numbers as what their recipes record. If so,
/// how many.
pub fn beyond(graph: &Graph, limit: usize) -> Option<usize> {
    // Small programs are not to pay for the recipes.
    let operations = Size { recipes: None }.of_all(graph);
    if operations.saturating_mul(LONGEST_RECIPE) <= limit {
        return None;
    }
    let size = Size { recipes: Some(HashMap::new()) }.of_all(graph);
    (size > limit).then_some(size)
}

/// An elementwise operation with the kind of its result and the operands that are constants.
type Recipe = (Op, u32, Elem, Vec<Option<u64>>);

struct Size {
    /// What operations record for an element; one instruction if this is not asked for.
    recipes: Option<HashMap<Recipe, usize>>,
}

impl Size {
    /// Of a graph with its functions, which take all values apart.
    fn of_all(&mut self, graph: &Graph) -> usize {
        let functions = graph.functions.values().map(|function| (&function.body, usize::MAX));
        let bodies = functions.chain([(graph, most_apart(graph))]);
        bodies.fold(0, |sum: usize, (graph, large)| sum.saturating_add(self.of(graph, large)))
    }

    /// Of a graph whose values stand in memory if they have more than so many elements.
    fn of(&mut self, graph: &Graph, limit: usize) -> usize {
        let mut total = 0usize;
        let mut left = vec![graph];
        while let Some(graph) = left.pop() {
            let live = graph.live();
            for node in graph.nodes().filter(|&node| live[node]) {
                let ty = graph.ty(node);
                let instructions = match graph.kind(node) {
                    NodeKind::Apply(op, attr) => {
                        let types: Vec<Type> = graph.args(node).iter().map(|&a| graph.ty(a)).collect();
                        let loops = if limit < usize::MAX { op.loops_from() } else { usize::MAX };
                        let large = |ty: &Type| ty.len() > limit || ty.len() >= loops;
                        let looping = large(&ty) || types.iter().any(large);
                        match (op.elementwise(), looping) {
                            (true, _) => {
                                let recipe = self.recipe(graph, node, op, attr, &types);
                                if looping {
                                    LOOP_WORK + types.len() + recipe
                                } else {
                                    recipe.saturating_mul(ty.len())
                                }
                            }
                            (false, true) => LOOP_WORK + types.len(),
                            (false, false) => op.work(&types, ty),
                        }
                    }
                    NodeKind::Region(_) => {
                        left.extend(graph.region(node).map(|region| &region.body));
                        0
                    }
                    NodeKind::Const(_) | NodeKind::Bool(_) | NodeKind::Input(_) | NodeKind::Result(_) => {
                        if ty.len() > limit { LOOP_WORK } else { ty.len() }
                    }
                };
                total = total.saturating_add(instructions);
            }
        }
        total
    }

    /// How many instructions an operation records for an element.
    fn recipe(&mut self, graph: &Graph, node: Node, op: Op, attr: u32, types: &[Type]) -> usize {
        let Some(recipes) = &mut self.recipes else { return 1 };
        let ty = graph.ty(node);
        let constants: Vec<Option<u64>> = graph.args(node).iter().map(|&arg| plain(graph, arg)).collect();
        *recipes.entry((op, attr, ty.elem, constants.clone())).or_insert_with(|| {
            let l = Recorder::new(graph.precision, false);
            let lanes: Vec<Lane<Recorder>> = (0u32..)
                .zip(types.iter().zip(&constants))
                .map(|(k, (ty, constant))| match (ty.elem, constant) {
                    (Elem::Num, &Some(bits)) => Lane::F(l.f(f64::from_bits(bits))),
                    (Elem::Num, None) => Lane::F(l.argument(LaneType::F, k)),
                    (Elem::Bool, _) => Lane::M(l.argument(LaneType::M, k)),
                })
                .collect();
            let operands: Vec<Operand<Recorder>> = types
                .iter()
                .zip(&lanes)
                .map(|(ty, lane)| Operand { ty: scalar(*ty), elems: std::slice::from_ref(lane) })
                .collect();
            op.eval(&l, attr, scalar(ty), &operands);
            l.operations()
        })
    }
}

/// The bits of a number for which a recipe may have less to do: small integers, halves between them. Others are too many to
/// be told apart.
fn plain(graph: &Graph, node: Node) -> Option<u64> {
    let NodeKind::Const(bits) = graph.kind(node) else { return None };
    let twice = 2.0 * f64::from_bits(bits);
    (twice.fract() == 0.0 && twice.abs() <= 64.0).then_some(bits)
}

/// One element of a type.
fn scalar(ty: Type) -> Type {
    match ty.elem {
        Elem::Num => Type::NUM,
        Elem::Bool => Type::BOOL,
    }
}
