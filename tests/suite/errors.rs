//! What is said about programs that are wrong: one snapshot per group of mistakes.
//!
//! `INSTA_UPDATE=always cargo test --test suite errors` writes the snapshots anew.

use std::fmt::Write as _;

use neural_compiler::internals::problem::NAMES_ELSEWHERE;
use neural_compiler::{
    Arity, CompileOptions, Derivative, Diagnostic, Dialect, Error, Primitive, Program, ReaderLimits, Shape,
    Signature, SourceMap, Span, Stage,
};

/// A place as a caret under its line, with words.
fn excerpt(source: &str, span: Span, words: &str, text: &mut String) {
    let start = span.start as usize;
    assert!(span.start <= span.end && span.end as usize <= source.len(), "{span:?} in {source:?}");
    assert!(source.is_char_boundary(start) && source.is_char_boundary(span.end as usize));
    let line_start = source[..start].rfind('\n').map_or(0, |k| k + 1);
    let line = source[line_start..].lines().next().unwrap_or("").replace(char::is_control, "·");
    let width = span.text(source).lines().next().unwrap_or("").chars().count().max(1);
    let indent = source[line_start..start].chars().count();
    let _ = writeln!(text, "  | {line}\n  | {}{} {words}", " ".repeat(indent), "^".repeat(width));
}

fn render(source: &str, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let severity = format!("{:?}", diagnostic.severity).to_lowercase();
        let _ = writeln!(text, "{severity}[{}]: {}", diagnostic.code, diagnostic.message);
        excerpt(source, diagnostic.span, &diagnostic.label, &mut text);
        for (span, words) in &diagnostic.related {
            excerpt(source, *span, words, &mut text);
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
    // Trailing blanks would make snapshots hard to edit.
    text.lines().map(|line| line.trim_end().to_string() + "\n").collect()
}

/// Errors of a program of scalars, and of vectors `u` of 3, `v` of 2 and a matrix `A` of 2×3 if it has them.
fn diagnose(source: &str) -> Vec<Diagnostic> {
    let program = match Program::parse(source) {
        Ok(program) => program,
        Err(Error::Source(errors)) => return errors,
        Err(other) => panic!("{source}: {other}"),
    };
    if !program.warnings().is_empty() {
        return program.warnings().to_vec();
    }
    let mut signature = Signature::scalars();
    for (name, shape) in [("u", Shape::Vector(3)), ("v", Shape::Vector(2)), ("A", Shape::Matrix(2, 3))] {
        if program.inputs().any(|input| input == name) {
            signature = signature.shape(name, shape);
        }
    }
    match program.graph(&signature) {
        Ok(_) => Vec::new(),
        Err(Error::Source(errors)) => errors,
        Err(other) => panic!("{source}: {other}"),
    }
}

fn report(sources: &[&str]) -> String {
    let mut text = String::new();
    for source in sources {
        let diagnostics = diagnose(source);
        let said =
            if diagnostics.is_empty() { "nothing to say\n".into() } else { render(source, &diagnostics) };
        let _ = writeln!(text, "{said}");
    }
    text
}

macro_rules! snapshots {
    ($($(#[$meta:meta])* $name:ident: $($source:expr),+ $(,)?;)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => true }, {
                insta::assert_snapshot!(report(&[$($source),+]));
            });
        }
    )*};
}

