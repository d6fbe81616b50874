//! AST → text: one definition or result a line, with the parentheses that are needed and no others.

use std::fmt::Write as _;

use super::spell::name;
use super::{COMMENT, ELEMENT, POWER};
use crate::ast::network::Network;
use crate::ast::{Ast, Body, Expr, ExprKind, Function, Imported, LoopForm, Name};
use crate::dialect::header;
use crate::dialect::parts::{Junctions, Named, alternatives, called_at_once, in_order, repeated};
use crate::number::Literal;

/// How tightly the parts of an expression hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    /// A form that reaches as far to the right as it can.
    Form,
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    /// Whatever stands beside it.
    Atom,
}

/// What is left to write.
enum Item<'a> {
    /// An expression, in parentheses if it holds together less than this.
    Expr(Expr, Tightness),
    /// An expression in parentheses.
    Enclosed(Expr),
    Text(&'a str),
    Made(String),
}

/// What an expression is written as.
enum Written {
    Number,
    Name,
    Imaginary,
    Complex,
    Junction(bool),
    /// Operands with an operator between them.
    Operator(&'static str),
    NotEqual,
    Not,
    /// An operand behind a sign.
    Sign(&'static str),
    Power,
    Element,
    Vector,
    Call,
    /// A call of what an expression gives.
    Apply,
    Choice,
    Block,
    Form,
}

/// The text of a program.
pub fn write(ast: &Ast) -> String {
    let mut writer = Writer { ast, junctions: Junctions::of(ast), text: header::write(ast, COMMENT) };
    for import in &ast.imports {
        let path = &import.path;
        let _ = match &import.what {
            Imported::Definitions(prefix) if prefix.is_empty() => writeln!(writer.text, "import \"{path}\";"),
            Imported::Definitions(prefix) => {
                writeln!(writer.text, "import \"{path}\" prefix {};", name(prefix))
            }
            Imported::Program(function) => {
                let inputs: Vec<String> = function.inputs.iter().map(|(input, _)| name(input)).collect();
                let called = format!("{}({})", name(&function.name), inputs.join(", "));
                writeln!(writer.text, "import \"{path}\" program {called};")
            }
        };
    }
    let mut networks = ast.networks.iter().peekable();
    for definition in &ast.definitions {
        if let Some(network) = networks.next_if(|network| network.name == definition.named().0) {
            writer.text += &network_text(ast, network);
            continue;
        }
        let (head, part) = writer.head(&Named::from(definition));
        writer.text += &head;
        writer.expression(part);
        writer.text.push_str(";\n");
    }
    match &ast.body {
        Body::Value(expr) => {
            writer.expression(*expr);
            writer.text.push('\n');
        }
        Body::Named(results) => {
            writer.text.push_str("values(");
            for (k, result) in results.iter().enumerate() {
                let comma = if k == 0 { "" } else { ", " };
                let _ = write!(writer.text, "{comma}{} = ", writer.name(result.name));
                writer.expression(result.value);
            }
            writer.text.push_str(")\n");
        }
        Body::LastFunction => {}
    }
    writer.text
}

/// The operator that a function of so many operands is written as, with how tightly it holds them together.
fn operator(function: &str, operands: usize) -> Option<(&'static str, Tightness)> {
    let (operator, tightness) = match function {
        "+" => ("+", Tightness::Sum),
        "-" => ("-", Tightness::Sum),
        "*" => ("*", Tightness::Product),
        "/" => ("/", Tightness::Product),
        "<" => ("<", Tightness::Comparison),
        "<=" => ("<=", Tightness::Comparison),
        ">" => (">", Tightness::Comparison),
        ">=" => (">=", Tightness::Comparison),
        "=" => ("==", Tightness::Comparison),
        _ => return None,
    };
    (operands > 1).then_some((operator, tightness))
}

/// The declaration of a network, a line.
fn network_text(ast: &Ast, network: &Network) -> String {
    let word = |of: Name| name(ast.name(of));
    let list = |parts: Vec<String>| parts.join(", ");
    let inputs = network.inputs.iter().map(|input| match input.size {
        None => word(input.name),
        Some(size) => format!("{}[{size}]", word(input.name)),
    });
    let layers = network.layers.iter().map(u32::to_string).collect();
    let mut text = format!(
        "network {}({}) layers({}) activation({}) results({})",
        word(network.name),
        list(inputs.collect()),
        list(layers),
        word(network.activation.0),
        network.results
    );
    if let Some((output, _)) = network.output {
        let _ = write!(text, " output({})", word(output));
    }
    if !network.starts.is_empty() {
        let starts = network.starts.iter().map(|(own, start)| format!("{own} = {}", start.spelling()));
        let _ = write!(text, " start({})", list(starts.collect()));
    }
    text + ";\n"
}

struct Writer<'a> {
    ast: &'a Ast,
    junctions: Junctions,
    text: String,
}

impl<'a> Writer<'a> {
    fn name(&self, text: Name) -> String {
        name(self.ast.name(text))
    }

