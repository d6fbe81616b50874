//! Programs of several files.

use std::collections::BTreeMap;

use neural_compiler::{
    CompileOptions, Derivative, Detail, Dialect, FolderLoader, LoadError, Loader, Program, ReaderLimits,
    SourceMap, Stage, Subject,
};

/// Files by their paths.
fn parse(files: &[(&str, &str)], main: &str) -> Result<(Program, SourceMap), String> {
    parse_as(files, "main.scm", main, Dialect::Scheme, &ReaderLimits::default())
}

fn parse_as(
    files: &[(&str, &str)],
    name: &str,
    main: &str,
    dialect: Dialect,
    limits: &ReaderLimits,
) -> Result<(Program, SourceMap), String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let loader = |path: &str| files.get(path).map(ToString::to_string);
    let mut sources = SourceMap::new();
    let id = sources.add(name, main).expect("a short text");
    match Program::parse_files(&mut sources, id, dialect, limits, &loader) {
        Ok(program) => Ok((program, sources)),
        Err(error) => Err(error.render(&sources)),
    }
}

fn refused(files: &[(&str, &str)], main: &str) -> String {
    parse(files, main).map(|_| ()).expect_err("it is refused")
}

fn lanes(program: &Program) -> String {
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    program.stage(Stage::Lanes, &options, None).expect("a lane program")
}

/// The value in every row, in both interpreters and machine code.
fn value(program: &Program, inputs: &[f64]) -> f64 {
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let columns: Vec<&[f64]> = inputs.iter().map(std::slice::from_ref).collect();
    kernel.columns(&columns).expect("a value")[0][0]
}

/// A chain of programs that are named and call the one before is one kernel: that of the text in which they are nested.
#[test]
fn chains_are_one_kernel() {
    let chain = [
        ("constants.scm", "(define c 299792458) (define c2 (square c))"),
        ("gamma.scm", "(import \"constants.scm\") (define (gamma v) (/ 1 (sqrt (- 1 (/ (square v) c2)))))"),
        (
            "energy.scm",
            "(import (prefix \"constants.scm\" k:) \"gamma.scm\") (define (energy m v) (* (gamma v) m k:c2))",
        ),
    ];
    let main = "(import \"energy.scm\" \"gamma.scm\") (- (energy m v) (energy m (* v (/ (gamma v)))))";
    let (program, _) = parse(&chain, main).expect("a program");
    let nested = "(define c 299792458) (define c2 (square c))
        (define (gamma v) (/ 1 (sqrt (- 1 (/ (square v) c2)))))
        (define (energy m v) (* (gamma v) m c2))
        (- (energy m v) (energy m (* v (/ (gamma v)))))";
    assert_eq!(lanes(&program), lanes(&Program::parse(nested).expect("a program")));
    // With functions as operands, loops and the library.
    let chain = [
        ("steps.scm", "(define ((euler f h) y) (+ y (* h (f y)))) (define (times n g x) (iterate g n x))"),
        (
            "decay.scm",
            "(import \"steps.scm\") (define (decay k n y) (times n (euler (lambda (y) (* (- k) y)) 0.1) y))",
        ),
    ];
    let main = "(import (prefix \"decay.scm\" d:)) ((D (lambda (k) (d:decay k 20 y))) k)";
    let (program, _) = parse(&chain, main).expect("a program");
    let nested = "(define ((euler f h) y) (+ y (* h (f y)))) (define (times n g x) (iterate g n x))
        (define (decay k n y) (times n (euler (lambda (y) (* (- k) y)) 0.1) y))
        ((D (lambda (k) (decay k 20 y))) k)";
    let nested = Program::parse(nested).expect("a program");
    assert_eq!(program.inputs().collect::<Vec<_>>(), nested.inputs().collect::<Vec<_>>());
    assert_eq!(lanes(&program), lanes(&nested));
}

