//! Compiled programs: the machine code (or the interpreter that stands in for it) with its signature.

mod columns;

use std::collections::HashMap;
use std::panic::UnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use nc_runtime::element::Element;
use nc_runtime::lanes::Precision;
#[cfg(feature = "ndarray")]
use ndarray::{ArrayView2, ArrayViewMut2};

use nc_runtime::abi::Args;
use nc_runtime::batch::{
    self, Batch, BatchError, Kernel as BatchKernel, KernelShape, Options as RunOptions, Report, RowOutcome,
    Workspace, kept_bytes,
};
use nc_runtime::stop::{Stop, StopFlag};

use crate::build::Signature;
use crate::codegen::CodegenError;
use crate::codegen::cranelift::{self, NativeCode, TargetMachine};
use crate::codegen::wide::{self, Isa, WideCode};
use crate::derive::DerivativeTooLarge;
use crate::derive::adjoint::{Seeds, adjoint};
use crate::derive::finite;
use crate::derive::jacobian::{every_element, is_cheaper_forward, jacobian};
use crate::derive::tangent::{Direction, tangent};
use crate::graph::{Check, Graph, Input, Output, Reason, Role, Shape, Source};
use crate::interpret::ast::{AstInterpreter, AstKernel, Failure, FailureReason, Scratch, Variable};
use crate::interpret::graph::GraphInterpreter;
use crate::limits::{DEFAULT_MEMORY_BYTES, Limits, MAX_COLUMNS, MAX_DEPTH};
use crate::lower::size::beyond;
use crate::lower::{TAPE_CELL_BYTES, is_summed, lower, lower_complete};
use crate::ops::{Met, Watch};
use crate::source::Span;

pub use columns::Columns;

/// Which derivatives a kernel computes beside the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Derivative {
    /// None.
    #[default]
    None,
    /// Of each element of the results by each input: the gradient of a scalar program, the Jacobian of others. Those by
    /// parameters are summed over the batch. For complex numbers see [`adjoint`].
    Gradient,
    /// The vector-Jacobian product with cotangents that are further inputs, one for each result.
    Vjp,
    /// Jacobian-vector products with so many sets of tangents, which are further inputs.
    Jvp {
        /// How many sets.
        seeds: u32,
    },
    /// The gradient and its derivative by each element of each input. For programs with one scalar result.
    Hessian,
}

/// Which of the ways to run a program is taken. All give the same bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The fastest one that this machine has.
    #[default]
    Auto,
    /// Machine code of our own, in the widest vectors that this processor has.
    Wide,
    /// The same in 512-bit vectors.
    Avx512,
    /// The same in 256-bit vectors.
    Avx2,
    /// Machine code by Cranelift, in 128-bit vectors.
    Cranelift,
    /// No code generation.
    Interpret,
}

impl Tier {
    /// The tiers that run on this machine, the fastest first; [`Tier::Auto`] and [`Tier::Wide`], which stand for one of
    /// them, are left out.
    pub fn available() -> Vec<Tier> {
        let wide = [(Tier::Avx512, Isa::Avx512), (Tier::Avx2, Isa::Avx2)];
        let wide = wide.into_iter().filter(|(_, isa)| isa.is_available()).map(|(tier, _)| tier);
        let cranelift = TargetMachine::host().is_ok().then_some(Tier::Cranelift);
        wide.chain(cranelift).chain([Tier::Interpret]).collect()
    }

    /// The vectors of the wide tier that this tier takes.
    pub(crate) fn isa(self) -> Result<Option<Isa>, CodegenError> {
        match self {
            Tier::Auto => Ok(Isa::best()),
            Tier::Wide => match Isa::best() {
                Some(isa) => Ok(Some(isa)),
                None => Err(CodegenError::Host("it has neither AVX2 with FMA and BMI2 nor AVX-512".into())),
            },
            Tier::Avx512 => Ok(Some(Isa::Avx512)),
            Tier::Avx2 => Ok(Some(Isa::Avx2)),
            Tier::Cranelift | Tier::Interpret => Ok(None),
        }
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tier::Auto => "auto",
            Tier::Wide => "wide",
            Tier::Avx512 => "avx512",
            Tier::Avx2 => "avx2",
            Tier::Cranelift => "cranelift",
            Tier::Interpret => "interpret",
        })
    }
}

/// The element type of a program: of its inputs, results and everything in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// binary64.
    #[default]
    F64,
    /// binary32.
    F32,
}

impl Dtype {
    /// The number format.
    pub fn precision(self) -> Precision {
        match self {
            Dtype::F64 => Precision::Double,
            Dtype::F32 => Precision::Single,
        }
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.precision().fmt(f)
    }
}

/// How to compile.
///
/// ```
/// use neural_compiler::{CompileOptions, Derivative, Dtype};
///
/// let options = CompileOptions::default().derivative(Derivative::Gradient).wrt(["x"]).dtype(Dtype::F32);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileOptions {
    /// Shapes of the inputs, and which of them are parameters.
    pub(crate) signature: Signature,
    /// What to compute beside the value.
    pub(crate) derivative: Derivative,
    /// The inputs to differentiate by, by name; `None` for all.
    pub(crate) wrt: Option<Vec<String>>,
    /// What numbers are. Literals are rounded to it once, and every operation is one of it. Sums over the batch are added up in
    /// `f64` whatever it is.
    pub(crate) dtype: Dtype,
    /// How to run it.
    pub(crate) tier: Tier,
    /// A program of more lane instructions than this is interpreted instead of compiled.
    pub(crate) max_instructions: usize,
    /// How much memory a thread may use for the states of loops that are differentiated in reverse, in bytes. Less memory
    /// takes more time and changes no bit.
    pub(crate) tape_bytes: usize,
    /// How much memory compiling may take, and the rows that are evaluated at the same time beside their tapes, in bytes, each
    /// about. A program of which a row needs more is refused before it takes it; fewer threads evaluate rows that need much.
    pub(crate) memory_bytes: usize,
    /// How long a row may take; `None` for what the program's header comment says.
    pub(crate) limits: Option<Limits>,
    /// Whether rows report the first operation, in the order of evaluation on the path that they take, whose operands
    /// are outside its safe domain. Results keep every bit; see [`Kernel::checks`].
    pub(crate) check_domain: bool,
    /// Whether rows report the first operation at a kink, such as `abs` at 0, where derivatives jump. With
    /// `check_domain`, the first that meets either is reported.
    pub(crate) check_kinks: bool,
    /// Whether rows of which a derivative is not finite report the first operation that has no finite derivative there.
    pub(crate) check_derivatives: bool,
}

