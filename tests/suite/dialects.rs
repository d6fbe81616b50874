//! Dialects: infix notation, what is said about it, and that every dialect writes what it reads.
//!
//! `INSTA_UPDATE=always cargo test --test suite dialects` writes the snapshots anew.

use std::fmt::Write as _;
use std::path::Path;

use neural_compiler::internals::ast;
use neural_compiler::{
    CompileOptions, Dialect, Error, Limits, Mode, Program, ReaderLimits, Signature, SourceMap, Stage,
};

use crate::support::generate::{Style, styled};

fn parse(text: &str, dialect: Dialect) -> Result<Program, Error> {
    Program::parse_as(text, dialect, &ReaderLimits::default())
}

fn infix(text: &str) -> Program {
    parse(text, Dialect::Infix).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn written(program: &Program, dialect: Dialect) -> Result<String, Error> {
    program.stage(Stage::Source(dialect), &CompileOptions::default(), None)
}

/// Infix text, as Scheme, and as the infix text that is written.
fn both(text: &str) -> [String; 2] {
    let program = infix(text);
    [Dialect::Scheme, Dialect::Infix].map(|dialect| {
        let text = written(&program, dialect).expect("this can be said");
        text.trim_end().replace('\n', " ")
    })
}

#[test]
fn precedence_and_associativity() {
    for (text, scheme, normal) in [
        // Signs bind less than powers and more than products.
        ("-x^2", "(- (pow x 2))", "-x^2"),
        ("(-x)**2", "(pow (- x) 2)", "(-x)^2"),
        ("2^-1", "(pow 2 -1)", "2^-1"),
        ("2^-x*y", "(* (pow 2 (- x)) y)", "2^-x*y"),
        ("2^-x^y", "(pow 2 (- (pow x y)))", "2^-x^y"),
        ("a^b^c", "(pow a (pow b c))", "a^b^c"),
        ("a**b^c", "(pow a (pow b c))", "a^b^c"),
        ("(a^b)^c", "(pow (pow a b) c)", "(a^b)^c"),
        ("-a*b", "(* (- a) b)", "-a*b"),
        ("-(a*b)", "(- (* a b))", "-(a*b)"),
        ("a*-b*c", "(* a (- b) c)", "a*-b*c"),
        ("a - -b", "(- a (- b))", "a - -b"),
        ("+x", "(+ x)", "+x"),
        // Operations of several operands go from left to right; a run of one operator is one operation.
        ("a - b - c", "(- a b c)", "a - b - c"),
        ("(a - b) - c", "(- (- a b) c)", "(a - b) - c"),
        ("a - (b - c)", "(- a (- b c))", "a - (b - c)"),
        ("a - b + c - d", "(- (+ (- a b) c) d)", "a - b + c - d"),
        ("a/b*c/d", "(/ (* (/ a b) c) d)", "a/b*c/d"),
        ("a/(b*c)", "(/ a (* b c))", "a/(b*c)"),
        ("a + b*c^d", "(+ a (* b (pow c d)))", "a + b*c^d"),
        ("(a + b)*c", "(* (+ a b) c)", "(a + b)*c"),
        ("m*v^2/2", "(/ (* m (pow v 2)) 2)", "m*v^2/2"),
        // Comparisons, and what is made of them.
        ("a < b < c", "(< a b c)", "a < b < c"),
        ("(a = b)", "(= a b)", "a == b"),
        ("a == b == c", "(= a b c)", "a == b == c"),
        ("a != b", "(not (= a b))", "a != b"),
        ("(a < b) == c", "(= (< a b) c)", "(a < b) == c"),
        ("a + 1 <= b*2", "(<= (+ a 1) (* b 2))", "a + 1 <= b*2"),
        ("not a == b", "(not (= a b))", "a != b"),
        ("not a < b", "(not (< a b))", "not a < b"),
        ("not (a and b)", "(not (and a b))", "not (a and b)"),
        ("not a and b or c", "(or (and (not a) b) c)", "not a and b or c"),
        ("a and (b or c)", "(and a (or b c))", "a and (b or c)"),
        ("a or b or c", "(or a b c)", "a or b or c"),
        ("a < b and b <= c", "(and (< a b) (<= b c))", "a < b and b <= c"),
        // Numbers.
        ("-2", "-2", "-2"),
        ("-(2)", "(- 2)", "-(2)"),
        ("--2", "(- -2)", "--2"),
        ("-2^2", "(- (pow 2 2))", "-2^2"),
        ("(-2)^2", "(pow -2 2)", "(-2)^2"),
        ("5. + .5 + 1E3", "(+ 5 0.5 1000)", "5 + 0.5 + 1000"),
        ("-0", "-0", "-0"),
        ("[inf, -inf, nan]", "[+inf.0 -inf.0 +nan.0]", "[inf, -inf, nan]"),
        ("true - false", "(- 1 0)", "1 - 0"),
        // Complex numbers.
        ("2i", "0+2i", "2i"),
        ("-2i", "0-2i", "-2i"),
        ("1 + 2i", "1+2i", "1 + 2i"),
        ("-1 - 2i", "-1-2i", "-1 - 2i"),
        ("1 + (2i)", "(+ 1 0+2i)", "1 + (2i)"),
        ("(1 - 2i)*z", "(* 1-2i z)", "(1 - 2i)*z"),
        ("z + (1 - 2i)", "(+ z 1-2i)", "z + (1 - 2i)"),
        ("3 - infi", "3-inf.0i", "3 - infi"),
        // Calls, vectors, indices.
        ("f(x) = x; f(2)", "(define (f x) x) (f 2)", "f(x) = x; f(2)"),
        ("c() = 3; c()", "(define (c) 3) (c)", "c() = 3; c()"),
        ("[a, b]", "[a b]", "[a, b]"),
        ("vec(a, b)", "(vec a b)", "vec(a, b)"),
        ("[[a, b], [c, d]]", "[[a b] [c d]]", "[[a, b], [c, d]]"),
        ("v[i]", "(ref v i)", "v[i]"),
        ("M[i, j]^2", "(pow (ref M i j) 2)", "M[i, j]^2"),
        ("-v[0]", "(- (ref v 0))", "-v[0]"),
        ("(u + v)[0]", "(ref (+ u v) 0)", "(u + v)[0]"),
        ("(-v)[0][1]", "(ref (ref (- v) 0) 1)", "(-v)[0][1]"),
        ("dot(u, v)[0]", "(ref (dot u v) 0)", "dot(u, v)[0]"),
        // Forms.
        ("if(c, a, b)", "(if c a b)", "if(c, a, b)"),
        ("if(c, a, d, b, e)", "(cond (c a) (d b) (else e))", "if(c, a, d, b, e)"),
        (
            "let x = 1, f(t) = t^2 in f(x)",
            "(let ((x 1) (f (lambda (t) (pow t 2)))) (f x))",
            "let x = 1, f(t) = t^2 in f(x)",
        ),
        ("1 + let x = y in x*x", "(+ 1 (let ((x y)) (* x x)))", "1 + (let x = y in x*x)"),
        (
            "let x = let y = 1 in y, z = 2 in x",
            "(let ((x (let ((y 1)) y)) (z 2)) x)",
            "let x = let y = 1 in y, z = 2 in x",
        ),
        ("let in x", "(let () x)", "let in x"),
        (
            "{ k = 2; g(y) = k*h(y); h(y) = y; g(x); }",
            "(letrec* ((k 2) (g (lambda (y) (* k (h y)))) (h (lambda (y) y))) (g x))",
            "{ k = 2; g(y) = k*h(y); h(y) = y; g(x) }",
        ),
        (
            "loop(i = 0) if(i < 3, recur(i + 1), i)",
            "(loop ((i 0)) (if (< i 3) (recur (+ i 1)) i))",
            "loop(i = 0) if(i < 3, recur(i + 1), i)",
        ),
        (
            "loop on(i = 0) if(i < n, on(i + 1), i)",
            "(let on ((i 0)) (if (< i n) (on (+ i 1)) i))",
            "loop on(i = 0) if(i < n, on(i + 1), i)",
        ),
        (
            "do i = 0 then i + 1, s = 1 until i > n in s",
            "(do ((i 0 (+ i 1)) (s 1)) ((> i n) s))",
            "do i = 0 then i + 1, s = 1 until i > n in s",
        ),
        ("do until 1 in 2", "(do () (1 2))", "do until 1 in 2"),
        ("(fun(x) x + n)(m)", "(let ((x m)) (+ x n))", "(fun(x) x + n)(m)"),
        ("values(a = x + 1, b = y)", "(values (a (+ x 1)) (b y))", "values(a = x + 1, b = y)"),
        // Names that are no identifiers, and operators as names.
        ("`a-b` - `->`", "(- a-b ->)", "`a-b` - `->`"),
        ("`exact->inexact`(x)", "(exact->inexact x)", "`exact->inexact`(x)"),
        ("`/`(x) + `+`()", "(+ (/ x) (+))", "`/`(x) + `+`()"),
        ("λ_1*`in`", "(* λ_1 in)", "λ_1*`in`"),
        ("x # a comment\n + 1 # and another", "(+ x 1)", "x + 1"),
    ] {
        let program = infix(text);
        // The order of inputs tells the text of a function that is called at once from that of a `let`.
        if text.starts_with("(fun") {
            assert_eq!(program.inputs().collect::<Vec<_>>(), ["n", "m"]);
            assert!(written(&program, Dialect::Scheme).is_ok_and(|text| text.contains("lambda")));
            assert_eq!(written(&program, Dialect::Infix).expect("infix").trim_end(), normal);
            continue;
        }
        assert_eq!(both(text), [scheme, normal], "{text}");
    }
}

/// The last token of a text is the same one whether the text goes on or not.
#[test]
fn a_text_may_end_anywhere() {
    let scheme = |text: &str, dialect| {
        let program = parse(text, dialect).unwrap_or_else(|error| panic!("{text}: {error}"));
        written(&program, Dialect::Scheme).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    for last in ["2.75", "1.", ".5", "12.50e-3", "1e3", "1.5E+2", "7", "x1", "x_1", "x", "1.25", "3.0", "0.1"]
    {
        assert_eq!(scheme(last, Dialect::Infix), scheme(last, Dialect::Scheme), "{last}");
        for text in [last.to_string(), format!("y*{last}"), format!("y^-{last}"), format!("y+{last}")] {
            for behind in ["\n", " ", "\t\n", "# the end"] {
                let longer = format!("{text}{behind}");
                assert_eq!(scheme(&text, Dialect::Infix), scheme(&longer, Dialect::Infix), "{longer:?}");
            }
        }
    }
}

#[test]
fn the_same_values() {
    let program = infix("k = 1/2;\nkinetic(m, v) = k*m*v^2;");
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["m", "v"]);
    let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
    assert_eq!(kernel.columns(&[&[2.0, 4.0], &[3.0, 1.0]]).expect("columns"), [[9.0, 2.0]]);
}

#[test]
fn headers() {
    let program = infix("# nc: --max-iterations 7 --max-depth=8\n\n# nc: --max-steps 9\nx");
    assert_eq!(program.limits(), Limits { iterations: 7, depth: 8, steps: 9 });
    let header = "nc: --max-iterations 7 --max-depth 8 --max-steps 9";
    assert_eq!(
        both("# nc: --max-iterations 7 --max-depth=8 --max-steps 9\nx"),
        [format!("; {header} x"), format!("# {header} x")]
    );
}

/// Dialects that say everything that the language has.
const WHOLE: [Dialect; 2] = [Dialect::Scheme, Dialect::Infix];

/// A program, written and read in each dialect, is the same to the last stage that does not depend on the dialect.
fn inverse(text: &str, name: &str) {
    let Ok(program) = Program::parse(text) else { return };
    let options = CompileOptions::default();
    let graph = |program: &Program| match program.graph(&Signature::scalars()) {
        Ok(_) => program.stage(Stage::Graph, &options, None).expect("a graph"),
        Err(Error::Source(errors)) => {
            errors.iter().map(|error| format!("{} {}\n", error.code, error.message)).collect()
        }
        Err(other) => panic!("{name}: {other}"),
    };
    for dialect in WHOLE {
        let text = written(&program, dialect).unwrap_or_else(|error| panic!("{name}, {dialect:?}: {error}"));
        let back =
            parse(&text, dialect).unwrap_or_else(|error| panic!("{name}, {dialect:?}: {error}\n{text}"));
        assert!(ast::same(&program.ast(), &back.ast()), "{name}, {dialect:?}:\n{text}");
        let dump = |program: &Program| program.stage(Stage::Ast, &options, None).expect("a tree");
        assert_eq!(dump(&program), dump(&back), "{name}, {dialect:?}");
        assert_eq!(graph(&program), graph(&back), "{name}, {dialect:?}:\n{text}");
        assert_eq!(written(&back, dialect).expect("the same text"), text, "{name}, {dialect:?}");
    }
}

/// A large program, whose text is read again for what is seldom wanted, is then what it was, also behind another source.
#[test]
fn large_programs() {
    let names = "x ".repeat(70_000);
    let text = format!("; nc: --max-iterations 7\n(define k 2)\n(+ {names} (* k (if (> x 1) x y)))");
    inverse(&text, "a large program");
    let mut sources = SourceMap::new();
    sources.add("other.scm", "(+ 1 2)").expect("a short text");
    let main = sources.add("large.scm", text).expect("a short text");
    let limits = ReaderLimits::default();
    let program = Program::parse_source(sources, main, Dialect::Scheme, &limits).expect("a program");
    assert_eq!(program.limits().iterations, 7);
    let with_k = program.with_inputs(["k"]).expect("a number at the top");
    assert_eq!(with_k.inputs().collect::<Vec<_>>(), ["x", "y", "k"]);
    let tree = program.ast();
    assert_eq!(tree.exprs().len(), 70_010);
    for expr in tree.exprs() {
        if let ast::ExprKind::Name(name) = tree.kind(expr) {
            assert_eq!(program.sources().at(tree.span(expr)), tree.name(*name));
        }
    }
}

fn walk(directory: &Path, visit: &mut impl FnMut(&Path)) {
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}

#[test]
fn readers_and_writers_are_inverse_on_the_corpus() {
    let mut count = 0;
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"), &mut |path| {
        if path.extension().is_some_and(|ending| ending == "scm") {
            inverse(&std::fs::read_to_string(path).expect("a program"), &path.display().to_string());
            count += 1;
        }
    });
    assert!(count > 100, "{count} programs");
}

