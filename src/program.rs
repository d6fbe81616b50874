//! Programs: text that has been read and resolved, ready to be compiled for a signature.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock, OnceLock};

use nc_runtime::lanes::Precision;

use crate::anf::{self, Anf, Rhs};
use crate::ast::network::{DeclaredNetwork, DeclaredParameter};
use crate::ast::{self, Ast, ExprKind};
use crate::build::{self, BuildOptions, Signature};
use crate::codegen::cranelift::{self, TargetMachine};
use crate::codegen::wide;
use crate::dialect::{Dialect, ReaderLimits, short, unsayable};
use crate::domain::{self, SafeDomain};
use crate::files::{self, Again, Files};
use crate::formula::FormulaError;
use crate::graph::{Graph, print};
use crate::interpret::ast::{AstInterpreter, Counted};
use crate::kernel::{CompileOptions, Derivative, Kernel, KernelError, LazyInterpreter, Tier, derived};
use crate::limits::{Limits, MAX_SHARED_SIZE};
use crate::loader::Loader;
use crate::lower;
use crate::number;
use crate::ops::Primitive;
use crate::ops::counting::MAX_STEPS_SINGLE;
use crate::picture::wording::Wording;
use crate::picture::{self, Detail, Picture};
use crate::prelude::{self, Library};
use crate::problem::Problem;
use crate::resolve::{self, Kind, Resolved};
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, SourceId, SourceMap, Span, TooLong};
use crate::specialise;

/// A program.
///
/// ```
/// use neural_compiler::{CompileOptions, Derivative, Program};
///
/// # fn main() -> Result<(), neural_compiler::Error> {
/// let program = Program::parse("(* 0.5 (* m (pow v 2)))")?;
/// let options = CompileOptions::default().derivative(Derivative::Gradient);
/// let kernel = program.compile(&options)?;
/// // Columns of m and v; the value, then the derivative by each.
/// let columns = kernel.columns(&[&[2.0, 4.0], &[3.0, 1.0]])?;
/// assert_eq!(columns, [[9.0, 2.0], [4.5, 0.5], [6.0, 4.0]]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    syntax: Arc<Syntax>,
    pub(crate) anf: Anf,
    parameters: Arc<[DeclaredParameter]>,
    networks: Arc<[DeclaredNetwork]>,
    warnings: Vec<Diagnostic>,
}

/// The text of a program and its trees.
#[derive(Debug, Clone)]
struct Syntax {
    sources: SourceMap,
    /// Of a large program without its own expressions.
    files: Files,
    /// The resolved tree; of a large program, which seldom needs it, not before that.
    resolved: OnceLock<Arc<Resolved>>,
    /// Where the places of the program's own sources end.
    end: u32,
    /// How many specialisations of its functions there may be.
    specialisations: usize,
}

impl Syntax {
    /// The files, all of them whole.
    fn files(&self) -> Cow<'_, Files> {
        self.files.whole(&self.sources)
    }

    /// The resolved tree.
    fn tree(&self) -> &Arc<Resolved> {
        self.resolved.get_or_init(|| {
            let resolved = specialise::resolve(&self.files(), self.end, self.specialisations);
            Arc::new(resolved.expect("a program that was resolved before"))
        })
    }
}

/// A program of more expressions is large: neither its syntax tree nor its resolved one is kept, which are made again where they
/// are wanted.
const LARGE: usize = 1 << 16;

