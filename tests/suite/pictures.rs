//! Pictures of programs, in each of their languages.

use insta::assert_snapshot;
use layout::gv::DotParser;
use layout::gv::parser::ast::{self, Stmt};
use neural_compiler::internals::picture::{GroupId, Kind, Node};
use neural_compiler::{CompileOptions, Derivative, Detail, Picture, Program, Subject};

use crate::support::{corpus, drawing};

const HERON: &str = "(loop ((x a)) (if (< (abs (- (* x x) a)) 1e-9) x (recur (* 1/2 (+ x (/ a x))))))";

fn of_program(source: &str, subject: Subject) -> Picture {
    let program = Program::parse(source).unwrap();
    program.picture(subject, Detail::Everything, &CompileOptions::default()).unwrap()
}

/// The labels of nodes and of edges of the picture for a reader.
fn essential(source: &str, subject: Subject) -> (Vec<String>, Vec<String>) {
    let program = Program::parse(source).unwrap();
    let picture = program.picture(subject, Detail::default(), &CompileOptions::default()).unwrap();
    let nodes = picture.nodes().values().map(|node| node.label.clone());
    let edges = picture.edges().iter().map(|edge| edge.label.clone());
    (nodes.collect(), edges.filter(|label| !label.is_empty()).collect())
}

/// A picture whose labels are names in no language.
fn odd() -> (Picture, Vec<&'static str>) {
    let labels = vec![
        "\"a\" & <b> 'c'",
        "back\\slash\\",
        "- list",
        "*",
        "#35;",
        "`code`",
        "two\nlines\u{1}",
        "end",
        "größe → 物理",
        "]]>",
    ];
    let mut picture = Picture::default();
    for label in &labels {
        let node = picture.add_node(*label, Kind::Operation, None);
        if let Some(first) = picture.nodes().keys().next().filter(|&first| first != node) {
            picture.add_edge(first, node, *label);
        }
    }
    (picture, labels)
}

/// Nodes, edges and clusters of a text in the language of Graphviz.
fn counts(text: &str) -> (usize, usize, usize) {
    let graph = DotParser::new(text).process().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut counts = (0, 0, 0);
    let mut left: Vec<&ast::Graph> = vec![&graph];
    while let Some(graph) = left.pop() {
        for statement in &graph.list.list {
            match statement {
                Stmt::Node(_) => counts.0 += 1,
                Stmt::Edge(_) => counts.1 += 1,
                Stmt::SubGraph(inner) => {
                    counts.2 += 1;
                    left.push(inner);
                }
                Stmt::Attribute(_) => {}
            }
        }
    }
    counts
}

/// The texts of an SVG, without those at edges.
fn labels(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let texts = texts.filter(|node| node.attribute("class") != Some("label"));
    texts.map(|node| node.text().unwrap_or("").to_string()).collect()
}

#[test]
fn three_languages() {
    let heron = Program::parse(HERON).unwrap();
    let heron = heron.picture(Subject::Graph, Detail::Essential, &CompileOptions::default()).unwrap();
    for (name, picture, source) in [
        ("heron", of_program(HERON, Subject::Graph), HERON),
        ("heron_essential", heron, HERON),
        ("figure_2", of_program("(* (+ x 1) (- y 2))", Subject::Ast), ""),
    ] {
        assert_snapshot!(format!("{name}_mermaid"), picture.mermaid());
        assert_snapshot!(format!("{name}_dot"), picture.dot());
        assert_snapshot!(format!("{name}_svg"), picture.svg(source));
    }
}

