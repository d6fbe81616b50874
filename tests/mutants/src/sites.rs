//! Where a source can be mutated, and how.

use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Lit, ReturnType, Stmt, Type, UnOp};

/// How the mutants of a site stand in the source.
pub enum Form {
    /// Expressions in place of the expression.
    Replace,
    /// The statement is left out.
    Delete,
    /// Statements at the start of the body of a function.
    Enter,
}

/// One way to change a site.
pub struct Change {
    /// What stands there instead.
    pub text: String,
    /// The change in words.
    pub what: String,
}

/// A place in a source, as a range of bytes, and its changes. Sites are nested or apart.
pub struct Site {
    pub range: Range<usize>,
    pub line: usize,
    pub form: Form,
    pub changes: Vec<Change>,
}

/// All sites of `source` that are not in tests or in constant contexts, outer ones first.
pub fn find(source: &str) -> Vec<Site> {
    let file = syn::parse_file(source).expect("sources that compile are parsed");
    let mut finder = Finder { source, sites: Vec::new() };
    finder.visit_file(&file);
    finder.sites
}

struct Finder<'a> {
    source: &'a str,
    sites: Vec<Site>,
}

/// Methods that can stand for each other.
const METHODS: &[(&str, &str)] = &[
    ("add", "sub"),
    ("sub", "add"),
    ("mul", "add"),
    ("div", "mul"),
    ("min", "max"),
    ("max", "min"),
    ("lt", "le"),
    ("le", "lt"),
    ("gt", "ge"),
    ("ge", "gt"),
    ("eq", "ne"),
    ("ne", "eq"),
    ("and", "or"),
    ("or", "and"),
    ("floor", "ceil"),
    ("ceil", "floor"),
    ("trunc", "floor"),
    ("round_even", "trunc"),
    ("iadd", "isub"),
    ("isub", "iadd"),
    ("iand", "ior"),
    ("ior", "iand"),
    ("ixor", "ior"),
    ("shl", "shr"),
    ("shr", "shl"),
    ("igt", "ieq"),
    ("any", "all"),
    ("all", "any"),
    ("is_some", "is_none"),
    ("is_none", "is_some"),
    ("is_ok", "is_err"),
    ("is_err", "is_ok"),
    ("first", "last"),
    ("last", "first"),
    ("saturating_add", "saturating_sub"),
    ("saturating_sub", "saturating_add"),
    ("saturating_mul", "saturating_add"),
    ("checked_add", "checked_sub"),
    ("checked_sub", "checked_add"),
    ("checked_mul", "checked_add"),
    ("wrapping_add", "wrapping_sub"),
    ("wrapping_sub", "wrapping_add"),
    ("div_ceil", "wrapping_div"),
];

/// Methods that are truth values, or whose argument can stand for the result.
const NEGATED: &[&str] =
    &["is_empty", "contains", "contains_key", "insert", "is_nan", "is_finite", "is_infinite"];
const ARGUMENT: &[&str] = &["neg", "not", "abs", "sqrt"];
/// Methods that can be left out.
const SKIPPED: &[&str] = &["rev", "abs", "filter"];

/// Members of enumerations that can stand for each other.
const MEMBERS: &[(&str, &str)] = &[
    ("Add", "Sub"),
    ("Sub", "Add"),
    ("Mul", "Add"),
    ("Div", "Mul"),
    ("Min", "Max"),
    ("Max", "Min"),
    ("Lt", "Le"),
    ("Le", "Lt"),
    ("Gt", "Ge"),
    ("Ge", "Gt"),
    ("Eq", "Ne"),
    ("Ne", "Eq"),
    ("And", "Or"),
    ("Or", "And"),
    ("Not", "Neg"),
    ("Neg", "Abs"),
    ("Abs", "Neg"),
    ("Sin", "Cos"),
    ("Cos", "Sin"),
    ("Sinh", "Cosh"),
    ("Cosh", "Sinh"),
    ("Floor", "Ceil"),
    ("Ceil", "Floor"),
    ("Exp", "Log"),
    ("Log", "Exp"),
    ("Single", "Double"),
    ("Double", "Single"),
];

