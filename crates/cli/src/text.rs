//! Numbers, vectors, matrices and signatures as they are typed and printed.

use nc_arrays::Form;
use nc_runtime::element::Element;
use neural_compiler::internals::limits::MAX_ELEMENTS;
use neural_compiler::internals::number::{self, Literal, Number};
use neural_compiler::{Dtype, Shape};
use serde_json::{Value as Json, json};

/// An input in a list such as `m,r[3],A[3,3],z:complex`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
}

/// Several [`Item`]s, as one command line argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Items(pub Vec<Item>);

/// Reads a list of inputs with shapes.
pub fn parse_items(text: &str) -> Result<Items, String> {
    let mut items = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['[', ',', ':']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        if name.is_empty() {
            return Err("a name is missing; a list is written m,r[3],A[3,3]".into());
        }
        rest = &rest[end..];
        let mut shape = Shape::Scalar;
        if let Some(inside) = rest.strip_prefix('[') {
            let Some((sizes, after)) = inside.split_once(']') else {
                return Err(format!("the `[` behind `{name}` is not closed"));
            };
            shape = parse_shape(sizes).map_err(|why| format!("`{name}[{sizes}]`: {why}"))?;
            rest = after.trim_start();
        } else if let Some(kind) = rest.strip_prefix(':') {
            let end = kind.find(',').unwrap_or(kind.len());
            if kind[..end].trim() != "complex" {
                return Err(format!("`{name}:{}`: behind the colon stands `complex`", kind[..end].trim()));
            }
            shape = Shape::Complex;
            rest = &kind[end..];
        }
        items.push(Item { name: name.to_string(), shape });
        match rest.strip_prefix(',') {
            Some(after) if !after.trim().is_empty() => rest = after.trim_start(),
            Some(_) => return Err("a name is missing behind the last comma".into()),
            None if rest.is_empty() => {}
            None => return Err(format!("a comma is missing before `{rest}`")),
        }
    }
    Ok(Items(items))
}

fn parse_shape(sizes: &str) -> Result<Shape, String> {
    let sizes = sizes.split(',').map(|size| match size.trim().parse::<u32>() {
        Ok(0) | Err(_) => Err("a size is a positive integer".to_string()),
        Ok(size) => Ok(size as usize),
    });
    real_shape(&sizes.collect::<Result<Vec<usize>, String>>()?)
}

/// The shape of values of this form, if the language has it.
pub fn shape_of(form: &Form) -> Result<Shape, String> {
    match form {
        Form { dims, complex: false } => real_shape(dims),
        Form { dims, complex: true } if dims.iter().all(|&size| size == 1) => Ok(Shape::Complex),
        Form { .. } => Err("complex numbers do not form vectors".into()),
    }
}

/// The shape with these extents, if the language has it.
fn real_shape(dims: &[usize]) -> Result<Shape, String> {
    let elements = dims.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    if elements.is_none_or(|elements| elements > MAX_ELEMENTS) {
        return Err(format!("more than {MAX_ELEMENTS} elements"));
    }
    match *dims {
        [] => Ok(Shape::Scalar),
        [n] => Ok(Shape::Vector(n as u32)),
        [n, m] => Ok(Shape::Matrix(n as u32, m as u32)),
        _ => Err(format!("{} dimensions: a value is a scalar, a vector or a matrix", dims.len())),
    }
}

/// An input as it is typed: `m`, `r[3]`, `A[3,3]`, `z:complex`.
pub fn item(name: &str, shape: Shape) -> String {
    match shape {
        Shape::Scalar => name.to_string(),
        Shape::Complex => format!("{name}:complex"),
        Shape::Vector(n) => format!("{name}[{n}]"),
        Shape::Matrix(n, m) => format!("{name}[{n},{m}]"),
    }
}

/// A name with a value, as in `G=6.674e-11` or `v=[1,2,3]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// The shape of the value.
    pub shape: Shape,
    /// Its elements, row-major.
    pub data: Vec<Literal>,
}

