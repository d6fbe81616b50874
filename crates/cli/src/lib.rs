//! The command line `nc`: one file per subcommand, and what they share.
//!
//! * `report`: errors and warnings, for people and as JSON;
//! * `derivatives`: which derivatives are asked for, and where they stand in a kernel;
//! * `dialect`: the option that says how a program is spelled;
//! * `limits`: options for how long a row may take;
//! * `outputs`: files that are written, and none that is read;
//! * `signals`: no unfinished files after a signal;
//! * `state`: variables of the loop that a row failed in;
//! * `weights`: files with values of parameters;
//! * `text`: numbers, vectors, matrices and signatures as they are typed and printed.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "doc comments of arguments are help texts, brackets included"
)]

mod bench;
mod check;
mod compare;
mod derivatives;
mod dialect;
mod eml;
mod eval;
mod explain;
mod fit;
mod ir;
mod limits;
mod ode;
mod ops;
mod outputs;
mod report;
mod run;
mod signals;
mod state;
mod text;
mod weights;

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use nc_eml::translate::raise::{Effort, raise};
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::{
    CompileOptions, Dialect, Dtype, Error, FolderLoader, Mode, Program, ReaderLimits, Shape, Signature,
    SourceMap, Span, StageTimes, Tier, TooLong, Variable,
};

use self::dialect::{DialectArgs, ImportArgs};
use self::report::{Failure, SourceText, eprint_lines, printable, printable_json};
use self::text::{Item, closest};

/// Compiles mathematical expressions, in any of several dialects, to native kernels with exact gradients.
#[derive(Debug, Parser)]
#[command(
    name = "nc",
    version,
    after_help = "Examples:\n  \
        nc eval -e '(* 0.5 m (square v))' --set m=2 --set v=3 --grad\n  \
        nc run law.scm --batch in.npy -o out.npy --grad g.npy\n  \
        nc ir law.scm --stage graph\n\n\
        Exit status: 0 if all is well, 1 for an error in a program or in data, 2 for wrong usage, 130 for a fit that Ctrl-C has\n\
        ended with the best so far."
)]
struct Cli {
    /// Print results and errors as JSON on standard output
    #[arg(long, global = true)]
    json: bool,
    /// End with an error after so many seconds
    #[arg(long, global = true, value_name = "SECONDS", value_parser = limits::parse_seconds)]
    time_limit: Option<Duration>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Eval(eval::Args),
    Run(run::Args),
    Ir(ir::Args),
    Bench(bench::Args),
    Fit(Box<fit::Args>),
    Compare(compare::Args),
    Ode(ode::Args),
    Check(check::Args),
    Eml(eml::Args),
    Ops(ops::Args),
    Explain(explain::Args),
}

/// Does what the arguments of the process say, and ends it.
pub fn main() -> ! {
    signals::catch();
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    let json = cli.json;
    let clock = cli.time_limit.map_or(Ok(()), |time| limits::start_clock(time, json));
    let done = clock.and_then(|()| threads_of_environment()).and_then(|()| match &cli.command {
        Command::Eval(args) => eval::run(args, json),
        Command::Run(args) => run::run(args, json),
        Command::Ir(args) => ir::run(args, json),
        Command::Bench(args) => bench::run(args, json),
        Command::Fit(args) => fit::run(args, json),
        Command::Compare(args) => compare::run(args, json),
        Command::Ode(args) => ode::run(args, json),
        Command::Check(args) => check::run(args, json),
        Command::Eml(args) => eml::run(args, json),
        Command::Ops(args) => ops::run(args, json),
        Command::Explain(args) => explain::run(args, json),
    });
    let status = match done {
        Ok(()) => 0,
        Err(failure) => {
            failure.report(json);
            failure.status()
        }
    };
    // Leaving without destructors: taking a graph of a million nodes apart would only cost time.
    std::process::exit(status)
}

/// Prints help, or what is wrong with the command line, and ends.
fn refuse(error: &clap::Error) -> ! {
    let text = error.to_string();
    // Coloured, unless it repeats what would steer a terminal.
    if !error.use_stderr() || printable(&text) == text {
        error.exit();
    }
    eprint_lines(&text);
    std::process::exit(error.exit_code())
}

/// The choice of tier on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum TierChoice {
    /// The fastest one that this machine has
    #[default]
    Auto,
    /// Machine code of our own, in the widest vectors that the processor has
    Wide,
    /// The same in 512-bit vectors
    Avx512,
    /// The same in 256-bit vectors
    Avx2,
    /// Machine code by Cranelift, in 128-bit vectors
    Cranelift,
    /// No code generation
    Interpret,
}