fn other(table: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// Whether a condition binds variables, so that it cannot be wrapped.
fn binds(e: &Expr) -> bool {
    match e {
        Expr::Let(_) => true,
        Expr::Binary(b) if matches!(b.op, BinOp::And(_)) => binds(&b.left) || binds(&b.right),
        _ => false,
    }
}

fn last_segment(path: &syn::Path) -> String {
    path.segments.last().map_or(String::new(), |s| s.ident.to_string())
}

/// Whether attributes leave the item to tests.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("test")
            || a.path().is_ident("cfg")
                && matches!(&a.meta, syn::Meta::List(l) if l.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|w| w == "test"))
    })
}

impl Finder<'_> {
    fn text(&self, span: Span) -> &str {
        &self.source[span.byte_range()]
    }

    fn site(&mut self, span: Span, form: Form, changes: Vec<(String, String)>) {
        if changes.is_empty() {
            return;
        }
        let changes = changes.into_iter().map(|(text, what)| Change { text, what }).collect();
        self.sites.push(Site { range: span.byte_range(), line: span.start().line, form, changes });
    }

    fn replace(&mut self, span: Span, changes: Vec<(String, String)>) {
        self.site(span, Form::Replace, changes);
    }

    /// The site where a function is entered.
    fn entry(&mut self, signature: &syn::Signature, block: &syn::Block) {
        if signature.constness.is_some() || block.stmts.is_empty() {
            return;
        }
        if let [Stmt::Expr(Expr::Lit(_) | Expr::Path(_), None)] = &block.stmts[..] {
            return;
        }
        let values: &[&str] = match &signature.output {
            ReturnType::Default => &[""],
            ReturnType::Type(_, t) => match &**t {
                Type::Path(p) => match last_segment(&p.path).as_str() {
                    "bool" => &["true", "false"],
                    "Option" => &["None"],
                    "Vec" => &["Vec::new()"],
                    "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => &["0", "1"],
                    "f64" => &["0.0"],
                    "Result" if self.text(t.span()).starts_with("Result<(),") => &["Ok(())"],
                    _ => &[],
                },
                _ => &[],
            },
        };
        let open = block.brace_token.span.open();
        let at = open.byte_range().end;
        let name = &signature.ident;
        let changes = values
            .iter()
            .map(|v| Change {
                text: format!("return {v};"),
                what: format!("{name} returns {}", if v.is_empty() { "at once" } else { v }),
            })
            .collect::<Vec<_>>();
        if !changes.is_empty() {
            self.sites.push(Site {
                range: at..at,
                line: signature.ident.span().start().line,
                form: Form::Enter,
                changes,
            });
        }
    }

    fn binary(&mut self, e: &syn::ExprBinary) {
        let (swaps, assigns): (&[&str], bool) = match e.op {
            BinOp::Add(_) => (&["-"], false),
            BinOp::Sub(_) => (&["+"], false),
            BinOp::Mul(_) => (&["+"], false),
            BinOp::Div(_) => (&["*"], false),
            BinOp::Rem(_) => (&["/"], false),
            BinOp::And(_) => (&["||"], false),
            BinOp::Or(_) => (&["&&"], false),
            BinOp::BitXor(_) => (&["|"], false),
            BinOp::BitAnd(_) => (&["|"], false),
            BinOp::BitOr(_) => (&["&"], false),
            BinOp::Shl(_) => (&[">>"], false),
            BinOp::Shr(_) => (&["<<"], false),
            BinOp::Eq(_) => (&["!="], false),
            BinOp::Ne(_) => (&["=="], false),
            BinOp::Lt(_) => (&["<=", ">="], false),
            BinOp::Le(_) => (&["<", ">"], false),
            BinOp::Gt(_) => (&[">=", "<="], false),
            BinOp::Ge(_) => (&[">", "<"], false),
            BinOp::AddAssign(_) => (&["-="], true),
            BinOp::SubAssign(_) => (&["+="], true),
            BinOp::MulAssign(_) => (&["+="], true),
            BinOp::DivAssign(_) => (&["*="], true),
            BinOp::RemAssign(_) => (&["/="], true),
            BinOp::BitXorAssign(_) => (&["|="], true),
            BinOp::BitAndAssign(_) => (&["|="], true),
            BinOp::BitOrAssign(_) => (&["&="], true),
            BinOp::ShlAssign(_) => (&[">>="], true),
            BinOp::ShrAssign(_) => (&["<<="], true),
            _ => (&[], false),
        };
        let (left, right) = (self.text(e.left.span()), self.text(e.right.span()));
        let (left, right) =
            if assigns { (left.into(), right.into()) } else { (format!("({left})"), format!("({right})")) };
        let was = self.text(e.op.span());
        let changes =
            swaps.iter().map(|op| (format!("{left} {op} {right}"), format!("{was} becomes {op}"))).collect();
        self.replace(e.span(), changes);
    }

    fn literal(&mut self, l: &Lit) {
        let text = self.text(l.span()).to_string();
        let to = match l {
            Lit::Int(n) => match n.base10_digits() {
                "0" => format!("1{}", n.suffix()),
                "1" => format!("0{}", n.suffix()),
                _ => format!("({text} + 1)"),
            },
            Lit::Float(f) => match f.base10_parse::<f64>() {
                Ok(0.0) => format!("1.0{}", f.suffix()),
                Ok(_) => format!("({text} * 1.0009765625)"),
                Err(_) => return,
            },
            Lit::Bool(b) => (!b.value).to_string(),
            _ => return,
        };
        let what = format!("{text} becomes {to}");
        self.replace(l.span(), vec![(to, what)]);
    }

    fn call(&mut self, e: &syn::ExprMethodCall) {
        let name = e.method.to_string();
        let receiver = self.text(e.receiver.span()).to_string();
        let arguments: Vec<String> = e.args.iter().map(|a| self.text(a.span()).to_string()).collect();
        let generic = e.turbofish.as_ref().map_or(String::new(), |t| self.text(t.span()).to_string());
        let mut changes = Vec::new();
        if let Some(to) = other(METHODS, &name) {
            changes.push((
                format!("{receiver}.{to}{generic}({})", arguments.join(", ")),
                format!("{name}() becomes {to}()"),
            ));
        }
        if NEGATED.contains(&&*name) {
            changes.push((format!("!{}", self.text(e.span())), format!("{name}() is negated")));
        }
        if ARGUMENT.contains(&&*name) && arguments.len() == 1 {
            changes.push((arguments[0].clone(), format!("{name}() is left out")));
        }
        if SKIPPED.contains(&&*name) && (name == "filter" || arguments.is_empty()) {
            changes.push((receiver.clone(), format!(".{name}() is left out")));
        }
        let exchanged = match (&*name, arguments.len()) {
            ("select", 3) | ("binary", 3) => Some([0, 2, 1]),
            ("fma", 3) => Some([2, 1, 0]),
            _ => None,
        };
        if let Some(order) = exchanged {
            let list = order.map(|k| &*arguments[k]).join(", ");
            changes
                .push((format!("{receiver}.{name}({list})"), format!("operands of {name}() are exchanged")));
        }
        self.replace(e.span(), changes);
    }

    fn condition(&mut self, cond: &Expr) {
        if binds(cond)
            || matches!(cond, Expr::Binary(b) if !matches!(b.op, BinOp::And(_) | BinOp::Or(_)))
            || matches!(cond, Expr::Unary(_) | Expr::Lit(_))
        {
            return;
        }
        let text = format!("!({})", self.text(cond.span()));
        self.replace(cond.span(), vec![(text, "condition is negated".into())]);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, i: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match i {
            syn::Item::Const(_)
            | syn::Item::Static(_)
            | syn::Item::Enum(_)
            | syn::Item::Struct(_)
            | syn::Item::Macro(_) => return,
            syn::Item::Fn(f) => &f.attrs,
            syn::Item::Mod(m) => &m.attrs,
            syn::Item::Impl(m) => &m.attrs,
            _ => &[],
        };
        if !for_tests(attributes) {
            visit::visit_item(self, i);
        }
    }
    fn visit_item_fn(&mut self, f: &'ast syn::ItemFn) {
        if f.sig.constness.is_none() {
            self.entry(&f.sig, &f.block);
            self.visit_block(&f.block);
        }
    }
    fn visit_impl_item(&mut self, i: &'ast syn::ImplItem) {
        if let syn::ImplItem::Fn(f) = i
            && f.sig.constness.is_none()
            && !for_tests(&f.attrs)
        {
            self.entry(&f.sig, &f.block);
            self.visit_block(&f.block);
        }
    }
    fn visit_trait_item(&mut self, i: &'ast syn::TraitItem) {
        if let syn::TraitItem::Fn(f) = i
            && let Some(block) = &f.default
        {
            self.entry(&f.sig, block);
            self.visit_block(block);
        }
    }
    fn visit_item_impl(&mut self, i: &'ast syn::ItemImpl) {
        if !i.trait_.as_ref().is_some_and(|(_, path, _)| last_segment(path) == "Debug") {
            visit::visit_item_impl(self, i);
        }
    }

    // What is constant, and what is no expression.
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_expr_repeat(&mut self, e: &'ast syn::ExprRepeat) {
        self.visit_expr(&e.expr);
    }

    fn visit_stmt(&mut self, s: &'ast Stmt) {
        if let Stmt::Expr(e, Some(_)) = s {
            let inner = if let Expr::Try(t) = e { &*t.expr } else { e };
            let attributes = match inner {
                Expr::MethodCall(m) => Some(&m.attrs),
                Expr::Call(m) => Some(&m.attrs),
                Expr::Assign(m) => Some(&m.attrs),
                _ => None,
            };
            if attributes.is_some_and(|a| a.is_empty()) {
                let words: String = self.text(s.span()).split_whitespace().collect::<Vec<_>>().join(" ");
                let short: String = words.chars().take(60).collect();
                self.site(s.span(), Form::Delete, vec![(String::new(), format!("left out: {short}"))]);
            }
        }
        visit::visit_stmt(self, s);
    }

    fn visit_expr_if(&mut self, e: &'ast syn::ExprIf) {
        self.condition(&e.cond);
        visit::visit_expr_if(self, e);
    }
    fn visit_arm(&mut self, a: &'ast syn::Arm) {
        if let Some((_, guard)) = &a.guard {
            self.condition(guard);
        }
        visit::visit_arm(self, a);
    }

    fn visit_expr_binary(&mut self, e: &'ast syn::ExprBinary) {
        if !binds(&e.left) && !binds(&e.right) {
            self.binary(e);
        }
        visit::visit_expr_binary(self, e);
    }
    fn visit_expr_unary(&mut self, e: &'ast syn::ExprUnary) {
        let what = match e.op {
            UnOp::Not(_) => "! is left out",
            UnOp::Neg(_) => "− is left out",
            _ => "",
        };
        if !what.is_empty() {
            let inner = self.text(e.expr.span()).to_string();
            self.replace(e.span(), vec![(inner, what.into())]);
        }
        visit::visit_expr_unary(self, e);
    }
    fn visit_expr_lit(&mut self, e: &'ast syn::ExprLit) {
        self.literal(&e.lit);
    }
    fn visit_expr_macro(&mut self, e: &'ast syn::ExprMacro) {
        if e.mac.path.is_ident("matches") {
            let text = format!("!{}", self.text(e.span()));
            self.replace(e.span(), vec![(text, "matches! is negated".into())]);
        }
    }
    fn visit_expr_method_call(&mut self, e: &'ast syn::ExprMethodCall) {
        self.call(e);
        if e.method == "reserve" {
            return;
        }
        self.visit_expr(&e.receiver);
        e.args.iter().for_each(|a| self.visit_expr(a));
    }
    fn visit_expr_call(&mut self, e: &'ast syn::ExprCall) {
        let name = match &*e.func {
            Expr::Path(p) => last_segment(&p.path),
            _ => String::new(),
        };
        // Capacities and margins of the stack are no part of what is computed.
        match name.as_str() {
            "with_capacity" => return,
            "maybe_grow" => return e.args.iter().skip(2).for_each(|a| self.visit_expr(a)),
            "Some" => self.replace(e.span(), vec![("None".into(), "Some becomes None".into())]),
            _ => {}
        }
        visit::visit_expr_call(self, e);
    }
    fn visit_expr_path(&mut self, e: &'ast syn::ExprPath) {
        let name = last_segment(&e.path);
        let text = self.text(e.span()).to_string();
        if e.path.segments.len() >= 2
            && let Some(to) = other(MEMBERS, &name)
        {
            let front = &text[..text.len() - name.len()];
            self.replace(e.span(), vec![(format!("{front}{to}"), format!("{text} becomes {to}"))]);
        } else if name.len() > 1
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && !name.starts_with("NAN")
        {
            self.replace(
                e.span(),
                vec![
                    (format!("(-{text})"), format!("{text} becomes −{text}")),
                    (format!("({text} + 1)"), format!("{text} becomes {text} + 1")),
                ],
            );
        }
    }
}
