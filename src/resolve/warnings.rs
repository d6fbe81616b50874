//! Inputs that look like slips.

use std::collections::HashSet;

use super::Resolved;
use crate::names::Var;
use crate::problem::{Problem, ProblemKind, Vocabulary, look_alike};
use crate::source::Span;

/// Warns of inputs that look like misspelt names of the program.
pub(super) fn near_misses(resolved: &mut Resolved, free: &[(Span, Var)], vocabulary: Vocabulary) {
    let inputs: HashSet<Var> = free.iter().map(|&(_, var)| var).collect();
    if inputs.len() > 100 {
        return;
    }
    for &(span, input) in free {
        let name = &resolved.vars[input].name.clone();
        let sign = name.chars().find_map(|sign| Some((sign, look_alike(sign)?)));
        if let Some((sign, like)) = sign {
            let kind = ProblemKind::LookAlike { name: name.to_string(), sign, like };
            resolved.warnings.push(Problem::new(span, kind));
            continue;
        }
        if vocabulary.operators_in_names && is_like_formula(name) {
            let kind = ProblemKind::LikeFormula { name: name.to_string() };
            resolved.warnings.push(Problem::new(span, kind));
            continue;
        }
        let bound = resolved.vars.iter().take(1000).find(|(var, info)| {
            let letters = info.name.chars().count();
            !inputs.contains(var)
                && !is_numbered(name, &info.name)
                && letters > 3
                && letters.abs_diff(name.chars().count()) <= 1
                && strsim::damerau_levenshtein(&info.name, name) == 1
        });
        if let Some((_, info)) = bound {
            let (name, similar, bound) = (name.clone(), info.name.clone(), info.span);
            let kind = ProblemKind::NearMiss { name: name.into(), similar: similar.into(), bound };
            resolved.warnings.push(Problem::new(span, kind));
        }
    }
}

/// Whether a name has `*`, `^` or `+` between two letters, digits or parts in brackets: `m*v^2/2`.
fn is_like_formula(name: &str) -> bool {
    let operand = |c: char| c.is_alphanumeric() || "_()[]".contains(c);
    let characters: Vec<char> = name.chars().collect();
    characters.windows(3).any(|w| operand(w[0]) && matches!(w[1], '*' | '^' | '+') && operand(w[2]))
}

/// Whether two names differ by the digits that one of them ends in: `theta0` is the first `theta`, and no slip.
fn is_numbered(a: &str, b: &str) -> bool {
    let stem = |name: &'_ str| name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    a[..stem(a)] == b[..stem(b)]
}
