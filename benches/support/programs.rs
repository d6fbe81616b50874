//! The programs that are measured.

use std::path::Path;

use neural_compiler::internals::graph::{Graph, NodeKind};
use neural_compiler::internals::kernel::derived;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Shape, Signature, Tier};
use serde_json::Value;

use super::columns::{Columns, uniform};

/// A program of the bench set.
pub struct Subject {
    /// Directory and file without its ending, or a name.
    pub name: String,
    /// Its source.
    pub text: String,
    /// The same, read.
    pub program: Program,
    signature: Signature,
    /// Where the numbers of each input column come from.
    ranges: Vec<Range>,
}

/// Where numbers are drawn from.
#[derive(Debug, Clone, Copy)]
enum Range {
    Even(f64, f64),
    Logarithmic(f64, f64),
    Given(f64),
}

impl Range {
    fn number(self, unit: f64) -> f64 {
        match self {
            Range::Even(low, high) => low + (high - low) * unit,
            Range::Logarithmic(low, high) => low * (high / low).powf(unit),
            Range::Given(number) => number,
        }
    }
}

impl Subject {
    fn of_scalars(name: &str, text: &str, range: impl Fn(&str) -> Range) -> Subject {
        let program = Program::parse(text).expect("the program parses");
        let ranges = program.inputs().map(range).collect();
        Subject { name: name.into(), text: text.into(), program, signature: Signature::scalars(), ranges }
    }

    /// How to compile it.
    pub fn options(&self, derivative: Derivative, tier: Tier) -> CompileOptions {
        CompileOptions::default().signature(self.signature.clone()).derivative(derivative).tier(tier)
    }

    /// Compiles it.
    pub fn kernel(&self, derivative: Derivative, tier: Tier) -> Kernel {
        self.program.compile(&self.options(derivative, tier)).expect("the program compiles")
    }

    /// Its graph with derivatives.
    pub fn graph(&self, derivative: Derivative) -> Graph {
        let graph = self.program.graph(&self.signature).expect("the shapes fit");
        derived(&graph, &self.options(derivative, Tier::Auto)).expect("it can be differentiated")
    }

    /// How many numbers it takes.
    pub fn inputs(&self) -> usize {
        self.ranges.len()
    }

    /// Rows of inputs from the ranges of the corpus.
    pub fn columns(&self, rows: usize) -> Columns {
        Columns::of(self.ranges.len(), rows, |k, row| self.ranges[k].number(uniform(k, row)))
    }

    /// Its name as a word of C.
    pub fn identifier(&self) -> String {
        self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    }

    fn is_straight(&self) -> bool {
        let graph = self.graph(Derivative::None);
        graph.functions.is_empty() && !graph.nodes().any(|n| matches!(graph.kind(n), NodeKind::Region(_)))
    }
}

/// The programs of the corpus without loops, and two more that the ten of [`TEN`] need.
pub fn bench_set() -> Vec<Subject> {
    let corpus = ["throughput", "laws", "feynman", "vector", "classic"].into_iter().flat_map(directory);
    let mut subjects: Vec<Subject> = corpus.filter(Subject::is_straight).collect();
    subjects.push(Subject::of_scalars("contraction", "(* L (sqrt (- 1 (pow (/ v c) 2))))", |name| {
        if name == "c" { Range::Even(3.0, 5.0) } else { Range::Even(0.1, 2.5) }
    }));
    let steps = format!("{}x{}", "(+ (* ".repeat(32), " a) b)".repeat(32));
    subjects.push(Subject::of_scalars("muladd_32", &steps, |_| Range::Even(0.5, 1.0)));
    subjects
}

/// Ten programs that C was also written for by hand, in support/hand.c.
pub const TEN: [&str; 10] = [
    "feynman/table7-04-gravity",
    "feynman/table7-09-gaussian",
    "feynman/I.41.16-planck-radiation",
    "contraction",
    "feynman/table7-12-barometric",
    "throughput/quadratic",
    "throughput/dot4",
    "throughput/add",
    "muladd_32",
    "feynman/table7-14-oscillator",
];