/// A name means in each file what that file makes of it.
#[test]
fn files_have_names_of_their_own() {
    let files = [
        ("a.scm", "(define (helper x) (* 2 x)) (define (sin x) (+ x 100)) (define (f x) (helper (sin x)))"),
        (
            "b.scm",
            "(import (prefix \"a.scm\" a:)) (define (helper x) (a:f (cos x))) (define (root x) (helper x))",
        ),
    ];
    let main = "(import (prefix \"a.scm\" a:) (prefix \"b.scm\" b:)) (define (helper x) (- x))
        (values (own (helper (sin 0))) (a (a:f 1)) (b (b:root 0)) (pi pi) (s (a:sin 1)))";
    let (program, _) = parse(&files, main).expect("a program");
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let columns = kernel.columns::<f64>(&[]).expect("values");
    let values: Vec<f64> = columns.iter().map(|column| column[0]).collect();
    assert_eq!(values, [0.0, 202.0, 202.0, std::f64::consts::PI, 101.0]);
    // A local binding hides an import.
    let (program, _) = parse(&files, "(import \"a.scm\") (let ((f x)) (* f f))").expect("a program");
    assert_eq!(value(&program, &[3.0]), 9.0);
}

/// Of a file only what is used takes part, and it is read once whichever ways lead to it.
#[test]
fn what_is_used_takes_part() {
    let files = [
        ("k.scm", "(define k 3) (define (unused) (* absent (missing 1)))"),
        ("l.scm", "(import \"k.scm\") (define (l x) (* k x))"),
        ("lib/m.scm", "(import \"../k.scm\" \"n.scm\") (define (m x) (+ k (n x)))"),
        ("lib/n.scm", "(define (n x) (* 10 x))"),
    ];
    let (program, sources) =
        parse(&files, "(import \"k.scm\" \"l.scm\" \"./lib/../lib/m.scm\") (+ (l x) (m k))")
            .expect("a program");
    assert_eq!(value(&program, &[2.0]), 6.0 + 33.0);
    let names: Vec<&str> = sources.sources().map(|source| sources.name(source)).collect();
    assert_eq!(names, ["main.scm", "k.scm", "l.scm", "lib/m.scm", "lib/n.scm"]);
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["x"]);
    // Numbers of imported files are constants of the program under the names that it knows.
    let (program, _) =
        parse(&files, "(import (prefix \"k.scm\" k:) \"l.scm\") (define j 4) (+ j k:k (l 1))").expect("one");
    assert_eq!(program.constants().collect::<Vec<_>>(), [("k:k", 3.0), ("j", 4.0)]);
    let (program, _) = parse(&files, "(import \"l.scm\") (define k 4) (+ k (l 1))").expect("one");
    assert_eq!(program.constants().collect::<Vec<_>>(), [("k.scm:k", 3.0), ("k", 4.0)]);
}

/// Limits of an imported file count if they are larger.
#[test]
fn headers_of_imported_files() {
    let files = [("a.scm", "; nc: --max-iterations 5000000 --max-depth 5\n(define (f x) x)")];
    let (program, _) = parse(&files, "; nc: --max-depth 20000\n(import \"a.scm\") (f x)").expect("a program");
    let limits = program.limits();
    assert_eq!((limits.iterations, limits.depth), (5_000_000, 20_000));
    let (program, _) =
        parse(&files, "; nc: --max-iterations 6000000\n(import \"a.scm\") (f x)").expect("a program");
    assert_eq!(program.limits().iterations, 6_000_000);
}

#[test]
fn inputs_of_imported_files() {
    let files = [("law.scm", "(define (force x) (* (- k) x))\n(define (apply-to f) (f exp))")];
    let (program, sources) = parse(&files, "(import \"law.scm\") (+ (force x) k)").expect("a program");
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["x", "k"]);
    let warnings: Vec<String> = program.warnings().iter().map(|warning| warning.render(&sources)).collect();
    insta::assert_snapshot!(warnings.concat(), @r#"
    warning[imported-input]: `k` is an input of the program: nothing in `law.scm` binds it
     --> law.scm:1:25
      |
    1 | (define (force x) (* (- k) x))
      |                         ^
     ::: main.scm:1:9
      |
    1 | (import "law.scm") (+ (force x) k)
      |         --------- imported here
      = help: define it there, or make it a parameter; a file does not know the definitions of those that import it
    "#);
    let (program, _) = parse(&files, "(import \"law.scm\") (define k 2) (force x)").expect("a program");
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["x", "k"]);
    assert_eq!(program.warnings().len(), 1);
    // The names of functions are none.
    let (program, _) =
        parse(&[("a.scm", "(define (f x) (sum 2 (compose sin cos)))")], "(import \"a.scm\") (f x)")
            .expect("one");
    assert_eq!(program.warnings(), []);
}

