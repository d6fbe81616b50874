//! The files of a program: its own text and those that it imports, each read once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::ast::network::{DeclaredNetwork, DeclaredParameter, Network, NetworkPlaces};
use crate::ast::{Ast, Body, Definition, ExprKind, Import, Imported, ProgramAsFunction};
use crate::dialect::{Dialect, ReaderLimits, short};
use crate::limits::{Limits, MAX_IMPORTED_NAMES};
use crate::loader::{LoadError, Loader};
use crate::source::{Diagnostic, MAX_DIAGNOSTICS, SourceId, SourceMap, Span};

/// A file of a program.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// What it says; its places are those of the source map.
    pub ast: Ast,
    /// How it is spelled.
    pub dialect: Dialect,
    /// What messages call it.
    pub name: String,
    /// The source that it is.
    pub source: SourceId,
    /// Its bytes among those of all sources.
    pub span: Span,
    /// The files that its imports mean, in their order, by their positions among all files.
    pub imports: Vec<usize>,
    /// The first import that led to it; nothing for the program itself.
    pub imported: Option<Span>,
    /// Whether its last definition is the program that it is, as a function.
    pub function: bool,
    /// Whether something is wrong with its own text, so that definitions may be missing.
    pub broken: bool,
    /// Whether it may use names that are not known because of errors in what it imports.
    pub incomplete: bool,
}

impl File {
    /// What an import of this file makes known: names, and which definitions they mean.
    pub fn known(&self, import: &Import) -> impl Iterator<Item = (String, usize)> {
        let only = match &import.what {
            Imported::Definitions(_) => None,
            Imported::Program(function) => Some(function.name.clone()),
        };
        let last = self.ast.definitions.len() - usize::from(only.is_some());
        let from = if only.is_some() { last } else { 0 };
        self.ast.definitions.iter().enumerate().skip(from).map(move |(place, definition)| {
            let name = match &only {
                Some(name) => name.clone(),
                None => format!("{}{}", import.prefix(), self.ast.name(definition.named().0)),
            };
            (name, place)
        })
    }
}

/// The program itself, then the files that it imports, each behind those that it imports itself.
#[derive(Debug, Clone)]
pub(crate) struct Files(pub Vec<File>);

impl Files {
    /// The program itself.
    pub fn main(&self) -> &File {
        &self.0[0]
    }

    /// Leaves of the program itself what it imports, declares and asks for.
    pub fn forget_main(&mut self) {
        self.0[0].ast.forget_expressions();
    }

    /// Whether the expressions of the program itself are there.
    pub fn are_whole(&self) -> bool {
        self.main().ast.exprs().len() > 0
    }

