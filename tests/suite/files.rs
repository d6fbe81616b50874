//! File tests: the programs in `tests/files/*.scm`, with what they compute and what they are compiled to beside them.
//!
//! A line that begins with `;; ` titles a section, which is a program with directives behind it:
//!
//! ```text
//! ;; Roots of negative numbers are no numbers.
//! (sqrt x)
//! ; run: x=2 => 0x1.6a09e667f3bcdp+0       one row: the results, or `fails: …` with the reason
//! ; run f32: x=2 => 0x1.6a09e6p+0          in binary32
//! ; grad: x=4 => x=0.25                    derivatives by the inputs in reverse mode; `1:x` are those of element 1
//! ; both: x=4 => x=0.25                    those; forward mode, and the product with a cotangent of 1, differ in signs of zeros only
//! ; hessian: x=1 => 0:x=-0.25              in the order of inputs
//! ; stage graph:                           ast, first-order, anf, tco, graph, adjoint or lanes; the lines behind it are the text
//! ;   input x: scalar
//! ```
//!
//! Vectors are `[1 2]`, matrices `[[1 2] [3 4]]`, complex numbers `{1 2}`; numbers are decimal, hexadecimal, `inf` or `nan`. The
//! first line with values says what shapes inputs have. Every line runs in every tier and in both interpreters, together
//! with the others of its section and alone, and from the text of its graph read back.
//! `INSTA_UPDATE=always` writes right sides and stages anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::support;

use nc_runtime::batch::{self, Batch, Kernel as _, Options, Workspace};
use nc_runtime::element::Element;
use neural_compiler::internals::graph::{Graph, print, read};
use neural_compiler::internals::kernel::derived;
use neural_compiler::{
    CompileOptions, Derivative, Dtype, Kernel, Program, Role, Shape, Signature, Stage, Tier,
};
use support::blessing;
use support::derive::{Case, Value};

/// What a line of a section asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    Run,
    Grad,
    Both,
    Hessian,
}

#[derive(Debug, Clone)]
enum Directive {
    /// A row: its inputs as written and by name, and the right side.
    Row { wanted: Wanted, dtype: Dtype, written: String, inputs: Vec<(String, Value)>, expected: String },
    /// The text of a stage.
    Stage { name: String, text: String },
}

struct Section {
    /// The program with its title.
    text: String,
    directives: Vec<Directive>,
    /// White space behind it.
    tail: String,
}

/// A number as it is written: short decimals, else hexadecimal.
fn spelled(x: f64) -> String {
    let decimal = format!("{x}");
    if x.is_nan() {
        "nan".into()
    } else if x.is_infinite() || decimal.len() <= 7 {
        decimal
    } else {
        let (bits, exponent) = (x.to_bits() & ((1 << 52) - 1), (x.to_bits() >> 52 & 0x7FF) as i32);
        let (lead, exponent) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
        let digits = format!("{bits:013x}");
        let digits = digits.trim_end_matches('0');
        let sign = if x.is_sign_negative() { "-" } else { "" };
        let point = if digits.is_empty() { "" } else { "." };
        format!("{sign}0x{lead}{point}{digits}p{exponent:+}")
    }
}

fn number(text: &str) -> Option<f64> {
    let (sign, magnitude) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let Some(hexadecimal) = magnitude.strip_prefix("0x") else {
        return text.parse().ok();
    };
    let (digits, exponent) = hexadecimal.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok().filter(|&m| m < 1 << 53)?;
    let exponent = exponent.parse::<i32>().ok()? - 4 * fraction.len() as i32;
    // In two steps, so that the power does not underflow before the product does.
    let half = exponent / 2;
    Some(sign * mantissa as f64 * 2f64.powi(half) * 2f64.powi(exponent - half))
}

fn value(text: &str) -> Option<Value> {
    let numbers = |text: &str| text.split_whitespace().map(number).collect::<Option<Vec<f64>>>();
    if let Some(parts) = text.strip_prefix('{') {
        return Some(Value { shape: Shape::Complex, elements: numbers(parts.strip_suffix('}')?)? });
    }
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return Some(Value { shape: Shape::Scalar, elements: vec![number(text)?] });
    };
    let Some(rows) = inner.strip_prefix('[') else {
        let elements = numbers(inner)?;
        return Some(Value { shape: Shape::Vector(elements.len() as u32), elements });
    };
    let rows: Vec<Vec<f64>> = rows.strip_suffix(']')?.split("] [").map(numbers).collect::<Option<_>>()?;
    let shape = Shape::Matrix(rows.len() as u32, rows[0].len() as u32);
    Some(Value { shape, elements: rows.concat() }).filter(|value| value.elements.len() == shape.len())
}

