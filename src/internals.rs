//! The stages of the compiler, for its own tests, benches and tools. None of it is meant to stay as it is.

use std::borrow::Cow;
use std::sync::Arc;

use nc_runtime::lanes::{Lanes, Precision, Scalar};

use crate::Error;
use crate::anf::Anf;
use crate::ast::Ast;
use crate::build::Signature;
use crate::codegen::cranelift::TargetMachine;
use crate::dialect::{Dialect, ReaderLimits};
use crate::entity::{Entity as _, EntityVec};
use crate::files::{File, Files};
use crate::graph::{Check, Graph, Node, Type};
use crate::kernel::{CompileOptions, Kernel, KernelError};
use crate::ops::{Lane, Op, Operand};
use crate::picture::{Edge, Group, GroupId, Kind, NodeId, Picture};
use crate::program::Program;
use crate::resolve::Resolved;
use crate::source::{Diagnostic, SourceId, Span};

macro_rules! rooms {
    ($($room:ident)*) => {$(
        #[allow(missing_docs, reason = "the module that it shows has them")]
        pub mod $room {
            pub use crate::$room::*;
        }
    )*};
}

rooms! {
    anf ast build chaos codegen derive dialect domain entity formula graph interpret kernel limits lower names number ops picture
    prelude problem program resolve source stages types
}

/// The first-order program of a text in Scheme (`nc ir --stage first-order`), whether or not it can be compiled.
///
/// # Errors
///
/// Everything that is wrong with the text and its names, as codes and words.
pub fn first_order(source: &str) -> Result<String, String> {
    let limits = ReaderLimits::default();
    let ast = Dialect::Scheme.read_ast(source, &limits).map_err(|errors| format!("{errors:?}"))?;
    let files = Files(vec![File::alone(ast, Dialect::Scheme)]);
    let resolved = crate::specialise::resolve(&files, u32::MAX / 2, limits.specialisations);
    resolved.map(|program| crate::resolve::print::dump(&program)).map_err(|problems| format!("{problems:?}"))
}

impl File {
    /// A program that is one file.
    fn alone(ast: Ast, dialect: Dialect) -> File {
        let (source, span) = (SourceId::from_index(0), Span::new(0, u32::MAX));
        File {
            ast,
            dialect,
            name: String::new(),
            source,
            span,
            imports: Vec::new(),
            imported: None,
            function: false,
            broken: false,
            incomplete: false,
        }
    }
}

impl Dialect {
    /// Reads a program.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text and the forms in it, each with its place.
    pub fn read(self, source: &str, limits: &ReaderLimits) -> Result<Ast, Vec<Diagnostic>> {
        self.read_ast(source, limits)
    }

    /// Writes a program. Reading the text gives the same program, up to places.
    ///
    /// ```
    /// use neural_compiler::{Dialect, ReaderLimits};
    ///
    /// let program = Dialect::Scheme.read("(define (f x)(* x 2)) (cond ((< a 1) (f [a 1/4])) (else a))", &ReaderLimits::default());
    /// let text = Dialect::Scheme.write(&program.expect("a program")).expect("Scheme can say this");
    /// assert_eq!(text, "(define (f x) (* x 2))\n(if (< a 1) (f [a 0.25]) a)\n");
    /// ```
    ///
    /// # Errors
    ///
    /// Programs that the dialect cannot say: the code is `unsayable`.
    pub fn write(self, ast: &Ast) -> Result<String, Box<Diagnostic>> {
        self.write_ast(ast)
    }
}

impl Program {
    /// The syntax tree.
    pub fn ast(&self) -> Cow<'_, Ast> {
        match self.files() {
            Cow::Borrowed(files) => Cow::Borrowed(&files.main().ast),
            Cow::Owned(files) => Cow::Owned(files.main().ast.clone()),
        }
    }

    /// The resolved tree, which the AST interpreter runs.
    pub fn resolved(&self) -> &Arc<Resolved> {
        self.tree()
    }

    /// The program in A-normal form, with loops in place of calls in tail position.
    pub fn anf(&self) -> &Anf {
        &self.anf
    }

    /// The compute graph for a signature, of binary64 numbers.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, with their places; names in the signature that the program does not have.
    pub fn graph(&self, signature: &Signature) -> Result<Graph, Error> {
        self.value_graph(&CompileOptions::default().signature(signature.clone()))
    }

    /// The graph of the value, as the options want it.
    ///
    /// # Errors
    ///
    /// As [`Program::graph`], and limits that numbers of the element type cannot count to.
    pub fn graph_for(&self, options: &CompileOptions) -> Result<Graph, Error> {
        self.value_graph(options)
    }
}

impl Kernel {
    /// Compiles a graph as it is: derivatives have been made by [`derived`](crate::kernel::derived), and numbers are what the
    /// graph says.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub fn from_graph(graph: Graph, options: &CompileOptions) -> Result<Kernel, KernelError> {
        Kernel::explained_by(graph, options, None)
    }

    /// Compiles a graph for a given subset of this processor's features.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub fn for_target(graph: Graph, target: &TargetMachine) -> Result<Kernel, KernelError> {
        Kernel::compiled_for(graph, target)
    }

    /// The graph that it computes.
    pub fn graph(&self) -> &Graph {
        self.own_graph()
    }
}

impl Op {
    /// Its result over lanes.
    pub fn evaluate<L: Lanes>(self, l: &L, attr: u32, ty: Type, args: &[Operand<'_, L>]) -> Vec<Lane<L>> {
        self.eval(l, attr, ty, args)
    }

    /// The result for one row of numbers of this precision, on the whole range of every operation.
    pub fn evaluate_row(
        self,
        precision: Precision,
        attr: u32,
        ty: Type,
        args: &[Operand<'_, Scalar>],
    ) -> Vec<Lane<Scalar>> {
        self.eval_row(precision, attr, ty, args)
    }

    /// The result of an elementwise operation for scalars of this precision, on its whole range.
    pub fn evaluate_element(self, precision: Precision, args: &[Lane<Scalar>]) -> Lane<Scalar> {
        self.eval_element(precision, args)
    }
}

impl Check {
    /// True where the row meets the condition; already restricted to the path on which the operation stands.
    pub fn condition(&self) -> Node {
        self.fails
    }
}

impl Picture {
    /// The nodes.
    pub fn nodes(&self) -> &EntityVec<NodeId, crate::picture::Node> {
        &self.nodes
    }

    /// The edges.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Loops and functions, those around others first.
    pub fn groups(&self) -> &EntityVec<GroupId, Group> {
        &self.groups
    }

    /// Adds a node without a group.
    pub fn add_node(&mut self, label: impl Into<String>, kind: Kind, span: Option<Span>) -> NodeId {
        self.node(label, kind, span)
    }

    /// Adds an edge.
    pub fn add_edge(&mut self, from: NodeId, to: NodeId, label: impl Into<String>) {
        self.edge(from, to, label);
    }
}

impl CompileOptions {
    /// The shapes of the inputs, and which of them are parameters.
    pub fn get_signature(&self) -> &Signature {
        &self.signature
    }
}