#[test]
fn readers_and_writers_are_inverse_on_random_programs() {
    for seed in 0..400 {
        inverse(&styled(seed, Style::ALL).text, &format!("seed {seed}"));
    }
}

#[test]
fn readers_and_writers_are_inverse_on_odd_programs() {
    for text in [
        "((lambda (x) (+ x n)) m)",
        "((lambda () 5))",
        "(let* ((x a) (y (+ x b))) ((lambda (p q) (let* ((r c) (s p)) (+ r s q))) (* x d) y))",
        "(do ((i 0 (+ i step)) (j first)) ((> i limit) (+ i j)))",
        "(let ((f (lambda (x) (* x a))) (y b)) (f (+ y c)))",
        "(define (do x) x) (do 3)",
        "(let loop ((i 0)) (if (< i 3) (loop (+ i 1)) i))",
        "(define (recur x) (* 2 x)) (recur y)",
        "(let ((vec (lambda (a b) (+ a b)))) (+ [1 2] (vec 3 4)))",
        "(define (ref a b) (- a b)) (ref x y)",
        "(define (+ a b) (- a b)) (+ x y)",
        "(if a (if b 1 0) 0)",
        "(if a 1 0)",
        "(if a 1 (if b 1 0))",
        "(if a b (if c 1 (if d 1 0)))",
        "(and a (or b (and c d)) (not e))",
        "(cond (a 1) (b 2) ((or c d) 3) (else (cond (e 4) (else 5))))",
        "(letrec () 5)",
        "(define (f) 2) (f)",
        "[1/3 1e400 +nan.0 -inf.0 1.00000005960464483 1.00000005960464471 -0.0]",
        "(* 1-2i (+ +i -0.0+inf.0i) (- 1 -2i))",
        "(- (- 2) (+ (- 1)) (/ 2))",
        "(pow (pow -2 2) (- 3))",
        "(not (= a b c))",
        "(values (then x) (in (+ y 1)))",
        "; nc: --max-steps 77\n(+ 1 x)",
    ] {
        inverse(text, text);
    }
}