snapshots! {
    /// Parentheses, comments and tokens.
    lexical:
        "",
        "  ; only a comment\n",
        "(+ 1 2",
        "(+ (* 2 3) (- 1",
        "(+ 1 2))",
        "(let ([x 1) x)",
        "[1 2)",
        "#| open",
        "(+ 1 #;)",
        "(+ 1 2) #;",
        "\"text\"",
        "(+ 1 \"open",
        "'(1 2)",
        "`x",
        "(+ 1 ,x)",
        "#\\a",
        "#(1 2 3)",
        "#e1.5",
        "(+ 1 2x)",
        "0x10",
        "1_000",
        "1/0",
        "1/99999999999999999999",
        "(+ 1 \0)",
        "{1}",
        "(λ (",
    ;
    /// Functions where numbers are wanted, and the other way round.
    function_values:
        "(define (f x) x) [f 1]",
        "(define (f x) x) (values (a f))",
        "(define (f x) x) (if f 1 2)",
        "(define (f x) x) (= f f)",
        "(define (f x) x) (define (g x) (* 2 x)) ((if c f g) x)",
        "(define (pick c) (if c sin cos)) (define (s x) (sin x)) ((if c s (lambda (x) x)) x)",
        "(define (apply f x) (f x)) (apply 3 x)",
        "(define (twice f) (lambda (x) (f (f x)))) ((twice x) 1)",
        "(define (twice f) (lambda (x) (f (f x)))) ((twice (lambda (x y) x)) 1)",
        "(define ((add a) x) (+ a x)) ((add 1 2) x)",
        "(define ((add a) x) (+ a x)) ((add 1) 2 x)",
        "((lambda (f) (f 1)) (lambda (a b) a))",
        "(let ((f sin)) (f 1 2))",
        "(define (f g x) (g x))",
        "(define k 2) (k x)",
        "((+ x 1) 2)",
        "(define g 3)",
        "(define (twice f) (lambda (x) (f (f x)))) (define g (twice h)) (define (h x) (+ x 1)) g",
        "(define (use x) (up x)) (define y (use 1)) (define up (lambda (x) x)) y",
        "(define (use x) (up x)) (define y (use 1)) (define (add a) (lambda (x) (+ a x))) (define up (add 1)) y",
    ;
    /// Specialisation that makes ever new functions.
    endless:
        "(define (grow f n) (if (= n 0) (f 0) (grow (lambda (x) (f (+ x n))) (- n 1)))) (grow sin k)",
        "; nc: --max-specialisations 2\n(define (ap f x) (f x)) (+ (ap sin x) (ap cos x) (ap tan x))",
        "(define (tower f n) (tower (lambda (x) (f x)) n)) ((tower sin 2) x)",
    ;
    /// Derivatives of what has none.
    derivative_forms:
        "(D 3)",
        "(D sin)",
        "((D x) 1)",
        "((D (lambda (x y) (+ x y))) 1)",
        "((D (lambda (x) (lambda (y) (+ x y)))) 1)",
        "((D D) 1)",
        "((partial 2) (lambda (x y) (+ x y)))",
        "(((partial 2) (lambda (x y) (+ x y))) 1 2)",
        "(((partial k) (lambda (x y) (+ x y))) 1 2)",
        "(((partial 0.5) (lambda (x y) (+ x y))) 1 2)",
        "(jvp (lambda (x y) x) 1 2)",
        "(vjp 1 2 3)",
        "(jvp sin 1)",
    ;
    /// Mistakes in the use of the library: said of the call, with the library's place in words.
    library:
        "(sum v)",
        "(sum 3 x)",
        "(map sin x)",
        "(map + [1 2] [1 2 3])",
        "(build x sin)",
        "(fold + 0 x)",
        "(define (f x) [x x]) (map f [[1 2] [3 4]])",
        "(scan (lambda (s) [s s]) 3 1)",
    ;
    /// Special forms that are written wrongly.
    forms:
        "()",
        "(if x)",
        "(if x 1)",
        "(if x 1 2 3)",
        "(let x)",
        "(let ((x 1)))",
        "(let ((x 1)) x x)",
        "(let ((x)) x)",
        "(let (x 1) x)",
        "(let ((1 x)) x)",
        "(let* ((x 1) y) x)",
        "(let ((x 1) (y 2) (x 3)) x)",
        "(begin)",
        "(begin 1 2)",
        "(cond)",
        "(cond ((< x 0) 1))",
        "(cond (x))",
        "(cond (else 1) (x 2))",
        "(cond x)",
        "(lambda (x) x)",
        "(let ((f (lambda x))) 1)",
        "(let ((f (lambda (x 1) x))) 1)",
        "((lambda (x y) x) 1)",
        "(define (f x x) x)",
        "(1 2)",
        "([1 2] 0)",
        "((+ 1 2) 3)",
        "(+ 1 if)",
        "(+ else 1)",
        "[]",
        "(values)",
        "(values 1 2)",
        "(values (a 1) (a 2))",
        "(+ 1 (values (a 1)))",
    ;
    /// Top-level definitions.
    definitions:
        "(define)",
        "(define x)",
        "(define x 1 2) x",
        "(define (f) ) 1",
        "(define 1 2) 3",
        "(define (1 x) x) 3",
        "(define () 1) 2",
        "(define x 1)",
        "(define x 1) (define x 2) x",
        "(define x 1) (define (x) 2) 3",
        "(+ 1 2) (+ 3 4)",
        "(let ((x 1)) (define y 2))",
        "(define a b) (define b 1) a",
        "(define a (f 1)) (define k 2) (define (f x) (* k x)) a",
        "(define a a) a",
        "(define (f x) (+ x 1)) f",
        "(define (g) x) (define (f x) (+ x (g)))",
    ;
    /// Calls of what is no function, and with the wrong number of operands.
    calls:
        "(sine x)",
        "(sqr x)",
        "(Exp x)",
        "(frobnicate x)",
        "(iff x 1 2)",
        "(define (energy m) m) (enrgy 1)",
        "(sin)",
        "(sin x y)",
        "(atan)",
        "(atan a b c)",
        "(-)",
        "(/)",
        "(min)",
        "(<)",
        "(pow 2)",
        "(ref u)",
        "(define (f x y) x) (f 1)",
        "(let ((f (lambda () 1))) (f 1))",
        "(let ((x 1)) (x 2))",
        "(define x 1) (x 2)",
        "(let ((f (lambda (x) x))) (+ 1 f))",
        "(let ((sin 1)) (sin 2))",
        "(let ((g (lambda (x) x))) (let ((h g)) (h 1)))",
    ;
    /// What Scheme has and the language has not, each with its reason.
    refused:
        "(set! x 1)",
        "(display x)",
        "(map f x)",
        "(list 1 2)",
        "(quote x)",
        "(string-append a b)",
        "(call/cc f)",
        "(when x 1)",
        "(case x ((1) 2))",
        "(let-values (((a b) x)) a)",
        // A name of the program is never refused.
        "(define (list a b) (+ a b)) (list 1 2)",
        "(define (f x) (map x)) (define (map x) (* 2 x)) (f 1)",
    ;
    /// `loop` and `recur`.
    loops:
        "(loop)",
        "(loop ((i 0)))",
        "(loop (i 0) (recur i))",
        "(loop ((i 0)) 1 2)",
        "(loop ((i 0) (i 1)) i)",
        "(loop ((f (lambda (x) x))) 1)",
        "(recur 1)",
        "(define (f x) (recur x)) (f 1)",
        "(let again ((i 0)) (recur 1))",
        "(loop ((i 0)) (let ((f (lambda (x) (recur x)))) (f i)))",
        "(loop ((i 0)) (let go ((j 0)) (if (< j 3) (go (+ j 1)) (recur (+ i 1)))))",
        "(loop ((i 0) (s 0)) (if (< i n) (recur (+ i 1)) s))",
        "(loop ((i 0)) (recur))",
        "(loop ((i 0)) (if (< i 3) (+ 1 (recur (+ i 1))) i))",
        "(loop ((i 0)) (if (recur 1) 1 2))",
        "(loop ((i 0)) (and (recur 1) i))",
        "(loop ((i 0)) (let ((x (recur 1))) x))",
        "(loop ((i 0)) (recur (recur i)))",
        "(loop ((i 0)) (loop ((j (recur 1))) j))",
        "(loop ((i 0)) (define x (recur 1)) x)",
        "(+ recur 1)",
    ;
    /// Named `let` and `do`.
    named_loops:
        "(let again)",
        "(let again ((i 0)))",
        "(let again ((i 0)) 1 2)",
        "(let again ((i)) i)",
        "(let again ((i 0) (j 1)) (again 1))",
        "(let again ((i 0)) (+ again i))",
        "(do)",
        "(do ((i 0 (+ i 1))))",
        "(do ((i 0 (+ i 1))) ((= i 3)))",
        "(do ((i 0 1 2)) (x i))",
        "(do (i) (x i))",
        "(do ((i 0) (i 1)) (x i))",
        "(do ((1 2)) (x i))",
        "(do ((i 0 (+ i 1))) ((= i 3) i) (display i))",
    ;
    /// `letrec` and definitions inside bodies.
    recursion:
        "(letrec)",
        "(letrec ((f (lambda (x) x))))",
        "(letrec (f (lambda (x) x)) (f 1))",
        "(letrec ((f (lambda (x) x))) (f 1) (f 2))",
        "(letrec ((f (lambda (x) x)) (f 2)) 1)",
        "(letrec ((f (lambda (x) (f x)))) (+ f 1))",
        "(letrec ((f (lambda (x) (f x x)))) (f 1))",
        "(letrec ((a (+ a 1))) a)",
        "(letrec* ((a b) (b 1)) a)",
        "(letrec ((a (f 1)) (k 2) (f (lambda (x) (* x k)))) a)",
        "(letrec ((a (loop ((i 0)) (if (< i 3) (recur (+ i 1)) a)))) a)",
        "(let ((f (lambda (x) (f x)))) (f 1))",
        "(define (f x) (define y 1))",
        "(define (f x) (define y 1) (+ x y) (define z 2))",
        "(define (f x) (define y z) (define z 1) (+ y z)) (f 1)",
        "(define (f x) (define y 1) (define (y) 2) y) (f 1)",
        "(define (f x) (define) x) (f 1)",
        "(+ 1 (define x 2))",
        "(define a (f 1)) (define (f n) (if (= n 0) k (f (- n 1)))) (define k 1) a",
    ;
    /// The comment at the head of a program.
    header:
        "; nc: --max-iterations\n1",
        "; nc: --max-iterations ten\n1",
        "; what it does\n;; nc: --max-depth 5 --max-iteration 10\n1",
        ";nc: --max-steps=-5\n1",
    ;
    /// Warnings.
    warnings:
        "(* 2 pi)",
        "(exp (* e x))",
        "(define pi 3.14159) (* 2 pi)",
        "(define velocity 3) (* velocty 2)",
    ;
    /// Operands whose shapes do not fit: both shapes are shown.
    shapes:
        "(+ u v)",
        "(+ u 1 v)",
        "(* u A)",
        "(< u v)",
        "(dot u v)",
        "(dot u 1)",
        "(cross v v)",
        "(matvec A v)",
        "(matmul A A)",
        "(outer A u)",
        "(det A)",
        "(inv A)",
        "(trace A)",
        "(trace u)",
        "(transpose u)",
        "(norm 1)",
        "(vsum 1)",
        "(vlen 1)",
        "(normalize 1)",
        "(scale u v)",
        "[1 u]",
        "[u v]",
        "[A A]",
        "(mat 1 2)",
        "(mat 2 2 1 2 3)",
        "(mat 2 u)",
        "(if u 1 2)",
        "(if x u v)",
        "(if x 1 u)",
        "(and u 1)",
        "(define (f a b) (+ a b)) (+ (f u 1) (vsum (f u v)))",
        "(+ (+ u v) (dot u v))",
    ;
    /// Indices and sizes.
    indices:
        "(ref u 3)",
        "(ref u -1)",
        "(ref u 0.5)",
        "(ref u +nan.0)",
        "(ref A 2)",
        "(ref A 0 3)",
        "(ref u 0 0)",
        "(ref 1 0)",
        "(ref u v)",
        "(zeros n)",
        "(zeros 0)",
        "(zeros 2 -1)",
        "(zeros 1.5)",
        "(eye 1e9)",
        "(eye 2000)",
        "(ones u)",
        "(mat n 2 1 2)",
        "(define n 3) (define (f k) (ref [1 2 3] k)) (f n)",
    ;
    /// Several errors are reported together.
    several:
        "(+ (sine x) (let ((a)) a))",
        "(+ (sine x) (cosine x) (if 1) (set! x 2))",
        "(+ (sine x) (sin) (let ((f (lambda (a) a))) f))",
        "(define x 1) (define x 2) (+ (foo) (sin 1 2))",
        ") ) (",
    ;
}