impl CompileOptions {
    /// Sets the shapes of the inputs, and which of them are parameters. Without, all inputs are scalars, one per row.
    pub fn signature(self, signature: Signature) -> CompileOptions {
        CompileOptions { signature, ..self }
    }

    /// Sets what to compute beside the value: nothing by default.
    pub fn derivative(self, derivative: Derivative) -> CompileOptions {
        CompileOptions { derivative, ..self }
    }

    /// Differentiates by these inputs only, in this order. With [`Derivative::None`] it is an error to name any.
    pub fn wrt<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> CompileOptions {
        CompileOptions { wrt: Some(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// Sets what numbers are: binary64 by default. Literals are rounded to it once, and every operation is one of it.
    /// Sums over the batch are added up in `f64` whatever it is.
    pub fn dtype(self, dtype: Dtype) -> CompileOptions {
        CompileOptions { dtype, ..self }
    }

    /// Sets how to run the program: as fast as this machine can by default.
    pub fn tier(self, tier: Tier) -> CompileOptions {
        CompileOptions { tier, ..self }
    }

    /// Sets how many lane instructions are compiled: a program of more is interpreted.
    pub fn max_instructions(self, max_instructions: usize) -> CompileOptions {
        CompileOptions { max_instructions, ..self }
    }

    /// Sets how much memory a thread may use for the states of loops that are differentiated in reverse, in bytes;
    /// [`DEFAULT_TAPE_BYTES`] by default. Less memory takes more time and changes no bit.
    pub fn tape_bytes(self, tape_bytes: usize) -> CompileOptions {
        CompileOptions { tape_bytes, ..self }
    }

    /// Sets how much memory compiling may take, and the rows that are evaluated at the same time beside their tapes, in bytes,
    /// each about; [`DEFAULT_MEMORY_BYTES`] by default. A program of which a row needs more is refused before it takes it; fewer
    /// threads evaluate rows that need much.
    pub fn memory_bytes(self, memory_bytes: usize) -> CompileOptions {
        CompileOptions { memory_bytes, ..self }
    }

    /// Sets how long a row may take. Without, the program's header comment says it.
    pub fn limits(self, limits: impl Into<Option<Limits>>) -> CompileOptions {
        CompileOptions { limits: limits.into(), ..self }
    }

    /// Sets whether rows report the first operation, in the order of evaluation on the path that they take, whose operands
    /// are outside its safe domain. Results keep every bit; see [`Kernel::checks`].
    pub fn check_domain(self, check_domain: bool) -> CompileOptions {
        CompileOptions { check_domain, ..self }
    }

    /// Sets whether rows report the first operation at a kink, such as `abs` at 0, where derivatives jump. With
    /// [`check_domain`](CompileOptions::check_domain), the first that meets either is reported.
    pub fn check_kinks(self, check_kinks: bool) -> CompileOptions {
        CompileOptions { check_kinks, ..self }
    }

    /// Sets whether rows of which a derivative is infinite or a NaN report the first operation, in the order of evaluation on
    /// the path that they take, that has no finite derivative there: `sqrt` at 0, `atan` at the origin, any operation outside
    /// its safe domain. Of the derivatives that the kernel computes; results keep every bit.
    ///
    /// ```
    /// # use neural_compiler::{CompileOptions, Derivative, Program, batch};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let program = Program::parse("(* x (sqrt (- x y)))")?;
    /// let options = CompileOptions::default().derivative(Derivative::Gradient).check_derivatives(true);
    /// let kernel = program.compile(&options)?;
    /// let (mut outputs, mut workspace) = ([0.0; 3], batch::Workspace::new());
    /// let outcome = kernel.evaluate_row(&[1.0, 1.0], &[], &mut outputs, &mut [], &mut workspace)?;
    /// let batch::RowOutcome::Noted(check) = outcome else { panic!("{outcome:?}") };
    /// assert_eq!(kernel.checks()[check as usize].reason.to_string(), "`sqrt` has no finite derivative (x = 0)");
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_derivatives(self, check_derivatives: bool) -> CompileOptions {
        CompileOptions { check_derivatives, ..self }
    }

    /// Finds options that contradict each other.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        match (&self.wrt, &self.derivative) {
            (Some(_), Derivative::None) => Err(KernelError::WrtWithoutDerivative),
            _ => Ok(()),
        }
    }

    /// The conditions that rows report.
    pub(crate) fn watch(&self) -> Watch {
        let derivatives = self.check_derivatives && self.derivative != Derivative::None;
        Watch { domain: self.check_domain, kinks: self.check_kinks, derivatives }
    }
}

impl Default for CompileOptions {
    fn default() -> Self {
        CompileOptions {
            signature: Signature::scalars(),
            derivative: Derivative::None,
            wrt: None,
            dtype: Dtype::F64,
            tier: Tier::Auto,
            max_instructions: 2_000_000,
            check_domain: false,
            check_kinks: false,
            check_derivatives: false,
            tape_bytes: DEFAULT_TAPE_BYTES,
            memory_bytes: DEFAULT_MEMORY_BYTES,
            limits: None,
        }
    }
}

/// Memory cells that machine code may use: each holds a number for every row of a lane group.
const MAX_CELLS: usize = 1 << 24;

/// Memory for the tapes of one thread unless the caller says otherwise.
pub const DEFAULT_TAPE_BYTES: usize = 64 << 20;

/// The stack that native code may need on a thread. The interpreter takes its stack piece by piece.
const MAX_STACK_BYTES: usize = 1 << 30;

/// Why a graph could not be made into a kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A name in the options that is no input and no top-level constant of the program.
    #[error("the program has no input `{name}`; its inputs are: {inputs}")]
    UnknownInput {
        /// The name.
        name: String,
        /// What there is.
        inputs: String,
    },
    /// A name that is no top-level number of the program.
    #[error("the program has no top-level number `{name}`; it has: {constants}")]
    UnknownConstant {
        /// The name.
        name: String,
        /// What there is.
        constants: String,
    },
    /// Calls may be nested deeper than there is memory for.
    #[error("calls nested {depth} deep are more than the {MAX_DEPTH} that there can be memory for")]
    TooDeep {
        /// The limit that was asked for.
        depth: u64,
    },
    /// More steps than can be counted in binary32.
    #[error("a row of an f32 program may take {most} steps at the most, and the limit is {steps}")]
    TooManySteps {
        /// The limit that was asked for.
        steps: u64,
        /// What there can be.
        most: u64,
    },
    /// Two inputs, or two results, of one name.
    #[error("two {what} are called `{name}`")]
    Duplicate {
        /// Inputs or results.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Inputs to differentiate by, and no derivative.
    #[error("`wrt` names inputs to differentiate by, and no derivative is asked for")]
    WrtWithoutDerivative,
    /// A Hessian of something that is not one scalar.
    #[error("a Hessian needs one scalar result, and this program has {elements} numbers")]
    HessianOfVector {
        /// Elements of all results.
        elements: usize,
    },
    /// The derivative of a complex result by an input of several numbers.
    #[error("the derivative of a complex result by `{input}` has no shape: it is {shape}")]
    ComplexByVector {
        /// The input.
        input: String,
        /// Its shape.
        shape: Shape,
    },
    /// A Hessian by a complex input.
    #[error("a Hessian needs real inputs, and `{input}` is complex")]
    HessianOfComplex {
        /// The input.
        input: String,
    },
    /// A program that becomes too large when it is differentiated.
    #[error(transparent)]
    DerivativeTooLarge(#[from] DerivativeTooLarge),
    /// More derivatives than a kernel can have columns.
    #[error("{count} derivatives are more than the {MAX_COLUMNS} that a kernel can give")]
    TooManyDerivatives {
        /// How many there would be.
        count: usize,
    },
    /// Derivatives that are more than memory for compiling holds.
    #[error(
        "{count} derivatives take about {} MiB to compile, and there may be {} MiB",
        bytes >> 20,
        limit >> 20
    )]
    DerivativeMemory {
        /// How many there would be.
        count: usize,
        /// What they need, about.
        bytes: usize,
        /// What compiling may take: [`CompileOptions::memory_bytes`].
        limit: usize,
    },
    /// A row needs more memory than it may.
    #[error(
        "a row needs {} MiB of memory and may have {} MiB ({largest} is the largest of its values)",
        bytes >> 20,
        limit >> 20
    )]
    Memory {
        /// What it needs, about.
        bytes: usize,
        /// What it may have: [`CompileOptions::memory_bytes`].
        limit: usize,
        /// The shape of its largest value.
        largest: Shape,
        /// Where that value stands in the source.
        span: Option<Span>,
    },
    /// A stage of the compiler has made something that breaks its invariants: a fault of the compiler.
    #[error("the compiler has made a wrong {stage}: {what}")]
    Internal {
        /// What it has made.
        stage: &'static str,
        /// The invariant.
        what: String,
    },
    /// The tier that was asked for does not work here.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
}

