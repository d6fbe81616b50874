//! The programs of `corpus/` with their references.

use std::path::Path;

use neural_compiler::{CompileOptions, Derivative, Program, Shape, Signature};
use serde_json::Value;

/// A program with its references.
pub struct Entry {
    /// Directory and file name.
    pub name: String,
    pub text: String,
    pub program: Program,
    /// Name and shape of each input, in the order of a point's numbers.
    pub inputs: Vec<(String, Shape)>,
    pub points: Vec<Vec<f64>>,
    /// Per point the elements of the value.
    pub values: Vec<Vec<f64>>,
    /// Per point and element of the value the derivatives, in the order of a point's numbers.
    pub gradients: Vec<Vec<Vec<f64>>>,
    /// How far computed results may be from `values` and `gradients`, for programs that repeat.
    pub bounds: Option<Bounds>,
    /// How far a program of several steps may be off, if it says so: of a value relatively and absolutely, and of a gradient relative
    /// to the largest entry of its row.
    pub tolerance: Option<[f64; 3]>,
    /// How much relative errors of the inputs matter for each element of the value.
    pub conditioning: Vec<Vec<f64>>,
    /// Largest errors of a plain evaluation: of a value relative to it, of a derivative relative to the largest of its row.
    pub plain: [f64; 2],
}

/// Bounds on errors, in the layout of values and gradients.
pub struct Bounds {
    pub values: Vec<Vec<f64>>,
    pub gradients: Vec<Vec<Vec<f64>>>,
}

impl Entry {
    pub fn options(&self, derivative: Derivative) -> CompileOptions {
        let mut signature = Signature::scalars();
        for (name, shape) in &self.inputs {
            signature = signature.shape(name, *shape);
        }
        CompileOptions::default().signature(signature).derivative(derivative)
    }

    /// For each number in the program's order of inputs, its place in a point.
    pub fn order(&self) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut next = 0;
        for (_, shape) in &self.inputs {
            starts.push(next);
            next += shape.len();
        }
        let names: Vec<&str> = self.program.inputs().collect();
        assert_eq!(names.len(), self.inputs.len(), "{}: inputs are {names:?}", self.name);
        names
            .iter()
            .flat_map(|name| {
                let k = self.inputs.iter().position(|(other, _)| other == name);
                let k = k.unwrap_or_else(|| panic!("{}: no reference for input {name}", self.name));
                starts[k]..starts[k] + self.inputs[k].1.len()
            })
            .collect()
    }

    /// The points as columns in the program's order.
    pub fn columns(&self) -> Vec<Vec<f64>> {
        self.order().iter().map(|&k| self.points.iter().map(|p| p[k]).collect()).collect()
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// All programs without loops and recursion, in order. The others are `load_from("classic")`.
pub fn load() -> Vec<Entry> {
    ["feynman", "laws", "vector", "throughput"].iter().flat_map(|directory| load_from(directory)).collect()
}

pub fn load_from(directory: &str) -> Vec<Entry> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(directory);
    let json = std::fs::read_to_string(root.join("reference.json")).expect("references");
    let json: Value = serde_json::from_str(&json).expect("references are JSON");
    let mut entries = Vec::new();
    for (file, about) in json.as_object().expect("an object") {
        let text = std::fs::read_to_string(root.join(file)).expect("every entry has a program");
        let name = format!("{directory}/{file}");
        let program = Program::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let list = |key: &str| about[key].as_array().unwrap_or_else(|| panic!("{name}: {key}")).iter();
        let inputs = list("inputs")
            .map(|input| {
                let dims = input.get("shape").map(numbers).unwrap_or_default();
                let shape = match dims[..] {
                    [] => Shape::Scalar,
                    [n] => Shape::Vector(n as u32),
                    [n, m] => Shape::Matrix(n as u32, m as u32),
                    _ => panic!("{name}: shape {dims:?}"),
                };
                (input["name"].as_str().expect("a name").to_string(), shape)
            })
            .collect();
        let scalar = about["output_len"].is_null();
        let values_of = |key| -> Vec<Vec<f64>> {
            list(key).map(|v| if scalar { vec![v.as_f64().unwrap()] } else { numbers(v) }).collect()
        };
        let gradients = |key| -> Vec<Vec<Vec<f64>>> {
            let rows = list(key).map(|g| {
                if scalar { vec![numbers(g)] } else { g.as_array().unwrap().iter().map(numbers).collect() }
            });
            rows.collect()
        };
        let bounds = about
            .get("bounds")
            .map(|_| Bounds { values: values_of("value_bounds"), gradients: gradients("gradient_bounds") });
        let (values, gradients) = (values_of("values"), gradients("gradients"));
        let points = list("points").map(numbers).collect();
        let conditioning = about["conditioning"].as_array().into_iter().flatten();
        let conditioning = conditioning.map(|c| match c.as_array() {
            // A zero has none.
            Some(elements) => elements.iter().map(|c| c.as_f64().unwrap_or(0.0)).collect(),
            None => vec![c.as_f64().unwrap_or(0.0)],
        });
        let conditioning = conditioning.collect();
        let of = |about: &Value, key: &str| about.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        let tolerance =
            about.get("tolerance").map(|t| ["value", "absolute", "gradient"].map(|key| of(t, key)));
        let plain = ["value_rel", "gradient_normwise"].map(|key| of(&about["naive_f64"], key));
        entries.push(Entry {
            inputs,
            points,
            values,
            gradients,
            bounds,
            tolerance,
            conditioning,
            plain,
            name,
            text,
            program,
        });
    }
    let programs = std::fs::read_dir(&root)
        .expect("the directory")
        .filter(|f| f.as_ref().is_ok_and(|f| f.path().extension().is_some_and(|e| e == "scm")))
        .count();
    assert_eq!(programs, entries.len(), "{directory}: every program has an entry");
    entries
}