#[test]
fn what_cannot_be_said() {
    let refused = |program: &Program, dialect| match written(program, dialect) {
        Err(Error::Source(errors)) => (errors[0].code, errors[0].message.clone()),
        other => panic!("{other:?}"),
    };
    let words = infix("`if`(x) = x; `if`(2)");
    assert_eq!(refused(&words, Dialect::Scheme).0, "unsayable");
    let input = infix("`else` + 1");
    assert!(refused(&input, Dialect::Scheme).1.contains("an input is called like a word"));
    assert_eq!(both("let `loop` = 2 in `loop`")[0], "(let ((loop 2)) loop)");
    let law = infix("exp(x)");
    assert!(refused(&law, Dialect::Eml(Mode::Real)).1.ends_with("it calls `exp`"));
    // What is shared has a name, and is defined before it is used: y would come first.
    let tree = parse("eml(x,eml(eml(y,1),eml(y,1)))", Dialect::Eml(Mode::Real)).expect("a tree");
    assert_eq!(tree.inputs().collect::<Vec<_>>(), ["x", "y"]);
    assert!(refused(&tree, Dialect::Infix).1.contains("another order"));
}

#[test]
fn trees_are_written() {
    for mode in [Mode::Real, Mode::Complex, Mode::Extended] {
        for text in ["eml(x,eml(eml(y,1),eml(y,1)))", "1", "x", "eml(1,0.5)"] {
            let program = parse(text, Dialect::Eml(mode)).expect("a tree");
            assert_eq!(written(&program, Dialect::Eml(mode)).expect("a tree").trim_end(), text);
        }
    }
    let program = parse("eml(x,eml(y,1))", Dialect::Eml(Mode::Real)).expect("a tree");
    assert_eq!(written(&program, Dialect::Scheme).expect("Scheme"), "(eml x (eml y 1))\n");
    assert_eq!(written(&program, Dialect::Infix).expect("infix"), "eml(x, eml(y, 1))\n");
    let scheme = Program::parse("(eml x (eml y 1))").expect("a program");
    assert_eq!(written(&scheme, Dialect::Eml(Mode::Real)).expect("a tree"), "eml(x,eml(y,1))\n");
}