impl Setting {
    /// Refuses a number that binary32 does not hold where all numbers are binary32.
    pub fn held(&self, dtype: Dtype) -> Result<(), String> {
        let beyond = |literal: &&Literal| literal.f32.is_infinite() && literal.f64.is_finite();
        match self.data.iter().find(beyond) {
            Some(literal) if dtype == Dtype::F32 => Err(format!(
                "`{}`: {:e} is beyond the largest number of binary32, 3.4028235e38",
                self.name,
                { literal.f64 }
            )),
            _ => Ok(()),
        }
    }

    /// Its elements, rounded once to this type.
    pub fn numbers<T: Element>(&self) -> impl Iterator<Item = T> {
        self.data.iter().map(|literal| T::from_f64(literal.of(T::PRECISION)))
    }
}

/// Reads a setting.
pub fn parse_setting(text: &str) -> Result<Setting, String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("it is written NAME=VALUE, such as x=1, z=1+2i, v=[1,2,3] or A=[[1,2],[3,4]]".into());
    };
    let name = name.trim();
    if name.is_empty() {
        return Err("a name is missing before the `=`".into());
    }
    let (shape, data) = parse_value(value)?;
    Ok(Setting { name: name.to_string(), shape, data })
}

/// Several [`Setting`]s, as one command line argument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(pub Vec<Setting>);

/// Reads settings such as `x=1,v=[0,1]`.
pub fn parse_settings(text: &str) -> Result<Settings, String> {
    let mut depth = 0usize;
    let parts = text.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(parse_setting).collect::<Result<Vec<_>, _>>().map(Settings)
}

/// Reads settings, or a value alone for what has no name.
pub fn parse_weights(text: &str) -> Result<Settings, String> {
    if text.contains('=') {
        return parse_settings(text);
    }
    let (shape, data) = parse_value(text)?;
    Ok(Settings(vec![Setting { name: String::new(), shape, data }]))
}

