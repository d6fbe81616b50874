//! Parameters: what is known of them before, and how those that are free make those of the program.

use neural_compiler::batch::Workspace;
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Shape};

use super::FitError;

/// What a user says about a parameter. An element of a vector or matrix is a parameter of its own in reports, called `w[2]` or
/// `A[0,1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) start: Option<Vec<f64>>,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) fixed: bool,
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

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Sets where the search starts.
    pub fn start(self, start: f64) -> Parameter {
        Parameter { start: Some(vec![start]), ..self }
    }

    /// Makes it a vector or matrix that starts at these elements, row after row.
    pub fn elements(self, shape: Shape, start: Vec<f64>) -> Parameter {
        Parameter { shape, start: Some(start), ..self }
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
}

#[derive(Debug)]
struct Tied {
    element: usize,
    kernel: Kernel,
    /// The elements that its inputs are.
    of: Vec<usize>,
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
}

/// What each searched number does to the elements of the parameters: which element by which factor.
pub type Combination = Vec<Vec<(usize, f64)>>;

impl Layout {
    /// The parameters of a program: those of its inputs that are no data, and its top-level numbers.
    pub fn of(
        program: &Program,
        data: &[&str],
        known: &[Parameter],
        ties: &[Tie],
    ) -> Result<Layout, FitError> {
        let numbers: Vec<(&str, f64)> = program.constants().collect();
        let inputs = program.inputs().filter(|name| !data.contains(name)).map(|name| (name, 1.0));
        let all: Vec<(&str, f64)> = inputs.chain(numbers.iter().copied()).collect();
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
            Layout { places: Vec::new(), free: Vec::new(), values: Vec::new(), tied: Vec::new() };
        for (k, &(name, start)) in all.iter().enumerate() {
            let spec = known.iter().find(|parameter| parameter.name == name).cloned();
            let spec = spec.unwrap_or_else(|| Parameter::new(name));
            let tied = ties.iter().any(|tie| tie.name == name);
            let (count, first) = (spec.shape.len(), layout.values.len());
            let within =
                |x: f64| if x < spec.low || x > spec.high { nearest(x, spec.low, spec.high) } else { x };
            let starts = match &spec.start {
                Some(starts) if starts.len() == count => starts.clone(),
                Some(starts) => {
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
            layout.places.push(Place { name: name.to_owned(), shape: spec.shape, first, fixed: spec.fixed });
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
            let derivative = if of.is_empty() { Derivative::None } else { Derivative::Gradient };
            let options = CompileOptions::default().derivative(derivative);
            let kernel = tie.expression.compile(&options).map_err(FitError::program)?;
            if kernel.outputs()[0].shape != Shape::Scalar || kernel.outputs().len() != 1 + of.len() {
                return Err(FitError::TieOfShape { name: tie.name.clone() });
            }
            layout.tied.push(Tied { element, kernel, of });
        }
        Ok(layout)
    }

    /// All elements of the parameters, and what each searched number does to them there.
    pub fn expand(&self, point: &[f64]) -> (Vec<f64>, Combination) {
        let mut values = self.values.clone();
        for (free, &x) in self.free.iter().zip(point) {
            values[free.element] = x;
        }
        let mut combination: Combination = self.free.iter().map(|free| vec![(free.element, 1.0)]).collect();
        for tied in &self.tied {
            let inputs: Vec<f64> = tied.of.iter().map(|&element| values[element]).collect();
            let mut outputs = vec![f64::NAN; 1 + inputs.len()];
            // A row that fails is NaN, which the search sees.
            let _ = tied.kernel.evaluate_row(&inputs, &[], &mut outputs, &mut [], &mut Workspace::new());
            values[tied.element] = outputs[0];
            for (&element, &factor) in tied.of.iter().zip(&outputs[1..]) {
                if let Some(k) = self.free.iter().position(|free| free.element == element) {
                    combination[k].push((tied.element, factor));
                }
            }
        }
        (values, combination)
    }

    /// Which of the searched numbers are at one of their bounds.
    pub fn at_bound(&self, point: &[f64]) -> Vec<bool> {
        self.free.iter().zip(point).map(|(free, &x)| x == free.low || x == free.high).collect()
    }

    /// Whether a parameter of the program is tied to others, or others to it.
    pub fn takes_part_in_ties(&self, parameter: usize) -> bool {
        let place = &self.places[parameter];
        let elements = place.first..place.first + place.shape.len();
        self.tied
            .iter()
            .any(|tied| elements.contains(&tied.element) || tied.of.iter().any(|e| elements.contains(e)))
    }

    /// The elements that are not searched for: which, called what, its value, and whether it is tied to others.
    pub fn others(&self, point: &[f64]) -> Vec<(usize, String, f64, bool)> {
        let (values, _) = self.expand(point);
        let places = self.places.iter().flat_map(|place| {
            (0..place.shape.len()).map(move |number| (place, place.first + number, number))
        });
        places
            .filter(|(_, element, _)| !self.free.iter().any(|free| free.element == *element))
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
