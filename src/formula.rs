//! Programs built by function calls instead of from text.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::entity::Entity;
use crate::graph::{ExtentError, Graph, Node, Output, Role, Shape, Source, Type};
use crate::kernel::{CompileOptions, Dtype, Kernel, KernelError, derived};
use crate::limits::MAX_COLUMNS;
use crate::ops::{Algebra, Arity, Op, Primitive, Requirement, ShapeError};

/// Builds a program call by call, and compiles it.
///
/// ```
/// use neural_compiler::{CompileOptions, Formula};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut f = Formula::new();
/// let (x, y) = (f.input("x"), f.input("y"));
/// let one = f.number(1.0);
/// let sum = f.call("+", &[x, one])?;
/// let product = f.call("*", &[sum, y])?;
/// f.result("", product)?;
/// let kernel = f.compile(&CompileOptions::default())?;
/// let columns = kernel.columns(&[&[1.0, 2.0, 3.0], &[10.0, 10.0, 10.0]])?;
/// assert_eq!(columns[0], [20.0, 30.0, 40.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Formula {
    builder: Builder,
    /// What tells its values from those of other formulas.
    id: u64,
    /// The formulas that it is a clone of, with the number of nodes that they had in common.
    origins: Vec<(u64, usize)>,
}

/// The values of the original so far are values of the clone, too. What either of the two makes later means nothing to the other.
impl Clone for Formula {
    fn clone(&self) -> Formula {
        let mut origins = self.origins.clone();
        origins.push((self.id, self.builder.graph.len()));
        Formula { builder: self.builder.clone(), id: next_id(), origins }
    }
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A value of a [`Formula`], and of clones made of it since. It means nothing to others, which refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FormulaValue {
    formula: u64,
    node: Node,
}

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormulaError {
    /// No primitive has this name.
    #[error("there is no primitive `{0}`")]
    UnknownPrimitive(String),
    /// The primitive takes another number of operands.
    #[error("`{name}` takes {takes}, not {found}")]
    Arity {
        /// The primitive.
        name: &'static str,
        /// How many it takes.
        takes: Arity,
        /// Operands given.
        found: usize,
    },
    /// The operands' shapes do not fit.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// No value has such a shape.
    #[error("the input `{name}`: {error}")]
    Extent {
        /// The input.
        name: String,
        /// What is wrong with its shape.
        error: ExtentError,
    },
    /// The inputs have more elements than a kernel can have columns.
    #[error("the inputs up to `{name}` have more than {MAX_COLUMNS} elements")]
    TooLarge {
        /// The input.
        name: String,
    },
    /// The value belongs to another formula.
    #[error("the value belongs to another formula")]
    Foreign,
}

impl Default for Formula {
    fn default() -> Formula {
        Formula::of(Dtype::F64)
    }
}

impl Formula {
    /// Nothing yet; numbers are `f64`.
    pub fn new() -> Formula {
        Formula::default()
    }

    /// Nothing yet; numbers are of this type.
    pub fn of(dtype: Dtype) -> Formula {
        let graph = Graph::of(dtype.precision());
        Formula { builder: Builder { graph }, id: next_id(), origins: Vec::new() }
    }

    fn value(&self, node: Node) -> FormulaValue {
        FormulaValue { formula: self.id, node }
    }

    fn node(&self, value: FormulaValue) -> Result<Node, FormulaError> {
        let common = |&(id, nodes): &(u64, usize)| value.formula == id && value.node.index() < nodes;
        if value.formula == self.id || self.origins.iter().any(common) {
            Ok(value.node)
        } else {
            Err(FormulaError::Foreign)
        }
    }

    /// A scalar input, one number per row.
    pub fn input(&mut self, name: impl Into<String>) -> FormulaValue {
        let node = self.builder.graph.input(name, Shape::Scalar, Source::Row);
        self.value(node)
    }

    /// An input of any shape, one value per row.
    ///
    /// # Errors
    ///
    /// No value has the shape ([`Shape::checked`]), or there would be more than 2²⁴ elements of inputs.
    pub fn input_of(&mut self, name: impl Into<String>, shape: Shape) -> Result<FormulaValue, FormulaError> {
        self.any_input(name.into(), shape, Source::Row)
    }

    /// A parameter: an input with one value for the whole batch. Derivatives by it are summed over the batch.
    ///
    /// # Errors
    ///
    /// As [`Formula::input_of`].
    pub fn parameter_of(
        &mut self,
        name: impl Into<String>,
        shape: Shape,
    ) -> Result<FormulaValue, FormulaError> {
        self.any_input(name.into(), shape, Source::Shared)
    }

