//! AST → text: one definition or result a line, derived forms where they say the same.

use std::fmt::Write as _;

use super::COMMENT;
use crate::ast::network::{Network, NetworkInput};
use crate::ast::{Ast, Binding, Body, Definition, Expr, ExprKind, Function, LoopForm};
use crate::dialect::header;
use crate::dialect::parts::{Junctions, Named, alternatives, called_at_once, in_order, repeated};

/// What is left to write.
enum Item<'a> {
    Expr(Expr),
    Text(&'a str),
    Made(String),
}

/// The text of a program.
pub fn write(ast: &Ast) -> String {
    let mut writer = Writer { ast, junctions: Junctions::of(ast), text: header::write(ast, COMMENT) };
    for import in &ast.imports {
        let _ = writeln!(writer.text, "{}", import.text());
    }
    let mut networks = ast.networks.iter().peekable();
    for definition in &ast.definitions {
        if let Some(network) = networks.next_if(|network| network.name == definition.named().0) {
            writer.text += &network_text(ast, network);
            continue;
        }
        match definition {
            Definition::Function(function) => {
                let _ = write!(writer.text, "(define ({}", ast.name(function.name));
                for &(param, _) in &function.params {
                    let _ = write!(writer.text, " {}", ast.name(param));
                }
                writer.text.push_str(") ");
                writer.expression(function.body);
            }
            Definition::Value(binding) => {
                let _ = write!(writer.text, "(define {} ", ast.name(binding.name));
                writer.expression(binding.value);
            }
        }
        writer.text.push_str(")\n");
    }
    match &ast.body {
        Body::Value(expr) => {
            writer.expression(*expr);
            writer.text.push('\n');
        }
        Body::Named(results) => {
            if let Some(function) = &ast.ends_in {
                let _ = write!(writer.text, "(define ({}", ast.name(function.name));
                for &(param, _) in &function.params {
                    let _ = write!(writer.text, " {}", ast.name(param));
                }
                writer.text.push_str(") ");
            }
            writer.text.push_str("(values");
            for result in results {
                let _ = write!(writer.text, " ({} ", ast.name(result.name));
                writer.expression(result.value);
                writer.text.push(')');
            }
            writer.text.push_str(if ast.ends_in.is_some() { "))\n" } else { ")\n" });
        }
        Body::LastFunction => {}
    }
    writer.text
}

/// The declaration of a network, a line.
fn network_text(ast: &Ast, network: &Network) -> String {
    let input = |input: &NetworkInput| match (ast.name(input.name), input.size) {
        (name, None) => name.to_string(),
        (name, Some(size)) => format!("({name} {size})"),
    };
    let inputs: Vec<String> = network.inputs.iter().map(input).collect();
    let mut text = format!("(network {} ({})", ast.name(network.name), inputs.join(" "));
    let layers: String = network.layers.iter().map(|size| format!(" {size}")).collect();
    let _ = write!(text, " (layers{layers}) (activation {})", ast.name(network.activation.0));
    let _ = write!(text, " (results {})", network.results);
    if let Some((output, _)) = network.output {
        let _ = write!(text, " (output {})", ast.name(output));
    }
    if !network.starts.is_empty() {
        let starts: String =
            network.starts.iter().map(|(own, start)| format!(" ({own} {})", start.spelling())).collect();
        let _ = write!(text, " (start{starts})");
    }
    text + ")\n"
}

struct Writer<'a> {
    ast: &'a Ast,
    junctions: Junctions,
    text: String,
}

impl<'a> Writer<'a> {
    fn expression(&mut self, expr: Expr) {
        let mut left = vec![Item::Expr(expr)];
        while let Some(item) = left.pop() {
            match item {
                Item::Expr(expr) => self.one(expr, &mut left),
                Item::Text(words) => self.text.push_str(words),
                Item::Made(words) => self.text.push_str(&words),
            }
        }
    }