    /// The files of a program, whose own text is read again if it was left out.
    pub fn whole(&self, sources: &SourceMap) -> Cow<'_, Files> {
        if self.are_whole() {
            return Cow::Borrowed(self);
        }
        let main = self.main();
        let limits =
            ReaderLimits { source_bytes: usize::MAX, nesting: usize::MAX, ..ReaderLimits::default() };
        let ast = main.dialect.read_ast(sources.text(main.source), &limits);
        let mut ast = ast.unwrap_or_else(|_| unreachable!("a text that was read before"));
        ast.shift(sources.start(main.source));
        let mut files = self.clone();
        files.0[0].ast = ast;
        Cow::Owned(files)
    }

    /// The file of a place.
    pub fn of(&self, span: Span) -> Option<&File> {
        self.0.iter().find(|file| file.span.start <= span.start && span.start <= file.span.end)
    }

    /// What a row may use: what the program's header says, or more if the header of an imported file does.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        let mut limits = self.main().ast.limits;
        for file in &self.0[1..] {
            let asked = file.ast.limits;
            for (limit, asked, usual) in [
                (&mut limits.iterations, asked.iterations, usual.iterations),
                (&mut limits.depth, asked.depth, usual.depth),
                (&mut limits.steps, asked.steps, usual.steps),
            ] {
                if asked != usual {
                    *limit = asked.max(*limit);
                }
            }
        }
        limits
    }

    /// What the places of networks mean.
    pub fn network_places(&self) -> NetworkPlaces {
        let networks = || self.0.iter().flat_map(|file| &file.ast.networks);
        let inputs = networks().flat_map(|network| &network.inputs);
        NetworkPlaces {
            inputs: inputs.map(|input| (input.span, input.size)).collect(),
            activations: networks().flat_map(Network::activations).collect(),
        }
    }

    /// The networks of all files, each once.
    pub fn networks(&self) -> impl Iterator<Item = DeclaredNetwork> {
        let mut known = HashSet::new();
        let all = self
            .0
            .iter()
            .flat_map(|file| file.ast.networks.iter().map(|network| network.declared(&file.ast)));
        all.filter(move |network| known.insert(network.name.clone()))
    }

    /// The parameters of networks by their names, each with its network and the file that declares it.
    pub fn weights(&self) -> HashMap<String, (usize, &Network)> {
        let mut weights = HashMap::new();
        for (k, file) in self.0.iter().enumerate() {
            for network in &file.ast.networks {
                let name = file.ast.name(network.name);
                let own = network.parameter_names();
                weights.extend(own.map(|own| (format!("{name}.{own}"), (k, network))));
            }
        }
        weights
    }

    /// The files that each file imports, and those that these import, and so on.
    pub fn reach(&self, from: usize) -> HashSet<usize> {
        let (mut reached, mut left) = (HashSet::from([from]), vec![from]);
        while let Some(file) = left.pop() {
            left.extend(self.0[file].imports.iter().copied().filter(|&import| reached.insert(import)));
        }
        reached
    }

    /// Refuses definitions and inputs that are called like a parameter of a network: one of the two would take the place of the other.
    fn check_weights(&self) -> Result<(), Vec<Diagnostic>> {
        if self.0.iter().all(|file| file.ast.networks.is_empty()) {
            return Ok(());
        }
        let weights = self.weights();
        let mut errors = Vec::new();
        let mut check = |text: &str, span: Span| {
            if let Some(&(file, network)) = weights.get(text)
                && errors.len() < MOST_CLASHES
            {
                let of = self.0[file].ast.name(network.name);
                let message = format!("`{}` is a parameter of network `{}`", short(text), short(of));
                let error = Diagnostic::error("duplicate", span, message)
                    .related(network.span, "the network")
                    .help("give it another name; the parameter itself is there without a definition");
                errors.push(self.say_import(error));
            }
        };
        for (k, file) in self.0.iter().enumerate() {
            let ast = &file.ast;
            for definition in &ast.definitions {
                let (name, span) = definition.named();
                let text = ast.name(name);
                // What a program binds around its results has this text and is another name, known there alone.
                if weights.contains_key(text) && ast.find_name(text) == Some(name) {
                    check(text, span);
                }
            }
            for network in &ast.networks {
                network.inputs.iter().for_each(|input| check(ast.name(input.name), input.span));
            }
            for (import, &position) in ast.imports.iter().zip(&file.imports) {
                // Without a prefix, it is said where it is defined.
                if !import.prefix().is_empty() {
                    self.0[position].known(import).for_each(|(name, _)| check(&name, import.span));
                }
            }
            if k > 0 {
                continue;
            }
            let last = ast.definitions.last().filter(|_| matches!(ast.body, Body::LastFunction));
            let of_last = match last {
                Some(Definition::Function(function)) => function.params.as_slice(),
                Some(Definition::Value(_)) | None => &[],
            };
            let inputs = ast.ends_in.iter().flat_map(|function| &function.params).chain(of_last);
            inputs.for_each(|&(name, span)| check(ast.name(name), span));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// What the networks of all files have for parameters.
    ///
    /// # Errors
    ///
    /// Networks of one name in several files, which would share their weights, and other things that are called like a parameter.
    pub fn parameters(&self) -> Result<Vec<DeclaredParameter>, Vec<Diagnostic>> {
        let mut parameters = Vec::new();
        let mut known: HashMap<&str, (SourceId, Span)> = HashMap::new();
        for file in &self.0 {
            for network in &file.ast.networks {
                let name = file.ast.name(network.name);
                match known.insert(name, (file.source, network.span)) {
                    // The same file, imported once more.
                    Some((source, _)) if source == file.source => {}
                    Some((_, first)) => {
                        let message = format!(
                            "two networks are called `{}`: their weights would be the same",
                            short(name)
                        );
                        let error = Diagnostic::error("duplicate", network.span, message);
                        return Err(vec![self.say_import(error.related(first, "the first"))]);
                    }
                    None => {
                        parameters.extend(network.parameters(name).unwrap_or_else(|wrong| {
                            unreachable!("the reader took a network of which {wrong}")
                        }))
                    }
                }
            }
        }
        self.check_weights()?;
        Ok(parameters)
    }

    /// How many specialisations there may be, if a header says so.
    pub fn specialisations(&self) -> Option<u64> {
        self.0.iter().filter_map(|file| file.ast.specialisations).max()
    }

    /// The name that is called at a place of the program, if a call stands there.
    pub fn called_at(&self, span: Span) -> Option<&str> {
        let ast = &self.of(span)?.ast;
        let call =
            ast.exprs().filter(|&expr| ast.span(expr) == span).find_map(|expr| match ast.kind(expr) {
                ExprKind::Call(name, ..) => Some(*name),
                ExprKind::Number(_)
                | ExprKind::Name(_)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::If(..)
                | ExprKind::Let(..)
                | ExprKind::Letrec(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => None,
            })?;
        Some(ast.name(call))
    }

    /// The names that stand as operands within a place of the program.
    pub fn names_within(&self, span: Span) -> impl Iterator<Item = &str> {
        self.of(span).into_iter().flat_map(move |file| {
            let ast = &file.ast;
            let within = move |place: Span| span.start <= place.start && place.end <= span.end;
            ast.exprs().filter(move |&expr| within(ast.span(expr))).filter_map(|expr| match ast.kind(expr) {
                ExprKind::Name(name) => Some(ast.name(*name)),
                ExprKind::Number(_)
                | ExprKind::Call(..)
                | ExprKind::Apply(..)
                | ExprKind::Lambda(_)
                | ExprKind::If(..)
                | ExprKind::Let(..)
                | ExprKind::Letrec(..)
                | ExprKind::Loop(..)
                | ExprKind::Recur(..) => None,
            })
        })
    }

    /// Adds to a message about an imported file where that is imported, unless it names a place of another file.
    pub fn say_import(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let Some(mut file) = self.of(diagnostic.span) else { return diagnostic };
        let elsewhere =
            |(span, _): &(Span, String)| self.of(*span).is_some_and(|other| other.span != file.span);
        if diagnostic.related.iter().any(elsewhere) {
            return diagnostic;
        }
        let mut words = "imported here";
        while let Some(import) = file.imported.filter(|_| diagnostic.related.len() < MOST_IMPORTS) {
            diagnostic.related.push((import, words.into()));
            words = "which is imported here";
            let Some(around) = self.of(import) else { break };
            file = around;
        }
        diagnostic
    }
}

/// So many imports that lead to a place are named at the most.
const MOST_IMPORTS: usize = 8;

/// A file whose imports are still being read.
struct Open {
    file: File,
    /// What the loader calls it; nothing for a program that no import could find.
    id: Option<String>,
    /// What it is known by, as [`Reader::states`] has it.
    key: Option<String>,
}

/// What has become of a file.
#[derive(Clone, Copy)]
enum State {
    /// Its imports are being read: its position among the files that are open.
    Open(usize),
    /// It is read: its position among all files.
    Read(usize),
}

struct Reader<'a> {
    sources: &'a mut SourceMap,
    limits: &'a ReaderLimits,
    open: Vec<Open>,
    /// Files that are read with all their imports. The program itself will stand before them.
    read: Vec<File>,
    /// What has become of files, by what the loader calls them and, for a program as a function, which one.
    states: HashMap<String, State>,
    bytes: usize,
    /// What is wrong with imports.
    errors: Vec<Diagnostic>,
    /// Whether no further file may be read.
    full: bool,
}

/// A program that could not be read.
pub(crate) struct Broken {
    /// What is wrong, each with its place.
    pub errors: Vec<Diagnostic>,
    /// The parts of it that could be read.
    pub files: Files,
}

/// Reads a program and everything that it imports, whose texts become further sources.
///
/// # Errors
///
/// What is wrong with the texts, and imports that find no file, a file that may not be imported, or form a cycle; each with its
/// place. Everything that can be read is read.
pub(crate) fn read(
    sources: &mut SourceMap,
    main: SourceId,
    dialect: Dialect,
    limits: &ReaderLimits,
    loader: Option<&dyn Loader>,
) -> Result<Files, Broken> {
    let (file, mut errors) = file(sources, main, dialect, limits, None);
    let Some(file) = file else { return Err(Broken { errors, files: Files(Vec::new()) }) };
    let bytes = sources.text(main).len();
    let id = loader.and_then(|loader| loader.program());
    let mut reader = Reader {
        sources,
        limits,
        open: Vec::new(),
        read: Vec::new(),
        states: HashMap::new(),
        bytes,
        errors: Vec::new(),
        full: false,
    };
    reader.enter(file, id.clone(), id);
    while let Some(top) = reader.open.last_mut() {
        let next = top.file.imports.len();
        match top.file.ast.imports.get(next).cloned() {
            Some(import) => {
                let imported = match loader {
                    Some(_) if reader.full || reader.errors.len() >= MAX_DIAGNOSTICS => Err(Vec::new()),
                    Some(loader) => reader.import(&import, loader),
                    None if reader.full => Err(Vec::new()),
                    None => Err(vec![
                        Diagnostic::error("import", import.span, "this text cannot import files: it was read without a loader")
                            .help(
                                "`Program::parse_files` takes one, such as a `FolderLoader`; on the command line a program in a \
                                 file imports from its folder",
                            ),
                    ]),
                };
                if let Err(errors) = imported {
                    // Without a loader, it is said once.
                    reader.full |= loader.is_none();
                    reader.errors.extend(errors);
                    let top = reader.open.last_mut().expect("an open file imports");
                    top.file.ast.imports.remove(next);
                    top.file.incomplete = true;
                }
            }
            None => reader.leave(),
        }
    }
    let of_imports = std::mem::take(&mut reader.errors);
    let files = reader.files();
    errors.extend(of_imports.into_iter().map(|error| files.say_import(error)));
    if errors.is_empty()
        && let Err(clashes) = check_names(&files)
    {
        errors = clashes;
    }
    if errors.is_empty() { Ok(files) } else { Err(Broken { errors, files }) }
}

/// Reads one source: it, or of a text in which something is wrong the parts that can be read, and what is wrong.
fn file(
    sources: &SourceMap,
    source: SourceId,
    dialect: Dialect,
    limits: &ReaderLimits,
    imported: Option<Span>,
) -> (Option<File>, Vec<Diagnostic>) {
    let (start, text) = (sources.start(source), sources.text(source));
    let (ast, mut errors) = match dialect.read_ast(text, limits) {
        Ok(ast) => (Some(ast), Vec::new()),
        Err(mut errors) => {
            let recovered =
                if text.len() > limits.source_bytes { None } else { dialect.recover(text, limits) };
            let (ast, of_forms) = recovered.unzip();
            for error in of_forms.into_iter().flatten() {
                if errors.len() < MAX_DIAGNOSTICS && !errors.contains(&error) {
                    errors.push(error);
                }
            }
            (ast, errors)
        }
    };
    let Some(mut ast) = ast else {
        return (None, errors.into_iter().map(|error| error.shifted(start)).collect());
    };
    if start > 0 {
        ast.shift(start);
        errors = errors.into_iter().map(|error| error.shifted(start)).collect();
    }
    let span = Span::new(start, start + text.len() as u32);
    let name = sources.name(source).to_string();
    let (broken, imports) = (!errors.is_empty(), Vec::new());
    let (function, incomplete) = (false, false);
    (Some(File { ast, dialect, name, source, span, imports, imported, function, broken, incomplete }), errors)
}

impl Reader<'_> {
    fn enter(&mut self, file: File, id: Option<String>, key: Option<String>) {
        if let Some(key) = &key {
            self.states.insert(key.clone(), State::Open(self.open.len()));
        }
        self.open.push(Open { file, id, key });
    }

    /// The innermost open file is read with all that it imports.
    fn leave(&mut self) {
        let Some(Open { file, key, .. }) = self.open.pop() else { return };
        if self.open.is_empty() {
            self.read.insert(0, file);
            return;
        }
        self.read.push(file);
        let position = self.read.len();
        if let Some(key) = key {
            self.states.insert(key, State::Read(position));
        }
        let around = &mut self.open.last_mut().expect("it is imported by another one").file;
        around.imports.push(position);
        around.incomplete |= self.read[position - 1].broken;
    }

    /// All files so far.
    fn files(&mut self) -> Files {
        let open = self.open.drain(..).map(|open| open.file);
        Files(open.chain(self.read.drain(..)).collect())
    }

    /// Follows an import of the innermost open file.
    fn import(&mut self, import: &Import, loader: &dyn Loader) -> Result<(), Vec<Diagnostic>> {
        let Import { path, span, .. } = import;
        let error = |message: String| Diagnostic::error("import", *span, message);
        let failed = |LoadError { message, help }| {
            let error = error(message);
            vec![if help.is_empty() { error } else { error.help(help) }]
        };
        if path.is_empty() || path.contains(['\\', '\0']) {
            let message = match path.is_empty() {
                true => "this names no file".to_string(),
                false => format!("`{}` has a sign that no path has", short(path)),
            };
            return Err(vec![error(message).help("a path is written `folder/file.scm`")]);
        }
        let top = self.open.last().expect("an open file imports");
        let (from, dialect) = (top.id.clone(), top.file.dialect);
        let from = from.filter(|_| self.open.len() > 1);
        let id = loader.find(path, from.as_deref()).map_err(failed)?;
        let key = match &import.what {
            Imported::Definitions(_) => id.clone(),
            Imported::Program(_) => format!("{id}\0{}", import.text()),
        };
        match self.states.get(&key) {
            Some(&State::Read(position)) => {
                let around = &mut self.open.last_mut().expect("an open file imports").file;
                around.imports.push(position);
                around.incomplete |= self.read[position - 1].broken;
                return Ok(());
            }
            Some(&State::Open(first)) => return Err(vec![self.cycle(first, *span)]),
            None => {}
        }
        if self.open.len() + self.read.len() > self.limits.files {
            self.full = true;
            let message = format!("the program imports more than {} files", self.limits.files);
            return Err(vec![
                error(message)
                    .help("put several into one file; in the interface, `ReaderLimits::files` allows more"),
            ]);
        }
        let left = self.limits.source_bytes.saturating_sub(self.bytes);
        let bytes = loader.read(&id, left).map_err(failed)?;
        if bytes.len() > left {
            self.full = true;
            let limit = self.limits.source_bytes;
            let message = format!("with `{}`, the program has more than {limit} bytes", short(path));
            return Err(vec![
                Diagnostic::error("source-too-long", *span, message)
                    .help("import less; in the interface, `ReaderLimits::source_bytes` allows more"),
            ]);
        }
        self.bytes += bytes.len();
        let name = loader.name(&id);
        let text = String::from_utf8(bytes).map_err(|wrong| {
            let at = wrong.utf8_error().valid_up_to();
            let message = format!("`{name}` is no text: its byte {at} starts no UTF-8 character");
            vec![Diagnostic::error("encoding", *span, message).help("import a program, saved as UTF-8")]
        })?;
        let dialect = Dialect::of_path(Path::new(&name)).unwrap_or(dialect);
        let source = self
            .sources
            .add(&*name, text)
            .map_err(|long| vec![Diagnostic::error("source-too-long", *span, long.to_string())])?;
        let imported = |mut diagnostic: Diagnostic| {
            diagnostic.related.push((*span, "imported here".into()));
            diagnostic
        };
        let (file, errors) = file(self.sources, source, dialect, self.limits, Some(*span));
        let is_whole = errors.is_empty();
        self.errors.extend(errors.into_iter().map(imported));
        let Some(mut file) = file else { return Err(Vec::new()) };
        match &import.what {
            Imported::Program(_) if !is_whole => return Err(Vec::new()),
            Imported::Program(function) => make_function(&mut file, function)?,
            Imported::Definitions(_) if !is_whole => {}
            Imported::Definitions(_) => {
                let value = match &file.ast.body {
                    Body::LastFunction => None,
                    Body::Value(value) => Some(file.ast.span(*value)),
                    Body::Named(results) => results.first().map(|result| result.span),
                };
                if let Some(value) = value {
                    let message = format!(
                        "`{name}` is imported and computes a result: only definitions can be imported"
                    );
                    return Err(vec![imported(Diagnostic::error("import", value, message).help(
                        "give the result a name, or import the program as a function of its inputs: \
                         `(import (program \"file.scm\" name input …))`",
                    ))]);
                }
            }
        }
        self.enter(file, Some(id), Some(key));
        Ok(())
    }

    /// The message that an import leads back to an open file.
    fn cycle(&self, first: usize, span: Span) -> Diagnostic {
        let chain = &self.open[first..];
        let names: Vec<&str> =
            chain.iter().chain(chain.first()).map(|open| open.file.name.as_str()).collect();
        let names = match names.as_slice() {
            [one, .., before, last] if names.len() > 2 * MOST_IMPORTS => {
                format!("{one} → … → {before} → {last}")
            }
            names => names.join(" → "),
        };
        let imports = chain.iter().skip(1).filter_map(|open| open.file.imported).take(MOST_IMPORTS);
        let mut error = Diagnostic::error("import", span, format!("these files import each other: {names}"))
            .label("here the cycle closes")
            .help("put what they have in common into a file that both import");
        error.related.extend(imports.map(|import| (import, "by way of this import".into())));
        error
    }
}