impl From<TierChoice> for Tier {
    fn from(choice: TierChoice) -> Tier {
        match choice {
            TierChoice::Auto => Tier::Auto,
            TierChoice::Wide => Tier::Wide,
            TierChoice::Avx512 => Tier::Avx512,
            TierChoice::Avx2 => Tier::Avx2,
            TierChoice::Cranelift => Tier::Cranelift,
            TierChoice::Interpret => Tier::Interpret,
        }
    }
}

/// The choice of element type on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum DtypeChoice {
    /// binary64
    #[default]
    F64,
    /// binary32: literals and inputs are rounded to it, and every operation is one of it
    F32,
}

impl From<DtypeChoice> for Dtype {
    fn from(choice: DtypeChoice) -> Dtype {
        match choice {
            DtypeChoice::F64 => Dtype::F64,
            DtypeChoice::F32 => Dtype::F32,
        }
    }
}

/// Variables as they are printed.
fn shown(dtype: Dtype, state: Vec<Variable>) -> Vec<Variable> {
    let shown = |variable: Variable| {
        let elements = variable.elements.into_iter().map(|x| text::shown(dtype, x)).collect();
        Variable { elements, ..variable }
    };
    state.into_iter().map(shown).collect()
}

/// A program with its text, for excerpts.
struct Loaded {
    source: SourceText,
    dialect: Dialect,
    /// Whether it is the formula that a tree stands for.
    raised: bool,
    program: Program,
    /// What finds the files that it imports; nothing for a formula that a tree stands for.
    loader: Option<FolderLoader>,
}

/// Each program of a command line, or its one expression.
fn each<'a>(
    programs: &'a [PathBuf],
    expression: Option<&'a str>,
) -> impl Iterator<Item = (Option<&'a Path>, Option<&'a str>)> {
    let programs = programs.iter().map(|path| (Some(path.as_path()), None));
    programs.chain(expression.map(|text| (None, Some(text))))
}

impl Loaded {
    /// Reads a program or an expression, or an expression behind the definitions of a program, and prints the warnings.
    fn open_with(
        path: Option<&Path>,
        expression: Option<&str>,
        dialect: &DialectArgs,
    ) -> Result<Loaded, Failure> {
        let loaded = Loaded::quietly(path, expression, dialect)?;
        report::diagnostics(&loaded.source, loaded.program.warnings());
        Ok(loaded)
    }

    /// Reads a program or an expression, or an expression behind the definitions of a program, and prints no warnings.
    fn quietly(
        path: Option<&Path>,
        expression: Option<&str>,
        dialect: &DialectArgs,
    ) -> Result<Loaded, Failure> {
        let (name, bytes) = match (path, expression) {
            (Some(path), None) => read_source(path)?,
            (None, Some(text)) => ("expression".into(), text.as_bytes().to_vec()),
            (Some(path), Some(text)) => {
                let (name, mut bytes) = read_source(path)?;
                bytes.push(b'\n');
                bytes.extend_from_slice(text.as_bytes());
                (format!("{name} with -e"), bytes)
            }
            (None, None) => return Err(Failure::usage("a program or -e is needed")),
        };
        Loaded::of(name, bytes, path, dialect)
    }

    /// Reads a program from its bytes, in the dialect that the options and its path say.
    fn of(name: String, bytes: Vec<u8>, path: Option<&Path>, args: &DialectArgs) -> Result<Loaded, Failure> {
        let dialect = args.of(path)?;
        if args.raises() {
            return Loaded::raised(SourceText::new(name, bytes));
        }
        Loaded::parse(name, bytes, dialect, path, &args.imports)
    }

