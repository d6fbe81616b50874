//! Parameters: what is known of them before, and how those that are free make those of the program.

use neural_compiler::batch::Workspace;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Shape, Start};

use super::FitError;
use super::report::Weights;
use super::search::splitmix;

/// What a user says about a parameter. An element of a vector or matrix is a parameter of its own in reports, called `w[2]` or
/// `A[0,1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) start: Option<Begin>,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) fixed: bool,
}

/// Where elements start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Begin {
    At(Vec<f64>),
    /// Evenly at random from -limit to limit.
    Drawn {
        limit: f64,
    },
}

impl Parameter {
    /// A scalar without bounds that starts where the program says, or at 1.
    pub fn new(name: impl Into<String>) -> Parameter {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        Parameter { name: name.into(), shape: Shape::Scalar, start: None, low, high, fixed: false }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is said where it starts.
    pub fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Where the search starts, element by element, if that was set and is not drawn.
    pub fn starts_at(&self) -> Option<&[f64]> {
        match &self.start {
            Some(Begin::At(start)) => Some(start),
            Some(Begin::Drawn { .. }) | None => None,
        }
    }

    /// Sets where the search starts.
    pub fn start(self, start: f64) -> Parameter {
        Parameter { start: Some(Begin::At(vec![start])), ..self }
    }

    /// Makes it a vector or matrix that starts at these elements, row after row.
    pub fn elements(self, shape: Shape, start: Vec<f64>) -> Parameter {
        Parameter { shape, start: Some(Begin::At(start)), ..self }
    }

    /// Makes it a vector or matrix whose elements start at random, evenly from -limit to limit. What is drawn depends on the seed of the
    /// fit and on its name, and on nothing else.
    pub fn drawn(self, shape: Shape, limit: f64) -> Parameter {
        Parameter { shape, start: Some(Begin::Drawn { limit }), ..self }
    }

    /// Sets bounds, which hold for all elements; infinities are none.
    pub fn bounds(self, low: f64, high: f64) -> Parameter {
        Parameter { low, high, ..self }
    }

    /// Leaves it where it starts.
    pub fn fix(self) -> Parameter {
        Parameter { fixed: true, ..self }
    }
}

/// A parameter that is a function of others: `b2 = 2·b1`, said as a program whose inputs are their names.
#[derive(Debug, Clone)]
pub struct Tie {
    pub(crate) name: String,
    pub(crate) expression: Program,
}

impl Tie {
    /// Ties the scalar parameter `name` to the value of a program in other parameters.
    pub fn new(name: impl Into<String>, expression: Program) -> Tie {
        Tie { name: name.into(), expression }
    }
}

/// A number that follows from the parameters, said as a program whose inputs are their names.
#[derive(Debug, Clone)]
pub struct Derived {
    pub(crate) name: String,
    pub(crate) expression: Program,
}

impl Derived {
    /// The value of a program in parameters, called so.
    pub fn new(name: impl Into<String>, expression: Program) -> Derived {
        Derived { name: name.into(), expression }
    }
}

/// A number that is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Free {
    /// Its name; with indices if it is an element.
    pub name: String,
    /// Where it starts.
    pub start: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// Which parameter of the program it is of.
    pub parameter: usize,
    /// Its number among the elements of all parameters.
    pub element: usize,
}

/// A parameter of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub name: String,
    pub shape: Shape,
    /// Its first element among those of all parameters.
    pub first: usize,
    pub fixed: bool,
    /// Whether its elements are weights of a network: many numbers of which none means anything by itself.
    pub weights: bool,
}

/// With more searched numbers, vectors and matrices are taken as weights by a descent, which then makes no Jacobian, and least squares take
/// no networks.
pub const WEIGHTS: usize = 200;

