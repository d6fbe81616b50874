//! Equalities between formulas, each with where it holds.
//!
//! They are applied in e-graphs of which everything is on the domain of one tree, so a rule needs no condition for what
//! its left side presumes already: that operands of `log` are positive and denominators not 0. What is left is a
//! condition on classes, and a rule is applied only where the condition is proved. No rule makes a logarithm or a
//! denominator that is not proved to be defined.

use egg::{Id, Pattern, Rewrite, Subst, Var};

use super::terms::{Facts, Graph, Term};

/// Where an equality holds.
#[derive(Debug, Clone, Copy)]
enum Holds {
    /// Wherever its left side is defined.
    Everywhere,
    /// Where these variables are positive.
    Positive(&'static [&'static str]),
}

use Holds::{Everywhere, Positive};

/// From left to right, the size does not grow, or grows towards a form in which others apply.
const DIRECTED: &[(&str, &str, Holds)] = &[
    ("(eml ?a ?b)", "(- (exp ?a) (log ?b))", Everywhere),
    ("(log (exp ?a))", "?a", Everywhere),
    ("(exp (log ?a))", "?a", Everywhere),
    ("(exp (- ?a ?b))", "(/ (exp ?a) (exp ?b))", Everywhere),
    ("(exp (+ ?a ?b))", "(* (exp ?a) (exp ?b))", Everywhere),
    ("(exp (neg ?a))", "(/ 1 (exp ?a))", Everywhere),
    ("(log (/ ?a ?b))", "(- (log ?a) (log ?b))", Positive(&["?a", "?b"])),
    ("(log (* ?a ?b))", "(+ (log ?a) (log ?b))", Positive(&["?a", "?b"])),
    ("(log (pow ?a ?b))", "(* ?b (log ?a))", Positive(&["?a"])),
    ("(log (sqrt ?a))", "(* 1/2 (log ?a))", Positive(&["?a"])),
    ("(exp (* ?b (log ?a)))", "(pow ?a ?b)", Everywhere),
    ("(exp (* (log ?a) ?b))", "(pow ?a ?b)", Everywhere),
    ("(exp (/ (log ?a) ?b))", "(pow ?a (/ 1 ?b))", Everywhere),
    ("(pow ?a 1)", "?a", Everywhere),
    ("(pow ?a 2)", "(* ?a ?a)", Everywhere),
    ("(pow ?a 3)", "(* ?a (* ?a ?a))", Everywhere),
    ("(pow ?a -1)", "(/ 1 ?a)", Positive(&["?a"])),
    ("(pow ?a 1/2)", "(sqrt ?a)", Positive(&["?a"])),
    ("(sqrt (* ?a ?a))", "?a", Positive(&["?a"])),
    ("(* (sqrt ?a) (sqrt ?a))", "?a", Everywhere),
    ("(- ?a ?a)", "0", Everywhere),
    ("(- ?a 0)", "?a", Everywhere),
    ("(+ ?a 0)", "?a", Everywhere),
    ("(+ 0 ?a)", "?a", Everywhere),
    ("(- 0 ?a)", "(neg ?a)", Everywhere),
    ("(neg (neg ?a))", "?a", Everywhere),
    ("(- ?a (neg ?b))", "(+ ?a ?b)", Everywhere),
    ("(+ ?a (neg ?b))", "(- ?a ?b)", Everywhere),
    ("(+ (neg ?a) ?b)", "(- ?b ?a)", Everywhere),
    ("(neg (- ?a ?b))", "(- ?b ?a)", Everywhere),
    ("(- (neg ?a) ?b)", "(neg (+ ?a ?b))", Everywhere),
    ("(- ?a (- ?a ?b))", "?b", Everywhere),
    ("(- (- ?a ?b) ?a)", "(neg ?b)", Everywhere),
    ("(- ?a (- ?b ?c))", "(+ (- ?a ?b) ?c)", Everywhere),
    ("(- (+ ?a ?b) ?b)", "?a", Everywhere),
    ("(- (+ ?a ?b) ?a)", "?b", Everywhere),
    ("(- ?a (+ ?a ?b))", "(neg ?b)", Everywhere),
    ("(- ?a (+ ?b ?a))", "(neg ?b)", Everywhere),
    ("(+ (- ?a ?b) ?b)", "?a", Everywhere),
    ("(+ ?b (- ?a ?b))", "?a", Everywhere),
    ("(* ?a 1)", "?a", Everywhere),
    ("(* 1 ?a)", "?a", Everywhere),
    ("(* ?a 0)", "0", Everywhere),
    ("(* -1 ?a)", "(neg ?a)", Everywhere),
    ("(/ ?a 1)", "?a", Everywhere),
    ("(/ ?a ?a)", "1", Everywhere),
    ("(/ 0 ?a)", "0", Everywhere),
    ("(/ ?a (/ ?b ?c))", "(/ (* ?a ?c) ?b)", Everywhere),
    ("(/ (* ?a ?b) ?b)", "?a", Everywhere),
    ("(/ (* ?a ?b) ?a)", "?b", Everywhere),
    ("(* (/ ?a ?b) ?b)", "?a", Everywhere),
    ("(* ?b (/ ?a ?b))", "?a", Everywhere),
    ("(/ ?a (* ?a ?b))", "(/ 1 ?b)", Everywhere),
    ("(/ (/ ?a ?b) ?a)", "(/ 1 ?b)", Everywhere),
    ("(* ?a (/ 1 ?b))", "(/ ?a ?b)", Everywhere),
    ("(* (/ 1 ?b) ?a)", "(/ ?a ?b)", Everywhere),
    ("(* (neg ?a) ?b)", "(neg (* ?a ?b))", Everywhere),
    ("(* ?a (neg ?b))", "(neg (* ?a ?b))", Everywhere),
    ("(/ (neg ?a) ?b)", "(neg (/ ?a ?b))", Everywhere),
    ("(/ ?a (neg ?b))", "(neg (/ ?a ?b))", Everywhere),
    ("(+ (* ?a ?b) (* ?a ?c))", "(* ?a (+ ?b ?c))", Everywhere),
    ("(- (* ?a ?b) (* ?a ?c))", "(* ?a (- ?b ?c))", Everywhere),
    ("(- (/ ?a ?c) (/ ?b ?c))", "(/ (- ?a ?b) ?c)", Everywhere),
    ("(+ (/ ?a ?c) (/ ?b ?c))", "(/ (+ ?a ?b) ?c)", Everywhere),
    ("(- (- ?a ?b) (- ?a ?c))", "(- ?c ?b)", Everywhere),
    ("(- (- ?a ?b) (- ?c ?b))", "(- ?a ?c)", Everywhere),
    ("(+ ?a ?a)", "(* 2 ?a)", Everywhere),
];