/// The programs of a directory of the corpus.
pub fn directory(directory: &str) -> Vec<Subject> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(directory);
    let json = std::fs::read_to_string(root.join("reference.json")).expect("the directory has references");
    let json: Value = serde_json::from_str(&json).expect("references are JSON");
    let files = json.as_object().expect("references are an object").iter();
    files
        .map(|(file, about)| {
            let text = std::fs::read_to_string(root.join(file)).expect("every entry has a program");
            subject(format!("{directory}/{}", file.trim_end_matches(".scm")), text, about)
        })
        .collect()
}

fn subject(name: String, text: String, about: &Value) -> Subject {
    let program = Program::parse(&text).expect("programs of the corpus parse");
    let mut signature = Signature::scalars();
    let mut place = 0;
    let inputs: Vec<(&str, Vec<Range>)> = about["inputs"]
        .as_array()
        .expect("inputs are a list")
        .iter()
        .map(|input| {
            let name = input["name"].as_str().expect("inputs have names");
            let shape = shape(&input["shape"]);
            signature = std::mem::take(&mut signature).shape(name, shape);
            let range = |k: usize| match (input["low"].as_f64(), input["high"].as_f64()) {
                (Some(low), Some(high)) if input["log"] == true => Range::Logarithmic(low, high),
                (Some(low), Some(high)) => Range::Even(low, high),
                _ => Range::Given(about["points"][0][place + k].as_f64().expect("points are numbers")),
            };
            let ranges = (0..shape.len()).map(range).collect();
            place += shape.len();
            (name, ranges)
        })
        .collect();
    let of_input = |name| inputs.iter().find(|input| input.0 == name).expect("an entry for the input");
    let ranges = program.inputs().flat_map(|name| of_input(name).1.clone()).collect();
    Subject { name, text, program, signature, ranges }
}

fn shape(dims: &Value) -> Shape {
    let dims: Vec<u32> =
        dims.as_array().into_iter().flatten().filter_map(|n| Some(n.as_f64()? as u32)).collect();
    match dims[..] {
        [n] => Shape::Vector(n),
        [n, m] => Shape::Matrix(n, m),
        _ => Shape::Scalar,
    }
}

/// Samples per second that others have reached, in binary32 unless said.
pub struct Published {
    /// The program of `corpus/throughput`.
    pub name: &'static str,
    /// The paper's tables 6 and 9, captioned as of an RTX 4090, by [`PUBLISHED_ROWS`]; 0 where there is none.
    pub paper: [f64; 3],
    /// The paper's implementation on two threads of a processor, batch 10,000: forward, and forward with backward.
    pub processor: [f64; 2],
    /// NumPy in binary64 on that machine, batch 10,000.
    pub numpy: f64,
}

/// The batches of the paper's table 9.
pub const PUBLISHED_ROWS: [usize; 3] = [1, 100, 10_000];

const fn published(name: &'static str, paper: [f64; 3], processor: [f64; 2], numpy: f64) -> Published {
    Published { name, paper, processor, numpy }
}

/// What the paper and others have reached.
pub const PUBLISHED: [Published; 9] = [
    published("add", [201e3, 11.0e6, 2.0e9], [3.3e9, 4.8e8], 6.0e9),
    published("square_plus", [202e3, 8.2e6, 585e6], [2.3e9, 3.6e8], 3.3e9),
    published("four_ops", [141e3, 5.9e6, 878e6], [1.6e9, 2.8e8], 2.4e9),
    published("quadratic", [115e3, 4.5e6, 365e6], [1.1e9, 1.9e8], 1.4e9),
    published("discriminant", [28e3, 2.0e6, 135e6], [2.2e8, 0.0], 0.0),
    published("dot4", [85e3, 3.6e6, 457e6], [6.7e8, 1.5e8], 8.6e8),
    published("chain_250", [0.0, 0.0, 333e6], [7e6, 5e6], 0.0),
    published("tree_100", [0.0; 3], [1.4e7, 3e6], 0.0),
    published("tree_1000", [0.0, 0.0, 9.7e6], [0.0; 2], 0.0),
];