/// Numbers from -limit to limit, evenly, which depend on a name and a seed only.
fn drawn(name: &str, seed: u32, limit: f64, count: usize) -> Vec<f64> {
    let mut state = u64::from(seed);
    state = splitmix(&mut state) ^ super::report::digest(name.bytes());
    let mut unit = || (splitmix(&mut state) >> 11) as f64 * f64::EPSILON / 2.0;
    (0..count).map(|_| limit * (2.0 * unit() - 1.0)).collect()
}

#[derive(Debug)]
struct Tied {
    element: usize,
    function: Function,
}

/// A number as a function of elements of the parameters.
#[derive(Debug)]
struct Function {
    kernel: Kernel,
    /// The elements that its inputs are.
    of: Vec<usize>,
}

impl Function {
    fn new(name: &str, expression: &Program, of: Vec<usize>) -> Result<Function, FitError> {
        let derivative = if of.is_empty() { Derivative::None } else { Derivative::Gradient };
        let options = CompileOptions::default().derivative(derivative);
        let kernel = expression.compile(&options).map_err(FitError::program)?;
        if kernel.outputs()[0].shape != Shape::Scalar || kernel.outputs().len() != 1 + of.len() {
            return Err(FitError::TieOfShape { name: name.to_owned() });
        }
        Ok(Function { kernel, of })
    }

    /// Appends its inputs, its value and its derivatives; those of what fails are NaN.
    fn evaluate(&self, values: &[f64], numbers: &mut Vec<f64>) {
        let first = numbers.len();
        numbers.extend(self.of.iter().map(|&element| values[element]));
        numbers.resize(first + self.width(), f64::NAN);
        let (inputs, outputs) = numbers[first..].split_at_mut(self.of.len());
        let _ = self.kernel.evaluate_row(inputs, &[], outputs, &mut [], &mut Workspace::new());
    }

    /// How many numbers it appends.
    fn width(&self) -> usize {
        2 * self.of.len() + 1
    }

    /// Its value of the numbers that it appended, and the elements with its derivatives by them.
    fn value<'n>(&'n self, numbers: &'n [f64]) -> (f64, impl Iterator<Item = (usize, f64)> + 'n) {
        let outputs = &numbers[self.of.len()..];
        (outputs[0], self.of.iter().copied().zip(outputs[1..].iter().copied()))
    }
}

/// How the numbers that are searched for make the parameters of the program.
#[derive(Debug)]
pub struct Layout {
    /// The parameters of the program.
    pub places: Vec<Place>,
    /// What is searched for.
    pub free: Vec<Free>,
    values: Vec<f64>,
    tied: Vec<Tied>,
    derived: Vec<(String, Function)>,
}

/// What each searched number does to the elements of the parameters: which element by which factor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Combination {
    parts: Vec<(usize, f64)>,
    /// Where the parts of each searched number end.
    ends: Vec<usize>,
}

impl Combination {
    /// How many numbers are searched for.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// What one of them does.
    pub fn of(&self, k: usize) -> &[(usize, f64)] {
        &self.parts[if k == 0 { 0 } else { self.ends[k - 1] }..self.ends[k]]
    }

    /// What all of them do, one after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[(usize, f64)]> {
        (0..self.len()).map(|k| self.of(k))
    }
}

/// The parameters of the program at a point, in room that the next point can use.
#[derive(Debug, Default)]
pub struct Expanded {
    /// All elements of the parameters.
    pub values: Vec<f64>,
    /// What each searched number does to them there.
    pub combination: Combination,
    /// What the expressions of ties give, each behind its inputs.
    tied: Vec<f64>,
}