#[test]
fn places_and_limits() {
    let limits = ReaderLimits { source_bytes: 10, nesting: 3, ..ReaderLimits::default() };
    let errors = |source: &str| match Program::parse_as(source, Dialect::Scheme, &limits) {
        Err(Error::Source(errors)) => render(source, &errors),
        other => panic!("{other:?}"),
    };
    insta::assert_snapshot!(errors("(+ 1 2 3 4)"), @r"
    error[source-too-long]: the program has 11 bytes, more than the limit of 10
      | (+ 1 2 3 4)
      | ^
    ");
    insta::assert_snapshot!(errors("((((1))))"), @r"
    error[too-deep]: nesting deeper than the limit of 3
      | ((((1))))
      |    ^
    ");
    match Program::parse_bytes(b"(+ 1 \xff)", Dialect::Scheme, &ReaderLimits::default()) {
        Err(Error::Source(errors)) => {
            assert_eq!((errors[0].code, errors[0].span), ("encoding", Span::new(5, 5)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_of_the_signature_exist() {
    let program = Program::parse("(define k 2) (* k x)").expect("a program");
    let message = |signature: Signature| program.graph(&signature).err().map(|e| e.to_string());
    assert_eq!(
        message(Signature::scalars().shape("y", Shape::Vector(2))).as_deref(),
        Some("the program has no input `y`; its inputs are: x, k")
    );
    assert_eq!(message(Signature::scalars().parameter("k")), None);
    // The value of a constant is known, so its shape is.
    assert!(message(Signature::scalars().shape("k", Shape::Vector(2))).is_some());
}

#[test]
fn names_of_other_languages_lead_to_those_of_this_one() {
    for &(elsewhere, here) in NAMES_ELSEWHERE {
        let Err(Error::Source(errors)) = Program::parse(&format!("({elsewhere} x y)")) else {
            panic!("{elsewhere} is a function");
        };
        assert_eq!(errors[0].help.as_deref(), Some(&*format!("it is called `{here}` here")), "{elsewhere}");
        assert!(here == "if" || Primitive::from_name(here).is_some(), "{here} is no function");
    }
    // A function of the program is what it is.
    assert!(Program::parse("(define (ln x) (log x)) (ln y)").is_ok());
}

#[test]
fn depths_beyond_all_memory_are_refused_where_they_are_asked_for() {
    let Err(Error::Source(errors)) = Program::parse("; nc: --max-iterations 5 --max-depth 1000001\nx") else {
        panic!("it is more than a million");
    };
    assert_eq!(errors[0].message, "calls are nested 1000000 deep at the most");
    assert_eq!(errors[0].span, Span::new(37, 44));
    assert!(Program::parse("; nc: --max-depth 1000000\nx").is_ok());
}

#[test]
fn formulas_in_infix_notation_are_not_taken_for_names_in_silence() {
    for (source, warned) in
        [("m*v^2/2", true), ("(sin a+b)", true), ("x*", false), ("a->b", false), ("a/b", false)]
    {
        let program = Program::parse(source).expect("a program");
        let codes: Vec<&str> = program.warnings().iter().map(|warning| warning.code).collect();
        assert_eq!(codes, if warned { vec!["like-formula"] } else { vec![] }, "{source}");
    }
    let infix = Program::parse_as("`a*b`+1", Dialect::Infix, &ReaderLimits::default()).expect("a program");
    assert_eq!((infix.inputs().collect::<Vec<_>>(), infix.warnings().len()), (vec!["a*b"], 0));
}

#[test]
fn signs_that_only_look_like_operators_and_digits() {
    let help = |source: &str, dialect| {
        let found = Program::parse_as(source, dialect, &ReaderLimits::default());
        let list = match &found {
            Ok(program) => program.warnings(),
            Err(Error::Source(errors)) => errors,
            Err(other) => panic!("{source}: {other}"),
        };
        list.first().map(|first| format!("{}: {}", first.code, first.help.as_deref().unwrap_or_default()))
    };
    for (source, expected) in [
        ("(* −1 x)", Some("look-alike: `−` (U+2212) only looks like `-`, which is written so")),
        ("(+ x ２)", Some("look-alike: `２` (U+FF12) only looks like `2`, which is written so")),
        (
            "(+ x² 1)",
            Some("look-alike: `²` (U+00B2) is a letter like any other: a power is a product or `pow` with 2"),
        ),
        ("(− x 1)", Some("unknown-name: it is called `-` here")),
        ("(* λ α₀ x)", None),
    ] {
        assert_eq!(help(source, Dialect::Scheme).as_deref(), expected, "{source}");
    }
    for (source, expected) in [
        ("x − 1", "token: write `-`"),
        ("x ≤ 1", "token: write `<=`"),
        ("x ≠ 1", "token: write `!=`"),
        ("2 · x", "token: write `*`"),
        ("x + ２", "token: write digits 0 to 9"),
    ] {
        assert_eq!(help(source, Dialect::Infix).as_deref(), Some(expected), "{source}");
    }
}

#[test]
fn literals_that_binary64_cannot_hold() {
    for (source, dialect, expected) in [
        ("(* 1e400 x)", Dialect::Scheme, Some("`1e400` is infinite in binary64")),
        ("(* -1e-400 x)", Dialect::Scheme, Some("`-1e-400` is 0 in binary64")),
        ("(* 1e400+2i x)", Dialect::Scheme, Some("`1e400+2i` is infinite in binary64")),
        ("2e308*x", Dialect::Infix, Some("`2e308` is infinite in binary64")),
        ("(* 0e400 -0.0 +inf.0 5e-324 1e308 x)", Dialect::Scheme, None),
    ] {
        let program = Program::parse_as(source, dialect, &ReaderLimits::default()).expect("a program");
        let messages: Vec<&str> = program.warnings().iter().map(|w| w.message.as_str()).collect();
        assert_eq!(messages.first().copied(), expected, "{source}");
    }
}

/// What is suggested is a slip away, and answers a question if one is asked.
#[test]
fn suggestions_are_near() {
    let suggested = |name: &str| {
        let Err(Error::Source(errors)) = Program::parse(&format!("({name} x)")) else { panic!("{name}") };
        errors[0].help.clone()
    };
    for (name, similar) in
        [("sine", "sin"), ("sqrtt", "sqrt"), ("zreo?", "zero?"), ("zero", "zero?"), ("flor", "floor")]
    {
        assert_eq!(suggested(name), Some(format!("did you mean `{similar}`?")));
    }
    for name in ["real?", "integer?", "zeta2", "foo", "xy", "list?"] {
        assert_eq!(suggested(name), None, "{name}");
    }
}

/// A number where the library wants a function: the operand of the program is to blame.
#[test]
fn numbers_in_the_place_of_functions() {
    for source in ["(sum 3 (* k k))", "(iterate 3 sin x)", "(root (- (* x x) 2) 1)", "(map [1 2] sin)"] {
        let Err(Error::Source(list)) = Program::parse(source) else { panic!("{source}") };
        let wanted =
            list[0].message.starts_with("an operand of this call is a number, where a function is wanted");
        assert!(
            wanted && list[0].help.as_deref().is_some_and(|help| help.contains("(lambda (x) …)")),
            "{:?}",
            list[0]
        );
        assert_eq!(list[0].span, Span::new(0, source.len() as u32));
    }
}

/// What a primitive is made of has names of its own, which its users did not write.
#[test]
fn errors_speak_of_the_primitives_that_were_written() {
    for (call, name) in [
        ("(sigmoid z)", "sigmoid"),
        ("(softplus z)", "softplus"),
        ("(clamp z 0 1)", "clamp"),
        ("(even? z)", "even?"),
        ("(nan? z)", "nan?"),
        ("(atan2 z 1)", "atan2"),
        ("(atan z 1)", "atan"),
        ("(max 0 z)", "max"),
    ] {
        let program = Program::parse(&format!("(define (f z) {call})")).expect("a program");
        let signature = Signature::scalars().shape("z", Shape::Complex);
        let Err(Error::Source(list)) = program.graph(&signature) else { panic!("{call}") };
        assert_eq!(list[0].message, format!("{name} of complex: it takes real numbers"), "{call}");
    }
}

#[test]
fn infix_notation_of_other_languages_has_its_advice() {
    let help = |source: &str| {
        let found = Program::parse_as(source, Dialect::Infix, &ReaderLimits::default());
        let Err(Error::Source(errors)) = found else { panic!("{source}") };
        errors[0].help.clone().unwrap_or_default()
    };
    assert_eq!(help("x > 1 ? 2 : 3"), "write `if(condition, a, b)`");
    assert!(help("x // 2").starts_with("write `floor(a / b)`"));
    assert!(help("let k = 2; k*x").contains("`let k = 2 in …`"), "{}", help("let k = 2; k*x"));
    assert!(help("|x|").contains("`abs(x)`"));
}

/// The only error of a program, by its code, message, label and help.
fn only_error(source: &str, dialect: Dialect) -> String {
    let program = Program::parse_as(source, dialect, &ReaderLimits::default());
    let errors = match program.and_then(|program| program.compile(&Default::default())) {
        Err(Error::Source(errors)) => errors,
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(errors.len(), 1, "{source}: {errors:?}");
    render(source, &errors)
}

/// What is wrong with the text of one form at the top hides nothing that is wrong in others, and nothing follows from it.
#[test]
fn errors_of_several_phases() {
    let of = |source: &str| match Program::parse(source) {
        Err(Error::Source(errors)) => errors
            .iter()
            .map(|error| format!("{} {}", &source[error.span.start as usize..][..1], error.code))
            .collect::<Vec<String>>(),
        other => panic!("{source}: {other:?}"),
    };
    // A form that is written wrongly, a name and a number of operands; in the order of the text.
    let found =
        of("(define (a x) (sine x))\n(define (b x) (if x 1))\n(define (c x) (a x x))\n(+ (b 1 2) (c 3))");
    assert_eq!(found, ["s unknown-name", "( form", "( arity", "( arity"]);
    // What could not be read is not missed, neither as a value nor as a function.
    let found = of("(define k)\n(define (f 1) x)\n(+ k (f k k) (cosine x))");
    assert_eq!(found, ["( form", "1 form", "c unknown-name"]);
    // A list that does not end, and one that ends twice, end with their lines.
    let found = of("(define (a x) (sine x))\n(define (b x) (* 2 x)\n(define (c x) (a x x))\n(b (c 1))");
    assert_eq!(found, ["s unknown-name", "( unclosed", "( arity"]);
    let found = of("(define (a x) (* 2 x)))\n(define (b x) (a (sine x)))\n(b 1)");
    assert_eq!(found, [") unopened", "s unknown-name"]);
    // Tokens that the language does not have.
    let found = of("(define (a x) (* 2x))\n(define (b x) (sine x))\n(a (b 1))");
    assert_eq!(found, ["2 number", "s unknown-name"]);
    // One form, one error.
    assert_eq!(of("(sine (+ 1 x)"), ["( unclosed"]);
    assert_eq!(of("(define pi 3))\n(* 2 pi q)"), [") unopened"]);
    // Without a loader nothing is known of what is imported.
    let found = of("(import \"a.scm\")\n(define (b x) (if x 1))\n(of-a (b 1))");
    assert_eq!(found, ["\" import", "( form"]);
}

/// The codes of all errors of a program that may import these files, with what stands at their places.
fn errors_of_files(text: &str, dialect: Dialect, files: &[(&str, &str)]) -> Vec<String> {
    let loader = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.to_string());
    let mut sources = SourceMap::new();
    let main = sources.add("main", text).expect("a short text");
    let parsed = Program::parse_files(&mut sources, main, dialect, &ReaderLimits::default(), &loader);
    let Err(Error::Source(errors)) = parsed.map(|_| ()) else { panic!("{text}: nothing is wrong") };
    let line = |error: &Diagnostic| {
        let at = sources.at(error.span).lines().next().unwrap_or_default().to_string();
        format!("{} {at}", error.code)
    };
    errors.iter().map(line).collect()
}

/// In infix notation a statement that is wrong does not hide errors of names, operands and shapes in others.
#[test]
fn errors_of_several_phases_in_infix_notation() {
    let of = |text: &str| errors_of_files(text, Dialect::Infix, &[]);
    let found = of("a(x) = sine(x);\nb(x) = if(x, 1;\nc(x) = a(x, x);\nb(1, 2) + c(3, 4)");
    assert_eq!(found, ["unknown-name sine", "operand ;", "arity a(x, x)", "arity c(3, 4)"]);
    // What could not be read is not missed, neither as a value nor as a function.
    let found = of("k = ;\nf(x) = 2 x;\nk + f(k, k) + k(2) + cosine(x)");
    assert_eq!(found, ["operand ;", "operand x", "unknown-name cosine"]);
    let found = of("f(x) = (2*x;\ng(x) = f(x) + sine(x);\ng(1, 2)");
    assert_eq!(found, ["operand ;", "unknown-name sine", "arity g(1, 2)"]);
    let found = of("network f(x) layers(2);\ng(x) = f(x) + sine(x);\ng(1)");
    assert_eq!(found, ["form f", "unknown-name sine"]);
    // A statement that has no meaning, one error.
    assert_eq!(of("sine(1 + x"), ["unclosed sine"]);
    assert_eq!(of("2*3 4"), ["operand 4"]);
}

/// What is imported is known, and read as far as it can be.
#[test]
fn errors_of_several_files() {
    let files = [
        ("good.scm", "(define (twice x) (* 2 x))"),
        (
            "broken.scm",
            "(define (half x) (/ x 2))\n(define (third x) (if x 3))\n(define (fifth x) (half x x))",
        ),
        ("names.scm", "(define (bad x) (cosine x))"),
        ("value.scm", "(+ 1 2)"),
        ("good.nci", "thrice(x) = 3*x;"),
    ];
    let scheme = |text: &str| errors_of_files(text, Dialect::Scheme, &files);
    let infix = |text: &str| errors_of_files(text, Dialect::Infix, &files);
    // Errors of forms, and of names that are known from the file.
    let found = scheme("(import \"good.scm\")\n(define (b x) (if x 1))\n(+ (b 1) (twice 1 2) (sine 3))");
    assert_eq!(found, ["form (if x 1)", "arity (twice 1 2)", "unknown-name sine"]);
    let found = infix("import \"good.nci\";\nb(x) = if(x, 1;\nb(1) + thrice(1, 2) + sine(3)");
    assert_eq!(found, ["operand ;", "arity thrice(1, 2)", "unknown-name sine"]);
    // Several imports that fail, and what is wrong beside them; functions may be theirs.
    let found = scheme("(import \"no.scm\" \"value.scm\" \"good.scm\")\n(+ (twice 1 2) (of-no 3))");
    assert_eq!(found, ["import \"no.scm\"", "arity (twice 1 2)", "import (+ 1 2)"]);
    // A file in which something is wrong: its other definitions are known.
    let found = scheme("(import \"broken.scm\")\n(+ (half 1 2) (third 1) (fifth 2) (of-broken 1))");
    assert_eq!(found, ["arity (half 1 2)", "form (if x 3)", "arity (half x x)"]);
    // Both texts have errors of names.
    let found = scheme("(import \"names.scm\" \"no.scm\")\n(+ (bad 1 2) (bad 1))");
    assert_eq!(found, ["import \"no.scm\"", "arity (bad 1 2)", "unknown-name cosine"]);
}

/// Results with names behind bindings, in functions and calls: the same programs in both notations.
#[test]
fn results_in_infix_notation() {
    for (infix, scheme) in [
        ("{ y = 2*x; values(a = x, b = y + 1) }", "(let ((y (* 2 x))) (values (a x) (b (+ y 1))))"),
        (
            "let y = 2*x, g(u) = u*x in values(a = g(y), b = y)",
            "(let ((y (* 2 x)) (g (lambda (u) (* u x)))) (values (a (g y)) (b y)))",
        ),
        ("f(x) = values(a = x, b = 2*x); f(3*z)", "(define (f x) (values (a x) (b (* 2 x)))) (f (* 3 z))"),
        (
            "f(x) = { y = x*x; g(u) = u + y; values(a = g(1), b = y) }",
            "(define (f x) (define y (* x x)) (define (g u) (+ u y)) (values (a (g 1)) (b y)))",
        ),
        // Each name is known where it is bound.
        (
            "y = 3; f(x) = { y = 2*x; let x = y*y in values(a = y, b = x) }; f(y)",
            "(define y 3) (define (f x) (define y (* 2 x)) (let ((x (* y y))) (values (a y) (b x)))) (f y)",
        ),
        (
            "f(x) = values(a = x, b = y); g(y) = { x = y + 1; f(x) }; g(z)",
            "(define (f x) (values (a x) (b y))) (define (g y) (let ((x (+ y 1))) (f x))) (g z)",
        ),
        (
            "{ k = 2; values(a = k*x, b = loop l(k = 0, s = x) if(k < 3, l(k + 1, s*k), s)) }",
            "(let ((k 2)) (values (a (* k x)) (b (let l ((k 0) (s x)) (if (< k 3) (l (+ k 1) (* s k)) s)))))",
        ),
    ] {
        let read = |text: &str, dialect| {
            Program::parse_as(text, dialect, &ReaderLimits::default()).unwrap_or_else(|error| {
                panic!("{text}: {}", error.render(&SourceMap::of("p", text).unwrap()))
            })
        };
        let (ours, theirs) = (read(infix, Dialect::Infix), read(scheme, Dialect::Scheme));
        assert_eq!(ours.results().collect::<Vec<_>>(), theirs.results().collect::<Vec<_>>(), "{infix}");
        assert_eq!(ours.inputs().collect::<Vec<_>>(), theirs.inputs().collect::<Vec<_>>(), "{infix}");
        assert_eq!(ours.constants().collect::<Vec<_>>(), theirs.constants().collect::<Vec<_>>(), "{infix}");
        let lanes = |program: &Program| {
            let options = CompileOptions::default().derivative(Derivative::Gradient);
            program.stage(Stage::Lanes, &options, None).unwrap_or_else(|error| panic!("{infix}: {error}"))
        };
        assert_eq!(lanes(&ours), lanes(&theirs), "{infix}");
    }
    for (source, expected) in [
        (
            "f(x) = values(a = x, b = 1);\n1 + f(x)",
            "`f` has several results, and the program does not end in a call of it",
        ),
        (
            "f(x) = values(a = x);\ng(x) = 1 + f(x);\nf(g(1))",
            "`f` has several results: only the end of the program can call it",
        ),
        ("f(x) = values(a = x);\nf(x, y)", "`f` takes 1 operand, not 2"),
        ("{ y = 2; values(a = y) } + 1", "`values` is what a program ends in only"),
        ("if(x, values(a = 1), 2)", "`values` is what a program ends in only"),
        ("y = values(a = 1);\ny", "`values` is what a program ends in only"),
        ("{ y = 2; values(a = y, a = x) }", "`a` is the name of two results"),
        (
            "f(x) = values(a = x);\n{ f(u) = u; f(2) + 0*f(1) }",
            "`f` has several results, and the program does not end in a call of it",
        ),
    ] {
        let found = only_error(source, Dialect::Infix);
        assert!(found.contains(expected), "{source}: {found}");
    }
}

/// Results with names where the program does not end, and functions with several results.
#[test]
fn results_of_functions() {
    for (source, expected) in [
        (
            "(define (f x) (values (a x) (b 1)))\n(+ 1 (f x))",
            "`f` has several results: only the end of the program can call it",
        ),
        (
            "(define (f x) (values (a x) (b 1)))\n(* 2 x)",
            "`f` has several results, and the program does not end in a call of it",
        ),
        ("(define (f x) (values (a x) (b 1)))\n(f x y)", "`f` takes 1 operand, not 2"),
        (
            "(define (f x) (values (a x) (b 1)))\n(let ((f 3)) (f x))",
            "the program ends in a call of `f`, which is bound here",
        ),
        ("(if x (values (a 1)) 2)", "`values` is what a program ends in only"),
        ("(define (g y) (* x y))\n(define (f x) (values (a (g x))))", "error[duplicate]"),
        ("(let ((k 1) (k 2)) (values (a k)))", "`k` is bound twice in one `let`"),
    ] {
        let found = only_error(source, Dialect::Scheme);
        assert!(found.contains(expected), "{source}: {found}");
    }
}

/// What is wrong with calls of the library is said at the call, in its words.
#[test]
fn calls_of_the_library() {
    let of = |source: &str| only_error(source, Dialect::Scheme);
    insta::assert_snapshot!(of("(integrate sin 0)"), @r"
    error[arity]: `integrate` takes 3 operands, not 2
      | (integrate sin 0)
      | ^^^^^^^^^^^^^^^^^
      help: it is written `(integrate f a b)`: the integral of f from a to b, by Gauss's and Kronrod's rules on parts that are made as short as they have to be, to 1e-12 of it, or as far as the rounding of f lets it; f may be infinite at the bounds and may jump. Derivatives by the bounds are values of f
    ");
    insta::assert_snapshot!(of("(fold + 0)"), @r"
    error[arity]: `fold` takes 3 to 5 operands, not 2
      | (fold + 0)
      | ^^^^^^^^^^
      help: it is written `(fold f first v …)`: (f state element …) for each element (or row) from the left, where the first state is given
    ");
    insta::assert_snapshot!(of("(integrate sin 0 [1 2])"), @r"
    error[shape]: `integrate` does not take these operands: this condition is a vec 2: a scalar is needed (in prelude/quadrature.scm:44, which is called here)
      | (integrate sin 0 [1 2])
      | ^^^^^^^^^^^^^^^^^^^^^^^
      | (integrate sin 0 [1 2])
      |                ^ scalar
      | (integrate sin 0 [1 2])
      |                  ^^^^^ vec 2
      help: usage: `(integrate f a b)`: the integral of f from a to b, by Gauss's and Kronrod's rules on parts that are made as short as they have to be, to 1e-12 of it, or as far as the rounding of f lets it; f may be infinite at the bounds and may jump. Derivatives by the bounds are values of f
    ");
    insta::assert_snapshot!(of("(interpolate [1 2 3] [1 2] x)"), @r"
    error[shape]: `interpolate` does not take these operands: vectors of 3 and 2 elements: lengths differ (in prelude/data.scm:17, which is called here)
      | (interpolate [1 2 3] [1 2] x)
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      | (interpolate [1 2 3] [1 2] x)
      |              ^^^^^^^ vec 3
      | (interpolate [1 2 3] [1 2] x)
      |                      ^^^^^ vec 2
      | (interpolate [1 2 3] [1 2] x)
      |                            ^ scalar
      help: usage: `(interpolate xs ys x)`: the straight lines between the points (xs, ys) at x, where xs grows: at least 2, up to 10⁵ and more. Outside the knots, where it is outside its safe domain, the value at the end; at a knot the derivative is that of the segment on the right
    ");
    insta::assert_snapshot!(of("(interpolate [1 3 2] [1 2 3] x)"), @r"
    error[shape]: `interpolate` does not take these operands: the knots do not grow: 3 is followed by 2 (in prelude/data.scm:17, which is called here)
      | (interpolate [1 3 2] [1 2 3] x)
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      | (interpolate [1 3 2] [1 2 3] x)
      |              ^^^^^^^ vec 3
      | (interpolate [1 3 2] [1 2 3] x)
      |                      ^^^^^^^ vec 3
      | (interpolate [1 3 2] [1 2 3] x)
      |                              ^ scalar
      help: usage: `(interpolate xs ys x)`: the straight lines between the points (xs, ys) at x, where xs grows: at least 2, up to 10⁵ and more. Outside the knots, where it is outside its safe domain, the value at the end; at a knot the derivative is that of the segment on the right
    ");
    insta::assert_snapshot!(of("(sum 1.5 sin)"), @r"
    error[shape]: `sum` does not take these operands: the count 1.5: an integer from 0 on is needed (in prelude/arrays.scm:28, which is called here)
      | (sum 1.5 sin)
      | ^^^^^^^^^^^^^
      | (sum 1.5 sin)
      |      ^^^ scalar
      help: usage: `(sum n f)`: f(0) + f(1) + … + f(n − 1) from the left; n may be computed
    ");
    insta::assert_snapshot!(of("((compose D D) sin)"), @r"
    error[first-order]: the derivative of the derivative of `sin` is a result of the program
      | ((compose D D) sin)
      | ^^^^^^^^^^^^^^^^^^^
      help: call it here: functions can be passed, returned and called, but are no data
    ");
    insta::assert_snapshot!(of("(((partial 2) sin) 1)"), @r"
    error[derivative]: `sin` has 1 parameter, and none has the number 2
      | (((partial 2) sin) 1)
      |  ^^^^^^^^^^^^^^^^^
      help: the only argument has the number 0: `((partial 0) f)`, which is `(D f)`
    ");
    insta::assert_snapshot!(of("(define (f . xs) (sum xs)) (f 1 2)"), @r"
    error[token]: a `.` by itself is no name: there are no rest parameters, and no pairs
      | (define (f . xs) (sum xs)) (f 1 2)
      |            ^
      help: a function has a fixed number of parameters; for any number of values take a vector: `(define (f v) …)`, called as `(f [1 2 3])`
    ");
    insta::assert_snapshot!(of("(lambda xs 3)"), @r"
    error[form]: there are no functions of any number of operands
      | (lambda xs 3)
      |         ^^
      help: it is written `(lambda (param …) body)`; for any number of values take a vector
    ");
    let infix = |source: &str| only_error(source, Dialect::Infix);
    insta::assert_snapshot!(infix("integrate(sin, 0)"), @r"
    error[arity]: `integrate` takes 3 operands, not 2
      | integrate(sin, 0)
      | ^^^^^^^^^^^^^^^^^
      help: it is written `integrate(f, a, b)`: the integral of f from a to b, by Gauss's and Kronrod's rules on parts that are made as short as they have to be, to 1e-12 of it, or as far as the rounding of f lets it; f may be infinite at the bounds and may jump. Derivatives by the bounds are values of f
    ");
    insta::assert_snapshot!(infix("normal-pdf(x)"), @r"
    error[unknown-name]: there is no function `pdf`
      | normal-pdf(x)
      |        ^^^
      help: did you mean `normal-pdf`? a name with signs in it stands in backquotes
    ");
    insta::assert_snapshot!(infix("map(lambda(x), v)"), @r"
    error[unknown-name]: there is no function `lambda`
      | map(lambda(x), v)
      |     ^^^^^^
      help: a function as an operand is written `fun(x) x^2`
    ");
    insta::assert_snapshot!(infix("map(lambda x, v)"), @r"
    error[operand]: `x` follows an operand
      | map(lambda x, v)
      |            ^
      help: a function as an operand is written `fun(x) x^2`
    ");
    insta::assert_snapshot!(infix("partial(2)(sin)(1)"), @r"
    error[derivative]: `sin` has 1 parameter, and none has the number 2
      | partial(2)(sin)(1)
      | ^^^^^^^^^^^^^^^
      help: the only argument has the number 0: `partial(0)(f)`, which is `D(f)`
    ");
}

/// Conditions of a safe domain are those that its reader can look at: not what stands inside the library.
#[test]
fn domains_of_the_library() {
    let conditions = |source: &str, shapes: &[(&str, Shape)]| {
        let signature =
            shapes.iter().fold(Signature::scalars(), |all, &(name, shape)| all.shape(name, shape));
        let program = Program::parse(source).expect(source);
        let domain = program.safe_domain(&signature).expect(source);
        assert_eq!(domain.warnings, [], "{source}");
        let within = |span: Span| assert!(span.end as usize <= source.len(), "{source}: {span:?}");
        domain.conditions.iter().for_each(|condition| within(condition.span));
        domain.conditions.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(conditions("(root (lambda (x) (- (* x x) a)) 1)", &[]), none);
    let words = conditions("(root (lambda (x) (- (sqrt (* a x)) 2)) 1)", &[]);
    assert!(
        words.len() == 2 && words.iter().all(|words| words.starts_with("a·") && words.ends_with(" ≥ 0")),
        "{words:?}"
    );
    assert_eq!(conditions("(integrate (lambda (x) (sqrt (* a x))) 0 b)", &[]), ["a·x ≥ 0"]);
    assert_eq!(
        conditions("(interpolate [1 2 3] ys x)", &[("ys", Shape::Vector(3))]),
        ["x − 1 ≥ 0", "3 − x ≥ 0"]
    );
}

/// Where two calls lead to the same reason, every tier names the call that failed.
#[test]
fn failures_of_the_library_name_the_call() {
    use nc_runtime::batch::{Kernel as _, RowOutcome, Workspace};
    use neural_compiler::{CompileOptions, Derivative, Tier};
    let source = "(define (twice n) (* 2 (sum n sin)))\n(+ (sum a sin) (twice b) (sum c (lambda (k) (ref [1 2] (sum k cos)))))";
    let program = Program::parse(source).expect("a program");
    for tier in [Tier::Interpret, Tier::Auto] {
        for derivative in [Derivative::None, Derivative::Gradient] {
            let options = CompileOptions::default().tier(tier).derivative(derivative);
            let kernel = program.compile(&options).expect("a kernel");
            for (inputs, place) in [
                ([-1.0, 1.0, 1.0], "(sum a sin)"),
                ([1.0, -1.0, 1.0], "(sum n sin)"),
                ([1.0, 1.0, 0.5], "(sum c (lambda (k) (ref [1 2] (sum k cos))))"),
            ] {
                let mut outputs = vec![0.0; kernel.shape().outputs];
                let outcome = kernel.evaluate_row(&inputs, &[], &mut outputs, &mut [], &mut Workspace::new());
                let Ok(RowOutcome::Failed(check)) = outcome else { panic!("{inputs:?}: {outcome:?}") };
                assert_eq!(kernel.checks()[check as usize].span.text(source), place, "{tier:?} {inputs:?}");
            }
        }
    }
}

#[test]
fn numbers_of_operands_in_words() {
    for (min, max, words) in [
        (1, Some(1), "1 operand"),
        (2, Some(2), "2 operands"),
        (0, Some(1), "0 or 1 operands"),
        (1, Some(2), "1 or 2 operands"),
        (2, Some(3), "2 or 3 operands"),
        (1, Some(3), "1 to 3 operands"),
        (2, Some(5), "2 to 5 operands"),
        (1, None, "at least 1 operand"),
        (2, None, "at least 2 operands"),
    ] {
        assert_eq!(Arity { min, max }.to_string(), words);
    }
}