/// Reads a number, a vector `[1,2,3]` or a matrix `[[1,2],[3,4]]`. White space separates as well as commas.
fn parse_value(text: &str) -> Result<(Shape, Vec<Literal>), String> {
    let spaced = text.replace('[', " [ ").replace(']', " ] ").replace(',', " , ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    // A sign may stand by itself between the parts of a complex number.
    let joined = match tokens[..] {
        [re, sign @ ("+" | "-" | "−"), im] if im.ends_with('i') => format!("{re}{sign}{im}"),
        _ => String::new(),
    };
    let tokens = if joined.is_empty() { tokens } else { vec![joined.as_str()] };
    if let [token] = tokens[..]
        && let Some(Number::Complex(re, im)) = read_number(token)
    {
        held(token)?;
        return Ok((Shape::Complex, vec![re, im]));
    }
    if let [token] = tokens[..] {
        return Ok((Shape::Scalar, vec![parse_number(token)?]));
    }
    let mut data = Vec::new();
    // Of each open bracket: how many elements it has.
    let mut open: Vec<usize> = Vec::new();
    let mut columns = None;
    let mut after_comma = true;
    for (k, &token) in tokens.iter().enumerate() {
        if k > 0 && open.is_empty() {
            return Err(format!("`{token}` follows the end of the value"));
        }
        match token {
            "[" => {
                if let Some(elements) = open.last_mut() {
                    *elements += 1;
                }
                if open.len() == 2 {
                    return Err("a matrix has two levels of brackets".into());
                }
                if open.len() == 1 && columns.is_none() && !data.is_empty() {
                    return Err("rows and numbers beside each other".into());
                }
                open.push(0);
                after_comma = true;
            }
            "]" => {
                let elements = open.pop().unwrap_or(0);
                if elements == 0 {
                    return Err("`[]` has no elements".into());
                }
                if after_comma {
                    return Err("a number is missing behind a comma".into());
                }
                if open.len() == 1 && *columns.get_or_insert(elements) != elements {
                    return Err("the rows of the matrix differ in length".into());
                }
                if open.is_empty() {
                    let dims: Vec<usize> = std::iter::once(elements).chain(columns).collect();
                    if k + 1 < tokens.len() {
                        return Err(format!("`{}` follows the end of the value", tokens[k + 1]));
                    }
                    return Ok((real_shape(&dims)?, data));
                }
                after_comma = false;
            }
            "," => {
                if after_comma {
                    return Err("a number is missing before a comma".into());
                }
                after_comma = true;
            }
            number => {
                let Some(elements) = open.last_mut() else {
                    return Err(format!("`{text}` is not a number; a vector is written [1,2,3]"));
                };
                *elements += 1;
                if open.len() == 1 && columns.is_some() {
                    return Err("rows and numbers beside each other".into());
                }
                data.push(parse_number(number)?);
                after_comma = false;
            }
        }
    }
    Err(if tokens.is_empty() { "a value is missing".into() } else { "a `]` is missing".into() })
}

/// Refuses a number that is larger than any of binary64.
fn held(token: &str) -> Result<(), String> {
    match number::lost(token) {
        Some(number::Lost::Overflow) => Err(format!(
            "`{token}` is beyond the largest number, 1.7976931348623157e308; infinity is written `inf`"
        )),
        Some(number::Lost::Underflow) | None => Ok(()),
    }
}

/// A number with `inf` and `nan` as results are printed, such as `inf+NaNi`, in the spelling of the language.
fn spelled(token: &str) -> String {
    let mut text = token.to_ascii_lowercase().replace('−', "-").replace("infinity", "inf");
    for word in ["inf", "nan"] {
        text = text.replace(&format!("{word}.0"), word).replace(word, &format!("{word}.0"));
    }
    match text.starts_with(['+', '-']) {
        true => text,
        false => format!("+{text}"),
    }
}

/// Reads a whole token as a number: as the language has it, or as results are printed.
fn read_number(token: &str) -> Option<Number> {
    number::parse(token).or_else(|| number::parse(&spelled(token)))
}

/// Reads a number in any spelling of the language, or as `inf` or `nan`.
fn parse_number(token: &str) -> Result<Literal, String> {
    held(token)?;
    match read_number(token) {
        Some(Number::Literal(literal)) => Ok(literal),
        Some(Number::Complex(..)) => Err(format!("`{token}` is complex: vectors hold real numbers")),
        Some(Number::ZeroDenominator) => Err(format!("`{token}` has the denominator 0")),
        Some(Number::TooLong) => Err(format!("`{token}` has too many digits for a rational")),
        None => Err(format!("`{token}` is not a number")),
    }
}

/// For a number of an f32 program the binary64 number that is printed like it: the shortest text that reads back as the
/// same binary32 number is also that of this one.
pub fn shown(dtype: Dtype, value: f64) -> f64 {
    match dtype {
        Dtype::F64 => value,
        Dtype::F32 => format!("{:?}", value as f32).parse().unwrap_or(value),
    }
}

/// The shortest text that reads back as the same number.
pub fn number(value: f64) -> String {
    let text = format!("{value:?}");
    match text.strip_suffix(".0") {
        Some(integer) => integer.to_string(),
        None => text,
    }
}

/// A complex number as the language spells it.
fn complex(re: f64, im: f64) -> String {
    let im = number(im);
    let sign = if im.starts_with(['-', '+']) { "" } else { "+" };
    format!("{}{sign}{im}i", number(re))
}

/// A value of any form for people: rows below each other, numbers aligned.
pub fn value(data: &[f64], form: &Form, indent: usize) -> String {
    let dims = form.dims.as_slice();
    let numbers: Vec<String> = match form.complex {
        true => data.chunks_exact(2).map(|parts| complex(parts[0], parts[1])).collect(),
        false => data.iter().copied().map(number).collect(),
    };
    let width = match dims.len() {
        0 | 1 => 0,
        _ => numbers.iter().map(String::len).max().unwrap_or(0),
    };
    let mut text = String::new();
    let row = dims.last().copied().unwrap_or(1);
    let levels = dims.len().saturating_sub(1);
    for (k, numbers) in numbers.chunks(row).enumerate() {
        // How many brackets close before this row and open again.
        let mut size = 1;
        let mut turns = 0;
        for &dim in dims[..levels].iter().rev() {
            size *= dim;
            turns += usize::from(k % size == 0);
        }
        if k > 0 {
            text += &"]".repeat(turns);
            text += ",\n";
            text += &" ".repeat(indent + levels - turns);
        }
        text += &"[".repeat(turns);
        if dims.is_empty() {
            text += &numbers[0];
        } else {
            let cells: Vec<String> = numbers.iter().map(|number| format!("{number:>width$}")).collect();
            text += &format!("[{}]", cells.join(", "));
        }
    }
    text + &"]".repeat(levels)
}

/// A number as JSON; one that JSON does not have as a string.
pub fn json_number(value: f64) -> Json {
    match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => value.into(),
    }
}