impl Layout {
    /// The parameters of a program: those of its inputs that are no data, and its top-level numbers.
    pub fn of(
        program: &Program,
        data: &[&str],
        known: &[Parameter],
        ties: &[Tie],
        derived: &[Derived],
        seed: u32,
    ) -> Result<Layout, FitError> {
        let numbers: Vec<(&str, f64)> = program.constants().collect();
        let of_network = |name: &str| program.parameters().iter().find(|declared| declared.name == name);
        let inputs = program.inputs().filter(|name| !data.contains(name) && of_network(name).is_none());
        // Weights of networks come last, each network's in its order.
        let weights = program.parameters().iter().map(|declared| declared.name.as_str());
        let weights = weights.filter(|name| !data.contains(name)).map(|name| (name, 1.0));
        let all: Vec<(&str, f64)> =
            inputs.map(|name| (name, 1.0)).chain(numbers.iter().copied()).chain(weights).collect();
        let names = || all.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
        let unknown = |name: &str| FitError::UnknownParameter {
            name: name.to_owned(),
            is_data: data.contains(&name),
            parameters: names(),
        };
        for (k, parameter) in known.iter().enumerate() {
            if !all.iter().any(|(name, _)| *name == parameter.name) {
                return Err(unknown(&parameter.name));
            }
            if known[..k].iter().any(|before| before.name == parameter.name) {
                return Err(FitError::Twice { name: parameter.name.clone() });
            }
            if numbers.iter().any(|(name, _)| *name == parameter.name) && parameter.shape != Shape::Scalar {
                return Err(FitError::NumberOfShape { name: parameter.name.clone() });
            }
        }
        let mut layout =
            Layout { places: vec![], free: vec![], values: vec![], tied: vec![], derived: vec![] };
        for (k, &(name, start)) in all.iter().enumerate() {
            let spec = known.iter().find(|parameter| parameter.name == name).cloned();
            let mut spec = spec.unwrap_or_else(|| Parameter::new(name));
            let declared = of_network(name);
            if let Some(declared) = declared {
                if spec.start.is_some() && spec.shape != declared.shape {
                    let (expected, found) = (declared.shape, spec.shape);
                    return Err(FitError::DeclaredShape { name: name.to_owned(), expected, found });
                }
                spec.shape = declared.shape;
                spec.start.get_or_insert_with(|| match declared.start {
                    Start::Uniform { limit } => Begin::Drawn { limit },
                    Start::Constant(number) => Begin::At(vec![number; declared.shape.len()]),
                    other => unreachable!("a start that is not known: {other:?}"),
                });
            }
            let tied = ties.iter().any(|tie| tie.name == name);
            let (count, first) = (spec.shape.len(), layout.values.len());
            let within =
                |x: f64| if x < spec.low || x > spec.high { nearest(x, spec.low, spec.high) } else { x };
            let starts = match &spec.start {
                Some(Begin::Drawn { limit }) => drawn(name, seed, *limit, count),
                Some(Begin::At(starts)) if starts.len() == count => starts.clone(),
                Some(Begin::At(starts)) => {
                    let (expected, found) = (count, starts.len());
                    return Err(FitError::Elements { name: name.to_owned(), expected, found });
                }
                None => vec![within(start); count],
            };
            if spec.low.is_nan() || spec.high.is_nan() || spec.low > spec.high {
                return Err(FitError::Bounds { name: name.to_owned(), low: spec.low, high: spec.high });
            }
            for (number, &start) in starts.iter().enumerate() {
                if !start.is_finite() || !spec.fixed && !(spec.low..=spec.high).contains(&start) {
                    let (name, low, high) = (element_name(name, spec.shape, number), spec.low, spec.high);
                    return Err(FitError::StartOutside { name, start, low, high });
                }
            }
            if tied
                && (spec.fixed
                    || spec.shape != Shape::Scalar
                    || spec.low.is_finite()
                    || spec.high.is_finite())
            {
                return Err(FitError::TiedAndMore { name: name.to_owned() });
            }
            if !spec.fixed && !tied {
                layout.free.extend(starts.iter().enumerate().map(|(number, &start)| Free {
                    name: element_name(name, spec.shape, number),
                    start,
                    low: spec.low,
                    high: spec.high,
                    parameter: k,
                    element: first + number,
                }));
            }
            layout.values.extend(starts);
            let (name, weights) = (name.to_owned(), declared.is_some());
            layout.places.push(Place { name, shape: spec.shape, first, fixed: spec.fixed, weights });
        }
        for (k, tie) in ties.iter().enumerate() {
            let Some(place) = layout.places.iter().find(|place| place.name == tie.name) else {
                return Err(unknown(&tie.name));
            };
            if ties[..k].iter().any(|before| before.name == tie.name) {
                return Err(FitError::Twice { name: tie.name.clone() });
            }
            let element = place.first;
            let of = |name: &str| {
                let place = layout.places.iter().find(|place| place.name == name);
                match place.filter(|place| place.shape == Shape::Scalar) {
                    Some(_) if ties.iter().any(|other| other.name == name) => {
                        Err(FitError::TiedToTied { name: tie.name.clone(), other: name.to_owned() })
                    }
                    Some(place) => Ok(place.first),
                    None => Err(unknown(name)),
                }
            };
            let of = tie.expression.inputs().map(of).collect::<Result<Vec<usize>, FitError>>()?;
            layout.tied.push(Tied { element, function: Function::new(&tie.name, &tie.expression, of)? });
        }
        for (k, Derived { name, expression }) in derived.iter().enumerate() {
            if derived[..k].iter().any(|before| before.name == *name)
                || layout.places.iter().any(|place| place.name == *name)
            {
                return Err(FitError::Twice { name: name.clone() });
            }
            let of = |input: &str| match layout.places.iter().find(|place| place.name == input) {
                Some(place) if place.shape == Shape::Scalar => Ok(place.first),
                Some(_) => Err(FitError::TieOfShape { name: name.clone() }),
                None => Err(unknown(input)),
            };
            let of = expression.inputs().map(of).collect::<Result<Vec<usize>, FitError>>()?;
            layout.derived.push((name.clone(), Function::new(name, expression, of)?));
        }
        Ok(layout)
    }