impl KernelError {
    /// A short name of the kind of error, which does not change between versions.
    pub fn code(&self) -> &'static str {
        match self {
            KernelError::UnknownInput { .. } | KernelError::UnknownConstant { .. } => "unknown-input",
            KernelError::Duplicate { .. } => "duplicate",
            KernelError::HessianOfVector { .. } | KernelError::HessianOfComplex { .. } => "hessian",
            KernelError::ComplexByVector { .. } | KernelError::WrtWithoutDerivative => "gradient",
            KernelError::TooDeep { .. } => "too-deep",
            KernelError::DerivativeTooLarge(_) | KernelError::TooManyDerivatives { .. } => "too-large",
            KernelError::TooManySteps { .. } => "too-many-steps",
            KernelError::Memory { .. } | KernelError::DerivativeMemory { .. } => "memory",
            KernelError::Internal { .. } => "internal",
            KernelError::Codegen(_) => "codegen",
        }
    }
}

/// The derived graph that a kernel computes.
pub fn derived(graph: &Graph, options: &CompileOptions) -> Result<Graph, KernelError> {
    options.check()?;
    let wrt = match &options.wrt {
        None => (0..graph.inputs.len() as u32).collect(),
        Some(names) => input_indices(graph, names)?,
    };
    let count = derivative_count(graph, options, &wrt);
    if count > MAX_COLUMNS {
        return Err(KernelError::TooManyDerivatives { count });
    }
    let (bytes, limit) = (count.saturating_mul(DERIVATIVE_BYTES), options.memory_bytes);
    if bytes > limit {
        return Err(KernelError::DerivativeMemory { count, bytes, limit });
    }
    let by = |shape: fn(Shape) -> bool| {
        wrt.iter().map(|&input| &graph.inputs[input as usize]).find(|input| shape(input.shape))
    };
    let mut graph = match options.derivative {
        Derivative::None => graph.clone(),
        Derivative::Gradient
            if graph.outputs.iter().any(|output| graph.shape(output.node) == Shape::Complex)
                && let Some(input) = by(|shape| matches!(shape, Shape::Vector(_) | Shape::Matrix(..))) =>
        {
            return Err(KernelError::ComplexByVector { input: input.name.clone(), shape: input.shape });
        }
        Derivative::Gradient if is_cheaper_forward(graph, &wrt) => jacobian(graph, &wrt)?,
        Derivative::Gradient => adjoint(graph, Seeds::Elements, &wrt)?,
        Derivative::Vjp => adjoint(graph, Seeds::Cotangents, &wrt)?,
        Derivative::Jvp { seeds } => {
            let directions: Vec<Direction> = (0..seeds).map(|_| Direction::Inputs(wrt.clone())).collect();
            tangent(graph, &directions)?
        }
        Derivative::Hessian => {
            let elements: usize = graph.outputs.iter().map(|o| graph.shape(o.node).len()).sum();
            if elements != 1 {
                return Err(KernelError::HessianOfVector { elements });
            }
            if let Some(input) = by(|shape| shape == Shape::Complex) {
                return Err(KernelError::HessianOfComplex { input: input.name.clone() });
            }
            let gradient = adjoint(graph, Seeds::Elements, &wrt)?;
            let mut hessian = tangent(&gradient, &every_element(graph, &wrt))?;
            // Tangents of the value would repeat the gradient.
            let values = graph.outputs.len() as u32;
            hessian.outputs.retain(|o| !matches!(o.role, Role::Tangent { of, .. } if of < values));
            hessian
        }
    };
    if options.watch().derivatives {
        finite::restrict(&mut graph, |check| match check.reason {
            Reason::Met { what: Met::Singular, .. } => true,
            Reason::Met { what: Met::Outside, .. } => !options.check_domain,
            Reason::Met { what: Met::Kink, .. } => false,
            Reason::Index { .. }
            | Reason::Unmet(_)
            | Reason::Iterations { .. }
            | Reason::Depth { .. }
            | Reason::Steps { .. } => false,
        });
    }
    Ok(graph)
}

