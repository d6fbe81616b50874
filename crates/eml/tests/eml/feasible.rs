//! Whether functions can be trees.

use nc_eml::feasible::{Refused, Report, Verdict, What, feasible};
use neural_compiler::Program;

fn report(text: &str) -> Report {
    feasible(&Program::parse(text).expect("a program")).unwrap_or_else(|refused| panic!("{text}: {refused}"))
}

#[test]
fn verdicts() {
    use Verdict::{No, Open, Partly, Piecewise, Yes};
    for (text, real, complex) in [
        ("(exp x)", Yes, Yes),
        ("(exp (exp x))", Yes, Yes),
        ("(log x)", Yes, Yes),
        ("(values (growth (exp x)))", Yes, Yes),
        ("(exp (- (* x x)))", Partly, Yes),
        ("(abs (* x x))", Partly, Yes),
        // Known trees have values on one side only.
        ("(/ 1 x)", Partly, Yes),
        ("(cbrt x)", Partly, Yes),
        // Finitely many zeros, of the function and of its derivatives.
        ("(sin x)", No, Yes),
        ("(+ (* 9 x) (sin x))", No, Yes),
        ("(sin (* 1000 x))", No, Yes),
        ("(tan x)", No, Yes),
        // Analytic where it has values.
        ("(max 0 x)", Piecewise, Piecewise),
        ("(max 0 (- (square x) 2))", Piecewise, Piecewise),
        ("(floor x)", Piecewise, Piecewise),
        ("(if (< x 1) 1 2)", Piecewise, Piecewise),
        ("(sqrt (abs x))", Piecewise, Piecewise),
        ("(max 0 (* x x x))", Open, Piecewise),
        // Steep, and smooth.
        ("(tanh (* 1e4 x))", Partly, Yes),
        // Elementary.
        ("(erf x)", No, No),
        ("(* x (normal-cdf x))", No, No),
        ("(gamma (+ 11 x))", No, No),
        ("(bessel-j0 x)", No, No),
        ("(lambert-w (exp x))", No, No),
        ("(+ x (erf 0.5))", Partly, Yes),
        ("(define (f n v) (if (< n 1) (erf v) (f (- n 1) v))) (f 3 x)", No, No),
    ] {
        let found = report(text);
        assert_eq!((found.real, found.complex), (real, complex), "{text}: {found:?}");
    }
}

#[test]
fn reasons() {
    let found = report("(+ (max 0 (- x 1.5)) (/ 1 (+ x 2)))");
    let [pole, kink] = found.places[..] else { panic!("{found:?}") };
    assert_eq!((pole.x, pole.what), (-2.0, What::Pole));
    assert_eq!(kink.x, 1.5);
    let What::Kink(below, above) = kink.what else { panic!("{kink:?}") };
    assert!((below + 1.0 / 12.25).abs() < 1e-9 && (above - below - 1.0).abs() < 1e-9, "{kink:?}");
    let found = report("(sign (- x 3))");
    assert_eq!(found.places.len(), 1);
    assert_eq!((found.places[0].x, found.places[0].what), (3.0, What::Jump(-1.0, 1.0)));
    let found = report("(+ (* 9 x) (sin x))");
    let zeros = found.zeros.expect("many");
    // Of the second derivative: 2·320/π in the longest.
    assert_eq!((zeros.order, zeros.counts.last().expect("counts").1), (2, 203));
    assert_eq!(report("(* (erf x) (gamma x))").not_elementary, ["erf", "gamma"]);
    assert!((report("(log x)").without_value - 0.5).abs() < 1e-3);
    assert!(matches!(feasible(&Program::parse("(* x y)").expect("a program")), Err(Refused::Variables(2))));
    assert!(matches!(feasible(&Program::parse("[x x]").expect("a program")), Err(Refused::NoNumber)));
}