#[test]
fn the_list_of_dialects() {
    for &dialect in Dialect::ALL {
        assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        for ending in dialect.endings() {
            assert_eq!(Dialect::of_path(Path::new(&format!("a.b.{ending}"))), Some(dialect));
            assert_eq!(Dialect::of_path(Path::new(&ending.to_uppercase())), None);
        }
    }
    assert_eq!(Dialect::from_name("Scheme"), None);
    assert_eq!(Dialect::of_path(Path::new("a.NCI")), Some(Dialect::Infix));
    assert_eq!(Dialect::of_path(Path::new("nci")), None);
}

/// A program that is one of several sources: places count through all of them.
#[test]
fn places_through_several_sources() {
    let mut sources = SourceMap::new();
    sources.add("first.scm", "(+ x 1)").expect("a short text");
    let second = sources.add("second.nci", "y +\n  sine(z)").expect("a short text");
    let limits = ReaderLimits::default();
    let errors = match Program::parse_source(sources.clone(), second, Dialect::Infix, &limits) {
        Err(Error::Source(errors)) => errors,
        other => panic!("{other:?}"),
    };
    assert_eq!(sources.at(errors[0].span), "sine");
    insta::assert_snapshot!(errors[0].render(&sources), @r"
    error[unknown-name]: there is no function `sine`
     --> second.nci:2:3
      |
    2 |   sine(z)
      |   ^^^^
      = help: did you mean `sin`?
    ");
    let third = sources
        .add("third.nci", "f(a) = a*k;\nlet b = f(2) in loop(i = b) if(i > y, i, recur(i*2))")
        .expect("short");
    let program = Program::parse_source(sources, third, Dialect::Infix, &limits).expect("a program");
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["k", "y"]);
    for var in &program.resolved().inputs {
        let info = &program.resolved().vars[*var];
        assert_eq!(program.sources().at(info.span), info.name);
    }
}