/// About how many bytes a derivative takes from the graph to the code, however simple it is.
const DERIVATIVE_BYTES: usize = 512;

/// How many derivatives the options ask for.
fn derivative_count(graph: &Graph, options: &CompileOptions, wrt: &[u32]) -> usize {
    let results = graph.outputs.iter().map(|o| graph.shape(o.node).len()).fold(0, usize::saturating_add);
    let inputs =
        wrt.iter().map(|&input| graph.inputs[input as usize].shape.len()).fold(0, usize::saturating_add);
    match options.derivative {
        Derivative::None => 0,
        Derivative::Gradient => results.saturating_mul(inputs),
        Derivative::Vjp => results.saturating_add(inputs),
        Derivative::Jvp { seeds } => results.saturating_add(inputs).saturating_mul(seeds as usize),
        Derivative::Hessian => inputs.saturating_mul(inputs.saturating_add(1)),
    }
}

/// A row must not need more memory than it may, whatever evaluates it.
fn check_memory(graph: &Graph, limit: usize) -> Result<(), KernelError> {
    let bytes = graph.row_elements().saturating_mul(ELEMENT_BYTES);
    if bytes <= limit {
        return Ok(());
    }
    let largest = graph.largest();
    let shape = largest.map_or(Shape::Scalar, |node| graph.shape(node));
    Err(KernelError::Memory { bytes, limit, largest: shape, span: largest.and_then(|node| graph.span(node)) })
}

/// Bytes of an element in the interpreters, which any row may come to.
const ELEMENT_BYTES: usize = 16;

/// The inputs with these names.
fn input_indices(graph: &Graph, names: &[String]) -> Result<Vec<u32>, KernelError> {
    let inputs: HashMap<&str, u32> = graph.inputs.iter().map(|input| input.name.as_str()).zip(0..).collect();
    let index = |name: &String| match inputs.get(name.as_str()) {
        Some(&index) => Ok(index),
        None => Err(KernelError::UnknownInput {
            name: name.clone(),
            inputs: graph.inputs.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(", "),
        }),
    };
    names.iter().map(index).collect()
}

