//! Programs built by function calls instead of from text.

use crate::graph::{Graph, Node, Output, Role, Shape, Source, Type};
use crate::kernel::Dtype;
use crate::ops::{Algebra, Op, Primitive, ShapeError};

/// Builds a compute graph call by call.
///
/// ```
/// use neural_compiler::{CompileOptions, Formula, Kernel};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut f = Formula::new();
/// let (x, y) = (f.input("x"), f.input("y"));
/// let one = f.number(1.0);
/// let sum = f.call("+", &[x, one])?;
/// let product = f.call("*", &[sum, y])?;
/// f.result("", product);
/// let kernel = Kernel::from_graph(f.finish(), &CompileOptions::default())?;
/// let columns = kernel.columns(&[&[1.0, 2.0, 3.0], &[10.0, 10.0, 10.0]])?;
/// assert_eq!(columns[0], [20.0, 30.0, 40.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Formula {
    graph: Graph,
}

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// No primitive has this name.
    #[error("there is no primitive `{0}`")]
    UnknownPrimitive(String),
    /// The primitive takes another number of operands.
    #[error("`{name}` does not take {found} operands")]
    Arity {
        /// The primitive.
        name: &'static str,
        /// Operands given.
        found: usize,
    },
    /// The operands' shapes do not fit.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl Formula {
    /// Nothing yet; numbers are `f64`.
    pub fn new() -> Formula {
        Formula::default()
    }

    /// Nothing yet; numbers are of this type.
    pub fn of(dtype: Dtype) -> Formula {
        Formula { graph: Graph::of(dtype.precision()) }
    }

    /// A scalar input, one number per row.
    pub fn input(&mut self, name: impl Into<String>) -> Node {
        self.graph.input(name, Shape::Scalar, Source::Row)
    }

    /// An input of any shape, per row or shared by all rows.
    pub fn input_of(&mut self, name: impl Into<String>, shape: Shape, source: Source) -> Node {
        self.graph.input(name, shape, source)
    }

    /// A constant.
    pub fn number(&mut self, value: f64) -> Node {
        self.graph.number(value)
    }

    /// A primitive of the language.
    ///
    /// # Errors
    ///
    /// There is no such primitive, or it does not take these operands.
    pub fn call(&mut self, primitive: &str, args: &[Node]) -> Result<Node, FormulaError> {
        let Some(primitive) = Primitive::from_name(primitive) else {
            return Err(FormulaError::UnknownPrimitive(primitive.to_string()));
        };
        let arity = primitive.arity();
        if args.len() < arity.min || arity.max.is_some_and(|max| args.len() > max) {
            return Err(FormulaError::Arity { name: primitive.name(), found: args.len() });
        }
        Ok(primitive.expand(self, args)?)
    }

    /// `(if condition then other)`: zero is false. Both arms are computed; derivatives flow through the taken one.
    ///
    /// # Errors
    ///
    /// The arms differ in shape, or the condition is no scalar.
    pub fn choose(&mut self, condition: Node, then: Node, other: Node) -> Result<Node, FormulaError> {
        let (x, y) = (self.graph.shape(then), self.graph.shape(other));
        if x != y || !self.graph.ty(condition).is_scalar() {
            let condition = self.graph.shape(condition);
            return Err(ShapeError::new(format!("if of {condition} with arms of {x} and {y}")).into());
        }
        let condition = self.as_truth(condition);
        let (then, other) = (self.as_number(then), self.as_number(other));
        Ok(self.graph.select(condition, then, other))
    }

    /// Makes a value a result. A program's only result needs no name.
    pub fn result(&mut self, name: impl Into<String>, value: Node) {
        let node = self.as_number(value);
        self.graph.outputs.push(Output { name: name.into(), node, role: Role::Value });
    }

    /// The graph.
    pub fn finish(self) -> Graph {
        self.graph
    }
}

impl Algebra for Formula {
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
    fn part(&mut self, whole: Node, index: Node, count: u32, ty: Type) -> Node {
        self.graph.part(whole, index, count, ty)
    }
}