#[test]
fn what_is_drawn_is_in_the_text() {
    let function = "(define (f n) (if (< n 1) 1 (* n (f (- n 1))))) (+ (f x) (let loop ((i 0)) (if (< i x) (loop (+ i 1)) i)))";
    let forms = "(define (g a) (let* ((b 2)) (letrec ((h (lambda (k) (if (< k 0) k (h (- k a)))))) (h b))))\n\
                 (values (p (g x)) (q (let ((r (sqrt x))) (* r r))))";
    for (source, subject) in [
        (HERON, Subject::Ast),
        (HERON, Subject::Graph),
        (HERON, Subject::Adjoint),
        (function, Subject::Ast),
        (function, Subject::Graph),
        (function, Subject::Adjoint),
        (forms, Subject::Ast),
        (forms, Subject::Adjoint),
    ] {
        let picture = of_program(source, subject);
        let expected = (picture.nodes().len(), picture.edges().len(), picture.groups().len());
        assert_eq!(counts(&picture.dot()), expected, "{source} {subject:?}");
        let mut drawn = labels(&picture.svg(source));
        let mut meant: Vec<String> = picture.nodes().values().map(|node| node.label.clone()).collect();
        drawn.sort_unstable();
        meant.sort_unstable();
        assert_eq!(drawn, meant, "{source} {subject:?}");
        let mermaid = picture.mermaid();
        let frames = mermaid.lines().filter(|line| line.trim() == "end").count();
        assert_eq!(frames, expected.2);
        assert_eq!(mermaid.lines().count(), 1 + expected.0 + expected.1 + 2 * expected.2);
    }
}

/// What a person sees: names and constants as the program has them, and nothing of what the limits need.
#[test]
fn pictures_speak_the_language_of_the_program() {
    let (nodes, edges) = essential(
        "(define c 299792458) (define k (/ 1 (square c))) (let ((beta (* v k))) (- (* c beta 2) (/ v (sqrt 2))))",
        Subject::Graph,
    );
    for label in ["c = 299792458", "k ≈ 1.11265e-17", "beta: *", "(sqrt 2) ≈ 1.41421", "-", "/", "value", "v"]
    {
        assert!(nodes.iter().any(|node| node == label), "{label} in {nodes:?}");
    }
    assert_eq!(edges, ["1", "2", "1", "2"]);
    let (nodes, edges) = essential(
        "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (let ((n (fib m))) (* n 2))",
        Subject::Graph,
    );
    for label in ["function fib", "call fib", "n", "m", "if", "<", "+", "-", "*", "value"] {
        assert!(nodes.iter().any(|node| node == label), "{label} in {nodes:?}");
    }
    assert!(
        nodes.len() <= 24 && !nodes.iter().any(|node| node.contains("fail") || node.contains("steps")),
        "{nodes:?}"
    );
    assert!(
        edges.iter().all(|edge| ["1", "2", "if", "then", "else", "where", "n"].contains(&&**edge)),
        "{edges:?}"
    );
    let (nodes, edges) = essential(HERON, Subject::Graph);
    assert!(nodes.iter().all(|node| !node.contains("state") && !node.contains("capture")), "{nodes:?}");
    assert!(["x from", "a"].iter().all(|label| edges.iter().any(|edge| edge == label)), "{edges:?}");
    let (nodes, edges) = essential("(- (* 1/2 x) (max 1e3 y))", Subject::Ast);
    assert!(["1/2", "1e3"].iter().all(|number| nodes.iter().any(|node| node == number)), "{nodes:?}");
    assert_eq!(edges, ["1", "2"]);
}

#[test]
fn edges_that_cross_a_frame_belong_to_its_head() {
    let picture = of_program(HERON, Subject::Adjoint);
    assert_eq!(picture.groups().len(), 2);
    let inside = |node: &Node, group: GroupId| node.group == Some(group);
    for (id, group) in picture.groups().iter() {
        for edge in picture.edges() {
            let (from, to) = (&picture.nodes()[edge.from], &picture.nodes()[edge.to]);
            if inside(from, id) != inside(to, id) {
                assert!(edge.from == group.head || edge.to == group.head, "{from:?} {to:?}");
            }
        }
    }
}

#[test]
fn odd_names() {
    let (picture, names) = odd();
    assert_snapshot!("odd_mermaid", picture.mermaid());
    let dot = picture.dot();
    assert_eq!(counts(&dot), (names.len(), names.len() - 1, 0));
    assert_snapshot!("odd_dot", dot);
    let expected: Vec<String> =
        names.iter().map(|name| name.replace('\n', " ").replace('\u{1}', "\u{fffd}")).collect();
    assert_eq!(labels(&picture.svg("")), expected);
}

