//! The textual form of ANF: Scheme again, with one operation a line.

use std::fmt::Write;

use super::{Anf, Atom, Block, BlockId, DeriveForm, End, Operand, Rhs};
use crate::number::number;

/// Deeper blocks are not indented further, so that the text grows with the size of the program.
const MAX_INDENT: usize = 24;

enum Item {
    Block(BlockId, usize),
    Binding(BlockId, usize, usize),
    Text(String),
}

/// Functions first, then the program.
pub fn dump(anf: &Anf) -> String {
    let mut text = String::new();
    for function in anf.functions.values() {
        let names: Vec<&str> = function.params.iter().map(|&p| anf.vars[p].name.as_str()).collect();
        let _ = write!(text, "(define ({}", function.name);
        for name in names {
            let _ = write!(text, " {name}");
        }
        text.push_str(")\n  ");
        print(anf, function.body, None, &mut text);
        text.push_str(")\n");
    }
    let inputs: Vec<&str> = anf.inputs.iter().map(|&v| anf.vars[v].name.as_str()).collect();
    let _ = writeln!(text, "; inputs: {}", if inputs.is_empty() { "none".into() } else { inputs.join(" ") });
    if let Some(main) = anf.main {
        let result = match anf.result_names.as_slice() {
            [] => None,
            names => {
                let parts: Vec<String> = names
                    .iter()
                    .zip(&anf.results)
                    .map(|(name, &atom)| format!("({name} {})", self::atom(anf, atom)))
                    .collect();
                Some(format!("(values {})", parts.join(" ")))
            }
        };
        print(anf, main, result, &mut text);
        text.push('\n');
    }
    text
}

fn atom(anf: &Anf, atom: Atom) -> String {
    match atom {
        Atom::Literal(literal) => number(literal.f64),
        Atom::Var(var) => anf.vars[var].name.to_string(),
    }
}

fn ending(anf: &Anf, end: &End) -> String {
    match end {
        End::Value(value) => atom(anf, *value),
        End::Recur(values) => {
            let mut text = "(recur".to_string();
            operands(anf, values, &mut text);
            text + ")"
        }
    }
}

fn operands(anf: &Anf, operands: &[Operand], text: &mut String) {
    for operand in operands {
        let _ = write!(text, " {}", atom(anf, operand.atom));
    }
}

fn print(anf: &Anf, block: BlockId, main_result: Option<String>, text: &mut String) {
    let mut main_result = main_result;
    let mut left = vec![Item::Block(block, 0)];
    while let Some(item) = left.pop() {
        match item {
            Item::Text(words) => text.push_str(&words),
            Item::Block(id, depth) => {
                let Block { bindings, end } = &anf.blocks[id];
                let result = main_result.take().unwrap_or_else(|| ending(anf, end));
                if bindings.is_empty() {
                    text.push_str(&result);
                    continue;
                }
                text.push_str("(let* (");
                left.push(Item::Text(format!(")\n{}{result})", indent(depth + 1))));
                left.push(Item::Binding(id, 0, depth));
            }
            Item::Binding(id, k, depth) => {
                let bindings = &anf.blocks[id].bindings;
                let binding = &bindings[k];
                if k > 0 {
                    let _ = write!(text, "\n{}", indent(depth + 3));
                }
                let _ = write!(text, "({} ", anf.vars[binding.var].name);
                if k + 1 < bindings.len() {
                    left.push(Item::Binding(id, k + 1, depth));
                }
                match &binding.rhs {
                    Rhs::Constant(literal) => {
                        let _ = write!(text, "{})", number(literal.f64));
                    }
                    Rhs::Primitive(primitive, args) => {
                        let _ = write!(text, "({}", primitive.name());
                        operands(anf, args, text);
                        text.push_str("))");
                    }
                    Rhs::Call(function, args) => {
                        let _ = write!(text, "({}", anf.functions[*function].name);
                        operands(anf, args, text);
                        text.push_str("))");
                    }
                    Rhs::Derive(form, function, args) => {
                        let name = &anf.functions[*function].name;
                        let _ = match form {
                            DeriveForm::Derivative { .. } if args.len() == 1 => write!(text, "((D {name})"),
                            DeriveForm::Derivative { param } => write!(text, "(((partial {param}) {name})"),
                            DeriveForm::Jvp => write!(text, "(jvp {name}"),
                            DeriveForm::Vjp => write!(text, "(vjp {name}"),
                        };
                        operands(anf, args, text);
                        text.push_str("))");
                    }
                    Rhs::Loop(inner) => {
                        text.push_str("(loop (");
                        for (k, (&var, init)) in inner.vars.iter().zip(&inner.inits).enumerate() {
                            let init = init.map_or("_".to_string(), |operand| atom(anf, operand.atom));
                            let space = if k == 0 { "" } else { " " };
                            let _ = write!(text, "{space}({} {init})", anf.vars[var].name);
                        }
                        let _ = write!(text, ")\n{}", indent(depth + 5));
                        left.extend([Item::Text("))".into()), Item::Block(inner.body, depth + 5)]);
                    }
                    Rhs::If(condition, then, other) => {
                        let inner = depth + 5;
                        let _ = write!(text, "(if {}\n{}", atom(anf, condition.atom), indent(inner));
                        left.extend([
                            Item::Text("))".into()),
                            Item::Block(*other, inner),
                            Item::Text(format!("\n{}", indent(inner))),
                            Item::Block(*then, inner),
                        ]);
                    }
                }
            }
        }
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth.min(MAX_INDENT))
}
