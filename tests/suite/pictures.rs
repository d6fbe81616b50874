//! Pictures of programs, in each of their languages.

use insta::assert_snapshot;
use layout::gv::DotParser;
use layout::gv::parser::ast::{self, Stmt};
use neural_compiler::internals::picture::{GroupId, Kind, Node};
use neural_compiler::{CompileOptions, Detail, Picture, Program, Subject};

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