/// A value of this shape as it is written.
fn shown(shape: Shape, elements: &[f64]) -> String {
    let list = |elements: &[f64]| elements.iter().map(|&x| spelled(x)).collect::<Vec<_>>().join(" ");
    match shape {
        Shape::Scalar => list(elements),
        Shape::Complex => format!("{{{}}}", list(elements)),
        Shape::Vector(_) => format!("[{}]", list(elements)),
        Shape::Matrix(_, m) => {
            let rows: Vec<String> =
                elements.chunks(m as usize).map(|row| format!("[{}]", list(row))).collect();
            format!("[{}]", rows.join(" "))
        }
    }
}

/// `x=1 v=[1 2]` by name.
fn inputs(text: &str) -> Option<Vec<(String, Value)>> {
    let mut list = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let mut depth = 0;
        let end = after.find(|c| {
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                _ => {}
            }
            depth == 0 && c == ' '
        });
        let (written, next) = after.split_at(end.unwrap_or(after.len()));
        list.push((name.to_string(), value(written)?));
        rest = next.trim_start();
    }
    Some(list)
}

fn directive(line: &str) -> Option<(Wanted, Dtype, &str)> {
    let (head, rest) =
        line.strip_prefix("; ")?.split_once(": ").or(line.strip_prefix("; ")?.split_once(':'))?;
    let (word, dtype) = match head.strip_suffix(" f32") {
        Some(word) => (word, Dtype::F32),
        None => (head, Dtype::F64),
    };
    let wanted = match word {
        "run" => Wanted::Run,
        "grad" => Wanted::Grad,
        "both" => Wanted::Both,
        "hessian" => Wanted::Hessian,
        _ => return None,
    };
    Some((wanted, dtype, rest))
}

/// The sections of a file.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with(";; ") || sections.is_empty() {
            sections.push(Section { text: String::new(), directives: Vec::new(), tail: String::new() });
        }
        let section = sections.last_mut().expect("there is one");
        if let Some((wanted, dtype, rest)) = directive(line) {
            let (left, right) = rest.split_once("=> ").unwrap_or((rest, ""));
            let written = left.trim().to_string();
            let inputs = inputs(&written).unwrap_or_else(|| panic!("{line}: no inputs"));
            section.directives.push(Directive::Row {
                wanted,
                dtype,
                written,
                inputs,
                expected: right.into(),
            });
        } else if let Some(name) = line.strip_prefix("; stage ").and_then(|rest| rest.strip_suffix(':')) {
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| line.starts_with(";   ") || *line == ";") {
                let _ = writeln!(text, "{}", line.strip_prefix(";   ").unwrap_or(""));
            }
            section.directives.push(Directive::Stage { name: name.to_string(), text });
        } else if section.directives.is_empty() {
            let _ = writeln!(section.text, "{line}");
        } else {
            assert!(line.trim().is_empty(), "{line}: the program of a section stands before its directives");
            section.tail.push('\n');
        }
    }
    sections
}

fn written(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        text.push_str(&section.text);
        for directive in &section.directives {
            match directive {
                Directive::Row { wanted, dtype, written, expected, .. } => {
                    let word = match wanted {
                        Wanted::Run => "run",
                        Wanted::Grad => "grad",
                        Wanted::Both => "both",
                        Wanted::Hessian => "hessian",
                    };
                    let dtype = if *dtype == Dtype::F32 { " f32" } else { "" };
                    let space = if written.is_empty() { "" } else { " " };
                    let _ = writeln!(text, "; {word}{dtype}:{space}{written} => {expected}");
                }
                Directive::Stage { name, text: stage } => {
                    let _ = writeln!(text, "; stage {name}:");
                    for line in stage.lines() {
                        let _ = writeln!(text, "{}", format!(";   {line}").trim_end());
                    }
                }
            }
        }
        text.push_str(&section.tail);
    }
    text
}

/// The right side of each row of a kernel: its results, but for values where derivatives are wanted.
fn right_sides(kernel: &Kernel, rows: &[Vec<f64>], values: bool) -> Vec<String> {
    match kernel.dtype() {
        Dtype::F64 => right_sides_of::<f64>(kernel, rows, values),
        Dtype::F32 => right_sides_of::<f32>(kernel, rows, values),
    }
}

