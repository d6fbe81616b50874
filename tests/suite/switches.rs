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

/// Values of a program with its choices held: of this result, and of the sides that the inputs are on.
fn held(found: &Switches, inputs: &[(&str, f64)], sides: &[f64]) -> (f64, Vec<f64>) {
    let program = Program::parse(&found.text).unwrap_or_else(|error| panic!("{}: {error}", found.text));
    let shape = neural_compiler::Shape::Vector(found.count as u32);
    let signature = neural_compiler::Signature::scalars().shape("side", shape);
    let options = neural_compiler::CompileOptions::default().signature(signature);
    let kernel = program.compile(&options).unwrap_or_else(|error| panic!("{}: {error}", found.text));
    let numbers: Vec<(&str, [f64; 1])> = inputs.iter().map(|&(name, x)| (name, [x])).collect();
    let mut named: Vec<(&str, &[f64])> = numbers
        .iter()
        .filter(|(name, _)| program.inputs().any(|input| input == *name))
        .map(|(name, x)| (*name, x.as_slice()))
        .collect();
    named.push(("side", sides));
    let values = kernel.evaluate_named(&named).expect("values");
    let side = |k| values.get(&format!("side[{k}]")).expect("a side")[0];
    (values.get("value").expect("a value")[0], (0..found.count).map(side).collect())
}

/// Sides of signs of the differences give the value that the program has, whatever the inputs; and without sides it is as it was.
#[test]
fn sides_decide_as_the_differences_do() {
    for (text, count) in [
        ("(if (< x k) 1 2)", 1),
        ("(if (>= k x) 1 2)", 1),
        ("(if (not (<= x t)) 1 2)", 1),
        ("(if (> x 0) (if (> x 1) 1 2) 3)", 2),
        ("(if (and (> x 0) (> t 1)) 1 2)", 2),
        // Truth values that are no conditions, chains, and signs.
        ("(* 3 (> x 0))", 1),
        ("(let ((c (< x 1))) (if c 1 2))", 1),
        ("(if (< 0 x 1) 1 2)", 2),
        ("(sign (- x k))", 1),
        ("(+ (copysign k x) t)", 1),
        ("(- (sign (- t x)) (copysign 2 (- x t)))", 2),
        // What is compared twice has one side, however it is written.
        ("(+ (if (< x 1) 1 0) (if (>= x 1) 2 0) (* 4 (< 1 x)))", 1),
        ("(define (f s) (if (> s 1) 2 s)) (- (* 3 (f x)) (if (<= x 1) 4 5))", 1),
        ("(if (> t 0) (if (> x 1) 1 2) (if (> x 1) 3 4))", 2),
        // What jumps itself is no side of another.
        ("(if (> (+ x (> t 1)) k) 1 2)", 1),
    ] {
        let found = switches(text, 8).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found.count, count, "{text}: {}", found.text);
        let program = Program::parse(text).expect("a program");
        let kernel = program.compile(&Default::default()).expect("a kernel");
        for (x, t, k) in [(0.3, 0.7, -0.2), (1.7, -0.4, 2.2), (-0.6, 1.9, -0.9), (2.4, 3.1, 1.1)] {
            let inputs = [("x", x), ("t", t), ("k", k)];
            let numbers: Vec<f64> = program
                .inputs()
                .map(|name| inputs.iter().find(|(known, _)| *known == name).expect("an input").1)
                .collect();
            let columns: Vec<[f64; 1]> = numbers.iter().map(|&x| [x]).collect();
            let columns: Vec<&[f64]> = columns.iter().map(|column| column.as_slice()).collect();
            let expected = kernel.columns(&columns).expect("a row")[0][0];
            let mut sides = vec![0.0; found.count];
            // An inner one counts where the outer ones lead to it.
            for _ in 0..=found.count {
                let (value, differences) = held(&found, &inputs, &sides);
                if sides.iter().all(|&side| side == 0.0) {
                    assert_eq!(value, expected, "{text} at {inputs:?}: {}", found.text);
                }
                sides = differences.iter().map(|difference| difference.signum()).collect();
            }
            assert_eq!(held(&found, &inputs, &sides).0, expected, "{text} at {inputs:?}: {}", found.text);
        }
    }
}

/// A difference of 0 but for rounding leaves a comparison as it is at 0, and a side holds it elsewhere.
#[test]
fn sides_hold_and_zeros_do_not() {
    let found = switches("(if (> x 1) 2 3)", 1).expect("a comparison");
    // On the side of the difference on which it holds.
    let holds = held(&found, &[("x", 2.0)], &[0.0]).1[0].signum();
    let value = |x: f64, side: f64| held(&found, &[("x", x)], &[side * holds]).0;
    assert_eq!((value(0.0, 1.0), value(0.0, -1.0), value(9.0, 1.0), value(9.0, -1.0)), (2.0, 3.0, 2.0, 3.0));
    assert_eq!(
        (value(1.0, 0.0), value(1.0 + 1e-15, 0.0), value(1.001, 0.0), value(0.999, 0.0)),
        (3.0, 3.0, 2.0, 3.0)
    );
    let found = switches("(sign (- x 1))", 1).expect("a sign");
    let value = |x: f64, side: f64| held(&found, &[("x", x)], &[side]).0;
    assert_eq!(
        (value(0.0, 1.0).abs(), value(1.0, 0.0), value(2.0, 0.0), value(0.0, 0.0)),
        (1.0, 0.0, 1.0, -1.0)
    );
}

#[test]
fn functions_stand_in_place_of_their_calls() {
    let found =
        switches("(define (f s) (if (> s 1) 2 s)) (define (g s) (f (+ s 1))) (* (g x) (f k) (f t))", 8);
    assert_eq!(found.expect("comparisons").count, 2);
    // Local names are not those of the top level.
    let found = switches("(define k 3) (define (f s) (if (> s k) 2 1)) (let ((k x)) (f (+ k 1)))", 8);
    let found = found.expect("a comparison");
    let (value, sides) = held(&found, &[("x", 5.0)], &[1.0]);
    assert!(value == 2.0 && sides[0].abs() == 3.0, "{value} {sides:?}");
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