/// Those that only arrange operands: from left to right and back they could go on for ever.
const ARRANGING: &[(&str, &str, Holds)] = &[
    ("(+ ?a ?b)", "(+ ?b ?a)", Everywhere),
    ("(* ?a ?b)", "(* ?b ?a)", Everywhere),
    ("(+ ?a (+ ?b ?c))", "(+ (+ ?a ?b) ?c)", Everywhere),
    ("(* ?a (* ?b ?c))", "(* (* ?a ?b) ?c)", Everywhere),
    ("(- (- ?a ?b) ?c)", "(- ?a (+ ?b ?c))", Everywhere),
    ("(- (- ?a ?b) ?c)", "(- (- ?a ?c) ?b)", Everywhere),
    ("(- ?a (+ ?b ?c))", "(- (- ?a ?b) ?c)", Everywhere),
    ("(- (+ ?a ?b) ?c)", "(+ ?a (- ?b ?c))", Everywhere),
    ("(+ ?a (- ?b ?c))", "(- (+ ?a ?b) ?c)", Everywhere),
    ("(/ (/ ?a ?b) ?c)", "(/ ?a (* ?b ?c))", Everywhere),
    ("(/ (/ ?a ?b) ?c)", "(/ (/ ?a ?c) ?b)", Everywhere),
    ("(/ (* ?a ?b) ?c)", "(* ?a (/ ?b ?c))", Everywhere),
    ("(* ?a (/ ?b ?c))", "(/ (* ?a ?b) ?c)", Everywhere),
    ("(/ (exp ?a) (exp ?b))", "(exp (- ?a ?b))", Everywhere),
    ("(* (exp ?a) (exp ?b))", "(exp (+ ?a ?b))", Everywhere),
    ("(/ 1 (exp ?a))", "(exp (neg ?a))", Everywhere),
    ("(- (log ?a) (log ?b))", "(log (/ ?a ?b))", Everywhere),
    ("(+ (log ?a) (log ?b))", "(log (* ?a ?b))", Everywhere),
];

