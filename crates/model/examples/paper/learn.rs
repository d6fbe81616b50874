//! Programs with networks: trained, and evaluated on other rows.

use std::time::Instant;

use nc_model::fit::{Adam, Fit, Method, Report};
use neural_compiler::{CompileOptions, Kernel, Program, Shape, Signature};

/// `(network …)` of these inputs and layers.
pub fn network(name: &str, inputs: &str, layers: &str, activation: &str, results: usize) -> String {
    format!("(network {name} ({inputs}) (layers {layers}) (activation {activation}) (results {results}))\n")
}

/// Parameters with their shapes and elements.
pub type Values = Vec<(String, Shape, Vec<f64>)>;

/// What a training gave.
pub struct Trained {
    pub report: Report,
    pub values: Values,
    pub seconds: f64,
}

impl Trained {
    /// The value of a number.
    pub fn number(&self, name: &str) -> f64 {
        self.report.parameter(name).expect("a parameter").value
    }

    /// How many numbers were trained.
    pub fn count(&self) -> usize {
        self.values.iter().map(|(_, _, elements)| elements.len()).sum()
    }
}

/// Trains by Adam.
pub fn train(fit: &Fit<'_>, plan: Adam) -> Trained {
    let start = Instant::now();
    let fit = fit.clone().method(Method::Adam(plan));
    let solution = fit.solve().expect("a fit");
    let (values, report) = (solution.values(), solution.report.clone());
    Trained { report, values, seconds: start.elapsed().as_secs_f64() }
}

/// A program with its parameters known.
pub struct Known {
    kernel: Kernel,
    values: Values,
}

impl Known {
    /// A program whose inputs of rows have these shapes, where they are no numbers.
    pub fn new(program: &Program, shapes: &[(&str, Shape)], values: &Values) -> Known {
        let mut signature = Signature::scalars();
        for &(name, shape) in shapes {
            signature = signature.shape(name, shape);
        }
        let declared = program.parameters();
        let taken: Vec<&str> = program.inputs().chain(program.constants().map(|(name, _)| name)).collect();
        for (name, shape, _) in values.iter().filter(|(name, ..)| taken.contains(&name.as_str())) {
            if declared.iter().all(|declared| declared.name != *name) {
                signature = signature.shape(name, *shape).parameter(name);
            }
        }
        let kernel = program.compile(&CompileOptions::default().signature(signature)).expect("a program");
        Known { kernel, values: values.clone() }
    }

    /// A result in rows whose inputs these are, of both each row's elements one after the other; the only result is called `value`.
    pub fn rows(&self, inputs: &[(&str, &[f64])], result: &str) -> Vec<f64> {
        let known = self.kernel.inputs();
        let used = |name: &str| known.iter().any(|input| input.name == name);
        let values = self.values.iter().filter(|(name, ..)| used(name));
        let named: Vec<(&str, &[f64])> = inputs
            .iter()
            .copied()
            .chain(values.map(|(name, _, elements)| (name.as_str(), elements.as_slice())))
            .collect();
        let found = self.kernel.evaluate_named(&named).expect("values");
        if let Some(column) = found.get(result) {
            return column.to_vec();
        }
        let elements = (0..).map_while(|k| found.get(&format!("{result}[{k}]")));
        let columns: Vec<&[f64]> = elements.collect();
        let rows = columns.first().expect("a result").len();
        (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
    }
}

/// The mean of squared differences.
pub fn mean_square(found: &[f64], exact: &[f64]) -> f64 {
    found.iter().zip(exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / found.len() as f64
}
