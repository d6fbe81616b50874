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
        ("(if (> x 0) (if (> x 1) 1 2) 3)", "(vec (- x 0) (if (> (ref side 0) 0) (- x 1) 1))"),
        ("(if (and (> x 0) (> t 1)) 1 2)", "(vec (- x 0) (if (> (ref side 0) 0) (- t 1) 1))"),
        // Truth values that are no conditions, chains, and signs.
        ("(* 3 (> x 0))", "(vec (- x 0))"),
        ("(let ((c (< x 1))) (if c 1 2))", "(vec (- 1 x))"),
        ("(if (< 0 x 1) 1 2)", "(vec (- x 0) (if (> (ref side 0) 0) (- 1 x) 1))"),
        // What jumps itself is no side of another.
        (
            "(if (> (+ x (> t 1)) k) 1 2)",
            "(values (value (if (> (+ x (> (ref side 0) 0)) k) 1 2)) (side (vec (- t 1))))",
        ),
        ("(sign (- x k))", "(vec (- (- x k) 0))"),
        ("(+ (copysign k x) t)", "(copysign k (ref side 0))"),
    ] {
        let found = switches(text, 8).unwrap_or_else(|| panic!("{text}"));
        assert!(found.text.contains(expected), "{text}: {}", found.text);
    }
}

#[test]
fn functions_stand_in_place_of_their_calls() {
    let found =
        switches("(define (f s) (if (> s 1) 2 s)) (define (g s) (f (+ s 1))) (* (g x) (f k) (f t))", 8);
    assert_eq!(found.expect("comparisons").at_zero, [false, false]);
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
        "(if (< (modulo t 1) k) 1 0)",
        "(sign (floor x))",
        "(define (sign s) (* 2 s)) (sign x)",
        "(let ((y (if (> k 0) 1 0))) (if (> x y) 1 2))",
        "(define (f s) (floor s)) (if (> x (f t)) 1 2)",
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

#[test]
fn truth_values_as_numbers() {
    let boundary = |text: &str| {
        let program = Program::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        program.boundary().map(|found| found.map(|text| text.trim().to_owned()))
    };
    for (text, expected) in [
        ("(< x 1)", "(- 1 x)"),
        ("(>= x 1)", "(- x 1)"),
        ("(< 0 x 1)", "(min (- x 0) (- 1 x))"),
        ("(not (< x 1))", "(- (- 1 x))"),
        ("(and (< x 1) (> t 2) (< x t))", "(min (- 1 x) (min (- t 2) (- t x)))"),
        ("(or (< x 1) (> t 2))", "(max (- 1 x) (- t 2))"),
        ("(if (> x 1) (> x 2) (< x 0))", "(max (min (- x 1) (- x 2)) (min (- (- x 1)) (- 0 x)))"),
        ("(let ((y (* 2 x))) (< y 1))", "(let ((y (* 2 x))) (- 1 y))"),
    ] {
        assert_eq!(boundary(text), Ok(Some(expected.to_owned())), "{text}");
    }
    for number in ["x", "(- x 1)", "(if (< x 1) 2 3)", "(if (< x 1) 1 x)", "(define (> a b) (- a b)) (> x 1)"]
    {
        assert_eq!(boundary(number), Ok(None), "{number}");
    }
    for text in [
        "(= x 1)",
        "(and (< x 1) (= t 1))",
        "(or (= x 1) (< t 1))",
        "(not (= x t))",
        "(* 2 (= x 1))",
        "(- 1 (if (< x 1) (= t 1) 0))",
    ] {
        let span = boundary(text).expect_err("no sides");
        assert!(text[span.start as usize..].starts_with("(= "), "{text}: {span:?}");
    }
}
