//! Files of weights: arrays that are called as parameters of a program; and which value of a parameter counts.

use std::path::Path;

use nc_arrays::{Form, NamedArray, read_whole_arrays, write_arrays};
use neural_compiler::Shape;
use neural_compiler::internals::number::Literal;

use super::Loaded;
use super::report::{Failure, eprint_lines};
use super::text::{self, Setting};

/// Whether a name is one of some.
type IsOne<'a> = &'a dyn Fn(&str) -> bool;

/// What gives parameters their values beside a file of weights. A parameter has the value that the first of these gives it:
///
/// 1. an option of the command line that names it: `--param`, `--set`, `--state`, `--fix`, `--tie`;
/// 2. a column of the batch or the data;
/// 3. the file of weights;
/// 4. the program: the number that it defines, or where it says that a training starts.
pub struct Given<'a> {
    /// Whether an option of the command line gives it one.
    pub by_option: IsOne<'a>,
    /// The file of the batch or the data, and whether a column of that is it.
    pub by_column: Option<(&'a str, IsOne<'a>)>,
}

/// The values of parameters that an npz file gives a program, where nothing counts more. Arrays that it does not need are left aside, and
/// named on standard error; all parameters of its networks need a value.
///
/// # Errors
///
/// A file that cannot be read, arrays of other shapes than the program declares, elements that are no numbers, and networks whose
/// parameters have no value.
pub fn read(option: &str, path: &Path, loaded: &Loaded, given: &Given<'_>) -> Result<Vec<Setting>, Failure> {
    let file = path.display();
    let declared = loaded.declared();
    let mut settings: Vec<Setting> = Vec::new();
    let (mut aside, mut in_columns) = (Vec::new(), Vec::new());
    for array in read_whole_arrays::<f64>(path)? {
        let name = array.name.as_str();
        if !loaded.names().contains(&name) {
            aside.push(array.name);
            continue;
        }
        let wrong =
            |why: String| Failure::message("shape", format!("{option} {file}: the array {name:?} has {why}"));
        let shape = text::shape_of(&array.form).map_err(wrong)?;
        let found = || match shape {
            Shape::Scalar => "one number".to_owned(),
            shape => text::item("", shape),
        };
        if let Some((_, expected)) = declared.iter().find(|(known, _)| known == name)
            && *expected != shape
        {
            let expected = text::item(name, *expected);
            return Err(wrong(format!("the shape {}, and the program takes {expected}", found())));
        }
        if let Some(place) = array.data.iter().position(|x| !x.is_finite()) {
            return Err(wrong(format!("the element {} at {place}, which is no number", array.data[place])));
        }
        if (given.by_option)(name) {
            continue;
        }
        if given.by_column.is_some_and(|(_, is_column)| is_column(name)) {
            in_columns.push(array.name);
            continue;
        }
        let data = array.data.iter().map(|&x| Literal { f64: x, f32: x as f32 }).collect();
        settings.push(Setting { name: array.name, shape, data });
    }
    let is_given = |name: &str| {
        settings.iter().any(|setting| setting.name == name)
            || (given.by_option)(name)
            || given.by_column.is_some_and(|(_, is_column)| is_column(name))
    };
    let missing: Vec<String> = declared
        .iter()
        .filter(|(name, _)| !is_given(name))
        .map(|(name, shape)| text::item(name, *shape))
        .collect();
    if !missing.is_empty() {
        let message = format!("{option} {file}: there are no arrays for: {}", missing.join(", "));
        let mut failure = Failure::message("missing-input", message)
            .note(format!("{} takes them as weights of its networks", loaded.source.name));
        if !aside.is_empty() {
            failure = failure.note(format!("there is also: {}", aside.join(", ")));
        }
        return Err(failure);
    }
    if !aside.is_empty() {
        let what = if aside.len() == 1 { "is" } else { "are" };
        let (names, program) = (aside.join(", "), &loaded.source.name);
        eprint_lines(&format!(
            "note: {file}: {names} {what} left aside: {program} does not take {}\n",
            if aside.len() == 1 { "it" } else { "them" }
        ));
    }
    if let (Some((batch, _)), false) = (given.by_column, in_columns.is_empty()) {
        let names = in_columns.join(", ");
        eprint_lines(&format!("note: {names}: the columns of {batch} count, not the numbers in {file}\n"));
    }
    Ok(settings)
}

/// Writes values of parameters to an npz file, each an array of its name and shape.
pub fn write(path: &Path, values: &[(String, Shape, Vec<f64>)]) -> Result<(), Failure> {
    let forms: Vec<Form> = values.iter().map(|(_, shape, _)| text::form(*shape)).collect();
    let arrays: Vec<NamedArray<'_>> = values
        .iter()
        .zip(&forms)
        .map(|((name, _, data), form)| NamedArray { name, rows: None, form, data })
        .collect();
    Ok(write_arrays(path, &arrays)?)
}