#[test]
fn deep_nesting() {
    const DEPTH: usize = 1_000_000;
    let limits = ReaderLimits::default();
    let read = |text: &str| Dialect::Infix.read(text, &limits).map(|ast| ast.exprs().len());
    // All forms down to a smaller limit, a few of them down to the usual one.
    let small = ReaderLimits { nesting: 20_000, ..limits };
    for (open, middle, close, limits) in [
        ("(", "x", ")", limits),
        ("-", "x", "", limits),
        ("let x = 1 in ", "x", "", limits),
        ("not ", "x", "", small),
        ("x^", "x", "", small),
        ("sin(", "x", ")", small),
        ("[", "x", "]", small),
        ("x[", "0", "]", small),
        ("if(x, 1, ", "x", ")", small),
        ("{ f(x) = ", "x", "; 1 }", small),
        ("loop(x = ", "1", ") x", small),
        ("do until ", "1", " in 2", small),
        ("(fun(x) ", "x", ")(1)", small),
    ] {
        let text = |depth: usize| open.repeat(depth) + middle + &close.repeat(depth);
        assert!(Dialect::Infix.read(&text(limits.nesting), &limits).is_ok(), "{open}");
        let errors = Dialect::Infix.read(&text(limits.nesting + 2), &limits).expect_err("too deep");
        assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), ["too-deep"], "{open}");
    }
    assert_eq!(read(&"f(".repeat(DEPTH)).expect_err("not closed").len(), 1);
    // What is deep only as a tree is written flat, and the other way round.
    let deep = Dialect::Infix
        .read(&("1 + 2*(".repeat(100_000) + "x" + &")".repeat(100_000)), &limits)
        .expect("deep");
    for dialect in WHOLE {
        assert!(dialect.write(&deep).is_ok());
    }
    assert!(read(&("x + ".repeat(DEPTH) + "x")).is_ok());
    assert!(read(&("f(x) = x; ".repeat(DEPTH) + "x")).is_ok());
    let bounded = ReaderLimits { source_bytes: 10, nesting: 3, ..ReaderLimits::default() };
    let code = |text: &str| {
        Dialect::Infix.read(text, &bounded).map_err(|errors| (errors[0].code, errors[0].span.start)).err()
    };
    assert_eq!(code("1 + 2 + 3 + 4"), Some(("source-too-long", 0)));
    assert_eq!(code("((((1))))"), Some(("too-deep", 3)));
    assert_eq!(code("(((1)))"), None);
}