/// Why there is no native code for a program.
#[derive(Debug, thiserror::Error)]
enum NotNative {
    #[error("{size} instructions are more than {limit}")]
    Size { size: usize, limit: usize },
    #[error("{cells} numbers in memory are more than {most}")]
    Memory { cells: usize, most: usize },
    #[error("it may need {} MiB of stack", bytes >> 20)]
    Stack { bytes: usize },
    #[error("the compiler has made a wrong lane program: {0}")]
    Wrong(String),
    #[error(transparent)]
    Failed(#[from] CodegenError),
}

/// How native code is made, the program aside.
#[derive(Debug, Clone, Copy)]
struct Making {
    tier: Tier,
    max_instructions: usize,
    tape_bytes: usize,
    memory_bytes: usize,
}

impl Making {
    fn of(options: &CompileOptions) -> Making {
        let CompileOptions { tier, max_instructions, tape_bytes, memory_bytes, .. } = *options;
        Making { tier, max_instructions, tape_bytes, memory_bytes }
    }
}

/// Native code that reports rows outside the fast range of a recipe, or the complete one.
fn native(graph: &Graph, making: Making, complete: bool) -> Result<Code, NotNative> {
    let limit = making.max_instructions;
    // Lowering a program that is far too large would itself take long, and much memory. What operations share is not known
    // before, but hardly is half of a program.
    if let Some(size) = beyond(graph, limit.saturating_mul(2)) {
        return Err(NotNative::Size { size, limit });
    }
    let program = match complete {
        true => lower_complete(graph, making.tape_bytes),
        false => lower(graph, making.tape_bytes),
    };
    let size = program.insts.len();
    if size > limit {
        return Err(NotNative::Size { size, limit });
    }
    let memory = making.memory_bytes.saturating_add(making.tape_bytes);
    let (cells, most) = (program.cells as usize, (memory / TAPE_CELL_BYTES).min(MAX_CELLS));
    if cells > most {
        return Err(NotNative::Memory { cells, most });
    }
    crate::lower::verify::verify(&program).map_err(NotNative::Wrong)?;
    let (code, stack) = match making.tier.isa()? {
        Some(isa) => {
            let wide = wide::compile(&program, isa)?;
            let stack = wide.shape().stack_bytes;
            (Code::Wide(wide), stack)
        }
        None => {
            let native = cranelift::compile(&program, &TargetMachine::host()?)?;
            let stack = native.shape().stack_bytes;
            (Code::Native(native), stack)
        }
    };
    if stack > MAX_STACK_BYTES { Err(NotNative::Stack { bytes: stack }) } else { Ok(code) }
}

/// A compiled program. Cloning it is cheap; the code is freed with the last clone.
#[derive(Debug, Clone)]
pub struct Kernel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    code: Code,
    /// For rows that `code` gives up.
    complete: Complete,
    /// Made when the first row needs it.
    interpreter: OnceLock<GraphInterpreter>,
    /// The program that the graph was made from, unless `code` has it.
    program: Option<LazyInterpreter>,
    graph: Graph,
    outputs: Vec<OutputInfo>,
    notes: Vec<String>,
    /// How many threads there is memory for.
    most_threads: usize,
}

/// Native code of complete recipes.
#[derive(Debug)]
struct Complete {
    /// Rows that have been given up so far.
    given_up: AtomicUsize,
    /// Made when there are many such rows; `None` if it cannot be, and rows are interpreted.
    code: OnceLock<Option<Code>>,
    /// How; `None` if it is not to be made.
    making: Option<Making>,
}

/// So many rows are interpreted before code is made for them.
const INTERPRETED_ROWS: usize = 64;

#[derive(Debug)]
#[cfg_attr(not(feature = "jit"), allow(clippy::large_enum_variant, reason = "native code is nothing then"))]
enum Code {
    Native(NativeCode),
    Wide(WideCode),
    /// The graph, by its interpreter.
    Interpreted,
    /// The syntax tree, for values.
    Ast(AstKernel),
}

/// An output of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputInfo {
    /// The name of the result, empty for a program's only one.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// What it is called among the outputs: `value` or the name of the result, `d/dx` or `denergy/dx` for a derivative, `d²/dxdy` for a
    /// second one.
    pub label: String,
    /// What it is.
    pub role: Role,
    /// Whether it is summed over the batch rather than one per row.
    pub summed: bool,
}

/// Why a row failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What is wrong.
    pub reason: Reason,
    /// The operation in the source.
    pub span: Span,
    /// The variables of the innermost loop or recursive function that was being evaluated.
    pub state: Vec<Variable>,
    /// How many iterations and calls of recursive functions the row had taken.
    pub steps: u64,
}

/// The interpreter of a program, made when a row is to be explained.
pub(crate) type LazyInterpreter =
    LazyLock<AstInterpreter, Box<dyn FnOnce() -> AstInterpreter + Send + UnwindSafe>>;

/// How many steps [`Kernel::explain`] takes at most.
pub const EXPLAINED_STEPS: u64 = 10_000_000;

impl Kernel {
    /// Compiles a graph as it is: derivatives have been made by [`derived`], and numbers are what the graph says. Rows that
    /// fail are explained by the interpreter of the program that it was made from.
    pub(crate) fn explained_by(
        graph: Graph,
        options: &CompileOptions,
        interpreter: Option<LazyInterpreter>,
    ) -> Result<Kernel, KernelError> {
        if graph.limits.depth > MAX_DEPTH {
            return Err(KernelError::TooDeep { depth: graph.limits.depth });
        }
        crate::graph::verify::verify(&graph)
            .map_err(|what| KernelError::Internal { stage: "graph", what })?;
        check_memory(&graph, options.memory_bytes)?;
        let mut notes = Vec::new();
        let code = match options.tier {
            Tier::Interpret => Code::Interpreted,
            Tier::Auto | Tier::Wide | Tier::Avx512 | Tier::Avx2 | Tier::Cranelift => {
                match native(&graph, Making::of(options), false) {
                    Ok(code) => code,
                    Err(NotNative::Failed(error)) => match error {
                        CodegenError::Host(why) if options.tier == Tier::Auto => {
                            notes.push(format!("interpreted: {why}"));
                            Code::Interpreted
                        }
                        CodegenError::Memory(why) if options.tier == Tier::Auto => {
                            notes.push(format!("interpreted: {why}"));
                            Code::Interpreted
                        }
                        error => return Err(error.into()),
                    },
                    Err(NotNative::Wrong(what)) => {
                        return Err(KernelError::Internal { stage: "lane program", what });
                    }
                    Err(why) => {
                        notes.push(format!("interpreted: {why}"));
                        Code::Interpreted
                    }
                }
            }
        };
        let kernel = Kernel::assemble(graph, code, notes, Some(Making::of(options)), interpreter);
        Ok(kernel.within(options.memory_bytes, options.tape_bytes))
    }

