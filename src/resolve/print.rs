//! The first-order program as text: functions, callees first, then values and results.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{DeriveForm, Kind, Resolved};
use crate::ast::Expr;
use crate::entity::EntityVec;
use crate::names::{FuncId, Var};
use crate::number::number;

/// What is left to print.
enum Item {
    Expr(Expr),
    Text(&'static str),
    Made(String),
}

/// The program as S-expressions. What a function captures stands behind its parameters, after a `|`. Functions of one name
/// are told apart by numbers.
pub fn dump(program: &Resolved) -> String {
    let printer = Printer { program, names: names(program) };
    let mut text = String::new();
    if !program.inputs.is_empty() {
        let inputs: Vec<&str> = program.inputs.iter().map(|&var| printer.var(var)).collect();
        let _ = writeln!(text, "; inputs: {}", inputs.join(" "));
    }
    for &id in &program.order {
        let function = &program.functions[id];
        let _ = write!(text, "(define ({}", printer.names[id]);
        function.params.iter().for_each(|&param| text.extend([" ", printer.var(param)]));
        if !function.captures.is_empty() {
            text.push_str(" |");
            function.captures.iter().for_each(|&var| text.extend([" ", printer.var(var)]));
        }
        text.push_str(") ");
        printer.print(function.body, &mut text);
        text.push_str(")\n");
    }
    for &(var, value) in &program.globals {
        let _ = write!(text, "(define {} ", printer.var(var));
        printer.print(value, &mut text);
        text.push_str(")\n");
    }
    for (k, &result) in program.results.iter().enumerate() {
        if let Some(name) = program.result_names.get(k) {
            let _ = write!(text, "{name} = ");
        }
        printer.print(result, &mut text);
        text.push('\n');
    }
    text
}

/// Names of functions, all different.
fn names(program: &Resolved) -> EntityVec<FuncId, String> {
    let mut taken = HashMap::new();
    let mut names = EntityVec::new();
    for function in program.functions.values() {
        let count = taken.entry(function.name.as_str()).or_insert(0);
        *count += 1;
        names.push(match *count {
            1 => function.name.clone(),
            count => format!("{}.{count}", function.name),
        });
    }
    names
}

struct Printer<'a> {
    program: &'a Resolved,
    names: EntityVec<FuncId, String>,
}

impl Printer<'_> {
    fn var(&self, var: Var) -> &str {
        &self.program.vars[var].name
    }

    fn print(&self, expr: Expr, text: &mut String) {
        let mut left = vec![Item::Expr(expr)];
        let list = |head: String, args: &[Expr], left: &mut Vec<Item>| {
            left.push(Item::Text(")"));
            for &arg in args.iter().rev() {
                left.extend([Item::Expr(arg), Item::Text(" ")]);
            }
            left.push(Item::Made(head));
        };
        while let Some(item) = left.pop() {
            let expr = match item {
                Item::Expr(expr) => expr,
                Item::Text(words) => {
                    text.push_str(words);
                    continue;
                }
                Item::Made(words) => {
                    text.push_str(&words);
                    continue;
                }
            };
            match self.program.kind(expr) {
                Kind::Number(literal) => text.push_str(&number(literal.f64)),
                Kind::Var(var) => text.push_str(self.var(*var)),
                Kind::Primitive(primitive, args) => list(format!("({}", primitive.name()), args, &mut left),
                Kind::Call(id, args, _) => list(format!("({}", self.names[*id]), args, &mut left),
                Kind::Derive(derivative) => {
                    let name = &self.names[derivative.function];
                    let head = match derivative.form {
                        DeriveForm::Derivative { param } => format!("(((partial {param}) {name})"),
                        DeriveForm::Jvp => format!("(jvp {name}"),
                        DeriveForm::Vjp => format!("(vjp {name}"),
                    };
                    list(head, &derivative.args, &mut left);
                }
                &Kind::If(condition, then, other) => {
                    list("(if".to_string(), &[condition, then, other], &mut left);
                }
                Kind::Let(bindings, body) => {
                    left.extend([Item::Text(")"), Item::Expr(*body), Item::Text(") ")]);
                    for (k, &(var, value)) in bindings.iter().enumerate().rev() {
                        let space = if k == 0 { "" } else { " " };
                        left.extend([Item::Text(")"), Item::Expr(value)]);
                        left.push(Item::Made(format!("{space}({} ", self.var(var))));
                    }
                    left.push(Item::Text("(let* ("));
                }
            }
        }
    }
}