/// A value of any form as nested JSON arrays, complex numbers as `{"re": 1.0, "im": 2.0}`.
pub fn json(data: &[f64], form: &Form) -> Json {
    match (form.dims.split_first(), data) {
        (None, &[re, im]) if form.complex => json!({ "re": json_number(re), "im": json_number(im) }),
        (None, _) => data.first().copied().map_or(Json::Null, json_number),
        (Some((_, inner)), _) => {
            let inner = Form { dims: inner.to_vec(), complex: form.complex };
            data.chunks(inner.numbers().max(1)).map(|part| json(part, &inner)).collect()
        }
    }
}

/// The form of a value.
pub fn form(shape: Shape) -> Form {
    Form { dims: shape.dims(), complex: shape == Shape::Complex }
}

/// The form of the derivative of a value by an input.
pub fn form_of_derivative(value: Shape, input: Shape) -> Form {
    let complex = value == Shape::Complex || input == Shape::Complex;
    Form { dims: [value.dims(), input.dims()].concat(), complex }
}

/// The candidate that `name` is most likely a slip for.
pub fn closest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // Comparing takes time in proportion to the product of the lengths.
    if name.len() > 100 {
        return None;
    }
    let distance = |other: &str| {
        if other.eq_ignore_ascii_case(name) { 0 } else { strsim::osa_distance(name, other) }
    };
    candidates
        .iter()
        .filter(|other| other.len() <= 100 && **other != name)
        .map(|&other| (distance(other), other))
        .filter(|&(distance, other)| {
            let len = other.chars().count().max(name.chars().count());
            distance < len && distance <= (len / 3).max(1)
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_inputs() {
        let items = parse_items("m, r[3],A[3,2]").unwrap().0;
        let expected = [("m", Shape::Scalar), ("r", Shape::Vector(3)), ("A", Shape::Matrix(3, 2))];
        assert_eq!(items, expected.map(|(name, shape)| Item { name: name.into(), shape }));
        assert_eq!(parse_items(" ").unwrap(), Items::default());
        for wrong in [",", "a,", "a[", "a[]", "a[0]", "a[1,2,3]", "a[3]b", "a,,b", "a[99999999]", "[3]"] {
            assert!(parse_items(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_of_settings() {
        let names = |text: &str| -> Vec<(String, usize)> {
            let settings = parse_settings(text).unwrap().0;
            settings.into_iter().map(|setting| (setting.name, setting.data.len())).collect()
        };
        let expected = [("x", 1), ("v", 2), ("A", 4), ("z", 2)];
        let text = "x=-1, v=[0,1],A=[[1,2],[3,4]],z=1+2i";
        assert_eq!(names(text), expected.map(|(name, len)| (name.to_string(), len)));
        assert_eq!(parse_weights("[1,-2]").unwrap().0[0].shape, Shape::Vector(2));
        for wrong in ["", "x", "x=", "x=1,", "=1", "x=1 y=2", "x=[1,2"] {
            assert!(parse_settings(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values() {
        let read = |text: &str| {
            let numbers = |data: Vec<Literal>| data.iter().map(|literal| literal.f64).collect::<Vec<f64>>();
            parse_value(text).map(|(shape, data)| (shape.dims(), numbers(data)))
        };
        assert_eq!(read("-1/4"), Ok((vec![], vec![-0.25])));
        assert_eq!(read("[1, 2 3]"), Ok((vec![3], vec![1.0, 2.0, 3.0])));
        assert_eq!(read("[[1,2],[3,4],[5,6]]"), Ok((vec![3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
        assert_eq!(read("inf").unwrap().1, [f64::INFINITY]);
        let parts = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 2.5];
        for (re, im) in parts.iter().flat_map(|&re| parts.map(|im| (re, im))) {
            let (shape, back) = parse_value(&complex(re, im)).expect("what is printed can be given");
            let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
            assert!(shape == Shape::Complex && same(back[0].f64, re) && same(back[1].f64, im), "{re} {im}");
        }
        let infinite = [f64::INFINITY, f64::NEG_INFINITY];
        for text in ["+inf.0-inf.0i", "inf-infi", "infinity − infinityi", "Inf - Infi", "inf.0-inf.0i"] {
            assert_eq!(read(text).unwrap().1, infinite, "{text}");
        }
        for (text, im) in [("2i", 2.0), ("i", 1.0), ("-i", -1.0), ("1e-5i", 1e-5), ("infi", f64::INFINITY)] {
            assert_eq!(read(text).unwrap().1, [0.0, im], "{text}");
        }
        for text in ["inf", "inf.0", "+inf.0", "infinity", "+Infinity"] {
            assert_eq!(read(text).unwrap().1, [f64::INFINITY], "{text}");
        }
        assert!(read("1 2i").is_err() && read("1 + 2").is_err() && read("1 * 2i").is_err());
        let wrong = [
            "",
            "x",
            "[",
            "]",
            "[]",
            "[1",
            "1]",
            "[1]2",
            "[1,]",
            "[,1]",
            "[[1],2]",
            "[1,[2]]",
            "[[1],[2,3]]",
            "1 2",
            "[[[1]]]",
            "[[]]",
            "1/0",
            "[1,,2]",
        ];
        for wrong in wrong {
            assert!(parse_value(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn printed_values() {
        let value = |data: &[f64], dims: &[usize], indent| value(data, &Form::from(dims), indent);
        let json = |data: &[f64], dims: &[usize]| json(data, &Form::from(dims));
        assert_eq!(value(&[2.0], &[], 0), "2");
        assert_eq!(value(&[1.0, -2.5], &[2], 0), "[1, -2.5]");
        assert_eq!(value(&[1.0, 2.0, 3.0, 40.0], &[2, 2], 4), "[[ 1,  2],\n     [ 3, 40]]");
        let cube: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(value(&cube, &[2, 2, 2], 0), "[[[0, 1],\n  [2, 3]],\n [[4, 5],\n  [6, 7]]]");
        assert_eq!(json(&cube, &[2, 2, 2]).to_string(), "[[[0.0,1.0],[2.0,3.0]],[[4.0,5.0],[6.0,7.0]]]");
        assert_eq!(json_number(f64::NAN), "NaN");
        let of_complex = Form { dims: vec![2], complex: true };
        let data = [1.0, -2.0, -0.0, f64::NAN];
        assert_eq!(super::value(&data, &of_complex, 0), "[1-2i, -0+NaNi]");
        let expected = r#"[{"re":1.0,"im":-2.0},{"re":-0.0,"im":"NaN"}]"#;
        assert_eq!(super::json(&data, &of_complex).to_string(), expected);
    }
}