/// Operations as trees.
const CONSTRUCTING: &[(&str, &str, Holds)] = &[
    ("(exp ?a)", "(eml ?a 1)", Everywhere),
    ("(log ?a)", "(eml 1 (eml (eml 1 ?a) 1))", Everywhere),
    ("(- (exp ?a) (log ?b))", "(eml ?a ?b)", Everywhere),
    ("(- (exp ?a) ?b)", "(eml ?a (exp ?b))", Everywhere),
    ("(- ?a (log ?b))", "(eml (log ?a) ?b)", Positive(&["?a"])),
    ("(- ?a ?b)", "(eml (log ?a) (exp ?b))", Positive(&["?a"])),
    ("(+ ?a ?b)", "(- (exp ?a) (- (- (exp ?a) ?a) ?b))", Everywhere),
    ("(* ?a ?b)", "(exp (- (exp 1) (- (- (exp 1) (log ?a)) (log ?b))))", Positive(&["?a", "?b"])),
    ("(/ ?a ?b)", "(exp (- (- (exp 1) (log ?b)) (- (exp 1) (log ?a))))", Positive(&["?a", "?b"])),
    ("(neg ?a)", "(- (- (exp 1) ?a) (exp 1))", Everywhere),
    ("(neg ?a)", "(- 1 (- (exp 1) (- (- (exp 1) 1) ?a)))", Everywhere),
    ("(- (log ?a) (log ?b))", "(- (- (exp 1) (log ?b)) (- (exp 1) (log ?a)))", Everywhere),
    ("(- (log ?a) (log ?b))", "(- (- ?b (log ?b)) (- ?b (log ?a)))", Everywhere),
    ("(* ?a ?b)", "(exp (- ?a (- (- ?a (log ?a)) (log ?b))))", Positive(&["?a", "?b"])),
    ("(/ ?a ?b)", "(exp (- (log ?a) (log ?b)))", Positive(&["?a", "?b"])),
    ("0", "(log 1)", Everywhere),
];

fn rewrites(list: &[(&'static str, &'static str, Holds)]) -> Vec<Rewrite<Term, Facts>> {
    list.iter().filter_map(|&(left, right, holds)| rewrite(left, right, holds)).collect()
}

fn rewrite(left: &str, right: &str, holds: Holds) -> Option<Rewrite<Term, Facts>> {
    let name = format!("{left} => {right}");
    let searcher: Pattern<Term> = left.parse().ok()?;
    let applier: Pattern<Term> = right.parse().ok()?;
    match holds {
        Everywhere => Rewrite::new(name, searcher, applier).ok(),
        Positive(names) => {
            let variables: Vec<Var> = names.iter().filter_map(|name| name.parse().ok()).collect();
            let condition = move |graph: &mut Graph, _: Id, subst: &Subst| {
                variables.iter().all(|&variable| graph[subst[variable]].data.positive)
            };
            let applier = egg::ConditionalApplier { condition, applier };
            Rewrite::new(name, searcher, applier).ok()
        }
    }
}

/// Rules that simplify.
pub fn directed() -> Vec<Rewrite<Term, Facts>> {
    rewrites(DIRECTED)
}

/// Rules that simplify, and those that arrange operands for them.
pub fn all() -> Vec<Rewrite<Term, Facts>> {
    [rewrites(DIRECTED), rewrites(ARRANGING)].concat()
}

/// Rules that write operations as trees.
pub fn constructing() -> Vec<Rewrite<Term, Facts>> {
    rewrites(CONSTRUCTING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_one() {
        assert_eq!(all().len(), DIRECTED.len() + ARRANGING.len());
        assert_eq!(constructing().len(), CONSTRUCTING.len());
    }
}