/// Deep programs take no stack, and limits are kept.
#[test]
fn large_pictures() {
    const DEPTH: usize = 100_000;
    let nested = format!("{}x{}", "(exp ".repeat(DEPTH), ")".repeat(DEPTH));
    let picture = of_program(&nested, Subject::Ast);
    assert_eq!(picture.svg("").matches("<rect").count(), DEPTH + 2);
    let error = picture.within(Picture::MAX_NODES).unwrap_err();
    assert_eq!(error.to_string(), "the picture has 100001 nodes, more than the limit of 2000");
}

/// Pictures of more nodes are not looked at: that takes the square of their size.
const LOOKED_AT: usize = 150;

/// In no picture of a program of the corpus, and of its gradient, stands anything over anything else: no line over a box or over the
/// label of another line, and no two boxes or labels.
#[test]
fn nothing_stands_over_anything_else() {
    let directories = ["feynman", "laws", "vector", "throughput", "classic", "closed", "nested"];
    let mut count = 0;
    for entry in directories.iter().flat_map(|directory| corpus::load_from(directory)) {
        let options = entry.options(Derivative::None);
        for subject in [Subject::Ast, Subject::Graph, Subject::Adjoint] {
            let picture = entry.program.picture(subject, Detail::Essential, &options).unwrap();
            if picture.nodes().len() <= LOOKED_AT {
                let found = drawing::look(&picture.svg(""));
                assert!(found.is_clear(), "{} {subject:?}: {found:?}", entry.name);
                count += 1;
            }
        }
    }
    assert!(count > 500, "{count} pictures");
}

/// Lines cross no more often than in the best orders of 5,000 starts for each layering.
#[test]
fn few_lines_cross() {
    let crossings = |directory: &str, file: &str, subject: Subject| {
        let path = format!("{}/corpus/{directory}/{file}.scm", env!("CARGO_MANIFEST_DIR"));
        let program = Program::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let picture = program.picture(subject, Detail::Essential, &CompileOptions::default()).unwrap();
        drawing::look(&picture.svg("")).crossings
    };
    let found = [
        ("feynman", "I.6.2a-standard-gaussian", Subject::Adjoint),
        ("feynman", "I.6.2b-gaussian", Subject::Graph),
        ("feynman", "I.6.2b-gaussian", Subject::Adjoint),
        ("classic", "factorial-loop", Subject::Adjoint),
        ("classic", "factorial-recursive", Subject::Graph),
        ("classic", "factorial-recursive", Subject::Adjoint),
        ("classic", "fibonacci-loop", Subject::Adjoint),
        ("classic", "fibonacci-recursive", Subject::Graph),
    ]
    .map(|(directory, file, subject)| crossings(directory, file, subject));
    assert_eq!(found, [0, 0, 6, 0, 0, 2, 0, 7]);
}

/// A name stands at the value that the program gives it, and not at its derivatives.
#[test]
fn derivatives_do_not_have_the_names_of_values() {
    let (nodes, _) = essential("(let ((z (/ (- a b) c))) (exp (* -0.5 z z)))", Subject::Adjoint);
    let named: Vec<&String> = nodes.iter().filter(|node| node.starts_with("z: ")).collect();
    assert_eq!(named, ["z: /"], "{nodes:?}");
    assert!(nodes.len() > 20, "{nodes:?}");
}

/// Limits, steps and activity are bookkeeping: they are in the picture of everything alone.
#[test]
fn derivatives_of_recursive_functions_are_drawn_without_bookkeeping() {
    const FACTORIAL: &str = "(define (factorial n) (if (< n 2) 1 (* n (factorial (- n 1))))) (factorial x)";
    let (nodes, edges) = essential(FACTORIAL, Subject::Adjoint);
    let of_everything = of_program(FACTORIAL, Subject::Adjoint);
    let everything = || of_everything.nodes().values().map(|node| &*node.label);
    for word in ["steps", "1000000000"] {
        assert!(
            nodes.iter().chain(&edges).all(|label| !label.contains(word)),
            "{word} in {nodes:?} {edges:?}"
        );
        assert!(everything().any(|label| label.contains(word)), "{word}");
    }
    assert!(nodes.iter().chain(&edges).all(|label| !label.contains("active")), "{nodes:?} {edges:?}");
    for label in ["function factorial'", "tangent 0", "call factorial'", "gradient x", "t0"] {
        assert!(nodes.iter().any(|node| node == label), "{label} in {nodes:?}");
    }
}