    /// What stands before a value or body that is bound, and that.
    fn head(&self, named: &Named<'a>) -> (String, Expr) {
        match *named {
            Named::Value(binding) => (format!("{} = ", self.name(binding.name)), binding.value),
            Named::Function(function) => {
                let params = self.params(function.params.iter().map(|param| param.0));
                (format!("{}({params}) = ", self.name(function.name)), function.body)
            }
        }
    }

    fn params(&self, names: impl Iterator<Item = Name>) -> String {
        names.map(|param| self.name(param)).collect::<Vec<_>>().join(", ")
    }

    fn expression(&mut self, expr: Expr) {
        let mut left = vec![Item::Expr(expr, Tightness::Form)];
        while let Some(item) = left.pop() {
            match item {
                Item::Text(words) => self.text.push_str(words),
                Item::Made(words) => self.text.push_str(&words),
                Item::Expr(expr, least) => {
                    let (written, tightness) = self.written(expr);
                    if tightness < least {
                        left.extend([Item::Text(")"), Item::Expr(expr, Tightness::Form), Item::Text("(")]);
                    } else {
                        self.one(expr, &written, &mut left);
                    }
                }
                Item::Enclosed(expr) => {
                    left.extend([Item::Text(")"), Item::Expr(expr, Tightness::Form), Item::Text("(")]);
                }
            }
        }
    }

