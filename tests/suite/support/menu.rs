//! What the primitives take and give, found by asking the compiler: a new primitive is on the menu without anyone
//! remembering it.

use std::collections::HashMap;
use std::sync::LazyLock;

use neural_compiler::internals::graph::Graph;
use neural_compiler::{Op, Primitive, Program, Shape, Signature};

/// A call of a primitive that fits.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: &'static str,
    pub operands: Vec<Shape>,
    pub result: Shape,
    /// The operations that it is made of.
    pub ops: Vec<Op>,
    /// Whether all of them have derivatives and give values that follow their operands without jumps, and no operand is complex.
    pub smooth: bool,
}

/// Primitives that are not called with inputs of any shape, and why.
pub const ABSENT: &[(&str, &str)] = &[
    ("ref", "most indices fail the row, or the program where they are constant"),
    ("slice", "positions are constants"),
    ("polygamma", "orders are constants"),
    ("eye", "sizes are constants"),
    ("zeros", "sizes are constants"),
    ("ones", "sizes are constants"),
    ("repeat", "sizes are constants"),
    ("replace", "most indices fail the row, or the program where they are constant"),
    ("zeros-like", "its value does not depend on the numbers of its operand"),
    ("check-count", "most numbers fail the row, or the program where they are constant"),
    ("check-increasing", "most vectors fail the row"),
    ("common-length", "its value does not depend on the numbers of its operands"),
];

/// Operands of calls on the menu.
pub const SHAPES: [Shape; 8] = [
    Shape::Scalar,
    Shape::Complex,
    Shape::Vector(2),
    Shape::Vector(3),
    Shape::Matrix(2, 2),
    Shape::Matrix(3, 3),
    Shape::Matrix(2, 3),
    Shape::Matrix(3, 2),
];

/// Primitives of any number of operands are called with up to three, those that take more with as many as they need.
const MOST: usize = 3;

/// Whether the value of an operation jumps: its derivative is zero, or its kinks are poles of another branch.
pub fn jumps(op: Op) -> bool {
    op.info().derivative == "0" || matches!(op, Op::Remainder | Op::Modulo | Op::Select | Op::CopySign)
}

/// All calls that fit, in the order of the primitives.
pub fn menu() -> &'static [Call] {
    static MENU: LazyLock<Vec<Call>> = LazyLock::new(|| {
        let listed = |name: &str| ABSENT.iter().any(|(absent, _)| *absent == name);
        Primitive::all().filter(|p| !listed(p.name())).flat_map(calls).collect()
    });
    &MENU
}

/// The calls of a result.
pub fn giving(result: Shape, smooth: bool) -> &'static [&'static Call] {
    type Table = HashMap<(Shape, bool), Vec<&'static Call>>;
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let mut table = Table::new();
        for call in menu() {
            table.entry((call.result, false)).or_default().push(call);
            if call.smooth {
                table.entry((call.result, true)).or_default().push(call);
            }
        }
        table
    });
    TABLE.get(&(result, smooth)).map_or(&[], Vec::as_slice)
}

fn calls(primitive: Primitive) -> Vec<Call> {
    let arity = primitive.arity();
    let most = arity.max.unwrap_or(arity.min.max(2)).min(MOST).max(arity.min);
    let mut found = Vec::new();
    for count in arity.min.max(1)..=most {
        for code in 0..SHAPES.len().pow(count as u32) {
            let operands: Vec<Shape> =
                (0..count as u32).map(|k| SHAPES[code / SHAPES.len().pow(k) % SHAPES.len()]).collect();
            found.extend(call(primitive, operands));
        }
    }
    found
}

/// The call of a primitive with inputs of these shapes, if they fit.
fn call(primitive: Primitive, operands: Vec<Shape>) -> Option<Call> {
    let name = primitive.name();
    let text = text(name, operands.len());
    let program = Program::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let mut signature = Signature::scalars();
    for (input, &shape) in program.inputs().zip(&operands) {
        signature = signature.shape(input, shape);
    }
    let graph = program.graph(&signature).ok()?;
    let result = graph.shape(graph.outputs[0].node);
    let ops = ops(&graph);
    let smooth = !ops.iter().any(|&op| jumps(op)) && !operands.contains(&Shape::Complex);
    Some(Call { name, operands, result, ops, smooth })
}

/// The program that calls a primitive with so many inputs.
pub fn text(name: &str, operands: usize) -> String {
    let inputs: Vec<String> = (0..operands).map(|k| format!(" in{k}")).collect();
    format!("({name}{})", inputs.concat())
}

/// The operations of a graph, its regions and functions, each once.
pub fn ops(graph: &Graph) -> Vec<Op> {
    let live = graph.live();
    let mut ops: Vec<Op> =
        graph.nodes().filter(|&node| live[node]).filter_map(|node| graph.op(node)).collect();
    for node in graph.nodes().filter(|&node| live[node]) {
        if let Some(region) = graph.region(node) {
            ops.extend(self::ops(&region.body));
        }
    }
    ops.extend(graph.functions.values().flat_map(|function| self::ops(&function.body)));
    ops.sort_unstable();
    ops.dedup();
    ops
}