    /// All elements of the parameters, and what each searched number does to them there.
    pub fn expand(&self, point: &[f64]) -> Expanded {
        let mut expanded = Expanded::default();
        self.expand_into(point, &mut expanded);
        expanded
    }

    /// As [`Layout::expand`], in room that is there.
    pub fn expand_into(&self, point: &[f64], expanded: &mut Expanded) {
        let Expanded { values, combination: Combination { parts, ends }, tied } = expanded;
        values.clone_from(&self.values);
        for (free, &x) in self.free.iter().zip(point) {
            values[free.element] = x;
        }
        tied.clear();
        for Tied { element, function } in &self.tied {
            let first = tied.len();
            function.evaluate(values, tied);
            values[*element] = function.value(&tied[first..]).0;
        }
        parts.clear();
        ends.clear();
        for free in &self.free {
            parts.push((free.element, 1.0));
            let mut first = 0;
            for Tied { element, function } in &self.tied {
                let (_, slopes) = function.value(&tied[first..]);
                for (_, slope) in slopes.filter(|(of, _)| *of == free.element) {
                    parts.push((*element, slope));
                }
                first += function.width();
            }
            ends.push(parts.len());
        }
    }

    /// The numbers that follow from the parameters: name, value, and derivatives by all elements of the parameters.
    pub fn derived(&self, point: &[f64]) -> Vec<(String, f64, Vec<f64>)> {
        let values = self.expand(point).values;
        let derived = self.derived.iter().map(|(name, function)| {
            let mut numbers = Vec::new();
            function.evaluate(&values, &mut numbers);
            let (value, slopes) = function.value(&numbers);
            let mut by_element = vec![0.0; values.len()];
            slopes.for_each(|(element, slope)| by_element[element] += slope);
            (name.clone(), value, by_element)
        });
        derived.collect()
    }

