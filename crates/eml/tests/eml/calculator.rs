//! The calculator as EML trees: sizes, values in high precision and in doubles, and the points that it excludes.

use insta::assert_snapshot;
use nc_eml::calculator::{CALCULATOR, Entry, find};
use nc_eml::check::{AtPoint, roughly, strictly};
use nc_eml::{FaultKind, Kind, Mode, evaluate};

fn entry(name: &str) -> &'static Entry {
    find(name).expect(name)
}

/// Points of the stated domain that look random.
fn points(entry: &Entry, count: usize) -> Vec<Vec<f64>> {
    let mut state = 17u64;
    let mut between = |(low, high): (f64, f64)| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        low + (high - low) * (state >> 11) as f64 * 2f64.powi(-53)
    };
    if entry.operands.is_empty() {
        return vec![Vec::new()];
    }
    (0..count).map(|_| entry.domain.iter().map(|&interval| between(interval)).collect()).collect()
}

#[test]
fn sizes() {
    let mut table = String::new();
    for entry in CALCULATOR {
        let sizes = entry.tree().sizes();
        table += &format!(
            "{} nodes {} K {} depth {} shared {}\n",
            entry.name, sizes.nodes, sizes.rpn_length, sizes.depth, sizes.shared_nodes
        );
    }
    assert_snapshot!(table);
}

#[test]
fn all_of_the_paper_are_there_once() {
    assert_eq!(CALCULATOR.iter().filter(|entry| entry.is_published()).count(), 36);
    for (index, entry) in CALCULATOR.iter().enumerate() {
        assert!(CALCULATOR[..index].iter().all(|other| other.name != entry.name), "{}", entry.name);
        assert_eq!(entry.domain.len(), entry.operands.len(), "{}", entry.name);
        assert_eq!(entry.function().is_some(), entry.target.is_some(), "{}", entry.name);
    }
}

#[test]
fn right_in_high_precision_on_the_stated_domain() {
    for entry in CALCULATOR {
        let Some(target) = entry.function() else { continue };
        for point in strictly(&entry.tree(), target, entry.mode, &points(entry, 5)) {
            assert!(point.passed(), "{}: {point:?}", entry.name);
        }
    }
}

#[test]
fn errors_in_doubles_are_those_stated() {
    let mut wrong = Vec::new();
    for entry in CALCULATOR {
        let Some(target) = entry.function() else { continue };
        let relative = |point: AtPoint| point.error / point.expected.norm().max(1.0);
        let errors = points(entry, 400)
            .into_iter()
            .map(|at| relative(roughly(&entry.tree(), target, Mode::Complex, &at)));
        let worst = errors.fold(0.0, f64::max);
        // Within the bound, and the bound is of its size.
        if worst > entry.error || (entry.error > 1e-15 && worst < entry.error / 30.0) {
            wrong.push(format!("{}: {worst:.1e}, stated {:e}", entry.name, entry.error));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn where_a_logarithm_meets_zero() {
    let fault = |name: &str, x: f64| {
        let tree = entry(name).tree();
        let inputs = vec![x.into(); tree.variables().len()];
        evaluate(&tree, Mode::Complex, &inputs).map_err(|fault| (fault.kind, tree.excerpt(fault.node)))
    };
    let zero = |node: &str| Err((FaultKind::LogOfZero, node.to_string()));
    for name in ["half", "recip", "sqrt", "sqr", "cos", "sinh"] {
        assert!(matches!(fault(name, 0.0), Err((FaultKind::LogOfZero, _))), "{name}");
    }
    assert_eq!(fault("recip", 0.0), zero("eml(1,x)"));
    // The logarithm that atan takes at 0 is of a rounding error in doubles, and of 0 in high precision.
    assert_eq!(fault("atan", 0.0).map(|value| value.norm() < 1e-15), Ok(true));
    let atan = entry("atan");
    let strict = strictly(&atan.tree(), atan.function().expect("a target"), Mode::Complex, &[vec![0.0]]);
    assert_eq!(strict[0].value.map_err(|fault| fault.kind), Err(FaultKind::LogOfZero));
    assert!(matches!(fault("sqrt", 1.0), Err((FaultKind::LogOfZero, _))));
    // The wide forms of the trigonometric functions have a value at 0.
    for (name, value) in [("sin*", 0.0), ("cos*", 1.0), ("tan*", 0.0), ("sinh*", 0.0), ("tanh*", 0.0)] {
        let found = fault(name, 0.0).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        assert!((found - value).norm() < 1e-14, "{name}: {found}");
    }
    // `ln x` in the product by i.
    for name in ["sin", "cos", "tan"] {
        let tree = entry(name).tree();
        let fault = evaluate(&tree, Mode::Complex, &[0.0.into()]).expect_err(name);
        let Kind::Eml(_, operand) = tree.kind(fault.node) else { panic!("{name}: a leaf") };
        assert_eq!((fault.kind, tree.kind(operand)), (FaultKind::LogOfZero, Kind::Variable(0)), "{name}");
    }
}