    /// A kernel for values that interprets the program a graph was built from.
    ///
    /// # Errors
    ///
    /// A row would need more memory than it may.
    pub(crate) fn from_tree(
        graph: Graph,
        interpreter: AstInterpreter,
        memory_bytes: usize,
    ) -> Result<Kernel, KernelError> {
        check_memory(&graph, memory_bytes)?;
        let outputs = graph.outputs.iter().map(|o| graph.shape(o.node).len()).sum();
        let kernel = AstKernel::new(interpreter, outputs, &graph.checks);
        Ok(Kernel::assemble(graph, Code::Ast(kernel), Vec::new(), None, None).within(memory_bytes, 0))
    }

    /// Compiles a graph for a given subset of this processor's features.
    #[cfg(feature = "internals")]
    pub(crate) fn compiled_for(graph: Graph, target: &TargetMachine) -> Result<Kernel, KernelError> {
        let program = lower(&graph, DEFAULT_TAPE_BYTES);
        crate::lower::verify::verify(&program)
            .map_err(|what| KernelError::Internal { stage: "lane program", what })?;
        let native = cranelift::compile(&program, target)?;
        Ok(Kernel::assemble(graph, Code::Native(native), Vec::new(), None, None))
    }

    fn assemble(
        graph: Graph,
        code: Code,
        notes: Vec<String>,
        making: Option<Making>,
        program: Option<LazyInterpreter>,
    ) -> Kernel {
        let labels = columns::labels(&graph);
        let outputs = graph
            .outputs
            .iter()
            .zip(labels)
            .map(|(output, label): (&Output, String)| OutputInfo {
                name: output.name.clone(),
                label,
                shape: graph.shape(output.node),
                role: output.role,
                summed: is_summed(&graph, output.role),
            })
            .collect();
        let interpreter = OnceLock::new();
        let complete = Complete { given_up: AtomicUsize::new(0), code: OnceLock::new(), making };
        let most_threads = usize::MAX;
        let inner = Inner { code, complete, interpreter, program, graph, outputs, notes, most_threads };
        Kernel { inner: Arc::new(inner) }
    }

    /// A kernel that no more threads evaluate than there is memory for, tapes aside.
    fn within(mut self, memory_bytes: usize, tape_bytes: usize) -> Kernel {
        let interpreted = self.inner.graph.row_elements().saturating_mul(ELEMENT_BYTES);
        let bytes = match &self.inner.code {
            Code::Native(_) | Code::Wide(_) => {
                let kept = kept_bytes::<f64>(self.shape().kept);
                self.shape().scratch_bytes.saturating_sub(tape_bytes).saturating_add(kept)
            }
            Code::Interpreted | Code::Ast(_) => interpreted,
        };
        let inner = Arc::get_mut(&mut self.inner).expect("a kernel that was just made has one owner");
        inner.most_threads = (memory_bytes / bytes.max(1)).max(1);
        self
    }

    /// The inputs. Those whose source is [`Source::Shared`](crate::graph::Source::Shared) are parameters; the others take one column per element, in
    /// this order.
    pub fn inputs(&self) -> &[Input] {
        &self.inner.graph.inputs
    }

    /// The outputs. Those that are summed over the batch go to the parameter gradients; the others take one column per
    /// element, in this order.
    pub fn outputs(&self) -> &[OutputInfo] {
        &self.inner.outputs
    }

    /// Whether an output depends on an input, both by their positions in [`Kernel::outputs`] and [`Kernel::inputs`]: `false` says
    /// that its bits are the same whatever the input is; `true`, that the compiled graph leads from one to the other. Where the
    /// derivative by `a` does not depend on `a`, for instance, the value is affine in `a`.
    ///
    /// # Panics
    ///
    /// If there is no such output or input.
    pub fn depends(&self, output: usize, input: usize) -> bool {
        let graph = &self.inner.graph;
        graph.reaches(graph.input_node(input as u32), graph.outputs[output].node)
    }

    /// What can fail a row, or is to be reported about one ([`CompileOptions::check_domain`]). Failures and notes of a
    /// [`Report`] refer to checks by their position.
    pub fn checks(&self) -> &[Check] {
        &self.inner.graph.checks
    }

    /// The tier it runs in.
    pub fn tier(&self) -> Tier {
        match &self.inner.code {
            Code::Native(_) => Tier::Cranelift,
            Code::Wide(wide) => match wide.isa() {
                Isa::Avx512 => Tier::Avx512,
                Isa::Avx2 => Tier::Avx2,
            },
            Code::Interpreted | Code::Ast(_) => Tier::Interpret,
        }
    }

    /// What its columns and parameters hold.
    pub fn dtype(&self) -> Dtype {
        match self.inner.graph.precision {
            Precision::Double => Dtype::F64,
            Precision::Single => Dtype::F32,
        }
    }

    /// What the caller may want to know about how it was compiled.
    pub fn notes(&self) -> &[String] {
        &self.inner.notes
    }

    /// Size of the machine code in bytes; 0 if it is interpreted.
    pub fn code_bytes(&self) -> usize {
        match &self.inner.code {
            Code::Native(native) => native.code_bytes(),
            Code::Wide(wide) => wide.code_bytes(),
            Code::Interpreted | Code::Ast(_) => 0,
        }
    }

    /// The graph that it computes.
    #[cfg(feature = "internals")]
    pub(crate) fn own_graph(&self) -> &Graph {
        &self.inner.graph
    }

    fn interpreter(&self) -> &GraphInterpreter {
        let inner = &self.inner;
        let tape_bytes = inner.complete.making.map_or(DEFAULT_TAPE_BYTES, |making| making.tape_bytes);
        inner.interpreter.get_or_init(|| GraphInterpreter::new(&inner.graph, tape_bytes))
    }