    /// The parts of a complex number that is written as one.
    fn complex(&self, expr: Expr) -> Option<(Literal, Literal)> {
        let ast = self.ast;
        match ast.kind(expr) {
            ExprKind::Call(name, _, parts) if ast.is_made(*name) && ast.name(*name) == "make-rectangular" => {
                match [ast.kind(*parts.first()?), ast.kind(*parts.get(1)?)] {
                    [ExprKind::Number(re), ExprKind::Number(im)] => Some((*re, *im)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What an expression is written as, and how tightly that holds together.
    fn written(&self, expr: Expr) -> (Written, Tightness) {
        let ast = self.ast;
        if let Some(and) = self.junctions.is(expr) {
            return (Written::Junction(and), if and { Tightness::And } else { Tightness::Or });
        }
        if let Some((re, im)) = self.complex(expr) {
            return match (re.same(Literal::ZERO), is_negative(im)) {
                (true, false) => (Written::Imaginary, Tightness::Atom),
                (true, true) => (Written::Imaginary, Tightness::Sign),
                (false, _) => (Written::Complex, Tightness::Sum),
            };
        }
        match ast.kind(expr) {
            ExprKind::Number(literal) => {
                (Written::Number, if is_negative(*literal) { Tightness::Sign } else { Tightness::Atom })
            }
            ExprKind::Name(_) => (Written::Name, Tightness::Atom),
            ExprKind::Call(name, _, _) if ast.is_made(*name) => (Written::Vector, Tightness::Atom),
            ExprKind::Call(name, _, args) => match (ast.name(*name), &**args) {
                ("-", [_]) => (Written::Sign("-"), Tightness::Sign),
                ("+", [_]) => (Written::Sign("+"), Tightness::Sign),
                ("not", &[arg]) => match ast.kind(arg) {
                    ExprKind::Call(equal, _, pair)
                        if ast.name(*equal) == "=" && !ast.is_made(*equal) && pair.len() == 2 =>
                    {
                        (Written::NotEqual, Tightness::Comparison)
                    }
                    _ => (Written::Not, Tightness::Not),
                },
                (POWER, [_, _]) => (Written::Power, Tightness::Power),
                (ELEMENT, [_, _] | [_, _, _]) => (Written::Element, Tightness::Atom),
                (function, args) => match operator(function, args.len()) {
                    Some((operator, tightness)) => (Written::Operator(operator), tightness),
                    None => (Written::Call, Tightness::Atom),
                },
            },
            ExprKind::Recur(..) => (Written::Call, Tightness::Atom),
            ExprKind::Apply(..) => (Written::Apply, Tightness::Atom),
            ExprKind::If(..) => (Written::Choice, Tightness::Atom),
            ExprKind::Letrec(..) => (Written::Block, Tightness::Atom),
            ExprKind::Let(..) if called_at_once(ast, expr).is_some() => (Written::Form, Tightness::Atom),
            ExprKind::Let(..) | ExprKind::Loop(..) | ExprKind::Lambda(_) => (Written::Form, Tightness::Form),
        }
    }

    /// Writes the beginning of an expression; what follows is left.
    fn one(&mut self, expr: Expr, written: &Written, left: &mut Vec<Item<'a>>) {
        let ast = self.ast;
        let args: &'a [Expr] = match ast.kind(expr) {
            ExprKind::Call(_, _, args) | ExprKind::Recur(_, _, args) => args,
            _ => &[],
        };
        match written {
            Written::Number => {
                if let ExprKind::Number(literal) = ast.kind(expr) {
                    self.text += &number(*literal, "");
                }
            }
            Written::Imaginary | Written::Complex => {
                if let Some((re, im)) = self.complex(expr) {
                    let im = number(im, "i");
                    self.text += &match (written, im.strip_prefix('-')) {
                        (Written::Imaginary, _) => im,
                        (_, Some(magnitude)) => format!("{} - {magnitude}", number(re, "")),
                        (_, None) => format!("{} + {im}", number(re, "")),
                    };
                }
            }
            Written::Name => {
                if let ExprKind::Name(name) = ast.kind(expr) {
                    self.text += &self.name(*name);
                }
            }
            Written::Junction(and) => {
                if let Some((_, operands)) = self.junctions.operands(ast, expr) {
                    let (word, least) =
                        if *and { (" and ", Tightness::Not) } else { (" or ", Tightness::And) };
                    separated(operands.into_iter().map(|operand| Item::Expr(operand, least)), word, left);
                }
            }
            Written::Not => {
                self.text.push_str("not ");
                left.push(Item::Expr(args[0], Tightness::Not));
            }
            Written::NotEqual => {
                if let ExprKind::Call(_, _, pair) = ast.kind(args[0]) {
                    separated(pair.iter().map(|&x| Item::Expr(x, Tightness::Sum)), " != ", left);
                }
            }
            Written::Sign(sign) => {
                self.text.push_str(sign);
                // A sign in front of a number would be a part of it.
                left.push(match self.written(args[0]) {
                    (Written::Number | Written::Imaginary, Tightness::Atom) => Item::Enclosed(args[0]),
                    _ => Item::Expr(args[0], Tightness::Sign),
                });
            }
            Written::Operator(operator) => self.chain(operator, args, left),
            Written::Power => {
                left.extend([Item::Expr(args[1], Tightness::Sign), Item::Text("^")]);
                left.push(Item::Expr(args[0], Tightness::Atom));
            }
            Written::Element => {
                left.push(Item::Text("]"));
                let indices = args[1..].iter().map(|&index| Item::Expr(index, Tightness::Form));
                separated(indices, ", ", left);
                left.extend([Item::Text("["), Item::Expr(args[0], Tightness::Atom)]);
            }
            Written::Vector => {
                self.text.push('[');
                self.list(args, "]", left);
            }
            Written::Call => {
                match ast.kind(expr) {
                    ExprKind::Call(name, ..) => self.text += &self.name(*name),
                    _ => self.text.push_str("recur"),
                }
                self.text.push('(');
                self.list(args, ")", left);
            }
            Written::Apply => {
                if let ExprKind::Apply(head, args) = ast.kind(expr) {
                    self.list(args, ")", left);
                    left.extend([Item::Text("("), Item::Expr(*head, Tightness::Atom)]);
                }
            }
            Written::Choice => {
                self.text.push_str("if(");
                let (clauses, last) = alternatives(ast, &self.junctions, expr, |_| false);
                let parts: Vec<Expr> =
                    clauses.iter().flat_map(|&(test, value)| [test, value]).chain([last]).collect();
                self.list(&parts, ")", left);
            }
            Written::Block => {
                if let ExprKind::Letrec(definitions, body) = ast.kind(expr) {
                    self.text.push_str("{ ");
                    left.extend([Item::Text(" }"), Item::Expr(*body, Tightness::Form)]);
                    for definition in definitions.iter().rev() {
                        let (head, part) = self.head(&Named::from(definition));
                        left.extend([Item::Text("; "), Item::Expr(part, Tightness::Form), Item::Made(head)]);
                    }
                }
            }
            Written::Form => self.form(expr, left),
        }
    }

    fn list(&self, parts: &[Expr], end: &'static str, left: &mut Vec<Item<'a>>) {
        left.push(Item::Text(end));
        separated(parts.iter().map(|&part| Item::Expr(part, Tightness::Form)), ", ", left);
    }

    /// Operands with an operator between them. The first one stands without parentheses if it holds together as much as
    /// the whole, unless it has the same operator, which would go on.
    fn chain(&self, sign: &'static str, args: &'a [Expr], left: &mut Vec<Item<'a>>) {
        let (first, rest, between) = match sign {
            "+" => (Tightness::Sum, Tightness::Product, " + "),
            "-" => (Tightness::Sum, Tightness::Product, " - "),
            "*" => (Tightness::Product, Tightness::Sign, "*"),
            "/" => (Tightness::Product, Tightness::Sign, "/"),
            "<" => (Tightness::Sum, Tightness::Sum, " < "),
            "<=" => (Tightness::Sum, Tightness::Sum, " <= "),
            ">" => (Tightness::Sum, Tightness::Sum, " > "),
            ">=" => (Tightness::Sum, Tightness::Sum, " >= "),
            _ => (Tightness::Sum, Tightness::Sum, " == "),
        };
        let is_sum = first == Tightness::Sum && rest == Tightness::Product;
        let number_first = matches!(self.written(args[0]).0, Written::Number);
        let items = args.iter().enumerate().map(|(k, &arg)| match self.written(arg).0 {
            Written::Operator(same) if k == 0 && same == sign => Item::Enclosed(arg),
            // A sum of a number and an imaginary one is a complex number.
            Written::Complex if is_sum => Item::Enclosed(arg),
            Written::Imaginary if is_sum && k == 1 && args.len() == 2 && number_first => Item::Enclosed(arg),
            _ => Item::Expr(arg, if k == 0 { first } else { rest }),
        });
        separated(items, between, left);
    }

    /// `let`, `loop` and `do`, and functions that are called at once.
    fn form(&mut self, expr: Expr, left: &mut Vec<Item<'a>>) {
        let ast = self.ast;
        if let Some((bindings, body)) = called_at_once(ast, expr) {
            let params = self.params(bindings.iter().map(|binding| binding.name));
            let _ = write!(self.text, "(fun({params}) ");
            left.push(Item::Text(")"));
            separated(bindings.iter().map(|b| Item::Expr(b.value, Tightness::Form)), ", ", left);
            left.extend([Item::Text(")("), Item::Expr(body, Tightness::Form)]);
            return;
        }
        match ast.kind(expr) {
            ExprKind::Lambda(function) => {
                let params = self.params(function.params.iter().map(|param| param.0));
                let _ = write!(self.text, "fun({params}) ");
                left.push(Item::Expr(function.body, Tightness::Form));
            }
            ExprKind::Let(bound, body) => {
                let (bindings, functions) = &**bound;
                let named = in_order(bindings, functions);
                self.text.push_str(if named.is_empty() { "let" } else { "let " });
                left.extend([Item::Expr(*body, Tightness::Form), Item::Text(" in ")]);
                for (k, named) in named.iter().enumerate().rev() {
                    let (head, part) = self.head(named);
                    left.extend([Item::Expr(part, Tightness::Form), Item::Made(head)]);
                    left.push(Item::Text(if k == 0 { "" } else { ", " }));
                }
            }
            ExprKind::Loop(form, function, args) => self.repeat(*form, function, args, left),
            ExprKind::Number(_)
            | ExprKind::Name(_)
            | ExprKind::Call(..)
            | ExprKind::If(..)
            | ExprKind::Letrec(..)
            | ExprKind::Apply(..)
            | ExprKind::Recur(..) => {}
        }
    }

    fn repeat(&mut self, form: LoopForm, function: &'a Function, args: &[Expr], left: &mut Vec<Item<'a>>) {
        let ast = self.ast;
        let steps = if form == LoopForm::Do { repeated(ast, function) } else { None };
        match &steps {
            Some(steps) => {
                self.text.push_str(if args.is_empty() { "do" } else { "do " });
                left.extend([Item::Expr(steps.result, Tightness::Form), Item::Text(" in ")]);
                left.extend([Item::Expr(steps.test, Tightness::Form), Item::Text(" until ")]);
            }
            None => {
                self.text.push_str("loop");
                if form == LoopForm::Named {
                    let _ = write!(self.text, " {}", self.name(function.name));
                }
                self.text.push('(');
                left.extend([Item::Expr(function.body, Tightness::Form), Item::Text(") ")]);
            }
        }
        for (k, (&(param, _), &first)) in function.params.iter().zip(args).enumerate().rev() {
            if let Some(next) = steps.as_ref().and_then(|steps| steps.next(ast, k, param)) {
                left.extend([Item::Expr(next, Tightness::Form), Item::Text(" then ")]);
            }
            let comma = if k == 0 { "" } else { ", " };
            left.push(Item::Expr(first, Tightness::Form));
            left.push(Item::Made(format!("{comma}{} = ", self.name(param))));
        }
    }
}

/// Leaves items with a text between them.
fn separated<'a>(
    items: impl DoubleEndedIterator<Item = Item<'a>> + ExactSizeIterator,
    between: &'static str,
    left: &mut Vec<Item<'a>>,
) {
    for (k, item) in items.enumerate().rev() {
        left.extend([item, Item::Text(if k == 0 { "" } else { between })]);
    }
}

fn is_negative(literal: Literal) -> bool {
    literal.f64.is_sign_negative() && !literal.f64.is_nan()
}

/// A number, with a unit that may be `i`.
fn number(literal: Literal, unit: &str) -> String {
    let text = literal.spelling();
    let text = match text.as_str() {
        "+nan.0" => "nan",
        "+inf.0" => "inf",
        "-inf.0" => "-inf",
        finite => finite,
    };
    format!("{text}{unit}")
}