#[test]
fn across_dialects() {
    let files = [
        ("gas.nci", "import \"constants.scm\" prefix k_;\npressure(n, t, v) = n*k_gas*t/v;"),
        ("constants.scm", "(define gas 8.5)"),
    ];
    let (program, _) =
        parse(&files, "(import (prefix \"gas.nci\" g:)) (g:pressure 2 t 0.5)").expect("a program");
    assert_eq!(value(&program, &[2.0]), 68.0);
    let infix = "import \"gas.nci\" prefix `g:`;\nimport = 1;\n`g:pressure`(2, t, 0.5)*import";
    let limits = ReaderLimits::default();
    let (program, _) = parse_as(&files, "main.nci", infix, Dialect::Infix, &limits).expect("a program");
    assert_eq!(value(&program, &[2.0]), 68.0);
    // Problems are put in the words of the file in which they are.
    let files = [("gas.nci", "pressure(n) = n*sin(n, n);")];
    let message = refused(&files, "(import \"gas.nci\") (pressure 2)");
    assert!(message.contains("gas.nci:1:17") && message.contains("`sin(x)`"), "{message}");
    assert!(message.contains("main.scm:1:9") && message.contains("imported here"), "{message}");
}

/// What writes programs writes imports, and the other stages are those of all files together.
#[test]
fn stages_and_pictures() {
    let files = [("gas.scm", "(define r 8.5) (define (pressure n t v) (/ (* n r t) v))")];
    let main = "(import (prefix \"gas.scm\" gas:)) (define n 2) (gas:pressure n t 0.5)";
    let (program, _) = parse(&files, main).expect("a program");
    let stage = |stage| program.stage(stage, &CompileOptions::default(), None).expect("the stage");
    insta::assert_snapshot!(stage(Stage::Source(Dialect::Scheme)), @r#"
    (import (prefix "gas.scm" gas:))
    (define n 2)
    (gas:pressure n t 0.5)
    "#);
    insta::assert_snapshot!(stage(Stage::Source(Dialect::Infix)), @r#"
    import "gas.scm" prefix `gas:`;
    n = 2;
    `gas:pressure`(n, t, 0.5)
    "#);
    insta::assert_snapshot!(stage(Stage::Ast), @r#"
    (import (prefix "gas.scm" gas:))
    (define n 2)
    (gas:pressure n t 0.5)
    "#);
    insta::assert_snapshot!(stage(Stage::FirstOrder), @r"
    ; inputs: t
    (define (pressure n.2 t.2 v | gas:r) (/ (* n.2 gas:r t.2) v))
    (define gas:r 8.5)
    (define n 2)
    (pressure n t 0.5)
    ");

    let unsayable = program.stage(
        Stage::Source(Dialect::from_name("eml").expect("it is one")),
        &CompileOptions::default(),
        None,
    );
    let error = unsayable.expect_err("EML has no imports").to_string();
    assert!(error.contains("it imports definitions"), "{error}");
    for subject in [Subject::Ast, Subject::Graph, Subject::Adjoint] {
        let picture =
            program.picture(subject, Detail::Everything, &CompileOptions::default()).expect("a picture");
        assert!(picture.svg(main).contains("</svg>") && picture.dot().len() > 50);
    }
    let (program, _) = parse(&files, "(import \"gas.scm\") (pressure n t r)").expect("a program");
    let picture =
        program.picture(Subject::Graph, Detail::Everything, &CompileOptions::default()).expect("one");
    assert!(picture.mermaid().contains("8.5"), "{}", picture.mermaid());
}

#[test]
fn refusals() {
    let f = "(define (f x) x)";
    let message = |files: &[(&str, &str)], main: &str| refused(files, main);
    insta::assert_snapshot!(message(&[], "(import \"a.scm\")\n(f x)"), @r#"
    error[import]: there is no file `a.scm`
     --> main.scm:1:9
      |
    1 | (import "a.scm")
      |         ^^^^^^^
    "#);
    insta::assert_snapshot!(message(&[("b.scm", f)], "(import \"/b.scm\") (f x)"), @r#"
    error[import]: `/b.scm` is an absolute path
     --> main.scm:1:9
      |
    1 | (import "/b.scm") (f x)
      |         ^^^^^^^^
      = help: imports are relative to the file they stand in, or to a folder of `--library DIR` (`FolderLoader::library`)
    "#);
    insta::assert_snapshot!(message(&[("b.scm", f)], "(import \"../b.scm\") (f x)"), @r#"
    error[import]: `../b.scm` leads out of the folder of the program
     --> main.scm:1:9
      |
    1 | (import "../b.scm") (f x)
      |         ^^^^^^^^^^
      = help: import from that folder by `--library DIR` (`FolderLoader::library`), with paths relative to it, or put the file below the program
    "#);
    insta::assert_snapshot!(message(&[("b.scm", f)], "(import \"b\\scm\") (f x)"), @r#"
    error[import]: `b\scm` has a sign that no path has
     --> main.scm:1:9
      |
    1 | (import "b\scm") (f x)
      |         ^^^^^^^
      = help: a path is written `folder/file.scm`
    "#);
    // Cycles, of one file and of several.
    let files = [
        ("a.scm", "(import \"b.scm\")\n(define (a x) (b x))"),
        ("b.scm", "(import \"c.scm\")\n(define (b x) (c x))"),
        ("c.scm", "(import \"a.scm\")\n(define (c x) (a x))"),
    ];
    insta::assert_snapshot!(message(&files, "(import \"a.scm\")\n(a x)"), @r#"
    error[import]: these files import each other: a.scm → b.scm → c.scm → a.scm
     --> c.scm:1:9
      |
    1 | (import "a.scm")
      |         ^^^^^^^ here the cycle closes
     ::: a.scm:1:9
      |
    1 | (import "b.scm")
      |         ------- by way of this import
     ::: b.scm:1:9
      |
    1 | (import "c.scm")
      |         ------- by way of this import
      = help: put what they have in common into a file that both import
    "#);
    let own = message(&[("a.scm", "(import \"a.scm\") (define (a x) x)")], "(import \"a.scm\") (a x)");
    assert!(own.contains("these files import each other: a.scm → a.scm"), "{own}");
    // Results, errors inside, names that are taken.
    insta::assert_snapshot!(message(&[("a.scm", "(define (f x) x)\n(f 2)")], "(import \"a.scm\")\n(f x)"), @r#"
    error[import]: `a.scm` is imported and computes a result: only definitions can be imported
     --> a.scm:2:1
      |
    2 | (f 2)
      | ^^^^^
     ::: main.scm:1:9
      |
    1 | (import "a.scm")
      |         ------- imported here
      = help: give the result a name, or import the program as a function of its inputs: `(import (program "file.scm" name input …))`
    "#);
    insta::assert_snapshot!(message(&[("a.scm", "(define (f x)\n  (sine x))")], "(import \"a.scm\")\n(f x)"), @r#"
    error[unknown-name]: there is no function `sine`
     --> a.scm:2:4
      |
    2 |   (sine x))
      |    ^^^^
     ::: main.scm:1:9
      |
    1 | (import "a.scm")
      |         ------- imported here
      = help: did you mean `sin`?
    "#);
    insta::assert_snapshot!(message(&[("a.scm", "(define (f x) (+ x)")], "(import \"a.scm\")\n(f x)"), @r#"
    error[unclosed]: this `(` is never closed
     --> a.scm:1:1
      |
    1 | (define (f x) (+ x)
      | ^
     ::: main.scm:1:9
      |
    1 | (import "a.scm")
      |         ------- imported here
      = help: the text ends where a `)` is expected
    "#);
    insta::assert_snapshot!(message(&[("a.scm", f), ("b.scm", f)], "(import \"a.scm\" \"b.scm\")\n(f x)"), @r#"
    error[duplicate]: two definitions are called `f`
     --> main.scm:1:17
      |
    1 | (import "a.scm" "b.scm")
      |                 ^^^^^^^ `b.scm` has one
      |
    1 | (import "a.scm" "b.scm")
      |         ------- this import of `a.scm` has one
     ::: b.scm:1:10
      |
    1 | (define (f x) x)
      |          - its definition
      = help: import one of them with a prefix, or rename it
    "#);
    insta::assert_snapshot!(message(&[("a.scm", f)], "(import \"a.scm\")\n(define (f x) (* 2 x))\n(f x)"), @r#"
    error[duplicate]: two definitions are called `f`
     --> main.scm:1:9
      |
    1 | (import "a.scm")
      |         ^^^^^^^ `a.scm` has one
      |
    2 | (define (f x) (* 2 x))
      |          - the definition
     ::: a.scm:1:10
      |
    1 | (define (f x) x)
      |          - its definition
      = help: import one of them with a prefix, or rename it
    "#);
    insta::assert_snapshot!(message(&[("a.scm", "(define a (+ 1 b)) (define b 2)")], "(import \"a.scm\")\n(* a x)"), @r#"
    error[order]: `b` is used before its definition
     --> a.scm:1:16
      |
    1 | (define a (+ 1 b)) (define b 2)
      |                ^
      |
    1 | (define a (+ 1 b)) (define b 2)
      |                            - defined here
     ::: main.scm:1:9
      |
    1 | (import "a.scm")
      |         ------- imported here
    "#);
    // The form.
    for (main, words) in [
        ("(define k 1) (import \"a.scm\") (f k)", "imports stand before everything else in a file"),
        ("(import a.scm) (f 1)", "the name of a file stands in quotes"),
        ("(import (scheme base)) (f 1)", "there are no other libraries"),
        ("(import (only \"a.scm\" f)) (f 1)", "makes all definitions of a file known"),
        ("(import (prefix \"a.scm\")) (f 1)", "`prefix` takes a file"),
        ("(import) (f 1)", "`import` of nothing"),
        ("(import \"a.scm)\n(f 1)", "the name of this file does not end"),
        ("(import \"a.scm\")", "the program imports and computes nothing"),
        ("(f (import \"a.scm\"))", "the language has no strings"),
        ("(import \"\") (f 1)", "this names no file"),
        ("(import \"a.scm\") (g 1)", "there is no function `g`"),
    ] {
        let message = message(&[("a.scm", f)], main);
        assert!(message.contains(words), "{main}\n{message}");
    }
    for (main, words) in [
        ("import \"a.scm\" prefix 2; f(1)", "a prefix is a name"),
        ("import \"a.scm\" f(1)", "where `;` is expected"),
        ("k = 1; import \"a.scm\"; f(k)", "imports stand before everything else in a file"),
        ("import \"a.scm\";", "the program imports and computes nothing"),
    ] {
        let refused = parse_as(&[("a.scm", f)], "main.nci", main, Dialect::Infix, &ReaderLimits::default());
        let message = refused.map(|_| ()).expect_err(main);
        assert!(message.contains(words), "{main}\n{message}");
    }
    // Without a loader, the way is named.
    let error = Program::parse("(import \"a.scm\") (f 1)")
        .expect_err("no files")
        .render(&SourceMap::of("text", "(import \"a.scm\") (f 1)").expect("short"));
    assert!(error.contains("without a loader") && error.contains("`Program::parse_files`"), "{error}");
    // A program that was its own form before still is.
    let program = Program::parse("(define (import x) (* 2 x)) (import y)").expect("a program");
    assert_eq!(value(&program, &[4.0]), 8.0);
}

/// Errors of shapes, and rows that fail, are shown where they are, in the file.
#[test]
fn errors_behind_names() {
    let files = [("a.scm", "(define (f v)\n  (dot v [1 2]))\n(define (g n) (ref [1 2] n))")];
    let (program, sources) = parse(&files, "(import \"a.scm\")\n(f [1 2 3])").expect("a program");
    let error = program.compile(&CompileOptions::default()).expect_err("shapes differ").render(&sources);
    insta::assert_snapshot!(error, @r#"
    error[shape]: dot of vec 3 and vec 2: two vectors of one length are needed
     --> a.scm:2:3
      |
    2 |   (dot v [1 2]))
      |   ^^^^^^^^^^^^^
      |
    2 |   (dot v [1 2]))
      |        - vec 3
      |
    2 |   (dot v [1 2]))
      |          ----- vec 2
     ::: main.scm:1:9
      |
    1 | (import "a.scm")
      |         ------- imported here
    "#);
    let (program, sources) = parse(&files, "(import \"a.scm\")\n(g n)").expect("a program");
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    let place = sources.locate(kernel.checks()[0].span).expect("a place");
    assert_eq!((sources.name(place.source), place.line), ("a.scm", 3));
}

#[test]
fn limits_of_files() {
    let limits = ReaderLimits { files: 2, ..ReaderLimits::default() };
    let files = [("a.scm", "(define a 1)"), ("b.scm", "(define b 1)"), ("c.scm", "(define c 1)")];
    let of =
        |main, limits: &ReaderLimits| parse_as(&files, "main.scm", main, Dialect::Scheme, limits).map(|_| ());
    assert_eq!(of("(import \"a.scm\" \"b.scm\" \"a.scm\") (+ a b)", &limits), Ok(()));
    let message = of("(import \"a.scm\" \"b.scm\" \"c.scm\") (+ a b c)", &limits).expect_err("too many");
    assert!(message.contains("more than 2 files") && message.contains("`ReaderLimits::files`"), "{message}");
    let limits = ReaderLimits { source_bytes: 40, ..ReaderLimits::default() };
    let message = of("(import \"a.scm\" \"b.scm\") (+ a b)", &limits).expect_err("too long");
    assert!(message.contains("more than 40 bytes") && message.contains("main.scm:1:"), "{message}");
    // A chain as long as the limit is no matter of the stack.
    let chain: Vec<(String, String)> = (0..1000)
        .map(|k| match k {
            999 => (format!("f{k}.scm"), "(define (g x) (* 2 x))".to_string()),
            _ => (
                format!("f{k}.scm"),
                format!("(import (prefix \"f{}.scm\" p:)) (define (g x) (p:g x))", k + 1),
            ),
        })
        .collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let (program, _) = parse(&chain, "(import \"f0.scm\") (g x)").expect("a long chain");
    assert_eq!(value(&program, &[2.0]), 4.0);
}

/// Folders: what may be imported, and what leads out.
#[test]
fn folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for sub in ["inside/lib", "library/sub", "outside"] {
        std::fs::create_dir_all(path(sub)).expect("a folder");
    }
    for (name, text) in [
        ("inside/main.scm", "(f x)"),
        ("inside/a.scm", "(define a 1)"),
        ("inside/lib/b.scm", "(import \"../a.scm\") (define b a)"),
        ("library/c.scm", "(import \"sub/d.scm\") (define c d)"),
        ("library/sub/d.scm", "(import \"../e.scm\") (define d e)"),
        ("library/e.scm", "(define e 5)"),
        ("outside/f.scm", "(define f 1)"),
    ] {
        std::fs::write(path(name), text).expect("a file");
    }
    std::fs::write(path("inside/bytes.scm"), b"(define a \xff)").expect("a file");
    let loader = FolderLoader::of_program(path("inside/main.scm")).expect("a program");
    let with_library = loader.clone().library(path("library")).expect("a folder");
    let parse = |main: &str, loader: &dyn Loader| -> Result<Program, String> {
        let mut sources = SourceMap::new();
        let id = sources.add("main.scm", main).expect("short");
        let limits = ReaderLimits::default();
        let parsed = Program::parse_files(&mut sources, id, Dialect::Scheme, &limits, loader);
        parsed.map_err(|error| error.render(&sources))
    };
    for main in [
        "(import \"lib/b.scm\" \"a.scm\") (+ a b)",
        "(import \"./lib/../lib/b.scm\" \"lib/../a.scm\") (+ a b)",
    ] {
        assert_eq!(value(&parse(main, &loader).expect(main), &[]), 2.0);
    }
    let program = parse("(import \"c.scm\" \"a.scm\") (+ a c)", &with_library).expect("a library");
    assert_eq!(value(&program, &[]), 6.0);
    for (file, words) in [
        ("../outside/f.scm", "leads out of the folder of the program"),
        ("lib/../../outside/f.scm", "leads out of the folder of the program"),
        ("../inside/a.scm", "leads out of the folder of the program"),
        ("/etc/hostname", "is an absolute path"),
        ("lib", "`lib` is a folder"),
        ("none.scm", "there is no file `none.scm`"),
        ("a.scm/b.scm", "there is no file `a.scm/b.scm`"),
        ("c.scm", "there is no file `c.scm`"),
        ("bytes.scm", "its byte 10 starts no UTF-8 character"),
        ("main.scm", "these files import each other"),
        ("lib/../main.scm", "these files import each other"),
    ] {
        let message = parse(&format!("(import \"{file}\") 1"), &loader).map(|_| ()).expect_err(file);
        assert!(message.contains(words), "{file}: {message}");
        assert!(message.contains("main.scm:1:9"), "{file}: {message}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(path("outside/f.scm"), path("inside/link.scm")).expect("a link");
        std::os::unix::fs::symlink(path("outside"), path("inside/away")).expect("a link");
        std::os::unix::fs::symlink("a.scm", path("inside/same.scm")).expect("a link");
        std::os::unix::fs::symlink("/dev/zero", path("inside/zero.scm")).expect("a link");
        for file in ["link.scm", "away/f.scm", "zero.scm"] {
            let message = parse(&format!("(import \"{file}\") 1"), &loader).map(|_| ()).expect_err(file);
            assert!(message.contains("leads out of the folder of the program"), "{message}");
        }
        // One file, whatever leads to it.
        assert_eq!(
            value(&parse("(import \"a.scm\" \"same.scm\") (* 3 a)", &loader).expect("one file"), &[]),
            3.0
        );
        let dev = FolderLoader::of_folder("/dev").expect("a folder");
        let message = parse("(import \"zero\") 1", &dev).map(|_| ()).expect_err("a device");
        assert!(message.contains("`zero` is a device"), "{message}");
    }
    assert!(FolderLoader::of_folder(path("none")).is_err() && loader.library(path("inside/a.scm")).is_err());
    let error = LoadError::new("no").help("why");
    assert_eq!((error.to_string().as_str(), error.help.as_str()), ("no", "why"));
}

/// A program is a function of inputs of it where it is imported as one: its other inputs are those of the whole, what it defines
/// by means of its parameters is defined in the function, and several results are the elements of a vector.
#[test]
fn programs_as_functions() {
    let pendulum = "(define g 9.81) (define (torque) (* g (sin theta)))
        (define drag (* b omega)) (values (dtheta omega) (domega (- (+ (/ (torque) l) drag))))";
    let files = [("pendulum.scm", pendulum), ("square.scm", "(define (square x n) (pow x n))")];
    let main = "(import (program \"pendulum.scm\" rhs theta omega)) (dot [1 10] (rhs 0.5 y))";
    let (program, _) = parse(&files, main).expect("a program");
    let nested = "(define g 9.81) (define (torque theta) (* g (sin theta)))
        (dot [1 10] [y (- (+ (/ (torque 0.5) l) (* b y)))])";
    let nested = Program::parse(nested).expect("a program");
    // Inputs of the imported program come behind those of the text.
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["y", "b", "l"]);
    assert!(program.warnings().is_empty(), "{:?}", program.warnings());
    assert_eq!(program.constants().collect::<Vec<_>>(), [("g", 9.81)]);
    let mut inputs: Vec<&str> = nested.inputs().collect();
    inputs.sort_unstable();
    assert_eq!(inputs, ["b", "l", "y"]);
    assert_eq!(value(&program, &[2.0, 0.25, 3.0]).to_bits(), {
        let at = |name: &str| match name {
            "y" => 2.0,
            "l" => 3.0,
            _ => 0.25,
        };
        let inputs: Vec<f64> = nested.inputs().map(at).collect();
        value(&nested, &inputs).to_bits()
    });
    // Its other notation, a program that is a function, and derivatives through it.
    let infix = "import \"pendulum.scm\" program rhs(omega, theta);\nrhs(y, 0.5)[1] + rhs(0, 0)[0]";
    let (infix, _) =
        parse_as(&files, "main.nci", infix, Dialect::Infix, &ReaderLimits::default()).expect("a program");
    assert_eq!(infix.inputs().collect::<Vec<_>>(), ["y", "b", "l"]);
    let main = "(import (program \"square.scm\" power x)) ((D power) y)";
    let (power, _) = parse(&files, main).expect("a program");
    assert_eq!(power.inputs().collect::<Vec<_>>(), ["y", "n"]);
    assert_eq!(value(&power, &[3.0, 3.0]), 27.0);
    // Two functions of one program.
    let main = "(import (program \"square.scm\" f x) (program \"square.scm\" g n)) (- (f 2) (g 2))";
    let (both, _) = parse(&files, main).expect("a program");
    assert_eq!(both.inputs().collect::<Vec<_>>(), ["n", "x"]);
    assert_eq!(value(&both, &[3.0, 5.0]), 8.0 - 25.0);
}

#[test]
fn programs_as_functions_that_are_refused() {
    let files = [
        ("f.scm", "(define k 2) (* k x)"),
        ("d.scm", "(define g (D sin))"),
        ("me.scm", "(import (program \"me.scm\" f x)) x"),
    ];
    insta::assert_snapshot!(refused(&files, "(import (program \"f.scm\" f y)) (f 1)"), @r#"
    error[import]: `y` is no input of `f.scm`
     --> main.scm:1:28
      |
    1 | (import (program "f.scm" f y)) (f 1)
      |                            ^
      = help: a program is a function of inputs of it; its other inputs are inputs of the importing program
    "#);
    insta::assert_snapshot!(refused(&files, "(import (program \"f.scm\" f k)) (f 1)"), @r#"
    error[import]: `k` is no input of `f.scm`
     --> main.scm:1:28
      |
    1 | (import (program "f.scm" f k)) (f 1)
      |                            ^
      = help: a program is a function of inputs of it; its other inputs are inputs of the importing program
    "#);
    insta::assert_snapshot!(refused(&files, "(import (program \"f.scm\" f x x)) (f 1 2)"), @r#"
    error[duplicate]: two parameters are called `x`
     --> main.scm:1:30
      |
    1 | (import (program "f.scm" f x x)) (f 1 2)
      |                              ^
      |
    1 | (import (program "f.scm" f x x)) (f 1 2)
      |                            - the first
    "#);
    insta::assert_snapshot!(refused(&files, "(import (program \"f.scm\")) 1"), @r#"
    error[form]: `program` takes a file, what the function is called, and names of inputs
     --> main.scm:1:9
      |
    1 | (import (program "f.scm")) 1
      |         ^^^^^^^^^^^^^^^^^
      = help: it is written `(import "file.scm")`; `(import (prefix "file.scm" name:))` for names that begin with `name:`; `(import (program "file.scm" name input …))` for a program as a function of inputs of it
    "#);
    insta::assert_snapshot!(refused(&files, "(import (program \"d.scm\" f)) (f 1)"), @r#"
    error[import]: `d.scm` ends in a value: what it takes is not known where it is imported
     --> main.scm:1:26
      |
    1 | (import (program "d.scm" f)) (f 1)
      |                          ^
      = help: end it in `(define (name parameter …) …)`, or in an expression of its inputs
    "#);
    insta::assert_snapshot!(refused(&files, "(import \"f.scm\") (f 1)"), @r#"
    error[import]: `f.scm` is imported and computes a result: only definitions can be imported
     --> f.scm:1:14
      |
    1 | (define k 2) (* k x)
      |              ^^^^^^^
     ::: main.scm:1:9
      |
    1 | (import "f.scm") (f 1)
      |         ------- imported here
      = help: give the result a name, or import the program as a function of its inputs: `(import (program "file.scm" name input …))`
    "#);
    insta::assert_snapshot!(refused(&files, "(import (program \"me.scm\" f x)) (f 1)"), @r#"
    error[import]: these files import each other: me.scm → me.scm
     --> me.scm:1:18
      |
    1 | (import (program "me.scm" f x)) x
      |                  ^^^^^^^^ here the cycle closes
     ::: main.scm:1:18
      |
    1 | (import (program "me.scm" f x)) (f 1)
      |                  -------- imported here
      = help: put what they have in common into a file that both import
    "#);
}
