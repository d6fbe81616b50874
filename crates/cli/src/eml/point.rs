//! Options for the point at which a tree is looked at.

use nc_eml::{Fault, FaultKind, Mode, Tree, TreeNode};
use neural_compiler::{Diagnostic, Shape};
use num_complex::Complex64;
use serde_json::{Value as Json, json};

use crate::report::{Failure, SourceText};
use crate::text::{self, Setting, closest};

/// The point.
#[derive(Debug, clap::Args)]
pub struct PointArgs {
    /// Values of the variables, such as x=0.5,z=1+2i
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = text::parse_setting, allow_hyphen_values = true)]
    at: Vec<Setting>,
}

impl PointArgs {
    /// The values of the tree's variables, in their order.
    pub fn of(&self, source: &SourceText, tree: &Tree) -> Result<Vec<Complex64>, Failure> {
        let variables: Vec<&str> = tree.variables().iter().map(String::as_str).collect();
        for (k, setting) in self.at.iter().enumerate() {
            let name = setting.name.as_str();
            if !variables.contains(&name) {
                let mut message = format!("--at: {} has no variable `{name}`", source.name);
                if let Some(close) = closest(name, &variables) {
                    message += &format!("; is it `{close}`?");
                }
                return Err(Failure::message("unknown-input", message));
            }
            if self.at[..k].iter().any(|before| before.name == name) {
                return Err(Failure::usage(format!("--at: `{name}` is set twice")));
            }
        }
        let value = |name: &&str| {
            let setting = self.at.iter().find(|setting| setting.name == *name);
            match setting.map(|setting| (setting.shape, setting.data.as_slice())) {
                Some((Shape::Scalar, [value])) => Ok(value.f64.into()),
                Some((Shape::Complex, [re, im])) => Ok(Complex64::new(re.f64, im.f64)),
                Some(_) => Err(Failure::usage(format!("--at: `{name}` takes one number"))),
                None => {
                    let message = format!("{}: no value for the variable `{name}`", source.name);
                    Err(Failure::message("missing-input", message)
                        .note(format!("give it with --at {name}=…")))
                }
            }
        };
        variables.iter().map(value).collect()
    }
}

/// A node that has no value, as an error in the text.
pub fn no_value(source: &SourceText, tree: &Tree, fault: Fault, help: bool) -> Failure {
    let message = format!("the tree has no value at this point: {}", fault.kind);
    let mut error =
        Diagnostic::error("no-value", tree.span(fault.node), message).label(tree.excerpt(fault.node));
    if help && fault.kind == FaultKind::Overflow {
        error = error.help("`nc eml eval --scaled` evaluates it over the reals beyond the range of binary64");
    }
    Failure::Source(source.clone(), vec![error])
}

/// A number of this mode, for people.
pub fn shown(value: Complex64) -> String {
    if value.im == 0.0 {
        return text::number(value.re);
    }
    let sign = if value.im < 0.0 { "−" } else { "+" };
    format!("{} {sign} {}i", text::number(value.re), text::number(value.im.abs()))
}

/// A number as JSON: both parts over the complex numbers.
pub fn shown_json(mode: Mode, value: Complex64) -> Json {
    match mode {
        Mode::Complex => json!([text::json_number(value.re), text::json_number(value.im)]),
        Mode::Real | Mode::Extended => text::json_number(value.re),
    }
}

/// A node with its place, for people.
pub fn node_text(source: &SourceText, tree: &Tree, node: TreeNode) -> String {
    let (line, column) = source.place(tree.span(node).start as usize);
    format!("{} at {line}:{column}", tree.excerpt(node))
}

/// A node with its place as JSON.
pub fn node_json(source: &SourceText, tree: &Tree, node: TreeNode) -> Json {
    let span = tree.span(node);
    let (line, column) = source.place(span.start as usize);
    json!({
        "node": tree.excerpt(node),
        "place": { "start": span.start, "end": span.end, "line": line, "column": column },
    })
}