    fn any_input(
        &mut self,
        name: String,
        shape: Shape,
        source: Source,
    ) -> Result<FormulaValue, FormulaError> {
        let elements = self.builder.graph.inputs.iter().filter(|input| input.source == source);
        let elements: usize = elements.map(|input| input.shape.len()).sum();
        match shape.checked() {
            Ok(shape) if elements + shape.len() > MAX_COLUMNS => Err(FormulaError::TooLarge { name }),
            Ok(shape) => {
                let node = self.builder.graph.input(name, shape, source);
                Ok(self.value(node))
            }
            Err(error) => Err(FormulaError::Extent { name, error }),
        }
    }

    /// A constant.
    pub fn number(&mut self, value: f64) -> FormulaValue {
        let node = self.builder.graph.number(value);
        self.value(node)
    }

    /// A primitive of the language.
    ///
    /// # Errors
    ///
    /// There is no such primitive, or it does not take these operands; operands of another formula.
    pub fn call(&mut self, primitive: &str, args: &[FormulaValue]) -> Result<FormulaValue, FormulaError> {
        let Some(primitive) = Primitive::from_name(primitive) else {
            return Err(FormulaError::UnknownPrimitive(primitive.to_string()));
        };
        let arity = primitive.arity();
        if args.len() < arity.min || arity.max.is_some_and(|max| args.len() > max) {
            return Err(FormulaError::Arity { name: primitive.name(), takes: arity, found: args.len() });
        }
        let args = args.iter().map(|&arg| self.node(arg)).collect::<Result<Vec<Node>, _>>()?;
        let node = primitive.expand(&mut self.builder, &args)?;
        Ok(self.value(node))
    }

    /// `(if condition then other)`: zero is false. Both arms are computed; derivatives flow through the taken one.
    ///
    /// # Errors
    ///
    /// The arms differ in shape, or the condition is no scalar; values of another formula.
    pub fn choose(
        &mut self,
        condition: FormulaValue,
        then: FormulaValue,
        other: FormulaValue,
    ) -> Result<FormulaValue, FormulaError> {
        let (condition, then, other) = (self.node(condition)?, self.node(then)?, self.node(other)?);
        let builder = &mut self.builder;
        let (x, y) = (builder.graph.shape(then), builder.graph.shape(other));
        if x != y || !builder.graph.ty(condition).is_scalar() {
            let condition = builder.graph.shape(condition);
            return Err(ShapeError::new(format!("if of {condition} with arms of {x} and {y}")).into());
        }
        let condition = builder.as_truth(condition);
        let (then, other) = (builder.as_number(then), builder.as_number(other));
        let node = builder.graph.select(condition, then, other);
        Ok(self.value(node))
    }

    /// Makes a value a result. A program's only result needs no name.
    ///
    /// # Errors
    ///
    /// The value belongs to another formula.
    pub fn result(&mut self, name: impl Into<String>, value: FormulaValue) -> Result<(), FormulaError> {
        let node = self.node(value)?;
        let node = self.builder.as_number(node);
        self.builder.graph.outputs.push(Output { name: name.into(), node, role: Role::Value });
        Ok(())
    }

    /// Compiles the results, with the derivatives of the options by the inputs that they name. What numbers are, and the
    /// shapes of inputs, is the formula's own.
    ///
    /// # Errors
    ///
    /// Options that do not fit, and limits that are exceeded ([`KernelError`]).
    pub fn compile(&self, options: &CompileOptions) -> Result<Kernel, KernelError> {
        let mut graph = self.builder.graph.clone();
        let inputs = graph.inputs.iter().map(|input| ("inputs", &input.name));
        let results = graph.outputs.iter().map(|output| ("results", &output.name));
        let mut seen = HashSet::new();
        if let Some((what, name)) = inputs.chain(results).find(|name| !seen.insert(*name)) {
            return Err(KernelError::Duplicate { what, name: name.clone() });
        }
        graph.limits = options.limits.unwrap_or_default();
        Kernel::explained_by(derived(&graph, options)?, options, None)
    }
}

/// What the primitives of the language are made with.
#[derive(Debug, Clone)]
struct Builder {
    graph: Graph,
}

impl Algebra for Builder {
    type V = Node;

    fn ty(&self, value: Node) -> Type {
        self.graph.ty(value)
    }
    fn number(&mut self, value: f64) -> Node {
        self.graph.number(value)
    }
    fn truth_value(&mut self, value: bool) -> Node {
        self.graph.boolean(value)
    }
    fn constant(&self, value: Node) -> Option<f64> {
        self.graph.constant(value)
    }
    fn apply_typed(&mut self, op: Op, attr: u32, ty: Type, args: &[Node]) -> Node {
        self.graph.apply_typed(op, attr, ty, args)
    }
    fn require(&mut self, what: Requirement, values: &[Node]) {
        self.graph.require(what, values);
    }
    fn part(&mut self, whole: Node, index: Node, count: u32, ty: Type) -> Node {
        self.graph.part(whole, index, count, ty)
    }
}
