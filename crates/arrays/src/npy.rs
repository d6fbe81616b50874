//! The npy format: its header, and elements of every type that binary64 holds exactly, or binary32 can be rounded from.
//!
//! The header is the text of a Python dictionary. It is read here rather than by a general parser of Python literals,
//! since a hostile one must not cost more than its own length: nesting is bounded by the form, and sizes are checked
//! against the file before anything is allocated.

use std::collections::HashSet;

use nc_runtime::element::Element;
use nc_runtime::lanes::Precision;

use super::contents::{Budget, as_numbers};
use super::{Field, FileProblem, Form, Layout, ReadOptions};

/// The longest header that is accepted. NumPy itself accepts 10,000 bytes unless told to trust the file.
const MAX_HEADER: usize = 1 << 20;

/// The most dimensions that are accepted; NumPy has the same limit.
const MAX_DIMENSIONS: usize = 64;

/// The most elements that the rows of an array without rows may have. Otherwise the file's size limits them.
const MAX_IDLE_ELEMENTS: usize = 1 << 20;

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes from the start of a file that tell how long its header is.
pub(crate) const PREFIX: usize = 12;

/// Levels of fields within fields. They are not read, and have to be passed over.
const MAX_LEVELS: usize = 16;

/// What the header says.
#[derive(Debug)]
struct Header {
    descr: Descr,
    fortran_order: bool,
    shape: Vec<usize>,
    /// Where the data starts in the file.
    data: usize,
}

#[derive(Debug)]
enum Descr {
    Plain(String),
    Fields(Vec<FieldDescr>),
}

#[derive(Debug)]
struct FieldDescr {
    name: String,
    descr: Descr,
    shape: Vec<usize>,
}

impl Descr {
    /// Bytes of an item of any type, also one that cannot be read; `None` if they are too many or not known.
    fn size(&self) -> Option<usize> {
        match self {
            Descr::Plain(dtype) => ItemType::any_size(dtype),
            Descr::Fields(fields) => fields.iter().try_fold(0usize, |sum, field| {
                sum.checked_add(product(&field.shape)?.checked_mul(field.descr.size()?)?)
            }),
        }
    }
}

/// Why an array cannot be read, and which of its fields it is if it has some.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) field: Option<String>,
    pub(crate) problem: FileProblem,
}

impl From<FileProblem> for Refused {
    fn from(problem: FileProblem) -> Refused {
        Refused { field: None, problem }
    }
}

/// An array: its fields (one without a name if it is not structured), and numbers of its own unless they can be
/// used where they are.
#[derive(Debug)]
pub(crate) struct Array<T> {
    pub(crate) rows: usize,
    pub(crate) fields: Vec<Field>,
    pub(crate) numbers: Numbers<T>,
    /// Whether numbers were changed when they were rounded.
    pub(crate) rounded: bool,
    /// Names of fields that are not wanted.
    pub(crate) left_aside: Vec<String>,
}

/// Where the numbers of an array are.
#[derive(Debug)]
pub(crate) enum Numbers<T> {
    /// In the file, from this byte on.
    InPlace(usize),
    Converted(Vec<T>),
}

/// How long the header is with all before it, from the first [`PREFIX`] bytes of a file.
///
/// # Errors
/// If this is no npy file, or the header would be too long.
pub(crate) fn header_length(prefix: &[u8]) -> Result<usize, FileProblem> {
    let (length, rest) = header_start(prefix)?;
    if length > MAX_HEADER {
        return Err(FileProblem::HeaderLength { declared: length, possible: MAX_HEADER });
    }
    Ok(prefix.len() - rest.len() + length)
}

/// How long a file is to be, by its header.
///
/// # Errors
/// If the header is wrong, or has elements of an unknown size.
pub(crate) fn length(header: &[u8]) -> Result<usize, FileProblem> {
    let Header { descr, shape, data, .. } = read_header(header)?;
    let size = descr.size().ok_or_else(|| match &descr {
        Descr::Plain(dtype) => FileProblem::element_type(dtype, "the type is not known"),
        Descr::Fields(_) => FileProblem::TooLarge { shape: shape.clone() },
    })?;
    let bytes = product(&shape).and_then(|items| items.checked_mul(size)?.checked_add(data));
    bytes.filter(|&bytes| bytes <= isize::MAX as usize).ok_or(FileProblem::TooLarge { shape })
}

