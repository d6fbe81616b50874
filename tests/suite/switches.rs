//! Programs with their choices held.

use neural_compiler::{Program, Switches};

fn switches(text: &str, most: usize) -> Option<Switches> {
    let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let found = program.switches(|input| input == "x" || input == "t", "side", most);
    if let Some(found) = &found {
        let held = Program::parse(&found.text).unwrap_or_else(|error| panic!("{}: {error}", found.text));
        assert!(held.inputs().any(|input| input == "side"), "{}", found.text);
        // All inputs but the sides are those of the program.
        assert!(
            held.inputs()
                .filter(|input| *input != "side")
                .all(|input| program.inputs().any(|known| known == input))
        );
    }
    found
}

#[test]
fn comparisons_are_positive_where_they_hold() {
    for (text, expected) in [
        ("(if (< x k) 1 2)", "(vec (- k x))"),
        ("(if (>= k x) 1 2)", "(vec (- k x))"),
        ("(if (not (<= x t)) 1 2)", "(vec (- t x))"),
        // An arm that is not taken decides nothing.
        ("(if (> x 0) (if (> x 1) 1 2) 3)", "(vec (- x 0) (if (> x 0) (- x 1) 1))"),
        ("(if (and (> x 0) (> t 1)) 1 2)", "(vec (- x 0) (if (> x 0) (- t 1) 1))"),
    ] {
        let found = switches(text, 8).unwrap_or_else(|| panic!("{text}"));
        assert!(found.text.contains(expected), "{text}: {}", found.text);
    }
}

#[test]
fn functions_stand_in_place_of_their_calls() {
    let found =
        switches("(define (f s) (if (> s 1) 2 s)) (define (g s) (f (+ s 1))) (* (g x) (f k) (f t))", 8);
    assert_eq!(found.expect("comparisons").count, 2);
    // Local names are not those of the top level.
    let found = switches("(define k 3) (define (f s) (if (> s k) 2 1)) (let ((k x)) (f (+ k 1)))", 8);
    let text = found.expect("a comparison").text;
    let program = Program::parse(&text).expect("a program");
    let kernel = program
        .compile(&neural_compiler::CompileOptions::default().signature(
            neural_compiler::Signature::scalars().shape("side", neural_compiler::Shape::Vector(1)),
        ))
        .expect("a kernel");
    let found = kernel.evaluate_named(&[("x", &[5.0]), ("side", &[1.0])]).expect("values");
    assert_eq!((found.get("value").expect("a value")[0], found.get("side[0]").expect("one")[0]), (2.0, 3.0));
}

#[test]
fn what_is_left_as_it_is() {
    for text in [
        // Neither by the inputs that vary, nor a comparison that jumps.
        "(* x (if (> k 0) 1 2))",
        "(* x (max t 1))",
        "(if (= x 1) 2 3)",
        // In a loop, in a recursion, and as a value.
        "(loop ((i 0) (s x)) (if (< i 3) (recur (+ i 1) (* s s)) s))",
        "(define (f s) (if (> s 1) (f (- s 1)) s)) (f x)",
        "(define (twice f s) (f (f s))) (twice (lambda (s) (if (> s 1) 1 s)) x)",
        // What the held program is made with means something else.
        "(define (ref a) (+ a 1)) (if (> x 0) (ref x) 1)",
        "(define (> a b) (- a b)) (if (> x 0) 1 2)",
        "(if (> x side) 1 2)",
    ] {
        assert_eq!(switches(text, 8), None, "{text}");
    }
    assert_eq!(switches("(if (> x 0) (if (> x 1) 1 2) 3)", 1), None);
    let nested = (0..2000).fold("x".to_owned(), |inner, k| format!("(if (> x {k}) {inner} {k})"));
    assert_eq!(switches(&nested, 32), None);
}