    /// Evaluates a batch.
    ///
    /// # Errors
    ///
    /// Columns, parameters or buffers that do not fit [`Kernel::inputs`] and [`Kernel::outputs`], or hold numbers of
    /// another type than [`Kernel::dtype`]. Rows that fail are no
    /// error: they are NaN and listed in the report. So are rows with a note, whose results count.
    pub fn evaluate<T: Element>(
        &self,
        batch: Batch<'_, '_, T>,
        options: &RunOptions<'_>,
        workspace: &mut Workspace,
    ) -> Result<Report, BatchError> {
        let inputs = batch.inputs;
        batch::evaluate(self, batch, options, workspace).map_err(|error| match error {
            BatchError::SourceLength { index, rows, expected, found } => {
                let columns = |source: &batch::Source<'_, T>| match *source {
                    batch::Source::Column(_) | batch::Source::Constant(_) => 1,
                    batch::Source::Matrix { columns, .. } => columns,
                };
                let first: usize = inputs[..index].iter().map(columns).sum();
                match self.input_of_column(first) {
                    Some(input) if columns(&inputs[index]) <= input.shape.len() => {
                        BatchError::InputLength { name: input.name.clone(), rows, expected, found }
                    }
                    _ => error,
                }
            }
            error => error,
        })
    }

    /// The input that has a column, counted through all inputs that are one per row.
    fn input_of_column(&self, column: usize) -> Option<&Input> {
        let mut left = column;
        let rows = self.inputs().iter().filter(|input| input.source != Source::Shared);
        rows.into_iter().find(|input| {
            let here = left < input.shape.len();
            left = left.saturating_sub(input.shape.len());
            here
        })
    }

    /// Evaluates one row on the caller's thread, without allocating once the workspace has served such a call.
    ///
    /// The outputs have the bits that the row has in a batch. `sums` receives the row's own contribution to the sums
    /// over the batch.
    ///
    /// # Errors
    ///
    /// Slices that do not fit the kernel. A row that fails is no error: its outputs are NaN, and the outcome says which
    /// check it failed.
    pub fn evaluate_row<T: Element>(
        &self,
        inputs: &[T],
        params: &[T],
        outputs: &mut [T],
        sums: &mut [f64],
        workspace: &mut Workspace,
    ) -> Result<RowOutcome, BatchError> {
        batch::evaluate_row(self, inputs, params, outputs, sums, workspace)
    }

    /// Evaluates one row as [`Kernel::evaluate_row`] does, unless it is stopped first.
    ///
    /// # Errors
    ///
    /// Slices that do not fit the kernel, and [`BatchError::Stopped`].
    pub fn evaluate_row_until<T: Element>(
        &self,
        inputs: &[T],
        params: &[T],
        outputs: &mut [T],
        sums: &mut [f64],
        workspace: &mut Workspace,
        stop: &Stop,
    ) -> Result<RowOutcome, BatchError> {
        batch::evaluate_row_until(self, inputs, params, outputs, sums, workspace, Some(stop))
    }

    /// Evaluates the program for a row that has failed once more, by interpreting its text, to find out in which state
    /// of which loop it fails. The state belongs to the value: cotangents and tangents among the inputs do not matter.
    ///
    /// ```
    /// # use neural_compiler::{CompileOptions, Limits, Program};
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let source = "(let search ((i 0) (x x)) (if (< x 1) i (search (+ i 1) (* x 1.5))))";
    /// let limits = Limits { iterations: 10_000, ..Limits::default() };
    /// let kernel = Program::parse(source)?.compile(&CompileOptions::default().limits(limits))?;
    /// let why = kernel.explain(&[2.0], &[]).expect("x grows for ever");
    /// assert_eq!(why.reason.to_string(), "the loop takes more than 10000 iterations");
    /// assert_eq!(why.span.text(source), "search");
    /// assert_eq!((why.state[0].name.as_str(), why.state[0].elements[0]), ("i", 10000.0));
    /// assert_eq!((why.state[1].name.as_str(), why.state[1].elements[0]), ("x", f64::INFINITY));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `None` for a row that does not fail, for one that takes more than [`EXPLAINED_STEPS`] iterations and calls
    /// before it does, for slices that do not fit [`Kernel::inputs`], and for a kernel that was made from a graph.
    pub fn explain(&self, inputs: &[f64], params: &[f64]) -> Option<Explanation> {
        self.explain_within(inputs, params, EXPLAINED_STEPS)
    }

    /// The same, but gives up after so many steps.
    pub fn explain_within(&self, inputs: &[f64], params: &[f64], steps: u64) -> Option<Explanation> {
        let program = match &self.inner.code {
            Code::Ast(kernel) => kernel.interpreter(),
            Code::Native(_) | Code::Wide(_) | Code::Interpreted => self.inner.program.as_ref()?,
        };
        if inputs.len() < program.columns() || params.len() < program.params() {
            return None;
        }
        let limits = program.limits();
        let bounded = Limits { steps: limits.steps.min(steps), ..limits };
        let mut scratch = Scratch::default();
        let values = self.inner.outputs.iter().filter(|output| output.role == Role::Value);
        let mut results = vec![0.0; values.map(|output| output.shape.len()).sum()];
        let Failure { span, reason, state } = program
            .clone()
            .with_limits(bounded)
            .with_inlined(steps)
            .row(&mut scratch, inputs, params, &mut results)
            .err()?;
        match reason {
            FailureReason::Check(Reason::Steps { limit }) if limit != limits.steps => None,
            FailureReason::Check(reason) => Some(Explanation { reason, span, state, steps: scratch.steps() }),
            FailureReason::Shape(_) | FailureReason::Results(_) | FailureReason::Stopped => None,
        }
    }

    /// Evaluates a two-dimensional array, rows by columns, into another, with the values of the parameters and room for the sums
    /// over the batch. Contiguous arrays are used in place, others by way of a copy.
    ///
    /// # Errors
    ///
    /// As [`Kernel::evaluate`].
    #[cfg(feature = "ndarray")]
    pub fn evaluate_array<T: Element>(
        &self,
        inputs: ArrayView2<'_, T>,
        params: &[T],
        mut outputs: ArrayViewMut2<'_, T>,
        param_gradients: &mut [f64],
        options: &RunOptions<'_>,
        workspace: &mut Workspace,
    ) -> Result<Report, BatchError> {
        let (rows, columns) = inputs.dim();
        let width = outputs.ncols();
        if outputs.nrows() != rows {
            let (expected, found) = (rows.saturating_mul(width), outputs.len());
            return Err(BatchError::SinkLength { index: 0, rows, expected, found });
        }
        let inputs = inputs.as_standard_layout();
        let source = batch::Source::Matrix {
            data: inputs.as_slice().unwrap_or_default(),
            columns,
            row_stride: columns.max(1),
        };
        let mut copy = None;
        let data = match outputs.as_slice_mut() {
            Some(data) => data,
            None => copy.insert(vec![T::default(); outputs.len()]).as_mut_slice(),
        };
        let sink = batch::Sink::Matrix { data, columns: width, row_stride: width.max(1) };
        let batch = Batch { rows, inputs: &[source], params, outputs: &mut [sink], param_gradients };
        let report = self.evaluate(batch, options, workspace)?;
        if let Some(copy) = copy {
            outputs.iter_mut().zip(copy).for_each(|(slot, value)| *slot = value);
        }
        Ok(report)
    }
}

