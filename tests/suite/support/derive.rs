//! A program at one point, differentiated in every mode.

use neural_compiler::internals::derive::tangent::{Direction, tangent};
use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::kernel::derived;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Shape, Signature, Tier};

use super::run;

/// The value of an input with its shape.
#[derive(Debug, Clone)]
pub struct Value {
    pub shape: Shape,
    pub elements: Vec<f64>,
}

pub fn number(x: f64) -> Value {
    Value { shape: Shape::Scalar, elements: vec![x] }
}

pub fn vector(x: &[f64]) -> Value {
    Value { shape: Shape::Vector(x.len() as u32), elements: x.to_vec() }
}

pub fn matrix(columns: usize, x: &[f64]) -> Value {
    assert_eq!(x.len() % columns, 0);
    Value { shape: Shape::Matrix((x.len() / columns) as u32, columns as u32), elements: x.to_vec() }
}

/// A program with values of its inputs, in the order of its inputs.
pub struct Case {
    pub options: CompileOptions,
    pub graph: Graph,
    pub inputs: Vec<f64>,
    pub text: String,
}

impl Case {
    pub fn new(text: &str, inputs: &[(&str, Value)]) -> Case {
        let program = Program::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let mut signature = Signature::scalars();
        for (name, value) in inputs {
            signature = signature.shape(*name, value.shape);
        }
        let elements = program
            .inputs()
            .flat_map(|name| {
                let value = inputs.iter().find(|(other, _)| *other == name);
                value.unwrap_or_else(|| panic!("{text}: no value for {name}")).1.elements.clone()
            })
            .collect();
        let graph = program.graph(&signature).unwrap_or_else(|e| panic!("{text}: {e}"));
        let options = CompileOptions::default().signature(signature);
        Case { options, graph, inputs: elements, text: text.to_string() }
    }

    /// All outputs of a graph at the point, natively; the interpreter must agree.
    pub fn outputs(&self, graph: &Graph, more: &[f64]) -> Vec<f64> {
        let columns: Vec<Vec<f64>> = self.inputs.iter().chain(more).map(|&x| vec![x]).collect();
        let [native, interpreted] = [super::native_tier(), Tier::Interpret].map(|tier| {
            let options = CompileOptions::default().tier(tier);
            let kernel = Kernel::from_graph(graph.clone(), &options).expect("a kernel");
            run(&kernel, &columns, &[], 1, 1)
        });
        assert_eq!(native, interpreted, "{}: tiers differ", self.text);
        native.columns.iter().map(|c| f64::from_bits(c[0])).collect()
    }

    pub fn derived(&self, derivative: Derivative) -> Graph {
        derived(&self.graph, &self.options.clone().derivative(derivative)).expect("a derived graph")
    }

    pub fn elements_of_value(&self) -> usize {
        self.graph.outputs.iter().map(|o| self.graph.shape(o.node).len()).sum()
    }

    pub fn value(&self) -> Vec<f64> {
        self.outputs(&self.graph, &[])
    }

    /// The Jacobian, row by row, in reverse mode.
    pub fn reverse(&self) -> Vec<f64> {
        self.outputs(&self.derived(Derivative::Gradient), &[]).split_off(self.elements_of_value())
    }

    /// A vector-Jacobian product.
    pub fn vjp(&self, cotangent: &[f64]) -> Vec<f64> {
        self.outputs(&self.derived(Derivative::Vjp), cotangent).split_off(self.elements_of_value())
    }

    /// A Jacobian-vector product.
    pub fn jvp(&self, direction: &[f64]) -> Vec<f64> {
        self.outputs(&self.derived(Derivative::Jvp { seeds: 1 }), direction)
            .split_off(self.elements_of_value())
    }

    /// One direction for each element of the inputs.
    pub fn directions(&self) -> Vec<Direction> {
        (0u32..)
            .zip(&self.graph.inputs)
            .flat_map(|(input, info)| {
                (0..info.shape.len() as u32).map(move |element| Direction::Element { input, element })
            })
            .collect()
    }

    /// The Jacobian, row by row, in forward mode.
    pub fn forward(&self) -> Vec<f64> {
        let n = self.elements_of_value();
        let columns =
            self.outputs(&tangent(&self.graph, &self.directions()).expect("a tangent"), &[]).split_off(n);
        (0..n).flat_map(|row| columns.iter().skip(row).step_by(n).copied().collect::<Vec<_>>()).collect()
    }

    pub fn hessian_graph(&self) -> Graph {
        self.derived(Derivative::Hessian)
    }

    /// The Hessian, row by row (it is symmetric up to rounding).
    pub fn hessian(&self) -> Vec<f64> {
        let n = self.inputs.len();
        let all = self.outputs(&self.hessian_graph(), &[]);
        // After the value and the gradient: for each direction the derivative of each element of the gradient.
        all[1 + n..].to_vec()
    }
}