/// Reads an npy file from its bytes. Of a structured array the fields that are wanted are read.
pub(crate) fn read<T: Element>(
    bytes: &[u8],
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Array<T>, Refused> {
    let Header { descr, fortran_order, shape, data } = read_header(bytes)?;
    let start = data;
    let data = &bytes[start..];
    // A single number is an array of one row, which is no row of a batch.
    let (single, rows, row_shape) = match shape.split_first() {
        Some((&rows, row_shape)) => (false, rows, row_shape),
        None => (true, 1, &[][..]),
    };
    let too_large = || FileProblem::TooLarge { shape: shape.clone() };
    let items = product(row_shape).ok_or_else(too_large)?;
    let check_length = |item_size: usize| -> Result<(), FileProblem> {
        if items.checked_mul(item_size).ok_or_else(too_large)? == 0 {
            return Err(FileProblem::EmptyRows { shape: shape.clone() });
        }
        let needed = rows.checked_mul(items).and_then(|n| n.checked_mul(item_size)).ok_or_else(too_large)?;
        if needed != data.len() {
            return Err(FileProblem::DataLength { shape: shape.clone(), needed, found: data.len() });
        }
        if rows == 0 && items * item_size > MAX_IDLE_ELEMENTS {
            return Err(too_large());
        }
        Ok(())
    };
    match descr {
        Descr::Plain(dtype) => {
            let element = ItemType::parse(&dtype)?;
            let parts = element.parts();
            check_length(element.size * parts)?;
            let layout = Layout::whole(rows, row_shape, fortran_order).of_parts(parts);
            let form = Form { dims: row_shape.to_vec(), complex: element.complex };
            let field = Field { name: String::new(), single, form, storage: 0, layout };
            let mut rounded = false;
            let numbers = if element.is_native_number::<T>() && as_numbers::<T>(data).is_some() {
                Numbers::InPlace(start)
            } else {
                let place = |index: usize| match (index / parts, fortran_order) {
                    (index, false) => (index / items, index % items),
                    // Elements are counted row-major; the file counts the first dimension of a row fastest.
                    (index, true) => (index % rows, row_major_element(index / rows, row_shape)),
                };
                let mut numbers = budget.room_for(rows * items * parts)?;
                rounded = element.convert(data, &mut numbers, place)?;
                Numbers::Converted(numbers)
            };
            Ok(Array { rows, fields: vec![field], numbers, rounded, left_aside: Vec::new() })
        }
        Descr::Fields(descriptions) => {
            // Fields beside each other in every item; further dimensions would make arrays of records.
            if !row_shape.is_empty() {
                let reason = "a structured array must have rows as its only dimension";
                return Err(FileProblem::element_type("structured", reason).into());
            }
            if single {
                return Err(FileProblem::NoRows.into());
            }
            read_fields(data, rows, &shape, &descriptions, start, check_length, options, budget)
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "what the header and the caller say, once")]
fn read_fields<T: Element>(
    data: &[u8],
    rows: usize,
    shape: &[usize],
    descriptions: &[FieldDescr],
    start: usize,
    check_length: impl Fn(usize) -> Result<(), FileProblem>,
    options: &ReadOptions<'_>,
    budget: &Budget,
) -> Result<Array<T>, Refused> {
    let too_large = || FileProblem::TooLarge { shape: shape.to_vec() };
    let mut item_size = 0usize;
    let mut elements_per_row = 0usize;
    // Of each field that is wanted: what it is called, its shape, where it starts in an item, its elements' type, how many
    // numbers they are.
    let mut places = Vec::new();
    let mut left_aside = Vec::new();
    let mut names = HashSet::new();
    for FieldDescr { name, descr, shape } in descriptions {
        let of_field = |problem| Refused { field: Some(name.clone()), problem };
        let count = product(shape).ok_or_else(too_large)?;
        // NumPy fills gaps with nameless bytes without a type.
        let padding = match descr {
            Descr::Plain(dtype) if name.is_empty() => ItemType::padding(dtype),
            Descr::Plain(_) | Descr::Fields(_) => None,
        };
        let taken = if padding.is_none() { options.taken(name) } else { None };
        let size = match (&taken, descr) {
            (Some(taken), Descr::Plain(dtype)) => {
                let element = ItemType::parse(dtype).map_err(of_field)?;
                if count == 0 {
                    return Err(of_field(FileProblem::EmptyRows { shape: shape.clone() }));
                }
                if !names.insert(taken.clone()) {
                    return Err(FileProblem::DuplicateName { name: name.clone() }.into());
                }
                let numbers = count.checked_mul(element.parts()).ok_or_else(too_large)?;
                places.push((taken.clone(), shape, item_size, element, numbers));
                elements_per_row = elements_per_row.checked_add(numbers).ok_or_else(too_large)?;
                element.size * element.parts()
            }
            (Some(_), Descr::Fields(_)) => {
                let reason = "fields within fields are not supported";
                return Err(of_field(FileProblem::element_type("structured", reason)));
            }
            (None, _) => {
                if padding.is_none() {
                    left_aside.push(name.clone());
                }
                let size = padding.or_else(|| descr.size());
                size.ok_or_else(|| match descr {
                    Descr::Plain(dtype) => of_field(FileProblem::element_type(
                        dtype,
                        "it is not known how many bytes to pass over",
                    )),
                    Descr::Fields(_) => too_large().into(),
                })?
            }
        };
        let size = count.checked_mul(size).ok_or_else(too_large)?;
        item_size = item_size.checked_add(size).ok_or_else(too_large)?;
    }
    if places.is_empty() && left_aside.is_empty() {
        return Err(FileProblem::EmptyRows { shape: shape.to_vec() }.into());
    }
    check_length(item_size)?;

    let number = size_of::<T>();
    let in_place = item_size.is_multiple_of(number)
        && as_numbers::<T>(data).is_some()
        && places.iter().all(|(_, _, at, element, _)| element.is_native_number::<T>() && at % number == 0);
    let mut fields = Vec::new();
    let mut rounded = false;
    let mut numbers = if in_place { Vec::new() } else { budget.room_for(rows * elements_per_row)? };
    for (name, shape, at, element, count) in places {
        let form = Form { dims: shape.clone(), complex: element.complex };
        let layout = if in_place {
            Layout::rows_apart(item_size / number, at / number, &form.sizes())
        } else {
            let layout = Layout::rows_apart(count, numbers.len(), &form.sizes());
            for row in 0..rows {
                let item = &data[row * item_size + at..][..count * element.size];
                let converted = element.convert(item, &mut numbers, |index| (row, index));
                rounded |= converted.map_err(|problem| Refused { field: Some(name.clone()), problem })?;
            }
            layout
        };
        fields.push(Field { name, single: false, form, storage: 0, layout });
    }
    let numbers = if in_place { Numbers::InPlace(start) } else { Numbers::Converted(numbers) };
    Ok(Array { rows, fields, numbers, rounded, left_aside })
}

fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// The row-major number of the element of a row that column-major order counts as `index`.
fn row_major_element(mut index: usize, shape: &[usize]) -> usize {
    let mut element = 0;
    let mut stride: usize = shape.iter().product();
    for &size in shape {
        stride /= size;
        element += index % size * stride;
        index /= size;
    }
    element
}

/// Names of types, which some programs write for their codes.
const NAMES: [(&str, &str); 19] = [
    ("bool", "|b1"),
    ("int8", "|i1"),
    ("int16", "=i2"),
    ("int32", "=i4"),
    ("int64", "=i8"),
    ("uint8", "|u1"),
    ("uint16", "=u2"),
    ("uint32", "=u4"),
    ("uint64", "=u8"),
    ("float16", "=f2"),
    ("half", "=f2"),
    ("float32", "=f4"),
    ("single", "=f4"),
    ("float64", "=f8"),
    ("double", "=f8"),
    ("float", "=f8"),
    ("complex64", "=c8"),
    ("complex128", "=c16"),
    ("complex", "=c16"),
];

/// The type of an element.
#[derive(Debug, Clone, Copy)]
struct ItemType {
    /// Of a number, in bytes, at least 1.
    size: usize,
    kind: Kind,
    /// Whether an element is two such numbers.
    complex: bool,
    /// Whether the bytes stand in the order that is not this machine's.
    swapped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Signed,
    Unsigned,
    Float,
}

impl ItemType {
    fn parse(dtype: &str) -> Result<ItemType, FileProblem> {
        let refuse = |reason| FileProblem::element_type(dtype, reason);
        let dtype = NAMES.iter().find(|(name, _)| *name == dtype).map_or(dtype, |(_, code)| code);
        let (swapped, rest) = match dtype.as_bytes() {
            [b'<', rest @ ..] => (cfg!(target_endian = "big"), rest),
            [b'>', rest @ ..] => (cfg!(target_endian = "little"), rest),
            [b'=' | b'|', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (kind, size) = match rest {
            b"b1" | b"?" => (Kind::Boolean, 1),
            b"i1" => (Kind::Signed, 1),
            b"i2" => (Kind::Signed, 2),
            b"i4" => (Kind::Signed, 4),
            b"i8" => (Kind::Signed, 8),
            b"u1" => (Kind::Unsigned, 1),
            b"u2" => (Kind::Unsigned, 2),
            b"u4" => (Kind::Unsigned, 4),
            b"u8" => (Kind::Unsigned, 8),
            b"f2" => (Kind::Float, 2),
            b"f4" => (Kind::Float, 4),
            b"f8" => (Kind::Float, 8),
            [b'f', ..] => return Err(refuse("it has more precision than binary64")),
            b"c8" => (Kind::Float, 4),
            b"c16" => (Kind::Float, 8),
            [b'c', ..] => return Err(refuse("it has more precision than binary64")),
            [b'O', ..] => return Err(refuse("Python objects are not numbers")),
            [b'S' | b'a' | b'U', ..] => return Err(refuse("text is not a number")),
            [b'V', ..] => return Err(refuse("bytes without a type are not numbers")),
            [b'M' | b'm', ..] => {
                return Err(refuse("dates and times have no unit here; convert them to numbers"));
            }
            _ => return Err(refuse("the type is not known")),
        };
        Ok(ItemType { size, kind, complex: rest.starts_with(b"c"), swapped })
    }

    /// How many numbers an element is.
    fn parts(self) -> usize {
        if self.complex { 2 } else { 1 }
    }

    /// Bytes of an element of any type of known size, also one that cannot be read.
    fn any_size(dtype: &str) -> Option<usize> {
        if let Ok(element) = ItemType::parse(dtype) {
            return Some(element.size * element.parts());
        }
        let code = dtype.trim_start_matches(['<', '>', '=', '|']);
        let kind = code.chars().next()?;
        // Dates have their unit behind the size.
        let digits = code[kind.len_utf8()..].split('[').next()?;
        let size = digits.parse::<usize>().ok()?;
        match kind {
            'f' | 'c' | 'S' | 'a' | 'V' | 'M' | 'm' => Some(size),
            'U' => size.checked_mul(4),
            // The objects of a whole array stand together, so nothing behind them can be found.
            _ => None,
        }
    }

    /// The size of nameless bytes without a type.
    fn padding(dtype: &str) -> Option<usize> {
        let digits = dtype.strip_prefix('|').unwrap_or(dtype).strip_prefix('V')?;
        digits.parse().ok()
    }

    /// Whether this is `T` in this machine's byte order.
    fn is_native_number<T>(self) -> bool {
        self.kind == Kind::Float && self.size == size_of::<T>() && !self.swapped
    }

    /// Appends the numbers of `data` to `numbers`, and tells whether rounding changed any. `place` tells row and
    /// element of the one with an index.
    fn convert<T: Element>(
        self,
        data: &[u8],
        numbers: &mut Vec<T>,
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<bool, FileProblem> {
        let size = self.size;
        let mut rounded = false;
        for (index, bytes) in data.chunks_exact(size).enumerate() {
            let mut word = [0; 8];
            // The element's bytes, least significant first.
            word[..size].copy_from_slice(bytes);
            if self.swapped != cfg!(target_endian = "big") {
                word[..size].reverse();
            }
            let bits = u64::from_le_bytes(word);
            let exact = match self.kind {
                Kind::Boolean => f64::from(u8::from(bits != 0)),
                Kind::Float => match size {
                    2 => half(bits as u16),
                    4 => f64::from(f32::from_bits(bits as u32)),
                    _ => f64::from_bits(bits),
                },
                Kind::Signed | Kind::Unsigned => {
                    let unused = 64 - 8 * size as u32;
                    let value = match self.kind {
                        Kind::Signed => i128::from((bits << unused) as i64 >> unused),
                        _ => i128::from(bits),
                    };
                    let number = T::from_integer(value);
                    if number.to_f64() as i128 != value {
                        if T::PRECISION == Precision::Double {
                            let (row, element) = place(index);
                            return Err(FileProblem::InexactInteger { row, element, value });
                        }
                        rounded = true;
                    }
                    numbers.push(number);
                    continue;
                }
            };
            let number = T::from_f64(exact);
            rounded |= number.to_f64() != exact && !exact.is_nan();
            numbers.push(number);
        }
        Ok(rounded)
    }
}

/// The value of a binary16 number.
fn half(bits: u16) -> f64 {
    let magnitude = match (bits >> 10 & 0x1f, f64::from(bits & 0x3ff)) {
        (0, fraction) => fraction * 2f64.powi(-24),
        (0x1f, 0.0) => f64::INFINITY,
        (0x1f, _) => f64::NAN,
        (exponent, fraction) => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// How long the text of the header is, and all behind the bytes that say so.
fn header_start(bytes: &[u8]) -> Result<(usize, &[u8]), FileProblem> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(FileProblem::Magic) };
    let short = |declared| FileProblem::HeaderLength { declared, possible: rest.len() };
    let (&[major, minor], rest) = rest.split_first_chunk().ok_or_else(|| short(2))?;
    match (major, minor) {
        (1, 0) => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(|| short(4))?;
            Ok((usize::from(u16::from_le_bytes(*length)), rest))
        }
        (2 | 3, 0) => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(|| short(6))?;
            Ok((u32::from_le_bytes(*length) as usize, rest))
        }
        _ => Err(FileProblem::Version { major, minor }),
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, FileProblem> {
    let (length, rest) = header_start(bytes)?;
    let possible = rest.len().min(MAX_HEADER);
    if length > possible {
        return Err(FileProblem::HeaderLength { declared: length, possible });
    }
    let start = bytes.len() - rest.len();
    let mut parser = Parser { text: &rest[..length], at: 0, start };
    let mut header = parser.dictionary()?;
    header.data = start + length;
    Ok(header)
}

/// A recursive descent, in which only fields within fields recur, and not far.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the text starts in the file.
    start: usize,
}

impl Parser<'_> {
    fn dictionary(&mut self) -> Result<Header, FileProblem> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{', "'{'")?;
        while !self.accept(b'}') {
            let key = self.string("a key in quotes")?;
            self.expect(b':', "':'")?;
            let (key, repeated) = match key.as_str() {
                "descr" => ("descr", descr.replace(self.descr(0)?).is_some()),
                "fortran_order" => ("fortran_order", fortran_order.replace(self.boolean()?).is_some()),
                "shape" => ("shape", shape.replace(self.shape()?).is_some()),
                _ => return Err(self.expected("'descr', 'fortran_order' or 'shape' in front")),
            };
            if repeated {
                return Err(FileProblem::HeaderEntry { key });
            }
            if !self.accept(b',') {
                self.expect(b'}', "',' or '}'")?;
                break;
            }
        }
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.expected("the end of the header"));
        }
        let missing = |key| FileProblem::HeaderEntry { key };
        Ok(Header {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
            data: 0,
        })
    }

    fn descr(&mut self, level: usize) -> Result<Descr, FileProblem> {
        if !self.accept(b'[') {
            return self.string("a type in quotes or a list of fields").map(Descr::Plain);
        }
        if level == MAX_LEVELS {
            return Err(self.expected("no more than 16 levels of fields"));
        }
        let mut fields = Vec::new();
        while !self.accept(b']') {
            fields.push(self.field(level)?);
            if !self.accept(b',') {
                self.expect(b']', "',' or ']'")?;
                break;
            }
        }
        Ok(Descr::Fields(fields))
    }

    fn field(&mut self, level: usize) -> Result<FieldDescr, FileProblem> {
        self.expect(b'(', "a field in parentheses")?;
        // A field may have a title beside its name.
        let name = if self.accept(b'(') {
            self.string("a title in quotes")?;
            self.expect(b',', "','")?;
            let name = self.string("a name in quotes")?;
            self.expect(b')', "')'")?;
            name
        } else {
            self.string("a name in quotes")?
        };
        self.expect(b',', "','")?;
        let descr = match self.peek() {
            Some(b'[') => self.descr(level + 1)?,
            _ => Descr::Plain(self.string("a type in quotes")?),
        };
        let mut shape = Vec::new();
        if self.accept(b',') && self.peek() != Some(b')') {
            shape = match self.peek() {
                Some(b'0'..=b'9') => vec![self.size()?],
                _ => self.shape()?,
            };
            self.accept(b',');
        }
        self.expect(b')', "')'")?;
        Ok(FieldDescr { name, descr, shape })
    }

    fn shape(&mut self) -> Result<Vec<usize>, FileProblem> {
        self.expect(b'(', "a shape in parentheses")?;
        let mut shape = Vec::new();
        while !self.accept(b')') {
            if shape.len() == MAX_DIMENSIONS {
                return Err(self.expected("no more than 64 dimensions"));
            }
            shape.push(self.size()?);
            if !self.accept(b',') {
                self.expect(b')', "',' or ')'")?;
                break;
            }
        }
        Ok(shape)
    }

    fn size(&mut self) -> Result<usize, FileProblem> {
        self.skip_space();
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = str::from_utf8(&self.text[self.at..self.at + digits]).unwrap_or_default();
        let size = text.parse().map_err(|_| self.expected("a size"))?;
        self.at += digits;
        // Python 2 wrote long integers with a suffix.
        if self.text.get(self.at) == Some(&b'L') {
            self.at += 1;
        }
        Ok(size)
    }

    fn boolean(&mut self) -> Result<bool, FileProblem> {
        self.skip_space();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.expected("True or False"))
    }

    fn string(&mut self, expected: &'static str) -> Result<String, FileProblem> {
        self.skip_space();
        let Some(&quote @ (b'\'' | b'"')) = self.text.get(self.at) else {
            return Err(self.expected(expected));
        };
        let mut bytes = Vec::new();
        let mut rest = self.text[self.at + 1..].iter();
        loop {
            match rest.next() {
                Some(&byte) if byte == quote => break,
                Some(b'\\') => match rest.next() {
                    Some(&byte @ (b'\\' | b'\'' | b'"')) => bytes.push(byte),
                    _ => return Err(self.expected("a string with no other escapes than those of quotes")),
                },
                Some(&byte) => bytes.push(byte),
                None => return Err(self.expected("a string that ends")),
            }
        }
        let string = match String::from_utf8(bytes) {
            Ok(string) => string,
            // The first two versions of the format have Latin-1 text.
            Err(error) => error.as_bytes().iter().map(|&byte| char::from(byte)).collect(),
        };
        self.at = self.text.len() - rest.len();
        Ok(string)
    }

    fn skip_space(&mut self) {
        self.at += self.text[self.at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), FileProblem> {
        if self.accept(byte) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn expected(&self, expected: &'static str) -> FileProblem {
        FileProblem::Header { at: self.start + self.at, expected }
    }
}

/// The header of an npy file of numbers of this type in this machine's byte order and row-major order.
pub(crate) fn write_header<T: Element>(shape: &[usize], complex: bool) -> Vec<u8> {
    let (kind, size) = if complex { ('c', 2 * size_of::<T>()) } else { ('f', size_of::<T>()) };
    let order = if cfg!(target_endian = "big") { '>' } else { '<' };
    // A tuple of one number is spelled with a comma behind it, as Python does it.
    let shape = match shape {
        [rows] => format!("{rows},"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut text =
        format!("{{'descr': '{order}{kind}{size}', 'fortran_order': False, 'shape': ({shape}), }}");
    let prefix = MAGIC.len() + 4;
    // Padded so that the data is aligned to a cache line; the last character is a line feed.
    let padding = (prefix + text.len() + 1).next_multiple_of(64) - (prefix + text.len() + 1);
    text.extend(std::iter::repeat_n(' ', padding));
    text.push('\n');
    // At most 64 sizes of 20 digits: two bytes hold the length.
    let mut header = MAGIC.to_vec();
    header.extend([1, 0]);
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.bytes());
    header
}