    /// Writes the beginning of an expression; what follows is left.
    fn one(&mut self, expr: Expr, left: &mut Vec<Item<'a>>) {
        let ast = self.ast;
        if let Some((and, operands)) = self.junctions.operands(ast, expr) {
            return self.list(if and { "(and" } else { "(or" }, &operands, ")", left);
        }
        match ast.kind(expr) {
            ExprKind::Number(literal) => self.text.push_str(&literal.spelling()),
            ExprKind::Name(name) => self.text.push_str(ast.name(*name)),
            ExprKind::Call(name, _, args) if ast.is_made(*name) => match &**args {
                &[re, im] if ast.name(*name) == "make-rectangular" => self.complex(re, im, left),
                _ => {
                    self.text.push('[');
                    left.push(Item::Text("]"));
                    for (k, &arg) in args.iter().enumerate().rev() {
                        left.extend([Item::Expr(arg), Item::Text(if k == 0 { "" } else { " " })]);
                    }
                }
            },
            ExprKind::Call(name, _, args) => {
                self.text.push('(');
                self.list(ast.name(*name), args, ")", left);
            }
            ExprKind::Apply(head, args) => {
                self.text.push('(');
                self.list("", args, ")", left);
                left.push(Item::Expr(*head));
            }
            ExprKind::Lambda(function) => {
                let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                let _ = write!(self.text, "(lambda ({}) ", params.join(" "));
                left.extend([Item::Text(")"), Item::Expr(function.body)]);
            }
            ExprKind::Recur(_, _, args) => self.list("(recur", args, ")", left),
            ExprKind::If(condition, then, other) => {
                let is_else = |test: Expr| match ast.kind(test) {
                    ExprKind::Name(name) => ast.name(*name) == "else",
                    _ => false,
                };
                let (clauses, last) = alternatives(ast, &self.junctions, expr, is_else);
                if clauses.len() < 2 || is_else(*condition) {
                    return self.list("(if", &[*condition, *then, *other], ")", left);
                }
                self.text.push_str("(cond");
                left.extend([Item::Text("))"), Item::Expr(last), Item::Text(" (else ")]);
                for &(test, value) in clauses.iter().rev() {
                    left.extend([Item::Text(")"), Item::Expr(value), Item::Text(" ")]);
                    left.extend([Item::Expr(test), Item::Text(" (")]);
                }
            }
            ExprKind::Let(bound, body) => {
                let (bindings, functions) = &**bound;
                if let Some((bindings, body)) = called_at_once(ast, expr) {
                    let params: Vec<&str> = bindings.iter().map(|binding| ast.name(binding.name)).collect();
                    let _ = write!(self.text, "((lambda ({}) ", params.join(" "));
                    left.push(Item::Text(")"));
                    for binding in bindings.iter().rev() {
                        left.extend([Item::Expr(binding.value), Item::Text(" ")]);
                    }
                    left.extend([Item::Text(")"), Item::Expr(body)]);
                    return;
                }
                self.text.push_str("(let (");
                self.named(&in_order(bindings, functions), *body, left);
            }
            ExprKind::Letrec(definitions, body) => {
                self.text.push_str("(letrec* (");
                self.named(&definitions.iter().map(Named::from).collect::<Vec<_>>(), *body, left);
            }
            ExprKind::Loop(form, function, args) => self.repeat(*form, function, args, left),
        }
    }

    fn list(&mut self, head: &str, parts: &[Expr], end: &'static str, left: &mut Vec<Item<'a>>) {
        self.text.push_str(head);
        left.push(Item::Text(end));
        for &part in parts.iter().rev() {
            left.extend([Item::Expr(part), Item::Text(" ")]);
        }
    }

    /// A complex literal, if both parts are numbers.
    fn complex(&mut self, re: Expr, im: Expr, left: &mut Vec<Item<'a>>) {
        if let (ExprKind::Number(re), ExprKind::Number(im)) = (self.ast.kind(re), self.ast.kind(im)) {
            let (re, im) = (re.spelling(), im.spelling());
            let sign = if im.starts_with(['+', '-']) { "" } else { "+" };
            let _ = write!(self.text, "{re}{sign}{im}i");
        } else {
            self.list("(make-rectangular", &[re, im], ")", left);
        }
    }

    /// Bindings and a body, behind their opening parentheses.
    fn named(&self, bindings: &[Named<'a>], body: Expr, left: &mut Vec<Item<'a>>) {
        let ast = self.ast;
        left.extend([Item::Text(")"), Item::Expr(body), Item::Text(") ")]);
        for (k, binding) in bindings.iter().enumerate().rev() {
            let space = if k == 0 { "" } else { " " };
            match *binding {
                Named::Function(function) => {
                    let params: Vec<&str> = function.params.iter().map(|p| ast.name(p.0)).collect();
                    left.extend([Item::Text("))"), Item::Expr(function.body)]);
                    let name = ast.name(function.name);
                    left.push(Item::Made(format!("{space}({name} (lambda ({}) ", params.join(" "))));
                }
                Named::Value(&Binding { name, value, .. }) => {
                    left.extend([Item::Text(")"), Item::Expr(value)]);
                    left.push(Item::Made(format!("{space}({} ", ast.name(name))));
                }
            }
        }
    }

    fn repeat(&mut self, form: LoopForm, function: &'a Function, args: &[Expr], left: &mut Vec<Item<'a>>) {
        let ast = self.ast;
        let steps = match form {
            LoopForm::Recur => {
                self.text.push_str("(loop (");
                None
            }
            LoopForm::Named => {
                let _ = write!(self.text, "(let {} (", ast.name(function.name));
                None
            }
            LoopForm::Do => {
                self.text.push_str("(do (");
                repeated(ast, function)
            }
        };
        match &steps {
            Some(steps) => {
                left.extend([Item::Text("))"), Item::Expr(steps.result), Item::Text(" ")]);
                left.extend([Item::Expr(steps.test), Item::Text(") (")]);
            }
            None => left.extend([Item::Text(")"), Item::Expr(function.body), Item::Text(") ")]),
        }
        for (k, (&(param, _), &first)) in function.params.iter().zip(args).enumerate().rev() {
            left.push(Item::Text(")"));
            if let Some(next) = steps.as_ref().and_then(|steps| steps.next(ast, k, param)) {
                left.extend([Item::Expr(next), Item::Text(" ")]);
            }
            let space = if k == 0 { "" } else { " " };
            left.extend([Item::Expr(first), Item::Made(format!("{space}({} ", ast.name(param)))]);
        }
    }
}