    /// A network's parameter that is searched for, if there are so many numbers that a Jacobian would be too large.
    pub fn too_many(&self) -> Option<&Place> {
        self.places.iter().find(|place| place.weights && !place.fixed && self.free.len() > WEIGHTS)
    }

    /// Takes vectors and matrices as weights if a descent searches for very many numbers. Whether there are weights among them.
    pub fn take_weights(&mut self) -> bool {
        if self.free.len() > WEIGHTS {
            self.places
                .iter_mut()
                .filter(|place| place.shape != Shape::Scalar)
                .for_each(|place| place.weights = true);
        }
        self.places.iter().any(|place| place.weights && !place.fixed)
    }

    /// The weights with their elements at a point.
    pub fn weights(&self, point: &[f64]) -> Vec<Weights> {
        let values = self.expand(point).values;
        let places = self.places.iter().filter(|place| place.weights);
        places
            .map(|place| Weights {
                name: place.name.clone(),
                shape: place.shape,
                values: values[place.first..place.first + place.shape.len()].to_vec(),
                trained: !place.fixed,
            })
            .collect()
    }

    /// Which of the searched numbers are at one of their bounds.
    pub fn at_bound(&self, point: &[f64]) -> Vec<bool> {
        self.free.iter().zip(point).map(|(free, &x)| x == free.low || x == free.high).collect()
    }

    /// Whether a parameter of the program is tied to others, or others to it.
    pub fn takes_part_in_ties(&self, parameter: usize) -> bool {
        let place = &self.places[parameter];
        let elements = place.first..place.first + place.shape.len();
        self.tied.iter().any(|tied| {
            elements.contains(&tied.element) || tied.function.of.iter().any(|e| elements.contains(e))
        })
    }

    /// The elements that are neither searched for nor weights: which, called what, its value, and whether it is tied to others.
    pub fn others(&self, point: &[f64]) -> Vec<(usize, String, f64, bool)> {
        let values = self.expand(point).values;
        let mut searched = vec![false; values.len()];
        self.free.iter().for_each(|free| searched[free.element] = true);
        let places = self.places.iter().filter(|place| !place.weights).flat_map(|place| {
            (0..place.shape.len()).map(move |number| (place, place.first + number, number))
        });
        places
            .filter(|(_, element, _)| !searched[*element])
            .map(|(place, element, number)| {
                (element, element_name(&place.name, place.shape, number), values[element], !place.fixed)
            })
            .collect()
    }
}

/// The number within bounds that is nearest.
fn nearest(x: f64, low: f64, high: f64) -> f64 {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => 0.5 * low + 0.5 * high,
        _ => x.clamp(low, high),
    }
}

/// What an element is called.
pub fn element_name(name: &str, shape: Shape, number: usize) -> String {
    match shape {
        Shape::Scalar => name.to_owned(),
        Shape::Complex => format!("{name}.{}", ["re", "im"][number % 2]),
        Shape::Vector(_) => format!("{name}[{number}]"),
        Shape::Matrix(_, columns) => {
            let columns = columns as usize;
            format!("{name}[{},{}]", number / columns, number % columns)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_depends_on_the_name_and_the_seed_only() {
        let numbers = drawn("n.w1", 7, 0.5, 1000);
        assert_eq!(numbers, drawn("n.w1", 7, 0.5, 1000));
        assert_eq!(numbers[..10], drawn("n.w1", 7, 0.5, 10));
        assert!(numbers != drawn("n.w2", 7, 0.5, 1000) && numbers != drawn("n.w1", 8, 0.5, 1000));
        assert!(numbers.iter().all(|x| (-0.5..0.5).contains(x)));
        let mean = numbers.iter().sum::<f64>() / 1000.0;
        let square = numbers.iter().map(|x| x * x).sum::<f64>() / 1000.0;
        // 3.5 standard deviations of each.
        assert!(mean.abs() < 0.032 && (square - 1.0 / 12.0).abs() < 0.0083, "{mean} {square}");
    }
}