/// Everything that is said about the programs, with places.
fn report(texts: &[&str]) -> String {
    let mut report = String::new();
    for text in texts {
        let diagnostics = match parse(text, Dialect::Infix) {
            Ok(program) => match program.graph(&Signature::scalars()) {
                Ok(_) => program.warnings().to_vec(),
                Err(Error::Source(errors)) => errors,
                Err(other) => panic!("{text}: {other}"),
            },
            Err(Error::Source(errors)) => errors,
            Err(other) => panic!("{text}: {other}"),
        };
        let sources = SourceMap::of("program", *text).expect("a short text");
        if diagnostics.is_empty() {
            let _ = writeln!(report, "nothing to say about {text}");
        }
        for diagnostic in diagnostics {
            report += &diagnostic.render(&sources);
        }
        report.push('\n');
    }
    report
}

macro_rules! snapshots {
    ($($(#[$meta:meta])* $name:ident: $($text:expr),+ $(,)?;)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => true }, {
                insta::assert_snapshot!(report(&[$($text),+]));
            });
        }
    )*};
}

snapshots! {
    /// Tokens and brackets.
    lexical:
        "",
        "# only a comment\n",
        "2x + 1",
        "5.y",
        "x $ y",
        "x? + 1",
        "\"text\" + 1",
        "\"open",
        "a && b || !c",
        "a % b",
        "a − b·c ÷ 2",
        "x := 3; x",
        "`a b` + 1",
        "`open + 1",
        "`2`",
        "(a + b",
        "f(a, (b",
        "a + b)",
        "[a)",
        "v[0",
        "{ x = 1; x",
        "λ\0x",
    ;
    /// Operators and operands.
    operators:
        "a b",
        "2(x)",
        "(a)(b)",
        "a + ",
        "a + * b",
        "* a",
        "f(x,)",
        "f(,x)",
        "[]",
        "[1,]",
        "a, b",
        "a < b <= c",
        "a != b != c",
        "a*not b",
        "-not b",
        "a let x = 1 in x",
        "a in b",
    ;
    /// Definitions and forms.
    forms:
        "x = 1",
        "x = 1;",
        "x =",
        "= 1",
        "1; 2",
        "f(2) = 3; x",
        "f(x, 2) = 3;",
        "f(x, x) = x;",
        "f(x y) = x;",
        "let x in x",
        "let x = 1",
        "let x = 1; x",
        "let x = 1, x = 2 in x",
        "{}",
        "{ x = 1 }",
        "{ x = 1; }",
        "{ x; y }",
        "{ x = 1; x = 2; x }",
        "if c then a else b",
        "if(c)",
        "if(c, a)",
        "if(c, a, d, b)",
        "fun(x) x",
        "(fun(x) x)",
        "(fun(x) x)(1, 2)",
        "values(a = 1) + 2",
        "1 + values(a = 1)",
        "values(1, 2)",
        "values()",
        "values(a = 1, a = 2)",
        "values(a = 1); 2",
        "else + 1",
    ;
    /// Loops.
    loops:
        "loop x",
        "loop(x) x",
        "loop(f(x) = 1) f(2)",
        "loop(x = 1, x = 2) x",
        "loop(x = 1) recur(1, 2)",
        "loop(x = 1) 1 + recur(x)",
        "recur(1)",
        "loop(x = 1) let f(y) = recur(y) in f(x)",
        "loop on(x = 1) recur(x)",
        "do x = 1 in x",
        "do x = 1 until x in",
        "do x then x until x in x",
        "do x = 1 then recur(2) until x in x",
        "do x = 1, x = 2 until x in x",
        "do",
    ;
    /// Names, in the words of the dialect.
    names:
        "sine(x)",
        "iff(c, a, b)",
        "`exact->inexct`(x)",
        "let f(x) = f(x) in f(1)",
        "f(x) = x; f + 1",
        "x(2) + x",
        "f(x) = x; f(1, 2)",
        "sin(x, y)",
        "`/`()",
        "atan(1, 2, 3)",
        "zeros()",
        "x = y; y = 2; x",
        "x = 1; x = 2; x",
        "pi*r^2",
        "e^x",
        "length = 3; 2*lenght + length",
        "f(x) = x*y; y = z; g(z) = f(z);",
        "[1, 2] + [1, 2, 3]",
        "[1, 2][2]",
    ;
    /// Several errors are reported together.
    several:
        "x = ; y = 2 +; z = f(; 3",
        "{ a = ; b = 2; b }; c = 1 1; d",
        "x $ y; $z; sine(2)",
        "a < b <= c; let x = 1, x = 2 in recur(3)",
    ;
    /// A header that asks for what there is not.
    header:
        "# nc: --max-iteration 5\nx",
        "# nc: --max-steps many\nx",
    ;
}