fn right_sides_of<T: Element>(kernel: &Kernel, rows: &[Vec<f64>], values: bool) -> Vec<String> {
    let columns: Vec<Vec<T>> =
        (0..kernel.shape().inputs).map(|k| rows.iter().map(|row| T::from_f64(row[k])).collect()).collect();
    let sources: Vec<batch::Source<'_, T>> = columns.iter().map(|c| batch::Source::Column(c)).collect();
    let mut results = vec![vec![T::default(); rows.len()]; kernel.shape().outputs];
    let mut sinks: Vec<batch::Sink<'_, T>> = results.iter_mut().map(|c| batch::Sink::Column(c)).collect();
    let batch = Batch {
        rows: rows.len(),
        inputs: &sources,
        params: &[],
        outputs: &mut sinks,
        param_gradients: &mut [],
    };
    let report = kernel.evaluate(batch, &Options::default(), &mut Workspace::new()).expect("the rows fit");
    assert_eq!(report.failed, report.failures.len(), "all failures are listed");
    let outputs = kernel.outputs();
    let several = outputs.iter().any(|o| matches!(o.role, Role::Gradient { of, .. } if of > 0));
    let hessian = outputs.iter().any(|o| matches!(o.role, Role::Tangent { .. }));
    let right_side = |row: usize| {
        if let Some(failure) = report.failures.iter().find(|failure| failure.row == row) {
            assert!(results.iter().all(|column| column[row].to_f64().is_nan()), "a row that fails is NaN");
            return format!("fails: {}", kernel.checks()[failure.check as usize].reason);
        }
        let mut column = 0;
        let mut parts = Vec::new();
        for output in outputs {
            let len = output.shape.len();
            let elements: Vec<f64> = results[column..column + len].iter().map(|c| c[row].to_f64()).collect();
            column += len;
            let label = match output.role {
                Role::Value if !values => continue,
                Role::Value => output.name.clone(),
                Role::Gradient { .. } if hessian => continue,
                Role::Gradient { of, input } => {
                    let input = &kernel.graph().inputs[input as usize].name;
                    if several { format!("{of}:{input}") } else { input.clone() }
                }
                // The output is a gradient, behind the value.
                Role::Tangent { of, seed } => {
                    format!("{seed}:{}", kernel.graph().inputs[of as usize - 1].name)
                }
            };
            let equals = if label.is_empty() { "" } else { "=" };
            parts.push(format!("{label}{equals}{}", shown(output.shape, &elements)));
        }
        parts.join(" ")
    };
    (0..rows.len()).map(right_side).collect()
}

/// All kernels of a program that compute the same, with what they are called.
fn kernels(program: &Program, graph: &Graph, options: &CompileOptions) -> Vec<(String, Kernel)> {
    let mut kernels = Vec::new();
    for tier in Tier::available() {
        let options = options.clone().tier(tier);
        let kernel = Kernel::from_graph(graph.clone(), &options).expect("a kernel");
        kernels.push((format!("graph, {tier}"), kernel));
    }
    let options = options.clone().tier(Tier::Interpret);
    kernels.push(("program, interpreted".into(), program.compile(&options).expect("a kernel")));
    let again = read::read(&print::dump(graph)).expect("a graph that was printed");
    kernels.push(("graph read back".into(), Kernel::from_graph(again, &options).expect("a kernel")));
    kernels
}

/// Whether two lists of numbers differ in signs of zeros at the most.
fn alike(one: &[f64], two: &[f64]) -> bool {
    one.len() == two.len()
        && one.iter().zip(two).all(|(a, b)| support::bits(a + 0.0) == support::bits(b + 0.0))
}