/// Why a program could not be read, compiled or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something is wrong with the source; each message has its place.
    #[error("{}", summary(.0))]
    Source(Vec<Diagnostic>),
    /// The options do not fit the program, or code generation failed.
    #[error(transparent)]
    Kernel(KernelError),
    /// The batch does not fit the kernel.
    #[error(transparent)]
    Batch(#[from] nc_runtime::batch::BatchError),
    /// A call that a formula refuses.
    #[error(transparent)]
    Formula(#[from] FormulaError),
}

impl Error {
    /// The error as plain text, with an excerpt of each place in the source that it is about: what the command line prints, without
    /// colours. The sources are those of the program ([`Program::sources`]); for a text that is no program, a
    /// [`SourceMap::of`] that text.
    ///
    /// ```
    /// use neural_compiler::{Program, SourceMap};
    ///
    /// let text = "(define k 2)\n(sine (* k x))";
    /// let error = Program::parse(text).expect_err("there is no such function");
    /// assert_eq!(error.to_string(), "error[unknown-name] at program:2:2: there is no function `sine`");
    /// let rendered = error.render(&SourceMap::of("law.scm", text).expect("a short text"));
    /// assert!(rendered.contains("law.scm:2:2") && rendered.contains("did you mean `sin`?"));
    /// ```
    pub fn render(&self, sources: &SourceMap) -> String {
        match self {
            Error::Source(diagnostics) => {
                diagnostics.iter().map(|diagnostic| diagnostic.render(sources)).collect::<Vec<_>>().join("\n")
            }
            Error::Kernel(_) | Error::Batch(_) | Error::Formula(_) => format!("error: {self}\n"),
        }
    }

    /// The error with the lines of its places.
    fn located(mut self, sources: &SourceMap) -> Error {
        if let Error::Source(diagnostics) = &mut self {
            // Finding a line takes time in proportion to the text.
            for diagnostic in diagnostics.iter_mut().take(1) {
                diagnostic.locate(sources);
            }
        }
        self
    }
}

impl From<KernelError> for Error {
    /// An error that has a place in the source becomes a message about it.
    fn from(error: KernelError) -> Error {
        match &error {
            KernelError::Memory { span: Some(span), .. } => {
                let diagnostic = Diagnostic::error("memory", *span, error.to_string())
                    .label("this value")
                    .help("`CompileOptions::memory_bytes` allows more, on the command line `--memory MIB`");
                Error::Source(vec![diagnostic])
            }
            KernelError::DerivativeTooLarge(error) => Error::Source(vec![error.diagnostic()]),
            _ => Error::Kernel(error),
        }
    }
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => "the program does not compile".into(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// A stage of the pipeline whose output can be shown as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The program as a dialect spells it.
    Source(Dialect),
    /// The syntax tree, derived forms expanded.
    Ast,
    /// The first-order program: functions specialised to their function operands.
    FirstOrder,
    /// A-normal form.
    Anf,
    /// A-normal form with loops in place of calls in tail position.
    Tco,
    /// The compute graph of the value.
    Graph,
    /// The graph with derivatives.
    Adjoint,
    /// The lane program.
    Lanes,
    /// Cranelift IR.
    Clif,
    /// Machine code.
    Asm,
}

/// What a [`Program::picture`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The syntax tree.
    Ast,
    /// The compute graph of the value.
    Graph,
    /// The graph with derivatives.
    Adjoint,
}

/// Whether a name that nothing binds is that of a function where it is called.
fn is_function(name: &str) -> bool {
    Primitive::from_name(name).is_some() || Library::word(name).is_some_and(|word| word.place.is_some())
}

/// Warnings for numbers in the text that binary64 cannot hold.
fn lost_literals(ast: &Ast, sources: &SourceMap) -> Vec<Diagnostic> {
    let mut warnings: Vec<Diagnostic> = Vec::new();
    for expr in ast.exprs() {
        let ExprKind::Number(literal) = ast.kind(expr) else { continue };
        if literal.f64 != 0.0 && literal.f64.is_finite() {
            continue;
        }
        let span = ast.span(expr);
        let text = sources.at(span);
        let (what, help) = match number::lost(text) {
            Some(number::Lost::Overflow) => ("infinite", "the largest number is 1.7976931348623157e308"),
            Some(number::Lost::Underflow) => ("0", "the smallest number is 5e-324"),
            None => continue,
        };
        if warnings.len() == MAX_DIAGNOSTICS {
            break;
        }
        let message = format!("`{}` is {what} in binary64", short(text));
        let warning = Diagnostic::warning("literal", span, message).help(help);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings
}

/// Problems in the words of the dialects of the files that they are in.
fn spelled_problems(files: &Files, end: u32, problems: &[Problem]) -> Vec<Diagnostic> {
    let words = problems.iter().map(|problem| {
        let dialect = files.of(problem.span).unwrap_or(files.main()).dialect;
        let mut words = prelude::called_from(dialect.spell(problem), end, problem.wants_function());
        if problem.wants_function()
            && let Some(name) = files.names_within(words.span).find(|name| is_function(name))
        {
            let hint = format!(
                "`{name}` by itself is an input where nothing calls it: write `(lambda (x) ({name} x))`, in infix notation `fun(x) {name}(x)`"
            );
            words.help = Some(match words.help.take() {
                Some(help) => format!("{help}; {hint}"),
                None => hint,
            });
        }
        files.say_import(words)
    });
    let mut all: Vec<Diagnostic> = words.collect();
    // Two places of one line of the library.
    all.dedup();
    all
}

/// Beside errors in the texts of a program, those of the names in the parts that can be read, in the order of their places.
fn with_errors_of_names(sources: &SourceMap, broken: files::Broken) -> Vec<Diagnostic> {
    let files::Broken { mut errors, files } = broken;
    if files.0.is_empty() {
        return errors;
    }
    let problems = resolve::names::scope(&files, sources.end()).err().unwrap_or_default();
    let is_incomplete = |problem: &Problem| files.of(problem.span).is_none_or(|file| file.incomplete);
    // What the program ends in may be what could not be read, and a function what could not be imported.
    let follows = |problem: &Problem| {
        problem.is_of_inputs() || problem.is_of_unknown_function() && is_incomplete(problem)
    };
    let problems: Vec<Problem> = problems.into_iter().filter(|problem| !follows(problem)).collect();
    for error in spelled_problems(&files, sources.end(), &problems) {
        if errors.len() < MAX_DIAGNOSTICS && !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors.sort_by_key(|error| error.span);
    errors
}

/// What [`Program::switches`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// The program with its choices held, in Scheme.
    pub text: String,
    /// How many differences there are.
    pub count: usize,
}

impl Program {
    /// Reads a program in the Scheme dialect.
    ///
    /// # Errors
    ///
    /// [`Error::Source`], with everything that was found.
    pub fn parse(source: &str) -> Result<Program, Error> {
        Program::parse_as(source, Dialect::Scheme, &ReaderLimits::default())
    }

    /// Reads a program in a dialect, within limits.
    ///
    /// # Errors
    ///
    /// [`Error::Source`], with everything that was found.
    pub fn parse_as(source: &str, dialect: Dialect, limits: &ReaderLimits) -> Result<Program, Error> {
        Program::parse_with(source, dialect, limits, None)
    }

    /// Reads a program and what it imports.
    fn parse_with(
        source: &str,
        dialect: Dialect,
        limits: &ReaderLimits,
        loader: Option<&dyn Loader>,
    ) -> Result<Program, Error> {
        match SourceMap::of("program", source) {
            Ok(mut sources) => {
                let main = sources.sources().next().expect("the one source");
                Program::read(&mut sources, main, dialect, limits, loader)
            }
            // The reader refuses what has no 32-bit places.
            Err(TooLong) => match dialect.read_ast(source, limits) {
                Err(errors) => Err(Error::Source(errors)),
                Ok(_) => unreachable!("a text that a reader took has 32-bit places"),
            },
        }
    }

    /// Reads the program that is one of several sources. Places count through all of them.
    ///
    /// # Errors
    ///
    /// [`Error::Source`], with everything that was found.
    pub fn parse_source(
        mut sources: SourceMap,
        source: SourceId,
        dialect: Dialect,
        limits: &ReaderLimits,
    ) -> Result<Program, Error> {
        Program::read(&mut sources, source, dialect, limits, None)
    }

    /// Reads the program that is one of several sources, and the files that it imports, which become further sources: behind an
    /// error, too, `sources` has all texts that it may be about.
    ///
    /// ```
    /// use neural_compiler::{Dialect, FolderLoader, Program, ReaderLimits, SourceMap};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("nc-parse-files-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// std::fs::write(folder.join("energy.scm"), "(define (kinetic m v) (* 1/2 m (square v)))")?;
    /// std::fs::write(folder.join("law.scm"), "(import \"energy.scm\") (kinetic 2 (* g t))")?;
    ///
    /// let path = folder.join("law.scm");
    /// let (mut sources, limits) = (SourceMap::new(), ReaderLimits::default());
    /// let main = sources.add("law.scm", std::fs::read_to_string(&path)?)?;
    /// let loader = FolderLoader::of_program(&path)?;
    /// let program = Program::parse_files(&mut sources, main, Dialect::Scheme, &limits, &loader)?;
    /// assert_eq!(program.inputs().collect::<Vec<_>>(), ["g", "t"]);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Source`], with everything that was found, in files that are imported as well.
    pub fn parse_files(
        sources: &mut SourceMap,
        source: SourceId,
        dialect: Dialect,
        limits: &ReaderLimits,
        loader: &dyn Loader,
    ) -> Result<Program, Error> {
        Program::read(sources, source, dialect, limits, Some(loader))
    }

    fn read(
        sources: &mut SourceMap,
        source: SourceId,
        dialect: Dialect,
        limits: &ReaderLimits,
        loader: Option<&dyn Loader>,
    ) -> Result<Program, Error> {
        match files::read(sources, source, dialect, limits, loader) {
            Ok(files) => Program::resolve(sources.clone(), files, limits),
            Err(broken) => Err(Error::Source(with_errors_of_names(sources, broken)).located(sources)),
        }
    }

    fn resolve(mut sources: SourceMap, mut files: Files, limits: &ReaderLimits) -> Result<Program, Error> {
        let end = sources.end();
        let parameters = match files.parameters() {
            Ok(parameters) => parameters,
            Err(errors) => {
                let errors = with_errors_of_names(&sources, files::Broken { errors, files });
                return Err(Error::Source(errors).located(&sources));
            }
        };
        let asked = files.specialisations().and_then(|asked| usize::try_from(asked).ok());
        let specialisations = asked.unwrap_or(limits.specialisations);
        let spell = |problems: &[Problem]| spelled_problems(&files, end, problems);
        let resolved = specialise::resolve(&files, end, specialisations)
            .map_err(|problems| Error::Source(spell(&problems)).located(&sources))?;
        if resolved.library {
            for file in &prelude::library().files {
                if sources.add(file.name, file.text).is_err() {
                    let message = "the program and the library have more than 2³² bytes together";
                    let error = Diagnostic::error("source-too-long", Span::new(0, 0), message);
                    return Err(Error::Source(vec![error]));
                }
            }
        }
        let mut warnings: Vec<Diagnostic> = spell(&resolved.warnings);
        for file in &files.0 {
            warnings.extend(lost_literals(&file.ast, &sources));
        }
        let is_large = resolved.kinds.len() > LARGE;
        if is_large {
            files.forget_main();
        }
        debug_assert_eq!(anf::verify::verify(&anf::build::build(&resolved)), Ok(()));
        let mut anf = anf::build::build_loops(&resolved);
        anf.library = resolved.library.then_some(end);
        anf.networks = Arc::new(files.network_places());
        debug_assert_eq!(anf::verify::verify(&anf), Ok(()));
        let inputs: HashSet<&str> = anf.inputs.iter().map(|&var| anf.vars[var].name.as_str()).collect();
        let parameters: Arc<[DeclaredParameter]> =
            parameters.into_iter().filter(|parameter| inputs.contains(parameter.name.as_str())).collect();
        let is_used = |network: &DeclaredNetwork| {
            let of = |name: &str| name.strip_prefix(&*network.name).is_some_and(|own| own.starts_with('.'));
            parameters.iter().any(|parameter| of(&parameter.name))
        };
        let networks = files.networks().filter(is_used).collect();
        let kept = if is_large { OnceLock::new() } else { OnceLock::from(Arc::new(resolved)) };
        let syntax = Arc::new(Syntax { sources, files, resolved: kept, end, specialisations });
        Ok(Program { syntax, anf, parameters, networks, warnings })
    }

    /// Reads a program from bytes that should be UTF-8.
    ///
    /// # Errors
    ///
    /// As [`Program::parse_as`]; bytes that are no UTF-8 are an error with their place.
    pub fn parse_bytes(source: &[u8], dialect: Dialect, limits: &ReaderLimits) -> Result<Program, Error> {
        match std::str::from_utf8(source) {
            Ok(text) => Program::parse_as(text, dialect, limits),
            Err(error) => {
                let at = u32::try_from(error.valid_up_to()).unwrap_or(u32::MAX);
                let message = format!("byte {at} starts no UTF-8 character");
                Err(Error::Source(vec![Diagnostic::error("encoding", Span::new(at, at), message)]))
            }
        }
    }

    /// Its files, all of them whole.
    pub(crate) fn files(&self) -> Cow<'_, Files> {
        self.syntax.files()
    }

    /// The resolved tree.
    pub(crate) fn tree(&self) -> &Arc<Resolved> {
        self.syntax.tree()
    }

    /// Names of the inputs, in the order of the signature.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.anf.inputs.iter().map(|&var| self.anf.vars[var].name.as_str())
    }

    /// The inputs that the program itself declares to be parameters: weights and biases of its networks, and of those in
    /// imported files that it uses, in the order of the texts. Unless a signature speaks of them, they have the shape that is given here, and one value for all rows.
    ///
    /// ```
    /// # use neural_compiler::{Program, Shape};
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let program = Program::parse(
    ///     "(network correction (x v) (layers 8) (activation tanh) (results 1)) (+ (* k x) (correction x v))",
    /// )?;
    /// let names: Vec<&str> = program.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
    /// assert_eq!(names, ["correction.w1", "correction.b1", "correction.w2", "correction.b2"]);
    /// assert_eq!(program.parameters()[0].shape, Shape::Matrix(8, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn parameters(&self) -> &[DeclaredParameter] {
        &self.parameters
    }

    /// The networks whose parameters are among [`Program::parameters`], in the order of the texts.
    ///
    /// ```
    /// # use neural_compiler::Program;
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let program = Program::parse("(network p (x) (layers 8) (activation tanh) (results 3) (output exp)) (p x)")?;
    /// let [network] = program.networks() else { panic!("one network") };
    /// assert_eq!((network.name.as_str(), network.output.as_deref()), ("p", Some("exp")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn networks(&self) -> &[DeclaredNetwork] {
        &self.networks
    }

    /// The options, in whose signature declared parameters have their shapes.
    pub(crate) fn with_declared<'o>(&self, options: &'o CompileOptions) -> Cow<'o, CompileOptions> {
        match self.declared(&options.signature) {
            Cow::Borrowed(_) => Cow::Borrowed(options),
            Cow::Owned(signature) => Cow::Owned(CompileOptions { signature, ..options.clone() }),
        }
    }

    /// The signature, in which declared parameters have their shapes.
    fn declared<'s>(&self, signature: &'s Signature) -> Cow<'s, Signature> {
        let mut all = Cow::Borrowed(signature);
        for DeclaredParameter { name, shape, .. } in self.parameters.iter() {
            if !signature.has_shape(name) {
                let all = all.to_mut();
                *all = std::mem::take(all).shape(name, *shape).parameter(name);
            }
        }
        all
    }

    /// Names of the results, in order; none for a program with one result that has no name.
    pub fn results(&self) -> impl Iterator<Item = &str> {
        self.anf.result_names.iter().map(String::as_str)
    }

    /// Names and values of the top-level numbers, which a signature can make parameters.
    pub fn constants(&self) -> impl Iterator<Item = (&str, f64)> {
        let main = self.anf.main.map(|main| self.anf.blocks[main].bindings.as_slice());
        main.unwrap_or_default().iter().filter_map(|binding| match &binding.rhs {
            Rhs::Constant(literal) => Some((self.anf.vars[binding.var].name.as_str(), literal.f64)),
            Rhs::Primitive(..) | Rhs::Call(..) | Rhs::Derive(..) | Rhs::If(..) | Rhs::Loop(_) => None,
        })
    }

    /// The program with these top-level numbers as inputs, behind its own: every row can have another, and derivatives by them
    /// are one per row, where those by a parameter ([`Signature::parameter`]) are summed.
    ///
    /// ```
    /// # use neural_compiler::{CompileOptions, Program};
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let program = Program::parse("(define g 9.81) (* 1/2 g (square t))")?.with_inputs(["g"])?;
    /// assert_eq!(program.inputs().collect::<Vec<_>>(), ["t", "g"]);
    /// let kernel = program.compile(&CompileOptions::default())?;
    /// assert_eq!(kernel.columns(&[&[2.0, 2.0], &[9.81, 1.62]])?, [[19.62, 3.24]]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A name that is none of [`Program::constants`].
    pub fn with_inputs<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<Program, Error> {
        let mut resolved = Resolved::clone(self.tree());
        for name in names {
            let name = name.as_ref();
            let number = resolved.globals.iter().position(|&(var, value)| {
                resolved.vars[var].name == name && matches!(resolved.kind(value), Kind::Number(_))
            });
            let Some(number) = number else {
                let inputs = self.constants().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
                return Err(KernelError::UnknownConstant { name: name.to_owned(), constants: inputs }.into());
            };
            let (var, _) = resolved.globals.remove(number);
            resolved.inputs.push(var);
        }
        let (library, networks) = (self.anf.library, self.anf.networks.clone());
        let anf = Anf { library, networks, ..anf::build::build_loops(&resolved) };
        debug_assert_eq!(anf::verify::verify(&anf), Ok(()));
        let syntax = Syntax { resolved: OnceLock::from(Arc::new(resolved)), ..Syntax::clone(&self.syntax) };
        Ok(Program { syntax: Arc::new(syntax), anf, ..self.clone() })
    }

    /// The limits that its header comment asks for, such as `; nc: --max-iterations 1000000`, or larger ones that the header of
    /// an imported file asks for; defaults otherwise.
    pub fn limits(&self) -> Limits {
        self.syntax.files.limits()
    }

    /// What its author may want to know.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Whether it imports other files.
    pub fn has_imports(&self) -> bool {
        self.syntax.files.0.len() > 1
    }

    /// The texts that the program was read from, for [`Diagnostic::render`]: its own, then those of the files that it imports,
    /// in the order in which they were read, then those of the library if it uses that.
    pub fn sources(&self) -> &SourceMap {
        &self.syntax.sources
    }

    /// The graph of the value, as the options want it.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, with their places; names in the signature that the program does not have; limits that
    /// numbers of the element type cannot count to.
    pub(crate) fn value_graph(&self, options: &CompileOptions) -> Result<Graph, Error> {
        let limits = options.limits.unwrap_or(self.limits());
        let precision = options.dtype.precision();
        if precision == Precision::Single && limits.steps > MAX_STEPS_SINGLE {
            let (steps, most) = (limits.steps, MAX_STEPS_SINGLE);
            return Err(KernelError::TooManySteps { steps, most }.into());
        }
        let (watch, memory) = (options.watch(), options.memory_bytes);
        self.graph_with(&options.signature, &BuildOptions { limits, watch, precision, memory })
    }

    fn graph_with(&self, signature: &Signature, options: &BuildOptions) -> Result<Graph, Error> {
        let signature = &*self.declared(signature);
        self.check_names(signature)?;
        build::build(&self.anf, signature, options).map_err(|errors| {
            let end = self.anf.library.unwrap_or(u32::MAX);
            let files = self.files();
            let words = |error: Diagnostic| {
                let inside = error.span.start >= end;
                let mut error = prelude::called_from(error, end, false);
                let word = if inside { files.called_at(error.span) } else { None };
                if let Some(word) = word.and_then(Library::word) {
                    error.message =
                        format!("`{}` does not take these operands: {}", word.name, error.message);
                    error.label = String::new();
                    error.help.get_or_insert_with(|| format!("usage: `{}`: {}", word.usage, word.doc));
                }
                files.say_import(error)
            };
            let mut errors: Vec<Diagnostic> = errors.into_iter().map(words).collect();
            // One call of the library is wrong once, however many of its parts do not fit.
            let mut calls = HashSet::new();
            let by_call = |error: &Diagnostic| error.message.contains(", which is called here)");
            errors.retain(|error| !by_call(error) || calls.insert(error.span));
            Error::Source(errors)
        })
    }

    fn check_names(&self, signature: &Signature) -> Result<(), KernelError> {
        let constants: HashSet<&str> = self.constants().map(|(name, _)| name).collect();
        let inputs: HashSet<&str> = self.inputs().collect();
        for name in signature.names() {
            let constant = signature.is_parameter(name) && constants.contains(name);
            if !constant && !inputs.contains(name) {
                let inputs =
                    self.inputs().chain(self.constants().map(|c| c.0)).collect::<Vec<_>>().join(", ");
                return Err(KernelError::UnknownInput { name: name.to_string(), inputs });
            }
        }
        Ok(())
    }

    /// The conditions under which no operation leaves its safe domain, in the words of the source.
    ///
    /// ```
    /// # use neural_compiler::{Program, Signature};
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let gamma = Program::parse("(define c 299792458) (/ 1 (sqrt (- 1 (square (/ v c)))))")?;
    /// let domain = gamma.safe_domain(&Signature::scalars())?;
    /// let conditions: Vec<String> = domain.conditions.iter().map(ToString::to_string).collect();
    /// assert_eq!(conditions, ["1 − (v/c)² > 0"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Names in the signature that the program does not have, and shapes that no value has.
    pub fn safe_domain(&self, signature: &Signature) -> Result<SafeDomain, Error> {
        let signature = &*self.declared(signature);
        self.check_names(signature)?;
        build::check_inputs(&self.anf, signature).map_err(Error::Source)?;
        Ok(domain::safe_domain(&self.anf, signature))
    }

    /// Compiles the program.
    ///
    /// # Errors
    ///
    /// Shapes that do not fit, with their places; names in the options that the program does not have; other options that
    /// do not fit the program or this machine.
    pub fn compile(&self, options: &CompileOptions) -> Result<Kernel, Error> {
        self.compiled(options).map_err(|error| error.located(&self.syntax.sources))
    }

    fn compiled(&self, options: &CompileOptions) -> Result<Kernel, Error> {
        let options = &*self.with_declared(options);
        options.check()?;
        let graph = self.value_graph(options)?;
        let (syntax, signature) = (Arc::clone(&self.syntax), options.signature.clone());
        let (limits, counted, precision) = (graph.limits, Counted::of(&graph), options.dtype.precision());
        let interpreter: LazyInterpreter = LazyLock::new(Box::new(move || {
            AstInterpreter::new(Arc::clone(syntax.tree()), &signature)
                .with_limits(limits)
                .with_counted(counted)
                .with_precision(precision)
        }));
        let graph = match options.derivative {
            // To interpret the tree of a large program would be to read it again; its graph is there.
            // Calls that share what they compute, as graphs do, may be too many to be made one by one.
            // The tree interpreter adds up what reaches a value in reverse in the order of evaluation, graphs in that of nodes.
            Derivative::None
                if options.tier == Tier::Interpret
                    && self.syntax.files.are_whole()
                    && !self.lives_by_sharing()
                    && interpreter.counts_alike()
                    && !interpreter.repeats_for_shapes()
                    && !self.anf.has_derivatives() =>
            {
                let interpreter = AstInterpreter::clone(&interpreter).watching(options.watch());
                return Ok(Kernel::from_tree(graph, interpreter, options.memory_bytes)?);
            }
            Derivative::None => graph,
            _ => derived(&graph, options)?,
        };
        Ok(Kernel::explained_by(graph, options, Some(interpreter))?)
    }

    /// Whether its calls, written out, are many more operations than the program is written with.
    fn lives_by_sharing(&self) -> bool {
        let inlined = self.anf.inlined_operations();
        inlined > MAX_SHARED_SIZE as u64 && inlined > 2 * self.anf.operations()
    }

    /// A stage as a picture: the syntax tree, the graph of the value, or the graph with derivatives; of graphs as much as `detail`
    /// says.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub fn picture(
        &self,
        subject: Subject,
        detail: Detail,
        options: &CompileOptions,
    ) -> Result<Picture, Error> {
        let files = self.files();
        let of = |graph: &Graph| {
            let wording = Wording::of(files.0.iter().map(|file| &file.ast), &self.syntax.sources);
            picture::graph::picture(graph, &wording, detail)
        };
        Ok(match subject {
            Subject::Ast => picture::ast::picture(&files.main().ast, &self.syntax.sources),
            Subject::Graph => of(&self.value_graph(options)?),
            Subject::Adjoint => of(&self.derived_graph(options)?),
        })
    }

    /// The graph with the derivatives of the options, or with gradients if they have none.
    fn derived_graph(&self, options: &CompileOptions) -> Result<Graph, Error> {
        let derivative = match &options.derivative {
            Derivative::None => Derivative::Gradient,
            derivative => derivative.clone(),
        };
        Ok(derived(&self.value_graph(options)?, &CompileOptions { derivative, ..options.clone() })?)
    }

    /// The program in a dialect: text that reads as this program, with the same inputs in the same order.
    fn spelled(&self, dialect: Dialect) -> Result<String, Error> {
        let text =
            dialect.write_ast(&self.files().main().ast).map_err(|refused| Error::Source(vec![*refused]))?;
        let limits =
            ReaderLimits { source_bytes: usize::MAX, nesting: usize::MAX, ..ReaderLimits::default() };
        let refused = |what| Error::Source(vec![*unsayable(dialect.name(), Some((Span::default(), what)))]);
        let again = Again { files: &self.syntax.files, sources: &self.syntax.sources };
        let back = Program::parse_with(&text, dialect, &limits, Some(&again))
            .map_err(|_| refused("an input is called like a word of the dialect"))?;
        if back.inputs().ne(self.inputs()) {
            return Err(refused(
                "inputs would come in another order; a function has them in the order of its parameters",
            ));
        }
        Ok(text)
    }

    /// The program with its choices held: what a trajectory needs to stop where its right-hand side switches, and to follow each side smoothly
    /// up to there. The comparisons `<`, `<=`, `>` and `>=`, and the signs by which `sign` and `copysign` choose, in which the inputs that vary have a
    /// part, are decided by the signs of the elements of a vector, a further input called `sides`; one that is 0 leaves them as they are, but that
    /// differences below 1e-11 of what is compared are 0. A further result of this name has the differences that are compared, one for each that differs, and 1 where a condition around one, as the sides decide it, lets it
    /// decide nothing. They are numbers: a program that compares vectors so has no such form, which its shapes show. Functions of the program are looked
    /// into; what chooses in loops, in functions that are handed on as values or recursive, and in imported files is left as it is, and so are comparisons
    /// of what jumps itself, `floor` or another choice. Nothing if there is no such comparison, there are more than `most`, or the program is too large.
    ///
    /// ```
    /// # use neural_compiler::Program;
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let program = Program::parse("(if (> x 1) (* 2 x) k)")?;
    /// let switches = program.switches(|input| input == "x", "side", 8).expect("a comparison");
    /// assert!(switches.text.contains("(> (ref side 0) 0)") && switches.text.ends_with("(side (vec (- x 1))))\n"));
    /// assert_eq!(switches.count, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn switches(&self, varying: impl Fn(&str) -> bool, sides: &str, most: usize) -> Option<Switches> {
        let jumps = |word: &str| Primitive::from_name(word).is_some_and(|one| one.info().jumps());
        let (ast, count) = self.files().main().ast.switches(&varying, &jumps, sides, most)?;
        Some(Switches { text: Dialect::Scheme.write_ast(&ast).ok()?, count })
    }

    /// The program, in Scheme, whose value changes its sign where the truth value of this one changes: positive where it is true, negative where it is
    /// false, and as smooth there as what is compared. Nothing if the value is a number as it is.
    ///
    /// ```
    /// # use neural_compiler::Program;
    /// # fn main() -> Result<(), neural_compiler::Error> {
    /// let program = Program::parse("(and (< h 0) (< v 0))")?;
    /// assert_eq!(program.boundary().expect("sides").as_deref(), Some("(min (- 0 h) (- 0 v))\n"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The place of a part that is true at points, `=`, or no comparison, so that there is no such number.
    pub fn boundary(&self) -> Result<Option<String>, Span> {
        let found = self.files().main().ast.boundary()?;
        Ok(found.and_then(|ast| Dialect::Scheme.write_ast(&ast).ok()))
    }

    /// Any stage as text. Up to [`Stage::Lanes`] it is the same on every machine; the others are for `target`, or for
    /// this machine.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub fn stage(
        &self,
        stage: Stage,
        options: &CompileOptions,
        target: Option<&TargetMachine>,
    ) -> Result<String, Error> {
        match stage {
            Stage::Source(dialect) => return self.spelled(dialect),
            Stage::Ast => return Ok(ast::dump(&self.files().main().ast)),
            Stage::FirstOrder => return Ok(resolve::print::dump(self.tree())),
            Stage::Anf => return Ok(anf::print::dump(&anf::build::build(self.tree()))),
            Stage::Tco => return Ok(anf::print::dump(&self.anf)),
            Stage::Graph | Stage::Adjoint | Stage::Lanes | Stage::Clif | Stage::Asm => {}
        }
        if stage == Stage::Adjoint {
            return Ok(print::dump(&self.derived_graph(options)?));
        }
        let graph = self.value_graph(options)?;
        if stage == Stage::Graph {
            return Ok(print::dump(&graph));
        }
        let graph = derived(&graph, options)?;
        let program = lower::lower(&graph, options.tape_bytes);
        if stage == Stage::Lanes {
            return Ok(lower::print::dump(&program));
        }
        // For another processor, it is Cranelift's code.
        if stage == Stage::Asm
            && target.is_none()
            && let Some(isa) = options.tier.isa().map_err(KernelError::from)?
        {
            return Ok(wide::assembly(&program, isa).map_err(KernelError::from)?);
        }
        let host;
        let target = match target {
            Some(target) => target,
            None => {
                host = TargetMachine::host().map_err(KernelError::from)?;
                &host
            }
        };
        Ok(match stage {
            Stage::Clif => cranelift::clif(&program, target),
            _ => cranelift::assembly(&program, target).map_err(KernelError::from)?,
        })
    }
}
