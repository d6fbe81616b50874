//! Trees of the operator `eml` in batches: a complex tree against NumPy, which evaluates it node by node in complex128, and
//! raised trees against the formulas that they stand for.
//!
//! `cargo bench -p nc-eml --bench trees`; with `--test` once each. NumPy is used if `python3` has it.

#[path = "../../../benches/support/columns.rs"]
#[allow(dead_code, reason = "each bench uses a part")]
mod columns;
#[path = "../../../benches/support/timing.rs"]
#[allow(dead_code, reason = "each bench uses a part")]
mod timing;

use std::path::Path;
use std::process::Command;

use columns::{Columns, uniform};
use nc_arrays::{Dataset, Form, NamedArray, write_arrays};
use nc_eml::translate::constructions::Constructions;
use nc_eml::translate::expand::expand;
use nc_eml::translate::raise::{Effort as RaiseEffort, raise};
use nc_eml::{Kind, Tree, TreeBuilder, TreeNode};
use nc_runtime::batch::{Kernel as _, Source};
use neural_compiler::internals::entity::Entity as _;
use neural_compiler::{
    CompileOptions, Derivative, Dialect, Kernel, Mode, Program, ReaderLimits, Shape, Signature, Span, Tier,
};
use num_complex::Complex64;
use timing::{Effort, interleaved, kernel_side};

const ROWS: usize = 10_000;
const NODES: usize = 100;

/// The tree node by node over whole columns, as one writes it with NumPy. Prints seconds per evaluation.
const NUMPY: &str = r#"
import json, sys, time
import numpy as np
inputs, nodes, output, repeats = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])
data = np.load(inputs)
columns = {"z": np.ascontiguousarray(data[:, 0]), "w": np.ascontiguousarray(data[:, 1])}
one = np.ones(len(data), dtype=np.complex128)
def run():
    values = []
    for node in nodes:
        if isinstance(node, str):
            values.append(one if node == "1" else columns[node])
        else:
            values.append(np.exp(values[node[0]]) - np.log(values[node[1]]))
    return values[-1]
best = float("inf")
for _ in range(repeats):
    start = time.perf_counter()
    value = run()
    best = min(best, time.perf_counter() - start)
np.save(output, value)
print(np.__version__, best)
"#;

fn main() {
    let effort = if std::env::args().any(|arg| arg == "--test") {
        Effort::ONCE
    } else {
        Effort { rounds: 60, seconds: 6.0 }
    };
    complex_tree(effort);
    raised_trees(effort);
}

/// A fixed sequence of numbers in `[0, 1)`.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 * 2f64.powi(-53)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }
}

/// A part of the inputs: the real and imaginary ones of z, then of w, in a box beside 0.
fn part(column: usize, row: usize) -> f64 {
    let (low, high) = if column.is_multiple_of(2) { (0.5, 1.5) } else { (-1.0, 1.0) };
    low + (high - low) * uniform(column, row)
}

/// A tree of so many nodes whose values stay moderate: a random split into `eml(eml(1, a), b) = e^e/a − ln b`. Trees that are
/// random altogether have rows that overflow, and rows in which nothing is computed tell nothing about time.
fn random_tree(nodes: usize, random: &mut Sequence, builder: &mut TreeBuilder) -> TreeNode {
    let none = Span::default();
    if nodes == 0 {
        return builder.variable(["z", "w"][random.below(2)], none);
    }
    if nodes == 1 {
        let (left, right) = (random_tree(0, random, builder), random_tree(0, random, builder));
        return builder.eml(left, right, none);
    }
    let below = random.below(nodes - 1);
    let a = random_tree(below, random, builder);
    let b = random_tree(nodes - 2 - below, random, builder);
    let one = builder.one(none);
    let left = builder.eml(one, a, none);
    builder.eml(left, b, none)
}

/// The nodes of a tree for NumPy, each after its operands.
fn listed(tree: &Tree) -> String {
    let nodes: Vec<serde_json::Value> = tree
        .iter()
        .map(|(_, kind)| match kind {
            Kind::One => "1".into(),
            Kind::Number(bits) => f64::from_bits(bits).to_string().into(),
            Kind::Variable(index) => tree.variables()[index as usize].clone().into(),
            Kind::Eml(left, right) => vec![left.index(), right.index()].into(),
        })
        .collect();
    serde_json::Value::from(nodes).to_string()
}

fn complex_kernel(tree: &Tree, derivative: Derivative, tier: Tier) -> Kernel {
    let text = tree.text(u128::MAX).expect("a tree that has been read");
    let program =
        Program::parse_as(&text, Dialect::Eml(Mode::Complex), &ReaderLimits::default()).expect("a tree");
    let mut signature = Signature::scalars();
    for name in tree.variables() {
        signature = signature.shape(name, Shape::Complex);
    }
    let options = CompileOptions::default().signature(signature).derivative(derivative).tier(tier);
    program.compile(&options).expect("the tree compiles")
}