/// Right sides and stages as they are now.
fn actual(section: &Section, path: &str) -> Vec<String> {
    let program = Program::parse(&section.text).unwrap_or_else(|e| panic!("{path}\n{}{e}", section.text));
    let shapes = section.directives.iter().find_map(|directive| match directive {
        Directive::Row { inputs, .. } => Some(inputs.clone()),
        Directive::Stage { .. } => None,
    });
    let mut signature = Signature::scalars();
    for (name, value) in shapes.iter().flatten() {
        signature = signature.shape(name, value.shape);
    }
    let options = CompileOptions::default().signature(signature);
    let mut found = vec![String::new(); section.directives.len()];
    for dtype in [Dtype::F64, Dtype::F32] {
        for wanted in [Wanted::Run, Wanted::Grad, Wanted::Both, Wanted::Hessian] {
            let mut places = Vec::new();
            let mut rows: Vec<Vec<f64>> = Vec::new();
            for (k, directive) in section.directives.iter().enumerate() {
                let Directive::Row { wanted: w, dtype: d, inputs, written, .. } = directive else { continue };
                if (*w, *d) != (wanted, dtype) {
                    continue;
                }
                let row = program.inputs().flat_map(|name| {
                    let given = inputs.iter().find(|(given, _)| given == name);
                    given
                        .unwrap_or_else(|| panic!("{path}: {written}: no value for {name}"))
                        .1
                        .elements
                        .clone()
                });
                rows.push(row.collect());
                places.push(k);
            }
            if rows.is_empty() {
                continue;
            }
            let derivative = match wanted {
                Wanted::Run => Derivative::None,
                Wanted::Grad | Wanted::Both => Derivative::Gradient,
                Wanted::Hessian => Derivative::Hessian,
            };
            let options = options.clone().derivative(derivative).dtype(dtype);
            let graph = program.graph_for(&options).unwrap_or_else(|e| panic!("{path}\n{}{e}", section.text));
            let graph = derived(&graph, &options).unwrap_or_else(|e| panic!("{path}\n{}{e}", section.text));
            let mut first: Option<Vec<String>> = None;
            for (what, kernel) in kernels(&program, &graph, &options) {
                let together = right_sides(&kernel, &rows, wanted == Wanted::Run);
                let alone: Vec<String> = rows
                    .iter()
                    .flat_map(|row| right_sides(&kernel, std::slice::from_ref(row), wanted == Wanted::Run))
                    .collect();
                assert_eq!(together, alone, "{path}\n{}{what}, {dtype}: alone", section.text);
                let expected = first.get_or_insert(together.clone());
                assert_eq!(&together, expected, "{path}\n{}{what}, {dtype}", section.text);
            }
            for (&k, text) in places.iter().zip(first.into_iter().flatten()) {
                found[k] = text;
            }
        }
    }
    for (k, directive) in section.directives.iter().enumerate() {
        match directive {
            Directive::Row { wanted: Wanted::Both, inputs, written, .. } => {
                let given: Vec<(&str, Value)> = inputs.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
                let case = Case::new(&section.text, &given);
                let (reverse, forward) = (case.reverse(), case.forward());
                assert!(
                    alike(&reverse, &forward),
                    "{path}\n{}{written}: {reverse:?} {forward:?}",
                    section.text
                );
                if case.elements_of_value() == 1 {
                    let vjp = case.vjp(&[1.0]);
                    assert!(alike(&reverse, &vjp), "{path}\n{}{written}: {reverse:?} {vjp:?}", section.text);
                }
            }
            Directive::Row { .. } => {}
            Directive::Stage { name, .. } => {
                let (stage, derivative) = match name.as_str() {
                    "ast" => (Stage::Ast, Derivative::None),
                    "first-order" => (Stage::FirstOrder, Derivative::None),
                    "anf" => (Stage::Anf, Derivative::None),
                    "tco" => (Stage::Tco, Derivative::None),
                    "graph" => (Stage::Graph, Derivative::None),
                    "adjoint" => (Stage::Adjoint, Derivative::Gradient),
                    "lanes" => (Stage::Lanes, Derivative::None),
                    _ => panic!("{path}: there is no stage {name}"),
                };
                let options = options.clone().derivative(derivative);
                found[k] = program.stage(stage, &options, None).expect("a stage");
            }
        }
    }
    found
}

fn check(path: &Path) -> Vec<String> {
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).expect("a file");
    let mut sections = sections(&text);
    let mut differences = Vec::new();
    for section in &mut sections {
        let actual = actual(section, &name);
        for (directive, actual) in section.directives.iter_mut().zip(actual) {
            let expected = match directive {
                Directive::Row { expected, .. } => expected,
                Directive::Stage { text, .. } => text,
            };
            let trimmed =
                |text: &str| text.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>();
            if trimmed(expected) != trimmed(&actual) {
                differences.push(format!("{name}\n{}expected {expected}\nfound    {actual}\n", section.text));
                *expected = actual;
            }
        }
    }
    let anew = written(&sections);
    if blessing() && anew != text {
        std::fs::write(path, anew).expect("the file can be written");
        return Vec::new();
    }
    if differences.is_empty() && anew != text {
        differences.push(format!("{name} is not written as it would be written anew"));
    }
    differences
}

#[test]
fn files() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let entries = std::fs::read_dir(&directory).expect("the directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let differences: Vec<String> = paths.iter().flat_map(|path| check(path)).collect();
    assert!(
        differences.is_empty(),
        "{}\n`INSTA_UPDATE=always cargo test --test suite files` writes them anew",
        differences.join("\n")
    );
    println!("{} files", paths.len());
}

#[test]
fn numbers_as_written() {
    for x in [0.0, -0.0, 1.0, 0.1, -2.5e-17, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e-310, -3.5, 1e22, 0.5] {
        assert_eq!(number(&spelled(x)).map(f64::to_bits), Some(x.to_bits()), "{x:e} is {}", spelled(x));
        if spelled(x).len() > 7 {
            assert!(spelled(x).contains("0x"), "{x:e} is {}", spelled(x));
        }
    }
    assert_eq!(spelled(1.0 / 3.0), "0x1.5555555555555p-2");
    assert_eq!(number("0x1.8p+0"), Some(1.5));
    assert!(number("nan").is_some_and(f64::is_nan) && number("-inf") == Some(f64::NEG_INFINITY));
}