    /// The formula that an EML program stands for, and a note on standard error that says what it is and where it holds.
    fn raised(source: SourceText) -> Result<Loaded, Failure> {
        let refused = |list| Failure::Source(source.clone(), list);
        let tree = reader::read(&source.text, Grammar::Literal, &ReaderLimits::default()).map_err(refused)?;
        let raised = raise(&tree, &Effort::default()).map_err(|error| refused(vec![error]))?;
        let (program, text) =
            raised.program(tree.variables()).map_err(|error| Failure::library(source.clone(), error))?;
        let conditions = raised.conditions(tree.variables());
        let domain =
            if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(", ")) };
        eprint_lines(&format!("{} is {}{domain}\n", source.name, raised.scheme(tree.variables())));
        let source = SourceText::new(format!("{}, raised", source.name), text.into_bytes());
        Ok(Loaded { source, dialect: Dialect::Scheme, raised: true, program, loader: None })
    }

    fn parse(
        name: String,
        bytes: Vec<u8>,
        dialect: Dialect,
        path: Option<&Path>,
        imports: &ImportArgs,
    ) -> Result<Loaded, Failure> {
        let loader = imports.loader(path)?;
        let mut sources = SourceMap::new();
        let parsed = read_program(&mut sources, &name, &bytes, dialect, &loader);
        let source = SourceText::new(name, bytes).with_imported(&sources);
        match parsed {
            Ok(program) => Ok(Loaded { source, dialect, raised: false, program, loader: Some(loader) }),
            Err(error) => Err(Failure::library(source, error)),
        }
    }

    /// Reads the program anew, as often as that is to be timed.
    fn again(&self) -> Result<Program, Error> {
        let (bytes, limits) = (self.source.text.as_bytes(), ReaderLimits::default());
        match self.loader.as_ref().filter(|_| self.program.has_imports()) {
            Some(loader) => {
                read_program(&mut SourceMap::new(), &self.source.name, bytes, self.dialect, loader)
            }
            None => Program::parse_bytes(bytes, self.dialect, &limits),
        }
    }

    /// How long each stage of compiling the program anew takes.
    fn times(&self, options: &CompileOptions) -> Result<StageTimes, Error> {
        let mut sources = SourceMap::new();
        let loader = self.loader.as_ref().filter(|_| self.program.has_imports());
        match (loader, sources.add(&*self.source.name, &*self.source.text)) {
            (Some(loader), Ok(main)) => {
                StageTimes::measure_files(&mut sources, main, self.dialect, loader, options)
            }
            _ => StageTimes::measure(self.source.text.as_bytes(), self.dialect, options),
        }
    }

    /// Whether a row that leaves the safe domain fails: over the reals `ln y` needs `y > 0`, over the complex numbers
    /// `y ≠ 0`.
    fn strict(&self) -> bool {
        match self.dialect.mode() {
            None | Some(Mode::Extended) => false,
            Some(Mode::Real | Mode::Complex) => true,
        }
    }

    /// The place of the whole text.
    fn whole(&self) -> Span {
        Span::new(0, u32::try_from(self.source.text.trim_end().len()).unwrap_or(u32::MAX))
    }

    /// An error that the library found in this program.
    fn failure(&self, error: Error) -> Failure {
        Failure::library(self.source.clone(), error)
    }

    /// Names that can be given a value or a shape: inputs, then top-level numbers.
    fn names(&self) -> Vec<&str> {
        self.program.inputs().chain(self.program.constants().map(|(name, _)| name)).collect()
    }

    /// The weights of its networks with their shapes.
    fn declared(&self) -> Vec<(String, Shape)> {
        let declared = self.program.parameters().iter();
        declared.map(|parameter| (parameter.name.clone(), parameter.shape)).collect()
    }

    /// The inputs with their shapes, as they are typed.
    fn takes(&self, signature: &Signature) -> String {
        let inputs: Vec<String> = self
            .program
            .inputs()
            .filter(|name| !signature.is_parameter(name))
            .map(|name| text::item(name, signature.shape_of(name)))
            .collect();
        if inputs.is_empty() { "no inputs".into() } else { inputs.join(", ") }
    }

    /// An error for a name in an option that the program does not have.
    fn unknown(&self, option: &str, name: &str) -> Failure {
        let names = self.names();
        let mut message = format!("{option}: {} has no input `{name}`", self.source.name);
        if let Some(close) = closest(name, &names) {
            message += &format!("; is it `{close}`?");
        }
        let failure = Failure::message("unknown-input", message)
            .note(format!("the program takes: {}", self.takes(&Signature::scalars())));
        self.or_infix(failure)
    }

    /// The failure, with the way out if the program looks like a formula in infix notation.
    fn or_infix(&self, failure: Failure) -> Failure {
        let warnings = self.program.warnings();
        match warnings.iter().any(|warning| warning.code == "like-formula") {
            true => failure.note("with `--dialect infix` it is a formula"),
            false => failure,
        }
    }

    /// A signature with the shapes of `--inputs`.
    fn signature(&self, items: &[Item]) -> Result<Signature, Failure> {
        let mut signature = Signature::scalars();
        for (k, item) in items.iter().enumerate() {
            if !self.program.inputs().any(|name| name == item.name) {
                return Err(self.unknown("--inputs", &item.name));
            }
            if items[..k].iter().any(|before| before.name == item.name) {
                return Err(Failure::usage(format!("--inputs: `{}` is named twice", item.name)));
            }
            signature = signature.shape(&item.name, item.shape);
        }
        self.accept(&signature)?;
        Ok(signature)
    }

    /// Refuses complex inputs where the program is over the reals: what it would compute is another function.
    fn accept(&self, signature: &Signature) -> Result<(), Failure> {
        let over_the_reals = match self.dialect.mode() {
            None => self.raised,
            Some(mode) => mode != Mode::Complex,
        };
        let complex = self.program.inputs().find(|name| signature.shape_of(name) == Shape::Complex);
        match complex {
            Some(name) if over_the_reals => {
                let message =
                    format!("{}: `{name}` is complex, and the program is over the reals", self.source.name);
                Err(Failure::message("complex", message)
                    .note("--over complex evaluates a tree over the complex numbers"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Reads a program from its bytes. Its text and those of the files that it imports become sources.
fn read_program(
    sources: &mut SourceMap,
    name: &str,
    bytes: &[u8],
    dialect: Dialect,
    loader: &FolderLoader,
) -> Result<Program, Error> {
    let limits = ReaderLimits::default();
    let text = std::str::from_utf8(bytes).ok();
    match text.map(|text| sources.add(name, text)) {
        Some(Ok(main)) => Program::parse_files(sources, main, dialect, &limits, loader),
        // What is no text or too long is refused in the same words without sources.
        Some(Err(TooLong)) | None => Program::parse_bytes(bytes, dialect, &limits),
    }
}

/// A program's name for messages, and its bytes. They are read only as far as a program may be long.
fn read_source(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let limit = ReaderLimits::default().source_bytes as u64;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let read = io::stdin().lock().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::message("file", format!("cannot read standard input: {error}")))?;
        return Ok(("standard input".into(), bytes));
    }
    let name = path.display().to_string();
    // In the words in which a batch is refused.
    let wrong = |action: &str, error: io::Error| {
        Failure::message("file", format!("{name}: cannot {action} the file: {error}"))
    };
    let file = File::open(path).map_err(|error| wrong("open", error))?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| wrong("read", error))?;
    // They stay, for excerpts.
    bytes.shrink_to_fit();
    Ok((name, bytes))
}

/// Writes text for people to standard output, without what would steer a terminal.
fn print(text: &str) -> Result<(), Failure> {
    write_out(&printable(text))
}

/// Writes text for programs to standard output, as it is unless that is a terminal.
fn print_data(text: &str) -> Result<(), Failure> {
    if io::stdout().is_terminal() { print(text) } else { write_out(text) }
}

/// Writes to standard output. A reader that has had enough, such as `head`, is no error.
fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::message("file", format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a JSON value to standard output, on one line.
fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    write_out(&printable_json(&format!("{value}\n")))
}

/// Lines of cells in columns that are as wide as their widest cell.
fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |cell: &str| cell.chars().count();
    let widths: Vec<usize> = (0..columns)
        .map(|k| rows.iter().filter_map(|row| row.get(k)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (k, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[k] - width(cell));
            if k > 0 {
                line += "  ";
            }
            line += &if right.contains(&k) { padding + cell } else { format!("{cell}{padding}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The most threads that may be asked for.
const MOST_THREADS: usize = 1024;

/// Sizes the global thread pool for `--threads`; 0 stands for all processors.
fn set_threads(threads: usize) -> Result<(), Failure> {
    if threads > MOST_THREADS {
        return Err(Failure::usage(format!("--threads: at most {MOST_THREADS} are possible")));
    }
    // The pool is there already if the environment asks for too many.
    if threads > 1 && asked_by_environment().is_none_or(|(_, threads)| threads <= MOST_THREADS) {
        let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        built.map_err(|error| {
            Failure::message("threads", format!("cannot start {threads} threads: {error}"))
        })?;
    }
    Ok(())
}

/// How many threads the environment asks for, and the variable.
fn asked_by_environment() -> Option<(&'static str, usize)> {
    ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"].into_iter().find_map(|name| {
        let value = std::env::var(name).ok()?;
        // More than fit a number are too many as well.
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        Some((name, if digits { value.parse().unwrap_or(usize::MAX) } else { 0 }))
    })
}

/// Bounds the threads that the environment asks for: starting them all would take for ever.
fn threads_of_environment() -> Result<(), Failure> {
    let Some((name, asked)) = asked_by_environment().filter(|(_, asked)| *asked > MOST_THREADS) else {
        return Ok(());
    };
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get().min(MOST_THREADS));
    eprint_lines(&format!(
        "note: {name}: at most {MOST_THREADS} threads are possible; {threads} are started\n"
    ));
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    built.map_err(|error| Failure::message("threads", format!("cannot start {asked} threads: {error}")))
}

/// Whether errors go to a terminal that shows colours.
fn stderr_has_colors() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A shape for messages: `scalar`, `[3]`, `[3,3]`.
fn shape_name(shape: Shape) -> String {
    match shape {
        Shape::Scalar => "scalar".into(),
        Shape::Complex => "complex".into(),
        Shape::Vector(_) | Shape::Matrix(..) => text::item("", shape),
    }
}