fn complex_tree(effort: Effort) {
    let mut builder = TreeBuilder::new();
    let root = random_tree(NODES, &mut Sequence(1), &mut builder);
    let tree = builder.finish(root);
    let sizes = tree.sizes();
    println!(
        "A complex tree of {} nodes ({} different), depth {}, {ROWS} rows, one thread; ns per row and node",
        sizes.nodes, sizes.shared_nodes, sizes.depth
    );
    let place = |name: &str| if name == "w" { 2 } else { 0 };
    let order: Vec<usize> = tree.variables().iter().flat_map(|name| [place(name), place(name) + 1]).collect();
    let inputs = Columns::of(order.len(), ROWS, |k, row| part(order[k], row));
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let (file, result) = (folder.path().join("in.npy"), folder.path().join("out.npy"));
    let data: Vec<f64> = (0..ROWS).flat_map(|row| (0..4).map(move |column| part(column, row))).collect();
    let form = Form { dims: vec![2], complex: true };
    let array = NamedArray { name: "", rows: Some(ROWS), form: &form, data: &data };
    write_arrays(&file, &[array]).expect("the batch is written");
    let repeats = if effort.rounds == 1 { 1 } else { 20 };
    let numpy = numpy(&listed(&tree), &file, &result, repeats);
    let mut lines = Vec::new();
    for tier in Tier::available().into_iter().filter(|&tier| tier != Tier::Interpret) {
        for (what, derivative) in [("value", Derivative::None), ("value and gradient", Derivative::Gradient)]
        {
            let kernel = complex_kernel(&tree, derivative.clone(), tier);
            let mut outputs = Columns::zeros(kernel.shape().outputs, ROWS);
            let seconds = interleaved(&mut [kernel_side(&kernel, &inputs, &mut outputs, 1)], effort)[0];
            lines.push((tier.to_string(), what, seconds, outputs));
        }
    }
    let scale = 1e9 / ROWS as f64 / sizes.shared_nodes as f64;
    if let Some((version, seconds)) = &numpy {
        println!("  {:10} {:20} {:8.2}", "NumPy", format!("{version}, value"), seconds * scale);
    } else {
        println!("  NumPy was not found");
    }
    for (tier, what, seconds, _) in &lines {
        let ratio = numpy.as_ref().map_or(String::new(), |(_, numpy)| format!("{:6.1}×", numpy / seconds));
        println!("  {tier:10} {what:20} {:8.2} {ratio}", seconds * scale);
    }
    if numpy.is_some() {
        let reference = Dataset::<f64>::open(&result).expect("NumPy has written its result");
        let reference: Vec<Vec<f64>> = reference.all_columns().map(|column| numbers(&column)).collect();
        let outputs = &lines[0].3;
        let errors = (0..ROWS).map(|k| {
            let ours = Complex64::new(outputs[0][k], outputs[1][k]);
            let theirs = Complex64::new(reference[0][k], reference[1][k]);
            (ours - theirs).norm() / theirs.norm().max(1.0)
        });
        let mut errors: Vec<f64> = errors.filter(|error| error.is_finite()).collect();
        errors.sort_by(f64::total_cmp);
        println!(
            "  the same values but for {:.1e} in the middle row and {:.1e} in 99 of 100, of {} rows with finite values",
            errors[errors.len() / 2],
            errors[errors.len() * 99 / 100],
            errors.len()
        );
    }
}

/// The numbers of a column of a file.
fn numbers(column: &Source<'_>) -> Vec<f64> {
    match *column {
        Source::Column(numbers) => numbers.to_vec(),
        Source::Matrix { data, row_stride, .. } => (0..ROWS).map(|row| data[row * row_stride]).collect(),
        Source::Constant(number) => vec![number; ROWS],
    }
}

/// NumPy's version and its best time, its result being in a file.
fn numpy(nodes: &str, inputs: &Path, result: &Path, repeats: usize) -> Option<(String, f64)> {
    let run = Command::new("python3")
        .args(["-c", NUMPY])
        .arg(inputs)
        .arg(nodes)
        .arg(result)
        .arg(repeats.to_string())
        .env("OMP_NUM_THREADS", "1")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let (version, seconds) = text.trim().split_once(' ')?;
    Some((version.to_string(), seconds.parse().ok()?))
}

fn raised_trees(effort: Effort) {
    println!("Raised trees, {ROWS} rows, one thread; ns per row");
    println!("  {:28} {:>8} {:>8} {:>8}   raised/formula", "formula", "tree", "raised", "formula");
    for formula in
        ["(- x y)", "(* x y)", "(/ x y)", "(sqrt (* x y))", "(* x (exp (/ x y)))", "(/ 1 (+ 1 (exp x)))"]
    {
        let scheme = Program::parse(formula).expect("the formula");
        let graph = scheme.graph(&Signature::scalars()).expect("the formula");
        let tree = expand(&graph, Constructions::Shortest).expect("the formula has a tree").tree;
        let raised = raise(&tree, &RaiseEffort::default()).expect("the tree is raised");
        let raised = Program::parse(&raised.scheme(tree.variables())).expect("the raised tree");
        let text = tree.text(u128::MAX).expect("the tree");
        let unraised =
            Program::parse_as(&text, Dialect::Eml(Mode::Real), &ReaderLimits::default()).expect("the tree");
        let kernels = [&unraised, &raised, &scheme]
            .map(|p| p.compile(&CompileOptions::default()).expect("the program compiles"));
        let column = |column, row| 1.1 + uniform(column, row);
        let inputs: Vec<Columns> =
            kernels.iter().map(|kernel| Columns::of(kernel.inputs().len(), ROWS, column)).collect();
        let mut outputs: Vec<Columns> = (0..3).map(|_| Columns::zeros(1, ROWS)).collect();
        let mut sides: Vec<_> = kernels
            .iter()
            .zip(&inputs)
            .zip(&mut outputs)
            .map(|((kernel, inputs), outputs)| kernel_side(kernel, inputs, outputs, 1))
            .collect();
        let effort = Effort { seconds: effort.seconds / 6.0, ..effort };
        let times = interleaved(&mut sides, effort);
        let ns: Vec<f64> = times.iter().map(|seconds| seconds * 1e9 / ROWS as f64).collect();
        println!("  {formula:28} {:8.2} {:8.2} {:8.2}   {:.2}", ns[0], ns[1], ns[2], ns[1] / ns[2]);
    }
}