/// Makes a file the function that an import wants of it.
fn make_function(file: &mut File, function: &ProgramAsFunction) -> Result<(), Vec<Diagnostic>> {
    for (k, (input, span)) in function.inputs.iter().enumerate() {
        if let Some((_, first)) = function.inputs[..k].iter().find(|(before, _)| before == input) {
            let message = format!("two parameters are called `{}`", short(input));
            return Err(vec![Diagnostic::error("duplicate", *span, message).related(*first, "the first")]);
        }
    }
    file.function = true;
    file.ast.make_function(function).map_err(|wrong| {
        let name = &file.name;
        vec![match wrong.map(|k| &function.inputs[k]) {
            Some((input, span)) => {
                Diagnostic::error("import", *span, format!("`{}` is no input of `{name}`", short(input)))
                    .help("a program is a function of inputs of it; its other inputs are inputs of the importing program")
            }
            None => {
                let message = format!("`{name}` ends in a value: what it takes is not known where it is imported");
                Diagnostic::error("import", function.span, message)
                    .help("end it in `(define (name parameter …) …)`, or in an expression of its inputs")
            }
        }]
    })
}

/// Refuses imports by which two definitions would have one name.
fn check_names(files: &Files) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut all = 0_usize;
    for file in &files.0 {
        if file.imports.is_empty() {
            continue;
        }
        // Where a name comes from: its place, and the definition.
        let mut known: HashMap<String, (Span, (usize, usize), String)> = HashMap::new();
        for definition in &file.ast.definitions {
            let (name, span) = definition.named();
            let name = file.ast.name(name).to_string();
            known.entry(name).or_insert((span, (usize::MAX, 0), "the definition".into()));
        }
        for (import, &position) in file.ast.imports.iter().zip(&file.imports) {
            let of = &files.0[position];
            for (name, place) in of.known(import) {
                all += 1;
                if all > MAX_IMPORTED_NAMES {
                    let message = format!("the imports make more than {MAX_IMPORTED_NAMES} names known");
                    return Err(vec![
                        Diagnostic::error("too-large", import.span, message)
                            .help("import files of fewer definitions, or import them in fewer files"),
                    ]);
                }
                let from = (import.span, (position, place), format!("this import of `{}` has one", of.name));
                let Some((before, what, words)) = known.get(&name) else {
                    known.insert(name, from);
                    continue;
                };
                if *what == (position, place) || errors.len() >= MOST_CLASHES {
                    continue;
                }
                let message = format!("two definitions are called `{}`", short(&name));
                let mut error = Diagnostic::error("duplicate", import.span, message)
                    .label(format!("`{}` has one", of.name))
                    .related(*before, words.clone())
                    .help("import one of them with a prefix, or rename it");
                error.related.push((of.ast.definitions[place].named().1, "its definition".into()));
                errors.push(error);
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// So many names that two definitions have are reported at the most.
const MOST_CLASHES: usize = 20;

/// The files of a program that was read before, whose own text may be another one with the same imports.
pub(crate) struct Again<'a> {
    /// The files.
    pub files: &'a Files,
    /// Their sources.
    pub sources: &'a SourceMap,
}

impl Loader for Again<'_> {
    fn find(&self, path: &str, from: Option<&str>) -> Result<String, LoadError> {
        let from = from.map_or(Some(0), |from| from.parse::<usize>().ok());
        let file = from.and_then(|from| self.files.0.get(from));
        let found = file.and_then(|file| {
            let place = file.ast.imports.iter().position(|import| import.path == path)?;
            file.imports.get(place)
        });
        found.map(usize::to_string).ok_or_else(|| LoadError::new(format!("`{path}` was not read before")))
    }

    fn read(&self, file: &str, _limit: usize) -> Result<Vec<u8>, LoadError> {
        let file = file.parse::<usize>().ok().and_then(|file| self.files.0.get(file));
        let text = file.map(|file| self.sources.text(file.source).as_bytes().to_vec());
        text.ok_or_else(|| LoadError::new("this file was not read before"))
    }

    fn name(&self, file: &str) -> String {
        let at = file.parse::<usize>().ok().and_then(|file| self.files.0.get(file));
        at.map_or_else(|| file.to_string(), |file| file.name.clone())
    }
}