impl BatchKernel for Kernel {
    fn shape(&self) -> &KernelShape {
        match &self.inner.code {
            Code::Native(native) => native.shape(),
            Code::Wide(wide) => wide.shape(),
            Code::Interpreted => self.interpreter().shape(),
            Code::Ast(kernel) => kernel.shape(),
        }
    }

    fn lanes(&self) -> usize {
        match &self.inner.code {
            Code::Native(_) => cranelift::lanes(self.inner.graph.precision),
            Code::Wide(wide) => wide.lanes(),
            Code::Interpreted => self.interpreter().lanes(),
            Code::Ast(kernel) => kernel.lanes(),
        }
    }

    fn most_threads(&self) -> usize {
        self.inner.most_threads
    }

    unsafe fn run(&self, args: &Args) -> u32 {
        match &self.inner.code {
            // SAFETY: the caller vouches for `args`; shape and lanes are those of the code that runs.
            Code::Native(native) => unsafe { native.run(args) },
            // SAFETY: as above.
            Code::Wide(wide) => unsafe { wide.run(args) },
            // SAFETY: as above.
            Code::Interpreted => unsafe { self.interpreter().run(args) },
            // SAFETY: as above.
            Code::Ast(kernel) => unsafe { kernel.run(args) },
        }
    }

    fn complete(&self, given_up: usize) -> Option<&KernelShape> {
        let Complete { given_up: before, code, making } = &self.inner.complete;
        let making = (*making)?;
        if before.fetch_add(given_up, Ordering::Relaxed).saturating_add(given_up) < INTERPRETED_ROWS {
            return None;
        }
        // Where the code cannot be made, such rows are interpreted: the results are the same.
        match code.get_or_init(|| native(&self.inner.graph, making, true).ok()).as_ref()? {
            Code::Native(native) => Some(native.shape()),
            Code::Wide(wide) => Some(wide.shape()),
            Code::Interpreted | Code::Ast(_) => None,
        }
    }

    unsafe fn run_complete(&self, args: &Args) -> u32 {
        match self.inner.complete.code.get() {
            // SAFETY: the caller vouches for `args` and for the shape.
            Some(Some(Code::Native(native))) => unsafe { native.run(args) },
            // SAFETY: as above.
            Some(Some(Code::Wide(wide))) => unsafe { wide.run(args) },
            Some(Some(Code::Interpreted | Code::Ast(_)) | None) | None => {
                unreachable!("the driver has been told that there is native code")
            }
        }
    }

    fn row(
        &self,
        inputs: &[f64],
        params: &[f64],
        outputs: &mut [f64],
        sums: &mut [f64],
        stop: &StopFlag,
    ) -> RowOutcome {
        match &self.inner.code {
            Code::Native(_) | Code::Wide(_) | Code::Interpreted => {
                self.interpreter().row(inputs, params, outputs, sums, stop)
            }
            Code::Ast(kernel) => kernel.row(inputs, params, outputs, sums, stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codegen::REFUSING;
    use crate::{Error, Program};

    #[test]
    fn without_memory_for_code_programs_are_interpreted() {
        let program = Program::parse("(+ (* x x) 1)").expect("a program");
        REFUSING.set(true);
        let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
        assert_eq!(kernel.tier(), Tier::Interpret);
        assert_eq!(kernel.columns(&[&[2.0, 3.0][..]]).expect("values"), [[5.0, 10.0]]);
        let [note] = kernel.notes() else { panic!("{:?}", kernel.notes()) };
        assert!(note.starts_with("interpreted: the system refused"), "{note}");
        for tier in Tier::available().into_iter().filter(|&tier| tier != Tier::Interpret) {
            let refused = program.compile(&CompileOptions { tier, ..CompileOptions::default() });
            let Err(Error::Kernel(KernelError::Codegen(CodegenError::Memory(_)))) = refused else {
                panic!("{tier}: {refused:?}")
            };
        }
        REFUSING.set(false);
        let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
        assert_eq!(Some(kernel.tier()), Tier::available().first().copied());
    }
}
